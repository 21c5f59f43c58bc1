//! Owning the terminal, and giving it back as it was: on quit, on an error, on a panic, on a signal.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use base64_simd::STANDARD;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal as Stop, getpgrp, getpid, getsid, kill_current_process_group, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::query::filter::is_invisible;
use crate::tui::app::session::{Desk, Place};

/// Whether the terminal is ours at the moment.
static OWNED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it is ours; dropping it gives it back.
pub(crate) struct Owned {
    /// To draw on. Buffered, so that a frame arrives in one piece.
    /// Never dropped: it would tell on standard error that a terminal which is gone has no cursor to show, and
    /// panic if that is gone too. [`restore`] shows the cursor.
    pub(crate) terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Owned {
    /// Takes the terminal: raw mode, the alternate screen, mouse, bracketed paste.
    ///
    /// # Errors
    /// If the terminal refuses; it is given back then.
    pub(crate) fn take(title: &str) -> io::Result<Owned> {
        restore_on_panic();
        OWNED.store(true, Ordering::SeqCst);
        let taken = enter(title).and_then(|()| {
            Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout())))
        });
        match taken {
            Ok(terminal) => Ok(Owned { terminal: ManuallyDrop::new(terminal) }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        restore();
    }
}

/// Raw mode first: a process in the background is stopped by that before it has written anything.
fn enter(title: &str) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableMouseCapture,
        EnableBracketedPaste,
        Hide,
        SetTitle(title)
    )
}

/// Gives the terminal back, if it is ours. Goes on whatever fails: half restored is better than not.
pub(crate) fn restore() {
    if !OWNED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = queue!(out, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// A panic of the thread that draws gives the terminal back before it is told; one of a worker is
/// caught by whoever started it, and told on the screen, not over it.
fn restore_on_panic() {
    let drawing: ThreadId = thread::current().id();
    HOOK.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                restore();
            }
            if !OWNED.load(Ordering::SeqCst) {
                tell(info);
            }
        }));
    });
}

/// What puts text on the clipboard of the terminal (OSC 52), also over SSH. Base64, so nothing in the
/// text can end the sequence or begin another. Only what is seen is copied, and the ends of lines: a shell
/// that it is pasted into must not find in it what the screen did not show.
pub(crate) fn clipboard_sequence(text: &str) -> String {
    let seen: String = text.chars().filter(|c| *c == '\n' || !is_invisible(*c)).collect();
    format!("\x1b]52;c;{}\x07", STANDARD.encode_to_string(seen))
}

/// The time between two looks at whether the terminal is still there.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// The terminal of this process, and the signals of the shell that it is shared with.
pub(crate) struct Shared {
    title: String,
    /// `SIGTSTP`: Ctrl-Z, `kill -TSTP`.
    stop: Option<Signal>,
    /// `SIGCONT`: `fg`.
    resumed: Option<Signal>,
    /// The terminal is the shell's, or soon will be.
    is_away: bool,
    /// This process was stopped since.
    is_stopped: bool,
}

impl Shared {
    /// From now on `SIGTSTP` does not stop the process by itself. Must be called within a tokio runtime.
    pub(crate) fn new(title: String) -> Shared {
        // A process that no shell controls could not be continued: the system ignores the signal then, and so
        // does this.
        let stop = has_shell().then(|| signal(SignalKind::from_raw(Stop::TSTP.as_raw())).ok()).flatten();
        let resumed = signal(SignalKind::from_raw(Stop::CONT.as_raw())).ok();
        Shared { title, stop, resumed, is_away: false, is_stopped: false }
    }

    /// Takes the terminal, whatever the shell made of it meanwhile.
    fn take_again(&mut self) -> io::Result<()> {
        OWNED.store(true, Ordering::SeqCst);
        // The modes of the shell are those to go back to.
        disable_raw_mode()?;
        enter(&self.title)
    }
}

impl Desk for Shared {
    fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(clipboard_sequence(text).as_bytes())?;
        out.flush()
    }

    fn suspend(&mut self) -> Result<(), String> {
        if self.stop.is_none() || self.resumed.is_none() {
            return Err("there is no shell to go back to; q quits".to_owned());
        }
        // As the terminal does with Ctrl-Z where it is not raw: all that was started together stops.
        kill_current_process_group(Stop::TSTP).map_err(|error| format!("could not stop: {error}"))
    }

    async fn moved(&mut self) -> io::Result<Place> {
        if self.is_away {
            // Not before the session knows that it may not draw.
            if !std::mem::replace(&mut self.is_stopped, true) {
                kill_process(getpid(), Stop::STOP)?;
            }
            heard(&mut self.resumed).await;
            (self.is_away, self.is_stopped) = (false, false);
            self.take_again()?;
            return Ok(Place::Back);
        }
        tokio::select! {
            () = heard(&mut self.stop) => {
                restore();
                self.is_away = true;
                Ok(Place::Shell)
            }
            // Stopped by SIGSTOP, which cannot be heard: the terminal is as it was then, or as the shell left it.
            () = heard(&mut self.resumed) => {
                self.take_again()?;
                Ok(Place::Back)
            }
        }
    }
}

/// Waits for a signal; for ever if it cannot be heard.
async fn heard(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Whether a shell with job control started this process: such a shell puts what it starts into groups of their
/// own, apart from the first process of the session.
fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Comes back when the process has no terminal any more: SIGHUP says so, or the terminal is gone.
pub(crate) async fn hung_up() {
    let signalled = async {
        match signal(SignalKind::hangup()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signalled => {}
        () = gone() => {}
    }
}

/// Comes back when the terminal is gone. Who controls one is sent a signal then; whoever was only lent it is
/// not, and would read nothing from it again and again, for ever.
async fn gone() {
    while io::stdout().is_terminal() {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_not_copied() {
        let sequence = clipboard_sequence("a\rb\x1b[201~\u{9b}\u{202e}\u{3164}c\nd");
        assert_eq!(sequence, format!("\x1b]52;c;{}\x07", STANDARD.encode_to_string("ab[201~c\nd")));
    }

    #[test]
    fn hostile_text_cannot_leave_the_clipboard_sequence() {
        let sequence = clipboard_sequence("a\x07\x1b]0;owned\x1b\\");
        let inside = sequence.strip_prefix("\x1b]52;c;").unwrap().strip_suffix('\x07').unwrap();
        assert!(inside.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)));
    }
}
