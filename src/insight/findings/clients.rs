//! Incidents of single clients: addresses, networks, requesters and user agents that behave unlike other clients.
//!
//! A few groupings give the candidates. Their series show when they were unusually active
//! ([`History::windows`]); one scan profiles each of them as a whole and in these windows; the judges look at the
//! profiles.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::client::Client;
use super::evidence::{Evidence, finding};
use super::history::History;
use super::judge::{self, Population, Verdict};
use super::{Finding, Kind};
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, GroupRow, Measure, Profile, QueryError, TimeRange, Value};

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
/// A network or user agent of which one address sends this share of the requests is left to its address.
const ONE_ADDRESS_SHARE: f64 = 0.8;

fn dimensions() -> [Dimension; 4] {
    [
        Dimension::Field(Field::RemoteIp),
        Dimension::Field(Field::Requester),
        Dimension::NETWORK,
        Dimension::Field(Field::UserAgent),
    ]
}

/// What the clients of each dimension are compared with, in the order of [`dimensions`].
pub(super) type Populations = RefCell<Vec<Population>>;

/// Finds scraping, key-guessing, retry-storm, range-abuse and bandwidth-hog.
pub(super) fn detect(survey: &Survey<'_>, populations: &Populations) -> Result<Vec<Finding>, QueryError> {
    let usual_bytes = usual_bytes(survey)?;
    let mut found = Vec::new();
    for dimension in dimensions() {
        let all = survey.groups(&Filter::everything(), &dimension, &[], Measure::Requests, CANDIDATES)?;
        let values = candidates(survey, &dimension, &all.rows)?;
        let look = Look::at(survey, &dimension, values)?;
        let population = Population::new(survey, all.group_count, &look.wholes(), usual_bytes);
        found.extend(look.judge(survey, &population)?);
        populations.borrow_mut().push(population);
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
    let mut clients: BTreeSet<(usize, Value)> = BTreeSet::new();
    let is_vague = |finding: &&Finding| {
        matches!(finding.kind, Kind::NewAgent | Kind::Burst)
            && finding.label.is_none()
            && finding.subject.is_some()
    };
    for finding in found.iter().filter(is_vague) {
        for (at, dimension) in dimensions().iter().enumerate() {
            let first = survey.groups(&finding.filter, dimension, &[], Measure::Requests, 1)?;
            let row = first.rows.into_iter().find(|row| {
                row.value != Value::Absent
                    && row.stats.requests as f64 >= ONE_ADDRESS_SHARE * first.totals.requests as f64
            });
            clients.extend(row.map(|row| (at, row.value)));
        }
    }
    let mut more = Vec::new();
    for (at, (dimension, population)) in dimensions().iter().zip(populations.borrow().iter()).enumerate() {
        let values: Vec<Value> =
            clients.iter().filter(|(of, _)| *of == at).map(|(_, value)| value.clone()).collect();
        more.extend(Look::at(survey, dimension, values)?.judge(survey, population)?);
    }
    Ok(more)
}

/// The bytes of the whole log without what its largest days have more than others.
fn usual_bytes(survey: &Survey<'_>) -> Result<f64, QueryError> {
    /// Part of the days that counts as the largest of the others.
    const LARGEST: usize = 10;
    let series = survey.series(&Filter::everything(), SECONDS_PER_DAY as u32, None)?;
    let mut days: Vec<u64> =
        series.lines.into_iter().take(1).flatten().map(|stats| stats.bytes_sent).collect();
    days.sort_unstable();
    let most = days.len().checked_sub(1 + days.len().div_ceil(LARGEST)).and_then(|at| days.get(at).copied());
    Ok(days.iter().map(|bytes| (*bytes).min(most.unwrap_or(u64::MAX)) as f64).sum())
}

/// Some clients of a dimension and what they did.
struct Look<'d> {
    dimension: &'d Dimension,
    values: Vec<Value>,
    histories: Vec<History>,
    /// The index of a client and what it did in one of its periods. The first period of a client is its whole activity.
    profiles: Vec<(usize, Profile)>,
}

impl<'d> Look<'d> {
    fn at(survey: &Survey<'_>, dimension: &'d Dimension, values: Vec<Value>) -> Result<Look<'d>, QueryError> {
        let everything = Filter::everything();
        let histories = History::of(survey, &everything, dimension, values.clone())?;
        let mut periods_of: Vec<(usize, TimeRange)> = Vec::new();
        for (at, history) in histories.iter().enumerate() {
            let ranges = periods(history).into_iter();
            periods_of
                .extend(ranges.map(|(start, end)| (at, TimeRange { start: Some(start), end: Some(end) })));
        }
        let of: Vec<_> = periods_of.iter().map(|(at, range)| (values[*at].clone(), *range)).collect();
        let profiles =
            if of.is_empty() { Vec::new() } else { survey.profiles(&everything, dimension, of)? };
        let profiles = periods_of.into_iter().map(|(at, _)| at).zip(profiles).collect();
        Ok(Look { dimension, values, histories, profiles })
    }

    fn is_whole(&self, index: usize) -> bool {
        index == 0 || self.profiles[index - 1].0 != self.profiles[index].0
    }

    /// The whole activity of each client.
    fn wholes(&self) -> Vec<&Profile> {
        let wholes = self.profiles.iter().enumerate().filter(|(index, _)| self.is_whole(*index));
        wholes.map(|(_, (_, did))| did).collect()
    }

    /// Whether a period is the whole activity of a client of which nearly everything is in one of the windows after it.
    fn is_in_a_window(&self, index: usize) -> bool {
        let (at, whole) = &self.profiles[index];
        let windows = self.profiles[index + 1..].iter().take_while(|(of, _)| of == at);
        let least = NEARLY_ALL * whole.stats.requests as f64;
        self.is_whole(index) && windows.into_iter().any(|(_, did)| did.stats.requests as f64 >= least)
    }

    fn judge(&self, survey: &Survey<'_>, population: &Population) -> Result<Vec<Finding>, QueryError> {
        let mut found = Vec::new();
        for (index, (at, did)) in self.profiles.iter().enumerate() {
            let (dimension, value) = (self.dimension, &self.values[*at]);
            let period = (did.stats.first_seen, did.stats.last_seen.saturating_add(1));
            let client = Client { dimension, value, history: &self.histories[*at], period, did };
            let is_small = did.stats.requests < MIN_REQUESTS && did.stats.bytes_sent < LARGE_BYTES;
            if is_small || is_left_to_its_address(&client) || self.is_in_a_window(index) {
                continue;
            }
            for verdict in judge::verdicts(&client, population) {
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
