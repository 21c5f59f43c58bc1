//! Where values are, by their hashes. A dictionary of a million keys lies far from the processor, so each look at it
//! counts: an entry holds all that is needed to find the value, and four entries are fetched at once.

/// A value of a dictionary.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cache) struct Entry {
    /// The lower half of its hash.
    pub(in crate::cache) half: u32,
    /// Its id; 0: there is no entry.
    pub(in crate::cache) id: u32,
    /// Where it begins; [`u32::MAX`] if that is too far to be told.
    pub(in crate::cache) start: u32,
    /// Its bytes.
    pub(in crate::cache) length: u32,
}

/// Entries, each at the first free place from the one that its hash tells.
#[derive(Debug, Default)]
pub(in crate::cache) struct ValueTable {
    /// As many as a power of two, a quarter of them free at least.
    places: Vec<Entry>,
    count: usize,
}

impl ValueTable {
    /// With room for so many.
    pub(in crate::cache) fn with_capacity(count: usize) -> ValueTable {
        let mut table = ValueTable::default();
        table.make_room(count);
        table
    }

    /// The first entry of this hash that is the one.
    #[inline]
    pub(in crate::cache) fn find(&self, half: u32, is_it: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let mut at = half as usize;
        loop {
            // Of none there is no place.
            at &= self.places.len().wrapping_sub(1);
            let entry = self.places.get(at).filter(|entry| entry.id != 0)?;
            if entry.half == half && is_it(entry) {
                return Some(entry);
            }
            at += 1;
        }
    }

    /// Adds an entry that it does not have.
    pub(in crate::cache) fn insert(&mut self, entry: Entry) {
        self.make_room(self.count + 1);
        self.count += 1;
        let mut at = entry.half as usize;
        loop {
            at &= self.places.len() - 1;
            if self.places[at].id == 0 {
                self.places[at] = entry;
                return;
            }
            at += 1;
        }
    }

    /// All entries.
    pub(in crate::cache) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter(|entry| entry.id != 0)
    }

    /// Empties it, keeping memory.
    pub(in crate::cache) fn clear(&mut self) {
        self.places.fill(Entry::default());
        self.count = 0;
    }

    fn make_room(&mut self, count: usize) {
        let places = (count + count / 3 + 1).next_power_of_two();
        if places > self.places.len() {
            let mut larger = ValueTable { places: vec![Entry::default(); places], count: 0 };
            self.iter().for_each(|entry| larger.insert(*entry));
            *self = larger;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_however_many_share_a_place_or_a_hash() {
        let mut table = ValueTable::default();
        assert!(table.find(0, |_| true).is_none());
        // The hashes of most end alike, and three have the same.
        let half = |id: u32| if id < 4 { u32::MAX } else { ((id % 50) << 12) | 0xfff };
        for id in 1..3000 {
            table.insert(Entry { half: half(id), id, start: 7, length: 3 });
            assert!(table.find(half(id), |entry| entry.id == id).is_some());
            assert!(table.find(half(id), |entry| entry.id == id + 1).is_none());
        }
        let mut ids: Vec<u32> = table.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq(1..3000));
        assert!(table.find(1, |_| true).is_none());
        table.clear();
        assert!(table.find(u32::MAX, |_| true).is_none() && table.iter().next().is_none());
    }
}
