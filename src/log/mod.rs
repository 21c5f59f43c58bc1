//! The format of S3 server access logs: from the bytes of a line to a [`Record`] that borrows them.
//!
//! Here live the list of fields ([`fields`], the only one in the project), the parser ([`record`]),
//! key decoding ([`key`]), timestamps ([`time`]) and the names of log files ([`name`]).
//! Never here: I/O, SQLite, S3.

pub mod fields;
pub mod key;
pub mod name;
pub mod record;
pub mod time;

pub use fields::{FIELDS, Field, FieldSpec, Kind, ValueType};
pub use record::{Record, Rejection, parse_line};
