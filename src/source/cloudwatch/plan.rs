//! Which events of a log group to read: those that were not read yet, and again those that may have been joined by late
//! events. Contains no I/O.
//!
//! Events are ingested minutes, hours or, rarely, days after their timestamps, and a request cannot ask for what was
//! ingested since the last one. So events are read again, at times that lie further and further apart: after their
//! range has ended twice as long ago as at the last reading. Ranges that ended [`LATE_DELIVERY_SECONDS`] ago are final.
//!
//! A young range is read again as the same log file, which the new version replaces: nothing can be missed. Old events
//! expire by the retention of the log group, at the earliest after a day, and the requests of a log file must not go
//! with them. So late events of older ranges are log files of their own, the late readings. These overlap with what was
//! read before by [`OVERLAP`], because it takes some time until an ingested event can be read, and clocks differ.

use std::ops::Range;

use super::reading::{Known, Reading};
use crate::log::object_name::LATE_DELIVERY_SECONDS;
use crate::log::time::SECONDS_PER_DAY;

/// Age of a range, from its first event, up to which it is read again as the same log file: the shortest retention, less
/// an hour.
const YOUNG: i64 = SECONDS_PER_DAY - HOUR;
/// Seconds after the end of a range within which every pull reads it again.
const ALWAYS_DUE: i64 = 60;
/// Seconds before the last reading from which a late reading begins.
const OVERLAP: i64 = 10 * 60;
const HOUR: i64 = 60 * 60;

/// What to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Ranges of time whose events were not read, ascending.
    pub(super) unread: Vec<Range<i64>>,
    /// What is to be read again: ranges that were read in part, young ranges, late events.
    pub(super) again: Vec<Reading>,
}

/// Plans the reading of `range` at the time `now`.
pub(super) fn plan(known: &[Known], range: &Range<i64>, now: i64) -> Plan {
    let mut plan = Plan::default();
    let mut read: Vec<&Known> = known.iter().filter(|known| known.reading.ingested_from.is_none()).collect();
    read.sort_unstable_by_key(|known| (known.reading.events.start, known.reading.events.end));
    let late: Vec<&Known> =
        known.iter().filter(|known| known.reading.ingested_from.is_some() && known.is_whole).collect();

    let mut at = range.start;
    let mut late_ranges = LateRanges::default();
    for known in read {
        let events = &known.reading.events;
        if events.end <= range.start || events.start >= range.end {
            continue;
        }
        if at < events.start {
            plan.unread.push(at..events.start);
        }
        at = at.max(events.end);
        let contains = |late: &Range<i64>| late.start <= events.start && events.end <= late.end;
        let last_late =
            late.iter().filter(|late| contains(&late.reading.events)).map(|late| late.read_at).max();
        let read_at = last_late.map_or(known.read_at, |late| late.max(known.read_at));
        if !known.is_whole {
            plan.again.push(known.reading.clone());
        } else if is_due(events.end, read_at, now) {
            match last_late.is_none() && now - events.start < YOUNG {
                true => plan.again.push(known.reading.clone()),
                false => late_ranges.add(events, read_at),
            }
        }
    }
    if at < range.end {
        plan.unread.push(at..range.end);
    }
    plan.again.append(&mut late_ranges.0);
    plan
}

/// Whether a range that ends at `end` and was last read at `read_at` is to be read again.
fn is_due(end: i64, read_at: i64, now: i64) -> bool {
    let age = read_at - end;
    age < LATE_DELIVERY_SECONDS
        && (age < ALWAYS_DUE || now - read_at >= age || now - end >= LATE_DELIVERY_SECONDS)
}

/// Late readings. Consecutive ranges of one hour share one.
#[derive(Default)]
struct LateRanges(Vec<Reading>);

impl LateRanges {
    fn add(&mut self, events: &Range<i64>, read_at: i64) {
        let from = read_at - OVERLAP;
        if let Some(last) = self.0.last_mut()
            && last.events.end == events.start
            && last.events.start.div_euclid(HOUR) == (events.end - 1).div_euclid(HOUR)
        {
            last.events.end = events.end;
            last.ingested_from = last.ingested_from.min(Some(from));
            return;
        }
        self.0.push(Reading { events: events.clone(), ingested_from: Some(from) });
    }
}

/// The parts of `range` by day (UTC).
pub(super) fn days(range: &Range<i64>) -> Vec<Range<i64>> {
    parts(range, SECONDS_PER_DAY)
}

/// Lengths of parts in seconds.
const LENGTHS: [i64; 9] = [60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, SECONDS_PER_DAY];
/// Pages of a part, at the rate of the first page of its day.
const PAGES: i64 = 32;

/// The parts in which to read `range`, if a page has the events of `page_ms` milliseconds. They begin at full minutes, hours
/// and so on, except for the first.
pub(super) fn parts_by_rate(range: &Range<i64>, page_ms: i64) -> Vec<Range<i64>> {
    let wanted = page_ms.saturating_mul(PAGES) / 1000;
    let length = LENGTHS.iter().rev().find(|length| **length <= wanted).unwrap_or(&LENGTHS[0]);
    parts(range, *length)
}

fn parts(range: &Range<i64>, length: i64) -> Vec<Range<i64>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = (start.div_euclid(length) + 1).saturating_mul(length).min(range.end);
        parts.push(start..end);
        start = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = SECONDS_PER_DAY;
    /// A midnight.
    const T: i64 = 20_000 * DAY;

    fn read(events: Range<i64>, read_at: i64) -> Known {
        Known { reading: Reading { events, ingested_from: None }, read_at, is_whole: true }
    }

    fn late(events: Range<i64>, from: i64, read_at: i64) -> Known {
        Known { reading: Reading { events, ingested_from: Some(from) }, read_at, is_whole: true }
    }

    #[test]
    fn only_what_was_not_read_is_read() {
        let all = T..T + 10 * HOUR;
        // At a time when all of it is final.
        let now = T + 100 * DAY;
        let events = |known: &[Known]| plan(known, &all, now).unread;
        assert_eq!(events(&[]), std::slice::from_ref(&all));
        let known = [
            read(T + 2 * HOUR..T + 3 * HOUR, now - 1),
            read(T - HOUR..T + HOUR, now - 1),
            read(T + 3 * HOUR..T + 4 * HOUR, now - 1),
        ];
        assert_eq!(events(&known), [T + HOUR..T + 2 * HOUR, T + 4 * HOUR..T + 10 * HOUR]);
        assert_eq!(plan(&known, &all, now).again, []);
        let whole = [read(T - HOUR..T + 11 * HOUR, now - 1)];
        assert_eq!(events(&whole), []);
    }

    #[test]
    fn a_range_that_was_read_in_part_is_read_again_under_its_name() {
        let part = Known { is_whole: false, ..read(T..T + HOUR, T + 50 * DAY) };
        let Plan { unread, again } = plan(std::slice::from_ref(&part), &(T..T + 2 * HOUR), T + 50 * DAY);
        assert_eq!(unread, std::slice::from_ref(&(T + HOUR..T + 2 * HOUR)));
        assert_eq!(again, [part.reading]);
    }

    #[test]
    fn a_range_is_read_again_less_and_less_often_and_after_ten_days_for_the_last_time() {
        // Pulls every five minutes, for twelve days.
        let mut known = vec![read(T..T + 300, T + 300)];
        let mut times = Vec::new();
        for now in (T + 600..T + 12 * DAY).step_by(300) {
            for reading in plan(&known, &(T..T + 300), now).again {
                times.push((now - T - 300, reading.ingested_from.is_some()));
                known.retain(|known| known.reading != reading);
                known.push(Known { reading, read_at: now, is_whole: true });
            }
        }
        let minutes: Vec<i64> = times.iter().map(|(age, _)| age / 60).collect();
        assert_eq!(minutes, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 14_400]);
        // As the same log file within 23 hours.
        assert!(times.iter().all(|(age, is_late)| *is_late == (*age >= YOUNG - 300)), "{times:?}");
    }

    #[test]
    fn pulls_in_quick_succession_miss_no_late_event() {
        for now in [T + 602, T + 603, T + 640] {
            let again = plan(&[read(T..T + 600, T + 602)], &(T..T + 600), now).again;
            assert_eq!(again, [Reading { events: T..T + 600, ingested_from: None }], "{now}");
        }
    }

    #[test]
    fn late_readings_share_an_hour_and_overlap_with_the_last_reading() {
        let known = [
            read(T..T + 600, T + 700),
            read(T + 600..T + 1200, T + 1300),
            read(T + 1200..T + 4000, T + 4100),
            read(T + 4000..T + 4300, T + 4400),
        ];
        let Plan { unread, again } = plan(&known, &(T..T + 4300), T + 3 * DAY);
        assert_eq!(unread, []);
        let from = |events: Range<i64>, from| Reading { events, ingested_from: Some(from) };
        assert_eq!(
            again,
            [
                from(T..T + 1200, T + 100),
                from(T + 1200..T + 4000, T + 3500),
                from(T + 4000..T + 4300, T + 3800)
            ]
        );
        // The next late reading begins before the last one.
        let mut known = known.to_vec();
        known.extend([late(T..T + 1200, T + 100, T + 3 * DAY)]);
        let again = plan(&known, &(T..T + 1200), T + 7 * DAY).again;
        assert_eq!(again, [from(T..T + 1200, T + 3 * DAY - OVERLAP)]);
    }

    #[test]
    fn busy_days_are_read_in_short_parts() {
        let day = T..T + DAY;
        assert_eq!(parts_by_rate(&day, 40_000_000), std::slice::from_ref(&day));
        assert_eq!(parts_by_rate(&day, 120_000).len(), 24);
        assert_eq!(parts_by_rate(&day, 1).len(), 1440);
        let from_noon = T + 12 * HOUR + 7..T + 14 * HOUR;
        assert_eq!(
            parts_by_rate(&from_noon, 120_000),
            [T + 12 * HOUR + 7..T + 13 * HOUR, T + 13 * HOUR..T + 14 * HOUR]
        );
        assert_eq!(days(&(T - 5..T + DAY + 5)), [T - 5..T, T..T + DAY, T + DAY..T + DAY + 5]);
    }
}
