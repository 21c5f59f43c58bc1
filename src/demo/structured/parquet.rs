//! Records as a Parquet file: a column of the schema each, compressed with Snappy.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::Type;

use super::super::log_line::BUCKET;
use super::{key_name, milliseconds_of, records_of};
use crate::log::structured::schema::{COLUMNS, Column, SCHEMA};
use crate::log::{Field, Record, ValueType};

/// Rows of a row group.
const GROUP_ROWS: usize = 65_536;

/// Writes the records of lines as a file.
pub(super) fn write(lines: &[u8], out: &mut (impl Write + Send)) -> io::Result<()> {
    let other = |error: ParquetError| match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    };
    write_file(lines, out).map_err(other)
}

fn write_file(lines: &[u8], out: &mut (impl Write + Send)) -> Result<(), ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema()?), Arc::new(properties))?;
    let mut records = records_of(lines).peekable();
    while records.peek().is_some() {
        let rows: Vec<Record<'_>> = records.by_ref().take(GROUP_ROWS).collect();
        let mut group = writer.next_row_group()?;
        for (_, column) in COLUMNS {
            let Some(mut writer) = group.next_column()? else { break };
            write_column(&mut writer, column, &rows)?;
            writer.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// The schema of the file. All columns are optional.
fn schema() -> Result<Type, ParquetError> {
    let column = |(name, column): (&str, Column)| {
        let (physical, logical) = match column {
            Column::Field(Field::Time) => {
                (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS)))
            }
            Column::Field(Field::AclRequired) => (PhysicalType::BOOLEAN, None),
            Column::Field(Field::HttpStatus) => (PhysicalType::INT32, None),
            Column::Field(field) if field.spec().value == ValueType::Integer => (PhysicalType::INT64, None),
            _ => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        Ok(Arc::new(builder.with_logical_type(logical).build()?))
    };
    let columns = COLUMNS.into_iter().map(column).collect::<Result<Vec<_>, ParquetError>>()?;
    Type::group_type_builder("server_access_logs").with_fields(columns).build()
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    rows: &[Record<'_>],
) -> Result<(), ParquetError> {
    let integers = |field: Field| {
        let number = move |row: &Record<'_>| row.integer(field).and_then(|number| i64::try_from(number).ok());
        rows.iter().map(number)
    };
    match column {
        Column::SchemaVersion => put::<ByteArrayType>(writer, rows.iter().map(|_| Some(SCHEMA.into()))),
        Column::BucketArn => {
            let arn = ByteArray::from(format!("arn:aws:s3:::{BUCKET}").into_bytes());
            put::<ByteArrayType>(writer, rows.iter().map(|_| Some(arn.clone())))
        }
        Column::Field(Field::Time) => {
            let time = |row: &Record<'_>| row.time * 1000 + i64::from(milliseconds_of(row));
            put::<Int64Type>(writer, rows.iter().map(|row| Some(time(row))))
        }
        Column::Field(Field::AclRequired) => {
            put::<BoolType>(writer, rows.iter().map(|row| row.logged(Field::AclRequired).map(|_| true)))
        }
        Column::Field(Field::HttpStatus) => put::<Int32Type>(
            writer,
            integers(Field::HttpStatus).map(|number| number.map(|number| number as i32)),
        ),
        Column::Field(field) if field.spec().value == ValueType::Integer => {
            put::<Int64Type>(writer, integers(field))
        }
        Column::Field(Field::Key) => {
            put::<ByteArrayType>(writer, rows.iter().map(|row| key_name(row).map(|key| utf8(&key))))
        }
        Column::Field(field) => {
            let text = |row: &Record<'_>| row.logged(field).map(utf8);
            put::<ByteArrayType>(writer, rows.iter().map(text))
        }
    }
}

/// A text as UTF-8, as its column promises and as in JSON: U+FFFD replaces other bytes.
fn utf8(text: &[u8]) -> ByteArray {
    String::from_utf8_lossy(text).into_owned().into_bytes().into()
}

/// Writes the values of an optional column.
fn put<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&present, Some(&levels), None)?;
    Ok(())
}
