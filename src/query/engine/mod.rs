//! The local engine: answers queries by scanning the packed columns of the cache.
//!
//! A query selects rows by a [`predicate`] and scans segments on all cores ([`parallel`]). Rows are aggregated per
//! group ([`groups`]) or per bucket of time ([`series`]), or profiled ([`profiles`]), counted in two sets of rows ([`compare`]), or the first requests of an order are found and read
//! ([`requests`]). Aggregates over final segments are kept between queries ([`partials_cache`]), so a repeated query
//! scans only new segments.
//!
//! Never here: the filter language, formats of answers, SQL.

mod cancel;
mod compare;
mod groups;
mod parallel;
mod partials_cache;
pub(crate) mod predicate;
mod profiles;
pub(crate) mod requests;
mod series;
#[cfg(test)]
mod testing;
mod top_k;
mod uri_columns;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use super::cost::Prices;
use super::{Answer, Ask, Dimension, Engine, Query, QueryError, Reply, Requests, Statistics};
use crate::cache::{Cache, SegmentInfo, Snapshot};
use crate::identity::Identity;
use crate::identity::host_names::KnownNames;
use compare::{Counts, HowCompared};
use groups::keys::{DerivedGroups, GroupKeys};
use groups::{ChargeRules, Groups, HowGrouped, HowPaired, PairSums};
use parallel::Scan;
use partials_cache::PartialsCache;
use predicate::{IdSets, Passes, Predicate};
use profiles::{ProfiledClient, Tally};
use requests::deep_offset::DeepOffset;
use requests::value_ranks::ValueRanks;
use series::{ActivityCounts, HowBucketed, HowCounted, SeriesSums};
use uri_columns::UriColumns;

/// Bytes of memory for partial groups: enough for one or two tables of a million keys.
const GROUP_PARTIALS_BUDGET: usize = 48 << 20;
/// Bytes of memory for partial series.
const SERIES_PARTIALS_BUDGET: usize = 8 << 20;
/// Bytes of memory for partial counts per bucket.
const ACTIVITY_PARTIALS_BUDGET: usize = 4 << 20;
/// Bytes of memory for partial pairs.
const PAIR_PARTIALS_BUDGET: usize = 16 << 20;
/// Bytes of memory for partial comparisons: one of all dimensions with a million keys.
const COMPARE_PARTIALS_BUDGET: usize = 16 << 20;
/// Maximum number of attempts to take a snapshot and its generation without a commit in between.
const MAX_PIN_ATTEMPTS: usize = 10;

/// Answers queries from a cache.
pub struct LocalEngine {
    cache: Arc<Cache>,
    id_sets: IdSets,
    derived_groups: Arc<DerivedGroups>,
    pricing: RwLock<Arc<Pricing>>,
    uri_columns: Arc<UriColumns>,
    series_partials: PartialsCache<HowBucketed, SeriesSums>,
    activity_partials: PartialsCache<HowCounted, ActivityCounts>,
    pair_partials: PartialsCache<HowPaired, PairSums>,
    compare_partials: PartialsCache<HowCompared, Counts>,
    profile_partials: PartialsCache<ProfiledClient, Tally>,
    value_ranks: ValueRanks,
    deep_offset: DeepOffset,
    /// The snapshot that answers all queries while it is pinned.
    pinned: Mutex<Option<Arc<PinnedSnapshot>>>,
    /// Maximum number of pairs of a group and a value that a count of distinct values remembers.
    max_distinct_pairs: usize,
    /// Maximum number of pairs of values in memory of a thread.
    max_pairs: usize,
    /// Number of queries that are answered at the moment without preliminary answers.
    running: AtomicUsize,
}

/// Counts a query while it is answered.
struct Running<'a>(&'a AtomicUsize);

impl Running<'_> {
    fn new(running: &AtomicUsize) -> Running<'_> {
        running.fetch_add(1, Relaxed);
        Running(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Prices, and what depends on them. A query has the same ones from its begin to its end.
struct Pricing {
    prices: Arc<Prices>,
    charge_rules: ChargeRules,
    group_partials: PartialsCache<HowGrouped, Groups>,
}

impl Pricing {
    fn new(prices: Prices) -> Arc<Pricing> {
        Arc::new(Pricing {
            prices: Arc::new(prices),
            charge_rules: ChargeRules::default(),
            group_partials: PartialsCache::new(GROUP_PARTIALS_BUDGET),
        })
    }
}

struct PinnedSnapshot {
    snapshot: Snapshot<'static>,
    generation: u64,
}

impl LocalEngine {
    /// An engine over a cache.
    pub fn new(cache: Arc<Cache>) -> LocalEngine {
        let uri_columns = Arc::new(UriColumns::default());
        let derived_groups = Arc::new(DerivedGroups::default());
        LocalEngine {
            cache,
            id_sets: IdSets::new(uri_columns.clone(), derived_groups.clone()),
            derived_groups,
            pricing: RwLock::new(Pricing::new(Prices::default())),
            uri_columns,
            series_partials: PartialsCache::new(SERIES_PARTIALS_BUDGET),
            activity_partials: PartialsCache::new(ACTIVITY_PARTIALS_BUDGET),
            pair_partials: PartialsCache::new(PAIR_PARTIALS_BUDGET),
            compare_partials: PartialsCache::new(COMPARE_PARTIALS_BUDGET),
            profile_partials: PartialsCache::new(profiles::PARTIALS_BUDGET),
            value_ranks: ValueRanks::default(),
            deep_offset: DeepOffset::default(),
            pinned: Mutex::new(None),
            max_distinct_pairs: groups::MAX_DISTINCT_PAIRS,
            max_pairs: groups::MAX_PAIRS,
            running: AtomicUsize::new(0),
        }
    }

    /// Limits the pairs of a group and a value that a count of distinct values remembers. With more pairs the count
    /// of a group is estimated; a table of few rows is still counted exactly.
    #[must_use]
    pub fn with_max_distinct_pairs(self, max_distinct_pairs: usize) -> LocalEngine {
        LocalEngine { max_distinct_pairs, ..self }
    }

    /// Computes [`Measure::Cost`](super::Measure::Cost) with these prices; by default, those of us-east-1.
    #[must_use]
    pub fn with_prices(self, prices: Prices) -> LocalEngine {
        self.use_prices(prices);
        self
    }

    /// Computes the costs of later queries with these prices. What was computed with others is forgotten.
    pub fn use_prices(&self, prices: Prices) {
        *self.pricing.write() = Pricing::new(prices);
    }

    /// The prices that costs are computed with.
    pub fn prices(&self) -> Arc<Prices> {
        Arc::clone(&self.pricing.read().prices)
    }

    /// Groups and filters by [`Dimension::LOOKED_UP`] with what `identity` says about addresses. Without it such queries
    /// fail, as without files.
    #[must_use]
    pub fn with_identity(self, identity: Arc<Identity>) -> LocalEngine {
        let derived_groups = Arc::new(DerivedGroups::new(identity));
        let id_sets = IdSets::new(self.uri_columns.clone(), derived_groups.clone());
        LocalEngine { id_sets, derived_groups, ..self }
    }

    /// Limits the pairs of values that a thread has in memory. With more pairs, a query scans several times.
    #[must_use]
    pub fn with_max_pairs(self, max_pairs: usize) -> LocalEngine {
        LocalEngine { max_pairs, ..self }
    }

    /// The cache that the engine reads.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The engine on the current snapshot of the cache, for several queries: later commits change none of the answers.
    pub fn snapshot(self: &Arc<Self>) -> Result<EngineSnapshot, QueryError> {
        Ok(EngineSnapshot { engine: Arc::clone(self), snapshot: self.cache.lasting_snapshot()? })
    }

    fn pinned(&self) -> Option<Arc<PinnedSnapshot>> {
        self.pinned.lock().clone()
    }

    fn answer(
        &self,
        snapshot: &Snapshot<'_>,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: Option<&mut dyn FnMut(Answer, f64)>,
    ) -> Result<Reply, QueryError> {
        let started = Instant::now();
        let names = self.derived_groups.known_names();
        let mut predicate = Predicate::new(query, snapshot, &self.id_sets, &names, cancel)?;
        if let Ask::GroupsOfEach { .. } = query.ask {
            // What it has scanned is kept when it is cancelled. The rest of a segment takes some milliseconds.
            predicate = predicate.of_whole_segments();
        }
        let mut context = QueryContext::new(self, snapshot, query, &predicate, names, cancel)?;
        // Only those who wait for no preliminary answer share the processors: the others are on a screen.
        let _running = match on_partial {
            Some(_) => None,
            None => {
                context.first_wave = Duration::MAX;
                context.scan.sharing = Some(&self.running);
                Some(Running::new(&self.running))
            }
        };
        let mut ignore = |_, _| {};
        let on_partial = on_partial.unwrap_or(&mut ignore);
        let answer = match &query.ask {
            Ask::Totals => context.answer_totals(on_partial)?,
            Ask::Cost => context.answer_cost(on_partial)?,
            Ask::Groups { by, more, sort, limit } => {
                context.answer_groups(by, more, *sort, *limit, on_partial)?
            }
            Ask::GroupsOfEach { by, sort, limit } => context.answer_groups_of_each(by, *sort, *limit)?,
            Ask::Pairs { by, sort, limit } => context.answer_pairs(by, *sort, *limit, on_partial)?,
            Ask::Compare { by, with, at_least, limit } => {
                context.answer_compare(by, with, *at_least, *limit, on_partial)?
            }
            Ask::Distribution { by, of } => context.answer_distribution(by, *of, on_partial)?,
            Ask::Series { bucket, each } => context.answer_series(*bucket, each.as_ref(), on_partial)?,
            Ask::Activity { bucket, of } => context.answer_activity(*bucket, of, on_partial)?,
            Ask::Profiles { of } => context.answer_profiles(of)?,
            Ask::Requests { sort, offset, limit, fields } => {
                context.answer_requests(*sort, *offset, *limit, fields)?
            }
            Ask::RequestsById(ids) => context.answer_requests_by_id(ids)?,
        };
        let statistics = context.statistics(started);
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
    pub(crate) fn snapshot(&self) -> &Snapshot<'static> {
        &self.snapshot
    }

    pub(crate) fn predicate(&self, query: &Query) -> Result<Predicate, QueryError> {
        let LocalEngine { id_sets, derived_groups, .. } = &*self.engine;
        let names = derived_groups.known_names();
        Predicate::new(query, &self.snapshot, id_sets, &names, &CancellationToken::new())
    }

    /// Answers a query from this snapshot.
    pub fn ask(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.engine.answer(&self.snapshot, query, cancel, None)
    }
}

struct QueryContext<'a> {
    engine: &'a LocalEngine,
    snapshot: &'a Snapshot<'a>,
    query: &'a Query,
    predicate: &'a Predicate,
    cancel: &'a CancellationToken,
    scan: Scan<'a>,
    pricing: Arc<Pricing>,
    /// The names of addresses that were known at its begin.
    names: KnownNames,
    /// After this time of the scan, the first preliminary answer is made.
    first_wave: Duration,
    /// The segments that may have selected rows.
    segments: Vec<SegmentInfo>,
    /// Counts of scanned rows and segments; [`QueryContext::statistics`] adds the rest at the end.
    scanned: Mutex<Statistics>,
}

impl<'a> QueryContext<'a> {
    fn new(
        engine: &'a LocalEngine,
        snapshot: &'a Snapshot<'a>,
        query: &'a Query,
        predicate: &'a Predicate,
        names: KnownNames,
        cancel: &'a CancellationToken,
    ) -> Result<QueryContext<'a>, QueryError> {
        let mut segments = Vec::new();
        for segment in &snapshot.segments {
            if predicate.passes(segment, snapshot)? != Passes::None {
                segments.push(*segment);
            }
        }
        let pricing = Arc::clone(&engine.pricing.read());
        Ok(QueryContext {
            engine,
            snapshot,
            query,
            predicate,
            cancel,
            scan: Scan { cancel, sharing: None },
            pricing,
            names,
            first_wave: parallel::FIRST_WAVE,
            segments,
            scanned: Mutex::default(),
        })
    }

    /// Counts a segment that is read, for the statistics.
    fn count_scanned(&self, segment: &SegmentInfo) {
        let mut scanned = self.scanned.lock();
        scanned.rows_scanned += segment.rows as u64;
        scanned.segments_scanned += 1;
    }

    fn statistics(&self, started: Instant) -> Statistics {
        let mut statistics = Statistics { elapsed: started.elapsed(), ..*self.scanned.lock() };
        for segment in self.snapshot.segments.iter().filter(|segment| self.predicate.has_source_of(segment)) {
            statistics.rows += segment.rows as u64;
            statistics.segments += 1;
        }
        statistics
    }
}

impl Engine for LocalEngine {
    fn ask(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        match self.pinned() {
            Some(pinned) => self.answer(&pinned.snapshot, query, cancel, Some(on_partial)),
            None => self.answer(&self.cache.snapshot()?, query, cancel, Some(on_partial)),
        }
    }

    fn ask_once(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        match self.pinned() {
            Some(pinned) => self.answer(&pinned.snapshot, query, cancel, None),
            None => self.answer(&self.cache.snapshot()?, query, cancel, None),
        }
    }

    fn pages(
        &self,
        query: &Query,
        page_rows: usize,
        cancel: &CancellationToken,
        on_page: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError> {
        let answer =
            |snapshot: &Snapshot<'_>, query: &Query| Ok(self.answer(snapshot, query, cancel, None)?.answer);
        match self.pinned() {
            Some(pinned) => {
                super::ask_in_pages(query, page_rows, on_page, |query| answer(&pinned.snapshot, query))
            }
            None => {
                let snapshot = self.cache.snapshot()?;
                super::ask_in_pages(query, page_rows, on_page, |query| answer(&snapshot, query))
            }
        }
    }

    fn generation(&self) -> u64 {
        self.pinned().map_or_else(|| self.cache.generation(), |pinned| pinned.generation)
    }

    fn pin_snapshot(&self, pin: bool) -> Result<(), QueryError> {
        let mut pinned = None;
        for _ in 0..if pin { MAX_PIN_ATTEMPTS } else { 0 } {
            let before = self.cache.generation();
            let snapshot = self.cache.lasting_snapshot()?;
            let generation = self.cache.generation();
            pinned = Some(Arc::new(PinnedSnapshot { snapshot, generation }));
            // The generation must be that of this snapshot.
            if before == generation {
                break;
            }
        }
        *self.pinned.lock() = pinned;
        Ok(())
    }

    fn complete(&self, by: &Dimension, text: &str, limit: usize) -> Result<Vec<String>, QueryError> {
        let (pinned, current);
        let snapshot = match self.pinned() {
            Some(snapshot) => {
                pinned = snapshot;
                &pinned.snapshot
            }
            None => {
                current = self.cache.snapshot()?;
                &current
            }
        };
        let cancel = CancellationToken::new();
        let (known, names) = (&self.derived_groups, self.derived_groups.known_names());
        let keys = GroupKeys::new(by, snapshot, known, &names, &self.uri_columns, &cancel)?;
        let wanted = text.to_lowercase();
        let (mut with_prefix, mut containing) = (Vec::new(), Vec::new());
        keys.for_each_value(snapshot, &mut |value| {
            let value = String::from_utf8_lossy(value);
            let lower = value.to_lowercase();
            if lower.starts_with(&wanted) {
                with_prefix.push(value.into_owned());
            } else if containing.len() < limit && lower.contains(&wanted) {
                containing.push(value.into_owned());
            }
            with_prefix.len() < limit
        })?;
        with_prefix.append(&mut containing);
        with_prefix.truncate(limit);
        Ok(with_prefix)
    }
}
