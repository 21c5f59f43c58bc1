//! A Bloom filter over the fingerprints of the rows of a segment.

/// A split-block Bloom filter (the one of Apache Parquet): 16 bits per row, about one false positive in a thousand.
pub(super) struct Bloom(Vec<[u32; 8]>);

impl Bloom {
    const SALTS: [u32; 8] = [
        0x47b6_137b,
        0x4497_4d91,
        0x8824_ad5b,
        0xa2b7_289d,
        0x7054_95c7,
        0x2df1_424b,
        0x9efc_4947,
        0x5c6b_fb31,
    ];

    pub(super) fn new(fingerprints: &[u64]) -> Bloom {
        Bloom(Vec::new()).renewed(fingerprints)
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
