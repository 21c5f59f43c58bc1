//! The places of the values of dimensions in their order: what requests are sorted by.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::cache::Dictionary;
use crate::log::{Field, ValueType};
use crate::query::{QueryError, Value};
use tokio_util::sync::CancellationToken;

/// How often somebody who waits for ranks looks whether the question still stands.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// The place of each value of a dimension among all its values in order, from 1; kept while the dictionary
/// does not grow. They are made on a thread of their own: a cancelled question does not wait for it, and the
/// next one finds them made.
#[derive(Default)]
pub struct Ranks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    known: Mutex<HashMap<Field, Known>>,
    made: Condvar,
}

#[derive(Clone)]
enum Known {
    /// Of a dictionary of so many values.
    Making(u32),
    Made(Arc<Vec<u32>>),
}

impl Ranks {
    /// Of all values of a dimension, by id.
    pub fn get(
        &self,
        field: Field,
        dictionary: Dictionary,
        cancel: &CancellationToken,
    ) -> Result<Arc<Vec<u32>>, QueryError> {
        let length = dictionary.len();
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match known.get(&field) {
                Some(Known::Made(ranks)) if ranks.len() == length as usize + 1 => return Ok(ranks.clone()),
                Some(Known::Making(of)) if *of == length => {}
                _ => {
                    known.insert(field, Known::Making(length));
                    let (shared, dictionary) = (self.0.clone(), dictionary.clone());
                    std::thread::spawn(move || {
                        let ranks = Known::Made(Arc::new(ranks(field, &dictionary)));
                        shared.known.lock().unwrap_or_else(PoisonError::into_inner).insert(field, ranks);
                        shared.made.notify_all();
                    });
                }
            }
            if cancel.is_cancelled() {
                return Err(QueryError::Cancelled);
            }
            let waited = self.0.made.wait_timeout(known, BETWEEN_LOOKS);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn ranks(field: Field, dictionary: &Dictionary) -> Vec<u32> {
    let mut ids: Vec<u32> = (1..=dictionary.len()).collect();
    let value = |id: &u32| Value::of_field(field, dictionary.get(*id));
    if field.spec().value == ValueType::Integer {
        ids.sort_by_cached_key(value);
    } else {
        let order = |one: &u32, other: &u32| dictionary.get(*one).cmp(&dictionary.get(*other));
        let (lower, upper) = ids.split_at_mut(dictionary.len() as usize / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| lower.sort_unstable_by(order));
            upper.sort_unstable_by(order);
        });
        // Two runs in order: they are only merged.
        ids.sort_by(order);
    }
    // From 1, so that the opposite order has room for 0 too: 0, absent, is told apart by its id.
    let mut ranks = vec![0; ids.len() + 1];
    for (rank, id) in (1..).zip(ids) {
        ranks[id as usize] = rank;
    }
    ranks
}
