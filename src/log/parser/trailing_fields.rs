//! The end of a line, from the version id on: ten fields without quotes or spaces.
//!
//! Lines differ in how many of the ten they have, some have an unknown word in front of the host id, and newer
//! lines may have more fields behind the last known one. What tells these apart is that four of the fields
//! have a form of their own.

use super::super::Field;

/// Index of the first field of the tail.
pub(super) const FIRST: usize = Field::VersionId as usize;
/// How many fields the tail has today.
pub(super) const FIELDS: usize = Field::LOGGED - FIRST;
/// How many words have to be looked at to see how they are aligned.
pub(super) const WORDS: usize = FIELDS + 2;

const SIGNATURE: usize = Field::SignatureVersion as usize - FIRST;
const AUTHENTICATION: usize = Field::AuthenticationType as usize - FIRST;
const TLS: usize = Field::TlsVersion as usize - FIRST;
const ACL: usize = Field::AclRequired as usize - FIRST;

/// Whether these words, the first of the tail, can be version id, host id, signature version and so on.
pub(super) fn is_aligned(words: &[&[u8]]) -> bool {
    fits(words, SIGNATURE, |word| word.starts_with(b"Sig"))
        && fits(words, AUTHENTICATION, |word| matches!(word, b"AuthHeader" | b"QueryString"))
        && fits(words, TLS, |word| word.starts_with(b"TLS"))
        && fits(words, ACL, |word| matches!(word, b"Yes" | b"No"))
}

/// The same, and two of those that have a form of their own say so.
pub(super) fn is_anchored(words: &[&[u8]]) -> bool {
    is_aligned(words)
        && words.get(SIGNATURE).is_some_and(|word| word.starts_with(b"Sig"))
        && words.get(AUTHENTICATION).is_some_and(|word| *word != b"-")
}

/// How many unknown words stand between version id and host id: mostly 0.
pub(super) fn unknown_before_host_id(words: &[&[u8]]) -> usize {
    if is_aligned(words) {
        return 0;
    }
    for unknown in 1..=2 {
        let Some(behind) = words.get(unknown..) else { break };
        // Position 0 of the shifted words is the last unknown one; the host id follows it.
        let Some(host_id) = behind.get(1) else { break };
        // Without a signature version to check by, only length tells a host id from other words.
        let recognised = behind.len() > SIGNATURE || (host_id.len() >= 16 && words[1].len() < 16);
        if recognised && *host_id != b"-" && is_aligned(behind) {
            return unknown;
        }
    }
    0
}

/// Whether a word can be a version id: what follows a user agent that is over.
pub(super) fn can_begin(word: &[u8]) -> bool {
    word.iter()
        .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'+' | b'/' | b'='))
}

fn fits(words: &[&[u8]], index: usize, form: impl Fn(&[u8]) -> bool) -> bool {
    words.get(index).is_none_or(|word| *word == b"-" || form(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(tail: &str) -> usize {
        let words: Vec<&[u8]> = tail.split(' ').map(str::as_bytes).collect();
        unknown_before_host_id(&words)
    }

    #[test]
    fn an_unknown_word_before_the_host_id_is_seen_by_what_follows() {
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
