//! Queries about requests and the engines that answer them.
//!
//! [`Query`] and [`Answer`] are plain data ([`model`]). An [`Engine`] answers queries; [`LocalEngine`] does so from the
//! cache ([`mod@engine`]). Queries, answers and the trait do not depend on how data is stored, so another engine can
//! serve the same screens. [`mod@filter`] is the filter language,
//! [`cost`] estimates what requests cost, [`sql`] runs SQL statements.
//!
//! Never here: widgets, S3.

pub mod cost;
pub mod engine;
pub mod filter;
pub mod model;
pub mod sql;
mod wrapper;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cache::CacheError;

pub use engine::LocalEngine;
pub use filter::Filter;
pub use model::{
    Activity, Answer, Ask, Bucket, BucketWidth, ComparedDimension, ComparedValue, Comparison, Counting,
    Dimension, Distribution, GroupRow, Groups, Measure, PairRow, Pairs, Profile, Query, RequestRow, Requests,
    Series, Sort, Stats, TimeRange, Totals, Value, answer, dimension, measure, origin,
};
pub use wrapper::Wrapper;

/// Answers queries, from several threads at the same time.
pub trait Engine: Send + Sync {
    /// Answers a query from the current snapshot of the data.
    ///
    /// Calls `on_partial` repeatedly with a preliminary answer and the share of the data that it covers, 0–1.
    /// Cancellation takes effect within milliseconds, and returns [`QueryError::Cancelled`].
    fn ask(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError>;

    /// Answers a query like [`Engine::ask`], but without preliminary answers: that takes less time.
    fn ask_once(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.ask(query, cancel, &mut |_, _| {})
    }

    /// Answers an [`Ask::Requests`] in pages of `page_rows` rows from one snapshot, regardless of its offset and limit.
    /// Calls `on_page` with each page, at least once, until it returns `false`. Other queries are
    /// [`QueryError::Invalid`].
    fn pages(
        &self,
        query: &Query,
        page_rows: usize,
        cancel: &CancellationToken,
        on_page: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError>;

    /// A number that increases whenever the data changes. Reading it is cheap.
    fn generation(&self) -> u64;

    /// Pins the current snapshot: until it is unpinned (`pin` is `false`), all answers come from this snapshot, and the
    /// generation does not change. Takes no longer than the start of a query. After an error nothing has changed.
    fn pin_snapshot(&self, pin: bool) -> Result<(), QueryError>;

    /// Up to `limit` values of a dimension for completion: values that begin with `text`, then values that contain it, in
    /// any case.
    fn complete(&self, by: &Dimension, text: &str, limit: usize) -> Result<Vec<String>, QueryError>;
}

/// Implements [`Engine::pages`] with a function that answers each query from the same snapshot.
pub(crate) fn ask_in_pages(
    query: &Query,
    page_rows: usize,
    on_page: &mut dyn FnMut(Requests) -> bool,
    mut ask: impl FnMut(&Query) -> Result<Answer, QueryError>,
) -> Result<(), QueryError> {
    let mut query = query.clone();
    let page_rows = page_rows.max(1);
    loop {
        let Ask::Requests { limit, .. } = &mut query.ask else {
            return Err(QueryError::Invalid("only lists of requests have pages".to_owned()));
        };
        *limit = page_rows;
        let Answer::Requests(requests) = ask(&query)? else { return Ok(()) };
        let is_last = requests.rows.len() < page_rows;
        if !on_page(requests) || is_last {
            return Ok(());
        }
        if let Ask::Requests { offset, .. } = &mut query.ask {
            *offset += page_rows;
        }
    }
}

/// A complete answer and its statistics.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// How much data was read, and how long it took.
    pub statistics: Statistics,
}

/// How much data a query read; `--stats` prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Requests of the queried sources.
    pub rows: u64,
    /// Requests that were scanned.
    pub rows_scanned: u64,
    /// Segments of the queried sources.
    pub segments: u64,
    /// Segments that were scanned.
    pub segments_scanned: u64,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The cache could not be read.
    #[error(transparent)]
    Cache(CacheError),
    /// The query is invalid. The message has the reason and what is valid.
    #[error("{0}")]
    Invalid(String),
}

impl From<CacheError> for QueryError {
    fn from(error: CacheError) -> QueryError {
        match error {
            CacheError::Cancelled => QueryError::Cancelled,
            error => QueryError::Cache(error),
        }
    }
}
