//! Sources whose log files were deleted by `pull --purge`: the cache may be the only copy of what they held.

use super::catalogue::SourceRow;
use super::{Cache, CacheError, Writer};

impl Writer {
    /// Notes that log files of a source are about to be deleted where they came from.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn note_purged(&mut self, uri: &str) -> Result<(), CacheError> {
        let source = self.source(uri)?;
        self.change_source(source, |row| row.is_purged = true)
    }
}

impl Cache {
    /// The sources whose log files were deleted where they came from.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn purged(&self) -> Result<Vec<String>, CacheError> {
        let sources = self.consistently(SourceRow::all)?;
        Ok(sources.into_iter().filter(|source| source.is_purged).map(|source| source.uri).collect())
    }
}
