//! Forms of records that other servers than S3 write: journal records, records without quotes, and more fields after
//! the user agent.

use memchr::{memchr, memmem, memrchr};

use super::super::number::{is_digits, is_status};
use super::super::{Rejection, method};
use super::trailing_fields;
use super::words::{is_hex, last_word, word_at};

/// Number of words that are searched for the status of a record without quotes.
const UNQUOTED_WORDS_MAX: usize = 128;
/// Number of words of an error message in the place of an error code.
const ERROR_WORDS_MAX: usize = 24;

/// What follows the operation of a journal record of Ceph RGW: `key size version etag`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal<'a> {
    pub(super) key: &'a [u8],
    pub(super) size: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) etag: &'a [u8],
}

/// Reads the `rest` of a line after an operation that follows directly after the time.
pub(super) fn read_journal(rest: &[u8]) -> Option<Journal<'_>> {
    if memmem::find(rest, b" \"").is_some() {
        return None;
    }
    let (rest, etag) = last_word(rest)?;
    let (rest, version) = last_word(rest)?;
    let (rest, size) = last_word(rest)?;
    let key = rest.trim_ascii();
    let is_absent = |word: &[u8]| word == b"-";
    // Only an ETag shows where a key with spaces ends. A version of three digits is more likely a status.
    let is_journal = !key.is_empty()
        && (is_absent(size) || is_digits(size))
        && (is_etag(etag) || (is_absent(etag) && memchr(b' ', key).is_none()))
        && !(is_absent(size) && is_absent(etag) && is_status(version));
    is_journal.then_some(Journal { key, size, version, etag })
}

/// Whether a word is an MD5, with the number of parts if the object has several.
fn is_etag(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
    match memchr(b'-', word) {
        Some(dash) => is_hex(&word[..dash], 32) && is_digits(&word[dash + 1..]),
        None => is_hex(word, 32),
    }
}

/// What follows the operation of a record without quotes, up to its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unquoted<'a> {
    pub(super) key: &'a [u8],
    pub(super) uri: &'a [u8],
    pub(super) status: &'a [u8],
    pub(super) error: &'a [u8],
    pub(super) numbers: [&'a [u8]; 4],
    /// The end of the last number in the line.
    pub(super) end: usize,
}

/// Reads the fields of a record without quotes that begin at `at`, after the operation, as versitygw writes them: key,
/// path, status, error code or message, four numbers. `None` if the record has another form.
pub(super) fn read_unquoted<'a>(
    line: &'a [u8],
    at: usize,
    bucket: &[u8],
) -> Result<Option<Unquoted<'a>>, Rejection> {
    // Clients choose the path and the user agent, which may look like further fields. But the path repeats the key:
    // the path ends where the two agree, unless they agree in several places.
    let mut words = Vec::new();
    let mut next = at;
    while words.len() < UNQUOTED_WORDS_MAX
        && let Some((start, end)) = word_at(line, next)
        && line[start] != b'"'
    {
        words.push((start, end));
        next = end;
    }
    let text = |index: usize| words.get(index).map_or(&[][..], |&(start, end)| &line[start..end]);
    let are_numbers = |first: usize| (first..first + 4).all(|index| is_digits(text(index)));
    let mut found = None;
    for index in (2..words.len()).filter(|index| is_status(text(*index))) {
        let Some(first) = (index + 2..=index + 1 + ERROR_WORDS_MAX).find(|first| are_numbers(*first)) else {
            continue;
        };
        for start_of_uri in (1..index).filter(|index| text(*index).starts_with(b"/")) {
            let key = &line[words[0].0..words[start_of_uri - 1].1];
            let uri = &line[words[start_of_uri].0..words[index - 1].1];
            if !is_path_of(uri, bucket, key) {
                continue;
            }
            if found.is_some() {
                return Err(Rejection::Ambiguous);
            }
            found = Some(Unquoted {
                key,
                uri,
                status: text(index),
                error: &line[words[index + 1].0..words[first - 1].1],
                numbers: [text(first), text(first + 1), text(first + 2), text(first + 3)],
                end: words[first + 3].1,
            });
        }
    }
    Ok(found)
}

/// Whether a path is that of a key, with the bucket in the path or in the host name.
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

/// The end of a request line without quotes that begins at `at`: method, path and HTTP version.
pub(super) fn end_of_request_line(line: &[u8], at: usize) -> Option<usize> {
    let (start, end) = word_at(line, at)?;
    method::named(&line[start..end])?;
    let (_, end) = word_at(line, end)?;
    let (start, end) = word_at(line, end)?;
    line[start..end].starts_with(b"HTTP/").then_some(end)
}

/// The start of the trailing fields after a user agent without quotes, found from the end of the line.
pub(super) fn start_of_trailing_fields(line: &[u8], at: usize) -> Option<usize> {
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

/// The end of the user agent of a record of Huawei OBS, and the fields after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Obs {
    /// The quote that ends the user agent.
    pub(super) close: usize,
    /// Start and end of the version id.
    pub(super) version: (usize, usize),
}

/// Reads the end of a record of Huawei OBS whose user agent begins at the quote at `open`. After the version id it has
/// an agency, two storage classes, the quoted name of a directory, and ids.
pub(super) fn read_obs(line: &[u8], owner: &[u8], open: usize) -> Option<Obs> {
    // Owners have 32 hexadecimal digits in OBS, and 64 in S3.
    if !is_hex(owner, 32) {
        return None;
    }
    let last_quote = |end: usize| memrchr(b'"', &line[open + 1..end]).map(|offset| open + 1 + offset);
    let last = last_quote(line.len())?;
    let first = last_quote(last)?;
    let close = last_quote(first)?;
    let user = word_at(line, last + 1).map(|(start, end)| &line[start..end])?;
    let fields = line[close + 1..first].split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    let is_obs = fields == 4
        && line[close + 1] == b' '
        && line[first - 1] == b' '
        && line[last + 1] == b' '
        && (user == b"-" || is_hex(user, 32));
    let version = word_at(line, close + 1)?;
    is_obs.then_some(Obs { close, version })
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
