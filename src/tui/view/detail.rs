//! One request with every field, wrapped.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{put, requests};
use crate::log::{FIELDS, Field};
use crate::query::Value;
use crate::tui::format;
use crate::tui::model::layer::Detail;
use crate::tui::model::state::State;
use crate::tui::widgets::fit;

/// A line on the screen.
pub(crate) struct Line {
    /// The place of its field in the list of fields.
    pub(crate) field: usize,
    /// Whether it is the first line of the field.
    pub(crate) is_first: bool,
    /// Its text.
    pub(crate) text: String,
}

/// Columns for the names of fields.
const NAMES: u16 = 22;

/// All lines for a width.
pub(crate) fn lines(state: &State, detail: &Detail, width: u16) -> Vec<Line> {
    let room = usize::from(width.saturating_sub(NAMES + 2));
    let mut lines = Vec::new();
    for (index, spec) in FIELDS.iter().enumerate() {
        let value = detail.row.get(spec.field);
        let text = match (spec.field, value) {
            (Field::Time, _) => {
                format!("{} {}", format::full_instant(detail.row.time, state.zone()), state.zone_name())
            }
            (field, value) => match (requests::number(field, value), value) {
                (Some(text), Value::Integer(number)) => {
                    let exact = format::count(u64::try_from(*number).unwrap_or(0));
                    let unit =
                        if matches!(field, Field::BytesSent | Field::ObjectSize) { "bytes" } else { "ms" };
                    let plain = format!("{exact} {unit}");
                    // Said twice only where the second says it shorter.
                    if *number < 1_000 { plain } else { format!("{plain}  ({text})") }
                }
                (None, Value::Absent) if !detail.is_whole => "…".to_owned(),
                _ => format::value(value),
            },
        };
        for (line, text) in fit::wrap(&text, room).into_iter().enumerate() {
            lines.push(Line { field: index, is_first: line == 0, text });
        }
    }
    lines
}

/// Draws it.
pub(super) fn draw(state: &State, detail: &Detail, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    for (row, line) in lines(state, detail, area.width).iter().skip(detail.top).enumerate() {
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
        put(buffer, area, area.x + NAMES, y, &line.text, style);
    }
}
