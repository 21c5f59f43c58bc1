//! The catalogue of sources and log files. Every row that is read is compared with its checksum, and every
//! table with its digest.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{Connection, Row, params};

use super::log_file_rows::{LogFileRow, rejected_crc};
use super::root::{self, Root};
use super::segment_rows::SegmentRow;
use crate::cache::column::checksum::{self, Digest, RowChecksum};
use crate::cache::{column::Damage, error::StoreError, ids::SourceId};

/// A source in the catalogue, with sums over its log files. Times are in seconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the other names describe their fields")]
pub struct SourceInfo {
    pub id: SourceId,
    /// Identifies the source: `s3://bucket/prefix`, a path, …
    pub uri: String,
    /// Time of the first pull.
    pub added: i64,
    /// Time of the last complete pull.
    pub last_pull: Option<i64>,
    /// Whether the source is pulled when no source is named.
    pub monitored: bool,
    /// Whether the source is pulled only when it is named.
    pub paused: bool,
    /// Whether the source is paused because its monitoring was ended.
    pub removed: bool,
    /// Log files. Archives and files without log lines are in the catalogue too, but do not count.
    pub files: u64,
    /// Stored bytes of the log files that have a size; `None`: none has one, as in a log group.
    pub file_bytes: Option<u64>,
    pub lines: u64,
    pub requests: u64,
    /// Exact repeats that were dropped.
    pub duplicates: u64,
    pub rejected: u64,
    /// Bytes of its segments.
    pub cache_bytes: u64,
    /// Times of the first and the last request.
    pub oldest: Option<i64>,
    pub newest: Option<i64>,
}

/// What the catalogue has about a version of a log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFileStatus {
    /// The catalogue does not have the log file.
    New,
    /// The catalogue has another version.
    Changed,
    /// These lines of this version were read (numbered from 1, end excluded, ascending).
    InPart(Vec<Range<u64>>),
    /// This version was read to its end. So were the members of an archive that has log files.
    Whole,
    /// This version is no log file.
    NoLog,
}

/// A rejected line with its number (from 1), the source and the name of its log file, and why it is not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names describe the fields")]
pub struct Rejected {
    pub source: String,
    pub file: String,
    pub line: u64,
    pub reason: String,
    pub content: Vec<u8>,
}

impl SourceInfo {
    /// `monitored`, `paused`, or `None` for a source that was only pulled by name or whose monitoring was ended.
    pub fn state(&self) -> Option<&'static str> {
        match self {
            SourceInfo { removed: true, .. } => None,
            SourceInfo { paused: true, .. } => Some("paused"),
            SourceInfo { monitored: true, .. } => Some("monitored"),
            _ => None,
        }
    }
}

// Values of `source.paused`.
pub(in crate::cache) const PAUSED: i64 = 1;
pub(in crate::cache) const REMOVED: i64 = 2;
// Values of `log_file.state`.
pub(in crate::cache) const IN_PART: i64 = 0;
pub(in crate::cache) const WHOLE: i64 = 1;
pub(in crate::cache) const NO_LOG: i64 = 2;

/// A row of the table `source`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cache) struct SourceRow {
    pub id: SourceId,
    pub uri: String,
    pub added: i64,
    pub last_pull: Option<i64>,
    pub monitored: i64,
    pub paused: i64,
    pub next_row: i64,
    /// Whether log files were deleted at the source.
    pub is_purged: bool,
}

const SELECT_SOURCE: &str =
    "SELECT id, uri, added, last_pull, monitored, paused, next_row, purged, crc FROM source";

impl SourceRow {
    /// The rows of all sources, in the order of their ids.
    pub(crate) fn all(connection: &Connection) -> Result<Vec<SourceRow>, StoreError> {
        let read = |row: &Row<'_>| SourceRow::read(row).map(|source| (source.crc(), source));
        let (all, digest) = root::read_all(connection, &format!("{SELECT_SOURCE} ORDER BY id"), [], read)?;
        root::is_complete(digest, Root::read(connection)?.sources)?;
        Ok(all)
    }

    /// The row of a source.
    pub(crate) fn find(connection: &Connection, id: SourceId) -> Result<SourceRow, StoreError> {
        let mut statement = connection.prepare_cached(&format!("{SELECT_SOURCE} WHERE id = ?1"))?;
        let mut rows = statement.query([id])?;
        SourceRow::read(rows.next()?.ok_or(Damage("a source is missing"))?)
    }

    fn read(row: &Row<'_>) -> Result<SourceRow, StoreError> {
        let source = SourceRow {
            id: row.get(0)?,
            uri: row.get(1)?,
            added: row.get(2)?,
            last_pull: row.get(3)?,
            monitored: row.get(4)?,
            paused: row.get(5)?,
            next_row: row.get(6)?,
            is_purged: row.get::<_, i64>(7)? != 0,
        };
        checksum::verify(row.get(8)?, source.crc())?;
        Ok(source)
    }

    /// Inserts or updates the row.
    pub(crate) fn save(&self, transaction: &Connection) -> rusqlite::Result<()> {
        let SourceRow { id, uri, added, last_pull, monitored, paused, next_row, is_purged } = self;
        let crc = self.crc();
        transaction
            .prepare_cached(
                "INSERT INTO source (id, uri, added, last_pull, monitored, paused, next_row, purged, crc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (id) DO UPDATE SET uri = ?2, added = ?3, last_pull = ?4, monitored = ?5, paused = ?6,
                     next_row = ?7, purged = ?8, crc = ?9",
            )?
            .execute(params![id, uri, added, last_pull, monitored, paused, next_row, is_purged, crc])?;
        Ok(())
    }

    fn crc(&self) -> i32 {
        let row = RowChecksum::default().number(self.id.get()).bytes(self.uri.as_bytes());
        let row = row.number(self.added).optional(self.last_pull).number(self.monitored);
        row.number(self.paused).number(self.next_row).number(self.is_purged.into()).end()
    }
}

/// All sources, with the sums over their log files and segments.
pub(in crate::cache) fn sources(connection: &Connection) -> Result<Vec<SourceInfo>, StoreError> {
    let mut segments: HashMap<SourceId, Vec<SegmentRow>> = HashMap::new();
    for segment in SegmentRow::all(connection)? {
        segments.entry(segment.source).or_default().push(segment);
    }
    let mut digest = Digest::default();
    let mut sources = Vec::new();
    for source in SourceRow::all(connection)? {
        let mut info = SourceInfo {
            id: source.id,
            uri: source.uri,
            added: source.added,
            last_pull: source.last_pull,
            monitored: source.monitored != 0,
            paused: source.paused != 0,
            removed: source.paused == REMOVED,
            ..SourceInfo::default()
        };
        for file in LogFileRow::all(connection, source.id)? {
            digest.add(file.crc());
            if file.state == NO_LOG {
                // An archive, whose members are the log files, or a file without log lines.
                continue;
            }
            info.files += 1;
            if let Some(size) = file.size {
                *info.file_bytes.get_or_insert(0) += size;
            }
            info.lines += file.counts.lines;
            info.duplicates += file.counts.duplicates;
            info.rejected += file.counts.rejected;
        }
        let segments = segments.remove(&source.id).unwrap_or_default();
        info.requests = segments.iter().map(|segment| segment.rows as u64).sum();
        info.oldest = segments.iter().map(|segment| segment.time_min).min();
        info.newest = segments.iter().map(|segment| segment.time_max).max();
        info.cache_bytes = segments.iter().map(|segment| segment.bytes).sum();
        sources.push(info);
    }
    root::is_complete(digest, Root::read(connection)?.log_files)?;
    Ok(sources)
}

pub(in crate::cache) fn source_id(
    connection: &Connection,
    uri: &str,
) -> Result<Option<SourceId>, StoreError> {
    let found = SourceRow::all(connection)?.into_iter().find(|source| source.uri == uri);
    Ok(found.map(|source| source.id))
}

/// The status of a version of a log file.
pub(in crate::cache) fn log_file_status(
    connection: &Connection,
    source: Option<SourceId>,
    name: &str,
    version: Option<&str>,
) -> Result<LogFileStatus, StoreError> {
    let Some(source) = source else { return Ok(LogFileStatus::New) };
    let Some(file) = LogFileRow::find(connection, source, name)? else { return Ok(LogFileStatus::New) };
    match version.is_some() && file.version.as_deref() == version {
        true if file.state == IN_PART => Ok(LogFileStatus::InPart(parts(connection, &file)?)),
        true if file.state == NO_LOG && !has_members(connection, source, name)? => Ok(LogFileStatus::NoLog),
        true => Ok(LogFileStatus::Whole),
        false => Ok(LogFileStatus::Changed),
    }
}

/// Whether a file without lines of its own is an archive with members that are log files.
fn has_members(connection: &Connection, source: SourceId, name: &str) -> Result<bool, StoreError> {
    // The names of members begin with that of the archive and a slash. `0` is the next character.
    let sql = "SELECT EXISTS (SELECT 1 FROM log_file WHERE source_id = ?1 AND name > ?2 || '/' AND name < ?2 || '0' \
               AND state <> ?3)";
    Ok(connection.prepare_cached(sql)?.query_row((source.get(), name, NO_LOG), |row| row.get(0))?)
}

/// The committed lines of a log file, as ranges.
pub(in crate::cache) fn parts(
    connection: &Connection,
    file: &LogFileRow,
) -> Result<Vec<Range<u64>>, StoreError> {
    let sql = "SELECT first_line, lines, crc FROM log_file_part WHERE log_file_id = ?1 ORDER BY first_line";
    let (parts, digest) = root::read_all(connection, sql, [file.id], |row| {
        let (first, lines, crc): (i64, i64, i32) = (row.get(0)?, row.get(1)?, row.get(2)?);
        checksum::verify(crc, checksum::of_numbers(&[file.id, first, lines]))?;
        Ok((crc, first as u64..first.saturating_add(lines) as u64))
    })?;
    root::is_complete(digest, file.parts)?;
    Ok(parts)
}

/// Calls `each` with the stored rejected lines of one source or of all, in the order of sources, log files and lines.
pub(in crate::cache) fn rejected(
    connection: &Connection,
    source: Option<&str>,
    each: &mut dyn FnMut(Rejected),
) -> Result<(), StoreError> {
    for row in SourceRow::all(connection)? {
        if source.is_some_and(|source| source != row.uri) {
            continue;
        }
        let mut files = LogFileRow::all(connection, row.id)?;
        files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        for file in files.iter().filter(|file| file.counts.rejected > 0) {
            // Verify all lines of a file before the first call; their number is limited.
            rejected_of(connection, file, &row.uri)?.into_iter().for_each(&mut *each);
        }
    }
    Ok(())
}

/// The stored rejected lines of a log file.
pub(in crate::cache) fn rejected_of(
    connection: &Connection,
    file: &LogFileRow,
    uri: &str,
) -> Result<Vec<Rejected>, StoreError> {
    let sql = "SELECT line, number, crc, reason, content FROM rejected_line WHERE log_file_id = ?1
         ORDER BY line, number";
    let (lines, digest) = root::read_all(connection, sql, [file.id], |row| {
        let (line, number, crc): (i64, i64, i32) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (reason, content): (String, Vec<u8>) = (row.get(3)?, row.get(4)?);
        checksum::verify(crc, rejected_crc((file.id, line, number), &reason, &content))?;
        let (source, file) = (uri.to_owned(), file.name.clone());
        Ok((crc, Rejected { source, file, line: line as u64, reason, content }))
    })?;
    root::is_complete(digest, file.rejected)?;
    Ok(lines)
}
