//! Chance that is the same on every machine: nothing here or in what draws from it uses more than
//! integer arithmetic and the exactly rounded operations of floating point.

/// The xoshiro256** generator of David Blackman and Sebastiano Vigna (public domain,
/// <https://prng.di.unimi.it/xoshiro256starstar.c>), seeded through their SplitMix64 as they advise.
#[derive(Clone, Debug)]
pub(super) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The generator number `stream` of `seed`: any two are independent for all that matters here.
    pub(super) fn new(seed: u64, stream: u64) -> Rng {
        let mut x = mix(seed) ^ mix(stream ^ 0x7461_6d61_7269_6e73);
        let mut next = || {
            x = x.wrapping_add(GAMMA);
            finish(x)
        };
        Rng { state: [next(), next(), next(), next()] }
    }

    /// 64 bits.
    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = &mut self.state;
        let result = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = *s1 << 17;
        *s2 ^= *s0;
        *s3 ^= *s1;
        *s1 ^= *s2;
        *s0 ^= *s3;
        *s2 ^= t;
        *s3 = s3.rotate_left(45);
        result
    }

    /// A number from 0 up to `limit`, excluded; 0 if `limit` is 0.
    #[inline]
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A number from `low` up to `high`, excluded.
    #[inline]
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low)
    }

    /// A fraction from 0 up to 1, excluded.
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        to_unit(self.next())
    }

    /// True once in `times`.
    #[inline]
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of them; they are never empty.
    #[inline]
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A rank from 0 up to `count`, excluded, low ranks far more often than high ones: the inverse-power
    /// stand-in for Zipf's law (rank density falls with about the 2/3rd power of the rank).
    #[inline]
    pub(super) fn rank(&mut self, count: usize) -> usize {
        let u = self.unit();
        (count as f64 * u * u * u) as usize
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The bits of `x` thoroughly mixed: SplitMix64's step.
#[inline]
pub(super) fn mix(x: u64) -> u64 {
    finish(x.wrapping_add(GAMMA))
}

#[inline]
fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper bits as a fraction from 0 up to 1, excluded.
#[inline]
pub(super) fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_xoshiro256_star_star() {
        // First outputs of the reference code for the state 1, 2, 3, 4.
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| rng.next()).collect();
        assert_eq!(first, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn low_ranks_come_more_often_and_all_are_in_range() {
        let mut rng = Rng::new(1, 2);
        let ranks: Vec<usize> = (0..10_000).map(|_| rng.rank(1000)).collect();
        assert!(ranks.iter().all(|&rank| rank < 1000));
        let low = ranks.iter().filter(|&&rank| rank < 100).count();
        assert!((4000..5200).contains(&low), "{low} of 10,000 in the first tenth");
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Rng::new(1, 1).next(), Rng::new(1, 2).next());
        assert_ne!(Rng::new(1, 1).next(), Rng::new(2, 1).next());
    }
}
