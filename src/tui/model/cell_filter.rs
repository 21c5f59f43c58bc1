//! Filter terms made from rows and cells.

use crate::log::{Field, Kind};
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Value};

/// `filter` with `term` added and the negation of `term` removed.
pub(crate) fn with_term(filter: &Filter, term: Filter) -> Filter {
    let opposite = term.clone().negated();
    let others = filter.terms().iter().filter(|other| **other != opposite).cloned();
    Filter::all(others).and(term)
}

/// The term that matches requests with this value of `field`.
pub(crate) fn term_of_cell(field: Field, value: &Value) -> Filter {
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

/// Whether `filter` allows only one value of `field`: grouping by the field would give one row.
pub(crate) fn pins(filter: &Filter, field: Field) -> bool {
    filter.terms().iter().any(|term| match term {
        Filter::Term(Subject::Field(pinned), Test::Equals(_) | Test::Absent) => *pinned == field,
        Filter::Term(Subject::Field(pinned), Test::Range(Some(from), Some(to))) => {
            *pinned == field && from == to
        }
        _ => false,
    })
}
