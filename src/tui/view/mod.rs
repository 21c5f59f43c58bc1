//! Draws the screen. Views read the state and write cells. They never change the state, send queries or do I/O.

mod alert;
mod below;
mod block;
mod chips;
mod concentration;
mod contrast;
mod detail;
mod explanation;
mod findings;
mod footer;
mod groups;
mod header;
mod heat_map;
mod links;
mod list;
mod no_rows;
mod palette;
mod popup;
mod preview;
mod prompt;
mod prompt_text;
mod requests;
mod table;
mod tabs;
mod timeline;

use ratatui::{Frame, buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

pub(in crate::tui) use links::{Link, links};

use crate::tui::model::heat_map as model_heat_map;
use crate::tui::model::{Areas, Context, Overlay, State, pane::Pane, reading, state::is_too_small};

pub(super) fn render(state: &State, frame: &mut Frame<'_>) {
    if state.is_too_small() || is_too_small((frame.area().width, frame.area().height)) {
        return no_rows::too_small(state, frame.area(), frame.buffer_mut());
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
        alert::draw(state, areas.alert, buffer);
        if model_heat_map::is_shown(state) {
            heat_map::draw(state, &areas, buffer);
        } else {
            table::draw(state, &areas, buffer);
            preview::draw(state, areas.preview, buffer);
            below::totals(state, areas.totals, buffer);
            below::value(state, areas.value, buffer);
        }
        explanation::draw(state, areas.explanation, buffer);
    }
    if matches!(state.pane, Some(Pane::Concentration(_) | Pane::Block(_))) {
        dim(state, areas.footer.y, buffer);
    }
    match &state.pane {
        Some(Pane::Contrast(pane)) => contrast::draw(state, pane, buffer),
        Some(Pane::Concentration(pane)) => concentration::draw(state, pane, buffer),
        Some(Pane::Block(pane)) => block::draw(state, pane, buffer),
        None => {}
    }
    footer::draw(state, areas.footer, buffer);
    if state.overlay.is_some() || state.context() == Context::Palette {
        dim(state, areas.footer.y, buffer);
    }
    match &state.overlay {
        Some(Overlay::Failures(top)) => {
            popup::draw(state, reading::title(state), &reading::failures(state), *top, buffer)
        }
        Some(Overlay::List(_)) => {
            let position = list::draw_in_front(state, buffer);
            if let (Some(position), None) = (position, &state.prompt) {
                frame.set_cursor_position(position);
            }
            return draw_prompt(state, &areas, frame);
        }
        None => {}
    }
    draw_prompt(state, &areas, frame);
}

/// Takes the colours of everything above line `end`, so that a popup in front stands out.
fn dim(state: &State, end: u16, buffer: &mut Buffer) {
    let style = Style::reset().patch(state.theme.behind());
    let area = buffer.area;
    buffer.set_style(Rect { height: end.saturating_sub(area.y).min(area.height), ..area }, style);
}

fn draw_prompt(state: &State, areas: &Areas, frame: &mut Frame<'_>) {
    let Some(line) = &state.prompt else { return };
    let buffer = frame.buffer_mut();
    palette::draw(state, areas, buffer);
    if let Some(position) = prompt::draw(state, line, areas, buffer) {
        frame.set_cursor_position(position);
    }
}

/// Writes text, cut off at the right edge of the area. Returns the terminal column after the text.
fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let room = area.right().saturating_sub(x);
    if room == 0 || y >= area.bottom() || y < area.y {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(room), style).0
}

/// Writes text that ends at the right edge of the area. Returns its first terminal column.
fn put_right(buffer: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) -> u16 {
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX).min(area.width);
    let x = area.right() - width;
    put(buffer, area, x, y, text, style);
    x
}
