//! The key and the request URI of a line with a quoted request line, or without a request line.
//!
//! S3 encodes keys, so a key is one word. Some servers do not: their keys may have spaces and quotes, and end where the
//! request line begins.

use memchr::{memmem, memrchr};

use super::super::number::{is_digits, is_status};
use super::super::{Rejection, method};
use super::number_fields;
use super::server_forms::{end_of_request_line, is_path_of};
use super::text_fields::{end_of_status, end_of_uri, ends_with_version};
use super::words::{next_quoted_word, trim_spaces, word_at};

/// What separates two quoted texts. A URI with it is one text only if it is a request line up to its version.
pub(super) const TWO_TEXTS: &[u8] = b"\" \"";

/// Key and request URI of a line, without quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyAndUri<'a> {
    pub(super) key: &'a [u8],
    pub(super) uri: &'a [u8],
    /// The end of the URI in the line, after its quote.
    pub(super) end: usize,
    /// Whether the URI is a request line without quotes, as moto writes it.
    pub(super) uri_is_unquoted: bool,
}

/// Reads the fields that begin at `at`, after the operation. `key_may_have_spaces` is `false` if the operation is of no
/// known kind: then nothing shows that the key does not begin earlier.
pub(super) fn read<'a>(
    line: &'a [u8],
    at: usize,
    bucket: &[u8],
    key_may_have_spaces: bool,
) -> Result<KeyAndUri<'a>, Rejection> {
    let Some((start, end)) = word_at(line, at) else {
        return Ok(KeyAndUri { end: at, ..KeyAndUri::default() });
    };
    let is_quoted = line[start] == b'"';
    let next = word_at(line, end);
    let quoted_next = next.map(|(start, _)| start).filter(|start| line[*start] == b'"');

    // The key is missing.
    let can_be_uri = |at: usize| begins_with_request_line(line, at) || begins_with_absent(line, at);
    if is_quoted && can_be_uri(start) && !quoted_next.is_some_and(can_be_uri) {
        return with_quoted_uri(line, (start, start), start);
    }
    if let Some(end) = end_of_request_line(line, at) {
        return Ok(KeyAndUri { uri: &line[start..end], end, uri_is_unquoted: true, ..KeyAndUri::default() });
    }
    // The key is one word.
    let key = &line[start..end];
    let Some((next, end_of_next)) = next else {
        return if is_quoted {
            with_quoted_uri(line, (start, start), start)
        } else {
            Ok(KeyAndUri { key, end, ..KeyAndUri::default() })
        };
    };
    if can_be_uri(next) {
        return with_quoted_uri(line, (start, end), next);
    }
    if !is_quoted {
        // The line may end here, or within the status.
        let is_last = word_at(line, end_of_next)
            .is_none_or(|(start, end)| end == line.len() && is_digits(&line[start..end]));
        if line[next..end_of_next] == *b"-" && (is_last || end_of_status(line, end_of_next).is_some()) {
            return Ok(KeyAndUri { key, end: end_of_next, ..KeyAndUri::default() });
        }
        if let Some(end) = end_of_request_line(line, end) {
            return Ok(KeyAndUri { key, uri: &line[next..end], end, uri_is_unquoted: true });
        }
        // The URI is empty, so that two spaces follow the key.
        let is_empty = next == end + 2 && start <= at + 1;
        if is_empty && is_status(&line[next..end_of_next]) && number_fields::follow(line, end) {
            return Ok(KeyAndUri { key, end, ..KeyAndUri::default() });
        }
    }
    if key_may_have_spaces && let Some(open) = request_line(line, start, bucket) {
        return with_quoted_uri(line, (start, trim_spaces(line, open)), open);
    }
    let (key, open) = if is_quoted { ((start, start), Some(start)) } else { ((start, end), quoted_next) };
    let open = open.ok_or(Rejection::NoRequestUri)?;
    let found = with_quoted_uri(line, key, open)?;
    let is_last = found.end == line.len() && !can_be_cut_off(line, open);
    // A quoted text directly after the operation may be the key, if it goes on to another URI.
    let has_other =
        || next_quoted_word(line, start + 1).is_some_and(|other| other < found.end && can_be_uri(other));
    if is_last || is_quoted && has_other() { Err(Rejection::NoRequestUri) } else { Ok(found) }
}

fn with_quoted_uri(
    line: &[u8],
    (start, end): (usize, usize),
    open: usize,
) -> Result<KeyAndUri<'_>, Rejection> {
    let close = match end_of_uri(line, open + 1) {
        Some(close) => close,
        None if can_be_cut_off(line, open) => line.len(),
        None => return Err(Rejection::NoRequestUri),
    };
    let uri = &line[open + 1..close];
    if let Some(quote) = memmem::find(uri, TWO_TEXTS) {
        let next = open + 1 + quote + TWO_TEXTS.len() - 1;
        if !begins_with_request_line(line, open) {
            if begins_with_request_line(line, next) {
                return Err(Rejection::NoRequestUri);
            }
        } else if !ends_with_version(uri) && close < line.len() {
            return Err(Rejection::NoStatus);
        }
    }
    Ok(KeyAndUri { key: &line[start..end], uri, end: (close + 1).min(line.len()), uri_is_unquoted: false })
}

/// The quote at which the request line begins after a key of several words that begins at `start`: the first one that a
/// status follows, or that the end of the line cuts off. After a quote in the key, the request line must be that
/// of the key: the quote may also begin the URI, whose sender can put a request line into it.
fn request_line(line: &[u8], start: usize, bucket: &[u8]) -> Option<usize> {
    let mut at = start + 1;
    let mut has_quote = line[start] == b'"';
    while let Some(open) = next_quoted_word(line, at) {
        if begins_with_request_line(line, open) && uri_ends_before_status(line, open) {
            let close = end_of_uri(line, open + 1).unwrap_or(line.len());
            // Not all servers encode the path.
            let uri = &line[open + 1..close];
            let end = if ends_with_version(uri) { memrchr(b' ', uri) } else { None };
            let path =
                uri[..end.unwrap_or(uri.len())].splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default();
            if !has_quote || is_path_of(path, bucket, &line[start..trim_spaces(line, open)]) {
                return Some(open);
            }
        }
        has_quote = true;
        at = open + 1;
    }
    None
}

/// Whether a status follows the URI that begins at the quote at `open`, or the line ends within the URI.
fn uri_ends_before_status(line: &[u8], open: usize) -> bool {
    end_of_uri(line, open + 1).is_none_or(|close| end_of_status(line, close + 1).is_some())
}

/// Whether the line may end within the request line that begins at the quote at `open`.
fn can_be_cut_off(line: &[u8], open: usize) -> bool {
    begins_with_request_line(line, open) || line[open + 1..].iter().all(u8::is_ascii_uppercase)
}

/// Whether a quoted text begins with a method and a path.
pub(super) fn begins_with_request_line(line: &[u8], at: usize) -> bool {
    let Some(text) = line.get(at..).and_then(|text| text.strip_prefix(b"\"")) else { return false };
    let method = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let can_be_method = method::named(method).is_some()
        || (matches!(method.len(), 3..=16) && method.iter().all(u8::is_ascii_uppercase));
    can_be_method && text.get(method.len()) == Some(&b' ')
}

/// Whether a text begins with a quoted `-`, or with an empty quoted text.
fn begins_with_absent(line: &[u8], at: usize) -> bool {
    let rest = line.get(at..).unwrap_or_default();
    let rest = rest.strip_prefix(b"\"-\"").or_else(|| rest.strip_prefix(b"\"\""));
    rest.is_some_and(|rest| matches!(rest, [] | [b' ', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_and_uri(rest: &str) -> Result<(String, String), Rejection> {
        let line = format!("OP{rest}");
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        read(line.as_bytes(), 2, b"bk", true).map(|found| (text(found.key), text(found.uri)))
    }

    #[test]
    fn a_key_ends_where_the_request_line_begins() {
        for (rest, key, uri) in [
            (" a \"GET /a HTTP/1.1\" 200 -", "a", "GET /a HTTP/1.1"),
            (" a - 204 -", "a", ""),
            (" a \"-\" 204 -", "a", "-"),
            (" a", "a", ""),
            (" a -", "a", ""),
            (" a \"GET /", "a", "GET /"),
            (" my - key \"GET /a HTTP/1.1\" 200 -", "my - key", "GET /a HTTP/1.1"),
            (
                " a \"b\" c \"GET /bk/a%20%22b%22%20c HTTP/1.1\" 200 -",
                "a \"b\" c",
                "GET /bk/a%20%22b%22%20c HTTP/1.1",
            ),
            (" \"b\" c \"GET /%22b%22%20c HTTP/1.1\" 200 -", "\"b\" c", "GET /%22b%22%20c HTTP/1.1"),
            // Not a key and its request line, but a URI that contains a request line.
            (" a \"x \"GET /b HTTP/1.1\" 200 -", "a", "x \"GET /b HTTP/1.1"),
            (" \"-\" \"GET /a HTTP/1.1\" 200 -", "\"-\"", "GET /a HTTP/1.1"),
            ("  \"GET /a HTTP/1.1\" 200 -", "", "GET /a HTTP/1.1"),
            (" a  200 - 10 20 30 4 \"-\" \"-\"", "a", ""),
            (" a \"x y\" 200 - 10 20 30 4 \"-\" \"-\"", "a", "x y"),
            (" a PUT /a HTTP/1.1 200 -", "a", "PUT /a HTTP/1.1"),
            ("  PUT /a HTTP/1.1 200 -", "", "PUT /a HTTP/1.1"),
        ] {
            assert_eq!(key_and_uri(rest), Ok((key.to_owned(), uri.to_owned())), "{rest}");
        }
    }

    #[test]
    fn without_a_request_line_other_fields_are_not_read_as_key_or_uri() {
        for rest in [
            " a many 200 - 10 20 30 4 \"http://ref/\" \"agent\"",
            " a many 200 - 10 20 30 4 \"-\" \"-\" - - - - - - -",
            " a /a 200 - 10 20 30 4 - agent",
            "  /a 200 - 10 20 30 4 - agent",
            " a 404 - 10",
        ] {
            assert_eq!(key_and_uri(rest), Err(Rejection::NoRequestUri), "{rest}");
        }
    }
}
