//! Sets of value ids that pass a test: the test runs once per distinct value, not once per row.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fixedbitset::FixedBitSet;
use tokio_util::sync::CancellationToken;

use super::kept_masks::KeptMasks;
use crate::cache::{ByteCache, Snapshot};
use crate::log::Field;
use crate::query::engine::cancel::Ticker;
use crate::query::engine::groups::keys::DerivedGroups;
use crate::query::engine::uri_columns::UriColumns;
use crate::query::filter::Test;
use crate::query::{Dimension, QueryError};

/// Value ids that pass a test. Id 0 is the absent value.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSet {
    /// Identifies the test. An extended set has the same number.
    number: u64,
    bits: FixedBitSet,
    /// Number of ids that were tested.
    len: u32,
}

impl IdSet {
    /// Identifies the test.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn push(&mut self, passes: bool) {
        self.bits.grow(self.len as usize + 1);
        self.bits.set(self.len as usize, passes);
        self.len += 1;
    }

    /// Whether the set has an id; an id that was not tested is not in the set.
    #[inline]
    pub(super) fn has(&self, id: u32) -> bool {
        self.bits.contains(id as usize)
    }

    /// Whether `passes` returns `true` for any id from `low` to `high` that is in the set, or for any that is not in
    /// it if `is_in` is `false`.
    pub(super) fn any(&self, low: u32, high: u32, is_in: bool, passes: impl Fn(u32) -> bool) -> bool {
        const BITS: u32 = usize::BITS;
        let flip = if is_in { 0 } else { usize::MAX };
        (low / BITS..=high / BITS).any(|word| {
            let mut left = self.bits.as_slice().get(word as usize).copied().unwrap_or(0) ^ flip;
            if word == low / BITS {
                left &= usize::MAX << (low % BITS);
            }
            if word == high / BITS {
                left &= usize::MAX >> (BITS - 1 - high % BITS);
            }
            while left != 0 {
                if passes(word * BITS + left.trailing_zeros()) {
                    return true;
                }
                left &= left - 1;
            }
            false
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bits.is_clear()
    }

    pub(super) fn count(&self, low: u32, high: u32) -> u32 {
        let end = (high as usize + 1).min(self.bits.len());
        self.bits.count_ones((low as usize).min(end)..end) as u32
    }
}

/// Identifies the test that the ids of a set pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum IdTest {
    /// Operations of requests that a client made: see [`Counting::Requests`](crate::query::Counting::Requests).
    ClientRequest,
    Passes(Dimension, Test),
    AnyOf(Dimension, Vec<Option<Vec<u8>>>),
    Method(Test),
    NoMethod,
    /// A test of names of addresses, when those of this epoch were known.
    WithNames(u64, Box<IdTest>),
    /// All parts, or any of them. A part is the number of a set, and whether the ids are in it.
    Joined {
        all: bool,
        parts: Vec<(u64, bool)>,
    },
}

/// The sets that were computed, kept between queries: a live table repeats its query, and a regular expression over a
/// million keys takes long. Dictionaries only grow, so a set is extended and never changed.
pub(crate) struct IdSets {
    sets: ByteCache<(Field, IdTest), Arc<IdSet>>,
    /// Number of the last set.
    last_number: AtomicU64,
    pub(super) masks: Arc<KeptMasks>,
    pub(super) uri_columns: Arc<UriColumns>,
    pub(super) derived_groups: Arc<DerivedGroups>,
}

/// Bytes of memory for kept sets: a hundred sets of half a million values.
const SETS_BUDGET: usize = 8 << 20;

impl Default for IdSets {
    fn default() -> IdSets {
        IdSets {
            sets: ByteCache::new(SETS_BUDGET),
            last_number: AtomicU64::new(0),
            masks: Arc::default(),
            uri_columns: Arc::default(),
            derived_groups: Arc::default(),
        }
    }
}

impl IdSets {
    pub(crate) fn new(uri_columns: Arc<UriColumns>, derived_groups: Arc<DerivedGroups>) -> IdSets {
        IdSets { uri_columns, derived_groups, ..IdSets::default() }
    }

    /// The set of the ids of a field that pass `passes`, which `test` identifies. `passes` gets an id and its value.
    pub(super) fn get(
        &self,
        snapshot: &Snapshot<'_>,
        field: Field,
        test: IdTest,
        cancel: &CancellationToken,
        passes: impl Fn(u32, Option<&[u8]>) -> bool,
    ) -> Result<Arc<IdSet>, QueryError> {
        let key = (field, test);
        let known = self.sets.get(&key);
        let values = snapshot.dictionary_or_cancel(field, cancel)?;
        if let Some(known) = known.as_ref().filter(|known| known.len > values.len()) {
            return Ok(known.clone());
        }
        let mut set = known.map(Arc::unwrap_or_clone).unwrap_or_default();
        if set.len == 0 {
            set.number = self.last_number.fetch_add(1, Relaxed) + 1;
            set.push(passes(0, None));
        }
        let mut ticker = Ticker::of_steps(cancel);
        for id in set.len..=values.len() {
            ticker.tick()?;
            set.push(passes(id, values.get(id)));
        }
        let set = Arc::new(set);
        self.keep(key, set.clone());
        Ok(set)
    }

    /// The set of the absent value of a field. It needs no dictionary.
    pub(super) fn absent(&self, snapshot: &Snapshot<'_>, field: Field) -> Arc<IdSet> {
        let key = (field, IdTest::Passes(Dimension::Field(field), Test::Absent));
        let len = snapshot.dictionary_len(field) + 1;
        let known = self.sets.get(&key);
        if let Some(known) = known.as_ref().filter(|known| known.len >= len) {
            return known.clone();
        }
        let number = known.map_or_else(|| self.last_number.fetch_add(1, Relaxed) + 1, |known| known.number);
        let mut bits = FixedBitSet::with_capacity(len as usize);
        bits.insert(0);
        let set = Arc::new(IdSet { number, bits, len });
        self.keep(key, set.clone());
        set
    }

    /// The set of the ids of a field that pass all parts (or any part, if `all` is `false`): those that are in the set of
    /// the part, or those that are not in it.
    pub(super) fn joined(&self, field: Field, all: bool, parts: &[(Arc<IdSet>, bool)]) -> Arc<IdSet> {
        let numbers = parts.iter().map(|(set, is_in)| (set.number, *is_in)).collect();
        let key = (field, IdTest::Joined { all, parts: numbers });
        let len = parts.iter().map(|(set, _)| set.len).min().unwrap_or(0);
        let known = self.sets.get(&key);
        if let Some(known) = known.as_ref().filter(|known| known.len >= len) {
            return known.clone();
        }
        let number = known.map_or_else(|| self.last_number.fetch_add(1, Relaxed) + 1, |known| known.number);
        let mut bits = FixedBitSet::with_capacity(len as usize);
        bits.set_range(.., all);
        for (set, is_in) in parts {
            let mut part = set.bits.clone();
            if !is_in {
                part.toggle_range(..);
            }
            if all {
                bits.intersect_with(&part);
            } else {
                bits.union_with(&part);
            }
        }
        let set = Arc::new(IdSet { number, bits, len });
        self.keep(key, set.clone());
        set
    }

    fn keep(&self, key: (Field, IdTest), set: Arc<IdSet>) {
        let bytes = size_of_val(set.bits.as_slice());
        self.sets.insert(key, set, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(number: u64, ids: &[u32]) -> Arc<IdSet> {
        let mut set = IdSet { number, ..IdSet::default() };
        (0..200).for_each(|id| set.push(ids.contains(&id)));
        Arc::new(set)
    }

    fn ids(set: &IdSet) -> Vec<u32> {
        (0..300).filter(|id| set.has(*id)).collect()
    }

    #[test]
    fn tests_of_one_field_are_joined_to_one_set() {
        let sets = IdSets::default();
        let (a, b) = (set(1, &[0, 3, 100, 199]), set(2, &[3, 4, 199]));
        let joined = |all, parts: &[(Arc<IdSet>, bool)]| ids(&sets.joined(Field::Operation, all, parts));
        assert_eq!(joined(true, &[(a.clone(), true), (b.clone(), true)]), [3, 199]);
        assert_eq!(joined(true, &[(a.clone(), true), (b.clone(), false)]), [0, 100]);
        assert_eq!(joined(false, &[(a.clone(), true), (b.clone(), true)]), [0, 3, 4, 100, 199]);
        let without = joined(false, &[(a, false), (b, true)]);
        assert_eq!(without.len(), 200 - 4 + 2);
    }
}
