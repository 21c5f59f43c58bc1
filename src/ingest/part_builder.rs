//! Makes a part of a batch: the records of some lines of a log file, its rejected lines, and which line gave which row.

use std::sync::Arc;

use super::LinesBlock;
use crate::cache::{BatchBuilder, FileMark, FilePart, LineRun, RejectedLine};
use crate::log::{Parser, RecordGroup, Rejection, Sink, unfinished_line};

/// Which lines gave the rows of a part. Lines are counted from 0 within the part.
#[derive(Default)]
struct LineRuns {
    runs: Vec<LineRun>,
    /// The first line of the open run, in which each line gives one row.
    first: u64,
}

impl LineRuns {
    /// Notes a line that gave no row or several.
    fn exception(&mut self, line: u64, rows: usize) {
        self.close_run(line);
        // Each row of the line has a run of its own.
        self.runs.extend((0..rows).map(|_| LineRun { line, rows: 1 }));
        self.first = line + 1;
    }

    fn close_run(&mut self, end: u64) {
        if end > self.first {
            self.runs.push(LineRun { line: self.first, rows: (end - self.first) as usize });
        }
    }

    /// The runs of a part with this number of lines; empty if each line gave one row.
    fn finish(mut self, lines: u64) -> Vec<LineRun> {
        if self.first > 0 {
            self.close_run(lines);
        }
        self.runs
    }
}

/// Adds the records of some lines to a batch, and collects the rejected lines.
pub(super) struct PartBuilder<'b> {
    builder: &'b mut BatchBuilder,
    first_line: u64,
    rows_before: usize,
    rejected: Vec<RejectedLine>,
    runs: LineRuns,
}

impl<'b> PartBuilder<'b> {
    /// A part that begins with this line of the file, counted from 1.
    pub(super) fn new(builder: &'b mut BatchBuilder, first_line: u64) -> PartBuilder<'b> {
        let rows_before = builder.rows();
        PartBuilder { builder, first_line, rows_before, rejected: Vec::new(), runs: LineRuns::default() }
    }

    /// Ends the part after this number of lines. `total_lines`: those of the file, if it ends here. Returns whether a line
    /// gave no record, or several.
    pub(super) fn finish(self, file: &Arc<FileMark>, lines: u64, total_lines: Option<u64>) -> bool {
        let PartBuilder { builder, first_line, rows_before, rejected, runs } = self;
        let rows = builder.rows() - rows_before;
        let line_runs = runs.finish(lines);
        let has_exceptions = !line_runs.is_empty() || rows as u64 != lines;
        let file = file.clone();
        builder.end_part(FilePart { file, first_line, lines, rows, line_runs, rejected, total_lines });
        has_exceptions
    }

    fn reject(&mut self, line: u64, reason: String, content: Vec<u8>) {
        self.rejected.push(RejectedLine { line: self.first_line + line, reason, content });
    }
}

impl Sink for PartBuilder<'_> {
    fn records(&mut self, records: &RecordGroup<'_, '_>) {
        self.builder.extend(*records);
    }

    fn rejected(&mut self, line: u64, text: &[u8], reason: Rejection) {
        self.reject(line, reason.to_string(), text.to_vec());
    }

    fn record_count(&mut self, line: u64, records: usize) {
        self.runs.exception(line, records);
    }
}

/// What was added to a batch.
pub(super) struct Parsed {
    pub(super) lines: u64,
    /// Whether a line gave no record, or several.
    pub(super) has_exceptions: bool,
}

/// Parses a lines block and adds its records to a batch, as one part with the rejected lines.
pub(super) fn add_block(
    parser: &mut Parser,
    file: &Arc<FileMark>,
    block: &mut LinesBlock,
    builder: &mut BatchBuilder,
) -> Parsed {
    let long = block.long.as_ref();
    let LinesBlock { first_line, is_last, .. } = *block;
    let text = block.text();
    let unfinished = if is_last && file.may_grow && long.is_none() { unfinished_line(text) } else { &[] };
    let mut part = PartBuilder::new(builder, first_line);
    let mut count = parser.parse_block(&text[..text.len() - unfinished.len()], &mut part);
    let unfinished = (!unfinished.is_empty()).then(|| (UNFINISHED_LINE.to_owned(), unfinished.to_vec()));
    let long = long.map(|long| (long.reason(), long.prefix.clone()));
    for (reason, content) in unfinished.into_iter().chain(long) {
        part.reject(count, reason, content);
        part.runs.exception(count, 0);
        count += 1;
    }
    let total_lines = is_last.then_some(first_line - 1 + count);
    Parsed { lines: count, has_exceptions: part.finish(file, count, total_lines) }
}

/// Why the last line of a file that may grow is rejected.
const UNFINISHED_LINE: &str =
    "the last line has no line end and looks incomplete: it is read again when the file has grown";
