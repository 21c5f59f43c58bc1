//! Sources whose log files were deleted by `pull --purge`: the cache may be the only copy of what they held.

use super::catalogue::SourceRow;
use super::log_files::LogFileRow;
use crate::cache::{Cache, CacheError, Writer};

impl Writer {
    /// Notes that log files of a source are about to be deleted where they came from: what they gave stays, whatever
    /// comes under their names.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn note_purged<'n>(
        &mut self,
        uri: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<(), CacheError> {
        let source = self.source(uri)?;
        self.settle()?;
        self.change(|transaction, root| {
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
    /// The sources whose log files were deleted where they came from.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn purged(&self) -> Result<Vec<String>, CacheError> {
        let sources = self.consistently(SourceRow::all)?;
        Ok(sources.into_iter().filter(|source| source.is_purged).map(|source| source.uri).collect())
    }
}
