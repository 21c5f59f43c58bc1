//! Judges: each looks at the profile of one client in one period and says whether it shows an incident of its kind.
//!
//! A judge asks no queries and knows one kind. Its thresholds are constants at the top of its file; docs/findings.md
//! lists them with their reasons.

mod bandwidth_hog;
mod key_guessing;
mod range_abuse;
mod retry_storm;
mod scraping;

use super::Kind;
use super::profile::Profile;
use super::words;
use crate::insight::survey::Survey;
use crate::query::{Filter, Groups, Stats};

/// What a judge says about a profile.
pub(super) struct Verdict<'a> {
    /// The kind of the incident.
    pub kind: Kind,
    /// The evidence as a multiple of what is just sufficient.
    pub strength: f64,
    /// Why this is probably ordinary.
    pub label: Option<String>,
    /// Narrows the requests of the client to those of the incident.
    pub filter: Filter,
    /// Returns the sentence from the exact stats of the incident.
    pub sentence: Box<dyn FnOnce(&Stats) -> String + 'a>,
}

/// How the other clients of a dimension behave.
pub(super) struct Population {
    /// Number of clients.
    pub clients: u64,
    /// The stats of all clients.
    pub whole: Stats,
    /// Distinct keys of a client that is busier than 99 % of the clients, or the tenth of fewer than 1,000.
    pub busy_keys: u64,
    /// Bytes of such a client.
    pub busy_bytes: u64,
    /// Length of the log in seconds, and its first second.
    pub seconds: i64,
    pub start: i64,
}

/// The client of this rank is the busy one that others are compared with.
const MIN_BUSY_RANK: usize = 10;

impl Population {
    /// `groups`: the clients with the most requests, with their distinct keys as the first further measure.
    pub(super) fn new(survey: &Survey<'_>, groups: &Groups) -> Population {
        let rank =
            (groups.group_count as usize / 100).clamp(MIN_BUSY_RANK, groups.rows.len().max(MIN_BUSY_RANK));
        let at_rank = |mut numbers: Vec<u64>| {
            numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
            numbers.get(rank).copied().unwrap_or(0)
        };
        let keys = |row: &crate::query::GroupRow| row.more.first().copied().flatten().unwrap_or(0.0) as u64;
        Population {
            clients: groups.group_count,
            whole: groups.totals,
            busy_keys: at_rank(groups.rows.iter().map(keys).collect()),
            busy_bytes: at_rank(groups.rows.iter().map(|row| row.stats.bytes_sent).collect()),
            seconds: survey.seconds(),
            start: survey.period().0,
        }
    }
}

/// The verdicts of all judges.
pub(super) fn verdicts<'a>(profile: &'a Profile<'a>, population: &'a Population) -> Vec<Verdict<'a>> {
    [
        key_guessing::judge(profile),
        retry_storm::judge(profile, population),
        range_abuse::judge(profile, population),
        scraping::judge(profile, population),
        bandwidth_hog::judge(profile, population),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The client as the subject of a sentence.
fn client(profile: &Profile<'_>) -> String {
    words::client(profile.dimension, profile.value, profile.addresses)
}

/// ` (python-requests/2.32)`: the user agent of most requests; nothing if the client is a user agent.
fn agent(profile: &Profile<'_>) -> String {
    const MOST: f64 = 0.5;
    match &profile.traits.agent {
        Some((agent, share))
            if *share >= MOST
                && *profile.dimension != crate::query::Dimension::Field(crate::log::Field::UserAgent) =>
        {
            format!(" ({})", words::text(agent))
        }
        _ => String::new(),
    }
}

/// Why a client that does this again and again is ordinary; `None` if it is not.
fn recurring(profile: &Profile<'_>) -> Option<String> {
    /// Days like the days of the period, and the share of its requests that makes a day alike.
    const MIN_DAYS: usize = 3;
    const SHARE: f64 = 0.3;
    let days = profile.history.similar_days(profile.period, SHARE);
    if days >= MIN_DAYS {
        return Some(format!("recurring job: {days} other days are alike"));
    }
    None
}
