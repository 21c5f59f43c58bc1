//! The rows of a log file in the tables `log_file` and `log_file_rows`.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::root::{self, Root};
use super::runs::{self, Run};
use crate::cache::column::checksum::{self, Digest, RowChecksum};
use crate::cache::{column::Damage, error::StoreError, ids::SourceId};

/// Counts of one version of a log file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines, empty and rejected ones included.
    pub lines: u64,
    /// Requests that no other line gave before.
    pub requests: u64,
    /// Exact repeats of requests that other lines gave.
    pub duplicates: u64,
    /// Lines that are not records.
    pub rejected: u64,
}

impl Counts {
    /// Counts repeats as requests, because the lines that gave these requests first were removed.
    pub(crate) fn adopt(&mut self, repeats: u64) {
        self.requests += repeats;
        self.duplicates = self.duplicates.saturating_sub(repeats);
    }
}

/// A row of the table `log_file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogFileRow {
    pub id: i64,
    pub source: SourceId,
    pub name: String,
    pub version: Option<String>,
    pub size: Option<u64>,
    pub state: i64,
    /// The reading that the row describes.
    pub generation: i64,
    /// The requests of readings up to this one are never removed: `pull --purge` deleted the log files at their
    /// source, and the cache may have the only copy.
    pub kept_generation: i64,
    pub counts: Counts,
    /// Requests before this time were pruned.
    pub pruned_before: Option<i64>,
    /// Digest of the rows in `log_file_part`.
    pub parts: Digest,
    /// Digest of the rows in `log_file_rows`, of all readings.
    pub rows: Digest,
    /// Digest of the rows in `rejected_line`.
    pub rejected: Digest,
    /// The stored checksum; `None` if the row is new.
    pub(super) stored_crc: Option<i32>,
}

/// The columns that [`LogFileRow::read`] expects, in order.
pub(crate) const LOG_FILE_COLUMNS: &str = "f.id, f.source_id, f.name, f.version, f.size, f.state, f.generation, f.kept_generation, f.lines, \
     f.requests, f.duplicates, f.rejected, f.pruned_before, f.parts_digest, f.rows_digest, f.rejected_digest, f.crc";

impl LogFileRow {
    /// Reads the columns [`LOG_FILE_COLUMNS`].
    pub(crate) fn read(row: &Row<'_>) -> Result<LogFileRow, StoreError> {
        let number = |index| -> rusqlite::Result<u64> { Ok(row.get::<_, i64>(index)? as u64) };
        let crc = row.get(16)?;
        let found = LogFileRow {
            id: row.get(0)?,
            source: row.get(1)?,
            name: row.get(2)?,
            version: row.get(3)?,
            size: row.get::<_, Option<i64>>(4)?.map(|size| size as u64),
            state: row.get(5)?,
            generation: row.get(6)?,
            kept_generation: row.get(7)?,
            counts: Counts {
                lines: number(8)?,
                requests: number(9)?,
                duplicates: number(10)?,
                rejected: number(11)?,
            },
            pruned_before: row.get(12)?,
            parts: Digest(row.get(13)?),
            rows: Digest(row.get(14)?),
            rejected: Digest(row.get(15)?),
            stored_crc: Some(crc),
        };
        checksum::verify(crc, found.crc())?;
        Ok(found)
    }

    /// The row of a log file; `None` if the catalogue does not have it.
    pub(crate) fn find(
        connection: &Connection,
        source: SourceId,
        name: &str,
    ) -> Result<Option<LogFileRow>, StoreError> {
        let sql = format!("SELECT {LOG_FILE_COLUMNS} FROM log_file f WHERE f.source_id = ?1 AND f.name = ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![source, name])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let found = LogFileRow::read(row)?;
        // A damaged index may lead to another row.
        match found.source == source && found.name == name {
            true => Ok(Some(found)),
            false => Err(Damage("the index leads to another log file").into()),
        }
    }

    /// The rows of all log files of a source.
    pub(crate) fn all(connection: &Connection, source: SourceId) -> Result<Vec<LogFileRow>, StoreError> {
        let sql = format!("SELECT {LOG_FILE_COLUMNS} FROM log_file f WHERE f.source_id = ?1 ORDER BY f.id");
        let read =
            |row: &Row<'_>| LogFileRow::read(row).map(|file| (file.stored_crc.unwrap_or_default(), file));
        Ok(root::read_all(connection, &sql, [source], read)?.0)
    }

    /// The checksum of the current content.
    pub(crate) fn crc(&self) -> i32 {
        let Counts { lines, requests, duplicates, rejected } = self.counts;
        let row =
            RowChecksum::default().number(self.id).number(self.source.get()).bytes(self.name.as_bytes());
        let row = match &self.version {
            None => row.number(0),
            Some(version) => row.number(1).bytes(version.as_bytes()),
        };
        let row = row.optional(self.size.map(|size| size as i64)).number(self.state);
        let row = row.number(self.generation).number(self.kept_generation);
        let counts = [lines, requests, duplicates, rejected];
        let row =
            counts.iter().fold(row, |row, count| row.number(*count as i64)).optional(self.pruned_before);
        row.number(self.parts.0).number(self.rows.0).number(self.rejected.0).end()
    }

    /// Writes the row, and updates the digest in the root.
    pub(crate) fn save(&mut self, transaction: &Connection, root: &mut Root) -> rusqlite::Result<()> {
        let crc = self.crc();
        let sql = match self.stored_crc {
            None => {
                "INSERT INTO log_file (id, source_id, name, version, size, state, generation, kept_generation, lines,
                     requests, duplicates, rejected, pruned_before, parts_digest, rows_digest, rejected_digest, crc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
            }
            Some(_) => {
                "UPDATE log_file SET source_id = ?2, name = ?3, version = ?4, size = ?5, state = ?6,
                     generation = ?7, kept_generation = ?8, lines = ?9, requests = ?10, duplicates = ?11,
                     rejected = ?12, pruned_before = ?13, parts_digest = ?14, rows_digest = ?15,
                     rejected_digest = ?16, crc = ?17
                 WHERE id = ?1"
            }
        };
        let LogFileRow { id, source, name, version, state, generation, kept_generation: kept, .. } = &*self;
        let Counts { lines, requests, duplicates, rejected } = self.counts;
        let counts = [lines, requests, duplicates, rejected].map(|count| count as i64);
        let ([lines, requests, repeats, rejected], size) = (counts, self.size.map(|size| size as i64));
        let [parts, runs, faults] = [self.parts.0, self.rows.0, self.rejected.0];
        let pruned = self.pruned_before;
        transaction.prepare_cached(sql)?.execute(params![
            id, source, name, version, size, state, generation, kept, lines, requests, repeats, rejected,
            pruned, parts, runs, faults, crc
        ])?;
        if let Some(before) = self.stored_crc.replace(crc) {
            root.log_files.remove(before);
        }
        root.log_files.add(crc);
        Ok(())
    }

    /// Deletes the row, and the rows of the log file in other tables.
    pub(crate) fn delete(&self, transaction: &Connection, root: &mut Root) -> rusqlite::Result<()> {
        for table in ["log_file_part", "log_file_rows", "rejected_line"] {
            delete_rows(transaction, table, self.id)?;
        }
        transaction.prepare_cached("DELETE FROM log_file WHERE id = ?1")?.execute([self.id])?;
        if let Some(crc) = self.stored_crc {
            root.log_files.remove(crc);
        }
        Ok(())
    }
}

/// Deletes the rows of a log file in another table.
pub(crate) fn delete_rows(transaction: &Connection, table: &str, id: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached(&format!("DELETE FROM {table} WHERE log_file_id = ?1"))?.execute([id])?;
    Ok(())
}

/// A row of the table `log_file_rows`.
#[derive(Clone, Debug)]
pub(crate) struct RunsRow {
    pub file: i64,
    pub generation: i64,
    pub part: i64,
    pub crc: i32,
    pub runs: Vec<Run>,
}

impl RunsRow {
    /// Reads the columns `log_file_id`, `generation`, `part`, `crc`, `runs`.
    pub(crate) fn read(row: &Row<'_>) -> Result<RunsRow, StoreError> {
        let (file, generation, part, crc) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let bytes = row.get_ref(4)?.as_blob().unwrap_or_default();
        checksum::verify(crc, RunsRow::crc(file, generation, part, bytes))?;
        Ok(RunsRow { file, generation, part, crc, runs: runs::decode(bytes)? })
    }

    /// All rows of a log file.
    pub(crate) fn of_file(connection: &Connection, file: &LogFileRow) -> Result<Vec<RunsRow>, StoreError> {
        let sql = "SELECT log_file_id, generation, part, crc, runs FROM log_file_rows WHERE log_file_id = ?1";
        let read = |row: &Row<'_>| RunsRow::read(row).map(|part| (part.crc, part));
        let (parts, digest) = root::read_all(connection, sql, [file.id], read)?;
        root::is_complete(digest, file.rows)?;
        Ok(parts)
    }

    fn crc(file: i64, generation: i64, part: i64, bytes: &[u8]) -> i32 {
        RowChecksum::default().number(file).number(generation).number(part).bytes(bytes).end()
    }

    /// Inserts or replaces a row. Returns its checksum.
    pub(crate) fn write(
        transaction: &Connection,
        (file, generation, part): (i64, i64, i64),
        runs: &[Run],
    ) -> rusqlite::Result<i32> {
        let bytes = runs::encode(runs);
        let crc = RunsRow::crc(file, generation, part, &bytes);
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO log_file_rows (log_file_id, generation, part, crc, runs)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![file, generation, part, crc, bytes])?;
        Ok(crc)
    }

    /// Deletes the row.
    pub(crate) fn delete(&self, transaction: &Connection) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "DELETE FROM log_file_rows WHERE log_file_id = ?1 AND generation = ?2 AND part = ?3",
            )?
            .execute([self.file, self.generation, self.part])?;
        Ok(())
    }
}

/// Checksum of a row of `rejected_line`.
pub(crate) fn rejected_crc((file, line, number): (i64, i64, i64), reason: &str, content: &[u8]) -> i32 {
    let row = RowChecksum::default().number(file).number(line).number(number);
    row.bytes(reason.as_bytes()).bytes(content).end()
}

/// The id of the next new log file.
pub(crate) fn next_id(connection: &Connection) -> rusqlite::Result<i64> {
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM log_file", [], |row| row.get(0)).optional()?.flatten();
    Ok(last.unwrap_or(0) + 1)
}
