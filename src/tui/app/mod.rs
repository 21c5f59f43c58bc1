//! The running explorer: the terminal, the event loop, and the worker threads for queries, analyses and exports. Contains all
//! I/O of the explorer; what a key or an answer means is in `update`.

pub(super) mod analysis_runner;
mod background_engine;
mod colour_answers;
pub(super) mod config_store;
pub(super) mod export_file;
pub(super) mod frame_writer;
mod generation_poll;
mod home;
mod link_cells;
pub(super) mod link_support;
mod mutes;
pub(super) mod query_runner;
pub(super) mod session;
pub(super) mod session_file;
pub(super) mod terminal;
pub(super) mod terminal_query;
pub(super) mod write_file;
