//! The line being typed: the filter with its preview, commands, the name of a file.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use super::{commands, queries};
use crate::query::filter::complete::value_text;
use crate::query::filter::{Completion as Typed, complete};
use crate::query::{Ask, Filter, Measure, Value};
use crate::tui::format;
use crate::tui::model::action::{Effect, Export};
use crate::tui::model::columns::{self, Column};
use crate::tui::model::keymap::Command;
use crate::tui::model::prompt::{Completion, Problem, Prompt, Purpose};
use crate::tui::model::rows::RowId;
use crate::tui::model::state::State;
use crate::tui::model::table::About;

/// How long the fingers must rest before the table follows the filter.
const REST: Duration = Duration::from_millis(120);
/// How many filters are remembered.
const REMEMBERED: usize = 200;
/// How long a line can get.
const LONGEST: usize = 10_000;

/// Begins to edit the filter of the layer in front; one request in full is a layer of its own, so
/// there it is the filter of the list below.
pub(super) fn edit_filter(state: &mut State) {
    if state.layer().detail.is_some() {
        state.pop();
    }
    state.brush = None;
    let text = text_of(&state.layer().filter);
    let before = Box::new(state.layer().clone());
    state.prompt = Some(Prompt::new(Purpose::Filter { before, pending: None, wake: 0 }, text));
}

/// The text of a filter, with a blank behind it to go on typing.
fn text_of(filter: &Filter) -> String {
    let text = filter.to_string();
    if text.is_empty() { text } else { format!("{text} ") }
}

/// Asks for the name of a file for the table in front.
pub(super) fn ask_for_file(state: &mut State) {
    if state.export.is_some() {
        state.prompt = Some(Prompt::new(Purpose::StopExport { quit: false }, String::new()));
        return;
    }
    if queries::of_table(state, 0).is_none() {
        state.warn("there is no table to export yet");
        return;
    }
    let name = state.layer().table().title().to_lowercase().replace([' ', '/'], "-");
    let name = match state.layer().table().dimension() {
        Some(by) => format!("tamarin-{}.csv", by.name().replace('/', "-")),
        None => format!("tamarin-{name}.csv"),
    };
    state.prompt = Some(Prompt::new(Purpose::Export, name));
}

/// A key that writes into the line.
pub(super) fn type_key(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    let before = prompt.input.value().to_owned();
    prompt.input.handle_event(&Event::Key(key));
    if prompt.input.value().len() > LONGEST {
        prompt.set(before, None);
        return;
    }
    if prompt.input.value() != before {
        prompt.recalled = None;
        changed(state, effects);
    }
    if let Some(prompt) = &mut state.prompt {
        prompt.completion = None;
    }
}

/// Text from the clipboard: into the line if there is one, else as a filter to look at first.
pub(super) fn paste(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    if state.prompt.is_none() {
        return;
    }
    let Some(prompt) = &mut state.prompt else { return };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    let at = prompt.input.cursor();
    let mut whole: String = prompt.input.value().chars().take(at).collect();
    whole.push_str(line.trim_end());
    let cursor = whole.chars().count();
    whole.extend(prompt.input.value().chars().skip(at));
    prompt.set(whole, Some(cursor));
    changed(state, effects);
}

/// The text is another one: reads it, and has the table follow when the fingers rest.
fn changed(state: &mut State, effects: &mut Vec<Effect>) {
    let (now, number) = (state.now.unix, state.number());
    let Some(prompt) = &mut state.prompt else { return };
    prompt.problem = None;
    if let Purpose::Filter { pending, wake, .. } = &mut prompt.purpose {
        match Filter::parse(prompt.input.value(), now) {
            Ok(filter) => {
                *pending = Some(filter);
                *wake = number;
                effects.push(Effect::Wake { after: REST, number });
            }
            Err(error) => {
                *pending = None;
                prompt.problem =
                    Some(Problem { column: error.column.saturating_sub(1), message: error.message });
            }
        }
    }
}

/// The fingers rest: the table follows.
pub(super) fn woke(state: &mut State, number: u64) {
    let Some(Prompt { purpose: Purpose::Filter { pending, wake, .. }, .. }) = &mut state.prompt else {
        return;
    };
    if *wake == number
        && let Some(filter) = pending.take()
    {
        state.layer_mut().filter = filter;
    }
}

/// A key that does something else than write.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Accept => accept(state, effects),
        Command::Cancel | Command::No => {
            if let Some(Prompt { purpose: Purpose::Filter { before, .. }, .. }) = state.prompt.take() {
                *state.layer_mut() = *before;
            }
        }
        Command::Yes => match state.prompt.take().map(|prompt| prompt.purpose) {
            Some(Purpose::Overwrite(mut export)) => {
                export.overwrite = true;
                begin_export(state, export, effects);
            }
            Some(Purpose::StopExport { quit }) => {
                effects.push(if quit { Effect::Quit } else { Effect::StopExport });
            }
            _ => {}
        },
        Command::Complete => cycle(state, true, effects),
        Command::CompleteBack => cycle(state, false, effects),
        Command::Older => recall(state, true, effects),
        Command::Newer => recall(state, false, effects),
        _ => {}
    }
}

fn accept(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(prompt) = state.prompt.take() else { return };
    let text = prompt.input.value().trim().to_owned();
    match prompt.purpose {
        Purpose::Filter { ref before, .. } => match Filter::parse(&text, state.now.unix) {
            Ok(filter) => {
                if !text.is_empty() {
                    state.history.retain(|known| *known != text);
                    state.history.push(text);
                    if state.history.len() > REMEMBERED {
                        state.history.remove(0);
                    }
                }
                let resting = before.resting.clone();
                let layer = state.layer_mut();
                layer.filter = filter;
                layer.resting = resting;
            }
            Err(error) => {
                let problem = Problem { column: error.column.saturating_sub(1), message: error.message };
                state.prompt = Some(Prompt { problem: Some(problem), ..prompt });
            }
        },
        Purpose::Command => {
            if let Err(problem) = commands::run(state, &text, effects) {
                state.prompt = Some(Prompt { problem: Some(problem), ..prompt });
            }
        }
        Purpose::Export => match export(state, &text) {
            Ok(export) => begin_export(state, export, effects),
            Err(message) => {
                let problem = Problem { column: 0, message };
                state.prompt = Some(Prompt { problem: Some(problem), ..prompt });
            }
        },
        Purpose::Overwrite(_) | Purpose::StopExport { .. } => state.prompt = Some(prompt),
    }
}

/// Begins to write a file.
pub(super) fn begin_export(state: &mut State, export: Box<Export>, effects: &mut Vec<Effect>) {
    let name = export.path.file_name().unwrap_or_default().to_string_lossy();
    state.export = Some((format::visible(&name), 0, 0));
    effects.push(Effect::Export(export));
}

/// The table in front, to be written to a file of this name.
pub(super) fn export(state: &State, name: &str) -> Result<Box<Export>, String> {
    if state.export.is_some() {
        return Err("another file is still being written; wait for it, or stop it with e".to_owned());
    }
    let path = PathBuf::from(name);
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    if !matches!(ending.as_deref(), Some("csv" | "json" | "ndjson")) {
        return Err("the name must end in .csv, .json or .ndjson".to_owned());
    }
    let mut query = queries::of_table(state, 0).ok_or("there is no table to export yet")?;
    let table = state.layer().table();
    let mut columns: Vec<Column> = table.wanted().filter(|column| *column != Column::Activity).collect();
    let mut marks = table.marks.clone();
    match &mut query.ask {
        Ask::Groups { more, .. } => {
            // What the screen asks for the rows in sight only.
            let unasked: Vec<Measure> = columns
                .iter()
                .filter_map(|column| match column {
                    Column::Measure(measure) if !more.contains(measure) => Some(*measure),
                    _ => None,
                })
                .collect();
            more.extend(unasked);
        }
        Ask::Requests { .. } if !marks.is_empty() => {
            // In the order of the table, as far as it is known.
            let rows = table.rows.data.as_ref();
            let place = |mark: &RowId| rows.and_then(|rows| rows.position(mark)).unwrap_or(usize::MAX);
            marks.sort_by_key(place);
            let ids = marks.drain(..).filter_map(|mark| match mark {
                RowId::Request(id) => Some(id),
                _ => None,
            });
            query.ask = Ask::Numbered(ids.collect());
        }
        _ => {}
    }
    if table.about == About::Requests {
        // A screen has no room for every field; a file has, unless columns were chosen.
        if table.columns == columns::of_requests() {
            columns.clear();
        } else if let Ask::Requests { fields, .. } = &mut query.ask {
            *fields = columns
                .iter()
                .filter_map(|column| match column {
                    Column::Field(field) => Some(*field),
                    _ => None,
                })
                .collect();
        }
    }
    Ok(Box::new(Export { path, overwrite: false, query, columns, marks, sort: table.sort }))
}

/// Takes a line from the history, or goes back towards the present one.
fn recall(state: &mut State, older: bool, effects: &mut Vec<Effect>) {
    let State { prompt: Some(prompt), history, .. } = state else { return };
    if !matches!(prompt.purpose, Purpose::Filter { .. }) || history.is_empty() {
        return;
    }
    let (back, typed) = prompt.recalled.clone().unwrap_or((0, prompt.input.value().to_owned()));
    let next = if older { (back + 1).min(history.len()) } else { back.saturating_sub(1) };
    let text = match next {
        0 => typed.clone(),
        back => history.get(history.len() - back).cloned().unwrap_or_default(),
    };
    prompt.set(text, None);
    prompt.completion = None;
    prompt.recalled = Some((next, typed));
    changed(state, effects);
}

/// Completes the word before the cursor, or goes to the next completion.
fn cycle(state: &mut State, forward: bool, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    if let Some(completion) = &mut prompt.completion
        && !completion.candidates.is_empty()
    {
        let count = completion.candidates.len();
        completion.chosen = Some(match (completion.chosen, forward) {
            (None, true) => 0,
            (None, false) => count - 1,
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
        });
        put(state, effects);
        return;
    }
    let text = prompt.input.value().to_owned();
    let cursor = text.char_indices().nth(prompt.input.cursor()).map_or(text.len(), |(at, _)| at);
    match prompt.purpose {
        Purpose::Filter { .. } => complete_filter(state, &text, 0, cursor, effects),
        Purpose::Command => match commands::completions(state, &text[..cursor]) {
            commands::Completions::Words { at, words } => {
                let behind = text[cursor..].to_owned();
                offer(state, text[..at].to_owned(), behind, words, effects);
            }
            commands::Completions::Filter { at } => complete_filter(state, &text, at, cursor, effects),
        },
        Purpose::Export | Purpose::Overwrite(_) | Purpose::StopExport { .. } => {}
    }
}

/// Completes in a filter that begins at `base` in the text.
fn complete_filter(state: &mut State, text: &str, base: usize, cursor: usize, effects: &mut Vec<Effect>) {
    let behind = text[cursor..].to_owned();
    match complete(&text[base..], cursor - base) {
        Typed::Name { span, candidates } => {
            let words = candidates.into_iter().map(|name| format!("{name}:")).collect();
            offer(state, text[..base + span.start].to_owned(), behind, words, effects);
        }
        Typed::Value { dimension: Some(by), partial, span } => {
            let number = state.number();
            if let Some(prompt) = &mut state.prompt {
                prompt.completion = Some(Completion {
                    number,
                    of: Some(by.clone()),
                    before: text[..base + span.start].to_owned(),
                    behind,
                    candidates: Vec::new(),
                    chosen: None,
                });
            }
            effects.push(Effect::Complete { number, by, text: partial });
        }
        Typed::Value { dimension: None, .. } => state.say("this field has no values to choose from"),
        Typed::Nothing => state.say("nothing to complete here"),
    }
}

/// Values came in for the word that is to be completed.
pub(super) fn completed(state: &mut State, number: u64, values: Vec<String>, effects: &mut Vec<Effect>) {
    let Some(Prompt { completion: Some(completion), .. }) = &state.prompt else { return };
    let (true, Some(by)) = (completion.number == number, &completion.of) else { return };
    let words = values.iter().map(|value| value_text(by, &Value::from(value.as_str()))).collect();
    let (before, behind) = (completion.before.clone(), completion.behind.clone());
    offer(state, before, behind, words, effects);
}

/// Puts the first completion in place; there may be more.
fn offer(state: &mut State, before: String, behind: String, words: Vec<String>, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    if words.is_empty() {
        prompt.completion = None;
        state.say("nothing completes this");
        return;
    }
    prompt.completion =
        Some(Completion { number: 0, of: None, before, behind, candidates: words, chosen: Some(0) });
    put(state, effects);
}

/// Writes the chosen completion into the line. A single one is settled with that.
fn put(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    let Some(completion) = &prompt.completion else { return };
    let Some(word) = completion.chosen.and_then(|at| completion.candidates.get(at)) else { return };
    let start = format!("{}{word}", completion.before);
    let cursor = start.chars().count();
    let text = start + &completion.behind;
    if completion.candidates.len() == 1 {
        prompt.completion = None;
    }
    prompt.set(text, Some(cursor));
    changed(state, effects);
}
