//! The parts of log files in a batch: which lines gave which rows, and the rejected lines.

use std::sync::Arc;

/// A log file, as the catalogue identifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileMark {
    /// Name within the source.
    pub name: String,
    /// ETag, or size and time of change. It changes when the content changes.
    pub version: Option<String>,
    /// Stored bytes, if known.
    pub size: Option<u64>,
    /// Whether another program may be appending lines to the file.
    pub may_grow: bool,
}

/// Lines of one log file, all in one batch.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The log file.
    pub file: Arc<FileMark>,
    /// Number of the first line, from 1.
    pub first_line: u64,
    /// Number of lines, empty and rejected ones included.
    pub lines: u64,
    /// Number of rows of the batch that the lines gave. The rows of the parts follow each other in the order
    /// of the parts.
    pub rows: usize,
    /// Which lines gave the rows. Empty: every line from `first_line` on gave one row.
    pub line_runs: Vec<LineRun>,
    /// Lines that are not records.
    pub rejected: Vec<RejectedLine>,
    /// Number of lines of the whole file. Only the part with the last line has it.
    pub total_lines: Option<u64>,
}

/// Consecutive lines that gave one row each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRun {
    /// The first line, counted from 0 at the first line of the part.
    pub line: u64,
    /// Number of lines and rows.
    pub rows: usize,
}

impl FilePart {
    /// Renumbers the lines, which are numbered from 1, to begin at `first`.
    pub fn number_from(&mut self, first: u64) {
        let before = first - 1;
        self.first_line += before;
        self.rejected.iter_mut().for_each(|rejected| rejected.line += before);
        self.total_lines = self.total_lines.map(|lines| lines + before);
    }
}

/// The start of the reason of a rejected line that was too long to be kept whole.
pub const CUT_LINE_REASON: &str = "longer than";

/// A line that is not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// Number of the line, from 1.
    pub line: u64,
    /// Why the line is not a record.
    pub reason: String,
    /// The bytes of the line, without its line end.
    pub content: Vec<u8>,
}

impl RejectedLine {
    /// Approximate bytes of memory.
    pub fn bytes(&self) -> usize {
        size_of::<RejectedLine>() + self.reason.len() + self.content.len()
    }
}
