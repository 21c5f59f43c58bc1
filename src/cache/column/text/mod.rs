//! Text columns: pages of up to 4,096 values that are nearly unique per row. Each page is compressed on its own, so
//! that one value can be read without the rest of the column.
//!
//! Layout of a column (`varint` is unsigned LEB128):
//!
//! ```text
//! varint number of pages
//! per page: varint rows, varint length in bytes, u32 CRC-32 of the bytes
//! the pages
//! ```
//!
//! Layout of a page:
//!
//! ```text
//! u8 kind: 0 all values are absent (nothing follows)
//!          else 1, plus 2 if the tags are compressed (zstd), plus 4 if the text is
//! varint length of the tags, varint stored length of the tags, varint length of the text
//! tags, text
//! ```
//!
//! A tag is a varint per value: 0 if the value is absent, else `(length << 2 | form) + 1`, where `length` is the length
//! of the stored value in the text and `form` is its [`Form`].
//!
//! Request ids and host ids are random bytes written as characters. Packing them costs almost nothing and saves what a
//! compressor would need much more time to save. A request URI usually contains the key, which the dictionary has.

mod builder;
mod directory;
mod packed_ids;
mod page;
pub(crate) mod stored;

pub(crate) use builder::PageBuilder;
pub(crate) use directory::{Directory, DirectoryEntry, put_directory, split};
pub(crate) use page::TextPage;

use crate::cache::column::{Damage, take_varint};

/// Rows of a full page. The last page of a batch, and pages of long text, have fewer.
pub(crate) const PAGE_ROWS: usize = 4096;
/// A page with this many bytes of text is full: pages are read as a whole, so their size in memory must be limited.
/// An ordinary page has a tenth as many.
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// Flags of a page's kind.
const COMPRESSED_TAGS: u8 = 2;
const COMPRESSED_TEXT: u8 = 4;

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    Plain = 0,
    /// A request id. 11 bytes are 16 characters 0–9 and A–Z: the digits of a base-36 number, lowest byte first.
    /// Any other length is upper-case hexadecimal, two digits a byte.
    RequestId = 1,
    /// Canonical base64, decoded.
    Base64 = 2,
    /// The value without the object key that it contains: a varint with the length of the text before the key, the
    /// text before the key, the text after the key.
    KeyElided = 3,
}

impl Form {
    /// The form with the number in the lowest two bits.
    #[inline]
    fn from_bits(bits: u64) -> Form {
        match bits & 3 {
            0 => Form::Plain,
            1 => Form::RequestId,
            2 => Form::Base64,
            _ => Form::KeyElided,
        }
    }
}

/// The usual kind of the values of a column. It decides which form is tried first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hint {
    #[default]
    Text,
    /// Request ids: 16 characters 0–9 and A–Z, in old logs hexadecimal digits only.
    RequestId,
    Base64,
}

/// A page as it is stored in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: usize,
    pub bytes: Vec<u8>,
}

impl Page {
    /// Length of the decompressed text in bytes, as the page states it.
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use proptest::prelude::*;

    fn round_trip(hint: Hint, values: &[Option<Vec<u8>>]) -> Vec<Option<Vec<u8>>> {
        let mut builder = PageBuilder::new(hint);
        let mut pages = Vec::new();
        for value in values {
            builder.push(value.as_deref());
            if builder.rows() == 7 {
                pages.extend(builder.finish());
            }
        }
        pages.extend(builder.finish());
        let mut column = Vec::new();
        put_directory(&pages, &mut column);
        pages.iter().for_each(|page| column.extend_from_slice(&page.bytes));
        let mut all = Vec::new();
        for page in split(&column).unwrap() {
            let open = TextPage::open(&page).unwrap();
            all.extend((0..open.rows()).map(|row| open.get(row, || None).unwrap().map(Cow::into_owned)));
        }
        all
    }

    #[test]
    fn ids_are_packed_and_decode_to_the_original() {
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
            // The tag has one byte.
            assert_eq!(builder.bytes() - if packed < 32 { 1 } else { 2 }, packed, "{id}");
            assert_eq!(round_trip(hint, &[Some(id.into())]), [Some(id.into())]);
        }
    }

    #[test]
    fn an_elided_key_is_put_back() {
        let mut builder = PageBuilder::new(Hint::Text);
        builder.push_elided(b"GET /", b"?x=1 HTTP/1.1");
        let page = TextPage::open(&builder.finish().unwrap()).unwrap();
        let uri = b"GET /media/a.mp4?x=1 HTTP/1.1".as_slice();
        assert_eq!(page.get(0, || Some(b"media/a.mp4")).unwrap().unwrap(), uri);
        assert!(page.get(0, || None).is_err());
    }

    #[test]
    fn absent_rows_give_the_same_page_one_by_one_and_in_runs() {
        let (mut single, mut runs) = (PageBuilder::new(Hint::Text), PageBuilder::new(Hint::Text));
        for (absent, value) in [(3, "one"), (0, "two"), (40, "three")] {
            (0..absent).for_each(|_| single.push(None));
            runs.push_absent(absent);
            single.push(Some(value.as_bytes()));
            runs.push(Some(value.as_bytes()));
        }
        assert_eq!((single.rows(), runs.rows()), (46, 46));
        assert_eq!(single.finish().unwrap().bytes, runs.finish().unwrap().bytes);
    }

    #[test]
    fn a_page_without_values_is_one_byte() {
        let mut builder = PageBuilder::new(Hint::Text);
        (0..PAGE_ROWS).for_each(|_| builder.push(None));
        assert_eq!(builder.finish().unwrap().bytes.len(), 1);
    }

    #[test]
    fn a_page_is_full_at_a_number_of_bytes_and_states_its_length() {
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
        let absent = Page { rows: 3, bytes: vec![0] };
        assert_eq!(absent.text_bytes(), Ok(0));
        assert!(Page { rows: 3, bytes: vec![1, 0x80] }.text_bytes().is_err());
    }

    proptest! {
        #[test]
        fn any_values_decode_to_the_original(
            hint in prop::sample::select(vec![Hint::Text, Hint::RequestId, Hint::Base64]),
            values in prop::collection::vec(prop::option::of(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "[0-9A-F]{16}|[0-9A-F]{22}".prop_map(String::into_bytes),
                "[0-9A-Z]{16}".prop_map(String::into_bytes),
                "[0-9A-Za-z+/]{20}".prop_map(String::into_bytes),
            ]), 0..40),
        ) {
            prop_assert_eq!(round_trip(hint, &values), values);
        }

        #[test]
        fn no_bytes_cause_a_panic(rows in 0..50usize, bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = split(&bytes);
            if let Ok(page) = TextPage::open(&Page { rows, bytes }) {
                for row in 0..rows {
                    let _ = page.get(row, || Some(b"key"));
                }
            }
        }
    }
}
