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
        let taken = enable_raw_mode().and_then(|()| {
            execute!(
                io::stdout(),
                EnterAlternateScreen,
                EnableMouseCapture,
                EnableBracketedPaste,
                Hide,
                SetTitle(title)
            )?;
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
/// text can end the sequence or begin another.
pub(crate) fn clipboard_sequence(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", STANDARD.encode_to_string(text))
}

/// The time between two looks at whether the terminal is still there.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// Puts text on the clipboard of the terminal.
///
/// # Errors
/// If the terminal cannot be written to.
pub(crate) fn copy(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(clipboard_sequence(text).as_bytes())?;
    out.flush()
}

/// Comes back when the process has no terminal any more: SIGHUP says so, or the terminal is gone.
pub(crate) async fn hung_up() {
    use tokio::signal::unix::{SignalKind, signal};
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
    fn hostile_text_cannot_leave_the_clipboard_sequence() {
        let sequence = clipboard_sequence("a\x07\x1b]0;owned\x1b\\");
        let inside = sequence.strip_prefix("\x1b]52;c;").unwrap().strip_suffix('\x07').unwrap();
        assert!(inside.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)));
    }
}
