//! Times with far more requests, errors or bytes than usual that no other finding explains.
//!
//! The whole log is compared with its [baseline](super::baseline) in narrow and in wide buckets, large subjects in wide
//! ones. Requests of other findings are taken out first. The cause of a burst is the value that most of what is above the
//! baseline belongs to.

use super::baseline::runs::{Run, ln_alpha, runs};
use super::baseline::{Baseline, Grid};
use super::evidence::{Evidence, finding};
use super::timeline::{Counted, Timeline};
use super::volume::{Subject, Volume, explains_volume};
use super::{Finding, Kind, benign, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::{Dimension, Filter, GroupRow, Measure, QueryError, Stats, TimeRange, Value};

/// False alarms per month that are accepted for the whole log, and for all subjects together.
const FALSE_ALARMS_PER_MONTH: f64 = 0.2;
/// Series of the whole log: three numbers, in narrow and in wide buckets.
const SERIES_OF_WHOLE: usize = 6;
/// A burst of the whole log is at least this multiple of what is expected.
const MIN_FACTOR: f64 = 1.6;
/// A burst of bytes is more: single large responses are ordinary.
const MIN_FACTOR_OF_BYTES: f64 = 2.5;
/// A burst of a subject is more: there are many subjects.
const MIN_FACTOR_OF_SUBJECT: f64 = 3.0;
/// A burst has at least this many more requests than expected.
const MIN_EXCESS: f64 = 100.0;
/// … and this share of the requests that are expected of the whole log in an hour.
const MIN_EXCESS_OF_HOUR: f64 = 0.25;
/// Number of bursts that are looked into.
const MAX_BURSTS: usize = 12;
/// A value is the cause of a burst if this part of the excess belongs to it.
const CAUSE: f64 = 0.6;
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
    label: Option<&'static str>,
}

impl Burst {
    fn new(grid: &Grid, values: &[f64], baseline: &Baseline, run: &Run, counted: Counted) -> Burst {
        let excess: Vec<f64> =
            values.iter().zip(&baseline.expected).map(|(value, expected)| value - expected).collect();
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
            label: benign::recurring(grid, &excess, run.first, run.end),
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
    bursts.truncate(MAX_BURSTS);
    for burst in bursts.iter_mut().filter(|burst| burst.label.is_none()) {
        look_into(volume, burst)?;
    }
    let mut of_subjects = of_subjects(volume);
    of_subjects.sort_by(|a, b| a.ln_p.total_cmp(&b.ln_p));
    for burst in of_subjects.into_iter().take(MAX_BURSTS) {
        if !bursts.iter().any(|other| other.overlaps(&burst)) && !is_explained(volume, &burst)? {
            bursts.push(burst);
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
            label: burst.label.map(str::to_owned),
            stats: None,
        };
        findings.extend(finding(volume.survey, evidence, |stats| Ok(explanation(burst, stats)))?);
    }
    Ok(findings)
}

/// Bursts of the whole log, at most one at a time.
fn of_whole(volume: &Volume<'_, '_>) -> Vec<Burst> {
    let mut bursts: Vec<Burst> = Vec::new();
    let requests = volume.all.values(Counted::Requests);
    let per_hour = requests.iter().sum::<f64>() / requests.len().max(1) as f64;
    let least = MIN_EXCESS.max(MIN_EXCESS_OF_HOUR * per_hour);
    let timelines: &[&Timeline] = if volume.narrow.grid.bucket == volume.wide.grid.bucket {
        &[&volume.wide]
    } else {
        &[&volume.narrow, &volume.wide]
    };
    for counted in Counted::ALL {
        let min_factor = if counted == Counted::Bytes { MIN_FACTOR_OF_BYTES } else { MIN_FACTOR };
        for Timeline { grid, .. } in timelines {
            let values = if *grid == volume.wide.grid {
                volume.wide.values(counted)
            } else {
                volume.narrow.values(counted)
            };
            let Some(baseline) = Baseline::fit(grid, &values) else { continue };
            let alpha = ln_alpha(grid, FALSE_ALARMS_PER_MONTH, SERIES_OF_WHOLE);
            for run in runs(grid, &values, &baseline, alpha) {
                let burst = Burst::new(grid, &values, &baseline, &run, counted);
                let is_large = burst.excess() >= least && burst.factor() >= min_factor;
                // The first that is found has the narrowest buckets.
                if is_large && !bursts.iter().any(|other| other.overlaps(&burst)) {
                    bursts.push(burst);
                }
            }
        }
    }
    bursts
}

fn of_subjects(volume: &Volume<'_, '_>) -> Vec<Burst> {
    let grid = &volume.all.grid;
    let requests = volume.all.values(Counted::Requests);
    let per_hour = requests.iter().sum::<f64>() / requests.len().max(1) as f64;
    let least = MIN_EXCESS.max(MIN_EXCESS_OF_HOUR * per_hour);
    let alpha = ln_alpha(grid, FALSE_ALARMS_PER_MONTH, volume.subjects.len());
    let mut bursts: Vec<Burst> = Vec::new();
    for subject in &volume.subjects {
        for run in runs(grid, &subject.requests, &subject.baseline, alpha) {
            let burst = of_subject(grid, subject, &run);
            let is_large = burst.excess() >= least && burst.factor() >= MIN_FACTOR_OF_SUBJECT;
            // The dimensions are in the order of how specific they are.
            if is_large && burst.label.is_none() && !bursts.iter().any(|other| other.overlaps(&burst)) {
                bursts.push(burst);
            }
        }
    }
    bursts
}

fn of_subject(grid: &Grid, subject: &Subject, run: &Run) -> Burst {
    let burst = Burst::new(grid, &subject.requests, &subject.baseline, run, Counted::Requests);
    Burst { subject: Some((subject.dimension.clone(), subject.value.clone())), ..burst }
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
    burst.subject = cause(&volume.history, burst)?;
    if let Some((dimension, value)) = &burst.subject {
        let filter = Filter::term_for(dimension, value).and(within(burst));
        burst.label = benign::crawler(&volume.history, &filter)?;
    }
    Ok(())
}

fn within(burst: &Burst) -> Filter {
    Filter::within(TimeRange { start: Some(burst.start), end: Some(burst.end) })
}

/// The value that most of the excess of a burst belongs to: of the dimensions, the most specific one that has any.
fn cause(history: &Survey<'_>, burst: &Burst) -> Result<Option<(Dimension, Value)>, QueryError> {
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
        Counted::Bytes => Measure::BytesSent,
    };
    for dimension in dimensions {
        let groups = history.groups(&within(burst), &dimension, &[], measure, 1)?;
        let Some(GroupRow { value, stats, .. }) = groups.rows.into_iter().next() else { continue };
        if value == Value::Absent {
            continue;
        }
        let share = share_of_excess(history, burst, (&dimension, &value), &stats, &groups.totals)?;
        if share >= CAUSE {
            return Ok(Some((dimension, value)));
        }
    }
    Ok(None)
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
        .filter(|finding| explains_volume(finding) && finding.start < burst.end && finding.end > burst.start)
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
        Counted::Errors => human::counted(stats.errors, "error"),
        Counted::Bytes => human::bytes(stats.bytes_sent),
    };
    let who = match &burst.subject {
        Some((dimension, value)) => format!(" {}", of(dimension, value)),
        None => String::new(),
    };
    format!(
        "{what}{who} within {} from {} on; the log had {} times as {} as usual at that time.",
        words::span(burst.end - burst.start),
        words::minute(burst.start),
        human::ratio(burst.factor()),
        match burst.counted {
            Counted::Requests => "many requests",
            Counted::Errors => "many errors",
            Counted::Bytes => "much egress",
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
