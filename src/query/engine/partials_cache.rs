//! What was folded for a question stays for the next time: a live table costs what is new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::SegmentInfo;
use crate::query::{Query, QueryError};
use tokio_util::sync::CancellationToken;

/// Something folded from rows, to which other rows can be added.
pub trait Fold: Clone + Send + Sync {
    /// Takes in a fold of other rows.
    ///
    /// # Errors
    /// If the question is cancelled meanwhile: what is half merged is worth nothing.
    fn merge(&mut self, other: &Self, cancel: &CancellationToken) -> Result<(), QueryError>;
    /// Bytes of memory it takes, about.
    fn memory(&self) -> usize;
}

impl Fold for crate::query::engine::groups::Groups {
    fn merge(&mut self, other: &Self, cancel: &CancellationToken) -> Result<(), QueryError> {
        crate::query::engine::groups::Groups::merge(self, other, cancel)
    }

    fn memory(&self) -> usize {
        crate::query::engine::groups::Groups::memory(self)
    }
}

struct Kept<S> {
    state: Arc<S>,
    /// Segments that are in it: full ones only, others are replaced as they grow.
    included: Vec<i64>,
    used: u64,
}

/// Folds by the question they answer.
pub struct Standing<S> {
    kept: Mutex<(u64, HashMap<String, Kept<S>>)>,
    /// Memory that they may take.
    budget: usize,
}

/// The name of a fold: all of a question that decides which rows are folded and how, and nothing that
/// only decides what is shown of it.
pub fn name(query: &Query, how: &str) -> String {
    format!("{:?} {:?} {:?} {:?} {how}", query.sources, query.time, query.counting, query.filter)
}

impl<S: Fold> Standing<S> {
    /// None yet, of at most `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Standing { kept: Mutex::default(), budget }
    }

    /// Takes out what stands under a name, if all its segments are still there.
    pub fn take(&self, name: &str, segments: &[SegmentInfo]) -> Option<(Arc<S>, Vec<i64>)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { state, included, .. } = kept.1.remove(name)?;
        let mut ids: Vec<i64> = segments.iter().map(|segment| segment.id).collect();
        ids.sort_unstable();
        included.iter().all(|id| ids.binary_search(id).is_ok()).then_some((state, included))
    }

    /// Lets a fold stand.
    pub fn put(&self, name: String, state: Arc<S>, included: Vec<i64>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let used = kept.0;
        if state.memory() > self.budget / 4 * 3 {
            return;
        }
        kept.1.insert(name, Kept { state, included, used });
        while kept.1.values().map(|kept| kept.state.memory()).sum::<usize>() > self.budget {
            let oldest = kept.1.iter().min_by_key(|(_, kept)| kept.used).map(|(name, _)| name.clone());
            match oldest {
                Some(name) => kept.1.remove(&name),
                None => break,
            };
        }
    }
}
