//! Runs analyses on worker threads. Each kind has at most one: a new one cancels the running one.

use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc};

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::identity::host_names::NameService;
use crate::insight::block::BlockError;
use crate::insight::findings::Findings;
use crate::insight::findings::mute::{self, Mute, MuteStore};
use crate::insight::{block, concentration, contrast, emptiness, findings, host_names};
use crate::query::{Engine, QueryError};
use crate::tui::model::{
    Action, AllFindings, AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, AnalysisSlot,
};

/// How much the threads of an analysis give way to others, 0–19. A thread of the usual niceness gets three times as much
/// time. More makes an analysis on a busy machine slower, but hardly a key faster.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Runs analyses, and sends their results, as actions, to the session.
pub(in crate::tui) struct AnalysisRunner {
    engine: Arc<dyn Engine>,
    mutes: Option<Arc<dyn MuteStore>>,
    names: Arc<NameService>,
    /// Returns the current time in seconds since the epoch.
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    actions: UnboundedSender<Action>,
    running: [Option<CancellationToken>; AnalysisSlot::COUNT],
}

impl AnalysisRunner {
    /// `engine` answers the queries of analyses; they should give way to those of the screen.
    pub(in crate::tui) fn new(
        engine: Arc<dyn Engine>,
        mutes: Option<Arc<dyn MuteStore>>,
        names: Arc<NameService>,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
        actions: UnboundedSender<Action>,
    ) -> AnalysisRunner {
        AnalysisRunner { engine, mutes, names, clock, actions, running: Default::default() }
    }

    /// Starts an analysis and cancels the running one of its slot.
    pub(in crate::tui) fn start(&mut self, job: AnalysisJob) {
        let slot = job.ask.slot();
        self.stop(slot);
        let cancel = CancellationToken::new();
        self.running[slot as usize] = Some(cancel.clone());
        let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
        let (mutes, names, now) = (self.mutes.clone(), Arc::clone(&self.names), (self.clock)());
        tokio::task::spawn_blocking(move || {
            at_low_priority(|| {
                run_analysis(&*engine, mutes.as_deref(), &names, now, &job, &cancel, &mut |result| {
                    // Fails only when the session is over.
                    let _ = actions.send(Action::Analysed(Box::new(result)));
                });
            });
        });
    }

    pub(in crate::tui) fn stop(&mut self, slot: AnalysisSlot) {
        if let Some(running) = self.running[slot as usize].take() {
            running.cancel();
        }
    }
}

impl Drop for AnalysisRunner {
    fn drop(&mut self) {
        for running in self.running.iter().flatten() {
            running.cancel();
        }
    }
}

/// Runs an analysis on a thread to which the kernel prefers those that draw and answer the screen. The threads that it
/// starts are like it.
fn at_low_priority(analysis: impl FnOnce() + Send) {
    // A thread of its own, because the runtime uses this one again, and its priority could not be raised.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Elsewhere, this would be the priority of the whole process.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(NICENESS);
            analysis();
        });
    });
}

/// Runs an analysis and passes every result to `on_result`: partial results, then the complete result or an error. A
/// panic is an error. A cancelled analysis has no further results. `now` is the current time
/// in seconds since the epoch.
pub(in crate::tui) fn run_analysis(
    engine: &dyn Engine,
    mutes: Option<&dyn MuteStore>,
    names: &NameService,
    now: i64,
    job: &AnalysisJob,
    cancel: &CancellationToken,
    on_result: &mut dyn FnMut(AnalysisResult),
) {
    // Read before the first query: the result is of this generation or a later one.
    let generation = engine.generation();
    let result = |share, answer| AnalysisResult { number: job.number, generation, share, answer };
    let answer = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut on_partial = |answer, share| {
            if !cancel.is_cancelled() {
                on_result(result(Some(share), Ok(answer)));
            }
        };
        let mutes = match (&job.ask, mutes) {
            (AnalysisAsk::Findings(_), Some(store)) => {
                store.mutes().map_err(|error| QueryError::Invalid(error.to_string()))?
            }
            _ => Vec::new(),
        };
        analyse(engine, &mutes, names, now, &job.ask, cancel, &mut on_partial)
    }));
    match answer {
        Ok(Ok(answer)) => on_result(result(None, Ok(answer))),
        Ok(Err(QueryError::Cancelled)) => {}
        Ok(Err(error)) => on_result(result(None, Err(error.to_string()))),
        Err(_) => {
            let message = "internal error in this analysis; change the filter or restart tamarin";
            on_result(result(None, Err(message.to_owned())));
        }
    }
}

fn analyse(
    engine: &dyn Engine,
    mutes: &[Mute],
    names: &NameService,
    now: i64,
    ask: &AnalysisAsk,
    cancel: &CancellationToken,
    on_partial: &mut dyn FnMut(AnalysisAnswer, f64),
) -> Result<AnalysisAnswer, QueryError> {
    match ask {
        AnalysisAsk::Findings(scope) => {
            let separated = |found: &Findings| {
                let mut found = found.clone();
                let muted = mute::separate(engine, scope, mutes, now, &mut found.findings, cancel)?;
                Ok::<_, QueryError>(AllFindings { found, muted })
            };
            let found = findings::find(engine, scope, cancel, &mut |found, share| {
                // An error is reported when the analysis ends.
                if let Ok(found) = separated(found) {
                    on_partial(AnalysisAnswer::Findings(found), share);
                }
            })?;
            separated(&found).map(AnalysisAnswer::Findings)
        }
        AnalysisAsk::Contrast(scope, against) => {
            contrast::contrast(engine, scope, against, cancel, &mut |contrast, share| {
                on_partial(AnalysisAnswer::Contrast(contrast.clone()), share);
            })
            .map(AnalysisAnswer::Contrast)
        }
        AnalysisAsk::Concentration(scope, by, of) => {
            concentration::concentration(engine, scope, by, *of, cancel, &mut |concentration, share| {
                on_partial(AnalysisAnswer::Concentration(concentration.clone()), share);
            })
            .map(|(concentration, _)| AnalysisAnswer::Concentration(concentration))
        }
        AnalysisAsk::Emptiness(scope) => {
            emptiness::explain(engine, scope, cancel).map(AnalysisAnswer::Emptiness)
        }
        AnalysisAsk::HostNames(scope, limit) => {
            let candidates = host_names::candidates(engine, scope, *limit, cancel)?;
            let addresses: Vec<IpAddr> = candidates.addresses.iter().map(|(address, _)| *address).collect();
            // Without a time limit: the screen does not wait for it, and leaving the table cancels it.
            let lookups = names.look_up(&addresses, None, &mut |lookups| {
                let share = lookups.ended as f64 / lookups.addresses.max(1) as f64;
                on_partial(AnalysisAnswer::HostNames(lookups), share);
                !cancel.is_cancelled()
            });
            Ok(AnalysisAnswer::HostNames(lookups))
        }
        AnalysisAsk::Block(scope, targets) => {
            let plan = block::plan(engine, scope, targets, &block::Settings::default(), cancel);
            plan.map(AnalysisAnswer::Block).map_err(|error| match error {
                BlockError::Query(error) => error,
                error => QueryError::Invalid(error.to_string()),
            })
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn the_threads_of_an_analysis_were_preferred_to_the_one_that_draws() {
        let niceness = || getpriority_process(None).unwrap();
        let usual = niceness();
        let lower = (usual + NICENESS).min(19);
        at_low_priority(|| {
            assert_eq!(niceness(), lower);
            std::thread::scope(|scope| scope.spawn(|| assert_eq!(niceness(), lower)).join().unwrap());
        });
        assert_eq!(niceness(), usual);
    }
}
