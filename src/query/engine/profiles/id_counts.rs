//! Sets and counts of value ids. Some ids are hashed. Many are in an array over the whole dictionary, which then takes less
//! memory and less time.

use fixedbitset::FixedBitSet;
use hashbrown::{HashMap, HashSet};

/// Ids that are compared one by one.
const MAX_FEW: usize = 4;
/// With fewer hashed ids, an array of one bit per id would take more than a few times as much memory.
const BITS_PER_HASHED_ID: usize = 256;
/// With fewer hashed counts, an array of counts would take more memory.
const COUNTS_PER_HASHED_COUNT: usize = 3;
/// An array of this many counts is so small that it may take a few times as much memory.
const FEW_COUNTS: usize = 1 << 16;
const FEW_COUNTS_PER_HASHED_COUNT: usize = 24;

/// How often each id occurs. Id 0, the absent value, is not counted.
#[derive(Clone, Debug)]
pub(super) enum IdCounts {
    /// Up to [`MAX_FEW`] ids, which are compared one by one: most clients have one address and one program.
    Few {
        counts: Vec<(u32, u32)>,
        /// Number of ids that there may be.
        space: usize,
    },
    Hashed {
        counts: HashMap<u32, u32>,
        /// Number of ids that there may be.
        space: usize,
    },
    /// By id.
    Array(Vec<u32>),
}

impl IdCounts {
    /// No ids yet. `space` is the number of ids that there may be, 0 included.
    pub(super) fn new(space: usize) -> IdCounts {
        IdCounts::Few { counts: Vec::new(), space }
    }

    #[inline]
    pub(super) fn add(&mut self, id: u32) {
        self.add_some(id, 1);
    }

    /// Adds an id that occurs `more` times.
    #[inline]
    fn add_some(&mut self, id: u32, more: u32) {
        match self {
            // A damaged column may have impossible ids. They are ignored.
            IdCounts::Array(counts) => {
                if let Some(count) = counts.get_mut(id as usize) {
                    *count += more;
                }
            }
            IdCounts::Few { counts, .. } => match counts.iter_mut().find(|(known, _)| *known == id) {
                Some((_, count)) => *count += more,
                None => self.add_to_few(id, more),
            },
            IdCounts::Hashed { .. } => self.add_hashed(id, more),
        }
    }

    /// Adds an id that is not among the few.
    fn add_to_few(&mut self, id: u32, more: u32) {
        let IdCounts::Few { counts, space } = self else { return };
        if id == 0 || id as usize >= *space {
            return;
        }
        if counts.len() < MAX_FEW {
            counts.push((id, more));
            return;
        }
        let few = std::mem::take(counts);
        *self = IdCounts::Hashed { counts: HashMap::new(), space: *space };
        few.into_iter().chain([(id, more)]).for_each(|(id, count)| self.add_some(id, count));
    }

    fn add_hashed(&mut self, id: u32, more: u32) {
        let IdCounts::Hashed { counts, space } = self else { return };
        if id == 0 {
            return;
        }
        *counts.entry(id).or_default() += more;
        let per_count =
            if *space <= FEW_COUNTS { FEW_COUNTS_PER_HASHED_COUNT } else { COUNTS_PER_HASHED_COUNT };
        if counts.len() > *space / per_count {
            let mut array = vec![0; *space];
            for (id, count) in counts.drain() {
                if let Some(of_id) = array.get_mut(id as usize) {
                    *of_id = count;
                }
            }
            *self = IdCounts::Array(array);
        }
    }

    pub(super) fn merge(&mut self, other: &IdCounts) {
        self.cover(other.space());
        other.iter().for_each(|(id, count)| self.add_some(id, count));
    }

    fn space(&self) -> usize {
        match self {
            IdCounts::Few { space, .. } | IdCounts::Hashed { space, .. } => *space,
            IdCounts::Array(counts) => counts.len(),
        }
    }

    /// Makes space for the ids of a dictionary that has grown.
    fn cover(&mut self, wanted: usize) {
        match self {
            IdCounts::Few { space, .. } | IdCounts::Hashed { space, .. } => *space = wanted.max(*space),
            IdCounts::Array(counts) => counts.resize(wanted.max(counts.len()), 0),
        }
    }

    /// The ids that occur, in any order.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = (u32, u32)> + '_> {
        match self {
            IdCounts::Few { counts, .. } => Box::new(counts.iter().copied()),
            IdCounts::Hashed { counts, .. } => Box::new(counts.iter().map(|(id, count)| (*id, *count))),
            IdCounts::Array(counts) => {
                Box::new((0..).zip(counts.iter().copied()).skip(1).filter(|(_, count)| *count > 0))
            }
        }
    }

    /// Bytes of memory, approximately.
    pub(super) fn memory(&self) -> usize {
        match self {
            IdCounts::Few { counts, .. } => counts.capacity() * size_of::<(u32, u32)>(),
            IdCounts::Hashed { counts, .. } => counts.allocation_size(),
            IdCounts::Array(counts) => counts.len() * size_of::<u32>(),
        }
    }

    /// Number of distinct ids.
    pub(super) fn distinct(&self) -> u64 {
        match self {
            IdCounts::Few { counts, .. } => counts.len() as u64,
            IdCounts::Hashed { counts, .. } => counts.len() as u64,
            IdCounts::Array(_) => self.iter().count() as u64,
        }
    }
}

/// Distinct ids.
#[derive(Clone, Debug)]
pub(super) enum Ids {
    Hashed {
        ids: HashSet<u32>,
        /// Number of ids that there may be.
        space: usize,
    },
    /// A bit for each id.
    Bits(FixedBitSet),
}

impl Ids {
    /// No ids yet. `space` is the number of ids that there may be.
    pub(super) fn new(space: usize) -> Ids {
        Ids::Hashed { ids: HashSet::new(), space }
    }

    #[inline]
    pub(super) fn add(&mut self, id: u32) {
        match self {
            Ids::Bits(bits) => {
                // A damaged column may have impossible ids. They are ignored.
                if (id as usize) < bits.len() {
                    bits.insert(id as usize);
                }
            }
            Ids::Hashed { .. } => self.add_hashed(id),
        }
    }

    fn add_hashed(&mut self, id: u32) {
        let Ids::Hashed { ids, space } = self else { return };
        let space = *space;
        ids.insert(id);
        if ids.len() > space / BITS_PER_HASHED_ID {
            let mut bits = FixedBitSet::with_capacity(space);
            bits.extend(ids.drain().map(|id| id as usize).filter(|id| *id < space));
            *self = Ids::Bits(bits);
        }
    }

    pub(super) fn merge(&mut self, other: &Ids) {
        let wanted = match other {
            Ids::Hashed { space, .. } => *space,
            Ids::Bits(bits) => bits.len(),
        };
        // The dictionary may have grown since.
        match self {
            Ids::Hashed { space, .. } => *space = wanted.max(*space),
            Ids::Bits(bits) => bits.grow(wanted),
        }
        match (&mut *self, other) {
            (Ids::Bits(ours), Ids::Bits(theirs)) => ours.union_with(theirs),
            (_, Ids::Hashed { ids, .. }) => ids.iter().for_each(|id| self.add(*id)),
            (Ids::Hashed { ids, space }, Ids::Bits(theirs)) => {
                let mut bits = theirs.clone();
                bits.grow(*space);
                bits.extend(ids.drain().map(|id| id as usize).filter(|id| id < space));
                *self = Ids::Bits(bits);
            }
        }
    }

    /// Bytes of memory, approximately.
    pub(super) fn memory(&self) -> usize {
        match self {
            Ids::Hashed { ids, .. } => ids.allocation_size(),
            Ids::Bits(bits) => bits.len() / 8,
        }
    }

    /// Number of distinct ids.
    pub(super) fn distinct(&self) -> u64 {
        match self {
            Ids::Hashed { ids, .. } => ids.len() as u64,
            Ids::Bits(bits) => bits.count_ones(..) as u64,
        }
    }

    /// The id, if there is only one.
    pub(super) fn only(&self) -> Option<u32> {
        match self {
            Ids::Hashed { ids, .. } if ids.len() == 1 => ids.iter().next().copied(),
            Ids::Bits(bits) if self.distinct() == 1 => bits.ones().next().map(|id| id as u32),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_the_same_however_many_ids_there_may_be(
            parts in prop::collection::vec(prop::collection::vec(0..4000u32, 0..3000), 1..4),
            space in prop_oneof![Just(4000usize), Just(400_000)],
        ) {
            let mut expected: BTreeMap<u32, u32> = BTreeMap::new();
            let (mut counts, mut ids) = (IdCounts::new(space), Ids::new(space));
            for part in &parts {
                let (mut more, mut more_ids) = (IdCounts::new(space), Ids::new(space));
                for id in part {
                    more.add(*id);
                    if *id != 0 {
                        more_ids.add(*id);
                        *expected.entry(*id).or_default() += 1;
                    }
                }
                counts.merge(&more);
                ids.merge(&more_ids);
            }
            prop_assert_eq!(counts.iter().collect::<BTreeMap<_, _>>(), expected.clone());
            prop_assert_eq!(counts.distinct(), expected.len() as u64);
            prop_assert_eq!(ids.distinct(), expected.len() as u64);
        }
    }

    #[test]
    fn a_single_id_is_known() {
        for space in [10, 1000, 100_000] {
            let mut ids = Ids::new(space);
            assert_eq!(ids.only(), None);
            ids.add(7);
            ids.add(7);
            assert_eq!(ids.only(), Some(7));
            ids.add(8);
            assert_eq!(ids.only(), None);
        }
    }

    #[test]
    fn ids_of_a_dictionary_that_has_grown_are_added_to_those_from_before() {
        for before in [1, 200] {
            for after in [1, 200] {
                let (mut counts, mut ids) = (IdCounts::new(201), Ids::new(201));
                let (mut more, mut more_ids) = (IdCounts::new(401), Ids::new(401));
                (1..=before).for_each(|id| (counts.add(id), ids.add(id)).0);
                (201..=200 + after).for_each(|id| (more.add(id), more_ids.add(id)).0);
                counts.merge(&more);
                ids.merge(&more_ids);
                let expected = u64::from(before + after);
                assert_eq!((counts.distinct(), ids.distinct()), (expected, expected));
            }
        }
    }

    #[test]
    fn impossible_ids_of_a_damaged_column_are_ignored() {
        let (mut counts, mut ids) = (IdCounts::new(10), Ids::new(10));
        for id in [3, 4, u32::MAX, 10] {
            counts.add(id);
            ids.add(id);
        }
        assert_eq!((counts.distinct(), ids.distinct()), (2, 2));
    }
}
