//! A log file is cut into blocks of whole lines, so that all cores can parse one big file.

use std::io::{self, Read};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::spare::Spare;

/// Bytes read at a time: small enough to stay in the processor's cache until parsed, large enough that
/// handing it over costs nothing.
pub const BLOCK_BYTES: usize = 256 << 10;

/// Longest line that is waited for. AWS limits a request to some kilobytes; what is longer than this is
/// no log, and must not fill the memory.
pub const LONGEST_LINE: usize = 16 << 20;

/// The error that a line is.
pub fn too_long(which: std::fmt::Arguments<'_>) -> io::Error {
    let message = format!("{which} is longer than {} MiB: no access log", LONGEST_LINE >> 20);
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Lines that trickle in (through a pipe) are handed on after this time, full block or not.
const HAND_ON_AFTER: Duration = Duration::from_millis(200);

/// Buffers that were read into before.
#[derive(Clone)]
pub struct Buffers(Spare<Vec<u8>>);

impl Buffers {
    /// Keeps so many at most.
    pub fn new(most: usize) -> Buffers {
        Buffers(Spare::new(most))
    }

    /// A buffer; what it holds means nothing.
    pub fn take(&self) -> Vec<u8> {
        self.0.take().unwrap_or_default()
    }

    /// Takes one back.
    pub fn give_back(&self, buffer: Vec<u8>) {
        // An extraordinary line must not hold its memory for ever.
        if buffer.capacity() <= 4 * BLOCK_BYTES {
            self.0.give_back(buffer);
        }
    }
}

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
    buffers: Buffers,
    /// Begun lines that were read with the block before.
    carry: Vec<u8>,
    next_line: u64,
    is_over: bool,
    block_bytes: usize,
    /// Bytes that the first block is expected to need: a file of three lines needs no large buffer.
    expected: Option<usize>,
    /// Whether it may be a pipe that somebody types or another program logs into.
    may_trickle: bool,
}

impl<R: Read> Cutter<R> {
    /// From the beginning of a file of about this many bytes.
    pub fn new(reader: R, buffers: Buffers, size: Option<u64>) -> Cutter<R> {
        // One more than there is: the read that finds the end needs room too.
        let expected = size.map(|size| usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1));
        Cutter {
            reader,
            buffers,
            carry: Vec::new(),
            next_line: 1,
            is_over: false,
            block_bytes: BLOCK_BYTES,
            expected,
            may_trickle: size.is_none(),
        }
    }

    /// The next block; `None` after the last.
    ///
    /// # Errors
    /// What the reader says, or a line of impossible length. What came before stays good.
    pub fn next(&mut self) -> io::Result<Option<Lines>> {
        if self.is_over {
            return Ok(None);
        }
        let begun = Instant::now();
        let mut bytes = self.buffers.take();
        let mut filled = self.carry.len();
        let room = self.expected.take().map_or(self.block_bytes, |expected| expected.min(self.block_bytes));
        // Only what is new of the buffer is cleared; the rest is overwritten.
        bytes.resize(room.max(filled + self.block_bytes / 4).max(bytes.len()), 0);
        bytes[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let mut searched = filled;
        let end = loop {
            while filled < bytes.len() {
                let read = match self.reader.read(&mut bytes[filled..]) {
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                filled += read;
                if read == 0 {
                    self.is_over = true;
                    break;
                }
                if self.may_trickle && filled < bytes.len() && begun.elapsed() >= HAND_ON_AFTER {
                    break;
                }
            }
            if self.is_over {
                break filled;
            }
            if filled == bytes.len() && filled < self.block_bytes {
                // There is more of it than expected. Cut only what fills a block: a small file is one block,
                // and so in the cache either wholly or not at all.
                bytes.resize(self.block_bytes, 0);
                continue;
            }
            if let Some(end) = memchr::memrchr(b'\n', &bytes[searched..filled]) {
                break searched + end + 1;
            }
            if filled > LONGEST_LINE {
                return Err(too_long(format_args!("line {}", self.next_line)));
            }
            searched = filled;
            if filled == bytes.len() {
                bytes.resize(filled + filled.max(self.block_bytes), 0);
            }
        };
        self.carry.extend_from_slice(&bytes[end..filled]);
        bytes.truncate(end);
        let first = self.next_line;
        self.next_line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Some(Lines { first, bytes, is_last: self.is_over }))
    }
}

/// How many lines these are; the last may lack its line end.
pub fn count(lines: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', lines).count() as u64;
    ends + u64::from(lines.last().is_some_and(|byte| *byte != b'\n'))
}

/// Leaves only the lines that are not in `known` (ranges of line numbers, ascending, ends excluded).
pub fn without(lines: Lines, known: &[Range<u64>]) -> Vec<Lines> {
    if known.is_empty() {
        return vec![lines];
    }
    let end = lines.first + count(&lines.bytes);
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
        let mut cutter = Cutter::new(text.as_bytes(), Buffers::new(2), None);
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
    fn lines_that_trickle_in_are_handed_on() {
        /// Gives a line a call, slowly.
        struct Slow(Vec<&'static [u8]>);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                std::thread::sleep(HAND_ON_AFTER);
                let Some(mut line) = self.0.pop() else { return Ok(0) };
                line.read(buffer)
            }
        }
        let lines = vec![b"three\n".as_slice(), b"wo\nth", b"one\nt"];
        let mut cutter = Cutter::new(Slow(lines), Buffers::new(2), None);
        let blocks: Vec<Lines> = std::iter::from_fn(|| cutter.next().unwrap()).collect();
        assert_eq!(blocks[0], Lines { first: 1, bytes: b"one\n".to_vec(), is_last: false });
        assert_eq!(blocks[1], Lines { first: 2, bytes: b"two\n".to_vec(), is_last: false });
        assert_eq!(blocks.last().unwrap().first, 4);
    }

    #[test]
    fn a_small_file_is_one_block() {
        // Its lines and its mark are committed together.
        let text = "one\ntwo\nthree";
        for size in [None, Some(text.len() as u64)] {
            let mut cutter = Cutter::new(text.as_bytes(), Buffers::new(2), size);
            assert_eq!(cutter.next().unwrap(), Some(Lines { first: 1, bytes: text.into(), is_last: true }));
            assert_eq!(cutter.next().unwrap(), None);
        }
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
