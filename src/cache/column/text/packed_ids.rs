//! Packed forms of ids that are random bytes written as characters: hexadecimal, base 36 and base64.

use base64_simd::STANDARD;

use crate::cache::column::Damage;

/// Digits of base 36, and of hexadecimal numbers.
pub(super) const BASE36_DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Characters of a base-36 request id.
pub(super) const BASE36_CHARACTERS: usize = 16;
/// Bytes of a packed base-36 request id: 16 × log₂ 36 = 82.7 bits.
pub(super) const BASE36_BYTES: usize = 11;

/// Appends pairs of digits 0–9 and A–F as bytes. Returns false and appends nothing if the text is anything else, or if
/// its length is that of a packed base-36 id.
pub(super) fn pack_hex(text: &[u8], out: &mut Vec<u8>) -> bool {
    fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'F' => byte - b'A' + 10,
            _ => 0xff,
        }
    }
    // Nearly all present-day ids have a letter after F: one comparison rejects them.
    if text.iter().fold(0, |largest, byte| largest.max(*byte)) > b'F' {
        return false;
    }
    let start = out.len();
    let (pairs, []) = text.as_chunks::<2>() else { return false };
    if pairs.len() == BASE36_BYTES {
        return false;
    }
    let mut all_bits = 0;
    out.extend(pairs.iter().map(|&[high, low]| {
        let (high, low) = (digit(high), digit(low));
        all_bits |= high | low;
        high << 4 | low & 15
    }));
    if all_bits > 15 {
        out.truncate(start);
    }
    all_bits <= 15
}

/// The digits that [`pack_hex`] packed.
pub(super) fn unpack_hex(packed: &[u8]) -> Vec<u8> {
    let digit = |digit: u8| BASE36_DIGITS[usize::from(digit)];
    packed.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Appends 16 characters 0–9 and A–Z, packed. Returns false and appends nothing if the text is anything else.
pub(super) fn pack_base36(text: &[u8], out: &mut Vec<u8>) -> bool {
    const DIGIT_OF: [u8; 256] = {
        let mut digits = [0xff; 256];
        let mut digit = 0;
        while digit < 36 {
            digits[BASE36_DIGITS[digit] as usize] = digit as u8;
            digit += 1;
        }
        digits
    };
    let Ok(text) = <&[u8; BASE36_CHARACTERS]>::try_from(text) else { return false };
    let mut all_bits = 0;
    let mut number = |half: &[u8]| {
        half.iter().fold(0u64, |number, byte| {
            let digit = DIGIT_OF[usize::from(*byte)];
            all_bits |= digit;
            number * 36 + u64::from(digit)
        })
    };
    let (high, low) = (number(&text[..8]), number(&text[8..]));
    // Digits are at most 35: only other characters set the highest bit.
    if all_bits & 0x80 != 0 {
        return false;
    }
    let number = u128::from(high) * u128::from(36u64.pow(8)) + u128::from(low);
    out.extend_from_slice(&number.to_le_bytes()[..BASE36_BYTES]);
    true
}

/// The characters that [`pack_base36`] packed. Fails if the number has more than 16 digits.
pub(super) fn unpack_base36(packed: &[u8; BASE36_BYTES]) -> Result<Vec<u8>, Damage> {
    let mut bytes = [0; 16];
    bytes[..BASE36_BYTES].copy_from_slice(packed);
    let number = u128::from_le_bytes(bytes);
    let half = u128::from(36u64.pow(8));
    if number >= half * half {
        return Err(Damage("a request id has more than 16 characters"));
    }
    let mut text = vec![0; BASE36_CHARACTERS];
    let (first, second) = text.split_at_mut(8);
    for (text, mut number) in [(first, (number / half) as u64), (second, (number % half) as u64)] {
        for byte in text.iter_mut().rev() {
            *byte = BASE36_DIGITS[(number % 36) as usize];
            number /= 36;
        }
    }
    Ok(text)
}

/// Appends decoded base64. Returns false and appends nothing if the text is not canonical base64 (no stray bits, exact
/// padding), which encodes to the same text again.
pub(super) fn pack_base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    if !text.len().is_multiple_of(4) {
        return false;
    }
    let is_packed = STANDARD.decode_append(text, out).is_ok();
    if !is_packed {
        out.truncate(start);
    }
    is_packed
}

/// The base64 text that [`pack_base64`] decoded.
pub(super) fn unpack_base64(packed: &[u8]) -> Vec<u8> {
    STANDARD.encode_type(packed)
}
