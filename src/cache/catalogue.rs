//! What the cache knows of sources and log files: plain questions to plain tables.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

/// A source in the catalogue, with sums over its log files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its number.
    pub id: i64,
    /// Its name: `s3://bucket/prefix`, a path, …
    pub uri: String,
    /// When it was first pulled, seconds since the epoch.
    pub added: i64,
    /// When it was last pulled wholly.
    pub last_pull: Option<i64>,
    /// Whether it is pulled when no source is named.
    pub monitored: bool,
    /// Whether pulling it is suspended: it is pulled only if it is named.
    pub paused: bool,
    /// Whether it is so because monitoring it was given up.
    pub removed: bool,
    /// Log files read.
    pub files: u64,
    /// Stored bytes of them, where known.
    pub file_bytes: u64,
    /// Lines in them.
    pub lines: u64,
    /// Requests in the cache.
    pub requests: u64,
    /// Exact repeats dropped.
    pub duplicates: u64,
    /// Lines that are no record.
    pub rejected: u64,
    /// Bytes that its segments take in the cache.
    pub cache_bytes: u64,
    /// Time of the first request.
    pub oldest: Option<i64>,
    /// Time of the last request.
    pub newest: Option<i64>,
}

/// What the catalogue knows of a log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing, or only another version of it.
    New,
    /// These lines (from 1, end excluded, ascending) are in the cache already.
    InPart(Vec<Range<u64>>),
    /// It was read wholly: nothing to do.
    Whole,
}

/// A line that is no record, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The source of its log file.
    pub source: String,
    /// Name of its log file.
    pub file: String,
    /// Its number, from 1.
    pub line: u64,
    /// Why it is no record.
    pub reason: String,
    /// Byte for byte.
    pub content: Vec<u8>,
}

impl SourceInfo {
    /// `monitored`, `paused`, or nothing: it was only ever pulled by name, or was removed.
    pub fn state(&self) -> Option<&'static str> {
        match self {
            SourceInfo { removed: true, .. } => None,
            SourceInfo { paused: true, .. } => Some("paused"),
            SourceInfo { monitored: true, .. } => Some("monitored"),
            _ => None,
        }
    }
}

/// Values of `source.paused`.
pub(super) const PAUSED: i64 = 1;
pub(super) const REMOVED: i64 = 2;

/// Values of `log_file.state`.
pub(super) const IN_PART: i64 = 0;
pub(super) const WHOLE: i64 = 1;
pub(super) const NO_LOG: i64 = 2;
pub(super) const PRUNED: i64 = 3;
pub(super) const IN_PART_PRUNED: i64 = 4;

pub(super) fn sources(connection: &Connection) -> rusqlite::Result<Vec<SourceInfo>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.id, s.uri, s.added, s.last_pull, s.monitored, s.paused,
                f.files, f.size, f.lines, f.duplicates, f.rejected,
                g.rows, g.time_min, g.time_max
         FROM source s
         LEFT JOIN (SELECT source_id, count(*) files, sum(size) size, sum(lines) lines,
                           sum(duplicates) duplicates, sum(rejected) rejected
                    FROM log_file GROUP BY source_id) f ON f.source_id = s.id
         LEFT JOIN (SELECT source_id, sum(rows) rows, min(time_min) time_min, max(time_max) time_max
                    FROM segment GROUP BY source_id) g ON g.source_id = s.id
         ORDER BY s.id",
    )?;
    let number = |row: &rusqlite::Row<'_>, index| -> rusqlite::Result<u64> {
        Ok(row.get::<_, Option<i64>>(index)?.unwrap_or(0) as u64)
    };
    let mut sources = statement
        .query_map([], |row| {
            Ok(SourceInfo {
                id: row.get(0)?,
                uri: row.get(1)?,
                added: row.get(2)?,
                last_pull: row.get(3)?,
                monitored: row.get(4)?,
                paused: row.get(5)?,
                removed: row.get::<_, i64>(5)? == REMOVED,
                files: number(row, 6)?,
                file_bytes: number(row, 7)?,
                lines: number(row, 8)?,
                duplicates: number(row, 9)?,
                rejected: number(row, 10)?,
                requests: number(row, 11)?,
                cache_bytes: 0,
                oldest: row.get(12)?,
                newest: row.get(13)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut bytes = connection.prepare_cached(
        "SELECT coalesce(sum(length(data)), 0) FROM segment g
         JOIN column_chunk c ON c.id BETWEEN g.id * 64 AND g.id * 64 + 63
         WHERE g.source_id = ?1",
    )?;
    for source in &mut sources {
        source.cache_bytes = bytes.query_row([source.id], |row| row.get::<_, i64>(0))? as u64;
    }
    Ok(sources)
}

pub(super) fn source_id(connection: &Connection, uri: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM source WHERE uri = ?1")?
        .query_row([uri], |row| row.get(0))
        .optional()
}

pub(super) fn known(
    connection: &Connection,
    source: &str,
    name: &str,
    version: Option<&str>,
) -> rusqlite::Result<Known> {
    let found: Option<(i64, Option<String>, i64)> = connection
        .prepare_cached(
            "SELECT f.id, f.version, f.state FROM log_file f JOIN source s ON s.id = f.source_id
             WHERE s.uri = ?1 AND f.name = ?2",
        )?
        .query_row(params![source, name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match found {
        Some((id, known, state)) if version.is_some() && known.as_deref() == version => match state {
            IN_PART | IN_PART_PRUNED => Ok(Known::InPart(parts(connection, id)?)),
            _ => Ok(Known::Whole),
        },
        _ => Ok(Known::New),
    }
}

pub(super) fn parts(connection: &Connection, file: i64) -> rusqlite::Result<Vec<Range<u64>>> {
    connection
        .prepare_cached(
            "SELECT first_line, lines FROM log_file_part WHERE log_file_id = ?1 ORDER BY first_line",
        )?
        .query_map([file], |row| {
            let (first, lines): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(first as u64..first.saturating_add(lines) as u64)
        })?
        .collect()
}

pub(super) fn rejected(
    connection: &Connection,
    source: Option<&str>,
    each: &mut dyn FnMut(Rejected),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT s.uri, f.name, r.line, r.reason, r.content
         FROM rejected_line r JOIN log_file f ON f.id = r.log_file_id JOIN source s ON s.id = f.source_id
         WHERE ?1 IS NULL OR s.uri = ?1
         ORDER BY s.id, f.name, r.line",
    )?;
    let mut rows = statement.query([source])?;
    while let Some(row) = rows.next()? {
        each(Rejected {
            source: row.get(0)?,
            file: row.get(1)?,
            line: row.get::<_, i64>(2)? as u64,
            reason: row.get(3)?,
            content: row.get(4)?,
        });
    }
    Ok(())
}
