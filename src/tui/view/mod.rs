//! What the screen looks like. Views read the state and write cells; they never change it and do no I/O.

mod chips;
pub(crate) mod detail;
pub(crate) mod failures;
mod footer;
mod groups;
mod header;
pub(crate) mod help;
pub(crate) mod list;
mod no_rows;
mod popup;
mod prompt;
mod requests;
mod table;
pub(crate) mod tabs;
mod timeline;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::tui::model::layout::{Areas, is_too_small};
use crate::tui::model::state::{Overlay, State};

/// Draws the whole screen.
pub(crate) fn render(state: &State, frame: &mut Frame<'_>) {
    if is_too_small(state.size) || is_too_small((frame.area().width, frame.area().height)) {
        no_rows::too_small(state, frame.area(), frame.buffer_mut());
        return;
    }
    let areas = Areas::of(state);
    let buffer = frame.buffer_mut();
    header::draw(state, areas.header, buffer);
    chips::draw(state, areas.chips, buffer);
    tabs::draw(state, areas.tabs, buffer);
    if let Some(detail) = &state.layer().detail {
        detail::draw(state, detail, areas.rows, buffer);
    } else {
        timeline::draw(state, &areas, buffer);
        table::draw(state, &areas, buffer);
    }
    footer::draw(state, areas.footer, buffer);
    match &state.overlay {
        Some(Overlay::Help(top)) => {
            popup::draw(state, "Keys", &help::lines(state), *top, buffer);
        }
        Some(Overlay::Failures(top)) => {
            popup::draw(state, "Could not be read", &failures::lines(state), *top, buffer);
        }
        Some(_) => list::draw(state, buffer),
        None => {}
    }
    if let Some(line) = &state.prompt
        && let Some(position) = prompt::draw(state, line, &areas, buffer)
    {
        frame.set_cursor_position(position);
    }
}

/// Writes text, cut off at the right edge of the area; returns the column behind it.
fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let room = area.right().saturating_sub(x);
    if room == 0 || y >= area.bottom() || y < area.y {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(room), style).0
}

/// Writes text so that it ends at the right edge of the area; returns where it begins.
fn put_right(buffer: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) -> u16 {
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX).min(area.width);
    let x = area.right() - width;
    put(buffer, area, x, y, text, style);
    x
}
