//! Judges: each looks at one client in one period and says whether it shows an incident of its kind.
//!
//! A judge asks no queries and knows one kind. Its thresholds are constants at the top of its file; docs/findings.md
//! lists them with their reasons.

mod bandwidth_hog;
mod key_guessing;
mod range_abuse;
mod retry_storm;
pub(super) mod scraping;

use super::client::Client;
use super::words;
use super::{Kind, Ordinary};
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::{Dimension, Filter, Profile, Stats};

/// What a judge says about a client.
pub(super) struct Verdict<'a> {
    /// The kind of the incident.
    pub kind: Kind,
    /// The evidence as a multiple of what is just sufficient.
    pub strength: f64,
    /// Why this is probably ordinary.
    pub label: Option<Ordinary>,
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
    /// Distinct keys of a client that reads like a scraper in a window, and is tenth of those. 0 if there are fewer.
    pub busy_window_keys: u64,
    /// The bytes of all clients, if all days were like most days: one incident does not make others small.
    pub usual_bytes: f64,
    /// Length of the log in seconds.
    pub seconds: i64,
}

/// The client of this rank is the busy one that others are compared with.
const MIN_BUSY_RANK: usize = 10;

/// Fewer clients are not compared.
const MIN_POPULATION: usize = 4;

impl Population {
    /// `compared`: what the clients with the most requests did, in the whole scope; `clients`: the number of all clients.
    pub(super) fn new(
        survey: &Survey<'_>,
        clients: u64,
        compared: &[&Profile],
        usual_bytes: f64,
    ) -> Population {
        let rank = (clients as usize / 100).max(MIN_BUSY_RANK).min(compared.len() / 2);
        let at_rank = |number: &dyn Fn(&Profile) -> u64| {
            let mut numbers: Vec<u64> = compared.iter().map(|profile| number(profile)).collect();
            numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
            // A few clients are no population: in a filtered log the suspicious client may be the only one.
            if numbers.len() < MIN_POPULATION { 0 } else { numbers.get(rank).copied().unwrap_or(0) }
        };
        Population {
            clients,
            whole: survey.whole,
            busy_keys: at_rank(&|profile| profile.keys),
            busy_window_keys: 0,
            busy_bytes: at_rank(&|profile| profile.stats.bytes_sent),
            usual_bytes,
            seconds: survey.seconds(),
        }
    }
}

/// The verdicts of all judges.
pub(super) fn verdicts<'a>(client: &'a Client<'a>, population: &'a Population) -> Vec<Verdict<'a>> {
    [
        key_guessing::judge(client),
        retry_storm::judge(client, population),
        range_abuse::judge(client, population),
        scraping::judge(client, population),
        bandwidth_hog::judge(client, population),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The client as the subject of a sentence.
fn name(client: &Client<'_>) -> String {
    words::client(client.dimension, client.value, client.did.addresses)
}

/// ` (python-requests/2.32)`: the user agent of most requests; nothing if the client is a user agent.
fn agent(client: &Client<'_>) -> String {
    match client.main_agent() {
        Some(agent) if *client.dimension != Dimension::Field(Field::UserAgent) => {
            format!(" ({})", words::value(agent))
        }
        _ => String::new(),
    }
}

/// Why a client that does this again and again is ordinary; `None` if it is not.
fn recurring(client: &Client<'_>) -> Option<Ordinary> {
    client.history.comes_again(client.period).then_some(Ordinary::RecurringJob)
}

/// Whether the value is shared by many clients: the user agent of a popular browser, or a requester whose presigned URLs are
/// used by the visitors of a web application.
fn is_crowd(client: &Client<'_>) -> bool {
    const MANY_ADDRESSES: u64 = 100;
    matches!(client.dimension, Dimension::Field(Field::UserAgent | Field::Requester))
        && client.did.addresses >= MANY_ADDRESSES
}
