//! Records as JSON: an object per line.

use std::io::{self, Write};

use super::super::log_line::BUCKET;
use super::{key_name, milliseconds_of, records_of};
use crate::log::structured::schema::{COLUMNS, Column, SCHEMA};
use crate::log::{Field, Record};

/// Writes the records of lines.
pub(super) fn write(lines: &[u8], out: &mut impl Write) -> io::Result<()> {
    let mut object = Vec::new();
    for record in records_of(lines) {
        object.clear();
        append(&record, &mut object)?;
        out.write_all(&object)?;
    }
    Ok(())
}

/// Appends an object with its line feed.
fn append(record: &Record<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    for (index, (name, column)) in COLUMNS.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"{" } else { b"," });
        serde_json::to_writer(&mut *out, name)?;
        out.push(b':');
        match column {
            Column::SchemaVersion => serde_json::to_writer(&mut *out, SCHEMA)?,
            Column::BucketArn => write!(out, "\"arn:aws:s3:::{BUCKET}\"")?,
            Column::Field(field) => append_field(record, *field, out)?,
        }
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn append_field(record: &Record<'_>, field: Field, out: &mut Vec<u8>) -> io::Result<()> {
    match field {
        Field::Time => {
            // The demo has no times that jiff cannot represent.
            let time = jiff::Timestamp::new(record.time, milliseconds_of(record) as i32 * 1_000_000)
                .unwrap_or_default();
            write!(out, "\"{time:.3}\"")
        }
        Field::Key => {
            let key = key_name(record);
            Ok(serde_json::to_writer(out, &key.as_deref().map(String::from_utf8_lossy))?)
        }
        Field::AclRequired => Ok(serde_json::to_writer(out, &record.logged(field).map(|_| true))?),
        field if field.spec().value == crate::log::ValueType::Integer => {
            Ok(serde_json::to_writer(out, &record.integer(field))?)
        }
        field => Ok(serde_json::to_writer(out, &record.logged(field).map(String::from_utf8_lossy))?),
    }
}
