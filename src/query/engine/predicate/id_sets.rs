//! Sets of the values of a dimension that pass a test: it is run once per value, not once per row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::Snapshot;
use crate::log::Field;
use crate::query::QueryError;
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;
use crate::query::engine::uri_params::Params;

/// A set of dictionary ids.
#[derive(Debug, Default, PartialEq)]
pub struct IdSet {
    bits: Vec<u64>,
    len: u32,
}

impl IdSet {
    pub(super) fn push(&mut self, is_in: bool) {
        if self.len.is_multiple_of(64) {
            self.bits.push(0);
        }
        if is_in {
            self.bits[self.len as usize / 64] |= 1 << (self.len % 64);
        }
        self.len += 1;
    }

    /// Whether an id is in it; one that is newer than the set is not.
    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.bits.get(id as usize / 64).is_some_and(|bits| bits >> (id % 64) & 1 != 0)
    }

    /// Whether one of the ids in it (or of those not in it) between these, both included, passes.
    pub(super) fn any(&self, low: u32, high: u32, is_in: bool, passes: impl Fn(u32) -> bool) -> bool {
        let flip = if is_in { 0 } else { u64::MAX };
        (low / 64..=high / 64).any(|word| {
            let mut left = self.bits.get(word as usize).copied().unwrap_or(0) ^ flip;
            if word == low / 64 {
                left &= u64::MAX << (low % 64);
            }
            if word == high / 64 {
                left &= u64::MAX >> (63 - high % 64);
            }
            while left != 0 {
                if passes(word * 64 + left.trailing_zeros()) {
                    return true;
                }
                left &= left - 1;
            }
            false
        })
    }

    /// How many of these ids are in it.
    pub(super) fn count(&self, low: u32, high: u32) -> u32 {
        let mut count = 0;
        for word in low / 64..=high / 64 {
            let mut bits = self.bits.get(word as usize).copied().unwrap_or(0);
            if word == low / 64 {
                bits &= u64::MAX << (low % 64);
            }
            if word == high / 64 {
                bits &= u64::MAX >> (63 - high % 64);
            }
            count += bits.count_ones();
        }
        count
    }
}

/// Sets already made, by what they stand for: a live table asks the same again and again, and a regular
/// expression over a million keys takes its time. Dictionaries only grow, so a set is only added to.
#[derive(Default)]
pub struct IdSets {
    sets: Mutex<HashMap<String, Arc<IdSet>>>,
    pub(super) params: Arc<Params>,
}

/// Sets kept.
const SETS: usize = 64;

/// Values tested between two looks at whether the question still stands: a regular expression may take some
/// microseconds each.
const BETWEEN_LOOKS: u32 = 128;

impl IdSets {
    /// With the columns of parameters that are shared with others.
    pub fn new(params: Arc<Params>) -> IdSets {
        IdSets { sets: Mutex::default(), params }
    }

    pub(super) fn get(
        &self,
        snapshot: &Snapshot<'_>,
        base: Field,
        name: String,
        cancel: &CancellationToken,
        test: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<Arc<IdSet>, QueryError> {
        let known = self.sets.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let values = cancel::dictionary(snapshot, base, cancel)?;
        if let Some(known) = &known
            && known.len > values.len()
        {
            return Ok(known.clone());
        }
        let mut set =
            known.map_or_else(IdSet::default, |known| IdSet { bits: known.bits.clone(), len: known.len });
        if set.len == 0 {
            set.push(test(None));
        }
        for id in set.len..=values.len() {
            if id % BETWEEN_LOOKS == 0 && cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            set.push(test(values.get(id)));
        }
        let set = Arc::new(set);
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SETS {
            sets.clear();
        }
        sets.insert(name, set.clone());
        Ok(set)
    }
}
