//! The drill-down stack: Enter opens a layer for a row, Esc removes one layer.

use crate::log::Field;
use crate::query::{Dimension, Filter, TimeRange};
use crate::tui::model::{Command, Layer, RowId, State, Tab, TableKind, cell_filter};
use crate::tui::model::{folders as model_folders, undo};
use crate::tui::update::{detail, findings, folders};

/// Opens the row under the cursor.
pub(super) fn open(state: &mut State) {
    let layer = state.layer();
    let table = layer.table();
    let Some(rows) = &table.rows.data else { return };
    match &table.kind {
        TableKind::Findings => findings::open(state),
        TableKind::Requests => {
            detail::open(state);
        }
        TableKind::Times(_) => {
            let Some(time) = time_of_row(state) else { return };
            let mut next = Layer::new(layer.filter.clone(), time);
            next.tab = Tab::Requests;
            push(state, next);
        }
        TableKind::Pairs(by) => {
            let Some(row) = rows.pair(table.cursor) else { return };
            let filter = by.iter().zip(&row.values).fold(layer.filter.clone(), |filter, (by, value)| {
                cell_filter::with_term(&filter, Filter::term_for(by, value))
            });
            let tab = next_tab(&by[0], &filter);
            let mut next = Layer::new(filter, layer.time);
            next.tab = tab;
            push(state, next);
        }
        TableKind::Groups(by) => {
            let Some(row) = rows.group(table.cursor) else { return };
            if let Some(folder) = model_folders::row(by, &row.value) {
                return folders::open(state, folder);
            }
            let filter = cell_filter::with_term(&layer.filter, Filter::term_for(by, &row.value));
            let tab = next_tab(by, &filter);
            let mut next = Layer::new(filter, layer.time);
            next.tab = tab;
            push(state, next);
        }
    }
}

/// The table that a row of a table by `by` opens: the first of addresses, objects and requests that `filter`
/// does not reduce to one row.
fn next_tab(by: &Dimension, filter: &Filter) -> Tab {
    if *by == Dimension::Field(Field::Key) || cell_filter::pins(filter, Field::Key) {
        return Tab::Requests;
    }
    let is_by_address = matches!(by.base(), Field::RemoteIp | Field::Requester);
    let has_address =
        cell_filter::pins(filter, Field::RemoteIp) || cell_filter::pins(filter, Field::Requester);
    if is_by_address || has_address || by.base() == Field::Key { Tab::Objects } else { Tab::Addresses }
}

/// Pushes a layer, with the disabled terms of the layer below unless it replaces the filter.
pub(super) fn push(state: &mut State, mut next: Layer) {
    if !next.begins_way() {
        next.disabled = state.layer().disabled.clone();
    }
    state.brush = None;
    // The bars stay until the answer for the new layer arrives.
    next.timeline.data = state.layer().timeline.data.clone();
    state.push(next);
}

/// The time range of the row under the cursor of a table of times.
pub(super) fn time_of_row(state: &State) -> Option<TimeRange> {
    let table = state.layer().table();
    let rows = table.rows.data.as_ref()?;
    let row = rows.time(table.cursor)?;
    let time = TimeRange { start: Some(row.start), end: Some(row.end) };
    Some(time.within(state.session_time))
}

/// Removes the layer in front. If it is the first, takes back its last zoom or filter.
pub(super) fn back(state: &mut State) {
    if !detail::close(state) && !state.pop() && !undo::take_back(state) && !folders::leave(state) {
        let (unmark, quit) = (state.table_key(Command::Unmark), state.table_key(Command::Quit));
        state.notify(match state.layer().table().marks.is_empty() {
            true => format!("this is the first layer; {quit} quits"),
            false => format!("this is the first layer; {unmark} clears the marks, {quit} quits"),
        });
    }
}

/// Shows another table of the layer.
pub(super) fn tab(state: &mut State, command: Command) {
    // An open request is a layer of its own; its tables are those of the layer below.
    detail::close(state);
    let at = state.layer().tab as usize;
    let count = Tab::ALL.len();
    let next = match command {
        Command::Tab(index) => usize::from(index).min(count - 1),
        Command::PreviousTab => (at + count - 1) % count,
        _ => (at + 1) % count,
    };
    let layer = state.layer_mut();
    layer.tab = Tab::ALL[next];
    if layer.tab == Tab::Time
        && let Some(RowId::Instant(_)) = layer.table().anchor
        && !layer.table().was_moved
    {
        layer.table_mut().anchor = None;
    }
}
