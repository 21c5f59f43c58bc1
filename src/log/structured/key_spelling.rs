//! Whether the key of a structured record is URL-encoded, and how the text format spells it.
//!
//! The User Guide says "URL encoded" for the key of the text format, where most operations encode it twice, and only
//! "object key in the request" for that of structured records. So the record itself has to show it:
//!
//! 1. A key without `%` and without characters that S3 encodes is the same in all spellings.
//! 2. If the path of the request URI is the key, encoded once as paths are, it shows how often `key_name` is encoded: not
//!    at all, once or twice. The text format has this path, encoded once more.
//! 3. Otherwise a key with a character that an encoded key cannot have, or with an invalid escape, is not encoded.
//! 4. All others are spelled as in the text format.
//!
//! The text spelling of the true key is what a record keeps, so that a request gives the same row in all formats.

use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use crate::log::key;

/// The characters that S3 does not encode in keys: the unreserved characters of RFC 3986, and the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Whether a byte is the same in all spellings.
const IS_PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] =
            (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_' | b'.' | b'~' | b'/');
        byte += 1;
    }
    plain
};

/// Whether the key is the same in all spellings.
#[inline]
fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|byte| IS_PLAIN[usize::from(*byte)])
}

/// Whether the text format may spell the key otherwise than `name`: [`append`] then has to find out.
#[inline]
pub(super) fn may_differ(name: &[u8], request_uri: &[u8]) -> bool {
    // A client may encode characters that need no encoding, and the text format shows that it did.
    !name.is_empty() && (!is_plain(name) || memchr(b'%', request_uri).is_some())
}

/// Appends the key as the text format spells it. `name` is the key of a structured record; its other fields are the
/// evidence for how it is encoded.
pub(super) fn append(name: &[u8], operation: &[u8], request_uri: &[u8], bucket: &[u8], out: &mut Vec<u8>) {
    let is_once = key::is_encoded_once(operation);
    let decode = |text: &[u8]| -> Vec<u8> { percent_decode(text).collect() };
    if let Some(path) = path_of(request_uri) {
        let once = decode(name);
        let twice = decode(&once);
        // In path style the bucket is the first part of the path.
        let in_bucket = path.strip_prefix(bucket).and_then(|rest| rest.strip_prefix(b"/"));
        for path in [Some(path), in_bucket].into_iter().flatten() {
            let key = decode(path);
            // A text cannot have the bytes of a key that is not UTF-8.
            let is_lossy = || String::from_utf8_lossy(&key).as_bytes() == name;
            let times = [name, &once, &twice].into_iter().position(|spelled| spelled == key);
            match times.or_else(|| is_lossy().then_some(0)) {
                None => continue,
                Some(times) if times == if is_once { 1 } else { 2 } => out.extend_from_slice(name),
                Some(_) if is_once => append_encoded(&key, operation, out),
                // The path is the key, encoded once.
                Some(_) => {
                    percent_encode(path, ENCODED).for_each(|part| out.extend_from_slice(part.as_bytes()))
                }
            }
            return;
        }
    }
    let is_encoded = name.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => name.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        b'+' => is_once,
        byte => IS_PLAIN[usize::from(*byte)],
    });
    if is_encoded {
        out.extend_from_slice(name);
    } else {
        append_encoded(name, operation, out);
    }
}

/// The path of a request line (`GET /a/b?c HTTP/1.1`) after its first slash.
fn path_of(request_uri: &[u8]) -> Option<&[u8]> {
    let target = &request_uri[memchr(b' ', request_uri)? + 1..];
    let target = target.strip_suffix(b" HTTP/1.1").unwrap_or_else(|| match memchr::memrchr(b' ', target) {
        Some(end) if target[end..].starts_with(b" HTTP/") => &target[..end],
        _ => target,
    });
    let path = &target[..memchr(b'?', target).unwrap_or(target.len())];
    path.strip_prefix(b"/")
}

/// Appends a key as the text format spells it: encoded once, with `+` for a space, or twice, depending on the operation.
fn append_encoded(key: &[u8], operation: &[u8], out: &mut Vec<u8>) {
    let once = percent_encode(key, ENCODED);
    if key::is_encoded_once(operation) {
        // A space is the only character that gives `%20`: a percent sign is encoded, too.
        once.for_each(|part| out.extend_from_slice(if part == "%20" { b"+" } else { part.as_bytes() }));
    } else {
        for part in once {
            match part.strip_prefix('%') {
                Some(digits) => out.extend([b"%25", digits.as_bytes()].concat()),
                None => out.extend_from_slice(part.as_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(name: &str, operation: &str, uri: &str) -> String {
        let mut out = Vec::new();
        append(name.as_bytes(), operation.as_bytes(), uri.as_bytes(), b"media", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_request_uri_shows_how_a_key_is_encoded() {
        for (name, uri, expected) in [
            ("a b", "GET /a%20b HTTP/1.1", "a%2520b"),
            ("a%20b", "GET /a%20b HTTP/1.1", "a%2520b"),
            ("a%2520b", "GET /a%20b HTTP/1.1", "a%2520b"),
            ("a%20b", "GET /media/a%20b?versionId=1 HTTP/1.1", "a%2520b"),
            // The true key has an escape in it.
            ("a%20b", "GET /a%2520b HTTP/1.1", "a%252520b"),
            ("100%25", "GET /100%2525 HTTP/1.0", "100%252525"),
            ("dt=1/ä", "GET /dt=1/%C3%A4 HTTP/1.1", "dt%3D1/%25C3%25A4"),
            ("dt=1/ä", "GET /dt%3D1/%C3%A4 HTTP/1.1", "dt%253D1/%25C3%25A4"),
            ("a\u{fffd}", "GET /a%ff HTTP/1.1", "a%25ff"),
            ("../b", "GET /%2e%2e%2Fb HTTP/1.1", "%252e%252e%252Fb"),
            ("a+b", "GET /a+b HTTP/1.1", "a%2Bb"),
            ("a+b", "GET /a%2Bb", "a%252Bb"),
        ] {
            assert_eq!(spelled(name, "REST.GET.OBJECT", uri), expected, "{name} in {uri}");
        }
    }

    #[test]
    fn without_a_path_the_characters_show_it() {
        for (name, expected) in [
            ("a b", "a%2520b"),
            ("100%", "100%2525"),
            ("a%zz", "a%2525zz"),
            ("a%2520b", "a%2520b"),
            ("a%20b", "a%20b"),
            ("dt=2026%20x", "dt%253D2026%252520x"),
        ] {
            for uri in ["", "POST /?delete HTTP/1.1"] {
                assert_eq!(spelled(name, "REST.GET.OBJECT", uri), expected, "{name}");
            }
        }
        for (name, expected) in [("a+b", "a+b"), ("a b", "a+b"), ("a%20b", "a%20b"), ("a b+c%", "a+b%2Bc%25")]
        {
            assert_eq!(spelled(name, "BATCH.DELETE.OBJECT", ""), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn the_text_spelling_decodes_to_the_true_key(
            key in "\\PC{1,20}|[ +%/a-f0-9=]{1,12}",
            times in 0..3usize,
            in_path_style: bool,
        ) {
            let encode = |text: &str| percent_encode(text.as_bytes(), ENCODED).to_string();
            let name = (0..times).fold(key.clone(), |text, _| encode(&text));
            let bucket = if in_path_style { "media/" } else { "" };
            let uri = format!("GET /{bucket}{} HTTP/1.1", encode(&key));
            let spelled = spelled(&name, "REST.GET.OBJECT", &uri);
            let decoded = key::decode(b"REST.GET.OBJECT", spelled.as_bytes());
            prop_assert_eq!(String::from_utf8_lossy(&decoded), key);
        }

        #[test]
        fn every_key_survives_the_text_spelling(key in "\\PC{0,20}|[ +%/a-f0-9=]{0,12}", once: bool) {
            let operation: &[u8] = if once { b"BATCH.DELETE.OBJECT" } else { b"REST.GET.OBJECT" };
            let mut spelled = Vec::new();
            append_encoded(key.as_bytes(), operation, &mut spelled);
            prop_assert_eq!(&*key::decode(operation, &spelled), key.as_bytes());
        }
    }
}
