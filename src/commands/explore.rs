//! `tamarin`: the explorer, with an ingest in the background.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::setting::Setting;
use super::{Outcome, pulling, usage};
use crate::cache::{Cache, CacheError, Writer};
use crate::ingest::{Follow, Ingest, Options};
use crate::query::scan::LocalEngine;
use crate::source::Source;
use crate::tui::{self, Feed, Theme, TuiError, TuiOptions};

pub(super) fn run(setting: &Setting, specs: &[String], every: Option<u32>) -> anyhow::Result<Outcome> {
    needs_terminal()?;
    if every.is_some() && specs.iter().any(|spec| spec == "-") {
        return usage("--every: standard input can be read only once");
    }
    let path = setting.cache_path()?;
    if !specs.is_empty() {
        let sources = pulling::open_sources(setting, specs)?;
        let uris: Vec<String> = sources.iter().map(|source| source.uri().to_owned()).collect();
        // A bucket that is logged elsewhere is shown as where its log files are.
        let is_s3 = uris.iter().any(|uri| uri.starts_with("s3://"));
        let title = if is_s3 { uris.join("  ") } else { specs.join("  ") };
        return show(setting, &path, sources, uris, title, every);
    }
    // What the cache has is shown even if a source of it has gone: those that are there are pulled.
    let usual = pulling::usual_sources(setting).unwrap_or_default();
    let mut sources = Vec::new();
    for spec in &usual {
        if let Ok(source) = pulling::open_sources(setting, std::slice::from_ref(spec)) {
            sources.extend(source);
        }
    }
    if every.is_some() && sources.is_empty() {
        return usage(
            "--every: no source to stay up to date with; name one (s3://bucket[/prefix], a file or a folder), \
             or have one monitored with tamarin sources add",
        );
    }
    let title = if usual.is_empty() { path.display().to_string() } else { usual.join("  ") };
    show(setting, &path, sources, Vec::new(), title, every)
}

/// Refuses early, before anything is made or fetched.
pub(super) fn needs_terminal() -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() { Ok(()) } else { Err(TuiError::NoTerminal.into()) }
}

/// Opens the explorer on a cache and pulls `sources` into it meanwhile. `uris` are the sources asked
/// about; empty: all. `every`: seconds between two pulls, if there is to be more than one.
pub(super) fn show(
    setting: &Setting,
    path: &Path,
    sources: Vec<Arc<dyn Source>>,
    uris: Vec<String>,
    title: String,
    every: Option<u32>,
) -> anyhow::Result<Outcome> {
    let _no_empty_cache = pulling::NoEmptyCache::at(path);
    let writer = match Writer::open(path) {
        Ok(writer) => Some(writer),
        Err(error @ (CacheError::Locked { .. } | CacheError::ReadOnly { .. })) if path.exists() => {
            setting.note(&format!("{error}; exploring what it has"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    // Who has nothing to pull keeps nobody else from it.
    let writer = writer.filter(|_| !sources.is_empty());
    let engine = Arc::new(LocalEngine::new(Arc::new(Cache::open(path)?)));
    let runtime = pulling::runtime()?;
    let shown = runtime.block_on(async {
        let options = Options { window: setting.window(), ..Options::default() };
        let pulling = match (writer, every) {
            (writer, Some(every)) => {
                // Each round takes the lock for itself: others may write in between.
                drop(writer);
                let every = Duration::from_secs(every.into());
                Some(Pulling::Often(Follow::start(path.to_owned(), sources, options, every), every))
            }
            (Some(writer), None) if !sources.is_empty() => {
                Some(Pulling::Once(Ingest::start(writer, sources, options)?))
            }
            _ => None,
        };
        let shown = tui::run(TuiOptions {
            engine,
            ingest: pulling.as_ref().map(Pulling::feed),
            filter: setting.filter.clone(),
            time: setting.time,
            sources: uris,
            title,
            clock: Arc::new(|| jiff::Timestamp::now().as_second()),
            theme: Theme::from_environment(|name| std::env::var(name).ok()),
            zone: jiff::tz::TimeZone::system(),
        })
        .await;
        if let Some(pulling) = pulling {
            pulling.end().await;
        }
        anyhow::Ok(shown?)
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    shown.map(|()| Outcome::Done)
}

/// What fills the cache meanwhile.
enum Pulling {
    Once(Ingest),
    Often(Follow, Duration),
}

impl Pulling {
    /// What the explorer sees of it.
    fn feed(&self) -> Feed {
        let (progress, stop, every) = match self {
            Pulling::Once(ingest) => (ingest.progress.clone(), ingest.stopper(), None),
            Pulling::Often(follow, every) => (follow.progress.clone(), follow.stopper(), Some(*every)),
        };
        Feed { progress, stop: Box::new(move || stop.stop()), every }
    }

    /// Stops it. What is in hand is committed.
    async fn end(self) {
        match self {
            Pulling::Once(ingest) => {
                ingest.stopper().stop();
                ingest.finish().await;
            }
            Pulling::Often(follow, _) => {
                follow.stopper().stop();
                follow.finish().await;
            }
        }
    }
}
