//! Scraping: many different keys, each about once, without a referer or in the order of the keys.

use super::{Kind, Population, Verdict, agent, is_crowd, name, recurring, words};
use crate::human;
use crate::insight::findings::client::Client;
use crate::query::Filter;

/// Distinct keys that are many in any bucket.
const MIN_KEYS: u64 = 120;
/// A scraper has more distinct keys than this many times those of a busy client.
const TIMES_BUSY: f64 = 1.5;
/// The busy client may have found its keys in this part of its time, and in no less than this part of the log.
const MARGIN: f64 = 3.0;
const MIN_PART: f64 = 0.1;
/// Requests per key of a client that takes each key about once.
const MAX_REQUESTS_PER_KEY: f64 = 1.7;
/// Share of reads, and share of errors.
const MIN_READS: f64 = 0.9;
const MAX_ERRORS: f64 = 0.5;
/// Without this share of requests without a referer, the keys must be in order.
const MIN_WITHOUT_REFERER: f64 = 0.8;
/// Share of steps to a later key that is an order: random visits have 0.5.
const IN_ORDER: f64 = 0.85;

pub(super) fn judge<'a>(client: &'a Client<'a>, population: &'a Population) -> Option<Verdict<'a>> {
    // A busy client needs the whole log for its keys; a scraper has a part of that time.
    let part = (client.seconds() as f64 * MARGIN / population.seconds.max(1) as f64).clamp(MIN_PART, 1.0);
    let many = (population.busy_keys as f64 * TIMES_BUSY * part).max(MIN_KEYS as f64);
    let without_referer = client.share(client.did.without_referer) >= MIN_WITHOUT_REFERER;
    let is_ordered = client.order() >= IN_ORDER;
    let is_scraping = client.did.keys as f64 >= many
        && client.requests_per_key() <= MAX_REQUESTS_PER_KEY
        && client.share(client.did.reads) >= MIN_READS
        && client.error_share() <= MAX_ERRORS
        && (is_ordered || without_referer)
        && !is_crowd(client);
    if !is_scraping {
        return None;
    }
    let label = if client.is_anonymous() { None } else { recurring(client) };
    let strength = client.did.keys as f64 / many * if is_ordered { 2.0 } else { 1.0 };
    let sentence = move |stats: &crate::query::Stats| {
        let order = if is_ordered { ", in key order" } else { "" };
        let referer = if without_referer { ", without a referer" } else { "" };
        let place = match client.did.folder_of_all() {
            None => String::new(),
            Some(folder) => format!(" under {}", words::text(folder)),
        };
        words::sentence([
            format!(
                "{} fetched {} different keys{place} in {}{order}, each about once{referer}{}.",
                name(client),
                human::count(client.did.keys),
                words::span(client.seconds()),
                agent(client),
            )
            .as_str(),
            words::first_seen(stats.first_seen, population.start).unwrap_or(""),
            &format!("{}.", human::bytes(stats.bytes_sent)),
        ])
    };
    Some(Verdict {
        kind: Kind::Scraping,
        strength,
        label,
        filter: Filter::everything(),
        sentence: Box::new(sentence),
    })
}
