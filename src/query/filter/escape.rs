//! Characters that must not reach a terminal as they are, and quoted values.

use std::fmt::Write;

/// Whether a character is unseen or changes how its neighbours are seen: control characters
/// (C0, DEL, C1), marks that turn the direction of writing, zero-width characters, separators of lines
/// and tags. Whatever shows values makes these visible.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

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
