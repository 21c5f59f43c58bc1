//! What a row or a cell says as a filter.

use crate::log::{Field, Kind};
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Value};

/// The filter with one more term; its opposite, if it is there, makes way.
pub(crate) fn with(filter: &Filter, term: Filter) -> Filter {
    let opposite = term.clone().negated();
    let kept = filter.terms().iter().filter(|known| **known != opposite).cloned();
    Filter::all(kept).and(term)
}

/// What a cell in the list of requests says.
pub(crate) fn of_cell(field: Field, value: &Value) -> Filter {
    if field.kind() == Kind::Dimension {
        return Filter::term_for(&Dimension::Field(field), value);
    }
    let test = match value {
        Value::Absent => Test::Absent,
        Value::Integer(number) => Test::Range(Some(*number), Some(*number)),
        Value::Text(text) => Test::Equals(text.to_vec()),
    };
    Filter::Term(Subject::Field(field), test)
}

/// Whether the filter pins a field to one value already: grouping by it would give one row.
pub(crate) fn pins(filter: &Filter, field: Field) -> bool {
    filter.terms().iter().any(|term| {
        matches!(term, Filter::Term(Subject::Field(pinned), Test::Equals(_) | Test::Absent) if *pinned == field)
    })
}
