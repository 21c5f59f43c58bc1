//! A record: what one line of a log file says.

use std::borrow::Cow;

use super::glue::{self, Joined};
use super::{Field, Frames, Line, address, forms, key, line, plain};

/// One request as a line tells it. Borrows the line.
///
/// Absent (`-`, `"-"`, `""`, or missing at the end of an old line) is `None`, never the text `-`.
///
/// Nothing of the line but white space, quotes around fields and `-` is lost. What could not be read as a
/// field is in [`Field::Extra`]; so is a number that is none (`abc` for the bytes sent, or beyond 64 bits):
/// [`Record::logged`] tells it as its field too, [`Record::integer`] does not.
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
    /// Number of its [frame](Frames); 0: none that is remembered.
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

    /// Number of what stands around the request in its line, with those [`Frames`] it was read with: records
    /// of the same number have the same values in all fields [of a frame](super::frames::is_in_frame).
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
            Field::TotalTime | Field::TurnAroundTime => number(logged).or_else(|| forms::duration(logged)),
            _ => number(logged),
        }
    }
}

/// An unsigned number in decimal digits; `None` if it is none or beyond 64 bits.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The same of the word that the `length` bytes of a text in front of `end` are: at most 8 digits, which nearly all
/// numbers have, are read at once, and nothing depends on how many there are, which is different each time.
#[inline(always)]
pub(super) fn number_within(text: &[u8], end: usize, length: usize) -> Option<u64> {
    match (end.checked_sub(8).and_then(|start| text.get(start..)?.first_chunk()), length) {
        (Some(bytes), 1..=8) => {
            let beyond = 8 * (8 - length);
            digits(u64::from_le_bytes(*bytes) >> beyond << beyond, beyond)
        }
        _ => number(text.get(end.checked_sub(length)?..end)?),
    }
}

/// The number whose digits are the upper bytes, the last one the highest; the lower `beyond` bits are 0. As
/// <https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/> explains.
#[inline]
fn digits(bytes: u64, beyond: usize) -> Option<u64> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let digits = bytes ^ (ONES * u64::from(b'0')) << beyond;
    // What is above 9 reaches the highest bit of its byte, or has it.
    if (digits.wrapping_add(ONES * (0x7F - 9)) | digits) & (ONES * 0x80) != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF)
}

/// The text of a field, empty if it is but `-`.
#[inline]
pub(super) fn absent(text: &[u8]) -> &[u8] {
    if text == b"-" { &[] } else { text }
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
    /// What stands where the numbers belong is not numbers, and what it is cannot be told.
    #[error("no numbers: expected bytes sent, object size and two times after the error code")]
    NoNumber,
    /// A record without quotes whose fields can end in several places.
    #[error("fields without quotes: where the request URI ends cannot be told")]
    Ambiguous,
}

/// Reads one line; a line end at its end does no harm.
///
/// If the line holds two records whose line end is lost, this is the first, and the second is in its
/// [`Field::Extra`] as text. [`records`] gives both, at the same cost.
///
/// # Errors
/// The reason why it can be no record (no bucket, no time, no operation).
pub fn parse_line(text: &[u8]) -> Result<Record<'_>, Rejection> {
    match plain::read(text) {
        Some(record) => Ok(record),
        None => line::read(text, glue::find(text)),
    }
}

/// Reads a line as S3 writes them, nearly all, into a record that is there already: faster than to hand one
/// over. If this says no, the line is for [`records`], and what the record says means nothing.
pub fn read_plain<'a>(line: &Line<'a, '_>, record: &mut Record<'a>, frames: &mut Frames) -> bool {
    plain::fill(line, record, frames).is_some()
}

/// Reads all records of one line, nearly always one: more if the line end between them is lost.
///
/// Each comes with its part of the line; the parts together are the line. A line is taken apart only where a
/// second record of the same bucket owner goes as far as its operation, and where it cannot be text that a
/// stranger chose: not within the quotes of URI, referer and user agent. Else all is one record. What looks
/// like a second one in there is in its [`Field::Extra`] too.
pub fn records(line: &[u8]) -> Records<'_> {
    Records { rest: Some(line) }
}

/// The records of one line; see [`records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Records<'a> {
    /// A part of the line, and what it says.
    type Item = (&'a [u8], Result<Record<'a>, Rejection>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        if let Some(record) = plain::read(text) {
            return Some((text, Ok(record)));
        }
        let joined = glue::find(text);
        let (part, rest) = joined.certain.map_or((text, None), |at| (&text[..at], Some(&text[at..])));
        self.rest = rest;
        Some((part, line::read(part, Joined { certain: None, ..joined })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The number of a text, also where it stands behind another number.
    fn read(text: &[u8]) -> Option<u64> {
        let number = number(text);
        for before in ["", "-", "123456789 ", "12345678"] {
            let line = [before.as_bytes(), text, b" 77"].concat();
            let end = before.len() + text.len();
            assert_eq!(number_within(&line, end, text.len()), number, "{before:?}");
        }
        number
    }

    proptest! {
        #[test]
        fn digits_are_read_as_the_number_they_are(number: u64, digits in 1..21usize) {
            let number = number % 10u64.checked_pow(digits as u32).unwrap_or(u64::MAX);
            for text in [number.to_string(), format!("{number:0digits$}")] {
                prop_assert_eq!(read(text.as_bytes()), Some(number));
            }
        }

        #[test]
        fn what_is_no_digit_makes_no_number(
            digits in "[0-9]{0,12}",
            at in 0..13usize,
            other in any::<u8>().prop_filter("no digit", |byte| !byte.is_ascii_digit()),
        ) {
            let mut text = digits.into_bytes();
            text.insert(at.min(text.len()), other);
            prop_assert_eq!(read(&text), None);
        }
    }

    #[test]
    fn the_measures_are_those_of_the_list_of_fields() {
        let measures = crate::log::FIELDS.iter().filter(|field| field.kind == crate::log::Kind::Measure);
        assert!(measures.map(|field| field.field).eq(MEASURES));
        let text = |bytes: &str| {
            format!(
                "owner bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a \
                 \"GET /a HTTP/1.1\" 200 - {bytes} - 0 7 \"-\" \"-\" -"
            )
        };
        for (bytes, measure) in [
            ("-", 0),
            ("0", 1),
            ("12", 13),
            ("9223372036854775807", LARGEST_MEASURE + 1),
            ("9223372036854775808", LARGEST_MEASURE + 2),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", 0),
            ("abc", 0),
        ] {
            let text = text(bytes);
            assert_eq!(parse_line(text.as_bytes()).unwrap().measures(), &[measure, 0, 1, 8], "{bytes}");
        }
    }

    #[test]
    fn numbers_end_at_64_bits() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b""), None);
    }
}
