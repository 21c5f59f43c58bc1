//! When a client was active: its series, the windows in which it was unusually active, and whether it comes back.

use crate::insight::survey::Survey;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Activity, Dimension, Filter, QueryError, Value};

/// A series has at most about this many buckets.
const MAX_BUCKETS: i64 = 2_000;
/// Widths of buckets, in seconds.
const BUCKETS: [u32; 6] = [60, 300, 900, 3_600, 21_600, 86_400];
/// Active buckets with at most this much time between them belong to one window: a night between two nights.
const MAX_GAP_SECONDS: i64 = 20 * 3_600;
/// A bucket of a window has at least this many requests.
const MIN_REQUESTS_PER_BUCKET: u64 = 10;
/// A bucket of a window has this many times the requests of the busy buckets of the client.
const TIMES_BUSY: u64 = 3;
/// The busy buckets: this part of the buckets, out of 100, has fewer requests.
const BUSY_PERCENTILE: usize = 95;

/// The requests of one client over time.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Width of a bucket in seconds.
    bucket: u32,
    /// Start of the first bucket.
    start: i64,
    /// The buckets, from the first to the last request of all clients that were asked about together.
    line: Vec<u64>,
    /// Number of buckets of the whole log: in those that `line` does not have, none of the clients was active.
    log_buckets: usize,
}

/// The width of buckets that suits a period of this length.
pub(super) fn bucket_for(seconds: i64) -> u32 {
    BUCKETS.into_iter().find(|bucket| seconds / i64::from(*bucket) <= MAX_BUCKETS).unwrap_or(86_400)
}

impl History {
    /// The histories of several values of a dimension, in their order.
    pub(super) fn of(
        survey: &Survey<'_>,
        filter: &Filter,
        dimension: &Dimension,
        values: Vec<Value>,
    ) -> Result<Vec<History>, QueryError> {
        let mut all = History::of_all(survey, filter, vec![(dimension.clone(), values)])?;
        Ok(all.pop().unwrap_or_default())
    }

    /// The histories of several values of each dimension, in their order.
    pub(super) fn of_all(
        survey: &Survey<'_>,
        filter: &Filter,
        of: Vec<(Dimension, Vec<Value>)>,
    ) -> Result<Vec<Vec<History>>, QueryError> {
        if of.iter().all(|(_, values)| values.is_empty()) {
            return Ok(vec![Vec::new(); of.len()]);
        }
        let bucket = bucket_for(survey.seconds());
        let log_buckets = (survey.seconds() / i64::from(bucket)) as usize + 1;
        let histories = |Activity { start, lines, .. }: Activity| {
            lines.into_iter().map(|line| History { bucket, start, line, log_buckets }).collect()
        };
        Ok(survey.activity(filter, bucket, of)?.into_iter().map(histories).collect())
    }

    /// First second, and first second after the last request, to the bucket; `None` without requests.
    pub(super) fn whole(&self) -> Option<(i64, i64)> {
        let first = self.line.iter().position(|requests| *requests > 0)?;
        let last = self.line.iter().rposition(|requests| *requests > 0)?;
        Some((self.time(first), self.time(last + 1)))
    }

    fn time(&self, index: usize) -> i64 {
        self.start.saturating_add(i64::from(self.bucket).saturating_mul(index as i64))
    }

    /// The windows in which the client was far busier than in its busy times otherwise, the largest first.
    pub(super) fn windows(&self) -> Vec<(i64, i64)> {
        let mut counts = self.line.clone();
        if counts.is_empty() {
            return Vec::new();
        }
        counts.resize(self.log_buckets.max(counts.len()), 0);
        let at = (counts.len() - 1) * BUSY_PERCENTILE / 100;
        let busy = *counts.select_nth_unstable(at).1;
        let least = (busy * TIMES_BUSY).max(MIN_REQUESTS_PER_BUCKET);
        let max_gap = (MAX_GAP_SECONDS / i64::from(self.bucket)).max(1) as usize;
        let mut windows: Vec<(usize, usize, u64)> = Vec::new();
        for (index, requests) in
            self.line.iter().copied().enumerate().filter(|(_, requests)| *requests >= least)
        {
            match windows.last_mut() {
                Some((_, last, sum)) if index - *last <= max_gap => {
                    *last = index;
                    *sum += requests;
                }
                _ => windows.push((index, index, requests)),
            }
        }
        windows.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
        windows.into_iter().map(|(first, last, _)| (self.time(first), self.time(last + 1))).collect()
    }

    /// Requests per UTC day, from the first to the last bucket.
    pub(super) fn days(&self) -> Vec<(i64, u64)> {
        let mut days: Vec<(i64, u64)> = Vec::new();
        for (index, requests) in self.line.iter().enumerate() {
            let day = self.time(index).div_euclid(SECONDS_PER_DAY);
            match days.last_mut() {
                Some((last, sum)) if *last == day => *sum += requests,
                _ => days.push((day, *requests)),
            }
        }
        days
    }

    /// Whether the client does in other days or weeks what it did in `period`: on at least three other days with this share
    /// of its requests, or at the same time of two other weeks.
    pub(super) fn comes_again(&self, period: (i64, i64)) -> bool {
        const MIN_DAYS: usize = 3;
        const SHARE: f64 = 0.3;
        /// In a longer period, the days of the period themselves show whether the client comes back.
        const LONG_SECONDS: i64 = 7 * SECONDS_PER_DAY;
        let other_days = || match period.1 - period.0 > LONG_SECONDS {
            true => self.alike_days(SHARE).saturating_sub(1),
            false => self.similar_days(period, SHARE),
        };
        self.is_weekly(period, SHARE) || other_days() >= MIN_DAYS
    }

    /// Number of UTC days with requests.
    pub(super) fn active_days(&self) -> usize {
        self.days().iter().filter(|(_, requests)| *requests > 0).count()
    }

    /// Number of days outside of `window` on which the client sent at least `share` of the requests of its busiest
    /// day within the window.
    fn similar_days(&self, window: (i64, i64), share: f64) -> usize {
        let days = self.days();
        let within = |day: i64| day * SECONDS_PER_DAY < window.1 && (day + 1) * SECONDS_PER_DAY > window.0;
        let busiest = days.iter().filter(|(day, _)| within(*day)).map(|(_, requests)| *requests).max();
        let least = busiest.unwrap_or(0) as f64 * share;
        days.iter()
            .filter(|(day, requests)| !within(*day) && *requests > 0 && *requests as f64 >= least)
            .count()
    }

    /// Whether the client also sent at least `share` of the requests of `window`, a short one, at the same time of the
    /// week in two other weeks.
    pub(super) fn is_weekly(&self, window: (i64, i64), share: f64) -> bool {
        const WEEK: i64 = 7 * SECONDS_PER_DAY;
        const MIN_WEEKS: usize = 2;
        /// Jobs start a little earlier or later.
        const SHIFT: i64 = 3_600;
        let sum = |from: i64, to: i64| -> u64 {
            let is_within = |at: usize| self.time(at + 1) > from && self.time(at) < to;
            self.line.iter().enumerate().filter(|(at, _)| is_within(*at)).map(|(_, requests)| requests).sum()
        };
        if window.1 - window.0 > SECONDS_PER_DAY {
            return false;
        }
        let least = (sum(window.0, window.1) as f64 * share).max(1.0);
        let (Some(first), Some(last)) =
            (self.whole().map(|whole| whole.0), self.whole().map(|whole| whole.1))
        else {
            return false;
        };
        let weeks = ((first - window.1) / WEEK - 1)..=((last - window.0) / WEEK + 1);
        let is_alike = |week: &i64| {
            *week != 0 && sum(window.0 + week * WEEK - SHIFT, window.1 + week * WEEK + SHIFT) as f64 >= least
        };
        weeks.filter(is_alike).count() >= MIN_WEEKS
    }

    /// Number of days on which the client sent at least `share` of the requests of its busiest day.
    fn alike_days(&self, share: f64) -> usize {
        let days = self.days();
        let busiest = days.iter().map(|(_, requests)| *requests).max().unwrap_or(0);
        let least = busiest as f64 * share;
        days.iter().filter(|(_, requests)| *requests > 0 && *requests as f64 >= least).count()
    }

    /// The median requests of the days outside of `window`; days without requests count.
    pub(super) fn usual_day(&self, window: (i64, i64)) -> f64 {
        let is_within = |day: i64| day * SECONDS_PER_DAY < window.1 && (day + 1) * SECONDS_PER_DAY > window.0;
        let mut others: Vec<u64> = self
            .days()
            .into_iter()
            .filter(|(day, _)| !is_within(*day))
            .map(|(_, requests)| requests)
            .collect();
        if others.is_empty() {
            return 0.0;
        }
        let middle = others.len() / 2;
        *others.select_nth_unstable(middle).1 as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(line: &[u64]) -> History {
        History { bucket: 3_600, start: 0, line: line.to_vec(), log_buckets: 720 }
    }

    #[test]
    fn two_nights_are_one_window() {
        let mut line = vec![0; 720];
        line[50..57].fill(400);
        line[74..81].fill(300);
        line[500] = 40;
        assert_eq!(history(&line).windows(), [(50 * 3_600, 81 * 3_600), (500 * 3_600, 501 * 3_600)]);
    }

    #[test]
    fn the_only_hour_of_a_client_is_a_window() {
        let history = history(&[1_000]);
        assert_eq!(history.windows(), [(0, 3_600)]);
    }

    #[test]
    fn a_scan_every_week_is_weekly_and_one_scan_is_not() {
        let mut line = vec![0; 720];
        for week in 0..4 {
            line[76 + week * 168] = 150 + week as u64;
        }
        line[300] = 150;
        let history = history(&line);
        assert!(history.is_weekly((76 * 3_600, 77 * 3_600), 0.3));
        assert!(!history.is_weekly((300 * 3_600, 301 * 3_600), 0.3));
    }

    #[test]
    fn office_hours_are_no_windows() {
        let line: Vec<u64> =
            (0..720).map(|hour| if (8..18).contains(&(hour % 24)) { 200 } else { 0 }).collect();
        let history = history(&line);
        assert_eq!(history.windows(), []);
        assert_eq!(history.active_days(), 30);
        assert_eq!(history.similar_days((0, 86_400), 0.5), 29);
    }
}
