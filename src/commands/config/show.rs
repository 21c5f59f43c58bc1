//! `tamarin config show`: the configuration in effect, as a TOML file whose comments say where values come from.

use std::fmt::Write;

use super::super::context::Context;
use crate::config::schema::{KeySpec, SECTIONS};
use crate::tui::Settings;
use crate::tui::config_names;

/// Where the comments begin.
const COMMENT_COLUMN: usize = 48;

pub(super) fn text(context: &Context, settings: &Settings) -> String {
    let file = &context.config_file;
    let mut text = match &file.path {
        Some(path) => format!("# {}\n", path.display()),
        None => "# There is no configuration file: everything is as by default.\n".to_owned(),
    };
    for section in SECTIONS.iter().filter(|section| !section.path.contains(&"*")) {
        if !section.path.is_empty() {
            let _ = writeln!(text, "\n[{}]", section.path.join("."));
        }
        for key in section.keys() {
            let line = value_line(context, key);
            text.push_str(&line);
        }
    }
    keys(context, settings, &mut text);
    copied(context, "columns", &mut text);
    copied(context, "themes", &mut text);
    copied(context, "investigations", &mut text);
    let of_program = settings.investigations.iter().filter(|named| !named.is_own).count();
    let _ = writeln!(text, "\n# {of_program} investigations of the program: tamarin investigations");
    text
}

/// Adds a value and where it comes from.
fn line(name: &str, value: Option<String>, origin: &str) -> String {
    let start = match value {
        Some(value) => format!("{name} = {value}"),
        None => format!("# {name}"),
    };
    let gap = COMMENT_COLUMN.saturating_sub(start.chars().count()).max(2);
    format!("{start}{}# {origin}\n", " ".repeat(gap))
}

fn value_line(context: &Context, key: &KeySpec) -> String {
    let options = &context.options;
    let text = |text: &Option<String>| text.as_ref().map(|text| toml_text(text));
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| toml_text(&path.display().to_string()));
    let of_option = match key.path {
        ["cache"] => path(&options.cache),
        ["endpoint_url"] => text(&options.endpoint_url),
        ["region"] => text(&options.region),
        ["profile"] => text(&options.profile),
        ["aws_ip_ranges"] => path(&options.aws_ip_ranges),
        ["ip_databases"] if !options.ip_database.is_empty() => {
            let paths = options.ip_database.iter().map(|path| toml_text(&path.display().to_string()));
            Some(format!("[{}]", paths.collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    };
    if let Some(value) = of_option {
        return line(key.name(), Some(value), key.option);
    }
    match of_file(context, key.path) {
        Some((value, line_number)) => line(key.name(), Some(value), &format!("line {line_number}")),
        None => line(key.name(), None, &format!("default: {}", key.default)),
    }
}

/// The value of a key in the file, and its line.
fn of_file(context: &Context, path: &[&str]) -> Option<(String, usize)> {
    let document = &context.config_file.document;
    if !document.has(path) {
        return None;
    }
    let table: toml_edit::DocumentMut = document.text().parse().ok()?;
    let mut item = table.as_item();
    for name in path {
        item = item.get(name)?;
    }
    let value = item.as_value()?.clone().decorated("", "");
    Some((value.to_string(), document.line(path)?))
}

fn toml_text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// All keys of the keyboard.
fn keys(context: &Context, settings: &Settings, text: &mut String) {
    for (context_name, commands) in config_names::contexts() {
        let _ = writeln!(text, "\n[keys.{context_name}]");
        for command in commands {
            let keys = config_names::keys_of(settings, &context_name, &command.name);
            let keys: Vec<String> = keys.iter().map(|key| toml_text(key)).collect();
            let name = command.name.as_str();
            let place = [["keys", context_name.as_str(), name], ["keys", config_names::ALL_CONTEXTS, name]];
            let document = &context.config_file.document;
            let origin = place
                .iter()
                .find(|path| document.has(path.as_slice()))
                .and_then(|path| document.line(path.as_slice()))
                .map_or("default".to_owned(), |line| format!("line {line}"));
            text.push_str(&line(&command.name, Some(format!("[{}]", keys.join(", "))), &origin));
        }
    }
}

/// Tables of the file that are shown as they are.
fn copied(context: &Context, name: &str, text: &mut String) {
    let document = &context.config_file.document;
    let Ok(tables) = document.text().parse::<toml_edit::DocumentMut>() else { return };
    let Some(tables) = tables.get(name).and_then(|item| item.as_table_like().map(|_| item.clone())) else {
        return;
    };
    let Some(tables) = tables.as_table_like() else { return };
    for (entry, values) in tables.iter() {
        let Some(values) = values.as_table_like() else { continue };
        let key = toml_edit::Key::new(entry);
        let _ = writeln!(text, "\n[{name}.{}]", key.display_repr());
        for (key, item) in values.iter() {
            let Some(value) = item.as_value() else { continue };
            let value = value.clone().decorated("", "").to_string();
            let line_number = document.line(&[name, entry, key]).unwrap_or(1);
            let key = toml_edit::Key::new(key).display_repr().into_owned();
            text.push_str(&line(&key, Some(value), &format!("line {line_number}")));
        }
    }
}
