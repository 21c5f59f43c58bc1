//! Keeps the most used values in memory, up to a number of bytes.

use std::hash::Hash;

use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};

/// Values by key. Threads share it. When the values take more bytes than allowed, the least used ones are dropped.
pub(crate) struct ByteCache<K, V>(Cache<K, Weighed<V>, Bytes>);

#[derive(Clone)]
struct Weighed<V> {
    value: V,
    bytes: u64,
}

#[derive(Clone)]
struct Bytes;

impl<K, V> Weighter<K, Weighed<V>> for Bytes {
    fn weight(&self, _: &K, weighed: &Weighed<V>) -> u64 {
        weighed.bytes
    }
}

/// Approximate bytes of memory that an entry takes besides its value.
const ENTRY_BYTES: u64 = 64;
/// Number of values that the table has space for initially.
const INITIAL_VALUES: usize = 256;

impl<K: Eq + Hash + Clone, V: Clone> ByteCache<K, V> {
    /// A cache of values of at most `max_bytes` bytes.
    pub(crate) fn new(max_bytes: usize) -> Self {
        // One shard: a value may be as large as the whole cache.
        let mut options = OptionsBuilder::new();
        options.shards(1).estimated_items_capacity(INITIAL_VALUES).weight_capacity(max_bytes as u64);
        ByteCache(match options.build() {
            Ok(options) => Cache::with_options(options, Bytes, Default::default(), Default::default()),
            Err(_) => Cache::with_weighter(INITIAL_VALUES, max_bytes as u64, Bytes),
        })
    }

    /// Adds or replaces a value that takes `bytes` bytes of memory.
    pub(crate) fn insert(&self, key: K, value: V, bytes: usize) {
        self.0.insert(key, Weighed { value, bytes: bytes as u64 + ENTRY_BYTES });
    }

    /// The value of a key. If it is missing, one thread loads it, with its size in bytes, while others wait.
    /// If that fails, the next thread that waits calls its own `load`.
    pub(crate) fn get_or_load<E>(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<(V, usize), E>,
    ) -> Result<V, E> {
        let weighed = self.0.get_or_insert_with(key, || {
            load().map(|(value, bytes)| Weighed { value, bytes: bytes as u64 + ENTRY_BYTES })
        })?;
        Ok(weighed.value)
    }

    /// The value of a key, if it is in memory.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).map(|weighed| weighed.value)
    }

    pub(crate) fn remove(&self, key: &K) -> Option<V> {
        self.0.remove(key).map(|(_, weighed)| weighed.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_no_more_bytes_than_allowed() {
        let cache: ByteCache<u32, u32> = ByteCache::new(100_000);
        for key in 0..1000 {
            cache.insert(key, key, 1000);
        }
        let kept = (0..1000).filter(|key| cache.remove(key) == Some(*key)).count();
        assert!((50..=100).contains(&kept), "{kept}");
    }

    #[test]
    fn a_failed_load_is_tried_again() {
        let cache: ByteCache<u32, u32> = ByteCache::new(1000);
        assert_eq!(cache.get_or_load(&1, || Err("failed")), Err("failed"));
        assert_eq!(cache.get_or_load(&1, || Ok::<_, ()>((7, 10))), Ok(7));
        assert_eq!(cache.get_or_load(&1, || Err("not called")), Ok(7));
        assert_eq!(cache.remove(&1), Some(7));
        assert_eq!(cache.remove(&1), None);
    }
}
