//! The rows of segments that pass tests, kept between queries: a table, its totals and its chart have the same filter,
//! and the filters of a drill-down or an analysis have terms in common.

use std::sync::Arc;

use super::id_sets::IdSet;
use super::mask::Mask;
use crate::cache::{ByteCache, SegmentId, SegmentInfo, Snapshot};
use crate::log::Field;

/// Bytes of memory for kept masks: ten tests that many of ten million rows pass, or hundreds that few pass.
const MASKS_BUDGET: usize = 12 << 20;

/// The test, the segment, and the [epoch](Snapshot::origin_epoch) of a column that may change; otherwise 0.
pub(super) type MaskKey = (u64, SegmentId, u64);

/// The masks of the tests of recent queries.
pub(crate) struct KeptMasks(ByteCache<MaskKey, SegmentMasks>);

impl Default for KeptMasks {
    fn default() -> KeptMasks {
        KeptMasks(ByteCache::new(MASKS_BUDGET))
    }
}

impl KeptMasks {
    /// The key of the masks of a test of the value ids of a field.
    pub(super) fn key(set: &IdSet, field: Field, segment: &SegmentInfo, snapshot: &Snapshot<'_>) -> MaskKey {
        (set.number(), segment.id, if field.is_stored() { 0 } else { snapshot.origin_epoch() })
    }

    pub(super) fn get(&self, key: &MaskKey) -> Option<SegmentMasks> {
        self.0.get(key)
    }

    /// Keeps the masks of all blocks of a segment.
    pub(super) fn put(&self, key: MaskKey, masks: Vec<Mask>) {
        let masks = SegmentMasks::new(masks);
        let bytes = masks.bytes();
        self.0.insert(key, masks, bytes);
    }
}

/// The masks of all blocks of a segment.
#[derive(Clone, Debug)]
pub(super) enum SegmentMasks {
    All(Arc<[Mask]>),
    /// Only those of the blocks that have rows, with the numbers of these blocks, ascending.
    Few(Arc<[u32]>, Arc<[Mask]>),
}

impl SegmentMasks {
    fn new(masks: Vec<Mask>) -> SegmentMasks {
        let some = masks.iter().filter(|mask| **mask != 0).count();
        if some * (size_of::<u32>() + size_of::<Mask>()) >= masks.len() * size_of::<Mask>() {
            return SegmentMasks::All(masks.into());
        }
        let with_rows = || (0..).zip(&masks).filter(|(_, mask)| **mask != 0);
        SegmentMasks::Few(
            with_rows().map(|(block, _)| block).collect(),
            with_rows().map(|(_, mask)| *mask).collect(),
        )
    }

    fn bytes(&self) -> usize {
        match self {
            SegmentMasks::All(masks) => size_of_val(&**masks),
            SegmentMasks::Few(blocks, masks) => size_of_val(&**blocks) + size_of_val(&**masks),
        }
    }

    /// The rows of a block that pass.
    #[inline]
    pub(super) fn block(&self, block: usize) -> Mask {
        match self {
            SegmentMasks::All(masks) => masks.get(block).copied().unwrap_or(0),
            SegmentMasks::Few(blocks, masks) => match blocks.binary_search(&(block as u32)) {
                Ok(at) => masks[at],
                Err(_) => 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_masks_of_few_blocks_are_those_of_all(
            masks in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<Mask>()], 0..200),
            share in 0.0..1.0f64,
        ) {
            let from = (masks.len() as f64 * share) as usize;
            let masks: Vec<Mask> = (0..).zip(masks).map(|(at, mask)| if at < from { 0 } else { mask }).collect();
            let kept = SegmentMasks::new(masks.clone());
            prop_assert!(kept.bytes() <= size_of_val(&*masks));
            for (block, mask) in masks.iter().enumerate() {
                prop_assert_eq!(kept.block(block), *mask);
            }
            prop_assert_eq!(kept.block(masks.len()), 0);
        }
    }
}
