//! The running explorer: the terminal, the event loop, queries and exports on worker threads.

pub(super) mod export_file;
pub(super) mod query_runner;
pub(super) mod session;
pub(super) mod terminal;
