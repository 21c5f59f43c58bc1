//! JSON: an array, or an object a line. Keys keep the order of the columns. Where some are not exact, their names
//! stand in the array `approximate` behind them: the numbers themselves stay numbers.
//!
//! JSON has no bytes: where a text is not UTF-8, what is not is U+FFFD, and the member `NAME_base64` after it has the bytes.
//! Nor has it infinite numbers: they are null.

use std::io::{self, Write};

use base64_simd::STANDARD;

use super::columns::{Cell, Sheet};
use crate::query::filter::is_invisible;

/// A part of one array of objects; whether there were any.
pub(super) fn write_array_part(sheet: Sheet<'_>, is_first: bool, out: &mut dyn Write) -> io::Result<bool> {
    let names = names(&sheet);
    let approximate = approximate(&sheet);
    let mut between = if is_first { "[\n" } else { ",\n" };
    let mut any = false;
    for row in sheet.rows {
        out.write_all(between.as_bytes())?;
        write_object(&names, &row, &approximate, out)?;
        between = ",\n";
        any = true;
    }
    Ok(any)
}

/// The end of the array.
pub(super) fn end(is_empty: bool, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(if is_empty { b"[]\n" } else { b"\n]\n" })
}

/// An object a line.
pub(super) fn write_lines(sheet: Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
    let names = names(&sheet);
    let approximate = approximate(&sheet);
    for row in sheet.rows {
        write_object(&names, &row, &approximate, out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A column as JSON names it.
struct Name {
    quoted: String,
    /// Where the bytes are of what is no text.
    bytes: String,
}

fn names(sheet: &Sheet<'_>) -> Vec<Name> {
    let both = |name: &str| Name { quoted: string(name), bytes: string(&format!("{name}_base64")) };
    sheet.names.iter().map(|name| both(name)).collect()
}

/// What stands behind the columns, if some are not exact.
fn approximate(sheet: &Sheet<'_>) -> String {
    if sheet.approximate.is_empty() {
        return String::new();
    }
    let names: Vec<String> = sheet.approximate.iter().map(|name| string(name)).collect();
    format!(",\"approximate\":[{}]", names.join(","))
}

fn write_object(names: &[Name], row: &[Cell<'_>], behind: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut between = "{";
    for (name, cell) in names.iter().zip(row) {
        write!(out, "{between}{}:", name.quoted)?;
        between = ",";
        match cell.text().map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)) {
            Some(Ok(text)) => out.write_all(string(text).as_bytes())?,
            Some(Err(bytes)) => {
                out.write_all(string(&String::from_utf8_lossy(bytes)).as_bytes())?;
                write!(out, ",{}:\"{}\"", name.bytes, STANDARD.encode_to_string(bytes))?;
            }
            None => match (cell, cell.plain()) {
                (Cell::Instant(_), Some(text)) => out.write_all(string(&text).as_bytes())?,
                (_, Some(number)) if cell.is_finite() => out.write_all(number.as_bytes())?,
                _ => out.write_all(b"null")?,
            },
        }
    }
    out.write_all(behind.as_bytes())?;
    out.write_all(b"}")
}

/// A JSON string in which unseen characters, DEL and C1 among them, are `\u` escapes: JSON printed on a
/// terminal does no harm either.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
