//! Numbers, instants and values as they are put on the screen.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::query::Value;

/// A whole number with its thousands set apart: `12,408,113`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A whole number in at most `width` columns: `12,408,113`, or `12.4 M` where that does not fit.
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

/// A number of bytes with three or four digits: `512 B`, `7.41 TiB`.
pub(crate) fn bytes(number: u64) -> String {
    if number < 1024 {
        return format!("{number} B");
    }
    let mut scaled = number as f64 / 1024.0;
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < units.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let name = units[unit];
    if scaled < 9.995 {
        format!("{scaled:.2} {name}")
    } else if scaled < 99.95 {
        format!("{scaled:.1} {name}")
    } else {
        format!("{scaled:.0} {name}")
    }
}

/// A share of the whole: `40.7 %`; something that is not nothing is never shown as `0.0 %`.
pub(crate) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if hundredths > 0.0 && hundredths < 0.05 {
        "<0.1 %".to_owned()
    } else if hundredths >= 99.95 && hundredths < 100.0 {
        "99.9 %".to_owned()
    } else if hundredths >= 99.95 {
        "100 %".to_owned()
    } else {
        format!("{hundredths:.1} %")
    }
}

/// A length of time in its largest whole unit: `15 min`, `1 h`, `3 d`, `90 s`.
pub(crate) fn span(seconds: i64) -> String {
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

/// What one bar of the timeline stands for: `per hour`, `per 15 min`.
pub(crate) fn per(seconds: u32) -> String {
    match seconds {
        1 => "per second".to_owned(),
        60 => "per minute".to_owned(),
        3_600 => "per hour".to_owned(),
        86_400 => "per day".to_owned(),
        604_800 => "per week".to_owned(),
        other => format!("per {}", span(i64::from(other))),
    }
}

/// Minutes and seconds left: `0:42`, `1:02:03`.
pub(crate) fn remaining(seconds: f64) -> String {
    let whole = seconds.max(0.0).min(359_999.0).round() as u64;
    if whole >= 3_600 {
        format!("{}:{:02}:{:02}", whole / 3_600, whole % 3_600 / 60, whole % 60)
    } else {
        format!("{}:{:02}", whole / 60, whole % 60)
    }
}

/// A rate of lines: `1.1 M`, `870 k`, `42`.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 999_500.0 => format!("{:.1} M", r / 1e6),
        r if r >= 999.5 => format!("{:.0} k", r / 1e3),
        r => format!("{:.0}", r.max(0.0)),
    }
}

/// Milliseconds: `87 ms`, `1.25 s`, `3 min 20 s`.
pub(crate) fn millis(number: f64) -> String {
    match number {
        n if n < 999.5 => format!("{n:.0} ms"),
        n if n < 99_995.0 => format!("{:.2} s", n / 1e3),
        n => span((n / 1e3).round() as i64),
    }
}

/// An instant in a format of `strftime`; what lies outside the calendar is shown as its number.
pub(crate) fn instant(seconds: i64, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_second(seconds) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => seconds.to_string(),
    }
}

/// Date and time: `2026-04-30 23:59:58`.
pub(crate) fn full_instant(seconds: i64, zone: &TimeZone) -> String {
    instant(seconds, zone, "%Y-%m-%d %H:%M:%S")
}

/// Date and time without the year: `04-30 23:59:58`.
pub(crate) fn short_instant(seconds: i64, zone: &TimeZone) -> String {
    instant(seconds, zone, "%m-%d %H:%M:%S")
}

/// From when to when, as short as it stays clear: `2026-04-01 – 04-30`.
pub(crate) fn stretch(first: i64, last: i64, zone: &TimeZone) -> String {
    let day = |at| instant(at, zone, "%Y-%m-%d");
    let (one, other) = (day(first), day(last));
    if one == other {
        let minutes = |at| instant(at, zone, "%H:%M");
        format!("{one} {} – {}", minutes(first), minutes(last))
    } else if one.get(..4) == other.get(..4) {
        format!("{one} – {}", instant(last, zone, "%m-%d"))
    } else {
        format!("{one} – {other}")
    }
}

/// A value chosen by strangers, fit for a terminal.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Absent => "-".to_owned(),
        Value::Text(text) => visible(&String::from_utf8_lossy(text)),
    }
}

/// Text with every character that steers a terminal, or shows as nothing, made visible.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x1f' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\x7f' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => {
                shown.push_str(&format!("<{:X}>", c as u32));
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(12_408_113), "12,408,113");
        assert_eq!(count_within(12_408_113, 8), "12.4 M");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.00 KiB");
        assert_eq!(bytes(8_147_000_000_000), "7.41 TiB");
        assert_eq!(bytes(1_048_575), "1.00 MiB");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.0001), "<0.1 %");
        assert_eq!(percent(0.99999), "99.9 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(span(5_400), "1 h 30 min");
        assert_eq!(remaining(3_723.0), "1:02:03");
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_shown_as_it_is() {
        let hostile: String = (0..0x3000).filter_map(char::from_u32).collect();
        let shown = visible(&hostile);
        assert!(!shown.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
        assert_eq!(visible("a\x1b[31mb"), "a␛[31mb");
        assert_eq!(visible("über/файл"), "über/файл");
    }
}
