//! What a statement asks of a column, as a filter, which lets through what the statement does: neither less,
//! nor more. What cannot be told so is left to SQLite.

use rusqlite::types::ValueRef;

use crate::log::{Field, Kind, ValueType};
use crate::query::Filter;
use crate::query::filter::{Subject, Test};

use super::rows::{TIMES, time_text};

/// Column of the seconds since the epoch, behind the fields.
pub const TIME_UNIX: usize = Field::COUNT;
/// Column of the URI of the source.
pub const SOURCE: usize = Field::COUNT + 1;

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Null,
    NotNull,
    /// Equal to one of a list.
    In,
}

impl Compared {
    /// The letter that stands for it in a plan.
    pub fn letter(self) -> char {
        match self {
            Compared::Equal => '=',
            Compared::Less => '<',
            Compared::LessOrEqual => 'l',
            Compared::Greater => '>',
            Compared::GreaterOrEqual => 'g',
            Compared::Null => 'n',
            Compared::NotNull => 'N',
            Compared::In => 'i',
        }
    }

    /// What a letter stands for.
    pub fn of_letter(letter: char) -> Option<Compared> {
        use Compared::*;
        [Equal, Less, LessOrEqual, Greater, GreaterOrEqual, Null, NotNull, In]
            .into_iter()
            .find(|compared| compared.letter() == letter)
    }
}

/// The field of a column.
pub fn field(column: usize) -> Option<Field> {
    Field::all().nth(column)
}

/// Whether asking this of a column is worth a plan.
pub fn is_useful(column: usize, compared: Compared) -> bool {
    match field(column) {
        None => column == TIME_UNIX && !matches!(compared, Compared::Null | Compared::NotNull),
        Some(field) => match field.kind() {
            Kind::Detail => false,
            Kind::Time => !matches!(compared, Compared::Null | Compared::NotNull),
            Kind::Measure => true,
            Kind::Dimension if field.spec().value == ValueType::Integer => true,
            Kind::Dimension => {
                matches!(compared, Compared::Equal | Compared::In | Compared::Null | Compared::NotNull)
            }
        },
    }
}

/// The filter for a condition; `None` if it cannot be told by one.
pub fn filter(column: usize, compared: Compared, value: ValueRef<'_>) -> Option<Filter> {
    let field = if column == TIME_UNIX { Field::Time } else { field(column)? };
    let is_number = column == TIME_UNIX || field.spec().value == ValueType::Integer;
    let test = match (compared, value) {
        (Compared::Null, _) => Test::Absent,
        (Compared::NotNull, _) => {
            return Some(Filter::Not(Box::new(Filter::Term(Subject::Field(field), Test::Absent))));
        }
        (_, ValueRef::Integer(number)) if is_number => return range(field, compared, number, number),
        (_, ValueRef::Real(number)) if is_number && number.abs() < WHOLE => {
            return range(field, compared, number.floor() as i64, number.ceil() as i64);
        }
        (_, ValueRef::Text(text)) if column == Field::Time as usize => {
            let (low, high) = seconds_around(std::str::from_utf8(text).ok()?);
            return range(field, compared, low, high);
        }
        (Compared::Equal | Compared::In, ValueRef::Text(text))
            if field.kind() == Kind::Dimension && !is_number && std::str::from_utf8(text).is_ok() =>
        {
            Test::Equals(text.to_vec())
        }
        _ => return None,
    };
    Some(Filter::Term(Subject::Field(field), test))
}

/// Up to here every whole number is one of [`f64`].
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Numbers compared with one that lies between these: on both, if they are the same.
fn range(field: Field, compared: Compared, low: i64, high: i64) -> Option<Filter> {
    let test = match compared {
        Compared::Equal | Compared::In if low != high => return Some(Filter::any(Vec::new())),
        Compared::Equal | Compared::In => Test::Range(Some(low), Some(low)),
        Compared::Less => Test::Range(None, Some(high.checked_sub(1)?)),
        Compared::LessOrEqual => Test::Range(None, Some(low)),
        Compared::Greater => Test::Range(Some(low.checked_add(1)?), None),
        Compared::GreaterOrEqual => Test::Range(Some(high), None),
        Compared::Null | Compared::NotNull => return None,
    };
    Some(Filter::Term(Subject::Field(field), test))
}

/// Times are compared as text, and any text may stand there: `2026-04` is less than all of April. The
/// seconds between which it lies.
fn seconds_around(text: &str) -> (i64, i64) {
    // The first second whose text is not less.
    let (mut low, mut high) = (*TIMES.start(), TIMES.end() + 1);
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
            ("", (TIMES.start() - 1, *TIMES.start())),
            ("zzz", (*TIMES.end(), TIMES.end() + 1)),
        ] {
            assert_eq!(seconds_around(text), expected, "{text}");
        }
    }
}
