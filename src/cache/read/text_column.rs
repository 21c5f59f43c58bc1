//! Text columns as readers see them: the complete text of a row, or of all rows in order. A request URI is stored
//! without its object's key where it repeats the key; only this file and the writer depend on that.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cache::CacheError;
use crate::cache::column::integers::{BLOCK, Integers};
use crate::cache::column::text::TextPage;
use crate::cache::dictionary::Dictionary;
use crate::log::Field;

use super::text_pages::{PageBuffers, TextPages};
use super::{SegmentInfo, Snapshot};

/// The texts of a detail of all rows of a segment, read a page at a time when they are first needed.
///
/// ```no_run
/// # use tamarin::cache::{Cache, CacheError};
/// # use tamarin::log::Field;
/// # fn main() -> Result<(), CacheError> {
/// let cache = Cache::open("cache.db".as_ref())?;
/// let snapshot = cache.snapshot()?;
/// for segment in &snapshot.segments {
///     let mut uris = snapshot.text_column(segment, Field::RequestUri)?;
///     for row in [0, segment.rows - 1] {
///         println!("{:?}", uris.get(&snapshot, row)?);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct TextColumn {
    pages: TextPages,
    /// The page that was read last, with its index.
    page: Option<(usize, Arc<TextPage>)>,
    keys: Option<Box<KeyIds>>,
}

impl TextColumn {
    /// The text of a row; `None` if it is absent. Rows are best read in ascending order.
    pub fn get(&mut self, snapshot: &Snapshot<'_>, row: usize) -> Result<Option<Cow<'_, [u8]>>, CacheError> {
        self.get_with(snapshot, row, |field, id| snapshot.value(field, id))
    }

    /// Like [`TextColumn::get`], but looks up values of dimensions, which a text may contain, with a function that may
    /// remember them.
    pub fn get_with(
        &mut self,
        snapshot: &Snapshot<'_>,
        row: usize,
        mut value: impl FnMut(Field, u32) -> Result<Option<Arc<[u8]>>, CacheError>,
    ) -> Result<Option<Cow<'_, [u8]>>, CacheError> {
        let (segment, field) = (self.pages.segment, self.pages.field);
        let (index, in_page) = self.pages.locate(row);
        if self.page.as_ref().is_none_or(|(open, _)| *open != index) {
            self.page = Some((index, snapshot.text_page(&self.pages, index)?));
        }
        let Some((_, page)) = &self.page else { return Ok(None) };
        let mut key = None;
        if field == Field::RequestUri && page.is_elided(in_page) {
            let keys = match &mut self.keys {
                Some(keys) => keys,
                none => none.insert(Box::new(KeyIds::new(snapshot, &segment)?)),
            };
            key = value(Field::Key, keys.get(row))?;
        }
        page.get(in_page, || key.as_deref()).map_err(|damage| snapshot.damaged(&segment, field, damage))
    }

    /// Prepares for reading many rows: loads the values as a whole that [`TextColumn::get`] would look up row by row.
    pub fn expect_many(&self, snapshot: &Snapshot<'_>) -> Result<(), CacheError> {
        if self.pages.field == Field::RequestUri {
            snapshot.dictionary(Field::Key)?;
        }
        Ok(())
    }
}

impl Snapshot<'_> {
    /// The column of a detail, for reading single rows. Faster within the lifetime of [`Snapshot::mapped`].
    pub fn text_column(&self, segment: &SegmentInfo, field: Field) -> Result<TextColumn, CacheError> {
        Ok(TextColumn { pages: self.text_pages(segment, field)?, page: None, keys: None })
    }

    /// Calls `each` with the row and the complete text of every row of a segment, in order.
    /// Fails with [`CacheError::Cancelled`] once `cancel` is cancelled.
    pub fn for_each_text(
        &self,
        segment: &SegmentInfo,
        field: Field,
        cancel: &CancellationToken,
        mut each: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), CacheError> {
        let mut keys = RowKeys::of_text(self, segment, field, cancel)?;
        let buffers = &mut PageBuffers::default();
        self.for_each_text_page(segment, field, cancel, buffers, &|_| true, &mut |first_row, page| {
            for in_page in 0..page.rows() {
                let row = first_row + in_page;
                let key = match &mut keys {
                    Some(keys) if page.is_elided(in_page) => keys.get(row)?,
                    _ => None,
                };
                let text = page.get(in_page, || key);
                let text = text.map_err(|damage| self.damaged(segment, field, damage))?;
                each(row, text.as_deref());
            }
            Ok(())
        })
    }
}

/// The value ids of the keys of a segment, the last block of them unpacked.
struct KeyIds {
    ids: Arc<Integers>,
    unpacked: [u32; BLOCK],
    block: usize,
}

impl KeyIds {
    fn new(snapshot: &Snapshot<'_>, segment: &SegmentInfo) -> Result<KeyIds, CacheError> {
        let ids = snapshot.integers(segment, Field::Key)?;
        Ok(KeyIds { ids, unpacked: [0; BLOCK], block: usize::MAX })
    }

    #[inline]
    fn get(&mut self, row: usize) -> u32 {
        if self.block != row / BLOCK {
            self.block = row / BLOCK;
            self.ids.unpack_u32(self.block, &mut self.unpacked);
        }
        self.unpacked[row % BLOCK]
    }
}

/// The keys of the requests of a segment. The dictionary is read when the first key is needed.
pub(crate) struct RowKeys<'s> {
    snapshot: &'s Snapshot<'s>,
    cancel: &'s CancellationToken,
    ids: KeyIds,
    values: OnceCell<Dictionary>,
}

impl<'s> RowKeys<'s> {
    /// The keys that the texts of a column may contain; `None` if they contain no keys.
    pub(crate) fn of_text(
        snapshot: &'s Snapshot<'s>,
        segment: &SegmentInfo,
        field: Field,
        cancel: &'s CancellationToken,
    ) -> Result<Option<RowKeys<'s>>, CacheError> {
        if field != Field::RequestUri {
            return Ok(None);
        }
        Ok(Some(RowKeys { snapshot, cancel, ids: KeyIds::new(snapshot, segment)?, values: OnceCell::new() }))
    }

    #[inline]
    pub(crate) fn id(&mut self, row: usize) -> u32 {
        self.ids.get(row)
    }

    /// Replaces `out` with the value ids of the keys of some rows.
    pub(crate) fn ids(&mut self, rows: Range<usize>, out: &mut Vec<u32>) {
        out.clear();
        let mut row = rows.start;
        while row < rows.end {
            self.id(row);
            let end = rows.end.min((row / BLOCK + 1) * BLOCK);
            out.extend_from_slice(&self.ids.unpacked[row % BLOCK..][..end - row]);
            row = end;
        }
    }

    /// The key with a value id; `None` if the id has none.
    pub(crate) fn value(&self, id: u32) -> Result<Option<&[u8]>, CacheError> {
        if let Some(values) = self.values.get() {
            return Ok(values.get(id));
        }
        let values = self.snapshot.dictionary_or_cancel(Field::Key, self.cancel)?;
        Ok(self.values.get_or_init(|| values).get(id))
    }

    pub(crate) fn get(&mut self, row: usize) -> Result<Option<&[u8]>, CacheError> {
        let id = self.id(row);
        self.value(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};

    #[test]
    fn single_rows_and_a_pass_over_all_give_the_same_texts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..7000).map(Request::at)));
        let cache = Cache::open(&path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let segment = &snapshot.segments[0];
        for field in [Field::RequestUri, Field::RequestId, Field::VersionId] {
            let mut texts: Vec<Option<Vec<u8>>> = Vec::new();
            let token = CancellationToken::new();
            let each = |row: usize, text: Option<&[u8]>| {
                assert_eq!(row, texts.len());
                texts.push(text.map(<[u8]>::to_vec));
            };
            snapshot.for_each_text(segment, field, &token, each).unwrap();
            assert_eq!(texts.len(), 7000);
            let mut column = snapshot.text_column(segment, field).unwrap();
            for row in (0..7000).step_by(97).chain([6999, 0]) {
                assert_eq!(column.get(&snapshot, row).unwrap().as_deref(), texts[row].as_deref(), "{row}");
            }
            token.cancel();
            let cancelled = snapshot.for_each_text(segment, field, &token, |_, _| {});
            assert!(matches!(cancelled, Err(CacheError::Cancelled)));
        }
    }
}
