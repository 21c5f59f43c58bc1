//! Bandwidth hogs: a client that takes a far larger part of the bytes than other clients, of the same objects again and
//! again.

use super::{Kind, Population, Verdict, agent, is_crowd, name, recurring, words};
use crate::human;
use crate::insight::findings::client::Client;
use crate::log::Field;
use crate::query::{Dimension, Filter, Stats};

/// Share of all bytes of the time in which the client was active, if the bytes were spread evenly over the log.
const MIN_SHARE: f64 = 0.1;
/// Share of all bytes of the log, as they usually are.
const MIN_WHOLE_SHARE: f64 = 0.02;
/// Bytes as a multiple of those of a busy client.
const MIN_TIMES_BUSY: f64 = 5.0;
/// Bytes that are not worth a look.
const MIN_BYTES: u64 = 100 << 20;

/// A user agent or requester with this many addresses is shared, if the largest of them sends at most this part of its requests.
const SHARED_ADDRESSES: u64 = 10;
const MAX_LARGEST_ADDRESS: f64 = 0.3;

/// Whether many clients share the value and none of them sends a large part: then the value is not one client.
fn is_shared(client: &Client<'_>) -> bool {
    let largest = client.did.address.as_ref().map_or(0, |(_, requests)| *requests);
    matches!(client.dimension, Dimension::Field(Field::UserAgent | Field::Requester))
        && client.did.addresses >= SHARED_ADDRESSES
        && client.share(largest) <= MAX_LARGEST_ADDRESS
}

pub(super) fn judge<'a>(client: &'a Client<'a>, population: &'a Population) -> Option<Verdict<'a>> {
    let bytes = client.did.stats.bytes_sent;
    let whole = population.whole.bytes_sent.max(1) as f64;
    let whole_share = bytes as f64 / whole;
    let part = (client.seconds() as f64 / population.seconds.max(1) as f64).clamp(1.0 / 1_000.0, 1.0);
    let share = bytes as f64 / (bytes as f64 + (whole - bytes as f64).max(0.0) * part);
    let times_busy = bytes as f64 / population.busy_bytes.max(1) as f64;
    let is_hog = bytes >= MIN_BYTES
        && share >= MIN_SHARE
        && bytes as f64 >= MIN_WHOLE_SHARE * population.usual_bytes
        && times_busy >= MIN_TIMES_BUSY
        && population.clients >= 5
        && !is_crowd(client)
        && !is_shared(client);
    if !is_hog {
        return None;
    }
    let label = if client.is_anonymous() { None } else { recurring(client) };
    let sentence = move |stats: &Stats| {
        let repeats = if client.requests_per_key() >= 2.0 {
            format!(
                ", {} requests for {}",
                human::count(stats.requests),
                human::counted(client.did.keys, "key")
            )
        } else {
            String::new()
        };
        format!(
            "{} took {} in {}, {} of all bytes{repeats}{}.",
            name(client),
            human::bytes(stats.bytes_sent),
            words::span(client.seconds()),
            human::percent(whole_share),
            agent(client),
        )
    };
    Some(Verdict {
        kind: Kind::BandwidthHog,
        strength: (share / MIN_SHARE).min(times_busy / MIN_TIMES_BUSY) * 2.0,
        label,
        filter: Filter::everything(),
        sentence: Box::new(sentence),
    })
}
