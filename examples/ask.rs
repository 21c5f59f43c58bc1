//! Measures a query for `benches/compare_queries.py`. Runs it several times, each time with a new engine, so that no
//! partial results are reused, over columns that are in memory.
//!
//! Prints the shortest time in seconds, then every group as JSON: `[value, requests, bytes_sent, errors, first_seen,
//! last_seen]`.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tamarin::cache::Cache;
use tamarin::query::{
    Answer, Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, Sort, TimeRange, Value,
};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOUR: u32 = 3600;

fn main() -> Result<(), Box<dyn Error>> {
    let [cache, by, filter, rounds] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: ask CACHE DIMENSION|time FILTER ROUNDS")?;
    let cache = Arc::new(Cache::open(Path::new(&cache))?);
    let ask = |limit| match Dimension::by_name(&by) {
        Some(by) => {
            let sort = Sort { by: Measure::BytesSent, descending: true };
            Ask::Groups { by, more: Vec::new(), sort, limit }
        }
        None => Ask::Series { bucket: HOUR, each: None },
    };
    let query = |limit| -> Result<Query, Box<dyn Error>> {
        Ok(Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::parse(&filter, 0)?,
            counting: Counting::AsLogged,
            ask: ask(limit),
        })
    };
    let first_page = query(20)?;
    let mut best = Duration::MAX;
    for _ in 0..rounds.parse::<usize>()?.max(1) {
        let engine = LocalEngine::new(cache.clone());
        let start = Instant::now();
        engine.ask_once(&first_page, &CancellationToken::new())?;
        best = best.min(start.elapsed());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", best.as_secs_f64())?;
    let reply = LocalEngine::new(cache).ask_once(&query(0)?, &CancellationToken::new())?;
    let mut row = |value: serde_json::Value, stats: tamarin::query::Stats| {
        let sums = [stats.requests as i64, stats.bytes_sent as i64, stats.errors as i64];
        writeln!(out, "{}", json!([value, sums[0], sums[1], sums[2], stats.first_seen, stats.last_seen]))
    };
    match reply.answer {
        Answer::Groups(groups) => {
            for group in groups.rows {
                let value = match &group.value {
                    Value::Absent => serde_json::Value::Null,
                    value => json!(value.to_text()),
                };
                row(value, group.stats)?;
            }
        }
        Answer::Series(series) => {
            for (index, stats) in series.lines.iter().flatten().enumerate() {
                if stats.requests > 0 {
                    row(json!(series.start + index as i64 * i64::from(HOUR)), *stats)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}
