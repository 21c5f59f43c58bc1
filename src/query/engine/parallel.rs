//! The parallel scan: segments are distributed to all cores. A scan with progress runs in waves; between two waves
//! a callback gets the states of the threads. A cancelled scan ends after the current segments.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::cancel::check_cancelled;
use crate::cache::SegmentInfo;
use crate::query::QueryError;

/// Duration of the first wave of a scan with progress: a first partial answer appears within a frame.
pub(super) const FIRST_WAVE: Duration = Duration::from_millis(4);
/// Factor by which each wave is longer than the one before, because a partial answer costs time, too.
const WAVE_GROWTH: u32 = 4;

/// Threads that a scan or a read of many rows may use.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Scans all segments and returns the states of the threads. No thread waits for another. `begin` returns the first
/// state of a thread; `scan` adds a segment to it. Returns the first error of `scan`, or [`QueryError::Cancelled`].
pub(super) fn scan_segments<S: Send>(
    segments: &[SegmentInfo],
    cancel: &CancellationToken,
    begin: impl Fn() -> S + Sync,
    scan: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
) -> Result<Vec<S>, QueryError> {
    scan_in_waves(segments, cancel, Duration::MAX, begin, scan, |_, _| Ok(()))
}

/// Like [`scan_segments`], but calls `on_progress` after each wave except the last, with the states and the share of
/// scanned rows (0–1). `on_progress` may merge the states into one of them. `wave` is the duration of the first wave.
pub(super) fn scan_in_waves<S: Send>(
    segments: &[SegmentInfo],
    cancel: &CancellationToken,
    mut wave: Duration,
    begin: impl Fn() -> S + Sync,
    scan: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
    mut on_progress: impl FnMut(&mut [S], f64) -> Result<(), QueryError>,
) -> Result<Vec<S>, QueryError> {
    let threads = threads().min(segments.len()).max(1);
    let mut states: Vec<S> = (0..threads).map(|_| begin()).collect();
    let rows: usize = segments.iter().map(|segment| segment.rows).sum();
    let next = AtomicUsize::new(0);
    let first_error: Mutex<Option<QueryError>> = Mutex::new(None);
    loop {
        let deadline = Instant::now().checked_add(wave);
        let work = |state: &mut S| {
            while deadline.is_none_or(|deadline| Instant::now() < deadline) && !cancel.is_cancelled() {
                let Some(segment) = segments.get(next.fetch_add(1, Relaxed)) else { return };
                if let Err(error) = scan(state, segment) {
                    first_error.lock().get_or_insert(error);
                    next.store(segments.len(), Relaxed);
                    return;
                }
            }
        };
        match states.split_first_mut() {
            // The calling thread works too: a query over few segments ends before another thread would have started.
            Some((own, [])) => work(own),
            Some((own, others)) => std::thread::scope(|scope| {
                for state in others {
                    scope.spawn(|| work(state));
                }
                work(own);
            }),
            None => {}
        }
        if let Some(error) = first_error.lock().take() {
            return Err(error);
        }
        check_cancelled(cancel)?;
        let done = next.load(Relaxed).min(segments.len());
        if done == segments.len() {
            return Ok(states);
        }
        let done_rows: usize = segments[..done].iter().map(|segment| segment.rows).sum();
        on_progress(&mut states, done_rows as f64 / rows.max(1) as f64)?;
        wave = wave.saturating_mul(WAVE_GROWTH);
    }
}
