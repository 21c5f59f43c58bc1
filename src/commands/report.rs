//! `tamarin report`: tables of groups, time series and totals.

use std::io::Write;

use super::open_cache::{QueryableCache, pull_and_open};
use super::prices::ChosenPrices;
use super::{Outcome, args::ReportArgs, context::Context, emptiness, host_names, interrupt, output, usage};
use crate::export::{self, Format};
use crate::human;
use crate::insight::Scope;
use crate::insight::concentration::{Concentration, concentration};
use crate::log::Field;
use crate::query::LocalEngine;
use crate::query::measure::Unit;
use crate::query::{
    Answer, Ask, BucketWidth, Dimension, Engine, GroupRow, Groups, Measure, Series, Sort, Stats, Value,
};

/// Width of a row of `report time` without `--bucket`.
const DEFAULT_BUCKET: BucketWidth = BucketWidth::Seconds(3600);

/// Rows of time that are printed, those without requests included.
const MAX_ROWS: usize = 1 << 20;

enum Subject {
    Dimension(Dimension, Sort<Measure>),
    Pairs([Dimension; 2], Sort<Measure>),
    Time(Sort<Measure>),
    Total,
}

impl Subject {
    fn dimensions(&self) -> &[Dimension] {
        match self {
            Subject::Dimension(by, _) => std::slice::from_ref(by),
            Subject::Pairs(by, _) => by,
            Subject::Time(_) | Subject::Total => &[],
        }
    }
}

pub(super) fn run(context: &Context, args: &ReportArgs) -> anyhow::Result<Outcome> {
    let subject = subject(context, &args.dimension)?;
    if args.bucket.is_some() && !matches!(subject, Subject::Time(_)) {
        return usage("--bucket is for tamarin report time");
    }
    let by_address = matches!(&subject, Subject::Dimension(Dimension::Field(Field::RemoteIp), _));
    if args.summary && !matches!(subject, Subject::Dimension(..)) {
        return usage("--summary is for reports by one dimension");
    }
    if args.summary && (context.options.sort.is_some() || context.options.top.is_some()) {
        return usage("--summary has a row per measure; leave out --sort and --top");
    }
    let columns = columns(&subject, &args.columns)?;
    let open = pull_and_open(context, &args.sources)?;
    let mut report = Report { context, open: &open, engine: context.engine(open.cache.clone()), args };
    if !by_address || context.filter.tests(&Dimension::HostName) {
        let by = subject.dimensions();
        let query = context.query(&open.sources, args.counting.into(), Ask::Totals);
        host_names::look_up(context, &report.engine, &Scope::of(&query), by)?;
    }
    let mut prices: Option<ChosenPrices> = None;
    if let (true, Subject::Dimension(by, _)) = (args.summary, &subject) {
        report.write_summary(by)?;
        return Ok(open.outcome);
    }
    let width = args.bucket.unwrap_or(DEFAULT_BUCKET);
    let is_ranked = columns.iter().any(|by| matches!(by, Measure::Rank | Measure::CumulativeShare));
    let has_cost = columns.contains(&Measure::Cost);
    let ask = match &subject {
        Subject::Total if columns.contains(&Measure::Cost) => Ask::Cost,
        Subject::Total => Ask::Totals,
        Subject::Time(sort) if !columns.is_empty() => {
            // All rows: those without requests are added below.
            Ask::Groups { by: Dimension::Bucket(width), more: columns, sort: *sort, limit: 0 }
        }
        Subject::Time(_) => Ask::Series { bucket: width.asked(), each: None },
        Subject::Dimension(by, sort) => {
            Ask::Groups { by: by.clone(), more: columns, sort: *sort, limit: context.top() }
        }
        Subject::Pairs(by, sort) => Ask::Pairs { by: by.clone(), sort: *sort, limit: context.top() },
    };
    if has_cost {
        let chosen = context.prices_of_costs(&report.engine, &open.sources)?;
        report.engine = report.engine.with_prices(chosen.prices.clone());
        prices = Some(chosen);
        // All queries of a table are about the same requests.
        report.engine.pin_snapshot(true)?;
    }
    let mut answer = report.answer(&ask)?;
    if let (Subject::Time(sort), Answer::Groups(groups), Ask::Groups { more, .. }) =
        (&subject, &mut answer, &ask)
    {
        add_empty_buckets(groups, width, more, *sort, context.top());
    }
    let mut out = output::data();
    match (&subject, &answer) {
        (Subject::Time(sort), Answer::Series(series)) => {
            let (rows, whole, note) = series_rows(series, width, *sort, context.top());
            let sheet = export::bucket_sheet(rows, whole, note);
            export::write_sheet(sheet, context.format, output::width(), &mut out)?;
        }
        (Subject::Pairs(by, _), Answer::Pairs(pairs)) if has_cost => {
            let costs = report.costs_of_pairs(by, pairs)?;
            let sheet = export::sheet(&answer, &ask).with_estimate(Measure::Cost.name(), costs);
            export::write_sheet(sheet, context.format, output::width(), &mut out)?;
        }
        (_, Answer::Groups(groups)) if by_address && context.names.is_some() => {
            let names = host_names::column(context, groups);
            let sheet = export::sheet(&answer, &ask).with_column(1, "host_name", names);
            export::write_sheet(sheet, context.format, output::width(), &mut out)?;
        }
        _ => export::write(&answer, &ask, context.format, output::width(), &mut out)?,
    }
    if let (true, Format::Table, Subject::Dimension(by, sort)) = (is_ranked, context.format, &subject) {
        let of = match sort.by {
            measure @ (Measure::Requests | Measure::Errors) => measure,
            _ => Measure::BytesSent,
        };
        writeln!(out, "{}", report.concentration(by, of)?.sentence(by, of))?;
    }
    out.flush()?;
    if emptiness::is_empty(&answer) {
        emptiness::explain(context, &report.engine, &open.sources, args.counting.into())?;
    }
    if let Some(prices) = &prices {
        context.note(&prices.note());
    }
    // Tables and JSON mark estimated columns themselves; CSV cannot.
    let mut approximate = export::approximate(&answer, &ask);
    if has_cost && approximate.is_empty() {
        approximate.push(Measure::Cost.name());
    }
    if context.format == Format::Csv && !approximate.is_empty() {
        context.note(&format!("≈ {}: see tamarin report --help", approximate.join(", ")));
    }
    Ok(open.outcome)
}

/// A report about an open cache.
pub(super) struct Report<'r> {
    pub(super) context: &'r Context,
    pub(super) open: &'r QueryableCache,
    pub(super) engine: LocalEngine,
    pub(super) args: &'r ReportArgs,
}

impl Report<'_> {
    /// Runs the query, and prints its statistics with `--stats`.
    fn answer(&self, ask: &Ask) -> anyhow::Result<Answer> {
        let query = self.context.query(&self.open.sources, self.args.counting.into(), ask.clone());
        let (cancel, _hook) = interrupt::query_cancellation();
        let reply = self.engine.ask_once(&query, &cancel)?;
        if self.context.options.stats {
            output::statistics(&reply.statistics);
        }
        Ok(reply.answer)
    }

    fn concentration(&self, by: &Dimension, of: Measure) -> anyhow::Result<Concentration> {
        let query = self.context.query(&self.open.sources, self.args.counting.into(), Ask::Totals);
        let (cancel, _hook) = interrupt::query_cancellation();
        let (concentration, statistics) =
            concentration(&self.engine, &Scope::of(&query), by, of, &cancel, &mut |_, _| {})?;
        if self.context.options.stats {
            output::statistics(&statistics);
        }
        Ok(concentration)
    }

    /// Prints the concentration of requests and bytes.
    fn write_summary(&self, by: &Dimension) -> anyhow::Result<()> {
        let mut measures = Vec::new();
        for of in [Measure::Requests, Measure::BytesSent] {
            measures.push((of, self.concentration(by, of)?));
        }
        let mut out = output::data();
        let format = self.context.format;
        let sheet = export::concentration_sheet(by, &measures, format == Format::Table);
        export::write_sheet(sheet, format, output::width(), &mut out)?;
        Ok(out.flush()?)
    }
}

fn subject(context: &Context, name: &str) -> anyhow::Result<Subject> {
    match name.to_ascii_lowercase().as_str() {
        "total" | "totals" | "none" => {
            if context.options.sort.is_some() {
                return usage("--sort: a total has only one row");
            }
            Ok(Subject::Total)
        }
        "time" => {
            Ok(Subject::Time(sort(context, &["time"], (Measure::Value, false), |by| !by.is_relative())?))
        }
        _ => {
            let default = (Measure::BytesSent, true);
            match name.split(',').collect::<Vec<_>>().as_slice() {
                [name] => {
                    let by = dimension(name, ", time, total")?;
                    let sort = sort(context, &[&by.name()], default, |_| true)?;
                    Ok(Subject::Dimension(by, sort))
                }
                [first, second] => {
                    let by = [dimension(first, "")?, dimension(second, "")?];
                    if by[0] == by[1] {
                        return usage(format!(
                            "\"{name}\" names the same dimension twice; name two dimensions"
                        ));
                    }
                    let names = [by[0].name(), by[1].name()];
                    let sort = sort(context, &[&names.join(","), &names[0]], default, |by| !by.is_extra())?;
                    Ok(Subject::Pairs(by, sort))
                }
                _ => usage(format!(
                    "\"{name}\": a report is by one or two dimensions, such as http_status,error_code"
                )),
            }
        }
    }
}

/// The dimension with this name. `others` are names that are also valid.
fn dimension(name: &str, others: &str) -> anyhow::Result<Dimension> {
    let name = name.trim();
    Dimension::by_name(name).map_or_else(
        || {
            let names: Vec<String> = Dimension::choices().iter().map(Dimension::name).collect();
            usage(format!(
                "\"{name}\" is not a dimension; the dimensions are {}, network/BITS, prefix/DEPTH, \
                 query_param:NAME{others}",
                names.join(", ")
            ))
        },
        Ok,
    )
}

/// The columns that `--columns` and `--sort` add to the default ones.
fn columns(subject: &Subject, names: &[String]) -> anyhow::Result<Vec<Measure>> {
    let (Subject::Dimension(_, sort) | Subject::Time(sort)) = subject else {
        return match names {
            [] => Ok(Vec::new()),
            [cost] if cost.trim() == Measure::Cost.name() => Ok(vec![Measure::Cost]),
            _ => usage(
                "--columns is for reports by one dimension or by time; those by two dimensions and total have fixed columns, \
                 and may have one more: cost",
            ),
        };
    };
    let is_time = matches!(subject, Subject::Time(_));
    let mut columns = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        match Measure::by_name(name).filter(|measure| *measure != Measure::Value) {
            Some(measure) if is_time && measure.is_relative() && !measure.is_standard() => {
                return usage(format!("--columns: {name} compares groups; report time does not have it"));
            }
            Some(measure) => columns.push(measure),
            None => {
                let names: Vec<&str> = Measure::ALL
                    .into_iter()
                    .filter(|measure| !(measure.is_standard() || is_time && measure.is_relative()))
                    .map(Measure::name)
                    .collect();
                return usage(format!("--columns: no column \"{name}\"; there are {}", names.join(", ")));
            }
        }
    }
    columns.push(sort.by);
    let mut wanted = Vec::new();
    for measure in columns {
        if !measure.is_standard() && !wanted.contains(&measure) {
            wanted.push(measure);
        }
    }
    Ok(wanted)
}

/// The order that `--sort` names: `value`, one of the `names` of the values, or a measure that `is_valid`.
fn sort(
    context: &Context,
    names: &[&str],
    default: (Measure, bool),
    is_valid: impl Fn(Measure) -> bool,
) -> anyhow::Result<Sort<Measure>> {
    let Some((column, descending)) = context.sort() else {
        return Ok(Sort { by: default.0, descending: default.1 });
    };
    let is_valid = |measure: &Measure| *measure == Measure::Value || is_valid(*measure);
    let named = |name: &str| {
        let measure = if names.contains(&name) { Some(Measure::Value) } else { Measure::by_name(name) };
        measure.filter(is_valid)
    };
    match named(column) {
        Some(by) => Ok(Sort { by, descending: descending.unwrap_or(by != Measure::Value) }),
        None => {
            let measures =
                Measure::ALL.into_iter().filter(|measure| *measure != Measure::Value && is_valid(measure));
            let mut all: Vec<&str> = names.last().copied().into_iter().collect();
            measures.for_each(|measure| all.push(measure.name()));
            Context::wrong_sort(column, |name| named(name).is_some(), &all.join(", "))
        }
    }
}

/// Returns the first `top` rows of a series in the order of `sort`, the sum of bytes that shares refer to, and the note
/// below the table.
fn series_rows(
    series: &Series,
    width: BucketWidth,
    sort: Sort<Measure>,
    top: usize,
) -> (Vec<(i64, Stats)>, u64, Option<String>) {
    let mut rows: Vec<(i64, Stats)> =
        width.collect(series, 0).into_iter().map(|bucket| (bucket.start, bucket.stats)).collect();
    let whole = rows.iter().map(|(_, stats)| stats.bytes_sent).sum();
    let key = |(start, stats): &(i64, Stats)| match sort.by {
        Measure::Requests => i128::from(stats.requests),
        Measure::BytesSent | Measure::Share => i128::from(stats.bytes_sent),
        Measure::Errors => i128::from(stats.errors),
        Measure::FirstSeen => i128::from(stats.first_seen),
        Measure::LastSeen => i128::from(stats.last_seen),
        _ => i128::from(*start),
    };
    // The sort is stable: equal rows stay in the order of time.
    rows.sort_by_key(|row| if sort.descending { -key(row) } else { key(row) });
    let all = rows.len();
    let note = (top > 0 && top < all).then(|| {
        let (top, all) = (human::count(top as u64), human::counted(all as u64, "row"));
        format!("{top} of {all}; --top 0 shows all")
    });
    if top > 0 {
        rows.truncate(top);
    }
    (rows, whole, note)
}

/// Adds rows for buckets without requests between the first and the last, if the rows are in the order of time, and
/// truncates to the first `top` rows.
fn add_empty_buckets(
    groups: &mut Groups,
    width: BucketWidth,
    more: &[Measure],
    sort: Sort<Measure>,
    top: usize,
) {
    let start = |row: &GroupRow| match row.value {
        Value::Integer(start) => start,
        _ => 0,
    };
    if sort.by == Measure::Value && groups.rows.len() > 1 {
        groups.rows.sort_by_key(start);
        let mut rows: Vec<GroupRow> = Vec::new();
        for row in groups.rows.drain(..) {
            while let Some(last) = rows.last()
                && let (_, end) = width.bounds(start(last))
                && end < start(&row)
                && rows.len() < MAX_ROWS
            {
                let none = |measure: &Measure| (measure.spec().unit == Unit::Count).then_some(0.0);
                let (value, stats) = (Value::Integer(end), Stats::default());
                rows.push(GroupRow { value, stats, more: more.iter().map(none).collect() });
            }
            rows.push(row);
        }
        if sort.descending {
            rows.reverse();
        }
        groups.rows = rows;
    }
    groups.group_count = groups.rows.len() as u64;
    if top > 0 {
        groups.rows.truncate(top);
    }
}
