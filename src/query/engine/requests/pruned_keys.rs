//! Prunes values whose key is elided, for the first requests in the order of a text. The text before the key is
//! nearly always one of a few prefixes, so most comparisons with the bound were made before: with the prefix, or with
//! the prefix and the key.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::text_bound::TextBound;

/// Prefixes that each thread remembers.
const MAX_PREFIXES: usize = 16;

/// How a text that begins with `part` compares with `rest`; `None` if `part` does not decide. Removes the compared
/// bytes from `rest`, to compare the others with the text after `part`.
pub(crate) fn compare_part(part: &[u8], rest: &mut &[u8]) -> Option<Ordering> {
    let (start, after) = rest.split_at(part.len().min(rest.len()));
    *rest = after;
    Some(part.cmp(start)).filter(|order| order.is_ne())
}

/// Value ids of keys that, with one prefix, put a value after the bound. The bound only tightens, so they stay pruned.
/// All threads share the set without a lock: a bit per value id.
#[derive(Debug)]
pub(crate) struct PrunedKeys(Vec<AtomicU64>);

impl PrunedKeys {
    #[inline]
    pub(crate) fn contains(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word.load(Relaxed) >> (id % 64) & 1 != 0)
    }

    pub(crate) fn insert(&self, id: u32) {
        if let Some(word) = self.0.get(id as usize / 64) {
            word.fetch_or(1 << (id % 64), Relaxed);
        }
    }
}

/// The pruned keys of each prefix, shared by all threads.
#[derive(Debug)]
pub(crate) struct PrunedKeysByPrefix {
    keys: u32,
    prefixes: Mutex<Vec<(Vec<u8>, Arc<PrunedKeys>)>>,
}

impl PrunedKeysByPrefix {
    /// Empty sets of at most `keys` keys.
    pub(crate) fn new(keys: u32) -> PrunedKeysByPrefix {
        PrunedKeysByPrefix { keys, prefixes: Mutex::default() }
    }

    fn of(&self, prefix: &[u8]) -> Arc<PrunedKeys> {
        let mut prefixes = self.prefixes.lock();
        if let Some((_, pruned)) = prefixes.iter().find(|(known, _)| known == prefix) {
            return pruned.clone();
        }
        if prefixes.len() >= 2 * MAX_PREFIXES {
            prefixes.remove(0);
        }
        let words = self.keys as usize / 64 + 1;
        let pruned = Arc::new(PrunedKeys((0..words).map(|_| AtomicU64::new(0)).collect()));
        prefixes.push((prefix.to_vec(), pruned.clone()));
        pruned
    }
}

/// Whether a value is after the bound, as far as its prefix and key show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefixVerdict {
    AfterBound,
    /// The key decides. It is not pruned for the prefix with this index.
    DependsOnKey(usize),
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Prefixes<'a> {
    seen: Vec<Prefix>,
    /// Index of the prefix that was replaced last.
    last_replaced: usize,
    pruned: &'a PrunedKeysByPrefix,
}

#[derive(Debug)]
struct Prefix {
    /// As stored: a length of one byte, then the text.
    stored: Vec<u8>,
    /// The first eight bytes of `stored`; the mask of those that `stored` has.
    word: u64,
    mask: u64,
    /// Whether values with this prefix are after the bound; `None` if the key decides.
    is_after: Option<bool>,
    pruned: Arc<PrunedKeys>,
}

/// The most common prefix, which rejects nearly all values.
pub(crate) struct FirstPrefix {
    word: u64,
    mask: u64,
    /// Keys that put a value after the bound; `None` if all do.
    pruned: Option<Arc<PrunedKeys>>,
}

impl FirstPrefix {
    /// A prefix that no value has.
    const NONE: FirstPrefix = FirstPrefix { word: 1, mask: 0, pruned: None };

    /// Whether a stored value has this prefix, and prefix and key put it after the bound.
    #[inline]
    pub(crate) fn is_after_bound(&self, stored: &[u8], key: impl FnOnce() -> u32) -> bool {
        let has_prefix =
            stored.first_chunk().is_some_and(|word| u64::from_le_bytes(*word) & self.mask == self.word);
        has_prefix && self.pruned.as_ref().is_none_or(|pruned| pruned.contains(key()))
    }
}

impl<'a> Prefixes<'a> {
    /// No prefixes; the pruned keys are those of all threads.
    pub(crate) fn new(pruned: &'a PrunedKeysByPrefix) -> Prefixes<'a> {
        Prefixes { seen: Vec::new(), last_replaced: 0, pruned }
    }

    pub(crate) fn tighten(&mut self, bound: &TextBound) {
        for Prefix { stored, is_after, .. } in &mut self.seen {
            if *is_after != Some(true) {
                *is_after = is_after_bound(stored, bound);
            }
        }
    }

    /// The prefix that was seen first, which nearly always is the most common one.
    pub(crate) fn first(&self) -> FirstPrefix {
        match self.seen.first() {
            Some(Prefix { stored, word, mask, is_after, pruned }) if stored.len() <= 8 => match is_after {
                Some(true) => FirstPrefix { word: *word, mask: *mask, pruned: None },
                None => FirstPrefix { word: *word, mask: *mask, pruned: Some(pruned.clone()) },
                Some(false) => FirstPrefix::NONE,
            },
            _ => FirstPrefix::NONE,
        }
    }

    /// Whether a stored value is after the bound, as far as its prefix and the value id of its key show.
    pub(crate) fn verdict(&mut self, stored: &[u8], key: u32, bound: &TextBound) -> PrefixVerdict {
        let known = match stored.first_chunk() {
            Some(word) => {
                let word = u64::from_le_bytes(*word);
                self.seen.iter().position(|prefix| {
                    word & prefix.mask == prefix.word
                        && (prefix.stored.len() <= 8 || stored.starts_with(&prefix.stored))
                })
            }
            None => self.seen.iter().position(|prefix| stored.starts_with(&prefix.stored)),
        };
        let Some(index) = known.or_else(|| self.add(stored, bound)) else { return PrefixVerdict::Unknown };
        let Prefix { is_after, pruned, .. } = &self.seen[index];
        match is_after {
            Some(true) => PrefixVerdict::AfterBound,
            Some(false) => PrefixVerdict::Unknown,
            None if pruned.contains(key) => PrefixVerdict::AfterBound,
            None => PrefixVerdict::DependsOnKey(index),
        }
    }

    pub(crate) fn pruned_keys(&self, index: usize) -> &PrunedKeys {
        &self.seen[index].pruned
    }

    /// Remembers the prefix of a stored value and returns its index; `None` if it is damaged or too long.
    #[cold]
    fn add(&mut self, stored: &[u8], bound: &TextBound) -> Option<usize> {
        // Keys begin after a few characters: prefixes whose length takes two bytes are not worth remembering.
        let (&length @ ..0x80, rest) = stored.split_first()? else { return None };
        rest.get(..length.into())?;
        let stored = &stored[..=length.into()];
        let mut word = [0; 8];
        word.iter_mut().zip(stored).for_each(|(byte, stored)| *byte = *stored);
        let prefix = Prefix {
            stored: stored.to_vec(),
            word: u64::from_le_bytes(word),
            mask: u64::MAX >> (64 - 8 * stored.len().min(8)),
            is_after: is_after_bound(stored, bound),
            pruned: self.pruned.of(stored),
        };
        if self.seen.len() < MAX_PREFIXES {
            self.seen.push(prefix);
            return Some(self.seen.len() - 1);
        }
        self.last_replaced = (self.last_replaced + 1) % MAX_PREFIXES;
        self.seen[self.last_replaced] = prefix;
        Some(self.last_replaced)
    }
}

/// Whether values with a prefix are after the bound; `None` if their keys decide.
fn is_after_bound(stored: &[u8], bound: &TextBound) -> Option<bool> {
    let prefix = stored.split_first().map_or(stored, |(_, prefix)| prefix);
    compare_part(prefix, &mut bound.text()).map(|order| bound.is_after(order))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_pruned_only_with_its_prefix() {
        let all = PrunedKeysByPrefix::new(100);
        let mut prefixes = Prefixes::new(&all);
        let bound = TextBound::new(b"GET /b", false);
        let get = b"\x05GET / HTTP/1.1".as_slice();
        let PrefixVerdict::DependsOnKey(index) = prefixes.verdict(get, 70, &bound) else { panic!() };
        prefixes.pruned_keys(index).insert(70);
        assert_eq!(prefixes.verdict(get, 70, &bound), PrefixVerdict::AfterBound);
        assert_eq!(prefixes.verdict(get, 6, &bound), PrefixVerdict::DependsOnKey(index));
        assert_eq!(prefixes.verdict(get, 700, &bound), PrefixVerdict::DependsOnKey(index));
        assert_eq!(prefixes.verdict(b"\x06GET //", 70, &bound), PrefixVerdict::Unknown);
        assert_eq!(prefixes.verdict(b"\x05PUT / HTTP/1.1", 6, &bound), PrefixVerdict::AfterBound);
        let shorter = prefixes.verdict(b"\x04GET / HTTP/1.1", 70, &bound);
        assert!(matches!(shorter, PrefixVerdict::DependsOnKey(_)));
        let mut other_thread = Prefixes::new(&all);
        assert_eq!(other_thread.verdict(get, 70, &bound), PrefixVerdict::AfterBound);

        let bound = TextBound::new(b"GET /a", false);
        prefixes.tighten(&bound);
        assert_eq!(prefixes.verdict(b"\x05GET /?a=b HTTP/1.1", 70, &bound), PrefixVerdict::AfterBound);
        assert!(matches!(prefixes.verdict(get, 6, &bound), PrefixVerdict::DependsOnKey(_)));
        let bound = TextBound::new(b"DELETE /a", false);
        prefixes.tighten(&bound);
        assert_eq!(prefixes.verdict(get, 6, &bound), PrefixVerdict::AfterBound);
        for bucket in 0..99u8 {
            let stored = [&[10], b"DELETE /b".as_slice(), &[bucket], b" HTTP/1.1"].concat();
            assert_eq!(prefixes.verdict(&stored, 6, &bound), PrefixVerdict::AfterBound);
            let stored = [b"\x08DELETE /".as_slice(), &[bucket]].concat();
            assert!(matches!(prefixes.verdict(&stored, 6, &bound), PrefixVerdict::DependsOnKey(_)));
        }
        assert_eq!(prefixes.seen.len(), MAX_PREFIXES);
    }
}
