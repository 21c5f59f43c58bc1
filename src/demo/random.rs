//! Random numbers that are the same on every machine: only integer arithmetic and exactly rounded floating-point operations
//! are used.

use rand_xoshiro::Xoshiro256StarStar;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};

#[derive(Clone, Debug)]
pub(super) struct Rng(Xoshiro256StarStar);

impl Rng {
    /// Generator `stream` of a seed. Different streams are independent.
    pub(super) fn new(seed: u64, stream: u64) -> Rng {
        let mut x = mix(seed) ^ mix(stream ^ 0x7461_6d61_7269_6e73);
        let mut state = [0; 32];
        for word in state.chunks_exact_mut(8) {
            word.copy_from_slice(&mix(x).to_le_bytes());
            x = x.wrapping_add(GAMMA);
        }
        Rng(Xoshiro256StarStar::from_seed(state))
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `limit`, exclusive; 0 if `limit` is 0.
    #[inline]
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A number from `low` to `high`, exclusive.
    #[inline]
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low)
    }

    /// A fraction from 0 to 1, exclusive.
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        to_unit(self.next())
    }

    /// True with a probability of 1 / `times`.
    #[inline]
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of the items, which must not be empty.
    #[inline]
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A rank from 0 to `count`, exclusive. Low ranks are far more frequent: the density falls with the power 2/3 of the
    /// rank, similar to Zipf's law.
    #[inline]
    pub(super) fn rank(&mut self, count: usize) -> usize {
        let u = self.unit();
        (count as f64 * u * u * u) as usize
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of SplitMix64: a hash of `x`.
#[inline]
pub(super) fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper bits as a fraction from 0 to 1, exclusive.
#[inline]
pub(super) fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_are_more_frequent_and_all_are_in_range() {
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
