//! Keys in popups: filters, columns, dimensions, bucket widths, help, failures.

use crate::query::{Dimension, Filter};
use crate::tui::model::{
    Areas, Command, Overlay, State, Tab, TableKind, lists::bucket_widths, lists::dimensions,
    lists::second_dimensions, reading,
};
use crate::tui::update::cursor::moved_in_list;

/// Opens the list of dimensions, or of bucket widths for a table of times.
pub(super) fn group_by(state: &mut State) {
    let kind = &state.layer().table().kind;
    let index = |position: Option<usize>| position.unwrap_or(0);
    state.overlay = Some(match kind {
        TableKind::Times(chosen) => {
            Overlay::BucketWidths(index(bucket_widths().iter().position(|width| width == chosen)))
        }
        TableKind::Groups(by) => {
            Overlay::Dimensions(index(dimensions().iter().position(|other| other == by)))
        }
        TableKind::Pairs([first, second]) => {
            let others = second_dimensions(first);
            Overlay::SecondDimensions(first.clone(), index(others.iter().position(|by| by == second)))
        }
        TableKind::Requests | TableKind::Findings => Overlay::Dimensions(0),
    });
}

pub(super) fn filters(state: &mut State) {
    let layer = state.layer();
    if layer.filter.is_everything() && layer.disabled.is_empty() {
        let [edit, only, not] =
            [Command::EditFilter, Command::Only, Command::Not].map(|command| state.table_key(command));
        state.notify(format!(
            "no filter; {edit} edits the filter, {only} and {not} add a term for the row or cell"
        ));
    } else {
        state.overlay = Some(Overlay::Filters(0));
    }
}

/// Shows the table of groups by `by`.
pub(super) fn show_by(state: &mut State, by: Dimension) {
    if state.layer().detail.is_some() {
        state.pop();
    }
    state.layer_mut().group_by(by);
}

/// Shows the table of pairs by two dimensions.
pub(super) fn show_by_two(state: &mut State, by: [Dimension; 2]) {
    if state.layer().detail.is_some() {
        state.pop();
    }
    state.layer_mut().group_by_two(by);
}

/// Performs a command in a popup.
pub(super) fn perform(state: &mut State, command: Command) {
    let Some(overlay) = state.overlay.clone() else { return };
    if command == Command::Cancel || (command == Command::Help && matches!(overlay, Overlay::Help(_))) {
        state.overlay = None;
        return;
    }
    let page = usize::from(state.size.1.saturating_sub(4)).max(1);
    state.overlay = match overlay {
        Overlay::Help(top) => {
            let last = reading::help(state).len().saturating_sub(page);
            Some(Overlay::Help(moved_in_list(command, top, last + 1, page)))
        }
        Overlay::Failures(top) => match command {
            Command::Help => Some(Overlay::Help(0)),
            _ => {
                let last = reading::failures(state).len().saturating_sub(page);
                Some(Overlay::Failures(moved_in_list(command, top, last + 1, page)))
            }
        },
        Overlay::Filters(at) => filters_key(state, command, at, page),
        Overlay::Columns(at) => columns_key(state, command, at, page),
        Overlay::Dimensions(at) => {
            let first = state.layer().table().dimension().cloned();
            let count = dimensions().len() + usize::from(first.is_some());
            match (command, dimensions().get(at), first) {
                (Command::GroupBy, _, Some(first)) | (Command::Accept, None, Some(first)) => {
                    Some(Overlay::SecondDimensions(first, 0))
                }
                (Command::Accept, Some(by), _) => {
                    show_by(state, by.clone());
                    None
                }
                (Command::Accept, None, None) => None,
                (Command::Toggle | Command::Drop | Command::GroupBy, ..) => Some(Overlay::Dimensions(at)),
                _ => Some(Overlay::Dimensions(moved_in_list(command, at, count, page))),
            }
        }
        Overlay::SecondDimensions(first, at) => {
            let others = second_dimensions(&first);
            match command {
                Command::Accept => {
                    if let Some(second) = others.get(at) {
                        show_by_two(state, [first, second.clone()]);
                    }
                    None
                }
                // Back to the first dimension.
                Command::GroupBy => {
                    Some(Overlay::Dimensions(dimensions().iter().position(|by| *by == first).unwrap_or(0)))
                }
                Command::Toggle | Command::Drop => Some(Overlay::SecondDimensions(first, at)),
                _ => {
                    let at = moved_in_list(command, at, others.len(), page);
                    Some(Overlay::SecondDimensions(first, at))
                }
            }
        }
        Overlay::BucketWidths(at) => match command {
            Command::Accept => {
                if let Some(width) = bucket_widths().get(at)
                    && state.layer().tab == Tab::Time
                {
                    let page = Areas::of(state).page();
                    let table = state.layer_mut().table_mut();
                    table.kind = TableKind::Times(*width);
                    table.show_cursor(page);
                }
                None
            }
            Command::Toggle | Command::Drop => Some(Overlay::BucketWidths(at)),
            _ => Some(Overlay::BucketWidths(moved_in_list(command, at, bucket_widths().len(), page))),
        },
    };
}

fn filters_key(state: &mut State, command: Command, at: usize, page: usize) -> Option<Overlay> {
    let layer = state.layer_mut();
    let enabled = layer.filter.terms().len();
    let count = enabled + layer.disabled.len();
    match command {
        Command::Toggle if at < enabled => {
            let term = layer.filter.terms().get(at).cloned()?;
            layer.filter = layer.filter.without(at);
            layer.disabled.push(term);
            // The cursor follows the term.
            Some(Overlay::Filters(count - 1))
        }
        Command::Toggle => {
            let term = if at < count { layer.disabled.remove(at - enabled) } else { return None };
            layer.filter = Filter::all(layer.filter.terms().iter().cloned().chain([term]));
            Some(Overlay::Filters(layer.filter.terms().len() - 1))
        }
        Command::Drop => {
            if at < enabled {
                layer.filter = layer.filter.without(at);
            } else if at < count {
                layer.disabled.remove(at - enabled);
            }
            (count > 1).then(|| Overlay::Filters(at.min(count - 2)))
        }
        Command::Accept => None,
        _ => Some(Overlay::Filters(moved_in_list(command, at, count, page))),
    }
}

fn columns_key(state: &mut State, command: Command, at: usize, page: usize) -> Option<Overlay> {
    let table = state.layer_mut().table_mut();
    match command {
        Command::Toggle => {
            if !table.toggle(at) {
                state.notify("the table needs this column");
            }
            Some(Overlay::Columns(at))
        }
        Command::Accept => None,
        Command::Drop => Some(Overlay::Columns(at)),
        _ => Some(Overlay::Columns(moved_in_list(command, at, table.columns.len(), page))),
    }
}
