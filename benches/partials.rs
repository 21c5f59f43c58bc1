//! Repeats a query after one segment was added. The time does not depend on the number of segments before: the
//! partials cache has their aggregate, so only the new segment is scanned.
//!
//!     cargo bench --bench partials

// A benchmark whose data cannot be written fails.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tamarin::cache::{Batch, BatchBuilder, Cache, FileMark, FilePart, SourceId, Writer, WriterOptions};
use tamarin::log::records;
use tamarin::query::{
    Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, Sort, TimeRange,
};
use tokio_util::sync::CancellationToken;

/// Rows of a segment: few, because the benchmark writes a hundred segments.
const ROWS_PER_SEGMENT: usize = 16_384;

/// Appends a segment of new requests.
fn append(writer: &mut Writer, source: SourceId, number: usize) {
    let mut builder = BatchBuilder::default();
    for row in 0..ROWS_PER_SEGMENT {
        let line = format!(
            "c0ffee media [03/Apr/2026:{:02}:{:02}:{:02} +0000] 203.0.{}.{} - {:016X} REST.GET.OBJECT films/{}.mp4 \
             \"GET /films/{}.mp4 HTTP/1.1\" 200 - {} 9000 7 5 \"-\" \"aws-cli/2.15\" - - SigV4 - - - - -",
            row / 3600 % 24,
            row / 60 % 60,
            row % 60,
            row % 64,
            row % 251,
            number * ROWS_PER_SEGMENT + row,
            row % 5000,
            row % 5000,
            row % 9000,
        );
        for (_, record) in records(line.as_bytes()) {
            if let Ok(record) = record {
                builder.extend(&[record]);
            }
        }
    }
    let file = FileMark { name: format!("log-{number}"), version: None, size: None, may_grow: false };
    builder.end_part(FilePart {
        file: Arc::new(file),
        first_line: 1,
        lines: ROWS_PER_SEGMENT as u64,
        rows: ROWS_PER_SEGMENT,
        line_runs: Vec::new(),
        rejected: Vec::new(),
        total_lines: Some(ROWS_PER_SEGMENT as u64),
    });
    writer
        .append(source, &mut builder.finish(Batch::default()))
        .and_then(|_| writer.commit().map(drop))
        .expect("a segment is written");
}

fn query(by: &str) -> Query {
    let sort = Sort { by: Measure::BytesSent, descending: true };
    let by = Dimension::by_name(by).expect("a dimension");
    let ask = Ask::Groups { by, more: Vec::new(), sort, limit: 30 };
    let filter = Filter::everything();
    Query { sources: Vec::new(), time: TimeRange::default(), filter, counting: Counting::AsLogged, ask }
}

/// Runs a query and returns the number of scanned segments.
fn segments_scanned(engine: &LocalEngine, query: &Query) -> u64 {
    engine
        .ask(query, &CancellationToken::new(), &mut |_, _| {})
        .expect("an answer")
        .statistics
        .segments_scanned
}

fn repeat_query(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("repeat a query after one more segment");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(3));
    for segments in [1, 100] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cache.tamarin");
        let mut writer = Writer::open_with(
            Path::new(&path),
            WriterOptions { segment_rows: ROWS_PER_SEGMENT, ..WriterOptions::default() },
        )
        .expect("a cache");
        let source = writer.source("s3://acme-logs/").expect("a source");
        for number in 0..segments {
            append(&mut writer, source, number);
        }
        let cache = Arc::new(Cache::open(&path).expect("the cache"));
        let query = query("key");
        let mut next = segments;
        group.bench_function(BenchmarkId::from_parameter(format!("{segments} segments before")), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut elapsed = Duration::ZERO;
                let engine = LocalEngine::new(cache.clone());
                segments_scanned(&engine, &query);
                for _ in 0..rounds {
                    append(&mut writer, source, next);
                    next += 1;
                    let started = Instant::now();
                    let scanned = segments_scanned(&engine, &query);
                    elapsed += started.elapsed();
                    assert!(scanned <= 2, "{scanned} segments were scanned again");
                }
                elapsed
            });
        });
    }
    group.finish();
}

criterion_group!(benches, repeat_query);
criterion_main!(benches);
