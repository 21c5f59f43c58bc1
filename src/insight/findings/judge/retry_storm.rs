//! Retry storms: the same failing request again and again.

use super::{Kind, Population, Verdict, agent, client, recurring, words};
use crate::human;
use crate::insight::findings::profile::Profile;
use crate::query::{Filter, Stats};

/// Requests of a storm.
const MIN_REQUESTS: f64 = 100.0;
/// Share of requests with an error.
const MIN_ERRORS: f64 = 0.6;
/// Requests per key.
const MIN_REQUESTS_PER_KEY: f64 = 10.0;
/// Requests per minute; slower polling is no storm.
const MIN_PER_MINUTE: f64 = 2.0;

pub(super) fn judge<'a>(profile: &'a Profile<'a>, _: &'a Population) -> Option<Verdict<'a>> {
    let requests = profile.stats.requests as f64;
    let per_minute = requests * 60.0 / profile.seconds() as f64;
    let is_storm = requests >= MIN_REQUESTS
        && profile.error_share() >= MIN_ERRORS
        && profile.requests_per_key() >= MIN_REQUESTS_PER_KEY
        && per_minute >= MIN_PER_MINUTE
        && profile.traits.denied_operations < 3;
    if !is_storm {
        return None;
    }
    let traits = &profile.traits;
    let sentence = move |stats: &Stats| {
        let operation =
            traits.operation.as_ref().map_or("requests".to_owned(), |(name, _)| words::text(name));
        let key = match (&traits.key, traits.keys) {
            (Some((key, _)), 1) => format!(" of {}", words::text(key)),
            (_, keys) if keys > 1 => format!(" of {} keys", human::count(profile.keys)),
            _ => String::new(),
        };
        let error = traits
            .error
            .as_ref()
            .map_or(String::new(), |(code, _)| format!(", mostly {}", words::text(code)));
        format!(
            "{} sent the same {operation}{key} {} times in {}: {} failed{error}{}.",
            client(profile),
            human::count(stats.requests),
            words::span(profile.seconds()),
            human::percent(profile.error_share()),
            agent(profile),
        )
    };
    Some(Verdict {
        kind: Kind::RetryStorm,
        strength: requests / MIN_REQUESTS,
        label: recurring(profile),
        filter: Filter::everything(),
        sentence: Box::new(sentence),
    })
}
