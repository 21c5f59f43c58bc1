//! The terminal of the process. It is restored when the explorer quits, fails, panics, is stopped or is killed by a
//! signal.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal, Stdout, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::{mem::ManuallyDrop, sync::Once};

use base64_simd::STANDARD;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue, style::Print};
use ratatui::{Terminal, backend::CrosstermBackend};
use rustix::process::{
    Signal as ProcessSignal, getpgrp, getpid, getsid, kill_current_process_group, kill_process,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::query::filter::is_invisible;
use crate::tui::app::colour_answers::QUESTION;
use crate::tui::app::frame_writer::FrameWriter;
use crate::tui::app::link_cells;
use crate::tui::app::session::{TerminalControl, TerminalOwner};

/// Makes the terminal the standard input of this process, from which keys are read. It may have been a pipe with a log.
pub(in crate::tui) fn take_standard_input() -> io::Result<()> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let open = |path: &Path| File::options().read(true).write(true).open(path);
    // `/dev/tty` is only the second choice: macOS cannot wait for events on it.
    let device = rustix::termios::ttyname(io::stdout(), Vec::new())?;
    let terminal =
        open(Path::new(OsStr::from_bytes(device.to_bytes()))).or_else(|_| open(Path::new("/dev/tty")))?;
    Ok(rustix::stdio::dup2_stdin(&terminal)?)
}

/// Whether the terminal is set up for the explorer.
static IS_SET_UP: AtomicBool = AtomicBool::new(false);
static PANIC_HOOK: Once = Once::new();

/// Modes of the terminal that differ between sessions.
#[derive(Clone, Copy, Debug)]
pub(in crate::tui) struct Modes {
    /// Whether the mouse belongs to the explorer.
    pub(in crate::tui) takes_mouse: bool,
    /// Whether the terminal says when it gets the focus.
    pub(in crate::tui) reports_focus: bool,
}

/// The terminal, set up for the explorer. Dropping the guard restores it.
pub(in crate::tui) struct TerminalGuard {
    /// Writes a frame at once. Never dropped: the drop of [`Terminal`] shows the cursor, and if
    /// the terminal is gone, it writes an error to standard error, or panics if that is gone too. [`restore`] shows
    /// the cursor.
    pub(in crate::tui) terminal: ManuallyDrop<Terminal<CrosstermBackend<FrameWriter<Stdout>>>>,
}

impl TerminalGuard {
    /// Sets up the terminal: raw mode, alternate screen, mouse, bracketed paste, title. Restores it on an error.
    pub(in crate::tui) fn new(title: &str, modes: Modes) -> io::Result<TerminalGuard> {
        restore_on_panic();
        IS_SET_UP.store(true, Ordering::SeqCst);
        let terminal = enter(title, modes)
            .and_then(|()| Terminal::new(CrosstermBackend::new(FrameWriter::new(io::stdout()))));
        terminal
            .map(|terminal| TerminalGuard { terminal: ManuallyDrop::new(terminal) })
            .inspect_err(|_| restore())
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Reports presses, releases and the wheel (1000), moves with a button down (1002), in the form for any size of the screen
/// (1006). Not moves without a button (1003): they would cost bytes over ssh for nothing.
const TAKE_MOUSE: Print<&str> = Print("\x1b[?1000h\x1b[?1002h\x1b[?1006h");
const RELEASE_MOUSE: Print<&str> = Print("\x1b[?1006l\x1b[?1002l\x1b[?1000l");

/// Reports when the terminal gets and loses the focus.
const REPORT_FOCUS: Print<&str> = Print("\x1b[?1004h");
const IGNORE_FOCUS: Print<&str> = Print("\x1b[?1004l");

/// Keeps the title of the window (XTWINOPS), and sets it again.
const SAVE_TITLE: Print<&str> = Print("\x1b[22;2t");
const RESTORE_TITLE: Print<&str> = Print("\x1b[23;2t");

/// Sets the modes of the terminal. Raw mode is first: setting it stops a background process before it writes anything.
fn enter(title: &str, modes: Modes) -> io::Result<()> {
    enable_raw_mode()?;
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if modes.takes_mouse {
        execute!(out, TAKE_MOUSE)?;
    }
    if modes.reports_focus {
        execute!(out, REPORT_FOCUS)?;
    }
    execute!(out, SAVE_TITLE, SetTitle(title))
}

/// Restores the terminal if it is set up. Errors are ignored: a partly restored terminal is better than none.
pub(in crate::tui) fn restore() {
    if !IS_SET_UP.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    if link_cells::were_written() {
        // A frame ends its links, unless a signal ended the process within a frame.
        let _ = queue!(out, Print(link_cells::END));
    }
    let _ = queue!(out, EndSynchronizedUpdate, RESTORE_TITLE);
    let _ = queue!(out, DisableBracketedPaste, RELEASE_MOUSE, IGNORE_FOCUS, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Installs a panic hook. A panic of the current thread, which draws, restores the terminal before the message is
/// printed. A panic of a worker thread is caught and shown on the screen, so its message is not printed.
fn restore_on_panic() {
    let drawing: ThreadId = thread::current().id();
    PANIC_HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                restore();
            }
            if !IS_SET_UP.load(Ordering::SeqCst) {
                print(info);
            }
        }));
    });
}

/// The escape sequence (OSC 52) that copies `text` to the clipboard of the terminal, also over SSH. Base64 keeps the
/// text from ending the sequence. Invisible characters except line ends are removed: a shell into which the text is
/// pasted must not receive anything that the screen did not show.
fn clipboard_sequence(text: &str) -> String {
    let visible: String = text.chars().filter(|c| *c == '\n' || !is_invisible(*c)).collect();
    format!("\x1b]52;c;{}\x07", STANDARD.encode_to_string(visible))
}

/// The sequence for the terminal that tmux runs in. tmux takes the plain sequence for itself, and ignores it unless its
/// option `set-clipboard` is `on`; it passes this one on if `allow-passthrough` is on.
fn passed_through_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

/// Time between two checks whether the terminal still exists.
const CHECK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(2);

/// Job control: the signals with which the shell stops and continues this process.
pub(in crate::tui) struct JobControl {
    title: String,
    modes: Modes,
    /// `SIGTSTP`: Ctrl-Z, `kill -TSTP`. `None`: there is no shell with job control.
    stop: Option<Signal>,
    /// `SIGCONT`: `fg`.
    resume: Option<Signal>,
    /// Whether the terminal was restored for the shell.
    is_suspended: bool,
    /// Whether this process was stopped since then.
    was_stopped: bool,
}

impl JobControl {
    /// From now on `SIGTSTP` does not stop the process by itself. Must be called within a tokio runtime.
    pub(in crate::tui) fn new(title: String, modes: Modes) -> JobControl {
        // Without a shell, nothing could continue the process: without a handler, the system ignores the signal.
        let stop =
            has_shell().then(|| signal(SignalKind::from_raw(ProcessSignal::TSTP.as_raw())).ok()).flatten();
        let resume = signal(SignalKind::from_raw(ProcessSignal::CONT.as_raw())).ok();
        JobControl { title, modes, stop, resume, is_suspended: false, was_stopped: false }
    }

    fn set_up_again(&mut self) -> io::Result<()> {
        IS_SET_UP.store(true, Ordering::SeqCst);
        // `disable_raw_mode` forgets the saved modes, so `enter` saves the present modes of the shell.
        disable_raw_mode()?;
        enter(&self.title, self.modes)
    }
}

impl TerminalControl for JobControl {
    fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        let sequence = clipboard_sequence(text);
        out.write_all(sequence.as_bytes())?;
        if std::env::var_os("TMUX").is_some() {
            out.write_all(passed_through_tmux(&sequence).as_bytes())?;
        }
        out.flush()
    }

    fn ask_colours(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(QUESTION.as_bytes())?;
        out.flush()
    }

    fn capture_mouse(&mut self, captures: bool) -> io::Result<()> {
        self.modes.takes_mouse = captures;
        let mut out = io::stdout();
        if captures { execute!(out, TAKE_MOUSE) } else { execute!(out, RELEASE_MOUSE) }
    }

    fn suspend(&mut self) -> Result<(), String> {
        if self.stop.is_none() || self.resume.is_none() {
            return Err("there is no shell to return to; q quits".to_owned());
        }
        // A terminal that is not in raw mode also stops the whole process group on Ctrl-Z.
        kill_current_process_group(ProcessSignal::TSTP).map_err(|error| format!("cannot suspend: {error}"))
    }

    async fn owner_changed(&mut self) -> io::Result<TerminalOwner> {
        if self.is_suspended {
            // The session no longer draws, so the process may stop now.
            if !std::mem::replace(&mut self.was_stopped, true) {
                kill_process(getpid(), ProcessSignal::STOP)?;
            }
            received(&mut self.resume).await;
            (self.is_suspended, self.was_stopped) = (false, false);
            self.set_up_again()?;
            return Ok(TerminalOwner::Explorer);
        }
        tokio::select! {
            () = received(&mut self.stop) => {
                restore();
                self.is_suspended = true;
                Ok(TerminalOwner::Shell)
            }
            // Continued after SIGSTOP, which cannot be caught: the modes of the terminal are unknown.
            () = received(&mut self.resume) => {
                self.set_up_again()?;
                Ok(TerminalOwner::Explorer)
            }
        }
    }
}

/// Waits for a signal; forever if there is none to receive.
async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Whether a shell with job control started this process. Such a shell gives each job a process group of its own,
/// different from that of the session leader.
fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Waits for SIGHUP, or until the terminal is gone.
pub(in crate::tui) async fn hung_up() {
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

/// Waits until the terminal is gone. Only the process that controls the terminal receives SIGHUP; any other would
/// read end-of-file forever.
async fn gone() {
    while io::stdout().is_terminal() {
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_not_copied() {
        let sequence = clipboard_sequence("a\rb\x1b[201~\u{9b}\u{202e}\u{3164}c\nd");
        assert_eq!(sequence, format!("\x1b]52;c;{}\x07", STANDARD.encode_to_string("ab[201~c\nd")));
    }

    #[test]
    fn tmux_passes_the_clipboard_sequence_on() {
        assert_eq!(passed_through_tmux("\x1b]52;c;YQ==\x07"), "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\");
    }

    #[test]
    fn hostile_text_cannot_leave_the_clipboard_sequence() {
        let sequence = clipboard_sequence("a\x07\x1b]0;owned\x1b\\");
        let inside = sequence.strip_prefix("\x1b]52;c;").unwrap().strip_suffix('\x07').unwrap();
        assert!(inside.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)));
    }
}
