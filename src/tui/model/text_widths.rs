//! The widths of the texts in the columns of a table.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use crate::log::{Field, ValueType};
use crate::query::{Ask, Dimension, Filter, Measure, Pairs, Sort, Stats, TimeRange, Value, measure::Unit};
use crate::tui::model::{Column, FindingColumn, Rows, Table, TableKind, folders};
use crate::tui::{cell_text, format};

/// The first rows of an answer whose texts are measured, whether they are visible or not.
const MEASURED_ROWS: usize = 400;
/// The part of these rows whose texts decide which columns fit, in percent: a single long key pushes no column aside.
const TYPICAL_ROWS: usize = 98;
/// The part of these rows whose texts get room before other columns do, in percent.
const USUAL_ROWS: usize = 90;
/// Texts longer than this part of the table, in percent, are cut in any case: a few of them push no column aside.
const LONGEST_COMPLETE: usize = 60;
/// No column is wider.
const MAX_WIDTH: u16 = 400;

/// The measured widths of a table. They only grow while the filter, the time range and the order stay the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextWidths {
    pub(crate) columns: HashMap<Column, ColumnWidths>,
    /// Whether the first complete answer was measured. After that, no column appears or disappears.
    pub(crate) is_final: bool,
    /// What was measured.
    of: Option<(Filter, TimeRange, Option<Order>)>,
    /// Terminal columns of the table.
    room: u16,
    /// [`Table::rows_version`] of the measured rows.
    version: u64,
}

/// The measured widths of a column, in terminal columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnWidths {
    /// Of nine in ten of the first texts.
    pub(crate) usual: u16,
    /// Of nearly all of the first texts.
    pub(crate) first: u16,
    /// Of all texts that are known.
    pub(crate) seen: u16,
    /// Whether none of the first rows has a value.
    pub(crate) is_empty: bool,
}

/// The order of the rows of an answer: with another one, other rows are first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ByMeasure(Sort<Measure>),
    ByField(Sort<Field>),
}

impl Order {
    fn of(ask: &Ask) -> Option<Order> {
        match ask {
            Ask::Groups { sort, .. } | Ask::Pairs { sort, .. } => Some(Order::ByMeasure(*sort)),
            Ask::Requests { sort, .. } => Some(Order::ByField(*sort)),
            _ => None,
        }
    }
}

/// A width as `u16`.
pub(crate) fn terminal_columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX).min(MAX_WIDTH)
}

/// Measures the first rows after each answer, and the visible rows of a table with `room` terminal columns. `instants` are
/// the widths of the time of a group and of a request.
pub(crate) fn measure(table: &mut Table, page: usize, room: u16, instants: (usize, usize)) {
    let Some(rows) = &table.rows.data else { return };
    let of = table.rows.query.as_ref().map(|query| (query.filter.clone(), query.time, Order::of(&query.ask)));
    let filter = of.as_ref().map_or_else(Filter::everything, |(filter, ..)| filter.clone());
    let measured = &mut table.measured;
    if measured.of != of || measured.room != room {
        *measured = TextWidths { of, room, ..TextWidths::default() };
    }
    // Names arrive after the first answer.
    let is_settled = measured.is_final && !table.kind.is_by(&Dimension::HostName);
    let has_new_rows = measured.version != table.rows_version;
    let visible = table.top..table.top + page;
    for choice in table.columns.iter().filter(|choice| choice.is_shown) {
        let is_new = !measured.columns.contains_key(&choice.column);
        let column = measured.columns.entry(choice.column).or_default();
        if let Some(width) = fixed_width(rows, choice.column, instants) {
            column.first = terminal_columns(width).max(column.first);
            column.usual = column.first;
            column.seen = column.first.max(column.seen);
        } else if let Some(width) = text_width(rows, &table.kind, choice.column, &filter) {
            let widths = |rows: std::ops::Range<usize>| rows.filter_map(&width).map(terminal_columns);
            if has_new_rows || is_new {
                let mut all: Vec<u16> = widths(first_rows(rows)).collect();
                all.sort_unstable();
                // A requester is shortened by its meaning before it takes the room of other columns.
                let mut short = all.clone();
                if table.kind.is_by(&Dimension::Field(Field::Requester)) && choice.column == Column::Value {
                    short = first_rows(rows).filter_map(|index| short_requester(rows, index)).collect();
                    short.sort_unstable();
                }
                if !is_settled || is_new {
                    column.usual = width_of_part(&short, USUAL_ROWS, room).max(column.usual);
                    column.first = width_of_part(&short, TYPICAL_ROWS, room).max(column.first);
                    column.is_empty = is_empty(rows, choice.column);
                }
                column.seen = all.last().copied().unwrap_or(0).max(column.seen);
            }
            column.seen = widths(visible.clone()).max().unwrap_or(0).max(column.seen);
        }
    }
    measured.version = table.rows_version;
    // An answer without rows says nothing about the widths that the first rows need.
    measured.is_final |= rows.total() > 0 && table.rows.is_complete() && !table.rows.is_stale();
}

/// The width of the short form of a requester in a table of requesters.
fn short_requester(rows: &Rows, index: usize) -> Option<u16> {
    let Rows::Groups(groups) = rows else { return None };
    let value = &groups.rows.get(index)?.value;
    let text = match value {
        Value::Absent => cell_text::absent(Field::Requester).to_owned(),
        value => cell_text::of_field(Field::Requester, value),
    };
    Some(terminal_columns(text.width()))
}

/// The indexes of the rows that are measured.
fn first_rows(rows: &Rows) -> std::ops::Range<usize> {
    let from = if let Rows::Requests { offset, .. } = rows { *offset } else { 0 };
    from..from + MEASURED_ROWS
}

/// The width of `percent` of the texts, whose `widths` are in ascending order. The longest texts count only if they are many.
fn width_of_part(widths: &[u16], percent: usize, room: u16) -> u16 {
    let longest = usize::from(room) * LONGEST_COMPLETE / 100;
    let complete = widths.partition_point(|width| usize::from(*width) <= longest);
    let counted = if complete * 2 >= widths.len() { &widths[..complete] } else { widths };
    let last = (counted.len() * percent / 100).min(counted.len().saturating_sub(1));
    counted.get(last).copied().unwrap_or(0)
}

/// Whether the first rows of a table of requests have no value in a column.
fn is_empty(rows: &Rows, column: Column) -> bool {
    // That a request is anonymous, or is about no object, says something.
    let Column::Field(field) = column else { return false };
    if matches!(field, Field::Requester | Field::Key) {
        return false;
    }
    let mut values = first_rows(rows).map_while(|index| rows.request(index)).peekable();
    values.peek().is_some() && values.all(|row| *row.get(field) == Value::Absent)
}

/// The width of a column whose texts need not be measured: numbers are no longer than the totals of the whole answer.
fn fixed_width(rows: &Rows, column: Column, (seen, time): (usize, usize)) -> Option<usize> {
    match (rows, column) {
        (Rows::Times { rows, .. }, Column::Value) => {
            let first = rows.first()?;
            let text = format::time_row(first.start, first.end, &jiff::tz::TimeZone::UTC);
            // In a time zone, days begin at another hour of UTC. Behind it: the mark of an incomplete bucket.
            Some(text.width().max("2026-04-01 02:00".len()) + 2)
        }
        (Rows::Groups(groups), Column::Measure(measure)) => Some(match measure {
            Measure::FirstSeen | Measure::LastSeen => seen,
            Measure::Rank => format::count(groups.group_count).len(),
            measure => number_width(measure, &groups.totals),
        }),
        (Rows::Pairs(_), Column::Measure(Measure::FirstSeen | Measure::LastSeen)) => Some(seen),
        (Rows::Pairs(Pairs { totals, .. }) | Rows::Times { totals, .. }, Column::Measure(measure)) => {
            Some(number_width(measure, totals))
        }
        (Rows::Findings(_), Column::Measure(measure)) => {
            let many = Stats { requests: 9_999_999, errors: 9_999_999, ..Stats::default() };
            Some(number_width(measure, &many))
        }
        (Rows::Findings(_), Column::Finding(FindingColumn::Cost)) => Some("<$0.01".len()),
        (Rows::Findings(_), Column::Finding(FindingColumn::Kind | FindingColumn::When)) => Some(17),
        (Rows::Requests { .. }, Column::Field(Field::Time)) => Some(time),
        (Rows::Requests { .. }, Column::Field(field)) if field.spec().value == ValueType::Integer => {
            Some(match field {
                Field::HttpStatus => "200".len(),
                Field::BytesSent | Field::ObjectSize => "9.99 GiB".len(),
                _ => "12:03:07".len(),
            })
        }
        _ => None,
    }
}

/// The width of the numbers of a measure whose totals are `totals`.
fn number_width(measure: Measure, totals: &Stats) -> usize {
    let spec = measure.spec();
    let width = match (measure, spec.unit) {
        (Measure::Requests, _) => return format::count(totals.requests).len(),
        (Measure::Errors, _) => return format::count(totals.errors).len(),
        (_, Unit::Count) => format::count(totals.requests).len(),
        (_, Unit::Bytes) => "9.99 GiB".len(),
        (_, Unit::Share) => ">99.9 %".len(),
        (_, Unit::Milliseconds | Unit::Dollars) => "12:03:07".len(),
        (_, Unit::Ratio | Unit::Value | Unit::Instant) => "1,234.5".len(),
    };
    // One more for `≈`.
    if measure.is_extra() { width + 1 } else { width }
}

/// A function from the index of a row to the width of its text. `None`: the column has no texts of its own.
fn text_width<'a>(
    rows: &'a Rows,
    kind: &'a TableKind,
    column: Column,
    filter: &'a Filter,
) -> Option<Box<dyn Fn(usize) -> Option<usize> + 'a>> {
    match (rows, kind, column) {
        (Rows::Groups(groups), TableKind::Groups(by), Column::Value) => Some(Box::new(|index| {
            groups.rows.get(index).map(|row| folders::text_in(by, filter, &row.value).width())
        })),
        (Rows::Pairs(pairs), TableKind::Pairs(by), Column::Value | Column::Second) => {
            let place = usize::from(column == Column::Second);
            Some(Box::new(move |index| {
                let row = pairs.rows.get(index)?;
                Some(cell_text::of_group(&by[place], &row.values[place]).width())
            }))
        }
        (Rows::Findings(rows), _, Column::Finding(FindingColumn::Subject)) => {
            Some(Box::new(|index| rows.subject(index).map(|subject| subject.width())))
        }
        (Rows::Requests { .. }, _, Column::Field(field)) => Some(Box::new(move |index| {
            rows.request(index).map(|row| cell_text::of_field(field, row.get(field)).width())
        })),
        _ => None,
    }
}
