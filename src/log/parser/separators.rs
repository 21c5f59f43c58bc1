//! The structural index of a text: where its spaces, quotes and line ends are, one bit per byte.
//!
//! The index of 64 bytes is computed at once, however many fields begin in them. Two crates do it: `pulp` selects
//! AVX-512 or AVX2 at run time, which only x86-64 has; `wide` serves all other processors.

use wide::u8x16;

/// Bytes whose index is computed at once: one bit each in a word.
const BYTES_PER_WORD: usize = u64::BITS as usize;

/// Bytes whose index is computed before their lines are parsed. They are still in the processor's first-level cache
/// then.
const BYTES_AHEAD: usize = 16 << 10;

const KINDS: usize = 3;
const SPACE: usize = 0;
const QUOTE: usize = 1;
const LINE_END: usize = 2;

const SEPARATORS: [u8; KINDS] = [b' ', b'"', b'\n'];

/// The index of 64 bytes: a word for each kind of separator, with the lowest bit for the first byte.
type IndexWords = [u64; KINDS];

/// Splits a text into lines, each with its structural index.
pub(super) struct LineScanner<'t> {
    text: &'t [u8],
    at: usize,
    /// Start of the bytes whose index is known.
    index_start: usize,
    index: Vec<IndexWords>,
}

impl<'t> LineScanner<'t> {
    /// The last line of the text may lack its line end.
    pub(super) fn new(text: &'t [u8]) -> LineScanner<'t> {
        LineScanner { text, at: 0, index_start: 0, index: Vec::new() }
    }

    /// The next line, without its line end.
    pub(super) fn next_line(&mut self) -> Option<Line<'t, '_>> {
        if self.at == self.text.len() {
            return None;
        }
        let end = match first_from::<LINE_END>(&self.index, self.at - self.index_start) {
            Some(end) => self.index_start + end,
            None => self.extend_index(),
        };
        let (start, offset) = (self.at, self.at - self.index_start);
        self.at = (end + 1).min(self.text.len());
        let separators = Separators { index: &self.index, offset, length: end - start };
        Some(Line { text: &self.text[start..end], separators })
    }

    /// Computes the index up to the end of the next line at least. Returns that end.
    #[cold]
    fn extend_index(&mut self) -> usize {
        self.index_start = self.at;
        self.index.clear();
        let mut rest = &self.text[self.at..];
        loop {
            let known = self.index.len();
            let (ahead, after) = rest.split_at(BYTES_AHEAD.min(rest.len()));
            rest = after;
            let (whole, part) = ahead.as_chunks();
            extend(&mut self.index, whole);
            if !part.is_empty() {
                let mut bytes = [0; BYTES_PER_WORD];
                bytes[..part.len()].copy_from_slice(part);
                self.index.push(index_of(&bytes));
            }
            if let Some(end) = first_from::<LINE_END>(&self.index, known * BYTES_PER_WORD) {
                return self.index_start + end;
            }
            if rest.is_empty() {
                return self.text.len();
            }
        }
    }
}

/// Adds the index of bytes, with the widest registers of this processor.
fn extend(index: &mut Vec<IndexWords>, bytes: &[[u8; BYTES_PER_WORD]]) {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return extend_by_avx512(simd, index, bytes);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return extend_by_avx2(simd, index, bytes);
        }
    }
    index.extend(bytes.iter().map(index_of));
}

#[cfg(target_arch = "x86_64")]
fn extend_by_avx512(simd: pulp::x86::V4, index: &mut Vec<IndexWords>, bytes: &[[u8; BYTES_PER_WORD]]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let separators = SEPARATORS.map(|byte| simd.avx512f._mm512_set1_epi8(byte as i8));
            let index_of = |bytes: &[u8; BYTES_PER_WORD]| {
                let bytes = pulp::cast(*bytes);
                separators.map(|byte| simd.avx512bw._mm512_cmpeq_epi8_mask(bytes, byte))
            };
            index.extend(bytes.iter().map(index_of));
        },
    );
}

#[cfg(target_arch = "x86_64")]
fn extend_by_avx2(simd: pulp::x86::V3, index: &mut Vec<IndexWords>, bytes: &[[u8; BYTES_PER_WORD]]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let separators = SEPARATORS.map(|byte| simd.avx._mm256_set1_epi8(byte as i8));
            let index_of = |bytes: &[u8; BYTES_PER_WORD]| {
                let halves: [_; 2] = pulp::cast(*bytes);
                separators.map(|byte| {
                    let [low, high] = halves.map(|half| {
                        let is_equal = simd.avx2._mm256_cmpeq_epi8(half, byte);
                        simd.avx2._mm256_movemask_epi8(is_equal) as u32
                    });
                    u64::from(high) << 32 | u64::from(low)
                })
            };
            index.extend(bytes.iter().map(index_of));
        },
    );
}

/// The index of bytes, on any processor.
#[inline]
fn index_of(bytes: &[u8; BYTES_PER_WORD]) -> IndexWords {
    let (parts, _) = bytes.as_chunks::<16>();
    SEPARATORS.map(|byte| {
        parts.iter().rev().fold(0, |bits, part| {
            bits << 16 | u64::from(u8x16::new(*part).simd_eq(u8x16::splat(byte)).to_bitmask())
        })
    })
}

pub(super) struct Line<'t, 'i> {
    /// Without its line end.
    pub(super) text: &'t [u8],
    pub(super) separators: Separators<'i>,
}

#[derive(Clone, Copy)]
pub(super) struct Separators<'i> {
    index: &'i [IndexWords],
    /// The bit of the first byte of the line.
    offset: usize,
    length: usize,
}

impl<'i> Separators<'i> {
    /// The spaces from `at` on.
    #[inline]
    pub(super) fn spaces(self, at: usize) -> Spaces<'i> {
        let bit = self.offset + at;
        let word = bit / BYTES_PER_WORD;
        let rest = self.index.get(word).map_or(0, |words| words[SPACE]) & (!0 << (bit % BYTES_PER_WORD));
        Spaces { separators: self, word, rest }
    }

    /// The position of the first quote from `at` on; the length of the line if there is none.
    #[inline]
    pub(super) fn quote(&self, at: usize) -> usize {
        // A quote after the end of the line belongs to another line.
        first_from::<QUOTE>(self.index, self.offset + at)
            .map_or(self.length, |found| (found - self.offset).min(self.length))
    }
}

pub(super) struct Spaces<'i> {
    separators: Separators<'i>,
    /// The current word of the index, and its bits that are not used up.
    word: usize,
    rest: u64,
}

impl Spaces<'_> {
    /// The position of the next space; the length of the line after the last one.
    #[inline(always)]
    pub(super) fn next(&mut self) -> usize {
        while self.rest == 0 {
            self.word += 1;
            match self.separators.index.get(self.word) {
                Some(words) => self.rest = words[SPACE],
                None => return self.separators.length,
            }
        }
        let bit = self.word * BYTES_PER_WORD + self.rest.trailing_zeros() as usize;
        self.rest &= self.rest - 1;
        // A space after the end of the line belongs to another line.
        (bit - self.separators.offset).min(self.separators.length)
    }
}

/// The first bit of a kind that is set, from `at` on.
#[inline(always)]
fn first_from<const KIND: usize>(index: &[IndexWords], at: usize) -> Option<usize> {
    let mut word = at / BYTES_PER_WORD;
    let first = index.get(word)?[KIND] >> (at % BYTES_PER_WORD);
    if first != 0 {
        return Some(at + first.trailing_zeros() as usize);
    }
    loop {
        word += 1;
        match index.get(word)?[KIND] {
            0 => {}
            bits => return Some(word * BYTES_PER_WORD + bits.trailing_zeros() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares the index of a text with a search byte by byte; `positions` are positions in lines to search from.
    fn check(text: &[u8], positions: &[usize]) {
        let mut scanner = LineScanner::new(text);
        let mut expected: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        // There is no line after the last line end.
        expected.pop_if(|line| line.is_empty());
        for expected in expected {
            let Line { text: line, separators } = scanner.next_line().unwrap();
            assert_eq!(line, expected);
            let find = |byte: u8, at: usize| {
                line.iter().skip(at).position(|other| *other == byte).map_or(line.len(), |offset| at + offset)
            };
            let mut spaces = separators.spaces(0);
            let (mut at, mut last) = (0, 0);
            while at < line.len() {
                at = spaces.next();
                assert_eq!(at, find(b' ', last));
                last = at + 1;
            }
            assert_eq!(spaces.next(), line.len());
            for &at in positions.iter().filter(|at| **at <= line.len()) {
                assert_eq!(separators.spaces(at).next(), find(b' ', at));
                assert_eq!(separators.quote(at), find(b'"', at));
            }
        }
        assert!(scanner.next_line().is_none());
    }

    proptest! {
        #[test]
        fn the_index_has_the_separators_that_a_search_finds(
            text in prop::collection::vec(prop::sample::select(b"ab\" -\n\xA0".to_vec()), 0..400),
            positions in prop::collection::vec(0..220usize, 1..20),
        ) {
            check(&text, &positions);
        }
    }

    #[test]
    fn registers_of_any_width_compute_the_same_index() {
        let text = b"ab \"\n\xA0\"\" c\n".repeat(64);
        let (chunks, _) = text.as_chunks();
        let expected: Vec<_> = chunks.iter().map(index_of).collect();
        let has =
            |kind: usize, at: usize| expected[at / BYTES_PER_WORD][kind] >> (at % BYTES_PER_WORD) & 1 == 1;
        for (at, found) in chunks.as_flattened().iter().enumerate() {
            let kinds = [has(SPACE, at), has(QUOTE, at), has(LINE_END, at)];
            assert_eq!(SEPARATORS.map(|byte| *found == byte), kinds);
        }
        let check = |extend: &dyn Fn(&mut Vec<IndexWords>)| {
            let mut index = Vec::new();
            extend(&mut index);
            assert_eq!(index, expected);
        };
        check(&|index| extend(index, chunks));
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = pulp::x86::V4::try_new() {
                check(&|index| extend_by_avx512(simd, index, chunks));
            }
            if let Some(simd) = pulp::x86::V3::try_new() {
                check(&|index| extend_by_avx2(simd, index, chunks));
            }
        }
    }

    #[test]
    fn lines_may_be_longer_than_the_index_ahead() {
        for length in [0, 1, BYTES_AHEAD - 1, BYTES_AHEAD, BYTES_AHEAD + 1, 3 * BYTES_AHEAD + 5] {
            let line = [&b"x".repeat(length), b" y\"z".as_slice()].concat();
            for end in ["", "\n"] {
                let text = [&line, b"\n".as_slice(), &line, b"\n\na b\n", &line, end.as_bytes()].concat();
                check(&text, &[0, 1, length, length + 1, length + 2]);
            }
        }
    }
}
