//! A program that was never seen before and sends a large part of the requests from one moment on.
//!
//! Programs are told apart by `agent_family`: a new version of a known program is no news.

use super::evidence::{Evidence, finding};
use super::{Finding, Kind, benign, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, GroupRow, Measure, QueryError, TimeRange, Value};

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
/// Number of families that are looked into, the largest first.
const FAMILIES: usize = 200;

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let history = survey.with_history();
    let everything = Filter::everything();
    let families = history.groups(&everything, &Dimension::AgentFamily, &[], Measure::Requests, FAMILIES)?;
    let (log_start, log_end) = (families.totals.first_seen, families.totals.last_seen);
    let mut findings = Vec::new();
    for GroupRow { value, stats, .. } in families.rows {
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
        let filter = Filter::term_for(&Dimension::AgentFamily, &value);
        let label = match benign::crawler(&history, &filter)? {
            None => benign::comes_again(&history, &filter)?,
            crawler => crawler,
        };
        let name = words::client(&Dimension::AgentFamily, &value, 1);
        let evidence = Evidence {
            kind: Kind::NewAgent,
            label: label.map(str::to_owned),
            subject: Some((Dimension::AgentFamily, value)),
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
