//! Lists in front of the tables: filters, columns, dimensions, widths of times, keys, failures.

use super::cursor::in_list;
use crate::query::{Dimension, Filter};
use crate::tui::model::axis;
use crate::tui::model::columns::Choice;
use crate::tui::model::keymap::Command;
use crate::tui::model::layer::Tab;
use crate::tui::model::layout;
use crate::tui::model::state::{Overlay, State};
use crate::tui::model::table::About;
use crate::tui::view;

/// The dimensions to choose from.
pub(crate) fn dimensions() -> Vec<Dimension> {
    let mut all = Dimension::all();
    // A level deeper is asked for often enough.
    if let Some(at) = all.iter().position(|by| *by == Dimension::Prefix { depth: 1 }) {
        all.insert(at + 1, Dimension::Prefix { depth: 2 });
    }
    all
}

/// The widths of rows in the table of times; `None`: chosen to fit.
pub(crate) fn widths() -> Vec<Option<u32>> {
    std::iter::once(None).chain(axis::ROUND.into_iter().map(Some)).collect()
}

/// The columns of the table in front.
pub(crate) fn choices_of_columns(state: &State) -> &[Choice] {
    &state.layer().table().columns
}

/// Opens the list of what to group by.
pub(super) fn group_by(state: &mut State) {
    let table = state.layer().table();
    state.overlay = Some(match &table.about {
        About::Times(chosen) => {
            Overlay::Widths(widths().iter().position(|width| width == chosen).unwrap_or(0))
        }
        about => {
            let by = match about {
                About::Groups(by) => Some(by),
                _ => None,
            };
            Overlay::Dimensions(dimensions().iter().position(|one| Some(one) == by).unwrap_or(0))
        }
    });
}

/// Opens the list of filters.
pub(super) fn filters(state: &mut State) {
    let layer = state.layer();
    if layer.filter.is_everything() && layer.resting.is_empty() {
        state.say("no filters yet; / writes one, = and - take one from the row");
    } else {
        state.overlay = Some(Overlay::Filters(0));
    }
}

/// Shows the table by a dimension.
pub(super) fn show_by(state: &mut State, by: Dimension) {
    if state.layer().detail.is_some() {
        state.pop();
    }
    state.layer_mut().group_by(by);
}

/// A key in a list.
pub(super) fn perform(state: &mut State, command: Command) {
    let Some(overlay) = state.overlay.clone() else { return };
    if command == Command::Cancel || (command == Command::Help && matches!(overlay, Overlay::Help(_))) {
        state.overlay = None;
        return;
    }
    let page = usize::from(state.size.1.saturating_sub(4)).max(1);
    state.overlay = match overlay {
        Overlay::Help(top) => {
            let last = view::help::lines(state).len().saturating_sub(page);
            Some(Overlay::Help(in_list(command, top, last + 1, page)))
        }
        Overlay::Failures(top) => match command {
            Command::Help => Some(Overlay::Help(0)),
            _ => {
                let last = view::failures::lines(state).len().saturating_sub(page);
                Some(Overlay::Failures(in_list(command, top, last + 1, page)))
            }
        },
        Overlay::Filters(at) => filters_key(state, command, at, page),
        Overlay::Columns(at) => columns_key(state, command, at, page),
        Overlay::Dimensions(at) => match command {
            Command::Accept => {
                if let Some(by) = dimensions().get(at) {
                    show_by(state, by.clone());
                }
                None
            }
            Command::Toggle | Command::Drop => Some(Overlay::Dimensions(at)),
            _ => Some(Overlay::Dimensions(in_list(command, at, dimensions().len(), page))),
        },
        Overlay::Widths(at) => match command {
            Command::Accept => {
                if let Some(width) = widths().get(at)
                    && state.layer().tab == Tab::Time
                {
                    let page = layout::Areas::of(state).page();
                    let table = state.layer_mut().table_mut();
                    table.about = About::Times(*width);
                    table.show_cursor(page);
                }
                None
            }
            Command::Toggle | Command::Drop => Some(Overlay::Widths(at)),
            _ => Some(Overlay::Widths(in_list(command, at, widths().len(), page))),
        },
    };
}

fn filters_key(state: &mut State, command: Command, at: usize, page: usize) -> Option<Overlay> {
    let layer = state.layer_mut();
    let on = layer.filter.terms().len();
    let count = on + layer.resting.len();
    match command {
        Command::Toggle if at < on => {
            let term = layer.filter.terms().get(at).cloned()?;
            layer.filter = layer.filter.without(at);
            layer.resting.push(term);
            // The cursor goes with the filter.
            Some(Overlay::Filters(count - 1))
        }
        Command::Toggle => {
            let term = if at < count { layer.resting.remove(at - on) } else { return None };
            layer.filter = Filter::all(layer.filter.terms().iter().cloned().chain([term]));
            Some(Overlay::Filters(layer.filter.terms().len() - 1))
        }
        Command::Drop => {
            if at < on {
                layer.filter = layer.filter.without(at);
            } else if at < count {
                layer.resting.remove(at - on);
            }
            (count > 1).then(|| Overlay::Filters(at.min(count - 2)))
        }
        Command::Accept => None,
        _ => Some(Overlay::Filters(in_list(command, at, count, page))),
    }
}

fn columns_key(state: &mut State, command: Command, at: usize, page: usize) -> Option<Overlay> {
    let table = state.layer_mut().table_mut();
    match command {
        Command::Toggle => {
            if !table.toggle(at) {
                state.say("this column stays: the table needs it");
            }
            Some(Overlay::Columns(at))
        }
        Command::Accept => None,
        Command::Drop => Some(Overlay::Columns(at)),
        _ => Some(Overlay::Columns(in_list(command, at, table.columns.len(), page))),
    }
}
