//! Ctrl-C (SIGINT) and SIGTERM.
//!
//! Before a command handles signals, the system ends the process at a signal. A handler cannot be removed again, so
//! the handler here does one of two things:
//!
//! - While an [`Interrupt`] exists (during a pull or the explorer), the first signal cancels its token: the ingest
//!   commits what it has read. A second signal ends the process.
//! - Otherwise a signal ends the process. Running queries are cancelled first ([`on_signal`]), so that the cache is
//!   closed and temporary files are deleted. After [`GRACE`] the process ends in any case.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// How long a cancelled query may take to end. It may be waiting for the reader of a pipe.
const GRACE: Duration = Duration::from_millis(500);

/// The signal state of the process.
static SIGNALS: Signals =
    Signals { interrupt: Mutex::new(None), hooks: Mutex::new(Vec::new()), ending: AtomicI32::new(0) };
/// Whether the handler is installed; unset until the first attempt.
static IS_HANDLED: OnceLock<bool> = OnceLock::new();

struct Signals {
    /// The token of the current [`Interrupt`].
    interrupt: Mutex<Option<CancellationToken>>,
    hooks: Mutex<Vec<(u64, When, Callback)>>,
    /// The signal that ends the process; 0: none.
    ending: AtomicI32,
}

type Callback = Box<dyn FnMut() + Send>;

/// When a hook is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// When a signal arrives that will end the process.
    OnSignal,
    /// Just before the process ends by the signal.
    BeforeEnd,
}

/// While this exists, the first signal cancels a token and a second signal ends the process.
pub(super) struct Interrupt(CancellationToken);

impl Interrupt {
    pub(super) fn watch() -> Interrupt {
        let token = CancellationToken::new();
        *SIGNALS.interrupt.lock() = Some(token.clone());
        install_handler();
        Interrupt(token)
    }

    pub(super) fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits for `time` or for a signal, whichever is first.
    pub(super) async fn sleep(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.requested()).await;
    }

    pub(super) async fn requested(&self) {
        self.0.cancelled().await;
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        *SIGNALS.interrupt.lock() = None;
    }
}

/// A registered callback; dropping it removes the callback.
pub(super) struct Hook(u64);

impl Drop for Hook {
    fn drop(&mut self) {
        SIGNALS.hooks.lock().retain(|(id, ..)| *id != self.0);
    }
}

fn register(when: When, callback: impl FnMut() + Send + 'static) -> Hook {
    let mut hooks = SIGNALS.hooks.lock();
    let id = hooks.last().map_or(0, |(id, ..)| id + 1);
    hooks.push((id, when, Box::new(callback)));
    Hook(id)
}

/// Calls `callback` when a signal arrives that will end the process, to cancel running work. It must return quickly.
pub(super) fn on_signal(callback: impl FnMut() + Send + 'static) -> Hook {
    register(When::OnSignal, callback)
}

/// Calls `callback` just before a signal ends the process.
pub(super) fn before_end(callback: impl FnMut() + Send + 'static) -> Hook {
    register(When::BeforeEnd, callback)
}

/// A token for queries, which a signal cancels while the hook exists.
pub(super) fn query_cancellation() -> (CancellationToken, Hook) {
    let cancel = CancellationToken::new();
    let hook = on_signal({
        let cancel = cancel.clone();
        move || cancel.cancel()
    });
    (cancel, hook)
}

/// If a signal cancelled the command, ends the process by that signal, so that the parent process sees it.
pub(super) fn end_if_signalled() {
    match SIGNALS.ending.load(Ordering::SeqCst) {
        0 => {}
        signal => end(signal),
    }
}

impl Signals {
    fn receive(&self, signal: i32) {
        let interrupt = self.interrupt.lock().clone();
        if let Some(token) = interrupt {
            if token.is_cancelled() {
                end(signal);
            }
            token.cancel();
            return;
        }
        if self.ending.swap(signal, Ordering::SeqCst) != 0 {
            end(signal);
        }
        self.call(When::OnSignal);
        let end_after_grace = move || {
            std::thread::sleep(GRACE);
            end(signal);
        };
        if std::thread::Builder::new().spawn(end_after_grace).is_err() {
            end(signal);
        }
    }

    fn call(&self, when: When) {
        let mut hooks = self.hooks.lock();
        hooks.iter_mut().filter(|(_, at, _)| *at == when).for_each(|(.., callback)| callback());
    }
}

/// Ends the process as the system would without a handler.
fn end(signal: i32) {
    SIGNALS.call(When::BeforeEnd);
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    // The exit code that shells report for a process ended by a signal.
    std::process::exit(128 + signal);
}

/// Installs the handler once. If that fails, the system ends the process at a signal.
#[cfg(unix)]
fn install_handler() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    IS_HANDLED.get_or_init(|| {
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return false };
        let wait = move || signals.forever().for_each(|signal| SIGNALS.receive(signal));
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait).is_ok()
    });
}

#[cfg(not(unix))]
fn install_handler() {
    IS_HANDLED.get_or_init(|| false);
}
