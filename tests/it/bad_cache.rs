//! A file that is not a cache, or a damaged cache, is refused with an error of one line and is not changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tamarin::cache::{Batch, BatchBuilder, Cache, CacheError, Writer};
use tamarin::log::{Field, records};
use tamarin::query::filter::{Subject, Test};
use tamarin::query::{
    Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, QueryError, Sort, TimeRange,
};
use tokio_util::sync::CancellationToken;

use crate::support::filling::Filling;
use crate::support::lines;

fn message(error: CacheError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

/// The errors of opening a file for reading and for writing, which must not change it.
fn open_errors(path: &Path) -> [CacheError; 2] {
    let before = std::fs::read(path).ok();
    let reading = Cache::open(path).err().unwrap();
    let writing = Writer::open(path).err().unwrap();
    assert_eq!(std::fs::read(path).ok(), before, "the file was changed");
    [reading, writing]
}

/// Makes a cache of 500 rows in three segments and closes it.
fn make_cache(folder: &Path) -> PathBuf {
    let path = folder.join("cache.tamarin");
    let mut filling = Filling::new(&path, 200);
    let source = filling.writer.source("/var/log/acme").unwrap();
    for batch in 0..5u32 {
        let lines: Vec<String> = (0..100u32)
            .map(|row| {
                let picks = std::array::from_fn(|index| {
                    ((batch * 100 + row).wrapping_mul(index as u32 * 77 + 13) >> (index % 7)) as u8
                });
                lines::line_of(&picks).replacen(" 3E57", &format!(" {:04X}", batch * 100 + row), 1)
            })
            .collect();
        filling.append(source, &lines);
    }
    filling.writer.commit().unwrap();
    path
}

#[test]
fn a_folder_is_not_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    for error in open_errors(folder.path()) {
        assert!(matches!(error, CacheError::Open { .. }), "{error:?}");
        let text = message(error);
        assert!(text.contains("it is a directory") && text.contains("--cache FILE"), "{text}");
    }
}

#[test]
fn a_file_that_is_not_a_database_is_not_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    for content in ["Dear Ann,\n".repeat(1000), "x".to_owned(), "SQLite format 3\0 it says".to_owned()] {
        std::fs::write(&path, content).unwrap();
        for error in open_errors(&path) {
            assert!(matches!(error, CacheError::NotOurs { .. }), "{error:?}");
            let text = message(error);
            assert!(text.contains("not a Tamarin cache") && text.contains("it was not changed"), "{text}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file was made beside it");
}

#[test]
fn a_database_of_another_program_is_not_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE place (name TEXT); INSERT INTO place VALUES ('home')").unwrap();
    drop(database);
    for error in open_errors(&path) {
        assert!(matches!(error, CacheError::NotOurs { .. }), "{error:?}");
        assert!(message(error).contains("it is an SQLite database of another program"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file was made beside it");
}

#[test]
fn a_cache_of_a_newer_version_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = make_cache(folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    database.close().unwrap();
    for error in open_errors(&path) {
        assert!(matches!(error, CacheError::Version { found: 99, .. }), "{error:?}");
        assert!(message(error).contains("use a newer Tamarin"));
    }
}

#[test]
fn a_cache_of_an_older_version_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = make_cache(folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    database.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in open_errors(&path) {
        assert!(matches!(error, CacheError::Version { found: 1, .. }), "{error:?}");
        let text = message(error);
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(text.contains("an older Tamarin wrote it; move it away and pull again"), "{text}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_truncated_cache_is_damaged_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(make_cache(folder.path())).unwrap();
    let path = folder.path().join("cut.tamarin");
    for share in [1, 5, 20, 50, 90, 99] {
        std::fs::write(&path, &whole[..whole.len() * share / 100]).unwrap();
        let before = std::fs::read(&path).unwrap();
        let reading = Cache::open(&path).and_then(|cache| cache.snapshot().map(drop)).err().unwrap();
        let writing = Writer::open(&path).err().unwrap();
        for error in [reading, writing] {
            let is_right = matches!(error, CacheError::Damaged { .. } | CacheError::NotOurs { .. });
            assert!(is_right, "{share} %: {error:?}");
            message(error);
        }
        assert_eq!(std::fs::read(&path).unwrap(), before, "{share} %");
    }
}

#[test]
fn a_second_writer_gets_the_process_id_of_the_first_and_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = make_cache(folder.path());
    let first = Writer::open(&path).unwrap();
    let error = Writer::open(&path).err().unwrap();
    assert!(matches!(error, CacheError::Locked { .. }), "{error:?}");
    assert!(message(error).contains(&format!("process {}", std::process::id())));
    assert!(Cache::open(&path).unwrap().snapshot().is_ok());
    drop(first);
    assert!(Writer::open(&path).is_ok());
}

#[cfg(unix)]
#[test]
fn a_read_only_cache_can_be_read_but_not_written() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = make_cache(folder.path());
    let before = std::fs::read(&path).unwrap();
    let _ = std::fs::remove_file(folder.path().join("cache.tamarin.lock"));
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        return; // The superuser may write anything.
    }
    let error = Writer::open(&path).err().unwrap();
    assert!(matches!(error, CacheError::ReadOnly { .. }), "{error:?}");
    assert!(message(error).contains("cannot be written"));
    assert!(Cache::open(&path).unwrap().snapshot().is_ok(), "it can be read");
    allow(folder.path(), 0o755);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Runs the program as a user who may not write into this folder: as `nobody` if the tests run as the superuser, who may
/// write everywhere.
#[cfg(unix)]
fn run_without_permission(folder: &Path, arguments: &[&str]) -> std::process::Output {
    use std::os::unix::process::CommandExt;
    let home = tempfile::tempdir().unwrap();
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_tamarin"));
    let probe = folder.join("probe");
    let is_superuser = std::fs::write(&probe, "").is_ok();
    if is_superuser {
        std::fs::remove_file(&probe).unwrap();
        // The user `nobody` may not read the build folder.
        let copy = home.path().join("tamarin");
        std::fs::copy(&program, &copy).unwrap();
        program = copy;
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(home.path(), open).unwrap();
    let mut command = std::process::Command::new(program);
    command.args(arguments).current_dir(folder).env("HOME", folder);
    if is_superuser {
        command.uid(65_534).gid(65_534);
    }
    loop {
        match command.output() {
            // Another test started a process while the copy was being written.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            output => return output.unwrap(),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_cache_in_a_read_only_folder_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = make_cache(folder.path());
    // These characters have a meaning in URIs, but not in paths.
    let path = folder.path().join("50% of it? #1.tamarin");
    std::fs::rename(&whole, &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    let name = path.to_str().unwrap();
    let report = |extra: &[&str]| {
        let report = ["report", "total", "--format", "ndjson", "--cache", name];
        let output = run_without_permission(folder.path(), &[&report, extra].concat());
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, stdout, stderr) = report(&[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("\"requests\":"), "{stdout}");
    assert_eq!(
        run_without_permission(folder.path(), &["sources", "check", "--cache", name]).status.code(),
        Some(0)
    );
    let asked = run_without_permission(
        folder.path(),
        &["prune", "--before", "2100-01-01", "--dry-run", "--cache", name],
    );
    let message = String::from_utf8(asked.stderr).unwrap();
    assert!(asked.status.success() && message.contains("would be dropped (about "), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file was made beside it");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    // Without permission to read it, the error says so, and does not show the URI that SQLite gets.
    allow(&path, 0o600);
    allow(folder.path(), 0o555);
    let (code, _, stderr) = report(&[]);
    if code != Some(0) {
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("permission denied") && !stderr.contains("immutable"), "{stderr}");
    }

    // Changes in a write-ahead log cannot be read without writing: the error says so.
    allow(folder.path(), 0o755);
    allow(&path, 0o644);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("UPDATE source SET added = added + 1").unwrap();
    let log = format!("{name}-wal");
    let (file, log_bytes) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
    connection.close().unwrap();
    std::fs::write(&path, file).unwrap();
    std::fs::write(&log, log_bytes).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    let (code, _, stderr) = report(&[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("-wal") && stderr.contains("may write the folder"), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    allow(folder.path(), 0o755);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_searched_is_not_taken_for_an_empty_one() {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(folder.path().join("a.log"), lines::line_of(&[0; 28])).unwrap();
    drop(Writer::open(&closed.join("c.db")).unwrap());
    // So that the program runs as a user who may not write here.
    allow(folder.path(), 0o555);
    allow(&closed, 0o000);
    let commands: [&[&str]; 5] = [
        &["report", "total"],
        &["sources"],
        &["pull", "a.log"],
        &["sources", "check"],
        &["report", "total", "a.log"],
    ];
    for command in commands {
        for cache in ["closed/c.db", "closed/none.db", "closed/more/none.db"] {
            let output = run_without_permission(folder.path(), &[command, &["--cache", cache]].concat());
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{command:?}: {message}");
            assert!(
                message.contains(cache) && message.contains("cannot be searched"),
                "{command:?}: {message}"
            );
            assert_eq!(message.trim_end().lines().count(), 1, "{message}");
        }
    }
    allow(folder.path(), 0o755);
    allow(&closed, 0o755);
}

#[cfg(unix)]
#[test]
fn without_permission_to_roll_back_a_killed_first_pull_there_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = crate::first_pull::torn(folder.path());
    let name = path.to_str().unwrap();
    allow(&path, 0o444);
    allow(format!("{name}-journal").as_ref(), 0o444);
    allow(folder.path(), 0o555);
    let output = run_without_permission(folder.path(), &["report", "total", "--cache", name]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.contains("-journal") && stderr.contains("may write the folder"), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    allow(folder.path(), 0o755);
}

#[test]
fn tables_with_other_columns_are_damage_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = make_cache(folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("ALTER TABLE source RENAME COLUMN last_pull TO last_pump").unwrap();
    database.close().unwrap();
    let error = Cache::open(&path).unwrap().sources().unwrap_err();
    assert!(matches!(error, CacheError::Damaged { .. }), "{error:?}");
    assert!(message(error).contains("no such column: last_pull"));
}

/// Queries that together read every column.
fn queries() -> Vec<Query> {
    let mut asks = vec![Ask::Totals];
    for by in Dimension::all() {
        asks.push(Ask::Groups {
            by,
            more: Measure::ALL.to_vec(),
            sort: Sort { by: Measure::Objects, descending: true },
            limit: 3,
        });
    }
    asks.push(Ask::Series { bucket: 86_400, each: None });
    for by in [Field::RemoteIp, Field::Key] {
        let values = vec![tamarin::query::Value::Absent];
        asks.push(Ask::Series { bucket: 86_400, each: Some((Dimension::Field(by), values)) });
    }
    for by in [Field::Time, Field::RequestUri, Field::HostId, Field::BytesSent, Field::Key] {
        asks.push(Ask::Requests {
            sort: Sort { by, descending: false },
            offset: 0,
            limit: 0,
            fields: Vec::new(),
        });
    }
    let filters = [
        Filter::everything(),
        Filter::Term(Subject::Field(Field::RequestUri), Test::Contains("films".to_owned())),
        Filter::Term(Subject::Field(Field::ObjectSize), Test::Range(Some(5), Some(5000))),
        Filter::Term(Subject::Derived(Dimension::StatusClass), Test::Equals(b"4xx".to_vec())),
    ];
    let mut queries = Vec::new();
    for ask in asks {
        for filter in filters.clone() {
            let (sources, time) = (Vec::new(), TimeRange::default());
            queries.push(Query { sources, time, filter, counting: Counting::AsLogged, ask: ask.clone() });
        }
    }
    queries
}

/// Runs all queries and appends. Returns the errors.
fn query_and_append(path: &Path, queries: &[Query]) -> Vec<String> {
    let mut errors = Vec::new();
    let mut note = |error: CacheError| errors.push(message(error));
    match Cache::open(path) {
        Ok(cache) => {
            let engine = LocalEngine::new(Arc::new(cache));
            for query in queries {
                match engine.ask(query, &CancellationToken::new(), &mut |_, _| {}) {
                    Ok(_) => {}
                    Err(QueryError::Cache(error)) => note(error),
                    Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
                }
            }
            if let Err(error) = engine.cache().sources() {
                note(error);
            }
            if let Err(error) = engine.cache().rejected(None, &mut |_| {}) {
                note(error);
            }
        }
        Err(error) => note(error),
    }
    let appended = Writer::open(path).and_then(|mut writer| {
        let source = writer.source("/var/log/acme")?;
        let mut builder = BatchBuilder::default();
        for pick in 0..60 {
            let line = lines::line_of(&[pick; 28]);
            builder.extend(&[records(line.as_bytes()).next().unwrap().1.unwrap()]);
        }
        writer.append(source, &mut builder.finish(Batch::default()))?;
        writer.commit()
    });
    if let Err(error) = appended {
        note(error);
    }
    errors
}

/// Runs all queries on a damaged cache and appends to it, which must end without a panic. Returns the errors.
fn use_damaged(path: &Path, queries: &Arc<Vec<Query>>, what: &str) -> Vec<String> {
    let (send, ended) = std::sync::mpsc::channel();
    let (cache, queries) = (path.to_owned(), queries.clone());
    std::thread::spawn(move || {
        drop(send.send(catch_unwind(AssertUnwindSafe(|| query_and_append(&cache, &queries)))));
    });
    let problem = match ended.recv_timeout(Duration::from_secs(120)) {
        Ok(Ok(errors)) => return errors,
        Ok(Err(_)) => "ended in a panic",
        Err(_) => "did not end",
    };
    let copy = std::env::temp_dir().join("tamarin-damaged-cache");
    std::fs::copy(path, &copy).unwrap();
    panic!("{what} {problem}; the cache is {}", copy.display());
}

/// A generator of pseudo-random numbers below its argument.
fn random_numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut random = seed;
    move |below| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    }
}

/// `default` rounds, or 100 times as many if `PROPTEST_CASES` is set.
fn rounds(default: usize) -> usize {
    if std::env::var_os("PROPTEST_CASES").is_some() { default * 100 } else { default }
}

fn remove_cache(path: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
}

#[test]
fn flipped_bytes_never_cause_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(make_cache(folder.path())).unwrap();
    let queries = Arc::new(queries());
    assert_eq!(query_and_append(&folder.path().join("cache.tamarin"), &queries), [] as [String; 0]);
    // Bytes that are not zero.
    let places: Vec<usize> = (100..whole.len()).filter(|at| whole[*at] != 0).collect();
    let mut next = random_numbers(0x9E37_79B9_7F4A_7C15);
    let mut detected = 0;
    for round in 0..rounds(25) {
        let path = folder.path().join(format!("flipped-{round}.tamarin"));
        let mut content = whole.clone();
        for _ in 0..1 + next(3) {
            content[places[next(places.len())]] ^= 1 << next(8) | next(256) as u8;
        }
        std::fs::write(&path, content).unwrap();
        detected += usize::from(!use_damaged(&path, &queries, &format!("round {round}")).is_empty());
        remove_cache(&path);
    }
    assert!(detected > 0, "no damage was detected");
}

#[test]
fn a_cache_truncated_anywhere_gives_errors_and_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(make_cache(folder.path())).unwrap();
    let queries = Arc::new(queries());
    let mut next = random_numbers(3);
    let mut lengths: Vec<usize> = (0..rounds(15)).map(|_| next(whole.len())).collect();
    lengths.extend([1, 15, 16, 99, 100, 512, 32_767, 32_768, 32_769, whole.len() - 1]);
    for length in lengths {
        let path = folder.path().join("cut.tamarin");
        std::fs::write(&path, &whole[..length]).unwrap();
        let errors = use_damaged(&path, &queries, &format!("{length} bytes"));
        assert!(!errors.is_empty(), "no error with {length} of {} bytes", whole.len());
        assert_eq!(std::fs::read(&path).unwrap(), whole[..length], "the file was changed");
        remove_cache(&path);
    }
}

#[test]
fn overwritten_or_exchanged_pages_never_cause_a_panic() {
    const PAGE_BYTES: usize = 32_768;
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(make_cache(folder.path())).unwrap();
    let queries = Arc::new(queries());
    let pages = whole.len() / PAGE_BYTES;
    assert!(pages > 3);
    let mut next = random_numbers(5);
    let mut detected = 0;
    for round in 0..rounds(8) {
        let path = folder.path().join(format!("pages-{round}.tamarin"));
        let mut content = whole.clone();
        let (one, other) = (next(pages) * PAGE_BYTES, next(pages) * PAGE_BYTES);
        match next(4) {
            0 => content[one..one + PAGE_BYTES].fill(0),
            1 => content.copy_within(other..other + PAGE_BYTES, one),
            2 => content[one + next(PAGE_BYTES / 2)..one + PAGE_BYTES].fill_with(|| next(256) as u8),
            _ => {
                let start = one + next(PAGE_BYTES - 512);
                content[start..start + 512].fill_with(|| next(256) as u8);
            }
        }
        std::fs::write(&path, content).unwrap();
        detected += usize::from(!use_damaged(&path, &queries, &format!("round {round}")).is_empty());
        remove_cache(&path);
    }
    assert!(detected > 0, "no damage was detected");
}

/// A crash or a disk may damage the write-ahead log.
#[test]
fn a_damaged_write_ahead_log_never_causes_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut filling = Filling::new(&path, 200);
    let source = filling.writer.source("/var/log/acme").unwrap();
    filling.writer.commit().unwrap();
    // A reader of the cache file alone keeps the background checkpoint from copying pages of the log into it. A log
    // that lost its end after such a copy would be older than the cache: no crash leaves that.
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM source").unwrap();
    let before = std::fs::read(&path).unwrap();
    for batch in 0..4u8 {
        let lines: Vec<String> = (0..100u8).map(|row| lines::line_of(&[batch * 50 + row; 28])).collect();
        filling.append(source, &lines);
        filling.writer.commit().unwrap();
    }
    // The log of a living writer, which checkpoints when it closes.
    let log = std::fs::read(folder.path().join("cache.tamarin-wal")).unwrap();
    let cache = std::fs::read(&path).unwrap();
    assert!(log.len() > 100_000, "{}", log.len());
    assert_eq!(cache, before, "a page of the log was copied into the cache");
    drop((reader, filling));
    let queries = Arc::new(queries());
    let mut next = random_numbers(7);
    let places: Vec<usize> = (0..log.len()).filter(|at| log[*at] != 0).collect();
    for round in 0..rounds(12) {
        let path = folder.path().join(format!("log-{round}.tamarin"));
        let (mut log, mut cache) = (log.clone(), cache.clone());
        match round % 4 {
            0 => {}
            1 => log.truncate(next(log.len())),
            2 => log[places[next(places.len())]] ^= 1 << next(8),
            _ => cache.truncate(1 + next(cache.len() - 1)),
        }
        std::fs::write(&path, cache).unwrap();
        std::fs::write(format!("{}-wal", path.display()), log).unwrap();
        let errors = use_damaged(&path, &queries, &format!("round {round}"));
        // However much of the log is valid, the cache is in the state after one of the commits.
        assert!(round % 4 == 3 || errors.is_empty(), "round {round}: {errors:?}");
        remove_cache(&path);
    }
}
