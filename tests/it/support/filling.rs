//! Adds lines to a cache without files and threads. The test decides when to commit.

use std::path::Path;
use std::sync::Arc;

use tamarin::cache::{Appended, Batch, BatchBuilder, FileMark, FilePart, Writer, WriterOptions};
use tamarin::log::{Parser, RecordGroup, Rejection, Sink};

/// Fills a cache.
pub(crate) struct Filling {
    pub(crate) writer: Writer,
    parser: Parser,
    builder: BatchBuilder,
    /// Number of log files so far.
    pub(crate) files: u64,
}

/// The name of a log file, counted from 1.
pub(crate) fn file_name(number: u64) -> String {
    format!("{}-{number}", std::process::id())
}

impl Filling {
    /// Opens a cache whose segments have `segment_rows` rows.
    pub(crate) fn new(path: &Path, segment_rows: usize) -> Filling {
        Filling::by(
            Writer::open_with(path, WriterOptions { segment_rows, ..WriterOptions::default() }).unwrap(),
        )
    }

    /// Fills the cache of a writer.
    pub(crate) fn by(writer: Writer) -> Filling {
        let builder = BatchBuilder::with_dictionaries(writer.dictionaries());
        Filling { writer, parser: Parser::new(), builder, files: 0 }
    }

    /// The name of the log file that was appended last.
    pub(crate) fn last_file(&self) -> String {
        file_name(self.files)
    }

    /// Appends records as one batch and one log file. Each line must be a record.
    pub(crate) fn append<L: AsRef<[u8]>>(
        &mut self,
        source: tamarin::cache::SourceId,
        lines: &[L],
    ) -> Appended {
        let block = lines.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(&b'\n');
        self.parser.parse_block(&block, &mut RecordSink(&mut self.builder));
        let rows = self.builder.rows();
        self.files += 1;
        let file = FileMark {
            name: file_name(self.files),
            version: Some("1".to_owned()),
            size: None,
            may_grow: false,
        };
        self.builder.end_part(FilePart {
            file: Arc::new(file),
            first_line: 1,
            lines: lines.len() as u64,
            rows,
            line_runs: Vec::new(),
            rejected: Vec::new(),
            total_lines: Some(lines.len() as u64),
        });
        self.writer.append(source, &mut self.builder.finish(Batch::default())).unwrap()
    }
}

/// Adds records to a batch.
struct RecordSink<'b>(&'b mut BatchBuilder);

impl Sink for RecordSink<'_> {
    fn records(&mut self, records: &RecordGroup<'_, '_>) {
        self.0.extend(*records);
    }

    fn rejected(&mut self, _: u64, text: &[u8], reason: Rejection) {
        panic!("{reason}: {}", String::from_utf8_lossy(text));
    }

    fn record_count(&mut self, _: u64, _: usize) {}
}
