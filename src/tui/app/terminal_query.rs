//! Asks the terminal for its background colour, before the explorer starts. While it runs, `colour_answers` hears the
//! answers.
//!
//! A terminal that changes its colours later can report that (`CSI ? 2031 h`). The explorer does not ask for such reports:
//! crossterm 0.29 cannot read them, and would take the keys that follow one for its end. It asks again instead when the
//! terminal gets the focus.

use std::thread::JoinHandle;
use std::time::Duration;

use terminal_colorsaurus::{Error, QueryOptions, ThemeMode, theme_mode};

use crate::tui::theme::detect::{Background, Environment};
use crate::tui::theme::themes;

/// Terminals that do not know the question answer another one at once. Only those that answer nothing at all, or are
/// very far away, take this long, before the first screen. A later answer changes the theme of the running explorer.
const TIMEOUT: Duration = Duration::from_millis(200);

/// What is known about the colours of the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// The name of the theme that fits.
    pub(crate) theme_name: &'static str,
    /// Whether the terminal answered.
    pub(crate) answers: bool,
    /// Whether the answer may still arrive, among the keys.
    pub(crate) may_answer_late: bool,
    pub(crate) environment: Environment,
}

impl Default for Terminal {
    fn default() -> Terminal {
        let environment = Environment { has_colours: true, has_many: true, background: None };
        Terminal { theme_name: themes::DARK, answers: false, may_answer_late: false, environment }
    }
}

/// A question to the terminal.
pub(crate) struct TerminalQuery {
    environment: Environment,
    /// `None`: the environment says enough.
    thread: Option<JoinHandle<Result<ThemeMode, Error>>>,
}

impl TerminalQuery {
    /// Asks on another thread, unless environment variables give the answer. `variable` returns a variable.
    pub(crate) fn start(variable: impl Fn(&str) -> Option<String>) -> TerminalQuery {
        let environment = Environment::read(variable);
        let is_needed = environment.has_colours && environment.background.is_none();
        let ask = || {
            let mut options = QueryOptions::default();
            options.timeout = TIMEOUT;
            theme_mode(options)
        };
        TerminalQuery { environment, thread: is_needed.then(|| std::thread::spawn(ask)) }
    }

    /// Waits for the answer.
    pub(crate) fn finish(mut self) -> Terminal {
        let answer = self.thread.take().and_then(|thread| thread.join().ok());
        tracing::debug!(?answer, "background colour of the terminal");
        let background = match answer {
            Some(Ok(ThemeMode::Light)) => Some(Background::Light),
            Some(Ok(ThemeMode::Dark)) => Some(Background::Dark),
            _ => None,
        };
        let may_answer_late = matches!(answer, Some(Err(Error::Timeout(_))));
        Terminal {
            theme_name: self.environment.theme(background),
            answers: background.is_some(),
            may_answer_late,
            environment: self.environment,
        }
    }
}

impl Drop for TerminalQuery {
    /// The thread has changed the modes of the terminal, and restores them at its end.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
