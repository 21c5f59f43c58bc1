//! Keys and typing in lists.

use crossterm::event::{Event, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use crate::query::{Dimension, Filter};
use crate::tui::model::{
    Choice, Command, Effect, List, ListKind, OpenList, Overlay, State, TableKind, reading,
};
use crate::tui::update::cursor::moved_in_list;
use crate::tui::update::{choose, findings};

/// Characters that can be typed into a list.
const MAX_TYPED_CHARS: usize = 200;

/// Opens the list of dimensions, or of bucket widths for a table of times.
pub(super) fn group_by(state: &mut State) {
    let kind = match &state.layer().table().kind {
        TableKind::Times(_) => ListKind::BucketWidths,
        TableKind::Pairs([first, _]) => ListKind::SecondDimensions(first.clone()),
        TableKind::Groups(_) | TableKind::Requests | TableKind::Findings => ListKind::Dimensions,
    };
    state.open_list(kind);
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
        state.open_list(ListKind::Filters);
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

/// Types into the list in front.
pub(super) fn type_key(state: &mut State, key: KeyEvent) {
    let (command, _) = state.settings.keys.lookup(state.context_below(), key);
    let Some(Overlay::List(list)) = &mut state.overlay else { return };
    if list.kind == ListKind::Help && list.typed.value().is_empty() && command == Some(Command::Help) {
        state.overlay = None;
        return;
    }
    let before = list.typed.value().to_owned();
    list.typed.handle_event(&Event::Key(key));
    let typed = list.typed.value();
    if typed.chars().count() > MAX_TYPED_CHARS {
        list.typed = before.into();
    } else if typed != before {
        list.cursor = 0;
    }
}

/// Pastes a text into the list in front. Returns whether there is one.
pub(super) fn paste(state: &mut State, text: &str) -> bool {
    let Some(Overlay::List(list)) = &mut state.overlay else { return false };
    let line = text.lines().next().unwrap_or_default();
    let typed = list.typed.value().chars().chain(line.chars().filter(|c| !c.is_control()));
    list.typed = typed.take(MAX_TYPED_CHARS).collect::<String>().into();
    list.cursor = 0;
    true
}

/// Performs a command in a popup.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    if command == Command::Cancel {
        state.overlay = None;
        return;
    }
    let page = usize::from(state.size.1.saturating_sub(4)).max(1);
    if let Some(Overlay::Failures(top)) = state.overlay {
        if command == Command::Help {
            return state.open_list(ListKind::Help);
        }
        if command == Command::Retry {
            // The message and the header say what happens.
            state.overlay = None;
            return super::retry(state, effects);
        }
        let last = reading::failures(state).len().saturating_sub(page);
        state.overlay = Some(Overlay::Failures(moved_in_list(command, top, last + 1, page)));
        return;
    }
    let (Some(list), Some(Overlay::List(open))) = (List::in_front(state), state.overlay.clone()) else {
        return;
    };
    let chosen = list.chosen().and_then(|entry| entry.choice.clone());
    match (command, chosen) {
        (Command::Accept, _)
            if matches!(open.kind, ListKind::Filters | ListKind::Columns | ListKind::Mutes) =>
        {
            state.overlay = None;
        }
        (Command::Accept, Some(choice)) => {
            state.overlay = None;
            choose::run(state, choice, effects);
        }
        (Command::Accept, None) => {}
        (Command::Toggle, Some(choice)) => toggle(state, &choice),
        (Command::Drop, Some(Choice::Term(at))) => drop_term(state, at),
        (Command::Drop, Some(Choice::Mute(id))) => findings::end_mute(state, id, effects),
        (Command::GroupBy, chosen) => other_dimension(state, open.kind, chosen),
        (Command::Toggle | Command::Drop, _) => {}
        (command, _) => move_cursor(state, command, &list, page),
    }
}

fn move_cursor(state: &mut State, command: Command, list: &List, page: usize) {
    let next = moved_in_list(command, list.cursor, list.entries.len(), page);
    let is_forwards = next > list.cursor || command == Command::First;
    if let Some(Overlay::List(open)) = &mut state.overlay {
        open.cursor = list.nearest_choice(next, is_forwards);
    }
}

/// From the list of dimensions, with the chosen one as the first, to that of second dimensions, and back.
fn other_dimension(state: &mut State, kind: ListKind, chosen: Option<Choice>) {
    let first = match chosen {
        Some(Choice::GroupBy(by) | Choice::ThenBy(by)) => Some(by),
        _ => None,
    };
    match (kind, first) {
        (ListKind::Dimensions, Some(first)) => state.open_list(ListKind::SecondDimensions(first)),
        (ListKind::SecondDimensions(_), _) => state.open_list(ListKind::Dimensions),
        _ => {}
    }
}

/// Switches a filter term or a column on or off.
fn toggle(state: &mut State, choice: &Choice) {
    match choice {
        Choice::Column(at, _) => {
            let is_toggled = state.layer_mut().table_mut().toggle(*at);
            if !is_toggled {
                state.notify("the table needs this column");
            }
        }
        Choice::Term(at) => {
            let layer = state.layer_mut();
            let (at, enabled) = (*at, layer.filter.terms().len());
            let moved_to = if at < enabled {
                let Some(term) = layer.filter.terms().get(at).cloned() else { return };
                layer.filter = layer.filter.without(at);
                layer.disabled.push(term);
                enabled + layer.disabled.len() - 2
            } else if at - enabled < layer.disabled.len() {
                let term = layer.disabled.remove(at - enabled);
                layer.filter = Filter::all(layer.filter.terms().iter().cloned().chain([term]));
                layer.filter.terms().len().saturating_sub(1)
            } else {
                return;
            };
            // The cursor follows the term.
            put_cursor_on(state, &Choice::Term(moved_to));
        }
        _ => {}
    }
}

fn drop_term(state: &mut State, at: usize) {
    let layer = state.layer_mut();
    let enabled = layer.filter.terms().len();
    if at < enabled {
        layer.filter = layer.filter.without(at);
    } else if at - enabled < layer.disabled.len() {
        layer.disabled.remove(at - enabled);
    }
    let left = layer.filter.terms().len() + layer.disabled.len();
    match left {
        0 => state.overlay = None,
        left => put_cursor_on(state, &Choice::Term(at.min(left - 1))),
    }
}

fn put_cursor_on(state: &mut State, choice: &Choice) {
    let Some(list) = List::in_front(state) else { return };
    let at = list.entries.iter().position(|entry| entry.choice.as_ref() == Some(choice));
    if let (Some(at), Some(Overlay::List(OpenList { cursor, .. }))) = (at, &mut state.overlay) {
        *cursor = at;
    }
}
