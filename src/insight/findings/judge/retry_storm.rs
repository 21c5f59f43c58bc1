//! Retry storms: the same failing request again and again.

use super::{Kind, Population, Verdict, agent, name, recurring, words};
use crate::human;
use crate::insight::findings::client::Client;
use crate::query::{Filter, Stats};

/// Requests of a storm.
const MIN_REQUESTS: f64 = 100.0;
/// Share of requests with an error.
const MIN_ERRORS: f64 = 0.6;
/// Requests per key.
const MIN_REQUESTS_PER_KEY: f64 = 10.0;
/// Distinct keys: a client that is refused on more keys guesses them.
const MAX_KEYS: u64 = 20;
/// Requests per minute; slower polling is no storm.
const MIN_PER_MINUTE: f64 = 2.0;

pub(super) fn judge<'a>(client: &'a Client<'a>, _: &'a Population) -> Option<Verdict<'a>> {
    let requests = client.requests();
    let per_minute = requests * 60.0 / client.seconds() as f64;
    let is_storm = requests >= MIN_REQUESTS
        && client.error_share() >= MIN_ERRORS
        && client.requests_per_key() >= MIN_REQUESTS_PER_KEY
        && client.did.keys <= MAX_KEYS
        && per_minute >= MIN_PER_MINUTE
        && client.did.denied_operations < 3;
    if !is_storm {
        return None;
    }
    let sentence = move |stats: &Stats| {
        let operation =
            client.did.operation.as_ref().map_or("request".to_owned(), |(name, _)| words::value(name));
        let key = match (&client.did.only_key, client.did.keys) {
            (Some(key), _) => format!(" of {}", words::value(key)),
            (_, keys) if keys > 1 => format!(" of {} keys", human::count(keys)),
            _ => String::new(),
        };
        let error = client
            .did
            .error
            .as_ref()
            .map_or(String::new(), |(code, _)| format!(", mostly with the error {}", words::value(code)));
        format!(
            "{} sent the same {operation}{key} {} times in {}{}: {} failed{error}.",
            name(client),
            human::count(stats.requests),
            words::span(client.seconds()),
            agent(client),
            human::percent(client.error_share()),
        )
    };
    Some(Verdict {
        kind: Kind::RetryStorm,
        strength: requests / MIN_REQUESTS,
        label: recurring(client),
        filter: Filter::everything(),
        sentence: Box::new(sentence),
    })
}
