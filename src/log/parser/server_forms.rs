//! Forms of records that other servers than S3 write: journal records, records without quotes, and more fields
//! behind the user agent. [`super::line`] asks for them before it reads a line field by field.

use memchr::{memchr, memmem, memrchr};

use super::super::method;
use super::super::number::{is_digits as is_number, is_status};
use super::trailing_fields;

/// How many words are looked at for the status of a record without quotes.
const WORDS: usize = 128;
/// How many words an error message has at most, in the place of an error code.
const ERROR_WORDS: usize = 24;

/// What follows the operation of a journal record of Ceph RGW: `key size version etag`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal<'a> {
    pub(super) key: &'a [u8],
    pub(super) size: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) etag: &'a [u8],
}

/// Reads what follows an operation that stands directly after the time.
pub(super) fn journal(rest: &[u8]) -> Option<Journal<'_>> {
    if memmem::find(rest, b" \"").is_some() {
        return None;
    }
    let (rest, etag) = last_word(rest)?;
    let (rest, version) = last_word(rest)?;
    let (rest, size) = last_word(rest)?;
    let key = rest.trim_ascii();
    let is_absent = |word: &[u8]| word == b"-";
    // A key with spaces needs an ETag to tell where it ends. A version of three digits would be a status.
    let is_journal = !key.is_empty()
        && (is_absent(size) || is_number(size))
        && (is_etag(etag) || (is_absent(etag) && memchr(b' ', key).is_none()))
        && !(is_absent(size) && is_absent(etag) && is_status(version));
    is_journal.then_some(Journal { key, size, version, etag })
}

/// What follows the operation of a record without quotes, up to its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unquoted<'a> {
    pub(super) key: &'a [u8],
    pub(super) uri: &'a [u8],
    pub(super) status: &'a [u8],
    pub(super) error: &'a [u8],
    /// Bytes sent, object size, total time, turn-around time.
    pub(super) numbers: [&'a [u8]; 4],
    /// Where the last number ends in the line.
    pub(super) end: usize,
}

/// Why a record without quotes cannot be read: its fields can end in several places.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ambiguous;

/// Reads what follows the operation of a record without quotes, as versitygw writes it: key, path, status, error
/// code or message, four numbers. `None`: another form.
pub(super) fn unquoted<'a>(
    line: &'a [u8],
    at: usize,
    bucket: &[u8],
) -> Option<Result<Unquoted<'a>, Ambiguous>> {
    // Strangers choose the path and the user agent, so these may look like more fields. But key and path say the same
    // thing: where they do, the path ends, unless that is so in several places.
    let mut words = Vec::new();
    let mut next = at;
    while words.len() < WORDS
        && let Some((start, end)) = word_at(line, next)
        && line[start] != b'"'
    {
        words.push((start, end));
        next = end;
    }
    let text = |index: usize| words.get(index).map(|&(start, end)| &line[start..end]);
    let are_numbers = |first: usize| (first..first + 4).all(|at| text(at).is_some_and(is_number));
    let mut found = None;
    for index in (2..words.len()).filter(|index| text(*index).is_some_and(is_status)) {
        let Some(first) = (index + 2..=index + 1 + ERROR_WORDS).find(|first| are_numbers(*first)) else {
            continue;
        };
        for start_of_uri in (1..index).filter(|at| text(*at).is_some_and(|word| word[0] == b'/')) {
            let key = &line[words[0].0..words[start_of_uri - 1].1];
            let uri = &line[words[start_of_uri].0..words[index - 1].1];
            if !is_path_of(uri, bucket, key) {
                continue;
            }
            if found.is_some() {
                return Some(Err(Ambiguous));
            }
            found = Some(Unquoted {
                key,
                uri,
                status: text(index)?,
                error: &line[words[index + 1].0..words[first - 1].1],
                numbers: [text(first)?, text(first + 1)?, text(first + 2)?, text(first + 3)?],
                end: words[first + 3].1,
            });
        }
    }
    found.map(Ok)
}

/// Whether a path is that of a key, in a bucket or in the bucket that the host names.
fn is_path_of(uri: &[u8], bucket: &[u8], key: &[u8]) -> bool {
    let path = &uri[..memchr(b'?', uri).unwrap_or(uri.len())];
    let Some(path) = path.strip_prefix(b"/") else { return false };
    let is_key = |path: &[u8]| {
        let decoded = |text| percent_encoding::percent_decode(text);
        if path.is_empty() { key == b"-" } else { path == key || decoded(path).eq(decoded(key)) }
    };
    is_key(path)
        || path.strip_prefix(bucket).is_some_and(|rest| match rest.strip_prefix(b"/") {
            Some(path) => is_key(path),
            None => rest.is_empty() && key == b"-",
        })
}

/// Where a request line without quotes ends that begins at `at`: method, path and HTTP version.
pub(super) fn end_of_request_line(line: &[u8], at: usize) -> Option<usize> {
    let (start, end) = word_at(line, at)?;
    method::named(&line[start..end])?;
    let (_, end) = word_at(line, end)?;
    let (start, end) = word_at(line, end)?;
    line[start..end].starts_with(b"HTTP/").then_some(end)
}

/// Where the fields begin that follow a user agent without quotes: from the version id on, found from the end
/// of the line.
pub(super) fn start_of_tail(line: &[u8], at: usize) -> Option<usize> {
    let mut words: Vec<&[u8]> = Vec::with_capacity(trailing_fields::FIELDS);
    let mut starts = Vec::with_capacity(trailing_fields::FIELDS);
    let mut rest = &line[at..];
    while words.len() < trailing_fields::FIELDS
        && let Some((before, word)) = last_word(rest)
    {
        starts.push(at + before.len());
        words.push(word);
        rest = before;
    }
    words.reverse();
    starts.reverse();
    // The source region is the newest field; older records end before it, or before the fields before it.
    [9, 10, 8, 7].into_iter().find_map(|length| {
        let first = words.len().checked_sub(length)?;
        trailing_fields::is_anchored(&words[first..]).then(|| starts[first])
    })
}

/// What follows the user agent in a record of Huawei OBS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Obs {
    /// The quote that ends the user agent.
    pub(super) close: usize,
    /// Where the version id begins and ends.
    pub(super) version: (usize, usize),
}

/// Reads the end of a record of Huawei OBS, whose user agent begins at the quote at `open`. Behind the version id
/// it has an agency, two storage classes, a quoted name of a directory, and ids.
pub(super) fn obs(line: &[u8], owner: &[u8], open: usize) -> Option<Obs> {
    // Owners are 32 hexadecimal digits there; those of S3 are 64.
    if !is_hex(owner, 32) {
        return None;
    }
    let last = memrchr(b'"', &line[open + 1..]).map(|at| open + 1 + at)?;
    let first = memrchr(b'"', &line[open + 1..last]).map(|at| open + 1 + at)?;
    let close = memrchr(b'"', &line[open + 1..first]).map(|at| open + 1 + at)?;
    let user = word_at(line, last + 1).map(|(start, end)| &line[start..end])?;
    let fields: Vec<_> =
        line[close + 1..first].split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let is_obs = fields.len() == 4
        && line[close + 1] == b' '
        && line[first - 1] == b' '
        && line[last + 1] == b' '
        && (user == b"-" || is_hex(user, 32));
    let version = word_at(line, close + 1)?;
    is_obs.then_some(Obs { close, version })
}

/// Whether this is an operation as other servers name it: `s3_GetObject`, `GET.OBJECT`, `GET`.
pub(super) fn is_operation(word: &[u8]) -> bool {
    word.starts_with(b"s3_") || word.starts_with(b"s3:") || method::of_operation(word).is_some()
}

/// An MD5, with the number of parts if there were several.
fn is_etag(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
    match memchr(b'-', word) {
        Some(dash) => is_hex(&word[..dash], 32) && is_number(&word[dash + 1..]),
        None => is_hex(word, 32),
    }
}

fn is_hex(word: &[u8], length: usize) -> bool {
    word.len() == length && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where the next word begins and ends.
fn word_at(line: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = line.get(at..)?;
    let start = at + rest.iter().position(|byte| *byte != b' ')?;
    let end = memchr(b' ', &line[start..]).map_or(line.len(), |length| start + length);
    Some((start, end))
}

/// The last word of a text, and what is before it.
fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().rposition(|byte| *byte != b' ')? + 1;
    let start = memrchr(b' ', &text[..end]).map_or(0, |space| space + 1);
    Some((&text[..start], &text[start..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_one_key() {
        for (uri, key, agrees) in [
            ("/media/a/b.jpg", "a/b.jpg", true),
            ("/media/a%20b.jpg?versionId=1", "a b.jpg", true),
            ("/a/b.jpg", "a/b.jpg", true),
            ("/media", "-", true),
            ("/", "-", true),
            ("/media/?list-type=2", "-", true),
            ("/media/a", "b", false),
            ("/mediaa", "a", false),
            ("/other/a", "a", false),
        ] {
            assert_eq!(is_path_of(uri.as_bytes(), b"media", key.as_bytes()), agrees, "{uri} {key}");
        }
    }
}
