//! The block list: whom it is about, its formats, its file.

use std::path::PathBuf;

use crate::insight::Scope;
use crate::insight::block::{Format, Target, TargetError};
use crate::insight::findings::Kind;
use crate::query::{Ask, Value};
use crate::tui::format;
use crate::tui::model::pane::{self, BlockPane, Pane};
use crate::tui::model::{
    AnalysisAsk, Command, Effect, Prompt, Purpose, RowId, State, TableKind, analysis::Pending, found, layout,
};
use crate::tui::update::cursor::moved_in_list;
use crate::tui::update::{copy_text, findings, pane::start, queries};

/// Shows a block list of the marked rows, of the finding, or of the row under the cursor.
pub(super) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    let mut targets = Vec::new();
    for target in wanted(state) {
        match target {
            Ok(target) => targets.push(target),
            Err(error) => return state.warn(format::visible(&error.to_string())),
        }
    }
    if targets.is_empty() && findings::chosen(state).iter().any(|finding| finding.kind == Kind::Silence) {
        return state.notify("nothing to block: a silence is about requests that did not come");
    }
    let table = state.layer().table();
    let row = table.rows.data.as_ref().and_then(|rows| rows.group(table.cursor));
    if targets.is_empty()
        && let (Some(by), Some(Value::Absent)) = (table.dimension(), row.map(|row| &row.value))
    {
        let text = format!("nothing to block: these requests have no {}", by.name());
        return state.notify(text);
    }
    if targets.is_empty() && matches!(table.kind, TableKind::Pairs(_)) {
        return state.notify("a block list needs a table of one dimension, such as addresses or requesters");
    }
    if targets.is_empty() {
        return state.notify("nothing to block: mark rows (m) of addresses, requesters or referers");
    }
    let scope = Scope::of(&queries::layer_query(state, Ask::Totals));
    let number = start(state, AnalysisAsk::Block(scope, targets.clone()), effects);
    let format = Format::Policy;
    let answer = Pending::new(number);
    let pane = BlockPane { targets, format, answer, top: 0, is_copied_when_complete: false };
    state.pane = Some(Pane::Block(pane));
}

/// The clients to block: of the finding under the brush, of the marked rows, or of the row under the cursor.
fn wanted(state: &State) -> Vec<Result<Target, TargetError>> {
    let brushed = state.brush.as_ref().and_then(|brush| brush.finding.as_ref());
    if let Some(finding) = brushed.and_then(|id| found::by_id(state, id)) {
        return Target::of_finding(finding).into_iter().collect();
    }
    let table = state.layer().table();
    let Some(by) = table.dimension() else {
        return findings::chosen(state).into_iter().filter_map(Target::of_finding).collect();
    };
    let marked = table.marks.iter().filter_map(|mark| match mark {
        RowId::Value(value) => Some(Target::of(by, value)),
        _ => None,
    });
    let marked: Vec<_> = marked.collect();
    if !marked.is_empty() {
        return marked;
    }
    let row = table.rows.data.as_ref().and_then(|rows| rows.group(table.cursor));
    let row = row.filter(|row| row.value != Value::Absent);
    row.into_iter().map(|row| Target::of(by, &row.value)).collect()
}

/// Performs a command in the pane with a block list.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    let (width, page) = layout::block_text(state);
    let Some(Pane::Block(pane)) = &mut state.pane else { return };
    let at = Format::ALL.iter().position(|format| *format == pane.format).unwrap_or(0);
    let count = Format::ALL.len();
    let mut show = |at: usize| {
        if let Some(format) = Format::ALL.get(at % count) {
            (pane.format, pane.top) = (*format, 0);
        }
    };
    match command {
        Command::NextTab | Command::Right => show(at + 1),
        Command::PreviousTab | Command::Left => show(at + count - 1),
        Command::Export => ask_for_file(state),
        Command::Copy => copy(state, effects),
        _ => {
            let last = pane::block_lines(pane, width).len().saturating_sub(page);
            pane.top = moved_in_list(command, pane.top, last + 1, page);
        }
    }
}

fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Pane::Block(pane)) = &state.pane else { return };
    match pane.text() {
        Some(Ok(text)) => {
            let lines = format::counted(text.lines().count() as u64, "line");
            effects.push(Effect::Copy(text));
            state.notify(format!("copied {lines}"));
        }
        _ => copy_text(state, None, effects),
    }
}

/// Copies the complete list if the user wanted that before it was complete.
pub(super) fn copy_if_wanted(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(Pane::Block(pane)) = &mut state.pane
        && std::mem::take(&mut pane.is_copied_when_complete)
    {
        copy(state, effects);
    }
}

fn ask_for_file(state: &mut State) {
    let Some(Pane::Block(pane)) = &state.pane else { return };
    match pane.text() {
        Some(Ok(_)) => {}
        Some(Err(error)) => return state.warn(format::visible(&error)),
        None => return state.warn("the list is not complete yet"),
    }
    let extension = match pane.format {
        Format::Policy | Format::Waf => "json",
        Format::Nft => "nft",
        Format::Cidr => "txt",
    };
    let name = format!("tamarin-block-{}.{extension}", pane.format.name());
    state.prompt = Some(Prompt::proposing(Purpose::BlockFile, name));
}

/// Writes the list to a new file. Returns why not, if it is clear already.
pub(super) fn write(state: &State, name: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
    let Some(Pane::Block(pane)) = &state.pane else { return Ok(()) };
    if name.is_empty() {
        return Err("expected the name of a file".to_owned());
    }
    match pane.text() {
        Some(Ok(text)) => effects.push(Effect::WriteFile { path: PathBuf::from(name), text }),
        Some(Err(error)) => return Err(error),
        None => return Err("the list is not complete yet".to_owned()),
    }
    Ok(())
}

/// Reports how writing the file ended; if it failed, the user may name another file.
pub(super) fn written(state: &mut State, path: &std::path::Path, result: Result<(), String>) {
    let name = path.display().to_string();
    match result {
        Ok(()) => {
            let text = format!("block list written to {}", format::visible(&name));
            state.notify_of_file(text, path.to_owned());
        }
        Err(message) => {
            let mut prompt = Prompt::new(Purpose::BlockFile, name);
            prompt.problem = Some(crate::tui::model::Problem { column: 0, message });
            state.prompt = Some(prompt);
        }
    }
}
