//! Reads pages of text columns: single pages, which stay in memory, or all pages of a column in order.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::blob::Blob;
use tokio_util::sync::CancellationToken;

use crate::cache::CacheError;
use crate::cache::column::text::{Directory, DirectoryEntry, TextPage};
use crate::cache::column::{Damage, checksum, chunk};
use crate::cache::sqlite::connection;
use crate::cache::sqlite::schema::chunk_id;
use crate::log::Field;

use super::{SegmentInfo, Snapshot};

/// First bytes of a column that are read for its directory. Longer directories are rare.
const DIRECTORY_BYTES: usize = 1024;
/// Small pages are read together, up to this many bytes, which stay in the CPU cache until they are decoded.
const READ_BYTES: usize = 256 << 10;

/// A guard: the cache file is mapped into memory until this is dropped. Mapped pages count as memory of the process.
pub struct MappedFile<'s>(&'s Mutex<Option<Connection>>);

impl Drop for MappedFile<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.lock().as_ref() {
            let _ = connection::set_mapped(connection, false);
        }
    }
}

/// Memory that pages are read into one after another.
#[derive(Debug, Default)]
pub struct PageBuffers {
    page: TextPage,
    bytes: Vec<u8>,
}

/// Where the pages of a text column are.
#[derive(Debug)]
pub(super) struct TextPages {
    id: i64,
    pub(super) segment: SegmentInfo,
    pub(super) field: Field,
    length: usize,
    pages: Vec<PageLocation>,
}

#[derive(Debug)]
struct PageLocation {
    first_row: usize,
    /// Where the page begins in the column.
    offset: usize,
    entry: DirectoryEntry,
}

impl TextPages {
    /// Reads the directory of the column `id` from its first bytes.
    fn read(
        id: i64,
        (segment, field): (SegmentInfo, Field),
        crc: i32,
        start: &[u8],
        length: usize,
    ) -> Result<TextPages, Damage> {
        let directory = Directory::read(start)?;
        checksum::verify(crc, checksum::of_bytes(&start[..directory.length]))?;
        let mut pages = Vec::with_capacity(directory.pages.len());
        let (mut first_row, mut offset) = (0, directory.length);
        for entry in directory.pages {
            let (rows, end) = (entry.rows, offset.checked_add(entry.length));
            pages.push(PageLocation { first_row, offset, entry });
            first_row += rows;
            offset = end.ok_or(Damage("a page of text has an impossible length"))?;
        }
        if first_row != segment.rows || offset != length {
            return Err(Damage("it does not have the length that it states"));
        }
        Ok(TextPages { id, segment, field, length, pages })
    }

    /// The index of the page of a row, and the row in the page.
    pub(super) fn locate(&self, row: usize) -> (usize, usize) {
        let page = self.pages.partition_point(|page| page.first_row <= row).saturating_sub(1);
        (page, row - self.pages.get(page).map_or(0, |page| page.first_row))
    }
}

impl Snapshot<'_> {
    /// Maps the cache file into memory, so that single pages are read faster, until the result is dropped.
    pub fn mapped(&self) -> Result<MappedFile<'_>, CacheError> {
        self.with(|connection| connection::set_mapped(connection, true))?;
        Ok(MappedFile(&self.connection))
    }

    pub(super) fn text_pages(&self, segment: &SegmentInfo, field: Field) -> Result<TextPages, CacheError> {
        let id = chunk_id(segment.id, field);
        let crc = self.chunk(segment, field, chunk::head)?.data_crc;
        let mut wanted = DIRECTORY_BYTES;
        loop {
            let (start, length) = self.with(|connection| {
                let blob = connection.blob_open("main", "column_chunk", "data", id, true)?;
                let mut start = vec![0; wanted.min(blob.len())];
                blob.read_at_exact(&mut start, 0)?;
                Ok((start, blob.len()))
            })?;
            match TextPages::read(id, (*segment, field), crc, &start, length) {
                Ok(pages) => return Ok(pages),
                Err(_) if wanted < length => wanted *= 8,
                Err(damage) => return Err(self.damaged(segment, field, damage)),
            }
        }
    }

    pub(super) fn text_page(&self, column: &TextPages, index: usize) -> Result<Arc<TextPage>, CacheError> {
        self.cache.pages.get_or_load(&(column.id, index), || {
            let location = &column.pages[index];
            let mut bytes = self.with(|connection| {
                let blob = connection.blob_open("main", "column_chunk", "data", column.id, true)?;
                let mut bytes = vec![0; location.entry.length];
                blob.read_at_exact(&mut bytes, location.offset)?;
                Ok(bytes)
            })?;
            let mut page = TextPage::default();
            (location.entry.verify(&bytes))
                .and_then(|()| page.replace_swapping(location.entry.rows, &mut bytes))
                .map_err(|damage| self.damaged(&column.segment, column.field, damage))?;
            let memory = page.memory();
            Ok((Arc::new(page), memory))
        })
    }

    /// Calls `each` with the first row and the content of every page of a text column that has rows which
    /// `is_wanted`, in order. These pages do not stay in memory.
    /// Ends with the first error of `each`, or [`CacheError::Cancelled`].
    pub fn for_each_text_page<E: From<CacheError>>(
        &self,
        segment: &SegmentInfo,
        field: Field,
        cancel: &CancellationToken,
        PageBuffers { page, bytes }: &mut PageBuffers,
        is_wanted: &dyn Fn(Range<usize>) -> bool,
        each: &mut dyn FnMut(usize, &TextPage) -> Result<(), E>,
    ) -> Result<(), E> {
        let check_cancelled = || if cancel.is_cancelled() { Err(CacheError::Cancelled) } else { Ok(()) };
        let damaged = |damage| E::from(self.damaged(segment, field, damage));
        let text = self.text_pages(segment, field)?;
        let is_wanted = |page: &PageLocation| is_wanted(page.first_row..page.first_row + page.entry.rows);
        // Each thread reads with a connection of its own, so that threads do not wait for each other. The connection may
        // see a later state of the cache than the snapshot, but a column is never changed, only removed.
        let connection = self.cache.lent().ok();
        let blob = connection.as_ref().and_then(|connection| {
            connection.get()?.blob_open("main", "column_chunk", "data", text.id, true).ok()
        });
        let mut column = match blob {
            Some(blob) if blob.len() == text.length => ColumnBytes::File(blob),
            _ => self.column_in_memory(segment, field)?,
        };
        let mut pages = text.pages.as_slice();
        while let Some((first, rest)) = pages.split_first() {
            if !is_wanted(first) {
                pages = rest;
                continue;
            }
            check_cancelled()?;
            let (mut count, mut length) = (1, first.entry.length);
            while let Some(next) = pages.get(count)
                && length + next.entry.length <= READ_BYTES
                && is_wanted(next)
            {
                (count, length) = (count + 1, length + next.entry.length);
            }
            let (group, rest) = pages.split_at(count);
            pages = rest;
            let read = column.read(first.offset, length, bytes);
            if read.and_then(|()| verify(group, bytes)).is_err() {
                // The column may have been removed: read it as the snapshot sees it.
                column = self.column_in_memory(segment, field)?;
                let read = column.read(first.offset, length, bytes);
                read.and_then(|()| verify(group, bytes)).map_err(damaged)?;
            }
            if let [single] = group {
                page.replace_swapping(single.entry.rows, bytes).map_err(damaged)?;
                each(single.first_row, page)?;
                continue;
            }
            let mut rest = bytes.as_slice();
            for location in group {
                check_cancelled()?;
                let (of_page, after) = rest.split_at(location.entry.length.min(rest.len()));
                rest = after;
                page.replace(location.entry.rows, of_page).map_err(damaged)?;
                each(location.first_row, page)?;
            }
        }
        Ok(())
    }

    fn column_in_memory(&self, segment: &SegmentInfo, field: Field) -> Result<ColumnBytes<'_>, CacheError> {
        self.chunk(segment, field, chunk::read).map(|(_, bytes)| ColumnBytes::Memory(bytes))
    }
}

/// Compares the bytes of consecutive pages with their checksums.
fn verify(pages: &[PageLocation], mut bytes: &[u8]) -> Result<(), Damage> {
    for location in pages {
        let (page, rest) = bytes.split_at(location.entry.length.min(bytes.len()));
        location.entry.verify(page)?;
        bytes = rest;
    }
    Ok(())
}

enum ColumnBytes<'c> {
    File(Blob<'c>),
    Memory(Vec<u8>),
}

impl ColumnBytes<'_> {
    /// Replaces `out` with `length` bytes.
    fn read(&self, offset: usize, length: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
        let cut_off = Damage("a page of text is cut off");
        match self {
            ColumnBytes::File(blob) => {
                out.resize(length, 0);
                blob.read_at_exact(out, offset).map_err(|_| cut_off)
            }
            ColumnBytes::Memory(bytes) => {
                out.clear();
                let end = offset.checked_add(length);
                out.extend_from_slice(end.and_then(|end| bytes.get(offset..end)).ok_or(cut_off)?);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};

    #[test]
    fn a_column_that_was_removed_meanwhile_is_read_as_the_snapshot_sees_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", (0..7000).map(Request::at));
        let cache = Cache::open(&path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let read = || {
            let segment = &snapshot.segments[0];
            let (mut rows, mut texts) = (Vec::new(), Vec::new());
            let read = snapshot.for_each_text_page(
                segment,
                Field::RequestId,
                &CancellationToken::new(),
                &mut PageBuffers::default(),
                // All pages but the second.
                &|rows| !rows.contains(&5000),
                &mut |first_row, page| {
                    rows.push((first_row, page.rows()));
                    let text = |row| page.get(row, || None).unwrap().unwrap().into_owned();
                    texts.extend((0..page.rows()).map(text));
                    Ok::<_, CacheError>(())
                },
            );
            read.unwrap();
            assert_eq!(rows, [(0, 4096)]);
            texts
        };
        let before = read();
        let source = writer.find_source("one").unwrap().unwrap();
        assert_eq!(writer.prune(source, i64::MAX).unwrap().requests, 7000);
        assert!(cache.snapshot().unwrap().segments.is_empty());
        assert_eq!(read(), before);
    }
}
