//! Answers that compare two sets of requests: how often each value of some dimensions occurs in either.
//!
//! One scan counts all dimensions. The rows of both sets are determined once per segment, as masks. A derived
//! dimension costs no scan of its own: its counts are added up from those of its field.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use hashbrown::HashMap;
use tokio_util::sync::CancellationToken;

use super::QueryContext;
use super::cancel::{Ticker, check_cancelled};
use super::groups::keys::GroupKeys;
use super::partials_cache::{Aggregation, Partial};
use super::predicate::mask::{Mask, for_each_row};
use super::predicate::{Passes, Predicate};
use super::top_k::TopK;
use crate::cache::{BLOCK, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::{
    Answer, ComparedDimension, ComparedValue, Comparison, Dimension, Filter, Query, QueryError, TimeRange,
    Value,
};

/// Above this many group numbers, counts are hashed: an array would take too much memory per thread.
const MAX_DENSE_GROUPS: usize = 1 << 23;
/// Number of values above which the whole dictionary is read rather than single values.
const MIN_VALUES_TO_READ_DICTIONARY: usize = 5000;

/// What a partial comparison depends on: the dimensions, and the time range and filter of the other set.
pub(super) type HowCompared = (Vec<Dimension>, (TimeRange, Filter));

/// Numbers of requests in both sets.
type Both = [u32; 2];

/// The counts of some rows.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    requests: [u64; 2],
    /// The counts of each scanned column.
    columns: Vec<GroupCounts>,
}

/// Numbers of requests by group number.
#[derive(Clone, Debug)]
enum GroupCounts {
    /// Grows with the largest group number so far.
    Dense(Vec<Both>),
    Hashed(HashMap<u32, Both>),
}

impl GroupCounts {
    /// No requests. `space` is the number of group numbers, `None` if it is unknown.
    fn new(space: Option<usize>) -> GroupCounts {
        match space {
            Some(..=MAX_DENSE_GROUPS) => GroupCounts::Dense(Vec::new()),
            _ => GroupCounts::Hashed(HashMap::new()),
        }
    }

    fn add(&mut self, group: u32, counts: Both) {
        let both = match self {
            GroupCounts::Dense(dense) => match dense.get_mut(group as usize) {
                Some(both) => both,
                // A damaged column may have impossible group numbers. Their rows are ignored.
                None => return,
            },
            GroupCounts::Hashed(hashed) => hashed.entry(group).or_default(),
        };
        both[0] += counts[0];
        both[1] += counts[1];
    }

    /// Counts the rows of a block for one of the sets.
    #[inline]
    fn add_rows(&mut self, set: usize, mask: Mask, groups: &[u32; BLOCK]) {
        match self {
            GroupCounts::Dense(dense) => {
                let dense = dense.as_mut_slice();
                let mut add = |row: usize| {
                    if let Some(both) = dense.get_mut(groups[row] as usize) {
                        both[set] += 1;
                    }
                };
                if mask == Mask::MAX { (0..BLOCK).for_each(add) } else { for_each_row(mask, &mut add) }
            }
            GroupCounts::Hashed(hashed) => {
                for_each_row(mask, |row| hashed.entry(groups[row]).or_default()[set] += 1);
            }
        }
    }

    fn grow(&mut self, groups: usize) {
        if let GroupCounts::Dense(dense) = self
            && dense.len() < groups
        {
            dense.resize(groups, [0; 2]);
        }
    }

    /// The groups that occur.
    fn iter(&self) -> Box<dyn Iterator<Item = (u32, Both)> + '_> {
        let occurs = |(_, both): &(u32, Both)| *both != [0; 2];
        match self {
            GroupCounts::Dense(dense) => Box::new((0..).zip(dense.iter().copied()).filter(occurs)),
            GroupCounts::Hashed(hashed) => Box::new(hashed.iter().map(|(group, both)| (*group, *both))),
        }
    }
}

impl Partial for Counts {
    fn merge(&mut self, other: &Counts, cancel: &CancellationToken) -> Result<(), QueryError> {
        for (ours, theirs) in self.requests.iter_mut().zip(other.requests) {
            *ours += theirs;
        }
        for (ours, theirs) in self.columns.iter_mut().zip(&other.columns) {
            check_cancelled(cancel)?;
            if let GroupCounts::Dense(theirs) = theirs {
                ours.grow(theirs.len());
            }
            for (group, both) in theirs.iter() {
                ours.grow(group as usize + 1);
                ours.add(group, both);
            }
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        let of_column = |counts: &GroupCounts| match counts {
            GroupCounts::Dense(dense) => dense.capacity() * size_of::<Both>(),
            GroupCounts::Hashed(hashed) => hashed.allocation_size(),
        };
        self.columns.iter().map(of_column).sum()
    }
}

/// A dimension, its groups, and the scanned column that counts them.
struct Compared {
    by: Dimension,
    keys: GroupKeys,
    column: usize,
}

/// What is scanned, and how the dimensions follow from it.
#[derive(Default)]
struct Plan {
    columns: Vec<GroupKeys>,
    dimensions: Vec<Compared>,
}

impl Plan {
    fn new(context: &QueryContext<'_>, by: &[Dimension]) -> Result<Plan, QueryError> {
        let mut plan = Plan::default();
        for by in by {
            let keys = context.group_keys(by)?;
            let column = match &keys {
                GroupKeys::Ids(field) | GroupKeys::Derived { field, .. } => plan.column_of(*field),
                _ => {
                    plan.columns.push(context.group_keys(by)?);
                    plan.columns.len() - 1
                }
            };
            plan.dimensions.push(Compared { by: by.clone(), keys, column });
        }
        Ok(plan)
    }

    /// The scanned column of the value ids of a field.
    fn column_of(&mut self, field: Field) -> usize {
        let is_it = |keys: &GroupKeys| matches!(keys, GroupKeys::Ids(known) if *known == field);
        self.columns.iter().position(is_it).unwrap_or_else(|| {
            self.columns.push(GroupKeys::Ids(field));
            self.columns.len() - 1
        })
    }

    fn begin(&self, snapshot: &Snapshot<'_>) -> Counts {
        let columns = self.columns.iter().map(|keys| GroupCounts::new(keys.space(snapshot))).collect();
        Counts { requests: [0; 2], columns }
    }

    fn add_segment(
        &self,
        counts: &mut Counts,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
        sets: [&Predicate; 2],
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        let masks = [sets[0].masks(segment, snapshot)?, sets[1].masks(segment, snapshot)?];
        let in_segment =
            masks.each_ref().map(|masks| masks.iter().map(|mask| mask.count_ones()).sum::<u32>());
        if in_segment == [0; 2] {
            return Ok(());
        }
        for (all, new) in counts.requests.iter_mut().zip(in_segment) {
            *all += u64::from(new);
        }
        let mut groups = [0; BLOCK];
        for (keys, counts) in self.columns.iter().zip(&mut counts.columns) {
            check_cancelled(cancel)?;
            if let GroupKeys::Ids(field) = keys
                && let (low, high) = snapshot.code_bounds(segment, *field)?
                && low == high
                && let Ok(group) = u32::try_from(low)
            {
                // The whole segment has one value.
                counts.grow((group as usize + 1).min(keys.space(snapshot).unwrap_or(0)));
                counts.add(group, in_segment);
                continue;
            }
            let open = keys.open(segment, snapshot)?;
            let space = keys.space(snapshot).unwrap_or(0);
            counts.grow(open.max_group().map_or(space, |group| space.min(group as usize + 1)));
            for (block, (ours, others)) in masks[0].iter().zip(&masks[1]).enumerate() {
                if ours | others != 0 {
                    open.block(block, &mut groups);
                    counts.add_rows(0, *ours, &groups);
                    counts.add_rows(1, *others, &groups);
                }
            }
        }
        Ok(())
    }
}

impl Compared {
    /// The counts of the groups of the dimension.
    fn counts<'c>(&self, columns: &'c [GroupCounts]) -> Option<Cow<'c, GroupCounts>> {
        let of_column = columns.get(self.column)?;
        let GroupKeys::Derived { groups, values, .. } = &self.keys else {
            return Some(Cow::Borrowed(of_column));
        };
        let mut counts = GroupCounts::new(Some(values.len() + 1));
        counts.grow(values.len() + 1);
        for (id, both) in of_column.iter() {
            counts.add(groups.get(id as usize).copied().unwrap_or(0), both);
        }
        Some(Cow::Owned(counts))
    }

    fn select(
        &self,
        counts: &Counts,
        at_least: u64,
        limit: usize,
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<ComparedDimension, QueryError> {
        let mut answer = ComparedDimension {
            by: self.by.clone(),
            value_counts: [0; 2],
            all_value_count: 0,
            rows: Vec::new(),
        };
        let Some(groups) = self.counts(&counts.columns) else { return Ok(answer) };
        let mut top = TopK::new(if limit == 0 { usize::MAX } else { limit });
        let mut ticker = Ticker::of_items(cancel);
        for (group, both) in groups.iter() {
            ticker.tick()?;
            answer.all_value_count += 1;
            for (count, requests) in answer.value_counts.iter_mut().zip(both) {
                *count += u64::from(requests > 0);
            }
            if both.iter().any(|requests| u64::from(*requests) >= at_least) {
                let difference = difference(both.map(u64::from), counts.requests);
                top.offer(Candidate { difference, group, both });
            }
        }
        let candidates = top.into_items();
        if candidates.len() > MIN_VALUES_TO_READ_DICTIONARY {
            self.keys.expect_many(snapshot, cancel)?;
        }
        let mut ticker = Ticker::of_steps(cancel);
        let mut valued: Vec<(Candidate, Value)> = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            ticker.tick()?;
            valued.push((candidate, self.keys.value(candidate.group, snapshot)?));
        }
        valued.sort_unstable();
        valued.truncate(if limit == 0 { usize::MAX } else { limit });
        let rows = valued.into_iter();
        answer.rows = rows
            .map(|(candidate, value)| ComparedValue { value, requests: candidate.both.map(u64::from) })
            .collect();
        Ok(answer)
    }
}

/// The difference between the shares of a value in both sets, times the sizes of the sets: an exact number. The size of
/// an empty set counts as 1.
fn difference(requests: [u64; 2], of: [u64; 2]) -> u128 {
    let of = of.map(|of| u128::from(of.max(1)));
    let [ours, others] = requests.map(u128::from);
    (ours * of[1]).abs_diff(others * of[0])
}

/// A group; a larger difference comes first.
#[derive(Clone, Copy)]
struct Candidate {
    difference: u128,
    group: u32,
    both: Both,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        other.difference.cmp(&self.difference)
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

impl QueryContext<'_> {
    pub(super) fn answer_compare(
        &self,
        by: &[Dimension],
        with: &(TimeRange, Filter),
        at_least: u64,
        limit: usize,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let (time, filter) = with;
        let other = Query { time: *time, filter: filter.clone(), ..self.query.clone() };
        let other = Predicate::new(&other, self.snapshot, &self.engine.id_sets, &self.names, self.cancel)?;
        let mut segments = Vec::new();
        for segment in &self.snapshot.segments {
            if self.predicate.passes(segment, self.snapshot)? != Passes::None
                || other.passes(segment, self.snapshot)? != Passes::None
            {
                segments.push(*segment);
            }
        }
        // The segments that may have rows of either set.
        let both = QueryContext {
            segments,
            scanned: Default::default(),
            pricing: Arc::clone(&self.pricing),
            names: self.names.clone(),
            ..*self
        };
        let plan = Plan::new(self, by)?;
        let select = |counts: &Counts| -> Result<Answer, QueryError> {
            let select =
                |compared: &Compared| compared.select(counts, at_least, limit, self.snapshot, self.cancel);
            let dimensions = plan.dimensions.iter().map(select).collect::<Result<_, _>>()?;
            Ok(Answer::Comparison(Comparison { requests: counts.requests, dimensions }))
        };
        let aggregation = Aggregation {
            cache: &self.engine.compare_partials,
            how: (by.to_vec(), with.clone()),
            begin: &|| plan.begin(self.snapshot),
            add_segment: &|counts: &mut Counts, segment| {
                plan.add_segment(counts, segment, self.snapshot, [self.predicate, &other], self.cancel)
            },
        };
        let counts = both.aggregate(aggregation, &mut |counts: &Counts, share| {
            on_partial(select(counts)?, share);
            Ok(())
        })?;
        *self.scanned.lock() = *both.scanned.lock();
        select(&counts)
    }
}
