//! The buckets of a baseline: their place in the day and the week, and which of them can be relied on.

use crate::log::time::SECONDS_PER_DAY;
use crate::query::Series;

/// A run of empty buckets of the whole log is a delivery gap only if it is at least this long.
const GAP_MIN_SECONDS: i64 = 3600;
/// … and the buckets at the same time of other days usually have as many requests.
const GAP_MIN_USUAL: u64 = 3;
/// A gap in narrow buckets is at least this long, and has no requests where that is very improbable.
const NARROW_GAP_MIN_SECONDS: i64 = 2400;
const NARROW_GAP_MIN_EXPECTED: f64 = 12.0;
/// Monday is day 0 of the week; 1970-01-01 was a Thursday.
const WEEKDAY_OF_EPOCH: i64 = 3;

/// Buckets of the same width, which divides a day.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Start of the first bucket, in seconds since the epoch.
    pub start: i64,
    /// Width of a bucket in seconds.
    pub bucket: i64,
    /// Whether a bucket is complete: not the first or the last of the log, and not part of a delivery gap.
    pub usable: Vec<bool>,
}

impl Grid {
    /// The buckets of a log with these numbers of requests.
    pub(crate) fn new(start: i64, bucket: u32, requests: &[u64]) -> Grid {
        let mut grid = Grid { start, bucket: i64::from(bucket.max(1)), usable: vec![true; requests.len()] };
        grid.exclude_gaps(requests);
        if let [first, .., last] = grid.usable.as_mut_slice() {
            (*first, *last) = (false, false);
        }
        grid
    }

    /// The buckets of the series of a whole log.
    pub(crate) fn of(series: &Series) -> Grid {
        let requests: Vec<u64> = series.lines.iter().take(1).flatten().map(|stats| stats.requests).collect();
        Grid::new(series.start, series.bucket, &requests)
    }

    /// Number of buckets.
    pub(crate) fn len(&self) -> usize {
        self.usable.len()
    }

    /// Start of a bucket, in seconds since the epoch.
    pub(crate) fn time(&self, index: usize) -> i64 {
        self.start + index as i64 * self.bucket
    }

    /// The bucket that contains a time, at most the number of buckets.
    pub(crate) fn index(&self, time: i64) -> usize {
        (time.saturating_sub(self.start).div_euclid(self.bucket).max(0) as usize).min(self.len())
    }

    /// Number of buckets per day, at least 1.
    pub(crate) fn per_day(&self) -> usize {
        (SECONDS_PER_DAY / self.bucket).max(1) as usize
    }

    /// Number of buckets that this many seconds have, at least 1.
    pub(crate) fn buckets_in(&self, seconds: i64) -> usize {
        (seconds / self.bucket).max(1) as usize
    }

    /// The place of a bucket in its day (UTC), from 0.
    pub(crate) fn phase(&self, index: usize) -> usize {
        (self.time(index).rem_euclid(SECONDS_PER_DAY) / self.bucket) as usize
    }

    /// The day (UTC) of a bucket, counted from the day of the first bucket.
    pub(crate) fn day(&self, index: usize) -> usize {
        (self.time(index).div_euclid(SECONDS_PER_DAY) - self.start.div_euclid(SECONDS_PER_DAY)) as usize
    }

    /// Number of days, whole or not.
    pub(crate) fn days(&self) -> usize {
        if self.len() == 0 { 0 } else { self.day(self.len() - 1) + 1 }
    }

    /// The first bucket of a day, at most the number of buckets.
    pub(crate) fn first_of_day(&self, day: usize) -> usize {
        let midnight = (self.start.div_euclid(SECONDS_PER_DAY) + day as i64) * SECONDS_PER_DAY;
        self.index(midnight)
    }

    /// The weekday of a day, from 0 (Monday).
    pub(crate) fn weekday(&self, day: usize) -> usize {
        (self.start.div_euclid(SECONDS_PER_DAY) + day as i64 + WEEKDAY_OF_EPOCH).rem_euclid(7) as usize
    }

    /// Whether a day is a Saturday or Sunday.
    pub(crate) fn is_weekend(&self, day: usize) -> bool {
        self.weekday(day) >= 5
    }

    /// Number of usable buckets per day.
    pub(crate) fn usable_per_day(&self) -> Vec<usize> {
        let mut counts = vec![0; self.days()];
        for (index, _) in self.usable.iter().enumerate().filter(|(_, usable)| **usable) {
            counts[self.day(index)] += 1;
        }
        counts
    }

    /// Number of days of which at least half can be relied on.
    pub(crate) fn known_days(&self) -> usize {
        let half = self.per_day().div_ceil(2);
        self.usable_per_day().into_iter().filter(|usable| *usable >= half).count()
    }

    /// Excludes runs of empty buckets at times that are never empty otherwise, and the buckets next to them, which may
    /// be incomplete.
    fn exclude_gaps(&mut self, requests: &[u64]) {
        let usual = self.usual_per_phase(requests);
        let min_length = self.buckets_in(GAP_MIN_SECONDS);
        let mut index = 0;
        while index < requests.len() {
            let length = requests[index..].iter().take_while(|count| **count == 0).count();
            let is_odd = |at: usize| usual[self.phase(at)] >= GAP_MIN_USUAL;
            // Half of the run: it may begin in a quiet hour.
            if length >= min_length && (index..index + length).filter(|at| is_odd(*at)).count() * 2 >= length
            {
                let last = (index + length).min(requests.len() - 1);
                self.usable[index.saturating_sub(1)..=last].fill(false);
            }
            index += length.max(1);
        }
    }

    /// The delivery gaps of a log in narrow buckets, from the first to the last second: runs of empty buckets in which many
    /// requests are usual together. They may begin and end within an hour.
    pub(crate) fn narrow_gaps(&self, requests: &[u64]) -> Vec<(i64, i64)> {
        let mut sums = vec![(0.0, 0.0); self.per_day()];
        for (index, count) in requests.iter().enumerate() {
            let (sum, days) = &mut sums[self.phase(index)];
            (*sum, *days) = (*sum + *count as f64, *days + 1.0);
        }
        let usual = |index: usize| {
            let (sum, days) = sums[self.phase(index)];
            sum / days
        };
        let mut gaps = Vec::new();
        let mut index = 0;
        while index < requests.len() {
            let length = requests[index..].iter().take_while(|count| **count == 0).count();
            let run = index..index + length;
            if length >= self.buckets_in(NARROW_GAP_MIN_SECONDS)
                && run.clone().map(usual).sum::<f64>() >= NARROW_GAP_MIN_EXPECTED
            {
                gaps.push((self.time(run.start), self.time(run.end)));
            }
            index += length.max(1);
        }
        gaps
    }

    /// Excludes the buckets of a time.
    pub(crate) fn exclude(&mut self, (start, end): (i64, i64)) {
        let last = (self.index(end - 1) + 1).min(self.len());
        let first = self.index(start).min(last);
        self.usable[first..last].fill(false);
    }

    /// The median number of requests per phase over the days.
    fn usual_per_phase(&self, requests: &[u64]) -> Vec<u64> {
        let mut per_phase = vec![Vec::new(); self.per_day()];
        for (index, count) in requests.iter().enumerate() {
            per_phase[self.phase(index)].push(*count);
        }
        let median = |mut counts: Vec<u64>| {
            let middle = counts.len() / 2;
            if counts.is_empty() { 0 } else { *counts.select_nth_unstable(middle).1 }
        };
        per_phase.into_iter().map(median).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u32 = 3600;
    /// Wednesday 2026-04-01 00:00.
    const APRIL: i64 = 1_775_001_600;

    #[test]
    fn a_delivery_gap_and_the_incomplete_buckets_at_both_ends_are_excluded() {
        let mut requests = vec![10; 24 * 5];
        requests[50..56].fill(0);
        let grid = Grid::new(APRIL, HOUR, &requests);
        let excluded: Vec<usize> = (0..grid.len()).filter(|index| !grid.usable[*index]).collect();
        assert_eq!(excluded, [0, 49, 50, 51, 52, 53, 54, 55, 56, 119]);
        assert_eq!(grid.known_days(), 5);
    }

    #[test]
    fn a_gap_that_begins_and_ends_within_an_hour_is_one() {
        let mut requests = vec![4; 288 * 5];
        requests[700..711].fill(0);
        let mut grid = Grid::new(APRIL, 300, &requests);
        assert_eq!(grid.narrow_gaps(&requests), [(APRIL + 700 * 300, APRIL + 711 * 300)]);
        grid.exclude((APRIL + 700 * 300, APRIL + 711 * 300));
        assert_eq!((700..711).filter(|at| grid.usable[*at]).count(), 0);
        assert!(grid.usable[699] && grid.usable[711]);
        let mut few = vec![0; 288 * 5];
        few.iter_mut().step_by(7).for_each(|count| *count = 1);
        few[700..711].fill(0);
        assert_eq!(Grid::new(APRIL, 300, &few).narrow_gaps(&few), []);
    }

    #[test]
    fn hours_that_are_always_empty_are_no_delivery_gap() {
        let requests: Vec<u64> = (0..24 * 5).map(|hour| if hour % 24 < 6 { 0 } else { 10 }).collect();
        let grid = Grid::new(APRIL, HOUR, &requests);
        assert!(grid.usable[1..119].iter().all(|usable| *usable));
    }

    #[test]
    fn buckets_know_their_place_in_day_and_week() {
        let grid = Grid::new(APRIL + 3600, HOUR, &[1; 100]);
        assert_eq!((grid.phase(0), grid.day(0), grid.day(22), grid.day(23)), (1, 0, 0, 1));
        assert_eq!((grid.weekday(0), grid.is_weekend(2), grid.is_weekend(3)), (2, false, true));
        assert_eq!((grid.first_of_day(0), grid.first_of_day(1), grid.first_of_day(9)), (0, 23, 100));
        assert_eq!((grid.index(APRIL), grid.index(APRIL + 7199), grid.index(APRIL + 7200)), (0, 0, 1));
    }
}
