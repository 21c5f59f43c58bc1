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
/// The time without a request that ends a visit, in seconds.
const PAUSE_SECONDS: i64 = 6 * 3_600;
/// The largest visit of a weekly mirror as a multiple of the usual one.
const ALIKE_WEEKS: f64 = 2.0;
/// In a longer period, the days of the period themselves show whether it comes again.
const LONG_DAYS: usize = 7;

/// Whether something like the amount of a period comes [at the same time](at_the_same_time) of other days or weeks, or
/// [on several other days](on_other_days). Of a longer period with pauses, the largest visit is the one that must come at
/// the same time: then all of them are about the same job, and none of them is an incident.
pub(super) fn comes_again(grid: &Grid, amounts: &[f64], period: Range<usize>) -> bool {
    let visit = match period.len() < grid.per_day() {
        true => Some(period.clone()),
        false => largest_visit(grid, amounts, period.clone()),
    };
    visit.is_some_and(|visit| at_the_same_time(grid, amounts, visit)) || on_other_days(grid, amounts, period)
}

/// The visits of a client in a period: buckets with requests, without a long pause.
pub(super) fn visits(grid: &Grid, amounts: &[f64], period: Range<usize>) -> Vec<Range<usize>> {
    let pause = grid.buckets_in(PAUSE_SECONDS).max(1);
    let mut visits: Vec<Range<usize>> = Vec::new();
    for index in period.filter(|index| amounts[*index] > 0.0) {
        match visits.last_mut() {
            Some(visit) if index - visit.end < pause => visit.end = index + 1,
            _ => visits.push(index..index + 1),
        }
    }
    visits
}

fn largest_visit(grid: &Grid, amounts: &[f64], period: Range<usize>) -> Option<Range<usize>> {
    let amount = |visit: &Range<usize>| amounts[visit.clone()].iter().sum::<f64>();
    visits(grid, amounts, period).into_iter().max_by(|a, b| amount(a).total_cmp(&amount(b)))
}

/// Whether a client was there from the first week on and comes at the same time of every week, always about as much: a
/// weekly mirror.
pub(super) fn is_weekly(grid: &Grid, amounts: &[f64]) -> bool {
    let visits = visits(grid, amounts, 0..amounts.len());
    let Some(first) = visits.first() else { return false };
    let week = 7 * grid.per_day();
    let weeks = grid.len() / week;
    if first.start >= week || visits.len() < MIN_WEEKS + 1 || visits.len() > weeks + 1 {
        return false;
    }
    let mut sizes: Vec<f64> = visits.iter().map(|visit| amounts[visit.clone()].iter().sum::<f64>()).collect();
    let usual = median(&mut sizes.clone());
    let largest = sizes.drain(..).fold(0.0, f64::max);
    largest <= ALIKE_WEEKS * usual
        && visits.iter().all(|visit| at_the_same_time(grid, amounts, visit.clone()))
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
    use super::super::baseline::testing::{hourly, hours};
    use super::*;

    #[test]
    fn a_job_at_the_same_time_of_every_day_or_week_comes_again() {
        let grid = hourly(30);
        let daily = hours(30, |day, hour| if hour == 2 + day % 2 { 900.0 } else { 0.0 });
        assert!(at_the_same_time(&grid, &daily, 10 * 24 + 2..10 * 24 + 3));
        let weekly = hours(30, |day, hour| if day % 7 == 6 && hour == 4 { 900.0 } else { 0.0 });
        assert!(at_the_same_time(&grid, &weekly, 13 * 24 + 4..13 * 24 + 5));
    }

    #[test]
    fn a_weekly_mirror_with_three_weeks_of_history_was_not_recurring() {
        let grid = hourly(21);
        let mirror = hours(21, |day, hour| match (day % 7, hour) {
            (2, 3..6) => 800.0 + 10.0 * day as f64,
            _ => 0.0,
        });
        let visit = 9 * 24 + 3..9 * 24 + 6;
        let whole = 2 * 24 + 3..16 * 24 + 6;
        for period in [visit, whole.clone()] {
            assert!(comes_again(&grid, &mirror, period.clone()), "{period:?}");
        }
        assert!(is_weekly(&grid, &mirror));
        // Far more on one of the days is an incident.
        let mut incident = mirror.clone();
        incident[9 * 24 + 4] = 9_000.0;
        assert!(!comes_again(&grid, &incident, whole));
        assert!(!is_weekly(&grid, &incident));
        // Two visits, and nights in a row, are no weeks.
        let two = hours(21, |day, hour| if day > 7 && day % 7 == 2 && hour == 3 { 800.0 } else { 0.0 });
        assert!(!is_weekly(&grid, &two));
        let nights = hours(21, |day, hour| if (2..5).contains(&day) && hour == 3 { 800.0 } else { 0.0 });
        assert!(!is_weekly(&grid, &nights));
    }

    #[test]
    fn what_comes_once_or_twice_does_not_come_again() {
        let grid = hourly(30);
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
        let grid = hourly(30);
        let deployments =
            hours(30, |day, hour| if day % 4 == 1 && hour == 9 + day % 8 { 300.0 } else { 0.0 });
        let first = (0..deployments.len()).find(|index| deployments[*index] > 0.0).unwrap();
        assert!(on_other_days(&grid, &deployments, first..first + 1));
        assert!(!at_the_same_time(&grid, &deployments, first..first + 1));
    }

    #[test]
    fn a_scan_of_an_hour_every_week_comes_again_and_one_on_another_day_is_alike() {
        let grid = hourly(30);
        let mut scans = hours(30, |day, hour| if day % 7 == 3 && hour == 4 { 150.0 } else { 0.0 });
        assert!(comes_again(&grid, &scans, 3 * 24 + 4..3 * 24 + 5));
        scans.fill(0.0);
        scans[300] = 150.0;
        scans[400] = 150.0;
        assert!(!comes_again(&grid, &scans, 300..301));
    }

    #[test]
    fn a_client_that_is_busy_for_weeks_comes_again() {
        let grid = hourly(30);
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
