//! Histograms: rows per group and bucket. One kind of table serves percentiles (buckets of a logarithmic scale),
//! classes of statuses, and the peak rate (minutes).

use hashbrown::HashMap;
use tokio_util::sync::CancellationToken;

use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, Snapshot, TimeBlock};
use crate::log::Field;
use crate::query::engine::cancel::Ticker;
use crate::query::engine::predicate::mask::{Mask, for_each_row};
use crate::query::measure::Aggregate;
use crate::query::{Measure, QueryError};

/// What the buckets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scale {
    /// The class of the status; 4 for 4xx. Only classes 4 and 5 are counted.
    StatusClass,
    /// The size class of a number of this field; see [`size_class`].
    SizeClass(Field),
    /// Minutes since the epoch.
    Minute,
}

impl Scale {
    pub(super) fn field(self) -> Field {
        match self {
            Scale::StatusClass => Field::HttpStatus,
            Scale::SizeClass(field) => field,
            Scale::Minute => Field::Time,
        }
    }

    /// The class of each status, by value id; empty on other scales.
    pub(super) fn status_classes(self, snapshot: &Snapshot<'_>) -> Result<Vec<u8>, CacheError> {
        if self != Scale::StatusClass {
            return Ok(Vec::new());
        }
        let statuses = snapshot.dictionary(Field::HttpStatus)?;
        Ok(std::iter::once(0).chain(statuses.iter().map(status_class)).collect())
    }
}

#[derive(Clone, Debug)]
pub(super) struct Histogram {
    scale: Scale,
    /// Slot in the upper half of the key, bucket in the lower half.
    counts: HashMap<u64, u32>,
}

impl Histogram {
    pub(super) fn new(scale: Scale) -> Histogram {
        Histogram { scale, counts: HashMap::new() }
    }

    pub(super) fn memory(&self) -> usize {
        self.counts.allocation_size()
    }

    /// Adds a histogram of other rows. `slot_of` maps its slots to those of this one.
    pub(super) fn merge(
        &mut self,
        other: &Histogram,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        let mut ticker = Ticker::of_items(cancel);
        for (key, count) in &other.counts {
            ticker.tick()?;
            let slot = slot_of((key >> 32) as usize) as u64;
            *self.counts.entry(slot << 32 | key & 0xffff_ffff).or_default() += count;
        }
        Ok(())
    }

    pub(super) fn add_block(
        &mut self,
        mask: Mask,
        block: usize,
        slots: &[u32; BLOCK],
        column: &IntColumn,
        status_classes: &[u8],
    ) {
        let Histogram { scale, counts } = self;
        let mut count = |row: usize, bucket: u32| {
            *counts.entry(u64::from(slots[row]) << 32 | u64::from(bucket)).or_default() += 1;
        };
        match scale {
            Scale::StatusClass => {
                let mut ids = [0; BLOCK];
                column.ids(block, &mut ids);
                for_each_row(mask, |row| {
                    if let Some(class @ 4..=5) = status_classes.get(ids[row] as usize) {
                        count(row, u32::from(*class));
                    }
                });
            }
            Scale::SizeClass(_) => {
                let mut numbers = NumberBlock::default();
                column.numbers(block, &mut numbers);
                for_each_row(mask, |row| {
                    if let Some(number) = numbers.get(row) {
                        count(row, size_class(number));
                    }
                });
            }
            Scale::Minute => {
                let mut times = TimeBlock::default();
                column.times(block, &mut times);
                for_each_row(mask, |row| count(row, times.get(row).div_euclid(60) as u32));
            }
        }
    }

    /// A measure that is computed from this histogram, by slot; NaN where a slot has no value.
    pub(super) fn values(&self, measure: Measure, slots: usize) -> Vec<f64> {
        match measure.spec().aggregate {
            Aggregate::StatusClass(class) => {
                let mut values = vec![0.0; slots];
                for (key, count) in self.counts.iter().filter(|(key, _)| **key as u32 == u32::from(class)) {
                    values[(key >> 32) as usize] = f64::from(*count);
                }
                values
            }
            Aggregate::PeakRate => {
                let mut values = vec![0.0f64; slots];
                for (key, count) in &self.counts {
                    let value = &mut values[(key >> 32) as usize];
                    *value = value.max(f64::from(*count) / 60.0);
                }
                values
            }
            Aggregate::Percentile(_, percent) => self.percentiles(percent.into(), slots),
            _ => vec![f64::NAN; slots],
        }
    }

    /// The smallest value that at least `percent` % of the rows do not exceed (nearest rank).
    fn percentiles(&self, percent: u64, slots: usize) -> Vec<f64> {
        let mut counts: Vec<(u64, u32)> = self.counts.iter().map(|(key, count)| (*key, *count)).collect();
        counts.sort_unstable();
        let mut values = vec![f64::NAN; slots];
        for of_slot in counts.chunk_by(|one, other| one.0 >> 32 == other.0 >> 32) {
            let rows: u64 = of_slot.iter().map(|(_, count)| u64::from(*count)).sum();
            let rank = (rows * percent).div_ceil(100).max(1);
            let mut passed = 0;
            for (key, count) in of_slot {
                passed += u64::from(*count);
                if passed >= rank {
                    values[(key >> 32) as usize] = class_middle(*key as u32);
                    break;
                }
            }
        }
        values
    }
}

/// 4 for 404; 0 if the status is not a number of three digits.
fn status_class(status: &[u8]) -> u8 {
    match status {
        [class @ b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => class - b'0',
        _ => 0,
    }
}

/// Size classes between a power of two and the next.
const CLASSES_PER_DOUBLING: u64 = 128;

/// The size class of a number: numbers below 256 have a class each, above that a doubling is divided into 128.
fn size_class(number: u64) -> u32 {
    if number < CLASSES_PER_DOUBLING {
        return number as u32;
    }
    let shift = number.ilog2() - CLASSES_PER_DOUBLING.ilog2();
    shift * CLASSES_PER_DOUBLING as u32 + (number >> shift) as u32
}

/// The middle of a size class: it deviates from its numbers by less than 0.4 %.
fn class_middle(class: u32) -> f64 {
    let shift = (u64::from(class) / CLASSES_PER_DOUBLING).saturating_sub(1);
    let first = (u64::from(class) - shift * CLASSES_PER_DOUBLING) << shift;
    first as f64 + ((1u64 << shift) - 1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_exact_and_large_ones_deviate_by_less_than_half_a_percent() {
        for number in 0..256 {
            assert_eq!(class_middle(size_class(number)), number as f64);
        }
        for number in [256, 257, 511, 512, 1000, 59_999, 3_600_000, 1 << 40, u64::MAX >> 1] {
            let middle = class_middle(size_class(number));
            assert!((middle / number as f64 - 1.0).abs() < 0.004, "{number} {middle}");
        }
        assert!((0..100_000).is_sorted_by_key(size_class));
    }

    #[test]
    fn a_percentile_is_the_value_of_the_nearest_rank() {
        let mut histogram = Histogram::new(Scale::SizeClass(Field::TotalTime));
        for number in 1..=100u64 {
            histogram.counts.insert(7 << 32 | number, 1);
        }
        let value = |measure| histogram.values(measure, 9)[7];
        assert_eq!(value(Measure::TotalTimeP50), 50.0);
        assert_eq!(value(Measure::TotalTimeP95), 95.0);
        assert_eq!(value(Measure::TotalTimeP99), 99.0);
        assert!(histogram.values(Measure::TotalTimeP50, 9)[3].is_nan());
    }
}
