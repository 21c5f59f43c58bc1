//! The one who writes: appends batches and commits them together with the marks of the log files they
//! came from, so that a crash at any point leaves a cache that is complete and has nothing twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::batch::{Batch, Coded, FileMark, KEY, LineRun, RejectedLine};
use super::duplicates::{Repeat, Seen};
use super::memtable::{OpenSegment, SEGMENT_BYTES, SEGMENT_ROWS};
use super::row_numbers::RowNumbers;
use crate::cache::CacheError;
use crate::cache::column::layout::{DIMENSION_FIELDS, DIMENSIONS};
use crate::cache::dictionary::hash;
use crate::cache::dictionary::published::{Knowledge, Values};
use crate::cache::error::StoreError;
use crate::cache::sqlite::catalogue::{self, SourceInfo, SourceRow};
use crate::cache::sqlite::checkpoint::Checkpointer;
use crate::cache::sqlite::lock::{Held, WriterLock};
use crate::cache::sqlite::log_files::{self, FileState};
use crate::cache::sqlite::made::Made;
use crate::cache::sqlite::place;
use crate::cache::sqlite::root::{self, Root};
use crate::cache::sqlite::schema::{self, Journal, Opened};
use crate::cache::sqlite::segment_rows::SegmentRow;
use crate::cache::sqlite::segments::{delete_segment, insert_segment, load_segment};
use crate::cache::{column, dictionary};
use crate::log::Field;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Requests added.
    pub requests: u64,
    /// Exact repeats dropped. Requests that an earlier version of the log file gave are none, nor are the repeats that
    /// were counted then.
    pub duplicates: u64,
}

/// Bytes of rejected lines from which on they are committed: until then they are in memory.
const REJECTED_BYTES: usize = 16 << 20;

/// How a [`Writer`] lays out what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterOptions {
    /// Rows that a segment is meant to have, at least 1, unless it has many bytes before: with fewer, less is written anew as a source
    /// grows; with more, a question reads fewer and larger pieces. Readers take any size.
    pub segment_rows: usize,
}

impl Default for WriterOptions {
    fn default() -> WriterOptions {
        WriterOptions { segment_rows: SEGMENT_ROWS }
    }
}

impl WriterOptions {
    /// Rows that a segment may have at most, unless it is a single batch: batches end where blocks of
    /// lines end.
    fn segment_rows_max(self) -> usize {
        self.segment_rows + self.segment_rows / 8
    }
}

/// Writes to a cache. Only one exists per cache, over all processes.
pub struct Writer {
    pub(in crate::cache) path: PathBuf,
    options: WriterOptions,
    /// As of the last commit.
    journal: Journal,
    /// Folds the write-ahead log meanwhile, from the first full segment on. In front of the
    /// connection, which is closed after it and leaves one file behind.
    pub(in crate::cache) checkpointer: Option<Checkpointer>,
    pub(in crate::cache) connection: Connection,
    pub(in crate::cache) values: [Values; DIMENSIONS],
    knowledge: Knowledge,
    /// How many values of each dictionary are in the file.
    pub(in crate::cache) stored: [usize; DIMENSIONS],
    /// As it is in the file.
    pub(in crate::cache) root: Root,
    /// The id of the next log file that is new in the catalogue.
    next_file: i64,
    pub(in crate::cache) tail: Option<Tail>,
    /// Log files with something to be written, and those of which lines are still to come.
    pub(in crate::cache) files: HashMap<(i64, String), FileState>,
    /// Bytes of the rejected lines in them that are not committed.
    rejected_bytes: usize,
    /// Memory for the ids of the values of a batch.
    ids: Vec<u32>,
    /// The file itself, once it was opened besides SQLite. Behind the connection, which is closed first.
    pub(in crate::cache) kept_open: Option<std::fs::File>,
    /// What was put aside when it was made.
    put_aside: Vec<PathBuf>,
    is_new: bool,
    /// The last to go.
    held: Held,
}

/// The end of the source that is being written.
pub(in crate::cache) struct Tail {
    source: i64,
    numbers: RowNumbers,
    segment: OpenSegment,
    /// The segment in the file that has the first `committed` rows of it.
    stored: Option<i64>,
    committed: usize,
    seen: Seen,
    /// Whether requests of some log files of the source were pruned: they are not taken again.
    has_pruned: bool,
}

impl Writer {
    /// Opens a cache for writing; makes it if there is none. A file that is not a cache is left as it was.
    ///
    /// # Errors
    /// If it is no cache, another process writes to it, or it cannot be written.
    pub fn open(path: &Path) -> Result<Writer, CacheError> {
        Writer::open_with(path, WriterOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_with(path: &Path, options: WriterOptions) -> Result<Writer, CacheError> {
        Writer::open_as(path, options, Journal::WriteAhead)
    }

    /// Opens a cache for writing where nothing is likely to read it meanwhile. If there is none yet, it makes one
    /// into which all is written once, not twice, until somebody reads it all the same, or [`Writer::fold_log`].
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_to_fill(path: &Path) -> Result<Writer, CacheError> {
        Writer::open_as(path, WriterOptions::default(), Journal::Rollback)
    }

    fn open_as(path: &Path, options: WriterOptions, wanted: Journal) -> Result<Writer, CacheError> {
        if place::is_missing_or_empty(path)? {
            place::make_folder_of(&place::resolve(path))
                .map_err(|error| CacheError::Open { path: path.to_owned(), reason: error.to_string() })?;
        } else if let Err(error) = schema::open_reader(path)
            && !place::is_missing_or_empty(path)?
        {
            // Not because the process that made it has deleted it meanwhile, for there was nothing in it.
            return Err(error);
        }
        let lock = WriterLock::take(path)?;
        let Opened { connection, journal, place, is_new, put_aside } = schema::open_writer(path, wanted)?;
        let mut writer = Writer {
            path: path.to_owned(),
            options,
            journal,
            connection,
            values: Default::default(),
            knowledge: Knowledge::default(),
            stored: [0; DIMENSIONS],
            root: Root::default(),
            next_file: 1,
            tail: None,
            files: HashMap::new(),
            rejected_bytes: 0,
            ids: Vec::new(),
            checkpointer: None,
            kept_open: None,
            put_aside,
            is_new,
            held: Held::new(place, lock),
        };
        writer.load()?;
        Ok(writer)
    }

    /// Where the cache is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The cache, if this made it.
    pub fn made(&self) -> Option<Made> {
        self.is_new.then(|| Made::at(self.held.place()))
    }

    /// Logs of an earlier cache of this name that were put aside when this one was made.
    pub fn put_aside(&self) -> &[PathBuf] {
        &self.put_aside
    }

    /// Whether the path still leads to the file that is written, and other processes still see that it is.
    ///
    /// # Errors
    /// [`CacheError::Moved`] if not: what is written then is found by no one, or another process writes too.
    pub fn must_be_in_place(&self) -> Result<(), CacheError> {
        self.held.must_be_in_place()
    }

    /// What it knows: for [`BatchBuilder::knowing`](crate::cache::BatchBuilder::knowing).
    pub fn knowledge(&self) -> Knowledge {
        self.knowledge.clone()
    }

    /// The number of a source, if the catalogue has it.
    pub fn known_source(&self, uri: &str) -> Result<Option<i64>, CacheError> {
        catalogue::source_id(&self.connection, uri).map_err(|error| error.of(&self.path))
    }

    /// The number of a source, which is added to the catalogue if it is new there.
    pub fn source(&mut self, uri: &str) -> Result<i64, CacheError> {
        if let Some(id) = self.known_source(uri)? {
            return Ok(id);
        }
        let added = now();
        self.change(|transaction, _| {
            let last: Option<i64> =
                transaction.query_row("SELECT max(id) FROM source", [], |row| row.get(0))?;
            let id = last.unwrap_or(0) + 1;
            let uri = uri.to_owned();
            SourceRow {
                id,
                uri,
                added,
                last_pull: None,
                monitored: 0,
                paused: 0,
                next_row: 0,
                is_purged: false,
            }
            .save(transaction)?;
            Ok(id)
        })
    }

    /// Notes that all log files of a source were asked for just now.
    pub fn pulled(&mut self, source: i64) -> Result<(), CacheError> {
        self.change_source(source, |row| row.last_pull = Some(now()))
    }

    /// Changes the row of a source.
    pub(in crate::cache) fn change_source(
        &mut self,
        source: i64,
        change: impl FnOnce(&mut SourceRow),
    ) -> Result<(), CacheError> {
        self.change(|transaction, _| {
            let mut row = SourceRow::find(transaction, source)?;
            change(&mut row);
            Ok(row.save(transaction)?)
        })
    }

    /// Changes what is stored, in one transaction that ends with the root. What fails changes nothing.
    pub(in crate::cache) fn change<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Root) -> Result<T, StoreError>,
    ) -> Result<T, CacheError> {
        self.must_be_in_place()?;
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
        // A file that is gone explains whatever SQLite says of it.
        self.must_be_in_place()?;
        changed
    }

    /// The catalogue of sources.
    pub fn sources(&self) -> Result<Vec<SourceInfo>, CacheError> {
        catalogue::sources(&self.connection).map_err(|error| error.of(&self.path))
    }

    /// Adds the requests of a batch. They are in the cache after the next [`Writer::commit`], which
    /// this does by itself whenever a segment is full.
    ///
    /// # Errors
    /// If the cache cannot be read or written. What was committed before stays.
    pub fn append(&mut self, source: i64, mut batch: Batch) -> Result<Appended, CacheError> {
        self.append_from(source, &mut batch)
    }

    /// The same; what is left of the batch is good for
    /// [`BatchBuilder::finish_with`](crate::cache::BatchBuilder::finish_with).
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_from(&mut self, source: i64, batch: &mut Batch) -> Result<Appended, CacheError> {
        if batch.knowledge.as_ref().is_some_and(|knowledge| !knowledge.is(&self.knowledge)) {
            return Err(CacheError::damaged(
                &self.path,
                "a batch",
                column::Damage("it was made for another writer"),
            ));
        }
        self.turn_to(source)?;
        let most = self.options.segment_rows_max();
        if self.tail.as_ref().is_some_and(|tail| tail.segment.rows() + batch.rows() > most) {
            self.seal()?;
        }
        let unwanted = self.pruned_rows(source, batch)?;
        let Some(tail) = &mut self.tail else { return Ok(Appended::default()) };
        let from = tail.segment.rows();
        tail.segment.extend(batch);
        // The codes of the cache's dictionaries; values not known yet are added.
        for (slot, Coded { codes, values, hashes }) in batch.dimensions.iter().enumerate() {
            self.values[slot].intern_all(values, hashes, &mut self.ids);
            tail.segment.extend_codes(slot, codes, &self.ids);
        }
        self.knowledge.settle(&mut self.values);
        let keys = &self.values[KEY];
        let unwanted: Vec<usize> = unwanted.into_iter().map(|row| from + row).collect();
        let repeats = tail
            .seen
            .admit(
                &self.connection,
                keys,
                (&tail.segment, &tail.numbers),
                from,
                &batch.request_ids,
                &unwanted,
            )
            .map_err(|error| error.of(&self.path))?;
        let gone: Vec<usize> = repeats.iter().map(|repeat| repeat.row).collect();
        tail.segment
            .remove(&gone, keys)
            .map_err(|damage| CacheError::damaged(&self.path, "a batch", damage))?;

        let mut rows = NewRows { next: from, number: tail.numbers.number(from), repeats: &repeats };
        let mut appended = Appended::default();
        let rejected = batch.parts.iter().flat_map(|part| &part.rejected).map(RejectedLine::bytes);
        self.rejected_bytes += rejected.sum::<usize>();
        for part in batch.parts.drain(..) {
            let file = self.file(source, &part.file)?;
            let consecutive = [LineRun { line: 0, rows: part.rows }];
            let runs = if part.line_runs.is_empty() { &consecutive } else { part.line_runs.as_slice() };
            for run in runs {
                rows.give(part.first_line + run.line, run.rows, file, &mut appended);
            }
            file.reject(part.rejected);
            file.read_lines(part.first_line, part.lines, part.total_lines);
        }
        let is_full = |segment: &OpenSegment| {
            segment.rows() >= self.options.segment_rows || segment.bytes() >= SEGMENT_BYTES
        };
        if self.tail.as_ref().is_some_and(|tail| is_full(&tail.segment)) {
            self.seal()?;
        } else if self.rejected_bytes >= REJECTED_BYTES {
            self.commit()?;
        }
        Ok(appended)
    }

    /// Rows of a batch that were pruned from their log file before, in ascending order: they are not taken again.
    fn pruned_rows(&mut self, source: i64, batch: &Batch) -> Result<Vec<usize>, CacheError> {
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

    /// Notes a file that holds no log lines: it is not asked for again.
    pub fn skip(&mut self, source: i64, mark: &Arc<FileMark>) -> Result<(), CacheError> {
        let file = self.file(source, mark)?;
        file.no_log = true;
        file.is_dirty = true;
        Ok(())
    }

    /// Notes that the content of a log file turned out to be damaged: what it gave in this reading does not count.
    /// [`Writer::replace_versions`] takes it back.
    pub fn damaged(&mut self, source: i64, mark: &Arc<FileMark>) -> Result<(), CacheError> {
        self.file(source, mark)?.is_damaged = true;
        Ok(())
    }

    /// Whether all that was appended is in the file, with the marks of its log files: of a file that holds nothing but
    /// repeats there is nothing else.
    pub fn is_committed(&self) -> bool {
        self.tail.as_ref().is_none_or(|tail| tail.segment.rows() == tail.committed)
            && !self.files.values().any(|file| file.is_dirty)
    }

    /// How many requests the next commit would write.
    pub fn open_rows(&self) -> usize {
        self.tail.as_ref().map_or(0, |tail| tail.segment.rows())
    }

    /// Makes all that was appended durable, with the marks of its log files, in one transaction.
    ///
    /// # Errors
    /// If the cache cannot be written; then it is as after the commit before.
    pub fn commit(&mut self) -> Result<(), CacheError> {
        self.must_be_in_place()?;
        let written = self.write().map_err(|error| error.at("a batch").of(&self.path));
        // A file that is gone explains whatever SQLite says of it.
        self.must_be_in_place()?;
        let journal = written?;
        // Somebody has begun to read.
        if journal == Journal::WriteAhead { self.write_ahead() } else { Ok(()) }
    }

    /// From here on nobody who reads has to wait.
    pub(in crate::cache) fn write_ahead(&mut self) -> Result<(), CacheError> {
        if self.journal == Journal::Rollback {
            schema::write_ahead(&self.path, &self.connection)?;
            self.journal = Journal::WriteAhead;
        }
        Ok(())
    }

    /// Returns by which way it went into the file.
    fn write(&mut self) -> Result<Journal, StoreError> {
        let Writer { connection, values: dictionaries, stored, tail, files, root, next_file, .. } = self;
        // At once: who waits for nobody else may be waited for (a reader, who has the cache written ahead).
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut now_stored = *stored;
        for (slot, values) in dictionaries.iter().enumerate() {
            if values.len() > stored[slot] {
                dictionary::table::insert(&transaction, DIMENSION_FIELDS[slot], values, stored[slot])?;
                now_stored[slot] = values.len();
            }
        }
        let mut new_root = root.clone();
        let mut new_segment = None;
        if let Some(tail) = tail
            && tail.segment.rows() > tail.committed
        {
            new_segment = Some(write_segment(&transaction, &mut new_root, tail, &dictionaries[KEY])?);
        }
        let mut next_id = *next_file;
        let mut written = Vec::new();
        for (key, file) in files.iter().filter(|(_, file)| file.is_dirty) {
            written.push((key.clone(), file.write(&transaction, key.0, &mut new_root, &mut next_id)?));
        }
        new_root.write(&transaction, &now_stored)?;
        let journal = schema::journal(&transaction)?;
        transaction.commit()?;

        *root = new_root;
        *stored = now_stored;
        *next_file = next_id;
        if let (Some(tail), Some(id)) = (tail, new_segment) {
            tail.stored = Some(id);
            tail.committed = tail.segment.rows();
        }
        for (key, written) in written {
            if let Some(file) = files.get_mut(&key) {
                file.settle(written);
            }
        }
        files.retain(|_, file| !file.is_settled());
        self.rejected_bytes = 0;
        Ok(journal)
    }

    /// Commits and begins a new segment.
    fn seal(&mut self) -> Result<(), CacheError> {
        self.commit()?;
        if self.checkpointer.is_none() && self.journal == Journal::WriteAhead {
            self.checkpointer = Checkpointer::start(&self.path, &self.connection);
        }
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.wake();
        }
        if let Some(tail) = &mut self.tail
            && let (Some(id), Some((time_min, time_max))) = (tail.stored, tail.segment.time_range())
        {
            let rows = tail.segment.rows();
            let next = RowNumbers::from(tail.numbers.range(rows).end);
            let numbers = std::mem::replace(&mut tail.numbers, next);
            tail.segment.clear();
            tail.stored = None;
            tail.committed = 0;
            let source = tail.source;
            tail.seen.seal(SegmentRow { id, source, rows, numbers, time_min, time_max, bytes: 0 });
        }
        Ok(())
    }

    /// Makes the end of this source the one that is written.
    fn turn_to(&mut self, source: i64) -> Result<(), CacheError> {
        if self.tail.as_ref().is_some_and(|tail| tail.source == source) {
            return Ok(());
        }
        self.commit()?;
        self.tail = None;
        let tail = load_tail(&self.connection, source, &self.values[KEY], self.options.segment_rows);
        self.tail = Some(tail.map_err(|error| error.of(&self.path))?);
        Ok(())
    }

    fn file(&mut self, source: i64, mark: &Arc<FileMark>) -> Result<&mut FileState, CacheError> {
        let key = (source, mark.name.clone());
        if self.files.get(&key).is_some_and(|state| state.mark.version != mark.version) {
            // It changed while it was being read: another version begins.
            self.commit()?;
            self.files.remove(&key);
        }
        match self.files.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let state = FileState::load(&self.connection, source, mark);
                let place_of = |error: StoreError| error.at(format_args!("log file {}", mark.name));
                Ok(place.insert(state.map_err(|error| place_of(error).of(&self.path))?))
            }
        }
    }

    /// Reads what a writer has to know, and compares it with the root: what this writer writes then is no worse.
    fn load(&mut self) -> Result<(), CacheError> {
        let root = Root::read(&self.connection).map_err(|error| error.at("the root").of(&self.path))?;
        for (slot, field) in DIMENSION_FIELDS.into_iter().enumerate() {
            let place = format_args!("dictionary of {}", field.name()).to_string();
            let values = &mut self.values[slot];
            dictionary::table::load(&self.connection, field, values)
                .and_then(|()| match values.len() == root.dictionaries[slot] as usize {
                    true => Ok(()),
                    false => Err(column::Damage("values of it are missing").into()),
                })
                .map_err(|error| error.at(place).of(&self.path))?;
            self.stored[slot] = values.len();
        }
        let check = || -> Result<i64, StoreError> {
            SegmentRow::all_of(&self.connection, &root).map_err(|error| error.at("the list of segments"))?;
            SourceRow::all(&self.connection).map_err(|error| error.at("the list of sources"))?;
            for (table, expected) in [("log_file", root.log_files), ("removed", root.removed)] {
                root::is_complete(root::digest_of(&self.connection, table)?, expected)
                    .map_err(|damage| StoreError::from(damage).at(format_args!("the table {table}")))?;
            }
            Ok(log_files::next_id(&self.connection)?)
        };
        self.next_file = check().map_err(|error| error.of(&self.path))?;
        self.root = root;
        self.knowledge.settle_all(&mut self.values);
        Ok(())
    }

    /// Commits what was appended and forgets what is in memory of the file: whoever changes what is
    /// stored calls this before.
    pub(in crate::cache) fn settle(&mut self) -> Result<(), CacheError> {
        self.commit()?;
        self.checkpointer = None;
        self.tail = None;
        self.files.clear();
        Ok(())
    }

    pub(in crate::cache) fn sqlite(&self, error: rusqlite::Error) -> CacheError {
        CacheError::sqlite(&self.path, error)
    }
}

/// Rows of a batch as they are in the open segment, without those that were removed.
struct NewRows<'r> {
    /// The next row, counted with those that were removed.
    next: usize,
    /// The number of the next row that was not removed.
    number: u64,
    /// Rows that were removed, from the next row on.
    repeats: &'r [Repeat],
}

impl NewRows<'_> {
    /// Hands the next rows to their log file, which gave one a line from this line on.
    fn give(&mut self, mut line: u64, rows: usize, file: &mut FileState, appended: &mut Appended) {
        let end = self.next + rows;
        while self.next < end {
            let removed = self.repeats.first().filter(|repeat| repeat.row < end);
            let kept = removed.map_or(end, |repeat| repeat.row) - self.next;
            if kept > 0 {
                file.give(line, self.number, kept as u64);
                appended.requests += kept as u64;
                self.number += kept as u64;
                line += kept as u64;
                self.next += kept;
            }
            if let Some(removed) = removed {
                if let Some(number) = removed.of {
                    appended.duplicates += u64::from(file.repeat(line, number));
                }
                self.repeats = &self.repeats[1..];
                line += 1;
                self.next += 1;
            }
        }
    }
}

/// Seconds since the epoch.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Writes the tail as a segment in place of the one that had its beginning.
fn write_segment(
    transaction: &Transaction<'_>,
    root: &mut Root,
    tail: &mut Tail,
    keys: &Values,
) -> Result<i64, StoreError> {
    if let Some(old) = tail.stored {
        delete_segment(transaction, old)?;
    }
    let Tail { source, numbers, segment, .. } = tail;
    let id = insert_segment(transaction, root, (*source, numbers.clone()), segment, keys)?;
    let mut row = SourceRow::find(transaction, *source)?;
    row.next_row = numbers.range(segment.rows()).end as i64;
    row.save(transaction)?;
    Ok(id)
}

/// The end of a source as it is in the file: its last segment, if that is small, to be added to.
fn load_tail(
    connection: &Connection,
    source: i64,
    keys: &Values,
    segment_rows: usize,
) -> Result<Tail, StoreError> {
    let next_row = SourceRow::find(connection, source)?.next_row as u64;
    let mut segments = SegmentRow::all(connection)?;
    segments.retain(|segment| segment.source == source);
    let small = segments.pop_if(|last| {
        last.rows < segment_rows
            && last.bytes < SEGMENT_BYTES as u64
            && last.numbers.range(last.rows).end == next_row
    });
    let has_pruned = connection.query_row(
        "SELECT EXISTS (SELECT * FROM log_file WHERE source_id = ?1 AND pruned_before IS NOT NULL)",
        [source],
        |row| row.get(0),
    )?;
    let mut tail = Tail {
        source,
        numbers: RowNumbers::from(next_row),
        segment: OpenSegment::default(),
        stored: None,
        committed: 0,
        seen: Seen::new(segments),
        has_pruned,
    };
    if let Some(small) = small {
        tail.segment = load_segment(connection, small.id, small.rows)?;
        tail.stored = Some(small.id);
        tail.committed = tail.segment.rows();
        tail.numbers = small.numbers;
        let request_ids = request_ids(&tail.segment, keys)
            .map_err(|damage| StoreError::from(damage).at(format_args!("segment {}", small.id)))?;
        tail.seen.resume(&tail.segment, &request_ids);
    }
    Ok(tail)
}

fn request_ids(segment: &OpenSegment, keys: &Values) -> Result<Vec<u64>, column::Damage> {
    let slot = crate::cache::column::layout::slot(Field::RequestId);
    (0..segment.rows())
        .map(|row| Ok(hash(segment.detail(slot, row, keys)?.as_deref().unwrap_or_default())))
        .collect()
}
