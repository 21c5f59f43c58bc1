//! Investigations: what they select, and the present view as one.

use crate::config::{Investigation, NamedInvestigation, did_you_mean};
use crate::log::Field;
use crate::query::filter::period;
use crate::query::{Dimension, Filter, TimeRange};
use crate::tui::model::arrangement::{self, Arrangement, Part};
use crate::tui::model::{Layer, State, TableKind};

/// An investigation whose texts were read.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) filter: Filter,
    pub(crate) time: TimeRange,
    pub(crate) kind: TableKind,
    pub(crate) arrangement: Arrangement,
}

/// Reads the texts of an investigation. Relative times count from `now`, in seconds since the epoch.
///
/// # Errors
/// Every key with a problem, and what is wrong.
pub(crate) fn resolve(
    investigation: &Investigation,
    now: i64,
) -> Result<Resolved, Vec<(&'static str, String)>> {
    let mut wrong: Vec<(&'static str, String)> = Vec::new();
    let filter = Filter::parse(&investigation.filter, now).unwrap_or_else(|error| {
        wrong.push(("filter", error.to_string()));
        Filter::everything()
    });
    let kind = match investigation.table.as_str() {
        "" => Some(TableKind::Groups(Dimension::Field(Field::RemoteIp))),
        name => arrangement::kind_by_name(name),
    };
    let arrangement = match &kind {
        None => {
            let name = &investigation.table;
            let names = arrangement::table_names();
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            wrong.push((
                "table",
                format!("there is no table \"{name}\"{hint}; {}", arrangement::EXPECTED_TABLE),
            ));
            Arrangement::default()
        }
        Some(kind) => {
            let arrangement =
                Arrangement::parse(kind, Some(&investigation.columns), Some(&investigation.sort));
            arrangement.unwrap_or_else(|parts| {
                wrong.extend(parts.into_iter().map(|(part, reason)| match part {
                    Part::Columns => ("columns", reason),
                    Part::Sort => ("sort", reason),
                }));
                Arrangement::default()
            })
        }
    };
    let mut instant = |key: &'static str, text: &str| {
        // `7d` can only mean seven days ago.
        let ago = period::parse_duration(text).and_then(|seconds| now.checked_sub(seconds));
        match ago.map_or_else(|| period::parse(text, now).map(|period| period.first), Ok) {
            Ok(instant) => Some(instant),
            Err(_) if text.is_empty() => None,
            Err(message) => {
                wrong.push((key, message));
                None
            }
        }
    };
    let start = instant("since", &investigation.since);
    let end = instant("until", &investigation.until);
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        wrong.push(("until", "until is not after since: the time range is empty".to_owned()));
    }
    match kind {
        Some(kind) if wrong.is_empty() => {
            Ok(Resolved { filter, time: TimeRange { start, end }, kind, arrangement })
        }
        _ => Err(wrong),
    }
}

impl Resolved {
    /// A layer that shows this, within the time range of the session.
    pub(crate) fn layer(self, time: TimeRange) -> Layer {
        let mut layer = Layer::new(self.filter, time);
        layer.show(self.kind);
        let table = layer.table_mut();
        self.arrangement.apply(table);
        table.keeps_arrangement = false;
        table.arranged = Some(Arrangement::of(table));
        layer
    }
}

/// The investigations to choose from, those of the user first.
pub(crate) fn list(state: &State) -> &[NamedInvestigation] {
    &state.settings.investigations
}

/// The view in front as an investigation.
pub(crate) fn of_view(state: &State, about: &str) -> Investigation {
    let layer = state.layer();
    let table = layer.table();
    let present = Arrangement::of(table);
    let initial = Arrangement::of(&crate::tui::model::Table::new(table.kind.clone()));
    let instant = |at: Option<i64>, of_session: Option<i64>| match at {
        Some(at) if Some(at) != of_session => time_text(at),
        _ => String::new(),
    };
    Investigation {
        about: about.to_owned(),
        topic: String::new(),
        table: arrangement::table_name(&table.kind),
        filter: layer.filter.to_string(),
        sort: if present.sort == initial.sort { String::new() } else { present.sort_text() },
        columns: if present.shown == initial.shown { Vec::new() } else { present.column_names() },
        since: instant(layer.time.start, state.session_time.start),
        until: instant(layer.time.end, state.session_time.end),
    }
}

/// A time as `since` and `until` accept it.
fn time_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("@{seconds}"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::investigation::built_in;
    use crate::tui::testing::{APRIL, NOW};

    #[test]
    fn every_investigation_of_the_program_can_be_read() {
        for NamedInvestigation { name, investigation, .. } in built_in() {
            if let Err(wrong) = resolve(investigation, NOW) {
                panic!("{name}: {wrong:?}");
            }
        }
    }

    #[test]
    fn times_are_relative_or_absolute() {
        let read = |since: &str, until: &str| {
            let investigation = Investigation {
                since: since.to_owned(),
                until: until.to_owned(),
                ..Investigation::default()
            };
            resolve(&investigation, NOW).map(|resolved| (resolved.time.start, resolved.time.end))
        };
        assert_eq!(read("7d", "").unwrap(), (Some(NOW - 7 * 86_400), None));
        assert_eq!(read("2026-04-01", "2026-04-01T00:01:00Z").unwrap(), (Some(APRIL), Some(APRIL + 60)));
        assert_eq!(time_text(APRIL), "2026-04-01T00:00:00Z");
        assert_eq!(read("2026-04-02", "2026-04-01").unwrap_err()[0].0, "until");
    }
}
