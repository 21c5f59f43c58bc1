//! Comparing stored values with a text without decoding them. A search for the first values in an order rejects nearly
//! all values this way.

pub(crate) use super::Form;
use super::TextPage;
use super::packed_ids::{BASE36_BYTES, BASE36_DIGITS, pack_base36};
use crate::cache::column::{Damage, take_varint};

/// The first four bytes of a text as a big-endian number; `None` if it is shorter.
pub(crate) fn prefix_of(text: &[u8]) -> Option<u32> {
    text.first_chunk().map(|prefix: &[u8; 4]| u32::from_be_bytes(*prefix))
}

/// The prefix of a stored value, except a base-36 request id; `None` if it takes decoding the value or reading its key.
#[inline]
pub(crate) fn prefix(stored: &[u8], form: Form) -> Option<u32> {
    match form {
        Form::Plain => prefix_of(stored),
        Form::Base64 => base64_prefix(stored),
        Form::RequestId => hex_prefix(stored),
        Form::KeyElided => None,
    }
}

fn hex_prefix(stored: &[u8]) -> Option<u32> {
    let [first, second]: [u8; 2] = *stored.first_chunk()?;
    let digits = [first >> 4, first & 15, second >> 4, second & 15];
    Some(u32::from_be_bytes(digits.map(|digit| BASE36_DIGITS[usize::from(digit)])))
}

/// The prefix of a value stored as [`Form::Base64`].
#[inline]
pub(crate) fn base64_prefix(stored: &[u8]) -> Option<u32> {
    /// The two characters that each 12 bits encode.
    const PAIRS: [u16; 1 << 12] = {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut pairs = [0; 1 << 12];
        let mut bits = 0;
        while bits < pairs.len() {
            pairs[bits] = u16::from_be_bytes([DIGITS[bits >> 6], DIGITS[bits & 63]]);
            bits += 1;
        }
        pairs
    };
    let [first, second, third]: [u8; 3] = *stored.first_chunk()?;
    let bits = u32::from_be_bytes([0, first, second, third]) as usize;
    Some(u32::from(PAIRS[bits >> 12]) << 16 | u32::from(PAIRS[bits & 0xfff]))
}

/// Bytes of a stored base-36 request id.
pub(crate) const REQUEST_ID_BYTES: usize = BASE36_BYTES;

/// The highest eight bytes of a stored base-36 request id. Ids with different ranks sort as their ranks do.
#[inline]
pub(crate) fn request_id_rank(stored: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*stored.last_chunk()?))
}

/// The rank of a text; `None` if it is not a base-36 request id.
pub(crate) fn request_id_rank_of(text: &[u8]) -> Option<u64> {
    let mut packed = Vec::new();
    pack_base36(text, &mut packed).then(|| request_id_rank(&packed)).flatten()
}

/// Where a stored value ends in the text of its page, and its form; `None` if the value is absent.
pub(crate) type Tag = (u32, Option<Form>);

/// The stored values of a page, one after the other in `text`, as far as they have something in common.
pub enum StoredValues<'p> {
    Absent,
    /// All values are present and have the same length and form.
    Uniform {
        text: &'p [u8],
        length: usize,
        form: Form,
    },
    Tagged {
        tags: &'p [Tag],
        text: &'p [u8],
    },
}

/// A value with the key of its row elided.
#[derive(Clone, Copy, Debug)]
pub struct ElidedText<'p> {
    pub before: &'p [u8],
    pub after: &'p [u8],
}

impl<'p> ElidedText<'p> {
    /// Splits a value stored as [`Form::KeyElided`].
    pub fn read(mut stored: &'p [u8]) -> Result<ElidedText<'p>, Damage> {
        let at = take_varint(&mut stored)? as usize;
        let (before, after) =
            stored.split_at_checked(at).ok_or(Damage("a key is elided after the end of a value"))?;
        Ok(ElidedText { before, after })
    }
}

impl TextPage {
    /// A value whose key is elided; `None` if the value is absent or has another form.
    pub fn elided(&self, row: usize) -> Result<Option<ElidedText<'_>>, Damage> {
        match self.stored(row) {
            Some((stored, Form::KeyElided)) => ElidedText::read(stored).map(Some),
            _ => Ok(None),
        }
    }
}
