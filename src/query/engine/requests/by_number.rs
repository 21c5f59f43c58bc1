//! The first requests of an order by time, a dimension or a measure.
//!
//! Keys are packed numbers, so only the selected requests are read. A segment or block whose bounds show that all its
//! keys are larger than the best k is not unpacked; its rows are only counted.

use super::order::{RowLocation, SortKey, SortOrder};
use crate::cache::{BLOCK, SegmentInfo};
use crate::log::Field;
use crate::query::QueryError;
use crate::query::engine::predicate::Passes;
use crate::query::engine::predicate::mask::{for_each_row, mask_of};
use crate::query::engine::top_k::TopK;
use crate::query::engine::{QueryContext, parallel};

struct Found {
    top: TopK<SortKey>,
    matched: u64,
}

impl Found {
    /// Whether all keys from `min` (rank and time) on are rejected.
    fn rejects(&self, min: (u64, u64)) -> bool {
        self.top.bound().is_some_and(|bound| (bound.rank, bound.time) < min)
    }
}

impl QueryContext<'_> {
    /// Locations of the requests from place `from` up to `k` in the order, and the number of selected requests.
    pub(super) fn first_by_number(
        &self,
        order: SortOrder<'_>,
        from: usize,
        k: usize,
    ) -> Result<(Vec<RowLocation>, u64), QueryError> {
        let indexes = self.segment_indexes();
        // Segments that may have the smallest keys are first: more often, rows of the others are only counted.
        let mut promising = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            promising.push((order.min_of_segment(segment, self.snapshot)?, *segment));
        }
        promising.sort_by_key(|(min, _)| *min);
        let segments: Vec<SegmentInfo> = promising.into_iter().map(|(_, segment)| segment).collect();
        let begin = || Found { top: TopK::new(k), matched: 0 };
        let states = parallel::scan_segments(&segments, self.scan, begin, |found, segment| {
            let index = indexes.get(&segment.id).copied().unwrap_or(0);
            self.add_keys(found, index, segment, order)
        })?;
        let matched = states.iter().map(|found| found.matched).sum();
        let first = TopK::merge_sorted(states.into_iter().map(|found| found.top).collect(), from);
        Ok((first.into_iter().map(|key| order.location(key)).collect(), matched))
    }

    fn add_keys(
        &self,
        found: &mut Found,
        index: usize,
        segment: &SegmentInfo,
        order: SortOrder<'_>,
    ) -> Result<(), QueryError> {
        let snapshot = self.snapshot;
        let passes = self.predicate.passes(segment, snapshot)?;
        let is_rejected = found.rejects(order.min_of_segment(segment, snapshot)?);
        if let Some(start) = order.start
            && (is_rejected || order.max_rank_of_segment(segment, snapshot)? < start.rank)
        {
            return Ok(());
        }
        if is_rejected && passes != Passes::Some {
            found.matched += if passes == Passes::All { segment.rows as u64 } else { 0 };
            return Ok(());
        }
        let Some(selected) = self.predicate.selected(segment, snapshot)? else { return Ok(()) };
        self.count_scanned(segment);
        if is_rejected {
            for selected in selected {
                found.matched += u64::from(selected?.1.count_ones());
            }
            return Ok(());
        }
        let times = snapshot.int_column(segment, Field::Time)?;
        let column = snapshot.int_column(segment, order.by)?;
        let mut codes = [0; BLOCK];
        let mut ranks = [0; BLOCK];
        for selected in selected {
            let (block, mut mask) = selected?;
            found.matched += u64::from(mask.count_ones());
            let min = order.min_of_block(&column, &times, block);
            if found.rejects(min) {
                continue;
            }
            if order.start.is_some_and(|start| order.rank_range_of_block(&column, block).1 < start.rank) {
                continue;
            }
            column.codes(block, &mut ranks);
            for rank in &mut ranks {
                *rank = order.rank(*rank) ^ order.flip;
            }
            if let Some(bound) = found.top.bound() {
                // If all times are later than that of the bound, rows with the same rank are rejected, too.
                mask &= match min.1 > bound.time {
                    true => mask_of(|row| ranks[row] < bound.rank),
                    false => mask_of(|row| ranks[row] <= bound.rank),
                };
                if mask == 0 {
                    continue;
                }
            }
            times.codes(block, &mut codes);
            for_each_row(mask, |row| {
                let key = order.key(ranks[row], codes[row], index, block * BLOCK + row);
                if order.start.is_none_or(|start| start <= key) {
                    found.top.offer(key);
                }
            });
        }
        Ok(())
    }
}
