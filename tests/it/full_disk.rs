//! When there is no more room, one line says so, what was committed stays, and the next pull carries on.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tamarin::source::demo::{Demo, DemoOptions};

use crate::home::{Home, stderr};
use crate::support::contents::contents;

const REQUESTS: u64 = 40_000;

fn log(home: &Home) -> PathBuf {
    let path = home.path("big.log");
    let mut text = Vec::new();
    Demo::new(DemoOptions { requests: REQUESTS, seed: 3 }).write_to_file(&mut text).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

/// `tamarin pull`, which may write no file larger than so many blocks of 512 bytes.
fn pull_within(blocks: u64, log: &Path, cache: &Path) -> Output {
    // Told by an error rather than a signal, as by a disk that is full.
    let script = format!("ulimit -f {blocks} && trap '' XFSZ && exec \"$@\"");
    Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(assert_cmd::cargo::cargo_bin!("tamarin"))
        .arg("pull")
        .arg(log)
        .arg("--cache")
        .arg(cache)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn no_room_is_told_in_one_line_and_what_was_committed_stays() {
    // Lines that are committed before there is no more room: how many of the rest are depends on the machine.
    const BEFORE: usize = 4_000;
    let home = Home::new();
    let text = std::fs::read(log(&home)).unwrap();
    let beginning: usize = text.split_inclusive(|byte| *byte == b'\n').take(BEFORE).map(<[u8]>::len).sum();
    let (beginning, rest) = text.split_at(beginning);
    let pull = |logs: &Path, cache: &Path| {
        home.fine(&["pull", logs.to_str().unwrap(), "--cache", cache.to_str().unwrap(), "-q"]);
        contents(cache)
    };
    let logs = |name: &str| {
        let logs = home.path(name);
        std::fs::create_dir(&logs).unwrap();
        std::fs::write(logs.join("1.log"), beginning).unwrap();
        logs
    };

    let whole_logs = logs("whole");
    std::fs::write(whole_logs.join("2.log"), rest).unwrap();
    let whole = home.path("whole.db");
    let expected = pull(&whole_logs, &whole);
    assert_eq!(expected.totals.stats.requests, REQUESTS);
    let size = std::fs::metadata(&whole).unwrap().len();

    for (percent, before) in [(0, false), (10, false), (40, true), (75, true)] {
        let (logs, cache) = (logs(&percent.to_string()), home.path(&format!("{percent}.db")));
        let committed = if before { pull(&logs, &cache).totals.stats.requests } else { 0 };
        std::fs::write(logs.join("2.log"), rest).unwrap();
        let output = pull_within(size / 512 * percent / 100, &logs, &cache);
        let told = stderr(&output);
        assert_eq!((output.status.code(), output.status.signal()), (Some(1), None), "{percent} %: {told}");
        assert_eq!(told.lines().count(), 1, "{percent} %: {told}");
        assert!(
            told.starts_with("tamarin: ") && told.contains(cache.to_str().unwrap()),
            "{percent} %: {told}"
        );
        assert!(told.contains("room"), "{percent} %: {told}");
        assert!(cache.exists() || !before, "{percent} %: the cache is gone");
        if cache.exists() {
            home.fine(&["sources", "check", "--cache", cache.to_str().unwrap()]);
            let kept = contents(&cache);
            let requests = kept.totals.stats.requests;
            assert_eq!(kept.by_key.rows.iter().map(|row| row.stats.requests).sum::<u64>(), requests);
            assert!((committed..REQUESTS).contains(&requests), "{percent} %: {requests} of {committed}");
        }
        assert_eq!(pull(&logs, &cache), expected, "{percent} %");
    }
}

/// A disk of its own takes the right to make one; where there is none, the test above has to do.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_told_and_does_with_more_room() {
    let home = Home::new();
    let log = log(&home);
    let whole = home.path("whole.db");
    home.fine(&["pull", log.to_str().unwrap(), "--cache", whole.to_str().unwrap(), "-q"]);
    let expected = contents(&whole);
    std::fs::create_dir(home.path("disk")).unwrap();
    let script = r#"
        mount -t tmpfs -o size=$1 tmpfs disk || exit 77
        "$2" pull big.log --cache disk/cache.db 2>told; echo "$?" >code
        if [ -e disk/cache.db ]; then
            "$2" sources check --cache disk/cache.db || exit 1
            "$2" report total --cache disk/cache.db --format ndjson >kept || exit 1
        fi
        mount -o remount,size=200m disk && "$2" pull big.log --cache disk/cache.db -q && cp disk/* .
    "#;
    for size in ["64k", "3m"] {
        let output = Command::new("unshare")
            .args(["-rm", "sh", "-c", script, "sh", size])
            .arg(assert_cmd::cargo::cargo_bin!("tamarin"))
            .current_dir(home.path(""))
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Ok(output) if output.status.code() != Some(77) && !stderr(&output).contains("unshare") => output,
            _ => return eprintln!("no disk can be made here: skipped"),
        };
        assert!(output.status.success(), "{size}: {}", stderr(&output));
        let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
        let told = read("told");
        assert_eq!(read("code").trim(), "1", "{size}: {told}");
        assert_eq!(told.lines().count(), 1, "{size}: {told}");
        assert!(told.contains("disk/cache.db") && told.contains("room"), "{size}: {told}");
        assert_eq!(contents(&home.path("cache.db")), expected, "{size}");
        for name in ["cache.db", "cache.db-wal", "cache.db-shm", "cache.db.lock", "kept"] {
            let _ = std::fs::remove_file(home.path(name));
        }
    }
}
