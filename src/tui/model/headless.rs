//! The shell command that prints the table in front.

use jiff::Timestamp;

use crate::query::{BucketWidth, Measure};
use crate::tui::model::{Column, State, TableKind, names, time_axes};

/// The command, quoted for a POSIX shell, or why there is none.
pub(crate) fn command(state: &State) -> Result<String, String> {
    let layer = state.layer();
    let table = layer.table();
    let mut words = vec!["tamarin".to_owned()];
    let mut sort = match table.sort.by {
        Column::Measure(measure) => Some(measure.name().to_owned()),
        Column::Share => Some(Measure::BytesSent.name().to_owned()),
        Column::Field(field) => Some(field.name().to_owned()),
        Column::Value => Some("value".to_owned()),
        Column::Second | Column::Activity | Column::Finding(_) => None,
    };
    match &table.kind {
        TableKind::Groups(by) => words.extend(["report".to_owned(), by.name()]),
        TableKind::Pairs([first, second]) => {
            words.extend(["report".to_owned(), format!("{},{}", first.name(), second.name())]);
        }
        TableKind::Times(_) => {
            let width = time_axes::times_bucket(state).ok_or("the table is not loaded yet")?;
            words.extend(["report".to_owned(), "time".to_owned(), format!("--bucket={}", bucket(width))]);
        }
        TableKind::Requests => words.push("requests".to_owned()),
        TableKind::Findings => {
            words.push("findings".to_owned());
            sort = None;
        }
    }
    words.extend(state.sources.iter().cloned());
    if let Some(cache) = &state.cache_option {
        words.push(format!("--cache={}", cache.display()));
    }
    if state.names.is_enabled && names::is_needed(state) {
        words.push("--resolve".to_owned());
    }
    if !layer.filter.is_everything() {
        words.push(format!("--filter={}", layer.filter));
    }
    for (option, second) in [("since", layer.time.start), ("until", layer.time.end)] {
        if let Some(second) = second {
            words.push(format!("--{option}={}", instant(second)));
        }
    }
    if let Some(sort) = sort {
        let order = if table.sort.descending { "desc" } else { "asc" };
        words.push(format!("--sort={sort}:{order}"));
    }
    if let TableKind::Groups(_) | TableKind::Times(_) = table.kind {
        let is_asked = |measure: &Measure| !measure.is_standard() && *measure != Measure::Value;
        let more: Vec<&str> =
            table.shown_columns().filter_map(Column::measure).filter(is_asked).map(Measure::name).collect();
        if !more.is_empty() {
            words.push(format!("--columns={}", more.join(",")));
        }
    }
    Ok(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

fn bucket(width: BucketWidth) -> String {
    match width {
        BucketWidth::Month => "1mo".to_owned(),
        BucketWidth::Seconds(seconds) => {
            let seconds = i64::from(seconds);
            let units = [(604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m")];
            let unit = units.into_iter().find(|(size, _)| seconds % size == 0);
            unit.map_or(format!("{seconds}s"), |(size, name)| format!("{}{name}", seconds / size))
        }
    }
}

fn instant(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| format!("@{second}"), |time| time.to_string())
}

/// A word of a command for a POSIX shell: in single quotes unless it needs none. Text from logs is in filters only, whose
/// printed form has no invisible characters.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_one_word() {
        assert_eq!(quoted("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
        assert_eq!(quoted("$(id) `id` \"x\" !! \\"), "'$(id) `id` \"x\" !! \\'");
        assert_eq!(quoted("--filter=remote_ip:192.0.2.1"), "--filter=remote_ip:192.0.2.1");
        assert_eq!(quoted("~/x"), "'~/x'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn widths_of_buckets_are_as_the_command_line_reads_them() {
        let widths = [60, 900, 3_600, 86_400, 604_800, 90].map(BucketWidth::Seconds).map(bucket);
        assert_eq!(widths, ["1m", "15m", "1h", "1d", "1w", "90s"]);
        assert_eq!(bucket(BucketWidth::Month), "1mo");
    }
}
