//! The rhythm of a series: how much of the level each time of day has, on weekdays and on weekends.

use super::grid::Grid;

/// With fewer known days, weekends are not told apart: there is at most one of them.
const MIN_DAYS_FOR_WEEKENDS: usize = 14;
/// Buckets within this distance count as the same time of day.
const POOL_SECONDS: i64 = 900;
/// Share of the largest values that the first estimate leaves out.
const FIRST_TRIM: f64 = 0.2;

/// Factors by the place of a bucket in its day; their mean is about 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Season {
    /// One list of factors for all days, or one for weekdays and one for weekends.
    factors: Vec<Vec<f64>>,
    /// Number of days that each list is estimated from.
    days: Vec<usize>,
}

impl Season {
    /// The mean ratio of a value to the level of its day, over the buckets in `keep`. With `trim`, the largest ratios are
    /// left out; use it while incidents are not excluded yet.
    pub(crate) fn fit(grid: &Grid, values: &[f64], level: &[f64], keep: &[bool], trim: bool) -> Season {
        let kinds = if grid.known_days() >= MIN_DAYS_FOR_WEEKENDS { 2 } else { 1 };
        let per_day = grid.per_day();
        let mut ratios = vec![vec![Vec::new(); per_day]; kinds];
        let mut days = vec![vec![false; grid.days()]; kinds];
        for index in (0..grid.len()).filter(|index| keep[*index]) {
            let day = grid.day(index);
            if level[day] > 0.0 {
                let kind = kind_of(grid, day, kinds);
                ratios[kind][grid.phase(index)].push(values[index] / level[day]);
                days[kind][day] = true;
            }
        }
        let reach = (POOL_SECONDS / grid.bucket) as usize;
        let mut factors: Vec<Vec<f64>> = (ratios.iter())
            .map(|of_kind| {
                let means: Vec<Option<f64>> = of_kind
                    .iter()
                    .map(|ratios| if trim { trimmed_mean(ratios) } else { mean(ratios) })
                    .collect();
                (0..per_day).map(|phase| pooled(&means, phase, reach)).collect()
            })
            .collect();
        let days: Vec<usize> = days.iter().map(|days| days.iter().filter(|known| **known).count()).collect();
        let weighted: f64 =
            factors.iter().zip(&days).map(|(of_kind, days)| of_kind.iter().sum::<f64>() * *days as f64).sum();
        let scale = weighted / (per_day * days.iter().sum::<usize>().max(1)) as f64;
        if scale > 0.0 {
            factors.iter_mut().flatten().for_each(|factor| *factor /= scale);
        }
        Season { factors, days }
    }

    /// The factor of a bucket.
    pub(crate) fn factor(&self, grid: &Grid, index: usize) -> f64 {
        self.factors[kind_of(grid, grid.day(index), self.factors.len())][grid.phase(index)]
    }

    /// Number of days that the factor of a bucket is estimated from, at least 1.
    pub(crate) fn days(&self, grid: &Grid, index: usize) -> f64 {
        self.days[kind_of(grid, grid.day(index), self.factors.len())].max(1) as f64
    }
}

fn kind_of(grid: &Grid, day: usize, kinds: usize) -> usize {
    if kinds == 2 { usize::from(grid.is_weekend(day)) } else { 0 }
}

fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// The mean without the largest fifth, at least the largest if there are three or more.
fn trimmed_mean(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let trimmed = (sorted.len() as f64 * FIRST_TRIM).ceil() as usize;
    if sorted.len() >= 3 {
        sorted.truncate(sorted.len() - trimmed);
    }
    mean(&sorted)
}

/// The mean over the phases around `phase`, around midnight, too. 0 if none of them is known.
fn pooled(means: &[Option<f64>], phase: usize, reach: usize) -> f64 {
    let count = means.len();
    let reach = reach.min(count / 2);
    let around: Vec<f64> =
        (0..=2 * reach).filter_map(|offset| means[(phase + count + offset - reach) % count]).collect();
    match mean(&around) {
        Some(mean) => mean,
        // All days have a gap at this time: the nearest known phases.
        None if reach < count / 2 => pooled(means, phase, (2 * reach).max(1)),
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::MONDAY;
    use super::*;

    #[test]
    fn two_weeks_tell_weekends_from_weekdays() {
        let value = |index: usize| {
            let (day, hour) = (index / 24, index % 24);
            if day % 7 >= 5 {
                5.0
            } else if hour < 12 {
                10.0
            } else {
                30.0
            }
        };
        let values: Vec<f64> = (0..24 * 14).map(value).collect();
        let grid = Grid::new(MONDAY, 3600, &vec![9; 24 * 14]);
        let season = Season::fit(&grid, &values, &[10.0; 14], &grid.usable, false);
        let shape = |index: usize| season.factor(&grid, index) / season.factor(&grid, 24);
        assert!((shape(36) - 3.0).abs() < 1e-9 && (shape(24 * 5) - 0.5).abs() < 1e-9);
        assert_eq!(season.days(&grid, 24 * 5), 4.0);
    }

    #[test]
    fn the_first_estimate_ignores_a_busy_day() {
        let values: Vec<f64> = (0..24 * 5).map(|index| if index / 24 == 2 { 900.0 } else { 10.0 }).collect();
        let grid = Grid::new(MONDAY, 3600, &vec![9; 24 * 5]);
        let season = Season::fit(&grid, &values, &[10.0; 5], &grid.usable, true);
        assert!((0..120).all(|index| (season.factor(&grid, index) - 1.0).abs() < 1e-9));
    }
}
