//! The write stage: one thread that appends batches to the cache and decides when to commit.

use std::time::{Duration, Instant};
use std::{sync::Arc, sync::atomic::Ordering::Relaxed};

use flume::RecvTimeoutError;
use tokio_util::sync::CancellationToken;

use super::{Message, buffer_pool::BufferPool, counters::Counters};
use crate::cache::{Batch, CacheError, FileMark, SourceId, Writer};

/// Time before the first commits and before all others. The first ones are early, for a user who watches an empty
/// screen. Later ones are less frequent, because each commit writes a small segment anew.
const COMMIT_INTERVALS: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(500), Duration::from_millis(2000)];

/// Files without log lines that are held back until it is known whether their source has any. If a source has more of
/// them and no log line, the next pull reads these files again.
const MAX_HELD_NON_LOGS: usize = 10_000;

/// What was appended since the last commit.
#[derive(Default)]
struct Uncommitted {
    requests: u64,
    files: u64,
    newest: Option<i64>,
}

type Files = Vec<(usize, Arc<FileMark>)>;

pub(super) struct WriteStage {
    writer: Writer,
    uris: Vec<String>,
    /// Ids of the sources in the catalogue. A source enters the catalogue with its first batch, so that a mistyped
    /// name or a folder without logs leaves no trace.
    ids: Vec<Option<SourceId>>,
    batches: Arc<BufferPool<Box<Batch>>>,
    counters: Arc<Counters>,
    uncommitted: Uncommitted,
    commits: usize,
    last_commit: Instant,
    non_logs: Files,
    archives: Files,
    damaged: Files,
    done_sources: Vec<usize>,
}

impl WriteStage {
    pub(super) fn new(
        writer: Writer,
        uris: Vec<String>,
        batches: Arc<BufferPool<Box<Batch>>>,
        counters: Arc<Counters>,
    ) -> WriteStage {
        WriteStage {
            writer,
            ids: vec![None; uris.len()],
            uris,
            batches,
            counters,
            uncommitted: Uncommitted::default(),
            commits: 0,
            last_commit: Instant::now(),
            non_logs: Vec::new(),
            archives: Vec::new(),
            damaged: Vec::new(),
            done_sources: Vec::new(),
        }
    }

    /// Writes until the channel is closed and empty. An error of the cache ends the ingest.
    pub(super) fn run(mut self, messages: &flume::Receiver<Message>, cancel: &CancellationToken) {
        if let Err(error) = self.write_all(messages) {
            self.counters.fail(error.to_string());
            cancel.cancel();
        }
    }

    fn write_all(&mut self, messages: &flume::Receiver<Message>) -> Result<(), CacheError> {
        loop {
            match messages.recv_timeout(self.commit_interval().saturating_sub(self.last_commit.elapsed())) {
                Ok(message) => self.handle(message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            }
            if self.last_commit.elapsed() >= self.commit_interval() {
                if !self.writer.is_committed() {
                    self.writer.commit()?;
                    self.report_commit();
                    self.commits += 1;
                }
                self.last_commit = Instant::now();
            }
        }
    }

    fn commit_interval(&self) -> Duration {
        COMMIT_INTERVALS[self.commits.min(COMMIT_INTERVALS.len() - 1)]
    }

    fn handle(&mut self, message: Message) -> Result<(), CacheError> {
        match message {
            Message::Batch { source, batch, _reservation } => self.append(source, batch)?,
            Message::NotALog { source, file } => {
                if self.non_logs.len() >= MAX_HELD_NON_LOGS {
                    let files = std::mem::take(&mut self.non_logs);
                    self.mark_without_lines(files)?;
                }
                self.non_logs.push((source, file));
                self.counters.files_skipped.fetch_add(1, Relaxed);
            }
            Message::ArchiveDone { source, file } => self.archives.push((source, file)),
            Message::Damaged { source, file } => self.damaged.push((source, file)),
            Message::SourceDone { source } => self.done_sources.push(source),
        }
        Ok(())
    }

    fn append(&mut self, source: usize, mut batch: Box<Batch>) -> Result<(), CacheError> {
        let whole_files = batch.parts.iter().filter(|part| part.total_lines.is_some()).count();
        self.uncommitted.files += whole_files as u64;
        self.uncommitted.newest = self.uncommitted.newest.max(batch.newest());
        let id = match self.ids[source] {
            Some(id) => id,
            None => *self.ids[source].insert(self.writer.source(&self.uris[source])?),
        };
        let appended = self.writer.append(id, &mut batch)?;
        self.batches.put(batch);
        self.uncommitted.requests += appended.requests;
        self.counters.duplicates.fetch_add(appended.duplicates, Relaxed);
        if self.writer.is_committed() {
            // The batch filled a segment, which the writer commits by itself.
            self.report_commit();
            self.last_commit = Instant::now();
        }
        Ok(())
    }

    /// Writes what has to wait until all batches have arrived.
    fn finish(&mut self) -> Result<(), CacheError> {
        let mut files = std::mem::take(&mut self.non_logs);
        files.append(&mut self.archives);
        self.mark_without_lines(files)?;
        for (source, file) in std::mem::take(&mut self.damaged) {
            if let Some(id) = self.known_source(source)? {
                self.writer.record_damage(id, &file)?;
            }
        }
        self.counters.removed.fetch_add(self.writer.replace_versions()?, Relaxed);
        for source in std::mem::take(&mut self.done_sources) {
            if let Some(id) = self.known_source(source)? {
                self.writer.record_pull(id)?;
            }
        }
        self.report_commit();
        // Now the cache file is complete without its write-ahead log, whatever happens to other readers.
        self.writer.checkpoint()
    }

    /// Notes files in the catalogue that have no lines of their own.
    fn mark_without_lines(&mut self, files: Files) -> Result<(), CacheError> {
        for (source, file) in files {
            if let Some(id) = self.known_source(source)? {
                self.writer.record_no_log(id, &file)?;
            }
        }
        Ok(())
    }

    fn known_source(&self, source: usize) -> Result<Option<SourceId>, CacheError> {
        match self.ids[source] {
            Some(id) => Ok(Some(id)),
            None => self.writer.find_source(&self.uris[source]),
        }
    }

    fn report_commit(&mut self) {
        let Uncommitted { requests, files, newest } = std::mem::take(&mut self.uncommitted);
        self.counters.requests.fetch_add(requests, Relaxed);
        self.counters.files_done.fetch_add(files, Relaxed);
        if let Some(newest) = newest {
            self.counters.committed_until(newest);
        }
    }
}
