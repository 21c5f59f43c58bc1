//! Investigations: a filter, a table, an order, columns and a time range under a name. Those of the program are in
//! `assets/investigations.toml`, those of the user in the configuration file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The investigations of the program.
const BUILT_IN: &str = include_str!("../../assets/investigations.toml");

/// The topics of the investigations of the program, in the order of lists. Those of the user come first.
const TOPICS: [&str; 6] = ["traffic", "errors", "access", "latency", "cost", "security"];

/// The topic of an investigation that has none.
pub(crate) const OWN: &str = "own";

/// What to look at. Texts are as the user wrote them; empty: nothing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Investigation {
    /// A description in one line.
    pub about: String,
    /// What it belongs to in lists.
    pub topic: String,
    /// A dimension, two dimensions, `time`, `requests` or `findings`.
    pub table: String,
    /// In the filter language.
    pub filter: String,
    /// `COLUMN`, `COLUMN:asc` or `COLUMN:desc`.
    pub sort: String,
    /// Names of columns, in this order; empty: those of the table.
    pub columns: Vec<String>,
    /// First time, as in `--since`.
    pub since: String,
    /// The time after the last, as in `--until`.
    pub until: String,
}

/// An investigation with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedInvestigation {
    pub(crate) name: String,
    /// Whether it is of the user, not of the program.
    pub(crate) is_own: bool,
    pub(crate) investigation: Investigation,
}

impl NamedInvestigation {
    pub(crate) fn topic(&self) -> &str {
        if self.investigation.topic.is_empty() { OWN } else { &self.investigation.topic }
    }

    /// By topic, then by name.
    fn place(&self) -> (usize, String, String) {
        let topic = TOPICS.iter().position(|topic| *topic == self.topic()).map_or(0, |at| at + 1);
        (topic, self.topic().to_owned(), self.name.clone())
    }
}

fn named(
    investigations: BTreeMap<String, Investigation>,
    is_own: bool,
) -> impl Iterator<Item = NamedInvestigation> {
    investigations.into_iter().map(move |(name, investigation)| NamedInvestigation {
        name,
        is_own,
        investigation,
    })
}

/// The investigations of the program, by topic.
pub(crate) fn built_in() -> &'static [NamedInvestigation] {
    static INVESTIGATIONS: LazyLock<Vec<NamedInvestigation>> = LazyLock::new(|| {
        let mut all: Vec<NamedInvestigation> =
            named(toml::from_str(BUILT_IN).unwrap_or_default(), false).collect();
        all.sort_by_key(NamedInvestigation::place);
        all
    });
    &INVESTIGATIONS
}

/// All investigations: those of the user, which replace others of the same name, and those of the program.
pub(crate) fn all(own: &BTreeMap<String, Investigation>) -> Vec<NamedInvestigation> {
    let others = built_in().iter().filter(|named| !own.contains_key(&named.name)).cloned();
    let mut all: Vec<NamedInvestigation> = named(own.clone(), true).chain(others).collect();
    all.sort_by_key(NamedInvestigation::place);
    all
}

/// Whether an investigation may have this name: it must be possible to write it after `@` and in a command.
pub(crate) fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_the_program_are_complete() {
        let parsed: BTreeMap<String, Investigation> = toml::from_str(BUILT_IN).unwrap();
        assert_eq!(parsed.len(), built_in().len());
        for NamedInvestigation { name, investigation, .. } in built_in() {
            assert!(
                is_name(name)
                    && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            );
            assert!(TOPICS.contains(&investigation.topic.as_str()), "{name}");
            let about = &investigation.about;
            assert!(about.ends_with('.') && about.len() < 110 && !about.contains('\n'), "{name}: {about}");
            assert!(!investigation.table.is_empty(), "{name}");
        }
        for topic in TOPICS {
            assert!(built_in().iter().any(|named| named.topic() == topic), "{topic}");
        }
    }

    #[test]
    fn those_of_the_user_come_first_and_replace_others() {
        let own = |about: &str| Investigation { about: about.to_owned(), ..Investigation::default() };
        let own = BTreeMap::from([("sigv2".to_owned(), own("mine")), ("zebra".to_owned(), own("new"))]);
        let all = all(&own);
        assert_eq!(all.len(), built_in().len() + 1);
        assert_eq!(all[0].name, "sigv2");
        assert_eq!(all.iter().filter(|named| named.name == "sigv2").count(), 1);
        assert!(all[0].is_own && all[0].topic() == OWN);
    }

    #[test]
    fn names_can_be_typed() {
        assert!(is_name("deleted-objects") && is_name("über_2.b"));
        for wrong in ["", "a b", "-a", "a!", ".a", "a/b"] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
