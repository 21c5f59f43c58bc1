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
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let footer = Footer::of(state, area);
    let x = put_right(buffer, area, area.y, &footer.position, theme.quiet());
    let left = Rect { width: x.saturating_sub(area.x).saturating_sub(2), ..area };
    let is_error = state.message.as_ref().is_some_and(|message| message.is_error);
    let of_message = if is_error { theme.error() } else { theme.accent() };
    if let Some(message) = state.message.as_ref().filter(|_| state.context() != Context::CopyMenu) {
        return draw_message(state, &message.text, area, left, of_message, buffer);
    }
    put(buffer, left, left.x, left.y, &footer.text, of_message);
    for key in &footer.keys {
        let x = put(buffer, left, key.x, area.y, &key.label, theme.accent());
        put(buffer, left, x + 1, area.y, key.word, theme.quiet());
    }
}

/// Draws a message. A long one covers the position, a longer one the lines above the footer too.
fn draw_message(state: &State, text: &str, area: Rect, left: Rect, style: Style, buffer: &mut Buffer) {
    if text.width() <= usize::from(left.width) {
        put(buffer, left, left.x, left.y, text, style);
        return;
    }
    let width = usize::from(area.width);
    let mut lines = fit::wrap(text, width);
    if lines.len() > MAX_MESSAGE_LINES {
        let rest = lines.split_off(MAX_MESSAGE_LINES - 1).concat();
        lines.push(fit::end(&rest, width));
    }
    let height = u16::try_from(lines.len()).unwrap_or(1);
    let y = (area.y + 1).saturating_sub(height);
    Clear.render(Rect { x: 0, y, width: state.size.0, height }, buffer);
    for (line, y) in lines.iter().zip(y..) {
        put(buffer, Rect { y, ..area }, area.x, y, line, style);
    }
}
