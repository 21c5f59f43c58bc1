//! The command line: one file per subcommand.
//!
//! - [`args`]: the options and subcommands. `context`: the options combined with the configuration file.
//! - One file per subcommand: `explore`, `demo`, `pull`, `report`, `contrast`, `findings`, `requests`, `sql`, `sources`,
//!   `prune`, `block`, `investigations`, `config/`, `help`.
//! - Steps that subcommands share: `open_sources`, `run_ingest` with `progress_bar`, `pull_result` with `failures`,
//!   `open_cache`, `temporary_cache`, `host_names`, `mutes`, `purge`, `prices`, `user_options`.
//! - The process: `interrupt` (signals), `open_files` (its limit), `output` (stdout and stderr), `program_log` (the log of the program itself).
//!
//! Never here: logic of other modules. Commands connect modules, print results and choose exit codes.

pub mod args;
mod block;
mod config;
mod context;
mod contrast;
mod demo;
mod emptiness;
mod explore;
mod failures;
mod findings;
mod help;
mod host_names;
mod interrupt;
mod investigations;
mod mutes;
mod open_cache;
mod open_files;
mod open_sources;
mod output;
mod prices;
mod program_log;
mod progress_bar;
mod prune;
mod pull;
mod pull_result;
mod purge;
mod report;
mod report_costs;
mod requests;
mod run_ingest;
mod sources;
mod sql;
mod temporary_cache;
mod user_options;

use std::process::ExitCode;

use args::{Args, Command, FindingsArgs, FindingsCommand};
use context::Context;

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything is done.
    Done,
    /// Done, but some log files could not be read (or, with `--purge`, deleted).
    SomeUnread,
    /// Done, and `--fail-on` found something.
    Matched,
}

/// The command line is wrong; the message says what is expected.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

fn usage<T>(message: impl Into<String>) -> anyhow::Result<T> {
    Err(UsageError(message.into()).into())
}

/// Runs the command line and returns the exit code of the process: 0 done; 1 failed; 2 wrong usage; 3 done, but some
/// log files could not be read; 4 `--fail-on` found something. Errors are printed on stderr.
///
/// If a signal cancelled the command, this ends the process by that signal instead.
pub fn run(args: Args) -> ExitCode {
    open_files::allow_enough();
    let result = run_command(args);
    interrupt::end_if_signalled();
    let code = match result {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::SomeUnread) => 3,
        Ok(Outcome::Matched) => 4,
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            output::error(&error);
            tracing::error!(error = output::one_line(&error), "command failed");
            if error.is::<UsageError>() { 2 } else { 1 }
        }
    };
    tracing::info!(code, "end");
    ExitCode::from(code)
}

/// Whether the reader of the output closed the pipe, as `head` does. That is not an error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run_command(args: Args) -> anyhow::Result<Outcome> {
    let Args { sources, every, screen, command, mut options } = args;
    if command.is_some() && !sources.is_empty() {
        return usage(format!(
            "the subcommand comes first: tamarin SUBCOMMAND {} (a file of that name is ./NAME)",
            sources.join(" ")
        ));
    }
    if command.is_some() && every.is_some() {
        return usage(
            "--every belongs to the explorer, or after pull: tamarin [SOURCE] --every 5m, tamarin pull --every 5m",
        );
    }
    if command.is_some() && (screen.theme.is_some() || screen.resume) {
        return usage(
            "--theme and --resume belong to the explorer: tamarin [SOURCE] --theme light, tamarin --resume",
        );
    }
    if let Some(Command::Help { topic }) = &command {
        return help::run(topic);
    }
    let is_block_list = matches!(command, Some(Command::Block(_)));
    if !is_block_list && options.format.is_some_and(|format| format.of_block_list().is_some()) {
        return usage(
            "--format: policy, waf, nft and cidr are for tamarin block; use table, csv, json, ndjson or markdown",
        );
    }
    if let Some(Command::Findings(FindingsArgs { what: Some(FindingsCommand::Mute(_)), .. })) = &command {
        findings::resolve_end_of_mute(&mut options)?;
    }
    program_log::start(&options)?;
    if let Some(Command::Config(args)) = &command {
        return config::run(options, args.what);
    }
    let context = Context::new(options)?;
    match command {
        None => explore::run(&context, &sources, every, &screen),
        Some(Command::Demo(args)) => demo::run(&context, &args),
        Some(Command::Pull(args)) => pull::run(&context, &args),
        Some(Command::Report(args)) if args.dimension.starts_with('@') => {
            investigations::report(context, &args)
        }
        Some(Command::Report(args)) => report::run(&context, &args),
        Some(Command::Contrast(args)) => contrast::run(&context, &args),
        Some(Command::Findings(args)) => findings::run(&context, &args),
        Some(Command::Requests(args)) => requests::run(&context, &args),
        Some(Command::Sql(args)) => sql::run(&context, &args),
        Some(Command::Sources(args)) => sources::run(&context, &args),
        Some(Command::Prune(args)) => prune::run(&context, &args),
        Some(Command::Block(args)) => block::run(&context, &args),
        Some(Command::Investigations) => investigations::list(&context),
        Some(Command::Config(args)) => config::run(context.options, args.what),
        Some(Command::Help { topic }) => help::run(&topic),
    }
}
