//! Looking after sources: which are monitored, and how one goes with all that came from it.

use super::catalogue::{self, PAUSED, REMOVED, WHOLE};
use super::log_files::LogFileRow;
use super::segment_rows::SegmentRow;
use super::{place, schema};
use crate::cache::write::batch::CUT_LINE_REASON;
use crate::cache::{CacheError, Writer};

/// What a person wants of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitoring {
    /// Pulled whenever no source is named.
    On,
    /// Not pulled for the time being.
    Paused,
    /// Pulled again after a pause, as before it.
    Resumed,
    /// Not pulled unless it is named; what was pulled stays.
    Off,
}

/// What went with a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Requests.
    pub requests: u64,
    /// Log files in the catalogue.
    pub files: u64,
}

impl Writer {
    /// Says how a source is looked after.
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

    /// Deletes a source with its requests, log files and rejected lines, all or nothing. Values that
    /// only its requests had stay in the dictionaries.
    ///
    /// # Errors
    /// If the cache cannot be written; then all is as it was.
    pub fn delete_source(&mut self, source: i64) -> Result<Deleted, CacheError> {
        self.settle()?;
        self.change(|transaction, root| {
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

    /// Gives what deletions left free back to the file system: the whole file is written anew. Returns
    /// how many bytes smaller it is.
    ///
    /// # Errors
    /// If there is no room for that; the cache is as good as before, and its free space will be used for
    /// what comes next.
    pub fn give_space_back(&mut self) -> Result<u64, CacheError> {
        self.settle()?;
        let before = self.size();
        let done = self.connection.execute_batch("VACUUM").and_then(|()| {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        done.map_err(|error| self.sqlite(error))?;
        Ok(before.saturating_sub(self.size()))
    }

    /// Folds what was committed into the main file, as far as nobody reads an older state just now.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn fold_log(&mut self) -> Result<(), CacheError> {
        self.checkpointer = None;
        // Whoever reads is not waited for: the next one to fold takes the rest along.
        let waits = |writer: &Writer, patience| {
            writer.connection.busy_timeout(patience).map_err(|error| writer.sqlite(error))
        };
        waits(self, std::time::Duration::ZERO)?;
        let folded = self.write_ahead().and_then(|()| {
            let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.connection.query_row(fold, [], |_| Ok(())).map_err(|error| self.sqlite(error))
        });
        waits(self, schema::PATIENCE)?;
        self.must_be_in_place()?;
        match folded {
            Err(CacheError::Locked { .. }) => Ok(()),
            folded => folded,
        }
    }

    /// Makes all that was committed durable: it survives a loss of power from here on.
    ///
    /// # Errors
    /// If it cannot be, or a reader keeps the last commits from being folded into the main file.
    pub fn make_durable(&mut self) -> Result<(), CacheError> {
        self.settle()?;
        self.write_ahead()?;
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
        // Closing it would let go of SQLite's own locks on that file, wherever this process holds them.
        self.kept_open = Some(file);
        self.must_be_in_place()?;
        // The name of a new file is in its folder.
        #[cfg(unix)]
        if let Some(folder) = self.path.canonicalize().map_err(kept)?.parent() {
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(kept)?;
        }
        Ok(())
    }

    /// Whether all that a log file held is in the cache: this version of it was read to its end, none of it was pruned
    /// since, and its rejected lines are kept, all of them and whole.
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

    /// Bytes that the cache takes on disk, what is not folded into the main file yet included.
    fn size(&self) -> u64 {
        let file = place::resolve(&self.path);
        [&file, &place::beside(&file, "-wal")]
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}
