//! Blocks of lines become batches of requests: one of these runs per core.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};

use crate::cache::{
    BATCH_BYTES, Batch, BatchBuilder, FileMark, FilePart, LineRun, RejectedLine, SharedDictionaries,
};
use crate::log::{self, RecordGroup, Rejection, Sink, unfinished_line};

use super::buffer_pool::BufferPool;
use super::chunked_file::{ChunkedFile, Lines, Piece};
use super::counters::Counters;
use super::cutter::{self, Buffers, LongLine};
use super::line_numbering::{FirstLine, LineNumbering};
use super::{Block, ToWriter, Work};

/// A batch that does not fill up is handed on after this time, so that the first requests show at once.
const HAND_ON_AFTER: Duration = Duration::from_millis(200);

/// Batches that may wait for the numbers of their lines while more is parsed.
const MOST_WAITING: usize = 2;

/// How far parsers stand back where there are fewer processors than threads. The writer waits for the disk every now
/// and then: unless it has written all there was before, the parsers soon wait for it, and a processor idles. So it
/// must not wait for its turn besides.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 3;

/// What comes next for a parser.
enum Next {
    Work(Work),
    /// The batch has waited long enough.
    HandOn,
    End,
}

/// Parses until there is no more work.
pub fn run(
    runtime: &tokio::runtime::Handle,
    dictionaries: SharedDictionaries,
    work: &Mutex<mpsc::Receiver<Work>>,
    to_writer: &ToWriter,
    counters: &Counters,
    buffers: &Buffers,
    spare: &BufferPool<Box<Batch>>,
) {
    // Of this thread alone. If that may not be, it is a few per cent slower.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
    let mut parser = Parser {
        line_parser: log::Parser::new(),
        builder: BatchBuilder::with_dictionaries(dictionaries),
        source: 0,
        begun: Instant::now(),
        to_writer,
        counters,
        buffers,
        spare,
    };
    loop {
        let next = runtime.block_on(async {
            let next = async { work.lock().await.recv().await.map_or(Next::End, Next::Work) };
            if parser.builder.is_empty() {
                return next.await;
            }
            let left = HAND_ON_AFTER.saturating_sub(parser.begun.elapsed());
            tokio::time::timeout(left, next).await.unwrap_or(Next::HandOn)
        });
        let done = match next {
            Next::Work(Work::Block(block)) => parser.take(block),
            Next::Work(Work::File(file)) => parser.take_file(&file),
            Next::HandOn => parser.hand_on(),
            Next::End => {
                let _ = parser.hand_on();
                return;
            }
        };
        if done.is_err() {
            return;
        }
    }
}

/// The writer gave up, and has said why.
struct NobodyWrites;

/// A batch being built, and where it goes.
struct Parser<'p> {
    line_parser: log::Parser,
    builder: BatchBuilder,
    /// Whose lines it is of.
    source: usize,
    /// When its first block came.
    begun: Instant,
    to_writer: &'p ToWriter,
    counters: &'p Counters,
    buffers: &'p Buffers,
    spare: &'p BufferPool<Box<Batch>>,
}

impl Parser<'_> {
    /// Parses a block into the batch, or into a new one.
    fn take(&mut self, block: Block) -> Result<(), NobodyWrites> {
        // A large file comes without a pause, but slowly perhaps.
        let is_late = self.begun.elapsed() >= HAND_ON_AFTER;
        if block.source != self.source || self.builder.is_full_before(block.lines.len()) || is_late {
            self.hand_on()?;
        }
        if self.builder.is_empty() {
            self.begun = Instant::now();
        }
        self.source = block.source;
        let part = (&block.file, block.first_line, block.is_last);
        parse(&mut self.line_parser, &block.lines, block.long, part, &mut self.builder);
        self.buffers.give_back(block.lines);
        drop(block.room);
        Ok(())
    }

    /// Parses pieces of a file until there are no more, into batches of nothing else: it may turn out that their
    /// lines have no numbers, for a piece before them cannot be read.
    fn take_file(&mut self, file: &ChunkedFile) -> Result<(), NobodyWrites> {
        if !file.known.is_empty() {
            return self.take_new(file);
        }
        self.hand_on()?;
        self.source = file.source;
        let mut pieces = Vec::new();
        let mut waiting = VecDeque::new();
        while let Some(Piece { claim, lines }) = file.next() {
            if self.builder.is_full_before(lines.text().len()) {
                waiting.push_back(Pieces::new(self.finish(), std::mem::take(&mut pieces)));
            }
            if pieces.is_empty() {
                self.begun = Instant::now();
            }
            pieces.push(claim.piece());
            let Lines { buffer, range, long, is_last, room } = lines;
            let part = (&file.file, 1, is_last);
            claim.counted(parse(&mut self.line_parser, &buffer[range], long, part, &mut self.builder));
            self.buffers.give_back(buffer);
            // Whoever waits for others below must not have them wait for memory.
            drop(room);
            if self.builder.is_full() || self.begun.elapsed() >= HAND_ON_AFTER {
                waiting.push_back(Pieces::new(self.finish(), std::mem::take(&mut pieces)));
            }
            // Another parser may be interrupted within a piece before these: meanwhile this one goes on.
            while let Some(first) = waiting.front()
                && FirstLine::Known == first.are_known(&file.numbers, are_many(&waiting))
                && let Some(first) = waiting.pop_front()
            {
                self.send_numbered(first, file)?;
            }
        }
        waiting.push_back(Pieces::new(self.finish(), pieces));
        for batch in waiting {
            batch.are_known(&file.numbers, true);
            self.send_numbered(batch, file)?;
        }
        Ok(())
    }

    /// The same of a file that is known in part: only the numbers of lines tell what is new, so lines are counted
    /// before they are parsed.
    fn take_new(&mut self, file: &ChunkedFile) -> Result<(), NobodyWrites> {
        while let Some(Piece { claim, mut lines }) = file.next() {
            let piece = claim.piece();
            claim.counted(lines.count());
            // Whoever waits for others must not have them wait for memory.
            lines.room = None;
            file.numbers.wait(piece);
            // Behind a piece that cannot be read there are no numbers.
            let Some(first) = file.numbers.first_line(piece) else { continue };
            for lines in cutter::without(lines.numbered(first), &file.known) {
                self.take(Block::new(file.source, &file.file, lines, None))?;
            }
        }
        Ok(())
    }

    /// Gives pieces that are numbered to the writer, or as many as ever will be.
    fn send_numbered(&mut self, of: Pieces, file: &ChunkedFile) -> Result<(), NobodyWrites> {
        let Pieces { mut batch, pieces, bytes: _ } = of;
        let firsts: Vec<Option<u64>> = pieces.iter().map(|piece| file.numbers.first_line(*piece)).collect();
        if !firsts.contains(&None) {
            let parts = batch.parts.iter_mut().zip(firsts.into_iter().flatten());
            parts.for_each(|(part, first)| part.number_from(first));
            return self.send(batch);
        }
        // There is no taking rows out of a batch: what stays good is parsed again.
        self.spare.give_back(batch);
        for (piece, first) in pieces.into_iter().zip(firsts) {
            // What cannot be read any more is not noted as read.
            if let Some(first) = first
                && let Ok(lines) = file.read(piece)
            {
                let Lines { buffer, range, long, is_last, room: _room } = lines;
                let part = (&file.file, first, is_last);
                parse(&mut self.line_parser, &buffer[range], long, part, &mut self.builder);
            }
        }
        self.hand_on()
    }

    /// Gives the batch to the writer.
    fn hand_on(&mut self) -> Result<(), NobodyWrites> {
        let batch = self.finish();
        self.send(batch)
    }

    /// Ends the batch and begins another.
    fn finish(&mut self) -> Box<Batch> {
        // The memory of a batch that was written serves the next.
        let mut batch = self.spare.take().unwrap_or_default();
        *batch = self.builder.finish(std::mem::take(&mut *batch));
        batch
    }

    /// Gives a batch to the writer, if there is anything in it.
    fn send(&mut self, batch: Box<Batch>) -> Result<(), NobodyWrites> {
        if batch.parts.is_empty() {
            self.spare.give_back(batch);
            return Ok(());
        }
        for part in &batch.parts {
            self.counters.lines.fetch_add(part.lines, Relaxed);
            self.counters.rejected.fetch_add(part.rejected.len() as u64, Relaxed);
        }
        if self.to_writer.send(self.source, batch) { Ok(()) } else { Err(NobodyWrites) }
    }
}

/// A batch of pieces of a shared file, whose lines are numbered from 1 each until it is known where they stand.
struct Pieces {
    batch: Box<Batch>,
    /// Of each part, in order.
    pieces: Vec<u64>,
    /// Of memory.
    bytes: usize,
}

/// Whether so many wait that the first of them is to be waited for.
fn are_many(waiting: &VecDeque<Pieces>) -> bool {
    waiting.len() > MOST_WAITING || waiting.iter().map(|pieces| pieces.bytes).sum::<usize>() > BATCH_BYTES
}

impl Pieces {
    fn new(batch: Box<Batch>, pieces: Vec<u64>) -> Pieces {
        let bytes = batch.bytes();
        Pieces { batch, pieces, bytes }
    }

    /// Whether that is known, if need be after a while.
    fn are_known(&self, numbers: &LineNumbering, wait: bool) -> FirstLine {
        match self.pieces.last() {
            None => FirstLine::Known,
            Some(last) if wait => numbers.wait(*last),
            Some(last) => numbers.are_known(*last),
        }
    }
}

/// Which lines gave the rows of a part, one each.
#[derive(Default)]
struct LineRuns {
    runs: Vec<LineRun>,
    /// The first line of the stretch at the end, in which every line gave a row.
    first: u64,
}

impl LineRuns {
    /// A line gave other than one row: the stretch ends before it.
    fn exception(&mut self, line: u64, rows: usize) {
        self.end(line);
        // Rows of the same line have a run each.
        self.runs.extend((0..rows).map(|_| LineRun { line, rows: 1 }));
        self.first = line + 1;
    }

    fn end(&mut self, line: u64) {
        if line > self.first {
            self.runs.push(LineRun { line: self.first, rows: (line - self.first) as usize });
        }
    }

    /// The runs of a part of this many lines; empty if each of them gave a row.
    fn finish(mut self, lines: u64) -> Vec<LineRun> {
        if self.first > 0 {
            self.end(lines);
        }
        self.runs
    }
}

/// Adds the records of a block to a batch, and collects what else the block has.
struct PartBuilder<'b> {
    builder: &'b mut BatchBuilder,
    /// Number of the first line of the block.
    first_line: u64,
    rejected: Vec<RejectedLine>,
    runs: LineRuns,
}

impl PartBuilder<'_> {
    /// Adds a line without a record, which is rejected.
    fn reject(&mut self, line: u64, reason: String, content: Vec<u8>) {
        self.rejected.push(RejectedLine { line: self.first_line + line, reason, content });
    }
}

impl Sink for PartBuilder<'_> {
    fn records(&mut self, records: &RecordGroup<'_, '_>) {
        self.builder.extend(*records);
    }

    fn rejected(&mut self, line: u64, text: &[u8], reason: Rejection) {
        self.reject(line, reason.to_string(), text.to_vec());
    }

    fn record_count(&mut self, line: u64, records: usize) {
        self.runs.exception(line, records);
    }
}

/// Adds a block of lines, and a long line after it, to a batch as a part. Returns the number of lines.
fn parse(
    parser: &mut log::Parser,
    text: &[u8],
    long: Option<LongLine>,
    (file, first_line, is_last): (&Arc<FileMark>, u64, bool),
    builder: &mut BatchBuilder,
) -> u64 {
    let before = builder.rows();
    let unfinished = if is_last && file.may_grow && long.is_none() { unfinished_line(text) } else { &[] };
    let runs = LineRuns::default();
    let mut part = PartBuilder { builder, first_line, rejected: Vec::new(), runs };
    let mut count = parser.parse_block(&text[..text.len() - unfinished.len()], &mut part);
    if !unfinished.is_empty() {
        part.reject(count, UNFINISHED.to_owned(), unfinished.to_vec());
        part.runs.exception(count, 0);
        count += 1;
    }
    if let Some(long) = long {
        part.reject(count, long.reason(), long.beginning);
        part.runs.exception(count, 0);
        count += 1;
    }
    let PartBuilder { builder, rejected, runs, .. } = part;
    builder.end_part(FilePart {
        file: file.clone(),
        first_line,
        lines: count,
        rows: builder.rows() - before,
        line_runs: runs.finish(count),
        rejected,
        total_lines: is_last.then_some(first_line - 1 + count),
    });
    count
}

/// Why the last line of a file that may still grow is not a record.
const UNFINISHED: &str =
    "the last line has no line end and looks cut off: it is read again when the file has grown";

#[cfg(test)]
mod tests {
    use std::io;
    use std::ops::Range;
    use std::sync::atomic::AtomicUsize;

    use super::super::byte_budget::ByteBudget;
    use super::super::chunked_file::ReadAt;
    use super::super::{Message, Stop};
    use super::*;

    const LINES: u64 = 3000;

    /// The text of a line; each seventh is no record.
    fn line(number: u64) -> String {
        match number % 7 {
            0 => format!("{:<120}\n", format!("no record, {number}")),
            _ => format!(
                "owner bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - {number:016} REST.GET.OBJECT a - 200 - - - - -\n"
            ),
        }
    }

    /// Of some lines, but not of whole ones.
    fn piece_bytes() -> usize {
        10 * line(1).len() + 1
    }

    fn log() -> Vec<u8> {
        (1..=LINES).flat_map(|number| line(number).into_bytes()).collect()
    }

    /// Two parsers take a file; all batches that they hand on.
    fn taken(content: impl ReadAt + 'static, known: Vec<Range<u64>>) -> (Vec<Batch>, Arc<Counters>) {
        taken_of(content, log().len() as u64, known)
    }

    /// The same of a file of this size.
    fn taken_of(
        content: impl ReadAt + 'static,
        size: u64,
        known: Vec<Range<u64>>,
    ) -> (Vec<Batch>, Arc<Counters>) {
        let mark = FileMark { name: "a.log".to_owned(), version: None, size: Some(size), may_grow: false };
        let counters = Arc::new(Counters::default());
        let (read, _) = tokio::sync::oneshot::channel();
        let buffers = Buffers::new(4);
        let mut file = ChunkedFile::new(
            (0, Arc::new(mark), known),
            (Box::new(content), size),
            buffers.clone(),
            counters.clone(),
            Stop::default(),
            read,
        );
        file.piece_bytes = piece_bytes();
        let (file, spare) = (Arc::new(file), BufferPool::new(4));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (work, receiver) = mpsc::channel(2);
        (0..2).for_each(|_| work.try_send(Work::File(file.clone())).unwrap());
        drop(work);
        let receiver = Mutex::new(receiver);
        let (messages, mut batches) = mpsc::channel(1000);
        let to_writer = ToWriter { messages, room: ByteBudget::new(1 << 30) };
        let handle = runtime.handle();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let to_writer = to_writer.clone();
                let (receiver, counters, buffers, spare) = (&receiver, &counters, &buffers, &spare);
                scope.spawn(move || {
                    run(
                        handle,
                        SharedDictionaries::default(),
                        receiver,
                        &to_writer,
                        counters,
                        buffers,
                        spare,
                    );
                });
            }
        });
        drop(to_writer);
        let batches = std::iter::from_fn(|| match batches.try_recv().ok()? {
            Message::Batch(0, batch, _) => Some(*batch),
            _ => panic!("only batches are expected"),
        });
        (batches.collect(), counters)
    }

    /// Checks that the first lines are there, each once and with its number; tells how many.
    fn first_lines(batches: &[Batch]) -> u64 {
        let mut parts: Vec<&FilePart> = batches.iter().flat_map(|batch| &batch.parts).collect();
        parts.sort_by_key(|part| (part.first_line, part.lines));
        let mut next = 1;
        for part in &parts {
            assert_eq!(part.first_line, next);
            next += part.lines;
            let rejected: Vec<u64> = part.rejected.iter().map(|rejected| rejected.line).collect();
            let expected: Vec<u64> = (part.first_line..next).filter(|number| number % 7 == 0).collect();
            assert_eq!(rejected, expected);
            assert_eq!(part.rows as u64, part.lines - rejected.len() as u64);
            for rejected in &part.rejected {
                assert_eq!(rejected.content, line(rejected.line).trim_end_matches('\n').as_bytes());
            }
        }
        for batch in batches {
            assert_eq!(batch.rows(), batch.parts.iter().map(|part| part.rows).sum::<usize>());
        }
        next - 1
    }

    #[test]
    fn lines_of_a_file_that_parsers_take_in_pieces_have_the_numbers_that_they_have_in_it() {
        let (batches, counters) = taken(log(), Vec::new());
        assert_eq!(first_lines(&batches), LINES);
        let totals: Vec<u64> =
            batches.iter().flat_map(|batch| &batch.parts).filter_map(|part| part.total_lines).collect();
        assert_eq!(totals, [LINES]);
        assert_eq!(counters.lines.load(Relaxed), LINES);
        assert_eq!(counters.rejected.load(Relaxed), LINES / 7);
    }

    #[test]
    fn of_a_file_that_is_known_in_part_only_the_other_lines_are_taken() {
        let known = vec![1..6, 700..1500, 2990..2991];
        let (batches, counters) = taken(log(), known.clone());
        let parts = batches.iter().flat_map(|batch| &batch.parts);
        let mut lines: Vec<u64> =
            parts.clone().flat_map(|part| part.first_line..part.first_line + part.lines).collect();
        lines.sort_unstable();
        let expected = (1..=LINES).filter(|line| !known.iter().any(|range| range.contains(line)));
        assert!(lines.into_iter().eq(expected.clone()));
        let mut rejected: Vec<u64> =
            parts.clone().flat_map(|part| &part.rejected).map(|rejected| rejected.line).collect();
        rejected.sort_unstable();
        assert!(rejected.into_iter().eq(expected.clone().filter(|line| line % 7 == 0)));
        assert_eq!(parts.filter_map(|part| part.total_lines).collect::<Vec<u64>>(), [LINES]);
        assert_eq!(counters.lines.load(Relaxed), expected.count() as u64);
    }

    #[test]
    fn what_stands_before_a_piece_that_cannot_be_read_is_kept_and_nothing_behind_it() {
        /// Cannot be read behind half of it; that shows only when pieces behind that were read.
        struct Broken {
            content: Vec<u8>,
            behind: AtomicUsize,
        }
        impl ReadAt for Broken {
            fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
                let middle = self.content.len() / 2;
                let piece = at as usize..at as usize + piece_bytes();
                if piece.start > middle {
                    self.behind.fetch_add(1, Relaxed);
                } else if piece.contains(&middle) {
                    while self.behind.load(Relaxed) < 20 {
                        std::thread::yield_now();
                    }
                    return Err(io::Error::other("the disk is gone"));
                }
                self.content.read_at(buffer, at)
            }
        }
        let (batches, counters) = taken(Broken { content: log(), behind: AtomicUsize::new(0) }, Vec::new());
        let lines = first_lines(&batches);
        assert!((LINES / 2 - 30..=LINES / 2).contains(&lines), "{lines}");
        assert_eq!(counters.lines.load(Relaxed), lines);
        assert_eq!(counters.rejected.load(Relaxed), lines / 7);
        assert_eq!(counters.files_failed.load(Relaxed), 1);
        assert!(batches.iter().flat_map(|batch| &batch.parts).all(|part| part.total_lines.is_none()));
    }

    #[test]
    fn a_file_of_nothing_but_rejected_lines_is_handed_on_in_batches() {
        let content = "x\n".repeat(100_000).into_bytes();
        let size = content.len() as u64;
        let (batches, counters) = taken_of(content, size, Vec::new());
        assert_eq!(counters.rejected.load(Relaxed), 100_000);
        let rejected = |batch: &Batch| batch.parts.iter().map(|part| part.rejected.len()).sum::<usize>();
        let most = batches.iter().map(rejected).max().unwrap();
        // A batch ends with a piece.
        assert!(most <= 7_680 + piece_bytes() / 2, "{most}");
        assert_eq!(batches.iter().map(rejected).sum::<usize>(), 100_000);
    }

    #[test]
    fn parsers_end_when_nobody_writes() {
        let (batches, _) = taken(log(), Vec::new());
        assert!(!batches.is_empty());
        let (messages, receiver) = mpsc::channel(1);
        drop(receiver);
        let mut parser = Parser {
            line_parser: log::Parser::new(),
            builder: BatchBuilder::default(),
            source: 0,
            begun: Instant::now(),
            to_writer: &ToWriter::new(messages),
            counters: &Counters::default(),
            buffers: &Buffers::new(1),
            spare: &BufferPool::new(1),
        };
        assert!(parser.send(Box::new(batches.into_iter().next().unwrap())).is_err());
    }
}
