//! Decides when to look for a new generation of the data.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two polls.
const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// Time between two polls without progress of the ingest: another process may add data.
const IDLE_INTERVAL: Duration = Duration::from_secs(2);
/// New data causes the queries of the screen to be sent again. A wait of this many times their duration limits them to
/// a fifth of the time.
const REST_FACTOR: u32 = 4;

/// When to poll next.
pub(super) struct GenerationPoll {
    next: Instant,
    last: Instant,
    /// How long the queries since the last change of the data ran.
    query_time: Duration,
}

impl GenerationPoll {
    pub(super) fn new(now: Instant) -> GenerationPoll {
        GenerationPoll { next: now + IDLE_INTERVAL, last: now, query_time: Duration::ZERO }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn query_ended(&mut self, elapsed: Duration) {
        self.query_time += elapsed;
    }

    /// Notes that the ingest made progress: polls earlier.
    pub(super) fn ingest_progressed(&mut self, now: Instant) {
        let rest = MIN_INTERVAL.max(self.query_time * REST_FACTOR);
        self.next = self.next.min(now.max(self.last + rest));
    }

    /// Whether to poll now, at the time of [`GenerationPoll::next`]. If so, schedules the next poll.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let rested = self.last + self.query_time * REST_FACTOR;
        let is_due = now >= rested;
        if is_due {
            self.last = now;
            self.next = now + IDLE_INTERVAL;
        } else {
            self.next = rested;
        }
        is_due
    }

    /// Notes that a poll found a new generation.
    pub(super) fn data_changed(&mut self) {
        self.query_time = Duration::ZERO;
    }
}
