//! The order of requests: sort keys of packed numbers, and the bounds that let blocks and segments be skipped.

use crate::cache::{IntColumn, SegmentInfo, Snapshot, code};
use crate::log::{Field, Kind};
use crate::query::QueryError;

/// Where a request is: the index of its segment in the snapshot, and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowLocation {
    pub(crate) segment: usize,
    pub(crate) row: usize,
}

/// The sort key of a request. Smaller keys come first, and no two requests have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortKey {
    /// Rank of the value that requests are sorted by; [`u64::MAX`] if it is absent.
    pub(super) rank: u64,
    pub(super) time: u64,
    /// Segment index and row: the order of arrival.
    pub(super) arrival: u64,
}

impl SortKey {
    #[inline]
    pub(super) fn new(rank: u64, time: u64, segment: usize, row: usize) -> SortKey {
        SortKey { rank, time, arrival: (segment as u64) << 32 | row as u64 }
    }

    /// The key with the bits of `flip` inverted: all ones reverses the order.
    #[inline]
    fn flipped(self, flip: u64) -> SortKey {
        SortKey { rank: self.rank ^ flip, time: self.time ^ flip, arrival: self.arrival ^ flip }
    }

    pub(super) fn location(self) -> RowLocation {
        RowLocation { segment: (self.arrival >> 32) as usize, row: (self.arrival & 0xffff_ffff) as usize }
    }
}

/// An order of requests by time, a dimension or a measure. Ties break by time, then by arrival.
#[derive(Clone, Copy)]
pub(super) struct SortOrder<'r> {
    pub(super) by: Field,
    pub(super) descending: bool,
    /// Rank of each value id of a dimension.
    pub(super) ranks: Option<&'r [u32]>,
    /// All ones if the last requests are wanted instead of the first: keys are inverted. Otherwise 0.
    pub(super) flip: u64,
    /// Requests with smaller keys are not wanted.
    pub(super) start: Option<SortKey>,
}

impl<'r> SortOrder<'r> {
    pub(super) fn new(by: Field, descending: bool, ranks: Option<&'r [u32]>) -> SortOrder<'r> {
        SortOrder { by, descending, ranks, flip: 0, start: None }
    }

    pub(super) fn is_reversed(&self) -> bool {
        self.flip != 0
    }

    /// The key of a row in this order, from its time code and its flipped rank.
    #[inline]
    pub(super) fn key(&self, flipped_rank: u64, time: u64, segment: usize, row: usize) -> SortKey {
        SortKey { rank: flipped_rank, ..SortKey::new(0, time, segment, row).flipped(self.flip) }
    }

    /// The location of the request that has a key in this order.
    pub(super) fn location(&self, key: SortKey) -> RowLocation {
        key.flipped(self.flip).location()
    }

    fn is_absent(&self, code: u64) -> bool {
        code == code::ABSENT && self.by != Field::Time
    }

    /// The rank of a code of the column, not flipped.
    #[inline]
    pub(super) fn rank(&self, code: u64) -> u64 {
        match self.ranks {
            Some(_) if code == code::ABSENT => u64::MAX,
            Some(ranks) => {
                let rank = u64::from(ranks.get(code as usize).copied().unwrap_or(u32::MAX));
                if self.descending { u64::from(u32::MAX) - rank } else { rank }
            }
            // The inverted code of an absent value is the largest.
            None if self.descending => !code,
            None if self.is_absent(code) => u64::MAX,
            None => code,
        }
    }

    /// The smallest and the largest rank, not flipped, that a row of a block can have.
    pub(super) fn rank_range_of_block(&self, column: &IntColumn, block: usize) -> (u64, u64) {
        let (low, high) = column.code_range(block);
        match (self.ranks, self.descending) {
            (Some(_), _) => (0, u64::MAX),
            (None, true) => (!high, !low),
            (None, false) if self.is_absent(low) => (u64::from(high > code::ABSENT), u64::MAX),
            (None, false) => (low, high),
        }
    }

    /// The smallest flipped rank that a code from `low` to `high` can have.
    fn min_rank(&self, low: u64, high: u64) -> u64 {
        let is_reversed = self.is_reversed();
        let rank = match (self.ranks, self.descending) {
            (Some(_), _) if is_reversed => u64::MAX,
            (Some(_), _) => 0,
            (None, true) if is_reversed => !low,
            (None, true) => !high,
            (None, false) if is_reversed && self.is_absent(low) => u64::MAX,
            (None, false) if is_reversed => high,
            // All values are absent.
            (None, false) if self.is_absent(high) => u64::MAX,
            (None, false) if self.is_absent(low) => low + 1,
            (None, false) => low,
        };
        rank ^ self.flip
    }

    fn min_time(&self, first: u64, last: u64) -> u64 {
        if self.is_reversed() { last ^ self.flip } else { first }
    }

    /// The smallest flipped rank and time that a row of a segment can have.
    pub(super) fn min_of_segment(
        &self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<(u64, u64), QueryError> {
        let (first, last) = (code::of_time(segment.time_min), code::of_time(segment.time_max));
        let (low, high) = match self.by.kind() {
            Kind::Time | Kind::Measure => snapshot.code_bounds(segment, self.by)?,
            // Value ids are not in the order of values.
            _ => (0, u64::MAX),
        };
        Ok((self.min_rank(low, high), self.min_time(first, last)))
    }

    /// The smallest flipped rank and time that a row of a block can have.
    pub(super) fn min_of_block(&self, column: &IntColumn, times: &IntColumn, block: usize) -> (u64, u64) {
        let (low, high) = column.code_range(block);
        let (first, last) = times.code_range(block);
        (self.min_rank(low, high), self.min_time(first, last))
    }

    /// The largest rank, not flipped, that a row of a segment can have.
    pub(super) fn max_rank_of_segment(
        &self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<u64, QueryError> {
        let (low, high) = match self.by.kind() {
            Kind::Time | Kind::Measure => snapshot.code_bounds(segment, self.by)?,
            _ => return Ok(u64::MAX),
        };
        Ok(match self.descending {
            true => !low,
            false if self.is_absent(low) => u64::MAX,
            false => high,
        })
    }
}
