//! The sites that the bucket belongs to: their pages show its objects as a rule, so their visitors are no news.

use super::history::History;
use super::timeline::Counted;
use crate::insight::survey::Survey;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, QueryError, Value};

/// A site is there at first if it sent requests in the first day of the log.
const AT_FIRST_SECONDS: i64 = SECONDS_PER_DAY;
/// Share of a day's requests with a referer that is a large part of them. An own site has it on most days.
const LARGE_PART: f64 = 0.1;

/// All requests with a referer, of each day of the log.
pub(super) struct Referred {
    days: Vec<f64>,
}

impl Referred {
    /// On the days of the grid of `like`.
    pub(super) fn of(survey: &Survey<'_>, like: &History) -> Result<Referred, QueryError> {
        let present = Filter::term_for(&Dimension::RefererHost, &Value::Absent).negated();
        let days = History::of_filter(survey, &present, &like.grid, Counted::Requests)?.days();
        Ok(Referred { days })
    }

    /// Whether a site with this history was there at first and had a large part of the requests on most days.
    pub(super) fn is_own(&self, site: &History) -> bool {
        let was_there = site.whole().is_some_and(|(first, _)| first - site.grid.start < AT_FIRST_SECONDS);
        let days = site.days().into_iter().zip(&self.days).filter(|(_, all)| **all > 0.0);
        let (mut large, mut all_days) = (0, 0);
        for (of_site, all) in days {
            all_days += 1;
            large += usize::from(of_site >= LARGE_PART * all);
        }
        was_there && large * 2 > all_days
    }
}

/// Whether a host of referers is an own site of the bucket.
pub(super) fn is_own(survey: &Survey<'_>, host: &Value) -> Result<bool, QueryError> {
    let histories = History::of(survey, &Filter::everything(), &Dimension::RefererHost, vec![host.clone()])?;
    match histories.first() {
        Some(history) => Ok(Referred::of(survey, history)?.is_own(history)),
        None => Ok(false),
    }
}
