//! What an entry of a list or of the palette does.

use crate::tui::model::{Areas, Choice, Command, Effect, ListKind, Prompt, Purpose, State, Tab, TableKind};
use crate::tui::update::{commands, cursor, dispatch, investigate, lists, pane, prompt, settings};

/// Does what an entry says, on the screen without the list.
pub(super) fn run(state: &mut State, choice: Choice, effects: &mut Vec<Effect>) {
    // What changes the view is seen without a pane in front of it.
    if !matches!(choice, Choice::Perform(_) | Choice::Elsewhere { .. } | Choice::BeginLine(_)) {
        pane::close(state, effects);
    }
    let result = match choice {
        Choice::Perform(command) => {
            perform(state, command, effects);
            Ok(())
        }
        Choice::Elsewhere { keys, places } => Err(format!("{keys} works {places}")),
        Choice::BeginLine(text) => {
            begin_line(state, text);
            Ok(())
        }
        Choice::RunLine(text) => commands::run(state, &text, effects).map_err(|problem| problem.message),
        // In their lists, these are switched on and off.
        Choice::Term(_) | Choice::Column(..) | Choice::Mute(_) => Ok(()),
        Choice::GroupBy(by) => {
            lists::show_by(state, by);
            Ok(())
        }
        Choice::ThenBy(first) => {
            state.open_list(ListKind::SecondDimensions(first));
            Ok(())
        }
        Choice::GroupByTwo(by) => {
            lists::show_by_two(state, by);
            Ok(())
        }
        Choice::SortBy(column) => {
            cursor::sort_by(state, column, column.descends());
            Ok(())
        }
        Choice::RowsPer(width) => {
            let layer = state.layer_mut();
            (layer.tab, layer.shows_heat_map, layer.detail) = (Tab::Time, false, None);
            layer.table_mut().kind = TableKind::Times(width);
            let page = Areas::of(state).page();
            state.layer_mut().table_mut().show_cursor(page);
            Ok(())
        }
        Choice::Investigation(name) => investigate::open(state, &name),
        Choice::Theme(name) => settings::theme(state, &name),
        Choice::Layer(layer) => {
            state.return_to(layer);
            Ok(())
        }
        Choice::Filter(text) => prompt::apply_filter(state, &text).map_err(|problem| problem.message),
        Choice::EditFilter(text) => {
            prompt::edit_filter_with(state, &text, effects);
            Ok(())
        }
    };
    if let Err(message) = result {
        state.warn(message);
    }
}

/// Performs a command of the screen below, as its key would.
fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    let context = state.context();
    match state.settings.keys.context_of(context, command) {
        Some(context) => dispatch(state, command, context, effects),
        None => state.warn("this command does nothing here"),
    }
}

fn begin_line(state: &mut State, text: String) {
    state.prompt = Some(Prompt::new(Purpose::Command, text));
    commands::read_line(state);
}
