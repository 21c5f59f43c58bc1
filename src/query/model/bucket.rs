//! Widths of time buckets: seconds, or calendar months.

use super::{Series, Stats};
use crate::log::time::SECONDS_PER_DAY;

/// The width of a time bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketWidth {
    /// This many seconds, at least 1. Whole weeks begin on Monday, see [`origin`](super::origin).
    Seconds(u32),
    /// A month of the calendar (UTC).
    Month,
}

/// A bucket of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// First second.
    pub start: i64,
    /// First second after it.
    pub end: i64,
    /// The stats of its requests.
    pub stats: Stats,
}

impl BucketWidth {
    /// The width of the buckets to ask an engine for; [`BucketWidth::collect`] merges them.
    pub fn asked(self) -> u32 {
        match self {
            BucketWidth::Seconds(seconds) => seconds.max(1),
            BucketWidth::Month => SECONDS_PER_DAY as u32,
        }
    }

    /// The bucket that contains an instant: its first second, and the first second after it.
    pub fn bounds(self, instant: i64) -> (i64, i64) {
        match self {
            BucketWidth::Seconds(seconds) => {
                let (width, origin) = (i64::from(seconds.max(1)), super::origin(seconds));
                let start = instant
                    .saturating_sub(origin)
                    .div_euclid(width)
                    .saturating_mul(width)
                    .saturating_add(origin);
                (start, start.saturating_add(width))
            }
            BucketWidth::Month => month(instant),
        }
    }

    /// The buckets of a line of a series that was asked for with [`BucketWidth::asked`], ascending and without gaps.
    pub fn collect(self, series: &Series, line: usize) -> Vec<Bucket> {
        let line = series.lines.get(line).map_or(&[][..], Vec::as_slice);
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut start = series.start;
        for stats in line {
            match buckets.last_mut() {
                Some(last) if start < last.end => last.stats = last.stats.merged(*stats),
                _ => {
                    let (start, end) = self.bounds(start);
                    buckets.push(Bucket { start, end, stats: *stats });
                }
            }
            start = start.saturating_add(i64::from(series.bucket));
        }
        buckets
    }
}

/// The calendar month (UTC) that contains an instant. Outside the calendar: 30 days.
fn month(instant: i64) -> (i64, i64) {
    let calendar = || -> Result<(i64, i64), jiff::Error> {
        let date = jiff::Timestamp::from_second(instant)?.to_zoned(jiff::tz::TimeZone::UTC).date();
        let first = date.first_of_month();
        let next = first.checked_add(jiff::Span::new().months(1))?;
        let second = |date: jiff::civil::Date| {
            date.to_zoned(jiff::tz::TimeZone::UTC).map(|start| start.timestamp().as_second())
        };
        Ok((second(first)?, second(next)?))
    };
    calendar().unwrap_or_else(|_| {
        let width = 30 * SECONDS_PER_DAY;
        let start = instant.div_euclid(width).saturating_mul(width);
        (start, start.saturating_add(width))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEBRUARY: i64 = 1_769_904_000;

    #[test]
    fn months_are_those_of_the_calendar() {
        assert_eq!(BucketWidth::Month.bounds(FEBRUARY + 5), (FEBRUARY, FEBRUARY + 28 * 86_400));
        let day = |at: i64, requests| Stats { requests, first_seen: at, last_seen: at, ..Stats::default() };
        let start = FEBRUARY - 2 * 86_400;
        let line = (0..31).map(|at| day(start + at * 86_400, 1)).collect();
        let series = Series { bucket: 86_400, start, lines: vec![line] };
        let buckets = BucketWidth::Month.collect(&series, 0);
        let counts: Vec<u64> = buckets.iter().map(|bucket| bucket.stats.requests).collect();
        assert_eq!(counts, [2, 28, 1], "January, February, March");
        assert_eq!(buckets[0].start, FEBRUARY - 31 * 86_400);
    }

    #[test]
    fn the_end_of_the_calendar_is_not_an_error() {
        for instant in [i64::MIN, i64::MAX, -377_705_116_800, 253_402_300_799] {
            let (start, end) = BucketWidth::Month.bounds(instant);
            assert!(start <= instant && end >= instant, "{instant}");
        }
    }

    #[test]
    fn other_buckets_stay_as_they_are() {
        let line = vec![Stats { requests: 1, ..Stats::default() }; 3];
        let series = Series { bucket: 3_600, start: FEBRUARY, lines: vec![line] };
        let buckets = BucketWidth::Seconds(3_600).collect(&series, 0);
        assert_eq!(buckets.len(), 3);
        assert_eq!((buckets[1].start, buckets[1].end), (FEBRUARY + 3_600, FEBRUARY + 7_200));
    }
}
