//! Numbers, durations and times in human-readable form.

use jiff::Timestamp;

/// A number of bytes in binary units with about three digits: `18.2 TiB`, `512 B`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    // The largest number of three digits.
    if bytes <= 999 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.95 MiB is 1.00 GiB, not 1024 MiB; 1000 B are 0.98 KiB.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A number with thousands separators: `1,204,113`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with a noun, which is given in the singular: `1 segment`, `1,204 segments`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), plural(number))
}

/// The ending of a regular noun after a number: `s`, or nothing after 1.
pub fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// A share, 0–1, as a percentage: `40.7 %`. A small share is `<0.1 %`, never `0.0 %`.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        100.0 => "100 %".to_owned(),
        v if v > 0.0 && v < 0.05 => "<0.1 %".to_owned(),
        v if v > 99.95 && v < 100.0 => ">99.9 %".to_owned(),
        v => format!("{v:.1} %"),
    }
}

/// A fractional number with about three digits: `0.017`, `2.35`, `14.2`, `1,204`, `∞`.
pub fn ratio(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        f64::INFINITY => "∞".to_owned(),
        f64::NEG_INFINITY => "-∞".to_owned(),
        v if !v.is_finite() => v.to_string(),
        v if v < 0.0995 => format!("{v:.3}"),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => count(v.round() as u64),
    }
}

/// An amount of US dollars with about three digits: `$0.28`, `$14.20`, `$1,234`. A small amount is `<$0.01`, never `$0.00`.
pub fn dollars(amount: f64) -> String {
    match amount {
        0.0 => "$0".to_owned(),
        v if !v.is_finite() || v < 0.0 => format!("${v}"),
        v if v < 0.005 => "<$0.01".to_owned(),
        v if v < 99.995 => format!("${v:.2}"),
        v => format!("${}", count(v.round() as u64)),
    }
}

/// Whether the space between two texts is between a number and its unit, as in `1.5 GiB`, `40.7 %` and `30 days`: no line is
/// broken there.
pub(crate) fn is_before_unit(before: &str, after: &str) -> bool {
    const UNITS: [&str; 15] =
        ["%", "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ms", "s", "min", "h", "d", "day", "days"];
    let unit = after.split(|c: char| c != '%' && !c.is_alphanumeric()).next().unwrap_or("");
    before.ends_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&unit)
}

/// `part / whole`, or 0 if `whole` is 0.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A time in seconds since the epoch as `2026-04-30 23:59:58`, UTC.
pub fn instant(second: i64) -> String {
    format_utc(second, "%Y-%m-%d %H:%M:%S")
}

/// A time in seconds since the epoch in RFC 3339 format: `2026-04-30T23:59:58Z`.
pub fn rfc3339(second: i64) -> String {
    format_utc(second, "%Y-%m-%dT%H:%M:%SZ")
}

fn format_utc(second: i64, format: &str) -> String {
    Timestamp::from_second(second)
        .and_then(|time| jiff::fmt::strtime::format(format, time))
        .unwrap_or_else(|_| format!("@{second}"))
}

/// A duration in milliseconds: `12 ms`, `1.2 s`, `3:07`, `2:03:07`.
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 999.5 {
        return if milliseconds < 9.95 && milliseconds.fract() != 0.0 {
            format!("{milliseconds:.1} ms")
        } else {
            format!("{milliseconds:.0} ms")
        };
    }
    let seconds = milliseconds / 1000.0;
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_about_three_digits() {
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "0.98 KiB"),
            (1023, "1.00 KiB"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (1024 * 1024 - 1, "1.00 MiB"),
            (20_011_000_000_000, "18.2 TiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn ratios_have_about_three_digits() {
        for (number, text) in
            [(0.0, "0"), (0.0167, "0.017"), (2.349, "2.35"), (14.16, "14.2"), (1204.4, "1,204")]
        {
            assert_eq!(ratio(number), text);
        }
    }

    #[test]
    fn counts_have_thousands_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204_113), "1,204,113");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1000, "log file"), "1,000 log files");
    }

    #[test]
    fn a_small_share_is_not_zero() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.0001), "<0.1 %");
        assert_eq!(percent(0.4071), "40.7 %");
        assert_eq!(percent(0.99999), ">99.9 %");
        assert_eq!(percent(1.0), "100 %");
    }

    #[test]
    fn a_small_amount_is_not_zero_and_a_large_one_has_no_cents() {
        for (amount, text) in [
            (0.0, "$0"),
            (0.000_000_4, "<$0.01"),
            (0.005, "$0.01"),
            (0.281, "$0.28"),
            (14.2, "$14.20"),
            (99.999, "$100"),
            (1_234.4, "$1,234"),
        ] {
            assert_eq!(dollars(amount), text);
        }
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(instant(1_775_001_600), "2026-04-01 00:00:00");
        assert_eq!(rfc3339(1_775_001_600), "2026-04-01T00:00:00Z");
        assert_eq!(rfc3339(i64::MAX), "@9223372036854775807");
    }

    #[test]
    fn longer_durations_have_less_precision() {
        assert_eq!(duration(0.0), "0 ms");
        assert_eq!(duration(12.4), "12 ms");
        assert_eq!(duration(1_234.0), "1.2 s");
        assert_eq!(duration(187_000.0), "3:07");
        assert_eq!(duration(7_387_000.0), "2:03:07");
    }
}
