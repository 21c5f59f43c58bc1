//! JSON: one array, or one object per line. Members have the order of the columns. If some columns have estimates, the
//! last member `approximate` is an array of their names; their values remain numbers.
//!
//! JSON strings cannot represent bytes that are not UTF-8. Such bytes become U+FFFD, and a member `NAME_base64` after the
//! text has all bytes. JSON has no infinite numbers either: they become null.

use std::io::{self, Write};

use base64_simd::STANDARD;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::sheet::{Cell, Sheet};
use crate::query::filter::is_invisible;

/// Writes rows as elements of an array whose first element is written if `is_first`. Returns whether there were rows.
pub(super) fn write_elements(sheet: Sheet<'_>, is_first: bool, out: &mut dyn Write) -> io::Result<bool> {
    let members = Members::new(&sheet)?;
    let mut separator = if is_first { "[\n" } else { ",\n" };
    let mut has_rows = false;
    for row in sheet.rows {
        out.write_all(separator.as_bytes())?;
        members.write_object(&row, out)?;
        separator = ",\n";
        has_rows = true;
    }
    Ok(has_rows)
}

pub(super) fn write_lines(sheet: Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
    let members = Members::new(&sheet)?;
    for row in sheet.rows {
        members.write_object(&row, out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The parts that the objects of all rows share.
struct Members {
    /// JSON strings of the name of each column, and of its name in base64 members.
    names: Vec<(Vec<u8>, Vec<u8>)>,
    /// The member `approximate` with the comma before it, or nothing.
    approximate: Vec<u8>,
}

impl Members {
    fn new(sheet: &Sheet<'_>) -> io::Result<Members> {
        let names = sheet.names.iter();
        let names = names.map(|name| Ok((string(name)?, string(&format!("{name}_base64"))?)));
        let names = names.collect::<io::Result<_>>()?;
        let mut approximate = Vec::new();
        if !sheet.approximate.is_empty() {
            let columns: Vec<Vec<u8>> =
                sheet.approximate.iter().map(|name| string(name)).collect::<io::Result<_>>()?;
            approximate = [b",\"approximate\":[", columns.join(&b","[..]).as_slice(), b"]"].concat();
        }
        Ok(Members { names, approximate })
    }

    fn write_object(&self, row: &[Cell<'_>], out: &mut dyn Write) -> io::Result<()> {
        let mut separator = b"{";
        for ((name, base64_name), cell) in self.names.iter().zip(row) {
            out.write_all(separator)?;
            out.write_all(name)?;
            out.write_all(b":")?;
            separator = b",";
            match cell.text().map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)) {
                Some(Ok(text)) => write_string(text, out)?,
                Some(Err(bytes)) => {
                    write_string(&String::from_utf8_lossy(bytes), out)?;
                    out.write_all(b",")?;
                    out.write_all(base64_name)?;
                    write!(out, ":\"{}\"", STANDARD.encode_to_string(bytes))?;
                }
                None => match (cell, cell.plain()) {
                    (Cell::Instant(_), Some(text)) => write_string(&text, out)?,
                    (_, Some(number)) if cell.is_finite() => out.write_all(number.as_bytes())?,
                    _ => out.write_all(b"null")?,
                },
            }
        }
        out.write_all(&self.approximate)?;
        out.write_all(b"}")
    }
}

fn string(text: &str) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(text, &mut out)?;
    Ok(out)
}

fn write_string(text: &str, out: &mut dyn Write) -> io::Result<()> {
    text.serialize(&mut Serializer::with_formatter(out, TerminalSafe)).map_err(io::Error::from)
}

/// Escapes all invisible characters, so that JSON printed to a terminal has no effect on it. JSON itself requires
/// escapes only for the control characters up to U+001F, which `serde_json` has removed from `fragment`.
struct TerminalSafe;

impl Formatter for TerminalSafe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        if !fragment.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            while let Some((index, c)) = rest.char_indices().find(|(_, c)| is_invisible(*c)) {
                out.write_all(&rest.as_bytes()[..index])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
                rest = &rest[index + c.len_utf8()..];
            }
        }
        out.write_all(rest.as_bytes())
    }
}
