//! The rows of a table that are wanted, from all groups: picked, not sorted through.

use crate::cache::Snapshot;
use crate::query::{GroupRow, Measure, QueryError, Sort, Stats, Value, answer};
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;
use crate::query::engine::groups::keys::GroupKeys;
use crate::query::engine::groups::{Column, Groups};

/// From this many values on, reading the whole dictionary is cheaper than asking for each.
const MANY: usize = 5000;

/// Groups are sorted out when so many were found, at least.
const AT_LEAST: usize = 4096;
/// Groups looked at between two looks at whether the question still stands, and values read.
const BETWEEN_LOOKS: u64 = 1 << 14;
const VALUES_BETWEEN_LOOKS: usize = 64;

/// A group on its way: what it is sorted by, smaller first, and its slot.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Candidate {
    rank: f64,
    /// Where the rank is not exact: bytes beyond 2⁵³.
    fine: u64,
    slot: u32,
}

impl Candidate {
    fn order(&self, other: &Candidate) -> std::cmp::Ordering {
        self.rank.total_cmp(&other.rank).then(self.fine.cmp(&other.fine))
    }
}

/// Which rows are wanted.
#[derive(Clone, Copy)]
pub struct Wanted<'q> {
    /// Measures beside those that every group has.
    pub more: &'q [Measure],
    /// Their order.
    pub sort: Sort<Measure>,
    /// How many; 0: all.
    pub limit: usize,
}

/// The first groups of an order, those that tie with the last of them included: the value decides then.
struct Firsts {
    wanted: usize,
    found: Vec<Candidate>,
    /// Sorted out when there are so many.
    full: usize,
    /// What comes behind this one has no chance.
    last: Option<Candidate>,
}

impl Firsts {
    fn new(wanted: usize) -> Firsts {
        Firsts { wanted, found: Vec::new(), full: wanted.saturating_mul(4).max(AT_LEAST), last: None }
    }

    #[inline]
    fn offer(&mut self, candidate: Candidate) {
        if self.last.is_none_or(|last| candidate.order(&last).is_le()) {
            self.found.push(candidate);
            if self.found.len() >= self.full {
                self.sort_out();
                // Many that tie are not gone through again and again.
                self.full = self.full.max(self.found.len() * 2);
            }
        }
    }

    fn sort_out(&mut self) {
        if self.wanted == 0 || self.wanted >= self.found.len() {
            return;
        }
        let (_, last, _) = self.found.select_nth_unstable_by(self.wanted - 1, Candidate::order);
        let last = *last;
        self.found.retain(|candidate| candidate.order(&last).is_le());
        self.last = Some(last);
    }
}

/// The rows wanted, in order, and the number of the group of each. What sets rows in relation is not filled in.
///
/// # Errors
/// If a value cannot be read, or the question is cancelled meanwhile.
pub fn rows(
    groups: &Groups,
    keys: &GroupKeys,
    snapshot: &Snapshot<'_>,
    Wanted { more, sort, limit }: Wanted<'_>,
    cancel: &CancellationToken,
) -> Result<(answer::Groups, Vec<u32>), QueryError> {
    let mut totals = Stats::default();
    let mut group_count = 0u64;
    let column = groups.column(sort.by.ranked_by(), cancel)?;
    let is_by_value = sort.by == Measure::Value;
    let mut firsts = Firsts::new(if limit == 0 || is_by_value { usize::MAX } else { limit });
    for (slot, sums) in groups.iter() {
        if group_count.is_multiple_of(BETWEEN_LOOKS) {
            cancel::go_on(cancel)?;
        }
        totals = totals.merged(sums.stats());
        group_count += 1;
        firsts.offer(candidate(&column, slot, sort));
    }
    firsts.sort_out();
    let candidates = firsts.found;
    let wanted = if limit == 0 { candidates.len() } else { limit.min(candidates.len()) };
    if is_by_value || candidates.len() > MANY {
        keys.expect_many(snapshot, cancel)?;
    }
    let mut valued = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if valued.len().is_multiple_of(VALUES_BETWEEN_LOOKS) {
            cancel::go_on(cancel)?;
        }
        valued.push((candidate, keys.value(groups.group(candidate.slot as usize), snapshot)?));
    }
    let order = |(one, one_value): &(Candidate, Value), (other, other_value): &(Candidate, Value)| {
        if sort.by == Measure::Value {
            by_value(one_value, other_value, sort.descending)
        } else {
            one.order(other).then_with(|| one_value.cmp(other_value))
        }
    };
    if wanted < valued.len() {
        valued.select_nth_unstable_by(wanted - 1, order);
        valued.truncate(wanted);
    }
    valued.sort_unstable_by(order);
    let columns: Vec<Column<'_>> =
        more.iter().map(|measure| groups.column(*measure, cancel)).collect::<Result<_, _>>()?;
    let numbers = valued.iter().map(|(candidate, _)| groups.group(candidate.slot as usize)).collect();
    let rows: Vec<GroupRow> = valued
        .into_iter()
        .map(|(candidate, value)| {
            let slot = candidate.slot as usize;
            GroupRow {
                value,
                stats: groups.sums(slot).stats(),
                more: columns.iter().map(|column| column.get(slot)).collect(),
            }
        })
        .collect();
    let mut approximate: Vec<Measure> = more.to_vec();
    if !more.contains(&sort.by) {
        approximate.push(sort.by);
    }
    approximate.retain(|measure| groups.is_approximate(*measure));
    Ok((answer::Groups { rows, group_count, totals, approximate }, numbers))
}

fn candidate(column: &Column<'_>, slot: usize, sort: Sort<Measure>) -> Candidate {
    let direction = if sort.descending { -1.0 } else { 1.0 };
    // Absent comes last in either direction.
    let rank = column.get(slot).map_or(f64::INFINITY, |number| number * direction);
    let fine = column.exact(slot).map_or(0, |number| if sort.descending { !number } else { number });
    Candidate { rank, fine, slot: slot as u32 }
}

/// By value, absent last in either direction.
fn by_value(one: &Value, other: &Value, descending: bool) -> std::cmp::Ordering {
    match (one, other) {
        (Value::Absent, _) | (_, Value::Absent) => one.cmp(other),
        _ if descending => other.cmp(one),
        _ => one.cmp(other),
    }
}
