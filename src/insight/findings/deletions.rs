//! Mass deletions: a requester deletes many objects, and does not do so every day.

use super::evidence::{Evidence, finding};
use super::history::History;
use super::{Finding, Kind, Ordinary, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Measure, Profile, QueryError, Stats, TimeRange, Value};

/// The requesters with the most deletions that are looked at.
const CANDIDATES: usize = 40;
/// Distinct deleted keys that are many in any bucket.
const MIN_KEYS: u64 = 40;
/// A window with this many times the keys of the usual day of the requester is unusual although it deletes every day.
const TIMES_USUAL: f64 = 5.0;
/// A window with this part of all deletions of a requester says more than the time from its first to its last one.
const MOST_OF_A_WHOLE: f64 = 0.7;
/// Windows per requester.
const MAX_WINDOWS: usize = 3;

/// `REST.DELETE.OBJECT`, `BATCH.DELETE.OBJECT`, `REST.POST.MULTI_OBJECT_DELETE`, and the names of other servers.
const DELETES: &str = "(?i)delete[._]?obj|object_delete";

/// Deletions by clients. Lifecycle rules (`S3.EXPIRE.OBJECT`) are no client.
fn deletions() -> Filter {
    let operation = |glob: &str| Filter::Term(Subject::Field(Field::Operation), Test::Glob(glob.to_owned()));
    Filter::Term(Subject::Field(Field::Operation), Test::Regex(DELETES.to_owned()))
        .and(operation("S3.*").negated())
        .and(Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(400), None)).negated())
}

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    // Objects are counted by the records of the deleted keys, which are not requests of their own.
    let scope = survey.scope_as_logged();
    let records = survey.as_logged(&scope);
    let mut found = of_dimension(survey, &records, &Dimension::Role, deletions())?;
    let anonymous = Filter::term_for(&Dimension::Field(Field::Requester), &Value::Absent);
    let deletions = deletions().and(anonymous);
    found.extend(of_dimension(survey, &records, &Dimension::Field(Field::RemoteIp), deletions)?);
    Ok(found)
}

/// The folder of all keys that a filter selects in a period.
fn folder(
    records: &Survey<'_>,
    deletions: &Filter,
    (start, end): (i64, i64),
    did: &Profile,
) -> Result<Option<Vec<u8>>, QueryError> {
    if let Some(folder) = did.folder_of_all() {
        return Ok(Some(folder.to_vec()));
    }
    // That of the first keys; the others are asked for.
    let depth = did.folder.iter().filter(|byte| **byte == b'/').count();
    let Ok(depth @ 1..) = u8::try_from(depth) else { return Ok(None) };
    let key = Filter::term_for(&Dimension::Field(Field::Key), &Value::Absent).negated();
    let time = Filter::within(TimeRange { start: Some(start), end: Some(end) });
    let with_key = deletions.clone().and(time).and(key);
    let folders = records.groups(&with_key, &Dimension::Prefix { depth }, &[], Measure::Requests, 1)?;
    let is_only_one = folders.group_count == 1;
    Ok((folders.rows.into_iter().next().filter(|_| is_only_one)).and_then(|row| match row.value {
        Value::Text(folder) => Some(folder.to_vec()),
        _ => None,
    }))
}

/// `records` is the survey of every record, `survey` that of the records that count as requests.
fn of_dimension(
    survey: &Survey<'_>,
    records: &Survey<'_>,
    dimension: &Dimension,
    deletions: Filter,
) -> Result<Vec<Finding>, QueryError> {
    let groups = records.groups(&deletions, dimension, &[], Measure::Requests, CANDIDATES)?;
    let values: Vec<Value> = (groups.rows.iter())
        .filter(|row| row.stats.requests >= MIN_KEYS / 4 && row.value != Value::Absent)
        .map(|row| row.value.clone())
        .collect();
    let histories = History::of(records, &deletions, dimension, values.clone())?;
    let mut of: Vec<(Value, TimeRange)> = Vec::new();
    let mut history_of: Vec<&History> = Vec::new();
    for (value, history) in values.iter().zip(&histories) {
        let windows: Vec<(i64, i64)> = history.windows().into_iter().take(MAX_WINDOWS).collect();
        // A requester that deletes on few days is looked at as a whole. Single deletions long before or after a dense window
        // are not part of the incident.
        let is_dense =
            windows.iter().any(|window| history.within(*window) >= MOST_OF_A_WHOLE * history.total());
        let whole = history.whole().filter(|_| history.active_days() <= 2 && !is_dense);
        for (start, end) in whole.into_iter().chain(windows) {
            of.push((value.clone(), TimeRange { start: Some(start), end: Some(end) }));
            history_of.push(history);
        }
    }
    let profiles = records.profiles(&deletions, dimension, of.clone())?;
    let mut found = Vec::new();
    for (((value, time), history), did) in of.iter().zip(history_of).zip(&profiles) {
        let keys = did.keys;
        let period = (did.stats.first_seen, did.stats.last_seen.saturating_add(1));
        let window = (time.start.unwrap_or(period.0), time.end.unwrap_or(period.1));
        let usual = history.usual_day(window);
        if keys < MIN_KEYS || (keys as f64) < TIMES_USUAL * usual {
            continue;
        }
        let counted = match survey.counts_every_record() {
            true => did.stats,
            false => survey.totals(
                &Filter::term_for(dimension, value)
                    .and(deletions.clone())
                    .and(Filter::within(TimeRange { start: Some(period.0), end: Some(period.1) })),
            )?,
        };
        // The records of the objects are no requests, and those of the requests may be missing. The times are those of the
        // records.
        let are_missing = counted.requests == 0;
        let stats = Stats { first_seen: period.0, last_seen: did.stats.last_seen, ..counted };
        let evidence = Evidence {
            kind: Kind::MassDeletion,
            subject: Some((dimension.clone(), value.clone())),
            filter: deletions.clone(),
            period: Some(period),
            strength: keys as f64 / MIN_KEYS as f64,
            label: history.comes_again(period).then_some(Ordinary::RecurringJob),
            stats: Some(stats),
        };
        let folder =
            folder(records, &Filter::term_for(dimension, value).and(deletions.clone()), period, did)?;
        let other_days = history.other_active_days(window);
        let all_time = survey.with_history();
        let sentence = |stats: &Stats| {
            let place = match &folder {
                None => String::new(),
                Some(folder) => format!(" under {}", words::text(folder)),
            };
            let before = if usual >= 1.0 {
                format!(" It usually deletes about {} a day.", human::count(usual.round() as u64))
            } else if other_days > 0 {
                let days = human::counted(other_days as u64, "other day");
                format!(" It deleted a few on {days}.")
            } else {
                let its = Filter::term_for(dimension, value).and(deletions.clone());
                let earlier =
                    its.and(Filter::within(TimeRange { start: None, end: Some(survey.period().0) }));
                match all_time.totals(&earlier)?.requests {
                    0 => " It deleted nothing on other days.".to_owned(),
                    _ => String::new(),
                }
            };
            let address = match (&did.address, did.addresses) {
                (Some((address, _)), 1) => format!(" from {}", words::value(address)),
                (_, addresses) if addresses > 1 => format!(" from {} addresses", human::count(addresses)),
                _ => String::new(),
            };
            let missing =
                if are_missing { " The log does not have the requests that deleted them." } else { "" };
            Ok(format!(
                "{} deleted {} objects{place} in {}{address}.{before}{missing}",
                words::client(dimension, value, 1),
                human::count(keys),
                words::span(stats.last_seen - stats.first_seen + 1),
            ))
        };
        found.extend(finding(survey, evidence, sentence)?);
    }
    Ok(found)
}
