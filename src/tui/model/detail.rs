//! One request with all its fields.

use crate::log::{FIELDS, Field};
use crate::query::{RequestRow, Value};
use crate::tui::{cell_text, format, model::state::State, widgets::fit};

#[derive(Clone, Debug)]
pub(crate) struct Detail {
    /// The request. Until it is complete, it has only the fields that the table had.
    pub(crate) row: RequestRow,
    /// Whether all its fields were read.
    pub(crate) is_complete: bool,
    /// Number of the query that reads all its fields.
    pub(crate) query_number: Option<u64>,
    /// Index in `FIELDS` of the field under the cursor.
    pub(crate) cursor: usize,
    /// Index of the first line on the screen.
    pub(crate) top: usize,
}

pub(crate) struct DetailLine {
    /// Index in `FIELDS` of its field.
    pub(crate) field: usize,
    /// Whether it is the first line of the field.
    pub(crate) is_first: bool,
    pub(crate) text: String,
}

/// Width of the names of fields, in terminal columns.
pub(crate) const NAMES_WIDTH: u16 = 22;

impl Detail {
    /// All lines, wrapped to `width` terminal columns.
    pub(crate) fn lines(&self, state: &State, width: u16) -> Vec<DetailLine> {
        let text_width = usize::from(width.saturating_sub(NAMES_WIDTH + 2));
        let mut lines = Vec::new();
        for (index, spec) in FIELDS.iter().enumerate() {
            let text = self.text(state, spec.field);
            for (line, text) in fit::wrap(&text, text_width).into_iter().enumerate() {
                lines.push(DetailLine { field: index, is_first: line == 0, text });
            }
        }
        lines
    }

    fn text(&self, state: &State, field: Field) -> String {
        let value = self.row.get(field);
        if field == Field::Time {
            return format!("{} {}", format::full_instant(self.row.time, state.zone()), state.zone_name());
        }
        match (format::measure(field, value), value) {
            (Some(rounded), Value::Integer(number)) => {
                let exact = format::count(u64::try_from(*number).unwrap_or(0));
                let unit = if matches!(field, Field::BytesSent | Field::ObjectSize) { "bytes" } else { "ms" };
                // Below 1,000, the rounded form is no shorter.
                if *number < 1_000 {
                    format!("{exact} {unit}")
                } else {
                    format!("{exact} {unit}  ({rounded})")
                }
            }
            (None, Value::Absent) if !self.is_complete => "…".to_owned(),
            (None, Value::Absent) => cell_text::absent(field).to_owned(),
            _ => format::value(value),
        }
    }
}
