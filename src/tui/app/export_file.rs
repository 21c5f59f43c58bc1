//! Writes the table in front to a file, as `export` spells it: the columns and rows that were chosen. Many rows are
//! written page by page. The file has its name when it is whole, and not before.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::export::{Cell, Format, PagedWriter, Sheet, human};
use crate::query::{Answer, Ask, Engine, Measure, QueryError, Series};
use crate::tui::model::action::{Export, Exported};
use crate::tui::model::columns::Column;
use crate::tui::model::rows::{RowId, Rows};
use tokio_util::sync::CancellationToken;

/// Rows that are written at a time; of single requests, no more are in memory.
const PAGE: usize = if cfg!(test) { 200 } else { 20_000 };

/// Why no file was written.
enum Stop {
    /// Somebody wanted it so.
    Cancelled,
    /// There is a file of this name.
    Exists,
    /// What went wrong.
    Failed(String),
}

/// Asks for all rows and writes them; never replaces a file unless somebody agreed. `progress` hears now and then
/// how many rows of how many are written.
pub(crate) fn export(
    engine: &dyn Engine,
    export: Export,
    cancel: &CancellationToken,
    progress: &mut dyn FnMut(u64, u64),
) -> Exported {
    if !export.overwrite && export.path.exists() {
        return Exported::Exists(Box::new(export));
    }
    match write(engine, &export, cancel, progress) {
        Ok((rows, approximate)) => Exported::Written { path: export.path, rows, approximate },
        Err(Stop::Cancelled) => Exported::Cancelled,
        Err(Stop::Exists) => Exported::Exists(Box::new(export)),
        Err(Stop::Failed(reason)) => Exported::Failed(reason),
    }
}

fn write(
    engine: &dyn Engine,
    export: &Export,
    cancel: &CancellationToken,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(u64, Vec<&'static str>), Stop> {
    let path = &export.path;
    let failed = |error: io::Error| Stop::Failed(format!("{}: {error}; name another file", path.display()));
    let no_answer = |error: QueryError| match error {
        QueryError::Cancelled => Stop::Cancelled,
        error => Stop::Failed(format!("nothing was written: {error}")),
    };
    // It is removed if anything goes wrong. Only its owner may read it: logs name people and secrets.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = tempfile::Builder::new().prefix(&name).suffix(".part").tempfile_in(folder).map_err(failed)?;
    let mut out = BufWriter::new(part.as_file());
    let format = format(export);
    let mut pages = PagedWriter::new(format, None);
    let mut rows = 0;
    let mut write_page = |answer: &Answer, total: u64| -> Result<(), Stop> {
        pages.write_sheet(sheet(export, answer), &mut out).map_err(failed)?;
        rows += match answer {
            Answer::Groups(groups) => groups.rows.len() as u64,
            Answer::Series(series) => times(export, series).len() as u64,
            Answer::Requests(requests) => requests.rows.len() as u64,
            Answer::Totals(_) => 1,
        };
        progress(rows, total);
        if cancel.is_cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    };
    let mut approximate = Vec::new();
    if let Ask::Requests { .. } = export.query.ask {
        let mut written = Ok(());
        let take = &mut |requests: crate::query::Requests| {
            let matched = requests.matched;
            written = write_page(&Answer::Requests(requests), matched);
            written.is_ok()
        };
        engine.pages(&export.query, PAGE, cancel, take).map_err(no_answer)?;
        written?;
    } else {
        let answer = engine.ask(&export.query, cancel, &mut |_, _| {}).map_err(no_answer)?.answer;
        if format == Format::Csv {
            approximate = crate::export::approximate(&answer, &export.query.ask);
        }
        match answer {
            Answer::Groups(mut groups) => {
                let marks: HashSet<&RowId> = export.marks.iter().collect();
                let mut left = std::mem::take(&mut groups.rows);
                left.retain(|row| marks.is_empty() || marks.contains(&RowId::Value(row.value.clone())));
                let total = left.len() as u64;
                let mut left = left.into_iter();
                let mut answer = Answer::Groups(groups);
                while let Answer::Groups(page) = &mut answer {
                    page.rows = left.by_ref().take(PAGE).collect();
                    write_page(&answer, total)?;
                    if left.len() == 0 {
                        break;
                    }
                }
            }
            answer => write_page(&answer, 0)?,
        }
    }
    pages.finish(&mut out).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    if cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    let kept = if export.overwrite { part.persist(path) } else { part.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok((rows, approximate)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(Stop::Exists),
        Err(error) => Err(failed(error.error)),
    }
}

/// The columns that were chosen, of the rows that were.
fn sheet<'a>(export: &'a Export, answer: &'a Answer) -> Sheet<'a> {
    if let Answer::Series(series) = answer {
        return sheet_of_times(export, series);
    }
    let sheet = crate::export::sheet(answer, &export.query.ask);
    if export.columns.is_empty() {
        return sheet;
    }
    let by = match &export.query.ask {
        Ask::Groups { by, .. } => by.name(),
        _ => String::new(),
    };
    let names: Vec<&str> = export
        .columns
        .iter()
        .map(|column| match column {
            Column::Value => by.as_str(),
            column => column.name(),
        })
        .collect();
    sheet.only(&names)
}

/// The stretches of time that were chosen, in the order of the table.
fn times(export: &Export, series: &Series) -> Vec<(i64, crate::query::Stats)> {
    let Rows::Times { rows, .. } = Rows::of_series(series, export.sort) else { return Vec::new() };
    let is_chosen = |start| export.marks.is_empty() || export.marks.contains(&RowId::Instant(start));
    rows.into_iter().filter(|row| is_chosen(row.start)).map(|row| (row.start, row.stats)).collect()
}

fn sheet_of_times<'a>(export: &'a Export, series: &Series) -> Sheet<'a> {
    let whole = series.lines.iter().flatten().map(|stats| stats.bytes_sent).sum();
    let names: Vec<&'static str> = export
        .columns
        .iter()
        .map(|column| if *column == Column::Value { "time" } else { column.name() })
        .collect();
    let rows = times(export, series).into_iter().map(move |(start, stats)| {
        let cell = |column: &Column| match column {
            Column::Value => Cell::Instant(start),
            Column::Share => Cell::Share(human::share(stats.bytes_sent, whole)),
            Column::Measure(Measure::Requests) => Cell::Number(stats.requests.into()),
            Column::Measure(Measure::BytesSent) => Cell::Bytes(stats.bytes_sent.into()),
            Column::Measure(Measure::Errors) => Cell::Number(stats.errors.into()),
            Column::Measure(Measure::ErrorRate) if stats.requests > 0 => {
                Cell::Share(human::share(stats.errors, stats.requests))
            }
            _ => Cell::Absent,
        };
        export.columns.iter().map(cell).collect()
    });
    Sheet::new(&names, Box::new(rows), None)
}

/// What the name of the file says.
fn format(export: &Export) -> Format {
    match export.path.extension().and_then(|ending| ending.to_str()) {
        Some(ending) if ending.eq_ignore_ascii_case("csv") => Format::Csv,
        Some(ending) if ending.eq_ignore_ascii_case("ndjson") => Format::Ndjson,
        _ => Format::Json,
    }
}
