//! Stored segments that new rows are compared with: decoded ([`DecodedSegment`]), or only their times and keys
//! ([`TimesAndKeys`]).

use hashbrown::{HashMap, HashTable};
use rusqlite::Connection;

use super::{are_equal, fingerprint};
use crate::cache::column::integers::{BLOCK, Integers};
use crate::cache::column::layout::{DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, MEASURE_FIELDS, slot};
use crate::cache::column::layout::{KEY_SLOT, OPERATION_SLOT};
use crate::cache::column::text::{TextPage, split};
use crate::cache::write::memtable::{Memtable, code_to_time, time_to_code};
use crate::cache::{
    column::Damage, dictionary::hash, dictionary::published::GrowingDictionary, error::StoreError,
    ids::SegmentId, sqlite::segment_rows::SegmentRow, sqlite::segments::read_column,
};
use crate::log::Field;

/// A decoded segment.
pub(super) struct DecodedSegment {
    pub(super) id: SegmentId,
    columns: Vec<Integers>,
    /// Rows by time, key and operation.
    rows: HashTable<u32>,
    /// The details read so far, in a memtable that otherwise has keys only. Details take nine tenths of
    /// the bytes of a segment, and nearly always the request id suffices.
    details: Memtable,
    /// Which details were read.
    has_detail: [bool; DETAILS],
}

fn in_segment(id: SegmentId, damage: Damage) -> StoreError {
    StoreError::from(damage).at(format_args!("segment {id}"))
}

fn open_column(
    connection: &Connection,
    id: SegmentId,
    field: Field,
    rows: usize,
) -> Result<Integers, StoreError> {
    let column = Integers::open(read_column(connection, id, field)?);
    let column = column.map_err(|damage| in_segment(id, damage))?;
    if column.rows() != rows {
        return Err(in_segment(id, Damage("a column and its segment differ in their numbers of rows")));
    }
    Ok(column)
}

/// Order of `columns`: time, dimensions, measures.
const TIME: usize = 0;
const FIRST_DIMENSION: usize = 1;
const FIRST_MEASURE: usize = 1 + DIMENSION_FIELDS.len();

impl DecodedSegment {
    pub(super) fn load(connection: &Connection, segment: &SegmentRow) -> Result<DecodedSegment, StoreError> {
        let (id, rows) = (segment.id, segment.rows);
        let mut columns = Vec::new();
        for field in [Field::Time].into_iter().chain(DIMENSION_FIELDS).chain(MEASURE_FIELDS) {
            columns.push(open_column(connection, id, field, rows)?);
        }
        let mut details = Memtable::default();
        details.codes[KEY_SLOT] =
            columns[FIRST_DIMENSION + KEY_SLOT].to_vec().into_iter().map(|code| code as u32).collect();
        let times = columns[TIME].to_vec();
        let operations = columns[FIRST_DIMENSION + OPERATION_SLOT].to_vec();
        let mut rows = HashTable::with_capacity(times.len());
        let hash_of = |row: usize| {
            fingerprint(0, code_to_time(times[row]), details.codes[KEY_SLOT][row], operations[row] as u32)
        };
        for row in 0..times.len() {
            rows.insert_unique(hash_of(row), row as u32, |row| hash_of(*row as usize));
        }
        Ok(DecodedSegment { id, columns, rows, details, has_detail: [false; DETAILS] })
    }

    /// Approximate bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let columns: usize = self.columns.iter().map(Integers::memory).sum();
        columns + self.rows.allocation_size() + self.details.text_memory()
    }

    /// Reads a detail, unless it was read before.
    fn load_detail(&mut self, connection: &Connection, slot: usize) -> Result<(), StoreError> {
        if !self.has_detail[slot] {
            let column = read_column(connection, self.id, DETAIL_FIELDS[slot])?;
            self.details.details[slot] = split(&column).map_err(|damage| in_segment(self.id, damage))?;
            self.has_detail[slot] = true;
        }
        Ok(())
    }

    pub(super) fn fingerprints(&mut self, connection: &Connection) -> Result<Vec<u64>, StoreError> {
        let request_id = slot(Field::RequestId);
        self.load_detail(connection, request_id)?;
        let times = self.columns[TIME].to_vec();
        let operations = self.columns[FIRST_DIMENSION + OPERATION_SLOT].to_vec();
        let mut fingerprints = Vec::with_capacity(times.len());
        let mut row = 0;
        for page in &self.details.details[request_id] {
            let open = TextPage::open(page).map_err(|damage| in_segment(self.id, damage))?;
            for in_page in 0..page.rows {
                let id = open.get(in_page, || None).map_err(|damage| in_segment(self.id, damage))?;
                if row >= times.len() {
                    return Err(in_segment(self.id, Damage("more request ids than rows")));
                }
                fingerprints.push(fingerprint(
                    hash(id.as_deref().unwrap_or_default()),
                    code_to_time(times[row]),
                    self.details.codes[KEY_SLOT][row],
                    operations[row] as u32,
                ));
                row += 1;
            }
        }
        Ok(fingerprints)
    }

    /// The row of this segment that equals a row of the memtable.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        segment: &Memtable,
        row: usize,
        keys: &GrowingDictionary,
    ) -> Result<Option<usize>, StoreError> {
        let id = self.id;
        let damaged = |damage| in_segment(id, damage);
        let time = segment.times[row];
        let hash = fingerprint(0, time, segment.codes[KEY_SLOT][row], segment.codes[OPERATION_SLOT][row]);
        let candidates: Vec<u32> = self.rows.iter_hash(hash).copied().collect();
        'candidates: for other in candidates {
            let other = other as usize;
            if code_to_time(self.columns[TIME].get(other)) != time {
                continue;
            }
            for slot in 0..DIMENSION_FIELDS.len() {
                if self.columns[FIRST_DIMENSION + slot].get(other) != u64::from(segment.code(slot, row)) {
                    continue 'candidates;
                }
            }
            for (slot, numbers) in segment.measures.iter().enumerate() {
                if self.columns[FIRST_MEASURE + slot].get(other) != numbers[row] {
                    continue 'candidates;
                }
            }
            for (slot, field) in DETAIL_FIELDS.into_iter().enumerate() {
                self.load_detail(connection, slot)?;
                let stored = self.details.detail(slot, other, keys).map_err(damaged)?;
                let new = segment.detail(slot, row, keys).map_err(damaged)?;
                if !are_equal(field, stored.as_deref(), new.as_deref()) {
                    continue 'candidates;
                }
            }
            return Ok(Some(other));
        }
        Ok(None)
    }
}

/// The times and keys of a stored segment. They reject nearly all of the filter's false positives, at a
/// hundredth of the cost of decoding the segment.
pub(super) struct TimesAndKeys {
    id: SegmentId,
    times: Integers,
}

impl TimesAndKeys {
    pub(super) fn load(connection: &Connection, id: SegmentId) -> Result<TimesAndKeys, StoreError> {
        let times = Integers::open(read_column(connection, id, Field::Time)?);
        Ok(TimesAndKeys { id, times: times.map_err(|damage| in_segment(id, damage))? })
    }

    /// Retains the rows (row, time, value id of the key) that may be in the segment.
    pub(super) fn retain(
        &self,
        connection: &Connection,
        rows: &mut Vec<(usize, i64, u32)>,
    ) -> Result<(), StoreError> {
        let mut wanted: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, (_, time, _)) in rows.iter().enumerate() {
            wanted.entry(time_to_code(*time)).or_default().push(index);
        }
        // Most times of the segment are not those of a candidate: a bit set by their lowest bits rejects them at once.
        let mut bits = [false; 1024];
        wanted.keys().for_each(|time| bits[*time as usize % bits.len()] = true);
        let mut keys = None;
        let mut found = vec![false; rows.len()];
        let mut times = [0; BLOCK];
        for block in 0..self.times.rows().div_ceil(BLOCK) {
            self.times.unpack_u64(block, &mut times);
            let count = BLOCK.min(self.times.rows() - block * BLOCK);
            for (at, time) in times[..count].iter().enumerate() {
                if !bits[*time as usize % bits.len()] {
                    continue;
                }
                let Some(indices) = wanted.get(time) else { continue };
                let keys = match &keys {
                    Some(keys) => keys,
                    None => keys.insert(open_column(connection, self.id, Field::Key, self.times.rows())?),
                };
                let key = keys.get(block * BLOCK + at);
                for index in indices {
                    found[*index] |= u64::from(rows[*index].2) == key;
                }
            }
        }
        let mut found = found.into_iter();
        rows.retain(|_| found.next().unwrap_or(true));
        Ok(())
    }
}
