//! The names that the configuration file may use, for its documentation and its schema.

use crate::config::schema::Kind;
use crate::query::Dimension;
use crate::tui::config_names::{self, ALL_CONTEXTS, BASE, GROUPS};

/// The names that keys and values may have.
pub(super) struct Names {
    /// Each context with its commands: name, default keys, description.
    pub(super) contexts: Vec<(String, Vec<config_names::CommandName>)>,
    /// Each role of a theme with its description.
    pub(super) roles: Vec<(&'static str, String)>,
    /// Each theme of the program with its description.
    pub(super) themes: Vec<(String, String)>,
    /// The tables of the explorer.
    pub(super) tables: Vec<String>,
    /// The columns of tables of groups, of the table of times, of requests and of findings.
    pub(super) columns: Vec<(&'static str, Vec<&'static str>)>,
}

impl Names {
    pub(super) fn all() -> Names {
        let dimensions = Dimension::choices().into_iter().map(|by| by.name());
        let others = ["time", "requests", "findings"].map(str::to_owned);
        Names {
            contexts: config_names::contexts(),
            roles: config_names::roles(),
            themes: config_names::themes(),
            tables: dimensions.chain(others).collect(),
            columns: config_names::columns(),
        }
    }

    /// The names that stand for `*` at the end of a path of tables and keys; empty: any name.
    pub(super) fn of_path(&self, path: &[&str]) -> Vec<String> {
        match path {
            ["keys", "*"] => {
                let contexts = self.contexts.iter().map(|(name, _)| name.clone());
                contexts.chain([ALL_CONTEXTS.to_owned()]).collect()
            }
            ["keys", "*", "*"] => {
                let mut names: Vec<String> = self
                    .contexts
                    .iter()
                    .flat_map(|(_, commands)| commands)
                    .map(|command| command.name.clone())
                    .collect();
                names.sort();
                names.dedup();
                names
            }
            ["themes", "*", "*"] => [BASE]
                .into_iter()
                .chain(self.roles.iter().map(|(name, _)| *name))
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The columns of all tables.
    pub(super) fn all_columns(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.columns.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The name of all tables of groups.
    pub(super) fn groups(&self) -> &'static str {
        GROUPS
    }
}

/// The type of a value, in words.
pub(super) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Path => "path",
        Kind::Flag => "true or false",
        Kind::Dollars => "US dollars",
        Kind::Count => "whole number, from 1",
        Kind::Texts => "list of texts",
        Kind::Paths => "list of paths",
        Kind::Accounts => "list of account numbers",
        Kind::Keys => "key, or list of keys",
        Kind::Style => "style",
        Kind::Filter => "filter",
        Kind::Table => "table",
        Kind::Sort => "column, with `:asc` or `:desc`",
        Kind::Columns => "list of columns",
        Kind::Time => "time",
        Kind::Theme => "name of a theme",
    }
}
