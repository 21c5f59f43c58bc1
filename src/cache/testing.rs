//! Caches with generated requests, for tests.

use std::path::Path;
use std::sync::Arc;

use crate::cache::{Batch, BatchBuilder, FileMark, FilePart, Writer};
use crate::log::records;

/// 2026-04-01T00:00:00Z.
pub(crate) const START: i64 = 1_775_001_600;

/// A request that is identified by its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Seconds since [`START`].
    pub second: i64,
    /// Number of distinct keys.
    pub keys: i64,
}

impl Request {
    /// A request at a second after [`START`].
    pub(crate) fn at(second: i64) -> Request {
        Request { second, keys: 1000 }
    }

    fn line(self) -> String {
        let (day, second) = (1 + self.second / 86_400, self.second % 86_400);
        format!(
            "3f9c1e0d7a5b48c2966e1f0b7d3a5c84e2109fb6d8c74a3150e6b92f7d1c8a43 acme-media \
             [{day:02}/Apr/2026:{:02}:{:02}:{:02} +0000] 203.0.113.{} - {:016X} REST.GET.OBJECT k{} \
             \"GET /k{} HTTP/1.1\" 200 - {} 5000 12 7 \"-\" \"aws-cli/2.15\" - \
             s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 \
             ECDHE-RSA-AES128-GCM-SHA256 AuthHeader acme-media.s3.eu-west-1.amazonaws.com TLSv1.2 - -",
            second / 3600,
            second / 60 % 60,
            second % 60,
            self.second % 9,
            self.second,
            self.second % self.keys,
            self.second % self.keys,
            self.second,
        )
    }
}

/// A batch of requests of one log file.
pub(crate) fn batch(file: &str, requests: &[Request], first_line: u64, is_last: bool) -> Batch {
    let mut builder = BatchBuilder::default();
    for request in requests {
        let line = request.line();
        for (_, record) in records(line.as_bytes()) {
            builder.extend(&[record.unwrap()]);
        }
    }
    let version = Some("1".to_owned());
    let lines = requests.len() as u64;
    builder.end_part(FilePart {
        file: Arc::new(FileMark { name: file.to_owned(), version, size: Some(1), may_grow: false }),
        first_line,
        lines,
        rows: builder.rows(),
        line_runs: Vec::new(),
        rejected: Vec::new(),
        total_lines: is_last.then_some(first_line + lines - 1),
    });
    builder.finish(Batch::default())
}

/// A cache with these requests of one source, in one log file that is named for a later day.
pub(crate) fn filled(path: &Path, source: &str, requests: impl Iterator<Item = Request>) -> Writer {
    let mut writer = Writer::open(path).unwrap();
    let id = writer.source(source).unwrap();
    let requests: Vec<Request> = requests.collect();
    let batches: Vec<&[Request]> = requests.chunks(crate::cache::write::batch::BATCH_ROWS).collect();
    let mut line = 1;
    for (index, requests) in batches.iter().enumerate() {
        let is_last = index + 1 == batches.len();
        writer.append(id, &mut batch("2026-04-08-00-00-00-A", requests, line, is_last)).unwrap();
        line += requests.len() as u64;
    }
    writer.commit().unwrap();
    writer
}
