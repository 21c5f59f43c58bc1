//! Runs queries on worker threads. Each slot has at most one query: a new one cancels the running one.

use std::{panic::AssertUnwindSafe, sync::Arc};

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::query::filter::{Subject, Test};
use crate::query::{Answer, Ask, Dimension, Engine, Filter, Measure, Query, QueryError, Sort, Statistics};
use crate::tui::app::background_engine::ScreenQueries;
use crate::tui::model::{Action, QueryJob, QueryResult, Slot};

/// Completions that are requested from the engine.
const MAX_COMPLETIONS: usize = 50;

/// Sends queries to the engine, and their results, as actions, to the session.
pub(in crate::tui) struct QueryRunner {
    engine: Arc<dyn Engine>,
    actions: UnboundedSender<Action>,
    running: [Option<CancellationToken>; Slot::COUNT],
    queries: Arc<ScreenQueries>,
}

impl QueryRunner {
    /// `queries` notes which queries are running.
    pub(in crate::tui) fn new(
        engine: Arc<dyn Engine>,
        actions: UnboundedSender<Action>,
        queries: Arc<ScreenQueries>,
    ) -> QueryRunner {
        QueryRunner { engine, actions, running: Default::default(), queries }
    }

    /// Starts a query and cancels the running one of its slot.
    pub(in crate::tui) fn start(&mut self, job: QueryJob) {
        let cancel = CancellationToken::new();
        if let Some(older) = self.running[job.slot as usize].replace(cancel.clone()) {
            older.cancel();
        }
        let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
        let running = self.queries.begin();
        tokio::task::spawn_blocking(move || {
            let _running = running;
            run_query(&*engine, &job, &cancel, &mut |result| {
                // Fails only when the session is over.
                let _ = actions.send(Action::Answered(Box::new(result)));
            });
        });
    }

    /// Looks for values of `by` that complete `text`, in the sources and the time range of `query`.
    pub(in crate::tui) fn complete(&self, number: u64, query: Query, by: Dimension, text: String) {
        let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
        tokio::task::spawn_blocking(move || {
            let found = std::panic::catch_unwind(AssertUnwindSafe(|| {
                completions(&*engine, query, &by, &text, MAX_COMPLETIONS)
            }));
            let values = found.ok().and_then(Result::ok).unwrap_or_default();
            let _ = actions.send(Action::Completed { number, values });
        });
    }
}

impl Drop for QueryRunner {
    fn drop(&mut self) {
        for running in self.running.iter().flatten() {
            running.cancel();
        }
    }
}

/// Values of `by` that begin with `text`, then values that contain it, in any case; frequent ones before rare ones. `query`
/// has the sources and the time range.
pub(in crate::tui) fn completions(
    engine: &dyn Engine,
    query: Query,
    by: &Dimension,
    text: &str,
    limit: usize,
) -> Result<Vec<String>, QueryError> {
    let subject = match by {
        Dimension::Field(field) => Subject::Field(*field),
        // The text of a value is not the number that a filter compares.
        Dimension::HourOfDay | Dimension::Weekday | Dimension::StatusClass => {
            return engine.complete(by, text, limit);
        }
        derived => Subject::Derived(derived.clone()),
    };
    let mut values: Vec<String> = Vec::new();
    let pattern = |start: &str| Test::Regex(format!("(?i){start}{}", regex::escape(text)));
    for test in [pattern("^"), pattern("")] {
        let sort = Sort { by: Measure::Requests, descending: true };
        let ask = Ask::Groups { by: by.clone(), more: Vec::new(), sort, limit };
        let filter = Filter::Term(subject.clone(), test);
        let cancel = CancellationToken::new();
        let answer = engine.ask_once(&Query { filter, ask, ..query.clone() }, &cancel)?.answer;
        if let Answer::Groups(groups) = answer {
            for value in groups.rows.iter().map(|row| row.value.to_text()) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        if values.len() >= limit {
            break;
        }
    }
    values.truncate(limit);
    Ok(values)
}

/// Pins the engine to the current snapshot, or releases it. Returns the action that reports the result.
pub(in crate::tui) fn pin_snapshot(engine: &dyn Engine, pin: bool) -> Action {
    match engine.pin_snapshot(pin) {
        Ok(()) if pin => Action::SnapshotPinned(Ok(engine.generation())),
        Ok(()) => Action::DataChanged(engine.generation()),
        Err(error) => Action::SnapshotPinned(Err(error.to_string())),
    }
}

/// Runs a query and passes every result to `on_result`: partial answers, then the complete answer or an error. A
/// panic of the engine is an error. A cancelled query has no further results.
pub(in crate::tui) fn run_query(
    engine: &dyn Engine,
    job: &QueryJob,
    cancel: &CancellationToken,
    on_result: &mut dyn FnMut(QueryResult),
) {
    // Read before the query: the answer is of this generation or a later one.
    let generation = engine.generation();
    let result = |share, answer, statistics| QueryResult {
        slot: job.slot,
        number: job.number,
        generation,
        share,
        answer,
        statistics,
    };
    let reply = std::panic::catch_unwind(AssertUnwindSafe(|| {
        engine.ask(&job.query, cancel, &mut |answer, share| {
            if !cancel.is_cancelled() {
                on_result(result(Some(share), Ok(answer), Statistics::default()));
            }
        })
    }));
    match reply {
        Ok(Ok(reply)) => on_result(result(None, Ok(reply.answer), reply.statistics)),
        Ok(Err(QueryError::Cancelled)) => {}
        Ok(Err(error)) => on_result(result(None, Err(error.to_string()), Statistics::default())),
        Err(_) => on_result(result(
            None,
            Err("internal error while running this query; change the query or restart tamarin".to_owned()),
            Statistics::default(),
        )),
    }
}
