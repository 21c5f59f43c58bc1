//! The tables of the cache file: schema, journal, lock, root, catalogue, log files and segments, and the changes that
//! concern whole tables (check, prune, sources, versions of log files). Never here: how a column is encoded.

pub mod catalogue;
pub mod check;
pub(super) mod checkpoint;
pub(super) mod connection;
pub(super) mod journal;
pub(super) mod lock;
pub(super) mod log_file_reading;
pub(super) mod log_file_rows;
mod maintenance;
pub(super) mod muted;
pub(super) mod new_cache;
pub(super) mod paths;
pub(super) mod prune;
mod purge;
pub(super) mod root;
pub(super) mod runs;
pub(super) mod schema;
pub(super) mod segment_rows;
pub(super) mod segments;
pub(super) mod sources;
mod versions;
