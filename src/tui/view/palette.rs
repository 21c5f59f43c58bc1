//! The palette above the command line.

use ratatui::buffer::Buffer;

use crate::tui::model::{Areas, State, palette};
use crate::tui::view::list;

pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) {
    let Some(found) = palette::in_front(state) else { return };
    // Completions of a command line take its place.
    let completion = state.prompt.as_ref().and_then(|prompt| prompt.completion.as_ref());
    if completion.is_some_and(|completion| completion.candidates.len() > 1) {
        return;
    }
    let area = palette::area(state, areas.footer);
    if area.height > 2 {
        list::draw(state, &found, &found.title, area, buffer);
    }
}
