//! Decoding of keys: S3 logs them URL-encoded, once or twice.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The true key of an object, decoded from the key in the log.
///
/// | operation | encoding | source |
/// |---|---|---|
/// | most | twice: `a b` is `a%2520b`; `+` is a plus sign | the User Guide, and real lines |
/// | `BATCH.DELETE.OBJECT` | once; `+` is a space | real lines; only a few for `+` |
/// | `S3.EXPIRE.OBJECT` | once; `+` is a space | a few real lines |
/// | `S3.CREATE.DELETEMARKER`, `S3.TRANSITION…`, `S3.DELETE.UPLOAD` | once; `+` is a space | **assumed**: one service writes all lifecycle records |
/// | other `S3.…` (checksum jobs), unknown operations | twice | **assumed**: like most |
///
/// An invalid escape (`%zz`, `%` at the end) is unchanged. Borrows the logged key if nothing in it is encoded.
pub fn decode<'a>(operation: &[u8], logged: &'a [u8]) -> Cow<'a, [u8]> {
    let mut key = Vec::new();
    if decode_onto(operation, logged, &mut key) { key.into() } else { logged.into() }
}

/// Appends the true key to `out` if it differs from the logged key, and returns whether it does. Like [`decode`], without
/// an allocation for each key.
pub fn decode_onto(operation: &[u8], logged: &[u8], out: &mut Vec<u8>) -> bool {
    let once = is_encoded_once(operation);
    let first = if once { memchr2(b'%', b'+', logged) } else { memchr(b'%', logged) };
    if first.is_none() {
        return false;
    }
    let start = out.len();
    out.extend_from_slice(logged);
    let key = &mut out[start..];
    let mut differs = false;
    let mut length = if once {
        // `+` first: an escaped plus sign (%2B) must not become a space.
        for plus in key.iter_mut().filter(|byte| **byte == b'+') {
            *plus = b' ';
            differs = true;
        }
        undo_escapes(key)
    } else {
        let length = undo_escapes(key);
        if length == key.len() { length } else { undo_escapes(&mut key[..length]) }
    };
    differs |= length != key.len();
    if !differs {
        length = 0;
    }
    out.truncate(start + length);
    differs
}

/// Whether keys of this operation are encoded once, with `+` for a space.
pub(super) fn is_encoded_once(operation: &[u8]) -> bool {
    match operation {
        b"BATCH.DELETE.OBJECT" => true,
        [b'S', b'3', b'.', action @ ..] => {
            matches!(action, b"EXPIRE.OBJECT" | b"CREATE.DELETEMARKER" | b"DELETE.UPLOAD")
                || action.starts_with(b"TRANSITION")
        }
        _ => false,
    }
}

/// Replaces escapes with their bytes. Returns the new length. It copies the text between escapes as a whole, because
/// most of a key is not escaped and a key is decoded for each request. (The `percent-encoding` crate copies byte by
/// byte.)
fn undo_escapes(text: &mut [u8]) -> usize {
    // The ends of the text that was read and of the text that was written.
    let (mut read, mut written) = (0, 0);
    while let Some(plain) = memchr(b'%', &text[read..]) {
        let at = read + plain;
        let byte = match text[at..] {
            [_, high, low, ..] => byte_of(high, low),
            _ => None,
        };
        let (piece, end) = match byte {
            Some(_) => (read..at, at + 3),
            None => (read..at + 1, at + 1),
        };
        let length = piece.len();
        // Nothing moves before the first escape.
        if written < read {
            text.copy_within(piece, written);
        }
        written += length;
        if let Some(byte) = byte {
            text[written] = byte;
            written += 1;
        }
        read = end;
    }
    let length = text.len() - read;
    text.copy_within(read.., written);
    written + length
}

/// The value of two hexadecimal digits.
fn byte_of(high: u8, low: u8) -> Option<u8> {
    const NONE: u8 = 0xff;
    const DIGITS: [u8; 256] = {
        let mut digits = [NONE; 256];
        let mut digit = 0;
        while digit < 16 {
            digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
            digits[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
            digit += 1;
        }
        digits
    };
    let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
    ((high | low) < 16).then_some(high << 4 | low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
    use proptest::prelude::*;

    /// The characters that S3 does not encode: the unreserved characters of RFC 3986, and the slash.
    const UNENCODED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

    fn encoded(key: &[u8]) -> String {
        percent_encode(key, UNENCODED).to_string()
    }

    fn decoded(operation: &str, logged: &str) -> String {
        String::from_utf8(decode(operation.as_bytes(), logged.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn most_operations_encode_twice() {
        for operation in
            ["REST.GET.OBJECT", "REST.COPY.OBJECT_GET", "WEBSITE.GET.OBJECT", "NEW.OPERATION", ""]
        {
            assert_eq!(decoded(operation, "a%2520b"), "a b");
            assert_eq!(decoded(operation, "100%2525"), "100%");
            assert_eq!(decoded(operation, "caf%25C3%25A9"), "café");
            assert_eq!(decoded(operation, "a+b"), "a+b");
            assert_eq!(decoded(operation, "a%252Bb"), "a+b");
        }
    }

    #[test]
    fn multi_deletes_and_lifecycle_encode_once_with_plus_for_space() {
        for operation in [
            "BATCH.DELETE.OBJECT",
            "S3.EXPIRE.OBJECT",
            "S3.CREATE.DELETEMARKER",
            "S3.TRANSITION.OBJECT",
            "S3.TRANSITION_SIA.OBJECT",
            "S3.DELETE.UPLOAD",
        ] {
            assert_eq!(decoded(operation, "a%20b"), "a b");
            assert_eq!(decoded(operation, "a+b"), "a b");
            assert_eq!(decoded(operation, "a%2Bb+c"), "a+b c");
            assert_eq!(decoded(operation, "a%2520b"), "a%20b");
        }
        assert_eq!(decoded("S3.COMPUTE.OBJECT.CHECKSUM", "a%2520b"), "a b");
    }

    #[test]
    fn only_a_key_that_differs_from_the_logged_key_is_appended() {
        let mut keys = b"before".to_vec();
        for (operation, plain) in
            [("REST.GET.OBJECT", "a+b"), ("REST.GET.OBJECT", "50%"), ("BATCH.DELETE.OBJECT", "%zz")]
        {
            assert!(!decode_onto(operation.as_bytes(), plain.as_bytes(), &mut keys), "{plain}");
            assert_eq!(keys, b"before");
        }
        assert!(decode_onto(b"BATCH.DELETE.OBJECT", b"a+b", &mut keys));
        assert!(decode_onto(b"REST.GET.OBJECT", b"c%2520d", &mut keys));
        assert_eq!(keys, b"beforea bc d");
    }

    #[test]
    fn an_object_has_one_key_in_all_operations() {
        assert_eq!(
            decoded("REST.PUT.OBJECT", "r%25C3%25A9sum%25C3%25A9%252Bcv%2520%25281%2529.pdf"),
            decoded("BATCH.DELETE.OBJECT", "r%C3%A9sum%C3%A9%2Bcv+%281%29.pdf"),
        );
    }

    #[test]
    fn invalid_escapes_are_unchanged() {
        for operation in ["REST.GET.OBJECT", "BATCH.DELETE.OBJECT"] {
            for logged in ["%", "a%", "a%2", "%zz", "100%-off", "%%"] {
                assert_eq!(decoded(operation, logged), logged);
            }
        }
    }

    #[test]
    fn plain_keys_are_borrowed() {
        assert!(matches!(decode(b"REST.GET.OBJECT", b"photos/2019/a+b.jpg"), Cow::Borrowed(_)));
        assert!(matches!(decode(b"BATCH.DELETE.OBJECT", b"photos/2019/a.jpg"), Cow::Borrowed(_)));
        assert!(matches!(decode(b"REST.GET.OBJECT", b"100%-off"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn keys_encoded_as_s3_does_decode_to_themselves(key in "\\PC{0,40}|[ +%/a-f0-9]{0,20}") {
            let once = encoded(key.as_bytes());
            prop_assert_eq!(decoded("REST.GET.OBJECT", &encoded(once.as_bytes())), key.as_str());
            prop_assert_eq!(decoded("BATCH.DELETE.OBJECT", &once), key.as_str());
            prop_assert_eq!(decoded("S3.EXPIRE.OBJECT", &once.replace("%20", "+")), key.as_str());
        }

        #[test]
        fn escapes_are_replaced_as_the_percent_encoding_crate_replaces_them(text in "[%0-9a-gA-G/]{0,30}") {
            let expected: Vec<u8> = percent_encoding::percent_decode(text.as_bytes()).collect();
            let mut key = text.into_bytes();
            let length = undo_escapes(&mut key);
            prop_assert_eq!(&key[..length], expected);
        }

        #[test]
        fn decoding_neither_panics_nor_grows_a_key(operation in 0usize..3, logged in proptest::collection::vec(any::<u8>(), 0..80)) {
            let operation = ["REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT"][operation];
            prop_assert!(decode(operation.as_bytes(), &logged).len() <= logged.len());
        }
    }
}
