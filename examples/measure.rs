//! Measures queries of the explorer on a large cache, for `benches/explore_ten_million.py`.
//!
//!     cargo run --release --example measure -- CACHE
//!
//! Prints a line per measurement: the time until the first partial answer, the time until a cancelled query ends, the
//! segments read for a rare address and for one hour, and the time for 1,000 requests in every sort order, with filters
//! and with offsets. If the environment variable EACH is set, it also prints the time of each order.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tamarin::cache::Cache;
use tamarin::log::{Field, Kind};
use tamarin::query::{
    Answer, Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, QueryError, Reply, Sort,
    TimeRange, Value,
};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 3;
/// The columns that the explorer shows by default.
const SHOWN: [Field; 10] = [
    Field::Time,
    Field::RemoteIp,
    Field::HttpStatus,
    Field::Operation,
    Field::Key,
    Field::BytesSent,
    Field::TotalTime,
    Field::ErrorCode,
    Field::Requester,
    Field::UserAgent,
];

fn query(filter: &str, ask: Ask) -> Outcome<Query> {
    let filter = Filter::parse(filter, 0)?;
    Ok(Query { sources: Vec::new(), time: TimeRange::default(), filter, counting: Counting::AsLogged, ask })
}

fn groups(by: Field, limit: usize) -> Ask {
    let sort = Sort { by: Measure::BytesSent, descending: true };
    Ask::Groups { by: Dimension::Field(by), more: Vec::new(), sort, limit }
}

fn requests(by: Field, descending: bool, offset: usize) -> Ask {
    Ask::Requests { sort: Sort { by, descending }, offset, limit: 1000, fields: SHOWN.to_vec() }
}

fn ask(engine: &LocalEngine, query: &Query) -> Result<Reply, QueryError> {
    engine.ask(query, &CancellationToken::new(), &mut |_, _| {})
}

fn line(name: &str, value: String) {
    println!("{name:58} {value:>24}");
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn main() -> Outcome<()> {
    let path = std::env::args().nth(1).ok_or("usage: measure CACHE")?;
    let begun = Instant::now();
    let cache = Arc::new(Cache::open(Path::new(&path))?);
    let opened = begun.elapsed();
    let engine = LocalEngine::new(cache.clone());
    let totals = ask(&engine, &query("", Ask::Totals)?)?;
    let Answer::Totals(all) = totals.answer else { return Err("no totals".into()) };
    line("requests", all.stats.requests.to_string());
    line("opening the cache", ms(opened));

    first_answers(&cache)?;
    // Before the cancelled queries, which leave threads that still compute results for the caches of the engine.
    skipped(&cache, all.stats.first_seen, all.stats.last_seen)?;
    cancelled(&cache)?;
    lists(&cache, all.stats.requests)?;
    Ok(())
}

/// The time until the first partial answer, and until the complete answer.
fn first_answers(cache: &Arc<Cache>) -> Outcome<()> {
    for (name, filter, ask) in [
        ("by remote_ip", "", groups(Field::RemoteIp, 1000)),
        ("by key", "", groups(Field::Key, 1000)),
        ("by requester", "", groups(Field::Requester, 1000)),
        ("by hour", "", Ask::Series { bucket: 3600, each: None }),
        ("403 by key", "status:403", groups(Field::Key, 1000)),
    ] {
        let query = query(filter, ask)?;
        let (mut first, mut whole) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS + 2 {
            let engine = LocalEngine::new(cache.clone());
            let begun = Instant::now();
            let mut first_partial = None;
            engine.ask(&query, &CancellationToken::new(), &mut |_, _| {
                first_partial.get_or_insert_with(|| begun.elapsed());
            })?;
            whole = whole.min(begun.elapsed());
            first = first.min(first_partial.unwrap_or_else(|| begun.elapsed()));
        }
        line(&format!("{name}: first answer, whole answer"), format!("{}, {}", ms(first), ms(whole)));
    }
    Ok(())
}

/// The time from the cancellation of a query, 1 to 120 ms after its start, to its end.
fn cancelled(cache: &Arc<Cache>) -> Outcome<()> {
    let distinct = Ask::Groups {
        by: Dimension::Field(Field::RemoteIp),
        more: vec![Measure::Objects],
        sort: Sort { by: Measure::Objects, descending: true },
        limit: 1000,
    };
    for (name, filter, ask) in [
        ("by key", "", groups(Field::Key, 1000)),
        ("by key, a regular expression on keys", "key~\"(a|e).*[0-9]{3}.*ts$\"", groups(Field::Key, 1000)),
        ("distinct keys per address", "", distinct),
        ("a text in the request URI", "uri*=versionid", groups(Field::Key, 1000)),
        ("requests by host id", "", requests(Field::HostId, false, 0)),
        ("requests by key", "status:200", requests(Field::Key, true, 0)),
    ] {
        let query = query(filter, ask)?;
        let mut longest = Duration::ZERO;
        for after in [1, 3, 8, 15, 30, 60, 120] {
            let engine = LocalEngine::new(cache.clone());
            let cancel = CancellationToken::new();
            let latency = std::thread::scope(|scope| {
                let asked = scope.spawn(|| {
                    let result = engine.ask(&query, &cancel, &mut |_, _| {});
                    (Instant::now(), matches!(result, Err(QueryError::Cancelled)))
                });
                std::thread::sleep(Duration::from_millis(after));
                let begun = Instant::now();
                cancel.cancel();
                asked.join().map(|(ended, was_cancelled)| {
                    if was_cancelled { ended.saturating_duration_since(begun) } else { Duration::ZERO }
                })
            });
            longest = longest.max(latency.map_err(|_| "a query panicked")?);
        }
        line(&format!("{name}: cancelled after 1–120 ms, at most"), ms(longest));
    }
    Ok(())
}

/// The segments read for values that few segments have.
fn skipped(cache: &Arc<Cache>, first: i64, last: i64) -> Outcome<()> {
    let engine = LocalEngine::new(cache.clone());
    let Answer::Groups(all) = ask(&engine, &query("", groups(Field::RemoteIp, 0))?)?.answer else {
        return Err("no groups".into());
    };
    let rare = all
        .rows
        .iter()
        .filter(|row| row.value != Value::Absent)
        .min_by_key(|row| row.stats.requests.abs_diff(40))
        .ok_or("no address")?;
    let middle = first + (last - first) / 2;
    for (name, filter) in [
        (format!("an address with {} requests", rare.stats.requests), format!("ip:{}", rare.value.to_text())),
        ("an hour".to_owned(), format!("time:@{middle}..@{}", middle + 3599)),
    ] {
        let engine = LocalEngine::new(cache.clone());
        let reply = ask(&engine, &query(&filter, groups(Field::Key, 1000))?)?;
        let statistics = reply.statistics;
        let segments = format!("{} of {} segments", statistics.segments_scanned, statistics.segments);
        line(&format!("{name}: read, took"), format!("{segments}, {}", ms(statistics.elapsed)));
    }
    Ok(())
}

/// The time for the first 1,000 requests in every sort order, and for 1,000 requests after large offsets.
fn lists(cache: &Arc<Cache>, all: u64) -> Outcome<()> {
    let engine = LocalEngine::new(cache.clone());
    let filters = ["", "status:4xx", "key~\"\\.ts$\" -status:206", "bytes>10MB"];
    let mut slowest_text = (Duration::ZERO, String::new());
    for filter in filters {
        let mut slowest = (Duration::ZERO, String::new());
        for (field, descending) in Field::all().flat_map(|field| [(field, false), (field, true)]) {
            let is_text = field.kind() == Kind::Detail;
            if is_text && !filter.is_empty() {
                continue;
            }
            let query = query(filter, requests(field, descending, 0))?;
            let mut best = Duration::MAX;
            for _ in 0..if is_text { 1 } else { ROUNDS } {
                let begun = Instant::now();
                ask(&engine, &query)?;
                best = best.min(begun.elapsed());
            }
            let slowest = if is_text { &mut slowest_text } else { &mut slowest };
            if best > slowest.0 {
                *slowest = (best, format!("{} {}", field.name(), if descending { "desc" } else { "asc" }));
            }
            if std::env::var_os("EACH").is_some() {
                line(&format!("  {filter} {} {descending}", field.name()), ms(best));
            }
        }
        let filter = if filter.is_empty() { "all" } else { filter };
        line(
            &format!("1,000 requests of {filter}: slowest order"),
            format!("{} ({})", ms(slowest.0), slowest.1),
        );
    }
    line(
        "1,000 requests, sorted by text: slowest order",
        format!("{} ({})", ms(slowest_text.0), slowest_text.1),
    );
    for (name, offset) in
        [("100,000", 100_000), ("the middle", all / 2), ("the last", all.saturating_sub(1000))]
    {
        let mut slowest = (Duration::ZERO, "");
        for field in [Field::Time, Field::BytesSent, Field::Key] {
            let query = query("", requests(field, true, offset as usize))?;
            let mut best = Duration::MAX;
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                ask(&engine, &query)?;
                best = best.min(begun.elapsed());
            }
            if best > slowest.0 {
                slowest = (best, field.name());
            }
        }
        line(
            &format!("1,000 requests after {name}: slowest order"),
            format!("{} ({})", ms(slowest.0), slowest.1),
        );
    }
    Ok(())
}
