//! Lines that hold two records, because the line end between them is lost.
//!
//! It happens where log files were put together of which one did not end in a line end, and where one was
//! cut off. But the sender of a request chooses its URI, referer and user agent, S3 does not escape quotes in
//! them, and no text is impossible there: `x" - … -` and then a whole record reads exactly as if one record
//! ended and another began. So it does not matter how well the parts read. It matters where the second one
//! begins: a line is taken apart only where the text of a stranger cannot be. These places are
//!
//! - before the first quote: S3 encodes keys, and every other field there is made by S3;
//! - after the last quote, for the quote that ends the text of a stranger would follow;
//! - directly after a NUL or a carriage return, which no HTTP header can contain.
//!
//! Everywhere else the line is one record, and what looks like a second one is [doubtful](Joined::doubtful).
//! In all cases the second one has to name the bucket owner of the first by its canonical id. Lines of the
//! plain layout (`plain`) are never taken apart.

use memchr::{memchr, memchr_iter, memrchr};

use super::tolerant;

/// How many places of one line are looked at closely; keeps hostile lines cheap.
const TRIES: usize = 16;

/// What looks like another record in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined {
    /// Where the second record of the line begins.
    pub(super) certain: Option<usize>,
    /// Where something begins, before that, which a stranger may have written into the first record.
    pub(super) doubtful: Option<usize>,
}

/// Looks for a second record with bucket, time and operation.
pub(super) fn find(text: &[u8]) -> Joined {
    let mut found = first(text);
    // What was within quotes may be after the last one now.
    for _ in 0..TRIES {
        let Some(end) = found.certain else { break };
        found = match first(&text[..end]) {
            Joined { certain: None, doubtful } => return Joined { certain: Some(end), doubtful },
            earlier => earlier,
        };
    }
    found
}

fn first(text: &[u8]) -> Joined {
    let mut found = Joined::default();
    let Ok(head) = tolerant::head(text, 0) else { return found };
    let owner = head.owner;
    if !tolerant::is_canonical_id(owner) {
        return found;
    }
    let quotes = memchr(b'"', text).zip(memrchr(b'"', text));
    let mut tries = 0;
    for bracket in memchr_iter(b'[', &text[head.end..]).map(|offset| head.end + offset) {
        let Some(start) = owner_before(text, bracket, owner).filter(|&start| start >= head.end) else {
            continue;
        };
        let may_be_a_strangers = quotes.is_some_and(|(first, last)| first < start && start < last)
            && !matches!(text[start - 1], 0 | b'\r');
        if may_be_a_strangers && found.doubtful.is_some() || tolerant::time_at(text, bracket).is_none() {
            continue;
        }
        if tolerant::has_operation(&text[start..]) {
            if !may_be_a_strangers {
                found.certain = Some(start);
                break;
            }
            found.doubtful = Some(start);
        }
        tries += 1;
        if tries == TRIES {
            break;
        }
    }
    found
}

/// Where `owner bucket ` begins that stands directly before the bracket.
fn owner_before(text: &[u8], bracket: usize, owner: &[u8]) -> Option<usize> {
    let before = text[..bracket].strip_suffix(b" ")?;
    // Names of buckets have at most 63 characters, very old ones 255.
    let near = before.len().saturating_sub(256);
    let space = near + memrchr(b' ', &before[near..])?;
    let start = space.checked_sub(owner.len())?;
    (space + 1 < before.len() && text[start..space] == *owner).then_some(start)
}
