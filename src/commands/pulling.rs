//! Filling the cache before, or instead of, answering: opens sources, runs the ingest, tells how far it is.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::Interrupt;
use super::scratch::{NoEmptyCache, Scratch};
use super::setting::Setting;
use super::{Outcome, UsageError, output};
use crate::cache::{Cache, CacheError, Writer, is_missing_or_empty};
use crate::demo::Demo;
use crate::export::human;
use crate::ingest::{Failure, ForeignFiles, Ingest, Options, Phase, Progress};
use crate::source::s3::S3Options;
use crate::source::{self, Source, SourceError, Window};

/// Log files named per reason why they could not be read, if nobody asks for all.
const FAILURES_TOLD: usize = 3;
/// Reasons told then.
const REASONS_TOLD: usize = 8;

/// A cache ready to be asked.
pub(super) struct Ready {
    /// The cache.
    pub(super) cache: Arc<Cache>,
    /// URIs of the sources to ask about; empty: all.
    pub(super) sources: Vec<String>,
    /// Whether all that was to be pulled is there.
    pub(super) outcome: Outcome,
    _scratch: Option<Scratch>,
}

/// Pulls the sources named, if any, and opens the cache.
pub(super) fn ready(setting: &Setting, specs: &[String]) -> anyhow::Result<Ready> {
    if specs.is_empty() {
        let path = setting.cache_path()?;
        let cache = open_cache(&path)?;
        return Ok(Ready { cache, sources: Vec::new(), outcome: Outcome::Done, _scratch: None });
    }
    let sources = open_sources(setting, specs)?;
    let uris: Vec<String> = sources.iter().map(|source| source.uri().to_owned()).collect();
    // What is piped in is a question about that, not about what was piped in before.
    let is_piped = uris.iter().any(|uri| uri == "-") && setting.named_cache().is_none();
    let scratch = if is_piped { Some(Scratch::new()?) } else { None };
    let path = match &scratch {
        Some(scratch) => scratch.cache(),
        None => setting.cache_path()?,
    };
    let mut no_empty_cache = NoEmptyCache::default();
    let outcome = match Writer::open_to_fill(&path) {
        Ok(writer) => {
            no_empty_cache.watch(&writer);
            tell_put_aside(setting, &writer);
            let progress = pull(setting, writer, sources)?;
            verdict(setting, &progress, &path, &uris, false)?
        }
        Err(
            error @ (CacheError::Locked { .. }
            | CacheError::ReadOnly { .. }
            | CacheError::Full { .. }
            | CacheError::Unwritable { .. }),
        ) => {
            if !has_all(&path, &uris) {
                return Err(error.into());
            }
            setting.note(&format!("{error}; answering from what it has"));
            Outcome::Done
        }
        Err(error) => return Err(error.into()),
    };
    drop(no_empty_cache);
    Ok(Ready { cache: open_cache(&path)?, sources: uris, outcome, _scratch: scratch })
}

/// Names what an earlier cache of this name had left and was put aside.
pub(super) fn tell_put_aside(setting: &Setting, writer: &Writer) {
    for file in writer.put_aside() {
        setting.note(&format!(
            "an earlier cache of this name left changes that never got into it; they are kept in {}",
            file.display()
        ));
    }
}

/// Opens a cache for reading.
pub(super) fn open_cache(path: &Path) -> anyhow::Result<Arc<Cache>> {
    if is_missing_or_empty(path)? {
        bail!(
            "nothing is cached yet in {}; name a source: tamarin pull s3://BUCKET, a file or a folder",
            path.display()
        );
    }
    Ok(Arc::new(Cache::open(path)?))
}

/// Opens the sources that these arguments name.
pub(super) fn open_sources(setting: &Setting, specs: &[String]) -> anyhow::Result<Vec<Arc<dyn Source>>> {
    let options = setting.s3();
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for spec in specs {
        let source = match Demo::options_of(spec) {
            Some(options) => Arc::new(Demo::new(options)),
            None => located(setting, open_source(spec, &options)?)?,
        };
        if !sources.iter().any(|known| known.uri() == source.uri()) {
            sources.push(source);
        }
    }
    Ok(sources)
}

/// The source that an argument names.
fn open_source(spec: &str, options: &S3Options) -> anyhow::Result<Arc<dyn Source>> {
    source::open(spec, options).map_err(|error| match error {
        SourceError::NotASource(message) => anyhow::Error::new(UsageError(message)),
        error => error.into(),
    })
}

/// A source, or where its log files are if it is the bucket that they are about. One that log files came
/// from before is one: it is not asked, and works without a network as far as the cache goes.
fn located(setting: &Setting, source: Arc<dyn Source>) -> anyhow::Result<Arc<dyn Source>> {
    let is_known = || {
        let known = Cache::open(&setting.cache_path().ok()?).ok()?.sources().ok()?;
        known.iter().find(|known| known.uri == source.uri() && known.files > 0).map(drop)
    };
    if !source.uri().starts_with("s3://") || is_known().is_some() {
        return Ok(source);
    }
    let runtime = runtime()?;
    let place = runtime.block_on(source.locate());
    runtime.shutdown_timeout(Duration::from_millis(100));
    match place? {
        None => Ok(source),
        Some(place) => {
            setting.note(&format!("{} is logged to {place}; reading the log files there", source.uri()));
            open_source(&place, &setting.s3())
        }
    }
}

/// The sources to pull when none is named: those of the configuration file and those monitored; if there
/// are none, all that the cache has. Never those paused.
pub(super) fn usual_sources(setting: &Setting) -> anyhow::Result<Vec<String>> {
    let mut usual = setting.config.sources.clone();
    let path = setting.cache_path()?;
    if !usual.is_empty() && is_missing_or_empty(&path)? {
        return Ok(usual);
    }
    let mut known = open_cache(&path)?.sources()?;
    let options = setting.s3();
    usual.retain(|spec| {
        let opened = if spec == "-" { None } else { source::open(spec, &options).ok() };
        let uri = opened.as_ref().map_or(spec.as_str(), |source| source.uri());
        !known.iter().any(|source| source.paused && source.uri == uri)
    });
    known.retain(|source| !source.paused && source.uri != "-");
    if known.iter().any(|source| source.monitored) || !setting.config.sources.is_empty() {
        known.retain(|source| source.monitored);
    }
    usual.extend(known.into_iter().map(|source| source.uri));
    Ok(usual)
}

/// Runs an ingest to its end, with a progress bar on a terminal.
///
/// # Errors
/// If it cannot go on, or was stopped by a signal.
pub(super) fn pull(
    setting: &Setting,
    writer: Writer,
    sources: Vec<Arc<dyn Source>>,
) -> anyhow::Result<Progress> {
    let runtime = runtime()?;
    let interrupt = Interrupt::watch();
    let mut progress = runtime.block_on(pull_within(setting, writer, sources, &interrupt));
    // What comes after a pull is not wanted either, if the signal came too late to stop the pull.
    if let Ok(progress) = &mut progress
        && interrupt.is_asked()
    {
        progress.phase = Phase::Cancelled;
    }
    // Also after a failure: dropped, it would wait for a thread that waits for standard input.
    runtime.shutdown_timeout(Duration::from_millis(100));
    progress
}

/// The threads that sources and ingest run on.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads could be started")
}

/// As [`pull`], within a runtime.
pub(super) async fn pull_within(
    setting: &Setting,
    writer: Writer,
    sources: Vec<Arc<dyn Source>>,
    interrupt: &Interrupt,
) -> anyhow::Result<Progress> {
    let options = Options { window: setting.window(), ..Options::default() };
    let uris: Vec<String> = sources.iter().map(|source| source.uri().to_owned()).collect();
    let ingest = Ingest::start(writer, sources, options)?;
    interrupt.applies_to(Some(ingest.cancellation()));
    let mut latest = ingest.progress.clone();
    let bar = bar(setting);
    while latest.changed().await.is_ok() {
        let progress = latest.borrow_and_update().clone();
        show(&bar, &progress);
        if progress.is_over() {
            break;
        }
    }
    let progress = one_matter(ingest.finish().await, &uris);
    interrupt.applies_to(None);
    bar.finish_and_clear();
    match (&progress.fatal, progress.phase) {
        (Some(reason), _) => bail!("{reason}"),
        (None, Phase::Failed) => {
            bail!("reading the logs failed; what was committed stays: run again to carry on")
        }
        _ => Ok(progress),
    }
}

fn bar(setting: &Setting) -> ProgressBar {
    if setting.options.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let new = progress.files_listed - progress.files_known.min(progress.files_listed);
    let done = progress.files_done + progress.files_skipped + progress.files_failed;
    bar.set_length(progress.bytes_listed.max(1));
    bar.set_position(progress.bytes_done);
    let eta = progress.eta().map(|seconds| format!("  {}", human::duration(seconds * 1000.0)));
    bar.set_message(format!(
        "{}/{} file{}  {}  {} lines/s{}",
        human::count(done),
        human::count(new),
        human::plural(new),
        human::counted(progress.requests, "request"),
        human::count(progress.rate as u64),
        eta.unwrap_or_default()
    ));
}

/// Tells what could not be read, also to those who want quiet: it is an error.
pub(super) fn tell_failures(setting: &Setting, progress: &Progress) {
    for line in failures(&progress.failures, progress.files_failed, setting.options.verbose) {
        output::tell(&line);
    }
}

/// What could not be read, a line each; unless all is asked for, what failed for the same reason shares a
/// line: credentials that have expired are one matter, however many log files were left to read.
fn failures(failures: &[Failure], count: u64, name_all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told = 0;
    if name_all {
        lines.extend(failures.iter().map(named));
        told = failures.len();
    } else {
        let mut reasons: Vec<Vec<&Failure>> = Vec::new();
        for failure in failures {
            match reasons.iter_mut().find(|alike| alike[0].what == failure.what) {
                Some(alike) => alike.push(failure),
                None => reasons.push(vec![failure]),
            }
        }
        for alike in reasons.iter().take(REASONS_TOLD) {
            told += alike.len();
            lines.push(match alike.as_slice() {
                [one] => named(one),
                _ => {
                    let names: Vec<&str> =
                        alike.iter().take(FAILURES_TOLD).map(|failure| failure.name.as_str()).collect();
                    let more = alike.len() - names.len();
                    let more =
                        if more > 0 { format!(" and {more} more (-v names all)") } else { String::new() };
                    let count = human::count(alike.len() as u64);
                    let names = names.join(", ");
                    format!("{count} log files could not be read: {}: {names}{more}", alike[0].what)
                }
            });
        }
    }
    let untold = count.saturating_sub(told as u64);
    if untold > 0 {
        let hint = if name_all { "" } else { " (-v names all)" };
        lines.push(format!(
            "{} more log file{} could not be read{hint}",
            human::count(untold),
            human::plural(untold)
        ));
    }
    lines
}

/// Why a source could not be listed at all, if one could not.
fn unlisted<'p>(progress: &'p Progress, uris: &[String]) -> Option<&'p Failure> {
    progress.failures.iter().find(|failure| uris.contains(&failure.name))
}

/// If the list of a source broke off and log files could not be read for the same reason, while others could,
/// that is one matter (the credentials have expired meanwhile): only the log files are told of.
fn one_matter(mut progress: Progress, uris: &[String]) -> Progress {
    let is_source = |failure: &Failure| uris.contains(&failure.name);
    let known = progress.failures.clone();
    if progress.files_done > 0 && known.iter().any(is_source) {
        let is_told = |unlisted: &Failure| {
            known.iter().any(|failure| !is_source(failure) && failure.what == unlisted.what)
        };
        let left: Vec<Failure> =
            known.iter().filter(|failure| !is_source(failure) || !is_told(failure)).cloned().collect();
        progress.files_failed -= (known.len() - left.len()) as u64;
        progress.failures = Arc::new(left);
    }
    progress
}

/// How a pull of these sources ended. `needs_all`: a source that could not be listed is a failure even
/// if the cache has something of it.
///
/// # Errors
/// If there is nothing to show for it: one line that says why and what to do.
pub(super) fn verdict(
    setting: &Setting,
    progress: &Progress,
    path: &Path,
    uris: &[String],
    needs_all: bool,
) -> anyhow::Result<Outcome> {
    if progress.phase == Phase::Cancelled {
        bail!("stopped before all log files were read; what was read is kept: run again to carry on");
    }
    let has_nothing = progress.requests == 0 && progress.files_done == 0 && !has_all(path, uris);
    if let Some(unlisted) = unlisted(progress, uris)
        && (has_nothing || needs_all)
    {
        let others: Vec<Failure> = progress
            .failures
            .iter()
            .filter(|failure| !uris.contains(&failure.name) && failure.what != unlisted.what)
            .cloned()
            .collect();
        for line in failures(&others, others.len() as u64, setting.options.verbose) {
            output::tell(&line);
        }
        bail!("{}", named(unlisted));
    }
    if has_nothing {
        let sources = uris.join(", ");
        if let Some(failure) = progress.failures.first() {
            bail!("{}", named(failure));
        }
        if progress.files_skipped > 0 {
            if let Some(reason) = progress.only_foreign(&sources) {
                bail!("{reason}");
            }
            bail!(
                "no S3 server access log lines in {sources}{}; name log files, or the folder or bucket they are in",
                kinds(progress)
            );
        }
        if progress.files_listed == 0 {
            if setting.window() != Window::default() {
                bail!(
                    "no log files of that time found in {sources}; check --since and --until, the path or prefix"
                );
            }
            bail!(
                "no log files found in {sources}; check the path or prefix (S3 delivers logs some hours late)"
            );
        }
    }
    tell_failures(setting, progress);
    Ok(outcome(progress))
}

/// What the files are that hold no log lines, as far as that is known: ` (2 pictures, a zip archive)`.
fn kinds(progress: &Progress) -> String {
    let name = |files: &ForeignFiles| match files.count {
        1 => files.kind.singular.to_owned(),
        count => format!("{} {}", human::count(count), files.kind.plural),
    };
    let names: Vec<String> = progress.foreign.iter().map(name).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

/// A failure with the name of what failed.
fn named(failure: &Failure) -> String {
    if failure.reason.contains(&failure.name) {
        failure.reason.clone()
    } else {
        format!("{}: {}", failure.name, failure.reason)
    }
}

/// How whole a pull was.
pub(super) fn outcome(progress: &Progress) -> Outcome {
    if progress.files_failed > 0 { Outcome::SomeUnread } else { Outcome::Done }
}

/// Whether the cache has requests of each of these sources.
fn has_all(path: &Path, uris: &[String]) -> bool {
    let Ok(known) = Cache::open(path).and_then(|cache| cache.sources()) else { return false };
    uris.iter().all(|uri| known.iter().any(|source| source.uri == *uri && source.requests > 0))
}

/// What files are that were skipped.
const NO_LOG_LINES: &str = "without log lines";

/// One line about a pull.
pub(super) fn summary(progress: &Progress) -> String {
    let mut text = format!(
        "{} read, {} added, {}",
        human::counted(progress.files_done, "log file"),
        human::counted(progress.requests, "request"),
        human::duration(progress.elapsed * 1000.0)
    );
    for (number, one, what) in [
        (progress.files_known, None, "known already"),
        (progress.removed, Some("request"), "taken back (log files that changed or are damaged)"),
        (progress.duplicates, Some("repeat"), "dropped"),
        (progress.rejected, Some("line"), "rejected (tamarin sources rejected)"),
        (progress.files_skipped, None, NO_LOG_LINES),
        (progress.files_failed, None, "could not be read"),
    ] {
        if number > 0 {
            let number = one.map_or_else(|| human::count(number), |one| human::counted(number, one));
            text.push_str(&format!(", {number} {what}"));
            if what == NO_LOG_LINES {
                text.push_str(&kinds(progress));
            }
        }
    }
    text
}
