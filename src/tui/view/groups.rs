//! Cells of tables of groups and of times.

use crate::query::{Ask, Dimension, Groups, Measure, Stats, Value, measure::Unit};
use crate::tui::model::{Column, LazyMeasure, Placed, State, TimeRow};
use crate::tui::widgets::{bars, fit};
use crate::tui::{format, view::table::Cell};

pub(super) fn group(state: &State, groups: &Groups, index: usize, placed: &Placed) -> Cell {
    let Some(row) = groups.rows.get(index) else { return Cell::plain("…") };
    let table = state.layer().table();
    match placed.column {
        Column::Value => {
            let is_absent = row.value == Value::Absent;
            let style = if is_absent { state.theme.quiet() } else { state.theme.text() };
            let text = table.dimension().map(|by| value_text(by, &row.value));
            Cell { text: text.unwrap_or_else(|| format::value(&row.value)), style }
        }
        Column::Activity => {
            let line = table.activity.get(&row.value);
            let text = line.map_or(String::new(), |line| bars::sparkline(line, usize::from(placed.width)));
            let is_current = table.activity.is_current(&row.value);
            Cell { text, style: if is_current { state.theme.bar() } else { state.theme.faint() } }
        }
        Column::Measure(measure) if placed.column.is_lazy() => {
            let measures = table.lazy_measures.get(&row.value);
            match measures.and_then(|measures| measures.iter().find(|lazy| lazy.measure == measure)) {
                None => Cell::faint(state, "·"),
                Some(LazyMeasure { number: None, .. }) => Cell::faint(state, "-"),
                Some(LazyMeasure { number: Some(number), is_approximate, .. }) => {
                    let is_current = table.lazy_measures.is_current(&row.value);
                    let style = if is_current { state.theme.text() } else { state.theme.faint() };
                    Cell { text: lazy_measure(measure, *number, *is_approximate, placed.width), style }
                }
            }
        }
        Column::Measure(measure) if placed.column.is_relative() => {
            let asked = match table.rows.query.as_ref().map(|query| &query.ask) {
                Some(Ask::Groups { more, .. }) => more.iter().position(|of| *of == measure),
                _ => None,
            };
            match asked.and_then(|at| row.more.get(at).copied().flatten()) {
                Some(number) if measure.spec().unit == Unit::Share => Cell::plain(format::percent(number)),
                Some(number) => Cell::plain(crate::human::ratio(number)),
                // The column is new: the running query asks for it.
                None => Cell::faint(state, "·"),
            }
        }
        _ => stats(state, &row.stats, &groups.totals, placed),
    }
}

/// The text of a value. Hours and weekdays are spelled out.
fn value_text(by: &Dimension, value: &Value) -> String {
    match (by, value) {
        (Dimension::HourOfDay, Value::Integer(hour)) => format!("{hour:02}:00 – {hour:02}:59"),
        (Dimension::Weekday, Value::Integer(day)) => {
            const DAYS: [&str; 7] =
                ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
            let name = usize::try_from(*day - 1).ok().and_then(|day| DAYS.get(day));
            name.map_or_else(|| day.to_string(), |name| (*name).to_owned())
        }
        (_, value) => format::value(value),
    }
}

/// The cell of a row of the table of times.
pub(super) fn time(state: &State, rows: &[TimeRow], totals: &Stats, index: usize, placed: &Placed) -> Cell {
    let Some(row) = rows.get(index) else { return Cell::plain("…") };
    match placed.column {
        Column::Value => Cell::plain(format::full_instant(row.start, state.zone())),
        _ => stats(state, &row.stats, totals, placed),
    }
}

fn lazy_measure(measure: Measure, number: f64, is_approximate: bool, width: u16) -> String {
    if is_approximate {
        return format!("≈{}", lazy_measure(measure, number, false, width.saturating_sub(1)));
    }
    match measure.spec().unit {
        Unit::Milliseconds => format::duration(number),
        Unit::Ratio => crate::human::ratio(number),
        Unit::Bytes => format::bytes(number.max(0.0) as u64),
        Unit::Dollars => crate::human::dollars(number),
        _ => format::count_within(number.max(0.0) as u64, usize::from(width)),
    }
}

pub(super) fn stats(state: &State, stats: &Stats, totals: &Stats, placed: &Placed) -> Cell {
    let theme = state.theme;
    let width = usize::from(placed.width);
    let ratio = |part: u64, total: u64| if total == 0 { 0.0 } else { part as f64 / total as f64 };
    match placed.column {
        Column::Share => {
            let share = ratio(stats.bytes_sent, totals.bytes_sent);
            let room = width.saturating_sub(8);
            let bar = fit::left(&bars::horizontal(share, room), room);
            let text = format!("{bar} {}", fit::right(&format::percent(share), 7));
            Cell { text, style: theme.bar() }
        }
        Column::Measure(Measure::Requests) => Cell::plain(format::count_within(stats.requests, width)),
        Column::Measure(Measure::BytesSent) => Cell::plain(format::bytes(stats.bytes_sent)),
        Column::Measure(Measure::Errors) => {
            let style = if stats.errors > 0 { theme.text() } else { theme.faint() };
            Cell { text: format::count_within(stats.errors, width), style }
        }
        Column::Measure(Measure::ErrorRate) => {
            let rate = ratio(stats.errors, stats.requests);
            let style = match rate {
                _ if stats.errors == 0 => theme.faint(),
                r if r >= 0.5 => theme.error(),
                r if r >= 0.05 => theme.warning(),
                _ => theme.text(),
            };
            let text = if stats.requests == 0 { "-".to_owned() } else { format::percent(rate) };
            Cell { text, style }
        }
        Column::Measure(Measure::FirstSeen) if stats.requests > 0 => {
            Cell::plain(state.short_instant(stats.first_seen))
        }
        Column::Measure(Measure::LastSeen) if stats.requests > 0 => {
            Cell::plain(state.short_instant(stats.last_seen))
        }
        _ => Cell::faint(state, "-"),
    }
}
