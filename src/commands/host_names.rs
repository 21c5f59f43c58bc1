//! The names of the addresses of a report, by reverse DNS: `--resolve`.

use std::net::IpAddr;
use std::time::Duration;

use super::context::Context;
use crate::export::Cell;
use crate::human;
use crate::identity::resolver::{HostName, Resolver};
use crate::log::address;
use crate::query::{Groups, Value};

/// Maximum number of rows whose addresses are looked up.
const MAX_RESOLVED: usize = 500;
/// Longest wait for the names of all addresses.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(15);

/// The column with the names of the addresses of a report. Of long reports only the first rows have names.
pub(super) fn column(context: &Context, groups: &Groups) -> Vec<Cell<'static>> {
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
    let mut names = Resolver::of_system().names(&known, RESOLVE_TIMEOUT).into_iter();
    addresses
        .iter()
        .map(|address| match address.and_then(|_| names.next().flatten()) {
            Some(HostName { name, is_confirmed: true }) => Cell::Owned(name.into_bytes()),
            Some(HostName { name, .. }) => Cell::Owned(format!("{name} (unconfirmed)").into_bytes()),
            None => Cell::Absent,
        })
        .collect()
}
