//! One process writes while others read: every answer is that of one snapshot.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::home::{Home, line, stderr};
use crate::support::terminal::Terminal;

/// Requests per log file, all of one address and one key, of 1000 bytes each.
const PER_FILE: u64 = 7;
const FILES: u32 = 120;

fn deliver(folder: &Path, n: u32) {
    let (ip, key) = (format!("10.0.{}.{}", n / 200, n % 200), format!("key-{n}"));
    let text: String = (0..PER_FILE as u32)
        .map(|i| line(n * 10 + i, &ip, "-", "REST.GET.OBJECT", &key, 200, "1000"))
        .collect();
    // Complete as soon as it exists, as in S3.
    let started = folder.with_extension("begun");
    std::fs::write(&started, text).unwrap();
    std::fs::rename(started, folder.join(format!("2026-04-01-00-00-00-{n:08}"))).unwrap();
}

/// Checks that every measure belongs to the same whole number of log files. Returns this number.
fn is_whole(row: &Value, what: &str) -> u64 {
    let requests = row["requests"].as_u64().unwrap();
    assert_eq!(requests % PER_FILE, 0, "{what}: {row}");
    assert_eq!(row["bytes_sent"].as_u64().unwrap(), requests * 1000, "{what}: {row}");
    requests / PER_FILE
}

/// Queries repeatedly: each answer is consistent, and none is older than the one before.
fn query_repeatedly(
    home: &Home,
    arguments: &[&str],
    is_over: &AtomicBool,
    files: impl Fn(&[Value]) -> u64,
) -> u32 {
    let (mut before, mut answers) = (0, 0);
    loop {
        let is_last = is_over.load(Ordering::Relaxed);
        let output = home.run(&[arguments, &["--format", "ndjson", "--top", "0"]].concat());
        let message = stderr(&output);
        assert!(output.status.success() && message.is_empty(), "{arguments:?}: {message}");
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let now = files(&rows);
        assert!(now >= before, "{arguments:?}: {now} log files after {before}");
        answers += u32::from(now > before);
        before = now;
        if is_last {
            assert_eq!(now, u64::from(FILES), "{arguments:?}");
            return answers;
        }
    }
}

/// Number of log files in an answer.
type Files = Box<dyn Fn(&[Value]) -> u64 + Send>;

/// The number of requests in the first line of the explorer.
fn requests_shown(screen: &str) -> Option<u64> {
    let (before, _) = screen.lines().next()?.split_once(" requests")?;
    before.rsplit(' ').next()?.replace(',', "").parse().ok()
}

#[test]
fn every_answer_is_consistent_while_another_process_writes() {
    let home = Home::new();
    let folder = home.path("arriving");
    std::fs::create_dir(&folder).unwrap();
    deliver(&folder, 0);
    let cache = home.path("cache.db");
    let named = |arguments: &[&'static str]| {
        let mut all: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        all.extend(["--cache".to_owned(), cache.to_str().unwrap().to_owned()]);
        all
    };
    let pull = named(&["pull", "arriving", "--every", "1s"]);
    let pull: Vec<&str> = pull.iter().map(String::as_str).collect();
    let writer = home.command(&pull).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !cache.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no cache was made");
        std::thread::sleep(Duration::from_millis(20));
    }
    let environment = [("HOME", home.path("").to_str().unwrap().to_owned())];
    let explore = ["--cache".as_ref(), cache.as_os_str()];
    let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
    let mut terminal = Terminal::start_in(program, &explore, &environment, (130, 34)).unwrap();

    let is_over = AtomicBool::new(false);
    let totals = |rows: &[Value]| rows.first().map_or(0, |row| is_whole(row, "total"));
    let groups = |name: &'static str| {
        move |rows: &[Value]| {
            let share: f64 = rows.iter().map(|row| row["share"].as_f64().unwrap()).sum();
            assert!(rows.is_empty() || (share - 1.0).abs() < 1e-6, "shares of {name} add up to {share}");
            rows.iter()
                .map(|row| is_whole(row, name))
                .inspect(|files| assert_eq!(*files, 1, "of one {name}"))
                .sum()
        }
    };
    let catalogue = |rows: &[Value]| {
        rows.first().map_or(0, |row| {
            let lines = row["lines"].as_u64().unwrap();
            assert_eq!((row["requests"].as_u64().unwrap(), lines % PER_FILE), (lines, 0), "{row}");
            assert!(row["log_files"].as_u64().unwrap() >= lines / PER_FILE, "{row}");
            lines / PER_FILE
        })
    };
    let answers = std::thread::scope(|scope| {
        let (home, is_over) = (&home, &is_over);
        let reader = |arguments: &[&'static str], files: Files| {
            let arguments = named(arguments);
            scope.spawn(move || {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                query_repeatedly(home, &arguments, is_over, files)
            })
        };
        let readers = [
            reader(&["report", "remote_ip"], Box::new(groups("remote_ip"))),
            reader(&["report", "key", "--columns", "objects,addresses"], Box::new(groups("key"))),
            reader(&["report", "total"], Box::new(totals)),
            reader(&["sources"], Box::new(catalogue)),
        ];
        for n in 1..FILES {
            deliver(&folder, n);
            std::thread::sleep(Duration::from_millis(60));
            let screen = terminal.contents();
            assert!(!screen.contains("locked"), "{screen}");
            if let Some(requests) = requests_shown(&screen) {
                assert_eq!(requests % PER_FILE, 0, "{screen}");
            }
        }
        // All requests are in the cache when the writer reports completion.
        let started = Instant::now();
        let all = format!("\"requests\":{}", u64::from(FILES) * PER_FILE);
        let total = named(&["report", "total", "--format", "ndjson"]);
        let total: Vec<&str> = total.iter().map(String::as_str).collect();
        while !home.succeeds(&total).contains(&all) {
            assert!(started.elapsed() < Duration::from_secs(60), "{}", home.succeeds(&total));
            std::thread::sleep(Duration::from_millis(100));
        }
        is_over.store(true, Ordering::Relaxed);
        readers.map(|reader| reader.join().unwrap())
    });
    assert!(answers.iter().all(|answers| *answers >= 3), "the cache hardly grew: {answers:?}");
    // What another process pulled appears without a key press.
    terminal.wait_for(&format!("{} requests", u64::from(FILES) * PER_FILE)).unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());

    let sent = std::process::Command::new("kill").args(["-TERM", &writer.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = writer.wait_with_output().unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(!message.contains("locked"), "{message}");
}

/// A continuous pull waits for another process that fills the cache, and does not give up.
#[test]
fn a_continuous_pull_waits_for_another_writer() {
    let home = Home::new();
    let cache = home.path("cache.db");
    let other = tamarin::cache::Writer::open(&cache).unwrap();
    let arguments = ["pull", "logs", "--every", "1s", "--cache", cache.to_str().unwrap()];
    let writer = home.command(&arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    drop(other);
    let started = Instant::now();
    let total = ["report", "total", "--format", "ndjson", "--cache", cache.to_str().unwrap()];
    while !home.succeeds(&total).contains("\"requests\":3") {
        assert!(started.elapsed() < Duration::from_secs(60), "the pull did not continue");
        std::thread::sleep(Duration::from_millis(100));
    }
    let sent = std::process::Command::new("kill").args(["-TERM", &writer.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let message = stderr(&writer.wait_with_output().unwrap());
    assert!(
        message.contains("is being written by another Tamarin") && message.contains("trying again later"),
        "{message}"
    );
}
