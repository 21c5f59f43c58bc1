//! `tamarin report`: the tables, headless.

use std::io::Write;

use super::args::ReportArgs;
use super::pulling::{self, Ready};
use super::setting::Setting;
use super::{Outcome, interrupt, output, usage};
use crate::export::{self, Format, human};
use crate::query::LocalEngine;
use crate::query::{Answer, Ask, Counting, Dimension, Engine, Measure, Series, Sort, Stats};

/// Width of a row of `report time` if nobody says otherwise, in seconds.
const BUCKET: u32 = 3600;

/// What is reported.
enum Subject {
    Dimension(Dimension, Sort<Measure>),
    Time(Sort<Measure>),
    Total,
}

pub(super) fn run(setting: &Setting, args: &ReportArgs) -> anyhow::Result<Outcome> {
    let subject = subject(setting, &args.dimension)?;
    if args.bucket.is_some() && !matches!(subject, Subject::Time(_)) {
        return usage("--bucket is for tamarin report time");
    }
    let columns = columns(&subject, &args.columns)?;
    let ready = pulling::ready(setting, &args.sources)?;
    let ask = match &subject {
        Subject::Total => Ask::Totals,
        Subject::Time(_) => Ask::Series { bucket: args.bucket.unwrap_or(BUCKET), each: None },
        Subject::Dimension(by, sort) => {
            Ask::Groups { by: by.clone(), more: columns, sort: *sort, limit: setting.top() }
        }
    };
    let answer = answer(setting, &ready, args.counting.into(), &ask)?;
    let mut out = output::data();
    match (&subject, &answer) {
        (Subject::Time(sort), Answer::Series(series)) => {
            let (rows, whole, note) = stretches(series, *sort, setting.top());
            export::write_stretches(rows, whole, note, setting.format, output::width(), &mut out)?;
        }
        _ => export::write(&answer, &ask, setting.format, output::width(), &mut out)?,
    }
    out.flush()?;
    // A table and JSON say so themselves; in CSV a number is a number.
    let approximate = export::approximate(&answer, &ask);
    if setting.format == Format::Csv && !approximate.is_empty() {
        setting.note(&format!("≈ {}: see tamarin report --help", approximate.join(", ")));
    }
    Ok(ready.outcome)
}

/// Asks the cache, and says what it took if that is wanted.
fn answer(setting: &Setting, ready: &Ready, counting: Counting, ask: &Ask) -> anyhow::Result<Answer> {
    let query = setting.query(&ready.sources, counting, ask.clone());
    let (cancel, _hook) = interrupt::cancel();
    let reply = LocalEngine::new(ready.cache.clone()).ask(&query, &cancel, &mut |_, _| {})?;
    if setting.options.stats {
        output::tell_statistics(&reply.statistics);
    }
    Ok(reply.answer)
}

fn subject(setting: &Setting, name: &str) -> anyhow::Result<Subject> {
    match name.to_ascii_lowercase().as_str() {
        "total" | "totals" | "none" => {
            if setting.options.sort.is_some() {
                return usage("--sort: a total is one row");
            }
            Ok(Subject::Total)
        }
        "time" => Ok(Subject::Time(sort(setting, "time", (Measure::Value, false))?)),
        _ => match Dimension::by_name(name) {
            Some(by) => {
                let sort = sort(setting, &by.name(), (Measure::BytesSent, true))?;
                Ok(Subject::Dimension(by, sort))
            }
            None => {
                let names: Vec<String> = Dimension::all().iter().map(Dimension::name).collect();
                usage(format!(
                    "\"{name}\" is no dimension; report one of {}, network/BITS, prefix/DEPTH, query_param:NAME, time, total",
                    names.join(", ")
                ))
            }
        },
    }
}

/// `--columns`, and the column sorted by, as far as they are not there unasked.
fn columns(subject: &Subject, names: &[String]) -> anyhow::Result<Vec<Measure>> {
    let Subject::Dimension(_, sort) = subject else {
        return match names {
            [] => Ok(Vec::new()),
            _ => usage("--columns is for reports by a dimension; time and total have theirs"),
        };
    };
    let mut columns = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        match Measure::by_name(name).filter(|measure| *measure != Measure::Value) {
            Some(measure) => columns.push(measure),
            None => {
                let names: Vec<&str> = Measure::ALL
                    .into_iter()
                    .filter(|measure| !is_always_there(*measure))
                    .map(Measure::name)
                    .collect();
                return usage(format!("--columns: no column \"{name}\"; there are {}", names.join(", ")));
            }
        }
    }
    columns.push(sort.by);
    let mut wanted = Vec::new();
    for measure in columns {
        if !is_always_there(measure) && !wanted.contains(&measure) {
            wanted.push(measure);
        }
    }
    Ok(wanted)
}

/// `--sort`; `value` or the name of the dimension itself sorts by it.
fn sort(setting: &Setting, dimension: &str, default: (Measure, bool)) -> anyhow::Result<Sort<Measure>> {
    let Some((column, direction)) = setting.sort() else {
        return Ok(Sort { by: default.0, descending: default.1 });
    };
    let is_time = dimension == "time";
    let measure = match column {
        name if name == dimension => Some(Measure::Value),
        name => Measure::by_name(name),
    };
    match measure.filter(|measure| !is_time || is_always_there(*measure)) {
        Some(by) => Ok(Sort { by, descending: direction.unwrap_or(by != Measure::Value) }),
        None => {
            let names: Vec<&str> = Measure::ALL
                .into_iter()
                .filter(|measure| *measure != Measure::Value && (!is_time || is_always_there(*measure)))
                .map(Measure::name)
                .collect();
            usage(format!("--sort: no column \"{column}\"; sort by {dimension}, {}", names.join(", ")))
        }
    }
}

/// Whether every row has this measure unasked.
fn is_always_there(measure: Measure) -> bool {
    matches!(
        measure,
        Measure::Value
            | Measure::Requests
            | Measure::BytesSent
            | Measure::Errors
            | Measure::FirstSeen
            | Measure::LastSeen
            | Measure::Share
    )
}

/// The rows of a series in the order wanted, what shares are taken of, and what a table says below.
fn stretches(series: &Series, sort: Sort<Measure>, top: usize) -> (Vec<(i64, Stats)>, u64, Option<String>) {
    let stats = series.lines.first().map_or(&[][..], Vec::as_slice);
    let starts = (0..).map(|at: i64| series.start.saturating_add(at.saturating_mul(series.bucket.into())));
    let mut rows: Vec<(i64, Stats)> = starts.zip(stats.iter().copied()).collect();
    let whole = rows.iter().map(|(_, stats)| stats.bytes_sent).sum();
    let key = |(start, stats): &(i64, Stats)| match sort.by {
        Measure::Requests => i128::from(stats.requests),
        Measure::BytesSent | Measure::Share => i128::from(stats.bytes_sent),
        Measure::Errors => i128::from(stats.errors),
        Measure::FirstSeen => i128::from(stats.first_seen),
        Measure::LastSeen => i128::from(stats.last_seen),
        _ => i128::from(*start),
    };
    // Stable: equal rows stay in the order of time.
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
