//! Lines with two records, because the line end between them is lost.
//!
//! This happens where log files were concatenated and one of them did not end with a line end, and where a log file was
//! cut off. But the sender of a request chooses its URI, referer and user agent, and S3 does not escape quotes in them:
//! `x" - … -` and then a whole record reads exactly as if one record ended and another began. So it proves
//! nothing that two parts read well. The place where the second record begins decides: a line is split only where there
//! cannot be text of a sender. These places are
//!
//! - before the first quote: S3 encodes keys, and it creates every other field there;
//! - after the last quote, because the text of a sender would be followed by its closing quote;
//! - directly after a NUL or a carriage return, which no HTTP header can contain.
//!
//! Everywhere else the line is one record, and what looks like a second one is [doubtful](Joined::doubtful).
//! The second record must always have the canonical id of the bucket owner of the first. Lines that the fast path reads
//! are never split.

use memchr::{memchr, memchr_iter, memrchr};

use super::identity::begins_with_record;
use super::line_head::{LineHead, is_canonical_id, time_at};

/// Number of places in a line where a second record is looked for; limits the cost of hostile lines.
const CANDIDATES_MAX: usize = 16;

/// The places in a line where text looks like another record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) second: Option<usize>,
    /// Start of text in the first record that looks like a record, but may have been written by the sender.
    pub(super) doubtful: Option<usize>,
}

pub(super) fn find(text: &[u8]) -> Joined {
    let mut found = find_first(text);
    // Without the second record, text that was within quotes may be after the last quote.
    for _ in 0..CANDIDATES_MAX {
        let Some(end) = found.second else { break };
        found = match find_first(&text[..end]) {
            Joined { second: None, doubtful } => return Joined { second: Some(end), doubtful },
            earlier => earlier,
        };
    }
    found
}

fn find_first(text: &[u8]) -> Joined {
    let mut found = Joined::default();
    let Ok(head) = LineHead::read(text) else { return found };
    if !is_canonical_id(head.owner) {
        return found;
    }
    let quotes = memchr(b'"', text).zip(memrchr(b'"', text));
    let mut candidates = 0;
    for bracket in memchr_iter(b'[', &text[head.end..]).map(|offset| head.end + offset) {
        let start = start_of_head(text, bracket, head.owner).filter(|&start| start >= head.end);
        let Some(start) = start else { continue };
        let may_be_by_sender = quotes.is_some_and(|(first, last)| first < start && start < last)
            && !matches!(text[start - 1], 0 | b'\r');
        if may_be_by_sender && found.doubtful.is_some() || time_at(text, bracket).is_none() {
            continue;
        }
        if begins_with_record(&text[start..]) {
            if !may_be_by_sender {
                found.second = Some(start);
                break;
            }
            found.doubtful = Some(start);
        }
        candidates += 1;
        if candidates == CANDIDATES_MAX {
            break;
        }
    }
    found
}

/// Start of the `owner bucket ` directly before a bracket.
fn start_of_head(text: &[u8], bracket: usize, owner: &[u8]) -> Option<usize> {
    let before = text[..bracket].strip_suffix(b" ")?;
    // Names of buckets have up to 63 characters; very old ones up to 255.
    let near = before.len().saturating_sub(256);
    let space = near + memrchr(b' ', &before[near..])?;
    let start = space.checked_sub(owner.len())?;
    (space + 1 < before.len() && text[start..space] == *owner).then_some(start)
}
