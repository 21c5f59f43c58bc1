//! Reads a Parquet file with all parsers at once: each takes the next row group.
//!
//! A row group may turn out to be damaged after others were read. So the file has no end in the catalogue until all of
//! them were read: the writer may commit their rows, but it can still remove them.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use flume::RecvTimeoutError;
use parking_lot::Mutex;
use parquet::errors::ParquetError as ReadError;
use parquet::file::reader::{ChunkReader, Length};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::{LogFileTask, chunked_file::ReadAt};
use crate::log::structured::parquet::{ParquetError, ParquetFile, RowGroup};
use crate::source::body::damaged;

/// Bytes read at a time for the header of a page.
const HEADER_BYTES: usize = 4 << 10;
/// How often a thread that waits for parsers looks for a cancellation.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

/// The content of a Parquet file, which several threads can read.
pub(super) enum Content {
    Memory(Bytes),
    /// A file of the source, or one that the content was copied to.
    File {
        file: Arc<dyn ReadAt>,
        size: u64,
        is_copy: bool,
    },
}

impl Content {
    pub(super) fn of_file(file: File, is_copy: bool) -> io::Result<Content> {
        let size = file.metadata()?.len();
        Ok(Content::File { file: Arc::new(file), size, is_copy })
    }

    /// Whether reading it is progress: what is in memory or a copy was read already.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Content::File { is_copy: false, .. })
    }
}

impl Length for Content {
    fn len(&self) -> u64 {
        match self {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File { size, .. } => *size,
        }
    }
}

impl ChunkReader for Content {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Box<dyn Read>, ReadError> {
        Ok(match self {
            Content::Memory(bytes) => Box::new(bytes.get_read(start)?),
            Content::File { file, .. } => {
                let reader = FileReader { file: Arc::clone(file), at: start };
                Box::new(io::BufReader::with_capacity(HEADER_BYTES, reader))
            }
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ReadError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= Length::len(self));
        if end.is_none() {
            return Err(ReadError::EOF(format!("{length} bytes at {start} are beyond its end")));
        }
        match self {
            Content::Memory(bytes) => bytes.get_bytes(start, length),
            Content::File { file, .. } => {
                let mut buffer = vec![0; length];
                FileReader { file: Arc::clone(file), at: start }.read_exact(&mut buffer).map_err(external)?;
                Ok(buffer.into())
            }
        }
    }
}

fn external(error: io::Error) -> ReadError {
    ReadError::External(Box::new(error))
}

/// Reads a file from a position of its own: the position of the file is that of all threads.
struct FileReader {
    file: Arc<dyn ReadAt>,
    at: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A Parquet file that is being read.
pub(super) struct SharedParquet {
    pub(super) task: LogFileTask,
    file: ParquetFile<Content>,
    next_group: AtomicUsize,
    /// Whether reading it is progress.
    is_unread: bool,
    failure: Arc<Mutex<Option<io::Error>>>,
    /// Closes when the last parser has dropped the file.
    _done: flume::Sender<()>,
}

/// What the thread that has opened a Parquet file waits for.
pub(super) struct ParquetEnd {
    pub(super) rows: u64,
    done: flume::Receiver<()>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl ParquetEnd {
    /// Waits until the parsers have read the file, or the ingest is cancelled. Returns the first error.
    pub(super) fn wait(self, cancel: &CancellationToken) -> io::Result<()> {
        // The channel closes without a message. If the parsers have ended, it may stay open.
        while !cancel.is_cancelled()
            && self.done.recv_timeout(CANCEL_INTERVAL) == Err(RecvTimeoutError::Timeout)
        {}
        self.failure.lock().take().map_or(Ok(()), Err)
    }
}

impl SharedParquet {
    pub(super) fn new(
        task: LogFileTask,
        file: ParquetFile<Content>,
        is_unread: bool,
    ) -> (SharedParquet, ParquetEnd) {
        let (sender, done) = flume::bounded(0);
        let failure = Arc::new(Mutex::new(None));
        let end = ParquetEnd { rows: file.rows(), done, failure: Arc::clone(&failure) };
        let next_group = AtomicUsize::new(0);
        (SharedParquet { task, file, next_group, is_unread, failure, _done: sender }, end)
    }

    /// The next row group. `None` at the end, after a cancellation and after a failure.
    pub(super) fn next_group(&self) -> Option<RowGroup> {
        loop {
            if self.is_stopped() {
                return None;
            }
            let index = self.next_group.fetch_add(1, Relaxed);
            if index >= self.file.row_groups() {
                return None;
            }
            if self.is_unread {
                self.task.counters.bytes_done.fetch_add(self.file.row_group_bytes(index), Relaxed);
            }
            if let Some(group) = self.checked(|| self.file.row_group(index)) {
                return Some(group);
            }
        }
    }

    /// Reads the next block of a row group. Returns `false` at its end, and if the file cannot be read any further.
    pub(super) fn next_block(&self, group: &mut RowGroup) -> bool {
        !self.is_stopped() && self.checked(|| group.next_block()) == Some(true)
    }

    fn is_stopped(&self) -> bool {
        self.task.cancel.is_cancelled() || self.failure.lock().is_some()
    }

    /// The result of reading, unless it fails. Then the failure is noted. The library may panic if a file is damaged.
    fn checked<T>(&self, read: impl FnOnce() -> Result<T, ParquetError>) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(ParquetError::Damaged("a page has an invalid structure".to_owned())));
        result.map_err(|error| *self.failure.lock() = Some(io_error(error))).ok()
    }
}

/// The error of a source: that of a damaged file is one for which [`is_damage`](crate::source::body::is_damage) is true.
pub(super) fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::Io(error) => error,
        ParquetError::Damaged(_) => damaged(error.to_string()),
        ParquetError::MissingColumns(_)
        | ParquetError::ColumnType { .. }
        | ParquetError::RepeatedColumn(_)
        | ParquetError::Compression(_)
        | ParquetError::LargePage { .. } => io::Error::other(error.to_string()),
    }
}
