//! Several processes with one cache, and what killed processes leave.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tamarin::cache::{Cache, CacheError, Writer};

use crate::home::{Home, line, stderr};
use crate::support::contents::contents;
use crate::support::filling::Filling;

/// Longer than any operation on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < TIMEOUT, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lines of a log, different ones for each `from`.
fn lines(from: u32, count: u32) -> String {
    (from..from + count)
        .map(|n| line(n, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{}", n % 9), 200, "10"))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A command that reads an open pipe: it runs until the pipe is closed.
struct Piped {
    child: Child,
    pipe: std::process::ChildStdin,
}

impl Piped {
    fn start(home: &Home, arguments: &[&str]) -> Piped {
        let mut child = home
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pipe = child.stdin.take().unwrap();
        Piped { child, pipe }
    }

    /// Starts `tamarin pull -` and returns when these lines are in the cache.
    fn start_pull(home: &Home, cache: &str, lines: &str) -> Piped {
        let mut piped = Piped::start(home, &["pull", "-", "--cache", cache]);
        let before = requests(home, cache);
        piped.write(lines);
        wait_until("the first lines being committed", || requests(home, cache) > before);
        piped
    }

    fn write(&mut self, lines: &str) {
        // More than a block of lines; the command waits for the rest of a block.
        self.pipe.write_all(lines.as_bytes()).unwrap();
        self.pipe.flush().unwrap();
    }

    fn end(self) -> Output {
        drop(self.pipe);
        self.child.wait_with_output().unwrap()
    }
}

/// The number of requests in a cache; 0 if it is not a cache.
fn requests(home: &Home, cache: &str) -> u64 {
    let Ok(cache) = Cache::open(&home.path(cache)) else { return 0 };
    let snapshot = cache.snapshot().unwrap();
    snapshot.segments.iter().map(|segment| segment.rows as u64).sum()
}

/// Enough lines to be committed before the pipe is closed.
const COMMITTED_LINES: u32 = 8000;

fn one_line(output: &Output, code: i32) -> String {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    message
}

#[test]
fn only_one_of_simultaneous_first_pulls_makes_the_cache() {
    let home = Home::new();
    std::fs::create_dir(home.path("caches")).unwrap();
    std::fs::write(home.path("logs/more"), lines(0, 3000)).unwrap();
    let commands: [&[&str]; 3] =
        [&["pull", "logs"], &["report", "total", "logs"], &["sql", "SELECT 1", "logs"]];
    for round in 0..6 {
        let name = format!("caches/{round}.db");
        let mut children = Vec::new();
        for n in 0..3 + round % 3 {
            let command = commands[if round < 3 { 0 } else { n % 3 }];
            let arguments = [command, &["-q", "--cache", &name]].concat();
            children
                .push(home.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        }
        let mut won = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            if output.status.code() == Some(0) {
                won += 1;
            } else {
                let message = one_line(&output, 1);
                assert!(message.contains("is being written by another Tamarin (process "), "{message}");
            }
        }
        assert!(won > 0, "round {round}");
        assert_eq!(requests(&home, &name), 3003, "round {round}");
        home.succeeds(&["sources", "check", "--cache", &name]);
    }
    assert_eq!(names(&home.path("caches")).len(), 6, "{:?}", names(&home.path("caches")));
}

#[test]
fn an_empty_pull_does_not_delete_the_cache_that_another_fills() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    for round in 0..12 {
        let name = format!("{round}.db");
        let pull = |source: &str| {
            let mut command = home.command(&["pull", source, "-q", "--cache", &name]);
            command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
        };
        let (nothing, something) = if round % 2 == 0 {
            let nothing = pull("empty");
            (nothing, pull("logs"))
        } else {
            let something = pull("logs");
            (pull("empty"), something)
        };
        let something = something.wait_with_output().unwrap();
        one_line(&nothing.wait_with_output().unwrap(), 1);
        if something.status.code() == Some(0) {
            assert_eq!(requests(&home, &name), 3, "round {round}");
        } else {
            let message = one_line(&something, 1);
            assert!(message.contains("is being written by another Tamarin (process "), "{message}");
            assert!(!home.path(&name).exists(), "round {round}: an empty cache is left");
        }
        assert!(!home.path(&format!("{name}.lock")).exists());
    }
}

/// A cache of 100 requests with 200 more in its write-ahead log: copies of its files, as a kill leaves them.
fn killed_cache(folder: &Path) -> PathBuf {
    let alive = folder.join("alive");
    std::fs::create_dir(&alive).unwrap();
    let path = alive.join("c.db");
    let mut filling = Filling::by(Writer::open(&path).unwrap());
    let source = filling.writer.source("/var/log/acme").unwrap();
    for batch in 0..3 {
        let lines = lines(batch * 100, 100);
        filling.append(source, &lines.lines().collect::<Vec<_>>());
        filling.writer.commit().unwrap();
        if batch == 0 {
            filling.writer.checkpoint().unwrap();
        }
    }
    let killed = folder.join("killed");
    std::fs::create_dir(&killed).unwrap();
    for name in ["c.db", "c.db-wal", "c.db-shm"] {
        std::fs::copy(alive.join(name), killed.join(name)).unwrap();
    }
    assert!(std::fs::metadata(killed.join("c.db-wal")).unwrap().len() > 10_000);
    killed
}

#[test]
fn the_log_of_an_earlier_cache_is_never_applied_to_a_new_one() {
    let home = Home::new();
    let killed = killed_cache(&home.path(""));
    let commands: [&[&str]; 3] =
        [&["pull", "logs"], &["sources", "add", "logs"], &["report", "total", "logs"]];
    for (round, command) in commands.iter().flat_map(|command| [command; 3]).enumerate() {
        let folder = home.path(&round.to_string());
        std::fs::create_dir(&folder).unwrap();
        for name in ["c.db", "c.db-wal", "c.db-shm"] {
            std::fs::copy(killed.join(name), folder.join(name)).unwrap();
        }
        let log = std::fs::read(folder.join("c.db-wal")).unwrap();
        let cache = folder.join("c.db");
        match round % 3 {
            0 => std::fs::remove_file(&cache).unwrap(),
            1 => std::fs::rename(&cache, folder.join("moved.db")).unwrap(),
            _ => std::fs::write(&cache, "").unwrap(),
        }
        let name = cache.to_str().unwrap();
        let output = home.run(&[command, &["--cache", name][..]].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{message}");
        assert!(message.contains("c.db-wal.old"), "{message}");
        home.succeeds(&["sources", "check", "--cache", name]);
        home.succeeds(&["pull", "logs", "-q", "--cache", name]);
        assert_eq!(requests(&home, name), 3);
        assert_eq!(std::fs::read(folder.join("c.db-wal.old")).unwrap(), log, "it is kept");
        // With its log, the moved cache is complete.
        if round % 3 == 1 {
            std::fs::rename(folder.join("c.db-wal.old"), folder.join("moved.db-wal")).unwrap();
            assert_eq!(requests(&home, folder.join("moved.db").to_str().unwrap()), 300);
        }
    }
}

#[test]
fn leftovers_of_an_earlier_cache_do_not_prevent_a_new_one() {
    let home = Home::new();
    let torn = crate::first_pull::torn(&home.path(""));
    let journal = std::fs::read(format!("{}-journal", torn.display())).unwrap();
    for (round, left) in [&journal[..], b"no log of a database", b""].into_iter().enumerate() {
        let name = format!("{round}.db");
        for suffix in ["-journal", "-wal", "-shm"] {
            std::fs::write(home.path(&format!("{name}{suffix}")), left).unwrap();
        }
        home.succeeds(&["pull", "logs", "-q", "--cache", &name]);
        assert_eq!(requests(&home, &name), 3);
        home.succeeds(&["sources", "check", "--cache", &name]);
        for suffix in ["-journal", "-wal"] {
            assert!(!home.path(&format!("{name}{suffix}")).exists());
            let kept = std::fs::read(home.path(&format!("{name}{suffix}.old"))).unwrap_or_default();
            assert!(kept == left, "{suffix}");
        }
    }
}

#[test]
fn the_log_of_an_existing_cache_is_never_renamed() {
    let home = Home::new();
    let folder = killed_cache(&home.path(""));
    let cache = folder.join("c.db");
    let name = cache.to_str().unwrap();
    let output = home.run(&["pull", "logs", "-q", "--cache", name]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    assert_eq!(requests(&home, name), 303);
    assert_eq!(names(&folder), ["c.db"]);
}

/// What can happen to a cache while a process writes it.
#[cfg(unix)]
const MISHAPS: [(&str, &str); 8] = [
    ("deleted", "rm c.db"),
    ("deleted with all files beside it", "rm c.db*"),
    ("moved", "mv c.db elsewhere.db"),
    ("moved with all files beside it", "for f in c.db*; do mv $f x$f; done"),
    ("replaced", "cp ../other.db new.db; mv new.db c.db"),
    ("in a folder that is moved", "cd ..; mv d e"),
    ("in a folder that is deleted", "cd ..; rm -r d"),
    ("without its lock file", "rm c.db.lock"),
];

#[cfg(unix)]
#[test]
fn a_pull_fails_if_its_cache_is_moved_deleted_or_replaced() {
    for (what, mishap) in MISHAPS {
        let home = Home::new();
        std::fs::create_dir(home.path("d")).unwrap();
        for cache in ["d/c.db", "other.db"] {
            home.succeeds(&["pull", "logs", "-q", "--cache", cache]);
        }
        let mut pull = Piped::start_pull(&home, "d/c.db", &lines(0, COMMITTED_LINES));
        let done = Command::new("sh").args(["-ec", mishap]).current_dir(home.path("d")).status().unwrap();
        assert!(done.success());
        pull.write(&lines(COMMITTED_LINES, 10));
        let message = one_line(&pull.end(), 1);
        assert!(
            message.contains("was moved, deleted or replaced") && message.contains("c.db"),
            "{what}: {message}"
        );
        assert!(!message.contains("added"), "{what}: {message}");
        // The cache that replaced it is unchanged and works.
        assert_eq!(requests(&home, "other.db"), 3);
        if what == "replaced" {
            assert_eq!(requests(&home, "d/c.db"), 3);
        }
        home.succeeds(&["pull", "logs", "-q", "--cache", "d/c.db"]);
        home.succeeds(&["sources", "check", "--cache", "d/c.db"]);
    }
}

#[cfg(unix)]
#[test]
fn every_change_of_a_moved_cache_fails() {
    use tamarin::cache::Monitoring;
    type Change = fn(&mut Writer, tamarin::cache::SourceId) -> Result<(), CacheError>;
    let changes: [(&str, Change); 7] = [
        ("commit", |writer, _| writer.commit()),
        ("fold", |writer, _| writer.checkpoint()),
        ("make durable", |writer, _| writer.make_durable()),
        ("monitor", |writer, source| writer.monitor(source, Monitoring::On)),
        ("delete", |writer, source| writer.delete_source(source).map(drop)),
        ("give space back", |writer, _| writer.vacuum().map(drop)),
        ("look", |writer, _| writer.check_in_place()),
    ];
    for is_first in [true, false] {
        for (what, change) in changes {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("c.db");
            if !is_first {
                drop(Writer::open(&path).unwrap());
            }
            let mut filling = Filling::by(Writer::open_to_fill(&path).unwrap());
            let source = filling.writer.source("/var/log/acme").unwrap();
            filling.append(source, &lines(0, 5).lines().collect::<Vec<_>>());
            filling.writer.commit().unwrap();
            filling.append(source, &lines(5, 5).lines().collect::<Vec<_>>());
            std::fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
            let error = change(&mut filling.writer, source).unwrap_err();
            assert!(matches!(error, CacheError::Moved { .. }), "{what}: {error:?}");
        }
    }
}

#[test]
fn a_foreign_file_with_the_name_of_a_lock_file_is_kept() {
    let home = Home::new();
    std::fs::write(home.path("Cargo.lock"), "version = 4\n").unwrap();
    for command in [&["pull", "logs"][..], &["report", "total", "logs"], &["sources", "add", "logs"]] {
        let message = home.fails_in_one_line(1, &[command, &["--cache", "Cargo"]].concat());
        assert!(
            message.contains("Cargo.lock is in the way") && message.contains("--cache FILE"),
            "{message}"
        );
        assert_eq!(std::fs::read_to_string(home.path("Cargo.lock")).unwrap(), "version = 4\n");
        assert!(!home.path("Cargo").exists());
    }
    #[cfg(unix)]
    {
        std::fs::write(home.path("precious.txt"), "my words").unwrap();
        std::os::unix::fs::symlink("precious.txt", home.path("ls.db.lock")).unwrap();
        let message = home.fails_in_one_line(1, &["pull", "logs", "--cache", "ls.db"]);
        assert!(message.contains("ls.db.lock is in the way (it is a symbolic link)"), "{message}");
        assert_eq!(std::fs::read_to_string(home.path("precious.txt")).unwrap(), "my words");
    }
}

#[cfg(unix)]
#[test]
fn new_files_are_private_under_any_umask() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let mut child = Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" pull -"])
        .arg(assert_cmd::cargo::cargo_bin!("tamarin"))
        .current_dir(home.path(""))
        .env("HOME", home.path(""))
        .env("XDG_DATA_HOME", home.path("share/deep/data"))
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pipe = child.stdin.take().unwrap();
    let lock = home.path("share/deep/data/tamarin/cache.db.lock");
    wait_until("the cache being made", || lock.exists() && lock.with_extension("").exists());
    let mut seen = BTreeSet::new();
    for entry in walkdir::WalkDir::new(home.path("share")) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let expected = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", entry.path().display());
        seen.insert(entry.file_name().to_str().unwrap().to_owned());
    }
    for name in ["deep", "data", "tamarin", "cache.db", "cache.db.lock"] {
        assert!(seen.contains(name), "{seen:?}");
    }
    drop(pipe);
    child.wait().unwrap();
}

#[cfg(unix)]
#[test]
fn another_path_of_a_cache_has_no_second_writer() {
    let home = Home::new();
    std::os::unix::fs::symlink("c.db", home.path("link.db")).unwrap();
    // Made through the link, at its target.
    home.succeeds(&["pull", "logs", "-q", "--cache", "link.db"]);
    assert!(std::fs::symlink_metadata(home.path("link.db")).unwrap().is_symlink());
    assert_eq!(requests(&home, "c.db"), 3);
    for (first, second) in [("c.db", "link.db"), ("link.db", "c.db")] {
        let pull = Piped::start_pull(&home, first, &lines(0, COMMITTED_LINES));
        let message = home.fails_in_one_line(1, &["pull", "logs", "--cache", second]);
        let holder = format!("is being written by another Tamarin (process {})", pull.child.id());
        assert!(message.contains(&holder), "{message}");
        assert_eq!(pull.end().status.code(), Some(0));
        home.succeeds(&["sources", "remove", "-", "--with-requests", "-q", "--cache", second]);
    }
    home.succeeds(&["sources", "check", "--cache", "link.db"]);

    // SQLite puts its files beside one path and does not see those beside the other.
    std::fs::hard_link(home.path("c.db"), home.path("hard.db")).unwrap();
    for name in ["c.db", "hard.db", "link.db"] {
        let message = home.fails_in_one_line(1, &["pull", "logs", "--cache", name]);
        assert!(message.contains("2 names") && message.contains("hard links"), "{message}");
        assert_eq!(requests(&home, name), 3, "it can be read");
    }
    std::fs::remove_file(home.path("hard.db")).unwrap();
    home.succeeds(&["pull", "logs", "-q", "--cache", "c.db"]);
}

#[cfg(unix)]
#[test]
fn requests_piped_in_by_a_killed_process_are_not_those_of_the_next_pipe() {
    let home = Home::new();
    let data = home.path("data/tamarin");
    std::fs::create_dir_all(&data).unwrap();
    // Left by an earlier process with the id of the next one.
    home.succeeds(&["pull", "logs", "-q", "--cache", "left.db"]);
    let mut child = Command::new("sh")
        .args([
            "-c",
            "cp left.db data/tamarin/standard-input-$$.db; exec \"$0\" report total - --format ndjson",
        ])
        .arg(assert_cmd::cargo::cargo_bin!("tamarin"))
        .current_dir(home.path(""))
        .env("HOME", home.path(""))
        .env("XDG_DATA_HOME", home.path("data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines(0, 50).as_bytes()).unwrap();
    let row: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(row["requests"], 50);

    let temporary =
        || -> BTreeSet<String> { names(&data).into_iter().filter(|name| !name.ends_with(".db")).collect() };
    let question = ["report", "total", "-", "--format", "ndjson"];
    let mut running = Piped::start(&home, &question);
    wait_until("a temporary cache", || temporary().len() == 1);
    let of_the_running = temporary();
    let mut killed = Piped::start(&home, &question);
    killed.write(&lines(0, COMMITTED_LINES));
    wait_until("another one", || temporary().len() == 2);
    kill(&mut killed.child);
    assert_eq!(temporary().len(), 2, "it is left");
    let mut next = Piped::start(&home, &question);
    next.write(&lines(0, 7));
    let row: Value = serde_json::from_slice(&next.end().stdout).unwrap();
    assert_eq!(row["requests"], 7);
    assert_eq!(temporary(), of_the_running, "what was left is deleted, what is in use is not");
    running.write(&lines(0, 9));
    let row: Value = serde_json::from_slice(&running.end().stdout).unwrap();
    assert_eq!(row["requests"], 9);
    assert!(temporary().is_empty());
}

/// The only row of `tamarin sources`: log files, lines, requests, repeats and rejected lines.
fn source_counts(home: &Home, cache: &str) -> [u64; 5] {
    let rows = home.rows(&["sources", "--cache", cache]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["source"], "-");
    let counted = ["log_files", "lines", "requests", "duplicates", "rejected"];
    counted.map(|name| rows[0][name].as_u64().unwrap())
}

#[test]
fn a_later_pipe_does_not_replace_an_earlier_one() {
    let home = Home::new();
    let pipe = |log: String| {
        let mut piped = Piped::start(&home, &["pull", "-", "--cache", "c.db"]);
        piped.write(&log);
        let output = piped.end();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    pipe(lines(0, 2) + "torn in a\n");
    assert_eq!(source_counts(&home, "c.db"), [1, 3, 2, 0, 1]);
    pipe(lines(1, 2) + "torn in b\n");
    assert_eq!(source_counts(&home, "c.db"), [2, 6, 3, 1, 2]);
    let rejected = home.rows(&["sources", "rejected", "--cache", "c.db"]);
    let content: Vec<&str> = rejected.iter().map(|row| row["content"].as_str().unwrap()).collect();
    assert_eq!(content, ["torn in a", "torn in b"]);
    let files: BTreeSet<&str> = rejected.iter().map(|row| row["log_file"].as_str().unwrap()).collect();
    assert_eq!(files.len(), 2);
    assert!(
        files.iter().all(|name| name.starts_with("standard input 20") && name.ends_with('Z')),
        "{files:?}"
    );
    home.succeeds(&["sources", "check", "--cache", "c.db"]);
}

#[test]
fn a_pipe_after_a_killed_one_is_counted_line_by_line() {
    let home = Home::new();
    // Part of it is committed before the kill, in any order of parsing.
    let log = "torn\n".to_owned() + &lines(0, COMMITTED_LINES) + &lines(COMMITTED_LINES - 20, 20);
    let mut killed = Piped::start_pull(&home, "c.db", &log);
    kill(&mut killed.child);
    let [files, lines_before, requests_before, duplicates, rejected] = source_counts(&home, "c.db");
    assert_eq!((files, rejected), (1, 1));
    assert_eq!(lines_before, requests_before + duplicates + rejected);

    let mut piped = Piped::start(&home, &["pull", "-", "--cache", "c.db", "-q"]);
    piped.write(&log);
    assert_eq!(piped.end().status.code(), Some(0));
    let [files, lines, requests, duplicates, rejected] = source_counts(&home, "c.db");
    assert_eq!((files, rejected), (2, 2));
    assert_eq!(requests, u64::from(COMMITTED_LINES));
    assert_eq!(lines, lines_before + u64::from(COMMITTED_LINES) + 21);
    assert_eq!(lines, requests + duplicates + rejected);
    let contents = contents(&home.path("c.db"));
    assert_eq!((contents.totals.stats.requests, contents.rejected.len()), (requests, 2));
    home.succeeds(&["sources", "check", "--cache", "c.db"]);
}
