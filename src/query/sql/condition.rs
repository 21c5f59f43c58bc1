//! What a statement asks of a column, as a filter. A filter may let more through than the statement
//! asks for (SQLite looks at each row again), never less.

use rusqlite::types::ValueRef;

use crate::log::{Field, Kind, ValueType};
use crate::query::Filter;
use crate::query::filter::{Subject, Test};

/// Column of the seconds since the epoch, behind the fields.
pub const TIME_UNIX: usize = Field::COUNT;
/// Column of the URI of the source.
pub const SOURCE: usize = Field::COUNT + 1;

/// First and last second that four digits of a year can tell.
const TIMES: (i64, i64) = (-62_167_219_200, 253_402_300_799);

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
    let subject = Subject::Field(field);
    let test = match (compared, value) {
        (Compared::Null, _) => Test::Absent,
        (Compared::NotNull, _) => {
            return Some(Filter::Not(Box::new(Filter::Term(subject, Test::Absent))));
        }
        (_, ValueRef::Integer(number)) if column != Field::Time as usize => {
            if field.spec().value == ValueType::Text || field.spec().value == ValueType::Ip {
                return None;
            }
            range(compared, number)?
        }
        (_, ValueRef::Text(text)) if column == Field::Time as usize => {
            range_of_text(compared, std::str::from_utf8(text).ok()?)?
        }
        (Compared::Equal | Compared::In, ValueRef::Text(text))
            if field.kind() == Kind::Dimension && field.spec().value != ValueType::Integer =>
        {
            Test::Equals(text.to_vec())
        }
        _ => return None,
    };
    Some(Filter::Term(subject, test))
}

fn range(compared: Compared, number: i64) -> Option<Test> {
    Some(match compared {
        Compared::Equal | Compared::In => Test::Range(Some(number), Some(number)),
        Compared::Less => Test::Range(None, Some(number.checked_sub(1)?)),
        Compared::LessOrEqual => Test::Range(None, Some(number)),
        Compared::Greater => Test::Range(Some(number.checked_add(1)?), None),
        Compared::GreaterOrEqual => Test::Range(Some(number), None),
        Compared::Null | Compared::NotNull => return None,
    })
}

/// Times are compared as text, and any text may stand there: `2026-04` is less than all of April.
fn range_of_text(compared: Compared, text: &str) -> Option<Test> {
    // The first second whose text is not less.
    let (mut low, mut high) = (TIMES.0, TIMES.1 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if super::rows::time_text(middle).as_str() < text {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let first = low;
    Some(match compared {
        Compared::Equal | Compared::In | Compared::Null | Compared::NotNull => {
            Test::Range(Some(first), Some(first))
        }
        Compared::Less => Test::Range(None, Some(first - 1)),
        Compared::LessOrEqual => Test::Range(None, Some(first)),
        Compared::Greater | Compared::GreaterOrEqual => Test::Range(Some(first), None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_as_text() {
        let april = 1_775_001_600;
        for (text, first) in [
            ("2026-04-01", april),
            ("2026-04", april),
            ("2026-04-01T00:00:00Z", april),
            ("2026-04-01T00:00:00z", april + 1),
            ("2026-04-01 12:00", april),
            ("", TIMES.0),
            ("zzz", TIMES.1 + 1),
        ] {
            assert_eq!(
                range_of_text(Compared::GreaterOrEqual, text),
                Some(Test::Range(Some(first), None)),
                "{text}"
            );
        }
    }
}
