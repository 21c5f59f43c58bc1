//! The lines below the table: what its rows add up to, and the whole value under the cursor.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::query::{Measure, Stats, Value};
use crate::tui::model::{Column, Rows, State, Table, TableKind, time_axes};
use crate::tui::view::{put, put_right};
use crate::tui::{cell_text, format, widgets::fit};

/// The numbers of first rows that a sum is shown of: the first that leaves others. Five rows are seen at a glance.
const TOPS: [usize; 2] = [20, 5];

/// Draws the sum of the first rows, of the marked rows, and of all rows.
pub(super) fn totals(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let area = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let table = state.layer().table();
    let Some(rows) = table.rows.data.as_ref().filter(|rows| rows.total() > 0) else { return };
    let all = sum_of_all(state, rows);
    let left = sum_of_marks(table, rows).or_else(|| sum_of_first(table, rows));
    let style = state.theme.quiet();
    let Some(left) = left else {
        put(buffer, area, area.x, area.y, &fit::end(&all, usize::from(area.width)), style);
        return;
    };
    let x = put(buffer, area, area.x, area.y, &fit::end(&left, usize::from(area.width)), style);
    if usize::from(area.right().saturating_sub(x)) >= all.width() + 3 {
        put_right(buffer, area, area.y, &all, style);
    }
}

/// The stats of the row at `index`.
fn stats_of(rows: &Rows, index: usize) -> Option<Stats> {
    match rows {
        Rows::Groups(groups) => groups.rows.get(index).map(|row| row.stats),
        Rows::Pairs(pairs) => pairs.rows.get(index).map(|row| row.stats),
        Rows::Times { rows, .. } => rows.get(index).map(|row| row.stats),
        Rows::Requests { .. } | Rows::Findings(_) => None,
    }
}

fn totals_of(rows: &Rows) -> Option<Stats> {
    match rows {
        Rows::Groups(groups) => Some(groups.totals),
        Rows::Pairs(pairs) => Some(pairs.totals),
        Rows::Times { totals, .. } => Some(*totals),
        Rows::Requests { .. } | Rows::Findings(_) => None,
    }
}

/// `top 20 = 81 % of bytes · the other 5,064 = 19 %`, if the table is sorted by a sum.
fn sum_of_first(table: &Table, rows: &Rows) -> Option<String> {
    if !table.sort.descending {
        return None;
    }
    let (number, name): (fn(Stats) -> u64, &str) = match table.sort.by.measure()? {
        Measure::Requests => (|stats| stats.requests, "requests"),
        Measure::BytesSent => (|stats| stats.bytes_sent, "bytes"),
        Measure::Errors => (|stats| stats.errors, "errors"),
        _ => return None,
    };
    let count = rows.total();
    let first = TOPS.into_iter().find(|first| (*first as u64) < count && *first <= rows.reachable())?;
    let sum = (0..first).filter_map(|index| stats_of(rows, index)).map(number);
    let sum = sum.fold(0u64, u64::saturating_add);
    let whole = number(totals_of(rows)?);
    if whole == 0 {
        return None;
    }
    let share = crate::human::share(sum, whole);
    let (top, other) = whole_percents(share);
    let others = format::count(count - first as u64);
    Some(format!("top {first} {top} of {name} · the other {others} {other}"))
}

/// A share and the rest, in whole percent with their relation, `= 81 %`: neither rounds to nothing or to everything.
fn whole_percents(share: f64) -> (String, String) {
    match share * 100.0 {
        p if p >= 100.0 => ("= 100 %".to_owned(), "= 0 %".to_owned()),
        p if p > 99.0 => ("> 99 %".to_owned(), "< 1 %".to_owned()),
        p if p < 1.0 && p > 0.0 => ("< 1 %".to_owned(), "> 99 %".to_owned()),
        p => (format!("= {:.0} %", p.round()), format!("= {:.0} %", 100.0 - p.round())),
    }
}

/// `3 marked: 1,204 requests · 2.1 GiB · 12 % errors`.
fn sum_of_marks(table: &Table, rows: &Rows) -> Option<String> {
    if table.marks.is_empty() {
        return None;
    }
    let places: Vec<usize> = table.marks.iter().filter_map(|mark| rows.position(mark)).collect();
    let stats = places.iter().filter_map(|index| stats_of(rows, *index));
    let sum = stats.fold(Stats::default(), Stats::merged);
    let share = format::percent(crate::human::share(sum.bytes_sent, totals_of(rows)?.bytes_sent));
    let marked = format!("{} marked", format::count(table.marks.len() as u64));
    // Marks stay when the filter changes, so that rows can be collected from several tables.
    Some(match (places.len(), table.marks.len()) {
        (0, _) if (rows.reachable() as u64) < rows.total() => format!("{marked}, not among these rows"),
        (0, _) => format!("{marked}, not in this table"),
        (here, all) if here < all => {
            let here = format::count(here as u64);
            format!("{marked}, {here} of them here: {} · {share} of bytes", describe(sum))
        }
        _ => format!("{marked}: {} · {share} of bytes", describe(sum)),
    })
}

/// `all 5,084: 400,000 requests · 636 GiB · 2.1 % errors`; for single requests, without their number.
fn sum_of_all(state: &State, rows: &Rows) -> String {
    let is_growing = state.is_growing() || state.layer().table().rows.share.is_some();
    let grows = if is_growing { "+" } else { "" };
    match (totals_of(rows), rows) {
        (Some(totals), _) if rows.total() == 1 && !is_growing => describe(totals),
        (Some(totals), _) => format!("all {}{grows}: {}", format::count(rows.total()), describe(totals)),
        (None, Rows::Requests { .. }) => match state.matched() {
            Some((stats, true)) => describe(stats),
            _ => String::new(),
        },
        (None, _) => String::new(),
    }
}

fn describe(stats: Stats) -> String {
    let requests = format::counted(stats.requests, "request");
    let bytes = format::bytes(stats.bytes_sent);
    let errors = format::percent(crate::human::share(stats.errors, stats.requests));
    format!("{requests} · {bytes} · {errors} errors")
}

/// Draws the whole value under the cursor. Control characters are visible.
pub(super) fn value(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let Some(UnderCursor { name, value, exact }) = under_cursor(state) else { return };
    let area = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let start = put(buffer, area, area.x, area.y, &name, state.theme.quiet()) + 1;
    let left = Rect { x: start, width: area.right().saturating_sub(start), ..area };
    let width = usize::from(left.width);
    // The number is behind the value only if the value stays whole.
    let both = format!("{value}  {exact}");
    let lines =
        Some(fit::wrap(both.trim_end(), width)).filter(|lines| lines.len() <= usize::from(area.height));
    let lines = lines.unwrap_or_else(|| fit::wrap(&value, width));
    let last = usize::from(area.height) - 1;
    for (index, line) in lines.iter().take(last + 1).enumerate() {
        let is_cut = index == last && lines.len() > last + 1;
        let line = if is_cut { fit::middle(&lines[last..].concat(), width) } else { line.clone() };
        let y = left.y + u16::try_from(index).unwrap_or(0);
        put(buffer, left, left.x, y, &line, state.theme.text());
    }
}

/// What is under the cursor.
struct UnderCursor {
    name: String,
    value: String,
    /// A number that the table rounds; empty: none.
    exact: String,
}

fn under_cursor(state: &State) -> Option<UnderCursor> {
    let table = state.layer().table();
    let rows = table.rows.data.as_ref()?;
    match (&table.kind, rows) {
        (TableKind::Groups(by), _) => {
            let row = rows.group(table.cursor)?;
            let value = match &row.value {
                Value::Absent if by.about().is_none() => {
                    format!("{} (- in the log)", cell_text::of_group(by, &row.value))
                }
                value => cell_text::of_group(by, value),
            };
            let exact = exact(state, table.column, row.stats).unwrap_or_default();
            Some(UnderCursor { name: by.name(), value, exact })
        }
        (TableKind::Pairs(by), _) => {
            let row = rows.pair(table.cursor)?;
            let place = usize::from(table.column == Column::Second);
            let text = |place: usize| cell_text::of_group(&by[place], &row.values[place]);
            let exact = exact(state, table.column, row.stats).unwrap_or_default();
            let value = format!("{}  {} {}", text(place), by[1 - place].name(), text(1 - place));
            Some(UnderCursor { name: by[place].name(), value, exact })
        }
        (TableKind::Times(_), _) => {
            let row = rows.time(table.cursor)?;
            let zone = state.zone();
            let (start, end) = (format::full_instant(row.start, zone), format::full_instant(row.end, zone));
            let mut exact = exact(state, table.column, row.stats).unwrap_or_default();
            let mut value = format!("{start} – {end} {}", state.zone_name());
            if let (true, Some((first, past))) =
                (time_axes::is_partial_time(state, row.start, row.end), state.visible_range())
            {
                let (first, past) = (first.max(row.start), past.min(row.end));
                let shown = format::span(first, past, state.zone(), state.shows_year());
                value += ", incomplete";
                exact = format!("only {shown}  {exact}");
            }
            Some(UnderCursor { name: "time".to_owned(), value, exact })
        }
        (TableKind::Requests, _) => {
            let row = rows.request(table.cursor)?;
            let field = table.column.field()?;
            let value = row.get(field);
            let text = match value {
                _ if field == crate::log::Field::Time => {
                    format!("{} {}", format::full_instant(row.time, state.zone()), state.zone_name())
                }
                Value::Absent => format!("{} (- in the log)", cell_text::absent(field)),
                Value::Integer(number) => match u64::try_from(*number) {
                    Ok(number) if format::measure(field, value).is_some() => format::count(number),
                    _ => number.to_string(),
                },
                value => format::value(value),
            };
            Some(UnderCursor { name: field.name().to_owned(), value: text, exact: String::new() })
        }
        (TableKind::Findings, _) => None,
    }
}

/// The exact form of a number that the table rounds.
fn exact(state: &State, column: Column, stats: Stats) -> Option<String> {
    match column {
        Column::Share | Column::Measure(Measure::BytesSent) => {
            Some(format!("{} bytes sent", format::count(stats.bytes_sent)))
        }
        Column::Measure(Measure::Requests) => Some(format::counted(stats.requests, "request")),
        Column::Measure(Measure::Errors | Measure::ErrorRate) => Some(format!(
            "{} of {}",
            format::counted(stats.errors, "error"),
            format::counted(stats.requests, "request")
        )),
        Column::Measure(Measure::FirstSeen) => {
            Some(format!("first seen {}", format::full_instant(stats.first_seen, state.zone())))
        }
        Column::Measure(Measure::LastSeen) => {
            Some(format!("last seen {}", format::full_instant(stats.last_seen, state.zone())))
        }
        _ => None,
    }
}
