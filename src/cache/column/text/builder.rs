//! Collects values and encodes them as pages.

use super::packed_ids::{pack_base36, pack_base64, pack_hex};
use super::{COMPRESSED_TAGS, COMPRESSED_TEXT, Form, Hint, PAGE_BYTES, PAGE_ROWS, Page};
use crate::cache::column::put_varint;

/// Buffers that grew larger than this are freed after the page.
const MAX_KEPT_BUFFER_BYTES: usize = 2 * PAGE_BYTES;
/// zstd level. Most details cannot be compressed once they are packed, so speed matters more.
const ZSTD_LEVEL: i32 = 1;
/// Shorter text is not compressed: the overhead of a zstd frame would exceed the saving.
const MIN_COMPRESSED_BYTES: usize = 64;

/// Collects the values of a page.
#[derive(Default)]
pub(crate) struct PageBuilder {
    hint: Hint,
    rows: usize,
    /// Whether any value of the page is present.
    has_values: bool,
    /// Bytes of packed ids in the text. They cannot be compressed.
    packed_bytes: usize,
    tags: Vec<u8>,
    text: Vec<u8>,
    compressor: Option<zstd::bulk::Compressor<'static>>,
    /// Buffers for compressed tags and compressed text.
    compressed: [Vec<u8>; 2],
}

impl PageBuilder {
    /// A builder for a column of the kind of values that `hint` names.
    pub(crate) fn new(hint: Hint) -> PageBuilder {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
        PageBuilder { hint, compressor, ..PageBuilder::default() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory that the values of the page take.
    pub(crate) fn bytes(&self) -> usize {
        self.tags.len() + self.text.len()
    }

    /// Whether the page has as many rows or bytes as a page may have.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= PAGE_ROWS || self.text.len() >= PAGE_BYTES
    }

    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        self.rows += 1;
        let Some(value) = value else {
            self.tags.push(0);
            return;
        };
        let start = self.text.len();
        let form = match self.hint {
            Hint::RequestId if pack_hex(value, &mut self.text) || pack_base36(value, &mut self.text) => {
                Form::RequestId
            }
            Hint::Base64 if pack_base64(value, &mut self.text) => Form::Base64,
            _ => {
                self.text.extend_from_slice(value);
                Form::Plain
            }
        };
        if form != Form::Plain {
            self.packed_bytes += self.text.len() - start;
        }
        self.push_tag(start, form);
    }

    /// Appends `rows` absent values.
    pub(crate) fn push_absent(&mut self, rows: usize) {
        self.rows += rows;
        self.tags.resize(self.tags.len() + rows, 0);
    }

    /// Appends the value `before` + the key of the row + `after`.
    pub(crate) fn push_elided(&mut self, before: &[u8], after: &[u8]) {
        self.rows += 1;
        let start = self.text.len();
        put_varint(&mut self.text, before.len() as u64);
        self.text.extend_from_slice(before);
        self.text.extend_from_slice(after);
        self.push_tag(start, Form::KeyElided);
    }

    /// Appends the tag of a value that was appended to the text from `start` on.
    fn push_tag(&mut self, start: usize, form: Form) {
        self.has_values = true;
        let length = (self.text.len() - start) as u64;
        put_varint(&mut self.tags, (length << 2 | form as u64) + 1);
    }

    pub(crate) fn finish(&mut self) -> Option<Page> {
        self.finish_in(&mut Vec::new())
    }

    /// Ends the page; `None` if it has no rows. The page uses the memory of a buffer of `pool`, if there is one.
    pub(crate) fn finish_in(&mut self, pool: &mut Vec<Vec<u8>>) -> Option<Page> {
        if self.rows == 0 {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        let mut bytes = Vec::new();
        if std::mem::take(&mut self.has_values) {
            bytes = pool.pop().unwrap_or_default();
            bytes.clear();
            let [tags_buffer, text_buffer] = &mut self.compressed;
            let zstd = &mut self.compressor;
            let compressed_tags = compress(zstd.as_mut(), &self.tags, tags_buffer);
            // Packed ids are random bytes, which cannot be compressed.
            let zstd = zstd.as_mut().filter(|_| self.packed_bytes * 2 < self.text.len());
            let compressed_text = compress(zstd, &self.text, text_buffer);
            let kind = 1
                | if compressed_tags.is_some() { COMPRESSED_TAGS } else { 0 }
                | if compressed_text.is_some() { COMPRESSED_TEXT } else { 0 };
            let stored_tags = compressed_tags.unwrap_or(&self.tags);
            let stored_text = compressed_text.unwrap_or(&self.text);
            // The next page in this buffer may be a little longer: an eighth more avoids growing it.
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
        self.packed_bytes = 0;
        self.tags.clear();
        self.text.clear();
        let [tags_buffer, text_buffer] = &mut self.compressed;
        for buffer in [&mut self.text, tags_buffer, text_buffer] {
            if buffer.capacity() > MAX_KEPT_BUFFER_BYTES {
                *buffer = Vec::new();
            }
        }
        Some(Page { rows, bytes })
    }
}

/// Compresses bytes into `out`; `None` if that saves less than a sixteenth.
fn compress<'o>(
    zstd: Option<&mut zstd::bulk::Compressor<'static>>,
    bytes: &[u8],
    out: &'o mut Vec<u8>,
) -> Option<&'o [u8]> {
    if bytes.len() < MIN_COMPRESSED_BYTES {
        return None;
    }
    out.clear();
    out.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
    zstd?.compress_to_buffer(bytes, out).ok()?;
    (out.len() < bytes.len() - bytes.len() / 16).then_some(out.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_of_a_long_value_is_freed_after_its_page() {
        let mut builder = PageBuilder::new(Hint::Text);
        builder.push(Some(&vec![b'y'; MAX_KEPT_BUFFER_BYTES + 1]));
        let page = builder.finish().unwrap();
        assert_eq!(page.text_bytes(), Ok(MAX_KEPT_BUFFER_BYTES as u64 + 1));
        assert_eq!(builder.text.capacity(), 0);
    }
}
