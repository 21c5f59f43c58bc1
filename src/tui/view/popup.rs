//! Popups with a text to read: the failures.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::tui::model::{State, TextLine, Tone, layout};
use crate::tui::{theme::Theme, view::put, widgets::fit};

/// Draws the lines of a text in a frame, from line `top` on.
pub(super) fn draw(state: &State, title: &str, lines: &[TextLine], top: usize, buffer: &mut Buffer) {
    let lines: Vec<Line<'_>> = lines.iter().map(|line| styled(line, state.theme)).collect();
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
        put(buffer, area, x, area.bottom() - 1, &more, state.theme.quiet());
    }
}

fn styled(line: &TextLine, theme: Theme) -> Line<'_> {
    let style = match line.tone {
        Tone::Heading => theme.heading(),
        Tone::Text => theme.text(),
        Tone::Quiet => theme.quiet(),
        Tone::Error => theme.error(),
    };
    Line::styled(&line.text, style)
}

/// Draws an empty frame with a title. Returns the area inside, without margins.
pub(super) fn frame(state: &State, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    Clear.render(area, buffer);
    let title = fit::end(title, usize::from(area.width.saturating_sub(4)));
    let block = Block::bordered()
        .border_style(state.theme.faint())
        // The style of the frame would stay in it.
        .title(Line::from(vec![
            Span::styled(" ", Style::reset()),
            Span::styled(title, Style::reset().patch(state.theme.heading())),
            Span::styled(" ", Style::reset()),
        ]));
    let inner = block.inner(area);
    block.render(area, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}
