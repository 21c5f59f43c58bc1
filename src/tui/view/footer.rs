//! The last line: a message or the keys, and the position of the cursor.

use ratatui::widgets::{Clear, Widget};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::{Context, Footer, State};
use crate::tui::view::{put, put_right};
use crate::tui::widgets::fit;

/// Lines of a message.
const MAX_MESSAGE_LINES: usize = 4;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let area = without_margins(area);
    let footer = Footer::of(state, area);
    put_right(buffer, area, area.y, &footer.position, theme.quiet());
    let left = beside_position(&footer, area);
    let is_error = state.message.as_ref().is_some_and(|message| message.is_error);
    let of_message = match state.context() {
        _ if is_error => theme.error(),
        // Keys are beside it.
        Context::CopyMenu => theme.good(),
        _ => theme.accent(),
    };
    if let Some(message) = state.message.as_ref().filter(|_| state.context() != Context::CopyMenu) {
        return draw_message(state, &message.text, area, of_message, buffer);
    }
    put(buffer, left, left.x, left.y, &footer.text, of_message);
    for key in &footer.keys {
        let x = put(buffer, left, key.x, area.y, &key.label, theme.accent());
        put(buffer, left, x + 1, area.y, key.word, theme.quiet());
    }
}

/// Draws a message. A long one covers the position, a longer one the lines above the footer too.
fn draw_message(state: &State, text: &str, area: Rect, style: Style, buffer: &mut Buffer) {
    let lines = lines_of_message(state, text, area);
    if !is_short(state, text, area) {
        let y = lines.first().map_or(area.y, |(_, y, _)| *y);
        let height = u16::try_from(lines.len()).unwrap_or(1);
        Clear.render(Rect { x: 0, y, width: state.size.0, height }, buffer);
    }
    for (x, y, line) in lines {
        put(buffer, Rect { y, height: 1, ..area }, x, y, &line, style);
    }
}

fn without_margins(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

/// The part of the footer before the position of the cursor.
fn beside_position(footer: &Footer, area: Rect) -> Rect {
    let position = u16::try_from(footer.position.width()).unwrap_or(u16::MAX).min(area.width);
    Rect { width: area.width.saturating_sub(position).saturating_sub(2), ..area }
}

/// Whether a message leaves the position of the cursor on the screen.
fn is_short(state: &State, text: &str, area: Rect) -> bool {
    text.width() <= usize::from(beside_position(&Footer::of(state, area), area).width)
}

/// The lines of a message, each with its first column and its row. `area` is that of [`draw`].
pub(super) fn message_lines(state: &State, text: &str, area: Rect) -> Vec<(u16, u16, String)> {
    lines_of_message(state, text, without_margins(area))
}

fn lines_of_message(state: &State, text: &str, area: Rect) -> Vec<(u16, u16, String)> {
    if is_short(state, text, area) {
        return vec![(area.x, area.y, text.to_owned())];
    }
    let width = usize::from(area.width);
    let lines = fit::wrap_into(text, width, MAX_MESSAGE_LINES);
    let height = u16::try_from(lines.len()).unwrap_or(1);
    let y = (area.y + 1).saturating_sub(height);
    lines.into_iter().zip(y..).map(|(line, y)| (area.x, y, line)).collect()
}
