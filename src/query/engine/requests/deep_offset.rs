//! Deep offsets: pages of requests that are far from both ends of an order.
//!
//! Method: the top k of such a page would have to keep the keys of all requests before it. Instead, the requests are
//! counted in a histogram of equally wide ranges of the key. The range that has the first wanted request is divided
//! again, until few requests of the range precede it; the top k then starts at the beginning of this range.
//! A pass over packed columns takes little time and 512 KiB per thread, while a page in the middle of ten million
//! requests would have to keep five million keys of 24 bytes.

use super::order::{SortKey, SortOrder};
use crate::cache::{BLOCK, SegmentInfo, code};
use crate::log::{Field, Kind};
use crate::query::QueryError;
use crate::query::engine::cancel::check_cancelled;
use crate::query::engine::predicate::mask::for_each_row;
use crate::query::engine::{QueryContext, parallel};

const RANGES: u64 = 1 << 16;

/// Which offsets are deep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeepOffset {
    /// Smallest offset for which the selected requests are counted, even if that needs a scan.
    pub(super) min_offset_to_count: usize,
    /// Number of requests between a page and the nearer end of the order above which its offset is deep.
    max_distance: u64,
    /// Maximum number of requests before the page whose keys are kept rather than counted.
    max_kept: u64,
}

impl Default for DeepOffset {
    fn default() -> DeepOffset {
        DeepOffset { min_offset_to_count: 50_000, max_distance: 200_000, max_kept: 50_000 }
    }
}

impl DeepOffset {
    /// Whether the requests from place `from` up to `to`, out of `matched`, are far from both ends.
    pub(super) fn is_far_from_ends(self, from: u64, to: u64, matched: u64) -> bool {
        to.min(matched.saturating_sub(from)) > self.max_distance
    }
}

/// The part of the key that is divided; the parts before it are the same in all counted keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyPart {
    Rank,
    Time,
    Arrival,
}

#[derive(Clone, Copy, Debug)]
struct KeyRanges {
    /// The first and the last key, both included.
    low: SortKey,
    high: SortKey,
    part: KeyPart,
    min: u64,
    /// Binary logarithm of the width of a range.
    shift: u32,
}

impl KeyRanges {
    /// Divides the keys from `low` to `high`; `None` if they are the same. No rank exceeds `max_rank`, except
    /// the rank of absent values.
    fn new(low: SortKey, high: SortKey, max_rank: u64) -> Option<KeyRanges> {
        let (part, min, max) = if low.rank != high.rank {
            (KeyPart::Rank, low.rank, high.rank.min(max_rank.max(low.rank)))
        } else if low.time != high.time {
            (KeyPart::Time, low.time, high.time)
        } else if low.arrival != high.arrival {
            (KeyPart::Arrival, low.arrival, high.arrival)
        } else {
            return None;
        };
        // The last range is reserved for absent values.
        let shift = (0..64).find(|shift| (max - min) >> shift < RANGES - 1).unwrap_or(63);
        Some(KeyRanges { low, high, part, min, shift })
    }

    #[inline]
    fn of(&self, value: u64) -> usize {
        ((value - self.min) >> self.shift).min(RANGES - 1) as usize
    }

    fn keys_of(&self, range: usize) -> (SortKey, SortKey) {
        let first = self.min + ((range as u64) << self.shift);
        let last = first.saturating_add((1 << self.shift) - 1);
        let (mut low, mut high) = (self.low, self.high);
        let is_last = range as u64 == RANGES - 1;
        let (low_part, high_part) = match self.part {
            KeyPart::Rank => (&mut low.rank, &mut high.rank),
            KeyPart::Time => (&mut low.time, &mut high.time),
            KeyPart::Arrival => (&mut low.arrival, &mut high.arrival),
        };
        *low_part = if is_last { *high_part } else { first };
        *high_part = if is_last { *high_part } else { last.min(*high_part) };
        (low, high)
    }
}

impl QueryContext<'_> {
    /// A key that is not after the request at place `number` of the order, and the number of requests before this key.
    /// Few requests are between the two, unless many keys differ only in their last part.
    pub(super) fn start_key(&self, order: SortOrder<'_>, number: u64) -> Result<(SortKey, u64), QueryError> {
        let (mut min, mut max) = (u64::MAX, 0);
        for segment in &self.segments {
            let (low, high) = self.rank_range(order, segment)?;
            min = min.min(low);
            max = max.max(high);
        }
        let mut low = SortKey { rank: min.min(u64::MAX - 1), time: 0, arrival: 0 };
        let mut high = SortKey { rank: u64::MAX, time: u64::MAX, arrival: u64::MAX };
        let times = self.segments.iter().map(|segment| (segment.time_min, segment.time_max));
        if let Some((first, last)) = times.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
        {
            (low.time, high.time) = (code::of_time(first), code::of_time(last));
        }
        high.arrival = (self.snapshot.segments.len() as u64) << 32;
        let mut before = 0;
        while let Some(ranges) = KeyRanges::new(low, high, max) {
            let counts = self.count_by_range(order, ranges)?;
            let mut passed = before;
            let mut found = None;
            for (range, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                if passed + count > number {
                    found = Some((range, *count));
                    break;
                }
                passed += count;
            }
            // Fewer requests than in the pass before: the cache is damaged.
            let Some((range, count)) = found else { break };
            before = passed;
            (low, high) = ranges.keys_of(range);
            if count <= self.engine.deep_offset.max_kept {
                break;
            }
        }
        Ok((low, before))
    }

    /// The smallest and the largest rank in a segment according to its bounds, without that of absent values.
    fn rank_range(&self, order: SortOrder<'_>, segment: &SegmentInfo) -> Result<(u64, u64), QueryError> {
        if !matches!(order.by.kind(), Kind::Time | Kind::Measure) {
            let values = order.ranks.map_or(0, <[u32]>::len) as u64;
            let largest = u64::from(u32::MAX);
            return Ok(if order.descending { (largest - values, largest) } else { (0, values) });
        }
        let (low, high) = self.snapshot.code_bounds(segment, order.by)?;
        let smallest = code::of_number(0);
        Ok(match order.descending {
            true => (!high, !low),
            false if order.by == Field::Time => (low, high),
            false => (low.max(smallest), high.max(smallest)),
        })
    }

    fn count_by_range(&self, order: SortOrder<'_>, ranges: KeyRanges) -> Result<Vec<u64>, QueryError> {
        let indexes = self.segment_indexes();
        let begin = || vec![0u64; RANGES as usize];
        let states = parallel::scan_segments(&self.segments, self.scan, begin, |counts, segment| {
            let index = indexes.get(&segment.id).copied().unwrap_or(0);
            self.count_segment_by_range(counts, index, segment, order, ranges)
        })?;
        let mut all = vec![0; RANGES as usize];
        for counts in states {
            check_cancelled(self.cancel)?;
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        Ok(all)
    }

    fn count_segment_by_range(
        &self,
        counts: &mut [u64],
        index: usize,
        segment: &SegmentInfo,
        order: SortOrder<'_>,
        ranges: KeyRanges,
    ) -> Result<(), QueryError> {
        let KeyRanges { low, high, part, .. } = ranges;
        let snapshot = self.snapshot;
        let column = snapshot.int_column(segment, order.by)?;
        let is_in_range = |block: usize| {
            let (min, max) = order.rank_range_of_block(&column, block);
            min <= high.rank && low.rank <= max
        };
        let Some(selected) = self.predicate.selected_among(segment, snapshot, is_in_range)? else {
            return Ok(());
        };
        let times = match part {
            KeyPart::Rank => None,
            KeyPart::Time | KeyPart::Arrival => Some(snapshot.int_column(segment, Field::Time)?),
        };
        let (mut ranks, mut codes) = ([0; BLOCK], [0; BLOCK]);
        for selected in selected {
            let (block, mask) = selected?;
            let (min, max) = order.rank_range_of_block(&column, block);
            let is_inside = low.rank <= min && max <= high.rank;
            if part == KeyPart::Rank && is_inside && ranges.of(min) == ranges.of(max) {
                counts[ranges.of(min)] += u64::from(mask.count_ones());
                continue;
            }
            column.codes(block, &mut ranks);
            if let Some(times) = &times {
                times.codes(block, &mut codes);
            }
            for_each_row(mask, |row| {
                let rank = order.rank(ranks[row]);
                if part == KeyPart::Rank {
                    if low.rank <= rank && rank <= high.rank {
                        counts[ranges.of(rank)] += 1;
                    }
                    return;
                }
                let key = SortKey::new(rank, codes[row], index, block * BLOCK + row);
                if low <= key && key <= high {
                    let value = if part == KeyPart::Time { key.time } else { key.arrival };
                    counts[ranges.of(value)] += 1;
                }
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};
    use crate::query::Sort;
    use crate::query::engine::LocalEngine;
    use crate::query::engine::testing::request_ids;

    #[test]
    fn a_page_far_from_both_ends_is_the_same_as_that_of_the_top_k() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        for source in ["one", "other"] {
            // Both have the same times, unsorted; many columns have one value, so time and arrival decide.
            let requests = (0..1500).map(|index| Request::at(index * 911 % 1500 * 3));
            drop(filled(&path, source, requests));
        }
        let by_top_k = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
        let mut by_histogram = LocalEngine::new(by_top_k.cache().clone());
        by_histogram.deep_offset = DeepOffset { min_offset_to_count: 1, max_distance: 20, max_kept: 3 };
        for by in [
            Field::Time,
            Field::BytesSent,
            Field::TotalTime,
            Field::ObjectSize,
            Field::Key,
            Field::RemoteIp,
            Field::Requester,
        ] {
            for descending in [false, true] {
                for (filter, matched) in [("", 3000), ("ip:203.0.113.3", 1000)] {
                    let sort = Sort { by, descending };
                    for offset in (1..matched + 9).step_by(matched / 17) {
                        let expected = request_ids(&by_top_k, filter, sort, offset, 7);
                        let found = request_ids(&by_histogram, filter, sort, offset, 7);
                        assert_eq!(found, expected, "{by:?} {descending} {filter} {offset}");
                    }
                }
            }
        }
    }
}
