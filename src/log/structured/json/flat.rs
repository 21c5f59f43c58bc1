//! Reads an object as Amazon writes it, which nearly all are: texts, numbers and null, no object within the object.
//!
//! General parsers take four times as long: their parsers do not know the names of the columns, and those on offer use wide
//! registers only if they are compiled for one processor. Whatever deviates is left to a general parser.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::super::ColumnSet;
use super::super::draft::Draft;
use super::super::request_time::LastMinute;
use super::super::schema::{COLUMNS, Column, index_of, is_integer};
use super::wrapped;
use crate::log::Field;

/// A value of an object.
enum Value<'a> {
    Null,
    Boolean(bool),
    /// The characters of a number.
    Number(&'a [u8]),
    /// A text without escapes.
    Text(&'a [u8]),
    /// A text with escapes, with its quotes.
    Escaped(&'a [u8]),
}

/// Reads the object that a text begins with, and sets the values of the record. Returns the length of the object.
/// `None` if it has another form, or is no record. Then the draft is to be dropped.
pub(super) fn read<'a>(text: &'a [u8], draft: &mut Draft<'_, 'a>, minute: &mut LastMinute) -> Option<usize> {
    let mut columns = ColumnSet::default();
    let mut expected = 0;
    let mut at = skip_space(text, 1);
    loop {
        // The name of the column is nearly always the one after the last.
        let name_at = at + 1;
        if text.get(at) != Some(&b'"') {
            return None;
        }
        let guess = COLUMNS.get(expected).map_or("", |(name, _)| name).as_bytes();
        let rest = &text[name_at..];
        let is_guess = rest.starts_with(guess) && rest.get(guess.len()) == Some(&b'"');
        let length = if is_guess { guess.len() } else { memchr(b'"', rest)? };
        let name = &rest[..length];
        let column = if is_guess { Some(expected) } else { index_of(name, expected) };
        at = skip_space(text, name_at + length + 1);
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(text, at + 1);
        let value_at = at;
        let (value, end) = value(text, at)?;
        match column {
            Some(column) => {
                columns.add(column).ok()?;
                expected = column + 1;
                set(draft, column, value, minute)?;
            }
            None => {
                let name = std::str::from_utf8(name).ok().filter(|name| !name.contains('\\'))?;
                if wrapped::message_name(name).is_some() {
                    return None;
                }
                draft.member(name, &text[value_at..end]);
            }
        }
        at = skip_space(text, end);
        match text.get(at)? {
            b',' => at = skip_space(text, at + 1),
            b'}' => break,
            _ => return None,
        }
    }
    let length = at + 1;
    std::str::from_utf8(&text[..length]).is_ok().then_some(length)
}

/// The position of the first byte at or after `at` that is no white space.
#[inline]
fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r')) {
        at += 1;
    }
    at
}

/// The value at a position, and its end.
#[inline]
fn value(text: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    let rest = &text[at..];
    Some(match rest.first()? {
        b'"' => {
            let length = memchr2(b'"', b'\\', &rest[1..])?;
            if rest[1 + length] == b'"' {
                (Value::Text(&rest[1..=length]), at + length + 2)
            } else {
                let end = end_of_escaped(rest, 1 + length)?;
                (Value::Escaped(&rest[..end]), at + end)
            }
        }
        b'n' if rest.starts_with(b"null") => (Value::Null, at + 4),
        b't' if rest.starts_with(b"true") => (Value::Boolean(true), at + 4),
        b'f' if rest.starts_with(b"false") => (Value::Boolean(false), at + 5),
        b'0'..=b'9' => {
            let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            // Neither `007` nor `1.5`.
            let is_integer = !matches!(rest.get(length), Some(b'.' | b'e' | b'E'));
            if !is_integer || (rest[0] == b'0' && length > 1) {
                return None;
            }
            (Value::Number(&rest[..length]), at + length)
        }
        _ => return None,
    })
}

/// The end of a text with escapes, after its closing quote. The first backslash is at `at`.
fn end_of_escaped(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            // What is escaped may be a quote.
            _ => at += 2,
        }
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
    }
}

/// Sets the value of a column. `None` if a general parser has to decide about it.
#[inline]
fn set<'a>(
    draft: &mut Draft<'_, 'a>,
    column: usize,
    value: Value<'a>,
    minute: &mut LastMinute,
) -> Option<()> {
    let field = match COLUMNS[column].1 {
        Column::Field(field) => field,
        Column::SchemaVersion => {
            let Value::Text(text) = value else { return None };
            draft.schema_version(text);
            return Some(());
        }
        Column::BucketArn => {
            let Value::Text(text) = value else { return matches!(value, Value::Null).then_some(()) };
            draft.bucket_arn(Cow::Borrowed(text));
            return Some(());
        }
    };
    match (value, field) {
        (Value::Null, _) => {}
        (Value::Text(text), Field::Time) => draft.time(minute.parse(text)?, text),
        (Value::Text(text), Field::AclRequired) => draft.acl_required_text(text).ok()?,
        (Value::Text(text) | Value::Number(text), field) if is_integer(field) => {
            draft.digits(field, text).ok()?;
        }
        (Value::Text(text), field) => draft.text(field, text),
        (Value::Boolean(is_required), Field::AclRequired) => draft.acl_required(is_required),
        (Value::Escaped(text), field) if field != Field::Time && !is_integer(field) => {
            let text: String = sonic_rs::from_slice(text).ok()?;
            if field == Field::AclRequired {
                return None;
            }
            draft.owned_text(field, text.as_bytes());
        }
        _ => return None,
    }
    Some(())
}
