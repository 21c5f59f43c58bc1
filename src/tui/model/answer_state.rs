//! The answer to a query on the screen. Its old data stays visible until new data arrives.

use crate::query::Query;

/// The state of the answer to a query that is repeated whenever the query or the data changes.
#[derive(Clone, Debug)]
pub(crate) struct AnswerState<T> {
    /// The data on the screen. It may answer an earlier query.
    pub(crate) data: Option<T>,
    /// While the data is partial: the share of the requests it covers, 0–1.
    pub(crate) share: Option<f64>,
    /// The query that the data answers.
    pub(crate) query: Option<Query>,
    /// The last query with a complete answer, and the generation of that answer.
    complete: Option<(Query, u64)>,
    /// The number of the running query, and the query.
    running: Option<(u64, Query)>,
    /// The last query that failed, the generation it was tried on, and the error message.
    failed: Option<(Query, u64, String)>,
}

impl<T> Default for AnswerState<T> {
    fn default() -> AnswerState<T> {
        AnswerState { data: None, share: None, query: None, complete: None, running: None, failed: None }
    }
}

impl<T> AnswerState<T> {
    /// Whether `query` must be sent: it is neither running, nor answered or failed for data of `generation`.
    /// `latest` is the number of the last query sent for the same slot; a later query cancelled all others.
    pub(crate) fn needs_query(&self, query: &Query, generation: u64, latest: u64) -> bool {
        let is_running =
            self.running.as_ref().is_some_and(|(number, running)| *number == latest && running == query);
        let is_answered = matches!(&self.complete, Some((q, g)) if *g >= generation && q == query);
        let has_failed = matches!(&self.failed, Some((q, g, _)) if *g >= generation && q == query);
        !is_running && !is_answered && !has_failed
    }

    pub(crate) fn query_sent(&mut self, number: u64, query: Query) {
        self.running = Some((number, query));
    }

    pub(crate) fn awaits(&self, number: u64) -> bool {
        self.running.as_ref().is_some_and(|(running, _)| *running == number)
    }

    pub(crate) fn running_query(&self) -> Option<&Query> {
        self.running.as_ref().map(|(_, query)| query)
    }

    /// Notes an answer to the running query; `share` is `None` if the answer is complete. Returns whether the
    /// caller must replace the data: a partial answer does not replace a complete answer to the same query.
    pub(crate) fn accept(&mut self, share: Option<f64>, generation: u64) -> bool {
        let Some((_, query)) = &self.running else { return false };
        if share.is_some() && self.share.is_none() && self.query.as_ref() == Some(query) {
            return false;
        }
        self.query = Some(query.clone());
        self.share = share;
        self.failed = None;
        if share.is_none() {
            self.complete = self.running.take().map(|(_, query)| (query, generation));
        }
        true
    }

    /// Stores an answer to the running query, or its error.
    pub(crate) fn store(&mut self, share: Option<f64>, generation: u64, answer: Result<T, String>) {
        match answer {
            Ok(data) => {
                if self.accept(share, generation) {
                    self.data = Some(data);
                }
            }
            Err(message) => self.fail(generation, message),
        }
    }

    pub(crate) fn fail(&mut self, generation: u64, message: String) {
        if let Some((_, query)) = self.running.take() {
            // The answer to another query would look like the answer to this one, and a part of one as if it went on.
            if self.query.as_ref() != Some(&query) || self.share.is_some() {
                (self.data, self.share, self.query, self.complete) = (None, None, None, None);
            }
            self.failed = Some((query, generation, message));
        }
    }

    /// Why the last query failed.
    pub(crate) fn error(&self) -> Option<&str> {
        self.failed.as_ref().map(|(_, _, message)| message.as_str())
    }

    /// Whether the data is a complete answer, possibly to an earlier query.
    pub(crate) fn is_complete(&self) -> bool {
        self.data.is_some() && self.share.is_none()
    }

    /// Whether the data is a complete answer and no query is running.
    pub(crate) fn is_final(&self) -> bool {
        self.is_complete() && !self.is_running()
    }

    /// Whether the query of the complete answer is running again: the data has changed.
    pub(crate) fn is_being_updated(&self) -> bool {
        matches!((&self.running, &self.complete), (Some((_, running)), Some((complete, _))) if running == complete)
    }

    /// Whether there is no data yet and a query is running.
    pub(crate) fn is_loading(&self) -> bool {
        self.data.is_none() && self.is_running()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether a query is running that is different from the one that the data answers.
    pub(crate) fn is_stale(&self) -> bool {
        self.running.as_ref().is_some_and(|(_, running)| self.query.as_ref() != Some(running))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Ask, Counting, Filter, TimeRange};

    #[test]
    fn a_query_that_failed_halfway_looked_as_if_it_went_on() {
        let query = Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::everything(),
            counting: Counting::AsLogged,
            ask: Ask::Totals,
        };
        let mut state = AnswerState::default();
        state.query_sent(1, query.clone());
        state.store(Some(0.4), 1, Ok("a part"));
        state.store(None, 1, Err("the cache is damaged".to_owned()));
        assert_eq!((state.data, state.share, state.error()), (None, None, Some("the cache is damaged")));
        // A complete answer is still true.
        state.query_sent(2, query.clone());
        state.store(None, 2, Ok("all"));
        state.query_sent(3, query);
        state.store(None, 3, Err("the cache is damaged".to_owned()));
        assert_eq!((state.data, state.error()), (Some("all"), Some("the cache is damaged")));
    }
}
