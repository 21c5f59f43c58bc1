//! Requests in the order of a text of their own: every text that passes is looked at, but few are made. The
//! threads tell one another how far back the last place is that still counts, and what comes behind it is
//! passed over by its first characters, or by its key.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::cache::codec::key_elision::{AllHopeless, Beginnings};
use crate::cache::codec::order::{Bound, Candidate};
use crate::cache::codec::text::OpenPage;
use crate::cache::{BLOCK, Integers, PageMemory, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::{QueryError, Sort};

use crate::cache::RowKeys;
use crate::query::engine::predicate::Mask;
use crate::query::engine::requests::Place;
use crate::query::engine::top_k::Best;
use crate::query::engine::{Asking, parallel};

/// A value that requests are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Text {
    Forwards(Vec<u8>),
    Backwards(Reverse<Vec<u8>>),
    /// Last in either direction.
    Absent,
}

impl Text {
    fn new(text: Option<Cow<'_, [u8]>>, descending: bool) -> Text {
        match text.map(Cow::into_owned) {
            None => Text::Absent,
            Some(text) if descending => Text::Backwards(Reverse(text)),
            Some(text) => Text::Forwards(text),
        }
    }

    fn bound(&self) -> Option<Bound> {
        match self {
            Text::Forwards(text) => Some(Bound::new(text, false)),
            Text::Backwards(Reverse(text)) => Some(Bound::new(text, true)),
            Text::Absent => None,
        }
    }
}

/// What one thread has picked.
struct Picked<'a> {
    best: Best<(Text, Place)>,
    matched: u64,
    /// What comes behind it has no chance: the last of the best that any thread has found.
    last: Option<(Text, Bound)>,
    /// What of [`Shared`] it has heard.
    heard: u64,
    beginnings: Beginnings<'a>,
    memory: PageMemory,
    candidates: Vec<Candidate>,
    /// Numbers of the keys of a page.
    ids: Vec<u32>,
}

/// The last of the best that any thread has found.
#[derive(Default)]
struct Shared {
    last: Mutex<Option<Text>>,
    /// How often it was told.
    told: AtomicU64,
}

impl Picked<'_> {
    fn hear(&mut self, shared: &Shared) {
        let told = shared.told.load(Relaxed);
        if told != self.heard {
            self.heard = told;
            let last = shared.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.last = last.and_then(|text| Some((text.clone(), text.bound()?)));
            if let Some((_, bound)) = &self.last {
                self.beginnings.renew(bound);
            }
        }
    }

    fn tell(&self, shared: &Shared) {
        let Some((text @ (Text::Forwards(_) | Text::Backwards(_)), _)) = self.best.worst() else { return };
        if self.last.as_ref().is_some_and(|(last, _)| last <= text) {
            return;
        }
        let mut last = shared.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|last| text < last) {
            *last = Some(text.clone());
            shared.told.fetch_add(1, Relaxed);
        }
    }
}

/// What of a segment is looked at.
struct Looking<'s> {
    snapshot: &'s Snapshot<'s>,
    segment: &'s SegmentInfo,
    index: usize,
    sort: Sort<Field>,
    masks: &'s [Mask],
    times: &'s Integers,
    keys: Option<RowKeys<'s>>,
}

impl Asking<'_> {
    /// Places (segment and row) from `from` to `keep` in the order of a text, and how many rows match.
    pub(super) fn by_text(
        &self,
        sort: Sort<Field>,
        from: usize,
        keep: usize,
        wanted: &[SegmentInfo],
        read: &(dyn Fn(&SegmentInfo) + Sync),
    ) -> Result<(Vec<(usize, usize)>, u64), QueryError> {
        let index = self.indexed(wanted);
        let shared = Shared::default();
        let hopeless = AllHopeless::new(match sort.by {
            Field::RequestUri => self.snapshot.dictionary_len(Field::Key),
            _ => 0,
        });
        let begin = || Picked {
            best: Best::new(keep),
            matched: 0,
            last: None,
            heard: 0,
            beginnings: Beginnings::new(&hopeless),
            memory: PageMemory::default(),
            candidates: Vec::new(),
            ids: Vec::new(),
        };
        let states = parallel::fold_silently(wanted, self.cancel, begin, |picked, segment| {
            let masks = &self.masks(segment)?;
            read(segment);
            let matched = masks.iter().map(|mask| u64::from(mask.count_ones())).sum::<u64>();
            picked.matched += matched;
            if matched == 0 {
                return Ok(());
            }
            let mut looking = Looking {
                snapshot: self.snapshot,
                segment,
                index: index.get(&segment.id).copied().unwrap_or(0),
                sort,
                masks,
                times: &*self.snapshot.integers(segment, Field::Time)?,
                keys: RowKeys::of_text(self.snapshot, segment, sort.by, self.cancel)?,
            };
            let mut memory = std::mem::take(&mut picked.memory);
            let is_whole = self.snapshot.for_each_page_of(
                segment,
                sort.by,
                &mut memory,
                &|rows| any_passes(masks, rows),
                &|| !self.cancel.is_cancelled(),
                &mut |first_row, page| {
                    picked.hear(&shared);
                    looking.look_at(picked, first_row, page)?;
                    picked.tell(&shared);
                    Ok::<_, QueryError>(())
                },
            )?;
            picked.memory = memory;
            if is_whole { Ok(()) } else { Err(QueryError::Cancelled) }
        })?;
        let matched = states.iter().map(|picked| picked.matched).sum();
        let best = Best::from(states.into_iter().map(|picked| picked.best).collect(), from);
        Ok((best.into_iter().map(|(_, place)| place.location()).collect(), matched))
    }
}

impl Looking<'_> {
    fn look_at(
        &mut self,
        picked: &mut Picked<'_>,
        first_row: usize,
        page: &OpenPage,
    ) -> Result<(), QueryError> {
        let Picked { best, last, beginnings, candidates, ids, .. } = picked;
        if let Some((_, bound)) = last {
            if let Some(keys) = &mut self.keys {
                keys.ids(first_row..first_row + page.rows(), ids);
            }
            let masks = self.masks;
            if do_all_pass(masks, first_row..first_row + page.rows()) {
                page.not_behind(bound, beginnings, ids, |_| true, candidates);
            } else {
                let passes = |in_page| passes(masks, first_row + in_page);
                page.not_behind(bound, beginnings, ids, passes, candidates);
            }
            for candidate in candidates.iter() {
                if !self.is_behind(bound, beginnings, page, *candidate, first_row)? {
                    self.offer(best, page, candidate.row, first_row + candidate.row)?;
                }
            }
            return Ok(());
        }
        // Those that lack the text come last, and among them in the order of time: often none of a
        // segment has a chance.
        let earliest = Place::new(0, Snapshot::code_of(self.segment.time_min), self.index, 0);
        let is_full_of_absent = |best: &Best<(Text, Place)>| {
            best.worst().is_some_and(|(text, place)| *text == Text::Absent && earliest > *place)
        };
        if page.is_absent() && is_full_of_absent(best) {
            return Ok(());
        }
        for in_page in 0..page.rows() {
            let row = first_row + in_page;
            if passes(self.masks, row) && !(page.is_absent_at(in_page) && is_full_of_absent(best)) {
                self.offer(best, page, in_page, row)?;
            }
        }
        Ok(())
    }

    /// Whether a text comes behind another, found out before it is made if that can be.
    fn is_behind(
        &mut self,
        bound: &Bound,
        beginnings: &Beginnings<'_>,
        page: &OpenPage,
        Candidate { row, beginning }: Candidate,
        first_row: usize,
    ) -> Result<bool, QueryError> {
        let (snapshot, segment, field) = (self.snapshot, self.segment, self.sort.by);
        let damaged = |damage| snapshot.damaged(segment, field, damage);
        if let Some(around) = page.around_key(row).map_err(damaged)? {
            let (Some(beginning), Some(keys)) = (beginning, &mut self.keys) else { return Ok(false) };
            let hopeless = beginnings.hopeless(beginning);
            let id = keys.id(first_row + row);
            // That a key is missing is told when the text is made.
            let Some(key) = keys.value(id)?.filter(|_| !hopeless.has(id)) else {
                return Ok(hopeless.has(id));
            };
            let (order, is_by_key) = around.compare(key, bound.text());
            let is_behind = bound.is_behind(order);
            if is_behind && is_by_key {
                hopeless.add(id);
            }
            return Ok(is_behind);
        }
        let text = page.get(row, || None).map_err(damaged)?;
        Ok(text.is_none_or(|text| bound.is_behind(text.as_ref().cmp(bound.text()))))
    }

    fn offer(
        &mut self,
        best: &mut Best<(Text, Place)>,
        page: &OpenPage,
        in_page: usize,
        row: usize,
    ) -> Result<(), QueryError> {
        let key = match &mut self.keys {
            Some(keys) if page.is_around_key(in_page) => keys.get(row)?,
            _ => None,
        };
        let text = page.get(in_page, || key);
        let text = text.map_err(|damage| self.snapshot.damaged(self.segment, self.sort.by, damage))?;
        let place = Place::new(0, self.times.get(row), self.index, row);
        best.offer((Text::new(text, self.sort.descending), place));
        Ok(())
    }
}

/// Whether a row of a segment passes.
#[inline]
fn passes(masks: &[Mask], row: usize) -> bool {
    masks[row / BLOCK] >> (row % BLOCK) & 1 != 0
}

/// Whether any of these rows of a segment passes.
fn any_passes(masks: &[Mask], rows: Range<usize>) -> bool {
    blocks_of(rows).any(|(block, rows)| masks.get(block).is_some_and(|mask| mask & rows != 0))
}

/// Whether all of them do.
fn do_all_pass(masks: &[Mask], rows: Range<usize>) -> bool {
    blocks_of(rows).all(|(block, rows)| masks.get(block).is_some_and(|mask| mask & rows == rows))
}

/// The blocks that rows are in, and which they are in those.
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
        fn a_page_is_looked_at_if_any_of_its_rows_passes(
            some in prop::collection::btree_set(0..4 * BLOCK, 0..4), rows in (0..4 * BLOCK, 0..4 * BLOCK),
            do_others: bool,
        ) {
            let passing: Vec<usize> = (0..4 * BLOCK).filter(|row| some.contains(row) != do_others).collect();
            let mut masks: [Mask; 4] = [0; 4];
            passing.iter().for_each(|row| masks[row / BLOCK] |= 1 << (row % BLOCK));
            let rows = rows.0..rows.1;
            prop_assert_eq!(any_passes(&masks, rows.clone()), passing.iter().any(|row| rows.contains(row)));
            let all = rows.clone().all(|row| passing.contains(&row));
            prop_assert_eq!(do_all_pass(&masks, rows), all);
        }
    }

    #[test]
    fn the_first_of_many_requests_are_those_that_come_first_when_all_are_looked_at() {
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
