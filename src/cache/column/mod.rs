//! Columns as they are stored: packed integers ([`integers`]) for times, value ids and measures, compressed pages of text
//! ([`text`]) for details; value sets and checksums. Never here: which rows a query needs.

pub(super) mod checksum;
pub(super) mod chunk;
pub(super) mod integers;
pub(super) mod layout;
pub(super) mod text;
pub(super) mod value_set;

/// Damage: bytes in the cache file differ from those that were written. The text names the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damage(pub &'static str);

/// Appends a number as unsigned LEB128.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Removes an unsigned LEB128 number from the front of `bytes`.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Damage> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Damage("a number is cut off"))?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Damage("a number has more than 64 bits"))
}
