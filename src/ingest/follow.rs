//! Staying up to date: one ingest after another, with a rest in between. Whatever goes wrong in a round is
//! told, and the next one tries again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Ingest, Options, Phase, Progress, Stop};
use crate::cache::{CacheError, Writer};
use crate::source::Source;

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

    /// What stops it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits for its end, which comes only when it is stopped.
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
    while !stop.is_asked() {
        if let Err(error) = round(&cache, &sources, options, &stop, &tell).await {
            let fatal = Some(error.to_string());
            tell.send_replace(Progress { phase: Phase::Failed, fatal, ..Progress::default() });
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.asked() => {}
        }
    }
}

async fn round(
    cache: &std::path::Path,
    sources: &[Arc<dyn Source>],
    options: Options,
    stop: &Stop,
    tell: &watch::Sender<Progress>,
) -> Result<(), CacheError> {
    let path = cache.to_owned();
    // Opening reads the dictionaries: too long for a thread that others share.
    let Ok(writer) = tokio::task::spawn_blocking(move || Writer::open(&path)).await else { return Ok(()) };
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
    tell.send_replace(ingest.finish().await);
    Ok(())
}
