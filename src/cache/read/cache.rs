//! An open cache: its connections, and what stays in memory between queries.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::byte_cache::ByteCache;
use super::origins::KnownOrigins;
use super::snapshot::{CacheRef, Snapshot};
use crate::cache::CacheError;
use crate::cache::column::integers::Integers;
use crate::cache::column::layout::DIMENSIONS;
use crate::cache::column::text::TextPage;
use crate::cache::column::value_set::ValueSet;
use crate::cache::dictionary::Dictionary;
use crate::cache::error::StoreError;
use crate::cache::ids::{SegmentId, SourceId};
use crate::cache::sqlite::catalogue::{self, LogFileStatus, Rejected, SourceInfo, SourceRow};
use crate::cache::sqlite::connection::{self, FileStamp};
use crate::cache::sqlite::journal::{self, Journal};
use crate::cache::sqlite::log_file_rows::LogFileRow;
use crate::cache::sqlite::paths::OpenedPath;
use crate::cache::sqlite::root::Root;
use crate::cache::sqlite::segment_rows::SegmentRow;
use crate::cache::write::memtable::SEGMENT_ROWS;

// Memory for packed integer columns, value sets, decompressed pages of text, and single values of dictionaries. With more
// columns, a walk through all tables of 10 M requests is no faster (explore_ten_million.py); an analysis, which reads the same
// columns again and again, is.
const MAX_COLUMN_BYTES: usize = 128 << 20;
const MAX_VALUE_SET_BYTES: usize = 16 << 20;
const MAX_PAGE_BYTES: usize = 16 << 20;
const MAX_VALUE_BYTES: usize = 4 << 20;

/// A cache, open for reading. Threads share it.
pub struct Cache {
    pub(super) path: PathBuf,
    /// The file that was opened.
    opened: OpenedPath,
    idle: Mutex<Idle>,
    /// The state of the file, if SQLite opened it as a file that never changes.
    immutable: Mutex<Option<FileStamp>>,
    pub(super) columns: ByteCache<i64, Arc<Integers>>,
    /// Smallest and largest number by column.
    pub(super) bounds: Mutex<HashMap<i64, (i64, i64)>>,
    /// Value sets by column; `None` if none is stored.
    pub(super) value_sets: ByteCache<i64, Option<Arc<ValueSet>>>,
    pub(super) pages: ByteCache<(i64, usize), Arc<TextPage>>,
    pub(super) dictionaries: [Mutex<Dictionary>; DIMENSIONS],
    /// Single values by dimension and value id, from dictionaries that are not in memory.
    pub(super) values: ByteCache<(i64, u32), Arc<[u8]>>,
    /// Where requests came from.
    pub(super) origins: KnownOrigins,
    watch: Mutex<Watch>,
    generation: AtomicU64,
}

/// Connections that are not in use.
#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    era: Era,
}

/// The number of times that an immutable file was found to have changed. A connection of an earlier era sees the old
/// content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Era(u64);

/// Detects commits.
struct Watch {
    connection: Option<Connection>,
    version: i64,
}

/// A segment, as its row in the table `segment` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The id of the segment. It is never reused.
    pub id: SegmentId,
    /// The id of its source.
    pub source: SourceId,
    /// The first of its row numbers within the source. [`Snapshot::row_number`] has those of its requests.
    pub first_row: u64,
    /// Number of requests.
    pub rows: usize,
    /// Earliest time of a request, in seconds since the epoch.
    pub time_min: i64,
    /// Latest time of a request.
    pub time_max: i64,
    /// Length of its columns in bytes.
    pub bytes: u64,
    /// Whether the segment stays until its requests are removed: it is full, or another one follows it in its source.
    /// The last segment of a source is replaced as the source grows.
    pub is_final: bool,
}

impl SegmentInfo {
    fn of(row: SegmentRow) -> SegmentInfo {
        let SegmentRow { id, source, rows, numbers, time_min, time_max, bytes } = row;
        let is_final = rows >= SEGMENT_ROWS;
        SegmentInfo { id, source, first_row: numbers.first, rows, time_min, time_max, bytes, is_final }
    }
}

impl Cache {
    /// Opens an existing cache. Fails if the file does not exist or is not a cache.
    pub fn open(path: &Path) -> Result<Cache, CacheError> {
        let cache = Cache::open_for_writer(path)?;
        // With a write-ahead log, the writer and readers do not wait for each other. Where it cannot be used, they wait.
        if cache.with(journal::journal)? == Journal::Rollback {
            let _ = journal::switch_to_wal(path);
        }
        Ok(cache)
    }

    /// Opens an existing cache for its writer. Its journal stays as it is: the writer only reads the catalogue.
    pub(crate) fn open_for_writer(path: &Path) -> Result<Cache, CacheError> {
        let opened = OpenedPath::new(path);
        let (connection, immutable) = connection::open_reader_or_immutable(path)?;
        let watch = connection::open_reader(path)?;
        let version = data_version(&watch).map_err(|error| CacheError::sqlite(path, error))?;
        Ok(Cache {
            path: path.to_owned(),
            opened,
            idle: Mutex::new(Idle { connections: vec![connection], era: Era::default() }),
            immutable: Mutex::new(immutable),
            columns: ByteCache::new(MAX_COLUMN_BYTES),
            bounds: Mutex::default(),
            value_sets: ByteCache::new(MAX_VALUE_SET_BYTES),
            pages: ByteCache::new(MAX_PAGE_BYTES),
            dictionaries: Default::default(),
            values: ByteCache::new(MAX_VALUE_BYTES),
            origins: KnownOrigins::default(),
            watch: Mutex::new(Watch { connection: Some(watch), version }),
            generation: AtomicU64::new(1),
        })
    }

    /// The path of the cache.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number that grows whenever a process has committed something.
    pub fn generation(&self) -> u64 {
        let mut watch = self.watch.lock();
        if self.immutable_file_has_changed() {
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

    /// A snapshot of the current state of the cache.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, CacheError> {
        self.snapshot_of(CacheRef::Borrowed(self))
    }

    /// A snapshot of the current state of the cache that keeps the cache open.
    pub fn lasting_snapshot(self: &Arc<Cache>) -> Result<Snapshot<'static>, CacheError> {
        self.snapshot_of(CacheRef::Shared(Arc::clone(self)))
    }

    fn snapshot_of<'c>(&self, cache: CacheRef<'c>) -> Result<Snapshot<'c>, CacheError> {
        let (connection, era) = self.connection()?;
        let read = || -> Result<_, StoreError> {
            connection.execute_batch("BEGIN")?;
            let root = Root::read(&connection).map_err(|error| error.at("the root"))?;
            let segments =
                SegmentRow::all_of(&connection, &root).map_err(|error| error.at("the list of segments"))?;
            let with_gaps = segments.iter().filter(|segment| segment.numbers.has_gaps());
            let gaps = with_gaps.map(|segment| (segment.id, segment.numbers.clone())).collect();
            let mut segments: Vec<SegmentInfo> = segments.into_iter().map(SegmentInfo::of).collect();
            for index in 1..segments.len() {
                if segments[index - 1].source == segments[index].source {
                    segments[index - 1].is_final = true;
                }
            }
            let sources = SourceRow::all(&connection).map_err(|error| error.at("the list of sources"))?;
            let sources = sources.into_iter().map(|source| (source.id, source.uri)).collect();
            Ok((root, segments, gaps, sources))
        };
        let (root, segments, gaps, sources) = read().map_err(|error| error.of(&self.path))?;
        let connection = Mutex::new(Some(connection));
        let (dictionary_lengths, log_files) = (root.dictionaries, root.log_files);
        let origins = OnceLock::new();
        Ok(Snapshot {
            cache,
            connection,
            era,
            segments,
            gaps,
            sources,
            dictionary_lengths,
            log_files,
            origins,
        })
    }

    /// The sources in the catalogue.
    pub fn sources(&self) -> Result<Vec<SourceInfo>, CacheError> {
        self.consistently(catalogue::sources)
    }

    /// The id of a source; `None` if the catalogue does not have it.
    pub fn source_id(&self, uri: &str) -> Result<Option<SourceId>, CacheError> {
        self.consistently(|connection| catalogue::source_id(connection, uri))
    }

    /// The status of log files, given by name and version. A `source` that is not in the catalogue has none.
    pub fn log_file_statuses<'f>(
        &self,
        source: Option<SourceId>,
        files: impl Iterator<Item = (&'f str, Option<&'f str>)>,
    ) -> Result<Vec<LogFileStatus>, CacheError> {
        self.consistently(|connection| {
            files
                .map(|(name, version)| catalogue::log_file_status(connection, source, name, version))
                .collect()
        })
    }

    /// The log files of a source: name, version, and whether they were read to their end.
    pub fn log_files(&self, source: SourceId) -> Result<Vec<(String, Option<String>, bool)>, CacheError> {
        self.consistently(|connection| {
            let files = LogFileRow::all(connection, source)?.into_iter();
            Ok(files.map(|file| (file.name, file.version, file.state != catalogue::IN_PART)).collect())
        })
    }

    /// Calls `each` with every rejected line of a source, or of all sources.
    pub fn rejected(&self, source: Option<&str>, each: &mut dyn FnMut(Rejected)) -> Result<(), CacheError> {
        self.consistently(|connection| catalogue::rejected(connection, source, each))
    }

    /// Calls `read` within a read transaction.
    pub(in crate::cache) fn consistently<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, CacheError> {
        let (connection, era) = self.connection()?;
        let result = (|| {
            connection.execute_batch("BEGIN")?;
            read(&connection)
        })();
        if connection.execute_batch("COMMIT").is_ok() {
            self.give_back(connection, era);
        }
        result.map_err(|error| error.of(&self.path))
    }

    pub(in crate::cache) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let (connection, era) = self.connection()?;
        let result = read(&connection).map_err(|error| CacheError::sqlite(&self.path, error));
        self.give_back(connection, era);
        result
    }

    /// Takes an idle connection or opens one. [`Cache::give_back`] needs the era.
    fn connection(&self) -> Result<(Connection, Era), CacheError> {
        if self.immutable_file_has_changed() {
            self.generation.fetch_add(1, Ordering::Relaxed);
        }
        {
            let mut idle = self.idle.lock();
            if let Some(connection) = idle.connections.pop() {
                return Ok((connection, idle.era));
            }
        }
        self.check_in_place()?;
        let (connection, opened) = connection::open_reader_or_immutable(&self.path)?;
        let mut immutable = self.immutable.lock();
        if immutable.is_some() && *immutable != opened {
            // It changed after the comparison above.
            self.begin_era();
        }
        *immutable = opened;
        Ok((connection, self.idle.lock().era))
    }

    /// Keeps a connection for the next read, unless it sees an old content.
    pub(super) fn give_back(&self, connection: Connection, era: Era) {
        let mut idle = self.idle.lock();
        if idle.era == era {
            idle.connections.push(connection);
        }
    }

    /// Closes the idle connections, and those in use as soon as they are given back.
    fn begin_era(&self) {
        let mut idle = self.idle.lock();
        idle.era.0 += 1;
        idle.connections.clear();
    }

    /// A connection besides that of a snapshot. It may see another state of the cache.
    pub(super) fn lent(&self) -> Result<LentConnection<'_>, CacheError> {
        let (connection, era) = self.connection()?;
        Ok(LentConnection { cache: self, connection: Some(connection), era })
    }

    /// Whether a file that was opened as immutable has changed. If so, its connections are closed.
    fn immutable_file_has_changed(&self) -> bool {
        let mut immutable = self.immutable.lock();
        if immutable.is_none_or(|stamp| stamp == connection::stamp(&self.path)) {
            return false;
        }
        *immutable = None;
        self.begin_era();
        true
    }

    /// Closes idle connections and checkpoints, so that the cache is one file if no process uses it. The next read opens
    /// connections again.
    pub fn close(&self) {
        self.idle.lock().connections.clear();
        self.watch.lock().connection = None;
        if self.check_in_place().is_ok() {
            journal::checkpoint(&self.path);
        }
    }

    /// Fails if another file is at the path now. SQLite identifies shared files by their path: a process that has both files
    /// open would mix them up.
    fn check_in_place(&self) -> Result<(), CacheError> {
        let file = &self.path;
        if self.opened.has_moved() { Err(CacheError::Moved { file: file.clone() }) } else { Ok(()) }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.close();
    }
}

/// A connection that becomes idle when this is dropped.
pub(super) struct LentConnection<'c> {
    cache: &'c Cache,
    connection: Option<Connection>,
    era: Era,
}

impl LentConnection<'_> {
    pub(super) fn get(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }
}

impl Drop for LentConnection<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.cache.give_back(connection, self.era);
        }
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Request, filled};

    #[test]
    fn a_pinned_snapshot_of_an_immutable_file_gave_its_connection_to_later_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..10).map(Request::at)));
        let cache = Arc::new(Cache::open(&path).unwrap());
        let pinned = cache.lasting_snapshot().unwrap();
        let lent = cache.lent().unwrap();
        // As if the folder could not be written, so that SQLite notices no change, and the file had changed since.
        *cache.immutable.lock() = Some(connection::stamp(&folder.path().join("another")));
        drop(cache.snapshot().unwrap());
        let idle = || cache.idle.lock().connections.len();
        assert_eq!(idle(), 1);
        drop((pinned, lent));
        assert_eq!(idle(), 1, "connections to the old content are closed");
        drop(cache.lasting_snapshot().unwrap());
        assert_eq!(idle(), 1);
    }
}
