//! Where the spaces, the quotes and the line ends of a text stand: 64 bytes are looked at together, once, however
//! many words begin in them.

use wide::u8x16;

/// Bytes looked at together: a bit each.
const TOGETHER: usize = u64::BITS as usize;

/// Bytes looked at before their lines are read: they are still next to the processor then.
const AHEAD: usize = 16 << 10;

/// The lines of a text, one after another, each with its marks.
pub struct Lines<'t> {
    text: &'t [u8],
    /// Where the next line begins.
    at: usize,
    /// Where the bytes begin whose marks are known.
    from: usize,
    marks: Vec<[u64; KINDS]>,
}

/// Kinds of marks: a bit for each byte that is one, the lowest of the first for the first byte.
const KINDS: usize = 3;
const SPACE: usize = 0;
const QUOTE: usize = 1;
const END: usize = 2;

impl<'t> Lines<'t> {
    /// Of a text; the last line may lack its line end.
    pub fn of(text: &'t [u8]) -> Lines<'t> {
        Lines { text, at: 0, from: 0, marks: Vec::new() }
    }

    /// The next line, without its line end.
    pub fn next_line(&mut self) -> Option<Line<'t, '_>> {
        if self.at == self.text.len() {
            return None;
        }
        let end = match first_from::<END>(&self.marks, self.at - self.from) {
            Some(end) => self.from + end,
            None => self.look(),
        };
        let (start, offset) = (self.at, self.at - self.from);
        self.at = (end + 1).min(self.text.len());
        let marks = Marks { marks: &self.marks, offset, length: end - start };
        Some(Line { text: &self.text[start..end], marks })
    }

    /// Looks ahead until the end of the line that begins here; where it is.
    #[cold]
    fn look(&mut self) -> usize {
        self.from = self.at;
        self.marks.clear();
        let mut rest = &self.text[self.at..];
        loop {
            let known = self.marks.len();
            let (ahead, after) = rest.split_at(AHEAD.min(rest.len()));
            rest = after;
            let (whole, part) = ahead.as_chunks();
            look_at(whole, &mut self.marks);
            if !part.is_empty() {
                let mut bytes = [0; TOGETHER];
                bytes[..part.len()].copy_from_slice(part);
                self.marks.push(marks_of(&bytes));
            }
            if let Some(end) = first_from::<END>(&self.marks, known * TOGETHER) {
                return self.from + end;
            }
            if rest.is_empty() {
                return self.text.len();
            }
        }
    }
}

/// Adds the marks of bytes, with the widest registers that this processor has.
fn look_at(bytes: &[[u8; TOGETHER]], marks: &mut Vec<[u64; KINDS]>) {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return look_at_by_64(simd, bytes, marks);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return look_at_by_32(simd, bytes, marks);
        }
    }
    marks.extend(bytes.iter().map(marks_of));
}

/// What is marked, by kind.
const MARKED: [u8; KINDS] = [b' ', b'"', b'\n'];

#[cfg(target_arch = "x86_64")]
fn look_at_by_64(simd: pulp::x86::V4, bytes: &[[u8; TOGETHER]], marks: &mut Vec<[u64; KINDS]>) {
    simd.vectorize(
        #[inline(always)]
        || {
            let marked = MARKED.map(|byte| simd.avx512f._mm512_set1_epi8(byte as i8));
            let of = |bytes: &[u8; TOGETHER]| {
                let bytes = pulp::cast(*bytes);
                marked.map(|byte| simd.avx512bw._mm512_cmpeq_epi8_mask(bytes, byte))
            };
            marks.extend(bytes.iter().map(of));
        },
    );
}

#[cfg(target_arch = "x86_64")]
fn look_at_by_32(simd: pulp::x86::V3, bytes: &[[u8; TOGETHER]], marks: &mut Vec<[u64; KINDS]>) {
    simd.vectorize(
        #[inline(always)]
        || {
            let marked = MARKED.map(|byte| simd.avx._mm256_set1_epi8(byte as i8));
            let of = |bytes: &[u8; TOGETHER]| {
                let halves: [_; 2] = pulp::cast(*bytes);
                marked.map(|byte| {
                    let [low, high] = halves.map(|half| {
                        let is_it = simd.avx2._mm256_cmpeq_epi8(half, byte);
                        simd.avx2._mm256_movemask_epi8(is_it) as u32
                    });
                    u64::from(high) << 32 | u64::from(low)
                })
            };
            marks.extend(bytes.iter().map(of));
        },
    );
}

/// On any processor.
#[inline]
fn marks_of(bytes: &[u8; TOGETHER]) -> [u64; KINDS] {
    let (parts, _) = bytes.as_chunks::<16>();
    MARKED.map(|byte| {
        parts.iter().rev().fold(0, |marks, part| {
            marks << 16 | u64::from(u8x16::new(*part).simd_eq(u8x16::splat(byte)).to_bitmask())
        })
    })
}

/// A line and what is known of it.
pub struct Line<'t, 'm> {
    /// Without its line end.
    pub text: &'t [u8],
    pub(super) marks: Marks<'m>,
}

/// Where the spaces and quotes of a line stand.
#[derive(Clone, Copy)]
pub(super) struct Marks<'m> {
    marks: &'m [[u64; KINDS]],
    /// The bit of the first byte of the line.
    offset: usize,
    length: usize,
}

impl<'m> Marks<'m> {
    /// The spaces from `at` on, one after another.
    #[inline]
    pub(super) fn spaces(self, at: usize) -> Spaces<'m> {
        let bit = self.offset + at;
        let word = bit / TOGETHER;
        let left = self.marks.get(word).map_or(0, |marks| marks[SPACE]) & (!0 << (bit % TOGETHER));
        Spaces { marks: self, word, left }
    }

    /// Where the first quote stands, from `at` on; the length of the line if there is none.
    #[inline]
    pub(super) fn quote(&self, at: usize) -> usize {
        self.find::<QUOTE>(at)
    }

    #[inline]
    fn find<const KIND: usize>(&self, at: usize) -> usize {
        // What follows the line is not of it.
        first_from::<KIND>(self.marks, self.offset + at)
            .map_or(self.length, |found| (found - self.offset).min(self.length))
    }
}

/// The spaces of a line in their order.
pub(super) struct Spaces<'m> {
    marks: Marks<'m>,
    /// Index of the marks that are being gone through, and those of them that are left.
    word: usize,
    left: u64,
}

impl Spaces<'_> {
    /// Where the next one stands; the length of the line if there is none, and from then on.
    #[inline(always)]
    pub(super) fn next(&mut self) -> usize {
        while self.left == 0 {
            self.word += 1;
            match self.marks.marks.get(self.word) {
                Some(marks) => self.left = marks[SPACE],
                None => return self.marks.length,
            }
        }
        let bit = self.word * TOGETHER + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        // What follows the line is not of it.
        (bit - self.marks.offset).min(self.marks.length)
    }
}

/// The first bit of a kind that is set, from `at` on.
#[inline(always)]
fn first_from<const KIND: usize>(marks: &[[u64; KINDS]], at: usize) -> Option<usize> {
    let mut word = at / TOGETHER;
    let first = marks.get(word)?[KIND] >> (at % TOGETHER);
    if first != 0 {
        return Some(at + first.trailing_zeros() as usize);
    }
    loop {
        word += 1;
        match marks.get(word)?[KIND] {
            0 => {}
            marks => return Some(word * TOGETHER + marks.trailing_zeros() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares what is said of a text with what a search finds.
    fn is_right(text: &[u8], asked: &[usize]) {
        let mut lines = Lines::of(text);
        let mut expected: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        // Behind the last line end there is no line.
        expected.pop_if(|line| line.is_empty());
        for expected in expected {
            let Line { text: line, marks } = lines.next_line().unwrap();
            assert_eq!(line, expected);
            let found = |byte: u8, at: usize| {
                line.iter().skip(at).position(|other| *other == byte).map_or(line.len(), |offset| at + offset)
            };
            let mut spaces = marks.spaces(0);
            let (mut at, mut last) = (0, 0);
            while at < line.len() {
                at = spaces.next();
                assert_eq!(at, found(b' ', last));
                last = at + 1;
            }
            assert_eq!(spaces.next(), line.len());
            for &at in asked.iter().filter(|at| **at <= line.len()) {
                assert_eq!(marks.spaces(at).next(), found(b' ', at));
                assert_eq!(marks.quote(at), found(b'"', at));
            }
        }
        assert!(lines.next_line().is_none());
    }

    proptest! {
        #[test]
        fn marks_stand_where_a_search_finds_them(
            text in prop::collection::vec(prop::sample::select(b"ab\" -\n\xA0".to_vec()), 0..400),
            asked in prop::collection::vec(0..220usize, 1..20),
        ) {
            is_right(&text, &asked);
        }
    }

    #[test]
    fn registers_of_any_width_find_the_same_marks() {
        let text = b"ab \"\n\xA0\"\" c\n".repeat(64);
        let (chunks, _) = text.as_chunks();
        let expected: Vec<_> = chunks.iter().map(marks_of).collect();
        let is = |kind: usize, at: usize| expected[at / TOGETHER][kind] >> (at % TOGETHER) & 1 == 1;
        for (at, found) in chunks.as_flattened().iter().enumerate() {
            assert_eq!(MARKED.map(|byte| *found == byte), [is(SPACE, at), is(QUOTE, at), is(END, at)]);
        }
        let found_with = |look: &dyn Fn(&mut Vec<[u64; KINDS]>)| {
            let mut found = Vec::new();
            look(&mut found);
            assert_eq!(found, expected);
        };
        found_with(&|found| look_at(chunks, found));
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = pulp::x86::V4::try_new() {
                found_with(&|found| look_at_by_64(simd, chunks, found));
            }
            if let Some(simd) = pulp::x86::V3::try_new() {
                found_with(&|found| look_at_by_32(simd, chunks, found));
            }
        }
    }

    #[test]
    fn lines_may_be_longer_than_what_is_looked_at_ahead() {
        for length in [0, 1, AHEAD - 1, AHEAD, AHEAD + 1, 3 * AHEAD + 5] {
            let line = [&b"x".repeat(length), b" y\"z".as_slice()].concat();
            for end in ["", "\n"] {
                let text = [&line, b"\n".as_slice(), &line, b"\n\na b\n", &line, end.as_bytes()].concat();
                is_right(&text, &[0, 1, length, length + 1, length + 2]);
            }
        }
    }
}
