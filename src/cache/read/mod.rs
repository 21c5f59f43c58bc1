//! Reading a cache: any number of readers, each question on one consistent [`Snapshot`].
//!
//! Columns that were read stay packed in memory (segments never change, so they never go stale), within
//! a budget; dictionaries are read when first needed and grow with the file.

mod dictionaries;
mod int_column;
pub(crate) mod lru_by_bytes;
mod snapshot;
mod text_column;
mod texts;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::cache::CacheError;
use crate::cache::column::integers::Integers;
use crate::cache::column::layout::DIMENSIONS;
use crate::cache::column::text::OpenPage;
use crate::cache::column::value_set::Presence;
use crate::cache::dictionary::Dictionary;
use crate::cache::error::StoreError;
use crate::cache::sqlite::catalogue::{self, LogFileStatus, Rejected, SourceInfo, SourceRow};
use crate::cache::sqlite::connection::{self, FileStamp};
use crate::cache::sqlite::journal::{self, Journal};
use crate::cache::sqlite::paths::OpenedPath;
use crate::cache::sqlite::root::Root;
use crate::cache::sqlite::segment_rows::SegmentRow;
use lru_by_bytes::Budgeted;

pub use int_column::{IntColumn, NumberBlock, TimeBlock, code};
pub use snapshot::Snapshot;
pub use text_column::{RowKeys, TextColumn};
pub use texts::{Details, Mapped, PageMemory};

/// Memory that packed columns may take.
const COLUMN_BUDGET: usize = 144 << 20;
/// Memory that sets of ids may take.
const PRESENCE_BUDGET: usize = 16 << 20;
/// Memory that open pages of details may take.
const PAGE_BUDGET: usize = 16 << 20;

/// A cache, for reading. Shared by threads.
pub struct Cache {
    path: PathBuf,
    /// The file that was opened.
    place: OpenedPath,
    idle: Mutex<Vec<Connection>>,
    /// What the file looked like, if it is read as one that never changes.
    frozen: Mutex<Option<FileStamp>>,
    columns: Mutex<Columns>,
    /// Told whenever somebody has read a column.
    column_read: Condvar,
    bounds: Mutex<HashMap<i64, (i64, i64)>>,
    /// Which ids columns have, by number of the column; `None`: nothing is noted.
    presences: Mutex<Budgeted<i64, Option<Arc<Presence>>>>,
    pages: Mutex<Budgeted<(i64, usize), Arc<OpenPage>>>,
    dictionaries: [Mutex<Dictionary>; DIMENSIONS],
    watch: Mutex<Watch>,
    generation: AtomicU64,
}

/// Columns of numbers in memory.
struct Columns {
    kept: Budgeted<i64, Arc<Integers>>,
    /// Those that somebody is reading: the questions of one screen go through the same columns at the same
    /// time, and one reading serves all.
    being_read: HashSet<i64>,
}

/// Says when it goes that a column is no longer being read, whatever came of it.
struct BeingRead<'c> {
    cache: &'c Cache,
    id: i64,
}

impl Drop for BeingRead<'_> {
    fn drop(&mut self) {
        lock(&self.cache.columns).being_read.remove(&self.id);
        self.cache.column_read.notify_all();
    }
}

struct Watch {
    connection: Option<Connection>,
    version: i64,
}

/// A segment as the catalogue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number; never used again for another.
    pub id: i64,
    /// Number of its source.
    pub source: i64,
    /// Number of its first request within the source.
    pub first_row: u64,
    /// How many requests it has.
    pub rows: usize,
    /// Time of its first request in time.
    pub time_min: i64,
    /// Time of its last request in time.
    pub time_max: i64,
    /// Bytes of its columns in the file.
    pub bytes: u64,
    /// Whether it will stay as long as the cache does: it is full, or another follows it in its source.
    /// The last of a source is replaced as it grows.
    pub is_final: bool,
}

impl SegmentInfo {
    fn of(row: SegmentRow) -> SegmentInfo {
        let SegmentRow { id, source, rows, numbers, time_min, time_max, bytes } = row;
        let is_final = rows >= crate::cache::write::memtable::SEGMENT_ROWS;
        SegmentInfo { id, source, first_row: numbers.first, rows, time_min, time_max, bytes, is_final }
    }
}

impl Cache {
    /// Opens a cache that exists.
    ///
    /// # Errors
    /// If there is none, or it is none.
    pub fn open(path: &Path) -> Result<Cache, CacheError> {
        let cache = Cache::open_for_writer(path)?;
        // Who fills it need not wait for readers from here on, nor they for that. Where it cannot be: they do.
        if cache.with(journal::journal)? == Journal::Rollback {
            let _ = journal::switch_to_wal(path);
        }
        Ok(cache)
    }

    /// The same for who writes to it: a look at the catalogue now and then is in nobody's way.
    pub(crate) fn open_for_writer(path: &Path) -> Result<Cache, CacheError> {
        let place = OpenedPath::new(path);
        let (connection, frozen) = connection::open_reader_or_immutable(path)?;
        let watch = connection::open_reader(path)?;
        let version = data_version(&watch).map_err(|error| CacheError::sqlite(path, error))?;
        Ok(Cache {
            path: path.to_owned(),
            place,
            idle: Mutex::new(vec![connection]),
            frozen: Mutex::new(frozen),
            columns: Mutex::new(Columns { kept: Budgeted::new(COLUMN_BUDGET), being_read: HashSet::new() }),
            column_read: Condvar::new(),
            bounds: Mutex::default(),
            presences: Mutex::new(Budgeted::new(PRESENCE_BUDGET)),
            pages: Mutex::new(Budgeted::new(PAGE_BUDGET)),
            dictionaries: Default::default(),
            watch: Mutex::new(Watch { connection: Some(watch), version }),
            generation: AtomicU64::new(1),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Grows whenever anybody has committed something.
    pub fn generation(&self) -> u64 {
        let mut watch = lock(&self.watch);
        if self.has_thawed() {
            watch.connection = self.check_in_place().and_then(|()| connection::open_reader(&self.path)).ok();
            self.generation.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(Ok(version)) = watch.connection.as_ref().map(data_version)
            && version != watch.version
        {
            watch.version = version;
            self.generation.fetch_add(1, Ordering::Relaxed);
        }
        self.generation.load(Ordering::Relaxed)
    }

    /// The cache as it is now.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, CacheError> {
        self.snapshot_of(snapshot::Of::Lent(self))
    }

    /// The same, to be kept for as long as somebody wants it.
    pub fn lasting_snapshot(self: &Arc<Cache>) -> Result<Snapshot<'static>, CacheError> {
        self.snapshot_of(snapshot::Of::Kept(Arc::clone(self)))
    }

    fn snapshot_of<'c>(&self, cache: snapshot::Of<'c>) -> Result<Snapshot<'c>, CacheError> {
        let connection = self.connection()?;
        let read = || -> Result<_, StoreError> {
            connection.execute_batch("BEGIN")?;
            let root = Root::read(&connection).map_err(|error| error.at("the root"))?;
            let segments =
                SegmentRow::all_of(&connection, &root).map_err(|error| error.at("the list of segments"))?;
            let mut segments: Vec<SegmentInfo> = segments.into_iter().map(SegmentInfo::of).collect();
            for index in 1..segments.len() {
                if segments[index - 1].source == segments[index].source {
                    segments[index - 1].is_final = true;
                }
            }
            let sources = SourceRow::all(&connection).map_err(|error| error.at("the list of sources"))?;
            Ok((root, segments, sources.into_iter().map(|source| (source.id, source.uri)).collect()))
        };
        let (root, segments, sources) = read().map_err(|error| error.of(&self.path))?;
        let connection = Mutex::new(Some(connection));
        Ok(Snapshot { cache, connection, segments, sources, dictionaries: root.dictionaries })
    }

    /// The catalogue of sources.
    pub fn sources(&self) -> Result<Vec<SourceInfo>, CacheError> {
        self.consistently(catalogue::sources)
    }

    /// The number of a source, if the catalogue has it.
    pub fn source_id(&self, uri: &str) -> Result<Option<i64>, CacheError> {
        self.consistently(|connection| catalogue::source_id(connection, uri))
    }

    /// What the catalogue knows of log files of a source, given by name and version. A source that is not in the
    /// catalogue has none.
    pub fn log_file_statuses<'f>(
        &self,
        source: Option<i64>,
        files: impl Iterator<Item = (&'f str, Option<&'f str>)>,
    ) -> Result<Vec<LogFileStatus>, CacheError> {
        self.consistently(|connection| {
            files
                .map(|(name, version)| catalogue::log_file_status(connection, source, name, version))
                .collect()
        })
    }

    /// Hands over every rejected line that is kept, of one source or of all.
    pub fn rejected(&self, source: Option<&str>, each: &mut dyn FnMut(Rejected)) -> Result<(), CacheError> {
        self.consistently(|connection| catalogue::rejected(connection, source, each))
    }

    /// Reads several things of one state of the cache.
    pub(in crate::cache) fn consistently<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, CacheError> {
        let connection = self.connection()?;
        let answer = (|| {
            connection.execute_batch("BEGIN")?;
            read(&connection)
        })();
        if connection.execute_batch("COMMIT").is_ok() {
            lock(&self.idle).push(connection);
        }
        answer.map_err(|error| error.of(&self.path))
    }

    pub(in crate::cache) fn with<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let connection = self.connection()?;
        let answer = ask(&connection).map_err(|error| CacheError::sqlite(&self.path, error));
        lock(&self.idle).push(connection);
        answer
    }

    fn connection(&self) -> Result<Connection, CacheError> {
        if self.has_thawed() {
            self.generation.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(connection) = lock(&self.idle).pop() {
            return Ok(connection);
        }
        self.check_in_place()?;
        let (connection, frozen) = connection::open_reader_or_immutable(&self.path)?;
        *lock(&self.frozen) = frozen;
        Ok(connection)
    }

    /// A connection beside that of a snapshot; it does not see the same state of the cache.
    fn lent(&self) -> Result<Lent<'_>, CacheError> {
        Ok(Lent { cache: self, connection: Some(self.connection()?) })
    }

    /// Whether a file that was read as one that never changes has changed: it is opened again then.
    fn has_thawed(&self) -> bool {
        let mut frozen = lock(&self.frozen);
        if frozen.is_none_or(|stamp| stamp == connection::stamp(&self.path)) {
            return false;
        }
        *frozen = None;
        lock(&self.idle).clear();
        true
    }

    /// Closes what is open and in no use: the last one to do so leaves the cache as one file. What is
    /// asked afterwards opens it again.
    pub fn close(&self) {
        lock(&self.idle).clear();
        lock(&self.watch).connection = None;
        if self.check_in_place().is_ok() {
            journal::checkpoint(&self.path);
        }
    }

    /// Another file that took the place of this one is not opened: SQLite knows the file that connections share by
    /// its path, so a process that has both open would mix them up.
    fn check_in_place(&self) -> Result<(), CacheError> {
        if self.place.has_moved() {
            return Err(CacheError::Moved { file: self.path.clone() });
        }
        Ok(())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.close();
    }
}

/// A connection that goes back when it is no longer used.
struct Lent<'c> {
    cache: &'c Cache,
    connection: Option<Connection>,
}

impl Lent<'_> {
    fn get(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        lock(&self.cache.idle).extend(self.connection.take());
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// A thread that panicked with the lock left nothing half done in here: the data is only ever replaced.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
