//! Purged sources: `pull --purge` deleted log files there, and the cache may have the only copy of their content.

use super::catalogue::{self, SourceRow, WHOLE};
use super::log_file_rows::LogFileRow;
use crate::cache::{Cache, CacheError, Writer, ids::SourceId, write::file_part::CUT_LINE_REASON};

impl Writer {
    /// Records that log files of a source are about to be deleted at the source. Their requests stay, even if
    /// other log files get their names.
    pub fn record_purge<'n>(
        &mut self,
        uri: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<(), CacheError> {
        let source = self.source(uri)?;
        self.commit_and_reset()?;
        self.in_transaction(|transaction, root| {
            let mut row = SourceRow::find(transaction, source)?;
            row.is_purged = true;
            row.save(transaction)?;
            for name in names {
                if let Some(mut file) = LogFileRow::find(transaction, source, name)? {
                    file.kept_generation = file.generation;
                    file.save(transaction, root)?;
                }
            }
            Ok(())
        })
    }

    /// Whether the cache has everything that a log file contained: this version was read to its end, none of
    /// its requests were pruned, and all of its rejected lines are stored whole.
    pub fn has_whole_log_file(
        &self,
        source: SourceId,
        name: &str,
        version: Option<&str>,
    ) -> Result<bool, CacheError> {
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
}

impl Cache {
    /// The URIs of the sources whose log files were purged.
    pub fn purged(&self) -> Result<Vec<String>, CacheError> {
        let sources = self.consistently(SourceRow::all)?;
        Ok(sources.into_iter().filter(|source| source.is_purged).map(|source| source.uri).collect())
    }
}
