//! Cuts the content of a log file, read once from its beginning, into lines blocks.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::buffer_pool::{MAX_POOLED_BYTES, ReadBuffers};
use super::lines_block::{LinesBlock, LongLine, MAX_LINE_BYTES};

/// Bytes read at a time: few enough to stay in the processor's cache until they are parsed, enough to make the cost
/// of passing a block to another thread negligible.
pub(super) const BLOCK_BYTES: usize = 256 << 10;

/// Lines that arrive slowly, for example through a pipe, become a block after this time even if it is not full.
const MAX_BLOCK_DELAY: Duration = Duration::from_millis(200);

pub(super) struct Cutter<R> {
    reader: R,
    buffers: ReadBuffers,
    /// Bytes after the last line end of the previous block.
    carry: Vec<u8>,
    next_line: u64,
    is_at_end: bool,
    /// The long line whose end was not found yet.
    long: Option<LongLine>,
    block_bytes: usize,
    /// Bytes of the longest line that can be a record. Not less than `block_bytes`.
    max_line_bytes: usize,
    /// Bytes that the first block is expected to need: a file of three lines needs no large buffer.
    expected_bytes: Option<usize>,
    may_be_slow: bool,
}

impl<R: Read> Cutter<R> {
    /// A cutter for a file of about `size` bytes. `None`: the size is unknown, as for a pipe.
    pub(super) fn new(reader: R, buffers: ReadBuffers, size: Option<u64>) -> Cutter<R> {
        // One byte more, for the read that finds the end of the file.
        let expected_bytes = size.map(|size| usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1));
        Cutter {
            reader,
            buffers,
            carry: Vec::new(),
            next_line: 1,
            is_at_end: false,
            long: None,
            block_bytes: BLOCK_BYTES,
            max_line_bytes: MAX_LINE_BYTES,
            expected_bytes,
            may_be_slow: size.is_none(),
        }
    }

    /// A cutter for the rest of a file, which begins with the line `first_line`.
    pub(super) fn of_rest(reader: R, buffers: ReadBuffers, first_line: u64) -> Cutter<R> {
        Cutter { next_line: first_line, may_be_slow: false, ..Cutter::new(reader, buffers, None) }
    }

    /// The next block, or `None` after the last one. Returns empty blocks while it searches for the end of a
    /// long line, so that the caller can check for cancellation. After an error, earlier blocks stay valid.
    pub(super) fn next(&mut self) -> io::Result<Option<LinesBlock>> {
        if self.is_at_end {
            return Ok(None);
        }
        if let Some(line) = self.long.take() {
            return self.skip_long_line(line).map(Some);
        }
        let started = Instant::now();
        let mut buffer = self.buffers.take();
        let mut filled = self.carry.len();
        let expected =
            self.expected_bytes.take().map_or(self.block_bytes, |bytes| bytes.min(self.block_bytes));
        // The block ends at this length, or later if a line is longer.
        let mut limit = expected.max(filled + self.block_bytes / 4).min(self.max_line_bytes + 1);
        // Clears only what the buffer grows by: the rest is overwritten.
        if buffer.len() < limit {
            buffer.resize(limit, 0);
        }
        buffer[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let (mut searched, mut reservation) = (0, None);
        let end = loop {
            while filled < limit {
                let read = read(&mut self.reader, &mut buffer[filled..limit])?;
                filled += read;
                if read == 0 {
                    self.is_at_end = true;
                    break;
                }
                if self.may_be_slow && filled < limit && started.elapsed() >= MAX_BLOCK_DELAY {
                    break;
                }
            }
            if self.is_at_end {
                break filled;
            }
            if filled == limit && filled < self.block_bytes {
                // The file is larger than expected. Only full blocks are cut: a small file must be one block, so that
                // one commit has either all of it or nothing.
                limit = self.block_bytes;
                buffer.resize(limit.max(buffer.len()), 0);
                continue;
            }
            if let Some(end) = memchr::memrchr(b'\n', &buffer[searched..filled]) {
                break searched + end + 1;
            }
            if filled > self.max_line_bytes {
                let line = LongLine::new(&buffer[..filled]);
                drop(reservation);
                self.buffers.put(buffer);
                return self.skip_long_line(line).map(Some);
            }
            searched = filled;
            if filled == limit {
                // Reads only a block further: what follows the line has to be carried to the next block.
                limit = (filled + self.block_bytes).min(self.max_line_bytes + 1);
                if buffer.len() < limit {
                    if limit > MAX_POOLED_BYTES && reservation.is_none() {
                        reservation = Some(self.buffers.cutter_budget.reserve(MAX_LINE_BYTES));
                    }
                    buffer.resize((2 * buffer.len()).min(self.max_line_bytes + 1).max(limit), 0);
                }
            }
        };
        self.carry.extend_from_slice(&buffer[end..filled]);
        let first_line = self.next_line;
        self.next_line += memchr::memchr_iter(b'\n', &buffer[..end]).count() as u64;
        let (range, is_last) = (0..end, self.is_at_end);
        Ok(Some(LinesBlock { first_line, buffer, range, long: None, is_last, reservation }))
    }

    /// Searches for the end of a long line in about the next `max_line_bytes` bytes.
    fn skip_long_line(&mut self, mut line: LongLine) -> io::Result<LinesBlock> {
        let mut buffer = self.buffers.take();
        buffer.resize(self.block_bytes.max(buffer.len()), 0);
        let mut block = LinesBlock::empty(self.next_line);
        let mut skipped = 0;
        loop {
            let read = read(&mut self.reader, &mut buffer)?;
            self.is_at_end = read == 0;
            let end = memchr::memchr(b'\n', &buffer[..read]);
            line.length += end.unwrap_or(read) as u64;
            skipped += read;
            if let Some(end) = end {
                self.carry.extend_from_slice(&buffer[end + 1..read]);
            }
            if self.is_at_end || end.is_some() {
                self.next_line += 1;
                block.long = Some(line);
                break;
            }
            if skipped > self.max_line_bytes {
                self.long = Some(line);
                break;
            }
        }
        self.buffers.put(buffer);
        block.is_last = self.is_at_end;
        Ok(block)
    }
}

/// Reads once, and retries after an interrupt. Returns 0 at the end.
fn read(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines_block::LONG_LINE_PREFIX_BYTES;
    use super::*;

    /// First line, text, and whether the block is the last one.
    type Parts = (u64, Vec<u8>, bool);

    fn parts(block: &LinesBlock) -> Parts {
        assert!(block.long.is_none());
        (block.first_line, block.text().to_vec(), block.is_last)
    }

    fn cut(text: &str, block_bytes: usize) -> Vec<Parts> {
        let mut cutter = Cutter::new(text.as_bytes(), ReadBuffers::new(2), None);
        cutter.block_bytes = block_bytes;
        std::iter::from_fn(|| cutter.next().unwrap()).map(|block| parts(&block)).collect()
    }

    #[test]
    fn blocks_have_whole_lines_with_consecutive_numbers() {
        let text = "one\ntwo\nthree\nfour";
        for block_bytes in 1..30 {
            let blocks = cut(text, block_bytes);
            let all: Vec<u8> = blocks.iter().flat_map(|(_, text, _)| text.clone()).collect();
            assert_eq!(all, text.as_bytes());
            let mut line = 1;
            for (index, (first_line, text, is_last)) in blocks.iter().enumerate() {
                assert_eq!(*first_line, line);
                assert_eq!(*is_last, index == blocks.len() - 1);
                assert!(*is_last || text.ends_with(b"\n"));
                line += text.iter().filter(|byte| **byte == b'\n').count() as u64;
            }
        }
    }

    #[test]
    fn lines_that_arrive_slowly_become_blocks_that_are_not_full() {
        /// Returns a slice per call, slowly.
        struct Slow(Vec<&'static [u8]>);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                std::thread::sleep(MAX_BLOCK_DELAY);
                let Some(mut line) = self.0.pop() else { return Ok(0) };
                line.read(buffer)
            }
        }
        let lines = vec![b"three\n".as_slice(), b"wo\nth", b"one\nt"];
        let mut cutter = Cutter::new(Slow(lines), ReadBuffers::new(2), None);
        let blocks: Vec<Parts> =
            std::iter::from_fn(|| cutter.next().unwrap()).map(|block| parts(&block)).collect();
        assert_eq!(blocks[0], (1, b"one\n".to_vec(), false));
        assert_eq!(blocks[1], (2, b"two\n".to_vec(), false));
        assert_eq!(blocks.last().unwrap().0, 4);
    }

    /// Returns up to this many bytes per call.
    struct FewBytes<'t>(&'t [u8], usize);
    impl Read for FewBytes<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.1);
            self.0.read(&mut buffer[..length])
        }
    }

    proptest! {
        #[test]
        fn a_line_above_the_limit_hides_no_line_after_it(
            lengths in prop::collection::vec(prop_oneof![0..9usize, 30..34usize, 60..100usize], 0..12),
            ends_with_a_line_end: bool,
            block_bytes in 1..33usize,
            bytes_per_read in 1..70usize,
        ) {
            const LIMIT: usize = 32;
            let lines: Vec<String> = (b'a'..).zip(&lengths).map(|(letter, length)| {
                char::from(letter).to_string().repeat(*length)
            }).collect();
            let mut text = lines.join("\n");
            if ends_with_a_line_end && !text.is_empty() {
                text.push('\n');
            }
            let expected = text.split_terminator('\n').map(|line| match line.len() > LIMIT {
                true => (line.to_owned(), Some(line.len() as u64)),
                false => (line.to_owned(), None),
            });
            let reader = FewBytes(text.as_bytes(), bytes_per_read);
            let mut cutter = Cutter::new(reader, ReadBuffers::new(2), None);
            (cutter.block_bytes, cutter.max_line_bytes) = (block_bytes, LIMIT);
            let mut found = Vec::new();
            let mut ends = 0;
            while let Some(block) = cutter.next().unwrap() {
                prop_assert_eq!(block.first_line, found.len() as u64 + 1);
                let text = std::str::from_utf8(block.text()).unwrap();
                found.extend(text.split_terminator('\n').map(|line| (line.to_owned(), None)));
                let long = block.long.map(|long| (String::from_utf8(long.prefix).unwrap(), Some(long.length)));
                found.extend(long);
                ends += usize::from(block.is_last);
            }
            prop_assert_eq!(ends, 1);
            // The prefix of a long line is what was read before it turned out to be long.
            let found: Vec<(String, Option<u64>)> = found.into_iter().map(|(line, length)| match length {
                Some(length) if line.len() > LIMIT => (line[..1].repeat(length as usize), Some(length)),
                _ => (line, length),
            }).collect();
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_line_of_the_maximum_length_is_whole_and_a_longer_one_is_cut() {
        for (length, is_long) in [(MAX_LINE_BYTES, false), (MAX_LINE_BYTES + 1, true)] {
            for end in ["\n", ""] {
                let text = [&vec![b'x'; length], end.as_bytes()].concat();
                let mut cutter = Cutter::new(text.as_slice(), ReadBuffers::new(2), Some(text.len() as u64));
                let block = cutter.next().unwrap().unwrap();
                assert_eq!(block.reservation.is_some(), !is_long, "memory for a whole line is reserved");
                match &block.long {
                    None => assert!(!is_long && block.text() == text),
                    Some(long) => {
                        assert!(is_long && block.text().is_empty());
                        assert_eq!((long.length, long.prefix.len()), (length as u64, LONG_LINE_PREFIX_BYTES));
                        let reason = "longer than 16 MiB: the first 4096 of its 16777217 bytes are kept";
                        assert_eq!(long.reason(), reason);
                    }
                }
            }
        }
    }

    #[test]
    fn the_search_for_the_end_of_a_long_line_returns_empty_blocks() {
        let mut cutter = Cutter::new(io::repeat(b'x'), ReadBuffers::new(2), None);
        for _ in 0..3 {
            let block = cutter.next().unwrap().unwrap();
            assert_eq!(parts(&block), (1, Vec::new(), false));
            assert_eq!(cutter.carry.capacity(), 0);
        }
    }

    #[test]
    fn a_small_file_is_one_block() {
        let text = "one\ntwo\nthree";
        for size in [None, Some(text.len() as u64)] {
            let mut cutter = Cutter::new(text.as_bytes(), ReadBuffers::new(2), size);
            let block = cutter.next().unwrap().unwrap();
            assert_eq!(parts(&block), (1, text.into(), true));
            assert!(cutter.next().unwrap().is_none());
        }
    }

    #[test]
    fn an_empty_file_is_one_empty_last_block() {
        assert_eq!(cut("", 100), [(1, Vec::new(), true)]);
    }
}
