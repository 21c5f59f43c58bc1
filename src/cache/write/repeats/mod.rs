//! Exact repeats: S3 delivers some records twice, and users pull copies of the same logs.
//!
//! Two records are equal only if all their fields are, except the spelling of the key and what structured records have
//! beyond the text format ([`comparable_extra`]): a request counts once if it was delivered in both formats. A Bloom filter per segment, over a fingerprint of
//! request id, time, key and operation (records of one multi-object delete differ only in the key), shows
//! whether a segment may have a record. Candidates are compared field by field with the rows of the segment.
//! No fingerprints are stored: a hash of 8 bytes per row would make the cache a sixth larger. Only segments
//! whose time range includes the time of the record are considered.

mod bloom;
mod decoded_segment;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rusqlite::Connection;

use crate::cache::column::layout::{DETAIL_FIELDS, DIMENSIONS};
use crate::cache::column::layout::{KEY_SLOT, OPERATION_SLOT};
use crate::cache::{
    column::Damage, dictionary::published::GrowingDictionary, error::StoreError, ids::SegmentId,
    sqlite::segment_rows::SegmentRow, write::memtable::Memtable, write::row_numbers::RowNumbers,
};
use crate::log::{Field, structured::extra::comparable_extra};

use bloom::Bloom;
use decoded_segment::{DecodedSegment, TimesAndKeys};

/// Number of the newest stored segments that keep an index of all fingerprints. Log files overlap in time, so these
/// segments are considered for nearly every record, and each false positive of a filter would cause one to be decoded.
const INDEXED_SEGMENTS: usize = 4;
/// A filter is dropped when it was not used while this many segments were sealed. Logs are roughly in order of time, so
/// it will hardly be needed again; if it is, it is rebuilt. So memory does not grow with the length of a pull.
const MAX_IDLE_SEALS: u64 = 24;
/// Limit of the decoded segments in memory.
const MAX_DECODED_SEGMENTS: usize = 8;
/// Limit of the bytes of memory of the decoded segments, unless there is only one.
const MAX_DECODED_BYTES: usize = 256 << 20;
/// If a batch has at least this many candidates in a segment, some of them are repeats, not only false positives.
const ACCIDENTAL_CANDIDATES: usize = 64;

/// A hash that distinguishes nearly all records.
pub(crate) fn fingerprint(request_id: u64, time: i64, key: u32, operation: u32) -> u64 {
    let mut mixed = request_id ^ (time as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^= u64::from(key) << 16 ^ u64::from(operation);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 32)
}

#[inline]
fn fingerprint_of(memtable: &Memtable, row: usize, request_id: u64) -> u64 {
    let (key, operation) = (memtable.codes[KEY_SLOT][row], memtable.codes[OPERATION_SLOT][row]);
    fingerprint(request_id, memtable.times[row], key, operation)
}

/// A row of the memtable that has to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// The row.
    pub row: usize,
    /// The row number of the request that it repeats; `None` if the row was pruned before.
    pub of: Option<u64>,
}

/// A stored segment.
struct StoredSegment {
    segment: SegmentRow,
    /// Built when needed.
    bloom: Option<Bloom>,
    /// The number of seals when the filter was last used.
    last_used: u64,
    /// The index of all fingerprints; only the newest segments have it.
    rows: Option<FingerprintIndex>,
}

/// The new rows of the memtable, and what is needed to compare them.
pub(crate) struct NewRows<'n> {
    pub connection: &'n Connection,
    pub keys: &'n GrowingDictionary,
    pub memtable: &'n Memtable,
    /// The row numbers of the memtable.
    pub numbers: &'n RowNumbers,
    /// The first new row.
    pub first_row: usize,
    /// [`hash`](crate::cache::dictionary::hash) of the request id of each new row.
    pub request_ids: &'n [u64],
    /// Rows that were pruned before, in ascending order.
    pub pruned: &'n [usize],
}

impl StoredSegment {
    /// Marks the new rows that repeat a row of this segment. `fingerprints` has one for each row of the memtable.
    fn mark(
        &self,
        new: &NewRows<'_>,
        fingerprints: &[u64],
        decoded: &mut DecodedSegments,
        repeated: &mut [RowState],
    ) -> Result<(), StoreError> {
        let NewRows { connection, keys, memtable, first_row, .. } = *new;
        let Some(bloom) = &self.bloom else { return Ok(()) };
        let mut candidates = Vec::new();
        for (row, repeated) in (first_row..).zip(&*repeated) {
            let (time, fingerprint) = (memtable.times[row], fingerprints[row]);
            if *repeated == RowState::New
                && self.segment.time_min <= time
                && time <= self.segment.time_max
                && bloom.may_contain(fingerprint)
                && self.rows.as_ref().is_none_or(|rows| rows.of(fingerprint).next().is_some())
            {
                candidates.push((row, time, memtable.codes[KEY_SLOT][row]));
            }
        }
        // Pre-check a few candidates by time and key. Many include repeats, and a decoded segment needs no pre-check.
        if self.rows.is_none()
            && (1..ACCIDENTAL_CANDIDATES).contains(&candidates.len())
            && !decoded.contains(self.segment.id)
        {
            TimesAndKeys::load(connection, self.segment.id)?.retain(connection, &mut candidates)?;
        }
        if candidates.is_empty() {
            return Ok(());
        }
        for (row, ..) in candidates {
            let decoded_segment = decoded.of(connection, &self.segment)?;
            if let Some(other) = decoded_segment.find(connection, memtable, row, keys)? {
                repeated[row - first_row] = RowState::Stored(self.segment.numbers.number(other));
            }
        }
        decoded.shrink_to(MAX_DECODED_BYTES);
        Ok(())
    }
}

/// The state of a new row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowState {
    New,
    Pruned,
    /// The row number of the request in a stored segment that it repeats.
    Stored(u64),
    /// The row of the memtable that it repeats.
    Memtable(usize),
}

/// Decoded segments, the most recently used at the end.
#[derive(Default)]
struct DecodedSegments(Vec<DecodedSegment>);

impl DecodedSegments {
    fn contains(&self, id: SegmentId) -> bool {
        self.0.iter().any(|decoded_segment| decoded_segment.id == id)
    }

    /// Drops the least recently used segments until the rest take at most `max_bytes` bytes, or only one is left.
    fn shrink_to(&mut self, max_bytes: usize) {
        let mut memory: usize = self.0.iter().map(DecodedSegment::memory).sum();
        while self.0.len() > 1 && memory > max_bytes {
            memory -= self.0.remove(0).memory();
        }
    }

    /// Returns the decoded segment, which is read if necessary.
    fn of(
        &mut self,
        connection: &Connection,
        segment: &SegmentRow,
    ) -> Result<&mut DecodedSegment, StoreError> {
        let id = segment.id;
        match self.0.iter().position(|decoded_segment| decoded_segment.id == id) {
            Some(index) => self.0[index..].rotate_left(1),
            None => {
                let decoded_segment = DecodedSegment::load(connection, segment)?;
                if self.0.len() >= MAX_DECODED_SEGMENTS {
                    self.0.remove(0);
                }
                self.0.push(decoded_segment);
            }
        }
        self.0
            .last_mut()
            .ok_or_else(|| StoreError::from(Damage("no such segment")).at(format_args!("segment {id}")))
    }
}

/// Rows by fingerprint.
#[derive(Default)]
struct FingerprintIndex {
    numbers: HashTable<u32>,
    fingerprints: Vec<u64>,
}

impl FingerprintIndex {
    fn with_capacity(rows: usize) -> FingerprintIndex {
        let more = rows + rows / 8;
        FingerprintIndex { numbers: HashTable::with_capacity(more), fingerprints: Vec::with_capacity(more) }
    }

    /// The rows with a fingerprint.
    fn of(&self, fingerprint: u64) -> impl Iterator<Item = usize> {
        let rows = self.numbers.iter_hash(fingerprint).map(|row| *row as usize);
        rows.filter(move |row| self.fingerprints[*row] == fingerprint)
    }

    /// Indexes the row that was added last, unless its fingerprint is present already. Returns whether it was indexed.
    fn insert_if_new(&mut self, fingerprint: u64, row: usize) -> bool {
        let FingerprintIndex { numbers, fingerprints } = self;
        let is_it = |row: &u32| fingerprints[*row as usize] == fingerprint;
        match numbers.entry(fingerprint, is_it, |row| fingerprints[*row as usize]) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(row as u32);
                true
            }
        }
    }

    /// Indexes the row that was added last.
    fn insert(&mut self, fingerprint: u64, row: usize) {
        self.numbers.insert_unique(fingerprint, row as u32, |row| self.fingerprints[*row as usize]);
    }

    /// Rebuilds the index.
    fn index(&mut self) {
        self.numbers.clear();
        for (row, &fingerprint) in self.fingerprints.iter().enumerate() {
            self.numbers.insert_unique(fingerprint, row as u32, |row| self.fingerprints[*row as usize]);
        }
    }

    /// Removes all rows and keeps the memory.
    fn clear(&mut self) {
        self.numbers.clear();
        self.fingerprints.clear();
    }
}

/// Finds repeats among the records of a source.
#[derive(Default)]
pub(crate) struct RepeatFinder {
    stored: Vec<StoredSegment>,
    /// Segments sealed so far.
    seals: u64,
    /// Rows of the memtable.
    memtable_rows: FingerprintIndex,
    decoded: DecodedSegments,
}

impl RepeatFinder {
    /// A finder for a source with these stored segments and an empty memtable.
    pub(crate) fn new(segments: impl IntoIterator<Item = SegmentRow>) -> RepeatFinder {
        let unused = |segment| StoredSegment { segment, bloom: None, last_used: 0, rows: None };
        RepeatFinder { stored: segments.into_iter().map(unused).collect(), ..RepeatFinder::default() }
    }

    /// Sets the rows of the memtable, which must all be different.
    pub(crate) fn resume(&mut self, memtable: &Memtable, request_ids: &[u64]) {
        self.memtable_rows.clear();
        let fingerprints = request_ids.iter().enumerate().map(|(row, id)| fingerprint_of(memtable, row, *id));
        self.memtable_rows.fingerprints.extend(fingerprints);
        self.memtable_rows.index();
    }

    /// Records that the memtable was written as `segment`, and that the next memtable is empty.
    pub(crate) fn seal(&mut self, segment: SegmentRow) {
        self.seals += 1;
        let mut unused = None;
        for stored in self.stored.iter_mut().filter(|stored| stored.last_used + MAX_IDLE_SEALS < self.seals) {
            unused = stored.bloom.take().or(unused);
        }
        let bloom = unused.unwrap_or_default().renewed(&self.memtable_rows.fingerprints);
        // Reuse the memory of the index that is no longer among the newest.
        let oldest = self.stored.len().checked_sub(INDEXED_SEGMENTS);
        let oldest = oldest.and_then(|oldest| self.stored[oldest].rows.take());
        let next =
            oldest.unwrap_or_else(|| FingerprintIndex::with_capacity(self.memtable_rows.fingerprints.len()));
        let rows = Some(std::mem::replace(&mut self.memtable_rows, next));
        self.memtable_rows.clear();
        self.stored.push(StoredSegment { segment, bloom: Some(bloom), last_used: self.seals, rows });
    }

    /// Adds the new rows of the memtable. Returns those to be removed, in ascending order; the caller removes them.
    pub(crate) fn add_rows(&mut self, new: &NewRows<'_>) -> Result<Vec<Repeat>, StoreError> {
        let NewRows { connection, keys, memtable, numbers, first_row, request_ids, pruned } = *new;
        let mut repeats = Vec::new();
        let times = &memtable.times[first_row..];
        let (Some(&first), Some(&last)) = (times.iter().min(), times.iter().max()) else {
            return Ok(repeats);
        };
        let mut relevant = Vec::new();
        for (index, stored) in self.stored.iter_mut().enumerate() {
            if stored.segment.time_min <= last && first <= stored.segment.time_max {
                let range = stored.segment.time_min..=stored.segment.time_max;
                if stored.bloom.is_none() {
                    // The time range of the batch may include segments that no row belongs to, for example because
                    // of a single late request.
                    if !times.iter().any(|time| range.contains(time)) {
                        continue;
                    }
                    let fingerprints =
                        DecodedSegment::load(connection, &stored.segment)?.fingerprints(connection)?;
                    stored.bloom = Some(Bloom::new(&fingerprints));
                }
                stored.last_used = self.seals;
                relevant.push(index);
            }
        }

        let rows = (first_row..memtable.rows()).zip(request_ids);
        let fingerprints = rows.map(|(row, id)| fingerprint_of(memtable, row, *id));
        self.memtable_rows.fingerprints.extend(fingerprints);
        let mut found = vec![RowState::New; times.len()];
        pruned.iter().for_each(|row| found[row - first_row] = RowState::Pruned);
        for index in relevant {
            self.stored[index].mark(new, &self.memtable_rows.fingerprints, &mut self.decoded, &mut found)?;
        }
        for (row, mut found) in (first_row..).zip(found) {
            let fingerprint = self.memtable_rows.fingerprints[row];
            if found == RowState::New {
                if self.memtable_rows.insert_if_new(fingerprint, row) {
                    continue;
                }
                for other in self.memtable_rows.of(fingerprint) {
                    if rows_equal(memtable, other, row, keys)? {
                        found = RowState::Memtable(other);
                        break;
                    }
                }
            }
            let of = match found {
                RowState::New => {
                    self.memtable_rows.insert(fingerprint, row);
                    continue;
                }
                RowState::Pruned => None,
                RowState::Stored(number) => Some(number),
                // Account for the rows before it that will be removed.
                RowState::Memtable(other) => {
                    let removed = repeats.partition_point(|repeat: &Repeat| repeat.row < other);
                    Some(numbers.number(other - removed))
                }
            };
            repeats.push(Repeat { row, of });
        }
        if !repeats.is_empty() {
            // The caller removes the repeats: renumber the rest.
            let mut removed = repeats.iter().peekable();
            let mut row = 0;
            self.memtable_rows.fingerprints.retain(|_| {
                row += 1;
                removed.next_if(|removed| removed.row == row - 1).is_none()
            });
            self.memtable_rows.index();
        }
        Ok(repeats)
    }
}

/// Whether two rows of the memtable are those of one record.
fn rows_equal(
    memtable: &Memtable,
    one: usize,
    other: usize,
    keys: &GrowingDictionary,
) -> Result<bool, Damage> {
    let same = memtable.times[one] == memtable.times[other]
        && (0..DIMENSIONS).all(|slot| memtable.code(slot, one) == memtable.code(slot, other))
        && memtable.measures.iter().all(|numbers| numbers[one] == numbers[other]);
    if !same {
        return Ok(false);
    }
    for (slot, field) in DETAIL_FIELDS.into_iter().enumerate() {
        let [one, other] = [memtable.detail(slot, one, keys)?, memtable.detail(slot, other, keys)?];
        if !are_equal(field, one.as_deref(), other.as_deref()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two values of a detail do not distinguish records.
fn are_equal(field: Field, one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    match field {
        // The key itself is compared.
        Field::KeyLogged => true,
        Field::Extra => comparable_extra(one) == comparable_extra(other),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Request, batch};
    use crate::cache::{Appended, Writer, WriterOptions};

    #[test]
    fn repeats_are_found_in_overlapping_segments_despite_false_positives() {
        let folder = tempfile::tempdir().unwrap();
        let options = WriterOptions { segment_rows: 500, ..WriterOptions::default() };
        let mut writer = Writer::open_with(&folder.path().join("cache.db"), options).unwrap();
        let source = writer.source("one").unwrap();
        let mut append = |name: String, seconds: Vec<i64>| -> Appended {
            let requests: Vec<Request> = seconds.into_iter().map(Request::at).collect();
            writer.append(source, &mut batch(&name, &requests, 1, true)).unwrap()
        };
        // Each batch covers the whole time range, so every segment may have every record.
        const PARTS: i64 = 30;
        let seconds = |part: i64| (0..250).map(|number| number * PARTS + part).collect::<Vec<i64>>();
        for part in 0..PARTS {
            assert_eq!(append(format!("new-{part}"), seconds(part)).requests, 250);
        }
        for part in [0, 13, 29] {
            // A few repeats among new records, then only repeats.
            let new = (0..50).map(|number| 100_000 + part * 100 + number);
            let mixed = seconds(part).into_iter().take(3).chain(new).collect();
            let appended = append(format!("mixed-{part}"), mixed);
            assert_eq!((appended.requests, appended.duplicates), (50, 3), "{part}");
            let appended = append(format!("again-{part}"), seconds(part));
            assert_eq!((appended.requests, appended.duplicates), (0, 250), "{part}");
        }
    }

    #[test]
    fn times_and_keys_reject_rows_of_other_times_or_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        crate::cache::testing::filled(&path, "one", (0..3000).map(Request::at));
        let connection = Connection::open(&path).unwrap();
        let times_and_keys = TimesAndKeys::load(&connection, SegmentId::new(1)).unwrap();
        let key = |second: i64| (second % 1000 + 1) as u32;
        let start = crate::cache::testing::START;
        // Present; at another time; of another key.
        let mut rows = vec![
            (0, start + 5, key(5)),
            (1, start + 5000, key(5)),
            (2, start + 6, key(5)),
            (3, start + 2999, key(2999)),
            (4, start + 5, key(7)),
        ];
        times_and_keys.retain(&connection, &mut rows).unwrap();
        assert_eq!(rows.iter().map(|(row, ..)| *row).collect::<Vec<_>>(), [0, 3]);
    }
}
