//! The end of a source while it is being written: its memtable, and the stored segment that the memtable replaces.

use rusqlite::{Connection, Transaction};

use super::memtable::{Memtable, SEGMENT_BYTES};
use super::repeats::{Repeat, RepeatFinder};
use super::row_numbers::RowNumbers;
use super::writer::Appended;
use crate::cache::column::Damage;
use crate::cache::dictionary::hash;
use crate::cache::dictionary::published::GrowingDictionary;
use crate::cache::error::StoreError;
use crate::cache::sqlite::catalogue::SourceRow;
use crate::cache::sqlite::log_file_reading::LogFileReading;
use crate::cache::sqlite::root::Root;
use crate::cache::sqlite::segment_rows::SegmentRow;
use crate::cache::sqlite::segments::{delete_segment, insert_segment, load_segment};
use crate::log::Field;

/// The end of the source that is being written.
pub(in crate::cache) struct Tail {
    pub(super) source: i64,
    pub(super) numbers: RowNumbers,
    pub(super) segment: Memtable,
    /// The stored segment that has the first `committed` rows of the memtable.
    pub(super) stored: Option<i64>,
    pub(super) committed: usize,
    pub(super) repeats: RepeatFinder,
    /// Whether requests of any log file of the source were pruned: they must not be added again.
    pub(super) has_pruned: bool,
}

/// Writes the memtable as a segment. It replaces the segment that has its first rows.
pub(super) fn write_segment(
    transaction: &Transaction<'_>,
    root: &mut Root,
    tail: &mut Tail,
    keys: &GrowingDictionary,
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

/// Reads the end of a source. If its last segment is not full, it becomes the memtable.
pub(super) fn load_tail(
    connection: &Connection,
    source: i64,
    keys: &GrowingDictionary,
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
        segment: Memtable::default(),
        stored: None,
        committed: 0,
        repeats: RepeatFinder::new(segments),
        has_pruned,
    };
    if let Some(small) = small {
        tail.segment = load_segment(connection, small.id, small.rows)?;
        tail.stored = Some(small.id);
        tail.committed = tail.segment.rows();
        tail.numbers = small.numbers;
        let request_ids = request_ids(&tail.segment, keys)
            .map_err(|damage| StoreError::from(damage).at(format_args!("segment {}", small.id)))?;
        tail.repeats.resume(&tail.segment, &request_ids);
    }
    Ok(tail)
}

fn request_ids(segment: &Memtable, keys: &GrowingDictionary) -> Result<Vec<u64>, Damage> {
    let slot = crate::cache::column::layout::slot(Field::RequestId);
    (0..segment.rows())
        .map(|row| Ok(hash(segment.detail(slot, row, keys)?.as_deref().unwrap_or_default())))
        .collect()
}

/// The rows of a batch in the memtable, without those that were removed.
pub(super) struct RowAssignment<'r> {
    /// The next row, removed ones counted.
    pub(super) next: usize,
    /// The row number of the next row that was not removed.
    pub(super) number: u64,
    /// Rows that were removed, from the next row on.
    pub(super) repeats: &'r [Repeat],
}

impl RowAssignment<'_> {
    /// Assigns the next rows to their log file. Consecutive lines from `line` on gave them.
    pub(super) fn add_requests(
        &mut self,
        mut line: u64,
        rows: usize,
        file: &mut LogFileReading,
        appended: &mut Appended,
    ) {
        let end = self.next + rows;
        while self.next < end {
            let removed = self.repeats.first().filter(|repeat| repeat.row < end);
            let kept = removed.map_or(end, |repeat| repeat.row) - self.next;
            if kept > 0 {
                file.add_requests(line, self.number, kept as u64);
                appended.requests += kept as u64;
                self.number += kept as u64;
                line += kept as u64;
                self.next += kept;
            }
            if let Some(removed) = removed {
                if let Some(number) = removed.of {
                    appended.duplicates += u64::from(file.add_repeat(line, number));
                }
                self.repeats = &self.repeats[1..];
                line += 1;
                self.next += 1;
            }
        }
    }
}
