//! Single requests: the first of an order are picked, and only those are read wholly.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::{BLOCK, Integers, SegmentInfo, Snapshot};
use crate::log::{Field, Kind};
use crate::query::{Answer, QueryError, RequestRow, Requests, Sort, Statistics, Value};

use super::Asking;
use super::groups::for_each;
use super::predicate::{OpenPredicate, Passes};
use super::{CacheDetails, drive};

/// The place of each value of a dimension among all its values in order; kept while the dictionary
/// does not grow.
#[derive(Default)]
pub struct Ranks(Mutex<HashMap<Field, Arc<Vec<u32>>>>);

impl Ranks {
    fn get(&self, field: Field, snapshot: &Snapshot<'_>) -> Result<Arc<Vec<u32>>, QueryError> {
        let dictionary = snapshot.dictionary(field)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ranks) = known.get(&field)
            && ranks.len() == dictionary.len() as usize + 1
        {
            return Ok(ranks.clone());
        }
        let mut ids: Vec<u32> = (1..=dictionary.len()).collect();
        let value = |id: &u32| Value::of_field(field, dictionary.get(*id));
        match field.spec().value {
            crate::log::ValueType::Integer => ids.sort_by_cached_key(value),
            _ => ids.sort_unstable_by(|one, other| dictionary.get(*one).cmp(&dictionary.get(*other))),
        }
        // 0, absent, is told apart by its id; its rank is not used.
        let mut ranks = vec![0; ids.len() + 1];
        for (rank, id) in ids.into_iter().enumerate() {
            ranks[id as usize] = rank as u32;
        }
        let ranks = Arc::new(ranks);
        known.insert(field, ranks.clone());
        Ok(ranks)
    }
}

/// What a request is sorted by: smaller comes first, absent (`None` made `true`) last.
type Key = (bool, Sorted, u64, u32, u64);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sorted {
    Number(u64),
    Text(Vec<u8>),
    TextBackwards(Reverse<Vec<u8>>),
}

/// A request on its way: its place in the order, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    key: Key,
    segment: i64,
    row: usize,
}

/// The best requests so far of one thread.
struct Best {
    heap: BinaryHeap<Found>,
    wanted: usize,
    matched: u64,
}

impl Best {
    fn offer(&mut self, found: Found) {
        if self.heap.len() < self.wanted {
            self.heap.push(found);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && found < *worst
        {
            *worst = found;
        }
    }
}

impl Asking<'_> {
    /// Answers [`Ask::Requests`](crate::query::Ask::Requests).
    pub(super) fn requests(
        &self,
        sort: Sort<Field>,
        offset: usize,
        limit: usize,
        wanted: &[SegmentInfo],
        statistics: &mut Statistics,
    ) -> Result<Answer, QueryError> {
        let keep = if limit == 0 { usize::MAX } else { offset.saturating_add(limit) };
        let ranks = match sort.by.kind() {
            Kind::Dimension => Some(self.engine.ranks.get(sort.by, self.snapshot)?),
            _ => None,
        };
        // The most promising segments first: then the others need only be counted.
        let mut order = wanted.to_vec();
        if sort.by == Field::Time {
            if sort.descending {
                order.sort_by_key(|segment| Reverse(segment.time_max));
            } else {
                order.sort_by_key(|segment| segment.time_min);
            }
        }
        let scanned = (AtomicU64::new(0), AtomicU64::new(0));
        let states = drive::fold(
            &order,
            self.cancel,
            || Best { heap: BinaryHeap::new(), wanted: keep, matched: 0 },
            |best, segment| {
                if self.pick(best, segment, sort, ranks.as_deref().map(Vec::as_slice))? {
                    scanned.0.fetch_add(segment.rows as u64, Relaxed);
                    scanned.1.fetch_add(1, Relaxed);
                }
                Ok(())
            },
            |_, _| Ok(()),
        )?;
        statistics.rows_scanned += scanned.0.into_inner();
        statistics.segments_scanned += scanned.1.into_inner();
        let matched = states.iter().map(|best| best.matched).sum();
        let mut found: Vec<Found> = states.into_iter().flat_map(|best| best.heap.into_vec()).collect();
        found.sort_unstable();
        let found = found.get(offset.min(found.len())..keep.min(found.len())).unwrap_or_default();
        let by_id: HashMap<i64, &SegmentInfo> = wanted.iter().map(|segment| (segment.id, segment)).collect();
        let mut rows = Vec::with_capacity(found.len());
        let mut details = CacheDetails::default();
        for (index, found) in found.iter().enumerate() {
            if index % 64 == 0 && self.cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            if let Some(segment) = by_id.get(&found.segment) {
                rows.push(self.read(segment, found.row, &mut details)?);
            }
        }
        Ok(Answer::Requests(Requests { rows, matched }))
    }

    /// Offers the rows of a segment; says whether it had to be read.
    fn pick(
        &self,
        best: &mut Best,
        segment: &SegmentInfo,
        sort: Sort<Field>,
        ranks: Option<&[u32]>,
    ) -> Result<bool, QueryError> {
        let snapshot = self.snapshot;
        let passes = self.predicate.passes(segment, snapshot)?;
        if passes == Passes::None {
            return Ok(false);
        }
        // If even the best conceivable row of it comes behind all that were found, rows need only be counted.
        let is_hopeless = sort.by == Field::Time
            && best.heap.len() == best.wanted
            && best.heap.peek().is_some_and(|worst| {
                let edge = if sort.descending { segment.time_max } else { segment.time_min };
                worst.key.1 < number(Snapshot::code_of(edge), sort.descending)
            });
        if is_hopeless && passes == Passes::All {
            best.matched += segment.rows as u64;
            return Ok(false);
        }
        let open = match passes {
            Passes::Some => self.predicate.open(segment, snapshot)?,
            _ => OpenPredicate::Constant(true),
        };
        let mut masks = Vec::with_capacity(segment.rows.div_ceil(BLOCK));
        let mut matched = 0;
        for block in 0..segment.rows.div_ceil(BLOCK) {
            if block % 64 == 0 && self.cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            let mut mask = open.block(block)?;
            let rows = segment.rows - block * BLOCK;
            if rows < BLOCK {
                mask &= (1 << rows) - 1;
            }
            matched += u64::from(mask.count_ones());
            masks.push(mask);
        }
        best.matched += matched;
        if is_hopeless || matched == 0 {
            return Ok(true);
        }
        let times = snapshot.integers(segment, Field::Time)?;
        let mut codes = [0; BLOCK];
        let mut offer = |row: usize, time: u64, key: Option<Sorted>| {
            let key = key.map_or((true, Sorted::Number(0)), |key| (false, key));
            best.offer(Found {
                key: (key.0, key.1, time, segment.source as u32, segment.first_row + row as u64),
                segment: segment.id,
                row,
            });
        };
        if sort.by.kind() == Kind::Detail {
            let mut texts = self.texts(segment, sort.by)?;
            for (block, mask) in masks.into_iter().enumerate().filter(|(_, mask)| *mask != 0) {
                times.unpack_u64(block, &mut codes);
                for_each(mask, |row| {
                    let text = texts[block * BLOCK + row].take();
                    let key = text.map(|text| match sort.descending {
                        true => Sorted::TextBackwards(Reverse(text)),
                        false => Sorted::Text(text),
                    });
                    offer(block * BLOCK + row, codes[row], key);
                });
            }
            return Ok(true);
        }
        let column = snapshot.integers(segment, sort.by)?;
        let mut numbers = [0; BLOCK];
        for (block, mask) in masks.into_iter().enumerate().filter(|(_, mask)| *mask != 0) {
            times.unpack_u64(block, &mut codes);
            column.unpack_u64(block, &mut numbers);
            for_each(mask, |row| {
                let key = match (sort.by.kind(), numbers[row]) {
                    (Kind::Time, time) => Some(time),
                    (_, 0) => None,
                    (Kind::Dimension, id) => {
                        ranks.and_then(|ranks| ranks.get(id as usize)).map(|rank| u64::from(*rank))
                    }
                    (_, stored) => Some(stored),
                };
                offer(block * BLOCK + row, codes[row], key.map(|key| number(key, sort.descending)));
            });
        }
        Ok(true)
    }

    /// All values of a detail in a segment.
    fn texts(&self, segment: &SegmentInfo, field: Field) -> Result<Vec<Option<Vec<u8>>>, QueryError> {
        let mut texts = Vec::with_capacity(segment.rows);
        let keys = snapshot_keys(self.snapshot, segment, field)?;
        for page in self.snapshot.all_pages(segment, field)? {
            for row in 0..page.rows() {
                let at = texts.len();
                let key = keys.as_ref().and_then(|(ids, values)| values.get(ids.get(at) as u32));
                let text =
                    page.get(row, || key).map_err(|damage| self.snapshot.damaged(segment, field, damage))?;
                texts.push(text.map(std::borrow::Cow::into_owned));
            }
        }
        Ok(texts)
    }

    /// One request with every field.
    fn read(
        &self,
        segment: &SegmentInfo,
        row: usize,
        details: &mut CacheDetails,
    ) -> Result<RequestRow, QueryError> {
        let snapshot = self.snapshot;
        let mut fields = Vec::with_capacity(Field::COUNT);
        let mut time = 0;
        let key_id = snapshot.integers(segment, Field::Key)?.get(row) as u32;
        let key = snapshot.value(Field::Key, key_id)?;
        for field in Field::all() {
            fields.push(match field.kind() {
                Kind::Time => {
                    time = Snapshot::time_of(snapshot.integers(segment, field)?.get(row));
                    Value::Integer(time)
                }
                Kind::Dimension => {
                    let id = snapshot.integers(segment, field)?.get(row) as u32;
                    Value::of_field(field, snapshot.value(field, id)?.as_deref())
                }
                Kind::Measure => {
                    let stored = snapshot.integers(segment, field)?.get(row);
                    stored.checked_sub(1).map_or(Value::Absent, |number| Value::Integer(number as i64))
                }
                Kind::Detail => {
                    let pages = match details.entry((segment.id, field)) {
                        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                        std::collections::hash_map::Entry::Vacant(place) => {
                            place.insert(snapshot.details(segment, field)?)
                        }
                    };
                    let (page, in_page) = pages.locate(row);
                    let page = snapshot.page(pages, page)?;
                    let text = page
                        .get(in_page, || key.as_deref())
                        .map_err(|damage| snapshot.damaged(segment, field, damage))?;
                    text.map_or(Value::Absent, |text| Value::Text(text.as_ref().into()))
                }
            });
        }
        Ok(RequestRow { id: (segment.source as u32, segment.first_row + row as u64), time, fields })
    }
}

fn number(number: u64, descending: bool) -> Sorted {
    Sorted::Number(if descending { !number } else { number })
}

/// Ids and values of the keys of a segment, if a field needs them to be read.
fn snapshot_keys(
    snapshot: &Snapshot<'_>,
    segment: &SegmentInfo,
    field: Field,
) -> Result<Option<(Arc<Integers>, crate::cache::Dictionary)>, QueryError> {
    if field != Field::RequestUri {
        return Ok(None);
    }
    Ok(Some((snapshot.integers(segment, Field::Key)?, snapshot.dictionary(Field::Key)?)))
}
