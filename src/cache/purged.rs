//! Sources whose log files were deleted by `pull --purge`: the cache may be the only copy of what they held.

use rusqlite::Connection;

use super::{Cache, CacheError, Writer};

/// Made when it is needed, so that older caches do without. By URI: it outlives what the catalogue has of a source.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS purged (uri TEXT PRIMARY KEY) STRICT, WITHOUT ROWID";

impl Writer {
    /// Notes that log files of a source are about to be deleted where they came from.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn note_purged(&mut self, uri: &str) -> Result<(), CacheError> {
        let note = || {
            self.connection.execute(TABLE, [])?;
            self.connection.execute("INSERT OR IGNORE INTO purged (uri) VALUES (?1)", [uri])
        };
        note().map(drop).map_err(|error| self.sqlite(error))
    }
}

impl Cache {
    /// The sources whose log files were deleted where they came from.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn purged(&self) -> Result<Vec<String>, CacheError> {
        self.with(uris)
    }
}

fn uris(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let is_there: bool =
        connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'purged'", [], |row| row.get(0))?;
    if !is_there {
        return Ok(Vec::new());
    }
    connection.prepare("SELECT uri FROM purged ORDER BY uri")?.query_map([], |row| row.get(0))?.collect()
}
