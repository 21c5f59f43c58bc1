//! Retry storms of busy clients: the same request fails again and again, among many others of the client that succeed.

use super::evidence::{Evidence, finding};
use super::history::History;
use super::{Finding, Kind, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Measure, QueryError, Stats, TimeRange, Value};

/// The keys with the most failed requests that are looked at.
const CANDIDATES: usize = 20;
/// Failed requests of one key in one window.
const MIN_REQUESTS: u64 = 60;
/// Failed requests per minute.
const MIN_PER_MINUTE: f64 = 1.0;
/// Share of the failed requests by the address that is named.
const ONE_ADDRESS_SHARE: f64 = 0.6;

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let failed = Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(500), Some(599)));
    let key = Dimension::Field(Field::Key);
    let groups = survey.groups(&failed, &key, &[], Measure::Requests, CANDIDATES)?;
    let rows =
        groups.rows.iter().filter(|row| row.stats.requests >= MIN_REQUESTS && row.value != Value::Absent);
    let values: Vec<Value> = rows.map(|row| row.value.clone()).collect();
    let histories = History::of(survey, &failed, &key, values.clone())?;
    let mut of = Vec::new();
    for (value, history) in values.iter().zip(&histories) {
        if let Some((start, end)) = history.windows().first() {
            of.push((value.clone(), TimeRange { start: Some(*start), end: Some(*end) }));
        }
    }
    let mut found = Vec::new();
    for ((value, _), did) in of.iter().zip(survey.profiles(&failed, &key, of.clone())?) {
        let requests = did.stats.requests;
        let period = (did.stats.first_seen, did.stats.last_seen.saturating_add(1));
        let per_minute = requests as f64 * 60.0 / (period.1 - period.0).max(1) as f64;
        if requests < MIN_REQUESTS || per_minute < MIN_PER_MINUTE {
            continue;
        }
        let of_key = Filter::term_for(&key, value);
        let one =
            did.address.as_ref().filter(|(_, count)| *count as f64 >= ONE_ADDRESS_SHARE * requests as f64);
        let (subject, filter) = match one {
            Some((address, _)) => {
                ((Dimension::Field(Field::RemoteIp), address.clone()), failed.clone().and(of_key))
            }
            None => ((key.clone(), value.clone()), failed.clone()),
        };
        let who = match one {
            Some((address, _)) => words::value(address),
            None => human::counted(did.addresses, "client"),
        };
        let evidence = Evidence {
            kind: Kind::RetryStorm,
            subject: Some(subject),
            filter,
            period: Some(period),
            strength: requests as f64 / MIN_REQUESTS as f64,
            label: None,
            stats: None,
        };
        found.extend(finding(survey, evidence, |stats: &Stats| {
            let operation =
                did.operation.as_ref().map_or("request".to_owned(), |(name, _)| words::value(name));
            let error =
                did.error.as_ref().map_or(String::new(), |(code, _)| format!(" with {}", words::value(code)));
            Ok(format!(
                "{who} sent the same {operation} of {} {} times in {}, and all failed{error}.",
                words::value(value),
                human::count(stats.requests),
                words::span(period.1 - period.0),
            ))
        })?);
    }
    Ok(found)
}
