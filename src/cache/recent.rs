//! Values of a column that came lately, with their codes: most fields have a few values in millions of lines, and to
//! compare with one of them takes a third of what it takes to hash a value and look it up.

use super::dictionary::same;

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
pub(super) struct Recent {
    /// As many as a power of two.
    places: Box<[Place]>,
    bytes: Vec<u8>,
    /// So many bytes at most; then all is forgotten.
    most_bytes: usize,
}

impl Recent {
    /// At most so many, a power of two.
    pub(super) fn new(most: usize) -> Recent {
        Recent {
            places: vec![Place::default(); most.next_power_of_two()].into(),
            bytes: Vec::new(),
            most_bytes: most * 128,
        }
    }

    /// The code of a value, 0 if it is not among them. `glance` is [`glance`] of it.
    #[inline]
    pub(super) fn find(&self, value: &[u8], glance: u64) -> u32 {
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
    pub(super) fn remember(&mut self, value: &[u8], glance: u64, code: u32) {
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

/// A number that nearly always tells values apart, of a few bytes of a value and its length. Strangers may choose
/// values that it does not tell apart: those are looked up as if they had not come lately.
#[inline]
pub(super) fn glance(value: &[u8]) -> u64 {
    fn word(value: &[u8], at: usize) -> u64 {
        value.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
    }
    fn half(value: &[u8], at: usize) -> u64 {
        let bytes = value.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |half| u32::from_le_bytes(*half).into())
    }
    const ODD: [u64; 4] =
        [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB];
    let length = value.len();
    let mixed = match value {
        [] => 0,
        [first, .., last] if length < 4 => {
            u64::from(*first) << 16 | u64::from(value[1]) << 8 | u64::from(*last)
        }
        [only] => u64::from(*only),
        _ if length < 8 => half(value, 0) << 32 | half(value, length - 4),
        _ if length < 16 => word(value, 0).wrapping_mul(ODD[1]) ^ word(value, length - 8),
        _ => {
            let outer = word(value, 0).wrapping_mul(ODD[1]) ^ word(value, length - 8);
            let inner = word(value, length / 3).wrapping_mul(ODD[2]) ^ word(value, length / 2 + 1);
            outer ^ (inner ^ inner >> 32).wrapping_mul(ODD[3])
        }
    };
    let mixed = (mixed ^ mixed >> 29 ^ length as u64).wrapping_mul(ODD[0]);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_glance_tells_common_values_apart() {
        let values = [
            "200",
            "206",
            "304",
            "403",
            "404",
            "REST.GET.OBJECT",
            "REST.PUT.OBJECT",
            "REST.HEAD.OBJECT",
            "-",
        ];
        let mut glances: Vec<u64> = values.iter().map(|value| glance(value.as_bytes())).collect();
        glances.sort_unstable();
        glances.dedup();
        assert_eq!(glances.len(), values.len());
    }
}
