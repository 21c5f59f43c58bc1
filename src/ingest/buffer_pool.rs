//! Memory that served before. Fresh memory has to be cleared by the kernel, page by page: that takes longer than
//! what is done with it.

use std::sync::{Arc, Mutex, PoisonError};

/// What is no longer needed, for whoever needs the like.
pub struct BufferPool<T> {
    kept: Arc<Mutex<Vec<T>>>,
    most: usize,
}

impl<T> Clone for BufferPool<T> {
    fn clone(&self) -> BufferPool<T> {
        BufferPool { kept: self.kept.clone(), most: self.most }
    }
}

impl<T> BufferPool<T> {
    /// Keeps so many at most.
    pub fn new(most: usize) -> BufferPool<T> {
        BufferPool { kept: Arc::default(), most }
    }

    /// The one that came last: it is the nearest to the processor, and those that are never needed are not touched.
    pub fn take(&self) -> Option<T> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Takes one back; if there are enough, it is dropped.
    pub fn give_back(&self, one: T) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_taken_first_and_no_more_are_kept_than_agreed() {
        let spare = BufferPool::new(2);
        (1..=3).for_each(|one| spare.give_back(one));
        assert_eq!([spare.take(), spare.clone().take(), spare.take()], [Some(2), Some(1), None]);
    }
}
