//! A large plain log file on the disk: the parsers read it themselves, a piece at a time, side by side.
//!
//! A thread of its own that reads for them would have to be woken for every piece, and what it reads would be in
//! the cache of another processor than the one that parses it. Nor do they read in turns: one that is interrupted
//! in its turn would have the others wait, and a processor idle, for 5 % of a pull.
//!
//! A piece has the lines that begin in it: those behind its first line end, up to and with the one that begins
//! right behind it. What stands before its first line end is the end of a line of a piece before. A line that is too
//! long is only passed over, by the piece that it begins in and by those that it goes through.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::sync::oneshot;

use super::Stop;
use super::byte_budget::Reservation;
use super::counters::Counters;
use super::cutter::{self, BLOCK_BYTES, Buffers, LONGEST_LINE, LongLine, ORDINARY_BYTES};
use super::line_numbering::{ChunkTicket, LineNumbering};
use crate::cache::FileMark;

/// Files from this size on are read so: of a smaller one there is little for a second parser.
pub const FROM_BYTES: u64 = 4 << 20;

/// Bytes read behind a piece: nearly always its last line ends within them.
const BEHIND: usize = 1 << 10;

/// What can be read anywhere, by several at once.
pub trait ReadAt: Send + Sync {
    /// Reads what stands at `at`; 0: there is nothing.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, at)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, at)
    }
}

/// The file, and who is told how it went.
pub struct ChunkedFile {
    pub source: usize,
    pub file: Arc<FileMark>,
    /// Lines that are in the cache already, by their numbers.
    pub known: Vec<Range<u64>>,
    content: Box<dyn ReadAt>,
    /// What is added to it from now on is for the next time.
    size: u64,
    /// Not more than the longest line.
    pub(super) piece_bytes: usize,
    longest: usize,
    /// The next piece to be read.
    next: AtomicU64,
    pub numbers: LineNumbering,
    pub buffers: Buffers,
    pub counters: Arc<Counters>,
    stop: Stop,
    /// Closed with the last hold on the file: it was read, as far as it could be.
    _read: oneshot::Sender<()>,
}

/// Whole lines of the file.
pub struct Piece<'f> {
    /// The promise to count them.
    pub claim: ChunkTicket<'f>,
    pub lines: Lines,
}

/// Lines in the buffer that they were read into.
#[derive(Debug)]
pub struct Lines {
    pub buffer: Vec<u8>,
    pub range: Range<usize>,
    /// The line that follows them, if it is a long one.
    pub long: Option<LongLine>,
    /// Whether the file ends here.
    pub is_last: bool,
    /// What the buffer takes of the memory for long lines, to be held until it is parsed.
    pub room: Option<Reservation>,
}

impl Lines {
    /// Their text; the last line of a file may lack its line end.
    pub fn text(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }

    /// How many lines these are.
    pub fn count(&self) -> u64 {
        cutter::count(self.text()) + u64::from(self.long.is_some())
    }

    /// The same lines, the first of which has this number.
    pub fn numbered(mut self, first: u64) -> cutter::Lines {
        self.buffer.truncate(self.range.end);
        self.buffer.drain(..self.range.start);
        cutter::Lines { first, bytes: self.buffer, long: self.long, is_last: self.is_last }
    }
}

impl ChunkedFile {
    /// A file of this size, of which these lines are known.
    pub fn new(
        (source, file, known): (usize, Arc<FileMark>, Vec<Range<u64>>),
        (content, size): (Box<dyn ReadAt>, u64),
        buffers: Buffers,
        counters: Arc<Counters>,
        stop: Stop,
        read: oneshot::Sender<()>,
    ) -> ChunkedFile {
        ChunkedFile {
            source,
            file,
            known,
            content,
            size,
            piece_bytes: BLOCK_BYTES,
            longest: LONGEST_LINE,
            next: AtomicU64::new(0),
            numbers: LineNumbering::default(),
            buffers,
            counters,
            stop,
            _read: read,
        }
    }

    /// The next piece; `None` if there is no other, or none is wanted. What goes wrong is noted as a failure of the
    /// file, and the lines before it stay good.
    pub fn next(&self) -> Option<Piece<'_>> {
        if self.stop.is_asked() || self.numbers.are_broken() {
            return None;
        }
        let piece = self.next.fetch_add(1, Relaxed);
        if piece.checked_mul(self.piece_bytes as u64)? >= self.size {
            return None;
        }
        let claim = self.numbers.claim(piece);
        match self.read(piece) {
            Ok(lines) => {
                let read = (self.size - self.start(piece)).min(self.piece_bytes as u64);
                self.counters.bytes_done.fetch_add(read, Relaxed);
                Some(Piece { claim, lines })
            }
            Err(error) => {
                if claim.give_up() && !self.stop.is_asked() {
                    self.failed(&error);
                }
                None
            }
        }
    }

    fn failed(&self, error: &io::Error) {
        let reason = error.to_string();
        self.counters.file_failed(&self.file.name, reason.clone(), &reason);
    }

    fn start(&self, piece: u64) -> u64 {
        piece * self.piece_bytes as u64
    }

    /// Reads the lines of a piece that there is.
    ///
    /// # Errors
    /// What the disk says, or that the file has become shorter, or that a stop was asked for.
    pub fn read(&self, piece: u64) -> io::Result<Lines> {
        let start = self.start(piece);
        let left = usize::try_from(self.size - start).unwrap_or(usize::MAX);
        let own = left.min(self.piece_bytes);
        let mut buffer = self.buffers.take();
        let mut filled = left.min(own + BEHIND);
        self.fill(&mut buffer, 0..filled, start)?;
        let begin = match piece {
            0 => Some(0),
            _ => memchr::memchr(b'\n', &buffer[..own]).map(|end| end + 1),
        };
        let is_last = own == left;
        let Some(begin) = begin else {
            // It is within a line that began before it.
            return Ok(Lines { buffer, range: 0..0, long: None, is_last, room: None });
        };
        let (mut searched, mut room) = (own, None);
        // The last line that begins in the piece, and where its line end has to stand before.
        let line = memchr::memrchr(b'\n', &buffer[..own]).map_or(begin, |end| end + 1);
        let limit = line + self.longest + 1;
        let end = loop {
            if is_last {
                break left;
            }
            if let Some(end) = memchr::memchr(b'\n', &buffer[searched..filled.min(limit)]) {
                break searched + end + 1;
            }
            if filled >= limit {
                let mut long = LongLine::new(&buffer[line..limit]);
                long.length = self.end_of_line(start + limit as u64)? - (start + line as u64);
                return Ok(Lines { buffer, range: begin..line, long: Some(long), is_last, room });
            }
            if filled == left {
                break left;
            }
            searched = filled;
            filled = left.min(limit).min(2 * filled);
            if filled > ORDINARY_BYTES && room.is_none() {
                room = Some(self.buffers.room_to_parse());
            }
            self.fill(&mut buffer, searched..filled, start)?;
        };
        Ok(Lines { buffer, range: begin..end, long: None, is_last, room })
    }

    /// Where the line ends that goes on at `at`, without its line end.
    fn end_of_line(&self, mut at: u64) -> io::Result<u64> {
        let mut buffer = self.buffers.take();
        while at < self.size {
            if self.stop.is_asked() {
                return Err(io::Error::other("a stop was asked for"));
            }
            let length = usize::try_from(self.size - at).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
            self.fill(&mut buffer, 0..length, at)?;
            if let Some(end) = memchr::memchr(b'\n', &buffer[..length]) {
                at += end as u64;
                break;
            }
            at += length as u64;
        }
        self.buffers.give_back(buffer);
        Ok(at)
    }

    /// Reads into a part of a buffer whose first byte stands at `start` in the file.
    fn fill(&self, buffer: &mut Vec<u8>, range: Range<usize>, start: u64) -> io::Result<()> {
        if buffer.len() < range.end {
            buffer.resize(range.end, 0);
        }
        let mut at = range.start;
        while at < range.end {
            match self.content.read_at(&mut buffer[at..range.end], start + at as u64) {
                Ok(0) => {
                    let message = "it became shorter while it was read; pull it again when it is whole";
                    return Err(io::Error::other(message));
                }
                Ok(read) => at += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use proptest::prelude::*;

    use super::super::cutter::BEGINNING_BYTES;
    use super::*;

    impl ReadAt for Vec<u8> {
        fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
            let mut rest = self.get(at as usize..).unwrap_or_default();
            io::Read::read(&mut rest, buffer)
        }
    }

    fn shared(content: impl ReadAt + 'static, size: u64, piece_bytes: usize) -> ChunkedFile {
        let mark = FileMark { name: "a.log".to_owned(), version: None, size: Some(size), may_grow: false };
        let (sender, _) = oneshot::channel();
        let mut file = ChunkedFile::new(
            (0, Arc::new(mark), Vec::new()),
            (Box::new(content), size),
            Buffers::new(4),
            Arc::default(),
            Stop::default(),
            sender,
        );
        file.piece_bytes = piece_bytes;
        file
    }

    /// The pieces as one parser takes them: the first line and the text of each, and whether the file ends there.
    fn taken(file: &ChunkedFile) -> Vec<(u64, Vec<u8>, bool)> {
        std::iter::from_fn(|| {
            let Piece { claim, lines } = file.next()?;
            let piece = claim.piece();
            let text = lines.text().to_vec();
            claim.counted(text.split_inclusive(|byte| *byte == b'\n').count() as u64);
            Some((file.numbers.first_line(piece).unwrap(), text, lines.is_last))
        })
        .collect()
    }

    proptest! {
        #[test]
        fn pieces_are_the_whole_lines_of_the_file_numbered_on(
            content in "([a-z]{0,5}\n){0,20}[a-z]{1,9}\n?",
            piece_bytes in 1..40usize,
        ) {
            let bytes = content.clone().into_bytes();
            let size = bytes.len() as u64;
            let pieces = taken(&shared(bytes, size, piece_bytes));
            let mut line = 1;
            for (index, (first, text, is_last)) in pieces.iter().enumerate() {
                prop_assert_eq!(*first, line);
                prop_assert_eq!(*is_last, index + 1 == pieces.len());
                // The last line may begin in one piece and reach beyond others, in which none begins.
                let ends_the_file = pieces[index + 1..].iter().all(|(_, text, _)| text.is_empty());
                prop_assert!(text.is_empty() || text.ends_with(b"\n") || ends_the_file);
                line += text.split_inclusive(|byte| *byte == b'\n').count() as u64;
            }
            let all: Vec<u8> = pieces.into_iter().flat_map(|(_, text, _)| text).collect();
            prop_assert_eq!(String::from_utf8(all).unwrap(), content);
        }
    }

    #[test]
    fn lines_longer_than_pieces_are_whole() {
        let lines = [b"a".repeat(5000), b"b".repeat(3), b"c".repeat(70_000), b"d".to_vec()];
        let content = lines.join(&b'\n');
        let size = content.len() as u64;
        let pieces = taken(&shared(content, size, 100));
        let found: Vec<(u64, Vec<u8>)> = pieces
            .into_iter()
            .filter(|(_, text, _)| !text.is_empty())
            .map(|(first, text, _)| (first, text.trim_ascii_end().to_vec()))
            .collect();
        let joined = |range: std::ops::Range<usize>| lines[range].join(&b'\n');
        assert!(found == [(1, joined(0..1)), (2, joined(1..3)), (4, joined(3..4))]);
    }

    proptest! {
        #[test]
        fn a_line_beyond_the_limit_hides_none_that_follow_it(
            lengths in prop::collection::vec(prop_oneof![0..9usize, 30..34usize, 60..200usize], 1..12),
            ends_with_a_line_end: bool,
            piece_bytes in 1..33usize,
        ) {
            const LONGEST: usize = 32;
            let lines: Vec<String> = (b'a'..).zip(&lengths).map(|(letter, length)| {
                char::from(letter).to_string().repeat(*length)
            }).collect();
            let mut text = lines.join("\n");
            if ends_with_a_line_end || text.is_empty() {
                text.push('\n');
            }
            let expected: Vec<(String, Option<u64>)> = text.split_terminator('\n').map(|line| {
                (line.to_owned(), Some(line.len() as u64).filter(|length| *length > LONGEST as u64))
            }).collect();
            let mut file = shared(text.clone().into_bytes(), text.len() as u64, piece_bytes);
            file.longest = LONGEST;
            let mut found: Vec<(String, Option<u64>)> = Vec::new();
            let mut ends = 0;
            while let Some(Piece { claim, lines }) = file.next() {
                let piece = claim.piece();
                claim.counted(lines.count());
                prop_assert_eq!(file.numbers.first_line(piece), Some(found.len() as u64 + 1));
                let text = std::str::from_utf8(lines.text()).unwrap();
                found.extend(text.split_terminator('\n').map(|line| (line.to_owned(), None)));
                found.extend(lines.long.map(|long| {
                    let beginning = String::from_utf8(long.beginning).unwrap();
                    assert_eq!(beginning.len(), LONGEST + 1);
                    (beginning[..1].repeat(long.length as usize), Some(long.length))
                }));
                ends += usize::from(lines.is_last);
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(ends, 1);
            prop_assert_eq!(file.counters.files_failed.load(Relaxed), 0);
        }
    }

    #[test]
    fn a_line_of_the_longest_length_is_one_and_of_a_longer_one_the_beginning_is_kept() {
        for (length, is_long) in [(LONGEST_LINE, false), (LONGEST_LINE + 1, true)] {
            let content = [b"a line\n".as_slice(), &vec![b'x'; length], b"\nanother"].concat();
            let size = content.len() as u64;
            let file = shared(content, size, BLOCK_BYTES);
            let lines = file.read(0).unwrap();
            assert!(lines.room.is_some(), "a long line is accounted for");
            match &lines.long {
                None => assert!(!is_long && lines.range == (0..length + 8)),
                Some(long) => {
                    assert!(is_long && lines.text() == b"a line\n");
                    assert_eq!((long.length, long.beginning.len()), (length as u64, BEGINNING_BYTES));
                }
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_on_is_told_once_and_what_came_before_is_good() {
        /// Can be read up to the second half.
        struct Broken(Vec<u8>, AtomicUsize);
        impl ReadAt for Broken {
            fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
                if at as usize + buffer.len() <= self.0.len() / 2 {
                    return self.0.read_at(buffer, at);
                }
                self.1.fetch_add(1, Relaxed);
                Err(io::Error::other("the disk is gone"))
            }
        }
        let content = b"a line\n".repeat(100_000);
        let size = content.len() as u64;
        let file = shared(Broken(content, AtomicUsize::new(0)), size, 10_000);
        let pieces = taken(&file);
        assert!((30..35).contains(&pieces.len()) && pieces.iter().all(|(_, _, is_last)| !is_last));
        assert!(file.next().is_none());
        assert_eq!(file.counters.files_failed.load(Relaxed), 1);
    }

    #[test]
    fn a_file_that_became_shorter_is_told() {
        let file = shared(b"one\ntwo\n".to_vec(), 100, 4);
        assert_eq!(taken(&file), []);
        let failures = file.counters.progress(super::super::Phase::Done).failures;
        assert_eq!(failures[0].reason, "it became shorter while it was read; pull it again when it is whole");
    }

    #[test]
    fn nothing_more_is_taken_when_a_stop_is_asked_for() {
        let content = b"a line\n".repeat(1000);
        let size = content.len() as u64;
        let file = shared(content, size, 100);
        file.next().unwrap().claim.counted(1);
        file.stop.stop();
        assert!(file.next().is_none());
        assert_eq!(file.counters.files_failed.load(Relaxed), 0);
    }
}
