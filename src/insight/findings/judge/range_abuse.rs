//! Range abuse: ranges of the same objects, read again and again.

use super::{Kind, Population, Verdict, agent, client, recurring, words};
use crate::human;
use crate::insight::findings::profile::Profile;
use crate::query::{Filter, Stats};

/// Requests of an abuse.
const MIN_REQUESTS: f64 = 200.0;
/// Share of partial responses (206).
const MIN_PARTIAL: f64 = 0.8;
/// Requests per object. A player that reads a film in ranges has fewer.
const MIN_REQUESTS_PER_KEY: f64 = 40.0;
/// Each byte of the objects is read this many times …
const MIN_REREADS: f64 = 3.0;
/// … or the ranges are this short, in bytes.
const MAX_TINY_BYTES: f64 = 4_096.0;

pub(super) fn judge<'a>(profile: &'a Profile<'a>, _: &'a Population) -> Option<Verdict<'a>> {
    let traits = &profile.traits;
    let requests = profile.stats.requests as f64;
    // The sample has the first requests only.
    let rereads = traits.partial_rereads * (requests / traits.requests.max(1) as f64).max(1.0);
    let is_tiny = traits.partial_bytes <= MAX_TINY_BYTES;
    let is_abuse = requests >= MIN_REQUESTS
        && traits.partial >= MIN_PARTIAL
        && profile.requests_per_key() >= MIN_REQUESTS_PER_KEY
        && (rereads >= MIN_REREADS || is_tiny);
    if !is_abuse {
        return None;
    }
    let sentence = move |stats: &Stats| {
        let objects = match (&traits.key, profile.keys) {
            (Some((key, _)), 1) => words::text(key),
            (_, keys) => human::counted(keys, "object"),
        };
        let how = if rereads >= MIN_REREADS {
            format!("each byte about {} times", human::ratio(rereads))
        } else {
            format!("{} at a time", human::bytes(traits.partial_bytes as u64))
        };
        format!(
            "{} read {} ranges of {objects} in {}, {how}{}. {}.",
            client(profile),
            human::count(stats.requests),
            words::span(profile.seconds()),
            agent(profile),
            human::bytes(stats.bytes_sent),
        )
    };
    let label = if profile.is_anonymous() { None } else { recurring(profile) };
    Some(Verdict {
        kind: Kind::RangeAbuse,
        strength: requests / MIN_REQUESTS,
        label,
        filter: Filter::everything(),
        sentence: Box::new(sentence),
    })
}
