//! Counters that all stages of an ingest update, and the progress made from them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;

use super::progress::{Failure, ForeignFiles, Phase, Progress};
use crate::source::foreign::ForeignKind;

/// Failures kept for the user. Further ones are only counted.
const MAX_KEPT_FAILURES: usize = 10_000;
/// Seconds over which the rate is measured.
const RATE_SECONDS: f64 = 3.0;

/// A time that defaults to now.
#[derive(Debug)]
struct Started(Instant);

impl Default for Started {
    fn default() -> Started {
        Started(Instant::now())
    }
}

macro_rules! counters {
    ($($count:ident)*) => {
        /// The fields have the meaning of those of [`Progress`].
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            started: Started,
            pub(super) is_listed: AtomicBool,
            $(pub(super) $count: AtomicU64,)*
            newest: Mutex<Option<i64>>,
            /// In an `Arc`, because a snapshot is taken ten times a second and failures are rare.
            failures: Mutex<Arc<Vec<Failure>>>,
            foreign: Mutex<Vec<ForeignFiles>>,
            without_record_at_start: Mutex<Vec<String>>,
            fatal: Mutex<Option<String>>,
            /// Elapsed seconds and line counts at the snapshots of the last seconds.
            history: Mutex<Vec<(f64, u64)>>,
        }

        impl Counters {
            /// Progress with all counts and nothing else.
            fn counts(&self) -> Progress {
                Progress { $($count: self.$count.load(Relaxed),)* ..Progress::default() }
            }
        }
    };
}

counters! {
    files_listed files_known files_done files_skipped files_failed files_empty bytes_listed bytes_done
    lines requests removed duplicates rejected
}

impl Counters {
    /// Counts a log file or source that could not be read. `what` is `reason` without names.
    pub(super) fn file_failed(&self, name: &str, reason: String, what: &str) {
        self.files_failed.fetch_add(1, Relaxed);
        tracing::warn!(name, reason, "a log file could not be read");
        let mut failures = self.failures.lock();
        if failures.len() < MAX_KEPT_FAILURES {
            let failure = Failure { name: name.to_owned(), reason, what: what.to_owned() };
            Arc::make_mut(&mut failures).push(failure);
        }
    }

    /// Counts a log file or source whose reading panicked. `doing`: for example "fetching it".
    pub(super) fn file_panicked(&self, name: &str, doing: &str) {
        let what = format!("internal error while {doing}; please report this as a defect of Tamarin");
        self.file_failed(name, format!("{name}: {what}"), &what);
    }

    pub(super) fn file_is_foreign(&self, name: &str, kind: ForeignKind) {
        let mut foreign = self.foreign.lock();
        match foreign.iter_mut().find(|files| files.kind == kind) {
            Some(files) => files.count += 1,
            None => foreign.push(ForeignFiles { kind, count: 1, first: name.to_owned() }),
        }
    }

    /// Notes a file that is not read as a log, although it may have records after its first megabytes.
    pub(super) fn file_has_no_record_at_start(&self, name: &str) {
        tracing::warn!(name, "a file has no record in its first megabytes");
        let mut names = self.without_record_at_start.lock();
        if names.len() < MAX_KEPT_FAILURES {
            names.push(name.to_owned());
        }
    }

    /// Sets the error that ends the ingest, unless there is one.
    pub(super) fn fail(&self, reason: String) {
        tracing::error!(reason, "the ingest failed");
        self.fatal.lock().get_or_insert(reason);
    }

    pub(super) fn fatal(&self) -> Option<String> {
        self.fatal.lock().clone()
    }

    /// Notes the time of a committed request, in seconds since the epoch.
    pub(super) fn committed_until(&self, time: i64) {
        let mut newest = self.newest.lock();
        *newest = newest.max(Some(time));
    }

    pub(super) fn phase(&self) -> Phase {
        if self.is_listed.load(Relaxed) { Phase::Reading } else { Phase::Listing }
    }

    pub(super) fn progress(&self, phase: Phase) -> Progress {
        let elapsed = self.started.0.elapsed().as_secs_f64();
        let counts = self.counts();
        Progress {
            phase,
            elapsed,
            rate: self.rate(elapsed, counts.lines),
            newest: *self.newest.lock(),
            failures: self.failures.lock().clone(),
            foreign: self.foreign.lock().clone(),
            without_record_at_start: self.without_record_at_start.lock().clone(),
            fatal: self.fatal(),
            ..counts
        }
    }

    fn rate(&self, elapsed: f64, lines: u64) -> f64 {
        let mut history = self.history.lock();
        history.push((elapsed, lines));
        let old = history.iter().take_while(|(time, _)| *time < elapsed - RATE_SECONDS).count();
        history.drain(..old);
        match history.first() {
            Some((time, before)) if elapsed - time > 0.05 => (lines - before) as f64 / (elapsed - time),
            _ if elapsed > 0.0 => lines as f64 / elapsed,
            _ => 0.0,
        }
    }
}
