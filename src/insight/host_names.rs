//! Whose names are worth a lookup: the addresses with the most requests.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::log::{Field, address};
use crate::query::{Answer, Ask, Dimension, Engine, Filter, Measure, Query, QueryError, Sort, Value};

/// Maximum number of addresses whose names are looked up for one table or filter.
pub const MAX_LOOKUPS: usize = 1000;

/// The addresses whose names a query about a scope should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The addresses with the most requests, and the numbers of their requests, the largest first.
    pub addresses: Vec<(IpAddr, u64)>,
    /// The number of all addresses.
    pub address_count: u64,
    /// The number of requests of all addresses.
    pub requests: u64,
}

impl Candidates {
    /// The numbers of addresses and of their requests that `is_known` returns `false` for, those beyond the limit included.
    pub fn without(&self, is_known: impl Fn(IpAddr) -> bool) -> (u64, u64) {
        let known = self.addresses.iter().filter(|(address, _)| is_known(*address));
        let (count, sum) = known.fold((0, 0), |(count, sum), (_, requests)| (count + 1, sum + requests));
        (self.address_count.saturating_sub(count), self.requests.saturating_sub(sum))
    }
}

/// Finds the at most `limit` addresses with the most requests. Tests of names in the filter of the scope are left out: any
/// address that was not looked up may pass them.
///
/// # Errors
/// Those of the engine.
pub fn candidates(
    engine: &dyn Engine,
    scope: &Scope,
    limit: usize,
    cancel: &CancellationToken,
) -> Result<Candidates, QueryError> {
    let Scope { sources, time, filter, counting } = scope.clone();
    let by = Dimension::Field(Field::RemoteIp);
    let filter = filter.for_any(&Dimension::HostName).and(Filter::term_for(&by, &Value::Absent).negated());
    let sort = Sort { by: Measure::Requests, descending: true };
    let ask = Ask::Groups { by, more: Vec::new(), sort, limit };
    let answer = engine.ask_once(&Query { sources, time, filter, counting, ask }, cancel)?.answer;
    let Answer::Groups(groups) = answer else { return Ok(Candidates::default()) };
    let addresses = groups.rows.iter().filter_map(|row| match &row.value {
        Value::Text(text) => Some((address::parse(text)?, row.stats.requests)),
        _ => None,
    });
    Ok(Candidates {
        addresses: addresses.collect(),
        address_count: groups.group_count,
        requests: groups.totals.requests,
    })
}
