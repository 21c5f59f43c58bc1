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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};
    use crate::identity::Identity;
    use crate::identity::host_names::{Lookups, NameService};
    use crate::identity::resolver::{Found, HostName, Resolver};
    use crate::query::{LocalEngine, TimeRange};

    /// Requests of nine addresses: five of the first four each, four of the others. Of the addresses that are looked up, the
    /// first has a name, the second an unconfirmed one, the third none, and nobody knows the others.
    struct Log {
        engine: LocalEngine,
        service: NameService,
        _folder: tempfile::TempDir,
    }

    impl Log {
        fn new() -> Log {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("cache.db");
            drop(filled(&path, "one", (0..40).map(Request::at)));
            let service = NameService::new(Resolver::new(Arc::new(|address| {
                let name = |name: &str, is_confirmed| HostName { name: name.to_owned(), is_confirmed };
                match address.to_string().as_str() {
                    "203.0.113.0" => Found::Name(name("a.example", true)),
                    "203.0.113.1" => Found::Name(name("a.example", false)),
                    "203.0.113.2" => Found::NoName,
                    _ => Found::NoAnswer,
                }
            })));
            let identity = Identity::default().with_host_names(Arc::clone(service.names()));
            let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
            Log { engine: engine.with_identity(Arc::new(identity)), service, _folder: folder }
        }

        fn scope(filter: &str) -> Scope {
            Scope { filter: Filter::parse(filter, 0).unwrap(), ..Scope::default() }
        }

        fn ask(&self, filter: &str, ask: Ask) -> Answer {
            let Scope { sources, filter, counting, .. } = Log::scope(filter);
            let query = Query { sources, time: TimeRange::default(), filter, counting, ask };
            self.engine.ask_once(&query, &CancellationToken::new()).unwrap().answer
        }

        fn look_up(&self, addresses: &[&str]) -> Lookups {
            let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            self.service.look_up(&addresses, Some(Duration::from_secs(600)), &mut |_| true)
        }

        /// The names and the numbers of their requests, in the order of the names.
        fn names(&self, filter: &str) -> Vec<(String, u64)> {
            let sort = Sort { by: Measure::Value, descending: false };
            let ask = Ask::Groups { by: Dimension::HostName, more: Vec::new(), sort, limit: 0 };
            let Answer::Groups(groups) = self.ask(filter, ask) else { panic!("another kind of answer") };
            groups.rows.iter().map(|row| (row.value.to_text(), row.stats.requests)).collect()
        }

        fn count(&self, filter: &str) -> u64 {
            let Answer::Totals(totals) = self.ask(filter, Ask::Totals) else { panic!("another kind") };
            totals.stats.requests
        }
    }

    fn named(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
        rows.iter().map(|(name, requests)| ((*name).to_owned(), *requests)).collect()
    }

    #[test]
    fn answers_change_when_names_arrive() {
        let log = Log::new();
        let filters =
            ["host_name:a.example", "host_name:*unconfirmed*", "host_name:-", "-host_name*=example"];
        let counts = |log: &Log| filters.map(|filter| log.count(filter));
        let pairs = |log: &Log| {
            let sort = Sort { by: Measure::Requests, descending: true };
            let by = [Dimension::HostName, Dimension::Field(Field::HttpStatus)];
            let Answer::Pairs(pairs) = log.ask("", Ask::Pairs { by, sort, limit: 0 }) else { panic!() };
            pairs.rows.len()
        };
        assert_eq!(log.names(""), named(&[("(not looked up)", 40)]));
        assert_eq!((counts(&log), pairs(&log)), ([0, 0, 0, 40], 1));
        let lookups = log.look_up(&["203.0.113.0", "203.0.113.2"]);
        assert_eq!(lookups, Lookups { addresses: 2, ended: 2, unanswered: 0 });
        assert_eq!(log.names(""), named(&[("(not looked up)", 30), ("a.example", 5), ("-", 5)]));
        assert_eq!((counts(&log), pairs(&log)), ([5, 0, 5, 35], 3));
        let lookups = log.look_up(&["203.0.113.1", "203.0.113.8"]);
        assert_eq!(lookups, Lookups { addresses: 2, ended: 2, unanswered: 1 });
        let all = [("(not looked up)", 25), ("a.example", 5), ("a.example (unconfirmed)", 5), ("-", 5)];
        assert_eq!(log.names(""), named(&all));
        assert_eq!((counts(&log), pairs(&log)), ([5, 5, 5, 30], 4));
        assert_eq!(log.names("host_name:A.Example"), named(&[("a.example", 5)]));
        assert_eq!(log.names("-host_name:a.example -host_name:-"), named(&[all[0], all[2]]));
    }

    #[test]
    fn the_addresses_with_the_most_requests_are_looked_up_whatever_names_the_filter_wants() {
        let log = Log::new();
        for (filter, requests) in
            [("", 40), ("host_name:b.example", 40), ("-host_name:-", 40), ("-ip:203.0.113.0", 35)]
        {
            let found = candidates(&log.engine, &Log::scope(filter), 4, &CancellationToken::new()).unwrap();
            assert_eq!(found.requests, requests, "{filter}");
            assert_eq!(found.address_count, if requests == 40 { 9 } else { 8 });
            let counts: Vec<u64> = found.addresses.iter().map(|(_, requests)| *requests).collect();
            assert_eq!(counts, if requests == 40 { [5, 5, 5, 5] } else { [5, 5, 5, 4] });
            let (addresses, left) = found.without(|_| true);
            assert_eq!((addresses, left), (found.address_count - 4, requests - counts.iter().sum::<u64>()));
            assert_eq!(found.without(|_| false), (found.address_count, requests));
        }
    }

    #[test]
    fn without_names_a_query_fails_and_says_how_to_enable_them() {
        let log = Log::new();
        let engine = LocalEngine::new(log.engine.cache().clone());
        let sort = Sort { by: Measure::Requests, descending: true };
        let groups = Ask::Groups { by: Dimension::HostName, more: Vec::new(), sort, limit: 0 };
        for (filter, ask) in [("", groups), ("host_name:a.example", Ask::Totals)] {
            let Scope { sources, time, filter, counting } = Log::scope(filter);
            let query = Query { sources, time, filter, counting, ask };
            let error = engine.ask_once(&query, &CancellationToken::new()).unwrap_err().to_string();
            assert!(error.contains("host_name needs the names of addresses"), "{error}");
            assert!(error.contains("--resolve"), "{error}");
        }
    }
}
