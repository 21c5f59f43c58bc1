//! The sums that every group and every bucket of time has.

use crate::cache::{CacheError, Snapshot};
use crate::log::Field;
use crate::query::Stats;

/// The smallest status of an error.
const FIRST_ERROR_STATUS: u64 = 400;

/// Sums over requests. `first` and `last` are meaningless without requests.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Sums {
    pub(crate) bytes_sent: u64,
    pub(crate) requests: u32,
    pub(crate) errors: u32,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Default for Sums {
    fn default() -> Self {
        Sums { bytes_sent: 0, requests: 0, errors: 0, first: i64::MAX, last: i64::MIN }
    }
}

impl Sums {
    #[inline]
    pub(crate) fn add(&mut self, time: i64, bytes_sent: u64, is_error: u32) {
        // A logged number may be as large as a column allows, so the sum saturates.
        self.bytes_sent = self.bytes_sent.saturating_add(bytes_sent);
        self.requests += 1;
        self.errors += is_error;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }

    #[inline]
    pub(crate) fn merge(&mut self, other: &Sums) {
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        self.requests += other.requests;
        self.errors += other.errors;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    pub(crate) fn stats(&self) -> Stats {
        match self.requests {
            0 => Stats::default(),
            requests => Stats {
                requests: u64::from(requests),
                bytes_sent: self.bytes_sent,
                errors: u64::from(self.errors),
                first_seen: self.first,
                last_seen: self.last,
            },
        }
    }
}

/// Whether each status is an error (≥ 400), by value id.
pub(crate) fn error_statuses(snapshot: &Snapshot<'_>) -> Result<Vec<bool>, CacheError> {
    let statuses = snapshot.dictionary(Field::HttpStatus)?;
    let is_error = |status: &[u8]| {
        let status = std::str::from_utf8(status).ok().and_then(|status| status.parse::<u64>().ok());
        status.is_some_and(|status| status >= FIRST_ERROR_STATUS)
    };
    Ok(std::iter::once(false).chain(statuses.iter().map(is_error)).collect())
}
