//! The ends of quoted fields with quotes in them: request URI, referer and user agent.
//!
//! S3 does not escape quotes. A quote ends a field only if what follows it can follow the field.

use memchr::memchr;

use super::super::number::is_status;
use super::number_fields;
use super::words::{next_word, quotes_from, skip_spaces, word_at};

/// The quote that ends the request URI that begins at `start`; `None` if the line ends within the URI.
///
/// It is the first quote that can be the end: after which all numbers follow; or which is after an HTTP version or an absent
/// URI, and before a status; or which is after or before one of these, with only words without quotes up to the next
/// quoted text. So a URI never goes on after what can be its end, even if the numbers after it turn out to be none:
/// a later quote may be in a referer without quotes. Nor does it go on after a status, unless up to an HTTP version. If
/// no quote can be the end, the one that is most like it is returned, so that the field that is wrong is named.
pub(super) fn end_of_uri(line: &[u8], start: usize) -> Option<usize> {
    let mut best: Option<(usize, u8)> = None;
    for quote in quotes_from(line, start) {
        let after = quote + 1;
        if !matches!(line.get(after), None | Some(b' ')) {
            continue;
        }
        let uri = &line[start..quote];
        let is_whole = matches!(uri, b"" | b"-") || ends_with_version(uri);
        // A quoted text in the place of the status is not a part of the URI.
        if is_whole && line.get(skip_spaces(line, after)) == Some(&b'"') {
            return Some(quote);
        }
        let has_status = word_at(line, after).is_some_and(|(start, end)| is_status(&line[start..end]));
        if is_whole && has_status {
            return Some(quote);
        }
        if best.is_none_or(|(_, likeness)| is_whole || likeness == 0) {
            if (is_whole || has_status) && number_fields::begin(line, after) {
                return Some(quote);
            }
            if best.is_none() && number_fields::follow(line, after) {
                return Some(quote);
            }
            if (is_whole || has_status) && words_follow(line, after) {
                return Some(quote);
            }
        }
        let likeness = if is_whole { 2 } else { u8::from(has_status) };
        if best.is_none_or(|(_, other)| likeness > other) {
            best = Some((quote, likeness));
        }
    }
    best.map(|(quote, _)| quote)
}

/// The quote that ends the request URI that begins at `start`, if status, error code, four numbers and the
/// referer follow it.
pub(super) fn certain_end_of_uri(line: &[u8], start: usize) -> Option<usize> {
    end_of_uri(line, start).filter(|quote| number_fields::follow(line, quote + 1))
}

/// Whether a request line ends with ` HTTP/1.1` or another version.
pub(super) fn ends_with_version(uri: &[u8]) -> bool {
    let version = uri.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let Some(version) = version.strip_prefix(b"HTTP/") else { return false };
    uri.len() > version.len() + 5
        && version.first().is_some_and(u8::is_ascii_digit)
        && version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// Whether words without quotes follow, up to a quoted text or the end of the line.
fn words_follow(line: &[u8], at: usize) -> bool {
    let rest = &line[at..];
    let Some(quote) = memchr(b'"', rest) else { return true };
    quote > 1 && rest[quote - 1] == b' ' && rest[..quote].iter().any(|byte| *byte != b' ')
}

/// The end of the status (a number or `-`) after a space at `at`.
pub(super) fn end_of_status(line: &[u8], at: usize) -> Option<usize> {
    if line.get(at) != Some(&b' ') {
        return None;
    }
    let (text, next) = next_word(line, at)?;
    (text == b"-" || is_status(text)).then_some(next)
}

/// The quote that ends the referer that begins at `start`, and the quote at which the user agent begins: the first two
/// with only spaces between them, if possible two that are not escaped. (S3 escapes none, so a referer may end in a
/// backslash.)
pub(super) fn end_of_referer(line: &[u8], start: usize) -> Option<(usize, usize)> {
    let pairs = || {
        quotes_from(line, start).filter_map(|quote| {
            let next = skip_spaces(line, quote + 1);
            (next > quote + 1 && line.get(next) == Some(&b'"')).then_some((quote, next))
        })
    };
    let is_escaped =
        |quote: usize| line[start..quote].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    pairs().find(|(quote, _)| !is_escaped(*quote)).or_else(|| pairs().next())
}
