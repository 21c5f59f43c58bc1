//! Selects the values that tell the sets apart, and leaves out those that follow from others.

use super::ContrastRow;
use super::dimensions::{is_same_fact, is_within, repeats_a_shorter_prefix, specificity};
use super::significance::{evidence, p_value};
use crate::query::{ComparedDimension, Dimension, Filter, Value};

/// The largest p-value of a row, adjusted for the number of tested values.
const MAX_P_VALUE: f64 = 0.01;
/// A value must occur at least this often in the set in which it is more frequent.
pub(super) const MIN_COUNT: u64 = 5;
/// Of two values, one within the other, the more specific one may have this share of the evidence and still be kept.
const SPECIFIC_SHARE: f64 = 0.95;

/// The sizes of both sets, and the number of tested values.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) requests: [u64; 2],
    pub(super) tested: u64,
}

impl Sizes {
    /// The row of values that occur `counts` times in the sets; `None` if the difference is not significant.
    pub(super) fn row(self, values: Vec<super::DimensionValue>, counts: [u64; 2]) -> Option<ContrastRow> {
        let (score, p_value) = self.test(counts)?;
        let [count_a, count_b] = counts;
        let share = |set: usize| {
            if self.requests[set] == 0 { 0.0 } else { counts[set] as f64 / self.requests[set] as f64 }
        };
        let (share_a, share_b) = (share(0), share(1));
        let filter = Filter::all(values.iter().map(|(by, value)| Filter::term_for(by, value)));
        let lift = share_a / share_b;
        Some(ContrastRow { values, count_a, count_b, share_a, share_b, lift, score, p_value, filter })
    }

    /// The evidence for a difference in either direction, and its adjusted p-value; `None` if it is not significant.
    fn test(self, counts: [u64; 2]) -> Option<(f64, f64)> {
        let [a, b] = [0, 1].map(|set| [counts[set], self.requests[set]]);
        let is_more = u128::from(counts[0]) * u128::from(self.requests[1])
            > u128::from(counts[1]) * u128::from(self.requests[0]);
        let (score, count) = if is_more { (evidence(a, b), counts[0]) } else { (evidence(b, a), counts[1]) };
        // Bonferroni: the more values are tested, the smaller the p-value must be.
        let p_value = (p_value(score) * self.tested.max(1) as f64).min(1.0);
        (score > 0.0 && count >= MIN_COUNT && p_value <= MAX_P_VALUE).then_some((score, p_value))
    }
}

/// The significant values of a dimension. Each must differ also among the requests that have none of the better ones:
/// if one value takes a larger share, those of all others shrink, which says nothing about them.
pub(super) fn of_dimension(compared: &ComparedDimension, sizes: Sizes) -> Vec<ContrastRow> {
    let mut rows: Vec<ContrastRow> = compared
        .rows
        .iter()
        .filter_map(|row| sizes.row(vec![(compared.by.clone(), row.value.clone())], row.requests))
        .collect();
    if matches!(compared.by, Dimension::HourOfDay | Dimension::Weekday) {
        // Requests at some hours are none at others.
        rows.retain(ContrastRow::is_more);
    }
    // What most requests of both sets have, or what the first set lacks the absence of, is the last to be named: "5 %
    // errors" says more than "95 % without an error".
    let is_absent = |row: &ContrastRow| row.values.iter().any(|(_, value)| *value == Value::Absent);
    let is_usual = |row: &ContrastRow| row.share_a.min(row.share_b) > 0.5 || is_absent(row) && !row.is_more();
    rows.sort_by(|one, other| {
        is_usual(one).cmp(&is_usual(other)).then_with(|| other.score.total_cmp(&one.score))
    });
    let mut rest = sizes;
    rows.retain(|row| {
        let rises = |sizes: Sizes| {
            u128::from(row.count_a) * u128::from(sizes.requests[1])
                > u128::from(row.count_b) * u128::from(sizes.requests[0])
        };
        let counts = [row.count_a, row.count_b];
        let is_kept = rest.test(counts).is_some() && rises(rest) == rises(sizes);
        if is_kept {
            for (rest, count) in rest.requests.iter_mut().zip(counts) {
                *rest = rest.saturating_sub(count);
            }
        }
        is_kept
    });
    rows
}

/// Sorts rows, best first. Of values within each other, such as an address and its network, one is kept: the one with the
/// most evidence, or a more specific one with nearly as much.
pub(super) fn without_repetitions(mut rows: Vec<ContrastRow>) -> Vec<ContrastRow> {
    rows.retain(|row| !row.values.iter().any(|(by, value)| repeats_a_shorter_prefix(by, value)));
    let weight = |row: &ContrastRow| {
        let is_specific = row.values.first().is_some_and(|(by, _)| specificity(by) == u8::MAX);
        if is_specific { row.score / SPECIFIC_SHARE } else { row.score }
    };
    rows.sort_by(|one, other| {
        let specificity = |row: &ContrastRow| row.values.first().map(|(by, _)| specificity(by));
        weight(other).total_cmp(&weight(one)).then_with(|| specificity(other).cmp(&specificity(one)))
    });
    let mut kept: Vec<ContrastRow> = Vec::new();
    for row in rows {
        let repeats = |known: &ContrastRow| match (known.values.as_slice(), row.values.as_slice()) {
            ([(by, value)], [(other_by, other)]) => {
                let is_same = [known.count_a, known.count_b] == [row.count_a, row.count_b];
                let (one, other) = ((by, value), (other_by, other));
                known.is_more() == row.is_more()
                    && (is_within(one, other)
                        || is_within(other, one)
                        || is_same && is_same_fact(by, other_by))
            }
            _ => false,
        };
        if !kept.iter().any(repeats) {
            kept.push(row);
        }
    }
    kept.sort_by(|one, other| other.score.total_cmp(&one.score));
    kept
}
