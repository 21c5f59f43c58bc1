//! The names of addresses that were looked up so far. Those who want names have them looked up ([`NameService`]); queries only
//! read what is known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::resolver::{Found, Resolver};
use super::{IdentityError, Lookup};

/// The value of an address that was not looked up, or whose lookup failed.
pub const NOT_LOOKED_UP: &str = "(not looked up)";

/// Time between two additions to the table while names are looked up.
const BATCH_INTERVAL: Duration = Duration::from_millis(300);

/// A table of names that grows. It is shared by those who look up names and those who read them.
#[derive(Debug, Default)]
pub struct HostNames {
    current: RwLock<Arc<Table>>,
}

impl HostNames {
    /// Adds what was found out about addresses. Of those without an answer nothing is known.
    pub fn add(&self, found: &[(IpAddr, Found)]) {
        if !found.iter().any(|(_, found)| *found != Found::NoAnswer) {
            return;
        }
        let mut current = self.current.write();
        // Queries that run keep the table that they began with.
        let table = Arc::make_mut(&mut current);
        table.epoch += 1;
        for (address, found) in found {
            let text = match found {
                Found::Name(name) => Some(name.to_string().into_boxed_str()),
                Found::NoName => None,
                Found::NoAnswer => continue,
            };
            table.names.insert(address.to_canonical(), text);
        }
    }

    /// Whether the answer to a lookup of an address is known.
    pub fn has(&self, address: IpAddr) -> bool {
        self.current.read().names.contains_key(&address.to_canonical())
    }

    /// The names of this moment.
    pub(super) fn known(&self) -> KnownNames {
        KnownNames { table: Some(Arc::clone(&self.current.read())) }
    }
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// Number of changes.
    epoch: u64,
    /// The texts of the names; `None`: the address has no name.
    names: HashMap<IpAddr, Option<Box<str>>>,
}

/// How far lookups are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// Number of addresses to be looked up.
    pub addresses: usize,
    /// Those whose lookup has ended.
    pub ended: usize,
    /// Those of which no name server knew anything, although their lookup has ended.
    pub unanswered: usize,
}

/// Looks up names and enters them into a table.
#[derive(Debug)]
pub struct NameService {
    resolver: Resolver,
    names: Arc<HostNames>,
}

impl NameService {
    /// A service with an empty table.
    pub fn new(resolver: Resolver) -> NameService {
        NameService { resolver, names: Arc::default() }
    }

    /// A service that asks the name service of the system; its table is empty.
    pub fn of_system() -> NameService {
        NameService::new(Resolver::of_system())
    }

    /// What looks up the names.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// The table of the names.
    pub fn names(&self) -> &Arc<HostNames> {
        &self.names
    }

    /// Looks up one address, as long as that takes, and enters its name into the table.
    pub fn look_up_one(&self, address: IpAddr) -> Found {
        self.look_up(&[address], None, &mut |_| true);
        let found = self.resolver.look_up(&[address], Duration::ZERO);
        found.into_iter().next().flatten().unwrap_or(Found::NoAnswer)
    }

    /// Looks up addresses, the first ones first, and enters the names into the table as they arrive. Ends when all lookups
    /// have ended, at `timeout` if there is one, or after `on_progress` returned `false`; it is called several times a second.
    pub fn look_up(
        &self,
        addresses: &[IpAddr],
        timeout: Option<Duration>,
        on_progress: &mut dyn FnMut(Lookups) -> bool,
    ) -> Lookups {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            let left = deadline.map_or(BATCH_INTERVAL, |at| at.saturating_duration_since(Instant::now()));
            let found = self.resolver.look_up(addresses, left.min(BATCH_INTERVAL));
            let ended = || {
                addresses.iter().copied().zip(&found).filter_map(|(at, found)| Some((at, found.as_ref()?)))
            };
            let new: Vec<(IpAddr, Found)> = ended()
                .filter(|(address, _)| !self.names.has(*address))
                .map(|(address, found)| (address, found.clone()))
                .collect();
            self.names.add(&new);
            let lookups = Lookups {
                addresses: addresses.len(),
                ended: ended().count(),
                unanswered: ended().filter(|(_, found)| **found == Found::NoAnswer).count(),
            };
            let is_over = lookups.ended == addresses.len() || left.is_zero();
            if !on_progress(lookups) || is_over {
                return lookups;
            }
        }
    }
}

/// The names that were known at one moment. A query reads the same names from its begin to its end.
#[derive(Clone, Debug, Default)]
pub struct KnownNames {
    /// `None`: the user did not enable names.
    table: Option<Arc<Table>>,
}

impl KnownNames {
    /// A number that increases when a name is added; 0 as long as there are none.
    pub(crate) fn epoch(&self) -> u64 {
        self.table.as_ref().map_or(0, |table| table.epoch)
    }

    /// Says the names of addresses.
    ///
    /// # Errors
    /// If the user did not enable names.
    pub(crate) fn lookup(&self) -> Result<Lookup, IdentityError> {
        match self.table {
            Some(_) => Ok(Lookup::HostName(self.clone())),
            None => Err(IdentityError::NoHostNames),
        }
    }

    pub(super) fn value(&self, address: IpAddr) -> Option<&str> {
        match self.table.as_ref()?.names.get(&address) {
            Some(name) => name.as_deref(),
            None => Some(NOT_LOOKED_UP),
        }
    }
}
