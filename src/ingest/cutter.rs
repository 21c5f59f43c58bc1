//! A log file is cut into blocks of whole lines, so that all cores can parse one big file.

use std::io::{self, Read};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::buffer_pool::BufferPool;
use super::byte_budget::{ByteBudget, Reservation};
use crate::cache::CUT_LINE_REASON;

/// Bytes read at a time: small enough to stay in the processor's cache until parsed, large enough that
/// handing it over costs nothing.
pub const BLOCK_BYTES: usize = 256 << 10;

/// Bytes of the longest line that can be a record, without its line end. AWS limits a request to some kilobytes; what
/// is longer than this must not fill the memory.
pub const LONGEST_LINE: usize = 16 << 20;

/// Bytes that are kept of a longer line: enough to see what it is.
pub const BEGINNING_BYTES: usize = 4 << 10;

/// A buffer that grew beyond this is for a long line.
pub const ORDINARY_BYTES: usize = 4 * BLOCK_BYTES;

/// Long lines that are in memory at a time, from being cut to being parsed, and as many that parsers read themselves.
const LONG_LINES: usize = 2;

/// A line that is longer than [`LONGEST_LINE`]: it is no record, and all of it that is kept is its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongLine {
    pub beginning: Vec<u8>,
    /// Its bytes, without its line end.
    pub length: u64,
}

impl LongLine {
    /// One that begins with these bytes, of which some are kept, and has them all.
    pub fn new(text: &[u8]) -> LongLine {
        LongLine { beginning: text[..text.len().min(BEGINNING_BYTES)].to_vec(), length: text.len() as u64 }
    }

    /// Why it is no record.
    pub fn reason(&self) -> String {
        let LongLine { beginning, length } = self;
        let limit = LONGEST_LINE >> 20;
        format!("{CUT_LINE_REASON} {limit} MiB: the first {} of its {length} bytes are kept", beginning.len())
    }
}

/// Lines that trickle in (through a pipe) are handed on after this time, full block or not.
const HAND_ON_AFTER: Duration = Duration::from_millis(200);

/// Buffers that were read into before.
#[derive(Clone)]
pub struct Buffers {
    spare: BufferPool<Vec<u8>>,
    /// For long lines that are cut out for others.
    cut: ByteBudget,
    /// For those that a parser reads itself. It must not wait for what is cut, for that waits to be parsed.
    parsed: ByteBudget,
}

impl Buffers {
    /// Keeps so many at most.
    pub fn new(most: usize) -> Buffers {
        let long_lines = || ByteBudget::new(LONG_LINES * LONGEST_LINE);
        Buffers { spare: BufferPool::new(most), cut: long_lines(), parsed: long_lines() }
    }

    /// A buffer; what it holds means nothing.
    pub fn take(&self) -> Vec<u8> {
        self.spare.take().unwrap_or_default()
    }

    /// Takes one back.
    pub fn give_back(&self, buffer: Vec<u8>) {
        // An extraordinary line must not hold its memory for ever.
        if buffer.capacity() <= ORDINARY_BYTES {
            self.spare.give_back(buffer);
        }
    }

    /// Waits until a parser may let a buffer grow for a long line that it reads itself, and parses at once.
    pub fn room_to_parse(&self) -> Reservation {
        self.parsed.take(LONGEST_LINE)
    }
}

/// Whole lines of a log file.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines {
    /// Number of the first, from 1.
    pub first: u64,
    /// The lines with their line ends; the last of a file may lack one.
    pub bytes: Vec<u8>,
    /// The line that follows them, if it is a long one.
    pub long: Option<LongLine>,
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
    /// The long line whose end is being looked for.
    long: Option<LongLine>,
    /// What the block cut last may take of the memory for long lines.
    room: Option<Reservation>,
    block_bytes: usize,
    /// Bytes of the longest line that can be a record; not less than a block.
    longest: usize,
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
            long: None,
            room: None,
            block_bytes: BLOCK_BYTES,
            longest: LONGEST_LINE,
            expected,
            may_trickle: size.is_none(),
        }
    }

    /// The next block; `None` after the last. It is empty while the end of a long line is looked for.
    ///
    /// # Errors
    /// What the reader says. What came before stays good.
    pub fn next(&mut self) -> io::Result<Option<Lines>> {
        if self.is_over {
            return Ok(None);
        }
        if let Some(line) = self.long.take() {
            return self.pass_over(line).map(Some);
        }
        let begun = Instant::now();
        let mut bytes = self.buffers.take();
        let mut filled = self.carry.len();
        let expected =
            self.expected.take().map_or(self.block_bytes, |expected| expected.min(self.block_bytes));
        let mut room = expected.max(filled + self.block_bytes / 4).min(self.longest + 1);
        // Only what is new of the buffer is cleared; the rest is overwritten.
        if bytes.len() < room {
            bytes.resize(room, 0);
        }
        bytes[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let mut searched = 0;
        let end = loop {
            while filled < room {
                let read = read(&mut self.reader, &mut bytes[filled..room])?;
                filled += read;
                if read == 0 {
                    self.is_over = true;
                    break;
                }
                if self.may_trickle && filled < room && begun.elapsed() >= HAND_ON_AFTER {
                    break;
                }
            }
            if self.is_over {
                break filled;
            }
            if filled == room && filled < self.block_bytes {
                // There is more of it than expected. Cut only what fills a block: a small file is one block,
                // and so in the cache either wholly or not at all.
                room = self.block_bytes;
                bytes.resize(room.max(bytes.len()), 0);
                continue;
            }
            if let Some(end) = memchr::memrchr(b'\n', &bytes[searched..filled]) {
                break searched + end + 1;
            }
            if filled > self.longest {
                let line = LongLine::new(&bytes[..filled]);
                self.buffers.give_back(bytes);
                return self.pass_over(line).map(Some);
            }
            searched = filled;
            if filled == room {
                // Not far ahead: what follows the line is carried to the next block.
                room = (filled + self.block_bytes).min(self.longest + 1);
                if bytes.len() < room {
                    if room > ORDINARY_BYTES && self.room.is_none() {
                        self.room = Some(self.buffers.cut.take(LONGEST_LINE));
                    }
                    bytes.resize((2 * bytes.len()).min(self.longest + 1).max(room), 0);
                }
            }
        };
        self.carry.extend_from_slice(&bytes[end..filled]);
        bytes.truncate(end);
        let first = self.next_line;
        self.next_line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Some(Lines { first, bytes, long: None, is_last: self.is_over }))
    }

    /// What the block cut last takes of the memory for long lines, to be held until it is parsed.
    pub fn take_room(&mut self) -> Option<Reservation> {
        self.room.take()
    }

    /// Looks for the end of a long line, for a while.
    fn pass_over(&mut self, mut line: LongLine) -> io::Result<Lines> {
        self.room = None;
        let mut bytes = self.buffers.take();
        bytes.resize(self.block_bytes.max(bytes.len()), 0);
        let first = self.next_line;
        let mut passed = 0;
        let long = loop {
            let read = read(&mut self.reader, &mut bytes)?;
            self.is_over = read == 0;
            let end = memchr::memchr(b'\n', &bytes[..read]);
            line.length += end.unwrap_or(read) as u64;
            passed += read;
            if let Some(end) = end {
                self.carry.extend_from_slice(&bytes[end + 1..read]);
            }
            if self.is_over || end.is_some() {
                self.next_line += 1;
                break Some(line);
            }
            if passed > self.longest {
                self.long = Some(line);
                break None;
            }
        };
        self.buffers.give_back(bytes);
        Ok(Lines { first, bytes: Vec::new(), long, is_last: self.is_over })
    }
}

/// Reads what there is; 0: nothing any more.
fn read(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
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
    let number_of_long = lines.first + count(&lines.bytes);
    let end = number_of_long + u64::from(lines.long.is_some());
    if !known.iter().any(|range| range.start < end && lines.first < range.end) {
        return vec![lines];
    }
    let is_known = |number: u64| known.iter().any(|range| range.contains(&number));
    let from = |first: u64| Lines { first, bytes: Vec::new(), long: None, is_last: false };
    let mut left = Vec::new();
    let mut rest = lines.bytes.as_slice();
    let mut open: Option<Lines> = None;
    for number in lines.first..number_of_long {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(length);
        rest = after;
        if is_known(number) {
            left.extend(open.take());
        } else {
            open.get_or_insert_with(|| from(number)).bytes.extend_from_slice(line);
        }
    }
    match lines.long {
        Some(_) if is_known(number_of_long) => left.extend(open.take()),
        Some(long) => open.get_or_insert_with(|| from(number_of_long)).long = Some(long),
        None => {}
    }
    if lines.is_last {
        let mut last = open.take().unwrap_or_else(|| from(end));
        last.is_last = true;
        open = Some(last);
    }
    left.extend(open);
    left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert_eq!(blocks[0], Lines { first: 1, bytes: b"one\n".to_vec(), long: None, is_last: false });
        assert_eq!(blocks[1], Lines { first: 2, bytes: b"two\n".to_vec(), long: None, is_last: false });
        assert_eq!(blocks.last().unwrap().first, 4);
    }

    /// Gives a few bytes at a time.
    struct InSips<'t>(&'t [u8], usize);
    impl Read for InSips<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.1);
            self.0.read(&mut buffer[..length])
        }
    }

    proptest! {
        #[test]
        fn a_line_beyond_the_limit_hides_none_that_follow_it(
            lengths in prop::collection::vec(prop_oneof![0..9usize, 30..34usize, 60..100usize], 0..12),
            ends_with_a_line_end: bool,
            block_bytes in 1..33usize,
            sip in 1..70usize,
        ) {
            const LONGEST: usize = 32;
            let lines: Vec<String> = (b'a'..).zip(&lengths).map(|(letter, length)| {
                char::from(letter).to_string().repeat(*length)
            }).collect();
            let mut text = lines.join("\n");
            if ends_with_a_line_end && !text.is_empty() {
                text.push('\n');
            }
            let expected = text.split_terminator('\n').map(|line| match line.len() > LONGEST {
                true => (line.to_owned(), Some(line.len() as u64)),
                false => (line.to_owned(), None),
            });
            let mut cutter = Cutter::new(InSips(text.as_bytes(), sip), Buffers::new(2), None);
            (cutter.block_bytes, cutter.longest) = (block_bytes, LONGEST);
            let mut found = Vec::new();
            let mut ends = 0;
            while let Some(Lines { first, bytes, long, is_last }) = cutter.next().unwrap() {
                prop_assert_eq!(first, found.len() as u64 + 1);
                let bytes = String::from_utf8(bytes).unwrap();
                found.extend(bytes.split_terminator('\n').map(|line| (line.to_owned(), None)));
                found.extend(long.map(|long| (String::from_utf8(long.beginning).unwrap(), Some(long.length))));
                ends += usize::from(is_last);
            }
            prop_assert_eq!(ends, 1);
            // Of a long line, its beginning is what was read before it was found to be one.
            let found: Vec<(String, Option<u64>)> = found.into_iter().map(|(line, length)| match length {
                Some(length) if line.len() > LONGEST => (line[..1].repeat(length as usize), Some(length)),
                _ => (line, length),
            }).collect();
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_line_of_the_longest_length_is_one_and_of_a_longer_one_the_beginning_is_kept() {
        for (length, is_long) in [(LONGEST_LINE, false), (LONGEST_LINE + 1, true)] {
            for end in ["\n", ""] {
                let text = [&vec![b'x'; length], end.as_bytes()].concat();
                let mut cutter = Cutter::new(text.as_slice(), Buffers::new(2), Some(text.len() as u64));
                let lines = cutter.next().unwrap().unwrap();
                assert_eq!(cutter.take_room().is_some(), !is_long, "a long line is accounted for");
                match lines.long {
                    None => assert!(!is_long && lines.bytes == text),
                    Some(long) => {
                        assert!(is_long && lines.bytes.is_empty());
                        assert_eq!((long.length, long.beginning.len()), (length as u64, BEGINNING_BYTES));
                        let reason = "longer than 16 MiB: the first 4096 of its 16777217 bytes are kept";
                        assert_eq!(long.reason(), reason);
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_without_end_is_not_waited_for_without_a_look_at_whether_it_is_wanted() {
        let mut cutter = Cutter::new(io::repeat(b'x'), Buffers::new(2), None);
        for _ in 0..3 {
            let lines = cutter.next().unwrap().unwrap();
            assert_eq!(lines, Lines { first: 1, bytes: Vec::new(), long: None, is_last: false });
            assert_eq!(cutter.carry.capacity(), 0);
        }
    }

    #[test]
    fn a_small_file_is_one_block() {
        // Its lines and its mark are committed together.
        let text = "one\ntwo\nthree";
        for size in [None, Some(text.len() as u64)] {
            let mut cutter = Cutter::new(text.as_bytes(), Buffers::new(2), size);
            assert_eq!(
                cutter.next().unwrap(),
                Some(Lines { first: 1, bytes: text.into(), long: None, is_last: true })
            );
            assert_eq!(cutter.next().unwrap(), None);
        }
    }

    #[test]
    fn an_empty_file_is_one_empty_last_block() {
        assert_eq!(cut("", 100), [Lines { first: 1, bytes: Vec::new(), long: None, is_last: true }]);
    }

    #[test]
    fn lines_that_are_known_are_left_out() {
        let block = || Lines {
            first: 10,
            bytes: b"ten\neleven\ntwelve\nthirteen".to_vec(),
            long: None,
            is_last: true,
        };
        assert_eq!(without(block(), &[1..5, 20..30]), [block()]);
        assert_eq!(
            without(block(), std::slice::from_ref(&(11..12))),
            [
                Lines { first: 10, bytes: b"ten\n".to_vec(), long: None, is_last: false },
                Lines { first: 12, bytes: b"twelve\nthirteen".to_vec(), long: None, is_last: true },
            ]
        );
        let long = LongLine { beginning: b"x".to_vec(), length: 1 << 30 };
        let with_long = || Lines { long: Some(long.clone()), bytes: b"ten\n".to_vec(), ..block() };
        assert_eq!(
            without(with_long(), std::slice::from_ref(&(1..11))),
            [Lines { first: 11, bytes: Vec::new(), ..with_long() }]
        );
        assert_eq!(
            without(with_long(), std::slice::from_ref(&(11..12))),
            [
                Lines { is_last: false, long: None, ..with_long() },
                Lines { first: 12, bytes: Vec::new(), long: None, is_last: true },
            ]
        );
        let known = std::slice::from_ref(&(1..50));
        assert_eq!(
            without(block(), known),
            [Lines { first: 14, bytes: Vec::new(), long: None, is_last: true }]
        );
    }
}
