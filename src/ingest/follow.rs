//! Staying up to date: one ingest after another, with a rest in between. Whatever goes wrong in a round is
//! told, and the next one tries again.
//!
//! In S3 a round lists only what the last days can have brought: years of log files are thousands of
//! requests, and nothing is ever delivered into the past. Once a day, and after anything went wrong,
//! everything is listed, as the first round does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Ingest, Options, Phase, Progress, Stop};
use crate::cache::{CacheError, Writer};
use crate::log::object_name::LATE_DELIVERY_SECONDS;
use crate::source::{Source, Window};

/// What somebody put there by hand under an older name is found after this.
const ALL_EVERY: Duration = Duration::from_secs(crate::log::time::SECONDS_PER_DAY as u64);

/// Ingests that follow one another until they are stopped.
pub struct Follow {
    /// How far the round is that runs, or how the last one ended.
    pub progress: watch::Receiver<Progress>,
    stop: Stop,
    end: tokio::task::JoinHandle<()>,
}

impl Follow {
    /// Starts the first round at once, and each other that long after the one before has ended. The cache
    /// is open for writing only while a round runs. Must be called within a tokio runtime.
    pub fn start(cache: PathBuf, sources: Vec<Arc<dyn Source>>, options: Options, every: Duration) -> Follow {
        let stop = Stop::default();
        let (tell, progress) = watch::channel(Progress::default());
        let end = tokio::spawn(run(cache, sources, options, every, stop.clone(), tell));
        Follow { progress, stop, end }
    }

    /// A single round. What keeps it from beginning is told as progress too. Must be called within a tokio
    /// runtime.
    pub fn once(cache: PathBuf, sources: Vec<Arc<dyn Source>>, options: Options) -> Follow {
        let stop = Stop::default();
        let (tell, progress) = watch::channel(Progress::default());
        let stop_round = stop.clone();
        let end = tokio::spawn(async move {
            if let Err(error) = round(&cache, &sources, options, &stop_round, &tell).await {
                tell_failure(&tell, &error);
            }
        });
        Follow { progress, stop, end }
    }

    /// What stops it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits for its end, which comes only when it is stopped, or after a single round.
    pub async fn finish(self) {
        // A task that panicked has told all it could.
        let _ = self.end.await;
    }
}

async fn run(
    cache: PathBuf,
    sources: Vec<Arc<dyn Source>>,
    options: Options,
    every: Duration,
    stop: Stop,
    tell: watch::Sender<Progress>,
) {
    // Listing a folder is cheap, and its files may have any name.
    let can_look_back = sources.iter().all(|source| source.uri().starts_with("s3://"));
    // When all was listed and read.
    let mut whole: Option<Instant> = None;
    while !stop.is_asked() {
        let is_short = can_look_back && whole.is_some_and(|whole| whole.elapsed() < ALL_EVERY);
        let window = match is_short {
            true => last_days(options.window, jiff::Timestamp::now().as_second()),
            false => options.window,
        };
        let begun = Instant::now();
        match round(&cache, &sources, Options { window, ..options }, &stop, &tell).await {
            Ok(Phase::Done) if tell.borrow().files_failed == 0 => {
                whole = if is_short { whole } else { Some(begun) };
            }
            Ok(_) => whole = None,
            Err(error) => {
                whole = None;
                tell_failure(&tell, &error);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.asked() => {}
        }
    }
}

fn tell_failure(tell: &watch::Sender<Progress>, error: &CacheError) {
    let fatal = Some(error.to_string());
    tell.send_replace(Progress { phase: Phase::Failed, fatal, ..Progress::default() });
}

async fn round(
    cache: &std::path::Path,
    sources: &[Arc<dyn Source>],
    options: Options,
    stop: &Stop,
    tell: &watch::Sender<Progress>,
) -> Result<Phase, CacheError> {
    let path = cache.to_owned();
    // Opening reads the dictionaries: too long for a thread that others share.
    let Ok(writer) = tokio::task::spawn_blocking(move || Writer::open(&path)).await else {
        // The runtime shuts down.
        return Ok(Phase::Cancelled);
    };
    let ingest = Ingest::start(writer?, sources.to_vec(), options)?;
    let stop_round = ingest.stopper();
    let mut latest = ingest.progress.clone();
    loop {
        tokio::select! {
            changed = latest.changed() => {
                if changed.is_err() {
                    break;
                }
                tell.send_replace(latest.borrow_and_update().clone());
            }
            () = stop.asked() => {
                stop_round.stop();
                break;
            }
        }
    }
    let end = ingest.finish().await;
    let phase = end.phase;
    tell.send_replace(end);
    Ok(phase)
}

/// The part of a window that log files delivered in the last days may belong to.
fn last_days(window: Window, now: i64) -> Window {
    let recent = now.saturating_sub(LATE_DELIVERY_SECONDS);
    let since = window.since.map_or(recent, |since| since.max(recent));
    // What ends before is delivered by now, but for stragglers: it is small enough to be listed whole.
    if window.until.is_some_and(|until| until <= since) {
        window
    } else {
        Window { since: Some(since), ..window }
    }
}
