//! The table `muted`: which findings the user does not want to see. It is created when the first row is added.
//!
//! The rows are settings of the user and no answer depends on them, so they are no part of the digests in the root, and
//! they can be changed while another process writes requests: SQLite's own locks are sufficient.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::connection::{BUSY_TIMEOUT, WRITING, open_reader};
use super::paths::OpenedPath;
use crate::cache::column::checksum::{self, RowChecksum};
use crate::cache::error::StoreError;
use crate::cache::{Cache, CacheError};

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS muted (
    id     INTEGER PRIMARY KEY,
    kind   TEXT,
    value  BLOB,
    filter TEXT,
    until  INTEGER,
    reason TEXT,
    added  INTEGER NOT NULL,
    crc    INTEGER NOT NULL
) STRICT;
";

/// A row of the table: conditions that a finding must meet to be muted, all of them. An absent condition is always met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MutedRow {
    /// The number of the row, from 1. [`mute`] ignores it.
    pub id: i64,
    /// The name of a kind of findings.
    pub kind: Option<String>,
    /// The value that a finding is about.
    pub value: Option<Vec<u8>>,
    /// A filter that all requests of a finding match.
    pub filter: Option<String>,
    /// The second from which on findings are no longer muted, since the epoch.
    pub until: Option<i64>,
    /// Why, in the words of the user.
    pub reason: Option<String>,
    /// When the row was added, in seconds since the epoch.
    pub added: i64,
}

impl MutedRow {
    fn crc(&self) -> i32 {
        let text = |row: RowChecksum, text: Option<&[u8]>| match text {
            None => row.number(0),
            Some(text) => row.number(1).bytes(text),
        };
        let row = text(RowChecksum::default().number(self.id), self.kind.as_deref().map(str::as_bytes));
        let row = text(row, self.value.as_deref());
        let row = text(row, self.filter.as_deref().map(str::as_bytes)).optional(self.until);
        text(row, self.reason.as_deref().map(str::as_bytes)).number(self.added).end()
    }

    fn read(row: &Row<'_>) -> Result<MutedRow, StoreError> {
        let found = MutedRow {
            id: row.get(0)?,
            kind: row.get(1)?,
            value: row.get(2)?,
            filter: row.get(3)?,
            until: row.get(4)?,
            reason: row.get(5)?,
            added: row.get(6)?,
        };
        checksum::verify(row.get(7)?, found.crc())?;
        Ok(found)
    }
}

/// The rows of the table, in the order of their numbers; none if there is no table.
pub(super) fn all(connection: &Connection) -> Result<Vec<MutedRow>, StoreError> {
    if !has_table(connection)? {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare("SELECT id, kind, value, filter, until, reason, added, crc FROM muted ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(MutedRow::read(row)?);
    }
    Ok(all)
}

fn has_table(connection: &Connection) -> rusqlite::Result<bool> {
    let found = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'muted'", [], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

impl Cache {
    /// What the user muted.
    pub fn muted(&self) -> Result<Vec<MutedRow>, CacheError> {
        self.consistently(|connection| {
            all(connection).map_err(|error| error.at("the table of muted findings"))
        })
    }
}

/// Adds a row to the table of an existing cache. Returns its number.
pub fn mute(path: &Path, row: &MutedRow) -> Result<i64, CacheError> {
    change(path, |connection| {
        connection.execute_batch(TABLE)?;
        let last: Option<i64> = connection.query_row("SELECT max(id) FROM muted", [], |row| row.get(0))?;
        let row = MutedRow { id: last.unwrap_or(0) + 1, ..row.clone() };
        connection.execute(
            "INSERT INTO muted (id, kind, value, filter, until, reason, added, crc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![row.id, row.kind, row.value, row.filter, row.until, row.reason, row.added, row.crc()],
        )?;
        Ok(row.id)
    })
}

/// Deletes a row by its number. Returns whether there was one.
pub fn unmute(path: &Path, id: i64) -> Result<bool, CacheError> {
    change(path, |connection| {
        Ok(has_table(connection)? && connection.execute("DELETE FROM muted WHERE id = ?1", [id])? > 0)
    })
}

fn change<T>(path: &Path, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, CacheError> {
    // A read-only connection checks the file first, so that a foreign file is not changed.
    open_reader(path)?;
    OpenedPath::new(path).require_single_name()?;
    let changed = || -> Result<T, StoreError> {
        let mut connection = Connection::open_with_flags(path, WRITING)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    };
    let done = changed().map_err(|error| error.of(path))?;
    super::journal::checkpoint(path);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Writer;
    use crate::cache::check::check;

    fn row() -> MutedRow {
        MutedRow {
            kind: Some("scraping".to_owned()),
            value: Some(b"203.0.113.7\xff".to_vec()),
            until: Some(1_800_000_000),
            reason: Some("a partner".to_owned()),
            added: 1_790_000_000,
            ..MutedRow::default()
        }
    }

    #[test]
    fn what_was_muted_is_there_until_it_is_unmuted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let writer = Writer::open(&path).unwrap();
        let cache = Cache::open(&path).unwrap();
        assert_eq!(cache.muted().unwrap(), []);
        assert!(!unmute(&path, 1).unwrap());
        // Also while another process pulls.
        assert_eq!(mute(&path, &row()).unwrap(), 1);
        let other = MutedRow { filter: Some("key:a/*".to_owned()), ..MutedRow::default() };
        assert_eq!(mute(&path, &other).unwrap(), 2);
        assert_eq!(
            cache.muted().unwrap(),
            [MutedRow { id: 1, ..row() }, MutedRow { id: 2, ..other.clone() }]
        );
        assert!(unmute(&path, 1).unwrap());
        assert_eq!(cache.muted().unwrap(), [MutedRow { id: 2, ..other }]);
        drop((writer, cache));
        assert_eq!(check(&path, 0).unwrap().findings.len(), 0);
        drop(Writer::open(&path).unwrap());
    }

    #[test]
    fn a_changed_row_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(Writer::open(&path).unwrap());
        mute(&path, &row()).unwrap();
        Connection::open(&path).unwrap().execute("UPDATE muted SET kind = 'burst'", []).unwrap();
        let error = Cache::open(&path).unwrap().muted().unwrap_err().to_string();
        assert!(error.contains("the table of muted findings"), "{error}");
        let findings = check(&path, 0).unwrap().findings;
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "muted findings");
    }
}
