//! The tolerant path: lines of any form.
//!
//! It reads quotes within quoted fields, spaces in the requester, repeated spaces, missing and unknown fields, lines
//! that are cut off anywhere, and the forms of other servers ([`server_forms`]). It relies on what all forms have: a
//! time in brackets; an operation with the request id before it; a status after the request URI; no quotes or spaces
//! in the trailing fields.
//!
//! Text that cannot be read as a field is in `extra`: the shortest part of the line that contains all of it, so that only
//! white space is lost. (`extra` repeats fields that are between two unreadable parts.)
//!
//! A line with other text in the place of a status or a number is rejected: text is never read as another field.

use super::super::number::{self, is_digits, is_status};
use super::super::record::MEASURES;
use super::super::{Field, Record, Rejection, address};
use super::identity::{self, Identity};
use super::line_head::{LineHead, is_padding};
use super::server_forms;
use super::text_fields::{end_of_last_text, end_of_referer, end_of_status, end_of_uri};
use super::trailing_fields::{self, Spaces};
use super::words::{
    absent_if_dash, next_quoted_word, next_word, skip_spaces, trim_spaces, unquoted_field, without_dashes,
};

/// Reads a line. Text from `doubtful` on, which looks like another record, is also in `extra`, so that it can be found.
pub(super) fn read(line: &[u8], doubtful: Option<usize>) -> Result<Record<'_>, Rejection> {
    let end = line.iter().rposition(|byte| !is_padding(byte)).map_or(0, |last| last + 1);
    if end == 0 && line.contains(&0) {
        return Err(Rejection::NoBucket); // A line of NUL bytes is not empty, so it must not be skipped.
    }
    let line = &line[..end];
    let head = LineHead::read(line)?;
    let mut reader = LineReader {
        line,
        at: head.end,
        logged: [&[]; Field::LOGGED],
        extra: None,
        operation_is_first: false,
        referer_is_read: false,
    };
    reader.set(Field::BucketOwner, head.owner);
    reader.set(Field::Bucket, head.bucket);
    reader.set(Field::Time, head.time);
    reader.identity()?;
    match reader.fields_after_operation() {
        Ok(()) => {}
        // The record is cut off before another one: nothing else can be read.
        Err(_) if doubtful.is_some() => reader.add_extra(reader.at, line.len()),
        Err(rejection) => return Err(rejection),
    }
    if let Some(doubtful) = doubtful {
        reader.add_extra(doubtful, line.len());
    }
    let extra = reader.extra.map_or(&[][..], |(from, to)| &line[from..to]);
    let logged = reader.logged;
    Ok(Record {
        time: head.instant,
        measures: MEASURES.map(|field| measure(field, logged[field as usize])),
        has_odd_address: !address::is_canonical(logged[Field::RemoteIp as usize]),
        extra: without_dashes(extra),
        logged,
        ..Record::default()
    })
}

/// The value of a measure; `None` if the word is not a number, or is beyond 64 bits.
fn measure(field: Field, word: &[u8]) -> Option<u64> {
    let has_unit = matches!(field, Field::TotalTime | Field::TurnAroundTime);
    number::parse(word).or_else(|| has_unit.then(|| number::parse_duration(word)).flatten())
}

/// Whether a word can be a measure: a number of any length, a duration where one belongs, or `-`.
fn can_be_measure(field: Field, word: &[u8]) -> bool {
    word == b"-" || is_digits(word) || measure(field, word).is_some()
}

struct LineReader<'a> {
    /// The line without padding at its end.
    line: &'a [u8],
    /// Where the next field begins, or the spaces before it.
    at: usize,
    logged: [&'a [u8]; Field::LOGGED],
    /// Start and end of the part of the line that contains everything that is not in a field.
    extra: Option<(usize, usize)>,
    /// Whether the operation follows directly after the time.
    operation_is_first: bool,
    /// Whether the referer was read together with the numbers.
    referer_is_read: bool,
}

impl<'a> LineReader<'a> {
    fn set(&mut self, field: Field, text: &'a [u8]) {
        self.logged[field as usize] = text;
    }

    /// Adds a part of the line to `extra`, with everything between it and the present part.
    fn add_extra(&mut self, from: usize, to: usize) {
        let (first, last) = self.extra.unwrap_or((from, to));
        self.extra = Some((first.min(from), last.max(to)));
    }

    fn add_text_to_extra(&mut self, text: &[u8]) {
        let from = text.as_ptr().addr() - self.line.as_ptr().addr();
        self.add_extra(from, from + text.len());
    }

    fn word(&mut self) -> &'a [u8] {
        let (text, end) = next_word(self.line, self.at).unwrap_or((&[], self.at));
        self.at = end;
        text
    }

    fn peek(&self) -> &'a [u8] {
        next_word(self.line, self.at).map_or(&[], |(text, _)| text)
    }

    fn identity(&mut self) -> Result<(), Rejection> {
        let found = Identity::read(self.line, self.at).ok_or(Rejection::NoOperation)?;
        self.set(Field::RemoteIp, found.remote_ip);
        if identity::is_anonymous(found.requester) {
            self.add_text_to_extra(found.requester);
        } else {
            self.set(Field::Requester, found.requester);
        }
        self.set(Field::RequestId, found.request_id);
        self.set(Field::Operation, found.operation);
        self.operation_is_first = found.operation_is_first;
        self.at = found.end;
        Ok(())
    }

    /// After an error, `at` is the start of what cannot be read.
    fn fields_after_operation(&mut self) -> Result<(), Rejection> {
        if self.operation_is_first && self.journal() {
            return Ok(());
        }
        if self.unquoted()? {
            self.unquoted_texts();
            return Ok(());
        }
        self.key();
        self.request_uri()?;
        self.numbers()?;
        self.referer_and_user_agent();
        self.trailing_fields();
        Ok(())
    }

    /// Reads the rest of a journal record of Ceph RGW.
    fn journal(&mut self) -> bool {
        let Some(journal) = server_forms::read_journal(&self.line[self.at..]) else { return false };
        self.set(Field::Key, unquoted_field(journal.key));
        self.set(Field::ObjectSize, unquoted_field(journal.size));
        self.set(Field::VersionId, unquoted_field(journal.version));
        self.keep_large_number(Field::ObjectSize, journal.size);
        if journal.etag != b"-" {
            self.add_text_to_extra(journal.etag);
        }
        true
    }

    /// Adds a number to `extra` if it is beyond 64 bits.
    fn keep_large_number(&mut self, field: Field, word: &[u8]) {
        if word != b"-" && measure(field, word).is_none() {
            self.add_text_to_extra(word);
        }
    }

    /// Reads the fields from the key to the numbers of a record without quotes.
    fn unquoted(&mut self) -> Result<bool, Rejection> {
        let bucket = self.logged[Field::Bucket as usize];
        let found = server_forms::read_unquoted(self.line, self.at, bucket)?;
        let Some(found) = found else { return Ok(false) };
        self.set(Field::Key, unquoted_field(found.key));
        self.set(Field::RequestUri, unquoted_field(found.uri));
        self.set(Field::HttpStatus, found.status);
        self.set(Field::ErrorCode, unquoted_field(found.error));
        for (field, number) in MEASURES.into_iter().zip(found.numbers) {
            self.set(field, number);
            self.keep_large_number(field, number);
        }
        self.at = found.end;
        Ok(true)
    }

    /// Reads referer, user agent and trailing fields, none of them quoted.
    fn unquoted_texts(&mut self) {
        let start = self.at;
        let referer = self.word();
        if referer.is_empty() {
            return;
        }
        // Nothing shows where a referer ends that is not a URL.
        let is_url = memchr::memmem::find(referer, b"://").is_some();
        if (referer == b"-" || is_url) && self.unquoted_user_agent() {
            self.set(Field::Referer, unquoted_field(referer));
        } else {
            self.at = self.line.len();
            self.add_extra(skip_spaces(self.line, start), self.line.len());
        }
    }

    /// Reads a user agent of any words without quotes, and the trailing fields. `false` if nothing shows where the user
    /// agent ends.
    fn unquoted_user_agent(&mut self) -> bool {
        let start = skip_spaces(self.line, self.at);
        if start == self.line.len() {
            return true;
        }
        let Some(end) = server_forms::start_of_trailing_fields(self.line, start) else { return false };
        let end_of_agent = trim_spaces(self.line, end).max(start);
        self.set(Field::UserAgent, unquoted_field(&self.line[start..end_of_agent]));
        self.at = end;
        self.trailing_fields();
        self.at = self.line.len();
        true
    }

    fn key(&mut self) {
        if matches!(self.peek(), [] | [b'"', ..]) {
            return;
        }
        let start = skip_spaces(self.line, self.at);
        let mut key = self.word();
        // A key with spaces, of a server that does not encode keys: it ends where the URI begins.
        if !matches!(self.peek(), [] | [b'"' | b'-', ..])
            && end_of_status(self.line, self.at).is_none()
            && server_forms::end_of_request_line(self.line, self.at).is_none()
            && let Some(quote) = next_quoted_word(self.line, self.at)
        {
            let end = trim_spaces(self.line, quote);
            key = &self.line[start..end];
            self.at = end;
        }
        self.set(Field::Key, unquoted_field(key));
    }

    fn request_uri(&mut self) -> Result<(), Rejection> {
        let next = self.peek();
        if next.first() == Some(&b'"') {
            let start = skip_spaces(self.line, self.at) + 1;
            let close = end_of_uri(self.line, start).unwrap_or(self.line.len());
            self.set(Field::RequestUri, absent_if_dash(&self.line[start..close]));
            self.at = (close + 1).min(self.line.len());
            return Ok(());
        }
        // A status where the URI belongs: the URI is missing. (In a record without an address it may be a size.)
        if is_status(next) && !self.operation_is_first && end_of_status(self.line, self.at).is_some() {
            return Ok(());
        }
        if let Some(end) = server_forms::end_of_request_line(self.line, self.at) {
            self.set(Field::RequestUri, &self.line[skip_spaces(self.line, self.at)..end]);
            self.at = end;
        } else if matches!(next, b"" | b"-") {
            self.word();
        } else {
            return Err(if self.operation_is_first { Rejection::NoStatus } else { Rejection::Ambiguous });
        }
        Ok(())
    }

    fn numbers(&mut self) -> Result<(), Rejection> {
        // At the end of the line, or before the referer, numbers are missing.
        let is_over = |reader: &Self| matches!(reader.peek(), [] | [b'"', ..]);
        if is_over(self) {
            return Ok(());
        }
        let start = self.at;
        let status = self.word();
        if status == b"-" || is_status(status) {
            self.set(Field::HttpStatus, unquoted_field(status));
        } else if is_digits(status) && status.len() < 3 && self.peek().is_empty() {
            // The line ends within the status.
            self.add_text_to_extra(status);
        } else {
            self.at = start;
            return Err(Rejection::NoStatus);
        }
        if is_over(self) {
            return Ok(());
        }
        if !self.error_code_is_empty() {
            let error_code = self.word();
            self.set(Field::ErrorCode, unquoted_field(error_code));
        }
        let start = self.at;
        let mut words = [&[][..]; MEASURES.len()];
        let mut count = 0;
        while count < words.len() && !is_over(self) {
            words[count] = self.word();
            count += 1;
        }
        let words = &words[..count];
        let one_is_missing = count < MEASURES.len() && !self.peek().is_empty();
        let can_be_here = |(field, word): (Field, &&[u8])| {
            can_be_measure(if one_is_missing { Field::TotalTime } else { field }, word)
        };
        if !MEASURES.into_iter().zip(words).all(can_be_here) {
            self.at = start;
            return Err(Rejection::NoNumber);
        }
        if one_is_missing {
            // Nothing shows which number is missing.
            if words.iter().any(|word| *word != b"-") {
                self.add_extra(skip_spaces(self.line, start), self.at);
            }
            return Ok(());
        }
        for (field, word) in MEASURES.into_iter().zip(words) {
            self.set(field, unquoted_field(word));
            self.keep_large_number(field, word);
        }
        let has_unit = words.get(3).is_some_and(|word| number::parse_duration(word).is_some());
        self.before_quoted_text(has_unit);
        Ok(())
    }

    /// Whether the field after the status is empty. An error code is not a number, so a number there is the first of
    /// the four. Two spaces are an empty error code if exactly four words follow that can be the numbers.
    fn error_code_is_empty(&self) -> bool {
        if is_digits(self.peek()) {
            return true;
        }
        let mut at = self.at;
        let mut count = 0;
        while let Some((text, end)) = next_word(self.line, at).filter(|(text, _)| text[0] != b'"') {
            if !can_be_measure(Field::TotalTime, text) {
                return false;
            }
            count += 1;
            at = end;
        }
        count == MEASURES.len() && at < self.line.len() && self.line[self.at..].starts_with(b"  ")
    }

    /// Reads words without quotes between the numbers and a quoted word. They are unknown fields before the referer, or
    /// the referer itself, if only the user agent is quoted. Ceph RGW writes that form; its times have a unit.
    fn before_quoted_text(&mut self, has_unit: bool) {
        if matches!(self.peek(), b"" | b"-" | [b'"', ..]) {
            return;
        }
        let Some(quote) = next_quoted_word(self.line, self.at) else { return };
        let (start, end) = (skip_spaces(self.line, self.at), trim_spaces(self.line, quote));
        if has_unit || end_of_referer(self.line, quote + 1).is_none() {
            self.referer_is_read = true;
            self.set(Field::Referer, &self.line[start..end]);
        } else {
            self.add_extra(start, end);
        }
        self.at = quote;
    }

    fn referer_and_user_agent(&mut self) {
        let open = skip_spaces(self.line, self.at);
        match self.peek() {
            _ if self.referer_is_read => {}
            [b'"', ..] => {
                if let Some((close, next)) = end_of_referer(self.line, open + 1) {
                    self.set(Field::Referer, absent_if_dash(&self.line[open + 1..close]));
                    self.at = next;
                } else {
                    let referer = self.last_text(open);
                    self.set(Field::Referer, referer);
                }
            }
            b"-" | b"" => _ = self.word(),
            _ => return self.unquoted_texts(),
        }
        let open = skip_spaces(self.line, self.at);
        match self.peek() {
            [b'"', ..] => {
                let owner = self.logged[Field::BucketOwner as usize];
                if let Some(obs) = server_forms::read_obs(self.line, owner, open) {
                    self.set(Field::UserAgent, absent_if_dash(&self.line[open + 1..obs.close]));
                    let (from, to) = obs.version;
                    self.set(Field::VersionId, unquoted_field(&self.line[from..to]));
                    self.at = self.line.len();
                    self.add_extra(skip_spaces(self.line, to), self.line.len());
                } else {
                    let user_agent = self.last_text(open);
                    self.set(Field::UserAgent, user_agent);
                }
            }
            b"-" | b"" => _ = self.word(),
            _ => {
                if !self.unquoted_user_agent() {
                    self.add_extra(open, self.line.len());
                }
                self.at = self.line.len();
            }
        }
    }

    fn last_text(&mut self, open: usize) -> &'a [u8] {
        let close = end_of_last_text(self.line, open + 1).unwrap_or(self.line.len());
        self.at = (close + 1).min(self.line.len());
        absent_if_dash(&self.line[open + 1..close])
    }

    fn trailing_fields(&mut self) {
        let words = trailing_fields::Words::split(self.line, self.at, Spaces::AnyNumber);
        let unknown = trailing_fields::unknown_before_host_id(words.as_slice());
        let single = trailing_fields::Words::split(self.line, self.at, Spaces::One);
        if trailing_fields::has_empty_fields(single.as_slice(), words.as_slice(), unknown) {
            return self.set_trailing_fields(&single, 0);
        }
        if unknown > 0 && words.as_slice()[1..=unknown].iter().any(|word| *word != b"-") {
            self.add_extra(words.ends[1] - words.as_slice()[1].len(), words.ends[unknown]);
        }
        self.set_trailing_fields(&words, unknown);
    }

    /// Sets the trailing fields to words; the `unknown` words after the first one are skipped.
    fn set_trailing_fields(&mut self, words: &trailing_fields::Words<'a>, unknown: usize) {
        for index in 0..trailing_fields::FIELDS {
            let from = if index == 0 { 0 } else { index + unknown };
            if let Some(word) = words.as_slice().get(from) {
                self.logged[trailing_fields::FIRST + index] = unquoted_field(word);
                self.at = words.ends[from];
            }
        }
        let extra = skip_spaces(self.line, self.at);
        if extra < self.line.len() && !without_dashes(&self.line[extra..]).is_empty() {
            self.add_extra(extra, self.line.len());
        }
    }
}
