//! Messages about log files and sources that could not be read.

use std::sync::Arc;

use super::context::Context;
use super::output;
use crate::human;
use crate::ingest::{Failure, Progress};

/// Log files named per reason without `--verbose`.
const MAX_NAMES_PER_REASON: usize = 3;
/// Reasons reported without `--verbose`.
const MAX_REASONS: usize = 8;

/// Prints the failures of a pull, even with `--quiet`, because they are errors.
pub(super) fn report(context: &Context, progress: &Progress) {
    print(context, &progress.failures, progress.files_failed);
}

/// Prints messages about `failures`, which are the first of `count`.
pub(super) fn print(context: &Context, failures: &[Failure], count: u64) {
    for message in messages(failures, count, context.options.verbose > 0) {
        output::message(&message);
    }
}

/// One message per failure with `name_all`; otherwise failures with the same reason share a message: expired
/// credentials are one problem, however many log files are affected.
fn messages(failures: &[Failure], count: u64, name_all: bool) -> Vec<String> {
    let mut messages = Vec::new();
    let mut reported = 0;
    if name_all {
        messages.extend(failures.iter().map(Failure::named_reason));
        reported = failures.len();
    } else {
        let mut reasons: Vec<Vec<&Failure>> = Vec::new();
        for failure in failures {
            match reasons.iter_mut().find(|same| same[0].what == failure.what) {
                Some(same) => same.push(failure),
                None => reasons.push(vec![failure]),
            }
        }
        for same in reasons.iter().take(MAX_REASONS) {
            reported += same.len();
            messages.push(match same.as_slice() {
                [failure] => failure.named_reason(),
                _ => {
                    let names: Vec<&str> =
                        same.iter().take(MAX_NAMES_PER_REASON).map(|failure| failure.name.as_str()).collect();
                    let more = match same.len() - names.len() {
                        0 => String::new(),
                        more => format!(" and {more} more (-v names all)"),
                    };
                    format!(
                        "{} log files could not be read: {}: {}{more}",
                        human::count(same.len() as u64),
                        same[0].what,
                        names.join(", ")
                    )
                }
            });
        }
    }
    let more = count.saturating_sub(reported as u64);
    if more > 0 {
        let hint = if name_all { "" } else { " (-v names all)" };
        messages.push(format!(
            "{} more log file{} could not be read{hint}",
            human::count(more),
            human::plural(more)
        ));
    }
    messages
}

/// Removes the failure to list a source if log files of the pull failed for the same reason while others were read:
/// both are one problem, for example credentials that expired.
pub(super) fn merge_listing_failures(mut progress: Progress, uris: &[String]) -> Progress {
    let is_source = |failure: &Failure| uris.contains(&failure.name);
    if progress.files_done > 0 && progress.failures.iter().any(is_source) {
        let is_repeated = |listing: &Failure| {
            progress.failures.iter().any(|failure| !is_source(failure) && failure.what == listing.what)
        };
        let kept: Vec<Failure> = progress
            .failures
            .iter()
            .filter(|failure| !is_source(failure) || !is_repeated(failure))
            .cloned()
            .collect();
        progress.files_failed -= (progress.failures.len() - kept.len()) as u64;
        progress.failures = Arc::new(kept);
    }
    progress
}
