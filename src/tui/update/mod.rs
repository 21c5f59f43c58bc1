//! Changes the state after each action: a pure function that returns effects for `app` to carry out. Contains no I/O
//! and no clock.

mod answers;
mod arrange;
mod block;
mod choose;
mod commands;
mod copying;
mod cursor;
mod detail;
mod drill;
mod emptiness;
mod exports;
mod filters;
mod findings;
mod folders;
mod heat_map;
mod investigate;
mod lists;
mod mouse;
mod names;
mod palette;
mod pane;
mod prompt;
mod queries;
mod range_preview;
mod settings;
mod time_range;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub(super) use copying::MAX_COPIED_ROWS;
pub(super) use investigate::begin as begin_investigation;

use crate::ingest::{Phase, Progress};
use crate::tui::format;
use crate::tui::model::footer::can_copy;
use crate::tui::model::undo::{self, record};
use crate::tui::model::{
    Action, ActionTime, Command, Context, Effect, Exported, ListKind, Overlay, Problem, Prompt, Purpose,
    State, keymap::Key, layout,
};
use crate::tui::widgets::fit;

/// The message until the pull ends that the user asked for.
const READING_AGAIN: &str = "reading the sources again …";

/// Changes the state after `action` and returns the effects that `app` carries out.
pub(super) fn update(state: &mut State, now: ActionTime, action: Action) -> Vec<Effect> {
    state.now = now;
    let place = range_preview::place(state);
    let mut effects = Vec::new();
    // A timer shows what was typed.
    let is_by_user =
        matches!(action, Action::Key(_) | Action::Mouse(_) | Action::Paste(_) | Action::TimerFired(_));
    match action {
        Action::Begin => {}
        Action::Key(key) => press(state, key, &mut effects),
        Action::Mouse(event) => mouse::handle(state, event, &mut effects),
        Action::Paste(text) => prompt::paste(state, &text, &mut effects),
        Action::Resize(columns, rows) => resize(state, columns, rows),
        Action::Answered(result) => answers::store(state, *result),
        Action::Analysed(result) if emptiness::store(state, &result) => {}
        Action::Analysed(result) if names::store(state, &result) => {}
        Action::Analysed(result) => {
            match state.pane.as_ref().is_some_and(|pane| pane.number() == result.number) {
                true => pane::store(state, *result, &mut effects),
                false => findings::store(state, *result),
            }
        }
        Action::Completed { number, values } => prompt::completed(state, number, values, &mut effects),
        Action::Progress(progress) => show_progress(state, *progress),
        Action::LogsCounted(counts) => state.log_counts = counts,
        Action::DataChanged(generation) => {
            state.newest_generation = state.newest_generation.max(generation);
            if !state.paused {
                state.generation = state.newest_generation;
            }
        }
        Action::SnapshotPinned(Ok(generation)) => {
            state.newest_generation = state.newest_generation.max(generation);
            if state.paused {
                // Queries whose answers are of an earlier generation are sent again.
                state.generation = generation;
                state.added_since_pause = 0;
            }
        }
        Action::SnapshotPinned(Err(message)) => {
            state.paused = false;
            state.warn(format!("cannot pause: {}", format::visible(&message)));
        }
        Action::TimerFired(number) => {
            prompt::timer_fired(state, number);
            findings::timer_fired(state, number);
        }
        Action::Exporting { rows, total } => {
            if let Some(export) = &mut state.export {
                (export.rows, export.total) = (rows, total);
            }
        }
        Action::Muted { mutes, error } => findings::muted(state, &mutes, error),
        Action::Unmuted { mute, result } => findings::unmuted(state, &mute, result),
        Action::MutesListed(mutes) => findings::list_mutes(state, mutes),
        Action::FileWritten { path, result } => block::written(state, &path, result),
        Action::Exported(exported) => finish_export(state, exported),
        Action::NameFound(address, found) => names::found(state, address, &found),
        Action::TableCopied(form, table) => copying::table_copied(state, form, table, &mut effects),
        Action::InvestigationSaved { named, result } => investigate::saved(state, *named, result),
        Action::TerminalChanged(theme) => settings::terminal_changed(state, theme),
        Action::SettingsChanged(changed) => settings::reloaded(state, changed.map(|settings| *settings)),
    }
    range_preview::keep_place(state, place);
    detail::follow(state);
    ask_to_overwrite(state);
    findings::list(state);
    arrange::arrange(state);
    record(state, is_by_user);
    layout::place_columns(state);
    names::reconcile(state, &mut effects);
    queries::reconcile(state, &mut effects);
    findings::reconcile(state, &mut effects);
    emptiness::reconcile(state, &mut effects);
    effects
}

fn press(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    // A terminal sends Esc followed at once by another key as that key with Alt. No key is bound to Alt.
    if key.modifiers.contains(KeyModifiers::ALT) && matches!(key.code, KeyCode::Char(_)) {
        let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        press(state, esc, effects);
        layout::place_columns(state);
        press(state, KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..key }, effects);
        return;
    }
    let mut looked_up = state.settings.keys.lookup(state.context(), key);
    if state.has_copy_menu {
        // A key that copies nothing has its usual command.
        let copies = looked_up.0.is_some_and(|command| can_copy(state, command));
        state.has_copy_menu = false;
        if !copies {
            looked_up = state.settings.keys.lookup(state.context(), key);
        }
    }
    let (command, context) = looked_up;
    if state.is_too_small() && command != Some(Command::Quit) {
        return;
    }
    state.message = None;
    state.layer_mut().pending_burst = None;
    match (command, context) {
        (Some(command), context) => dispatch(state, command, context, effects),
        (None, Context::Prompt | Context::Palette) => prompt::type_key(state, key, effects),
        (None, Context::Filters | Context::Columns | Context::Pick) => lists::type_key(state, key),
        // The footer shows the keys of a question.
        (None, Context::Confirm) => {}
        (None, _) => has_no_command(state, key, context),
    }
}

/// Performs a command of a key, or of a click on it in the footer, in the context that it belongs to.
fn dispatch(state: &mut State, command: Command, context: Context, effects: &mut Vec<Effect>) {
    match (command, context) {
        (Command::Quit, _) => quit(state, effects),
        (Command::Redraw, _) => effects.push(Effect::Redraw),
        (Command::Suspend, _) => effects.push(Effect::Suspend),
        (Command::Mouse, _) => mouse::release_or_take(state, effects),
        (command, Context::Prompt | Context::Confirm) => prompt::perform(state, command, effects),
        (command, Context::Palette) => palette::perform(state, command, effects),
        (command, Context::Filters | Context::Columns | Context::Pick | Context::Reading) => {
            lists::perform(state, command, effects);
        }
        (command, Context::Contrast | Context::Concentration | Context::Block) => {
            pane::perform(state, command, effects);
        }
        (command, Context::CopyMenu) => copying::perform(state, command, effects),
        (command, Context::Brush) => time_range::perform(state, command),
        (command, Context::HeatMap) if heat_map::perform(state, command) => {}
        (command, Context::Table | Context::Findings | Context::HeatMap | Context::Detail) => {
            perform(state, command, effects)
        }
    }
}

/// Says that a key does nothing here, unless it is one that the user presses without a purpose of its own.
fn has_no_command(state: &mut State, key: KeyEvent, context: Context) {
    if !matches!(
        key.code,
        KeyCode::Char(_)
            | KeyCode::F(_)
            | KeyCode::Enter
            | KeyCode::Esc
            | KeyCode::Tab
            | KeyCode::BackTab
            | KeyCode::Backspace
            | KeyCode::Delete
            | KeyCode::Insert
            | KeyCode::Left
            | KeyCode::Right
            | KeyCode::Home
            | KeyCode::End
    ) {
        return;
    }
    let (command, what) = match context {
        Context::Reading => (Command::Cancel, "closes"),
        _ => (Command::Help, "shows all keys"),
    };
    let name = format::visible(&Key(key.code, key.modifiers).label());
    state
        .notify(format!("{name} does nothing here; {} {what}", state.settings.keys.key_of(context, command)));
}

/// Performs a command in a table or in an open request.
fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Up
        | Command::Down
        | Command::PageUp
        | Command::PageDown
        | Command::HalfUp
        | Command::HalfDown
        | Command::First
        | Command::Last
        | Command::Left
        | Command::Right => cursor::perform(state, command),
        Command::Open => drill::open(state),
        Command::NextRequest => detail::step(state, true),
        Command::PreviousRequest => detail::step(state, false),
        Command::Around => detail::around(state),
        Command::SameObject => detail::same_object(state),
        Command::CopyForSupport => detail::copy_for_support(state, effects),
        Command::Toggle if state.layer().detail.is_some() => {
            state.shows_absent_fields = !state.shows_absent_fields;
            cursor::show_field(state);
        }
        Command::Back => drill::back(state),
        Command::Tab(_) | Command::NextTab | Command::PreviousTab => drill::tab(state, command),
        Command::GroupBy => lists::group_by(state),
        Command::Columns => state.open_list(ListKind::Columns),
        Command::Investigations => state.open_list(ListKind::Investigations),
        Command::HeatMap => heat_map::toggle(state),
        Command::Widen => cursor::widen(state),
        Command::ScrollLeft => cursor::scroll_columns(state, false),
        Command::ScrollRight => cursor::scroll_columns(state, true),
        Command::Filters => lists::filters(state),
        Command::Failures => state.overlay = Some(Overlay::Failures(0)),
        Command::Layers => layers(state),
        Command::Folders => folders::switch(state),
        Command::Resume => resume(state),
        Command::Undo | Command::Redo => undo_or_redo(state, command == Command::Undo),
        Command::Help => state.open_list(ListKind::Help),
        Command::Sort => cursor::sort(state),
        Command::Mark | Command::Unmark => cursor::mark(state, command),
        Command::Only | Command::Not => filters::only(state, command == Command::Not),
        Command::DropLast => filters::drop_last(state),
        Command::ClearFilter => filters::clear(state),
        Command::EditFilter => prompt::edit_filter(state),
        Command::Palette => state.prompt = Some(Prompt::new(Purpose::Command, String::new())),
        Command::Export => exports::ask_for_file(state),
        Command::Brush => time_range::start_brush(state),
        Command::ZoomIn => time_range::zoom_in(state),
        Command::ZoomOut => time_range::zoom_out(state),
        Command::NextFinding | Command::PreviousFinding => time_range::burst(state, command),
        Command::TimelineMeasure => state.next_timeline_measure(),
        Command::Copy => copying::copy(state, effects),
        Command::Contrast => pane::contrast(state, effects),
        Command::Concentration => pane::concentration(state, effects),
        Command::Block => block::open(state, effects),
        Command::Mute => findings::mute_or_unmute(state, effects),
        Command::Mutes => effects.push(Effect::ListMutes),
        Command::SetAside => findings::toggle_set_aside(state),
        Command::Zone => show_zone(state, !state.shows_local_time),
        Command::Pause => pause(state, effects),
        Command::Retry => retry(state, effects),
        _ => {}
    }
}

/// Quits. While an export is running, the first call asks for confirmation, the second quits.
fn quit(state: &mut State, effects: &mut Vec<Effect>) {
    let is_asked = matches!(&state.prompt, Some(Prompt { purpose: Purpose::StopExport { quit: true }, .. }));
    if state.export.is_none() || is_asked {
        effects.push(Effect::Quit);
    } else {
        state.overlay = None;
        let question = Prompt::new(Purpose::StopExport { quit: true }, String::new());
        if let Some(below) = state.prompt.replace(question)
            && !matches!(below.purpose, Purpose::StopExport { .. })
        {
            state.prompt_below = Some(below);
        }
    }
}

/// Shows the last view of the session before.
fn resume(state: &mut State) {
    let undo = state.table_key(Command::Undo);
    match state.show_last_view(state.now.unix_seconds) {
        true => {
            state.brush = None;
            state.notify(format!("the last view of the session before; {undo} goes back"));
        }
        false => state.notify("there is no earlier view of this cache"),
    }
}

fn layers(state: &mut State) {
    match state.depth() {
        1 => state.notify("this is the first layer"),
        _ => state.open_list(ListKind::Layers),
    }
}

/// Takes the last change of the view back, or makes it again.
fn undo_or_redo(state: &mut State, is_undo: bool) {
    let [undo, redo] = [Command::Undo, Command::Redo].map(|command| state.table_key(command));
    match (undo::step(state, is_undo), is_undo) {
        (Some(what), true) => state.notify(format!("undone: {what}; {redo} redoes it")),
        (Some(what), false) => state.notify(format!("redone: {what}; {undo} undoes it")),
        (None, true) => state.notify("nothing to undo"),
        (None, false) => state.notify("nothing to redo"),
    }
}

/// Shows times in the time zone of the user, or in UTC.
fn show_zone(state: &mut State, local: bool) {
    state.shows_local_time = local;
    let name = state.zone_name();
    state.notify(format!("times are in {name}"));
}

/// Has the sources read again.
fn retry(state: &mut State, effects: &mut Vec<Effect>) {
    match &state.progress {
        None => state.notify("no source is being read: all requests are from the cache"),
        Some(progress) if !progress.is_over() => state.notify("the sources are being read already"),
        Some(_) => {
            effects.push(Effect::Retry);
            state.notify(READING_AGAIN);
        }
    }
}

fn pause(state: &mut State, effects: &mut Vec<Effect>) {
    state.paused = !state.paused;
    state.added_since_pause = 0;
    effects.push(Effect::PinSnapshot(state.paused));
    if state.paused {
        let key = state.table_key(Command::Pause);
        state.notify(format!("paused: new requests are stored but not shown; {key} resumes"));
    } else {
        state.generation = state.newest_generation;
        state.notify("live again");
    }
}

fn copy_text(state: &mut State, text: Option<String>, effects: &mut Vec<Effect>) {
    match text {
        Some(text) => {
            let on_one_line = text.lines().collect::<Vec<_>>().join(", ").replace('\t', "  ");
            let room = usize::from(state.size.0).saturating_sub("copied ".len() + 2);
            state.notify(format!("copied {}", fit::middle(&on_one_line, room)));
            effects.push(Effect::Copy(text));
        }
        None => state.warn("nothing to copy"),
    }
}

fn resize(state: &mut State, columns: u16, rows: u16) {
    state.size = (columns, rows);
    let page = layout::Areas::of(state).page();
    state.layer_mut().table_mut().show_cursor(page);
    cursor::show_field(state);
}

fn show_progress(state: &mut State, progress: Progress) {
    let had_failed = state.progress.as_ref().is_some_and(|before| before.phase == Phase::Failed);
    if progress.phase == Phase::Failed
        && !had_failed
        && let Some(fatal) = &progress.fatal
    {
        state.warn(format::visible(fatal));
    }
    if state.paused {
        let before = state.progress.as_ref().map_or(0, |before| before.requests);
        // The next pull counts from 0 again.
        let added = progress.requests.checked_sub(before).unwrap_or(progress.requests);
        state.added_since_pause += added;
    }
    let has_ended = progress.is_over();
    state.progress = Some(progress);
    if has_ended && state.message.as_ref().is_some_and(|message| message.text == READING_AGAIN) {
        state.message = None;
        if state.has_failures() {
            let key = state.table_key(Command::Failures);
            state.warn(format!("the sources could not all be read again; {key} shows why"));
        }
    }
}

/// Asks whether to replace the file of an export. Not in front of another prompt or popup: keys for that would answer
/// the question.
fn ask_to_overwrite(state: &mut State) {
    if state.prompt.is_none() && state.overlay.is_none() && !state.overwrite_questions.is_empty() {
        // A message would hide the keys in the footer.
        state.message = None;
        let export = Box::new(state.overwrite_questions.remove(0));
        state.prompt = Some(Prompt::new(Purpose::Overwrite(export), String::new()));
    }
}

fn finish_export(state: &mut State, exported: Exported) {
    let path = state.export.take().map(|export| export.path.display().to_string());
    // The export to stop has ended by itself.
    if matches!(&state.prompt, Some(Prompt { purpose: Purpose::StopExport { .. }, .. })) {
        state.prompt = state.prompt_below.take();
    }
    match exported {
        Exported::Cancelled => state.notify("export stopped; no file was written"),
        Exported::Written { path, rows, approximate } => {
            let shown = format::visible(&path.display().to_string());
            let mut text = format!("{} written to {shown}", format::counted(rows, "row"));
            if !approximate.is_empty() {
                text.push_str(&format!("; ≈ {}", approximate.join(", ")));
            }
            state.notify_of_file(text, path);
        }
        Exported::Exists(export) => {
            let path = format::visible(&export.path.display().to_string());
            state.notify(format!("{path} exists: the export waits for an answer"));
            state.overwrite_questions.push(*export);
        }
        // The user corrects the name, unless he is busy with something else.
        Exported::Failed(message)
            if state.prompt.is_none() && state.overlay.is_none() && state.pane.is_none() =>
        {
            let prompt = Prompt::new(Purpose::Export, path.unwrap_or_default());
            state.prompt = Some(Prompt { problem: Some(Problem { column: 0, message }), ..prompt });
        }
        Exported::Failed(reason) => state.warn(format::visible(&reason)),
    }
}
