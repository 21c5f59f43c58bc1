//! The writer: appends batches to the memtable, and commits them together with the state of the log files that they
//! came from. After a crash at any point the cache is complete up to the last commit, and has no request twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::file_part::{FileMark, LineRun, RejectedLine};
use super::memtable::{Memtable, SEGMENT_BYTES, SEGMENT_ROWS};
use super::tail::{RowAssignment, Tail, load_tail, write_segment};
use super::{batch::Batch, encoded_column::EncodedColumn, repeats::NewRows, row_numbers::RowNumbers};
use crate::cache::column::layout::{DIMENSION_FIELDS, DIMENSIONS, KEY_SLOT};
use crate::cache::dictionary::published::{GrowingDictionary, SharedDictionaries};
use crate::cache::sqlite::connection::{self, Opened};
use crate::cache::sqlite::journal::{self, Journal};
use crate::cache::sqlite::lock::{LockedCache, WriterLock};
use crate::cache::sqlite::root::{self, Root};
use crate::cache::{
    CacheError, column, dictionary, error::StoreError, ids::SourceId, sqlite::catalogue::SourceRow,
    sqlite::checkpoint::Checkpointer, sqlite::log_file_reading::LogFileReading, sqlite::log_file_rows,
    sqlite::new_cache::NewCache, sqlite::paths, sqlite::segment_rows::SegmentRow,
};

/// What an appended batch added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Requests added.
    pub requests: u64,
    /// Exact repeats dropped, except requests that an earlier version of the log file gave and repeats that
    /// were counted then.
    pub duplicates: u64,
}

/// Bytes of uncommitted rejected lines, which are in memory, that cause a commit.
const REJECTED_BYTES: usize = 16 << 20;

/// Options of a [`Writer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterOptions {
    /// Rows of a full segment, at least 1. A segment may be full earlier by its bytes. With fewer rows, less is
    /// rewritten while a source grows; with more, a query reads fewer and larger chunks. Readers accept any size.
    pub segment_rows: usize,
    /// Whether a new cache gets a write-ahead log. Without one, new data is written once and not twice, but readers and
    /// the writer block each other until a reader opens the cache or [`Writer::checkpoint`] is called.
    pub expects_readers: bool,
}

impl Default for WriterOptions {
    fn default() -> WriterOptions {
        WriterOptions { segment_rows: SEGMENT_ROWS, expects_readers: true }
    }
}

impl WriterOptions {
    /// Upper limit of the rows of a segment that has more than one batch: batches end where blocks of lines end.
    fn segment_rows_max(self) -> usize {
        self.segment_rows + self.segment_rows / 8
    }
}

/// Writes to a cache. A cache has at most one writer, across all processes.
pub struct Writer {
    pub(in crate::cache) path: PathBuf,
    options: WriterOptions,
    /// The journal of the last commit.
    journal: Journal,
    /// Checkpoints the write-ahead log in the background, from the first full segment on. Declared before the
    /// connection: the connection that is closed last removes the log.
    pub(in crate::cache) checkpointer: Option<Checkpointer>,
    pub(in crate::cache) connection: Connection,
    pub(in crate::cache) dictionaries: [GrowingDictionary; DIMENSIONS],
    published: SharedDictionaries,
    /// Number of committed values of each dictionary.
    pub(in crate::cache) stored: [usize; DIMENSIONS],
    /// The committed root.
    pub(in crate::cache) root: Root,
    /// The id of the next new log file in the catalogue.
    next_file_id: i64,
    pub(in crate::cache) tail: Option<Tail>,
    /// Log files that have uncommitted changes or lines still to be read.
    pub(in crate::cache) readings: HashMap<(SourceId, String), LogFileReading>,
    /// Bytes of the uncommitted rejected lines of `readings`.
    rejected_bytes: usize,
    /// Buffer for the value ids of a batch.
    value_ids: Vec<u32>,
    /// A handle of the cache file, if it was opened without SQLite. Declared after the connection, which is
    /// closed first.
    pub(in crate::cache) file_handle: Option<std::fs::File>,
    /// Leftover journals that were renamed when this writer created the cache.
    renamed_journals: Vec<PathBuf>,
    is_new: bool,
    /// Declared last, so that it is released last.
    lock: LockedCache,
}

impl Writer {
    /// Opens a cache for writing, and creates it if it is missing. A file that is not a cache is left as it was. Fails if
    /// the file is not a cache, another process writes to it, or it cannot be written.
    pub fn open(path: &Path) -> Result<Writer, CacheError> {
        Writer::open_with(path, WriterOptions::default())
    }

    /// Opens a cache for writing when no reader is expected, for example to fill it for the first time.
    pub fn open_to_fill(path: &Path) -> Result<Writer, CacheError> {
        Writer::open_with(path, WriterOptions { expects_readers: false, ..WriterOptions::default() })
    }

    /// Opens a cache with other options than the default.
    pub fn open_with(path: &Path, options: WriterOptions) -> Result<Writer, CacheError> {
        let wanted = if options.expects_readers { Journal::WriteAhead } else { Journal::Rollback };
        if paths::is_missing_or_empty(path)? {
            paths::make_folder_of(&paths::resolve(path))
                .map_err(|error| CacheError::Open { path: path.to_owned(), reason: error.to_string() })?;
        } else if let Err(error) = connection::open_reader(path)
            && !paths::is_missing_or_empty(path)?
        {
            // The path is checked again: the process that created the cache may have deleted it, because it was empty.
            return Err(error);
        }
        let lock = WriterLock::acquire(path)?;
        let Opened { connection, journal, opened_path, is_new, renamed_journals } =
            connection::open_writer(path, wanted)?;
        let mut writer = Writer {
            path: path.to_owned(),
            options,
            journal,
            connection,
            dictionaries: Default::default(),
            published: SharedDictionaries::default(),
            stored: [0; DIMENSIONS],
            root: Root::default(),
            next_file_id: 1,
            tail: None,
            readings: HashMap::new(),
            rejected_bytes: 0,
            value_ids: Vec::new(),
            checkpointer: None,
            file_handle: None,
            renamed_journals,
            is_new,
            lock: LockedCache::new(opened_path, lock),
        };
        writer.load()?;
        Ok(writer)
    }

    /// The path of the cache.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A handle to delete the cache again, if this writer created it.
    pub fn new_cache(&self) -> Option<NewCache> {
        self.is_new.then(|| NewCache::at(&self.lock.opened_path))
    }

    /// Journals of an earlier cache at this path that were renamed when this writer created the cache.
    pub fn renamed_journals(&self) -> &[PathBuf] {
        &self.renamed_journals
    }

    /// Checks that the path still leads to the file being written, and that other processes can see its lock.
    /// Fails with [`CacheError::Moved`] if not: no reader would find what is written, or another process may write too.
    pub fn check_in_place(&self) -> Result<(), CacheError> {
        self.lock.check_in_place()
    }

    /// The published dictionaries, for [`BatchBuilder::with_dictionaries`](crate::cache::BatchBuilder::with_dictionaries).
    pub fn dictionaries(&self) -> SharedDictionaries {
        self.published.clone()
    }

    /// Changes tables in one transaction, which writes the root at its end. A failure changes nothing.
    pub(in crate::cache) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Root) -> Result<T, StoreError>,
    ) -> Result<T, CacheError> {
        self.check_in_place()?;
        let Writer { connection, root, stored, path, .. } = self;
        let change = || -> Result<T, StoreError> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut changed = root.clone();
            let done = work(&transaction, &mut changed)?;
            changed.write(&transaction, stored)?;
            transaction.commit()?;
            *root = changed;
            Ok(done)
        };
        let changed = change().map_err(|error| error.of(path));
        // A missing file explains any error of SQLite.
        self.check_in_place()?;
        changed
    }

    /// Adds the requests of a batch, and leaves it for [`BatchBuilder::finish`](crate::cache::BatchBuilder::finish)
    /// to reuse its memory. The next [`Writer::commit`] writes the requests; a full segment commits by itself.
    ///
    /// Columns are appended whole, and repeats are removed afterwards: they are rare, and only they cause pages to be
    /// rewritten. Fails if the cache cannot be read or written. Earlier commits stay.
    pub fn append(&mut self, source: SourceId, batch: &mut Batch) -> Result<Appended, CacheError> {
        if batch.dictionaries.as_ref().is_some_and(|dictionaries| !dictionaries.is_same(&self.published)) {
            let damage = column::Damage("it was built for another writer");
            return Err(CacheError::damaged(&self.path, "a batch", damage));
        }
        self.switch_source(source)?;
        let max_rows = self.options.segment_rows_max();
        if self.tail.as_ref().is_some_and(|tail| tail.memtable.rows() + batch.rows() > max_rows) {
            self.seal()?;
        }
        let pruned = self.pruned_rows(source, batch)?;
        let Some(tail) = &mut self.tail else { return Ok(Appended::default()) };
        let first_row = tail.memtable.rows();
        tail.memtable.extend(batch);
        // Map values to value ids of the cache. Unknown values are added.
        for (slot, EncodedColumn { codes, values, hashes }) in batch.dimensions.iter().enumerate() {
            self.dictionaries[slot].intern_arena(values, hashes, &mut self.value_ids);
            tail.memtable.extend_codes(slot, codes, &self.value_ids);
        }
        self.published.publish_if_worthwhile(&mut self.dictionaries);
        let keys = &self.dictionaries[KEY_SLOT];
        let pruned: Vec<usize> = pruned.into_iter().map(|row| first_row + row).collect();
        let (connection, request_ids, pruned) = (&self.connection, batch.request_ids.as_slice(), &pruned);
        let (memtable, numbers) = (&tail.memtable, &tail.numbers);
        let new = NewRows { connection, keys, memtable, numbers, first_row, request_ids, pruned };
        let repeats = tail.repeats.add_rows(&new).map_err(|error| error.of(&self.path))?;
        let removed: Vec<usize> = repeats.iter().map(|repeat| repeat.row).collect();
        tail.memtable
            .remove(&removed, keys)
            .map_err(|damage| CacheError::damaged(&self.path, "a batch", damage))?;

        let mut rows =
            RowAssignment { next: first_row, number: tail.numbers.number(first_row), repeats: &repeats };
        let mut appended = Appended::default();
        let rejected = batch.parts.iter().flat_map(|part| &part.rejected).map(RejectedLine::bytes);
        self.rejected_bytes += rejected.sum::<usize>();
        for part in batch.parts.drain(..) {
            let file = self.file(source, &part.file)?;
            let consecutive = [LineRun { line: 0, rows: part.rows }];
            let runs = if part.line_runs.is_empty() { &consecutive } else { part.line_runs.as_slice() };
            for run in runs {
                rows.add_requests(part.first_line + run.line, run.rows, file, &mut appended);
            }
            file.add_rejected(part.rejected);
            file.add_lines(part.first_line, part.lines, part.total_lines);
        }
        let is_full = |memtable: &Memtable| {
            memtable.rows() >= self.options.segment_rows || memtable.bytes() >= SEGMENT_BYTES
        };
        if self.tail.as_ref().is_some_and(|tail| is_full(&tail.memtable)) {
            self.seal()?;
        } else if self.rejected_bytes >= REJECTED_BYTES {
            self.commit()?;
        }
        Ok(appended)
    }

    /// Rows of a batch that were pruned from their log file, in ascending order. They must not be added again.
    fn pruned_rows(&mut self, source: SourceId, batch: &Batch) -> Result<Vec<usize>, CacheError> {
        let mut rows = Vec::new();
        if self.tail.as_ref().is_some_and(|tail| tail.has_pruned) {
            let mut start = 0;
            for part in &batch.parts {
                let end = start + part.rows;
                if let Some(before) = self.file(source, &part.file)?.pruned_before() {
                    rows.extend((start..end).filter(|row| batch.times[*row] < before));
                }
                start = end;
            }
        }
        Ok(rows)
    }

    /// Records that a file has no log lines, so that it is not fetched again.
    pub fn record_no_log(&mut self, source: SourceId, mark: &Arc<FileMark>) -> Result<(), CacheError> {
        let file = self.file(source, mark)?;
        file.has_no_log = true;
        file.is_dirty = true;
        Ok(())
    }

    /// Records that the content of a log file is damaged: the requests of this reading do not count, and
    /// [`Writer::replace_versions`] removes them.
    pub fn record_damage(&mut self, source: SourceId, mark: &Arc<FileMark>) -> Result<(), CacheError> {
        self.file(source, mark)?.is_damaged = true;
        Ok(())
    }

    /// Whether everything appended is committed, with the state of its log files. (A log file with nothing
    /// but repeats adds no rows.)
    pub fn is_committed(&self) -> bool {
        self.tail.as_ref().is_none_or(|tail| tail.memtable.rows() == tail.committed)
            && !self.readings.values().any(|file| file.is_dirty)
    }

    /// Number of requests in the memtable.
    pub fn memtable_rows(&self) -> usize {
        self.tail.as_ref().map_or(0, |tail| tail.memtable.rows())
    }

    /// Writes everything appended, with the state of its log files, in one transaction.
    /// Fails if the cache cannot be written; then it has the state of the previous commit.
    pub fn commit(&mut self) -> Result<(), CacheError> {
        self.check_in_place()?;
        let written = self.write().map_err(|error| error.at("a batch").of(&self.path));
        // A missing file explains any error of SQLite.
        self.check_in_place()?;
        let journal = written?;
        // A reader has switched the file to WAL.
        if journal == Journal::WriteAhead { self.use_wal() } else { Ok(()) }
    }

    /// Switches the journal to WAL, so that readers and the writer do not block each other.
    pub(in crate::cache) fn use_wal(&mut self) -> Result<(), CacheError> {
        if self.journal == Journal::Rollback {
            journal::use_wal(&self.path, &self.connection)?;
            self.journal = Journal::WriteAhead;
        }
        Ok(())
    }

    /// Returns the journal that the commit used.
    fn write(&mut self) -> Result<Journal, StoreError> {
        let Writer { connection, dictionaries, stored, tail, readings, root, next_file_id, .. } = self;
        // `IMMEDIATE` takes the write lock up front, so that a reader that switches the file to WAL waits for
        // this transaction and cannot deadlock with it.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut stored_now = *stored;
        for (slot, values) in dictionaries.iter().enumerate() {
            if values.len() > stored[slot] {
                dictionary::table::insert(&transaction, DIMENSION_FIELDS[slot], values, stored[slot])?;
                stored_now[slot] = values.len();
            }
        }
        let mut new_root = root.clone();
        let mut new_segment = None;
        if let Some(tail) = tail
            && tail.memtable.rows() > tail.committed
        {
            new_segment = Some(write_segment(&transaction, &mut new_root, tail, &dictionaries[KEY_SLOT])?);
        }
        let mut next_id = *next_file_id;
        let mut written = Vec::new();
        for (key, file) in readings.iter().filter(|(_, file)| file.is_dirty) {
            written.push((key.clone(), file.write(&transaction, key.0, &mut new_root, &mut next_id)?));
        }
        new_root.write(&transaction, &stored_now)?;
        let journal = journal::journal(&transaction)?;
        transaction.commit()?;

        *root = new_root;
        *stored = stored_now;
        *next_file_id = next_id;
        if let (Some(tail), Some(id)) = (tail, new_segment) {
            tail.stored_segment = Some(id);
            tail.committed = tail.memtable.rows();
        }
        for (key, written) in written {
            if let Some(file) = readings.get_mut(&key) {
                file.mark_committed(written);
            }
        }
        readings.retain(|_, file| !file.is_done());
        self.rejected_bytes = 0;
        Ok(journal)
    }

    /// Commits the memtable as a full segment and begins a new one.
    fn seal(&mut self) -> Result<(), CacheError> {
        self.commit()?;
        if self.checkpointer.is_none() && self.journal == Journal::WriteAhead {
            self.checkpointer = Checkpointer::start(&self.path, &self.connection);
        }
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.request();
        }
        if let Some(tail) = &mut self.tail
            && let (Some(id), Some((time_min, time_max))) = (tail.stored_segment, tail.memtable.time_range())
        {
            let rows = tail.memtable.rows();
            let next = RowNumbers::from(tail.numbers.range(rows).end);
            let numbers = std::mem::replace(&mut tail.numbers, next);
            tail.memtable.clear();
            tail.stored_segment = None;
            tail.committed = 0;
            let source = tail.source;
            tail.repeats.seal(SegmentRow { id, source, rows, numbers, time_min, time_max, bytes: 0 });
        }
        Ok(())
    }

    /// Commits, and makes `source` the source that is being written.
    fn switch_source(&mut self, source: SourceId) -> Result<(), CacheError> {
        if self.tail.as_ref().is_some_and(|tail| tail.source == source) {
            return Ok(());
        }
        self.commit()?;
        self.tail = None;
        let tail =
            load_tail(&self.connection, source, &self.dictionaries[KEY_SLOT], self.options.segment_rows);
        self.tail = Some(tail.map_err(|error| error.of(&self.path))?);
        Ok(())
    }

    fn file(&mut self, source: SourceId, mark: &Arc<FileMark>) -> Result<&mut LogFileReading, CacheError> {
        let key = (source, mark.name.clone());
        if self.readings.get(&key).is_some_and(|state| state.mark.version != mark.version) {
            // The file changed while it was being read: another version begins.
            self.commit()?;
            self.readings.remove(&key);
        }
        match self.readings.entry(key) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let state = LogFileReading::load(&self.connection, source, mark);
                let locate = |error: StoreError| error.at(format_args!("log file {}", mark.name));
                Ok(entry.insert(state.map_err(|error| locate(error).of(&self.path))?))
            }
        }
    }

    /// Reads what a writer needs, and compares it with the root, so that damage does not spread.
    fn load(&mut self) -> Result<(), CacheError> {
        let root = Root::read(&self.connection).map_err(|error| error.at("the root").of(&self.path))?;
        for (slot, field) in DIMENSION_FIELDS.into_iter().enumerate() {
            let location = format_args!("dictionary of {}", field.name()).to_string();
            let values = &mut self.dictionaries[slot];
            dictionary::table::load(&self.connection, field, values)
                .and_then(|()| match values.len() == root.dictionaries[slot] as usize {
                    true => Ok(()),
                    false => Err(column::Damage("values are missing").into()),
                })
                .map_err(|error| error.at(location).of(&self.path))?;
            self.stored[slot] = values.len();
        }
        let check = || -> Result<i64, StoreError> {
            SegmentRow::all_of(&self.connection, &root).map_err(|error| error.at("the list of segments"))?;
            SourceRow::all(&self.connection).map_err(|error| error.at("the list of sources"))?;
            for (table, expected) in [("log_file", root.log_files), ("removed", root.removed)] {
                root::is_complete(root::digest_of(&self.connection, table)?, expected)
                    .map_err(|damage| StoreError::from(damage).at(format_args!("the table {table}")))?;
            }
            Ok(log_file_rows::next_id(&self.connection)?)
        };
        self.next_file_id = check().map_err(|error| error.of(&self.path))?;
        self.root = root;
        self.published.publish_all(&mut self.dictionaries);
        Ok(())
    }

    /// Commits, and drops all state that mirrors the tables. Code that changes tables in other ways calls this first.
    pub(in crate::cache) fn commit_and_reset(&mut self) -> Result<(), CacheError> {
        self.commit()?;
        self.checkpointer = None;
        self.tail = None;
        self.readings.clear();
        Ok(())
    }

    pub(in crate::cache) fn sqlite(&self, error: rusqlite::Error) -> CacheError {
        CacheError::sqlite(&self.path, error)
    }
}
