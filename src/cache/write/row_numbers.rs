//! The row numbers of the requests of a segment.
//!
//! A request keeps its row number when other requests of its segment are removed, so [runs](crate::cache::sqlite::runs),
//! which refer to row numbers, need not change. A segment covers a range of row numbers and stores which
//! of them are gone.

use std::ops::Range;

use roaring::RoaringBitmap;

use crate::cache::column::Damage;

/// The row numbers of a segment, in ascending order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowNumbers {
    /// The first number of the range that the segment covers.
    pub first: u64,
    /// Offsets in that range without a row.
    gone: RoaringBitmap,
}

impl RowNumbers {
    /// Row numbers from `first` on, without a gap.
    pub(crate) fn from(first: u64) -> RowNumbers {
        RowNumbers { first, gone: RoaringBitmap::new() }
    }

    /// Reads the columns `first_row` and `gone` of a segment with `rows` rows that covers `numbers` numbers.
    pub(crate) fn open(
        first: u64,
        numbers: usize,
        rows: usize,
        gone: Option<&[u8]>,
    ) -> Result<RowNumbers, Damage> {
        let gone = match gone {
            None => RoaringBitmap::new(),
            Some(bytes) => RoaringBitmap::deserialize_from(bytes)
                .map_err(|_| Damage("its set of removed requests cannot be read"))?,
        };
        let are_within = gone.max().is_none_or(|last| (last as usize) < numbers);
        if rows as u64 + gone.len() != numbers as u64 || !are_within {
            return Err(Damage("its rows and removed rows do not add up to its row numbers"));
        }
        Ok(RowNumbers { first, gone })
    }

    /// The column `gone`: NULL if no number is gone, else a Roaring bitmap in its portable format.
    pub(crate) fn gone_bytes(&self) -> Option<Vec<u8>> {
        if self.gone.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.gone.serialized_size());
        // Writing to a vector cannot fail.
        let _ = self.gone.serialize_into(&mut bytes);
        Some(bytes)
    }

    /// Whether a number in the range has no row.
    pub(crate) fn has_gaps(&self) -> bool {
        !self.gone.is_empty()
    }

    /// How many numbers `rows` rows cover.
    pub(crate) fn span(&self, rows: usize) -> usize {
        rows + self.gone.len() as usize
    }

    /// The range of numbers that `rows` rows cover.
    pub(crate) fn range(&self, rows: usize) -> Range<u64> {
        self.first..self.first + self.span(rows) as u64
    }

    /// The number of a row.
    pub(crate) fn number(&self, row: usize) -> u64 {
        let Some(last_gone) = self.gone.max() else { return self.first + row as u64 };
        let past_all = row as u64 + self.gone.len();
        if past_all > u64::from(last_gone) {
            return self.first + past_all;
        }
        // Binary search for the smallest offset that has a row, and `row` rows before it.
        let (mut low, mut high) = (row as u64, past_all);
        while low < high {
            let middle = (low + high) / 2;
            let rows_up_to = middle + 1 - self.gone.rank(middle as u32);
            if rows_up_to > row as u64 { high = middle } else { low = middle + 1 }
        }
        self.first + low
    }

    /// The numbers of `rows` rows, in ascending order.
    pub(crate) fn iter(&self, rows: usize) -> impl Iterator<Item = u64> {
        let has_row =
            |number: &u64| self.gone.is_empty() || !self.gone.contains((number - self.first) as u32);
        self.range(rows).filter(has_row)
    }

    /// The row of a number; `None` if it is gone or before the first.
    pub(crate) fn row(&self, number: u64) -> Option<usize> {
        let offset = u32::try_from(number.checked_sub(self.first)?).ok()?;
        (!self.gone.contains(offset)).then(|| (u64::from(offset) - self.gone.rank(offset)) as usize)
    }

    /// Removes rows, given in ascending order.
    pub(crate) fn remove(&mut self, rows: &[usize]) {
        let offsets: Vec<u32> = rows.iter().map(|row| (self.number(*row) - self.first) as u32).collect();
        self.gone.extend(offsets);
        self.gone.optimize();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_keep_their_numbers_when_others_are_removed(
            first in 0..1000u64,
            removals in proptest::collection::vec(proptest::collection::btree_set(0..40usize, 0..10), 0..4),
            more in 0..10usize,
        ) {
            let mut numbers = RowNumbers::from(first);
            let mut expected: Vec<u64> = (first..first + 40).collect();
            for removed in removals {
                let rows: Vec<usize> = removed.into_iter().filter(|row| *row < expected.len()).collect();
                numbers.remove(&rows);
                let mut row = 0;
                expected.retain(|_| { row += 1; !rows.contains(&(row - 1)) });
            }
            let stored = numbers.gone_bytes();
            let rows = expected.len();
            prop_assert_eq!(numbers.span(rows), 40);
            prop_assert_eq!(&RowNumbers::open(first, 40, rows, stored.as_deref()).unwrap(), &numbers);
            // Added rows get the next numbers.
            expected.extend(first + 40..first + 40 + more as u64);
            for (row, number) in expected.iter().enumerate() {
                prop_assert_eq!(numbers.number(row), *number);
                prop_assert_eq!(numbers.row(*number), Some(row));
            }
            prop_assert_eq!(numbers.iter(expected.len()).collect::<Vec<_>>(), expected.clone());
            for number in first..first + 40 {
                prop_assert_eq!(numbers.row(number).is_some(), expected.contains(&number));
            }
            prop_assert!(RowNumbers::open(first, 41, rows, stored.as_deref()).is_err());
        }
    }
}
