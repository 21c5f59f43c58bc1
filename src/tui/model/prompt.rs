//! The line being typed: a filter, a command, the name of a file.

use tui_input::Input;

use crate::query::{Dimension, Filter};
use crate::tui::model::action::Export;
use crate::tui::model::layer::Layer;

/// What is being typed.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// The filter of the layer, which follows as long as it can be read.
    Filter {
        /// The layer as it was; Esc puts it back.
        before: Box<Layer>,
        /// The filter to be tried when the fingers rest.
        pending: Option<Filter>,
        /// The number of the wake-up for that.
        wake: u64,
    },
    /// A command.
    Command,
    /// The name of a file to export to.
    Export,
    /// `y` or `n`: whether to replace a file.
    Overwrite(Box<Export>),
    /// `y` or `n`: whether to stop the export that is being written, and to quit then.
    StopExport {
        /// Whether to quit.
        quit: bool,
    },
}

/// What is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// At which character, from 0.
    pub(crate) column: usize,
    /// What.
    pub(crate) message: String,
}

/// What completes the word before the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Which request for completion is waited for.
    pub(crate) number: u64,
    /// The dimension whose values are waited for, and whether its name stood with a minus before it.
    pub(crate) of: Option<Dimension>,
    /// Text before the word, the same for all.
    pub(crate) before: String,
    /// Text behind the cursor.
    pub(crate) behind: String,
    /// What can stand for the word.
    pub(crate) candidates: Vec<String>,
    /// The one that stands there now.
    pub(crate) chosen: Option<usize>,
}

/// The line being typed.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// The text and the cursor in it.
    pub(crate) input: Input,
    /// What is wrong with it.
    pub(crate) problem: Option<Problem>,
    /// What completes it.
    pub(crate) completion: Option<Completion>,
    /// How far back in the history the text was taken from, and what was typed before that.
    pub(crate) recalled: Option<(usize, String)>,
}

impl Prompt {
    /// With some text, the cursor behind it.
    pub(crate) fn new(purpose: Purpose, text: String) -> Prompt {
        Prompt { purpose, input: Input::new(text), problem: None, completion: None, recalled: None }
    }

    /// What stands before the text.
    pub(crate) fn sign(&self) -> &'static str {
        match self.purpose {
            Purpose::Filter { .. } => "filter ",
            Purpose::Command => ":",
            Purpose::Export => "export to ",
            Purpose::Overwrite(_) | Purpose::StopExport { .. } => "",
        }
    }

    /// Replaces the text; the cursor goes behind `cursor` characters.
    pub(crate) fn set(&mut self, text: String, cursor: Option<usize>) {
        let end = text.chars().count();
        self.input = Input::new(text).with_cursor(cursor.unwrap_or(end));
    }
}
