//! Relative measures: they compare a row with the other rows of the table, and are computed from sums.

use super::Groups;
use crate::query::{GroupRow, Measure, Stats};

/// Fills the relative measures of rows that are sorted by `sort`.
pub(super) fn fill(rows: &mut [GroupRow], more: &[Measure], sort: Measure, groups: &Groups, totals: &Stats) {
    let share = |bytes: u64| match totals.bytes_sent {
        0 => 0.0,
        all => bytes as f64 / all as f64,
    };
    for (column, measure) in more.iter().enumerate() {
        match measure {
            Measure::Share => {
                rows.iter_mut().for_each(|row| row.more[column] = Some(share(row.stats.bytes_sent)));
            }
            Measure::CumulativeShare => {
                // What the rows are sorted by, so that the sum grows as fast as it can.
                let of = |stats: &Stats| match sort {
                    Measure::Requests => stats.requests,
                    Measure::Errors => stats.errors,
                    _ => stats.bytes_sent,
                };
                let (mut sum, all) = (0u64, of(totals));
                for row in &mut *rows {
                    sum = sum.saturating_add(of(&row.stats));
                    row.more[column] = Some(if all == 0 { 0.0 } else { sum as f64 / all as f64 });
                }
            }
            Measure::Rank => {
                let ranks = (1u64..).zip(rows.iter_mut());
                ranks.for_each(|(rank, row)| row.more[column] = Some(rank as f64));
            }
            Measure::ToAverage => {
                let average = totals.requests as f64 / groups.iter().count().max(1) as f64;
                rows.iter_mut().for_each(|row| row.more[column] = Some(row.stats.requests as f64 / average));
            }
            Measure::ToMedian => {
                let median = median(groups.iter().map(|(_, sums)| sums.requests).collect());
                rows.iter_mut().for_each(|row| row.more[column] = Some(row.stats.requests as f64 / median));
            }
            _ => {}
        }
    }
}

/// The median; of an even number of counts, the mean of the two in the middle. 1 without counts.
fn median(mut counts: Vec<u32>) -> f64 {
    let middle = counts.len() / 2;
    if counts.is_empty() {
        return 1.0;
    }
    let is_even = counts.len().is_multiple_of(2);
    let (before, upper, _) = counts.select_nth_unstable(middle);
    let upper = f64::from(*upper);
    match before.iter().max() {
        Some(lower) if is_even => (f64::from(*lower) + upper) / 2.0,
        _ => upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_odd_and_even_numbers_of_counts() {
        assert_eq!(median(vec![9, 1, 5]), 5.0);
        assert_eq!(median(vec![9, 1, 5, 7]), 6.0);
        assert_eq!(median(vec![3]), 3.0);
    }
}
