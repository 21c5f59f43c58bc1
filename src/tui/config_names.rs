//! The names of the explorer that a configuration file may use: contexts and commands, roles, themes, columns.

use crate::log::Field;
use crate::query::Dimension;
use crate::tui::model::keymap::ALL;
use crate::tui::model::keys::{command_name, commands_of, context_name};
use crate::tui::model::{Table, TableKind};
use crate::tui::theme::{ROLES, themes};

pub(crate) use crate::tui::model::keys::EXPECTED_KEY;
pub(crate) use crate::tui::settings::{ALL_CONTEXTS, BASE, GROUPS, Settings};
pub(crate) use crate::tui::theme::style_text::EXPECTED as EXPECTED_STYLE;

/// A command that has keys.
pub(crate) struct CommandName {
    pub(crate) name: String,
    /// Its default keys.
    pub(crate) keys: Vec<String>,
    /// What it does; may be empty.
    pub(crate) about: &'static str,
}

/// Each context with its commands.
pub(crate) fn contexts() -> Vec<(String, Vec<CommandName>)> {
    let commands = |context| {
        let commands = commands_of(context).into_iter().map(|bound| CommandName {
            name: command_name(bound.command),
            keys: bound.keys.iter().map(|key| key.label()).collect(),
            about: if bound.about.is_empty() { bound.footer } else { bound.about },
        });
        commands.collect()
    };
    ALL.iter().map(|context| (context_name(*context), commands(*context))).collect()
}

/// The keys of a command in a context.
pub(crate) fn keys_of(settings: &Settings, context: &str, command: &str) -> Vec<String> {
    let bindings = settings.keys.bindings().iter().filter(|bound| {
        command_name(bound.command) == command
            && bound.contexts.iter().any(|of| context_name(*of) == context)
            && !bound.is_fixed
    });
    bindings.flat_map(|bound| &bound.keys).map(|key| key.label()).collect()
}

/// Each role of a theme with its description.
pub(crate) fn roles() -> Vec<(&'static str, String)> {
    let about = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    ROLES.iter().map(|(name, text)| (*name, about(text))).collect()
}

/// Each theme of the program with its description.
pub(crate) fn themes() -> Vec<(String, String)> {
    themes::built_in().iter().map(|theme| (theme.name.clone(), theme.about.clone())).collect()
}

/// The columns of each kind of table.
pub(crate) fn columns() -> Vec<(&'static str, Vec<&'static str>)> {
    let names = |kind| {
        let table = Table::new(kind);
        let names = table.columns.iter().map(|choice| choice.column.name()).filter(|name| *name != "value");
        names.collect::<Vec<_>>()
    };
    vec![
        (GROUPS, names(TableKind::Groups(Dimension::Field(Field::Bucket)))),
        ("time", names(TableKind::Times(None))),
        ("requests", names(TableKind::Requests)),
        ("findings", names(TableKind::Findings)),
    ]
}
