//! Text chosen by strangers, made safe to show.

use std::borrow::Cow;
use std::fmt::Write;

use crate::query::filter::is_unseen;

/// The text with unseen characters spelled `\u{1b}` (the code point in hexadecimal): control characters,
/// marks that turn the direction of writing, zero-width characters. No escape sequence survives, and
/// what is shown is what is there. Borrows where nothing had to be done.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unseen(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
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
    fn bytes_that_are_no_text_show_as_bytes() {
        assert_eq!(visible_bytes(b"a\xff\x1bb"), "a\\xff\\u{1b}b");
        assert_eq!(visible_bytes("ä".as_bytes()), "ä");
    }
}
