//! Lines blocks: whole lines of a log file on their way to a parser.

use std::ops::Range;

use super::byte_budget::Reservation;
use crate::cache::CUT_LINE_REASON;

/// Bytes of the longest line that can be a record, without its line end. AWS limits a request to a few kilobytes.
pub(super) const MAX_LINE_BYTES: usize = 16 << 20;
/// Bytes that are kept of a longer line, to show what it is.
pub(super) const LONG_LINE_PREFIX_BYTES: usize = 4 << 10;

/// A line of more than [`MAX_LINE_BYTES`]. It is rejected, and only its first bytes are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LongLine {
    pub(super) prefix: Vec<u8>,
    /// Bytes of the whole line, without its line end.
    pub(super) length: u64,
}

impl LongLine {
    /// A long line whose first bytes, `text`, were read so far.
    pub(super) fn new(text: &[u8]) -> LongLine {
        let prefix = text[..text.len().min(LONG_LINE_PREFIX_BYTES)].to_vec();
        LongLine { prefix, length: text.len() as u64 }
    }

    pub(super) fn reason(&self) -> String {
        let LongLine { prefix, length } = self;
        let limit = MAX_LINE_BYTES >> 20;
        format!("{CUT_LINE_REASON} {limit} MiB: the first {} of its {length} bytes are kept", prefix.len())
    }
}

/// Whole lines of a log file, in the buffer that they were read into.
#[derive(Debug, Default)]
pub(super) struct LinesBlock {
    /// Number of the first line, from 1.
    pub(super) first_line: u64,
    pub(super) buffer: Vec<u8>,
    /// The part of `buffer` that has the lines, with their line ends. The last line of a file may lack one.
    pub(super) range: Range<usize>,
    /// The line after them, if it is a long one.
    pub(super) long: Option<LongLine>,
    /// Whether the file ends here. Exactly one block of a file is the last; it may be empty.
    pub(super) is_last: bool,
    /// The memory that the buffer takes for a long line, reserved until the block is parsed.
    pub(super) reservation: Option<Reservation>,
}

impl LinesBlock {
    /// A block without lines.
    pub(super) fn empty(first_line: u64) -> LinesBlock {
        LinesBlock { first_line, ..LinesBlock::default() }
    }

    /// The lines, except the long one.
    pub(super) fn text(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }

    /// The number of lines, with the long one.
    pub(super) fn count(&self) -> u64 {
        count_lines(self.text()) + u64::from(self.long.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.range.is_empty() && self.long.is_none()
    }

    /// Removes the lines whose numbers are in `known`: ranges in ascending order. Returns the others as blocks of
    /// consecutive lines.
    pub(super) fn without(mut self, known: &[Range<u64>]) -> Vec<LinesBlock> {
        if known.is_empty() {
            return vec![self];
        }
        let long_line = self.first_line + count_lines(self.text());
        let end = long_line + u64::from(self.long.is_some());
        if !known.iter().any(|range| range.start < end && self.first_line < range.end) {
            return vec![self];
        }
        let is_known = |line: u64| known.iter().any(|range| range.contains(&line));
        let mut blocks = Vec::new();
        let mut open: Option<LinesBlock> = None;
        let mut rest = self.text();
        for number in self.first_line..long_line {
            let (line, after) = rest.split_at(memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
            rest = after;
            if is_known(number) {
                blocks.extend(open.take());
            } else {
                let block = open.get_or_insert_with(|| LinesBlock::empty(number));
                block.buffer.extend_from_slice(line);
                block.range.end = block.buffer.len();
            }
        }
        match self.long.take() {
            Some(_) if is_known(long_line) => blocks.extend(open.take()),
            Some(long) => open.get_or_insert_with(|| LinesBlock::empty(long_line)).long = Some(long),
            None => {}
        }
        if self.is_last {
            open.get_or_insert_with(|| LinesBlock::empty(end)).is_last = true;
        }
        blocks.extend(open);
        if let Some(first) = blocks.first_mut() {
            first.reservation = self.reservation.take();
        }
        blocks
    }
}

/// The number of lines in `text`. The last one may lack its line end.
fn count_lines(text: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', text).count() as u64;
    ends + u64::from(text.last().is_some_and(|byte| *byte != b'\n'))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A block with this text.
    pub(in crate::ingest) fn block(first_line: u64, text: &[u8], is_last: bool) -> LinesBlock {
        LinesBlock { buffer: text.to_vec(), range: 0..text.len(), is_last, ..LinesBlock::empty(first_line) }
    }

    fn parts(blocks: &[LinesBlock]) -> Vec<(u64, &[u8], Option<&LongLine>, bool)> {
        blocks
            .iter()
            .map(|block| (block.first_line, block.text(), block.long.as_ref(), block.is_last))
            .collect()
    }

    #[test]
    fn known_lines_are_removed() {
        let text = b"1\n2\n3\n4\n5\n6";
        assert_eq!(parts(&block(1, text, true).without(&[])), [(1, &text[..], None, true)]);
        let not_last = block(1, text, false).without(&[2..3, 4..7]);
        assert_eq!(parts(&not_last), [(1, &b"1\n"[..], None, false), (3, b"3\n", None, false)]);
        let last = block(1, text, true).without(std::slice::from_ref(&(1..7)));
        assert_eq!(parts(&last), [(7, &b""[..], None, true)]);
        let tail = block(11, text, true).without(&[1..15, 20..21]);
        assert_eq!(parts(&tail), [(15, &b"5\n6"[..], None, true)]);
    }

    #[test]
    fn a_known_long_line_is_removed() {
        let line = LongLine { prefix: b"3".to_vec(), length: 9 };
        let block = || LinesBlock { long: Some(line.clone()), ..block(1, b"1\n2\n", true) };
        let new = block().without(std::slice::from_ref(&(1..2)));
        assert_eq!(parts(&new), [(2, &b"2\n"[..], Some(&line), true)]);
        let known = block().without(std::slice::from_ref(&(3..4)));
        assert_eq!(parts(&known), [(1, &b"1\n2\n"[..], None, false), (4, b"", None, true)]);
    }
}
