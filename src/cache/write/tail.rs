//! The end of a source while it is being written: its memtable, and the stored segment that the memtable replaces.

use rusqlite::{Connection, Transaction};

use super::memtable::{Memtable, SEGMENT_BYTES};
use super::repeats::{Repeat, RepeatFinder};
use super::{row_numbers::RowNumbers, writer::Appended};
use crate::cache::sqlite::segments::{delete_segment, insert_segment, load_segment};
use crate::cache::{
    SegmentId, SourceId, column::Damage, column::layout::slot, dictionary::hash,
    dictionary::published::GrowingDictionary, error::StoreError, sqlite::catalogue::SourceRow,
    sqlite::log_file_reading::LogFileReading, sqlite::root::Root, sqlite::segment_rows::SegmentRow,
};
use crate::log::Field;

/// The end of the source that is being written.
pub(in crate::cache) struct Tail {
    pub(super) source: SourceId,
    pub(super) numbers: RowNumbers,
    pub(super) memtable: Memtable,
    /// The stored segment that has the first `committed` rows of the memtable.
    pub(super) stored_segment: Option<SegmentId>,
    pub(super) committed: usize,
    pub(super) repeats: RepeatFinder,
    /// Whether requests of any log file of the source were pruned: they must not be added again.
    pub(super) has_pruned: bool,
}

/// Writes the memtable as a segment, which replaces the stored segment that has its first rows.
pub(super) fn write_segment(
    transaction: &Transaction<'_>,
    root: &mut Root,
    tail: &mut Tail,
    keys: &GrowingDictionary,
) -> Result<SegmentId, StoreError> {
    if let Some(old) = tail.stored_segment {
        delete_segment(transaction, old)?;
    }
    let Tail { source, numbers, memtable, .. } = tail;
    let id = insert_segment(transaction, root, (*source, numbers.clone()), memtable, keys)?;
    let mut row = SourceRow::find(transaction, *source)?;
    row.next_row = numbers.range(memtable.rows()).end as i64;
    row.save(transaction)?;
    Ok(id)
}

/// Reads the end of a source. If its last segment is not full, it becomes the memtable.
pub(super) fn load_tail(
    connection: &Connection,
    source: SourceId,
    keys: &GrowingDictionary,
    segment_rows: usize,
) -> Result<Tail, StoreError> {
    let next_row = SourceRow::find(connection, source)?.next_row as u64;
    let mut segments = SegmentRow::all(connection)?;
    segments.retain(|segment| segment.source == source);
    let unfinished = segments.pop_if(|last| {
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
        memtable: Memtable::default(),
        stored_segment: None,
        committed: 0,
        repeats: RepeatFinder::new(segments),
        has_pruned,
    };
    if let Some(unfinished) = unfinished {
        tail.memtable = load_segment(connection, unfinished.id, unfinished.rows)?;
        tail.stored_segment = Some(unfinished.id);
        tail.committed = tail.memtable.rows();
        tail.numbers = unfinished.numbers;
        let request_ids = request_id_hashes(&tail.memtable, keys)
            .map_err(|damage| StoreError::from(damage).at(format_args!("segment {}", unfinished.id)))?;
        tail.repeats.resume(&tail.memtable, &request_ids);
    }
    Ok(tail)
}

fn request_id_hashes(memtable: &Memtable, keys: &GrowingDictionary) -> Result<Vec<u64>, Damage> {
    let slot = slot(Field::RequestId);
    (0..memtable.rows())
        .map(|row| Ok(hash(memtable.detail(slot, row, keys)?.as_deref().unwrap_or_default())))
        .collect()
}

/// Assigns the rows of a batch in the memtable to log files. Skips the removed rows.
pub(super) struct RowAssignment<'r> {
    /// The next row, counting removed rows.
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
            let added = removed.map_or(end, |repeat| repeat.row) - self.next;
            if added > 0 {
                file.add_requests(line, self.number, added as u64);
                appended.requests += added as u64;
                self.number += added as u64;
                line += added as u64;
                self.next += added;
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
