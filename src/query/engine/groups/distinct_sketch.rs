//! The number of distinct values per group: exact while the values are few enough to remember, else estimated from a
//! sample.
//!
//! Adaptive sampling (P. Flajolet, "On adaptive sampling", Computing 43, 1990; the idea is M. Wegman's): the sketch
//! remembers the values whose hash begins with `level` zero bits, so each represents `2^level` values. When there are
//! too many, the level rises by one and half of them are dropped. Most groups are small: one sample for all groups
//! takes memory only for the large groups, a HyperLogLog per group would take it for every group. The
//! count `n` of a group is estimated with a relative standard error of `√((2^level − 1) / n)`.

use fixedbitset::FixedBitSet;
use hashbrown::HashSet;
use tokio_util::sync::CancellationToken;

use crate::query::QueryError;
use crate::query::engine::cancel::Ticker;

/// Maximum number of pairs of a group and a value in a sketch: they fit a hash table of 2²⁰ entries, 9 MB per thread.
pub(crate) const MAX_DISTINCT_PAIRS: usize = 875_000;

#[derive(Clone, Debug)]
pub(super) struct DistinctSketch {
    /// Slot in the upper half, value id in the lower half.
    pairs: HashSet<u64>,
    level: u32,
    max_pairs: usize,
    /// Slots that have any value: a small group has at least one, even if the sample has none of its values.
    non_empty: FixedBitSet,
}

impl DistinctSketch {
    pub(super) fn new(max_pairs: usize) -> DistinctSketch {
        DistinctSketch { pairs: HashSet::new(), level: 0, max_pairs, non_empty: FixedBitSet::new() }
    }

    #[inline]
    pub(super) fn insert(&mut self, slot: u32, id: u32) {
        self.non_empty.grow_and_insert(slot as usize);
        if is_in_sample(id, self.level) && self.pairs.insert(u64::from(slot) << 32 | u64::from(id)) {
            while self.pairs.len() > self.max_pairs && self.level < 32 {
                self.raise_level(self.level + 1);
            }
        }
    }

    /// Adds a sketch of other rows. `slot_of` maps its slots to those of this one.
    pub(super) fn merge(
        &mut self,
        other: &DistinctSketch,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        if other.level > self.level {
            self.raise_level(other.level);
        }
        other.non_empty.ones().for_each(|slot| self.non_empty.grow_and_insert(slot_of(slot)));
        let mut ticker = Ticker::of_items(cancel);
        for pair in &other.pairs {
            ticker.tick()?;
            self.insert(slot_of((pair >> 32) as usize) as u32, *pair as u32);
        }
        Ok(())
    }

    pub(super) fn counts(&self, slots: usize, cancel: &CancellationToken) -> Result<Vec<u32>, QueryError> {
        let mut counts = vec![0u32; slots];
        let mut ticker = Ticker::of_items(cancel);
        for pair in &self.pairs {
            ticker.tick()?;
            if let Some(count) = counts.get_mut((pair >> 32) as usize) {
                *count += 1;
            }
        }
        let weight = 1u32.checked_shl(self.level).unwrap_or(u32::MAX);
        for (slot, count) in counts.iter_mut().enumerate() {
            *count = count.saturating_mul(weight).max(self.non_empty.contains(slot).into());
        }
        Ok(counts)
    }

    pub(super) fn is_approximate(&self) -> bool {
        self.level > 0
    }

    pub(super) fn memory(&self) -> usize {
        self.pairs.allocation_size() + self.non_empty.len() / 8
    }

    fn raise_level(&mut self, level: u32) {
        self.level = level;
        self.pairs.retain(|pair| is_in_sample(*pair as u32, level));
    }
}

/// Whether the sample of a level has this value. It does not depend on the slot, so sketches with different slots can
/// be merged.
#[inline]
fn is_in_sample(id: u32, level: u32) -> bool {
    // The finalizer of MurmurHash3: every bit of the id affects every bit of the hash.
    let mut hash = id;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    (hash ^ (hash >> 16)).leading_zeros() >= level
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_cancelled() -> CancellationToken {
        CancellationToken::new()
    }

    /// Slot `s` has `(s + 1) * 1000` values, each of them twice.
    fn filled(max_pairs: usize, slots: std::ops::Range<u32>) -> DistinctSketch {
        let mut sketch = DistinctSketch::new(max_pairs);
        for _ in 0..2 {
            for slot in slots.clone() {
                for value in 0..(slot + 1) * 1000 {
                    sketch.insert(slot, value + slot * 13);
                }
            }
        }
        sketch
    }

    #[test]
    fn few_values_are_counted_exactly() {
        let sketch = filled(MAX_DISTINCT_PAIRS, 0..10);
        assert!(!sketch.is_approximate());
        assert_eq!(
            sketch.counts(11, &not_cancelled()).unwrap(),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0].map(|n| n * 1000)
        );
    }

    #[test]
    fn many_values_are_estimated_within_bounded_memory() {
        let sketch = filled(10_000, 0..10);
        assert!(sketch.is_approximate());
        assert!(sketch.pairs.len() <= 10_000);
        for (slot, count) in sketch.counts(10, &not_cancelled()).unwrap().into_iter().enumerate() {
            let exact = (slot as f64 + 1.0) * 1000.0;
            // Four standard errors.
            let max_error = 4.0 * (f64::from(1u32 << sketch.level) - 1.0).sqrt() / exact.sqrt();
            let error = (f64::from(count) - exact).abs() / exact;
            assert!(error < max_error, "slot {slot}: {count} for {exact}, level {}", sketch.level);
        }
    }

    #[test]
    fn a_group_too_small_for_the_sample_still_has_a_value() {
        let mut sketch = DistinctSketch::new(100);
        (0..10_000).for_each(|value| sketch.insert(7, value));
        (8..200).for_each(|slot| sketch.insert(slot, slot));
        let mut all = DistinctSketch::new(100);
        all.merge(&sketch, |slot| slot + 1, &not_cancelled()).unwrap();
        let counts = all.counts(210, &not_cancelled()).unwrap();
        assert_eq!(counts[..8], [0; 8]);
        assert!(counts[9..=200].iter().all(|count| *count > 0), "{counts:?}");
        assert_eq!(counts[201..], [0; 9]);
    }

    #[test]
    fn a_cancelled_query_neither_merges_nor_counts() {
        let sketch = filled(MAX_DISTINCT_PAIRS, 0..10);
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        assert!(matches!(sketch.counts(10, &cancelled), Err(QueryError::Cancelled)));
        let merged = DistinctSketch::new(MAX_DISTINCT_PAIRS).merge(&sketch, |slot| slot, &cancelled);
        assert!(matches!(merged, Err(QueryError::Cancelled)));
    }

    #[test]
    fn merged_sketches_of_parts_estimate_the_same_as_one_sketch() {
        let mut whole = filled(10_000, 0..10);
        let mut parts = filled(10_000, 0..6);
        parts.merge(&filled(10_000, 6..10), |slot| slot, &not_cancelled()).unwrap();
        parts.merge(&filled(10_000, 2..7), |slot| slot, &not_cancelled()).unwrap();
        parts.raise_level(whole.level.max(parts.level));
        whole.raise_level(parts.level);
        assert_eq!(parts.counts(10, &not_cancelled()).unwrap(), whole.counts(10, &not_cancelled()).unwrap());
    }
}
