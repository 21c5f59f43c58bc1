//! How a connection to a cache is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::journal::{Journal, checkpoint_exclusively, has_log, log, switch_to_wal, use_wal};
use super::new_cache;
use super::paths::{OpenedPath, is_missing_or_empty};
use super::schema::{APPLICATION_ID, FORMAT};
use crate::cache::CacheError;

/// Limit of the bytes of the file that are mapped. Unused address space costs nothing.
const MMAP_SIZE: i64 = 64 << 30;
/// How long SQLite waits for its own locks.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) const WRITING: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// A cache opened for writing.
pub(crate) struct Opened {
    pub connection: Connection,
    pub journal: Journal,
    /// The opened file.
    pub opened_path: OpenedPath,
    /// Whether the cache was created.
    pub is_new: bool,
    /// Journals of an earlier cache at this path, by their new names.
    pub renamed_journals: Vec<PathBuf>,
}

/// Opens a cache for writing, and creates it if it is missing. A new cache gets the journal `wanted`; an existing
/// one is switched to WAL. The caller holds the lock.
pub(crate) fn open_writer(path: &Path, wanted: Journal) -> Result<Opened, CacheError> {
    let is_new = is_missing_or_empty(path)?;
    let mut renamed_journals = Vec::new();
    let journal = if is_new {
        renamed_journals = new_cache::make(path, wanted)?;
        wanted
    } else {
        // A read-only connection checks the file first, so that a foreign file is not changed.
        open_reader(path)?;
        Journal::WriteAhead
    };
    let opened_path = OpenedPath::new(path);
    opened_path.require_single_name()?;
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(path, WRITING).map_err(sqlite)?;
    if opened_path.has_moved() {
        return Err(CacheError::Moved { file: path.to_owned() });
    }
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    match journal {
        Journal::WriteAhead => use_wal(path, &connection)?,
        Journal::Rollback => connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?,
    }
    // 16 MB, about a segment: little is written twice, and checkpoints are so short that no parser becomes idle.
    connection.pragma_update(None, "wal_autocheckpoint", 500).map_err(sqlite)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(sqlite)?;
    // In KB. The largest column of a segment fits; otherwise SQLite would write its zeroed blob before it is filled.
    connection.pragma_update(None, "cache_size", -12_000).map_err(sqlite)?;
    Ok(Opened { connection, journal, opened_path, is_new, renamed_journals })
}

/// Opens a second connection to a cache that this process writes, for checkpoints.
pub(crate) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, WRITING)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Opens an existing cache for reading.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, CacheError> {
    open_reader_or_immutable(path).map(|(connection, _)| connection)
}

/// Length, time of change and presence of a journal. Detects that another process wrote to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp(Option<(u64, Option<std::time::SystemTime>)>, bool);

/// Returns the current stamp of a cache.
pub(crate) fn stamp(path: &Path) -> FileStamp {
    let file = std::fs::metadata(path).ok();
    FileStamp(file.map(|file| (file.len(), file.modified().ok())), has_log(path))
}

/// Opens a cache for reading, also on a read-only or full file system. If it is opened as immutable (see below),
/// its stamp is returned, too.
///
/// SQLite needs a shared-memory file beside the cache to index the write-ahead log and to announce readers to
/// writers. If it cannot create that file and there is no log, the cache is opened as a file that never changes
/// (`immutable`). Writers do not notice such a reader. So the caller must compare the stamp before each
/// query, and open the cache again if it has changed.
///
/// On a full disk, a connection in exclusive mode first checkpoints the write-ahead log. If the cache would
/// have to grow for that, or another process has it open, the cache cannot be read until there is space for one page
/// and the index of the log (32 KB each).
pub(crate) fn open_reader_or_immutable(path: &Path) -> Result<(Connection, Option<FileStamp>), CacheError> {
    if path.is_dir() {
        return Err(CacheError::Open { path: path.to_owned(), reason: "it is a directory".to_owned() });
    }
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let error = match open_reader_with(path, path, read_only) {
        Err(error) if prevents_shared_memory(&error) => error,
        opened => return opened.map(|connection| (connection, None)),
    };
    let is_full = matches!(error, CacheError::Full { .. } | CacheError::Unwritable { .. });
    if has_log(path) {
        // The writer was killed or ran out of space. Roll back or checkpoint, if this process has the permission.
        let is_repaired =
            if is_full { checkpoint_exclusively(path).is_ok() } else { switch_to_wal(path).is_ok() };
        if is_repaired && let Ok(connection) = open_reader_with(path, path, read_only) {
            return Ok((connection, None));
        }
    }
    let stamp = stamp(path);
    if stamp.0.is_none() {
        return Err(error);
    }
    let immutable = open_reader_with(path, &immutable_uri(path), read_only | OpenFlags::SQLITE_OPEN_URI)
        .map_err(|error| {
            match error {
                // SQLite's message names only the file, not the reason.
                CacheError::Open { path, .. } => {
                    let reason = "permission denied; check its permissions (chmod, chown)".to_owned();
                    CacheError::Open { path, reason }
                }
                error => error,
            }
        });
    let Some(log) = log(path) else { return immutable.map(|connection| (connection, Some(stamp))) };
    // The content without the log is of no use, only the error if the file cannot be read.
    if let Err(unreadable @ CacheError::Open { .. }) = immutable {
        return Err(unreadable);
    }
    let log = log.display();
    let reason = if is_full {
        format!(
            "its last changes are in {log}, and the disk has no space to read them or to copy them into the cache; free \
             some space"
        )
    } else {
        format!(
            "its last changes are in {log}, which only a user who may write the folder can read; have that user run \
             `tamarin sources` once"
        )
    };
    Err(CacheError::Open { path: path.to_owned(), reason })
}

/// Whether SQLite may return this error because it cannot create the shared-memory file.
fn prevents_shared_memory(error: &CacheError) -> bool {
    matches!(
        error,
        CacheError::Open { .. }
            | CacheError::ReadOnly { .. }
            | CacheError::Full { .. }
            | CacheError::Unwritable { .. }
    )
}

/// Switches memory mapping on or off. To reach the middle of a blob, SQLite follows the chain of all pages
/// before it. In a mapped file it reads one number of each page, otherwise the whole pages. Columns that are read
/// whole are copied anyway; mapped, they would be in memory twice.
pub(crate) fn set_mapped(connection: &Connection, is_mapped: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "mmap_size", if is_mapped { MMAP_SIZE } else { 0 })
}

/// The URI by which SQLite opens a path as a file that never changes.
fn immutable_uri(path: &Path) -> PathBuf {
    use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
    /// Characters with a meaning in a URI.
    const SPECIAL: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), SPECIAL);
    PathBuf::from(format!("file:{path}?immutable=1"))
}

fn open_reader_with(path: &Path, name: &Path, flags: OpenFlags) -> Result<Connection, CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(name, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    let number =
        |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(sqlite);
    let application = application_id(&connection).map_err(sqlite)?;
    if application != APPLICATION_ID {
        let reason = "it is an SQLite database of another program".to_owned();
        return Err(CacheError::NotOurs { path: path.to_owned(), reason });
    }
    let found = number("user_version")?;
    if found != FORMAT {
        return Err(CacheError::Version { path: path.to_owned(), found, known: FORMAT });
    }
    // SQLite notices a truncated file only when it reads past the end.
    let expected = number("page_count")?.saturating_mul(number("page_size")?) as u64;
    let length = std::fs::metadata(path).map_or(expected, |file| file.len());
    if !has_log(path) && length < expected {
        let reason = format!("cut off: {length} of {expected} bytes");
        return Err(CacheError::Damaged { path: path.to_owned(), reason });
    }
    connection.pragma_update(None, "mmap_size", 0).map_err(sqlite)?;
    connection.pragma_update(None, "query_only", true).map_err(sqlite)?;
    Ok(connection)
}

pub(crate) fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}
