//! The names of the tables, and what the table in front is grouped by.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::{State, Tab, tabs};
use crate::tui::view::{put, put_right};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    if state.layer().detail.is_some() {
        put(buffer, area, area.x + 1, area.y, "One request, all fields", theme.heading());
        return;
    }
    let mut end = area.x;
    for label in tabs::labels(state) {
        let style = if label.tab == state.layer().tab {
            theme.accent().add_modifier(Modifier::BOLD | Modifier::REVERSED)
        } else {
            theme.text()
        };
        put(buffer, area, label.start, area.y, &label.text, style);
        end = label.end;
    }
    let rows = &state.layer().table().rows;
    let mut right = tabs::grouping(state);
    if let Some(share) = rows.share {
        let done = if state.layer().tab == Tab::Findings { "analysed" } else { "scanned" };
        right = format!("≈ {:.0} % {done}  {right}", share * 100.0);
    } else if rows.is_stale() && rows.data.is_some() {
        right = format!("…  {right}");
    }
    let room = Rect { x: end + 1, width: area.right().saturating_sub(end + 2), ..area };
    if right.width() <= usize::from(room.width) {
        put_right(buffer, room, area.y, &right, theme.quiet());
    }
}
