//! Instants as people type them: `2026-04-01`, `2026-04-01T03:00`, `-6h`, `yesterday`, `@1775012400`.
//! The same for `time:` in a filter and for `--since` and `--until`. All of it UTC unless an offset
//! says otherwise.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::log::time::SECONDS_PER_DAY;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = SECONDS_PER_DAY;
/// What is written as a date; beyond it, seconds since the epoch are.
const WRITABLE: std::ops::Range<i64> = -62_135_596_800..253_402_128_000;

/// The stretch of time that a text names, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Its first second.
    pub first: i64,
    /// Its last second: of the year, month or day; of the hour or minute; or the same as the first.
    pub last: i64,
    /// Whether it names whole days: as the end of a range they belong to it entirely, whereas a time of
    /// day ends the range there.
    pub days: bool,
    /// Whether it is counted back from now: alone, it means from then on.
    pub relative: bool,
}

impl Instant {
    /// The last second of a range that ends here.
    pub fn end(self) -> i64 {
        if self.days { self.last } else { self.first }
    }

    fn point(second: i64, relative: bool) -> Instant {
        Instant { first: second, last: second, days: false, relative }
    }
}

/// What an instant looks like, for messages.
pub const EXPECTED: &str =
    "a time such as 2026-04-01, 2026-04-01T03:00, -6h (or m, d, w), today, yesterday or @1775012400";

/// Reads an instant; `now` in seconds since the epoch is what `-6h` counts from. `None` if it is none.
pub fn parse(text: &str, now: i64) -> Option<Instant> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "now" => return Some(Instant::point(now, true)),
        "today" => return Some(day_of(now)),
        "yesterday" => return Some(day_of(now.checked_sub(DAY)?)),
        _ => {}
    }
    if let Some(second) = text.strip_prefix('@') {
        return second.parse().ok().map(|second| Instant::point(second, false));
    }
    if let Some(back) = lower.strip_prefix('-') {
        return now.checked_sub(duration(back)?).map(|second| Instant::point(second, true));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return dates(text);
    }
    let first = match text.parse::<Timestamp>() {
        Ok(instant) => instant.as_second(),
        Err(_) => second_of(text.parse::<DateTime>().ok()?)?,
    };
    let clock = text.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
    let clock = clock.trim_end_matches(['Z', 'z']);
    let clock = clock.split(['+', '-']).next().unwrap_or("");
    let width = match clock.matches(':').count() {
        0 if clock.len() <= 2 => HOUR,
        1 => MINUTE,
        _ => 1,
    };
    Some(Instant { first, last: first.checked_add(width - 1)?, days: false, relative: false })
}

/// Reads a stretch of time such as `90s`, `5m`, `6h`, `2d`, `1w` as seconds. `None` if it is none.
pub fn duration(text: &str) -> Option<i64> {
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

fn day_of(second: i64) -> Instant {
    let first = second - second.rem_euclid(DAY);
    Instant { first, last: first + (DAY - 1), days: true, relative: false }
}

/// A year, a month or a day.
fn dates(text: &str) -> Option<Instant> {
    let whole = |first: Date, past: Date| -> Option<Instant> {
        Some(Instant {
            first: second_of(first.into())?,
            last: second_of(past.into())?.checked_sub(1)?,
            days: true,
            relative: false,
        })
    };
    match text.len() {
        4 => {
            let first = format!("{text}-01-01").parse::<Date>().ok()?;
            whole(first, first.checked_add(1.year()).ok()?)
        }
        7 => {
            let first = format!("{text}-01").parse::<Date>().ok()?;
            whole(first, first.checked_add(1.month()).ok()?)
        }
        10 => {
            let first = text.parse::<Date>().ok()?;
            whole(first, first.checked_add(1.day()).ok()?)
        }
        _ => None,
    }
}

fn second_of(time: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(time).ok().map(Timestamp::as_second)
}

/// Writes the start of a range so that [`parse`] gives it as `first`.
pub(super) fn print_start(second: i64) -> String {
    if second.rem_euclid(DAY) == 0 { date(second) } else { print(second) }
}

/// Writes the end of a range so that [`Instant::end`] gives it.
pub(super) fn print_end(second: i64) -> String {
    if second.rem_euclid(DAY) == DAY - 1 { date(second) } else { print(second) }
}

/// Writes a stretch that has a name of its own: a day, an hour, a minute, a second.
pub(super) fn print_stretch(first: i64, last: i64) -> Option<String> {
    if !WRITABLE.contains(&first) || !WRITABLE.contains(&last) {
        return (first == last).then(|| print(first));
    }
    let fits = |width: i64| last - first == width - 1 && first.rem_euclid(width) == 0;
    if fits(DAY) {
        Some(date(first))
    } else if fits(HOUR) {
        written(first, "%Y-%m-%dT%H")
    } else if fits(MINUTE) {
        written(first, "%Y-%m-%dT%H:%M")
    } else if first == last {
        written(first, "%Y-%m-%dT%H:%M:%S")
    } else {
        None
    }
}

fn print(second: i64) -> String {
    let format = if second.rem_euclid(MINUTE) == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    written(second, format).unwrap_or_else(|| format!("@{second}"))
}

fn date(second: i64) -> String {
    written(second, "%Y-%m-%d").unwrap_or_else(|| format!("@{second}"))
}

fn written(second: i64, format: &str) -> Option<String> {
    if !WRITABLE.contains(&second) {
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

    fn stretch(text: &str) -> (i64, i64) {
        let instant = parse(text, NOW).unwrap_or_else(|| panic!("{text}"));
        (instant.first, instant.last)
    }

    #[test]
    fn a_date_is_the_whole_day() {
        assert_eq!(stretch("2026-04-01"), (APRIL, APRIL + DAY - 1));
        assert_eq!(stretch("2026-04"), (APRIL, APRIL + 30 * DAY - 1));
        assert_eq!(stretch("2026").1 - stretch("2026").0, 365 * DAY - 1);
        assert_eq!(parse("2026-04-01", NOW).unwrap().end(), APRIL + DAY - 1);
    }

    #[test]
    fn a_time_of_day_is_as_long_as_it_is_exact() {
        assert_eq!(stretch("2026-04-01T03"), (APRIL + 3 * HOUR, APRIL + 4 * HOUR - 1));
        assert_eq!(stretch("2026-04-01T03:00"), (APRIL + 3 * HOUR, APRIL + 3 * HOUR + 59));
        assert_eq!(stretch("2026-04-01T03:00:05Z"), (APRIL + 3 * HOUR + 5, APRIL + 3 * HOUR + 5));
        assert_eq!(stretch("2026-04-01T03:00:00+02:00").0, APRIL + HOUR);
        assert_eq!(stretch("2026-04-01 03:00:00").0, APRIL + 3 * HOUR);
        assert_eq!(parse("2026-04-01T03:00", NOW).unwrap().end(), APRIL + 3 * HOUR);
    }

    #[test]
    fn relative_times_count_back_from_now() {
        assert_eq!(stretch("-6h").0, NOW - 6 * HOUR);
        assert_eq!(stretch("-2d").0, NOW - 2 * DAY);
        assert_eq!(stretch("now").0, NOW);
        assert_eq!(stretch("today").0, NOW - 12 * HOUR);
        assert_eq!(stretch("yesterday").1, NOW - 12 * HOUR - 1);
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in
            ["", "-", "-h", "-6", "-6y", "2026-13-01", "2026-02-30", "03:00", "@", "@x", "tomorrow", "--"]
        {
            assert_eq!(parse(text, NOW), None, "{text}");
        }
        assert_eq!(parse("-9223372036854775807w", NOW), None);
        assert_eq!(parse("-1h", i64::MIN), None);
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for second in
            [0, 1, 60, APRIL, APRIL - 1, APRIL + 5, -1, i64::MIN, i64::MAX, WRITABLE.start, WRITABLE.end - 1]
        {
            assert_eq!(parse(&print_start(second), NOW).unwrap().first, second, "{}", print_start(second));
            assert_eq!(parse(&print_end(second), NOW).unwrap().end(), second, "{}", print_end(second));
        }
        for width in [1, MINUTE, HOUR, DAY] {
            let text = print_stretch(APRIL, APRIL + width - 1).unwrap();
            assert_eq!(stretch(&text), (APRIL, APRIL + width - 1), "{text}");
        }
    }
}
