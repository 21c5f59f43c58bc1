//! The one who writes: appends batches and commits them together with the marks of the log files they
//! came from, so that a crash at any point leaves a cache that is complete and has nothing twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter};

use super::batch::{Batch, Coded, FileMark, KEY, RejectedLine};
use super::catalogue::{self, SourceInfo};
use super::checkpoint::Checkpointer;
use super::chunk::{self, ChunkError};
use super::codec::integers::Integers;
use super::codec::text::split;
use super::dictionary::hash;
use super::duplicates::{AdmitError, Seen, read_column};
use super::known::{Knowledge, Values};
use super::layout::{DETAIL_FIELDS, DIMENSION_FIELDS, DIMENSIONS, MEASURE_FIELDS};
use super::lock::WriterLock;
use super::log_files::{FileState, load_file, write_file};
use super::open_segment::{OpenSegment, SEGMENT_BYTES, SEGMENT_ROWS, code_to_time};
use super::schema::{self, Journal};
use super::{CacheError, checksum, codec, stored_values};
use crate::log::Field;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Requests added.
    pub requests: u64,
    /// Exact repeats dropped. Lines that a log file gave before it grew are none, nor are those that were
    /// told then.
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
    pub(super) path: PathBuf,
    options: WriterOptions,
    /// As of the last commit.
    journal: Journal,
    /// Folds the write-ahead log meanwhile, from the first full segment on. In front of the
    /// connection, which is closed after it and leaves one file behind.
    pub(super) checkpointer: Option<Checkpointer>,
    pub(super) connection: Connection,
    pub(super) values: [Values; DIMENSIONS],
    knowledge: Knowledge,
    /// How many values of each dictionary are in the file.
    stored: [usize; DIMENSIONS],
    tail: Option<Tail>,
    files: HashMap<(i64, String), FileState>,
    /// Bytes of the rejected lines in them that are not committed.
    rejected_bytes: usize,
    /// Memory for the ids of the values of a batch.
    ids: Vec<u32>,
    /// The file itself, once it was opened besides SQLite. Behind the connection, which is closed first.
    pub(super) kept_open: Option<std::fs::File>,
    _lock: WriterLock,
}

/// The end of the source that is being written.
struct Tail {
    source: i64,
    first_row: i64,
    segment: OpenSegment,
    /// The segment in the file that has the first `committed` rows of it.
    stored: Option<i64>,
    committed: usize,
    seen: Seen,
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
        if !schema::is_missing_or_empty(path) {
            schema::open_reader(path)?;
        } else if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent)
                .map_err(|error| CacheError::Open { path: path.to_owned(), reason: error.to_string() })?;
        }
        let lock = WriterLock::take(path)?;
        let (connection, journal) = schema::open_writer(path, wanted)?;
        let mut writer = Writer {
            path: path.to_owned(),
            options,
            journal,
            connection,
            values: Default::default(),
            knowledge: Knowledge::default(),
            stored: [0; DIMENSIONS],
            tail: None,
            files: HashMap::new(),
            rejected_bytes: 0,
            ids: Vec::new(),
            checkpointer: None,
            kept_open: None,
            _lock: lock,
        };
        writer.load_dictionaries()?;
        Ok(writer)
    }

    /// Where the cache is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it knows: for [`BatchBuilder::knowing`](super::BatchBuilder::knowing).
    pub fn knowledge(&self) -> Knowledge {
        self.knowledge.clone()
    }

    /// The number of a source, if the catalogue has it.
    pub fn known_source(&self, uri: &str) -> Result<Option<i64>, CacheError> {
        catalogue::source_id(&self.connection, uri).map_err(|error| self.sqlite(error))
    }

    /// The number of a source, which is added to the catalogue if it is new there.
    pub fn source(&mut self, uri: &str) -> Result<i64, CacheError> {
        match self.known_source(uri)? {
            Some(id) => Ok(id),
            None => {
                self.connection
                    .execute("INSERT INTO source (uri, added) VALUES (?1, unixepoch())", [uri])
                    .map_err(|error| self.sqlite(error))?;
                Ok(self.connection.last_insert_rowid())
            }
        }
    }

    /// Notes that all log files of a source were asked for just now.
    pub fn pulled(&mut self, source: i64) -> Result<(), CacheError> {
        self.connection
            .execute("UPDATE source SET last_pull = unixepoch() WHERE id = ?1", [source])
            .map_err(|error| self.sqlite(error))?;
        Ok(())
    }

    /// The catalogue of sources.
    pub fn sources(&self) -> Result<Vec<SourceInfo>, CacheError> {
        catalogue::sources(&self.connection).map_err(|error| self.sqlite(error))
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
    /// [`BatchBuilder::finish_with`](super::BatchBuilder::finish_with).
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_from(&mut self, source: i64, batch: &mut Batch) -> Result<Appended, CacheError> {
        if batch.knowledge.as_ref().is_some_and(|knowledge| !knowledge.is(&self.knowledge)) {
            return Err(CacheError::damaged(
                &self.path,
                "a batch",
                codec::Damage("it was made for another writer"),
            ));
        }
        self.turn_to(source)?;
        let most = self.options.segment_rows_max();
        if self.tail.as_ref().is_some_and(|tail| tail.segment.rows() + batch.rows() > most) {
            self.seal()?;
        }
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
        let repeats = tail
            .seen
            .admit(&self.connection, keys, &tail.segment, from, &batch.request_ids)
            .map_err(|error| admit_error(&self.path, error))?;
        tail.segment
            .remove(&repeats, keys)
            .map_err(|damage| CacheError::damaged(&self.path, "a batch", damage))?;

        let mut start = from;
        let mut repeats = repeats.into_iter().peekable();
        let mut appended = Appended::default();
        let rejected = batch.parts.iter().flat_map(|part| &part.rejected).map(RejectedLine::bytes);
        self.rejected_bytes += rejected.sum::<usize>();
        for part in batch.parts.drain(..) {
            let end = start + part.rows;
            let mut duplicates = 0;
            while repeats.next_if(|row| *row < end).is_some() {
                duplicates += 1;
            }
            appended.requests += part.rows as u64 - duplicates;
            let file = self.file(source, &part.file)?;
            file.lines += part.lines;
            appended.duplicates += file.take(part.rows as u64, duplicates).new;
            file.rejected += part.rejected.len() as u64;
            file.total_lines = file.total_lines.or(part.total_lines);
            if part.lines > 0 {
                file.new_parts.push((part.first_line, part.lines));
            }
            file.new_rejected.extend(part.rejected);
            file.dirty = true;
            start = end;
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

    /// Notes a file that holds no log lines: it is not asked for again.
    pub fn skip(&mut self, source: i64, mark: &Arc<FileMark>) -> Result<(), CacheError> {
        let file = self.file(source, mark)?;
        file.no_log = true;
        file.dirty = true;
        Ok(())
    }

    /// Whether all that was appended is in the file, with the marks of its log files: of a file that holds nothing but
    /// repeats there is nothing else.
    pub fn is_committed(&self) -> bool {
        self.tail.as_ref().is_none_or(|tail| tail.segment.rows() == tail.committed)
            && !self.files.values().any(|file| file.dirty)
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
        let journal = self.write().map_err(|error| match error {
            WriteError::Sqlite(error) => self.sqlite(error),
            WriteError::Damage(damage) => CacheError::damaged(&self.path, "a batch", damage),
        })?;
        // Somebody has begun to read.
        if journal == Journal::WriteAhead { self.write_ahead() } else { Ok(()) }
    }

    /// From here on nobody who reads has to wait.
    pub(super) fn write_ahead(&mut self) -> Result<(), CacheError> {
        if self.journal == Journal::Rollback {
            schema::write_ahead(&self.path, &self.connection)?;
            self.journal = Journal::WriteAhead;
        }
        Ok(())
    }

    /// Tells by which way it went into the file.
    fn write(&mut self) -> Result<Journal, WriteError> {
        let Writer { connection, values: dictionaries, stored, tail, files, .. } = self;
        // At once: who waits for nobody else may be waited for (a reader, who has the cache written ahead).
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut now_stored = *stored;
        for (slot, values) in dictionaries.iter().enumerate() {
            if values.len() > stored[slot] {
                stored_values::insert(&transaction, DIMENSION_FIELDS[slot], values, stored[slot])?;
                now_stored[slot] = values.len();
            }
        }
        let mut new_segment = None;
        if let Some(tail) = tail
            && tail.segment.rows() > tail.committed
        {
            new_segment = Some(write_segment(&transaction, tail, &dictionaries[KEY])?);
        }
        let mut ids = Vec::new();
        for ((source, name), file) in files.iter().filter(|(_, file)| file.dirty) {
            ids.push(((*source, name.clone()), write_file(&transaction, *source, name, file)?));
        }
        let journal = schema::journal(&transaction)?;
        transaction.commit()?;

        *stored = now_stored;
        if let (Some(tail), Some(id)) = (tail, new_segment) {
            tail.stored = Some(id);
            tail.committed = tail.segment.rows();
        }
        for (name, id) in ids {
            if let Some(file) = files.get_mut(&name) {
                file.id = Some(id);
                file.replaces = false;
                file.dirty = false;
                file.new_parts.clear();
                file.new_rejected.clear();
            }
        }
        files.retain(|_, file| file.is_in_part());
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
            tail.first_row += tail.segment.rows() as i64;
            tail.segment.clear();
            tail.stored = None;
            tail.committed = 0;
            tail.seen.seal(id, time_min, time_max);
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
        let path = self.path.clone();
        self.tail = Some(
            load_tail(&self.connection, source, &self.values[KEY], self.options.segment_rows)
                .map_err(|error| admit_error(&path, error))?,
        );
        Ok(())
    }

    fn file(&mut self, source: i64, mark: &Arc<FileMark>) -> Result<&mut FileState, CacheError> {
        let key = (source, mark.name.clone());
        if !self.files.contains_key(&key) {
            let state = load_file(&self.connection, source, mark).map_err(|error| self.sqlite(error))?;
            self.files.insert(key.clone(), state);
        }
        let state = self.files.entry(key).or_default();
        if state.mark.as_ref().is_some_and(|known| known.version != mark.version) {
            // It changed while it was being read: what was noted of its lines is void.
            *state = state.replaced(state.mark.as_ref().and_then(|mark| mark.size));
        }
        if state.mark.is_none() {
            state.mark = Some(mark.clone());
        }
        Ok(state)
    }

    fn load_dictionaries(&mut self) -> Result<(), CacheError> {
        for (slot, field) in DIMENSION_FIELDS.into_iter().enumerate() {
            let values = &mut self.values[slot];
            stored_values::load(&self.connection, field, values).map_err(|error| match error {
                ChunkError::Sqlite(error) => CacheError::sqlite(&self.path, error),
                ChunkError::Damage(damage) => {
                    CacheError::damaged(&self.path, format!("dictionary of {}", field.name()), damage)
                }
            })?;
            self.stored[slot] = values.len();
        }
        self.knowledge.settle_all(&mut self.values);
        Ok(())
    }

    /// Commits what was appended and forgets what is in memory of the file: whoever changes what is
    /// stored calls this before.
    pub(super) fn settle(&mut self) -> Result<(), CacheError> {
        self.commit()?;
        self.checkpointer = None;
        self.tail = None;
        self.files.clear();
        Ok(())
    }

    pub(super) fn sqlite(&self, error: rusqlite::Error) -> CacheError {
        CacheError::sqlite(&self.path, error)
    }
}

pub(super) enum WriteError {
    Sqlite(rusqlite::Error),
    Damage(codec::Damage),
}

impl From<ChunkError> for WriteError {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::Sqlite(error) => WriteError::Sqlite(error),
            ChunkError::Damage(damage) => WriteError::Damage(damage),
        }
    }
}

impl From<codec::Damage> for WriteError {
    fn from(damage: codec::Damage) -> Self {
        WriteError::Damage(damage)
    }
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        WriteError::Sqlite(error)
    }
}

pub(super) fn admit_error(path: &Path, error: AdmitError) -> CacheError {
    match error {
        AdmitError::Sqlite(error) => CacheError::sqlite(path, error),
        AdmitError::Damage(segment, damage) => {
            CacheError::damaged(path, format_args!("segment {segment}"), damage)
        }
    }
}

/// Writes the tail as a segment in place of the one that had its beginning.
fn write_segment(transaction: &Transaction<'_>, tail: &mut Tail, keys: &Values) -> Result<i64, WriteError> {
    if let Some(old) = tail.stored {
        delete_segment(transaction, old)?;
    }
    let id = insert_segment(transaction, tail.source, tail.first_row, &mut tail.segment, keys)?;
    transaction.execute(
        "UPDATE source SET next_row = ?2 WHERE id = ?1",
        params![tail.source, tail.first_row + tail.segment.rows() as i64],
    )?;
    Ok(id)
}

/// Writes a segment and tells its number.
pub(super) fn insert_segment(
    transaction: &Transaction<'_>,
    source: i64,
    first_row: i64,
    segment: &mut OpenSegment,
    keys: &Values,
) -> Result<i64, WriteError> {
    let (time_min, time_max) = segment.time_range().unwrap_or((0, 0));
    // The number that SQLite would give it, wanted beforehand: the checksum covers it.
    let id: i64 = transaction
        .prepare_cached("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'segment'")?
        .query_row([], |row| row.get(0))?;
    let numbers = [id, source, first_row, segment.rows() as i64, time_min, time_max];
    let crc = i64::from(checksum::of_numbers(&numbers));
    transaction
        .prepare_cached(
            "INSERT INTO segment (id, source_id, first_row, rows, time_min, time_max, crc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params_from_iter(numbers.into_iter().chain([crc])))?;
    segment.pack(keys, |column| -> Result<(), WriteError> { Ok(chunk::insert(transaction, id, column)?) })?;
    Ok(id)
}

pub(super) fn delete_segment(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM column_chunk WHERE id BETWEEN ?1 AND ?1 + 63")?
        .execute([id * 64])?;
    transaction.prepare_cached("DELETE FROM segment WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// The end of a source as it is in the file: its last segment, if that is small, to be added to.
fn load_tail(
    connection: &Connection,
    source: i64,
    keys: &Values,
    segment_rows: usize,
) -> Result<Tail, AdmitError> {
    let next_row: i64 =
        connection.query_row("SELECT next_row FROM source WHERE id = ?1", [source], |row| row.get(0))?;
    let mut segments = connection
        .prepare(
            "SELECT id, time_min, time_max, first_row, rows FROM segment WHERE source_id = ?1 ORDER BY first_row",
        )?
        .query_map([source], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?))
        })?
        .collect::<rusqlite::Result<Vec<(i64, i64, i64, i64, i64)>>>()?;
    let last = segments.last().map_or(0, |(id, ..)| *id);
    let bytes: i64 = connection.query_row(
        "SELECT coalesce(sum(length(data)), 0) FROM column_chunk WHERE id BETWEEN ?1 AND ?1 + 63",
        [last * 64],
        |row| row.get(0),
    )?;
    let small = segments.pop_if(|(.., rows)| (*rows as usize) < segment_rows && bytes < SEGMENT_BYTES as i64);
    let seen = Seen::new(segments.into_iter().map(|(id, time_min, time_max, ..)| (id, time_min, time_max)));
    let mut tail = Tail {
        source,
        first_row: next_row,
        segment: OpenSegment::default(),
        stored: None,
        committed: 0,
        seen,
    };
    if let Some((id, _, _, first_row, rows)) = small {
        tail.first_row = first_row;
        tail.segment = load_segment(connection, id, rows as usize)?;
        tail.stored = Some(id);
        tail.committed = tail.segment.rows();
        let request_ids =
            request_ids(&tail.segment, keys).map_err(|damage| AdmitError::Damage(id, damage))?;
        tail.seen.resume(&tail.segment, &request_ids);
    }
    Ok(tail)
}

/// A stored segment, unpacked so that rows can be added.
pub(super) fn load_segment(connection: &Connection, id: i64, rows: usize) -> Result<OpenSegment, AdmitError> {
    let damaged = |damage| AdmitError::Damage(id, damage);
    let read = |field: Field| read_column(connection, id, field);
    let numbers = |field: Field| {
        Integers::open(read(field)?).and_then(|column| column.into_rows(rows)).map_err(damaged)
    };
    let mut segment = OpenSegment::default();
    segment.times = numbers(Field::Time)?.into_iter().map(code_to_time).collect();
    let mut codes: [Vec<u32>; DIMENSIONS] = Default::default();
    for (codes, field) in codes.iter_mut().zip(DIMENSION_FIELDS) {
        *codes = numbers(field)?.into_iter().map(|code| code as u32).collect();
    }
    segment.set_codes(codes);
    for (slot, field) in MEASURE_FIELDS.into_iter().enumerate() {
        segment.measures[slot] = numbers(field)?;
    }
    for (slot, field) in DETAIL_FIELDS.into_iter().enumerate() {
        segment.details[slot] = split(&read(field)?).map_err(damaged)?;
        if segment.details[slot].iter().map(|page| page.rows).sum::<usize>() != rows {
            return Err(damaged(codec::Damage("a column has another number of rows than its segment")));
        }
    }
    Ok(segment)
}

fn request_ids(segment: &OpenSegment, keys: &Values) -> Result<Vec<u64>, codec::Damage> {
    let slot = super::layout::slot(Field::RequestId);
    (0..segment.rows())
        .map(|row| Ok(hash(segment.detail(slot, row, keys)?.as_deref().unwrap_or_default())))
        .collect()
}
