//! A line of a log file and what it says.

use std::borrow::Cow;

use super::{Field, key};

/// One request as a line tells it. Borrows the line.
///
/// Absent (`-`, `"-"`, `""`, or missing at the end of an old line) is `None`, never the text `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Seconds since 1970-01-01T00:00:00Z; the offset in the line is honoured.
    pub time: i64,
    /// The logged text of each field, by `Field as usize`, quotes removed and nothing decoded.
    /// Empty is absent. `time` keeps its text without brackets.
    pub(super) logged: [&'a [u8]; Field::LOGGED],
    /// What stands behind the last known field or could not be read as one.
    pub(super) extra: &'a [u8],
}

impl<'a> Record<'a> {
    /// The field as logged (not decoded), `None` if absent. [`Field::KeyLogged`] answers as
    /// [`Field::Key`] does: the spelling in the line.
    pub fn logged(&self, field: Field) -> Option<&'a [u8]> {
        let text = match field {
            Field::Extra => self.extra,
            Field::KeyLogged => self.logged[Field::Key as usize],
            field => self.logged[field as usize],
        };
        (!text.is_empty()).then_some(text)
    }

    /// The true key of the object: decoded as the operation logs it. `None` if absent.
    pub fn key(&self) -> Option<Cow<'a, [u8]>> {
        let operation = self.logged[Field::Operation as usize];
        self.logged(Field::Key).map(|logged| key::decode(operation, logged))
    }

    /// A field of type [`ValueType::Integer`](super::ValueType::Integer) as a number; `None` if
    /// absent, no number, or beyond 64 bits.
    pub fn integer(&self, field: Field) -> Option<u64> {
        let text = self.logged(field)?;
        let mut number: u64 = 0;
        for &byte in text {
            if !byte.is_ascii_digit() {
                return None;
            }
            number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        }
        Some(number)
    }
}

/// Why a line is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nothing but white space. Not an error: skipped without a count.
    #[error("empty line")]
    Empty,
    /// Fewer fields than the oldest records have, or cut off before the operation.
    #[error("cut off: no operation")]
    NoOperation,
    /// The second field is missing or absent.
    #[error("no bucket")]
    NoBucket,
    /// No `[day/month/year:hour:minute:second offset]` where the time belongs.
    #[error("no time")]
    NoTime,
}

/// Reads one line, without its line end.
///
/// # Errors
/// The reason why it can be no record (no bucket, no time, no operation).
pub fn parse_line(_line: &[u8]) -> Result<Record<'_>, Rejection> {
    Err(Rejection::Empty)
}
