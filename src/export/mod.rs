//! Writes answers as table, CSV, JSON, NDJSON and Markdown.
//!
//! An answer becomes a [`Sheet`] of named columns (`columns`), which a writer for each format prints row by row. The
//! explorer also uses [`visible`](mod@visible), which escapes invisible characters.
//!
//! Never here: queries, files.

mod columns;
mod contrast;
mod csv;
mod findings;
mod json;
mod markdown;
mod sheet;
mod table;
pub mod visible;

use std::io::{self, Write};

use crate::query::{Answer, Ask};

pub use columns::{approximate, bucket_sheet};
pub use contrast::{concentration_sheet, contrast_sheet};
pub use findings::{FindingRow, finding_line, findings_sheet, mute_text, write_findings};
pub use sheet::{Cell, Sheet};
pub use visible::visible;

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns and rounded numbers, for people.
    #[default]
    Table,
    /// CSV (RFC 4180) with a header.
    Csv,
    /// One JSON array of objects.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// A table in Markdown, for tickets and wikis.
    Markdown,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 5] = [Format::Table, Format::Csv, Format::Json, Format::Ndjson, Format::Markdown];

    /// Name in `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Markdown => "markdown",
        }
    }
}

/// Writes the answer to `ask`. `width` limits the width of a table, in terminal columns; `None` is unlimited.
pub fn write(
    answer: &Answer,
    ask: &Ask,
    format: Format,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_sheet(columns::sheet(answer, ask, format == Format::Table), format, width, out)
}

/// The answer to `ask` as a sheet with all columns of JSON and CSV.
pub fn sheet<'a>(answer: &'a Answer, ask: &Ask) -> Sheet<'a> {
    columns::sheet(answer, ask, false)
}

/// Writes a sheet.
pub fn write_sheet(
    sheet: Sheet<'_>,
    format: Format,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = PagedWriter::new(format, width);
    writer.write_sheet(sheet, out)?;
    writer.finish(out)
}

/// Writes several pages as one output: with one CSV header, as one JSON array.
#[derive(Debug)]
pub struct PagedWriter {
    format: Format,
    width: Option<u16>,
    has_output: bool,
}

impl PagedWriter {
    /// A writer that has written nothing yet.
    pub fn new(format: Format, width: Option<u16>) -> PagedWriter {
        PagedWriter { format, width, has_output: false }
    }

    /// Writes an answer to `ask` as the next page.
    pub fn write(&mut self, answer: &Answer, ask: &Ask, out: &mut dyn Write) -> io::Result<()> {
        self.write_sheet(columns::sheet(answer, ask, self.format == Format::Table), out)
    }

    /// Writes the end of the output.
    pub fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => out.write_all(if self.has_output { b"\n]\n" } else { b"[]\n" }),
            Format::Table | Format::Csv | Format::Ndjson | Format::Markdown => Ok(()),
        }
    }

    /// Writes a sheet as the next page. All pages must have the same columns.
    pub fn write_sheet(&mut self, sheet: Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Table => table::write(sheet, self.width, out)?,
            Format::Csv => csv::write(sheet, !self.has_output, out)?,
            Format::Json => {
                // The first row, or `finish`, writes the opening bracket.
                self.has_output |= json::write_elements(sheet, !self.has_output, out)?;
                return Ok(());
            }
            Format::Ndjson => json::write_lines(sheet, out)?,
            Format::Markdown => markdown::write(sheet, !self.has_output, out)?,
        }
        self.has_output = true;
        Ok(())
    }
}
