//! Questions about requests, and their answers.
//!
//! A [`Query`] and an [`Answer`] are plain data; an [`Engine`] stands between them. The local engine
//! ([`engine`]) answers from the cache; nothing of SQLite or segments shows through, so another engine
//! can stand behind the same screens. The filter language lives in [`filter`],
//! SQL in [`sql`]. Never here: widgets, S3.

pub mod engine;
pub mod filter;
pub mod model;
pub mod sql;

use tokio_util::sync::CancellationToken;

use crate::cache::CacheError;

pub use engine::LocalEngine;
pub use filter::Filter;
pub use model::{
    Answer, Ask, Counting, Dimension, GroupRow, Groups, Measure, Query, RequestRow, Requests, Series, Sort,
    Stats, TimeRange, Totals, Value, answer, dimension, measure, origin,
};

/// Answers questions.
///
/// `partial` is called now and then with what is known so far and the share of the data behind it
/// (0–1); the returned answer is whole. A question whose [`CancellationToken`] is set ends with
/// [`QueryError::Cancelled`] within milliseconds. Asked from several threads at once.
pub trait Engine: Send + Sync {
    /// Answers a question about the data as it is now: one consistent snapshot.
    fn ask(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError>;

    /// The whole list of requests that [`Ask::Requests`] asks for, in pages of `page` rows, all of one snapshot. Each
    /// is handed to `take`, at least one, which says whether to go on.
    ///
    /// # Errors
    /// As [`Engine::ask`]; and if the question is another one.
    fn pages(
        &self,
        query: &Query,
        page: usize,
        cancel: &CancellationToken,
        take: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError>;

    /// A number that grows whenever the data changes: ask again when it does. Cheap.
    fn generation(&self) -> u64;

    /// Keeps to the data as it is now: every question is answered from this one snapshot, and the generation stays
    /// the same. `false`: follows the data again. Takes no longer than to begin a question.
    ///
    /// # Errors
    /// If the data cannot be read; then it goes on as before.
    fn hold(&self, holds: bool) -> Result<(), QueryError>;

    /// Values of a dimension that begin with, or else contain, `text` (any case), most frequent ones
    /// not necessarily first: for completion.
    fn complete(&self, by: &Dimension, text: &str, limit: usize) -> Result<Vec<String>, QueryError>;
}

/// Asks for a list of requests page by page, for [`Engine::pages`]; `ask` answers from one snapshot.
pub(crate) fn in_pages(
    query: &Query,
    page: usize,
    take: &mut dyn FnMut(Requests) -> bool,
    mut ask: impl FnMut(&Query) -> Result<Answer, QueryError>,
) -> Result<(), QueryError> {
    let mut query = query.clone();
    let page = page.max(1);
    loop {
        let Ask::Requests { limit, .. } = &mut query.ask else {
            return Err(QueryError::Invalid("only lists of requests come in pages".to_owned()));
        };
        *limit = page;
        let Answer::Requests(requests) = ask(&query)? else { return Ok(()) };
        let is_last = requests.rows.len() < page;
        if !take(requests) || is_last {
            return Ok(());
        }
        if let Ask::Requests { offset, .. } = &mut query.ask {
            *offset += page;
        }
    }
}

/// A whole answer and what it took.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// What it took.
    pub statistics: Statistics,
}

/// What an answer took; `--stats` prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Requests in the data asked about.
    pub rows: u64,
    /// Requests looked at.
    pub rows_scanned: u64,
    /// Segments in the data asked about.
    pub segments: u64,
    /// Segments read.
    pub segments_scanned: u64,
    /// Wall-clock time.
    pub elapsed: std::time::Duration,
}

impl From<CacheError> for QueryError {
    fn from(error: CacheError) -> QueryError {
        match error {
            CacheError::Cancelled => QueryError::Cancelled,
            error => QueryError::Cache(error),
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A newer question took its place.
    #[error("cancelled")]
    Cancelled,
    /// The cache could not be read.
    #[error(transparent)]
    Cache(CacheError),
    /// The question makes no sense; says why and what to ask.
    #[error("{0}")]
    Invalid(String),
}
