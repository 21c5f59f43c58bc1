//! The palette: everything that can be done, found by typing. It is shown above the command line: the line that is typed
//! there is one of its entries.

use ratatui::layout::Rect;

use crate::tui::format;
use crate::tui::model::footer::can_copy;
use crate::tui::model::keymap::{Command, Group};
use crate::tui::model::list_entries::{self, about_dimension};
use crate::tui::model::lists::{Choice, Entry, List, dimensions};
use crate::tui::model::matching::Errors;
use crate::tui::model::{COMMANDS, Column, Prompt, Purpose, State};

/// Choices of the user that are remembered.
pub(crate) const MAX_RECENT: usize = 20;
/// Filters of the history that are listed before commands.
const RECENT_FILTERS: usize = 3;
/// Filters of the history that are listed at all.
const MAX_FILTERS: usize = 50;
/// Lines of the palette.
const MAX_LINES: u16 = 16;

/// What the typed text is as a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It is none.
    No,
    /// The name of a command with an argument that is not valid yet.
    Incomplete,
    Complete,
}

/// The palette in front; `None` if no command line is being typed.
pub(crate) fn in_front(state: &State) -> Option<List> {
    let prompt = state.prompt.as_ref().filter(|prompt| matches!(prompt.purpose, Purpose::Command))?;
    Some(of(state, prompt))
}

fn of(state: &State, prompt: &Prompt) -> List {
    let typed = prompt.input.value();
    let errors = if prompt.line == Line::No { Errors::Forgiven } else { Errors::NotForgiven };
    let entries = if typed.trim().is_empty() { recent_first(state) } else { entries(state) };
    let mut list = List::narrowed("Commands".to_owned(), entries, typed, errors, 0);
    let line = typed.trim();
    let name = line.split(' ').next().unwrap_or_default();
    let about = COMMANDS.iter().find(|spec| spec.name == name).map_or("run this command", |spec| spec.about);
    let run = || Entry::new(format::filter_text(line), about, Choice::RunLine(line.to_owned()));
    match prompt.line {
        Line::No => {}
        Line::Complete => list.entries.insert(0, run()),
        Line::Incomplete => list.entries.push(run()),
    }
    list.cursor = list.nearest_choice(prompt.selected, true);
    list
}

/// The part of the screen that the palette covers, its frame included: above the command line.
pub(crate) fn area(state: &State, footer: Rect) -> Rect {
    let bottom = footer.y.saturating_sub(2);
    let height = MAX_LINES.min(bottom.saturating_sub(1));
    Rect { x: 0, y: bottom.saturating_sub(height), width: state.size.0.min(120), height }
}

/// All entries: those that the user chose last, then the last filters, then all others.
fn recent_first(state: &State) -> Vec<Entry> {
    let mut rest = entries(state);
    let mut first: Vec<Entry> = Vec::new();
    for text in &state.recent_choices {
        if let Some(at) = rest.iter().position(|entry| entry.text == *text) {
            first.push(rest.remove(at));
        }
    }
    let is_filter = |entry: &Entry| matches!(entry.choice, Some(Choice::Filter(_)));
    for _ in 0..RECENT_FILTERS {
        let Some(at) = rest.iter().position(is_filter) else { break };
        first.push(rest.remove(at));
    }
    first.extend(rest);
    first
}

/// All entries: commands by key, dimensions, columns, investigations, themes, commands to type, filters.
fn entries(state: &State) -> Vec<Entry> {
    let mut entries = keys(state);
    entries.extend(dimensions().into_iter().map(|by| {
        Entry::new(format!("group by {}", by.name()), about_dimension(&by), Choice::GroupBy(by.clone()))
    }));
    entries.extend(list_entries::times(state));
    let table = state.layer().table();
    let sortable = table.columns.iter().map(|choice| choice.column).filter(|column| column.is_sortable());
    entries.extend(sortable.map(|column: Column| {
        Entry::new(format!("sort by {}", column.name()), column.about(), Choice::SortBy(column))
    }));
    let prefixed = |prefix: &'static str| {
        move |entry: Entry| Entry { text: format!("{prefix} {}", entry.text), ..entry }
    };
    entries.extend(list_entries::of_investigations(state).into_iter().map(prefixed("investigation")));
    entries.extend(list_entries::themes(state).into_iter().map(prefixed("theme")));
    entries.extend(COMMANDS.iter().filter(|spec| !spec.argument.is_empty()).map(|spec| {
        Entry::new(format!("{} {}", spec.name, spec.argument), spec.about, list_entries::line_choice(spec))
    }));
    entries.extend(state.history.iter().rev().take(MAX_FILTERS).map(|text| {
        Entry::new(format!("filter {}", format::filter_text(text)), "", Choice::Filter(text.clone()))
    }));
    entries
}

/// The commands that keys have on the screen, except those that move the cursor. The most useful are first.
fn keys(state: &State) -> Vec<Entry> {
    let below = state.context_below();
    let keys = &state.settings.keys;
    let is_entry = |command: Command| command != Command::Palette && !command.moves_cursor();
    let works = keys.bindings().iter().filter(|bound| {
        !bound.about.is_empty()
            && bound.group != Group::Typing
            && is_entry(bound.command)
            && keys.works_in(bound, below)
            && can_copy(state, bound.command)
    });
    works
        .map(|bound| {
            let key = keys.labels(bound).into_iter().next().unwrap_or_default();
            Entry { key, ..Entry::new(bound.about, "", Choice::Perform(bound.command)) }
        })
        .collect()
}
