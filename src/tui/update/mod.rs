//! What every action does to the state. Pure: no I/O, no clock; what has to be done outside comes back
//! as effects.

mod answers;
mod commands;
mod cursor;
mod drill;
mod filters;
mod lists;
mod mouse;
mod prompt;
mod queries;
mod time_range;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::ingest::Phase;
use crate::tui::model::action::{Action, Effect, Exported, Moment};
use crate::tui::model::keymap::{self, Command, Context};
use crate::tui::model::layout;
use crate::tui::model::prompt::{Prompt, Purpose};
use crate::tui::model::state::{Overlay, State};

pub(crate) use commands::COMMANDS;
pub(crate) use lists::{choices_of_columns, dimensions, widths};
pub(crate) use queries::width_of_times;
pub(crate) use time_range::sum_of_burst;

/// Does what an action asks for and returns what is to be done outside.
pub(crate) fn update(state: &mut State, now: Moment, action: Action) -> Vec<Effect> {
    state.now = now;
    let mut effects = Vec::new();
    match action {
        Action::Begin => {}
        Action::Key(key) => press(state, key, &mut effects),
        Action::Mouse(event) => mouse::happened(state, event, &mut effects),
        Action::Paste(text) => prompt::paste(state, &text, &mut effects),
        Action::Resize(columns, rows) => resize(state, columns, rows),
        Action::Answered(told) => answers::take(state, *told),
        Action::Completed { number, values } => prompt::completed(state, number, values, &mut effects),
        Action::Progress(progress) => {
            if progress.phase == Phase::Failed
                && state.progress.as_ref().is_none_or(|before| before.phase != Phase::Failed)
                && let Some(fatal) = &progress.fatal
            {
                state.warn(crate::tui::format::visible(fatal));
            }
            state.progress = Some(*progress);
        }
        Action::Grown(generation) => {
            state.newest = state.newest.max(generation);
            if !state.paused {
                state.generation = state.newest;
            }
        }
        Action::Held(Ok(generation)) => {
            state.newest = state.newest.max(generation);
            if state.paused {
                // All that is shown is asked for again, as far as it is of other data.
                state.generation = generation;
            }
        }
        Action::Held(Err(message)) => {
            state.paused = false;
            state.warn(format!("not paused: {}", crate::tui::format::visible(&message)));
        }
        Action::Woke(number) => prompt::woke(state, number),
        Action::Exporting { rows, total } => {
            if let Some(export) = &mut state.export {
                (export.1, export.2) = (rows, total);
            }
        }
        Action::Exported(exported) => exported_to(state, exported),
    }
    layout::measure(state);
    queries::reconcile(state, &mut effects);
    effects
}

/// Where the keyboard is.
pub(crate) fn context(state: &State) -> Context {
    match (&state.prompt, &state.overlay) {
        (Some(Prompt { purpose: Purpose::Overwrite(_) | Purpose::StopExport { .. }, .. }), _) => {
            Context::Question
        }
        (Some(_), _) => Context::Prompt,
        (None, Some(Overlay::Help(_) | Overlay::Failures(_))) => Context::Reading,
        (None, Some(Overlay::Filters(_))) => Context::Filters,
        (None, Some(Overlay::Columns(_))) => Context::Columns,
        (None, Some(Overlay::Dimensions(_) | Overlay::Widths(_))) => Context::Pick,
        (None, None) if state.brush.is_some() => Context::Brush,
        (None, None) if state.layer().detail.is_some() => Context::Detail,
        (None, None) => Context::Table,
    }
}

fn press(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    // A terminal tells Esc and a key right behind it as that key with Alt. Nothing here is bound to Alt.
    if key.modifiers.contains(KeyModifiers::ALT) && matches!(key.code, KeyCode::Char(_)) {
        let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        press(state, esc, effects);
        press(state, KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..key }, effects);
        return;
    }
    let context = context(state);
    let command = keymap::lookup(context, key);
    if layout::is_too_small(state.size) && command != Some(Command::Quit) {
        return;
    }
    state.message = None;
    state.layer_mut().burst_key = None;
    match (command, context) {
        (Some(Command::Quit), _) => quit(state, effects),
        (Some(Command::Redraw), _) => effects.push(Effect::Redraw),
        (Some(Command::Suspend), _) => effects.push(Effect::Suspend),
        (Some(command), Context::Prompt | Context::Question) => prompt::perform(state, command, effects),
        (None, Context::Prompt) => prompt::type_key(state, key, effects),
        (Some(command), Context::Filters | Context::Columns | Context::Pick | Context::Reading) => {
            lists::perform(state, command);
        }
        (Some(command), Context::Brush) => time_range::brush(state, command),
        (Some(command), Context::Table | Context::Detail) => perform(state, command, effects),
        (None, _) => {}
    }
}

/// Does what a key means to a table or to one request in full.
pub(crate) fn perform(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
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
        Command::Back => drill::back(state),
        Command::Tab(_) | Command::NextTab | Command::PreviousTab => drill::tab(state, command),
        Command::GroupBy => lists::group_by(state),
        Command::Columns => state.overlay = Some(Overlay::Columns(0)),
        Command::Filters => lists::filters(state),
        Command::Failures => state.overlay = Some(Overlay::Failures(0)),
        Command::Help => state.overlay = Some(Overlay::Help(0)),
        Command::Sort => cursor::sort(state),
        Command::Mark | Command::Unmark => cursor::mark(state, command),
        Command::Only | Command::Not => filters::only(state, command == Command::Not),
        Command::DropLast => filters::drop_last(state),
        Command::ClearFilter => filters::clear(state),
        Command::EditFilter => prompt::edit_filter(state),
        Command::Colon => state.prompt = Some(Prompt::new(Purpose::Command, String::new())),
        Command::Export => prompt::ask_for_file(state),
        Command::Brush => time_range::begin(state),
        Command::ZoomIn => time_range::zoom_in(state),
        Command::ZoomOut => time_range::zoom_out(state),
        Command::NextBurst | Command::PreviousBurst => time_range::burst(state, command),
        Command::Bars => state.bars = state.bars.next(),
        Command::Copy => copy(state, effects),
        Command::Zone => {
            show_zone(state, !state.local);
        }
        Command::Pause => pause(state, effects),
        Command::Quit => quit(state, effects),
        Command::Redraw => effects.push(Effect::Redraw),
        Command::Suspend => effects.push(Effect::Suspend),
        _ => {}
    }
}

/// Quits; asks first if that would end an export. Asked for once more, it quits.
fn quit(state: &mut State, effects: &mut Vec<Effect>) {
    let is_asked = matches!(&state.prompt, Some(Prompt { purpose: Purpose::StopExport { quit: true }, .. }));
    if state.export.is_none() || is_asked {
        effects.push(Effect::Quit);
    } else {
        state.overlay = None;
        state.prompt = Some(Prompt::new(Purpose::StopExport { quit: true }, String::new()));
    }
}

/// Shows instants in the zone of the user, or in UTC.
fn show_zone(state: &mut State, local: bool) {
    state.local = local;
    let name = state.zone_name();
    state.say(format!("times are in {name}"));
}

fn pause(state: &mut State, effects: &mut Vec<Effect>) {
    state.paused = !state.paused;
    effects.push(Effect::Hold(state.paused));
    if state.paused {
        state.say("paused: the numbers stand still, logs still come in; p goes on");
    } else {
        state.generation = state.newest;
        state.say("following the data again");
    }
}

fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    match cursor::value_under_cursor(state) {
        Some(text) => {
            let on_one_line = text.lines().collect::<Vec<_>>().join(", ");
            state.say(format!("copied {}", crate::tui::widgets::fit::middle(&on_one_line, 60)));
            effects.push(Effect::Copy(text));
        }
        None => state.warn("nothing here to copy"),
    }
}

fn resize(state: &mut State, columns: u16, rows: u16) {
    state.size = (columns, rows);
    let page = layout::Areas::of(state).page();
    state.layer_mut().table_mut().show_cursor(page);
    cursor::show_field(state);
}

fn exported_to(state: &mut State, exported: Exported) {
    state.export = None;
    // There is nothing left to stop.
    if matches!(&state.prompt, Some(Prompt { purpose: Purpose::StopExport { .. }, .. })) {
        state.prompt = None;
    }
    match exported {
        Exported::Cancelled => state.say("the export was stopped; no file was written"),
        Exported::Written { path, rows, approximate } => {
            let path = crate::tui::format::visible(&path.display().to_string());
            let mut told = format!("{} written to {path}", crate::tui::format::counted(rows, "row"));
            if !approximate.is_empty() {
                told.push_str(&format!("; ≈ {}", approximate.join(", ")));
            }
            state.say(told);
        }
        Exported::Exists(export) => {
            // The footer shows the keys that answer.
            state.message = None;
            state.prompt = Some(Prompt::new(Purpose::Overwrite(export), String::new()));
        }
        Exported::Failed(reason) => state.warn(crate::tui::format::visible(&reason)),
    }
}
