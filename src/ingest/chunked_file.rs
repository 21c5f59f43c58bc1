//! Reads one large plain file with all parsers at once: each takes the next chunk and parses it on the same core. With
//! [`Cutter`](super::cutter::Cutter) instead, one thread would read for all parsers: it would have to wake a parser
//! for every block, and the block would be in the cache of another processor. Parsers that took turns at one reader
//! would take 5 % longer, because the kernel preempts a parser during its turn while the others wait.
//!
//! A chunk has the lines that begin in it: from after its first line end up to the line that begins last, whose end may
//! be in a later chunk. The bytes before its first line end belong to a line of an earlier chunk. The bytes of a line
//! above the size limit are read only to find its end, by its own chunk and by each chunk it crosses.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{fs::File, io, ops::Range, sync::Arc};

use tokio::sync::oneshot;

use super::Counters;
use super::line_numbering::{ChunkTicket, LineNumbering};
use super::lines_block::{LinesBlock, LongLine, MAX_LINE_BYTES};
use super::object_lines::{HEAD_BYTES, Lines, begins_objects, lines_from};
use super::{LogFileTask, buffer_pool::MAX_POOLED_BYTES, cutter::BLOCK_BYTES};

/// Smallest file that is read in chunks. A smaller one has too little work for a second parser.
pub(super) const MIN_CHUNKED_FILE_BYTES: u64 = 4 << 20;

/// Bytes read beyond the end of a chunk. The last line nearly always ends within them.
const READ_AHEAD_BYTES: usize = 1 << 10;

const BECAME_SHORTER: &str = "became shorter while it was read; pull it again when it is complete";

/// Content that several threads can read at any offset.
pub(super) trait ReadAt: Send + Sync {
    /// Reads into `buffer` from byte `offset` on. Returns the number of bytes read, 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

pub(super) struct ChunkedFile {
    pub(super) task: LogFileTask,
    content: Arc<dyn ReadAt>,
    /// The size when reading began. Bytes appended later are left to the next pull.
    size: u64,
    /// Not more than `max_line_bytes`.
    pub(super) chunk_bytes: usize,
    max_line_bytes: usize,
    next_chunk: AtomicU64,
    pub(super) numbering: LineNumbering,
    /// The first chunk that is not read as one, because a JSON object in it may continue on the next lines.
    first_with_objects: AtomicU64,
    /// Gets the rest of the file, or closes, when the last parser has dropped the file, after as much was read as possible.
    done: Option<oneshot::Sender<RestOfFile>>,
}

/// The part of a file that has to be read in one piece, since its objects are not on lines of their own.
pub(super) struct RestOfFile {
    content: Arc<dyn ReadAt>,
    /// Where it begins: at the beginning of a line.
    offset: u64,
    size: u64,
    /// The number of this line.
    pub(super) first_line: u64,
    /// Bytes up to here were counted as read.
    counted: u64,
    counters: Arc<Counters>,
}

impl io::Read for RestOfFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length =
            usize::try_from(self.size - self.offset).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.content.read_at(&mut buffer[..length], self.offset)?;
        if read == 0 && length > 0 {
            return Err(io::Error::other(BECAME_SHORTER));
        }
        self.offset += read as u64;
        if self.offset > self.counted {
            self.counters.bytes_done.fetch_add(self.offset - self.counted, Relaxed);
            self.counted = self.offset;
        }
        Ok(read)
    }
}

/// A chunk on its way through a parser.
pub(super) struct Chunk<'f> {
    pub(super) ticket: ChunkTicket<'f>,
    /// Its lines. They are numbered from 1: their numbers in the file are not known yet.
    pub(super) lines: LinesBlock,
}

impl ChunkedFile {
    pub(super) fn new(
        task: LogFileTask,
        content: Arc<dyn ReadAt>,
        size: u64,
        done: oneshot::Sender<RestOfFile>,
    ) -> ChunkedFile {
        ChunkedFile {
            task,
            content,
            size,
            chunk_bytes: BLOCK_BYTES,
            max_line_bytes: MAX_LINE_BYTES,
            next_chunk: AtomicU64::new(0),
            numbering: LineNumbering::default(),
            first_with_objects: AtomicU64::new(u64::MAX),
            done: Some(done),
        }
    }

    /// The next chunk. `None` at the end, after a cancellation, and after a read error, which is counted as a failure
    /// of the file. Lines before the error stay valid.
    pub(super) fn next(&self) -> Option<Chunk<'_>> {
        if self.task.cancel.is_cancelled() || self.numbering.has_failed() {
            return None;
        }
        let chunk = self.next_chunk.fetch_add(1, Relaxed);
        if chunk.checked_mul(self.chunk_bytes as u64)? >= self.size {
            return None;
        }
        let ticket = self.numbering.ticket(chunk);
        match self.read(chunk) {
            Ok(lines) => {
                let read = (self.size - self.offset_of(chunk)).min(self.chunk_bytes as u64);
                self.task.counters.bytes_done.fetch_add(read, Relaxed);
                Some(Chunk { ticket, lines })
            }
            Err(error) => {
                if ticket.fail() && !self.task.cancel.is_cancelled() {
                    self.task.fail(&error);
                }
                None
            }
        }
    }

    /// Ends the reading in chunks before a chunk if an object in it may continue on the next lines: then where a chunk ends
    /// would decide what is read. Returns the ticket if the chunk is to be read.
    pub(super) fn or_end<'f>(
        &'f self,
        ticket: ChunkTicket<'f>,
        lines: &LinesBlock,
    ) -> Option<ChunkTicket<'f>> {
        if !self.has_objects_across_lines(ticket.chunk, lines) {
            return Some(ticket);
        }
        self.first_with_objects.fetch_min(ticket.chunk, Relaxed);
        ticket.end();
        None
    }

    fn has_objects_across_lines(&self, chunk: u64, lines: &LinesBlock) -> bool {
        if let Some(long) = &lines.long
            && begins_objects(&long.prefix)
        {
            return true;
        }
        let at = match lines_from(lines.text(), true) {
            Lines::Whole => return false,
            Lines::Objects(_) => return true,
            Lines::Undecided(at) => at,
        };
        // What follows the chunk decides. An error is reported when the chunk that has it is read.
        let offset = self.offset_of(chunk) + (lines.range.start + at) as u64;
        let length = usize::try_from(self.size - offset).map_or(HEAD_BYTES, |left| left.min(HEAD_BYTES));
        let mut text = Vec::new();
        match self.fill(&mut text, 0..length, offset) {
            Ok(()) => match lines_from(&text, true) {
                Lines::Objects(0) => true,
                Lines::Undecided(0) => offset + (length as u64) < self.size,
                _ => false,
            },
            Err(_) => false,
        }
    }

    fn rest(&self) -> Option<RestOfFile> {
        let (chunk, first_line) = self.numbering.first_failed()?;
        if chunk != self.first_with_objects.load(Relaxed) || self.task.cancel.is_cancelled() {
            return None;
        }
        let first = self.read(chunk).ok()?;
        let offset = self.offset_of(chunk) + first.range.start as u64;
        self.task.buffers.put(first.buffer);
        let chunks_read = self.next_chunk.load(Relaxed);
        Some(RestOfFile {
            content: self.content.clone(),
            offset,
            size: self.size,
            first_line,
            counted: chunks_read.saturating_mul(self.chunk_bytes as u64).min(self.size),
            counters: self.task.counters.clone(),
        })
    }

    fn offset_of(&self, chunk: u64) -> u64 {
        chunk * self.chunk_bytes as u64
    }

    /// Reads the lines of `chunk`, which must begin before the end of the file. They are numbered from 1.
    /// Also fails if the file has become shorter, or the ingest was cancelled.
    pub(super) fn read(&self, chunk: u64) -> io::Result<LinesBlock> {
        let offset = self.offset_of(chunk);
        let left = usize::try_from(self.size - offset).unwrap_or(usize::MAX);
        let own = left.min(self.chunk_bytes);
        let mut lines = LinesBlock { buffer: self.task.buffers.take(), ..LinesBlock::empty(1) };
        let mut filled = left.min(own + READ_AHEAD_BYTES);
        self.fill(&mut lines.buffer, 0..filled, offset)?;
        lines.is_last = own == left;
        let begin = match chunk {
            0 => Some(0),
            _ => memchr::memchr(b'\n', &lines.buffer[..own]).map(|end| end + 1),
        };
        // Without a line end, the whole chunk is within a line of an earlier chunk.
        let Some(begin) = begin else { return Ok(lines) };
        // The last line that begins in the chunk, and the position at which it would be too long.
        let last_line = memchr::memrchr(b'\n', &lines.buffer[..own]).map_or(begin, |end| end + 1);
        let limit = last_line + self.max_line_bytes + 1;
        let mut searched = own;
        let end = loop {
            if lines.is_last {
                break left;
            }
            if let Some(end) = memchr::memchr(b'\n', &lines.buffer[searched..filled.min(limit)]) {
                break searched + end + 1;
            }
            if filled >= limit {
                let mut long = LongLine::new(&lines.buffer[last_line..limit]);
                long.length = self.end_of_line(offset + limit as u64)? - (offset + last_line as u64);
                lines.long = Some(long);
                break last_line;
            }
            if filled == left {
                break left;
            }
            searched = filled;
            filled = left.min(limit).min(2 * filled);
            if filled > MAX_POOLED_BYTES && lines.reservation.is_none() {
                lines.reservation = Some(self.task.buffers.parser_budget.reserve(MAX_LINE_BYTES));
            }
            self.fill(&mut lines.buffer, searched..filled, offset)?;
        };
        lines.range = begin..end;
        Ok(lines)
    }

    /// The offset of the end of the line that `offset` is in.
    fn end_of_line(&self, mut offset: u64) -> io::Result<u64> {
        let mut buffer = self.task.buffers.take();
        while offset < self.size {
            if self.task.cancel.is_cancelled() {
                return Err(io::Error::other("the pull was stopped"));
            }
            let length =
                usize::try_from(self.size - offset).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
            self.fill(&mut buffer, 0..length, offset)?;
            if let Some(end) = memchr::memchr(b'\n', &buffer[..length]) {
                offset += end as u64;
                break;
            }
            offset += length as u64;
        }
        self.task.buffers.put(buffer);
        Ok(offset)
    }

    /// Fills `range` of a buffer whose first byte is at `offset` in the file.
    fn fill(&self, buffer: &mut Vec<u8>, range: Range<usize>, offset: u64) -> io::Result<()> {
        if buffer.len() < range.end {
            buffer.resize(range.end, 0);
        }
        let mut filled = range.start;
        while filled < range.end {
            match self.content.read_at(&mut buffer[filled..range.end], offset + filled as u64) {
                Ok(0) => return Err(io::Error::other(BECAME_SHORTER)),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Drop for ChunkedFile {
    fn drop(&mut self) {
        if let (Some(done), Some(rest)) = (self.done.take(), self.rest()) {
            let _ = done.send(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use proptest::prelude::*;

    use super::super::Phase;
    use super::super::lines_block::LONG_LINE_PREFIX_BYTES;
    use super::*;

    impl ReadAt for Vec<u8> {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let mut rest = self.get(offset as usize..).unwrap_or_default();
            io::Read::read(&mut rest, buffer)
        }
    }

    fn chunked(content: impl ReadAt + 'static, size: u64, chunk_bytes: usize) -> ChunkedFile {
        let (done, _) = oneshot::channel();
        let mut file = ChunkedFile::new(LogFileTask::for_test(size), Arc::new(content), size, done);
        file.chunk_bytes = chunk_bytes;
        file
    }

    /// All chunks as one parser reads them: first line, text, and whether the file ends there.
    fn chunks(file: &ChunkedFile) -> Vec<(u64, Vec<u8>, bool)> {
        std::iter::from_fn(|| {
            let Chunk { ticket, lines } = file.next()?;
            let chunk = ticket.chunk;
            ticket.counted(lines.count());
            let first_line = file.numbering.take_first_line(chunk).unwrap();
            Some((first_line, lines.text().to_vec(), lines.is_last))
        })
        .collect()
    }

    proptest! {
        #[test]
        fn chunks_have_the_whole_lines_of_the_file_with_consecutive_numbers(
            content in "([a-z]{0,5}\n){0,20}[a-z]{1,9}\n?",
            chunk_bytes in 1..40usize,
        ) {
            let bytes = content.clone().into_bytes();
            let size = bytes.len() as u64;
            let chunks = chunks(&chunked(bytes, size, chunk_bytes));
            let mut line = 1;
            for (index, (first_line, text, is_last)) in chunks.iter().enumerate() {
                prop_assert_eq!(*first_line, line);
                prop_assert_eq!(*is_last, index + 1 == chunks.len());
                // The last line may cross chunks in which no line begins.
                let ends_the_file = chunks[index + 1..].iter().all(|(_, text, _)| text.is_empty());
                prop_assert!(text.is_empty() || text.ends_with(b"\n") || ends_the_file);
                line += text.split_inclusive(|byte| *byte == b'\n').count() as u64;
            }
            let all: Vec<u8> = chunks.into_iter().flat_map(|(_, text, _)| text).collect();
            prop_assert_eq!(String::from_utf8(all).unwrap(), content);
        }
    }

    #[test]
    fn lines_longer_than_chunks_are_whole() {
        let lines = [b"a".repeat(5000), b"b".repeat(3), b"c".repeat(70_000), b"d".to_vec()];
        let content = lines.join(&b'\n');
        let size = content.len() as u64;
        let found: Vec<(u64, Vec<u8>)> = chunks(&chunked(content, size, 100))
            .into_iter()
            .filter(|(_, text, _)| !text.is_empty())
            .map(|(first_line, text, _)| (first_line, text.trim_ascii_end().to_vec()))
            .collect();
        let joined = |range: Range<usize>| lines[range].join(&b'\n');
        assert!(found == [(1, joined(0..1)), (2, joined(1..3)), (4, joined(3..4))]);
    }

    proptest! {
        #[test]
        fn a_line_above_the_limit_hides_no_line_after_it(
            lengths in prop::collection::vec(prop_oneof![0..9usize, 30..34usize, 60..200usize], 1..12),
            ends_with_a_line_end: bool,
            chunk_bytes in 1..33usize,
        ) {
            const LIMIT: usize = 32;
            let lines: Vec<String> = (b'a'..).zip(&lengths).map(|(letter, length)| {
                char::from(letter).to_string().repeat(*length)
            }).collect();
            let mut text = lines.join("\n");
            if ends_with_a_line_end || text.is_empty() {
                text.push('\n');
            }
            let expected: Vec<(String, Option<u64>)> = text.split_terminator('\n').map(|line| {
                (line.to_owned(), Some(line.len() as u64).filter(|length| *length > LIMIT as u64))
            }).collect();
            let mut file = chunked(text.clone().into_bytes(), text.len() as u64, chunk_bytes);
            file.max_line_bytes = LIMIT;
            let mut found: Vec<(String, Option<u64>)> = Vec::new();
            let mut ends = 0;
            while let Some(Chunk { ticket, lines }) = file.next() {
                let chunk = ticket.chunk;
                ticket.counted(lines.count());
                prop_assert_eq!(file.numbering.take_first_line(chunk), Some(found.len() as u64 + 1));
                let text = std::str::from_utf8(lines.text()).unwrap();
                found.extend(text.split_terminator('\n').map(|line| (line.to_owned(), None)));
                found.extend(lines.long.map(|long| {
                    let prefix = String::from_utf8(long.prefix).unwrap();
                    assert_eq!(prefix.len(), LIMIT + 1);
                    (prefix[..1].repeat(long.length as usize), Some(long.length))
                }));
                ends += usize::from(lines.is_last);
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(ends, 1);
            prop_assert_eq!(file.task.counters.files_failed.load(Relaxed), 0);
        }
    }

    #[test]
    fn a_line_of_the_maximum_length_is_whole_and_a_longer_one_is_cut() {
        for (length, is_long) in [(MAX_LINE_BYTES, false), (MAX_LINE_BYTES + 1, true)] {
            let content = [b"a line\n".as_slice(), &vec![b'x'; length], b"\nanother"].concat();
            let size = content.len() as u64;
            let lines = chunked(content, size, BLOCK_BYTES).read(0).unwrap();
            assert!(lines.reservation.is_some(), "memory for a long line is reserved");
            match &lines.long {
                None => assert!(!is_long && lines.range == (0..length + 8)),
                Some(long) => {
                    assert!(is_long && lines.text() == b"a line\n");
                    assert_eq!((long.length, long.prefix.len()), (length as u64, LONG_LINE_PREFIX_BYTES));
                }
            }
        }
    }

    #[test]
    fn a_read_error_is_reported_once_and_lines_before_it_stay() {
        /// Fails in the second half.
        struct Broken(Vec<u8>, AtomicUsize);
        impl ReadAt for Broken {
            fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
                if offset as usize + buffer.len() <= self.0.len() / 2 {
                    return self.0.read_at(buffer, offset);
                }
                self.1.fetch_add(1, Relaxed);
                Err(io::Error::other("the disk is gone"))
            }
        }
        let content = b"a line\n".repeat(100_000);
        let size = content.len() as u64;
        let file = chunked(Broken(content, AtomicUsize::new(0)), size, 10_000);
        let chunks = chunks(&file);
        assert!((30..35).contains(&chunks.len()) && chunks.iter().all(|(_, _, is_last)| !is_last));
        assert!(file.next().is_none());
        assert_eq!(file.task.counters.files_failed.load(Relaxed), 1);
    }

    #[test]
    fn a_file_that_became_shorter_is_reported() {
        let file = chunked(b"one\ntwo\n".to_vec(), 100, 4);
        assert_eq!(chunks(&file), []);
        let failures = file.task.counters.progress(Phase::Done).failures;
        assert_eq!(failures[0].reason, "became shorter while it was read; pull it again when it is complete");
    }

    #[test]
    fn no_chunk_is_read_after_a_cancellation() {
        let content = b"a line\n".repeat(1000);
        let size = content.len() as u64;
        let file = chunked(content, size, 100);
        file.next().unwrap().ticket.counted(1);
        file.task.cancel.cancel();
        assert!(file.next().is_none());
        assert_eq!(file.task.counters.files_failed.load(Relaxed), 0);
    }
}
