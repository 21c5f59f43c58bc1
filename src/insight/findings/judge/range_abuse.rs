//! Range abuse: ranges of the same objects, read again and again.

use super::{Kind, Population, Verdict, agent, name, recurring, words};
use crate::human;
use crate::insight::findings::client::Client;
use crate::query::{Filter, Stats};

/// Requests of an abuse.
const MIN_REQUESTS: f64 = 200.0;
/// Share of partial responses (206).
const MIN_PARTIAL: f64 = 0.8;
/// Requests per object. A player that reads a film in ranges has fewer.
const MIN_REQUESTS_PER_KEY: f64 = 40.0;
/// A client with this share of all bytes of the log, in ranges of this many bytes, is a bandwidth hog.
const HOG_SHARE: f64 = 0.1;
const HOG_BYTES: f64 = 1_048_576.0;
/// Each byte of the objects is read this many times …
const MIN_REREADS: f64 = 3.0;
/// … or the ranges are this short, in bytes.
const MAX_TINY_BYTES: f64 = 4_096.0;

pub(super) fn judge<'a>(client: &'a Client<'a>, population: &'a Population) -> Option<Verdict<'a>> {
    let requests = client.requests();
    let rereads = client.rereads();
    let is_tiny = client.partial_bytes() <= MAX_TINY_BYTES;
    let share = client.did.stats.bytes_sent as f64 / population.whole.bytes_sent.max(1) as f64;
    let is_hog = share >= HOG_SHARE && client.partial_bytes() >= HOG_BYTES;
    let is_abuse = requests >= MIN_REQUESTS
        && !is_hog
        && client.share(client.did.partial) >= MIN_PARTIAL
        && client.requests_per_key() >= MIN_REQUESTS_PER_KEY
        && (rereads >= MIN_REREADS || is_tiny);
    if !is_abuse {
        return None;
    }
    let sentence = move |stats: &Stats| {
        let objects = match (&client.did.only_key, client.did.keys) {
            (Some(key), _) => words::value(key),
            (_, keys) => human::counted(keys, "object"),
        };
        let how = if rereads >= MIN_REREADS {
            format!("each byte about {} times", human::ratio(rereads))
        } else {
            format!("{} at a time", human::bytes(client.partial_bytes() as u64))
        };
        format!(
            "{} read {} ranges of {objects} in {}, {how}{}. {}.",
            name(client),
            human::count(stats.requests),
            words::span(client.seconds()),
            agent(client),
            human::bytes(stats.bytes_sent),
        )
    };
    let label = if client.is_anonymous() { None } else { recurring(client) };
    Some(Verdict {
        kind: Kind::RangeAbuse,
        strength: requests / MIN_REQUESTS,
        label,
        filter: Filter::everything(),
        sentence: Box::new(sentence),
    })
}
