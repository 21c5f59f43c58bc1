//! Masks: which rows of a block are selected, one bit per row.

use crate::cache::{BLOCK, SegmentInfo};

pub(crate) type Mask = u128;

/// The mask of the rows that pass a test, computed without branches.
#[inline]
pub(crate) fn mask_of(passes: impl Fn(usize) -> bool) -> Mask {
    let mut words = [0u64; 2];
    for (half, word) in words.iter_mut().enumerate() {
        for bit in 0..64 {
            *word |= u64::from(passes(half * 64 + bit)) << bit;
        }
    }
    Mask::from(words[0]) | Mask::from(words[1]) << 64
}

/// Calls `each` for every selected row, in ascending order.
#[inline]
pub(crate) fn for_each_row(mask: Mask, mut each: impl FnMut(usize)) {
    for (half, mut bits) in [(0, mask as u64), (64, (mask >> 64) as u64)] {
        while bits != 0 {
            each(half + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
    }
}

/// The mask of the rows that a block of a segment has: the last block may be shorter.
#[inline]
pub(super) fn rows_of_block(segment: &SegmentInfo, block: usize) -> Mask {
    match segment.rows - block * BLOCK {
        rows if rows < BLOCK => (1 << rows) - 1,
        _ => Mask::MAX,
    }
}
