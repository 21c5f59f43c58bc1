//! The background task that fills the cache: list → fetch → parse → write, connected by bounded channels.
//!
//! ```text
//! fetch stage (list; fetch; cut into lines blocks) ─► parse stage (one thread per core) ─► write stage (one thread)
//! ```
//!
//! Listing and fetching wait for the network, so they are tokio tasks. Decompressing and cutting ([`log_file_reader`],
//! [`cutter`]), parsing ([`parse_stage`], [`part_builder`]) and writing ([`write_stage`]) keep a processor busy, so they run on
//! threads. Parsers read a large plain file themselves ([`chunked_file`]), and take turns at the row groups of a Parquet file
//! ([`parquet_file`]); there, rows are lines. JSON objects get lines of their own ([`object_lines`]). A lines block goes into one
//! batch as a whole, and a batch into one commit, together with the state of its log files in the catalogue. The channels limit
//! the number of blocks and batches on their way, and budgets ([`byte_budget`]) their bytes, because lines may be long.
//!
//! Never here: screens, SQL text.

mod archive_members;
mod buffer_pool;
mod byte_budget;
mod chunked_file;
mod counters;
mod cutter;
mod fetch_stage;
mod follow;
mod line_numbering;
mod lines_block;
mod log_detector;
mod log_file_reader;
mod object_lines;
mod parquet_file;
mod parse_stage;
mod part_builder;
mod progress;
mod write_stage;

use std::{io, ops::Range, sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cache::{Batch, Cache, CacheError, FileMark, Writer};
use crate::source::{Source, Window};

pub use follow::{Follow, Reopen, Retry};
pub use progress::{Failure, ForeignFiles, Phase, Progress};

use buffer_pool::{BufferPool, ReadBuffers};
use byte_budget::{ByteBudget, Reservation};
use chunked_file::ChunkedFile;
use counters::Counters;
use fetch_stage::FetchStage;
use lines_block::LinesBlock;
use parquet_file::SharedParquet;
use parse_stage::ParseStage;
use write_stage::WriteStage;

/// Lines blocks on their way to the parsers, if there are few parsers.
const MIN_QUEUED_BLOCKS: usize = 8;
/// Messages on their way to the writer. Batches wait here during a commit.
const MAX_QUEUED_MESSAGES: usize = 18;
/// Bytes of the batches on their way to the writer. Ordinary batches take half of it.
const MAX_QUEUED_BATCH_BYTES: usize = 64 << 20;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
const INTERNAL_ERROR: &str =
    "internal error while reading logs; what was committed stays. Please report this as a defect";

/// What to ingest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Only log files that may have requests of this time.
    pub window: Window,
    /// Log files fetched at a time. `None`: the default of the source.
    pub concurrency: Option<usize>,
}

/// A log file being read, and what every reader of it needs.
#[derive(Clone)]
struct LogFileTask {
    /// Index of the source among those of this run.
    source: usize,
    file: Arc<FileMark>,
    /// Numbers of the lines that the cache has already: ranges in ascending order.
    known_lines: Vec<Range<u64>>,
    counters: Arc<Counters>,
    cancel: CancellationToken,
    buffers: ReadBuffers,
}

impl LogFileTask {
    fn fail(&self, error: &io::Error) {
        let reason = error.to_string();
        self.counters.file_failed(&self.file.name, reason.clone(), &reason);
    }

    #[cfg(test)]
    fn for_test(size: u64) -> LogFileTask {
        let mark = FileMark { name: "a.log".to_owned(), version: None, size: Some(size), may_grow: false };
        LogFileTask {
            source: 0,
            file: Arc::new(mark),
            known_lines: Vec::new(),
            counters: Arc::default(),
            cancel: CancellationToken::new(),
            buffers: ReadBuffers::new(4),
        }
    }
}

enum Work {
    Block {
        source: usize,
        file: Arc<FileMark>,
        lines: LinesBlock,
    },
    /// A file to read in chunks until there are no more. All parsers get it.
    File(Arc<ChunkedFile>),
    /// A Parquet file to read in row groups until there are no more. As many parsers get it.
    Parquet(Arc<SharedParquet>),
}

/// A message to the writer. `source` is the index of a source among those of this run.
enum Message {
    Batch {
        source: usize,
        batch: Box<Batch>,
        /// Its part of [`MAX_QUEUED_BATCH_BYTES`].
        _reservation: Reservation,
    },
    /// The file has no log lines.
    NotALog { source: usize, file: Arc<FileMark> },
    /// The file is an archive, and all of its members were read.
    ArchiveDone { source: usize, file: Arc<FileMark> },
    /// The content of the file is damaged: its requests are to be removed.
    Damaged { source: usize, file: Arc<FileMark> },
    /// All log files of the source were listed and read without a failure.
    SourceDone { source: usize },
}

/// Sends batches to the writer within the memory budget.
#[derive(Clone)]
struct BatchSender {
    messages: flume::Sender<Message>,
    budget: ByteBudget,
}

impl BatchSender {
    fn new(messages: flume::Sender<Message>) -> BatchSender {
        BatchSender { messages, budget: ByteBudget::new(MAX_QUEUED_BATCH_BYTES) }
    }

    /// Waits for memory and a place in the channel, and sends a batch. Returns `false` if the writer has ended.
    fn send(&self, source: usize, batch: Box<Batch>) -> bool {
        let _reservation = self.budget.reserve(batch.bytes());
        self.messages.send(Message::Batch { source, batch, _reservation }).is_ok()
    }
}

/// A running ingest.
pub struct Ingest {
    /// The latest progress.
    pub progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Ingest {
    /// Starts to fill the cache from `sources`, one after another. Must be called within a tokio runtime. Fails if the
    /// cache cannot be read. Later errors are reported as progress.
    pub fn start(
        writer: Writer,
        sources: Vec<Arc<dyn Source>>,
        options: Options,
    ) -> Result<Ingest, CacheError> {
        let cache = Cache::open_for_writer(writer.path())?;
        let cancel = CancellationToken::new();
        let (sender, progress) = watch::channel(Progress { phase: Phase::Listing, ..Progress::default() });
        let run_cancel = cancel.clone();
        let task = async move { run(writer, cache, sources, options, run_cancel, &sender).await };
        Ok(Ingest { progress, cancel, task: tokio::spawn(task) })
    }

    /// The token that stops the ingest. What was parsed is still committed, which takes about a second.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Waits for the end and returns the final progress.
    pub async fn finish(self) -> Progress {
        // A task that panicked has reported what it could.
        let _ = self.task.await;
        self.progress.borrow().clone()
    }
}

async fn run(
    writer: Writer,
    cache: Cache,
    sources: Vec<Arc<dyn Source>>,
    options: Options,
    cancel: CancellationToken,
    progress: &watch::Sender<Progress>,
) {
    let counters = Arc::new(Counters::default());
    let parsers = std::thread::available_parallelism().map_or(2, usize::from);
    let (work_sender, work) = flume::bounded(MIN_QUEUED_BLOCKS.max(2 * parsers));
    let (message_sender, messages) = flume::bounded(MAX_QUEUED_MESSAGES);
    // One for each batch in the channel and in a parser.
    let batches = Arc::new(BufferPool::new(MAX_QUEUED_MESSAGES + parsers));
    // One for each block in the channel, being cut, and being parsed.
    let buffers = ReadBuffers::new(MIN_QUEUED_BLOCKS.max(2 * parsers) + 2 * parsers);

    let to_writer = BatchSender::new(message_sender.clone());
    let mut threads = Vec::new();
    let spawn =
        |name: String, work: Box<dyn FnOnce() + Send>| std::thread::Builder::new().name(name).spawn(work);
    for number in 0..parsers {
        let stage = ParseStage {
            work: work.clone(),
            to_writer: to_writer.clone(),
            counters: counters.clone(),
            buffers: buffers.clone(),
            batches: batches.clone(),
        };
        let dictionaries = writer.dictionaries();
        threads.push(spawn(format!("parser-{number}"), Box::new(move || stage.run(dictionaries))));
    }
    // Only the stages have ends of the channels, so that a channel closes when they end.
    drop((work, to_writer));
    let uris = sources.iter().map(|source| source.uri().to_owned()).collect();
    let stage = WriteStage::new(writer, uris, batches, counters.clone());
    let writer_cancel = cancel.clone();
    threads.push(spawn("writer".to_owned(), Box::new(move || stage.run(&messages, &writer_cancel))));

    let fetch_stage = FetchStage {
        cache: Arc::new(cache),
        options,
        counters: counters.clone(),
        cancel: cancel.clone(),
        buffers,
        parsers,
        work: work_sender,
        messages: message_sender,
    };
    let stages = async {
        fetch_stage.run(sources).await;
        // The channels are closed now, so the threads end one after another.
        let join = move || threads.into_iter().all(|thread| thread.is_ok_and(|thread| thread.join().is_ok()));
        tokio::task::spawn_blocking(join).await.unwrap_or(false)
    };
    tokio::pin!(stages);
    let mut ticks = tokio::time::interval(PROGRESS_INTERVAL);
    let is_complete = loop {
        tokio::select! {
            is_complete = &mut stages => break is_complete,
            _ = ticks.tick() => { progress.send_replace(counters.progress(counters.phase())); }
        }
    };
    if !is_complete && counters.fatal().is_none() {
        counters.fail(INTERNAL_ERROR.to_owned());
    }
    let phase = match counters.fatal() {
        Some(_) => Phase::Failed,
        None if cancel.is_cancelled() => Phase::Cancelled,
        None => Phase::Done,
    };
    let end = counters.progress(phase);
    tracing::info!(
        ?phase,
        listed = end.files_listed,
        known = end.files_known,
        read = end.files_done,
        skipped = end.files_skipped,
        failed = end.files_failed,
        requests = end.requests,
        repeats = end.duplicates,
        rejected = end.rejected,
        seconds = end.elapsed,
        "pull ended"
    );
    progress.send_replace(end);
}
