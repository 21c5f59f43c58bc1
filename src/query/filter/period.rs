//! Periods as people type them: `2026-04-01`, `2026-04-01T03:00`, `-6h`, `yesterday`, `@1775012400`. Used for `time:` in
//! filters and for options such as `--since`. UTC unless the text has an offset.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use crate::log::time::SECONDS_PER_DAY;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = SECONDS_PER_DAY;
/// Times that are printed as dates; others are printed as `@` and seconds since the epoch.
const PRINTABLE_AS_DATE: std::ops::Range<i64> = -62_135_596_800..253_402_128_000;

/// The year, month, day, hour, minute or second that a text denotes, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first second.
    pub first: i64,
    /// The last second.
    pub last: i64,
    /// Whether the period consists of whole days. A range includes the days at its end entirely, but only the first
    /// second of a time of day at its end.
    pub is_whole_days: bool,
    /// Whether the text counts back from the current time. Outside of a range, it means "since then".
    pub is_relative: bool,
}

impl Period {
    /// The last second of a range that ends with this period.
    pub fn end_of_range(self) -> i64 {
        if self.is_whole_days { self.last } else { self.first }
    }

    fn second(second: i64, is_relative: bool) -> Period {
        Period { first: second, last: second, is_whole_days: false, is_relative }
    }
}

/// A description of valid texts, for messages.
pub const EXPECTED: &str =
    "a time such as 2026-04-01, 2026-04-01T03:00, -6h (or m, d, w), today, yesterday or @1775012400";

/// Parses a period. Relative times such as `-6h` count from `now`, in seconds since the epoch. `None` if `text` is
/// invalid.
pub fn parse(text: &str, now: i64) -> Option<Period> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "now" => return Some(Period::second(now, true)),
        "today" => return Some(day_of(now)),
        "yesterday" => return Some(day_of(now.checked_sub(DAY)?)),
        _ => {}
    }
    if let Some(second) = text.strip_prefix('@') {
        return second.parse().ok().map(|second| Period::second(second, false));
    }
    if let Some(back) = lower.strip_prefix('-') {
        return now.checked_sub(parse_duration(back)?).map(|second| Period::second(second, true));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return parse_date(text);
    }
    let first = match text.parse::<Timestamp>() {
        Ok(instant) => instant.as_second(),
        Err(_) => second_from(text.parse::<DateTime>().ok()?)?,
    };
    let clock = text.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
    let clock = clock.trim_end_matches(['Z', 'z']);
    let clock = clock.split(['+', '-']).next().unwrap_or("");
    let width = match clock.matches(':').count() {
        0 if clock.len() <= 2 => HOUR,
        1 => MINUTE,
        _ => 1,
    };
    Some(Period { first, last: first.checked_add(width - 1)?, is_whole_days: false, is_relative: false })
}

/// Parses a duration such as `90s`, `5m`, `6h`, `2d` or `1w`, in seconds. `None` if `text` is invalid.
pub fn parse_duration(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "s" => 1,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

fn day_of(second: i64) -> Period {
    let first = second - second.rem_euclid(DAY);
    Period { first, last: first + (DAY - 1), is_whole_days: true, is_relative: false }
}

/// Parses a year, a month or a day.
fn parse_date(text: &str) -> Option<Period> {
    let whole_days = |first: String, length: Span| -> Option<Period> {
        let first: Date = first.parse().ok()?;
        let last = second_from(first.checked_add(length).ok()?.into())?.checked_sub(1)?;
        Some(Period { first: second_from(first.into())?, last, is_whole_days: true, is_relative: false })
    };
    match text.len() {
        4 => whole_days(format!("{text}-01-01"), 1.year()),
        7 => whole_days(format!("{text}-01"), 1.month()),
        10 => whole_days(text.to_owned(), 1.day()),
        _ => None,
    }
}

fn second_from(time: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(time).ok().map(Timestamp::as_second)
}

/// Prints the start of a range: a text whose [`Period::first`] is `second`.
pub(super) fn print_start(second: i64) -> String {
    if second.rem_euclid(DAY) == 0 { date(second) } else { print(second) }
}

/// Prints the end of a range: a text whose [`Period::end_of_range`] is `second`.
pub(super) fn print_end(second: i64) -> String {
    if second.rem_euclid(DAY) == DAY - 1 { date(second) } else { print(second) }
}

/// Prints a period that one text can denote: a day, an hour, a minute or a second.
pub(super) fn print_period(first: i64, last: i64) -> Option<String> {
    if !PRINTABLE_AS_DATE.contains(&first) || !PRINTABLE_AS_DATE.contains(&last) {
        return (first == last).then(|| print(first));
    }
    let fits = |width: i64| last - first == width - 1 && first.rem_euclid(width) == 0;
    let formats =
        [(DAY, "%Y-%m-%d"), (HOUR, "%Y-%m-%dT%H"), (MINUTE, "%Y-%m-%dT%H:%M"), (1, "%Y-%m-%dT%H:%M:%S")];
    formats.into_iter().find(|(width, _)| fits(*width)).and_then(|(_, format)| format_utc(first, format))
}

fn print(second: i64) -> String {
    let format = if second.rem_euclid(MINUTE) == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    format_utc(second, format).unwrap_or_else(|| format!("@{second}"))
}

fn date(second: i64) -> String {
    format_utc(second, "%Y-%m-%d").unwrap_or_else(|| format!("@{second}"))
}

fn format_utc(second: i64, format: &str) -> Option<String> {
    if !PRINTABLE_AS_DATE.contains(&second) {
        return None;
    }
    let time = Timestamp::from_second(second).ok()?;
    jiff::fmt::strtime::format(format, time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-04-17T12:00:00Z.
    const NOW: i64 = 1_776_427_200;
    /// 2026-04-01T00:00:00Z.
    const APRIL: i64 = 1_775_001_600;

    fn first_and_last(text: &str) -> (i64, i64) {
        let period = parse(text, NOW).unwrap_or_else(|| panic!("{text}"));
        (period.first, period.last)
    }

    #[test]
    fn a_date_denotes_whole_days() {
        assert_eq!(first_and_last("2026-04-01"), (APRIL, APRIL + DAY - 1));
        assert_eq!(first_and_last("2026-04"), (APRIL, APRIL + 30 * DAY - 1));
        assert_eq!(first_and_last("2026").1 - first_and_last("2026").0, 365 * DAY - 1);
        assert_eq!(parse("2026-04-01", NOW).unwrap().end_of_range(), APRIL + DAY - 1);
    }

    #[test]
    fn a_time_of_day_denotes_an_hour_minute_or_second() {
        assert_eq!(first_and_last("2026-04-01T03"), (APRIL + 3 * HOUR, APRIL + 4 * HOUR - 1));
        assert_eq!(first_and_last("2026-04-01T03:00"), (APRIL + 3 * HOUR, APRIL + 3 * HOUR + 59));
        assert_eq!(first_and_last("2026-04-01T03:00:05Z"), (APRIL + 3 * HOUR + 5, APRIL + 3 * HOUR + 5));
        assert_eq!(first_and_last("2026-04-01T03:00:00+02:00").0, APRIL + HOUR);
        assert_eq!(first_and_last("2026-04-01 03:00:00").0, APRIL + 3 * HOUR);
        assert_eq!(parse("2026-04-01T03:00", NOW).unwrap().end_of_range(), APRIL + 3 * HOUR);
    }

    #[test]
    fn relative_times_count_back_from_now() {
        assert_eq!(first_and_last("-6h").0, NOW - 6 * HOUR);
        assert_eq!(first_and_last("-2d").0, NOW - 2 * DAY);
        assert_eq!(first_and_last("now").0, NOW);
        assert_eq!(first_and_last("today").0, NOW - 12 * HOUR);
        assert_eq!(first_and_last("yesterday").1, NOW - 12 * HOUR - 1);
    }

    #[test]
    fn invalid_texts_are_rejected() {
        for text in
            ["", "-", "-h", "-6", "-6y", "2026-13-01", "2026-02-30", "03:00", "@", "@x", "tomorrow", "--"]
        {
            assert_eq!(parse(text, NOW), None, "{text}");
        }
        assert_eq!(parse("-9223372036854775807w", NOW), None);
        assert_eq!(parse("-1h", i64::MIN), None);
    }

    #[test]
    fn a_printed_period_parses_to_itself() {
        for second in [
            0,
            1,
            60,
            APRIL,
            APRIL - 1,
            APRIL + 5,
            -1,
            i64::MIN,
            i64::MAX,
            PRINTABLE_AS_DATE.start,
            PRINTABLE_AS_DATE.end - 1,
        ] {
            assert_eq!(parse(&print_start(second), NOW).unwrap().first, second, "{}", print_start(second));
            assert_eq!(
                parse(&print_end(second), NOW).unwrap().end_of_range(),
                second,
                "{}",
                print_end(second)
            );
        }
        for width in [1, MINUTE, HOUR, DAY] {
            let text = print_period(APRIL, APRIL + width - 1).unwrap();
            assert_eq!(first_and_last(&text), (APRIL, APRIL + width - 1), "{text}");
        }
    }
}
