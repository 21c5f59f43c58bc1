//! The `tamarin` binary: reads the command line, and tells how it ended by its exit code.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tamarin::commands::args::Args;
use tamarin::commands::{self, Outcome, UsageError};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = commands::run(Args::parse());
    commands::end_if_signalled();
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeUnread) => ExitCode::from(3),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            commands::tell_error(&error);
            let is_usage = error.downcast_ref::<UsageError>().is_some();
            ExitCode::from(if is_usage { 2 } else { 1 })
        }
    }
}

/// Whether the reader of the output has gone away, as `head` does: no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
