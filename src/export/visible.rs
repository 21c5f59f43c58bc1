//! Text chosen by strangers, made safe to show.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::query::filter::is_invisible;

/// Marks upon marks that a letter may have. More than any writing needs would grow over the lines above and below.
const MOST_MARKS: usize = 4;

/// The text with unseen characters spelled `\u{1b}` (the code point in hexadecimal): control characters,
/// format characters, blank letters, unusual spaces, and marks with no letter below them. No escape sequence
/// survives, and what is shown is what is there. Borrows where nothing had to be done.
///
/// The spelling has one meaning: a backslash in the text that seems to begin one is `\u{5c}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    // What is as it is, up to here, is written.
    let mut written = 0;
    let mut marks = Marks::default();
    for (at, c) in text.char_indices() {
        if !marks.take(c) || c == '\\' && seems_escape(&text[at..]) {
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

/// [`visible`] text of bytes; what is not UTF-8 shows as `\xff`.
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

/// Whether a text that begins with a backslash begins as a spelled-out character or byte does.
fn seems_escape(text: &str) -> bool {
    match text.as_bytes() {
        [b'\\', b'u', b'{', ..] => true,
        [b'\\', b'x', high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

/// Which marks have something to stand on.
#[derive(Default)]
struct Marks {
    has_base: bool,
    above: usize,
}

impl Marks {
    /// Whether the next character is seen in a place of its own, or is a mark on one that is.
    fn take(&mut self, c: char) -> bool {
        let is_seen = !is_invisible(c);
        if !is_seen || c.width() != Some(0) {
            *self = Marks { has_base: is_seen && (c.is_alphanumeric() || !c.is_ascii()), above: 0 };
            return is_seen;
        }
        self.above += 1;
        self.has_base && self.above <= MOST_MARKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_sequence_survives() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("a\u{9b}2J\u{7f}\r\n"), "a\\u{9b}2J\\u{7f}\\u{d}\\u{a}");
        assert_eq!(visible("invoice\u{202e}fdp.exe"), "invoice\\u{202e}fdp.exe");
        assert_eq!(visible("a\u{2066}\u{200b}\u{feff}"), "a\\u{2066}\\u{200b}\\u{feff}");
        assert!(matches!(visible("Grüße, 世界"), Cow::Borrowed(_)));
    }

    #[test]
    fn blank_and_format_characters_are_shown_by_their_number() {
        for c in "\u{1d173}\u{3164}\u{2800}\u{ffa0}\u{fe0f}\u{e0100}\u{a0}\u{115f}\u{1160}\u{34f}\u{180e}\u{3000}\u{200d}".chars() {
            assert_eq!(visible(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
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
    fn a_mark_without_a_letter_does_not_sit_on_the_text_before_it() {
        assert_eq!(visible("\u{301}a"), "\\u{301}a");
        assert_eq!(visible("a \u{338}"), "a \\u{338}");
        assert_eq!(visible("a\u{1b}\u{301}"), "a\\u{1b}\\u{301}");
        assert_eq!(visible("a\u{200d}\u{301}"), "a\\u{200d}\\u{301}");
        assert_eq!(visible_bytes(b"a\xff\xcc\x81"), "a\\xff\\u{301}");
        // Nor do many of them grow over other lines.
        let tower = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(
            visible(&tower),
            format!("a{}{}", "\u{301}".repeat(MOST_MARKS), "\\u{301}".repeat(50 - MOST_MARKS))
        );
    }

    #[test]
    fn two_different_texts_never_look_the_same() {
        assert_eq!(visible("\\u{1b}"), "\\u{5c}u{1b}");
        assert_eq!(visible_bytes(b"\\xff"), "\\u{5c}xff");
        assert_eq!(visible_bytes(b"\xff"), "\\xff");
        assert_eq!(visible_bytes(b"\\\xff"), "\\\\xff");
        assert_eq!(visible("\\\\xff"), "\\\\u{5c}xff");
    }

    proptest::proptest! {
        /// What is shown is read back by two rules, and nothing else.
        #[test]
        fn what_is_shown_is_read_back(pieces in proptest::collection::vec(proptest::prop_oneof![
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
    fn bytes_that_are_no_text_show_as_bytes() {
        assert_eq!(visible_bytes(b"a\xff\x1bb"), "a\\xff\\u{1b}b");
        assert_eq!(visible_bytes("ä".as_bytes()), "ä");
    }
}
