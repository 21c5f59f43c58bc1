//! Which quotes of a text open or close a quoted part, by the spaces next to them.

use super::words::{end_of_quoted_text, quotes_from, word_at};

/// What a quote within a text can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// After a space, and before another character.
    Open,
    /// Before a space, and after another character.
    Close,
    Neither,
}

fn sides(text: &[u8]) -> impl Iterator<Item = Side> {
    quotes_from(text, 0).map(|quote| {
        let before = quote.checked_sub(1).map(|before| text[before] == b' ');
        let after = text.get(quote + 1).map(|after| *after == b' ');
        match (before, after) {
            (Some(true), Some(false)) => Side::Open,
            (Some(false), Some(true)) => Side::Close,
            _ => Side::Neither,
        }
    })
}

/// Whether each quote that closes a part of a text follows one that opens it, and each part is closed.
pub(super) fn are_paired(text: &[u8]) -> bool {
    let mut depth = 0usize;
    for side in sides(text) {
        match side {
            Side::Open => depth += 1,
            Side::Close => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Side::Neither => {}
        }
    }
    depth == 0
}

/// Whether the rest of a line from `at` on consists of words without quotes and quoted texts.
pub(super) fn are_whole_words(line: &[u8], at: usize) -> bool {
    let mut next = at;
    while let Some((start, end)) = word_at(line, next) {
        next = match end_of_quoted_text(line, start) {
            Some(end) => end,
            None if line[start..end].contains(&b'"') => return false,
            None => end,
        };
    }
    true
}
