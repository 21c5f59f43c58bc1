//! The tables of the cache file: schema, journal, lock, root, catalogue, log files and segments, and the changes that
//! concern whole tables (check, prune, sources, versions of log files). Never here: how a column is encoded.

pub mod catalogue;
pub mod check;
pub(super) mod checkpoint;
pub(super) mod lock;
pub(super) mod log_files;
pub(super) mod made;
pub(super) mod place;
pub(super) mod prune;
mod purged;
pub(super) mod root;
pub(super) mod runs;
pub(super) mod schema;
pub(super) mod segment_rows;
pub(super) mod segments;
pub(super) mod sources;
mod versions;
