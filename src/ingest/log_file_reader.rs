//! Reads one log file: decompresses it, decides whether it is a log, and cuts it into lines blocks for the parsers. Large plain
//! files and Parquet files are passed on whole: all parsers read them.

use std::io::{self, BufReader, Cursor, Read, Seek};
use std::{fs::File, ops::Range, sync::Arc, sync::atomic::Ordering::Relaxed};

use tokio::sync::{Semaphore, oneshot};

use super::chunked_file::{ChunkedFile, MIN_CHUNKED_FILE_BYTES, ReadAt, RestOfFile};
use super::log_detector::{LogDetector, NotALog, Verdict};
use super::object_lines::{HEAD_BYTES, LineReader, has_objects_across_lines};
use super::parquet_file::{self, Content, SharedParquet};
use super::{Counters, LinesBlock, LogFileTask, Message, Work};
use super::{archive_members::ArchiveMembers, cutter::Cutter};
use crate::cache::catalogue::LogFileStatus;
use crate::cache::{Cache, FileMark, SourceId};
use crate::log::structured::parquet::{self, ParquetError, ParquetFile};
use crate::source::archive::{self, Peeked, TAR_BLOCK_BYTES, is_tar, is_zip};
use crate::source::body::{Body, begins_compressed, is_damage};
use crate::source::{LogFile, Source, foreign};

/// The end of a log file whose lines were sent to the parsers.
pub(super) struct DeferredEnd {
    file: Arc<FileMark>,
    /// The number of the line after the last one.
    next_line: u64,
}

pub(super) struct LogFileReader {
    pub(super) task: LogFileTask,
    /// Weak, so that a thread that waits for a pipe does not keep the channels open.
    pub(super) work: flume::WeakSender<Work>,
    pub(super) messages: flume::WeakSender<Message>,
    pub(super) parsers: usize,
    pub(super) cache: Arc<Cache>,
    pub(super) source_id: Option<SourceId>,
    /// Limits the number of files that are cut.
    pub(super) cutters: Arc<Semaphore>,
}

impl LogFileReader {
    /// Fetches the file and reads it. Failures are counted with its name.
    pub(super) async fn fetch(self, source: &dyn Source, file: &LogFile) {
        let (cancel, counters) = (self.task.cancel.clone(), self.task.counters.clone());
        let Some(fetched) = cancel.run_until_cancelled(source.fetch(file)).await else { return };
        let body = match fetched {
            Ok(body) => body,
            Err(error) => return counters.file_failed(&file.name, error.to_string(), error.message()),
        };
        let cutter = match body {
            // A pipe may stall, so it takes no permit that another file may need.
            Body::Reader(_) => None,
            Body::Bytes(_) | Body::File(_) => {
                let cutter = self.cutters.clone().acquire_owned();
                let Some(cutter) = cancel.run_until_cancelled(cutter).await else { return };
                cutter.ok()
            }
        };
        // On a thread: decompressing and cutting keep a processor busy, and wait for the parsers.
        let cutters = self.cutters.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _cutter = cutter;
            let mut reader = self;
            let done = reader.read(body);
            (reader, done)
        });
        let read = async {
            let panicked = || counters.file_panicked(&file.name, "reading it");
            let Ok((reader, done)) = read.await else { return panicked() };
            let Some(done) = done else { return };
            // The channel closes without a message when the parsers have read the whole file.
            let Ok(rest) = done.await else { return };
            let cutter = cutters.acquire_owned().await.ok();
            let read = tokio::task::spawn_blocking(move || {
                let _cutter = cutter;
                reader.read_rest(rest);
            });
            if read.await.is_err() {
                panicked();
            }
        };
        // A thread that waits for a pipe cannot be woken. After a cancellation it keeps running, and its data is lost.
        let _ = cancel.run_until_cancelled(read).await;
    }

    /// Reads the file and reports failures. A returned channel closes when the parsers have read the file, or gets the part
    /// of it that has to be read in one piece.
    fn read(&mut self, body: Body) -> Option<oneshot::Receiver<RestOfFile>> {
        self.read_body(body).unwrap_or_else(|error| {
            self.task.fail(&error);
            if is_damage(&error) {
                self.send(Message::Damaged { source: self.task.source, file: self.task.file.clone() });
            }
            None
        })
    }

    /// Reads the rest of a file whose beginning was read in chunks, and reports failures.
    fn read_rest(&self, rest: RestOfFile) {
        let LogFileTask { file, known_lines, buffers, .. } = &self.task;
        let first_line = rest.first_line;
        let cutter = Cutter::of_rest(LineReader::of_rest(rest), buffers.clone(), first_line);
        if let Err(error) = self.cut_into_blocks(cutter, None, file, known_lines, None) {
            self.task.fail(&error);
        }
    }

    /// Cuts the file into lines blocks, or leaves it to the parsers to read it in chunks.
    fn read_body(&mut self, body: Body) -> io::Result<Option<oneshot::Receiver<RestOfFile>>> {
        let counters = self.task.counters.clone();
        let is_pipe = matches!(body, Body::Reader(_));
        let body = match body {
            Body::Bytes(bytes) => {
                counters.bytes_done.fetch_add(bytes.len() as u64, Relaxed);
                if is_zip(&bytes) {
                    let file = Cursor::new(bytes);
                    let members = ArchiveMembers::new(self);
                    members.read_all(|members, limit| archive::visit_zip(file, limit, members))?;
                    return Ok(None);
                }
                if bytes.starts_with(parquet::MAGIC) {
                    let content = Content::Memory(bytes.into());
                    return self
                        .read_parquet(content, &self.task.file, &self.task.known_lines, None)
                        .map(|_| None);
                }
                self.fix_size_if(begins_compressed(&bytes));
                Body::Bytes(bytes)
            }
            Body::File(mut file) => {
                let size = file.metadata()?.len();
                let head = peek(&mut file, TAR_BLOCK_BYTES)?;
                if is_zip(&head) {
                    let file = BufReader::new(file);
                    let members = ArchiveMembers::new(self);
                    let read = members.read_all(|members, limit| archive::visit_zip(file, limit, members));
                    counters.bytes_done.fetch_add(size, Relaxed);
                    return read.map(|()| None);
                }
                if head.starts_with(parquet::MAGIC) {
                    self.fix_size_if(true);
                    let content = Content::of_file(file, false)?;
                    return self
                        .read_parquet(content, &self.task.file, &self.task.known_lines, None)
                        .map(|_| None);
                }
                let is_compressed = begins_compressed(&head);
                if size >= MIN_CHUNKED_FILE_BYTES
                    && !is_compressed
                    && !is_tar(&head)
                    && !has_objects_across_lines(&peek(&mut file, HEAD_BYTES)?)
                {
                    return self.share(Arc::new(file), size);
                }
                self.fix_size_if(is_compressed);
                Body::Reader(Box::new(CountingReader { inner: file, counters }))
            }
            Body::Reader(inner) => Body::Reader(Box::new(CountingReader { inner, counters })),
        };
        let mut reader = Peeked::new(body.into_reader()?);
        if is_pipe && is_zip(reader.head()) {
            // The list of the members is at the end.
            let mut file = tempfile::tempfile()?;
            let size = io::copy(&mut reader, &mut file)?;
            file.rewind()?;
            let file = BufReader::new(file);
            let members = ArchiveMembers::of_size(self, Some(size));
            members.read_all(|members, limit| archive::visit_zip(file, limit, members))?;
        } else if is_tar(reader.head()) {
            let members = ArchiveMembers::with_deferred_ends(self);
            members.read_all(|members, limit| archive::visit_tar(reader, limit, members))?;
        } else {
            self.cut(reader, &self.task.file, &self.task.known_lines, None)?;
        }
        Ok(None)
    }

    /// Cuts `file` into lines blocks for the parsers. With `deferred_ends`, the end of the file is added to them, and the
    /// caller sends it later. Returns `false` if the ingest was cancelled or has ended.
    pub(super) fn cut(
        &self,
        reader: impl Read,
        file: &Arc<FileMark>,
        known_lines: &[Range<u64>],
        deferred_ends: Option<&mut Vec<DeferredEnd>>,
    ) -> io::Result<bool> {
        let mut reader = LineReader::new(reader)?;
        if reader.begins_with(parquet::MAGIC) {
            // The list of its row groups is at the end.
            let mut spooled = tempfile::tempfile()?;
            io::copy(&mut reader, &mut spooled)?;
            return self.read_parquet(Content::of_file(spooled, true)?, file, known_lines, deferred_ends);
        }
        let cutter = Cutter::new(reader, self.task.buffers.clone(), file.size);
        let detector = Some(LogDetector::new(&file.name));
        self.cut_into_blocks(cutter, detector, file, known_lines, deferred_ends)
    }

    /// Passes the blocks of a cutter to the parsers, once `detector` has found that the file is a log.
    fn cut_into_blocks(
        &self,
        mut cutter: Cutter<impl Read>,
        mut detector: Option<LogDetector>,
        file: &Arc<FileMark>,
        known_lines: &[Range<u64>],
        mut deferred_ends: Option<&mut Vec<DeferredEnd>>,
    ) -> io::Result<bool> {
        let LogFileTask { source, cancel, .. } = &self.task;
        // Blocks read before it is certain that the file is a log.
        let mut held = Vec::new();
        while let Some(mut lines) = cutter.next()? {
            if cancel.is_cancelled() {
                return Ok(false);
            }
            if lines.is_last && lines.is_empty() && lines.first_line == 1 && self.is_new(file)? {
                // A compressed file or a pipe without content is an empty file.
                let counters = &self.task.counters;
                counters.files_listed.fetch_sub(1, Relaxed);
                counters.files_empty.fetch_add(1, Relaxed);
                return Ok(true);
            }
            if let Some(open) = &mut detector {
                match open.inspect(&lines) {
                    Verdict::Log => detector = None,
                    Verdict::NotALog(reason) => {
                        self.skip(file, reason);
                        return Ok(true);
                    }
                    Verdict::Undecided => {
                        // The cutter may wait for this memory.
                        lines.reservation = None;
                        if !lines.is_empty() {
                            held.push(lines);
                        }
                        continue;
                    }
                }
            }
            if lines.is_last
                && let Some(ends) = &mut deferred_ends
            {
                lines.is_last = false;
                ends.push(DeferredEnd { file: file.clone(), next_line: lines.first_line + lines.count() });
            }
            let blocks = held.drain(..).chain([lines]).flat_map(|lines| lines.without(known_lines));
            for lines in blocks.filter(|lines| !lines.is_empty() || lines.is_last) {
                let work = Work::Block { source: *source, file: file.clone(), lines };
                if cancel.is_cancelled() || !self.give(work) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Passes the row groups of a Parquet file to the parsers, and waits until they have read them. With `deferred_ends`, the
    /// end of the file is added to them. Returns `false` if the ingest was cancelled or has ended.
    fn read_parquet(
        &self,
        content: Content,
        file: &Arc<FileMark>,
        known_lines: &[Range<u64>],
        deferred_ends: Option<&mut Vec<DeferredEnd>>,
    ) -> io::Result<bool> {
        let is_unread = content.is_unread();
        let opened = match ParquetFile::open(content) {
            Ok(opened) => opened,
            Err(ParquetError::MissingColumns(columns)) => {
                self.skip(file, NotALog::Foreign(foreign::parquet_without(&columns)));
                return Ok(true);
            }
            Err(error) => return Err(parquet_file::io_error(error)),
        };
        let task = LogFileTask { file: file.clone(), known_lines: known_lines.to_vec(), ..self.task.clone() };
        let parsers = self.parsers.min(opened.row_groups());
        let (shared, end) = SharedParquet::new(task, opened, is_unread);
        let next_line = end.rows + 1;
        let shared = Arc::new(shared);
        for _ in 0..parsers {
            if !self.give(Work::Parquet(shared.clone())) {
                return Ok(false);
            }
        }
        drop(shared);
        end.wait(&self.task.cancel)?;
        if self.task.cancel.is_cancelled() {
            return Ok(false);
        }
        let end = DeferredEnd { file: file.clone(), next_line };
        match deferred_ends {
            Some(ends) => ends.push(end),
            None => self.send_end(end),
        }
        Ok(true)
    }

    /// Whether the catalogue does not have the log file.
    fn is_new(&self, file: &FileMark) -> io::Result<bool> {
        let name = std::iter::once((file.name.as_str(), file.version.as_deref()));
        let statuses = self.cache.log_file_statuses(self.source_id, name).map_err(io::Error::other)?;
        Ok(statuses == [LogFileStatus::New])
    }

    /// Sends the parsers an empty last block of `end.file`.
    pub(super) fn send_end(&self, end: DeferredEnd) {
        let lines = LinesBlock { is_last: true, ..LinesBlock::empty(end.next_line) };
        self.give(Work::Block { source: self.task.source, file: end.file, lines });
    }

    /// Notes that a compressed or a Parquet file does not grow: its content has an end of its own.
    fn fix_size_if(&mut self, is_compressed: bool) {
        if is_compressed && self.task.file.may_grow {
            self.task.file = Arc::new(FileMark { may_grow: false, ..(*self.task.file).clone() });
        }
    }

    /// Passes a plain file to all parsers, unless it is not a log. The returned channel closes when they have read it, or gets
    /// the part of it that they leave.
    fn share(
        &self,
        content: Arc<dyn ReadAt>,
        size: u64,
    ) -> io::Result<Option<oneshot::Receiver<RestOfFile>>> {
        let (sender, done) = oneshot::channel();
        let file = ChunkedFile::new(self.task.clone(), content, size, sender);
        let mut detector = LogDetector::new(&self.task.file.name);
        for chunk in 0.. {
            let lines = match file.read(chunk) {
                _ if self.task.cancel.is_cancelled() => return Ok(None),
                lines => lines?,
            };
            let verdict = detector.inspect(&lines);
            self.task.buffers.put(lines.buffer);
            match verdict {
                Verdict::Log => break,
                Verdict::Undecided => {}
                Verdict::NotALog(reason) => {
                    self.skip(&self.task.file, reason);
                    return Ok(None);
                }
            }
        }
        let file = Arc::new(file);
        for _ in 0..self.parsers {
            // If the parsers have ended, the error that ended them was reported.
            self.give(Work::File(file.clone()));
        }
        Ok(Some(done))
    }

    /// Gives work to the parsers. Returns `false` if they have ended.
    fn give(&self, work: Work) -> bool {
        self.work.upgrade().is_some_and(|sender| sender.send(work).is_ok())
    }

    /// Sends a message to the writer, unless it has ended.
    pub(super) fn send(&self, message: Message) {
        if let Some(messages) = self.messages.upgrade() {
            let _ = messages.send(message);
        }
    }

    fn skip(&self, file: &Arc<FileMark>, reason: NotALog) {
        match reason {
            NotALog::Foreign(kind) => self.task.counters.file_is_foreign(&file.name, kind),
            // It is not marked, so that each pull searches and names it.
            NotALog::NoRecordAtStart => {
                self.task.counters.files_skipped.fetch_add(1, Relaxed);
                return self.task.counters.file_has_no_record_at_start(&file.name);
            }
            NotALog::NoRecord => {}
        }
        self.send(Message::NotALog { source: self.task.source, file: file.clone() });
    }
}

/// Returns the first bytes of a file. Its position must be at the beginning, and is left there.
fn peek(file: &mut File, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(bytes);
    file.take(bytes as u64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head)
}

struct CountingReader<R> {
    inner: R,
    counters: Arc<Counters>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.counters.bytes_done.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}
