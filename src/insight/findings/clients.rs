//! Incidents of single clients: addresses, networks, requesters and user agents that behave unlike other clients.
//!
//! A few groupings give the candidates. Each is looked at as a whole and in the windows in which it was unusually
//! active ([`History::windows`]), and each [`Profile`] is shown to the judges.

use std::collections::BTreeSet;

use super::Finding;
use super::evidence::{Evidence, finding};
use super::history::History;
use super::judge::{self, Population, Verdict};
use super::profile::Profile;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::{Dimension, Filter, GroupRow, Measure, QueryError, Value};

/// The clients with the most requests of each dimension; the base of comparison.
const COMPARED_CLIENTS: usize = 1_000;
/// Candidates per dimension and order.
const CANDIDATES: usize = 25;
/// A client with fewer requests is no candidate.
const MIN_REQUESTS: u64 = 40;
/// A candidate is looked at in at most this many windows.
const MAX_WINDOWS: usize = 3;
/// A network or user agent of which one address sends this share of the requests is left to its address.
const ONE_ADDRESS_SHARE: f64 = 0.8;

/// Finds scraping, key-guessing, retry-storm, range-abuse and bandwidth-hog.
pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let mut found = Vec::new();
    for dimension in [
        Dimension::Field(Field::RemoteIp),
        Dimension::Field(Field::Requester),
        Dimension::NETWORK,
        Dimension::Field(Field::UserAgent),
    ] {
        found.extend(of_dimension(survey, &dimension)?);
    }
    Ok(found)
}

fn of_dimension(survey: &Survey<'_>, dimension: &Dimension) -> Result<Vec<Finding>, QueryError> {
    let everything = Filter::everything();
    let measures = [Measure::Objects, Measure::Addresses];
    let all = survey.groups(&everything, dimension, &measures, Measure::Requests, COMPARED_CLIENTS)?;
    let population = Population::new(survey, &all);
    let values = candidates(survey, dimension, &all.rows)?;
    let histories = History::of(survey, &everything, dimension, values.clone())?;
    let mut found = Vec::new();
    for (value, history) in values.iter().zip(&histories) {
        for period in periods(history) {
            let Some(profile) = Profile::of(survey, (dimension, value), history, period)? else { continue };
            if is_left_to_its_address(&profile) {
                continue;
            }
            for verdict in judge::verdicts(&profile, &population) {
                let Verdict { kind, strength, label, filter, sentence } = verdict;
                let subject = Some((dimension.clone(), value.clone()));
                let evidence =
                    Evidence { kind, subject, filter, period: Some(profile.period), strength, label };
                found.extend(finding(survey, evidence, |stats| Ok(sentence(stats)))?);
            }
        }
    }
    Ok(found)
}

/// The whole activity of a client, and its busiest windows.
fn periods(history: &History) -> Vec<(i64, i64)> {
    let mut periods: Vec<(i64, i64)> = history.whole().into_iter().collect();
    for window in history.windows().into_iter().take(MAX_WINDOWS) {
        if !periods.contains(&window) {
            periods.push(window);
        }
    }
    periods
}

/// The values that are first in some order that matters to a judge.
fn candidates(
    survey: &Survey<'_>,
    dimension: &Dimension,
    rows: &[GroupRow],
) -> Result<Vec<Value>, QueryError> {
    let mut chosen: BTreeSet<Value> = BTreeSet::new();
    let mut choose = |rows: Vec<&GroupRow>| {
        let enough = rows.into_iter().filter(|row| row.stats.requests >= MIN_REQUESTS);
        chosen.extend(
            enough.take(CANDIDATES).map(|row| row.value.clone()).filter(|value| *value != Value::Absent),
        );
    };
    let keys = |row: &GroupRow| row.more.first().copied().flatten().unwrap_or(0.0) as u64;
    let first_by = |number: &dyn Fn(&GroupRow) -> u64| {
        let mut rows: Vec<&GroupRow> = rows.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(number(row)));
        rows
    };
    choose(first_by(&|row| row.stats.requests));
    choose(first_by(&|row| row.stats.bytes_sent));
    choose(first_by(&keys));
    // The requests per key: a client that repeats one request is among the first.
    choose(first_by(&|row| row.stats.requests / keys(row).max(1)));
    let errors = filter_of_status(400, 499);
    let missed = survey.groups(&errors, dimension, &[Measure::Objects], Measure::Objects, CANDIDATES)?;
    choose(missed.rows.iter().collect());
    let failed = survey.groups(&errors, dimension, &[], Measure::Requests, CANDIDATES)?;
    choose(failed.rows.iter().collect());
    let refused =
        survey.groups(&filter_of_status(500, 599), dimension, &[], Measure::Requests, CANDIDATES)?;
    choose(refused.rows.iter().collect());
    Ok(chosen.into_iter().collect())
}

fn filter_of_status(first: i64, last: i64) -> Filter {
    use crate::query::filter::{Subject, Test};
    Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(first), Some(last)))
}

/// Whether nearly all requests of a network or user agent are from one address, which is a candidate of its own.
fn is_left_to_its_address(profile: &Profile<'_>) -> bool {
    let is_wider =
        matches!(profile.dimension, Dimension::Network { .. } | Dimension::Field(Field::UserAgent));
    is_wider
        && (profile.addresses < 2
            || profile.traits.address.as_ref().is_some_and(|(_, share)| *share >= ONE_ADDRESS_SHARE))
}
