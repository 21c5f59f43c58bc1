//! The tables of a cache, and how a connection to it is opened.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::place::{self, OpenedPath, is_missing_or_empty, private_file, with_suffix};
use super::root::Root;
use crate::cache::CacheError;
use crate::cache::column::layout::DIMENSIONS;

/// `application_id` of a cache: "TAMR".
pub const APPLICATION_ID: i64 = 0x5441_4d52;

/// `user_version` of a cache: the number of its format (docs/cache-format.md).
pub const FORMAT: i64 = 3;

/// Large pages suit large blobs: their page chains are shorter.
const PAGE_SIZE: u32 = 32_768;

/// Address space to map. Unused address space costs nothing.
const MMAP_SIZE: i64 = 64 << 30;

/// How long SQLite waits for its own locks.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause between attempts where SQLite does not wait.
const RETRY_PAUSE: Duration = Duration::from_millis(3);

const TABLES: &str = "
-- What no row can say of itself: one row. newest_segment: the largest id that a segment ever had. segments,
-- sources, log_files, removed: the digests of these tables. dictionaries: how many values each dictionary has,
-- 32 bits for each dimension in the order of the fields. crc: checksum of the columns before it.
CREATE TABLE root (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    newest_segment INTEGER NOT NULL,
    segments       INTEGER NOT NULL,
    sources        INTEGER NOT NULL,
    log_files      INTEGER NOT NULL,
    removed        INTEGER NOT NULL,
    dictionaries   BLOB NOT NULL,
    crc            INTEGER NOT NULL
) STRICT;

-- A place that log files come from. next_row numbers its requests. monitored: pulled when no source is
-- named. paused: 1 not pulled unless it is named, 2 the same since monitoring it was given up. purged: log files of
-- it were deleted where they came from.
CREATE TABLE source (
    id         INTEGER PRIMARY KEY,
    uri        TEXT NOT NULL UNIQUE,
    added      INTEGER NOT NULL,
    last_pull  INTEGER,
    monitored  INTEGER NOT NULL,
    paused     INTEGER NOT NULL,
    next_row   INTEGER NOT NULL,
    purged     INTEGER NOT NULL,
    crc        INTEGER NOT NULL
) STRICT;

-- A log file that was read. state: 0 in part, 1 to its end, 2 holds no log lines. version, size, lines, requests,
-- duplicates and rejected are those of one version, the reading of which has this number (generation).
-- kept_generation: what readings up to this one gave stays: log files of this name were deleted at their source.
-- pruned_before: requests of it before that time were pruned. The digests are those of its rows in log_file_part,
-- log_file_rows and rejected_line.
CREATE TABLE log_file (
    id              INTEGER PRIMARY KEY,
    source_id       INTEGER NOT NULL REFERENCES source(id),
    name            TEXT NOT NULL,
    version         TEXT,
    size            INTEGER,
    state           INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    kept_generation INTEGER NOT NULL,
    lines           INTEGER NOT NULL,
    requests        INTEGER NOT NULL,
    duplicates      INTEGER NOT NULL,
    rejected        INTEGER NOT NULL,
    pruned_before   INTEGER,
    parts_digest    INTEGER NOT NULL,
    rows_digest     INTEGER NOT NULL,
    rejected_digest INTEGER NOT NULL,
    crc             INTEGER NOT NULL,
    UNIQUE (source_id, name)
) STRICT;

-- Lines of a log file in state 0 that are in the cache already.
CREATE TABLE log_file_part (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    first_line  INTEGER NOT NULL,
    lines       INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    PRIMARY KEY (log_file_id, first_line)
) STRICT, WITHOUT ROWID;

-- Which lines of a log file gave which requests of its source, by reading (generation) and commit (part). Those of
-- earlier readings are there until one comes to its end.
CREATE TABLE log_file_rows (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    generation  INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    runs        BLOB NOT NULL,
    PRIMARY KEY (log_file_id, generation, part)
) STRICT, WITHOUT ROWID;

-- Lines that are no record, byte for byte. line counts from 1; number counts those of one line from 0.
CREATE TABLE rejected_line (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    line        INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    content     BLOB NOT NULL,
    PRIMARY KEY (log_file_id, line, number)
) STRICT, WITHOUT ROWID;

-- The values of each dimension. Ids are dense from 1 in order of first sight; 0 is absent and not here.
-- crc: checksum of the value, dimension and id.
CREATE TABLE dictionary (
    dimension INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    value     BLOB NOT NULL,
    PRIMARY KEY (dimension, id)
) STRICT, WITHOUT ROWID;

-- A batch of requests of one source. It covers the numbers first_row .. first_row + numbers; gone says which of
-- these no request has any more. bytes: of its columns. Never changed; the last one of a source is replaced while it is small.
CREATE TABLE segment (
    id        INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source(id),
    first_row INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    numbers   INTEGER NOT NULL,
    time_min  INTEGER NOT NULL,
    time_max  INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    gone      BLOB
) STRICT;

-- One column of a segment. id = segment × 64 + number of the field. low and high bound its integers.
-- data_crc: checksum of the data; of text, of its directory, which has that of each page. crc: that of
-- id, low, high and data_crc. presence: which values it has, where that is worth knowing.
CREATE TABLE column_chunk (
    id       INTEGER PRIMARY KEY,
    low      INTEGER NOT NULL,
    high     INTEGER NOT NULL,
    crc      INTEGER NOT NULL,
    data_crc INTEGER NOT NULL,
    presence BLOB,
    data     BLOB NOT NULL
) STRICT;

-- Numbers of requests that were removed with their whole segment.
CREATE TABLE removed (
    source_id INTEGER NOT NULL REFERENCES source(id),
    first_row INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    PRIMARY KEY (source_id, first_row)
) STRICT, WITHOUT ROWID;
";

/// Id of a row in `column_chunk`.
pub fn chunk_id(segment: i64, field: crate::log::Field) -> i64 {
    segment * 64 + field as i64
}

const WRITING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How SQLite commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// To a write-ahead log, which is later copied into the file: readers and the writer do not block each
    /// other.
    WriteAhead,
    /// Into the file, after a copy of the pages to be overwritten. New data is written once and not twice,
    /// but readers and the writer block each other.
    Rollback,
}

/// A cache opened for writing.
pub struct Opened {
    pub connection: Connection,
    pub journal: Journal,
    /// The opened file.
    pub place: OpenedPath,
    /// Whether this call made the cache.
    pub is_new: bool,
    /// Journals of an earlier cache at this path, by their new names.
    pub renamed_journals: Vec<PathBuf>,
}

/// Opens a cache for writing, and makes it if it is missing. A new cache gets the journal `wanted`; any other
/// is switched to WAL. The caller holds the lock.
pub fn open_writer(path: &Path, wanted: Journal) -> Result<Opened, CacheError> {
    let is_new = is_missing_or_empty(path)?;
    let mut renamed_journals = Vec::new();
    let journal = if is_new {
        renamed_journals = make(path, wanted)?;
        wanted
    } else {
        // A read-only connection checks the file first: a foreign file is not touched.
        open_reader(path)?;
        Journal::WriteAhead
    };
    let place = OpenedPath::of(path);
    place.require_single_name()?;
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(path, WRITING).map_err(sqlite)?;
    if place.has_moved() {
        return Err(CacheError::Moved { file: path.to_owned() });
    }
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    match journal {
        Journal::WriteAhead => use_wal(path, &connection)?,
        Journal::Rollback => connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?,
    }
    // 16 MB, about a segment: little is written twice, and no checkpoint takes so long that the parsers
    // become idle.
    connection.pragma_update(None, "wal_autocheckpoint", 500).map_err(sqlite)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(sqlite)?;
    // In KB. The largest column of a segment fits; otherwise SQLite would write its zeroed blob before it is
    // filled.
    connection.pragma_update(None, "cache_size", -12_000).map_err(sqlite)?;
    Ok(Opened { connection, journal, place, is_new, renamed_journals })
}

/// Switches a cache to WAL, so that readers do not block the writer, if it has a rollback journal: it is
/// being filled for the first time, or the process that did so was killed. An unfinished transaction is
/// rolled back.
///
/// # Errors
/// If another process writes all the time, or the cache cannot be written; then it can only be read as it is.
pub fn switch_to_wal(path: &Path) -> Result<(), CacheError> {
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

fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// The journal of the cache, as far as the connection has noticed.
pub fn journal(connection: &Connection) -> rusqlite::Result<Journal> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(if mode.eq_ignore_ascii_case("wal") { Journal::WriteAhead } else { Journal::Rollback })
}

/// Opens a second connection to a cache that this process writes, for checkpoints.
pub fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, WRITING)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Makes an empty cache under a temporary name and renames it when it is complete, so that a killed process
/// leaves no partial cache. Returns the journals that were renamed. The caller holds the lock.
fn make(path: &Path, journal: Journal) -> Result<Vec<PathBuf>, CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    // A symbolic link may lead to an empty or to a missing file.
    let file = &place::resolve(path);
    let making = with_suffix(file, ".new");
    if !is_unfinished(&making) {
        return Err(CacheError::InTheWay {
            path: path.to_owned(),
            file: making,
            reason: "it is no unfinished cache of Tamarin".to_owned(),
        });
    }
    remove_unfinished(&making);
    let made = make_at(&making, path, journal).and_then(|()| {
        let renamed_journals = rename_journals(file).map_err(open)?;
        std::fs::rename(&making, file).map_err(open)?;
        Ok(renamed_journals)
    });
    if made.is_err() {
        remove_unfinished(&making);
    }
    made
}

/// Makes an empty cache at `making`. Errors name `path`.
fn make_at(making: &Path, path: &Path, journal: Journal) -> Result<(), CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    let sqlite = |error| CacheError::sqlite(path, error);
    private_file().write(true).create_new(true).open(making).map_err(open)?;
    let mut connection = Connection::open_with_flags(making, WRITING).map_err(sqlite)?;
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
    let made = std::fs::OpenOptions::new().write(true).open(making).map_err(open)?;
    made.sync_all().map_err(open)
}

/// Whether there is no file at this path, or an unfinished cache left by a killed process.
fn is_unfinished(making: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    /// Offset of the `application_id` in an SQLite header.
    const AT: usize = 68;
    let Ok(found) = std::fs::symlink_metadata(making) else { return true };
    if !found.is_file() {
        return false;
    }
    let mut header = Vec::new();
    let read = std::fs::File::open(making)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, 100), &mut header));
    let application =
        header.get(AT..AT + 4).map(|id| id.iter().fold(0, |id, byte| id << 8 | i64::from(*byte)));
    let is_ours = header.starts_with(MAGIC) && application == Some(APPLICATION_ID);
    // A power failure leaves zeros or nothing.
    read.is_ok() && (is_ours || header.iter().all(|byte| *byte == 0))
}

fn remove_unfinished(making: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        // Missing files are expected.
        let _ = std::fs::remove_file(with_suffix(making, suffix));
    }
}

/// Renames the journals of an earlier cache whose file is gone: SQLite would apply them to the new one. They
/// are not deleted, because the earlier cache may have been moved and need them. Returns their new names.
fn rename_journals(file: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut renamed_journals = Vec::new();
    for suffix in ["-wal", "-journal"] {
        renamed_journals.extend(place::rename_journal(&with_suffix(file, suffix))?);
    }
    // The index of the log, which SQLite makes again.
    match std::fs::remove_file(with_suffix(file, "-shm")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(renamed_journals),
    }
}

/// Deletes a cache without any source, unless another process has it open. The caller holds the lock.
pub fn delete_if_empty(place: &OpenedPath) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(place.path(), WRITING)?;
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
    if is_empty()? && !place.has_moved() {
        // A file that cannot be deleted stays.
        let _ = std::fs::remove_file(place::resolve(place.path()));
    }
    Ok(())
}

/// Switches the journal to WAL. Must not be called within a transaction.
pub fn use_wal(path: &Path, connection: &Connection) -> Result<(), CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(sqlite)?;
    if mode.eq_ignore_ascii_case("wal") {
        // A power failure may lose the last commits, never half of one.
        return connection.pragma_update(None, "synchronous", "NORMAL").map_err(sqlite);
    }
    Err(CacheError::ReadOnly {
        path: path.to_owned(),
        reason: "its file system has no write-ahead log".to_owned(),
    })
}

/// Opens an existing cache for reading.
pub fn open_reader(path: &Path) -> Result<Connection, CacheError> {
    open_reader_or_immutable(path).map(|(connection, _)| connection)
}

/// Length, time of change and presence of a journal. Detects that another process wrote to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp(Option<(u64, Option<std::time::SystemTime>)>, bool);

/// Returns the current stamp of a cache.
pub fn stamp(path: &Path) -> FileStamp {
    let file = std::fs::metadata(path).ok();
    FileStamp(file.map(|file| (file.len(), file.modified().ok())), has_log(path))
}

/// Whether there is a journal with content.
fn has_log(path: &Path) -> bool {
    log(path).is_some()
}

/// The write-ahead log or the rollback journal, whichever has content.
fn log(path: &Path) -> Option<PathBuf> {
    let file = place::resolve(path);
    let logs = ["-wal", "-journal"].map(|suffix| with_suffix(&file, suffix));
    logs.into_iter().find(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// Opens a cache for reading, also on a read-only or full file system. In that case it returns the stamp of
/// the cache, too.
///
/// SQLite needs a shared-memory file beside the cache to index the write-ahead log and to announce readers to
/// writers. If it cannot make that file and there is no log, the cache is opened as a file that never changes
/// (`immutable`). Writers do not notice such a reader. So the caller must compare the stamp before each
/// query, and open the cache again if it has changed.
///
/// On a full disk, a connection in exclusive mode first checkpoints the write-ahead log. If the cache would
/// have to grow for that, or another process has it open, it cannot be read until there is space for one page
/// and the index of the log (32 KB each).
pub fn open_reader_or_immutable(path: &Path) -> Result<(Connection, Option<FileStamp>), CacheError> {
    if path.is_dir() {
        return Err(CacheError::Open { path: path.to_owned(), reason: "it is a directory".to_owned() });
    }
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let error = match open_reader_with(path, path, read_only) {
        Err(error) if keeps_shared_memory_out(&error) => error,
        opened => return opened.map(|connection| (connection, None)),
    };
    let is_full = matches!(error, CacheError::Full { .. } | CacheError::Unwritable { .. });
    if has_log(path) {
        // Its writer was killed or ran out of space. Roll back or checkpoint, if this process may.
        let is_put_right =
            if is_full { checkpoint_exclusively(path).is_ok() } else { switch_to_wal(path).is_ok() };
        if is_put_right && let Ok(connection) = open_reader_with(path, path, read_only) {
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
                // SQLite's message only names the file.
                CacheError::Open { path, .. } => {
                    let reason = "it may not be read, check its permissions (chmod, chown)".to_owned();
                    CacheError::Open { path, reason }
                }
                error => error,
            }
        });
    let Some(log) = log(path) else { return immutable.map(|connection| (connection, Some(stamp))) };
    // Only whether it can be read matters; its content without the log does not.
    if let Err(unreadable @ CacheError::Open { .. }) = immutable {
        return Err(unreadable);
    }
    let log = log.display();
    let reason = if is_full {
        format!(
            "its last changes wait in {log}, and there is no room on the disk to read or to fold them: free some \
             space"
        )
    } else {
        format!(
            "its last changes wait in {log}, which can be read only by who may write the folder: let them run \
             `tamarin sources` once"
        )
    };
    Err(CacheError::Open { path: path.to_owned(), reason })
}

/// Whether SQLite returns this error when it cannot make the shared-memory file.
fn keeps_shared_memory_out(error: &CacheError) -> bool {
    matches!(
        error,
        CacheError::Open { .. }
            | CacheError::ReadOnly { .. }
            | CacheError::Full { .. }
            | CacheError::Unwritable { .. }
    )
}

/// Checkpoints the write-ahead log without a shared-memory file: a connection in exclusive mode has the index
/// of the log in its own memory. If the disk is too full for the checkpoint as well, nothing is lost.
fn checkpoint_exclusively(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(path, WRITING)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Switches memory mapping on or off. To reach the middle of a blob SQLite follows the chain of all pages
/// before it: mapped, it reads one number of each; otherwise it reads the whole pages. Columns that are read
/// whole are copied anyway, and mapped they would be in memory twice.
pub fn set_mapped(connection: &Connection, is_mapped: bool) -> rusqlite::Result<()> {
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
        let reason = "an SQLite database of something else".to_owned();
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

/// Checkpoints and removes the write-ahead log, unless another connection has the cache open: the connection
/// that is closed last does that, and a read-only one cannot. Where the process may not write, the log stays
/// and is read.
pub fn checkpoint(path: &Path) {
    let file = place::resolve(path);
    if !with_suffix(&file, "-wal").exists() && !with_suffix(&file, "-shm").exists() {
        return;
    }
    if let Ok(connection) = Connection::open_with_flags(path, WRITING) {
        // SQLite opens the log with the first query.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}
