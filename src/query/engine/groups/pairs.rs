//! Answers of one row per pair of values of two dimensions.
//!
//! Every pair has a slot: its place in a table of all possible pairs if that table is small, otherwise the place in the
//! order in which pairs first occurred.
//!
//! If more pairs occur than fit in memory, they are aggregated in parts: each part has the pairs with some hash values,
//! and is aggregated by one thread in a scan of its own. The first rows of all parts are merged.

use std::collections::HashMap as StdHashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::accumulator::MeasureValues;
use super::keys::GroupKeys;
use super::rows::{Candidate, MIN_VALUES_TO_READ_DICTIONARY};
use super::sums::{Sums, error_statuses};
use crate::cache::{BLOCK, NumberBlock, SegmentInfo, Snapshot, TimeBlock};
use crate::log::Field;
use crate::query::engine::cancel::{ITEMS_PER_CHECK, Ticker, check_cancelled};
use crate::query::engine::partials_cache::{Aggregation, Partial};
use crate::query::engine::predicate::Predicate;
use crate::query::engine::predicate::mask::for_each_row;
use crate::query::engine::top_k::TopK;
use crate::query::engine::{QueryContext, parallel};
use crate::query::model::value_order::ValueKey;
use crate::query::{Answer, Dimension, Measure, PairRow, QueryError, Sort, Stats, Value, answer};

/// Up to this many possible pairs, a table has a slot for each.
const MAX_DENSE_PAIRS: usize = 1 << 18;
/// Maximum number of pairs in memory of a thread. They take about 70 bytes each.
pub(crate) const MAX_PAIRS: usize = 1 << 20;
/// Maximum number of parts: each is a scan.
const MAX_PARTS: usize = 32;
/// Maximum number of rows of an answer.
const MAX_ROWS: usize = 1 << 22;

/// The dimensions of pairs, and the order and the number of the wanted rows; 0: all.
type Wanted<'q> = (&'q [Dimension; 2], Sort<Measure>, usize);

/// What partial pairs depend on: the dimensions, and the width of the table of all possible pairs.
pub(crate) type HowPaired = ([Dimension; 2], Option<u32>);

/// The pairs of some rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct PairSums {
    sums: Vec<Sums>,
    slots: Slots,
    max_pairs: usize,
    /// There are more than `max_pairs`; none is kept.
    is_overflowed: bool,
}

#[derive(Clone, Debug)]
enum Slots {
    /// The slot of a pair is the first group × `width` + the second group.
    Dense {
        width: u32,
    },
    Hashed {
        slots: HashMap<u64, u32>,
        pairs: Vec<u64>,
    },
}

impl Default for Slots {
    fn default() -> Slots {
        Slots::Hashed { slots: HashMap::new(), pairs: Vec::new() }
    }
}

/// Two group numbers as one number.
fn pair_of(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// The pairs with some hash values.
#[derive(Clone, Copy)]
struct Part {
    index: u64,
    count: u64,
}

impl Part {
    #[inline]
    fn has(self, pair: u64) -> bool {
        // Fibonacci hashing: the upper bits of the product depend on all bits of the pair.
        let hash = pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        (hash * self.count) >> 32 == self.index
    }
}

/// The width of the table of all possible pairs; `None` if it would be too large. It is a power of two, so that it
/// seldom changes when a dictionary grows, and kept partials remain usable.
fn dense_width(keys: &[GroupKeys; 2], snapshot: &Snapshot<'_>, max_pairs: usize) -> Option<u32> {
    let [first, second] = keys.each_ref().map(|keys| keys.space(snapshot));
    let width = second?.checked_next_power_of_two()?;
    let slots = first?.checked_mul(width)?;
    u32::try_from(width).ok().filter(|_| slots <= MAX_DENSE_PAIRS.min(max_pairs))
}

impl PairSums {
    fn new(width: Option<u32>, max_pairs: usize) -> PairSums {
        let slots = width.map_or_else(Slots::default, |width| Slots::Dense { width });
        PairSums { sums: Vec::new(), slots, max_pairs, is_overflowed: false }
    }

    /// Drops all pairs if they are too many.
    fn check_count(&mut self) {
        if matches!(&self.slots, Slots::Hashed { pairs, .. } if pairs.len() > self.max_pairs) {
            self.overflow();
        }
    }

    fn overflow(&mut self) {
        *self = PairSums { is_overflowed: true, ..PairSums::new(None, self.max_pairs) };
    }

    fn grow(&mut self, slots: usize) {
        if self.sums.len() < slots {
            self.sums.resize(slots, Sums::default());
        }
    }

    /// The slots that have requests.
    fn iter(&self) -> impl Iterator<Item = (usize, &Sums)> {
        self.sums.iter().enumerate().filter(|(_, sums)| sums.requests > 0)
    }

    /// The group numbers of a slot.
    fn pair(&self, slot: usize) -> [u32; 2] {
        match &self.slots {
            Slots::Dense { width } => [slot as u32 / width, slot as u32 % width],
            Slots::Hashed { pairs, .. } => [(pairs[slot] >> 32) as u32, pairs[slot] as u32],
        }
    }

    /// Adds the selected rows of a segment, or those of `part`. `errors`: see [`error_statuses`].
    fn add_segment(
        &mut self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
        predicate: &Predicate,
        keys: &[GroupKeys; 2],
        part: Option<Part>,
        errors: &[bool],
    ) -> Result<(), QueryError> {
        if self.is_overflowed {
            return Ok(());
        }
        let Some(selected) = predicate.selected(segment, snapshot)? else { return Ok(()) };
        let [first_keys, second_keys] = [keys[0].open(segment, snapshot)?, keys[1].open(segment, snapshot)?];
        let times = snapshot.int_column(segment, Field::Time)?;
        let bytes_sent = snapshot.int_column(segment, Field::BytesSent)?;
        let statuses = snapshot.int_column(segment, Field::HttpStatus)?;
        if let Slots::Dense { width } = self.slots
            && let Some(groups) = keys[0].space(snapshot)
        {
            self.grow(groups * width as usize);
        }
        let (mut first, mut second, mut status) = ([0u32; BLOCK], [0u32; BLOCK], [0u32; BLOCK]);
        let (mut time, mut sent) = (TimeBlock::default(), NumberBlock::default());
        // Neighbouring requests often have the same pair.
        let mut latest: Option<(u64, u32)> = None;
        for selected in selected {
            let (block, mask) = selected?;
            first_keys.block(block, &mut first);
            second_keys.block(block, &mut second);
            times.times(block, &mut time);
            bytes_sent.numbers(block, &mut sent);
            statuses.ids(block, &mut status);
            let PairSums { sums, slots, .. } = self;
            for_each_row(mask, |row| {
                let slot = match slots {
                    // A damaged column may have impossible group numbers. Their rows are ignored.
                    Slots::Dense { width } if second[row] >= *width => usize::MAX,
                    Slots::Dense { width } => first[row] as usize * *width as usize + second[row] as usize,
                    Slots::Hashed { slots, pairs } => {
                        let pair = pair_of(first[row], second[row]);
                        match latest {
                            _ if part.is_some_and(|part| !part.has(pair)) => usize::MAX,
                            Some((latest, slot)) if latest == pair => slot as usize,
                            _ => {
                                let next = pairs.len() as u32;
                                let slot = *slots.entry(pair).or_insert(next);
                                if slot == next {
                                    pairs.push(pair);
                                    sums.push(Sums::default());
                                }
                                latest = Some((pair, slot));
                                slot as usize
                            }
                        }
                    }
                };
                if let Some(sums) = sums.get_mut(slot) {
                    let is_error = errors.get(status[row] as usize).copied().unwrap_or(false);
                    sums.add(time.get(row), sent.or_zero(row), u32::from(is_error));
                }
            });
            if part.is_none() {
                self.check_count();
                if self.is_overflowed {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The wanted rows, in order.
    fn select(
        &self,
        keys: &[GroupKeys; 2],
        snapshot: &Snapshot<'_>,
        (by, sort, limit): Wanted<'_>,
        cancel: &CancellationToken,
    ) -> Result<Selection, QueryError> {
        let mut totals = Stats::default();
        let mut pair_count = 0u64;
        let values = MeasureValues::FromSums(sort.by.ranked_by(), &self.sums);
        let is_by_value = sort.by == Measure::Value;
        let mut top = TopK::new(if limit == 0 || is_by_value { usize::MAX } else { limit });
        let mut ticker = Ticker::of_items(cancel);
        for (slot, sums) in self.iter() {
            ticker.tick()?;
            totals = totals.merged(sums.stats());
            pair_count += 1;
            top.offer(Candidate::new(&values, slot, sort.descending));
        }
        let candidates = top.into_items();
        let order = |place: usize| ValueOrder::new(&by[place], sort);
        let groups_of =
            |place: usize| candidates.iter().map(move |candidate| self.pair(candidate.slot as usize)[place]);
        let first = RankedValues::new(&keys[0], groups_of(0), snapshot, order(0), cancel)?;
        let second = RankedValues::new(&keys[1], groups_of(1), snapshot, order(1), cancel)?;
        let wanted = if limit == 0 { candidates.len() } else { limit.min(candidates.len()) };
        let mut ranked = Vec::with_capacity(candidates.len());
        for candidate in &candidates {
            ticker.tick()?;
            let [one, other] = self.pair(candidate.slot as usize);
            ranked.push((*candidate, first.rank(one), second.rank(other)));
        }
        if wanted < ranked.len() {
            ranked.select_nth_unstable(wanted);
            ranked.truncate(wanted);
        }
        ranked.sort_unstable();
        let rows = ranked.into_iter().map(|(candidate, one, other)| {
            let values = [first.value(one), second.value(other)];
            (candidate, PairRow { values, stats: self.sums[candidate.slot as usize].stats() })
        });
        Ok(Selection { rows: rows.collect(), pair_count, totals })
    }
}

impl Partial for PairSums {
    fn merge(&mut self, other: &PairSums, cancel: &CancellationToken) -> Result<(), QueryError> {
        if self.is_overflowed || other.is_overflowed {
            self.overflow();
            return Ok(());
        }
        match (&mut self.slots, &other.slots) {
            (Slots::Hashed { slots, pairs }, Slots::Hashed { pairs: others, .. }) => {
                let mut ticker = Ticker::of_items(cancel);
                for (pair, theirs) in others.iter().zip(&other.sums) {
                    ticker.tick()?;
                    let next = pairs.len() as u32;
                    let slot = *slots.entry(*pair).or_insert(next);
                    if slot == next {
                        pairs.push(*pair);
                        self.sums.push(*theirs);
                    } else if let Some(ours) = self.sums.get_mut(slot as usize) {
                        ours.merge(theirs);
                    }
                }
                self.check_count();
                Ok(())
            }
            _ => {
                self.grow(other.sums.len());
                let chunks = self.sums.chunks_mut(ITEMS_PER_CHECK).zip(other.sums.chunks(ITEMS_PER_CHECK));
                for (ours, theirs) in chunks {
                    check_cancelled(cancel)?;
                    ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| ours.merge(theirs));
                }
                Ok(())
            }
        }
    }

    fn memory(&self) -> usize {
        let slots = match &self.slots {
            Slots::Dense { .. } => 0,
            Slots::Hashed { slots, pairs } => slots.allocation_size() + pairs.capacity() * size_of::<u64>(),
        };
        self.sums.capacity() * size_of::<Sums>() + slots
    }
}

/// The first rows of some pairs, and the number and stats of all of them.
#[derive(Default)]
struct Selection {
    rows: Vec<(Candidate, PairRow)>,
    pair_count: u64,
    totals: Stats,
}

impl Selection {
    /// Adds the selection from other pairs.
    fn merge(&mut self, other: Selection, (by, sort, limit): Wanted<'_>) {
        self.pair_count += other.pair_count;
        self.totals = self.totals.merged(other.totals);
        self.rows.extend(other.rows);
        let orders = [ValueOrder::new(&by[0], sort), ValueOrder::new(&by[1], sort)];
        self.rows.sort_by_cached_key(|(candidate, row)| {
            let key = |place: usize| orders[place].key(&row.values[place]);
            (*candidate, key(0), key(1))
        });
        self.rows.truncate(if limit == 0 { usize::MAX } else { limit });
    }

    fn answer(&self) -> Answer {
        let rows = self.rows.iter().map(|(_, row)| row.clone()).collect();
        Answer::Pairs(answer::Pairs { rows, pair_count: self.pair_count, totals: self.totals })
    }
}

/// The order of the values of a dimension; absent is last. Among pairs that another measure puts in the same place, it is that
/// of their bytes.
#[derive(Clone, Copy)]
struct ValueOrder<'q> {
    /// `None`: the pairs are sorted by a measure.
    by: Option<&'q Dimension>,
    descending: bool,
}

impl<'q> ValueOrder<'q> {
    fn new(by: &'q Dimension, sort: Sort<Measure>) -> ValueOrder<'q> {
        match sort.by {
            Measure::Value => ValueOrder { by: Some(by), descending: sort.descending },
            _ => ValueOrder { by: None, descending: false },
        }
    }

    /// What to sort by for this order.
    fn key(self, value: &Value) -> ValueKey {
        ValueKey::new(self.by, value, self.descending)
    }
}

/// The values of some groups of a dimension in their order; absent is last.
struct RankedValues {
    values: Vec<Value>,
    ranks: StdHashMap<u32, u32>,
}

impl RankedValues {
    fn new(
        keys: &GroupKeys,
        groups: impl Iterator<Item = u32>,
        snapshot: &Snapshot<'_>,
        order: ValueOrder<'_>,
        cancel: &CancellationToken,
    ) -> Result<RankedValues, QueryError> {
        let mut ticker = Ticker::of_items(cancel);
        let mut ranks = StdHashMap::new();
        for group in groups {
            ticker.tick()?;
            ranks.entry(group).or_insert(0);
        }
        if ranks.len() > MIN_VALUES_TO_READ_DICTIONARY {
            keys.expect_many(snapshot, cancel)?;
        }
        let mut values = Vec::with_capacity(ranks.len());
        let mut ticker = Ticker::of_steps(cancel);
        for group in ranks.keys() {
            ticker.tick()?;
            values.push((keys.value(*group, snapshot)?, *group));
        }
        values.sort_by_cached_key(|(value, _)| order.key(value));
        for (rank, (_, group)) in (0..).zip(&values) {
            ranks.insert(*group, rank);
        }
        Ok(RankedValues { values: values.into_iter().map(|(value, _)| value).collect(), ranks })
    }

    fn rank(&self, group: u32) -> u32 {
        self.ranks.get(&group).copied().unwrap_or(u32::MAX)
    }

    fn value(&self, rank: u32) -> Value {
        self.values.get(rank as usize).cloned().unwrap_or_default()
    }
}

impl QueryContext<'_> {
    pub(in crate::query::engine) fn answer_pairs(
        &self,
        by: &[Dimension; 2],
        sort: Sort<Measure>,
        limit: usize,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        if sort.by.is_extra() {
            let names = Measure::ALL.into_iter().filter(|measure| !measure.is_extra()).map(Measure::name);
            return Err(QueryError::Invalid(format!(
                "pairs of values cannot be sorted by {}; sort by {}",
                sort.by.name(),
                names.collect::<Vec<_>>().join(", ")
            )));
        }
        let keys = [self.group_keys(&by[0])?, self.group_keys(&by[1])?];
        let errors = error_statuses(self.snapshot)?;
        let max_pairs = self.engine.max_pairs;
        let width = dense_width(&keys, self.snapshot, max_pairs);
        let aggregation = Aggregation {
            cache: &self.engine.pair_partials,
            how: (by.clone(), width),
            begin: &|| PairSums::new(width, max_pairs),
            add_segment: &|sums: &mut PairSums, segment| {
                sums.add_segment(segment, self.snapshot, self.predicate, &keys, None, &errors)
            },
        };
        let wanted = (by, sort, limit);
        let sums = self.aggregate(aggregation, &mut |sums: &PairSums, share| {
            if !sums.is_overflowed {
                on_partial(sums.select(&keys, self.snapshot, wanted, self.cancel)?.answer(), share);
            }
            Ok(())
        })?;
        if sums.is_overflowed {
            return self.answer_pairs_in_parts(&keys, &errors, wanted, on_partial);
        }
        Ok(sums.select(&keys, self.snapshot, wanted, self.cancel)?.answer())
    }

    /// Aggregates the pairs part by part; threads share the parts.
    fn answer_pairs_in_parts(
        &self,
        keys: &[GroupKeys; 2],
        errors: &[bool],
        wanted: Wanted<'_>,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let rows: usize = self.segments.iter().map(|segment| segment.rows).sum();
        let count = rows.div_ceil(self.engine.max_pairs.max(1)).clamp(2, MAX_PARTS);
        let next = AtomicUsize::new(0);
        let selection = Mutex::new(Ok(Selection::default()));
        let aggregate = |index: usize| -> Result<Selection, QueryError> {
            let part = Part { index: index as u64, count: count as u64 };
            let mut sums = PairSums::new(None, usize::MAX);
            for segment in &self.segments {
                check_cancelled(self.cancel)?;
                sums.add_segment(segment, self.snapshot, self.predicate, keys, Some(part), errors)?;
            }
            sums.select(keys, self.snapshot, wanted, self.cancel)
        };
        let work = |on_progress: &mut dyn FnMut(&Selection, f64)| {
            loop {
                let index = next.fetch_add(1, Relaxed);
                if index >= count {
                    return;
                }
                let part = aggregate(index);
                let mut selection = selection.lock();
                match (&mut *selection, part) {
                    (Ok(all), Ok(part)) => {
                        all.merge(part, wanted);
                        if all.rows.len() > MAX_ROWS {
                            *selection = Err(too_many_rows());
                        } else {
                            on_progress(all, (index + 1) as f64 / count as f64);
                        }
                    }
                    (Ok(_), Err(error)) => *selection = Err(error),
                    (Err(_), _) => {}
                }
                if selection.is_err() {
                    next.store(count, Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..parallel::threads().min(count) {
                scope.spawn(|| work(&mut |_, _| {}));
            }
            work(&mut |selection, share| on_partial(selection.answer(), share));
        });
        selection.into_inner().map(|selection| selection.answer())
    }
}

fn too_many_rows() -> QueryError {
    QueryError::Invalid(format!(
        "more than {MAX_ROWS} pairs of values are too many to list; list the first ones (--top), or select less data \
         with a filter or a time range"
    ))
}
