//! Series of a scope on a common grid of buckets.

use super::baseline::Grid;
use crate::insight::survey::Survey;
use crate::query::{Activity, Dimension, Filter, QueryError, Series, Stats, Value};

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

/// The stats of all buckets of a series.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub grid: Grid,
    /// One for each bucket.
    pub stats: Vec<Stats>,
}

impl Timeline {
    /// All requests before the end of the scope, in narrow and in wide buckets. `None` without requests.
    pub(super) fn whole(history: &Survey<'_>) -> Result<Option<(Timeline, Timeline)>, QueryError> {
        let everything = Filter::everything();
        let Some(wide) = Timeline::new(history.series(&everything, HOUR)?) else { return Ok(None) };
        if wide.stats.len() as i64 * i64::from(HOUR) > MAX_NARROW_SECONDS {
            return Ok(Some((wide.clone(), wide)));
        }
        let Some(mut narrow) = Timeline::new(history.series(&everything, NARROW)?) else {
            return Ok(None);
        };
        // Few requests per narrow bucket do not show a gap.
        for index in 0..narrow.grid.len() {
            let is_incomplete =
                |hour: usize| hour > 0 && hour + 1 < wide.grid.len() && !wide.grid.usable[hour];
            if is_incomplete(wide.grid.index(narrow.grid.time(index))) {
                narrow.grid.usable[index] = false;
            }
        }
        Ok(Some((narrow, wide)))
    }

    fn new(series: Series) -> Option<Timeline> {
        let stats = series.lines.into_iter().next().filter(|line| !line.is_empty())?;
        let requests: Vec<u64> = stats.iter().map(|stats| stats.requests).collect();
        Some(Timeline { grid: Grid::new(series.start, series.bucket, &requests), stats })
    }

    /// The requests of a filter, on the buckets of `grid`.
    pub(super) fn of(history: &Survey<'_>, filter: &Filter, grid: &Grid) -> Result<Timeline, QueryError> {
        let series = history.series(filter, grid.bucket as u32)?;
        let mut stats = vec![Stats::default(); grid.len()];
        for (index, part) in series.lines.first().into_iter().flatten().enumerate() {
            if let Some(stats) = stats.get_mut(grid.index(series.start + index as i64 * grid.bucket)) {
                *stats = *part;
            }
        }
        Ok(Timeline { grid: grid.clone(), stats })
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

/// The numbers of requests of each of some values of each dimension, on the buckets of `grid`.
pub(super) fn requests_of_each(
    survey: &Survey<'_>,
    filter: &Filter,
    of: Vec<(Dimension, Vec<Value>)>,
    grid: &Grid,
) -> Result<Vec<Vec<Vec<f64>>>, QueryError> {
    if of.iter().all(|(_, values)| values.is_empty()) {
        return Ok(vec![Vec::new(); of.len()]);
    }
    let on_grid = |Activity { start, lines, .. }: Activity| {
        let line_on_grid = |line: Vec<u64>| {
            let mut requests = vec![0.0; grid.len()];
            for (index, count) in line.into_iter().enumerate() {
                if let Some(number) = requests.get_mut(grid.index(start + index as i64 * grid.bucket)) {
                    *number += count as f64;
                }
            }
            requests
        };
        lines.into_iter().map(line_on_grid).collect()
    };
    Ok(survey.activity(filter, grid.bucket as u32, of)?.into_iter().map(on_grid).collect())
}
