//! The progress bar of a pull.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use crate::human;
use crate::ingest::Progress;

/// A progress bar on stderr. It is hidden with `--quiet` or if stderr is not a terminal.
pub(super) fn new(context: &Context) -> ProgressBar {
    if context.options.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
        bar.set_style(style);
    }
    bar
}

pub(super) fn show(bar: &ProgressBar, progress: &Progress) {
    let new = progress.files_listed - progress.files_known.min(progress.files_listed);
    let done = progress.files_done + progress.files_skipped + progress.files_failed;
    bar.set_length(progress.bytes_listed.max(1));
    bar.set_position(progress.bytes_done);
    let eta = progress.eta().map(|seconds| format!("  {}", human::duration(seconds * 1000.0)));
    bar.set_message(format!(
        "{}/{} file{}  {}  {} lines/s{}",
        human::count(done),
        human::count(new),
        human::plural(new),
        human::counted(progress.requests, "request"),
        human::count(progress.rate as u64),
        eta.unwrap_or_default()
    ));
}
