//! Quoting and unquoting of values and regular expressions.

use std::fmt::Write;

use super::invisible::is_invisible;

/// Quotes a value: a backslash precedes `"` and `\`; invisible characters become `\u{1b}`, bytes that are not UTF-8
/// `\xNN`, as on every screen.
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
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

/// The escape that a text begins with, `\u{1b}` or `\xNN`: its bytes, and its length. Screens write what cannot be seen in
/// this way, so a value that is copied from one has the same meaning in a filter, with or without quotes.
pub(super) fn escape(text: &str) -> Option<(Vec<u8>, usize)> {
    let hex = |digits: &str| {
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    };
    if let Some(rest) = text.strip_prefix("\\u{") {
        let (digits, _) = rest.split_once('}')?;
        let c = char::from_u32(hex(digits)?)?;
        return Some((c.encode_utf8(&mut [0; 4]).as_bytes().to_vec(), "\\u{}".len() + digits.len()));
    }
    let byte = hex(text.strip_prefix("\\x")?.get(..2)?)?;
    Some((vec![u8::try_from(byte).ok()?], "\\xNN".len()))
}

/// The bytes of a value from the text between its quotes. A backslash that precedes neither `"` nor `\` and begins no
/// [`escape`] is an ordinary character.
pub(super) fn unquote(inside: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(c) = rest.chars().next() {
        let taken = match rest.as_bytes() {
            [b'\\', next @ (b'"' | b'\\'), ..] => {
                out.push(*next);
                2
            }
            _ => match escape(rest) {
                Some((bytes, length)) => {
                    out.extend(bytes);
                    length
                }
                None => {
                    out.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
                    c.len_utf8()
                }
            },
        };
        rest = &rest[taken..];
    }
    out
}

/// Quotes a regular expression. Unlike in [`quote`], escapes have no meaning for the quotes: they belong to the expression.
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

/// Replaces invisible characters of a regular expression with `\u{…}`.
pub(super) fn escape_invisible_in_regex(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if is_invisible(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
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
        assert_eq!(unquote(r"\u{1b}[2J\u{202e}"), "\u{1b}[2J\u{202e}".as_bytes());
        for ordinary in [r"\u{}", r"\u{1b", r"\u{110000}", r"\u{+1b}", r"\x1", r"\x+1", r"\xä"] {
            assert_eq!(unquote(ordinary), ordinary.as_bytes());
        }
        assert_eq!(unquote_regex(r#"^a/.*\.mp4\\\"\x41$"#), r#"^a/.*\.mp4\"\x41$"#);
    }
}
