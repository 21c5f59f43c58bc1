//! Memory that several threads share: whoever wants some of it waits until others have given enough back. Channels
//! count what is on its way; this counts its bytes.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Bytes of memory for something.
#[derive(Clone, Debug)]
pub struct ByteBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// All there are.
    bytes: usize,
    free: Mutex<usize>,
    freed: Condvar,
}

/// Some of them, until it is dropped.
#[derive(Debug)]
pub struct Reservation {
    of: ByteBudget,
    bytes: usize,
}

impl ByteBudget {
    /// So many.
    pub fn new(bytes: usize) -> ByteBudget {
        ByteBudget(Arc::new(Shared { bytes, free: Mutex::new(bytes), freed: Condvar::new() }))
    }

    /// Takes some, if need be after a while. More than there are is all of them: then nothing else is on its way.
    ///
    /// Whoever holds some must not wait for anybody who waits here.
    pub fn take(&self, bytes: usize) -> Reservation {
        let bytes = bytes.min(self.0.bytes);
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            free = self.0.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Reservation { of: self.clone(), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *self.of.0.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.of.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[test]
    fn no_more_is_held_at_a_time_than_there_is_and_everybody_gets_theirs() {
        let budget = ByteBudget::new(100);
        let (held, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (budget, held, served) = (&budget, &held, &served);
                scope.spawn(move || {
                    for round in 0..200 {
                        let wanted = (thread * 31 + round * 17) % 150;
                        let room = budget.take(wanted);
                        let wanted = wanted.min(100);
                        assert!(held.fetch_add(wanted, SeqCst) + wanted <= 100);
                        held.fetch_sub(wanted, SeqCst);
                        drop(room);
                        served.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 8 * 200);
        assert_eq!(*budget.0.free.lock().unwrap(), 100);
    }
}
