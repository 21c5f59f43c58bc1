//! The last line: a message or the keys, and the position of the cursor.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::{Context, Footer, State};
use crate::tui::view::{put, put_right};
use crate::tui::widgets::fit;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let footer = Footer::of(state, area);
    let x = put_right(buffer, area, area.y, &footer.position, theme.quiet());
    let left = Rect { width: x.saturating_sub(area.x).saturating_sub(2), ..area };
    let is_error = state.message.as_ref().is_some_and(|message| message.is_error);
    let of_message = if is_error { theme.error() } else { theme.accent() };
    if let Some(message) = state.message.as_ref().filter(|_| state.context() != Context::CopyMenu) {
        // A long message covers the position.
        let room = if message.text.width() > usize::from(left.width) { area } else { left };
        if room == area {
            put(buffer, area, area.x, area.y, &" ".repeat(usize::from(area.width)), theme.text());
        }
        put(buffer, room, room.x, room.y, &fit::end(&message.text, usize::from(room.width)), of_message);
        return;
    }
    put(buffer, left, left.x, left.y, &footer.text, of_message);
    for key in &footer.keys {
        let x = put(buffer, left, key.x, area.y, &key.label, theme.accent());
        put(buffer, left, x + 1, area.y, key.word, theme.quiet());
    }
}
