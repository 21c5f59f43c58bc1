//! A record: what one line of a log file says.

use std::borrow::Cow;

use super::number;
use super::{Field, address, key};

/// One request as a line tells it. Borrows the line.
///
/// Absent (`-`, `"-"`, `""`, or missing at the end of an old line) is `None`, never the text `-`.
///
/// Nothing of the line but white space, quotes around fields and `-` is lost. What could not be read as a
/// field is in [`Field::Extra`]; so is a number beyond 64 bits: [`Record::logged`] returns it as its field too,
/// [`Record::integer`] does not.
///
/// The default one says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// Seconds since 1970-01-01T00:00:00Z; the offset in the line is honoured.
    pub time: i64,
    /// The logged text of each field, by `Field as usize`, quotes removed and nothing decoded.
    /// Empty is absent. `time` keeps its text without brackets.
    pub(super) logged: [&'a [u8]; Field::LOGGED],
    /// What stands behind the last known field or could not be read as one.
    pub(super) extra: &'a [u8],
    /// Number of its [frame](super::Frames); 0: none that is remembered.
    pub(super) frame: u32,
    /// See [`Record::measures`].
    pub(super) measures: Measures,
    /// Whether [`Record::remote_ip`] may be another than the logged one.
    pub(super) has_odd_address: bool,
}

/// The measures of a record.
pub type Measures = [u64; MEASURES.len()];

/// The fields that are measures, in order.
pub(super) const MEASURES: [Field; 4] =
    [Field::BytesSent, Field::ObjectSize, Field::TotalTime, Field::TurnAroundTime];

/// How large a measure may be.
pub const LARGEST_MEASURE: u64 = i64::MAX as u64;

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

    /// The address of the requester in its one spelling, without a port: see [`address::canonical`]. `None` if
    /// absent. [`Record::logged`] gives the spelling in the line.
    pub fn remote_ip(&self) -> Option<Cow<'a, [u8]>> {
        let logged = self.logged(Field::RemoteIp)?;
        Some(if self.has_odd_address { address::canonical(logged) } else { Cow::Borrowed(logged) })
    }

    /// Whether [`Record::remote_ip`] may be another than the logged one: it is rarely.
    #[inline]
    pub fn has_odd_address(&self) -> bool {
        self.has_odd_address
    }

    /// The measures in the order of the fields: each number + 1; 0 if it is absent or no number; beyond
    /// [`LARGEST_MEASURE`] + 1 if the number is beyond that, whatever it is.
    #[inline]
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// Reads the numbers of the measures.
    pub(super) fn read_measures(&mut self) {
        self.measures =
            MEASURES.map(|field| self.integer(field).map_or(0, |number| number.saturating_add(1)));
    }

    /// Number of what stands around the request in its line, with those [`Frames`](super::Frames) it was read with: records
    /// of the same number have the same values in all fields [of a frame](super::parser::templates::is_in_frame).
    /// `None`: not numbered.
    #[inline]
    pub fn frame(&self) -> Option<std::num::NonZeroU32> {
        std::num::NonZeroU32::new(self.frame)
    }

    /// A field of type [`ValueType::Integer`](super::ValueType::Integer) as a number; `None` if
    /// absent, no number, or beyond 64 bits. A time with a unit (`12ms`) is its milliseconds.
    pub fn integer(&self, field: Field) -> Option<u64> {
        let logged = self.logged(field)?;
        match field {
            Field::TotalTime | Field::TurnAroundTime => {
                number::parse(logged).or_else(|| number::parse_duration(logged))
            }
            _ => number::parse(logged),
        }
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
    /// Names of fields instead of fields, as Wasabi writes them first, or a comment.
    #[error("a header, no record")]
    Header,
    /// What stands where the HTTP status belongs is neither a status nor `-`.
    #[error("no HTTP status: expected three digits or \"-\" after the request URI")]
    NoStatus,
    /// One of bytes sent, object size, total time and turn-around time is neither a number nor `-`.
    #[error("not a number: expected bytes sent, object size and two times after the error code")]
    NoNumber,
    /// A record without quotes whose fields can end in several places.
    #[error("fields without quotes: where the request URI ends cannot be told")]
    Ambiguous,
}
