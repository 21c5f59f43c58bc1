//! `tamarin block`: writes block lists. It changes nothing in AWS.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::mutes::CacheMutes;
use super::open_cache::open_cache;
use super::{Outcome, args::BlockArgs, context::Context, host_names, interrupt, output, usage};
use crate::human::counted;
use crate::insight::block::{self, Format, Notes, Settings, Target};
use crate::insight::findings::mute::{MuteStore, separate};
use crate::insight::{Scope, findings};
use crate::query::{Counting, Engine};

pub(super) fn run(context: &Context, args: &BlockArgs) -> anyhow::Result<Outcome> {
    let options = &context.options;
    let format = match options.format.map(super::args::FormatName::of_block_list) {
        None => Format::Cidr,
        Some(Some(format)) => format,
        Some(None) => return usage("--format: block lists are policy, waf, nft or cidr"),
    };
    if args.values.is_empty() && !args.from_findings {
        return usage(
            "name whom to block (addresses, networks, referer:HOST, requesters), or take the subjects of the findings with \
             --from-findings",
        );
    }
    if options.sort.is_some() || options.top.is_some() {
        return usage("--sort and --top have no meaning for a block list");
    }
    if !args.from_findings && (options.filter.is_some() || options.since.is_some() || options.until.is_some())
    {
        return usage("--filter, --since and --until choose findings; they need --from-findings");
    }
    let mut targets = Vec::new();
    for value in &args.values {
        match Target::parse(value) {
            Ok(target) => targets.push(target),
            Err(error) => return usage(error.to_string()),
        }
    }
    let (v4, v6) = Settings::default().widest;
    let settings = Settings {
        widest: (args.widest.unwrap_or(v4), args.widest_v6.unwrap_or(v6)),
        buckets: args.bucket.iter().cloned().collect(),
        accounts: if args.account.is_empty() {
            context.config.prices.accounts.clone()
        } else {
            args.account.clone()
        },
    };
    // Nothing is looked up for a file that cannot be written.
    if let Some(path) = &args.output
        && path.exists()
    {
        bail!("{}: the file exists; name another one with --output, or remove it", path.display());
    }
    // No part of a list depends on prices, but findings are looked for as `tamarin findings` does.
    let engine = context.engine(open_cache(&context.cache_path()?)?);
    let engine = Arc::new(if args.from_findings { context.with_prices(engine, &[])? } else { engine });
    let (cancel, _hook) = interrupt::query_cancellation();
    let scope = Scope {
        sources: Vec::new(),
        time: context.time,
        filter: context.filter.clone(),
        counting: Counting::AsLogged,
    };
    // All lookups are about the same requests.
    engine.pin_snapshot(true)?;
    host_names::look_up(context, &*engine, &scope, &[])?;
    if args.from_findings {
        let mut found = findings::find(&*engine, &scope, &cancel, &mut |_, _| {})?.findings;
        let mutes = CacheMutes::of(engine.cache().clone()).mutes()?;
        let now = jiff::Timestamp::now().as_second();
        let muted = separate(&*engine, &scope, &mutes, now, &mut found, &cancel)?;
        if !muted.is_empty() {
            let muted = counted(muted.len() as u64, "muted finding");
            context.note(&format!("{muted} left out; tamarin findings --muted lists them"));
        }
        for finding in &found {
            match Target::of_finding(finding) {
                Some(Ok(target)) => targets.push(target),
                Some(Err(error)) => context.note(&format!("{}: {error}", finding.kind.name())),
                None => {}
            }
        }
        if targets.is_empty() && found.is_empty() {
            bail!("there are no findings, so there is nothing to block; name whom to block");
        }
        if targets.is_empty() {
            bail!(
                "the findings name no address, referer or requester that could be blocked; see tamarin findings"
            );
        }
    }
    let plan = block::plan(&*engine, &scope, &targets, &settings, &cancel)?;
    let text = plan.write(format)?;
    let number = if args.all_notes { Notes::All } else { Notes::First };
    for note in plan.notes(format, number) {
        context.note(&note);
    }
    match &args.output {
        Some(path) => write_new(path, &text)?,
        None => {
            let mut out = output::data();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
    }
    Ok(Outcome::Done)
}

/// Writes a file that must not exist.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{}: the file exists; name another one with --output, or remove it", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("{}: cannot be created", path.display())),
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{}: cannot be written", path.display()))
}
