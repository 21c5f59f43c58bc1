//! CSV (RFC 4180) with a header row, safe to open in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use super::columns::Sheet;
use super::visible::visible_bytes;

/// A header, if it is wanted, and a line a row. An absent value is an empty cell.
pub(super) fn write_csv(sheet: Sheet<'_>, with_header: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    if with_header {
        csv.write_record(sheet.names.iter().map(|name| harmless(name.as_bytes()).into_owned()))
            .map_err(io_error)?;
    }
    for row in sheet.rows {
        for cell in &row {
            match cell.text() {
                Some(text) => csv.write_field(harmless(text).as_bytes()),
                None => csv.write_field(cell.plain().unwrap_or_default()),
            }
            .map_err(io_error)?;
        }
        csv.write_record(None::<&[u8]>).map_err(io_error)?;
    }
    csv.flush()
}

/// Text with unseen characters made visible and, where a spreadsheet would take it for a formula, with a
/// `'` before it; one more where it has such a `'` already, so that two texts never become the same.
fn harmless(text: &[u8]) -> Cow<'_, str> {
    let visible = visible_bytes(text);
    match text.iter().find(|&&byte| byte != b'\'') {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => Cow::Owned(format!("'{visible}")),
        _ => visible,
    }
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
