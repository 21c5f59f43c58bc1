//! One column of one segment as it lies in the file: written and read with its checksums.
//!
//! `data_crc` is that of the bytes; of a column of text only that of its directory, which has one per
//! page, so that one page can be read without the rest. `crc` is that of all else in the row, so that
//! the bounds can be trusted without reading the column.

use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, params};

use super::checksum;
use super::layout::DETAIL_FIELDS;
use super::value_set::Presence;
use super::{Damage, text};
use crate::cache::error::StoreError;
use crate::cache::sqlite::schema::chunk_id;
use crate::cache::write::memtable::PackedColumn;
use crate::log::Field;

/// Columns from this size on are written piece by piece. SQLite copies what it is given at once three times, whole.
const LARGE: usize = 64 << 10;

/// Bytes of a column read between two looks at whether it is still wanted.
const MAX_JOINED_VALUES: usize = 1 << 20;

/// What stands beside the bytes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its smallest number.
    pub low: i64,
    /// Its largest.
    pub high: i64,
    /// Checksum of its bytes, or of their directory.
    pub data_crc: i32,
}

impl Head {
    fn crc(&self, id: i64) -> i32 {
        checksum::of_numbers(&[id, self.low, self.high, self.data_crc.into()])
    }

    /// From the columns `low`, `high`, `data_crc` and `crc` of a row.
    fn take(id: i64, row: &rusqlite::Row<'_>) -> Result<Head, StoreError> {
        let head = Head { low: row.get(0)?, high: row.get(1)?, data_crc: row.get(2)? };
        checksum::is_same(row.get(3)?, head.crc(id))?;
        Ok(head)
    }
}

/// Writes a column of a segment; how many bytes it has.
pub fn insert(connection: &Connection, segment: i64, column: PackedColumn<'_>) -> Result<u64, StoreError> {
    let PackedColumn { field, low, high, presence, bytes, pages } = column;
    let id = chunk_id(segment, field);
    let head = Head { low, high, data_crc: checksum::of_bytes(bytes) };
    let presence = presence.map(|presence| presence.to_bytes(id));
    let mut insert = connection.prepare_cached(
        "INSERT INTO column_chunk (id, low, high, crc, data_crc, presence, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let pieces = || [bytes].into_iter().chain(pages.iter().map(|page| page.bytes.as_slice()));
    let length: usize = pieces().map(<[u8]>::len).sum();
    if length < LARGE {
        let mut data = Vec::with_capacity(length);
        pieces().for_each(|piece| data.extend_from_slice(piece));
        insert.execute(params![id, low, high, head.crc(id), head.data_crc, presence, data])?;
        return Ok(length as u64);
    }
    let room = ZeroBlob(length as u64);
    insert.execute(params![id, low, high, head.crc(id), head.data_crc, presence, room])?;
    let mut blob = connection.blob_open("main", "column_chunk", "data", id, false)?;
    let mut at = 0;
    for piece in pieces() {
        blob.write_all_at(piece, at)?;
        at += piece.len();
    }
    blob.close()?;
    Ok(length as u64)
}

/// Which ids are in a column, if that is noted.
pub fn presence(connection: &Connection, segment: i64, field: Field) -> Result<Option<Presence>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT presence FROM column_chunk WHERE id = ?1")?;
    let id = chunk_id(segment, field);
    let mut rows = statement.query([id])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    match row.get_ref(0)?.as_blob_or_null() {
        Ok(Some(bytes)) => Ok(Some(Presence::open(bytes, id)?)),
        Ok(None) => Ok(None),
        Err(_) => Err(Damage("a set of ids that is no blob").into()),
    }
}

/// What stands beside the bytes of a column, without reading them.
pub fn head(connection: &Connection, segment: i64, field: Field) -> Result<Head, StoreError> {
    let id = chunk_id(segment, field);
    let mut statement =
        connection.prepare_cached("SELECT low, high, data_crc, crc FROM column_chunk WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    Head::take(id, rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}

/// A column as it lies in the file, not compared with its checksum yet: that takes time, and others wait for
/// the connection meanwhile.
pub struct Unverified {
    field: Field,
    head: Head,
    bytes: Vec<u8>,
}

impl Unverified {
    /// The column. The pages of one of text are still to be compared with its directory.
    pub fn verify(self) -> Result<Vec<u8>, Damage> {
        checksum::is_same(self.head.data_crc, data_crc(self.field, &self.bytes)?)?;
        Ok(self.bytes)
    }
}

/// Reads a column as it lies in the file; `None` if it was no longer worth the while.
pub fn take(
    connection: &Connection,
    segment: i64,
    field: Field,
    is_worth_it: &dyn Fn() -> bool,
) -> Result<Option<Unverified>, StoreError> {
    let id = chunk_id(segment, field);
    let head = head(connection, segment, field)?;
    // Past the statement, which would copy the bytes once more.
    let blob = connection.blob_open("main", "column_chunk", "data", id, true)?;
    let mut bytes = vec![0; blob.len()];
    for (index, piece) in bytes.chunks_mut(MAX_JOINED_VALUES).enumerate() {
        if index > 0 && !is_worth_it() {
            return Ok(None);
        }
        blob.read_at_exact(piece, index * MAX_JOINED_VALUES)?;
    }
    Ok(Some(Unverified { field, head, bytes }))
}

/// A whole column. The pages of one of text are still to be compared with its directory:
/// [`text::split`] does.
pub fn read(connection: &Connection, segment: i64, field: Field) -> Result<(Head, Vec<u8>), StoreError> {
    let taken = take(connection, segment, field, &|| true)?;
    let taken = taken.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let head = taken.head;
    Ok((head, taken.verify()?))
}

fn data_crc(field: Field, bytes: &[u8]) -> Result<i32, Damage> {
    if DETAIL_FIELDS.contains(&field) {
        let directory = text::directory(bytes)?;
        Ok(checksum::of_bytes(&bytes[..directory.length]))
    } else {
        Ok(checksum::of_bytes(bytes))
    }
}
