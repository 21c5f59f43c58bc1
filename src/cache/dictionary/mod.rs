//! The values of a dimension and their ids: [`Interner`] for writing, [`Dictionary`] for reading.

mod hash_index;
pub(super) mod published;
pub(super) mod table;
pub(super) mod value_memo;
pub(super) mod weak_hash;

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use arrayvec::ArrayVec;
use hashbrown::DefaultHashBuilder;

use hash_index::{Entry, HashIndex};

/// One seed for the process, so that the writer can use the hashes that a parser computed. It is random, because
/// clients choose keys and could choose keys that collide.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// Hash of a value. It is the same in all threads of a process, and differs between processes.
pub(crate) fn hash(value: &[u8]) -> u64 {
    HASHER.hash_one(value)
}

/// Whether two values are equal. Most values are short, and a call of `memcmp` takes longer than this comparison.
#[inline]
pub(crate) fn bytes_equal(one: &[u8], other: &[u8]) -> bool {
    fn halves<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() == other.first_chunk() && one.last_chunk::<N>() == other.last_chunk()
    }
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        1 => halves::<1>(one, other),
        2..4 => halves::<2>(one, other),
        4..8 => halves::<4>(one, other),
        8..=16 => halves::<8>(one, other),
        17..=32 => halves::<16>(one, other),
        33..=64 => halves::<32>(one, other),
        _ => one == other,
    }
}

/// Number of values that one call looks up at most.
pub(crate) const VALUES_PER_LOOKUP: usize = 32;

/// Many short byte strings, stored back to back.
#[derive(Clone, Debug, Default)]
pub struct Arena {
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl Arena {
    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the arena has no strings.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at an index.
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start as usize..self.ends[index] as usize]
    }

    /// The string of an entry, if the entry has its offset.
    #[inline]
    fn from(&self, entry: &Entry) -> Option<&[u8]> {
        let start = Some(entry.start).filter(|start| *start != u32::MAX)?;
        self.bytes.get(start as usize..)?.get(..entry.length as usize)
    }

    /// Appends all strings of another arena.
    fn append(&mut self, other: &Arena) {
        let before = self.bytes.len() as u64;
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// Appends a string.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u64);
    }

    /// Bytes of the strings.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.ends.capacity() * 8 + self.bytes.capacity()
    }

    /// Frees unused capacity.
    pub fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    /// Removes all strings and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Assigns value ids: without gaps from 1, in order of first occurrence.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    table: HashIndex,
    values: Arena,
}

impl Interner {
    /// Returns the id of a value, which is added if it is new. `hash` is its [`hash`].
    #[inline]
    pub(crate) fn intern(&mut self, value: &[u8], hash: u64) -> u32 {
        if let Some(id) = self.find(value, hash) {
            return id;
        }
        let id = self.values.len() as u32 + 1;
        let start = u32::try_from(self.values.bytes.len()).unwrap_or(u32::MAX);
        self.table.insert(Entry { hash_low: hash as u32, id, start, length: value.len() as u32 });
        self.values.push(value);
        id
    }

    /// The id of a value, if it has one.
    #[inline]
    pub(crate) fn find(&self, value: &[u8], hash: u64) -> Option<u32> {
        let is_match = |entry: &Entry| self.values.get(entry.id as usize - 1) == value;
        self.table.find(hash as u32, is_match).map(|entry| entry.id)
    }

    /// Looks up at most [`VALUES_PER_LOOKUP`] values, and sets their ids, 0 for those that have none. `hashes` has the
    /// hash of each.
    ///
    /// A dictionary of a million keys is not in the processor's cache. Each step runs over all values, so the
    /// memory that the next step needs is fetched for all of them at once.
    pub(crate) fn find_many(&self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        let likely: ArrayVec<Entry, VALUES_PER_LOOKUP> = hashes
            .iter()
            .zip(values)
            .map(|(hash, _)| self.table.find(*hash as u32, |_| true).copied().unwrap_or_default())
            .collect();
        // Touch the first and the last byte, so that the value is in the cache when it is compared.
        let byte = |at: usize| self.values.bytes.get(at).copied().unwrap_or(0);
        let outer: ArrayVec<[u8; 2], VALUES_PER_LOOKUP> = likely
            .iter()
            .map(|entry| {
                let start = entry.start as usize;
                [byte(start), byte((start + entry.length as usize).wrapping_sub(1))]
            })
            .collect();
        let likely = likely.iter().zip(&outer);
        for (((value, hash), id), (entry, [first, last])) in values.iter().zip(hashes).zip(ids).zip(likely) {
            // Half of a hash does not prove equality: compare the value.
            let is_match = || {
                value.first().is_none_or(|byte| byte == first)
                    && value.last().is_none_or(|byte| byte == last)
                    && self.values.from(entry).is_some_and(|known| bytes_equal(known, value))
            };
            *id = match entry.id {
                0 => 0,
                id if is_match() => id,
                _ => self.find(value, *hash).unwrap_or(0),
            };
        }
    }

    /// Interns at most [`VALUES_PER_LOOKUP`] values, with the ids that [`Interner::intern`] would give them one after
    /// another. The parameters are those of [`Interner::find_many`].
    pub(crate) fn intern_many(&mut self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        self.find_many(values, hashes, ids);
        for ((value, hash), id) in values.iter().zip(hashes).zip(ids) {
            if *id == 0 {
                *id = self.intern(value, *hash);
            }
        }
    }

    /// Joins two interners that have no value in common. The ids of `second` follow those of `first`. The
    /// result has no unused capacity.
    pub(crate) fn joined(first: &Interner, second: &Interner) -> Interner {
        let count = first.values.len() + second.values.len();
        let mut values = Arena {
            ends: Vec::with_capacity(count),
            bytes: Vec::with_capacity(first.values.bytes.len() + second.values.bytes.len()),
        };
        let mut table = HashIndex::with_capacity(count);
        for Interner { table: more, values: others } in [first, second] {
            let before = values.len() as u32;
            let offset = u32::try_from(values.bytes.len()).unwrap_or(u32::MAX);
            for entry in more.iter() {
                let start = entry.start.saturating_add(offset);
                table.insert(Entry { id: before + entry.id, start, ..*entry });
            }
            values.append(others);
        }
        Interner { table, values }
    }

    /// The values; id `i` is at index `i - 1`.
    pub(crate) fn values(&self) -> &Arena {
        &self.values
    }

    /// Removes all values and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.table.clear();
        self.values.clear();
    }

    /// Moves all values to `values`, and takes over its memory.
    pub(crate) fn move_values_to(&mut self, values: &mut Arena) {
        self.table.clear();
        values.clear();
        std::mem::swap(&mut self.values, values);
    }
}

/// Limit of the values in a joined piece of a [`Dictionary`].
pub(crate) const MAX_JOINED_VALUES: usize = 1 << 16;

/// The values of a dimension, for readers. Cheap to clone. It grows piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    /// Index of the first value of each piece, and the piece.
    pieces: Vec<(u32, Arc<Arena>)>,
    len: u32,
}

impl Dictionary {
    /// Number of values. Their ids are 1 to this number.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the dictionary has no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of an id; `None` for 0 (absent) and for unknown ids.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        let index = id.checked_sub(1).filter(|index| *index < self.len)?;
        let piece = self.pieces.partition_point(|(first, _)| *first <= index) - 1;
        let (first, values) = &self.pieces[piece];
        Some(values.get((index - first) as usize))
    }

    /// All values in the order of their ids, from 1.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().flat_map(|(_, values)| values.iter())
    }

    /// Returns a dictionary with further values. Small pieces are joined, so that there are few. Large ones
    /// are not: copying a million values takes longer than a key press may.
    #[must_use]
    pub fn grown(&self, more: Arena) -> Dictionary {
        if more.is_empty() {
            return self.clone();
        }
        let mut grown = self.clone();
        grown.len += more.len() as u32;
        let mut last = more;
        while let Some((_, before)) = grown.pieces.last()
            && before.len() < 2 * last.len()
            && before.len() + last.len() <= MAX_JOINED_VALUES
        {
            let mut joined = Arena::clone(before);
            last.iter().for_each(|value| joined.push(value));
            grown.pieces.pop();
            last = joined;
        }
        last.shrink();
        grown.pieces.push((grown.len - last.len() as u32, Arc::new(last)));
        grown
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.pieces.iter().map(|(_, values)| values.memory()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_no_gaps_and_follow_the_order_of_first_occurrence() {
        let mut interner = Interner::default();
        let ids: Vec<u32> = ["b", "a", "b", "c", "a"]
            .iter()
            .map(|value| interner.intern(value.as_bytes(), hash(value.as_bytes())))
            .collect();
        assert_eq!(ids, [1, 2, 1, 3, 2]);
    }

    #[test]
    fn interning_many_values_gives_the_ids_of_interning_each() {
        let mut values = Arena::default();
        // New values, known ones, and new ones that repeat before they are known.
        for index in 0..1000usize {
            values.push(format!("value {}", index * index % 377).as_bytes());
        }
        let hashes: Vec<u64> = values.iter().map(hash).collect();
        let (mut together, mut single) = (Interner::default(), Interner::default());
        let all: Vec<&[u8]> = values.iter().collect();
        let mut ids: Vec<u32> = Vec::new();
        for _ in 0..2 {
            ids.clear();
            for (values, hashes) in all.chunks(VALUES_PER_LOOKUP).zip(hashes.chunks(VALUES_PER_LOOKUP)) {
                let mut few = [0; VALUES_PER_LOOKUP];
                together.intern_many(values, hashes, &mut few[..values.len()]);
                ids.extend(&few[..values.len()]);
            }
            let expected: Vec<u32> =
                values.iter().zip(&hashes).map(|(value, hash)| single.intern(value, *hash)).collect();
            assert_eq!(ids, expected);
        }
        // Values with equal hashes are distinguished.
        let ids_of = |interner: &mut Interner, value: &[u8]| {
            let mut ids = [0];
            interner.intern_many(&[value], &[7], &mut ids);
            ids[0]
        };
        let one = ids_of(&mut together, b"one of the same hash");
        assert_ne!(one, ids_of(&mut together, b"another of the same hash"));
        assert_eq!(one, ids_of(&mut together, b"one of the same hash"));
    }

    #[test]
    fn an_empty_value_is_found() {
        // Only a manually edited cache has an empty value.
        let mut interner = Interner::default();
        let id = interner.intern(b"", hash(b""));
        let mut ids = [0, 0];
        interner.intern_many(&[b"", b"a"], &[hash(b""), hash(b"a")], &mut ids);
        assert_eq!(ids, [id, id + 1]);
    }

    #[test]
    fn a_dictionary_that_grew_in_steps_has_all_values() {
        let mut dictionary = Dictionary::default();
        let mut id = 0;
        for step in [1usize, 5, 1, 1, 100, 3, 1, 1000, 1] {
            let mut more = Arena::default();
            for _ in 0..step {
                id += 1;
                more.push(format!("value {id}").as_bytes());
            }
            dictionary = dictionary.grown(more);
        }
        assert_eq!(dictionary.len(), id);
        assert!(dictionary.pieces.len() < 5);
        let mut more = Arena::default();
        for _ in 0..2 * MAX_JOINED_VALUES {
            id += 1;
            more.push(format!("value {id}").as_bytes());
        }
        dictionary = dictionary.grown(more);
        for id in 1..=id {
            assert_eq!(dictionary.get(id), Some(format!("value {id}").as_bytes()));
        }
        assert_eq!(dictionary.get(0), None);
        assert_eq!(dictionary.get(id + 1), None);
        assert_eq!(dictionary.iter().count(), id as usize);
    }
}
