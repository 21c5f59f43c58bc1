//! The end of a quoted user agent. Clients choose its text, and quotes in it are not escaped, so only what follows a
//! quote shows whether it is the end.

use memchr::memrchr_iter;

use super::quotes;
use super::server_forms::{self, Obs};
use super::trailing_fields::{self, FIELDS_OF_NEWER_RECORDS, Layout};
use super::words::word_at;

/// Number of quotes that are examined; limits the cost of hostile lines.
const QUOTES_MAX: usize = 64;

/// Where a user agent ends.
pub(super) enum End<'a> {
    /// At this quote; the trailing fields follow.
    Fields(usize, Box<Layout<'a>>),
    /// At this quote; the fields of Huawei OBS follow.
    Obs(Obs),
    /// At this quote; what follows cannot be read.
    Unreadable(usize),
    /// At the end of the line, which is cut off.
    CutOff,
    /// It can end at several quotes.
    Unclear,
}

/// The end of the user agent that begins at the quote at `open`.
///
/// After the last quote, only the server has written. So if the trailing fields of a newer record follow it, it is the end, and
/// no text of a client can move it. Otherwise, the record is older, of a server that logs less, or cut off, or a later
/// field is quoted. If words and quoted texts follow several quotes, nothing shows which of them is the end.
pub(super) fn find<'a>(line: &'a [u8], owner: &[u8], open: usize) -> End<'a> {
    let Some(last) = closing_quotes(line, open).next() else {
        // With the trailing fields, it is not the end of the line that cuts the user agent off.
        return if server_forms::ends_with_trailing_fields(line, open + 1) {
            End::Unclear
        } else {
            End::CutOff
        };
    };
    let after_last = Layout::of(line, last + 1);
    if after_last.is_readable && after_last.count() >= FIELDS_OF_NEWER_RECORDS && !after_last.is_absent() {
        return End::Fields(last, Box::new(after_last));
    }
    let is_obs = server_forms::is_obs_owner(owner);
    if is_obs && let Some(obs) = server_forms::read_obs(line, open) {
        return End::Obs(obs);
    }
    if !quotes::are_whole_words(line, last + 1) {
        return End::Unclear;
    }
    let has_others = closing_quotes(line, open).skip(1).any(|quote| quotes::are_whole_words(line, quote + 1));
    // With other quotes, the last one may close a part of a user agent that is cut off, or be in a later field.
    if has_others || !quotes::are_paired(&line[open + 1..last]) {
        return End::Unclear;
    }
    let Some((start, end)) = word_at(line, last + 1) else { return End::Fields(last, Box::new(after_last)) };
    if !trailing_fields::can_begin(&line[start..end]) {
        End::Unclear
    } else if is_obs {
        End::Obs(Obs { close: last, version: (start, end) })
    } else if after_last.is_readable {
        End::Fields(last, Box::new(after_last))
    } else {
        End::Unreadable(last)
    }
}

/// The quotes that can end the text that begins at the quote at `open`, from the last to the first.
pub(super) fn closing_quotes(line: &[u8], open: usize) -> impl Iterator<Item = usize> {
    memrchr_iter(b'"', line.get(open + 1..).unwrap_or_default())
        .map(move |offset| open + 1 + offset)
        .filter(|quote| matches!(line.get(quote + 1), None | Some(b' ')))
        .take(QUOTES_MAX)
}
