//! Ctrl-C and SIGTERM.
//!
//! Until something is pulled, the system ends the process at a signal. A pull must not be cut off like that:
//! it [watches](Interrupt), the first signal stops it, and a second one ends the process. A handler cannot be
//! taken away again, so when nothing watches any more the handler itself does what the system would do: the
//! process ends by that signal. Questions that run are [asked to stop](on_signal) first, so that the cache is
//! closed and what is only for this process is deleted; after [`GRACE`] the process ends all the same.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::ingest::Stop;
use tokio_util::sync::CancellationToken;

/// How long a question that is asked to stop may take to do so. It may be waiting for the reader of a pipe.
const GRACE: Duration = Duration::from_millis(500);

/// What happens to signals; there is one for the process.
static SIGNALS: Signals =
    Signals { watched: Mutex::new(None), hooks: Mutex::new(Vec::new()), received: AtomicI32::new(0) };
/// Whether signals are handled, once that was tried.
static IS_HANDLED: OnceLock<bool> = OnceLock::new();

struct Signals {
    watched: Mutex<Option<Arc<Watched>>>,
    hooks: Mutex<Vec<(u64, When, Work)>>,
    /// The signal that ends the process; 0: none.
    received: AtomicI32,
}

type Work = Box<dyn FnMut() + Send>;

/// When a hook is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// When the signal comes.
    AtOnce,
    /// Just before the process ends by the signal.
    AtTheEnd,
}

/// What a signal stops.
#[derive(Default)]
struct Watched {
    stop: Mutex<Option<Stop>>,
    asked: AtomicBool,
    notify: tokio::sync::Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches for signals: the first one stops the ingest, and lets what is in hand be committed. A second one
/// ends the process, as the first one does when this is dropped.
pub(super) struct Interrupt(Arc<Watched>);

impl Interrupt {
    /// Begins to watch.
    pub(super) fn watch() -> Interrupt {
        let watched = Arc::<Watched>::default();
        *lock(&SIGNALS.watched) = Some(watched.clone());
        handle();
        Interrupt(watched)
    }

    /// Which ingest a signal stops from now on. One that came before stops it at once.
    pub(super) fn applies_to(&self, stop: Option<Stop>) {
        let mut held = lock(&self.0.stop);
        if let Some(stop) = &stop
            && self.is_asked()
        {
            stop.stop();
        }
        *held = stop;
    }

    /// Whether a signal came.
    pub(super) fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Waits for this long, or for a signal.
    pub(super) async fn sleep(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.asked()).await;
    }

    /// Waits for a signal.
    pub(super) async fn asked(&self) {
        let notified = self.0.notify.notified();
        if !self.is_asked() {
            notified.await;
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        *lock(&SIGNALS.watched) = None;
    }
}

/// Work that is done at a signal, until this is dropped.
pub(super) struct Hook(u64);

impl Drop for Hook {
    fn drop(&mut self) {
        lock(&SIGNALS.hooks).retain(|(number, ..)| *number != self.0);
    }
}

fn hook(when: When, work: impl FnMut() + Send + 'static) -> Hook {
    let mut hooks = lock(&SIGNALS.hooks);
    let number = hooks.last().map_or(0, |(number, ..)| number + 1);
    hooks.push((number, when, Box::new(work)));
    Hook(number)
}

/// Does something when a signal comes that ends the process: asks what runs to stop. It must come back at
/// once.
pub(super) fn on_signal(work: impl FnMut() + Send + 'static) -> Hook {
    hook(When::AtOnce, work)
}

/// Does something just before a signal ends the process, if it was not done on the way.
pub(super) fn before_end(work: impl FnMut() + Send + 'static) -> Hook {
    hook(When::AtTheEnd, work)
}

/// A flag for questions that a signal sets.
pub(super) fn cancel() -> (CancellationToken, Hook) {
    let cancel = CancellationToken::new();
    let hook = on_signal({
        let cancel = cancel.clone();
        move || cancel.cancel()
    });
    (cancel, hook)
}

/// Ends the process by the signal that stopped it, if one did, so that its parent process sees the
/// signal.
pub(super) fn end_if_signalled() {
    match SIGNALS.received.load(Ordering::SeqCst) {
        0 => {}
        signal => end(signal),
    }
}

impl Signals {
    /// A signal came.
    fn receive(&self, signal: i32) {
        let watched = lock(&self.watched).clone();
        if let Some(watched) = watched {
            let stop = lock(&watched.stop);
            if !watched.asked.swap(true, Ordering::SeqCst) {
                if let Some(stop) = &*stop {
                    stop.stop();
                }
                watched.notify.notify_waiters();
                return;
            }
            drop(stop);
            end(signal);
        }
        if self.received.swap(signal, Ordering::SeqCst) != 0 {
            end(signal);
        }
        self.call(When::AtOnce);
        let end_at_last = move || {
            std::thread::sleep(GRACE);
            end(signal);
        };
        if std::thread::Builder::new().spawn(end_at_last).is_err() {
            end(signal);
        }
    }

    fn call(&self, when: When) {
        let mut hooks = lock(&self.hooks);
        hooks.iter_mut().filter(|(_, at, _)| *at == when).for_each(|(_, _, work)| work());
    }
}

/// Ends the process as if it had never handled the signal.
fn end(signal: i32) {
    SIGNALS.call(When::AtTheEnd);
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    // What a shell says of a process that a signal ended.
    std::process::exit(128 + signal);
}

/// Has signals handled from now on. Where that cannot be, the system ends the process as before.
#[cfg(unix)]
fn handle() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    IS_HANDLED.get_or_init(|| {
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return false };
        let wait = move || signals.forever().for_each(|signal| SIGNALS.receive(signal));
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait).is_ok()
    });
}

#[cfg(not(unix))]
fn handle() {
    IS_HANDLED.get_or_init(|| false);
}
