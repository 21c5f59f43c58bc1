//! Starts exports of the table in front.

use std::path::PathBuf;

use crate::query::{Ask, BucketWidth};
use crate::tui::format;
use crate::tui::model::{
    Column, Effect, Export, Prompt, Purpose, RowId, RunningExport, State, Tab, TableKind, columns, time_axes,
};
use crate::tui::update::queries;

/// Asks for the name of the file to export to, or whether to stop the running export.
pub(super) fn ask_for_file(state: &mut State) {
    if state.export.is_some() {
        state.prompt = Some(Prompt::new(Purpose::StopExport { quit: false }, String::new()));
        return;
    }
    if state.layer().tab == Tab::Findings {
        return state.warn("to export findings, run `tamarin findings --format csv`");
    }
    if queries::table_query(state, 0).is_none() {
        return state.warn("the table is not loaded yet");
    }
    let table = state.layer().table();
    let name = match &table.kind {
        TableKind::Groups(by) => by.name().replace('/', "-"),
        TableKind::Pairs([first, second]) => format!("{}-{}", first.name(), second.name()).replace('/', "-"),
        _ => table.title().to_lowercase().replace([' ', '/'], "-"),
    };
    state.prompt = Some(Prompt::new(Purpose::Export, format!("tamarin-{name}.csv")));
}

pub(super) fn start(state: &mut State, export: Box<Export>, effects: &mut Vec<Effect>) {
    let name = format::visible(&export.path.file_name().unwrap_or_default().to_string_lossy());
    state.export = Some(RunningExport { name, rows: 0, total: 0 });
    effects.push(Effect::Export(export));
}

/// The export of the table in front to the file `name`, or an error message.
pub(super) fn prepare(state: &State, name: &str) -> Result<Box<Export>, String> {
    if state.export.is_some() {
        return Err("another export is running; wait for it, or stop it with e".to_owned());
    }
    let path = PathBuf::from(name);
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    if !matches!(extension.as_deref(), Some("csv" | "json" | "ndjson")) {
        return Err("the file name must end in .csv, .json or .ndjson".to_owned());
    }
    let mut query = queries::table_query(state, 0).ok_or("the table is not loaded yet")?;
    let table = state.layer().table();
    let mut columns: Vec<Column> =
        table.shown_columns().filter(|column| *column != Column::Activity).collect();
    let mut marks = table.marks.clone();
    match &mut query.ask {
        Ask::Groups { more, .. } => {
            // The screen computes lazy measures for the visible rows only.
            for column in &columns {
                if let Column::Measure(measure) = column
                    && !more.contains(measure)
                {
                    more.push(*measure);
                }
            }
        }
        Ask::Requests { .. } if !marks.is_empty() => {
            // In the order of the table, as far as the rows are loaded.
            let rows = table.rows.data.as_ref();
            let place = |mark: &RowId| rows.and_then(|rows| rows.position(mark)).unwrap_or(usize::MAX);
            marks.sort_by_key(place);
            let ids = marks.drain(..).filter_map(|mark| match mark {
                RowId::Request(id) => Some(id),
                _ => None,
            });
            query.ask = Ask::RequestsById(ids.collect());
        }
        _ => {}
    }
    if table.kind == TableKind::Requests {
        // Unless the user chose columns, a file has all fields.
        if table.columns == columns::of_requests() {
            columns.clear();
        } else if let Ask::Requests { fields, .. } = &mut query.ask {
            *fields = columns.iter().filter_map(|column| column.field()).collect();
        }
    }
    let sort = table.sort;
    let bucket_width = time_axes::times_bucket(state).unwrap_or(BucketWidth::Seconds(1));
    Ok(Box::new(Export { path, overwrite: false, query, columns, marks, sort, bucket_width }))
}
