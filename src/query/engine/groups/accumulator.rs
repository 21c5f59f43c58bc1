//! Accumulators: what is aggregated per group beyond the sums, for measures that need it.
//!
//! An [`Accumulation`] names what is accumulated; several measures may share it, as percentiles share a histogram.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::charges::{ChargeColumns, SnapshotRules};
use super::distinct_sketch::DistinctSketch;
use super::histogram::{Histogram, Scale};
use super::sums::Sums;
use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, SegmentInfo, Snapshot, code};
use crate::log::Field;
use crate::query::cost::{Charges, Prices};
use crate::query::engine::predicate::mask::{Mask, for_each_row};
use crate::query::measure::Aggregate;
use crate::query::{Measure, QueryError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Accumulation {
    Mean(Field),
    Max(Field),
    Distinct(Field),
    Histogram(Scale),
    Charges,
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
            Aggregate::Cost => Accumulation::Charges,
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
        charge_rules: Option<&Arc<SnapshotRules>>,
    ) -> Result<AccumulatedColumns, CacheError> {
        let (field, status_classes) = match self {
            Accumulation::Mean(field) | Accumulation::Max(field) | Accumulation::Distinct(field) => {
                (field, Vec::new())
            }
            Accumulation::Histogram(scale) => (scale.field(), scale.status_classes(snapshot)?),
            Accumulation::Charges => {
                let columns = charge_rules.map(|rules| rules.open(segment, snapshot)).transpose()?;
                return Ok(AccumulatedColumns::Charges(columns));
            }
        };
        let column = snapshot.int_column(segment, field)?;
        Ok(AccumulatedColumns::One { column, status_classes })
    }
}

/// The columns of a segment that an accumulator adds up.
pub(super) enum AccumulatedColumns {
    One {
        column: IntColumn,
        /// Class of each status, by value id; empty if the histogram does not count status classes.
        status_classes: Vec<u8>,
    },
    /// `None`: the query does not add up charges.
    Charges(Option<ChargeColumns>),
}

/// What accumulators depend on besides the query.
#[derive(Clone, Debug)]
pub(super) struct AccumulatorSettings {
    /// See [`super::distinct_sketch`].
    pub(super) max_distinct_pairs: usize,
    pub(super) prices: Arc<Prices>,
}

#[derive(Clone, Debug)]
pub(super) enum Accumulator {
    /// Sum and count of the numbers that are present.
    Mean(Vec<(u64, u32)>),
    /// Code of the largest number.
    Max(Vec<u64>),
    Distinct(DistinctSketch),
    Histogram(Histogram),
    Charges(Vec<Charges>, Arc<Prices>),
}

impl Accumulator {
    /// An empty accumulator.
    pub(super) fn new(what: Accumulation, settings: &AccumulatorSettings) -> Accumulator {
        match what {
            Accumulation::Mean(_) => Accumulator::Mean(Vec::new()),
            Accumulation::Max(_) => Accumulator::Max(Vec::new()),
            Accumulation::Distinct(_) => {
                Accumulator::Distinct(DistinctSketch::new(settings.max_distinct_pairs))
            }
            Accumulation::Histogram(scale) => Accumulator::Histogram(Histogram::new(scale)),
            Accumulation::Charges => Accumulator::Charges(Vec::new(), settings.prices.clone()),
        }
    }

    pub(super) fn grow(&mut self, slots: usize) {
        match self {
            Accumulator::Mean(means) => means.resize(slots, (0, 0)),
            Accumulator::Max(largest) => largest.resize(slots, code::ABSENT),
            Accumulator::Charges(charges, _) => charges.resize(slots, Charges::default()),
            Accumulator::Distinct(_) | Accumulator::Histogram(_) => {}
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Accumulator::Mean(means) => means.len() * size_of::<(u64, u32)>(),
            Accumulator::Max(largest) => largest.len() * size_of::<u64>(),
            Accumulator::Distinct(sketch) => sketch.memory(),
            Accumulator::Histogram(histogram) => histogram.memory(),
            Accumulator::Charges(charges, _) => charges.len() * size_of::<Charges>(),
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
            (Self::Charges(ours, _), Self::Charges(theirs, _)) => {
                let present =
                    theirs.iter().enumerate().filter(|(_, charges)| **charges != Charges::default());
                for (slot, charges) in present {
                    ours[slot_of(slot)].merge(charges);
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
        columns: &AccumulatedColumns,
    ) {
        let (column, status_classes) = match (&mut *self, columns) {
            (Accumulator::Charges(charges, _), AccumulatedColumns::Charges(Some(columns))) => {
                return columns.add_block(mask, block, slots, charges);
            }
            (_, AccumulatedColumns::Charges(_)) => return,
            (_, AccumulatedColumns::One { column, status_classes }) => (column, status_classes),
        };
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
            Self::Charges(..) => {}
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
