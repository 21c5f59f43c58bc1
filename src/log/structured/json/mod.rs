//! Records as JSON: an object for each record, on a line of its own or one after another.
//!
//! `object` reads one object: first `flat`, which reads objects as Amazon writes them, then a general parser. `wrapped`
//! finds records within messages of CloudWatch Logs. Never here: where lines come from.

mod flat;
mod object;
#[cfg(test)]
mod tests;
mod wrapped;

use memchr::memchr;

use self::object::Object;
use super::framing::{ObjectEnd, is_indented, next_start, object_end, skip_to_object, trim_separators};
use super::{GROUP, GroupBuilder};
use crate::log::{Record, RecordGroup, Rejection, Sink, records};

/// Messages within messages. CloudWatch Logs and Firehose may each add one.
const MAX_WRAPPERS: usize = 3;

/// Whether a line has an object, maybe after a time, or belongs to an array: objects with commas and brackets before
/// them, or commas and brackets alone.
#[inline]
pub fn is_object_line(line: &[u8]) -> bool {
    match line.first() {
        Some(b'[' | b',' | b']' | b' ' | b'\t') => is_array_line(line),
        _ => skip_to_object(line).is_some(),
    }
}

#[cold]
fn is_array_line(line: &[u8]) -> bool {
    let rest = trim_separators(line);
    if rest.is_empty() {
        return !line.trim_ascii().is_empty();
    }
    skip_to_object(rest).is_some()
}

/// Whether a line has a record.
pub fn has_record(line: &[u8]) -> bool {
    struct Found(bool);
    impl Sink for Found {
        fn records(&mut self, _: &crate::log::RecordGroup<'_, '_>) {
            self.0 = true;
        }
        fn rejected(&mut self, _: u64, _: &[u8], _: Rejection) {}
        fn record_count(&mut self, _: u64, _: usize) {}
    }
    let mut found = Found(false);
    JsonReader::default().read_lines(line, 0, &mut found);
    found.0
}

/// Whether the last line of a text that may grow, which has an object, ends with it.
pub fn is_complete(line: &[u8]) -> bool {
    let mut rest = trim_separators(line);
    while let Some(object) = skip_to_object(rest) {
        match object_end(object) {
            ObjectEnd::At(end) => rest = trim_separators(&object[end..]),
            ObjectEnd::Missing => return false,
            // Nothing that follows makes it whole.
            ObjectEnd::Broken(_) | ObjectEnd::TooDeep => match next_start(object) {
                next if next == object.len() => return false,
                next => rest = trim_separators(&object[next..]),
            },
        }
    }
    rest.is_empty()
}

/// What was read of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::log) struct LinesRead {
    pub(in crate::log) bytes: usize,
    pub(in crate::log) lines: u64,
}

/// Reads lines with objects. It remembers templates from one block to the next.
#[derive(Debug, Default)]
pub(in crate::log) struct JsonReader {
    builder: GroupBuilder,
}

impl JsonReader {
    /// Reads the lines of a block up to the first that has no object. The lines are numbered from `first`.
    pub(in crate::log) fn read_lines(&mut self, block: &[u8], first: u64, sink: &mut impl Sink) -> LinesRead {
        let mut lines =
            ObjectLines { block, start: 0, next: 0, line: first, rest: &[], records: 0, is_open: false };
        while lines.advance(sink) {
            self.read_group(&mut lines, sink);
        }
        LinesRead { bytes: lines.start, lines: lines.line - first }
    }

    /// Reads the next records, up to the size of a group. A message with records ends the group.
    fn read_group<'t>(&mut self, lines: &mut ObjectLines<'t>, sink: &mut impl Sink) {
        let mut records: [Record<'_>; GROUP] = std::array::from_fn(|_| Record::default());
        let mut count = 0;
        let mut message = None;
        self.builder.begin();
        while count < GROUP && lines.advance(sink) {
            let Some(text) = lines.object(sink) else { continue };
            let (length, object) = object::read(text, &mut records[count], count, &mut self.builder);
            let (part, rest) = text.split_at(length);
            lines.rest = rest;
            match object {
                Object::Record => {
                    count += 1;
                    lines.records += 1;
                }
                Object::Rejected(Rejection::Header) => {}
                Object::Rejected(reason) => sink.rejected(lines.line, part, reason),
                Object::Message => {
                    message = Some(part);
                    break;
                }
            }
        }
        self.builder.end(&mut records[..count], sink);
        if let Some(message) = message {
            lines.records += self.read_message(message, lines.line, MAX_WRAPPERS, sink);
        }
    }

    /// Reads the records within a message. Returns their number.
    fn read_message(&mut self, object: &[u8], line: u64, wrappers: usize, sink: &mut impl Sink) -> usize {
        let texts = match wrapped::messages(object) {
            Ok(texts) => texts,
            Err(reason) => {
                if reason != Rejection::Header {
                    sink.rejected(line, object, reason);
                }
                return 0;
            }
        };
        let mut read = 0;
        let mut parts = MessageParts { messages: texts.iter(), rest: &[], begins_line: true };
        while parts.advance() {
            let mut records: [Record<'_>; GROUP] = std::array::from_fn(|_| Record::default());
            let mut count = 0;
            self.builder.begin();
            let mut inner = Vec::new();
            while count < GROUP && parts.advance() {
                let Some(text) = skip_to_object(parts.rest) else {
                    read += parts.read_other(line, sink);
                    continue;
                };
                let (mut length, object) = object::read(text, &mut records[count], count, &mut self.builder);
                if matches!(object, Object::Rejected(_)) && !is_indented(text) {
                    // The next line is not a part of a broken object.
                    length = memchr(b'\n', &text[..length]).unwrap_or(length);
                }
                let (part, rest) = text.split_at(length);
                (parts.rest, parts.begins_line) = (rest, false);
                match object {
                    Object::Record => count += 1,
                    Object::Rejected(Rejection::Header) => {}
                    Object::Rejected(reason) => sink.rejected(line, part, reason),
                    Object::Message if wrappers == 1 => {
                        sink.rejected(line, part, Rejection::NoValue("operation"));
                    }
                    Object::Message => inner.push(part),
                }
            }
            self.builder.end(&mut records[..count], sink);
            read += count;
            for message in inner {
                read += self.read_message(message, line, wrappers - 1, sink);
            }
        }
        read
    }
}

/// The objects and the lines of text in messages.
struct MessageParts<'t> {
    messages: std::slice::Iter<'t, Vec<u8>>,
    /// The part of the message that was not read yet.
    rest: &'t [u8],
    /// Whether `rest` begins a line.
    begins_line: bool,
}

impl MessageParts<'_> {
    /// Skips what separates parts. Returns `false` if there is no further part.
    fn advance(&mut self) -> bool {
        loop {
            // Commas and brackets are those of an array that has the objects.
            let next = trim_separators(self.rest);
            let skipped = &self.rest[..self.rest.len() - next.len()];
            self.begins_line |= skipped.contains(&b'\n');
            if !next.is_empty() {
                self.rest = next;
                return true;
            }
            let Some(message) = self.messages.next() else { return false };
            (self.rest, self.begins_line) = (message, true);
        }
    }

    /// Reads a line of the text format, or rejects what follows an object on its line. Returns the number of records.
    fn read_other(&mut self, line: u64, sink: &mut impl Sink) -> usize {
        let line_end = memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let length = if self.begins_line { line_end } else { line_end.min(next_start(self.rest)) };
        let (part, rest) = self.rest.split_at(length);
        let begins_line = std::mem::replace(&mut self.begins_line, false);
        self.rest = rest;
        if begins_line {
            return read_text(part, line, sink);
        }
        sink.rejected(line, part, Rejection::NotJson(0));
        0
    }
}

/// Reads a line of the text format. Returns the number of records.
fn read_text(text: &[u8], line: u64, sink: &mut impl Sink) -> usize {
    let mut read = 0;
    for (part, record) in records(text) {
        match record {
            Ok(record) => {
                sink.records(&RecordGroup::from(&[record]));
                read += 1;
            }
            Err(Rejection::Empty | Rejection::Header) => {}
            Err(_) => sink.rejected(line, part, Rejection::NotJson(0)),
        }
    }
    read
}

/// The objects of consecutive lines.
struct ObjectLines<'t> {
    block: &'t [u8],
    /// Where the line begins, and where the next one does.
    start: usize,
    next: usize,
    line: u64,
    /// The part of the line that was not read yet.
    rest: &'t [u8],
    /// The records of the line so far.
    records: usize,
    /// Whether a line was begun.
    is_open: bool,
}

impl<'t> ObjectLines<'t> {
    /// Goes to the next line if the line is read. Returns `false` if there is no further line with an object.
    #[inline]
    fn advance(&mut self, sink: &mut impl Sink) -> bool {
        loop {
            if self.is_open {
                // Commas and brackets are those of an array that has the objects.
                self.rest = trim_separators(self.rest);
                if !self.rest.is_empty() {
                    return true;
                }
                if self.records != 1 {
                    sink.record_count(self.line, self.records);
                }
                (self.start, self.records, self.is_open) = (self.next, 0, false);
                self.line += 1;
            }
            let text = &self.block[self.start..];
            let end = memchr(b'\n', text).unwrap_or(text.len());
            let line = &text[..end];
            if !is_object_line(line) {
                return false;
            }
            self.next = (self.start + end + 1).min(self.block.len());
            (self.rest, self.is_open) = (line, true);
        }
    }

    /// The rest of the line from its next object on. Other text is rejected.
    #[inline]
    fn object(&mut self, sink: &mut impl Sink) -> Option<&'t [u8]> {
        let object = skip_to_object(self.rest);
        if object.is_none() {
            let (other, rest) = self.rest.split_at(next_start(self.rest));
            sink.rejected(self.line, other, Rejection::NotJson(0));
            self.rest = rest;
        }
        object
    }
}
