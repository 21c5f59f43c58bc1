//! `tamarin`: the explorer, with an ingest in the background.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use tokio::sync::{Notify, watch};

use super::interrupt::{self, Interrupt};
use super::mutes::CacheMutes;
use super::open_sources::{DefaultSources, default_sources, open_sources, uris};
use super::prices::LateRegion;
use super::{
    Outcome,
    args::ScreenArgs,
    context::Context,
    investigations, run_ingest,
    temporary_cache::{DeleteIfEmpty, TemporaryCache},
    usage,
};
use crate::cache::{Cache, CacheError, Writer, is_missing_or_empty};
use crate::identity::host_names::NameService;
use crate::ingest::{Failure, Follow, Options, Reopen, Retry};
use crate::query::Engine;
use crate::source::Source;
use crate::tui::{self, Feed, LogCounts, TerminalQuery, TuiError, TuiOptions, UserOptions};

/// How long to wait for another process that is creating the cache.
const CREATION_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two attempts to open it.
const CREATION_POLL: Duration = Duration::from_millis(5);

/// How long the end waits for queries and analyses, which are cancelled and stop within milliseconds on a machine that is not busy.
/// If they still had the cache open, its write-ahead log would stay beside it.
const END_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn run(
    context: &Context,
    specs: &[String],
    every: Option<u32>,
    screen: &ScreenArgs,
) -> anyhow::Result<Outcome> {
    let (investigation, specs) = investigations::split(context, specs)?;
    let specs = specs.as_slice();
    require_terminal()?;
    if every.is_some() && specs.iter().any(|spec| spec == "-") {
        return usage("--every: standard input can be read only once");
    }
    // Requests of piped input must not mix with those of earlier input.
    let is_piped = specs.iter().any(|spec| spec == "-") && context.named_cache().is_none();
    let temporary = if is_piped { Some(TemporaryCache::new()?) } else { None };
    let path = match &temporary {
        Some(temporary) => temporary.path(),
        None => context.cache_path()?,
    };
    let mut user = context.user_options(screen, investigation, &path)?;
    if let (Some(session), true) = (&mut user.session, is_piped) {
        session.cache = PathBuf::from("-");
    }
    if !specs.is_empty() {
        let Opened { sources, unopened, uris, pending } = open_or_cached(context, specs)?;
        // The title has the URI of the log files, which differs from the argument if that names the logged bucket.
        let is_remote = |uri: &String| uri.starts_with("s3://") || uri.starts_with("cloudwatch:");
        let shown = |spec: &String| if spec == "-" { "standard input".to_owned() } else { spec.clone() };
        let title = match uris.iter().any(is_remote) {
            true => uris.join("  "),
            false => specs.iter().map(shown).collect::<Vec<_>>().join("  "),
        };
        return show(context, &path, Start { sources, unopened, pending, uris, title, every, user });
    }
    let DefaultSources { specs, are_chosen } = default_sources(context).unwrap_or_default();
    let (mut sources, mut unopened, mut pending) = (Vec::new(), Vec::new(), Vec::new());
    for spec in &specs {
        match open_sources(context, std::slice::from_ref(spec)) {
            Ok(source) => sources.extend(source),
            // A file that was read once may be gone: the explorer shows its requests.
            Err(_) if !are_chosen => {}
            Err(error) if is_missing_or_empty(&path)? => return Err(error),
            Err(error) => {
                unopened.push(failure(spec, &error));
                pending.push(spec.clone());
            }
        }
    }
    if every.is_some() && sources.is_empty() && unopened.is_empty() {
        return usage(
            "--every: no source to pull from; name a source (s3://bucket[/prefix], cloudwatch:LOG-GROUP, a file or a folder), or \
             monitor a source with tamarin sources add",
        );
    }
    let title = if specs.is_empty() { path.display().to_string() } else { specs.join("  ") };
    let start = Start { sources, unopened, pending, uris: Vec::new(), title, every, user };
    show(context, &path, start)
}

/// The sources that the command line names.
struct Opened {
    sources: Vec<Arc<dyn Source>>,
    /// Why others could not be opened.
    unopened: Vec<Failure>,
    /// The URIs of all of them.
    uris: Vec<String>,
    /// The names of those that could not be opened.
    pending: Vec<String>,
}

/// Opens sources. Of one that cannot be opened, such as a folder that is gone, the explorer shows what the cache has.
///
/// # Errors
/// Why a source cannot be opened of which the cache has nothing.
fn open_or_cached(context: &Context, specs: &[String]) -> anyhow::Result<Opened> {
    let error = match open_sources(context, specs) {
        Ok(sources) => {
            let uris = uris(&sources);
            return Ok(Opened { sources, unopened: Vec::new(), uris, pending: Vec::new() });
        }
        Err(error) => error,
    };
    let cached = context.cache_path().ok().and_then(|path| Cache::open(&path).ok()?.sources().ok());
    let cached: Vec<String> = cached.unwrap_or_default().into_iter().map(|source| source.uri).collect();
    let mut opened =
        Opened { sources: Vec::new(), unopened: Vec::new(), uris: Vec::new(), pending: Vec::new() };
    for spec in specs {
        match open_sources(context, std::slice::from_ref(spec)) {
            Ok(sources) => {
                opened.uris.extend(uris(&sources));
                opened.sources.extend(sources);
            }
            Err(reason) => {
                let Some(uri) = cached.iter().find(|uri| is_named(uri, spec)) else { return Err(error) };
                opened.uris.push(uri.clone());
                opened.unopened.push(failure(spec, &reason));
                opened.pending.push(spec.clone());
            }
        }
    }
    Ok(opened)
}

/// Whether `spec` is the URI of a source, or a path to it.
fn is_named(uri: &str, spec: &str) -> bool {
    let is_path = !spec.contains("://") && !spec.starts_with("cloudwatch:");
    let without_slash = |text: &str| text.trim_end_matches('/').to_owned();
    without_slash(uri) == without_slash(spec)
        || is_path
            && std::path::absolute(spec)
                .is_ok_and(|path| without_slash(uri) == without_slash(&path.display().to_string()))
}

fn failure(spec: &str, error: &anyhow::Error) -> Failure {
    let name = crate::source::shown(spec);
    let reason = error.to_string();
    // The name is shown in front of the reason.
    let reason = reason.strip_prefix(&format!("{name}: ")).map_or(reason.clone(), str::to_owned);
    Failure { name, what: reason.clone(), reason }
}

/// What the explorer starts with.
pub(super) struct Start {
    /// The sources to pull in the background.
    pub(super) sources: Vec<Arc<dyn Source>>,
    /// Sources of the configuration file, or monitored ones, that could not be opened.
    pub(super) unopened: Vec<Failure>,
    /// The names of these sources, to open them again.
    pub(super) pending: Vec<String>,
    /// The sources that queries read; empty: all.
    pub(super) uris: Vec<String>,
    pub(super) title: String,
    /// The time between two pulls in seconds; `None`: pull once.
    pub(super) every: Option<u32>,
    pub(super) user: UserOptions,
}

/// Returns an error if stdout is not a terminal, before anything is created or fetched.
pub(super) fn require_terminal() -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() { Ok(()) } else { Err(TuiError::NoTerminal.into()) }
}

/// Opens the explorer on the cache at `path`.
pub(super) fn show(context: &Context, path: &Path, start: Start) -> anyhow::Result<Outcome> {
    let Start { sources, unopened, pending, uris, title, every, mut user } = start;
    let ignores_input = is_log_piped_in() && !uris.iter().any(|uri| uri == "-");
    tui::take_standard_input()?;
    // The terminal answers while the cache is opened.
    let query = TerminalQuery::start(|name| std::env::var(name).ok());
    let mut delete_if_empty = DeleteIfEmpty::default();
    create_if_missing(path, &mut delete_if_empty)?;
    let cache = Arc::new(Cache::open(path)?);
    let mutes = Arc::new(CacheMutes::of(Arc::clone(&cache)));
    let log_counts = log_counts(Arc::clone(&cache), uris.clone());
    let engine = context.engine(cache);
    let choice = context.price_choice()?;
    let chosen = choice.choose(&engine, &uris)?;
    let unread = "standard input is not read; name it to explore it: … | tamarin -";
    let notice = chosen.warning().or_else(|| ignores_input.then(|| unread.to_owned()));
    let engine = Arc::new(engine.with_prices(chosen.prices));
    // In the first session, the region is known with the first requests.
    let engine: Arc<dyn Engine> = match chosen.is_region_unknown {
        true => Arc::new(LateRegion::new(engine, choice, uris.clone())),
        false => engine,
    };
    let runtime = run_ingest::runtime()?;
    user.terminal = query.finish();
    let result = runtime.block_on(async {
        let options = Options { window: context.window(), ..Options::default() };
        // Without sources there is no ingest, so that this process does not lock the cache.
        let reopen = Reopening::of(context, pending, unopened.clone());
        let ingest = (!sources.is_empty() || reopen.is_some())
            .then(|| BackgroundIngest::prepare(path.to_owned(), sources, options, every, reopen));
        // The first signal ends the session. A second one ends the process, also after the session.
        let interrupt = Interrupt::watch();
        let _before_end = interrupt::before_end(tui::restore_terminal);
        let options = TuiOptions {
            engine,
            mutes: Some(mutes),
            names: context.names.clone().unwrap_or_else(|| Arc::new(NameService::of_system())),
            resolves: context.names.is_some(),
            log_counts: Some(log_counts),
            ingest: ingest.as_ref().map(BackgroundIngest::feed),
            filter: context.filter.clone(),
            time: context.time,
            sources: uris,
            notice,
            unopened,
            title,
            clock: Arc::new(|| jiff::Timestamp::now().as_second()),
            user,
            zone: jiff::tz::TimeZone::system(),
        };
        let result = tui::run(options, interrupt.requested()).await;
        drop(interrupt);
        if let Some(ingest) = ingest {
            ingest.stop().await;
        }
        anyhow::Ok(result?)
    });
    runtime.shutdown_timeout(END_TIMEOUT);
    result.map(|()| Outcome::Done)
}

/// Whether standard input is a pipe or a file.
fn is_log_piped_in() -> bool {
    let kind = rustix::fs::fstat(rustix::stdio::stdin()).map(|stat| FileType::from_raw_mode(stat.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::RegularFile))
}

/// Reads from the catalogue how many lines of these sources (empty: of all) were rejected, and how many were repeats.
fn log_counts(cache: Arc<Cache>, uris: Vec<String>) -> Arc<dyn Fn() -> LogCounts + Send + Sync> {
    Arc::new(move || {
        let mut counts = LogCounts::default();
        for source in cache.sources().unwrap_or_default() {
            if uris.is_empty() || uris.contains(&source.uri) {
                counts.rejected += source.rejected;
                counts.repeats += source.duplicates;
            }
        }
        counts
    })
}

/// The sources that could not be opened, and what opens them again.
struct Reopening {
    unopened: watch::Receiver<Vec<Failure>>,
    reopen: Reopen,
}

impl Reopening {
    /// `None`: all sources were opened.
    fn of(context: &Context, pending: Vec<String>, unopened: Vec<Failure>) -> Option<Reopening> {
        if pending.is_empty() {
            return None;
        }
        let (sender, unopened) = watch::channel(unopened);
        let mut context = context.clone();
        // Notes would be written over the screen.
        context.options.quiet = true;
        let pending = parking_lot::Mutex::new(pending);
        let reopen = move || {
            let mut pending = pending.lock();
            let (mut opened, mut failures, mut left) = (Vec::new(), Vec::new(), Vec::new());
            for spec in pending.drain(..) {
                match open_sources(&context, std::slice::from_ref(&spec)) {
                    Ok(sources) => opened.extend(sources),
                    Err(error) => {
                        failures.push(failure(&spec, &error));
                        left.push(spec);
                    }
                }
            }
            *pending = left;
            sender.send_replace(failures);
            opened
        };
        Some(Reopening { unopened, reopen: Arc::new(reopen) })
    }
}

/// Creates the cache if there is none. Waits for another process that is creating it.
fn create_if_missing(path: &Path, delete_if_empty: &mut DeleteIfEmpty) -> anyhow::Result<()> {
    let deadline = Instant::now() + CREATION_TIMEOUT;
    while is_missing_or_empty(path)? {
        match Writer::open(path) {
            Ok(writer) => delete_if_empty.watch(&writer),
            Err(CacheError::Locked { .. }) if Instant::now() < deadline => std::thread::sleep(CREATION_POLL),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The pulls of the explorer. They begin when the explorer starts them: opening the cache for writing reads all
/// dictionaries, which would slow down the first queries.
struct BackgroundIngest {
    follow: Follow,
    begin: Arc<Notify>,
    retry: Arc<Notify>,
    unopened: Option<watch::Receiver<Vec<Failure>>>,
    every: Option<Duration>,
}

impl BackgroundIngest {
    /// Prepares one pull, or one after another with `every` seconds between them. Must be called in a tokio runtime.
    fn prepare(
        path: PathBuf,
        sources: Vec<Arc<dyn Source>>,
        options: Options,
        every: Option<u32>,
        reopening: Option<Reopening>,
    ) -> BackgroundIngest {
        let every = every.map(|seconds| Duration::from_secs(seconds.into()));
        let begin = Arc::new(Notify::new());
        let begun = begin.clone();
        let asked = Arc::new(Notify::new());
        let (unopened, reopen) = reopening.map(|of| (of.unopened, of.reopen)).unzip();
        let retry = Some(Retry { asked: Arc::clone(&asked), reopen });
        let begins = async move { begun.notified().await };
        let follow = Follow::start(path, sources, options, every, begins, retry);
        BackgroundIngest { follow, begin, retry: asked, unopened, every }
    }

    /// The side of the ingest that the explorer uses.
    fn feed(&self) -> Feed {
        let (begin, retry) = (self.begin.clone(), self.retry.clone());
        let cancel = self.follow.cancellation();
        Feed {
            progress: self.follow.progress.clone(),
            begin: Box::new(move || begin.notify_one()),
            retry: Box::new(move || retry.notify_one()),
            unopened: self.unopened.clone(),
            stop: Box::new(move || cancel.cancel()),
            every: self.every,
        }
    }

    /// Stops the pulls, which commit what they have read, and waits for their end.
    async fn stop(self) {
        self.follow.cancellation().cancel();
        self.follow.finish().await;
    }
}
