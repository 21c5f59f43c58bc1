//! Checksums of what answers depend on: CRC-32 (that of zlib), because it finds every byte that is
//! damaged by itself and every run of damage up to four bytes, and keeps up with memory.
//!
//! They are stored as signed numbers of 32 bits: SQLite then never needs more than four bytes for one.

use crc32fast::Hasher;

use super::codec::Damage;

/// What is said when bytes are not those that were written.
pub const DAMAGE: Damage = Damage("its bytes are not those that were written: their checksum says so");

/// Of bytes.
pub fn of_bytes(bytes: &[u8]) -> i32 {
    crc32fast::hash(bytes) as i32
}

/// Of numbers: 8 bytes each, the lowest first.
pub fn of_numbers(numbers: &[i64]) -> i32 {
    numbered(Hasher::new(), numbers).finalize() as i32
}

/// Of a value of a dictionary: its bytes, then the numbers of its dimension and its own.
pub fn of_value(dimension: i64, id: i64, value: &[u8]) -> i32 {
    let mut hasher = Hasher::new();
    hasher.update(value);
    numbered(hasher, &[dimension, id]).finalize() as i32
}

fn numbered(mut hasher: Hasher, numbers: &[i64]) -> Hasher {
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    hasher
}

/// Whether what is stored is what was written.
pub fn is_same(stored: i32, computed: i32) -> Result<(), Damage> {
    if stored == computed { Ok(()) } else { Err(DAMAGE) }
}
