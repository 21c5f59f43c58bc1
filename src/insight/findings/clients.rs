//! Incidents of single clients: addresses, networks, requesters and user agents that behave unlike other clients.
//!
//! A few groupings give the candidates. Their series show when they were unusually active
//! ([`History::windows`]); one scan profiles each of them as a whole and in these windows; the judges look at the
//! profiles.

use std::collections::BTreeSet;

use super::Finding;
use super::client::Client;
use super::evidence::{Evidence, finding};
use super::history::History;
use super::judge::{self, Population, Verdict};
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, GroupRow, Measure, Profile, QueryError, TimeRange, Value};

/// Dimensions whose clients are profiled in one scan: with more, the profiles take more memory at a time.
const DIMENSIONS_PER_SCAN: usize = 2;
/// Candidates per dimension and order.
const CANDIDATES: usize = 25;
/// A client with fewer requests is no candidate.
const MIN_REQUESTS: u64 = 40;
/// A client with these bytes is a candidate by its bytes, with any number of requests.
const LARGE_BYTES: u64 = 1 << 30;
/// A candidate is looked at in at most this many windows.
const MAX_WINDOWS: usize = 3;
/// A network or user agent of which one address sends this share of the requests is left to its address.
const ONE_ADDRESS_SHARE: f64 = 0.8;

/// The clients of one dimension that are looked at.
struct Clients {
    dimension: Dimension,
    /// Number of all clients.
    count: u64,
    candidates: Vec<(Value, History)>,
}

/// Finds scraping, key-guessing, retry-storm, range-abuse and bandwidth-hog.
pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let clients = Clients::of_dimensions(
        survey,
        [
            Dimension::Field(Field::RemoteIp),
            Dimension::Field(Field::Requester),
            Dimension::NETWORK,
            Dimension::Field(Field::UserAgent),
        ],
    )?;
    let mut found = Vec::new();
    for clients in clients.chunks(DIMENSIONS_PER_SCAN) {
        let of = clients.iter().flat_map(Clients::periods);
        let of =
            of.map(|(clients, value, _, time)| (clients.dimension.clone(), value.clone(), time)).collect();
        let profiles = survey.profiles_of_all(&Filter::everything(), of)?;
        let mut profiles = profiles.iter();
        for clients in clients {
            let did: Vec<&Profile> = profiles.by_ref().take(clients.periods().count()).collect();
            found.extend(clients.findings(survey, &did)?);
        }
    }
    Ok(found)
}

impl Clients {
    fn of_dimensions(survey: &Survey<'_>, dimensions: [Dimension; 4]) -> Result<Vec<Clients>, QueryError> {
        let everything = Filter::everything();
        let (mut counts, mut of) = (Vec::new(), Vec::new());
        for dimension in dimensions {
            let all = survey.groups(&everything, &dimension, &[], Measure::Requests, CANDIDATES)?;
            let values = candidates(survey, &dimension, &all.rows)?;
            counts.push(all.group_count);
            of.push((dimension, values));
        }
        let histories = History::of_all(survey, &everything, of.clone())?;
        let clients = counts.into_iter().zip(of).zip(histories);
        let clients = clients.map(|((count, (dimension, values)), histories)| {
            let candidates = values.into_iter().zip(histories).collect();
            Clients { dimension, count, candidates }
        });
        Ok(clients.collect())
    }

    /// The periods in which each candidate is looked at. The first one of each is its whole activity.
    fn periods(&self) -> impl Iterator<Item = (&Clients, &Value, &History, TimeRange)> {
        self.candidates.iter().flat_map(move |(value, history)| {
            periods(history).into_iter().map(move |period| (self, value, history, period))
        })
    }

    /// `did`: the profiles of all periods.
    fn findings(&self, survey: &Survey<'_>, did: &[&Profile]) -> Result<Vec<Finding>, QueryError> {
        let dimension = &self.dimension;
        let of: Vec<(&Value, &History)> =
            self.periods().map(|(_, value, history, _)| (value, history)).collect();
        let wholes = did.iter().enumerate().filter(|(at, _)| *at == 0 || of[at - 1].0 != of[*at].0);
        let compared: Vec<&Profile> = wholes.map(|(_, did)| *did).collect();
        let population = Population::new(survey, self.count, &compared);
        let mut found = Vec::new();
        for ((value, history), did) in of.into_iter().zip(did) {
            let period = (did.stats.first_seen, did.stats.last_seen.saturating_add(1));
            let client = Client { dimension, value, history, period, did };
            let is_small = did.stats.requests < MIN_REQUESTS && did.stats.bytes_sent < LARGE_BYTES;
            if is_small || is_left_to_its_address(&client) {
                continue;
            }
            for verdict in judge::verdicts(&client, &population) {
                let Verdict { kind, strength, label, filter, sentence } = verdict;
                // The client may have other requests in the same seconds only if the filter is narrower.
                let stats = filter.is_everything().then_some(did.stats);
                let subject = Some((dimension.clone(), value.clone()));
                let evidence =
                    Evidence { kind, subject, filter, period: Some(period), strength, label, stats };
                found.extend(finding(survey, evidence, |stats| Ok(sentence(stats)))?);
            }
        }
        Ok(found)
    }
}

/// The whole activity of a client, and its busiest windows.
fn periods(history: &History) -> Vec<TimeRange> {
    let Some(whole) = history.whole() else { return Vec::new() };
    let windows = history.windows().into_iter().take(MAX_WINDOWS).filter(|window| *window != whole);
    let windows = windows.map(|(start, end)| TimeRange { start: Some(start), end: Some(end) });
    // Without bounds, the question is the same when the client has sent more requests, and only those are profiled.
    std::iter::once(TimeRange::default()).chain(windows).collect()
}

/// The values that are first in some order that matters to a judge.
fn candidates(
    survey: &Survey<'_>,
    dimension: &Dimension,
    rows: &[GroupRow],
) -> Result<Vec<Value>, QueryError> {
    let mut chosen: BTreeSet<Value> = BTreeSet::new();
    let mut choose = |rows: &[GroupRow]| {
        let enough = rows.iter().filter(|row| {
            (row.stats.requests >= MIN_REQUESTS || row.stats.bytes_sent >= LARGE_BYTES)
                && row.value != Value::Absent
        });
        chosen.extend(enough.take(CANDIDATES).map(|row| row.value.clone()));
    };
    choose(rows);
    choose(&survey.groups(&Filter::everything(), dimension, &[], Measure::BytesSent, CANDIDATES)?.rows);
    for errors in [(400, 499), (500, 599)] {
        let filter = of_status(errors);
        choose(&survey.groups(&filter, dimension, &[], Measure::Requests, CANDIDATES)?.rows);
    }
    Ok(chosen.into_iter().collect())
}

fn of_status((first, last): (i64, i64)) -> Filter {
    Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(first), Some(last)))
}

/// Whether nearly all requests of a network or user agent are from one address, which is a candidate of its own.
fn is_left_to_its_address(client: &Client<'_>) -> bool {
    let is_wider = matches!(client.dimension, Dimension::Network { .. } | Dimension::Field(Field::UserAgent));
    is_wider
        && client
            .did
            .address
            .as_ref()
            .is_none_or(|(_, requests)| client.share(*requests) >= ONE_ADDRESS_SHARE)
}
