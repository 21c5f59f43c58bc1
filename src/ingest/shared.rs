//! A large log file that is there already, on the disk: the parsers take its blocks themselves, in turns.
//!
//! A thread of its own that reads for them would have to be woken for every block, and what it reads would be in
//! the cache of another processor than the one that parses it.

use std::io::BufRead;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::blocks::{Cutter, without};
use super::counters::Counters;
use super::{Block, Stop};
use crate::cache::FileMark;

/// Files from this size on are read in turns: of a smaller one there is little for a second parser.
pub const FROM_BYTES: u64 = 4 << 20;

/// The file, and who is told how it went.
pub struct SharedFile {
    pub source: usize,
    pub file: Arc<FileMark>,
    pub known: Vec<Range<u64>>,
    /// Gone when there is nothing more to take.
    pub cutter: Mutex<Option<Cutter<Box<dyn BufRead + Send>>>>,
    pub counters: Arc<Counters>,
    pub stop: Stop,
    /// Closed with the last hold on the file: it was read, as far as it could be.
    pub _read: oneshot::Sender<()>,
}

impl SharedFile {
    /// The next blocks, nearly always one; `None` after the last. What goes wrong is noted as a failure of the
    /// file, and the blocks before it stay good.
    pub fn next(&self) -> Option<impl Iterator<Item = Block>> {
        let lines = {
            // Poisoned: whoever broke down while reading is told of elsewhere.
            let mut cutter = self.cutter.lock().ok()?;
            match cutter.as_mut().filter(|_| !self.stop.is_asked())?.next() {
                Ok(Some(lines)) => lines,
                Ok(None) => {
                    *cutter = None;
                    return None;
                }
                Err(error) => {
                    *cutter = None;
                    let reason = error.to_string();
                    self.counters.file_failed(&self.file.name, reason.clone(), &reason);
                    return None;
                }
            }
        };
        Some(without(lines, &self.known).into_iter().map(|lines| Block::new(self.source, &self.file, lines)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Cursor, Read};
    use std::sync::atomic::Ordering::Relaxed;

    use super::super::blocks::Buffers;
    use super::*;

    fn shared(content: impl Read + Send + 'static, size: u64) -> (SharedFile, oneshot::Receiver<()>) {
        let (sender, read) = oneshot::channel();
        let mark = FileMark { name: "a.log".to_owned(), version: None, size: Some(size) };
        let reader: Box<dyn BufRead + Send> = Box::new(BufReader::new(content));
        let file = SharedFile {
            source: 0,
            file: Arc::new(mark),
            known: Vec::new(),
            cutter: Mutex::new(Some(Cutter::new(reader, Buffers::new(4), Some(size)))),
            counters: Arc::default(),
            stop: Stop::default(),
            _read: sender,
        };
        (file, read)
    }

    fn lines(count: usize) -> Vec<u8> {
        (0..count).flat_map(|number| format!("line {number:>100}\n").into_bytes()).collect()
    }

    #[test]
    fn each_block_is_taken_once_and_the_end_is_told_when_all_let_go() {
        let content = lines(10_000);
        let (file, mut read) = shared(Cursor::new(content.clone()), content.len() as u64);
        let file = Arc::new(file);
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let file = file.clone();
                std::thread::spawn(move || {
                    std::iter::from_fn(|| file.next()).flatten().collect::<Vec<Block>>()
                })
            })
            .collect();
        let mut blocks: Vec<Block> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        blocks.sort_by_key(|block| block.first_line);
        assert!(blocks.len() > 3);
        assert_eq!(blocks.iter().filter(|block| block.is_last).count(), 1);
        let taken: Vec<u8> = blocks.into_iter().flat_map(|block| block.lines).collect();
        assert!(taken == content);
        assert!(read.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        drop(file);
        assert!(read.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn a_file_that_cannot_be_read_on_is_told_once_and_what_came_before_is_good() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let (file, _read) = shared(Cursor::new(lines(10_000)).chain(Broken), 2_000_000);
        let blocks: Vec<Block> = std::iter::from_fn(|| file.next()).flatten().collect();
        assert!(blocks.len() > 2 && blocks.iter().all(|block| !block.is_last));
        assert!(file.next().is_none());
        assert_eq!(file.counters.files_failed.load(Relaxed), 1);
    }

    #[test]
    fn nothing_more_is_taken_when_a_stop_is_asked_for() {
        let (file, _read) = shared(Cursor::new(lines(10_000)), 2_000_000);
        assert!(file.next().is_some());
        file.stop.stop();
        assert!(file.next().is_none());
        assert_eq!(file.counters.files_failed.load(Relaxed), 0);
    }
}
