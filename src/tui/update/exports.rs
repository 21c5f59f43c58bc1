//! Starts exports of the table in front.

use std::path::PathBuf;

use crate::export;
use crate::query::{Ask, BucketWidth};
use crate::tui::format;
use crate::tui::model::{
    AnalysedTable, Column, Effect, Export, FindingRow, Prompt, Purpose, RowId, Rows, RunningExport, State,
    Tab, TableKind, columns, pane::Pane, time_axes,
};
use crate::tui::update::queries;

/// Asks for the name of the file to export to, or whether to stop the running export.
pub(super) fn ask_for_file(state: &mut State) {
    if state.export.is_some() {
        state.prompt = Some(Prompt::new(Purpose::StopExport { quit: false }, String::new()));
        return;
    }
    if state.pane.is_some() || state.layer().tab == Tab::Findings {
        let name = match &state.pane {
            Some(Pane::Contrast(_)) => "contrast",
            Some(Pane::Concentration(_)) => "concentration",
            _ => "findings",
        };
        return match analysed(state, &state.layer().table().marks) {
            Ok(_) => state.prompt = Some(Prompt::proposing(Purpose::Export, format!("tamarin-{name}.csv"))),
            Err(message) => state.warn(message),
        };
    }
    if queries::table_query(state, 0).is_none() {
        return state.warn("the table is not loaded yet");
    }
    if state.layer().detail.is_some() {
        state.prompt = Some(Prompt::proposing(Purpose::Export, "tamarin-request.json".to_owned()));
        return;
    }
    let table = state.layer().table();
    let name = match &table.kind {
        TableKind::Groups(by) => by.name().replace('/', "-"),
        TableKind::Pairs([first, second]) => format!("{}-{}", first.name(), second.name()).replace('/', "-"),
        _ => table.title().to_lowercase().replace([' ', '/'], "-"),
    };
    state.prompt = Some(Prompt::proposing(Purpose::Export, format!("tamarin-{name}.csv")));
}

/// The table of the analysis in front: of the pane, or the findings, of which `marks` are taken if there are any.
fn analysed(state: &State, marks: &[RowId]) -> Result<AnalysedTable, String> {
    let incomplete = || "the analysis has not ended yet".to_owned();
    match &state.pane {
        Some(Pane::Contrast(pane)) => {
            let contrast = pane.answer.data.clone().filter(|_| pane.answer.share.is_none());
            contrast.map(|contrast| AnalysedTable::Contrast(Box::new(contrast))).ok_or_else(incomplete)
        }
        Some(Pane::Concentration(pane)) => {
            let data = pane.answer.data.clone().filter(|_| pane.answer.share.is_none());
            let row = |data| AnalysedTable::Concentration(pane.by.clone(), vec![(pane.of, data)]);
            data.map(row).ok_or_else(incomplete)
        }
        Some(Pane::Block(_)) => Err("a block list is not a table; close it to export the table".to_owned()),
        None => {
            let table = state.layer().table();
            let Some(Rows::Findings(rows)) = &table.rows.data else { return Err(incomplete()) };
            let is_wanted =
                |index: &usize| marks.is_empty() || rows.id(*index).is_some_and(|id| marks.contains(&id));
            let row = |index: usize| match rows.get(index)? {
                FindingRow::Finding(finding) => Some(export::FindingRow::new(finding.clone())),
                FindingRow::Muted(finding, by) => Some(export::FindingRow::muted(finding.clone(), by)),
                FindingRow::Heading { .. } => None,
            };
            Ok(AnalysedTable::Findings((0..rows.count()).filter(is_wanted).filter_map(row).collect()))
        }
    }
}

pub(super) fn start(state: &mut State, export: Box<Export>, effects: &mut Vec<Effect>) {
    let name = format::visible(&export.path.file_name().unwrap_or_default().to_string_lossy());
    state.export = Some(RunningExport { name, path: export.path.clone(), rows: 0, total: 0 });
    effects.push(Effect::Export(export));
}

/// The export of the table in front to the file `name`, or an error message.
pub(super) fn prepare(state: &State, name: &str) -> Result<Box<Export>, String> {
    if state.export.is_some() {
        return Err("another export is running; wait for it, or stop it with e".to_owned());
    }
    let path = PathBuf::from(name);
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    if !matches!(extension.as_deref(), Some("csv" | "json" | "ndjson" | "md")) {
        return Err("the file name must end in .csv, .json, .ndjson or .md".to_owned());
    }
    if let Some(detail) = &state.layer().detail {
        // All fields, whichever columns the table has.
        let mut export = table_export(state, path, vec![RowId::Request(detail.row.id)])?;
        export.columns.clear();
        return Ok(export);
    }
    table_export(state, path, state.layer().table().marks.clone())
}

/// The rows `marks` of the table in front (empty: all) as a file at `path`, or an error message.
pub(super) fn table_export(
    state: &State,
    path: PathBuf,
    mut marks: Vec<RowId>,
) -> Result<Box<Export>, String> {
    if state.pane.is_some() || state.layer().tab == Tab::Findings {
        let query = queries::layer_query(state, Ask::Totals);
        let sort = state.layer().table().sort;
        let (columns, analysed) = (Vec::new(), Some(analysed(state, &marks)?));
        let marks = Vec::new();
        let bucket_width = BucketWidth::Seconds(1);
        return Ok(Box::new(Export {
            path,
            overwrite: false,
            query,
            columns,
            marks,
            sort,
            bucket_width,
            analysed,
        }));
    }
    let mut query = queries::table_query(state, 0).ok_or("the table is not loaded yet")?;
    let table = state.layer().table();
    let mut columns: Vec<Column> =
        table.shown_columns().filter(|column| *column != Column::Activity).collect();
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
    Ok(Box::new(Export { path, overwrite: false, query, columns, marks, sort, bucket_width, analysed: None }))
}
