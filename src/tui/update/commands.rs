//! Runs and completes the commands typed after `:`.

use crate::query::{Dimension, Filter, dimension::QUERY_PARAM};
use crate::tui::model::investigations;
use crate::tui::model::palette::Line;
use crate::tui::model::{
    Areas, COMMANDS, Column, CommandSpec, Effect, ListKind, Problem, Prompt, Purpose, State,
};
use crate::tui::update::{cursor, exports, heat_map, investigate, lists, names, quit, settings, show_zone};

/// The commands that a name means: that with this name, else those that begin with it.
fn named(name: &str) -> Vec<&'static CommandSpec> {
    match COMMANDS.iter().find(|spec| spec.name == name) {
        Some(spec) => vec![spec],
        None => COMMANDS.iter().filter(|spec| !name.is_empty() && spec.name.starts_with(name)).collect(),
    }
}

/// Notes what the text of the command line is.
pub(super) fn read_line(state: &mut State) {
    let Some(Prompt { purpose: Purpose::Command, input, .. }) = &state.prompt else { return };
    let line = line_of(state, input.value().trim());
    if let Some(prompt) = &mut state.prompt {
        prompt.line = line;
        prompt.selected = 0;
    }
}

fn line_of(state: &State, text: &str) -> Line {
    let (name, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = argument.trim();
    if name == "q" && argument.is_empty() {
        return Line::Complete;
    }
    let spec = match named(name).as_slice() {
        // Without an argument, the beginning of a name is something to search for.
        [spec] if spec.name == name || !argument.is_empty() => *spec,
        _ => return Line::No,
    };
    let is_complete = match spec.name {
        _ if spec.argument.is_empty() => argument.is_empty(),
        "export" | "theme" | "investigate" | "resolve" | "zone" if argument.is_empty() => true,
        "export" => true,
        // All other commands need their argument.
        _ if argument.is_empty() => return Line::No,
        "by" => {
            matches!(by_names(argument).as_deref(), Some([_]))
                || matches!(by_names(argument).as_deref(), Some([first, second]) if first != second)
        }
        "sort" => sort_of(state, argument, 0).is_ok(),
        "filter" | "and" => Filter::parse(argument, state.now.unix_seconds).is_ok(),
        "theme" => settings::theme_names(state).iter().any(|known| known == argument),
        "investigate" => state.settings.investigation_named(argument).is_some(),
        _ => true,
    };
    if is_complete { Line::Complete } else { Line::Incomplete }
}

/// Runs a command. Returns the problem and its place in `text` if it is not valid.
pub(super) fn run(state: &mut State, text: &str, effects: &mut Vec<Effect>) -> Result<(), Problem> {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = rest.trim();
    // Index of the first character of the argument, for errors in it.
    let at = text.chars().count() - rest.trim_start().chars().count();
    let problem = |column: usize, message: String| Err(Problem { column, message });
    match (name, named(name).as_slice()) {
        ("", _) => return Ok(()),
        ("q", _) => quit(state, effects),
        (_, [spec]) => match spec.name {
            "quit" => quit(state, effects),
            "help" => state.open_list(ListKind::Help),
            "heatmap" => heat_map::toggle(state),
            "columns" => state.open_list(ListKind::Columns),
            "clear" => state.layer_mut().filter = Filter::everything(),
            "by" => match by_names(argument).as_deref() {
                Some([by]) => lists::show_by(state, by.clone()),
                Some([first, second]) if first != second => {
                    lists::show_by_two(state, [first.clone(), second.clone()]);
                }
                Some(_) => {
                    return problem(at, "expected one dimension, or two different ones".to_owned());
                }
                None => {
                    let names: Vec<String> = Dimension::choices().iter().map(Dimension::name).collect();
                    let names = names.join(", ");
                    return problem(at, format!("unknown dimension; available: {names}, query_param:NAME"));
                }
            },
            "sort" => return sort(state, argument, at),
            "filter" | "and" => match Filter::parse(argument, state.time_reference()) {
                Ok(filter) => {
                    let layer = state.layer_mut();
                    layer.filter = if spec.name == "and" { layer.filter.clone().and(filter) } else { filter };
                }
                Err(error) => return problem(at + error.column.saturating_sub(1), error.message),
            },
            "resolve" => {
                return names::resolve(state, argument, effects)
                    .map_err(|message| Problem { column: at, message });
            }
            "row" => match argument.replace(',', "").parse::<usize>() {
                Ok(row) if row > 0 => {
                    let page = Areas::of(state).page();
                    state.layer_mut().table_mut().move_to(row - 1, page);
                }
                _ => return problem(at, "expected a row number, 1 or more".to_owned()),
            },
            "zone" => match argument.to_ascii_lowercase().as_str() {
                "" => show_zone(state, !state.shows_local_time),
                "utc" => show_zone(state, false),
                "local" => show_zone(state, true),
                _ => return problem(at, "expected utc or local".to_owned()),
            },
            "theme" if argument.is_empty() => state.open_list(ListKind::Themes),
            "investigate" if argument.is_empty() => state.open_list(ListKind::Investigations),
            "theme" => {
                return settings::theme(state, argument).map_err(|message| Problem { column: at, message });
            }
            "investigate" => {
                return investigate::open(state, argument).map_err(|message| Problem { column: at, message });
            }
            "save" => {
                let saved = investigate::save(state, argument, effects);
                return saved.map_err(|message| Problem { column: at, message });
            }
            "export" if argument.is_empty() => exports::ask_for_file(state),
            "export" => match exports::prepare(state, argument) {
                Ok(export) => exports::start(state, export, effects),
                Err(message) => return problem(at, message),
            },
            _ => {}
        },
        (_, []) => {
            let names: Vec<&str> = COMMANDS.iter().map(|spec| spec.name).collect();
            return problem(0, format!("unknown command; available: {}", names.join(", ")));
        }
        (_, several) => {
            let names: Vec<&str> = several.iter().map(|spec| spec.name).collect();
            return problem(0, format!("ambiguous command: {}", names.join(", ")));
        }
    }
    Ok(())
}

/// The dimensions in a list of names; `None` if one is unknown.
fn by_names(argument: &str) -> Option<Vec<Dimension>> {
    argument.split(',').map(|name| Dimension::by_name(name.trim())).collect()
}

/// The columns that the table in front can be sorted by.
fn sortable(state: &State) -> Vec<Column> {
    let table = state.layer().table();
    table.columns.iter().map(|choice| choice.column).filter(|column| column.is_sortable()).collect()
}

fn sort(state: &mut State, argument: &str, at: usize) -> Result<(), Problem> {
    let (column, descending) = sort_of(state, argument, at)?;
    cursor::sort_by(state, column, descending);
    Ok(())
}

/// The column of an order, and whether it is descending. `at`: where the argument begins, for errors.
fn sort_of(state: &State, argument: &str, at: usize) -> Result<(Column, bool), Problem> {
    let mut words = argument.split_whitespace();
    let name = words.next().unwrap_or_default();
    let columns = sortable(state);
    let Some(column) = columns.iter().copied().find(|column| column.is_called(name)) else {
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let message = format!("unknown column; available: {}", names.join(", "));
        return Err(Problem { column: at, message });
    };
    let descending = match words.next() {
        None => column.descends(),
        Some("asc") => false,
        Some("desc") => true,
        Some(_) => {
            let message = "expected asc, desc or nothing after the column".to_owned();
            return Err(Problem { column: at + name.len() + 1, message });
        }
    };
    Ok((column, descending))
}

/// How a command is completed.
pub(super) enum Completions {
    /// One of `words` replaces the text from byte `at` on.
    Words { at: usize, words: Vec<String> },
    /// The text from byte `at` on is a filter.
    Filter { at: usize },
}

pub(super) fn completions(state: &State, typed: &str) -> Completions {
    let Some((name, rest)) = typed.split_once(' ') else {
        let words =
            COMMANDS.iter().filter(|spec| spec.name.starts_with(typed)).map(|spec| spec.name.to_owned());
        return Completions::Words { at: 0, words: words.collect() };
    };
    let at = typed.len() - rest.len();
    let matching = |names: Vec<String>| Completions::Words {
        at,
        words: names.into_iter().filter(|word| word.starts_with(rest)).collect(),
    };
    match name {
        "filter" | "and" => Completions::Filter { at },
        "by" => {
            let param = format!("{}:", QUERY_PARAM[0]);
            matching(Dimension::choices().iter().map(Dimension::name).chain([param]).collect())
        }
        "theme" => matching(settings::theme_names(state)),
        "investigate" => {
            matching(investigations::list(state).iter().map(|named| named.name.clone()).collect())
        }
        "zone" => matching(vec!["utc".to_owned(), "local".to_owned()]),
        "sort" => matching(sortable(state).iter().map(|column| column.name().to_owned()).collect()),
        _ => matching(Vec::new()),
    }
}
