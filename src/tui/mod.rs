//! The explorer: a whole screen over the questions that [`Engine`] answers.
//!
//! An action (`action`) goes into `update`, which changes the state (`state`, a stack of layers)
//! and says what is to be done outside; `views` draw the state; the loop (`session`) joins both with
//! the terminal, the engine (`asker`) and the ingest. Keys stand in one table (`keymap`).
//! What the screen shows is the answer to standing questions: whenever one of them or the data
//! changes it is asked anew, and the old rows stay until the new ones are here.
//!
//! Never here: SQL, S3, reading of files. What strangers chose is made visible before it is drawn.

mod app;
mod format;
#[cfg(test)]
mod journeys;
mod model;
#[cfg(test)]
mod testing;
pub mod theme;
mod update;
mod view;
mod widgets;

use std::io::IsTerminal;
use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::watch;

pub use theme::Theme;

use crate::ingest::Progress;
use crate::query::{Engine, Filter, TimeRange};

/// What the explorer is opened with.
pub struct TuiOptions {
    /// Answers the questions.
    pub engine: Arc<dyn Engine>,
    /// The ingest that runs meanwhile, if any.
    pub ingest: Option<Feed>,
    /// The filter of the first layer.
    pub filter: Filter,
    /// The time of the session: nothing outside is ever shown.
    pub time: TimeRange,
    /// URIs of the sources asked about; empty: all that the cache has.
    pub sources: Vec<String>,
    /// What the header calls them.
    pub title: String,
    /// Seconds since the epoch, now: what `time:-6h` in a filter counts from.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Colours; [`Theme::from_environment`].
    pub theme: Theme,
    /// The zone that `t` switches to; usually [`TimeZone::system`].
    pub zone: TimeZone,
}

/// The ingest as the explorer sees it.
pub struct Feed {
    /// How far it is.
    pub progress: watch::Receiver<Progress>,
    /// Lets it begin; called when the first screen stands, so that it takes nothing from the questions behind
    /// that. Comes back at once.
    pub begin: Box<dyn Fn() + Send + Sync>,
    /// Stops it; called when the session ends. Comes back at once.
    pub stop: Box<dyn Fn() + Send + Sync>,
    /// The time between two ingests, if one follows another.
    pub every: Option<std::time::Duration>,
}

/// Why the explorer could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// Standard input or output is no terminal.
    #[error(
        "the explorer needs a terminal; for pipes and scripts use `tamarin report` or `tamarin requests`"
    )]
    NoTerminal,
    /// The terminal could not be read or written.
    #[error("the terminal failed: {0}")]
    Terminal(String),
}

impl TuiError {
    fn terminal(error: impl std::error::Error) -> TuiError {
        TuiError::Terminal(error.to_string())
    }
}

/// Gives the terminal back as it was, if the explorer has it: the process is about to end.
pub fn give_terminal_back() {
    app::terminal::restore();
}

/// Runs the explorer on the terminal until it is quit or `end` comes. The terminal is given back as it was.
///
/// # Errors
/// If there is no terminal, or it fails.
pub async fn run(options: TuiOptions, end: impl Future<Output = ()>) -> Result<(), TuiError> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let title = format!("tamarin {}", format::visible(&options.title));
    let mut owned = app::terminal::Owned::take(&title).map_err(TuiError::terminal)?;
    let events = crossterm::event::EventStream::new();
    let mut shared = app::terminal::Shared::new(title);
    let end = async {
        tokio::select! {
            () = end => {}
            () = app::terminal::hung_up() => {}
        }
    };
    app::session::run(options, &mut *owned.terminal, events, end, &mut shared).await
}
