//! Address, requester, request id and operation of a line, also with spaces in the requester or missing fields.

use super::super::{address, method};
use super::line_head::{self, LineHead};
use super::server_forms;
use super::words::{next_quoted_word, trim_spaces, unquoted_field, word_at};

/// Words after the time that are searched for the operation.
const WORDS_MAX: usize = 32;

#[derive(Default)]
pub(super) struct Identity<'a> {
    pub(super) remote_ip: &'a [u8],
    pub(super) requester: &'a [u8],
    pub(super) request_id: &'a [u8],
    pub(super) operation: &'a [u8],
    /// Text that can be several of the fields.
    pub(super) unknown: &'a [u8],
    pub(super) end: usize,
    pub(super) operation_is_first: bool,
}

impl<'a> Identity<'a> {
    /// Reads the fields that begin at `at`, after the time. `None` if there is no operation.
    pub(super) fn read(line: &'a [u8], at: usize, bucket: &[u8]) -> Option<Identity<'a>> {
        let found = Identity::find(line, at)?;
        let is_key = !found.operation_is_first && is_key(line, bucket, found.operation, found.end);
        (!is_key).then_some(found)
    }

    fn find(line: &'a [u8], at: usize) -> Option<Identity<'a>> {
        // Search only the words before the first quote: clients choose the text after it.
        let mut spans = [(0, 0); WORDS_MAX];
        let mut count = 0;
        let mut next = at;
        let mut quote_follows = false;
        while count < WORDS_MAX
            && let Some((start, end)) = word_at(line, next)
        {
            if line[start] == b'"' {
                quote_follows = true;
                break;
            }
            next = end;
            // A list of addresses, as proxies forward it: `192.0.2.7, 198.51.100.9`.
            if count == 1 && line[spans[0].1 - 1] == b',' {
                spans[0].1 = end;
                continue;
            }
            spans[count] = (start, end);
            count += 1;
        }
        let spans = &spans[..count];
        if let Some(found) = with_empty_fields(line, at) {
            return Some(found);
        }
        let index = index_of_operation(line, at, spans, quote_follows)?;

        let text = |index: usize| &line[spans[index].0..spans[index].1];
        let (operation, end) = (text(index), spans[index].1);
        let mut found = Identity { operation, end, operation_is_first: index == 0, ..Identity::default() };
        match index {
            0 => {}
            // A field is missing. The form of the others shows which it is, or they are in no field.
            1 if can_be_address(text(0)) => found.remote_ip = unquoted_field(text(0)),
            1 if is_usual_id(text(0)) => found.request_id = text(0),
            1 => found.unknown = text(0),
            2 if is_usual_id(text(1)) && can_be_address(text(0)) => {
                found.remote_ip = unquoted_field(text(0));
                found.request_id = text(1);
            }
            2 if is_usual_id(text(1)) => {
                found.requester = unquoted_field(text(0));
                found.request_id = text(1);
            }
            2 if can_be_address(text(0)) => {
                found.remote_ip = unquoted_field(text(0));
                found.unknown = unquoted_field(text(1));
            }
            2 => found.unknown = &line[spans[0].0..spans[1].1],
            _ => {
                found.remote_ip = unquoted_field(text(0));
                found.request_id = unquoted_field(text(index - 1));
                if index > 2 {
                    found.requester = unquoted_field(&line[spans[1].0..spans[index - 2].1]);
                }
            }
        }
        Some(found)
    }
}

/// The index of the operation among the words that begin at `at`.
fn index_of_operation(
    line: &[u8],
    at: usize,
    words: &[(usize, usize)],
    quote_follows: bool,
) -> Option<usize> {
    let count = words.len();
    let text = |index: usize| &line[words[index].0..words[index].1];
    let is_known = |index: usize| is_known_operation(text(index));
    let spaces_before = |index: usize| words[index].0 - if index == 0 { at } else { words[index - 1].1 };
    // An unknown operation that follows two spaces may be the field after an empty one.
    let can_be_unknown = |index: usize| can_be_operation(text(index)) && spaces_before(index) == 1;

    // A line whose operation follows the time has no other: later ones are words of its key.
    if count > 0 && is_known(0) {
        return Some(0);
    }
    // The operation is at its usual index: address, requester, request id, operation.
    let is_operation = count > 3 && (is_known(3) || (names_operation(text(3)) && !(0..3).any(is_known)));
    let is_usual = count > 3 && (is_operation || (is_usual_id(text(2)) && can_be_unknown(3)));
    if is_usual {
        return Some(3);
    }
    // The requester is empty, so that two spaces follow the address.
    let requester_is_empty = count > 2 && spaces_before(1) == 2 && is_usual_id(text(1));
    if requester_is_empty && (is_known(2) || can_be_operation(text(2))) {
        return Some(2);
    }
    // A field before the operation is missing.
    let is_first_known = || (0..count.min(3)).find(|&index| is_known(index));
    // Only ARNs have spaces. Otherwise nothing shows which of several words are the requester.
    if !(count > 1 && text(1).starts_with(b"arn:")) {
        return is_first_known().or_else(|| {
            // It is at its usual index, with an unknown operation and an unknown kind of request id.
            let is_it = || {
                let has_form = text(3)[0].is_ascii_uppercase() && can_be_unknown(3);
                has_form && can_be_address(text(0)) && !text(2).contains(&b'"') && !(4..count).any(is_known)
            };
            (count > 4 && quote_follows && is_it()).then_some(3)
        });
    }
    // The requester has spaces.
    (4..count)
        .find(|&index| is_known(index) && is_usual_id(text(index - 1)))
        // The requester has spaces, and the operation is unknown: only the key is between it and the request URI.
        .or_else(|| {
            let index = count.checked_sub(2).filter(|&index| index > 3 && quote_follows)?;
            (is_usual_id(text(index - 1)) && can_be_unknown(index)).then_some(index)
        })
        // The requester has spaces, and the request id is absent or has another length.
        .or_else(|| {
            let is_it =
                |index: usize| is_known(index) && is_id(text(index - 1)) && !is_usual_id(text(index - 2));
            (4..count).find(|&index| is_it(index))
        })
        .or_else(is_first_known)
}

/// Whether the word in the place of the operation, which ends at `end`, is the key or its first word: the operation is
/// missing. The path of the request line shows that, or that the line has one word fewer than any form.
fn is_key(line: &[u8], bucket: &[u8], operation: &[u8], end: usize) -> bool {
    let start = end - operation.len();
    let Some((next, end_of_next)) = word_at(line, end) else { return false };
    let is_path_of = |path: &[u8], end: usize| server_forms::is_path_of(path, bucket, &line[start..end]);
    if line[next] != b'"' {
        let is_request_line = server_forms::end_of_request_line(line, next).is_some();
        let path = if is_request_line { word_at(line, end_of_next) } else { Some((next, end_of_next)) };
        if path.is_some_and(|(from, to)| is_path_of(&line[from..to], end)) {
            return true;
        }
    } else if is_path_of(path_at(line, next), end) {
        return true;
    }
    if has_known_form(operation) {
        return false;
    }
    // A key of several words. An unknown operation alone does not show that it is one.
    let open = next_quoted_word(line, end);
    if let Some(open) = open.filter(|open| *open > next)
        && is_path_of(path_at(line, open), trim_spaces(line, open))
    {
        return true;
    }
    // Two spaces are an empty key.
    line[next] == b'"' && next == end + 1 && !method::is_action(operation)
}

/// The path of the request line that begins at the quote at `open`.
fn path_at(line: &[u8], open: usize) -> &[u8] {
    let text = &line[open + 1..];
    let end = memchr::memmem::find(text, b" HTTP/").or_else(|| memchr::memchr(b'"', text));
    let text = &text[..end.unwrap_or(text.len())];
    memchr::memchr(b' ', text).map_or(&[], |space| &text[space + 1..])
}

/// The fields that begin at `at`, if each space is a separator, and at least one of the fields before the operation is
/// empty.
fn with_empty_fields(line: &[u8], at: usize) -> Option<Identity<'_>> {
    let rest = line.get(at..)?.strip_prefix(b" ")?;
    let mut words = rest.split(|byte| *byte == b' ');
    let [remote_ip, requester, request_id, operation] =
        [words.next()?, words.next()?, words.next()?, words.next()?];
    let before = [remote_ip, requester, request_id];
    let is_operation = is_known_operation(operation)
        || (is_usual_id(request_id) && !operation.is_empty() && can_be_operation(operation));
    if !is_operation
        || before.into_iter().any(|word| is_known_operation(word) || word.first() == Some(&b'"'))
        || before.iter().all(|word| !word.is_empty())
    {
        return None;
    }
    let end = at + 1 + before.iter().map(|word| word.len() + 1).sum::<usize>() + operation.len();
    let [remote_ip, requester, request_id] = before.map(unquoted_field);
    Some(Identity { remote_ip, requester, request_id, operation, end, ..Identity::default() })
}

/// Whether a word can be an address: absent, an address, a list of them, or one that was made unrecognizable.
fn can_be_address(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X' | b'*' | b'.' | b':');
    let is_masked = || word.iter().all(is_part) && word.iter().any(|byte| matches!(byte, b'.' | b':'));
    word == b"-" || is_masked() || address::parse(word).is_some() || address::first_of_list(word).is_some()
}

/// Whether a text begins with a record that has at least its fields up to the operation.
pub(super) fn begins_with_record(text: &[u8]) -> bool {
    LineHead::read(text).is_ok_and(|head| Identity::read(text, head.end, head.bucket).is_some())
}

/// Whether a line is a record up to its operation, except that its date or time of day does not exist.
pub fn has_impossible_time(line: &[u8]) -> bool {
    line_head::end_of_impossible_time(line)
        .is_some_and(|(bucket, end)| Identity::read(line, end, bucket).is_some())
}

/// Whether a word is an operation of a known kind.
pub(super) fn is_known_operation(word: &[u8]) -> bool {
    word.starts_with(b"REST.")
        || word.starts_with(b"BATCH.")
        || word.starts_with(b"WEBSITE.")
        || word.starts_with(b"S3.")
        || word.starts_with(b"SOAP.")
}

/// Whether an operation is of a kind that S3 or another server is known to log.
pub(super) fn has_known_form(operation: &[u8]) -> bool {
    is_known_operation(operation) || names_operation(operation)
}

/// Whether a word is an operation as other servers name it: `s3_GetObject`, `GET.OBJECT`, `GET`.
fn names_operation(word: &[u8]) -> bool {
    word.starts_with(b"s3_") || word.starts_with(b"s3:") || method::of_operation(word).is_some()
}

fn can_be_operation(word: &[u8]) -> bool {
    word[0].is_ascii_alphabetic()
        && word.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether a requester means an anonymous request. Until about 2010, S3 logged the id of a group for it.
pub(in crate::log) fn is_anonymous(requester: &[u8]) -> bool {
    match requester.len() {
        32 => requester == b"65a011a29cdf8ec533ec3d1ccaae921c",
        9 => requester.eq_ignore_ascii_case(b"anonymous"),
        _ => false,
    }
}

/// Whether a word can be a request id: upper-case letters and digits, a UUID, or absent.
fn is_id(word: &[u8]) -> bool {
    word == b"-" || is_uuid(word) || is_upper_case(word)
}

/// Whether a word is a request id of the forms that S3 creates: hardly anything else has these forms.
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
