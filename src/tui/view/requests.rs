//! Cells of the list of requests.

use crate::log::Field;
use crate::query::{RequestRow, Value};
use crate::tui::model::{Column, Placed, State};
use crate::tui::{format, view::table::Cell};

/// The cell of a request; "…" while the request is not loaded.
pub(super) fn cell(state: &State, row: Option<&RequestRow>, placed: &Placed) -> Cell {
    let Column::Field(field) = placed.column else { return Cell::plain("") };
    let Some(row) = row else { return Cell::faint(state, "…") };
    let value = row.get(field);
    let theme = state.theme;
    match (field, value) {
        (Field::Time, _) => Cell::plain(state.short_instant(row.time)),
        (_, Value::Absent) => Cell::faint(state, "-"),
        (Field::HttpStatus, Value::Integer(status)) => {
            Cell { text: status.to_string(), style: theme.status(*status) }
        }
        (Field::ErrorCode, value) => Cell { text: format::value(value), style: theme.warning() },
        (field, value) => Cell::plain(format::measure(field, value).unwrap_or_else(|| format::value(value))),
    }
}
