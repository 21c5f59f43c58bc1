//! `tamarin findings`: what looks suspicious, best first; muting.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;

use super::args::{FindingsArgs, FindingsCommand, KindList, MuteArgs, Options};
use super::mutes::CacheMutes;
use super::open_cache::{open_cache, pull_and_open};
use super::{Outcome, context::Context, emptiness, host_names, interrupt, output, usage};
use crate::cache::Cache;
use crate::export::{self, Cell, FindingRow, Format, Sheet};
use crate::human;
use crate::insight::Scope;
use crate::insight::findings::mute::{Mute, MuteStore, separate};
use crate::insight::findings::{Finding, Findings, Kind, find};
use crate::query::filter::period;
use crate::query::{Ask, Dimension, Engine, Filter, TimeRange};

pub(super) fn run(context: &Context, args: &FindingsArgs) -> anyhow::Result<Outcome> {
    if context.options.sort.is_some() {
        return usage("--sort: findings are sorted by their score");
    }
    match &args.what {
        None => list(context, args),
        Some(FindingsCommand::Mute(args)) => mute(context, args),
        Some(FindingsCommand::Muted) => muted(context),
        Some(FindingsCommand::Unmute { numbers }) => unmute(context, numbers),
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn list(context: &Context, args: &FindingsArgs) -> anyhow::Result<Outcome> {
    let open = pull_and_open(context, &args.sources)?;
    let engine = context.with_prices(context.engine(open.cache.clone()), &open.sources)?;
    let scope = Scope {
        sources: open.sources.clone(),
        time: context.time,
        filter: context.filter.clone(),
        counting: args.counting.into(),
    };
    host_names::look_up(context, &engine, &scope, &[])?;
    let (cancel, _hook) = interrupt::query_cancellation();
    let started = Instant::now();
    let Findings { mut findings, benign } = find(&engine, &scope, &cancel, &mut |_, _| {})?;
    let mutes = CacheMutes::of(open.cache.clone()).mutes()?;
    let muted = separate(&engine, &scope, &mutes, now(), &mut findings, &cancel)?;
    if context.options.stats {
        output::message(&format!("{:.3} s", started.elapsed().as_secs_f64()));
    }
    let is_wanted = |finding: &Finding| args.kinds.as_ref().is_none_or(|kinds| kinds.has(finding.kind));
    let is_failure = |finding: &Finding| args.fail_on.as_ref().is_some_and(|kinds| kinds.has(finding.kind));
    let matches = |finding: &Finding| is_wanted(finding) && is_failure(finding);
    let has_matched = findings.iter().any(&matches);

    let (with_benign, with_muted) = (args.all || args.benign, args.all || args.muted);
    let mut rows: Vec<FindingRow> = Vec::new();
    if args.all || !(args.benign || args.muted) {
        // A job that waits for these kinds prints nothing else.
        let shown = findings.into_iter().filter(|finding| args.fail_on.is_none() || matches(finding));
        rows.extend(shown.map(FindingRow::new));
    }
    if with_benign {
        rows.extend(benign.into_iter().map(FindingRow::new));
    }
    if with_muted {
        rows.extend(muted.iter().map(|muted| FindingRow::muted(muted.finding.clone(), &muted.by)));
    }
    rows.retain(|row| is_wanted(&row.finding));
    let found = rows.len();
    rows.truncate(context.max_rows());
    write(context, args, &rows, with_benign || with_muted)?;
    if rows.is_empty() {
        // No finding, or no request to look at?
        let query = context.query(&open.sources, args.counting.into(), Ask::Totals);
        let (cancel, _hook) = interrupt::query_cancellation();
        let is_empty = emptiness::is_empty(&engine.ask_once(&query, &cancel)?.answer);
        let is_table = context.format == Format::Table && args.fail_on.is_none();
        match is_empty && context.time != TimeRange::default() {
            true if context.filter.is_everything() => context.note("no requests in this time"),
            true => context.note("no requests in this time match the filter"),
            false if is_table => context.note("no findings"),
            false => {}
        }
    }
    if rows.len() < found {
        let (shown, found) = (human::count(rows.len() as u64), human::counted(found as u64, "finding"));
        context.note(&format!("{shown} of {found}; --top 0 shows all"));
    }
    let muted = muted.iter().filter(|muted| is_wanted(&muted.finding)).count();
    if muted > 0 && !with_muted && args.fail_on.is_none() {
        let muted = human::counted(muted as u64, "finding");
        context.note(&format!("{muted} muted; --muted lists them"));
    }
    Ok(if has_matched { Outcome::Matched } else { open.outcome })
}

fn write(
    context: &Context,
    args: &FindingsArgs,
    rows: &[FindingRow],
    with_labels: bool,
) -> anyhow::Result<()> {
    let mut out = output::data();
    match (context.options.format, context.format) {
        (None, _) if args.fail_on.is_some() => {
            for row in rows {
                writeln!(out, "{}", export::finding_line(row))?;
            }
        }
        (_, Format::Table) => {
            export::write_findings(rows, output::width(), &mut out)?;
        }
        (_, format) => {
            export::write_sheet(export::findings_sheet(rows, with_labels), format, None, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

/// Resolves `--until` of `findings mute`: a duration counts from now, as in `30d` and `+30d`.
pub(super) fn resolve_end_of_mute(options: &mut Options) -> anyhow::Result<()> {
    let Some(text) = &options.until else { return Ok(()) };
    let duration = period::parse_duration(text.strip_prefix('+').unwrap_or(text));
    match duration.map(|seconds| now().checked_add(seconds)) {
        Some(Some(end)) => options.until = Some(format!("@{end}")),
        None if period::parse(text, now()).is_ok() && !period::has_no_year(text) => {}
        _ => {
            return usage(format!(
                "--until: expected the time at which the mute ends, such as 2026-12-31 or 2026-12-31T18:00, or a duration \
                 from now, such as 12h, 30d or 4w, not \"{text}\""
            ));
        }
    }
    Ok(())
}

fn mute(context: &Context, args: &MuteArgs) -> anyhow::Result<Outcome> {
    if context.time.start.is_some() {
        return usage("findings mute takes no --since; --until says when the mute ends");
    }
    if context.options.filter.is_some() && context.filter.simplified() == Filter::everything() {
        return usage("--filter is empty: it would mute every finding; see tamarin help filter");
    }
    let mut mute = Mute {
        filter: context.options.filter.as_ref().map(|_| context.filter.to_string()),
        until: context.time.end,
        reason: args.reason.clone(),
        added: now(),
        ..Mute::default()
    };
    for what in &args.what {
        if what.trim().is_empty() {
            return usage("the value to mute is empty; leave it out to mute findings about any value");
        }
        if what.eq_ignore_ascii_case("any") {
            return usage("\"any\" would mute every finding; name a kind or a value");
        }
        if let Some(reason) = wrong_network(what) {
            return usage(reason);
        }
        match Kind::by_name(what) {
            Some(kind) if mute.kind.is_none() => mute.kind = Some(kind.name().to_owned()),
            Some(_) => return usage("name one kind; mute several with one command each"),
            None if mute.value.is_none() => mute.value = Some(value_of(what).as_bytes().to_vec()),
            None => {
                let first = mute.value.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
                return usage(format!(
                    "name one value: \"{first}\" and \"{what}\" are no kinds; the kinds are {}",
                    kinds()
                ));
            }
        }
    }
    if mute.kind.is_none() && mute.value.is_none() && mute.filter.is_none() {
        return usage(format!(
            "name what to mute: a kind ({}), a value such as 203.0.113.7, or --filter EXPR",
            kinds()
        ));
    }
    if !mute.is_active(mute.added) {
        return usage("--until is in the past: nothing would be muted");
    }
    let cache = open_cache(&context.cache_path()?)?;
    // A misspelled value mutes nothing. That is only worth a search if the note is printed.
    let is_useless = mute.value.is_some() && !context.options.quiet && !mutes_any(context, &cache, &mute)?;
    let number = CacheMutes::of(cache).add(&mute)?;
    let until = mute.until.map_or(String::new(), |until| format!(" until {} UTC", human::instant(until)));
    context.escaped_note(&format!(
        "muted as {number}: {}{until}; tamarin findings unmute {number} ends that",
        export::mute_text(&mute)
    ));
    if is_useless {
        context.note(&format!("mute {number} matches no finding now; tamarin findings lists them"));
    }
    Ok(Outcome::Done)
}

/// The value in `FIELD:VALUE`, as the subject of a finding is printed; otherwise the whole text is the value.
fn value_of(text: &str) -> &str {
    let value = text.split_once(':').filter(|(name, _)| Dimension::by_name(name).is_some());
    let value = value.map_or(text, |(_, value)| value);
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// What is wrong with a text that is like a network and is none.
fn wrong_network(text: &str) -> Option<String> {
    let text = value_of(text);
    let (address, _) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let is_wrong = text.parse::<IpNet>().is_err();
    is_wrong.then(|| format!("\"{text}\" is not a network: expected {address}/N with N from 0 to {most}"))
}

/// Whether a mute matches any finding in the requests of the cache.
fn mutes_any(context: &Context, cache: &Arc<Cache>, mute: &Mute) -> anyhow::Result<bool> {
    let engine = context.engine(cache.clone());
    let (cancel, _hook) = interrupt::query_cancellation();
    let scope = Scope::default();
    let Findings { mut findings, .. } = find(&engine, &scope, &cancel, &mut |_, _| {})?;
    let mutes = std::slice::from_ref(mute);
    Ok(!separate(&engine, &scope, mutes, mute.added, &mut findings, &cancel)?.is_empty())
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

fn muted(context: &Context) -> anyhow::Result<Outcome> {
    let options = &context.options;
    if options.filter.is_some() || options.since.is_some() || options.until.is_some() {
        return usage(
            "findings muted lists mutes, whatever their requests: it takes no --filter, --since and --until; \
             tamarin findings --muted --filter EXPR lists the muted findings of some requests",
        );
    }
    let mutes = CacheMutes::of(open_cache(&context.cache_path()?)?).mutes()?;
    let text = |text: Option<Vec<u8>>| text.map_or(Cell::Absent, Cell::Owned);
    let filter = |filter: Option<String>| filter.map_or(Cell::Absent, Cell::Filter);
    let now = now();
    let rows = mutes.into_iter().map(|mute| {
        let state: &[u8] = if mute.is_active(now) { b"active" } else { b"ended" };
        vec![
            Cell::Number(mute.id.into()),
            Cell::Text(state),
            text(mute.kind.map(String::into_bytes)),
            text(mute.value),
            filter(mute.filter),
            mute.until.map_or(Cell::Absent, Cell::Instant),
            text(mute.reason.map(String::into_bytes)),
            Cell::Instant(mute.added),
        ]
    });
    let names = ["number", "state", "kind", "value", "filter", "until", "reason", "added"];
    let mut out = output::data();
    let sheet = Sheet::new(&names, Box::new(rows), None);
    export::write_sheet(sheet, context.format, output::width(), &mut out)?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn unmute(context: &Context, numbers: &[i64]) -> anyhow::Result<Outcome> {
    let store = CacheMutes::of(open_cache(&context.cache_path()?)?);
    for number in numbers {
        if !store.remove(*number)? {
            return usage(format!("there is no mute {number}; tamarin findings muted lists them"));
        }
        context.note(&format!("{number} is no longer muted"));
    }
    Ok(Outcome::Done)
}

impl KindList {
    fn has(&self, kind: Kind) -> bool {
        self.0.contains(&kind)
    }
}
