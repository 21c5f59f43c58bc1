//! A month of log lines in a temporary cache.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tamarin::cache::{Batch, BatchBuilder, Cache, FileMark, FilePart, SourceId, Writer};
use tamarin::log::{Parser, RecordGroup, Rejection, Sink};

use crate::month::Month;
use crate::record::LineWriter;

/// Records per log file.
const RECORDS_PER_FILE: usize = 32_768;

/// Writes lines into a new cache.
pub(crate) struct CacheFiller {
    folder: tempfile::TempDir,
    writer: Writer,
    source: SourceId,
    parser: Parser,
    builder: BatchBuilder,
    files: usize,
}

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

impl CacheFiller {
    pub(crate) fn new() -> CacheFiller {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::open(&folder.path().join("cache.tamarin")).expect("a cache");
        let source = writer.source("s3://logs.example/").expect("a source");
        let builder = BatchBuilder::with_dictionaries(writer.dictionaries());
        CacheFiller { folder, writer, source, parser: Parser::new(), builder, files: 0 }
    }

    /// Appends a log file.
    pub(crate) fn append(&mut self, lines: &str, count: usize) {
        self.parser.parse_block(lines.as_bytes(), &mut RecordSink(&mut self.builder));
        let rows = self.builder.rows();
        self.files += 1;
        let name = format!("log-{:06}", self.files);
        self.builder.end_part(FilePart {
            file: Arc::new(FileMark { name, version: None, size: None, may_grow: false }),
            first_line: 1,
            lines: count as u64,
            rows,
            line_runs: Vec::new(),
            rejected: Vec::new(),
            total_lines: Some(count as u64),
        });
        self.writer
            .append(self.source, &mut self.builder.finish(Batch::default()))
            .expect("a batch is written");
    }

    /// The cache; the folder is removed when it is dropped.
    pub(crate) fn finish(mut self) -> (tempfile::TempDir, Arc<Cache>) {
        self.writer.commit().expect("a commit");
        let path = self.writer.path().to_owned();
        drop(self.writer);
        (self.folder, Arc::new(Cache::open(&path).expect("the cache")))
    }
}

/// Writes the lines of a month into a cache, and to a file in `dump`, if present.
pub(crate) fn of_month(month: &Month, bucket: &str, dump: Option<&Path>) -> (tempfile::TempDir, Arc<Cache>) {
    let mut filler = CacheFiller::new();
    let mut writer = LineWriter::new(bucket, month.start);
    let mut file = dump.map(|path| std::fs::File::create(path).expect("a file for the log lines"));
    let mut lines = String::new();
    for (part, requests) in month.requests.chunks(RECORDS_PER_FILE).enumerate() {
        lines.clear();
        for (at, request) in requests.iter().enumerate() {
            writer.write(part * RECORDS_PER_FILE + at, request, &month.texts, &mut lines);
        }
        if let Some(file) = &mut file {
            file.write_all(lines.as_bytes()).expect("log lines are written");
        }
        filler.append(&lines, requests.len());
    }
    filler.finish()
}
