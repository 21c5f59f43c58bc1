//! A popup with a list to choose from.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::tui::model::{List, State};
use crate::tui::view::{popup, put};
use crate::tui::widgets::fit;

pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let Some(list) = List::in_front(state) else { return };
    let theme = state.theme;
    let area = list.area(state);
    let inner = popup::frame(state, &list.title, area, buffer);
    let page = usize::from(inner.height);
    let top = list.top(page);
    let text_width = list.text_width().min(usize::from(inner.width));
    for (index, entry) in list.entries.iter().enumerate().skip(top).take(page) {
        let y = inner.y + u16::try_from(index - top).unwrap_or(0);
        let plain = if entry.is_on { theme.text() } else { theme.faint() };
        let is_selected = index == list.cursor;
        let style = if is_selected { theme.selection() } else { plain };
        if is_selected {
            buffer.set_style(Rect { y, height: 1, ..inner }, style);
        }
        put(buffer, inner, inner.x, y, &fit::middle(&entry.text, text_width), style);
        let about = if is_selected { theme.selection() } else { theme.quiet() };
        let x = inner.x + u16::try_from(text_width).unwrap_or(0) + 2;
        let room = usize::from(inner.right().saturating_sub(x));
        put(buffer, inner, x, y, &fit::end(&entry.about, room), about);
    }
}
