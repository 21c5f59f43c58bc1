//! `tamarin pull`: fills the cache without a screen.

use std::time::Duration;

use super::args::PullArgs;
use super::pulling::{self, Interrupt, NoEmptyCache};
use super::purge::Purge;
use super::setting::Setting;
use super::{Outcome, usage};
use crate::cache::{CacheError, Writer};

pub(super) fn run(setting: &Setting, args: &PullArgs) -> anyhow::Result<Outcome> {
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
    let _no_empty_cache = NoEmptyCache::at(&path);
    let runtime = pulling::runtime()?;
    let outcome = runtime.block_on(async {
        let interrupt = Interrupt::watch();
        loop {
            let writer = match (Writer::open(&path), args.every) {
                // Whoever else writes will be done one day: no reason to give up for good.
                (Err(error @ CacheError::Locked { .. }), Some(every)) => {
                    setting.note(&format!("{error}; it is tried again"));
                    interrupt.sleep(Duration::from_secs(every.into())).await;
                    if interrupt.is_asked() {
                        return Ok(Outcome::Done);
                    }
                    continue;
                }
                (writer, _) => writer?,
            };
            let progress = pulling::pull_within(setting, writer, sources.clone(), &interrupt).await?;
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
