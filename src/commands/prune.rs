//! `tamarin prune`: drops old requests from the cache.

use super::{Outcome, args::PruneArgs, context::Context, open_cache::open_cache, purge, sources, usage};
use crate::cache::{Cache, Pruned, Writer};
use crate::human;
use crate::query::filter::period;

pub(super) fn run(context: &Context, args: &PruneArgs) -> anyhow::Result<Outcome> {
    // These options suggest that fewer requests would be dropped.
    let options = &context.options;
    if options.filter.is_some() || options.since.is_some() || options.until.is_some() {
        return usage("prune drops all requests before --before; it takes no --filter, --since or --until");
    }
    let now = jiff::Timestamp::now().as_second();
    // What is dropped must not depend on a guess.
    if period::has_no_year(&args.before) {
        return usage(format!("--before: write the year of {0}, as in 2026-{0}", args.before));
    }
    let before = match period::parse(&args.before, now) {
        Ok(before) => before.first,
        Err(message) => return usage(format!("--before: {message}")),
    };
    let path = context.cache_path()?;
    let cache = open_cache(&path)?;
    let uris: Vec<String> = match args.sources.as_slice() {
        [] => cache.sources()?.into_iter().map(|source| source.uri).collect(),
        specs => sources::cached_sources(context, specs)?,
    };
    if args.dry_run {
        report(context, prunable(&cache, &uris, before)?, before, "would be dropped");
        return Ok(Outcome::Done);
    }
    let mut affected = Vec::new();
    for uri in &uris {
        if prunable(&cache, std::slice::from_ref(uri), before)?.requests > 0 {
            affected.push(uri.clone());
        }
    }
    let what = format!("requests before {}", human::instant(before));
    if !purge::may_drop(&cache, &affected, args.yes, &what)? {
        return Ok(Outcome::Done);
    }
    drop(cache);
    let mut writer = Writer::open(&path)?;
    let mut total = Pruned::default();
    for uri in uris {
        if let Some(source) = writer.find_source(&uri)? {
            total += writer.prune(source, before)?;
        }
    }
    writer.check_in_place()?;
    report(context, total, before, "dropped");
    if total.requests > 0 {
        sources::shrink_file(context, &mut writer);
    }
    Ok(Outcome::Done)
}

/// What pruning these sources would drop.
fn prunable(cache: &Cache, uris: &[String], before: i64) -> anyhow::Result<Pruned> {
    let snapshot = cache.snapshot()?;
    let mut total = Pruned::default();
    for (source, _) in snapshot.sources.iter().filter(|(_, uri)| uris.contains(uri)) {
        total += snapshot.prunable(*source, before)?;
    }
    Ok(total)
}

fn report(context: &Context, pruned: Pruned, before: i64, what: &str) {
    let size = match pruned.requests {
        0 => String::new(),
        _ => format!(" (about {} in the cache)", human::bytes(pruned.bytes)),
    };
    context.note(&format!(
        "{} before {} {what}{size}",
        human::counted(pruned.requests, "request"),
        human::instant(before)
    ));
}
