//! A pane in front of the table: the answer of an analysis that the user asked for.

use crate::insight::block::{Format, Notes, Plan, Target};
use crate::insight::concentration::Concentration;
use crate::insight::contrast::Contrast;
use crate::query::{Dimension, Filter, Measure, TimeRange};
use crate::tui::model::analysis::Pending;
use crate::tui::model::reading::{TextLine, Tone};
use crate::tui::{format, widgets::fit};

#[derive(Clone, Debug)]
pub(crate) enum Pane {
    Contrast(Box<ContrastPane>),
    Concentration(ConcentrationPane),
    Block(BlockPane),
}

/// What tells a set of requests apart from others.
#[derive(Clone, Debug)]
pub(crate) struct ContrastPane {
    /// The set, in words; control characters are visible.
    pub(crate) of: String,
    /// What it is compared with, in words.
    pub(crate) against: String,
    /// The set.
    pub(crate) filter: Filter,
    pub(crate) time: TimeRange,
    pub(crate) answer: Pending<Contrast>,
    pub(crate) cursor: usize,
    /// Index of the first row on the screen.
    pub(crate) top: usize,
}

impl ContrastPane {
    pub(crate) fn row_count(&self) -> usize {
        self.answer.data.as_ref().map_or(0, |contrast| contrast.rows.len())
    }

    /// Moves the cursor to the row at index `row`, or to the last row, and scrolls there.
    pub(crate) fn move_to(&mut self, row: usize, page: usize) {
        self.cursor = row.min(self.row_count().saturating_sub(1));
        let page = page.max(1);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + page {
            self.top = self.cursor + 1 - page;
        }
    }
}

/// How unevenly a measure is distributed over the values of the table.
#[derive(Clone, Debug)]
pub(crate) struct ConcentrationPane {
    pub(crate) by: Dimension,
    /// Requests, bytes sent or errors.
    pub(crate) of: Measure,
    pub(crate) answer: Pending<Concentration>,
}

/// A block list.
#[derive(Clone, Debug)]
pub(crate) struct BlockPane {
    pub(crate) targets: Vec<Target>,
    pub(crate) format: Format,
    pub(crate) answer: Pending<Plan>,
    /// Index of the first line on the screen.
    pub(crate) top: usize,
    /// Whether the list is copied as soon as it is complete.
    pub(crate) is_copied_when_complete: bool,
}

impl BlockPane {
    /// The list in the chosen format, or why there is none. `None` while it is not known whom it hits.
    pub(crate) fn text(&self) -> Option<Result<String, String>> {
        let plan = self.answer.data.as_ref()?;
        Some(plan.write(self.format).map_err(|error| error.to_string()))
    }
}

/// The lines of a block list: what to know before using it, then the list itself. Control characters are visible.
pub(crate) fn block_lines(pane: &BlockPane, width: usize) -> Vec<TextLine> {
    let Some(plan) = &pane.answer.data else { return Vec::new() };
    let mut lines = Vec::new();
    let line = |tone, text| TextLine { tone, text };
    let mut wrapped = |tone, text: &str| {
        lines.extend(fit::wrap(&format::visible(text), width).into_iter().map(|text| line(tone, text)));
    };
    let notes = plan.notes(pane.format, Notes::First);
    for note in &notes {
        wrapped(Tone::Error, &format!("! {note}"));
    }
    if notes.is_empty() {
        wrapped(Tone::Quiet, "No other client in the logs is in these networks.");
    }
    wrapped(Tone::Text, "");
    match pane.text() {
        Some(Ok(text)) => text.lines().for_each(|text| wrapped(Tone::Text, text)),
        Some(Err(error)) => wrapped(Tone::Error, &error),
        None => {}
    }
    lines
}

impl Pane {
    /// Number of the analysis that the pane waits for.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Pane::Contrast(pane) => pane.answer.number,
            Pane::Concentration(pane) => pane.answer.number,
            Pane::Block(pane) => pane.answer.number,
        }
    }
}
