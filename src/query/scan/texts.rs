//! Walking over a whole column of text.

use crate::cache::{BLOCK, SegmentInfo, Snapshot};
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
    // A request URI may need the key that is cut out of it.
    let keys = match field {
        Field::RequestUri => {
            Some((snapshot.integers(segment, Field::Key)?, snapshot.dictionary(Field::Key)?))
        }
        _ => None,
    };
    let mut key_ids = [0u32; BLOCK];
    let mut key_block = usize::MAX;
    let mut row = 0;
    let is_whole = snapshot.for_each_page(segment, field, &|| !cancel.is_cancelled(), &mut |page| {
        for in_page in 0..page.rows() {
            let key = || {
                let (ids, values) = keys.as_ref()?;
                if key_block != row / BLOCK {
                    key_block = row / BLOCK;
                    ids.unpack_u32(key_block, &mut key_ids);
                }
                values.get(key_ids[row % BLOCK])
            };
            let text = page.get(in_page, key).map_err(|damage| snapshot.damaged(segment, field, damage))?;
            each(row, text.as_deref());
            row += 1;
        }
        Ok::<_, QueryError>(())
    })?;
    if is_whole { Ok(()) } else { Err(QueryError::Cancelled) }
}
