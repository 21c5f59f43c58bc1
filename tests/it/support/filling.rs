//! Lines put into a cache by hand: no files, no threads, commits when the test says so.

use std::path::Path;
use std::sync::Arc;

use tamarin::cache::{Appended, BatchBuilder, FileMark, Part, Writer, WriterOptions};
use tamarin::log::{Parser, RecordGroup, Rejection, Sink};

/// A cache being filled.
pub(crate) struct Filling {
    pub(crate) writer: Writer,
    parser: Parser,
    builder: BatchBuilder,
    files: u64,
}

impl Filling {
    /// Of a cache with segments of that many rows.
    pub(crate) fn new(path: &Path, segment_rows: usize) -> Filling {
        Filling::by(Writer::open_with(path, WriterOptions { segment_rows }).unwrap())
    }

    /// By a writer.
    pub(crate) fn by(writer: Writer) -> Filling {
        // As the ingest does it.
        let builder = BatchBuilder::with_dictionaries(writer.dictionaries());
        Filling { writer, parser: Parser::new(), builder, files: 0 }
    }

    /// Appends lines as a batch of their own, a log file of their own.
    pub(crate) fn append<L: AsRef<[u8]>>(&mut self, source: i64, lines: &[L]) -> Appended {
        let before = self.builder.rows();
        let block = lines.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(&b'\n');
        self.parser.parse_block(&block, &mut RecordsOnly(&mut self.builder));
        let rows = self.builder.rows() - before;
        self.files += 1;
        let file = FileMark {
            name: format!("{}-{}", std::process::id(), self.files),
            version: Some("1".to_owned()),
            size: None,
            may_grow: false,
        };
        self.builder.end_part(Part {
            file: Arc::new(file),
            first_line: 1,
            lines: lines.len() as u64,
            rows,
            line_runs: Vec::new(),
            rejected: Vec::new(),
            total_lines: Some(lines.len() as u64),
        });
        self.writer.append(source, self.builder.finish()).unwrap()
    }
}

/// Adds the records of lines to a batch. Each line must have a record.
struct RecordsOnly<'b>(&'b mut BatchBuilder);

impl Sink for RecordsOnly<'_> {
    fn records(&mut self, records: &RecordGroup<'_, '_>) {
        self.0.extend(records);
    }

    fn rejected(&mut self, _: u64, text: &[u8], reason: Rejection) {
        panic!("{reason}: {}", String::from_utf8_lossy(text));
    }

    fn record_count(&mut self, _: u64, _: usize) {}
}
