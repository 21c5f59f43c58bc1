//! The values of a dimension and their ids: what a writer needs ([`Interner`]), and what readers see
//! ([`Dictionary`]).

mod hash_index;
pub(super) mod published;
pub(super) mod table;
pub(super) mod value_memo;

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use arrayvec::ArrayVec;
use hashbrown::DefaultHashBuilder;

use hash_index::{Entry, ValueTable};

/// One seed for the process, so that a hash that a parser computed serves the writer too. Random: keys
/// are chosen by strangers, who might choose them to collide.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// Hash of a value; the same all through the process, another in the next.
pub fn hash(value: &[u8]) -> u64 {
    HASHER.hash_one(value)
}

/// Whether two values are the same. Most values are short, and calling for a comparison of memory takes
/// longer than it takes to compare them.
#[inline]
pub fn same(one: &[u8], other: &[u8]) -> bool {
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

/// How many values are looked up at once.
pub const TOGETHER: usize = 32;

/// Many short byte strings behind one another.
#[derive(Clone, Debug, Default)]
pub struct Arena {
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl Arena {
    /// How many strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at an index.
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start as usize..self.ends[index] as usize]
    }

    /// The string that an entry says is there, if it can tell where.
    #[inline]
    fn from(&self, entry: &Entry) -> Option<&[u8]> {
        let start = Some(entry.start).filter(|start| *start != u32::MAX)?;
        self.bytes.get(start as usize..)?.get(..entry.length as usize)
    }

    /// Adds all strings of another behind those it has.
    fn append(&mut self, other: &Arena) {
        let before = self.bytes.len() as u64;
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// Adds a string at the end.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u64);
    }

    /// Bytes of its strings.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.ends.capacity() * 8 + self.bytes.capacity()
    }

    /// Gives back memory that is set aside for more.
    pub fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Gives values ids: dense from 1 in order of first sight.
#[derive(Debug, Default)]
pub struct Interner {
    table: ValueTable,
    values: Arena,
}

impl Interner {
    /// The id of a value, which is added if it is new. `hash` is [`hash`] of it.
    #[inline]
    pub fn intern(&mut self, value: &[u8], hash: u64) -> u32 {
        if let Some(id) = self.find(value, hash) {
            return id;
        }
        let id = self.values.len() as u32 + 1;
        let start = u32::try_from(self.values.bytes.len()).unwrap_or(u32::MAX);
        self.table.insert(Entry { half: hash as u32, id, start, length: value.len() as u32 });
        self.values.push(value);
        id
    }

    /// The id of a value, if it has one.
    #[inline]
    pub fn find(&self, value: &[u8], hash: u64) -> Option<u32> {
        let is_it = |entry: &Entry| self.values.get(entry.id as usize - 1) == value;
        self.table.find(hash as u32, is_it).map(|entry| entry.id)
    }

    /// The ids of several values, 0 for those that have none. `hashes` has the hash of each, `ids` takes the
    /// ids; at most [`TOGETHER`] at once.
    ///
    /// A dictionary of a million keys lies far from the processor. Step by step over all values, the
    /// memory that the next one needs is on its way while the last one is waited for.
    pub fn find_together(&self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        let likely: ArrayVec<Entry, TOGETHER> = hashes
            .iter()
            .zip(values)
            .map(|(hash, _)| self.table.find(*hash as u32, |_| true).copied().unwrap_or_default())
            .collect();
        // A look at the outer bytes: so the value is near when it is compared, nearly always all of it.
        let byte = |at: usize| self.values.bytes.get(at).copied().unwrap_or(0);
        let outer: ArrayVec<[u8; 2], TOGETHER> = likely
            .iter()
            .map(|entry| {
                let start = entry.start as usize;
                [byte(start), byte((start + entry.length as usize).wrapping_sub(1))]
            })
            .collect();
        let likely = likely.iter().zip(&outer);
        for (((value, hash), id), (entry, [first, last])) in values.iter().zip(hashes).zip(ids).zip(likely) {
            // Half a hash says that it is this one; only the value itself is certain.
            let is_it = || {
                value.first().is_none_or(|byte| byte == first)
                    && value.last().is_none_or(|byte| byte == last)
                    && self.values.from(entry).is_some_and(|known| same(known, value))
            };
            *id = match entry.id {
                0 => 0,
                id if is_it() => id,
                _ => self.find(value, *hash).unwrap_or(0),
            };
        }
    }

    /// The ids of several values, as [`Interner::intern`] would give them one after another; as
    /// [`Interner::find_together`].
    pub fn intern_together(&mut self, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        self.find_together(values, hashes, ids);
        for ((value, hash), id) in values.iter().zip(hashes).zip(ids) {
            if *id == 0 {
                *id = self.intern(value, *hash);
            }
        }
    }

    /// One with the values of both, those of the second (none of which the first has) behind those of the
    /// first; it takes no more memory than it needs.
    pub fn joined(first: &Interner, second: &Interner) -> Interner {
        let count = first.values.len() + second.values.len();
        let mut values = Arena {
            ends: Vec::with_capacity(count),
            bytes: Vec::with_capacity(first.values.bytes.len() + second.values.bytes.len()),
        };
        let mut table = ValueTable::with_capacity(count);
        for Interner { table: more, values: others } in [first, second] {
            let before = values.len() as u32;
            let behind = u32::try_from(values.bytes.len()).unwrap_or(u32::MAX);
            for entry in more.iter() {
                let start = entry.start.saturating_add(behind);
                table.insert(Entry { id: before + entry.id, start, ..*entry });
            }
            values.append(others);
        }
        Interner { table, values }
    }

    /// The values; id `i` at index `i - 1`.
    pub fn values(&self) -> &Arena {
        &self.values
    }

    /// Forgets all values, keeping memory.
    pub fn clear(&mut self) {
        self.table.clear();
        self.values.clear();
    }

    /// Forgets all values and gives them away, for others of which only the memory matters.
    pub fn exchange(&mut self, values: &mut Arena) {
        self.table.clear();
        values.clear();
        std::mem::swap(&mut self.values, values);
    }
}

/// Values in a piece of a [`Dictionary`]: larger ones are not made by joining.
pub const PIECE: usize = 1 << 16;

/// The values of a dimension as a reader knows them. Cheap to clone; grows by pieces.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    /// Index of the first value of each piece, and the piece.
    pieces: Vec<(u32, Arc<Arena>)>,
    len: u32,
}

impl Dictionary {
    /// How many values; their ids are 1 to this, included.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of an id; `None` for 0 (absent) and for ids not known.
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

    /// The same with further values. Small pieces are joined as they come so that there are few; large ones
    /// stay as they are: to copy a million values takes longer than a key press may.
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
            && before.len() + last.len() <= PIECE
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

    /// Bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.pieces.iter().map(|(_, values)| values.memory()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_from_one_in_order_of_first_sight() {
        let mut interner = Interner::default();
        let ids: Vec<u32> = ["b", "a", "b", "c", "a"]
            .iter()
            .map(|value| interner.intern(value.as_bytes(), hash(value.as_bytes())))
            .collect();
        assert_eq!(ids, [1, 2, 1, 3, 2]);
    }

    #[test]
    fn values_looked_up_together_get_the_ids_they_would_get_one_after_another() {
        let mut values = Arena::default();
        // New ones, known ones, and new ones that come again before they are known.
        for index in 0..1000usize {
            values.push(format!("value {}", index * index % 377).as_bytes());
        }
        let hashes: Vec<u64> = values.iter().map(hash).collect();
        let (mut together, mut single) = (Interner::default(), Interner::default());
        let all: Vec<&[u8]> = values.iter().collect();
        let mut ids: Vec<u32> = Vec::new();
        for _ in 0..2 {
            ids.clear();
            for (values, hashes) in all.chunks(TOGETHER).zip(hashes.chunks(TOGETHER)) {
                let mut few = [0; TOGETHER];
                together.intern_together(values, hashes, &mut few[..values.len()]);
                ids.extend(&few[..values.len()]);
            }
            let expected: Vec<u32> =
                values.iter().zip(&hashes).map(|(value, hash)| single.intern(value, *hash)).collect();
            assert_eq!(ids, expected);
        }
        // A value is told from another that happens to have the same hash.
        let ids_of = |interner: &mut Interner, value: &[u8]| {
            let mut ids = [0];
            interner.intern_together(&[value], &[7], &mut ids);
            ids[0]
        };
        let one = ids_of(&mut together, b"one of the same hash");
        assert_ne!(one, ids_of(&mut together, b"another of the same hash"));
        assert_eq!(one, ids_of(&mut together, b"one of the same hash"));
    }

    #[test]
    fn an_empty_value_that_is_the_only_one_is_found_again() {
        // Only a cache that somebody made by hand has one.
        let mut interner = Interner::default();
        let id = interner.intern(b"", hash(b""));
        let mut ids = [0, 0];
        interner.intern_together(&[b"", b"a"], &[hash(b""), hash(b"a")], &mut ids);
        assert_eq!(ids, [id, id + 1]);
    }

    #[test]
    fn a_dictionary_grown_in_steps_is_the_one_grown_at_once() {
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
        for _ in 0..2 * PIECE {
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
