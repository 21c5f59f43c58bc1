//! Integer columns as readers see them: times, value ids and optional numbers, unpacked block by block.
//! Only this file and the writer depend on the fact that a measure is stored as its number plus one.

use std::sync::Arc;

use crate::cache::column::Damage;
use crate::cache::column::integers::{BLOCK, Integers, Packer};

/// Order-preserving codes: how times and optional numbers compare as unsigned integers.
///
/// The codes of a column compare as its values do; an absent number is smaller than all numbers. Ranges and sort
/// orders work on codes, so that nothing has to be decoded.
pub mod code {
    /// The code of an absent number, and the value id of an absent value: smaller than all others.
    pub const ABSENT: u64 = 0;

    /// The code of a time in seconds since the epoch.
    #[inline]
    pub const fn of_time(time: i64) -> u64 {
        (time as u64) ^ (1 << 63)
    }

    /// The time with this code.
    #[inline]
    pub const fn to_time(code: u64) -> i64 {
        (code ^ (1 << 63)) as i64
    }

    /// The code of a number.
    #[inline]
    pub const fn of_number(number: u64) -> u64 {
        number.saturating_add(1)
    }

    /// The number with this code; `None` if it is absent.
    #[inline]
    pub const fn to_number(code: u64) -> Option<u64> {
        code.checked_sub(1)
    }
}

/// The times of a block of rows.
pub struct TimeBlock([u64; BLOCK]);

impl TimeBlock {
    /// The time of a row of the block, in seconds since the epoch.
    #[inline]
    pub fn get(&self, row: usize) -> i64 {
        code::to_time(self.0[row])
    }
}

impl Default for TimeBlock {
    fn default() -> TimeBlock {
        TimeBlock([0; BLOCK])
    }
}

/// The optional numbers of a block of rows.
pub struct NumberBlock([u64; BLOCK]);

impl NumberBlock {
    /// The number of a row of the block.
    #[inline]
    pub fn get(&self, row: usize) -> Option<u64> {
        code::to_number(self.0[row])
    }

    /// The number of a row of the block, 0 if it is absent.
    #[inline]
    pub fn or_zero(&self, row: usize) -> u64 {
        self.0[row].saturating_sub(1)
    }
}

impl Default for NumberBlock {
    fn default() -> NumberBlock {
        NumberBlock([0; BLOCK])
    }
}

/// The times, the value ids of a dimension or the numbers of a measure of all rows of a segment. Cheap to clone.
///
/// A column is read a block of [`BLOCK`] rows at a time, into a buffer of the caller: [`IntColumn::times`],
/// [`IntColumn::ids`] and [`IntColumn::numbers`] decode the three kinds of values, [`IntColumn::codes`] is for all three.
/// Buffers have meaningless values for rows after the last row of the segment.
///
/// ```no_run
/// # use tamarin::cache::{BLOCK, Cache, CacheError, NumberBlock, TimeBlock};
/// # use tamarin::log::Field;
/// # fn main() -> Result<(), CacheError> {
/// let cache = Cache::open("cache.db".as_ref())?;
/// let snapshot = cache.snapshot()?;
/// for segment in &snapshot.segments {
///     let times = snapshot.int_column(segment, Field::Time)?;
///     let bytes = snapshot.int_column(segment, Field::BytesSent)?;
///     let (mut time, mut sent) = (TimeBlock::default(), NumberBlock::default());
///     for block in 0..segment.rows.div_ceil(BLOCK) {
///         times.times(block, &mut time);
///         bytes.numbers(block, &mut sent);
///         for row in 0..BLOCK.min(segment.rows - block * BLOCK) {
///             println!("{} {:?}", time.get(row), sent.get(row));
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IntColumn(pub(super) Arc<Integers>);

impl IntColumn {
    /// Packs a column of value ids that is not in the cache file.
    /// Fails if there are more ids than a segment may have.
    pub fn of_ids(ids: &[u32]) -> Result<IntColumn, Damage> {
        let mut packer = Packer::default();
        packer.pack(ids, u64::from);
        Integers::open(packer.bytes).map(|packed| IntColumn(Arc::new(packed)))
    }

    /// Bytes of memory that the column takes.
    pub fn memory(&self) -> usize {
        self.0.memory()
    }

    /// The times of a block, in a column of times.
    #[inline]
    pub fn times(&self, block: usize, out: &mut TimeBlock) {
        self.0.unpack_u64(block, &mut out.0);
    }

    /// The numbers of a block, in the column of a measure.
    #[inline]
    pub fn numbers(&self, block: usize, out: &mut NumberBlock) {
        self.0.unpack_u64(block, &mut out.0);
    }

    /// The value ids of a block, in the column of a dimension; [`code::ABSENT`] where a value is absent.
    #[inline]
    pub fn ids(&self, block: usize, out: &mut [u32; BLOCK]) {
        self.0.unpack_u32(block, out);
    }

    /// The codes of a block, in any column: see [`code`]. The code of a dimension's value is its value id.
    #[inline]
    pub fn codes(&self, block: usize, out: &mut [u64; BLOCK]) {
        self.0.unpack_u64(block, out);
    }

    /// The smallest code of a block, and a bound that no code of the block exceeds. Unpacks nothing.
    #[inline]
    pub fn code_range(&self, block: usize) -> (u64, u64) {
        self.0.block_range(block)
    }

    /// A bound that no value id of the column exceeds.
    pub fn max_id(&self) -> u32 {
        self.0.upper_bound().min(u32::MAX.into()) as u32
    }

    /// The time of a row, in a column of times.
    pub fn time(&self, row: usize) -> i64 {
        code::to_time(self.0.get(row))
    }

    /// The number of a row, in the column of a measure.
    pub fn number(&self, row: usize) -> Option<u64> {
        code::to_number(self.0.get(row))
    }

    /// The value id of a row, in the column of a dimension; [`code::ABSENT`] if its value is absent.
    pub fn id(&self, row: usize) -> u32 {
        self.0.get(row) as u32
    }

    /// The code of a row.
    pub fn code(&self, row: usize) -> u64 {
        self.0.get(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_compare_as_values_do() {
        let times = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(times.map(code::of_time).is_sorted());
        assert_eq!(times.map(code::of_time).map(code::to_time), times);
        assert_eq!(code::to_number(code::ABSENT), None);
        assert_eq!(
            [0, 1, 1 << 63].map(code::of_number).map(code::to_number),
            [Some(0), Some(1), Some(1 << 63)]
        );
    }

    #[test]
    fn an_absent_number_is_none_or_zero() {
        let column = IntColumn::of_ids(&[0, 1, 6]).unwrap();
        let mut block = NumberBlock::default();
        column.numbers(0, &mut block);
        assert_eq!([0, 1, 2].map(|row| block.get(row)), [None, Some(0), Some(5)]);
        assert_eq!([0, 1, 2].map(|row| block.or_zero(row)), [0, 0, 5]);
        assert_eq!([0, 1, 2].map(|row| column.number(row)), [None, Some(0), Some(5)]);
    }
}
