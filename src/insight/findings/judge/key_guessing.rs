//! Key guessing: many different keys that do not exist or may not be read.

use super::{Kind, Verdict, agent, name, recurring, words};
use crate::human;
use crate::insight::findings::client::Client;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::filter::{Subject, Test};
use crate::query::{Filter, Stats};

/// Distinct keys that were refused.
const MIN_KEYS: f64 = 25.0;
/// Share of requests with status 4xx.
const MIN_SHARE: f64 = 0.5;
/// Requests per key: a client that repeats a few refused requests does not guess.
const MAX_REQUESTS_PER_KEY: f64 = 60.0;

pub(super) fn judge<'a>(client: &'a Client<'a>) -> Option<Verdict<'a>> {
    let share = client.did.errors_4xx as f64 / client.did.stats.requests.max(1) as f64;
    let keys = client.did.missed_keys as f64;
    let is_guessing = keys >= MIN_KEYS
        && share >= MIN_SHARE
        && client.did.errors_4xx as f64 / keys <= MAX_REQUESTS_PER_KEY
        && client.did.denied_operations < 3;
    if !is_guessing {
        return None;
    }
    // A scanner that comes at the same time every day or week was ordered; one that comes on some days was not.
    let is_ordered =
        client.history.comes_at_the_same_time(client.period) || client.seconds() > 7 * SECONDS_PER_DAY;
    let label = recurring(client).filter(|_| !client.is_anonymous() || is_ordered);
    let missed = Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(400), Some(499)));
    let sentence = move |stats: &Stats| {
        let error = client
            .did
            .error
            .as_ref()
            .map(|(code, _)| format!(", mostly with the error {}", words::value(code)));
        let got = client.did.stats.requests.saturating_sub(client.did.errors_4xx);
        let success = match got {
            0 => " None succeeded.".to_owned(),
            got => format!(" {} of its other requests succeeded.", human::count(got)),
        };
        format!(
            "{} asked for {} keys that it could not read in {}{}{}.{success}",
            name(client),
            human::count(client.did.missed_keys),
            words::span((stats.last_seen - stats.first_seen).max(1)),
            agent(client),
            error.unwrap_or_default(),
        )
    };
    Some(Verdict {
        kind: Kind::KeyGuessing,
        strength: keys / MIN_KEYS,
        label,
        filter: missed,
        sentence: Box::new(sentence),
    })
}
