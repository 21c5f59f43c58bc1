//! The documentation of the configuration file: `docs/configuration.md`. A test writes it.

use std::fmt::Write;

use super::names::{Names, type_name};
use crate::config::schema::{KeySpec, SECTIONS, SectionSpec};
use crate::tui::config_names::{EXPECTED_KEY, EXPECTED_STYLE};

const INTRODUCTION: &str = "\
# The configuration file

<!-- Written by a test from the list of keys in src/config/schema.rs: UPDATE_DOCS=1 cargo test --lib reference -->

Tamarin reads `$XDG_CONFIG_HOME/tamarin/config.toml` (by default `~/.config/tamarin/config.toml`), or the file of `--config`. Every
key is optional. Options of the command line take precedence. The format is [TOML](https://toml.io).

```console
$ tamarin config path            # where the file is
$ tamarin config show --default  # a file with every key, as comments
$ tamarin config check           # every error, with key and line; exit code 1 if there is one
$ tamarin config show            # the configuration in effect, and where each value comes from
$ tamarin config schema          # a JSON Schema, for completion in editors
```

While the explorer runs, it reads the file again when it changes: keys, columns, themes and investigations change at once,
sources, cache and prices with the next start. If the file has an error, the explorer shows it and keeps what it has.
";

/// The whole page.
pub(super) fn text() -> String {
    let names = Names::all();
    let mut page = INTRODUCTION.to_owned();
    for section in &SECTIONS {
        section_text(section, &names, &mut page);
    }
    page
}

fn section_text(section: &SectionSpec, names: &Names, page: &mut String) {
    // Writing into a text cannot fail.
    let _ = write!(page, "\n## {}\n\n{}\n\n", section.title, section.about);
    let _ = writeln!(page, "| key | value | without it | option |\n|---|---|---|---|");
    for key in section.keys() {
        let KeySpec { about, default, option, kind, .. } = key;
        let option = if option.is_empty() { String::new() } else { format!("`{option}`") };
        let name = key_name(key, section);
        let _ = writeln!(page, "| `{name}` | {}. {about} | {default} | {option} |", type_name(*kind));
    }
    let _ = write!(page, "\n```toml\n{}```\n", example(section));
    match section.path {
        [] => themes(names, page),
        ["keys", ..] => commands(names, page),
        ["columns", ..] => columns(names, page),
        ["themes", ..] => roles(names, page),
        _ => {}
    }
}

/// The name of a key in a table; `*` in upper case words.
fn key_name(key: &KeySpec, section: &SectionSpec) -> String {
    match (key.name(), section.path.first()) {
        ("*", Some(&"keys")) => "COMMAND".to_owned(),
        ("*", _) => "ROLE".to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// The section as it could be in a file.
pub(super) fn example(section: &SectionSpec) -> String {
    let mut text = String::new();
    if !section.path.is_empty() {
        let path: Vec<&str> =
            section.path.iter().map(|part| if *part == "*" { section.example_name } else { part }).collect();
        text.push_str(&format!("[{}]\n", path.join(".")));
    }
    for key in section.keys() {
        match (key.name(), section.path.first()) {
            ("*", Some(&"keys")) => text.push_str(&format!("open = {}\npause = \"P\"\n", key.example)),
            ("*", _) => {
                text.push_str(&format!("base = \"dark\"\naccent = {}\nerror = \"#dc322f\"\n", key.example))
            }
            (name, _) => text.push_str(&format!("{name} = {}\n", key.example)),
        }
    }
    text
}

fn themes(names: &Names, page: &mut String) {
    page.push_str(
        "\nThe themes of the program. With `auto`, `NO_COLOR` and the number of colours decide, and the background colour that the \
         terminal reports; the explorer asks for it again when the terminal gets the focus. `--theme` takes precedence over this file, this file over `NO_COLOR`, and `NO_COLOR` over the theme \
         that `:theme` chose in an earlier session. If the terminal does not report its background, the variable `COLORFGBG` \
         (`15;0`: light text on a dark background) helps.\n\n| theme | |\n|---|---|\n",
    );
    for (name, about) in &names.themes {
        page.push_str(&format!("| `{name}` | {about} |\n"));
    }
}

fn commands(names: &Names, page: &mut String) {
    page.push_str(&format!("\n{}.\n", sentence(EXPECTED_KEY)));
    page.push_str(
        "While a time range is selected (`brush`) and among findings, keys without a command of their own have the one that they \
         have in `table`.\n",
    );
    for (context, commands) in &names.contexts {
        page.push_str(&format!("\n### [keys.{context}]\n\n| command | default keys | |\n|---|---|---|\n"));
        for command in commands {
            let keys: Vec<String> = command.keys.iter().map(|key| format!("`{key}`")).collect();
            let about = command.about.replace('|', "\\|");
            page.push_str(&format!("| `{}` | {} | {about} |\n", command.name, keys.join(" ")));
        }
    }
}

fn columns(names: &Names, page: &mut String) {
    page.push_str("\nThe columns of each table:\n\n| table | columns |\n|---|---|\n");
    for (table, columns) in &names.columns {
        let columns: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
        let table = if *table == names.groups() {
            "a dimension, or `groups`".to_owned()
        } else {
            format!("`{table}`")
        };
        page.push_str(&format!("| {table} | {} |\n", columns.join(" ")));
    }
}

fn roles(names: &Names, page: &mut String) {
    page.push_str(&format!("\n{}.\n\n| role | |\n|---|---|\n", sentence(EXPECTED_STYLE)));
    for (name, about) in &names.roles {
        page.push_str(&format!("| `{name}` | {about} |\n"));
    }
}

/// The text with a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::super::template;
    use super::*;

    /// Compares a file with what it should be, or writes it.
    fn is_up_to_date(path: &str, text: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        let present = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            present == text,
            "{} is out of date: UPDATE_DOCS=1 cargo test --lib reference",
            path.display()
        );
    }

    #[test]
    fn the_reference_is_up_to_date() {
        is_up_to_date("docs/configuration.md", &text());
        is_up_to_date("assets/config.toml", &template::text());
    }

    #[test]
    fn every_key_and_every_example_is_in_the_reference_and_valid() {
        let page = text();
        for section in &SECTIONS {
            let example = example(section);
            assert!(page.contains(&example), "{}", section.title);
            let file = crate::config::ConfigFile::parse(example.clone(), "example.toml".into()).unwrap();
            let (_, problems) = crate::tui::Settings::of(&file.config, 1_800_000_000);
            assert_eq!(problems, [], "{example}");
            for key in section.keys() {
                assert!(page.contains(&format!("| `{}` |", key_name(key, section))), "{:?}", key.path);
            }
        }
    }
}
