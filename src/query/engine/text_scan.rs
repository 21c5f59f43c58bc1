//! Walking over a whole column of text.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use crate::cache::{BLOCK, Dictionary, Integers, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::QueryError;
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;

/// Calls `each` with the row and the text of every request of a segment.
pub fn for_each_text(
    snapshot: &Snapshot<'_>,
    segment: &SegmentInfo,
    field: Field,
    cancel: &CancellationToken,
    mut each: impl FnMut(usize, Option<&[u8]>),
) -> Result<(), QueryError> {
    let mut keys = Keys::of_text(snapshot, segment, field, cancel)?;
    let mut row = 0;
    let is_whole = snapshot.for_each_page(segment, field, &|| !cancel.is_cancelled(), &mut |page| {
        for in_page in 0..page.rows() {
            let key = match &mut keys {
                Some(keys) if page.is_around_key(in_page) => keys.get(row)?,
                _ => None,
            };
            let text = page.get(in_page, || key);
            let text = text.map_err(|damage| snapshot.damaged(segment, field, damage))?;
            each(row, text.as_deref());
            row += 1;
        }
        Ok::<_, QueryError>(())
    })?;
    if is_whole { Ok(()) } else { Err(QueryError::Cancelled) }
}

/// The keys of the requests of a segment: a request URI may need the one that is cut out of it. They are
/// not read before the first is asked for.
pub struct Keys<'s> {
    snapshot: &'s Snapshot<'s>,
    cancel: &'s CancellationToken,
    ids: Arc<Integers>,
    unpacked: [u32; BLOCK],
    block: usize,
    values: OnceCell<Dictionary>,
}

impl<'s> Keys<'s> {
    /// Those that a column of text needs.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn of_text(
        snapshot: &'s Snapshot<'s>,
        segment: &SegmentInfo,
        field: Field,
        cancel: &'s CancellationToken,
    ) -> Result<Option<Keys<'s>>, QueryError> {
        if field != Field::RequestUri {
            return Ok(None);
        }
        Ok(Some(Keys {
            snapshot,
            cancel,
            ids: snapshot.integers(segment, Field::Key)?,
            unpacked: [0; BLOCK],
            block: usize::MAX,
            values: OnceCell::new(),
        }))
    }

    /// The number of the key of a row.
    #[inline]
    pub fn id(&mut self, row: usize) -> u32 {
        if self.block != row / BLOCK {
            self.block = row / BLOCK;
            self.ids.unpack_u32(self.block, &mut self.unpacked);
        }
        self.unpacked[row % BLOCK]
    }

    /// The numbers of the keys of some rows, in place of what `out` holds.
    pub fn ids(&mut self, rows: Range<usize>, out: &mut Vec<u32>) {
        out.clear();
        let mut row = rows.start;
        while row < rows.end {
            self.id(row);
            let end = rows.end.min((row / BLOCK + 1) * BLOCK);
            out.extend_from_slice(&self.unpacked[row % BLOCK..][..end - row]);
            row = end;
        }
    }

    /// The key with a number; `None`: there is none.
    ///
    /// # Errors
    /// If they cannot be read, or the question is cancelled meanwhile.
    pub fn value(&self, id: u32) -> Result<Option<&[u8]>, QueryError> {
        if let Some(values) = self.values.get() {
            return Ok(values.get(id));
        }
        let values = cancel::dictionary(self.snapshot, Field::Key, self.cancel)?;
        Ok(self.values.get_or_init(|| values).get(id))
    }

    /// The key of a row.
    ///
    /// # Errors
    /// The same.
    pub fn get(&mut self, row: usize) -> Result<Option<&[u8]>, QueryError> {
        let id = self.id(row);
        self.value(id)
    }
}
