//! The columns of an answer, the same for every format: their names and the cells of each row.

use std::borrow::Cow;

use super::sheet::{Cell, Sheet};
use crate::human::{count, counted, dollars, share};
use crate::log::{Field, ValueType};
use crate::query::measure::Unit;
use crate::query::{Answer, Ask, Dimension, GroupRow, Measure, Stats, Value};

/// The fields of a request in tables, whose width is limited. Other formats have every field.
const TABLE_FIELDS: [Field; 9] = [
    Field::Time,
    Field::RemoteIp,
    Field::Requester,
    Field::Operation,
    Field::Key,
    Field::HttpStatus,
    Field::ErrorCode,
    Field::BytesSent,
    Field::TotalTime,
];

/// The sheet of an answer to `ask`, which determines the columns. If `is_table`, single requests have only
/// the fields of `ask`, or [`TABLE_FIELDS`].
pub(super) fn sheet<'a>(answer: &'a Answer, ask: &Ask, is_table: bool) -> Sheet<'a> {
    match answer {
        Answer::Totals(totals) => {
            let (names, titles) = heading(Vec::new(), &[], &[]);
            let row = stats_cells(&totals.stats, totals.stats.bytes_sent);
            Sheet { names, titles, rows: Box::new(std::iter::once(row)), note: None, approximate: Vec::new() }
        }
        Answer::Cost(cost) => {
            let (names, titles) = heading(Vec::new(), &[Measure::Cost], &[]);
            let mut row = stats_cells(&cost.stats, cost.stats.bytes_sent);
            row.push(Cell::Dollars(cost.dollars));
            let note = format!(
                "≈ {} for requests, {} for transfer",
                dollars(cost.of_requests),
                dollars(cost.of_transfer)
            );
            Sheet {
                names,
                titles,
                rows: Box::new(std::iter::once(row)),
                note: Some(note),
                approximate: approximate(answer, ask),
            }
        }
        Answer::Groups(groups) => {
            let (by, more) = match ask {
                Ask::Groups { by, more, .. } => (Some(by.clone()), more.clone()),
                _ => (None, Vec::new()),
            };
            let title = by.as_ref().map(|by| (by.name(), by.title()));
            let (names, titles) =
                heading(vec![title.unwrap_or(("value".into(), "Value".into()))], &more, &groups.approximate);
            let total_bytes = groups.totals.bytes_sent;
            let shown = groups.rows.len() as u64;
            let note = (shown < groups.group_count).then(|| {
                format!("{} of {}; --top 0 shows all", count(shown), counted(groups.group_count, "group"))
            });
            let rows = groups.rows.iter().map(move |row| group_cells(by.as_ref(), &more, row, total_bytes));
            Sheet { names, titles, rows: Box::new(rows), note, approximate: approximate(answer, ask) }
        }
        Answer::GroupsOfEach(each) => {
            let by = match ask {
                Ask::GroupsOfEach { by, .. } => by.as_slice(),
                _ => &[],
            };
            let columns = vec![("dimension".into(), "Dimension".into()), ("value".into(), "Value".into())];
            let (names, titles) = heading(columns, &[], &[]);
            let rows = by.iter().zip(each).flat_map(|(by, groups)| {
                groups.rows.iter().map(move |row| {
                    let name = Cell::Owned(by.name().into_bytes());
                    let mut cells = vec![name, dimension_cell(Some(by), &row.value)];
                    cells.extend(stats_cells(&row.stats, groups.totals.bytes_sent));
                    cells
                })
            });
            let rows: Vec<Vec<Cell<'a>>> = rows.collect();
            Sheet { names, titles, rows: Box::new(rows.into_iter()), note: None, approximate: Vec::new() }
        }
        Answer::Pairs(pairs) => {
            let by = match ask {
                Ask::Pairs { by, .. } => Some(by.clone()),
                _ => None,
            };
            let values = match &by {
                Some(by) => by.iter().map(|by| (by.name(), by.title())).collect(),
                None => ["first", "second"].map(|name| (name.to_owned(), name.to_owned())).into(),
            };
            let (names, titles) = heading(values, &[], &[]);
            let total_bytes = pairs.totals.bytes_sent;
            let shown = pairs.rows.len() as u64;
            let note = (shown < pairs.pair_count).then(|| {
                format!("{} of {}; --top 0 shows all", count(shown), counted(pairs.pair_count, "pair"))
            });
            let rows = pairs.rows.iter().map(move |row| {
                let [first, second] = &row.values;
                let dimension = |place: usize| by.as_ref().map(|by| &by[place]);
                let mut cells =
                    vec![dimension_cell(dimension(0), first), dimension_cell(dimension(1), second)];
                cells.extend(stats_cells(&row.stats, total_bytes));
                cells
            });
            Sheet { names, titles, rows: Box::new(rows), note, approximate: Vec::new() }
        }
        Answer::Comparison(comparison) => {
            let rows = comparison.dimensions.iter().flat_map(|compared| {
                compared.rows.iter().map(|row| {
                    let [ours, others] = row.requests.map(|requests| Cell::Number(requests.into()));
                    let name = Cell::Owned(compared.by.name().into_bytes());
                    vec![name, dimension_cell(Some(&compared.by), &row.value), ours, others]
                })
            });
            Sheet::new(&["dimension", "value", "count_a", "count_b"], Box::new(rows), None)
        }
        Answer::Distribution(distribution) => {
            let rows = distribution.sizes.iter().zip(1i128..);
            let rows = rows.map(|(size, rank)| vec![Cell::Number(rank), Cell::Number((*size).into())]);
            Sheet::new(&["rank", "size"], Box::new(rows), None)
        }
        Answer::Activity(activity) => {
            let rows = activity.iter().flat_map(|activity| {
                let (start, bucket) = (activity.start, i64::from(activity.bucket));
                let times = (0..).map(move |index: i64| start.saturating_add(index.saturating_mul(bucket)));
                let cells = |(time, requests): (i64, &u64)| {
                    vec![Cell::Number(time.into()), Cell::Number((*requests).into())]
                };
                activity.lines.iter().flat_map(move |line| times.clone().zip(line).map(cells))
            });
            Sheet::new(&["time", "requests"], Box::new(rows), None)
        }
        Answer::Profiles(profiles) => {
            let rows = profiles.iter().map(|profile| {
                [profile.stats.requests, profile.stats.bytes_sent, profile.keys, profile.addresses]
                    .map(|number| Cell::Number(number.into()))
                    .into()
            });
            Sheet::new(&["requests", "bytes_sent", "objects", "addresses"], Box::new(rows), None)
        }
        Answer::Series(series) => {
            let bucket = i64::from(series.bucket);
            let total_bytes = series.lines.iter().flatten().map(|stats| stats.bytes_sent).sum();
            let rows = series.lines.iter().flat_map(|line| {
                (0..)
                    .map(move |index: i64| series.start.saturating_add(index.saturating_mul(bucket)))
                    .zip(line.iter().copied())
            });
            bucket_sheet(rows.collect(), total_bytes, None)
        }
        Answer::Requests(requests) => {
            let fields: Vec<Field> = match ask {
                Ask::Requests { fields, .. } if is_table && !fields.is_empty() => fields.clone(),
                _ if is_table => TABLE_FIELDS.to_vec(),
                _ => Field::all().collect(),
            };
            let names = fields.iter().map(|field| field.name().into()).collect();
            let titles = fields.iter().map(|field| field.title().to_owned()).collect();
            let shown = requests.rows.len() as u64;
            let note = (shown < requests.matched).then(|| {
                format!("{} of {}; --top 0 shows all", count(shown), counted(requests.matched, "request"))
            });
            let rows = requests
                .rows
                .iter()
                .map(move |row| fields.iter().map(|field| field_cell(*field, row.get(*field))).collect());
            Sheet { names, titles, rows: Box::new(rows), note, approximate: Vec::new() }
        }
    }
}

/// Names of the columns of an answer to `ask` that have estimates, or whose estimates determined the order.
pub fn approximate(answer: &Answer, ask: &Ask) -> Vec<&'static str> {
    let (groups, more) = match (answer, ask) {
        (Answer::Groups(groups), Ask::Groups { more, .. }) => (groups, more),
        (Answer::Cost(_), _) => return vec![Measure::Cost.name()],
        _ => return Vec::new(),
    };
    more.iter()
        .filter(|measure| measure.is_approximate() || groups.approximate.contains(measure))
        .map(|measure| measure.name())
        .collect()
}

/// The sheet of time buckets, given as start and stats, in the given order. Shares are relative to `total_bytes`.
pub fn bucket_sheet<'a>(rows: Vec<(i64, Stats)>, total_bytes: u64, note: Option<String>) -> Sheet<'a> {
    let (names, titles) = heading(vec![("time".into(), "Time".into())], &[], &[]);
    let rows = rows.into_iter().map(move |(start, stats)| {
        let mut row = vec![Cell::Instant(start)];
        row.extend(stats_cells(&stats, total_bytes));
        row
    });
    Sheet { names, titles, rows: Box::new(rows), note, approximate: Vec::new() }
}

fn heading(
    values: Vec<(String, String)>,
    more: &[Measure],
    approximate: &[Measure],
) -> (Vec<Cow<'static, str>>, Vec<String>) {
    let mut names: Vec<Cow<'static, str>> = Vec::new();
    let mut titles = Vec::new();
    for (name, title) in values {
        names.push(name.into());
        titles.push(title);
    }
    let title = |measure: Measure| {
        let name = measure.name().replace('_', " ");
        let (first, rest) = name.split_at(1);
        first.to_uppercase() + rest
    };
    for measure in Measure::STANDARD {
        names.push(measure.name().into());
        titles.push(title(measure));
    }
    for measure in more {
        if !measure.is_standard() {
            names.push(measure.name().into());
            let is_approximate = measure.is_approximate() || approximate.contains(measure);
            let mark = if is_approximate { "≈ " } else { "" };
            titles.push(format!("{mark}{}", title(*measure)));
        }
    }
    (names, titles)
}

fn stats_cells<'a>(stats: &Stats, total_bytes: u64) -> Vec<Cell<'a>> {
    let seen = |second| if stats.requests == 0 { Cell::Absent } else { Cell::Instant(second) };
    vec![
        Cell::Number(stats.requests.into()),
        Cell::Bytes(stats.bytes_sent.into()),
        Cell::Number(stats.errors.into()),
        seen(stats.first_seen),
        seen(stats.last_seen),
        Cell::Share(share(stats.bytes_sent, total_bytes)),
    ]
}

fn group_cells<'a>(
    by: Option<&Dimension>,
    more: &[Measure],
    row: &'a GroupRow,
    total_bytes: u64,
) -> Vec<Cell<'a>> {
    let mut cells = vec![dimension_cell(by, &row.value)];
    cells.extend(stats_cells(&row.stats, total_bytes));
    for (measure, value) in more.iter().zip(&row.more) {
        if !measure.is_standard() {
            cells.push(value.map_or(Cell::Absent, |value| measure_cell(*measure, value)));
        }
    }
    cells
}

fn measure_cell<'a>(measure: Measure, value: f64) -> Cell<'a> {
    match measure.spec().unit {
        Unit::Share => Cell::Share(value),
        Unit::Milliseconds => Cell::Milliseconds(value),
        Unit::Ratio => Cell::Ratio(value),
        Unit::Dollars => Cell::Dollars(value),
        Unit::Bytes => Cell::Bytes(value as i128),
        Unit::Instant => Cell::Instant(value as i64),
        Unit::Count | Unit::Value => Cell::Number(value as i128),
    }
}

/// The cell of a value of a dimension; `None`: of an unknown one.
pub(super) fn dimension_cell<'a>(by: Option<&Dimension>, value: &'a Value) -> Cell<'a> {
    match (by, value) {
        (Some(Dimension::Field(field)), value) => field_cell(*field, value),
        (Some(Dimension::Bucket(_)), Value::Integer(start)) => Cell::Instant(*start),
        (_, value) => value_cell(value),
    }
}

pub(super) fn value_cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Integer(number) => Cell::Number((*number).into()),
        Value::Text(text) => Cell::Text(text),
        Value::Absent => Cell::Absent,
    }
}

fn field_cell(field: Field, value: &Value) -> Cell<'_> {
    match (field.spec().value, value) {
        (ValueType::Instant, Value::Integer(second)) => Cell::Instant(*second),
        (_, Value::Integer(bytes)) if matches!(field, Field::BytesSent | Field::ObjectSize) => {
            Cell::Bytes((*bytes).into())
        }
        _ => value_cell(value),
    }
}
