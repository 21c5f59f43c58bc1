//! The fast path: reads lines as S3 writes them, which are nearly all lines, from left to right in one pass.
//!
//! It checks everything that it assumes, and gives up at the first deviation; then the tolerant path reads the line. A
//! line that both paths can read gives the same record in both, which a test checks.

use memchr::{memchr, memmem};

use super::super::number;
use super::super::record::MEASURES;
use super::super::{Field, Record, address};
use super::separators::{Line, LineScanner, Separators, Spaces};
use super::words::{absent_if_dash, without_dashes};
use super::{identity, key_and_uri::TWO_TEXTS, line_head, server_forms, trailing_fields};
use super::{templates::Templates, text_fields::certain_end_of_uri};

/// The only frequent requester with spaces: CloudFront, which reads with an origin access identity. Its id follows.
const ORIGIN_ACCESS: &[u8] = b"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity ";

/// The position in this ARN at which other ARNs have an account id.
const ORIGIN_ACCESS_LETTER: usize = b"arn:aws:iam::".len();

/// Numbers of this many digits do not exceed 64 bits.
const DIGITS_MAX: usize = 19;

pub(super) fn read(line: &[u8]) -> Option<Record<'_>> {
    let mut record = Record::default();
    let mut lines = LineScanner::new(line);
    let line = lines.next_line().filter(|scanned| scanned.text.len() == line.len())?;
    read_into(&line, &mut record, &mut Templates::for_one_line()).map(|()| record)
}

/// Reads a line into an existing record, which is faster than returning one. It must have every field in its place,
/// single spaces, and quotes only around quoted fields (and in the request URI, if its end is certain). After `None`
/// the content of the record is meaningless.
pub(super) fn read_into<'a>(
    line: &Line<'a, '_>,
    record: &mut Record<'a>,
    templates: &mut Templates,
) -> Option<()> {
    let (line, separators) = (line.text, line.separators);
    // The tolerant path trims white space, NUL bytes and byte order marks.
    if *line.first()? <= b' ' || *line.first()? == 0xEF || *line.last()? <= b' ' {
        return None;
    }
    // The record may have the fields of another line, so all of them must be set.
    let mut words = Words { line, at: 0, separators, spaces: separators.spaces(0) };
    if let Some(length) = templates.read_head(line, record) {
        words.jump(length);
    } else {
        let (owner, bucket) = (words.next()?, words.next()?);
        if bucket == b"-" || bucket[0] == b'[' || owner[0] == b'[' {
            return None;
        }
        record.logged[Field::BucketOwner as usize] = absent_if_dash(owner);
        record.logged[Field::Bucket as usize] = bucket;
        templates.add_head(line, words.at, record);
    }
    let logged = &mut record.logged;

    let text = line_head::time_text_at(line, words.at)?;
    let instant = templates.minutes.parse(text)?;
    logged[Field::Time as usize] = text;
    words.jump_after_space(words.at + line_head::TIME_LENGTH)?;

    let remote_ip = absent_if_dash(words.next()?);
    // An operation in the place of the address is that of a journal record.
    let can_be_operation = remote_ip.first().is_some_and(u8::is_ascii_uppercase);
    if !address::is_canonical(remote_ip) || can_be_operation && identity::is_known_operation(remote_ip) {
        return None;
    }
    logged[Field::RemoteIp as usize] = remote_ip;
    let requester_at = words.at;
    // Comparing one letter saves most calls that compare memory: hardly any other requester has it there.
    let has_letter =
        line.get(requester_at + ORIGIN_ACCESS_LETTER) == Some(&ORIGIN_ACCESS[ORIGIN_ACCESS_LETTER]);
    if has_letter && line[requester_at..].starts_with(ORIGIN_ACCESS) {
        words.jump(requester_at + ORIGIN_ACCESS.len());
        // The id may have any form but that of an operation, which the tolerant path would read as one.
        if identity::is_known_operation(words.next()?) {
            return None;
        }
        logged[Field::Requester as usize] = &line[requester_at..words.at - 1];
        let request_id = words.next()?;
        if !identity::is_usual_id(request_id) {
            return None;
        }
        logged[Field::RequestId as usize] = request_id;
    } else {
        let requester = absent_if_dash(words.next()?);
        if identity::is_anonymous(requester) {
            return None;
        }
        logged[Field::Requester as usize] = requester;
        logged[Field::RequestId as usize] = absent_if_dash(words.next()?);
    }
    let operation = words.next()?;
    if !identity::is_known_operation(operation) {
        return None;
    }
    logged[Field::Operation as usize] = operation;
    logged[Field::Key as usize] = absent_if_dash(words.next()?);

    // The first quote of the line opens the request URI, unless it is within a word.
    let open = separators.quote(0);
    if open == words.at && open < line.len() {
        let start = open + 1;
        let close = separators.quote(start);
        let uri = if begins_with_status(line.get(close + 1..)?) {
            &line[start..close]
        } else {
            let close = certain_end_of_uri(line, start)?;
            let uri = &line[start..close];
            // With a bracket, the line may be cut off within the URI and joined with another record.
            if memchr(b'[', uri).is_some() || memmem::find(uri, TWO_TEXTS).is_some() {
                return None;
            }
            uri
        };
        logged[Field::RequestUri as usize] = absent_if_dash(uri);
        words.jump_after_space(start + uri.len() + 1)?;
    } else if open < words.at {
        return None;
    } else {
        logged[Field::RequestUri as usize] = &[];
        words.dash()?;
    }
    let uri_end = words.at;

    let status = absent_if_dash(words.next()?);
    if !status.is_empty() && !number::is_status(status) {
        return None;
    }
    logged[Field::HttpStatus as usize] = status;
    let error_code = words.next()?;
    // A number in the place of the error code is a measure.
    if error_code[0].is_ascii_digit() {
        return None;
    }
    logged[Field::ErrorCode as usize] = absent_if_dash(error_code);
    for (measure, field) in record.measures.iter_mut().zip(MEASURES) {
        let start = words.at;
        let word = absent_if_dash(words.next()?);
        *measure = match word.len() {
            0 => None,
            length @ 1..=DIGITS_MAX => Some(number::parse_before(line, start + length, length)?),
            _ => return None,
        };
        logged[field as usize] = word;
    }
    // None of these words may have a quote.
    let open = separators.quote(uri_end);
    if open < words.at {
        return None;
    }

    if open == words.at && open < line.len() {
        logged[Field::Referer as usize] = words.quoted()?;
        words.jump_after_space(words.at)?;
    } else {
        logged[Field::Referer as usize] = &[];
        words.dash()?;
    }
    let user_agent_is_quoted = line.get(words.at) == Some(&b'"');
    if user_agent_is_quoted {
        let user_agent = words.quoted()?;
        // Its quotes may be the end of one text and the start of the next.
        if user_agent == b" " {
            return None;
        }
        logged[Field::UserAgent as usize] = user_agent;
        if words.at < line.len() {
            words.jump_after_space(words.at)?;
        }
    } else {
        // The only quoted text may be the user agent, not the referer.
        if !logged[Field::Referer as usize].is_empty() {
            return None;
        }
        logged[Field::UserAgent as usize] = &[];
        words.dash()?;
    }

    record.time = instant;
    record.has_odd_address = false;
    read_trailing_fields(&mut words, record, user_agent_is_quoted, templates)
}

/// Whether the text after a quote begins with a status and another word, as after the quote that ends a request URI.
/// The fields after them are checked when they are read.
#[inline]
fn begins_with_status(rest: &[u8]) -> bool {
    match rest {
        [b' ', b'-', b' ', ..] => true,
        [b' ', a, b, c, b' ', ..] => [a, b, c].into_iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Reads the fields from the version id on, and `extra`.
fn read_trailing_fields<'a>(
    words: &mut Words<'a, '_>,
    record: &mut Record<'a>,
    user_agent_is_quoted: bool,
    templates: &mut Templates,
) -> Option<()> {
    let line = words.line;
    let start = words.at;
    for field in [Field::VersionId, Field::HostId] {
        record.logged[field as usize] = if words.at < line.len() { words.next()? } else { &[] };
    }
    let tail = &line[words.at..];
    // Huawei OBS does not log a host id: it would be its agency.
    if tail.is_empty() && server_forms::is_obs_owner(record.logged[Field::BucketOwner as usize]) {
        return None;
    }
    let is_displaced = |field: Field| trailing_fields::is_of_later_field(record.logged[field as usize]);
    if words.separators.quote(start) < words.at
        || is_displaced(Field::VersionId)
        || is_displaced(Field::HostId)
        || user_agent_is_quoted && !trailing_fields::can_begin(record.logged[Field::VersionId as usize])
    {
        return None;
    }
    if templates.read_tail(tail, record).is_none() {
        read_tail(words, record)?;
        templates.add(tail, record);
    }
    for field in [Field::VersionId, Field::HostId] {
        record.logged[field as usize] = absent_if_dash(record.logged[field as usize]);
    }
    Some(())
}

/// Reads the fields from the signature version on, and `extra`.
fn read_tail<'a>(words: &mut Words<'a, '_>, record: &mut Record<'a>) -> Option<()> {
    let line = words.line;
    if memchr(b'"', &line[words.at..]).is_some() {
        return None;
    }
    let fields = &mut record.logged[trailing_fields::FIRST..];
    // Version id and host id are read already.
    let mut count = 2;
    while count < trailing_fields::FIELDS && words.at < line.len() {
        fields[count] = words.next()?;
        count += 1;
    }
    if count > 2 && !trailing_fields::is_aligned(&fields[..count]) {
        return None;
    }
    fields[count..].fill(&[]);
    for field in &mut fields[2..count] {
        *field = absent_if_dash(field);
    }
    let extra = &line[words.at..];
    // A time in brackets after the last field would be another record.
    if extra.first() == Some(&b' ') || memchr(b'[', extra).is_some() {
        return None;
    }
    record.extra = without_dashes(extra);
    Some(())
}

/// Iterates over words separated by single spaces. All methods are inlined always: otherwise the compiler calls them a
/// dozen times a line, which costs 3 % of a pull.
struct Words<'a, 'i> {
    line: &'a [u8],
    at: usize,
    separators: Separators<'i>,
    /// The spaces from `at` on.
    spaces: Spaces<'i>,
}

impl<'a> Words<'a, '_> {
    /// The next word, which is not empty. Skips the space after it. Quotes in words are checked for several words at
    /// once, not here.
    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.spaces.next();
        let word = self.line.get(self.at..end)?;
        self.at = (end + 1).min(self.line.len());
        (!word.is_empty()).then_some(word)
    }

    #[inline(always)]
    fn jump(&mut self, at: usize) {
        self.at = at;
        self.spaces = self.separators.spaces(at);
    }

    #[inline(always)]
    fn jump_after_space(&mut self, at: usize) -> Option<()> {
        (*self.line.get(at)? == b' ').then(|| self.jump(at + 1))
    }

    /// A quoted field that ends at the next quote. After it, `at` is the position after the quote, but
    /// [`Words::jump_after_space`] must follow before the next word.
    #[inline(always)]
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let end = self.separators.quote(self.at + 1);
        if end == self.line.len() {
            return None;
        }
        let text = self.line.get(self.at + 1..end)?;
        self.at = end + 1;
        Some(absent_if_dash(text))
    }

    /// Skips a field that is `-` without quotes, and the space after it.
    #[inline(always)]
    fn dash(&mut self) -> Option<()> {
        (self.next()? == b"-").then_some(())
    }
}
