//! Selects the wanted rows of a table from all groups, without sorting all groups.

use std::cmp::Ordering;

use tokio_util::sync::CancellationToken;

use super::Groups;
use super::accumulator::MeasureValues;
use super::keys::GroupKeys;
use crate::cache::Snapshot;
use crate::query::engine::cancel::Ticker;
use crate::query::engine::top_k::TopK;
use crate::query::model::value_order::ValueKey;
use crate::query::{Dimension, GroupRow, Measure, QueryError, Sort, Stats, Value, answer};

/// Number of values above which the whole dictionary is read rather than single values.
pub(super) const MIN_VALUES_TO_READ_DICTIONARY: usize = 5000;

/// A slot with its sort key: smaller keys come first. Candidates with equal keys compare equal; the value of the
/// group decides between them.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    rank: f64,
    /// Decides between equal ranks, which may be rounded.
    exact: u64,
    pub(super) slot: u32,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.rank.total_cmp(&other.rank).then(self.exact.cmp(&other.exact))
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

impl Candidate {
    pub(super) fn new(values: &MeasureValues<'_>, slot: usize, descending: bool) -> Candidate {
        let direction = if descending { -1.0 } else { 1.0 };
        // Absent values are last in either direction.
        let rank = values.get(slot).map_or(f64::INFINITY, |number| number * direction);
        let exact = values.exact_order(slot).map_or(0, |number| if descending { !number } else { number });
        Candidate { rank, exact, slot: slot as u32 }
    }
}

#[derive(Clone, Copy)]
pub(super) struct WantedRows<'q> {
    pub(super) by: &'q Dimension,
    pub(super) more: &'q [Measure],
    pub(super) sort: Sort<Measure>,
    /// Number of rows; 0: all.
    pub(super) limit: usize,
}

/// Returns the wanted rows in order, and the group number of each. Relative measures are left absent.
pub(super) fn select(
    groups: &Groups,
    keys: &GroupKeys,
    snapshot: &Snapshot<'_>,
    WantedRows { by, more, sort, limit }: WantedRows<'_>,
    cancel: &CancellationToken,
) -> Result<(answer::Groups, Vec<u32>), QueryError> {
    let mut totals = Stats::default();
    let mut group_count = 0u64;
    let values = groups.values(sort.by.ranked_by(), cancel)?;
    let is_by_value = sort.by == Measure::Value;
    let mut top = TopK::new(if limit == 0 || is_by_value { usize::MAX } else { limit });
    let mut ticker = Ticker::of_items(cancel);
    for (slot, sums) in groups.iter() {
        ticker.tick()?;
        totals = totals.merged(sums.stats());
        group_count += 1;
        top.offer(Candidate::new(&values, slot, sort.descending));
    }
    let candidates = top.into_items();
    let wanted = if limit == 0 { candidates.len() } else { limit.min(candidates.len()) };
    if is_by_value || candidates.len() > MIN_VALUES_TO_READ_DICTIONARY {
        keys.expect_many(snapshot, cancel)?;
    }
    let mut ticker = Ticker::of_steps(cancel);
    let mut valued = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        ticker.tick()?;
        let value = keys.value(groups.group(candidate.slot as usize), snapshot)?;
        // Equal candidates are in the order of their values; those of an order by value are all equal.
        let key = match is_by_value {
            true => Some(ValueKey::new(Some(by), &value, sort.descending)),
            false => None,
        };
        valued.push((candidate, key, value));
    }
    type Valued = (Candidate, Option<ValueKey>, Value);
    let order = |one: &Valued, other: &Valued| match (&one.1, &other.1) {
        (Some(one), Some(other)) => one.cmp(other),
        _ => one.0.cmp(&other.0).then_with(|| one.2.cmp(&other.2)),
    };
    if wanted < valued.len() {
        valued.select_nth_unstable_by(wanted - 1, order);
        valued.truncate(wanted);
    }
    valued.sort_unstable_by(order);
    let columns =
        more.iter().map(|measure| groups.values(*measure, cancel)).collect::<Result<Vec<_>, QueryError>>()?;
    let numbers = valued.iter().map(|(candidate, ..)| groups.group(candidate.slot as usize)).collect();
    let rows = valued.into_iter().map(|(candidate, _, value)| {
        let slot = candidate.slot as usize;
        let more = columns.iter().map(|column| column.get(slot)).collect();
        GroupRow { value, stats: groups.sums(slot).stats(), more }
    });
    let mut approximate: Vec<Measure> = more.to_vec();
    if !more.contains(&sort.by) {
        approximate.push(sort.by);
    }
    approximate.retain(|measure| groups.is_approximate(*measure));
    Ok((answer::Groups { rows: rows.collect(), group_count, totals, approximate }, numbers))
}
