//! `tamarin pull`: fills the cache without a screen.

use std::time::Duration;

use super::args::PullArgs;
use super::interrupt::Interrupt;
use super::pulling;
use super::purge::Purge;
use super::scratch::NoEmptyCache;
use super::setting::Setting;
use super::{Outcome, output, usage};
use crate::cache::{CacheError, Writer};

pub(super) fn run(setting: &Setting, args: &PullArgs) -> anyhow::Result<Outcome> {
    if setting.options.filter.is_some() {
        return usage(
            "--filter: pull takes every request into the cache, and questions choose among them; --since and \
             --until choose log files by time",
        );
    }
    let specs = if args.sources.is_empty() { pulling::usual_sources(setting)? } else { args.sources.clone() };
    if specs.is_empty() {
        return usage(
            "nothing to pull: name a source (s3://bucket[/prefix], a file, a folder or -), or let a paused one \
             be pulled again with tamarin sources resume",
        );
    }
    let sources = pulling::open_sources(setting, &specs)?;
    let uris: Vec<String> = sources.iter().map(|source| source.uri().to_owned()).collect();
    if args.every.is_some() && uris.iter().any(|uri| uri == "-") {
        return usage("--every: standard input can be read only once");
    }
    let mut purge =
        if args.purge { Some(Purge::new(&sources, args.yes, args.every.is_some())?) } else { None };
    let path = setting.cache_path()?;
    let mut no_empty_cache = NoEmptyCache::default();
    let runtime = pulling::runtime()?;
    let outcome = runtime.block_on(async {
        let interrupt = Interrupt::watch();
        let mut rounds = 0;
        loop {
            let pulled = match Writer::open_to_fill(&path) {
                Ok(writer) => {
                    no_empty_cache.watch(&writer);
                    pulling::tell_put_aside(setting, &writer);
                    pulling::pull_within(setting, writer, sources.clone(), &interrupt).await
                }
                Err(error) => Err(error.into()),
            };
            rounds += 1;
            let progress = match (pulled, args.every) {
                (Ok(progress), _) => progress,
                // Another may just be writing, or the disk be full: that may be over next time.
                (Err(error), Some(every)) if rounds > 1 || is_locked(&error) => {
                    if is_locked(&error) {
                        output::tell(&format!("{error}; it is tried again"));
                    } else {
                        super::tell_error(&error);
                    }
                    interrupt.sleep(Duration::from_secs(every.into())).await;
                    if interrupt.is_asked() {
                        return Ok(Outcome::SomeUnread);
                    }
                    continue;
                }
                (Err(error), _) => return Err(error),
            };
            let Some(every) = args.every else {
                let outcome = pulling::verdict(setting, &progress, &path, &uris, true)?;
                setting.note(&pulling::summary(&progress));
                let some_left = match &mut purge {
                    Some(purge) => purge.run(setting, &path, &sources, &interrupt).await?,
                    None => false,
                };
                return Ok(if some_left { Outcome::SomeUnread } else { outcome });
            };
            pulling::tell_failures(setting, &progress);
            setting.note(&pulling::summary(&progress));
            if let Some(purge) = &mut purge
                && !interrupt.is_asked()
                && let Err(error) = purge.run(setting, &path, &sources, &interrupt).await
            {
                super::tell_error(&error);
            }
            // One that cannot be reached now may be there again next time.
            interrupt.sleep(Duration::from_secs(every.into())).await;
            if interrupt.is_asked() {
                return Ok(pulling::outcome(&progress));
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// Whether another process is writing to the cache.
fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(CacheError::Locked { .. }))
}
