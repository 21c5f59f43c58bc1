//! When something is due, and the gaps in which it is missing.
//!
//! Whether it is due in an hour follows from the other days: on how many of them it came in that hour, on weekdays or on
//! weekends. A gap is as surprising as the sum of the surprises (−ln of the probability of nothing) of its hours. It is a
//! silence if it is far more surprising than the other gaps of the same series, and if that many requests do not just
//! happen to be missing. Hours within a delivery gap, on holidays, or at the end of the log do not count.

use super::baseline::negative_binomial::ln_lower_tail;
use super::baseline::{Baseline, Grid, MATURE_DAYS};

/// Days on which something must have come before it can be missed.
pub(super) const MIN_ACTIVE_DAYS: usize = 7;
/// Requests that must be missing.
const MIN_MISSING: f64 = 5.0;
/// The least surprise of a gap, by how often it came: 0.03 for a single hour.
pub(super) const MIN_SURPRISE: f64 = 3.5;
/// With more hours in which it is due, more gaps come by chance: by how much the least surprise grows with the logarithm
/// of their number beyond this.
const SURPRISE_PER_LN_HOURS: f64 = 2.0;
const FEW_HOURS: f64 = 40.0;
/// Something that rests at weekends is missed after this many days: a single one may be a holiday.
const MIN_WORKDAYS: usize = 2;
/// The surprise of a silence as a multiple of that of the next largest gap.
const TIMES_OTHER_GAPS: f64 = 2.5;
/// The logarithm of the probability of no request by chance, at most, by how many there usually are.
const MAX_LN_P: f64 = -11.5;
/// Something due may still come, or be delivered, for this long.
const GRACE_SECONDS: i64 = 3 * 3600;
/// A day on which the whole log has less than this part of the expected requests is a holiday …
const ORDINARY_DAY: f64 = 0.5;
/// … or, if weekends have less than this part of the requests of weekdays, a weekday that is nearer to a weekend.
const QUIET_WEEKEND: f64 = 0.8;

/// Something that stopped.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Silence {
    /// When it was due first, and when it came again or the log ended.
    pub start: i64,
    pub end: i64,
    /// Whether it came again.
    pub is_over: bool,
    /// Days on which it came before.
    pub active_days: usize,
    /// Requests that were expected.
    pub missing: f64,
    /// How surprising the gap is.
    pub surprise: f64,
}

/// The sums of the usable hours of each day; 0 if nothing is known.
fn days_of(grid: &Grid, hours: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); grid.days()];
    for (index, (value, expected)) in hours.iter().enumerate().filter(|(index, _)| grid.usable[*index]) {
        let (sum, of_expected) = &mut sums[grid.day(index)];
        (*sum, *of_expected) = (*sum + value, *of_expected + expected);
    }
    sums
}

/// When something can be due.
#[derive(Clone)]
pub(super) struct Due<'a> {
    grid: &'a Grid,
    /// Hours that are over, without gaps, and not on holidays.
    counts: Vec<bool>,
    /// Whether weekends are told from weekdays.
    has_weekends: bool,
    /// The requests of the whole log, and what was to be expected; empty if that is unknown.
    whole: Vec<(f64, f64)>,
}

/// How often something came in an hour of the day.
#[derive(Clone, Copy, Default)]
struct Came {
    days: f64,
    active: f64,
    requests: f64,
}

impl<'a> Due<'a> {
    /// `values`: the requests of the whole log.
    pub(super) fn new(grid: &'a Grid, values: &[f64]) -> Due<'a> {
        let has_weekends = grid.known_days() >= MATURE_DAYS;
        let whole: Vec<(f64, f64)> = match Baseline::fit(grid, values) {
            Some(baseline) => values.iter().copied().zip(baseline.expected).collect(),
            None => Vec::new(),
        };
        let sums = days_of(grid, &whole);
        let last = grid.time(grid.len()) - GRACE_SECONDS;
        let counts = (0..grid.len())
            .map(|index| {
                let day = grid.day(index);
                grid.usable[index]
                    && grid.time(index + 1) <= last
                    && sums[day].0 >= ORDINARY_DAY * sums[day].1
                    && (has_weekends || !grid.is_weekend(day))
            })
            .collect();
        Due { grid, counts, has_weekends, whole }
    }

    /// When a series can be due: not on weekdays on which the rest of the log is as on a weekend.
    fn without_holidays(&self, requests: &[f64], first: usize) -> Due<'a> {
        let rhythm = self.rhythm(requests, first, (0, 0));
        let rest: Vec<(f64, f64)> = (self.whole.iter().enumerate())
            .map(|(index, (value, expected))| {
                let Came { days, requests: sum, .. } = rhythm[self.kind(index)];
                let own = if index < first { 0.0 } else { sum / f64::max(days, 1.0) };
                (value - requests[index], (expected - own).max(0.0))
            })
            .collect();
        let sums = days_of(self.grid, &rest);
        let mean = |is_weekend: bool| {
            let days = (0..sums.len()).filter(|day| self.grid.is_weekend(*day) == is_weekend);
            let expected: Vec<f64> = days.map(|day| sums[day].1).collect();
            expected.iter().sum::<f64>() / expected.len().max(1) as f64
        };
        let weekend = mean(true) / mean(false).max(f64::MIN_POSITIVE);
        let mut due = self.clone();
        if !self.has_weekends || weekend >= QUIET_WEEKEND {
            return due;
        }
        for (index, counts) in due.counts.iter_mut().enumerate() {
            let day = self.grid.day(index);
            let (sum, expected) = sums.get(day).copied().unwrap_or_default();
            *counts &= self.grid.is_weekend(day) || sum >= f64::midpoint(1.0, weekend) * expected;
        }
        due
    }

    /// The silences of a series.
    pub(super) fn silences(&self, requests: &[f64]) -> Vec<Silence> {
        let Some(first) = requests.iter().position(|requests| *requests > 0.0) else { return Vec::new() };
        let mut gaps: Vec<(usize, usize)> = Vec::new();
        let mut index = first;
        while index < requests.len() {
            let length = requests[index..].iter().take_while(|requests| **requests == 0.0).count();
            if length > 0 {
                gaps.push((index, index + length));
            }
            index += length.max(1);
        }
        let due = self.without_holidays(requests, first);
        // First those in which it would have come most often. Then each gap is judged by the other days, so that it does not
        // make itself ordinary.
        let rhythm = due.rhythm(requests, first, (0, 0));
        let mut rough: Vec<((usize, usize), f64)> =
            gaps.into_iter().map(|gap| (gap, due.visits(&rhythm, gap))).collect();
        rough.sort_by(|a, b| b.1.total_cmp(&a.1));
        const LOOKED_INTO: usize = 3;
        let mut silences = Vec::new();
        for (at, (gap, _)) in rough.iter().take(LOOKED_INTO).enumerate() {
            let rhythm = due.rhythm(requests, first, *gap);
            let others = rough.iter().skip(at + 1).take(LOOKED_INTO);
            let next = others.map(|(other, _)| due.surprise(&rhythm, *other)).fold(0.0, f64::max);
            if let Some(silence) = due.silence(requests, &rhythm, *gap, next) {
                silences.push(silence);
            }
        }
        silences
    }

    fn kind(&self, index: usize) -> usize {
        let is_weekend = self.has_weekends && self.grid.is_weekend(self.grid.day(index));
        usize::from(is_weekend) * self.grid.per_day() + self.grid.phase(index)
    }

    /// How often the series came in each hour, without the days of a gap.
    fn rhythm(&self, requests: &[f64], first: usize, gap: (usize, usize)) -> Vec<Came> {
        let mut rhythm = vec![Came::default(); 2 * self.grid.per_day()];
        for index in
            (first..requests.len()).filter(|index| self.counts[*index] && !(gap.0..gap.1).contains(index))
        {
            let came = &mut rhythm[self.kind(index)];
            came.days += 1.0;
            came.active += f64::from(u8::from(requests[index] > 0.0));
            came.requests += requests[index];
        }
        rhythm
    }

    /// In how many hours of a gap it would have come, on average.
    fn visits(&self, rhythm: &[Came], gap: (usize, usize)) -> f64 {
        let rate = |index: usize| rhythm[self.kind(index)].active / rhythm[self.kind(index)].days.max(1.0);
        (gap.0..gap.1).filter(|index| self.counts[*index]).map(rate).sum()
    }

    /// The surprise of a gap: the sum of −ln P(nothing) of its hours, with Jeffreys' estimate of P.
    fn surprise(&self, rhythm: &[Came], gap: (usize, usize)) -> f64 {
        (gap.0..gap.1)
            .filter(|index| self.counts[*index])
            .map(|index| {
                let came = rhythm[self.kind(index)];
                -(1.0 - (came.active + 0.5) / (came.days + 1.0)).ln()
            })
            // What hardly ever comes is not due: many such hours are no evidence.
            .filter(|surprise| *surprise > 1.0)
            .sum()
    }

    fn silence(&self, requests: &[f64], rhythm: &[Came], gap: (usize, usize), next: f64) -> Option<Silence> {
        let surprise = self.surprise(rhythm, gap);
        let due_hours: f64 =
            rhythm.iter().filter(|came| came.active * 2.0 > came.days).map(|came| came.days).sum();
        let least = MIN_SURPRISE + SURPRISE_PER_LN_HOURS * (due_hours / FEW_HOURS).ln().max(0.0);
        if surprise < least.max(TIMES_OTHER_GAPS * next) {
            return None;
        }
        let mut active: Vec<usize> =
            (0..gap.0).filter(|index| requests[*index] > 0.0).map(|index| self.grid.day(index)).collect();
        active.dedup();
        if active.len() < MIN_ACTIVE_DAYS {
            return None;
        }
        let is_due = |index: &usize| {
            let came = rhythm[self.kind(*index)];
            self.counts[*index] && came.active * 2.0 > came.days
        };
        let mean = |index: usize| {
            let came = rhythm[self.kind(index)];
            came.requests / came.days.max(1.0)
        };
        let dispersion = self.dispersion(requests, gap, &mean);
        let due: Vec<usize> = (gap.0..gap.1).filter(is_due).collect();
        let missing: f64 = due.iter().map(|index| mean(*index)).sum();
        let ln_p: f64 = (due.iter())
            .map(|index| ln_lower_tail(0.0, mean(*index), dispersion[self.grid.phase(*index)]))
            .sum();
        if missing < MIN_MISSING || ln_p > MAX_LN_P {
            return None;
        }
        let rests_at_weekends = self.has_weekends
            && rhythm[self.grid.per_day()..].iter().all(|came| came.active * 2.0 <= came.days);
        let mut due_days: Vec<usize> = due.iter().map(|index| self.grid.day(*index)).collect();
        due_days.dedup();
        if rests_at_weekends && due_days.len() < MIN_WORKDAYS {
            return None;
        }
        let is_over = gap.1 < requests.len();
        Some(Silence {
            start: self.grid.time(*due.first()?),
            end: self.grid.time(gap.1),
            is_over,
            active_days: active.len(),
            missing,
            surprise,
        })
    }

    /// How much the requests of each hour of the day scatter, by the method of moments. Visits of several requests make
    /// quiet hours scatter more.
    fn dispersion(&self, requests: &[f64], gap: (usize, usize), mean: &impl Fn(usize) -> f64) -> Vec<f64> {
        const MIN_DISPERSION: f64 = 0.02;
        /// The dispersion of an hour of the day is that of all hours until this many days are known.
        const PRIOR_DAYS: f64 = 7.0;
        let mut moments = vec![(0.0, 0.0, 0.0); self.grid.per_day()];
        for index in
            (0..requests.len()).filter(|index| self.counts[*index] && !(gap.0..gap.1).contains(index))
        {
            let expected = mean(index);
            let (excess, squares, days) = &mut moments[self.grid.phase(index)];
            *excess += (requests[index] - expected).powi(2) - expected;
            *squares += expected * expected;
            *days += 1.0;
        }
        let ratio = |excess: f64, squares: f64| if squares > 0.0 { (excess / squares).max(0.0) } else { 0.0 };
        let sums = moments.iter().fold((0.0, 0.0), |sums, hour| (sums.0 + hour.0, sums.1 + hour.1));
        let whole = ratio(sums.0, sums.1).max(MIN_DISPERSION);
        let of_hour = |(excess, squares, days): (f64, f64, f64)| {
            (ratio(excess, squares) * days + whole * PRIOR_DAYS) / (days + PRIOR_DAYS)
        };
        moments.into_iter().map(of_hour).map(|dispersion| dispersion.max(whole / 2.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::baseline::testing::MONDAY;
    use super::*;

    const HOUR: i64 = 3600;

    /// A log of `hours` hours with 100 requests each, except where `is_gap`.
    fn whole(hours: usize, is_gap: impl Fn(usize) -> bool) -> (Grid, Vec<f64>) {
        let requests: Vec<u64> = (0..hours).map(|hour| if is_gap(hour) { 0 } else { 100 }).collect();
        (Grid::new(MONDAY, 3600, &requests), requests.iter().map(|requests| *requests as f64).collect())
    }

    /// A job that sends 40 requests at 02:00 on the days that `runs`.
    fn job(hours: usize, runs: impl Fn(usize) -> bool) -> Vec<f64> {
        (0..hours).map(|hour| if hour % 24 == 2 && runs(hour / 24) { 40.0 } else { 0.0 }).collect()
    }

    fn silences(hours: usize, runs: impl Fn(usize) -> bool) -> Vec<Silence> {
        let (grid, whole) = whole(hours, |_| false);
        Due::new(&grid, &whole).silences(&job(hours, runs))
    }

    #[test]
    fn a_job_that_stops_is_missed_from_its_usual_time_on() {
        let found = silences(24 * 30, |day| day < 25);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].start, found[0].end), (MONDAY + (25 * 24 + 2) * HOUR, MONDAY + 30 * 24 * HOUR));
        assert_eq!((found[0].active_days, found[0].missing, found[0].is_over), (25, 200.0, false));
    }

    #[test]
    fn a_job_that_does_not_run_for_a_night_is_missed() {
        for nights in [1, 2, 5] {
            let found = silences(24 * 30, |day| !(15..15 + nights).contains(&day));
            assert_eq!(found.len(), 1);
            assert!(found[0].is_over);
            assert_eq!(found[0].start, MONDAY + (15 * 24 + 2) * HOUR);
            assert_eq!(found[0].end, MONDAY + ((15 + nights as i64) * 24 + 2) * HOUR);
        }
    }

    #[test]
    fn a_monitor_that_pauses_for_hours_is_missed() {
        let (grid, whole) = whole(24 * 30, |_| false);
        let monitor: Vec<f64> =
            (0..24 * 30).map(|hour| if (400..410).contains(&hour) { 0.0 } else { 12.0 }).collect();
        let found = Due::new(&grid, &whole).silences(&monitor);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].start, found[0].end), (MONDAY + 400 * HOUR, MONDAY + 410 * HOUR));
    }

    #[test]
    fn a_job_that_rests_at_weekends_is_not_missed_then() {
        assert_eq!(silences(24 * 30, |day| day % 7 < 5), []);
        assert_eq!(silences(24 * 12, |day| day % 7 < 5), []);
        assert_eq!(silences(24 * 30, |day| day % 7 < 5 && day < 22).len(), 1);
    }

    #[test]
    fn the_end_of_the_log_is_no_silence() {
        // The last job was due two hours before the end of the log, and may be late.
        assert_eq!(silences(24 * 30 + 4, |day| day < 30), []);
        assert_eq!(silences(24 * 30 + 1, |day| day < 30), []);
    }

    #[test]
    fn a_delivery_gap_is_no_silence() {
        let (grid, whole) = whole(24 * 30, |hour| (20 * 24..22 * 24).contains(&hour));
        assert_eq!(Due::new(&grid, &whole).silences(&job(24 * 30, |day| !(20..22).contains(&day))), []);
    }

    #[test]
    fn what_comes_now_and_then_is_not_missed() {
        assert_eq!(silences(24 * 30, |day| day % 3 == 0 && day < 24), []);
        assert_eq!(silences(24 * 30, |day| day == 3 || day == 11), []);
        assert_eq!(silences(24 * 30, |day| day < 3), []);
    }

    #[test]
    fn a_browser_that_nobody_uses_on_a_holiday_is_not_missed() {
        // Office hours of people, and a job at night that is a third of the requests.
        let is_office = |hour: usize| (8..18).contains(&(hour % 24)) && hour / 24 % 7 < 5;
        let is_holiday = |hour: usize| hour / 24 == 17;
        let people = |hour: usize| if is_office(hour) && !is_holiday(hour) { 60.0 } else { 0.0 };
        let requests: Vec<u64> =
            (0..24 * 30).map(|hour| people(hour) as u64 + if hour % 24 == 2 { 300 } else { 4 }).collect();
        let grid = Grid::new(MONDAY, 3600, &requests);
        let whole: Vec<f64> = requests.iter().map(|requests| *requests as f64).collect();
        let browser: Vec<f64> = (0..24 * 30).map(|hour| people(hour) / 6.0).collect();
        assert_eq!(Due::new(&grid, &whole).silences(&browser), []);
        // A job that stops on that day is missed all the same.
        let job: Vec<f64> =
            (0..24 * 30).map(|hour| if hour % 24 == 2 && hour / 24 < 17 { 300.0 } else { 0.0 }).collect();
        assert_eq!(Due::new(&grid, &whole).silences(&job).len(), 1);
    }

    #[test]
    fn a_job_that_stopped_in_the_middle_of_the_log_was_not_missed() {
        for days in [8, 12, 16, 25] {
            assert_eq!(silences(24 * 30, |day| day < days).len(), 1, "after {days} days");
        }
    }

    #[test]
    fn few_requests_a_day_are_not_missed_for_a_day() {
        let (grid, whole) = whole(24 * 30, |_| false);
        let few: Vec<f64> =
            job(24 * 30, |day| day != 20).into_iter().map(|requests| requests / 10.0).collect();
        assert_eq!(Due::new(&grid, &whole).silences(&few), []);
    }
}
