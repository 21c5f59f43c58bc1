//! The trailing fields of a line, from the version id on: ten fields without quotes or spaces.
//!
//! Lines differ in how many of the ten they have. Some have an unknown word before the host id, newer lines may have
//! more fields after the last known one, and some servers write nothing where a field is empty, so that two spaces
//! follow each other. Four of the fields have a form of their own (the anchors), and show where the others are.

use memchr::memchr;

use super::super::Field;

pub(super) const FIRST: usize = Field::VersionId as usize;
pub(super) const FIELDS: usize = Field::LOGGED - FIRST;
/// Number of words that are needed to find out which word belongs to which field.
const WORDS: usize = FIELDS + 2;

const SIGNATURE: usize = Field::SignatureVersion as usize - FIRST;
const AUTHENTICATION: usize = Field::AuthenticationType as usize - FIRST;
const TLS: usize = Field::TlsVersion as usize - FIRST;
const ACL: usize = Field::AclRequired as usize - FIRST;
const ANCHORS: [usize; 4] = [SIGNATURE, AUTHENTICATION, TLS, ACL];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spaces {
    /// Any number of spaces is a separator: no word is empty.
    AnyNumber,
    /// Each space is a separator: words may be empty.
    One,
}

pub(super) struct Words<'a> {
    texts: [&'a [u8]; WORDS],
    count: usize,
    /// Where in the line each word ends.
    pub(super) ends: [usize; WORDS],
}

impl<'a> Words<'a> {
    /// Splits the part of a line that begins at `at`.
    pub(super) fn split(line: &'a [u8], at: usize, spaces: Spaces) -> Words<'a> {
        let mut words = Words { texts: [&[]; WORDS], count: 0, ends: [at; WORDS] };
        let mut next = at;
        while words.count < WORDS
            && let Some((mut start, mut end)) = next_word(line, next, spaces)
        {
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

    pub(super) fn as_slice(&self) -> &[&'a [u8]] {
        &self.texts[..self.count]
    }
}

/// Start and end of the word after the separator at `at`.
fn next_word(line: &[u8], at: usize, spaces: Spaces) -> Option<(usize, usize)> {
    let rest = line.get(at..).filter(|rest| !rest.is_empty())?;
    let start = match spaces {
        Spaces::One => at + usize::from(rest[0] == b' '),
        Spaces::AnyNumber => at + rest.iter().position(|byte| *byte != b' ')?,
    };
    let end = memchr(b' ', &line[start..]).map_or(line.len(), |length| start + length);
    Some((start, end))
}

fn has_form(anchor: usize, word: &[u8]) -> bool {
    match anchor {
        SIGNATURE => word.starts_with(b"Sig"),
        AUTHENTICATION => matches!(word, b"AuthHeader" | b"QueryString"),
        TLS => word.starts_with(b"TLS") && word.len() > b"TLS".len(),
        _ => matches!(word, b"Yes" | b"No"),
    }
}

/// Whether these words can be version id, host id, signature version and so on: no anchor contradicts that.
pub(super) fn is_aligned(words: &[&[u8]]) -> bool {
    ANCHORS.into_iter().all(|anchor| {
        let word = words.get(anchor).copied().unwrap_or_default();
        word.is_empty() || word == b"-" || has_form(anchor, word)
    })
}

fn count_anchors(words: &[&[u8]]) -> usize {
    let is_present = |anchor: &usize| words.get(*anchor).is_some_and(|word| has_form(*anchor, word));
    ANCHORS.iter().filter(|anchor| is_present(anchor)).count()
}

/// Whether the words are aligned, and the signature version and the authentication type are present.
pub(super) fn is_anchored(words: &[&[u8]]) -> bool {
    is_aligned(words)
        && words.get(SIGNATURE).is_some_and(|word| word.starts_with(b"Sig"))
        && words.get(AUTHENTICATION).is_some_and(|word| *word != b"-")
}

/// Number of unknown words between version id and host id: nearly always 0.
pub(super) fn unknown_before_host_id(words: &[&[u8]]) -> usize {
    if is_aligned(words) {
        return 0;
    }
    for unknown in 1..=2 {
        let Some(shifted) = words.get(unknown..) else { break };
        // The first of the shifted words is the last unknown one; the host id follows it.
        let Some(host_id) = shifted.get(1) else { break };
        // Without a signature version to check by, only length distinguishes a host id from other words.
        let recognised = shifted.len() > SIGNATURE || (host_id.len() >= 16 && words[1].len() < 16);
        if recognised && *host_id != b"-" && is_aligned(shifted) {
            return unknown;
        }
    }
    0
}

/// Whether two spaces in a row are an empty field: the words separated by `single` spaces are aligned, and fit better
/// than the `words` separated by any number of spaces, without the `unknown` ones. With two empty fields in a row they need
/// only fit equally well: three spaces are never one separator.
pub(super) fn has_empty_fields(single: &[&[u8]], words: &[&[u8]], unknown: usize) -> bool {
    let surplus = || count_anchors(single) as isize - count_anchors(&words[unknown..]) as isize;
    let are_certain = single.windows(2).any(|pair| pair.iter().all(|word| word.is_empty()));
    single.iter().any(|word| word.is_empty())
        && is_aligned(single)
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
        assert_eq!(unknown("- h0stId= SigV4 ECDHE AuthHeader b.example TLSv1.2 - - -"), 0);
        assert_eq!(unknown("- - h0stId= SigV4 ECDHE AuthHeader b.example TLSv1.2 - - -"), 1);
        assert_eq!(unknown("v1 word h0stId= SigV4 ECDHE AuthHeader b.example TLSv1.2"), 1);
        assert_eq!(unknown("v1 a b h0stId= SigV4 ECDHE AuthHeader b.example TLSv1.2"), 2);
        assert_eq!(unknown("- - h0stId= - - - b.example -"), 1);
        assert_eq!(unknown("- - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3"), 1);
    }

    #[test]
    fn new_values_of_known_fields_do_not_shift_the_rest() {
        assert_eq!(unknown("v1 h0stId= V5 ECDHE AuthHeader b.example TLSv1.2 - - -"), 0);
        assert_eq!(unknown("v1 h0stId= SigV4 ECDHE Token b.example TLSv1.2 - - -"), 0);
        assert_eq!(unknown("- - - - - - - - - -"), 0);
        assert_eq!(unknown("-"), 0);
    }
}
