//! Answers as table, CSV, JSON and NDJSON: what scripts and people read.
//!
//! Here live the columns of an answer (`columns`), a writer per format, and how numbers ([`human`]) and
//! hostile text ([`visible`](mod@visible)) are shown; the explorer shares the last two. Rows are written
//! one by one. Never here: questions, files.

mod columns;
pub mod human;
mod json;
mod table;
mod text;
pub mod visible;

use std::io::{self, Write};

use crate::query::{Answer, Ask};

pub use visible::visible;

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: aligned columns, readable numbers.
    #[default]
    Table,
    /// RFC 4180, with a header.
    Csv,
    /// One array of objects.
    Json,
    /// An object a line.
    Ndjson,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Table, Format::Csv, Format::Json, Format::Ndjson];

    /// Name in `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
        }
    }
}

/// Writes the answer to a question.
///
/// `width` is how many columns of a terminal a table may take; `None`: as many as it needs.
///
/// # Errors
/// If `out` cannot be written.
pub fn write(
    answer: &Answer,
    ask: &Ask,
    format: Format,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sheet = columns::sheet(answer, ask, format == Format::Table);
    match format {
        Format::Table => table::write(sheet, width, out),
        Format::Csv => text::write_csv(sheet, out),
        Format::Json => json::write_array(sheet, out),
        Format::Ndjson => json::write_lines(sheet, out),
    }
}

#[cfg(test)]
mod tests;
