//! What has become of each log file, between two commits and in the catalogue.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::batch::{FileMark, RejectedLine};
use super::catalogue::{IN_PART, IN_PART_PRUNED, NO_LOG, PRUNED, WHOLE};

/// What has become of a log file since the last commit, and before.
#[derive(Default)]
pub struct FileState {
    pub mark: Option<Arc<FileMark>>,
    /// Its row in the catalogue, if that has one.
    pub id: Option<i64>,
    /// Another version of it is in the catalogue: what that says is void.
    pub replaces: bool,
    pub lines: u64,
    pub requests: u64,
    pub duplicates: u64,
    pub rejected: u64,
    pub total_lines: Option<u64>,
    pub new_parts: Vec<(u64, u64)>,
    pub new_rejected: Vec<RejectedLine>,
    pub no_log: bool,
    pub dirty: bool,
    /// Some of what it gave may have been pruned.
    pub is_pruned: bool,
    /// What an earlier version of it gave and this one has not given again yet.
    before: Before,
}

/// What a version of a log file gave that another takes the place of. A file that grows is read from its
/// beginning again: what it gave before is no repeat then.
#[derive(Clone, Copy, Default)]
struct Before {
    size: Option<u64>,
    requests: u64,
    duplicates: u64,
}

/// What rows of a log file are that the cache has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// This file gave them before, when it was shorter.
    pub reread: u64,
    /// Exact repeats that were told then.
    pub told: u64,
    /// Exact repeats.
    pub new: u64,
}

impl FileState {
    /// As the catalogue says it.
    pub fn state(&self) -> i64 {
        let is_whole = self.total_lines.is_some_and(|total| self.lines >= total);
        match (self.no_log, is_whole, self.is_pruned) {
            (true, ..) => NO_LOG,
            (false, true, false) => WHOLE,
            (false, true, true) => PRUNED,
            (false, false, false) => IN_PART,
            (false, false, true) => IN_PART_PRUNED,
        }
    }

    /// Whether lines of it are still to come.
    pub fn is_in_part(&self) -> bool {
        matches!(self.state(), IN_PART | IN_PART_PRUNED)
    }

    /// Another version is read from its beginning, in place of this one of that size.
    pub fn replaced(&self, size: Option<u64>) -> FileState {
        let Before { requests, duplicates, .. } = self.before;
        let before =
            Before { size, requests: self.requests + requests, duplicates: self.duplicates + duplicates };
        FileState { id: self.id, replaces: true, before, ..FileState::default() }
    }

    /// Whether this version is what another was, and more.
    fn has_grown(&self) -> bool {
        let size = self.mark.as_ref().and_then(|mark| mark.size);
        self.before.size.zip(size).is_some_and(|(before, now)| now >= before)
    }

    /// Whether a version that has grown is being read in place of another, and is not read to its end. Until
    /// then the catalogue keeps what both gave: whoever is killed here reads it from its beginning again, and
    /// needs to know what is no repeat.
    fn is_reread(&self) -> bool {
        self.has_grown() && self.is_in_part()
    }

    /// Takes up some rows, of which some are in the cache already, and tells what those are.
    pub fn take(&mut self, rows: u64, repeated: u64) -> Repeated {
        let Before { requests, duplicates, .. } =
            if self.has_grown() { self.before } else { Before::default() };
        let reread = repeated.min(requests);
        let told = (repeated - reread).min(duplicates);
        self.before.requests -= reread;
        self.before.duplicates -= told;
        self.requests += rows - repeated + reread;
        self.duplicates += repeated - reread;
        Repeated { reread, told, new: repeated - reread - told }
    }
}

/// Writes what is new of a log file, and gives its number in the catalogue.
pub fn write_file(
    transaction: &Transaction<'_>,
    source: i64,
    name: &str,
    file: &FileState,
) -> rusqlite::Result<i64> {
    let is_reread = file.is_reread();
    let mark = file.mark.as_ref();
    // What has no version is read from its beginning next time: lines noted as read would not tell which of
    // the rest the file gave before.
    let version = if is_reread { None } else { mark.and_then(|mark| mark.version.as_deref()) };
    let size = if is_reread { file.before.size } else { mark.and_then(|mark| mark.size) };
    let given = if is_reread { file.before } else { Before::default() };
    let id: i64 = transaction
        .prepare_cached(
            "INSERT INTO log_file
                (id, source_id, name, version, size, state, lines, requests, duplicates, rejected)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET version = excluded.version, size = excluded.size,
                state = excluded.state, lines = excluded.lines, requests = excluded.requests,
                duplicates = excluded.duplicates, rejected = excluded.rejected
             RETURNING id",
        )?
        .query_row(
            params![
                file.id,
                source,
                name,
                version,
                size.map(|size| size as i64),
                file.state(),
                file.lines as i64,
                (file.requests + given.requests) as i64,
                (file.duplicates + given.duplicates) as i64,
                file.rejected as i64
            ],
            |row| row.get(0),
        )?;
    let forget = |table: &str| -> rusqlite::Result<()> {
        transaction.prepare_cached(&format!("DELETE FROM {table} WHERE log_file_id = ?1"))?.execute([id])?;
        Ok(())
    };
    if file.id.is_some() && (file.replaces || !file.is_in_part()) {
        forget("log_file_part")?;
    }
    if file.replaces {
        forget("rejected_line")?;
    }
    if file.is_in_part() && !is_reread {
        let mut insert = transaction.prepare_cached(
            "INSERT OR REPLACE INTO log_file_part (log_file_id, first_line, lines) VALUES (?1, ?2, ?3)",
        )?;
        for (first, lines) in &file.new_parts {
            insert.execute(params![id, *first as i64, *lines as i64])?;
        }
    }
    if !file.new_rejected.is_empty() {
        let mut insert = transaction.prepare_cached(
            "INSERT OR REPLACE INTO rejected_line (log_file_id, line, reason, content) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for rejected in &file.new_rejected {
            insert.execute(params![id, rejected.line as i64, rejected.reason, rejected.content])?;
        }
    }
    Ok(id)
}

/// What the catalogue knows of a log file: nothing, a part of this version, or another version.
pub fn load_file(connection: &Connection, source: i64, mark: &FileMark) -> rusqlite::Result<FileState> {
    let found = connection
        .prepare_cached(
            "SELECT id, version, state, lines, requests, duplicates, rejected, size FROM log_file
             WHERE source_id = ?1 AND name = ?2",
        )?
        .query_row(params![source, mark.name], |row| {
            let number = |index| -> rusqlite::Result<u64> { Ok(row.get::<_, i64>(index)? as u64) };
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, i64>(2)?,
                [number(3)?, number(4)?, number(5)?, number(6)?],
                row.get::<_, Option<i64>>(7)?.map(|size| size as u64),
            ))
        })
        .optional()?;
    Ok(match found {
        None => FileState::default(),
        Some((id, version, state, [lines, requests, duplicates, rejected], size)) => {
            let is_pruned = state == IN_PART_PRUNED;
            let known = FileState {
                id: Some(id),
                lines,
                requests,
                duplicates,
                rejected,
                is_pruned,
                ..FileState::default()
            };
            let goes_on =
                matches!(state, IN_PART | IN_PART_PRUNED) && version.is_some() && version == mark.version;
            if goes_on { known } else { known.replaced(size) }
        }
    })
}
