//! Changes of the configuration of the bucket: policy, ACL, logging, lifecycle, public access, replication, …

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Evidence, finding};
use super::{Finding, Kind, Ordinary, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, QueryError, RequestRow, Value};

/// Changes that are read; a bucket with more has a client that changes it all the time.
const MAX_CHANGES: usize = 2_000;
/// Changes of one requester with at most this many seconds between them are one incident.
const MAX_GAP_SECONDS: i64 = 6 * 3_600;
/// A requester that changes the configuration on this many days does so as its job.
const RECURRING_DAYS: usize = 5;
/// Parts of operations whose change can expose data or hide what happens.
const GRAVE: [&str; 8] =
    ["POLICY", "ACL", "PUBLIC_ACCESS", "LOGGING", "REPLICATION", "LIFECYCLE", "VERSIONING", "OWNERSHIP"];

/// `REST.PUT.…` and `REST.DELETE.…` without a key are requests about the bucket.
fn changes() -> Filter {
    let operation = |glob: &str| Filter::Term(Subject::Field(Field::Operation), Test::Glob(glob.to_owned()));
    let without_key = Filter::term_for(&Dimension::Field(Field::Key), &Value::Absent);
    Filter::any([operation("*.PUT.*"), operation("*.DELETE.*")])
        .and(without_key)
        .and(Filter::any([operation("*.OBJECT*"), operation("S3.*"), operation("*.PART*")]).negated())
}

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let fields = [Field::Time, Field::Requester, Field::RemoteIp, Field::Operation, Field::HttpStatus];
    let requests = survey.requests(&changes(), &fields, MAX_CHANGES)?;
    let mut by_requester: BTreeMap<(Value, Value), Vec<&RequestRow>> = BTreeMap::new();
    for row in &requests.rows {
        let requester = row.get(Field::Requester).clone();
        // Anonymous changes are told apart by address.
        let address = match requester {
            Value::Absent => row.get(Field::RemoteIp).clone(),
            _ => Value::Absent,
        };
        by_requester.entry((requester, address)).or_default().push(row);
    }
    let mut found = Vec::new();
    for ((requester, address), rows) in by_requester {
        let days: BTreeSet<i64> = rows.iter().map(|row| row.time.div_euclid(SECONDS_PER_DAY)).collect();
        let subject = match requester {
            Value::Absent => (Dimension::Field(Field::RemoteIp), address),
            requester => (Dimension::Field(Field::Requester), requester),
        };
        for rows in rows.chunk_by(|a, b| b.time - a.time <= MAX_GAP_SECONDS) {
            found.extend(incident(survey, &subject, rows, days.len() >= RECURRING_DAYS)?);
        }
    }
    Ok(found)
}

fn incident(
    survey: &Survey<'_>,
    subject: &(Dimension, Value),
    rows: &[&RequestRow],
    is_recurring: bool,
) -> Result<Option<Finding>, QueryError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
    let mut operations: Vec<String> = Vec::new();
    let mut addresses: BTreeSet<String> = BTreeSet::new();
    let mut denied = 0;
    let mut is_grave = false;
    for row in rows {
        let operation = words::value(row.get(Field::Operation));
        is_grave |= GRAVE.iter().any(|part| operation.to_ascii_uppercase().contains(part));
        if !operations.contains(&operation) {
            operations.push(operation);
        }
        if let Value::Text(address) = row.get(Field::RemoteIp) {
            addresses.insert(words::text(address));
        }
        denied += u64::from(matches!(row.get(Field::HttpStatus), Value::Integer(400..)));
    }
    let evidence = Evidence {
        kind: Kind::ConfigChange,
        subject: Some(subject.clone()),
        filter: changes(),
        period: Some((first.time, last.time.saturating_add(1))),
        strength: if is_grave { 4.0 } else { 1.0 } * operations.len() as f64,
        label: is_recurring.then_some(Ordinary::RecurringJob),
        stats: None,
    };
    finding(survey, evidence, |stats| {
        const MOST_NAMED: usize = 4;
        let more = operations.len().saturating_sub(MOST_NAMED);
        operations.truncate(MOST_NAMED);
        let mut named = operations.join(", ");
        if more > 0 {
            named += &format!(" and {more} more");
        }
        let place = match (addresses.len(), addresses.first()) {
            (1, Some(address)) => format!(" from {address}"),
            (0, _) => String::new(),
            (count, _) => format!(" from {count} addresses"),
        };
        let verb = if denied == stats.requests { "tried to change" } else { "changed" };
        let failed = match denied {
            0 => String::new(),
            denied => format!(" {} of {} failed.", human::count(denied), human::count(stats.requests)),
        };
        Ok(format!(
            "{} {verb} the configuration of the bucket on {}{place}: {named}.{failed}",
            words::client(&subject.0, &subject.1, 1),
            words::minute(stats.first_seen),
        ))
    })
}
