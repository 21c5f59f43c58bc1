//! Decodes small numbers as Parquet stores definition levels and dictionary indices: runs of equal numbers, and packs of
//! eight numbers, lowest bits first ("RLE/Bit-Packing Hybrid" of the format's Encodings.md).

use tokio_util::bytes::Bytes;

/// The widest number.
pub(super) const MAX_WIDTH: u32 = 32;

/// Numbers that are left to decode.
#[derive(Clone, Debug, Default)]
pub(super) struct Hybrid {
    bytes: Bytes,
    /// The next byte.
    at: usize,
    width: u32,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    /// A number, and how often it is left.
    Repeated(u32, usize),
    /// The first bit of the next number, and how many numbers are left.
    Packed(usize, usize),
}

impl Default for Run {
    fn default() -> Run {
        Run::Repeated(0, 0)
    }
}

impl Hybrid {
    /// Numbers of `width` bits, at most [`MAX_WIDTH`].
    pub(super) fn new(bytes: Bytes, width: u32) -> Hybrid {
        Hybrid { bytes, at: 0, width, run: Run::default() }
    }

    /// Calls `each` with the next `count` numbers. `None` if there are fewer.
    #[inline]
    pub(super) fn decode(&mut self, mut count: usize, mut each: impl FnMut(u32)) -> Option<()> {
        while count > 0 {
            match &mut self.run {
                Run::Repeated(_, 0) | Run::Packed(_, 0) => self.next_run()?,
                Run::Repeated(number, left) => {
                    let taken = count.min(*left);
                    (0..taken).for_each(|_| each(*number));
                    *left -= taken;
                    count -= taken;
                }
                Run::Packed(bit, left) => {
                    let taken = count.min(*left);
                    let mask = ((1u64 << self.width) - 1) as u32;
                    for _ in 0..taken {
                        each(word_at(&self.bytes, *bit) & mask);
                        *bit += self.width as usize;
                    }
                    *left -= taken;
                    count -= taken;
                }
            }
        }
        Some(())
    }

    fn next_run(&mut self) -> Option<()> {
        let header = self.varint()?;
        let count = usize::try_from(header >> 1).ok()?;
        if header & 1 == 0 {
            let bytes = self.width.div_ceil(8) as usize;
            let number = self.bytes.get(self.at..self.at.checked_add(bytes)?)?;
            let number = number.iter().rev().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
            self.at += bytes;
            self.run = Run::Repeated(number, count);
        } else {
            // Writers may leave out the bytes of the last pack that no number needs.
            let bytes = count.checked_mul(self.width as usize)?.min(self.bytes.len() - self.at);
            let numbers = match self.width {
                0 => count.checked_mul(8)?,
                width => bytes * 8 / width as usize,
            };
            self.run = Run::Packed(self.at.checked_mul(8)?, numbers);
            self.at += bytes;
        }
        // A run without numbers would be read forever only if it took no bytes; its header takes one.
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }
}

/// The 32 bits from a bit on. Bits beyond the end are 0.
#[inline]
fn word_at(bytes: &[u8], bit: usize) -> u32 {
    let at = bit / 8;
    let word = match bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let rest = bytes.get(at..).unwrap_or_default();
            rest.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte))
        }
    };
    (word >> (bit % 8)) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Encodes numbers: those of each part as a run or as packs.
    fn encode(parts: &[(bool, Vec<u32>)], width: u32) -> (Vec<u8>, Vec<u32>) {
        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        let put_varint = |bytes: &mut Vec<u8>, mut number: u64| {
            while number > 127 {
                bytes.push(number as u8 | 128);
                number >>= 7;
            }
            bytes.push(number as u8);
        };
        for (is_run, part) in parts {
            if *is_run {
                put_varint(&mut bytes, (part.len() as u64) << 1);
                bytes.extend(&part[0].to_le_bytes()[..width.div_ceil(8) as usize]);
                numbers.extend(part.iter().map(|_| part[0]));
            } else {
                let packs = part.len().div_ceil(8);
                put_varint(&mut bytes, (packs as u64) << 1 | 1);
                let mut bits = vec![0u8; packs * width as usize];
                let padded = part.iter().copied().chain(std::iter::repeat(0)).take(packs * 8);
                for (index, number) in padded.enumerate() {
                    for bit in 0..width as usize {
                        let at = index * width as usize + bit;
                        bits[at / 8] |= ((number >> bit & 1) as u8) << (at % 8);
                    }
                    numbers.push(number);
                }
                bytes.extend(bits);
            }
        }
        (bytes, numbers)
    }

    proptest! {
        #[test]
        fn runs_and_packs_are_decoded_in_any_steps(
            (width, parts) in (0..=MAX_WIDTH).prop_flat_map(|width| {
                let number = 0..=(u64::MAX >> (64 - u64::from(width).max(1)) & ((1 << width) - 1)) as u32;
                let part = (any::<bool>(), prop::collection::vec(number, 1..40));
                (Just(width), prop::collection::vec(part, 0..6))
            }),
            step in 1..50usize,
        ) {
            let (bytes, numbers) = encode(&parts, width);
            let mut hybrid = Hybrid::new(bytes.into(), width);
            let mut decoded = Vec::new();
            while decoded.len() < numbers.len() {
                let count = step.min(numbers.len() - decoded.len());
                prop_assert!(hybrid.decode(count, |number| decoded.push(number)).is_some());
            }
            prop_assert_eq!(decoded, numbers);
            prop_assert!(hybrid.decode(1, |_| ()).is_none());
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..30), width in 0..=MAX_WIDTH) {
            let mut hybrid = Hybrid::new(bytes.into(), width);
            for _ in 0..20 {
                let _ = hybrid.decode(100, |_| ());
            }
        }
    }
}
