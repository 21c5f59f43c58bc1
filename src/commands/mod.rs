//! The command line: one file per subcommand, glue only.
//!
//! [`args`] is what can be typed, `setting` what it comes to together with the configuration file,
//! `pulling` fills the cache before a question is answered. Never here: logic of the other rooms.

pub mod args;
mod demo;
mod explore;
mod help;
mod interrupt;
mod output;
mod prune;
mod pull;
mod pulling;
mod purge;
mod report;
mod requests;
mod scratch;
mod setting;
mod sources;
mod sql;

use args::{Args, Command};
use setting::Setting;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is done.
    Done,
    /// Done, but some log files could not be read.
    SomeUnread,
}

/// The command line makes no sense; the message says what would.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// An error of usage.
fn usage<T>(message: impl Into<String>) -> anyhow::Result<T> {
    Err(UsageError(message.into()).into())
}

/// Does what the command line says.
///
/// # Errors
/// [`UsageError`] for what makes no sense; anything else failed on the way.
pub fn run(args: Args) -> anyhow::Result<Outcome> {
    let Args { sources, every, command, options } = args;
    if command.is_some() && !sources.is_empty() {
        return usage(format!(
            "the subcommand comes first: tamarin SUBCOMMAND {} (a file of that name is ./NAME)",
            sources.join(" ")
        ));
    }
    if command.is_some() && every.is_some() {
        return usage(
            "--every is for the explorer and behind pull: tamarin [SOURCE] --every 5m, tamarin pull --every 5m",
        );
    }
    if let Some(Command::Help { topic }) = &command {
        return help::run(topic.as_deref());
    }
    let setting = Setting::new(options)?;
    match command {
        None => explore::run(&setting, &sources, every),
        Some(Command::Demo(args)) => demo::run(&setting, &args),
        Some(Command::Pull(args)) => pull::run(&setting, &args),
        Some(Command::Report(args)) => report::run(&setting, &args),
        Some(Command::Requests(args)) => requests::run(&setting, &args),
        Some(Command::Sql(args)) => sql::run(&setting, &args),
        Some(Command::Sources(args)) => sources::run(&setting, &args),
        Some(Command::Prune(args)) => prune::run(&setting, &args),
        Some(Command::Help { topic }) => help::run(topic.as_deref()),
    }
}

/// Ends the process by the signal (Ctrl-C, SIGTERM) that stopped it, if one did.
pub fn end_if_signalled() {
    interrupt::end_if_signalled();
}

/// Says on stderr, in one line, why a command failed.
pub fn tell_error(error: &anyhow::Error) {
    let text = format!("{error:#}");
    output::tell(&text.lines().map(str::trim).collect::<Vec<_>>().join(" "));
}
