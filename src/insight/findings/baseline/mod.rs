//! What to expect of a series of counts, and how surprising each bucket is.
//!
//! - `grid`: the buckets, their place in day and week, delivery gaps. `season`: the rhythm. `levels`: growth and steps.
//! - `negative_binomial`: tail probabilities of counts. `tail`: corrects them by the tails that the series really has.
//! - `runs`: consecutive surprising buckets as one interval, within a budget of false alarms.
//!
//! The expected value of a bucket is the level of its day × the factor of its time of day. The scatter around it is
//! negative-binomial. Both are estimated in a few rounds; each round leaves out the buckets that the round before found
//! improbable, so that an incident does not become part of its own baseline.
//!
//! Never here: queries, findings.

pub(crate) mod grid;
pub(crate) mod levels;
pub(crate) mod negative_binomial;
pub(crate) mod runs;
mod season;
mod tail;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use grid::Grid;
use levels::{Levels, Step, levels, median};
use negative_binomial::{ln_lower_tail, ln_upper_tail};
use season::Season;
use tail::Tail;

/// A series with fewer known days has no baseline.
pub(crate) const MIN_DAYS: usize = 3;
/// With fewer days, bands are wider, and there are no steps: weekends are not known.
pub(crate) const MATURE_DAYS: usize = 14;
/// Factor of the dispersion with fewer than [`MATURE_DAYS`] days.
const YOUNG_DISPERSION: f64 = 2.0;
/// Rounds of estimation.
const ROUNDS: usize = 4;
/// Buckets with a smaller probability are left out of the next round.
const LEFT_OUT: f64 = 1e-3;
/// Values above this multiple of what is expected count as this multiple in the level of their day.
const MAX_RATIO_IN_LEVEL: f64 = 2.0;
/// The smallest dispersion: a regular job scatters by at least 3 %.
const MIN_DISPERSION: f64 = 1e-3;
/// The dispersion of a series that is too sparse to estimate it from single buckets.
const SPARSE_DISPERSION: f64 = 0.1;
/// The dispersion of a time of day is that of the whole series until this many days are known.
const DISPERSION_PRIOR_DAYS: f64 = 7.0;
/// A bucket is compared with the highest expected value this far around it: jobs and habits move.
const JITTER_SECONDS: i64 = 1800;

/// The expected values of a series.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    /// The expected value per bucket.
    pub expected: Vec<f64>,
    /// Changes of level.
    pub steps: Vec<Step>,
    /// The highest expected value around each bucket.
    highest: Vec<f64>,
    /// The dispersion per bucket, including the uncertainty of the expected value.
    dispersion: Vec<f64>,
    tail: Tail,
}

impl Baseline {
    /// Estimates the baseline of a series over `grid`. `None` if the history is too short, or has no requests.
    pub(crate) fn fit(grid: &Grid, values: &[f64]) -> Option<Baseline> {
        let known_days = grid.known_days();
        if known_days < MIN_DAYS || values.len() != grid.len() {
            return None;
        }
        let mut level = first_levels(grid, values);
        let mut season = Season::fit(grid, values, &level, &grid.usable, true);
        let mut keep = grid.usable.clone();
        let mut steps = Vec::new();
        let mut dispersion = Dispersion::default();
        for round in 0..ROUNDS {
            let daily = daily_levels(grid, values, &season, &level);
            Levels { smooth: level, steps } = levels(&daily, known_days >= MATURE_DAYS);
            let expected = expected(grid, &season, &level);
            dispersion = if round == 0 {
                Dispersion::robust(&expected, values, &grid.usable)
            } else {
                Dispersion::fit(grid, &expected, values, &keep)
            };
            for index in (0..grid.len()).filter(|index| grid.usable[*index]) {
                let (mean, dispersion) = (expected[index], dispersion.at(grid, index));
                keep[index] = ln_upper_tail(values[index], mean, dispersion) > LEFT_OUT.ln()
                    && ln_lower_tail(values[index], mean, dispersion) > LEFT_OUT.ln();
            }
            season = Season::fit(grid, values, &level, &keep, false);
        }
        let expected = expected(grid, &season, &level);
        if expected.iter().all(|value| *value <= 0.0) {
            return None;
        }
        let young = if known_days < MATURE_DAYS { YOUNG_DISPERSION } else { 1.0 };
        let reach = grid.buckets_in(JITTER_SECONDS);
        let highest: Vec<f64> = (0..expected.len())
            .map(|index| {
                let around = index.saturating_sub(reach)..(index + reach + 1).min(expected.len());
                expected[around].iter().copied().fold(0.0, f64::max)
            })
            .collect();
        let dispersion = (0..grid.len())
            .map(|index| {
                let (scatter, days) = (dispersion.at(grid, index), season.days(grid, index));
                // The variance of a mean of so many days, relative to the mean.
                young * (scatter + (scatter + highest[index].max(1.0 / days).recip()) / days)
            })
            .collect();
        let mut baseline = Baseline { expected, steps, highest, dispersion, tail: Tail::default() };
        let surprises: Vec<Option<f64>> = (0..grid.len())
            .map(|index| grid.usable[index].then(|| -baseline.ln_upper(index, values[index])))
            .collect();
        baseline.tail = Tail::fit(&surprises);
        Some(baseline)
    }

    /// How much more than expected each bucket has.
    pub(crate) fn excess(&self, values: &[f64]) -> Vec<f64> {
        values.iter().zip(&self.expected).map(|(value, expected)| value - expected).collect()
    }

    /// The logarithm of the probability of a value this large or larger in a bucket.
    pub(crate) fn ln_p(&self, index: usize, value: f64) -> f64 {
        -self.tail.corrected(-self.ln_upper(index, value))
    }

    /// The logarithm of the probability of a value this small or smaller in a bucket.
    #[cfg(test)]
    pub(crate) fn ln_p_low(&self, index: usize, value: f64) -> f64 {
        -self.tail.corrected(-ln_lower_tail(value, self.expected[index], self.dispersion[index]))
    }

    fn ln_upper(&self, index: usize, value: f64) -> f64 {
        // Never less than one request per day: the first request in a quiet hour is no news.
        let floor = self.floor();
        ln_upper_tail(value, self.highest[index].max(floor), self.dispersion[index])
    }

    fn floor(&self) -> f64 {
        const REQUESTS_PER_SERIES: f64 = 10.0;
        REQUESTS_PER_SERIES / self.expected.len().max(1) as f64
    }
}

/// The first guess of the level of each day: the median over two weeks of the mean of a day.
fn first_levels(grid: &Grid, values: &[f64]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); grid.days()];
    for index in (0..grid.len()).filter(|index| grid.usable[*index]) {
        let (sum, count) = &mut sums[grid.day(index)];
        (*sum, *count) = (*sum + values[index], *count + 1.0);
    }
    let half = grid.per_day() as f64 / 2.0;
    let means: Vec<Option<f64>> =
        sums.iter().map(|(sum, count)| (*count >= half).then(|| sum / count)).collect();
    let level = |day: usize| {
        let around = day.saturating_sub(7)..(day + 8).min(means.len());
        let mut known: Vec<f64> = means[around].iter().flatten().copied().collect();
        if median(&mut known) > 0.0 {
            median(&mut known)
        } else {
            known.iter().sum::<f64>() / known.len().max(1) as f64
        }
    };
    (0..means.len()).map(level).collect()
}

fn expected(grid: &Grid, season: &Season, level: &[f64]) -> Vec<f64> {
    (0..grid.len()).map(|index| level[grid.day(index)] * season.factor(grid, index)).collect()
}

/// The level of each day by itself, with the rhythm taken out. Days of which less than half is known are `None`.
fn daily_levels(grid: &Grid, values: &[f64], season: &Season, level: &[f64]) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0.0, 0); grid.days()];
    for index in (0..grid.len()).filter(|index| grid.usable[*index]) {
        let day = grid.day(index);
        let factor = season.factor(grid, index);
        let most = (MAX_RATIO_IN_LEVEL * level[day] * factor).max(1.0);
        let (sum, factors, count) = &mut sums[day];
        (*sum, *factors, *count) = (*sum + values[index].min(most), *factors + factor, *count + 1);
    }
    let half = grid.per_day().div_ceil(2);
    sums.into_iter()
        .map(|(sum, factors, count)| (count >= half && factors > 0.0).then(|| sum / factors))
        .collect()
}

/// How much a series scatters beyond random arrivals, by hour of the day.
#[derive(Clone, Debug, Default)]
struct Dispersion {
    /// 24 numbers, or none if it is the same at all hours.
    by_hour: Vec<f64>,
    whole: f64,
}

impl Dispersion {
    fn at(&self, grid: &Grid, index: usize) -> f64 {
        let hour = grid.phase(index) * 24 / grid.per_day();
        self.by_hour.get(hour).copied().unwrap_or(self.whole)
    }

    /// From the median deviation, which incidents hardly change.
    fn robust(expected: &[f64], values: &[f64], usable: &[bool]) -> Dispersion {
        /// With fewer requests per bucket, the median says little about the scatter.
        const MIN_EXPECTED: f64 = 5.0;
        const DEVIATION_PER_MAD: f64 = 1.4826;
        let mut deviations: Vec<f64> = (0..values.len())
            .filter(|index| usable[*index] && expected[*index] >= MIN_EXPECTED)
            .map(|index| (values[index] / expected[index] - 1.0).abs())
            .collect();
        let whole = match deviations.len() {
            0..24 => SPARSE_DISPERSION,
            _ => (DEVIATION_PER_MAD * median(&mut deviations)).powi(2),
        };
        Dispersion { by_hour: Vec::new(), whole: whole.max(MIN_DISPERSION) }
    }

    /// By the method of moments, over the buckets in `keep`.
    fn fit(grid: &Grid, expected: &[f64], values: &[f64], keep: &[bool]) -> Dispersion {
        let mut moments = vec![(0.0, 0.0, 0.0); 24];
        for index in (0..grid.len()).filter(|index| keep[*index]) {
            let (value, mean) = (values[index], expected[index]);
            let (excess, squares, count) = &mut moments[grid.phase(index) * 24 / grid.per_day()];
            *excess += (value - mean).powi(2) - mean;
            *squares += mean * mean;
            *count += 1.0;
        }
        let ratio = |excess: f64, squares: f64| if squares > 0.0 { (excess / squares).max(0.0) } else { 0.0 };
        let whole =
            moments.iter().fold((0.0, 0.0), |sums, (excess, squares, _)| (sums.0 + excess, sums.1 + squares));
        let whole = ratio(whole.0, whole.1).max(MIN_DISPERSION);
        let per_hour = (grid.per_day() as f64 / 24.0).max(1.0);
        let by_hour = moments
            .into_iter()
            .map(|(excess, squares, count)| {
                let days = count / per_hour;
                let own = ratio(excess, squares);
                ((own * days + whole * DISPERSION_PRIOR_DAYS) / (days + DISPERSION_PRIOR_DAYS))
                    .max(whole / 2.0)
            })
            .collect();
        Dispersion { by_hour, whole }
    }
}

#[cfg(test)]
mod tests {
    use super::runs::{Run, ln_alpha, runs};
    use super::testing::MONDAY;
    use super::*;
    use crate::log::time::SECONDS_PER_DAY;

    const HOUR: u32 = 3600;

    /// A small generator of random numbers, so that series are the same in every run.
    pub(super) struct Random(u64);

    impl Random {
        pub(super) fn new(seed: u64) -> Random {
            Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
        }

        fn uniform(&mut self) -> f64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
        }

        /// A count with this mean and dispersion: Poisson arrivals at a log-normal rate.
        pub(super) fn count(&mut self, mean: f64, dispersion: f64) -> f64 {
            let sigma = dispersion.ln_1p().sqrt();
            let rate = mean * (sigma * self.normal() - sigma * sigma / 2.0).exp();
            if rate > 50.0 {
                return (rate + rate.sqrt() * self.normal()).round().max(0.0);
            }
            let (limit, mut product, mut count) = ((-rate).exp(), self.uniform(), 0.0);
            while product > limit {
                product *= self.uniform();
                count += 1.0;
            }
            count
        }
    }

    /// Busy afternoons, quiet nights, half as much at weekends.
    fn rhythm(time: i64) -> f64 {
        let hour = time.rem_euclid(SECONDS_PER_DAY) as f64 / 3600.0;
        let day = (time.div_euclid(SECONDS_PER_DAY) + 3).rem_euclid(7);
        let daily = 1.0 + 0.8 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos();
        if day >= 5 { daily / 2.0 } else { daily }
    }

    /// Counts of `days` days in buckets of `bucket` seconds: `rate` per hour × rhythm × `shape` of the time.
    fn series(seed: u64, days: usize, bucket: u32, rate: f64, shape: impl Fn(i64) -> f64) -> Vec<f64> {
        let mut random = Random::new(seed);
        (0..days * 86_400 / bucket as usize)
            .map(|index| {
                let time = MONDAY + index as i64 * i64::from(bucket);
                random.count(rate * f64::from(bucket) / 3600.0 * rhythm(time) * shape(time), 0.03)
            })
            .collect()
    }

    fn grid(values: &[f64], bucket: u32) -> Grid {
        Grid::new(MONDAY, bucket, &values.iter().map(|value| *value as u64).collect::<Vec<_>>())
    }

    /// The runs within a budget of one false alarm in 50 months.
    fn alarms(values: &[f64], bucket: u32) -> Vec<Run> {
        let grid = grid(values, bucket);
        match Baseline::fit(&grid, values) {
            Some(baseline) => runs(&grid, values, &baseline, ln_alpha(&grid, 0.02, 1)),
            None => Vec::new(),
        }
    }

    /// Hours since the start of the series.
    fn hour(time: i64) -> i64 {
        (time - MONDAY) / 3600
    }

    /// Asserts that random series of several rates and widths have at most one alarm together.
    fn assert_quiet(days: usize, shape: impl Fn(i64) -> f64) {
        let mut count = 0;
        for seed in 0..6 {
            for (bucket, rate) in [(HOUR, 3.0), (HOUR, 400.0), (HOUR, 20_000.0), (300, 400.0)] {
                let found = alarms(&series(seed, days, bucket, rate, &shape), bucket);
                count += found.len();
            }
        }
        assert!(count <= 1, "{count} false alarms");
    }

    #[test]
    fn no_alarm_for_daily_and_weekly_rhythm() {
        assert_quiet(30, |_| 1.0);
    }

    #[test]
    fn no_alarm_for_growth() {
        assert_quiet(30, |time| 1.02_f64.powf(hour(time) as f64 / 24.0));
        assert_quiet(60, |time| 1.0 + hour(time) as f64 / 500.0);
    }

    #[test]
    fn no_alarm_for_holidays() {
        assert_quiet(30, |time| if (11..13).contains(&(hour(time) / 24)) { 0.3 } else { 1.0 });
    }

    #[test]
    fn no_alarm_for_a_job_that_runs_every_night() {
        assert_quiet(30, |time| if hour(time) % 24 == 2 { 40.0 } else { 1.0 });
    }

    #[test]
    fn no_alarm_for_delivery_gaps() {
        assert_quiet(30, |time| if (200..215).contains(&hour(time)) { 0.0 } else { 1.0 });
    }

    #[test]
    fn no_alarm_in_the_first_days_of_a_log() {
        assert_quiet(1, |_| 1.0);
        assert_quiet(2, |time| if hour(time) > 30 { 5.0 } else { 1.0 });
        assert_quiet(4, |_| 1.0);
        assert_quiet(9, |_| 1.0);
    }

    #[test]
    fn no_alarm_after_a_change_of_level() {
        assert_quiet(30, |time| if hour(time) >= 15 * 24 { 2.0 } else { 1.0 });
    }

    #[test]
    fn an_hour_with_several_times_the_usual_requests_is_found_and_its_interval_is_right() {
        for seed in 0..5 {
            for (bucket, rate) in [(HOUR, 400.0), (300, 400.0), (300, 20_000.0)] {
                let shape = |time| if (500..503).contains(&hour(time)) { 4.0 } else { 1.0 };
                let found = alarms(&series(seed, 30, bucket, rate, shape), bucket);
                assert_eq!(found.len(), 1, "{seed} {bucket} {rate} {found:?}");
                let grid = Grid { start: MONDAY, bucket: i64::from(bucket), usable: Vec::new() };
                let (start, end) = (grid.time(found[0].first) - MONDAY, grid.time(found[0].end) - MONDAY);
                let error = (start - 500 * 3600).abs().max((end - 503 * 3600).abs());
                assert!(error <= 900, "{seed} {bucket} {rate} {start} {end}");
                assert!((3.0..5.0).contains(&(found[0].observed / found[0].expected)));
            }
        }
    }

    #[test]
    fn a_long_incident_is_not_part_of_its_own_baseline() {
        for seed in 0..10 {
            let shape = |time| if (300..396).contains(&hour(time)) { 3.0 } else { 1.0 };
            let found = alarms(&series(seed, 30, HOUR, 400.0, shape), HOUR);
            assert_eq!(found.len(), 1, "{seed} {found:?}");
            assert!(
                (298..=302).contains(&found[0].first) && (394..=398).contains(&found[0].end),
                "{found:?}"
            );
        }
    }

    #[test]
    fn half_an_hour_opens_a_run_although_each_of_its_buckets_alone_is_not_improbable_enough() {
        let values = series(1, 30, 300, 400.0, |_| 1.0);
        let grid = grid(&values, 300);
        let baseline = Baseline::fit(&grid, &values).unwrap();
        let alpha = ln_alpha(&grid, 0.02, 1);
        let runs_with = |buckets: usize| {
            let mut values = values.clone();
            for (index, value) in values.iter_mut().enumerate().skip(5_000).take(buckets) {
                let is_odd = |value: &f64| baseline.ln_p(index, *value) < 0.4 * alpha;
                *value = (0..).map(f64::from).find(is_odd).unwrap();
            }
            runs(&grid, &values, &baseline, alpha).len()
        };
        assert_eq!((runs_with(4), runs_with(6)), (0, 1));
    }

    #[test]
    fn an_hour_without_the_usual_requests_is_improbable_too() {
        let mut values = series(1, 30, HOUR, 400.0, |_| 1.0);
        values[500] = 30.0;
        let grid = grid(&values, HOUR);
        let baseline = Baseline::fit(&grid, &values).unwrap();
        assert!(baseline.ln_p_low(500, values[500]) < -15.0);
        assert!(baseline.ln_p_low(501, values[501]) > -12.0);
    }
}
