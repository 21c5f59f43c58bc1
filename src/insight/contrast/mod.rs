//! Contrast: what tells two sets of requests apart, over all dimensions. docs/contrast.md describes the method.
//!
//! The engine counts every value in both sets ([`Ask::Compare`]). [`significance`] tests the difference, [`select`]
//! keeps the values that differ, without those that follow from others, and [`dimensions`] knows which dimensions say
//! something; [`times`] compares the times of the sets. Then the requests with each of the best values are compared again, to find pairs of values.

mod dimensions;
mod select;
mod significance;
mod times;

use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::query::{
    Answer, Ask, ComparedDimension, Comparison, Dimension, Engine, Filter, Query, QueryError, Statistics,
    Stats, TimeRange, Value,
};
use dimensions::Fixed;
use select::{MIN_COUNT, Sizes};

/// Values of a dimension that are tested: those whose shares differ most.
const VALUES_PER_DIMENSION: usize = 100;
/// Number of the best values whose requests are compared again.
const VALUES_FOR_PAIRS: usize = 3;
/// A pair must have more evidence than the better one of its values alone, by this factor.
const PAIR_GAIN: f64 = 1.1;
/// The part of the work that the comparison of all dimensions takes, for the progress.
const SHARE_OF_SINGLE_VALUES: f64 = 0.5;

/// A value of a dimension.
pub type DimensionValue = (Dimension, Value);

/// What a set of requests is compared with. The requests are of the same sources, and are counted in the same way.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// All other requests of this time range that pass this filter.
    RestOf(TimeRange, Filter),
    /// The requests of this time range that pass this filter. Requests may be in both sets.
    Selected(TimeRange, Filter),
}

impl Default for Against {
    /// All other requests.
    fn default() -> Against {
        Against::RestOf(TimeRange::default(), Filter::everything())
    }
}

impl Against {
    /// The time range and the filter of the other set.
    fn selection(&self, a: &Scope) -> (TimeRange, Filter) {
        match self {
            Against::Selected(time, filter) => (*time, filter.clone()),
            Against::RestOf(time, filter) => {
                let ours = Filter::within(a.time).and(a.filter.clone());
                (*time, filter.clone().and(ours.negated()))
            }
        }
    }
}

/// What tells two sets of requests apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contrast {
    /// All requests of the first set.
    pub a: Stats,
    /// All requests of the other set.
    pub b: Stats,
    /// The values whose shares differ, most evident first.
    pub rows: Vec<ContrastRow>,
    /// Dimensions that say nothing about the difference.
    pub left_out: Vec<LeftOut>,
    /// Number of values that were tested.
    pub tested: u64,
    /// Whether both sets have the same requests.
    pub is_same_set: bool,
    /// What the queries read.
    pub statistics: Statistics,
}

/// A value, or a pair of values, that is more or less frequent in the first set.
#[derive(Clone, Debug, PartialEq)]
pub struct ContrastRow {
    /// One value, or two of different dimensions that the requests have both.
    pub values: Vec<DimensionValue>,
    /// Number of requests with these values in the first set.
    pub count_a: u64,
    /// Number of requests with these values in the other set.
    pub count_b: u64,
    /// Share of the requests of the first set, 0–1.
    pub share_a: f64,
    /// Share of the requests of the other set, 0–1.
    pub share_b: f64,
    /// `share_a` / `share_b`; infinite if the other set does not have the values.
    pub lift: f64,
    /// The evidence: the statistic of the G test. It orders the rows.
    pub score: f64,
    /// The probability of this evidence if the shares were equal, times the number of tested values.
    pub p_value: f64,
    /// Selects the requests with these values, of both sets.
    pub filter: Filter,
}

impl ContrastRow {
    /// Whether the values are more frequent in the first set.
    pub fn is_more(&self) -> bool {
        self.share_a > self.share_b
    }
}

/// A dimension that says nothing about the difference.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// The dimension.
    pub dimension: Dimension,
    /// Why.
    pub reason: Reason,
}

/// Why a dimension says nothing about the difference between two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// All requests have the same value.
    SingleValue,
    /// The filters of the sets decide it.
    Filter,
    /// Nearly every value occurs once.
    Ids,
}

/// Compares the requests of `a` with others. Calls `on_partial` with what is known so far and the share of the work
/// done, 0–1.
pub fn contrast(
    engine: &dyn Engine,
    a: &Scope,
    against: &Against,
    cancel: &CancellationToken,
    on_partial: &mut dyn FnMut(&Contrast, f64),
) -> Result<Contrast, QueryError> {
    let other = against.selection(a);
    let mut run = Run { engine, a, b: other.clone(), cancel, statistics: Statistics::default() };
    let totals = [run.totals(a.time, &a.filter)?, run.totals(other.0, &other.1)?];
    let mut contrast =
        Contrast { a: totals[0], b: totals[1], statistics: run.statistics, ..Contrast::default() };
    if totals.iter().any(|totals| totals.requests == 0) {
        return Ok(contrast);
    }
    // Sets of different sizes differ, and the rest has none of the requests.
    if totals[0] == totals[1] && matches!(against, Against::Selected(..)) {
        let others = Filter::within(other.0).and(other.1.clone()).negated();
        contrast.is_same_set = run.totals(a.time, &a.filter.clone().and(others))?.requests == 0;
        contrast.statistics = run.statistics;
        if contrast.is_same_set {
            return Ok(contrast);
        }
    }
    let [one, two] = totals;
    let seen = (one.first_seen.min(two.first_seen), one.last_seen.max(two.last_seen).saturating_add(1));
    let fixed = Fixed::new(a, against, &other.1, seen);

    let by = dimensions::all();
    let comparison = run.compare(by, Filter::everything(), &mut |comparison, share| {
        let mut partial = contrast.clone();
        fill(&mut partial, comparison, &fixed);
        on_partial(&partial, share * SHARE_OF_SINGLE_VALUES);
    })?;
    let tested = fill(&mut contrast, &comparison, &fixed);
    contrast.statistics = run.statistics;
    on_partial(&contrast, SHARE_OF_SINGLE_VALUES);

    let seeds = seeds(&contrast.rows, comparison.requests);
    let mut pairs: Vec<ContrastRow> = Vec::new();
    for (done, seed) in seeds.iter().enumerate() {
        let best = best_pair(&mut run, seed, &comparison, &tested, &contrast)?;
        // A value with more evidence, and as many requests of the first set, makes a pair superfluous.
        let says_more =
            |row: &ContrastRow, pair: &ContrastRow| row.score >= pair.score && row.count_a >= pair.count_a;
        let is_new = |pair: &ContrastRow| {
            !contrast.rows.iter().any(|row| says_more(row, pair))
                && !pairs.iter().any(|known| is_same_pair(known, pair))
        };
        pairs.extend(best.filter(is_new));
        let share = (done + 1) as f64 / seeds.len() as f64;
        contrast.statistics = run.statistics;
        on_partial(&contrast, SHARE_OF_SINGLE_VALUES + (1.0 - SHARE_OF_SINGLE_VALUES) * share);
    }
    contrast.rows.extend(pairs);
    contrast.rows.sort_by(|one, other| other.score.total_cmp(&one.score));
    Ok(contrast)
}

/// The queries of one contrast.
struct Run<'r> {
    engine: &'r dyn Engine,
    a: &'r Scope,
    b: (TimeRange, Filter),
    cancel: &'r CancellationToken,
    statistics: Statistics,
}

impl Run<'_> {
    fn ask(
        &mut self,
        time: TimeRange,
        filter: Filter,
        ask: Ask,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let query = Query { sources: self.a.sources.clone(), time, filter, counting: self.a.counting, ask };
        let reply = self.engine.ask(&query, self.cancel, on_partial)?;
        let (all, new) = (&mut self.statistics, reply.statistics);
        all.rows = all.rows.max(new.rows);
        all.segments = all.segments.max(new.segments);
        all.rows_scanned += new.rows_scanned;
        all.segments_scanned += new.segments_scanned;
        all.elapsed += new.elapsed;
        Ok(reply.answer)
    }

    fn totals(&mut self, time: TimeRange, filter: &Filter) -> Result<Stats, QueryError> {
        match self.ask(time, filter.clone(), Ask::Totals, &mut |_, _| {})? {
            Answer::Totals(totals) => Ok(totals.stats),
            _ => Ok(Stats::default()),
        }
    }

    /// Counts the values of dimensions in the requests of both sets that also pass `filter`.
    fn compare(
        &mut self,
        by: Vec<Dimension>,
        filter: Filter,
        on_partial: &mut dyn FnMut(&Comparison, f64),
    ) -> Result<Comparison, QueryError> {
        let with = (self.b.0, self.b.1.clone().and(filter.clone()));
        let ask = Ask::Compare { by, with, at_least: MIN_COUNT, limit: VALUES_PER_DIMENSION };
        let (time, filter) = (self.a.time, self.a.filter.clone().and(filter));
        let answer = self.ask(time, filter, ask, &mut |answer, share| {
            if let Answer::Comparison(comparison) = &answer {
                on_partial(comparison, share);
            }
        })?;
        match answer {
            Answer::Comparison(comparison) => Ok(comparison),
            _ => Ok(Comparison::default()),
        }
    }
}

/// Fills in the rows of single values. Returns the dimensions that were tested.
fn fill(contrast: &mut Contrast, comparison: &Comparison, fixed: &Fixed) -> Vec<Dimension> {
    let mut tested: Vec<&ComparedDimension> = Vec::new();
    for compared in &comparison.dimensions {
        match dimensions::left_out(compared, comparison.requests, fixed) {
            Some(left_out) => contrast.left_out.push(left_out),
            None => tested.push(compared),
        }
    }
    contrast.tested = tested.iter().map(|compared| compared.all_value_count).sum();
    let sizes = Sizes { requests: comparison.requests, tested: contrast.tested };
    let rows = tested.iter().flat_map(|compared| select::of_dimension(compared, sizes)).collect();
    contrast.rows = select::without_repetitions(rows);
    tested.into_iter().map(|compared| compared.by.clone()).collect()
}

/// The best values of different fields that are more frequent in the first set and may be part of a pair that is listed.
fn seeds(rows: &[ContrastRow], requests: [u64; 2]) -> Vec<ContrastRow> {
    let mut seeds: Vec<ContrastRow> = Vec::new();
    for row in rows.iter().filter(|row| row.is_more() && may_have_pair(row, rows, requests)) {
        let base = |row: &ContrastRow| row.values.first().map(|(by, _)| by.base());
        if seeds.len() < VALUES_FOR_PAIRS && !seeds.iter().any(|seed| base(seed) == base(row)) {
            seeds.push(row.clone());
        }
    }
    seeds
}

/// Whether a pair with the value of `seed` may be listed: the best possible one has all requests of the value in the first
/// set, and none in the other.
fn may_have_pair(seed: &ContrastRow, rows: &[ContrastRow], [size_a, size_b]: [u64; 2]) -> bool {
    let most = significance::evidence([seed.count_a, size_a], [0, size_b]);
    most > seed.score * PAIR_GAIN && !rows.iter().any(|row| row.score >= most && row.count_a >= seed.count_a)
}

/// The pair of the value of `seed` and another one with the most evidence, if it explains more than each value alone.
fn best_pair(
    run: &mut Run<'_>,
    seed: &ContrastRow,
    comparison: &Comparison,
    tested: &[Dimension],
    contrast: &Contrast,
) -> Result<Option<ContrastRow>, QueryError> {
    let Some((seed_by, seed_value)) = seed.values.first() else { return Ok(None) };
    let by: Vec<Dimension> = tested.iter().filter(|by| by.base() != seed_by.base()).cloned().collect();
    let narrowed = run.compare(by, seed.filter.clone(), &mut |_, _| {})?;
    let pairs: u64 = narrowed.dimensions.iter().map(|compared| compared.all_value_count).sum();
    let sizes = Sizes { requests: comparison.requests, tested: contrast.tested + pairs };
    let mut best: Option<ContrastRow> = None;
    for compared in &narrowed.dimensions {
        let singles = comparison.dimensions.iter().find(|single| single.by == compared.by);
        for row in &compared.rows {
            let values =
                vec![(seed_by.clone(), seed_value.clone()), (compared.by.clone(), row.value.clone())];
            let Some(pair) = sizes.row(values, row.requests).filter(ContrastRow::is_more) else { continue };
            let single = singles.and_then(|by| by.rows.iter().find(|single| single.value == row.value));
            let alone = single.and_then(|single| sizes.row(Vec::new(), single.requests));
            let alone = alone.filter(ContrastRow::is_more).map_or(0.0, |alone| alone.score);
            let explains_more = pair.score > seed.score.max(alone) * PAIR_GAIN;
            if explains_more && best.as_ref().is_none_or(|best| pair.score > best.score) {
                best = Some(pair);
            }
        }
    }
    Ok(best)
}

fn is_same_pair(one: &ContrastRow, other: &ContrastRow) -> bool {
    one.values.iter().all(|value| other.values.contains(value))
}
