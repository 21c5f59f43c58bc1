//! Intervals of improbable buckets, within a budget of false alarms.
//!
//! A run opens with two consecutive improbable buckets, or with one to six that are as improbable together, or with one that
//! is as long as an hour. It closes after twelve ordinary ones. Its ends are those of the interval with the highest likelihood ratio of "this many times more than
//! expected" to "as expected": the cheapest path of J. Kleinberg's burst automaton with two states ("Bursty and
//! Hierarchical Structure in Streams", KDD 2002), which is also the maximum of M. Kulldorff's scan statistic over all
//! intervals.

use super::{Baseline, Grid};
use crate::log::time::SECONDS_PER_DAY;

/// Consecutive ordinary buckets that close a run.
const BUCKETS_TO_CLOSE: usize = 12;
/// Most consecutive buckets that open a run together. In longer times, buckets depend on each other.
const MOST_TO_OPEN: usize = 6;
/// A bucket of this width opens a run alone.
const LONG_SECONDS: i64 = 3600;
/// A bucket is ordinary if it is more probable than this.
const ORDINARY: f64 = 0.01;
/// Days of a month.
const MONTH_DAYS: f64 = 30.0;

/// Consecutive buckets with far more than expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// Index of the first bucket.
    pub first: usize,
    /// Index after the last bucket.
    pub end: usize,
    /// Sum of the values.
    pub observed: f64,
    /// Sum of the expected values.
    pub expected: f64,
    /// The logarithm of the smallest probability of its buckets.
    pub ln_p: f64,
}

/// The logarithm of the probability below which a bucket is improbable, so that `false_alarms` buckets per month are so
/// by chance over all of `series` series.
pub(crate) fn ln_alpha(grid: &Grid, false_alarms: f64, series: usize) -> f64 {
    let per_month = MONTH_DAYS * SECONDS_PER_DAY as f64 / grid.bucket as f64;
    (false_alarms / (per_month * series.max(1) as f64)).ln()
}

/// Finds the runs of a series, ascending. `ln_alpha`: see [`ln_alpha`].
pub(crate) fn runs(grid: &Grid, values: &[f64], baseline: &Baseline, ln_alpha: f64) -> Vec<Run> {
    let ln_p: Vec<f64> = (0..grid.len())
        .map(|index| if grid.usable[index] { baseline.ln_p(index, values[index]) } else { 0.0 })
        .collect();
    let opens = |index: usize| {
        if grid.bucket >= LONG_SECONDS {
            return ln_p[index] < ln_alpha;
        }
        // Each of them is improbable enough that together they are as improbable as two improbable buckets.
        (1..=MOST_TO_OPEN).any(|count| {
            let least = 2.0 * ln_alpha / count as f64;
            ln_p.get(index..index + count).is_some_and(|ln_p| ln_p.iter().all(|ln_p| *ln_p < least))
        })
    };
    let mut found: Vec<Run> = Vec::new();
    let mut index = 0;
    while index < ln_p.len() {
        if !opens(index) {
            index += 1;
            continue;
        }
        let mut end = index + 1;
        let mut next = end;
        while next < ln_p.len() && next - end < BUCKETS_TO_CLOSE {
            next += 1;
            if ln_p[next - 1] < ORDINARY.ln() {
                end = next;
            }
        }
        let before = found.last().map_or(0, |run| run.end);
        let first = index.saturating_sub(BUCKETS_TO_CLOSE).max(before);
        let (first, end) = likeliest(values, baseline, first..end, index);
        let sum = |numbers: &[f64]| numbers[first..end].iter().sum();
        let least = ln_p[first..end].iter().copied().fold(0.0, f64::min);
        found.push(Run { first, end, observed: sum(values), expected: sum(&baseline.expected), ln_p: least });
        index = next.max(end);
    }
    found
}

/// The interval within `range`, which contains an incident, that has the highest likelihood ratio.
pub(crate) fn sharpened(values: &[f64], baseline: &Baseline, range: std::ops::Range<usize>) -> Run {
    let above = |index: &usize| values[*index] - baseline.expected[*index];
    let range = range.start.min(values.len())..range.end.min(values.len());
    let Some(inside) = range.clone().max_by(|a, b| above(a).total_cmp(&above(b))) else {
        return Run { first: range.start, end: range.start, observed: 0.0, expected: 0.0, ln_p: 0.0 };
    };
    let (first, end) = likeliest(values, baseline, range, inside);
    let sum = |numbers: &[f64]| numbers[first..end].iter().sum();
    Run { first, end, observed: sum(values), expected: sum(&baseline.expected), ln_p: 0.0 }
}

/// The interval within `range` that contains the bucket `inside` and has the highest likelihood ratio.
fn likeliest(
    values: &[f64],
    baseline: &Baseline,
    range: std::ops::Range<usize>,
    inside: usize,
) -> (usize, usize) {
    /// The smallest expected value, so that a single request is no evidence.
    const MIN_EXPECTED: f64 = 0.5;
    let expected = |index: usize| baseline.expected[index].max(MIN_EXPECTED);
    // Half-way (in logarithms) between the usual rate and that of the opening bucket.
    let factor = (values[inside] / expected(inside)).max(1.5).sqrt();
    let gain = |index: usize| values[index] * factor.ln() - (factor - 1.0) * expected(index);
    let (mut first, mut best, mut sum) = (inside, 0.0, 0.0);
    for index in (range.start..inside).rev() {
        sum += gain(index);
        if sum > best {
            (first, best) = (index, sum);
        }
    }
    let (mut last, mut best, mut sum) = (inside, 0.0, 0.0);
    for index in inside + 1..range.end {
        sum += gain(index);
        if sum > best {
            (last, best) = (index, sum);
        }
    }
    (first, last + 1)
}
