//! The record: the fields of one line.

use std::borrow::Cow;

use super::{Field, address, key, number};

/// One request, as a line or a structured record describes it. Borrows the line.
///
/// A field is absent (`None`) if the line has `-`, `"-"` or `""` for it, or ends before it. It is never the text `-`.
///
/// Nothing of the line is lost except white space, quotes around fields, and `-`. Text that could not be read as a field
/// is in [`Field::Extra`]. So is a number beyond 64 bits: [`Record::logged`] also returns its digits as its field, but
/// [`Record::integer`] does not.
///
/// In the default record, all fields are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// Seconds since 1970-01-01T00:00:00Z; the offset in the line is honoured.
    pub time: i64,
    /// The text of each field in the line, by `Field as usize`, without quotes and not decoded. Empty means absent. The
    /// time has no brackets.
    pub(super) logged: [&'a [u8]; Field::LOGGED],
    pub(super) extra: &'a [u8],
    /// The number of the line template of the record; 0 if it has none.
    pub(super) template: u32,
    pub(super) measures: Measures,
    pub(super) has_odd_address: bool,
}

/// The values of the measures of a record, in the order of the fields; `None` if absent or beyond 64 bits.
pub type Measures = [Option<u64>; MEASURES.len()];

/// The fields that are measures, in order.
pub(super) const MEASURES: [Field; 4] =
    [Field::BytesSent, Field::ObjectSize, Field::TotalTime, Field::TurnAroundTime];

impl<'a> Record<'a> {
    /// The text of a field in the line, not decoded; `None` if absent. [`Field::KeyLogged`] has the text of
    /// [`Field::Key`]. In a structured record the measures may have no text.
    pub fn logged(&self, field: Field) -> Option<&'a [u8]> {
        let text = match field {
            Field::Extra => self.extra,
            Field::KeyLogged => self.logged[Field::Key as usize],
            field => self.logged.get(field as usize).copied().unwrap_or_default(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// The true key of the object, decoded according to the operation; `None` if absent.
    pub fn key(&self) -> Option<Cow<'a, [u8]>> {
        let operation = self.logged[Field::Operation as usize];
        self.logged(Field::Key).map(|logged| key::decode(operation, logged))
    }

    /// The address of the client in its [canonical](address::canonical) spelling, without a port; `None` if absent.
    pub fn remote_ip(&self) -> Option<Cow<'a, [u8]>> {
        let logged = self.logged(Field::RemoteIp)?;
        Some(if self.has_odd_address { address::canonical(logged) } else { Cow::Borrowed(logged) })
    }

    /// Whether [`Record::remote_ip`] may differ from the text in the line. Rarely `true`.
    #[inline]
    pub fn has_odd_address(&self) -> bool {
        self.has_odd_address
    }

    /// The measures: [`Record::integer`] of the fields that are measures, in their order.
    #[inline]
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// A field of type [`ValueType::Integer`](super::ValueType::Integer) as a number; `None` if absent or beyond
    /// 64 bits. A time with a unit (`12ms`) is in milliseconds.
    pub fn integer(&self, field: Field) -> Option<u64> {
        match MEASURES.iter().position(|measure| *measure == field) {
            Some(index) => self.measures[index],
            None => number::parse(self.logged(field)?),
        }
    }
}

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Only white space. Not an error: empty lines are skipped and not counted.
    #[error("empty line")]
    Empty,
    /// The line has fewer fields than the oldest records, or is cut off before the operation.
    #[error("no operation: cut off, or another word in its place")]
    NoOperation,
    /// The second field is missing or absent.
    #[error("no bucket")]
    NoBucket,
    /// There is no `[day/month/year:hour:minute:second offset]` in the place of the time.
    #[error("no time: expected [06/Feb/2019:00:00:38 +0000] after the bucket")]
    NoTime,
    /// The text in brackets in the place of the time has its form, but there is no such date, time of day or offset.
    #[error("not a valid time: [{0}]")]
    InvalidTime(TimeText),
    /// A comment, or names of fields, as Wasabi writes at the start of a log file. Not an error.
    #[error("a header, not a record")]
    Header,
    /// Neither a request line nor `-` follows the key.
    #[error("no request URI: expected a quoted request line or \"-\" after the key")]
    NoRequestUri,
    /// The text in the place of the HTTP status is neither a status nor `-`.
    #[error("no HTTP status: expected a number from 100 to 999 or \"-\" after the request URI")]
    NoStatus,
    /// The text in the place of the error code is a number, or is quoted.
    #[error("no error code: expected a word or \"-\" after the HTTP status")]
    NoErrorCode,
    /// The text in the place of a measure is neither a number nor `-`.
    #[error("{} is not a number: expected four numbers or \"-\" after the error code", .0.name())]
    NotANumber(Field),
    /// Nothing shows which of more than four numbers belong to the four measures.
    #[error("more than four numbers after the error code")]
    TooManyNumbers,
    /// The line ends within the numbers or directly after them, so that the last number may lack digits, or within a journal
    /// record.
    #[error(
        "cut off: the line ends with a number that may lack digits, or before the last field that it needs"
    )]
    CutOff,
    /// The size of a journal record is neither a number nor `-`. (Its operation follows the time directly.)
    #[error(
        "object_size is not a number: expected key, size, version id and ETag after an operation that follows the time"
    )]
    NoSize,
    /// A journal record does not end with an ETag or `-`.
    #[error("no ETag: expected key, size, version id and ETag after an operation that follows the time")]
    NoEtag,
    /// A record without quotes whose fields can end in several places.
    #[error("fields without quotes: the request URI can end in several places")]
    Ambiguous,
    /// A record of a server that does not encode keys, with the status and numbers of a second one after those of the
    /// first: either may be a part of a key.
    #[error(
        "a second request line with status and numbers follows the first: either can be a part of the key"
    )]
    SecondRequestLine,
    /// A structured record that is no valid JSON from this byte on.
    #[error("no valid JSON: unexpected text at byte {0}, or the end of the text")]
    NotJson(usize),
    /// An object with too many objects and arrays within each other.
    #[error("more than {} objects and arrays within each other", super::structured::framing::MAX_DEPTH)]
    TooDeep,
    /// A structured record without a value that every record has.
    #[error("no {0}: every record has it")]
    NoValue(&'static str),
    /// A value of a structured record that its column cannot have.
    #[error("{column} is not {expected}")]
    BadValue {
        /// The name of the column.
        column: &'static str,
        /// What the column may have.
        expected: &'static str,
    },
    /// A column that a structured record has twice.
    #[error("{0} occurs twice")]
    Repeated(&'static str),
}

/// The text in the place of a time, for a message. Bytes that cannot be printed are `?`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeText {
    text: [u8; TimeText::LENGTH_MAX],
    length: u8,
}

impl TimeText {
    /// The length of the longest text that is kept.
    pub(super) const LENGTH_MAX: usize = 40;

    pub(super) fn new(text: &[u8]) -> TimeText {
        let mut kept = TimeText { text: [0; TimeText::LENGTH_MAX], length: 0 };
        for (to, from) in kept.text.iter_mut().zip(text) {
            *to = if matches!(from, b' '..=b'~') { *from } else { b'?' };
            kept.length += 1;
        }
        kept
    }
}

impl std::fmt::Display for TimeText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.text[..usize::from(self.length)]))
    }
}

impl std::fmt::Debug for TimeText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{FIELDS, Kind};

    #[test]
    fn the_measures_are_those_of_the_list_of_fields() {
        let measures = FIELDS.iter().filter(|field| field.kind == Kind::Measure && field.field.is_stored());
        let measures = measures.map(|field| field.field);
        assert!(measures.eq(MEASURES));
    }
}
