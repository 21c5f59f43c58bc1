//! How the values of a column become bytes: packed integers ([`integers`]) for codes, times and
//! measures; pages of compressed text ([`text`]) for details.

pub(super) mod checksum;
pub(super) mod chunk;
pub mod integers;
pub mod key_elision;
pub(super) mod layout;
pub mod order;
mod pages;
pub mod text;
pub(super) mod value_set;

/// What is wrong with the bytes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damage(pub &'static str);

/// Appends an unsigned LEB128 number.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes an unsigned LEB128 number off the front.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Damage> {
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
