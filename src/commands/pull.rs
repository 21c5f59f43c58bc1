//! `tamarin pull`: fills the cache without a screen.

use std::time::Duration;

use anyhow::bail;

use super::args::PullArgs;
use super::pulling::{self, Interrupt};
use super::purge::Purge;
use super::setting::Setting;
use super::{Outcome, usage};
use crate::cache::Writer;
use crate::ingest::Phase;

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
    let mut purge = if args.purge { Some(Purge::new(&sources, args.yes)?) } else { None };
    let path = setting.cache_path()?;
    let runtime = pulling::runtime()?;
    let outcome = runtime.block_on(async {
        let interrupt = Interrupt::watch();
        loop {
            let writer = Writer::open(&path)?;
            let progress = pulling::pull_within(setting, writer, sources.clone(), &interrupt).await?;
            setting.note(&pulling::summary(&progress));
            let mut refused = false;
            if let Some(purge) = &mut purge
                && progress.phase != Phase::Cancelled
            {
                refused = purge.run(setting, &path, &sources, &interrupt).await?;
            }
            let Some(every) = args.every else {
                if progress.phase == Phase::Cancelled {
                    bail!("stopped before all log files were read; run again to carry on");
                }
                if let Some(reason) = pulling::unlisted(&progress, &uris) {
                    bail!("{reason}");
                }
                return Ok(if refused { Outcome::SomeUnread } else { pulling::outcome(&progress) });
            };
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
