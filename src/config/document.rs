//! The text of a configuration file and the places of its keys.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::problem::{Located, Problem};

/// A configuration file that is valid TOML.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    text: String,
}

impl Document {
    /// # Errors
    /// If the text is not TOML.
    pub(crate) fn parse(text: String) -> Result<Document, Located> {
        match DeTable::parse(&text) {
            Ok(_) => Ok(Document { text }),
            Err(error) => Err(not_toml(&text, &error)),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The outermost table; empty if the text is not TOML.
    pub(super) fn table(&self) -> DeTable<'_> {
        DeTable::parse(&self.text).map(toml::Spanned::into_inner).unwrap_or_default()
    }

    /// The values of a table of this file.
    ///
    /// # Errors
    /// If a value has another type.
    pub(super) fn values<T: DeserializeOwned>(&self, table: DeTable<'_>) -> Result<T, Located> {
        let table = toml::Spanned::new(0..self.text.len(), table);
        T::deserialize(toml::Deserializer::from(table)).map_err(|error| not_toml(&self.text, &error))
    }

    /// The number of the line of a key, or of the innermost table that exists; from 1.
    pub(crate) fn line(&self, key: &[impl AsRef<str>]) -> Option<usize> {
        let mut table = self.table();
        let mut offset = None;
        for segment in key {
            let entry = table.into_iter().find(|(name, _)| name.get_ref() == segment.as_ref());
            let Some((name, value)) = entry else { break };
            offset = Some(name.span().start);
            match value.into_inner() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        offset.map(|offset| line_at(&self.text, offset))
    }

    /// Whether the file has this key.
    pub(crate) fn has(&self, key: &[impl AsRef<str>]) -> bool {
        let mut value = DeValue::Table(self.table());
        for segment in key {
            let DeValue::Table(table) = value else { return false };
            let entry = table.into_iter().find(|(name, _)| name.get_ref() == segment.as_ref());
            let Some((_, inner)) = entry else { return false };
            value = inner.into_inner();
        }
        true
    }

    pub(crate) fn locate(&self, problem: Problem) -> Located {
        let line = self.line(&problem.key).unwrap_or(1);
        Located { line, key: problem.key.join("."), reason: problem.reason }
    }
}

/// The number of the line at a byte, from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

fn not_toml(text: &str, error: &toml::de::Error) -> Located {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    Located { line, key: String::new(), reason }
}
