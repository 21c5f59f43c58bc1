//! Things kept in memory within a budget.

use std::collections::HashMap;
use std::hash::Hash;

/// Things by name, the least used dropped when they take too much memory.
pub struct Budgeted<K, T> {
    things: HashMap<K, (T, usize, u64)>,
    memory: usize,
    budget: usize,
    clock: u64,
}

impl<K: Eq + Hash, T: Clone> Budgeted<K, T> {
    /// None yet, of at most `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Budgeted { things: HashMap::new(), memory: 0, budget, clock: 0 }
    }

    /// One of them, if it is here.
    pub fn get(&mut self, key: &K) -> Option<T> {
        self.clock += 1;
        let (thing, _, used) = self.things.get_mut(key)?;
        *used = self.clock;
        Some(thing.clone())
    }

    /// Removes and returns an entry.
    pub fn remove(&mut self, key: &K) -> Option<T> {
        let (thing, memory, _) = self.things.remove(key)?;
        self.memory -= memory;
        Some(thing)
    }

    /// Keeps one that takes this many bytes.
    pub fn put(&mut self, key: K, thing: T, memory: usize) {
        while self.memory + memory > self.budget && !self.things.is_empty() {
            // A quarter at a time, so that it is seldom done.
            let mut used: Vec<u64> = self.things.values().map(|(.., used)| *used).collect();
            used.sort_unstable();
            let old = used.get(used.len() / 4).copied().unwrap_or(u64::MAX);
            self.things.retain(|_, (.., used)| *used > old);
            self.memory = self.things.values().map(|(_, memory, _)| memory).sum();
        }
        self.clock += 1;
        if let Some((_, before, _)) = self.things.insert(key, (thing, memory, self.clock)) {
            self.memory -= before;
        }
        self.memory += memory;
    }
}
