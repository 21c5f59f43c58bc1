//! A hash index of values. A dictionary of a million keys is not in the processor's cache, so each memory
//! access counts: an entry has everything that is needed to find its value, and a cache line has space for four entries.

/// Where a value of a dictionary is.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cache) struct Entry {
    /// The lower half of its hash.
    pub(in crate::cache) hash_low: u32,
    /// Its value id; 0 marks a free slot.
    pub(in crate::cache) id: u32,
    /// Offset of its bytes; [`u32::MAX`] if it does not fit.
    pub(in crate::cache) start: u32,
    /// Its number of bytes.
    pub(in crate::cache) length: u32,
}

/// An open-addressing table with linear probing: each entry is in the first slot that was free, from the slot that
/// its hash selects on.
#[derive(Debug, Default)]
pub(in crate::cache) struct HashIndex {
    /// Their number is a power of two; at least a quarter of them are free.
    slots: Vec<Entry>,
    count: usize,
}

impl HashIndex {
    /// A table with space for `count` entries.
    pub(in crate::cache) fn with_capacity(count: usize) -> HashIndex {
        let mut table = HashIndex::default();
        table.reserve(count);
        table
    }

    /// The first entry with this lower half of the hash for which `is_match` is true.
    #[inline]
    pub(in crate::cache) fn find(&self, hash_low: u32, is_match: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let mut at = hash_low as usize;
        loop {
            // An empty table has no slots: the mask becomes `usize::MAX`, and `get` returns `None`.
            at &= self.slots.len().wrapping_sub(1);
            let entry = self.slots.get(at).filter(|entry| entry.id != 0)?;
            if entry.hash_low == hash_low && is_match(entry) {
                return Some(entry);
            }
            at += 1;
        }
    }

    /// Adds an entry, which the table must not have yet.
    pub(in crate::cache) fn insert(&mut self, entry: Entry) {
        self.reserve(self.count + 1);
        self.count += 1;
        let mut at = entry.hash_low as usize;
        loop {
            at &= self.slots.len() - 1;
            if self.slots[at].id == 0 {
                self.slots[at] = entry;
                return;
            }
            at += 1;
        }
    }

    /// All entries, in any order.
    pub(in crate::cache) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().filter(|entry| entry.id != 0)
    }

    /// Removes all entries and keeps the memory.
    pub(in crate::cache) fn clear(&mut self) {
        self.slots.fill(Entry::default());
        self.count = 0;
    }

    fn reserve(&mut self, count: usize) {
        let slots = (count + count / 3 + 1).next_power_of_two();
        if slots > self.slots.len() {
            let mut larger = HashIndex { slots: vec![Entry::default(); slots], count: 0 };
            self.iter().for_each(|entry| larger.insert(*entry));
            *self = larger;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_equal_slots_or_hashes_are_found() {
        let mut table = HashIndex::default();
        assert!(table.find(0, |_| true).is_none());
        // Many hashes select the same slots, and three are equal.
        let hash_low = |id: u32| if id < 4 { u32::MAX } else { ((id % 50) << 12) | 0xfff };
        for id in 1..3000 {
            table.insert(Entry { hash_low: hash_low(id), id, start: 7, length: 3 });
            assert!(table.find(hash_low(id), |entry| entry.id == id).is_some());
            assert!(table.find(hash_low(id), |entry| entry.id == id + 1).is_none());
        }
        let mut ids: Vec<u32> = table.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq(1..3000));
        assert!(table.find(1, |_| true).is_none());
        table.clear();
        assert!(table.find(u32::MAX, |_| true).is_none() && table.iter().next().is_none());
    }
}
