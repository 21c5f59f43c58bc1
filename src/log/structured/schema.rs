//! The columns of schema `V_1_0`, and the fields that they are: the only list of them.
//!
//! Source: Amazon S3 User Guide, "Log format in CloudWatch Logs". All columns are text or null, except the integers and
//! the boolean. A delivery may leave columns out.

use memchr::memmem;

use crate::log::{Field, ValueType};

/// The schema whose columns are listed here.
pub const SCHEMA: &str = "V_1_0";

/// What a column of the schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The version of the schema. It is no field of a record.
    SchemaVersion,
    /// The ARN of the bucket. It is no field of a record: it contains the name of the bucket.
    BucketArn,
    /// A field of a record.
    Field(Field),
}

/// The columns with their names, in the order of the schema.
pub const COLUMNS: [(&str, Column); 29] = [
    ("schema_version_id", Column::SchemaVersion),
    ("bucket_arn", Column::BucketArn),
    ("bucket_name", Column::Field(Field::Bucket)),
    ("request_time", Column::Field(Field::Time)),
    ("bucket_owner_id", Column::Field(Field::BucketOwner)),
    ("remote_ip", Column::Field(Field::RemoteIp)),
    ("requester", Column::Field(Field::Requester)),
    ("request_id", Column::Field(Field::RequestId)),
    ("operation", Column::Field(Field::Operation)),
    ("key_name", Column::Field(Field::Key)),
    ("request_uri", Column::Field(Field::RequestUri)),
    ("http_status", Column::Field(Field::HttpStatus)),
    ("error_code", Column::Field(Field::ErrorCode)),
    ("bytes_sent_size", Column::Field(Field::BytesSent)),
    ("object_size", Column::Field(Field::ObjectSize)),
    ("total_duration", Column::Field(Field::TotalTime)),
    ("turn_around_duration", Column::Field(Field::TurnAroundTime)),
    ("referer", Column::Field(Field::Referer)),
    ("user_agent", Column::Field(Field::UserAgent)),
    ("version_id", Column::Field(Field::VersionId)),
    ("host_id", Column::Field(Field::HostId)),
    ("signature_version", Column::Field(Field::SignatureVersion)),
    ("cipher_suite", Column::Field(Field::CipherSuite)),
    ("authentication_type", Column::Field(Field::AuthenticationType)),
    ("host_header", Column::Field(Field::HostHeader)),
    ("tls_version", Column::Field(Field::TlsVersion)),
    ("access_point_arn", Column::Field(Field::AccessPointArn)),
    ("acl_required", Column::Field(Field::AclRequired)),
    ("source_region", Column::Field(Field::SourceRegion)),
];

/// The name of the column that a field is. `None` for fields that are not logged.
pub fn column_of(field: Field) -> Option<&'static str> {
    COLUMNS.iter().find(|(_, column)| *column == Column::Field(field)).map(|(name, _)| *name)
}

/// The index in [`COLUMNS`] of the column with this name. `expected` is the index that it probably has, because most
/// records have the columns in the same order.
#[inline]
pub(super) fn index_of(name: &[u8], expected: usize) -> Option<usize> {
    let is_it = |(other, _): &(&str, Column)| other.as_bytes() == name;
    match COLUMNS.get(expected) {
        Some(column) if is_it(column) => Some(expected),
        _ => COLUMNS.iter().position(is_it),
    }
}

/// Whether a JSON text has the names of the columns that every record has, also within messages, where quotes are escaped.
pub fn has_names(text: &[u8]) -> bool {
    let has = |name: &str| {
        let mut found = memmem::find_iter(text, name);
        found.any(|at| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            before.ends_with(b"\"") && (after.starts_with(b"\"") || after.starts_with(b"\\"))
        })
    };
    REQUIRED.iter().all(|names| names.iter().any(|name| has(name)))
}

/// The columns that a record needs, as groups: one of each group.
pub(super) const REQUIRED: [&[&str]; 3] = [&["bucket_name", "bucket_arn"], &["request_time"], &["operation"]];

/// Whether a column has integers.
pub(super) fn is_integer(field: Field) -> bool {
    field.spec().value == ValueType::Integer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_logged_field_is_one_column() {
        for field in Field::all() {
            let columns = COLUMNS.iter().filter(|(_, column)| *column == Column::Field(field)).count();
            assert_eq!(columns, usize::from((field as usize) < Field::LOGGED), "{field:?}");
        }
    }

    #[test]
    fn columns_are_found_in_any_order() {
        for (index, (name, _)) in COLUMNS.iter().enumerate() {
            assert_eq!(index_of(name.as_bytes(), index), Some(index));
            assert_eq!(index_of(name.as_bytes(), 0), Some(index));
            assert_eq!(index_of(name.as_bytes(), 29), Some(index));
        }
        assert_eq!(index_of(b"edge_location", 3), None);
    }
}
