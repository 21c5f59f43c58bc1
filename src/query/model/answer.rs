//! Answers: what an engine returns.

use std::sync::Arc;

use super::{Dimension, Measure, Profile};
use crate::log::{Field, ValueType};
use crate::query::cost::{Charges, Prices};

/// An answer of the kind that the query asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The answer to [`Ask::Totals`](super::Ask::Totals).
    Totals(Totals),
    /// The answer to [`Ask::Cost`](super::Ask::Cost).
    Cost(Cost),
    /// The answer to [`Ask::Groups`](super::Ask::Groups).
    Groups(Groups),
    /// The answer to [`Ask::GroupsOfEach`](super::Ask::GroupsOfEach): one for each dimension, in the order of the query.
    GroupsOfEach(Vec<Groups>),
    /// The answer to [`Ask::Pairs`](super::Ask::Pairs).
    Pairs(Pairs),
    /// The answer to [`Ask::Compare`](super::Ask::Compare).
    Comparison(Comparison),
    /// The answer to [`Ask::Distribution`](super::Ask::Distribution).
    Distribution(Distribution),
    /// The answer to [`Ask::Series`](super::Ask::Series).
    Series(Series),
    /// The answer to [`Ask::Activity`](super::Ask::Activity): one for each dimension, in the order of the query.
    Activity(Vec<Activity>),
    /// The answer to [`Ask::Profiles`](super::Ask::Profiles): a profile for each client, in the order of the query.
    Profiles(Vec<Profile>),
    /// The answer to [`Ask::Requests`](super::Ask::Requests) and [`Ask::RequestsById`](super::Ask::RequestsById).
    Requests(Requests),
}

/// The numbers that every group, bucket and total has. Sums count an absent number as 0 and saturate at [`u64::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of requests.
    pub requests: u64,
    /// Sum of `bytes_sent`.
    pub bytes_sent: u64,
    /// Number of requests with `http_status` ≥ 400.
    pub errors: u64,
    /// Time of the first request, in seconds since the epoch; meaningless without requests.
    pub first_seen: i64,
    /// Time of the last request, in the same unit; meaningless without requests.
    pub last_seen: i64,
}

impl Stats {
    /// The stats of both sets of requests together.
    #[must_use]
    pub fn merged(self, other: Stats) -> Stats {
        match (self.requests, other.requests) {
            (0, _) => other,
            (_, 0) => self,
            _ => Stats {
                requests: self.requests + other.requests,
                bytes_sent: self.bytes_sent.saturating_add(other.bytes_sent),
                errors: self.errors + other.errors,
                first_seen: self.first_seen.min(other.first_seen),
                last_seen: self.last_seen.max(other.last_seen),
            },
        }
    }
}

/// One row over all requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Over all requests of the query.
    pub stats: Stats,
}

/// What all requests cost: an estimate, see [`cost`](crate::query::cost).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Over all requests of the query.
    pub stats: Stats,
    /// What is charged for them.
    pub charges: Charges,
    /// The whole cost in US dollars.
    pub dollars: f64,
    /// The part of it for the requests themselves.
    pub of_requests: f64,
    /// The part of it for the bytes sent.
    pub of_transfer: f64,
}

impl Cost {
    /// The cost of charges.
    pub fn new(stats: Stats, charges: Charges, prices: &Prices) -> Cost {
        Cost {
            stats,
            charges,
            dollars: charges.dollars(prices),
            of_requests: charges.of_requests(prices),
            of_transfer: charges.of_transfer(prices),
        }
    }
}

/// A table of groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// The first rows in the order of the query.
    pub rows: Vec<GroupRow>,
    /// Number of all groups.
    pub group_count: u64,
    /// The stats of all groups, including those beyond the limit; the base of shares.
    pub totals: Stats,
    /// Measures of the query that are estimates in this answer, or whose estimates determined the order: numbers of
    /// distinct values, if there are too many values to count. The error is 1–2 % for 10,000 values.
    pub approximate: Vec<Measure>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRow {
    /// The value that its requests have in common.
    pub value: Value,
    /// The stats of its requests.
    pub stats: Stats,
    /// The further measures of the query, in its order; `None` if a measure has no value, such as a mean of no numbers.
    pub more: Vec<Option<f64>>,
}

/// A table of pairs of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// The first rows in the order of the query.
    pub rows: Vec<PairRow>,
    /// Number of all pairs.
    pub pair_count: u64,
    /// The stats of all pairs, including those beyond the limit.
    pub totals: Stats,
}

/// One pair of values.
#[derive(Clone, Debug, PartialEq)]
pub struct PairRow {
    /// The values that its requests have in common, in the order of the dimensions of the query.
    pub values: [Value; 2],
    /// The stats of its requests.
    pub stats: Stats,
}

/// Values of dimensions in two sets of requests: those of the query (`[0]`), and the others (`[1]`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Number of requests of each set.
    pub requests: [u64; 2],
    /// The dimensions of the query, in its order.
    pub dimensions: Vec<ComparedDimension>,
}

/// The values of a dimension in two sets of requests.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedDimension {
    /// The dimension.
    pub by: Dimension,
    /// Number of values in each set.
    pub value_counts: [u64; 2],
    /// Number of values that occur in at least one of the sets.
    pub all_value_count: u64,
    /// The first values in the order of the query.
    pub rows: Vec<ComparedValue>,
}

/// A value in two sets of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedValue {
    /// The value.
    pub value: Value,
    /// Number of requests with this value in each set.
    pub requests: [u64; 2],
}

/// The sizes of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The number of each group, in descending order.
    pub sizes: Vec<u64>,
}

/// Stats per time bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Width of a bucket in seconds.
    pub bucket: u32,
    /// Start of the first bucket, in seconds since the epoch; 0 without buckets.
    pub start: i64,
    /// One list of buckets, or one for each group of the query in its order. All lists have the same length; bucket `i`
    /// starts at `start + i × bucket`. Buckets without requests are included.
    pub lines: Vec<Vec<Stats>>,
}

/// The numbers of requests of some values of a dimension per time bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Width of a bucket in seconds.
    pub bucket: u32,
    /// Start of the first bucket in which one of the values has requests, in seconds since the epoch; 0 without buckets.
    pub start: i64,
    /// The buckets of each value, in the order of the query, until the last bucket in which one of them has requests.
    pub lines: Vec<Vec<u64>>,
}

/// Single requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    /// The rows of the query, in its order.
    pub rows: Vec<RequestRow>,
    /// Number of all requests that match.
    pub matched: u64,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Id of the source and row number within it. They never change, also when other requests are removed.
    pub id: (u32, u64),
    /// Time in seconds since the epoch.
    pub time: i64,
    /// The values of all fields, indexed by `Field as usize`. The time is a [`Value::Integer`].
    pub fields: Vec<Value>,
}

impl RequestRow {
    /// The value of a field.
    pub fn get(&self, field: Field) -> &Value {
        self.fields.get(field as usize).unwrap_or(&Value::Absent)
    }
}

/// A value of a field or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// A number, for measures, statuses, hours, times.
    Integer(i64),
    /// Text, decoded if the field is decoded; nearly always UTF-8. It can contain anything: escape it before printing,
    /// see [`is_invisible`](crate::query::filter::is_invisible).
    Text(Arc<[u8]>),
    /// No value: `-` in the log. Sorts last.
    #[default]
    Absent,
}

impl Value {
    /// The value of a field from its text: a number if the field has numbers. Text in another spelling than the
    /// canonical one (`0404`) remains text, because it is a different value.
    pub fn of_field(field: Field, text: Option<&[u8]>) -> Value {
        let Some(text) = text else { return Value::Absent };
        if field.spec().value == ValueType::Integer
            && let Ok(number) = std::str::from_utf8(text).unwrap_or("").parse::<i64>()
            && number.to_string().as_bytes() == text
        {
            return Value::Integer(number);
        }
        Value::Text(text.into())
    }

    /// The text of the value, `-` if it is absent. Invalid UTF-8 is replaced; control characters are not escaped.
    pub fn to_text(&self) -> String {
        match self {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Value::Absent => "-".to_owned(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.as_bytes().into())
    }
}
