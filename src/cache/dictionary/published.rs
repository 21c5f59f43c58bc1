//! Published dictionaries: the values of a writer, shared with the threads that build batches for it.
//!
//! A writer assigns value ids and adds new values all the time, to a growing dictionary. From time to time it publishes
//! them: a published dictionary is immutable, and a batch builder looks a value up there without locks and without the
//! writer. So nearly all codes of a batch are already value ids, and only new values are sent with it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Arena, Interner, VALUES_PER_LOOKUP};
use crate::cache::column::layout::DIMENSIONS;

/// No values are joined to a piece with at least this many: copying a large piece takes long, and takes memory
/// for both copies.
const MAX_JOINED_VALUES: usize = 1 << 19;
/// Limit of the bytes of a joined piece, so that a dictionary of long values is never copied as a whole.
const MAX_JOINED_BYTES: usize = 64 << 20;
/// Long pending values with at least this many bytes become a piece of their own, whether they repeat or not: a
/// piece takes no more memory than its values, but pending values take up to twice as much.
const LARGE_PENDING_BYTES: usize = 16 << 20;
/// Values with at least this many bytes on average are long. Few values are long, so they cause few pieces.
const LONG_VALUE_BYTES: usize = 4 << 10;
/// Copying this many bytes takes as long as copying a value of ordinary length.
const ORDINARY_VALUE_BYTES: usize = 1 << 10;
/// Publishing this many values costs about as much as one repeated lookup of a pending value, which is
/// added to a batch and looked up by the writer.
const VALUES_PER_REPEATED_LOOKUP: usize = 8;

/// The published values of a dimension.
#[derive(Clone, Debug, Default)]
pub struct PublishedDictionary {
    /// The ids of each piece follow those of the piece before.
    pieces: Vec<Arc<Interner>>,
}

impl PublishedDictionary {
    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.values().len()).sum()
    }

    /// Looks up at most [`VALUES_PER_LOOKUP`] values. Sets their ids, 0 for those that are not published. `hashes` has
    /// the [`hash`](super::hash) of each.
    pub fn find_many(&self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        let Some((first, others)) = self.pieces.split_first() else { return ids.fill(0) };
        first.find_many(values, hashes, ids);
        let mut before = first.values().len() as u32;
        for piece in others {
            for ((value, hash), id) in values.iter().zip(hashes).zip(&mut *ids) {
                if *id == 0 {
                    *id = piece.find(value, *hash).map_or(0, |found| before + found);
                }
            }
            before += piece.values().len() as u32;
        }
    }
}

/// All values of a dimension with their ids: the published values and those that the writer added since.
#[derive(Debug, Default)]
pub struct GrowingDictionary {
    published: PublishedDictionary,
    /// Values added since the last publication. Their ids follow the published ones.
    pending: Interner,
    /// Lookups since the last publication that found a pending value, which a batch had to include.
    repeated_lookups: usize,
}

impl GrowingDictionary {
    /// Number of values. Their ids are 1 to this number.
    pub fn len(&self) -> usize {
        self.published.len() + self.pending.values().len()
    }

    /// The value of an id; `None` for 0 (absent) and for unknown ids.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        let mut index = (id as usize).checked_sub(1)?;
        for piece in self.published.pieces.iter().map(Arc::as_ref).chain([&self.pending]) {
            let values = piece.values();
            if index < values.len() {
                return Some(values.get(index));
            }
            index -= values.len();
        }
        None
    }

    /// Returns the id of a value, which is added if it is new. `hash` is its [`hash`](super::hash).
    pub fn intern(&mut self, value: &[u8], hash: u64) -> u32 {
        let mut id = [0];
        self.intern_many(&[value], &[hash], &mut id);
        id[0]
    }

    /// Interns at most [`VALUES_PER_LOOKUP`] values.
    fn intern_many(&mut self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        self.published.find_many(values, hashes, ids);
        let published = self.published.len() as u32;
        for ((value, hash), id) in values.iter().zip(hashes).zip(ids) {
            if *id == 0 {
                let before = self.pending.values().len();
                let pending = self.pending.intern(value, *hash);
                self.repeated_lookups += usize::from(pending as usize <= before);
                *id = published + pending;
            }
        }
    }

    /// Interns many values. Sets `ids` to 0 (absent) and the id of each value. `hashes` has their hashes.
    pub fn intern_arena(&mut self, values: &Arena, hashes: &[u64], ids: &mut Vec<u32>) {
        ids.clear();
        ids.resize(values.len() + 1, 0);
        let mut together = [[].as_slice(); VALUES_PER_LOOKUP];
        let chunks = ids[1..].chunks_mut(VALUES_PER_LOOKUP).zip(hashes.chunks(VALUES_PER_LOOKUP));
        for (index, (ids, hashes)) in chunks.enumerate() {
            for (value, offset) in together.iter_mut().zip(0..ids.len()) {
                *value = values.get(index * VALUES_PER_LOOKUP + offset);
            }
            self.intern_many(&together[..ids.len()], hashes, ids);
        }
    }

    /// Whether the repeated lookups have cost about as much as publishing would, or pending values take much memory.
    fn is_worth_publishing(&self) -> bool {
        let work = |values: &Arena| values.len().max(values.bytes() / ORDINARY_VALUE_BYTES);
        let last = self.published.pieces.last().filter(|last| self.is_joined_to(last));
        let moved = work(self.pending.values()) + last.map_or(0, |last| work(last.values()));
        self.repeated_lookups >= (moved / VALUES_PER_REPEATED_LOOKUP).max(1)
            || are_large(self.pending.values())
    }

    /// Whether the pending values join the last published piece.
    fn is_joined_to(&self, last: &Interner) -> bool {
        let (last, pending) = (last.values(), self.pending.values());
        last.len() < MAX_JOINED_VALUES
            && last.bytes() + pending.bytes() <= MAX_JOINED_BYTES
            && !are_large(last)
            && !are_large(pending)
    }

    /// Makes the pending values a piece if they take much memory.
    pub fn freeze_if_large(&mut self) {
        if are_large(self.pending.values()) {
            self.freeze();
        }
    }

    /// Moves the pending values to the published ones, but does not make them visible to other threads yet.
    fn freeze(&mut self) {
        if self.pending.values().is_empty() {
            return;
        }
        let is_large = are_large(self.pending.values());
        let is_joined = self.published.pieces.last().is_some_and(|last| self.is_joined_to(last));
        let piece = match self.published.pieces.pop_if(|_| is_joined) {
            Some(last) => Interner::joined(&last, &self.pending),
            None => Interner::joined(&self.pending, &Interner::default()),
        };
        self.repeated_lookups = 0;
        self.published.pieces.push(Arc::new(piece));
        if is_large {
            self.pending = Interner::default();
        } else {
            self.pending.clear();
        }
    }
}

/// Whether the values are long and have many bytes.
fn are_large(values: &Arena) -> bool {
    values.bytes() >= LARGE_PENDING_BYTES && values.bytes() / LONG_VALUE_BYTES >= values.len()
}

/// The published dictionaries of all dimensions.
pub(crate) type PublishedDictionaries = [PublishedDictionary; DIMENSIONS];

/// The latest published dictionaries of a writer. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SharedDictionaries(Arc<Mutex<Arc<PublishedDictionaries>>>);

impl SharedDictionaries {
    /// Returns the latest published dictionaries.
    pub fn latest(&self) -> Arc<PublishedDictionaries> {
        self.0.lock().clone()
    }

    /// Whether both belong to the same writer.
    pub fn is_same(&self, other: &SharedDictionaries) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Publishes the dictionaries for which that is worth its cost.
    pub fn publish_if_worthwhile(&self, all: &mut [GrowingDictionary; DIMENSIONS]) {
        let mut worthwhile = all.iter_mut().filter(|values| values.is_worth_publishing()).peekable();
        if worthwhile.peek().is_some() {
            worthwhile.for_each(GrowingDictionary::freeze);
            self.publish(all);
        }
    }

    /// Publishes all values.
    pub fn publish_all(&self, all: &mut [GrowingDictionary; DIMENSIONS]) {
        all.iter_mut().for_each(GrowingDictionary::freeze);
        self.publish(all);
    }

    fn publish(&self, all: &[GrowingDictionary; DIMENSIONS]) {
        let published = Arc::new(std::array::from_fn(|slot| all[slot].published.clone()));
        *self.0.lock() = published;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Writer;
    use crate::cache::column::layout::KEY_SLOT;
    use crate::cache::dictionary::hash;
    use crate::cache::testing::{Request, filled};

    #[test]
    fn publishing_does_not_change_ids() {
        let (mut growing, mut plain) = (GrowingDictionary::default(), Interner::default());
        for index in 0..5000u32 {
            let value = format!("value {}", u64::from(index) * u64::from(index) % 3571);
            let hash = hash(value.as_bytes());
            assert_eq!(growing.intern(value.as_bytes(), hash), plain.intern(value.as_bytes(), hash));
            if index % 7 == 0 && index < 1000 {
                growing.freeze();
            }
        }
        assert_eq!(growing.len(), plain.values().len());
        assert!(!growing.published.pieces.is_empty() && !growing.pending.values().is_empty());
        for (index, value) in plain.values().iter().enumerate() {
            assert_eq!(growing.get(index as u32 + 1), Some(value));
            let mut id = [0];
            growing.published.find_many(&[value], &[hash(value)], &mut id);
            assert!(id[0] == index as u32 + 1 || index >= growing.published.len() && id[0] == 0);
        }
        assert_eq!(growing.get(0), None);
        assert_eq!(growing.get(growing.len() as u32 + 1), None);
    }

    #[test]
    fn only_repeated_values_are_published() {
        let mut values = GrowingDictionary::default();
        let value = |index: u32| index.to_le_bytes();
        let intern = |values: &mut GrowingDictionary, range: std::ops::Range<u32>| {
            range.for_each(|index| {
                values.intern(&value(index), hash(&value(index)));
            });
        };
        intern(&mut values, 0..800);
        assert!(!values.is_worth_publishing(), "no lookup was repeated");
        intern(&mut values, 0..100);
        assert!(values.is_worth_publishing());
        values.freeze();
        assert_eq!((values.published.len(), values.pending.values().len()), (800, 0));
        // A few more values: far fewer than half of all, but looked up repeatedly.
        intern(&mut values, 800..820);
        intern(&mut values, 0..800);
        assert!(!values.is_worth_publishing(), "lookups of published values are free");
        for _ in 0..6 {
            intern(&mut values, 800..820);
        }
        assert!(values.is_worth_publishing());
        values.freeze();
        assert_eq!((values.published.len(), values.published.pieces.len()), (820, 1));
    }

    #[test]
    fn a_reopened_writer_publishes_the_stored_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "logs", (0..50).map(Request::at)));
        let writer = Writer::open(&path).unwrap();
        let keys = &writer.dictionaries().latest()[KEY_SLOT];
        assert_eq!(keys.len(), 50);
        let mut id = [0];
        keys.find_many(&[b"k7"], &[hash(b"k7")], &mut id);
        assert_eq!(id, [8]);
    }

    #[test]
    fn long_values_are_frozen_by_their_bytes_and_keep_their_ids() {
        let mut values = GrowingDictionary::default();
        let value = |index: u32| [&index.to_le_bytes()[..], &vec![b'x'; 1 << 20]].concat();
        for index in 0..150 {
            assert_eq!(values.intern(&value(index), hash(&value(index))), index + 1);
            values.freeze_if_large();
            assert!(values.pending.values().bytes() < LARGE_PENDING_BYTES, "{index}");
        }
        let pieces: Vec<usize> =
            values.published.pieces.iter().map(|piece| piece.values().memory()).collect();
        assert_eq!(pieces.len(), 150 / 16);
        assert!(pieces.iter().all(|bytes| *bytes < LARGE_PENDING_BYTES + (2 << 20)), "{pieces:?}");
        for index in 0..150 {
            assert_eq!(values.get(index + 1), Some(value(index).as_slice()));
            assert_eq!(values.intern(&value(index), hash(&value(index))), index + 1);
        }
        // As many bytes of ordinary values stay pending, where one lookup finds them.
        let mut ordinary = GrowingDictionary::default();
        for index in 0..2 * LARGE_PENDING_BYTES / 100 {
            let value = format!("{index:0100}");
            ordinary.intern(value.as_bytes(), hash(value.as_bytes()));
        }
        assert!(!ordinary.is_worth_publishing());
    }

    #[test]
    fn large_pieces_are_not_joined() {
        let mut values = GrowingDictionary::default();
        for index in 0..3 * MAX_JOINED_VALUES as u32 {
            let value = index.to_le_bytes();
            for _ in 0..2 {
                assert_eq!(values.intern(&value, hash(&value)), index + 1);
            }
            if index % 1000 == 0 && values.is_worth_publishing() {
                values.freeze();
            }
        }
        assert!((2..5).contains(&values.published.pieces.len()), "{}", values.published.pieces.len());
        for index in (0..3 * MAX_JOINED_VALUES as u32).step_by(999) {
            let value = index.to_le_bytes();
            assert_eq!(values.intern(&value, hash(&value)), index + 1);
            assert_eq!(values.get(index + 1), Some(value.as_slice()));
        }
    }
}
