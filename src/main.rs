//! The `tamarin` binary.

use std::process::ExitCode;

use clap::Parser;
use tamarin::commands;
use tamarin::commands::args::Args;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run(Args::parse())
}
