//! The set of value ids that occur in a column. With it, a query for a rare value skips most segments.
//!
//! Value ids are assigned in the order in which values first occur, so the smallest and largest id of a column do
//! not show which ids between them occur. Layout in the column `presence`: u32 CRC-32 (little-endian) of the set, the number
//! 0 and the id of the column; then the set in the portable format of Roaring bitmaps.

use roaring::RoaringBitmap;

use super::{Damage, checksum};

/// Sets whose ids span more numbers than this are not stored. No dictionary is that large.
const MAX_SPREAD: u64 = 1 << 28;

/// Ids of a column between two tests whether all ids of a small spread have occurred.
const IDS_PER_TEST: usize = 1024;

/// The value ids that occur in a column, 0 (absent) included. A set is never empty.
#[allow(clippy::len_without_is_empty)]
#[derive(Clone, Debug, PartialEq)]
pub struct ValueSet(RoaringBitmap);

impl ValueSet {
    /// The set of the ids of a column, the smallest of which is `low` and the largest `high`. `None` if no set
    /// is to be stored: all ids between `low` and `high` occur, or they span more than [`MAX_SPREAD`] numbers.
    pub(in crate::cache) fn of_ids(ids: impl Iterator<Item = u32>, low: i64, high: i64) -> Option<ValueSet> {
        let (low, high) = (u64::try_from(low).ok()?, u64::try_from(high).ok()?);
        let spread = high.checked_sub(low).filter(|spread| (2..MAX_SPREAD).contains(spread))? + 1;
        if spread <= 64 {
            return ValueSet::of_small_spread(ids, low, spread);
        }
        let mut bits = vec![0u64; spread.div_ceil(64) as usize];
        for id in ids {
            let at = u64::from(id).wrapping_sub(low) as usize;
            if let Some(word) = bits.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        let count: u64 = bits.iter().map(|word| u64::from(word.count_ones())).sum();
        if count == spread {
            return None;
        }
        let ids = bits.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some((low + index as u64 * 64) as u32 + bit)
            })
        });
        ValueSet::of_sorted(ids)
    }

    /// The set of ids that span at most 64 numbers, as in most dimensions. Nearly always all of the numbers occur in the
    /// first rows.
    fn of_small_spread(mut ids: impl Iterator<Item = u32>, low: u64, spread: u64) -> Option<ValueSet> {
        let all = u64::MAX >> (64 - spread);
        let mut bits = 0u64;
        loop {
            let mut count = 0;
            bits = ids.by_ref().take(IDS_PER_TEST).fold(bits, |bits, id| {
                count += 1;
                bits | 1u64.wrapping_shl(id.wrapping_sub(low as u32))
            });
            if bits & all == all {
                return None;
            }
            if count < IDS_PER_TEST {
                break;
            }
        }
        ValueSet::of_sorted((0..spread as u32).filter(|bit| bits & 1 << bit != 0).map(|bit| low as u32 + bit))
    }

    fn of_sorted(ids: impl Iterator<Item = u32>) -> Option<ValueSet> {
        let mut set = RoaringBitmap::from_sorted_iter(ids).ok()?;
        set.optimize();
        Some(ValueSet(set))
    }

    /// The stored form of the set of the column with the id `column`.
    pub(in crate::cache) fn to_bytes(&self, column: i64) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        bytes.reserve_exact(self.0.serialized_size());
        // Writing to a vector cannot fail.
        let _ = self.0.serialize_into(&mut bytes);
        let crc = crc(column, &bytes[4..]).to_le_bytes();
        bytes[..4].copy_from_slice(&crc);
        bytes
    }

    /// Reads the stored form of the set of the column with the id `column`.
    pub(in crate::cache) fn open(bytes: &[u8], column: i64) -> Result<ValueSet, Damage> {
        let (stored, set) = bytes.split_first_chunk::<4>().ok_or(Damage("a value set is cut off"))?;
        checksum::verify(i32::from_le_bytes(*stored), crc(column, set))?;
        RoaringBitmap::deserialize_from(set)
            .map(ValueSet)
            .map_err(|_| Damage("a value set cannot be decoded"))
    }

    /// Whether a value id occurs in the column.
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        self.0.contains(id)
    }

    /// Number of value ids.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Bytes of memory that the set takes, about.
    pub fn memory(&self) -> usize {
        self.0.serialized_size() + size_of::<ValueSet>()
    }
}

/// The checksum of a stored set: of its bytes, the number 0 and the id of its column.
fn crc(column: i64, set: &[u8]) -> i32 {
    checksum::of_value(0, column, set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(ids: &[u64]) -> Option<ValueSet> {
        let (low, high) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
        ValueSet::of_ids(ids.iter().map(|id| *id as u32), *low as i64, *high as i64)
    }

    #[test]
    fn no_set_is_stored_if_all_ids_between_the_bounds_occur() {
        assert_eq!(of(&[7; 1000]), None);
        assert_eq!(of(&(5..900).rev().collect::<Vec<u64>>()), None);
        assert!(of(&[1, 3]).is_some());
    }

    #[test]
    fn a_damaged_set_is_refused() {
        let bytes = of(&[1, 3, 70_000, 9]).unwrap().to_bytes(64);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert!(ValueSet::open(&damaged, 64).is_err(), "byte {at}");
            assert!(ValueSet::open(&bytes[..at], 64).is_err(), "{at} bytes");
        }
    }

    proptest! {
        #[test]
        fn a_set_has_the_ids_of_the_column_and_no_others(
            ids in prop::collection::vec(prop_oneof![0..40u64, 0..3000u64, 60_000..62_000u64], 1..400),
        ) {
            let set = of(&ids).map(|set| ValueSet::open(&set.to_bytes(65), 65).unwrap());
            let (low, high) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
            for id in 0..=high + 1 {
                let is_in_set = set.as_ref().map_or((*low..=*high).contains(&id), |set| set.contains(id as u32));
                prop_assert_eq!(is_in_set, ids.contains(&id) || (set.is_none() && (*low..=*high).contains(&id)));
                if set.is_none() && high - low >= 2 && (*low..=*high).contains(&id) {
                    prop_assert!(ids.contains(&id), "{}", id);
                }
            }
        }
    }
}
