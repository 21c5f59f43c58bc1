//! Parts of the sentences that explain findings.

use crate::human;
use crate::query::{Dimension, Value};

/// Longest text from logs in a sentence, in characters.
const MAX_TEXT: usize = 80;

/// A length of time: `40 s`, `12 min`, `3 h`, `2 days`.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        ..100 => format!("{} s", seconds.max(1)),
        100..6_000 => format!("{} min", (seconds + 30) / 60),
        6_000..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => human::counted(((seconds + 43_200) / 86_400).unsigned_abs(), "day"),
    }
}

/// A moment to the minute: `2026-04-17 03:00`, UTC.
pub(super) fn minute(second: i64) -> String {
    let text = human::instant(second);
    text.get(..16).unwrap_or(&text).to_owned()
}

/// Text from logs, shortened.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().count() <= MAX_TEXT {
        return text.into_owned();
    }
    let mut short: String = text.chars().take(MAX_TEXT - 1).collect();
    short.push('…');
    short
}

/// A value from logs, shortened.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Text(bytes) => text(bytes),
        other => other.to_text(),
    }
}

/// The client that a sentence is about: `203.0.113.7`, `role/etl`, `192.0.2.0/24 (6 addresses)`.
pub(super) fn client(dimension: &Dimension, value: &Value, addresses: u64) -> String {
    let name = match value {
        Value::Text(_) | Value::Integer(_) => self::value(value),
        Value::Absent => match dimension.name().as_str() {
            "requester" | "role" => "anonymous clients".to_owned(),
            "user_agent" | "agent_family" => "clients without a user agent".to_owned(),
            name => format!("requests without {name}"),
        },
    };
    let is_address = *dimension == Dimension::Field(crate::log::Field::RemoteIp);
    if addresses > 1 && !is_address {
        format!("{name} ({} addresses)", human::count(addresses))
    } else {
        name
    }
}

/// The parts of a sentence, joined by spaces; empty parts are left out.
pub(super) fn sentence<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
