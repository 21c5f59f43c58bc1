//! The format of S3 server access logs.
//!
//! Contents: the list of fields ([`fields`], the only one in the project), records ([`record`]), the parsers
//! ([`parser`]), the decoding of keys ([`key`]), addresses ([`address`]), HTTP methods ([`method`]), timestamps
//! ([`time`]) and the names of log files ([`object_name`]).
//! Never here: I/O, SQLite, S3, knowledge of how the cache stores a value.

pub mod address;
pub mod fields;
pub mod glance;
pub mod key;
pub mod method;
mod number;
pub mod object_name;
pub mod parser;
pub mod record;
pub mod time;

pub use fields::{FIELDS, Field, FieldSpec, Kind, ValueType};
pub use parser::{
    Frames, Line, Lines, Records, is_comment, is_start, looks_whole, parse_line, read_plain, records,
};
pub use record::{LARGEST_MEASURE, Measures, Record, Rejection};
