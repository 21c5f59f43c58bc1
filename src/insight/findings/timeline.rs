//! The whole log over time. What findings explain can be taken out of it.
//!
//! The past of a part of the log is its [`History`](super::history::History), on the same grid.

use std::rc::Rc;

use super::baseline::Grid;
use crate::insight::survey::Survey;
use crate::query::{Filter, QueryError, Series, Stats};

/// Width of the narrow buckets, in seconds.
const NARROW: u32 = 300;
/// Width of the wide buckets, in seconds.
const HOUR: u32 = 3600;
/// Longest log with narrow buckets, in seconds.
const MAX_NARROW_SECONDS: i64 = 400 * 86_400;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Requests,
    Errors,
}

impl Counted {
    pub(super) const ALL: [Counted; 2] = [Counted::Requests, Counted::Errors];

    pub(super) fn of(self, stats: &Stats) -> u64 {
        match self {
            Counted::Requests => stats.requests,
            Counted::Errors => stats.errors,
        }
    }
}

/// The stats of all buckets.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub grid: Rc<Grid>,
    /// One for each bucket.
    pub stats: Vec<Stats>,
}

impl Timeline {
    /// All requests before the end of the scope, in narrow and in wide buckets. `None` without requests.
    pub(super) fn whole(history: &Survey<'_>) -> Result<Option<(Timeline, Timeline)>, QueryError> {
        let Some(mut wide) = Timeline::new(history.series_of_all(HOUR)?.as_ref()) else { return Ok(None) };
        if wide.stats.len() as i64 * i64::from(HOUR) > MAX_NARROW_SECONDS {
            return Ok(Some((wide.clone(), wide)));
        }
        let Some(mut narrow) = Timeline::new(history.series_of_all(NARROW)?.as_ref()) else {
            return Ok(None);
        };
        let requests: Vec<u64> = narrow.stats.iter().map(|stats| stats.requests).collect();
        for gap in narrow.grid.narrow_gaps(&requests) {
            Rc::make_mut(&mut wide.grid).exclude(gap);
        }
        // Few requests per narrow bucket do not show a gap.
        let grid = Rc::make_mut(&mut narrow.grid);
        for index in 0..grid.len() {
            let is_incomplete =
                |hour: usize| hour > 0 && hour + 1 < wide.grid.len() && !wide.grid.usable[hour];
            if is_incomplete(wide.grid.index(grid.time(index))) {
                grid.usable[index] = false;
            }
        }
        Ok(Some((narrow, wide)))
    }

    fn new(series: &Series) -> Option<Timeline> {
        let stats = series.lines.first().filter(|line| !line.is_empty())?.clone();
        Some(Timeline { grid: Rc::new(Grid::of(series)), stats })
    }

    /// Takes the requests of a filter out.
    pub(super) fn subtract(&mut self, history: &Survey<'_>, filter: &Filter) -> Result<(), QueryError> {
        let series = history.series(filter, self.grid.bucket as u32)?;
        for (index, part) in series.lines.first().into_iter().flatten().enumerate() {
            let at = self.grid.index(series.start + index as i64 * self.grid.bucket);
            if let Some(stats) = self.stats.get_mut(at) {
                stats.requests = stats.requests.saturating_sub(part.requests);
                stats.bytes_sent = stats.bytes_sent.saturating_sub(part.bytes_sent);
                stats.errors = stats.errors.saturating_sub(part.errors);
            }
        }
        Ok(())
    }

    /// The numbers to compare with a baseline.
    pub(super) fn values(&self, counted: Counted) -> Vec<f64> {
        self.stats.iter().map(|stats| counted.of(stats) as f64).collect()
    }
}
