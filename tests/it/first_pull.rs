//! A cache that is being filled for the first time is written once and not twice, until a reader opens it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tamarin::cache::{Cache, Writer};

use crate::support::filling::Filling;
use crate::support::lines;

/// A hundred lines, different ones for each number.
fn lines_of(batch: u32) -> Vec<String> {
    let line = lines::line_of(&[0; 28]);
    let (before, after) = line.split_once(" 3E57").unwrap();
    (0..100).map(|row| format!("{before} {batch:04X}{row:04X}{after}")).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Whether the header of the file says that it uses a write-ahead log.
fn is_written_ahead(path: &Path) -> bool {
    let header = std::fs::read(path).unwrap();
    assert!(matches!(header[18..20], [1, 1] | [2, 2]), "{:?}", &header[18..20]);
    header[18] == 2
}

fn requests(cache: &Cache) -> usize {
    cache.snapshot().unwrap().segments.iter().map(|segment| segment.rows).sum()
}

#[test]
fn a_first_pull_leaves_a_cache_with_a_write_ahead_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut filling = Filling::by(Writer::open_to_fill(&path).unwrap());
    let source = filling.writer.source("/var/log/acme").unwrap();
    for batch in 0..3 {
        filling.append(source, &lines_of(batch));
        filling.writer.commit().unwrap();
        assert!(!is_written_ahead(&path) && !beside(&path, "-wal").exists());
    }
    filling.writer.checkpoint().unwrap();
    assert!(is_written_ahead(&path));
    drop(filling);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [path.as_path()], "one file is the whole cache");
    assert_eq!(requests(&Cache::open(&path).unwrap()), 300);

    // The cache exists already, so readers may open it at any time.
    let mut filling = Filling::by(Writer::open_to_fill(&path).unwrap());
    filling.append(source, &lines_of(3));
    filling.writer.commit().unwrap();
    assert!(is_written_ahead(&path) && beside(&path, "-wal").exists());
}

#[test]
fn readers_do_not_block_a_first_pull() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut filling = Filling::by(Writer::open_to_fill(&path).unwrap());
    let source = filling.writer.source("/var/log/acme").unwrap();
    filling.append(source, &lines_of(0));
    filling.writer.commit().unwrap();
    let cache = Cache::open(&path).unwrap();
    assert!(is_written_ahead(&path));
    let before = cache.snapshot().unwrap();
    for batch in 1..4 {
        filling.append(source, &lines_of(batch));
        filling.writer.commit().unwrap();
    }
    // The snapshot of the reader is unchanged, and the writer has not waited for its end.
    assert_eq!(before.segments.iter().map(|segment| segment.rows).sum::<usize>(), 100);
    assert_eq!(requests(&cache), 400);
    drop(before);
    filling.writer.checkpoint().unwrap();
    drop((cache, filling));
    assert_eq!(requests(&Cache::open(&path).unwrap()), 400);
}

#[test]
fn readers_open_the_cache_at_any_time_of_a_first_pull() {
    for round in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.tamarin");
        let mut filling = Filling::by(Writer::open_to_fill(&path).unwrap());
        let source = filling.writer.source("/var/log/acme").unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers = [0, 1, 2].map(|reader| {
                let (path, is_over) = (&path, &is_over);
                scope.spawn(move || {
                    std::thread::sleep(std::time::Duration::from_millis(round * 3 + reader));
                    let mut last = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let found = requests(&Cache::open(path).unwrap());
                        assert!(found >= last && found.is_multiple_of(100), "{last}, then {found}");
                        last = found;
                    }
                })
            });
            for batch in 0..30 {
                filling.append(source, &lines_of(batch));
                filling.writer.commit().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        });
        drop(filling);
        assert_eq!(requests(&Cache::open(&path).unwrap()), 3000);
    }
}

#[test]
fn a_file_of_repeats_is_done_when_its_row_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut filling = Filling::by(Writer::open_to_fill(&path).unwrap());
    let source = filling.writer.source("/var/log/acme").unwrap();
    for repeats in [0, 100] {
        assert_eq!(filling.append(source, &lines_of(0)).duplicates, repeats);
        assert!(!filling.writer.is_committed());
        filling.writer.commit().unwrap();
        assert!(filling.writer.is_committed());
    }
}

/// A cache as a kill during a commit of a first pull leaves it: the file has part of the commit, and the
/// rollback journal beside it has the pages from before.
pub(crate) fn torn(folder: &Path) -> PathBuf {
    let (sound, torn) = (folder.join("sound.tamarin"), folder.join("torn.tamarin"));
    let mut filling = Filling::by(Writer::open_to_fill(&sound).unwrap());
    let source = filling.writer.source("/var/log/acme").unwrap();
    filling.append(source, &lines_of(0));
    filling.writer.commit().unwrap();
    drop(filling);
    assert!(!is_written_ahead(&sound));
    let connection = rusqlite::Connection::open(&sound).unwrap();
    // Pages that do not fit into memory are written before the commit.
    connection.pragma_update(None, "cache_size", 1).unwrap();
    connection.execute_batch("BEGIN; UPDATE source SET next_row = 77; DELETE FROM segment;").unwrap();
    for id in 1..200 {
        let insert =
            "INSERT INTO dictionary (dimension, id, crc, value) VALUES (999, ?1, 0, zeroblob(20000))";
        connection.execute(insert, [id]).unwrap();
    }
    std::fs::copy(&sound, &torn).unwrap();
    std::fs::copy(beside(&sound, "-journal"), beside(&torn, "-journal")).unwrap();
    connection.execute_batch("ROLLBACK").unwrap();
    connection.close().unwrap();
    assert!(std::fs::metadata(&torn).unwrap().len() > std::fs::metadata(&sound).unwrap().len());
    torn
}

#[test]
fn a_commit_torn_by_a_kill_is_rolled_back_by_the_next_command() {
    for next in ["reader", "pull", "writer"] {
        let folder = tempfile::tempdir().unwrap();
        let path = torn(folder.path());
        match next {
            "reader" => assert_eq!(requests(&Cache::open(&path).unwrap()), 100),
            "pull" => drop(Writer::open_to_fill(&path).unwrap()),
            _ => drop(Writer::open(&path).unwrap()),
        }
        assert!(is_written_ahead(&path) && !beside(&path, "-journal").exists(), "{next}");
        assert_eq!(requests(&Cache::open(&path).unwrap()), 100, "{next}");
        assert_eq!(Cache::open(&path).unwrap().sources().unwrap()[0].requests, 100, "{next}");
    }
}
