//! Lists log files, passes over what the catalogue has, fetches the rest many at a time, and cuts them
//! into blocks.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures::FutureExt;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::cache::catalogue::LogFileStatus;
use crate::cache::{Cache, CacheError, FileMark};
use crate::source::archive::{self, BLOCK, Begun, is_tar, is_zip};
use crate::source::body::{Body, begins_compressed, is_damage};
use crate::source::foreign::Foreign;
use crate::source::{LogFile, Source};

use super::archive_members::ArchiveMembers;
use super::chunked_file::{ChunkedFile, FROM_BYTES, ReadAt};
use super::counters::Counters;
use super::cutter::{Buffers, Cutter, without};
use super::log_detector::{LogDetector, Verdict};
use super::{Block, Message, Options, Stop, Work};

/// Pages of names on their way from the lister.
const PAGES: usize = 4;
/// Log files that are decompressed and cut at a time where there are fewer processors: each may have a line of
/// [`LONGEST_LINE`](super::cutter::LONGEST_LINE) in memory.
const CUTTERS: usize = 2;
/// Log files up to this size may be in memory while they are read.
const IN_MEMORY: u64 = 64 << 20;
/// KiB of such log files that are fetched or read at a time.
const FETCHED_KIB: usize = 512 << 10;

/// What fetching needs.
pub struct FetchStage {
    pub cache: Arc<Cache>,
    pub options: Options,
    pub counters: Arc<Counters>,
    pub stop: Stop,
    pub buffers: Buffers,
    /// How many take what is fetched.
    pub parsers: usize,
}

/// A log file being read, and where it goes.
pub struct Reading {
    pub source: usize,
    pub file: Arc<FileMark>,
    known: Vec<Range<u64>>,
    /// Weak: a thread that waits for a pipe holds nothing up that is to end.
    blocks: mpsc::WeakSender<Work>,
    messages: mpsc::WeakSender<Message>,
    pub counters: Arc<Counters>,
    pub stop: Stop,
    buffers: Buffers,
    parsers: usize,
    pub cache: Arc<Cache>,
    /// The number of the source in the catalogue, if it was there before.
    pub source_id: Option<i64>,
    /// As many as may cut at a time.
    cutters: Arc<Semaphore>,
}

impl FetchStage {
    /// Runs until all sources are read, or a stop is asked for.
    pub async fn run(
        self,
        sources: Vec<Arc<dyn Source>>,
        blocks: mpsc::Sender<Work>,
        messages: mpsc::Sender<Message>,
    ) {
        let count = sources.len();
        for (index, source) in sources.into_iter().enumerate() {
            if self.stop.is_asked() {
                return;
            }
            let is_last = index + 1 == count;
            let failed_before = self.counters.files_failed.load(Relaxed);
            if let Err(error) = self.source(index, &source, is_last, &blocks, &messages).await {
                self.counters.fail(error.to_string());
                return;
            }
            if self.counters.files_failed.load(Relaxed) == failed_before && !self.stop.is_asked() {
                let _ = messages.send(Message::Pulled(index)).await;
            }
        }
    }

    async fn source(
        &self,
        index: usize,
        source: &Arc<dyn Source>,
        is_last: bool,
        blocks: &mpsc::Sender<Work>,
        messages: &mpsc::Sender<Message>,
    ) -> Result<(), CacheError> {
        let (page_sender, mut pages) = mpsc::channel::<Vec<LogFile>>(PAGES);
        let lister = source.clone();
        let window = self.options.window;
        // Given up with this, also in the middle of a page.
        let mut listing = JoinSet::new();
        listing.spawn(async move { lister.list(window, page_sender).await });
        let cutters = Arc::new(Semaphore::new(self.parsers.max(CUTTERS)));
        let concurrency = self.options.concurrency.unwrap_or_else(|| source.concurrency()).max(1);
        let slots = Arc::new(Semaphore::new(concurrency));
        let memory = Arc::new(Semaphore::new(FETCHED_KIB));
        let mut fetches = JoinSet::new();
        let source_id = self.cache.source_id(source.uri())?;

        'pages: loop {
            let page = tokio::select! {
                page = pages.recv() => page,
                () = self.stop.asked() => None,
            };
            let Some(page) = page else { break };
            let names = page.iter().map(|file| (file.name.as_str(), file.version.as_deref()));
            let known = self.cache.log_file_statuses(source_id, names)?;
            let mut new = Vec::new();
            for (file, known) in page.into_iter().zip(known) {
                // What is empty is of interest only if it was not empty before.
                if known == LogFileStatus::New && file.size == Some(0) {
                    continue;
                }
                self.counters.files_listed.fetch_add(1, Relaxed);
                match known {
                    LogFileStatus::Whole => {
                        self.counters.files_known.fetch_add(1, Relaxed);
                    }
                    LogFileStatus::New | LogFileStatus::Changed => new.push((file, Vec::new())),
                    LogFileStatus::InPart(parts) => new.push((file, parts)),
                }
            }
            let bytes = new.iter().filter_map(|(file, _)| file.size).sum();
            self.counters.bytes_listed.fetch_add(bytes, Relaxed);
            for (file, known) in new {
                let slot = tokio::select! {
                    slot = slots.clone().acquire_owned() => slot,
                    () = self.stop.asked() => break 'pages,
                };
                let size = file.size.filter(|size| *size <= IN_MEMORY).unwrap_or(0);
                let room = tokio::select! {
                    room = memory.clone().acquire_many_owned(size.div_ceil(1 << 10) as u32) => room,
                    () = self.stop.asked() => break 'pages,
                };
                let (Ok(slot), Ok(room)) = (slot, room) else { break 'pages };
                let mark = FileMark {
                    name: file.name.clone(),
                    version: file.version.clone(),
                    size: file.size,
                    may_grow: source.may_grow(),
                };
                let reading = Reading {
                    source: index,
                    file: Arc::new(mark),
                    known,
                    blocks: blocks.downgrade(),
                    messages: messages.downgrade(),
                    counters: self.counters.clone(),
                    stop: self.stop.clone(),
                    buffers: self.buffers.clone(),
                    parsers: self.parsers,
                    cache: self.cache.clone(),
                    source_id,
                    cutters: cutters.clone(),
                };
                let source = source.clone();
                fetches.spawn(async move {
                    let counters = reading.counters.clone();
                    let fetch = reading.fetch(source.as_ref(), &file);
                    // What panics must not take the name of the log file with it.
                    if AssertUnwindSafe(fetch).catch_unwind().await.is_err() {
                        broke_down(&counters, &file.name, "fetching it");
                    }
                    drop((slot, room));
                });
                while fetches.try_join_next().is_some() {}
            }
        }
        drop(pages);
        let listed = tokio::select! {
            listed = listing.join_next() => listed,
            // A lister that waits for a page looks at nothing else.
            () = self.stop.asked() => None,
        };
        drop(listing);
        match listed {
            None | Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                self.counters.file_failed(source.uri(), error.to_string(), error.message());
            }
            Some(Err(_)) => broke_down(&self.counters, source.uri(), "listing it"),
        }
        if is_last {
            self.counters.listed.store(true, Relaxed);
        }
        while fetches.join_next().await.is_some() {}
        Ok(())
    }
}

impl Reading {
    async fn fetch(self, source: &dyn Source, file: &LogFile) {
        let fetched = tokio::select! {
            fetched = source.fetch(file) => fetched,
            () = self.stop.asked() => return,
        };
        let body = match fetched {
            Ok(body) => body,
            Err(error) => {
                return self.counters.file_failed(&file.name, error.to_string(), error.message());
            }
        };
        let (counters, name, stop) = (self.counters.clone(), self.file.clone(), self.stop.clone());
        let cutter = match body {
            // It may stand still, for others to go on.
            Body::Reader(_) => None,
            Body::Bytes(_) | Body::File(_) => tokio::select! {
                cutter = self.cutters.clone().acquire_owned() => cutter.ok(),
                () = stop.asked() => return,
            },
        };
        // Decompressing and cutting keep a processor busy, and wait for the parsers.
        let read = tokio::task::spawn_blocking(move || {
            let _cutter = cutter;
            let (counters, file) = (self.counters.clone(), self.file.clone());
            let (messages, source) = (self.messages.clone(), self.source);
            self.read(body).unwrap_or_else(|error| {
                let reason = error.to_string();
                counters.file_failed(&file.name, reason.clone(), &reason);
                if is_damage(&error)
                    && let Some(messages) = messages.upgrade()
                {
                    let _ = messages.blocking_send(Message::Damaged(source, file));
                }
                None
            })
        });
        let read = async {
            match read.await {
                // It says nothing: it ends.
                Ok(Some(read)) => drop(read.await),
                Ok(None) => {}
                Err(_) => broke_down(&counters, &name.name, "reading it"),
            }
        };
        tokio::select! {
            () = read => {}
            // A thread that waits for a pipe cannot be woken. What it gives later is taken by nothing.
            () = stop.asked() => {}
        }
    }

    /// Cuts the file into blocks, or leaves that to the parsers: then what it gives ends when they are done.
    fn read(mut self, body: Body) -> io::Result<Option<oneshot::Receiver<()>>> {
        let done = self.counters.bytes_done.clone();
        let body = match body {
            Body::Bytes(bytes) => {
                done.fetch_add(bytes.len() as u64, Relaxed);
                if is_zip(&bytes) {
                    return self
                        .expand(|members, limit| archive::walk_zip(Cursor::new(bytes), limit, members));
                }
                self.is_whole_if(begins_compressed(&bytes));
                Body::Bytes(bytes)
            }
            Body::File(mut file) => {
                let size = file.metadata()?.len();
                let head = head_of(&mut file)?;
                if is_zip(&head) {
                    let file = BufReader::new(file);
                    let expanded = self.expand(|members, limit| archive::walk_zip(file, limit, members));
                    done.fetch_add(size, Relaxed);
                    return expanded;
                }
                let is_compressed = begins_compressed(&head);
                if size >= FROM_BYTES && !is_compressed && !is_tar(&head) {
                    return self.share(Box::new(file), size);
                }
                self.is_whole_if(is_compressed);
                Body::Reader(Box::new(Counted { inner: file, done }))
            }
            Body::Reader(inner) => Body::Reader(Box::new(Counted { inner, done })),
        };
        let reader = Begun::new(body.into_reader()?);
        if is_tar(reader.head()) {
            return self.expand(|members, limit| archive::walk_tar(reader, limit, members));
        }
        self.cut(reader, &self.file, &self.known)?;
        Ok(None)
    }

    /// Reads the members of an archive as log files.
    fn expand(
        &self,
        walk: impl FnOnce(&mut ArchiveMembers<'_>, &archive::Limit) -> io::Result<()>,
    ) -> io::Result<Option<oneshot::Receiver<()>>> {
        let limit = archive::Limit::of(self.file.size);
        let mut members = ArchiveMembers::new(self, &limit);
        let walked = walk(&mut members, &limit);
        members.end(walked)?;
        Ok(None)
    }

    /// Cuts a log file into blocks, and gives them to the parsers. `false`: it was stopped on the way.
    pub fn cut(&self, reader: impl Read, file: &Arc<FileMark>, known: &[Range<u64>]) -> io::Result<bool> {
        let mut cutter = Cutter::new(reader, self.buffers.clone(), file.size);
        let mut judge = Some(LogDetector::new(&file.name));
        let mut first = Vec::new();
        while let Some(lines) = cutter.next()? {
            if self.stop.is_asked() {
                return Ok(false);
            }
            let mut room = cutter.take_room();
            if let Some(judging) = &mut judge {
                match judging.look(&lines) {
                    Verdict::Log => judge = None,
                    Verdict::Other(kind) => {
                        self.pass_over(file, kind);
                        return Ok(true);
                    }
                    Verdict::NotYet => {
                        if !lines.bytes.is_empty() || lines.long.is_some() {
                            first.push(lines);
                        }
                        continue;
                    }
                }
            }
            let blocks = first.drain(..).chain([lines]).flat_map(|lines| without(lines, known));
            let blocks =
                blocks.filter(|lines| !lines.bytes.is_empty() || lines.long.is_some() || lines.is_last);
            for lines in blocks {
                let block = Block::new(self.source, file, lines, room.take());
                if self.stop.is_asked() || !self.give(Work::Block(block)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Compressed content ends where it says: no line is added to it.
    fn is_whole_if(&mut self, is_compressed: bool) {
        if is_compressed && self.file.may_grow {
            self.file = Arc::new(FileMark { may_grow: false, ..(*self.file).clone() });
        }
    }

    /// Gives work to the parsers. `false`: they have ended.
    fn give(&self, work: Work) -> bool {
        self.blocks.upgrade().is_some_and(|blocks| blocks.blocking_send(work).is_ok())
    }

    /// Tells the writer something.
    pub fn tell(&self, message: Message) {
        if let Some(messages) = self.messages.upgrade() {
            let _ = messages.blocking_send(message);
        }
    }

    /// Tells the writer that a file is no log, and notes what it is if that is known.
    fn pass_over(&self, file: &Arc<FileMark>, kind: Option<Foreign>) {
        if let Some(kind) = kind {
            self.counters.note_foreign(&file.name, kind);
        }
        self.tell(Message::NoLog(self.source, file.clone()));
    }

    /// Hands a file to all parsers; what this gives ends when they are done with it.
    fn share(mut self, content: Box<dyn ReadAt>, size: u64) -> io::Result<Option<oneshot::Receiver<()>>> {
        let (sender, read) = oneshot::channel();
        let file = ChunkedFile::new(
            (self.source, self.file.clone(), std::mem::take(&mut self.known)),
            (content, size),
            self.buffers.clone(),
            self.counters.clone(),
            self.stop.clone(),
            sender,
        );
        let mut judge = LogDetector::new(&self.file.name);
        for piece in 0.. {
            let mut lines = match file.read(piece) {
                _ if self.stop.is_asked() => return Ok(None),
                lines => lines?,
            };
            let room = lines.room.take();
            let lines = lines.numbered(1);
            let verdict = judge.look(&lines);
            drop(room);
            self.buffers.give_back(lines.bytes);
            match verdict {
                Verdict::Log => break,
                Verdict::NotYet => {}
                Verdict::Other(kind) => {
                    self.pass_over(&self.file, kind);
                    return Ok(None);
                }
            }
        }
        let file = Arc::new(file);
        for _ in 0..self.parsers {
            // If nobody takes it any more, what went wrong is told already.
            self.give(Work::File(file.clone()));
        }
        Ok(Some(read))
    }
}

/// Notes what panicked: a defect, but no reason to lose sight of a log file.
fn broke_down(counters: &Counters, name: &str, doing: &str) {
    let what = format!("{doing} broke down; please report this as a defect of Tamarin");
    counters.file_failed(name, format!("{name}: {what}"), &what);
}

/// The first bytes of a file. It is to be read from its beginning, before and after.
fn head_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(BLOCK);
    file.take(BLOCK as u64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head)
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    done: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.done.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}
