//! Columns of unsigned integers, bit-packed in blocks of 128 relative to a base per block.
//!
//! Layout (all numbers little-endian):
//!
//! ```text
//! u32 rows
//! u8  kind: 0 constant, 1 narrow, 2 wide
//! u64 base of the column (its smallest value)
//! kind 0: nothing more, every value is the base
//! kind 1: per block  u32 base relative to the base of the column, u8 width
//! kind 2: per block  u64 base relative to the base of the column, u8 width
//!         then the blocks: 128 differences from the base of the block, `width` bits each, packed as
//!         BitPacker4x of the crate `bitpacking` packs them; the last block is padded with zeros.
//!         A width over 32 is two packs: the low 32 bits, then the rest.
//! ```
//!
//! Times are nearly sorted and value ids tend to grow, so a base per block saves more bits than one per column. It also
//! lets a filter skip blocks that cannot have a value.

use bitpacking::{BitPacker, BitPacker4x};

use super::Damage;

/// Values in a block: the unit of a scan.
pub const BLOCK: usize = BitPacker4x::BLOCK_LEN;

const HEAD_BYTES: usize = 4 + 1 + 8;
const CONSTANT: u8 = 0;
const NARROW: u8 = 1;
const WIDE: u8 = 2;

/// A number that can be packed. Packing 32-bit numbers takes half the time of 64-bit numbers.
pub(crate) trait Number: Copy + Ord + Default + Into<u64> {
    /// The largest number; the smallest is the default.
    const MAX: Self;
    /// The number minus `base`, which must not be larger.
    fn minus(self, base: Self) -> Self;
    /// The lowest 32 bits.
    fn low_half(self) -> u32;
}

macro_rules! implement_number {
    ($($type:ident),*) => {$(
        impl Number for $type {
            const MAX: $type = $type::MAX;

            #[inline]
            fn minus(self, base: $type) -> $type {
                self.wrapping_sub(base)
            }

            #[inline]
            fn low_half(self) -> u32 {
                self as u32
            }
        }
    )*};
}

implement_number!(u32, u64);

/// Packs columns, one after another, in the same memory.
#[derive(Default)]
pub(crate) struct Packer {
    /// The column that was packed last, as [`Integers::open`] reads it.
    pub bytes: Vec<u8>,
    /// Base and width of each block.
    directory: Vec<(u64, u8)>,
    packs: Vec<u8>,
}

impl Packer {
    /// Packs `number` of each item. Returns the smallest and the largest number, both 0 if there are no items. Reads
    /// the items once: a column of a segment does not fit the CPU cache.
    pub(crate) fn pack<T: Copy, N: Number>(&mut self, items: &[T], number: impl Fn(T) -> N) -> (u64, u64) {
        let Packer { bytes, directory, packs } = self;
        let packer = BitPacker4x::new();
        directory.clear();
        packs.clear();
        bytes.clear();
        let mut pack_buffer = [0u8; BLOCK * 4];
        let mut numbers = [N::default(); BLOCK];
        let mut part = [0u32; BLOCK];
        let (mut low, mut high) = (u64::MAX, 0);
        for block in items.chunks(BLOCK) {
            let numbers = &mut numbers[..block.len()];
            let (mut base, mut largest) = (N::MAX, N::default());
            for (to, item) in numbers.iter_mut().zip(block) {
                *to = number(*item);
                base = base.min(*to);
                largest = largest.max(*to);
            }
            (low, high) = (low.min(base.into()), high.max(largest.into()));
            let width = (64 - largest.minus(base).into().leading_zeros()) as u8;
            directory.push((base.into(), width));
            if width == 0 {
                continue;
            }
            part[numbers.len()..].fill(0);
            part.iter_mut().zip(&*numbers).for_each(|(part, number)| *part = number.minus(base).low_half());
            let length = packer.compress(&part, &mut pack_buffer, width.min(32));
            packs.extend_from_slice(&pack_buffer[..length]);
            if width > 32 {
                part.iter_mut()
                    .zip(&*numbers)
                    .for_each(|(part, number)| *part = (number.minus(base).into() >> 32) as u32);
                let length = packer.compress(&part, &mut pack_buffer, width - 32);
                packs.extend_from_slice(&pack_buffer[..length]);
            }
        }
        if items.is_empty() {
            low = 0;
        }
        let kind = match high - low {
            0 => CONSTANT,
            span if span <= u64::from(u32::MAX) => NARROW,
            _ => WIDE,
        };
        bytes.extend_from_slice(&(items.len() as u32).to_le_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&low.to_le_bytes());
        if kind != CONSTANT {
            for (base, width) in &*directory {
                match kind {
                    NARROW => bytes.extend_from_slice(&((base - low) as u32).to_le_bytes()),
                    _ => bytes.extend_from_slice(&(base - low).to_le_bytes()),
                }
                bytes.push(*width);
            }
            bytes.extend_from_slice(packs);
        }
        (low, high)
    }
}

#[derive(Clone, Copy, Debug)]
struct Block {
    /// Where the packs begin.
    offset: u32,
    width: u8,
    base: u64,
}

/// A packed column with a checked directory, to be unpacked block by block.
#[derive(Debug)]
pub(crate) struct Integers {
    bytes: Vec<u8>,
    rows: usize,
    constant: Option<u64>,
    blocks: Vec<Block>,
}

impl Integers {
    /// Opens a column that a [`Packer`] has packed. Damage within packs changes values and is not detected.
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Integers, Damage> {
        let short = Damage("a column of numbers is cut off");
        let head: &[u8; HEAD_BYTES] = bytes.first_chunk().ok_or(short)?;
        let rows = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = head[4];
        let mut chunk_base = [0; 8];
        chunk_base.copy_from_slice(&head[5..]);
        let chunk_base = u64::from_le_bytes(chunk_base);
        let entry = match kind {
            CONSTANT if bytes.len() == HEAD_BYTES => {
                return Ok(Integers { bytes, rows, constant: Some(chunk_base), blocks: Vec::new() });
            }
            CONSTANT => return Err(Damage("a constant column has more bytes than its value")),
            NARROW => 5,
            WIDE => 9,
            _ => return Err(Damage("a column of numbers has an unknown kind")),
        };
        let count = rows.div_ceil(BLOCK);
        let directory = bytes.get(HEAD_BYTES..HEAD_BYTES + count * entry).ok_or(short)?;
        let mut offset = HEAD_BYTES + count * entry;
        let mut blocks = Vec::with_capacity(count);
        for entry in directory.chunks_exact(entry) {
            let (base, width) = entry.split_at(entry.len() - 1);
            let mut offset_bytes = [0; 8];
            offset_bytes[..base.len()].copy_from_slice(base);
            let base = chunk_base
                .checked_add(u64::from_le_bytes(offset_bytes))
                .ok_or(Damage("the base of a block has more than 64 bits"))?;
            let width = width[0];
            if width > 64 {
                return Err(Damage("a block has more than 64 bits per number"));
            }
            blocks.push(Block { offset: offset as u32, width, base });
            offset += usize::from(width) * BLOCK / 8;
        }
        if offset != bytes.len() {
            return Err(short);
        }
        Ok(Integers { bytes, rows, constant: None, blocks })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory that the column takes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.len() + self.blocks.len() * size_of::<Block>()
    }

    /// The smallest value of a block, and a bound that no value of the block exceeds.
    #[inline]
    pub(crate) fn block_range(&self, block: usize) -> (u64, u64) {
        match self.constant {
            Some(value) => (value, value),
            None => {
                let Block { width, base, .. } = self.blocks[block];
                let span = if width == 64 { u64::MAX } else { (1u64 << width) - 1 };
                (base, base.saturating_add(span))
            }
        }
    }

    /// A bound that no value of the column exceeds.
    pub(crate) fn upper_bound(&self) -> u64 {
        let blocks = 0..if self.constant.is_some() { 1 } else { self.blocks.len() };
        blocks.map(|block| self.block_range(block).1).max().unwrap_or(0)
    }

    /// Unpacks a block of values that fit 32 bits (value ids). Values after the last row are meaningless.
    #[inline]
    pub(crate) fn unpack_u32(&self, block: usize, out: &mut [u32; BLOCK]) {
        if let Some(value) = self.constant {
            out.fill(value as u32);
            return;
        }
        let Block { offset, width, base } = self.blocks[block];
        if width == 0 {
            out.fill(base as u32);
            return;
        }
        BitPacker4x::new().decompress(&self.bytes[offset as usize..], out, width.min(32));
        let base = base as u32;
        if base != 0 {
            for value in out {
                *value = value.wrapping_add(base);
            }
        }
    }

    /// Unpacks a block. Values after the last row are meaningless.
    #[inline]
    pub(crate) fn unpack_u64(&self, block: usize, out: &mut [u64; BLOCK]) {
        if let Some(value) = self.constant {
            out.fill(value);
            return;
        }
        let Block { offset, width, base } = self.blocks[block];
        if width == 0 {
            out.fill(base);
            return;
        }
        let packer = BitPacker4x::new();
        let mut low = [0u32; BLOCK];
        let used = packer.decompress(&self.bytes[offset as usize..], &mut low, width.min(32));
        if width <= 32 {
            for (out, low) in out.iter_mut().zip(low) {
                *out = base.wrapping_add(u64::from(low));
            }
        } else {
            let mut high = [0u32; BLOCK];
            packer.decompress(&self.bytes[offset as usize + used..], &mut high, width - 32);
            for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
                *out = base.wrapping_add(u64::from(high) << 32 | u64::from(low));
            }
        }
    }

    /// The value of a row. Unpacks a whole block.
    pub(crate) fn get(&self, row: usize) -> u64 {
        let mut values = [0; BLOCK];
        self.unpack_u64(row / BLOCK, &mut values);
        values[row % BLOCK]
    }

    /// All values. Fails, without allocating memory for them, if their number is not `rows`.
    pub(crate) fn into_rows(self, rows: usize) -> Result<Vec<u64>, Damage> {
        let damage = Damage("a column has another number of rows than its segment");
        if self.rows == rows { Ok(self.to_vec()) } else { Err(damage) }
    }

    pub(crate) fn to_vec(&self) -> Vec<u64> {
        let mut all = Vec::with_capacity(self.rows.next_multiple_of(BLOCK));
        let mut values = [0; BLOCK];
        for block in 0..self.rows.div_ceil(BLOCK) {
            self.unpack_u64(block, &mut values);
            all.extend_from_slice(&values);
        }
        all.truncate(self.rows);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(values: &[u64]) -> Vec<u8> {
        let mut packer = Packer::default();
        packer.pack(values, |value| value);
        packer.bytes
    }

    fn round_trip(values: &[u64]) -> Vec<u64> {
        Integers::open(pack(values)).unwrap().to_vec()
    }

    #[test]
    fn partial_and_full_blocks_decode_to_the_original() {
        for length in [0, 1, 127, 128, 129, 256, 1000] {
            let values: Vec<u64> = (0..length).map(|i| i * 37 % 1009).collect();
            assert_eq!(round_trip(&values), values, "{length} values");
        }
    }

    #[test]
    fn a_column_of_one_value_takes_a_few_bytes() {
        let bytes = pack(&[7; 131_072]);
        assert_eq!(bytes.len(), HEAD_BYTES);
        assert_eq!(Integers::open(bytes).unwrap().to_vec(), [7; 131_072]);
    }

    #[test]
    fn a_cut_off_column_is_an_error() {
        let bytes = pack(&(0..1000).collect::<Vec<u64>>());
        for length in 0..bytes.len() {
            assert!(Integers::open(bytes[..length].to_vec()).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_numbers_decode_to_the_original(values in prop::collection::vec(prop_oneof![0..300u64, any::<u32>().prop_map(u64::from), any::<u64>()], 0..600)) {
            let column = Integers::open(pack(&values)).unwrap();
            prop_assert_eq!(column.to_vec(), values.clone());
            for (row, value) in values.iter().enumerate() {
                let (low, high) = column.block_range(row / BLOCK);
                prop_assert!(low <= *value && *value <= high);
            }
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(column) = Integers::open(bytes) && column.rows() < 10_000 {
                column.to_vec();
            }
        }
    }
}
