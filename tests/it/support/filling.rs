//! Lines put into a cache by hand: no files, no threads, commits when the test says so.

use std::path::Path;
use std::sync::Arc;

use tamarin::cache::{Appended, Batch, BatchBuilder, FileMark, FilePart, Writer, WriterOptions};
use tamarin::log::{Lines, Record, read_plain, records};

/// A cache being filled.
pub(crate) struct Filling {
    pub(crate) writer: Writer,
    builder: BatchBuilder,
    files: u64,
}

impl Filling {
    /// Of a cache with segments of that many rows.
    pub(crate) fn new(path: &Path, segment_rows: usize) -> Filling {
        Filling::by(
            Writer::open_with(path, WriterOptions { segment_rows, ..WriterOptions::default() }).unwrap(),
        )
    }

    /// By a writer.
    pub(crate) fn by(writer: Writer) -> Filling {
        // As the ingest does it.
        let builder = BatchBuilder::with_dictionaries(writer.dictionaries());
        Filling { writer, builder, files: 0 }
    }

    /// Appends lines as a batch of their own, a log file of their own.
    pub(crate) fn append<L: AsRef<[u8]>>(&mut self, source: i64, lines: &[L]) -> Appended {
        let mut rows = 0;
        let mut plain = Record::default();
        for line in lines {
            // As the ingest does it.
            let mut by_itself = Lines::of(line.as_ref());
            if by_itself
                .next_line()
                .is_some_and(|line| read_plain(&line, &mut plain, &mut self.builder.frames))
            {
                self.builder.extend(std::slice::from_ref(&plain));
                rows += 1;
                continue;
            }
            for (_, record) in records(line.as_ref()) {
                self.builder.extend(&[record.unwrap()]);
                rows += 1;
            }
        }
        self.files += 1;
        let file = FileMark {
            name: format!("{}-{}", std::process::id(), self.files),
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
