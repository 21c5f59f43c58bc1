//! Runs one ingest to its end, with a progress bar. A signal stops it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::context::Context;
use super::failures::merge_listing_failures;
use super::interrupt::Interrupt;
use super::open_sources::uris;
use super::progress_bar;
use crate::cache::Writer;
use crate::ingest::{Ingest, Options, Phase, Progress};
use crate::source::Source;

/// The tokio runtime of a command.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

/// Runs an ingest in a runtime of its own. See [`run`].
pub(super) fn run_to_end(
    context: &Context,
    writer: Writer,
    sources: Vec<Arc<dyn Source>>,
) -> anyhow::Result<Progress> {
    let runtime = runtime()?;
    let interrupt = Interrupt::watch();
    let mut progress = runtime.block_on(run(context, writer, sources, &interrupt));
    // A signal that arrived too late to stop the ingest still cancels the rest of the command.
    if let Ok(progress) = &mut progress
        && interrupt.is_requested()
    {
        progress.phase = Phase::Cancelled;
    }
    // Also after a failure: dropping the runtime would wait for a thread that waits for standard input.
    runtime.shutdown_timeout(Duration::from_millis(100));
    progress
}

/// Runs an ingest until it ends or `interrupt` stops it; returns its final progress.
pub(super) async fn run(
    context: &Context,
    writer: Writer,
    sources: Vec<Arc<dyn Source>>,
    interrupt: &Interrupt,
) -> anyhow::Result<Progress> {
    let options = Options { window: context.window(), ..Options::default() };
    let uris = uris(&sources);
    let ingest = Ingest::start(writer, sources, options)?;
    let cancel = ingest.cancellation();
    let mut is_stopped = false;
    let mut latest = ingest.progress.clone();
    let bar = progress_bar::new(context);
    loop {
        tokio::select! {
            changed = latest.changed() => {
                let progress = latest.borrow_and_update().clone();
                progress_bar::show(&bar, &progress);
                if changed.is_err() || progress.is_over() {
                    break;
                }
            }
            () = interrupt.requested(), if !is_stopped => {
                cancel.cancel();
                is_stopped = true;
            }
        }
    }
    let progress = merge_listing_failures(ingest.finish().await, &uris);
    bar.finish_and_clear();
    match (&progress.fatal, progress.phase) {
        (Some(reason), _) => bail!("{reason}"),
        (None, Phase::Failed) => {
            bail!("reading the logs failed; what was committed is kept: run again to continue")
        }
        _ => Ok(progress),
    }
}
