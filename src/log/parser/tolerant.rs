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

use super::super::record::MEASURES;
use super::super::{Field, Record, Rejection, address};
use super::identity::{self, Identity};
use super::line_head::{LineHead, is_padding};
use super::number_fields::{self, Numbers, measure};
use super::text_fields::end_of_referer;
use super::trailing_fields::{self, Layout};
use super::user_agent::{self, End};
use super::words::{
    absent_if_dash, next_quoted_word, next_word, skip_spaces, trim_spaces, unquoted_field, without_dashes,
    without_quotes,
};
use super::{
    key_and_uri::{self, TWO_TEXTS},
    server_forms,
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
        uri_is_unquoted: false,
    };
    reader.set(Field::BucketOwner, head.owner);
    reader.set(Field::Bucket, head.bucket);
    reader.set(Field::Time, head.time);
    reader.identity()?;
    match reader.fields_after_operation() {
        Ok(()) => {}
        // The record is cut off before another one: nothing else can be read, except a key that a quote follows.
        Err(_) if doubtful.is_some() => {
            reader.key_before_quote();
            reader.add_extra(reader.at, line.len());
        }
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
    /// Whether the request line had no quotes.
    uri_is_unquoted: bool,
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
        let found = Identity::read(self.line, self.at, self.logged[Field::Bucket as usize])
            .ok_or(Rejection::NoOperation)?;
        let address = address::first_of_list(found.remote_ip);
        if address.is_some() {
            self.add_text_to_extra(found.remote_ip);
        }
        self.set(Field::RemoteIp, address.unwrap_or(found.remote_ip));
        if identity::is_anonymous(found.requester) {
            self.add_text_to_extra(found.requester);
        } else {
            self.set(Field::Requester, found.requester);
        }
        self.set(Field::RequestId, found.request_id);
        if !found.unknown.is_empty() {
            self.add_text_to_extra(found.unknown);
        }
        self.set(Field::Operation, found.operation);
        self.operation_is_first = found.operation_is_first;
        self.at = found.end;
        Ok(())
    }

    /// After an error, `at` is the start of what cannot be read.
    fn fields_after_operation(&mut self) -> Result<(), Rejection> {
        if self.operation_is_first {
            return self.journal();
        }
        if self.unquoted()? {
            self.unquoted_texts();
            return Ok(());
        }
        self.key_and_uri().map_err(|rejection| {
            let bucket = self.logged[Field::Bucket as usize];
            let fault = || server_forms::fault_of_unquoted(self.line, self.at, bucket);
            if rejection == Rejection::NoRequestUri { fault().unwrap_or(rejection) } else { rejection }
        })?;
        let numbers = self.numbers()?;
        let owner = self.logged[Field::BucketOwner as usize];
        let operation = self.logged[Field::Operation as usize];
        if server_forms::can_be_forged(self.line, self.at, owner, operation) {
            return Err(Rejection::SecondRequestLine);
        }
        self.texts(&numbers);
        Ok(())
    }

    /// Reads the key if it is one word and a quoted text follows.
    fn key_before_quote(&mut self) {
        let Some((key, end)) = next_word(self.line, self.at) else { return };
        let quote_follows = self.line.get(skip_spaces(self.line, end)) == Some(&b'"');
        if quote_follows && key[0] != b'"' && self.logged[Field::Key as usize].is_empty() {
            self.set(Field::Key, unquoted_field(key));
            self.at = end;
        }
    }

    /// Reads the rest of a journal record of Ceph RGW.
    fn journal(&mut self) -> Result<(), Rejection> {
        let journal = server_forms::read_journal(&self.line[self.at..])?;
        self.set(Field::Key, unquoted_field(journal.key));
        self.set(Field::ObjectSize, unquoted_field(journal.size));
        self.set(Field::VersionId, unquoted_field(journal.version));
        self.keep_large_number(Field::ObjectSize, journal.size);
        if journal.etag != b"-" {
            self.add_text_to_extra(without_quotes(journal.etag));
        }
        Ok(())
    }

    /// Adds a number to `extra` if it is beyond 64 bits.
    fn keep_large_number(&mut self, field: Field, word: &[u8]) {
        if !unquoted_field(word).is_empty() && measure(field, word).is_none() {
            self.add_text_to_extra(word);
        }
    }

    /// Reads the fields from the key to the numbers of a record without quotes.
    fn unquoted(&mut self) -> Result<bool, Rejection> {
        let bucket = self.logged[Field::Bucket as usize];
        let found =
            server_forms::read_unquoted(self.line, self.at, bucket, self.logged[Field::Operation as usize])?;
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
            self.keep_rest(skip_spaces(self.line, start));
        }
    }

    /// Whether a user agent without quotes, which is not empty, and the trailing fields follow.
    fn unquoted_agent_follows(&self) -> bool {
        let start = skip_spaces(self.line, self.at);
        server_forms::start_of_trailing_fields(self.line, start).is_some_and(|end| end > start)
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
        // Two spaces among the trailing fields may be an empty one. A user agent does not begin with a URL, which is a
        // referer, or with an absent field.
        let has_empty = memchr::memmem::find(&self.line[end..], b"  ").is_some();
        let is_empty = end == start && start < self.at + 2;
        let agent = &self.line[start..end_of_agent];
        let begins_earlier =
            [&b"http://"[..], b"https://", b"- "].iter().any(|start| agent.starts_with(start));
        // Nor does it end with one, which would be the version id.
        if has_empty || is_empty || begins_earlier || agent.ends_with(b" -") {
            return false;
        }
        self.set(Field::UserAgent, unquoted_field(&self.line[start..end_of_agent]));
        self.at = end;
        let fields = Layout::of(self.line, end);
        self.trailing_fields(&fields);
        true
    }

    fn key_and_uri(&mut self) -> Result<(), Rejection> {
        let has_known_form = identity::has_known_form(self.logged[Field::Operation as usize]);
        let bucket = self.logged[Field::Bucket as usize];
        let found = key_and_uri::read(self.line, self.at, bucket, has_known_form)?;
        self.set(Field::Key, unquoted_field(found.key));
        self.set(Field::RequestUri, absent_if_dash(found.uri));
        self.uri_is_unquoted = found.uri_is_unquoted;
        self.at = found.end;
        Ok(())
    }

    fn numbers(&mut self) -> Result<Numbers<'a>, Rejection> {
        let found = number_fields::read(self.line, self.at, self.uri_is_unquoted)?;
        self.set(Field::HttpStatus, unquoted_field(found.status));
        self.set(Field::ErrorCode, unquoted_field(found.error_code));
        for (field, word) in MEASURES.into_iter().zip(found.measures) {
            self.set(field, unquoted_field(word));
            self.keep_large_number(field, word);
        }
        if let Some((from, to)) = found.extra {
            self.add_extra(from, to);
        }
        self.at = found.end;
        Ok(found)
    }

    /// Reads referer, user agent and trailing fields.
    fn texts(&mut self, numbers: &Numbers<'a>) {
        let open = skip_spaces(self.line, self.at);
        match self.peek() {
            b"" => {}
            b"-" if numbers.words_before_quote.is_some_and(|words| words > 1) && numbers.is_of_ceph() => {
                if !self.words_before_quoted_text(numbers) {
                    self.unquoted_texts();
                }
            }
            b"-" => {
                self.word();
                if self.empty_user_agent() {
                    return;
                }
                if self.peek() == b"-" {
                    self.word();
                    self.trailing_fields_without_texts(numbers);
                } else {
                    let start = skip_spaces(self.line, self.at);
                    let is_quoted = self.peek().first() == Some(&b'"');
                    if is_quoted && memchr::memmem::find(&self.line[start..], TWO_TEXTS).is_some() {
                        // The `-` may be one of the numbers, or the user agent has quotes in it.
                        self.doubt_measures(numbers);
                        return self.keep_rest(start);
                    }
                    if !is_quoted && !self.peek().is_empty() && !self.unquoted_agent_follows() {
                        self.doubt_measures(numbers);
                    }
                    self.user_agent();
                }
            }
            [b'"', ..] if numbers.referer_is_empty && end_of_referer(self.line, open + 1).is_none() => {
                self.user_agent();
            }
            [b'"', ..] => {
                if self.quoted_referer(open, numbers) {
                    self.user_agent();
                }
            }
            _ if self.words_before_quoted_text(numbers) => {}
            _ => self.unquoted_texts(),
        }
    }

    /// Reads the trailing fields after a referer and a user agent that are both `-`. If they do not fit, and another `-`
    /// is before them, it may be one of the numbers.
    fn trailing_fields_without_texts(&mut self, numbers: &Numbers<'a>) {
        let fields = Layout::of(self.line, self.at);
        if fields.unknown > 0 || !fields.is_readable {
            self.doubt_measures(numbers);
        }
        self.trailing_fields(&fields);
    }

    /// Makes the measures absent if the fields after them do not fit and one of them is `-`: then nothing shows whether it
    /// is a measure, and which. Adds them to `extra`.
    fn doubt_measures(&mut self, numbers: &Numbers<'a>) {
        let is_present = |word: &&[u8]| !word.is_empty() && **word != *b"-";
        if !numbers.measures.contains(&&b"-"[..]) || !numbers.measures.iter().any(is_present) {
            return;
        }
        for (field, word) in MEASURES.into_iter().zip(numbers.measures) {
            self.set(field, &[]);
            if !word.is_empty() {
                self.add_text_to_extra(word);
            }
        }
    }

    /// Reads the referer that begins at the quote at `open`. `false` if nothing shows where it ends.
    fn quoted_referer(&mut self, open: usize, numbers: &Numbers<'a>) -> bool {
        if let Some((close, next)) = end_of_referer(self.line, open + 1) {
            self.set(Field::Referer, absent_if_dash(&self.line[open + 1..close]));
            self.at = next;
            return true;
        }
        // The only quoted text. With other quotes in it, it may be several fields.
        let mut quotes = user_agent::closing_quotes(self.line, open);
        let close = quotes.next().unwrap_or(self.line.len());
        let text = &self.line[open + 1..close];
        let after = (close + 1).min(self.line.len());
        let is_unclear = quotes.next().is_some()
            || memchr::memmem::find(text, b" \"").is_some()
            || (close == self.line.len() && server_forms::ends_with_trailing_fields(self.line, open + 1))
            || !self.user_agent_can_follow(text, after);
        if is_unclear {
            self.doubt_measures(numbers);
            self.keep_rest(open);
            return false;
        }
        self.set(Field::Referer, absent_if_dash(text));
        self.at = after;
        true
    }

    /// Whether the fields from `after` on, which are not quoted, show that the only quoted `text` before them is the
    /// referer, not the user agent.
    fn user_agent_can_follow(&self, text: &[u8], after: usize) -> bool {
        if self.line[after..].starts_with(b"  ") {
            return true;
        }
        match next_word(self.line, after) {
            None => true,
            Some((b"-", end)) => {
                let fit = |at: usize| Layout::of(self.line, at).fits();
                matches!(text, b"" | b"-") || fit(end) && !fit(after)
            }
            Some(_) => server_forms::start_of_trailing_fields(self.line, after)
                .is_some_and(|start| start != after + 1),
        }
    }

    /// Reads words without quotes between the numbers and a quoted text. They are unknown fields before the referer, or
    /// the referer itself, if only the user agent is quoted. Ceph RGW writes that form; its times have a unit.
    fn words_before_quoted_text(&mut self, numbers: &Numbers<'a>) -> bool {
        let Some(quote) = next_quoted_word(self.line, self.at) else { return false };
        let (start, end) = (skip_spaces(self.line, self.at), trim_spaces(self.line, quote));
        if server_forms::start_of_trailing_fields(&self.line[..end], start).is_some() {
            return false;
        }
        self.at = quote;
        if !numbers.is_of_ceph() && end_of_referer(self.line, quote + 1).is_some() {
            self.add_extra(start, end);
            if self.quoted_referer(quote, numbers) {
                self.user_agent();
            }
            return true;
        }
        // A URL has no spaces. After other words, a quote may be part of the referer.
        let referer = &self.line[start..end];
        let is_url =
            memchr::memchr(b' ', referer).is_none() && memchr::memmem::find(referer, b"://").is_some();
        self.user_agent();
        let user_agent = self.logged[Field::UserAgent as usize];
        if !is_url && memchr::memmem::find(user_agent, b" \"").is_some() {
            self.set(Field::UserAgent, &[]);
            self.add_extra(start, quote);
            self.add_text_to_extra(user_agent);
        } else {
            self.set(Field::Referer, referer);
        }
        true
    }

    /// Reads an empty user agent, which leaves two spaces, and the trailing fields. `false` if the fields do not show
    /// that it is empty.
    fn empty_user_agent(&mut self) -> bool {
        let start = skip_spaces(self.line, self.at);
        if start != self.at + 2 || self.line.get(start).is_none_or(|byte| *byte == b'"') {
            return false;
        }
        let fields = Layout::of(self.line, self.at + 1);
        let is_dash = self.peek() == b"-";
        if !fields.fits() || is_dash && Layout::of(self.line, start + 1).fits() {
            return false;
        }
        self.at += 1;
        self.trailing_fields(&fields);
        true
    }

    /// Reads the user agent and the trailing fields.
    fn user_agent(&mut self) {
        if self.empty_user_agent() {
            return;
        }
        let open = skip_spaces(self.line, self.at);
        match self.peek() {
            [b'"', ..] => {}
            b"-" | b"" => {
                self.word();
                let fields = Layout::of(self.line, self.at);
                return self.trailing_fields(&fields);
            }
            _ => {
                if !self.unquoted_user_agent() {
                    self.keep_rest(open);
                }
                return;
            }
        }
        let text = |close: usize| absent_if_dash(&self.line[open + 1..close]);
        match user_agent::find(self.line, self.logged[Field::BucketOwner as usize], open) {
            End::Fields(close, fields) => {
                self.set(Field::UserAgent, text(close));
                self.at = close + 1;
                self.trailing_fields(&fields);
            }
            End::Obs(obs) => {
                self.set(Field::UserAgent, text(obs.close));
                let (from, to) = obs.version;
                self.set(Field::VersionId, unquoted_field(without_quotes(&self.line[from..to])));
                self.keep_rest(skip_spaces(self.line, to));
            }
            End::Unreadable(close) => {
                self.set(Field::UserAgent, text(close));
                self.keep_rest(skip_spaces(self.line, close + 1));
            }
            End::CutOff => {
                self.set(Field::UserAgent, text(self.line.len()));
                self.at = self.line.len();
            }
            End::Unclear => self.keep_rest(open),
        }
    }

    /// Adds the rest of the line from `start` on to `extra`.
    fn keep_rest(&mut self, start: usize) {
        self.at = self.line.len();
        if start < self.line.len() {
            self.add_extra(start, self.line.len());
        }
    }

    fn trailing_fields(&mut self, fields: &Layout<'a>) {
        if !fields.is_readable {
            return self.keep_rest(skip_spaces(self.line, self.at));
        }
        if let Some((from, to)) = fields.unknown_words() {
            self.add_extra(from, to);
        }
        for (index, (word, end)) in fields.fields().enumerate() {
            self.logged[trailing_fields::FIRST + index] = unquoted_field(without_quotes(word));
            self.at = end;
        }
        let extra = skip_spaces(self.line, self.at);
        if !without_dashes(&self.line[extra..]).is_empty() {
            self.add_extra(extra, self.line.len());
        }
    }
}
