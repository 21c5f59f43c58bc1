//! The log files of the demo as structured records, as Amazon delivers them through CloudWatch Logs.
//!
//! `json` writes objects, `parquet` writes row groups. Both write the records that the lines of a log file have; a line
//! that is not a record is left out.

mod json;
mod parquet;

use std::borrow::Cow;
use std::io::{self, Write};

use crate::log::{Field, Record, records};

/// How log files are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines of the text format
    #[default]
    Text,
    /// An object per line
    Json,
    /// Parquet files
    Parquet,
}

impl LogFormat {
    /// What the names of log files end with.
    pub fn extension(self) -> &'static str {
        match self {
            LogFormat::Text => "",
            LogFormat::Json => ".json",
            LogFormat::Parquet => ".parquet",
        }
    }

    /// Writes lines of the text format in this format.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(self, lines: &[u8], out: &mut (impl Write + Send)) -> io::Result<()> {
        match self {
            LogFormat::Text => out.write_all(lines),
            LogFormat::Json => json::write(lines, out),
            LogFormat::Parquet => parquet::write(lines, out),
        }
    }
}

/// The records of lines.
fn records_of(lines: &[u8]) -> impl Iterator<Item = Record<'_>> {
    lines.split(|byte| *byte == b'\n').flat_map(|line| records(line).filter_map(|(_, record)| record.ok()))
}

/// The key: the true one, or that of the line if no request URI shows which of both it is.
fn key_name<'l>(record: &Record<'l>) -> Option<Cow<'l, [u8]>> {
    match record.logged(Field::RequestUri) {
        Some(_) => record.key(),
        None => record.logged(Field::Key).map(Cow::Borrowed),
    }
}

/// The milliseconds of the time of a record, which the text format does not have: derived from the request id.
fn milliseconds_of(record: &Record<'_>) -> u32 {
    let id = record.logged(Field::RequestId).unwrap_or_default();
    id.iter().fold(7, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte))) % 1000
}
