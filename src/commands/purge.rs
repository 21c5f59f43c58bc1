//! `tamarin pull --purge`: log files that are wholly in the cache are deleted where they came from.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use tokio::sync::mpsc;

use super::pulling::Interrupt;
use super::setting::Setting;
use super::{output, usage};
use crate::cache::Writer;
use crate::cache::check::check;
use crate::export::human;
use crate::source::{LogFile, Source};

/// Names deleted before somebody who wants to stop is heard.
const AT_ONCE: usize = 1000;

/// Deleting what is safely kept.
pub(super) struct Purge {
    /// Nobody needs to be asked, or somebody said yes.
    agreed: bool,
    /// Segments up to this one were verified by this process.
    verified: i64,
}

impl Purge {
    /// Refuses, before anything is done, what cannot or must not be purged.
    pub(super) fn new(sources: &[Arc<dyn Source>], yes: bool) -> anyhow::Result<Purge> {
        if let Some(source) = sources.iter().find(|source| !source.can_remove()) {
            return usage(format!("--purge deletes log files in S3 only, and {} is not there", source.uri()));
        }
        let is_asked = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if !yes && !is_asked {
            return usage("--purge deletes log files for good and there is nobody to ask: say so with --yes");
        }
        Ok(Purge { agreed: yes, verified: 0 })
    }

    /// Deletes the log files of these sources that the cache holds wholly. Whether some are left.
    pub(super) async fn run(
        &mut self,
        setting: &Setting,
        path: &Path,
        sources: &[Arc<dyn Source>],
        interrupt: &Interrupt,
    ) -> anyhow::Result<bool> {
        // Held till the end: nobody takes requests out of the cache meanwhile.
        let mut writer = Writer::open(path)?;
        let mut some_left = false;
        for source in sources {
            let files = held(setting, &writer, source).await?;
            if files.is_empty() {
                continue;
            }
            let size = files.iter().filter_map(|file| file.size).sum();
            let count = human::count(files.len() as u64);
            let what = format!("{count} log files ({}) from {}", human::bytes(size), source.uri());
            if !self.agreed {
                output::tell(&format!("delete {what}? The cache is their only copy then. Type yes:"));
                let mut answer = String::new();
                std::io::stdin().lock().read_line(&mut answer)?;
                if answer.trim() != "yes" {
                    setting.note("nothing was deleted");
                    return Ok(some_left);
                }
                self.agreed = true;
            }
            writer.make_durable()?;
            self.verify(path)?;
            let names: Vec<String> = files.into_iter().map(|file| file.name).collect();
            let mut deleted = 0;
            for names in names.chunks(AT_ONCE) {
                if interrupt.is_asked() {
                    bail!("stopped before all log files were deleted; run again to carry on");
                }
                let removed = source.remove(names).await?;
                deleted += removed.count;
                for (name, reason) in &removed.refused {
                    some_left = true;
                    output::tell(&format!("{name} was not deleted: {reason}"));
                }
            }
            setting.note(&format!("{} log files deleted from {}", human::count(deleted), source.uri()));
        }
        Ok(some_left)
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

/// The log files that are there now and that the cache holds wholly, in the version that it read.
async fn held(setting: &Setting, writer: &Writer, source: &Arc<dyn Source>) -> anyhow::Result<Vec<LogFile>> {
    let Some(id) = writer.known_source(source.uri())? else { return Ok(Vec::new()) };
    let (pages, mut listed) = mpsc::channel::<Vec<LogFile>>(4);
    let lister = source.clone();
    let window = setting.window();
    let listing = tokio::spawn(async move { lister.list(window, pages).await });
    let mut held = Vec::new();
    while let Some(page) = listed.recv().await {
        for file in page {
            if writer.holds(id, &file.name, file.version.as_deref())? {
                held.push(file);
            }
        }
    }
    listing.await??;
    Ok(held)
}
