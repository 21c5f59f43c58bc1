//! Purged sources: `pull --purge` deleted log files there, and the cache may have the only copy of their
//! content.

use super::catalogue::SourceRow;
use super::log_files::LogFileRow;
use crate::cache::{Cache, CacheError, Writer};

impl Writer {
    /// Records that log files of a source are about to be deleted at the source. What they gave stays,
    /// whatever other log files get their names.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn note_purged<'n>(
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
}

impl Cache {
    /// The sources with deleted log files.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn purged(&self) -> Result<Vec<String>, CacheError> {
        let sources = self.consistently(SourceRow::all)?;
        Ok(sources.into_iter().filter(|source| source.is_purged).map(|source| source.uri).collect())
    }
}
