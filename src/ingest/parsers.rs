//! Blocks of lines become batches of requests: one of these runs per core.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};

use crate::cache::{Batch, BatchBuilder, Part, RejectedLine};
use crate::log::{Record, Rejection, read_plain, records};

use super::blocks::Buffers;
use super::counters::Counters;
use super::{Block, Message};

/// A batch that does not fill up is handed on after this time, so that the first requests show at once.
const HAND_ON_AFTER: Duration = Duration::from_millis(200);

/// Records added to a batch at once, column by column: their lines are still in the processor's cache, and
/// waiting for memory while one value is looked up overlaps with looking up the next.
const TOGETHER: usize = 32;

/// What comes next for a parser.
enum Next {
    Block(Block),
    /// The batch has waited long enough.
    HandOn,
    End,
}

/// Parses until there are no more blocks.
pub fn run(
    runtime: &tokio::runtime::Handle,
    blocks: &Mutex<mpsc::Receiver<Block>>,
    messages: &crossbeam_channel::Sender<Message>,
    counters: &Counters,
    buffers: &Buffers,
    spare: &crossbeam_channel::Receiver<Box<Batch>>,
) {
    let mut builder = BatchBuilder::default();
    let mut source = 0;
    let mut begun = Instant::now();
    loop {
        let next = runtime.block_on(async {
            let next = async { blocks.lock().await.recv().await.map_or(Next::End, Next::Block) };
            if builder.is_empty() {
                return next.await;
            }
            let left = HAND_ON_AFTER.saturating_sub(begun.elapsed());
            tokio::time::timeout(left, next).await.unwrap_or(Next::HandOn)
        });
        let hand_on = match &next {
            Next::Block(block) => block.source != source || builder.is_full(),
            Next::HandOn | Next::End => true,
        };
        if hand_on && !builder.is_empty() {
            // The memory of a batch that was written serves the next.
            let mut batch = spare.try_recv().unwrap_or_default();
            *batch = builder.finish_with(std::mem::take(&mut *batch));
            if messages.send(Message::Batch(source, batch)).is_err() {
                // The writer gave up, and has said why.
                return;
            }
        }
        match next {
            Next::Block(block) => {
                if builder.is_empty() {
                    begun = Instant::now();
                }
                source = block.source;
                buffers.give_back(parse(block, &mut builder, counters));
            }
            Next::HandOn => {}
            Next::End => return,
        }
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
    let mut lines = 0;
    let mut rest = block.lines.as_slice();
    while !rest.is_empty() {
        let (line, after) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, [].as_slice()),
        };
        rest = after;
        if read_plain(line, pending.next(), &mut builder.frames) {
            pending.add(builder);
        } else {
            for (part, record) in records(line) {
                match record {
                    Ok(record) => {
                        *pending.next() = record;
                        pending.add(builder);
                    }
                    Err(Rejection::Empty) => {}
                    Err(reason) => rejected.push(RejectedLine {
                        line: block.first_line + lines,
                        reason: reason.to_string(),
                        content: part.to_vec(),
                    }),
                }
            }
        }
        lines += 1;
    }
    pending.flush(builder);
    counters.lines.fetch_add(lines, Relaxed);
    counters.rejected.fetch_add(rejected.len() as u64, Relaxed);
    builder.end_part(Part {
        file: block.file,
        first_line: block.first_line,
        lines,
        rows: builder.rows() - before,
        rejected,
        total_lines: block.is_last.then_some(block.first_line - 1 + lines),
    });
    block.lines
}
