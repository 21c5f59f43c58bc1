//! The write path: batches of parsed rows, the segment that is being filled, duplicates, the writer.
//! Never here: how tables and columns are laid out.

pub(super) mod batch;
pub(super) mod memtable;
pub(super) mod repeats;
pub(super) mod row_numbers;
pub(super) mod writer;
