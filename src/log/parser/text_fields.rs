//! The ends of quoted fields with quotes in them: request URI, referer and user agent.
//!
//! S3 does not escape quotes. A quote ends a field only if what follows it can follow the field.

use memchr::memrchr_iter;

use super::super::number::{is_digits, is_status};
use super::trailing_fields;
use super::words::{next_word, quotes_from, skip_spaces};

/// The quote that ends the request URI that begins at `start`: preferably a quote before status and numbers, otherwise
/// a quote before three digits, otherwise a quote before a space. `None` if the line ends within the
/// URI.
pub(super) fn end_of_uri(line: &[u8], start: usize) -> Option<usize> {
    let status_follows = |quote: &usize| {
        line.get(quote + 1) == Some(&b' ')
            && next_word(line, quote + 1).is_some_and(|(text, _)| is_status(text))
    };
    certain_end_of_uri(line, start).or_else(|| quotes_from(line, start).find(status_follows)).or_else(|| {
        quotes_from(line, start).find(|&quote| line.get(quote + 1).is_none_or(|&byte| byte == b' '))
    })
}

/// The quote that ends the request URI that begins at `start`, if the text after it leaves no doubt: status, error code,
/// four numbers, and the referer.
pub(super) fn certain_end_of_uri(line: &[u8], start: usize) -> Option<usize> {
    quotes_from(line, start).find(|&quote| numbers_follow(line, quote + 1))
}

fn numbers_follow(line: &[u8], at: usize) -> bool {
    let Some(mut at) = end_of_status(line, at) else { return false };
    for is_number in [false, true, true, true, true] {
        match next_word(line, at) {
            Some((text, _)) if text[0] == b'"' => return false,
            Some((text, _)) if is_number && text != b"-" && !is_digits(text) => return false,
            Some((_, next)) => at = next,
            None => return false,
        }
    }
    next_word(line, at).is_some_and(|(text, _)| text[0] == b'"' || text == b"-")
}

/// The end of the status (three digits or `-`) after a space at `at`.
pub(super) fn end_of_status(line: &[u8], at: usize) -> Option<usize> {
    if line.get(at) != Some(&b' ') {
        return None;
    }
    let (text, next) = next_word(line, at)?;
    (text == b"-" || is_status(text)).then_some(next)
}

/// The quote that ends the referer that begins at `start`, and the quote at which the user agent begins: the first two
/// with only spaces between them, if possible two that are not escaped. (S3 escapes none, so a referer may end in a
/// backslash.)
pub(super) fn end_of_referer(line: &[u8], start: usize) -> Option<(usize, usize)> {
    let pairs = || {
        quotes_from(line, start).filter_map(|quote| {
            let next = skip_spaces(line, quote + 1);
            (next > quote + 1 && line.get(next) == Some(&b'"')).then_some((quote, next))
        })
    };
    let is_escaped =
        |quote: usize| line[start..quote].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    pairs().find(|(quote, _)| !is_escaped(*quote)).or_else(|| pairs().next())
}

/// The quote that ends the last quoted field of the line, which begins at `start`: the last one that the trailing
/// fields can follow. `None` if the line ends within the field.
pub(super) fn end_of_last_text(line: &[u8], start: usize) -> Option<usize> {
    memrchr_iter(b'"', &line[start..]).map(|offset| start + offset).find(|&quote| match line.get(quote + 1) {
        None => true,
        Some(b' ') => next_word(line, quote + 1).is_none_or(|(text, _)| trailing_fields::can_begin(text)),
        Some(_) => false,
    })
}
