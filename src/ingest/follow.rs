//! Pulls that the explorer runs in the background: one, or one after another with pauses. An error in one pull is
//! reported as progress, and the next one tries again.
//!
//! A pull from S3 lists only the log files that S3 may have delivered in the last days: listing years of them takes
//! thousands of requests. The first pull, one per day, and each pull after a failure list everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Options, Phase, Progress, run};
use crate::cache::{Cache, CacheError, Writer};
use crate::log::object_name::LATE_DELIVERY_SECONDS;
use crate::log::time::SECONDS_PER_DAY;
use crate::source::{Source, Window};

/// Time after which everything is listed again, to find log files that were copied there under old names.
const FULL_LISTING_INTERVAL: Duration = Duration::from_secs(SECONDS_PER_DAY as u64);

/// How the user has the sources pulled again before the next pull is due.
pub struct Retry {
    /// Notified when the user wants it.
    pub asked: Arc<Notify>,
    /// Opens sources that could not be opened before, and returns those that could be opened now.
    pub reopen: Option<Reopen>,
}

/// See [`Retry::reopen`].
pub type Reopen = Arc<dyn Fn() -> Vec<Arc<dyn Source>> + Send + Sync>;

/// Pulls in the background.
pub struct Follow {
    /// Progress of the running pull, or the final progress of the last one.
    pub progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Follow {
    /// Pulls `sources` into the cache at this path as soon as `begin` completes, and again each time `every` has
    /// passed since the end of the previous pull; `None`: once. With `retry`, it waits for the user after each pull, too.
    /// The cache is open for writing only during a pull. Must be called within a tokio runtime.
    pub fn start(
        cache: PathBuf,
        sources: Vec<Arc<dyn Source>>,
        options: Options,
        every: Option<Duration>,
        begin: impl Future<Output = ()> + Send + 'static,
        retry: Option<Retry>,
    ) -> Follow {
        let cancel = CancellationToken::new();
        let (sender, progress) = watch::channel(Progress::default());
        let pulls = Pulls { cache, sources, options, cancel: cancel.clone() };
        let cancelled = cancel.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = begin => pulls.run(every, retry, &sender).await,
                () = cancelled.cancelled() => {}
            }
        });
        Follow { progress, cancel, task }
    }

    /// The token that stops the pulls.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Waits for the end: of a single pull, or after a cancellation.
    pub async fn finish(self) {
        // A task that panicked has reported what it could.
        let _ = self.task.await;
    }
}

struct Pulls {
    cache: PathBuf,
    sources: Vec<Arc<dyn Source>>,
    options: Options,
    cancel: CancellationToken,
}

impl Pulls {
    async fn run(
        mut self,
        every: Option<Duration>,
        retry: Option<Retry>,
        progress: &watch::Sender<Progress>,
    ) {
        let mut last_full_listing: Option<Instant> = None;
        while !self.cancel.is_cancelled() {
            // A folder is listed quickly, and its files may have any name.
            let may_list_short = self.sources.iter().all(|source| source.uri().starts_with("s3://"));
            let is_short = may_list_short
                && last_full_listing.is_some_and(|listing| listing.elapsed() < FULL_LISTING_INTERVAL);
            let window = match is_short {
                true => last_days(self.options.window, jiff::Timestamp::now().as_second()),
                false => self.options.window,
            };
            let started = Instant::now();
            if self.sources.is_empty() {
                progress.send_replace(Progress { phase: Phase::Done, ..Progress::default() });
            } else {
                self.pull(window, progress).await;
            }
            let has_failed = {
                let end = progress.borrow();
                end.phase != Phase::Done || end.files_failed > 0
            };
            if has_failed {
                last_full_listing = None;
            } else if !is_short {
                last_full_listing = Some(started);
            }
            if every.is_none() && retry.is_none() {
                return;
            }
            let is_due = async {
                match every {
                    Some(every) => tokio::time::sleep(every).await,
                    None => std::future::pending().await,
                }
            };
            let is_asked = async {
                match &retry {
                    Some(retry) => retry.asked.notified().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = is_due => {}
                () = self.cancel.cancelled() => {}
                () = is_asked => {
                    last_full_listing = None;
                    self.reopen(retry.as_ref().and_then(|retry| retry.reopen.clone())).await;
                }
            }
        }
    }

    /// Opens the sources that could not be opened before, on a thread: that may take requests to S3.
    async fn reopen(&mut self, reopen: Option<Reopen>) {
        let Some(reopen) = reopen else { return };
        if let Ok(sources) = tokio::task::spawn_blocking(move || reopen()).await {
            self.sources.extend(sources);
        }
    }

    async fn pull(&self, window: Window, progress: &watch::Sender<Progress>) {
        match open(&self.cache).await {
            Some(Ok((writer, cache))) => {
                // A child, because an ingest cancels its token when it fails.
                let cancel = self.cancel.child_token();
                let options = Options { window, ..self.options };
                run(writer, cache, self.sources.clone(), options, cancel, progress).await;
            }
            Some(Err(error)) => {
                let fatal = Some(error.to_string());
                progress.send_replace(Progress { phase: Phase::Failed, fatal, ..Progress::default() });
            }
            None => progress.send_modify(|progress| progress.phase = Phase::Cancelled),
        }
    }
}

/// Opens the cache for writing, on a thread: it reads all dictionaries. `None`: the runtime shuts down.
async fn open(path: &Path) -> Option<Result<(Writer, Cache), CacheError>> {
    let path = path.to_owned();
    let open = move || {
        let writer = Writer::open(&path)?;
        let cache = Cache::open_for_writer(writer.path())?;
        Ok((writer, cache))
    };
    tokio::task::spawn_blocking(open).await.ok()
}

/// The part of a window in which log files of the last days may be.
fn last_days(window: Window, now: i64) -> Window {
    let recent = now.saturating_sub(LATE_DELIVERY_SECONDS);
    let since = window.since.map_or(recent, |since| since.max(recent));
    // A window that ends earlier is listed whole: it is small, and late deliveries may still arrive.
    if window.until.is_some_and(|until| until <= since) {
        window
    } else {
        Window { since: Some(since), ..window }
    }
}
