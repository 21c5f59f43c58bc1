//! The prompt: a line in which the user types a filter, a command or the name of a file.

use tui_input::Input;

use crate::insight::findings::mute::Mute;
use crate::query::{Dimension, Filter};
use crate::tui::model::{Export, Layer, palette::Line};

#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// The filter of the layer in front, which is applied while the user types.
    Filter {
        /// The layer before editing, for Esc.
        before: Box<Layer>,
        /// The filter to apply when the timer ends.
        pending: Option<Filter>,
        timer: u64,
    },
    /// A command line, below the palette.
    Command,
    Export,
    /// The reason for these mutes.
    Mute(Vec<Mute>),
    /// The file for the block list in the pane in front.
    BlockFile,
    /// `y` or `n`: whether to replace an existing file.
    Overwrite(Box<Export>),
    /// `y` or `n`: whether to stop the running export.
    StopExport {
        /// Whether to quit afterwards.
        quit: bool,
    },
}

/// An error in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Index of the character, from 0.
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// Completions of the word before the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Number of the running [`Effect::Complete`](crate::tui::model::action::Effect::Complete).
    pub(crate) number: u64,
    /// The dimension whose values were requested.
    pub(crate) of: Option<Dimension>,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) candidates: Vec<String>,
    /// Index of the candidate in the text.
    pub(crate) chosen: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) purpose: Purpose,
    pub(crate) input: Input,
    pub(crate) problem: Option<Problem>,
    /// Why a valid filter cannot match anything.
    pub(crate) warning: Option<String>,
    pub(crate) completion: Option<Completion>,
    /// Whether the text is only a proposal: the first typed character replaces it.
    pub(crate) is_proposal: bool,
    /// How many history entries ago the text was entered, and what the user had typed before.
    pub(crate) recalled: Option<(usize, String)>,
    /// Index of the chosen entry of the palette.
    pub(crate) selected: usize,
    /// What the text is as a command line.
    pub(crate) line: Line,
}

impl Prompt {
    /// A prompt with `text` and the cursor at its end.
    pub(crate) fn new(purpose: Purpose, text: String) -> Prompt {
        Prompt {
            purpose,
            input: Input::new(text),
            problem: None,
            warning: None,
            completion: None,
            is_proposal: false,
            recalled: None,
            selected: 0,
            line: Line::No,
        }
    }

    /// A prompt whose text is a proposal.
    pub(crate) fn proposing(purpose: Purpose, text: String) -> Prompt {
        Prompt { is_proposal: true, ..Prompt::new(purpose, text) }
    }

    /// What is shown in front of the text.
    pub(crate) fn label(&self) -> &'static str {
        match self.purpose {
            Purpose::Filter { .. } => "filter ",
            Purpose::Command => ":",
            Purpose::Export => "export to ",
            Purpose::Mute(_) => "mute, because ",
            Purpose::BlockFile => "write to ",
            Purpose::Overwrite(_) | Purpose::StopExport { .. } => "",
        }
    }

    /// Replaces the text and moves the cursor after its first `cursor` characters, or to its end.
    pub(crate) fn set(&mut self, text: String, cursor: Option<usize>) {
        let end = text.chars().count();
        self.input = Input::new(text).with_cursor(cursor.unwrap_or(end));
    }
}
