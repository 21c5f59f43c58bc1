//! The texts of values in tables: names for absent values, short forms of operations and requesters, and where a text is
//! cut if it does not fit. The whole value is shown below the table.

use crate::log::Field;
use crate::query::{Dimension, Value};
use crate::tui::format;
use crate::tui::widgets::fit;

/// The name of an absent value of a field.
pub(crate) fn absent(field: Field) -> &'static str {
    match field {
        Field::Requester => "(anonymous)",
        Field::Key => "(no key)",
        _ => "(none)",
    }
}

/// The value of a group, with control characters made visible. Hours and weekdays are spelled out.
pub(crate) fn of_group(by: &Dimension, value: &Value) -> String {
    match (by, value) {
        (Dimension::HourOfDay, Value::Integer(hour)) => format!("{hour:02}:00–{hour:02}:59"),
        (Dimension::Weekday, Value::Integer(day)) => {
            weekday(*day).map_or_else(|| day.to_string(), str::to_owned)
        }
        (Dimension::RefererHost | Dimension::Extension | Dimension::QueryParam { .. }, Value::Absent) => {
            "(none)".to_owned()
        }
        (by, Value::Absent) => absent(by.base()).to_owned(),
        (Dimension::Prefix { .. }, Value::Text(text)) if text.is_empty() => "(no folder)".to_owned(),
        (_, Value::Text(text)) if text.is_empty() => "(empty)".to_owned(),
        (_, value) => format::value(value),
    }
}

/// The name of a weekday, 1 (Monday) – 7.
pub(crate) fn weekday(day: i64) -> Option<&'static str> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    usize::try_from(day - 1).ok().and_then(|day| DAYS.get(day)).copied()
}

/// The value of a field in the table of requests: shortened by its meaning.
pub(crate) fn of_field(field: Field, value: &Value) -> String {
    match (field, value) {
        (field, Value::Absent) => absent(field).to_owned(),
        (Field::Operation, Value::Text(_)) => operation(&format::value(value)),
        (Field::Requester, Value::Text(_)) => requester(&format::value(value)),
        (field, value) => format::measure(field, value).unwrap_or_else(|| format::value(value)),
    }
}

/// Shortens the value of a group to a width.
pub(crate) fn fit_group(by: &Dimension, text: &str, width: usize) -> String {
    if *by == Dimension::Field(Field::Requester) {
        fit_field(Field::Requester, &fit::first_that_fits([text, &requester(text)], width), width)
    } else {
        fit_field(by.base(), text, width)
    }
}

/// Shortens the value of a field to a width: at its end, but keys, referers, request lines and addresses in the middle,
/// because their ends tell them apart.
pub(crate) fn fit_field(field: Field, text: &str, width: usize) -> String {
    match field {
        Field::Key | Field::KeyLogged | Field::Referer | Field::RequestUri | Field::RemoteIp => {
            fit::middle(text, width)
        }
        _ => fit::end(text, width),
    }
}

/// `REST.GET.OBJECT` → `GET object`, `BATCH.DELETE.OBJECT` → `batch DELETE object`. Other texts are unchanged.
fn operation(text: &str) -> String {
    let parts: Vec<&str> = text.split('.').collect();
    let [interface, method, resource] = parts.as_slice() else { return text.to_owned() };
    let is_word =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if !parts.iter().all(is_word) && *interface != "S3" {
        return text.to_owned();
    }
    let resource = resource.to_ascii_lowercase().replace('_', " ");
    match *interface {
        "REST" => format!("{method} {resource}"),
        "S3" => format!("S3 {} {resource}", method.to_ascii_lowercase().replace('_', " ")),
        other => format!("{} {method} {resource}", other.to_ascii_lowercase()),
    }
}

/// The part of an ARN that names who it is: `arn:aws:sts::123456789012:assumed-role/etl/session-7` → `etl/session-7`,
/// `arn:aws:iam::123456789012:user/ann` → `user/ann`. Other texts are unchanged.
fn requester(text: &str) -> String {
    if !text.starts_with("arn:") {
        return text.to_owned();
    }
    // arn:partition:service:region:account:resource
    match text.splitn(6, ':').nth(5) {
        Some(resource) if !resource.is_empty() => {
            resource.strip_prefix("assumed-role/").unwrap_or(resource).to_owned()
        }
        _ => text.to_owned(),
    }
}

/// Hexadecimal digits of a canonical user id.
const USER_ID_DIGITS: usize = 64;
/// Its digits at each end that are kept.
const KEPT_DIGITS: usize = 8;

/// Shortens the canonical user ids in a text, so that what is said about them fits: `5b1d0c6e…3a1f6e28`.
pub(crate) fn short_user_ids(text: &str) -> String {
    let shorten = |word: &str| {
        let is_id = word.len() == USER_ID_DIGITS && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (word.get(..KEPT_DIGITS), word.get(USER_ID_DIGITS - KEPT_DIGITS..)) {
            (Some(first), Some(last)) if is_id => format!("{first}…{last}"),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(shorten).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_filled_the_line_about_what_its_owner_did() {
        let id = "5b1d0c6e8f2a47939ce0b4d7a1f36285c49e70bd16a2f8435e9d0c7b3a1f6e28";
        let text = short_user_ids(&format!("{id} connected with an old TLS version"));
        assert_eq!(text, "5b1d0c6e…3a1f6e28 connected with an old TLS version");
        let others = "a  key/of/64/characters é ".repeat(3);
        assert_eq!(short_user_ids(&others), others);
    }

    #[test]
    fn operations_are_shortened_by_their_meaning() {
        for (logged, short) in [
            ("REST.GET.OBJECT", "GET object"),
            ("REST.GET.BUCKET", "GET bucket"),
            ("REST.PUT.OBJECT_ACL", "PUT object acl"),
            ("REST.COPY.OBJECT_GET", "COPY object get"),
            ("BATCH.DELETE.OBJECT", "batch DELETE object"),
            ("WEBSITE.GET.OBJECT", "website GET object"),
            ("S3.EXPIRE.OBJECT", "S3 expire object"),
            ("S3.TRANSITION_GIR.OBJECT", "S3 transition gir object"),
            ("s3_GetObject", "s3_GetObject"),
            ("a.b.c", "a.b.c"),
            ("REST..OBJECT", "REST..OBJECT"),
            ("-", "-"),
        ] {
            assert_eq!(operation(logged), short);
        }
    }

    #[test]
    fn the_role_of_a_requester_was_cut_out() {
        let arn = "arn:aws:sts::777777777777:assumed-role/cleanup-prod/session-1771777038000";
        assert_eq!(requester(arn), "cleanup-prod/session-1771777038000");
        let by = Dimension::Field(Field::Requester);
        assert_eq!(fit_group(&by, arn, 100), arn);
        assert_eq!(fit_group(&by, arn, 40), "cleanup-prod/session-1771777038000");
        assert_eq!(fit_group(&by, arn, 20), "cleanup-prod/sessio…");
        assert_eq!(requester("arn:aws:iam::123456789012:user/ann"), "user/ann");
        assert_eq!(requester("svc:s3.amazonaws.com"), "svc:s3.amazonaws.com");
        assert_eq!(requester("arn:x"), "arn:x");
    }

    #[test]
    fn absent_values_have_names() {
        let name = |by: &str| of_group(&Dimension::by_name(by).unwrap(), &Value::Absent);
        for (by, expected) in [
            ("requester", "(anonymous)"),
            ("role", "(anonymous)"),
            ("key", "(no key)"),
            ("prefix", "(no key)"),
            ("extension", "(none)"),
            ("remote_ip", "(none)"),
        ] {
            assert_eq!(name(by), expected, "{by}");
        }
        assert_eq!(of_group(&Dimension::Prefix { depth: 1 }, &Value::from("")), "(no folder)");
        assert_eq!(of_group(&Dimension::Field(Field::UserAgent), &Value::from("")), "(empty)");
        assert_eq!(of_group(&Dimension::Weekday, &Value::Integer(1)), "Monday");
    }
}
