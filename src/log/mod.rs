//! The format of S3 server access logs.
//!
//! Contents: the list of fields ([`FIELDS`], the only one in the project), the [`Record`], the [`Parser`], [structured records](structured), the decoding
//! of keys ([`key`]), addresses ([`address`]), HTTP methods ([`method`]), error codes ([`error_code`]), timestamps ([`time`]), and the names of log
//! files ([`object_name`]).
//! Never here: I/O, SQLite, S3, knowledge of how the cache stores a value.

pub mod address;
pub mod error_code;
mod fields;
pub mod key;
pub mod method;
mod number;
pub mod object_name;
mod parser;
mod record;
pub mod structured;
pub mod time;

pub use fields::{FIELDS, Field, FieldSpec, Kind, ValueType};
pub use parser::{
    Parser, RecordGroup, Records, Sink, TemplateMap, has_impossible_time, is_comment, is_in_template,
    is_start_of_log, records, unfinished_line,
};
pub use record::{Measures, Record, Rejection, TimeText};
