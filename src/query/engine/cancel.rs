//! Waiting that a cancelled question gives up: for what another question is making, and for a dictionary
//! of a million values.

use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use crate::cache::Snapshot;
use crate::cache::dictionary::Dictionary;
use crate::log::Field;
use crate::query::QueryError;
use tokio_util::sync::CancellationToken;

/// Between two looks at whether the question still stands.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Goes on as long as somebody waits for the answer.
///
/// # Errors
/// If the question is cancelled.
pub fn go_on(cancel: &CancellationToken) -> Result<(), QueryError> {
    if cancel.is_cancelled() { Err(QueryError::Cancelled) } else { Ok(()) }
}

/// Locks what another question may hold for long.
///
/// # Errors
/// If the question is cancelled meanwhile.
pub fn lock<'m, T>(mutex: &'m Mutex<T>, cancel: &CancellationToken) -> Result<MutexGuard<'m, T>, QueryError> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Ok(guard),
            // Whoever panicked left nothing half done: what is kept is only ever replaced or added to.
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if cancel.is_cancelled() => return Err(QueryError::Cancelled),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// All values of a dimension.
///
/// # Errors
/// If they cannot be read, or the question is cancelled meanwhile: what was read by then is kept.
pub fn dictionary(
    snapshot: &Snapshot<'_>,
    field: Field,
    cancel: &CancellationToken,
) -> Result<Dictionary, QueryError> {
    snapshot.dictionary_while(field, &|| !cancel.is_cancelled())?.ok_or(QueryError::Cancelled)
}
