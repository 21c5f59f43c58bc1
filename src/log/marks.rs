//! Where the spaces and the quotes of a line stand: 64 bytes are looked at together, once, however many
//! words begin in them.

use wide::u8x16;

/// Bytes looked at together: a bit each.
const TOGETHER: usize = u64::BITS as usize;

/// The spaces and quotes of a line, best asked for from left to right.
pub(super) struct Marks<'a> {
    line: &'a [u8],
    /// Where the bytes begin whose marks are known.
    from: usize,
    spaces: u64,
    quotes: u64,
}

impl<'a> Marks<'a> {
    pub(super) fn new(line: &'a [u8]) -> Marks<'a> {
        // Nothing is known yet: no place is within 64 bytes of there.
        Marks { line, from: usize::MAX / 2, spaces: 0, quotes: 0 }
    }

    /// Where the first space stands, from `at` on; the length of the line if there is none.
    #[inline]
    pub(super) fn space(&mut self, at: usize) -> usize {
        self.find(at, |marks| marks.spaces)
    }

    /// The same for a quote.
    #[inline]
    pub(super) fn quote(&mut self, at: usize) -> usize {
        self.find(at, |marks| marks.quotes)
    }

    #[inline]
    fn find(&mut self, at: usize, which: impl Fn(&Self) -> u64) -> usize {
        let mut at = at;
        while at < self.line.len() {
            if at.wrapping_sub(self.from) >= TOGETHER {
                self.look(at);
            }
            let marks = which(self) >> (at - self.from);
            if marks != 0 {
                return at + marks.trailing_zeros() as usize;
            }
            at = self.from + TOGETHER;
        }
        self.line.len()
    }

    /// Looks at the bytes from here on. Apart from the search, which nearly always finds its mark in the bytes
    /// looked at last and so is worth having in place.
    #[inline(never)]
    fn look(&mut self, from: usize) {
        let rest = self.line.get(from..).unwrap_or_default();
        let mut short = [0; TOGETHER];
        let (bytes, beyond) = match (rest.first_chunk(), self.line.last_chunk()) {
            (Some(bytes), _) => (bytes, 0),
            // The end of a line: with bytes before it, whose marks are shifted out.
            (None, Some(bytes)) if !rest.is_empty() => (bytes, TOGETHER - rest.len()),
            _ => {
                short[..rest.len()].copy_from_slice(rest);
                (&short, 0)
            }
        };
        self.from = from;
        self.spaces = marks_of(bytes, b' ') >> beyond;
        self.quotes = marks_of(bytes, b'"') >> beyond;
    }
}

/// A bit for each of the bytes that is this one, the lowest for the first.
#[inline]
fn marks_of(bytes: &[u8; TOGETHER], byte: u8) -> u64 {
    let wanted = u8x16::splat(byte);
    let (parts, _) = bytes.as_chunks::<16>();
    parts
        .iter()
        .rev()
        .fold(0, |marks, part| marks << 16 | u64::from(u8x16::new(*part).simd_eq(wanted).to_bitmask()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_stand_where_a_search_finds_them(
            line in prop::collection::vec(prop::sample::select(b"ab\" -\xA0".to_vec()), 0..200),
            asked in prop::collection::vec(0..220usize, 1..20),
        ) {
            let mut marks = Marks::new(&line);
            let found = |byte: u8, at: usize| {
                line.iter().skip(at).position(|other| *other == byte).map_or(line.len(), |offset| at + offset)
            };
            for at in asked {
                prop_assert_eq!(marks.space(at), found(b' ', at));
                prop_assert_eq!(marks.quote(at), found(b'"', at));
            }
        }
    }
}
