//! Characters that must not reach a terminal as they are, and quoted values.

use std::cmp::Ordering;
use std::fmt::Write;

/// Whether a character is unseen, looks like an ordinary space, or changes how its neighbours are seen: control
/// characters (C0, DEL, C1), all format characters of Unicode (marks that turn the direction of writing,
/// joiners, tags), what fonts leave out (fillers, variation selectors), blank letters, every space and
/// separator but the ordinary space, and characters without a meaning of their own (private use,
/// noncharacters). Whatever shows values makes these visible.
pub fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    UNSEEN
        .binary_search_by(|&(first, last)| {
            if last < c {
                Ordering::Less
            } else if first > c {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        })
        .is_ok()
}

/// What [`is_unseen`] beyond ASCII, in order. A test compares it with the tables of Unicode.
const UNSEEN: &[(char, char)] = &[
    ('\u{80}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'), // a Braille pattern without dots
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{16fe4}', '\u{16fe4}'), // a filler of the Khitan script
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'), // a note without a head
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{1fffe}', '\u{1ffff}'),
    ('\u{2fffe}', '\u{2ffff}'),
    ('\u{3fffe}', '\u{3ffff}'),
    // From here on nothing has a meaning but tags and variation selectors.
    ('\u{40000}', '\u{10ffff}'),
];

/// Writes bytes as a quoted value: `"` and `\` behind a backslash; `\xNN` for bytes that are not UTF-8
/// and for unseen characters.
pub(super) fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    quote_inside(bytes, &mut text);
    text.push('"');
    text
}

/// As [`quote`], without the quotes around it.
pub(super) fn quote_inside(bytes: &[u8], text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '"' || c == '\\' {
                text.push('\\');
                text.push(c);
            } else if is_unseen(c) {
                hexadecimal(c.encode_utf8(&mut [0; 4]).as_bytes(), text);
            } else {
                text.push(c);
            }
        }
        hexadecimal(chunk.invalid(), text);
    }
}

fn hexadecimal(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// The bytes behind the inside of a quoted value. A backslash before anything else than `"`, `\` or
/// `xNN` stands for itself.
pub(super) fn unquote(inside: &str) -> Vec<u8> {
    let bytes = inside.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'\\', Some(&next @ (b'"' | b'\\'))) => {
                out.push(next);
                at += 2;
            }
            (b'\\', Some(b'x')) if digit(bytes, at + 2).is_some() && digit(bytes, at + 3).is_some() => {
                let number = digit(bytes, at + 2).unwrap_or(0) * 16 + digit(bytes, at + 3).unwrap_or(0);
                out.push(number);
                at += 4;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn digit(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = char::from(*bytes.get(at)?).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Writes a regular expression as a quoted value. Unlike in text, `\xNN` is left to the expression.
pub(super) fn quote_regex(pattern: &str) -> String {
    format!("\"{}\"", seen_regex(pattern).replace('\\', "\\\\").replace('"', "\\\""))
}

/// The expression behind the inside of a quoted value: only `\"` and `\\` are escapes, so `\.` and `\d`
/// need no second backslash.
pub(super) fn unquote_regex(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut letters = inside.chars().peekable();
    while let Some(c) = letters.next() {
        match (c, letters.peek()) {
            ('\\', Some(&next @ ('"' | '\\'))) => {
                out.push(next);
                letters.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// The same expression with unseen characters spelled `\x{…}`.
pub(super) fn seen_regex(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if is_unseen(c) {
            let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All characters that match one of these classes of Unicode.
    fn characters(classes: &[&str]) -> impl Iterator<Item = char> {
        let any = regex::RegexSet::new(classes.iter().map(|class| format!("^{class}$"))).unwrap();
        ('\0'..=char::MAX).filter(move |c| any.is_match(c.encode_utf8(&mut [0; 4])))
    }

    #[test]
    fn format_characters_blank_letters_and_unusual_spaces_do_not_pass_for_nothing() {
        let classes = [
            r"\p{Cc}",
            r"\p{Cf}",
            r"\p{Z}",
            r"\p{Co}",
            r"\p{DI}",
            r"\p{VS}",
            r"\p{NChar}",
            r"\p{Bidi_C}",
            r"\p{White_Space}",
        ];
        for c in characters(&classes) {
            assert!(is_unseen(c) || c == ' ', "{:x}", u32::from(c));
        }
        for c in
            ['\u{1d173}', '\u{3164}', '\u{2800}', '\u{ffa0}', '\u{fe0f}', '\u{e0100}', '\u{a0}', '\u{16fe4}']
        {
            assert!(is_unseen(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn letters_marks_digits_punctuation_and_symbols_are_seen() {
        let blank = [
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{17b5}',
            '\u{2800}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{16fe4}',
            '\u{1d159}',
        ];
        let [letters, others] = [[r"\p{L}", r"\p{N}"], [r"[\p{M}&&\P{VS}]", r"[\p{P}\p{S}]"]];
        for c in characters(&letters).chain(characters(&others)) {
            assert_eq!(is_unseen(c), blank.contains(&c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn the_table_of_unseen_characters_is_in_order() {
        assert!(UNSEEN.iter().all(|(first, last)| first <= last));
        assert!(UNSEEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn any_bytes_survive_quoting() {
        let every: Vec<u8> = (0..=255).collect();
        for bytes in
            [&b""[..], b"a b", b"\"\\\"", b"\\x41", b"\x1b[31m", b"\xff\xfe", "ä\u{202e}é".as_bytes(), &every]
        {
            let text = quote(bytes);
            assert_eq!(unquote(&text[1..text.len() - 1]), bytes, "{text}");
            assert!(!text.chars().any(is_unseen), "{text:?}");
        }
    }

    #[test]
    fn a_backslash_before_other_letters_stands_for_itself() {
        assert_eq!(unquote(r"C:\temp\xyz"), br"C:\temp\xyz");
        assert_eq!(unquote(r"\x4a"), b"J");
        assert_eq!(unquote_regex(r#"^a/.*\.mp4\\\"\x41$"#), r#"^a/.*\.mp4\"\x41$"#);
    }
}
