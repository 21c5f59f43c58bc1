//! The open request with its fields.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::log::{FIELDS, Field};
use crate::tui::model::{Detail, LineOf, NAMES_WIDTH, State};
use crate::{query::Value, tui::view::put};

pub(super) fn draw(state: &State, detail: &Detail, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    for (line, y) in detail.lines(state, area).iter().skip(detail.top).zip(area.y..area.bottom()) {
        let index = match line.of {
            LineOf::Section => {
                put(buffer, area, area.x, y, line.name, theme.heading());
                continue;
            }
            LineOf::Absent => {
                put(buffer, area, area.x + 1, y, &line.text, theme.faint());
                continue;
            }
            LineOf::Field(index) => index,
        };
        let Some(spec) = FIELDS.get(index) else { continue };
        let value = detail.row.get(spec.field);
        let is_selected = index == detail.cursor;
        if is_selected {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.selection());
        }
        let chosen = |style| if is_selected { theme.selected(style) } else { style };
        let style = match (spec.field, value) {
            (_, Value::Absent) => theme.faint(),
            (Field::HttpStatus, Value::Integer(status)) => theme.status(*status),
            (Field::ErrorCode, _) => theme.warning(),
            _ => theme.text(),
        };
        put(buffer, area, area.x + 1, y, line.name, chosen(theme.quiet()));
        let x = put(buffer, area, area.x + NAMES_WIDTH, y, &line.text, chosen(style));
        let gap = if line.text.is_empty() { 0 } else { 2 };
        put(buffer, area, x + gap, y, &line.note, chosen(theme.quiet()));
    }
}
