//! The past of something: its requests in each bucket of a grid, and the windows in which they were unusually many.
//!
//! [`recurrence`] says whether what happened in a window comes again.

use std::ops::Range;
use std::rc::Rc;

use super::baseline::Grid;
use super::baseline::levels::median;
use super::recurrence;
use super::timeline::Counted;
use crate::insight::survey::Survey;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Activity, Dimension, Filter, QueryError, Value};

/// A history of a client has at most about this many buckets.
const MAX_BUCKETS: i64 = 2_000;
/// Widths of its buckets, in seconds.
const BUCKETS: [u32; 6] = [60, 300, 900, 3_600, 21_600, 86_400];
/// Active buckets with at most this much time between them belong to one window: a night between two nights.
const MAX_GAP_SECONDS: i64 = 20 * 3_600;
/// A bucket of a window has at least this many requests.
const MIN_REQUESTS_PER_BUCKET: f64 = 10.0;
/// A bucket of a window has this many times the requests of the busy buckets of the client.
const TIMES_BUSY: f64 = 3.0;
/// The first and the last bucket of a window have at least this part of its largest one, or are next to such a bucket.
const SMALLEST_OF_WINDOW: f64 = 0.1;
/// The busy buckets: this part of the buckets, out of 100, has fewer requests.
const BUSY_PERCENTILE: usize = 95;

/// The requests of something over time.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub grid: Rc<Grid>,
    /// The number of requests, or errors, in each bucket of the grid.
    pub counts: Vec<f64>,
}

impl History {
    /// The histories of several values of a dimension, in their order: see [`History::of_all`].
    pub(super) fn of(
        survey: &Survey<'_>,
        filter: &Filter,
        dimension: &Dimension,
        values: Vec<Value>,
    ) -> Result<Vec<History>, QueryError> {
        let mut all = History::of_all(survey, filter, vec![(dimension.clone(), values)])?;
        Ok(all.pop().unwrap_or_default())
    }

    /// The histories of several values of each dimension, in their order, in buckets that suit the length of the log.
    pub(super) fn of_all(
        survey: &Survey<'_>,
        filter: &Filter,
        of: Vec<(Dimension, Vec<Value>)>,
    ) -> Result<Vec<Vec<History>>, QueryError> {
        if of.iter().all(|(_, values)| values.is_empty()) {
            return Ok(vec![Vec::new(); of.len()]);
        }
        let grid = Rc::new(Grid::of(survey.series_of_all(bucket_for(survey.seconds()))?.as_ref()));
        History::on_grid(survey, filter, of, &grid)
    }

    /// The histories of several values of each dimension, in their order, on the buckets of a grid.
    pub(super) fn on_grid(
        survey: &Survey<'_>,
        filter: &Filter,
        of: Vec<(Dimension, Vec<Value>)>,
        grid: &Rc<Grid>,
    ) -> Result<Vec<Vec<History>>, QueryError> {
        if of.iter().all(|(_, values)| values.is_empty()) {
            return Ok(vec![Vec::new(); of.len()]);
        }
        let histories = |Activity { start, lines, .. }: Activity| {
            let numbers = |line: Vec<u64>| line.into_iter().map(|number| number as f64);
            lines.into_iter().map(|line| History::new(grid, start, numbers(line))).collect()
        };
        Ok(survey.activity(filter, grid.bucket as u32, of)?.into_iter().map(histories).collect())
    }

    /// The history of the requests of a filter.
    pub(super) fn of_filter(
        survey: &Survey<'_>,
        filter: &Filter,
        grid: &Rc<Grid>,
        counted: Counted,
    ) -> Result<History, QueryError> {
        let series = survey.series(filter, grid.bucket as u32)?;
        let numbers = series.lines.iter().take(1).flatten().map(|stats| counted.of(stats) as f64);
        Ok(History::new(grid, series.start, numbers))
    }

    /// `numbers`: those of consecutive buckets, the first of which begins at `start`.
    fn new(grid: &Rc<Grid>, start: i64, numbers: impl Iterator<Item = f64>) -> History {
        let mut counts = vec![0.0; grid.len()];
        for (index, number) in numbers.enumerate() {
            if let Some(count) = counts.get_mut(grid.index(start + index as i64 * grid.bucket)) {
                *count += number;
            }
        }
        History { grid: Rc::clone(grid), counts }
    }

    /// Whether the buckets are those of this grid.
    pub(super) fn has_buckets_of(&self, grid: &Grid) -> bool {
        (self.grid.start, self.grid.bucket, self.grid.len()) == (grid.start, grid.bucket, grid.len())
    }

    /// The buckets of a time range, at least one.
    fn buckets(&self, (start, end): (i64, i64)) -> Range<usize> {
        let first = self.grid.index(start);
        first..(self.grid.index(end - 1) + 1).min(self.grid.len()).max(first)
    }

    /// First second, and first second after the last request, to the bucket; `None` without requests.
    pub(super) fn whole(&self) -> Option<(i64, i64)> {
        let first = self.counts.iter().position(|requests| *requests > 0.0)?;
        let last = self.counts.iter().rposition(|requests| *requests > 0.0)?;
        Some((self.grid.time(first), self.grid.time(last + 1)))
    }

    /// The windows in which the client was far busier than in its busy times otherwise, the largest first.
    pub(super) fn windows(&self) -> Vec<(i64, i64)> {
        if self.counts.is_empty() {
            return Vec::new();
        }
        let at = (self.counts.len() - 1) * BUSY_PERCENTILE / 100;
        let busy = *self.counts.clone().select_nth_unstable_by(at, f64::total_cmp).1;
        let least = (busy * TIMES_BUSY).max(MIN_REQUESTS_PER_BUCKET);
        let max_gap = (MAX_GAP_SECONDS / self.grid.bucket).max(1) as usize;
        let active: Vec<usize> =
            (0..self.counts.len()).filter(|index| self.counts[*index] >= least).collect();
        let mut windows: Vec<(usize, usize, f64)> = Vec::new();
        for window in active.chunk_by(|index, next| next - index <= max_gap) {
            // An ordinary visit on the day before is no part of it.
            let largest = window.iter().map(|index| self.counts[*index]).fold(0.0, f64::max);
            let is_of_it = |index: &&usize| self.counts[**index] >= SMALLEST_OF_WINDOW * largest;
            let first = window.iter().find(is_of_it).copied().unwrap_or_default();
            let last = window.iter().rfind(is_of_it).copied().unwrap_or_default();
            // Smaller buckets directly before and after it are.
            let before = (window[0]..first).rev().take_while(|index| self.counts[*index] >= least).last();
            let after =
                (last + 1..=window[window.len() - 1]).take_while(|index| self.counts[*index] >= least);
            let (first, last) = (before.unwrap_or(first), after.last().unwrap_or(last));
            windows.push((first, last, self.counts[first..=last].iter().sum()));
        }
        // An incident seldom begins with a bucket: less than a bucket of it is still more than usual.
        let is_more = |index: usize| {
            self.counts.get(index).is_some_and(|requests| *requests > busy.max(MIN_REQUESTS_PER_BUCKET))
        };
        for (first, last, sum) in &mut windows {
            if first.checked_sub(1).is_some_and(is_more) {
                *first -= 1;
                *sum += self.counts[*first];
            }
            if is_more(*last + 1) {
                *last += 1;
                *sum += self.counts[*last];
            }
        }
        windows.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        windows
            .into_iter()
            .map(|(first, last, _)| (self.grid.time(first), self.grid.time(last + 1)))
            .collect()
    }

    /// Whether something like the requests of a period comes again: see [`recurrence::comes_again`].
    pub(super) fn comes_again(&self, period: (i64, i64)) -> bool {
        recurrence::comes_again(&self.grid, &self.counts, self.buckets(period))
    }

    /// Whether something like the requests of a period comes at the same time of other days or weeks: see
    /// [`recurrence::at_the_same_time`].
    pub(super) fn comes_at_the_same_time(&self, period: (i64, i64)) -> bool {
        recurrence::at_the_same_time(&self.grid, &self.counts, self.buckets(period))
    }

    /// Whether the first visit comes again at the same time of other days or weeks: see [`recurrence::at_the_same_time`].
    pub(super) fn first_visit_comes_again(&self) -> bool {
        let visits = recurrence::visits(&self.grid, &self.counts, 0..self.counts.len());
        let first = visits.into_iter().next();
        first.is_some_and(|visit| recurrence::at_the_same_time(&self.grid, &self.counts, visit))
    }

    /// Requests of each UTC day of the grid.
    pub(super) fn days(&self) -> Vec<f64> {
        let mut days = vec![0.0; self.grid.days()];
        for (index, requests) in self.counts.iter().enumerate() {
            days[self.grid.day(index)] += requests;
        }
        days
    }

    /// Number of UTC days with requests.
    pub(super) fn active_days(&self) -> usize {
        self.days().into_iter().filter(|requests| *requests > 0.0).count()
    }

    /// All requests.
    pub(super) fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The requests in a time range.
    pub(super) fn within(&self, period: (i64, i64)) -> f64 {
        self.counts[self.buckets(period)].iter().sum()
    }

    /// Whether the first request was before this second, to the bucket.
    pub(super) fn began_before(&self, second: i64) -> bool {
        self.whole().is_some_and(|(first, _)| first + self.grid.bucket <= second)
    }

    /// Number of UTC days with requests outside of `window`.
    pub(super) fn other_active_days(&self, window: (i64, i64)) -> usize {
        self.other_days(window).into_iter().filter(|requests| *requests > 0.0).count()
    }

    /// The median requests of the days outside of `window`; days without requests count.
    pub(super) fn usual_day(&self, window: (i64, i64)) -> f64 {
        median(&mut self.other_days(window))
    }

    /// The requests of each UTC day that has no part of `window`.
    fn other_days(&self, window: (i64, i64)) -> Vec<f64> {
        let first_day = self.grid.start.div_euclid(SECONDS_PER_DAY);
        let is_within = |day: usize| {
            let start = (first_day + day as i64) * SECONDS_PER_DAY;
            start < window.1 && start + SECONDS_PER_DAY > window.0
        };
        (self.days().into_iter().enumerate())
            .filter(|(day, _)| !is_within(*day))
            .map(|(_, requests)| requests)
            .collect()
    }
}

/// The width of buckets that suits a period of this length.
fn bucket_for(seconds: i64) -> u32 {
    BUCKETS.into_iter().find(|bucket| seconds / i64::from(*bucket) <= MAX_BUCKETS).unwrap_or(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(line: &[f64]) -> History {
        History { grid: Rc::new(Grid::new(0, 3_600, &vec![9; line.len()])), counts: line.to_vec() }
    }

    #[test]
    fn two_nights_are_one_window() {
        let mut line = vec![0.0; 720];
        line[50..57].fill(400.0);
        line[74..81].fill(300.0);
        line[500] = 40.0;
        assert_eq!(history(&line).windows(), [(50 * 3_600, 81 * 3_600), (500 * 3_600, 501 * 3_600)]);
    }

    #[test]
    fn the_ordinary_visit_of_the_day_before_was_part_of_an_incident() {
        // A visit of an hour a day is less than the busy times of most clients.
        let mut line: Vec<f64> = (0..720).map(|hour| if hour % 24 == 8 { 25.0 } else { 0.0 }).collect();
        line[241..243].fill(800.0);
        line[243] = 15.0;
        assert_eq!(history(&line).windows()[0], (241 * 3_600, 244 * 3_600));
    }

    #[test]
    fn the_first_minutes_of_an_incident_were_outside_of_its_window() {
        let mut line: Vec<f64> = (0..720).map(|hour| f64::from(hour % 5)).collect();
        line[99] = 30.0;
        line[100..103].fill(900.0);
        line[103] = 11.0;
        line[104] = 11.0;
        assert_eq!(history(&line).windows(), [(99 * 3_600, 104 * 3_600)]);
    }

    #[test]
    fn the_only_hour_of_a_client_is_a_window() {
        let mut line = vec![0.0; 720];
        line[0] = 1_000.0;
        assert_eq!(history(&line).windows(), [(0, 3_600)]);
        assert_eq!(history(&[1_000.0; 30]).whole(), Some((0, 30 * 3_600)));
    }

    #[test]
    fn office_hours_are_no_windows() {
        let line: Vec<f64> =
            (0..720).map(|hour| if (8..18).contains(&(hour % 24)) { 200.0 } else { 0.0 }).collect();
        let history = history(&line);
        assert_eq!(history.windows(), []);
        assert_eq!(history.active_days(), 30);
        assert_eq!(history.usual_day((0, 86_400)), 2_000.0);
    }

    #[test]
    fn a_program_that_comes_every_week_comes_again_and_one_that_came_once_does_not() {
        let mut line = vec![0.0; 720];
        for week in 0..4 {
            line[76 + week * 168..79 + week * 168].fill(150.0 + week as f64);
        }
        assert!(history(&line).first_visit_comes_again());
        line[100..].fill(0.0);
        assert!(!history(&line).first_visit_comes_again());
    }
}
