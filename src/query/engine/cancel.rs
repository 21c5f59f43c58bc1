//! Cancellation of a running query: checks in loops, and waits that end when the query is cancelled.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use crate::query::QueryError;

/// Time between two checks while a query waits for a lock.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Items of nanoseconds each, such as pairs that are merged, between two checks.
pub(super) const ITEMS_PER_CHECK: usize = 1 << 14;
/// Steps of about a microsecond each, such as a block or a regular expression on a value, between two checks.
pub(super) const STEPS_PER_CHECK: usize = 64;

pub(super) fn check_cancelled(cancel: &CancellationToken) -> Result<(), QueryError> {
    if cancel.is_cancelled() { Err(QueryError::Cancelled) } else { Ok(()) }
}

/// Checks for cancellation once per `interval` iterations, because a check takes a lock.
pub(super) struct Ticker<'c> {
    cancel: &'c CancellationToken,
    interval: usize,
    remaining: usize,
}

impl<'c> Ticker<'c> {
    pub(super) fn of_items(cancel: &'c CancellationToken) -> Ticker<'c> {
        Ticker { cancel, interval: ITEMS_PER_CHECK, remaining: 0 }
    }

    pub(super) fn of_steps(cancel: &'c CancellationToken) -> Ticker<'c> {
        Ticker { cancel, interval: STEPS_PER_CHECK, remaining: 0 }
    }

    /// Counts an iteration. Checks in the first one.
    #[inline]
    pub(super) fn tick(&mut self) -> Result<(), QueryError> {
        if self.remaining == 0 {
            self.remaining = self.interval;
            check_cancelled(self.cancel)?;
        }
        self.remaining -= 1;
        Ok(())
    }
}

/// Locks a mutex that another query may have locked for a long time.
pub(super) fn lock<'m, T>(
    mutex: &'m Mutex<T>,
    cancel: &CancellationToken,
) -> Result<MutexGuard<'m, T>, QueryError> {
    loop {
        if let Some(guard) = mutex.try_lock_for(LOCK_POLL_INTERVAL) {
            return Ok(guard);
        }
        check_cancelled(cancel)?;
    }
}
