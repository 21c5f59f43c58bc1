//! Queries about one scope, with as little ceremony as possible.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{
    Activity, Answer, Ask, Counting, Dimension, Engine, Filter, Groups, Measure, PairRow, Profile, Query,
    QueryError, Requests, Series, Sort, Stats, TimeRange, Value, origin,
};

/// Asks an engine about the requests of a scope. Each filter narrows the scope. Several threads can ask at the same time.
pub(crate) struct Survey<'a> {
    engine: &'a dyn Engine,
    scope: &'a Scope,
    cancel: &'a CancellationToken,
    /// The time range of the scope, or more.
    time: TimeRange,
    /// The stats of the whole scope.
    pub whole: Stats,
    /// Shared with surveys of the same requests.
    known: Arc<Known>,
}

/// Answers that several steps need.
#[derive(Default)]
struct Known {
    /// The totals that were asked for: each step compares the same findings again.
    totals: Mutex<HashMap<Filter, Stats>>,
    /// The series of all requests, by the width of their buckets.
    series: Mutex<HashMap<u32, Arc<Series>>>,
}

/// Width of the buckets of the series of all requests that the others are made of, in seconds.
const FINE: u32 = 300;
/// Longest scope that is asked for in such buckets, in seconds.
const MAX_FINE_SECONDS: i64 = 400 * SECONDS_PER_DAY;

impl<'a> Survey<'a> {
    /// `grouped`: the dimensions by which the requests will be grouped. One scan does it for all of them, and the engine
    /// keeps the groups.
    pub(crate) fn new(
        engine: &'a dyn Engine,
        scope: &'a Scope,
        cancel: &'a CancellationToken,
        grouped: &[Dimension],
    ) -> Result<Survey<'a>, QueryError> {
        let survey = Survey {
            engine,
            scope,
            cancel,
            time: scope.time,
            whole: Stats::default(),
            known: Arc::default(),
        };
        let groups = survey.groups_of_each(&Filter::everything(), grouped, 1)?;
        // The groups of any dimension have the totals.
        let whole = match groups.first() {
            Some(groups) => groups.totals,
            None => survey.totals(&Filter::everything())?,
        };
        Ok(Survey { whole, ..survey })
    }

    /// The same, but with the requests before the start of the scope: what was usual so far.
    pub(crate) fn with_history(&self) -> Survey<'a> {
        let time = TimeRange { start: None, ..self.time };
        let known = if time == self.time { Arc::clone(&self.known) } else { Arc::default() };
        Survey { time, known, ..*self }
    }

    /// The same, but with every record: also the keys of multi-deletes, whatever [`Scope::counting`] is.
    pub(crate) fn as_logged<'s>(&'s self, scope: &'s Scope) -> Survey<'s> {
        let known = if self.counts_every_record() { Arc::clone(&self.known) } else { Arc::default() };
        Survey { scope, known, ..*self }
    }

    /// Whether every record counts as a request.
    pub(crate) fn counts_every_record(&self) -> bool {
        self.scope.counting == Counting::AsLogged
    }

    /// The scope with every record.
    pub(crate) fn scope_as_logged(&self) -> Scope {
        Scope { counting: Counting::AsLogged, ..self.scope.clone() }
    }

    /// The filter that selects the same requests as `filter` does within the scope.
    pub(crate) fn within_scope(&self, filter: &Filter) -> Filter {
        self.scope.filter.clone().and(filter.clone())
    }

    /// First second, and first second after the last request of the scope.
    pub(crate) fn period(&self) -> (i64, i64) {
        (self.whole.first_seen, self.whole.last_seen.saturating_add(1))
    }

    /// Length of the scope in seconds, from the first to the last request.
    pub(crate) fn seconds(&self) -> i64 {
        let (start, end) = self.period();
        if self.whole.requests == 0 { 0 } else { end.saturating_sub(start) }
    }

    /// The stats of the requests that `filter` selects.
    pub(crate) fn totals(&self, filter: &Filter) -> Result<Stats, QueryError> {
        if let Some(stats) = self.known.totals.lock().get(filter) {
            return Ok(*stats);
        }
        let Answer::Totals(totals) = self.ask(filter, Ask::Totals)? else { return Err(unexpected()) };
        self.known.totals.lock().insert(filter.clone(), totals.stats);
        Ok(totals.stats)
    }

    /// The estimated cost in US dollars of the requests that `filter` selects.
    pub(crate) fn cost(&self, filter: &Filter) -> Result<f64, QueryError> {
        match self.ask(filter, Ask::Cost)? {
            Answer::Cost(cost) => Ok(cost.dollars),
            _ => Err(unexpected()),
        }
    }

    /// The first `limit` groups (0: all), the largest by `sort` first.
    pub(crate) fn groups(
        &self,
        filter: &Filter,
        by: &Dimension,
        more: &[Measure],
        sort: Measure,
        limit: usize,
    ) -> Result<Groups, QueryError> {
        let sort = Sort { by: sort, descending: true };
        let ask = Ask::Groups { by: by.clone(), more: more.to_vec(), sort, limit };
        match self.ask(filter, ask)? {
            Answer::Groups(groups) => Ok(groups),
            _ => Err(unexpected()),
        }
    }

    /// The first `limit` groups (0: all) of each dimension, the largest by requests first. One scan for all.
    pub(crate) fn groups_of_each(
        &self,
        filter: &Filter,
        by: &[Dimension],
        limit: usize,
    ) -> Result<Vec<Groups>, QueryError> {
        let sort = Sort { by: Measure::Requests, descending: true };
        match self.ask(filter, Ask::GroupsOfEach { by: by.to_vec(), sort, limit })? {
            Answer::GroupsOfEach(groups) => Ok(groups),
            _ => Err(unexpected()),
        }
    }

    /// The series of the requests that `filter` selects, in buckets of `bucket` seconds.
    pub(crate) fn series(&self, filter: &Filter, bucket: u32) -> Result<Series, QueryError> {
        match self.ask(filter, Ask::Series { bucket, each: None })? {
            Answer::Series(series) => Ok(series),
            _ => Err(unexpected()),
        }
    }

    /// The series of all requests, in buckets of `bucket` seconds. One query answers for all widths.
    pub(crate) fn series_of_all(&self, bucket: u32) -> Result<Arc<Series>, QueryError> {
        // Locked all the time: what two threads need at once is asked for once.
        let mut known = self.known.series.lock();
        if let Some(series) = known.get(&bucket) {
            return Ok(Arc::clone(series));
        }
        // With the history, the length is unknown.
        let is_short = self.time == self.scope.time && self.seconds() <= MAX_FINE_SECONDS;
        let width = if is_short && bucket.is_multiple_of(FINE) { FINE } else { bucket };
        let fine = match known.get(&width) {
            Some(series) => Arc::clone(series),
            None => Arc::new(self.series(&Filter::everything(), width)?),
        };
        let series = if width == bucket { Arc::clone(&fine) } else { Arc::new(widened(&fine, bucket)) };
        known.insert(width, fine);
        known.insert(bucket, Arc::clone(&series));
        Ok(series)
    }

    /// The numbers of requests of some values of several dimensions, in buckets of `bucket` seconds. One scan for all.
    pub(crate) fn activity(
        &self,
        filter: &Filter,
        bucket: u32,
        of: Vec<(Dimension, Vec<Value>)>,
    ) -> Result<Vec<Activity>, QueryError> {
        match self.ask(filter, Ask::Activity { bucket, of })? {
            Answer::Activity(activity) => Ok(activity),
            _ => Err(unexpected()),
        }
    }

    /// The combinations of two dimensions with the most requests.
    pub(crate) fn pairs(
        &self,
        filter: &Filter,
        by: [Dimension; 2],
        limit: usize,
    ) -> Result<Vec<PairRow>, QueryError> {
        let sort = Sort { by: Measure::Requests, descending: true };
        match self.ask(filter, Ask::Pairs { by, sort, limit })? {
            Answer::Pairs(pairs) => Ok(pairs.rows),
            _ => Err(unexpected()),
        }
    }

    /// What some values of a dimension did, each in a time range.
    pub(crate) fn profiles(
        &self,
        filter: &Filter,
        by: &Dimension,
        of: Vec<(Value, TimeRange)>,
    ) -> Result<Vec<Profile>, QueryError> {
        let of = of.into_iter().map(|(value, time)| (by.clone(), value, time)).collect();
        self.profiles_of_all(filter, of)
    }

    /// What some values of several dimensions did, each in a time range. One scan for all of them.
    pub(crate) fn profiles_of_all(
        &self,
        filter: &Filter,
        of: Vec<(Dimension, Value, TimeRange)>,
    ) -> Result<Vec<Profile>, QueryError> {
        match self.ask(filter, Ask::Profiles { of })? {
            Answer::Profiles(profiles) => Ok(profiles),
            _ => Err(unexpected()),
        }
    }

    /// The first `limit` requests in the order of time, with these fields.
    pub(crate) fn requests(
        &self,
        filter: &Filter,
        fields: &[Field],
        limit: usize,
    ) -> Result<Requests, QueryError> {
        let sort = Sort { by: Field::Time, descending: false };
        let ask = Ask::Requests { sort, offset: 0, limit, fields: fields.to_vec() };
        match self.ask(filter, ask)? {
            Answer::Requests(requests) => Ok(requests),
            _ => Err(unexpected()),
        }
    }

    fn ask(&self, filter: &Filter, ask: Ask) -> Result<Answer, QueryError> {
        let query = Query {
            sources: self.scope.sources.clone(),
            time: self.time,
            filter: self.within_scope(filter),
            counting: self.scope.counting,
            ask,
        };
        Ok(self.engine.ask_once(&query, self.cancel)?.answer)
    }
}

/// The same series in buckets of `bucket` seconds, a multiple of its own.
fn widened(series: &Series, bucket: u32) -> Series {
    let width = i64::from(bucket);
    let start_of = |second: i64| (second - origin(bucket)).div_euclid(width) * width + origin(bucket);
    let start = start_of(series.start);
    let widened = |line: &Vec<Stats>| {
        let mut wide: Vec<Stats> = Vec::new();
        for (index, stats) in line.iter().enumerate() {
            let second = series.start + index as i64 * i64::from(series.bucket);
            let at = ((start_of(second) - start) / width) as usize;
            wide.resize(wide.len().max(at + 1), Stats::default());
            wide[at] = wide[at].merged(*stats);
        }
        wide
    };
    let start = if series.lines.iter().all(Vec::is_empty) { 0 } else { start };
    Series { bucket, start, lines: series.lines.iter().map(widened).collect() }
}

fn unexpected() -> QueryError {
    QueryError::Invalid("the engine returned an answer of another kind".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_buckets_have_the_requests_of_the_narrow_ones() {
        let stats =
            |second: i64| Stats { requests: 1, first_seen: second, last_seen: second, ..Stats::default() };
        // 23:50 of a day to 01:00 of the next.
        let start = 20_000 * SECONDS_PER_DAY - 600;
        let line: Vec<Stats> = (0..14).map(|index| stats(start + index * 300)).collect();
        let narrow = Series { bucket: 300, start, lines: vec![line] };
        let hours = widened(&narrow, 3_600);
        assert_eq!(hours.start, 20_000 * SECONDS_PER_DAY - 3_600);
        let requests: Vec<u64> = hours.lines[0].iter().map(|stats| stats.requests).collect();
        assert_eq!(requests, [2, 12]);
        assert_eq!(hours.lines[0][1].first_seen, 20_000 * SECONDS_PER_DAY);
        let days = widened(&narrow, SECONDS_PER_DAY as u32);
        assert_eq!((days.start, days.lines[0].len()), (19_999 * SECONDS_PER_DAY, 2));
        let empty = Series { bucket: 300, start: 0, lines: vec![Vec::new()] };
        assert_eq!(widened(&empty, 3_600), Series { bucket: 3_600, start: 0, lines: vec![Vec::new()] });
    }
}
