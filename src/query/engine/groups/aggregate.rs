//! The aggregate over groups: sums and accumulators per group, filled by the scan of segments.

use std::sync::Arc;

use hashbrown::HashMap;
use tokio_util::sync::CancellationToken;

use super::accumulator::{AccumulatedColumns, Accumulation, Accumulator, AccumulatorSettings, MeasureValues};
use super::charges::SnapshotRules;
use super::keys::GroupKeys;
use super::sums::Sums;
use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, SegmentInfo, Snapshot, TimeBlock};
use crate::log::Field;
use crate::query::cost::Charges;
use crate::query::engine::cancel::{ITEMS_PER_CHECK, Ticker, check_cancelled};
use crate::query::engine::partials_cache::Partial;
use crate::query::engine::predicate::Predicate;
use crate::query::engine::predicate::mask::{Mask, for_each_row};
use crate::query::{Measure, QueryError};

/// Up to this many group numbers, slots are an array indexed by group number even for few rows.
const MAX_DENSE_GROUPS_FOR_FEW_ROWS: usize = 1 << 16;
/// Above this many group numbers, groups are hashed: the array would take too much memory per thread.
const MAX_DENSE_GROUPS: usize = 1 << 22;
/// Groups are hashed until this part of the group numbers occurs: a filter may leave few of them.
const GROUP_NUMBERS_PER_HASHED_GROUP: usize = 16;

/// The groups of some rows. Every group has a slot: its group number or, if there are too many group numbers, its place
/// in the order in which groups first occurred.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Grows with the largest group number so far: value ids are assigned in the order in which values first occur, so
    /// the first segments of a cache take little memory.
    sums: Vec<Sums>,
    /// Upper bound of the number of slots.
    space: usize,
    accumulators: Vec<(Accumulation, Accumulator)>,
    hashed: Option<HashedGroups>,
    /// The space of an array that may take the place of the hashed groups.
    dense_space: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct HashedGroups {
    slots: HashMap<u32, u32>,
    groups: Vec<u32>,
}

impl Groups {
    /// No groups yet. `space` is the number of group numbers, `None` if it is unknown; `rows` estimates the rows that
    /// will be added.
    pub(super) fn new(
        space: Option<usize>,
        rows: usize,
        accumulations: &[Accumulation],
        settings: &AccumulatorSettings,
    ) -> Groups {
        let max_dense = MAX_DENSE_GROUPS_FOR_FEW_ROWS.max(rows).min(MAX_DENSE_GROUPS);
        let dense = space.filter(|space| *space <= max_dense);
        let accumulators: Vec<(Accumulation, Accumulator)> =
            accumulations.iter().map(|what| (*what, Accumulator::new(*what, settings))).collect();
        let is_small = |space: &usize| *space <= MAX_DENSE_GROUPS_FOR_FEW_ROWS || !accumulators.is_empty();
        match dense.filter(is_small) {
            // Reserved memory that is never written takes no physical memory.
            Some(space) => Groups {
                sums: Vec::with_capacity(space),
                space,
                accumulators,
                hashed: None,
                dense_space: None,
            },
            None => Groups {
                sums: Vec::new(),
                space: usize::MAX,
                accumulators,
                hashed: Some(HashedGroups::default()),
                dense_space: dense,
            },
        }
    }

    /// Stops hashing if an array is possible and `is_better` returns `true` for the number of groups and its space.
    fn use_array_if(&mut self, is_better: impl Fn(usize, usize) -> bool) {
        let groups = self.hashed.as_ref().map_or(0, |hashed| hashed.groups.len());
        let Some(space) = self.dense_space.filter(|space| is_better(groups, *space)) else { return };
        let Some(hashed) = self.hashed.take() else { return };
        let of_slots = std::mem::replace(&mut self.sums, Vec::with_capacity(space));
        (self.space, self.dense_space) = (space, None);
        self.grow(hashed.groups.iter().max().map_or(0, |largest| *largest as usize + 1));
        for (group, sums) in hashed.groups.into_iter().zip(of_slots) {
            self.sums[group as usize] = sums;
        }
    }

    fn grow(&mut self, slots: usize) {
        if self.sums.len() >= slots {
            return;
        }
        self.sums.resize(slots, Sums::default());
        self.accumulators.iter_mut().for_each(|(_, accumulator)| accumulator.grow(slots));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Sums)> {
        self.sums.iter().enumerate().filter(|(_, sums)| sums.requests > 0)
    }

    pub(super) fn group(&self, slot: usize) -> u32 {
        self.hashed.as_ref().map_or(slot as u32, |hashed| hashed.groups[slot])
    }

    pub(super) fn sums(&self, slot: usize) -> &Sums {
        &self.sums[slot]
    }

    fn slot(&mut self, group: u32) -> usize {
        let Some(hashed) = &mut self.hashed else {
            self.grow(group as usize + 1);
            return group as usize;
        };
        let next = hashed.groups.len() as u32;
        let slot = *hashed.slots.entry(group).or_insert(next);
        if slot == next {
            hashed.groups.push(group);
            self.grow(next as usize + 1);
        }
        slot as usize
    }

    fn merge_accumulators(
        &mut self,
        other: &Groups,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        for ((_, ours), (_, theirs)) in self.accumulators.iter_mut().zip(&other.accumulators) {
            check_cancelled(cancel)?;
            ours.merge(theirs, &slot_of, cancel)?;
        }
        Ok(())
    }

    pub(super) fn values(
        &self,
        measure: Measure,
        cancel: &CancellationToken,
    ) -> Result<MeasureValues<'_>, QueryError> {
        let slots = self.sums.len();
        Ok(match self.accumulator(measure) {
            Some(Accumulator::Distinct(sketch)) => MeasureValues::Counts(sketch.counts(slots, cancel)?),
            Some(Accumulator::Mean(means)) => MeasureValues::Means(means),
            Some(Accumulator::Max(largest)) => MeasureValues::Largest(largest),
            Some(Accumulator::Histogram(histogram)) => {
                MeasureValues::Numbers(histogram.values(measure, slots))
            }
            Some(Accumulator::Charges(charges, prices)) => {
                MeasureValues::Numbers(charges.iter().map(|charges| charges.dollars(prices)).collect())
            }
            None => MeasureValues::FromSums(measure, &self.sums),
        })
    }

    /// Whether a measure is estimated, because there were too many distinct values to count.
    pub(super) fn is_approximate(&self, measure: Measure) -> bool {
        matches!(self.accumulator(measure), Some(Accumulator::Distinct(sketch)) if sketch.is_approximate())
    }

    fn accumulator(&self, measure: Measure) -> Option<&Accumulator> {
        let what = Accumulation::of(measure)?;
        self.accumulators.iter().find(|(known, _)| *known == what).map(|(_, accumulator)| accumulator)
    }

    /// The charges of all groups, if they are added up.
    pub(super) fn charges(&self) -> Option<Charges> {
        let charges = self.accumulators.iter().find_map(|(_, accumulator)| match accumulator {
            Accumulator::Charges(charges, _) => Some(charges),
            _ => None,
        })?;
        let mut all = Charges::default();
        charges.iter().for_each(|charges| all.merge(charges));
        Some(all)
    }

    /// Adds the selected rows of a segment to the groups of each dimension, which has these keys. `errors`: see
    /// [`super::sums::error_statuses`]. `charge_rules`: if charges are added up. After an error, the groups may have some of
    /// the rows.
    pub(super) fn add_segment(
        of_each: Vec<(&mut Groups, &GroupKeys)>,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
        predicate: &Predicate,
        errors: &[bool],
        charge_rules: Option<&Arc<SnapshotRules>>,
    ) -> Result<(), QueryError> {
        let Some(selected) = predicate.selected(segment, snapshot)? else { return Ok(()) };
        let columns = SumColumns {
            times: snapshot.int_column(segment, Field::Time)?,
            bytes_sent: snapshot.int_column(segment, Field::BytesSent)?,
            statuses: snapshot.int_column(segment, Field::HttpStatus)?,
        };
        let mut each = Vec::with_capacity(of_each.len());
        for (groups, keys) in of_each {
            let keys = keys.open(segment, snapshot)?;
            let accumulated = (groups.accumulators.iter())
                .map(|(what, _)| what.open(segment, snapshot, charge_rules))
                .collect::<Result<Vec<AccumulatedColumns>, CacheError>>()?;
            if groups.hashed.is_none() {
                let numbers = keys.max_group().map_or(groups.space, |group| group as usize + 1);
                groups.grow(numbers.min(groups.space));
            }
            each.push((groups, keys, accumulated));
        }
        let (times, bytes_sent) = (TimeBlock::default(), NumberBlock::default());
        let mut unpacked = SumBlock { times, bytes_sent, errors: [0; BLOCK] };
        let mut slots = [0; BLOCK];
        for selected in selected {
            let (block, mask) = selected?;
            columns.unpack(block, errors, &mut unpacked);
            for (groups, keys, accumulated) in &mut each {
                keys.block(block, &mut slots);
                groups.add_block(mask, block, &mut slots, &unpacked, accumulated);
            }
        }
        for (groups, ..) in each {
            groups.use_array_if(|groups, space| groups > space / GROUP_NUMBERS_PER_HASHED_GROUP);
        }
        Ok(())
    }

    /// Adds the selected rows of a block. `slots`: their group numbers, which become their slots.
    #[inline]
    fn add_block(
        &mut self,
        mask: Mask,
        block: usize,
        slots: &mut [u32; BLOCK],
        unpacked: &SumBlock,
        accumulated: &[AccumulatedColumns],
    ) {
        if self.hashed.is_some() {
            for_each_row(mask, |row| slots[row] = self.slot(slots[row]) as u32);
        }
        self.add_sums(mask, slots, unpacked);
        if accumulated.is_empty() {
            return;
        }
        // A damaged column may have impossible group numbers. Their rows are ignored, as by `add_sums`.
        let mut possible = 0;
        for_each_row(mask, |row| {
            possible |= Mask::from((slots[row] as usize) < self.sums.len()) << row;
        });
        for ((_, accumulator), column) in self.accumulators.iter_mut().zip(accumulated) {
            accumulator.add_block(possible, block, slots, column);
        }
    }

    #[inline]
    fn add_sums(&mut self, mask: Mask, slots: &[u32; BLOCK], unpacked: &SumBlock) {
        let SumBlock { times, bytes_sent, errors } = unpacked;
        let sums = self.sums.as_mut_slice();
        let mut add = |row: usize| {
            if let Some(sums) = sums.get_mut(slots[row] as usize) {
                sums.add(times.get(row), bytes_sent.or_zero(row), errors[row]);
            }
        };
        if mask == Mask::MAX {
            (0..BLOCK).for_each(add);
        } else {
            for_each_row(mask, &mut add);
        }
    }
}

impl Partial for Groups {
    fn merge(&mut self, other: &Groups, cancel: &CancellationToken) -> Result<(), QueryError> {
        if other.hashed.is_none() {
            self.use_array_if(|_, _| true);
        }
        if self.hashed.is_none() && other.hashed.is_none() {
            self.space = self.space.max(other.space);
            self.grow(other.sums.len());
            let chunks = self.sums.chunks_mut(ITEMS_PER_CHECK).zip(other.sums.chunks(ITEMS_PER_CHECK));
            for (ours, theirs) in chunks {
                check_cancelled(cancel)?;
                ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| ours.merge(theirs));
            }
            self.merge_accumulators(other, |slot| slot, cancel)
        } else {
            let mut slots = vec![0; other.sums.len()];
            let mut ticker = Ticker::of_items(cancel);
            for (slot, theirs) in other.iter() {
                ticker.tick()?;
                let ours = self.slot(other.group(slot));
                slots[slot] = ours;
                self.sums[ours].merge(theirs);
            }
            self.merge_accumulators(other, |slot| slots[slot], cancel)
        }
    }

    fn memory(&self) -> usize {
        let accumulators: usize = self.accumulators.iter().map(|(_, accumulator)| accumulator.memory()).sum();
        let hashed = self
            .hashed
            .as_ref()
            .map_or(0, |hashed| hashed.slots.allocation_size() + hashed.groups.capacity() * size_of::<u32>());
        self.sums.len() * size_of::<Sums>() + accumulators + hashed
    }
}

struct SumColumns {
    times: IntColumn,
    bytes_sent: IntColumn,
    statuses: IntColumn,
}

struct SumBlock {
    times: TimeBlock,
    bytes_sent: NumberBlock,
    /// 1 for an error.
    errors: [u32; BLOCK],
}

impl SumColumns {
    #[inline]
    fn unpack(&self, block: usize, errors: &[bool], out: &mut SumBlock) {
        self.times.times(block, &mut out.times);
        self.bytes_sent.numbers(block, &mut out.bytes_sent);
        self.statuses.ids(block, &mut out.errors);
        for status in &mut out.errors {
            *status = u32::from(errors.get(*status as usize).copied().unwrap_or(false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(numbers: &[u32], space: usize) -> Groups {
        let settings = AccumulatorSettings { max_distinct_pairs: 0, prices: Arc::default() };
        let mut groups = Groups::new(Some(space), space, &[], &settings);
        for number in numbers {
            let slot = groups.slot(*number);
            groups.sums[slot].add(i64::from(*number), 1, 0);
        }
        groups
    }

    fn requests(groups: &Groups) -> Vec<(u32, u32)> {
        let mut requests: Vec<_> =
            groups.iter().map(|(slot, sums)| (groups.group(slot), sums.requests)).collect();
        requests.sort_unstable();
        requests
    }

    #[test]
    fn few_of_many_groups_are_hashed_and_many_are_in_an_array() {
        const SPACE: usize = 1 << 17;
        let numbers: Vec<u32> = (0..1000).map(|number| number * 7919 % SPACE as u32).collect();
        let mut few = groups(&numbers, SPACE);
        assert!(few.hashed.is_some());
        let before = requests(&few);
        few.use_array_if(|groups, space| groups > space / GROUP_NUMBERS_PER_HASHED_GROUP);
        assert!(few.hashed.is_some(), "1,000 of 131,072");
        few.use_array_if(|groups, _| groups == 1000);
        assert!(few.hashed.is_none());
        assert_eq!(requests(&few), before);
    }

    #[test]
    fn hashed_groups_and_those_in_an_array_are_added() {
        const SPACE: usize = 1 << 17;
        let (few, mut many) = (groups(&[3, 5, 100_000], SPACE), groups(&[5, 7, 131_071], SPACE));
        many.use_array_if(|_, _| true);
        let expected = [(3, 1), (5, 2), (7, 1), (100_000, 1), (131_071, 1)];
        for (mut ours, theirs) in [(few.clone(), many.clone()), (many.clone(), few.clone())] {
            ours.merge(&theirs, &CancellationToken::new()).unwrap();
            assert!(ours.hashed.is_none());
            assert_eq!(requests(&ours), expected);
        }
    }
}
