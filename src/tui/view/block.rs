//! The pane with a block list.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use crate::insight::block::Format;
use crate::tui::format;
use crate::tui::model::pane::{self, BlockPane};
use crate::tui::model::{State, Tone, layout};
use crate::tui::view::{no_rows, popup, put, put_right};

pub(super) fn draw(state: &State, pane: &BlockPane, buffer: &mut Buffer) {
    let theme = state.theme;
    let area = layout::block(state);
    let title = format!("Block list of {}", format::counted(pane.targets.len() as u64, "target"));
    let inner = popup::frame(state, &title, area, buffer);
    let mut x = inner.x;
    for known in Format::ALL {
        let style = if known == pane.format {
            theme.accent().add_modifier(Modifier::BOLD | Modifier::REVERSED)
        } else {
            theme.text()
        };
        x = put(buffer, inner, x, inner.y, &format!(" {} ", known.name()), style) + 1;
    }
    let below = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    if let Some(error) = &pane.answer.error {
        return no_rows::failed(state, error, below, buffer);
    }
    if pane.answer.data.is_none() {
        return no_rows::text(state, &["Looking for others in these networks …"], below, buffer);
    }
    let lines = pane::block_lines(pane, usize::from(below.width));
    let page = usize::from(below.height);
    if lines.len() > page {
        let shown = format!("{}–{} of {}", pane.top + 1, (pane.top + page).min(lines.len()), lines.len());
        if usize::from(inner.right().saturating_sub(x)) > shown.len() {
            put_right(buffer, inner, inner.y, &shown, theme.quiet());
        }
    }
    for (line, y) in lines.iter().skip(pane.top).take(page).zip(below.y..) {
        let style = match line.tone {
            Tone::Heading => theme.heading(),
            Tone::Quiet => theme.quiet(),
            Tone::Error => theme.warning(),
            Tone::Text => theme.text(),
        };
        put(buffer, below, below.x, y, &line.text, style);
    }
}
