//! Blocks of lines become batches of requests: one of these runs per core.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};

use crate::cache::{Batch, BatchBuilder, Knowledge, Part, RejectedLine};
use crate::log::{Lines, Record, Rejection, read_plain, records};

use super::blocks::Buffers;
use super::counters::Counters;
use super::spare::Spare;
use super::{Block, Message, Work};

/// A batch that does not fill up is handed on after this time, so that the first requests show at once.
const HAND_ON_AFTER: Duration = Duration::from_millis(200);

/// Records added to a batch at once, column by column: their lines are still in the processor's cache, and
/// waiting for memory while one value is looked up overlaps with looking up the next.
const TOGETHER: usize = 32;

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
    knowledge: Knowledge,
    work: &Mutex<mpsc::Receiver<Work>>,
    messages: &crossbeam_channel::Sender<Message>,
    counters: &Counters,
    buffers: &Buffers,
    spare: &Spare<Box<Batch>>,
) {
    let mut parser = Parser {
        builder: BatchBuilder::knowing(knowledge),
        source: 0,
        begun: Instant::now(),
        messages,
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
            Next::Work(Work::File(file)) => {
                std::iter::from_fn(|| file.next()).flatten().try_for_each(|block| parser.take(block))
            }
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
    builder: BatchBuilder,
    /// Whose lines it is of.
    source: usize,
    /// When its first block came.
    begun: Instant,
    messages: &'p crossbeam_channel::Sender<Message>,
    counters: &'p Counters,
    buffers: &'p Buffers,
    spare: &'p Spare<Box<Batch>>,
}

impl Parser<'_> {
    /// Parses a block into the batch, or into a new one.
    fn take(&mut self, block: Block) -> Result<(), NobodyWrites> {
        // A large file comes without a pause, but slowly perhaps.
        let is_late = self.begun.elapsed() >= HAND_ON_AFTER;
        if block.source != self.source || self.builder.is_full() || is_late {
            self.hand_on()?;
        }
        if self.builder.is_empty() {
            self.begun = Instant::now();
        }
        self.source = block.source;
        self.buffers.give_back(parse(block, &mut self.builder, self.counters));
        Ok(())
    }

    /// Gives the batch to the writer, if there is anything in it.
    fn hand_on(&mut self) -> Result<(), NobodyWrites> {
        if self.builder.is_empty() {
            return Ok(());
        }
        // The memory of a batch that was written serves the next.
        let mut batch = self.spare.take().unwrap_or_default();
        *batch = self.builder.finish_with(std::mem::take(&mut *batch));
        self.messages.send(Message::Batch(self.source, batch)).map_err(|_| NobodyWrites)
    }
}

/// Records that will be added to a batch at once.
struct Pending<'l> {
    /// The first `count` are records.
    records: [Record<'l>; TOGETHER],
    count: usize,
}

impl Default for Pending<'_> {
    fn default() -> Self {
        Pending { records: std::array::from_fn(|_| Record::default()), count: 0 }
    }
}

impl<'l> Pending<'l> {
    /// Where the next one goes.
    fn next(&mut self) -> &mut Record<'l> {
        &mut self.records[self.count]
    }

    /// The next one is there.
    fn add(&mut self, builder: &mut BatchBuilder) {
        self.count += 1;
        if self.count == TOGETHER {
            self.flush(builder);
        }
    }

    fn flush(&mut self, builder: &mut BatchBuilder) {
        builder.extend(&self.records[..self.count]);
        self.count = 0;
    }
}

/// Adds a block to a batch; gives its buffer back.
fn parse(block: Block, builder: &mut BatchBuilder, counters: &Counters) -> Vec<u8> {
    let before = builder.rows();
    let mut rejected = Vec::new();
    let mut pending = Pending::default();
    let mut count = 0;
    let mut lines = Lines::of(&block.lines);
    while let Some(line) = lines.next_line() {
        if read_plain(&line, pending.next(), &mut builder.frames) {
            pending.add(builder);
        } else {
            for (part, record) in records(line.text) {
                match record {
                    Ok(record) => {
                        *pending.next() = record;
                        pending.add(builder);
                    }
                    Err(Rejection::Empty) => {}
                    Err(reason) => rejected.push(RejectedLine {
                        line: block.first_line + count,
                        reason: reason.to_string(),
                        content: part.to_vec(),
                    }),
                }
            }
        }
        count += 1;
    }
    pending.flush(builder);
    counters.lines.fetch_add(count, Relaxed);
    counters.rejected.fetch_add(rejected.len() as u64, Relaxed);
    builder.end_part(Part {
        file: block.file,
        first_line: block.first_line,
        lines: count,
        rows: builder.rows() - before,
        rejected,
        total_lines: block.is_last.then_some(block.first_line - 1 + count),
    });
    block.lines
}
