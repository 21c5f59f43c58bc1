//! Names of log files as S3 delivers them, and what they tell.
//!
//! Two layouts (Amazon S3 User Guide, "Amazon S3 log object key format"), all times UTC:
//!
//! - simple: `[prefix]YYYY-MM-DD-hh-mm-ss-UNIQUE`, nothing put between prefix and date;
//! - date-partitioned: `[prefix]ACCOUNT/REGION/BUCKET/YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE`.
//!
//! Both put the date first, so a day is one prefix to list.

use super::time::{Day, instant_of, two_digits};

/// Length of `YYYY-MM-DD-hh-mm-ss-`.
const STAMP: usize = 20;

/// How a log file is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout<'a> {
    /// `[prefix]YYYY-MM-DD-hh-mm-ss-UNIQUE`.
    Simple {
        /// What stands before the date; ends in anything, often `/`.
        prefix: &'a str,
    },
    /// `[base]YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE`.
    Partitioned {
        /// What stands before the folders of the date: `[prefix]ACCOUNT/REGION/BUCKET/`.
        base: &'a str,
    },
}

/// The instant in the name of a log file, seconds since the epoch (UTC): when it was delivered,
/// or, for date-partitioned names by event time, the day it is about.
///
/// Understands `…YYYY-MM-DD-hh-mm-ss-UNIQUE` with any prefix before it: the last such date counts.
pub fn instant(name: &str) -> Option<i64> {
    stamp(name).map(|(_, instant)| instant)
}

/// Whether a file of this name is a log file, whatever is in it: its last part is `[prefix]YYYY-MM-DD-hh-mm-ss-UNIQUE`,
/// as S3 and the servers that follow it name them, perhaps with what people add when they store or compress it.
pub fn is_log_name(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some((at, _)) = stamp(file) else { return false };
    let mut unique = &file[at + STAMP..];
    while let Some((rest, end)) = unique.rsplit_once('.') {
        if !ADDED.iter().any(|added| end.eq_ignore_ascii_case(added)) {
            return false;
        }
        unique = rest;
    }
    // Amazon writes 16 hexadecimal digits, others as many letters and digits.
    let is_of = |fits: fn(&u8) -> bool| !unique.is_empty() && unique.bytes().all(|byte| fits(&byte));
    is_of(u8::is_ascii_hexdigit)
        || (unique.len() >= 16 && is_of(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

/// What people add to the name of a log file.
const ADDED: [&str; 5] = ["log", "txt", "gz", "zst", "zstd"];

/// How the log file of this name is laid out; `None` if there is no date as S3 writes it.
///
/// The folders `YYYY/MM/DD/` must tell the same day as the name; else they are part of a prefix.
pub fn layout(name: &str) -> Option<Layout<'_>> {
    let (at, instant) = stamp(name)?;
    let prefix = name.get(..at)?;
    Some(match prefix.strip_suffix(&partitioned_day_prefix("", Day::of(instant))) {
        Some(base) if base.is_empty() || base.ends_with('/') => Layout::Partitioned { base },
        _ => Layout::Simple { prefix },
    })
}

/// `[prefix]YYYY-MM-DD-`: what the names of one day begin with in the simple layout.
pub fn simple_day_prefix(prefix: &str, day: Day) -> String {
    let (year, month, day) = day.date();
    format!("{prefix}{year:04}-{month:02}-{day:02}-")
}

/// `[base]YYYY/MM/DD/`: what the names of one day begin with in the date-partitioned layout.
pub fn partitioned_day_prefix(base: &str, day: Day) -> String {
    let (year, month, day) = day.date();
    format!("{base}{year:04}/{month:02}/{day:02}/")
}

/// Where the last `YYYY-MM-DD-hh-mm-ss-` begins, and the instant it tells.
fn stamp(name: &str) -> Option<(usize, i64)> {
    name.as_bytes()
        .windows(STAMP)
        .enumerate()
        .rev()
        .find_map(|(at, window)| read_stamp(window).map(|instant| (at, instant)))
}

fn read_stamp(text: &[u8]) -> Option<i64> {
    if [4, 7, 10, 13, 16, 19].iter().any(|&at| text.get(at) != Some(&b'-')) {
        return None;
    }
    let year = two_digits(text, 0)? * 100 + two_digits(text, 2)?;
    instant_of(
        i64::from(year),
        two_digits(text, 5)?,
        two_digits(text, 8)?,
        [two_digits(text, 11)?, two_digits(text, 14)?, two_digits(text, 17)?],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: i64 = 1_775_185_871; // 2026-04-03T03:11:11Z

    #[test]
    fn the_instant_is_found_behind_any_prefix() {
        for name in [
            "2026-04-03-03-11-11-0123456789ABCDEF",
            "logs/2026-04-03-03-11-11-0123456789ABCDEF",
            "media-2026-04-03-03-11-11-0123456789ABCDEF",
            "x7772026-04-03-03-11-11-0123456789ABCDEF",
            "logs/123456789012/eu-west-1/media/2026/04/03/2026-04-03-03-11-11-0123456789ABCDEF",
            "/home/journaux-été/2026-04-03-03-11-11-0123456789ABCDEF.gz",
        ] {
            assert_eq!(instant(name), Some(AT), "{name}");
        }
    }

    #[test]
    fn the_last_date_counts_not_one_in_the_prefix() {
        let name = "2020-01-01-00-00-00-old/2026-04-03-03-11-11-0123456789ABCDEF";
        assert_eq!(instant(name), Some(AT));
        assert_eq!(layout(name), Some(Layout::Simple { prefix: "2020-01-01-00-00-00-old/" }));
    }

    #[test]
    fn names_without_a_real_date_tell_nothing() {
        for name in [
            "",
            "access.log",
            "2026-04-03-03-11-11",
            "2026-02-29-03-11-11-X",
            "2026-13-03-03-11-11-X",
            "2026-04-03-24-11-11-X",
            "2026-04-03-03-60-11-X",
            "2026-04-03T03-11-11-X",
        ] {
            assert_eq!(instant(name), None, "{name}");
            assert_eq!(layout(name), None, "{name}");
        }
    }

    #[test]
    fn log_files_are_known_by_their_names_in_any_layout() {
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
    fn date_partitioned_names_are_told_from_simple_ones() {
        assert_eq!(
            layout("logs/123456789012/eu-west-1/media/2026/04/03/2026-04-03-00-00-00-0123456789ABCDEF"),
            Some(Layout::Partitioned { base: "logs/123456789012/eu-west-1/media/" })
        );
        assert_eq!(layout("2026/04/03/2026-04-03-00-00-00-X"), Some(Layout::Partitioned { base: "" }));
        assert_eq!(layout("logs/2026-04-03-00-00-00-X"), Some(Layout::Simple { prefix: "logs/" }));
        // Folders of another day, or no folder of their own, are somebody's prefix.
        for prefix in ["logs/2026/04/02/", "logs/x2026/04/03/", "logs/2026/04/03/more/"] {
            assert_eq!(layout(&format!("{prefix}2026-04-03-00-00-00-X")), Some(Layout::Simple { prefix }));
        }
    }

    #[test]
    fn prefixes_of_a_day_put_nothing_between() {
        let day = Day::of(AT);
        assert_eq!(simple_day_prefix("logs/", day), "logs/2026-04-03-");
        assert_eq!(simple_day_prefix("media-", day), "media-2026-04-03-");
        assert_eq!(partitioned_day_prefix("a/b/c/", day), "a/b/c/2026/04/03/");
    }

    proptest! {
        #[test]
        fn a_name_is_listed_under_the_prefix_of_its_day(prefix in "\\PC{0,12}", at in 0i64..253_402_300_800) {
            let day = Day::of(at);
            let seconds = at - day.start();
            let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            let rest = format!("{hour:02}-{minute:02}-{second:02}-0123456789ABCDEF");
            let simple = format!("{}{rest}", simple_day_prefix(&prefix, day));
            prop_assert_eq!(instant(&simple), Some(at));
            let base = format!("{prefix}/");
            let name = format!("{}{rest}", simple_day_prefix(&partitioned_day_prefix(&base, day), day));
            prop_assert_eq!(instant(&name), Some(at));
            prop_assert_eq!(layout(&name), Some(Layout::Partitioned { base: &base }));
        }

        #[test]
        fn no_name_panics(name in "\\PC{0,40}|[0-9/-]{0,60}") {
            let _ = layout(&name);
        }
    }
}
