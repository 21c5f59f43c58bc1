//! Checksums of everything that answers depend on: CRC-32 as zlib computes it. It detects every damage of up to four
//! consecutive bytes, and is as fast as reading memory.
//!
//! The checksum of a row also covers the row's identity, so that it reveals a row in the place of another. The
//! [`Digest`] of a whole set of rows reveals a missing or repeated row.
//!
//! Checksums are stored as signed 32-bit numbers, which never take more than four bytes in SQLite.

use crc32fast::Hasher;

use super::Damage;

pub(crate) const DAMAGE: Damage = Damage("its checksum does not match its bytes");

pub(crate) fn of_bytes(bytes: &[u8]) -> i32 {
    crc32fast::hash(bytes) as i32
}

/// The checksum of numbers: 8 bytes each, lowest first.
pub(crate) fn of_numbers(numbers: &[i64]) -> i32 {
    numbers.iter().fold(RowChecksum::default(), |row, number| row.number(*number)).end()
}

/// The checksum of a value of a dictionary: its bytes, then the numbers of its dimension and its value id.
pub(crate) fn of_value(dimension: i64, id: i64, value: &[u8]) -> i32 {
    let mut hasher = Hasher::new();
    hasher.update(value);
    RowChecksum(hasher).number(dimension).number(id).end()
}

/// Computes the checksum of a row, column by column.
#[derive(Default)]
pub(crate) struct RowChecksum(Hasher);

impl RowChecksum {
    /// Adds a number: 8 bytes, lowest first.
    pub(crate) fn number(mut self, number: i64) -> RowChecksum {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// Adds a number that may be NULL: 0 for NULL, else 1 and the number.
    pub(crate) fn optional(self, number: Option<i64>) -> RowChecksum {
        match number {
            None => self.number(0),
            Some(number) => self.number(1).number(number),
        }
    }

    /// Adds bytes: their length as a number, then the bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> RowChecksum {
        let mut row = self.number(bytes.len() as i64);
        row.0.update(bytes);
        row
    }

    pub(crate) fn end(self) -> i32 {
        self.0.finalize() as i32
    }
}

/// Compares a stored checksum with a computed one. Fails if they differ.
pub(crate) fn verify(stored: i32, computed: i32) -> Result<(), Damage> {
    if stored == computed { Ok(()) } else { Err(DAMAGE) }
}

/// The number of rows of a set and the sum of their checksums, in one number: 2³² per row plus its checksum as an
/// unsigned number. It does not depend on the order of the rows, and can be updated with each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest(pub i64);

impl Digest {
    /// SQL expression for the digest of all rows of a table with a column `crc`.
    pub(crate) const SQL: &str = "coalesce(sum(4294967296 + (crc & 4294967295)), 0)";

    fn of(crc: i32) -> i64 {
        (1 << 32) + i64::from(crc as u32)
    }

    pub(crate) fn add(&mut self, crc: i32) {
        self.0 = self.0.wrapping_add(Digest::of(crc));
    }

    pub(crate) fn remove(&mut self, crc: i32) {
        self.0 = self.0.wrapping_sub(Digest::of(crc));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_detects_a_missing_or_repeated_row() {
        let digest = |crcs: &[i32]| {
            let mut digest = Digest::default();
            crcs.iter().for_each(|crc| digest.add(*crc));
            digest
        };
        let all = digest(&[7, -3, i32::MIN]);
        assert_eq!(all, digest(&[i32::MIN, 7, -3]));
        assert_ne!(all, digest(&[7, -3]));
        assert_ne!(all, digest(&[7, 7, -3, i32::MIN]));
        assert_ne!(all, digest(&[7, 7, i32::MIN]));
        let mut fewer = all;
        fewer.remove(-3);
        assert_eq!(fewer, digest(&[7, i32::MIN]));
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (crc); INSERT INTO t VALUES (7), (-3), (-2147483648)")
            .unwrap();
        let sql = format!("SELECT {} FROM t", Digest::SQL);
        assert_eq!(connection.query_row(&sql, [], |row| row.get(0)), Ok(all.0));
    }

    #[test]
    fn bytes_moved_to_the_next_column_change_the_checksum() {
        let row = |one: &[u8], other: &[u8]| RowChecksum::default().bytes(one).bytes(other).end();
        assert_ne!(row(b"ab", b"c"), row(b"a", b"bc"));
        let optional = |number| RowChecksum::default().optional(number).end();
        assert_ne!(optional(None), optional(Some(0)));
    }
}
