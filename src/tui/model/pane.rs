//! A pane in front of the table: the answer of an analysis that the user asked for.

use crate::insight::concentration::Concentration;
use crate::insight::contrast::Contrast;
use crate::query::{Dimension, Filter, Measure, TimeRange};
use crate::tui::model::analysis::Pending;

#[derive(Clone, Debug)]
pub(crate) enum Pane {
    Contrast(Box<ContrastPane>),
    Concentration(ConcentrationPane),
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

impl Pane {
    /// Number of the analysis that the pane waits for.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Pane::Contrast(pane) => pane.answer.number,
            Pane::Concentration(pane) => pane.answer.number,
        }
    }
}
