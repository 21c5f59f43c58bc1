//! Folds that count rows per group and bucket: classes of statuses, times on a logarithmic scale for
//! percentiles, minutes for the peak rate. One table of counts serves all three.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::cache::{BLOCK, CacheError, Integers, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::{Measure, QueryError};
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;
use crate::query::engine::groups::for_each;
use crate::query::engine::predicate::Mask;

/// Counts merged between two looks at whether the question still stands.
const BETWEEN_LOOKS: usize = 1 << 14;

/// What a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// 4 for 4xx, 5 for 5xx; the others are not counted.
    StatusClass,
    /// A measure in steps of less than 0.8 %; see [`step_of`].
    Steps(Field),
    /// Minutes since the epoch.
    Minutes,
}

/// Rows per slot and bucket.
#[derive(Clone, Debug)]
pub struct Counted {
    scale: Scale,
    /// Slot in the upper half of the key, bucket in the lower.
    counts: HashMap<u64, u32>,
}

/// A column that is counted, with what it takes to find the buckets of its rows.
pub struct CountedColumn {
    numbers: Arc<Integers>,
    /// Class of each status by id; empty for other scales.
    classes: Vec<u8>,
}

impl Counted {
    /// For a measure; `None` if it is not told by counts.
    pub fn of(measure: Measure) -> Option<Counted> {
        let scale = match measure {
            Measure::Errors4xx | Measure::Errors5xx => Scale::StatusClass,
            Measure::TotalTimeP50 | Measure::TotalTimeP95 | Measure::TotalTimeP99 => {
                Scale::Steps(Field::TotalTime)
            }
            Measure::TurnAroundTimeP50 | Measure::TurnAroundTimeP95 | Measure::TurnAroundTimeP99 => {
                Scale::Steps(Field::TurnAroundTime)
            }
            Measure::PeakRate => Scale::Minutes,
            _ => return None,
        };
        Some(Counted { scale, counts: HashMap::new() })
    }

    /// The measure that stands for all that are told by the same counts: they are folded once.
    pub fn shared(measure: Measure) -> Measure {
        match measure {
            Measure::Errors5xx => Measure::Errors4xx,
            Measure::TotalTimeP95 | Measure::TotalTimeP99 => Measure::TotalTimeP50,
            Measure::TurnAroundTimeP95 | Measure::TurnAroundTimeP99 => Measure::TurnAroundTimeP50,
            other => other,
        }
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        self.counts.capacity() * (size_of::<(u64, u32)>() + 1)
    }

    /// Takes in another of other rows, whose slots are renumbered.
    ///
    /// # Errors
    /// If the question is cancelled meanwhile.
    pub fn merge(
        &mut self,
        other: &Counted,
        slot_of: impl Fn(usize) -> usize,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        for (index, (pair, count)) in other.counts.iter().enumerate() {
            if index.is_multiple_of(BETWEEN_LOOKS) {
                cancel::go_on(cancel)?;
            }
            let slot = slot_of((pair >> 32) as usize) as u64;
            *self.counts.entry(slot << 32 | pair & 0xffff_ffff).or_default() += count;
        }
        Ok(())
    }

    /// Reads what it takes to count the rows of a segment.
    pub fn open(&self, segment: &SegmentInfo, snapshot: &Snapshot<'_>) -> Result<CountedColumn, CacheError> {
        let (field, classes) = match self.scale {
            Scale::StatusClass => {
                let statuses = snapshot.dictionary(Field::HttpStatus)?;
                let classes = std::iter::once(0).chain(statuses.iter().map(class_of)).collect();
                (Field::HttpStatus, classes)
            }
            Scale::Steps(field) => (field, Vec::new()),
            Scale::Minutes => (Field::Time, Vec::new()),
        };
        Ok(CountedColumn { numbers: snapshot.integers(segment, field)?, classes })
    }

    /// Counts the rows of a block.
    pub fn add(&mut self, mask: Mask, block: usize, slots: &[u32; BLOCK], column: &CountedColumn) {
        let mut numbers = [0; BLOCK];
        column.numbers.unpack_u64(block, &mut numbers);
        let Counted { scale, counts } = self;
        let mut count = |row: usize, bucket: u32| {
            *counts.entry(u64::from(slots[row]) << 32 | u64::from(bucket)).or_default() += 1;
        };
        match scale {
            Scale::StatusClass => for_each(mask, |row| {
                if let Some(class @ 4..=5) = column.classes.get(numbers[row] as usize) {
                    count(row, u32::from(*class));
                }
            }),
            Scale::Steps(_) => for_each(mask, |row| {
                if let Some(number) = numbers[row].checked_sub(1) {
                    count(row, step_of(number));
                }
            }),
            Scale::Minutes => for_each(mask, |row| {
                count(row, Snapshot::time_of(numbers[row]).div_euclid(60) as u32);
            }),
        }
    }

    /// A measure that these counts tell, of all slots; not a number where there is none.
    pub fn values(&self, measure: Measure, slots: usize) -> Vec<f64> {
        match measure {
            Measure::Errors4xx | Measure::Errors5xx => {
                let class = if measure == Measure::Errors4xx { 4 } else { 5 };
                let mut values = vec![0.0; slots];
                for (pair, count) in self.counts.iter().filter(|(pair, _)| **pair as u32 == class) {
                    values[(pair >> 32) as usize] = f64::from(*count);
                }
                values
            }
            Measure::PeakRate => {
                let mut values = vec![0.0f64; slots];
                for (pair, count) in &self.counts {
                    let value = &mut values[(pair >> 32) as usize];
                    *value = value.max(f64::from(*count) / 60.0);
                }
                values
            }
            _ => self.percentiles(percent(measure), slots),
        }
    }

    /// The smallest value that at least `percent` of a hundred rows do not exceed (nearest rank).
    fn percentiles(&self, percent: u64, slots: usize) -> Vec<f64> {
        let mut counts: Vec<(u64, u32)> = self.counts.iter().map(|(pair, count)| (*pair, *count)).collect();
        counts.sort_unstable();
        let mut values = vec![f64::NAN; slots];
        for of_slot in counts.chunk_by(|one, other| one.0 >> 32 == other.0 >> 32) {
            let all: u64 = of_slot.iter().map(|(_, count)| u64::from(*count)).sum();
            let wanted = (all * percent).div_ceil(100).max(1);
            let mut below = 0;
            for (pair, count) in of_slot {
                below += u64::from(*count);
                if below >= wanted {
                    values[(pair >> 32) as usize] = value_of(*pair as u32);
                    break;
                }
            }
        }
        values
    }
}

fn percent(measure: Measure) -> u64 {
    match measure {
        Measure::TotalTimeP50 | Measure::TurnAroundTimeP50 => 50,
        Measure::TotalTimeP95 | Measure::TurnAroundTimeP95 => 95,
        _ => 99,
    }
}

/// 4 for 404.
fn class_of(status: &[u8]) -> u8 {
    match status {
        [class @ b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => class - b'0',
        _ => 0,
    }
}

/// Steps between a power of two and the next.
const STEPS: u64 = 128;

/// The step of a number: numbers below 256 have one each, beyond that 128 share a doubling.
fn step_of(number: u64) -> u32 {
    if number < STEPS {
        return number as u32;
    }
    let shift = number.ilog2() - STEPS.ilog2();
    shift * STEPS as u32 + (number >> shift) as u32
}

/// The middle of a step: off by less than 0.4 %.
fn value_of(step: u32) -> f64 {
    let shift = (u64::from(step) / STEPS).saturating_sub(1);
    let first = (u64::from(step) - shift * STEPS) << shift;
    first as f64 + ((1u64 << shift) - 1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_exact_and_large_ones_off_by_less_than_half_a_percent() {
        for number in 0..256 {
            assert_eq!(value_of(step_of(number)), number as f64);
        }
        for number in [256, 257, 511, 512, 1000, 59_999, 3_600_000, 1 << 40, u64::MAX >> 1] {
            let told = value_of(step_of(number));
            assert!((told / number as f64 - 1.0).abs() < 0.004, "{number} {told}");
        }
        assert!((0..100_000).is_sorted_by_key(step_of));
    }

    #[test]
    fn a_percentile_is_the_value_of_the_nearest_rank() {
        let mut counted = Counted::of(Measure::TotalTimeP50).unwrap();
        for number in 1..=100u64 {
            counted.counts.insert(7 << 32 | number, 1);
        }
        let told = |measure| counted.values(measure, 9)[7];
        assert_eq!(told(Measure::TotalTimeP50), 50.0);
        assert_eq!(told(Measure::TotalTimeP95), 95.0);
        assert_eq!(told(Measure::TotalTimeP99), 99.0);
        assert!(counted.values(Measure::TotalTimeP50, 9)[3].is_nan());
    }
}
