//! `tamarin prune`: old requests leave the cache.

use super::args::PruneArgs;
use super::setting::Setting;
use super::{Outcome, pulling, purge, sources, usage};
use crate::cache::{Cache, Pruned, Writer};
use crate::export::human;
use crate::query::filter::instant;

pub(super) fn run(setting: &Setting, args: &PruneArgs) -> anyhow::Result<Outcome> {
    // Whoever gives one of these means to keep more than would be kept.
    let options = &setting.options;
    if options.filter.is_some() || options.since.is_some() || options.until.is_some() {
        return usage("prune drops all requests before --before; it knows no --filter, --since or --until");
    }
    let now = jiff::Timestamp::now().as_second();
    let Some(before) = instant::parse(&args.before, now) else {
        return usage(format!("--before: expected {}, not \"{}\"", instant::EXPECTED, args.before));
    };
    let before = before.first;
    let path = setting.cache_path()?;
    let cache = pulling::open_cache(&path)?;
    let uris: Vec<String> = match args.sources.as_slice() {
        [] => cache.sources()?.into_iter().map(|source| source.uri).collect(),
        specs => sources::known_sources(setting, specs)?,
    };
    if args.dry_run {
        tell(setting, prunable(&cache, &uris, before)?, before, "would be dropped");
        return Ok(Outcome::Done);
    }
    // Asked only about what loses requests.
    let mut losing = Vec::new();
    for uri in &uris {
        if prunable(&cache, std::slice::from_ref(uri), before)?.requests > 0 {
            losing.push(uri.clone());
        }
    }
    let what = format!("requests before {}", human::instant(before));
    if !purge::may_drop(&cache, &losing, args.yes, &what)? {
        return Ok(Outcome::Done);
    }
    drop(cache);
    let mut writer = Writer::open(&path)?;
    let mut all = Pruned::default();
    for uri in uris {
        if let Some(source) = writer.find_source(&uri)? {
            all += writer.prune(source, before)?;
        }
    }
    writer.must_be_in_place()?;
    tell(setting, all, before, "dropped");
    if all.requests > 0 {
        sources::give_space_back(setting, &mut writer);
    }
    Ok(Outcome::Done)
}

/// What would go of these sources.
fn prunable(cache: &Cache, uris: &[String], before: i64) -> anyhow::Result<Pruned> {
    let snapshot = cache.snapshot()?;
    let mut all = Pruned::default();
    for (source, _) in snapshot.sources.iter().filter(|(_, uri)| uris.contains(uri)) {
        all += snapshot.prunable(*source, before)?;
    }
    Ok(all)
}

fn tell(setting: &Setting, all: Pruned, before: i64, told: &str) {
    let size = match all.requests {
        0 => String::new(),
        _ => format!(" (about {} in the cache)", human::bytes(all.bytes)),
    };
    setting.note(&format!(
        "{} before {} {told}{size}",
        human::counted(all.requests, "request"),
        human::instant(before)
    ));
}
