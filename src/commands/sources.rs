//! `tamarin sources`: what the cache holds, the lines it rejected, and which sources are monitored.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use anyhow::{anyhow, bail};

use super::args::{SourcesArgs, SourcesCommand};
use super::setting::Setting;
use super::{Outcome, output, pulling, purge, usage};
use crate::cache::catalogue::Rejected;
use crate::cache::check::check;
use crate::cache::{Cache, CacheError, Monitoring, Writer};
use crate::export::{self, Cell, Format, Sheet, human};

/// Rejected lines on their way from the cache.
const AHEAD: usize = 1024;

pub(super) fn run(setting: &Setting, args: &SourcesArgs) -> anyhow::Result<Outcome> {
    // Whoever gives one of these expects less than would be told, or deleted.
    let options = &setting.options;
    if [&options.filter, &options.since, &options.until, &options.sort].into_iter().any(Option::is_some) {
        return usage(
            "sources is about all that the cache has; it knows no --filter, --since, --until or --sort",
        );
    }
    let path = setting.cache_path()?;
    let open = || pulling::open_cache(&path);
    match &args.what {
        None => list(setting, open()?.as_ref()),
        Some(SourcesCommand::Rejected { source }) => rejected(setting, open()?.as_ref(), source.as_deref()),
        Some(SourcesCommand::Check) => open().and_then(|_| verify(setting, &path)).map_err(beyond_verifying),
        Some(SourcesCommand::Add { sources }) => add(setting, sources),
        Some(SourcesCommand::Remove { sources, with_requests: true, yes }) => delete(setting, sources, *yes),
        Some(SourcesCommand::Remove { sources, .. }) => {
            let told = "is no longer pulled by itself; what was pulled of it stays";
            monitor(setting, sources, Monitoring::Off, told)
        }
        Some(SourcesCommand::Pause { sources }) => {
            monitor(setting, sources, Monitoring::Paused, "is paused: it is pulled only if it is named")
        }
        Some(SourcesCommand::Resume { sources }) => {
            monitor(setting, sources, Monitoring::Resumed, "is pulled again")
        }
    }
}

/// What is damaged too much to be opened cannot be verified either: there is no more to be found out.
fn beyond_verifying(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(CacheError::Damaged { path, reason }) => anyhow!(
            "the cache {} is damaged too much to be verified ({reason}); move it away and pull again",
            path.display()
        ),
        _ => error,
    }
}

fn verify(setting: &Setting, path: &Path) -> anyhow::Result<Outcome> {
    let checked = check(path, 0)?;
    let findings = checked.findings.len() as u64;
    if findings > 0 || setting.format != Format::Table {
        let rows = checked.findings.into_iter().map(|finding| {
            vec![
                finding.source.map_or(Cell::Absent, |uri| Cell::Owned(uri.into_bytes())),
                finding.segment.map_or(Cell::Absent, |segment| Cell::Number(segment.into())),
                Cell::Owned(finding.place.into_bytes()),
                Cell::Owned(finding.problem.into_bytes()),
            ]
        });
        let sheet = Sheet::new(&["source", "segment", "place", "problem"], Box::new(rows), None);
        let mut out = output::data();
        export::write_sheet(sheet, setting.format, output::width(), &mut out)?;
        out.flush()?;
    }
    let segments = human::counted(checked.segments, "segment");
    let requests = human::counted(checked.requests, "request");
    if findings > 0 {
        bail!(
            "the cache {} is damaged: {} in {segments}; move it away and pull again",
            path.display(),
            human::counted(findings, "finding")
        );
    }
    setting.note(&format!("all is well: {segments}, {requests}"));
    Ok(Outcome::Done)
}

fn add(setting: &Setting, specs: &[String]) -> anyhow::Result<Outcome> {
    if specs.iter().any(|spec| spec == "-") {
        return usage("standard input cannot be monitored: it can be read only once");
    }
    let sources = pulling::open_sources(setting, specs)?;
    let mut writer = Writer::open(&setting.cache_path()?)?;
    pulling::tell_put_aside(setting, &writer);
    for source in sources {
        let id = writer.source(source.uri())?;
        writer.monitor(id, Monitoring::On)?;
        setting.note(&format!("{} is monitored; tamarin pull fetches what is new", source.uri()));
    }
    Ok(Outcome::Done)
}

fn monitor(setting: &Setting, specs: &[String], wanted: Monitoring, told: &str) -> anyhow::Result<Outcome> {
    let uris = known_sources(setting, specs)?;
    let mut writer = Writer::open(&setting.cache_path()?)?;
    for uri in uris {
        if let Some(id) = writer.find_source(&uri)? {
            writer.monitor(id, wanted)?;
            setting.note(&format!("{uri} {told}"));
        }
    }
    Ok(Outcome::Done)
}

fn delete(setting: &Setting, specs: &[String], yes: bool) -> anyhow::Result<Outcome> {
    let uris = known_sources(setting, specs)?;
    let cache = pulling::open_cache(&setting.cache_path()?)?;
    if !purge::may_drop(&cache, &uris, yes, "their requests")? {
        return Ok(Outcome::Done);
    }
    drop(cache);
    let mut writer = Writer::open(&setting.cache_path()?)?;
    for uri in uris {
        if let Some(id) = writer.find_source(&uri)? {
            let gone = writer.delete_source(id)?;
            setting.note(&format!(
                "{uri} is deleted from the cache: {} of {}",
                human::counted(gone.requests, "request"),
                human::counted(gone.files, "log file")
            ));
        }
    }
    give_space_back(setting, &mut writer);
    Ok(Outcome::Done)
}

/// Makes the file smaller, and says by how much. That there is no room to do so is no failure: the space
/// is free within the file.
pub(super) fn give_space_back(setting: &Setting, writer: &mut Writer) {
    match writer.vacuum() {
        Ok(freed) => setting.note(&format!("{} freed", human::bytes(freed))),
        Err(error) => setting.note(&format!("the file keeps its size, what comes next fills it: {error}")),
    }
}

/// The URIs of sources that the cache has, by what was typed.
pub(super) fn known_sources(setting: &Setting, specs: &[String]) -> anyhow::Result<Vec<String>> {
    let cache = pulling::open_cache(&setting.cache_path()?)?;
    specs.iter().map(|spec| known_source(setting, &cache, spec)).collect()
}

fn list(setting: &Setting, cache: &Cache) -> anyhow::Result<Outcome> {
    let sources = cache.sources()?;
    let instant = |second: Option<i64>| second.map_or(Cell::Absent, Cell::Instant);
    let rows = sources.iter().map(|source| {
        vec![
            Cell::Text(source.uri.as_bytes()),
            source.state().map_or(Cell::Absent, |state| Cell::Text(state.as_bytes())),
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
        "state",
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
    let note = format!("{} in {}", human::bytes(size), cache.path().display());
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
        // They are few, or else what is wrong is best seen in all of them.
        let top = setting.options.top.filter(|top| *top > 0).unwrap_or(usize::MAX);
        let names = ["source", "log_file", "line", "reason", "content"];
        let sheet = Sheet::new(&names, Box::new(rows.take(top)), None);
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
    let spec = crate::source::shown(spec);
    usage(format!("the cache has no source {spec}; it has {}", known.join(", ")))
}
