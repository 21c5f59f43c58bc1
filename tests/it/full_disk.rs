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
    let home = Home::new();
    let log = log(&home);
    let whole = home.path("whole.db");
    home.fine(&["pull", log.to_str().unwrap(), "--cache", whole.to_str().unwrap(), "-q"]);
    let expected = contents(&whole);
    assert_eq!(expected.totals.stats.requests, REQUESTS);
    let size = std::fs::metadata(&whole).unwrap().len();

    let mut kept_some = 0;
    for percent in [0, 10, 40, 75] {
        let cache = home.path(&format!("{percent}.db"));
        let output = pull_within(size / 512 * percent / 100, &log, &cache);
        let told = stderr(&output);
        assert_eq!((output.status.code(), output.status.signal()), (Some(1), None), "{percent} %: {told}");
        assert_eq!(told.lines().count(), 1, "{percent} %: {told}");
        assert!(
            told.starts_with("tamarin: ") && told.contains(cache.to_str().unwrap()),
            "{percent} %: {told}"
        );
        assert!(told.contains("room"), "{percent} %: {told}");
        if cache.exists() {
            home.fine(&["sources", "check", "--cache", cache.to_str().unwrap()]);
            let kept = contents(&cache);
            let requests = kept.totals.stats.requests;
            assert_eq!(kept.by_key.rows.iter().map(|row| row.stats.requests).sum::<u64>(), requests);
            assert!(requests < REQUESTS);
            kept_some += u32::from(requests > 0);
        }
        home.fine(&["pull", log.to_str().unwrap(), "--cache", cache.to_str().unwrap(), "-q"]);
        assert_eq!(contents(&cache), expected, "{percent} %");
    }
    assert!(kept_some > 0, "nothing was ever committed before the room ended");
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
