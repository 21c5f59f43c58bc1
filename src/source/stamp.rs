//! The date in the name of a log file, as a place in the order of names.
//!
//! S3 names log files so that the date comes first after a fixed text, the *stem* (Amazon S3 User
//! Guide, "Log object key format"), in UTC:
//!
//! - simple: `[stem]YYYY-MM-DD-hh-mm-ss-UNIQUE`
//! - partitioned: `[stem]YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE`, where the stem ends in
//!   `ACCOUNT/REGION/BUCKET/`. By delivery time the clock is real; by event time it is `00-00-00` for
//!   every log file of the day and only UNIQUE (hexadecimal, random) differs.
//!
//! So names sort by time, a stretch of time is a stretch of names, and both can be turned into each other.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Window;
use crate::log::time::SECONDS_PER_DAY;

/// How many days after a request its record may still be delivered. Delivery is best effort; the worst
/// seen by a large operator was 9 days.
pub(crate) const LATEST_DELIVERY_DAYS: i64 = 10;

/// Length of `YYYY-MM-DD-hh-mm-ss`.
const CLOCK: usize = 19;
/// Length of `YYYY/MM/DD/`.
const FOLDERS: usize = 11;

/// How the part of a name after its stem is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `YYYY-MM-DD-hh-mm-ss-UNIQUE`, the time of delivery.
    Simple,
    /// `YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE`, the time of delivery.
    Delivery,
    /// `YYYY/MM/DD/YYYY-MM-DD-00-00-00-UNIQUE`, the day of the requests.
    Event,
}

/// The date found in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Bytes before the date (before its folders, in a partitioned name).
    pub(crate) stem: usize,
    /// How the rest is built. [`Layout::Event`] is a guess from one name: a delivery at midnight looks the same.
    pub(crate) layout: Layout,
    /// The time in the name, seconds since the epoch.
    pub(crate) instant: i64,
    /// First four hexadecimal digits of UNIQUE, if that is what follows.
    unique: Option<u16>,
}

impl Stamp {
    /// Finds the last date with a clock in a name; `None` if there is none.
    pub(crate) fn find(name: &str) -> Option<Stamp> {
        let bytes = name.as_bytes();
        let last = bytes.len().checked_sub(CLOCK)?;
        let (at, instant) = (0..=last).rev().find_map(|at| Some((at, clock(bytes.get(at..at + CLOCK)?)?)))?;
        let unique = bytes
            .get(at + CLOCK..at + CLOCK + 5)
            .filter(|rest| rest[0] == b'-')
            .and_then(|rest| std::str::from_utf8(&rest[1..]).ok())
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let date = &bytes[at..at + 10];
        let folders = at.checked_sub(FOLDERS).map(|start| &bytes[start..at]);
        let partitioned = folders.is_some_and(|folders| {
            folders[FOLDERS - 1] == b'/'
                && folders[..FOLDERS - 1].iter().zip(date).all(|(f, d)| f == d || (*f == b'/' && *d == b'-'))
        });
        let layout = match (partitioned, instant.rem_euclid(SECONDS_PER_DAY)) {
            (false, _) => Layout::Simple,
            (true, 0) => Layout::Event,
            (true, _) => Layout::Delivery,
        };
        let stem = if partitioned { at - FOLDERS } else { at };
        Some(Stamp { stem, layout, instant, unique })
    }

    /// The place in the order of names as a time: the clock, or by event time the day plus a share of
    /// it as large as UNIQUE is among all.
    pub(crate) fn position(&self, layout: Layout) -> i64 {
        match (layout, self.unique) {
            (Layout::Event, Some(unique)) => self.instant + i64::from(unique) * SECONDS_PER_DAY / 65_536,
            _ => self.instant,
        }
    }
}

/// The text at which names of `position` and later begin; the reverse of [`Stamp::position`].
/// `None` for years that a name cannot have.
pub(crate) fn point(stem: &str, layout: Layout, position: i64) -> Option<String> {
    let time = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(position).ok()?);
    if !(0..=9999).contains(&time.year()) {
        return None;
    }
    let (year, month, day) = (time.year(), time.month(), time.day());
    let folders = format!("{year:04}/{month:02}/{day:02}/");
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{:02}-{:02}-{:02}", time.hour(), time.minute(), time.second());
    Some(match layout {
        Layout::Simple => format!("{stem}{date}-{clock}"),
        Layout::Delivery => format!("{stem}{folders}{date}-{clock}"),
        Layout::Event => {
            let unique = position.rem_euclid(SECONDS_PER_DAY) * 65_536 / SECONDS_PER_DAY;
            format!("{stem}{folders}{date}-00-00-00-{unique:04X}")
        }
    })
}

/// Positions of the names that may hold requests of the window: first included, last excluded.
///
/// A record is delivered after its request: names by time of delivery reach from the day of `since`
/// until [`LATEST_DELIVERY_DAYS`] after the day of the last second wanted. By event time the day in the
/// name is the day of the request.
pub(crate) fn bounds(layout: Layout, window: Window) -> (i64, i64) {
    let day = |instant: i64| instant - instant.rem_euclid(SECONDS_PER_DAY);
    let late = if layout == Layout::Event { 0 } else { LATEST_DELIVERY_DAYS * SECONDS_PER_DAY };
    let first = window.since.map_or(i64::MIN, day);
    let end = window
        .until
        .map_or(i64::MAX, |until| day(until.saturating_sub(1)).saturating_add(SECONDS_PER_DAY + late));
    (first, end)
}

/// Whether a log file of this name may hold requests of the window. A name without a date may.
pub(crate) fn may_hold(name: &str, window: Window, by_event: bool) -> bool {
    if window == Window::default() {
        return true;
    }
    let Some(stamp) = Stamp::find(name) else { return true };
    let layout = match stamp.layout {
        Layout::Event if !by_event => Layout::Delivery,
        layout => layout,
    };
    let (first, end) = bounds(layout, window);
    (first..end).contains(&stamp.instant)
}

/// Whether these names show the partitioned layout by event time: two or more, all of them at midnight.
pub(crate) fn by_event<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = 0;
    for stamp in names.filter_map(Stamp::find) {
        if stamp.layout != Layout::Event {
            return false;
        }
        seen += 1;
    }
    seen >= 2
}

/// Reads `YYYY-MM-DD-hh-mm-ss` as seconds since the epoch.
fn clock(text: &[u8]) -> Option<i64> {
    for (at, byte) in text.iter().enumerate() {
        let fits = if matches!(at, 4 | 7 | 10 | 13 | 16) { *byte == b'-' } else { byte.is_ascii_digit() };
        if !fits {
            return None;
        }
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().fold(0_i16, |sum, digit| sum * 10 + i16::from(digit - b'0'))
    };
    let small = |from: usize| i8::try_from(number(from, from + 2)).ok();
    let time =
        DateTime::new(number(0, 4), small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, 0).ok()?;
    Some(TimeZone::UTC.to_timestamp(time).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    #[test]
    fn simple_names_with_any_prefix() {
        for (name, stem) in [
            ("2026-04-01-13-05-09-A1B2C3D4E5F67890", ""),
            ("logs/2026-04-01-13-05-09-A1B2C3D4E5F67890", "logs/"),
            ("log12026-04-01-13-05-09-A1B2C3D4E5F67890", "log1"),
            ("a/2020-01-01-00-00-00-old/x-2026-04-01-13-05-09-A1B2.gz", "a/2020-01-01-00-00-00-old/x-"),
            ("2026/03/31/2026-04-01-13-05-09-A1B2", "2026/03/31/"),
        ] {
            let stamp = Stamp::find(name).unwrap();
            assert_eq!(&name[..stamp.stem], stem, "{name}");
            assert_eq!(stamp.layout, Layout::Simple, "{name}");
            assert_eq!(stamp.instant, at("2026-04-01T13:05:09Z"), "{name}");
        }
    }

    #[test]
    fn partitioned_names_by_delivery_and_by_event() {
        let stem = "logs/111122223333/eu-west-1/acme-media/";
        let stamp = Stamp::find(&format!("{stem}2026/04/01/2026-04-01-13-05-09-A1B2C3D4E5F67890")).unwrap();
        assert_eq!((stamp.stem, stamp.layout), (stem.len(), Layout::Delivery));
        let stamp = Stamp::find(&format!("{stem}2026/04/01/2026-04-01-00-00-00-80B2C3D4E5F67890")).unwrap();
        assert_eq!((stamp.stem, stamp.layout), (stem.len(), Layout::Event));
        assert_eq!(stamp.instant, at("2026-04-01T00:00:00Z"));
        assert_eq!(stamp.position(Layout::Event) / 3600, at("2026-04-01T12:00:00Z") / 3600);
    }

    #[test]
    fn names_without_a_date() {
        for name in ["", "README", "2026-04-01.log", "2026-13-01-00-00-00-A", "2026-04-01-25-00-00-A", "été"]
        {
            assert_eq!(Stamp::find(name), None, "{name}");
        }
    }

    #[test]
    fn a_point_sorts_before_the_names_of_its_time_and_after_earlier_ones() {
        let before = "p/2026-04-01-12-59-59-FFFF";
        let after = "p/2026-04-01-13-00-00-0000";
        let point = point("p/", Layout::Simple, at("2026-04-01T13:00:00Z")).unwrap();
        assert!(before < point.as_str() && point.as_str() < after);
        for layout in [Layout::Simple, Layout::Delivery, Layout::Event] {
            let text = super::point("p/", layout, at("2026-04-01T13:00:00Z")).unwrap();
            let stamp = Stamp::find(&text).unwrap();
            let off = stamp.position(layout) - at("2026-04-01T13:00:00Z");
            assert!(off.abs() <= 2, "{text} is {off} s off");
        }
    }

    #[test]
    fn a_window_reaches_from_its_first_day_to_the_last_late_delivery() {
        let window =
            Window { since: Some(at("2026-04-01T08:00:00Z")), until: Some(at("2026-04-03T00:00:00Z")) };
        let name = |date: &str| format!("p/{date}-10-00-00-A1B2");
        assert!(!may_hold(&name("2026-03-31"), window, false));
        assert!(may_hold(&name("2026-04-01"), window, false));
        assert!(may_hold(&name("2026-04-12"), window, false));
        assert!(!may_hold(&name("2026-04-13"), window, false));
        assert!(may_hold("p/README", window, false));

        let event = |date: &str| format!("p/{}/{date}-00-00-00-A1B2", date.replace('-', "/"));
        assert!(may_hold(&event("2026-04-02"), window, true));
        assert!(!may_hold(&event("2026-04-03"), window, true));
        // One name alone may as well have been delivered at midnight.
        assert!(may_hold(&event("2026-04-03"), window, false));
    }
}
