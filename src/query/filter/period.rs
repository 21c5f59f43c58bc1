//! Periods as people type them: `2026-04-01`, `2026-04-01T03:00`, `04-01 03:00`, `-6h`, `yesterday`, `@1775012400`. Used
//! for `time:` in filters and for options such as `--since`. UTC unless the text has an offset.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use super::number::shorten;
use crate::log::time::SECONDS_PER_DAY;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = SECONDS_PER_DAY;
/// Times that are printed as dates; others are printed as `@` and seconds since the epoch.
const PRINTABLE_AS_DATE: std::ops::Range<i64> = -62_135_596_800..253_402_128_000;

/// What relative times and dates without a year refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The current time, in seconds since the epoch.
    pub now: i64,
    /// The first and the last second with requests; `None`: unknown.
    pub data: Option<(i64, i64)>,
}

impl From<i64> for Reference {
    /// A reference to the current time only.
    fn from(now: i64) -> Reference {
        Reference { now, data: None }
    }
}

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
    "a time such as 2026-04-01, 2026-04-01T03:00, 04-01, -6h (or m, d, w), today, yesterday or @1775012400";

/// Parses a period. Relative times such as `-6h` count from [`Reference::now`]. A date without a year, such as `04-01`, is
/// in the year in which there are requests; if there are none on that date, in the nearest year; if it is unknown when
/// there are, in the last year in which the date has passed.
///
/// # Errors
/// A message that says what was expected, or that there are requests on this date in several years.
pub fn parse(text: &str, at: impl Into<Reference>) -> Result<Period, String> {
    let at = at.into();
    if has_no_year(text) {
        return in_its_year(text, at);
    }
    parse_complete(text, at.now).ok_or_else(|| format!("expected {EXPECTED}, not \"{}\"", shorten(text)))
}

fn parse_complete(text: &str, now: i64) -> Option<Period> {
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

/// Whether a text begins with a date without a year, such as `04-09`.
pub fn has_no_year(text: &str) -> bool {
    text.len() >= 5
        && is_date(text.get(..5).unwrap_or(""))
        && matches!(text.as_bytes().get(5), None | Some(b'T' | b't' | b' '))
}

/// Whether a text is a date, with or without a year, as the screen shows it: `2026-04-09`, `04-09`. The day need not exist.
pub(super) fn is_date(text: &str) -> bool {
    let has_form = |text: &str, hyphens: &[usize]| {
        text.bytes().enumerate().all(|(index, byte)| match hyphens.contains(&index) {
            true => byte == b'-',
            false => byte.is_ascii_digit(),
        })
    };
    let day = match text.len() {
        5 if has_form(text, &[2]) => text,
        10 if has_form(text, &[4, 7]) => &text[5..],
        _ => return false,
    };
    let number = |text: &str| text.parse::<u8>().unwrap_or(0);
    (1..=12).contains(&number(&day[..2])) && (1..=31).contains(&number(&day[3..]))
}

/// Whether a word is a date as the screen shows it, or begins with one before a time of day or the end of a range.
pub(super) fn begins_with_date(word: &str) -> bool {
    [5, 10].into_iter().any(|length| {
        let (Some(date), Some(rest)) = (word.get(..length), word.get(length..)) else { return false };
        let begins_time = |rest: &str| rest.strip_prefix('T').is_some_and(is_clock);
        is_date(date)
            && (rest.is_empty() || rest.starts_with("..") || rest.starts_with('–') || begins_time(rest))
    })
}

/// Whether a text begins with the digits of a time of day.
fn is_clock(text: &str) -> bool {
    text.bytes().take(2).filter(u8::is_ascii_digit).count() == 2
}

/// Whether a text is a time of day: `12:00`, `03:00:05`.
pub(super) fn is_time_of_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    matches!(parts.len(), 2 | 3)
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The period of a date without a year.
fn in_its_year(text: &str, at: Reference) -> Result<Period, String> {
    let year_of = |second: i64| {
        let time = Timestamp::from_second(second).ok();
        time.map_or(1970, |time| i64::from(time.to_zoned(TimeZone::UTC).year()))
    };
    let in_year = |year: i64| Some((year, parse_complete(&format!("{year:04}-{text}"), at.now)?));
    let wrong = || format!("expected {EXPECTED}, not \"{}\"", shorten(text));
    let Some((first, last)) = at.data else {
        // February 29th is in every fourth year, or eighth.
        let year = year_of(at.now);
        let passed = (year - 8..=year).rev().filter_map(in_year).find(|(_, period)| period.first <= at.now);
        return passed.map(|(_, period)| period).ok_or_else(wrong);
    };
    let day = |period: &Period| (day_of(period.first).first, day_of(period.last).last);
    let distance = |period: &Period| match day(period) {
        (_, end) if end < first => first - end,
        (start, _) if start > last => start - last,
        _ => 0,
    };
    let mut years = (year_of(first) - 4..=year_of(last) + 4).filter_map(in_year);
    let mut with_requests = years.clone().filter(|(_, period)| distance(period) == 0);
    match (with_requests.next(), with_requests.next()) {
        (Some((one, _)), Some((other, _))) => Err(format!(
            "{0} is in {one} and in {other}, and there are requests in both: write the year, as in {one}-{0}",
            shorten(text)
        )),
        (Some((_, period)), None) => Ok(period),
        (None, _) => {
            let is_future = |period: &Period| period.first > at.now.max(last);
            let periods = years.by_ref().map(|(_, period)| period);
            periods.min_by_key(|period| (is_future(period), distance(period))).ok_or_else(wrong)
        }
    }
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
        let period = parse(text, NOW).unwrap_or_else(|error| panic!("{text}: {error}"));
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
    fn a_date_without_a_year_is_in_the_year_of_the_requests() {
        let year_of = |text: &str, data| {
            let period = parse(text, Reference { now: NOW, data });
            period.map(|period| print_start(period.first)[..4].to_owned())
        };
        let known = |text: &str, first: i64, last: i64| year_of(text, Some((first, last)));
        let year = 365 * DAY;
        assert_eq!(known("04-09", APRIL, APRIL + 29 * DAY), Ok("2026".to_owned()));
        assert_eq!(
            known("04-09 12:00", APRIL - 2 * year, APRIL - 2 * year + 29 * DAY),
            Ok("2024".to_owned())
        );
        // No request on that day: the nearest year.
        assert_eq!(known("12-24", APRIL, APRIL + 29 * DAY), Ok("2025".to_owned()));
        // Not one that is still to come.
        assert_eq!(known("06-01", APRIL, APRIL + 29 * DAY), Ok("2025".to_owned()));
        assert_eq!(known("02-29", APRIL, APRIL + 29 * DAY), Ok("2024".to_owned()));
        let error = known("04-09", APRIL - year, APRIL + 29 * DAY).unwrap_err();
        assert!(error.contains("in 2025 and in 2026") && error.contains("as in 2025-04-09"), "{error}");
        // Nothing is known about the requests: the last such date.
        assert_eq!(year_of("04-09", None), Ok("2026".to_owned()));
        assert_eq!(year_of("04-18", None), Ok("2025".to_owned()));
        assert_eq!(year_of("02-29", None), Ok("2024".to_owned()));
        assert!(year_of("02-30", None).is_err() && known("13-01", APRIL, APRIL).is_err());
        let period = parse("04-09 12:00", NOW).unwrap();
        assert_eq!(
            (period.first, period.last),
            (APRIL + 8 * DAY + 12 * HOUR, APRIL + 8 * DAY + 12 * HOUR + 59)
        );
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
            assert!(parse(text, NOW).is_err(), "{text}");
        }
        assert!(parse("-9223372036854775807w", NOW).is_err());
        assert!(parse("-1h", i64::MIN).is_err());
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
