//! Limits the size of pages before memory is allocated for them: a few kilobytes may decompress to gigabytes.
//!
//! The header of a page is a structure in the compact protocol of Apache Thrift (`PageHeader` in parquet.thrift): field 2 is
//! the uncompressed size of the page, field 3 the compressed one.

use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::ChunkReader;

use super::{MAX_PAGE_BYTES, ParquetError, damaged};

/// Bytes read at first for a header.
const HEADER_BYTES: u64 = 4 << 10;
/// The longest header. It has the statistics of the page.
const MAX_HEADER_BYTES: u64 = 16 << 20;
/// Structures within each other. A header has three.
const MAX_DEPTH: u32 = 16;

/// The sizes in the header of a page, and the length of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PageHeader {
    uncompressed: i64,
    compressed: i64,
    length: u64,
}

/// Checks the sizes of all pages of a column.
///
/// # Errors
/// [`ParquetError::LargePage`] for a page above [`MAX_PAGE_BYTES`].
pub(super) fn check(
    content: &impl ChunkReader,
    chunk: &ColumnChunkMetaData,
    name: &str,
) -> Result<(), ParquetError> {
    let (mut at, length) = chunk.byte_range();
    let end = at.saturating_add(length).min(content.len());
    while at < end {
        let header = read_header(content, at, end)?
            .ok_or_else(|| damaged(format!("a page of the column {name} has an invalid header")))?;
        let sizes = [header.uncompressed, header.compressed].map(u64::try_from);
        let [Ok(uncompressed), Ok(compressed)] = sizes else {
            return Err(damaged(format!("a page of the column {name} has a negative size")));
        };
        let bytes = uncompressed.max(compressed);
        if bytes > MAX_PAGE_BYTES {
            return Err(ParquetError::LargePage { name: name.to_owned(), bytes });
        }
        at += header.length + compressed;
    }
    Ok(())
}

/// Reads the header at a position. `None` if it is invalid.
fn read_header(content: &impl ChunkReader, at: u64, end: u64) -> Result<Option<PageHeader>, ParquetError> {
    let available = (end - at).min(MAX_HEADER_BYTES);
    let mut length = available.min(HEADER_BYTES);
    loop {
        let bytes = content.get_bytes(at, length as usize)?;
        let mut header = Header { bytes: &bytes, at: 0 };
        match header.page_header() {
            None if length < available => length = (length * 8).min(available),
            header => return Ok(header),
        }
    }
}

/// Reads values of the compact protocol. `None`: the bytes end, or are invalid.
struct Header<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Header<'_> {
    fn page_header(&mut self) -> Option<PageHeader> {
        let (mut field, mut sizes) = (0, [None; 2]);
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (2, 5) => sizes[0] = Some(self.number()?),
                (3, 5) => sizes[1] = Some(self.number()?),
                (_, kind) => self.skip(kind, MAX_DEPTH)?,
            }
        }
        let [uncompressed, compressed] = sizes;
        Some(PageHeader { uncompressed: uncompressed?, compressed: compressed?, length: self.at as u64 })
    }

    /// The type of the next field, whose number is set. `Some(None)` at the end of the structure.
    fn field(&mut self, number: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        match byte >> 4 {
            0 => *number = self.number()?,
            difference => *number = number.checked_add(i64::from(difference))?,
        }
        Some(Some(byte & 15))
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    /// A signed number, in zigzag encoding.
    fn number(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn advance(&mut self, length: u64) -> Option<()> {
        self.at = self.at.checked_add(usize::try_from(length).ok()?)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// Skips the value of a field.
    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // A boolean of a field is its type.
            1 | 2 => Some(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.advance(8),
            8 => {
                let length = self.varint()?;
                self.advance(length)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                match byte & 15 {
                    1..=3 => self.advance(count),
                    kind => (0..count).try_for_each(|_| self.skip(kind, depth)),
                }
            }
            12 => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_a_header_are_read_and_its_other_fields_skipped() {
        // type 0, sizes 300 and 20, then a structure with a text, a boolean and a list of numbers.
        let bytes =
            [0x15, 0, 0x15, 0xD8, 4, 0x15, 40, 0x2C, 0x18, 2, b'a', b'b', 0x11, 0x19, 0x25, 2, 4, 0, 0];
        let header = PageHeader { uncompressed: 300, compressed: 20, length: bytes.len() as u64 };
        assert_eq!(Header { bytes: &bytes, at: 0 }.page_header(), Some(header));
        for cut in 0..bytes.len() {
            assert_eq!(Header { bytes: &bytes[..cut], at: 0 }.page_header(), None, "{cut}");
        }
    }
}
