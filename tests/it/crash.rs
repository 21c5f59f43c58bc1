//! Killed at any moment, a pull has lost nothing and nothing is there twice after the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tamarin::cache::Cache;
use tamarin::log::Field;
use tamarin::query::answer::{Groups, Totals};
use tamarin::query::{
    Answer, Ask, Cancel, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, Sort, TimeRange,
};
use tamarin::source::demo::{Demo, DemoOptions};

fn pull(cache: &Path, log: &Path) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("tamarin"))
        .args(["pull", "--cache"])
        .args([cache, log])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn pull_wholly(cache: &Path, log: &Path) {
    let output = pull(cache, log).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a cache is compared by: sums, every group of every address and key, and the rejected lines.
#[derive(Debug, PartialEq)]
struct Contents {
    totals: Totals,
    by_address: Groups,
    by_key: Groups,
    rejected: BTreeMap<(String, u64), Vec<u8>>,
    lines: u64,
}

fn contents(path: &Path) -> Contents {
    let cache = Arc::new(Cache::open(path).unwrap());
    let mut rejected = BTreeMap::new();
    cache.rejected(None, &mut |line| drop(rejected.insert((line.file, line.line), line.content))).unwrap();
    let lines = cache.sources().unwrap().iter().map(|source| source.lines).sum();
    let engine = LocalEngine::new(cache);
    let ask = |ask| {
        let query = Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::everything(),
            counting: Counting::AsLogged,
            ask,
        };
        engine.ask(&query, &Cancel::default(), &mut |_, _| {}).unwrap().answer
    };
    let groups = |field| {
        let more =
            vec![Measure::Objects, Measure::UserAgents, Measure::TotalTimeMean, Measure::ObjectSizeMax];
        let sort = Sort { by: Measure::BytesSent, descending: true };
        match ask(Ask::Groups { by: Dimension::Field(field), more, sort, limit: 0 }) {
            Answer::Groups(groups) => groups,
            other => panic!("{other:?}"),
        }
    };
    let Answer::Totals(totals) = ask(Ask::Totals) else { panic!() };
    let (by_address, by_key) = (groups(Field::RemoteIp), groups(Field::Key));
    Contents { totals, by_address, by_key, rejected, lines }
}

/// A log of so many requests with some rejected lines, repeats and torn records in it.
fn log_file(folder: &Path, requests: u64) -> PathBuf {
    let path = folder.join("access.log");
    let demo = Demo::new(DemoOptions { requests, seed: 7 });
    let mut text = Vec::new();
    demo.write_to_file(&mut text).unwrap();
    let mut log = Vec::with_capacity(text.len() + 10_000);
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        log.extend_from_slice(line);
        match number % 997 {
            5 => log.extend_from_slice(format!("torn {number}\n").as_bytes()),
            600 => log.extend_from_slice(line),
            _ => {}
        }
    }
    std::fs::write(&path, log).unwrap();
    path
}

#[test]
fn a_pull_killed_at_any_moment_is_made_good_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_file(folder.path(), 60_000);
    let whole = folder.path().join("whole.tamarin");
    let begun = Instant::now();
    pull_wholly(&whole, &log);
    let took = begun.elapsed();
    let expected = contents(&whole);
    assert_eq!(expected.totals.stats.requests, 60_000);
    assert!(expected.rejected.len() > 50);

    let killed = folder.path().join("killed.tamarin");
    let mut kills = 0;
    // From before the cache is made to just before the end; what is left of the time shifts as it goes on.
    for moment in [0, 1, 2, 5, 20, 35, 50, 65, 80, 92] {
        let mut child = pull(&killed, &log);
        std::thread::sleep(took * moment / 100 + Duration::from_micros(u64::from(moment) * 337 % 1000));
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        if killed.exists() {
            // Whatever there is can be read and is whole in itself.
            let contents = contents(&killed);
            assert!(contents.totals.stats.requests <= 60_000);
            let groups = contents.by_key.rows.iter().map(|row| row.stats.requests).sum::<u64>();
            assert_eq!(groups, contents.totals.stats.requests);
        }
    }
    assert!(kills >= 4, "only {kills} pulls were killed before their end");
    pull_wholly(&killed, &log);
    assert_eq!(contents(&killed), expected);
    pull_wholly(&killed, &log);
    assert_eq!(contents(&killed), expected);
}

#[test]
fn each_kill_of_a_first_pull_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_file(folder.path(), 20_000);
    let whole = folder.path().join("whole.tamarin");
    let begun = Instant::now();
    pull_wholly(&whole, &log);
    let took = begun.elapsed();
    let expected = contents(&whole);
    for moment in [3, 15, 40, 75] {
        let cache = folder.path().join(format!("{moment}.tamarin"));
        let mut child = pull(&cache, &log);
        std::thread::sleep(took * moment / 100);
        child.kill().unwrap();
        child.wait().unwrap();
        pull_wholly(&cache, &log);
        assert_eq!(contents(&cache), expected, "killed after {moment} % of the time");
    }
}

#[test]
fn what_a_kill_left_of_a_cache_in_the_making_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    for suffix in ["new", "new-journal", "new-wal", "new-shm"] {
        std::fs::write(folder.path().join(format!("cache.tamarin.{suffix}")), "half a cache").unwrap();
    }
    drop(tamarin::cache::Writer::open(&path).unwrap());
    assert_eq!(Cache::open(&path).unwrap().sources().unwrap(), []);
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(left.iter().all(|name| !name.contains(".new")), "{left:?}");
}
