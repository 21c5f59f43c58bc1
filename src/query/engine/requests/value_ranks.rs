//! Ranks of the values of a dimension in their order: requests are sorted by them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio_util::sync::CancellationToken;

use crate::cache::Dictionary;
use crate::log::{Field, ValueType};
use crate::query::engine::cancel::check_cancelled;
use crate::query::model::value_order::ValueKey;
use crate::query::{Dimension, QueryError, Value};

/// Time between two checks for cancellation while a query waits for ranks.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The rank of each value id of a dimension, from 1, kept while the dictionary does not grow. A separate thread
/// computes them: a cancelled query does not wait for it, and the next query finds the ranks.
#[derive(Default)]
pub(crate) struct ValueRanks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    by_field: Mutex<HashMap<Field, Ranks>>,
    computed: Condvar,
}

#[derive(Clone)]
enum Ranks {
    /// A thread computes them for a dictionary of this length.
    Pending(u32),
    Ready(Arc<Vec<u32>>),
}

impl ValueRanks {
    /// The ranks of all values of a dimension, by value id.
    pub(super) fn get(
        &self,
        field: Field,
        dictionary: Dictionary,
        cancel: &CancellationToken,
    ) -> Result<Arc<Vec<u32>>, QueryError> {
        let length = dictionary.len();
        let mut by_field = self.0.by_field.lock();
        loop {
            match by_field.get(&field) {
                Some(Ranks::Ready(ranks)) if ranks.len() == length as usize + 1 => return Ok(ranks.clone()),
                Some(Ranks::Pending(of)) if *of == length => {}
                _ => {
                    by_field.insert(field, Ranks::Pending(length));
                    let (shared, dictionary) = (self.0.clone(), dictionary.clone());
                    std::thread::spawn(move || {
                        let ranks = Ranks::Ready(Arc::new(ranks(field, &dictionary)));
                        shared.by_field.lock().insert(field, ranks);
                        shared.computed.notify_all();
                    });
                }
            }
            check_cancelled(cancel)?;
            self.0.computed.wait_for(&mut by_field, POLL_INTERVAL);
        }
    }
}

fn ranks(field: Field, dictionary: &Dictionary) -> Vec<u32> {
    let mut ids: Vec<u32> = (1..=dictionary.len()).collect();
    let value = |id: &u32| Value::of_field(field, dictionary.get(*id));
    if field.spec().value != ValueType::Text {
        let by = Dimension::Field(field);
        ids.sort_by_cached_key(|id| ValueKey::new(Some(&by), &value(id), false));
    } else {
        let order = |one: &u32, other: &u32| dictionary.get(*one).cmp(&dictionary.get(*other));
        let (lower, upper) = ids.split_at_mut(dictionary.len() as usize / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| lower.sort_unstable_by(order));
            upper.sort_unstable_by(order);
        });
        // A stable sort merges the two sorted runs.
        ids.sort_by(order);
    }
    // From 1, so that the reversed order of u32 leaves 0 unused too. Id 0, absent, is not ranked.
    let mut ranks = vec![0; ids.len() + 1];
    for (rank, id) in (1..).zip(ids) {
        ranks[id as usize] = rank;
    }
    ranks
}
