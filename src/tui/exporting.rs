//! Writes the whole answer behind a table to a file, as `export` spells it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::action::{Export, Exported};
use crate::log::{FIELDS, Field};
use crate::query::{Answer, Ask, Cancel, Engine, Query, Stats, Value};

/// Asks for all rows and writes them; never replaces a file unless somebody agreed.
pub(crate) fn export(engine: &dyn Engine, export: Export) -> Exported {
    if !export.overwrite && export.path.exists() {
        return Exported::Exists(export);
    }
    let reply = match engine.ask(&export.query, &Cancel::default(), &mut |_, _| {}) {
        Ok(reply) => reply,
        Err(error) => return Exported::Failed(format!("nothing was written: {error}")),
    };
    let rows = rows(&export.query, &reply.answer);
    let count = rows.len() as u64;
    match write(&export, &rows) {
        Ok(()) => Exported::Written { path: export.path, rows: count },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Exported::Exists(export),
        Err(error) => Exported::Failed(format!("{}: {error}; name another file", export.path.display())),
    }
}

fn write(export: &Export, rows: &[Map<String, Json>]) -> io::Result<()> {
    let path = &export.path;
    if !export.overwrite {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        return write_rows(file, path, rows);
    }
    // The old file stays whole until the new one is.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)
        .and_then(|file| write_rows(file, path, rows))
        .and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_rows(file: File, path: &Path, rows: &[Map<String, Json>]) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => {
            let mut csv = csv::Writer::from_writer(&mut out);
            if let Some(first) = rows.first() {
                csv.write_record(first.keys())?;
            }
            for row in rows {
                csv.write_record(row.values().map(|value| match value {
                    Json::Null => String::new(),
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                }))?;
            }
            csv.flush()?;
        }
        Some("ndjson") => {
            for row in rows {
                serde_json::to_writer(&mut out, row)?;
                out.write_all(b"\n")?;
            }
        }
        _ => {
            serde_json::to_writer_pretty(&mut out, rows)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}

fn rows(query: &Query, answer: &Answer) -> Vec<Map<String, Json>> {
    match (answer, &query.ask) {
        (Answer::Groups(groups), Ask::Groups { by, more, .. }) => {
            let name = by.name();
            let row = |row: &crate::query::GroupRow| {
                let mut map = Map::new();
                map.insert(name.clone(), json(&row.value));
                stats(&mut map, &row.stats, groups.totals.bytes_sent);
                for (measure, number) in more.iter().zip(&row.more) {
                    map.insert(measure.name().to_owned(), number.map_or(Json::Null, Json::from));
                }
                map
            };
            groups.rows.iter().map(row).collect()
        }
        (Answer::Series(series), _) => {
            let line = series.lines.first().map(Vec::as_slice).unwrap_or_default();
            let all = line.iter().fold(Stats::default(), |sum, stats| sum.merged(*stats));
            let row = |(index, of): (usize, &Stats)| {
                let mut map = Map::new();
                let start = series.start + i64::from(series.bucket) * index as i64;
                map.insert("time".to_owned(), Json::String(instant(start)));
                stats(&mut map, of, all.bytes_sent);
                map
            };
            line.iter().enumerate().map(row).collect()
        }
        (Answer::Requests(requests), _) => requests
            .rows
            .iter()
            .map(|row| {
                let field = |spec: &crate::log::FieldSpec| {
                    let value = match spec.field {
                        Field::Time => Json::String(instant(row.time)),
                        field => json(row.get(field)),
                    };
                    (spec.name.to_owned(), value)
                };
                FIELDS.iter().map(field).collect()
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn stats(map: &mut Map<String, Json>, stats: &Stats, all_bytes: u64) {
    let seen = |at| if stats.requests == 0 { Json::Null } else { Json::String(instant(at)) };
    let share = if all_bytes == 0 { 0.0 } else { stats.bytes_sent as f64 / all_bytes as f64 };
    map.insert("requests".to_owned(), stats.requests.into());
    map.insert("bytes_sent".to_owned(), stats.bytes_sent.into());
    map.insert("errors".to_owned(), stats.errors.into());
    map.insert("first_seen".to_owned(), seen(stats.first_seen));
    map.insert("last_seen".to_owned(), seen(stats.last_seen));
    map.insert("share".to_owned(), share.into());
}

fn json(value: &Value) -> Json {
    match value {
        Value::Absent => Json::Null,
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => Json::String(String::from_utf8_lossy(text).into_owned()),
    }
}

fn instant(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
}
