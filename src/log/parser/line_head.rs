//! The head of a line: bucket owner, bucket and time.

use memchr::memchr;

use super::super::record::TimeText;
use super::super::{Rejection, time};
use super::words::{last_word, next_word, skip_spaces, unquoted_field};

/// Length of `[dd/Mon/yyyy:hh:mm:ss +hhmm]`.
pub(super) const TIME_LENGTH: usize = 28;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

pub(super) struct LineHead<'a> {
    /// Empty if it is missing.
    pub(super) owner: &'a [u8],
    pub(super) bucket: &'a [u8],
    /// Without brackets.
    pub(super) time: &'a [u8],
    pub(super) instant: i64,
    pub(super) end: usize,
}

impl<'a> LineHead<'a> {
    pub(super) fn read(line: &'a [u8]) -> Result<LineHead<'a>, Rejection> {
        let mut at = 0;
        while line.get(at).is_some_and(is_padding) || line[at..].starts_with(BYTE_ORDER_MARK) {
            at += if line[at] == BYTE_ORDER_MARK[0] { BYTE_ORDER_MARK.len() } else { 1 };
        }
        let (first, end_of_first) = next_word(line, at).ok_or(Rejection::Empty)?;
        if time_at(line, skip_spaces(line, at)).is_some() {
            return Err(Rejection::NoBucket);
        }
        let (second, end_of_second) = next_word(line, end_of_first).ok_or(Rejection::NoBucket)?;
        if let Some((time, instant, end)) = time_at(line, skip_spaces(line, end_of_first)) {
            // Owner or bucket is missing. No bucket has a name of 64 characters. Two spaces are an empty bucket.
            let second_is_empty = line[end_of_first..].starts_with(b"  ");
            if unquoted_field(first).is_empty() || is_canonical_id(first) || second_is_empty {
                return Err(Rejection::NoBucket);
            }
            return Ok(LineHead { owner: &[], bucket: first, time, instant, end });
        }
        let Some((time, instant, end)) = time_at(line, skip_spaces(line, end_of_second)) else {
            return Err(if is_header(first, second) {
                Rejection::Header
            } else if let Some(text) = time_like_at(line, skip_spaces(line, end_of_second)) {
                Rejection::InvalidTime(TimeText::new(text))
            } else {
                Rejection::NoTime
            });
        };
        if unquoted_field(second).is_empty() {
            return Err(Rejection::NoBucket);
        }
        Ok(LineHead { owner: unquoted_field(first), bucket: second, time, instant, end })
    }
}

/// The bucket of a line whose time has its form, but does not exist, and the end of the time.
pub(super) fn end_of_impossible_time(line: &[u8]) -> Option<(&[u8], usize)> {
    let Err(Rejection::InvalidTime(_)) = LineHead::read(line) else { return None };
    let bracket = memchr(b'[', line)?;
    let text = time_like_at(line, bracket)?;
    let (_, bucket) = last_word(&line[..bracket])?;
    Some((bucket, bracket + text.len() + 2))
}

/// The time in brackets at `at`: its text without brackets, its instant, and its end.
pub(super) fn time_at(line: &[u8], at: usize) -> Option<(&[u8], i64, usize)> {
    if let Some(text) = time_text_at(line, at)
        && let Some(instant) = time::parse(text)
    {
        return Some((text, instant, at + TIME_LENGTH));
    }
    // The longest name of a month is six letters longer than its abbreviation.
    let rest = line.get(at..)?.strip_prefix(b"[")?;
    let length = memchr(b']', &rest[..rest.len().min(TIME_LENGTH + 6)])?;
    let text = &rest[..length];
    Some((text, time::parse_full_month(text)?, at + length + 2))
}

/// The text in brackets at `at` that has the form of a time: `day/month/year:hour:minute:second offset`, each of any
/// digits or letters.
fn time_like_at(line: &[u8], at: usize) -> Option<&[u8]> {
    let rest = line.get(at..)?.strip_prefix(b"[")?;
    let text = &rest[..memchr(b']', &rest[..rest.len().min(TimeText::LENGTH_MAX)])?];
    let separators = text.iter().copied().filter(|byte| matches!(byte, b'/' | b':' | b' '));
    separators.eq(*b"//::: ").then_some(text)
}

/// The text in brackets at `at` that has the length of a time, without the brackets.
#[inline]
pub(super) fn time_text_at(line: &[u8], at: usize) -> Option<&[u8]> {
    match line.get(at..at.checked_add(TIME_LENGTH)?)? {
        [b'[', text @ .., b']'] => Some(text),
        _ => None,
    }
}

/// Whether a word is the canonical id of an AWS account: 64 hexadecimal digits.
pub(super) fn is_canonical_id(word: &[u8]) -> bool {
    word.len() == 64 && word.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a byte around a line does not belong to the record: white space or NUL.
pub(super) fn is_padding(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == 0
}

/// Whether a line without a time that begins with these words is a header: the names of the fields, which Wasabi
/// writes first, a comment, or the start of a log of versitygw.
fn is_header(first: &[u8], second: &[u8]) -> bool {
    let begins_with_bucket = first.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"bucket"));
    first[0] == b'#'
        || (first == b"log" && second == b"starts")
        || (begins_with_bucket
            && (second.eq_ignore_ascii_case(b"bucket") || second.eq_ignore_ascii_case(b"owner")))
}
