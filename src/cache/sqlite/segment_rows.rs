//! The rows of the tables `segment` and `removed`.

use crate::cache::ids::{SegmentId, SourceId};
use rusqlite::{Connection, Row, params};

use super::root::{self, Root};
use crate::cache::column::checksum::{self, RowChecksum};
use crate::cache::{column::Damage, error::StoreError, write::row_numbers::RowNumbers};

/// Limit of the row numbers that a segment covers; real segments have fewer.
const MAX_ROW_NUMBERS: usize = 1 << 24;

/// A row of the table `segment`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SegmentRow {
    pub id: SegmentId,
    pub source: SourceId,
    pub rows: usize,
    pub numbers: RowNumbers,
    /// Times of its oldest and its newest request.
    pub time_min: i64,
    pub time_max: i64,
    /// Bytes of its columns.
    pub bytes: u64,
}

impl SegmentRow {
    /// The rows of all segments, by source and in the order of their row numbers.
    pub(crate) fn all(connection: &Connection) -> Result<Vec<SegmentRow>, StoreError> {
        SegmentRow::all_of(connection, &Root::read(connection)?)
    }

    /// The rows of all segments. `root` was read in the same transaction.
    pub(crate) fn all_of(connection: &Connection, root: &Root) -> Result<Vec<SegmentRow>, StoreError> {
        let sql =
            "SELECT id, source_id, first_row, rows, numbers, time_min, time_max, bytes, crc, gone FROM segment
             ORDER BY source_id, first_row";
        let read = |row: &Row<'_>| Ok((row.get(8)?, SegmentRow::read(row)?));
        let (all, digest) = root::read_all(connection, sql, [], read)?;
        root::is_complete(digest, root.segments)?;
        Ok(all)
    }

    /// The row of a segment.
    pub(crate) fn find(connection: &Connection, id: SegmentId) -> Result<SegmentRow, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT id, source_id, first_row, rows, numbers, time_min, time_max, bytes, crc, gone FROM segment
             WHERE id = ?1",
        )?;
        let mut rows = statement.query([id])?;
        SegmentRow::read(rows.next()?.ok_or(Damage("it is missing"))?)
    }

    fn read(row: &Row<'_>) -> Result<SegmentRow, StoreError> {
        let gone = row.get_ref(9)?.as_blob_or_null().map_err(|_| checksum::DAMAGE)?;
        let mut numbers: [i64; 8] = [0; 8];
        for (index, number) in numbers.iter_mut().enumerate() {
            *number = row.get(index)?;
        }
        checksum::verify(row.get(8)?, crc(&numbers, gone))?;
        let [id, source, first_row, rows, covered, time_min, time_max, bytes] = numbers;
        let is_possible = (1..=MAX_ROW_NUMBERS as i64).contains(&rows)
            && (rows..=MAX_ROW_NUMBERS as i64).contains(&covered)
            && first_row >= 0
            && time_min <= time_max;
        if !is_possible {
            return Err(Damage("a segment has an impossible size or time").into());
        }
        let rows = rows as usize;
        let numbers = RowNumbers::open(first_row as u64, covered as usize, rows, gone)?;
        let (id, source) = (SegmentId::new(id), SourceId::new(source));
        Ok(SegmentRow { id, source, rows, numbers, time_min, time_max, bytes: bytes as u64 })
    }

    /// Inserts the row.
    pub(crate) fn insert(&self, transaction: &Connection) -> rusqlite::Result<()> {
        let SegmentRow { id, source, rows, numbers, time_min, time_max, bytes } = self;
        let covered = numbers.span(*rows) as i64;
        let gone = numbers.gone_bytes();
        let (first_row, rows, bytes) = (numbers.first as i64, *rows as i64, *bytes as i64);
        let columns = [id.get(), source.get(), first_row, rows, covered, *time_min, *time_max, bytes];
        let crc = crc(&columns, gone.as_deref());
        transaction
            .prepare_cached(
                "INSERT INTO segment (id, source_id, first_row, rows, numbers, time_min, time_max, bytes, crc,
                     gone)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![id, source, first_row, rows, covered, time_min, time_max, bytes, crc, gone])?;
        Ok(())
    }
}

/// Checksum of a row of `segment`.
fn crc(columns: &[i64; 8], gone: Option<&[u8]>) -> i32 {
    let row = columns.iter().fold(RowChecksum::default(), |row, number| row.number(*number));
    match gone {
        None => row.number(0),
        Some(gone) => row.number(1).bytes(gone),
    }
    .end()
}

/// A range of row numbers whose whole segment was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RemovedRow {
    pub source: SourceId,
    pub first_row: i64,
    pub rows: i64,
}

impl RemovedRow {
    /// The ranges of a source, in ascending order.
    pub(crate) fn of_source(
        connection: &Connection,
        source: SourceId,
    ) -> Result<Vec<RemovedRow>, StoreError> {
        let sql =
            "SELECT source_id, first_row, rows, crc FROM removed WHERE source_id = ?1 ORDER BY first_row";
        let (all, _) = root::read_all(connection, sql, [source], |row| {
            let removed = RemovedRow { source: row.get(0)?, first_row: row.get(1)?, rows: row.get(2)? };
            checksum::verify(row.get(3)?, removed.crc())?;
            Ok((removed.crc(), removed))
        })?;
        Ok(all)
    }

    /// Inserts the row, or extends the range that ends where this one begins.
    pub(crate) fn add(self, transaction: &Connection) -> Result<(), StoreError> {
        let previous = RemovedRow::of_source(transaction, self.source)?
            .into_iter()
            .find(|range| range.first_row + range.rows == self.first_row);
        let joined = match previous {
            None => self,
            Some(previous) => RemovedRow { rows: previous.rows + self.rows, ..previous },
        };
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO removed (source_id, first_row, rows, crc) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![joined.source, joined.first_row, joined.rows, joined.crc()])?;
        Ok(())
    }

    fn crc(self) -> i32 {
        checksum::of_numbers(&[self.source.get(), self.first_row, self.rows])
    }
}
