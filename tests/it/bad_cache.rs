//! What is no cache, or a damaged one, is refused in one clear line and left as it was.

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

/// What reading and writing say of a file, which stays byte for byte what it was.
fn refused(path: &Path) -> [CacheError; 2] {
    let before = std::fs::read(path).ok();
    let reading = Cache::open(path).err().unwrap();
    let writing = Writer::open(path).err().unwrap();
    assert_eq!(std::fs::read(path).ok(), before, "the file was changed");
    [reading, writing]
}

/// A sound cache of 500 rows in three segments, closed.
fn sound(folder: &Path) -> PathBuf {
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
fn a_folder_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    for error in refused(folder.path()) {
        assert!(matches!(error, CacheError::Open { .. }), "{error:?}");
        let text = message(error);
        assert!(text.contains("it is a directory") && text.contains("--cache FILE"), "{text}");
    }
}

#[test]
fn a_file_that_is_no_database_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    for content in ["Dear Ann,\n".repeat(1000), "x".to_owned(), "SQLite format 3\0 it says".to_owned()] {
        std::fs::write(&path, content).unwrap();
        for error in refused(&path) {
            assert!(matches!(error, CacheError::NotOurs { .. }), "{error:?}");
            let text = message(error);
            assert!(text.contains("not a Tamarin cache") && text.contains("it was not changed"), "{text}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put beside it");
}

#[test]
fn a_database_of_somebody_else_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE place (name TEXT); INSERT INTO place VALUES ('home')").unwrap();
    drop(database);
    for error in refused(&path) {
        assert!(matches!(error, CacheError::NotOurs { .. }), "{error:?}");
        assert!(message(error).contains("it is an SQLite database of another program"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put beside it");
}

#[test]
fn a_cache_of_a_newer_tamarin_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = sound(folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    database.close().unwrap();
    for error in refused(&path) {
        assert!(matches!(error, CacheError::Version { found: 99, .. }), "{error:?}");
        assert!(message(error).contains("use a newer Tamarin"));
    }
}

#[test]
fn a_cache_of_an_older_tamarin_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = sound(folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    database.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in refused(&path) {
        assert!(matches!(error, CacheError::Version { found: 1, .. }), "{error:?}");
        let text = message(error);
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(text.contains("an older Tamarin wrote it; move it away and pull again"), "{text}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_cache_that_was_cut_off_is_damaged_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sound(folder.path())).unwrap();
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
fn a_second_writer_is_told_who_the_first_is_and_can_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = sound(folder.path());
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
fn a_cache_that_may_only_be_read_is_not_written() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = sound(folder.path());
    let before = std::fs::read(&path).unwrap();
    let _ = std::fs::remove_file(folder.path().join("cache.tamarin.lock"));
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        return; // a superuser may write anything
    }
    let error = Writer::open(&path).err().unwrap();
    assert!(matches!(error, CacheError::ReadOnly { .. }), "{error:?}");
    assert!(message(error).contains("cannot be written"));
    assert!(Cache::open(&path).unwrap().snapshot().is_ok(), "but it is read");
    allow(folder.path(), 0o755);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// The program, run by somebody who may not write into this folder. As a superuser may write everywhere,
/// it is nobody then.
#[cfg(unix)]
fn by_a_stranger(folder: &Path, arguments: &[&str]) -> std::process::Output {
    use std::os::unix::process::CommandExt;
    let home = tempfile::tempdir().unwrap();
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_tamarin"));
    let probe = folder.join("probe");
    let is_superuser = std::fs::write(&probe, "").is_ok();
    if is_superuser {
        std::fs::remove_file(&probe).unwrap();
        // Where it was built may be closed to nobody.
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
            // Another test has begun a process while the copy was being written.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            output => return output.unwrap(),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_cache_in_a_folder_that_may_not_be_written_is_read_by_whoever_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = sound(folder.path());
    // What means something in a URI does not in a path.
    let path = folder.path().join("50% of it? #1.tamarin");
    std::fs::rename(&whole, &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    let name = path.to_str().unwrap();
    let report = |extra: &[&str]| {
        let report = ["report", "total", "--format", "ndjson", "--cache", name];
        let output = by_a_stranger(folder.path(), &[&report, extra].concat());
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, stdout, stderr) = report(&[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("\"requests\":"), "{stdout}");
    assert_eq!(by_a_stranger(folder.path(), &["sources", "check", "--cache", name]).status.code(), Some(0));
    let asked =
        by_a_stranger(folder.path(), &["prune", "--before", "2100-01-01", "--dry-run", "--cache", name]);
    let told = String::from_utf8(asked.stderr).unwrap();
    assert!(asked.status.success() && told.contains("would be dropped (about "), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put beside it");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    // Where it may not be read either, that is said, and not what SQLite calls the file.
    allow(&path, 0o600);
    allow(folder.path(), 0o555);
    let (code, _, stderr) = report(&[]);
    if code != Some(0) {
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("permission denied") && !stderr.contains("immutable"), "{stderr}");
    }

    // Changes that wait in a write-ahead log cannot be read without writing: that is said.
    allow(folder.path(), 0o755);
    allow(&path, 0o644);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("UPDATE source SET added = added + 1").unwrap();
    let log = format!("{name}-wal");
    let (file, waiting) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
    connection.close().unwrap();
    std::fs::write(&path, file).unwrap();
    std::fs::write(&log, waiting).unwrap();
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
fn a_folder_that_may_not_be_looked_into_is_not_taken_for_one_without_a_cache() {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(folder.path().join("a.log"), lines::line_of(&[0; 28])).unwrap();
    drop(Writer::open(&closed.join("c.db")).unwrap());
    // So that it is run by somebody who may not write here.
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
            let output = by_a_stranger(folder.path(), &[command, &["--cache", cache]].concat());
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
            assert!(told.contains(cache) && told.contains("cannot be searched"), "{command:?}: {told}");
            assert_eq!(told.trim_end().lines().count(), 1, "{told}");
        }
    }
    allow(folder.path(), 0o755);
    allow(&closed, 0o755);
}

#[cfg(unix)]
#[test]
fn what_a_killed_first_pull_left_half_written_is_no_answer_for_who_may_not_undo_it() {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = crate::first_pull::torn(folder.path());
    let name = path.to_str().unwrap();
    allow(&path, 0o444);
    allow(format!("{name}-journal").as_ref(), 0o444);
    allow(folder.path(), 0o555);
    let output = by_a_stranger(folder.path(), &["report", "total", "--cache", name]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.contains("-journal") && stderr.contains("may write the folder"), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    allow(folder.path(), 0o755);
}

#[test]
fn tables_of_another_shape_are_damage_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = sound(folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("ALTER TABLE source RENAME COLUMN last_pull TO last_pump").unwrap();
    database.close().unwrap();
    let error = Cache::open(&path).unwrap().sources().unwrap_err();
    assert!(matches!(error, CacheError::Damaged { .. }), "{error:?}");
    assert!(message(error).contains("no such column: last_pull"));
}

/// Questions that between them read every column.
fn questions() -> Vec<Query> {
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

/// Asks everything, and appends; the errors met on the way.
fn use_wholly(path: &Path, queries: &[Query]) -> Vec<String> {
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

/// Uses a damaged cache; that it ends, and not in a panic, is what is tested. The errors met on the way.
fn survives(path: &Path, queries: &Arc<Vec<Query>>, what: &str) -> Vec<String> {
    let (send, ended) = std::sync::mpsc::channel();
    let (at, questions) = (path.to_owned(), queries.clone());
    std::thread::spawn(move || {
        drop(send.send(catch_unwind(AssertUnwindSafe(|| use_wholly(&at, &questions)))));
    });
    let problem = match ended.recv_timeout(Duration::from_secs(120)) {
        Ok(Ok(errors)) => return errors,
        Ok(Err(_)) => "ended in a panic",
        Err(_) => "did not end",
    };
    let kept = std::env::temp_dir().join("tamarin-damaged-cache");
    std::fs::copy(path, &kept).unwrap();
    panic!("{what} {problem}; the cache is {}", kept.display());
}

/// The same numbers each time, below what is asked for.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut random = seed;
    move |below| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    }
}

/// A few, so that it is soon done; thousands, where many are asked for.
fn rounds(few: usize) -> usize {
    if std::env::var_os("PROPTEST_CASES").is_some() { few * 100 } else { few }
}

fn take_away(path: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
}

#[test]
fn flipped_bytes_give_errors_or_other_values_but_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sound(folder.path())).unwrap();
    let queries = Arc::new(questions());
    assert_eq!(use_wholly(&folder.path().join("cache.tamarin"), &queries), [] as [String; 0]);
    // Only where something is stored.
    let places: Vec<usize> = (100..whole.len()).filter(|at| whole[*at] != 0).collect();
    let mut next = numbers(0x9E37_79B9_7F4A_7C15);
    let mut noticed = 0;
    for round in 0..rounds(25) {
        let path = folder.path().join(format!("flipped-{round}.tamarin"));
        let mut content = whole.clone();
        for _ in 0..1 + next(3) {
            content[places[next(places.len())]] ^= 1 << next(8) | next(256) as u8;
        }
        std::fs::write(&path, content).unwrap();
        noticed += usize::from(!survives(&path, &queries, &format!("round {round}")).is_empty());
        take_away(&path);
    }
    assert!(noticed > 0, "no damage was noticed at all");
}

#[test]
fn a_cache_cut_anywhere_is_noticed_and_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sound(folder.path())).unwrap();
    let queries = Arc::new(questions());
    let mut next = numbers(3);
    let mut lengths: Vec<usize> = (0..rounds(15)).map(|_| next(whole.len())).collect();
    lengths.extend([1, 15, 16, 99, 100, 512, 32_767, 32_768, 32_769, whole.len() - 1]);
    for length in lengths {
        let path = folder.path().join("cut.tamarin");
        std::fs::write(&path, &whole[..length]).unwrap();
        let errors = survives(&path, &queries, &format!("{length} bytes"));
        assert!(!errors.is_empty(), "{length} of {} bytes, and nobody noticed", whole.len());
        assert_eq!(std::fs::read(&path).unwrap(), whole[..length], "it is left as it was");
        take_away(&path);
    }
}

#[test]
fn pages_overwritten_or_exchanged_do_no_harm() {
    const PAGE: usize = 32_768;
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sound(folder.path())).unwrap();
    let queries = Arc::new(questions());
    let pages = whole.len() / PAGE;
    assert!(pages > 3);
    let mut next = numbers(5);
    let mut noticed = 0;
    for round in 0..rounds(8) {
        let path = folder.path().join(format!("pages-{round}.tamarin"));
        let mut content = whole.clone();
        let (one, other) = (next(pages) * PAGE, next(pages) * PAGE);
        match next(4) {
            0 => content[one..one + PAGE].fill(0),
            1 => content.copy_within(other..other + PAGE, one),
            2 => content[one + next(PAGE / 2)..one + PAGE].fill_with(|| next(256) as u8),
            _ => {
                let start = one + next(PAGE - 512);
                content[start..start + 512].fill_with(|| next(256) as u8);
            }
        }
        std::fs::write(&path, content).unwrap();
        noticed += usize::from(!survives(&path, &queries, &format!("round {round}")).is_empty());
        take_away(&path);
    }
    assert!(noticed > 0, "no damage was noticed at all");
}

/// What a crash, or a disk, may leave of the log beside the cache.
#[test]
fn a_damaged_write_ahead_log_does_no_harm() {
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
    // As it is while the writer lives, which puts all in the cache itself at its end.
    let log = std::fs::read(folder.path().join("cache.tamarin-wal")).unwrap();
    let cache = std::fs::read(&path).unwrap();
    assert!(log.len() > 100_000, "{}", log.len());
    assert_eq!(cache, before, "a page of the log was copied into the cache");
    drop((reader, filling));
    let queries = Arc::new(questions());
    let mut next = numbers(7);
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
        let errors = survives(&path, &queries, &format!("round {round}"));
        // However much of the log is good: the cache is as it was at some moment, whole.
        assert!(round % 4 == 3 || errors.is_empty(), "round {round}: {errors:?}");
        take_away(&path);
    }
}
