//! Log files that are being read: their uncommitted changes, and how these are written.
//!
//! A log file may change between two pulls. The first version is read in parts: the committed part stays, and the next
//! pull reads the rest. While another version is read ([`LogFileReading::earlier`]), the catalogue row describes the
//! previous version. When the new version was read to its end, it replaces the previous one ([`versions`](super::versions)).

use std::sync::Arc;

use roaring::RoaringTreemap;
use rusqlite::{Connection, Transaction, params};

use super::catalogue::{IN_PART, NO_LOG, WHOLE};
use super::log_file_rows::{Counts, LogFileRow, RunsRow, delete_rows, rejected_crc};
use super::root::Root;
use super::runs::{self, Run};
use crate::cache::column::checksum::{self, Digest};
use crate::cache::write::file_part::{FileMark, RejectedLine};
use crate::cache::{error::StoreError, ids::SourceId};

/// Rejected lines stored per log file. Further ones are only counted, so that a file with nothing but rejected
/// lines cannot fill the disk.
pub(crate) const MAX_STORED_REJECTED_LINES: usize = 10_000;
/// Bytes of rejected lines and of their reasons stored per log file.
pub(crate) const MAX_STORED_REJECTED_BYTES: usize = 8 << 20;

/// Row numbers of the requests that earlier readings gave.
#[derive(Debug, Default)]
pub(crate) struct EarlierReadings {
    /// Requests that belong to this file.
    owned: RoaringTreemap,
    /// Requests that other lines had given before.
    repeats: RoaringTreemap,
    /// Requests that the current reading has given so far.
    given: RoaringTreemap,
}

/// The state of a log file that is being read: committed parts and those of the next commit.
#[derive(Debug, Default)]
pub(crate) struct LogFileReading {
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
    pub has_no_log: bool,
    /// Whether the content is damaged, so that this reading does not count.
    pub is_damaged: bool,
    /// Whether there are uncommitted changes.
    pub is_dirty: bool,
    new_parts: Vec<(u64, u64)>,
    new_runs: Vec<Run>,
    new_rejected: Vec<RejectedLine>,
    /// Number and bytes of the stored rejected lines.
    stored_rejected: (usize, usize),
    /// Digest of the rows of the current reading in `log_file_rows`.
    rows: Digest,
    /// Digest of the rows of purged readings in `log_file_rows`.
    purged_rows: Digest,
    /// Present if earlier readings gave requests: this version replaces another.
    pub earlier: Option<EarlierReadings>,
}

impl LogFileReading {
    /// Begins or continues the reading of a version of a log file.
    pub(crate) fn load(
        connection: &Connection,
        source: SourceId,
        mark: &Arc<FileMark>,
    ) -> Result<LogFileReading, StoreError> {
        let row = LogFileRow::find(connection, source, &mark.name)?;
        let mut reading = LogFileReading { mark: mark.clone(), generation: 1, ..LogFileReading::default() };
        let Some(row) = row else { return Ok(reading) };
        let (mut parts, mut purged) = (RunsRow::of_file(connection, &row)?, Vec::new());
        if row.kept_generation > 0 {
            (purged, parts) = parts.into_iter().partition(|part| part.generation <= row.kept_generation);
        }
        purged.iter().for_each(|part| reading.purged_rows.add(part.crc));
        if row.state == IN_PART && row.version.is_some() && row.version == mark.version {
            reading.generation = row.generation;
            reading.counts = row.counts;
            let parts = parts.iter().filter(|part| part.generation == row.generation);
            reading.next_part = parts.clone().map(|part| part.part + 1).max().unwrap_or(0);
            parts.for_each(|part| reading.rows.add(part.crc));
            reading.stored_rejected = connection
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(length(content) + length(reason)), 0) FROM rejected_line
                     WHERE log_file_id = ?1",
                )?
                .query_row([row.id], |found| {
                    Ok((found.get::<_, i64>(0)? as usize, found.get::<_, i64>(1)? as usize))
                })?;
        } else {
            let mut earlier = EarlierReadings::default();
            for run in parts.iter().flat_map(|part| &part.runs) {
                let set = if run.is_repeat { &mut earlier.repeats } else { &mut earlier.owned };
                set.insert_range(run.row..run.row + run.rows);
            }
            let last = parts.iter().chain(&purged).map(|part| part.generation).max().unwrap_or(0);
            reading.generation = last.max(row.generation) + 1;
            reading.earlier = Some(earlier);
        }
        reading.row = Some(row);
        Ok(reading)
    }

    /// Requests before this time were pruned, and must not be added again.
    pub(crate) fn pruned_before(&self) -> Option<i64> {
        self.row.as_ref().and_then(|row| row.pruned_before)
    }

    /// Whether lines of this version are still to be read.
    pub(crate) fn is_in_part(&self) -> bool {
        !self.has_no_log && self.total_lines.is_none_or(|total| self.counts.lines < total)
    }

    /// Whether this version was read to its end and lacks requests that earlier readings gave.
    pub(crate) fn removes_requests(&self) -> bool {
        !self.is_in_part()
            && self.earlier.as_ref().is_some_and(|EarlierReadings { owned, repeats, given }| {
                !owned.is_subset(given) || !repeats.is_subset(given)
            })
    }

    /// Whether nothing remains to be read or written, so that the state need not stay in memory.
    pub(crate) fn is_done(&self) -> bool {
        !self.is_dirty && !self.is_damaged && !self.is_in_part() && !self.removes_requests()
    }

    /// Records that lines were read.
    pub(crate) fn add_lines(&mut self, first_line: u64, lines: u64, total_lines: Option<u64>) {
        self.counts.lines += lines;
        self.total_lines = self.total_lines.or(total_lines);
        if lines > 0 && self.earlier.is_none() {
            self.new_parts.push((first_line, lines));
        }
        self.is_dirty = true;
    }

    /// Records lines that are not records.
    pub(crate) fn add_rejected(&mut self, rejected: Vec<RejectedLine>) {
        self.counts.rejected += rejected.len() as u64;
        for line in rejected {
            let bytes = line.content.len() + line.reason.len();
            if self.stored_rejected.0 < MAX_STORED_REJECTED_LINES
                && self.stored_rejected.1 + bytes <= MAX_STORED_REJECTED_BYTES
            {
                self.stored_rejected = (self.stored_rejected.0 + 1, self.stored_rejected.1 + bytes);
                self.new_rejected.push(line);
            }
        }
    }

    /// Records that consecutive lines gave new requests.
    pub(crate) fn add_requests(&mut self, line: u64, row: u64, rows: u64) {
        self.counts.requests += rows;
        if let Some(earlier) = &mut self.earlier {
            earlier.given.insert_range(row..row + rows);
        }
        runs::push(&mut self.new_runs, Run { line, row, rows, is_repeat: false });
    }

    /// Records that a line repeats a request of the cache. Returns whether this repeat was not counted
    /// before.
    pub(crate) fn add_repeat(&mut self, line: u64, row: u64) -> bool {
        let (mut is_repeat, mut is_new) = (true, true);
        if let Some(EarlierReadings { owned, repeats, given }) = &mut self.earlier {
            is_repeat = !given.insert(row) || !owned.contains(row);
            is_new = !repeats.contains(row);
        }
        match is_repeat {
            true => self.counts.duplicates += 1,
            false => self.counts.requests += 1,
        }
        runs::push(&mut self.new_runs, Run { line, row, rows: 1, is_repeat });
        is_repeat && is_new
    }

    /// Writes the changes within a transaction. After its commit the caller calls [`LogFileReading::mark_committed`].
    /// `next_id` is the id of the next new log file.
    pub(crate) fn write(
        &self,
        transaction: &Transaction<'_>,
        source: SourceId,
        root: &mut Root,
        next_id: &mut i64,
    ) -> rusqlite::Result<Written> {
        let mut row = self.row.clone().unwrap_or_else(|| {
            *next_id += 1;
            LogFileRow {
                id: *next_id - 1,
                source,
                name: self.mark.name.clone(),
                state: IN_PART,
                generation: self.generation,
                ..LogFileRow::default()
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
            let mut all = self.purged_rows;
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
    pub(crate) fn mark_committed(&mut self, written: Written) {
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

    /// Replaces the previous version with this one, which was read to its end. Of the rows in `log_file_rows`, those
    /// of this reading and of purged readings remain; `rows` is their digest. The caller saves `row`.
    pub(crate) fn replace(
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
            delete_rows(transaction, table, row.id)?;
        }
        row.rows = rows;
        (row.parts, row.rejected) = (Digest::default(), Digest::default());
        self.fill_row(row);
        self.write_rejected(transaction, row)
    }

    /// Copies the state of this version to its row in the catalogue.
    fn fill_row(&self, row: &mut LogFileRow) {
        row.version.clone_from(&self.mark.version);
        row.size = self.mark.size;
        row.generation = self.generation;
        row.counts = self.counts;
        row.state = match (self.has_no_log, self.is_in_part()) {
            (true, _) => NO_LOG,
            (false, true) => IN_PART,
            (false, false) => WHOLE,
        };
    }

    fn write_parts(&self, transaction: &Connection, row: &mut LogFileRow) -> rusqlite::Result<()> {
        if !self.is_in_part() {
            if row.parts != Digest::default() {
                delete_rows(transaction, "log_file_part", row.id)?;
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
        let mut previous = (0, -1);
        for rejected in &self.new_rejected {
            // The rejected records of one line are consecutive.
            let number = if previous.0 == rejected.line { previous.1 + 1 } else { 0 };
            previous = (rejected.line, number);
            let line = rejected.line as i64;
            let crc = rejected_crc((row.id, line, number), &rejected.reason, &rejected.content);
            insert.execute(params![row.id, line, number, crc, rejected.reason, rejected.content])?;
            row.rejected.add(crc);
        }
        Ok(())
    }
}

/// What a transaction wrote about a log file.
#[derive(Debug)]
pub(crate) struct Written {
    row: LogFileRow,
    /// Digest of the rows of the current reading in `log_file_rows`.
    rows: Digest,
    /// Whether this version replaced another.
    replaces: bool,
}
