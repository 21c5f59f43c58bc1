//! The background task that fills the cache: list → fetch → parse → append, joined by bounded channels.
//!
//! ```text
//! lister ─► fetches (tokio, many at a time) ─► blocks of lines ─► parsers (a thread a core) ─► writer
//! ```
//!
//! Listing and fetching wait for the network, so they are tasks; decompressing, cutting ([`cutter`]),
//! parsing ([`parse_stage`]) and writing ([`write_stage`]) keep a processor busy, so they are threads. A large plain file
//! that is there already is read by the parsers themselves ([`chunked_file`]). A block of lines goes whole into
//! one batch; a batch goes whole into one commit, with the marks of its log files. Channels bound how many blocks and
//! batches are on their way, a [`byte_budget`] how many bytes, for lines may be long.
//! Never here: screens, SQL text.

mod archive_members;
mod buffer_pool;
mod byte_budget;
mod chunked_file;
mod counters;
mod cutter;
mod fetch_stage;
pub mod follow;
mod line_numbering;
mod log_detector;
mod parse_stage;
pub mod progress;
mod write_stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::cache::{Batch, Cache, CacheError, FileMark, Writer};
use crate::source::{Source, Window};

pub use follow::Follow;
pub use progress::{Failure, ForeignFiles, Phase, Progress};

use buffer_pool::BufferPool;
use byte_budget::{ByteBudget, Reservation};
use chunked_file::ChunkedFile;
use counters::Counters;
use cutter::{Buffers, Lines, LongLine};

/// Blocks of lines on their way to the parsers.
const BLOCKS: usize = 8;
/// Batches on their way to the writer: what is parsed while it commits.
const BATCHES: usize = 18;
/// Bytes of memory that they may take: ordinary ones take half of it.
const BATCHES_BYTES: usize = 64 << 20;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What is wanted of an ingest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Only log files that may hold requests of this time.
    pub window: Window,
    /// Fetches at a time; `None`: what the source says.
    pub concurrency: Option<usize>,
}

/// Lines on their way from a log file to a parser.
struct Block {
    source: usize,
    file: Arc<FileMark>,
    /// Number of the first line, from 1.
    first_line: u64,
    lines: Vec<u8>,
    /// The line that follows them, if it is a long one.
    long: Option<LongLine>,
    /// Whether the file ends here.
    is_last: bool,
    /// What it takes of the memory for long lines.
    room: Option<Reservation>,
}

impl Block {
    fn new(source: usize, file: &Arc<FileMark>, lines: Lines, room: Option<Reservation>) -> Block {
        let Lines { first, bytes, long, is_last } = lines;
        Block { source, file: file.clone(), first_line: first, lines: bytes, long, is_last, room }
    }
}

/// What a parser gets to do.
enum Work {
    Block(Block),
    /// To take pieces of until there are no more; other parsers do the same.
    File(Arc<ChunkedFile>),
}

/// What the writer is told of a source, which goes by its place among the sources of this run.
enum Message {
    /// With what it takes of the memory for batches.
    Batch(usize, Box<Batch>, Reservation),
    /// The file holds no log lines.
    NoLog(usize, Arc<FileMark>),
    /// The file is an archive of which all members were read: it holds no lines of its own.
    Expanded(usize, Arc<FileMark>),
    /// The content of the file is damaged: what it gave does not count.
    Damaged(usize, Arc<FileMark>),
    /// All log files of a source were listed and read, none failed.
    Pulled(usize),
}

/// The way of batches to the writer.
#[derive(Clone)]
struct ToWriter {
    messages: mpsc::Sender<Message>,
    room: ByteBudget,
}

impl ToWriter {
    fn new(messages: mpsc::Sender<Message>) -> ToWriter {
        ToWriter { messages, room: ByteBudget::new(BATCHES_BYTES) }
    }

    /// Waits until there is room for a batch and sends it; false: nobody writes any more.
    fn send(&self, source: usize, batch: Box<Batch>) -> bool {
        let room = self.room.take(batch.bytes());
        self.messages.blocking_send(Message::Batch(source, batch, room)).is_ok()
    }
}

/// A running ingest.
pub struct Ingest {
    /// How far it is: the latest state only.
    pub progress: watch::Receiver<Progress>,
    stop: Stop,
    end: tokio::task::JoinHandle<()>,
}

/// Asks an ingest to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    asked: AtomicBool,
    notify: tokio::sync::Notify,
}

impl Stop {
    /// Asks for it. What is in hand is still committed: a matter of a second.
    pub fn stop(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
        self.0.notify.notify_waiters();
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Waits until it is asked for.
    pub async fn asked(&self) {
        let notified = self.0.notify.notified();
        if !self.is_asked() {
            notified.await;
        }
    }
}

impl Ingest {
    /// Starts filling the cache from sources, one after another. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the cache cannot be read; all that happens later is told as progress.
    pub fn start(
        writer: Writer,
        sources: Vec<Arc<dyn Source>>,
        options: Options,
    ) -> Result<Ingest, CacheError> {
        let cache = Cache::open_for_writer(writer.path())?;
        let counters = Arc::new(Counters::default());
        let stop = Stop::default();
        let (tell, progress) = watch::channel(counters.progress(Phase::Listing));
        let task = run(writer, cache, sources, options, counters, stop.clone(), tell);
        let end = tokio::spawn(task);
        Ok(Ingest { progress, stop, end })
    }

    /// What stops it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits for its end and tells how it ended.
    pub async fn finish(self) -> Progress {
        // A task that panicked has told all it could.
        let _ = self.end.await;
        self.progress.borrow().clone()
    }
}

async fn run(
    writer: Writer,
    cache: Cache,
    sources: Vec<Arc<dyn Source>>,
    options: Options,
    counters: Arc<Counters>,
    stop: Stop,
    tell: watch::Sender<Progress>,
) {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let (block_sender, block_receiver) = mpsc::channel::<Work>(BLOCKS.max(2 * cores));
    let (message_sender, mut message_receiver) = mpsc::channel::<Message>(BATCHES);
    let block_receiver = Arc::new(tokio::sync::Mutex::new(block_receiver));
    // As many as can be on their way, being cut, and being parsed.
    let spare = BufferPool::new(BATCHES + cores);
    let buffers = Buffers::new(BLOCKS.max(2 * cores) + 2 * cores);
    let runtime = tokio::runtime::Handle::current();

    let to_writer = ToWriter::new(message_sender.clone());
    let mut threads = Vec::new();
    for number in 0..cores {
        let blocks = block_receiver.clone();
        let (to_writer, counters, runtime) = (to_writer.clone(), counters.clone(), runtime.clone());
        let (buffers, spare, dictionaries) = (buffers.clone(), spare.clone(), writer.dictionaries());
        let work = move || {
            parse_stage::run(&runtime, dictionaries, &blocks, &to_writer, &counters, &buffers, &spare)
        };
        threads.push(std::thread::Builder::new().name(format!("parser-{number}")).spawn(work));
    }
    drop((block_receiver, to_writer));
    let (writer_counters, writer_stop) = (counters.clone(), stop.clone());
    let uris: Vec<String> = sources.iter().map(|source| source.uri().to_owned()).collect();
    let write = move || {
        write_stage::run(
            writer,
            &runtime,
            &uris,
            &mut message_receiver,
            &writer_counters,
            &writer_stop,
            &spare,
        );
    };
    threads.push(std::thread::Builder::new().name("writer".to_owned()).spawn(write));

    let fetching = fetch_stage::FetchStage {
        cache: Arc::new(cache),
        options,
        counters: counters.clone(),
        stop: stop.clone(),
        buffers,
        parsers: cores,
    };
    let fetching = fetching.run(sources, block_sender, message_sender);
    tokio::pin!(fetching);
    let mut ticks = tokio::time::interval(TELL_EVERY);
    let mut fetched = false;
    // The threads end one after another as the channels before them close.
    while !fetched {
        tokio::select! {
            () = &mut fetching => fetched = true,
            _ = ticks.tick() => { tell.send_replace(counters.progress(counters.phase())); }
        }
    }
    let joined = tokio::task::spawn_blocking(move || {
        threads.into_iter().all(|thread| thread.is_ok_and(|thread| thread.join().is_ok()))
    });
    tokio::pin!(joined);
    let whole = loop {
        tokio::select! {
            joined = &mut joined => break joined.unwrap_or(false),
            _ = ticks.tick() => { tell.send_replace(counters.progress(counters.phase())); }
        }
    };
    if !whole && counters.fatal().is_none() {
        counters.fail("a part of Tamarin broke down while reading logs; what was committed stays".to_owned());
    }
    let phase = if counters.fatal().is_some() {
        Phase::Failed
    } else if stop.is_asked() {
        Phase::Cancelled
    } else {
        Phase::Done
    };
    tell.send_replace(counters.progress(phase));
}
