//! Numbers, times and values as the screen shows them.

pub(crate) use crate::human::{bytes, count, counted, dollars, duration, percent, plural};
use jiff::{Timestamp, tz::TimeZone};

use crate::{export::visible::visible_bytes, log::Field, query::BucketWidth, query::Value};

/// A whole number in at most `width` terminal columns: `12,408,113`, or `12.4 M` if that does not fit.
pub(crate) fn count_within(number: u64, width: usize) -> String {
    let exact = count(number);
    if exact.len() <= width {
        return exact;
    }
    let mut scaled = number as f64;
    for unit in ["", " k", " M", " G", " T", " P"] {
        if scaled < 999.5 {
            return format!("{scaled:.1}{unit}");
        }
        scaled /= 1000.0;
    }
    exact
}

/// A length of time: `15 min`, `1 h`, `3 d`, `1 min 30 s`.
pub(crate) fn length_of_time(seconds: i64) -> String {
    for (size, name) in [(86_400, "d"), (3_600, "h"), (60, "min")] {
        if seconds >= size && seconds % size == 0 {
            return format!("{} {name}", seconds / size);
        }
    }
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// An age: `12 s ago`, `2 min ago`, `3 h ago`, `5 d ago`.
pub(crate) fn ago(seconds: i64) -> String {
    match seconds {
        // The clocks of servers differ a little.
        ..=0 => "just now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A time without the parts that are the same as in `now`: `14:03:22`, `04-30 23:59:58`, `2025-12-31 23:59`.
pub(crate) fn instant_seen_at(seconds: i64, now: i64, zone: &TimeZone) -> String {
    let is_same = |format| instant(seconds, zone, format) == instant(now, zone, format);
    let format = match (is_same("%Y-%m-%d"), is_same("%Y")) {
        (true, _) => "%H:%M:%S",
        (false, true) => "%m-%d %H:%M:%S",
        (false, false) => "%Y-%m-%d %H:%M",
    };
    instant(seconds, zone, format)
}

/// An interval as the user types it: `30s`, `5m`, `1h`.
pub(crate) fn interval(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size))
        .map_or_else(|| format!("{seconds}s"), |(size, name)| format!("{}{name}", seconds / size))
}

/// The unit of a bar of the timeline: `per hour`, `per 15 min`.
pub(crate) fn per(seconds: u32) -> String {
    match seconds {
        1 => "per second".to_owned(),
        60 => "per minute".to_owned(),
        3_600 => "per hour".to_owned(),
        86_400 => "per day".to_owned(),
        604_800 => "per week".to_owned(),
        other => format!("per {}", length_of_time(i64::from(other))),
    }
}

/// The width of a time bucket: `15 min`, `1 week`, `1 month`.
pub(crate) fn bucket_width(width: BucketWidth) -> String {
    match width {
        BucketWidth::Month => "1 month".to_owned(),
        BucketWidth::Seconds(604_800) => "1 week".to_owned(),
        BucketWidth::Seconds(86_400) => "1 day".to_owned(),
        BucketWidth::Seconds(seconds) => length_of_time(i64::from(seconds)),
    }
}

/// The unit of a row of the table of times.
pub(crate) fn per_bucket(width: BucketWidth) -> String {
    match width {
        BucketWidth::Month => "per month".to_owned(),
        BucketWidth::Seconds(seconds) => per(seconds),
    }
}

/// The time of a bucket, as exact as its length needs: `2026-04-01 12:00`, `2026-04-01 Wed`, `2026-04`.
pub(crate) fn time_row(start: i64, end: i64, zone: &TimeZone) -> String {
    const DAY: i64 = 86_400;
    let starts_day = instant(start, zone, "%H:%M:%S") == "00:00:00";
    let format = match end.saturating_sub(start) {
        seconds if seconds > 27 * DAY && starts_day && instant(start, zone, "%d") == "01" => "%Y-%m %B",
        seconds if seconds % DAY == 0 && starts_day => "%Y-%m-%d %a",
        seconds if seconds % 60 == 0 => "%Y-%m-%d %H:%M",
        _ => FULL_INSTANT,
    };
    instant(start, zone, format)
}

/// A remaining time: `0:42`, `1:02:03`.
pub(crate) fn remaining(seconds: f64) -> String {
    let whole = seconds.clamp(0.0, 359_999.0).round() as u64;
    if whole >= 3_600 {
        format!("{}:{:02}:{:02}", whole / 3_600, whole % 3_600 / 60, whole % 60)
    } else {
        format!("{}:{:02}", whole / 60, whole % 60)
    }
}

/// A rate: `1.1 M`, `870 k`, `42`.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 999_500.0 => format!("{:.1} M", r / 1e6),
        r if r >= 999.5 => format!("{:.0} k", r / 1e3),
        r => format!("{:.0}", r.max(0.0)),
    }
}

/// A time in a format of `strftime`; outside the calendar, its number of seconds.
pub(crate) fn instant(seconds: i64, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_second(seconds) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => seconds.to_string(),
    }
}

/// The offset of a time zone from UTC: `UTC+2`, `UTC-3:30`.
pub(crate) fn offset(seconds: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let minutes = zone.to_offset(at).seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    match minutes {
        0 => format!("UTC{sign}{hours}"),
        minutes => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// Date and time: `2026-04-30 23:59:58`.
pub(crate) const FULL_INSTANT: &str = "%Y-%m-%d %H:%M:%S";
/// Date and time without the year: `04-30 23:59:58`.
pub(crate) const SHORT_INSTANT: &str = "%m-%d %H:%M:%S";

/// Date and time: `2026-04-30 23:59:58`.
pub(crate) fn full_instant(seconds: i64, zone: &TimeZone) -> String {
    instant(seconds, zone, FULL_INSTANT)
}

/// A time range without redundant parts: `2026-04-01 – 04-30`.
pub(crate) fn time_range(first: i64, last: i64, zone: &TimeZone) -> String {
    let day = |at| instant(at, zone, "%Y-%m-%d");
    let (first_day, last_day) = (day(first), day(last));
    if first_day == last_day {
        let minutes = |at| instant(at, zone, "%H:%M");
        format!("{first_day} {} – {}", minutes(first), minutes(last))
    } else if first_day.get(..4) == last_day.get(..4) {
        format!("{first_day} – {}", instant(last, zone, "%m-%d"))
    } else {
        format!("{first_day} – {last_day}")
    }
}

/// A period without redundant parts: `04-02 03:00–03:40`, `04-02 – 04-09`. `end` is the first second after it.
pub(crate) fn period(start: i64, end: i64, zone: &TimeZone) -> String {
    let last = end.saturating_sub(1).max(start);
    let part = |at, format| instant(at, zone, format);
    let is_same_day = part(start, "%Y-%m-%d") == part(last, "%Y-%m-%d");
    // Minutes: a period of full hours ends at the hour, not a minute before.
    let shown_end = if end % 60 == 0 { end } else { last };
    if is_same_day || end - start < 86_400 {
        format!("{}–{}", part(start, "%m-%d %H:%M"), part(shown_end, "%H:%M"))
    } else {
        format!("{} – {}", part(start, "%m-%d"), part(last, "%m-%d"))
    }
}

/// A time range without redundant parts, for times of one year: `04-09 12:00–18:00`, `04-01 – 04-08`,
/// `04-01 12:00 – 04-03 06:00`. `end` is the first second after it. The year, or both years, are shown if `with_year`.
pub(crate) fn span(start: i64, end: i64, zone: &TimeZone, with_year: bool) -> String {
    let part = |at, format| instant(at, zone, format);
    let starts_day = |at| part(at, "%H:%M:%S") == "00:00:00";
    let last = end.saturating_sub(1).max(start);
    let is_one_day = part(start, "%Y-%m-%d") == part(last, "%Y-%m-%d");
    let is_one_year = part(start, "%Y") == part(last, "%Y");
    let date = |is_first: bool| if with_year && (is_first || !is_one_year) { "%Y-%m-%d" } else { "%m-%d" };
    if starts_day(start) && starts_day(end) {
        return match is_one_day {
            true => part(start, date(true)),
            false => format!("{} – {}", part(start, date(true)), part(last, date(false))),
        };
    }
    let has_seconds = start % 60 != 0 || end % 60 != 0;
    let time = if has_seconds { "%H:%M:%S" } else { "%H:%M" };
    let from = format!("{} {}", part(start, date(true)), part(start, time));
    match is_one_day {
        true if starts_day(end) => format!("{from}–24:00"),
        true => format!("{from}–{}", part(end, time)),
        false => format!("{from} – {} {}", part(end, date(false)), part(end, time)),
    }
}

/// A size or a duration of a field, in its unit. `None`: the field has neither.
pub(crate) fn measure(field: Field, value: &Value) -> Option<String> {
    let Value::Integer(number) = value else { return None };
    let number = u64::try_from(*number).ok()?;
    match field {
        Field::BytesSent | Field::ObjectSize => Some(bytes(number)),
        Field::TotalTime | Field::TurnAroundTime => Some(duration(number as f64)),
        _ => None,
    }
}

/// A value, with control characters made visible; "-" if it is absent.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Absent => "-".to_owned(),
        Value::Text(text) => visible_bytes(text).into_owned(),
    }
}

/// Text with control characters and invisible characters made visible.
pub(crate) fn visible(text: &str) -> String {
    crate::export::visible(text).into_owned()
}

/// A filter as text for the screen, as it can be typed.
pub(crate) fn filter(filter: &crate::query::Filter) -> String {
    filter_text(&filter.to_string())
}

/// A text with filters in it for the screen: their escapes stay as they are.
pub(crate) fn filter_text(text: &str) -> String {
    crate::export::visible::visible_on_screen(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_of_time() {
        assert_eq!(count_within(12_408_113, 8), "12.4 M");
        assert_eq!(length_of_time(5_400), "90 min");
        assert_eq!(length_of_time(93_784), "1 d 2 h");
        assert_eq!(remaining(3_723.0), "1:02:03");
    }

    #[test]
    fn ages_times_and_intervals() {
        let ages = [-3, 0, 1, 59, 60, 3_599, 3_600, 86_399, 86_400, 900_000].map(ago);
        let expected = ["just now", "just now", "1 s ago", "59 s ago", "1 min ago", "59 min ago", "1 h ago"];
        assert_eq!(ages[..7], expected);
        assert_eq!(ages[7..], ["23 h ago", "1 d ago", "10 d ago"]);
        let noon = 1_775_044_800; // 2026-04-01
        let seen = |at| instant_seen_at(at, noon, &TimeZone::UTC);
        assert_eq!(seen(noon - 60), "11:59:00");
        assert_eq!(seen(noon - 86_400), "03-31 12:00:00");
        assert_eq!(seen(noon - 100 * 86_400), "2025-12-22 12:00");
        let typed = [1, 30, 60, 90, 300, 3_600, 5_400, 86_400];
        let typed = typed.map(|seconds| interval(std::time::Duration::from_secs(seconds)));
        assert_eq!(typed, ["1s", "30s", "1m", "90s", "5m", "1h", "90m", "1d"]);
    }

    #[test]
    fn control_characters_are_made_visible() {
        let hostile: String = (0..0x3000).filter_map(char::from_u32).collect();
        let shown = visible(&hostile);
        assert!(!shown.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
        assert_eq!(visible("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(visible("über/файл"), "über/файл");
    }
}
