//! Lines of any shape, read with care: quotes within quoted fields, spaces within the requester, doubled
//! spaces, missing and unknown fields, lines cut off anywhere, and the forms of other servers (`forms`).
//!
//! What holds in such lines: the time in its brackets; an operation with the request id before it; a request
//! URI ends where a status follows; from the version id on there are no quotes and no spaces.
//!
//! Whatever cannot be read into a field is covered by `extra`: the shortest piece of the line that holds all
//! of it, so nothing but white space is lost. (If that stands in two places, `extra` repeats what is between.)
//!
//! Where a status or a number belongs, there is one, or the line is no record: a field is never taken for
//! another one.

use memchr::{memchr, memchr_iter, memrchr_iter};

use super::super::number::{self, is_digits, is_status};
use super::super::record::{MEASURES, Record, Rejection};
use super::super::{Field, address, time};
use super::joined_records::Joined;
use super::{server_forms, trailing_fields};

/// Length of `[dd/Mon/yyyy:hh:mm:ss +hhmm]`.
pub(super) const TIME: usize = 28;

/// How many words of an address, requester, request id and operation are looked at.
const HEAD_WORDS: usize = 32;

/// Reads a line. What begins at `joined.certain` is another record and goes to `extra`. What begins at
/// `joined.doubtful` belongs to this one and is repeated in `extra`, so that it can be found.
pub(super) fn read(line: &[u8], joined: Joined) -> Result<Record<'_>, Rejection> {
    let whole = trimmed_end(line);
    if whole == 0 && line.contains(&0) {
        return Err(Rejection::NoBucket); // NUL bytes are no record, but no empty line either
    }
    let end = joined.certain.unwrap_or(whole).min(whole);
    let first = &line[..end];
    let head = head(first, 0)?;
    let mut reader = Reader {
        line: &line[..trimmed_end(first)],
        at: head.end,
        logged: [&[]; Field::LOGGED],
        extra: None,
        operation_is_first: false,
        unquoted_referer: false,
    };
    reader.logged[Field::BucketOwner as usize] = absent(head.owner);
    reader.logged[Field::Bucket as usize] = head.bucket;
    reader.logged[Field::Time as usize] = head.time;
    reader.operation()?;
    match reader.all_fields() {
        Ok(()) => {}
        // Cut off before another record: no more can be read.
        Err(_) if joined.doubtful.is_some() => reader.cover(reader.at, reader.line.len()),
        Err(rejection) => return Err(rejection),
    }
    if let Some(doubtful) = joined.doubtful {
        reader.cover(doubtful, reader.line.len());
    }
    if end < whole {
        reader.cover(end, whole);
    }
    let extra = reader.extra.map_or(&[][..], |(from, to)| &line[from..to]);
    let mut record = Record {
        time: head.instant,
        logged: reader.logged,
        extra: without_dashes(extra),
        ..Record::default()
    };
    record.has_odd_address = !address::is_canonical(record.logged[Field::RemoteIp as usize]);
    record.read_measures();
    Ok(record)
}

/// What a record begins with.
pub(super) struct Head<'a> {
    /// Empty if it is missing.
    pub(super) owner: &'a [u8],
    pub(super) bucket: &'a [u8],
    /// Without brackets.
    pub(super) time: &'a [u8],
    pub(super) instant: i64,
    /// Where the time ends.
    pub(super) end: usize,
}

/// Reads owner, bucket and time.
pub(super) fn head(line: &[u8], at: usize) -> Result<Head<'_>, Rejection> {
    let mut at = at;
    while line.get(at).is_some_and(is_padding) || line.get(at..).is_some_and(|rest| rest.starts_with(BOM)) {
        at += if line[at] == BOM[0] { BOM.len() } else { 1 };
    }
    let (first, next) = word(line, at).ok_or(Rejection::Empty)?;
    if time_at(line, start_of(line, at)).is_some() {
        return Err(Rejection::NoBucket);
    }
    let (second, behind) = word(line, next).ok_or(Rejection::NoBucket)?;
    let place = start_of(line, next);
    if let Some((time, instant, end)) = time_and_end_at(line, place) {
        // One of owner and bucket is missing. No bucket has a name of 64 characters.
        if bare(first).is_empty() || is_canonical_id(first) {
            return Err(Rejection::NoBucket);
        }
        return Ok(Head { owner: &[], bucket: first, time, instant, end });
    }
    let place = start_of(line, behind);
    let Some((time, instant, end)) = time_and_end_at(line, place) else {
        return Err(if is_header(first, second) { Rejection::Header } else { Rejection::NoTime });
    };
    if matches!(second, b"-" | b"\"-\"" | b"\"\"") {
        return Err(Rejection::NoBucket);
    }
    Ok(Head { owner: bare(first), bucket: second, time, instant, end })
}

/// The text of a field, empty if it is `-`.
#[inline]
pub(super) fn absent(text: &[u8]) -> &[u8] {
    if text == b"-" { &[] } else { text }
}

/// Whether a record begins here that goes on to its operation at least.
pub(super) fn has_operation(line: &[u8]) -> bool {
    head(line, 0).is_ok_and(|head| Identity::find(line, head.end).is_some())
}

/// The time in brackets that stands at `at`: its text without brackets, and the instant.
pub(super) fn time_at(line: &[u8], at: usize) -> Option<(&[u8], i64)> {
    time_and_end_at(line, at).map(|(text, instant, _)| (text, instant))
}

/// The same, and where it ends.
fn time_and_end_at(line: &[u8], at: usize) -> Option<(&[u8], i64, usize)> {
    if let Some(text) = time_text_at(line, at)
        && let Some(instant) = time::parse(text)
    {
        return Some((text, instant, at + TIME));
    }
    // The longest name of a month has six letters more than its abbreviation.
    let rest = line.get(at..)?.strip_prefix(b"[")?;
    let length = memchr(b']', &rest[..rest.len().min(TIME + 6)])?;
    let text = &rest[..length];
    Some((text, time::parse_full_month(text)?, at + length + 2))
}

/// What may be a time in brackets at `at`, without them.
#[inline]
pub(super) fn time_text_at(line: &[u8], at: usize) -> Option<&[u8]> {
    match line.get(at..at.checked_add(TIME)?)? {
        [b'[', text @ .., b']'] => Some(text),
        _ => None,
    }
}

/// Whether this is an operation of a kind we know, whatever it does.
pub(super) fn is_known_operation(word: &[u8]) -> bool {
    word.starts_with(b"REST.")
        || word.starts_with(b"BATCH.")
        || word.starts_with(b"WEBSITE.")
        || word.starts_with(b"S3.")
        || word.starts_with(b"SOAP.")
}

/// Whether this requester is nobody: `-` in other words. Until about 2010 S3 logged the id of a group.
pub(super) fn is_anonymous(requester: &[u8]) -> bool {
    match requester.len() {
        32 => requester == b"65a011a29cdf8ec533ec3d1ccaae921c",
        9 => requester.eq_ignore_ascii_case(b"anonymous"),
        _ => false,
    }
}

/// Whether this is the canonical id of an AWS account: 64 hexadecimal digits.
pub(super) fn is_canonical_id(word: &[u8]) -> bool {
    word.len() == 64 && word.iter().all(u8::is_ascii_hexdigit)
}

/// Nothing if the text is but dashes and spaces: absent fields.
pub(super) fn without_dashes(text: &[u8]) -> &[u8] {
    if text.iter().all(|&byte| byte == b'-' || byte == b' ') { &[] } else { text }
}

/// The quote that ends the request URI begun at `start`, if what follows leaves no doubt: status, error
/// code, four numbers, and the referer.
pub(super) fn certain_end_of_uri(line: &[u8], start: usize) -> Option<usize> {
    memchr_iter(b'"', line.get(start..)?)
        .map(|offset| start + offset)
        .find(|&quote| numbers_follow(line, quote + 1))
}

fn numbers_follow(line: &[u8], at: usize) -> bool {
    let Some(mut at) = status_follows(line, at) else { return false };
    for is_number in [false, true, true, true, true] {
        match word(line, at) {
            Some((text, _)) if text[0] == b'"' => return false,
            Some((text, _)) if is_number && text != b"-" && !text.iter().all(u8::is_ascii_digit) => {
                return false;
            }
            Some((_, next)) => at = next,
            None => return false,
        }
    }
    word(line, at).is_some_and(|(text, _)| text[0] == b'"' || text == b"-")
}

/// Where the status ends (three digits or `-`) that follows a space here.
fn status_follows(line: &[u8], at: usize) -> Option<usize> {
    if line.get(at) != Some(&b' ') {
        return None;
    }
    let (text, next) = word(line, at)?;
    (text == b"-" || (text.len() == 3 && text.iter().all(u8::is_ascii_digit))).then_some(next)
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

fn is_padding(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == 0
}

/// Length of the line without line end, white space and NUL bytes at its end.
fn trimmed_end(line: &[u8]) -> usize {
    line.iter().rposition(|byte| !is_padding(byte)).map_or(0, |last| last + 1)
}

/// Where the spaces begin that end at `at`.
fn before_spaces(line: &[u8], at: usize) -> usize {
    line[..at].iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1)
}

/// Where the spaces end that begin at `at`.
fn start_of(line: &[u8], at: usize) -> usize {
    line.get(at..)
        .unwrap_or_default()
        .iter()
        .position(|&byte| byte != b' ')
        .map_or(line.len(), |spaces| at + spaces)
}

/// The next word (never empty), and where it ends.
fn word(line: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let start = start_of(line, at);
    let rest = &line[start..];
    let length = memchr(b' ', rest).unwrap_or(rest.len());
    (length > 0).then(|| (&rest[..length], start + length))
}

/// An unquoted field.
fn bare(word: &[u8]) -> &[u8] {
    if matches!(word, b"-" | b"\"-\"" | b"\"\"") { &[] } else { word }
}

/// Names of fields instead of fields (Wasabi puts such a line first), or a comment.
fn is_header(first: &[u8], second: &[u8]) -> bool {
    let begins_with_bucket = first.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"bucket"));
    first[0] == b'#'
        || (first == b"log" && second == b"starts") // versitygw
        || (begins_with_bucket
            && (second.eq_ignore_ascii_case(b"bucket") || second.eq_ignore_ascii_case(b"owner")))
}

/// Address, requester, request id and operation, wherever they stand.
struct Identity<'a> {
    remote_ip: &'a [u8],
    requester: &'a [u8],
    request_id: &'a [u8],
    operation: &'a [u8],
    end: usize,
    /// Whether the operation stands directly after the time.
    is_first: bool,
}

impl<'a> Identity<'a> {
    fn find(line: &'a [u8], at: usize) -> Option<Identity<'a>> {
        // The words before the first quote: here begins what strangers choose freely.
        let mut spans = [(0, 0); HEAD_WORDS];
        let mut count = 0;
        let mut next = at;
        let mut quote_follows = false;
        while count < HEAD_WORDS
            && let Some((text, end)) = word(line, next)
        {
            if text[0] == b'"' {
                quote_follows = true;
                break;
            }
            spans[count] = (end - text.len(), end);
            count += 1;
            next = end;
        }
        let text = |index: usize| &line[spans[index].0..spans[index].1];
        let known = |index: usize| is_known_operation(text(index));

        // In the plain place: address, requester, request id, operation.
        let is_operation =
            count > 3 && (known(3) || (server_forms::is_operation(text(3)) && !(0..3).any(known)));
        let plain = (count > 3 && (is_operation || (is_usual_id(text(2)) && is_name(text(3))))).then_some(3);
        let gap = |index: usize| spans[index].0 - if index == 0 { at } else { spans[index - 1].1 };
        let place = plain
            // The requester is empty, and nothing is left of it but a second space.
            .or_else(|| {
                (count > 2 && gap(1) == 2 && is_usual_id(text(1)) && (known(2) || is_name(text(2))))
                    .then_some(2)
            })
            // Behind a requester with spaces.
            .or_else(|| (4..count).find(|&index| known(index) && is_usual_id(text(index - 1))))
            // The same, of a new kind: key and request URI follow.
            .or_else(|| {
                let index = count.checked_sub(2).filter(|&index| index > 3 && quote_follows)?;
                (is_usual_id(text(index - 1)) && is_name(text(index))).then_some(index)
            })
            // The same, with a request id of another length, or none.
            .or_else(|| (4..count).find(|&index| known(index) && is_id(text(index - 1))))
            // Before it something is missing.
            .or_else(|| (0..count.min(3)).find(|&index| known(index)))
            // In the plain place, of a new kind and with a new kind of id.
            .or_else(|| {
                (count > 3 && text(3)[0].is_ascii_uppercase() && is_name(text(3)) && !text(2).contains(&b'"'))
                    .then_some(3)
            })?;

        let mut found = Identity {
            remote_ip: &[],
            requester: &[],
            request_id: &[],
            operation: text(place),
            end: spans[place].1,
            is_first: place == 0,
        };
        match place {
            0 => {}
            1 if is_id(text(0)) => found.request_id = bare(text(0)),
            1 => found.remote_ip = bare(text(0)),
            _ => {
                found.remote_ip = bare(text(0));
                found.request_id = bare(text(place - 1));
                if place > 2 {
                    found.requester = bare(&line[spans[1].0..spans[place - 2].1]);
                }
            }
        }
        Some(found)
    }
}

/// Whether an operation could be called so.
fn is_name(word: &[u8]) -> bool {
    word[0].is_ascii_alphabetic()
        && word.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether this can be a request id: upper-case letters and digits, a UUID, or absent.
fn is_id(word: &[u8]) -> bool {
    word == b"-" || is_uuid(word) || is_upper_case(word)
}

/// Whether this is a request id as S3 makes them, with hardly a doubt.
pub(super) fn is_usual_id(word: &[u8]) -> bool {
    is_uuid(word) || (word.len() == 16 && is_upper_case(word))
}

fn is_upper_case(word: &[u8]) -> bool {
    word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_uuid(word: &[u8]) -> bool {
    word.len() == 36
        && word.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A line half read.
struct Reader<'a> {
    /// Up to its end, or to where another record begins.
    line: &'a [u8],
    at: usize,
    logged: [&'a [u8]; Field::LOGGED],
    /// From where to where the line holds what is in no field.
    extra: Option<(usize, usize)>,
    /// Whether the operation stands directly after the time.
    operation_is_first: bool,
    /// Whether the referer was read, without quotes.
    unquoted_referer: bool,
}

impl<'a> Reader<'a> {
    fn cover(&mut self, from: usize, to: usize) {
        self.extra = Some(self.extra.map_or((from, to), |(start, end)| (start.min(from), end.max(to))));
    }

    fn word(&mut self) -> Option<&'a [u8]> {
        let (text, end) = word(self.line, self.at)?;
        self.at = end;
        Some(text)
    }

    /// The first byte of the next word.
    fn peek(&self) -> Option<u8> {
        word(self.line, self.at).map(|(text, _)| text[0])
    }

    fn all_fields(&mut self) -> Result<(), Rejection> {
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
        self.tail();
        Ok(())
    }

    /// The rest of a journal record of Ceph RGW.
    fn journal(&mut self) -> bool {
        let Some(journal) = server_forms::journal(&self.line[self.at..]) else { return false };
        self.logged[Field::Key as usize] = bare(journal.key);
        self.logged[Field::ObjectSize as usize] = bare(journal.size);
        if journal.size != b"-" && number::parse(journal.size).is_none() {
            // Beyond 64 bits.
            self.cover_text(journal.size);
        }
        self.logged[Field::VersionId as usize] = bare(journal.version);
        if journal.etag != b"-" {
            self.cover(self.line.len() - journal.etag.len(), self.line.len());
        }
        true
    }

    /// The fields from the key to the numbers of a record without quotes.
    fn unquoted(&mut self) -> Result<bool, Rejection> {
        let bucket = self.logged[Field::Bucket as usize];
        let found = match server_forms::unquoted(self.line, self.at, bucket) {
            None => return Ok(false),
            Some(Err(server_forms::Ambiguous)) => return Err(Rejection::Ambiguous),
            Some(Ok(found)) => found,
        };
        self.logged[Field::Key as usize] = bare(found.key);
        self.logged[Field::RequestUri as usize] = bare(found.uri);
        self.logged[Field::HttpStatus as usize] = found.status;
        self.logged[Field::ErrorCode as usize] = bare(found.error);
        for (field, number) in MEASURES.into_iter().zip(found.numbers) {
            self.logged[field as usize] = number;
            if number_of(field, number).is_none() {
                // Beyond 64 bits.
                self.cover_text(number);
            }
        }
        self.at = found.end;
        Ok(true)
    }

    /// Referer, user agent and what follows them, none of them quoted.
    fn unquoted_texts(&mut self) {
        let start = self.at;
        let Some(referer) = self.word() else { return };
        // Where a referer ends that is no URL, nothing tells.
        let is_url = memchr::memmem::find(referer, b"://").is_some();
        if (referer == b"-" || is_url) && self.unquoted_user_agent() {
            self.logged[Field::Referer as usize] = bare(referer);
        } else {
            self.at = self.line.len();
            self.cover(start_of(self.line, start), self.line.len());
        }
    }

    /// A user agent of any words without quotes, and what follows it; whether it can be told where it ends.
    fn unquoted_user_agent(&mut self) -> bool {
        let start = start_of(self.line, self.at);
        if start == self.line.len() {
            return true;
        }
        let Some(end) = server_forms::start_of_tail(self.line, start) else { return false };
        let end_of_agent = before_spaces(self.line, end).max(start);
        self.logged[Field::UserAgent as usize] = bare(&self.line[start..end_of_agent]);
        self.at = end;
        self.tail();
        self.at = self.line.len();
        true
    }

    /// Covers a piece of the line.
    fn cover_text(&mut self, text: &[u8]) {
        let from = text.as_ptr().addr() - self.line.as_ptr().addr();
        self.cover(from, from + text.len());
    }

    fn operation(&mut self) -> Result<(), Rejection> {
        let found = Identity::find(self.line, self.at).ok_or(Rejection::NoOperation)?;
        self.logged[Field::RemoteIp as usize] = found.remote_ip;
        if is_anonymous(found.requester) {
            self.cover_text(found.requester);
        } else {
            self.logged[Field::Requester as usize] = found.requester;
        }
        self.operation_is_first = found.is_first;
        self.logged[Field::RequestId as usize] = found.request_id;
        self.logged[Field::Operation as usize] = found.operation;
        self.at = found.end;
        Ok(())
    }

    fn key(&mut self) {
        if self.peek().is_none_or(|first| first == b'"') {
            return;
        }
        let start = start_of(self.line, self.at);
        let Some(mut key) = self.word() else { return };
        // A key with spaces, by a service that does not encode keys: it ends where the URI begins.
        if self.peek().is_some_and(|first| first != b'"' && first != b'-')
            && status_follows(self.line, self.at).is_none()
            && server_forms::end_of_request_line(self.line, self.at).is_none()
            && let Some(quote) = next_quoted_word(self.line, self.at)
        {
            let end = before_spaces(self.line, quote);
            key = &self.line[start..end];
            self.at = end;
        }
        self.logged[Field::Key as usize] = bare(key);
    }

    fn request_uri(&mut self) -> Result<(), Rejection> {
        match self.peek() {
            Some(b'"') => {
                let start = start_of(self.line, self.at) + 1;
                let close = end_of_uri(self.line, start).unwrap_or(self.line.len());
                self.logged[Field::RequestUri as usize] = absent(&self.line[start..close]);
                self.at = (close + 1).min(self.line.len());
            }
            // A status in its place: the URI is missing. (In a record without an address it may be a size.)
            Some(first)
                if first != b'-'
                    && !self.operation_is_first
                    && status_follows(self.line, self.at).is_some() => {}
            _ => {
                if let Some(end) = server_forms::end_of_request_line(self.line, self.at) {
                    self.logged[Field::RequestUri as usize] = &self.line[start_of(self.line, self.at)..end];
                    self.at = end;
                } else if matches!(self.peek_word(), b"" | b"-") {
                    self.word();
                } else if self.operation_is_first {
                    return Err(Rejection::NoStatus);
                } else {
                    return Err(Rejection::Ambiguous);
                }
            }
        }
        Ok(())
    }

    /// Status, error code and the measures. Where it stops with an error, `at` is where what it cannot read begins.
    fn numbers(&mut self) -> Result<(), Rejection> {
        // At the end of the line, or before the referer, they are missing.
        let is_over = |reader: &Self| reader.peek().is_none_or(|first| first == b'"');
        if is_over(self) {
            return Ok(());
        }
        let start = self.at;
        let status = self.word().unwrap_or_default();
        if status == b"-" || is_status(status) {
            self.logged[Field::HttpStatus as usize] = bare(status);
        } else if is_digits(status) && status.len() < 3 && self.peek().is_none() {
            // The line ends within the status.
            self.cover_text(status);
        } else {
            self.at = start;
            return Err(Rejection::NoStatus);
        }
        if is_over(self) {
            return Ok(());
        }
        if !self.error_code_is_empty() {
            self.logged[Field::ErrorCode as usize] = bare(self.word().unwrap_or_default());
        }
        let start = self.at;
        let mut words = [&[][..]; MEASURES.len()];
        let mut count = 0;
        while count < words.len() && !is_over(self) {
            words[count] = self.word().unwrap_or_default();
            count += 1;
        }
        let words = &words[..count];
        let can_be_in =
            |field: Field, word: &[u8]| word == b"-" || is_digits(word) || number_of(field, word).is_some();
        if count < MEASURES.len() && self.peek().is_some() {
            // A number is missing, and nothing shows which.
            if !words.iter().all(|word| can_be_in(Field::TotalTime, word)) {
                self.at = start;
                return Err(Rejection::NoNumber);
            }
            if words.iter().any(|word| *word != b"-") {
                self.cover(start_of(self.line, start), self.at);
            }
            return Ok(());
        }
        if !MEASURES.into_iter().zip(words).all(|(field, word)| can_be_in(field, word)) {
            self.at = start;
            return Err(Rejection::NoNumber);
        }
        for (field, word) in MEASURES.into_iter().zip(words) {
            self.logged[field as usize] = bare(word);
            if *word != b"-" && number_of(field, word).is_none() {
                // Beyond 64 bits.
                self.cover_text(word);
            }
        }
        let has_unit = words.get(3).is_some_and(|word| number::parse_duration(word).is_some());
        self.before_the_referer(has_unit);
        Ok(())
    }

    /// Whether the field after the status is empty: an error code is not a number, so a number there is the first of
    /// the four. Two spaces are an empty error code if exactly four words follow that can be the numbers.
    fn error_code_is_empty(&self) -> bool {
        if is_digits(self.peek_word()) {
            return true;
        }
        let mut at = self.at;
        let mut count = 0;
        while let Some((text, end)) = word(self.line, at).filter(|(text, _)| text[0] != b'"') {
            if text != b"-" && number_of(Field::TotalTime, text).is_none() {
                return false;
            }
            count += 1;
            at = end;
        }
        count == MEASURES.len() && at < self.line.len() && self.line[self.at..].starts_with(b"  ")
    }

    /// The next word, empty if there is none.
    fn peek_word(&self) -> &'a [u8] {
        word(self.line, self.at).map_or(&[], |(text, _)| text)
    }

    /// Words without quotes before a quoted one: unknown ones before the referer, or the referer itself, if only the
    /// user agent is quoted. So Ceph RGW writes it, and the times with a unit.
    fn before_the_referer(&mut self, has_unit: bool) {
        if matches!(self.peek_word(), b"" | b"-" | [b'"', ..]) {
            return;
        }
        let Some(quote) = next_quoted_word(self.line, self.at) else { return };
        let (start, end) = (start_of(self.line, self.at), before_spaces(self.line, quote));
        if has_unit || end_of_referer(self.line, quote + 1).is_none() {
            self.unquoted_referer = true;
            self.logged[Field::Referer as usize] = &self.line[start..end];
        } else {
            self.cover(start, end);
        }
        self.at = quote;
    }

    fn referer_and_user_agent(&mut self) {
        let open = start_of(self.line, self.at);
        if self.unquoted_referer {
            // The user agent follows.
        } else if self.peek() == Some(b'"') {
            if let Some((close, next)) = end_of_referer(self.line, open + 1) {
                self.logged[Field::Referer as usize] = absent(&self.line[open + 1..close]);
                self.at = next;
            } else {
                self.logged[Field::Referer as usize] = self.last_quoted(open);
            }
        } else if matches!(self.peek_word(), b"-" | b"") {
            self.logged[Field::Referer as usize] = self.word().map_or(&[], bare);
        } else {
            return self.unquoted_texts();
        }
        let open = start_of(self.line, self.at);
        match self.peek_word() {
            [b'"', ..] => {
                if let Some(obs) =
                    server_forms::obs(self.line, self.logged[Field::BucketOwner as usize], open)
                {
                    self.logged[Field::UserAgent as usize] = absent(&self.line[open + 1..obs.close]);
                    let (from, to) = obs.version;
                    self.logged[Field::VersionId as usize] = bare(&self.line[from..to]);
                    self.at = self.line.len();
                    self.cover(start_of(self.line, to), self.line.len());
                } else {
                    self.logged[Field::UserAgent as usize] = self.last_quoted(open);
                }
            }
            b"-" | b"" => _ = self.word(),
            _ => {
                if !self.unquoted_user_agent() {
                    // Where it ends cannot be told.
                    self.cover(open, self.line.len());
                }
                self.at = self.line.len();
            }
        }
    }

    /// The last quoted field of the line: it ends at the last quote that the tail can follow, or, if the
    /// line is cut off within it, with the line.
    fn last_quoted(&mut self, open: usize) -> &'a [u8] {
        let start = open + 1;
        let close = memrchr_iter(b'"', &self.line[start..]).map(|offset| start + offset).find(|&quote| {
            match self.line.get(quote + 1) {
                None => true,
                Some(b' ') => {
                    word(self.line, quote + 1).is_none_or(|(text, _)| trailing_fields::can_begin(text))
                }
                Some(_) => false,
            }
        });
        let close = close.unwrap_or(self.line.len());
        self.at = (close + 1).min(self.line.len());
        absent(&self.line[start..close])
    }

    fn tail(&mut self) {
        let words = trailing_fields::Words::split(self.line, self.at, trailing_fields::Spaces::AnyNumber);
        let unknown = trailing_fields::unknown_before_host_id(words.as_slice());
        let single = trailing_fields::Words::split(self.line, self.at, trailing_fields::Spaces::One);
        if trailing_fields::has_empty_fields(single.as_slice(), words.as_slice(), unknown) {
            return self.assign_tail(&single, 0);
        }
        if unknown > 0 && words.as_slice()[1..=unknown].iter().any(|word| *word != b"-") {
            self.cover(words.ends[1] - words.as_slice()[1].len(), words.ends[unknown]);
        }
        self.assign_tail(&words, unknown);
    }

    /// Assigns words to the trailing fields; the `unknown` words after the first one are skipped.
    fn assign_tail(&mut self, words: &trailing_fields::Words<'a>, unknown: usize) {
        for index in 0..trailing_fields::FIELDS {
            let from = if index == 0 { 0 } else { index + unknown };
            if let Some(word) = words.as_slice().get(from) {
                self.logged[trailing_fields::FIRST + index] = bare(word);
                self.at = words.ends[from];
            }
        }
        let extra = start_of(self.line, self.at);
        if extra < self.line.len() && !without_dashes(&self.line[extra..]).is_empty() {
            self.cover(extra, self.line.len());
        }
    }
}

/// The quote that ends the request URI begun at `start`: rather one that status and numbers follow, else one that
/// three digits follow, else one that a space follows. `None`: cut off before.
fn end_of_uri(line: &[u8], start: usize) -> Option<usize> {
    certain_end_of_uri(line, start).or_else(|| {
        let quotes = || memchr_iter(b'"', &line[start..]).map(|offset| start + offset);
        quotes()
            .find(|&quote| {
                line.get(quote + 1) == Some(&b' ')
                    && word(line, quote + 1).is_some_and(|(text, _)| is_status(text))
            })
            .or_else(|| quotes().find(|&quote| line.get(quote + 1).is_none_or(|&byte| byte == b' ')))
    })
}

/// The quote that ends the referer begun at `start`, and the quote that the user agent begins with: the first
/// two with nothing but spaces between them, rather two that are not escaped. (S3 escapes none: a referer may end in a
/// backslash.)
fn end_of_referer(line: &[u8], start: usize) -> Option<(usize, usize)> {
    let pairs = || {
        memchr_iter(b'"', &line[start..]).map(|offset| start + offset).filter_map(|quote| {
            let next = start_of(line, quote + 1);
            (next > quote + 1 && line.get(next) == Some(&b'"')).then_some((quote, next))
        })
    };
    let is_escaped =
        |quote: usize| line[start..quote].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    pairs().find(|(quote, _)| !is_escaped(*quote)).or_else(|| pairs().next())
}

/// The number that a word is in this place.
fn number_of(field: Field, word: &[u8]) -> Option<u64> {
    let duration =
        || matches!(field, Field::TotalTime | Field::TurnAroundTime).then(|| number::parse_duration(word));
    number::parse(word).or_else(|| duration().flatten())
}

/// Where the next word begins that a quote begins.
fn next_quoted_word(line: &[u8], at: usize) -> Option<usize> {
    memchr_iter(b'"', &line[at..])
        .map(|offset| at + offset)
        .find(|&quote| quote > 0 && line[quote - 1] == b' ')
}
