//! Log files: their rows in the catalogue, and the state of those being read.
//!
//! A log file may change between two pulls. The first version is read in parts: the committed part stays, and
//! the next pull reads the rest. While another version is read ([`LogFileReading::earlier`]), the catalogue row
//! describes the version before. When the new version was read to its end it replaces that one
//! ([`versions`](super::versions)).

use std::sync::Arc;

use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::catalogue::{IN_PART, NO_LOG, WHOLE};
use super::root::Root;
use super::runs::{self, Run};
use crate::cache::column::Damage;
use crate::cache::column::checksum::{self, Digest, RowChecksum};
use crate::cache::error::StoreError;
use crate::cache::write::batch::{FileMark, RejectedLine};

/// Rejected lines stored per log file. Further ones are only counted, so that a file of nothing else cannot
/// fill the disk.
pub const REJECTED_LINES_KEPT: usize = 10_000;
/// Bytes of rejected lines and of their reasons stored per log file.
pub const REJECTED_BYTES_KEPT: usize = 8 << 20;

/// Counts of one version of a log file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
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
    /// Turns repeats into requests: the lines that gave these requests first are gone.
    pub fn adopt(&mut self, repeats: u64) {
        self.requests += repeats;
        self.duplicates = self.duplicates.saturating_sub(repeats);
    }
}

/// A row of the table `log_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFileRow {
    pub id: i64,
    pub source: i64,
    pub name: String,
    pub version: Option<String>,
    pub size: Option<u64>,
    pub state: i64,
    /// The reading that the row describes.
    pub generation: i64,
    /// What readings up to this one gave is never removed: `pull --purge` deleted the log files at their
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
    stored_crc: Option<i32>,
}

/// The columns that [`LogFileRow::read`] expects, in order.
pub const LOG_FILE_COLUMNS: &str = "f.id, f.source_id, f.name, f.version, f.size, f.state, f.generation, f.kept_generation, f.lines, \
     f.requests, f.duplicates, f.rejected, f.pruned_before, f.parts_digest, f.rows_digest, f.rejected_digest, f.crc";

impl LogFileRow {
    /// Reads the columns [`LOG_FILE_COLUMNS`].
    ///
    /// # Errors
    /// If the checksum does not match.
    pub fn read(row: &Row<'_>) -> Result<LogFileRow, StoreError> {
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
        checksum::is_same(crc, found.crc())?;
        Ok(found)
    }

    /// The row of a log file; `None` if the catalogue does not have it.
    pub fn find(connection: &Connection, source: i64, name: &str) -> Result<Option<LogFileRow>, StoreError> {
        let sql = format!("SELECT {LOG_FILE_COLUMNS} FROM log_file f WHERE f.source_id = ?1 AND f.name = ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![source, name])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let found = LogFileRow::read(row)?;
        // A damaged index may lead to another row.
        match found.source == source && found.name == name {
            true => Ok(Some(found)),
            false => Err(Damage("a log file is another one than was looked for").into()),
        }
    }

    /// The rows of all log files of a source.
    pub fn all(connection: &Connection, source: i64) -> Result<Vec<LogFileRow>, StoreError> {
        let sql = format!("SELECT {LOG_FILE_COLUMNS} FROM log_file f WHERE f.source_id = ?1 ORDER BY f.id");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([source])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(LogFileRow::read(row)?);
        }
        Ok(all)
    }

    /// The checksum of the current content.
    pub fn crc(&self) -> i32 {
        let Counts { lines, requests, duplicates, rejected } = self.counts;
        let row = RowChecksum::default().number(self.id).number(self.source).bytes(self.name.as_bytes());
        let row = match &self.version {
            None => row.number(0),
            Some(version) => row.number(1).bytes(version.as_bytes()),
        };
        let row = row.optional(self.size.map(|size| size as i64)).number(self.state);
        let row = row.number(self.generation).number(self.kept_generation);
        [lines, requests, duplicates, rejected]
            .iter()
            .fold(row, |row, count| row.number(*count as i64))
            .optional(self.pruned_before)
            .number(self.parts.0)
            .number(self.rows.0)
            .number(self.rejected.0)
            .end()
    }

    /// Writes the row, and updates the digest in the root.
    pub fn save(&mut self, transaction: &Connection, root: &mut Root) -> rusqlite::Result<()> {
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
        transaction.prepare_cached(sql)?.execute(params![
            self.id,
            self.source,
            self.name,
            self.version,
            self.size.map(|size| size as i64),
            self.state,
            self.generation,
            self.kept_generation,
            self.counts.lines as i64,
            self.counts.requests as i64,
            self.counts.duplicates as i64,
            self.counts.rejected as i64,
            self.pruned_before,
            self.parts.0,
            self.rows.0,
            self.rejected.0,
            crc
        ])?;
        if let Some(before) = self.stored_crc.replace(crc) {
            root.log_files.remove(before);
        }
        root.log_files.add(crc);
        Ok(())
    }

    /// Deletes the row, and the rows of the log file in other tables.
    pub fn delete(&self, transaction: &Connection, root: &mut Root) -> rusqlite::Result<()> {
        for table in ["log_file_part", "log_file_rows", "rejected_line"] {
            forget(transaction, table, self.id)?;
        }
        transaction.prepare_cached("DELETE FROM log_file WHERE id = ?1")?.execute([self.id])?;
        if let Some(crc) = self.stored_crc {
            root.log_files.remove(crc);
        }
        Ok(())
    }
}

/// Deletes the rows of a log file in another table.
fn forget(transaction: &Connection, table: &str, id: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached(&format!("DELETE FROM {table} WHERE log_file_id = ?1"))?.execute([id])?;
    Ok(())
}

/// A row of the table `log_file_rows`.
#[derive(Clone, Debug)]
pub struct RunsRow {
    pub file: i64,
    pub generation: i64,
    pub part: i64,
    pub crc: i32,
    pub runs: Vec<Run>,
}

impl RunsRow {
    /// Reads the columns `log_file_id`, `generation`, `part`, `crc`, `runs`.
    pub fn read(row: &Row<'_>) -> Result<RunsRow, StoreError> {
        let (file, generation, part, crc) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let bytes = row.get_ref(4)?.as_blob().unwrap_or_default();
        checksum::is_same(crc, RunsRow::crc(file, generation, part, bytes))?;
        Ok(RunsRow { file, generation, part, crc, runs: runs::decode(bytes)? })
    }

    /// All rows of a log file.
    pub fn of_file(connection: &Connection, file: &LogFileRow) -> Result<Vec<RunsRow>, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT log_file_id, generation, part, crc, runs FROM log_file_rows WHERE log_file_id = ?1",
        )?;
        let mut rows = statement.query([file.id])?;
        let (mut parts, mut digest) = (Vec::new(), Digest::default());
        while let Some(row) = rows.next()? {
            let part = RunsRow::read(row)?;
            digest.add(part.crc);
            parts.push(part);
        }
        crate::cache::sqlite::root::is_complete(digest, file.rows)?;
        Ok(parts)
    }

    fn crc(file: i64, generation: i64, part: i64, bytes: &[u8]) -> i32 {
        RowChecksum::default().number(file).number(generation).number(part).bytes(bytes).end()
    }

    /// Inserts or replaces a row. Returns its checksum.
    pub fn write(
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
    pub fn delete(&self, transaction: &Connection) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "DELETE FROM log_file_rows WHERE log_file_id = ?1 AND generation = ?2 AND part = ?3",
            )?
            .execute([self.file, self.generation, self.part])?;
        Ok(())
    }
}

/// Row numbers of the requests that earlier readings gave.
#[derive(Debug, Default)]
pub struct EarlierReadings {
    /// Requests that this file gave first.
    owned: RoaringTreemap,
    /// Requests that other lines had given before.
    repeats: RoaringTreemap,
    /// Requests that the current reading has given so far.
    taken: RoaringTreemap,
}

/// The state of a log file that is being read: committed parts and those of the next commit.
#[derive(Debug)]
pub struct LogFileReading {
    pub mark: Arc<FileMark>,
    /// The committed row in the catalogue.
    pub row: Option<LogFileRow>,
    /// The number of the current reading.
    pub generation: i64,
    /// The number of the next row in `log_file_rows`.
    next_part: i64,
    pub counts: Counts,
    /// Number of lines of the file, once known.
    pub total_lines: Option<u64>,
    /// Whether the file has no log lines.
    pub no_log: bool,
    /// Whether the content is damaged, so that this reading does not count.
    pub is_damaged: bool,
    /// Whether there are uncommitted changes.
    pub is_dirty: bool,
    new_parts: Vec<(u64, u64)>,
    new_runs: Vec<Run>,
    new_rejected: Vec<RejectedLine>,
    /// Number and bytes of the stored rejected lines.
    kept: (usize, usize),
    /// Digest of the rows of the current reading in `log_file_rows`.
    rows: Digest,
    /// Digest of the rows of purged readings in `log_file_rows`.
    kept_rows: Digest,
    /// Present if earlier readings gave requests: this version replaces another.
    earlier: Option<EarlierReadings>,
}

impl LogFileReading {
    /// Begins or continues the reading of a version of a log file.
    ///
    /// # Errors
    /// If the rows of the log file are damaged.
    pub fn load(
        connection: &Connection,
        source: i64,
        mark: &Arc<FileMark>,
    ) -> Result<LogFileReading, StoreError> {
        let row = LogFileRow::find(connection, source, &mark.name)?;
        let mut state = LogFileReading {
            mark: mark.clone(),
            row: None,
            generation: 1,
            next_part: 0,
            counts: Counts::default(),
            total_lines: None,
            no_log: false,
            is_damaged: false,
            is_dirty: false,
            new_parts: Vec::new(),
            new_runs: Vec::new(),
            new_rejected: Vec::new(),
            kept: (0, 0),
            rows: Digest::default(),
            kept_rows: Digest::default(),
            earlier: None,
        };
        let Some(row) = row else { return Ok(state) };
        let (mut parts, mut kept) = (RunsRow::of_file(connection, &row)?, Vec::new());
        if row.kept_generation > 0 {
            (kept, parts) = parts.into_iter().partition(|part| part.generation <= row.kept_generation);
        }
        kept.iter().for_each(|part| state.kept_rows.add(part.crc));
        if row.state == IN_PART && row.version.is_some() && row.version == mark.version {
            state.generation = row.generation;
            state.counts = row.counts;
            state.next_part = parts
                .iter()
                .filter(|part| part.generation == row.generation)
                .map(|part| part.part + 1)
                .max()
                .unwrap_or(0);
            state.kept = connection
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(length(content) + length(reason)), 0) FROM rejected_line
                     WHERE log_file_id = ?1",
                )?
                .query_row([row.id], |found| {
                    Ok((found.get::<_, i64>(0)? as usize, found.get::<_, i64>(1)? as usize))
                })?;
            parts
                .iter()
                .filter(|part| part.generation == row.generation)
                .for_each(|part| state.rows.add(part.crc));
        } else {
            let mut earlier = EarlierReadings::default();
            for run in parts.iter().flat_map(|part| &part.runs) {
                let set = if run.is_repeat { &mut earlier.repeats } else { &mut earlier.owned };
                set.insert_range(run.row..run.row + run.rows);
            }
            let last = parts.iter().chain(&kept).map(|part| part.generation).max().unwrap_or(0);
            state.generation = last.max(row.generation) + 1;
            state.earlier = Some(earlier);
        }
        state.row = Some(row);
        Ok(state)
    }

    /// Requests before this time were pruned, and must not be added again.
    pub fn pruned_before(&self) -> Option<i64> {
        self.row.as_ref().and_then(|row| row.pruned_before)
    }

    /// Whether lines of this version are still to be read.
    pub fn is_in_part(&self) -> bool {
        !self.no_log && self.total_lines.is_none_or(|total| self.counts.lines < total)
    }

    /// Whether this version was read to its end and lacks requests that earlier readings gave.
    pub fn removes_requests(&self) -> bool {
        !self.is_in_part()
            && self.earlier.as_ref().is_some_and(|EarlierReadings { owned, repeats, taken }| {
                !owned.is_subset(taken) || !repeats.is_subset(taken)
            })
    }

    /// Whether earlier readings gave requests.
    pub fn has_earlier(&self) -> bool {
        self.earlier.is_some()
    }

    /// Whether nothing is left to be done, so that the state need not stay in memory.
    pub fn is_done(&self) -> bool {
        !self.is_dirty && !self.is_damaged && !self.is_in_part() && !self.removes_requests()
    }

    /// Records that lines were read.
    pub fn add_lines(&mut self, first_line: u64, lines: u64, total_lines: Option<u64>) {
        self.counts.lines += lines;
        self.total_lines = self.total_lines.or(total_lines);
        if lines > 0 && self.earlier.is_none() {
            self.new_parts.push((first_line, lines));
        }
        self.is_dirty = true;
    }

    /// Records lines that are not records.
    pub fn add_rejected(&mut self, rejected: Vec<RejectedLine>) {
        self.counts.rejected += rejected.len() as u64;
        for line in rejected {
            let bytes = line.content.len() + line.reason.len();
            if self.kept.0 < REJECTED_LINES_KEPT && self.kept.1 + bytes <= REJECTED_BYTES_KEPT {
                self.kept = (self.kept.0 + 1, self.kept.1 + bytes);
                self.new_rejected.push(line);
            }
        }
    }

    /// Records that consecutive lines gave new requests.
    pub fn add_requests(&mut self, line: u64, row: u64, rows: u64) {
        self.counts.requests += rows;
        if let Some(earlier) = &mut self.earlier {
            earlier.taken.insert_range(row..row + rows);
        }
        runs::push(&mut self.new_runs, Run { line, row, rows, is_repeat: false });
    }

    /// Records that a line gave a request that the cache has already. Returns whether it is a repeat that was
    /// not counted before.
    pub fn add_repeat(&mut self, line: u64, row: u64) -> bool {
        let (mut is_repeat, mut is_new) = (true, true);
        if let Some(EarlierReadings { owned, repeats, taken }) = &mut self.earlier {
            is_repeat = !taken.insert(row) || !owned.contains(row);
            is_new = !repeats.contains(row);
        }
        match is_repeat {
            true => self.counts.duplicates += 1,
            false => self.counts.requests += 1,
        }
        runs::push(&mut self.new_runs, Run { line, row, rows: 1, is_repeat });
        is_repeat && is_new
    }

    /// Writes the changes within a transaction. After its commit the caller calls [`LogFileReading::settle`].
    /// `next_id` is the id of the next new log file.
    pub fn write(
        &self,
        transaction: &Transaction<'_>,
        source: i64,
        root: &mut Root,
        next_id: &mut i64,
    ) -> rusqlite::Result<Written> {
        let mut row = self.row.clone().unwrap_or_else(|| {
            *next_id += 1;
            LogFileRow {
                id: *next_id - 1,
                source,
                name: self.mark.name.clone(),
                version: None,
                size: None,
                state: IN_PART,
                generation: self.generation,
                kept_generation: 0,
                counts: Counts::default(),
                pruned_before: None,
                parts: Digest::default(),
                rows: Digest::default(),
                rejected: Digest::default(),
                stored_crc: None,
            }
        });
        let mut rows = self.rows;
        if !self.new_runs.is_empty() {
            let crc = RunsRow::write(transaction, (row.id, self.generation, self.next_part), &self.new_runs)?;
            rows.add(crc);
            row.rows.add(crc);
        }
        let replaces = self.earlier.is_some() && !self.is_in_part() && !self.removes_requests();
        if replaces {
            let mut all = self.kept_rows;
            all.0 = all.0.wrapping_add(rows.0);
            self.replace(transaction, &mut row, all)?;
        } else if self.earlier.is_none() {
            self.fill_row(&mut row);
            self.write_parts(transaction, &mut row)?;
            self.write_rejected(transaction, &mut row)?;
        }
        row.save(transaction, root)?;
        Ok(Written { row, rows, replaces })
    }

    /// Records that the changes are committed.
    pub fn mark_committed(&mut self, written: Written) {
        let Written { row, rows, replaces } = written;
        self.row = Some(row);
        self.rows = rows;
        self.next_part += i64::from(!self.new_runs.is_empty());
        self.new_runs.clear();
        self.new_parts.clear();
        if replaces {
            self.earlier = None;
        }
        if self.earlier.is_none() {
            self.new_rejected.clear();
        }
        self.is_dirty = false;
    }

    /// Makes this version, read to its end, replace the one before. Of the rows in `log_file_rows` those of
    /// this reading and of purged ones remain; `rows` is their digest. The caller saves `row`.
    pub fn replace(
        &self,
        transaction: &Connection,
        row: &mut LogFileRow,
        rows: Digest,
    ) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "DELETE FROM log_file_rows WHERE log_file_id = ?1 AND generation <> ?2 AND generation > ?3",
            )?
            .execute([row.id, self.generation, row.kept_generation])?;
        for table in ["log_file_part", "rejected_line"] {
            forget(transaction, table, row.id)?;
        }
        row.rows = rows;
        (row.parts, row.rejected) = (Digest::default(), Digest::default());
        self.fill_row(row);
        self.write_rejected(transaction, row)
    }

    /// Copies what the catalogue says of this version to its row.
    fn fill_row(&self, row: &mut LogFileRow) {
        row.version.clone_from(&self.mark.version);
        row.size = self.mark.size;
        row.generation = self.generation;
        row.counts = self.counts;
        row.state = match (self.no_log, self.is_in_part()) {
            (true, _) => NO_LOG,
            (false, true) => IN_PART,
            (false, false) => WHOLE,
        };
    }

    fn write_parts(&self, transaction: &Connection, row: &mut LogFileRow) -> rusqlite::Result<()> {
        if !self.is_in_part() {
            if row.parts != Digest::default() {
                forget(transaction, "log_file_part", row.id)?;
                row.parts = Digest::default();
            }
            return Ok(());
        }
        let mut insert = transaction.prepare_cached(
            "INSERT INTO log_file_part (log_file_id, first_line, lines, crc) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for &(first, lines) in &self.new_parts {
            let (first, lines) = (first as i64, lines as i64);
            let crc = checksum::of_numbers(&[row.id, first, lines]);
            insert.execute(params![row.id, first, lines, crc])?;
            row.parts.add(crc);
        }
        Ok(())
    }

    fn write_rejected(&self, transaction: &Connection, row: &mut LogFileRow) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO rejected_line (log_file_id, line, number, crc, reason, content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut before = (0, -1);
        for rejected in &self.new_rejected {
            // Rejected records of one line follow each other.
            let number = if before.0 == rejected.line { before.1 + 1 } else { 0 };
            before = (rejected.line, number);
            let line = rejected.line as i64;
            let crc = rejected_crc((row.id, line, number), &rejected.reason, &rejected.content);
            insert.execute(params![row.id, line, number, crc, rejected.reason, rejected.content])?;
            row.rejected.add(crc);
        }
        Ok(())
    }
}

/// What a transaction wrote of a log file.
#[derive(Debug)]
pub struct Written {
    row: LogFileRow,
    /// Digest of the rows of the current reading in `log_file_rows`.
    rows: Digest,
    /// Whether this version replaced another.
    replaces: bool,
}

/// Checksum of a row of `rejected_line`.
pub fn rejected_crc((file, line, number): (i64, i64, i64), reason: &str, content: &[u8]) -> i32 {
    let row = RowChecksum::default().number(file).number(line).number(number);
    row.bytes(reason.as_bytes()).bytes(content).end()
}

/// The id of the next new log file.
pub fn next_id(connection: &Connection) -> rusqlite::Result<i64> {
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM log_file", [], |row| row.get(0)).optional()?.flatten();
    Ok(last.unwrap_or(0) + 1)
}
