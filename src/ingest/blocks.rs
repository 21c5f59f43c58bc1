//! A log file is cut into blocks of whole lines, so that all cores can parse one big file.

use std::io::{self, Read};
use std::ops::Range;

/// Bytes read at a time: small enough to stay in the processor's cache until parsed, large enough that
/// handing it over costs nothing.
const BLOCK_BYTES: usize = 256 << 10;

/// Longest line that is waited for. AWS limits a request to some kilobytes; what is longer than this is
/// no log, and must not fill the memory.
const LONGEST_LINE: usize = 16 << 20;

/// Whole lines of a log file.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines {
    /// Number of the first, from 1.
    pub first: u64,
    /// The lines with their line ends; the last of a file may lack one.
    pub bytes: Vec<u8>,
    /// Whether the file ends here. Exactly one block of a file says so; it may be empty.
    pub is_last: bool,
}

/// Cuts what a reader gives into blocks of lines.
pub struct Cutter<R> {
    reader: R,
    /// Begun lines that were read with the block before.
    carry: Vec<u8>,
    next_line: u64,
    is_over: bool,
    block_bytes: usize,
}

impl<R: Read> Cutter<R> {
    /// From the beginning of a file.
    pub fn new(reader: R) -> Cutter<R> {
        Cutter { reader, carry: Vec::new(), next_line: 1, is_over: false, block_bytes: BLOCK_BYTES }
    }

    /// The next block; `None` after the last.
    ///
    /// # Errors
    /// What the reader says, or a line of impossible length. What came before stays good.
    pub fn next(&mut self) -> io::Result<Option<Lines>> {
        if self.is_over {
            return Ok(None);
        }
        let mut bytes = std::mem::take(&mut self.carry);
        bytes.reserve_exact((self.block_bytes + 4096).saturating_sub(bytes.len()));
        loop {
            let before = bytes.len();
            let wanted = self.block_bytes.saturating_sub(before).max(self.block_bytes / 4).max(1);
            let read = (&mut self.reader).take(wanted as u64).read_to_end(&mut bytes)?;
            // Less than was asked for: this is the end. A small file is one block, and so in the cache either
            // wholly or not at all.
            if read < wanted {
                self.is_over = true;
                break;
            }
            if let Some(end) = memchr::memrchr(b'\n', &bytes[before..]) {
                self.carry = bytes.split_off(before + end + 1);
                break;
            }
            if bytes.len() > LONGEST_LINE {
                let message = format!(
                    "line {} is longer than {} MiB: no access log",
                    self.next_line,
                    LONGEST_LINE >> 20
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        let first = self.next_line;
        self.next_line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Some(Lines { first, bytes, is_last: self.is_over }))
    }
}

/// Leaves only the lines that are not in `known` (ranges of line numbers, ascending, ends excluded).
pub fn without(lines: Lines, known: &[Range<u64>]) -> Vec<Lines> {
    let count = memchr::memchr_iter(b'\n', &lines.bytes).count() as u64
        + u64::from(lines.bytes.last().is_some_and(|byte| *byte != b'\n'));
    let end = lines.first + count;
    if !known.iter().any(|range| range.start < end && lines.first < range.end) {
        return vec![lines];
    }
    let mut left = Vec::new();
    let mut rest = lines.bytes.as_slice();
    let mut open: Option<Lines> = None;
    for number in lines.first..end {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(length);
        rest = after;
        if known.iter().any(|range| range.contains(&number)) {
            left.extend(open.take());
        } else {
            open.get_or_insert_with(|| Lines { first: number, bytes: Vec::new(), is_last: false })
                .bytes
                .extend_from_slice(line);
        }
    }
    if lines.is_last {
        let mut last = open.take().unwrap_or(Lines { first: end, bytes: Vec::new(), is_last: false });
        last.is_last = true;
        open = Some(last);
    }
    left.extend(open);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, block_bytes: usize) -> Vec<Lines> {
        let mut cutter = Cutter::new(text.as_bytes());
        cutter.block_bytes = block_bytes;
        std::iter::from_fn(|| cutter.next().unwrap()).collect()
    }

    #[test]
    fn blocks_hold_whole_lines_numbered_on() {
        let text = "one\ntwo\nthree\nfour";
        for block_bytes in 1..30 {
            let blocks = cut(text, block_bytes);
            let all: Vec<u8> = blocks.iter().flat_map(|block| block.bytes.clone()).collect();
            assert_eq!(all, text.as_bytes());
            let mut line = 1;
            for (index, block) in blocks.iter().enumerate() {
                assert_eq!(block.first, line);
                let is_last = index == blocks.len() - 1;
                assert_eq!(block.is_last, is_last);
                assert!(is_last || block.bytes.ends_with(b"\n"));
                line += block.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            }
        }
    }

    #[test]
    fn a_small_file_is_one_block() {
        let text = "one\ntwo\nthree";
        assert_eq!(cut(text, 100), [Lines { first: 1, bytes: text.into(), is_last: true }]);
    }

    #[test]
    fn an_empty_file_is_one_empty_last_block() {
        assert_eq!(cut("", 100), [Lines { first: 1, bytes: Vec::new(), is_last: true }]);
    }

    #[test]
    fn lines_that_are_known_are_left_out() {
        let block = || Lines { first: 10, bytes: b"ten\neleven\ntwelve\nthirteen".to_vec(), is_last: true };
        assert_eq!(without(block(), &[1..5, 20..30]), [block()]);
        assert_eq!(
            without(block(), std::slice::from_ref(&(11..12))),
            [
                Lines { first: 10, bytes: b"ten\n".to_vec(), is_last: false },
                Lines { first: 12, bytes: b"twelve\nthirteen".to_vec(), is_last: true },
            ]
        );
        let known = std::slice::from_ref(&(1..50));
        assert_eq!(without(block(), known), [Lines { first: 14, bytes: Vec::new(), is_last: true }]);
    }
}
