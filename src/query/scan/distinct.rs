//! How many different values each group has: exact as long as they are few enough to remember, beyond that
//! estimated from a sample.
//!
//! Adaptive sampling (P. Flajolet, "On adaptive sampling", Computing 43, 1990; the idea is M. Wegman's): of
//! all values only those are remembered whose hash begins with `level` zero bits, so each stands for
//! `2^level`. When there are too many, the level rises by one and half of them are forgotten. Where groups
//! are many and most are small, this takes memory for what the large ones hold; a HyperLogLog each would
//! take it for every group. A group of `n` values is estimated with a standard error of `√((2^level − 1) / n)`
//! of it.

use hashbrown::HashSet;

/// Pairs of a group and a value remembered at most: as many as fit a table of 2²¹ places, about 19 MB.
const MOST: usize = 1_750_000;

/// Different values per slot.
#[derive(Clone, Debug)]
pub struct Distinct {
    /// Slot in the upper half, id of the value in the lower.
    pairs: HashSet<u64>,
    level: u32,
    most: usize,
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct { pairs: HashSet::new(), level: 0, most: MOST }
    }
}

impl Distinct {
    /// Takes up a value of a slot.
    #[inline]
    pub fn insert(&mut self, slot: u32, id: u32) {
        if is_in_sample(id, self.level) && self.pairs.insert(u64::from(slot) << 32 | u64::from(id)) {
            self.forget_some();
        }
    }

    /// Takes in another of other rows, whose slots have other numbers here.
    pub fn merge(&mut self, other: &Distinct, slot_of: impl Fn(usize) -> usize) {
        if other.level > self.level {
            self.rise_to(other.level);
        }
        for pair in &other.pairs {
            self.insert(slot_of((pair >> 32) as usize) as u32, *pair as u32);
        }
    }

    /// How many different values each of so many slots has.
    pub fn counts(&self, slots: usize) -> Vec<u32> {
        let mut counts = vec![0u32; slots];
        for pair in &self.pairs {
            if let Some(count) = counts.get_mut((pair >> 32) as usize) {
                *count += 1;
            }
        }
        let each = 1u32.checked_shl(self.level).unwrap_or(u32::MAX);
        counts.iter_mut().for_each(|count| *count = count.saturating_mul(each));
        counts
    }

    /// Whether the counts are estimates.
    pub fn is_approximate(&self) -> bool {
        self.level > 0
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        self.pairs.allocation_size()
    }

    fn forget_some(&mut self) {
        while self.pairs.len() > self.most && self.level < 32 {
            self.rise_to(self.level + 1);
        }
    }

    fn rise_to(&mut self, level: u32) {
        self.level = level;
        self.pairs.retain(|pair| is_in_sample(*pair as u32, level));
    }
}

/// Whether the values of a level include this one. The same in every fold, whatever its slots mean.
#[inline]
fn is_in_sample(id: u32, level: u32) -> bool {
    // The finalizer of MurmurHash3: every bit of the id reaches every bit of the hash.
    let mut hash = id;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    (hash ^ (hash >> 16)).leading_zeros() >= level
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slot `s` has `(s + 1) * 1000` values, each of them twice.
    fn filled(most: usize, slots: std::ops::Range<u32>) -> Distinct {
        let mut distinct = Distinct { most, ..Distinct::default() };
        for _ in 0..2 {
            for slot in slots.clone() {
                for value in 0..(slot + 1) * 1000 {
                    distinct.insert(slot, value + slot * 13);
                }
            }
        }
        distinct
    }

    #[test]
    fn few_values_are_counted_exactly() {
        let distinct = filled(MOST, 0..10);
        assert!(!distinct.is_approximate());
        assert_eq!(distinct.counts(11), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0].map(|n| n * 1000));
    }

    #[test]
    fn many_values_are_estimated_within_bounded_memory() {
        let distinct = filled(10_000, 0..10);
        assert!(distinct.is_approximate());
        assert!(distinct.pairs.len() <= 10_000);
        for (slot, count) in distinct.counts(10).into_iter().enumerate() {
            let exact = (slot as f64 + 1.0) * 1000.0;
            // Four standard errors.
            let most = 4.0 * (f64::from(1u32 << distinct.level) - 1.0).sqrt() / exact.sqrt();
            let off = (f64::from(count) - exact).abs() / exact;
            assert!(off < most, "slot {slot}: {count} for {exact}, level {}", distinct.level);
        }
    }

    #[test]
    fn folds_in_parts_estimate_what_one_fold_does() {
        let whole = filled(10_000, 0..10);
        let mut parts = filled(10_000, 0..6);
        parts.merge(&filled(10_000, 6..10), |slot| slot);
        parts.merge(&filled(10_000, 2..7), |slot| slot);
        parts.rise_to(whole.level.max(parts.level));
        assert_eq!(parts.counts(10), {
            let mut whole = whole;
            whole.rise_to(parts.level);
            whole.counts(10)
        });
    }
}
