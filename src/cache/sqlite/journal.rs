//! How SQLite commits: the journal of a cache, and checkpoints of the write-ahead log.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{BUSY_TIMEOUT, WRITING, application_id};
use super::paths::{self, ROLLBACK_JOURNAL, SHARED_MEMORY, WAL, with_suffix};
use super::schema::APPLICATION_ID;
use crate::cache::CacheError;

/// Pause between attempts where SQLite does not wait.
const RETRY_PAUSE: Duration = Duration::from_millis(3);

/// How SQLite commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Journal {
    /// Commits go to a write-ahead log, later copied into the file. Readers and the writer do not block each other.
    WriteAhead,
    /// Commits go into the file, after a copy of the pages to be overwritten. New data is written only once, but
    /// readers and the writer block each other.
    Rollback,
}

/// The journal of the cache when the connection last read it.
pub(crate) fn journal(connection: &Connection) -> rusqlite::Result<Journal> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(if mode.eq_ignore_ascii_case("wal") { Journal::WriteAhead } else { Journal::Rollback })
}

/// Switches a cache with a rollback journal to WAL, so that readers do not block the writer. Such a cache is being filled
/// for the first time, or the process that filled it was killed. An unfinished transaction is rolled back. Fails if
/// another process writes all the time, or the cache cannot be written; then the journal stays as it is.
pub(crate) fn switch_to_wal(path: &Path) -> Result<(), CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(path, WRITING).map_err(sqlite)?;
    let give_up = Instant::now() + BUSY_TIMEOUT;
    loop {
        // SQLite returns "busy" at once here: it cannot rule out a deadlock.
        match application_id(&connection) {
            Ok(APPLICATION_ID) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(sqlite(error)),
        }
        match use_wal(path, &connection) {
            Err(CacheError::Locked { .. }) if Instant::now() < give_up => std::thread::sleep(RETRY_PAUSE),
            ended => return ended,
        }
    }
}

/// Switches the journal to WAL. Must not be called within a transaction.
pub(crate) fn use_wal(path: &Path, connection: &Connection) -> Result<(), CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(sqlite)?;
    if mode.eq_ignore_ascii_case("wal") {
        // A power failure may lose the last commits, but never a part of a commit.
        return connection.pragma_update(None, "synchronous", "NORMAL").map_err(sqlite);
    }
    let reason = "its file system does not support a write-ahead log".to_owned();
    Err(CacheError::ReadOnly { path: path.to_owned(), reason })
}

/// Whether the cache has a journal with content.
pub(crate) fn has_log(path: &Path) -> bool {
    log(path).is_some()
}

/// The write-ahead log or the rollback journal, whichever has content.
pub(crate) fn log(path: &Path) -> Option<PathBuf> {
    let file = paths::resolve(path);
    let logs = [WAL, ROLLBACK_JOURNAL].map(|suffix| with_suffix(&file, suffix));
    logs.into_iter().find(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// Checkpoints the write-ahead log without a shared-memory file: a connection in exclusive mode has the index
/// of the log in its own memory. If the disk is too full for the checkpoint as well, nothing is lost.
pub(crate) fn checkpoint_exclusively(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(path, WRITING)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Checkpoints and removes the write-ahead log, unless another connection has the cache open: the connection that is
/// closed last does that, and a read-only one cannot. Where the process may not write, the log stays.
pub(crate) fn checkpoint(path: &Path) {
    let file = paths::resolve(path);
    if !with_suffix(&file, WAL).exists() && !with_suffix(&file, SHARED_MEMORY).exists() {
        return;
    }
    if let Ok(connection) = Connection::open_with_flags(path, WRITING) {
        // SQLite opens the log with the first query.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}
