//! Lines that hold two records, because the line end between them is lost.
//!
//! It happens where log files were put together of which one did not end in a line end, and where one was
//! cut off. In a user agent a stranger may write what looks like a second record. So a line is taken
//! apart only where the second part names the very same bucket owner as the first, 64 hexadecimal digits
//! that a stranger has to know. Lines of the plain layout (`plain`) are never taken apart.

use memchr::{memchr, memrchr};

use super::line;

/// How many places of one line are looked at closely; keeps hostile lines cheap.
const TRIES: usize = 16;

/// Where the second record of the line begins, if there is one with bucket, time and operation.
pub(super) fn split(text: &[u8]) -> Option<usize> {
    let head = line::head(text, 0).ok()?;
    let owner = head.owner;
    if !line::is_canonical_id(owner) {
        return None;
    }
    let mut at = head.end;
    let mut tries = 0;
    while let Some(offset) = memchr(b'[', text.get(at..)?) {
        let bracket = at + offset;
        at = bracket + 1;
        let Some(start) = owner_before(text, bracket, owner).filter(|&start| start >= head.end) else {
            continue;
        };
        if line::time_at(text, bracket).is_none() {
            continue;
        }
        if line::has_operation(&text[start..]) {
            return Some(start);
        }
        tries += 1;
        if tries == TRIES {
            break;
        }
    }
    None
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
