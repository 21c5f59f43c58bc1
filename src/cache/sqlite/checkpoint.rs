//! Background checkpoints: copies the write-ahead log into the cache file while the next segment is being filled.
//!
//! A checkpoint syncs the disk twice and writes all data a second time. On the writer's thread it would take a
//! quarter of the time, while the parsers are idle. SQLite allows another connection to do it: a
//! commit is valid whether its pages are in the log or in the file.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::cache::sqlite::connection;

/// The writer itself checkpoints when the log has this many pages. That limits the log to 128 MB on a disk that is
/// too slow for the log and the checkpoints.
const AUTOCHECKPOINT_PAGES: i64 = 4000;

/// A thread that checkpoints on request. Dropping this ends the thread.
pub(crate) struct Checkpointer {
    /// `None` ends the thread.
    request: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread for the cache of the connection `writer`. `None` if that fails; then the writer
    /// continues to checkpoint itself.
    pub(crate) fn start(path: &Path, writer: &Connection) -> Option<Checkpointer> {
        let connection = connection::open_checkpointer(path).ok()?;
        let (request, requests) = sync_channel(1);
        let work = move || {
            for () in requests {
                // The writer gets the same error and reports it. It also checkpoints everything at its end.
                let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work).ok()?;
        let checkpointer = Checkpointer { request: Some(request), thread: Some(thread) };
        writer.pragma_update(None, "wal_autocheckpoint", AUTOCHECKPOINT_PAGES).ok()?;
        Some(checkpointer)
    }

    /// Requests a checkpoint after a commit.
    pub(crate) fn request(&self) {
        if let Some(request) = &self.request {
            // A full channel has a pending request, which covers this one.
            let _ = request.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.request = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
