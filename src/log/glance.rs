//! Telling values from those that came lately without hashing them.

/// A number that nearly always tells values apart, of a few bytes of a value and its length. Strangers may choose
/// values that it does not tell apart: it only says where to look first, never that two are the same.
#[inline]
pub fn glance(value: &[u8]) -> u64 {
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
