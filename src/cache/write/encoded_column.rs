//! A dictionary-encoded column of a batch.

use arrayvec::ArrayVec;

use crate::cache::dictionary::{Arena, Interner, VALUES_PER_LOOKUP, bytes_equal, hash};
use crate::cache::{
    dictionary::published::PublishedDictionary, dictionary::value_memo::ValueMemo,
    dictionary::weak_hash::weak_hash,
};

/// Set in a code that indexes the values of the batch. Without it a code is a value id of the cache.
pub(in crate::cache) const NEW_VALUE: u32 = 1 << 31;

/// A dictionary-encoded column.
#[derive(Debug, Default)]
pub(in crate::cache) struct EncodedColumn {
    /// One code per row, or one per template for a field [of the template](crate::log::is_in_template). 0 is absent;
    /// a code with [`NEW_VALUE`] is `values[code - 1]`; any other code is a value id of the cache.
    pub codes: Vec<u32>,
    pub values: Arena,
    /// [`hash`] of each value.
    pub hashes: Vec<u64>,
}

impl EncodedColumn {
    /// Bytes of its codes and values.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.codes.as_slice()) + size_of_val(self.hashes.as_slice()) + self.values.bytes()
    }

    /// Removes all rows and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.codes.clear();
        self.values.clear();
        self.hashes.clear();
    }

    /// Adds at most [`VALUES_PER_LOOKUP`] values; an empty value is absent.
    pub(super) fn extend<'v>(
        &mut self,
        published: &PublishedDictionary,
        interner: &mut Interner,
        mut memo: Option<&mut ValueMemo>,
        values: impl ExactSizeIterator<Item = &'v [u8]>,
    ) {
        // Most values repeat from line to line, and comparing is cheaper than hashing. The remaining values
        // are looked up together. `positions` has for each row an index into `ids`; `ids[0]` is the absent value.
        let mut positions = ArrayVec::<u8, VALUES_PER_LOOKUP>::new();
        let mut ids = ArrayVec::<u32, { VALUES_PER_LOOKUP + 1 }>::new();
        ids.push(0);
        let mut unresolved = ArrayVec::<&[u8], VALUES_PER_LOOKUP>::new();
        let mut weak_hashes = ArrayVec::<u64, VALUES_PER_LOOKUP>::new();
        let mut hashes = ArrayVec::<u64, VALUES_PER_LOOKUP>::new();
        // The index in `ids` of each value of `unresolved`.
        let mut id_indices = ArrayVec::<u8, VALUES_PER_LOOKUP>::new();
        let mut previous = [].as_slice();
        for value in values {
            if value.is_empty() {
                positions.push(0);
                continue;
            }
            if !bytes_equal(value, previous) {
                previous = value;
                let mut id = 0;
                if let Some(memo) = &memo {
                    let weak_hash = weak_hash(value);
                    id = memo.get(value, weak_hash);
                    if id == 0 {
                        weak_hashes.push(weak_hash);
                    }
                }
                if id == 0 {
                    unresolved.push(value);
                    hashes.push(hash(value));
                    id_indices.push(ids.len() as u8);
                }
                ids.push(id);
            }
            positions.push(ids.len() as u8 - 1);
        }
        if !unresolved.is_empty() {
            let mut found = [0; VALUES_PER_LOOKUP];
            let found = &mut found[..unresolved.len()];
            published.find_many(&unresolved, &hashes, found);
            if let Some(memo) = &mut memo {
                for ((value, weak_hash), id) in
                    unresolved.iter().zip(weak_hashes).zip(&*found).filter(|(_, id)| **id != 0)
                {
                    memo.insert(value, weak_hash, *id);
                }
            }
            if found.contains(&0) {
                self.add_new(interner, &unresolved, &hashes, found);
            }
            for (index, id) in id_indices.iter().zip(found) {
                ids[usize::from(*index)] = *id;
            }
        }
        self.codes.extend(positions.iter().map(|position| ids[usize::from(*position)]));
    }

    /// Adds values that have no value id yet to `interner`, and sets their codes in `ids`.
    #[inline(never)]
    fn add_new(&mut self, interner: &mut Interner, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        let new = values.iter().zip(hashes).zip(&*ids).filter(|(_, id)| **id == 0);
        let (new, new_hashes): (ArrayVec<&[u8], VALUES_PER_LOOKUP>, ArrayVec<u64, VALUES_PER_LOOKUP>) =
            new.map(|((value, hash), _)| (*value, *hash)).unzip();
        let mut new_ids = [0; VALUES_PER_LOOKUP];
        interner.intern_many(&new, &new_hashes, &mut new_ids[..new.len()]);
        for (id, hash) in new_ids.iter().zip(&new_hashes) {
            if self.hashes.len() < *id as usize {
                self.hashes.push(*hash);
            }
        }
        for (id, new) in ids.iter_mut().filter(|id| **id == 0).zip(new_ids) {
            *id = new | NEW_VALUE;
        }
    }
}
