//! The explorer: a full-screen user interface over the answers of an [`Engine`].
//!
//! An action (a key, an answer, progress of the ingest) goes into `update`, which changes the `model` and returns
//! effects. `view` draws the model. `app` runs the event loop, which connects both with the terminal, the engine and
//! the ingest. `widgets` draws texts and bars and knows nothing of requests; `format` formats numbers, times and
//! values, `cell_text` shortens values for tables. `update` and `view` share the model and do not import each other.
//!
//! Queries are derived from the model: whenever a query on the screen or the data changes, it is sent again, and the
//! old rows stay until new ones arrive. All keys are in one table (`model/keymap.rs`).
//!
//! Never contains SQL, S3 or reading of log files. Control characters in values are made visible before they are drawn.

mod app;
mod cell_text;
pub(crate) mod config_names;
mod format;
mod frame_times;
#[cfg(test)]
mod journeys;
mod model;
mod settings;
#[cfg(test)]
mod testing;
pub(crate) mod theme;
mod update;
mod view;
mod widgets;

use std::{io::IsTerminal, path::PathBuf, sync::Arc};

use jiff::tz::TimeZone;
use tokio::sync::watch;

pub(crate) use app::config_store::ConfigStore;
pub use frame_times::{FrameTimes, frame_times};

pub(crate) use app::session_file::SessionFile;
pub(crate) use app::terminal_query::{Terminal, TerminalQuery};
pub(crate) use model::investigations as investigation;
pub(crate) use settings::Settings;
pub(crate) use theme::Theme;

use crate::config::NamedInvestigation;
use crate::identity::host_names::NameService;
use crate::ingest::{Failure, Progress};
use crate::insight::findings::mute::MuteStore;
use crate::query::{Engine, Filter, TimeRange};

/// The options of the explorer.
pub(crate) struct TuiOptions {
    /// Answers the queries.
    pub engine: Arc<dyn Engine>,
    /// Findings that the user muted; `None`: they cannot be muted.
    pub mutes: Option<Arc<dyn MuteStore>>,
    /// Looks up the names of addresses.
    pub names: Arc<NameService>,
    /// Whether it does so for tables and filters by name; otherwise only for single addresses, when the user says so.
    pub resolves: bool,
    /// Reads how many lines of the logs are not requests of their own; `None`: not known.
    pub log_counts: Option<Arc<dyn Fn() -> LogCounts + Send + Sync>>,
    /// The ingest that runs in the background, if any.
    pub ingest: Option<Feed>,
    /// The filter of the first layer.
    pub filter: Filter,
    /// The time range of the session. Requests outside it are never shown.
    pub time: TimeRange,
    /// URIs of the sources to query; empty: all sources in the cache.
    pub sources: Vec<String>,
    /// A message on the first screen. It can have text from logs.
    pub notice: Option<String>,
    /// Sources that should be pulled but could not be opened.
    pub unopened: Vec<Failure>,
    /// The title in the header.
    pub title: String,
    /// Returns the current time in seconds since the epoch. Relative times in filters (`time:-6h`) refer to it.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Settings, themes and sessions of the user.
    pub user: UserOptions,
    /// The time zone that `t` switches to; usually [`TimeZone::system`].
    pub zone: TimeZone,
}

/// What the user configured, chose and left in earlier sessions.
#[derive(Default)]
pub(crate) struct UserOptions {
    pub settings: Settings,
    /// The configuration file, which may change.
    pub config: Option<ConfigStore>,
    /// The theme of the command line, one of the settings or `auto`.
    pub theme: Option<String>,
    /// The colours of the terminal.
    pub terminal: Terminal,
    /// What is known about links.
    pub links: model::link::Links,
    /// `None`: the session leaves nothing.
    pub session: Option<SessionFile>,
    /// Whether to show the last view of the cache.
    pub resume: bool,
    /// The investigation to show first.
    pub investigation: Option<NamedInvestigation>,
    /// The path of the cache, if it is not the one that commands use without `--cache`.
    pub cache_option: Option<PathBuf>,
}

/// Lines of the queried logs that are not requests of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogCounts {
    /// Lines that are not records.
    pub rejected: u64,
    /// Exact repeats, which were dropped.
    pub repeats: u64,
}

/// The connection to an ingest.
pub(crate) struct Feed {
    /// Progress of the ingest.
    pub progress: watch::Receiver<Progress>,
    /// Starts the ingest without blocking. Called when the first screen is complete, so that the ingest does not slow
    /// down its queries.
    pub begin: Box<dyn Fn() + Send + Sync>,
    /// Pulls again without blocking, sources that could not be opened included.
    pub retry: Box<dyn Fn() + Send + Sync>,
    /// The sources that could not be opened, if there were some.
    pub unopened: Option<watch::Receiver<Vec<Failure>>>,
    /// Stops the ingest without blocking. Called when the session ends.
    pub stop: Box<dyn Fn() + Send + Sync>,
    /// The pause between two ingests in follow mode.
    pub every: Option<std::time::Duration>,
}

/// Why the explorer ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TuiError {
    /// Standard input or standard output is not a terminal.
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

/// Restores the terminal if the explorer has set it up. To be called before the process exits.
pub(crate) fn restore_terminal() {
    app::terminal::restore();
}

/// Has keys read from the terminal, also if a log is piped in: the terminal becomes the standard input of this process.
pub(crate) fn take_standard_input() -> Result<(), TuiError> {
    app::terminal::take_standard_input().map_err(TuiError::terminal)
}

/// Runs the explorer on the terminal until the user quits or `end` completes. The terminal is restored afterwards.
pub(crate) async fn run(mut options: TuiOptions, end: impl Future<Output = ()>) -> Result<(), TuiError> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    options.user.links = app::link_support::detect();
    let title = format!("tamarin {}", format::visible(&options.title));
    let Terminal { answers, may_answer_late, .. } = options.user.terminal;
    let modes = app::terminal::Modes { takes_mouse: true, reports_focus: answers || may_answer_late };
    let mut guard = app::terminal::TerminalGuard::new(&title, modes).map_err(TuiError::terminal)?;
    // `select_all` polls a stream only after it woke the session. A poll of this one waits for a lock that its thread holds, and
    // yields the processor to the scans meanwhile.
    let events = futures::stream::select_all([crossterm::event::EventStream::new()]);
    let mut control = app::terminal::JobControl::new(title, modes);
    let end = async {
        tokio::select! {
            () = end => {}
            () = app::terminal::hung_up() => {}
        }
    };
    app::session::run(options, &mut *guard.terminal, events, end, &mut control).await
}
