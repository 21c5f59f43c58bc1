//! An engine for analyses: its queries give way to those of the screen, so that no key press waits for an analysis.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio_util::sync::CancellationToken;

use crate::query::{Answer, Engine, Query, QueryError, Reply, Requests, Wrapper};

/// How often a query is interrupted. After that it runs to its end, so that an analysis ends whatever the user does.
const MAX_INTERRUPTIONS: usize = 8;
/// Time between two checks for cancellation while a query waits.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The queries of the screen that are running, and those of analyses that they interrupt.
#[derive(Default)]
pub(in crate::tui) struct ScreenQueries {
    queries: Mutex<Running>,
    has_ended: Condvar,
}

#[derive(Default)]
struct Running {
    /// Number of running queries of the screen.
    of_screen: usize,
    /// The running queries of analyses, by number.
    of_analyses: Vec<(u64, CancellationToken)>,
    last_number: u64,
}

/// A running query of the screen; it ends when this is dropped.
pub(in crate::tui) struct ScreenQuery(Arc<ScreenQueries>);

impl ScreenQueries {
    /// Notes that a query of the screen begins, and interrupts those of analyses.
    pub(in crate::tui) fn begin(self: &Arc<Self>) -> ScreenQuery {
        let mut queries = self.queries.lock();
        queries.of_screen += 1;
        queries.of_analyses.drain(..).for_each(|(_, interrupt)| interrupt.cancel());
        ScreenQuery(Arc::clone(self))
    }

    /// Waits until no query of the screen runs. Then a query of an analysis may begin; the next query of the screen
    /// cancels `interrupt`. Returns the number of the query.
    fn begin_in_background(
        &self,
        cancel: &CancellationToken,
        interrupt: Option<CancellationToken>,
    ) -> Result<u64, QueryError> {
        let mut queries = self.queries.lock();
        while queries.of_screen > 0 {
            if cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            self.has_ended.wait_for(&mut queries, CHECK_INTERVAL);
        }
        queries.last_number += 1;
        let number = queries.last_number;
        queries.of_analyses.extend(interrupt.map(|interrupt| (number, interrupt)));
        Ok(number)
    }

    fn end_in_background(&self, number: u64) {
        self.queries.lock().of_analyses.retain(|(other, _)| *other != number);
    }
}

impl Drop for ScreenQuery {
    fn drop(&mut self) {
        self.0.queries.lock().of_screen -= 1;
        self.0.has_ended.notify_all();
    }
}

pub(in crate::tui) struct BackgroundEngine {
    engine: Arc<dyn Engine>,
    screen: Arc<ScreenQueries>,
}

impl BackgroundEngine {
    pub(in crate::tui) fn new(engine: Arc<dyn Engine>, screen: Arc<ScreenQueries>) -> BackgroundEngine {
        BackgroundEngine { engine, screen }
    }

    /// Runs a query while the screen needs none. Begins again if a query of the screen interrupts it, which cancels the token
    /// that `ask` gets.
    fn when_idle(
        &self,
        cancel: &CancellationToken,
        mut ask: impl FnMut(&CancellationToken) -> Result<Reply, QueryError>,
    ) -> Result<Reply, QueryError> {
        for interruptions in 0.. {
            let interrupt = cancel.child_token();
            let may_interrupt = interruptions < MAX_INTERRUPTIONS;
            let number = self.screen.begin_in_background(cancel, may_interrupt.then(|| interrupt.clone()))?;
            let reply = ask(&interrupt);
            self.screen.end_in_background(number);
            match reply {
                Err(QueryError::Cancelled) if !cancel.is_cancelled() => {}
                reply => return reply,
            }
        }
        Err(QueryError::Cancelled)
    }
}

impl Wrapper for BackgroundEngine {
    fn inner(&self) -> &dyn Engine {
        &*self.engine
    }

    fn ask_inner(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        self.when_idle(cancel, |interrupt| self.engine.ask(query, interrupt, on_partial))
    }

    fn ask_once_inner(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.when_idle(cancel, |interrupt| self.engine.ask_once(query, interrupt))
    }

    fn pages_inner(
        &self,
        query: &Query,
        page_rows: usize,
        cancel: &CancellationToken,
        on_page: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError> {
        self.screen.begin_in_background(cancel, None)?;
        self.engine.pages(query, page_rows, cancel, on_page)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::query::{Ask, Counting, Dimension, Filter, Statistics, TimeRange, Totals};

    /// An engine whose queries run until they are cancelled, the first ones, or end at once.
    struct SlowEngine {
        slow: AtomicUsize,
        asked: AtomicUsize,
    }

    impl Engine for SlowEngine {
        fn ask(
            &self,
            _: &Query,
            cancel: &CancellationToken,
            _: &mut dyn FnMut(Answer, f64),
        ) -> Result<Reply, QueryError> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            while asked < self.slow.load(Ordering::SeqCst) {
                if cancel.is_cancelled() {
                    return Err(QueryError::Cancelled);
                }
                std::thread::yield_now();
            }
            let answer = Answer::Totals(Totals::default());
            Ok(Reply { answer, statistics: Statistics::default() })
        }

        fn pages(
            &self,
            _: &Query,
            _: usize,
            _: &CancellationToken,
            _: &mut dyn FnMut(Requests) -> bool,
        ) -> Result<(), QueryError> {
            Ok(())
        }

        fn generation(&self) -> u64 {
            1
        }

        fn pin_snapshot(&self, _: bool) -> Result<(), QueryError> {
            Ok(())
        }

        fn complete(&self, _: &Dimension, _: &str, _: usize) -> Result<Vec<String>, QueryError> {
            Ok(Vec::new())
        }
    }

    fn query() -> Query {
        Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::everything(),
            counting: Counting::AsLogged,
            ask: Ask::Totals,
        }
    }

    fn engine(slow: usize) -> (Arc<SlowEngine>, Arc<ScreenQueries>, BackgroundEngine) {
        let slow = Arc::new(SlowEngine { slow: AtomicUsize::new(slow), asked: AtomicUsize::new(0) });
        let screen = Arc::new(ScreenQueries::default());
        let engine = BackgroundEngine::new(Arc::clone(&slow) as Arc<dyn Engine>, Arc::clone(&screen));
        (slow, screen, engine)
    }

    #[test]
    fn a_query_of_the_screen_interrupts_the_query_of_an_analysis_which_runs_again_afterwards() {
        let (slow, screen, engine) = engine(1);
        std::thread::scope(|scope| {
            let analysis = scope.spawn(|| engine.ask(&query(), &CancellationToken::new(), &mut |_, _| {}));
            while slow.asked.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            let of_screen = screen.begin();
            // Only an interrupted query is asked a second time, and only when the screen has its answer.
            drop(of_screen);
            assert!(analysis.join().unwrap().is_ok());
        });
        assert_eq!(slow.asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn an_analysis_that_waits_for_the_screen_can_be_cancelled() {
        let (slow, screen, engine) = engine(0);
        let _of_screen = screen.begin();
        let cancel = CancellationToken::new();
        std::thread::scope(|scope| {
            let analysis = scope.spawn(|| engine.ask(&query(), &cancel, &mut |_, _| {}));
            cancel.cancel();
            assert!(matches!(analysis.join().unwrap(), Err(QueryError::Cancelled)));
        });
        assert_eq!(slow.asked.load(Ordering::SeqCst), 0);
    }
}
