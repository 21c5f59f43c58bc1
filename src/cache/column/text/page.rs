//! Decodes pages of text.

use std::borrow::Cow;
use std::cell::RefCell;

use super::packed_ids::{BASE36_BYTES, unpack_base36, unpack_base64, unpack_hex};
use super::stored::{ElidedText, StoredValues, Tag};
use super::{COMPRESSED_TAGS, COMPRESSED_TEXT, Form, Page};
use crate::cache::column::{Damage, take_varint};

/// Limit of the length of tags or text. Pages have a few megabytes at most, so a larger length is damaged, and no memory
/// is allocated for it.
const MAX_DECOMPRESSED_BYTES: usize = 1 << 30;

#[derive(Debug, Default)]
pub struct TextPage {
    rows: usize,
    tags: Tags,
    /// The stored values begin at `text_start`.
    text: Vec<u8>,
    text_start: usize,
    /// Buffer for decompressed tags.
    tag_bytes: Vec<u8>,
}

/// Lengths and forms of the stored values.
#[derive(Debug, Default)]
enum Tags {
    /// All values are absent.
    #[default]
    Absent,
    /// All values are present and have the same length and form, as ids have.
    Uniform { length: usize, form: Form },
    /// One tag per value.
    PerValue(Vec<Tag>),
}

impl TextPage {
    pub fn open(page: &Page) -> Result<TextPage, Damage> {
        let mut open = TextPage::default();
        open.replace(page.rows, &page.bytes)?;
        Ok(open)
    }

    /// Replaces this page with another one, which uses the memory of this one.
    pub fn replace(&mut self, rows: usize, bytes: &[u8]) -> Result<(), Damage> {
        if let Some(text_start) = self.read_all_but_plain_text(rows, bytes)? {
            self.text.clear();
            self.text.extend_from_slice(&bytes[text_start..]);
            self.text_start = 0;
        }
        Ok(())
    }

    /// Replaces this page with another one, like [`TextPage::replace`], but does not copy uncompressed text:
    /// it swaps `bytes` with the text of this page.
    pub fn replace_swapping(&mut self, rows: usize, bytes: &mut Vec<u8>) -> Result<(), Damage> {
        if let Some(text_start) = self.read_all_but_plain_text(rows, bytes)? {
            std::mem::swap(&mut self.text, bytes);
            self.text_start = text_start;
        }
        Ok(())
    }

    /// Reads everything except uncompressed text. Returns where in `bytes` such text begins.
    fn read_all_but_plain_text(&mut self, rows: usize, bytes: &[u8]) -> Result<Option<usize>, Damage> {
        let mut rest = bytes;
        self.rows = rows;
        // If the bytes are damaged, the page must have no values.
        let old_tags = std::mem::take(&mut self.tags);
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
        let wrong_length = Damage("a page of text does not have the length that it states");
        let tags = if kind & COMPRESSED_TAGS != 0 {
            decompress(stored_tags, tags_length, &mut self.tag_bytes)?;
            self.tag_bytes.as_slice()
        } else {
            stored_tags
        };
        if tags.len() != tags_length {
            return Err(wrong_length);
        }
        let is_compressed = kind & COMPRESSED_TEXT != 0;
        if is_compressed {
            decompress(stored_text, text_length, &mut self.text)?;
            self.text_start = 0;
        }
        if (if is_compressed { self.text.len() } else { stored_text.len() }) != text_length {
            return Err(wrong_length);
        }
        self.tags = old_tags.read(rows, tags, text_length)?;
        Ok((!is_compressed).then(|| bytes.len() - stored_text.len()))
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn memory(&self) -> usize {
        let tags = match &self.tags {
            Tags::PerValue(tags) => tags.capacity() * size_of::<Tag>(),
            Tags::Absent | Tags::Uniform { .. } => 0,
        };
        tags + self.text.capacity() + self.tag_bytes.capacity()
    }

    pub fn is_absent(&self) -> bool {
        matches!(self.tags, Tags::Absent)
    }

    pub fn stored_values(&self) -> StoredValues<'_> {
        let text = &self.text[self.text_start..];
        match &self.tags {
            Tags::Absent => StoredValues::Absent,
            &Tags::Uniform { length, form } => StoredValues::Uniform { text, length, form },
            Tags::PerValue(tags) => StoredValues::Tagged { tags, text },
        }
    }

    /// A stored value and its form; `None` if the value is absent.
    #[inline]
    pub fn stored(&self, row: usize) -> Option<(&[u8], Form)> {
        let text = &self.text[self.text_start..];
        match &self.tags {
            Tags::Absent => None,
            &Tags::Uniform { length, form } => {
                (row < self.rows).then(|| (&text[row * length..][..length], form))
            }
            Tags::PerValue(tags) => {
                let &(end, Some(form)) = tags.get(row)? else { return None };
                let start = if row == 0 { 0 } else { tags[row - 1].0 };
                Some((&text[start as usize..end as usize], form))
            }
        }
    }

    pub fn is_absent_at(&self, row: usize) -> bool {
        self.stored(row).is_none()
    }

    /// Whether the key of a value is elided, so that [`TextPage::get`] needs it.
    pub fn is_elided(&self, row: usize) -> bool {
        matches!(self.stored(row), Some((_, Form::KeyElided)))
    }

    /// The value of a row. `key` returns the key of the row; it is called only if the key is elided.
    /// Fails if `key` returns `None`.
    pub fn get<'a, 'k>(
        &'a self,
        row: usize,
        key: impl FnOnce() -> Option<&'k [u8]>,
    ) -> Result<Option<Cow<'a, [u8]>>, Damage> {
        let Some((stored, form)) = self.stored(row) else { return Ok(None) };
        Ok(Some(match form {
            Form::Plain => Cow::Borrowed(stored),
            Form::RequestId => Cow::Owned(match stored.first_chunk() {
                Some(packed) if stored.len() == BASE36_BYTES => unpack_base36(packed)?,
                _ => unpack_hex(stored),
            }),
            Form::Base64 => Cow::Owned(unpack_base64(stored)),
            Form::KeyElided => {
                let ElidedText { before, after } = ElidedText::read(stored)?;
                let key = key().ok_or(Damage("the key of a value is elided, but the row has no key"))?;
                Cow::Owned([before, key, after].concat())
            }
        }))
    }
}

thread_local! {
    /// A decompressor per thread: creating one takes as long as decompressing a page.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Replaces `out` with the decompressed bytes.
fn decompress(stored: &[u8], length: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
    if length > MAX_DECOMPRESSED_BYTES {
        return Err(Damage("a page of text states an impossible length"));
    }
    out.clear();
    out.reserve(length);
    let result = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if decompressor.is_none() {
            *decompressor = Some(zstd::bulk::Decompressor::new()?);
        }
        match decompressor {
            Some(decompressor) => decompressor.decompress_to_buffer(stored, out),
            None => zstd::bulk::decompress_to_buffer(stored, out),
        }
    });
    result.map(|_| ()).map_err(|_| Damage("a page of text does not decompress"))
}

impl Tags {
    /// Reads the tags of a page with `text_length` bytes of text. Reuses the memory of `self`.
    fn read(self, rows: usize, bytes: &[u8], text_length: usize) -> Result<Tags, Damage> {
        let after_end = Damage("a value of a page of text ends after the page");
        let mut rest = bytes;
        if rows > 0
            && let tag @ 1.. = take_varint(&mut rest)?
            && let width = bytes.len() - rest.len()
            && bytes.len() == rows * width
            && rest == &bytes[..bytes.len() - width]
        {
            let length = (tag - 1) >> 2;
            if length.checked_mul(rows as u64).is_none_or(|end| end > text_length as u64) {
                return Err(after_end);
            }
            return Ok(Tags::Uniform { length: length as usize, form: Form::from_bits(tag - 1) });
        }
        let mut tags = match self {
            Tags::PerValue(tags) => tags,
            Tags::Absent | Tags::Uniform { .. } => Vec::new(),
        };
        if rows > bytes.len() {
            return Err(Damage("the tags of a page of text are cut off"));
        }
        tags.resize(rows, (0, None));
        let mut rest = bytes;
        let mut end = 0u64;
        for entry in &mut tags {
            // Most tags have one or two bytes. Which of them is unpredictable, so this path has no branch.
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
                    Some(Form::from_bits(tag - 1))
                }
            };
            *entry = (end as u32, form);
        }
        if end > text_length as u64 || end > u32::MAX.into() {
            return Err(after_end);
        }
        Ok(Tags::PerValue(tags))
    }
}
