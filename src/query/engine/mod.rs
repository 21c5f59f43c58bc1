//! The local engine: answers from the cache by scanning its packed columns.
//!
//! A question is a fold over segments ([`parallel`]): a predicate says which rows pass ([`predicate`]), keys
//! say which group they belong to ([`groups::keys`]), sums are kept per group ([`groups`]) or stretch of
//! time ([`series`]); [`rows`] picks the rows wanted, [`relative`] sets them in relation. Request lists ([`requests`]) keep
//! the [`top_k`] rows instead, and read those.
//! What was folded stays ([`partials_cache`]): when ingest adds segments, only those are read.

mod cancel;
mod groups;
mod parallel;
mod partials_cache;
pub(in crate::query) mod predicate;
mod requests;
mod series;
#[cfg(test)]
mod testing;
mod top_k;
mod uri_params;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::cache::{Cache, SegmentInfo, Snapshot};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer, Totals};
use super::{Ask, Dimension, Engine, Query, QueryError, Reply, Statistics};

use groups::keys::{DerivedGroups, GroupKeys};
use groups::{Groups, distinct_sketch, exact_distinct, relative, rows};
use partials_cache::Standing;
use predicate::{IdSets, Passes, Predicate};
use requests::{deep_offset, value_ranks};
use uri_params::Params;

/// Memory that standing folds into groups may take: those of a table or two of a million keys.
const GROUPS_BUDGET: usize = 48 << 20;
/// Memory that standing folds into stretches of time may take.
const SERIES_BUDGET: usize = 16 << 20;

/// Answers from a cache.
pub struct LocalEngine {
    cache: Arc<Cache>,
    sets: IdSets,
    derived: DerivedGroups,
    params: Arc<Params>,
    groups: Standing<Groups>,
    series: Standing<series::Lines>,
    ranks: value_ranks::Ranks,
    far: deep_offset::Far,
    /// The snapshot that questions are answered from while the data is held.
    held: Mutex<Option<Arc<Held>>>,
    /// Pairs of a group and a value that counts of different values remember.
    most_pairs: usize,
}

/// The data of a moment, and its generation.
struct Held {
    snapshot: Snapshot<'static>,
    generation: u64,
}

/// How often a snapshot is taken anew because the data changed meanwhile.
const HOLDS: usize = 10;

/// What is at hand while a question is answered.
struct Asking<'a> {
    engine: &'a LocalEngine,
    snapshot: &'a Snapshot<'a>,
    query: &'a Query,
    predicate: &'a Predicate,
    cancel: &'a CancellationToken,
}

impl LocalEngine {
    /// Over a cache.
    pub fn new(cache: Arc<Cache>) -> LocalEngine {
        let params = Arc::new(Params::default());
        LocalEngine {
            cache,
            sets: IdSets::new(params.clone()),
            params,
            derived: DerivedGroups::default(),
            groups: Standing::new(GROUPS_BUDGET),
            series: Standing::new(SERIES_BUDGET),
            ranks: value_ranks::Ranks::default(),
            far: deep_offset::Far::default(),
            held: Mutex::new(None),
            most_pairs: distinct_sketch::MOST,
        }
    }

    /// The same, remembering fewer pairs of a group and a value where it counts different values: beyond that
    /// it estimates, of all groups at once. A table of few rows is counted exactly all the same.
    #[must_use]
    pub fn remembering_pairs(self, most: usize) -> LocalEngine {
        LocalEngine { most_pairs: most, ..self }
    }

    /// The cache it answers from.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The engine on the current snapshot of the cache: later commits change none of its answers.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn snapshot(self: &Arc<Self>) -> Result<EngineSnapshot, QueryError> {
        Ok(EngineSnapshot { engine: Arc::clone(self), snapshot: self.cache.lasting_snapshot()? })
    }

    fn held(&self) -> Option<Arc<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ask_about(
        &self,
        snapshot: &Snapshot<'_>,
        query: &Query,
        cancel: &CancellationToken,
        partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        let begun = Instant::now();
        let predicate = Predicate::new(query, snapshot, &self.sets, cancel)?;
        let asking = Asking { engine: self, snapshot, query, predicate: &predicate, cancel };
        let mut statistics = Statistics::default();
        let mut wanted = Vec::new();
        for segment in &snapshot.segments {
            let is_asked = predicate.is_asked(segment);
            if is_asked {
                statistics.rows += segment.rows as u64;
                statistics.segments += 1;
            }
            if is_asked && predicate.passes(segment, snapshot)? != Passes::None {
                wanted.push(*segment);
            }
        }
        let answer = match &query.ask {
            Ask::Totals => {
                let groups = asking.groups(None, &[], &wanted, &mut statistics, &mut |groups, share| {
                    partial(Answer::Totals(totals(groups)), share);
                    Ok(())
                })?;
                Answer::Totals(totals(&groups))
            }
            Ask::Groups { by, more, sort, limit } => {
                let mut measures = more.clone();
                measures.push(sort.by);
                let measures = groups::folded(&measures);
                let keys = asking.keys(by)?;
                let wanted_rows = rows::Wanted { more, sort: *sort, limit: *limit };
                let related = |mut answer: answer::Groups, groups: &Groups| {
                    relative::fill(&mut answer.rows, more, groups, &answer.totals);
                    Answer::Groups(answer)
                };
                let groups = asking.groups(
                    Some((by, &keys)),
                    &measures,
                    &wanted,
                    &mut statistics,
                    &mut |groups, share| {
                        let (answer, _) = rows::rows(groups, &keys, snapshot, wanted_rows, cancel)?;
                        partial(related(answer, groups), share);
                        Ok(())
                    },
                )?;
                // An order made by estimates is made of more rows than wanted: their counts will tell.
                let limit = match groups.is_approximate(sort.by) && *limit != 0 {
                    true => limit.saturating_mul(exact_distinct::CANDIDATES),
                    false => *limit,
                };
                let candidates = rows::Wanted { limit, ..wanted_rows };
                let (mut answer, numbers) = rows::rows(&groups, &keys, snapshot, candidates, cancel)?;
                if !answer.approximate.is_empty() && limit != 0 {
                    asking.count_exactly(&mut answer, &numbers, &keys, wanted_rows, &wanted)?;
                }
                related(answer, &groups)
            }
            Ask::Series { bucket, each } => {
                asking.series(*bucket, each.as_ref(), &wanted, &mut statistics, partial)?
            }
            Ask::Requests { sort, offset, limit, fields } => {
                let window = requests::Window { offset: *offset, limit: *limit };
                asking.requests(*sort, window, fields, &wanted, &mut statistics)?
            }
            Ask::RequestsById(ids) => asking.numbered(ids)?,
        };
        statistics.elapsed = begun.elapsed();
        tracing::debug!(
            ms = statistics.elapsed.as_secs_f64() * 1e3,
            rows = statistics.rows,
            scanned = statistics.rows_scanned,
            "query answered"
        );
        Ok(Reply { answer, statistics })
    }
}

/// Answers queries from one snapshot; see [`LocalEngine::snapshot`].
pub struct EngineSnapshot {
    engine: Arc<LocalEngine>,
    snapshot: Snapshot<'static>,
}

impl EngineSnapshot {
    /// The snapshot of the cache.
    pub(in crate::query) fn snapshot(&self) -> &Snapshot<'static> {
        &self.snapshot
    }

    /// What a question asks of requests, made ready.
    pub(in crate::query) fn predicate(&self, query: &Query) -> Result<Predicate, QueryError> {
        Predicate::new(query, &self.snapshot, &self.engine.sets, &CancellationToken::new())
    }

    /// As [`Engine::ask`].
    ///
    /// # Errors
    /// As [`Engine::ask`].
    pub fn ask(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.engine.ask_about(&self.snapshot, query, cancel, &mut |_, _| {})
    }
}

impl Engine for LocalEngine {
    fn ask(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        match self.held() {
            Some(held) => self.ask_about(&held.snapshot, query, cancel, partial),
            None => self.ask_about(&self.cache.snapshot()?, query, cancel, partial),
        }
    }

    fn pages(
        &self,
        query: &Query,
        page: usize,
        cancel: &CancellationToken,
        take: &mut dyn FnMut(answer::Requests) -> bool,
    ) -> Result<(), QueryError> {
        let held = self.held();
        let own = if held.is_none() { Some(self.cache.snapshot()?) } else { None };
        super::ask_in_pages(query, page, take, |query| match (&held, &own) {
            (Some(held), _) => Ok(self.ask_about(&held.snapshot, query, cancel, &mut |_, _| {})?.answer),
            (None, Some(own)) => Ok(self.ask_about(own, query, cancel, &mut |_, _| {})?.answer),
            (None, None) => Err(QueryError::Cancelled),
        })
    }

    fn generation(&self) -> u64 {
        self.held().map_or_else(|| self.cache.generation(), |held| held.generation)
    }

    fn pin_snapshot(&self, pin: bool) -> Result<(), QueryError> {
        let mut held = None;
        for _ in 0..if pin { HOLDS } else { 0 } {
            let before = self.cache.generation();
            let snapshot = self.cache.lasting_snapshot()?;
            let generation = self.cache.generation();
            held = Some(Arc::new(Held { snapshot, generation }));
            // The number must be that of this very snapshot.
            if before == generation {
                break;
            }
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    fn complete(&self, by: &Dimension, text: &str, limit: usize) -> Result<Vec<String>, QueryError> {
        let snapshot = self.cache.snapshot()?;
        let keys = GroupKeys::new(by, &snapshot, &self.derived, &self.params, &CancellationToken::new())?;
        let wanted = text.to_lowercase();
        let (mut beginning, mut containing) = (Vec::new(), Vec::new());
        keys.for_each_value(&snapshot, &mut |value| {
            let value = String::from_utf8_lossy(value);
            let lower = value.to_lowercase();
            if lower.starts_with(&wanted) {
                beginning.push(value.into_owned());
            } else if containing.len() < limit && lower.contains(&wanted) {
                containing.push(value.into_owned());
            }
            beginning.len() < limit
        })?;
        beginning.append(&mut containing);
        beginning.truncate(limit);
        Ok(beginning)
    }
}

fn totals(groups: &Groups) -> Totals {
    let mut stats = answer::Stats::default();
    for (_, sums) in groups.iter() {
        stats = stats.merged(sums.stats());
    }
    Totals { stats }
}

impl Asking<'_> {
    fn keys(&self, by: &Dimension) -> Result<GroupKeys, QueryError> {
        let LocalEngine { derived, params, .. } = self.engine;
        GroupKeys::new(by, self.snapshot, derived, params, self.cancel)
    }

    /// Folds into groups, beginning with what is known of full segments.
    fn groups(
        &self,
        by: Option<(&Dimension, &GroupKeys)>,
        measures: &[super::Measure],
        wanted: &[SegmentInfo],
        statistics: &mut Statistics,
        tell: &mut dyn FnMut(&Groups, f64) -> Result<(), QueryError>,
    ) -> Result<Arc<Groups>, QueryError> {
        let keys = by.map_or(&GroupKeys::One, |(_, keys)| keys);
        let errors = groups::errors(self.snapshot)?;
        let space = keys.space(self.snapshot);
        let rows: f64 = wanted.iter().map(|segment| self.predicate.rows_in_time(segment)).sum();
        let begin = || Groups::new(space, rows as usize, measures, self.engine.most_pairs);
        let name = format!("{} {measures:?}", by.map_or_else(String::new, |(by, _)| format!("{by:?}")));
        self.standing(
            &self.engine.groups,
            name,
            wanted,
            statistics,
            &begin,
            &|groups: &mut Groups, segment| {
                groups.fold(segment, self.snapshot, self.predicate, keys, &errors)
            },
            tell,
        )
    }

    /// Folds segments that are not folded yet, adds what stands from earlier, and lets it stand.
    #[allow(clippy::too_many_arguments)] // each is another side of one fold
    fn standing<S: partials_cache::Fold>(
        &self,
        standing: &Standing<S>,
        name: String,
        wanted: &[SegmentInfo],
        statistics: &mut Statistics,
        begin: &(dyn Fn() -> S + Sync),
        step: &(dyn Fn(&mut S, &SegmentInfo) -> Result<(), QueryError> + Sync),
        tell: &mut dyn FnMut(&S, f64) -> Result<(), QueryError>,
    ) -> Result<Arc<S>, QueryError> {
        let name = partials_cache::name(self.query, &name);
        let (known, included) = standing.take(&name, &self.snapshot.segments).unzip();
        let known: Option<Arc<S>> = known;
        let mut included: Vec<i64> = included.unwrap_or_default();
        let new: Vec<SegmentInfo> =
            wanted.iter().filter(|segment| !included.contains(&segment.id)).copied().collect();
        let (full, tail): (Vec<SegmentInfo>, Vec<SegmentInfo>) =
            new.iter().partition(|segment| segment.is_final);
        let count =
            |segments: &[SegmentInfo]| segments.iter().map(|segment| segment.rows as u64).sum::<u64>();
        statistics.rows_scanned += count(&new);
        statistics.segments_scanned += new.len() as u64;
        let rows = count(wanted).max(1) as f64;
        let known_share = 1.0 - count(&new) as f64 / rows;
        let full_share = count(&full) as f64 / rows;

        // What the threads have folded comes together in the state of the first: a copy of all for every
        // partial answer would take time and memory.
        let gather = |states: &mut [S]| -> Result<(), QueryError> {
            if let Some((first, others)) = states.split_first_mut() {
                for other in others {
                    first.merge(&std::mem::replace(other, begin()), self.cancel)?;
                }
            }
            Ok(())
        };
        let folded = parallel::fold(&full, self.cancel, begin, step, |states, share| {
            gather(states)?;
            let share = known_share + share * full_share;
            match (&known, &*states) {
                (None, [first, ..]) => tell(first, share),
                (None, []) => tell(&begin(), share),
                (Some(known), states) => {
                    let mut all = S::clone(known);
                    states.iter().take(1).try_for_each(|state| all.merge(state, self.cancel))?;
                    tell(&all, share)
                }
            }
        });
        let folded = folded.and_then(|mut states| {
            gather(&mut states)?;
            Ok(states.into_iter().next().unwrap_or_else(begin))
        });
        let folded = match folded {
            Ok(folded) => folded,
            Err(error) => {
                // The question was given up; what stood before it still stands.
                if let Some(known) = known {
                    standing.put(name, known, included);
                }
                return Err(error);
            }
        };
        let mut all = match known {
            Some(known) if full.is_empty() => known,
            Some(known) => {
                let mut all = Arc::unwrap_or_clone(known);
                all.merge(&folded, self.cancel)?;
                Arc::new(all)
            }
            None => Arc::new(folded),
        };
        included.extend(full.iter().map(|segment| segment.id));
        standing.put(name, all.clone(), included);
        if !tail.is_empty() {
            let with_tail = Arc::make_mut(&mut all);
            let tail = parallel::fold(&tail, self.cancel, begin, step, |_, _| Ok(()))?;
            tail.iter().try_for_each(|state| with_tail.merge(state, self.cancel))?;
        }
        Ok(all)
    }
}
