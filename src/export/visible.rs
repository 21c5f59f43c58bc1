//! Escapes invisible characters, so that text from logs is safe to show on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::query::filter::is_invisible;

/// Largest number of combining marks on a letter. No script needs more; more would overlap the neighbouring lines.
const MAX_MARKS_PER_LETTER: usize = 4;

/// Replaces invisible characters and combining marks without a letter with `\u{1b}`, the code point in hexadecimal. The
/// result has no escape sequences. Returns a borrowed text if there is nothing to replace.
///
/// Escapes are unambiguous: a backslash that looks like the beginning of an escape becomes `\u{5c}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, true)
}

/// Like [`visible`], for the text of a filter on a screen: backslashes stay, because those of the text are escapes of the
/// filter language.
pub(crate) fn visible_on_screen(filter: &str) -> Cow<'_, str> {
    escaped(filter, false)
}

fn escaped(text: &str, escapes_backslashes: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    // The text before this offset has been written.
    let mut written = 0;
    let mut marks = Marks::default();
    for (at, c) in text.char_indices() {
        if !marks.accept(c) || escapes_backslashes && c == '\\' && looks_like_escape(&text[at..]) {
            out.push_str(&text[written..at]);
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            written = at + c.len_utf8();
        }
    }
    if written == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[written..]);
    Cow::Owned(out)
}

/// Like [`visible`], for bytes. Bytes that are not UTF-8 become `\xff`.
pub fn visible_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return visible(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    Cow::Owned(out)
}

/// Like [`visible`], for a printed filter. Its own escapes are those of the filter language; escaped again, they would have
/// another meaning.
pub(super) fn visible_filter(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_invisible) { visible(text) } else { Cow::Borrowed(text) }
}

/// Whether a text begins like an escaped character or byte.
fn looks_like_escape(text: &str) -> bool {
    match text.as_bytes() {
        [b'\\', b'u', b'{', ..] => true,
        [b'\\', b'x', high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

/// Counts the combining marks on the current letter.
#[derive(Default)]
struct Marks {
    has_base: bool,
    count: usize,
}

impl Marks {
    /// Whether the next character is visible: a character with a width, or a mark on a letter.
    fn accept(&mut self, c: char) -> bool {
        let is_visible = !is_invisible(c);
        if !is_visible || c.width() != Some(0) {
            *self = Marks { has_base: is_visible && (c.is_alphanumeric() || !c.is_ascii()), count: 0 };
            return is_visible;
        }
        self.count += 1;
        self.has_base && self.count <= MAX_MARKS_PER_LETTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_escaped() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("a\u{9b}2J\u{7f}\r\n"), "a\\u{9b}2J\\u{7f}\\u{d}\\u{a}");
        assert_eq!(visible("invoice\u{202e}fdp.exe"), "invoice\\u{202e}fdp.exe");
        assert_eq!(visible("a\u{2066}\u{200b}\u{feff}"), "a\\u{2066}\\u{200b}\\u{feff}");
        assert!(matches!(visible("Grüße, 世界"), Cow::Borrowed(_)));
    }

    #[test]
    fn blank_and_format_characters_are_escaped() {
        for c in "\u{1d173}\u{3164}\u{2800}\u{ffa0}\u{fe0f}\u{e0100}\u{a0}\u{115f}\u{1160}\u{34f}\u{180e}\u{3000}\u{200d}".chars() {
            assert_eq!(visible(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
    }

    #[test]
    fn text_of_any_script_is_unchanged() {
        for text in [
            "Grüße, 世界 – «naïve»",
            "cafe\u{301}",                            // decomposed
            "Tie\u{302}\u{301}ng Vie\u{323}\u{302}t", // two marks on a letter
            "한글 \u{1112}\u{1161}\u{11ab}",          // composed and decomposed
            "שָׁלוֹם مَرْحَبًا",
            "สวัสดี नमस्ते বাংলা தமிழ்",
            "😀👍🏽🇩🇪 ★ ½ №",
            "C:\\users\\x.txt",
        ] {
            assert!(matches!(visible(text), Cow::Borrowed(_)), "{text}: {}", visible(text));
        }
    }

    #[test]
    fn a_mark_without_a_letter_or_after_many_marks_is_escaped() {
        assert_eq!(visible("\u{301}a"), "\\u{301}a");
        assert_eq!(visible("a \u{338}"), "a \\u{338}");
        assert_eq!(visible("a\u{1b}\u{301}"), "a\\u{1b}\\u{301}");
        assert_eq!(visible("a\u{200d}\u{301}"), "a\\u{200d}\\u{301}");
        assert_eq!(visible_bytes(b"a\xff\xcc\x81"), "a\\xff\\u{301}");
        // Many marks do not overlap other lines either.
        let tower = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(
            visible(&tower),
            format!(
                "a{}{}",
                "\u{301}".repeat(MAX_MARKS_PER_LETTER),
                "\\u{301}".repeat(50 - MAX_MARKS_PER_LETTER)
            )
        );
    }

    #[test]
    fn different_texts_remain_different() {
        assert_eq!(visible("\\u{1b}"), "\\u{5c}u{1b}");
        assert_eq!(visible_bytes(b"\\xff"), "\\u{5c}xff");
        assert_eq!(visible_bytes(b"\xff"), "\\xff");
        assert_eq!(visible_bytes(b"\\\xff"), "\\\\xff");
        assert_eq!(visible("\\\\xff"), "\\\\u{5c}xff");
    }

    proptest::proptest! {
        /// Decoding the two kinds of escapes returns the original bytes.
        #[test]
        fn escapes_are_reversible(pieces in proptest::collection::vec(proptest::prop_oneof![
            proptest::prelude::Just(b"\\".to_vec()),
            proptest::prelude::Just(b"x".to_vec()),
            proptest::prelude::Just(b"u{".to_vec()),
            proptest::prelude::Just(b"1b}".to_vec()),
            proptest::prelude::Just("\u{301}".into()),
            proptest::collection::vec(proptest::prelude::any::<u8>(), 1..3),
        ], 0..12)) {
            let bytes = pieces.concat();
            let escape = regex::Regex::new(r"\\u\{([0-9a-f]+)\}|\\x([0-9a-f]{2})").unwrap();
            let shown = visible_bytes(&bytes);
            let mut read = Vec::new();
            let mut at = 0;
            for found in escape.captures_iter(&shown) {
                let whole = found.get(0).unwrap();
                read.extend_from_slice(&shown.as_bytes()[at..whole.start()]);
                at = whole.end();
                match (found.get(1), found.get(2)) {
                    (Some(code), _) => {
                        let c = char::from_u32(u32::from_str_radix(code.as_str(), 16).unwrap()).unwrap();
                        read.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    (_, Some(byte)) => read.push(u8::from_str_radix(byte.as_str(), 16).unwrap()),
                    _ => unreachable!(),
                }
            }
            read.extend_from_slice(&shown.as_bytes()[at..]);
            proptest::prop_assert_eq!(&read, &bytes, "{}", shown);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_escaped() {
        assert_eq!(visible_bytes(b"a\xff\x1bb"), "a\\xff\\u{1b}b");
        assert_eq!(visible_bytes("ä".as_bytes()), "ä");
    }
}
