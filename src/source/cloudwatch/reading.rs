//! The log files of a log group: readings of its events. A reading is named by the time of its events.

use std::ops::Range;

use jiff::Timestamp;

use crate::source::KnownFile;

/// What one log file of a log group contains. Times are in seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The timestamps of the events.
    pub(super) events: Range<i64>,
    /// `None`: all events. Otherwise a late reading: only those that were ingested at this time or later.
    pub(super) ingested_from: Option<i64>,
}

/// Between the times and the start of a late reading.
const LATE: &str = "/late-from-";

impl Reading {
    /// The name of the log file: `2026-09-10T13:00:00Z..2026-09-10T14:00:00Z`, for a late reading followed by
    /// `/late-from-2026-09-11T12:00:00Z`. `None` for times that a timestamp cannot have.
    pub(super) fn name(&self) -> Option<String> {
        let time = |second: i64| Timestamp::from_second(second).ok();
        let name = format!("{}..{}", time(self.events.start)?, time(self.events.end)?);
        Some(match self.ingested_from {
            None => name,
            Some(from) => format!("{name}{LATE}{}", time(from)?),
        })
    }

    /// The inverse of [`Reading::name`].
    pub(super) fn parse(name: &str) -> Option<Reading> {
        let second = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_second);
        let (events, late) =
            name.split_once(LATE).map_or((name, None), |(events, late)| (events, Some(late)));
        let (start, end) = events.split_once("..")?;
        let events = second(start)?..second(end)?;
        let ingested_from = late.map(|late| second(late).ok_or(())).transpose().ok()?;
        (!events.is_empty()).then_some(Reading { events, ingested_from })
    }
}

/// A reading that the catalogue has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) reading: Reading,
    /// When it began, in seconds since the epoch.
    pub(super) read_at: i64,
    /// Whether it was read to its end.
    pub(super) is_whole: bool,
}

impl Known {
    /// A log file of the catalogue. `None` if it is not a reading.
    pub(super) fn of(file: &KnownFile) -> Option<Known> {
        let read_at = file.version.as_deref()?.parse::<Timestamp>().ok()?;
        let reading = Reading::parse(&file.name)?;
        Some(Known { reading, read_at: read_at.as_second(), is_whole: file.is_whole })
    }
}

/// The version of the readings that begin at `now`, in milliseconds since the epoch: this time. Each reading of a log file is
/// another version.
pub(super) fn version(now: i64) -> Option<String> {
    Timestamp::from_millisecond(now).ok().map(|now| now.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_have_readable_names() {
        let hour = Reading { events: 1_789_045_200..1_789_048_800, ingested_from: None };
        assert_eq!(hour.name().unwrap(), "2026-09-10T13:00:00Z..2026-09-10T14:00:00Z");
        assert_eq!(Reading::parse(&hour.name().unwrap()), Some(hour.clone()));
        let late = Reading { ingested_from: Some(1_789_128_000), ..hour };
        assert_eq!(
            late.name().unwrap(),
            "2026-09-10T13:00:00Z..2026-09-10T14:00:00Z/late-from-2026-09-11T12:00:00Z"
        );
        assert_eq!(Reading::parse(&late.name().unwrap()), Some(late));
        for name in [
            "",
            "a.log",
            "2026-09-10T13:00:00Z",
            "2026-09-10T13:00:00Z..2026-09-10T13:00:00Z",
            "x/late-from-y",
        ] {
            assert_eq!(Reading::parse(name), None, "{name}");
        }
        assert_eq!(version(1_789_045_200_250).unwrap(), "2026-09-10T13:00:00.25Z");
    }
}
