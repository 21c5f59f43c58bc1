//! Where requests came from: the log file and the line of each.
//!
//! No column stores them. The catalogue has the runs of lines that gave requests ([`runs`](crate::cache::sqlite::runs)),
//! and exactly one run of a request is not marked as a repeat. All runs are read when a query first needs them, and then
//! serve as the columns [`Field::LogFile`] and [`Field::Line`].
//!
//! Segments never change, but the origin of a request may: if a log file that repeats it remains after the one that gave it
//! first was replaced. What is kept of these columns is therefore kept by [epoch](Origins::epoch), too.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use roaring::RoaringTreemap;
use rusqlite::{Connection, Row};
use tokio_util::sync::CancellationToken;

use super::byte_cache::ByteCache;
use super::cache::SegmentInfo;
use super::int_column::{IntColumn, code};
use super::snapshot::Snapshot;
use crate::cache::CacheError;
use crate::cache::column::Damage;
use crate::cache::column::checksum::Digest;
use crate::cache::column::integers::{Integers, Packer};
use crate::cache::dictionary::{Arena, Dictionary, Interner, hash};
use crate::cache::error::StoreError;
use crate::cache::ids::{SegmentId, SourceId};
use crate::cache::sqlite::log_file_rows::{LOG_FILE_COLUMNS, LogFileRow, RunsRow};
use crate::cache::sqlite::root;
use crate::cache::sqlite::runs::Run;
use crate::cache::sqlite::segment_rows::SegmentRow;
use crate::log::Field;

/// Bytes of memory for packed columns: those of ten million requests.
const MAX_COLUMN_BYTES: usize = 16 << 20;
/// How often a thread checks for cancellation while another thread reads the runs.
const WAIT_INTERVAL: Duration = Duration::from_millis(1);
/// Log files that are read between two checks for cancellation.
const FILES_PER_CHECK: usize = 1024;

/// Requests with consecutive row numbers from consecutive lines of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// The row number of the first request.
    row: u64,
    rows: u64,
    /// The line of the first request.
    line: u64,
    /// The value id of the name of the log file.
    file: u32,
}

impl Stretch {
    fn end(&self) -> u64 {
        self.row.saturating_add(self.rows)
    }

    /// Whether the next lines gave the next requests.
    fn is_continued_by(&self, next: &Stretch) -> bool {
        self.end() == next.row && self.file == next.file && self.line.saturating_add(self.rows) == next.line
    }

    /// Whether this stretch has all requests of another one that begins with the same request.
    fn extends(&self, other: &Stretch) -> bool {
        Stretch { rows: other.rows, ..*self } == *other && self.rows >= other.rows
    }
}

/// The origins of all requests of a snapshot.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The state of the catalogue that they were read from.
    catalogue: Digest,
    /// A number from 1. Two origins with the same number agree in all requests that both have.
    pub(super) epoch: u64,
    /// The names of log files. Log files of several sources may share one.
    pub(super) names: Dictionary,
    /// In ascending order of row numbers.
    by_source: HashMap<SourceId, Vec<Stretch>>,
}

/// What stays in memory between snapshots.
pub(super) struct KnownOrigins {
    latest: Mutex<Latest>,
    columns: ByteCache<(u64, SegmentId, Field), IntColumn>,
}

#[derive(Default)]
struct Latest {
    origins: Arc<Origins>,
    /// Names keep their value ids as long as the cache is open.
    names: Interner,
    last_epoch: u64,
}

impl Default for KnownOrigins {
    fn default() -> KnownOrigins {
        KnownOrigins { latest: Mutex::default(), columns: ByteCache::new(MAX_COLUMN_BYTES) }
    }
}

/// The origins that a snapshot uses, once they are known.
pub(super) type SnapshotOrigins = OnceLock<Arc<Origins>>;

impl Snapshot<'_> {
    /// Identifies the columns [`Field::LogFile`] and [`Field::Line`] of a segment, together with its id; 0 until a query
    /// needed them.
    pub(crate) fn origin_epoch(&self) -> u64 {
        self.origins.get().map_or(0, |origins| origins.epoch)
    }

    /// Reads the origins, unless that was done or `cancel` is cancelled first. Otherwise the first use of the columns
    /// reads them.
    pub(crate) fn expect_origins(&self, cancel: &CancellationToken) -> Result<(), CacheError> {
        self.origins(cancel).map(|_| ())
    }

    pub(super) fn origins(&self, cancel: &CancellationToken) -> Result<&Arc<Origins>, CacheError> {
        if let Some(origins) = self.origins.get() {
            return Ok(origins);
        }
        let mut latest = loop {
            match self.cache.origins.latest.try_lock_for(WAIT_INTERVAL) {
                Some(latest) => break latest,
                None if cancel.is_cancelled() => return Err(CacheError::Cancelled),
                None => {}
            }
        };
        if latest.last_epoch == 0 || latest.origins.catalogue != self.log_files {
            latest.read(self, cancel)?;
        }
        let origins = latest.origins.clone();
        Ok(self.origins.get_or_init(|| origins))
    }

    /// The column [`Field::LogFile`] or [`Field::Line`].
    pub(super) fn origin_column(&self, segment: &SegmentInfo, field: Field) -> Result<IntColumn, CacheError> {
        let origins = self.origins(&CancellationToken::new())?;
        self.cache.origins.columns.get_or_load(&(origins.epoch, segment.id, field), || {
            let column = self.computed_origin_column(origins, segment, field)?;
            let memory = column.memory();
            Ok((column, memory))
        })
    }

    fn computed_origin_column(
        &self,
        origins: &Origins,
        segment: &SegmentInfo,
        field: Field,
    ) -> Result<IntColumn, CacheError> {
        let found = self.read(|connection| SegmentRow::find(connection, segment.id));
        let numbers = found.map_err(|error| self.failed(error.at("the list of segments")))?.numbers;
        let mut stretches = origins.stretches(segment.source, numbers.range(segment.rows)).iter();
        let mut stretch = stretches.next();
        let codes = numbers.iter(segment.rows).map(|number| {
            while stretch.is_some_and(|stretch| stretch.end() <= number) {
                stretch = stretches.next();
            }
            match stretch.filter(|stretch| stretch.row <= number) {
                None => code::ABSENT,
                Some(stretch) if field == Field::LogFile => stretch.file.into(),
                Some(stretch) => code::of_number(stretch.line + (number - stretch.row)),
            }
        });
        let codes: Vec<u64> = codes.collect();
        let mut packer = Packer::default();
        packer.pack(&codes, |code| code);
        let packed = Integers::open(packer.bytes).map_err(|damage| self.damaged(segment, field, damage))?;
        Ok(IntColumn(Arc::new(packed)))
    }

    /// Bounds of the codes of the column [`Field::LogFile`] or [`Field::Line`].
    pub(super) fn origin_bounds(
        &self,
        segment: &SegmentInfo,
        field: Field,
    ) -> Result<(u64, u64), CacheError> {
        let origins = self.origins(&CancellationToken::new())?;
        let found = self.read(|connection| SegmentRow::find(connection, segment.id));
        let numbers = found.map_err(|error| self.failed(error.at("the list of segments")))?.numbers;
        Ok(origins.bounds(segment.source, numbers.range(segment.rows), field))
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection.lock();
        let open = connection.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        read(open)
    }

    fn failed(&self, error: StoreError) -> CacheError {
        error.of(&self.cache.path)
    }
}

impl Latest {
    /// Reads the origins of a snapshot. After an error, nothing has changed but the list of names, which only grows.
    fn read(&mut self, snapshot: &Snapshot<'_>, cancel: &CancellationToken) -> Result<(), CacheError> {
        let names = &mut self.names;
        let known_names = self.origins.names.len() as usize;
        let read = snapshot.read(|connection| read(connection, snapshot.log_files, names, cancel));
        let by_source = read.map_err(|error| snapshot.failed(error.at("the catalogue of log files")))?;
        let Some(by_source) = by_source else { return Err(CacheError::Cancelled) };
        let mut new_names = Arena::default();
        self.names.values().iter().skip(known_names).for_each(|name| new_names.push(name));
        let names = self.origins.names.grown(new_names);
        if self.last_epoch == 0 || !extends(&by_source, &self.origins.by_source) {
            self.last_epoch += 1;
        }
        let (catalogue, epoch) = (snapshot.log_files, self.last_epoch);
        self.origins = Arc::new(Origins { catalogue, epoch, names, by_source });
        Ok(())
    }
}

/// Whether the origins `new` agree with `old` in the requests of `old`, and all others have larger row numbers.
fn extends(new: &HashMap<SourceId, Vec<Stretch>>, old: &HashMap<SourceId, Vec<Stretch>>) -> bool {
    old.iter().all(|(source, old)| {
        let new = new.get(source).map_or([].as_slice(), Vec::as_slice);
        match old.split_last() {
            None => true,
            Some((last, before)) => {
                new.get(..before.len()) == Some(before)
                    && new.get(before.len()).is_some_and(|stretch| stretch.extends(last))
            }
        }
    })
}

/// Reads the stretches of all log files; `None` if that was cancelled. `catalogue` is the digest of the table `log_file`.
fn read(
    connection: &Connection,
    catalogue: Digest,
    names: &mut Interner,
    cancel: &CancellationToken,
) -> Result<Option<HashMap<SourceId, Vec<Stretch>>>, StoreError> {
    let mut by_source: HashMap<SourceId, Vec<Stretch>> = HashMap::new();
    let mut files =
        connection.prepare_cached(&format!("SELECT {LOG_FILE_COLUMNS} FROM log_file f ORDER BY f.id"))?;
    let mut parts = connection.prepare_cached(
        "SELECT log_file_id, generation, part, crc, runs FROM log_file_rows
         ORDER BY log_file_id, generation, part",
    )?;
    let (mut files, mut parts) = (files.query([])?, parts.query([])?);
    let next_part = |parts: &mut rusqlite::Rows<'_>| -> Result<Option<RunsRow>, StoreError> {
        parts.next()?.map(RunsRow::read).transpose()
    };
    let mut part = next_part(&mut parts)?;
    let (mut digest, mut count) = (Digest::default(), 0);
    while let Some(row) = files.next()? {
        count += 1;
        if count % FILES_PER_CHECK == 0 && cancel.is_cancelled() {
            return Ok(None);
        }
        let file = read_file(row, &mut digest)?;
        let mut of_file = Vec::new();
        let mut rows = Digest::default();
        while let Some(found) = part.take_if(|part| part.file == file.id) {
            rows.add(found.crc);
            of_file.push(found);
            part = next_part(&mut parts)?;
        }
        root::is_complete(rows, file.rows)?;
        if !of_file.is_empty() {
            let name = names.intern(file.name.as_bytes(), hash(file.name.as_bytes()));
            add_stretches(by_source.entry(file.source).or_default(), name, &of_file);
        }
    }
    root::is_complete(digest, catalogue)?;
    if part.is_some() {
        return Err(Damage("runs of lines belong to no log file").into());
    }
    for stretches in by_source.values_mut() {
        stretches.sort_unstable_by_key(|stretch| stretch.row);
        stretches.dedup_by(|next, stretch| {
            let is_continued = stretch.is_continued_by(next);
            stretch.rows += if is_continued { next.rows } else { 0 };
            is_continued
        });
        stretches.shrink_to_fit();
    }
    Ok(Some(by_source))
}

fn read_file(row: &Row<'_>, digest: &mut Digest) -> Result<LogFileRow, StoreError> {
    let file = LogFileRow::read(row)?;
    digest.add(file.crc());
    Ok(file)
}

/// Adds the requests that a log file gave, and not those that it repeats. `parts` are in ascending order of readings.
fn add_stretches(stretches: &mut Vec<Stretch>, file: u32, parts: &[RunsRow]) {
    let owned = parts.iter().flat_map(|part| &part.runs).filter(|run| !run.is_repeat && run.rows > 0);
    let stretch = |run: &Run| Stretch { row: run.row, rows: run.rows, line: run.line, file };
    if parts.windows(2).all(|pair| pair[0].generation == pair[1].generation) {
        stretches.extend(owned.map(stretch));
        return;
    }
    // Until another version of the log file was read to its end, both readings may have a request. The first has it.
    let mut taken = RoaringTreemap::new();
    for run in owned {
        let numbers = (0..run.rows).filter(|offset| taken.insert(run.row + offset));
        for offset in numbers {
            let next = Stretch { row: run.row + offset, rows: 1, line: run.line + offset, file };
            match stretches.last_mut() {
                Some(last) if last.is_continued_by(&next) => last.rows += 1,
                _ => stretches.push(next),
            }
        }
    }
}

impl Origins {
    /// The stretches that have requests with these row numbers.
    fn stretches(&self, source: SourceId, numbers: Range<u64>) -> &[Stretch] {
        let all = self.by_source.get(&source).map_or([].as_slice(), Vec::as_slice);
        let first = all.partition_point(|stretch| stretch.end() <= numbers.start);
        let end = all.partition_point(|stretch| stretch.row < numbers.end);
        all.get(first..end).unwrap_or_default()
    }

    /// Bounds of the codes of requests with these row numbers.
    fn bounds(&self, source: SourceId, numbers: Range<u64>, field: Field) -> (u64, u64) {
        let (mut low, mut high) = (u64::MAX, 0);
        let mut covered_to = numbers.start;
        for stretch in self.stretches(source, numbers.clone()) {
            if stretch.row > covered_to {
                low = code::ABSENT;
            }
            covered_to = stretch.end();
            let (first, last) = match field {
                Field::LogFile => (stretch.file.into(), stretch.file.into()),
                _ => {
                    let line_of = |number: u64| code::of_number(stretch.line + (number - stretch.row));
                    let last = stretch.end().min(numbers.end) - 1;
                    (line_of(stretch.row.max(numbers.start)), line_of(last))
                }
            };
            low = low.min(first);
            high = high.max(last);
        }
        if covered_to < numbers.end { (code::ABSENT, high) } else { (low, high) }
    }
}
