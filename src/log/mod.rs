//! The format of S3 server access logs: from the bytes of a line to a [`Record`] that borrows them.
//!
//! Here live the list of fields ([`fields`], the only one in the project), records ([`record`]) and the
//! ways to them (`plain` for lines as S3 writes them, `line` for all others, `forms` for the forms of other
//! servers, `glue` for lines that hold two), addresses ([`address`]), key decoding ([`key`]), timestamps ([`time`]) and
//! the names of log files ([`name`]).
//! Never here: I/O, SQLite, S3.

pub mod address;
mod comment;
pub mod fields;
mod forms;
pub mod frames;
pub mod glance;
mod glue;
pub mod key;
mod line;
mod marks;
pub mod method;
pub mod name;
mod plain;
pub mod record;
mod tail;
#[cfg(test)]
mod tests;
pub mod time;
mod whole;

pub use comment::{is_comment, is_start};
pub use fields::{FIELDS, Field, FieldSpec, Kind, ValueType};
pub use frames::Frames;
pub use marks::{Line, Lines};
pub use record::{LARGEST_MEASURE, Measures, Record, Records, Rejection, parse_line, read_plain, records};
pub use whole::looks_whole;
