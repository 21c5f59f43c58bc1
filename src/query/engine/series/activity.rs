//! How often some values occur per bucket of time: a series that only counts. It reads no column but times and values,
//! and of most blocks not even the times, because a block of rows is usually within one bucket.

use tokio_util::sync::CancellationToken;

use super::buckets::{Buckets, bucket_number};
use super::{PerBucket, SeriesGroups, start_of};
use crate::cache::{BLOCK, IntColumn, SegmentInfo, TimeBlock, code};
use crate::log::Field;
use crate::query::engine::QueryContext;
use crate::query::engine::cancel::check_cancelled;
use crate::query::engine::partials_cache::{Aggregation, Partial};
use crate::query::engine::predicate::mask::{for_each_row, mask_of};
use crate::query::{Activity, Answer, Dimension, QueryError, Value};

/// What partial counts depend on: the width of a bucket, and the values of each dimension.
pub(in crate::query::engine) type HowCounted = (u32, Vec<(Dimension, Vec<Value>)>);

/// The counts of the values of each dimension.
#[derive(Clone, Debug)]
pub(in crate::query::engine) struct Counts(Vec<PerBucket<u32>>);

impl Partial for Counts {
    fn merge(&mut self, other: &Counts, cancel: &CancellationToken) -> Result<(), QueryError> {
        self.0.iter_mut().zip(&other.0).try_for_each(|(ours, theirs)| ours.merge(theirs, cancel))
    }

    fn memory(&self) -> usize {
        self.0.iter().map(PerBucket::memory).sum()
    }
}

impl QueryContext<'_> {
    pub(in crate::query::engine) fn answer_activity(
        &self,
        width: u32,
        of: &[(Dimension, Vec<Value>)],
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        let lines: usize = of.iter().map(|(_, values)| values.len()).sum();
        self.check_buckets(width, lines.max(1))?;
        let groups: Vec<SeriesGroups> =
            of.iter().map(|(by, values)| self.series_groups(by, values)).collect::<Result<_, _>>()?;
        let answer = |counts: &Counts| {
            let activity = |(counts, groups): (&PerBucket<u32>, &SeriesGroups)| {
                let (first, lines) = counts.lines(&groups.repeats, |count| u64::from(*count));
                Activity { bucket: width, start: start_of(first, width), lines }
            };
            Answer::Activity(counts.0.iter().zip(&groups).map(activity).collect())
        };
        let aggregation = Aggregation {
            cache: &self.engine.activity_partials,
            how: (width, of.to_vec()),
            begin: &|| Counts(groups.iter().map(|groups| PerBucket::new(groups.count)).collect()),
            add_segment: &|counts: &mut Counts, segment| {
                self.add_to_activity(&mut counts.0, segment, width, &groups)
            },
        };
        let counts = self.aggregate(aggregation, &mut |counts: &Counts, share| {
            on_partial(answer(counts), share);
            Ok(())
        })?;
        Ok(answer(&counts))
    }

    fn add_to_activity(
        &self,
        counts: &mut [PerBucket<u32>],
        segment: &SegmentInfo,
        width: u32,
        groups: &[SeriesGroups],
    ) -> Result<(), QueryError> {
        let snapshot = self.snapshot;
        let Some(selected) = self.predicate.selected(segment, snapshot)? else { return Ok(()) };
        let (from, to) = self.predicate.times();
        let (earliest, latest) = (segment.time_min.max(from), segment.time_max.min(to));
        if earliest > latest {
            return Ok(());
        }
        check_cancelled(self.cancel)?;
        let keys = groups.iter().map(|groups| groups.keys.open(segment, snapshot));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut times = BucketsOfRows {
            buckets: Buckets::new(width, earliest, latest),
            column: snapshot.int_column(segment, Field::Time)?,
            within: (earliest, latest),
            times: TimeBlock::default(),
            of_rows: [0; BLOCK],
        };
        for counts in &mut *counts {
            counts.cover(bucket_number(width, earliest), bucket_number(width, latest));
        }
        let mut series = [0u32; BLOCK];
        for selected in selected {
            let (block, mask) = selected?;
            let mut is_read = false;
            for ((keys, groups), counts) in keys.iter().zip(groups).zip(&mut *counts) {
                keys.block(block, &mut series);
                for group in &mut series {
                    *group = groups.series.get(*group as usize).copied().unwrap_or(u32::MAX);
                }
                let wanted = mask & mask_of(|row| series[row] != u32::MAX);
                if wanted == 0 {
                    continue;
                }
                if !is_read {
                    times.read(block);
                    is_read = true;
                }
                let before = (times.buckets.first() - counts.first) as usize;
                for_each_row(wanted, |row| {
                    let of_series = counts.series.get_mut(series[row] as usize);
                    let bucket = before.wrapping_add(times.of_rows[row]);
                    if let Some(count) = of_series.and_then(|counts| counts.get_mut(bucket)) {
                        *count += 1;
                    }
                });
            }
        }
        Ok(())
    }
}

/// The buckets of the rows of a block.
struct BucketsOfRows {
    buckets: Buckets,
    column: IntColumn,
    /// The earliest and the latest time of a selected row.
    within: (i64, i64),
    times: TimeBlock,
    of_rows: [usize; BLOCK],
}

impl BucketsOfRows {
    fn read(&mut self, block: usize) {
        let (low, high) = self.column.code_range(block);
        let low = self.buckets.of(code::to_time(low).max(self.within.0));
        let high = self.buckets.of(code::to_time(high).min(self.within.1));
        if low == high {
            self.of_rows.fill(low);
            return;
        }
        self.column.times(block, &mut self.times);
        for (row, bucket) in self.of_rows.iter_mut().enumerate() {
            *bucket = self.buckets.of(self.times.get(row));
        }
    }
}
