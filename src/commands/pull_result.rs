//! The result of a pull: exit status, errors, and the summary.

use std::path::Path;

use anyhow::bail;

use super::{Outcome, context::Context, failures};
use crate::cache::Cache;
use crate::human;
use crate::ingest::{Failure, ForeignFiles, Phase, Progress};
use crate::source::Window;

/// Checks how a pull of the sources `uris` into the cache at `path` ended, and reports log files that failed. With
/// `must_list_all`, a source that could not be listed is an error even if the cache has requests of it.
/// Fails if the pull was stopped or has no result; the message says why and what to do.
pub(super) fn check_result(
    context: &Context,
    progress: &Progress,
    path: &Path,
    uris: &[String],
    must_list_all: bool,
) -> anyhow::Result<Outcome> {
    if progress.phase == Phase::Cancelled {
        bail!("stopped before all log files were read; what was read is kept: run again to continue");
    }
    let has_log = progress.requests > 0 || progress.files_done > 0 || progress.files_known > 0;
    let is_empty = !has_log && !has_requests_of(path, uris);
    let is_source = |failure: &Failure| uris.contains(&failure.name);
    if let Some(unlisted) = progress.failures.iter().find(|failure| is_source(failure))
        && (is_empty || must_list_all)
    {
        let others: Vec<Failure> = progress
            .failures
            .iter()
            .filter(|failure| !is_source(failure) && failure.what != unlisted.what)
            .cloned()
            .collect();
        failures::print(context, &others, others.len() as u64);
        bail!("{}", unlisted.named_reason());
    }
    if is_empty {
        let sources = uris.join(", ");
        if let Some(failure) = progress.failures.first() {
            bail!("{}", failure.named_reason());
        }
        if progress.files_skipped > 0 {
            if let Some(reason) = progress.only_foreign(&sources) {
                bail!("{reason}");
            }
            if let Some(reason) = progress.unsearched() {
                bail!("{reason}");
            }
            bail!(
                "{sources} contains no S3 server access log lines{}; name log files, or the folder or bucket with \
                 the log files",
                kinds(progress)
            );
        }
        if let Some(reason) = progress.only_empty(&sources) {
            bail!("{reason}");
        }
        if progress.files_listed == 0 {
            if context.window() != Window::default() {
                bail!(
                    "no log files of that time found in {sources}; check --since and --until, and the path, prefix or log group"
                );
            }
            bail!(
                "no log files found in {sources}; check the path, prefix or log group (S3 delivers log files a few hours late)"
            );
        }
    }
    failures::report(context, progress);
    report_unsearched(context, progress);
    Ok(outcome(progress))
}

/// Names the files that were skipped although they may have log lines.
pub(super) fn report_unsearched(context: &Context, progress: &Progress) {
    if let Some(message) = progress.unsearched() {
        context.note(&message);
    }
}

/// [`Outcome::SomeUnread`] if a log file failed.
pub(super) fn outcome(progress: &Progress) -> Outcome {
    if progress.files_failed > 0 { Outcome::SomeUnread } else { Outcome::Done }
}

/// Whether the cache has requests of each of these sources.
pub(super) fn has_requests_of(path: &Path, uris: &[String]) -> bool {
    let Ok(cached) = Cache::open(path).and_then(|cache| cache.sources()) else { return false };
    uris.iter().all(|uri| cached.iter().any(|source| source.uri == *uri && source.requests > 0))
}

/// The recognized kinds of the files without log lines: ` (2 pictures, a zip archive)`.
fn kinds(progress: &Progress) -> String {
    let name = |files: &ForeignFiles| match files.count {
        1 => files.kind.singular.to_owned(),
        count => format!("{} {}", human::count(count), files.kind.plural),
    };
    let names: Vec<String> = progress.foreign.iter().map(name).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

/// The counts of a pull in one line.
pub(super) fn summary(progress: &Progress) -> String {
    let mut text = format!(
        "{} read, {} added, {}",
        human::counted(progress.files_done, "log file"),
        human::counted(progress.requests, "request"),
        human::duration(progress.elapsed * 1000.0)
    );
    let mut add = |number: u64, noun: Option<&str>, what: &str| {
        if number > 0 {
            let number = noun.map_or_else(|| human::count(number), |noun| human::counted(number, noun));
            text.push_str(&format!(", {number} {what}"));
        }
    };
    add(progress.files_known, None, "already in the cache");
    add(progress.removed, Some("request"), "removed (log files that changed or are damaged)");
    add(progress.duplicates, Some("repeat"), "dropped");
    add(progress.rejected, Some("line"), "rejected (tamarin sources rejected)");
    add(progress.files_skipped, None, &format!("without log lines{}", kinds(progress)));
    add(progress.files_failed, None, "could not be read");
    text
}
