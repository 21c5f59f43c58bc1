//! The fetch stage: lists log files, skips those that the catalogue has, and fetches the others many at a time. Each
//! is read by a [`LogFileReader`].

use std::{ops::Range, panic::AssertUnwindSafe, sync::Arc, sync::atomic::Ordering::Relaxed};

use futures::FutureExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::log_file_reader::LogFileReader;
use super::{Counters, LogFileTask, Message, Options, ReadBuffers, Work};
use crate::cache::catalogue::LogFileStatus;
use crate::cache::{Cache, CacheError, FileMark, SourceId};
use crate::source::{KnownFile, LogFile, Source};

/// Pages of names on their way from the lister.
const MAX_QUEUED_PAGES: usize = 4;
/// Pages with log files that wait to be fetched. Listing runs ahead of fetching, so that the end of a pull can be estimated;
/// a page has about a thousand names.
const MAX_PAGES_TO_FETCH: usize = 64;
/// Log files that are decompressed and cut at a time, if there are fewer parsers. Each may have a line of
/// [`MAX_LINE_BYTES`](super::lines_block::MAX_LINE_BYTES) in memory.
const MIN_CUTTERS: usize = 2;
/// Size of the largest log file that may be in memory while it is read.
const MAX_FETCHED_FILE_BYTES: u64 = 64 << 20;
/// KiB of such log files that are fetched or read at a time.
const MAX_FETCHED_KIB: usize = 512 << 10;

pub(super) struct FetchStage {
    pub(super) cache: Arc<Cache>,
    pub(super) options: Options,
    pub(super) counters: Arc<Counters>,
    pub(super) cancel: CancellationToken,
    pub(super) buffers: ReadBuffers,
    pub(super) parsers: usize,
    pub(super) work: flume::Sender<Work>,
    pub(super) messages: flume::Sender<Message>,
}

impl FetchStage {
    /// Reads all sources, one after another, until their end or a cancellation.
    pub(super) async fn run(self, sources: Vec<Arc<dyn Source>>) {
        let count = sources.len();
        for (index, source) in sources.into_iter().enumerate() {
            if self.cancel.is_cancelled() {
                return;
            }
            let failed_before = self.counters.files_failed.load(Relaxed);
            if let Err(error) = self.read_source(index, source, index + 1 == count).await {
                self.counters.fail(error.to_string());
                return;
            }
            if self.counters.files_failed.load(Relaxed) == failed_before && !self.cancel.is_cancelled() {
                let _ = self.messages.send_async(Message::SourceDone { source: index }).await;
            }
        }
    }

    async fn read_source(
        &self,
        index: usize,
        source: Arc<dyn Source>,
        is_last: bool,
    ) -> Result<(), CacheError> {
        let (page_sender, mut pages) = mpsc::channel(MAX_QUEUED_PAGES);
        let (lister, window) = (source.clone(), self.options.window);
        let source_id = self.cache.source_id(source.uri())?;
        let known = match source_id.filter(|_| source.depends_on_known_files()) {
            Some(id) => self.cache.log_files(id)?,
            None => Vec::new(),
        };
        let known = known
            .into_iter()
            .map(|(name, version, is_whole)| KnownFile { name, version, is_whole })
            .collect();
        // In a set, which aborts the lister when it is dropped, even during a request.
        let mut listing = JoinSet::new();
        listing.spawn(async move { lister.list_unread(window, known, page_sender).await });
        let concurrency = self.options.concurrency.unwrap_or_else(|| source.concurrency()).max(1);
        let mut fetcher = SourceFetcher {
            stage: self,
            index,
            source_id,
            source: source.clone(),
            slots: Arc::new(Semaphore::new(concurrency)),
            slot_count: u32::try_from(concurrency).unwrap_or(u32::MAX),
            memory: Arc::new(Semaphore::new(MAX_FETCHED_KIB)),
            cutters: Arc::new(Semaphore::new(self.parsers.max(MIN_CUTTERS))),
            fetches: JoinSet::new(),
        };
        let (new_sender, mut new_files) = mpsc::channel::<Vec<NewFile>>(MAX_PAGES_TO_FETCH);
        let list = async move {
            while let Some(page) = self.cancel.run_until_cancelled(pages.recv()).await.flatten() {
                let new = self.new_files(source_id, page)?;
                // Fails if the fetcher has ended: the ingest was cancelled.
                if !new.is_empty() && new_sender.send(new).await.is_err() {
                    break;
                }
            }
            drop(pages);
            let listed = self.cancel.run_until_cancelled(listing.join_next()).await.flatten();
            match listed {
                None | Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => {
                    self.counters.file_failed(source.uri(), error.to_string(), error.message());
                }
                Some(Err(_)) => self.counters.file_panicked(source.uri(), "listing it"),
            }
            if is_last {
                self.counters.is_listed.store(true, Relaxed);
            }
            Ok::<_, CacheError>(())
        };
        let fetch = async move {
            while let Some(new) = new_files.recv().await {
                if fetcher.start_fetches(new).await.is_none() {
                    break;
                }
            }
            Ok(fetcher)
        };
        let ((), mut fetcher) = tokio::try_join!(list, fetch)?;
        while fetcher.fetches.join_next().await.is_some() {}
        Ok(())
    }

    /// The log files of a page that the cache does not have.
    fn new_files(&self, source_id: Option<SourceId>, page: Vec<LogFile>) -> Result<Vec<NewFile>, CacheError> {
        let FetchStage { cache, counters, .. } = self;
        let names = page.iter().map(|file| (file.name.as_str(), file.version.as_deref()));
        let statuses = cache.log_file_statuses(source_id, names)?;
        let mut new = Vec::new();
        for (file, status) in page.into_iter().zip(statuses) {
            // An empty file matters only if the cache has lines of it.
            if status == LogFileStatus::New && file.size == Some(0) {
                counters.files_empty.fetch_add(1, Relaxed);
                continue;
            }
            counters.files_listed.fetch_add(1, Relaxed);
            match status {
                LogFileStatus::Whole => {
                    counters.files_known.fetch_add(1, Relaxed);
                }
                LogFileStatus::NoLog => {
                    counters.files_skipped.fetch_add(1, Relaxed);
                }
                LogFileStatus::New | LogFileStatus::Changed => new.push((file, Vec::new())),
                LogFileStatus::InPart(known_lines) => new.push((file, known_lines)),
            }
        }
        let bytes = new.iter().filter_map(|(file, _)| file.size).sum();
        counters.bytes_listed.fetch_add(bytes, Relaxed);
        Ok(new)
    }
}

/// A log file to be read, and its lines that the cache has already.
type NewFile = (LogFile, Vec<Range<u64>>);

struct SourceFetcher<'s> {
    stage: &'s FetchStage,
    index: usize,
    source: Arc<dyn Source>,
    /// The id of the source, if the catalogue had it before.
    source_id: Option<SourceId>,
    /// Limits the number of fetches, by their weight.
    slots: Arc<Semaphore>,
    /// The slots that there are.
    slot_count: u32,
    /// Limits the KiB of log files in memory.
    memory: Arc<Semaphore>,
    /// Limits the number of files that are cut.
    cutters: Arc<Semaphore>,
    fetches: JoinSet<()>,
}

impl SourceFetcher<'_> {
    /// Starts fetches one after another. `None`: the ingest was cancelled.
    async fn start_fetches(&mut self, new: Vec<NewFile>) -> Option<()> {
        for new in new {
            self.start_fetch(new).await?;
            while self.fetches.try_join_next().is_some() {}
        }
        Some(())
    }

    /// Waits for slots and memory, and starts a fetch. `None`: the ingest was cancelled.
    async fn start_fetch(&mut self, (file, known_lines): NewFile) -> Option<()> {
        let stage = self.stage;
        let weight = self.source.weight(file.size).clamp(1, self.slot_count);
        let slots = self.slots.clone().acquire_many_owned(weight);
        let slots = stage.cancel.run_until_cancelled(slots).await?.ok()?;
        let size = file.size.filter(|size| *size <= MAX_FETCHED_FILE_BYTES).unwrap_or(0);
        let memory = self.memory.clone().acquire_many_owned(size.div_ceil(1 << 10) as u32);
        let memory = stage.cancel.run_until_cancelled(memory).await?.ok()?;
        let mark = FileMark {
            name: file.name.clone(),
            version: file.version.clone(),
            size: file.size,
            may_grow: self.source.may_grow(),
        };
        let reader = LogFileReader {
            task: LogFileTask {
                source: self.index,
                file: Arc::new(mark),
                known_lines,
                counters: stage.counters.clone(),
                cancel: stage.cancel.clone(),
                buffers: stage.buffers.clone(),
            },
            work: stage.work.downgrade(),
            messages: stage.messages.downgrade(),
            parsers: stage.parsers,
            cache: stage.cache.clone(),
            source_id: self.source_id,
            cutters: self.cutters.clone(),
        };
        let source = self.source.clone();
        self.fetches.spawn(async move {
            let counters = reader.task.counters.clone();
            let fetch = reader.fetch(source.as_ref(), &file);
            // A panic is reported with the name of the log file.
            if AssertUnwindSafe(fetch).catch_unwind().await.is_err() {
                counters.file_panicked(&file.name, "fetching it");
            }
            drop((slots, memory));
        });
        Some(())
    }
}
