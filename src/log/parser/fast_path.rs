//! Lines as S3 writes them, nearly all: read in one go from left to right.
//!
//! [`fill`] checks whatever it assumes and gives up on the first surprise; then [`super::line`] reads the
//! line with care. A line that is read here reads there to the same record; a test holds that.

use memchr::memchr;

use super::super::number::{self};
use super::super::record::{MEASURES, Record};
use super::super::{Field, address};
use super::separators::{Line, Lines, Marks, Spaces};
use super::templates::Frames;
use super::tolerant::absent;
use super::{tolerant, trailing_fields};

/// The one requester with spaces that logs are full of: CloudFront, reading with an origin access identity whose id
/// follows.
const ORIGIN_ACCESS: &[u8] = b"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity ";

/// Where an account id stands in the name of others of an account.
const ORIGIN_LETTER: usize = b"arn:aws:iam::".len();

/// So many digits are within 64 bits for certain.
const MOST_DIGITS: usize = 19;

/// Reads a line of the plain layout; `None`: not so plain.
pub(super) fn read(line: &[u8]) -> Option<Record<'_>> {
    let mut record = Record::default();
    // A line end within is none of the line's.
    let mut lines = Lines::of(line);
    let line = lines.next_line().filter(|read| read.text.len() == line.len())?;
    fill(&line, &mut record, &mut Frames::of_one_line()).map(|()| record)
}

/// Reads a line of the plain layout: every field in its place, single spaces, quotes only around quoted
/// fields (and within the request URI, where its end is certain). `None`: not so plain; then what the record
/// says means nothing.
pub(super) fn fill<'a>(line: &Line<'a, '_>, record: &mut Record<'a>, frames: &mut Frames) -> Option<()> {
    let (line, marks) = (line.text, line.marks);
    // White space, NUL or a byte order mark around the line is for others.
    if *line.first()? <= b' ' || *line.first()? == 0xEF || *line.last()? <= b' ' {
        return None;
    }
    // Every field is written: the record may tell of another line.
    let mut words = Words { line, at: 0, marks, spaces: marks.spaces(0) };
    if let Some(length) = frames.begin(line, record) {
        words.jump(length);
    } else {
        let (owner, bucket) = (words.next()?, words.next()?);
        if bucket == b"-" || bucket[0] == b'[' || owner[0] == b'[' {
            return None;
        }
        record.logged[Field::BucketOwner as usize] = absent(owner);
        record.logged[Field::Bucket as usize] = bucket;
        frames.add_beginning(line, words.at, record);
    }
    let logged = &mut record.logged;

    let text = tolerant::time_text_at(line, words.at)?;
    let instant = frames.minute.parse(text)?;
    logged[Field::Time as usize] = text;
    words.jump_behind_space(words.at + tolerant::TIME)?;

    let remote_ip = absent(words.next()?);
    if !address::is_canonical(remote_ip) {
        return None;
    }
    logged[Field::RemoteIp as usize] = remote_ip;
    let requester_at = words.at;
    // (A comparison of memory is a call; nearly no other requester has this letter there.)
    let may_be = line.get(requester_at + ORIGIN_LETTER) == Some(&ORIGIN_ACCESS[ORIGIN_LETTER]);
    if may_be && line[requester_at..].starts_with(ORIGIN_ACCESS) {
        words.jump(requester_at + ORIGIN_ACCESS.len());
        // The id has no form that is told; but no operation may stand here, or it would be the operation.
        if tolerant::is_known_operation(words.next()?) {
            return None;
        }
        logged[Field::Requester as usize] = &line[requester_at..words.at - 1];
        let request_id = words.next()?;
        if !tolerant::is_usual_id(request_id) {
            return None;
        }
        logged[Field::RequestId as usize] = request_id;
    } else {
        let requester = absent(words.next()?);
        if tolerant::is_anonymous(requester) {
            return None;
        }
        logged[Field::Requester as usize] = requester;
        logged[Field::RequestId as usize] = absent(words.next()?);
    }
    let operation = words.next()?;
    if !tolerant::is_known_operation(operation) {
        return None;
    }
    logged[Field::Operation as usize] = operation;
    logged[Field::Key as usize] = absent(words.next()?);

    // The first quote of the line, unless one stands within a word, opens the request URI.
    let open = marks.quote(0);
    if open == words.at && open < line.len() {
        let start = open + 1;
        let close = marks.quote(start);
        let uri = if is_status(line.get(close + 1..)?) {
            &line[start..close]
        } else {
            let close = tolerant::certain_end_of_uri(line, start)?;
            let uri = &line[start..close];
            // Quotes and a bracket: perhaps cut off within the URI, with another record behind it.
            if memchr(b'[', uri).is_some() {
                return None;
            }
            uri
        };
        logged[Field::RequestUri as usize] = absent(uri);
        words.jump_behind_space(start + uri.len() + 1)?;
    } else if open < words.at {
        return None;
    } else {
        logged[Field::RequestUri as usize] = &[];
        words.dash()?;
    }
    let uri_end = words.at;

    let status = absent(words.next()?);
    if !status.is_empty() && !number::is_status(status) {
        return None;
    }
    logged[Field::HttpStatus as usize] = status;
    let error_code = words.next()?;
    // A number here is one of those that follow.
    if error_code[0].is_ascii_digit() {
        return None;
    }
    logged[Field::ErrorCode as usize] = absent(error_code);
    for (measure, field) in record.measures.iter_mut().zip(MEASURES) {
        let start = words.at;
        let word = absent(words.next()?);
        *measure = match word.len() {
            0 => 0,
            length @ 1..=MOST_DIGITS => number::parse_before(line, start + length, length)? + 1,
            _ => return None,
        };
        logged[field as usize] = word;
    }
    // None of these words has a quote.
    let open = marks.quote(uri_end);
    if open < words.at {
        return None;
    }

    if open == words.at && open < line.len() {
        logged[Field::Referer as usize] = words.quoted()?;
        words.jump_behind_space(words.at)?;
    } else {
        logged[Field::Referer as usize] = &[];
        words.dash()?;
    }
    let user_agent_is_quoted = line.get(words.at) == Some(&b'"');
    if user_agent_is_quoted {
        logged[Field::UserAgent as usize] = words.quoted()?;
        if words.at < line.len() {
            words.jump_behind_space(words.at)?;
        }
    } else {
        logged[Field::UserAgent as usize] = &[];
        words.dash()?;
    }

    record.time = instant;
    record.has_odd_address = false;
    read_tail(&mut words, record, user_agent_is_quoted, frames)
}

/// Whether a status and a word behind it follow, as they do behind the quote that ends a request URI.
/// What stands behind them is checked as it is read.
#[inline]
fn is_status(rest: &[u8]) -> bool {
    match rest {
        [b' ', b'-', b' ', ..] => true,
        [b' ', a, b, c, b' ', ..] => [a, b, c].into_iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The fields from the version id on, and what stands behind the last known one.
fn read_tail<'a>(
    words: &mut Words<'a, '_>,
    record: &mut Record<'a>,
    quotes_before: bool,
    frames: &mut Frames,
) -> Option<()> {
    let line = words.line;
    let start = words.at;
    for field in [Field::VersionId, Field::HostId] {
        record.logged[field as usize] = if words.at < line.len() { words.next()? } else { &[] };
    }
    let ending = &line[words.at..];
    if words.marks.quote(start) < words.at
        || quotes_before && !trailing_fields::can_begin(record.logged[Field::VersionId as usize])
    {
        return None;
    }
    if frames.end(ending, record).is_none() {
        read_ending(words, record)?;
        frames.add(ending, record);
    }
    for field in [Field::VersionId, Field::HostId] {
        record.logged[field as usize] = absent(record.logged[field as usize]);
    }
    Some(())
}

/// The fields from the signature version on.
fn read_ending<'a>(words: &mut Words<'a, '_>, record: &mut Record<'a>) -> Option<()> {
    let line = words.line;
    if memchr(b'"', &line[words.at..]).is_some() {
        return None;
    }
    let fields = &mut record.logged[trailing_fields::FIRST..];
    // Version id and host id are there, if there is anything.
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
        *field = absent(field);
    }
    let extra = &line[words.at..];
    // A time in brackets behind the last field would be another record.
    if extra.first() == Some(&b' ') || memchr(b'[', extra).is_some() {
        return None;
    }
    record.extra = tolerant::without_dashes(extra);
    Some(())
}

/// Words parted by single spaces. What reads them is always in line: left to itself the compiler calls it a dozen times a
/// line, which takes 3 % of a pull.
struct Words<'a, 'm> {
    line: &'a [u8],
    at: usize,
    marks: Marks<'m>,
    /// Those from `at` on.
    spaces: Spaces<'m>,
}

impl<'a> Words<'a, '_> {
    /// The next word; it is not empty. Whether it has a quote is asked of several words at once. The space behind it
    /// is skipped.
    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.spaces.next();
        let word = self.line.get(self.at..end)?;
        self.at = (end + 1).min(self.line.len());
        (!word.is_empty()).then_some(word)
    }

    /// Goes on there.
    #[inline(always)]
    fn jump(&mut self, at: usize) {
        self.at = at;
        self.spaces = self.marks.spaces(at);
    }

    /// Goes on behind the space that has to stand there.
    #[inline(always)]
    fn jump_behind_space(&mut self, at: usize) -> Option<()> {
        (*self.line.get(at)? == b' ').then(|| self.jump(at + 1))
    }

    /// A quoted field that ends at the next quote, which a space or the end follows. It is left to the caller to go
    /// on behind that.
    #[inline(always)]
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let end = self.marks.quote(self.at + 1);
        if end == self.line.len() {
            return None;
        }
        let text = self.line.get(self.at + 1..end)?;
        self.at = end + 1;
        Some(absent(text))
    }

    /// Skips a field that is a bare `-`, with the space behind it.
    #[inline(always)]
    fn dash(&mut self) -> Option<()> {
        (self.next()? == b"-").then_some(())
    }
}
