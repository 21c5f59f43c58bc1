//! Analyses that need several queries: [`findings`] names what is suspicious, [`mod@contrast`] what tells two sets of
//! requests apart, [`mod@concentration`] how uneven a distribution is;
//! [`mod@block`] writes block lists, [`emptiness`] says why a filter passes no request, [`host_names`] which
//! addresses to look up. `bursts` finds bursts in one series.
//!
//! An analysis is a function over the answers of any [`Engine`](crate::query::Engine); it depends on the requests
//! alone, so equal data gives equal results.
//!
//! Never here: widgets, network I/O, knowledge of how data is stored.

pub mod block;
pub(crate) mod bursts;
pub mod concentration;
pub mod contrast;
pub mod emptiness;
pub mod findings;
pub mod host_names;
mod survey;

use crate::query::{Counting, Filter, Query, TimeRange};

/// The requests that an analysis is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// URIs of the sources; empty: all sources in the cache.
    pub sources: Vec<String>,
    /// The time range of the requests.
    pub time: TimeRange,
    /// The condition on the requests.
    pub filter: Filter,
    /// Which records count as requests.
    pub counting: Counting,
}

impl Scope {
    /// The scope of a query.
    pub fn of(query: &Query) -> Scope {
        Scope {
            sources: query.sources.clone(),
            time: query.time,
            filter: query.filter.clone(),
            counting: query.counting,
        }
    }
}
