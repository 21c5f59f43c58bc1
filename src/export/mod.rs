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

use crate::query::{Answer, Ask, Stats};

pub use columns::{Cell, Sheet, approximate};
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
    write_sheet(columns::sheet(answer, ask, format == Format::Table), format, width, out)
}

/// An answer as rows under named columns: all that JSON and CSV have.
pub fn sheet<'a>(answer: &'a Answer, ask: &Ask) -> Sheet<'a> {
    columns::sheet(answer, ask, false)
}

/// Writes rows under named columns.
///
/// # Errors
/// If `out` cannot be written.
pub fn write_sheet(
    sheet: Sheet<'_>,
    format: Format,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut pages = Pages::new(format, width);
    pages.write_sheet(sheet, out)?;
    pages.finish(out)
}

/// Writes stretches of time, by their start, in the order given; shares are taken of `whole` bytes.
///
/// # Errors
/// If `out` cannot be written.
pub fn write_stretches(
    rows: Vec<(i64, Stats)>,
    whole: u64,
    note: Option<String>,
    format: Format,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_sheet(columns::stretches(rows, whole, note), format, width, out)
}

/// Writes answers that are pages of one: one header, one array.
#[derive(Debug)]
pub struct Pages {
    format: Format,
    width: Option<u16>,
    is_begun: bool,
}

impl Pages {
    /// Nothing is written yet.
    pub fn new(format: Format, width: Option<u16>) -> Pages {
        Pages { format, width, is_begun: false }
    }

    /// Writes a page.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&mut self, answer: &Answer, ask: &Ask, out: &mut dyn Write) -> io::Result<()> {
        self.write_sheet(columns::sheet(answer, ask, self.format == Format::Table), out)
    }

    /// Writes what stands behind the last page.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => json::end(!self.is_begun, out),
            Format::Table | Format::Csv | Format::Ndjson => Ok(()),
        }
    }

    /// Writes rows under named columns, those of all pages the same.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_sheet(&mut self, sheet: Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Table => table::write(sheet, self.width, out)?,
            Format::Csv => text::write_csv(sheet, !self.is_begun, out)?,
            Format::Json => {
                // The bracket is written with the first row, or at the end if there is none.
                self.is_begun |= json::write_array_part(sheet, !self.is_begun, out)?;
                return Ok(());
            }
            Format::Ndjson => json::write_lines(sheet, out)?,
        }
        self.is_begun = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
