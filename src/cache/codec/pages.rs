//! Reading pages of text: the other half of [`text`](super::text), where their layout is told.

use std::borrow::Cow;
use std::cell::RefCell;

use base64_simd::STANDARD as BASE64;

use super::text::{
    BASE36, BASE36_BYTES, BASE36_DIGITS, BASE64_PACKED, COMPRESSED_TAGS, COMPRESSED_TEXT, PAGE, PLAIN, Page,
    REQUEST_ID,
};
use super::{Damage, take_varint};
use crate::cache::checksum;

/// Where the pages of a column are.
#[derive(Debug)]
pub struct Directory {
    /// Its pages, one behind the other.
    pub pages: Vec<Entry>,
    /// Bytes of the directory itself: the first page begins behind them.
    pub length: usize,
}

/// A page in the directory.
#[derive(Debug)]
pub struct Entry {
    /// Values in it.
    pub rows: usize,
    /// Its bytes.
    pub length: usize,
    crc: i32,
}

impl Entry {
    /// Whether these are the bytes that were written.
    ///
    /// # Errors
    /// If they are not.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), Damage> {
        checksum::is_same(self.crc, checksum::of_bytes(bytes))
    }
}

/// Reads where the pages of a column are. The first bytes of the column are enough, if the directory ends
/// within them.
///
/// # Errors
/// If the bytes are not the beginning of such a column, or too few.
pub fn directory(bytes: &[u8]) -> Result<Directory, Damage> {
    let mut rest = bytes;
    let count = take_varint(&mut rest)?;
    let mut pages = Vec::new();
    for _ in 0..count {
        let (rows, length) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
        let (crc, after) =
            rest.split_first_chunk().ok_or(Damage("the directory of a column of text is cut off"))?;
        rest = after;
        if rows > PAGE as u64 {
            return Err(Damage("a page of text of too many rows"));
        }
        pages.push(Entry { rows: rows as usize, length: length as usize, crc: i32::from_le_bytes(*crc) });
    }
    Ok(Directory { pages, length: bytes.len() - rest.len() })
}

/// Takes a column apart into its pages.
///
/// # Errors
/// If the bytes are not such a column, or not those that were written.
pub fn split(bytes: &[u8]) -> Result<Vec<Page>, Damage> {
    let directory = directory(bytes)?;
    let mut rest = &bytes[directory.length..];
    let mut pages = Vec::with_capacity(directory.pages.len());
    for entry in directory.pages {
        let (page, after) = rest.split_at_checked(entry.length).ok_or(Damage("a page of text is cut off"))?;
        entry.verify(page)?;
        pages.push(Page { rows: entry.rows, bytes: page.to_vec() });
        rest = after;
    }
    if rest.is_empty() { Ok(pages) } else { Err(Damage("a column of text has bytes too many")) }
}

/// A page, decompressed.
#[derive(Debug, Default)]
pub struct OpenPage {
    rows: usize,
    /// Per value: where its stored form ends, and the form; empty if all are absent.
    tags: Vec<(u32, Option<u8>)>,
    text: Vec<u8>,
}

impl OpenPage {
    /// Decompresses a page.
    ///
    /// # Errors
    /// If the bytes are not such a page.
    pub fn open(page: &Page) -> Result<OpenPage, Damage> {
        OpenPage::open_bytes(page.rows, &page.bytes)
    }

    /// The same of the bytes of a page.
    ///
    /// # Errors
    /// If they are not such a page.
    pub fn open_bytes(rows: usize, bytes: &[u8]) -> Result<OpenPage, Damage> {
        let mut rest = bytes;
        let (&kind, after) = rest.split_first().ok_or(Damage("an empty page of text"))?;
        rest = after;
        if kind == 0 {
            return Ok(OpenPage { rows, ..OpenPage::default() });
        }
        let tags_length = take_varint(&mut rest)? as usize;
        let stored_tags = take_varint(&mut rest)? as usize;
        let text_length = take_varint(&mut rest)? as usize;
        let (stored_tags, stored_text) =
            rest.split_at_checked(stored_tags).ok_or(Damage("the tags of a page of text are cut off"))?;
        let tag_bytes = grow(stored_tags, tags_length, kind & COMPRESSED_TAGS != 0)?;
        let text = grow(stored_text, text_length, kind & COMPRESSED_TEXT != 0)?.into_owned();

        let mut tag_rest = tag_bytes.as_ref();
        let mut end = 0u64;
        let mut tags = Vec::with_capacity(rows.min(tag_rest.len()));
        for _ in 0..rows {
            let tag = take_varint(&mut tag_rest)?;
            let form = match tag {
                0 => None,
                tag => {
                    end = end.saturating_add((tag - 1) >> 2);
                    Some(((tag - 1) & 3) as u8)
                }
            };
            if end > text.len() as u64 {
                return Err(Damage("a value of a page of text goes beyond its end"));
            }
            tags.push((end as u32, form));
        }
        Ok(OpenPage { rows, tags, text })
    }

    /// Values in it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.tags.len() * size_of::<(u32, Option<u8>)>() + self.text.len()
    }

    /// Whether no value of the page is present.
    pub fn is_absent(&self) -> bool {
        self.tags.is_empty()
    }

    /// The stored form of a value, and which it is.
    pub(super) fn stored(&self, row: usize) -> Option<(&[u8], u64)> {
        let &(end, Some(form)) = self.tags.get(row)? else { return None };
        let start = if row == 0 { 0 } else { self.tags[row - 1].0 };
        Some((&self.text[start as usize..end as usize], form.into()))
    }

    /// Whether a value is absent.
    pub fn is_absent_at(&self, row: usize) -> bool {
        !matches!(self.tags.get(row), Some((_, Some(_))))
    }

    /// A value; `key` gives the key of the row, which is asked for only if the value needs it.
    ///
    /// # Errors
    /// If the stored form makes no sense.
    pub fn get<'a, 'k>(
        &'a self,
        row: usize,
        key: impl FnOnce() -> Option<&'k [u8]>,
    ) -> Result<Option<Cow<'a, [u8]>>, Damage> {
        let Some((mut stored, form)) = self.stored(row) else { return Ok(None) };
        Ok(Some(match form {
            PLAIN => Cow::Borrowed(stored),
            REQUEST_ID => Cow::Owned(match stored.first_chunk() {
                Some(packed) if stored.len() == packed.len() => unpack_base36(packed)?,
                _ => unpack_hex(stored),
            }),
            BASE64_PACKED => Cow::Owned(BASE64.encode_type(stored)),
            _ => {
                let at = take_varint(&mut stored)? as usize;
                let key = key().ok_or(Damage("a key is cut out of a value, but the row has none"))?;
                let (before, after) = stored
                    .split_at_checked(at)
                    .ok_or(Damage("a key is cut out beyond the end of a value"))?;
                Cow::Owned([before, key, after].concat())
            }
        }))
    }
}

thread_local! {
    /// To make one takes as long as to decompress a page.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn grow(stored: &[u8], length: usize, compressed: bool) -> Result<Cow<'_, [u8]>, Damage> {
    let bytes = if compressed {
        // A page is a few MB at most: whatever claims more is damaged, and must not be believed.
        if length > 1 << 30 {
            return Err(Damage("a page of text claims an impossible length"));
        }
        let grown = DECOMPRESSOR.with_borrow_mut(|decompressor| {
            if decompressor.is_none() {
                *decompressor = Some(zstd::bulk::Decompressor::new()?);
            }
            match decompressor {
                Some(decompressor) => decompressor.decompress(stored, length),
                None => zstd::bulk::decompress(stored, length),
            }
        });
        Cow::Owned(grown.map_err(|_| Damage("a page of text does not decompress"))?)
    } else {
        Cow::Borrowed(stored)
    };
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Damage("a page of text has another length than it says"))
    }
}

fn unpack_hex(packed: &[u8]) -> Vec<u8> {
    packed.iter().flat_map(|byte| [BASE36[usize::from(byte >> 4)], BASE36[usize::from(byte & 15)]]).collect()
}

fn unpack_base36(packed: &[u8; BASE36_BYTES]) -> Result<Vec<u8>, Damage> {
    let mut bytes = [0; 16];
    bytes[..BASE36_BYTES].copy_from_slice(packed);
    let whole = u128::from_le_bytes(bytes);
    let half = u128::from(36u64.pow(8));
    if whole >= half * half {
        return Err(Damage("a request id beyond its 16 characters"));
    }
    let mut text = vec![0; BASE36_DIGITS];
    let (first, second) = text.split_at_mut(8);
    for (text, mut number) in [(first, (whole / half) as u64), (second, (whole % half) as u64)] {
        for byte in text.iter_mut().rev() {
            *byte = BASE36[(number % 36) as usize];
            number /= 36;
        }
    }
    Ok(text)
}
