//! `tamarin investigations`: lists investigations. `tamarin report @NAME`: prints the table of one.

use super::args::{FindingsArgs, ReportArgs, RequestsArgs};
use super::{Outcome, context::Context, findings, output, report, requests, usage};
use crate::config::{NamedInvestigation, did_you_mean};
use crate::export::{self, Cell, Format, Sheet};
use crate::log::Field;
use crate::query::{Measure, TimeRange};
use crate::tui::investigation::resolve;

/// Prints all investigations.
pub(super) fn list(context: &Context) -> anyhow::Result<Outcome> {
    let settings = context.settings()?;
    let text = |text: &str| match text {
        "" => Cell::Absent,
        text => Cell::Owned(text.as_bytes().to_vec()),
    };
    let is_table = context.format == Format::Table;
    let names: &[&str] = match is_table {
        true => &["topic", "name", "about"],
        false => &["topic", "name", "about", "table", "filter", "sort", "columns", "since", "until"],
    };
    let rows = settings.investigations.iter().map(|named| {
        let of = &named.investigation;
        let columns = of.columns.join(",");
        let filter = if of.filter.is_empty() { Cell::Absent } else { Cell::Filter(of.filter.clone()) };
        let mut cells =
            vec![text(named.topic()), text(&named.name), text(&of.about), text(&of.table), filter];
        cells.extend([&of.sort, &columns, &of.since, &of.until].map(|value| text(value)));
        cells.truncate(names.len());
        cells
    });
    let mut out = output::data();
    export::write_sheet(Sheet::new(names, Box::new(rows), None), context.format, output::width(), &mut out)?;
    std::io::Write::flush(&mut out)?;
    context.note("tamarin @NAME [SOURCE] opens one, tamarin report @NAME prints its table");
    Ok(Outcome::Done)
}

impl Context {
    /// The investigation with this name, with or without `@`.
    pub(super) fn investigation(&self, name: &str) -> anyhow::Result<NamedInvestigation> {
        let settings = self.settings()?;
        if let Some(named) = settings.investigation_named(name) {
            return Ok(named.clone());
        }
        let names = settings.investigations.iter().map(|named| named.name.as_str());
        let hint = did_you_mean(name.trim_start_matches('@'), names);
        usage(format!(
            "there is no investigation \"{name}\"{hint}; tamarin investigations lists them (a file of this name is ./{name})"
        ))
    }
}

/// Splits an argument `@NAME` from the sources.
pub(super) fn split(
    context: &Context,
    specs: &[String],
) -> anyhow::Result<(Option<NamedInvestigation>, Vec<String>)> {
    let (names, sources): (Vec<&String>, Vec<&String>) = specs.iter().partition(|spec| spec.starts_with('@'));
    let sources = sources.into_iter().cloned().collect();
    match names.as_slice() {
        [] => Ok((None, sources)),
        [name] => Ok((Some(context.investigation(name)?), sources)),
        [first, second, ..] => usage(format!("{first} {second}: the explorer opens one investigation")),
    }
}

/// Prints the table of an investigation. Options of the command line take precedence over its order and columns, and
/// are added to its filter and time range.
pub(super) fn report(context: Context, args: &ReportArgs) -> anyhow::Result<Outcome> {
    let NamedInvestigation { name, investigation, .. } = context.investigation(&args.dimension)?;
    let resolved = match resolve(&investigation, jiff::Timestamp::now().as_second()) {
        Ok(resolved) => resolved,
        Err(wrong) => {
            let of = |(key, reason): &(&str, String)| format!("investigations.{name}.{key}: {reason}");
            return Err(anyhow::Error::msg(wrong.first().map(of).unwrap_or_default()));
        }
    };
    let (mut context, mut args) = (context, args.clone());
    let time = resolved.time;
    context.time = TimeRange {
        start: context.time.start.max(time.start),
        end: context.time.end.into_iter().chain(time.end).min(),
    };
    context.filter = context.filter.and(resolved.filter);
    if context.options.sort.is_none() && !investigation.sort.is_empty() {
        context.options.sort = Some(resolved.arrangement.sort_text());
    }
    match investigation.table.as_str() {
        "requests" => {
            let fields = investigation.columns.iter().filter_map(|name| Field::by_name(name)).collect();
            let args = RequestsArgs { sources: args.sources, counting: args.counting };
            requests::run_with(&context, &args, fields)
        }
        "findings" => {
            context.options.sort = None;
            let args = FindingsArgs {
                what: None,
                sources: args.sources,
                kinds: None,
                fail_on: None,
                benign: false,
                muted: false,
                all: false,
                counting: args.counting,
            };
            findings::run(&context, &args)
        }
        table => {
            args.dimension = if table.is_empty() { "remote_ip".to_owned() } else { table.to_owned() };
            // Reports by two dimensions have fixed columns, those by time do not compare rows; sparklines are for the screen.
            let is_column = |name: &&String| {
                let is_comparable = |measure: Measure| table != "time" || !measure.is_relative();
                let is_shown = |measure| measure != Measure::Value && is_comparable(measure);
                !table.contains(',') && Measure::by_name(name).is_some_and(is_shown)
            };
            if args.columns.is_empty() && !args.summary {
                args.columns = investigation.columns.iter().filter(is_column).cloned().collect();
            }
            report::run(&context, &args)
        }
    }
}
