//! Which columns of a Parquet file are columns of the schema, and how their values are stored.

use ::parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type};
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::ParquetError;
use crate::log::Field;
use crate::log::structured::schema::{COLUMNS, Column, REQUIRED, index_of, is_integer};

/// What the values of a column are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    SchemaVersion,
    BucketArn,
    Time,
    AclRequired,
    Number(Field),
    Text(Field),
    /// A column that is none of the schema.
    Member,
}

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Bytes,
    Int32 {
        is_unsigned: bool,
    },
    Int64 {
        is_unsigned: bool,
    },
    Boolean,
    Float,
    Double,
    /// Units since the epoch, of which a second has this many.
    Timestamp {
        per_second: i64,
    },
    Int96,
}

/// A column that is read.
#[derive(Clone, Debug)]
pub(super) struct FileColumn {
    /// Its index among the columns of the file.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) storage: Storage,
    /// The definition level of values that are not null.
    pub(super) max_level: i16,
}

/// The columns of a file. Columns that are none of the schema are among them if they are neither lists nor parts of other
/// columns. Columns of the type null have only nulls, so they are left out: their fields are absent.
pub(super) fn find(schema: &SchemaDescriptor) -> Result<Vec<FileColumn>, ParquetError> {
    let is_flat = |column: &ColumnDescriptor| column.max_rep_level() == 0 && column.path().parts().len() == 1;
    let roots = schema.root_schema().get_fields();
    let has = |name: &&str| roots.iter().any(|root| root.name() == *name);
    let missing: Vec<&str> =
        REQUIRED.iter().filter(|names| !names.iter().any(has)).map(|names| names[0]).collect();
    if !missing.is_empty() {
        return Err(ParquetError::MissingColumns(missing));
    }
    for (name, column) in COLUMNS {
        let mut same = roots.iter().filter(|root| root.name() == name);
        let (first, second) = (same.next(), same.next());
        if second.is_some() {
            return Err(ParquetError::RepeatedColumn(name));
        }
        let Some(root) = first else { continue };
        let info = root.get_basic_info();
        let is_list = info.has_repetition() && info.repetition() == Repetition::REPEATED
            || matches!(info.converted_type(), ConvertedType::LIST | ConvertedType::MAP)
            || matches!(info.logical_type_ref(), Some(LogicalType::List | LogicalType::Map));
        if is_list || root.is_group() {
            let found = if is_list { "list" } else { "struct" }.to_owned();
            return Err(ParquetError::ColumnType {
                name: name.to_owned(),
                found,
                expected: expected_of(role_of(column)),
            });
        }
    }
    let mut columns = Vec::new();
    for (index, column) in schema.columns().iter().enumerate().filter(|(_, column)| is_flat(column)) {
        // Writers choose this type for a column without values, whatever its type would be.
        if matches!(column.logical_type_ref(), Some(LogicalType::Unknown)) {
            continue;
        }
        let name = column.name();
        let column_of_schema = index_of(name.as_bytes(), index).map(|column| COLUMNS[column].1);
        let role = column_of_schema.map_or(Role::Member, role_of);
        let storage = storage_of(column);
        let fits = match role {
            Role::Member => storage.is_some(),
            Role::Time => {
                matches!(storage, Some(Storage::Bytes | Storage::Timestamp { .. } | Storage::Int96))
            }
            Role::AclRequired => matches!(storage, Some(Storage::Boolean | Storage::Bytes)),
            Role::Number(_) => match storage {
                Some(Storage::Int32 { .. } | Storage::Int64 { .. }) => !is_date_or_time(column),
                storage => storage == Some(Storage::Bytes),
            },
            Role::SchemaVersion | Role::BucketArn | Role::Text(_) => storage == Some(Storage::Bytes),
        };
        match storage {
            Some(storage) if fits => {
                let (name, max_level) = (name.to_owned(), column.max_def_level());
                columns.push(FileColumn { index, name, role, storage, max_level });
            }
            // A type without a text form.
            _ if role == Role::Member => {}
            _ => {
                let found = match (column.logical_type_ref(), column.converted_type()) {
                    (Some(logical), _) => format!("{} ({logical:?})", column.physical_type()),
                    (None, ConvertedType::NONE) => column.physical_type().to_string(),
                    (None, converted) => format!("{} ({converted})", column.physical_type()),
                };
                let expected = expected_of(role);
                return Err(ParquetError::ColumnType { name: name.to_owned(), found, expected });
            }
        }
    }
    Ok(columns)
}

fn role_of(column: Column) -> Role {
    match column {
        Column::SchemaVersion => Role::SchemaVersion,
        Column::BucketArn => Role::BucketArn,
        Column::Field(Field::Time) => Role::Time,
        Column::Field(Field::AclRequired) => Role::AclRequired,
        Column::Field(field) if is_integer(field) => Role::Number(field),
        Column::Field(field) => Role::Text(field),
    }
}

/// The types that a column may have.
fn expected_of(role: Role) -> &'static str {
    match role {
        Role::Member => "any type",
        Role::Time => "a string or a timestamp",
        Role::AclRequired => "a boolean or a string",
        Role::Number(_) => "an integer or a string",
        Role::SchemaVersion | Role::BucketArn | Role::Text(_) => "a string",
    }
}

/// Whether the integers of a column are dates or times of day.
fn is_date_or_time(column: &ColumnDescriptor) -> bool {
    matches!(column.logical_type_ref(), Some(LogicalType::Date | LogicalType::Time(_)))
        || matches!(
            column.converted_type(),
            ConvertedType::DATE | ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS
        )
}

fn storage_of(column: &ColumnDescriptor) -> Option<Storage> {
    let logical = column.logical_type_ref();
    let converted = column.converted_type();
    let is_unsigned = matches!(logical, Some(LogicalType::Integer(integer)) if !integer.is_signed)
        || matches!(
            converted,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        );
    let per_second = match (logical, converted) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Some(match timestamp.unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        }),
        (None, ConvertedType::TIMESTAMP_MILLIS) => Some(1_000),
        (None, ConvertedType::TIMESTAMP_MICROS) => Some(1_000_000),
        _ => None,
    };
    let is_decimal = matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
    Some(match (column.physical_type(), per_second) {
        _ if is_decimal => return None,
        (Type::BYTE_ARRAY, _) => Storage::Bytes,
        (Type::INT64, Some(per_second)) => Storage::Timestamp { per_second },
        (Type::INT64, None) => Storage::Int64 { is_unsigned },
        (Type::INT32, _) => Storage::Int32 { is_unsigned },
        (Type::BOOLEAN, _) => Storage::Boolean,
        (Type::INT96, _) => Storage::Int96,
        (Type::FLOAT, _) => Storage::Float,
        (Type::DOUBLE, _) => Storage::Double,
        (Type::FIXED_LEN_BYTE_ARRAY, _) => return None,
    })
}
