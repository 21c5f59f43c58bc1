//! What was folded for a question stays for the next time: a live table costs what is new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::SegmentInfo;
use crate::query::Query;

/// Memory that standing folds may take.
const BUDGET: usize = 128 << 20;

/// Something folded from rows, to which other rows can be added.
pub trait Fold: Clone + Send + Sync {
    /// Takes in a fold of other rows.
    fn merge(&mut self, other: &Self);
    /// Bytes of memory it takes, about.
    fn memory(&self) -> usize;
}

impl Fold for super::groups::Groups {
    fn merge(&mut self, other: &Self) {
        super::groups::Groups::merge(self, other);
    }

    fn memory(&self) -> usize {
        super::groups::Groups::memory(self)
    }
}

struct Kept<S> {
    state: Arc<S>,
    /// Segments that are in it: full ones only, others are replaced as they grow.
    included: Vec<i64>,
    used: u64,
}

/// Folds by the question they answer.
pub struct Standing<S>(Mutex<(u64, HashMap<String, Kept<S>>)>);

impl<S> Default for Standing<S> {
    fn default() -> Self {
        Standing(Mutex::new((0, HashMap::new())))
    }
}

/// The name of a fold: all of a question that decides which rows are folded and how, and nothing that
/// only decides what is shown of it.
pub fn name(query: &Query, how: &str) -> String {
    format!("{:?} {:?} {:?} {:?} {how}", query.sources, query.time, query.counting, query.filter)
}

impl<S: Fold> Standing<S> {
    /// Takes out what stands under a name, if all its segments are still there.
    pub fn take(&self, name: &str, segments: &[SegmentInfo]) -> Option<(Arc<S>, Vec<i64>)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { state, included, .. } = kept.1.remove(name)?;
        let mut ids: Vec<i64> = segments.iter().map(|segment| segment.id).collect();
        ids.sort_unstable();
        included.iter().all(|id| ids.binary_search(id).is_ok()).then_some((state, included))
    }

    /// Lets a fold stand.
    pub fn put(&self, name: String, state: Arc<S>, included: Vec<i64>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let used = kept.0;
        if state.memory() > BUDGET / 2 {
            return;
        }
        kept.1.insert(name, Kept { state, included, used });
        while kept.1.values().map(|kept| kept.state.memory()).sum::<usize>() > BUDGET {
            let oldest = kept.1.iter().min_by_key(|(_, kept)| kept.used).map(|(name, _)| name.clone());
            match oldest {
                Some(name) => kept.1.remove(&name),
                None => break,
            };
        }
    }
}
