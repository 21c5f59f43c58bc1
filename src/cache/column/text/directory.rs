//! The directory at the beginning of a text column: where its pages are, and their checksums.

use super::{PAGE_ROWS, Page};
use crate::cache::column::{Damage, checksum, put_varint, take_varint};

#[derive(Debug)]
pub(crate) struct Directory {
    pub pages: Vec<DirectoryEntry>,
    /// Length of the directory in bytes; the first page follows it.
    pub length: usize,
}

/// A page in the directory.
#[derive(Debug)]
pub(crate) struct DirectoryEntry {
    pub rows: usize,
    pub length: usize,
    crc: i32,
}

impl DirectoryEntry {
    /// Compares the bytes of the page with their checksum.
    pub(crate) fn verify(&self, bytes: &[u8]) -> Result<(), Damage> {
        checksum::verify(self.crc, checksum::of_bytes(bytes))
    }
}

impl Directory {
    /// Reads the directory from the first bytes of a column. `bytes` may be only a part of the column.
    /// Fails if the directory is longer than `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Result<Directory, Damage> {
        let mut rest = bytes;
        let count = take_varint(&mut rest)?;
        let mut pages = Vec::new();
        for _ in 0..count {
            let (rows, length) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
            let (crc, after) =
                rest.split_first_chunk().ok_or(Damage("the directory of a text column is cut off"))?;
            rest = after;
            if rows > PAGE_ROWS as u64 {
                return Err(Damage("a page of text has too many rows"));
            }
            pages.push(DirectoryEntry {
                rows: rows as usize,
                length: length as usize,
                crc: i32::from_le_bytes(*crc),
            });
        }
        Ok(Directory { pages, length: bytes.len() - rest.len() })
    }
}

/// Splits a column into its pages. Fails if a page does not match its checksum.
pub(crate) fn split(bytes: &[u8]) -> Result<Vec<Page>, Damage> {
    let directory = Directory::read(bytes)?;
    let mut rest = &bytes[directory.length..];
    let mut pages = Vec::with_capacity(directory.pages.len());
    for entry in directory.pages {
        let (page, after) = rest.split_at_checked(entry.length).ok_or(Damage("a page of text is cut off"))?;
        entry.verify(page)?;
        pages.push(Page { rows: entry.rows, bytes: page.to_vec() });
        rest = after;
    }
    if rest.is_empty() { Ok(pages) } else { Err(Damage("bytes follow the last page of a text column")) }
}

/// Replaces `out` with the directory of a column of these pages. A column is its directory, then the bytes of the pages.
pub(crate) fn put_directory(pages: &[Page], out: &mut Vec<u8>) {
    out.clear();
    put_varint(out, pages.len() as u64);
    for page in pages {
        put_varint(out, page.rows as u64);
        put_varint(out, page.bytes.len() as u64);
        out.extend_from_slice(&checksum::of_bytes(&page.bytes).to_le_bytes());
    }
}
