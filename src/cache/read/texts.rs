//! Columns of text: a page of one here and there, or all of them in order.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::blob::Blob;

use crate::cache::CacheError;
use crate::cache::column::Damage;
use crate::cache::column::text::{self, Entry, OpenPage};
use crate::cache::column::{checksum, chunk};
use crate::cache::sqlite::connection;
use crate::cache::sqlite::schema::chunk_id;
use crate::log::Field;

use super::{SegmentInfo, Snapshot, lock};

/// The directory of a column of text is nearly always in its first bytes.
const DIRECTORY: usize = 1024;
/// Small pages are read so many bytes at a time: few enough to stay near the processor until they are looked at.
const VALUES_PER_LOOKUP: usize = 256 << 10;

/// The file is mapped into memory as long as this lives.
pub struct Mapped<'s>(&'s Mutex<Option<Connection>>);

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        if let Some(connection) = lock(self.0).as_ref() {
            // If it stays mapped, it takes memory that others can have.
            let _ = connection::set_mapped(connection, false);
        }
    }
}

/// Memory that pages are read into one after another.
#[derive(Debug, Default)]
pub struct PageMemory {
    page: OpenPage,
    bytes: Vec<u8>,
}

impl Snapshot<'_> {
    /// Makes the file ready for pages of text to be read here and there, as long as what it returns lives.
    pub fn mapped(&self) -> Result<Mapped<'_>, CacheError> {
        self.with(|connection| connection::set_mapped(connection, true))?;
        Ok(Mapped(&self.connection))
    }

    /// A column of text, to be read page by page; see [`Snapshot::mapped`].
    pub fn details(&self, segment: &SegmentInfo, field: Field) -> Result<Details, CacheError> {
        let id = chunk_id(segment.id, field);
        let crc = self.chunk(segment, field, chunk::head)?.data_crc;
        let mut wanted = DIRECTORY;
        loop {
            let (head, length) = self.with(|connection| {
                let blob = connection.blob_open("main", "column_chunk", "data", id, true)?;
                let mut head = vec![0; wanted.min(blob.len())];
                blob.read_at_exact(&mut head, 0)?;
                Ok((head, blob.len()))
            })?;
            match Details::read(id, *segment, field, crc, &head, length) {
                Ok(details) => return Ok(details),
                Err(_) if wanted < length => wanted *= 8,
                Err(damage) => return Err(self.damaged(segment, field, damage)),
            }
        }
    }

    /// A page of a column of text.
    pub fn page(&self, details: &Details, index: usize) -> Result<Arc<OpenPage>, CacheError> {
        let place = &details.pages[index];
        let key = (details.id, index);
        if let Some(page) = lock(&self.cache.pages).get(&key) {
            return Ok(page);
        }
        let mut bytes = self.with(|connection| {
            let blob = connection.blob_open("main", "column_chunk", "data", details.id, true)?;
            let mut bytes = vec![0; place.entry.length];
            blob.read_at_exact(&mut bytes, place.offset)?;
            Ok(bytes)
        })?;
        let mut page = OpenPage::default();
        (place.entry.verify(&bytes))
            .and_then(|()| page.fill_with(place.entry.rows, &mut bytes))
            .map_err(|damage| self.damaged(&details.segment, details.field, damage))?;
        let page = Arc::new(page);
        lock(&self.cache.pages).put(key, page.clone(), page.memory());
        Ok(page)
    }

    /// A whole column of text, page by page in order, past the store of open pages. Ends at the first error of
    /// `each`, and with `false` when it is no longer worth the while.
    pub fn for_each_page<E: From<CacheError>>(
        &self,
        segment: &SegmentInfo,
        field: Field,
        is_worth_it: &dyn Fn() -> bool,
        each: &mut dyn FnMut(&OpenPage) -> Result<(), E>,
    ) -> Result<bool, E> {
        let memory = &mut PageMemory::default();
        self.for_each_page_of(segment, field, memory, &|_| true, is_worth_it, &mut |_, page| each(page))
    }

    /// The same of those pages that have rows which are wanted; `each` is told the first row of the page.
    pub fn for_each_page_of<E: From<CacheError>>(
        &self,
        segment: &SegmentInfo,
        field: Field,
        PageMemory { page, bytes }: &mut PageMemory,
        is_wanted: &dyn Fn(Range<usize>) -> bool,
        is_worth_it: &dyn Fn() -> bool,
        each: &mut dyn FnMut(usize, &OpenPage) -> Result<(), E>,
    ) -> Result<bool, E> {
        let damaged = |damage| E::from(self.damaged(segment, field, damage));
        let details = self.details(segment, field)?;
        let is_wanted = |place: &PageEntry| is_wanted(place.first_row..place.first_row + place.entry.rows);
        // Threads that go through columns at the same time do not wait for one another: each has a connection of
        // its own. It may see a later state of the cache, but a column is never changed, only removed.
        let connection = self.cache.lent().ok();
        let blob = connection.as_ref().and_then(|connection| {
            connection.get()?.blob_open("main", "column_chunk", "data", details.id, true).ok()
        });
        let mut column = match blob {
            Some(blob) if blob.len() == details.length => Column::File(blob),
            _ => self.column_in_memory(segment, field)?,
        };
        let mut pages = details.pages.as_slice();
        while let Some((first, rest)) = pages.split_first() {
            if !is_wanted(first) {
                pages = rest;
                continue;
            }
            if !is_worth_it() {
                return Ok(false);
            }
            let (mut count, mut length) = (1, first.entry.length);
            while let Some(next) = pages.get(count)
                && length + next.entry.length <= VALUES_PER_LOOKUP
                && is_wanted(next)
            {
                (count, length) = (count + 1, length + next.entry.length);
            }
            let (group, rest) = pages.split_at(count);
            pages = rest;
            let read = column.read(first.offset, length, bytes);
            if read.and_then(|()| verify(group, bytes)).is_err() {
                // Only what the snapshot itself sees counts.
                column = self.column_in_memory(segment, field)?;
                let read = column.read(first.offset, length, bytes);
                read.and_then(|()| verify(group, bytes)).map_err(damaged)?;
            }
            if let [place] = group {
                page.fill_with(place.entry.rows, bytes).map_err(damaged)?;
                each(place.first_row, page)?;
                continue;
            }
            let mut rest = bytes.as_slice();
            for place in group {
                if !is_worth_it() {
                    return Ok(false);
                }
                let (of_page, after) = rest.split_at(place.entry.length.min(rest.len()));
                rest = after;
                page.fill(place.entry.rows, of_page).map_err(damaged)?;
                each(place.first_row, page)?;
            }
        }
        Ok(true)
    }

    fn column_in_memory(&self, segment: &SegmentInfo, field: Field) -> Result<Column<'static>, CacheError> {
        let (_, bytes) = self.chunk(segment, field, chunk::read)?;
        Ok(Column::Memory(bytes))
    }
}

/// Whether these are the bytes of some pages.
fn verify(pages: &[PageEntry], mut bytes: &[u8]) -> Result<(), Damage> {
    for place in pages {
        let (page, rest) = bytes.split_at(place.entry.length.min(bytes.len()));
        place.entry.verify(page)?;
        bytes = rest;
    }
    Ok(())
}

/// Where the bytes of a column are read from.
enum Column<'c> {
    File(Blob<'c>),
    Memory(Vec<u8>),
}

impl Column<'_> {
    /// Reads bytes in place of what `out` holds.
    fn read(&self, offset: usize, length: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
        let cut_off = Damage("a page of text is cut off");
        match self {
            Column::File(blob) => {
                out.resize(length, 0);
                blob.read_at_exact(out, offset).map_err(|_| cut_off)
            }
            Column::Memory(bytes) => {
                out.clear();
                let end = offset.checked_add(length);
                out.extend_from_slice(end.and_then(|end| bytes.get(offset..end)).ok_or(cut_off)?);
                Ok(())
            }
        }
    }
}

/// A column of text: where its pages are.
#[derive(Debug)]
pub struct Details {
    id: i64,
    pub(super) segment: SegmentInfo,
    pub(super) field: Field,
    /// Bytes of the column.
    length: usize,
    pages: Vec<PageEntry>,
}

#[derive(Debug)]
struct PageEntry {
    first_row: usize,
    offset: usize,
    entry: Entry,
}

impl Details {
    fn read(
        id: i64,
        segment: SegmentInfo,
        field: Field,
        crc: i32,
        head: &[u8],
        length: usize,
    ) -> Result<Details, Damage> {
        let directory = text::directory(head)?;
        checksum::is_same(crc, checksum::of_bytes(&head[..directory.length]))?;
        let mut pages = Vec::with_capacity(directory.pages.len());
        let (mut row, mut offset) = (0, directory.length);
        for entry in directory.pages {
            let (first_row, start) = (row, offset);
            row += entry.rows;
            offset = start.checked_add(entry.length).ok_or(Damage("a page of text of impossible length"))?;
            pages.push(PageEntry { first_row, offset: start, entry });
        }
        if row != segment.rows || offset != length {
            return Err(Damage("it has another length than it says"));
        }
        Ok(Details { id, segment, field, length, pages })
    }

    /// The page of a row, and the row's place in it.
    pub fn locate(&self, row: usize) -> (usize, usize) {
        let page = self.pages.partition_point(|page| page.first_row <= row).saturating_sub(1);
        (page, row - self.pages.get(page).map_or(0, |page| page.first_row))
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
            let is_whole = snapshot.for_each_page_of(
                segment,
                Field::RequestId,
                &mut PageMemory::default(),
                // All pages but the second.
                &|rows| !rows.contains(&5000),
                &|| true,
                &mut |first_row, page| {
                    rows.push((first_row, page.rows()));
                    let text = |row| page.get(row, || None).unwrap().unwrap().into_owned();
                    texts.extend((0..page.rows()).map(text));
                    Ok::<_, CacheError>(())
                },
            );
            assert!(is_whole.unwrap());
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
