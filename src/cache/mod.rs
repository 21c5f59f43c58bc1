//! The local cache: one SQLite file with the catalogue of sources and log files, a dictionary per
//! dimension, and segments of packed columns. docs/cache-format.md describes it byte by byte.
//!
//! A cache has at most one [`Writer`], which an advisory lock ensures, and any number of readers ([`Cache`]), each with
//! consistent [`Snapshot`]s.
//!
//! | module | contains |
//! |---|---|
//! | `sqlite` | the tables: schema, journal, lock, root, catalogue, log files, segments, checks |
//! | `column` | how columns become bytes: packed integers, pages of text, value sets, checksums |
//! | `dictionary` | the distinct values of dimensions, each with a value id |
//! | `write` | batches, the memtable, repeats, the writer |
//! | `read` | the cache as readers see it: snapshots, columns |
//!
//! Never here: queries.

mod column;
pub(crate) mod dictionary;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod read;
mod sqlite;
#[cfg(test)]
pub(crate) mod testing;
mod write;

#[cfg(test)]
pub(crate) use column::text::{Hint, PageBuilder};
// Sorting by text compares stored texts.
pub(crate) use column::text::{TextPage, stored as stored_text};
pub(crate) use read::{ByteCache, PageBuffers, RowKeys, TextColumn};
pub use sqlite::{catalogue, check};

pub use column::integers::BLOCK;
pub use column::value_set::ValueSet;
pub use dictionary::Dictionary;
pub use dictionary::published::SharedDictionaries;
pub use error::CacheError;
pub use ids::{SegmentId, SourceId};
pub use read::{Cache, IntColumn, NumberBlock, SegmentInfo, Snapshot, TimeBlock, code};
pub use sqlite::muted::{MutedRow, mute, unmute};
pub use sqlite::new_cache::NewCache;
pub use sqlite::paths::{is_missing_or_empty, make_folder};
pub use sqlite::prune::Pruned;
pub use sqlite::sources::{Deleted, Monitoring};
pub use write::batch::{BATCH_BYTES, Batch};
pub use write::batch_builder::BatchBuilder;
pub use write::file_part::{CUT_LINE_REASON, FileMark, FilePart, LineRun, RejectedLine};
pub use write::writer::{Appended, Writer, WriterOptions};
