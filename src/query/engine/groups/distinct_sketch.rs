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

use crate::log::Field;
use crate::query::{Measure, QueryError};
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;

/// Pairs between two looks at whether the question still stands.
const BETWEEN_LOOKS: usize = 1 << 14;

/// Pairs of a group and a value remembered at most: as many as fit a table of 2²⁰ places, about 9 MB a thread.
pub const MOST: usize = 875_000;

/// The dimension whose different values a measure counts.
pub fn counted_field(measure: Measure) -> Option<Field> {
    Some(match measure {
        Measure::Objects => Field::Key,
        Measure::Addresses => Field::RemoteIp,
        Measure::UserAgents => Field::UserAgent,
        _ => return None,
    })
}

/// Different values per slot.
#[derive(Clone, Debug)]
pub struct Distinct {
    /// Slot in the upper half, id of the value in the lower.
    pairs: HashSet<u64>,
    level: u32,
    most: usize,
    /// Slots that have any value, a bit each: where the sample has none of a small group, it has one all the same.
    any: Vec<u64>,
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct { pairs: HashSet::new(), level: 0, most: MOST, any: Vec::new() }
    }
}

impl Distinct {
    /// None yet, of which so many pairs are remembered at most.
    pub fn remembering(most: usize) -> Distinct {
        Distinct { most, ..Distinct::default() }
    }

    /// Takes up a value of a slot.
    #[inline]
    pub fn insert(&mut self, slot: u32, id: u32) {
        let (word, bit) = (slot as usize / 64, slot % 64);
        if word >= self.any.len() {
            self.any.resize(word + 1, 0);
        }
        self.any[word] |= 1 << bit;
        if is_in_sample(id, self.level) && self.pairs.insert(u64::from(slot) << 32 | u64::from(id)) {
            self.forget_some();
        }
    }

    /// Takes in another of other rows, whose slots have other numbers here.
    ///
    /// # Errors
    /// If the question is cancelled meanwhile.
    pub fn merge(
        &mut self,
        other: &Distinct,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        if other.level > self.level {
            self.rise_to(other.level);
        }
        for (word, bits) in other.any.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            for bit in (0..64).filter(|bit| bits >> bit & 1 != 0) {
                let slot = slot_of(word * 64 + bit);
                self.any.resize(self.any.len().max(slot / 64 + 1), 0);
                self.any[slot / 64] |= 1 << (slot % 64);
            }
        }
        for (index, pair) in other.pairs.iter().enumerate() {
            if index.is_multiple_of(BETWEEN_LOOKS) {
                cancel::go_on(cancel)?;
            }
            self.insert(slot_of((pair >> 32) as usize) as u32, *pair as u32);
        }
        Ok(())
    }

    /// How many different values each of so many slots has.
    ///
    /// # Errors
    /// If the question is cancelled meanwhile.
    pub fn counts(&self, slots: usize, cancel: &CancellationToken) -> Result<Vec<u32>, QueryError> {
        let mut counts = vec![0u32; slots];
        for (index, pair) in self.pairs.iter().enumerate() {
            if index.is_multiple_of(BETWEEN_LOOKS) {
                cancel::go_on(cancel)?;
            }
            if let Some(count) = counts.get_mut((pair >> 32) as usize) {
                *count += 1;
            }
        }
        let each = 1u32.checked_shl(self.level).unwrap_or(u32::MAX);
        for (slot, count) in counts.iter_mut().enumerate() {
            let has_any = self.any.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 != 0);
            *count = count.saturating_mul(each).max(has_any.into());
        }
        Ok(counts)
    }

    /// Whether the counts are estimates.
    pub fn is_approximate(&self) -> bool {
        self.level > 0
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        self.pairs.allocation_size() + self.any.len() * 8
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

    fn going_on() -> CancellationToken {
        CancellationToken::new()
    }

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
        assert_eq!(
            distinct.counts(11, &going_on()).unwrap(),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0].map(|n| n * 1000)
        );
    }

    #[test]
    fn many_values_are_estimated_within_bounded_memory() {
        let distinct = filled(10_000, 0..10);
        assert!(distinct.is_approximate());
        assert!(distinct.pairs.len() <= 10_000);
        for (slot, count) in distinct.counts(10, &going_on()).unwrap().into_iter().enumerate() {
            let exact = (slot as f64 + 1.0) * 1000.0;
            // Four standard errors.
            let most = 4.0 * (f64::from(1u32 << distinct.level) - 1.0).sqrt() / exact.sqrt();
            let off = (f64::from(count) - exact).abs() / exact;
            assert!(off < most, "slot {slot}: {count} for {exact}, level {}", distinct.level);
        }
    }

    #[test]
    fn a_group_too_small_for_the_sample_still_has_a_value() {
        let mut distinct = Distinct::remembering(100);
        (0..10_000).for_each(|value| distinct.insert(7, value));
        (8..200).for_each(|slot| distinct.insert(slot, slot));
        let mut all = Distinct::remembering(100);
        all.merge(&distinct, |slot| slot + 1, &going_on()).unwrap();
        let counts = all.counts(210, &going_on()).unwrap();
        assert_eq!(counts[..8], [0; 8]);
        assert!(counts[9..=200].iter().all(|count| *count > 0), "{counts:?}");
        assert_eq!(counts[201..], [0; 9]);
    }

    #[test]
    fn a_cancelled_question_neither_merges_nor_counts_on() {
        let distinct = filled(MOST, 0..10);
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        assert!(matches!(distinct.counts(10, &cancelled), Err(QueryError::Cancelled)));
        let merged = Distinct::default().merge(&distinct, |slot| slot, &cancelled);
        assert!(matches!(merged, Err(QueryError::Cancelled)));
    }

    #[test]
    fn folds_in_parts_estimate_what_one_fold_does() {
        let whole = filled(10_000, 0..10);
        let mut parts = filled(10_000, 0..6);
        parts.merge(&filled(10_000, 6..10), |slot| slot, &going_on()).unwrap();
        parts.merge(&filled(10_000, 2..7), |slot| slot, &going_on()).unwrap();
        parts.rise_to(whole.level.max(parts.level));
        assert_eq!(parts.counts(10, &going_on()).unwrap(), {
            let mut whole = whole;
            whole.rise_to(parts.level);
            whole.counts(10, &going_on()).unwrap()
        });
    }
}
