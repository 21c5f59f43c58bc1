//! Creating a cache, and deleting it again if it stays empty.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{WRITING, application_id};
use super::journal::{Journal, use_wal};
use super::paths::{
    self, OpenedPath, ROLLBACK_JOURNAL, SHARED_MEMORY, UNFINISHED, WAL, private_file, with_suffix,
};
use super::schema::{APPLICATION_ID, FORMAT, TABLES};
use super::{lock::WriterLock, root::Root};
use crate::cache::{CacheError, column::layout::DIMENSIONS};

/// Large pages suit large blobs: their page chains are shorter.
const PAGE_SIZE: u32 = 32_768;

/// A cache that this process created.
#[derive(Clone, Debug)]
pub struct NewCache {
    opened_path: OpenedPath,
}

impl NewCache {
    pub(in crate::cache) fn at(opened_path: &OpenedPath) -> NewCache {
        NewCache { opened_path: opened_path.clone() }
    }

    /// Deletes the cache if it is still in place and has no source. A cache that another process has open stays.
    pub fn delete_if_empty(&self) {
        if self.opened_path.has_moved() {
            return;
        }
        // Another writer may be adding a source.
        if let Ok(_lock) = WriterLock::acquire(&self.opened_path.path)
            && !self.opened_path.has_moved()
        {
            // A file that cannot be deleted stays.
            let _ = delete_empty(&self.opened_path);
        }
    }
}

/// Creates an empty cache under a temporary name and renames it when it is complete, so that a killed process
/// leaves no partial cache. Returns the journals that were renamed. The caller holds the lock.
pub(crate) fn make(path: &Path, journal: Journal) -> Result<Vec<PathBuf>, CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    // A symbolic link may lead to an empty or to a missing file.
    let file = &paths::resolve(path);
    let unfinished = with_suffix(file, UNFINISHED);
    if !is_unfinished(&unfinished) {
        let reason = "it is not an unfinished cache of Tamarin".to_owned();
        return Err(CacheError::InTheWay { path: path.to_owned(), file: unfinished, reason });
    }
    remove_unfinished(&unfinished);
    let result = make_at(&unfinished, path, journal).and_then(|()| {
        let renamed_journals = rename_journals(file).map_err(open)?;
        std::fs::rename(&unfinished, file).map_err(open)?;
        Ok(renamed_journals)
    });
    if result.is_err() {
        remove_unfinished(&unfinished);
    }
    result
}

/// Creates an empty cache at `unfinished`. Errors name `path`.
fn make_at(unfinished: &Path, path: &Path, journal: Journal) -> Result<(), CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    let sqlite = |error| CacheError::sqlite(path, error);
    private_file().write(true).create_new(true).open(unfinished).map_err(open)?;
    let mut connection = Connection::open_with_flags(unfinished, WRITING).map_err(sqlite)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE).map_err(sqlite)?;
    // No process relies on the file before it is renamed, so it is synced once, at the end.
    connection.pragma_update(None, "synchronous", "OFF").map_err(sqlite)?;
    let transaction = connection.transaction().map_err(sqlite)?;
    transaction.execute_batch(TABLES).map_err(sqlite)?;
    Root::default().write(&transaction, &[0; DIMENSIONS]).map_err(sqlite)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
    transaction.commit().map_err(sqlite)?;
    if journal == Journal::WriteAhead {
        use_wal(path, &connection)?;
    }
    connection.close().map_err(|(_, error)| sqlite(error))?;
    let made = std::fs::OpenOptions::new().write(true).open(unfinished).map_err(open)?;
    made.sync_all().map_err(open)
}

/// Whether there is no file at this path, or an unfinished cache left by a killed process.
fn is_unfinished(unfinished: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    /// Offset of the `application_id` in an SQLite header.
    const APPLICATION_ID_OFFSET: usize = 68;
    let Ok(found) = std::fs::symlink_metadata(unfinished) else { return true };
    if !found.is_file() {
        return false;
    }
    let mut header = Vec::new();
    let read = std::fs::File::open(unfinished)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, 100), &mut header));
    let application = header
        .get(APPLICATION_ID_OFFSET..APPLICATION_ID_OFFSET + 4)
        .map(|id| id.iter().fold(0, |id, byte| id << 8 | i64::from(*byte)));
    let is_ours = header.starts_with(MAGIC) && application == Some(APPLICATION_ID);
    // A power failure leaves zeros or nothing.
    read.is_ok() && (is_ours || header.iter().all(|byte| *byte == 0))
}

fn remove_unfinished(unfinished: &Path) {
    for suffix in ["", ROLLBACK_JOURNAL, WAL, SHARED_MEMORY] {
        // Missing files are expected.
        let _ = std::fs::remove_file(with_suffix(unfinished, suffix));
    }
}

/// Renames the journals of an earlier cache whose file is missing: SQLite would apply them to the new one. They
/// are not deleted, because the earlier cache may have been moved and may need them. Returns their new names.
fn rename_journals(file: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut renamed_journals = Vec::new();
    for suffix in [WAL, ROLLBACK_JOURNAL] {
        renamed_journals.extend(paths::rename_journal(&with_suffix(file, suffix))?);
    }
    // The index of the log, which SQLite recreates.
    match std::fs::remove_file(with_suffix(file, SHARED_MEMORY)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(renamed_journals),
    }
}

/// Deletes a cache without any source, unless another process has it open. The caller holds the lock.
fn delete_empty(opened_path: &OpenedPath) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(&opened_path.path, WRITING)?;
    connection.busy_timeout(Duration::ZERO)?;
    let is_empty = || -> rusqlite::Result<bool> {
        connection.query_row("SELECT NOT EXISTS (SELECT * FROM source)", [], |row| row.get(0))
    };
    if application_id(&connection)? != APPLICATION_ID || !is_empty()? {
        return Ok(());
    }
    // SQLite allows both statements only to the single connection of a cache.
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    if is_empty()? && !opened_path.has_moved() {
        // A file that cannot be deleted stays.
        let _ = std::fs::remove_file(paths::resolve(&opened_path.path));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cache::{Cache, Writer};

    #[test]
    fn only_an_empty_unused_cache_is_deleted_by_the_process_that_created_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let made = |writer: &Writer| writer.new_cache().unwrap();

        // A writer has it open.
        let writer = Writer::open(&path).unwrap();
        let made_by_first = made(&writer);
        made_by_first.delete_if_empty();
        assert!(path.exists());
        drop(writer);
        // This writer did not create it.
        assert!(Writer::open(&path).unwrap().new_cache().is_none());
        // A reader has it open.
        let cache = Cache::open(&path).unwrap();
        made_by_first.delete_if_empty();
        assert!(path.exists());
        assert!(cache.sources().unwrap().is_empty());
        drop(cache);
        // It has a source.
        Writer::open(&path).unwrap().source("/var/log/acme").unwrap();
        made_by_first.delete_if_empty();
        assert_eq!(Cache::open(&path).unwrap().sources().unwrap().len(), 1);
        // Another cache has its path.
        let kept = folder.path().join("kept.db");
        std::fs::rename(&path, &kept).unwrap();
        let made_by_second = made(&Writer::open(&path).unwrap());
        made_by_first.delete_if_empty();
        assert!(path.exists());

        made_by_second.delete_if_empty();
        let writer = Writer::open_to_fill(&path).unwrap();
        let made_by_third = made(&writer);
        drop(writer);
        made_by_third.delete_if_empty();
        std::fs::remove_file(kept).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
