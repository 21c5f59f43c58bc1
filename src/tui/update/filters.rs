//! The commands that add, exclude and clear filter terms.

use crate::log::FIELDS;
use crate::query::{Dimension, Filter, Value};
use crate::tui::model::{Column, Command, Layer, RowId, State, Tab, Table, TableKind, cell_filter};
use crate::tui::update::{drill, findings, time_range};

/// Adds a term for the marked rows or for the row or cell under the cursor; if `negated`, a term that excludes them.
pub(super) fn only(state: &mut State, negated: bool) {
    if state.layer().detail.is_some() {
        return only_field(state, negated);
    }
    let table = state.layer().table();
    match table.kind {
        TableKind::Times(_) => return only_time(state, negated),
        TableKind::Findings => return findings::only(state, negated),
        _ => {}
    }
    let Some(term) = term_of_marks(table).or_else(|| term_under_cursor(table)) else { return };
    // The next `=` or `-` is about the same column, which the filter may make constant.
    let table = state.layer_mut().table_mut();
    if !table.kept.contains(&table.column) {
        table.kept.push(table.column);
    }
    let layer = state.layer_mut();
    let term = if negated { term.negated() } else { term };
    layer.filter = match term {
        // Several excluded values are easier to read, and to remove, as one term each.
        Filter::Not(inner) if matches!(*inner, Filter::Any(_)) => {
            let Filter::Any(terms) = *inner else { return };
            let exclude = |filter, term: Filter| cell_filter::with_term(&filter, term.negated());
            terms.into_iter().fold(layer.filter.clone(), exclude)
        }
        term => cell_filter::with_term(&layer.filter, term),
    };
    layer.table_mut().marks.clear();
}

pub(super) fn term_under_cursor(table: &Table) -> Option<Filter> {
    let rows = table.rows.data.as_ref()?;
    match (&table.kind, table.column) {
        (TableKind::Groups(by), _) => rows.group(table.cursor).map(|row| Filter::term_for(by, &row.value)),
        (TableKind::Pairs(by), _) => rows.pair(table.cursor).map(|row| term_of_pair(by, &row.values)),
        (TableKind::Requests, Column::Field(field)) => {
            rows.request(table.cursor).map(|row| cell_filter::term_of_cell(field, row.get(field)))
        }
        _ => None,
    }
}

pub(super) fn term_of_marks(table: &Table) -> Option<Filter> {
    if table.marks.is_empty() {
        return None;
    }
    let mut terms: Vec<Filter> = Vec::new();
    match (&table.kind, table.column) {
        (TableKind::Groups(by), _) => terms.extend(table.marks.iter().filter_map(|mark| match mark {
            RowId::Value(value) => Some(Filter::term_for(by, value)),
            _ => None,
        })),
        (TableKind::Pairs(by), _) => terms.extend(table.marks.iter().filter_map(|mark| match mark {
            RowId::Pair(values) => Some(term_of_pair(by, values)),
            _ => None,
        })),
        (TableKind::Requests, Column::Field(field)) => {
            let rows = table.rows.data.as_ref()?;
            for row in table.marks.iter().filter_map(|mark| rows.request(rows.position(mark)?)) {
                let term = cell_filter::term_of_cell(field, row.get(field));
                if !terms.contains(&term) {
                    terms.push(term);
                }
            }
        }
        _ => {}
    }
    (!terms.is_empty()).then(|| Filter::any(terms))
}

fn term_of_pair(by: &[Dimension; 2], values: &[Value; 2]) -> Filter {
    Filter::all(by.iter().zip(values).map(|(by, value)| Filter::term_for(by, value)))
}

/// Opens a layer of the requests with the same value of the field under the cursor; if `negated`, with another value.
fn only_field(state: &mut State, negated: bool) {
    let layer = state.layer();
    let Some(detail) = &layer.detail else { return };
    let Some(spec) = FIELDS.get(detail.cursor) else { return };
    let term = cell_filter::term_of_cell(spec.field, detail.row.get(spec.field));
    let term = if negated { term.negated() } else { term };
    let mut next = Layer::new(cell_filter::with_term(&layer.filter, term), layer.time);
    next.tab = Tab::Requests;
    state.push(next);
}

fn only_time(state: &mut State, negated: bool) {
    if negated {
        return state.warn("a time range cannot be excluded; zoom in, or filter on another field");
    }
    if let Some(time) = drill::time_of_row(state) {
        time_range::zoom_to(state, time);
    }
}

/// Removes the last term of the filter.
pub(super) fn drop_last(state: &mut State) {
    let layer = state.layer_mut();
    let count = layer.filter.terms().len();
    if count == 0 {
        return state.notify("no filter");
    }
    layer.filter = layer.filter.without(count - 1);
}

/// Clears the filter of the layer in front.
pub(super) fn clear(state: &mut State) {
    if state.layer().filter.is_everything() {
        let is_zoomed = state.layer().time != state.session_time;
        let key = state.table_key(Command::ZoomOut);
        return state.notify(if is_zoomed {
            format!("no filter; {key} zooms out")
        } else {
            "no filter".to_owned()
        });
    }
    state.layer_mut().filter = Filter::everything();
}
