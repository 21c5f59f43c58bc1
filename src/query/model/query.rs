//! Queries: what an engine is asked.

use super::{Dimension, Measure, Value};
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::Filter;

/// A query about the requests of some sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// URIs of the sources; empty: all sources in the cache.
    pub sources: Vec<String>,
    /// The time range of the requests.
    pub time: TimeRange,
    /// The condition on the requests.
    pub filter: Filter,
    /// Which records count as requests.
    pub counting: Counting,
    /// The kind of answer.
    pub ask: Ask,
}

/// A time range in seconds since the epoch. `None` is unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// First second of the range.
    pub start: Option<i64>,
    /// First second after the range.
    pub end: Option<i64>,
}

impl TimeRange {
    /// The part of the range within `outer`.
    #[must_use]
    pub fn within(self, outer: TimeRange) -> TimeRange {
        // `None` is less than any time: right for the later start, wrong for the earlier end.
        let end = self.end.into_iter().chain(outer.end).min();
        TimeRange { start: self.start.max(outer.start), end }
    }
}

/// Which records count as requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Counting {
    /// Every logged record.
    #[default]
    AsLogged,
    /// All records except parts of other requests (`…COPY…_GET`, `BATCH.DELETE.OBJECT`) and actions of S3 itself
    /// (lifecycle: `S3.…`).
    Requests,
}

/// The kind of answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// One row over all requests. The answer is [`Answer::Totals`](super::Answer::Totals).
    Totals,
    /// One row over all requests, and what they cost. The answer is [`Answer::Cost`](super::Answer::Cost).
    Cost,
    /// One row per value of a dimension. The answer is [`Answer::Groups`](super::Answer::Groups).
    Groups {
        /// The dimension.
        by: Dimension,
        /// Measures beyond [`Stats`](super::Stats): the columns of [`GroupRow::more`](super::GroupRow::more).
        more: Vec<Measure>,
        /// The order of the rows. Equal rows are in ascending order of their values.
        sort: Sort<Measure>,
        /// Maximum number of rows; 0: all.
        limit: usize,
    },
    /// One row per value of each of several dimensions: one scan groups by all of them. The answer is
    /// [`Answer::GroupsOfEach`](super::Answer::GroupsOfEach).
    GroupsOfEach {
        /// The dimensions.
        by: Vec<Dimension>,
        /// The order of the rows: by a measure that [`Measure::is_extra`] is `false` for. Equal rows are in ascending
        /// order of their values.
        sort: Sort<Measure>,
        /// Maximum number of rows of each dimension; 0: all.
        limit: usize,
    },
    /// One row per pair of values of two dimensions that occur together. The answer is
    /// [`Answer::Pairs`](super::Answer::Pairs).
    Pairs {
        /// The dimensions.
        by: [Dimension; 2],
        /// The order of the rows: by a measure that [`Measure::is_extra`] is `false` for. Equal rows are in ascending
        /// order of their values.
        sort: Sort<Measure>,
        /// Maximum number of rows; 0: all.
        limit: usize,
    },
    /// How often the values of some dimensions occur among the requests of this query and among other requests of the
    /// same sources, counted in the same way. The answer is [`Answer::Comparison`](super::Answer::Comparison).
    Compare {
        /// The dimensions.
        by: Vec<Dimension>,
        /// The time range and the filter of the other requests. A request may be in both sets.
        with: (TimeRange, Filter),
        /// Only values that at least one of the sets has this often.
        at_least: u64,
        /// Maximum number of rows for each dimension; 0: all. Rows are in descending order of the difference between
        /// the shares of the value in both sets, equal rows in ascending order of their values.
        limit: usize,
    },
    /// The sizes of all groups of a dimension without their values. The answer is
    /// [`Answer::Distribution`](super::Answer::Distribution).
    Distribution {
        /// The dimension.
        by: Dimension,
        /// What is measured: [`Measure::Requests`], [`Measure::BytesSent`] or [`Measure::Errors`].
        of: Measure,
    },
    /// Stats per time bucket, ascending and without gaps, from the first to the last request. The answer is
    /// [`Answer::Series`](super::Answer::Series).
    Series {
        /// Width of a bucket in seconds. Buckets begin at multiples of it, counted from [`origin`].
        bucket: u32,
        /// If present: a series for each of these groups, instead of one over all requests.
        each: Option<(Dimension, Vec<Value>)>,
    },
    /// The number of requests of some values per time bucket: less than a series, in a fraction of the time. One scan counts
    /// all dimensions. The answer is [`Answer::Activity`](super::Answer::Activity).
    Activity {
        /// Width of a bucket in seconds, as of a series.
        bucket: u32,
        /// The values of each dimension.
        of: Vec<(Dimension, Vec<Value>)>,
    },
    /// What some clients did in more detail than stats. One scan profiles all of them. The answer is
    /// [`Answer::Profiles`](super::Answer::Profiles).
    Profiles {
        /// The clients: each is a value of a dimension in a time range. A value may occur several times.
        of: Vec<(Dimension, Value, TimeRange)>,
    },
    /// Single requests. The answer is [`Answer::Requests`](super::Answer::Requests).
    Requests {
        /// The order of the rows. Equal rows are in ascending order of time, then of arrival.
        sort: Sort<Field>,
        /// Number of rows to skip.
        offset: usize,
        /// Maximum number of rows; 0: all.
        limit: usize,
        /// Fields to read; others are absent. Empty: all fields. Text takes the longest to read.
        fields: Vec<Field>,
    },
    /// The requests with these ids ([`RequestRow::id`](super::RequestRow::id)), with all fields, in this order,
    /// regardless of sources, time and filter. Unknown ids are left out. The answer is
    /// [`Answer::Requests`](super::Answer::Requests).
    RequestsById(Vec<(u32, u64)>),
}

impl Query {
    /// Whether the answer depends on the values of this derived dimension.
    pub fn depends_on(&self, dimension: &Dimension) -> bool {
        let is_asked = match &self.ask {
            Ask::Groups { by, .. } | Ask::Distribution { by, .. } => by == dimension,
            Ask::GroupsOfEach { by, .. } => by.contains(dimension),
            Ask::Pairs { by, .. } => by.contains(dimension),
            Ask::Compare { by, with: (_, filter), .. } => by.contains(dimension) || filter.tests(dimension),
            Ask::Series { each, .. } => each.as_ref().is_some_and(|(by, _)| by == dimension),
            Ask::Activity { of, .. } => of.iter().any(|(by, _)| by == dimension),
            Ask::Profiles { of } => of.iter().any(|(by, ..)| by == dimension),
            Ask::Totals | Ask::Cost | Ask::Requests { .. } | Ask::RequestsById(_) => false,
        };
        is_asked || self.filter.tests(dimension)
    }
}

/// The time from which buckets of `width` seconds are counted, in seconds since the epoch: the first Monday (ISO 8601)
/// for whole weeks, otherwise the epoch.
pub fn origin(width: u32) -> i64 {
    const WEEK: i64 = 7 * SECONDS_PER_DAY;
    if width > 0 && i64::from(width) % WEEK == 0 { 4 * SECONDS_PER_DAY } else { 0 }
}

/// An order of rows. Absent values are last in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort<C> {
    /// The column.
    pub by: C,
    /// Whether the largest value is first.
    pub descending: bool,
}
