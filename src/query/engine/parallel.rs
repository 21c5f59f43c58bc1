//! The parallel scan: segments are distributed to all cores. A scan with progress runs in waves; between two waves
//! a callback gets the states of the threads. A cancelled scan ends after the current segments, or earlier if their scan
//! checks for cancellation.

use std::sync::OnceLock;
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
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(2, usize::from))
}

/// How the segments of a query are scanned.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) cancel: &'a CancellationToken,
    /// The queries that share the processors with this one, itself included; `None`: it may use all of them.
    pub(super) sharing: Option<&'a AtomicUsize>,
}

impl Scan<'_> {
    /// Number of threads that the scan may use now. Each thread has a state of its own, which takes memory, and time to
    /// merge: two queries at the same time take less of both with one thread each.
    fn threads(&self) -> usize {
        self.sharing.map_or(usize::MAX, |queries| threads() / queries.load(Relaxed).max(1)).max(1)
    }
}

/// Scans all segments and returns the states of the threads. No thread waits for another. `begin` returns the first
/// state of a thread; `scan` adds a segment to it. Returns the first error of `scan`, or [`QueryError::Cancelled`].
pub(super) fn scan_segments<S: Send>(
    segments: &[SegmentInfo],
    how: Scan<'_>,
    begin: impl Fn() -> S,
    scan: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
) -> Result<Vec<S>, QueryError> {
    scan_in_waves(segments, how, Duration::MAX, begin, scan, |_, _| Ok(()))
}

/// Like [`scan_segments`], but calls `on_progress` after each wave except the last, with the states and the share of
/// scanned rows (0–1). `on_progress` may merge the states into one of them. `wave` is the duration of the first wave.
pub(super) fn scan_in_waves<S: Send>(
    segments: &[SegmentInfo],
    how: Scan<'_>,
    wave: Duration,
    begin: impl Fn() -> S,
    scan: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
    on_progress: impl FnMut(&mut [S], f64) -> Result<(), QueryError>,
) -> Result<Vec<S>, QueryError> {
    let mut states = begin_states(segments, begin);
    add_in_waves(&mut states, segments, how, wave, scan, on_progress)?;
    Ok(states)
}

/// The first states of the threads that scan these segments.
pub(super) fn begin_states<S>(segments: &[SegmentInfo], begin: impl Fn() -> S) -> Vec<S> {
    let threads = threads().min(segments.len()).max(1);
    (0..threads).map(|_| begin()).collect()
}

/// Like [`scan_segments`], but adds the segments to `states`. After an error, these have the segments that were scanned.
pub(super) fn add_segments<S: Send>(
    states: &mut [S],
    segments: &[SegmentInfo],
    how: Scan<'_>,
    scan: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
) -> Result<(), QueryError> {
    add_in_waves(states, segments, how, Duration::MAX, scan, |_, _| Ok(()))
}

fn add_in_waves<S: Send>(
    states: &mut [S],
    segments: &[SegmentInfo],
    how: Scan<'_>,
    mut wave: Duration,
    scan: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
    mut on_progress: impl FnMut(&mut [S], f64) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let rows: usize = segments.iter().map(|segment| segment.rows).sum();
    let next = AtomicUsize::new(0);
    let first_error: Mutex<Option<QueryError>> = Mutex::new(None);
    loop {
        let deadline = Instant::now().checked_add(wave);
        // Adds the next segment to a state; `false` if there is none, or if the wave ends.
        let step = |state: &mut S| {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) || how.cancel.is_cancelled() {
                return false;
            }
            let Some(segment) = segments.get(next.fetch_add(1, Relaxed)) else { return false };
            if let Err(error) = scan(state, segment) {
                first_error.lock().get_or_insert(error);
                next.store(segments.len(), Relaxed);
                return false;
            }
            true
        };
        // The calling thread works too: a query over few segments ends before another thread would have started.
        if let Some((own, others)) = states.split_first_mut() {
            std::thread::scope(|scope| {
                let step = &step;
                let mut others = others.iter_mut();
                let mut running = 1;
                loop {
                    // Another query may have ended.
                    while running < how.threads()
                        && let Some(state) = others.next()
                    {
                        scope.spawn(move || while step(state) {});
                        running += 1;
                    }
                    if !step(own) {
                        break;
                    }
                }
            });
        }
        if let Some(error) = first_error.lock().take() {
            return Err(error);
        }
        check_cancelled(how.cancel)?;
        let done = next.load(Relaxed).min(segments.len());
        if done == segments.len() {
            return Ok(());
        }
        let done_rows: usize = segments[..done].iter().map(|segment| segment.rows).sum();
        on_progress(states, done_rows as f64 / rows.max(1) as f64)?;
        wave = wave.saturating_mul(WAVE_GROWTH);
    }
}
