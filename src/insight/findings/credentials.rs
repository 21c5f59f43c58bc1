//! Misuse of credentials: a requester that is denied on many operations, and a known requester from a new network with
//! a new user agent.

use std::collections::BTreeMap;

use super::evidence::{Evidence, finding};
use super::history::History;
use super::{Finding, Kind, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Measure, PairRow, QueryError, TimeRange, Value};

/// The requesters with the most denied requests that are looked at.
const CANDIDATES: usize = 40;
/// Distinct operations that were denied: a client with a wrong policy fails on one or two.
const MIN_OPERATIONS: u64 = 3;
/// Denied requests.
const MIN_DENIED: u64 = 5;
/// The pairs of a requester and a network (or user agent) that are looked at.
const MAX_PAIRS: usize = 5_000;
/// A requester is known if it was seen for this long before the new network.
const KNOWN_SECONDS: i64 = 3 * SECONDS_PER_DAY;
/// A requester that used more networks before roams: another one is no news, unless it is far from all of them.
const MAX_KNOWN_NETWORKS: usize = 4;
/// Networks that are far from each other differ in this many bits: instances of a fleet share them.
const FAR: Dimension = Dimension::Network { v4: 16, v6: 32 };
/// The new agent comes within this time of the new network.
const SAME_TIME_SECONDS: i64 = 6 * 3_600;
/// Requests from the new network.
const MIN_REQUESTS: u64 = 5;

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let mut found = denied(survey)?;
    found.extend(new_networks(survey)?);
    Ok(found)
}

fn denied(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let anonymous = Filter::term_for(&Dimension::Field(Field::Requester), &Value::Absent);
    let filter = Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(403), Some(403)))
        .and(anonymous.negated());
    let dimension = Dimension::Role;
    let groups = survey.groups(&filter, &dimension, &[], Measure::Requests, CANDIDATES)?;
    let rows = groups.rows.iter().filter(|row| row.stats.requests >= MIN_DENIED);
    let values: Vec<Value> = rows.map(|row| row.value.clone()).collect();
    let histories = History::of(survey, &filter, &dimension, values.clone())?;
    let mut of = Vec::new();
    for (value, history) in values.iter().zip(&histories) {
        for (start, end) in history.windows().into_iter().take(2).chain(history.whole()) {
            of.push((value.clone(), TimeRange { start: Some(start), end: Some(end) }));
        }
    }
    let mut found = Vec::new();
    for ((value, _), did) in of.iter().zip(survey.profiles(&filter, &dimension, of.clone())?) {
        let operations = did.denied_operations;
        if operations < MIN_OPERATIONS || did.stats.requests < MIN_DENIED {
            continue;
        }
        let evidence = Evidence {
            kind: Kind::CredentialMisuse,
            subject: Some((dimension.clone(), value.clone())),
            filter: filter.clone(),
            period: Some((did.stats.first_seen, did.stats.last_seen.saturating_add(1))),
            strength: operations as f64 / MIN_OPERATIONS as f64
                * (did.stats.requests as f64).log10().max(1.0),
            label: None,
            stats: Some(did.stats),
        };
        found.extend(finding(survey, evidence, |stats| {
            let address = match (&did.address, did.addresses) {
                (Some((address, _)), 1) => format!(" from {}", words::value(address)),
                (_, addresses) => {
                    format!(" from {}", human::counted(addresses, "address").replace("addresss", "addresses"))
                }
            };
            let agent = match &did.agent {
                Some((agent, _)) if did.agents == 1 => format!(" ({})", words::value(agent)),
                _ => String::new(),
            };
            Ok(format!(
                "{} was denied {} times on {} different operations in {}{address}{agent}.",
                words::client(&dimension, value, 1),
                human::count(stats.requests),
                human::count(operations),
                words::span(stats.last_seen - stats.first_seen + 1),
            ))
        })?);
    }
    Ok(found)
}

/// The pairs of each requester and a value of `other`, in the order of their first requests.
fn by_requester(
    survey: &Survey<'_>,
    filter: Filter,
    other: Dimension,
) -> Result<BTreeMap<Value, Vec<PairRow>>, QueryError> {
    let rows = survey.pairs(&filter, [Dimension::Role, other], MAX_PAIRS)?;
    let mut by_requester: BTreeMap<Value, Vec<PairRow>> = BTreeMap::new();
    for row in rows {
        by_requester.entry(row.values[0].clone()).or_default().push(row);
    }
    for pairs in by_requester.values_mut() {
        pairs.sort_by(|a, b| a.stats.first_seen.cmp(&b.stats.first_seen).then(a.values.cmp(&b.values)));
    }
    Ok(by_requester)
}

/// Requests that a requester sent itself. Presigned URLs are used by others, from wherever they are.
fn own_requests() -> Filter {
    Filter::term_for(&Dimension::Field(Field::Requester), &Value::Absent).negated().and(not_presigned())
}

fn not_presigned() -> Filter {
    let presigned = Test::Glob("QueryString".to_owned());
    Filter::Term(Subject::Field(Field::AuthenticationType), presigned).negated()
}

fn new_networks(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let networks = by_requester(survey, own_requests(), Dimension::NETWORK)?;
    let agents = by_requester(survey, own_requests(), Dimension::Field(Field::UserAgent))?;
    let roaming = networks.iter().filter(|(_, networks)| networks.len() > MAX_KNOWN_NETWORKS + 1);
    let roaming: Vec<Filter> =
        roaming.map(|(requester, _)| Filter::term_for(&Dimension::Role, requester)).collect();
    let far_networks = match roaming.is_empty() {
        true => BTreeMap::new(),
        false => by_requester(survey, own_requests().and(Filter::any(roaming)), FAR)?,
    };
    let mut found = newcomers(survey, &Dimension::NETWORK, &networks, &agents)?;
    found.extend(newcomers(survey, &FAR, &far_networks, &agents)?);
    Ok(found)
}

/// Requesters that come from a network of which nothing was seen before, with a new agent.
fn newcomers(
    survey: &Survey<'_>,
    network: &Dimension,
    networks: &BTreeMap<Value, Vec<PairRow>>,
    agents: &BTreeMap<Value, Vec<PairRow>>,
) -> Result<Vec<Finding>, QueryError> {
    let mut found = Vec::new();
    for (requester, networks) in networks {
        let Some(first) = networks.first().map(|pair| pair.stats.first_seen) else { continue };
        for (known, pair) in networks.iter().enumerate() {
            let since = pair.stats.first_seen;
            let is_news = since - first >= KNOWN_SECONDS
                && (1..=MAX_KNOWN_NETWORKS).contains(&known)
                && pair.values[1] != Value::Absent
                && pair.stats.requests >= MIN_REQUESTS;
            if !is_news {
                continue;
            }
            let agent = agents.get(requester).into_iter().flatten().find(|agent| {
                (agent.stats.first_seen - since).abs() <= SAME_TIME_SECONDS
                    && agent.stats.requests <= pair.stats.requests * 2
            });
            // A new network alone is a new instance or a new office.
            let Some(agent) = agent else { continue };
            let from_there = not_presigned().and(Filter::term_for(network, &pair.values[1]));
            let evidence = Evidence {
                kind: Kind::CredentialMisuse,
                subject: Some((Dimension::Role, requester.clone())),
                filter: from_there,
                period: Some((since, pair.stats.last_seen.saturating_add(1))),
                strength: 2.0 * (pair.stats.requests as f64).log10().max(1.0),
                label: None,
                stats: Some(pair.stats),
            };
            found.extend(finding(survey, evidence, |stats| {
                Ok(format!(
                    "{} came from the new network {} with the new user agent {} on {}: {} in {}, {}. It was known for {} \
                     from {}.",
                    words::client(&Dimension::Role, requester, 1),
                    words::value(&pair.values[1]),
                    words::value(&agent.values[1]),
                    words::minute(stats.first_seen),
                    human::counted(stats.requests, "request"),
                    words::span(stats.last_seen - stats.first_seen + 1),
                    human::bytes(stats.bytes_sent),
                    words::span(since - first),
                    human::counted(known as u64, "other network"),
                ))
            })?);
        }
    }
    Ok(found)
}
