//! The numbers of the requests of a segment.
//!
//! A request keeps its number within its source for good, also when others of its segment are removed: what refers
//! to it by number ([runs](crate::cache::sqlite::runs)) need not change then. So a segment covers a range of numbers, and says
//! which of them are gone.

use std::ops::Range;

use roaring::RoaringBitmap;

use crate::cache::column::Damage;

/// The numbers that the rows of a segment have, in ascending order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowNumbers {
    /// The first number of the range that the segment covers.
    pub first: u64,
    /// Offsets in that range that no row has any more.
    gone: RoaringBitmap,
}

impl RowNumbers {
    /// Numbers from `first` on, without a gap.
    pub fn from(first: u64) -> RowNumbers {
        RowNumbers { first, gone: RoaringBitmap::new() }
    }

    /// From the columns `first_row` and `gone` of a segment with `rows` rows that covers `numbers` numbers.
    pub fn open(first: u64, numbers: usize, rows: usize, gone: Option<&[u8]>) -> Result<RowNumbers, Damage> {
        let gone = match gone {
            None => RoaringBitmap::new(),
            Some(bytes) => RoaringBitmap::deserialize_from(bytes)
                .map_err(|_| Damage("its set of removed requests cannot be read"))?,
        };
        let are_within = gone.max().is_none_or(|last| (last as usize) < numbers);
        if rows as u64 + gone.len() != numbers as u64 || !are_within {
            return Err(Damage("its rows and the removed ones are not as many as it has numbers"));
        }
        Ok(RowNumbers { first, gone })
    }

    /// The column `gone`: NULL if no number is gone, else a Roaring bitmap in its portable format.
    pub fn gone_bytes(&self) -> Option<Vec<u8>> {
        if self.gone.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.gone.serialized_size());
        // Writing to a vector does not fail.
        let _ = self.gone.serialize_into(&mut bytes);
        Some(bytes)
    }

    /// How many numbers this many rows cover.
    pub fn span(&self, rows: usize) -> usize {
        rows + self.gone.len() as usize
    }

    /// The numbers that this many rows cover.
    pub fn range(&self, rows: usize) -> Range<u64> {
        self.first..self.first + self.span(rows) as u64
    }

    /// The number of a row.
    pub fn number(&self, row: usize) -> u64 {
        let Some(last_gone) = self.gone.max() else { return self.first + row as u64 };
        let past_all = row as u64 + self.gone.len();
        if past_all > u64::from(last_gone) {
            return self.first + past_all;
        }
        // The smallest offset with `row` rows before it that a row has.
        let (mut low, mut high) = (row as u64, past_all);
        while low < high {
            let middle = (low + high) / 2;
            let rows_up_to = middle + 1 - self.gone.rank(middle as u32);
            if rows_up_to > row as u64 { high = middle } else { low = middle + 1 }
        }
        self.first + low
    }

    /// The row with a number; `None` if it is gone, or before the first.
    pub fn row(&self, number: u64) -> Option<usize> {
        let offset = u32::try_from(number.checked_sub(self.first)?).ok()?;
        (!self.gone.contains(offset)).then(|| (u64::from(offset) - self.gone.rank(offset)) as usize)
    }

    /// Removes rows, given in ascending order.
    pub fn remove(&mut self, rows: &[usize]) {
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
            // Rows that are added get the next numbers.
            expected.extend(first + 40..first + 40 + more as u64);
            for (row, number) in expected.iter().enumerate() {
                prop_assert_eq!(numbers.number(row), *number);
                prop_assert_eq!(numbers.row(*number), Some(row));
            }
            for number in first..first + 40 {
                prop_assert_eq!(numbers.row(number).is_some(), expected.contains(&number));
            }
            prop_assert!(RowNumbers::open(first, 41, rows, stored.as_deref()).is_err());
        }
    }
}
