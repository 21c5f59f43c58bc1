//! Values of a column that came lately, with their codes: most fields have a few values in millions of lines, and to
//! compare with one of them takes a third of what it takes to hash a value and look it up.

use super::same;

/// A longer value is not remembered.
const LONGEST: usize = 1024;

/// Where a value is, and what it is coded as; code 0: there is none.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    glance: u64,
    start: u32,
    length: u32,
    code: u32,
}

/// Values that came lately.
#[derive(Debug)]
pub(in crate::cache) struct Recent {
    /// As many as a power of two.
    places: Box<[Place]>,
    bytes: Vec<u8>,
    /// So many bytes at most; then all is forgotten.
    most_bytes: usize,
}

impl Recent {
    /// At most so many, a power of two.
    pub(in crate::cache) fn new(most: usize) -> Recent {
        Recent {
            places: vec![Place::default(); most.next_power_of_two()].into(),
            bytes: Vec::new(),
            most_bytes: most * 128,
        }
    }

    /// The code of a value, 0 if it is not among them. `glance` is [`glance`](crate::log::glance::glance) of it.
    #[inline]
    pub(in crate::cache) fn find(&self, value: &[u8], glance: u64) -> u32 {
        let place = &self.places[self.place_of(glance)];
        let is_it = place.glance == glance
            && self
                .bytes
                .get(place.start as usize..)
                .and_then(|bytes| bytes.get(..place.length as usize))
                .is_some_and(|known| same(known, value));
        if is_it { place.code } else { 0 }
    }

    /// Remembers a value, instead of another if need be.
    pub(in crate::cache) fn remember(&mut self, value: &[u8], glance: u64, code: u32) {
        if value.len() > LONGEST {
            return;
        }
        if self.bytes.len() + value.len() > self.most_bytes {
            self.bytes.clear();
            self.places.fill(Place::default());
        }
        let place = self.place_of(glance);
        let (start, length) = (self.bytes.len() as u32, value.len() as u32);
        self.places[place] = Place { glance, start, length, code };
        self.bytes.extend_from_slice(value);
    }

    fn place_of(&self, glance: u64) -> usize {
        // The highest bits depend on all that was multiplied.
        (glance >> 40) as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::glance::glance;

    #[test]
    fn what_was_remembered_is_found_until_something_takes_its_place() {
        let mut recent = Recent::new(64);
        let values: Vec<Vec<u8>> =
            (0..2000usize).map(|index| vec![b'a' + (index % 7) as u8; index % 300]).collect();
        for (index, value) in values.iter().enumerate() {
            let code = index as u32 + 1;
            recent.remember(value, glance(value), code);
            assert_eq!(recent.find(value, glance(value)), code);
            // Others are found as what they are, or not at all.
            for (other, value) in values[..index].iter().enumerate() {
                let found = recent.find(value, glance(value));
                assert!(found == 0 || values[found as usize - 1] == *value, "{other}");
            }
        }
    }

    #[test]
    fn values_of_the_same_glance_are_told_apart() {
        let mut recent = Recent::new(64);
        recent.remember(b"one", 7, 1);
        assert_eq!(recent.find(b"two", 7), 0);
        recent.remember(b"two", 7, 2);
        assert_eq!(recent.find(b"two", 7), 2);
        assert_eq!(recent.find(b"one", 7), 0);
    }
}
