//! What the parts of an ingest count, and progress made of it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::progress::{Failure, ForeignFiles, Phase, Progress};
use crate::source::foreign::Foreign;

/// Failures kept to be shown; all are counted.
const FAILURES_SHOWN: usize = 10_000;
/// Seconds over which the rate is taken.
const RATE_OVER: f64 = 3.0;

#[derive(Debug)]
pub struct Counters {
    started: Instant,
    pub listed: AtomicBool,
    pub files_listed: AtomicU64,
    pub files_known: AtomicU64,
    pub files_done: AtomicU64,
    pub files_skipped: AtomicU64,
    pub files_failed: AtomicU64,
    pub bytes_listed: AtomicU64,
    pub bytes_done: Arc<AtomicU64>,
    pub lines: AtomicU64,
    pub requests: AtomicU64,
    pub taken_back: AtomicU64,
    pub duplicates: AtomicU64,
    pub rejected: AtomicU64,
    newest: AtomicI64,
    /// Shared with whoever is told how far it is: that happens often, failures are rare.
    failures: Mutex<Arc<Vec<Failure>>>,
    /// Files of other kinds, by kind.
    foreign: Mutex<Vec<ForeignFiles>>,
    fatal: Mutex<Option<String>>,
    /// Lines at some moments of the last seconds.
    history: Mutex<Vec<(f64, u64)>>,
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            started: Instant::now(),
            listed: AtomicBool::default(),
            files_listed: AtomicU64::default(),
            files_known: AtomicU64::default(),
            files_done: AtomicU64::default(),
            files_skipped: AtomicU64::default(),
            files_failed: AtomicU64::default(),
            bytes_listed: AtomicU64::default(),
            bytes_done: Default::default(),
            lines: AtomicU64::default(),
            requests: AtomicU64::default(),
            taken_back: AtomicU64::default(),
            duplicates: AtomicU64::default(),
            rejected: AtomicU64::default(),
            newest: AtomicI64::new(i64::MIN),
            failures: Mutex::default(),
            foreign: Mutex::default(),
            fatal: Mutex::default(),
            history: Mutex::default(),
        }
    }
}

impl Counters {
    /// Notes a log file, or a source, that could not be read: why, with its name and without.
    pub fn file_failed(&self, name: &str, reason: String, what: &str) {
        self.files_failed.fetch_add(1, Relaxed);
        tracing::warn!(name, reason, "a log file could not be read");
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < FAILURES_SHOWN {
            let failure = Failure { name: name.to_owned(), reason, what: what.to_owned() };
            Arc::make_mut(&mut failures).push(failure);
        }
    }

    /// Notes a file that is no log, and what it is instead.
    pub fn note_foreign(&self, name: &str, kind: Foreign) {
        let mut foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        match foreign.iter_mut().find(|others| others.kind == kind) {
            Some(others) => others.count += 1,
            None => foreign.push(ForeignFiles { kind, count: 1, first: name.to_owned() }),
        }
    }

    /// Notes why the ingest cannot go on. The first reason counts.
    pub fn fail(&self, reason: String) {
        tracing::error!(reason, "the ingest failed");
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }

    /// Why it cannot go on.
    pub fn fatal(&self) -> Option<String> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the time of a request that was committed.
    pub fn seen(&self, time: i64) {
        self.newest.fetch_max(time, Relaxed);
    }

    /// What it is doing while it runs.
    pub fn phase(&self) -> Phase {
        if self.listed.load(Relaxed) { Phase::Reading } else { Phase::Listing }
    }

    /// All of it as it is now.
    pub fn progress(&self, phase: Phase) -> Progress {
        let elapsed = self.started.elapsed().as_secs_f64();
        let lines = self.lines.load(Relaxed);
        let newest = self.newest.load(Relaxed);
        Progress {
            phase,
            files_listed: self.files_listed.load(Relaxed),
            files_known: self.files_known.load(Relaxed),
            files_done: self.files_done.load(Relaxed),
            files_skipped: self.files_skipped.load(Relaxed),
            files_failed: self.files_failed.load(Relaxed),
            bytes_listed: self.bytes_listed.load(Relaxed),
            bytes_done: self.bytes_done.load(Relaxed),
            lines,
            requests: self.requests.load(Relaxed),
            taken_back: self.taken_back.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            elapsed,
            rate: self.rate(elapsed, lines),
            newest: (newest > i64::MIN).then_some(newest),
            failures: self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            foreign: self.foreign.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            fatal: self.fatal(),
        }
    }

    fn rate(&self, elapsed: f64, lines: u64) -> f64 {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.push((elapsed, lines));
        let old = history.iter().take_while(|(at, _)| *at < elapsed - RATE_OVER).count();
        history.drain(..old);
        match history.first() {
            Some((at, before)) if elapsed - at > 0.05 => (lines - before) as f64 / (elapsed - at),
            _ if elapsed > 0.0 => lines as f64 / elapsed,
            _ => 0.0,
        }
    }
}
