//! The cache as readers see it: typed columns of consistent [`Snapshot`]s.
//!
//! Packed columns and decompressed pages stay in memory, up to a number of bytes. Segments never change, so these
//! never become stale. Never here: how tables are written, and queries.

mod byte_cache;
mod cache;
mod dictionaries;
mod int_column;
mod origins;
mod snapshot;
mod text_column;
mod text_pages;

pub(crate) use byte_cache::ByteCache;
pub use cache::{Cache, SegmentInfo};
pub use int_column::{IntColumn, NumberBlock, TimeBlock, code};
pub use snapshot::Snapshot;
pub(crate) use text_column::{RowKeys, TextColumn};
pub(crate) use text_pages::PageBuffers;
