//! Times with far more requests or errors than usual that no other finding explains. Bytes are the matter of
//! `bandwidth-hog`: a few large responses are no burst.
//!
//! The whole log is compared with its [baseline](super::baseline) in narrow and in wide buckets, large subjects in wide
//! ones. Requests of other findings are taken out first. The cause of a burst is the value that most of what is above the
//! baseline belongs to.

use super::baseline::runs::{Run, ln_alpha, runs, sharpened};
use super::baseline::{Baseline, Grid};
use super::evidence::{Evidence, finding};
use super::history::History;
use super::timeline::{Counted, Timeline};
use super::volume::{Subject, Volume, explains_volume};
use super::{Finding, Kind, Ordinary, benign, own_site, recurrence, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::filter;
use crate::query::{Dimension, Filter, GroupRow, Measure, QueryError, Stats, TimeRange, Value};

/// False alarms per month that are accepted for the whole log, and for all subjects together.
const FALSE_ALARMS_PER_MONTH: f64 = 0.2;
/// Series of the whole log: two numbers, in narrow and in wide buckets.
const SERIES_OF_WHOLE: usize = 4;
/// A burst of the whole log is at least this multiple of what is expected.
const MIN_FACTOR: f64 = 1.6;
/// A burst of a subject is more: there are many subjects.
const MIN_FACTOR_OF_SUBJECT: f64 = 3.0;
/// A burst has at least this many more requests, or errors, than expected.
const MIN_REQUESTS: f64 = 100.0;
const MIN_ERRORS: f64 = 20.0;
/// … and this part of the requests that are expected of the whole log at that time, at least within an hour.
const MIN_PART: f64 = 0.25;
/// … or, of errors, this part of its requests.
const MIN_PART_OF_ERRORS: f64 = 0.15;
/// Number of bursts that are reported.
const MAX_BURSTS: usize = 12;
/// Number of bursts that are looked into: most of them may be the runs of a job.
const MAX_LOOKED_INTO: usize = 60;
/// A value is the cause of a burst if this part of the excess belongs to it.
const CAUSE: f64 = 0.6;
/// … and it is this many times as frequent in the burst as at other times: what nearly all requests have is no cause.
const MIN_LIFT: f64 = 1.3;
/// Errors with this part of the errors of a burst are all of them, or most of them.
const NEARLY_ALL_ERRORS: f64 = 0.95;
const MOST_ERRORS: f64 = 0.5;
/// A burst of a subject is explained if this part of its excess belongs to other findings.
const EXPLAINED: f64 = 0.5;

/// A time with far more than expected.
struct Burst {
    subject: Option<(Dimension, Value)>,
    counted: Counted,
    start: i64,
    end: i64,
    /// Requests, errors, or responses of the mean size.
    observed: f64,
    expected: f64,
    /// The expected value as a multiple of that of the mean bucket.
    season: f64,
    ln_p: f64,
    label: Option<Ordinary>,
    /// The most frequent error of a burst of errors, in words.
    error: Option<String>,
}

impl Burst {
    fn new(grid: &Grid, values: &[f64], baseline: &Baseline, run: &Run, counted: Counted) -> Burst {
        let excess = baseline.excess(values);
        let is_recurring = recurrence::at_the_same_time(grid, &excess, run.first..run.end);
        let mean = baseline.expected.iter().sum::<f64>() / baseline.expected.len().max(1) as f64;
        Burst {
            subject: None,
            counted,
            start: grid.time(run.first),
            end: grid.time(run.end),
            observed: run.observed,
            expected: run.expected,
            season: run.expected / (mean * (run.end - run.first) as f64).max(f64::MIN_POSITIVE),
            ln_p: run.ln_p,
            label: is_recurring.then_some(Ordinary::RecurringJob),
            error: None,
        }
    }

    fn excess(&self) -> f64 {
        self.observed - self.expected
    }

    fn factor(&self) -> f64 {
        self.observed / self.expected.max(1.0)
    }

    fn overlaps(&self, other: &Burst) -> bool {
        const NEAR_SECONDS: i64 = 3600;
        self.start < other.end + NEAR_SECONDS && other.start < self.end + NEAR_SECONDS
    }
}

pub(super) fn detect(volume: &Volume<'_, '_>) -> Result<Vec<Finding>, QueryError> {
    let mut bursts = of_whole(volume);
    bursts.sort_by(|a, b| a.ln_p.total_cmp(&b.ln_p));
    bursts.truncate(MAX_LOOKED_INTO);
    for burst in bursts.iter_mut().filter(|burst| burst.label.is_none()) {
        look_into(volume, burst)?;
    }
    // The ordinary ones take no place of the others.
    bursts.sort_by_key(|burst| burst.label.is_some());
    bursts.truncate(MAX_BURSTS);
    let mut of_subjects = of_subjects(volume);
    of_subjects.sort_by(|a, b| a.ln_p.total_cmp(&b.ln_p));
    for burst in of_subjects.into_iter().take(MAX_BURSTS) {
        if !bursts.iter().any(|other| other.overlaps(&burst)) && !is_explained(volume, &burst)? {
            let label = match &burst.subject {
                Some(subject) => {
                    let of_subject = Filter::term_for(&subject.0, &subject.1).and(within(&burst));
                    match ordinary(volume, &burst, subject)? {
                        None => benign::lifecycle(&volume.history, &of_subject, CAUSE * burst.excess())?,
                        label => label,
                    }
                }
                None => benign::lifecycle(&volume.history, &within(&burst), CAUSE * burst.excess())?,
            };
            bursts.push(Burst { label, ..burst });
        }
    }
    let mut findings = Vec::new();
    for burst in bursts.iter().filter(|burst| burst.end > volume.survey.period().0) {
        let evidence = Evidence {
            kind: Kind::Burst,
            subject: burst.subject.clone(),
            filter: Filter::everything(),
            period: Some((burst.start, burst.end)),
            strength: burst.factor() / MIN_FACTOR,
            label: burst.label,
            stats: None,
        };
        findings.extend(finding(volume.survey, evidence, |stats| Ok(explanation(burst, stats)))?);
    }
    Ok(findings)
}

/// Bursts of the whole log, at most one at a time.
fn of_whole(volume: &Volume<'_, '_>) -> Vec<Burst> {
    let mut bursts: Vec<Burst> = Vec::new();
    let is_narrow = volume.narrow.grid.bucket < volume.wide.grid.bucket;
    for counted in Counted::ALL {
        let narrow = Measured::new(&volume.narrow, counted);
        let wide = Measured::new(&volume.wide, counted).filter(|_| is_narrow);
        let mut candidates: Vec<(&Measured<'_>, Run)> = Vec::new();
        if let Some(narrow) = &narrow {
            candidates.extend(narrow.runs().into_iter().map(|run| (narrow, run)));
        }
        if let Some(wide) = &wide {
            for run in wide.runs() {
                candidates.push(match &narrow {
                    // A burst that only shows in wide buckets still has its time in narrow ones.
                    Some(narrow) => (narrow, Run { ln_p: run.ln_p, ..narrowed(wide, &run, narrow) }),
                    None => (wide, run),
                });
            }
        }
        for (measured, run) in candidates {
            let burst = Burst::new(measured.grid, &measured.values, &measured.baseline, &run, counted);
            // The first that is found has the narrowest buckets.
            if is_large(volume, &burst) && !bursts.iter().any(|other| other.overlaps(&burst)) {
                bursts.push(burst);
            }
        }
    }
    bursts
}

/// The time of a run in narrow buckets.
fn narrowed(wide: &Measured<'_>, run: &Run, narrow: &Measured<'_>) -> Run {
    let from = narrow.grid.index(wide.grid.time(run.first.saturating_sub(1)));
    let to = narrow.grid.index(wide.grid.time(run.end + 1));
    sharpened(&narrow.values, &narrow.baseline, from..to)
}

/// A series of the whole log with its baseline.
struct Measured<'a> {
    grid: &'a Grid,
    values: Vec<f64>,
    baseline: Baseline,
}

impl<'a> Measured<'a> {
    fn new(timeline: &'a Timeline, counted: Counted) -> Option<Measured<'a>> {
        let values = timeline.values(counted);
        let baseline = Baseline::fit(&timeline.grid, &values)?;
        Some(Measured { grid: &timeline.grid, values, baseline })
    }

    fn runs(&self) -> Vec<Run> {
        let alpha = ln_alpha(self.grid, FALSE_ALARMS_PER_MONTH, SERIES_OF_WHOLE);
        runs(self.grid, &self.values, &self.baseline, alpha)
    }
}

/// Whether a burst is large next to the whole log.
fn is_large(volume: &Volume<'_, '_>, burst: &Burst) -> bool {
    let Timeline { grid, stats } = &volume.all;
    let requests: u64 = stats.iter().map(|stats| stats.requests).sum();
    let hours = ((burst.end - burst.start) as f64 / 3600.0).max(1.0);
    let usual = requests as f64 / grid.len().max(1) as f64 * hours;
    let within = grid.index(burst.start)..(grid.index(burst.end - 1) + 1).min(grid.len());
    // Of the whole hours; an incident takes part of them.
    let in_hours: u64 = stats[within.clone()].iter().map(|stats| stats.requests).sum();
    let seconds = within.len() as f64 * grid.bucket as f64;
    let now = in_hours as f64 * (burst.end - burst.start) as f64 / seconds.max(1.0);
    let is_much = match burst.counted {
        Counted::Requests => burst.excess() >= MIN_REQUESTS.max(MIN_PART * usual),
        Counted::Errors => burst.excess() >= MIN_ERRORS.max(MIN_PART_OF_ERRORS * now),
    };
    is_much && burst.factor() >= MIN_FACTOR
}

/// Bursts of roles and prefixes. An address with many people behind it, or a single visitor, has no rhythm.
fn of_subjects(volume: &Volume<'_, '_>) -> Vec<Burst> {
    let grid = &volume.all.grid;
    let subjects: Vec<&Subject> = (volume.subjects.iter())
        .filter(|subject| matches!(subject.dimension, Dimension::Role | Dimension::Prefix { .. }))
        .collect();
    let alpha = ln_alpha(grid, FALSE_ALARMS_PER_MONTH, subjects.len());
    let whole = Measured::new(&volume.wide, Counted::Requests);
    // What happens to the whole log shows in its subjects, too.
    let whole_excess = |run: &Run| -> f64 {
        let Some(whole) = &whole else { return 0.0 };
        let above = |index: usize| whole.values[index] - whole.baseline.expected[index];
        (run.first..run.end).map(above).sum()
    };
    let mut bursts: Vec<Burst> = Vec::new();
    for subject in subjects {
        for run in runs(grid, &subject.history.counts, &subject.baseline, alpha) {
            let mut burst = of_subject(grid, subject, &run);
            if burst.excess() < CAUSE * whole_excess(&run) {
                burst.subject = None;
            }
            let is_large = is_large(volume, &burst) && burst.factor() >= MIN_FACTOR_OF_SUBJECT;
            // The dimensions are in the order of how specific they are.
            if is_large && burst.label.is_none() && !bursts.iter().any(|other| other.overlaps(&burst)) {
                bursts.push(burst);
            }
        }
    }
    bursts
}

fn of_subject(grid: &Grid, subject: &Subject, run: &Run) -> Burst {
    let counts = &subject.history.counts;
    let burst = Burst::new(grid, counts, &subject.baseline, run, Counted::Requests);
    // A job that runs again after an outage has as many requests as on the days before it. A burst of a subject has several
    // times as many.
    let again = recurrence::at_the_same_time(grid, counts, run.first..run.end);
    let label = burst.label.or(again.then_some(Ordinary::RecurringJob));
    Burst { subject: Some((subject.dimension.clone(), subject.value.clone())), label, ..burst }
}

/// Finds the cause of a burst of the whole log, and whether it is ordinary.
fn look_into(volume: &Volume<'_, '_>, burst: &mut Burst) -> Result<(), QueryError> {
    if burst.counted == Counted::Requests {
        let period = (burst.start, burst.end);
        burst.label = benign::release_day(&volume.history, &Filter::everything(), period, burst.expected)?;
    }
    if burst.label.is_some() {
        return Ok(());
    }
    let Causes { main, cause } = causes(&volume.history, burst)?;
    for subject in cause.iter().chain(&main) {
        burst.label = burst.label.or(ordinary(volume, burst, subject)?);
    }
    if burst.label.is_none() && burst.counted == Counted::Requests {
        burst.label = benign::lifecycle(&volume.history, &within(burst), CAUSE * burst.excess())?;
    }
    burst.subject = cause;
    if burst.counted == Counted::Errors {
        burst.error = main_error(&volume.history, burst)?;
    }
    Ok(())
}

/// The error that most errors of a burst are, in words: its code, or the status if it has none.
fn main_error(history: &Survey<'_>, burst: &Burst) -> Result<Option<String>, QueryError> {
    let failed =
        Filter::Term(filter::Subject::Field(Field::HttpStatus), filter::Test::Range(Some(400), None));
    let failed = failed.and(within(burst));
    for field in [Field::ErrorCode, Field::HttpStatus] {
        let groups = history.groups(&failed, &Dimension::Field(field), &[], Measure::Requests, 1)?;
        let Some(row) = groups.rows.first().filter(|row| row.value != Value::Absent) else { continue };
        let share = row.stats.requests as f64 / groups.totals.requests.max(1) as f64;
        let name = words::value(&row.value);
        return Ok(match share {
            NEARLY_ALL_ERRORS.. => Some(name),
            MOST_ERRORS.. => Some(format!("mostly {name}")),
            _ => None,
        });
    }
    Ok(None)
}

/// Why a burst of a subject is ordinary.
fn ordinary(
    volume: &Volume<'_, '_>,
    burst: &Burst,
    (dimension, value): &(Dimension, Value),
) -> Result<Option<Ordinary>, QueryError> {
    let filter = Filter::term_for(dimension, value);
    if let Some(crawler) = benign::crawler(&volume.history, &filter.clone().and(within(burst)))? {
        return Ok(Some(crawler));
    }
    let period = (burst.start, burst.end);
    let has_size = matches!(
        dimension,
        Dimension::Field(Field::RemoteIp)
            | Dimension::Network { .. }
            | Dimension::Role
            | Dimension::Prefix { .. }
    );
    if has_size && is_usual(volume, &filter, burst)? {
        return Ok(Some(Ordinary::RecurringJob));
    }
    match burst.counted {
        Counted::Requests => benign::release_day(&volume.history, &filter, period, burst.expected),
        Counted::Errors => Ok(None),
    }
}

/// Whether the subject of a burst has as much more than expected on other days: a job that comes at no fixed time. What is
/// expected, such as the office hours of the people that use a role, is no reason for a burst at night.
fn is_usual(volume: &Volume<'_, '_>, subject: &Filter, burst: &Burst) -> Result<bool, QueryError> {
    let grid = &volume.all.grid;
    let history = History::of_filter(&volume.history, subject, grid, burst.counted)?;
    // What comes on few days, such as a weekly job, has no rhythm.
    let has_rhythm = history.active_days() * 2 >= grid.days();
    let excess = match Baseline::fit(grid, &history.counts).filter(|_| has_rhythm) {
        Some(baseline) => baseline.excess(&history.counts),
        None => history.counts,
    };
    let within = grid.index(burst.start)..(grid.index(burst.end - 1) + 1).min(grid.len());
    Ok(recurrence::comes_again(grid, &excess, within))
}

fn within(burst: &Burst) -> Filter {
    Filter::within(TimeRange { start: Some(burst.start), end: Some(burst.end) })
}

/// What most of the excess of a burst belongs to.
#[derive(Default)]
struct Causes {
    /// The value that is also more frequent than usual.
    cause: Option<(Dimension, Value)>,
    /// The value of the most specific dimension, if it is another one. It may say why the burst is ordinary.
    main: Option<(Dimension, Value)>,
}

/// The values that most of the excess of a burst belongs to, each of the most specific dimension that has any.
fn causes(history: &Survey<'_>, burst: &Burst) -> Result<Causes, QueryError> {
    let mut causes = Causes::default();
    let dimensions = [
        Dimension::Field(Field::RemoteIp),
        Dimension::NETWORK,
        Dimension::Role,
        Dimension::RefererHost,
        Dimension::AgentFamily,
        Dimension::Field(Field::Key),
        Dimension::Prefix { depth: 1 },
    ];
    let measure = match burst.counted {
        Counted::Requests => Measure::Requests,
        Counted::Errors => Measure::Errors,
    };
    for dimension in dimensions {
        let groups = history.groups(&within(burst), &dimension, &[], measure, 1)?;
        let Some(GroupRow { value, stats, .. }) = groups.rows.into_iter().next() else { continue };
        if value == Value::Absent {
            continue;
        }
        let subject = (dimension, value);
        let share = share_of_excess(history, burst, (&subject.0, &subject.1), &stats, &groups.totals)?;
        if share < CAUSE {
            continue;
        }
        let is_own_site = subject.0 == Dimension::RefererHost && own_site::is_own(history, &subject.1)?;
        if !is_own_site && lift(history, burst, &subject, &stats, &groups.totals)? >= MIN_LIFT {
            causes.cause = Some(subject);
            break;
        }
        causes.main.get_or_insert(subject);
    }
    Ok(causes)
}

/// How many times as frequent a value is in a burst as at other times.
fn lift(
    history: &Survey<'_>,
    burst: &Burst,
    (dimension, value): &(Dimension, Value),
    inside: &Stats,
    all_inside: &Stats,
) -> Result<f64, QueryError> {
    let number = |stats: &Stats| burst.counted.of(stats) as f64;
    let always = history.totals(&Filter::term_for(dimension, value))?;
    let all = history.totals(&Filter::everything())?;
    let usual = (number(&always) - number(inside)) / (number(&all) - number(all_inside)).max(1.0);
    let now = number(inside) / number(all_inside).max(1.0);
    Ok(now / usual.max(f64::MIN_POSITIVE))
}

/// The part of the excess of a burst that belongs to a value. `inside`: the stats of the value within the burst, `all`:
/// those of all requests within it.
fn share_of_excess(
    history: &Survey<'_>,
    burst: &Burst,
    (dimension, value): (&Dimension, &Value),
    inside: &Stats,
    all: &Stats,
) -> Result<f64, QueryError> {
    let number = |stats: &Stats| burst.counted.of(stats) as f64;
    let excess_of_all = number(all) * (1.0 - burst.expected / burst.observed.max(1.0));
    // Without this much, the usual number does not matter.
    if number(inside) < CAUSE * excess_of_all {
        return Ok(0.0);
    }
    let always = history.totals(&Filter::term_for(dimension, value))?;
    let seconds = (burst.end - burst.start) as f64;
    let other_seconds = (always.last_seen - always.first_seen) as f64 - seconds;
    let per_second = (number(&always) - number(inside)) / other_seconds.max(seconds);
    let usual = per_second * seconds * burst.season;
    Ok((number(inside) - usual) / excess_of_all.max(1.0))
}

/// Whether most of the excess of a burst of a subject belongs to other findings.
fn is_explained(volume: &Volume<'_, '_>, burst: &Burst) -> Result<bool, QueryError> {
    let filters: Vec<Filter> = (volume.found.iter())
        .filter(|finding| {
            explains_volume(finding, &volume.all) && finding.start < burst.end && finding.end > burst.start
        })
        .map(|finding| finding.filter.clone())
        .collect();
    let Some((dimension, value)) = burst.subject.as_ref().filter(|_| !filters.is_empty()) else {
        return Ok(false);
    };
    let explained = Filter::term_for(dimension, value).and(within(burst)).and(Filter::any(filters));
    Ok(volume.history.totals(&explained)?.requests as f64 >= EXPLAINED * burst.excess())
}

fn explanation(burst: &Burst, stats: &Stats) -> String {
    let what = match burst.counted {
        Counted::Requests => human::counted(stats.requests, "request"),
        Counted::Errors => {
            let named = burst.error.as_ref().map_or(String::new(), |error| format!(" ({error})"));
            human::counted(stats.errors, "error") + &named
        }
    };
    let who = match &burst.subject {
        Some((dimension, value)) => format!(" {}", of(dimension, value)),
        None => String::new(),
    };
    format!(
        "{what}{who} within {} from {} on; the log had {} times as many {} as usual at that time.",
        words::span(burst.end - burst.start),
        words::minute(burst.start),
        human::ratio(burst.factor()),
        match burst.counted {
            Counted::Requests => "requests",
            Counted::Errors => "errors",
        },
    )
}

/// How requests with a value are named: `from 203.0.113.7`, `under media/`.
fn of(dimension: &Dimension, value: &Value) -> String {
    let name = words::client(dimension, value, 1);
    match dimension {
        Dimension::Prefix { .. } => format!("under {name}"),
        Dimension::Field(Field::Key) => format!("for {name}"),
        Dimension::AgentFamily => format!("by {name}"),
        _ => format!("from {name}"),
    }
}
