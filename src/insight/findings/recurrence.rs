//! Whether something comes again: what happened in some buckets of a series also happens on other days or in other weeks.
//!
//! The series has the requests of a client, or what is above the expected value. That two of them are alike means the same
//! everywhere: [`ALIKE`].

use std::ops::Range;

use super::baseline::Grid;
use super::baseline::levels::median;

/// Part of the amount of a period that counts as the same again.
const ALIKE: f64 = 0.4;
/// At the same time: part of the other days, or weeks, on which it must come, and how many at least.
const MOST: f64 = 0.6;
const MIN_DAYS: usize = 3;
const MIN_WEEKS: usize = 2;
/// Jobs start a little earlier or later, in seconds.
const SHIFT_SECONDS: i64 = 3_600;
/// At whatever time: it must come on one of this many days, less than once a week.
const ONE_OF_DAYS: usize = 12;
/// In a longer period, the days of the period themselves show whether it comes again.
const LONG_DAYS: usize = 7;

/// Whether something like the amount of a period comes [at the same time](at_the_same_time) of other days or weeks, or
/// [on several other days](on_other_days).
pub(super) fn comes_again(grid: &Grid, amounts: &[f64], period: Range<usize>) -> bool {
    at_the_same_time(grid, amounts, period.clone()) || on_other_days(grid, amounts, period)
}

/// Whether something like the amount of a period, shorter than a day, comes at the same time (± 1 hour) of most other days,
/// or of most other weeks.
pub(super) fn at_the_same_time(grid: &Grid, amounts: &[f64], period: Range<usize>) -> bool {
    let own: f64 = amounts[period.clone()].iter().sum();
    let day = grid.per_day() as i64;
    if own <= 0.0 || period.len() as i64 >= day {
        return false;
    }
    let shift = grid.buckets_in(SHIFT_SECONDS) as i64;
    let comes_again = |distance: i64, least: usize| {
        let (mut known, mut again) = (0, 0);
        let reach = grid.len() as i64 / distance + 1;
        for times in (-reach..=reach).filter(|times| *times != 0) {
            let from = period.start as i64 + times * distance - shift;
            let to = period.end as i64 + times * distance + shift;
            if from < 0 || to > grid.len() as i64 {
                continue;
            }
            let around = from as usize..to as usize;
            if grid.usable[around.clone()].iter().any(|usable| !usable) {
                continue;
            }
            known += 1;
            let amount: f64 = amounts[around].iter().map(|amount| amount.max(0.0)).sum();
            again += usize::from(amount >= ALIKE * own);
        }
        again >= least && again as f64 >= MOST * known as f64
    };
    comes_again(day, MIN_DAYS) || comes_again(7 * day, MIN_WEEKS)
}

/// Whether something like the amount of a period comes on several other days at whatever time: within the time that the
/// period takes, at most a day.
pub(super) fn on_other_days(grid: &Grid, amounts: &[f64], period: Range<usize>) -> bool {
    let length = period.len().clamp(1, grid.per_day());
    // The largest amount within that time of each day.
    let of_day = |day: usize| -> f64 {
        let (from, to) = (grid.first_of_day(day), grid.first_of_day(day + 1).min(amounts.len()));
        let amount = |window: &[f64]| window.iter().map(|amount| amount.max(0.0)).sum::<f64>();
        match to - from <= length {
            true => amount(&amounts[from..to]),
            false => amounts[from..to].windows(length).map(amount).fold(0.0, f64::max),
        }
    };
    let Some(last) = period.end.checked_sub(1).filter(|last| *last >= period.start) else { return false };
    let own = grid.day(period.start)..=grid.day(last);
    let mut amounts_of_own: Vec<f64> = own.clone().map(of_day).filter(|amount| *amount > 0.0).collect();
    if period.len() > LONG_DAYS * grid.per_day() {
        // A day of an incident among many is not what comes again.
        let usual = median(&mut amounts_of_own);
        let alike = (0..grid.days()).filter(|day| usual > 0.0 && of_day(*day) >= ALIKE * usual).count();
        return alike > MIN_DAYS.max(grid.days() / ONE_OF_DAYS);
    }
    let least = ALIKE * amounts_of_own.into_iter().fold(0.0, f64::max);
    let is_alike = |day: &usize| !own.contains(day) && least > 0.0 && of_day(*day) >= least;
    let alike = (0..grid.days()).filter(is_alike).count();
    alike >= MIN_DAYS.max(grid.days() / ONE_OF_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 2026-03-30.
    const MONDAY: i64 = 1_774_828_800;

    fn grid(days: usize) -> Grid {
        Grid::new(MONDAY, 3600, &vec![9; 24 * days])
    }

    fn hours(days: usize, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        (0..24 * days).map(|index| value(index / 24, index % 24)).collect()
    }

    #[test]
    fn a_job_at_the_same_time_of_every_day_or_week_comes_again() {
        let grid = grid(30);
        let daily = hours(30, |day, hour| if hour == 2 + day % 2 { 900.0 } else { 0.0 });
        assert!(at_the_same_time(&grid, &daily, 10 * 24 + 2..10 * 24 + 3));
        let weekly = hours(30, |day, hour| if day % 7 == 6 && hour == 4 { 900.0 } else { 0.0 });
        assert!(at_the_same_time(&grid, &weekly, 13 * 24 + 4..13 * 24 + 5));
    }

    #[test]
    fn what_comes_once_or_twice_does_not_come_again() {
        let grid = grid(30);
        let once = hours(30, |day, hour| if day == 10 && hour == 2 { 900.0 } else { 1.0 });
        assert!(!comes_again(&grid, &once, 242..243));
        let two_nights = hours(30, |day, hour| if (10..12).contains(&day) && hour < 5 { 900.0 } else { 0.0 });
        assert!(!comes_again(&grid, &two_nights, 240..245));
        let ten_times_as_much = hours(30, |day, hour| match (day, hour) {
            (10, 2) => 9000.0,
            (_, 2) => 900.0,
            _ => 0.0,
        });
        assert!(!comes_again(&grid, &ten_times_as_much, 242..243));
    }

    #[test]
    fn a_deployment_at_any_time_of_some_days_comes_again() {
        let grid = grid(30);
        let deployments =
            hours(30, |day, hour| if day % 4 == 1 && hour == 9 + day % 8 { 300.0 } else { 0.0 });
        let first = (0..deployments.len()).find(|index| deployments[*index] > 0.0).unwrap();
        assert!(on_other_days(&grid, &deployments, first..first + 1));
        assert!(!at_the_same_time(&grid, &deployments, first..first + 1));
    }

    #[test]
    fn a_scan_of_an_hour_every_week_comes_again_and_one_on_another_day_is_alike() {
        let grid = grid(30);
        let mut scans = hours(30, |day, hour| if day % 7 == 3 && hour == 4 { 150.0 } else { 0.0 });
        assert!(comes_again(&grid, &scans, 3 * 24 + 4..3 * 24 + 5));
        scans.fill(0.0);
        scans[300] = 150.0;
        scans[400] = 150.0;
        assert!(!comes_again(&grid, &scans, 300..301));
    }

    #[test]
    fn a_client_that_is_busy_for_weeks_comes_again() {
        let grid = grid(30);
        let daily = hours(30, |day, hour| if day >= 10 && hour == 3 { 500.0 } else { 0.0 });
        assert!(comes_again(&grid, &daily, 10 * 24..30 * 24));
        // The day of an incident does not make the others unlike.
        let with_incident = hours(30, |day, hour| match (day, hour) {
            (12, 3) => 9_000.0,
            (_, 3) => 500.0,
            _ => 0.0,
        });
        assert!(comes_again(&grid, &with_incident, 0..30 * 24));
        let two_days = hours(30, |day, hour| if (day == 12 || day == 25) && hour == 3 { 500.0 } else { 0.0 });
        assert!(!comes_again(&grid, &two_days, 12 * 24..26 * 24));
    }
}
