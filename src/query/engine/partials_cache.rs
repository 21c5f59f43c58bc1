//! Partials: aggregates over some segments, kept between queries. When the ingest adds segments, a repeated query
//! scans those only.

use std::hash::Hash;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{QueryContext, parallel};
use crate::cache::{ByteCache, SegmentId, SegmentInfo, Snapshot};
use crate::identity::host_names::KnownNames;
use crate::query::{Counting, Dimension, Filter, Query, QueryError, TimeRange};

/// An aggregate over rows, to which other rows can be added.
pub(super) trait Partial: Clone + Send + Sync {
    /// Adds an aggregate over other rows. After an error, this aggregate is unusable.
    fn merge(&mut self, other: &Self, cancel: &CancellationToken) -> Result<(), QueryError>;

    /// Bytes of memory, approximately.
    fn memory(&self) -> usize;
}

/// What a partial depends on: the part of a query that selects rows, and `how` the rows are aggregated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PartialKey<H> {
    sources: Vec<String>,
    time: TimeRange,
    counting: Counting,
    filter: Filter,
    /// Where requests came from, if that was needed.
    origin_epoch: u64,
    /// Which names of addresses were known, if the query depends on them.
    names_epoch: u64,
    how: H,
}

impl<H> PartialKey<H> {
    /// The key of a query whose predicate and groups are bound to the snapshot.
    pub(super) fn new(query: &Query, snapshot: &Snapshot<'_>, names: &KnownNames, how: H) -> PartialKey<H> {
        let names_epoch = if query.depends_on(&Dimension::HostName) { names.epoch() } else { 0 };
        let Query { sources, time, counting, filter, .. } = query;
        let (sources, filter, origin_epoch) = (sources.clone(), filter.clone(), snapshot.origin_epoch());
        PartialKey { sources, time: *time, counting: *counting, filter, origin_epoch, names_epoch, how }
    }
}

/// An aggregate and the segments that it includes: final segments only, because others are replaced while they grow.
pub(super) type Entry<P> = (Arc<P>, Vec<SegmentId>);

/// The partials of recent queries, within a memory budget.
pub(super) struct PartialsCache<H, P> {
    entries: ByteCache<PartialKey<H>, Entry<P>>,
    /// Bytes above which a partial is not kept: it would evict nearly all others.
    max_partial: usize,
}

impl<H: Eq + Hash + Clone, P: Partial> PartialsCache<H, P> {
    pub(super) fn new(budget: usize) -> Self {
        PartialsCache { entries: ByteCache::new(budget), max_partial: budget / 4 * 3 }
    }

    /// A partial, if all its segments are still in the snapshot.
    pub(super) fn get(&self, key: &PartialKey<H>, segments: &[SegmentInfo]) -> Option<Entry<P>> {
        self.entries.get(key).filter(|entry| is_within(entry, segments))
    }

    /// Removes a partial and returns it, if all its segments are still in the snapshot.
    pub(super) fn take(&self, key: &PartialKey<H>, segments: &[SegmentInfo]) -> Option<Entry<P>> {
        self.entries.remove(key).filter(|entry| is_within(entry, segments))
    }

    /// Keeps a partial. `included`: all segments that it includes, final ones.
    pub(super) fn put(&self, key: PartialKey<H>, partial: Arc<P>, included: Vec<SegmentId>) {
        let memory = partial.memory();
        if memory <= self.max_partial {
            self.entries.insert(key, (partial, included), memory);
        }
    }
}

fn is_within<P>((_, included): &Entry<P>, segments: &[SegmentInfo]) -> bool {
    let mut ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    ids.sort_unstable();
    included.iter().all(|id| ids.binary_search(id).is_ok())
}

pub(super) struct Aggregation<'a, H, P> {
    pub(super) cache: &'a PartialsCache<H, P>,
    pub(super) how: H,
    pub(super) begin: &'a (dyn Fn() -> P + Sync),
    pub(super) add_segment: &'a (dyn Fn(&mut P, &SegmentInfo) -> Result<(), QueryError> + Sync),
}

impl QueryContext<'_> {
    /// Aggregates the selected rows of all segments. Scans the segments that the kept partial does not include, and
    /// keeps the result. `on_progress` is called with incomplete aggregates and the share of the rows that they
    /// include (0–1). If a scan fails, the partial that was kept before is still kept.
    pub(super) fn aggregate<H: Eq + Hash + Clone, P: Partial>(
        &self,
        Aggregation { cache, how, begin, add_segment }: Aggregation<'_, H, P>,
        on_progress: &mut dyn FnMut(&P, f64) -> Result<(), QueryError>,
    ) -> Result<Arc<P>, QueryError> {
        let key = PartialKey::new(self.query, self.snapshot, &self.names, how);
        let (known, included) = cache.take(&key, &self.snapshot.segments).unzip();
        let known: Option<Arc<P>> = known;
        let mut included: Vec<SegmentId> = included.unwrap_or_default();
        let new = self.segments.iter().filter(|segment| !included.contains(&segment.id)).copied();
        let (finals, growing): (Vec<SegmentInfo>, Vec<SegmentInfo>) =
            new.partition(|segment| segment.is_final);
        finals.iter().chain(&growing).for_each(|segment| self.count_scanned(segment));
        let row_count =
            |segments: &[SegmentInfo]| segments.iter().map(|segment| segment.rows).sum::<usize>() as f64;
        let rows = row_count(&self.segments).max(1.0);
        let known_share = 1.0 - (row_count(&finals) + row_count(&growing)) / rows;
        let finals_share = row_count(&finals) / rows;

        // The aggregates of all threads are merged into that of the first thread. Merging copies for every partial
        // answer would take time and memory.
        let gather = |states: &mut [P]| -> Result<(), QueryError> {
            if let Some((first, others)) = states.split_first_mut() {
                for other in others {
                    first.merge(&std::mem::replace(other, begin()), self.cancel)?;
                }
            }
            Ok(())
        };
        let show = |states: &mut [P], share: f64| {
            gather(states)?;
            let share = known_share + share * finals_share;
            match (&known, states.first()) {
                (None, Some(first)) => on_progress(first, share),
                (None, None) => on_progress(&begin(), share),
                (Some(known), first) => {
                    let mut all = P::clone(known);
                    first.iter().try_for_each(|first| all.merge(first, self.cancel))?;
                    on_progress(&all, share)
                }
            }
        };
        let scanned = parallel::scan_in_waves(&finals, self.scan, self.first_wave, begin, add_segment, show);
        let scanned = scanned.and_then(|mut states| {
            gather(&mut states)?;
            Ok(states.into_iter().next().unwrap_or_else(begin))
        });
        let scanned = match scanned {
            Ok(scanned) => scanned,
            Err(error) => {
                if let Some(known) = known {
                    cache.put(key, known, included);
                }
                return Err(error);
            }
        };
        let mut all = match known {
            Some(known) if finals.is_empty() => known,
            Some(known) => {
                // Not cancelled halfway, which would lose the kept partial. It takes less time than the scan did.
                let mut all = Arc::unwrap_or_clone(known);
                all.merge(&scanned, &CancellationToken::new())?;
                Arc::new(all)
            }
            None => Arc::new(scanned),
        };
        included.extend(finals.iter().map(|segment| segment.id));
        cache.put(key, all.clone(), included);
        if !growing.is_empty() {
            let with_growing = Arc::make_mut(&mut all);
            let states = parallel::scan_segments(&growing, self.scan, begin, add_segment)?;
            states.iter().try_for_each(|state| with_growing.merge(state, self.cancel))?;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::cache::testing::{Request, batch};
    use crate::cache::{Cache, Writer, WriterOptions};
    use crate::query::engine::LocalEngine;
    use crate::query::engine::predicate::Predicate;
    use crate::query::{Ask, engine::cancel::check_cancelled};

    /// Counts rows. A merge cancels the query of what is merged in, as a user may at that moment.
    #[derive(Clone)]
    struct Count {
        rows: usize,
        query: CancellationToken,
    }

    impl Partial for Count {
        fn merge(&mut self, other: &Count, cancel: &CancellationToken) -> Result<(), QueryError> {
            other.query.cancel();
            check_cancelled(cancel)?;
            self.rows += other.rows;
            Ok(())
        }

        fn memory(&self) -> usize {
            size_of::<Count>()
        }
    }

    #[test]
    fn a_query_cancelled_while_it_merged_lost_the_kept_partial() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let options = WriterOptions { segment_rows: 40, ..WriterOptions::default() };
        let mut writer = Writer::open_with(&path, options).unwrap();
        let source = writer.source("one").unwrap();
        let mut append = |seconds: std::ops::Range<i64>| {
            let requests: Vec<Request> = seconds.clone().map(Request::at).collect();
            writer.append(source, &mut batch(&format!("{seconds:?}"), &requests, 1, true)).unwrap();
            writer.commit().unwrap();
        };
        append(0..45);
        append(45..50);
        let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
        let kept: PartialsCache<(), Count> = PartialsCache::new(1 << 20);
        let ask = Ask::Totals;
        let query = Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::everything(),
            counting: Counting::AsLogged,
            ask,
        };
        // The number of scanned segments, and of counted rows.
        let count = || {
            let cancel = CancellationToken::new();
            let snapshot = engine.cache().snapshot().unwrap();
            let names = KnownNames::default();
            let predicate = Predicate::new(&query, &snapshot, &engine.id_sets, &names, &cancel).unwrap();
            let context = QueryContext::new(&engine, &snapshot, &query, &predicate, names, &cancel).unwrap();
            let scanned = AtomicUsize::new(0);
            let aggregation = Aggregation {
                cache: &kept,
                how: (),
                begin: &|| Count { rows: 0, query: cancel.clone() },
                add_segment: &|count: &mut Count, segment: &SegmentInfo| {
                    scanned.fetch_add(1, Relaxed);
                    count.rows += segment.rows;
                    Ok(())
                },
            };
            let rows = context.aggregate(aggregation, &mut |_, _| Ok(())).ok().map(|count| count.rows);
            (scanned.into_inner(), rows)
        };
        // A full segment and one that grows, whose merge is cancelled.
        assert_eq!(count(), (2, None));
        append(50..90);
        append(90..95);
        // The new full segment. The query is cancelled before the one that grows is scanned.
        assert_eq!(count(), (1, None));
        assert_eq!(count(), (1, None), "only the segment that grows is scanned again");
    }
}
