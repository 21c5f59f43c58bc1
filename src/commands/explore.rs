//! `tamarin`: the explorer, with an ingest in the background.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use super::setting::Setting;
use super::{Outcome, pulling};
use crate::cache::{CacheError, Writer};
use crate::source::Source;

pub(super) fn run(setting: &Setting, specs: &[String]) -> anyhow::Result<Outcome> {
    needs_terminal()?;
    let path = setting.cache_path()?;
    if !specs.is_empty() {
        let sources = pulling::open_sources(setting, specs)?;
        let uris = sources.iter().map(|source| source.uri().to_owned()).collect();
        return show(setting, &path, sources, uris, specs.join("  "));
    }
    // What the cache has is shown even if a source of it has gone: those that are there are pulled.
    let usual = pulling::usual_sources(setting).unwrap_or_default();
    let mut sources = Vec::new();
    for spec in &usual {
        if let Ok(source) = pulling::open_sources(setting, std::slice::from_ref(spec)) {
            sources.extend(source);
        }
    }
    let title = if usual.is_empty() { path.display().to_string() } else { usual.join("  ") };
    show(setting, &path, sources, Vec::new(), title)
}

/// Refuses early, before anything is made or fetched.
pub(super) fn needs_terminal() -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() {
        return Ok(());
    }
    bail!("the explorer needs a terminal; for pipes and scripts use `tamarin report` or `tamarin requests`")
}

/// Opens the explorer on a cache and pulls `sources` into it meanwhile. `uris` are the sources asked
/// about; empty: all.
pub(super) fn show(
    setting: &Setting,
    path: &Path,
    sources: Vec<Arc<dyn Source>>,
    uris: Vec<String>,
    title: String,
) -> anyhow::Result<Outcome> {
    let writer = match Writer::open(path) {
        Ok(writer) => Some(writer),
        Err(error @ (CacheError::Locked { .. } | CacheError::ReadOnly { .. })) if path.exists() => {
            setting.note(&format!("{error}; exploring what it has"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    drop((setting, writer, sources, uris, title));
    bail!("this build has no explorer; use `tamarin report` or `tamarin requests`")
}
