//! Asks the engine on worker threads. Each slot has one question at a time: a newer one cancels the
//! older. Answers come back with the number of their question; whoever waits for it drops old ones.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::query::{Answer, Dimension, Engine, QueryError, Statistics};
use crate::tui::model::action::{Action, Question, Slot};
use tokio_util::sync::CancellationToken;

/// What an engine said to a question.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The slot of the question.
    pub(crate) slot: Slot,
    /// Its number.
    pub(crate) number: u64,
    /// The data was at least of this generation.
    pub(crate) generation: u64,
    /// The share of the requests behind a partial answer; `None` if it is whole.
    pub(crate) share: Option<f64>,
    /// The answer, or why there is none.
    pub(crate) answer: Result<Answer, String>,
    /// What a whole answer took.
    pub(crate) statistics: Statistics,
}

/// Hands questions to the engine.
pub(crate) struct Asker {
    engine: Arc<dyn Engine>,
    actions: UnboundedSender<Action>,
    running: [Option<CancellationToken>; Slot::COUNT],
}

impl Asker {
    /// Sends what the engine says as actions.
    pub(crate) fn new(engine: Arc<dyn Engine>, actions: UnboundedSender<Action>) -> Asker {
        Asker { engine, actions, running: Default::default() }
    }

    /// Asks; whatever runs in the same slot is cancelled.
    pub(crate) fn ask(&mut self, question: Question) {
        let cancel = CancellationToken::new();
        if let Some(older) = self.running[question.slot as usize].replace(cancel.clone()) {
            older.cancel();
        }
        let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
        tokio::task::spawn_blocking(move || {
            answer(&*engine, &question, &cancel, &mut |told| {
                // Nobody listens any more only when the session is over.
                let _ = actions.send(Action::Answered(Box::new(told)));
            });
        });
    }

    /// Looks for completions.
    pub(crate) fn complete(&self, number: u64, by: Dimension, text: String) {
        let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
        tokio::task::spawn_blocking(move || {
            let found =
                std::panic::catch_unwind(AssertUnwindSafe(|| engine.complete(&by, &text, COMPLETIONS)));
            let values = found.ok().and_then(Result::ok).unwrap_or_default();
            let _ = actions.send(Action::Completed { number, values });
        });
    }
}

/// How many completions are asked for.
pub(crate) const COMPLETIONS: usize = 50;

impl Drop for Asker {
    fn drop(&mut self) {
        for running in self.running.iter().flatten() {
            running.cancel();
        }
    }
}

/// Holds the data or lets it go; returns what is to be done with the state.
pub(crate) fn hold(engine: &dyn Engine, holds: bool) -> Action {
    match engine.hold(holds) {
        Ok(()) if holds => Action::Held(Ok(engine.generation())),
        Ok(()) => Action::Grown(engine.generation()),
        Err(error) => Action::Held(Err(error.to_string())),
    }
}

/// Asks one question, handing on every answer; a panic of the engine is told as an error.
pub(crate) fn answer(
    engine: &dyn Engine,
    question: &Question,
    cancel: &CancellationToken,
    tell: &mut dyn FnMut(Told),
) {
    // Read before asking: the answer is of this generation or a newer one.
    let generation = engine.generation();
    let told = |share, answer, statistics| Told {
        slot: question.slot,
        number: question.number,
        generation,
        share,
        answer,
        statistics,
    };
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
        engine.ask(&question.query, cancel, &mut |answer, share| {
            if !cancel.is_cancelled() {
                tell(told(Some(share), Ok(answer), Statistics::default()));
            }
        })
    }));
    match result {
        Ok(Ok(reply)) => tell(told(None, Ok(reply.answer), reply.statistics)),
        Ok(Err(QueryError::Cancelled)) => {}
        Ok(Err(error)) => tell(told(None, Err(error.to_string()), Statistics::default())),
        Err(_) => tell(told(
            None,
            Err("the engine broke down over this question; ask another or start again".to_owned()),
            Statistics::default(),
        )),
    }
}
