//! What is asked of an engine.

use super::{Dimension, Measure, Value};
use crate::log::time::SECONDS_PER_DAY;
use crate::query::Filter;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// URIs of the sources asked about; empty: all that the cache has.
    pub sources: Vec<String>,
    /// The time asked about.
    pub time: TimeRange,
    /// Which requests count.
    pub filter: Filter,
    /// Which records count as requests.
    pub counting: Counting,
    /// What is asked.
    pub ask: Ask,
}

/// A stretch of time in seconds since the epoch: `start` included, `end` excluded, `None` open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// First second of it.
    pub start: Option<i64>,
    /// First second after it.
    pub end: Option<i64>,
}

/// Which records count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Counting {
    /// Every record as logged.
    #[default]
    AsLogged,
    /// Without the parts of other requests (`…COPY…_GET`, `BATCH.DELETE.OBJECT`) and without what
    /// nobody asked for (lifecycle: `S3.…`).
    Requests,
}

/// What is asked about the requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// One row over all of them. Answered by [`Answer::Totals`].
    Totals,
    /// A row per value of a dimension. Answered by [`Answer::Groups`].
    Groups {
        /// The dimension.
        by: Dimension,
        /// What is computed per group beyond [`Stats`], each a column of [`GroupRow::more`].
        more: Vec<Measure>,
        /// What the rows are sorted by. Ties break by value, ascending.
        sort: Sort<Measure>,
        /// Rows wanted; 0: all.
        limit: usize,
    },
    /// Stats per stretch of time, ascending, without gaps between the first and the last request.
    /// Answered by [`Answer::Series`].
    Series {
        /// Width of a stretch in seconds, counted from [`origin`].
        bucket: u32,
        /// Only the requests of these groups, a series each, rather than one over all: what the
        /// activity column of a table shows for the rows in sight.
        each: Option<(Dimension, Vec<Value>)>,
    },
    /// Single requests. Answered by [`Answer::Requests`].
    Requests {
        /// What they are sorted by. Ties break by time, then by order of arrival.
        sort: Sort<crate::log::Field>,
        /// Rows to pass over.
        offset: usize,
        /// Rows wanted; 0: all.
        limit: usize,
        /// The fields that are read, the others are absent; none: every field. To read text takes longest.
        fields: Vec<crate::log::Field>,
    },
    /// Requests by their numbers ([`RequestRow::id`]), every field, in this order; those that are not there
    /// are left out. Whatever the filter. Answered by [`Answer::Requests`].
    Numbered(Vec<(u32, u64)>),
}

/// The instant that stretches of time of this width, in seconds, are counted from: the epoch, or the first
/// Monday after it (ISO 8601) for whole weeks.
pub fn origin(width: u32) -> i64 {
    const WEEK: i64 = 7 * SECONDS_PER_DAY;
    if width > 0 && i64::from(width) % WEEK == 0 { 4 * SECONDS_PER_DAY } else { 0 }
}

/// An order of rows. Absent values come last in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort<C> {
    /// The column.
    pub by: C,
    /// Largest first.
    pub descending: bool,
}
