//! A Bloom filter over the fingerprints of the rows of a segment.

/// A split-block Bloom filter (as in Apache Parquet): 16 bits per row, about one false positive in a thousand.
#[derive(Default)]
pub(super) struct Bloom(Vec<[u32; 8]>);

impl Bloom {
    const SALTS: [u32; 8] =
        [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31];

    pub(super) fn new(fingerprints: &[u64]) -> Bloom {
        Bloom::default().renewed(fingerprints)
    }

    /// Builds a filter for other fingerprints in the memory of this one.
    pub(super) fn renewed(self, fingerprints: &[u64]) -> Bloom {
        let mut bloom = self;
        bloom.0.clear();
        bloom.0.resize(fingerprints.len().div_ceil(16).max(1), [0; 8]);
        for &fingerprint in fingerprints {
            let block = bloom.block(fingerprint);
            for (word, salt) in bloom.0[block].iter_mut().zip(Bloom::SALTS) {
                *word |= 1 << ((fingerprint as u32).wrapping_mul(salt) >> 27);
            }
        }
        bloom
    }

    fn block(&self, fingerprint: u64) -> usize {
        (((fingerprint >> 32) * self.0.len() as u64) >> 32) as usize
    }

    #[inline]
    pub(super) fn may_contain(&self, fingerprint: u64) -> bool {
        self.0[self.block(fingerprint)]
            .iter()
            .zip(Bloom::SALTS)
            .all(|(word, salt)| word & 1 << ((fingerprint as u32).wrapping_mul(salt) >> 27) != 0)
    }
}
