//! Names of addresses: which are looked up, and what answers say while they arrive. No test asks a name server.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tamarin::cache::Cache;
use tamarin::identity::Identity;
use tamarin::identity::host_names::{Lookups, NameService};
use tamarin::identity::resolver::{Found, HostName, Resolver};
use tamarin::insight::Scope;
use tamarin::insight::concentration::concentration;
use tamarin::insight::host_names::candidates;
use tamarin::log::Field;
use tamarin::query::{Answer, Ask, Dimension, Engine, Filter, LocalEngine, Measure, Query, Sort, TimeRange};
use tokio_util::sync::CancellationToken;

use crate::support::log_folder::{Scene, log};

/// Requests of 200 addresses: three of the first five each, two of the others. If they are looked up, the first has a name, the
/// second an unconfirmed one, the third none. Lookups of the others have no answer.
struct Log {
    engine: LocalEngine,
    service: NameService,
    _scene: Scene,
}

impl Log {
    fn new() -> Log {
        let scene = Scene::new();
        scene.put("a.log", log(0..405));
        scene.pull();
        let service = NameService::new(Resolver::new(Arc::new(|address| {
            let name = |name: &str, is_confirmed| HostName { name: name.to_owned(), is_confirmed };
            match address.to_string().as_str() {
                "192.0.2.0" => Found::Name(name("a.example", true)),
                "192.0.2.1" => Found::Name(name("a.example", false)),
                "192.0.2.2" => Found::NoName,
                _ => Found::NoAnswer,
            }
        })));
        let identity = Identity::default().with_host_names(Arc::clone(service.names()));
        let engine = LocalEngine::new(Arc::new(Cache::open(&scene.cache()).unwrap()));
        Log { engine: engine.with_identity(Arc::new(identity)), service, _scene: scene }
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
    let filters = ["host_name:a.example", "host_name:*unconfirmed*", "host_name:-", "-host_name*=example"];
    let counts = |log: &Log| filters.map(|filter| log.count(filter));
    let pairs = |log: &Log| {
        let sort = Sort { by: Measure::Requests, descending: true };
        let by = [Dimension::HostName, Dimension::Field(Field::HttpStatus)];
        let Answer::Pairs(pairs) = log.ask("", Ask::Pairs { by, sort, limit: 0 }) else { panic!() };
        pairs.rows.len()
    };
    assert_eq!(log.names(""), named(&[("(not looked up)", 405)]));
    assert_eq!((counts(&log), pairs(&log)), ([0, 0, 0, 405], 1));
    let lookups = log.look_up(&["192.0.2.0", "192.0.2.2"]);
    assert_eq!(lookups, Lookups { addresses: 2, ended: 2, unanswered: 0 });
    assert_eq!(log.names(""), named(&[("(not looked up)", 399), ("a.example", 3), ("-", 3)]));
    assert_eq!((counts(&log), pairs(&log)), ([3, 0, 3, 402], 3));
    let lookups = log.look_up(&["192.0.2.1", "192.0.2.9"]);
    assert_eq!(lookups, Lookups { addresses: 2, ended: 2, unanswered: 1 });
    let all = [("(not looked up)", 396), ("a.example", 3), ("a.example (unconfirmed)", 3), ("-", 3)];
    assert_eq!(log.names(""), named(&all));
    assert_eq!((counts(&log), pairs(&log)), ([3, 3, 3, 399], 4));
    assert_eq!(log.names("host_name:A.Example"), named(&[("a.example", 3)]));
    assert_eq!(log.names("-host_name:a.example -host_name:-"), named(&[all[0], all[2]]));
}

#[test]
fn addresses_without_a_known_name_were_taken_for_one_host() {
    let log = Log::new();
    log.look_up(&["192.0.2.0", "192.0.2.1", "192.0.2.2"]);
    let (by, scope) = (Dimension::HostName, Scope::default());
    let cancel = CancellationToken::new();
    let found = concentration(&log.engine, &scope, &by, Measure::Requests, &cancel, &mut |_, _| {});
    let found = found.unwrap().0;
    assert_eq!((found.values, found.total, found.left_out), (2, 6, 399));
}

#[test]
fn the_addresses_with_the_most_requests_are_looked_up_whatever_names_the_filter_wants() {
    let log = Log::new();
    for (filter, requests) in
        [("", 405), ("host_name:b.example", 405), ("-host_name:-", 405), ("-ip:192.0.2.0", 402)]
    {
        let found = candidates(&log.engine, &Log::scope(filter), 4, &CancellationToken::new()).unwrap();
        assert_eq!(found.requests, requests, "{filter}");
        assert_eq!(found.address_count, if requests == 405 { 200 } else { 199 });
        let counts: Vec<u64> = found.addresses.iter().map(|(_, requests)| *requests).collect();
        assert_eq!(counts, [3, 3, 3, 3]);
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
