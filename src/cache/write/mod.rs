//! The write path: batches of parsed rows, the memtable, repeats, the writer. Never here: how tables and columns are
//! laid out.

pub(super) mod batch;
pub(super) mod batch_builder;
pub(super) mod encoded_column;
pub(super) mod file_part;
pub(super) mod memtable;
pub(super) mod repeats;
pub(super) mod row_numbers;
mod tail;
pub(super) mod writer;
