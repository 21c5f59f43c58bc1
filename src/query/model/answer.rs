//! What comes back from an engine. Plain data.

use std::sync::Arc;

use super::Measure;
use crate::log::{Field, ValueType};

/// An answer, of the kind that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Ask::Totals`](super::Ask::Totals).
    Totals(Totals),
    /// To [`Ask::Groups`](super::Ask::Groups).
    Groups(Groups),
    /// To [`Ask::Series`](super::Ask::Series).
    Series(Series),
    /// To [`Ask::Requests`](super::Ask::Requests) and [`Ask::Numbered`](super::Ask::Numbered).
    Requests(Requests),
}

/// What every group, bucket and total has. Sums count an absent number as 0 and stop at [`u64::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests.
    pub requests: u64,
    /// Sum of `bytes_sent`.
    pub bytes_sent: u64,
    /// Requests with `http_status` ≥ 400.
    pub errors: u64,
    /// Time of the first request, seconds since the epoch; meaningless without requests.
    pub first_seen: i64,
    /// Time of the last request.
    pub last_seen: i64,
}

impl Stats {
    /// Both together.
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

/// All requests in one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Over all requests asked about.
    pub stats: Stats,
}

/// A table of groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// The rows wanted, in the order wanted.
    pub rows: Vec<GroupRow>,
    /// How many groups there are in all.
    pub group_count: u64,
    /// Over all groups, also those beyond the limit: what shares are taken of.
    pub totals: Stats,
    /// Measures among those asked for that are estimates this time, or whose estimates made the order: counts of
    /// different values, if there are too many to remember. Of 10,000 they are off by a percent or two.
    pub approximate: Vec<Measure>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRow {
    /// The value they share.
    pub value: Value,
    /// What every group has.
    pub stats: Stats,
    /// The further measures asked for, in the order asked for. `None`: no value (an average of nothing).
    pub more: Vec<Option<f64>>,
}

/// Stats over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Width of a bucket in seconds.
    pub bucket: u32,
    /// Start of the first bucket, seconds since the epoch, a multiple of `bucket`; 0 without buckets.
    pub start: i64,
    /// One list of buckets, or one per group asked for in their order; all of the same length,
    /// bucket `i` starting at `start + i × bucket`. Empty buckets have no requests.
    pub lines: Vec<Vec<Stats>>,
}

/// Single requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    /// The rows wanted, in the order wanted.
    pub rows: Vec<RequestRow>,
    /// How many match in all.
    pub matched: u64,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Number of the source and of the request in it; stays the same for the life of the cache.
    pub id: (u32, u64),
    /// Seconds since the epoch.
    pub time: i64,
    /// Every field by `Field as usize`; `Time` as [`Value::Integer`].
    pub fields: Vec<Value>,
}

impl RequestRow {
    /// One field.
    pub fn get(&self, field: Field) -> &Value {
        self.fields.get(field as usize).unwrap_or(&Value::Absent)
    }
}

/// A value of a field or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// A number: measures, statuses, hours, starts of time buckets.
    Integer(i64),
    /// Bytes as logged or decoded; nearly always UTF-8. Chosen by strangers: make control
    /// characters visible before showing.
    Text(Arc<[u8]>),
    /// `-` in the log. Sorts last.
    #[default]
    Absent,
}

impl Value {
    /// From the text of a field; numbers where the field holds numbers. A number that is spelled unusually
    /// (`0404`) stays text: it is another value than 404.
    pub fn of_field(field: Field, text: Option<&[u8]>) -> Value {
        match text {
            None => Value::Absent,
            Some(text) => {
                if field.spec().value == ValueType::Integer
                    && let Ok(number) = std::str::from_utf8(text).unwrap_or("").parse::<i64>()
                    && number.to_string().as_bytes() == text
                {
                    return Value::Integer(number);
                }
                Value::Text(text.into())
            }
        }
    }

    /// Text with invalid UTF-8 replaced; `-` if absent. Control characters are left in.
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
