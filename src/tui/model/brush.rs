//! What the user does with the timeline: the measure that its bars have, and the time range that is being selected on it.

use crate::query::{Stats, TimeRange};
use crate::tui::format;
use crate::tui::model::{Axis, FindingId, RowId, Tab, TableKind};

/// What the timeline measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimelineMeasure {
    Requests,
    BytesSent,
    /// Requests with a status of 400 or more.
    Errors,
}

impl TimelineMeasure {
    pub(crate) fn of(self, stats: &Stats) -> u64 {
        match self {
            TimelineMeasure::Requests => stats.requests,
            TimelineMeasure::BytesSent => stats.bytes_sent,
            TimelineMeasure::Errors => stats.errors,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            TimelineMeasure::Requests => "requests",
            TimelineMeasure::BytesSent => "bytes sent",
            TimelineMeasure::Errors => "errors",
        }
    }

    /// A sum over buckets: `1,793 requests`, `1.17 GiB sent`.
    pub(crate) fn describe(self, sum: u64) -> String {
        match self {
            TimelineMeasure::Requests => format::counted(sum, "request"),
            TimelineMeasure::BytesSent => format!("{} sent", format::bytes(sum)),
            TimelineMeasure::Errors => format::counted(sum, "error"),
        }
    }

    /// A number without its name.
    pub(crate) fn amount(self, number: u64) -> String {
        match self {
            TimelineMeasure::BytesSent => format::bytes(number),
            _ => format::count(number),
        }
    }

    /// The measure that the key shows next.
    pub(crate) fn next(self) -> TimelineMeasure {
        match self {
            TimelineMeasure::Requests => TimelineMeasure::BytesSent,
            TimelineMeasure::BytesSent => TimelineMeasure::Errors,
            TimelineMeasure::Errors => TimelineMeasure::Requests,
        }
    }
}

/// A time range that is being selected on the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brush {
    /// The edge that does not move, as the start of a bucket.
    pub(crate) fixed: i64,
    /// The edge that moves, as the start of a bucket.
    pub(crate) moving: i64,
    /// Until an edge is moved: first second of the selected burst, and the second after its last.
    pub(crate) burst: Option<(i64, i64)>,
    /// Until an edge is moved: the selected finding.
    pub(crate) finding: Option<FindingId>,
}

impl Brush {
    /// First and last bucket of the range.
    pub(crate) fn buckets(&self, axis: &Axis) -> (usize, usize) {
        let (fixed, moving) = (axis.index(self.fixed), axis.index(self.moving));
        (fixed.min(moving), fixed.max(moving))
    }

    /// First second of the range, and the second after its last.
    pub(crate) fn seconds(&self, axis: &Axis) -> (i64, i64) {
        let (first, last) = self.buckets(axis);
        self.burst.unwrap_or((axis.at(first), axis.at(last + 1)))
    }

    pub(crate) fn time_range(&self, axis: &Axis) -> TimeRange {
        let (start, end) = self.seconds(axis);
        TimeRange { start: Some(start), end: Some(end) }
    }
}

/// Where the cursor was before a range was selected.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) depth: usize,
    pub(crate) tab: Tab,
    pub(crate) kind: TableKind,
    pub(crate) anchor: Option<RowId>,
    pub(crate) cursor: usize,
    pub(crate) top: usize,
    pub(crate) was_moved: bool,
    pub(crate) time: TimeRange,
}
