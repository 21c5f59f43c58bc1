//! The parsers: from the bytes of lines to [`Record`]s that borrow them.
//!
//! [`fast_path`] reads lines as S3 writes them, nearly all; [`tolerant`] reads all others, with the help of
//! [`server_forms`] for the forms of other servers and [`trailing_fields`]; [`joined_records`] finds lines with two
//! records; [`separators`] is the structural index of a text; [`templates`] holds what consecutive lines share.
//! Never here: I/O, decoding of values.

mod comment;
mod fast_path;
mod joined_records;
mod separators;
mod server_forms;
pub mod templates;
#[cfg(test)]
mod tests;
mod tolerant;
mod trailing_fields;
mod unfinished_line;

use self::joined_records::Joined;
use super::{Record, Rejection};

pub use comment::{is_comment, is_start};
pub use separators::{Line, Lines};
pub use templates::Frames;
pub use unfinished_line::looks_whole;

/// Reads one line; a line end at its end does no harm.
///
/// If the line holds two records whose line end is lost, this is the first, and the second is in its
/// [`Field::Extra`] as text. [`records`] gives both, at the same cost.
///
/// # Errors
/// The reason why it can be no record (no bucket, no time, no operation).
pub fn parse_line(text: &[u8]) -> Result<Record<'_>, Rejection> {
    match fast_path::read(text) {
        Some(record) => Ok(record),
        None => tolerant::read(text, joined_records::find(text)),
    }
}

/// Reads a line as S3 writes them, nearly all, into a record that is there already: faster than to hand one
/// over. If this says no, the line is for [`records`], and what the record says means nothing.
pub fn read_plain<'a>(line: &Line<'a, '_>, record: &mut Record<'a>, frames: &mut Frames) -> bool {
    fast_path::fill(line, record, frames).is_some()
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
        if let Some(record) = fast_path::read(text) {
            return Some((text, Ok(record)));
        }
        let joined = joined_records::find(text);
        let (part, rest) = joined.certain.map_or((text, None), |at| (&text[..at], Some(&text[at..])));
        self.rest = rest;
        Some((part, tolerant::read(part, Joined { certain: None, ..joined })))
    }
}
