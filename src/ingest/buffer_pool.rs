//! Pools of reusable buffers. The kernel clears every page of new memory, which takes longer than parsing what is
//! read into it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{byte_budget::ByteBudget, cutter::BLOCK_BYTES, lines_block::MAX_LINE_BYTES};

/// Capacity of the largest read buffer that returns to the pool. Larger ones were grown for a long line.
pub(super) const MAX_POOLED_BYTES: usize = 4 * BLOCK_BYTES;

/// Long lines in memory between the cutter and the parser. Parsers of a chunked file may hold another two.
const MAX_LONG_LINES: usize = 2;

/// Values of one type, kept for reuse.
pub(super) struct BufferPool<T> {
    free: Mutex<Vec<T>>,
    capacity: usize,
}

impl<T> BufferPool<T> {
    pub(super) fn new(capacity: usize) -> BufferPool<T> {
        BufferPool { free: Mutex::default(), capacity }
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
    pool: Arc<BufferPool<Vec<u8>>>,
    /// A cutter reserves [`MAX_LINE_BYTES`] of it before it grows a buffer for a long line.
    pub(super) cutter_budget: ByteBudget,
    /// The same for a parser that reads a file itself. It is separate, because cut lines hold their reservation until
    /// a parser takes them: a parser that waited for the budget of the cutters could wait forever.
    pub(super) parser_budget: ByteBudget,
}

impl ReadBuffers {
    pub(super) fn new(capacity: usize) -> ReadBuffers {
        let budget = || ByteBudget::new(MAX_LONG_LINES * MAX_LINE_BYTES);
        let pool = Arc::new(BufferPool::new(capacity));
        ReadBuffers { pool, cutter_budget: budget(), parser_budget: budget() }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_returned_value_is_taken_first_and_a_full_pool_drops_values() {
        let pool = Arc::new(BufferPool::new(2));
        (1..=3).for_each(|value| pool.put(value));
        assert_eq!([pool.take(), pool.clone().take(), pool.take()], [Some(2), Some(1), None]);
    }
}
