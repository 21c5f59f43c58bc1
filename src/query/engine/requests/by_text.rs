//! The first requests of an order by a text column.
//!
//! Method: the texts of all selected requests are compared, but few are decoded. The threads share a bound: the last
//! text of the best top k that any thread has found. A row is rejected by the first characters of a packed text
//! ([`text_bound`](super::text_bound)) or, if its key is elided, by the text before the key and the key
//! ([`pruned_keys`](super::pruned_keys)). Comparing decoded texts is 3 times slower for request ids, 2 for host ids.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::order::{RowLocation, SortKey};
use super::pruned_keys::{Prefixes, PrunedKeysByPrefix};
use super::text_bound::{Candidate, TextBound};
use crate::cache::{BLOCK, IntColumn, PageBuffers, RowKeys, SegmentInfo, Snapshot, TextPage, code};
use crate::log::Field;
use crate::query::engine::predicate::mask::Mask;
use crate::query::engine::top_k::TopK;
use crate::query::engine::{QueryContext, parallel};
use crate::query::{QueryError, Sort};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortText {
    Ascending(Vec<u8>),
    Descending(Reverse<Vec<u8>>),
    /// Last in either direction.
    Absent,
}

impl SortText {
    fn new(text: Option<Cow<'_, [u8]>>, descending: bool) -> SortText {
        match text.map(Cow::into_owned) {
            None => SortText::Absent,
            Some(text) if descending => SortText::Descending(Reverse(text)),
            Some(text) => SortText::Ascending(text),
        }
    }

    fn bound(&self) -> Option<TextBound> {
        match self {
            SortText::Ascending(text) => Some(TextBound::new(text, false)),
            SortText::Descending(Reverse(text)) => Some(TextBound::new(text, true)),
            SortText::Absent => None,
        }
    }
}

/// The texts of requests with their keys: ties break by time, then by arrival.
type TextKey = (SortText, SortKey);

struct Found<'a> {
    top: TopK<TextKey>,
    matched: u64,
    /// Texts after this text are rejected; a copy of the text of [`SharedBound`].
    bound: Option<(SortText, TextBound)>,
    /// The version of the shared bound that was copied.
    version: u64,
    prefixes: Prefixes<'a>,
    buffers: PageBuffers,
    candidates: Vec<Candidate>,
    /// Value ids of the keys of a page.
    key_ids: Vec<u32>,
}

/// The smallest bound that any thread has found.
#[derive(Default)]
struct SharedBound {
    text: Mutex<Option<SortText>>,
    version: AtomicU64,
}

impl Found<'_> {
    /// Copies the shared bound if it has changed.
    fn load_bound(&mut self, shared: &SharedBound) {
        let version = shared.version.load(Relaxed);
        if version != self.version {
            self.version = version;
            let text = shared.text.lock().clone();
            self.bound = text.and_then(|text| Some((text.clone(), text.bound()?)));
            if let Some((_, bound)) = &self.bound {
                self.prefixes.tighten(bound);
            }
        }
    }

    /// Shares the bound of this thread if it is the smallest.
    fn share_bound(&self, shared: &SharedBound) {
        let Some((text @ (SortText::Ascending(_) | SortText::Descending(_)), _)) = self.top.bound() else {
            return;
        };
        if self.bound.as_ref().is_some_and(|(bound, _)| bound <= text) {
            return;
        }
        let mut bound = shared.text.lock();
        if bound.as_ref().is_none_or(|bound| text < bound) {
            *bound = Some(text.clone());
            shared.version.fetch_add(1, Relaxed);
        }
    }
}

struct TextScan<'s> {
    snapshot: &'s Snapshot<'s>,
    segment: &'s SegmentInfo,
    /// Index of the segment in the snapshot.
    index: usize,
    sort: Sort<Field>,
    masks: &'s [Mask],
    times: IntColumn,
    keys: Option<RowKeys<'s>>,
}

impl QueryContext<'_> {
    /// Locations of the requests from place `from` up to `k` in the order, and the number of selected requests.
    pub(super) fn first_by_text(
        &self,
        sort: Sort<Field>,
        from: usize,
        k: usize,
    ) -> Result<(Vec<RowLocation>, u64), QueryError> {
        let indexes = self.segment_indexes();
        let shared = SharedBound::default();
        let pruned = PrunedKeysByPrefix::new(match sort.by {
            Field::RequestUri => self.snapshot.dictionary_len(Field::Key),
            _ => 0,
        });
        let begin = || Found {
            top: TopK::new(k),
            matched: 0,
            bound: None,
            version: 0,
            prefixes: Prefixes::new(&pruned),
            buffers: PageBuffers::default(),
            candidates: Vec::new(),
            key_ids: Vec::new(),
        };
        let states = parallel::scan_segments(&self.segments, self.scan, begin, |found, segment| {
            let masks = &self.predicate.masks(segment, self.snapshot)?;
            self.count_scanned(segment);
            let matched = masks.iter().map(|mask| u64::from(mask.count_ones())).sum::<u64>();
            found.matched += matched;
            if matched == 0 {
                return Ok(());
            }
            let mut scan = TextScan {
                snapshot: self.snapshot,
                segment,
                index: indexes.get(&segment.id).copied().unwrap_or(0),
                sort,
                masks,
                times: self.snapshot.int_column(segment, Field::Time)?,
                keys: RowKeys::of_text(self.snapshot, segment, sort.by, self.cancel)?,
            };
            let mut buffers = std::mem::take(&mut found.buffers);
            self.snapshot.for_each_text_page(
                segment,
                sort.by,
                self.cancel,
                &mut buffers,
                &|rows| is_any_selected(masks, rows),
                &mut |first_row, page| {
                    found.load_bound(&shared);
                    scan.add_page(found, first_row, page)?;
                    found.share_bound(&shared);
                    Ok::<_, QueryError>(())
                },
            )?;
            found.buffers = buffers;
            Ok(())
        })?;
        let matched = states.iter().map(|found| found.matched).sum();
        let first = TopK::merge_sorted(states.into_iter().map(|found| found.top).collect(), from);
        Ok((first.into_iter().map(|(_, key)| key.location()).collect(), matched))
    }
}

impl TextScan<'_> {
    fn add_page(
        &mut self,
        found: &mut Found<'_>,
        first_row: usize,
        page: &TextPage,
    ) -> Result<(), QueryError> {
        let Found { top, bound, prefixes, candidates, key_ids, .. } = found;
        if let Some((_, bound)) = bound {
            if let Some(keys) = &mut self.keys {
                keys.ids(first_row..first_row + page.rows(), key_ids);
            }
            let masks = self.masks;
            if are_all_selected(masks, first_row..first_row + page.rows()) {
                bound.candidates(page, prefixes, key_ids, |_| true, candidates);
            } else {
                let is_selected = |in_page| is_selected(masks, first_row + in_page);
                bound.candidates(page, prefixes, key_ids, is_selected, candidates);
            }
            for candidate in candidates.iter() {
                if !self.is_after(bound, prefixes, page, *candidate, first_row)? {
                    self.offer(top, page, candidate.row, first_row + candidate.row)?;
                }
            }
            return Ok(());
        }
        // Requests without a text are last, sorted by time: often all times of a segment are after the bound.
        let earliest = SortKey::new(0, code::of_time(self.segment.time_min), self.index, 0);
        let rejects_absent = |top: &TopK<TextKey>| {
            top.bound().is_some_and(|(text, key)| *text == SortText::Absent && earliest > *key)
        };
        if page.is_absent() && rejects_absent(top) {
            return Ok(());
        }
        for in_page in 0..page.rows() {
            let row = first_row + in_page;
            if is_selected(self.masks, row) && !(page.is_absent_at(in_page) && rejects_absent(top)) {
                self.offer(top, page, in_page, row)?;
            }
        }
        Ok(())
    }

    /// Whether a text sorts after the bound. Decodes the text only if necessary.
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
            // A missing key is reported when the text is decoded.
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

    fn offer(
        &mut self,
        top: &mut TopK<TextKey>,
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
        let key = SortKey::new(0, self.times.code(row), self.index, row);
        top.offer((SortText::new(text, self.sort.descending), key));
        Ok(())
    }
}

#[inline]
fn is_selected(masks: &[Mask], row: usize) -> bool {
    masks[row / BLOCK] >> (row % BLOCK) & 1 != 0
}

fn is_any_selected(masks: &[Mask], rows: Range<usize>) -> bool {
    masks_of(rows).any(|(block, rows)| masks.get(block).is_some_and(|mask| mask & rows != 0))
}

fn are_all_selected(masks: &[Mask], rows: Range<usize>) -> bool {
    masks_of(rows).all(|(block, rows)| masks.get(block).is_some_and(|mask| mask & rows == rows))
}

/// The blocks of some rows, with the mask of these rows.
fn masks_of(rows: Range<usize>) -> impl Iterator<Item = (usize, Mask)> {
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
    use crate::query::engine::testing::request_ids;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_page_is_read_if_any_of_its_rows_is_selected(
            some in prop::collection::btree_set(0..4 * BLOCK, 0..4), rows in (0..4 * BLOCK, 0..4 * BLOCK),
            invert: bool,
        ) {
            let selected: Vec<usize> = (0..4 * BLOCK).filter(|row| some.contains(row) != invert).collect();
            let mut masks: [Mask; 4] = [0; 4];
            selected.iter().for_each(|row| masks[row / BLOCK] |= 1 << (row % BLOCK));
            let rows = rows.0..rows.1;
            prop_assert_eq!(is_any_selected(&masks, rows.clone()), selected.iter().any(|row| rows.contains(row)));
            let all = rows.clone().all(|row| selected.contains(&row));
            prop_assert_eq!(are_all_selected(&masks, rows), all);
        }
    }

    #[test]
    fn a_page_by_text_is_the_same_as_a_slice_of_all_requests() {
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
                    let all = request_ids(&engine, filter, sort, 0, 0);
                    for (offset, limit) in [(0, 7), (90, 10), (2000, 100)] {
                        let found = request_ids(&engine, filter, sort, offset, limit);
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
