//! Which ids are in a column: what lets a question about a rare value pass over most segments.
//!
//! Ids are handed out in the order of first sight, so the smallest and the largest of a column tell little
//! about those between. Layout of a `presence`: u32 checksum (CRC-32, little-endian) of what follows, of the number 0
//! and of the number of the column, then the set in the portable format of Roaring bitmaps.

use roaring::RoaringBitmap;

use super::Damage;
use super::checksum;
use super::integers::Integers;

/// Sets of ids that spread further are not noted: no dictionary is as large.
const WIDEST: u64 = 1 << 28;

/// The ids in a column; 0, absent, is one of them. There is at least one.
#[allow(clippy::len_without_is_empty)]
#[derive(Clone, Debug, PartialEq)]
pub struct Presence(RoaringBitmap);

impl Presence {
    /// Of a column of ids whose smallest and largest are known; `None` if there is none between them that
    /// it lacks: then nothing needs to be noted.
    pub fn of(column: &Integers, low: i64, high: i64) -> Option<Presence> {
        let ids = column.to_vec().into_iter().map(|id| id as u32);
        Presence::of_ids(ids, low, high)
    }

    /// The same of ids that are not packed.
    pub fn of_ids(ids: impl Iterator<Item = u32>, low: i64, high: i64) -> Option<Presence> {
        let (low, high) = (u64::try_from(low).ok()?, u64::try_from(high).ok()?);
        let width = high.checked_sub(low).filter(|width| (2..WIDEST).contains(width))? + 1;
        if width <= 64 {
            return Presence::of_few_ids(ids, low, width);
        }
        let mut bits = vec![0u64; width.div_ceil(64) as usize];
        for id in ids {
            let at = u64::from(id).wrapping_sub(low) as usize;
            if let Some(word) = bits.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        let count: u64 = bits.iter().map(|word| u64::from(word.count_ones())).sum();
        if count == width {
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
        let mut set = RoaringBitmap::from_sorted_iter(ids).ok()?;
        set.optimize();
        Some(Presence(set))
    }

    /// The same of ids that are within 64 of each other: those of most dimensions, and nearly always all of them
    /// show at once.
    fn of_few_ids(mut ids: impl Iterator<Item = u32>, low: u64, width: u64) -> Option<Presence> {
        const AT_ONCE: usize = 1024;
        let all = u64::MAX >> (64 - width);
        let mut bits = 0u64;
        loop {
            let mut count = 0;
            bits = ids.by_ref().take(AT_ONCE).fold(bits, |bits, id| {
                count += 1;
                bits | 1u64.wrapping_shl(id.wrapping_sub(low as u32))
            });
            if bits & all == all {
                return None;
            }
            if count < AT_ONCE {
                break;
            }
        }
        let ids = (0..width as u32).filter(|bit| bits & 1 << bit != 0).map(|bit| low as u32 + bit);
        let mut set = RoaringBitmap::from_sorted_iter(ids).ok()?;
        set.optimize();
        Some(Presence(set))
    }

    /// As it is stored with the column of this number.
    pub fn to_bytes(&self, column: i64) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        bytes.reserve_exact(self.0.serialized_size());
        // Nothing is refused by a vector.
        let _ = self.0.serialize_into(&mut bytes);
        let crc = crc(column, &bytes[4..]).to_le_bytes();
        bytes[..4].copy_from_slice(&crc);
        bytes
    }

    /// From what is stored with the column of this number.
    ///
    /// # Errors
    /// If it is not what was written.
    pub fn open(bytes: &[u8], column: i64) -> Result<Presence, Damage> {
        let (stored, set) = bytes.split_first_chunk::<4>().ok_or(Damage("a set of ids is cut off"))?;
        checksum::is_same(i32::from_le_bytes(*stored), crc(column, set))?;
        RoaringBitmap::deserialize_from(set).map(Presence).map_err(|_| Damage("a set of ids cannot be read"))
    }

    /// Whether an id is in the column.
    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.0.contains(id)
    }

    /// How many ids.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        self.0.serialized_size() + size_of::<Presence>()
    }
}

/// Checksum of a set: of its bytes, then of the number of its column.
fn crc(column: i64, set: &[u8]) -> i32 {
    checksum::of_value(0, column, set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::column::integers::Packer;
    use proptest::prelude::*;

    fn of(ids: &[u64]) -> Option<Presence> {
        let (low, high) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
        let mut packer = Packer::default();
        packer.pack(ids, |id| id);
        Presence::of(&Integers::open(packer.bytes).unwrap(), *low as i64, *high as i64)
    }

    #[test]
    fn what_the_bounds_say_already_is_not_noted() {
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
            assert!(Presence::open(&damaged, 64).is_err(), "byte {at}");
            assert!(Presence::open(&bytes[..at], 64).is_err(), "{at} bytes");
        }
    }

    proptest! {
        #[test]
        fn it_has_the_ids_of_the_column_and_no_others(
            ids in prop::collection::vec(prop_oneof![0..40u64, 0..3000u64, 60_000..200_000u64], 1..400),
        ) {
            let set = of(&ids).map(|set| Presence::open(&set.to_bytes(65), 65).unwrap());
            let (low, high) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
            for id in 0..=high + 1 {
                let is_said = set.as_ref().map_or((*low..=*high).contains(&id), |set| set.has(id as u32));
                prop_assert_eq!(is_said, ids.contains(&id) || (set.is_none() && (*low..=*high).contains(&id)));
                if set.is_none() && high - low >= 2 && (*low..=*high).contains(&id) {
                    prop_assert!(ids.contains(&id), "{}", id);
                }
            }
        }
    }
}
