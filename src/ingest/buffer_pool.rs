//! Pools of reusable buffers. The kernel clears every page of new memory, which takes longer than parsing what is
//! read into it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::byte_budget::{ByteBudget, Reservation};
use super::cutter::BLOCK_BYTES;
use super::lines_block::MAX_LINE_BYTES;

/// Capacity of the largest read buffer that returns to the pool. Larger ones were grown for a long line.
pub(super) const MAX_POOLED_BYTES: usize = 4 * BLOCK_BYTES;

/// Long lines in memory between the cutter and the parser. Parsers that read a [`ChunkedFile`] may have as many more.
///
/// [`ChunkedFile`]: super::chunked_file::ChunkedFile
const MAX_LONG_LINES: usize = 2;

/// Values of one type, kept for reuse. Clones share the pool.
pub(super) struct BufferPool<T> {
    free: Arc<Mutex<Vec<T>>>,
    capacity: usize,
}

impl<T> Clone for BufferPool<T> {
    fn clone(&self) -> BufferPool<T> {
        BufferPool { free: self.free.clone(), capacity: self.capacity }
    }
}

impl<T> BufferPool<T> {
    /// An empty pool that keeps up to `capacity` values.
    pub(super) fn new(capacity: usize) -> BufferPool<T> {
        BufferPool { free: Arc::default(), capacity }
    }

    /// Takes the value that was returned last: its memory is most likely still in the processor's cache.
    pub(super) fn take(&self) -> Option<T> {
        self.free.lock().pop()
    }

    /// Returns a value to the pool. A full pool drops it.
    pub(super) fn put(&self, value: T) {
        let mut free = self.free.lock();
        if free.len() < self.capacity {
            free.push(value);
        }
    }
}

/// Buffers that log files are read into, and the budgets for long lines.
#[derive(Clone)]
pub(super) struct ReadBuffers {
    pool: BufferPool<Vec<u8>>,
    cutter_budget: ByteBudget,
    /// Separate from `cutter_budget`: cut lines hold their reservation until a parser takes them, so a parser that
    /// waited for the same budget could wait forever.
    parser_budget: ByteBudget,
}

impl ReadBuffers {
    /// A pool of up to `capacity` buffers.
    pub(super) fn new(capacity: usize) -> ReadBuffers {
        let budget = || ByteBudget::new(MAX_LONG_LINES * MAX_LINE_BYTES);
        ReadBuffers { pool: BufferPool::new(capacity), cutter_budget: budget(), parser_budget: budget() }
    }

    /// A buffer with arbitrary content.
    pub(super) fn take(&self) -> Vec<u8> {
        self.pool.take().unwrap_or_default()
    }

    /// Returns a buffer to the pool, unless a long line has grown it.
    pub(super) fn put(&self, buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_POOLED_BYTES {
            self.pool.put(buffer);
        }
    }

    /// Waits until a cutter may grow a buffer for a long line.
    pub(super) fn reserve_for_cutter(&self) -> Reservation {
        self.cutter_budget.reserve(MAX_LINE_BYTES)
    }

    /// Waits until a parser may grow a buffer for a long line that it reads and parses itself.
    pub(super) fn reserve_for_parser(&self) -> Reservation {
        self.parser_budget.reserve(MAX_LINE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_returned_value_is_taken_first_and_a_full_pool_drops_values() {
        let pool = BufferPool::new(2);
        (1..=3).for_each(|value| pool.put(value));
        assert_eq!([pool.take(), pool.clone().take(), pool.take()], [Some(2), Some(1), None]);
    }
}
