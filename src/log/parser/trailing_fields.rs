//! The trailing fields of a line, from the version id on: ten fields without spaces.
//!
//! Lines differ in how many of the ten they have. Some have an unknown word before the host id, newer lines may have
//! more fields after the last known one, and some servers write nothing where a field is empty, so that two spaces
//! follow each other. Six of the fields have a form of their own (the anchors), and show where the others are.

use memchr::memchr;

use super::super::Field;
use super::words::{end_of_quoted_text, skip_spaces};

pub(super) const FIRST: usize = Field::VersionId as usize;
pub(super) const FIELDS: usize = Field::LOGGED - FIRST;
/// Number of words that are needed to find out which word belongs to which field.
const WORDS: usize = FIELDS + 2;
/// The length of the shortest word that is a host id after an unknown word. Those of S3 have 44 characters or more.
const HOST_ID_MIN: usize = 40;
/// The length of the longest unknown word before a host id.
const UNKNOWN_MAX: usize = 16;
/// Records with a signature version, or newer, have at least this number of trailing fields.
pub(super) const FIELDS_OF_NEWER_RECORDS: usize = Field::TlsVersion as usize - FIRST + 1;
/// Older records have at most version id and host id.
const FIELDS_OF_OLDER_RECORDS: usize = 2;

const SIGNATURE: usize = Field::SignatureVersion as usize - FIRST;
const CIPHER: usize = Field::CipherSuite as usize - FIRST;
const AUTHENTICATION: usize = Field::AuthenticationType as usize - FIRST;
const TLS: usize = Field::TlsVersion as usize - FIRST;
const ACCESS_POINT: usize = Field::AccessPointArn as usize - FIRST;
const ACL: usize = Field::AclRequired as usize - FIRST;
/// The anchors whose form no other field has.
const CERTAIN_ANCHORS: [usize; 5] = [SIGNATURE, AUTHENTICATION, TLS, ACCESS_POINT, ACL];
const ANCHORS: [usize; 6] = [SIGNATURE, CIPHER, AUTHENTICATION, TLS, ACCESS_POINT, ACL];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spaces {
    /// Any number of spaces is a separator: no word is empty.
    AnyNumber,
    /// Each space is a separator: words may be empty.
    One,
}

struct Words<'a> {
    texts: [&'a [u8]; WORDS],
    count: usize,
    /// Where in the line each word ends.
    ends: [usize; WORDS],
}

impl<'a> Words<'a> {
    /// Splits the part of a line that begins at `at`.
    fn split(line: &'a [u8], at: usize, spaces: Spaces) -> Words<'a> {
        let mut words = Words { texts: [&[]; WORDS], count: 0, ends: [at; WORDS] };
        let mut next = at;
        while words.count < WORDS
            && let Some((mut start, mut end)) = next_word(line, next, spaces)
        {
            // A quoted text is one word. No known field has quotes, but new ones may.
            end = end_of_quoted_text(line, start).unwrap_or(end);
            // Go's name of a TLS version has a space: `TLS 1.3`.
            if line[start..end] == *b"TLS"
                && let Some((_, end_of_version)) = next_word(line, end, Spaces::One)
                    .filter(|&(start, end)| matches!(line[start..end], [b'1', b'.', b'0'..=b'9']))
            {
                end = end_of_version;
            }
            // Before the first field, there may be no separator.
            if words.count == 0 && next == at && spaces == Spaces::One && line.get(at) != Some(&b' ') {
                start = at;
            }
            words.texts[words.count] = &line[start..end];
            words.ends[words.count] = end;
            words.count += 1;
            next = end;
        }
        words
    }

    fn as_slice(&self) -> &[&'a [u8]] {
        &self.texts[..self.count]
    }

    /// The end of the last word in the line.
    fn end(&self) -> usize {
        self.count.checked_sub(1).map_or(self.ends[0], |last| self.ends[last])
    }
}

/// Start and end of the word after the separator at `at`.
fn next_word(line: &[u8], at: usize, spaces: Spaces) -> Option<(usize, usize)> {
    let rest = line.get(at..).filter(|rest| !rest.is_empty())?;
    let start = match spaces {
        Spaces::One => at + usize::from(rest[0] == b' '),
        Spaces::AnyNumber => Some(skip_spaces(line, at)).filter(|start| *start < line.len())?,
    };
    let end = memchr(b' ', &line[start..]).map_or(line.len(), |length| start + length);
    Some((start, end))
}

fn has_form(anchor: usize, word: &[u8]) -> bool {
    match anchor {
        SIGNATURE => word.starts_with(b"Sig"),
        CIPHER => word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')),
        AUTHENTICATION => matches!(word, b"AuthHeader" | b"QueryString"),
        // Names of ciphers may begin with `TLS_`.
        TLS => matches!(word, [b'T', b'L', b'S', b'v' | b'V' | b' ' | b'0'..=b'9', ..]),
        ACCESS_POINT => word.starts_with(b"arn:"),
        _ => matches!(word, b"Yes" | b"No"),
    }
}

/// Whether a word can be the start of a word with the form of an anchor.
fn begins_like(anchor: usize, word: &[u8]) -> bool {
    let forms: &[&[u8]] = match anchor {
        SIGNATURE => &[b"Sig"],
        AUTHENTICATION => &[b"AuthHeader", b"QueryString"],
        TLS => &[b"TLSv", b"TLSV"],
        ACCESS_POINT => &[b"arn:"],
        ACL => &[b"Yes", b"No"],
        _ => &[],
    };
    forms.iter().any(|form| form.starts_with(word))
}

fn is_absent(word: &[u8]) -> bool {
    matches!(word, b"" | b"-" | b"\"-\"" | b"\"\"")
}

/// Whether these words can be version id, host id, signature version and so on: no anchor contradicts that.
pub(super) fn is_aligned(words: &[&[u8]]) -> bool {
    words.iter().take(FIELDS).enumerate().all(|(index, word)| {
        let is_wrong = ANCHORS.contains(&index) && !is_absent(word) && !has_form(index, word);
        !is_wrong && !is_misplaced(index, word)
    })
}

/// As [`is_aligned`]; the last word may be cut off.
fn is_aligned_up_to_cut(words: &[&[u8]]) -> bool {
    let Some((last, before)) = words.split_last() else { return true };
    is_aligned(words) || is_aligned(before) && begins_like(before.len(), last)
}

/// Whether the words are aligned, and the last one is a part of a field with a form of its own.
fn is_cut_off(words: &[&[u8]]) -> bool {
    let Some((last, before)) = words.split_last() else { return false };
    let is_part = !is_absent(last) && !has_form(before.len(), last) && begins_like(before.len(), last);
    is_part && before.len() < FIELDS && is_aligned(before)
}

/// Whether a word has the form of another field.
fn is_misplaced(index: usize, word: &[u8]) -> bool {
    if index < SIGNATURE {
        return is_of_later_field(word);
    }
    CERTAIN_ANCHORS.into_iter().any(|anchor| anchor != index && has_form(anchor, word))
}

/// Whether a word can be neither version id nor host id, which may have any form, because it is a value of a later field.
pub(super) fn is_of_later_field(word: &[u8]) -> bool {
    match word {
        [b'S', b'i', b'g', b'V', version @ ..] => matches!(version, [b'2' | b'4'] | b"4A"),
        [b'T', b'L', b'S', b'v' | b' ', b'1', rest @ ..] => matches!(rest, [] | [b'.', b'0'..=b'3']),
        word => matches!(word, b"AuthHeader" | b"QueryString"),
    }
}

/// Whether a word has the form of a field that has one of its own.
fn is_anchor(word: &[u8]) -> bool {
    CERTAIN_ANCHORS.into_iter().any(|anchor| has_form(anchor, word))
}

fn count_anchors(words: &[&[u8]]) -> usize {
    let is_present = |anchor: &usize| words.get(*anchor).is_some_and(|word| has_form(*anchor, word));
    CERTAIN_ANCHORS.iter().filter(|anchor| is_present(anchor)).count()
}

/// Whether these words can be read as the fields: they are aligned, or one of them has a new form and others show that
/// it is in its place. The last word may be cut off if the line ends after it.
fn are_readable(words: &[&[u8]], is_end: bool) -> bool {
    let is_cut_off =
        |index: usize, word: &[u8]| is_end && index + 1 == words.len() && begins_like(index, word);
    let words = &words[..words.len().min(FIELDS)];
    let mut wrong = ANCHORS.into_iter().filter(|anchor| {
        words
            .get(*anchor)
            .is_some_and(|word| !is_absent(word) && !has_form(*anchor, word) && !is_cut_off(*anchor, word))
    });
    let is_misplaced = |(index, word): (usize, &&[u8])| is_misplaced(index, word) && !is_cut_off(index, word);
    // The fields before the access point may have new forms.
    let has_new_form = wrong.next().is_none_or(|anchor| anchor < ACCESS_POINT && count_anchors(words) > 0);
    has_new_form && wrong.next().is_none() && !words.iter().enumerate().any(is_misplaced)
}

/// Whether these words are certainly trailing fields: one that has a form of its own is in its place, or three are absent.
fn are_certain(words: &[&[u8]]) -> bool {
    let fields = words.get(SIGNATURE..words.len().min(FIELDS)).unwrap_or_default();
    count_anchors(words) > 0 || fields.iter().filter(|word| is_absent(word)).count() >= 3
}

/// Whether the last words of a line, which may begin earlier, are certainly trailing fields.
pub(super) fn are_last(words: &[&[u8]]) -> bool {
    (FIELDS_OF_NEWER_RECORDS..=FIELDS).any(|length| {
        let fields = words.len().checked_sub(length).map(|first| &words[first..]);
        fields.is_some_and(|fields| is_aligned(fields) && are_certain(fields))
    })
}

/// Whether the words are aligned, and the signature version and the authentication type are present.
pub(super) fn is_anchored(words: &[&[u8]]) -> bool {
    is_aligned(words)
        && words.get(SIGNATURE).is_some_and(|word| word.starts_with(b"Sig"))
        && words.get(AUTHENTICATION).is_some_and(|word| *word != b"-")
}

/// The words after the user agent, and which of them are fields.
pub(super) struct Layout<'a> {
    words: Words<'a>,
    /// Number of unknown words between version id and host id.
    pub(super) unknown: usize,
    /// Whether the words can be read as the fields.
    pub(super) is_readable: bool,
    /// Whether there are as many words as in newer records, and they are certainly no words of a user agent.
    pub(super) is_certain: bool,
}

impl<'a> Layout<'a> {
    /// The layout of the words that begin at `at`.
    pub(super) fn of(line: &'a [u8], at: usize) -> Layout<'a> {
        let words = Words::split(line, at, Spaces::AnyNumber);
        let unknown = unknown_before_host_id(words.as_slice());
        let single = Words::split(line, at, Spaces::One);
        let has_spaces = single.as_slice().iter().any(|word| word.is_empty());
        let has_empty_fields = has_empty_fields(single.as_slice(), words.as_slice(), unknown);
        // The last word may be a field after an empty one that is cut off.
        let is_cut_after_empty = has_spaces && single.end() == line.len() && is_cut_off(single.as_slice());
        let (words, unknown) = if has_empty_fields { (single, 0) } else { (words, unknown) };
        let fields = &words.as_slice()[unknown..];
        let is_end = words.end() == line.len();
        // Without a field that shows it, two spaces may be one separator or an empty field.
        let is_unclear = !has_empty_fields
            && words.count > FIELDS_OF_OLDER_RECORDS
            && count_anchors(fields) == 0
            && has_spaces
            && !fields.iter().all(|word| is_absent(word));
        let is_unclear = is_unclear || !has_empty_fields && is_cut_after_empty;
        let is_readable = !is_unclear && are_readable(fields, is_end);
        let is_certain = words.count >= FIELDS_OF_NEWER_RECORDS && are_certain(fields);
        Layout { words, unknown, is_readable, is_certain }
    }

    /// Number of words, at most two more than fields.
    pub(super) fn count(&self) -> usize {
        self.words.count
    }

    /// Whether the words are certainly the trailing fields of a newer record, without unknown ones.
    pub(super) fn fits(&self) -> bool {
        self.is_readable && self.is_certain && self.unknown == 0
    }

    /// Whether all words are absent fields, which no record of S3 has: they may follow any quoted text.
    pub(super) fn is_absent(&self) -> bool {
        self.words.as_slice().iter().all(|word| is_absent(word))
    }

    /// The text of each field that the line has, and its end.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'a [u8], usize)> {
        let index_of = |field: usize| if field == 0 { 0 } else { field + self.unknown };
        (0..FIELDS)
            .map(index_of)
            .take_while(|index| *index < self.words.count)
            .map(|index| (self.words.texts[index], self.words.ends[index]))
    }

    /// Start and end of the unknown words before the host id; `None` if there are none except `-`.
    pub(super) fn unknown_words(&self) -> Option<(usize, usize)> {
        let words = self.words.as_slice().get(1..=self.unknown)?;
        let is_known = words.iter().all(|word| *word == b"-");
        (!is_known).then(|| (self.words.ends[1] - words[0].len(), self.words.ends[self.unknown]))
    }
}

/// Number of unknown words between version id and host id: nearly always 0.
fn unknown_before_host_id(words: &[&[u8]]) -> usize {
    if is_aligned(words) {
        return 0;
    }
    for unknown in 1..=2 {
        let Some(shifted) = words.get(unknown..) else { break };
        // The first of the shifted words is the last unknown one; the host id follows it.
        let Some(host_id) = shifted.get(1) else { break };
        // Only its length distinguishes a host id from other words: `- word SigV4` may also be an absent host id and an
        // unknown word.
        let is_host_id = host_id.len() >= HOST_ID_MIN && can_begin(host_id);
        let are_unknown = words[1..=unknown].iter().all(|word| word.len() <= UNKNOWN_MAX && !is_anchor(word));
        let is_certain = unknown == 1 || count_anchors(shifted) > 0;
        if is_host_id && are_unknown && is_certain && is_aligned(shifted) {
            return unknown;
        }
    }
    0
}

/// Whether two spaces in a row are an empty field: the words separated by `single` spaces are aligned, and fit better
/// than the `words` separated by any number of spaces, without the `unknown` ones. With two empty fields in a row they need
/// only fit equally well: three spaces are never one separator.
fn has_empty_fields(single: &[&[u8]], words: &[&[u8]], unknown: usize) -> bool {
    let surplus = || count_anchors(single) as isize - count_anchors(&words[unknown..]) as isize;
    let are_certain = single.windows(2).any(|pair| pair.iter().all(|word| word.is_empty()));
    single.iter().any(|word| word.is_empty())
        && is_aligned_up_to_cut(single)
        && surplus() >= isize::from(is_aligned(words) && !are_certain)
}

/// Whether a word can be a version id, which follows the end of a user agent.
pub(super) fn can_begin(word: &[u8]) -> bool {
    word.iter()
        .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'+' | b'/' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(tail: &str) -> usize {
        let words: Vec<&[u8]> = tail.split(' ').map(str::as_bytes).collect();
        unknown_before_host_id(&words)
    }

    #[test]
    fn an_unknown_word_before_the_host_id_is_recognised_by_the_words_after_it() {
        let host_id = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3=";
        for (tail, count) in [
            ("- ID SigV4 ECDHE AuthHeader b.example TLSv1.2 - - -", 0),
            ("- - ID SigV4 ECDHE AuthHeader b.example TLSv1.2 - - -", 1),
            ("v1 word ID SigV4 ECDHE AuthHeader b.example TLSv1.2", 1),
            ("v1 a b ID SigV4 ECDHE AuthHeader b.example TLSv1.2", 2),
            ("- - ID - - - b.example -", 1),
            ("- - ID", 1),
            // Words that cannot be told from a host id.
            ("v1 ID word SigV4 ECDHE AuthHeader b.example TLSv1.2", 0),
            ("v1 - word SigV4 ECDHE AuthHeader b.example TLSv1.2", 0),
            ("v1 h0stId= word SigV4 ECDHE AuthHeader b.example TLSv1.2", 0),
        ] {
            assert_eq!(unknown(&tail.replace("ID", host_id)), count, "{tail}");
        }
    }

    #[test]
    fn new_values_of_known_fields_do_not_shift_the_rest() {
        assert_eq!(unknown("v1 h0stId= V5 ECDHE AuthHeader b.example TLSv1.2 - - -"), 0);
        assert_eq!(unknown("v1 h0stId= SigV4 ECDHE Token b.example TLSv1.2 - - -"), 0);
        assert_eq!(unknown("- - - - - - - - - -"), 0);
        assert_eq!(unknown("-"), 0);
    }
}
