//! Typing in the prompt: the filter with its preview, history, completion.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::backend::crossterm::EventHandler;

use crate::query::filter::{
    Completion as FilterCompletion, FilterError, complete, contradiction, term_for_word,
};
use crate::query::{Ask, Filter, Query, Value, filter::complete::value_text};
use crate::tui::model::{Command, Completion, Effect, Problem, Prompt, Purpose, State};
use crate::tui::update::{block, commands, detail, exports, findings, lists, palette, queries};

/// The table shows a typed filter after this pause in typing.
const PREVIEW_DELAY: Duration = Duration::from_millis(120);
/// Filters in the history.
const MAX_HISTORY: usize = 200;
/// Bytes of the text in the prompt.
const MAX_TEXT_BYTES: usize = 10_000;

/// Starts editing the filter of the layer in front; if a request is open, that of the layer below it.
pub(super) fn edit_filter(state: &mut State) {
    detail::close(state);
    let text = text_of(&state.layer().filter);
    let before = Box::new(state.layer().clone());
    state.prompt = Some(Prompt::new(Purpose::Filter { before, pending: None, timer: 0 }, text));
}

/// Starts editing the filter with `more` added to its text.
pub(super) fn edit_filter_with(state: &mut State, more: &str, effects: &mut Vec<Effect>) {
    edit_filter(state);
    if let Some(prompt) = &mut state.prompt {
        let text = format!("{}{more}", prompt.input.value());
        prompt.set(text, None);
        changed(state, effects);
    }
}

/// Filters the layer in front as a text says, and adds the text to the history.
pub(super) fn apply_filter(state: &mut State, text: &str) -> Result<(), Problem> {
    let filter = Filter::parse(text, state.now.unix_seconds).map_err(problem_of)?;
    remember(state, text);
    if state.layer().detail.is_some() {
        state.pop();
    }
    state.layer_mut().filter = filter;
    Ok(())
}

/// Adds a filter to the history.
fn remember(state: &mut State, text: &str) {
    if !text.is_empty() {
        state.history.retain(|entry| entry != text);
        state.history.push(text.to_owned());
        if state.history.len() > MAX_HISTORY {
            state.history.remove(0);
        }
    }
}

/// The text of a filter, followed by a space so that the user can type another term.
fn text_of(filter: &Filter) -> String {
    let text = filter.to_string();
    if text.is_empty() { text } else { format!("{text} ") }
}

/// Edits the text with a key that has no command.
pub(super) fn type_key(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    let is_proposal = std::mem::take(&mut prompt.is_proposal);
    let is_text = matches!(key.code, KeyCode::Char(_)) && !key.modifiers.contains(KeyModifiers::CONTROL);
    if is_proposal && is_text {
        prompt.set(String::new(), None);
    }
    let before = prompt.input.value().to_owned();
    prompt.input.handle_event(&Event::Key(key));
    if prompt.input.value().len() > MAX_TEXT_BYTES {
        return prompt.set(before, None);
    }
    if prompt.input.value() != before {
        prompt.recalled = None;
        changed(state, effects);
    }
    if let Some(prompt) = &mut state.prompt {
        prompt.completion = None;
    }
}

/// Inserts pasted text if there is a prompt.
pub(super) fn paste(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    if state.prompt.is_none() && lists::paste(state, text) {
        return;
    }
    let Some(prompt) = &mut state.prompt else {
        let key = state.table_key(Command::EditFilter);
        return state.notify(format!("pasted text does nothing here; {key} edits the filter"));
    };
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT_BYTES).collect();
    if std::mem::take(&mut prompt.is_proposal) {
        prompt.set(String::new(), None);
    }
    let at = prompt.input.cursor();
    let mut whole: String = prompt.input.value().chars().take(at).collect();
    whole.push_str(line.trim_end());
    let cursor = whole.chars().count();
    whole.extend(prompt.input.value().chars().skip(at));
    prompt.set(whole, Some(cursor));
    changed(state, effects);
}

/// Parses the changed text; a valid filter is applied after a pause in typing.
fn changed(state: &mut State, effects: &mut Vec<Effect>) {
    let (at, number) = (state.time_reference(), state.next_number());
    let Some(prompt) = &mut state.prompt else { return };
    (prompt.problem, prompt.warning) = (None, None);
    if matches!(prompt.purpose, Purpose::Command) {
        return commands::read_line(state);
    }
    if let Purpose::Filter { pending, timer, .. } = &mut prompt.purpose {
        match Filter::parse(prompt.input.value(), at) {
            Ok(filter) => {
                prompt.warning = contradiction(&filter).map(|found| found.to_string());
                *pending = Some(filter);
                *timer = number;
                effects.push(Effect::StartTimer { after: PREVIEW_DELAY, number });
            }
            Err(error) => {
                *pending = None;
                prompt.problem = Some(problem_of(error));
            }
        }
    }
}

/// Applies the typed filter when its timer ends.
pub(super) fn timer_fired(state: &mut State, number: u64) {
    let Some(Prompt { purpose: Purpose::Filter { pending, timer, .. }, .. }) = &mut state.prompt else {
        return;
    };
    if *timer == number
        && let Some(filter) = pending.take()
    {
        state.layer_mut().filter = filter;
    }
}

/// Performs a command in the prompt.
pub(super) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Accept => accept(state, effects),
        Command::Cancel | Command::No => match state.prompt.take().map(|prompt| prompt.purpose) {
            Some(Purpose::Filter { before, .. }) => *state.layer_mut() = *before,
            Some(Purpose::StopExport { .. }) => state.prompt = state.prompt_below.take(),
            _ => {}
        },
        Command::Yes => match state.prompt.take().map(|prompt| prompt.purpose) {
            Some(Purpose::Overwrite(mut export)) => {
                export.overwrite = true;
                exports::start(state, export, effects);
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
    let result = match prompt.purpose {
        Purpose::Filter { ref before, .. } => match Filter::parse(&text, state.time_reference()) {
            Ok(filter) => {
                remember(state, &text);
                let disabled = before.disabled.clone();
                let layer = state.layer_mut();
                layer.filter = filter;
                layer.disabled = disabled;
                Ok(())
            }
            Err(error) => Err(problem_of(error)),
        },
        Purpose::Command => {
            state.prompt = Some(prompt);
            return palette::accept(state, effects);
        }
        Purpose::Export => exports::prepare(state, &text)
            .map(|export| exports::start(state, export, effects))
            .map_err(|message| Problem { column: 0, message }),
        Purpose::Mute(ref mutes) => {
            findings::mute(state, mutes, &text, effects);
            Ok(())
        }
        Purpose::BlockFile => {
            block::write(state, &text, effects).map_err(|message| Problem { column: 0, message })
        }
        Purpose::Overwrite(_) | Purpose::StopExport { .. } => {
            state.prompt = Some(prompt);
            return;
        }
    };
    if let Err(problem) = result {
        state.prompt = Some(Prompt { problem: Some(problem), ..prompt });
    }
}

fn problem_of(error: FilterError) -> Problem {
    // Completion lists the names, and the line is short.
    Problem { column: error.column.saturating_sub(1), message: error.short.unwrap_or(error.message) }
}

/// Replaces the text with the previous or the next entry of the history.
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

/// Completes the word before the cursor, or replaces it with the next candidate.
pub(super) fn cycle(state: &mut State, forward: bool, effects: &mut Vec<Effect>) {
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
        return put(state, effects);
    }
    let text = prompt.input.value().to_owned();
    let cursor = text.char_indices().nth(prompt.input.cursor()).map_or(text.len(), |(at, _)| at);
    match prompt.purpose {
        Purpose::Filter { .. } => complete_filter(state, &text, 0, cursor, effects),
        Purpose::Command => match commands::completions(state, &text[..cursor]) {
            commands::Completions::Words { at, words } => {
                let after = text[cursor..].to_owned();
                offer(state, text[..at].to_owned(), after, words, effects);
            }
            commands::Completions::Filter { at } => complete_filter(state, &text, at, cursor, effects),
        },
        Purpose::Export
        | Purpose::Mute(_)
        | Purpose::BlockFile
        | Purpose::Overwrite(_)
        | Purpose::StopExport { .. } => {}
    }
}

/// Completes a word of the filter that begins at byte `base` of `text`.
fn complete_filter(state: &mut State, text: &str, base: usize, cursor: usize, effects: &mut Vec<Effect>) {
    let after = text[cursor..].to_owned();
    match complete(&text[base..], cursor - base) {
        FilterCompletion::Name { candidates, .. } if candidates.is_empty() => {
            offer_meaning(state, text, base, cursor, effects)
        }
        FilterCompletion::Name { span, candidates } => {
            let words = candidates.into_iter().map(|name| format!("{name}:")).collect();
            offer(state, text[..base + span.start].to_owned(), after, words, effects);
        }
        FilterCompletion::Value { dimension: Some(by), partial, span } => {
            let number = state.next_number();
            if let Some(prompt) = &mut state.prompt {
                prompt.completion = Some(Completion {
                    number,
                    of: Some(by.clone()),
                    before: text[..base + span.start].to_owned(),
                    after,
                    candidates: Vec::new(),
                    chosen: None,
                });
            }
            let query = Query { filter: Filter::everything(), ..queries::layer_query(state, Ask::Totals) };
            effects.push(Effect::Complete { number, query: Box::new(query), by, text: partial });
        }
        FilterCompletion::Value { dimension: None, .. } => state.notify("this field has no completions"),
        FilterCompletion::Nothing => offer_meaning(state, text, base, cursor, effects),
    }
}

/// Offers the term that a word before the cursor may mean: `status:403` for `403`.
fn offer_meaning(state: &mut State, text: &str, base: usize, cursor: usize, effects: &mut Vec<Effect>) {
    let word = text[base..cursor].rsplit(char::is_whitespace).next().unwrap_or_default();
    let parsed = Filter::parse(word, state.time_reference()).ok();
    match parsed.as_ref().and_then(term_for_word) {
        Some(term) => {
            let before = text[..cursor - word.len()].to_owned();
            offer(state, before, text[cursor..].to_owned(), vec![term], effects);
        }
        None => state.notify("nothing to complete"),
    }
}

/// Offers the values that the engine found for the word.
pub(super) fn completed(state: &mut State, number: u64, values: Vec<String>, effects: &mut Vec<Effect>) {
    let Some(Prompt { completion: Some(completion), .. }) = &state.prompt else { return };
    let (true, Some(by)) = (completion.number == number, &completion.of) else { return };
    let words = values.iter().map(|value| value_text(by, &Value::from(value.as_str()))).collect();
    let (before, after) = (completion.before.clone(), completion.after.clone());
    offer(state, before, after, words, effects);
}

/// Replaces the word with the first of `words`, and offers the others.
fn offer(state: &mut State, before: String, after: String, words: Vec<String>, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    if words.is_empty() {
        prompt.completion = None;
        return state.notify("no completions");
    }
    prompt.completion =
        Some(Completion { number: 0, of: None, before, after, candidates: words, chosen: Some(0) });
    put(state, effects);
}

/// Writes the chosen candidate into the text. If it is the only one, the completion ends.
fn put(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    let Some(completion) = &prompt.completion else { return };
    let Some(word) = completion.chosen.and_then(|at| completion.candidates.get(at)) else { return };
    let start = format!("{}{word}", completion.before);
    let cursor = start.chars().count();
    let text = start + &completion.after;
    if completion.candidates.len() == 1 {
        prompt.completion = None;
    }
    prompt.set(text, Some(cursor));
    changed(state, effects);
}
