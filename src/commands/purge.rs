//! `tamarin pull --purge`: deletes log files from their source once the cache has everything in them.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{context::Context, interrupt::Interrupt, output, usage};
use crate::cache::check::check;
use crate::cache::{Cache, Writer};
use crate::human;
use crate::source::{LogFile, Source};

/// Log files deleted between two checks for a signal.
const FILES_PER_DELETE: usize = 1000;

/// The answer to the question whether to delete. It is asked once for all sources and rounds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Consent {
    NotAsked,
    Yes,
    No,
}

/// Deletes the log files that the cache has completely.
pub(super) struct Purge {
    consent: Consent,
    /// Whether more rounds follow.
    is_repeated: bool,
    /// Segments up to this id were verified by this process.
    verified_segment: i64,
}

impl Purge {
    /// # Errors
    /// If a source cannot delete log files, or consent is missing and cannot be asked for.
    pub(super) fn new(sources: &[Arc<dyn Source>], yes: bool, is_repeated: bool) -> anyhow::Result<Purge> {
        if let Some(source) = sources.iter().find(|source| !source.can_remove()) {
            return usage(format!("--purge deletes log files in S3 only, and {} is not in S3", source.uri()));
        }
        if !yes && !can_ask() {
            return usage(
                "--purge deletes log files for good and cannot ask without a terminal: confirm with --yes",
            );
        }
        let consent = if yes { Consent::Yes } else { Consent::NotAsked };
        Ok(Purge { consent, is_repeated, verified_segment: 0 })
    }

    /// Deletes the log files of `sources` that the cache at `path` has completely. Returns whether the server refused to
    /// delete some.
    pub(super) async fn run(
        &mut self,
        context: &Context,
        path: &Path,
        sources: &[Arc<dyn Source>],
        interrupt: &Interrupt,
    ) -> anyhow::Result<bool> {
        if self.consent == Consent::No {
            return Ok(false);
        }
        // The writer locks the cache until the end, so that no other process removes requests meanwhile.
        let mut writer = Writer::open(path)?;
        let mut deletable = Vec::new();
        for source in sources {
            let files = tokio::select! {
                files = complete_files(context, &writer, source) => files?,
                () = interrupt.requested() => return stopped(),
            };
            if !files.is_empty() {
                deletable.push((source, files));
            }
        }
        if deletable.is_empty() {
            return Ok(false);
        }
        if self.consent == Consent::NotAsked {
            self.consent = self.ask(&deletable, interrupt).await?;
            if self.consent == Consent::No {
                context.note("nothing was deleted");
                return Ok(false);
            }
        }
        // Recorded before the first deletion, so that the record exists even if the process is killed.
        for (source, files) in &deletable {
            writer.record_purge(source.uri(), files.iter().map(|file| file.name.as_str()))?;
        }
        writer.make_durable()?;
        self.verify(path)?;
        let mut some_left = false;
        for (source, files) in deletable {
            let names: Vec<String> = files.into_iter().map(|file| file.name).collect();
            let mut deleted = 0;
            for names in names.chunks(FILES_PER_DELETE) {
                if interrupt.is_requested() {
                    return stopped();
                }
                // The file at the path must still be the verified cache.
                writer.check_in_place()?;
                let removed = tokio::select! {
                    removed = source.remove(names) => removed?,
                    () = interrupt.requested() => return stopped(),
                };
                deleted += removed.count;
                for (name, reason) in &removed.refused {
                    some_left = true;
                    output::message(&format!("{name} was not deleted: {reason}"));
                }
            }
            context.note(&format!("{} deleted from {}", human::counted(deleted, "log file"), source.uri()));
        }
        Ok(some_left)
    }

    /// Asks on the terminal. A signal counts as no.
    async fn ask(
        &self,
        deletable: &[(&Arc<dyn Source>, Vec<LogFile>)],
        interrupt: &Interrupt,
    ) -> anyhow::Result<Consent> {
        let each: Vec<String> = deletable
            .iter()
            .map(|(source, files)| {
                let size = files.iter().filter_map(|file| file.size).sum();
                let files = human::counted(files.len() as u64, "log file");
                format!("{files} ({}) from {}", human::bytes(size), source.uri())
            })
            .collect();
        let later = if self.is_repeated { ", and later each log file that was pulled" } else { "" };
        output::message(&format!(
            "delete {}{later}? The cache will be their only copy. Type yes or no:",
            each.join(" and ")
        ));
        // On a thread of its own, because reading a line cannot be interrupted.
        let is_yes = tokio::select! {
            is_yes = tokio::task::spawn_blocking(read_yes) => is_yes??,
            () = interrupt.requested() => return Ok(Consent::No),
        };
        Ok(if is_yes { Consent::Yes } else { Consent::No })
    }

    /// Verifies the segments that were written since the last call: the cache is about to be the only copy.
    fn verify(&mut self, path: &Path) -> anyhow::Result<()> {
        let checked = check(path, self.verified_segment)?;
        if let Some(finding) = checked.findings.first() {
            bail!(
                "nothing was deleted: the cache {} is damaged ({}: {}); see tamarin sources check",
                path.display(),
                finding.place,
                finding.problem
            );
        }
        self.verified_segment = checked.newest_segment;
        Ok(())
    }
}

/// Whether a question can be asked: stdin and stderr are terminals.
fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Reads a line from stdin. Returns whether it is `y` or `yes`.
fn read_yes() -> std::io::Result<bool> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Whether requests of the sources `uris` may be dropped. If `pull --purge` deleted log files of a source, the cache may
/// be their only copy: then this asks on a terminal, unless `yes` is set. `what` names what will be dropped.
/// Fails if it must ask and there is no terminal.
pub(super) fn may_drop(cache: &Cache, uris: &[String], yes: bool, what: &str) -> anyhow::Result<bool> {
    let purged: Vec<String> = cache.purged()?.into_iter().filter(|uri| uris.contains(uri)).collect();
    if yes || purged.is_empty() {
        return Ok(true);
    }
    let reason = format!("log files of {} were deleted by pull --purge", purged.join(" and "));
    if !can_ask() {
        return usage(format!("{reason}: the cache may be the only copy of {what}; to drop them add --yes"));
    }
    output::message(&format!("{reason}. Drop {what}? The cache may be their only copy. Type yes or no:"));
    let is_yes = read_yes()?;
    if !is_yes {
        output::message("nothing was dropped");
    }
    Ok(is_yes)
}

fn stopped() -> anyhow::Result<bool> {
    bail!("stopped before all log files were deleted; run again to continue")
}

/// The log files of `source` whose present versions the cache has completely.
async fn complete_files(
    context: &Context,
    writer: &Writer,
    source: &Arc<dyn Source>,
) -> anyhow::Result<Vec<LogFile>> {
    let Some(id) = writer.find_source(source.uri())? else { return Ok(Vec::new()) };
    let (pages, mut listed) = mpsc::channel::<Vec<LogFile>>(4);
    let lister = source.clone();
    let window = context.window();
    // In a set, so that the task is aborted when this future is dropped: a server may take long for a page.
    let mut listing = JoinSet::new();
    listing.spawn(async move { lister.list(window, pages).await });
    let mut complete = Vec::new();
    while let Some(page) = listed.recv().await {
        for file in page {
            if writer.has_whole_log_file(id, &file.name, file.version.as_deref())? {
                complete.push(file);
            }
        }
    }
    while let Some(listed) = listing.join_next().await {
        listed??;
    }
    Ok(complete)
}
