//! The tables of a cache, and how a connection to one is opened.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::CacheError;
use super::layout::DIMENSIONS;
use super::root::Root;

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
-- named. paused: 1 not pulled unless it is named, 2 the same since monitoring it was given up.
CREATE TABLE source (
    id         INTEGER PRIMARY KEY,
    uri        TEXT NOT NULL UNIQUE,
    added      INTEGER NOT NULL,
    last_pull  INTEGER,
    monitored  INTEGER NOT NULL,
    paused     INTEGER NOT NULL,
    next_row   INTEGER NOT NULL,
    crc        INTEGER NOT NULL
) STRICT;

-- A log file that was read. state: 0 in part, 1 to its end, 2 holds no log lines. version, size, lines, requests,
-- duplicates and rejected are those of one version, the reading of which has this number (generation).
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

/// Opens a cache for writing; makes it if there is no such file. One that it makes gets the journal that is
/// wanted, any other is written ahead.
pub fn open_writer(path: &Path, wanted: Journal) -> Result<(Connection, Journal), CacheError> {
    if path.is_dir() {
        return Err(CacheError::Open { path: path.to_owned(), reason: "it is a directory".to_owned() });
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|error| CacheError::Open { path: path.to_owned(), reason: error.to_string() })?;
    }
    let journal = if is_missing_or_empty(path) {
        make(path, wanted)?;
        wanted
    } else {
        // Looked at through a read-only connection first: a file that is not ours is not touched.
        open_reader(path)?;
        Journal::WriteAhead
    };
    let sqlite = |error| CacheError::sqlite(path, error);
    let connection = Connection::open_with_flags(path, WRITING).map_err(sqlite)?;
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
    Ok((connection, journal))
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

/// Makes an empty cache under another name, and gives it its own when it is whole: whoever is killed on
/// the way leaves no file that is neither a cache nor nothing. The caller holds the lock.
fn make(path: &Path, journal: Journal) -> Result<(), CacheError> {
    let open = |error: std::io::Error| CacheError::Open { path: path.to_owned(), reason: error.to_string() };
    // An empty file may stand behind a link.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let making = beside(path, ".new");
    for left_over in [".new", ".new-journal", ".new-wal", ".new-shm"] {
        let _ = std::fs::remove_file(beside(path, left_over));
    }
    private_file(&making).map_err(open)?;
    let sqlite = |error| CacheError::sqlite(path, error);
    let mut connection = Connection::open_with_flags(&making, WRITING).map_err(sqlite)?;
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
    let made = std::fs::OpenOptions::new().write(true).open(&making).map_err(open)?;
    made.sync_all().map_err(open)?;
    std::fs::rename(&making, path).map_err(open)
}

/// A file of the same name with something behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
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
    let logs = ["-wal", "-journal"].map(|suffix| beside(path, suffix));
    logs.into_iter().find(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// Opens a cache for reading, also where nothing may be written: then with what it looked like.
///
/// SQLite needs a file beside the cache to find its way in the write-ahead log and to tell writers what is
/// still being read. Where it may not make one and there is no log, the cache can be read as a file that
/// never changes (`immutable`). Nobody is told then that it is being read: that is safe as long as nobody
/// writes, and whoever asks must look whether the stamp is still the same, and open it again if it is not.
pub fn open_reader_anywhere(path: &Path) -> Result<(Connection, Option<Stamp>), CacheError> {
    if path.is_dir() {
        return Err(CacheError::Open { path: path.to_owned(), reason: "it is a directory".to_owned() });
    }
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let stamp = stamp(path);
    match open_reader_with(path, path, read_only) {
        Err(CacheError::Open { .. } | CacheError::ReadOnly { .. }) if stamp.0.is_some() && !has_log(path) => {
            let uri = immutable_uri(path);
            let connection =
                open_reader_with(path, &uri, read_only | OpenFlags::SQLITE_OPEN_URI).map_err(|error| {
                    match error {
                        // SQLite only names the file.
                        CacheError::Open { path, .. } => {
                            let reason =
                                "it may not be read, check its permissions (chmod, chown)".to_owned();
                            CacheError::Open { path, reason }
                        }
                        error => error,
                    }
                })?;
            Ok((connection, Some(stamp)))
        }
        Err(error @ (CacheError::Open { .. } | CacheError::ReadOnly { .. })) => {
            let Some(log) = log(path) else { return Err(error) };
            // Who filled it was killed: what was half done is undone by whoever may.
            if end_rollback(path).is_ok()
                && let Ok(connection) = open_reader_with(path, path, read_only)
            {
                return Ok((connection, None));
            }
            // Whether it may be read at all.
            open_reader_with(path, &immutable_uri(path), read_only | OpenFlags::SQLITE_OPEN_URI)
                .map_err(|_| error)?;
            let reason = format!(
                "its last changes wait in {}, which can be read only by who may write the folder: let them \
                 run `tamarin sources` once",
                log.display()
            );
            Err(CacheError::Open { path: path.to_owned(), reason })
        }
        opened => opened.map(|connection| (connection, None)),
    }
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
    if !beside(path, "-wal").exists() && !beside(path, "-shm").exists() {
        return;
    }
    if let Ok(connection) = Connection::open_with_flags(path, WRITING) {
        // The log is looked at no sooner than something is asked.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}

/// Whether there is nothing at this path yet: no file, or an empty one.
pub fn is_missing_or_empty(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |metadata| metadata.is_file() && metadata.len() == 0)
}

/// Logs name people and secrets (presigned URLs): nobody else may read the cache.
fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}
