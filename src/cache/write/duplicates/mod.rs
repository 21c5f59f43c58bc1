//! Exact repeats of a line: S3 delivers some records twice, and people pull copies of the same logs.
//!
//! Two records are the same only if all their fields are. Whether a record may have been seen is
//! answered by a filter per segment over a fingerprint of request id, time, key and operation (records
//! of one multi-delete share all but the key); what passes is compared field by field with the rows of
//! that segment. Nothing is stored for it: a hash of 8 bytes per row would make the cache a sixth
//! larger. Only segments whose time range holds the record's time are asked.

mod bloom;
mod probe;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rusqlite::Connection;

use crate::cache::column::Damage;
use crate::cache::column::chunk;
use crate::cache::column::layout::{DETAIL_FIELDS, DIMENSIONS};
use crate::cache::dictionary::published::Values;
use crate::cache::error::StoreError;
use crate::cache::sqlite::segment_rows::SegmentRow;
use crate::cache::write::batch::{KEY, OPERATION};
use crate::cache::write::memtable::OpenSegment;
use crate::cache::write::row_numbers::RowNumbers;
use crate::log::Field;

use bloom::Bloom;
use probe::{Glance, Probe};

/// Stored segments whose fingerprints are all kept, the latest ones. Log files overlap in time, so those are
/// asked about nearly every record, and the filter's wrong yes in a thousand would have each of them unpacked.
const RECENT: usize = 4;

/// A filter that was not asked for while so many segments were sealed is given up. Logs come about in the order of
/// their time, so it will hardly be asked again; if it is, it is made anew. A long pull needs no more memory than a
/// short one.
const KEPT: u64 = 24;

/// Stored segments kept unpacked for comparison.
const PROBES: usize = 8;

/// Bytes of memory that they may take, if they are more than one.
const PROBES_BYTES: usize = 256 << 20;

/// So many records of a batch may be taken for repeats by mistake; more than that are some.
const FEW: usize = 64;

/// What tells nearly all records apart.
pub fn fingerprint(request_id: u64, time: i64, key: u32, operation: u32) -> u64 {
    let mut mixed = request_id ^ (time as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^= u64::from(key) << 16 ^ u64::from(operation);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 32)
}

/// A row of the open segment that another row repeats exactly, or that is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The row.
    pub row: usize,
    /// The number within the source of the request that it repeats; `None`: it is not wanted.
    pub of: Option<u64>,
}

/// A segment in the file.
struct Sealed {
    segment: SegmentRow,
    /// Made when asked for, unless it is there.
    bloom: Option<Bloom>,
    /// How many segments had been sealed when it was asked for last.
    asked: u64,
    /// Of the latest only: what the filter was made of.
    rows: Option<Rows>,
}

/// New rows of the open segment, from `from` on, and what it takes to compare them.
struct New<'n> {
    connection: &'n Connection,
    keys: &'n Values,
    segment: &'n OpenSegment,
    from: usize,
    /// Of all rows of the open segment.
    fingerprints: &'n [u64],
}

impl Sealed {
    /// Marks the new rows that repeat one of this with its number.
    fn mark(&self, new: &New<'_>, probes: &mut Probes, repeated: &mut [Found]) -> Result<(), StoreError> {
        let New { connection, keys, segment, from, fingerprints } = *new;
        let Some(bloom) = &self.bloom else { return Ok(()) };
        let mut suspects = Vec::new();
        for (row, repeated) in (from..).zip(&*repeated) {
            let (time, fingerprint) = (segment.times[row], fingerprints[row]);
            if *repeated == Found::No
                && self.segment.time_min <= time
                && time <= self.segment.time_max
                && bloom.may_have(fingerprint)
                && self.rows.as_ref().is_none_or(|rows| rows.of(fingerprint).next().is_some())
            {
                suspects.push((row, time, segment.codes[KEY][row]));
            }
        }
        // Many are no chance; and what is read already need not be looked at from afar.
        if self.rows.is_none() && (1..FEW).contains(&suspects.len()) && !probes.have(self.segment.id) {
            Glance::load(connection, self.segment.id)?.retain(connection, &mut suspects)?;
        }
        if suspects.is_empty() {
            return Ok(());
        }
        for (row, ..) in suspects {
            let probe = probes.of(connection, &self.segment)?;
            if let Some(other) = probe.find(connection, segment, row, keys)? {
                repeated[row - from] = Found::Stored(self.segment.numbers.number(other));
            }
        }
        probes.fit(PROBES_BYTES);
        Ok(())
    }
}

/// What is known of a new row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    No,
    Unwanted,
    /// It repeats a request of a stored segment: its number.
    Stored(u64),
    /// It repeats this row of the open segment.
    Open(usize),
}

/// The segments that were compared with last, the latest at the end.
#[derive(Default)]
struct Probes(Vec<Probe>);

impl Probes {
    fn have(&self, id: i64) -> bool {
        self.0.iter().any(|probe| probe.id == id)
    }

    /// Drops those that were compared with the longest ago, until they take no more memory than that.
    fn fit(&mut self, most: usize) {
        let mut memory: usize = self.0.iter().map(Probe::memory).sum();
        while self.0.len() > 1 && memory > most {
            memory -= self.0.remove(0).memory();
        }
    }

    /// That of a segment, which is read if it is not there.
    fn of(&mut self, connection: &Connection, segment: &SegmentRow) -> Result<&mut Probe, StoreError> {
        let id = segment.id;
        match self.0.iter().position(|probe| probe.id == id) {
            Some(index) => self.0[index..].rotate_left(1),
            None => {
                let probe = Probe::load(connection, segment)?;
                if self.0.len() >= PROBES {
                    self.0.remove(0);
                }
                self.0.push(probe);
            }
        }
        self.0
            .last_mut()
            .ok_or_else(|| StoreError::from(Damage("no such segment")).at(format_args!("segment {id}")))
    }
}

/// Rows by fingerprint.
#[derive(Default)]
struct Rows {
    numbers: HashTable<u32>,
    fingerprints: Vec<u64>,
}

impl Rows {
    fn with_capacity(rows: usize) -> Rows {
        let more = rows + rows / 8;
        Rows { numbers: HashTable::with_capacity(more), fingerprints: Vec::with_capacity(more) }
    }

    /// The rows of this fingerprint.
    fn of(&self, fingerprint: u64) -> impl Iterator<Item = usize> {
        let rows = self.numbers.iter_hash(fingerprint).map(|row| *row as usize);
        rows.filter(move |row| self.fingerprints[*row] == fingerprint)
    }

    /// Makes the row that was added last one to be found, if no other of this fingerprint is; whether it is so.
    fn insert_first(&mut self, fingerprint: u64, row: usize) -> bool {
        let Rows { numbers, fingerprints } = self;
        let is_it = |row: &u32| fingerprints[*row as usize] == fingerprint;
        match numbers.entry(fingerprint, is_it, |row| fingerprints[*row as usize]) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(row as u32);
                true
            }
        }
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
    probes: Probes,
}

impl Seen {
    /// For a source with these segments, besides the open one.
    pub fn new(segments: impl IntoIterator<Item = SegmentRow>) -> Seen {
        let sealed =
            segments.into_iter().map(|segment| Sealed { segment, bloom: None, asked: 0, rows: None });
        Seen { sealed: sealed.collect(), ..Seen::default() }
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

    /// The open segment was sealed as this one; the next begins empty.
    pub fn seal(&mut self, segment: SegmentRow) {
        self.seals += 1;
        let mut spare = None;
        for sealed in self.sealed.iter_mut().filter(|sealed| sealed.asked + KEPT < self.seals) {
            spare = sealed.bloom.take().or(spare);
        }
        let bloom = spare.map_or_else(
            || Bloom::new(&self.open.fingerprints),
            |spare| spare.renewed(&self.open.fingerprints),
        );
        // The memory of the one that is no longer among the latest serves the next.
        let oldest = self.sealed.len().checked_sub(RECENT).and_then(|oldest| self.sealed[oldest].rows.take());
        let next = oldest.unwrap_or_else(|| Rows::with_capacity(self.open.fingerprints.len()));
        let rows = Some(std::mem::replace(&mut self.open, next));
        self.open.clear();
        self.sealed.push(Sealed { segment, bloom: Some(bloom), asked: self.seals, rows });
    }

    /// Takes up the rows of the open segment from `from` on and says which of them are repeats, in ascending order.
    /// `numbers` are those of the open segment, `request_ids` has the hash of the request id of each new row, and
    /// `unwanted` has the rows that are not wanted, in ascending order. The caller removes what this returns.
    pub fn admit(
        &mut self,
        connection: &Connection,
        keys: &Values,
        (segment, numbers): (&OpenSegment, &RowNumbers),
        from: usize,
        request_ids: &[u64],
        unwanted: &[usize],
    ) -> Result<Vec<Repeat>, StoreError> {
        let mut repeats = Vec::new();
        let times = &segment.times[from..];
        let (Some(&first), Some(&last)) = (times.iter().min(), times.iter().max()) else {
            return Ok(repeats);
        };
        let mut asked = Vec::new();
        for (index, sealed) in self.sealed.iter_mut().enumerate() {
            if sealed.segment.time_min <= last && first <= sealed.segment.time_max {
                let range = sealed.segment.time_min..=sealed.segment.time_max;
                if sealed.bloom.is_none() {
                    // A single request that is late by a day must not have a day of filters made.
                    if !times.iter().any(|time| range.contains(time)) {
                        continue;
                    }
                    let fingerprints = Probe::load(connection, &sealed.segment)?.fingerprints(connection)?;
                    sealed.bloom = Some(Bloom::new(&fingerprints));
                }
                sealed.asked = self.seals;
                asked.push(index);
            }
        }

        self.open.fingerprints.extend((from..segment.rows()).zip(request_ids).map(|(row, &request_id)| {
            let (key, operation) = (segment.codes[KEY][row], segment.codes[OPERATION][row]);
            fingerprint(request_id, segment.times[row], key, operation)
        }));
        let mut found = vec![Found::No; times.len()];
        unwanted.iter().for_each(|row| found[row - from] = Found::Unwanted);
        let new = New { connection, keys, segment, from, fingerprints: &self.open.fingerprints };
        for index in asked {
            self.sealed[index].mark(&new, &mut self.probes, &mut found)?;
        }
        for (row, mut found) in (from..).zip(found) {
            let fingerprint = self.open.fingerprints[row];
            if found == Found::No {
                if self.open.insert_first(fingerprint, row) {
                    continue;
                }
                for other in self.open.of(fingerprint) {
                    if same_row(segment, other, row, keys)? {
                        found = Found::Open(other);
                        break;
                    }
                }
            }
            let of = match found {
                Found::No => {
                    self.open.insert(fingerprint, row);
                    continue;
                }
                Found::Unwanted => None,
                Found::Stored(number) => Some(number),
                // Repeats before it will be removed.
                Found::Open(other) => {
                    let removed = repeats.partition_point(|repeat: &Repeat| repeat.row < other);
                    Some(numbers.number(other - removed))
                }
            };
            repeats.push(Repeat { row, of });
        }
        if !repeats.is_empty() {
            // The caller removes them: number the rest as they will be.
            let mut gone = repeats.iter().peekable();
            let mut row = 0;
            self.open.fingerprints.retain(|_| {
                row += 1;
                gone.next_if(|gone| gone.row == row - 1).is_none()
            });
            self.open.index();
        }
        Ok(repeats)
    }
}

/// Whether two rows of the open segment are the same in every field.
fn same_row(segment: &OpenSegment, one: usize, other: usize, keys: &Values) -> Result<bool, Damage> {
    let same = segment.times[one] == segment.times[other]
        && (0..DIMENSIONS).all(|slot| segment.code(slot, one) == segment.code(slot, other))
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

/// The bytes of a column of a stored segment.
pub fn read_column(connection: &Connection, segment: i64, field: Field) -> Result<Vec<u8>, StoreError> {
    let read = chunk::read(connection, segment, field).map(|(_, bytes)| bytes);
    read.map_err(|error| error.at(format_args!("segment {segment}, column {}", field.name())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Request, batch};
    use crate::cache::{Appended, Writer, WriterOptions};

    #[test]
    fn repeats_are_found_when_segments_overlap_in_time_and_filters_are_often_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let options = WriterOptions { segment_rows: 500 };
        let mut writer = Writer::open_with(&folder.path().join("cache.db"), options).unwrap();
        let source = writer.source("one").unwrap();
        let mut append = |name: String, seconds: Vec<i64>| -> Appended {
            let requests: Vec<Request> = seconds.into_iter().map(Request::at).collect();
            writer.append(source, batch(&name, &requests, 1, true)).unwrap()
        };
        // Each batch is from all over the time, so every segment may have every record.
        const PARTS: i64 = 30;
        let seconds = |part: i64| (0..250).map(|number| number * PARTS + part).collect::<Vec<i64>>();
        for part in 0..PARTS {
            assert_eq!(append(format!("new-{part}"), seconds(part)).requests, 250);
        }
        for part in [0, 13, 29] {
            // A few among new ones, then all.
            let new = (0..50).map(|number| 100_000 + part * 100 + number);
            let mixed = seconds(part).into_iter().take(3).chain(new).collect();
            let appended = append(format!("mixed-{part}"), mixed);
            assert_eq!((appended.requests, appended.duplicates), (50, 3), "{part}");
            let appended = append(format!("again-{part}"), seconds(part));
            assert_eq!((appended.requests, appended.duplicates), (0, 250), "{part}");
        }
    }

    #[test]
    fn a_glance_leaves_what_is_there_and_little_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        crate::cache::testing::filled(&path, "one", (0..3000).map(Request::at));
        let connection = Connection::open(&path).unwrap();
        let glance = Glance::load(&connection, 1).unwrap();
        let key = |second: i64| (second % 1000 + 1) as u32;
        let start = crate::cache::testing::START;
        // There, at another time, of another key.
        let mut rows = vec![
            (0, start + 5, key(5)),
            (1, start + 5000, key(5)),
            (2, start + 6, key(5)),
            (3, start + 2999, key(2999)),
            (4, start + 5, key(7)),
        ];
        glance.retain(&connection, &mut rows).unwrap();
        assert_eq!(rows.iter().map(|(row, ..)| *row).collect::<Vec<_>>(), [0, 3]);
    }
}
