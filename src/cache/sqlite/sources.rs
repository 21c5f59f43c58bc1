//! The sources in the catalogue: adding, monitoring and deleting them.

use super::catalogue::{self, NO_LOG, PAUSED, REMOVED, SourceInfo, SourceRow};
use super::{log_file_rows::LogFileRow, segment_rows::SegmentRow};
use crate::cache::{CacheError, Writer, ids::SourceId};

/// How a source is monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitoring {
    /// The source is pulled when no source is named.
    On,
    /// The source is not pulled until its monitoring is resumed, unless it is named.
    Paused,
    /// The source is monitored as it was before the pause.
    Resumed,
    /// The source is not pulled unless it is named. Its requests stay.
    Off,
}

/// Counts of what [`Writer::delete_source`] deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Number of requests.
    pub requests: u64,
    /// Number of log files in the catalogue.
    pub files: u64,
}

impl Writer {
    /// The id of a source, if the catalogue has it.
    pub fn find_source(&self, uri: &str) -> Result<Option<SourceId>, CacheError> {
        catalogue::source_id(&self.connection, uri).map_err(|error| error.of(&self.path))
    }

    /// Returns the id of a source, which is added to the catalogue if it is new.
    pub fn source(&mut self, uri: &str) -> Result<SourceId, CacheError> {
        if let Some(id) = self.find_source(uri)? {
            return Ok(id);
        }
        let added = now();
        self.in_transaction(|transaction, _| {
            let last: Option<i64> =
                transaction.query_row("SELECT max(id) FROM source", [], |row| row.get(0))?;
            let id = SourceId::new(last.unwrap_or(0) + 1);
            let uri = uri.to_owned();
            SourceRow { id, uri, added, ..SourceRow::default() }.save(transaction)?;
            Ok(id)
        })
    }

    /// Records the current time as that of the last complete pull of a source.
    pub fn record_pull(&mut self, source: SourceId) -> Result<(), CacheError> {
        self.change_source(source, |row| row.last_pull = Some(now()))
    }

    /// Changes the row of a source.
    pub(in crate::cache) fn change_source(
        &mut self,
        source: SourceId,
        change: impl FnOnce(&mut SourceRow),
    ) -> Result<(), CacheError> {
        self.in_transaction(|transaction, _| {
            let mut row = SourceRow::find(transaction, source)?;
            change(&mut row);
            Ok(row.save(transaction)?)
        })
    }

    /// The sources in the catalogue.
    pub fn sources(&self) -> Result<Vec<SourceInfo>, CacheError> {
        catalogue::sources(&self.connection).map_err(|error| error.of(&self.path))
    }

    /// Changes how a source is monitored.
    pub fn monitor(&mut self, source: SourceId, wanted: Monitoring) -> Result<(), CacheError> {
        self.change_source(source, |row| match wanted {
            Monitoring::On => (row.monitored, row.paused) = (1, 0),
            Monitoring::Paused => row.paused = PAUSED,
            Monitoring::Resumed => row.paused = 0,
            Monitoring::Off => (row.monitored, row.paused) = (0, REMOVED),
        })
    }

    /// Deletes a source with its requests, log files and rejected lines, all or nothing. Values that only its requests
    /// had stay in the dictionaries. Fails if the cache cannot be written; then nothing is changed.
    pub fn delete_source(&mut self, source: SourceId) -> Result<Deleted, CacheError> {
        self.commit_and_reset()?;
        self.in_transaction(|transaction, root| {
            let mut segments = SegmentRow::all(transaction)?;
            segments.retain(|segment| segment.source == source);
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
            let files = files.iter().filter(|file| file.state != NO_LOG).count();
            Ok(Deleted { requests, files: files as u64 })
        })
    }
}

/// The current time in seconds since the epoch.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
