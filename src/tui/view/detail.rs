//! The open request with all its fields.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::log::{FIELDS, Field};
use crate::tui::model::{Detail, NAMES_WIDTH, State};
use crate::{query::Value, tui::view::put};

pub(super) fn draw(state: &State, detail: &Detail, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    for (row, line) in detail.lines(state, area.width).iter().skip(detail.top).enumerate() {
        let Ok(row) = u16::try_from(row) else { break };
        let y = area.y + row;
        if y >= area.bottom() {
            break;
        }
        let Some(spec) = FIELDS.get(line.field) else { continue };
        let is_absent = matches!(detail.row.get(spec.field), Value::Absent);
        let is_selected = line.field == detail.cursor;
        if is_selected {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.selection());
        }
        let style = match (is_selected, is_absent, spec.field, detail.row.get(spec.field)) {
            (true, ..) => theme.selection(),
            (_, true, ..) => theme.faint(),
            (_, _, Field::HttpStatus, Value::Integer(status)) => theme.status(*status),
            (_, _, Field::ErrorCode, _) => theme.warning(),
            _ => theme.text(),
        };
        if line.is_first {
            let named = if is_selected { theme.selection() } else { theme.quiet() };
            put(buffer, area, area.x + 1, y, spec.name, named);
        }
        put(buffer, area, area.x + NAMES_WIDTH, y, &line.text, style);
    }
}
