//! The cursor of a table and of the open request; sorting, marking and copying at the cursor.

use crate::log::{FIELDS, Field};
use crate::query::{Sort, Value};
use crate::tui::format;
use crate::tui::model::{
    Areas, Column, Command, DetailLine, LineOf, MAX_GROUPS, RowId, Rows, State, Table, TableKind,
};
use crate::tui::update::findings;

pub(super) fn perform(state: &mut State, command: Command) {
    if state.layer().detail.is_some() {
        return move_field(state, command);
    }
    let page = Areas::of(state).page();
    match command {
        Command::Left => move_column(state, false),
        Command::Right => move_column(state, true),
        Command::Last => {
            let table = state.layer_mut().table_mut();
            table.move_to(usize::MAX, page);
            let has_more = matches!(&table.rows.data, Some(rows @ (Rows::Groups(_) | Rows::Pairs(_))) if rows.total() > rows.reachable() as u64);
            if has_more && table.reachable() < MAX_GROUPS {
                table.goes_to_last_row = true;
            } else if has_more {
                let sort = state.table_key(Command::Sort);
                state.notify(format!(
                    "this is the last loaded row; {sort} reverses the order and shows the other end"
                ));
            }
        }
        other => {
            let table = state.layer_mut().table_mut();
            match rows_moved(other, page) {
                Some(rows) => table.move_by(rows, page),
                None => table.move_to(0, page),
            }
        }
    }
}

/// The number of rows that a command moves the cursor; `None`: to the first row.
fn rows_moved(command: Command, page: usize) -> Option<isize> {
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

/// The index that a command moves to from index `at` of a list of `count` lines.
pub(super) fn moved_in_list(command: Command, at: usize, count: usize, page: usize) -> usize {
    let next = rows_moved(command, page).map_or(0, |rows| at.saturating_add_signed(rows));
    next.min(count.saturating_sub(1))
}

fn move_column(state: &mut State, right: bool) {
    let table = state.layer_mut().table_mut();
    let at = table.placed.iter().position(|placed| placed.column == table.column);
    let next = match (at, right) {
        (None, _) => 0,
        (Some(at), true) => (at + 1).min(table.placed.len().saturating_sub(1)),
        (Some(at), false) => at.saturating_sub(1),
    };
    if let Some(placed) = table.placed.get(next) {
        table.column = placed.column;
    }
}

pub(super) fn widen(state: &mut State) {
    let table = state.layer_mut().table_mut();
    if matches!(table.column, Column::Share | Column::Activity) {
        return state.notify("bars and sparklines are as wide as there is room");
    }
    table.widen();
}

pub(super) fn scroll_columns(state: &mut State, right: bool) {
    if !state.layer_mut().table_mut().scroll_columns(right) {
        state.notify(if right { "this is the last column" } else { "this is the first column" });
    }
}

/// Sorts by the column under the cursor, or reverses its order.
pub(super) fn sort(state: &mut State) {
    let table = state.layer().table();
    let column = table.column;
    let descending = if table.sort.by == column { !table.sort.descending } else { column.descends() };
    sort_by(state, column, descending);
}

pub(super) fn sort_by(state: &mut State, column: Column, descending: bool) {
    if !column.is_sortable() {
        let name = state.layer().table().heading(column).to_lowercase();
        return state.warn(format!("cannot sort by {name}; choose another column"));
    }
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    table.sort_by(Sort { by: column, descending });
    table.show_cursor(page);
}

/// Marks or unmarks the row under the cursor, or clears all marks.
pub(super) fn mark(state: &mut State, command: Command) {
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    if command == Command::Unmark {
        return table.marks.clear();
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
    state.notify(match count {
        0 => "no rows marked".to_owned(),
        1 => "1 row marked; = keeps only this row, - excludes it".to_owned(),
        count => format!("{count} rows marked; = keeps only these rows, - excludes them"),
    });
}

/// The value under the cursor, or the marked values, one per line, in their visible form: a control character in
/// a value must not run a command when the text is pasted into a shell.
pub(super) fn copied_text(state: &State) -> Option<String> {
    let layer = state.layer();
    if let Some(detail) = &layer.detail {
        let spec = FIELDS.get(detail.cursor)?;
        return Some(text_of(state, detail.row.get(spec.field), spec.field));
    }
    let table = layer.table();
    let rows = table.rows.data.as_ref()?;
    match &table.kind {
        TableKind::Groups(_) => {
            let marked = marked_values(table);
            if marked.is_empty() {
                rows.group(table.cursor).map(|row| format::value(&row.value))
            } else {
                Some(marked.join("\n"))
            }
        }
        TableKind::Pairs(_) => {
            let text = |values: &[Value; 2]| values.each_ref().map(format::value).join("\t");
            let marked: Vec<String> = table
                .marks
                .iter()
                .filter_map(|mark| match mark {
                    RowId::Pair(values) => Some(text(values)),
                    _ => None,
                })
                .collect();
            match marked.is_empty() {
                true => rows.pair(table.cursor).map(|row| text(&row.values)),
                false => Some(marked.join("\n")),
            }
        }
        TableKind::Findings => findings::copied_text(state),
        TableKind::Times(_) => {
            rows.time(table.cursor).map(|row| format::full_instant(row.start, state.zone()))
        }
        TableKind::Requests => {
            let Column::Field(field) = table.column else { return None };
            rows.request(table.cursor).map(|row| text_of(state, row.get(field), field))
        }
    }
}

pub(super) fn text_of(state: &State, value: &Value, field: Field) -> String {
    match (field, value) {
        (Field::Time, Value::Integer(at)) => format::full_instant(*at, state.zone()),
        (_, value) => format::value(value),
    }
}

fn marked_values(table: &Table) -> Vec<String> {
    let text = |mark: &RowId| match mark {
        RowId::Value(value) => Some(format::value(value)),
        _ => None,
    };
    table.marks.iter().filter_map(text).collect()
}

fn move_field(state: &mut State, command: Command) {
    let page = Areas::of(state).page();
    let with_absent = state.shows_absent_fields;
    let Some(detail) = &mut state.layer_mut().detail else { return };
    let fields = detail.fields(with_absent);
    let at = fields.iter().position(|field| *field == detail.cursor).unwrap_or(0);
    let next = moved_in_list(command, at, fields.len(), page);
    detail.cursor = fields.get(next).copied().unwrap_or(detail.cursor);
    show_field(state);
}

/// Scrolls the open request so that the field under the cursor is visible, all its lines if they fit.
pub(super) fn show_field(state: &mut State) {
    let area = Areas::of(state).rows;
    let Some(lines) = state.layer().detail.as_ref().map(|detail| detail.lines(state, area)) else {
        return;
    };
    let Some(detail) = &mut state.layer_mut().detail else { return };
    let page = usize::from(area.height).max(1);
    let is_chosen = |line: &DetailLine| line.of == LineOf::Field(detail.cursor);
    let last = lines.iter().rposition(is_chosen).unwrap_or(0);
    // The title of the section is shown with its first field, the line of absent fields with the last one.
    let is_title = |at: &usize| lines.get(*at).is_some_and(|line| line.of == LineOf::Section);
    let first = lines.iter().position(is_chosen).unwrap_or(0);
    let first = first.checked_sub(1).filter(is_title).unwrap_or(first);
    let is_absent = |at: usize| lines.get(at).is_some_and(|line| line.of == LineOf::Absent);
    let last = if is_absent(last + 1) { last + 1 } else { last };
    if last >= detail.top + page {
        detail.top = last + 1 - page;
    }
    detail.top = detail.top.min(first).min(lines.len().saturating_sub(page));
}
