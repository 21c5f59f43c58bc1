//! Stored segments: writing, deleting, reading, and rewriting without some of their requests.

use crate::cache::ids::{SegmentId, SourceId};
use rusqlite::{Connection, Transaction};

use super::root::Root;
use super::segment_rows::{RemovedRow, SegmentRow};
use crate::cache::column::layout::{DETAIL_FIELDS, DIMENSION_FIELDS, DIMENSIONS, MEASURE_FIELDS};
use crate::cache::write::memtable::{Memtable, code_to_time};
use crate::cache::{
    column::Damage, column::chunk, column::integers::Integers, column::text::split,
    dictionary::published::GrowingDictionary, error::StoreError, write::row_numbers::RowNumbers,
};
use crate::log::Field;

/// Writes a memtable as a segment of a source with these row numbers. Returns its id.
pub(in crate::cache) fn insert_segment(
    transaction: &Transaction<'_>,
    root: &mut Root,
    (source, numbers): (SourceId, RowNumbers),
    segment: &mut Memtable,
    keys: &GrowingDictionary,
) -> Result<SegmentId, StoreError> {
    let (time_min, time_max) = segment.time_range().unwrap_or((0, 0));
    root.newest_segment += 1;
    let id = SegmentId::new(root.newest_segment);
    let (rows, mut bytes) = (segment.rows(), 0);
    segment.pack(keys, |column| {
        bytes += chunk::insert(transaction, id, column)?;
        Ok::<_, StoreError>(())
    })?;
    SegmentRow { id, source, rows, numbers, time_min, time_max, bytes }.insert(transaction)?;
    Ok(id)
}

pub(in crate::cache) fn delete_segment(transaction: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM column_chunk WHERE id BETWEEN ?1 AND ?1 + 63")?
        .execute([id.get() * 64])?;
    transaction.prepare_cached("DELETE FROM segment WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Removes rows, given in ascending order, of a stored segment. The rest is written under a new id.
pub(in crate::cache) fn remove_rows(
    transaction: &Transaction<'_>,
    root: &mut Root,
    segment: &SegmentRow,
    rows: &[usize],
    keys: &GrowingDictionary,
) -> Result<(), StoreError> {
    let range = segment.numbers.range(segment.rows);
    if rows.len() == segment.rows {
        delete_segment(transaction, segment.id)?;
        let (first_row, rows) = (range.start as i64, (range.end - range.start) as i64);
        return RemovedRow { source: segment.source, first_row, rows }.add(transaction);
    }
    let place = format!("segment {}", segment.id);
    let mut open = load_segment(transaction, segment.id, segment.rows)?;
    open.remove(rows, keys).map_err(|damage| StoreError::from(damage).at(place))?;
    let mut numbers = segment.numbers.clone();
    numbers.remove(rows);
    delete_segment(transaction, segment.id)?;
    insert_segment(transaction, root, (segment.source, numbers), &mut open, keys)?;
    Ok(())
}

/// Reads a stored segment into a memtable.
pub(in crate::cache) fn load_segment(
    connection: &Connection,
    id: SegmentId,
    rows: usize,
) -> Result<Memtable, StoreError> {
    let damaged = |damage| StoreError::from(damage).at(format_args!("segment {id}"));
    let read = |field: Field| read_column(connection, id, field);
    let numbers = |field: Field| {
        Integers::open(read(field)?).and_then(|column| column.into_rows(rows)).map_err(damaged)
    };
    let mut segment = Memtable::default();
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
            return Err(damaged(Damage("a column and its segment differ in their numbers of rows")));
        }
    }
    Ok(segment)
}

/// Reads the bytes of a column of a stored segment.
pub(in crate::cache) fn read_column(
    connection: &Connection,
    segment: SegmentId,
    field: Field,
) -> Result<Vec<u8>, StoreError> {
    let read = chunk::read(connection, segment, field).map(|(_, bytes)| bytes);
    read.map_err(|error| error.at(format_args!("segment {segment}, column {}", field.name())))
}
