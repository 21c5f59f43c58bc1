//! The bucket of an instant: a multiplication replaces the division, because every request needs it.

use crate::query::origin;

/// Buckets of one width, counted from the bucket of the earliest instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets {
    origin: i64,
    /// Number of the first bucket.
    first: i64,
    /// Start of the first bucket.
    start: i64,
    width: i64,
    /// `⌈2⁶⁴ / width⌉`: the upper half of its product with a 32-bit number is the quotient (D. Lemire,
    /// O. Kaser, N. Kurz, "Faster remainder by direct computation", 2019). `None`: the offsets exceed 32 bits.
    factor: Option<u64>,
}

impl Buckets {
    pub(super) fn new(width: u32, earliest: i64, latest: i64) -> Buckets {
        let seconds = i64::from(width.max(1));
        let origin = origin(width);
        let first = bucket_number(width, earliest);
        let start = first.saturating_mul(seconds).saturating_add(origin);
        let fits = latest.checked_sub(start).is_some_and(|span| (0..=i64::from(u32::MAX)).contains(&span));
        let factor = (fits && seconds > 1).then(|| u64::MAX / seconds as u64 + 1);
        Buckets { origin, first, start, width: seconds, factor }
    }

    pub(super) fn first(&self) -> i64 {
        self.first
    }

    /// The bucket of an instant, counted from the first bucket; meaningless if the instant is not between `earliest`
    /// and `latest`.
    #[inline]
    pub(super) fn of(&self, instant: i64) -> usize {
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

/// The number of the bucket of an instant, counted from [`origin`].
pub(super) fn bucket_number(width: u32, instant: i64) -> i64 {
    instant.saturating_sub(origin(width)).div_euclid(i64::from(width.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_bucket_of_an_instant_is_the_quotient(
            width in prop_oneof![1..10u32, 10..100_000u32, any::<u32>(), (1..100u32).prop_map(|weeks| weeks * 604_800)],
            earliest in prop_oneof![-1_000_000_000_000..1_000_000_000_000i64, Just(0)],
            span in prop_oneof![0..100_000i64, 0..1i64 << 34],
            parts in prop::collection::vec(0.0..=1.0f64, 1..50),
        ) {
            let latest = earliest + span;
            let buckets = Buckets::new(width, earliest, latest);
            let inside = parts.into_iter().map(|part| earliest + (part * span as f64) as i64);
            for instant in inside.chain([earliest, latest]).filter(|instant| *instant <= latest) {
                let expected = bucket_number(width, instant) - buckets.first();
                prop_assert_eq!(buckets.of(instant) as i64, expected, "{}", instant);
            }
        }
    }
}
