//! Checksums of everything that answers depend on: CRC-32 (that of zlib), because it detects every single
//! damaged byte and every run of damage up to four bytes, and keeps up with memory.
//!
//! A checksum covers the identity of a row too, so that a row found in place of another is noticed. What no row
//! can say of itself, that another row is missing or occurs twice, is said by the [`Digest`] of a set of rows.
//!
//! Checksums are stored as signed numbers of 32 bits: SQLite then never needs more than four bytes for one.

use crc32fast::Hasher;

use super::Damage;

/// The damage that a wrong checksum shows.
pub const DAMAGE: Damage = Damage("its bytes are not those that were written: their checksum says so");

/// Checksum of bytes.
pub fn of_bytes(bytes: &[u8]) -> i32 {
    crc32fast::hash(bytes) as i32
}

/// Checksum of numbers: 8 bytes each, the lowest first.
pub fn of_numbers(numbers: &[i64]) -> i32 {
    numbers.iter().fold(RowChecksum::default(), |row, number| row.number(*number)).end()
}

/// Checksum of a value of a dictionary: its bytes, then the numbers of its dimension and its own.
pub fn of_value(dimension: i64, id: i64, value: &[u8]) -> i32 {
    let mut hasher = Hasher::new();
    hasher.update(value);
    RowChecksum(hasher).number(dimension).number(id).end()
}

/// Checksum of a row with numbers and texts, column by column.
#[derive(Default)]
pub struct RowChecksum(Hasher);

impl RowChecksum {
    /// Adds a number: 8 bytes, the lowest first.
    pub fn number(mut self, number: i64) -> RowChecksum {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// Adds a number that may be NULL: 0 or 1 as a number, then the number if there is one.
    pub fn optional(self, number: Option<i64>) -> RowChecksum {
        match number {
            None => self.number(0),
            Some(number) => self.number(1).number(number),
        }
    }

    /// Adds bytes: their length as a number, then the bytes.
    pub fn bytes(self, bytes: &[u8]) -> RowChecksum {
        let mut row = self.number(bytes.len() as i64);
        row.0.update(bytes);
        row
    }

    /// The checksum.
    pub fn end(self) -> i32 {
        self.0.finalize() as i32
    }
}

/// Fails if what is stored is not what was written.
pub fn is_same(stored: i32, computed: i32) -> Result<(), Damage> {
    if stored == computed { Ok(()) } else { Err(DAMAGE) }
}

/// How many rows a set has, and the sum of their checksums, in one number: 2^32 for each row, plus its checksum as an
/// unsigned number. The order of the rows does not matter, so that it changes with each row that comes or goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub i64);

impl Digest {
    /// The digest of all rows of a table with a column `crc`, as an SQL expression.
    pub const SQL: &str = "coalesce(sum(4294967296 + (crc & 4294967295)), 0)";

    fn of(crc: i32) -> i64 {
        (1 << 32) + i64::from(crc as u32)
    }

    /// A row with this checksum is added.
    pub fn add(&mut self, crc: i32) {
        self.0 = self.0.wrapping_add(Digest::of(crc));
    }

    /// A row with this checksum is removed.
    pub fn remove(&mut self, crc: i32) {
        self.0 = self.0.wrapping_sub(Digest::of(crc));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_notices_a_row_that_is_missing_or_twice() {
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
    fn neighbouring_columns_of_a_row_cannot_lend_each_other_bytes() {
        let row = |one: &[u8], other: &[u8]| RowChecksum::default().bytes(one).bytes(other).end();
        assert_ne!(row(b"ab", b"c"), row(b"a", b"bc"));
        let optional = |number| RowChecksum::default().optional(number).end();
        assert_ne!(optional(None), optional(Some(0)));
    }
}
