//! Tables in Markdown, as GitHub, GitLab and ticket systems show them ("GitHub Flavored Markdown Spec", tables).

use std::io::{self, Write};

use super::sheet::{Cell, Sheet};
use super::table::format_cell;

/// Writes the rows of a sheet, and the heading if wanted. Numbers are rounded and have units, as in a table for people.
pub(super) fn write(sheet: Sheet<'_>, with_heading: bool, out: &mut dyn Write) -> io::Result<()> {
    if with_heading {
        write_row(sheet.titles.iter().map(|title| escaped(title)), out)?;
        write_row(sheet.titles.iter().map(|_| "---".to_owned()), out)?;
    }
    for row in sheet.rows {
        write_row(row.iter().map(text_of), out)?;
    }
    if let Some(note) = sheet.note {
        writeln!(out, "\n{}", escaped(&note))?;
    }
    Ok(())
}

fn write_row(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "|")?;
    for cell in cells {
        write!(out, " {cell} |")?;
    }
    writeln!(out)
}

fn text_of(cell: &Cell<'_>) -> String {
    let (text, _) = format_cell(cell);
    if cell.text().is_some() { escaped(&text) } else { text }
}

/// Escapes the characters that have a meaning in Markdown or HTML: text from logs must not become a link, an image or a
/// column.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        // `https://…` would become a link by itself.
        if "\\`*_[]<>|~&@".contains(c) || text[at..].starts_with("://") {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
