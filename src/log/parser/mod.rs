//! The parsers: from the bytes of lines to [`Record`]s that borrow them.
//!
//! [`Parser`] reads blocks of lines, [`records`] reads a single line. The parser leaves lines with JSON to
//! [`structured`](super::structured). For all others, both try the fast path (`fast_path`) first, which
//! reads lines as S3 writes them, with the structural index (`separators`) and line templates (`templates`). All other
//! lines are read by the tolerant path (`tolerant`), with the help of `line_head`, `identity`, `key_and_uri`,
//! `number_fields`, `text_fields`, `quotes`, `user_agent`, `trailing_fields`, and `server_forms` for the forms of other
//! servers. `joined_records` finds lines with two records.
//! Never here: I/O, decoding of values.

mod comment;
mod fast_path;
mod identity;
mod joined_records;
mod key_and_uri;
mod line_head;
mod number_fields;
mod quotes;
mod separators;
mod server_forms;
mod templates;
#[cfg(test)]
mod tests;
mod text_fields;
mod tolerant;
mod trailing_fields;
mod unfinished_line;
mod user_agent;
mod words;

use self::separators::LineScanner;
use self::templates::Templates;
use super::structured::{framing, is_object_line, json::JsonReader, json::LinesRead};
use super::{Record, Rejection};

pub(super) use identity::is_anonymous;
pub(super) use templates::ParserId;

pub use comment::{is_comment, is_start_of_log};
pub use identity::has_impossible_time;
pub use templates::{RecordGroup, TemplateMap, is_in_template};
pub use unfinished_line::unfinished_line;

/// Records in a group. Their lines are still in the processor's cache when the group is handed on, and code that
/// looks values up can overlap the waits for memory.
pub(super) const RECORDS_PER_GROUP: usize = 32;

/// Receives what a [`Parser`] reads. Lines are numbered within their block, from 0.
pub trait Sink {
    /// Takes the next records, in the order of their lines.
    fn records(&mut self, records: &RecordGroup<'_, '_>);

    /// Takes a line that is not a record, or the part of it that is not one.
    fn rejected(&mut self, line: u64, text: &[u8], reason: Rejection);

    /// Takes the number of records of a line that does not have exactly one: an empty line, a comment, a rejected line,
    /// a line with joined records. Lines come in order, but before or after their records.
    fn record_count(&mut self, line: u64, records: usize);
}

/// Reads blocks of lines. It remembers line templates from one block to the next.
#[derive(Debug, Default)]
pub struct Parser {
    id: ParserId,
    templates: Templates,
    json: JsonReader,
}

impl Parser {
    /// A parser that has read nothing.
    pub fn new() -> Parser {
        Parser::default()
    }

    /// Reads all lines of a block. The last line may lack its line end. Returns the number of lines.
    pub fn parse_block(&mut self, block: &[u8], sink: &mut impl Sink) -> u64 {
        let mut group =
            PendingGroup { records: std::array::from_fn(|_| Record::default()), count: 0, id: self.id };
        let mut lines = LineScanner::new(block);
        let mut number = 0;
        while let Some(line) = lines.next_line() {
            if is_object_line(line.text) {
                group.flush(sink);
                let start = line.text.as_ptr().addr() - block.as_ptr().addr();
                let LinesRead { bytes, lines: count } = self.json.read_lines(&block[start..], number, sink);
                lines = LineScanner::new(&block[start + bytes..]);
                number += count;
                continue;
            }
            if is_comment(line.text) {
                sink.record_count(number, 0);
            } else if fast_path::read_into(&line, group.next(), &mut self.templates).is_some() {
                group.push(sink);
            } else {
                let mut count = 0;
                for (part, record) in records(framing::skip_time(line.text)) {
                    match record {
                        Ok(record) => {
                            *group.next() = record;
                            group.push(sink);
                            count += 1;
                        }
                        Err(Rejection::Empty | Rejection::Header) => {}
                        // What the text format expects there says nothing about JSON.
                        Err(_) if framing::is_part_of_json(part) => {
                            sink.rejected(number, part, Rejection::NotJson(0));
                        }
                        Err(reason) => sink.rejected(number, part, reason),
                    }
                }
                if count != 1 {
                    sink.record_count(number, count);
                }
            }
            number += 1;
        }
        group.flush(sink);
        number
    }
}

struct PendingGroup<'l> {
    /// The first `count` records are valid.
    records: [Record<'l>; RECORDS_PER_GROUP],
    count: usize,
    id: ParserId,
}

impl<'l> PendingGroup<'l> {
    fn next(&mut self) -> &mut Record<'l> {
        &mut self.records[self.count]
    }

    /// Adds the record that [`PendingGroup::next`] returned. Hands a full group on.
    fn push(&mut self, sink: &mut impl Sink) {
        self.count += 1;
        if self.count == RECORDS_PER_GROUP {
            self.flush(sink);
        }
    }

    fn flush(&mut self, sink: &mut impl Sink) {
        if self.count > 0 {
            sink.records(&RecordGroup { records: &self.records[..self.count], parser: Some(self.id) });
        }
        self.count = 0;
    }
}

/// Reads the records of one line, with or without its line end. A line has one record, unless the line end between two
/// records is lost.
///
/// Each record is returned with its part of the line; together the parts are the whole line. A line is split only where
/// a second record of the same bucket owner has an operation, and where it cannot be text that the sender of a request
/// chose: not within the quotes of URI, referer and user agent. Text there that looks like a second record is also in
/// [`Field::Extra`](super::Field::Extra).
///
/// ```
/// # use tamarin::log::{Field, records};
/// let line = b"owner bucket [06/Feb/2019:00:00:38 +0000] - - 3E57427F3EXAMPLE REST.GET.OBJECT a%2520b - 404 NoSuchKey";
/// let (text, record) = records(line).next().unwrap();
/// assert_eq!(text, line);
/// let record = record?;
/// assert_eq!(record.integer(Field::HttpStatus), Some(404));
/// assert_eq!(record.key().unwrap().as_ref(), b"a b");
/// # Ok::<(), tamarin::log::Rejection>(())
/// ```
pub fn records(line: &[u8]) -> Records<'_> {
    Records { rest: Some(line) }
}

/// The records of one line; see [`records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Records<'a> {
    /// A part of the line, and its record.
    type Item = (&'a [u8], Result<Record<'a>, Rejection>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        if let Some(record) = fast_path::read(text) {
            return Some((text, Ok(record)));
        }
        let joined = joined_records::find(text);
        let (part, rest) = joined.second.map_or((text, None), |at| (&text[..at], Some(&text[at..])));
        self.rest = rest;
        Some((part, tolerant::read(part, joined.doubtful)))
    }
}
