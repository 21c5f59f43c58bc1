//! The first requests in the order of a detail, such as the request URI. Every value that passes is compared, but few are
//! decoded: threads share the last value that can still be among the first, and reject values after it by their prefix
//! or by their key.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::cache::{BLOCK, IntColumn, PageBuffers, RowKeys, SegmentInfo, Snapshot, TextPage, code};
use crate::log::Field;
use crate::query::engine::predicate::Mask;
use crate::query::engine::requests::Place;
use crate::query::engine::requests::pruned_keys::{Prefixes, PrunedKeysByPrefix};
use crate::query::engine::requests::text_bound::{Candidate, TextBound};
use crate::query::engine::top_k::Best;
use crate::query::engine::{Asking, parallel};
use crate::query::{QueryError, Sort};

/// A value that requests are sorted by. Absent values are last in both directions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Ascending(Vec<u8>),
    Descending(Reverse<Vec<u8>>),
    Absent,
}

impl SortValue {
    fn new(text: Option<Cow<'_, [u8]>>, descending: bool) -> SortValue {
        match text.map(Cow::into_owned) {
            None => SortValue::Absent,
            Some(text) if descending => SortValue::Descending(Reverse(text)),
            Some(text) => SortValue::Ascending(text),
        }
    }

    /// The bound that rejects values after this one; `None` for the last value, which rejects none.
    fn bound(&self) -> Option<TextBound> {
        match self {
            SortValue::Ascending(text) => Some(TextBound::new(text, false)),
            SortValue::Descending(Reverse(text)) => Some(TextBound::new(text, true)),
            SortValue::Absent => None,
        }
    }
}

/// The state of one thread.
struct Worker<'a> {
    best: Best<(SortValue, Place)>,
    matched: u64,
    /// The tightest bound that this thread knows, with its value.
    bound: Option<(SortValue, TextBound)>,
    /// The version of [`SharedBound`] that this thread has seen.
    version: u64,
    prefixes: Prefixes<'a>,
    buffers: PageBuffers,
    candidates: Vec<Candidate>,
    /// Value ids of the keys of a page.
    keys: Vec<u32>,
}

/// The tightest bound of all threads: the last of the first values that any thread has found.
#[derive(Default)]
struct SharedBound {
    value: Mutex<Option<SortValue>>,
    /// Counts how often the bound was tightened.
    version: AtomicU64,
}

impl Worker<'_> {
    /// Adopts the shared bound if it was tightened.
    fn adopt(&mut self, shared: &SharedBound) {
        let version = shared.version.load(Relaxed);
        if version != self.version {
            self.version = version;
            let value = shared.value.lock().clone();
            self.bound = value.and_then(|value| Some((value.clone(), value.bound()?)));
            if let Some((_, bound)) = &self.bound {
                self.prefixes.tighten(bound);
            }
        }
    }

    /// Tightens the shared bound if this thread has found a tighter one.
    fn publish(&self, shared: &SharedBound) {
        let Some((value @ (SortValue::Ascending(_) | SortValue::Descending(_)), _)) = self.best.worst()
        else {
            return;
        };
        if self.bound.as_ref().is_some_and(|(bound, _)| bound <= value) {
            return;
        }
        let mut bound = shared.value.lock();
        if bound.as_ref().is_none_or(|bound| value < bound) {
            *bound = Some(value.clone());
            shared.version.fetch_add(1, Relaxed);
        }
    }
}

/// The segment that a thread searches.
struct SegmentSearch<'s> {
    snapshot: &'s Snapshot<'s>,
    segment: &'s SegmentInfo,
    index: usize,
    sort: Sort<Field>,
    masks: &'s [Mask],
    times: IntColumn,
    keys: Option<RowKeys<'s>>,
}

impl Asking<'_> {
    /// Returns the locations (index of the segment and row) of the requests `from` to `keep` in the order of a detail, and
    /// the number of requests that match.
    pub(super) fn by_text(
        &self,
        sort: Sort<Field>,
        from: usize,
        keep: usize,
        wanted: &[SegmentInfo],
        read: &(dyn Fn(&SegmentInfo) + Sync),
    ) -> Result<(Vec<(usize, usize)>, u64), QueryError> {
        let index = self.indexed(wanted);
        let shared = SharedBound::default();
        let pruned = PrunedKeysByPrefix::new(match sort.by {
            Field::RequestUri => self.snapshot.dictionary_len(Field::Key),
            _ => 0,
        });
        let begin = || Worker {
            best: Best::new(keep),
            matched: 0,
            bound: None,
            version: 0,
            prefixes: Prefixes::new(&pruned),
            buffers: PageBuffers::default(),
            candidates: Vec::new(),
            keys: Vec::new(),
        };
        let workers = parallel::fold_silently(wanted, self.cancel, begin, |worker, segment| {
            let masks = &self.masks(segment)?;
            read(segment);
            let matched = masks.iter().map(|mask| u64::from(mask.count_ones())).sum::<u64>();
            worker.matched += matched;
            if matched == 0 {
                return Ok(());
            }
            let mut search = SegmentSearch {
                snapshot: self.snapshot,
                segment,
                index: index.get(&segment.id).copied().unwrap_or(0),
                sort,
                masks,
                times: self.snapshot.int_column(segment, Field::Time)?,
                keys: RowKeys::of_text(self.snapshot, segment, sort.by, self.cancel)?,
            };
            let mut buffers = std::mem::take(&mut worker.buffers);
            self.snapshot.for_each_text_page(
                segment,
                sort.by,
                self.cancel,
                &mut buffers,
                &|rows| any_pass(masks, rows),
                &mut |first_row, page| {
                    worker.adopt(&shared);
                    search.search_page(worker, first_row, page)?;
                    worker.publish(&shared);
                    Ok::<_, QueryError>(())
                },
            )?;
            worker.buffers = buffers;
            Ok(())
        })?;
        let matched = workers.iter().map(|worker| worker.matched).sum();
        let best = Best::from(workers.into_iter().map(|worker| worker.best).collect(), from);
        Ok((best.into_iter().map(|(_, place)| place.location()).collect(), matched))
    }
}

impl SegmentSearch<'_> {
    /// Offers the values of a page that pass and may be among the first.
    fn search_page(
        &mut self,
        worker: &mut Worker<'_>,
        first_row: usize,
        page: &TextPage,
    ) -> Result<(), QueryError> {
        let Worker { best, bound, prefixes, candidates, keys: page_keys, .. } = worker;
        if let Some((_, bound)) = bound {
            if let Some(keys) = &mut self.keys {
                keys.ids(first_row..first_row + page.rows(), page_keys);
            }
            let masks = self.masks;
            if all_pass(masks, first_row..first_row + page.rows()) {
                bound.candidates(page, prefixes, page_keys, |_| true, candidates);
            } else {
                let passes = |in_page| passes(masks, first_row + in_page);
                bound.candidates(page, prefixes, page_keys, passes, candidates);
            }
            for candidate in candidates.iter() {
                if !self.is_after(bound, prefixes, page, *candidate, first_row)? {
                    self.offer(best, page, candidate.row, first_row + candidate.row)?;
                }
            }
            return Ok(());
        }
        // Absent values are last, and among each other in the order of time. Often no absent value of this segment can
        // be among the first.
        let earliest = Place::new(0, code::of_time(self.segment.time_min), self.index, 0);
        let is_absent_hopeless = |best: &Best<(SortValue, Place)>| {
            best.worst().is_some_and(|(value, place)| *value == SortValue::Absent && earliest > *place)
        };
        if page.is_absent() && is_absent_hopeless(best) {
            return Ok(());
        }
        for in_page in 0..page.rows() {
            let row = first_row + in_page;
            if passes(self.masks, row) && !(page.is_absent_at(in_page) && is_absent_hopeless(best)) {
                self.offer(best, page, in_page, row)?;
            }
        }
        Ok(())
    }

    /// Whether a value is after the bound. Values whose key is elided are not made for that.
    fn is_after(
        &mut self,
        bound: &TextBound,
        prefixes: &Prefixes<'_>,
        page: &TextPage,
        Candidate { row, prefix }: Candidate,
        first_row: usize,
    ) -> Result<bool, QueryError> {
        let (snapshot, segment, field) = (self.snapshot, self.segment, self.sort.by);
        let damaged = |damage| snapshot.damaged(segment, field, damage);
        if let Some(value) = page.elided(row).map_err(damaged)? {
            let (Some(prefix), Some(keys)) = (prefix, &mut self.keys) else { return Ok(false) };
            let pruned = prefixes.pruned_keys(prefix);
            let id = keys.id(first_row + row);
            // A missing key is reported when the value is made.
            let Some(key) = keys.value(id)?.filter(|_| !pruned.contains(id)) else {
                return Ok(pruned.contains(id));
            };
            let (order, is_decided_by_key) = bound.compare_elided(value, key);
            let is_after = bound.is_after(order);
            if is_after && is_decided_by_key {
                pruned.insert(id);
            }
            return Ok(is_after);
        }
        let text = page.get(row, || None).map_err(damaged)?;
        Ok(text.is_none_or(|text| bound.is_after(text.as_ref().cmp(bound.text()))))
    }

    /// Offers the value of a row.
    fn offer(
        &mut self,
        best: &mut Best<(SortValue, Place)>,
        page: &TextPage,
        in_page: usize,
        row: usize,
    ) -> Result<(), QueryError> {
        let key = match &mut self.keys {
            Some(keys) if page.is_elided(in_page) => keys.get(row)?,
            _ => None,
        };
        let text = page.get(in_page, || key);
        let text = text.map_err(|damage| self.snapshot.damaged(self.segment, self.sort.by, damage))?;
        let place = Place::new(0, self.times.code(row), self.index, row);
        best.offer((SortValue::new(text, self.sort.descending), place));
        Ok(())
    }
}

/// Whether the mask of a row is set.
#[inline]
fn passes(masks: &[Mask], row: usize) -> bool {
    masks[row / BLOCK] >> (row % BLOCK) & 1 != 0
}

/// Whether the mask of any of the rows is set.
fn any_pass(masks: &[Mask], rows: Range<usize>) -> bool {
    blocks_of(rows).any(|(block, rows)| masks.get(block).is_some_and(|mask| mask & rows != 0))
}

/// Whether the masks of all of the rows are set.
fn all_pass(masks: &[Mask], rows: Range<usize>) -> bool {
    blocks_of(rows).all(|(block, rows)| masks.get(block).is_some_and(|mask| mask & rows == rows))
}

/// The blocks of the rows, each with a mask of the rows in it.
fn blocks_of(rows: Range<usize>) -> impl Iterator<Item = (usize, Mask)> {
    let mut row = rows.start;
    std::iter::from_fn(move || {
        if row >= rows.end {
            return None;
        }
        let (block, first) = (row / BLOCK, row % BLOCK);
        let end = rows.end.min((block + 1) * BLOCK);
        let mask = (Mask::MAX >> (BLOCK - (end - row))) << first;
        row = end;
        Some((block, mask))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};
    use crate::query::engine::LocalEngine;
    use crate::query::engine::testing::numbers;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masks_of_rows_across_blocks_are_found(
            some in prop::collection::btree_set(0..4 * BLOCK, 0..4), rows in (0..4 * BLOCK, 0..4 * BLOCK),
            do_others: bool,
        ) {
            let passing: Vec<usize> = (0..4 * BLOCK).filter(|row| some.contains(row) != do_others).collect();
            let mut masks: [Mask; 4] = [0; 4];
            passing.iter().for_each(|row| masks[row / BLOCK] |= 1 << (row % BLOCK));
            let rows = rows.0..rows.1;
            prop_assert_eq!(any_pass(&masks, rows.clone()), passing.iter().any(|row| rows.contains(row)));
            let all = rows.clone().all(|row| passing.contains(&row));
            prop_assert_eq!(all_pass(&masks, rows), all);
        }
    }

    #[test]
    fn the_first_requests_equal_those_of_a_complete_sort() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        for (source, keys) in [("one", 3000), ("other", 700), ("third", 13_000)] {
            let requests =
                (0..13_000).map(|index| Request { keys, ..Request::at(index * 7919 % 13_000 * 3) });
            drop(filled(&path, source, requests));
        }
        let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
        for by in [Field::RequestUri, Field::RequestId, Field::HostId, Field::VersionId] {
            for descending in [false, true] {
                for filter in ["", "ip:203.0.113.3", "key:k1*", "uri*=k2"] {
                    let sort = Sort { by, descending };
                    let all = numbers(&engine, filter, sort, 0, 0);
                    for (offset, limit) in [(0, 7), (90, 10), (2000, 100)] {
                        let found = numbers(&engine, filter, sort, offset, limit);
                        assert_eq!(
                            found,
                            all[offset..offset + limit],
                            "{by:?} {descending} {filter} {offset}"
                        );
                    }
                }
            }
        }
    }
}
