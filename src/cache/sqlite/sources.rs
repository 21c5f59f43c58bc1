//! Changes of sources: monitoring, deletion; and upkeep of the cache file.

use super::catalogue::{self, PAUSED, REMOVED, WHOLE};
use super::log_files::LogFileRow;
use super::segment_rows::SegmentRow;
use super::{place, schema};
use crate::cache::write::batch::CUT_LINE_REASON;
use crate::cache::{CacheError, Writer};

/// How a source is monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitoring {
    /// Pulled when no source is named.
    On,
    /// Not pulled for the time being.
    Paused,
    /// Monitored again as before the pause.
    Resumed,
    /// Not pulled unless it is named. Its requests stay.
    Off,
}

/// What a deletion removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Requests.
    pub requests: u64,
    /// Log files in the catalogue.
    pub files: u64,
}

impl Writer {
    /// Changes how a source is monitored.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn monitor(&mut self, source: i64, wanted: Monitoring) -> Result<(), CacheError> {
        self.change_source(source, |row| match wanted {
            Monitoring::On => (row.monitored, row.paused) = (1, 0),
            Monitoring::Paused => row.paused = PAUSED,
            Monitoring::Resumed => row.paused = 0,
            Monitoring::Off => (row.monitored, row.paused) = (0, REMOVED),
        })
    }

    /// Deletes a source with its requests, log files and rejected lines, all or nothing. Values that only its
    /// requests had stay in the dictionaries.
    ///
    /// # Errors
    /// If the cache cannot be written; then nothing is changed.
    pub fn delete_source(&mut self, source: i64) -> Result<Deleted, CacheError> {
        self.commit_and_reset()?;
        self.in_transaction(|transaction, root| {
            let segments: Vec<SegmentRow> = SegmentRow::all(transaction)?
                .into_iter()
                .filter(|segment| segment.source == source)
                .collect();
            let files = LogFileRow::all(transaction, source)?;
            for file in &files {
                file.delete(transaction, root)?;
            }
            for segment in &segments {
                crate::cache::sqlite::segments::delete_segment(transaction, segment.id)?;
            }
            transaction.execute("DELETE FROM removed WHERE source_id = ?1", [source])?;
            transaction.execute("DELETE FROM source WHERE id = ?1", [source])?;
            let requests = segments.iter().map(|segment| segment.rows as u64).sum();
            Ok(Deleted { requests, files: files.len() as u64 })
        })
    }

    /// Rewrites the cache file without its free space. Returns the number of bytes by which it shrank.
    ///
    /// # Errors
    /// If the disk has too little space; then the cache stays valid, and its free space is used for new data.
    pub fn vacuum(&mut self) -> Result<u64, CacheError> {
        self.commit_and_reset()?;
        let before = self.size();
        let done = self.connection.execute_batch("VACUUM").and_then(|()| {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        done.map_err(|error| self.sqlite(error))?;
        Ok(before.saturating_sub(self.size()))
    }

    /// Checkpoints the write-ahead log, as far as no reader uses an older state.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn checkpoint(&mut self) -> Result<(), CacheError> {
        self.checkpointer = None;
        // Do not wait for readers: the next checkpoint includes the rest.
        let waits = |writer: &Writer, patience| {
            writer.connection.busy_timeout(patience).map_err(|error| writer.sqlite(error))
        };
        waits(self, std::time::Duration::ZERO)?;
        let folded = self.use_wal().and_then(|()| {
            let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.connection.query_row(fold, [], |_| Ok(())).map_err(|error| self.sqlite(error))
        });
        waits(self, schema::BUSY_TIMEOUT)?;
        self.must_be_in_place()?;
        match folded {
            Err(CacheError::Locked { .. }) => Ok(()),
            folded => folded,
        }
    }

    /// Makes all commits durable, so that they survive a power failure.
    ///
    /// # Errors
    /// If that fails, or a reader keeps the last commits from being checkpointed.
    pub fn make_durable(&mut self) -> Result<(), CacheError> {
        self.commit_and_reset()?;
        self.use_wal()?;
        let fold = || -> rusqlite::Result<i64> {
            self.connection.pragma_update(None, "synchronous", "FULL")?;
            let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            self.connection.pragma_update(None, "synchronous", "NORMAL")?;
            Ok(busy)
        };
        if fold().map_err(|error| self.sqlite(error))? != 0 {
            let holder = "it reads while the cache is to be made durable".to_owned();
            return Err(CacheError::Locked { path: self.path.clone(), holder });
        }
        let kept = |error: std::io::Error| CacheError::ReadOnly {
            path: self.path.clone(),
            reason: format!("it cannot be made durable: {error}"),
        };
        let file = std::fs::File::open(&self.path).map_err(kept)?;
        file.sync_all().map_err(kept)?;
        // Closing it would release the POSIX locks of SQLite on that file, in the whole process.
        self.kept_open = Some(file);
        self.must_be_in_place()?;
        // The directory has the name of a new file.
        #[cfg(unix)]
        if let Some(folder) = self.path.canonicalize().map_err(kept)?.parent() {
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(kept)?;
        }
        Ok(())
    }

    /// Whether the cache has everything that a log file contained: this version was read to its end, nothing
    /// of it was pruned since, and all of its rejected lines are stored whole.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn holds(&self, source: i64, name: &str, version: Option<&str>) -> Result<bool, CacheError> {
        let Some(version) = version else { return Ok(false) };
        let file = LogFileRow::find(&self.connection, source, name).map_err(|error| error.of(&self.path))?;
        let Some(file) = file else { return Ok(false) };
        let is_whole = file.version.as_deref() == Some(version)
            && file.state == WHOLE
            && file.pruned_before.is_none()
            && file.counts.lines > 0;
        if !is_whole || file.counts.rejected == 0 {
            return Ok(is_whole);
        }
        let kept =
            catalogue::rejected_of(&self.connection, &file, "").map_err(|error| error.of(&self.path))?;
        Ok(kept.len() as u64 == file.counts.rejected
            && !kept.iter().any(|line| line.reason.starts_with(CUT_LINE_REASON)))
    }

    /// Bytes of the cache on disk, write-ahead log included.
    fn size(&self) -> u64 {
        let file = place::resolve(&self.path);
        [&file, &place::with_suffix(&file, "-wal")]
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}
