//! The end of a quoted user agent. Clients choose its text, and quotes in it are not escaped, so only what follows a
//! quote shows whether it is the end.

use memchr::memrchr_iter;

use super::server_forms::{self, Obs};
use super::text_fields::end_of_last_text;
use super::trailing_fields::{FIELDS_OF_NEWER_RECORDS, FIELDS_OF_OLDER_RECORDS, Layout};

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
/// After the last quote, only S3 has written. So if the trailing fields of a newer record follow it, it is the end, and no
/// text of a client can move it. Otherwise one of the trailing fields, or a new field after them, may be
/// quoted: then the end is the last quote after which these fields can be read.
pub(super) fn find<'a>(line: &'a [u8], owner: &[u8], open: usize) -> End<'a> {
    let obs = server_forms::read_obs(line, open);
    let is_obs_owner = server_forms::is_obs_owner(owner);
    if is_obs_owner && let Some(obs) = obs {
        return End::Obs(obs);
    }
    let mut quotes = closing_quotes(line, open);
    let Some(last) = quotes.next() else {
        // With the trailing fields, it is not the end of the line that cuts the user agent off.
        return if server_forms::ends_with_trailing_fields(line, open + 1) {
            End::Unclear
        } else {
            End::CutOff
        };
    };
    let after_last = Layout::of(line, last + 1);
    let is_newer = after_last.count() >= FIELDS_OF_NEWER_RECORDS;
    if after_last.is_readable && is_newer {
        return End::Fields(last, Box::new(after_last));
    }
    let mut others = 0;
    let mut are_certain = false;
    for quote in quotes {
        others += 1;
        let fields = Layout::of(line, quote + 1);
        if fields.is_readable && fields.is_certain {
            return End::Fields(quote, Box::new(fields));
        }
        are_certain |= fields.is_certain;
    }
    if let Some(obs) = obs {
        return End::Obs(obs);
    }
    let is_older = after_last.count() <= FIELDS_OF_OLDER_RECORDS;
    // Records of OBS have a quoted name after the user agent, unless they end at the version id.
    let has_name = || memchr::memmem::find(&line[open + 1..last], b" \"").is_some();
    let may_be_obs = is_obs_owner && after_last.count() > 0 && (others > 0 || has_name());
    if may_be_obs || others > 0 && (are_certain || !after_last.is_readable || !is_older) {
        End::Unclear
    } else if !is_newer && end_of_last_text(line, open + 1) != Some(last) {
        End::CutOff
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
