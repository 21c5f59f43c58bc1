//! Line numbers for a file whose chunks are read in any order: the first line of a chunk has a number as soon as the
//! lines of all chunks before it are counted.

use std::collections::HashMap;

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Counts the lines of chunks and numbers their first lines. Chunks are numbered from 0, lines from 1.
#[derive(Debug, Default)]
pub(super) struct LineNumbering {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first chunk whose lines are not counted yet.
    next_chunk: u64,
    /// Lines of the chunks before `next_chunk`.
    lines_before: u64,
    /// Line counts of chunks after `next_chunk`.
    counts: HashMap<u64, u64>,
    /// First lines of chunks before `next_chunk` that were not taken yet.
    first_lines: HashMap<u64, u64>,
    failed_chunk: Option<u64>,
    /// Threads in [`LineNumbering::wait`].
    waiting: usize,
}

/// Whether the number of the first line of a chunk is known. If it is not pending for a
/// chunk, it is not pending for any chunk before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstLine {
    Known,
    /// Chunks before it are still being counted.
    Pending,
    /// It stays unknown, because a chunk before it cannot be read. All chunks before the failed one are counted.
    Unavailable,
}

/// The obligation to count the lines of a chunk. Dropping the ticket marks the chunk as failed.
#[derive(Debug)]
pub(super) struct ChunkTicket<'n> {
    numbering: &'n LineNumbering,
    pub(super) chunk: u64,
    is_done: bool,
}

impl ChunkTicket<'_> {
    /// Reports how many lines begin in the chunk.
    pub(super) fn counted(mut self, lines: u64) {
        self.is_done = true;
        let mut guard = self.numbering.state.lock();
        let state = &mut *guard;
        state.counts.insert(self.chunk, lines);
        while state.failed_chunk != Some(state.next_chunk)
            && let Some(lines) = state.counts.remove(&state.next_chunk)
        {
            state.first_lines.insert(state.next_chunk, state.lines_before + 1);
            state.lines_before += lines;
            state.next_chunk += 1;
        }
        self.numbering.notify(guard);
    }

    /// Reports that the file is not read in chunks from this one on.
    pub(super) fn end(self) {
        self.fail();
    }

    /// Reports that the chunk cannot be read. Returns whether this is the first failure of the file.
    pub(super) fn fail(mut self) -> bool {
        self.is_done = true;
        self.numbering.fail(self.chunk)
    }
}

impl Drop for ChunkTicket<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.numbering.fail(self.chunk);
        }
    }
}

impl LineNumbering {
    /// The ticket of a chunk. Callers take tickets in the order of chunks.
    pub(super) fn ticket(&self, chunk: u64) -> ChunkTicket<'_> {
        ChunkTicket { numbering: self, chunk, is_done: false }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state.lock().failed_chunk.is_some()
    }

    /// The first chunk that was not counted and the number of its first line, if it failed and all chunks before it were
    /// counted.
    pub(super) fn first_failed(&self) -> Option<(u64, u64)> {
        let state = self.state.lock();
        (state.failed_chunk == Some(state.next_chunk)).then_some((state.next_chunk, state.lines_before + 1))
    }

    /// Whether the first line of `chunk`, which was counted, has a number.
    pub(super) fn state_of(&self, chunk: u64) -> FirstLine {
        self.state.lock().state_of(chunk)
    }

    /// Waits until [`state_of`](Self::state_of) is no longer pending.
    pub(super) fn wait(&self, chunk: u64) -> FirstLine {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.wait_while(&mut state, |state| state.state_of(chunk) == FirstLine::Pending);
        state.waiting -= 1;
        state.state_of(chunk)
    }

    /// Removes and returns the number of the first line of `chunk`, if it is known.
    pub(super) fn take_first_line(&self, chunk: u64) -> Option<u64> {
        self.state.lock().first_lines.remove(&chunk)
    }

    fn fail(&self, chunk: u64) -> bool {
        let mut state = self.state.lock();
        let earlier = state.failed_chunk;
        state.failed_chunk = Some(earlier.map_or(chunk, |earlier| earlier.min(chunk)));
        self.notify(state);
        earlier.is_none()
    }

    /// Wakes waiting threads after it has released the lock. The kernel often preempts a thread that wakes another,
    /// and all parsers would then wait for the lock.
    fn notify(&self, state: MutexGuard<'_, State>) {
        let has_waiting = state.waiting > 0;
        drop(state);
        if has_waiting {
            self.changed.notify_all();
        }
    }
}

impl State {
    fn state_of(&self, chunk: u64) -> FirstLine {
        match self.failed_chunk {
            _ if chunk < self.next_chunk => FirstLine::Known,
            // Chunks before the failed one have tickets, so they will be counted.
            Some(failed) if failed > self.next_chunk => FirstLine::Pending,
            Some(_) => FirstLine::Unavailable,
            None => FirstLine::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_in_file_order_whatever_chunk_is_counted_first() {
        let numbering = LineNumbering::default();
        let [first, second, third] = [0, 1, 2].map(|chunk| numbering.ticket(chunk));
        third.counted(5);
        assert_eq!(numbering.state_of(2), FirstLine::Pending);
        first.counted(10);
        assert_eq!((numbering.state_of(0), numbering.state_of(1)), (FirstLine::Known, FirstLine::Pending));
        second.counted(0);
        assert_eq!(numbering.wait(2), FirstLine::Known);
        let first_lines = [0, 1, 2, 3].map(|chunk| numbering.take_first_line(chunk));
        assert_eq!(first_lines, [Some(1), Some(11), Some(11), None]);
    }

    #[test]
    fn a_dropped_ticket_wakes_waiting_threads_and_chunks_before_it_are_numbered() {
        let numbering = LineNumbering::default();
        let [before, dropped, after] = [0, 1, 2].map(|chunk| numbering.ticket(chunk));
        after.counted(3);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| numbering.wait(2));
            drop(dropped);
            assert_eq!(numbering.state_of(2), FirstLine::Pending, "chunk 0 is being counted");
            before.counted(7);
            assert_eq!(waiting.join().unwrap(), FirstLine::Unavailable);
        });
        assert_eq!([0, 1, 2].map(|chunk| numbering.take_first_line(chunk)), [Some(1), None, None]);
        assert!(numbering.has_failed());
        assert!(!numbering.ticket(3).fail(), "the first failure was reported already");
    }
}
