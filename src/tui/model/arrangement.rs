//! Which columns a table shows, in which order, and by which column it is sorted; and the names of tables and columns.

use crate::config::did_you_mean;
use crate::query::{Dimension, Sort};
use crate::tui::model::{Column, Table, TableKind};

/// The columns and the order of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Arrangement {
    /// The shown columns in their order; `None`: those of the table.
    pub(crate) shown: Option<Vec<Column>>,
    /// `None`: the order of the table.
    pub(crate) sort: Option<Sort<Column>>,
}

/// The part of an arrangement that has a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Columns,
    Sort,
}

/// The names of tables, for errors.
pub(crate) const EXPECTED_TABLE: &str = "expected a dimension (remote_ip, key, prefix/2, query_param:x-user, …), two dimensions (http_status,error_code), time, \
     requests or findings";

/// The kind of table that a name means: a dimension, two with a comma between them, `time`, `requests` or `findings`.
pub(crate) fn kind_by_name(name: &str) -> Option<TableKind> {
    match name {
        "time" => Some(TableKind::Times(None)),
        "requests" => Some(TableKind::Requests),
        "findings" => Some(TableKind::Findings),
        name => match name.split_once(',') {
            None => Dimension::by_name(name).map(TableKind::Groups),
            Some((first, second)) => {
                let by = [Dimension::by_name(first.trim())?, Dimension::by_name(second.trim())?];
                (by[0] != by[1]).then_some(TableKind::Pairs(by))
            }
        },
    }
}

/// The name of a table, which [`kind_by_name`] accepts.
pub(crate) fn table_name(kind: &TableKind) -> String {
    match kind {
        TableKind::Groups(by) => by.name(),
        TableKind::Pairs([first, second]) => format!("{},{}", first.name(), second.name()),
        TableKind::Times(_) => "time".to_owned(),
        TableKind::Requests => "requests".to_owned(),
        TableKind::Findings => "findings".to_owned(),
    }
}

/// The name of the table that a name or an alias means.
pub(crate) fn canonical_name(name: &str) -> String {
    kind_by_name(name).map_or_else(|| name.to_owned(), |kind| table_name(&kind))
}

/// The names of all tables, for suggestions.
pub(crate) fn table_names() -> Vec<String> {
    let others = ["time", "requests", "findings"].map(str::to_owned);
    Dimension::choices().iter().map(Dimension::name).chain(others).collect()
}

impl Arrangement {
    /// Reads the names of columns, and an order: `COLUMN`, `COLUMN:asc` or `COLUMN:desc`.
    ///
    /// # Errors
    /// Every column that the table does not have, and an order that cannot be read.
    pub(crate) fn parse(
        kind: &TableKind,
        shown: Option<&[String]>,
        sort: Option<&str>,
    ) -> Result<Arrangement, Vec<(Part, String)>> {
        let table = Table::new(kind.clone());
        let all: Vec<Column> = table.columns.iter().map(|choice| choice.column).collect();
        let named = |name: &str| {
            let lower = name.trim().to_ascii_lowercase();
            let is_alias = |column: &Column| {
                column.field().is_some_and(|field| field.spec().aliases.contains(&lower.as_str()))
            };
            all.iter().copied().find(|column| column.name() == lower || is_alias(column))
        };
        let unknown = |name: &str| {
            let names: Vec<&str> = all.iter().map(|column| column.name()).collect();
            let hint = did_you_mean(name, names.iter().copied());
            format!("the table has no column \"{name}\"{hint}; its columns are {}", names.join(", "))
        };
        let mut wrong = Vec::new();
        let mut columns = Vec::new();
        for name in shown.unwrap_or_default() {
            match named(name) {
                Some(column) if !columns.contains(&column) => columns.push(column),
                Some(_) => {}
                None => wrong.push((Part::Columns, unknown(name))),
            }
        }
        let sort = sort.filter(|text| !text.is_empty()).and_then(|text| {
            let (name, order) =
                text.rsplit_once(':').map_or((text, None), |(name, order)| (name, Some(order)));
            let Some(by) = named(name).filter(|column| *column != Column::Activity) else {
                wrong.push((Part::Sort, unknown(name)));
                return None;
            };
            let descending = match order {
                None => by.descends(),
                Some("asc") => false,
                Some("desc") => true,
                Some(order) => {
                    let reason = format!("expected asc or desc after the colon, not \"{order}\"");
                    wrong.push((Part::Sort, reason));
                    return None;
                }
            };
            Some(Sort { by, descending })
        });
        let shown = shown.is_some_and(|shown| !shown.is_empty()).then_some(columns);
        if wrong.is_empty() { Ok(Arrangement { shown, sort }) } else { Err(wrong) }
    }

    /// The present columns and order of a table.
    pub(crate) fn of(table: &Table) -> Arrangement {
        Arrangement { shown: Some(table.shown_columns().collect()), sort: Some(table.sort) }
    }

    /// Gives a table these columns and this order. Columns that it does not have are left out; the columns of values stay
    /// the first.
    pub(crate) fn apply(&self, table: &mut Table) {
        if let Some(shown) = &self.shown {
            let mut choices = std::mem::take(&mut table.columns);
            let rank = |column: Column| match column {
                Column::Value | Column::Second => 0,
                other => shown.iter().position(|name| *name == other).map_or(usize::MAX, |at| at + 1),
            };
            for choice in &mut choices {
                choice.is_shown = rank(choice.column) < usize::MAX;
            }
            choices.sort_by_key(|choice| rank(choice.column));
            table.columns = choices;
        }
        let sort = self.sort.unwrap_or(table.sort);
        let has = |column: Column| table.columns.iter().any(|choice| choice.column == column);
        if has(sort.by) {
            // Also shows the column.
            table.sort_by(sort);
        }
    }

    /// The names of the columns without those of values.
    pub(crate) fn column_names(&self) -> Vec<String> {
        let is_value = |column: &&Column| matches!(column, Column::Value | Column::Second);
        let shown = self.shown.iter().flatten().filter(|column| !is_value(column));
        shown.map(|column| column.name().to_owned()).collect()
    }

    /// The order as [`Arrangement::parse`] reads it; empty: that of the table.
    pub(crate) fn sort_text(&self) -> String {
        self.sort.map_or(String::new(), |sort| {
            format!("{}:{}", sort.by.name(), if sort.descending { "desc" } else { "asc" })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, shown: &[&str], sort: &str) -> Result<Arrangement, Vec<(Part, String)>> {
        let shown: Vec<String> = shown.iter().map(|name| (*name).to_owned()).collect();
        Arrangement::parse(&kind_by_name(name).unwrap(), Some(&shown), Some(sort))
    }

    #[test]
    fn every_table_keeps_its_arrangement() {
        let pair = "http_status,error_code".to_owned();
        for name in table_names().into_iter().chain([pair]) {
            let kind = kind_by_name(&name).unwrap();
            assert_eq!(table_name(&kind), name);
            let table = Table::new(kind.clone());
            let arrangement = Arrangement::of(&table);
            let read = parse(
                &name,
                &arrangement.column_names().iter().map(String::as_str).collect::<Vec<_>>(),
                &arrangement.sort_text(),
            );
            let mut other = Table::new(kind);
            read.unwrap().apply(&mut other);
            assert_eq!(Arrangement::of(&other), arrangement, "{name}");
        }
    }

    #[test]
    fn columns_are_shown_in_the_order_of_their_names() {
        let mut table = Table::new(kind_by_name("remote_ip").unwrap());
        parse("remote_ip", &["cost", "requests", "activity"], "requests:asc").unwrap().apply(&mut table);
        let shown: Vec<&str> = table.shown_columns().map(Column::name).collect();
        assert_eq!(shown, ["value", "cost", "requests", "activity"]);
        assert_eq!((table.sort.by.name(), table.sort.descending), ("requests", false));
    }

    #[test]
    fn the_column_of_the_order_is_shown() {
        let mut table = Table::new(kind_by_name("requests").unwrap());
        parse("requests", &["time", "key"], "duration").unwrap().apply(&mut table);
        let shown: Vec<&str> = table.shown_columns().map(Column::name).collect();
        assert_eq!(shown, ["time", "key", "total_time"]);
        assert!(table.sort.descending);
    }

    #[test]
    fn unknown_columns_are_named() {
        let wrong = parse("key", &["rqeuests", "bytes_sent"], "objects").unwrap_err();
        assert!(wrong[0].1.contains("did you mean requests?"), "{wrong:?}");
        assert_eq!(wrong[1].0, Part::Sort);
        assert!(parse("key", &[], "requests:up").unwrap_err()[0].1.contains("asc or desc"));
    }
}
