//! The rows of the table `column_chunk`: each has one column of one segment, with its checksums.
//!
//! `data_crc` is the checksum of the column's bytes. For a text column it covers only the directory, which has a checksum
//! per page, so that one page can be read without the others. `crc` is the checksum of the rest of the row, so that the
//! bounds can be trusted without reading the column.

use crate::cache::ids::SegmentId;
use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, params};

use super::layout::DETAIL_FIELDS;
use super::text::Directory;
use super::value_set::ValueSet;
use super::{Damage, checksum};
use crate::cache::error::StoreError;
use crate::cache::sqlite::schema::chunk_id;
use crate::cache::write::memtable::PackedColumn;
use crate::log::Field;

/// Columns of at least this many bytes are written in pieces: SQLite copies a bound blob three times.
const MIN_PIECEWISE_BYTES: usize = 64 << 10;

type Stored<T> = Result<T, StoreError>;

/// The smallest and largest number or code of a column, and the checksum of its bytes or its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub low: i64,
    pub high: i64,
    pub data_crc: i32,
}

impl Head {
    fn crc(&self, id: i64) -> i32 {
        checksum::of_numbers(&[id, self.low, self.high, self.data_crc.into()])
    }

    /// Reads the columns `low`, `high`, `data_crc` and `crc` of a row.
    fn read(id: i64, row: &rusqlite::Row<'_>) -> Stored<Head> {
        let head = Head { low: row.get(0)?, high: row.get(1)?, data_crc: row.get(2)? };
        checksum::verify(row.get(3)?, head.crc(id))?;
        Ok(head)
    }
}

/// Writes a column of a segment. Returns its length in bytes.
pub(crate) fn insert(connection: &Connection, segment: SegmentId, column: PackedColumn<'_>) -> Stored<u64> {
    let PackedColumn { field, low, high, value_set, bytes, pages } = column;
    let id = chunk_id(segment, field);
    let head = Head { low, high, data_crc: checksum::of_bytes(bytes) };
    let value_set = value_set.map(|set| set.to_bytes(id));
    let mut insert = connection.prepare_cached(
        "INSERT INTO column_chunk (id, low, high, crc, data_crc, presence, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let pieces = || [bytes].into_iter().chain(pages.iter().map(|page| page.bytes.as_slice()));
    let length: usize = pieces().map(<[u8]>::len).sum();
    if length < MIN_PIECEWISE_BYTES {
        let mut data = Vec::with_capacity(length);
        pieces().for_each(|piece| data.extend_from_slice(piece));
        insert.execute(params![id, low, high, head.crc(id), head.data_crc, value_set, data])?;
        return Ok(length as u64);
    }
    let zeros = ZeroBlob(length as u64);
    insert.execute(params![id, low, high, head.crc(id), head.data_crc, value_set, zeros])?;
    let mut blob = connection.blob_open("main", "column_chunk", "data", id, false)?;
    let mut at = 0;
    for piece in pieces() {
        blob.write_all_at(piece, at)?;
        at += piece.len();
    }
    blob.close()?;
    Ok(length as u64)
}

/// The value set of a column; `None` if none is stored.
pub(crate) fn value_set(
    connection: &Connection,
    segment: SegmentId,
    field: Field,
) -> Stored<Option<ValueSet>> {
    let mut statement = connection.prepare_cached("SELECT presence FROM column_chunk WHERE id = ?1")?;
    let id = chunk_id(segment, field);
    let mut rows = statement.query([id])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    match row.get_ref(0)?.as_blob_or_null() {
        Ok(Some(bytes)) => Ok(Some(ValueSet::open(bytes, id)?)),
        Ok(None) => Ok(None),
        Err(_) => Err(Damage("its value set is not a blob").into()),
    }
}

/// The bounds of a column and the checksum of its bytes, which are not read.
pub(crate) fn head(connection: &Connection, segment: SegmentId, field: Field) -> Stored<Head> {
    let id = chunk_id(segment, field);
    let mut statement =
        connection.prepare_cached("SELECT low, high, data_crc, crc FROM column_chunk WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    Head::read(id, rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}

/// The bytes of a column, not yet compared with their checksum. The comparison takes time; other threads can use the
/// connection meanwhile.
pub(crate) struct Unverified {
    field: Field,
    head: Head,
    bytes: Vec<u8>,
}

impl Unverified {
    /// Returns the bytes if they match their checksum. For a text column, only the directory is compared:
    /// [`text::split`](super::text::split) compares the pages.
    pub(crate) fn verify(self) -> Result<Vec<u8>, Damage> {
        checksum::verify(self.head.data_crc, data_crc(self.field, &self.bytes)?)?;
        Ok(self.bytes)
    }
}

/// Reads the bytes of a column without a comparison with their checksum.
pub(crate) fn read_unverified(
    connection: &Connection,
    segment: SegmentId,
    field: Field,
) -> Stored<Unverified> {
    let head = head(connection, segment, field)?;
    // A statement would copy the bytes once more.
    let blob = connection.blob_open("main", "column_chunk", "data", chunk_id(segment, field), true)?;
    let mut bytes = vec![0; blob.len()];
    blob.read_at_exact(&mut bytes, 0)?;
    Ok(Unverified { field, head, bytes })
}

/// Reads the head and the bytes of a column. For a text column, only the directory is compared with its checksum:
/// [`text::split`](super::text::split) compares the pages.
pub(crate) fn read(connection: &Connection, segment: SegmentId, field: Field) -> Stored<(Head, Vec<u8>)> {
    let column = read_unverified(connection, segment, field)?;
    let head = column.head;
    Ok((head, column.verify()?))
}

fn data_crc(field: Field, bytes: &[u8]) -> Result<i32, Damage> {
    let is_text = DETAIL_FIELDS.contains(&field);
    let length = if is_text { Directory::read(bytes)?.length } else { bytes.len() };
    Ok(checksum::of_bytes(&bytes[..length]))
}
