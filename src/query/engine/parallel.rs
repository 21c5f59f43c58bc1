//! Drives a fold over segments: on all cores, in waves between which a partial answer is told and a
//! cancelled question ends.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::cache::SegmentInfo;
use crate::query::QueryError;
use tokio_util::sync::CancellationToken;

/// The first partial answer comes within a frame; later ones are rarer, for making one costs too.
const FIRST_WAVE: Duration = Duration::from_millis(4);
const WAVES_GROW: u32 = 4;

/// Folds all segments. Each thread has a state of its own, made by `begin`; `tell` hears of the states
/// and the share of rows folded after each wave but the last, and may bring them together in one of them.
pub fn fold<S: Send>(
    segments: &[SegmentInfo],
    cancel: &CancellationToken,
    begin: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
    tell: impl FnMut(&mut [S], f64) -> Result<(), QueryError>,
) -> Result<Vec<S>, QueryError> {
    fold_in_waves(segments, cancel, FIRST_WAVE, begin, step, tell)
}

/// The same, when there is nothing to tell before the end: no thread waits for another then.
pub fn fold_silently<S: Send>(
    segments: &[SegmentInfo],
    cancel: &CancellationToken,
    begin: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
) -> Result<Vec<S>, QueryError> {
    fold_in_waves(segments, cancel, Duration::MAX, begin, step, |_, _| Ok(()))
}

fn fold_in_waves<S: Send>(
    segments: &[SegmentInfo],
    cancel: &CancellationToken,
    mut wave: Duration,
    begin: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync,
    mut tell: impl FnMut(&mut [S], f64) -> Result<(), QueryError>,
) -> Result<Vec<S>, QueryError> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(segments.len()).max(1);
    let mut states: Vec<S> = (0..threads).map(|_| begin()).collect();
    let rows: usize = segments.iter().map(|segment| segment.rows).sum();
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<QueryError>> = Mutex::new(None);
    loop {
        let deadline = Instant::now().checked_add(wave);
        let work = |state: &mut S| {
            while deadline.is_none_or(|deadline| Instant::now() < deadline) && !cancel.is_cancelled() {
                let Some(segment) = segments.get(next.fetch_add(1, Relaxed)) else { return };
                if let Err(error) = step(state, segment) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(segments.len(), Relaxed);
                    return;
                }
            }
        };
        match states.split_first_mut() {
            // A question about little is answered before a thread would have started.
            Some((own, [])) => work(own),
            Some((own, others)) => std::thread::scope(|scope| {
                for state in others {
                    scope.spawn(|| work(state));
                }
                work(own);
            }),
            None => {}
        }
        if let Some(error) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        if cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        let done = next.load(Relaxed).min(segments.len());
        if done == segments.len() {
            return Ok(states);
        }
        let done_rows: usize = segments[..done].iter().map(|segment| segment.rows).sum();
        tell(&mut states, done_rows as f64 / rows.max(1) as f64)?;
        wave = wave.saturating_mul(WAVES_GROW);
    }
}
