//! Hot-linking: another site shows objects of the bucket. One referer, many addresses, from some time on.

use super::evidence::{Evidence, finding};
use super::history::History;
use super::own_site::Referred;
use super::{Finding, Kind, Ordinary, benign, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, Measure, QueryError, Stats, TimeRange, Value};

/// The sites with the most requests that are looked at.
const CANDIDATES: usize = 40;
/// Requests, and addresses, of a site that matters.
const MIN_REQUESTS: u64 = 100;
const MIN_ADDRESSES: u64 = 25;
/// Requests per address: visitors of a page load its pictures; one client that sends a false referer loads more.
const MAX_REQUESTS_PER_ADDRESS: f64 = 40.0;
/// A site that sent requests on the first day of the log is no news.
const NEW_AFTER_SECONDS: i64 = SECONDS_PER_DAY;
/// Share of all requests of the time, for twice the score.
const LARGE_SHARE: f64 = 0.02;

/// Sites whose visitors come by a link: search engines, mail, social networks. The ends of host names.
const LINKING_SITES: [&str; 14] = [
    "google.com",
    "bing.com",
    "duckduckgo.com",
    "yahoo.com",
    "yandex.ru",
    "baidu.com",
    "ecosia.org",
    "facebook.com",
    "twitter.com",
    "t.co",
    "linkedin.com",
    "reddit.com",
    "ycombinator.com",
    "instagram.com",
];

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let dimension = Dimension::RefererHost;
    let everything = Filter::everything();
    // The absent one is no candidate.
    let groups = survey.groups(&everything, &dimension, &[], Measure::Requests, CANDIDATES + 1)?;
    let (log_start, _) = survey.period();
    let rows = (groups.rows.iter())
        .filter(|row| row.value != Value::Absent && row.stats.requests >= MIN_REQUESTS)
        .take(CANDIDATES);
    let values: Vec<Value> = rows.map(|row| row.value.clone()).collect();
    let histories = History::of(survey, &everything, &dimension, values.clone())?;
    let Some(first) = histories.first() else { return Ok(Vec::new()) };
    let referred = Referred::of(survey, first)?;
    // A site that was there at first may link much more later: then only that window is an incident.
    let mut of: Vec<(Value, TimeRange)> = Vec::new();
    for (value, history) in values.iter().zip(&histories) {
        let Some(whole) = history.whole() else { continue };
        if referred.is_own(history) {
            continue;
        }
        if whole.0 - log_start >= NEW_AFTER_SECONDS {
            of.push((value.clone(), TimeRange::default()));
        } else if let Some((start, end)) = history.windows().first() {
            of.push((value.clone(), TimeRange { start: Some(*start), end: Some(*end) }));
        }
    }
    let profiles = survey.profiles(&everything, &dimension, of.clone())?;
    let mut found = Vec::new();
    for ((value, _), did) in of.iter().zip(&profiles) {
        let requests = did.stats.requests;
        let is_linking = requests >= MIN_REQUESTS
            && did.addresses >= MIN_ADDRESSES
            && requests as f64 / did.addresses as f64 <= MAX_REQUESTS_PER_ADDRESS
            && did.reads as f64 >= 0.9 * requests as f64
            && did.stats.errors as f64 <= 0.5 * requests as f64;
        if !is_linking {
            continue;
        }
        let period = (did.stats.first_seen, did.stats.last_seen.saturating_add(1));
        // The page that announces a release shows objects that are as new as itself.
        let of_site = Filter::term_for(&dimension, value);
        let label = match is_linking_site(value) {
            true => Some(Ordinary::LinkingSite),
            false => benign::release_day(survey, &of_site, period, 0.0)?,
        };
        let part = (period.1 - period.0) as f64 / survey.seconds().max(1) as f64;
        let share = requests as f64 / (survey.whole.requests as f64 * part).max(1.0);
        let evidence = Evidence {
            kind: Kind::HotLinking,
            subject: Some((dimension.clone(), value.clone())),
            filter: Filter::everything(),
            period: Some(period),
            strength: did.addresses as f64 / MIN_ADDRESSES as f64
                * if share >= LARGE_SHARE { 2.0 } else { 1.0 },
            label,
            stats: Some(did.stats),
        };
        let sentence = |stats: &Stats| {
            let objects = match (&did.only_key, did.keys) {
                (Some(key), _) => words::value(key),
                (_, keys) => human::counted(keys, "object"),
            };
            Ok(format!(
                "Pages of {} show {objects} of the bucket since {}: {} requests by {} addresses, {}.",
                words::value(value),
                words::minute(stats.first_seen),
                human::count(stats.requests),
                human::count(did.addresses),
                human::bytes(stats.bytes_sent),
            ))
        };
        found.extend(finding(survey, evidence, sentence)?);
    }
    Ok(found)
}

fn is_linking_site(host: &Value) -> bool {
    let Value::Text(host) = host else { return false };
    let host = String::from_utf8_lossy(host);
    LINKING_SITES
        .iter()
        .any(|site| host.strip_suffix(site).is_some_and(|before| before.is_empty() || before.ends_with('.')))
        || host.split('.').any(|part| part == "google")
}
