//! `tamarin sources`: what the cache holds, and the lines it rejected.

use std::io::Write;
use std::sync::mpsc::sync_channel;

use super::args::{SourcesArgs, SourcesCommand};
use super::setting::Setting;
use super::{Outcome, output, pulling, usage};
use crate::cache::Cache;
use crate::cache::catalogue::Rejected;
use crate::export::{self, Cell, Sheet};

/// Rejected lines on their way from the cache.
const AHEAD: usize = 1024;

pub(super) fn run(setting: &Setting, args: &SourcesArgs) -> anyhow::Result<Outcome> {
    let cache = pulling::open_cache(&setting.cache_path()?)?;
    match &args.what {
        None => list(setting, &cache),
        Some(SourcesCommand::Rejected { source }) => rejected(setting, &cache, source.as_deref()),
    }
}

fn list(setting: &Setting, cache: &Cache) -> anyhow::Result<Outcome> {
    let sources = cache.sources()?;
    let instant = |second: Option<i64>| second.map_or(Cell::Absent, Cell::Instant);
    let rows = sources.iter().map(|source| {
        vec![
            Cell::Text(source.uri.as_bytes()),
            Cell::Number(source.files.into()),
            Cell::Bytes(source.file_bytes.into()),
            Cell::Number(source.lines.into()),
            Cell::Number(source.requests.into()),
            Cell::Number(source.duplicates.into()),
            Cell::Number(source.rejected.into()),
            Cell::Bytes(source.cache_bytes.into()),
            instant(source.oldest),
            instant(source.newest),
            instant(source.last_pull),
        ]
    });
    let names = [
        "source",
        "log_files",
        "log_bytes",
        "lines",
        "requests",
        "duplicates",
        "rejected",
        "cache_bytes",
        "first_seen",
        "last_seen",
        "last_pull",
    ];
    let size = std::fs::metadata(cache.path()).map_or(0, |metadata| metadata.len());
    let note = format!("{} in {}", export::human::bytes(size), cache.path().display());
    let sheet = Sheet::new(&names, Box::new(rows), Some(note));
    let mut out = output::data();
    export::write_sheet(sheet, setting.format, output::width(), &mut out)?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn rejected(setting: &Setting, cache: &Cache, source: Option<&str>) -> anyhow::Result<Outcome> {
    let source = match source {
        None => None,
        Some(spec) => Some(known_source(setting, cache, spec)?),
    };
    let (sender, receiver) = sync_channel::<Rejected>(AHEAD);
    let mut out = output::data();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let reading = scope.spawn(|| {
            let sender = sender;
            // A reader that is gone (a closed pipe) needs no more lines.
            cache.rejected(source.as_deref(), &mut |line| drop(sender.send(line)))
        });
        let rows = receiver.into_iter().map(|line| {
            vec![
                Cell::Owned(line.source.into_bytes()),
                Cell::Owned(line.file.into_bytes()),
                Cell::Number(line.line.into()),
                Cell::Owned(line.reason.into_bytes()),
                Cell::Owned(line.content),
            ]
        });
        let sheet = Sheet::new(&["source", "log_file", "line", "reason", "content"], Box::new(rows), None);
        export::write_sheet(sheet, setting.format, output::width(), &mut out)?;
        match reading.join() {
            Ok(read) => Ok(read?),
            Err(_) => anyhow::bail!("reading the rejected lines broke down"),
        }
    })?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// The URI of a source as the cache knows it: as typed, or as the argument names it.
fn known_source(setting: &Setting, cache: &Cache, spec: &str) -> anyhow::Result<String> {
    let known: Vec<String> = cache.sources()?.into_iter().map(|source| source.uri).collect();
    if known.iter().any(|uri| uri == spec) {
        return Ok(spec.to_owned());
    }
    if let Ok(source) = crate::source::open(spec, &setting.s3())
        && known.iter().any(|uri| uri == source.uri())
    {
        return Ok(source.uri().to_owned());
    }
    usage(format!("the cache has no source {spec}; it has {}", known.join(", ")))
}
