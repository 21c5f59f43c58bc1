//! A direct-mapped cache in front of a dictionary. Most fields have few distinct values in millions of lines,
//! and comparing a value with a cached one takes a third of the time of hashing it and looking it up.

use super::bytes_equal;

/// Longer values are not cached.
const MAX_VALUE_BYTES: usize = 1024;

/// A cached value: its bytes in the buffer, and its code. Code 0: the slot is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    weak_hash: u64,
    start: u32,
    length: u32,
    code: u32,
}

/// Maps values to codes. A value replaces another one that has the same slot.
#[derive(Debug)]
pub(in crate::cache) struct ValueMemo {
    /// Their number is a power of two.
    slots: Box<[Slot]>,
    bytes: Vec<u8>,
    /// Limit of `bytes`. When it is reached, the cache is emptied.
    max_bytes: usize,
}

impl ValueMemo {
    /// A cache with `slots` slots, a power of two.
    pub(in crate::cache) fn new(slots: usize) -> ValueMemo {
        ValueMemo {
            slots: vec![Slot::default(); slots.next_power_of_two()].into(),
            bytes: Vec::new(),
            max_bytes: slots * 128,
        }
    }

    /// The code of a value, 0 if it is not cached. `weak_hash` is [`weak_hash`](super::weak_hash::weak_hash) of it.
    #[inline]
    pub(in crate::cache) fn get(&self, value: &[u8], weak_hash: u64) -> u32 {
        let slot = &self.slots[self.slot_of(weak_hash)];
        let is_match = slot.weak_hash == weak_hash
            && self
                .bytes
                .get(slot.start as usize..)
                .and_then(|bytes| bytes.get(..slot.length as usize))
                .is_some_and(|known| bytes_equal(known, value));
        if is_match { slot.code } else { 0 }
    }

    /// Caches the code of a value.
    pub(in crate::cache) fn insert(&mut self, value: &[u8], weak_hash: u64, code: u32) {
        if value.len() > MAX_VALUE_BYTES {
            return;
        }
        if self.bytes.len() + value.len() > self.max_bytes {
            self.bytes.clear();
            self.slots.fill(Slot::default());
        }
        let slot = self.slot_of(weak_hash);
        let (start, length) = (self.bytes.len() as u32, value.len() as u32);
        self.slots[slot] = Slot { weak_hash, start, length, code };
        self.bytes.extend_from_slice(value);
    }

    fn slot_of(&self, weak_hash: u64) -> usize {
        // The highest bits of the product depend on all bytes.
        (weak_hash >> 40) as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::dictionary::weak_hash::weak_hash;

    #[test]
    fn a_value_is_found_until_it_is_replaced() {
        let mut memo = ValueMemo::new(64);
        let values: Vec<Vec<u8>> =
            (0..2000usize).map(|index| vec![b'a' + (index % 7) as u8; index % 300]).collect();
        for (index, value) in values.iter().enumerate() {
            let code = index as u32 + 1;
            memo.insert(value, weak_hash(value), code);
            assert_eq!(memo.get(value, weak_hash(value)), code);
            // The code of another value is its own or 0.
            for (other, value) in values[..index].iter().enumerate() {
                let found = memo.get(value, weak_hash(value));
                assert!(found == 0 || values[found as usize - 1] == *value, "{other}");
            }
        }
    }

    #[test]
    fn values_with_equal_weak_hashes_are_distinguished() {
        let mut memo = ValueMemo::new(64);
        memo.insert(b"one", 7, 1);
        assert_eq!(memo.get(b"two", 7), 0);
        memo.insert(b"two", 7, 2);
        assert_eq!(memo.get(b"two", 7), 2);
        assert_eq!(memo.get(b"one", 7), 0);
    }
}
