//! A pull that was killed at any time loses nothing, and after the next pull no request is stored twice.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tamarin::cache::Cache;
use tamarin::demo::{Demo, DemoOptions};

use crate::support::contents::contents;
use crate::support::s3_server::S3Server;

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

/// A log with this number of requests, and some rejected lines, repeats and joined records.
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
fn a_pull_killed_at_any_time_is_completed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_file(folder.path(), 60_000);
    let whole = folder.path().join("whole.tamarin");
    let started = Instant::now();
    pull_wholly(&whole, &log);
    let duration = started.elapsed();
    let expected = contents(&whole);
    assert_eq!(expected.totals.stats.requests, 60_000);
    assert!(expected.rejected.len() > 50);

    let killed = folder.path().join("killed.tamarin");
    let mut kills = 0;
    // In per cent of the remaining time: from before the cache is made to just before the end.
    for percent in [0, 1, 2, 5, 20, 35, 50, 65, 80, 92] {
        let mut child = pull(&killed, &log);
        std::thread::sleep(duration * percent / 100 + Duration::from_micros(u64::from(percent) * 337 % 1000));
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        if killed.exists() {
            // The cache is readable and consistent at any time.
            let contents = contents(&killed);
            assert!(contents.totals.stats.requests <= 60_000);
            let groups = contents.by_key.rows.iter().map(|row| row.stats.requests).sum::<u64>();
            assert_eq!(groups, contents.totals.stats.requests);
        }
    }
    assert!(kills > 0, "no pull was killed before its end");
    pull_wholly(&killed, &log);
    assert_eq!(contents(&killed), expected);
    pull_wholly(&killed, &log);
    assert_eq!(contents(&killed), expected);
}

#[test]
fn a_first_pull_killed_at_any_time_is_completed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_file(folder.path(), 20_000);
    let whole = folder.path().join("whole.tamarin");
    let started = Instant::now();
    pull_wholly(&whole, &log);
    let duration = started.elapsed();
    let expected = contents(&whole);
    for percent in [3, 15, 40, 75] {
        let cache = folder.path().join(format!("{percent}.tamarin"));
        let mut child = pull(&cache, &log);
        std::thread::sleep(duration * percent / 100);
        child.kill().unwrap();
        child.wait().unwrap();
        pull_wholly(&cache, &log);
        assert_eq!(contents(&cache), expected, "killed after {percent} % of the time");
    }
}

#[test]
fn an_unfinished_cache_left_by_a_kill_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    drop(tamarin::cache::Writer::open(&path).unwrap());
    let whole = std::fs::read(&path).unwrap();
    let making = folder.path().join("cache.tamarin.new");
    for left in [&whole[..], &whole[..40_000], &[0; 32_768], &[]] {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&making, left).unwrap();
        for suffix in ["journal", "wal", "shm"] {
            std::fs::write(folder.path().join(format!("cache.tamarin.new-{suffix}")), "half a cache")
                .unwrap();
        }
        drop(tamarin::cache::Writer::open(&path).unwrap());
        assert_eq!(Cache::open(&path).unwrap().sources().unwrap(), []);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left of it");
    }

    // A foreign file with that name is not deleted.
    std::fs::remove_file(&path).unwrap();
    for other in ["my own words", "SQLite format 3\0, a letter about it"] {
        std::fs::write(&making, other).unwrap();
        let message = tamarin::cache::Writer::open(&path).err().unwrap().to_string();
        assert!(message.contains("cache.tamarin.new is in the way"), "{message}");
        assert_eq!(std::fs::read_to_string(&making).unwrap(), other);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put beside it");
    }
}

/// Log files of a few hundred requests each on an S3 server, with joined and repeated lines.
fn log_bucket(files: usize) -> S3Server {
    let server = S3Server::start(&["acme-logs"]);
    let demo = Demo::new(DemoOptions { requests: files as u64 * 300, seed: 11 });
    let mut text = Vec::new();
    demo.write_to_file(&mut text).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut before: &[u8] = b"";
    for (n, lines) in lines.chunks(lines.len().div_ceil(files)).enumerate() {
        let mut content = lines.concat();
        content.extend_from_slice(before);
        content.extend_from_slice(format!("torn {n}\n").as_bytes());
        before = lines[n % lines.len()];
        let name = format!("p/2026-04-{:02}-{:02}-{:02}-00-{n:016X}", n % 28 + 1, n / 60 % 24, n % 60);
        server.put("acme-logs", &name, content);
    }
    server
}

fn pull_from_s3(cache: &Path, server: &S3Server) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("tamarin"))
        .args(["pull", "s3://acme-logs/p/", "--endpoint-url", &server.endpoint(), "--cache"])
        .arg(cache)
        .envs(server.environment())
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_pull_from_s3_killed_at_any_time_is_completed_by_the_next() {
    let wholly = |cache: &Path, server: &S3Server| {
        let output = pull_from_s3(cache, server).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let folder = tempfile::tempdir().unwrap();
    let server = log_bucket(60);
    let whole = folder.path().join("whole.tamarin");
    let started = Instant::now();
    wholly(&whole, &server);
    let duration = started.elapsed();
    let expected = contents(&whole);
    assert!(expected.totals.stats.requests > 17_000, "{:?}", expected.totals);
    assert!(expected.rejected.len() >= 60, "one in each log file");

    let mut kills = 0;
    for round in 0..2_u32 {
        let killed = folder.path().join(format!("killed-{round}.tamarin"));
        for percent in [10, 30, 50, 70, 90] {
            let mut child = pull_from_s3(&killed, &server);
            std::thread::sleep(duration * (percent + round * 5) / 100);
            child.kill().unwrap();
            kills += u32::from(!child.wait().unwrap().success());
            if killed.exists() {
                let contents = contents(&killed);
                let groups = contents.by_key.rows.iter().map(|row| row.stats.requests).sum::<u64>();
                assert_eq!(groups, contents.totals.stats.requests);
                assert!(groups <= expected.totals.stats.requests);
            }
        }
        wholly(&killed, &server);
        assert_eq!(contents(&killed), expected, "round {round}");
        server.take_requests();
        wholly(&killed, &server);
        let fetched = server.take_requests().iter().filter(|request| !request.contains("list-type")).count();
        assert_eq!(fetched, 0, "log files fetched although the cache has them");
    }
    assert!(kills > 0, "no pull was killed before its end");
}
