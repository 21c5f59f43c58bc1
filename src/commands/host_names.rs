//! The names of addresses, by reverse DNS: `--resolve`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::context::Context;
use super::{interrupt, usage};
use crate::export::Cell;
use crate::human;
use crate::identity::host_names::Lookups;
use crate::identity::resolver::Found;
use crate::insight::Scope;
use crate::insight::host_names::{Candidates, MAX_LOOKUPS, candidates};
use crate::log::address;
use crate::query::{Dimension, Engine, Groups, Value};

/// Maximum number of rows whose addresses are looked up.
const MAX_RESOLVED: usize = 500;
/// Longest wait for the names of all addresses.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(15);
/// After this time the user reads what takes so long.
const NOTE_DELAY: Duration = Duration::from_secs(1);

/// The column with the names of the addresses of a report. Of long reports only the first rows have names.
pub(super) fn column(context: &Context, groups: &Groups) -> Vec<Cell<'static>> {
    let Some(service) = &context.names else { return Vec::new() };
    let addresses: Vec<Option<IpAddr>> = groups
        .rows
        .iter()
        .take(MAX_RESOLVED)
        .map(|row| match &row.value {
            Value::Text(text) => address::parse(text),
            _ => None,
        })
        .collect();
    if groups.rows.len() > MAX_RESOLVED {
        let first = human::count(MAX_RESOLVED as u64);
        context.note(&format!("host_name: only the first {first} rows have names; --top selects fewer"));
    }
    let known: Vec<IpAddr> = addresses.iter().flatten().copied().collect();
    let mut found = service.resolver().look_up(&known, RESOLVE_TIMEOUT).into_iter();
    addresses
        .iter()
        .map(|address| match address.and_then(|_| found.next().flatten()) {
            Some(Found::Name(name)) => Cell::Owned(name.to_string().into_bytes()),
            _ => Cell::Absent,
        })
        .collect()
}

/// Looks up the names that a query about `scope` needs, grouped by `by`: those of the addresses with the most requests. Says
/// how many addresses were not looked up. Does nothing if no name is needed, or if the user did not enable names: then the
/// query fails, with a message that says how to enable them.
pub(super) fn look_up(
    context: &Context,
    engine: &dyn Engine,
    scope: &Scope,
    by: &[Dimension],
) -> anyhow::Result<()> {
    let is_needed = by.contains(&Dimension::HostName) || scope.filter.tests(&Dimension::HostName);
    if context.options.resolve && !is_needed {
        return usage(
            "--resolve is for tamarin report remote_ip and for the dimension host_name, in reports and filters: tamarin report \
             host_name, --filter 'host_name:*.example.com'",
        );
    }
    let Some(service) = context.names.as_ref().filter(|_| is_needed) else { return Ok(()) };
    let (cancel, _hook) = interrupt::query_cancellation();
    let candidates = candidates(engine, scope, MAX_LOOKUPS, &cancel)?;
    let addresses: Vec<IpAddr> = candidates.addresses.iter().map(|(address, _)| *address).collect();
    let started = Instant::now();
    let mut is_noted = false;
    let lookups = service.look_up(&addresses, Some(RESOLVE_TIMEOUT), &mut |lookups| {
        if !is_noted && lookups.ended < lookups.addresses && started.elapsed() >= NOTE_DELAY {
            is_noted = true;
            let count = addresses_in_words(lookups.addresses as u64);
            let seconds = RESOLVE_TIMEOUT.as_secs();
            context.note(&format!("looking up the names of {count}, for at most {seconds} s …"));
        }
        !cancel.is_cancelled()
    });
    if let Some(note) = note(&candidates, lookups, |address| service.names().has(address)) {
        context.note(&note);
    }
    Ok(())
}

fn addresses_in_words(count: u64) -> String {
    format!("{} {}", human::count(count), if count == 1 { "address" } else { "addresses" })
}

/// Which addresses have no known answer; `None`: all have one.
fn note(candidates: &Candidates, lookups: Lookups, is_known: impl Fn(IpAddr) -> bool) -> Option<String> {
    let (addresses, requests) = candidates.without(is_known);
    if addresses == 0 {
        return None;
    }
    let share = human::percent(human::share(requests, candidates.requests));
    let of = addresses_in_words(candidates.address_count);
    let mut note = format!(
        "host_name: {} of {of}, with {share} of their requests, were not looked up",
        human::count(addresses)
    );
    let Lookups { addresses, ended, unanswered } = lookups;
    if candidates.address_count > addresses as u64 {
        let limit = human::count(addresses as u64);
        note.push_str(&format!("; only the {limit} with the most requests are"));
    }
    if ended < addresses {
        let count = human::counted((addresses - ended) as u64, "lookup");
        note.push_str(&format!("; {count} had not ended after {} s", RESOLVE_TIMEOUT.as_secs()));
    }
    if unanswered > 0 {
        let count = addresses_in_words(unanswered as u64);
        note.push_str(&format!("; no name server answered for {count}"));
    }
    Some(note)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};
    use crate::commands::args::Options;
    use crate::identity::host_names::NameService;
    use crate::identity::resolver::{HostName, Resolver};
    use crate::query::{Ask, Counting, Filter, Measure, Sort};

    #[test]
    fn a_query_about_names_looks_up_the_addresses_that_it_may_select() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..40).map(Request::at)));
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        let options = Options { config: Some(config), resolve: true, quiet: true, ..Options::default() };
        let mut context = Context::new(options).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let asking = Arc::clone(&asked);
        context.names = Some(Arc::new(NameService::new(Resolver::new(Arc::new(move |address| {
            asking.lock().push(address.to_string());
            Found::Name(HostName { name: format!("{address}.example"), is_confirmed: true })
        })))));
        let engine = context.engine(Arc::new(Cache::open(&path).unwrap()));
        let scope = |filter: &str| Scope { filter: Filter::parse(filter, 0).unwrap(), ..Scope::default() };

        let error = look_up(&context, &engine, &scope(""), &[Dimension::Role]).unwrap_err().to_string();
        assert!(error.contains("--resolve is for"), "{error}");
        look_up(&context, &engine, &scope("ip:203.0.113.0 -host_name:-"), &[]).unwrap();
        assert_eq!(*asked.lock(), ["203.0.113.0"]);
        look_up(&context, &engine, &scope(""), &[Dimension::HostName]).unwrap();
        assert_eq!(asked.lock().len(), 9, "each address is looked up once");
        let sort = Sort { by: Measure::Requests, descending: true };
        let ask = Ask::Groups { by: Dimension::HostName, more: Vec::new(), sort, limit: 0 };
        let query = context.query(&[], Counting::AsLogged, ask);
        let reply = engine.ask_once(&query, &tokio_util::sync::CancellationToken::new()).unwrap();
        let crate::query::Answer::Groups(groups) = reply.answer else { panic!("another kind of answer") };
        assert_eq!(groups.rows[0].value, Value::from("203.0.113.0.example"));
        assert_eq!(groups.rows.len(), 9);
    }

    #[test]
    fn the_note_says_which_addresses_have_no_known_name_and_why() {
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let addresses = (0..4).map(|last| (address(last), 20)).collect();
        let candidates = Candidates { addresses, address_count: 14, requests: 100 };
        let lookups = |ended, unanswered| Lookups { addresses: 4, ended, unanswered };
        let known = |count: u8| move |other: IpAddr| (0..count).any(|last| address(last) == other);
        assert_eq!(
            note(&candidates, lookups(4, 0), known(4)).unwrap(),
            "host_name: 10 of 14 addresses, with 20.0 % of their requests, were not looked up; only the 4 with the most \
             requests are"
        );
        let all = Candidates { address_count: 4, requests: 80, ..candidates };
        assert_eq!(note(&all, lookups(4, 0), known(4)), None);
        assert_eq!(
            note(&all, lookups(3, 1), known(2)).unwrap(),
            "host_name: 2 of 4 addresses, with 50.0 % of their requests, were not looked up; 1 lookup had not ended after \
             15 s; no name server answered for 1 address"
        );
    }
}
