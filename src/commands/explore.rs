//! `tamarin`: the explorer, with an ingest in the background.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::interrupt::{self, Interrupt};
use super::scratch::NoEmptyCache;
use super::setting::Setting;
use super::{Outcome, pulling, usage};
use crate::cache::{Cache, CacheError, Writer, is_missing_or_empty};
use crate::ingest::{Follow, Options, Progress, Stop};
use crate::query::LocalEngine;
use crate::source::Source;
use crate::tui::{self, Feed, Theme, TuiError, TuiOptions};

/// How long another process may take to make the cache.
const MAKING: Duration = Duration::from_secs(10);
/// How long is waited before the cache is looked for again.
const BREATH: Duration = Duration::from_millis(5);

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
    let mut no_empty_cache = NoEmptyCache::default();
    make_if_missing(path, &mut no_empty_cache)?;
    let engine = Arc::new(LocalEngine::new(Arc::new(Cache::open(path)?)));
    let runtime = pulling::runtime()?;
    let shown = runtime.block_on(async {
        let wanted = Options { window: setting.window(), ..Options::default() };
        // Who has nothing to pull keeps nobody else from it.
        let pulling =
            (!sources.is_empty()).then(|| Pulling::prepare(path.to_owned(), sources, wanted, every));
        // The first signal ends the session, a second one the process, also one that comes after the session.
        let interrupt = Interrupt::watch();
        let _at_end = interrupt::before_end(tui::restore_terminal);
        let options = TuiOptions {
            engine,
            ingest: pulling.as_ref().map(Pulling::feed),
            filter: setting.filter.clone(),
            time: setting.time,
            sources: uris,
            title,
            clock: Arc::new(|| jiff::Timestamp::now().as_second()),
            theme: Theme::from_environment(|name| std::env::var(name).ok()),
            zone: jiff::tz::TimeZone::system(),
        };
        let shown = tui::run(options, interrupt.asked()).await;
        drop(interrupt);
        if let Some(pulling) = pulling {
            pulling.end().await;
        }
        anyhow::Ok(shown?)
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    shown.map(|()| Outcome::Done)
}

/// Makes the cache if there is none, which is done at once: it has no dictionaries that would take time. Another
/// process that is just making it is waited for.
fn make_if_missing(path: &Path, no_empty_cache: &mut NoEmptyCache) -> anyhow::Result<()> {
    let give_up = Instant::now() + MAKING;
    while is_missing_or_empty(path)? {
        match Writer::open(path) {
            Ok(writer) => no_empty_cache.watch(&writer),
            Err(CacheError::Locked { .. }) if Instant::now() < give_up => std::thread::sleep(BREATH),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What fills the cache meanwhile. It begins when it is told to: to open a cache for writing is to read all
/// its dictionaries, which would take the processor from the first questions.
struct Pulling {
    progress: watch::Receiver<Progress>,
    begin: Arc<Notify>,
    stop: Stop,
    every: Option<Duration>,
    end: tokio::task::JoinHandle<()>,
}

impl Pulling {
    /// Once, or again and again with that many seconds in between. Must be called within a tokio runtime.
    fn prepare(
        path: PathBuf,
        sources: Vec<Arc<dyn Source>>,
        options: Options,
        every: Option<u32>,
    ) -> Pulling {
        let every = every.map(|seconds| Duration::from_secs(seconds.into()));
        let (tell, progress) = watch::channel(Progress::default());
        let (begin, stop) = (Arc::new(Notify::new()), Stop::default());
        let task = {
            let (begin, stop) = (begin.clone(), stop.clone());
            async move {
                tokio::select! {
                    () = begin.notified() => {}
                    () = stop.asked() => return,
                }
                let follow = match every {
                    Some(every) => Follow::start(path, sources, options, every),
                    None => Follow::once(path, sources, options),
                };
                let stop_it = follow.stopper();
                let mut latest = follow.progress.clone();
                loop {
                    tokio::select! {
                        changed = latest.changed() => {
                            tell.send_replace(latest.borrow_and_update().clone());
                            if changed.is_err() {
                                break;
                            }
                        }
                        () = stop.asked() => break,
                    }
                }
                stop_it.stop();
                follow.finish().await;
            }
        };
        Pulling { progress, begin, stop, every, end: tokio::spawn(task) }
    }

    /// What the explorer sees of it.
    fn feed(&self) -> Feed {
        let (begin, stop) = (self.begin.clone(), self.stop.clone());
        Feed {
            progress: self.progress.clone(),
            begin: Box::new(move || begin.notify_one()),
            stop: Box::new(move || stop.stop()),
            every: self.every,
        }
    }

    /// Stops it. What is in hand is committed.
    async fn end(self) {
        self.stop.stop();
        // A task that panicked has told all it could.
        let _ = self.end.await;
    }
}
