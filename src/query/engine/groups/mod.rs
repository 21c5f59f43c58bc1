//! Answers of one row per group or per pair of groups ([`pairs`]), of totals, and of the sizes of groups. [`of_each`]
//! groups by several dimensions with one scan.
//!
//! The scan fills an aggregate over all groups ([`aggregate`]): [`keys`] maps each row to a group, [`sums`] and
//! [`accumulator`] ([`histogram`], [`distinct_sketch`], [`charges`]) add up the rows of a group. [`rows`] selects the wanted groups,
//! [`exact_distinct`] counts their distinct values if they were estimated, and [`relative`] compares the groups.

mod accumulator;
mod aggregate;
mod charges;
mod distinct_sketch;
mod exact_distinct;
mod histogram;
pub(super) mod keys;
mod of_each;
mod pairs;
mod relative;
mod rows;
pub(super) mod sums;

pub(super) use accumulator::Accumulation;
pub(super) use aggregate::Groups;
pub(super) use charges::ChargeRules;
pub(super) use distinct_sketch::MAX_DISTINCT_PAIRS;
pub(super) use pairs::{HowPaired, MAX_PAIRS, PairSums};

use std::sync::Arc;

use super::partials_cache::Aggregation;
use super::{Pricing, QueryContext};
use crate::query::answer::Cost;
use crate::query::{Answer, Dimension, Distribution, Measure, QueryError, Sort, Stats, Totals, answer};
use accumulator::AccumulatorSettings;
use keys::GroupKeys;
use rows::WantedRows;

/// What a partial aggregate over groups depends on: the dimension, `None` for totals, and the accumulators.
pub(super) type HowGrouped = (Option<Dimension>, Vec<Accumulation>);

impl QueryContext<'_> {
    pub(super) fn answer_totals(
        &self,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let totals = |groups: &Groups| {
            let stats = groups.iter().fold(Stats::default(), |stats, (_, sums)| stats.merged(sums.stats()));
            Answer::Totals(Totals { stats })
        };
        let groups = self.aggregate_groups(None, &GroupKeys::One, Vec::new(), &mut |groups, share| {
            on_partial(totals(groups), share);
            Ok(())
        })?;
        Ok(totals(&groups))
    }

    pub(super) fn answer_cost(&self, on_partial: &mut dyn FnMut(Answer, f64)) -> Result<Answer, QueryError> {
        let cost = |groups: &Groups| {
            let stats = groups.iter().fold(Stats::default(), |stats, (_, sums)| stats.merged(sums.stats()));
            let charges = groups.charges().unwrap_or_default();
            Answer::Cost(Cost::new(stats, charges, &self.pricing.prices))
        };
        let accumulations = vec![Accumulation::Charges];
        let groups = self.aggregate_groups(None, &GroupKeys::One, accumulations, &mut |groups, share| {
            on_partial(cost(groups), share);
            Ok(())
        })?;
        Ok(cost(&groups))
    }

    pub(super) fn answer_groups(
        &self,
        by: &Dimension,
        more: &[Measure],
        sort: Sort<Measure>,
        limit: usize,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let on_groups = &mut |groups, share| on_partial(Answer::Groups(groups), share);
        self.groups(by, more, sort, limit, on_groups).map(Answer::Groups)
    }

    fn groups(
        &self,
        by: &Dimension,
        more: &[Measure],
        sort: Sort<Measure>,
        limit: usize,
        on_partial: &mut dyn FnMut(answer::Groups, f64),
    ) -> Result<answer::Groups, QueryError> {
        let keys = self.group_keys(by)?;
        let accumulations = Accumulation::of_all(more.iter().copied().chain([sort.by]));
        let wanted = WantedRows { by, more, sort, limit };
        let finished = |mut answer: answer::Groups, groups: &Groups| {
            relative::fill(&mut answer.rows, more, sort.by, groups, &answer.totals);
            answer
        };
        let groups = self.aggregate_groups(Some(by), &keys, accumulations, &mut |groups, share| {
            let (answer, _) = rows::select(groups, &keys, self.snapshot, wanted, self.cancel)?;
            on_partial(finished(answer, groups), share);
            Ok(())
        })?;
        // If estimates decide the order, more rows than wanted are selected and then counted exactly.
        let candidates = match groups.is_approximate(sort.by) && limit != 0 {
            true => WantedRows { limit: limit.saturating_mul(exact_distinct::CANDIDATES_PER_ROW), ..wanted },
            false => wanted,
        };
        let (mut answer, numbers) = rows::select(&groups, &keys, self.snapshot, candidates, self.cancel)?;
        if !answer.approximate.is_empty() && limit != 0 {
            self.count_distinct_exactly(&mut answer, &numbers, &keys, wanted)?;
        }
        Ok(finished(answer, &groups))
    }

    pub(super) fn answer_distribution(
        &self,
        by: &Dimension,
        of: Measure,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let size = match of {
            Measure::Requests => |sums: &sums::Sums| u64::from(sums.requests),
            Measure::BytesSent => |sums: &sums::Sums| sums.bytes_sent,
            Measure::Errors => |sums: &sums::Sums| u64::from(sums.errors),
            other => {
                return Err(QueryError::Invalid(format!(
                    "no distribution of {}; use requests, bytes_sent or errors",
                    other.name()
                )));
            }
        };
        let distribution = |groups: &Groups| {
            let mut sizes: Vec<u64> = groups.iter().map(|(_, sums)| size(sums)).collect();
            sizes.sort_unstable_by(|one, other| other.cmp(one));
            Answer::Distribution(Distribution { sizes })
        };
        let keys = self.group_keys(by)?;
        let groups = self.aggregate_groups(Some(by), &keys, Vec::new(), &mut |groups, share| {
            on_partial(distribution(groups), share);
            Ok(())
        })?;
        Ok(distribution(&groups))
    }

    pub(super) fn group_keys(&self, by: &Dimension) -> Result<GroupKeys, QueryError> {
        let engine = self.engine;
        let (known, columns) = (&engine.derived_groups, &engine.uri_columns);
        GroupKeys::new(by, self.snapshot, known, &self.names, columns, self.cancel)
    }

    /// About how many rows are selected.
    fn selected_rows(&self) -> usize {
        let rows: f64 = self.segments.iter().map(|segment| self.predicate.rows_in_time(segment)).sum();
        rows as usize
    }

    fn accumulator_settings(&self) -> AccumulatorSettings {
        AccumulatorSettings {
            max_distinct_pairs: self.engine.max_distinct_pairs,
            prices: self.pricing.prices.clone(),
        }
    }

    fn aggregate_groups(
        &self,
        by: Option<&Dimension>,
        keys: &GroupKeys,
        accumulations: Vec<Accumulation>,
        on_progress: &mut dyn FnMut(&Groups, f64) -> Result<(), QueryError>,
    ) -> Result<Arc<Groups>, QueryError> {
        let errors = sums::error_statuses(self.snapshot)?;
        let space = keys.space(self.snapshot);
        let (rows, settings) = (self.selected_rows(), self.accumulator_settings());
        let charge_rules = match accumulations.contains(&Accumulation::Charges) {
            true => {
                let Pricing { prices, charge_rules, .. } = &*self.pricing;
                Some(charge_rules.of_snapshot(self.snapshot, prices, self.cancel)?)
            }
            false => None,
        };
        let aggregation = Aggregation {
            cache: &self.pricing.group_partials,
            how: (by.cloned(), accumulations.clone()),
            begin: &|| Groups::new(space, rows, &accumulations, &settings),
            add_segment: &|groups: &mut Groups, segment| {
                let of_each = vec![(groups, keys)];
                let (snapshot, predicate) = (self.snapshot, self.predicate);
                Groups::add_segment(of_each, segment, snapshot, predicate, &errors, charge_rules.as_ref())
            },
        };
        self.aggregate(aggregation, on_progress)
    }
}
