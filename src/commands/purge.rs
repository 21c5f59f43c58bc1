//! `tamarin pull --purge`: log files that are wholly in the cache are deleted where they came from.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::interrupt::Interrupt;
use super::setting::Setting;
use super::{output, usage};
use crate::cache::check::check;
use crate::cache::{Cache, Writer};
use crate::export::human;
use crate::source::{LogFile, Source};

/// Names deleted before somebody who wants to stop is heard.
const AT_ONCE: usize = 1000;

/// What was said to deleting. It is asked for once, however many sources and rounds there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    NotAsked,
    Yes,
    No,
}

/// Deleting what is safely kept.
pub(super) struct Purge {
    answer: Answer,
    /// Whether there are more rounds to come.
    keeps_on: bool,
    /// Segments up to this one were verified by this process.
    verified: i64,
}

impl Purge {
    /// Refuses, before anything is done, what cannot or must not be purged.
    pub(super) fn new(sources: &[Arc<dyn Source>], yes: bool, keeps_on: bool) -> anyhow::Result<Purge> {
        if let Some(source) = sources.iter().find(|source| !source.can_remove()) {
            return usage(format!("--purge deletes log files in S3 only, and {} is not there", source.uri()));
        }
        if !yes && !can_ask() {
            return usage("--purge deletes log files for good and there is nobody to ask: say so with --yes");
        }
        Ok(Purge { answer: if yes { Answer::Yes } else { Answer::NotAsked }, keeps_on, verified: 0 })
    }

    /// Deletes the log files of these sources that the cache holds wholly. Whether some are left.
    pub(super) async fn run(
        &mut self,
        setting: &Setting,
        path: &Path,
        sources: &[Arc<dyn Source>],
        interrupt: &Interrupt,
    ) -> anyhow::Result<bool> {
        if self.answer == Answer::No {
            return Ok(false);
        }
        // Held till the end: nobody takes requests out of the cache meanwhile.
        let mut writer = Writer::open(path)?;
        let mut all = Vec::new();
        for source in sources {
            let files = tokio::select! {
                files = held(setting, &writer, source) => files?,
                () = interrupt.asked() => return stopped(),
            };
            if !files.is_empty() {
                all.push((source, files));
            }
        }
        if all.is_empty() {
            return Ok(false);
        }
        if self.answer == Answer::NotAsked {
            self.answer = self.ask(&all, interrupt).await?;
            if self.answer == Answer::No {
                setting.note("nothing was deleted");
                return Ok(false);
            }
        }
        // Noted before, so that it is known whatever happens from here on.
        for (source, files) in &all {
            writer.note_purged(source.uri(), files.iter().map(|file| file.name.as_str()))?;
        }
        writer.make_durable()?;
        self.verify(path)?;
        let mut some_left = false;
        for (source, files) in all {
            let names: Vec<String> = files.into_iter().map(|file| file.name).collect();
            let mut deleted = 0;
            for names in names.chunks(AT_ONCE) {
                if interrupt.is_asked() {
                    return stopped();
                }
                // What was verified is what its path leads to.
                writer.must_be_in_place()?;
                let removed = tokio::select! {
                    removed = source.remove(names) => removed?,
                    () = interrupt.asked() => return stopped(),
                };
                deleted += removed.count;
                for (name, reason) in &removed.refused {
                    some_left = true;
                    output::tell(&format!("{name} was not deleted: {reason}"));
                }
            }
            setting.note(&format!("{} deleted from {}", human::counted(deleted, "log file"), source.uri()));
        }
        Ok(some_left)
    }

    /// Asks whoever sits at the terminal. A signal is a no.
    async fn ask(
        &self,
        all: &[(&Arc<dyn Source>, Vec<LogFile>)],
        interrupt: &Interrupt,
    ) -> anyhow::Result<Answer> {
        let each: Vec<String> = all
            .iter()
            .map(|(source, files)| {
                let size = files.iter().filter_map(|file| file.size).sum();
                let files = human::counted(files.len() as u64, "log file");
                format!("{files} ({}) from {}", human::bytes(size), source.uri())
            })
            .collect();
        let later = if self.keeps_on { ", and later each that was pulled" } else { "" };
        output::tell(&format!(
            "delete {}{later}? The cache is their only copy then. Type yes or no:",
            each.join(" and ")
        ));
        // A thread of its own: who waits for Enter does not hear a signal.
        let is_yes = tokio::select! {
            is_yes = tokio::task::spawn_blocking(is_yes) => is_yes??,
            () = interrupt.asked() => return Ok(Answer::No),
        };
        Ok(if is_yes { Answer::Yes } else { Answer::No })
    }

    /// What is about to become the only copy must be whole.
    fn verify(&mut self, path: &Path) -> anyhow::Result<()> {
        let checked = check(path, self.verified)?;
        if let Some(finding) = checked.findings.first() {
            bail!(
                "nothing was deleted: the cache {} is damaged ({}: {}); see tamarin sources check",
                path.display(),
                finding.place,
                finding.problem
            );
        }
        self.verified = checked.newest_segment;
        Ok(())
    }
}

/// Whether somebody sits at a terminal.
fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Waits for a line; whether it says yes.
fn is_yes() -> std::io::Result<bool> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Whether requests of these sources may go, of which the cache may be the only copy: log files of theirs were
/// deleted by `pull --purge`. Asks on a terminal, refuses elsewhere; `what` says what goes.
pub(super) fn may_drop(cache: &Cache, uris: &[String], yes: bool, what: &str) -> anyhow::Result<bool> {
    let purged: Vec<String> = cache.purged()?.into_iter().filter(|uri| uris.contains(uri)).collect();
    if yes || purged.is_empty() {
        return Ok(true);
    }
    let reason = format!("log files of {} were deleted by pull --purge", purged.join(" and "));
    if !can_ask() {
        return usage(format!("{reason}: the cache may be the only copy of {what}; to drop them say --yes"));
    }
    output::tell(&format!("{reason}. Drop {what}? The cache may be their only copy. Type yes or no:"));
    let is_yes = is_yes()?;
    if !is_yes {
        output::tell("nothing was dropped");
    }
    Ok(is_yes)
}

fn stopped() -> anyhow::Result<bool> {
    bail!("stopped before all log files were deleted; run again to carry on")
}

/// The log files that are there now and that the cache holds wholly, in the version that it read.
async fn held(setting: &Setting, writer: &Writer, source: &Arc<dyn Source>) -> anyhow::Result<Vec<LogFile>> {
    let Some(id) = writer.find_source(source.uri())? else { return Ok(Vec::new()) };
    let (pages, mut listed) = mpsc::channel::<Vec<LogFile>>(4);
    let lister = source.clone();
    let window = setting.window();
    // Given up with this: a server may let people wait for a page.
    let mut listing = JoinSet::new();
    listing.spawn(async move { lister.list(window, pages).await });
    let mut held = Vec::new();
    while let Some(page) = listed.recv().await {
        for file in page {
            if writer.holds(id, &file.name, file.version.as_deref())? {
                held.push(file);
            }
        }
    }
    while let Some(listed) = listing.join_next().await {
        listed??;
    }
    Ok(held)
}
