//! Measures the findings on synthetic months of ordinary traffic with planted incidents.
//!
//!     cargo bench --bench findings
//!
//! The environment selects what runs: `SEEDS=1-50,73` (without: 51-100) `BUCKETS=media,backup` `KINDS=scraping,burst` (only these are
//! planted) `QUIET=no` (no months without incidents) or `QUIET=only`, `VERBOSE=1` (all findings; otherwise those of months
//! with a miss or a false alarm go to `NOTES=FILE`), `DUMP=DIR` (writes the log lines). docs/findings.md has the results.
//!
//! - `random`, `record`, `month`: distributions; a record and its line; a month with its rhythm.
//! - `agents`, `traffic`, `buckets`: ordinary clients, what they do, and the kinds of buckets.
//! - `incidents`, `truth`: planted incidents and what a finding must say about them.
//! - `cache`, `score`, `report`: runs the program, compares, prints tables. `elb`: a real series.

// A benchmark whose data cannot be written fails; it prints to the terminal.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod agents;
mod buckets;
mod cache;
mod elb;
mod incidents;
mod month;
mod random;
mod record;
mod report;
mod score;
mod traffic;
mod truth;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tamarin::query::LocalEngine;

use buckets::Bucket;
use score::MonthResult;
use truth::Kind;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Months that are analysed at the same time.
const THREADS: usize = 2;

struct Options {
    seeds: Vec<u64>,
    buckets: Vec<Bucket>,
    kinds: Option<Vec<Kind>>,
    with_incidents: bool,
    quiet: bool,
    verbose: bool,
    notes: Option<PathBuf>,
    dump: Option<PathBuf>,
    real: bool,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Numbers and ranges: `1-20,33`.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((first, last)) => {
                numbers.extend(first.trim().parse::<u64>().ok()?..=last.trim().parse().ok()?)
            }
            None => numbers.push(part.trim().parse().ok()?),
        }
    }
    Some(numbers)
}

impl Options {
    fn from_environment() -> Result<Options, String> {
        let seeds = variable("SEEDS").unwrap_or_else(|| "51-100".to_owned());
        let buckets = match variable("BUCKETS") {
            None => Bucket::ALL.to_vec(),
            Some(names) => names
                .split(',')
                .map(|name| {
                    let known = Bucket::ALL.into_iter().find(|bucket| bucket.name() == name.trim());
                    known.ok_or_else(|| {
                        let names = Bucket::ALL.map(Bucket::name).join(", ");
                        format!("BUCKETS: no kind of bucket is named {name}; expected one of {names}")
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let kinds = match variable("KINDS") {
            None => None,
            Some(names) => Some(
                names
                    .split(',')
                    .map(|name| {
                        let known = Kind::ALL.into_iter().find(|kind| kind.name() == name.trim());
                        known.ok_or_else(|| format!("KINDS: no kind of finding is named {name}"))
                    })
                    .collect::<Result<Vec<_>, _>>()?,
            ),
        };
        let quiet = variable("QUIET");
        Ok(Options {
            seeds: numbers(&seeds).ok_or("SEEDS: expected numbers and ranges such as 1-20,33")?,
            buckets,
            kinds,
            with_incidents: quiet.as_deref() != Some("only"),
            quiet: quiet.as_deref() != Some("no"),
            verbose: variable("VERBOSE").is_some(),
            notes: variable("NOTES").map(PathBuf::from),
            dump: variable("DUMP").map(PathBuf::from),
            real: variable("SEEDS").is_none() && variable("BUCKETS").is_none() || variable("ELB").is_some(),
        })
    }
}

fn run_month(options: &Options, seed: u64, bucket: Bucket, quiet: bool) -> MonthResult {
    let plan = if quiet { Vec::new() } else { incidents::plan(seed, bucket, options.kinds.as_deref()) };
    let month = incidents::generate(seed, bucket, &plan);
    let dump = options.dump.as_ref().map(|folder| {
        let quiet = if quiet { "-quiet" } else { "" };
        folder.join(format!("{}-{seed}{quiet}.log", bucket.name()))
    });
    let (_folder, cache) = cache::of_month(&month, &format!("acme-{}", bucket.name()), dump.as_deref());
    score::judge(seed, bucket, &month, LocalEngine::new(cache), options.verbose)
}

fn main() {
    let options = match Options::from_environment() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    };
    if options.real {
        elb::run();
    }
    let mut months = Vec::new();
    for seed in &options.seeds {
        for bucket in &options.buckets {
            if options.with_incidents {
                months.push((*seed, *bucket, false));
            }
            // A quiet month for every other seed.
            if options.quiet && (seed % 2 == 0 || !options.with_incidents) {
                months.push((*seed, *bucket, true));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((seed, bucket, quiet)) = months.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = run_month(&options, *seed, *bucket, *quiet);
                    results.lock().expect("no thread panicked").push(result);
                }
            });
        }
    });
    let mut results: Vec<MonthResult> = results.into_inner().expect("no thread panicked");
    results.sort_by_key(|result| (result.bucket, result.seed, result.incidents.is_empty()));
    let notes: String = results.iter().map(|result| result.notes.as_str()).collect();
    match &options.notes {
        Some(path) => std::fs::write(path, notes).expect("the notes are written"),
        None if options.verbose => print!("{notes}"),
        None => {}
    }
    report::print(&results);
}
