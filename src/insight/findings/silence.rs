//! Something that came every day, or every hour, and stopped: a requester, a program, a requester with an operation,
//! or uploads to a prefix.
//!
//! [`gaps`](super::gaps) decides when it was due and whether it is missing.

use std::rc::Rc;

use super::baseline::Grid;
use super::evidence::{Evidence, finding};
use super::gaps::{Due, MIN_ACTIVE_DAYS, MIN_SURPRISE, Silence};
use super::history::History;
use super::timeline::{Counted, Timeline};
use super::{Finding, Kind, Ordinary, words};
use crate::human;
use crate::identity::is_crawler;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, GroupRow, Groups, Measure, QueryError, Stats, Value};

/// Operations, and values of each dimension, that are looked into.
const OPERATIONS: usize = 8;
const VALUES: usize = 25;
/// Pairs of an operation and a role that are looked into.
const PAIRS: usize = 5_000;
/// Silences whose starts are this close are one incident, in seconds.
const SAME_START_SECONDS: i64 = 36 * 3600;
/// Requests before the silence that the filter of the finding selects, in seconds: with them the silence can be seen.
const BEFORE_SECONDS: i64 = 7 * SECONDS_PER_DAY;

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let history = survey.with_history();
    let Some((_, wide)) = Timeline::whole(&history)? else { return Ok(Vec::new()) };
    if wide.grid.known_days() <= MIN_ACTIVE_DAYS {
        return Ok(Vec::new());
    }
    let due = Due::new(&wide.grid, &wide.values(Counted::Requests));
    let mut silences: Vec<(Silence, Series)> = Vec::new();
    for series in series(&history, &wide.grid)? {
        silences.extend(
            due.silences(&series.history.counts).into_iter().map(|silence| (silence, series.clone())),
        );
    }
    // Of those that begin at the same time, the value that stopped as a whole is reported, then the most surprising one.
    silences.sort_by(|a, b| {
        let tenths = |series: &Series| (series.share * 10.0).round();
        tenths(&b.1).total_cmp(&tenths(&a.1)).then(b.0.surprise.total_cmp(&a.0.surprise))
    });
    let mut chosen: Vec<(Silence, Series)> = Vec::new();
    for (silence, series) in silences {
        let is_same = |other: &(Silence, Series)| {
            (other.0.start - silence.start).abs() <= SAME_START_SECONDS
                || (other.0.start < silence.end
                    && silence.start < other.0.end
                    && other.1.value == series.value)
        };
        if silence.end > survey.period().0 && !chosen.iter().any(is_same) {
            chosen.push((silence, series));
        }
    }
    let mut findings = Vec::new();
    for (silence, series) in chosen {
        if is_crowd(&history, &series)? {
            continue;
        }
        let evidence = Evidence {
            kind: Kind::Silence,
            subject: Some((series.dimension.clone(), series.value.clone())),
            filter: series.filter.clone(),
            period: Some((silence.start - BEFORE_SECONDS, silence.end)),
            strength: silence.surprise / MIN_SURPRISE,
            label: match is_of_s3(&series) {
                true => Some(Ordinary::Lifecycle),
                false => crawler(&history, &series)?,
            },
            stats: None,
        };
        // The requests before the silence may be before the scope, too.
        let Some(mut found) = finding(&history, evidence, |_| Ok(explanation(&silence, &series)))? else {
            continue;
        };
        (found.start, found.end) = (silence.start, silence.end);
        findings.push(found);
    }
    Ok(findings)
}

/// Whether a program has many users, as browsers have: then chance decides whether one of them comes. That all of them stop
/// shows in other series.
fn is_crowd(history: &Survey<'_>, series: &Series) -> Result<bool, QueryError> {
    const MANY_ADDRESSES: u64 = 100;
    if series.dimension != Dimension::AgentFamily {
        return Ok(false);
    }
    let users = Filter::term_for(&series.dimension, &series.value).and(series.filter.clone());
    let address = Dimension::Field(Field::RemoteIp);
    Ok(history.groups(&users, &address, &[], Measure::Requests, 1)?.group_count >= MANY_ADDRESSES)
}

/// Whether these are requests of S3 itself, which has nothing to expire on some days.
fn is_of_s3(series: &Series) -> bool {
    series.dimension == Dimension::Role && series.value == Value::from("AmazonS3")
}

/// A label if it is a crawler: crawlers come and go. Monitoring services do not.
fn crawler(history: &Survey<'_>, series: &Series) -> Result<Option<Ordinary>, QueryError> {
    let subject = Filter::term_for(&series.dimension, &series.value);
    let agents = history.groups(&subject, &Dimension::Field(Field::UserAgent), &[], Measure::Requests, 1)?;
    let kind = agents.rows.first().and_then(|row| match &row.value {
        Value::Text(agent) => is_crawler(agent),
        _ => None,
    });
    Ok(kind.filter(|kind| *kind != "monitoring service").map(|_| Ordinary::Crawler))
}

/// The hourly requests of something that may have stopped.
#[derive(Clone)]
struct Series {
    /// Selects its requests, together with the subject.
    filter: Filter,
    operation: Option<Value>,
    is_upload: bool,
    dimension: Dimension,
    value: Value,
    /// The part of the requests of the value that these are.
    share: f64,
    history: History,
}

/// Values of a dimension that may have stopped.
struct Candidates {
    filter: Filter,
    operation: Option<Value>,
    is_upload: bool,
    dimension: Dimension,
    values: Vec<(Value, Stats)>,
}

/// The largest requesters and programs; the largest requesters of each frequent operation; and the prefixes
/// with the most uploads.
fn candidates(history: &Survey<'_>) -> Result<Vec<Candidates>, QueryError> {
    const UPLOADS: [&str; 5] =
        ["REST.PUT.OBJECT", "REST.COPY.OBJECT", "REST.POST.OBJECT", "REST.PUT.PART", "REST.POST.UPLOAD"];
    let operation = Dimension::Field(Field::Operation);
    let everything = Filter::everything();
    let uploads = Filter::any(UPLOADS.map(|name| Filter::term_for(&operation, &Value::from(name))));
    let of_all = [Dimension::Role, Dimension::AgentFamily];
    let of_uploads = [1, 2].map(|depth| Dimension::Prefix { depth });
    let of_groups = |filter: &Filter, is_upload: bool, dimensions: &[Dimension]| {
        let groups = history.groups_of_each(filter, dimensions, VALUES)?;
        let candidates = |(dimension, groups): (&Dimension, Groups)| Candidates {
            filter: filter.clone(),
            operation: None,
            is_upload,
            dimension: dimension.clone(),
            values: groups.rows.into_iter().map(|row| (row.value, row.stats)).collect(),
        };
        Ok::<Vec<Candidates>, QueryError>(dimensions.iter().zip(groups).map(candidates).collect())
    };
    let mut all = of_groups(&everything, false, &of_all)?;
    let operations = history.groups(&everything, &operation, &[], Measure::Requests, OPERATIONS)?;
    let pairs = history.pairs(&everything, [operation.clone(), Dimension::Role], PAIRS)?;
    for GroupRow { value: name, .. } in operations.rows {
        let of_operation = pairs.iter().filter(|pair| pair.values[0] == name).take(VALUES);
        all.push(Candidates {
            filter: Filter::term_for(&operation, &name),
            values: of_operation.map(|pair| (pair.values[1].clone(), pair.stats)).collect(),
            operation: Some(name),
            is_upload: false,
            dimension: Dimension::Role,
        });
    }
    all.extend(of_groups(&uploads, true, &of_uploads)?);
    Ok(all)
}

/// The hourly requests of each candidate that was there for long enough.
fn series(history: &Survey<'_>, grid: &Rc<Grid>) -> Result<Vec<Series>, QueryError> {
    let mut all: Vec<Series> = Vec::new();
    for Candidates { filter, operation, is_upload, dimension, mut values } in candidates(history)? {
        values.retain(|(value, stats)| {
            *value != Value::Absent
                && stats.requests >= MIN_ACTIVE_DAYS as u64
                && stats.last_seen - stats.first_seen >= (MIN_ACTIVE_DAYS as i64 - 1) * SECONDS_PER_DAY
        });
        // The history of all requests of each value, if it is known.
        let whole = |value: &Value| {
            let is_whole = |all: &&Series| all.operation.is_none() && all.dimension == dimension;
            all.iter().filter(is_whole).find(|all| all.value == *value)
        };
        let wholes: Vec<Option<History>> =
            values.iter().map(|(value, _)| whole(value).map(|whole| whole.history.clone())).collect();
        let is_whole = |stats: &Stats, whole: &History| stats.requests as f64 == whole.total();
        let missing = (values.iter().zip(&wholes))
            .filter(|((_, stats), whole)| !whole.as_ref().is_some_and(|whole| is_whole(stats, whole)))
            .map(|((value, _), _)| value.clone())
            .collect();
        let asked = History::on_grid(history, &filter, vec![(dimension.clone(), missing)], grid)?;
        let mut histories = asked.into_iter().flatten();
        for ((value, stats), whole) in values.into_iter().zip(wholes) {
            let requests = stats.requests as f64;
            let share = whole.as_ref().map_or(1.0, |whole| requests / whole.total().max(1.0));
            let known = whole.filter(|whole| is_whole(&stats, whole));
            let Some(history) = known.or_else(|| histories.next()) else { continue };
            all.push(Series {
                filter: filter.clone(),
                operation: operation.clone(),
                is_upload,
                dimension: dimension.clone(),
                value,
                share,
                history,
            });
        }
    }
    Ok(all)
}

fn explanation(silence: &Silence, series: &Series) -> String {
    let name = words::client(&series.dimension, &series.value, 1);
    let what = match &series.operation {
        Some(operation) => format!("{name} sent no {}", operation.to_text()),
        None if series.is_upload => format!("Nothing was uploaded to {name}"),
        None => format!("{name} sent nothing"),
    };
    let until = if silence.is_over {
        format!("until {}", words::minute(silence.end))
    } else {
        "until the end of the log".to_owned()
    };
    format!(
        "{what} from {} {until}, after {} with requests; about {} are missing.",
        words::minute(silence.start),
        human::counted(silence.active_days as u64, "day"),
        human::count(silence.missing.round() as u64),
    )
}
