//! Groups of several dimensions from one scan. A cancelled scan keeps what it has read: the explorer interrupts it for
//! each query of the screen, and then it goes on.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::accumulator::Accumulation;
use super::keys::GroupKeys;
use super::{Groups, HowGrouped, sums};
use crate::cache::{SegmentId, SegmentInfo};
use crate::query::engine::partials_cache::{Partial, PartialKey};
use crate::query::engine::{QueryContext, parallel};
use crate::query::{Answer, Dimension, Measure, QueryError, Sort};

/// Adds a segment to the groups of some dimensions.
type AddSegment<'a> =
    &'a (dyn Fn(Vec<(&mut Groups, &GroupKeys)>, &SegmentInfo) -> Result<(), QueryError> + Sync);

/// A dimension whose kept groups do not include all final segments.
struct Incomplete {
    key: PartialKey<HowGrouped>,
    keys: GroupKeys,
    kept: Option<Arc<Groups>>,
    /// The segments that the kept groups include.
    included: Vec<SegmentId>,
}

/// What a thread has scanned.
struct Scanned {
    /// The groups of each incomplete dimension.
    of_each: Vec<Groups>,
    segments: Vec<SegmentId>,
}

impl QueryContext<'_> {
    /// Answers for several dimensions with one scan: the partials of all of them are kept, then each is asked for.
    pub(in crate::query::engine) fn answer_groups_of_each(
        &self,
        by: &[Dimension],
        sort: Sort<Measure>,
        limit: usize,
    ) -> Result<Answer, QueryError> {
        if Accumulation::of(sort.by).is_some() {
            return Err(QueryError::Invalid(format!(
                "groups of several dimensions are not sorted by {}; use requests, bytes_sent or errors",
                sort.by.name()
            )));
        }
        let errors = sums::error_statuses(self.snapshot)?;
        self.keep_groups_of_each(by, &|of_each, segment| {
            Groups::add_segment(of_each, segment, self.snapshot, self.predicate, &errors, None)
        })?;
        let answers = by.iter().map(|by| self.groups(by, &[], sort, limit, &mut |_, _| {}));
        Ok(Answer::GroupsOfEach(answers.collect::<Result<_, _>>()?))
    }

    /// Scans the final segments that the kept groups of a dimension do not include, and adds them. If the scan is
    /// cancelled, the groups of the segments that it has read are kept.
    fn keep_groups_of_each(&self, by: &[Dimension], add_segment: AddSegment<'_>) -> Result<(), QueryError> {
        let cache = &self.pricing.group_partials;
        let finals = || self.segments.iter().filter(|segment| segment.is_final);
        let mut incomplete: Vec<Incomplete> = Vec::new();
        for by in by {
            let key = PartialKey::new(self.query, self.snapshot, &self.names, (Some(by.clone()), Vec::new()));
            let (kept, included) = cache.get(&key, &self.snapshot.segments).unzip();
            let included: Vec<SegmentId> = included.unwrap_or_default();
            if !finals().all(|segment| included.contains(&segment.id)) {
                incomplete.push(Incomplete { key, keys: self.group_keys(by)?, kept, included });
            }
        }
        let is_missing =
            |segment: &SegmentInfo| incomplete.iter().any(|one| !one.included.contains(&segment.id));
        let missing: Vec<SegmentInfo> = finals().filter(|segment| is_missing(segment)).copied().collect();
        missing.iter().for_each(|segment| self.count_scanned(segment));

        let (rows, settings) = (self.selected_rows(), self.accumulator_settings());
        let empty = |of: &Incomplete| Groups::new(of.keys.space(self.snapshot), rows, &[], &settings);
        let begin = || Scanned { of_each: incomplete.iter().map(empty).collect(), segments: Vec::new() };
        let mut states = parallel::begin_states(&missing, begin);
        let result = parallel::add_segments(&mut states, &missing, self.scan, |scanned, segment| {
            let of_each = (scanned.of_each.iter_mut().zip(&incomplete))
                .filter(|(_, one)| !one.included.contains(&segment.id))
                .map(|(groups, one)| (groups, &one.keys))
                .collect();
            let added = add_segment(of_each, segment);
            match added {
                Ok(()) => scanned.segments.push(segment.id),
                // They may have some rows of the segment.
                Err(_) => *scanned = begin(),
            }
            added
        });

        // Not cancelled halfway, which would lose what was scanned. It takes less time than the scan did.
        let to_the_end = CancellationToken::new();
        let mut states = states.into_iter();
        let mut scanned = states.next().unwrap_or_else(begin);
        for other in states {
            for (ours, theirs) in scanned.of_each.iter_mut().zip(&other.of_each) {
                ours.merge(theirs, &to_the_end)?;
            }
            scanned.segments.extend(other.segments);
        }
        for (one, mut groups) in incomplete.into_iter().zip(scanned.of_each) {
            let Incomplete { key, kept, mut included, .. } = one;
            if let Some(kept) = kept {
                groups.merge(&kept, &to_the_end)?;
            }
            let added: Vec<SegmentId> =
                scanned.segments.iter().filter(|id| !included.contains(id)).copied().collect();
            included.extend(added);
            // The query that interrupted this one may have kept groups of all segments.
            let known = cache.get(&key, &self.snapshot.segments);
            if known.is_none_or(|(_, known)| known.len() < included.len()) {
                cache.put(key, Arc::new(groups), included);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::cache::testing::{Request, batch};
    use crate::cache::{Cache, Writer, WriterOptions};
    use crate::log::Field;
    use crate::query::engine::LocalEngine;
    use crate::query::engine::parallel::Scan;
    use crate::query::engine::predicate::Predicate;
    use crate::query::{Ask, Counting, Engine, Filter, Query, TimeRange};

    /// An engine over a cache of three full segments and one that grows.
    fn engine(path: &std::path::Path) -> LocalEngine {
        let options = WriterOptions { segment_rows: 40, ..WriterOptions::default() };
        let mut writer = Writer::open_with(path, options).unwrap();
        let source = writer.source("one").unwrap();
        for segment in 0..4 {
            let requests: Vec<Request> = (segment * 45..segment * 45 + 45).map(Request::at).collect();
            writer.append(source, &mut batch(&segment.to_string(), &requests, 1, true)).unwrap();
            writer.commit().unwrap();
        }
        LocalEngine::new(Arc::new(Cache::open(path).unwrap()))
    }

    fn query() -> Query {
        let by = vec![Dimension::Field(Field::RemoteIp), Dimension::Field(Field::Key), Dimension::Weekday];
        let sort = Sort { by: Measure::Requests, descending: true };
        Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::everything(),
            counting: Counting::AsLogged,
            ask: Ask::GroupsOfEach { by, sort, limit: 0 },
        }
    }

    /// Scans with one thread, and calls `after` with the number of the segment when its rows are added.
    fn scan(
        engine: &LocalEngine,
        cancel: &CancellationToken,
        after: &(dyn Fn(usize) -> Result<(), QueryError> + Sync),
    ) -> (usize, Result<(), QueryError>) {
        let query = query();
        let Ask::GroupsOfEach { by, .. } = &query.ask else { panic!("another query") };
        let snapshot = engine.cache().snapshot().unwrap();
        let names = Default::default();
        let predicate = Predicate::new(&query, &snapshot, &engine.id_sets, &names, cancel).unwrap();
        let mut context = QueryContext::new(engine, &snapshot, &query, &predicate, names, cancel).unwrap();
        let queries = AtomicUsize::new(usize::MAX);
        context.scan = Scan { cancel, sharing: Some(&queries) };
        let errors = sums::error_statuses(&snapshot).unwrap();
        let scanned = AtomicUsize::new(0);
        let result = context.keep_groups_of_each(by, &|of_each, segment| {
            Groups::add_segment(of_each, segment, &snapshot, &predicate, &errors, None)?;
            after(scanned.fetch_add(1, Relaxed))
        });
        (scanned.into_inner(), result)
    }

    fn answer(engine: &LocalEngine) -> Answer {
        engine.ask_once(&query(), &CancellationToken::new()).unwrap().answer
    }

    #[test]
    fn groups_of_several_dimensions_that_were_interrupted_began_again_with_the_first_segment() {
        let folder = tempfile::tempdir().unwrap();
        let engine_of = |name: &str| engine(&folder.path().join(name));
        let engine = engine_of("interrupted.db");
        let cancel = CancellationToken::new();
        let (scanned, result) = scan(&engine, &cancel, &|_| {
            cancel.cancel();
            Ok(())
        });
        assert!(matches!(result, Err(QueryError::Cancelled)));
        assert_eq!(scanned, 1);
        let (scanned, result) = scan(&engine, &CancellationToken::new(), &|_| Ok(()));
        assert!(result.is_ok());
        assert_eq!(scanned, 2, "the first segment is kept");
        assert_eq!(answer(&engine), answer(&engine_of("whole.db")));
    }

    #[test]
    fn a_segment_that_was_not_read_to_its_end_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let engine_of = |name: &str| engine(&folder.path().join(name));
        let engine = engine_of("interrupted.db");
        let (scanned, result) = scan(&engine, &CancellationToken::new(), &|segment| {
            if segment == 1 { Err(QueryError::Cancelled) } else { Ok(()) }
        });
        assert!(matches!(result, Err(QueryError::Cancelled)));
        assert_eq!(scanned, 2);
        assert_eq!(answer(&engine), answer(&engine_of("whole.db")));
    }
}
