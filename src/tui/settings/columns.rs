//! The tables `[columns.TABLE]`.

use crate::config::{Config, Problem, did_you_mean};
use crate::log::Field;
use crate::query::Dimension;
use crate::tui::model::TableKind;
use crate::tui::model::arrangement::{self, Arrangement, Part};

/// The name for all tables of groups.
pub(crate) const GROUPS: &str = "groups";

/// How tables open, by name.
pub(super) fn read(config: &Config, problems: &mut Vec<Problem>) -> Vec<(String, Arrangement)> {
    let mut tables = Vec::new();
    for (name, columns) in &config.columns {
        let kind = match name.as_str() {
            // A dimension whose table has every column.
            GROUPS => Some(TableKind::Groups(Dimension::Field(Field::Bucket))),
            name => arrangement::kind_by_name(name),
        };
        let Some(kind) = kind else {
            let names = arrangement::table_names();
            let hint = did_you_mean(name, names.iter().map(String::as_str).chain([GROUPS]));
            let reason = format!("there is no such table{hint}; {}", arrangement::EXPECTED_TABLE);
            problems.push(Problem::new(["columns", name], reason));
            continue;
        };
        match Arrangement::parse(&kind, columns.show.as_deref(), columns.sort.as_deref()) {
            Ok(arrangement) => tables.push((arrangement::canonical_name(name), arrangement)),
            Err(wrong) => problems.extend(wrong.into_iter().map(|(part, reason)| {
                let key = match part {
                    Part::Columns => "show",
                    Part::Sort => "sort",
                };
                Problem::new(["columns", name, key], reason)
            })),
        }
    }
    tables
}
