//! Conditions of a statement on a column, as filters that pass exactly the same requests. SQLite evaluates conditions
//! that have no such filter.

use rusqlite::types::ValueRef;

use crate::log::{Field, Kind, ValueType};
use crate::query::Filter;
use crate::query::filter::{Subject, Test};

use super::context::{TIMES_AS_TEXT, time_text};

/// Index of the column `time_unix`. The columns before it are the fields.
pub(super) const TIME_UNIX: usize = Field::COUNT;

/// How a column is compared with a value, with the letters for the text of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Comparison {
    Equal = b'=',
    Less = b'<',
    LessOrEqual = b'l',
    Greater = b'>',
    GreaterOrEqual = b'g',
    Null = b'n',
    NotNull = b'N',
    /// Equal to a value of a list.
    In = b'i',
}

impl Comparison {
    pub(super) fn letter(self) -> char {
        char::from(self as u8)
    }

    pub(super) fn of_letter(letter: char) -> Option<Comparison> {
        use Comparison::*;
        [Equal, Less, LessOrEqual, Greater, GreaterOrEqual, Null, NotNull, In]
            .into_iter()
            .find(|comparison| comparison.letter() == letter)
    }
}

/// The field of a column; `None` for `time_unix`.
pub(super) fn field(column: usize) -> Option<Field> {
    Field::all().nth(column)
}

/// Whether the engine can evaluate a comparison of a column faster than SQLite.
pub(super) fn is_useful(column: usize, comparison: Comparison) -> bool {
    match field(column) {
        None => column == TIME_UNIX && !matches!(comparison, Comparison::Null | Comparison::NotNull),
        Some(field) => match field.kind() {
            Kind::Detail => false,
            Kind::Time => !matches!(comparison, Comparison::Null | Comparison::NotNull),
            Kind::Measure => true,
            Kind::Dimension if field.spec().value == ValueType::Integer => true,
            Kind::Dimension => {
                use Comparison::{Equal, In, NotNull, Null};
                matches!(comparison, Equal | In | Null | NotNull)
            }
        },
    }
}

/// The filter for a condition; `None` if no filter passes exactly the same requests.
pub(super) fn filter(column: usize, comparison: Comparison, value: ValueRef<'_>) -> Option<Filter> {
    let field = if column == TIME_UNIX { Field::Time } else { field(column)? };
    let is_number = column == TIME_UNIX || field.spec().value == ValueType::Integer;
    let test = match (comparison, value) {
        (Comparison::Null, _) => Test::Absent,
        (Comparison::NotNull, _) => {
            return Some(Filter::Term(Subject::Field(field), Test::Absent).negated());
        }
        (_, ValueRef::Integer(number)) if is_number => return range(field, comparison, number, number),
        (_, ValueRef::Real(number)) if is_number && number.abs() < MAX_EXACT_INTEGER => {
            return range(field, comparison, number.floor() as i64, number.ceil() as i64);
        }
        (_, ValueRef::Text(text)) if column == Field::Time as usize => {
            let (low, high) = seconds_around(std::str::from_utf8(text).ok()?);
            return range(field, comparison, low, high);
        }
        (Comparison::Equal | Comparison::In, ValueRef::Text(text))
            if field.kind() == Kind::Dimension && !is_number && std::str::from_utf8(text).is_ok() =>
        {
            Test::Equals(text.to_vec())
        }
        _ => return None,
    };
    Some(Filter::Term(Subject::Field(field), test))
}

/// Up to this number, [`f64`] represents every integer exactly.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The filter for a comparison with a number. `low` and `high` are the integers around it, or both are the number itself.
fn range(field: Field, comparison: Comparison, low: i64, high: i64) -> Option<Filter> {
    let test = match comparison {
        Comparison::Equal | Comparison::In if low != high => return Some(Filter::any(Vec::new())),
        Comparison::Equal | Comparison::In => Test::Range(Some(low), Some(low)),
        Comparison::Less => Test::Range(None, Some(high.checked_sub(1)?)),
        Comparison::LessOrEqual => Test::Range(None, Some(low)),
        Comparison::Greater => Test::Range(Some(low.checked_add(1)?), None),
        Comparison::GreaterOrEqual => Test::Range(Some(high), None),
        Comparison::Null | Comparison::NotNull => return None,
    };
    Some(Filter::Term(Subject::Field(field), test))
}

/// The seconds around a text, or twice the second whose text it is. SQLite compares the column `time` as text with any
/// other text: `2026-04` is less than all of April.
fn seconds_around(text: &str) -> (i64, i64) {
    // Binary search for the first second whose text is not less than `text`.
    let (mut low, mut high) = (*TIMES_AS_TEXT.start(), TIMES_AS_TEXT.end() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if time_text(middle).as_str() < text {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if time_text(low) == text { (low, low) } else { (low - 1, low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_as_text() {
        let april = 1_775_001_600;
        for (text, expected) in [
            ("2026-04-01", (april - 1, april)),
            ("2026-04", (april - 1, april)),
            ("2026-04-01T00:00:00Z", (april, april)),
            ("2026-04-01T00:00:00z", (april, april + 1)),
            ("2026-04-01 12:00", (april - 1, april)),
            ("", (TIMES_AS_TEXT.start() - 1, *TIMES_AS_TEXT.start())),
            ("zzz", (*TIMES_AS_TEXT.end(), TIMES_AS_TEXT.end() + 1)),
        ] {
            assert_eq!(seconds_around(text), expected, "{text}");
        }
    }
}
