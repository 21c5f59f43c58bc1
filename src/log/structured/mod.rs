//! Structured records: schema `V_1_0` of Amazon S3, as JSON and as Parquet.
//!
//! [`schema`] lists the columns. `json/` reads objects; [`framing`] finds where they begin and end. [`parquet`] reads row groups. `draft` makes a record of the
//! values, so that a request gives the same record as in the text format; `key_spelling`, `request_time` and [`extra`]
//! do so for the key, the time, and what the text format does not have. `templates` finds what records have in common.
//! Never here: I/O, knowledge of how the cache stores a value.

mod draft;
pub mod extra;
pub mod framing;
pub(super) mod json;
mod key_spelling;
pub mod parquet;
mod request_time;
pub mod schema;
mod templates;

use draft::Arena;
use request_time::LastMinute;
use schema::COLUMNS;
use templates::Templates;

use super::parser::{ParserId, RecordGroup, Sink};
use super::{Record, Rejection};

pub use json::{has_record, is_complete, is_object_line};

/// Records in a group, as in the text format.
const GROUP: usize = super::parser::RECORDS_PER_GROUP;

/// Builds groups of records. It remembers templates from one group to the next.
#[derive(Debug, Default)]
struct GroupBuilder {
    id: ParserId,
    templates: Templates,
    minute: LastMinute,
    arena: Arena,
    members: Vec<u8>,
}

/// Arenas above this size are freed.
const MAX_ARENA_BYTES: usize = 1 << 20;

impl GroupBuilder {
    /// Begins a group.
    fn begin(&mut self) {
        if self.arena.len() > MAX_ARENA_BYTES {
            self.arena = Arena::default();
        }
        self.arena.clear();
    }

    /// Hands the records of a group on, unless there are none.
    fn end<'s>(&'s self, records: &mut [Record<'s>], sink: &mut impl Sink) {
        if !records.is_empty() {
            self.arena.apply(records);
            sink.records(&RecordGroup { records, parser: Some(self.id) });
        }
    }
}

/// The columns that a record has had so far.
#[derive(Clone, Copy, Debug, Default)]
struct ColumnSet(u32);

impl ColumnSet {
    fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds a column.
    ///
    /// # Errors
    /// If the record had it before.
    #[inline]
    fn add(&mut self, column: usize) -> Result<(), Rejection> {
        let bit = 1 << column;
        if self.0 & bit != 0 {
            return Err(Rejection::Repeated(COLUMNS[column].0));
        }
        self.0 |= bit;
        Ok(())
    }
}
