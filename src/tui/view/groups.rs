//! Cells of tables of groups and of times.

use crate::query::{Ask, Filter, Groups, Measure, Pairs, Stats, Value, measure::Unit};
use crate::tui::model::column_shape::SHARE_WIDTH;
use crate::tui::model::{
    Column, LazyMeasure, Placed, State, TableKind, TimeRow, columns, folders, time_axes,
};
use crate::tui::widgets::{bars, fit};
use crate::tui::{cell_text, format, view::table::Cell};

pub(super) fn group(state: &State, groups: &Groups, index: usize, placed: &Placed) -> Cell {
    let Some(row) = groups.rows.get(index) else { return Cell::plain("…") };
    let table = state.layer().table();
    match placed.column {
        Column::Value => {
            let is_absent = row.value == Value::Absent;
            let style = if is_absent { state.theme.quiet() } else { state.theme.text() };
            let width = usize::from(placed.width);
            // The rows may still be those of the filter before.
            let everything = Filter::everything();
            let filter = table.rows.query.as_ref().map_or(&everything, |query| &query.filter);
            let text = table
                .dimension()
                .map(|by| cell_text::fit_group(by, &folders::text_in(by, filter, &row.value), width));
            Cell::new(text.unwrap_or_else(|| format::value(&row.value)), style)
        }
        Column::Activity => {
            let line = table.activity.get(&row.value);
            let text = line.map_or(String::new(), |line| {
                let is_partial = time_axes::partial_sparks(state, line.len());
                bars::sparkline(line, usize::from(placed.width), is_partial)
            });
            let is_current = table.activity.is_current(&row.value);
            Cell::new(text, if is_current { state.theme.bar() } else { state.theme.faint() })
        }
        Column::Measure(measure) if placed.column.is_lazy() => {
            let measures = table.lazy_measures.get(&row.value);
            match measures.and_then(|measures| measures.iter().find(|lazy| lazy.measure == measure)) {
                None => Cell::faint(state, "·"),
                Some(LazyMeasure { number: None, .. }) => Cell::faint(state, "-"),
                Some(LazyMeasure { number: Some(number), is_approximate, .. }) => {
                    let is_current = table.lazy_measures.is_current(&row.value);
                    let style = if is_current { state.theme.text() } else { state.theme.faint() };
                    Cell::new(lazy_measure(measure, *number, *is_approximate, placed.width), style)
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
        _ => stats(state, &row.stats, &groups.totals, table.largest, placed),
    }
}

/// The cell of a pair.
pub(super) fn pair(state: &State, pairs: &Pairs, index: usize, placed: &Placed) -> Cell {
    let Some(row) = pairs.rows.get(index) else { return Cell::plain("…") };
    let table = state.layer().table();
    let place = match placed.column {
        Column::Value => 0,
        Column::Second => 1,
        _ => return stats(state, &row.stats, &pairs.totals, table.largest, placed),
    };
    let TableKind::Pairs(by) = &table.kind else { return Cell::plain("") };
    let (by, value) = (&by[place], &row.values[place]);
    let text = cell_text::fit_group(by, &cell_text::of_group(by, value), usize::from(placed.width));
    Cell::new(text, if *value == Value::Absent { state.theme.quiet() } else { state.theme.text() })
}

/// The cell of a row of the table of times.
pub(super) fn time(state: &State, rows: &[TimeRow], totals: &Stats, index: usize, placed: &Placed) -> Cell {
    let Some(row) = rows.get(index) else { return Cell::plain("…") };
    match placed.column {
        Column::Value => {
            let text = format::time_row(row.start, row.end, state.zone());
            let is_partial = time_axes::is_partial_time(state, row.start, row.end);
            Cell::plain(if is_partial { format!("{text} {}", bars::HATCHED) } else { text })
        }
        _ => stats(state, &row.stats, totals, state.layer().table().largest, placed),
    }
}

/// The text of a lazy measure, in at most `width` terminal columns if its unit can be scaled.
pub(super) fn lazy_measure(measure: Measure, number: f64, is_approximate: bool, width: u16) -> String {
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

/// The cell of a measure. `largest` is the number of bytes that fills the bar of a share.
pub(super) fn stats(state: &State, stats: &Stats, totals: &Stats, largest: u64, placed: &Placed) -> Cell {
    let theme = state.theme;
    let width = usize::from(placed.width);
    let ratio = |part: u64, total: u64| if total == 0 { 0.0 } else { part as f64 / total as f64 };
    match placed.column {
        Column::Share => {
            let share = ratio(stats.bytes_sent, totals.bytes_sent);
            let number_width = usize::from(SHARE_WIDTH);
            let number = fit::right(&format::percent(share), number_width);
            let room = width.saturating_sub(number_width + 1);
            let bar = bars::horizontal(ratio(stats.bytes_sent, largest), room);
            let tail = Some((SHARE_WIDTH + 1, theme.bar()));
            Cell { tail, ..Cell::plain(if room > 0 { format!("{number} {bar}") } else { number }) }
        }
        Column::Measure(Measure::Requests) => Cell::plain(format::count_within(stats.requests, width)),
        Column::Measure(Measure::BytesSent) => Cell::plain(format::bytes(stats.bytes_sent)),
        Column::Measure(Measure::Errors) => {
            let style = if stats.errors > 0 { theme.text() } else { theme.faint() };
            Cell::new(format::count_within(stats.errors, width), style)
        }
        Column::Measure(Measure::ErrorRate) => {
            let rate = ratio(stats.errors, stats.requests);
            let style = match rate {
                _ if stats.errors == 0 => theme.faint(),
                // Only errors because of the filter: nothing to warn of.
                _ if columns::decides_errors(&state.layer().filter) => theme.text(),
                r if r >= 0.5 => theme.error(),
                r if r >= 0.05 => theme.warning(),
                _ => theme.text(),
            };
            let text = if stats.requests == 0 { "-".to_owned() } else { format::percent(rate) };
            Cell::new(text, style)
        }
        Column::Measure(Measure::FirstSeen) if stats.requests > 0 => {
            Cell::plain(state.seen_instant(stats.first_seen))
        }
        Column::Measure(Measure::LastSeen) if stats.requests > 0 => {
            Cell::plain(state.seen_instant(stats.last_seen))
        }
        _ => Cell::faint(state, "-"),
    }
}
