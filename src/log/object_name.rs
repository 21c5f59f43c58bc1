//! Names of log files, as S3 delivers them: the dates in them, and the ranges of names that a window of time covers.
//!
//! S3 itself has two layouts (Amazon S3 User Guide, "Log object key format"). Both begin with a fixed text, the *stem*,
//! followed by a date and time in UTC:
//!
//! - simple: `[stem]YYYY-MM-DD-hh-mm-ss-UNIQUE`;
//! - partitioned: `[stem]YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE`, where the stem ends in `ACCOUNT/REGION/BUCKET/`. If
//!   partitioned by delivery time, the time is that of the delivery. By event time, it is `00-00-00` for every log file
//!   of the day, and only UNIQUE (hexadecimal, random) differs.
//!
//! CloudWatch Logs and Firehose deliver into folders of a day or an hour, with names of any form in them:
//!
//! - `[stem]YYYY/MM/DD/[hh/]…`, where the stem may be `AWSLogs/ACCOUNT/…/REGION/`;
//! - `[stem]year=YYYY/month=MM/day=DD/[hour=hh/]…`, as Apache Hive names partitions;
//! - `[stem]YYYY-MM-DD/[hh/]…`, also after a `=`, as custom layouts have it.
//!
//! So names sort by time: a window of time is a range of names, and each can be computed from the other.

use super::time::{SECONDS_PER_DAY, date_of, instant_of, two_digits};

/// Days from a request to the latest delivery of its record. Delivery is best effort; the longest delay that a large
/// operator measured was 9 days.
pub const LATE_DELIVERY_DAYS: i64 = 10;
/// [`LATE_DELIVERY_DAYS`] in seconds.
pub const LATE_DELIVERY_SECONDS: i64 = LATE_DELIVERY_DAYS * SECONDS_PER_DAY;

/// Length of `YYYY-MM-DD-hh-mm-ss`.
const DATE_TIME: usize = 19;
/// Length of `YYYY/MM/DD/`.
const DATE_FOLDERS: usize = 11;

/// The layout of a name after its stem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `YYYY-MM-DD-hh-mm-ss-UNIQUE`, the time of delivery.
    Simple,
    /// `YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE`, the time of delivery.
    ByDeliveryTime,
    /// `YYYY/MM/DD/YYYY-MM-DD-00-00-00-UNIQUE`, the day of the requests.
    ByEventTime,
    /// Folders of a day or an hour, with other names in them. Whether the day is that of the requests or of the delivery
    /// is not known.
    Folders {
        /// How the date is spelled.
        style: FolderStyle,
        /// Whether there is a folder for each hour.
        with_hour: bool,
    },
}

/// How the names of folders spell a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderStyle {
    /// `YYYY/MM/DD/`, and `hh/` for an hour.
    Slashes,
    /// `year=YYYY/month=MM/day=DD/`, and `hour=hh/`.
    Hive,
    /// `YYYY-MM-DD/`, and `hh/`.
    Dashes,
}

impl FolderStyle {
    const ALL: [FolderStyle; 3] = [FolderStyle::Slashes, FolderStyle::Hive, FolderStyle::Dashes];

    /// The form of a date, and of the hour after it: each `0` is the place of a digit.
    fn forms(self) -> (&'static [u8], &'static [u8]) {
        match self {
            FolderStyle::Slashes => (b"0000/00/00/", b"00/"),
            FolderStyle::Hive => (b"year=0000/month=00/day=00/", b"hour=00/"),
            FolderStyle::Dashes => (b"0000-00-00/", b"00/"),
        }
    }
}

/// The date in the name of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameDate {
    /// Length of the text before the date (before the folders of the date, in a partitioned name).
    pub stem: usize,
    /// [`Layout::ByEventTime`] is a guess from a single name: that of a delivery at midnight looks the same.
    pub layout: Layout,
    /// The date and time, in seconds since the epoch.
    pub instant: i64,
    /// Where the date and time end.
    end: usize,
    /// The first four digits of UNIQUE, if it is hexadecimal.
    unique: Option<u16>,
}

impl NameDate {
    /// Finds the last date and time in a name.
    pub fn find(name: &str) -> Option<NameDate> {
        let in_name = NameDate::find_date_time(name);
        if in_name.is_some_and(|date| date.layout != Layout::Simple) {
            return in_name;
        }
        // A file of another day than its folders is in folders that have nothing to do with its date.
        let folders = NameDate::find_folders(name).filter(|folders| {
            in_name.is_none_or(|date| folders.day() == date.day() && folders.end <= date.stem)
        });
        folders.or(in_name)
    }

    /// The day, counted from that of the epoch.
    fn day(&self) -> i64 {
        self.instant.div_euclid(SECONDS_PER_DAY)
    }

    /// Finds the last folders of a date.
    fn find_folders(name: &str) -> Option<NameDate> {
        let bytes = name.as_bytes();
        let ends = memchr::memrchr_iter(b'/', bytes).map(|slash| slash + 1);
        ends.flat_map(|end| FolderStyle::ALL.map(|style| (end, style))).find_map(|(end, style)| {
            let (form, hour_form) = style.forms();
            let stem = end.checked_sub(form.len())?;
            let date = digits_of(&bytes[stem..end], form)?;
            // A number that is longer is no year.
            if stem.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_digit()) {
                return None;
            }
            let number =
                |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
            let hour = bytes
                .get(end..end + hour_form.len())
                .and_then(|folder| digits_of(folder, hour_form))
                .map(|digits| number(&digits[..2]))
                .filter(|hour| *hour < 24);
            let time = [hour.unwrap_or(0), 0, 0];
            let [year, month, day] = [&date[..4], &date[4..6], &date[6..]].map(number);
            let instant = instant_of(i64::from(year), month, day, time)?;
            let layout = Layout::Folders { style, with_hour: hour.is_some() };
            Some(NameDate { stem, layout, instant, end, unique: None })
        })
    }

    /// Finds the last `YYYY-MM-DD-hh-mm-ss` in a name.
    fn find_date_time(name: &str) -> Option<NameDate> {
        let bytes = name.as_bytes();
        let last = bytes.len().checked_sub(DATE_TIME)?;
        let (at, instant) = (0..=last).rev().find_map(|at| Some((at, parse_date_time(bytes.get(at..)?)?)))?;
        let end = at + DATE_TIME;
        let unique = bytes
            .get(end..end + 5)
            .filter(|rest| rest[0] == b'-')
            .and_then(|rest| std::str::from_utf8(&rest[1..]).ok())
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let date = &bytes[at..at + 10];
        let folders = at.checked_sub(DATE_FOLDERS).map(|start| &bytes[start..at]);
        let is_partitioned = folders.is_some_and(|folders| {
            folders[DATE_FOLDERS - 1] == b'/'
                && folders.iter().zip(date).all(|(f, d)| f == d || (*f == b'/' && *d == b'-'))
        });
        let layout = match (is_partitioned, instant.rem_euclid(SECONDS_PER_DAY)) {
            (false, _) => Layout::Simple,
            (true, 0) => Layout::ByEventTime,
            (true, _) => Layout::ByDeliveryTime,
        };
        let stem = if is_partitioned { at - DATE_FOLDERS } else { at };
        Some(NameDate { stem, layout, instant, end, unique })
    }

    /// The position of the name among all names of its stem, as a time: the instant; by event time, the day plus the
    /// fraction of a day that corresponds to UNIQUE in the range of its values.
    pub fn position(&self, layout: Layout) -> i64 {
        match (layout, self.unique) {
            (Layout::ByEventTime, Some(unique)) => {
                self.instant + i64::from(unique) * SECONDS_PER_DAY / 65_536
            }
            _ => self.instant,
        }
    }
}

/// The smallest name at `position` or later; the inverse of [`NameDate::position`]. In folders it is the smallest name of
/// the day or hour. `None` for years that a name cannot
/// have.
pub fn name_at(stem: &str, layout: Layout, position: i64) -> Option<String> {
    let (year, month, day) = date_of(position);
    if !(0..=9999).contains(&year) {
        return None;
    }
    let second = position.rem_euclid(SECONDS_PER_DAY);
    let folders = format!("{year:04}/{month:02}/{day:02}/");
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = format!("{:02}-{:02}-{:02}", second / 3600, second / 60 % 60, second % 60);
    Some(match layout {
        Layout::Simple => format!("{stem}{date}-{time}"),
        Layout::ByDeliveryTime => format!("{stem}{folders}{date}-{time}"),
        Layout::ByEventTime => {
            let unique = second * 65_536 / SECONDS_PER_DAY;
            format!("{stem}{folders}{date}-00-00-00-{unique:04X}")
        }
        Layout::Folders { style, with_hour } => {
            let date = match style {
                FolderStyle::Slashes => folders,
                FolderStyle::Hive => format!("year={year:04}/month={month:02}/day={day:02}/"),
                FolderStyle::Dashes => format!("{date}/"),
            };
            match (with_hour, style) {
                (false, _) => format!("{stem}{date}"),
                (true, FolderStyle::Hive) => format!("{stem}{date}hour={:02}/", second / 3600),
                (true, _) => format!("{stem}{date}{:02}/", second / 3600),
            }
        }
    })
}

/// Positions of the names that may hold requests from `since` up to `until`: the first position included, the last
/// excluded.
///
/// A record is delivered after its request, so by delivery time this is from the day of `since` to
/// [`LATE_DELIVERY_DAYS`] after the day of the last second of the window. By event time the day in the name is the day
/// of the request.
pub fn positions(layout: Layout, since: Option<i64>, until: Option<i64>) -> (i64, i64) {
    let start_of_day = |instant: i64| instant - instant.rem_euclid(SECONDS_PER_DAY);
    let late = if layout == Layout::ByEventTime { 0 } else { LATE_DELIVERY_SECONDS };
    let first = since.map_or(i64::MIN, start_of_day);
    let end = until.map_or(i64::MAX, |until| {
        start_of_day(until.saturating_sub(1)).saturating_add(SECONDS_PER_DAY + late)
    });
    (first, end)
}

/// Whether the log file of this name may hold requests from `since` up to `until`. A name without a date may.
/// `are_by_event` is what [`are_by_event`] returns for the names of the source.
pub fn may_hold(name: &str, since: Option<i64>, until: Option<i64>, are_by_event: bool) -> bool {
    if since.is_none() && until.is_none() {
        return true;
    }
    let Some(date) = NameDate::find(name) else { return true };
    let layout = match date.layout {
        Layout::ByEventTime if !are_by_event => Layout::ByDeliveryTime,
        layout => layout,
    };
    let (first, end) = positions(layout, since, until);
    (first..end).contains(&date.instant)
}

/// Whether a name has a date and time, as the names of log files that S3 writes.
pub fn has_date_time(name: &str) -> bool {
    NameDate::find_date_time(name).is_some()
}

/// Whether names are of the partitioned layout by event time: at least two have a date, and all dates are at midnight.
pub fn are_by_event<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let count = |dates, date: NameDate| (date.layout == Layout::ByEventTime).then_some(dates + 1);
    names.filter_map(NameDate::find).try_fold(0, count).is_some_and(|dates| dates >= 2)
}

/// Extensions that people add to the names of log files.
const ADDED_EXTENSIONS: [&str; 5] = ["log", "txt", "gz", "zst", "zstd"];

/// Whether a file of this name is a log file, whatever it contains: the last part of its path is
/// `[prefix]YYYY-MM-DD-hh-mm-ss-UNIQUE`, as S3 and the servers that follow it name log files, with or without an
/// extension that people add when they store or compress it.
pub fn is_log_name(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some(date) = NameDate::find(file) else { return false };
    let Some(mut unique) = file[date.end..].strip_prefix('-') else { return false };
    while let Some((rest, extension)) = unique.rsplit_once('.') {
        if !ADDED_EXTENSIONS.iter().any(|added| extension.eq_ignore_ascii_case(added)) {
            return false;
        }
        unique = rest;
    }
    // Amazon writes 16 hexadecimal digits, other servers at least 16 letters and digits.
    let consists_of = |fits: fn(&u8) -> bool| !unique.is_empty() && unique.bytes().all(|byte| fits(&byte));
    consists_of(u8::is_ascii_hexdigit)
        || (unique.len() >= 16 && consists_of(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

/// The digits of a text of this form, in which each `0` is the place of a digit: eight of a date, or two of an hour.
fn digits_of(text: &[u8], form: &[u8]) -> Option<[u8; 8]> {
    let mut digits = [b'0'; 8];
    let mut next = 0;
    for (byte, form) in text.iter().zip(form) {
        match form {
            b'0' if byte.is_ascii_digit() => {
                *digits.get_mut(next)? = *byte;
                next += 1;
            }
            b'0' => return None,
            form if byte != form => return None,
            _ => {}
        }
    }
    Some(digits)
}

/// Parses the `YYYY-MM-DD-hh-mm-ss` that a text begins with, unless another digit follows it.
fn parse_date_time(text: &[u8]) -> Option<i64> {
    let has_separators = [4, 7, 10, 13, 16].iter().all(|&at| text.get(at) == Some(&b'-'));
    if !has_separators || text.get(DATE_TIME).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let year = two_digits(text, 0)? * 100 + two_digits(text, 2)?;
    let time = [two_digits(text, 11)?, two_digits(text, 14)?, two_digits(text, 17)?];
    instant_of(i64::from(year), two_digits(text, 5)?, two_digits(text, 8)?, time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    #[test]
    fn simple_names_have_any_prefix() {
        for (name, stem) in [
            ("2026-04-01-13-05-09-A1B2C3D4E5F67890", ""),
            ("logs/2026-04-01-13-05-09-A1B2C3D4E5F67890", "logs/"),
            ("log12026-04-01-13-05-09-A1B2C3D4E5F67890", "log1"),
            ("/home/journaux-été/2026-04-01-13-05-09-A1B2C3D4E5F67890.gz", "/home/journaux-été/"),
            ("a/2020-01-01-00-00-00-old/x-2026-04-01-13-05-09-A1B2.gz", "a/2020-01-01-00-00-00-old/x-"),
            // The folders of another day are part of the stem.
            ("2026/03/31/2026-04-01-13-05-09-A1B2", "2026/03/31/"),
        ] {
            let date = NameDate::find(name).unwrap();
            assert_eq!(&name[..date.stem], stem, "{name}");
            assert_eq!(date.layout, Layout::Simple, "{name}");
            assert_eq!(date.instant, instant("2026-04-01T13:05:09Z"), "{name}");
        }
    }

    #[test]
    fn partitioned_names_are_by_delivery_time_or_by_event_time() {
        let stem = "logs/111122223333/eu-west-1/acme-media/";
        let find = |rest: &str| NameDate::find(&format!("{stem}2026/04/01/2026-04-01-{rest}")).unwrap();
        let date = find("13-05-09-A1B2C3D4E5F67890");
        assert_eq!((date.stem, date.layout), (stem.len(), Layout::ByDeliveryTime));
        let date = find("00-00-00-80B2C3D4E5F67890");
        assert_eq!((date.stem, date.layout), (stem.len(), Layout::ByEventTime));
        assert_eq!(date.instant, instant("2026-04-01T00:00:00Z"));
        assert_eq!(date.position(Layout::ByEventTime) / 3600, instant("2026-04-01T12:00:00Z") / 3600);
    }

    #[test]
    fn folders_of_a_day_or_an_hour_have_names_of_any_form() {
        for (name, stem, day, hour) in [
            (
                "AWSLogs/111122223333/S3/us-east-1/2026/09/10/a.json.gz",
                "AWSLogs/111122223333/S3/us-east-1/",
                "10",
                "",
            ),
            (
                "p/AWSLogs/111122223333/us-east-1/2026/09/10/07/a.gz",
                "p/AWSLogs/111122223333/us-east-1/",
                "10",
                "07",
            ),
            ("2026/09/10/23/logs-1-2026-09-10-23-04-05-0f3c.gz", "", "10", "23"),
            ("p/2026/04/01/more/2026-04-01-13-05-09-A1B2", "p/", "01", ""),
            ("p/year=2026/month=09/day=10/000000_0", "p/", "10", ""),
            ("p/year=2026/month=09/day=10/hour=07/x.parquet", "p/", "10", "07"),
            ("p/dt=2026-09-10/x.parquet", "p/dt=", "10", ""),
            ("p/2026-09-10/07/x", "p/", "10", "07"),
            ("p/2026/09/10/99/x", "p/", "10", ""),
            ("p/2026/09/10/", "p/", "10", ""),
        ] {
            let date = NameDate::find(name).unwrap();
            assert_eq!(&name[..date.stem], stem, "{name}");
            assert!(
                matches!(date.layout, Layout::Folders { with_hour, .. } if with_hour != hour.is_empty()),
                "{name}"
            );
            let hour = if hour.is_empty() { "00" } else { hour };
            let month = if day == "01" { "04" } else { "09" };
            assert_eq!(date.instant, instant(&format!("2026-{month}-{day}T{hour}:00:00Z")), "{name}");
            let first = name_at(stem, date.layout, date.instant).unwrap();
            assert!(name.starts_with(&first), "{first}");
        }
        for name in [
            "p/12026/09/10/x",
            "p/2026/13/10/x",
            "p/2026/9/10/x",
            "year=2026/day=10/month=09/x",
            "2026/09/10",
        ] {
            assert_eq!(NameDate::find(name), None, "{name}");
        }
    }

    #[test]
    fn names_without_a_date_that_exists_have_none() {
        for name in [
            "",
            "README",
            "access.log",
            "2026-04-01.log",
            "2026-02-29-03-11-11-A",
            "2026-13-01-00-00-00-A",
            "2026-04-01-25-00-00-A",
            "2026-04-01-03-60-00-A",
            "2026-04-01T03-11-11-A",
            "2026-04-01-03-11-115",
            "été",
        ] {
            assert_eq!(NameDate::find(name), None, "{name}");
        }
    }

    #[test]
    fn log_files_are_recognised_by_their_names_in_any_layout() {
        for name in [
            "2026-04-03-03-11-11-0123456789ABCDEF",
            "logs/media-2026-04-03-03-11-11-0123456789ABCDEF",
            "logs/123456789012/eu-west-1/media/2026/04/03/2026-04-03-00-00-00-0123456789ABCDEF",
            "year.tar.gz/2026-04-03-03-11-11-0123456789ABCDEF.log.gz",
            "access-log2026-04-03-03-11-11-N7MXLAF1BDG7MPDV",
            "2026-04-03-03-11-11-0123456789abcdef.ZST",
        ] {
            assert!(is_log_name(name), "{name}");
        }
        for name in [
            "README.txt",
            "access.log",
            "2026-04-03-03-11-11",
            "2026-04-03-03-11-11-0123456789ABCDEF/README.txt",
            "notes-2026-04-03-03-11-11-draft.txt",
            "2026-04-03-03-11-11-NOTES",
            "2026-04-03-03-11-11-0123456789ABCDEF.png",
            "2026-04-03-03-11-11-.log",
        ] {
            assert!(!is_log_name(name), "{name}");
        }
    }

    #[test]
    fn the_name_at_a_position_sorts_between_earlier_and_later_names() {
        let one_o_clock = instant("2026-04-01T13:00:00Z");
        let name = name_at("p/", Layout::Simple, one_o_clock).unwrap();
        assert!("p/2026-04-01-12-59-59-FFFF" < name.as_str() && name.as_str() < "p/2026-04-01-13-00-00-0000");
        for layout in [Layout::Simple, Layout::ByDeliveryTime, Layout::ByEventTime] {
            let name = name_at("p/", layout, one_o_clock).unwrap();
            let difference = NameDate::find(&name).unwrap().position(layout) - one_o_clock;
            assert!(difference.abs() <= 2, "{name} is {difference} s off");
        }
        assert_eq!(name_at("p/", Layout::Simple, i64::MAX), None);
    }

    #[test]
    fn a_window_covers_names_from_its_first_day_to_the_last_late_delivery() {
        let window = (Some(instant("2026-04-01T08:00:00Z")), Some(instant("2026-04-03T00:00:00Z")));
        let may_hold = |name: &str, are_by_event| may_hold(name, window.0, window.1, are_by_event);
        let name = |date: &str| format!("p/{date}-10-00-00-A1B2");
        assert!(!may_hold(&name("2026-03-31"), false));
        assert!(may_hold(&name("2026-04-01"), false));
        assert!(may_hold(&name("2026-04-12"), false));
        assert!(!may_hold(&name("2026-04-13"), false));
        assert!(may_hold("p/README", false));

        let by_event = |date: &str| format!("p/{}/{date}-00-00-00-A1B2", date.replace('-', "/"));
        assert!(may_hold(&by_event("2026-04-02"), true));
        assert!(!may_hold(&by_event("2026-04-03"), true));
        // Judged by its name alone, the file may also have been delivered at midnight.
        assert!(may_hold(&by_event("2026-04-03"), false));
    }

    proptest! {
        #[test]
        fn every_name_leads_back_to_its_date(
            prefix in "\\PC{0,12}",
            second in 0i64..253_402_300_800,
            layout in prop::sample::select(vec![Layout::Simple, Layout::ByDeliveryTime]),
        ) {
            let stem = format!("{prefix}/");
            let name = format!("{}-0123456789ABCDEF", name_at(&stem, layout, second).unwrap());
            let date = NameDate::find(&name).unwrap();
            prop_assert_eq!((date.instant, &name[..date.stem]), (second, stem.as_str()));
            prop_assert!(is_log_name(&name));
        }

        #[test]
        fn no_name_causes_a_panic(name in "\\PC{0,40}|[0-9/-]{0,60}") {
            let _ = (NameDate::find(&name), is_log_name(&name));
        }
    }
}
