//! A limit on bytes of memory that threads share. Channels limit the number of items in them; a [`ByteBudget`] limits
//! their size.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// A number of bytes to reserve from. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct ByteBudget(Arc<State>);

#[derive(Debug)]
struct State {
    total: usize,
    free: Mutex<usize>,
    freed: Condvar,
}

/// Reserved bytes. Dropping the reservation frees them.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: ByteBudget,
    bytes: usize,
}

impl ByteBudget {
    pub(super) fn new(bytes: usize) -> ByteBudget {
        ByteBudget(Arc::new(State { total: bytes, free: Mutex::new(bytes), freed: Condvar::new() }))
    }

    /// Waits until `bytes` are free and reserves them. A request for more than the whole budget reserves all of it.
    /// A thread that holds a reservation must not wait for a thread that waits here.
    pub(super) fn reserve(&self, bytes: usize) -> Reservation {
        let bytes = bytes.min(self.0.total);
        let mut free = self.0.free.lock();
        self.0.freed.wait_while(&mut free, |free| *free < bytes);
        *free -= bytes;
        Reservation { budget: self.clone(), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *self.budget.0.free.lock() += self.bytes;
        self.budget.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[test]
    fn reservations_never_exceed_the_budget_and_every_thread_gets_its_own() {
        let budget = ByteBudget::new(100);
        let (reserved, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (budget, reserved, served) = (&budget, &reserved, &served);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = (thread * 31 + round * 17) % 150;
                        let reservation = budget.reserve(bytes);
                        let bytes = bytes.min(100);
                        assert!(reserved.fetch_add(bytes, SeqCst) + bytes <= 100);
                        reserved.fetch_sub(bytes, SeqCst);
                        drop(reservation);
                        served.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 8 * 200);
        assert_eq!(*budget.0.free.lock(), 100);
    }
}
