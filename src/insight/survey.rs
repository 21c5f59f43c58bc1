//! Queries about one scope, with as little ceremony as possible.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::log::Field;
use crate::query::{
    Activity, Answer, Ask, Counting, Dimension, Engine, Filter, Groups, Measure, PairRow, Profile, Query,
    QueryError, Requests, Series, Sort, Stats, TimeRange, Value,
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
    /// The totals that were asked for: each step compares the same findings again.
    known_totals: Mutex<HashMap<Filter, Stats>>,
    /// The series of all requests, by the width of their buckets.
    known_series: Mutex<HashMap<u32, Arc<Series>>>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(
        engine: &'a dyn Engine,
        scope: &'a Scope,
        cancel: &'a CancellationToken,
    ) -> Result<Survey<'a>, QueryError> {
        let survey = Survey {
            engine,
            scope,
            cancel,
            time: scope.time,
            whole: Stats::default(),
            known_totals: Mutex::default(),
            known_series: Mutex::default(),
        };
        let whole = survey.totals(&Filter::everything())?;
        Ok(Survey { whole, ..survey })
    }

    /// The same, but with the requests before the start of the scope: what was usual so far.
    pub(crate) fn with_history(&self) -> Survey<'a> {
        let time = TimeRange { start: None, ..self.time };
        let is_same = time == self.time;
        let known_series = if is_same { self.known_series.lock().clone() } else { HashMap::default() };
        let known_series = Mutex::new(known_series);
        Survey { time, known_totals: Mutex::default(), known_series, ..*self }
    }

    /// The same, but with every record: also the keys of multi-deletes, whatever [`Scope::counting`] is.
    pub(crate) fn as_logged<'s>(&'s self, scope: &'s Scope) -> Survey<'s> {
        Survey { scope, known_totals: Mutex::default(), known_series: Mutex::default(), ..*self }
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
        if let Some(stats) = self.known_totals.lock().get(filter) {
            return Ok(*stats);
        }
        let Answer::Totals(totals) = self.ask(filter, Ask::Totals)? else { return Err(unexpected()) };
        self.known_totals.lock().insert(filter.clone(), totals.stats);
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

    /// The series of the requests that `filter` selects, in buckets of `bucket` seconds.
    pub(crate) fn series(&self, filter: &Filter, bucket: u32) -> Result<Series, QueryError> {
        match self.ask(filter, Ask::Series { bucket, each: None })? {
            Answer::Series(series) => Ok(series),
            _ => Err(unexpected()),
        }
    }

    /// The series of all requests, in buckets of `bucket` seconds. It is asked for once.
    pub(crate) fn series_of_all(&self, bucket: u32) -> Result<Arc<Series>, QueryError> {
        let known = self.known_series.lock().get(&bucket).cloned();
        if let Some(series) = known {
            return Ok(series);
        }
        let series = Arc::new(self.series(&Filter::everything(), bucket)?);
        self.known_series.lock().insert(bucket, Arc::clone(&series));
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
        Ok(self.engine.ask(&query, self.cancel, &mut |_, _| {})?.answer)
    }
}

fn unexpected() -> QueryError {
    QueryError::Invalid("the engine returned an answer of another kind".to_owned())
}
