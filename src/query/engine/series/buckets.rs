//! Which stretch of time an instant falls into: a division per request, made a multiplication.

use crate::query::origin;

/// Stretches of one width, counted from the one in which the first instant lies.
#[derive(Clone, Copy, Debug)]
pub struct Buckets {
    /// What stretches are counted from.
    origin: i64,
    /// Number of the first stretch since then, and when it begins.
    first: i64,
    start: i64,
    width: i64,
    /// `⌈2⁶⁴ / width⌉`: the upper half of its product with a number of 32 bits is the quotient (D. Lemire,
    /// O. Kaser, N. Kurz, "Faster remainder by direct computation", 2019). `None`: it has no room for it.
    factor: Option<u64>,
}

impl Buckets {
    /// Of a width in seconds, for instants from `earliest` to `latest`.
    pub fn new(width: u32, earliest: i64, latest: i64) -> Buckets {
        let wide = i64::from(width.max(1));
        let origin = origin(width);
        let first = number(width, earliest);
        let start = first.saturating_mul(wide).saturating_add(origin);
        let is_narrow =
            latest.checked_sub(start).is_some_and(|span| (0..=i64::from(u32::MAX)).contains(&span));
        let factor = (is_narrow && wide > 1).then(|| u64::MAX / wide as u64 + 1);
        Buckets { origin, first, start, width: wide, factor }
    }

    /// Number of the first stretch, counted as [`number`] does.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// The stretch of an instant, from 0; meaningless for one that is not between those announced.
    #[inline]
    pub fn of(&self, instant: i64) -> usize {
        match self.factor {
            Some(factor) => {
                let offset = instant.wrapping_sub(self.start) as u32;
                ((u128::from(factor) * u128::from(offset)) >> 64) as usize
            }
            None => {
                instant.saturating_sub(self.origin).div_euclid(self.width).wrapping_sub(self.first) as usize
            }
        }
    }
}

/// Number of the stretch of this width in which an instant lies, counted from [`origin`].
pub fn number(width: u32, instant: i64) -> i64 {
    instant.saturating_sub(origin(width)).div_euclid(i64::from(width.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_instant_is_in_the_stretch_that_division_says(
            width in prop_oneof![1..10u32, 10..100_000u32, any::<u32>(), (1..100u32).prop_map(|weeks| weeks * 604_800)],
            earliest in prop_oneof![-1_000_000_000_000..1_000_000_000_000i64, Just(0)],
            span in prop_oneof![0..100_000i64, 0..1i64 << 34],
            places in prop::collection::vec(0.0..=1.0f64, 1..50),
        ) {
            let latest = earliest + span;
            let buckets = Buckets::new(width, earliest, latest);
            let inside = places.into_iter().map(|place| earliest + (place * span as f64) as i64);
            for instant in inside.chain([earliest, latest]).filter(|instant| *instant <= latest) {
                let expected = number(width, instant) - buckets.first();
                prop_assert_eq!(buckets.of(instant) as i64, expected, "{}", instant);
            }
        }
    }
}
