//! A hash that is much cheaper than a hash of all bytes of a value.

/// A hash of the length and of a few bytes of a value. Frequent values nearly always have different hashes, but clients
/// can choose values with equal hashes: these never prove that values are equal.
#[inline]
pub(in crate::cache) fn weak_hash(value: &[u8]) -> u64 {
    fn eight_bytes(value: &[u8], at: usize) -> u64 {
        value.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
    fn four_bytes(value: &[u8], at: usize) -> u64 {
        let bytes = value.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes).into())
    }
    const FACTORS: [u64; 4] =
        [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB];
    let length = value.len();
    let mixed = match value {
        [] => 0,
        [first, .., last] if length < 4 => {
            u64::from(*first) << 16 | u64::from(value[1]) << 8 | u64::from(*last)
        }
        [byte] => u64::from(*byte),
        _ if length < 8 => four_bytes(value, 0) << 32 | four_bytes(value, length - 4),
        _ if length < 16 => eight_bytes(value, 0).wrapping_mul(FACTORS[1]) ^ eight_bytes(value, length - 8),
        _ => {
            let outer = eight_bytes(value, 0).wrapping_mul(FACTORS[1]) ^ eight_bytes(value, length - 8);
            let inner =
                eight_bytes(value, length / 3).wrapping_mul(FACTORS[2]) ^ eight_bytes(value, length / 2 + 1);
            outer ^ (inner ^ inner >> 32).wrapping_mul(FACTORS[3])
        }
    };
    let mixed = (mixed ^ mixed >> 29 ^ length as u64).wrapping_mul(FACTORS[0]);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_values_have_different_weak_hashes() {
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
        let hashes: std::collections::HashSet<u64> =
            values.iter().map(|value| weak_hash(value.as_bytes())).collect();
        assert_eq!(hashes.len(), values.len());
    }
}
