//! Keys in the palette.

use crate::tui::model::palette::{self, MAX_RECENT};
use crate::tui::model::{Areas, Choice, Command, Effect, State};
use crate::tui::update::cursor::moved_in_list;
use crate::tui::update::{choose, commands, pane, prompt};

/// Performs a command in the palette.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Cancel => state.prompt = None,
        Command::Accept => accept(state, effects),
        Command::Complete => prompt::cycle(state, true, effects),
        Command::CompleteBack => prompt::cycle(state, false, effects),
        command => move_cursor(state, command),
    }
}

fn move_cursor(state: &mut State, command: Command) {
    let Some(list) = palette::in_front(state) else { return };
    let page = list.page(palette::area(state, Areas::of(state).footer));
    let next = moved_in_list(command, list.cursor, list.entries.len(), page);
    if let Some(prompt) = &mut state.prompt {
        prompt.selected = next;
        prompt.completion = None;
    }
}

/// Does what the chosen entry says. A command line with an error stays.
pub(super) fn accept(state: &mut State, effects: &mut Vec<Effect>) {
    let chosen = palette::in_front(state).and_then(|list| list.chosen().cloned());
    let Some(prompt) = state.prompt.take() else { return };
    let typed = prompt.input.value().trim().to_owned();
    let line = match chosen.as_ref().and_then(|entry| entry.choice.clone()) {
        Some(Choice::RunLine(line)) => line,
        Some(choice) => {
            remember(state, chosen.map(|entry| entry.text).unwrap_or_default());
            return choose::run(state, choice, effects);
        }
        // The error says which commands there are.
        None => typed,
    };
    let result = commands::run(state, &line, effects);
    if result.is_ok() && state.prompt.is_none() && state.overlay.is_none() {
        pane::close(state, effects);
    }
    if let Err(problem) = result {
        state.prompt = Some(crate::tui::model::Prompt { problem: Some(problem), ..prompt });
    }
}

/// Notes an entry that was chosen.
fn remember(state: &mut State, text: String) {
    state.recent_choices.retain(|recent| *recent != text);
    state.recent_choices.insert(0, text);
    state.recent_choices.truncate(MAX_RECENT);
}
