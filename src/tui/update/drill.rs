//! The stack: Enter opens what is behind a row, Esc takes one layer off and leaves all as it was.

use super::queries;
use crate::log::{FIELDS, Field};
use crate::query::{Dimension, Filter, TimeRange};
use crate::tui::model::cell_filter;
use crate::tui::model::keymap::Command;
use crate::tui::model::layer::{Detail, Layer, Tab};
use crate::tui::model::rows::RowId;
use crate::tui::model::state::State;
use crate::tui::model::table::About;

/// Opens the row under the cursor.
pub(super) fn open(state: &mut State) {
    let layer = state.layer();
    let table = layer.table();
    let Some(rows) = &table.rows.data else { return };
    match &table.about {
        About::Requests => {
            let Some(row) = rows.request(table.cursor).cloned() else { return };
            let mut next = Layer::new(layer.filter.clone(), layer.time);
            next.tab = Tab::Requests;
            // It is one of these requests: the header goes on counting them.
            next.timeline = layer.timeline.clone();
            // The first field that people look for.
            next.detail =
                Some(Detail { row, is_whole: false, asked: None, cursor: Field::Time as usize, top: 0 });
            if let Some(detail) = &mut next.detail {
                detail.cursor = detail.cursor.min(FIELDS.len() - 1);
            }
            state.push(next);
        }
        About::Times(_) => {
            let Some(time) = time_of_row(state) else { return };
            let mut next = Layer::new(layer.filter.clone(), time);
            next.tab = Tab::Requests;
            carry_over(state, next);
        }
        About::Groups(by) => {
            let Some(row) = rows.group(table.cursor) else { return };
            let term = Filter::term_for(by, &row.value);
            let filter = cell_filter::with(&layer.filter, term);
            let tab = behind(by, &filter);
            let mut next = Layer::new(filter, layer.time);
            next.tab = tab;
            carry_over(state, next);
        }
    }
}

/// What comes after a table by `by`, once one of its rows is chosen: whatever is not settled yet.
fn behind(by: &Dimension, filter: &Filter) -> Tab {
    if *by == Dimension::Field(Field::Key) || cell_filter::pins(filter, Field::Key) {
        return Tab::Requests;
    }
    let who = matches!(by.base(), Field::RemoteIp | Field::Requester);
    let settled = cell_filter::pins(filter, Field::RemoteIp) || cell_filter::pins(filter, Field::Requester);
    if who || settled || by.base() == Field::Key { Tab::Objects } else { Tab::Requesters }
}

/// Puts a layer in front, with the filters that rest and the zooms of the one below.
fn carry_over(state: &mut State, mut next: Layer) {
    next.resting = state.layer().resting.clone();
    state.brush = None;
    state.push(next);
}

/// The time of the row under the cursor of a table of times.
pub(super) fn time_of_row(state: &State) -> Option<TimeRange> {
    let table = state.layer().table();
    let width = match &table.rows.data {
        Some(crate::tui::model::rows::Rows::Times { bucket, .. }) => i64::from(*bucket),
        _ => return None,
    };
    let row = table.rows.data.as_ref()?.time(table.cursor)?;
    let time = TimeRange { start: Some(row.start), end: Some(row.start.saturating_add(width)) };
    Some(queries::within(time, state.base))
}

/// One layer back.
pub(super) fn back(state: &mut State) {
    if !state.pop() {
        if state.layer().table().marks.is_empty() {
            state.say("this is the first layer; q quits");
        } else {
            state.say("this is the first layer; M takes the marks off, q quits");
        }
    }
}

/// Another table of the same layer.
pub(super) fn tab(state: &mut State, command: Command) {
    // One request in full is a layer of its own: another table is one of the layer below it.
    if state.layer().detail.is_some() {
        state.pop();
    }
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
        && !layer.table().touched
    {
        layer.table_mut().anchor = None;
    }
}
