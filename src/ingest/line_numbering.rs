//! The numbers of lines of a file whose pieces are parsed side by side: how many stand before a piece is known when
//! all pieces before it are parsed, in whatever order that happens.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Pieces of a file, from 0, and the number of the first line of each, from 1.
#[derive(Debug, Default)]
pub struct LineNumbering {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The first piece whose lines are not counted, and the number of its first line.
    next: u64,
    line: u64,
    /// Lines of the pieces behind it, as far as they are counted.
    counts: HashMap<u64, u64>,
    /// First lines of those before it that nobody has asked for.
    firsts: HashMap<u64, u64>,
    /// The first piece that cannot be read.
    broken: Option<u64>,
    /// How many wait for more.
    waiting: usize,
}

impl Default for State {
    fn default() -> State {
        State { next: 0, line: 1, counts: HashMap::new(), firsts: HashMap::new(), broken: None, waiting: 0 }
    }
}

/// What is known of the piece that was counted last by somebody, and so of all that they counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstLine {
    /// The numbers of their lines.
    Known,
    /// Others are still to count lines before it.
    Pending,
    /// Somewhere before it lines will never be counted; all before that are.
    Unavailable,
}

/// The promise to count the lines of a piece. Whoever drops it has broken it.
#[derive(Debug)]
pub struct ChunkTicket<'n> {
    numbers: &'n LineNumbering,
    piece: u64,
    is_over: bool,
}

impl ChunkTicket<'_> {
    /// Of which piece.
    pub fn piece(&self) -> u64 {
        self.piece
    }

    /// The piece has so many lines.
    pub fn counted(mut self, lines: u64) {
        self.is_over = true;
        let mut guard = self.numbers.state();
        let state = &mut *guard;
        state.counts.insert(self.piece, lines);
        while state.broken != Some(state.next)
            && let Some(lines) = state.counts.remove(&state.next)
        {
            state.firsts.insert(state.next, state.line);
            state.line += lines;
            state.next += 1;
        }
        self.numbers.tell(guard);
    }

    /// It cannot be read. Tells whether it is the first time that something cannot.
    pub fn give_up(mut self) -> bool {
        self.is_over = true;
        self.numbers.give_up(self.piece)
    }
}

impl Drop for ChunkTicket<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.numbers.give_up(self.piece);
        }
    }
}

impl LineNumbering {
    /// Promises that the lines of a piece will be counted. Pieces are claimed in their order.
    pub fn claim(&self, piece: u64) -> ChunkTicket<'_> {
        ChunkTicket { numbers: self, piece, is_over: false }
    }

    /// Whether a piece will never be counted.
    pub fn are_broken(&self) -> bool {
        self.state().broken.is_some()
    }

    /// Whether all lines up to this piece are counted.
    pub fn are_known(&self, piece: u64) -> FirstLine {
        self.state().are_known(piece)
    }

    /// Waits until that is certain.
    pub fn wait(&self, piece: u64) -> FirstLine {
        let mut state = self.state();
        state.waiting += 1;
        while state.are_known(piece) == FirstLine::Pending {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.are_known(piece)
    }

    /// The number of the first line of a piece, if it is known: told once.
    pub fn first_line(&self, piece: u64) -> Option<u64> {
        self.state().firsts.remove(&piece)
    }

    fn give_up(&self, piece: u64) -> bool {
        let mut state = self.state();
        let before = state.broken;
        state.broken = Some(before.map_or(piece, |before| before.min(piece)));
        self.tell(state);
        before.is_none()
    }

    /// Lets those who wait know what has changed. Not under the lock: to wake somebody is a good moment to be
    /// interrupted, and all others would stand before it.
    fn tell(&self, state: MutexGuard<'_, State>) {
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Nothing in here is left half-done by who breaks down.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn are_known(&self, piece: u64) -> FirstLine {
        match self.broken {
            _ if piece < self.next => FirstLine::Known,
            // Those before it are claimed, so they will be counted.
            Some(broken) if broken > self.next => FirstLine::Pending,
            Some(_) => FirstLine::Unavailable,
            None => FirstLine::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_in_the_order_of_the_file_whatever_is_counted_first() {
        let numbers = LineNumbering::default();
        let [first, second, third] = [0, 1, 2].map(|piece| numbers.claim(piece));
        third.counted(5);
        assert_eq!(numbers.are_known(2), FirstLine::Pending);
        first.counted(10);
        assert_eq!((numbers.are_known(0), numbers.are_known(1)), (FirstLine::Known, FirstLine::Pending));
        second.counted(0);
        assert_eq!(numbers.wait(2), FirstLine::Known);
        let firsts = [0, 1, 2, 3].map(|piece| numbers.first_line(piece));
        assert_eq!(firsts, [Some(1), Some(11), Some(11), None]);
    }

    #[test]
    fn nobody_waits_for_who_broke_down_and_what_stands_before_is_numbered() {
        let numbers = LineNumbering::default();
        let [before, broken, behind] = [0, 1, 2].map(|piece| numbers.claim(piece));
        behind.counted(3);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| numbers.wait(2));
            drop(broken);
            assert_eq!(numbers.are_known(2), FirstLine::Pending, "a piece before it is being counted");
            before.counted(7);
            assert_eq!(waiting.join().unwrap(), FirstLine::Unavailable);
        });
        assert_eq!([0, 1, 2].map(|piece| numbers.first_line(piece)), [Some(1), None, None]);
        assert!(numbers.are_broken());
        assert!(!numbers.claim(3).give_up(), "that one is broken is told already");
    }
}
