//! What an ingest reports: phase, counts, failures.

use std::sync::Arc;

use super::log_detector::MAX_SEARCHED_BYTES;
use crate::source::foreign::ForeignKind;

/// What the ingest is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    #[default]
    Idle,
    /// Listing log files, and reading those listed so far.
    Listing,
    /// All log files are listed; reading them.
    Reading,
    /// All log files were read and committed, except those in [`Progress::failures`].
    Done,
    /// Cancelled. What was committed stays.
    Cancelled,
    /// Ended by an error, see [`Progress::fatal`].
    Failed,
}

/// A snapshot of an ingest. All counts are of this run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What the ingest is doing.
    pub phase: Phase,
    /// Log files listed.
    pub files_listed: u64,
    /// Listed log files that the cache has already. They are not read again.
    pub files_known: u64,
    /// Log files read and committed.
    pub files_done: u64,
    /// Files read that are not logs.
    pub files_skipped: u64,
    /// Log files that could not be read. The next ingest tries them again.
    pub files_failed: u64,
    /// Listed files without content, which are neither read nor counted elsewhere.
    pub files_empty: u64,
    /// Stored bytes of the log files to read, as far as the source knows their sizes.
    pub bytes_listed: u64,
    /// Stored bytes read so far.
    pub bytes_done: u64,
    /// Lines read.
    pub lines: u64,
    /// Requests committed to the cache.
    pub requests: u64,
    /// Requests removed from the cache, because their log files changed or are damaged.
    pub removed: u64,
    /// Repeats: records that the cache has already.
    pub duplicates: u64,
    /// Rejected lines.
    pub rejected: u64,
    /// Seconds since the start.
    pub elapsed: f64,
    /// Lines per second over the last seconds.
    pub rate: f64,
    /// Time of the newest committed request, in seconds since the epoch.
    pub newest: Option<i64>,
    /// The first failures, at most 10,000.
    pub failures: Arc<Vec<Failure>>,
    /// Skipped files of known kinds.
    pub foreign: Vec<ForeignFiles>,
    /// Names of skipped files that are not named as log files and have no record in their first 4 MiB,
    /// but are longer; at most 10,000.
    pub without_record_at_start: Vec<String>,
    /// The error that ended the ingest: one line that says what to do.
    pub fatal: Option<String>,
}

/// Files of one kind that is not an S3 server access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignFiles {
    /// Their kind.
    pub kind: ForeignKind,
    /// The number of files.
    pub count: u64,
    /// Name of the first file.
    pub first: String,
}

/// A log file or source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Name of the log file or source.
    pub name: String,
    /// What is wrong and what to do.
    pub reason: String,
    /// `reason` without names, to group failures by.
    pub what: String,
}

impl Failure {
    /// The reason without the name in front of it, to show below the name.
    pub fn reason_alone(&self) -> &str {
        self.reason.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&self.reason)
    }

    /// The reason with the name of the log file or source.
    pub fn named_reason(&self) -> String {
        if self.reason.contains(&self.name) {
            self.reason.clone()
        } else {
            format!("{}: {}", self.name, self.reason)
        }
    }
}

impl Progress {
    /// Estimated seconds until the end; `None` if there is no basis for an estimate.
    pub fn eta(&self) -> Option<f64> {
        let left = self.bytes_listed.checked_sub(self.bytes_done)?;
        (self.phase == Phase::Reading && self.bytes_done > 0 && self.elapsed > 0.5)
            .then(|| left as f64 * self.elapsed / self.bytes_done as f64)
    }

    /// A line that says what the listed files are and what to do, if all of them are of one foreign kind. `sources`
    /// is the name of the sources in that line.
    pub fn only_foreign(&self, sources: &str) -> Option<String> {
        match self.foreign.as_slice() {
            [ForeignFiles { kind, count: 1, first }] if self.files_listed == 1 => {
                let file = if sources.ends_with(first.as_str()) { sources } else { first };
                Some(format!("{file} is {}, not an S3 server access log; {}", kind.singular, kind.advice))
            }
            [ForeignFiles { kind, count, .. }] if *count == self.files_listed => Some(format!(
                "all {count} files in {sources} are {}, not S3 server access logs; {}",
                kind.plural, kind.advice
            )),
            _ => None,
        }
    }

    /// A line that says that no listed file has any content; `None`: others have, or there are none. `sources` is the name
    /// of the sources in that line.
    pub fn only_empty(&self, sources: &str) -> Option<String> {
        match (self.files_listed, self.files_empty) {
            (0, 1) => Some(format!("{sources} has no log lines: the file is empty")),
            (0, 2..) => Some(format!("{sources} has no log lines: all {} files are empty", self.files_empty)),
            _ => None,
        }
    }

    /// A line about the files in which no record was found although they may have some; `None`: there are none.
    pub fn unsearched(&self) -> Option<String> {
        const MAX_NAMES: usize = 3;
        let names = &self.without_record_at_start;
        let (first, rest) = names.split_at(names.len().min(MAX_NAMES));
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let skipped = format!("{}{more}", first.join(", "));
        let searched = MAX_SEARCHED_BYTES >> 20;
        (!names.is_empty()).then(|| {
            format!(
                "{skipped}: skipped, because there is no log line in the first {searched} MiB; if it is a log file, \
                 remove what precedes the first log line"
            )
        })
    }

    /// Whether the ingest has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Cancelled | Phase::Failed)
    }
}
