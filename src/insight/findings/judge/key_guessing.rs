//! Key guessing: many different keys that do not exist or may not be read.

use super::{Kind, Verdict, agent, client, words};
use crate::human;
use crate::insight::findings::profile::Profile;
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Filter, Stats};

/// Distinct keys that were refused.
const MIN_KEYS: f64 = 25.0;
/// Share of requests with status 4xx.
const MIN_SHARE: f64 = 0.5;
/// Requests per key: a client that repeats one refused request does not guess.
const MAX_REQUESTS_PER_KEY: f64 = 4.0;

pub(super) fn judge<'a>(profile: &'a Profile<'a>) -> Option<Verdict<'a>> {
    let traits = &profile.traits;
    let share = profile.errors_4xx as f64 / profile.stats.requests.max(1) as f64;
    // The sample has the first requests only.
    let keys =
        traits.missed_keys as f64 * (profile.stats.requests as f64 / traits.requests.max(1) as f64).max(1.0);
    let is_guessing = keys >= MIN_KEYS
        && share >= MIN_SHARE
        && profile.errors_4xx as f64 / keys <= MAX_REQUESTS_PER_KEY
        && traits.denied_operations < 3;
    if !is_guessing {
        return None;
    }
    let missed = Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(400), Some(499)));
    let sentence = move |stats: &Stats| {
        let error = traits.error.as_ref().map(|(code, _)| format!(", mostly {}", words::text(code)));
        let got = profile.stats.requests.saturating_sub(profile.errors_4xx);
        let success = match got {
            0 => " None succeeded.".to_owned(),
            got => format!(" {} of its other requests succeeded.", human::count(got)),
        };
        format!(
            "{} asked for about {} keys that it could not read in {}{}{}.{success}",
            client(profile),
            human::count((keys.round() as u64).min(stats.requests)),
            words::span((stats.last_seen - stats.first_seen).max(1)),
            error.unwrap_or_default(),
            agent(profile),
        )
    };
    Some(Verdict {
        kind: Kind::KeyGuessing,
        strength: keys / MIN_KEYS,
        label: None,
        filter: missed,
        sentence: Box::new(sentence),
    })
}
