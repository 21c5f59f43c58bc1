//! CSV (RFC 4180) with a header, safe to open in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use super::sheet::Sheet;
use super::visible::visible;

/// Writes the rows of a sheet, and the header if wanted. An absent value is an empty field.
pub(super) fn write(sheet: Sheet<'_>, with_header: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    if with_header {
        csv.write_record(sheet.names.iter().map(|name| safe(visible(name), name.as_bytes()).into_owned()))
            .map_err(io_error)?;
    }
    for row in sheet.rows {
        for cell in &row {
            match cell.visible_text() {
                Some(text) => csv.write_field(safe(text, cell.text().unwrap_or_default()).as_bytes()),
                None => csv.write_field(cell.plain().unwrap_or_default()),
            }
            .map_err(io_error)?;
        }
        csv.write_record(None::<&[u8]>).map_err(io_error)?;
    }
    csv.flush()
}

/// The visible form of a text with a `'` before text that a spreadsheet would take for a formula. Text that
/// already has such a `'` gets another one, so that different texts remain different.
fn safe<'t>(visible: Cow<'t, str>, text: &[u8]) -> Cow<'t, str> {
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
