//! The loaded rows of a table, and their identities.

use crate::insight::findings::Finding;
use crate::query::{
    Bucket, BucketWidth, GroupRow, Groups, Measure, PairRow, Pairs, RequestRow, Requests, Series, Sort,
    Stats, Value,
};
use crate::tui::model::columns::Column;
use crate::tui::model::{FindingId, FindingRows};

/// The identity of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RowId {
    /// The value of a group.
    Value(Value),
    /// The values of a pair.
    Pair([Value; 2]),
    /// The first second of a bucket.
    Instant(i64),
    /// Source and row number of a request.
    Request((u32, u64)),
    Finding(FindingId),
    /// The heading of the ordinary look-alikes among the findings.
    SetAsideHeading,
}

/// A row of the table of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeRow {
    /// The first second of its bucket.
    pub(crate) start: i64,
    /// The first second after its bucket.
    pub(crate) end: i64,
    pub(crate) stats: Stats,
}

/// The loaded rows of a table.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// Groups, from the first on.
    Groups(Groups),
    /// Pairs of values, from the first on.
    Pairs(Pairs),
    /// All buckets of a time range.
    Times {
        /// In the order of the table.
        rows: Vec<TimeRow>,
        totals: Stats,
    },
    /// A window of the list of requests.
    Requests {
        /// Index of the first request of the window.
        offset: usize,
        requests: Requests,
    },
    Findings(FindingRows),
}

impl Rows {
    /// The number of rows, loaded or not.
    pub(crate) fn total(&self) -> u64 {
        match self {
            Rows::Groups(groups) => groups.group_count.max(groups.rows.len() as u64),
            Rows::Pairs(pairs) => pairs.pair_count.max(pairs.rows.len() as u64),
            Rows::Times { rows, .. } => rows.len() as u64,
            Rows::Findings(rows) => rows.count() as u64,
            Rows::Requests { offset, requests } => {
                requests.matched.max((offset + requests.rows.len()) as u64)
            }
        }
    }

    /// The number of rows that the cursor can move to.
    pub(crate) fn reachable(&self) -> usize {
        match self {
            Rows::Groups(groups) => groups.rows.len(),
            Rows::Pairs(pairs) => pairs.rows.len(),
            Rows::Times { rows, .. } => rows.len(),
            Rows::Findings(rows) => rows.count(),
            Rows::Requests { .. } => usize::try_from(self.total()).unwrap_or(usize::MAX),
        }
    }

    /// Bytes sent of the loaded row that has most.
    pub(crate) fn largest(&self) -> u64 {
        let largest = match self {
            Rows::Groups(groups) => groups.rows.iter().map(|row| row.stats.bytes_sent).max(),
            Rows::Pairs(pairs) => pairs.rows.iter().map(|row| row.stats.bytes_sent).max(),
            Rows::Times { rows, .. } => rows.iter().map(|row| row.stats.bytes_sent).max(),
            Rows::Requests { .. } | Rows::Findings(_) => None,
        };
        largest.unwrap_or(0)
    }

    /// The identity of the row at `index`; `None` if it is not loaded.
    pub(crate) fn id(&self, index: usize) -> Option<RowId> {
        match self {
            Rows::Groups(groups) => groups.rows.get(index).map(|row| RowId::Value(row.value.clone())),
            Rows::Pairs(pairs) => pairs.rows.get(index).map(|row| RowId::Pair(row.values.clone())),
            Rows::Times { rows, .. } => rows.get(index).map(|row| RowId::Instant(row.start)),
            Rows::Requests { .. } => self.request(index).map(|row| RowId::Request(row.id)),
            Rows::Findings(rows) => rows.id(index),
        }
    }

    /// The index of a row; `None` if it is not loaded.
    pub(crate) fn position(&self, id: &RowId) -> Option<usize> {
        match (self, id) {
            (Rows::Groups(groups), RowId::Value(value)) => {
                groups.rows.iter().position(|row| row.value == *value)
            }
            (Rows::Pairs(pairs), RowId::Pair(values)) => {
                pairs.rows.iter().position(|row| row.values == *values)
            }
            (Rows::Times { rows, .. }, RowId::Instant(at)) => {
                // The bucket width may have changed: take the bucket that contains the instant.
                rows.iter().position(|row| (row.start..row.end).contains(at))
            }
            (Rows::Requests { offset, requests }, RowId::Request(id)) => {
                requests.rows.iter().position(|row| row.id == *id).map(|index| index + offset)
            }
            (Rows::Findings(rows), id) => rows.position(id),
            _ => None,
        }
    }

    pub(crate) fn group(&self, index: usize) -> Option<&GroupRow> {
        match self {
            Rows::Groups(groups) => groups.rows.get(index),
            _ => None,
        }
    }

    pub(crate) fn pair(&self, index: usize) -> Option<&PairRow> {
        match self {
            Rows::Pairs(pairs) => pairs.rows.get(index),
            _ => None,
        }
    }

    pub(crate) fn time(&self, index: usize) -> Option<TimeRow> {
        match self {
            Rows::Times { rows, .. } => rows.get(index).copied(),
            _ => None,
        }
    }

    pub(crate) fn request(&self, index: usize) -> Option<&RequestRow> {
        match self {
            Rows::Requests { offset, requests } => requests.rows.get(index.checked_sub(*offset)?),
            _ => None,
        }
    }

    pub(crate) fn finding(&self, index: usize) -> Option<&Finding> {
        match self {
            Rows::Findings(rows) => rows.finding(index),
            _ => None,
        }
    }

    /// The rows of the table of times in buckets of `width`, in the order `sort`.
    pub(crate) fn of_series(series: &Series, width: BucketWidth, sort: Sort<Column>) -> Rows {
        let rows: Vec<TimeRow> = width
            .collect(series, 0)
            .into_iter()
            .map(|Bucket { start, end, stats }| TimeRow { start, end, stats })
            .collect();
        let totals = rows.iter().fold(Stats::default(), |sum, row| sum.merged(row.stats));
        let mut rows = Rows::Times { rows, totals };
        rows.sort(sort);
        rows
    }

    /// Sorts rows that are all loaded: times, whose ties are in order of time, and findings.
    pub(crate) fn sort(&mut self, sort: Sort<Column>) {
        let rows = match self {
            Rows::Times { rows, .. } => rows,
            Rows::Findings(rows) => return rows.sort(sort),
            Rows::Groups(_) | Rows::Pairs(_) | Rows::Requests { .. } => return,
        };
        rows.sort_by_key(|row| row.start);
        let number = |row: &TimeRow| -> f64 {
            let stats = row.stats;
            match sort.by.measure() {
                Some(Measure::Requests) => stats.requests as f64,
                Some(Measure::BytesSent) => stats.bytes_sent as f64,
                Some(Measure::Errors) => stats.errors as f64,
                Some(Measure::ErrorRate) if stats.requests > 0 => stats.errors as f64 / stats.requests as f64,
                Some(Measure::ErrorRate) => 0.0,
                _ => row.start as f64,
            }
        };
        if sort.descending {
            rows.sort_by(|one, other| number(other).total_cmp(&number(one)));
        } else {
            rows.sort_by(|one, other| number(one).total_cmp(&number(other)));
        }
    }
}
