//! Something to read in front of the tables: the keys, what failed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::model::layout;
use crate::tui::model::state::State;

/// Draws some lines from `top` on, in a frame.
pub(super) fn draw(state: &State, title: &str, lines: &[Line<'_>], top: usize, buffer: &mut Buffer) {
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 4;
    let area = layout::popup(state, u16::try_from(width).unwrap_or(u16::MAX).max(40), lines.len());
    let page = usize::from(area.height.saturating_sub(2));
    let inner = frame(state, title, area, buffer);
    for (line, y) in lines.iter().skip(top).take(page).zip(inner.y..) {
        buffer.set_line(inner.x, y, line, inner.width);
    }
    if lines.len() > page {
        let more = format!(" {}–{} of {} ", top + 1, (top + page).min(lines.len()), lines.len());
        let x = area.right().saturating_sub(u16::try_from(more.len()).unwrap_or(0) + 2);
        super::put(buffer, area, x, area.bottom() - 1, &more, state.theme.quiet());
    }
}

/// A cleared frame with a title; returns what is inside.
pub(super) fn frame(state: &State, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_style(state.theme.faint())
        .title(Line::styled(format!(" {title} "), state.theme.heading()));
    let inner = block.inner(area);
    block.render(area, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}
