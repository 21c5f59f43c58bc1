//! What it costs to ask a standing question again after ingest added one segment: the same whether one
//! segment was there before or a hundred, because what was folded of them stands.
//!
//!     cargo bench --bench standing

// A bench whose data cannot be made has nothing to say.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tamarin::cache::{Batch, BatchBuilder, Cache, FileMark, FilePart, Writer, WriterOptions};
use tamarin::log::records;
use tamarin::query::{
    Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, Sort, TimeRange,
};
use tokio_util::sync::CancellationToken;

/// Rows of a segment: small, so that a hundred are soon made.
const ROWS: usize = 16_384;

/// A segment of requests that nobody made before.
fn append(writer: &mut Writer, source: i64, number: usize) {
    let mut builder = BatchBuilder::default();
    for row in 0..ROWS {
        let line = format!(
            "c0ffee media [03/Apr/2026:{:02}:{:02}:{:02} +0000] 203.0.{}.{} - {:016X} REST.GET.OBJECT films/{}.mp4 \
             \"GET /films/{}.mp4 HTTP/1.1\" 200 - {} 9000 7 5 \"-\" \"aws-cli/2.15\" - - SigV4 - - - - -",
            row / 3600 % 24,
            row / 60 % 60,
            row % 60,
            row % 64,
            row % 251,
            number * ROWS + row,
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
        lines: ROWS as u64,
        rows: ROWS,
        line_runs: Vec::new(),
        rejected: Vec::new(),
        total_lines: Some(ROWS as u64),
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

fn ask(engine: &LocalEngine, query: &Query) -> u64 {
    engine
        .ask(query, &CancellationToken::new(), &mut |_, _| {})
        .expect("an answer")
        .statistics
        .segments_scanned
}

fn standing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("asked again after one more segment");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(3));
    for segments in [1, 100] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cache.tamarin");
        let mut writer = Writer::open_with(
            Path::new(&path),
            WriterOptions { segment_rows: ROWS, ..WriterOptions::default() },
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
                let mut took = Duration::ZERO;
                let engine = LocalEngine::new(cache.clone());
                ask(&engine, &query);
                for _ in 0..rounds {
                    append(&mut writer, source, next);
                    next += 1;
                    let begun = Instant::now();
                    let scanned = ask(&engine, &query);
                    took += begun.elapsed();
                    assert!(scanned <= 2, "{scanned} segments were read again");
                }
                took
            });
        });
    }
    group.finish();
}

criterion_group!(benches, standing);
criterion_main!(benches);
