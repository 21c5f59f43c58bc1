//! Names of addresses by reverse DNS. Each lookup is network I/O, so it happens only where the user asked for it, and only
//! for the rows that are shown.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Maximum number of lookups at the same time.
const MAX_PARALLEL: usize = 16;

/// A name that reverse DNS gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// The name.
    pub name: String,
    /// Whether the name has the address, too. Whoever owns an address decides which name it has, so a name that is not
    /// confirmed proves nothing.
    pub is_confirmed: bool,
}

/// Looks up the name of one address; `None` if it has none. Blocks.
pub type LookUp = dyn Fn(IpAddr) -> Option<HostName> + Send + Sync;

/// Looks up names, a bounded number at a time, and remembers them.
pub struct Resolver {
    look_up: Arc<LookUp>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    names: HashMap<IpAddr, Option<HostName>>,
    waiting: Vec<IpAddr>,
    threads: usize,
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

    /// The names of addresses, in their order. Waits until all are known, at most for `timeout`; the names that are not
    /// known by then are `None`. Lookups that have begun go on, and their names are known to the next call.
    pub fn names(&self, addresses: &[IpAddr], timeout: Duration) -> Vec<Option<HostName>> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.state.lock();
        // Addresses of an earlier call that no thread has begun to look up are no longer wanted.
        state.waiting.clear();
        for address in addresses.iter().rev() {
            if !state.names.contains_key(address) && !state.waiting.contains(address) {
                state.waiting.push(*address);
            }
        }
        while state.threads < MAX_PARALLEL.min(state.waiting.len()) {
            let (look_up, shared) = (self.look_up.clone(), self.shared.clone());
            // Not joined: a lookup may take longer than anybody waits.
            match std::thread::Builder::new()
                .name("resolver".to_owned())
                .spawn(move || work(&*look_up, &shared))
            {
                Ok(_) => state.threads += 1,
                Err(_) => break,
            }
        }
        while addresses.iter().any(|address| !state.names.contains_key(address)) {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        addresses.iter().map(|address| state.names.get(address).cloned().flatten()).collect()
    }
}

fn work(look_up: &LookUp, shared: &Shared) {
    loop {
        let mut state = shared.state.lock();
        let Some(address) = state.waiting.pop() else {
            state.threads -= 1;
            return;
        };
        drop(state);
        let name = look_up(address);
        shared.state.lock().names.insert(address, name);
        shared.changed.notify_all();
    }
}

fn look_up(address: IpAddr) -> Option<HostName> {
    let name = dns_lookup::lookup_addr(&address).ok()?;
    let name = name.trim_end_matches('.').to_owned();
    if name.is_empty() || name.parse::<IpAddr>().is_ok() {
        return None;
    }
    let is_confirmed = dns_lookup::lookup_host(&name)
        .is_ok_and(|mut addresses| addresses.any(|other| other.to_canonical() == address.to_canonical()));
    Some(HostName { name, is_confirmed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn addresses(count: u8) -> Vec<IpAddr> {
        (0..count).map(|last| IpAddr::from([203, 0, 113, last])).collect()
    }

    fn name_of(address: IpAddr) -> HostName {
        HostName { name: format!("{address}.example"), is_confirmed: true }
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
            Some(name_of(address))
        }));
        let wanted = addresses(100);
        for _ in 0..2 {
            let names = resolver.names(&wanted, Duration::from_secs(600));
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
            Some(name_of(address))
        }));
        let wanted = addresses(1);
        assert_eq!(resolver.names(&wanted, Duration::ZERO), [None]);
        answer.send(()).unwrap();
        assert_eq!(resolver.names(&wanted, Duration::from_secs(600)), [Some(name_of(wanted[0]))]);
    }
}
