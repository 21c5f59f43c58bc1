//! The answer to a standing question as the screen holds it: old rows stay until new ones are here.

use crate::query::Query;

/// What is known of the answer to a standing question.
#[derive(Clone, Debug)]
pub(crate) struct Held<T> {
    /// What is shown, of whichever question it was the answer to.
    pub(crate) data: Option<T>,
    /// The share of the requests behind the data, while it is partial.
    pub(crate) share: Option<f64>,
    /// What the data answers.
    pub(crate) answers: Option<Query>,
    /// What was answered in whole, and of which generation the data was.
    whole: Option<(Query, u64)>,
    /// The question on its way.
    running: Option<Running>,
    /// Why the last question of its kind has no answer.
    error: Option<(Query, u64, String)>,
}

/// A question on its way.
#[derive(Clone, Debug)]
struct Running {
    number: u64,
    query: Query,
}

impl<T> Default for Held<T> {
    fn default() -> Held<T> {
        Held { data: None, share: None, answers: None, whole: None, running: None, error: None }
    }
}

impl<T> Held<T> {
    /// Whether this question must be asked: it is neither answered nor on its way. `latest` is the
    /// number of the last question asked in this slot, by whomever.
    pub(crate) fn wants(&self, query: &Query, generation: u64, latest: u64) -> bool {
        if let Some(running) = &self.running
            && running.number == latest
            && running.query == *query
        {
            return false;
        }
        let answered = matches!(&self.whole, Some((q, g)) if *g >= generation && q == query);
        let failed = matches!(&self.error, Some((q, g, _)) if *g >= generation && q == query);
        !answered && !failed
    }

    /// A question was sent.
    pub(crate) fn asked(&mut self, number: u64, query: Query) {
        self.running = Some(Running { number, query });
    }

    /// Whether an answer of this number is waited for.
    pub(crate) fn awaits(&self, number: u64) -> bool {
        self.running.as_ref().is_some_and(|running| running.number == number)
    }

    /// The question on its way.
    pub(crate) fn asked_for(&self) -> Option<&Query> {
        self.running.as_ref().map(|running| &running.query)
    }

    /// Takes an answer; `share` is `None` when it is whole. Returns whether it is to be shown: a
    /// partial answer never takes the place of a whole one to the same question.
    pub(crate) fn take(&mut self, share: Option<f64>, generation: u64) -> bool {
        let Some(running) = &self.running else { return false };
        if share.is_some() && self.share.is_none() && self.answers.as_ref() == Some(&running.query) {
            return false;
        }
        self.answers = Some(running.query.clone());
        self.share = share;
        self.error = None;
        if share.is_none() {
            self.whole = self.running.take().map(|running| (running.query, generation));
        }
        true
    }

    /// The question has no answer.
    pub(crate) fn fail(&mut self, generation: u64, message: String) {
        if let Some(running) = self.running.take() {
            self.error = Some((running.query, generation, message));
        }
    }

    /// Why there is no answer.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_ref().map(|(_, _, message)| message.as_str())
    }

    /// Whether what is shown is the whole answer to some question.
    pub(crate) fn is_whole(&self) -> bool {
        self.data.is_some() && self.share.is_none()
    }

    /// Whether a whole answer is shown and no other is on its way.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_whole() && !self.is_running()
    }

    /// Whether nothing is shown yet of a question that is on its way.
    pub(crate) fn is_awaited(&self) -> bool {
        self.data.is_none() && self.is_running()
    }

    /// Whether an answer is on its way.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether the rows shown answer another question than the one on its way.
    pub(crate) fn is_stale(&self) -> bool {
        self.running.as_ref().is_some_and(|running| self.answers.as_ref() != Some(&running.query))
    }
}
