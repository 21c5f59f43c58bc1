//! Quoting and unquoting of values and regular expressions.

use std::fmt::Write;

use super::invisible::is_invisible;

/// Quotes a value: a backslash precedes `"` and `\`; bytes that are not UTF-8 and invisible characters become `\xNN`.
pub(super) fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    escape_into(bytes, &mut text);
    text.push('"');
    text
}

/// Appends the escaped text that [`quote`] puts between quotes.
pub(super) fn escape_into(bytes: &[u8], text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '"' || c == '\\' {
                text.push('\\');
                text.push(c);
            } else if is_invisible(c) {
                push_hex_escapes(c.encode_utf8(&mut [0; 4]).as_bytes(), text);
            } else {
                text.push(c);
            }
        }
        push_hex_escapes(chunk.invalid(), text);
    }
}

fn push_hex_escapes(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// The bytes of a value from the text between its quotes. A backslash that does not precede `"`, `\` or `xNN` is an
/// ordinary character.
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
            (b'\\', Some(b'x'))
                if hex_digit(bytes, at + 2).is_some() && hex_digit(bytes, at + 3).is_some() =>
            {
                let number =
                    hex_digit(bytes, at + 2).unwrap_or(0) * 16 + hex_digit(bytes, at + 3).unwrap_or(0);
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

fn hex_digit(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = char::from(*bytes.get(at)?).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Quotes a regular expression. Unlike in [`quote`], `\xNN` has no meaning for the quotes: it belongs to the expression.
pub(super) fn quote_regex(pattern: &str) -> String {
    format!("\"{}\"", escape_invisible_in_regex(pattern).replace('\\', "\\\\").replace('"', "\\\""))
}

/// The regular expression from the text between its quotes. Only `\"` and `\\` are escapes, so that `\.` and `\d` need
/// no second backslash.
pub(super) fn unquote_regex(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next @ ('"' | '\\'))) => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// Replaces invisible characters of a regular expression with `\x{…}`.
pub(super) fn escape_invisible_in_regex(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if is_invisible(c) {
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
    fn quoted_bytes_parse_to_themselves() {
        let every: Vec<u8> = (0..=255).collect();
        for bytes in
            [&b""[..], b"a b", b"\"\\\"", b"\\x41", b"\x1b[31m", b"\xff\xfe", "ä\u{202e}é".as_bytes(), &every]
        {
            let text = quote(bytes);
            assert_eq!(unquote(&text[1..text.len() - 1]), bytes, "{text}");
            assert!(!text.chars().any(is_invisible), "{text:?}");
        }
    }

    #[test]
    fn a_backslash_before_other_characters_is_an_ordinary_character() {
        assert_eq!(unquote(r"C:\temp\xyz"), br"C:\temp\xyz");
        assert_eq!(unquote(r"\x4a"), b"J");
        assert_eq!(unquote_regex(r#"^a/.*\.mp4\\\"\x41$"#), r#"^a/.*\.mp4\"\x41$"#);
    }
}
