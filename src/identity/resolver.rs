//! Names of addresses by reverse DNS. Each lookup is network I/O, so it happens only where the user asked for it, and only
//! for a limited number of addresses.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dns_lookup::LookupErrorKind;
use parking_lot::{Condvar, Mutex};

/// Maximum number of lookups at the same time.
const MAX_PARALLEL: usize = 32;

/// A name that reverse DNS gives, in lower case. As text, a name that is not confirmed ends with ` (unconfirmed)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// The name.
    pub name: String,
    /// Whether DNS returns the address for the name, too. The owner of an address chooses its name, so a name that is not
    /// confirmed proves nothing.
    pub is_confirmed: bool,
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_confirmed { "" } else { " (unconfirmed)" };
        write!(f, "{}{mark}", self.name)
    }
}

/// What a lookup found out about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its name.
    Name(HostName),
    /// It has no name.
    NoName,
    /// Nothing: no name server answered.
    NoAnswer,
}

/// Looks up the name of one address. Blocks.
pub type LookUp = dyn Fn(IpAddr) -> Found + Send + Sync;

/// Looks up names, a bounded number at a time, and remembers them.
pub struct Resolver {
    look_up: Arc<LookUp>,
    shared: Arc<Shared>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    found: HashMap<IpAddr, Found>,
    /// The next one is last.
    waiting: Vec<IpAddr>,
    running: HashSet<IpAddr>,
}

impl Resolver {
    /// A resolver that asks the name service of the system, which may read a file of hosts, too.
    pub fn of_system() -> Resolver {
        Resolver::new(Arc::new(look_up))
    }

    /// A resolver with another way to look up a name.
    pub fn new(look_up: Arc<LookUp>) -> Resolver {
        Resolver { look_up, shared: Arc::default() }
    }

    /// What lookups found out about addresses, in their order; `None` if that is not known yet. Waits until all are known,
    /// at most for `timeout`. Lookups that have begun go on, and the next call knows their results; the others are given up.
    pub fn look_up(&self, addresses: &[IpAddr], timeout: Duration) -> Vec<Option<Found>> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.state.lock();
        let mut wanted = HashSet::new();
        let unknown = addresses.iter().filter(|address| {
            !state.found.contains_key(address) && !state.running.contains(address) && wanted.insert(**address)
        });
        let mut waiting: Vec<IpAddr> = unknown.copied().collect();
        waiting.reverse();
        let mut missing = MAX_PARALLEL.saturating_sub(state.running.len()).min(waiting.len());
        state.waiting = waiting;
        while missing > 0
            && let Some(address) = state.waiting.pop()
        {
            let (look_up, shared) = (self.look_up.clone(), self.shared.clone());
            let work = move || work(address, &*look_up, &shared);
            // Not joined: a lookup may take longer than anybody waits.
            match std::thread::Builder::new().name("resolver".to_owned()).spawn(work) {
                Ok(_) => _ = state.running.insert(address),
                Err(_) => {
                    state.waiting.push(address);
                    break;
                }
            }
            missing -= 1;
        }
        while addresses.iter().any(|address| !state.found.contains_key(address)) {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.waiting.clear();
        addresses.iter().map(|address| state.found.get(address).cloned()).collect()
    }
}

/// Looks up an address, then those that wait.
fn work(mut address: IpAddr, look_up: &LookUp, shared: &Shared) {
    loop {
        let found = look_up(address);
        let mut state = shared.state.lock();
        state.running.remove(&address);
        state.found.insert(address, found);
        let next = state.waiting.pop();
        state.running.extend(next);
        drop(state);
        shared.changed.notify_all();
        match next {
            Some(next) => address = next,
            None => return,
        }
    }
}

fn look_up(address: IpAddr) -> Found {
    let name = match dns_lookup::lookup_addr(&address) {
        Ok(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        Err(error) => {
            return match error.kind() {
                LookupErrorKind::NoName | LookupErrorKind::NoData => Found::NoName,
                _ => Found::NoAnswer,
            };
        }
    };
    if name.is_empty() || name.parse::<IpAddr>().is_ok() {
        return Found::NoName;
    }
    let is_confirmed = dns_lookup::lookup_host(&name)
        .is_ok_and(|mut addresses| addresses.any(|other| other.to_canonical() == address.to_canonical()));
    Found::Name(HostName { name, is_confirmed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn addresses(count: u8) -> Vec<IpAddr> {
        (0..count).map(|last| IpAddr::from([203, 0, 113, last])).collect()
    }

    fn name_of(address: IpAddr) -> Found {
        Found::Name(HostName { name: format!("{address}.example"), is_confirmed: true })
    }

    #[test]
    fn names_are_looked_up_once_and_a_few_at_a_time() {
        let (count, running, most) =
            (AtomicUsize::new(0), AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let seen = most.clone();
        let calls = Arc::new(count);
        let counted = calls.clone();
        let resolver = Resolver::new(Arc::new(move |address| {
            counted.fetch_add(1, Ordering::SeqCst);
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            name_of(address)
        }));
        let wanted = addresses(100);
        for _ in 0..2 {
            let names = resolver.look_up(&wanted, Duration::from_secs(600));
            let expected: Vec<_> = wanted.iter().map(|address| Some(name_of(*address))).collect();
            assert_eq!(names, expected);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 100);
        assert!(most.load(Ordering::SeqCst) <= MAX_PARALLEL);
    }

    #[test]
    fn a_lookup_that_takes_too_long_gives_no_name_now_but_later() {
        let (answer, wait) = std::sync::mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let resolver = Resolver::new(Arc::new(move |address| {
            let _ended = wait.lock().recv();
            name_of(address)
        }));
        let wanted = addresses(1);
        assert_eq!(resolver.look_up(&wanted, Duration::ZERO), [None]);
        answer.send(()).unwrap();
        assert_eq!(resolver.look_up(&wanted, Duration::from_secs(600)), [Some(name_of(wanted[0]))]);
    }

    #[test]
    fn an_address_was_looked_up_again_while_its_lookup_ran() {
        let (begin, begun) = std::sync::mpsc::channel::<IpAddr>();
        let (answer, wait) = std::sync::mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let resolver = Resolver::new(Arc::new(move |address| {
            let _ended = (begin.send(address), wait.lock().recv());
            Found::NoAnswer
        }));
        let wanted = addresses(1);
        assert_eq!(resolver.look_up(&wanted, Duration::ZERO), [None]);
        assert_eq!(resolver.look_up(&wanted, Duration::ZERO), [None]);
        answer.send(()).unwrap();
        assert_eq!(resolver.look_up(&wanted, Duration::from_secs(600)), [Some(Found::NoAnswer)]);
        assert_eq!(begun.iter().take(1).collect::<Vec<_>>(), wanted);
        assert!(begun.try_recv().is_err());
    }
}
