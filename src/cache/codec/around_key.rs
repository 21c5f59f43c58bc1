//! Values in which the key of their row stands: what is in front of it is nearly always one of a few beginnings, so
//! most comparisons have been made before.

use std::cmp::Ordering;

use super::order::Bound;
use super::text::{KEY_CUT_OUT, OpenPage};
use super::{Damage, take_varint};
use crate::cache::dictionary::same;

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

/// Beginnings that were met, each with what is known of values that begin with it.
#[derive(Debug, Default)]
pub struct Beginnings {
    met: Vec<Beginning>,
    /// The next to be forgotten.
    next: usize,
}

#[derive(Debug)]
struct Beginning {
    /// As stored: the length, then the text.
    stored: Vec<u8>,
    /// Whether values come behind the bound, whatever their keys may be.
    is_behind: Option<bool>,
    hopeless: Hopeless,
}

/// Keys that, behind one beginning, make a value come behind the bound. That one only ever comes nearer, so they
/// need not be looked at again.
#[derive(Debug, Default)]
pub struct Hopeless(Vec<u64>);

impl Hopeless {
    /// Whether the key with this number is one of them.
    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 != 0)
    }

    /// Adds a key.
    pub fn add(&mut self, id: u32) {
        let word = id as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (id % 64);
    }
}

/// What a beginning tells of a value.
pub enum Told<'b> {
    /// It comes behind the bound.
    Behind,
    /// It depends on the key; these would make it come behind.
    Open(&'b mut Hopeless),
    /// Nothing.
    Unknown,
}

impl Beginnings {
    /// From now on for another bound, which comes before the last one.
    pub fn renew(&mut self, bound: &Bound) {
        for Beginning { stored, is_behind, .. } in &mut self.met {
            if *is_behind != Some(true) {
                *is_behind = tell(stored, bound);
            }
        }
    }

    /// What the beginning of a stored form tells.
    #[inline]
    pub fn look_up(&mut self, stored: &[u8], bound: &Bound) -> Told<'_> {
        let met = self.met.iter().position(|met| {
            stored.split_at_checked(met.stored.len()).is_some_and(|(begin, _)| same(begin, &met.stored))
        });
        let index = match met {
            Some(index) => index,
            None => match self.meet(stored, bound) {
                Some(index) => index,
                None => return Told::Unknown,
            },
        };
        let Beginning { is_behind, hopeless, .. } = &mut self.met[index];
        match is_behind {
            Some(true) => Told::Behind,
            Some(false) => Told::Unknown,
            None => Told::Open(hopeless),
        }
    }

    #[cold]
    fn meet(&mut self, stored: &[u8], bound: &Bound) -> Option<usize> {
        // Keys stand far in front: a length of one byte will do.
        let (&at @ ..0x80, rest) = stored.split_first()? else { return None };
        rest.get(..at.into())?;
        let stored = &stored[..=at.into()];
        let is_behind = tell(stored, bound);
        let one = Beginning { stored: stored.to_vec(), is_behind, hopeless: Hopeless::default() };
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
            let mut is_told = false;
            open.for_each_not_behind(&bound, &mut Beginnings::default(), |_| true, |_, _| {
                is_told = true;
                Ok::<_, ()>(())
            }).unwrap();
            prop_assert!(is_behind || is_told);
        }
    }

    #[test]
    fn a_key_is_hopeless_only_behind_the_beginning_it_was_met_with() {
        let mut beginnings = Beginnings::default();
        let bound = Bound::new(b"GET /b", false);
        let Told::Open(hopeless) = beginnings.look_up(b"\x05GET / HTTP/1.1", &bound) else { panic!() };
        assert!(!hopeless.has(70));
        hopeless.add(70);
        assert!(hopeless.has(70) && !hopeless.has(7) && !hopeless.has(700));
        assert!(matches!(beginnings.look_up(b"\x06GET //", &bound), Told::Unknown));
        assert!(matches!(beginnings.look_up(b"\x05PUT / HTTP/1.1", &bound), Told::Behind));
        let Told::Open(other) = beginnings.look_up(b"\x04GET / HTTP/1.1", &bound) else { panic!() };
        assert!(!other.has(70));

        let bound = Bound::new(b"GET /a", false);
        beginnings.renew(&bound);
        let Told::Open(hopeless) = beginnings.look_up(b"\x05GET /?a=b HTTP/1.1", &bound) else { panic!() };
        assert!(hopeless.has(70));
        let bound = Bound::new(b"DELETE /a", false);
        beginnings.renew(&bound);
        assert!(matches!(beginnings.look_up(b"\x05GET / HTTP/1.1", &bound), Told::Behind));
        // However many there are.
        for bucket in 0..99u8 {
            let stored = [&[10], b"DELETE /b".as_slice(), &[bucket], b" HTTP/1.1"].concat();
            assert!(matches!(beginnings.look_up(&stored, &bound), Told::Behind));
            let stored = [b"\x08DELETE /".as_slice(), &[bucket]].concat();
            assert!(matches!(beginnings.look_up(&stored, &bound), Told::Open(_)));
        }
        assert_eq!(beginnings.met.len(), REMEMBERED);
    }
}
