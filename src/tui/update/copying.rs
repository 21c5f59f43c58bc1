//! Copying: the value under the cursor at once, and with a second key the row, the table, the filter, a command or a block
//! list.

use crate::log::FIELDS;
use crate::query::{Ask, Filter};
use crate::tui::model::{Command, CopiedForm, CopiedTable, Effect, Export, RowId, State, headless};
use crate::tui::update::{block, copy_text, cursor, detail, exports};
use crate::tui::{format, model::pane::Pane};

/// Rows of a table that are copied.
pub(in crate::tui) const MAX_COPIED_ROWS: usize = 1_000;

/// Copies the value under the cursor, or the marked values. The next key may copy something else.
pub(super) fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let text = cursor::copied_text(state);
    copy_text(state, text, effects);
    state.has_copy_menu = true;
}

/// Performs a command of the second key.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        // The value is in the clipboard already. A second `y` copies it again, in case another program took the clipboard.
        Command::Copy => copy(state, effects),
        Command::CopyRow => row(state, effects),
        Command::CopyMarked if state.layer().table().marks.is_empty() => {
            let key = state.table_key(Command::Mark);
            state.notify(format!("no rows are marked; {key} marks rows"));
        }
        Command::CopyMarked => table(state, CopiedForm::Lines, effects),
        Command::CopyCsv => table(state, CopiedForm::Csv, effects),
        Command::CopyJson => table(state, CopiedForm::Json, effects),
        Command::CopyMarkdown => table(state, CopiedForm::Markdown, effects),
        Command::CopyFilter => filter(state, effects),
        Command::CopyShellLine => match headless::command(state) {
            Ok(command) => copy_text(state, Some(command), effects),
            Err(reason) => state.notify(reason),
        },
        Command::CopyBlock => block_list(state, effects),
        Command::CopyForSupport => {
            if state.layer().detail.is_some() {
                detail::copy_for_support(state, effects);
            } else {
                state.notify("open a request to copy its ids");
            }
        }
        _ => {}
    }
}

/// Copies the row under the cursor: of an open request all fields, a line each.
fn row(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(detail) = &state.layer().detail {
        if !detail.is_complete {
            return state.warn("the request is still being read");
        }
        let line = |spec: &crate::log::FieldSpec| {
            let value = cursor::text_of(state, detail.row.get(spec.field), spec.field);
            format!("{}: {value}", spec.name)
        };
        let text = FIELDS.iter().map(line).collect::<Vec<_>>().join("\n");
        effects.push(Effect::Copy(text));
        return state.notify("copied the request");
    }
    let Some(id) = state.layer().table().anchor.clone() else { return state.warn("nothing to copy") };
    copy_rows(state, CopiedForm::Lines, vec![id], effects);
}

/// Copies the marked rows of the table in front, or its first rows.
fn table(state: &mut State, form: CopiedForm, effects: &mut Vec<Effect>) {
    let marks = match &state.layer().detail {
        Some(detail) => vec![RowId::Request(detail.row.id)],
        None => state.layer().table().marks.clone(),
    };
    copy_rows(state, form, marks, effects);
}

fn copy_rows(state: &mut State, form: CopiedForm, rows: Vec<RowId>, effects: &mut Vec<Effect>) {
    let name = match form {
        CopiedForm::Lines | CopiedForm::Csv => "copy.csv",
        CopiedForm::Json => "copy.json",
        CopiedForm::Markdown => "copy.md",
    };
    match exports::table_export(state, name.into(), rows) {
        Ok(mut export) => {
            limit_rows(&mut export);
            effects.push(Effect::CopyTable(export, form));
        }
        Err(message) => state.warn(message),
    }
}

/// Asks for one row more than is copied, which shows whether there are more.
fn limit_rows(export: &mut Export) {
    match &mut export.query.ask {
        Ask::Groups { limit, .. } | Ask::Pairs { limit, .. } if export.marks.is_empty() => {
            *limit = MAX_COPIED_ROWS + 1;
        }
        Ask::Requests { limit, .. } => *limit = MAX_COPIED_ROWS + 1,
        _ => {}
    }
}

/// Copies the rows that were prepared.
pub(super) fn table_copied(
    state: &mut State,
    form: CopiedForm,
    table: Result<CopiedTable, String>,
    effects: &mut Vec<Effect>,
) {
    match table {
        Ok(CopiedTable { text, .. }) if text.is_empty() => state.warn("nothing to copy"),
        Ok(CopiedTable { text, rows, is_cut }) => {
            let name = form.name();
            let rows = format::counted(rows, "row");
            state.notify(match is_cut {
                true => {
                    let key = state.table_key(Command::Export);
                    format!("copied the first {rows} as {name}; {key} writes all to a file")
                }
                false => format!("copied {rows} as {name}"),
            });
            effects.push(Effect::Copy(text));
        }
        Err(reason) => state.warn(format::visible(&reason)),
    }
}

/// Copies the filter of the layer in front with its time range.
fn filter(state: &mut State, effects: &mut Vec<Effect>) {
    let layer = state.layer();
    let time =
        if layer.time == state.session_time { Filter::everything() } else { Filter::within(layer.time) };
    let filter = time.and(layer.filter.clone());
    if filter.is_everything() {
        return state.notify("there is no filter to copy");
    }
    copy_text(state, Some(filter.to_string()), effects);
}

/// Opens a block list, and copies it as soon as it is complete.
fn block_list(state: &mut State, effects: &mut Vec<Effect>) {
    block::open(state, effects);
    if let Some(Pane::Block(pane)) = &mut state.pane {
        pane.is_copied_when_complete = true;
    }
}
