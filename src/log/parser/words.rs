//! Words of a line: texts separated by any number of spaces.

use memchr::{memchr, memchr_iter, memrchr};

/// Start and end of the first word from `at` on. A word is never empty.
pub(super) fn word_at(line: &[u8], at: usize) -> Option<(usize, usize)> {
    let start = skip_spaces(line, at);
    let rest = line.get(start..).filter(|rest| !rest.is_empty())?;
    Some((start, start + memchr(b' ', rest).unwrap_or(rest.len())))
}

/// Start and end of the first word or quoted text from `at` on, with its quotes. A quote that no other quote before a
/// space follows is part of a word.
pub(super) fn word_or_quoted_text_at(line: &[u8], at: usize) -> Option<(usize, usize)> {
    let (start, end) = word_at(line, at)?;
    Some((start, end_of_quoted_text(line, start).unwrap_or(end)))
}

/// The end of the quoted text that begins at `start`, after its closing quote.
pub(super) fn end_of_quoted_text(line: &[u8], start: usize) -> Option<usize> {
    line.get(start).filter(|byte| **byte == b'"')?;
    let is_end = |quote: &usize| matches!(line.get(quote + 1), None | Some(b' '));
    quotes_from(line, start + 1).find(is_end).map(|quote| quote + 1)
}

/// The text between the quotes around a word; the word if it has none.
pub(super) fn without_quotes(word: &[u8]) -> &[u8] {
    word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word)
}

/// The first word from `at` on, and its end.
pub(super) fn next_word(line: &[u8], at: usize) -> Option<(&[u8], usize)> {
    word_at(line, at).map(|(start, end)| (&line[start..end], end))
}

/// The last word of a text, and the text before it.
pub(super) fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = trim_spaces(text, text.len());
    let start = memrchr(b' ', &text[..end]).map_or(0, |space| space + 1);
    (start < end).then(|| (&text[..start], &text[start..end]))
}

/// The end of the spaces that begin at `at`; the end of the line if nothing follows.
pub(super) fn skip_spaces(line: &[u8], at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    rest.iter().position(|&byte| byte != b' ').map_or(line.len(), |spaces| at + spaces)
}

/// The start of the spaces that end at `at`.
pub(super) fn trim_spaces(line: &[u8], at: usize) -> usize {
    line[..at].iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1)
}

/// The start of the first word from `at` on that begins with a quote.
pub(super) fn next_quoted_word(line: &[u8], at: usize) -> Option<usize> {
    quotes_from(line, at).find(|&quote| quote > 0 && line[quote - 1] == b' ')
}

pub(super) fn quotes_from(line: &[u8], at: usize) -> impl Iterator<Item = usize> {
    memchr_iter(b'"', line.get(at..).unwrap_or_default()).map(move |offset| at + offset)
}

/// The text of a quoted field without its quotes; empty if it is `-`.
#[inline]
pub(super) fn absent_if_dash(text: &[u8]) -> &[u8] {
    if text == b"-" { &[] } else { text }
}

/// The text of a field of one word; empty if it is `-`, `"-"` or `""`.
pub(super) fn unquoted_field(word: &[u8]) -> &[u8] {
    if matches!(word, b"-" | b"\"-\"" | b"\"\"") { &[] } else { word }
}

/// The text; empty if it consists of dashes and spaces, which are absent fields.
pub(super) fn without_dashes(text: &[u8]) -> &[u8] {
    if text.iter().all(|&byte| byte == b'-' || byte == b' ') { &[] } else { text }
}

/// Whether a word consists of this number of lower-case hexadecimal digits.
pub(super) fn is_hex(word: &[u8], length: usize) -> bool {
    word.len() == length && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
