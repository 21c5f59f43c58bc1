//! Answers over time: sums per bucket, of all requests or of each of some groups; numbers of requests per bucket
//! ([`activity`]).

mod activity;
mod buckets;
mod per_bucket;

use super::QueryContext;
use super::groups::keys::GroupKeys;
use super::groups::sums::{Sums, error_statuses};
use super::partials_cache::Aggregation;
use super::predicate::mask::for_each_row;
use crate::cache::{BLOCK, NumberBlock, SegmentInfo, TimeBlock};
use crate::log::Field;
use crate::query::{Answer, Dimension, QueryError, Series, Value, origin};
use buckets::{Buckets, bucket_number};
use per_bucket::PerBucket;

pub(super) use activity::{Counts as ActivityCounts, HowCounted};

/// Maximum number of buckets of an answer, over all series: more cannot be drawn, and would fill the memory.
const MAX_BUCKETS: i128 = 4_000_000;

/// What a partial series depends on: the width of a bucket, and the groups that have a series each.
pub(super) type HowBucketed = (u32, Option<(Dimension, Vec<Value>)>);

/// Sums per series and bucket.
pub(super) type SeriesSums = PerBucket<Sums>;

impl SeriesSums {
    /// The answer, without empty buckets at both ends. `repeats`: series that are copies of another series.
    fn answer(&self, width: u32, repeats: &[(usize, usize)]) -> Answer {
        let (first, lines) = self.lines(repeats, Sums::stats);
        Answer::Series(Series { bucket: width, start: start_of(first, width), lines })
    }
}

/// The start of the bucket with a number; 0 if there is none.
fn start_of(bucket: Option<i64>, width: u32) -> i64 {
    bucket.map_or(0, |bucket| bucket.saturating_mul(i64::from(width)).saturating_add(origin(width)))
}

struct SeriesGroups {
    keys: GroupKeys,
    /// Series of each group number; [`u32::MAX`]: none.
    series: Vec<u32>,
    count: usize,
    /// Series that are copies of another series, because the query has their group twice.
    repeats: Vec<(usize, usize)>,
}

impl QueryContext<'_> {
    pub(super) fn answer_series(
        &self,
        width: u32,
        each: Option<&(Dimension, Vec<Value>)>,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        self.check_buckets(width, each.map_or(1, |(_, values)| values.len().max(1)))?;
        let groups = each.map(|(by, values)| self.series_groups(by, values)).transpose()?;
        let repeats = groups.as_ref().map_or(&[][..], |groups| &groups.repeats);
        let count = groups.as_ref().map_or(1, |groups| groups.count);
        let errors = error_statuses(self.snapshot)?;
        let aggregation = Aggregation {
            cache: &self.engine.series_partials,
            how: (width, each.cloned()),
            begin: &|| SeriesSums::new(count),
            add_segment: &|sums: &mut SeriesSums, segment| {
                self.add_to_series(sums, segment, width, groups.as_ref(), &errors)
            },
        };
        let sums = self.aggregate(aggregation, &mut |sums: &SeriesSums, share| {
            on_partial(sums.answer(width, repeats), share);
            Ok(())
        })?;
        Ok(sums.answer(width, repeats))
    }

    fn check_buckets(&self, width: u32, series: usize) -> Result<(), QueryError> {
        if width == 0 {
            return Err(QueryError::Invalid("a bucket of 0 seconds; use 1 s or more".to_owned()));
        }
        // An empty or reversed time range passes this check: the scan selects no rows.
        let (from, to) = self.predicate.times();
        let first =
            self.segments.iter().map(|segment| bucket_number(width, segment.time_min.max(from))).min();
        let last = self.segments.iter().map(|segment| bucket_number(width, segment.time_max.min(to))).max();
        if let (Some(first), Some(last)) = (first, last)
            && let buckets = i128::from(last) - i128::from(first) + 1
            && buckets.saturating_mul(series as i128) > MAX_BUCKETS
        {
            let times = if series == 1 { String::new() } else { format!("{series} times ") };
            return Err(QueryError::Invalid(format!(
                "{times}{buckets} buckets of {width} s are too many; use wider buckets or a shorter time range"
            )));
        }
        Ok(())
    }

    fn series_groups(&self, by: &Dimension, values: &[Value]) -> Result<SeriesGroups, QueryError> {
        let keys = self.group_keys(by)?;
        let groups = keys.groups_of(values, self.snapshot, self.cancel)?;
        keys.expect_many(self.snapshot, self.cancel)?;
        let group_numbers = groups.iter().flatten().max().map_or(0, |max| *max as usize + 1);
        let mut series = vec![u32::MAX; group_numbers];
        let mut repeats = Vec::new();
        for (index, group) in groups.into_iter().enumerate() {
            match group.and_then(|group| series.get_mut(group as usize)) {
                Some(entry) if *entry == u32::MAX => *entry = index as u32,
                Some(entry) => repeats.push((index, *entry as usize)),
                None => {}
            }
        }
        Ok(SeriesGroups { keys, series, count: values.len(), repeats })
    }

    fn add_to_series(
        &self,
        sums: &mut SeriesSums,
        segment: &SegmentInfo,
        width: u32,
        groups: Option<&SeriesGroups>,
        errors: &[bool],
    ) -> Result<(), QueryError> {
        let snapshot = self.snapshot;
        let Some(selected) = self.predicate.selected(segment, snapshot)? else { return Ok(()) };
        let times = snapshot.int_column(segment, Field::Time)?;
        let bytes_sent = snapshot.int_column(segment, Field::BytesSent)?;
        let statuses = snapshot.int_column(segment, Field::HttpStatus)?;
        let keys = match groups {
            Some(groups) => Some((groups.keys.open(segment, snapshot)?, groups.series.as_slice())),
            None => None,
        };
        let (from, to) = self.predicate.times();
        let (earliest, latest) = (segment.time_min.max(from), segment.time_max.min(to));
        if earliest > latest {
            return Ok(());
        }
        let buckets = Buckets::new(width, earliest, latest);
        sums.cover(bucket_number(width, earliest), bucket_number(width, latest));
        let before = (buckets.first() - sums.first) as usize;
        let (mut time, mut sent) = (TimeBlock::default(), NumberBlock::default());
        let (mut status, mut series) = ([0u32; BLOCK], [0u32; BLOCK]);
        for selected in selected {
            let (block, mask) = selected?;
            if let Some((keys, series_of)) = &keys {
                keys.block(block, &mut series);
                for group in &mut series {
                    *group = series_of.get(*group as usize).copied().unwrap_or(u32::MAX);
                }
                if series.iter().all(|series| *series == u32::MAX) {
                    continue;
                }
            }
            times.times(block, &mut time);
            bytes_sent.numbers(block, &mut sent);
            statuses.ids(block, &mut status);
            for_each_row(mask, |row| {
                let time = time.get(row);
                let bucket = before.wrapping_add(buckets.of(time));
                let is_error = errors.get(status[row] as usize).copied().unwrap_or(false);
                let of_series = sums.series.get_mut(series[row] as usize);
                if let Some(sums) = of_series.and_then(|sums| sums.get_mut(bucket)) {
                    sums.add(time, sent.or_zero(row), u32::from(is_error));
                }
            });
        }
        Ok(())
    }
}
