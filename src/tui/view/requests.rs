//! Cells of the list of requests.

use crate::log::Field;
use crate::query::{RequestRow, Value};
use crate::tui::model::{Column, Placed, State};
use crate::tui::{cell_text, view::table::Cell};

/// The cell of a request; "…" while the request is not loaded.
pub(super) fn cell(state: &State, row: Option<&RequestRow>, placed: &Placed) -> Cell {
    let Column::Field(field) = placed.column else { return Cell::plain("") };
    let Some(row) = row else { return Cell::faint(state, "…") };
    let value = row.get(field);
    let theme = state.theme;
    let text = || {
        let text = cell_text::of_field(field, value);
        cell_text::fit_field(field, &text, usize::from(placed.width))
    };
    match (field, value) {
        (Field::Time, _) => Cell::plain(state.short_instant(row.time)),
        (_, Value::Absent) => Cell::new(text(), theme.faint()),
        (Field::HttpStatus, Value::Integer(status)) => Cell::new(status.to_string(), theme.status(*status)),
        (Field::ErrorCode, _) => Cell::new(text(), theme.warning()),
        _ => Cell::plain(text()),
    }
}
