//! Prints the findings of a cache, and how long the analysis took:
//! `cargo run --release --example findings -- CACHE [queries]`. With `queries`, every query with its time.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tamarin::cache::Cache;
use tamarin::insight::{Scope, findings};
use tamarin::query::{Answer, Ask, Engine, LocalEngine, Query, QueryError, Reply, Statistics, Wrapper};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: findings CACHE [queries]")?;
    let prints_queries = arguments.next().is_some_and(|argument| argument == "queries");
    let engine = LocalEngine::new(Arc::new(Cache::open(Path::new(&path))?));
    let engine = Timed { engine, prints_queries, by_kind: Mutex::default() };
    // The second time, the partial results of the first are reused.
    for round in ["first", "again"] {
        let begun = Instant::now();
        let found =
            findings::find(&engine, &Scope::default(), &CancellationToken::new(), &mut |found, done| {
                let ms = begun.elapsed().as_millis();
                println!("{ms:6} ms  {:3.0} %  {} findings", done * 100.0, found.findings.len());
            })?;
        println!("{:6} ms, {round}", begun.elapsed().as_millis());
        for (kind, (count, time, rows)) in std::mem::take(&mut *engine.by_kind.lock().map_err(|_| "panic")?) {
            println!("{:10.1} ms  {count:4} × {kind}, {rows} rows scanned", time.as_secs_f64() * 1e3);
        }
        if round == "first" {
            for (heading, list) in [("findings", &found.findings), ("ordinary", &found.benign)] {
                println!("{heading}:");
                for finding in list {
                    println!("{:5.1} {:18} {}", finding.score, finding.kind.name(), finding.explanation);
                    println!("      {}  {}", finding.filter, finding.label.map_or("", |label| label.name()));
                }
            }
        }
    }
    Ok(())
}

/// An engine that measures its queries.
struct Timed {
    engine: LocalEngine,
    prints_queries: bool,
    /// Number, time and scanned rows of the queries, by the kind of their answer.
    by_kind: Mutex<BTreeMap<&'static str, (u64, Duration, u64)>>,
}

impl Timed {
    fn note(&self, query: &Query, Statistics { elapsed, rows_scanned, .. }: Statistics) {
        let kind = match &query.ask {
            Ask::Totals => "totals",
            Ask::Cost => "cost",
            Ask::Groups { .. } => "groups",
            Ask::GroupsOfEach { .. } => "groups of each",
            Ask::Pairs { .. } => "pairs",
            Ask::Compare { .. } => "compare",
            Ask::Distribution { .. } => "distribution",
            Ask::Series { .. } => "series",
            Ask::Activity { .. } => "activity",
            Ask::Profiles { .. } => "profiles",
            Ask::Requests { .. } | Ask::RequestsById(_) => "requests",
        };
        if let Ok(mut by_kind) = self.by_kind.lock() {
            let (count, time, rows) = by_kind.entry(kind).or_default();
            (*count, *time, *rows) = (*count + 1, *time + elapsed, *rows + rows_scanned);
        }
        if self.prints_queries {
            let ask: String = format!("{:?}", query.ask).chars().take(150).collect();
            let filter: String = query.filter.to_string().chars().take(200).collect();
            println!("{:8.2} ms  {rows_scanned:9} rows  {ask}  [{filter}]", elapsed.as_secs_f64() * 1e3);
        }
    }
}

impl Wrapper for Timed {
    fn inner(&self) -> &dyn Engine {
        &self.engine
    }

    fn ask_inner(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        let reply = self.engine.ask(query, cancel, on_partial)?;
        self.note(query, reply.statistics);
        Ok(reply)
    }

    fn ask_once_inner(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        let reply = self.engine.ask_once(query, cancel)?;
        self.note(query, reply.statistics);
        Ok(reply)
    }
}
