//! Scraping: many different keys, each about once, without a referer or in the order of the keys.

use super::{Kind, Population, Verdict, agent, is_crowd, name, recurring, words};
use crate::human;
use crate::insight::findings::client::Client;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Filter, Profile};

/// Distinct keys that are many in any bucket.
const MIN_KEYS: u64 = 120;
/// A scraper has more distinct keys than this many times those of a busy client.
const TIMES_BUSY: f64 = 1.5;
/// … or this many times, if it took longer than this many days, in no order: so do visitors with a wide interest.
const TIMES_BUSY_SLOWLY: f64 = 3.0;
const SLOW_SECONDS: i64 = 10 * SECONDS_PER_DAY;
/// The busy client may have found its keys in this part of its time, and in no less than this part of the log.
const MARGIN: f64 = 3.0;
const MIN_PART: f64 = 0.1;
/// … and this many times those of the tenth of the clients in their windows.
const TIMES_BUSY_WINDOW: f64 = 2.5;
const WINDOW_RANK: usize = 10;
/// Requests per key of a client that takes each key about once.
const MAX_REQUESTS_PER_KEY: f64 = 1.7;
/// Share of reads, and share of errors.
const MIN_READS: f64 = 0.9;
const MAX_ERRORS: f64 = 0.5;
/// Without this share of requests without a referer, the keys must be in order.
const MIN_WITHOUT_REFERER: f64 = 0.8;
/// Share of steps to a later key that is an order: random visits have 0.5.
const IN_ORDER: f64 = 0.85;

/// The distinct keys of the client that is tenth by them, of those that read many keys about once in a window. `windows`: what
/// each client did in its windows.
pub(in crate::insight::findings) fn busy_window_keys(windows: &[Vec<&Profile>]) -> u64 {
    let is_reader = |did: &&&Profile| {
        let requests = did.stats.requests as f64;
        requests <= MAX_REQUESTS_PER_KEY * did.keys as f64
            && did.reads as f64 >= MIN_READS * requests
            && did.stats.errors as f64 <= MAX_ERRORS * requests
    };
    let largest = |windows: &Vec<&Profile>| windows.iter().filter(is_reader).map(|did| did.keys).max();
    let mut keys: Vec<u64> = windows.iter().filter_map(largest).collect();
    keys.sort_unstable_by_key(|keys| std::cmp::Reverse(*keys));
    keys.get(WINDOW_RANK - 1).copied().unwrap_or(0)
}

pub(super) fn judge<'a>(client: &'a Client<'a>, population: &'a Population) -> Option<Verdict<'a>> {
    // A busy client needs the whole log for its keys; a scraper has a part of that time.
    let part = (client.seconds() as f64 * MARGIN / population.seconds.max(1) as f64).clamp(MIN_PART, 1.0);
    let is_ordered = client.order() >= IN_ORDER;
    let times_busy =
        if is_ordered || client.seconds() < SLOW_SECONDS { TIMES_BUSY } else { TIMES_BUSY_SLOWLY };
    let many = (population.busy_keys as f64 * times_busy * part).max(MIN_KEYS as f64);
    // Where many clients do the same in short times, as builds do that fetch packages, it is how the bucket is used.
    let many = many.max(population.busy_window_keys as f64 * TIMES_BUSY_WINDOW);
    let without_referer = client.share(client.did.without_referer) >= MIN_WITHOUT_REFERER;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Stats;

    #[test]
    fn what_ten_clients_do_in_their_windows_is_no_scraping() {
        let window = |keys: u64, requests: u64| Profile {
            keys,
            reads: requests,
            stats: Stats { requests, ..Stats::default() },
            ..Profile::default()
        };
        let builds: Vec<Profile> = (0..30).map(|client| window(120 + client, 170)).collect();
        let of_each: Vec<Vec<&Profile>> = builds.iter().map(|build| vec![build]).collect();
        assert_eq!(busy_window_keys(&of_each), 140);
        // A client that asks for the same keys again and again is no reader of many keys, and one client has one place.
        let hub = window(200, 5_000);
        let of_each: Vec<Vec<&Profile>> = (0..30).map(|_| vec![&hub]).collect();
        assert_eq!(busy_window_keys(&of_each), 0);
        assert_eq!(busy_window_keys(&[builds.iter().collect()]), 0);
    }
}
