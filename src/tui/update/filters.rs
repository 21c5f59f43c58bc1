//! "Only this", "not this", and taking filters off again.

use super::drill;
use crate::log::FIELDS;
use crate::query::Filter;
use crate::tui::model::cell_filter;
use crate::tui::model::columns::Column;
use crate::tui::model::layer::{Layer, Tab};
use crate::tui::model::rows::RowId;
use crate::tui::model::state::State;
use crate::tui::model::table::{About, Table};

/// Shows only, or all but, what is under the cursor or marked.
pub(super) fn only(state: &mut State, negated: bool) {
    if state.layer().detail.is_some() {
        only_field(state, negated);
        return;
    }
    let table = state.layer().table();
    if let About::Times(_) = table.about {
        only_time(state, negated);
        return;
    }
    let Some(term) = term_of_marks(table).or_else(|| term_under_cursor(table)) else { return };
    let layer = state.layer_mut();
    let term = if negated { term.negated() } else { term };
    // Not-any-of reads better as one chip each.
    layer.filter = match term {
        Filter::Not(inner) if matches!(*inner, Filter::Any(_)) => {
            let Filter::Any(terms) = *inner else { return };
            terms
                .into_iter()
                .fold(layer.filter.clone(), |filter, term| cell_filter::with(&filter, term.negated()))
        }
        term => cell_filter::with(&layer.filter, term),
    };
    layer.table_mut().marks.clear();
}

fn term_under_cursor(table: &Table) -> Option<Filter> {
    let rows = table.rows.data.as_ref()?;
    match (&table.about, table.column) {
        (About::Groups(by), _) => rows.group(table.cursor).map(|row| Filter::term_for(by, &row.value)),
        (About::Requests, Column::Field(field)) => {
            rows.request(table.cursor).map(|row| cell_filter::of_cell(field, row.get(field)))
        }
        _ => None,
    }
}

fn term_of_marks(table: &Table) -> Option<Filter> {
    if table.marks.is_empty() {
        return None;
    }
    let terms: Vec<Filter> = match (&table.about, table.column) {
        (About::Groups(by), _) => table
            .marks
            .iter()
            .filter_map(|mark| match mark {
                RowId::Value(value) => Some(Filter::term_for(by, value)),
                _ => None,
            })
            .collect(),
        (About::Requests, Column::Field(field)) => {
            let rows = table.rows.data.as_ref()?;
            let mut terms = Vec::new();
            for mark in &table.marks {
                let row = rows.position(mark).and_then(|index| rows.request(index));
                if let Some(row) = row {
                    let term = cell_filter::of_cell(field, row.get(field));
                    if !terms.contains(&term) {
                        terms.push(term);
                    }
                }
            }
            terms
        }
        _ => Vec::new(),
    };
    (!terms.is_empty()).then(|| Filter::any(terms))
}

/// On one request in full: a new layer of the requests that share the field, or do not.
fn only_field(state: &mut State, negated: bool) {
    let layer = state.layer();
    let Some(detail) = &layer.detail else { return };
    let Some(spec) = FIELDS.get(detail.cursor) else { return };
    let term = cell_filter::of_cell(spec.field, detail.row.get(spec.field));
    let term = if negated { term.negated() } else { term };
    let mut next = Layer::new(cell_filter::with(&layer.filter, term), layer.time);
    next.tab = Tab::Requests;
    state.push(next);
}

fn only_time(state: &mut State, negated: bool) {
    if negated {
        state.warn("a time cannot be left out; zoom in, or filter for what came then");
        return;
    }
    let Some(time) = drill::time_of_row(state) else { return };
    let layer = state.layer_mut();
    layer.zooms.push(layer.time);
    layer.time = time;
}

/// Drops the last filter.
pub(super) fn drop_last(state: &mut State) {
    let layer = state.layer_mut();
    let count = layer.filter.terms().len();
    if count == 0 {
        state.say("no filter to drop");
        return;
    }
    layer.filter = layer.filter.without(count - 1);
}

/// Drops all filters of the layer.
pub(super) fn clear(state: &mut State) {
    if state.layer().filter.is_everything() {
        state.say(match state.layer().time == state.base {
            true => "no filter to drop",
            false => "no filter to drop; Z widens the time again",
        });
        return;
    }
    state.layer_mut().filter = Filter::everything();
}
