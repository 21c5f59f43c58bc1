//! Columns of unsigned integers, bit-packed in blocks of 128 against a base per block.
//!
//! Layout (all numbers little-endian):
//!
//! ```text
//! u32 rows
//! u8  kind: 0 constant, 1 narrow, 2 wide
//! u64 base of the chunk (its smallest value)
//! kind 0: nothing more, every value is the base
//! kind 1: per block  u32 base above the base of the chunk, u8 width
//! kind 2: per block  u64 base above the base of the chunk, u8 width
//!         then the blocks: 128 differences from the base of the block, `width` bits each, packed as
//!         the `bitpacking` crate's BitPacker4x does; the last block is filled up with zeros.
//!         A width over 32 is two packs: the low 32 bits, then the rest.
//! ```
//!
//! Time is nearly sorted and codes of new values grow, so a base per block saves more bits than one
//! per chunk; it also lets a filter pass over blocks that cannot hold a value.

use bitpacking::{BitPacker, BitPacker4x};

use super::Damage;

/// Values in a block.
pub const BLOCK: usize = BitPacker4x::BLOCK_LEN;

const HEAD: usize = 4 + 1 + 8;
const CONSTANT: u8 = 0;
const NARROW: u8 = 1;
const WIDE: u8 = 2;

/// What is packed: numbers of 32 bits take half the time of those of 64.
pub trait Number: Copy + Ord + Default + Into<u64> {
    /// The largest there is; the smallest is the default.
    const LARGEST: Self;

    /// How much it is above another, which is not larger.
    fn above(self, base: Self) -> Self;

    /// Its lowest 32 bits.
    fn low_half(self) -> u32;
}

impl Number for u32 {
    const LARGEST: u32 = u32::MAX;

    #[inline]
    fn above(self, base: u32) -> u32 {
        self.wrapping_sub(base)
    }

    #[inline]
    fn low_half(self) -> u32 {
        self
    }
}

impl Number for u64 {
    const LARGEST: u64 = u64::MAX;

    #[inline]
    fn above(self, base: u64) -> u64 {
        self.wrapping_sub(base)
    }

    #[inline]
    fn low_half(self) -> u32 {
        self as u32
    }
}

/// Packs one column after another, in the same memory.
#[derive(Default)]
pub struct Packer {
    /// What [`Integers::open`] takes: the column packed last.
    pub bytes: Vec<u8>,
    /// Smallest value of each block, and its width.
    directory: Vec<(u64, u8)>,
    packs: Vec<u8>,
}

impl Packer {
    /// Packs values, each being `number` of an item, and tells the smallest and the largest (0 if there is
    /// none). The items are passed over once: a column of a segment does not fit the processor's cache.
    pub fn pack<T: Copy, N: Number>(&mut self, items: &[T], number: impl Fn(T) -> N) -> (u64, u64) {
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
            let (mut base, mut most) = (N::LARGEST, N::default());
            for (to, item) in numbers.iter_mut().zip(block) {
                *to = number(*item);
                base = base.min(*to);
                most = most.max(*to);
            }
            (low, high) = (low.min(base.into()), high.max(most.into()));
            let width = (64 - most.above(base).into().leading_zeros()) as u8;
            directory.push((base.into(), width));
            if width == 0 {
                continue;
            }
            part[numbers.len()..].fill(0);
            part.iter_mut().zip(&*numbers).for_each(|(part, number)| *part = number.above(base).low_half());
            let length = packer.compress(&part, &mut pack_buffer, width.min(32));
            packs.extend_from_slice(&pack_buffer[..length]);
            if width > 32 {
                part.iter_mut()
                    .zip(&*numbers)
                    .for_each(|(part, number)| *part = (number.above(base).into() >> 32) as u32);
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
    /// Where its packs begin.
    offset: u32,
    width: u8,
    base: u64,
}

/// A packed column, checked, ready to be unpacked block by block.
#[derive(Debug)]
pub struct Integers {
    bytes: Vec<u8>,
    rows: usize,
    constant: Option<u64>,
    blocks: Vec<Block>,
}

impl Integers {
    /// Takes the bytes that a [`Packer`] made.
    ///
    /// # Errors
    /// If they cannot be such bytes. Damage within the packs themselves shows as other values only.
    pub fn open(bytes: Vec<u8>) -> Result<Integers, Damage> {
        let short = Damage("a column of numbers is cut off");
        let head: &[u8; HEAD] = bytes.first_chunk().ok_or(short)?;
        let rows = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = head[4];
        let mut chunk_base = [0; 8];
        chunk_base.copy_from_slice(&head[5..]);
        let chunk_base = u64::from_le_bytes(chunk_base);
        let entry = match kind {
            CONSTANT if bytes.len() == HEAD => {
                return Ok(Integers { bytes, rows, constant: Some(chunk_base), blocks: Vec::new() });
            }
            CONSTANT => return Err(Damage("a constant column has more than its value")),
            NARROW => 5,
            WIDE => 9,
            _ => return Err(Damage("a column of numbers of an unknown kind")),
        };
        let count = rows.div_ceil(BLOCK);
        let directory = bytes.get(HEAD..HEAD + count * entry).ok_or(short)?;
        let mut offset = HEAD + count * entry;
        let mut blocks = Vec::with_capacity(count);
        for entry in directory.chunks_exact(entry) {
            let (base, width) = entry.split_at(entry.len() - 1);
            let mut above = [0; 8];
            above[..base.len()].copy_from_slice(base);
            let base =
                chunk_base.checked_add(u64::from_le_bytes(above)).ok_or(Damage("a base beyond 64 bits"))?;
            let width = width[0];
            if width > 64 {
                return Err(Damage("a block of more than 64 bits a number"));
            }
            blocks.push(Block { offset: offset as u32, width, base });
            offset += usize::from(width) * BLOCK / 8;
        }
        if offset != bytes.len() {
            return Err(short);
        }
        Ok(Integers { bytes, rows, constant: None, blocks })
    }

    /// How many values.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.bytes.len() + self.blocks.len() * size_of::<Block>()
    }

    /// The one value that all rows have, if it was packed as such.
    pub fn constant(&self) -> Option<u64> {
        self.constant
    }

    /// Smallest value of a block, and a bound that no value of it exceeds.
    #[inline]
    pub fn block_range(&self, block: usize) -> (u64, u64) {
        match self.constant {
            Some(value) => (value, value),
            None => {
                let Block { width, base, .. } = self.blocks[block];
                let span = if width == 64 { u64::MAX } else { (1u64 << width) - 1 };
                (base, base.saturating_add(span))
            }
        }
    }

    /// A bound that no value exceeds.
    pub fn most(&self) -> u64 {
        let blocks = 0..if self.constant.is_some() { 1 } else { self.blocks.len() };
        blocks.map(|block| self.block_range(block).1).max().unwrap_or(0)
    }

    /// Unpacks a block of values that are known to fit 32 bits (codes); rows beyond the last are
    /// meaningless.
    #[inline]
    pub fn unpack_u32(&self, block: usize, out: &mut [u32; BLOCK]) {
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

    /// Unpacks a block; rows beyond the last are meaningless.
    #[inline]
    pub fn unpack_u64(&self, block: usize, out: &mut [u64; BLOCK]) {
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

    /// One value.
    pub fn get(&self, row: usize) -> u64 {
        let mut values = [0; BLOCK];
        self.unpack_u64(row / BLOCK, &mut values);
        values[row % BLOCK]
    }

    /// All values, of which there are to be `rows`.
    ///
    /// # Errors
    /// If there are more or fewer: found out before memory is taken for them.
    pub fn into_rows(self, rows: usize) -> Result<Vec<u64>, Damage> {
        if self.rows == rows {
            Ok(self.to_vec())
        } else {
            Err(Damage("a column has another number of rows than its segment"))
        }
    }

    /// All values.
    pub fn to_vec(&self) -> Vec<u64> {
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

    fn packed(values: &[u64]) -> Vec<u8> {
        let mut packer = Packer::default();
        packer.pack(values, |value| value);
        packer.bytes
    }

    fn back(values: &[u64]) -> Vec<u64> {
        Integers::open(packed(values)).unwrap().to_vec()
    }

    #[test]
    fn the_edges_of_a_block_come_back() {
        for length in [0, 1, 127, 128, 129, 256, 1000] {
            let values: Vec<u64> = (0..length).map(|i| i * 37 % 1009).collect();
            assert_eq!(back(&values), values, "{length} values");
        }
    }

    #[test]
    fn a_column_of_one_value_takes_a_few_bytes() {
        let bytes = packed(&[7; 131_072]);
        assert_eq!(bytes.len(), HEAD);
        assert_eq!(Integers::open(bytes).unwrap().to_vec(), [7; 131_072]);
    }

    #[test]
    fn a_cut_off_column_is_refused() {
        let bytes = packed(&(0..1000).collect::<Vec<u64>>());
        for length in 0..bytes.len() {
            assert!(Integers::open(bytes[..length].to_vec()).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(values in prop::collection::vec(prop_oneof![0..300u64, any::<u32>().prop_map(u64::from), any::<u64>()], 0..600)) {
            let packed = Integers::open(packed(&values)).unwrap();
            prop_assert_eq!(packed.to_vec(), values.clone());
            for (row, value) in values.iter().enumerate() {
                let (low, high) = packed.block_range(row / BLOCK);
                prop_assert!(low <= *value && *value <= high);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(column) = Integers::open(bytes) && column.rows() < 10_000 {
                column.to_vec();
            }
        }
    }
}
