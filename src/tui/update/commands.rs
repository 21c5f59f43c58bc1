//! Commands typed after `:`.

use super::{cursor, lists, prompt};
use crate::query::dimension::QUERY_PARAM;
use crate::query::{Dimension, Filter};
use crate::tui::model::action::Effect;
use crate::tui::model::columns::Column;
use crate::tui::model::prompt::Problem;
use crate::tui::model::state::{Overlay, State};

/// A command: its name, what comes after it, and what it does.
pub(crate) struct Spec {
    /// Its name.
    pub(crate) name: &'static str,
    /// What comes after it.
    pub(crate) takes: &'static str,
    /// What it does, in a few words.
    pub(crate) about: &'static str,
}

/// Every command there is.
pub(crate) static COMMANDS: [Spec; 11] = [
    Spec {
        name: "by",
        takes: "DIMENSION",
        about: "group by a dimension, also network/16, prefix/2, query_param:x-user",
    },
    Spec { name: "sort", takes: "COLUMN [asc|desc]", about: "sort the table" },
    Spec { name: "filter", takes: "EXPRESSION", about: "take this filter; nothing: every request" },
    Spec { name: "and", takes: "EXPRESSION", about: "add this to the filter" },
    Spec { name: "clear", takes: "", about: "drop all filters" },
    Spec { name: "row", takes: "NUMBER", about: "go to this row" },
    Spec { name: "columns", takes: "", about: "choose the columns" },
    Spec { name: "export", takes: "FILE", about: "write the table to a .csv, .json or .ndjson file" },
    Spec { name: "zone", takes: "utc|local", about: "times in UTC or in your own zone" },
    Spec { name: "help", takes: "", about: "all keys" },
    Spec { name: "quit", takes: "", about: "quit; also q" },
];

/// Runs a command.
pub(super) fn run(state: &mut State, text: &str, effects: &mut Vec<Effect>) -> Result<(), Problem> {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = rest.trim();
    // Where the argument begins, for errors in it.
    let at = text.chars().count() - rest.trim_start().chars().count();
    let wrong = |column: usize, message: String| Err(Problem { column, message });
    let known: Vec<&Spec> = match COMMANDS.iter().find(|spec| spec.name == name) {
        Some(spec) => vec![spec],
        None => COMMANDS.iter().filter(|spec| !name.is_empty() && spec.name.starts_with(name)).collect(),
    };
    match (name, known.as_slice()) {
        ("", _) => return Ok(()),
        ("q", _) => super::quit(state, effects),
        (_, [spec]) => match spec.name {
            "quit" => super::quit(state, effects),
            "help" => state.overlay = Some(Overlay::Help(0)),
            "columns" => state.overlay = Some(Overlay::Columns(0)),
            "clear" => state.layer_mut().filter = Filter::everything(),
            "by" => match Dimension::by_name(argument) {
                Some(by) => lists::show_by(state, by),
                None => {
                    let names: Vec<String> = Dimension::all().iter().map(Dimension::name).collect();
                    return wrong(
                        at,
                        format!("no such dimension; there are {}, query_param:NAME", names.join(", ")),
                    );
                }
            },
            "sort" => return sort(state, argument, at),
            "filter" | "and" => match Filter::parse(argument, state.now.unix) {
                Ok(filter) => {
                    let layer = state.layer_mut();
                    layer.filter = if spec.name == "and" { layer.filter.clone().and(filter) } else { filter };
                }
                Err(error) => return wrong(at + error.column.saturating_sub(1), error.message),
            },
            "row" => match argument.replace(',', "").parse::<usize>() {
                Ok(row) if row > 0 => {
                    let page = crate::tui::model::layout::Areas::of(state).page();
                    state.layer_mut().table_mut().go(row - 1, page);
                }
                _ => return wrong(at, "a row is a number from 1".to_owned()),
            },
            "zone" => match argument.to_ascii_lowercase().as_str() {
                "utc" => super::show_zone(state, false),
                "local" => super::show_zone(state, true),
                _ => return wrong(at, "expected utc or local".to_owned()),
            },
            "export" if argument.is_empty() => prompt::ask_for_file(state),
            "export" => match prompt::export(state, argument) {
                Ok(export) => prompt::begin_export(state, export, effects),
                Err(message) => return wrong(at, message),
            },
            _ => {}
        },
        (_, []) => {
            let names: Vec<&str> = COMMANDS.iter().map(|spec| spec.name).collect();
            return wrong(0, format!("no such command; there are {}", names.join(", ")));
        }
        (_, several) => {
            let names: Vec<&str> = several.iter().map(|spec| spec.name).collect();
            return wrong(0, format!("which one: {}?", names.join(", ")));
        }
    }
    Ok(())
}

/// The names that `sort` understands, for the table in front.
fn sortable(state: &State) -> Vec<Column> {
    let table = state.layer().table();
    table.columns.iter().map(|choice| choice.column).filter(|column| *column != Column::Activity).collect()
}

fn sort(state: &mut State, argument: &str, at: usize) -> Result<(), Problem> {
    let mut words = argument.split_whitespace();
    let name = words.next().unwrap_or_default().to_ascii_lowercase();
    let columns = sortable(state);
    let named = |column: &&Column| {
        column.name() == name
            || matches!(column, Column::Field(field) if field.spec().aliases.contains(&name.as_str()))
    };
    let Some(column) = columns.iter().find(named).copied() else {
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        return Err(Problem {
            column: at,
            message: format!("no such column; there are {}", names.join(", ")),
        });
    };
    let descending = match words.next() {
        None => column.descends(),
        Some("asc") => false,
        Some("desc") => true,
        Some(_) => {
            return Err(Problem {
                column: at + name.len() + 1,
                message: "after the column comes asc, desc or nothing".to_owned(),
            });
        }
    };
    cursor::sort_by(state, column, descending);
    Ok(())
}

/// What can complete a command.
pub(super) enum Completions {
    /// One of these words, from this byte on.
    Words {
        /// Where the word begins.
        at: usize,
        /// What it can be.
        words: Vec<String>,
    },
    /// A filter, which begins at this byte.
    Filter {
        /// Where.
        at: usize,
    },
}

/// What completes a command that is typed so far.
pub(super) fn completions(state: &State, typed: &str) -> Completions {
    let Some((name, rest)) = typed.split_once(' ') else {
        let words =
            COMMANDS.iter().filter(|spec| spec.name.starts_with(typed)).map(|spec| spec.name.to_owned());
        return Completions::Words { at: 0, words: words.collect() };
    };
    let at = typed.len() - rest.len();
    let beginning = |names: Vec<String>| Completions::Words {
        at,
        words: names.into_iter().filter(|word| word.starts_with(rest)).collect(),
    };
    match name {
        "filter" | "and" => Completions::Filter { at },
        "by" => {
            let param = format!("{}:", QUERY_PARAM[0]);
            beginning(Dimension::all().iter().map(Dimension::name).chain([param]).collect())
        }
        "zone" => beginning(vec!["utc".to_owned(), "local".to_owned()]),
        "sort" => beginning(sortable(state).iter().map(|column| column.name().to_owned()).collect()),
        _ => beginning(Vec::new()),
    }
}
