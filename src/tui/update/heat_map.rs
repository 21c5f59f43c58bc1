//! Keys of the heat map of a week.

use crate::tui::model::{Command, Layer, ListKind, State, Tab, cell_filter, heat_map};
use crate::tui::update::drill;

/// Shows the heat map, or the rows of the table of times again.
pub(super) fn toggle(state: &mut State) {
    let is_shown = heat_map::is_shown(state);
    if state.layer().detail.is_some() {
        state.pop();
    }
    let layer = state.layer_mut();
    layer.tab = Tab::Time;
    layer.shows_heat_map = !is_shown;
}

/// Performs a command in the heat map. Returns whether it has one.
pub(super) fn perform(state: &mut State, command: Command) -> bool {
    let at = &mut state.layer_mut().heat_cursor;
    match command {
        Command::Left => at.hour = at.hour.saturating_sub(1),
        Command::Right => at.hour = (at.hour + 1).min(23),
        Command::Up | Command::PageUp | Command::HalfUp => at.day = at.day.saturating_sub(1),
        Command::Down | Command::PageDown | Command::HalfDown => at.day = (at.day + 1).min(6),
        Command::First => at.hour = 0,
        Command::Last => at.hour = 23,
        Command::Back => state.layer_mut().shows_heat_map = false,
        Command::Only => {
            let terms = heat_map::terms(*at);
            let layer = state.layer_mut();
            layer.filter = terms
                .into_iter()
                .fold(layer.filter.clone(), |filter, term| cell_filter::with_term(&filter, term));
        }
        Command::Open => {
            let terms = heat_map::terms(*at);
            let layer = state.layer();
            let filter = terms
                .into_iter()
                .fold(layer.filter.clone(), |filter, term| cell_filter::with_term(&filter, term));
            let mut next = Layer::new(filter, layer.time);
            next.tab = Tab::Addresses;
            drill::push(state, next);
        }
        // The table behind it has the cursor that these commands are about.
        Command::Sort
        | Command::Not
        | Command::Copy
        | Command::Mark
        | Command::Unmark
        | Command::Columns
        | Command::Widen
        | Command::ScrollLeft
        | Command::ScrollRight
        | Command::Export
        | Command::GroupBy
        | Command::ZoomIn
        | Command::Block
        | Command::Concentration => {
            let key = state.table_key(Command::HeatMap);
            state.notify(format!("not in the heat map; {key} shows the table of times"));
        }
        Command::Help => state.open_list(ListKind::Help),
        _ => return false,
    }
    true
}
