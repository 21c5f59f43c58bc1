//! Lines as S3 writes them, nearly all: read in one go from left to right.
//!
//! [`fill`] checks whatever it assumes and gives up on the first surprise; then [`super::line`] reads the
//! line with care. A line that is read here reads there to the same record; a test holds that.

use memchr::memchr;

use super::marks::Marks;
use super::record::{Record, absent};
use super::{Field, line, tail};

/// Reads a line of the plain layout; `None`: not so plain.
pub(super) fn read(line: &[u8]) -> Option<Record<'_>> {
    let mut record = Record::default();
    fill(line, &mut record).map(|()| record)
}

/// Reads a line of the plain layout: every field in its place, single spaces, quotes only around quoted
/// fields (and within the request URI, where its end is certain). `None`: not so plain; then what the record
/// says means nothing.
pub(super) fn fill<'a>(line: &'a [u8], record: &mut Record<'a>) -> Option<()> {
    // White space, NUL or a byte order mark around the line is for others.
    if *line.first()? <= b' ' || *line.first()? == 0xEF || *line.last()? <= b' ' {
        return None;
    }
    // Every field is written: the record may tell of another line.
    let logged = &mut record.logged;
    let mut words = Words { line, at: 0, marks: Marks::new(line) };

    logged[Field::BucketOwner as usize] = absent(words.next()?);
    let bucket = words.next()?;
    if bucket == b"-" || bucket[0] == b'[' || logged[0].first() == Some(&b'[') {
        return None;
    }
    logged[Field::Bucket as usize] = bucket;

    let (text, instant) = line::time_at(line, words.at)?;
    logged[Field::Time as usize] = text;
    words.at += line::TIME;
    words.skip(b' ')?;

    logged[Field::RemoteIp as usize] = absent(words.next()?);
    logged[Field::Requester as usize] = absent(words.next()?);
    logged[Field::RequestId as usize] = absent(words.next()?);
    let operation = words.next()?;
    if !line::is_known_operation(operation) {
        return None;
    }
    logged[Field::Operation as usize] = operation;
    logged[Field::Key as usize] = absent(words.next()?);

    if line.get(words.at) == Some(&b'"') {
        words.at += 1;
        let close = words.marks.quote(words.at);
        let uri = if is_status(line.get(close + 1..)?) {
            &line[words.at..close]
        } else {
            let close = line::certain_end_of_uri(line, words.at)?;
            let uri = &line[words.at..close];
            // Quotes and a bracket: perhaps cut off within the URI, with another record behind it.
            if memchr(b'[', uri).is_some() {
                return None;
            }
            uri
        };
        logged[Field::RequestUri as usize] = absent(uri);
        words.at += uri.len() + 1;
        words.skip(b' ')?;
    } else {
        logged[Field::RequestUri as usize] = &[];
        words.dash()?;
    }

    for field in [
        Field::HttpStatus,
        Field::ErrorCode,
        Field::BytesSent,
        Field::ObjectSize,
        Field::TotalTime,
        Field::TurnAroundTime,
    ] {
        let word = absent(words.next()?);
        // 19 digits are within 64 bits for certain.
        if field != Field::ErrorCode && (word.len() > 19 || !word.iter().all(u8::is_ascii_digit)) {
            return None;
        }
        logged[field as usize] = word;
    }

    let referer_is_quoted = line.get(words.at) == Some(&b'"');
    if referer_is_quoted {
        logged[Field::Referer as usize] = words.quoted()?;
        words.skip(b' ')?;
    } else {
        logged[Field::Referer as usize] = &[];
        words.dash()?;
    }
    let user_agent_is_quoted = line.get(words.at) == Some(&b'"');
    if user_agent_is_quoted {
        logged[Field::UserAgent as usize] = words.quoted()?;
        if words.at < line.len() {
            words.skip(b' ')?;
        }
    } else {
        logged[Field::UserAgent as usize] = &[];
        words.dash()?;
    }

    record.time = instant;
    record.extra = read_tail(&mut words, logged, user_agent_is_quoted)?;
    Some(())
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

/// The fields from the version id on; what stands behind the last known one is handed back.
fn read_tail<'a>(
    words: &mut Words<'a>,
    logged: &mut [&'a [u8]; Field::LOGGED],
    quotes_before: bool,
) -> Option<&'a [u8]> {
    let line = words.line;
    if memchr(b'"', &line[words.at..]).is_some() {
        return None;
    }
    let fields = &mut logged[tail::FIRST..];
    let mut count = 0;
    while count < tail::FIELDS && words.at < line.len() {
        fields[count] = words.next()?;
        count += 1;
    }
    if !tail::is_aligned(&fields[..count])
        || (quotes_before && !fields[..count].first().is_none_or(|field| tail::can_begin(field)))
    {
        return None;
    }
    fields[count..].fill(&[]);
    for field in &mut fields[..count] {
        *field = absent(field);
    }
    let extra = &line[words.at..];
    // A time in brackets behind the last field would be another record.
    if extra.first() == Some(&b' ') || memchr(b'[', extra).is_some() {
        return None;
    }
    Some(line::without_dashes(extra))
}

/// Words parted by single spaces.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
    marks: Marks<'a>,
}

impl<'a> Words<'a> {
    /// The next word; it is not empty and begins with no quote. The space behind it is skipped.
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.marks.space(self.at);
        let word = self.line.get(self.at..end)?;
        self.at = (end + 1).min(self.line.len());
        (*word.first()? != b'"').then_some(word)
    }

    /// A quoted field that ends at the next quote, which a space or the end follows.
    #[inline]
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let end = self.marks.quote(self.at + 1);
        if end == self.line.len() {
            return None;
        }
        let text = self.line.get(self.at + 1..end)?;
        self.at = end + 1;
        Some(absent(text))
    }

    /// Skips this byte.
    #[inline]
    fn skip(&mut self, byte: u8) -> Option<()> {
        (*self.line.get(self.at)? == byte).then(|| self.at += 1)
    }

    /// Skips a field that is a bare `-`, with the space behind it.
    #[inline]
    fn dash(&mut self) -> Option<()> {
        self.skip(b'-')?;
        if self.at < self.line.len() { self.skip(b' ') } else { Some(()) }
    }
}
