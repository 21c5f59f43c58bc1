//! Values in which the key of their row stands: what is in front of it is nearly always one of a few beginnings, so
//! most comparisons have been made before.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::order::Bound;
use super::text::{KEY_CUT_OUT, OpenPage};
use super::{Damage, take_varint};

/// So many beginnings are remembered.
const REMEMBERED: usize = 16;

/// A value in which the key of its row stands.
#[derive(Clone, Copy, Debug)]
pub struct AroundKey<'p> {
    /// What stands in front of the key.
    pub before: &'p [u8],
    /// What stands behind it.
    pub after: &'p [u8],
}

impl<'p> AroundKey<'p> {
    fn take(mut stored: &'p [u8]) -> Result<AroundKey<'p>, Damage> {
        let at = take_varint(&mut stored)? as usize;
        let cut = stored.split_at_checked(at);
        let (before, after) = cut.ok_or(Damage("a key is cut out beyond the end of a value"))?;
        Ok(AroundKey { before, after })
    }

    /// How the value compares with a text, if that is so whatever the key may be.
    pub fn compare_before(&self, text: &[u8]) -> Option<Ordering> {
        compare_beginning(self.before, &mut { text })
    }

    /// How the value compares with a text, and whether that is so whatever stands behind the key.
    pub fn compare(&self, key: &[u8], text: &[u8]) -> (Ordering, bool) {
        let mut rest = text;
        let order = compare_beginning(self.before, &mut rest).or_else(|| compare_beginning(key, &mut rest));
        match order {
            Some(order) => (order, true),
            None => (self.after.cmp(rest), false),
        }
    }
}

/// How a text that begins with `part` compares with `rest`, if that is certain; if not, what is left of `rest`
/// is to be compared with what follows.
fn compare_beginning(part: &[u8], rest: &mut &[u8]) -> Option<Ordering> {
    let (begin, behind) = rest.split_at(part.len().min(rest.len()));
    *rest = behind;
    Some(part.cmp(begin)).filter(|order| order.is_ne())
}

/// Beginnings that one thread has met, each with what is known of values that begin with it.
#[derive(Debug)]
pub struct Beginnings<'a> {
    met: Vec<Beginning>,
    /// The next to be forgotten.
    next: usize,
    all: &'a AllHopeless,
}

#[derive(Debug)]
struct Beginning {
    /// As stored: the length, then the text.
    stored: Vec<u8>,
    /// The first bytes of that, as far as they are in the mask.
    word: u64,
    mask: u64,
    /// Whether values come behind the bound, whatever their keys may be.
    is_behind: Option<bool>,
    hopeless: Arc<Hopeless>,
}

/// Keys that, behind one beginning, make a value come behind the bound. That one only ever comes nearer, so they
/// need not be looked at again, by no thread. A bit per number of a key.
#[derive(Debug)]
pub struct Hopeless(Vec<AtomicU64>);

impl Hopeless {
    /// Whether the key with this number is one of them.
    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word.load(Relaxed) >> (id % 64) & 1 != 0)
    }

    /// Adds a key.
    pub fn add(&self, id: u32) {
        if let Some(word) = self.0.get(id as usize / 64) {
            word.fetch_or(1 << (id % 64), Relaxed);
        }
    }
}

/// Those of all threads, by beginning.
#[derive(Debug)]
pub struct AllHopeless {
    keys: u32,
    known: Mutex<Vec<(Vec<u8>, Arc<Hopeless>)>>,
}

impl AllHopeless {
    /// None yet, of so many keys.
    pub fn new(keys: u32) -> AllHopeless {
        AllHopeless { keys, known: Mutex::default() }
    }

    fn of(&self, stored: &[u8]) -> Arc<Hopeless> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, hopeless)) = known.iter().find(|(of, _)| of == stored) {
            return hopeless.clone();
        }
        if known.len() >= 2 * REMEMBERED {
            known.remove(0);
        }
        let words = self.keys as usize / 64 + 1;
        let hopeless = Arc::new(Hopeless((0..words).map(|_| AtomicU64::new(0)).collect()));
        known.push((stored.to_vec(), hopeless.clone()));
        hopeless
    }
}

/// The most common beginning: nearly all values are passed over by it.
pub(super) struct Common {
    word: u64,
    mask: u64,
    /// The keys that make a value come behind the bound; `None`: all do.
    hopeless: Option<Arc<Hopeless>>,
}

impl Common {
    /// That of no value.
    const NONE: Common = Common { word: 1, mask: 0, hopeless: None };

    /// Whether a value that begins like this and has this key comes behind the bound.
    #[inline]
    pub(super) fn is_behind(&self, stored: &[u8], key: impl FnOnce() -> u32) -> bool {
        let is_it =
            stored.first_chunk().is_some_and(|word| u64::from_le_bytes(*word) & self.mask == self.word);
        is_it && self.hopeless.as_ref().is_none_or(|hopeless| hopeless.has(key()))
    }
}

/// What the beginning and the key tell of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It comes behind the bound.
    Behind,
    /// It depends on the key, of which nothing is known behind the beginning with this number.
    Open(usize),
    /// Nothing.
    Unknown,
}

impl<'a> Beginnings<'a> {
    /// None yet.
    pub fn new(all: &'a AllHopeless) -> Beginnings<'a> {
        Beginnings { met: Vec::new(), next: 0, all }
    }

    /// From now on for another bound, which comes before the last one.
    pub fn renew(&mut self, bound: &Bound) {
        for Beginning { stored, is_behind, .. } in &mut self.met {
            if *is_behind != Some(true) {
                *is_behind = tell(stored, bound);
            }
        }
    }

    /// The beginning that was met first, which is nearly always the most common.
    pub(super) fn common(&self) -> Common {
        match self.met.first() {
            Some(Beginning { stored, word, mask, is_behind, hopeless }) if stored.len() <= 8 => {
                match is_behind {
                    Some(true) => Common { word: *word, mask: *mask, hopeless: None },
                    None => Common { word: *word, mask: *mask, hopeless: Some(hopeless.clone()) },
                    Some(false) => Common::NONE,
                }
            }
            _ => Common::NONE,
        }
    }

    /// What the beginning of a stored form and the number of its key tell.
    pub(super) fn look_up(&mut self, stored: &[u8], key: u32, bound: &Bound) -> Told {
        let met = match stored.first_chunk() {
            Some(word) => {
                let word = u64::from_le_bytes(*word);
                self.met.iter().position(|met| {
                    word & met.mask == met.word && (met.stored.len() <= 8 || stored.starts_with(&met.stored))
                })
            }
            None => self.met.iter().position(|met| stored.starts_with(&met.stored)),
        };
        let Some(index) = met.or_else(|| self.meet(stored, bound)) else { return Told::Unknown };
        let Beginning { is_behind, hopeless, .. } = &self.met[index];
        match is_behind {
            Some(true) => Told::Behind,
            Some(false) => Told::Unknown,
            None if hopeless.has(key) => Told::Behind,
            None => Told::Open(index),
        }
    }

    /// The keys of which it is known that behind the beginning with this number they come behind the bound.
    pub fn hopeless(&self, beginning: usize) -> &Hopeless {
        &self.met[beginning].hopeless
    }

    #[cold]
    fn meet(&mut self, stored: &[u8], bound: &Bound) -> Option<usize> {
        // Keys stand far in front: a length of one byte will do.
        let (&at @ ..0x80, rest) = stored.split_first()? else { return None };
        rest.get(..at.into())?;
        let stored = &stored[..=at.into()];
        let is_behind = tell(stored, bound);
        let mut word = [0; 8];
        word.iter_mut().zip(stored).for_each(|(byte, stored)| *byte = *stored);
        let one = Beginning {
            stored: stored.to_vec(),
            word: u64::from_le_bytes(word),
            mask: u64::MAX >> (64 - 8 * stored.len().min(8)),
            is_behind,
            hopeless: self.all.of(stored),
        };
        if self.met.len() < REMEMBERED {
            self.met.push(one);
            return Some(self.met.len() - 1);
        }
        self.next = (self.next + 1) % REMEMBERED;
        self.met[self.next] = one;
        Some(self.next)
    }
}

/// Whether values with a beginning come behind a bound, whatever their keys may be.
fn tell(stored: &[u8], bound: &Bound) -> Option<bool> {
    let before = stored.split_first().map_or(stored, |(_, before)| before);
    compare_beginning(before, &mut bound.text()).map(|order| bound.is_behind(order))
}

impl OpenPage {
    /// Whether the key of its row stands in a value.
    pub fn is_around_key(&self, row: usize) -> bool {
        matches!(self.stored(row), Some((_, KEY_CUT_OUT)))
    }

    /// A value in which a key stands, without it; `None` if it is none of those.
    ///
    /// # Errors
    /// If the stored form makes no sense.
    pub fn around_key(&self, row: usize) -> Result<Option<AroundKey<'_>>, Damage> {
        match self.stored(row) {
            Some((stored, KEY_CUT_OUT)) => AroundKey::take(stored).map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::{Hint, PageBuilder};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_around_its_key_compares_as_the_whole(
            before in "[a-b]{0,6}", key in "[a-b]{0,3}", after in "[a-b]{0,3}", text in "[a-b]{0,10}",
            descending: bool,
        ) {
            let whole = format!("{before}{key}{after}");
            let mut builder = PageBuilder::new(Hint::Text);
            builder.push_around_key(whole.as_bytes(), before.len(), key.len());
            let open = OpenPage::open(&builder.finish().unwrap()).unwrap();
            let around = open.around_key(0).unwrap().unwrap();
            let expected = whole.as_bytes().cmp(text.as_bytes());
            if let Some(order) = around.compare_before(text.as_bytes()) {
                prop_assert_eq!(order, expected);
            }
            let (compared, is_by_key) = around.compare(key.as_bytes(), text.as_bytes());
            prop_assert_eq!(compared, expected);
            if is_by_key {
                let other = AroundKey { after: b"ab", ..around };
                prop_assert_eq!(other.compare(key.as_bytes(), text.as_bytes()).0, expected);
            }
            let bound = Bound::new(text.as_bytes(), descending);
            let is_behind = if descending { expected.is_lt() } else { expected.is_gt() };
            let all = AllHopeless::new(9);
            let mut found = Vec::new();
            open.not_behind(&bound, &mut Beginnings::new(&all), &[1], |_| true, &mut found);
            prop_assert!(is_behind || found.len() == 1);
        }
    }

    #[test]
    fn a_key_is_hopeless_only_behind_the_beginning_it_was_met_with() {
        let all = AllHopeless::new(100);
        let mut beginnings = Beginnings::new(&all);
        let bound = Bound::new(b"GET /b", false);
        let get = b"\x05GET / HTTP/1.1".as_slice();
        let Told::Open(beginning) = beginnings.look_up(get, 70, &bound) else { panic!() };
        beginnings.hopeless(beginning).add(70);
        assert_eq!(beginnings.look_up(get, 70, &bound), Told::Behind);
        assert_eq!(beginnings.look_up(get, 6, &bound), Told::Open(beginning));
        assert_eq!(beginnings.look_up(get, 700, &bound), Told::Open(beginning));
        assert_eq!(beginnings.look_up(b"\x06GET //", 70, &bound), Told::Unknown);
        assert_eq!(beginnings.look_up(b"\x05PUT / HTTP/1.1", 6, &bound), Told::Behind);
        assert!(matches!(beginnings.look_up(b"\x04GET / HTTP/1.1", 70, &bound), Told::Open(_)));
        // To another thread too.
        let mut other = Beginnings::new(&all);
        assert_eq!(other.look_up(get, 70, &bound), Told::Behind);

        let bound = Bound::new(b"GET /a", false);
        beginnings.renew(&bound);
        assert_eq!(beginnings.look_up(b"\x05GET /?a=b HTTP/1.1", 70, &bound), Told::Behind);
        assert!(matches!(beginnings.look_up(get, 6, &bound), Told::Open(_)));
        let bound = Bound::new(b"DELETE /a", false);
        beginnings.renew(&bound);
        assert_eq!(beginnings.look_up(get, 6, &bound), Told::Behind);
        // However many there are.
        for bucket in 0..99u8 {
            let stored = [&[10], b"DELETE /b".as_slice(), &[bucket], b" HTTP/1.1"].concat();
            assert_eq!(beginnings.look_up(&stored, 6, &bound), Told::Behind);
            let stored = [b"\x08DELETE /".as_slice(), &[bucket]].concat();
            assert!(matches!(beginnings.look_up(&stored, 6, &bound), Told::Open(_)));
        }
        assert_eq!(beginnings.met.len(), REMEMBERED);
    }
}
