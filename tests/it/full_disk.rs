//! A full disk is an error of one line. Commits stay, and the next pull continues.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tamarin::demo::{Demo, DemoOptions};

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

/// Runs `tamarin pull` with a limit of file sizes in blocks of 512 bytes.
fn pull_within(blocks: u64, log: &Path, cache: &Path) -> Output {
    // Writes fail with an error and not with a signal, as on a full disk.
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
fn a_file_size_limit_is_reported_in_one_line_and_commits_stay() {
    // Lines that are committed before the disk is full. The number of later commits depends on the machine.
    const BEFORE: usize = 4_000;
    let home = Home::new();
    let text = std::fs::read(log(&home)).unwrap();
    let beginning: usize = text.split_inclusive(|byte| *byte == b'\n').take(BEFORE).map(<[u8]>::len).sum();
    let (beginning, rest) = text.split_at(beginning);
    let pull = |logs: &Path, cache: &Path| {
        home.succeeds(&["pull", logs.to_str().unwrap(), "--cache", cache.to_str().unwrap(), "-q"]);
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
        let message = stderr(&output);
        assert_eq!((output.status.code(), output.status.signal()), (Some(1), None), "{percent} %: {message}");
        assert_eq!(message.lines().count(), 1, "{percent} %: {message}");
        assert!(
            message.starts_with("tamarin: ") && message.contains(cache.to_str().unwrap()),
            "{percent} %: {message}"
        );
        assert!(message.contains("free some space"), "{percent} %: {message}");
        assert!(cache.exists() || !before, "{percent} %: the cache is gone");
        if cache.exists() {
            home.succeeds(&["sources", "check", "--cache", cache.to_str().unwrap()]);
            let kept = contents(&cache);
            let requests = kept.totals.stats.requests;
            assert_eq!(kept.by_key.rows.iter().map(|row| row.stats.requests).sum::<u64>(), requests);
            assert!((committed..REQUESTS).contains(&requests), "{percent} %: {requests} of {committed}");
        }
        assert_eq!(pull(&logs, &cache), expected, "{percent} %");
    }
}

/// Mounting a disk needs privileges. Without them only the test above runs.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_the_pull_continues_with_more_space() {
    let home = Home::new();
    let log = log(&home);
    let whole = home.path("whole.db");
    home.succeeds(&["pull", log.to_str().unwrap(), "--cache", whole.to_str().unwrap(), "-q"]);
    let expected = contents(&whole);
    std::fs::create_dir(home.path("disk")).unwrap();
    let script = r#"
        mount -t tmpfs -o size=$1 tmpfs disk || exit 77
        "$2" pull big.log --cache disk/cache.db 2>message; echo "$?" >code
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
        let message = read("message");
        assert_eq!(read("code").trim(), "1", "{size}: {message}");
        assert_eq!(message.lines().count(), 1, "{size}: {message}");
        assert!(
            message.contains("disk/cache.db") && message.contains("free some space"),
            "{size}: {message}"
        );
        assert_eq!(contents(&home.path("cache.db")), expected, "{size}");
        for name in ["cache.db", "cache.db-wal", "cache.db-shm", "cache.db.lock", "kept"] {
            let _ = std::fs::remove_file(home.path(name));
        }
    }
}

/// Runs a script in which `disk` can be mounted. `None` if mounting is not permitted.
#[cfg(target_os = "linux")]
fn with_a_disk(home: &Home, script: &str) -> Option<Output> {
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .arg(assert_cmd::cargo::cargo_bin!("tamarin"))
        .current_dir(home.path(""))
        .env("XDG_DATA_HOME", home.path("data"))
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.code() != Some(77) && !stderr(&output).contains("unshare") => {
            Some(output)
        }
        _ => None,
    }
}

/// Fills `disk` except for `$left` bytes.
#[cfg(target_os = "linux")]
const FILL: &str = r#"
    fill() {
        dd if=/dev/zero of=disk/filler bs=4096 2>/dev/null || true
        truncate -s -$left disk/filler
    }
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_allows_reading_and_keeps_no_unfinished_cache() {
    let home = Home::new();
    let log = log(&home);
    let whole = home.path("whole.db");
    home.succeeds(&["pull", log.to_str().unwrap(), "--cache", whole.to_str().unwrap(), "-q"]);
    let question = ["report", "key", "--format", "ndjson", "--cache", whole.to_str().unwrap()];
    let expected = home.succeeds(&question);
    std::fs::create_dir(home.path("disk")).unwrap();
    let script = r#"
        mount -t tmpfs -o size=30m tmpfs disk || exit 77
        set -e
        cp whole.db disk/cache.db
        fill
        c="--cache disk/cache.db"
        "$1" report key --format ndjson $c >report
        "$1" requests --top 3 --format ndjson $c >requests
        "$1" sql "SELECT count(*) FROM requests" --format csv $c >sql
        "$1" sources --format ndjson $c >sources
        "$1" sources rejected $c >rejected
        "$1" sources check $c 2>check
        # What cannot be pulled again is answered from what there is.
        "$1" report total big.log --format ndjson $c >again 2>message-again
        cp disk/cache.db after.db
        for name in other.db more/other.db; do
            if "$1" pull logs --cache disk/$name 2>>message; then exit 5; fi
        done
        (cd disk; find . -type f -size +0 ! -name '*-shm' | sort) >left
    "#;
    for left in ["0", "4096"] {
        let Some(output) = with_a_disk(&home, &format!("left={left}\n{FILL}{script}")) else {
            return eprintln!("no disk can be made here: skipped");
        };
        assert!(output.status.success(), "{left}: {}", stderr(&output));
        let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
        assert_eq!(read("report"), expected, "{left}");
        assert_eq!(read("requests").lines().count(), 3, "{left}");
        assert!(read("sql").contains(&REQUESTS.to_string()), "{left}: {}", read("sql"));
        assert!(read("sources").contains(&format!("\"requests\":{REQUESTS}")), "{left}");
        assert!(read("check").contains("no damage found"), "{left}: {}", read("check"));
        assert!(read("again").contains(&format!("\"requests\":{REQUESTS}")), "{left}");
        let message = read("message");
        assert_eq!(message.lines().count(), 2, "{left}: {message}");
        assert!(message.lines().all(|line| line.contains("other.db")), "{left}: {message}");
        assert_eq!(std::fs::read(home.path("after.db")).unwrap(), std::fs::read(&whole).unwrap(), "{left}");
        assert_eq!(read("left"), "./cache.db\n./filler\n", "{left}");
        std::fs::remove_file(home.path("message")).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_explorer_shows_a_cache_on_a_full_disk() {
    use crate::support::terminal::Terminal;
    let home = Home::new();
    let whole = home.path("whole.db");
    home.succeeds(&["pull", "logs", "--cache", whole.to_str().unwrap(), "-q"]);
    std::fs::create_dir(home.path("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=30m tmpfs disk || exit 77";
    let Some(_) = with_a_disk(&home, mount) else {
        return eprintln!("no disk can be made here: skipped");
    };
    let script = format!(
        "cd {} && {mount}; cp whole.db disk/cache.db; left=0; {FILL} fill; exec \"$1\" --cache disk/cache.db",
        home.path("").display()
    );
    let program = assert_cmd::cargo::cargo_bin!("tamarin");
    let arguments = ["-rm", "sh", "-c", &script, "sh"].map(std::ffi::OsStr::new);
    let arguments = [&arguments[..], &[program.as_os_str()]].concat();
    let environment = [("HOME", home.path("").to_str().unwrap().to_owned())];
    let mut terminal = Terminal::start_in(Path::new("unshare"), &arguments, &environment, (130, 34)).unwrap();
    terminal.wait_for("203.0.113.7").unwrap();
    terminal.wait_for("198.51.100.9").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

/// The write-ahead log of a killed pull is checkpointed if the cache file has space for it.
#[cfg(target_os = "linux")]
#[test]
fn a_write_ahead_log_on_a_full_disk_is_read_or_reported() {
    use crate::support::filling::Filling;
    let home = Home::new();
    let path = home.path("cache.db");
    let mut filling = Filling::by(tamarin::cache::Writer::open(&path).unwrap());
    let source = filling.writer.source("/var/log/acme").unwrap();
    let line =
        |n: u32| crate::home::line(n, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{n}"), 200, "1");
    filling.append(source, &(0..5000).map(line).collect::<Vec<_>>());
    filling.writer.commit().unwrap();
    filling.writer.checkpoint().unwrap();
    std::fs::create_dir(home.path("disk")).unwrap();
    let keep = |name: &str| {
        for suffix in ["", "-wal"] {
            std::fs::copy(home.path(&format!("cache.db{suffix}")), home.path(&format!("{name}.db{suffix}")))
                .unwrap();
        }
    };
    // A change that adds nothing to the file fits; a change that adds much does not.
    filling.writer.monitor(source, tamarin::cache::Monitoring::On).unwrap();
    keep("small");
    filling.append(source, &(5000..20_000).map(line).collect::<Vec<_>>());
    filling.writer.commit().unwrap();
    keep("large");
    drop(filling);
    let script = r#"
        mount -t tmpfs -o size=30m tmpfs disk || exit 77
        for name in small large; do
            cp $name.db $name.db-wal disk/ || exit 1
            fill
            "$1" sources --format ndjson --cache disk/$name.db >$name 2>message-$name
            echo $? >code-$name
            rm disk/filler
            "$1" sources --format ndjson --cache disk/$name.db >after-$name || exit 1
        done
    "#;
    for left in ["0", "4096"] {
        let Some(output) = with_a_disk(&home, &format!("left={left}\n{FILL}{script}")) else {
            return eprintln!("no disk can be made here: skipped");
        };
        assert!(output.status.success(), "{left}: {}", stderr(&output));
        let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
        assert_eq!(read("code-small").trim(), "0", "{left}: {}", read("message-small"));
        assert!(read("small").contains("\"state\":\"monitored\""), "{left}: {}", read("small"));
        let message = read("message-large");
        assert_eq!(read("code-large").trim(), "1", "{left}: {message}");
        assert_eq!(message.lines().count(), 1, "{left}: {message}");
        assert!(message.contains("large.db-wal") && message.contains("free some space"), "{left}: {message}");
        assert!(read("after-large").contains("\"requests\":20000"), "{left}: {}", read("after-large"));
    }
}
