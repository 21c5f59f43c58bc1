//! What one client did in a period: exact counts, and the traits of a sample of its requests.

use std::collections::{HashMap, HashSet};

use super::history::History;
use crate::insight::survey::Survey;
use crate::log::{Field, method};
use crate::query::{Dimension, Filter, Measure, QueryError, RequestRow, Stats, TimeRange, Value};

/// The traits are those of this number of requests, the first of the period.
const SAMPLE_REQUESTS: usize = 4_000;
/// The fields that traits are computed from.
const SAMPLE_FIELDS: [Field; 11] = [
    Field::Time,
    Field::RemoteIp,
    Field::Requester,
    Field::Operation,
    Field::Key,
    Field::HttpStatus,
    Field::ErrorCode,
    Field::BytesSent,
    Field::ObjectSize,
    Field::Referer,
    Field::UserAgent,
];

/// A client in a period.
pub(super) struct Profile<'a> {
    /// The dimension and the value that make the client.
    pub dimension: &'a Dimension,
    pub value: &'a Value,
    /// When the client was active, in the whole scope.
    pub history: &'a History,
    /// First second, and first second after the period.
    pub period: (i64, i64),
    /// What it did in the period.
    pub stats: Stats,
    /// Numbers of distinct keys, addresses and user agents.
    pub keys: u64,
    pub addresses: u64,
    pub agents: u64,
    /// Requests with status 4xx and 5xx.
    pub errors_4xx: u64,
    pub errors_5xx: u64,
    /// Traits of the first requests.
    pub traits: Traits,
}

/// Traits of a sample of requests. Shares are 0–1.
#[derive(Clone, Debug, Default)]
pub(super) struct Traits {
    /// Number of requests in the sample.
    pub requests: usize,
    /// Distinct keys.
    pub keys: usize,
    /// Share of the steps from one key to another that lead to a later key (or, if more, to an earlier one).
    pub ordered: f64,
    /// Share of `GET` and `HEAD` requests.
    pub reads: f64,
    /// Share of requests without a referer.
    pub without_referer: f64,
    /// Share of requests without a requester.
    pub anonymous: f64,
    /// Share of requests with status 206.
    pub partial: f64,
    /// Bytes sent of partial responses, divided by the sizes of the distinct objects that they are parts of.
    pub partial_rereads: f64,
    /// Mean bytes of a partial response.
    pub partial_bytes: f64,
    /// The most frequent user agent, and its share.
    pub agent: Option<(Vec<u8>, f64)>,
    /// The most frequent address, and its share.
    pub address: Option<(Vec<u8>, f64)>,
    /// The most frequent key, and its share.
    pub key: Option<(Vec<u8>, f64)>,
    /// The most frequent error code, and its share of all requests.
    pub error: Option<(Vec<u8>, f64)>,
    /// The most frequent operation, and its share.
    pub operation: Option<(Vec<u8>, f64)>,
    /// Distinct keys of requests with status 401, 403 or 404.
    pub missed_keys: usize,
    /// Distinct operations that were denied (403).
    pub denied_operations: usize,
    /// The longest folder that all keys have in common, if the sample has keys.
    pub prefix: Option<Vec<u8>>,
}

impl<'a> Profile<'a> {
    /// Asks what a client did in a period. `None` if it did nothing.
    pub(super) fn of(
        survey: &Survey<'_>,
        (dimension, value): (&'a Dimension, &'a Value),
        history: &'a History,
        period: (i64, i64),
    ) -> Result<Option<Profile<'a>>, QueryError> {
        let filter = Filter::term_for(dimension, value)
            .and(Filter::within(TimeRange { start: Some(period.0), end: Some(period.1) }));
        let measures = [
            Measure::Objects,
            Measure::Addresses,
            Measure::UserAgents,
            Measure::Errors4xx,
            Measure::Errors5xx,
        ];
        let groups = survey.groups(&filter, dimension, &measures, Measure::Requests, 1)?;
        let Some(row) = groups.rows.first() else { return Ok(None) };
        let number = |index: usize| row.more.get(index).copied().flatten().unwrap_or(0.0) as u64;
        let sample = survey.requests(&filter, &SAMPLE_FIELDS, SAMPLE_REQUESTS)?;
        Ok(Some(Profile {
            dimension,
            value,
            history,
            period: (row.stats.first_seen, row.stats.last_seen.saturating_add(1)),
            stats: row.stats,
            keys: number(0),
            addresses: number(1),
            agents: number(2),
            errors_4xx: number(3),
            errors_5xx: number(4),
            traits: Traits::of(&sample.rows),
        }))
    }

    /// Length of the period in seconds.
    pub(super) fn seconds(&self) -> i64 {
        (self.period.1 - self.period.0).max(1)
    }

    /// Share of requests with an error.
    pub(super) fn error_share(&self) -> f64 {
        self.stats.errors as f64 / self.stats.requests.max(1) as f64
    }

    /// Requests per distinct key; many if there are no keys.
    pub(super) fn requests_per_key(&self) -> f64 {
        self.stats.requests as f64 / self.keys.max(1) as f64
    }

    /// Whether most requests are anonymous.
    pub(super) fn is_anonymous(&self) -> bool {
        self.traits.anonymous > 0.5
    }
}

impl Traits {
    fn of(rows: &[RequestRow]) -> Traits {
        let mut tally = Tally::default();
        for row in rows {
            tally.add(row);
        }
        tally.finish(rows.len())
    }
}

#[derive(Default)]
struct Tally<'a> {
    keys: HashMap<&'a [u8], u64>,
    agents: HashMap<&'a [u8], u64>,
    addresses: HashMap<&'a [u8], u64>,
    errors: HashMap<&'a [u8], u64>,
    operations: HashMap<&'a [u8], u64>,
    missed: HashSet<&'a [u8]>,
    denied: HashSet<&'a [u8]>,
    /// Sizes of the objects with partial responses.
    sizes: HashMap<&'a [u8], u64>,
    last_key: Option<&'a [u8]>,
    later: u64,
    earlier: u64,
    reads: u64,
    without_referer: u64,
    anonymous: u64,
    partial: u64,
    partial_bytes: u64,
    prefix: Option<&'a [u8]>,
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Integer(number) => (*number).max(0).unsigned_abs(),
        _ => 0,
    }
}

impl<'a> Tally<'a> {
    fn add(&mut self, row: &'a RequestRow) {
        let operation = bytes(row.get(Field::Operation));
        let key = bytes(row.get(Field::Key));
        let status = number(row.get(Field::HttpStatus));
        if let Some(key) = key {
            *self.keys.entry(key).or_default() += 1;
            if let Some(last) = self.last_key {
                self.later += u64::from(key > last);
                self.earlier += u64::from(key < last);
            }
            self.last_key = Some(key);
            self.prefix = Some(match self.prefix {
                None => folder(key),
                Some(prefix) => common_folder(prefix, key),
            });
        }
        if let Some(operation) = operation {
            *self.operations.entry(operation).or_default() += 1;
            self.reads += u64::from(matches!(method::of_operation(operation), Some(b"GET" | b"HEAD")));
        }
        if let Some(agent) = bytes(row.get(Field::UserAgent)) {
            *self.agents.entry(agent).or_default() += 1;
        }
        if let Some(address) = bytes(row.get(Field::RemoteIp)) {
            *self.addresses.entry(address).or_default() += 1;
        }
        if let Some(error) = bytes(row.get(Field::ErrorCode)) {
            *self.errors.entry(error).or_default() += 1;
        }
        self.without_referer += u64::from(*row.get(Field::Referer) == Value::Absent);
        self.anonymous += u64::from(*row.get(Field::Requester) == Value::Absent);
        if status == 206 {
            let sent = number(row.get(Field::BytesSent));
            self.partial += 1;
            self.partial_bytes += sent;
            let size = self.sizes.entry(key.unwrap_or_default()).or_default();
            *size = (*size).max(number(row.get(Field::ObjectSize))).max(sent);
        }
        if matches!(status, 401 | 403 | 404) {
            self.missed.extend(key);
            if status == 403 {
                self.denied.extend(operation);
            }
        }
    }

    fn finish(self, requests: usize) -> Traits {
        let share = |part: u64| part as f64 / requests.max(1) as f64;
        let sizes: u64 = self.sizes.values().fold(0, |sum, size| sum.saturating_add(*size));
        Traits {
            requests,
            keys: self.keys.len(),
            ordered: self.later.max(self.earlier) as f64 / (self.later + self.earlier).max(1) as f64,
            reads: share(self.reads),
            without_referer: share(self.without_referer),
            anonymous: share(self.anonymous),
            partial: share(self.partial),
            partial_rereads: self.partial_bytes as f64 / sizes.max(1) as f64,
            partial_bytes: self.partial_bytes as f64 / self.partial.max(1) as f64,
            agent: most(&self.agents, requests),
            address: most(&self.addresses, requests),
            key: most(&self.keys, requests),
            error: most(&self.errors, requests),
            operation: most(&self.operations, requests),
            missed_keys: self.missed.len(),
            denied_operations: self.denied.len(),
            prefix: self.prefix.map(<[u8]>::to_vec),
        }
    }
}

/// The most frequent value, the smallest of equals, and its share.
fn most(counts: &HashMap<&[u8], u64>, of: usize) -> Option<(Vec<u8>, f64)> {
    let (value, count) = counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
    Some((value.to_vec(), *count as f64 / of.max(1) as f64))
}

/// The folder of a key, with the slash at its end.
fn folder(key: &[u8]) -> &[u8] {
    &key[..memchr::memrchr(b'/', key).map_or(0, |slash| slash + 1)]
}

/// The folder that `prefix`, a folder, and `key` have in common.
fn common_folder<'a>(prefix: &'a [u8], key: &[u8]) -> &'a [u8] {
    let same = prefix.iter().zip(key).take_while(|(a, b)| a == b).count();
    folder(&prefix[..same])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(Field, Value)]) -> RequestRow {
        let mut values = vec![Value::Absent; Field::COUNT];
        for (field, value) in fields {
            values[*field as usize] = value.clone();
        }
        RequestRow { id: (0, 0), time: 0, fields: values }
    }

    #[test]
    fn keys_in_order_without_repeats_have_an_order_of_one() {
        let rows: Vec<RequestRow> = (10..60)
            .map(|n| request(&[(Field::Key, Value::from(format!("media/a/{n}.jpg").as_str()))]))
            .collect();
        let traits = Traits::of(&rows);
        assert_eq!((traits.keys, traits.ordered), (50, 1.0));
        assert_eq!(traits.prefix.as_deref(), Some(&b"media/a/"[..]));
        assert_eq!(traits.without_referer, 1.0);
    }

    #[test]
    fn ranges_of_one_object_read_again_and_again_are_rereads() {
        let part = request(&[
            (Field::Key, Value::from("film.mp4")),
            (Field::HttpStatus, Value::Integer(206)),
            (Field::BytesSent, Value::Integer(500)),
            (Field::ObjectSize, Value::Integer(1_000)),
        ]);
        let traits = Traits::of(&vec![part; 20]);
        assert_eq!((traits.partial, traits.partial_rereads, traits.partial_bytes), (1.0, 10.0, 500.0));
        assert_eq!(traits.key, Some((b"film.mp4".to_vec(), 1.0)));
    }
}
