//! The tables of a cache, and how a connection to one is opened.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::place::{self, Place, beside, is_missing_or_empty, private_file};
use super::root::Root;
use crate::cache::CacheError;
use crate::cache::column::layout::DIMENSIONS;

/// `application_id` of a cache: "TAMR".
pub const APPLICATION_ID: i64 = 0x5441_4d52;

/// `user_version` of a cache: the number of its format (docs/cache-format.md).
pub const FORMAT: i64 = 3;

/// Big pages suit big blobs: fewer links in their chains.
const PAGE_SIZE: u32 = 32_768;

/// Address space that may be mapped; what is not used costs nothing.
const MMAP_SIZE: i64 = 64 << 30;

/// How long SQLite's own locks are waited for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long is waited before they are tried again where SQLite does not wait.
const BREATH: Duration = Duration::from_millis(3);

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

/// Key of a row in `column_chunk`.
pub fn chunk_id(segment: i64, field: crate::log::Field) -> i64 {
    segment * 64 + field as i64
}

const WRITING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How changes to a cache get into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// To the end of a log first, and from there into the file: nobody waits for anybody.
    WriteAhead,
    /// Into the file at once, after a copy of what is overwritten was put aside. What is only added is written
    /// once, not twice; but whoever reads and who writes wait for each other.
    Rollback,
}

/// A cache that was opened for writing.
pub struct Opened {
    pub connection: Connection,
    pub journal: Journal,
    /// The file that was opened.
    pub place: Place,
    /// Whether it was made just now.
    pub is_new: bool,
    /// What an earlier cache of this name had left and was put aside, by its new name.
    pub put_aside: Vec<PathBuf>,
}

/// Opens a cache for writing; makes it if there is no such file. One that it makes gets the journal that is
/// wanted, any other is written ahead. The caller holds the lock.
pub fn open_writer(path: &Path, wanted: Journal) -> Result<Opened, CacheError> {
    let is_new = is_missing_or_empty(path)?;
    let mut put_aside = Vec::new();
    let journal = if is_new {
        put_aside = make(path, wanted)?;
        wanted
    } else {
        // Looked at through a read-only connection first: a file that is not ours is not touched.
        open_reader(path)?;
        Journal::WriteAhead
    };
    let place = Place::of(path);
    place.has_one_name()?;
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(path, WRITING).map_err(sqlite)?;
    if place.has_moved() {
        return Err(CacheError::Moved { file: path.to_owned() });
    }
    connection.busy_timeout(PATIENCE).map_err(sqlite)?;
    match journal {
        Journal::WriteAhead => write_ahead(path, &connection)?,
        Journal::Rollback => connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?,
    }
    // 16 MB, a segment or so: little is written twice, and no checkpoint takes so long that the parsers have
    // nothing to do meanwhile.
    connection.pragma_update(None, "wal_autocheckpoint", 500).map_err(sqlite)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(sqlite)?;
    // In KB: the largest column of a segment fits, or it would be written as zeros before it is filled in.
    connection.pragma_update(None, "cache_size", -12_000).map_err(sqlite)?;
    Ok(Opened { connection, journal, place, is_new, put_aside })
}

/// Has a cache written ahead, so that readers are not in the way of who writes, if it is not: it is being filled
/// for the first time, or whoever did that was killed. What is half done then is undone.
///
/// # Errors
/// If somebody writes all the time, or the cache cannot be written; then it can only be read as it is.
pub fn end_rollback(path: &Path) -> Result<(), CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(path, WRITING).map_err(sqlite)?;
    let give_up = Instant::now() + PATIENCE;
    loop {
        // SQLite does not wait for the writer here, for it cannot know that nobody waits for this connection.
        match application_id(&connection) {
            Ok(APPLICATION_ID) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(sqlite(error)),
        }
        match write_ahead(path, &connection) {
            Err(CacheError::Locked { .. }) if Instant::now() < give_up => std::thread::sleep(BREATH),
            ended => return ended,
        }
    }
}

fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// How the changes of a cache get into it, as far as a connection to it has noticed.
pub fn journal(connection: &Connection) -> rusqlite::Result<Journal> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(if mode.eq_ignore_ascii_case("wal") { Journal::WriteAhead } else { Journal::Rollback })
}

/// Opens a cache that somebody else in this process writes to, to fold its write-ahead log.
pub fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, WRITING)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Makes an empty cache under another name, and gives it its own when it is whole: a process that is killed
/// meanwhile leaves no file that is neither a cache nor nothing. Returns what was put aside. The caller holds the
/// lock.
fn make(path: &Path, journal: Journal) -> Result<Vec<PathBuf>, CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    // A link may lead to an empty file, or to one that is still to be made.
    let file = &place::resolve(path);
    let making = beside(file, ".new");
    if !is_unfinished(&making) {
        return Err(CacheError::InTheWay {
            path: path.to_owned(),
            file: making,
            reason: "it is no unfinished cache of Tamarin".to_owned(),
        });
    }
    remove_unfinished(&making);
    let made = make_at(&making, path, journal).and_then(|()| {
        let put_aside = put_logs_aside(file).map_err(open)?;
        std::fs::rename(&making, file).map_err(open)?;
        Ok(put_aside)
    });
    if made.is_err() {
        remove_unfinished(&making);
    }
    made
}

/// Makes an empty cache at `making`; errors name `path`.
fn make_at(making: &Path, path: &Path, journal: Journal) -> Result<(), CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    let sqlite = |error| CacheError::sqlite(path, error);
    private_file().write(true).create_new(true).open(making).map_err(open)?;
    let mut connection = Connection::open_with_flags(making, WRITING).map_err(sqlite)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE).map_err(sqlite)?;
    // Till it has its name nobody can miss it, so it is made durable once, at the end.
    connection.pragma_update(None, "synchronous", "OFF").map_err(sqlite)?;
    let transaction = connection.transaction().map_err(sqlite)?;
    transaction.execute_batch(TABLES).map_err(sqlite)?;
    Root::default().write(&transaction, &[0; DIMENSIONS]).map_err(sqlite)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
    transaction.commit().map_err(sqlite)?;
    if journal == Journal::WriteAhead {
        write_ahead(path, &connection)?;
    }
    connection.close().map_err(|(_, error)| sqlite(error))?;
    let made = std::fs::OpenOptions::new().write(true).open(making).map_err(open)?;
    made.sync_all().map_err(open)
}

/// Whether there is nothing at this path, or what a killed process leaves that was making a cache.
fn is_unfinished(making: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    /// Where the header of an SQLite file has the `application_id`.
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
    // A loss of power leaves zeros, or nothing.
    read.is_ok() && (is_ours || header.iter().all(|byte| *byte == 0))
}

fn remove_unfinished(making: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        // What was never there cannot be removed.
        let _ = std::fs::remove_file(beside(making, suffix));
    }
}

/// Puts the logs of an earlier cache aside whose file is gone: SQLite would take them for those of the new one.
/// They are not deleted, for the earlier cache may have been moved and need them. Returns their new names.
fn put_logs_aside(file: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut put_aside = Vec::new();
    for suffix in ["-wal", "-journal"] {
        put_aside.extend(place::put_log_aside(&beside(file, suffix))?);
    }
    // An index of the log, which SQLite makes anew.
    match std::fs::remove_file(beside(file, "-shm")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(put_aside),
    }
}

/// Deletes a cache in which there is nothing, unless another process has it open. The caller holds the lock.
pub fn delete_if_empty(place: &Place) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(place.path(), WRITING)?;
    connection.busy_timeout(Duration::ZERO)?;
    let is_empty = || -> rusqlite::Result<bool> {
        connection.query_row("SELECT NOT EXISTS (SELECT * FROM source)", [], |row| row.get(0))
    };
    if application_id(&connection)? != APPLICATION_ID || !is_empty()? {
        return Ok(());
    }
    // Only the one connection to a cache can have it without a write-ahead log, or lock it wholly.
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    if is_empty()? && !place.has_moved() {
        // A file that cannot be deleted stays.
        let _ = std::fs::remove_file(place::resolve(place.path()));
    }
    Ok(())
}

/// From here on changes go to a log first. (Not within a transaction.)
pub fn write_ahead(path: &Path, connection: &Connection) -> Result<(), CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(sqlite)?;
    if mode.eq_ignore_ascii_case("wal") {
        // A loss of power may take the last commits along, never half of one.
        return connection.pragma_update(None, "synchronous", "NORMAL").map_err(sqlite);
    }
    Err(CacheError::ReadOnly {
        path: path.to_owned(),
        reason: "its file system has no write-ahead log".to_owned(),
    })
}

/// Opens a cache for reading; it must exist.
pub fn open_reader(path: &Path) -> Result<Connection, CacheError> {
    open_reader_anywhere(path).map(|(connection, _)| connection)
}

/// What a cache looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Option<(u64, Option<std::time::SystemTime>)>, bool);

/// What a cache looks like from outside now.
pub fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok();
    Stamp(file.map(|file| (file.len(), file.modified().ok())), has_log(path))
}

/// Whether changes wait in a write-ahead log, or are half done.
fn has_log(path: &Path) -> bool {
    log(path).is_some()
}

/// The file in which changes wait, or what undoes those that are half done.
fn log(path: &Path) -> Option<PathBuf> {
    let file = place::resolve(path);
    let logs = ["-wal", "-journal"].map(|suffix| beside(&file, suffix));
    logs.into_iter().find(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// Opens a cache for reading, also where nothing may be written: then with what it looked like.
///
/// SQLite needs a file beside the cache to find its way in the write-ahead log and to tell writers what is
/// still being read. Where it may not make one, or the disk has no room for it, and there is no log, the cache can
/// be read as a file that never changes (`immutable`). No process notices then that it is being read: that is
/// safe as long as no process writes, so the caller must look whether the stamp is still the same before each
/// question, and open the cache again if it is not.
///
/// On a full disk, changes in a write-ahead log are folded into the cache first by a connection that shares
/// nothing. If the cache would have to grow for that, or another process has it open, it cannot be read until there
/// is room for one more page and the index of the log (32 KB each).
pub fn open_reader_anywhere(path: &Path) -> Result<(Connection, Option<Stamp>), CacheError> {
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
        // Its writer was killed, or had no more room: what is half done is undone, and what waits is folded, if
        // this process may.
        let is_put_right = if is_full { fold_alone(path).is_ok() } else { end_rollback(path).is_ok() };
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
                // SQLite only names the file.
                CacheError::Open { path, .. } => {
                    let reason = "it may not be read, check its permissions (chmod, chown)".to_owned();
                    CacheError::Open { path, reason }
                }
                error => error,
            }
        });
    let Some(log) = log(path) else { return immutable.map(|connection| (connection, Some(stamp))) };
    // Whether it may be read at all: what it says without its log is of no interest.
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

/// Whether this is what SQLite says where it cannot make the file beside the cache that its readers share.
fn keeps_shared_memory_out(error: &CacheError) -> bool {
    matches!(
        error,
        CacheError::Open { .. }
            | CacheError::ReadOnly { .. }
            | CacheError::Full { .. }
            | CacheError::Unwritable { .. }
    )
}

/// Folds the write-ahead log into the cache where there is no room for the file that connections share: one that
/// is alone keeps its index of the log in memory. Nothing is lost if there is no room for what is folded either.
fn fold_alone(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(path, WRITING)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Lets a connection look into the file as into memory, or no longer. To get to the middle of a blob SQLite
/// follows a chain through all its pages before it: mapped, it looks at one number of each, and reads them
/// whole otherwise. Columns that are read whole are copied from the file anyway: mapped, they would be in
/// memory twice.
pub fn map(connection: &Connection, is_mapped: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "mmap_size", if is_mapped { MMAP_SIZE } else { 0 })
}

/// A path as SQLite's URI of a file that never changes.
fn immutable_uri(path: &Path) -> PathBuf {
    use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
    /// What means something in a URI.
    const SPECIAL: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), SPECIAL);
    PathBuf::from(format!("file:{path}?immutable=1"))
}

fn open_reader_with(path: &Path, name: &Path, flags: OpenFlags) -> Result<Connection, CacheError> {
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(name, flags).map_err(sqlite)?;
    connection.busy_timeout(PATIENCE).map_err(sqlite)?;
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
    // SQLite notices that an end is missing only when it gets there: till then it answers.
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

/// Folds the write-ahead log into the cache and takes it away, unless somebody has the cache open: SQLite
/// leaves that to the connection that closes last, and one that only reads cannot. Whoever has it open does
/// it later; where nothing may be written the log stays, and is read.
pub fn fold_log(path: &Path) {
    let file = place::resolve(path);
    if !beside(&file, "-wal").exists() && !beside(&file, "-shm").exists() {
        return;
    }
    if let Ok(connection) = Connection::open_with_flags(path, WRITING) {
        // The log is looked at no sooner than something is asked.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}
