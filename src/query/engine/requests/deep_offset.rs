//! Requests far from both ends of an order: to keep all that come before them would take the memory of half
//! the cache. They are counted instead, by stretches of the order that get narrower around the first one
//! wanted, until few enough lie between the beginning of its stretch and itself.

use crate::cache::{BLOCK, SegmentInfo, Snapshot};
use crate::log::{Field, Kind};
use crate::query::QueryError;

use crate::query::engine::groups::for_each;
use crate::query::engine::predicate::{Mask, OpenPredicate, Passes};
use crate::query::engine::requests::{Order, Place, rows_of_block};
use crate::query::engine::{Asking, cancel, parallel};

/// Stretches counted at a time.
const STRETCHES: u64 = 1 << 16;

/// What is far.
#[derive(Clone, Copy, Debug)]
pub struct Far {
    /// Requests to pass over from which on it pays to count those that pass first.
    first: usize,
    /// Requests to pass over from either end from which on they are counted.
    beyond: u64,
    /// So many before the first one wanted are kept rather than counted.
    few: u64,
}

impl Default for Far {
    fn default() -> Far {
        Far { first: 50_000, beyond: 200_000, few: 50_000 }
    }
}

impl Far {
    /// Whether it pays to count what passes before the requests from this number on are looked for.
    pub fn pays(self, offset: usize) -> bool {
        offset >= self.first
    }

    /// Whether the requests with these numbers, of so many that match, are far from both ends.
    pub fn is_far(self, from: u64, to: u64, matched: u64) -> bool {
        to.min(matched.saturating_sub(from)) > self.beyond
    }
}

/// One number of a place, those before it being the same in all places looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Rank,
    Time,
    At,
}

/// Stretches of places that are equally wide in one number.
#[derive(Clone, Copy, Debug)]
struct Stretches {
    /// The first and the last place, both included.
    low: Place,
    high: Place,
    part: Part,
    /// Smallest number of the part, and how many bits of what exceeds it do not count.
    least: u64,
    shift: u32,
}

impl Stretches {
    /// `None`: there is but one place. `most`: no rank but that of the absent exceeds it.
    fn new(low: Place, high: Place, most: u64) -> Option<Stretches> {
        let (part, least, last) = if low.rank != high.rank {
            (Part::Rank, low.rank, high.rank.min(most.max(low.rank)))
        } else if low.time != high.time {
            (Part::Time, low.time, high.time)
        } else if low.at != high.at {
            (Part::At, low.at, high.at)
        } else {
            return None;
        };
        // The last stretch is left to the absent.
        let shift = (0..64).find(|shift| (last - least) >> shift < STRETCHES - 1).unwrap_or(63);
        Some(Stretches { low, high, part, least, shift })
    }

    #[inline]
    fn of(&self, number: u64) -> usize {
        ((number - self.least) >> self.shift).min(STRETCHES - 1) as usize
    }

    /// The places of one stretch.
    fn narrowed(&self, stretch: usize) -> (Place, Place) {
        let first = self.least + ((stretch as u64) << self.shift);
        let last = first.saturating_add((1 << self.shift) - 1);
        let (mut low, mut high) = (self.low, self.high);
        let is_last = stretch as u64 == STRETCHES - 1;
        let place = match self.part {
            Part::Rank => (&mut low.rank, &mut high.rank),
            Part::Time => (&mut low.time, &mut high.time),
            Part::At => (&mut low.at, &mut high.at),
        };
        *place.0 = if is_last { *place.1 } else { first };
        *place.1 = if is_last { *place.1 } else { last.min(*place.1) };
        (low, high)
    }
}

impl Asking<'_> {
    /// A place not behind the request with this number in the order, and how many requests come before it:
    /// at most a few lie in between, or as many as share one place.
    pub(super) fn floor(
        &self,
        order: Order<'_>,
        number: u64,
        wanted: &[SegmentInfo],
    ) -> Result<(Place, u64), QueryError> {
        let (mut least, mut most) = (u64::MAX, 0);
        for segment in wanted {
            let (low, high) = self.ranks_of(order, segment)?;
            least = least.min(low);
            most = most.max(high);
        }
        let mut low = Place { rank: least.min(u64::MAX - 1), time: 0, at: 0 };
        let mut high = Place { rank: u64::MAX, time: u64::MAX, at: u64::MAX };
        let times = wanted.iter().map(|segment| (segment.time_min, segment.time_max));
        let time = times.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)));
        if let Some((first, last)) = time {
            (low.time, high.time) = (Snapshot::code_of(first), Snapshot::code_of(last));
        }
        high.at = (self.snapshot.segments.len() as u64) << 32;
        let mut before = 0;
        while let Some(stretches) = Stretches::new(low, high, most) {
            let counts = self.counted(order, stretches, wanted)?;
            let mut passed = before;
            let mut found = None;
            for (stretch, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                if passed + count > number {
                    found = Some((stretch, *count));
                    break;
                }
                passed += count;
            }
            // Fewer requests than were counted before: the cache is damaged.
            let Some((stretch, count)) = found else { break };
            before = passed;
            (low, high) = stretches.narrowed(stretch);
            if count <= self.engine.far.few {
                break;
            }
        }
        Ok((low, before))
    }

    /// The smallest and the largest rank in a segment, that of the absent aside, as far as its bounds tell.
    fn ranks_of(&self, order: Order<'_>, segment: &SegmentInfo) -> Result<(u64, u64), QueryError> {
        let (low, high) = match order.by.kind() {
            Kind::Time => (Snapshot::code_of(segment.time_min), Snapshot::code_of(segment.time_max)),
            Kind::Measure => {
                let (low, high) = self.snapshot.bounds(segment, order.by)?;
                (low as u64, high as u64)
            }
            _ => {
                let values = order.ranks.map_or(0, <[u32]>::len) as u64;
                let largest = u64::from(u32::MAX);
                return Ok(if order.descending { (largest - values, largest) } else { (0, values) });
            }
        };
        Ok(match order.descending {
            true => (!high, !low),
            false if order.by == Field::Time => (low, high),
            false => (low.max(1), high.max(1)),
        })
    }

    /// How many requests that pass lie in each stretch.
    fn counted(
        &self,
        order: Order<'_>,
        stretches: Stretches,
        wanted: &[SegmentInfo],
    ) -> Result<Vec<u64>, QueryError> {
        let index = self.indexed(wanted);
        let states = parallel::fold_silently(
            wanted,
            self.cancel,
            || vec![0u64; STRETCHES as usize],
            |counts, segment| {
                let index = index.get(&segment.id).copied().unwrap_or(0);
                self.count_segment(counts, (index, segment), order, stretches)
            },
        )?;
        let mut all = vec![0; STRETCHES as usize];
        for counts in states {
            cancel::go_on(self.cancel)?;
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        Ok(all)
    }

    fn count_segment(
        &self,
        counts: &mut [u64],
        (index, segment): (usize, &SegmentInfo),
        order: Order<'_>,
        stretches: Stretches,
    ) -> Result<(), QueryError> {
        let Stretches { low, high, part, .. } = stretches;
        let snapshot = self.snapshot;
        let open = match self.predicate.passes(segment, snapshot)? {
            Passes::None => return Ok(()),
            Passes::Some => self.predicate.open(segment, snapshot)?,
            Passes::All => OpenPredicate::Constant(true),
        };
        let column = snapshot.integers(segment, order.by)?;
        let times = if part == Part::Rank { None } else { Some(snapshot.integers(segment, Field::Time)?) };
        let (mut ranks, mut codes) = ([0; BLOCK], [0; BLOCK]);
        for block in 0..segment.rows.div_ceil(BLOCK) {
            self.predicate.look_at(block)?;
            let (least, most) = order.range_of_block(&column, block);
            if most < low.rank || high.rank < least {
                continue;
            }
            let all = rows_of_block(segment, block);
            let mask: Mask = open.block(block)? & all;
            let is_inside = low.rank <= least && most <= high.rank;
            if part == Part::Rank && is_inside && stretches.of(least) == stretches.of(most) {
                counts[stretches.of(least)] += u64::from(mask.count_ones());
                continue;
            }
            if mask == 0 {
                continue;
            }
            column.unpack_u64(block, &mut ranks);
            if let Some(times) = &times {
                times.unpack_u64(block, &mut codes);
            }
            for_each(mask, |row| {
                let rank = order.rank(ranks[row]);
                if part == Part::Rank {
                    if low.rank <= rank && rank <= high.rank {
                        counts[stretches.of(rank)] += 1;
                    }
                    return;
                }
                let place = Place::new(rank, codes[row], index, block * BLOCK + row);
                if low <= place && place <= high {
                    let number = if part == Part::Time { place.time } else { place.at };
                    counts[stretches.of(number)] += 1;
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
    use crate::query::engine::testing::numbers;

    #[test]
    fn requests_far_from_both_ends_are_those_that_come_when_all_before_them_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        for source in ["one", "other"] {
            // The same times in both, in no order, and of no order beside that in most columns.
            let requests = (0..1500).map(|index| Request::at(index * 911 % 1500 * 3));
            drop(filled(&path, source, requests));
        }
        let kept = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
        let mut counted = LocalEngine::new(kept.cache().clone());
        counted.far = Far { first: 1, beyond: 20, few: 3 };
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
                        let expected = numbers(&kept, filter, sort, offset, 7);
                        let found = numbers(&counted, filter, sort, offset, 7);
                        assert_eq!(found, expected, "{by:?} {descending} {filter} {offset}");
                    }
                }
            }
        }
    }
}
