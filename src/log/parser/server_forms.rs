//! Forms of records that other servers than S3 write: journal records, records without quotes, and more fields after
//! the user agent.

use memchr::{memchr, memchr_iter};

use super::super::number::{is_digits, is_status};
use super::super::record::MEASURES;
use super::super::{Rejection, method};
use super::key_and_uri::begins_with_request_line;
use super::line_head::is_canonical_id;
use super::text_fields::ends_with_version;
use super::words::{is_hex, last_word, quotes_from, without_quotes, word_at, word_or_quoted_text_at};
use super::{number_fields, quotes, trailing_fields, user_agent};

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
pub(super) fn read_journal(rest: &[u8]) -> Result<Journal<'_>, Rejection> {
    let words = || -> Option<Journal<'_>> {
        let (rest, etag) = last_word(rest)?;
        let (rest, version) = last_word(rest)?;
        let (rest, size) = last_word(rest)?;
        let key = rest.trim_ascii();
        (!key.is_empty()).then_some(Journal { key, size, version, etag })
    };
    let has_quote = || memchr(b'"', rest).is_some();
    let Some(journal) = words() else {
        return Err(if has_quote() { Rejection::NoEtag } else { Rejection::CutOff });
    };
    let Journal { key, size, version, etag } = journal;
    let is_absent = |word: &[u8]| word == b"-";
    if !is_etag(etag) {
        if is_start_of_etag(etag) {
            return Err(Rejection::CutOff);
        }
        // Only an ETag shows where a key with spaces ends. A version of three digits is more likely a status.
        let is_unclear = memchr(b' ', key).is_some() || is_absent(size) && is_status(version);
        if !is_absent(etag) || is_unclear {
            return Err(Rejection::NoEtag);
        }
    }
    if memchr(b'"', version).is_some() {
        return Err(Rejection::NoEtag);
    }
    if is_absent(size) || is_digits(size) { Ok(journal) } else { Err(Rejection::NoSize) }
}

/// Whether a word at the end of a line can be an ETag that is cut off.
fn is_start_of_etag(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"\"").unwrap_or(word);
    word.len() < 32 && !word.is_empty() && is_hex(word, word.len())
}

/// Whether a word is an MD5, with the number of parts if the object has several.
fn is_etag(word: &[u8]) -> bool {
    let word = without_quotes(word);
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
    operation: &[u8],
) -> Result<Option<Unquoted<'a>>, Rejection> {
    // Clients choose the path and the user agent, which may look like further fields. But the path repeats the key:
    // the path ends where the two agree, unless they agree in several places.
    // Its keys are as the client chose them, also with quotes.
    let is_of_versitygw = operation.starts_with(b"s3_");
    let mut words = Vec::new();
    let mut next = at;
    while words.len() < UNQUOTED_WORDS_MAX
        && let Some((start, end)) = word_at(line, next)
        && (is_of_versitygw || line[start] != b'"')
    {
        words.push((start, end));
        next = end;
    }
    let text = |index: usize| words.get(index).map_or(&[][..], |&(start, end)| &line[start..end]);
    let are_numbers = |first: usize| (first..first + 4).all(|index| is_digits(text(index)));
    // In an error of several words, `-` and two numbers in a row are other fields: then one of the four numbers before
    // them is damaged, and those found are in the referer or user agent.
    let is_error = |first: usize, end: usize| {
        let is_pair = |index: usize| is_digits(text(index)) && is_digits(text(index + 1));
        // Nor does a message begin with a code.
        let can_be_message =
            || !is_code(text(first)) && !(first..end).any(|index| text(index) == b"-" || is_pair(index));
        !is_digits(text(first)) && (end == first + 1 || can_be_message())
    };
    let mut found = None;
    let mut is_damaged = false;
    for index in (2..words.len()).filter(|index| is_status(text(*index))) {
        let first = (index + 2..=index + 1 + ERROR_WORDS_MAX).find(|first| are_numbers(*first));
        // With a fifth number, nothing shows which four of them are the fields, unless it is a status, and error and four
        // numbers follow: a referer that looks like the fields before it.
        let is_other_text = |index: usize| {
            !is_digits(text(index))
                || is_status(text(index)) && !is_digits(text(index + 1)) && are_numbers(index + 2)
        };
        let first = first.filter(|first| is_error(index + 1, *first) && is_other_text(*first + 4));
        for start_of_uri in (1..index).filter(|index| text(*index).starts_with(b"/")) {
            let key = &line[words[0].0..words[start_of_uri - 1].1];
            let uri = &line[words[start_of_uri].0..words[index - 1].1];
            if !is_path_of(uri, bucket, key) {
                continue;
            }
            // After a `?`, a path agrees with the key up to any later status.
            let Some(first) = first else {
                is_damaged = true;
                continue;
            };
            if found.is_some() || is_damaged {
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
    match found {
        // The last number may lack digits.
        Some(found) if found.end == line.len() => Err(Rejection::CutOff),
        found => Ok(found),
    }
}

/// Whether the fields that end at `at` may be a part of a key, which its client chose, because those of another record
/// follow: a status, an error and numbers. S3 encodes keys, so that they cannot contain them.
pub(super) fn can_be_forged(line: &[u8], at: usize, owner: &[u8], operation: &[u8]) -> bool {
    if is_canonical_id(owner) || is_obs_owner(owner) {
        return false;
    }
    let request_line = quotes_from(line, at).find(|open| begins_with_request_line(line, *open));
    let ends_request_line = |start: usize, quote: usize| {
        ends_with_version(&line[start..quote]) && number_fields::begin(line, quote + 1)
    };
    if let Some(open) = request_line
        && quotes_from(line, open + 1).any(|quote| ends_request_line(open + 1, quote))
    {
        return true;
    }
    // versitygw quotes nothing.
    let is_status_at = |space: usize| {
        word_at(line, space).is_some_and(|(start, end)| start == space + 1 && is_status(&line[start..end]))
    };
    operation.starts_with(b"s3_")
        && memchr_iter(b' ', &line[at..])
            .map(|space| at + space)
            .any(|space| is_status_at(space) && number_fields::begin(line, space))
}

/// Whether a word has the form of the error codes of S3, such as `NoSuchKey`.
fn is_code(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_uppercase)
        && word.iter().all(u8::is_ascii_alphanumeric)
        && word.iter().filter(|byte| byte.is_ascii_uppercase()).count() > 1
        && word.iter().any(u8::is_ascii_lowercase)
}

/// What is wrong with a record without quotes that [`read_unquoted`] cannot read. `None` if no path of its key shows that
/// it has this form.
pub(super) fn fault_of_unquoted(line: &[u8], at: usize, bucket: &[u8]) -> Option<Rejection> {
    let mut words = Vec::new();
    let mut next = at;
    while words.len() < UNQUOTED_WORDS_MAX
        && let Some((start, end)) = word_at(line, next)
    {
        words.push((start, end));
        next = end;
    }
    let text = |index: usize| words.get(index).map(|&(start, end)| &line[start..end]);
    let is_path = |index: &usize| {
        let key = &line[words[0].0..words[index - 1].1];
        text(*index).is_some_and(|path| is_path_of(path, bucket, key))
    };
    let path = (1..words.len()).find(is_path)?;
    let is_last = |index: usize| index + 1 == words.len();
    let Some(status) = text(path + 1) else { return Some(Rejection::CutOff) };
    if !is_status(status) {
        let is_cut_off = is_last(path + 1) && is_digits(status) && status.len() < 3;
        return Some(if is_cut_off { Rejection::CutOff } else { Rejection::NoStatus });
    }
    let Some(error) = text(path + 2) else { return Some(Rejection::CutOff) };
    if is_digits(error) {
        return Some(Rejection::NoErrorCode);
    }
    let first = path + 3;
    for (index, field) in MEASURES.into_iter().enumerate() {
        match text(first + index) {
            None => return Some(Rejection::CutOff),
            Some(word) if !is_digits(word) => return Some(Rejection::NotANumber(field)),
            Some(_) => {}
        }
    }
    let next = text(first + MEASURES.len());
    Some(match next {
        None => Rejection::CutOff,
        Some(word) if is_digits(word) => Rejection::TooManyNumbers,
        Some(_) => Rejection::Ambiguous,
    })
}

/// Whether a path is that of a key, with the bucket in the path or in the host name.
pub(super) fn is_path_of(uri: &[u8], bucket: &[u8], key: &[u8]) -> bool {
    let path = &uri[..memchr(b'?', uri).unwrap_or(uri.len())];
    let Some(path) = path.strip_prefix(b"/") else { return false };
    let is_key = |path: &[u8]| {
        let decoded = |text| percent_encoding::percent_decode(text);
        if path.is_empty() {
            key == b"-"
        } else {
            path == key || decoded(path).eq(decoded(key)) || decoded(path).eq(key.iter().copied())
        }
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
    let (words, starts) = last_words(line, at);
    // The source region is the newest field; older records end before it, or before the fields before it.
    [9, 10, 8, 7].into_iter().find_map(|length| {
        let first = words.len().checked_sub(length)?;
        trailing_fields::is_anchored(&words[first..]).then(|| starts[first])
    })
}

/// Whether the line ends with trailing fields, after any words from `at` on.
pub(super) fn ends_with_trailing_fields(line: &[u8], at: usize) -> bool {
    trailing_fields::are_last(&last_words(line, at).0)
}

/// As many of the last words from `at` on as there are trailing fields, and where they begin.
fn last_words(line: &[u8], at: usize) -> (Vec<&[u8]>, Vec<usize>) {
    let mut words: Vec<&[u8]> = Vec::with_capacity(trailing_fields::FIELDS);
    let mut starts = Vec::with_capacity(trailing_fields::FIELDS);
    let mut rest = line.get(at..).unwrap_or_default();
    while words.len() < trailing_fields::FIELDS
        && let Some((before, word)) = last_word(rest)
    {
        starts.push(at + before.len());
        words.push(word);
        rest = before;
    }
    words.reverse();
    starts.reverse();
    (words, starts)
}

/// The end of the user agent of a record of Huawei OBS, and the fields after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Obs {
    /// The quote that ends the user agent.
    pub(super) close: usize,
    /// Start and end of the version id.
    pub(super) version: (usize, usize),
}

/// Number of words that are searched for the storage classes of a record of OBS.
const OBS_WORDS_MAX: usize = 16;

/// Whether the owner of a bucket has the form of those of Huawei OBS: 32 hexadecimal digits. Those of S3 have 64.
pub(super) fn is_obs_owner(owner: &[u8]) -> bool {
    is_hex(owner, 32)
}

/// Reads the end of a record of Huawei OBS whose user agent begins at the quote at `open`. After the version id it has
/// an agency, two storage classes, the name of a directory, which may be quoted, and ids.
pub(super) fn read_obs(line: &[u8], open: usize) -> Option<Obs> {
    let last = user_agent::closing_quotes(line, open).next()?;
    // A later quote may be in the name.
    user_agent::closing_quotes(line, open).find_map(|close| {
        let mut words = Vec::with_capacity(OBS_WORDS_MAX);
        let mut next = close + 1;
        while words.len() < OBS_WORDS_MAX
            && let Some((start, end)) = word_or_quoted_text_at(line, next)
        {
            words.push((start, end));
            next = end;
        }
        let text = |index: usize| words.get(index).map_or(&[][..], |&(start, end)| &line[start..end]);
        let can_be_class = |index: usize| text(index) == b"-" || is_storage_class(text(index));
        // Two classes follow the version id and the agency. A quoted name or a name of a class shows which words are the
        // classes.
        let are_classes = |first: &usize| {
            let first = *first;
            let is_certain = is_storage_class(text(first)) || is_storage_class(text(first + 1));
            let name_is_quoted = text(first + 2).first() == Some(&b'"');
            let are_both = can_be_class(first) && can_be_class(first + 1);
            if name_is_quoted { is_certain || are_both } else { is_certain && are_both }
        };
        let classes = (2..words.len()).find(are_classes)?;
        // An agency with quotes may be the end of the user agent.
        if close != last && memchr(b'"', &line[close + 1..words[classes].0]).is_some() {
            return None;
        }
        let name = || line.get(words.get(classes + 2)?.0..last)?.strip_prefix(b"\"");
        let is_obs = close == last || name().is_some_and(quotes::are_paired) && are_ids(&line[last + 1..]);
        is_obs.then(|| Obs { close, version: words[0] })
    })
}

/// Whether a text can be the ids at the end of a record of OBS. Words of other forms may be the version id and the agency
/// of a record without name and ids.
fn are_ids(text: &[u8]) -> bool {
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.next().is_some_and(|first| is_hex(first, 32) || is_digits(first)) && words.all(|word| word != b"-")
}

fn is_storage_class(word: &[u8]) -> bool {
    matches!(
        word,
        b"STANDARD"
            | b"STANDARD_IA"
            | b"WARM"
            | b"COLD"
            | b"GLACIER"
            | b"DEEP_ARCHIVE"
            | b"INTELLIGENT_TIERING"
    )
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
