//! Folding the write-ahead log into the cache while the next segment is being made.
//!
//! A checkpoint waits for the disk twice, and all that is written is written again. On the thread of the writer
//! that is a quarter of its time, and the parsers have nothing to do meanwhile. SQLite lets another connection do
//! it: what is committed stays committed, wherever it lies.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::schema;

/// Pages from which on the writer folds the log itself, so that it stays bounded (128 MB) on a disk that is too
/// slow for both.
const MOST_PAGES: i64 = 4000;

/// A thread that folds the log when it is told to. It ends with this.
pub struct Checkpointer {
    /// Gone when it is to end.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// For the cache that `writer` writes to. `None`: it cannot be had, and the writer goes on folding by itself.
    pub fn start(path: &Path, writer: &Connection) -> Option<Checkpointer> {
        let connection = schema::open_checkpointer(path).ok()?;
        let (wake, woken) = sync_channel(1);
        let work = move || {
            for () in woken {
                // Whatever went wrong goes wrong for the writer too, who tells it; and it folds all at its end.
                let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work).ok()?;
        let checkpointer = Checkpointer { wake: Some(wake), thread: Some(thread) };
        writer.pragma_update(None, "wal_autocheckpoint", MOST_PAGES).ok()?;
        Some(checkpointer)
    }

    /// Something was committed.
    pub fn wake(&self) {
        if let Some(wake) = &self.wake {
            // If it has not come to the last one yet, it takes both along.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
