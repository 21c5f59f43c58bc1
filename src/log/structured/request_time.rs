//! The time of a request in ISO 8601, with or without fractions of a second.

use crate::log::time::{instant_of, two_digits};

/// The most digits of a fraction of a second: nanoseconds.
const FRACTION_DIGITS: usize = 9;

/// An instant with nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestTime {
    /// Seconds since the epoch.
    pub(super) seconds: i64,
    /// 0 to 999,999,999.
    pub(super) nanoseconds: u32,
}

impl RequestTime {
    /// An instant, in units since the epoch of which a second has `per_second`: at most 1,000,000,000.
    pub(super) fn of_units(units: i64, per_second: i64) -> RequestTime {
        let nanoseconds = units.rem_euclid(per_second) * (1_000_000_000 / per_second);
        RequestTime { seconds: units.div_euclid(per_second), nanoseconds: nanoseconds as u32 }
    }

    /// Parses `2026-08-06T09:30:25.123Z`. The fraction may have up to nine digits or be missing, the `T` may be a space,
    /// and an offset (`+02:00`, `+0200`, `+02`) may replace the `Z`. Without either, the time is in UTC, as in
    /// timestamps of Athena. `None` for another form, and for dates and times that do not exist.
    pub(super) fn parse(text: &[u8]) -> Option<RequestTime> {
        let separators = [text.get(4)?, text.get(7)?, text.get(10)?, text.get(13)?, text.get(16)?];
        if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
            return None;
        }
        let year = two_digits(text, 0)? * 100 + two_digits(text, 2)?;
        let time_of_day = [two_digits(text, 11)?, two_digits(text, 14)?, two_digits(text, 17)?];
        let local = instant_of(i64::from(year), two_digits(text, 5)?, two_digits(text, 8)?, time_of_day)?;
        let (nanoseconds, zone) = fraction(&text[19..])?;
        Some(RequestTime { seconds: local - offset(zone)?, nanoseconds })
    }
}

/// The nanoseconds that the text begins with, and the rest of it.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=FRACTION_DIGITS).contains(&count) {
        return None;
    }
    let (digits, rest) = digits.split_at(count);
    let number = digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Some((number * 10u32.pow((FRACTION_DIGITS - count) as u32), rest))
}

/// Seconds that a time zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        [] | [b'Z' | b'z'] | [b' ', b'U', b'T', b'C'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let minutes_at = match digits {
        [_, _] => None,
        [_, _, b':', _, _] => Some(3),
        [_, _, _, _] => Some(2),
        _ => return None,
    };
    let (hours, minutes) = (two_digits(digits, 0)?, minutes_at.map_or(Some(0), |at| two_digits(digits, at))?);
    (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

/// Remembers the minute of the last time that was parsed: the next time is nearly always in the same minute.
#[derive(Debug, Default)]
pub(super) struct LastMinute {
    /// The last time up to its minute, with the colon after it.
    text: [u8; 17],
    /// The instant at which the minute starts.
    start: i64,
}

impl LastMinute {
    /// Returns what [`RequestTime::parse`] returns.
    #[inline]
    pub(super) fn parse(&mut self, text: &[u8]) -> Option<RequestTime> {
        if let Some((minute, rest)) = text.split_first_chunk::<17>()
            && *minute == self.text
            && let Some(second @ 0..60) = two_digits(rest, 0)
            && let Some((nanoseconds, b"Z")) = fraction(&rest[2..])
        {
            return Some(RequestTime { seconds: self.start + i64::from(second), nanoseconds });
        }
        self.parse_other_minute(text)
    }

    #[cold]
    fn parse_other_minute(&mut self, text: &[u8]) -> Option<RequestTime> {
        let time = RequestTime::parse(text)?;
        if let Some((minute, rest)) = text.split_first_chunk::<17>()
            && rest.ends_with(b"Z")
            && let Some(second) = two_digits(rest, 0)
        {
            // Second 60 is read as second 59.
            *self = LastMinute { text: *minute, start: time.seconds - i64::from(second.min(59)) };
        }
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, u32)> {
        let time = RequestTime::parse(text.as_bytes())?;
        let mut memory = LastMinute::default();
        // The second time is in the minute of the first.
        assert_eq!(memory.parse(text.as_bytes()), Some(time));
        assert_eq!(memory.parse(text.as_bytes()), Some(time));
        let instant = jiff::Timestamp::from_second(time.seconds).unwrap();
        Some((instant.to_string(), time.nanoseconds))
    }

    #[test]
    fn times_are_read_with_every_fraction_and_zone() {
        for (text, instant, nanoseconds) in [
            ("2026-08-06T09:30:25.123Z", "2026-08-06T09:30:25Z", 123_000_000),
            ("2026-08-06T09:30:25Z", "2026-08-06T09:30:25Z", 0),
            ("2026-08-06T09:30:25.000Z", "2026-08-06T09:30:25Z", 0),
            ("2026-08-06T09:30:25.000001Z", "2026-08-06T09:30:25Z", 1000),
            ("2026-08-06T09:30:25.123456789Z", "2026-08-06T09:30:25Z", 123_456_789),
            ("2026-08-06T09:30:25.1+02:00", "2026-08-06T07:30:25Z", 100_000_000),
            ("2026-08-06T09:30:25-0530", "2026-08-06T15:00:25Z", 0),
            ("2026-08-06T00:30:25+01", "2026-08-05T23:30:25Z", 0),
            ("2026-08-06 09:30:25.123", "2026-08-06T09:30:25Z", 123_000_000),
            ("2026-08-06 09:30:25.123 UTC", "2026-08-06T09:30:25Z", 123_000_000),
            ("2024-02-29T23:59:60Z", "2024-02-29T23:59:59Z", 0),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59Z", 999_000_000),
        ] {
            assert_eq!(parse(text), Some((instant.to_owned(), nanoseconds)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2026-08-06",
            "2026-08-06T09:30",
            "2026-08-06T09:30:25.Z",
            "2026-08-06T09:30:25.1234567890Z",
            "2026-08-06T09:30:25+24:00",
            "2026-08-06T09:30:25+1",
            "2026-08-06T09:30:25Zx",
            "2026-02-30T09:30:25Z",
            "2026-08-06T24:30:25Z",
            "06/Aug/2026:09:30:25 +0000",
            "1786008625123",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn units_since_the_epoch_keep_their_fraction_before_1970_too() {
        let time = |units, per_second| RequestTime::of_units(units, per_second);
        assert_eq!(time(1_500, 1000), RequestTime { seconds: 1, nanoseconds: 500_000_000 });
        assert_eq!(time(-1, 1_000_000), RequestTime { seconds: -1, nanoseconds: 999_999_000 });
        assert_eq!(time(7, 1), RequestTime { seconds: 7, nanoseconds: 0 });
    }
}
