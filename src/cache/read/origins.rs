//! Where requests came from: the source, the log file and the line of each.
//!
//! No column stores them. The catalogue has the runs of lines that gave requests ([`runs`](crate::cache::sqlite::runs)),
//! repeats included. All runs are read when a query first needs them, and then serve as the columns [`Field::Source`],
//! [`Field::LogFile`] and [`Field::Line`]. If several lines gave a request, its origin is the first line of the log file
//! whose name is first, so that it does not depend on which log file was read first.
//!
//! Segments never change, but the origin of a request may: if a log file whose name is before that of the present one
//! repeats it, or the present one was replaced. What is kept of these columns is therefore kept by
//! [epoch](Origins::epoch), too.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
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

/// The lines of a log file that gave requests, maybe after other lines had given them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    stretch: Stretch,
    /// The reading of the log file.
    generation: i64,
}

/// The claims of the log files of a source.
#[derive(Debug, Default)]
struct Claims {
    claims: Vec<Claim>,
    /// Whether several claims may have the same request.
    are_contested: bool,
}

/// The origins of all requests of a snapshot.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The state of the catalogue that they were read from.
    catalogue: Digest,
    /// The sources that the catalogue had, with their URIs.
    sources: Vec<(SourceId, String)>,
    /// The URIs of sources.
    uris: Dictionary,
    /// The value id of the URI of each source.
    uri_ids: HashMap<SourceId, u32>,
    /// A number from 1. Two origins with the same number agree in all requests that both have.
    pub(super) epoch: u64,
    /// The names of log files. Log files of several sources may share one.
    names: Dictionary,
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
    /// Names and URIs keep their value ids as long as the cache is open.
    names: Interner,
    uris: Interner,
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
    /// Identifies the columns of a segment that say where its requests came from, together with its id; 0 until a query
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
        let is_known = latest.origins.catalogue == self.log_files && latest.origins.sources == self.sources;
        if latest.last_epoch == 0 || !is_known {
            latest.read(self, cancel)?;
        }
        let origins = latest.origins.clone();
        Ok(self.origins.get_or_init(|| origins))
    }

    /// The column [`Field::Source`], [`Field::LogFile`] or [`Field::Line`].
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
        if field == Field::Source {
            let ids = vec![origins.uri_id(segment.source); segment.rows];
            return IntColumn::of_ids(&ids).map_err(|damage| self.damaged(segment, field, damage));
        }
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

    /// Bounds of the codes of the column [`Field::Source`], [`Field::LogFile`] or [`Field::Line`].
    pub(super) fn origin_bounds(
        &self,
        segment: &SegmentInfo,
        field: Field,
    ) -> Result<(u64, u64), CacheError> {
        let origins = self.origins(&CancellationToken::new())?;
        if field == Field::Source {
            let id = origins.uri_id(segment.source).into();
            return Ok((id, id));
        }
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
        let read = snapshot.read(|connection| read(connection, snapshot.log_files, names, cancel));
        let by_source = read.map_err(|error| snapshot.failed(error.at("the catalogue of log files")))?;
        let Some(by_source) = by_source else { return Err(CacheError::Cancelled) };
        let known = &self.origins;
        let uris = &mut self.uris;
        let uri_id =
            |(source, uri): &(SourceId, String)| (*source, uris.intern(uri.as_bytes(), hash(uri.as_bytes())));
        let uri_ids = snapshot.sources.iter().map(uri_id).collect();
        let agrees = known.sources.iter().all(|source| snapshot.sources.contains(source))
            && extends(&by_source, &known.by_source);
        if self.last_epoch == 0 || !agrees {
            self.last_epoch += 1;
        }
        self.origins = Arc::new(Origins {
            catalogue: snapshot.log_files,
            sources: snapshot.sources.clone(),
            uris: with_new_values(&known.uris, &self.uris),
            uri_ids,
            epoch: self.last_epoch,
            names: with_new_values(&known.names, &self.names),
            by_source,
        });
        Ok(())
    }
}

/// The values of a dictionary and those that were interned since.
fn with_new_values(known: &Dictionary, interned: &Interner) -> Dictionary {
    let mut new = Arena::default();
    interned.values().iter().skip(known.len() as usize).for_each(|value| new.push(value));
    known.grown(new)
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
    let mut claims_by_source: HashMap<SourceId, Claims> = HashMap::new();
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
            claims_by_source.entry(file.source).or_default().add(name, &of_file);
        }
    }
    root::is_complete(digest, catalogue)?;
    if part.is_some() {
        return Err(Damage("runs of lines belong to no log file").into());
    }
    let stretches = |(source, claims): (SourceId, Claims)| (source, claims.stretches(names.values()));
    Ok(Some(claims_by_source.into_iter().map(stretches).collect()))
}

fn read_file(row: &Row<'_>, digest: &mut Digest) -> Result<LogFileRow, StoreError> {
    let file = LogFileRow::read(row)?;
    digest.add(file.crc());
    Ok(file)
}

impl Claims {
    /// Adds the requests of a log file. `parts` are in ascending order of readings.
    fn add(&mut self, file: u32, parts: &[RunsRow]) {
        // Until another version of the log file was read to its end, both readings may have a request.
        self.are_contested |= parts.windows(2).any(|pair| pair[0].generation != pair[1].generation);
        for part in parts {
            for run in part.runs.iter().filter(|run| run.rows > 0) {
                self.are_contested |= run.is_repeat;
                let stretch = Stretch { row: run.row, rows: run.rows, line: run.line, file };
                self.claims.push(Claim { stretch, generation: part.generation });
            }
        }
    }

    /// The stretches in ascending order of row numbers. `names` are those of log files.
    fn stretches(mut self, names: &Arena) -> Vec<Stretch> {
        self.claims.sort_unstable_by_key(|claim| claim.stretch.row);
        let mut stretches = match self.are_contested {
            true => first_claims(&self.claims, names),
            false => self.claims.iter().map(|claim| claim.stretch).collect(),
        };
        stretches.dedup_by(|next, stretch| {
            let is_continued = stretch.is_continued_by(next);
            stretch.rows += if is_continued { next.rows } else { 0 };
            is_continued
        });
        stretches.shrink_to_fit();
        stretches
    }
}

/// What orders the claims of a request: the name of the log file, the reading, and the line minus the row number. Last is the
/// index of the claim.
type ByOrder<'n> = (&'n [u8], i64, i128, usize);

/// For each request the claim of the log file whose name is first; in a log file that of its first reading, and then of
/// its first line. `claims` are in ascending order of row numbers.
fn first_claims(claims: &[Claim], names: &Arena) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    // The claims that begin at or before `row`, the first one on top.
    let mut open: BinaryHeap<Reverse<ByOrder<'_>>> = BinaryHeap::new();
    let (mut next, mut row) = (0, 0);
    loop {
        while let Some(Reverse((.., index))) = open.peek()
            && claims[*index].stretch.end() <= row
        {
            open.pop();
        }
        if open.is_empty() {
            let Some(claim) = claims.get(next) else { return stretches };
            row = row.max(claim.stretch.row);
        }
        while let Some(Claim { stretch, generation }) =
            claims.get(next).filter(|claim| claim.stretch.row <= row)
        {
            let name = names.get(stretch.file as usize - 1);
            // Lines grow as rows do: the difference orders the lines of one request.
            let line = i128::from(stretch.line) - i128::from(stretch.row);
            open.push(Reverse((name, *generation, line, next)));
            next += 1;
        }
        let Some(Reverse((.., first))) = open.peek() else { continue };
        let Stretch { row: start, line, file, .. } = claims[*first].stretch;
        let next_start = claims.get(next).map_or(u64::MAX, |claim| claim.stretch.row);
        let end = claims[*first].stretch.end().min(next_start);
        if end > row {
            stretches.push(Stretch { row, rows: end - row, line: line + (row - start), file });
            row = end;
        }
    }
}

impl Origins {
    /// The value id of the URI of a source.
    fn uri_id(&self, source: SourceId) -> u32 {
        self.uri_ids.get(&source).copied().unwrap_or_default()
    }

    /// The values of [`Field::Source`] or [`Field::LogFile`].
    pub(super) fn values(&self, field: Field) -> &Dictionary {
        if field == Field::Source { &self.uris } else { &self.names }
    }

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
