//! Accumulators: what is aggregated per group beyond the sums, for measures that need it.
//!
//! An [`Accumulation`] names what is accumulated; several measures may share it, as percentiles share a histogram.

use tokio_util::sync::CancellationToken;

use super::distinct_sketch::DistinctSketch;
use super::histogram::{Histogram, Scale};
use super::sums::Sums;
use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, SegmentInfo, Snapshot, code};
use crate::log::Field;
use crate::query::engine::predicate::mask::{Mask, for_each_row};
use crate::query::measure::Aggregate;
use crate::query::{Measure, QueryError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Accumulation {
    Mean(Field),
    Max(Field),
    Distinct(Field),
    Histogram(Scale),
}

impl Accumulation {
    /// The accumulation that a measure needs; `None` if it is computed from the sums.
    pub(super) fn of(measure: Measure) -> Option<Accumulation> {
        Some(match measure.spec().aggregate {
            Aggregate::Value | Aggregate::Stats | Aggregate::Relative(_) => return None,
            Aggregate::Mean(field) => Accumulation::Mean(field),
            Aggregate::Max(field) => Accumulation::Max(field),
            Aggregate::Distinct(field) => Accumulation::Distinct(field),
            Aggregate::Percentile(field, _) => Accumulation::Histogram(Scale::SizeClass(field)),
            Aggregate::StatusClass(_) => Accumulation::Histogram(Scale::StatusClass),
            Aggregate::PeakRate => Accumulation::Histogram(Scale::Minute),
        })
    }

    pub(super) fn of_all(measures: impl IntoIterator<Item = Measure>) -> Vec<Accumulation> {
        let mut all: Vec<Accumulation> = measures.into_iter().filter_map(Accumulation::of).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(super) fn open(
        self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<AccumulatedColumn, CacheError> {
        let (field, status_classes) = match self {
            Accumulation::Mean(field) | Accumulation::Max(field) | Accumulation::Distinct(field) => {
                (field, Vec::new())
            }
            Accumulation::Histogram(scale) => (scale.field(), scale.status_classes(snapshot)?),
        };
        Ok(AccumulatedColumn { column: snapshot.int_column(segment, field)?, status_classes })
    }
}

pub(super) struct AccumulatedColumn {
    pub(super) column: IntColumn,
    /// Class of each status, by value id; empty if the histogram does not count status classes.
    pub(super) status_classes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum Accumulator {
    /// Sum and count of the numbers that are present.
    Mean(Vec<(u64, u32)>),
    /// Code of the largest number.
    Max(Vec<u64>),
    Distinct(DistinctSketch),
    Histogram(Histogram),
}

impl Accumulator {
    /// An empty accumulator. `max_distinct_pairs`: see [`super::distinct_sketch`].
    pub(super) fn new(what: Accumulation, max_distinct_pairs: usize) -> Accumulator {
        match what {
            Accumulation::Mean(_) => Accumulator::Mean(Vec::new()),
            Accumulation::Max(_) => Accumulator::Max(Vec::new()),
            Accumulation::Distinct(_) => Accumulator::Distinct(DistinctSketch::new(max_distinct_pairs)),
            Accumulation::Histogram(scale) => Accumulator::Histogram(Histogram::new(scale)),
        }
    }

    pub(super) fn grow(&mut self, slots: usize) {
        match self {
            Accumulator::Mean(means) => means.resize(slots, (0, 0)),
            Accumulator::Max(largest) => largest.resize(slots, code::ABSENT),
            Accumulator::Distinct(_) | Accumulator::Histogram(_) => {}
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Accumulator::Mean(means) => means.len() * size_of::<(u64, u32)>(),
            Accumulator::Max(largest) => largest.len() * size_of::<u64>(),
            Accumulator::Distinct(sketch) => sketch.memory(),
            Accumulator::Histogram(histogram) => histogram.memory(),
        }
    }

    /// Adds an accumulator over other rows, of the same kind. `slot_of` maps its slots to those of this one.
    pub(super) fn merge(
        &mut self,
        other: &Accumulator,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        match (self, other) {
            (Self::Mean(ours), Self::Mean(theirs)) => {
                for (slot, (sum, count)) in theirs.iter().enumerate().filter(|(_, (_, count))| *count > 0) {
                    let mean = &mut ours[slot_of(slot)];
                    *mean = (mean.0.saturating_add(*sum), mean.1 + count);
                }
            }
            (Self::Max(ours), Self::Max(theirs)) => {
                let present = theirs.iter().enumerate().filter(|(_, largest)| **largest != code::ABSENT);
                for (slot, largest) in present {
                    let ours = &mut ours[slot_of(slot)];
                    *ours = (*ours).max(*largest);
                }
            }
            (Self::Distinct(ours), Self::Distinct(theirs)) => ours.merge(theirs, slot_of, cancel)?,
            (Self::Histogram(ours), Self::Histogram(theirs)) => ours.merge(theirs, slot_of, cancel)?,
            _ => {}
        }
        Ok(())
    }

    /// Adds the selected rows of a block. The caller leaves out rows with slots that do not exist, from a damaged
    /// column.
    pub(super) fn add_block(
        &mut self,
        mask: Mask,
        block: usize,
        slots: &[u32; BLOCK],
        AccumulatedColumn { column, status_classes }: &AccumulatedColumn,
    ) {
        match self {
            Accumulator::Mean(means) => {
                let mut numbers = NumberBlock::default();
                column.numbers(block, &mut numbers);
                for_each_row(mask, |row| {
                    if let Some(number) = numbers.get(row)
                        && let Some(mean) = means.get_mut(slots[row] as usize)
                    {
                        *mean = (mean.0.saturating_add(number), mean.1 + 1);
                    }
                });
            }
            Accumulator::Max(largest) => {
                let mut codes = [0; BLOCK];
                column.codes(block, &mut codes);
                for_each_row(mask, |row| {
                    if let Some(largest) = largest.get_mut(slots[row] as usize) {
                        *largest = (*largest).max(codes[row]);
                    }
                });
            }
            Accumulator::Distinct(sketch) => {
                let mut ids = [0; BLOCK];
                column.ids(block, &mut ids);
                for_each_row(mask, |row| {
                    if u64::from(ids[row]) != code::ABSENT {
                        sketch.insert(slots[row], ids[row]);
                    }
                });
            }
            Self::Histogram(histogram) => histogram.add_block(mask, block, slots, column, status_classes),
        }
    }
}

/// The values of a measure, by slot.
pub(super) enum MeasureValues<'g> {
    Counts(Vec<u32>),
    Means(&'g [(u64, u32)]),
    /// Codes of numbers.
    Largest(&'g [u64]),
    /// NaN where a slot has no value.
    Numbers(Vec<f64>),
    FromSums(Measure, &'g [Sums]),
}

impl MeasureValues<'_> {
    pub(super) fn get(&self, slot: usize) -> Option<f64> {
        match self {
            MeasureValues::Counts(counts) => Some(f64::from(counts[slot])),
            MeasureValues::Means(means) => {
                let (sum, count) = means[slot];
                (count > 0).then(|| sum as f64 / f64::from(count))
            }
            MeasureValues::Largest(largest) => code::to_number(largest[slot]).map(|largest| largest as f64),
            MeasureValues::Numbers(values) => Some(values[slot]).filter(|value| !value.is_nan()),
            MeasureValues::FromSums(measure, sums) => {
                let sums = &sums[slot];
                match measure {
                    Measure::Requests => Some(f64::from(sums.requests)),
                    Measure::BytesSent => Some(sums.bytes_sent as f64),
                    Measure::Errors => Some(f64::from(sums.errors)),
                    Measure::ErrorRate => Some(f64::from(sums.errors) / f64::from(sums.requests)),
                    Measure::FirstSeen => Some(sums.first as f64),
                    Measure::LastSeen => Some(sums.last as f64),
                    _ => None,
                }
            }
        }
    }

    /// An integer that sorts like the value of a slot, for measures whose [`MeasureValues::get`] may round: a float is
    /// not exact above 2⁵³.
    pub(super) fn exact_order(&self, slot: usize) -> Option<u64> {
        match self {
            MeasureValues::FromSums(Measure::BytesSent, sums) => Some(sums[slot].bytes_sent),
            MeasureValues::Largest(largest) => Some(largest[slot]),
            _ => None,
        }
    }
}
