//! Reading pages of text: the other half of [`text`](super::text), where their layout is told.

use std::borrow::Cow;
use std::cell::RefCell;

use base64_simd::STANDARD as BASE64;

use super::checksum;
use super::text::{
    BASE36, BASE36_BYTES, BASE36_DIGITS, BASE64_PACKED, COMPRESSED_TAGS, COMPRESSED_TEXT, PAGE, PLAIN, Page,
    REQUEST_ID,
};
use super::{Damage, take_varint};

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
    tags: Tags,
    /// The stored forms stand in it from `from` on.
    text: Vec<u8>,
    from: usize,
    /// Memory that the tags are decompressed to.
    tag_bytes: Vec<u8>,
}

/// Where a stored form ends, and which it is.
type Tag = (u32, Option<u8>);

/// What the stored forms are like.
#[derive(Debug, Default)]
enum Tags {
    /// There are none: all are absent.
    #[default]
    Absent,
    /// All present, as long, and of one form. Ids are.
    Same { length: usize, form: u8 },
    /// One per value.
    Each(Vec<Tag>),
}

impl OpenPage {
    /// Decompresses a page.
    ///
    /// # Errors
    /// If the bytes are not such a page.
    pub fn open(page: &Page) -> Result<OpenPage, Damage> {
        let mut open = OpenPage::default();
        open.fill(page.rows, &page.bytes)?;
        Ok(open)
    }

    /// Decompresses a page in place of the one it was, into the same memory.
    ///
    /// # Errors
    /// If the bytes are not such a page.
    pub fn fill(&mut self, rows: usize, bytes: &[u8]) -> Result<(), Damage> {
        if let Some(stored_text) = self.fill_tags(rows, bytes)? {
            self.text.clear();
            self.text.extend_from_slice(&bytes[stored_text..]);
            self.from = 0;
        }
        Ok(())
    }

    /// The same, the page being all that these bytes are: text that is not compressed is not copied but
    /// exchanged for that of the page before.
    ///
    /// # Errors
    /// If the bytes are not such a page.
    pub fn fill_with(&mut self, rows: usize, bytes: &mut Vec<u8>) -> Result<(), Damage> {
        if let Some(stored_text) = self.fill_tags(rows, bytes)? {
            std::mem::swap(&mut self.text, bytes);
            self.from = stored_text;
        }
        Ok(())
    }

    /// Everything but text that is not compressed: where in the bytes that is.
    fn fill_tags(&mut self, rows: usize, bytes: &[u8]) -> Result<Option<usize>, Damage> {
        let mut rest = bytes;
        self.rows = rows;
        // Should this be no page, then there are no values either.
        let before = std::mem::take(&mut self.tags);
        let (&kind, after) = rest.split_first().ok_or(Damage("an empty page of text"))?;
        rest = after;
        if kind == 0 {
            return Ok(None);
        }
        let tags_length = take_varint(&mut rest)? as usize;
        let stored_tags = take_varint(&mut rest)? as usize;
        let text_length = take_varint(&mut rest)? as usize;
        let (stored_tags, stored_text) =
            rest.split_at_checked(stored_tags).ok_or(Damage("the tags of a page of text are cut off"))?;
        let other_length = Damage("a page of text has another length than it says");
        let tags = if kind & COMPRESSED_TAGS != 0 {
            grow(stored_tags, tags_length, &mut self.tag_bytes)?;
            self.tag_bytes.as_slice()
        } else {
            stored_tags
        };
        if tags.len() != tags_length {
            return Err(other_length);
        }
        let is_compressed = kind & COMPRESSED_TEXT != 0;
        if is_compressed {
            grow(stored_text, text_length, &mut self.text)?;
            self.from = 0;
        }
        if (if is_compressed { self.text.len() } else { stored_text.len() }) != text_length {
            return Err(other_length);
        }
        self.tags = before.filled(rows, tags, text_length)?;
        Ok((!is_compressed).then(|| bytes.len() - stored_text.len()))
    }

    /// Values in it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory it takes.
    pub fn memory(&self) -> usize {
        let tags = match &self.tags {
            Tags::Each(tags) => tags.capacity() * size_of::<Tag>(),
            Tags::Absent | Tags::Same { .. } => 0,
        };
        tags + self.text.capacity() + self.tag_bytes.capacity()
    }

    /// Whether no value of the page is present.
    pub fn is_absent(&self) -> bool {
        matches!(self.tags, Tags::Absent)
    }

    /// The stored forms of all values, behind one another, if all are present, of this form, and as long as
    /// is told.
    pub(super) fn same(&self) -> Option<(&[u8], usize, u64)> {
        match self.tags {
            Tags::Same { length, form } => Some((&self.text[self.from..], length, form.into())),
            Tags::Absent | Tags::Each(_) => None,
        }
    }

    /// The stored form of a value, and which it is.
    #[inline]
    pub(super) fn stored(&self, row: usize) -> Option<(&[u8], u64)> {
        let text = &self.text[self.from..];
        match &self.tags {
            Tags::Absent => None,
            &Tags::Same { length, form } => {
                (row < self.rows).then(|| (&text[row * length..][..length], form.into()))
            }
            Tags::Each(tags) => {
                let &(end, Some(form)) = tags.get(row)? else { return None };
                let start = if row == 0 { 0 } else { tags[row - 1].0 };
                Some((&text[start as usize..end as usize], form.into()))
            }
        }
    }

    /// Where the stored forms of all values end in the text that is also told, and which they are, if they differ.
    pub(super) fn each(&self) -> Option<(&[Tag], &[u8])> {
        match &self.tags {
            Tags::Each(tags) => Some((tags, &self.text[self.from..])),
            Tags::Absent | Tags::Same { .. } => None,
        }
    }

    /// Whether a value is absent.
    pub fn is_absent_at(&self, row: usize) -> bool {
        self.stored(row).is_none()
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

/// Decompresses bytes in place of what `out` holds.
fn grow(stored: &[u8], length: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
    // A page is a few MB at most: whatever claims more is damaged, and must not be believed.
    if length > 1 << 30 {
        return Err(Damage("a page of text claims an impossible length"));
    }
    out.clear();
    out.reserve(length);
    let grown = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if decompressor.is_none() {
            *decompressor = Some(zstd::bulk::Decompressor::new()?);
        }
        match decompressor {
            Some(decompressor) => decompressor.decompress_to_buffer(stored, out),
            None => zstd::bulk::decompress_to_buffer(stored, out),
        }
    });
    grown.map(|_| ()).map_err(|_| Damage("a page of text does not decompress"))
}

impl Tags {
    /// The tags of another page, in the memory of these.
    fn filled(self, rows: usize, bytes: &[u8], text: usize) -> Result<Tags, Damage> {
        let beyond = Damage("a value of a page of text goes beyond its end");
        let mut rest = bytes;
        if rows > 0
            && let tag @ 1.. = take_varint(&mut rest)?
            && let width = bytes.len() - rest.len()
            && bytes.len() == rows * width
            && rest == &bytes[..bytes.len() - width]
        {
            let length = (tag - 1) >> 2;
            if length.checked_mul(rows as u64).is_none_or(|end| end > text as u64) {
                return Err(beyond);
            }
            return Ok(Tags::Same { length: length as usize, form: ((tag - 1) & 3) as u8 });
        }
        let mut tags = match self {
            Tags::Each(tags) => tags,
            Tags::Absent | Tags::Same { .. } => Vec::new(),
        };
        if rows > bytes.len() {
            return Err(Damage("the tags of a page of text are cut off"));
        }
        tags.resize(rows, (0, None));
        let mut rest = bytes;
        let mut end = 0u64;
        for place in &mut tags {
            // Most take a byte or two, which is no question of chance: that would cost more than the rest.
            let tag = match rest.first_chunk::<2>() {
                Some(&[low, high]) if low & high < 0x80 => {
                    let has_high = low >> 7;
                    rest = &rest[1 + usize::from(has_high)..];
                    u64::from(low & 0x7f) | u64::from(high * has_high) << 7
                }
                _ => take_varint(&mut rest)?,
            };
            let form = match tag {
                0 => None,
                tag => {
                    end = end.saturating_add((tag - 1) >> 2);
                    Some(((tag - 1) & 3) as u8)
                }
            };
            *place = (end as u32, form);
        }
        if end > text as u64 || end > u32::MAX.into() {
            return Err(beyond);
        }
        Ok(Tags::Each(tags))
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
