//! Single requests: the first of an order are picked, and only those are read.
//!
//! A request has a [`Place`] in the order, made of packed numbers only. Blocks whose smallest and largest
//! number say that none of their rows can be among the first are not even unpacked. Far behind the middle,
//! the order is turned round and the last ones are picked.

mod by_text;
pub(in crate::query::engine) mod deep_offset;
mod row_reader;
pub(in crate::query::engine) mod value_ranks;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cache::{BLOCK, Integers, SegmentInfo, Snapshot};
use crate::log::{Field, Kind};
use crate::query::{Answer, Query, QueryError, RequestRow, Requests, Sort, Statistics};
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;
use crate::query::engine::groups::for_each;
use crate::query::engine::parallel;
use crate::query::engine::predicate::{Mask, OpenPredicate, Passes, mask_of};
use crate::query::engine::requests::row_reader::RowReader;
use crate::query::engine::top_k::Best;
use crate::query::engine::{Asking, EngineSnapshot};

/// Rows that a thread reads before it looks for more.
const ROWS_AT_ONCE: usize = 32;

/// Where a request stands in the order: smaller comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Of its value; [`u64::MAX`] if that is absent.
    pub(super) rank: u64,
    pub(super) time: u64,
    /// Segment and row: the order of arrival.
    pub(super) at: u64,
}

impl Place {
    /// Of the segment with this index.
    pub(super) fn new(rank: u64, time: u64, segment: usize, row: usize) -> Place {
        Place { rank, time, at: (segment as u64) << 32 | row as u64 }
    }

    /// The same in the opposite order.
    fn turned(self, turn: u64) -> Place {
        Place { rank: self.rank ^ turn, time: self.time ^ turn, at: self.at ^ turn }
    }

    pub(super) fn location(self) -> (usize, usize) {
        ((self.at >> 32) as usize, (self.at & 0xffff_ffff) as usize)
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy)]
pub(super) struct Order<'r> {
    pub(super) by: Field,
    pub(super) descending: bool,
    /// Of a dimension.
    pub(super) ranks: Option<&'r [u32]>,
    /// All ones: the opposite of the order wanted.
    turn: u64,
    /// What comes before it is not wanted.
    floor: Option<Place>,
}

impl Order<'_> {
    /// Rank of a number as stored.
    #[inline]
    pub(super) fn rank(&self, stored: u64) -> u64 {
        match self.ranks {
            Some(_) if stored == 0 => u64::MAX,
            Some(ranks) => {
                let rank = u64::from(ranks.get(stored as usize).copied().unwrap_or(u32::MAX));
                if self.descending { u64::from(u32::MAX) - rank } else { rank }
            }
            // Descending, the absent is the largest by itself.
            None if self.descending => !stored,
            None if stored == 0 && self.by != Field::Time => u64::MAX,
            None => stored,
        }
    }

    /// The smallest and the largest rank, not turned, that a row of a block can have.
    pub(super) fn range_of_block(&self, column: &Integers, block: usize) -> (u64, u64) {
        let (low, high) = column.block_range(block);
        match (self.ranks, self.descending) {
            (Some(_), _) => (0, u64::MAX),
            (None, true) => (!high, !low),
            (None, false) if low == 0 && self.by != Field::Time => (u64::from(high > 0), u64::MAX),
            (None, false) => (low, high),
        }
    }

    /// The smallest rank, turned, that a number from `low` to `high` can have.
    fn least(&self, low: u64, high: u64) -> u64 {
        let is_turned = self.turn != 0;
        let least = match (self.ranks, self.descending) {
            (Some(_), _) if is_turned => u64::MAX,
            (Some(_), _) => 0,
            (None, true) if is_turned => !low,
            (None, true) => !high,
            (None, false) if self.by == Field::Time => {
                if is_turned {
                    high
                } else {
                    low
                }
            }
            (None, false) if is_turned => {
                if low == 0 {
                    u64::MAX
                } else {
                    high
                }
            }
            // Nothing but absent numbers has the rank of those.
            (None, false) => {
                if high == 0 {
                    u64::MAX
                } else {
                    low.max(1)
                }
            }
        };
        least ^ self.turn
    }
}

/// What one thread has picked.
struct Picked {
    best: Best<Place>,
    matched: u64,
}

/// Which requests are wanted.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) offset: usize,
    /// 0: all.
    pub(super) limit: usize,
}

impl Asking<'_> {
    /// Answers [`Ask::Requests`](crate::query::Ask::Requests).
    pub(super) fn requests(
        &self,
        sort: Sort<Field>,
        window: Window,
        fields: &[Field],
        wanted: &[SegmentInfo],
        statistics: &mut Statistics,
    ) -> Result<Answer, QueryError> {
        let Window { offset, limit } = window;
        let keep = if limit == 0 { usize::MAX } else { offset.saturating_add(limit) };
        let scanned = (AtomicU64::new(0), AtomicU64::new(0));
        let read = |segment: &SegmentInfo| {
            scanned.0.fetch_add(segment.rows as u64, Relaxed);
            scanned.1.fetch_add(1, Relaxed);
        };
        let (places, matched) = if sort.by.kind() == Kind::Detail {
            self.by_text(sort, offset, keep, wanted, &read)?
        } else {
            let ranks = match sort.by.kind() {
                Kind::Dimension => Some(self.engine.ranks.get(
                    sort.by,
                    cancel::dictionary(self.snapshot, sort.by, self.cancel)?,
                    self.cancel,
                )?),
                _ => None,
            };
            let ranks = ranks.as_deref().map(Vec::as_slice);
            let order = Order { by: sort.by, descending: sort.descending, ranks, turn: 0, floor: None };
            let is_known = self.predicate.is_everything();
            let matched = (limit > 0 && offset > 0 && (is_known || self.engine.far.pays(offset)))
                .then(|| self.count(wanted, &read))
                .transpose()?;
            match matched {
                // Nearer to the middle than to either end.
                Some(matched) if self.engine.far.is_far(offset as u64, keep as u64, matched) => {
                    let (floor, before) = self.floor(order, offset as u64, wanted)?;
                    let from = (offset as u64).saturating_sub(before) as usize;
                    let order = Order { floor: Some(floor), ..order };
                    wanted.iter().for_each(read);
                    let (places, _) =
                        self.by_number(order, from, from.saturating_add(limit), wanted, &|_| {})?;
                    (places, matched)
                }
                // Behind the middle: the last ones, from the end.
                Some(matched) if offset as u64 > matched / 2 => {
                    let end = matched.saturating_sub(keep as u64) as usize;
                    let keep = matched.saturating_sub(offset as u64) as usize;
                    let order = Order { turn: u64::MAX, ..order };
                    let (mut places, matched) = self.by_number(order, end, keep, wanted, &read)?;
                    places.reverse();
                    (places, matched)
                }
                _ => self.by_number(order, offset, keep, wanted, &read)?,
            }
        };
        statistics.rows_scanned += scanned.0.into_inner();
        statistics.segments_scanned += scanned.1.into_inner();
        Ok(Answer::Requests(Requests { rows: self.read_all(&places, fields)?, matched }))
    }

    /// Answers [`Ask::RequestsById`](crate::query::Ask::RequestsById).
    pub(super) fn numbered(&self, ids: &[(u32, u64)]) -> Result<Answer, QueryError> {
        let segments = &self.snapshot.segments;
        let place = |&(source, number): &(u32, u64)| {
            let after = segments.partition_point(|segment| {
                (segment.source, segment.first_row) <= (i64::from(source), number)
            });
            let index = after.checked_sub(1)?;
            let segment = segments.get(index)?;
            let row = number.checked_sub(segment.first_row)? as usize;
            (segment.source == i64::from(source) && row < segment.rows).then_some((index, row))
        };
        let places: Vec<(usize, usize)> = ids.iter().filter_map(place).collect();
        let rows = self.read_all(&places, &[])?;
        Ok(Answer::Requests(Requests { matched: rows.len() as u64, rows }))
    }

    /// Reads these rows, on all cores.
    fn read_all(&self, places: &[(usize, usize)], fields: &[Field]) -> Result<Vec<RequestRow>, QueryError> {
        let segments = &self.snapshot.segments;
        let is_text = |field: &Field| field.kind() == Kind::Detail;
        let _mapped = match fields.is_empty() || fields.iter().any(is_text) {
            true => Some(self.snapshot.mapped()?),
            false => None,
        };
        let read = |part: &[(usize, usize)]| -> Result<Vec<RequestRow>, QueryError> {
            let mut reader = RowReader::new(self.snapshot, fields);
            let mut rows = Vec::with_capacity(part.len());
            for (index, (segment, row)) in part.iter().enumerate() {
                if index % 4 == 0 && self.cancel.is_cancelled() {
                    return Err(QueryError::Cancelled);
                }
                if let Some(segment) = segments.get(*segment) {
                    rows.push(reader.read(segment, *row)?);
                }
            }
            Ok(rows)
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let part = places.len().div_ceil(threads).max(ROWS_AT_ONCE);
        let mut parts = places.chunks(part);
        let first = parts.next().unwrap_or_default();
        let mut rows: Vec<Result<Vec<RequestRow>, QueryError>> = Vec::new();
        std::thread::scope(|scope| {
            let others: Vec<_> = parts.map(|part| scope.spawn(move || read(part))).collect();
            rows.push(read(first));
            for other in others {
                rows.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
        });
        let rows: Vec<Vec<RequestRow>> = rows.into_iter().collect::<Result<_, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// How many rows pass.
    fn count(&self, wanted: &[SegmentInfo], read: &(dyn Fn(&SegmentInfo) + Sync)) -> Result<u64, QueryError> {
        let counts = parallel::fold_silently(
            wanted,
            self.cancel,
            || 0u64,
            |count, segment| {
                match self.predicate.passes(segment, self.snapshot)? {
                    Passes::None => {}
                    Passes::All => *count += segment.rows as u64,
                    Passes::Some => {
                        read(segment);
                        *count +=
                            self.masks(segment)?.iter().map(|mask| u64::from(mask.count_ones())).sum::<u64>();
                    }
                }
                Ok(())
            },
        )?;
        Ok(counts.into_iter().sum())
    }

    /// Which rows of a segment pass, block by block.
    pub(super) fn masks(&self, segment: &SegmentInfo) -> Result<Vec<Mask>, QueryError> {
        let open = match self.predicate.passes(segment, self.snapshot)? {
            Passes::Some => self.predicate.open(segment, self.snapshot)?,
            passes => OpenPredicate::Constant(passes == Passes::All),
        };
        let mut masks = Vec::with_capacity(segment.rows.div_ceil(BLOCK));
        for block in 0..segment.rows.div_ceil(BLOCK) {
            if block % 64 == 0 && self.cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            masks.push(open.block(block)? & rows_of_block(segment, block));
        }
        Ok(masks)
    }

    /// Segments with their index in the snapshot: sources and arrival are in its order.
    pub(super) fn indexed(&self, wanted: &[SegmentInfo]) -> HashMap<i64, usize> {
        let ids: HashMap<i64, usize> =
            self.snapshot.segments.iter().enumerate().map(|(index, segment)| (segment.id, index)).collect();
        wanted.iter().filter_map(|segment| Some((segment.id, *ids.get(&segment.id)?))).collect()
    }

    /// Places (segment and row) from `from` to `keep` in the order of numbers, and how many rows match.
    fn by_number(
        &self,
        order: Order<'_>,
        from: usize,
        keep: usize,
        wanted: &[SegmentInfo],
        read: &(dyn Fn(&SegmentInfo) + Sync),
    ) -> Result<(Vec<(usize, usize)>, u64), QueryError> {
        let index = self.indexed(wanted);
        // The most promising segments first: then the others need only be counted.
        let mut promising = Vec::with_capacity(wanted.len());
        for segment in wanted {
            promising.push((self.least(order, segment)?, *segment));
        }
        promising.sort_by_key(|(least, _)| *least);
        let segments: Vec<SegmentInfo> = promising.into_iter().map(|(_, segment)| segment).collect();
        let states = parallel::fold_silently(
            &segments,
            self.cancel,
            || Picked { best: Best::new(keep), matched: 0 },
            |picked, segment| {
                let index = index.get(&segment.id).copied().unwrap_or(0);
                if self.pick(picked, (index, segment), order)? {
                    read(segment);
                }
                Ok(())
            },
        )?;
        let matched = states.iter().map(|picked| picked.matched).sum();
        let best = Best::from(states.into_iter().map(|picked| picked.best).collect(), from);
        Ok((best.into_iter().map(|place| place.turned(order.turn).location()).collect(), matched))
    }

    /// The smallest rank and time, turned, that a row of a segment can have.
    fn least(&self, order: Order<'_>, segment: &SegmentInfo) -> Result<(u64, u64), QueryError> {
        let times = (Snapshot::code_of(segment.time_min), Snapshot::code_of(segment.time_max));
        let (low, high) = match order.by.kind() {
            Kind::Time => times,
            Kind::Measure => {
                let (low, high) = self.snapshot.bounds(segment, order.by)?;
                (low as u64, high as u64)
            }
            // Ids say nothing about the order of values.
            _ => (0, u64::MAX),
        };
        let time = if order.turn == 0 { times.0 } else { times.1 ^ order.turn };
        Ok((order.least(low, high), time))
    }

    /// The largest rank, not turned, that a row of a segment can have.
    fn most(&self, order: Order<'_>, segment: &SegmentInfo) -> Result<u64, QueryError> {
        Ok(match order.by.kind() {
            Kind::Time if order.descending => !Snapshot::code_of(segment.time_min),
            Kind::Time => Snapshot::code_of(segment.time_max),
            Kind::Measure => {
                let (low, high) = self.snapshot.bounds(segment, order.by)?;
                match order.descending {
                    true => !(low as u64),
                    false if low == 0 => u64::MAX,
                    false => high as u64,
                }
            }
            _ => u64::MAX,
        })
    }

    /// Offers the rows of a segment; says whether it had to be read.
    fn pick(
        &self,
        picked: &mut Picked,
        (index, segment): (usize, &SegmentInfo),
        order: Order<'_>,
    ) -> Result<bool, QueryError> {
        let snapshot = self.snapshot;
        let passes = self.predicate.passes(segment, snapshot)?;
        if passes == Passes::None {
            return Ok(false);
        }
        let is_hopeless = |picked: &Picked, least: (u64, u64)| {
            picked.best.worst().is_some_and(|worst| (worst.rank, worst.time) < least)
        };
        let least = self.least(order, segment)?;
        if let Some(floor) = order.floor
            && (is_hopeless(picked, least) || self.most(order, segment)? < floor.rank)
        {
            return Ok(false);
        }
        // If even the best conceivable row of it comes behind all that were found, rows need only be counted.
        if is_hopeless(picked, least) {
            match passes {
                Passes::All => picked.matched += segment.rows as u64,
                _ => {
                    picked.matched +=
                        self.masks(segment)?.iter().map(|mask| u64::from(mask.count_ones())).sum::<u64>();
                }
            }
            return Ok(passes != Passes::All);
        }
        let open = match passes {
            Passes::Some => self.predicate.open(segment, snapshot)?,
            _ => OpenPredicate::Constant(true),
        };
        let times = snapshot.integers(segment, Field::Time)?;
        let column = snapshot.integers(segment, order.by)?;
        let mut codes = [0; BLOCK];
        let mut ranks = [0; BLOCK];
        for block in 0..segment.rows.div_ceil(BLOCK) {
            if block % 64 == 0 && self.cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            let mut mask = open.block(block)? & rows_of_block(segment, block);
            picked.matched += u64::from(mask.count_ones());
            if mask == 0 || is_hopeless(picked, least_of_block(order, &column, &times, block)) {
                continue;
            }
            if order.floor.is_some_and(|floor| order.range_of_block(&column, block).1 < floor.rank) {
                continue;
            }
            column.unpack_u64(block, &mut ranks);
            for rank in &mut ranks {
                *rank = order.rank(*rank) ^ order.turn;
            }
            if let Some(worst) = picked.best.worst() {
                // Of those that tie with the worst, none that comes later in time has a chance.
                mask &= match least_of_block(order, &column, &times, block).1 > worst.time {
                    true => mask_of(|row| ranks[row] < worst.rank),
                    false => mask_of(|row| ranks[row] <= worst.rank),
                };
                if mask == 0 {
                    continue;
                }
            }
            times.unpack_u64(block, &mut codes);
            for_each(mask, |row| {
                let at = Place::new(0, codes[row], index, block * BLOCK + row).turned(order.turn);
                let place = Place { rank: ranks[row], ..at };
                if order.floor.is_none_or(|floor| floor <= place) {
                    picked.best.offer(place);
                }
            });
        }
        Ok(true)
    }
}

/// The rows that a block has.
pub(super) fn rows_of_block(segment: &SegmentInfo, block: usize) -> Mask {
    match segment.rows - block * BLOCK {
        rows if rows < BLOCK => (1 << rows) - 1,
        _ => Mask::MAX,
    }
}

/// The smallest rank and time, turned, that a row of a block can have.
fn least_of_block(order: Order<'_>, column: &Integers, times: &Integers, block: usize) -> (u64, u64) {
    let (low, high) = column.block_range(block);
    let (first, last) = times.block_range(block);
    (order.least(low, high), if order.turn == 0 { first } else { last ^ order.turn })
}

/// For whoever walks over requests in an order and may stop at any of them.
impl EngineSnapshot {
    /// Where the first requests of an order are that pass the filter of a question: segment of the snapshot
    /// and row in it. Not by a detail.
    pub(in crate::query) fn first(
        &self,
        query: &Query,
        sort: Sort<Field>,
        keep: usize,
    ) -> Result<Vec<(usize, usize)>, QueryError> {
        let (snapshot, cancel) = (&self.snapshot, &CancellationToken::new());
        let predicate = &self.predicate(query)?;
        let asking = Asking { engine: &self.engine, snapshot, query, predicate, cancel };
        let mut wanted = Vec::new();
        for segment in &snapshot.segments {
            if predicate.passes(segment, snapshot)? != Passes::None {
                wanted.push(*segment);
            }
        }
        let ranks = match sort.by.kind() {
            Kind::Dimension => {
                let dictionary = cancel::dictionary(snapshot, sort.by, cancel)?;
                Some(self.engine.ranks.get(sort.by, dictionary, cancel)?)
            }
            _ => None,
        };
        let ranks = ranks.as_deref().map(Vec::as_slice);
        let order = Order { by: sort.by, descending: sort.descending, ranks, turn: 0, floor: None };
        Ok(asking.by_number(order, 0, keep, &wanted, &|_| {})?.0)
    }

    /// Reads requests at the places that [`EngineSnapshot::first`] told for a question; other fields than these
    /// are absent.
    pub(in crate::query) fn read(
        &self,
        query: &Query,
        places: &[(usize, usize)],
        fields: &[Field],
    ) -> Result<Vec<RequestRow>, QueryError> {
        let (snapshot, cancel) = (&self.snapshot, &CancellationToken::new());
        let predicate = &self.predicate(query)?;
        Asking { engine: &self.engine, snapshot, query, predicate, cancel }.read_all(places, fields)
    }
}
