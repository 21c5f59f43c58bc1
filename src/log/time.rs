//! Timestamps as logs spell them.
//!
//! A time is read for every line, so it is computed from the fixed layout, without a date library.

/// Seconds in a day; instants count no leap seconds.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// Parses `06/Feb/2019:00:00:38 +0000` (without brackets) as seconds since the epoch, UTC.
///
/// The layout is `%d/%b/%Y:%H:%M:%S %z` of the Amazon S3 User Guide, with English names of months. The offset is
/// honoured. `None` for another layout and for dates, times and offsets that do not exist: 30 February, hour 24, an
/// offset of a day or more. Second 60 is read as second 59, so that a request stays in its day: instants have no leap
/// seconds.
pub fn parse(text: &[u8]) -> Option<i64> {
    let text: &[u8; 26] = text.try_into().ok()?;
    if [text[2], text[6], text[11], text[14], text[17], text[20]] != *b"//::: " {
        return None;
    }
    let day = two_digits(text, 0)?;
    let (months, _) = b"JanFebMarAprMayJunJulAugSepOctNovDec".as_chunks::<3>();
    let month = months.iter().position(|month| *month == text[3..6])? as u32 + 1;
    let year = two_digits(text, 7)? * 100 + two_digits(text, 9)?;
    let time_of_day = [two_digits(text, 12)?, two_digits(text, 15)?, two_digits(text, 18)?];
    let local = instant_of(i64::from(year), month, day, time_of_day)?;
    let (hours, minutes) = (two_digits(text, 22)?, two_digits(text, 24)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = i64::from(hours * 3600 + minutes * 60);
    match text[21] {
        b'+' => Some(local - offset),
        b'-' => Some(local + offset),
        _ => None,
    }
}

/// Parses a time with the full name of the month: `06/February/2019:00:00:38 +0000`.
pub(super) fn parse_full_month(text: &[u8]) -> Option<i64> {
    const MONTHS: &[u8] =
        b"January February March April May June July August September October November December";
    let name = text.get(3..).and_then(|rest| rest.split(|byte| *byte == b'/').next())?;
    if !MONTHS.split(|byte| *byte == b' ').any(|month| month == name) {
        return None;
    }
    let [day, month, rest] = [text.get(..3)?, name.get(..3)?, text.get(3 + name.len()..)?];
    parse(&[day, month, rest].concat())
}

/// Remembers the minute of the last time that was parsed. The next time is nearly always in the same minute, and
/// then only its seconds are parsed.
#[derive(Debug, Default)]
pub(super) struct MinuteCache {
    /// The last time, as spelled in the line.
    text: [u8; 26],
    /// The instant at which its minute starts.
    start: i64,
}

impl MinuteCache {
    /// Returns what [`parse`] returns.
    #[inline]
    pub(super) fn parse(&mut self, text: &[u8]) -> Option<i64> {
        let text: &[u8; 26] = text.try_into().ok()?;
        if text[..18] == self.text[..18]
            && text[20..] == self.text[20..]
            && let Some(second @ 0..60) = two_digits(text, 18)
        {
            return Some(self.start + i64::from(second));
        }
        self.parse_other_minute(text)
    }

    #[cold]
    fn parse_other_minute(&mut self, text: &[u8; 26]) -> Option<i64> {
        let instant = parse(text)?;
        // Second 60 is read as second 59.
        let second = two_digits(text, 18)?.min(59);
        *self = MinuteCache { text: *text, start: instant - i64::from(second) };
        Some(instant)
    }
}

/// The instant of a date (Gregorian, years 0 to 9999) and a time of day (`[hour, minute, second]`, UTC), in seconds
/// since the epoch. `None` if there is no such date or time.
pub(super) fn instant_of(year: i64, month: u32, day: u32, [hour, minute, second]: [u32; 3]) -> Option<i64> {
    let exists = (0..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    let seconds = hour * 3600 + minute * 60 + second.min(59);
    exists.then(|| days_from_civil(year, month, day) * SECONDS_PER_DAY + i64::from(seconds))
}

/// Year, month (1–12) and day of the month (1–31) of an instant, UTC.
pub(super) fn date_of(instant: i64) -> (i64, u32, u32) {
    civil_from_days(instant.div_euclid(SECONDS_PER_DAY))
}

/// The number that the two decimal digits at `at` spell.
pub(super) fn two_digits(text: &[u8], at: usize) -> Option<u32> {
    let [tens, ones] = [text.get(at)?.wrapping_sub(b'0'), text.get(at + 1)?.wrapping_sub(b'0')];
    (tens < 10 && ones < 10).then(|| u32::from(tens * 10 + ones))
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date: `days_from_civil` of Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms". Years begin in March, so that the leap day is the last day of its year.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: `civil_from_days` of the same paper.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = (day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100)) as u32;
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_parsed_as_seconds_since_the_epoch() {
        for (text, instant) in [
            ("01/Jan/1970:00:00:00 +0000", 0),
            ("06/Feb/2019:00:00:38 +0000", 1_549_411_238),
            ("29/Feb/2000:12:00:00 +0000", 951_825_600),
            ("29/Feb/2024:23:59:59 +0000", 1_709_251_199),
            ("31/Dec/1969:23:59:59 +0000", -1),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(instant), "{text}");
        }
    }

    #[test]
    fn months_may_have_their_full_names() {
        for (full, short) in [
            ("06/February/2026:09:30:25 +0000", "06/Feb/2026:09:30:25 +0000"),
            ("06/May/2026:09:30:25 -0500", "06/May/2026:09:30:25 -0500"),
            ("30/September/2026:23:59:59 +0000", "30/Sep/2026:23:59:59 +0000"),
        ] {
            assert_eq!(parse_full_month(full.as_bytes()), parse(short.as_bytes()), "{full}");
            assert!(parse_full_month(full.as_bytes()).is_some(), "{full}");
        }
        for text in [
            "06/Febuary/2026:09:30:25 +0000",
            "06/february/2026:09:30:25 +0000",
            "06//2026",
            "",
            "30/February/2026:09:30:25 +0000",
        ] {
            assert_eq!(parse_full_month(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_offset_is_honoured() {
        let utc = parse(b"06/Feb/2019:00:00:38 +0000").unwrap();
        assert_eq!(parse(b"05/Feb/2019:19:00:38 -0500"), Some(utc));
        assert_eq!(parse(b"06/Feb/2019:05:45:38 +0545"), Some(utc));
    }

    #[test]
    fn second_60_is_read_as_second_59() {
        assert_eq!(parse(b"31/Dec/2016:23:59:60 +0000"), parse(b"31/Dec/2016:23:59:59 +0000"));
        assert!(parse(b"31/Dec/2016:23:59:60 +0000").is_some());
    }

    #[test]
    fn dates_and_times_that_do_not_exist_are_refused() {
        for text in [
            "00/Feb/2019:00:00:38 +0000",
            "29/Feb/2019:00:00:38 +0000",
            "29/Feb/1900:00:00:38 +0000",
            "31/Apr/2019:00:00:38 +0000",
            "32/Jan/2019:00:00:38 +0000",
            "06/Feb/2019:24:00:38 +0000",
            "06/Feb/2019:00:60:38 +0000",
            "06/Feb/2019:00:00:61 +0000",
            "06/Feb/2019:00:00:38 +2400",
            "06/Feb/2019:00:00:38 +0060",
            "06/Feb/2019:00:00:38 Z0000",
            "06/feb/2019:00:00:38 +0000",
            "06/02./2019:00:00:38 +0000",
            "6/Feb/2019:00:00:38 +0000",
            "06/Feb/2019:00:00:38",
            "06/Feb/2019 00:00:38 +0000",
            "[06/Feb/2019:00:00:38 +0000]",
            "",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_time_in_the_minute_of_the_last_one_is_parsed_like_any_other() {
        let mut minutes = MinuteCache::default();
        for text in [
            "06/Feb/2019:00:00:38 +0000",
            "06/Feb/2019:00:00:39 +0000",
            "06/Feb/2019:00:00:60 +0000",
            "06/Feb/2019:00:00:61 +0000",
            "06/Feb/2019:00:00:0x +0000",
            "06/Feb/2019:00:00:00 +0000",
            "06/Feb/2019:00:00:01 +0100",
            "06/Feb/2019:00:00:02 -0100",
            "06/Feb/2019:00:01:02 -0100",
            "05/Feb/2019:00:01:02 -0100",
            "31/Feb/2019:00:01:03 -0100",
            "05/Feb/2019:00:01:04 -0100",
            "05/Feb/2019:00:01:04",
            "",
            "05/Feb/2019:00:01:60 -0100",
            "05/Feb/2019:00:01:00 -0100",
        ] {
            assert_eq!(minutes.parse(text.as_bytes()), parse(text.as_bytes()), "{text}");
        }
        // The text of a new cache is not a time.
        assert_eq!(MinuteCache::default().parse(&[0; 26]), None);
    }

    proptest! {
        #[test]
        fn every_instant_is_parsed_from_its_text(instant in -62_135_596_800i64..253_402_300_800, offset in -1439i64..1440) {
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::from_seconds(offset as i32 * 60).unwrap());
            let local = jiff::Timestamp::from_second(instant).unwrap().to_zoned(zone);
            prop_assume!((0..=9999).contains(&local.year()));
            let text = local.strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
            prop_assert_eq!(parse(text.as_bytes()), Some(instant), "{}", text);
        }

        #[test]
        fn instants_and_dates_convert_into_each_other(instant in -62_135_596_800i64..253_402_300_800) {
            let time = jiff::Timestamp::from_second(instant).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            let (year, month, day) = date_of(instant);
            prop_assert_eq!((year, month, day), (time.year().into(), time.month() as u32, time.day() as u32));
            let time_of_day = [time.hour(), time.minute(), time.second()].map(|part| part as u32);
            prop_assert_eq!(instant_of(year, month, day, time_of_day), Some(instant));
        }

        #[test]
        fn no_input_causes_a_panic(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&text);
        }
    }
}
