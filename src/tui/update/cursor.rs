//! The cursor of a table and of one request in full; what is under it; the order and the marks.

use crate::log::FIELDS;
use crate::query::Sort;
use crate::tui::model::columns::Column;
use crate::tui::model::keymap::Command;
use crate::tui::model::layout::{self, Areas};
use crate::tui::model::rows::{RowId, Rows};
use crate::tui::model::state::State;
use crate::tui::model::table::{About, Table};
use crate::tui::{format, view};

/// Moves the cursor.
pub(super) fn perform(state: &mut State, command: Command) {
    if state.layer().detail.is_some() {
        move_field(state, command);
        return;
    }
    let page = Areas::of(state).page();
    match command {
        Command::Left => move_column(state, false),
        Command::Right => move_column(state, true),
        Command::Last => {
            let table = state.layer_mut().table_mut();
            table.go(usize::MAX, page);
            let more = matches!(&table.rows.data, Some(rows @ Rows::Groups(_)) if rows.total() > rows.reach() as u64);
            if more {
                table.to_the_end = true;
                if table.reach() >= crate::tui::model::table::MOST_LOADED {
                    table.to_the_end = false;
                    state.say("the last row that is loaded; s turns the order round and shows the other end");
                }
            }
        }
        other => {
            let table = state.layer_mut().table_mut();
            match by_rows(other, page) {
                Some(rows) => table.move_by(rows, page),
                None => table.go(0, page),
            }
        }
    }
}

/// How many rows a command moves; `None`: to the first.
fn by_rows(command: Command, page: usize) -> Option<isize> {
    let page = isize::try_from(page).unwrap_or(1).max(1);
    Some(match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::PageUp => -page,
        Command::PageDown => page,
        Command::HalfUp => -(page / 2).max(1),
        Command::HalfDown => (page / 2).max(1),
        Command::Last => isize::MAX,
        _ => return None,
    })
}

/// As [`by_rows`], for a list of `count` lines: where the cursor goes from `at`.
pub(super) fn in_list(command: Command, at: usize, count: usize, page: usize) -> usize {
    let next = by_rows(command, page).map_or(0, |rows| at.saturating_add_signed(rows));
    next.min(count.saturating_sub(1))
}

fn move_column(state: &mut State, right: bool) {
    let placed = layout::columns(state);
    let table = state.layer_mut().table_mut();
    let at = placed.iter().position(|placed| placed.column == table.column);
    let next = match (at, right) {
        (None, _) => 0,
        (Some(at), true) => (at + 1).min(placed.len().saturating_sub(1)),
        (Some(at), false) => at.saturating_sub(1),
    };
    if let Some(placed) = placed.get(next) {
        table.column = placed.column;
    }
}

/// Sorts by the column under the cursor, or turns its order round.
pub(super) fn sort(state: &mut State) {
    let table = state.layer().table();
    let column = table.column;
    let descending = if table.sort.by == column { !table.sort.descending } else { column.descends() };
    sort_by(state, column, descending);
}

/// Sorts by a column.
pub(super) fn sort_by(state: &mut State, column: Column, descending: bool) {
    if column == Column::Activity {
        state.warn("a sparkline has no order; sort by another column");
        return;
    }
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    table.sort_by(Sort { by: column, descending });
    table.show_cursor(page);
}

/// Marks the row under the cursor, or takes marks off.
pub(super) fn mark(state: &mut State, command: Command) {
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    if command == Command::Unmark {
        table.marks.clear();
        return;
    }
    let Some(id) = table.anchor.clone() else { return };
    match table.marks.iter().position(|marked| *marked == id) {
        Some(index) => {
            table.marks.remove(index);
        }
        None => table.marks.push(id),
    }
    let count = table.marks.len();
    table.move_by(1, page);
    state.say(match count {
        0 => "no row is marked".to_owned(),
        1 => "1 row is marked; = shows only it, - all others".to_owned(),
        more => format!("{more} rows are marked; = shows only these, - all others"),
    });
}

/// What is under the cursor, or marked, as it is shown: it will be pasted, perhaps into a shell, which would run
/// what follows a line end. Several values are as many lines.
pub(super) fn value_under_cursor(state: &State) -> Option<String> {
    let layer = state.layer();
    if let Some(detail) = &layer.detail {
        let spec = FIELDS.get(detail.cursor)?;
        return Some(copied(state, detail.row.get(spec.field), spec.field));
    }
    let table = layer.table();
    let rows = table.rows.data.as_ref()?;
    match &table.about {
        About::Groups(_) => {
            let marked = values_marked(table);
            if marked.is_empty() {
                rows.group(table.cursor).map(|row| format::value(&row.value))
            } else {
                Some(marked.join("\n"))
            }
        }
        About::Times(_) => rows.time(table.cursor).map(|row| format::full_instant(row.start, state.zone())),
        About::Requests => {
            let Column::Field(field) = table.column else { return None };
            rows.request(table.cursor).map(|row| copied(state, row.get(field), field))
        }
    }
}

fn copied(state: &State, value: &crate::query::Value, field: crate::log::Field) -> String {
    match (field, value) {
        (crate::log::Field::Time, crate::query::Value::Integer(at)) => {
            format::full_instant(*at, state.zone())
        }
        (_, value) => format::value(value),
    }
}

fn values_marked(table: &Table) -> Vec<String> {
    table
        .marks
        .iter()
        .filter_map(|mark| match mark {
            RowId::Value(value) => Some(format::value(value)),
            _ => None,
        })
        .collect()
}

fn move_field(state: &mut State, command: Command) {
    let page = Areas::of(state).page();
    let Some(detail) = &mut state.layer_mut().detail else { return };
    detail.cursor = in_list(command, detail.cursor, FIELDS.len(), page);
    show_field(state);
}

/// Scrolls so that the field under the cursor is on the screen, all of it if it fits.
pub(super) fn show_field(state: &mut State) {
    let area = Areas::of(state).rows;
    let lines = match &state.layer().detail {
        Some(detail) => view::detail::lines(state, detail, area.width),
        None => return,
    };
    let Some(detail) = &mut state.layer_mut().detail else { return };
    let page = usize::from(area.height).max(1);
    let first = lines.iter().position(|line| line.field == detail.cursor).unwrap_or(0);
    let last = lines.iter().rposition(|line| line.field == detail.cursor).unwrap_or(first);
    if last >= detail.top + page {
        detail.top = last + 1 - page;
    }
    detail.top = detail.top.min(first).min(lines.len().saturating_sub(page));
}
