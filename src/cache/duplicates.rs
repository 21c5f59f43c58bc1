//! Exact repeats of a line: S3 delivers some records twice, and people pull copies of the same logs.
//!
//! Two records are the same only if all their fields are. Whether a record may have been seen is
//! answered by a filter per segment over a fingerprint of request id, time, key and operation (records
//! of one multi-delete share all but the key); what passes is compared field by field with the rows of
//! that segment. Nothing is stored for it: a hash of 8 bytes per row would make the cache a sixth
//! larger. Only segments whose time range holds the record's time are asked.

use hashbrown::HashTable;
use rusqlite::Connection;

use crate::log::Field;

use super::batch::{KEY, OPERATION};
use super::chunk::{self, ChunkError};
use super::codec::Damage;
use super::codec::integers::Integers;
use super::codec::text::{OpenPage, split};
use super::dictionary::hash;
use super::known::Values;
use super::layout::{DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, MEASURE_FIELDS, slot};
use super::open_segment::{OpenSegment, code_to_time};

/// Stored segments whose fingerprints are all kept, the latest ones. Log files overlap in time, so those are
/// asked about nearly every record, and the filter's wrong yes in a thousand would have each of them unpacked.
const RECENT: usize = 4;

/// A filter that was not asked for while so many segments were sealed is given up. Logs come about in the order of
/// their time, so it will hardly be asked again; if it is, it is made anew. A long pull needs no more memory than a
/// short one.
const KEPT: u64 = 24;

/// Stored segments kept unpacked for comparison.
const PROBES: usize = 8;

/// What tells nearly all records apart.
pub fn fingerprint(request_id: u64, time: i64, key: u32, operation: u32) -> u64 {
    let mut mixed = request_id ^ (time as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^= u64::from(key) << 16 ^ u64::from(operation);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 32)
}

/// A split-block Bloom filter (as Apache Parquet has them): 16 bits a row, about one wrong yes in a
/// thousand.
struct Bloom(Vec<[u32; 8]>);

impl Bloom {
    const SALTS: [u32; 8] = [
        0x47b6_137b,
        0x4497_4d91,
        0x8824_ad5b,
        0xa2b7_289d,
        0x7054_95c7,
        0x2df1_424b,
        0x9efc_4947,
        0x5c6b_fb31,
    ];

    fn new(fingerprints: &[u64]) -> Bloom {
        let mut bloom = Bloom(vec![[0; 8]; fingerprints.len().div_ceil(16).max(1)]);
        for &fingerprint in fingerprints {
            let block = bloom.block(fingerprint);
            for (word, salt) in bloom.0[block].iter_mut().zip(Bloom::SALTS) {
                *word |= 1 << ((fingerprint as u32).wrapping_mul(salt) >> 27);
            }
        }
        bloom
    }

    fn block(&self, fingerprint: u64) -> usize {
        (((fingerprint >> 32) * self.0.len() as u64) >> 32) as usize
    }

    fn may_have(&self, fingerprint: u64) -> bool {
        self.0[self.block(fingerprint)]
            .iter()
            .zip(Bloom::SALTS)
            .all(|(word, salt)| word & 1 << ((fingerprint as u32).wrapping_mul(salt) >> 27) != 0)
    }
}

/// A segment in the file.
struct Sealed {
    id: i64,
    time_min: i64,
    time_max: i64,
    /// Made when asked for, unless it is there.
    bloom: Option<Bloom>,
    /// How many segments had been sealed when it was asked for last.
    asked: u64,
    /// Of the latest only: what the filter was made of.
    rows: Option<Rows>,
}

/// Rows by fingerprint.
#[derive(Default)]
struct Rows {
    numbers: HashTable<u32>,
    fingerprints: Vec<u64>,
}

impl Rows {
    /// The rows of this fingerprint.
    fn of(&self, fingerprint: u64) -> impl Iterator<Item = usize> {
        let rows = self.numbers.iter_hash(fingerprint).map(|row| *row as usize);
        rows.filter(move |row| self.fingerprints[*row] == fingerprint)
    }

    /// Makes the row that was added last one to be found.
    fn insert(&mut self, fingerprint: u64, row: usize) {
        self.numbers.insert_unique(fingerprint, row as u32, |row| self.fingerprints[*row as usize]);
    }

    /// Fills the table anew.
    fn index(&mut self) {
        self.numbers.clear();
        for (row, &fingerprint) in self.fingerprints.iter().enumerate() {
            self.numbers.insert_unique(fingerprint, row as u32, |row| self.fingerprints[*row as usize]);
        }
    }

    /// Empties it, keeping memory.
    fn clear(&mut self) {
        self.numbers.clear();
        self.fingerprints.clear();
    }
}

/// Knows which records of a source were seen.
#[derive(Default)]
pub struct Seen {
    sealed: Vec<Sealed>,
    /// How many were sealed by this.
    seals: u64,
    /// Rows of the open segment.
    open: Rows,
    probes: Vec<(i64, Probe)>,
}

impl Seen {
    /// For a source with these segments (id, first and last instant), besides the open one.
    pub fn new(segments: impl IntoIterator<Item = (i64, i64, i64)>) -> Seen {
        let sealed = segments
            .into_iter()
            .map(|(id, time_min, time_max)| Sealed {
                id,
                time_min,
                time_max,
                bloom: None,
                asked: 0,
                rows: None,
            })
            .collect();
        Seen { sealed, ..Seen::default() }
    }

    /// The open segment begins with these rows, all of them different.
    pub fn resume(&mut self, segment: &OpenSegment, request_ids: &[u64]) {
        self.open.clear();
        self.open.fingerprints.extend(request_ids.iter().enumerate().map(|(row, request_id)| {
            fingerprint(
                *request_id,
                segment.times[row],
                segment.codes[KEY][row],
                segment.codes[OPERATION][row],
            )
        }));
        self.open.index();
    }

    /// The open segment was sealed under this id; the next begins empty.
    pub fn seal(&mut self, id: i64, time_min: i64, time_max: i64) {
        let bloom = Some(Bloom::new(&self.open.fingerprints));
        // The memory of the one that is no longer among the latest serves the next.
        let oldest = self.sealed.len().checked_sub(RECENT).and_then(|oldest| self.sealed[oldest].rows.take());
        let rows = Some(std::mem::replace(&mut self.open, oldest.unwrap_or_default()));
        self.open.clear();
        self.seals += 1;
        for sealed in self.sealed.iter_mut().filter(|sealed| sealed.asked + KEPT < self.seals) {
            sealed.bloom = None;
        }
        self.sealed.push(Sealed { id, time_min, time_max, bloom, asked: self.seals, rows });
    }

    /// Takes up the rows of the open segment from `from` on and says which of them are repeats.
    /// `request_ids` has the hash of each one's request id.
    pub fn admit(
        &mut self,
        connection: &Connection,
        keys: &Values,
        segment: &OpenSegment,
        from: usize,
        request_ids: &[u64],
    ) -> Result<Vec<usize>, AdmitError> {
        let mut repeats = Vec::new();
        let times = &segment.times[from..];
        let (Some(&first), Some(&last)) = (times.iter().min(), times.iter().max()) else {
            return Ok(repeats);
        };
        let mut asked = Vec::new();
        for (index, sealed) in self.sealed.iter_mut().enumerate() {
            if sealed.time_min <= last && first <= sealed.time_max {
                let range = sealed.time_min..=sealed.time_max;
                if sealed.bloom.is_none() {
                    // A single request that is late by a day must not have a day of filters made.
                    if !times.iter().any(|time| range.contains(time)) {
                        continue;
                    }
                    let fingerprints = Probe::load(connection, sealed.id)?.fingerprints(connection)?;
                    sealed.bloom = Some(Bloom::new(&fingerprints));
                }
                sealed.asked = self.seals;
                asked.push(index);
            }
        }

        for (row, &request_id) in (from..segment.rows()).zip(request_ids) {
            let time = segment.times[row];
            let fingerprint =
                fingerprint(request_id, time, segment.codes[KEY][row], segment.codes[OPERATION][row]);
            self.open.fingerprints.push(fingerprint);
            let mut repeated = false;
            for &index in &asked {
                let Sealed { id, time_min, time_max, bloom, rows, .. } = &self.sealed[index];
                if *time_min <= time
                    && time <= *time_max
                    && bloom.as_ref().is_some_and(|bloom| bloom.may_have(fingerprint))
                    && rows.as_ref().is_none_or(|rows| rows.of(fingerprint).next().is_some())
                    && probe(&mut self.probes, connection, *id)?.has(connection, segment, row, keys)?
                {
                    repeated = true;
                    break;
                }
            }
            if !repeated {
                for other in self.open.of(fingerprint) {
                    if same_row(segment, other, row, keys)? {
                        repeated = true;
                        break;
                    }
                }
            }
            if repeated {
                repeats.push(row);
            } else {
                self.open.insert(fingerprint, row);
            }
        }
        if !repeats.is_empty() {
            // The caller takes them out: number the rest as they will be.
            let mut gone = repeats.iter().peekable();
            let mut row = 0;
            self.open.fingerprints.retain(|_| {
                row += 1;
                gone.next_if(|gone| **gone == row - 1).is_none()
            });
            self.open.index();
        }
        Ok(repeats)
    }
}

/// Whether two rows of the open segment are the same in every field.
fn same_row(segment: &OpenSegment, one: usize, other: usize, keys: &Values) -> Result<bool, Damage> {
    let same = segment.times[one] == segment.times[other]
        && segment.codes.iter().all(|codes| codes[one] == codes[other])
        && segment.measures.iter().all(|numbers| numbers[one] == numbers[other]);
    if !same {
        return Ok(false);
    }
    for slot in 0..DETAIL_FIELDS.len() {
        if segment.detail(slot, one, keys)? != segment.detail(slot, other, keys)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Why rows could not be compared.
#[derive(Debug)]
pub enum AdmitError {
    /// The file says no.
    Sqlite(rusqlite::Error),
    /// A segment makes no sense.
    Damage(i64, Damage),
}

impl From<rusqlite::Error> for AdmitError {
    fn from(error: rusqlite::Error) -> Self {
        AdmitError::Sqlite(error)
    }
}

impl From<Damage> for AdmitError {
    fn from(damage: Damage) -> Self {
        AdmitError::Damage(0, damage)
    }
}

/// The bytes of a column of a stored segment.
pub fn read_column(connection: &Connection, segment: i64, field: Field) -> Result<Vec<u8>, AdmitError> {
    chunk::read(connection, segment, field).map(|(_, bytes)| bytes).map_err(|error| match error {
        ChunkError::Sqlite(error) => AdmitError::Sqlite(error),
        ChunkError::Damage(damage) => AdmitError::Damage(segment, damage),
    })
}

fn probe<'p>(
    probes: &'p mut Vec<(i64, Probe)>,
    connection: &Connection,
    id: i64,
) -> Result<&'p mut Probe, AdmitError> {
    // The last is the one used last.
    match probes.iter().position(|(known, _)| *known == id) {
        Some(index) => probes[index..].rotate_left(1),
        None => {
            if probes.len() >= PROBES {
                probes.remove(0);
            }
            probes.push((id, Probe::load(connection, id)?));
        }
    }
    probes.last_mut().map(|(_, probe)| probe).ok_or(AdmitError::Damage(id, Damage("no such segment")))
}

/// A stored segment, ready to be compared with.
struct Probe {
    id: i64,
    columns: Vec<Integers>,
    /// Rows by time, key and operation.
    rows: HashTable<u32>,
    /// The details that were needed so far (they are nine tenths of a segment, and nearly always the request id
    /// is enough), as an open segment that has nothing else but keys.
    details: OpenSegment,
    /// Which are there.
    has_detail: [bool; DETAILS],
}

/// Columns of a probe: time, then dimensions, then measures.
const TIME: usize = 0;
const FIRST_DIMENSION: usize = 1;
const FIRST_MEASURE: usize = 1 + DIMENSION_FIELDS.len();

impl Probe {
    fn load(connection: &Connection, id: i64) -> Result<Probe, AdmitError> {
        let damaged = |damage| AdmitError::Damage(id, damage);
        let rows: i64 = connection
            .prepare_cached("SELECT rows FROM segment WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        let read = |field: Field| read_column(connection, id, field);
        let mut columns = Vec::new();
        for field in [Field::Time].into_iter().chain(DIMENSION_FIELDS).chain(MEASURE_FIELDS) {
            let column = Integers::open(read(field)?).map_err(damaged)?;
            if column.rows() as i64 != rows {
                return Err(damaged(Damage("a column has another number of rows than its segment")));
            }
            columns.push(column);
        }
        let mut details = OpenSegment::default();
        details.codes[KEY] =
            columns[FIRST_DIMENSION + KEY].to_vec().into_iter().map(|code| code as u32).collect();
        let times = columns[TIME].to_vec();
        let operations = columns[FIRST_DIMENSION + OPERATION].to_vec();
        let mut rows = HashTable::with_capacity(times.len());
        let place = |row: usize| {
            fingerprint(0, code_to_time(times[row]), details.codes[KEY][row], operations[row] as u32)
        };
        for row in 0..times.len() {
            rows.insert_unique(place(row), row as u32, |row| place(*row as usize));
        }
        Ok(Probe { id, columns, rows, details, has_detail: [false; DETAILS] })
    }

    /// Reads a detail, if it is not there yet.
    fn load_detail(&mut self, connection: &Connection, slot: usize) -> Result<(), AdmitError> {
        if !self.has_detail[slot] {
            let column = read_column(connection, self.id, DETAIL_FIELDS[slot])?;
            self.details.details[slot] =
                split(&column).map_err(|damage| AdmitError::Damage(self.id, damage))?;
            self.has_detail[slot] = true;
        }
        Ok(())
    }

    fn fingerprints(&mut self, connection: &Connection) -> Result<Vec<u64>, AdmitError> {
        let request_id = slot(Field::RequestId);
        self.load_detail(connection, request_id)?;
        let times = self.columns[TIME].to_vec();
        let operations = self.columns[FIRST_DIMENSION + OPERATION].to_vec();
        let mut fingerprints = Vec::with_capacity(times.len());
        let mut row = 0;
        for page in &self.details.details[request_id] {
            let open = OpenPage::open(page).map_err(|damage| AdmitError::Damage(self.id, damage))?;
            for in_page in 0..page.rows {
                let id = open.get(in_page, || None).map_err(|damage| AdmitError::Damage(self.id, damage))?;
                if row >= times.len() {
                    return Err(AdmitError::Damage(self.id, Damage("more request ids than rows")));
                }
                fingerprints.push(fingerprint(
                    hash(id.as_deref().unwrap_or_default()),
                    code_to_time(times[row]),
                    self.details.codes[KEY][row],
                    operations[row] as u32,
                ));
                row += 1;
            }
        }
        Ok(fingerprints)
    }

    /// Whether a row of the open segment is in this one.
    fn has(
        &mut self,
        connection: &Connection,
        segment: &OpenSegment,
        row: usize,
        keys: &Values,
    ) -> Result<bool, AdmitError> {
        let id = self.id;
        let damaged = |damage| AdmitError::Damage(id, damage);
        let time = segment.times[row];
        let place = fingerprint(0, time, segment.codes[KEY][row], segment.codes[OPERATION][row]);
        let candidates: Vec<u32> = self.rows.iter_hash(place).copied().collect();
        'candidates: for other in candidates {
            let other = other as usize;
            if code_to_time(self.columns[TIME].get(other)) != time {
                continue;
            }
            for (slot, codes) in segment.codes.iter().enumerate() {
                if self.columns[FIRST_DIMENSION + slot].get(other) != u64::from(codes[row]) {
                    continue 'candidates;
                }
            }
            for (slot, numbers) in segment.measures.iter().enumerate() {
                if self.columns[FIRST_MEASURE + slot].get(other) != numbers[row] {
                    continue 'candidates;
                }
            }
            for slot in 0..DETAILS {
                self.load_detail(connection, slot)?;
                let theirs = self.details.detail(slot, other, keys).map_err(damaged)?;
                if theirs != segment.detail(slot, row, keys).map_err(damaged)? {
                    continue 'candidates;
                }
            }
            return Ok(true);
        }
        Ok(false)
    }
}
