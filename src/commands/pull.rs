//! `tamarin pull`: fills the cache without a screen.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::open_sources::{default_sources, open_sources, uris};
use super::{
    Outcome, args::PullArgs, context::Context, failures, interrupt::Interrupt, open_cache::report_set_aside,
    output, pull_result, purge::Purge, run_ingest, temporary_cache::DeleteIfEmpty, usage,
};
use crate::cache::{CacheError, Writer};
use crate::ingest::Progress;
use crate::source::Source;

pub(super) fn run(context: &Context, args: &PullArgs) -> anyhow::Result<Outcome> {
    if context.options.filter.is_some() {
        return usage(
            "--filter: pull takes every request into the cache, and queries choose among them; --since and \
             --until choose log files by time",
        );
    }
    let specs = if args.sources.is_empty() { default_sources(context)?.specs } else { args.sources.clone() };
    if specs.is_empty() {
        return usage(
            "nothing to pull: name a source (s3://bucket[/prefix], cloudwatch:LOG-GROUP, a file, a folder or -), or \
             resume a paused source with tamarin sources resume",
        );
    }
    let sources = open_sources(context, &specs)?;
    if args.every.is_some() && sources.iter().any(|source| source.uri() == "-") {
        return usage("--every: standard input can be read only once");
    }
    let purge = if args.purge { Some(Purge::new(&sources, args.yes, args.every.is_some())?) } else { None };
    let path = context.cache_path()?;
    let mut delete_if_empty = DeleteIfEmpty::default();
    let runtime = run_ingest::runtime()?;
    let outcome = runtime.block_on(async {
        let interrupt = Interrupt::watch();
        let pull = Pull { context, sources: &sources, path: &path, interrupt: &interrupt };
        match args.every.map(|seconds| Duration::from_secs(seconds.into())) {
            None => pull.once(purge, &mut delete_if_empty).await,
            Some(pause) => pull.repeatedly(pause, purge, &mut delete_if_empty).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// What all rounds of a pull share.
struct Pull<'a> {
    context: &'a Context,
    sources: &'a [Arc<dyn Source>],
    path: &'a Path,
    interrupt: &'a Interrupt,
}

impl Pull<'_> {
    async fn once(
        &self,
        purge: Option<Purge>,
        delete_if_empty: &mut DeleteIfEmpty,
    ) -> anyhow::Result<Outcome> {
        let progress = self.round(delete_if_empty).await?;
        let uris = uris(self.sources);
        let outcome = pull_result::check_result(self.context, &progress, self.path, &uris, true)?;
        self.context.note(&pull_result::summary(&progress));
        let some_left = match purge {
            Some(mut purge) => purge.run(self.context, self.path, self.sources, self.interrupt).await?,
            None => false,
        };
        Ok(if some_left { Outcome::SomeUnread } else { outcome })
    }

    /// Pulls until a signal arrives, with a pause after each round.
    /// Fails if the first round fails, unless another process is writing to the cache. Later errors may be temporary: the
    /// next round tries again.
    async fn repeatedly(
        &self,
        pause: Duration,
        mut purge: Option<Purge>,
        delete_if_empty: &mut DeleteIfEmpty,
    ) -> anyhow::Result<Outcome> {
        let mut is_first = true;
        loop {
            let outcome = match self.round(delete_if_empty).await {
                Ok(progress) => {
                    failures::report(self.context, &progress);
                    pull_result::report_unsearched(self.context, &progress);
                    self.context.note(&pull_result::summary(&progress));
                    if let Some(purge) = &mut purge
                        && !self.interrupt.is_requested()
                        && let Err(error) =
                            purge.run(self.context, self.path, self.sources, self.interrupt).await
                    {
                        output::error(&error);
                    }
                    pull_result::outcome(&progress)
                }
                Err(error) if is_locked(&error) => {
                    output::message(&format!("{error}; trying again later"));
                    Outcome::SomeUnread
                }
                Err(error) if is_first => return Err(error),
                Err(error) => {
                    output::error(&error);
                    Outcome::SomeUnread
                }
            };
            is_first = false;
            self.interrupt.sleep(pause).await;
            if self.interrupt.is_requested() {
                return Ok(outcome);
            }
        }
    }

    async fn round(&self, delete_if_empty: &mut DeleteIfEmpty) -> anyhow::Result<Progress> {
        let writer = Writer::open_to_fill(self.path)?;
        delete_if_empty.watch(&writer);
        report_set_aside(self.context, &writer);
        run_ingest::run(self.context, writer, self.sources.to_vec(), self.interrupt).await
    }
}

/// Whether another process is writing to the cache.
fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(CacheError::Locked { .. }))
}
