//! The columns of an answer: their names, once for every format, and the cells of each row.

use std::borrow::Cow;

use super::human::{rfc3339, share};
use crate::log::{Field, ValueType};
use crate::query::measure::Unit;
use crate::query::{Answer, Ask, Dimension, GroupRow, Measure, Stats, Value};

/// What a cell holds, whatever the format makes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Text, perhaps chosen by strangers.
    Text(&'a [u8]),
    /// The same, its own.
    Owned(Vec<u8>),
    /// A whole number.
    Number(i128),
    /// A number of bytes.
    Bytes(i128),
    /// Milliseconds.
    Milliseconds(f64),
    /// From 0 to 1.
    Share(f64),
    /// Any other number that is not whole.
    Ratio(f64),
    /// Seconds since the epoch.
    Instant(i64),
    /// No value.
    Absent,
}

impl Cell<'_> {
    /// The bytes of a text.
    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Owned(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is no number beyond all numbers, which JSON does not have.
    pub(super) fn is_finite(&self) -> bool {
        match self {
            Cell::Milliseconds(number) | Cell::Share(number) | Cell::Ratio(number) => number.is_finite(),
            _ => true,
        }
    }

    /// As JSON and CSV spell it; `None` for text and what is absent.
    pub(super) fn plain(&self) -> Option<String> {
        match self {
            Cell::Text(_) | Cell::Owned(_) | Cell::Absent => None,
            Cell::Number(number) | Cell::Bytes(number) => Some(number.to_string()),
            Cell::Milliseconds(number) | Cell::Share(number) | Cell::Ratio(number) => Some(decimal(*number)),
            Cell::Instant(second) => Some(rfc3339(*second)),
        }
    }
}

/// The shortest spelling that is read back as the same number, with a digit after the point; `inf`, `-inf`
/// and `NaN` are spelled so.
fn decimal(number: f64) -> String {
    format!("{number:?}")
}

/// Rows under named columns.
pub struct Sheet<'a> {
    /// Names in JSON and CSV.
    pub(super) names: Vec<Cow<'static, str>>,
    /// Headings in tables.
    pub(super) titles: Vec<String>,
    /// Rows, made as they are asked for.
    pub(super) rows: Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>,
    /// What a table says below itself.
    pub(super) note: Option<String>,
    /// Names of the columns that are not exact.
    pub(super) approximate: Vec<&'static str>,
}

impl<'a> Sheet<'a> {
    /// Rows under these names; a table says `note` below itself.
    pub fn new(
        names: &[&'static str],
        rows: Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>,
        note: Option<String>,
    ) -> Sheet<'a> {
        let titles = names.iter().map(|name| name.replace('_', " ")).collect();
        Sheet {
            names: names.iter().map(|name| Cow::Borrowed(*name)).collect(),
            titles,
            rows,
            note,
            approximate: Vec::new(),
        }
    }

    /// Only these columns, in this order; a name that there is not gives none.
    #[must_use]
    pub fn only(self, names: &[&str]) -> Sheet<'a> {
        let at: Vec<usize> =
            names.iter().filter_map(|name| self.names.iter().position(|known| known == name)).collect();
        let pick = at.clone();
        let rows = self.rows.map(move |mut row| {
            let mut cell = |at: &usize| {
                row.get_mut(*at).map_or(Cell::Absent, |cell| std::mem::replace(cell, Cell::Absent))
            };
            pick.iter().map(&mut cell).collect()
        });
        Sheet {
            names: at.iter().filter_map(|at| self.names.get(*at).cloned()).collect(),
            titles: at.iter().filter_map(|at| self.titles.get(*at).cloned()).collect(),
            rows: Box::new(rows),
            note: self.note,
            approximate: self.approximate,
        }
    }

    /// The same under names that somebody chose.
    pub fn named(
        names: Vec<String>,
        rows: Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>,
        note: Option<String>,
    ) -> Sheet<'a> {
        let titles = names.iter().map(|name| super::visible(name).into_owned()).collect();
        Sheet {
            names: names.into_iter().map(Cow::Owned).collect(),
            titles,
            rows,
            note,
            approximate: Vec::new(),
        }
    }
}

/// The fields of a request that a table has room for; the other formats have every field.
const IN_TABLES: [Field; 9] = [
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

/// An answer as a sheet. `ask` is the question it answers: it names the columns. A sheet for a table has
/// only those fields of single requests that it has room for.
pub(super) fn sheet<'a>(answer: &'a Answer, ask: &Ask, is_table: bool) -> Sheet<'a> {
    match answer {
        Answer::Totals(totals) => {
            let (names, titles) = heading(None, &[], &[]);
            let row = stats_cells(&totals.stats, totals.stats.bytes_sent);
            Sheet { names, titles, rows: Box::new(std::iter::once(row)), note: None, approximate: Vec::new() }
        }
        Answer::Groups(groups) => {
            let (by, more) = match ask {
                Ask::Groups { by, more, .. } => (Some(by.clone()), more.clone()),
                _ => (None, Vec::new()),
            };
            let title = by.as_ref().map(|by| (by.name(), by.title()));
            let (names, titles) =
                heading(Some(title.unwrap_or(("value".into(), "Value".into()))), &more, &groups.approximate);
            let whole = groups.totals.bytes_sent;
            let shown = groups.rows.len() as u64;
            let note = (shown < groups.group_count).then(|| {
                format!(
                    "{} of {}; --top 0 shows all",
                    super::human::count(shown),
                    super::human::counted(groups.group_count, "group")
                )
            });
            let rows = groups.rows.iter().map(move |row| group_cells(by.as_ref(), &more, row, whole));
            Sheet { names, titles, rows: Box::new(rows), note, approximate: approximate(answer, ask) }
        }
        Answer::Series(series) => {
            let bucket = i64::from(series.bucket);
            let whole = series.lines.iter().flatten().map(|stats| stats.bytes_sent).sum();
            let rows = series.lines.iter().flat_map(|line| {
                (0..)
                    .map(move |at: i64| series.start.saturating_add(at.saturating_mul(bucket)))
                    .zip(line.iter().copied())
            });
            stretches(rows.collect(), whole, None)
        }
        Answer::Requests(requests) => {
            let fields: Vec<Field> = if is_table { IN_TABLES.to_vec() } else { Field::all().collect() };
            let names = fields.iter().map(|field| field.name().into()).collect();
            let titles = fields.iter().map(|field| field.title().to_owned()).collect();
            let shown = requests.rows.len() as u64;
            let note = (shown < requests.matched).then(|| {
                format!(
                    "{} of {}; --top 0 shows all",
                    super::human::count(shown),
                    super::human::counted(requests.matched, "request")
                )
            });
            let rows = requests
                .rows
                .iter()
                .map(move |row| fields.iter().map(|field| field_cell(*field, row.get(*field))).collect());
            Sheet { names, titles, rows: Box::new(rows), note, approximate: Vec::new() }
        }
    }
}

/// Names of the columns of an answer that are not exact, or that brought rows into an order that is not.
pub fn approximate(answer: &Answer, ask: &Ask) -> Vec<&'static str> {
    let (Answer::Groups(groups), Ask::Groups { more, .. }) = (answer, ask) else { return Vec::new() };
    more.iter()
        .filter(|measure| measure.is_approximate() || groups.approximate.contains(measure))
        .map(|measure| measure.name())
        .collect()
}

/// Stretches of time by their start.
pub(super) fn stretches<'a>(rows: Vec<(i64, Stats)>, whole: u64, note: Option<String>) -> Sheet<'a> {
    let (names, titles) = heading(Some(("time".into(), "Time".into())), &[], &[]);
    let rows = rows.into_iter().map(move |(start, stats)| {
        let mut row = vec![Cell::Instant(start)];
        row.extend(stats_cells(&stats, whole));
        row
    });
    Sheet { names, titles, rows: Box::new(rows), note, approximate: Vec::new() }
}

fn heading(
    value: Option<(String, String)>,
    more: &[Measure],
    approximate: &[Measure],
) -> (Vec<Cow<'static, str>>, Vec<String>) {
    let mut names: Vec<Cow<'static, str>> = Vec::new();
    let mut titles = Vec::new();
    if let Some((name, title)) = value {
        names.push(name.into());
        titles.push(title);
    }
    let title = |measure: Measure| measure.name().replace('_', " ");
    for measure in Measure::STANDARD {
        names.push(measure.name().into());
        let title = title(measure);
        let (first, rest) = title.split_at(1);
        titles.push(first.to_uppercase() + rest);
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

fn stats_cells<'a>(stats: &Stats, whole: u64) -> Vec<Cell<'a>> {
    let seen = |second| if stats.requests == 0 { Cell::Absent } else { Cell::Instant(second) };
    vec![
        Cell::Number(stats.requests.into()),
        Cell::Bytes(stats.bytes_sent.into()),
        Cell::Number(stats.errors.into()),
        seen(stats.first_seen),
        seen(stats.last_seen),
        Cell::Share(share(stats.bytes_sent, whole)),
    ]
}

fn group_cells<'a>(by: Option<&Dimension>, more: &[Measure], row: &'a GroupRow, whole: u64) -> Vec<Cell<'a>> {
    let value = match by {
        Some(Dimension::Field(field)) => field_cell(*field, &row.value),
        _ => value_cell(&row.value),
    };
    let mut cells = vec![value];
    cells.extend(stats_cells(&row.stats, whole));
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
        Unit::Bytes => Cell::Bytes(value as i128),
        Unit::Instant => Cell::Instant(value as i64),
        Unit::Count | Unit::Value => Cell::Number(value as i128),
    }
}

fn value_cell(value: &Value) -> Cell<'_> {
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
