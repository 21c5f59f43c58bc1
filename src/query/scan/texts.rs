//! Walking over a whole column of text.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use crate::cache::codec::text::OpenPage;
use crate::cache::{BLOCK, Dictionary, Integers, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::{Cancel, QueryError};

/// Calls `each` with the row and the text of every request of a segment.
pub fn for_each_text(
    snapshot: &Snapshot<'_>,
    segment: &SegmentInfo,
    field: Field,
    cancel: &Cancel,
    mut each: impl FnMut(usize, Option<&[u8]>),
) -> Result<(), QueryError> {
    for_each_row(snapshot, segment, field, cancel, |row, text| {
        each(row, text.get()?.as_deref());
        Ok(())
    })
}

/// The text of a row that is made only if it is asked for.
pub struct RowText<'p> {
    snapshot: &'p Snapshot<'p>,
    segment: &'p SegmentInfo,
    field: Field,
    page: &'p OpenPage,
    in_page: usize,
    row: usize,
    keys: Option<&'p mut Keys>,
}

/// A request URI may need the key that is cut out of it.
struct Keys {
    ids: Arc<Integers>,
    values: Dictionary,
    unpacked: [u32; BLOCK],
    block: usize,
}

impl Keys {
    fn get(&mut self, row: usize) -> Option<&[u8]> {
        if self.block != row / BLOCK {
            self.block = row / BLOCK;
            self.ids.unpack_u32(self.block, &mut self.unpacked);
        }
        self.values.get(self.unpacked[row % BLOCK])
    }
}

impl<'p> RowText<'p> {
    /// The text; `None` if it is absent.
    ///
    /// # Errors
    /// If it makes no sense.
    pub fn get(self) -> Result<Option<Cow<'p, [u8]>>, QueryError> {
        let RowText { snapshot, segment, field, page, in_page, row, keys } = self;
        let text = page.get(in_page, || keys.and_then(|keys| keys.get(row)));
        Ok(text.map_err(|damage| snapshot.damaged(segment, field, damage))?)
    }

    /// Whether there is none.
    pub fn is_absent(&self) -> bool {
        self.page.is_absent_at(self.in_page)
    }

    /// How it compares with another text; `None` if it is absent.
    ///
    /// # Errors
    /// If it makes no sense.
    pub fn compare(&mut self, other: &[u8]) -> Result<Option<Ordering>, QueryError> {
        let keys = self.keys.as_deref_mut();
        let compared = self.page.compare(self.in_page, || keys.and_then(|keys| keys.get(self.row)), other);
        Ok(compared.map_err(|damage| self.snapshot.damaged(self.segment, self.field, damage))?)
    }
}

/// The same with what makes the text.
pub fn for_each_row(
    snapshot: &Snapshot<'_>,
    segment: &SegmentInfo,
    field: Field,
    cancel: &Cancel,
    mut each: impl FnMut(usize, RowText<'_>) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let mut keys = match field {
        Field::RequestUri => Some(Keys {
            ids: snapshot.integers(segment, Field::Key)?,
            values: snapshot.dictionary(Field::Key)?,
            unpacked: [0; BLOCK],
            block: usize::MAX,
        }),
        _ => None,
    };
    let mut row = 0;
    let is_whole = snapshot.for_each_page(segment, field, &|| !cancel.is_cancelled(), &mut |page| {
        for in_page in 0..page.rows() {
            each(row, RowText { snapshot, segment, field, page, in_page, row, keys: keys.as_mut() })?;
            row += 1;
        }
        Ok::<_, QueryError>(())
    })?;
    if is_whole { Ok(()) } else { Err(QueryError::Cancelled) }
}
