//! The names of addresses, by reverse DNS: `--resolve`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::context::Context;
use super::{interrupt, usage};
use crate::export::Cell;
use crate::human;
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
    if let Some(note) = note(&candidates, lookups.unanswered, |address| service.names().has(address)) {
        context.note(&note);
    }
    Ok(())
}

fn addresses_in_words(count: u64) -> String {
    format!("{} {}", human::count(count), if count == 1 { "address" } else { "addresses" })
}

/// Which addresses have no known answer; `None`: all have one.
fn note(candidates: &Candidates, unanswered: usize, is_known: impl Fn(IpAddr) -> bool) -> Option<String> {
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
    if candidates.address_count > candidates.addresses.len() as u64 {
        let limit = human::count(candidates.addresses.len() as u64);
        note.push_str(&format!("; the {limit} with the most requests are"));
    }
    if unanswered > 0 {
        let count = addresses_in_words(unanswered as u64);
        note.push_str(&format!("; no name server answered for {count}"));
    }
    Some(note)
}
