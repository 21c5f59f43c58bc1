//! The parse stage: turns lines blocks into batches of requests. One thread per core runs it.

use std::time::{Duration, Instant};
use std::{collections::VecDeque, sync::Arc, sync::atomic::Ordering::Relaxed};

use flume::RecvTimeoutError;

use crate::cache::{BATCH_BYTES, Batch, BatchBuilder, FileMark, SharedDictionaries};
use crate::log::Parser;
use crate::log::structured::parquet::{RowGroup, RowParser};

use super::chunked_file::{Chunk, ChunkedFile};
use super::line_numbering::FirstLine;
use super::parquet_file::SharedParquet;
use super::part_builder::{PartBuilder, add_block};
use super::{BatchSender, BufferPool, Counters, LinesBlock, ReadBuffers, Work};

/// Time after which a batch is sent even if it is not full, so that the first requests show at once.
const MAX_BATCH_DELAY: Duration = Duration::from_millis(200);
/// Batches that a parser of a chunked file may hold until their lines are numbered.
const MAX_UNNUMBERED_BATCHES: usize = 2;

/// Niceness of the parser threads. Where threads outnumber processors, the writer has to run first: it sometimes
/// waits for the disk, and if batches are still queued then, the parsers wait for it and a processor is idle.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 3;

/// The writer has ended, and has reported why.
struct WriterEnded;

pub(super) struct ParseStage {
    pub(super) work: flume::Receiver<Work>,
    pub(super) to_writer: BatchSender,
    pub(super) counters: Arc<Counters>,
    pub(super) buffers: ReadBuffers,
    pub(super) batches: Arc<BufferPool<Box<Batch>>>,
}

impl ParseStage {
    /// Parses until there is no more work, or the writer has ended.
    pub(super) fn run(self, dictionaries: SharedDictionaries) {
        // Applies to this thread only. Without it, a pull takes a few per cent longer.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(NICENESS);
        let builder = BatchBuilder::with_dictionaries(dictionaries);
        let mut parser = BlockParser::new(&self, builder);
        loop {
            let work = if parser.builder.is_empty() {
                self.work.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.work.recv_timeout(MAX_BATCH_DELAY.saturating_sub(parser.started.elapsed()))
            };
            let result = match work {
                Ok(Work::Block { source, file, lines }) => parser.add(source, &file, lines),
                Ok(Work::File(file)) => parser.add_file(&file),
                Ok(Work::Parquet(file)) => parser.add_parquet(&file),
                Err(RecvTimeoutError::Timeout) => parser.send_batch(),
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = parser.send_batch();
                    return;
                }
            };
            if result.is_err() {
                return;
            }
        }
    }
}

struct BlockParser<'s> {
    stage: &'s ParseStage,
    parser: Parser,
    row_parser: RowParser,
    builder: BatchBuilder,
    /// The source of the lines in the batch.
    source: usize,
    /// When the batch got its first block.
    started: Instant,
}

impl<'s> BlockParser<'s> {
    fn new(stage: &'s ParseStage, builder: BatchBuilder) -> BlockParser<'s> {
        BlockParser {
            stage,
            parser: Parser::new(),
            row_parser: RowParser::default(),
            builder,
            source: 0,
            started: Instant::now(),
        }
    }

    fn add(&mut self, source: usize, file: &Arc<FileMark>, lines: LinesBlock) -> Result<(), WriterEnded> {
        // Blocks of a large file follow each other without a pause, but they may take long.
        let is_late = self.started.elapsed() >= MAX_BATCH_DELAY;
        if source != self.source || self.builder.is_full_before(lines.range.len()) || is_late {
            self.send_batch()?;
        }
        if self.builder.is_empty() {
            self.started = Instant::now();
        }
        self.source = source;
        self.parse(file, lines);
        Ok(())
    }

    /// Parses the chunks of a file until there are no more. The batches have no lines of other files: if a chunk cannot be
    /// read, the lines of later chunks have no numbers, and their batches are dropped.
    fn add_file(&mut self, file: &ChunkedFile) -> Result<(), WriterEnded> {
        if !file.task.known_lines.is_empty() {
            return self.add_new_lines(file);
        }
        self.send_batch()?;
        self.source = file.task.source;
        let mut chunks = Vec::new();
        let mut waiting = VecDeque::new();
        while let Some(Chunk { ticket, mut lines }) = file.next() {
            if self.builder.is_full_before(lines.range.len()) {
                waiting.push_back(UnnumberedBatch::new(self.finish(), std::mem::take(&mut chunks)));
            }
            if chunks.is_empty() {
                self.started = Instant::now();
            }
            chunks.push(ticket.chunk);
            let parsed = add_block(&mut self.parser, &file.task.file, &mut lines, &mut self.builder);
            // A chunk whose lines are all records has no object that continues on the next line.
            let ticket = if parsed.has_exceptions { file.or_end(ticket, &lines) } else { Some(ticket) };
            self.stage.buffers.put(std::mem::take(&mut lines.buffer));
            // Frees the memory reserved for a long line, before this parser waits (below) for another one, which may need
            // that memory.
            drop(lines);
            if let Some(ticket) = ticket {
                ticket.counted(parsed.lines);
            }
            if self.builder.is_full() || self.started.elapsed() >= MAX_BATCH_DELAY {
                waiting.push_back(UnnumberedBatch::new(self.finish(), std::mem::take(&mut chunks)));
            }
            // If another parser was preempted within an earlier chunk, this one continues meanwhile.
            while let Some(first) = waiting.front()
                && FirstLine::Known == first.numbering_state(file, exceeds_limits(&waiting))
                && let Some(first) = waiting.pop_front()
            {
                self.send_numbered(first, file)?;
            }
        }
        waiting.push_back(UnnumberedBatch::new(self.finish(), chunks));
        for batch in waiting {
            batch.numbering_state(file, true);
            self.send_numbered(batch, file)?;
        }
        Ok(())
    }

    /// Like [`add_file`](Self::add_file) for a file with some known lines. Only their numbers show which lines
    /// are new, so lines are counted before they are parsed.
    fn add_new_lines(&mut self, file: &ChunkedFile) -> Result<(), WriterEnded> {
        while let Some(Chunk { ticket, mut lines }) = file.next() {
            let chunk = ticket.chunk;
            let Some(ticket) = file.or_end(ticket, &lines) else { continue };
            ticket.counted(lines.count());
            // Another parser may need this memory for an earlier chunk.
            lines.reservation = None;
            file.numbering.wait(chunk);
            // A chunk after a failed one has no number.
            let Some(first_line) = file.numbering.take_first_line(chunk) else { continue };
            lines.first_line = first_line;
            for lines in lines.without(&file.task.known_lines) {
                self.add(file.task.source, &file.task.file, lines)?;
            }
        }
        Ok(())
    }

    /// Parses row groups of a Parquet file until there are no more.
    fn add_parquet(&mut self, file: &SharedParquet) -> Result<(), WriterEnded> {
        if file.task.source != self.source {
            self.send_batch()?;
            self.source = file.task.source;
        }
        while let Some(mut group) = file.next_group() {
            while file.next_block(&mut group) {
                let is_late = self.started.elapsed() >= MAX_BATCH_DELAY;
                if self.builder.is_full_before(group.bytes()) || is_late {
                    self.send_batch()?;
                }
                if self.builder.is_empty() {
                    self.started = Instant::now();
                }
                self.add_rows(file, &group);
            }
        }
        Ok(())
    }

    /// Adds the new rows of the block of a row group to the batch: rows are lines.
    fn add_rows(&mut self, file: &SharedParquet, group: &RowGroup) {
        let is_known = |row: usize| {
            let line = group.first_row() + row as u64;
            file.task.known_lines.iter().any(|known| known.contains(&line))
        };
        let mut start = 0;
        while start < group.rows() {
            let end = match file.task.known_lines.is_empty() {
                true => group.rows(),
                false if is_known(start) => {
                    start += 1;
                    continue;
                }
                false => (start..group.rows()).find(|row| is_known(*row)).unwrap_or(group.rows()),
            };
            let (first_line, lines) = (group.first_row() + start as u64, (end - start) as u64);
            let mut part = PartBuilder::new(&mut self.builder, first_line);
            self.row_parser.parse(group, start..end, &mut part);
            part.finish(&file.task.file, lines, None);
            start = end;
        }
    }

    /// Sends a batch whose chunks are numbered, or the part of it that has numbers.
    fn send_numbered(&mut self, batch: UnnumberedBatch, file: &ChunkedFile) -> Result<(), WriterEnded> {
        let UnnumberedBatch { mut batch, chunks, bytes: _ } = batch;
        let first_lines: Vec<Option<u64>> =
            chunks.iter().map(|chunk| file.numbering.take_first_line(*chunk)).collect();
        if !first_lines.contains(&None) {
            let parts = batch.parts.iter_mut().zip(first_lines.into_iter().flatten());
            parts.for_each(|(part, first_line)| part.number_from(first_line));
            return self.send(batch);
        }
        // Rows cannot be removed from a batch, so the numbered chunks are parsed again.
        self.stage.batches.put(batch);
        for (chunk, first_line) in chunks.into_iter().zip(first_lines) {
            // A chunk that cannot be read again is not noted as read.
            if let Some(first_line) = first_line
                && let Ok(lines) = file.read(chunk)
            {
                self.parse(&file.task.file, LinesBlock { first_line, ..lines });
            }
        }
        self.send_batch()
    }

    /// Parses a block into the batch and returns its buffer to the pool.
    fn parse(&mut self, file: &Arc<FileMark>, mut lines: LinesBlock) {
        add_block(&mut self.parser, file, &mut lines, &mut self.builder);
        self.stage.buffers.put(lines.buffer);
    }

    /// Sends the batch to the writer and begins a new one.
    fn send_batch(&mut self) -> Result<(), WriterEnded> {
        let batch = self.finish();
        self.send(batch)
    }

    /// Returns the batch and begins a new one, in the memory of a batch that was written.
    fn finish(&mut self) -> Box<Batch> {
        let mut batch = self.stage.batches.take().unwrap_or_default();
        *batch = self.builder.finish(std::mem::take(&mut *batch));
        batch
    }

    /// Sends a batch to the writer, unless it is empty.
    fn send(&mut self, batch: Box<Batch>) -> Result<(), WriterEnded> {
        if batch.parts.is_empty() {
            self.stage.batches.put(batch);
            return Ok(());
        }
        for part in &batch.parts {
            self.stage.counters.lines.fetch_add(part.lines, Relaxed);
            self.stage.counters.rejected.fetch_add(part.rejected.len() as u64, Relaxed);
        }
        if self.stage.to_writer.send(self.source, batch) { Ok(()) } else { Err(WriterEnded) }
    }
}

/// A batch of chunks, whose lines are numbered from 1 in each chunk until their numbers in the file are known.
struct UnnumberedBatch {
    batch: Box<Batch>,
    /// The chunk of each part of the batch.
    chunks: Vec<u64>,
    bytes: usize,
}

impl UnnumberedBatch {
    fn new(batch: Box<Batch>, chunks: Vec<u64>) -> UnnumberedBatch {
        let bytes = batch.bytes();
        UnnumberedBatch { batch, chunks, bytes }
    }

    /// Whether the lines have numbers. `wait`: waits until that is certain.
    fn numbering_state(&self, file: &ChunkedFile, wait: bool) -> FirstLine {
        match self.chunks.last() {
            None => FirstLine::Known,
            Some(last) if wait => file.numbering.wait(*last),
            Some(last) => file.numbering.state_of(*last),
        }
    }
}

/// Whether a parser holds more batches than it may, and has to wait for the line numbers of the first.
fn exceeds_limits(waiting: &VecDeque<UnnumberedBatch>) -> bool {
    waiting.len() > MAX_UNNUMBERED_BATCHES
        || waiting.iter().map(|batch| batch.bytes).sum::<usize>() > BATCH_BYTES
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::ops::Range;
    use std::sync::atomic::AtomicUsize;

    use super::super::byte_budget::ByteBudget;
    use super::super::chunked_file::ReadAt;
    use super::super::{LogFileTask, Message};
    use super::*;
    use crate::cache::FilePart;

    const LINES: u64 = 3000;

    /// The text of a line. Every seventh is not a record.
    fn line(number: u64) -> String {
        match number % 7 {
            0 => format!("{:<120}\n", format!("no record, {number}")),
            _ => format!(
                "owner bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - {number:016} REST.GET.OBJECT a - 200 - - - - -\n"
            ),
        }
    }

    /// Bytes of some lines, but not a whole number of them.
    fn chunk_bytes() -> usize {
        10 * line(1).len() + 1
    }

    fn log() -> Vec<u8> {
        (1..=LINES).flat_map(|number| line(number).into_bytes()).collect()
    }

    fn stage(
        work: flume::Receiver<Work>,
        messages: flume::Sender<Message>,
        task: &LogFileTask,
    ) -> ParseStage {
        ParseStage {
            work,
            to_writer: BatchSender { messages, budget: ByteBudget::new(1 << 30) },
            counters: task.counters.clone(),
            buffers: task.buffers.clone(),
            batches: Arc::new(BufferPool::new(4)),
        }
    }

    /// The batches that two parsers make of a file with the size of [`log`].
    fn parsed(content: impl ReadAt + 'static, known_lines: Vec<Range<u64>>) -> (Vec<Batch>, Arc<Counters>) {
        parsed_with_size(content, log().len() as u64, known_lines)
    }

    fn parsed_with_size(
        content: impl ReadAt + 'static,
        size: u64,
        known_lines: Vec<Range<u64>>,
    ) -> (Vec<Batch>, Arc<Counters>) {
        let task = LogFileTask { known_lines, ..LogFileTask::for_test(size) };
        let (done, _) = tokio::sync::oneshot::channel();
        let mut file = ChunkedFile::new(task.clone(), Arc::new(content), size, done);
        file.chunk_bytes = chunk_bytes();
        let file = Arc::new(file);
        let (work, receiver) = flume::bounded(2);
        (0..2).for_each(|_| work.send(Work::File(file.clone())).unwrap());
        drop(work);
        let (messages, batches) = flume::bounded(1000);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let stage = stage(receiver.clone(), messages.clone(), &task);
                scope.spawn(move || stage.run(SharedDictionaries::default()));
            }
        });
        drop(messages);
        let batches = batches.iter().map(|message| match message {
            Message::Batch { source: 0, batch, .. } => *batch,
            _ => panic!("only batches are expected"),
        });
        (batches.collect(), task.counters)
    }

    /// Checks that the batches have the first lines of the log, each once and with its number. Returns their count.
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
    fn lines_of_a_chunked_file_have_their_numbers_in_the_file() {
        let (batches, counters) = parsed(log(), Vec::new());
        assert_eq!(first_lines(&batches), LINES);
        let totals: Vec<u64> =
            batches.iter().flat_map(|batch| &batch.parts).filter_map(|part| part.total_lines).collect();
        assert_eq!(totals, [LINES]);
        assert_eq!(counters.lines.load(Relaxed), LINES);
        assert_eq!(counters.rejected.load(Relaxed), LINES / 7);
    }

    #[test]
    fn only_new_lines_of_a_file_that_is_known_in_part_are_parsed() {
        let known = vec![1..6, 700..1500, 2990..2991];
        let (batches, counters) = parsed(log(), known.clone());
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
    fn lines_before_a_chunk_that_cannot_be_read_are_kept_and_no_lines_after_it() {
        /// Fails in the chunk in the middle, after later chunks were read.
        struct Broken {
            content: Vec<u8>,
            later_chunks: AtomicUsize,
        }
        impl ReadAt for Broken {
            fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
                let middle = self.content.len() / 2;
                let chunk = offset as usize..offset as usize + chunk_bytes();
                if chunk.start > middle {
                    self.later_chunks.fetch_add(1, Relaxed);
                } else if chunk.contains(&middle) {
                    while self.later_chunks.load(Relaxed) < 20 {
                        std::thread::yield_now();
                    }
                    return Err(io::Error::other("the disk is gone"));
                }
                self.content.read_at(buffer, offset)
            }
        }
        let (batches, counters) =
            parsed(Broken { content: log(), later_chunks: AtomicUsize::new(0) }, Vec::new());
        let lines = first_lines(&batches);
        assert!((LINES / 2 - 30..=LINES / 2).contains(&lines), "{lines}");
        assert_eq!(counters.lines.load(Relaxed), lines);
        assert_eq!(counters.rejected.load(Relaxed), lines / 7);
        assert_eq!(counters.files_failed.load(Relaxed), 1);
        assert!(batches.iter().flat_map(|batch| &batch.parts).all(|part| part.total_lines.is_none()));
    }

    #[test]
    fn a_file_with_only_rejected_lines_is_sent_in_several_batches() {
        let content = "x\n".repeat(100_000).into_bytes();
        let size = content.len() as u64;
        let (batches, counters) = parsed_with_size(content, size, Vec::new());
        assert_eq!(counters.rejected.load(Relaxed), 100_000);
        let rejected = |batch: &Batch| batch.parts.iter().map(|part| part.rejected.len()).sum::<usize>();
        let most = batches.iter().map(rejected).max().unwrap();
        // A batch ends with a chunk.
        assert!(most <= 7_680 + chunk_bytes() / 2, "{most}");
        assert_eq!(batches.iter().map(rejected).sum::<usize>(), 100_000);
    }

    #[test]
    fn parsers_end_when_the_writer_has_ended() {
        let (batches, _) = parsed(log(), Vec::new());
        let (messages, _) = flume::bounded(1);
        let stage = stage(flume::bounded(1).1, messages, &LogFileTask::for_test(0));
        let mut parser = BlockParser::new(&stage, BatchBuilder::default());
        assert!(parser.send(Box::new(batches.into_iter().next().unwrap())).is_err());
    }
}
