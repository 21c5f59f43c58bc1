//! A program that was never seen before and sends a large part of the requests from one moment on.
//!
//! Programs are identified by `agent_family`: a new version of a known program is not reported. It is if it comes from
//! networks that the program never came from, while the other versions go on: then another client uses the program.

use super::evidence::{Evidence, finding};
use super::history::History;
use super::timeline::{Counted, Timeline};
use super::{Finding, Kind, Ordinary, benign, words};
use crate::human;
use crate::identity::agent_family;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, GroupRow, Measure, QueryError, Stats, TimeRange, Value};

/// What came before the first request of a program: with less, every program is new.
const MIN_HISTORY_SECONDS: i64 = 3 * SECONDS_PER_DAY;
/// Share of the requests since its first request.
const MIN_SHARE: f64 = 0.015;
/// Requests since then.
const MIN_REQUESTS: u64 = 100;
/// It is active for this long, or until the end of the log: a program that comes for an hour is an incident of another
/// kind.
const MIN_ACTIVE_SECONDS: i64 = 6 * 3600;
/// The share is that of at least this time.
const MIN_SECONDS: i64 = SECONDS_PER_DAY;
/// Number of families and of user agents that are looked into, the largest first.
const FAMILIES: usize = 200;
/// Number of networks of a new version that are compared with those of the other versions.
const NETWORKS: usize = 25;
/// Share of the new version's requests that may be from networks that the program came from before.
const MAX_FROM_KNOWN: f64 = 0.02;
/// A version replaces the others if they have less than this part of their requests per day afterwards.
const GOES_ON: f64 = 0.25;

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let history = survey.with_history();
    let mut findings = of_dimension(survey, &history, &Dimension::AgentFamily)?;
    findings.extend(of_dimension(survey, &history, &Dimension::Field(Field::UserAgent))?);
    Ok(findings)
}

fn of_dimension(
    survey: &Survey<'_>,
    history: &Survey<'_>,
    dimension: &Dimension,
) -> Result<Vec<Finding>, QueryError> {
    let everything = Filter::everything();
    let groups = history.groups(&everything, dimension, &[], Measure::Requests, FAMILIES)?;
    let (log_start, log_end) = (groups.totals.first_seen, groups.totals.last_seen);
    let mut findings = Vec::new();
    for GroupRow { value, stats, .. } in groups.rows {
        let is_new = stats.first_seen >= log_start + MIN_HISTORY_SECONDS
            && stats.first_seen >= survey.period().0
            && stats.requests >= MIN_REQUESTS
            && stats.last_seen >= (stats.first_seen + MIN_ACTIVE_SECONDS).min(log_end - MIN_ACTIVE_SECONDS)
            && value != Value::Absent;
        if !is_new {
            continue;
        }
        let end = stats.last_seen.max(stats.first_seen + MIN_SECONDS).saturating_add(1);
        let since = Filter::within(TimeRange { start: Some(stats.first_seen), end: Some(end) });
        let all = history.totals(&since)?;
        let share = human::share(stats.requests, all.requests);
        if share < MIN_SHARE {
            continue;
        }
        if *dimension != Dimension::AgentFamily
            && !is_of_another_client(history, &value, &stats, (log_start, log_end))?
        {
            continue;
        }
        let filter = Filter::term_for(dimension, &value);
        let label = match benign::crawler(history, &filter)? {
            None if comes_again(history, &filter)? => Some(Ordinary::RecurringJob),
            crawler => crawler,
        };
        let name = words::client(dimension, &value, 1);
        let evidence = Evidence {
            kind: Kind::NewAgent,
            label,
            subject: Some((dimension.clone(), value)),
            filter: everything.clone(),
            period: None,
            strength: share / MIN_SHARE,
            stats: None,
        };
        findings.extend(finding(survey, evidence, |of_agent| {
            Ok(format!(
                "{name} was not seen before {} and has sent {}, {} of all requests since then.",
                words::minute(of_agent.first_seen),
                human::counted(of_agent.requests, "request"),
                human::percent(share),
            ))
        })?);
    }
    Ok(findings)
}

/// Whether the requests of a filter come at the same time of most days or weeks.
fn comes_again(history: &Survey<'_>, filter: &Filter) -> Result<bool, QueryError> {
    let Some((_, wide)) = Timeline::whole(history)? else { return Ok(false) };
    Ok(History::of_filter(history, filter, &wide.grid, Counted::Requests)?.first_visit_comes_again())
}

/// Whether a new version of a known program comes from networks of its own, while the other versions go on as before. A
/// version that the users of a program move to comes from their networks, and replaces the others.
fn is_of_another_client(
    history: &Survey<'_>,
    version: &Value,
    stats: &Stats,
    (log_start, log_end): (i64, i64),
) -> Result<bool, QueryError> {
    let Value::Text(agent) = version else { return Ok(false) };
    let family = Value::Text(agent_family(agent).into_owned().into());
    let others = Filter::term_for(&Dimension::AgentFamily, &family)
        .and(Filter::term_for(&Dimension::Field(Field::UserAgent), version).negated());
    let within = |start: i64, end: i64| Filter::within(TimeRange { start: Some(start), end: Some(end) });
    let before = others.clone().and(within(log_start, stats.first_seen));
    let of_before = history.totals(&before)?;
    if of_before.requests == 0 {
        // The program itself is new.
        return Ok(false);
    }
    let since = history.totals(&others.and(within(stats.first_seen, log_end)))?;
    let per_second = |requests: u64, seconds: i64| requests as f64 / seconds.max(1) as f64;
    let usual = per_second(of_before.requests, stats.first_seen - log_start);
    if per_second(since.requests, log_end - stats.first_seen) < GOES_ON * usual {
        return Ok(false);
    }
    let of_version = Filter::term_for(&Dimension::Field(Field::UserAgent), version);
    let networks = history.groups(&of_version, &Dimension::NETWORK, &[], Measure::Requests, NETWORKS)?;
    let mut from_known = 0;
    for row in &networks.rows {
        let there = before.clone().and(Filter::term_for(&Dimension::NETWORK, &row.value));
        if history.totals(&there)?.requests > 0 {
            from_known += row.stats.requests;
        }
        if from_known as f64 > MAX_FROM_KNOWN * networks.totals.requests as f64 {
            return Ok(false);
        }
    }
    Ok(true)
}
