//! `tamarin sources`: the sources of the cache, their rejected lines, and which of them are monitored.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use anyhow::{anyhow, bail};

use super::args::{SourcesArgs, SourcesCommand};
use super::open_cache::{open_cache, report_set_aside};
use super::{Outcome, context::Context, open_sources::open_sources, output, purge, usage};
use crate::cache::catalogue::Rejected;
use crate::cache::check::check;
use crate::cache::{Cache, CacheError, Monitoring, Writer};
use crate::export::{self, Cell, Format, Sheet};
use crate::human;

/// Rejected lines that are read from the cache ahead of the output.
const LINES_AHEAD: usize = 1024;

pub(super) fn run(context: &Context, args: &SourcesArgs) -> anyhow::Result<Outcome> {
    // These options suggest that less would be shown or deleted.
    let options = &context.options;
    if [&options.filter, &options.since, &options.until, &options.sort].into_iter().any(Option::is_some) {
        return usage("sources is about the whole cache; it takes no --filter, --since, --until or --sort");
    }
    let path = context.cache_path()?;
    let open = || open_cache(&path);
    match &args.what {
        None => list(context, open()?.as_ref()),
        Some(SourcesCommand::Rejected { source }) => rejected(context, open()?.as_ref(), source.as_deref()),
        Some(SourcesCommand::Check) => open().and_then(|_| verify(context, &path)).map_err(cannot_verify),
        Some(SourcesCommand::Add { sources }) => add(context, sources),
        Some(SourcesCommand::Remove { sources, with_requests: true, yes }) => delete(context, sources, *yes),
        Some(SourcesCommand::Remove { sources, .. }) => monitor(
            context,
            sources,
            Monitoring::Off,
            "is no longer monitored; its requests stay in the cache",
        ),
        Some(SourcesCommand::Pause { sources }) => {
            monitor(context, sources, Monitoring::Paused, "is paused: it is pulled only if it is named")
        }
        Some(SourcesCommand::Resume { sources }) => {
            monitor(context, sources, Monitoring::Resumed, "is pulled again")
        }
    }
}

/// Rewords the error of a cache that is so damaged that it cannot be opened.
fn cannot_verify(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(CacheError::Damaged { path, reason }) => anyhow!(
            "the cache {} is damaged too much to be verified ({reason}); move it away and pull again",
            path.display()
        ),
        _ => error,
    }
}

fn verify(context: &Context, path: &Path) -> anyhow::Result<Outcome> {
    let checked = check(path, 0)?;
    let problems = checked.findings.len() as u64;
    if problems > 0 || context.format != Format::Table {
        let rows = checked.findings.into_iter().map(|finding| {
            vec![
                finding.source.map_or(Cell::Absent, |uri| Cell::Owned(uri.into_bytes())),
                finding.segment.map_or(Cell::Absent, |segment| Cell::Number(segment.get().into())),
                Cell::Owned(finding.place.into_bytes()),
                // SQLite reports several problems, a line each.
                Cell::Owned(finding.problem.replace('\n', "; ").into_bytes()),
            ]
        });
        print(context, Sheet::new(&["source", "segment", "place", "problem"], Box::new(rows), None))?;
    }
    let segments = human::counted(checked.segments, "segment");
    let requests = human::counted(checked.requests, "request");
    if problems > 0 {
        bail!(
            "the cache {} is damaged: {} in {segments}; move it away and pull again",
            path.display(),
            human::counted(problems, "problem")
        );
    }
    context.note(&format!("no damage found: {segments}, {requests}"));
    Ok(Outcome::Done)
}

fn print(context: &Context, sheet: Sheet<'_>) -> anyhow::Result<()> {
    let mut out = output::data();
    export::write_sheet(sheet, context.format, output::width(), &mut out)?;
    Ok(out.flush()?)
}

fn add(context: &Context, specs: &[String]) -> anyhow::Result<Outcome> {
    if specs.iter().any(|spec| spec == "-") {
        return usage("standard input cannot be monitored: it can be read only once");
    }
    let sources = open_sources(context, specs)?;
    let mut writer = Writer::open(&context.cache_path()?)?;
    report_set_aside(context, &writer);
    for source in sources {
        let id = writer.source(source.uri())?;
        writer.monitor(id, Monitoring::On)?;
        context.note(&format!("{} is monitored; tamarin pull fetches new log files", source.uri()));
    }
    Ok(Outcome::Done)
}

fn monitor(
    context: &Context,
    specs: &[String],
    monitoring: Monitoring,
    what: &str,
) -> anyhow::Result<Outcome> {
    let uris = cached_sources(context, specs)?;
    let mut writer = Writer::open(&context.cache_path()?)?;
    let known = writer.sources()?;
    for uri in uris {
        let source = known.iter().find(|source| source.uri == uri);
        // Another process may have deleted the source since.
        let Some(source) = source else { bail!("the cache has no source {uri}") };
        let unchanged = match monitoring {
            Monitoring::Off if source.removed => Some("is not monitored: nothing to remove"),
            Monitoring::Paused if source.paused && !source.removed => Some("is paused already"),
            Monitoring::Resumed if !source.paused => Some("is not paused: nothing to resume"),
            _ => None,
        };
        if unchanged.is_none() {
            writer.monitor(source.id, monitoring)?;
        }
        context.note(&format!("{uri} {}", unchanged.unwrap_or(what)));
    }
    Ok(Outcome::Done)
}

fn delete(context: &Context, specs: &[String], yes: bool) -> anyhow::Result<Outcome> {
    let uris = cached_sources(context, specs)?;
    let cache = open_cache(&context.cache_path()?)?;
    if !purge::may_drop(&cache, &uris, yes, "their requests")? {
        return Ok(Outcome::Done);
    }
    drop(cache);
    let mut writer = Writer::open(&context.cache_path()?)?;
    for uri in uris {
        if let Some(id) = writer.find_source(&uri)? {
            let deleted = writer.delete_source(id)?;
            context.note(&format!(
                "{uri} is deleted from the cache: {} of {}",
                human::counted(deleted.requests, "request"),
                human::counted(deleted.files, "log file")
            ));
        }
    }
    shrink_file(context, &mut writer);
    Ok(Outcome::Done)
}

/// Returns free pages of the cache file to the system. If that fails, for example on a full disk, later pulls use the
/// free pages.
pub(super) fn shrink_file(context: &Context, writer: &mut Writer) {
    match writer.vacuum() {
        Ok(freed) => context.note(&format!("{} freed", human::bytes(freed))),
        Err(error) => {
            context.note(&format!("the file keeps its size, and later pulls use the free space: {error}"));
        }
    }
}

/// The URIs of the sources of the cache that `specs` name.
pub(super) fn cached_sources(context: &Context, specs: &[String]) -> anyhow::Result<Vec<String>> {
    let cache = open_cache(&context.cache_path()?)?;
    specs.iter().map(|spec| cached_source(context, &cache, spec)).collect()
}

/// The URI of the source of the cache that `spec` names, either literally or as an argument of `pull`.
fn cached_source(context: &Context, cache: &Cache, spec: &str) -> anyhow::Result<String> {
    let cached: Vec<String> = cache.sources()?.into_iter().map(|source| source.uri).collect();
    if cached.iter().any(|uri| uri == spec) {
        return Ok(spec.to_owned());
    }
    if let Ok(source) = crate::source::open(spec, &context.s3())
        && cached.iter().any(|uri| uri == source.uri())
    {
        return Ok(source.uri().to_owned());
    }
    let spec = crate::source::shown(spec);
    usage(format!("the cache has no source {spec}; it has {}", cached.join(", ")))
}

fn list(context: &Context, cache: &Cache) -> anyhow::Result<Outcome> {
    let sources = cache.sources()?;
    let instant = |second: Option<i64>| second.map_or(Cell::Absent, Cell::Instant);
    let rows = sources.iter().map(|source| {
        vec![
            Cell::Text(source.uri.as_bytes()),
            source.state().map_or(Cell::Absent, |state| Cell::Text(state.as_bytes())),
            Cell::Number(source.files.into()),
            source.file_bytes.map_or(Cell::Absent, |bytes| Cell::Bytes(bytes.into())),
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
    #[rustfmt::skip]
    let names = [
        "source", "state", "log_files", "log_bytes", "lines", "requests", "duplicates", "rejected",
        "cache_bytes", "first_seen", "last_seen", "last_pull",
    ];
    let size = std::fs::metadata(cache.path()).map_or(0, |metadata| metadata.len());
    let note = format!("{} in {}", human::bytes(size), cache.path().display());
    print(context, Sheet::new(&names, Box::new(rows), Some(note)))?;
    Ok(Outcome::Done)
}

fn rejected(context: &Context, cache: &Cache, source: Option<&str>) -> anyhow::Result<Outcome> {
    let source = match source {
        None => None,
        Some(spec) => Some(cached_source(context, cache, spec)?),
    };
    let (sender, receiver) = sync_channel::<Rejected>(LINES_AHEAD);
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let reader = scope.spawn(|| {
            let sender = sender;
            // The receiver is gone after a closed pipe or enough rows.
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
        // By default all lines, even in a table: usually there are few, and many lines show that a source is wrong.
        let top = context.options.top.filter(|top| *top > 0).unwrap_or(usize::MAX);
        let names = ["source", "log_file", "line", "reason", "content"];
        print(context, Sheet::new(&names, Box::new(rows.take(top)), None))?;
        match reader.join() {
            Ok(read) => Ok(read?),
            Err(_) => bail!("the thread that reads the rejected lines failed"),
        }
    })?;
    Ok(Outcome::Done)
}
