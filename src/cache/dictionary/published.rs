//! The values that a writer knows, shared with those who make batches for it.
//!
//! A writer gives values their ids and adds new ones all the time. What it has known for a while is settled: it
//! does not change any more, and whoever builds a batch looks there first, without asking the writer or waiting
//! for it. So nearly all codes of a batch are final, and of values only new ones go with it.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Arena, Interner, TOGETHER};
use crate::cache::column::layout::DIMENSIONS;

/// Settled values from which on no more are joined to them: to copy so many takes long, and memory for both.
const JOINED_AT_MOST: usize = 1 << 19;

/// The same for their bytes: a dictionary of long values is never copied as a whole.
const JOINED_BYTES: usize = 64 << 20;

/// Bytes of values from which on they are settled whether they come again or not, if they are long, and are joined with
/// no others: what is settled takes no more memory than it needs, what is recent twice as much as it grows.
const SETTLED_BYTES: usize = 16 << 20;

/// Bytes from which on a value is long. Few values are, so few pieces are made for them.
const LONG_BYTES: usize = 4 << 10;

/// Bytes that are moved as quickly as a value of ordinary length.
const MOVED_LIKE_ONE: usize = 1 << 10;

/// So many values are settled in about the time that one takes that comes again unsettled: it is added to a batch, and
/// looked for by the writer.
const MOVED_AS_QUICKLY: usize = 8;

/// The values of a dimension whose ids are settled.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Each with the ids behind those of the one before.
    pieces: Vec<Arc<Interner>>,
}

impl Known {
    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.values().len()).sum()
    }

    /// The ids of several values, 0 for those not known; at most [`TOGETHER`] at once. `hashes` has the
    /// [`hash`](crate::cache::dictionary::hash) of each.
    pub fn find_together(&self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        let Some((first, others)) = self.pieces.split_first() else { return ids.fill(0) };
        first.find_together(values, hashes, ids);
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

/// All values of a dimension with their ids, as the writer has them.
#[derive(Debug, Default)]
pub struct Values {
    known: Known,
    /// Those behind them.
    recent: Interner,
    /// How often one of these came since they were settled last, by whoever could not know it.
    again: usize,
}

impl Values {
    /// How many; their ids are 1 to this, included.
    pub fn len(&self) -> usize {
        self.known.len() + self.recent.values().len()
    }

    /// The value of an id; `None` for 0 (absent) and for ids not given yet.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        let mut index = (id as usize).checked_sub(1)?;
        for piece in self.known.pieces.iter().map(Arc::as_ref).chain([&self.recent]) {
            let values = piece.values();
            if index < values.len() {
                return Some(values.get(index));
            }
            index -= values.len();
        }
        None
    }

    /// The id of a value, which is added if it is new. `hash` is [`hash`](crate::cache::dictionary::hash) of it.
    pub fn intern(&mut self, value: &[u8], hash: u64) -> u32 {
        let mut id = [0];
        self.intern_together(&[value], &[hash], &mut id);
        id[0]
    }

    /// The same for several; at most [`TOGETHER`] at once.
    fn intern_together(&mut self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        self.known.find_together(values, hashes, ids);
        let known = self.known.len() as u32;
        for ((value, hash), id) in values.iter().zip(hashes).zip(ids) {
            if *id == 0 {
                let before = self.recent.values().len();
                let recent = self.recent.intern(value, *hash);
                self.again += usize::from(recent as usize <= before);
                *id = known + recent;
            }
        }
    }

    /// The ids of many values, behind 0 for the absent one. `hashes` has the hash of each.
    pub fn intern_all(&mut self, values: &Arena, hashes: &[u64], ids: &mut Vec<u32>) {
        ids.clear();
        ids.resize(values.len() + 1, 0);
        let mut together = [[].as_slice(); TOGETHER];
        let chunks = ids[1..].chunks_mut(TOGETHER).zip(hashes.chunks(TOGETHER));
        for (index, (ids, hashes)) in chunks.enumerate() {
            for (value, offset) in together.iter_mut().zip(0..ids.len()) {
                *value = values.get(index * TOGETHER + offset);
            }
            self.intern_together(&together[..ids.len()], hashes, ids);
        }
    }

    /// Whether what is recent has come again so often that to settle it takes hardly longer than that took, or takes
    /// much memory.
    fn is_worth_settling(&self) -> bool {
        let work = |values: &Arena| values.len().max(values.bytes() / MOVED_LIKE_ONE);
        let last = self.known.pieces.last().filter(|last| self.is_joined_to(last));
        let moved = work(self.recent.values()) + last.map_or(0, |last| work(last.values()));
        self.again >= (moved / MOVED_AS_QUICKLY).max(1) || are_heavy(self.recent.values())
    }

    /// Whether what is recent is joined to the last piece of what is settled.
    fn is_joined_to(&self, last: &Interner) -> bool {
        let (last, recent) = (last.values(), self.recent.values());
        last.len() < JOINED_AT_MOST
            && last.bytes() + recent.bytes() <= JOINED_BYTES
            && !are_heavy(last)
            && !are_heavy(recent)
    }

    /// Settles recent values if they take much memory.
    pub fn settle_if_heavy(&mut self) {
        if are_heavy(self.recent.values()) {
            self.settle();
        }
    }

    /// Settles what is recent.
    fn settle(&mut self) {
        if self.recent.values().is_empty() {
            return;
        }
        let is_heavy = are_heavy(self.recent.values());
        let is_joined = self.known.pieces.last().is_some_and(|last| self.is_joined_to(last));
        let piece = match self.known.pieces.pop_if(|_| is_joined) {
            Some(last) => Interner::joined(&last, &self.recent),
            None => Interner::joined(&self.recent, &Interner::default()),
        };
        self.again = 0;
        self.known.pieces.push(Arc::new(piece));
        if is_heavy {
            self.recent = Interner::default();
        } else {
            self.recent.clear();
        }
    }
}

/// Whether these are many bytes and few values.
fn are_heavy(values: &Arena) -> bool {
    values.bytes() >= SETTLED_BYTES && values.bytes() / LONG_BYTES >= values.len()
}

/// What is known of all dimensions at one moment.
pub type AllKnown = [Known; DIMENSIONS];

/// What a writer knows, the latest of it, for as many as want to look there.
#[derive(Clone, Debug, Default)]
pub struct Knowledge(Arc<Mutex<Arc<AllKnown>>>);

impl Knowledge {
    /// What is known by now.
    pub fn latest(&self) -> Arc<AllKnown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is that of the same writer.
    pub fn is(&self, other: &Knowledge) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Settles what is worth it, and lets others know.
    pub fn settle(&self, all: &mut [Values; DIMENSIONS]) {
        let mut worth = all.iter_mut().filter(|values| values.is_worth_settling()).peekable();
        if worth.peek().is_some() {
            worth.for_each(Values::settle);
            self.tell(all);
        }
    }

    /// Settles all there is, and lets others know.
    pub fn settle_all(&self, all: &mut [Values; DIMENSIONS]) {
        all.iter_mut().for_each(Values::settle);
        self.tell(all);
    }

    fn tell(&self, all: &[Values; DIMENSIONS]) {
        let known = Arc::new(std::array::from_fn(|slot| all[slot].known.clone()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Writer;
    use crate::cache::dictionary::hash;
    use crate::cache::testing::{Request, filled};
    use crate::cache::write::batch::KEY;

    #[test]
    fn ids_are_the_same_whether_settled_or_not() {
        let (mut settling, mut plain) = (Values::default(), Interner::default());
        for index in 0..5000u32 {
            let value = format!("value {}", u64::from(index) * u64::from(index) % 3571);
            let hash = hash(value.as_bytes());
            assert_eq!(settling.intern(value.as_bytes(), hash), plain.intern(value.as_bytes(), hash));
            if index % 7 == 0 && index < 1000 {
                settling.settle();
            }
        }
        assert_eq!(settling.len(), plain.values().len());
        assert!(!settling.known.pieces.is_empty() && !settling.recent.values().is_empty());
        for (index, value) in plain.values().iter().enumerate() {
            assert_eq!(settling.get(index as u32 + 1), Some(value));
            let mut id = [0];
            settling.known.find_together(&[value], &[hash(value)], &mut id);
            assert!(id[0] == index as u32 + 1 || index >= settling.known.len() && id[0] == 0);
        }
        assert_eq!(settling.get(0), None);
        assert_eq!(settling.get(settling.len() as u32 + 1), None);
    }

    #[test]
    fn values_that_come_again_are_settled_and_those_that_do_not_are_left() {
        let mut values = Values::default();
        let value = |index: u32| index.to_le_bytes();
        let intern = |values: &mut Values, range: std::ops::Range<u32>| {
            range.for_each(|index| {
                values.intern(&value(index), hash(&value(index)));
            });
        };
        intern(&mut values, 0..800);
        assert!(!values.is_worth_settling(), "nothing came again");
        intern(&mut values, 0..100);
        assert!(values.is_worth_settling());
        values.settle();
        assert_eq!((values.known.len(), values.recent.values().len()), (800, 0));
        // A few more: far from half of what there is, but asked for all the time.
        intern(&mut values, 800..820);
        intern(&mut values, 0..800);
        assert!(!values.is_worth_settling(), "settled ones came again, of which nobody has to be told");
        for _ in 0..6 {
            intern(&mut values, 800..820);
        }
        assert!(values.is_worth_settling());
        values.settle();
        assert_eq!((values.known.len(), values.known.pieces.len()), (820, 1));
    }

    #[test]
    fn whoever_writes_on_in_a_cache_knows_its_values_from_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "logs", (0..50).map(Request::at)));
        let writer = Writer::open(&path).unwrap();
        let keys = &writer.knowledge().latest()[KEY];
        assert_eq!(keys.len(), 50);
        let mut id = [0];
        keys.find_together(&[b"k7"], &[hash(b"k7")], &mut id);
        assert_eq!(id, [8]);
    }

    #[test]
    fn long_values_that_never_come_again_are_settled_by_their_bytes_and_keep_their_ids() {
        let mut values = Values::default();
        let value = |index: u32| [&index.to_le_bytes()[..], &vec![b'x'; 1 << 20]].concat();
        for index in 0..150 {
            assert_eq!(values.intern(&value(index), hash(&value(index))), index + 1);
            values.settle_if_heavy();
            assert!(values.recent.values().bytes() < SETTLED_BYTES, "{index}");
        }
        let pieces: Vec<usize> = values.known.pieces.iter().map(|piece| piece.values().memory()).collect();
        assert_eq!(pieces.len(), 150 / 16);
        assert!(pieces.iter().all(|bytes| *bytes < SETTLED_BYTES + (2 << 20)), "{pieces:?}");
        for index in 0..150 {
            assert_eq!(values.get(index + 1), Some(value(index).as_slice()));
            assert_eq!(values.intern(&value(index), hash(&value(index))), index + 1);
        }
        // As many bytes of ordinary values are left where one look finds them.
        let mut ordinary = Values::default();
        for index in 0..2 * SETTLED_BYTES / 100 {
            let value = format!("{index:0100}");
            ordinary.intern(value.as_bytes(), hash(value.as_bytes()));
        }
        assert!(!ordinary.is_worth_settling());
    }

    #[test]
    fn large_pieces_are_not_joined() {
        let mut values = Values::default();
        for index in 0..3 * JOINED_AT_MOST as u32 {
            let value = index.to_le_bytes();
            for _ in 0..2 {
                assert_eq!(values.intern(&value, hash(&value)), index + 1);
            }
            if index % 1000 == 0 && values.is_worth_settling() {
                values.settle();
            }
        }
        assert!((2..5).contains(&values.known.pieces.len()), "{}", values.known.pieces.len());
        for index in (0..3 * JOINED_AT_MOST as u32).step_by(999) {
            let value = index.to_le_bytes();
            assert_eq!(values.intern(&value, hash(&value)), index + 1);
            assert_eq!(values.get(index + 1), Some(value.as_slice()));
        }
    }
}
