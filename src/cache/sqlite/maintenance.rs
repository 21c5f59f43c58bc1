//! Maintenance of the cache file: checkpoints, durability, free space.

use super::{connection, paths};
use crate::cache::{CacheError, Writer};

impl Writer {
    /// Rewrites the cache file without its free space. Returns the number of bytes by which it shrank.
    /// Fails if the disk has too little space; then the cache stays valid, and its free space is used for new data.
    pub fn vacuum(&mut self) -> Result<u64, CacheError> {
        self.commit_and_reset()?;
        let before = self.bytes_on_disk();
        let result = self.connection.execute_batch("VACUUM").and_then(|()| {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        result.map_err(|error| self.sqlite(error))?;
        Ok(before.saturating_sub(self.bytes_on_disk()))
    }

    /// Checkpoints the write-ahead log, except what readers of an older state prevent.
    pub fn checkpoint(&mut self) -> Result<(), CacheError> {
        self.checkpointer = None;
        // Do not wait for readers: the next checkpoint includes the rest.
        let set_busy_timeout = |writer: &Writer, timeout| {
            writer.connection.busy_timeout(timeout).map_err(|error| writer.sqlite(error))
        };
        set_busy_timeout(self, std::time::Duration::ZERO)?;
        let result = self.use_wal().and_then(|()| {
            let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.connection.query_row(pragma, [], |_| Ok(())).map_err(|error| self.sqlite(error))
        });
        set_busy_timeout(self, connection::BUSY_TIMEOUT)?;
        self.check_in_place()?;
        match result {
            Err(CacheError::Locked { .. }) => Ok(()),
            result => result,
        }
    }

    /// Makes all commits durable, so that they survive a power failure.
    /// Fails also if a reader keeps the last commits from being checkpointed.
    pub fn make_durable(&mut self) -> Result<(), CacheError> {
        self.commit_and_reset()?;
        self.use_wal()?;
        let checkpoint = || -> rusqlite::Result<i64> {
            self.connection.pragma_update(None, "synchronous", "FULL")?;
            let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            self.connection.pragma_update(None, "synchronous", "NORMAL")?;
            Ok(busy)
        };
        if checkpoint().map_err(|error| self.sqlite(error))? != 0 {
            let holder = "it is reading the cache".to_owned();
            return Err(CacheError::Locked { path: self.path.clone(), holder });
        }
        let failed = |error: std::io::Error| CacheError::ReadOnly {
            path: self.path.clone(),
            reason: format!("it cannot be synced to disk: {error}"),
        };
        // The handle stays open: closing it would release all POSIX locks that SQLite has on the file in this process.
        if self.file_handle.is_none() {
            self.file_handle = Some(std::fs::File::open(&self.path).map_err(failed)?);
        }
        self.file_handle.iter().try_for_each(std::fs::File::sync_all).map_err(failed)?;
        self.check_in_place()?;
        // The name of a new file is in its directory, which must be synced, too.
        #[cfg(unix)]
        if let Some(folder) = self.path.canonicalize().map_err(failed)?.parent() {
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(())
    }

    /// Bytes of the cache on disk, write-ahead log included.
    fn bytes_on_disk(&self) -> u64 {
        let file = paths::resolve(&self.path);
        [&file, &paths::with_suffix(&file, paths::WAL)]
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}
