//! How far the ingest is: the latest state only, as a `watch` channel carries it.

use std::sync::Arc;

use crate::source::foreign::Foreign;

/// What the ingest is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    #[default]
    Idle,
    /// Listing log files, and already reading those found.
    Listing,
    /// The list is whole; reading.
    Reading,
    /// All is read and committed (failures included, see [`Progress::failures`]).
    Done,
    /// Stopped on request; what was committed stays.
    Cancelled,
    /// Could not go on; see [`Progress::fatal`].
    Failed,
}

/// How far the ingest is. All counts are of this run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Log files found.
    pub files_listed: u64,
    /// Log files found that the cache already had: not read again.
    pub files_known: u64,
    /// Log files read and committed.
    pub files_done: u64,
    /// Log files read that hold no log lines at all: skipped.
    pub files_skipped: u64,
    /// Log files that could not be read; they are tried again next time.
    pub files_failed: u64,
    /// Bytes of the new log files listed, where the source tells (stored size).
    pub bytes_listed: u64,
    /// Stored bytes of them read so far.
    pub bytes_done: u64,
    /// Lines read.
    pub lines: u64,
    /// Requests added to the cache (committed).
    pub requests: u64,
    /// Requests removed from the cache, because the log files that gave them changed or are damaged.
    pub taken_back: u64,
    /// Exact repeats of a line, dropped.
    pub duplicates: u64,
    /// Lines that are no record; kept in the cache.
    pub rejected: u64,
    /// Seconds since the start.
    pub elapsed: f64,
    /// Lines per second, over the last seconds.
    pub rate: f64,
    /// Time of the newest request committed, seconds since the epoch.
    pub newest: Option<i64>,
    /// The first failures (at most 10,000), for the user.
    pub failures: Arc<Vec<Failure>>,
    /// What the files are that were skipped, as far as that is known.
    pub foreign: Vec<ForeignFiles>,
    /// Why it could not go on at all: one line that says what to do.
    pub fatal: Option<String>,
}

/// Files of a kind that is not an S3 server access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignFiles {
    /// What they are.
    pub kind: Foreign,
    /// How many.
    pub count: u64,
    /// Name of the first.
    pub first: String,
}

/// A log file or source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Name of the log file, or the source.
    pub name: String,
    /// What is wrong and what to do.
    pub reason: String,
    /// The same without any name: what others may have in common with it.
    pub what: String,
}

impl Progress {
    /// Seconds until done, where that can be told.
    pub fn eta(&self) -> Option<f64> {
        let left = self.bytes_listed.checked_sub(self.bytes_done)?;
        (self.phase == Phase::Reading && self.bytes_done > 0 && self.elapsed > 0.5)
            .then(|| left as f64 * self.elapsed / self.bytes_done as f64)
    }

    /// What all files are that were found, if they are of one kind that is no S3 server access log, and what to do.
    pub fn only_foreign(&self, sources: &str) -> Option<String> {
        match self.foreign.as_slice() {
            [ForeignFiles { kind, count: 1, first }] if self.files_listed == 1 => {
                let file = if sources.ends_with(first.as_str()) { sources } else { first };
                Some(format!("{file} is {}, not an S3 server access log; {}", kind.one, kind.advice))
            }
            [ForeignFiles { kind, count, .. }] if *count == self.files_listed => Some(format!(
                "all {count} files in {sources} are {}, not S3 server access logs; {}",
                kind.several, kind.advice
            )),
            _ => None,
        }
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Cancelled | Phase::Failed)
    }
}
