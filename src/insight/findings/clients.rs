//! Incidents of single clients: addresses, networks, requesters and user agents that behave unlike other clients.
//!
//! A few groupings give the candidates. Their series show when they were unusually active
//! ([`History::windows`]); one scan profiles each of them as a whole and in these windows; the judges look at the
//! profiles.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::client::Client;
use super::evidence::{Evidence, finding};
use super::history::History;
use super::judge::{self, Population, Verdict};
use super::{Finding, Kind, benign};
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, GroupRow, Groups, Measure, Profile, QueryError, TimeRange, Value};

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
/// A window with this share of the requests of a client says more than its whole activity.
const NEARLY_ALL: f64 = 0.9;
/// A client did something in some windows, and not always, if these have this part of its requests …
const MOST_IN_WINDOWS: f64 = 1.0 / 3.0;
/// … and last together for at most this part of its time.
const SHORT_WINDOWS: f64 = 0.5;
/// A network or user agent of which one address sends this share of the requests is left to its address.
const ONE_ADDRESS_SHARE: f64 = 0.8;

/// The clients of one dimension that are looked at.
struct Clients {
    dimension: Dimension,
    /// Number of all clients.
    count: u64,
    candidates: Vec<(Value, History)>,
}

/// The dimensions of clients.
fn dimensions() -> [Dimension; 4] {
    [
        Dimension::Field(Field::RemoteIp),
        Dimension::Field(Field::Requester),
        Dimension::NETWORK,
        Dimension::Field(Field::UserAgent),
    ]
}

/// What the clients of each dimension are compared with, in the order of [`dimensions`].
pub(super) type Populations = Mutex<Vec<Population>>;

/// Finds scraping, key-guessing, retry-storm, range-abuse and bandwidth-hog.
pub(super) fn detect(survey: &Survey<'_>, populations: &Populations) -> Result<Vec<Finding>, QueryError> {
    let usual_bytes = usual_bytes(survey)?;
    let clients = Clients::of_dimensions(survey, dimensions())?;
    let mut found = Vec::new();
    for clients in clients.chunks(DIMENSIONS_PER_SCAN) {
        for (clients, did) in clients.iter().zip(profiles(survey, clients)?) {
            let population = Population {
                busy_window_keys: judge::scraping::busy_window_keys(&clients.windows(&did)),
                ..Population::new(survey, clients.count, &clients.wholes(&did), usual_bytes)
            };
            found.extend(clients.findings(survey, &did, &population)?);
            populations.lock().push(population);
        }
    }
    Ok(found)
}

/// Looks at the clients of findings that only say that something is new or more than usual: what such a client did may
/// have a name although it is not among the first of the log.
pub(super) fn look_again(
    survey: &Survey<'_>,
    found: &[Finding],
    populations: &Populations,
) -> Result<Vec<Finding>, QueryError> {
    let is_vague = |finding: &&Finding| {
        matches!(finding.kind, Kind::NewAgent | Kind::Burst)
            && finding.label.is_none()
            && finding.subject.is_some()
    };
    let mut of: Vec<(Dimension, Vec<Value>)> = dimensions().map(|dimension| (dimension, Vec::new())).into();
    for finding in found.iter().filter(is_vague) {
        for (dimension, values) in &mut of {
            let first = survey.groups(&finding.filter, dimension, &[], Measure::Requests, 1)?;
            let least = ONE_ADDRESS_SHARE * first.totals.requests as f64;
            let main = first.rows.into_iter().find(|row| row.stats.requests as f64 >= least);
            values.extend(main.map(|row| row.value).filter(|value| *value != Value::Absent));
        }
    }
    for (_, values) in &mut of {
        values.sort_unstable();
        values.dedup();
    }
    if of.iter().all(|(_, values)| values.is_empty()) {
        return Ok(Vec::new());
    }
    let histories = History::of_all(survey, &Filter::everything(), of.clone())?;
    let clients: Vec<Clients> = (of.into_iter().zip(histories))
        .map(|((dimension, values), histories)| {
            let candidates = values.into_iter().zip(histories).collect();
            Clients { dimension, count: 0, candidates }
        })
        .collect();
    let mut more = Vec::new();
    let profiles = profiles(survey, &clients)?;
    for ((clients, did), population) in clients.iter().zip(profiles).zip(populations.lock().iter()) {
        more.extend(clients.findings(survey, &did, population)?);
    }
    Ok(more)
}

/// What the candidates of each dimension did in their periods.
fn profiles(survey: &Survey<'_>, clients: &[Clients]) -> Result<Vec<Vec<Profile>>, QueryError> {
    let of = clients.iter().flat_map(Clients::periods);
    let of = of.map(|(clients, value, _, time)| (clients.dimension.clone(), value.clone(), time)).collect();
    let mut profiles = survey.profiles_of_all(&Filter::everything(), of)?.into_iter();
    Ok(clients.iter().map(|clients| profiles.by_ref().take(clients.periods().count()).collect()).collect())
}

/// The bytes of the whole log, if its largest days had no more than the largest of the others.
fn usual_bytes(survey: &Survey<'_>) -> Result<f64, QueryError> {
    /// One of this many days is among the largest.
    const LARGEST: usize = 10;
    let series = survey.series_of_all(SECONDS_PER_DAY as u32)?;
    let mut days: Vec<u64> = series.lines.iter().take(1).flatten().map(|stats| stats.bytes_sent).collect();
    days.sort_unstable();
    let others = days.len().saturating_sub(days.len().div_ceil(LARGEST));
    let most = others.checked_sub(1).and_then(|last| days.get(last).copied()).unwrap_or(u64::MAX);
    Ok(days.iter().map(|bytes| (*bytes).min(most) as f64).sum())
}

impl Clients {
    fn of_dimensions(survey: &Survey<'_>, dimensions: [Dimension; 4]) -> Result<Vec<Clients>, QueryError> {
        let everything = Filter::everything();
        let all = survey.groups_of_each(&everything, &dimensions, CANDIDATES)?;
        let refused = survey.groups_of_each(&of_status((400, 499)), &dimensions, CANDIDATES)?;
        let failed = survey.groups_of_each(&of_status((500, 599)), &dimensions, CANDIDATES)?;
        let (mut counts, mut of) = (Vec::new(), Vec::new());
        for (((dimension, all), refused), failed) in dimensions.into_iter().zip(all).zip(refused).zip(failed)
        {
            let largest = survey.groups(&everything, &dimension, &[], Measure::BytesSent, CANDIDATES)?;
            counts.push(all.group_count);
            of.push((dimension, candidates([&all, &largest, &refused, &failed])));
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

    /// Whether each period is the whole activity of a candidate, and not a window.
    fn are_whole(&self) -> Vec<bool> {
        let values: Vec<&Value> = self.periods().map(|(_, value, ..)| value).collect();
        (0..values.len()).map(|at| at == 0 || values[at - 1] != values[at]).collect()
    }

    /// The whole activity of each candidate. `did`: the profiles of all periods.
    fn wholes<'p>(&self, did: &'p [Profile]) -> Vec<&'p Profile> {
        did.iter().zip(self.are_whole()).filter(|(_, is_whole)| *is_whole).map(|(did, _)| did).collect()
    }

    /// What each candidate did in its windows. `did`: the profiles of all periods.
    fn windows<'p>(&self, did: &'p [Profile]) -> Vec<Vec<&'p Profile>> {
        let mut windows: Vec<Vec<&Profile>> = Vec::new();
        for (did, is_whole) in did.iter().zip(self.are_whole()) {
            match (is_whole, windows.last_mut()) {
                (false, Some(windows)) => windows.push(did),
                _ => windows.push(Vec::new()),
            }
        }
        windows
    }

    /// `did`: the profiles of all periods.
    fn findings(
        &self,
        survey: &Survey<'_>,
        did: &[Profile],
        population: &Population,
    ) -> Result<Vec<Finding>, QueryError> {
        let dimension = &self.dimension;
        let are_whole = self.are_whole();
        // Nearly everything of the whole activity is in one of the windows after it.
        let is_in_a_window = |at: usize| {
            let windows = (at + 1..did.len()).take_while(|window| !are_whole[*window]);
            let least = NEARLY_ALL * did[at].stats.requests as f64;
            are_whole[at] && windows.into_iter().any(|window| did[window].stats.requests as f64 >= least)
        };
        let clients: Vec<Client<'_>> = (self.periods().zip(did))
            .map(|((_, value, history, _), did)| {
                let period = (did.stats.first_seen, did.stats.last_seen.saturating_add(1));
                Client { dimension, value, history, period, did }
            })
            .collect();
        let verdicts_of = |(at, client): (usize, &'_ Client<'_>)| -> Vec<Kind> {
            match is_small(client) || is_left_to_its_address(client) || is_in_a_window(at) {
                true => Vec::new(),
                false => {
                    let verdicts = judge::verdicts(client, population);
                    verdicts.into_iter().map(|verdict| verdict.kind).collect()
                }
            }
        };
        let kinds: Vec<Vec<Kind>> = clients.iter().enumerate().map(verdicts_of).collect();
        // A known client has its incident in its windows. Its other visits are none.
        let is_of_windows = |at: usize, kind: Kind| {
            let windows = (at + 1..clients.len()).take_while(|window| !are_whole[*window]);
            let windows = windows.filter(|window| kinds[*window].contains(&kind));
            let windows: Vec<&Client<'_>> = windows.map(|window| &clients[window]).collect();
            let requests: f64 = windows.iter().map(|window| window.requests()).sum();
            let start = windows.iter().map(|window| window.period.0).min();
            let end = windows.iter().map(|window| window.period.1).max();
            let seconds = start.zip(end).map_or(i64::MAX, |(start, end)| end - start) as f64;
            are_whole[at]
                && requests >= MOST_IN_WINDOWS * clients[at].requests()
                && seconds <= SHORT_WINDOWS * clients[at].seconds() as f64
        };
        let mut found = Vec::new();
        for (at, client) in clients.iter().enumerate().filter(|(at, _)| !kinds[*at].is_empty()) {
            for verdict in judge::verdicts(client, population) {
                let Verdict { kind, strength, label, filter, sentence } = verdict;
                if is_of_windows(at, kind) {
                    continue;
                }
                // The client may have other requests in the same seconds only if the filter is narrower.
                let stats = filter.is_everything().then_some(client.did.stats);
                let subject = Some((dimension.clone(), client.value.clone()));
                let label = match label {
                    None => benign::ordinary_client(survey, kind, client)?,
                    label => label,
                };
                let period = Some(client.period);
                let evidence = Evidence { kind, subject, filter, period, strength, label, stats };
                let first_seen = match kind == Kind::Scraping && is_new(survey, client)? {
                    true => " First seen then.",
                    false => "",
                };
                found.extend(finding(survey, evidence, |stats| Ok(sentence(stats) + first_seen))?);
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
fn candidates(orders: [&Groups; 4]) -> Vec<Value> {
    let is_enough = |row: &&GroupRow| {
        (row.stats.requests >= MIN_REQUESTS || row.stats.bytes_sent >= LARGE_BYTES)
            && row.value != Value::Absent
    };
    let first = |groups: &'_ Groups| -> Vec<Value> {
        groups.rows.iter().filter(is_enough).map(|row| row.value.clone()).collect()
    };
    let chosen: BTreeSet<Value> = orders.into_iter().flat_map(first).collect();
    chosen.into_iter().collect()
}

fn of_status((first, last): (i64, i64)) -> Filter {
    Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(first), Some(last)))
}

/// Whether the client came for the first time in its period, well after the start of the log: requests before the start of
/// the scope count, too.
fn is_new(survey: &Survey<'_>, client: &Client<'_>) -> Result<bool, QueryError> {
    const KNOWN_LATER_SECONDS: i64 = SECONDS_PER_DAY;
    let first = client.did.stats.first_seen;
    if first - survey.period().0 < KNOWN_LATER_SECONDS || client.history.began_before(first) {
        return Ok(false);
    }
    let all = survey.with_history().totals(&Filter::term_for(client.dimension, client.value))?;
    Ok(all.first_seen == first)
}

fn is_small(client: &Client<'_>) -> bool {
    client.did.stats.requests < MIN_REQUESTS && client.did.stats.bytes_sent < LARGE_BYTES
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
