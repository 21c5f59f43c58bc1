//! The local cache: one SQLite file with the catalogue of sources and log files, a dictionary per
//! dimension, and segments of packed columns. docs/cache-format.md describes it byte by byte.
//!
//! One [`Writer`] (an advisory lock sees to that), any number of readers ([`Cache`], each [`Snapshot`]
//! consistent). Here live the schema, the codecs, the catalogue. Never here: questions.

pub mod batch;
pub mod budgeted;
pub mod catalogue;
pub mod check;
mod checkpoint;
mod checksum;
mod chunk;
pub mod codec;
pub mod dictionary;
mod duplicates;
mod error;
mod known;
pub mod layout;
mod lock;
mod log_files;
mod made;
mod open_segment;
mod place;
mod presence;
mod prune;
mod purged;
mod reader;
mod recent;
mod root;
mod row_numbers;
mod runs;
mod schema;
mod segment_rows;
mod segments;
mod stored_values;
#[cfg(test)]
pub(crate) mod testing;
pub mod upkeep;
mod value_table;
mod versions;
mod writer;

pub use batch::{BATCH_BYTES, Batch, BatchBuilder, CUT_LINE_REASON, FileMark, LineRun, Part, RejectedLine};
pub use codec::integers::{BLOCK, Integers};
pub use dictionary::Dictionary;
pub use error::CacheError;
pub use known::Knowledge;
pub use made::Made;
pub use place::{is_missing_or_empty, make_folder};
pub use presence::Presence;
pub use prune::Pruned;
pub use reader::{Cache, Details, Mapped, PageMemory, SegmentInfo, Snapshot};
pub use upkeep::{Deleted, Monitoring};
pub use writer::{Appended, Writer, WriterOptions};
