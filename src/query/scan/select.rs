//! The rows of a table that are wanted, from all groups: picked, not sorted through.

use crate::cache::Snapshot;
use crate::query::{GroupRow, Measure, QueryError, Sort, Stats, Value, answer};

use super::groups::{Column, Groups};
use super::keys::GroupKeys;
use super::relative;

/// From this many values on, reading the whole dictionary is cheaper than asking for each.
const MANY: usize = 5000;

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

/// The rows wanted, in order.
pub fn rows(
    groups: &Groups,
    keys: &GroupKeys,
    snapshot: &Snapshot<'_>,
    more: &[Measure],
    sort: Sort<Measure>,
    limit: usize,
) -> Result<answer::Groups, QueryError> {
    let mut totals = Stats::default();
    let mut candidates = Vec::new();
    let column = groups.column(sort.by.ranked_by());
    for (slot, sums) in groups.iter() {
        totals = totals.merged(sums.stats());
        candidates.push(candidate(&column, slot, sort));
    }
    let group_count = candidates.len() as u64;
    let wanted = if limit == 0 { candidates.len() } else { limit.min(candidates.len()) };
    if sort.by == Measure::Value {
        keys.expect_many(snapshot)?;
    } else if wanted < candidates.len() {
        // Those that tie with the last one wanted are all kept: the value decides between them.
        let (before, last, after) = candidates.select_nth_unstable_by(wanted - 1, Candidate::order);
        let last = *last;
        let tied: Vec<Candidate> =
            after.iter().filter(|candidate| candidate.order(&last).is_eq()).copied().collect();
        let mut kept = before.to_vec();
        kept.push(last);
        kept.extend(tied);
        candidates = kept;
    }
    if candidates.len() > MANY {
        keys.expect_many(snapshot)?;
    }
    let mut valued = Vec::with_capacity(candidates.len());
    for candidate in candidates {
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
    let columns: Vec<Column<'_>> = more.iter().map(|measure| groups.column(*measure)).collect();
    let mut rows: Vec<GroupRow> = valued
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
    relative::fill(&mut rows, more, groups, &totals);
    let mut approximate: Vec<Measure> = more.to_vec();
    approximate.push(sort.by);
    approximate.retain(|measure| groups.is_approximate(*measure));
    Ok(answer::Groups { rows, group_count, totals, approximate })
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
