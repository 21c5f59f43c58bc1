//! More requests than before, permanently: of the whole log, or of a large subject.
//!
//! The steps are those of the [baseline](super::baseline::levels). A step counts if there was never as much before, so
//! that the end of a quiet time is none, and if it lasts until the end of the log or for several days.

use super::baseline::levels::Step;
use super::baseline::{Baseline, Grid};
use super::evidence::{Evidence, finding};
use super::timeline::Counted;
use super::volume::{Volume, explains_volume};
use super::{Finding, Kind, Ordinary, benign, words};
use crate::human;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, QueryError, Stats, TimeRange, Value};

/// The new level is at least this multiple of the highest level before it.
const MIN_FACTOR: f64 = 1.4;
/// … of a program: browsers and their versions come and go.
const MIN_FACTOR_OF_PROGRAM: f64 = 2.0;
/// Days that a new level lasts if it does not last until the end of the log.
const MIN_DAYS: usize = 5;
/// What came before is at least this part of what comes after: something new is no shift.
const MIN_BEFORE: f64 = 0.02;
/// A subject gives at least this many more requests per day.
const MIN_MORE_PER_DAY: f64 = 50.0;
/// … and this share of the requests of the whole log per day, or of its bytes.
const MIN_SHARE_OF_DAY: f64 = 0.02;
const MIN_SHARE_OF_BYTES: f64 = 0.1;
/// A subject is the cause of a shift of the whole log if it gives this part of the increase.
const CAUSE: f64 = 0.6;
/// Shifts whose starts are this close are one incident, in seconds.
const SAME_START_SECONDS: i64 = 36 * 3600;
/// A shift is explained if this part of its increase belongs to other findings, on this part of its days.
const EXPLAINED: f64 = 0.5;

/// A change to a higher level.
#[derive(Clone, Debug, PartialEq)]
struct Shift {
    subject: Option<(Dimension, Value)>,
    start: i64,
    end: i64,
    /// Requests per day before and after it.
    before: f64,
    after: f64,
    days: usize,
    lasts: bool,
}

impl Shift {
    fn more_per_day(&self) -> f64 {
        self.after - self.before
    }
}

pub(super) fn detect(volume: &Volume<'_, '_>) -> Result<Vec<Finding>, QueryError> {
    let grid = &volume.all.grid;
    let values = volume.wide.values(Counted::Requests);
    let whole = Baseline::fit(grid, &values);
    let of_whole = whole.as_ref().map_or(Vec::new(), |baseline| shifts(grid, &values, baseline, None));
    let days = grid.known_days().max(1) as f64;
    let least_requests = MIN_SHARE_OF_DAY * values.iter().sum::<f64>() / days;
    let bytes: f64 = volume.all.stats.iter().map(|stats| stats.bytes_sent as f64).sum();
    let least_bytes = MIN_SHARE_OF_BYTES * bytes / days;
    let mut of_subjects: Vec<Shift> = (volume.subjects.iter())
        .flat_map(|subject| {
            let name = Some((subject.dimension.clone(), subject.value.clone()));
            let is_large = move |shift: &Shift| {
                let more = shift.more_per_day();
                more >= least_requests || more * subject.bytes_per_request >= least_bytes
            };
            shifts(grid, &subject.history.counts, &subject.baseline, name).into_iter().filter(is_large)
        })
        .filter(|shift| shift.more_per_day() >= MIN_MORE_PER_DAY && !is_fashion(shift))
        .collect();
    // The largest increase is the one to report; of equal ones, the more specific, which is first.
    of_subjects.sort_by(|a, b| b.more_per_day().total_cmp(&a.more_per_day()));
    let mut chosen: Vec<Shift> = Vec::new();
    for shift in of_whole {
        let cause = (of_subjects.iter())
            .filter(|subject| {
                is_same(subject, &shift) && subject.more_per_day() >= CAUSE * shift.more_per_day()
            })
            .max_by(|a, b| specificity(a).total_cmp(&specificity(b)));
        chosen.push(cause.cloned().unwrap_or(shift));
    }
    for shift in of_subjects {
        if !chosen.iter().any(|other| is_same(other, &shift)) {
            chosen.push(shift);
        }
    }
    let mut findings = Vec::new();
    for shift in chosen {
        if shift.end <= volume.survey.period().0 || is_explained(volume, &shift)? {
            continue;
        }
        let evidence = Evidence {
            kind: Kind::LevelShift,
            subject: shift.subject.clone(),
            filter: Filter::everything(),
            period: Some((shift.start, shift.end)),
            strength: shift.after / shift.before.max(1.0) / MIN_FACTOR,
            label: lifecycle(volume, &shift)?,
            stats: None,
        };
        findings.extend(finding(volume.survey, evidence, |_| Ok(explanation(&shift)))?);
    }
    Ok(findings)
}

/// A label if most of the increase is that of lifecycle rules.
fn lifecycle(volume: &Volume<'_, '_>, shift: &Shift) -> Result<Option<Ordinary>, QueryError> {
    let of_subject = match &shift.subject {
        // S3 has no address and no user agent.
        Some((Dimension::Field(Field::RemoteIp) | Dimension::AgentFamily, _)) => return Ok(None),
        Some((dimension, value)) => Filter::term_for(dimension, value),
        None => Filter::everything(),
    };
    let period = Filter::within(TimeRange { start: Some(shift.start), end: Some(shift.end) });
    let days = (shift.end - shift.start) as f64 / SECONDS_PER_DAY as f64;
    benign::lifecycle(&volume.history, &of_subject.and(period), CAUSE * shift.more_per_day() * days)
}

fn is_fashion(shift: &Shift) -> bool {
    matches!(shift.subject, Some((Dimension::AgentFamily, _)))
        && shift.after < MIN_FACTOR_OF_PROGRAM * shift.before
}

/// The increase as a multiple of what there was: of the values that explain a shift, the one that changed most is the
/// most specific.
fn specificity(shift: &Shift) -> f64 {
    shift.more_per_day() / shift.before.max(1.0)
}

fn is_same(a: &Shift, b: &Shift) -> bool {
    (a.start - b.start).abs() <= SAME_START_SECONDS
}

/// The steps of a series that are shifts.
fn shifts(
    grid: &Grid,
    values: &[f64],
    baseline: &Baseline,
    subject: Option<(Dimension, Value)>,
) -> Vec<Shift> {
    (baseline.steps.iter())
        .filter(|step| {
            step.factor >= MIN_FACTOR
                && step.before > MIN_BEFORE * step.after
                && (step.lasts || step.days >= MIN_DAYS)
        })
        .map(|step| {
            let per_day = grid.per_day() as f64;
            let end = if step.lasts {
                grid.time(grid.len())
            } else {
                grid.time(grid.first_of_day(step.day + step.days))
            };
            Shift {
                subject: subject.clone(),
                start: grid.time(first_bucket(grid, values, baseline, step)),
                end,
                before: step.before * per_day,
                after: step.after * per_day,
                days: step.days,
                lasts: step.lasts,
            }
        })
        .collect()
}

/// The bucket around the first day of a step from which on the new level is most likely.
fn first_bucket(grid: &Grid, values: &[f64], baseline: &Baseline, step: &Step) -> usize {
    let midnight = grid.first_of_day(step.day);
    let (from, to) = (grid.first_of_day(step.day.saturating_sub(1)), grid.first_of_day(step.day + 1));
    let factor = (step.after / step.before).max(1.01);
    let (mut best, mut gain, mut sum) = (midnight, f64::NEG_INFINITY, 0.0);
    for index in (from..to).rev() {
        let expected =
            if index < midnight { baseline.expected[index] } else { baseline.expected[index] / factor };
        // The logarithm of the likelihood ratio of the new level to the old one. A bucket that scatters widely counts
        // no more than a few times what is expected.
        sum += values[index].min(3.0 * factor * expected) * factor.ln() - (factor - 1.0) * expected;
        if sum > gain {
            (best, gain) = (index, sum);
        }
    }
    best
}

/// Whether the increase belongs to other findings: on most days, not by one incident that is larger than the increase of
/// many days.
fn is_explained(volume: &Volume<'_, '_>, shift: &Shift) -> Result<bool, QueryError> {
    let filters: Vec<Filter> = (volume.found.iter())
        .filter(|finding| {
            explains_volume(finding, &volume.all) && finding.start < shift.end && finding.end > shift.start
        })
        .map(|finding| finding.filter.clone())
        .collect();
    let Some((dimension, value)) = shift.subject.as_ref().filter(|_| !filters.is_empty()) else {
        return Ok(false);
    };
    let period = Filter::within(TimeRange { start: Some(shift.start), end: Some(shift.end) });
    let explained = Filter::term_for(dimension, value).and(period).and(Filter::any(filters));
    let per_day = volume.history.series(&explained, SECONDS_PER_DAY as u32)?;
    let most = EXPLAINED * shift.more_per_day();
    let is_most = |stats: &&Stats| stats.requests as f64 >= most;
    let explained = per_day.lines.first().map_or(0, |days| days.iter().filter(is_most).count());
    let days = (shift.end - shift.start) as f64 / SECONDS_PER_DAY as f64;
    Ok(explained as f64 >= EXPLAINED * days)
}

fn explanation(shift: &Shift) -> String {
    let who = match &shift.subject {
        Some((dimension, value)) => format!("{}: ", words::client(dimension, value, 1)),
        None => String::new(),
    };
    let until = if shift.lasts {
        "until the end of the log".to_owned()
    } else {
        format!("for {}", words::span(shift.end - shift.start))
    };
    format!(
        "{who}{} requests a day since {}, {} before: {} times as many, {until}.",
        human::count(shift.after.round() as u64),
        words::minute(shift.start),
        human::count(shift.before.round() as u64),
        human::ratio(shift.after / shift.before.max(1.0)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::baseline::testing::MONDAY;
    use super::*;

    fn found(days: usize, value: impl Fn(usize) -> f64) -> Vec<Shift> {
        let values: Vec<f64> = (0..24 * days)
            .map(|hour| {
                let noise = ((hour as f64 * 12.9898).sin() * 43758.5453).fract();
                let daily = if (8..20).contains(&(hour % 24)) { 90.0 } else { 30.0 };
                let weekly = if hour / 24 % 7 >= 5 { 0.5 } else { 1.0 };
                (daily * weekly * value(hour) * (1.0 + 0.2 * noise)).round()
            })
            .collect();
        let grid = Grid::new(MONDAY, 3600, &values.iter().map(|value| *value as u64).collect::<Vec<_>>());
        let baseline = Baseline::fit(&grid, &values).unwrap();
        shifts(&grid, &values, &baseline, None)
    }

    #[test]
    fn a_level_that_doubles_and_stays_is_a_shift_from_its_hour_on() {
        let shifts = found(30, |hour| if hour >= 18 * 24 + 14 { 2.0 } else { 1.0 });
        assert_eq!(shifts.len(), 1, "{shifts:?}");
        let hour = (shifts[0].start - MONDAY) / 3600 - 18 * 24;
        assert!((12..=16).contains(&hour), "{hour}");
        assert!(shifts[0].lasts && (1.8..2.2).contains(&(shifts[0].after / shifts[0].before)));
    }

    #[test]
    fn growth_and_weekly_rhythm_are_no_shift() {
        assert_eq!(found(30, |_| 1.0), []);
        assert_eq!(found(60, |hour| 1.015_f64.powf(hour as f64 / 24.0)), []);
    }

    #[test]
    fn a_busy_weekend_and_the_end_of_a_quiet_week_are_no_shift() {
        assert_eq!(found(30, |hour| if (19 * 24..21 * 24).contains(&hour) { 3.0 } else { 1.0 }), []);
        assert_eq!(found(40, |hour| if (14 * 24..23 * 24).contains(&hour) { 0.3 } else { 1.0 }), []);
    }

    #[test]
    fn a_level_that_lasts_a_week_is_a_shift_and_two_days_are_not() {
        assert_eq!(found(40, |hour| if (20 * 24..29 * 24).contains(&hour) { 3.0 } else { 1.0 }).len(), 1);
        assert_eq!(found(40, |hour| if (20 * 24..22 * 24).contains(&hour) { 3.0 } else { 1.0 }), []);
    }
}
