//! Folding rows into groups.

pub(in crate::query::engine) mod distinct_sketch;
pub(in crate::query::engine) mod exact_distinct;
mod histogram;
pub(in crate::query::engine) mod keys;
pub(in crate::query::engine) mod relative;
pub(in crate::query::engine) mod rows;

use std::sync::Arc;

use hashbrown::HashMap;

use crate::cache::{BLOCK, CacheError, Integers, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::{Measure, QueryError, Stats};
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;
use crate::query::engine::groups::distinct_sketch::{Distinct, counted_field};
use crate::query::engine::groups::histogram::{Counted, CountedColumn};
use crate::query::engine::groups::keys::{GroupKeys, OpenKeys};
use crate::query::engine::predicate::{Mask, OpenPredicate, Passes, Predicate};

/// Group numbers up to here always get an array, however few rows there are.
const DENSE_ANYWAY: usize = 1 << 16;
/// Beyond this many numbers, groups are hashed: an array per thread would not fit.
const DENSE_AT_MOST: usize = 1 << 22;

/// Slots merged between two looks at whether the question still stands.
const BETWEEN_LOOKS: usize = 1 << 14;

/// What is folded for every group. `first` and `last` mean nothing without requests.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Sums {
    pub bytes_sent: u64,
    pub requests: u32,
    pub errors: u32,
    pub first: i64,
    pub last: i64,
}

impl Default for Sums {
    fn default() -> Self {
        Sums { bytes_sent: 0, requests: 0, errors: 0, first: i64::MAX, last: i64::MIN }
    }
}

impl Sums {
    #[inline]
    pub fn add(&mut self, time: i64, bytes_sent: u64, is_error: u32) {
        // Numbers as logged may be as large as a column holds: a sum stops at the largest there is.
        self.bytes_sent = self.bytes_sent.saturating_add(bytes_sent);
        self.requests += 1;
        self.errors += is_error;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }

    /// Takes in another's.
    #[inline]
    pub fn merge(&mut self, other: &Sums) {
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        self.requests += other.requests;
        self.errors += other.errors;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// As an answer has it.
    pub fn stats(&self) -> Stats {
        match self.requests {
            0 => Stats::default(),
            requests => Stats {
                requests: u64::from(requests),
                bytes_sent: self.bytes_sent,
                errors: u64::from(self.errors),
                first_seen: self.first,
                last_seen: self.last,
            },
        }
    }
}

/// A further measure, per slot.
#[derive(Clone, Debug)]
enum More {
    /// Sum and count of a measure where it is present.
    Mean(Field, Vec<(u64, u32)>),
    /// Largest of a measure as stored: 0 none, else + 1.
    Max(Field, Vec<u64>),
    /// Different ids of a dimension.
    Distinct(Field, Distinct),
    /// Rows per slot and bucket.
    Counted(Counted),
}

/// The column of a further measure in one segment.
enum MoreColumn {
    Numbers(Arc<Integers>),
    Counted(CountedColumn),
}

impl More {
    /// What is folded for a measure; `None` if the sums tell it.
    fn of(measure: Measure, most_pairs: usize) -> Option<More> {
        if let Some(field) = counted_field(measure) {
            return Some(More::Distinct(field, Distinct::remembering(most_pairs)));
        }
        Some(match measure {
            Measure::TotalTimeMean => More::Mean(Field::TotalTime, Vec::new()),
            Measure::TotalTimeMax => More::Max(Field::TotalTime, Vec::new()),
            Measure::TurnAroundTimeMean => More::Mean(Field::TurnAroundTime, Vec::new()),
            Measure::ObjectSizeMax => More::Max(Field::ObjectSize, Vec::new()),
            counted => More::Counted(Counted::of(counted)?),
        })
    }
}

/// Those of the measures that take a fold of their own, each once.
pub fn folded(measures: &[Measure]) -> Vec<Measure> {
    let mut folded = Vec::new();
    for measure in measures {
        let measure = Counted::shared(*measure);
        if More::of(measure, 0).is_some() && !folded.contains(&measure) {
            folded.push(measure);
        }
    }
    folded.sort_by_key(|measure| measure.name());
    folded
}

/// Groups folded so far. Every group has a slot: its number, or where there are too many numbers, the
/// place in order of first sight.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// As many as the numbers met so far take: ids are given out in order of first sight, so the first
    /// segments of a cache take little memory.
    sums: Vec<Sums>,
    /// How many numbers there may be.
    space: usize,
    more: Vec<(Measure, More)>,
    hashed: Option<Hashed>,
}

#[derive(Clone, Debug, Default)]
struct Hashed {
    slots: HashMap<u32, u32>,
    groups: Vec<u32>,
}

impl Groups {
    /// None yet, of at most `space` numbers (`None`: nobody knows), for a fold of `rows` rows.
    /// Of different values `most_pairs` with their groups are remembered.
    pub fn new(space: Option<usize>, rows: usize, more: &[Measure], most_pairs: usize) -> Groups {
        let dense = space.filter(|space| *space <= DENSE_ANYWAY.max(rows).min(DENSE_AT_MOST));
        let more =
            more.iter().filter_map(|measure| Some((*measure, More::of(*measure, most_pairs)?))).collect();
        // Memory that is set aside takes none before it is used.
        let sums = Vec::with_capacity(dense.unwrap_or(0));
        let hashed = dense.is_none().then(Hashed::default);
        Groups { sums, space: dense.unwrap_or(usize::MAX), more, hashed }
    }

    fn grow(&mut self, slots: usize) {
        if self.sums.len() >= slots {
            return;
        }
        self.sums.resize(slots, Sums::default());
        for (_, more) in &mut self.more {
            match more {
                More::Mean(_, means) => means.resize(slots, (0, 0)),
                More::Max(_, largest) => largest.resize(slots, 0),
                More::Distinct(..) | More::Counted(_) => {}
            }
        }
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        let more: usize = self
            .more
            .iter()
            .map(|(_, more)| match more {
                More::Mean(_, means) => means.len() * 16,
                More::Max(_, largest) => largest.len() * 8,
                More::Distinct(_, distinct) => distinct.memory(),
                More::Counted(counted) => counted.memory(),
            })
            .sum();
        let hashed = self.hashed.as_ref().map_or(0, |hashed| {
            hashed.slots.capacity() * (size_of::<(u32, u32)>() + 1) + hashed.groups.capacity() * 4
        });
        self.sums.len() * size_of::<Sums>() + more + hashed
    }

    /// Groups that have requests: slot and sums.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Sums)> {
        self.sums.iter().enumerate().filter(|(_, sums)| sums.requests > 0)
    }

    /// The group of a slot.
    pub fn group(&self, slot: usize) -> u32 {
        self.hashed.as_ref().map_or(slot as u32, |hashed| hashed.groups[slot])
    }

    /// The sums of a slot.
    pub fn sums(&self, slot: usize) -> &Sums {
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

    /// Takes in another fold of other rows.
    ///
    /// # Errors
    /// If the question is cancelled meanwhile.
    pub fn merge(&mut self, other: &Groups, cancel: &CancellationToken) -> Result<(), QueryError> {
        if self.hashed.is_none() && other.hashed.is_none() {
            self.space = self.space.max(other.space);
            self.grow(other.sums.len());
            for (ours, theirs) in self.sums.chunks_mut(BETWEEN_LOOKS).zip(other.sums.chunks(BETWEEN_LOOKS)) {
                cancel::go_on(cancel)?;
                ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| ours.merge(theirs));
            }
            self.merge_more(other, |slot| slot, cancel)
        } else {
            let mut slots = vec![0; other.sums.len()];
            for (slot, theirs) in other.iter() {
                if slot.is_multiple_of(BETWEEN_LOOKS) {
                    cancel::go_on(cancel)?;
                }
                let ours = self.slot(other.group(slot));
                slots[slot] = ours;
                self.sums[ours].merge(theirs);
            }
            self.merge_more(other, |slot| slots[slot], cancel)
        }
    }

    fn merge_more(
        &mut self,
        other: &Groups,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        for ((_, ours), (_, theirs)) in self.more.iter_mut().zip(&other.more) {
            cancel::go_on(cancel)?;
            match (ours, theirs) {
                (More::Mean(_, ours), More::Mean(_, theirs)) => {
                    for (slot, (sum, count)) in theirs.iter().enumerate().filter(|(_, (_, count))| *count > 0)
                    {
                        let mean = &mut ours[slot_of(slot)];
                        *mean = (mean.0.saturating_add(*sum), mean.1 + count);
                    }
                }
                (More::Max(_, ours), More::Max(_, theirs)) => {
                    for (slot, largest) in theirs.iter().enumerate().filter(|(_, largest)| **largest > 0) {
                        let ours = &mut ours[slot_of(slot)];
                        *ours = (*ours).max(*largest);
                    }
                }
                (More::Distinct(_, ours), More::Distinct(_, theirs)) => {
                    ours.merge(theirs, &slot_of, cancel)?;
                }
                (More::Counted(ours), More::Counted(theirs)) => ours.merge(theirs, &slot_of, cancel)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A measure of all slots.
    ///
    /// # Errors
    /// If the question is cancelled meanwhile.
    pub fn column(&self, measure: Measure, cancel: &CancellationToken) -> Result<Column<'_>, QueryError> {
        Ok(match self.more.iter().find(|(known, _)| *known == Counted::shared(measure)) {
            Some((_, More::Distinct(_, distinct))) => {
                Column::Counts(distinct.counts(self.sums.len(), cancel)?)
            }
            Some((_, More::Mean(_, means))) => Column::Means(means),
            Some((_, More::Max(_, largest))) => Column::Largest(largest),
            Some((_, More::Counted(counted))) => Column::Values(counted.values(measure, self.sums.len())),
            None => Column::FromSums(measure, &self.sums),
        })
    }

    /// Whether a measure is estimated: there were too many different values to count.
    pub fn is_approximate(&self, measure: Measure) -> bool {
        self.more.iter().any(|(known, more)| {
            *known == measure && matches!(more, More::Distinct(_, distinct) if distinct.is_approximate())
        })
    }

    /// Folds the rows of one segment that pass.
    pub fn fold(
        &mut self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
        predicate: &Predicate,
        keys: &GroupKeys,
        errors: &[bool],
    ) -> Result<(), QueryError> {
        let passes = predicate.passes(segment, snapshot)?;
        if passes == Passes::None {
            return Ok(());
        }
        let open = match passes {
            Passes::Some => predicate.open(segment, snapshot)?,
            _ => OpenPredicate::Constant(true),
        };
        let columns = FoldColumns {
            keys: keys.open(segment, snapshot)?,
            times: snapshot.integers(segment, Field::Time)?,
            bytes_sent: snapshot.integers(segment, Field::BytesSent)?,
            statuses: snapshot.integers(segment, Field::HttpStatus)?,
        };
        let more: Vec<MoreColumn> = self
            .more
            .iter()
            .map(|(_, more)| match more {
                More::Mean(field, _) | More::Max(field, _) | More::Distinct(field, _) => {
                    snapshot.integers(segment, *field).map(MoreColumn::Numbers)
                }
                More::Counted(counted) => counted.open(segment, snapshot).map(MoreColumn::Counted),
            })
            .collect::<Result<_, CacheError>>()?;
        if self.hashed.is_none() {
            let numbers = columns.keys.most().map_or(self.space, |most| most as usize + 1);
            self.grow(numbers.min(self.space));
        }
        let blocks = segment.rows.div_ceil(BLOCK);
        let mut unpacked = Unpacked::default();
        for block in 0..blocks {
            predicate.look_at(block)?;
            let rows = (segment.rows - block * BLOCK).min(BLOCK);
            let mut mask = open.block(block)?;
            if rows < BLOCK {
                mask &= (1 << rows) - 1;
            }
            if mask == 0 {
                continue;
            }
            columns.unpack(block, errors, &mut unpacked);
            if self.hashed.is_some() {
                for_each(mask, |row| {
                    unpacked.groups[row] = self.slot(unpacked.groups[row]) as u32;
                });
            }
            self.add(mask, &unpacked);
            if !more.is_empty() {
                // A damaged column can name groups that cannot be: they count nowhere, as in `add`.
                let mut sound = 0;
                for_each(mask, |row| {
                    sound |= Mask::from((unpacked.groups[row] as usize) < self.sums.len()) << row;
                });
                self.add_more(sound, block, &unpacked.groups, &more);
            }
        }
        Ok(())
    }

    #[inline]
    fn add(&mut self, mask: Mask, unpacked: &Unpacked) {
        let Unpacked { groups, times, bytes_sent, errors } = unpacked;
        let sums = self.sums.as_mut_slice();
        let mut add = |row: usize| {
            if let Some(sums) = sums.get_mut(groups[row] as usize) {
                sums.add(Snapshot::time_of(times[row]), bytes_sent[row].saturating_sub(1), errors[row]);
            }
        };
        if mask == Mask::MAX {
            (0..BLOCK).for_each(add);
        } else {
            for_each(mask, &mut add);
        }
    }

    /// Rows of a group that cannot be (a damaged column can name such) count nowhere, as in [`Self::add`].
    fn add_more(&mut self, mask: Mask, block: usize, slots: &[u32; BLOCK], columns: &[MoreColumn]) {
        let mut numbers = [0; BLOCK];
        for ((_, more), column) in self.more.iter_mut().zip(columns) {
            match column {
                MoreColumn::Numbers(column) => column.unpack_u64(block, &mut numbers),
                MoreColumn::Counted(column) => {
                    if let More::Counted(counted) = more {
                        counted.add(mask, block, slots, column);
                    }
                    continue;
                }
            }
            match more {
                More::Counted(_) => {}
                More::Mean(_, means) => for_each(mask, |row| {
                    if let Some(number) = numbers[row].checked_sub(1)
                        && let Some(mean) = means.get_mut(slots[row] as usize)
                    {
                        *mean = (mean.0.saturating_add(number), mean.1 + 1);
                    }
                }),
                More::Max(_, largest) => for_each(mask, |row| {
                    if let Some(largest) = largest.get_mut(slots[row] as usize) {
                        *largest = (*largest).max(numbers[row]);
                    }
                }),
                More::Distinct(_, distinct) => for_each(mask, |row| {
                    if numbers[row] != 0 {
                        distinct.insert(slots[row], numbers[row] as u32);
                    }
                }),
            }
        }
    }
}

/// A measure of all slots.
pub enum Column<'g> {
    Counts(Vec<u32>),
    Means(&'g [(u64, u32)]),
    Largest(&'g [u64]),
    /// Not a number where there is none.
    Values(Vec<f64>),
    FromSums(Measure, &'g [Sums]),
}

impl Column<'_> {
    /// Of one slot.
    pub fn get(&self, slot: usize) -> Option<f64> {
        match self {
            Column::Counts(counts) => Some(f64::from(counts[slot])),
            Column::Means(means) => {
                let (sum, count) = means[slot];
                (count > 0).then(|| sum as f64 / f64::from(count))
            }
            Column::Largest(largest) => largest[slot].checked_sub(1).map(|largest| largest as f64),
            Column::Values(values) => Some(values[slot]).filter(|value| !value.is_nan()),
            Column::FromSums(measure, sums) => {
                let sums = &sums[slot];
                match measure {
                    Measure::Requests => Some(f64::from(sums.requests)),
                    Measure::BytesSent => Some(sums.bytes_sent as f64),
                    Measure::Errors => Some(f64::from(sums.errors)),
                    Measure::ErrorRate => Some(f64::from(sums.errors) / f64::from(sums.requests)),
                    Measure::FirstSeen => Some(sums.first as f64),
                    Measure::LastSeen => Some(sums.last as f64),
                    _ => None,
                }
            }
        }
    }
}

impl Column<'_> {
    /// The same as a whole number, where it is one: beyond 2⁵³ a float is not exact.
    pub fn exact(&self, slot: usize) -> Option<u64> {
        match self {
            Column::FromSums(Measure::BytesSent, sums) => Some(sums[slot].bytes_sent),
            Column::Largest(largest) => Some(largest[slot]),
            _ => None,
        }
    }
}

/// The columns that every fold needs.
struct FoldColumns<'k> {
    keys: OpenKeys<'k>,
    times: Arc<Integers>,
    bytes_sent: Arc<Integers>,
    statuses: Arc<Integers>,
}

/// A block of them.
struct Unpacked {
    groups: [u32; BLOCK],
    times: [u64; BLOCK],
    bytes_sent: [u64; BLOCK],
    errors: [u32; BLOCK],
}

impl Default for Unpacked {
    fn default() -> Self {
        Unpacked { groups: [0; BLOCK], times: [0; BLOCK], bytes_sent: [0; BLOCK], errors: [0; BLOCK] }
    }
}

impl FoldColumns<'_> {
    #[inline]
    fn unpack(&self, block: usize, errors: &[bool], out: &mut Unpacked) {
        self.keys.block(block, &mut out.groups);
        self.times.unpack_u64(block, &mut out.times);
        self.bytes_sent.unpack_u64(block, &mut out.bytes_sent);
        self.statuses.unpack_u32(block, &mut out.errors);
        for status in &mut out.errors {
            *status = u32::from(errors.get(*status as usize).copied().unwrap_or(false));
        }
    }
}

/// Which statuses are errors (≥ 400), by id.
pub fn errors(snapshot: &Snapshot<'_>) -> Result<Vec<bool>, CacheError> {
    let statuses = snapshot.dictionary(Field::HttpStatus)?;
    let is_error = |status: &[u8]| {
        std::str::from_utf8(status)
            .ok()
            .and_then(|status| status.parse::<u64>().ok())
            .is_some_and(|status| status >= 400)
    };
    Ok(std::iter::once(false).chain(statuses.iter().map(is_error)).collect())
}

/// Calls `each` for every bit set, ascending.
#[inline]
pub fn for_each(mask: Mask, mut each: impl FnMut(usize)) {
    for (half, mut bits) in [(0, mask as u64), (64, (mask >> 64) as u64)] {
        while bits != 0 {
            each(half + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
    }
}
