//! Columns of text that is nearly unique per row: pages of a few thousand values, each compressed by
//! itself, so that one request can be read without the rest.
//!
//! Layout of a column (`varint` is unsigned LEB128):
//!
//! ```text
//! varint pages
//! per page: varint rows, varint bytes, u32 checksum of the bytes (CRC-32)
//! the pages
//! ```
//!
//! of a page:
//!
//! ```text
//! u8 kind: 0 all absent (nothing follows)
//!          else 1, plus 2 if the tags are compressed (zstd), plus 4 if the text is
//! varint bytes of the tags, varint stored bytes of the tags, varint bytes of the text
//! tags, text
//! ```
//!
//! A tag is a varint per value: 0 absent, else `(length << 2 | form) + 1`, the length being that of
//! the stored form. Forms: 0 as it is · 1 a request id: 11 bytes are 16 characters 0–9 A–Z, the digits of a
//! number of base 36, its lowest byte first; any other length is upper-case hexadecimal, two digits a byte ·
//! 2 canonical base64, packed · 3 the key of the same row cut out: varint where, then the text without it.
//!
//! Request and host ids are random bytes in disguise: packing them costs nothing, where a compressor
//! would work hard to gain the same. A request URI repeats the key, which the dictionary already has.

use base64_simd::STANDARD as BASE64;

use super::checksum;
use super::{Damage, put_varint, take_varint};

pub use super::pages::{Entry, OpenPage, directory, split};

/// Values in a page, unless it is the last of a batch or its text is long.
pub const PAGE: usize = 4096;

/// Bytes of text from which on a page has no more values: it is read whole, so memory must follow bytes too. Ordinary
/// pages have a tenth of it.
pub const PAGE_BYTES: usize = 4 << 20;

/// Buffers that grew beyond this for one page are given back after it.
const KEPT_BYTES: usize = 2 * PAGE_BYTES;

/// zstd level: details are nearly incompressible once packed, so speed counts.
const LEVEL: i32 = 1;

/// Text this short is not worth a compressor's frame.
const WORTH_COMPRESSING: usize = 64;

pub(super) const PLAIN: u64 = 0;
pub(super) const REQUEST_ID: u64 = 1;
pub(super) const BASE64_PACKED: u64 = 2;
pub(super) const KEY_CUT_OUT: u64 = 3;

pub(super) const COMPRESSED_TAGS: u8 = 2;
pub(super) const COMPRESSED_TEXT: u8 = 4;

/// What the values of a column are like: which form is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Any text.
    Text,
    /// Request ids: 16 characters 0–9 and A–Z, in old logs hexadecimal digits only.
    RequestId,
    /// Base64 ids.
    Base64,
}

/// Collects values and makes pages of them.
pub struct PageBuilder {
    hint: Hint,
    rows: usize,
    /// Whether any value of the page is present.
    present: bool,
    /// How many bytes of the text no compressor can shrink.
    packed: usize,
    tags: Vec<u8>,
    text: Vec<u8>,
    compressor: Option<zstd::bulk::Compressor<'static>>,
    /// Where tags and text are compressed to: the memory of the page before.
    shrunk: [Vec<u8>; 2],
}

/// One finished page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Values in it.
    pub rows: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl PageBuilder {
    /// For a column of that kind.
    pub fn new(hint: Hint) -> PageBuilder {
        let compressor = zstd::bulk::Compressor::new(LEVEL).ok();
        PageBuilder {
            hint,
            rows: 0,
            present: false,
            packed: 0,
            tags: Vec::new(),
            text: Vec::new(),
            compressor,
            shrunk: Default::default(),
        }
    }

    /// Values since the last page.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory that they take.
    pub fn bytes(&self) -> usize {
        self.tags.len() + self.text.len()
    }

    /// Whether it is time to end the page.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.rows >= PAGE || self.text.len() >= PAGE_BYTES
    }

    /// Adds a value.
    pub fn push(&mut self, value: Option<&[u8]>) {
        self.rows += 1;
        let Some(value) = value else {
            self.tags.push(0);
            return;
        };
        self.present = true;
        let before = self.text.len();
        let form = match self.hint {
            Hint::RequestId if pack_hex(value, &mut self.text) || pack_base36(value, &mut self.text) => {
                REQUEST_ID
            }
            Hint::Base64 if pack_base64(value, &mut self.text) => BASE64_PACKED,
            _ => {
                self.text.extend_from_slice(value);
                PLAIN
            }
        };
        let length = self.text.len() - before;
        if form != PLAIN {
            self.packed += length;
        }
        put_varint(&mut self.tags, ((length as u64) << 2 | form) + 1);
    }

    /// Adds so many rows without a value.
    pub fn push_absent(&mut self, rows: usize) {
        self.rows += rows;
        self.tags.resize(self.tags.len() + rows, 0);
    }

    /// Adds a value in which the key of the row stands, whole, from byte `at` to `at + key_length`.
    pub fn push_around_key(&mut self, value: &[u8], at: usize, key_length: usize) {
        self.push_without_key(&value[..at], &value[at + key_length..]);
    }

    /// Adds a value that is the key of the row between these.
    pub fn push_without_key(&mut self, in_front: &[u8], behind: &[u8]) {
        self.rows += 1;
        self.present = true;
        let before = self.text.len();
        put_varint(&mut self.text, in_front.len() as u64);
        self.text.extend_from_slice(in_front);
        self.text.extend_from_slice(behind);
        let length = self.text.len() - before;
        put_varint(&mut self.tags, ((length as u64) << 2 | KEY_CUT_OUT) + 1);
    }

    /// Ends the page, if it has values.
    pub fn finish(&mut self) -> Option<Page> {
        self.finish_in(&mut Vec::new())
    }

    /// The same; the page takes its memory from one of these, if there is one.
    pub fn finish_in(&mut self, spare: &mut Vec<Vec<u8>>) -> Option<Page> {
        if self.rows == 0 {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        let mut bytes = Vec::new();
        if std::mem::take(&mut self.present) {
            bytes = spare.pop().unwrap_or_default();
            bytes.clear();
            let [shrunk_tags, shrunk_text] = &mut self.shrunk;
            let zstd = &mut self.compressor;
            let stored_tags = shrink(zstd.as_mut(), &self.tags, shrunk_tags);
            // A page of packed ids is random bytes: do not even try.
            let zstd = zstd.as_mut().filter(|_| self.packed * 2 < self.text.len());
            let stored_text = shrink(zstd, &self.text, shrunk_text);
            let kind = 1
                | if stored_tags.is_some() { COMPRESSED_TAGS } else { 0 }
                | if stored_text.is_some() { COMPRESSED_TEXT } else { 0 };
            let stored_tags = stored_tags.unwrap_or(&self.tags);
            let stored_text = stored_text.unwrap_or(&self.text);
            // Some room to spare: the next page that takes this memory is a little longer or shorter.
            let length = stored_tags.len() + stored_text.len() + 16;
            if bytes.capacity() < length {
                bytes.reserve_exact(length + length / 8);
            }
            bytes.push(kind);
            put_varint(&mut bytes, self.tags.len() as u64);
            put_varint(&mut bytes, stored_tags.len() as u64);
            put_varint(&mut bytes, self.text.len() as u64);
            bytes.extend_from_slice(stored_tags);
            bytes.extend_from_slice(stored_text);
        } else {
            bytes.push(0);
        }
        self.packed = 0;
        self.tags.clear();
        self.text.clear();
        let [shrunk_tags, shrunk_text] = &mut self.shrunk;
        for buffer in [&mut self.text, shrunk_tags, shrunk_text] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
        Some(Page { rows, bytes })
    }
}

impl Page {
    /// Bytes of its text when it is decompressed, as it says.
    ///
    /// # Errors
    /// If the bytes are not the beginning of a page.
    pub fn text_bytes(&self) -> Result<u64, Damage> {
        let Some((&kind, mut rest)) = self.bytes.split_first() else {
            return Err(Damage("an empty page of text"));
        };
        if kind == 0 {
            return Ok(0);
        }
        take_varint(&mut rest)?;
        take_varint(&mut rest)?;
        take_varint(&mut rest)
    }
}

/// Compresses bytes, if that is worth it.
fn shrink<'o>(
    zstd: Option<&mut zstd::bulk::Compressor<'static>>,
    bytes: &[u8],
    out: &'o mut Vec<u8>,
) -> Option<&'o [u8]> {
    if bytes.len() < WORTH_COMPRESSING {
        return None;
    }
    out.clear();
    out.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
    zstd?.compress_to_buffer(bytes, out).ok()?;
    (out.len() < bytes.len() - bytes.len() / 16).then_some(out.as_slice())
}

/// Makes the directory of a column of these pages, in place of what `out` holds: the column is the directory, then
/// the bytes of the pages.
pub fn put_directory(pages: &[Page], out: &mut Vec<u8>) {
    out.clear();
    put_varint(out, pages.len() as u64);
    for page in pages {
        put_varint(out, page.rows as u64);
        put_varint(out, page.bytes.len() as u64);
        out.extend_from_slice(&checksum::of_bytes(&page.bytes).to_le_bytes());
    }
}

/// A column of pages, whole.
#[cfg(test)]
pub fn join(pages: &[Page], out: &mut Vec<u8>) {
    put_directory(pages, out);
    for page in pages {
        out.extend_from_slice(&page.bytes);
    }
}

/// Digits of 0–9 and A–F in pairs, packed; false (and nothing added) if the text is anything else.
fn pack_hex(text: &[u8], out: &mut Vec<u8>) -> bool {
    fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'F' => byte - b'A' + 10,
            _ => 0xff,
        }
    }
    // Nearly all ids of today show in one step that they are something else.
    if text.iter().fold(0, |most, byte| most.max(*byte)) > b'F' {
        return false;
    }
    let before = out.len();
    let (pairs, []) = text.as_chunks::<2>() else { return false };
    if pairs.len() == BASE36_BYTES {
        return false; // that length means something else
    }
    let mut seen = 0;
    out.extend(pairs.iter().map(|&[high, low]| {
        let (high, low) = (digit(high), digit(low));
        seen |= high | low;
        high << 4 | low & 15
    }));
    if seen > 15 {
        out.truncate(before);
    }
    seen <= 15
}

/// Digits of hexadecimal numbers, and of those of base 36.
pub(super) const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Characters of a request id today.
pub(super) const BASE36_DIGITS: usize = 16;
/// Bytes that their number takes: 16 × log₂ 36 = 82.7 bits.
pub(super) const BASE36_BYTES: usize = 11;

/// 16 characters 0–9 and A–Z, packed; false (and nothing added) if the text is anything else.
pub(super) fn pack_base36(text: &[u8], out: &mut Vec<u8>) -> bool {
    const DIGITS: [u8; 256] = {
        let mut digits = [0xff; 256];
        let mut digit = 0;
        while digit < 36 {
            digits[if digit < 10 { b'0' + digit } else { b'A' + digit - 10 } as usize] = digit;
            digit += 1;
        }
        digits
    };
    let Ok(text) = <&[u8; BASE36_DIGITS]>::try_from(text) else { return false };
    let mut seen = 0;
    let mut number = |half: &[u8]| {
        half.iter().fold(0u64, |number, byte| {
            let digit = DIGITS[usize::from(*byte)];
            seen |= digit;
            number * 36 + u64::from(digit)
        })
    };
    let (high, low) = (number(&text[..8]), number(&text[8..]));
    // Digits go up to 35: only what is none has the highest bit.
    if seen & 0x80 != 0 {
        return false;
    }
    let whole = u128::from(high) * u128::from(36u64.pow(8)) + u128::from(low);
    out.extend_from_slice(&whole.to_le_bytes()[..BASE36_BYTES]);
    true
}

fn pack_base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    let before = out.len();
    if !text.len().is_multiple_of(4) {
        return false;
    }
    // Canonical only (no stray bits, exact padding), so that encoding gives the same text again.
    let is_packed = BASE64.decode_append(text, out).is_ok();
    if !is_packed {
        out.truncate(before);
    }
    is_packed
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use proptest::prelude::*;

    fn back(hint: Hint, values: &[Option<Vec<u8>>]) -> Vec<Option<Vec<u8>>> {
        let mut builder = PageBuilder::new(hint);
        let mut pages = Vec::new();
        for value in values {
            builder.push(value.as_deref());
            if builder.rows() == 7 {
                pages.extend(builder.finish());
            }
        }
        pages.extend(builder.finish());
        let mut all = Vec::new();
        let mut column = Vec::new();
        join(&pages, &mut column);
        for page in split(&column).unwrap() {
            let open = OpenPage::open(&page).unwrap();
            all.extend((0..open.rows()).map(|row| open.get(row, || None).unwrap().map(Cow::into_owned)));
        }
        all
    }

    #[test]
    fn ids_are_packed_and_come_back_as_they_were() {
        for (hint, id, packed) in [
            (Hint::RequestId, "3E57427F33A59F07", 8),
            (Hint::RequestId, "3E57427F3EXAMPLE", 11),
            (Hint::RequestId, "ZZZZZZZZZZZZZZZZ", 11),
            (Hint::RequestId, "000000000000000Z", 11),
            (Hint::RequestId, "3e57427f33a59f07", 16),
            (Hint::RequestId, "0123456789ABCDEF012345", 22),
            (Hint::RequestId, "0123456789ABCDEF01234567", 12),
            (Hint::Base64, "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/", 48),
            (
                Hint::Base64,
                "9vKBE6vMhrNiWHZmb2L0mXOcqPGzQOI5XLnCtZNPxev+Hf+7tpT6sxDwDty4LHBUOZJG96N1234=",
                56,
            ),
            (Hint::Base64, "not=base64!=", 12),
        ] {
            let mut builder = PageBuilder::new(hint);
            builder.push(Some(id.as_bytes()));
            assert_eq!(builder.text.len(), packed, "{id}");
            assert_eq!(back(hint, &[Some(id.into())]), [Some(id.into())]);
        }
    }

    #[test]
    fn a_key_cut_out_of_a_uri_is_put_back() {
        let uri = b"GET /media/a.mp4?x=1 HTTP/1.1";
        let mut builder = PageBuilder::new(Hint::Text);
        builder.push_around_key(uri, 5, 11);
        let page = builder.finish().unwrap();
        let open = OpenPage::open(&page).unwrap();
        assert_eq!(open.get(0, || Some(b"media/a.mp4")).unwrap().unwrap(), uri.as_slice());
        assert!(open.get(0, || None).is_err());
    }

    #[test]
    fn rows_without_a_value_are_the_same_one_by_one_and_together() {
        let (mut single, mut together) = (PageBuilder::new(Hint::Text), PageBuilder::new(Hint::Text));
        for (absent, value) in [(3, "one"), (0, "two"), (40, "three")] {
            (0..absent).for_each(|_| single.push(None));
            together.push_absent(absent);
            single.push(Some(value.as_bytes()));
            together.push(Some(value.as_bytes()));
        }
        assert_eq!((single.rows(), together.rows()), (46, 46));
        assert_eq!(single.finish().unwrap().bytes, together.finish().unwrap().bytes);
    }

    #[test]
    fn a_page_without_values_is_one_byte() {
        let mut builder = PageBuilder::new(Hint::Text);
        (0..PAGE).for_each(|_| builder.push(None));
        assert_eq!(builder.finish().unwrap().bytes.len(), 1);
    }

    #[test]
    fn a_page_ends_by_bytes_and_says_how_many_it_has() {
        let mut builder = PageBuilder::new(Hint::Text);
        let value = vec![b'x'; 1 << 20];
        let mut pages = Vec::new();
        for _ in 0..20 {
            builder.push(Some(&value));
            if builder.is_full() {
                pages.extend(builder.finish());
            }
        }
        assert_eq!(pages.iter().map(|page| page.rows).collect::<Vec<usize>>(), [4; 5]);
        assert!(pages.iter().all(|page| page.text_bytes() == Ok(PAGE_BYTES as u64)), "{PAGE_BYTES}");
        builder.push(Some(&vec![b'y'; KEPT_BYTES + 1]));
        let page = builder.finish().unwrap();
        assert_eq!(page.text_bytes(), Ok(KEPT_BYTES as u64 + 1));
        assert_eq!(builder.text.capacity(), 0, "what one long value took is given back");
        let absent = Page { rows: 3, bytes: vec![0] };
        assert_eq!(absent.text_bytes(), Ok(0));
        assert!(Page { rows: 3, bytes: vec![1, 0x80] }.text_bytes().is_err());
    }

    proptest! {
        #[test]
        fn any_values_come_back(
            hint in prop::sample::select(vec![Hint::Text, Hint::RequestId, Hint::Base64]),
            values in prop::collection::vec(prop::option::of(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "[0-9A-F]{16}|[0-9A-F]{22}".prop_map(String::into_bytes),
                "[0-9A-Z]{16}".prop_map(String::into_bytes),
                "[0-9A-Za-z+/]{20}".prop_map(String::into_bytes),
            ]), 0..40),
        ) {
            prop_assert_eq!(back(hint, &values), values);
        }

        #[test]
        fn no_bytes_make_it_panic(rows in 0..50usize, bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = split(&bytes);
            if let Ok(page) = OpenPage::open(&Page { rows, bytes }) {
                for row in 0..rows {
                    let _ = page.get(row, || Some(b"key"));
                }
            }
        }
    }
}
