//! Writes the table in front as text to copy, or to a file in a format of `export`, with the columns and rows that the user chose. Rows are
//! written page by page. The file gets its name when it is complete.

use std::io::{self, BufWriter, Write};
use std::{collections::HashSet, path::Path};
use tokio_util::sync::CancellationToken;

use crate::export::{Cell, Format, PagedWriter, Sheet};
use crate::human;
use crate::query::{Answer, Ask, Engine, Groups, Measure, Pairs, QueryError, Requests, Series};
use crate::tui::app::write_file;
use crate::tui::model::{
    AnalysedTable, Column, CopiedForm, CopiedTable, Export, Exported, RowId, Rows, TimeRow,
};

/// Rows that are written at a time. At most this many single requests are in memory.
const PAGE_ROWS: usize = if cfg!(test) { 200 } else { 20_000 };

/// Why no file was written.
enum Stop {
    Cancelled,
    Exists,
    Failed(String),
}

/// Writes all rows of `export`. Replaces an existing file only if `export` allows it. `on_progress` receives the number
/// of rows written and the number of all rows (0: unknown) after each page.
pub(in crate::tui) fn export(
    engine: &dyn Engine,
    export: Export,
    cancel: &CancellationToken,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Exported {
    if !export.overwrite && export.path.exists() {
        return Exported::Exists(Box::new(export));
    }
    match write(engine, &export, cancel, on_progress) {
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
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<(u64, Vec<&'static str>), Stop> {
    let path = &export.path;
    let failed = |error: io::Error| Stop::Failed(write_file::reason(path, &error));
    let no_answer = |error: QueryError| match error {
        QueryError::Cancelled => Stop::Cancelled,
        error => Stop::Failed(format!("nothing was written: {error}")),
    };
    // The temporary file is removed unless it is complete. Only its owner may read it: logs contain names and secrets.
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
        rows += row_count(export, answer);
        on_progress(rows, total);
        if cancel.is_cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    };
    let mut approximate = Vec::new();
    if let Some(table) = &export.analysed {
        rows = analysed_rows(table);
        pages.write_sheet(analysed_sheet(table), &mut out).map_err(failed)?;
    } else if let Ask::Requests { .. } = export.query.ask {
        let mut written = Ok(());
        let write_requests = &mut |requests: Requests| {
            let matched = requests.matched;
            written = write_page(&Answer::Requests(requests), matched);
            written.is_ok()
        };
        engine.pages(&export.query, PAGE_ROWS, cancel, write_requests).map_err(no_answer)?;
        written?;
    } else {
        let answer = engine.ask_once(&export.query, cancel).map_err(no_answer)?.answer;
        if format == Format::Csv {
            approximate = crate::export::approximate(&answer, &export.query.ask);
        }
        match answer {
            Answer::Groups(mut groups) => {
                keep_marked_groups(export, &mut groups);
                let left = std::mem::take(&mut groups.rows);
                let total = left.len() as u64;
                let mut left = left.into_iter();
                let mut answer = Answer::Groups(groups);
                while let Answer::Groups(page) = &mut answer {
                    page.rows = left.by_ref().take(PAGE_ROWS).collect();
                    write_page(&answer, total)?;
                    if left.len() == 0 {
                        break;
                    }
                }
            }
            Answer::Pairs(mut pairs) => {
                keep_marked_pairs(export, &mut pairs);
                write_page(&Answer::Pairs(pairs), 0)?;
            }
            answer => write_page(&answer, 0)?,
        }
    }
    pages.finish(&mut out).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    if cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    let renamed = if export.overwrite { part.persist(path) } else { part.persist_noclobber(path) };
    match renamed {
        Ok(_) => Ok((rows, approximate)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(Stop::Exists),
        Err(error) => Err(failed(error.error)),
    }
}

/// The rows of `answer` that are written.
fn row_count(export: &Export, answer: &Answer) -> u64 {
    match answer {
        Answer::Groups(groups) => groups.rows.len() as u64,
        Answer::GroupsOfEach(each) => each.iter().map(|groups| groups.rows.len() as u64).sum(),
        Answer::Series(series) => time_rows(export, series).len() as u64,
        Answer::Requests(requests) => requests.rows.len() as u64,
        Answer::Pairs(pairs) => pairs.rows.len() as u64,
        Answer::Comparison(comparison) => comparison.dimensions.iter().map(|by| by.rows.len() as u64).sum(),
        Answer::Activity(activity) => activity.iter().map(|activity| activity.lines.len() as u64).sum(),
        Answer::Profiles(profiles) => profiles.len() as u64,
        Answer::Distribution(distribution) => distribution.sizes.len() as u64,
        Answer::Totals(_) | Answer::Cost(_) => 1,
    }
}

fn keep_marked_groups(export: &Export, groups: &mut Groups) {
    let marks: HashSet<&RowId> = export.marks.iter().collect();
    groups.rows.retain(|row| marks.is_empty() || marks.contains(&RowId::Value(row.value.clone())));
}

fn keep_marked_pairs(export: &Export, pairs: &mut Pairs) {
    let marks: HashSet<&RowId> = export.marks.iter().collect();
    pairs.rows.retain(|row| marks.is_empty() || marks.contains(&RowId::Pair(row.values.clone())));
}

/// Rows of a table, at most `max_rows`, as text to copy.
///
/// # Errors
/// A message: the query failed.
pub(in crate::tui) fn to_text(
    engine: &dyn Engine,
    export: &Export,
    form: CopiedForm,
    max_rows: usize,
) -> Result<CopiedTable, String> {
    if let Some(table) = &export.analysed {
        let text = text_of(analysed_sheet(table), form)?;
        return Ok(CopiedTable { text, rows: analysed_rows(table), is_cut: false });
    }
    let cancel = CancellationToken::new();
    let mut answer = engine.ask_once(&export.query, &cancel).map_err(|error| error.to_string())?.answer;
    match &mut answer {
        Answer::Groups(groups) => keep_marked_groups(export, groups),
        Answer::Pairs(pairs) => keep_marked_pairs(export, pairs),
        _ => {}
    }
    let is_cut = match &mut answer {
        Answer::Groups(groups) => cut(&mut groups.rows, max_rows),
        Answer::Pairs(pairs) => cut(&mut pairs.rows, max_rows),
        Answer::Requests(requests) => cut(&mut requests.rows, max_rows),
        _ => false,
    };
    let text = text_of(sheet(export, &answer), form)?;
    Ok(CopiedTable { text, rows: row_count(export, &answer), is_cut })
}

/// Leaves at most `count` rows. Returns whether there were more.
fn cut<T>(rows: &mut Vec<T>, count: usize) -> bool {
    let has_more = rows.len() > count;
    rows.truncate(count);
    has_more
}

fn text_of(sheet: Sheet<'_>, form: CopiedForm) -> Result<String, String> {
    let format = match form {
        CopiedForm::Lines => return Ok(sheet.into_lines().collect::<Vec<_>>().join("\n")),
        CopiedForm::Csv => Format::Csv,
        CopiedForm::Json => Format::Json,
        CopiedForm::Markdown => Format::Markdown,
    };
    let mut text = Vec::new();
    crate::export::write_sheet(sheet, format, None, &mut text).map_err(|error| error.to_string())?;
    // Carriage returns would not reach the clipboard.
    Ok(String::from_utf8_lossy(&text).trim_end().replace("\r\n", "\n"))
}

fn analysed_sheet(table: &AnalysedTable) -> Sheet<'_> {
    match table {
        AnalysedTable::Findings(rows) => {
            let with_labels = rows.iter().any(|row| row.label.is_some());
            crate::export::findings_sheet(rows, with_labels)
        }
        AnalysedTable::Contrast(contrast) => crate::export::contrast_sheet(contrast, usize::MAX, false),
        AnalysedTable::Concentration(by, measures) => crate::export::concentration_sheet(by, measures, false),
    }
}

fn analysed_rows(table: &AnalysedTable) -> u64 {
    let rows = match table {
        AnalysedTable::Findings(rows) => rows.len(),
        AnalysedTable::Contrast(contrast) => contrast.rows.len(),
        AnalysedTable::Concentration(_, measures) => measures.len(),
    };
    rows as u64
}

/// The chosen columns of the rows of `answer`.
fn sheet<'a>(export: &'a Export, answer: &'a Answer) -> Sheet<'a> {
    if let Answer::Series(series) = answer {
        return times_sheet(export, series);
    }
    // The note says what to type in a shell, and would be below each page.
    let sheet = crate::export::sheet(answer, &export.query.ask).without_note();
    if export.columns.is_empty() {
        return sheet;
    }
    let (by, second) = match &export.query.ask {
        Ask::Groups { by, .. } => (by.name(), String::new()),
        Ask::Pairs { by: [first, second], .. } => (first.name(), second.name()),
        _ => (String::new(), String::new()),
    };
    let names: Vec<&str> = export
        .columns
        .iter()
        .map(|column| match column {
            Column::Value => by.as_str(),
            Column::Second => second.as_str(),
            column => column.name(),
        })
        .collect();
    sheet.only(&names)
}

/// The chosen rows of the table of times, in its order.
fn time_rows(export: &Export, series: &Series) -> Vec<TimeRow> {
    let Rows::Times { mut rows, .. } = Rows::of_series(series, export.bucket_width, export.sort) else {
        return Vec::new();
    };
    rows.retain(|row| export.marks.is_empty() || export.marks.contains(&RowId::Instant(row.start)));
    rows
}

fn times_sheet<'a>(export: &'a Export, series: &Series) -> Sheet<'a> {
    let total_bytes = series.lines.iter().flatten().map(|stats| stats.bytes_sent).sum();
    let names: Vec<&'static str> = export
        .columns
        .iter()
        .map(|column| if *column == Column::Value { "time" } else { column.name() })
        .collect();
    let rows = time_rows(export, series).into_iter().map(move |TimeRow { start, stats, .. }| {
        let cell = |column: &Column| match column {
            Column::Value => Cell::Instant(start),
            Column::Share => Cell::Share(human::share(stats.bytes_sent, total_bytes)),
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

/// The format that the extension of the file denotes.
fn format(export: &Export) -> Format {
    match export.path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if extension.eq_ignore_ascii_case("csv") => Format::Csv,
        Some(extension) if extension.eq_ignore_ascii_case("ndjson") => Format::Ndjson,
        Some(extension) if extension.eq_ignore_ascii_case("md") => Format::Markdown,
        _ => Format::Json,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::log::Field;
    use crate::query::{
        BucketWidth, Counting, Dimension, Filter, Query, Reply, RequestRow, Sort, TimeRange, Value,
    };
    use crate::tui::testing::get;

    const PAGES: u64 = 30;

    /// Gives pages of requests, and looks after each page at what is left of it in memory and what is in the file.
    struct Pages {
        folder: PathBuf,
    }

    impl Pages {
        /// Lines of the file that is being written.
        fn lines_written(&self) -> usize {
            let files: Vec<_> = self.folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
            let [file] = files.as_slice() else { panic!("one file: {files:?}") };
            std::fs::read_to_string(file).unwrap().lines().count()
        }
    }

    impl Engine for Pages {
        fn ask(
            &self,
            _: &Query,
            _: &CancellationToken,
            _: &mut dyn FnMut(Answer, f64),
        ) -> Result<Reply, QueryError> {
            Err(QueryError::Invalid("single requests are asked for in pages".to_owned()))
        }

        fn pages(
            &self,
            _: &Query,
            page_rows: usize,
            _: &CancellationToken,
            on_page: &mut dyn FnMut(Requests) -> bool,
        ) -> Result<(), QueryError> {
            assert_eq!(page_rows, PAGE_ROWS);
            for page in 0..PAGES {
                let key: Arc<[u8]> = format!("films/{page}.mp4").into_bytes().into();
                let row = |number: usize| {
                    let mut row: RequestRow = get(number as i64, "192.0.2.1", "", 200, 1);
                    row.fields[Field::Key as usize] = Value::Text(Arc::clone(&key));
                    row
                };
                let rows = (0..page_rows).map(row).collect();
                assert!(on_page(Requests { rows, matched: PAGES * page_rows as u64 }));
                assert_eq!(Arc::strong_count(&key), 1, "no request of the page is kept");
                let given = (page as usize + 1) * page_rows;
                let written = self.lines_written();
                assert!(written + page_rows / 2 > given, "{given} requests, {written} lines written");
            }
            Ok(())
        }

        fn generation(&self) -> u64 {
            1
        }

        fn pin_snapshot(&self, _: bool) -> Result<(), QueryError> {
            Ok(())
        }

        fn complete(&self, _: &Dimension, _: &str, _: usize) -> Result<Vec<String>, QueryError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn an_export_has_one_page_of_requests_in_memory() {
        for extension in ["csv", "ndjson", "json"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(format!("all.{extension}"));
            let ask = Ask::Requests {
                sort: Sort { by: Field::Time, descending: false },
                offset: 0,
                limit: 0,
                fields: Vec::new(),
            };
            let query = Query {
                sources: Vec::new(),
                time: TimeRange::default(),
                filter: Filter::everything(),
                counting: Counting::AsLogged,
                ask,
            };
            let asked = Export {
                path: path.clone(),
                overwrite: false,
                query,
                columns: Vec::new(),
                marks: Vec::new(),
                sort: Sort { by: Column::Value, descending: false },
                bucket_width: BucketWidth::Seconds(3_600),
                analysed: None,
            };
            let engine = Pages { folder: folder.path().to_owned() };
            let exported = export(&engine, asked, &CancellationToken::new(), &mut |_, _| {});
            let rows = PAGES * PAGE_ROWS as u64;
            assert_eq!(exported, Exported::Written { path, rows, approximate: Vec::new() });
        }
    }
}
