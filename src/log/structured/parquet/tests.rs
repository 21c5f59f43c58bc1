//! What rows give, for every type and encoding of a column.

use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type, Int96, Int96Type,
};
use ::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use tokio_util::bytes::Bytes;

use super::*;
use crate::log::{Field, Record, RecordGroup, Rejection, Sink};

/// The values of a column.
enum Column {
    Text(Vec<Option<&'static str>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Boolean(Vec<Option<bool>>),
    Double(Vec<Option<f64>>),
    Int96(Vec<Option<Int96>>),
}

fn text(value: &'static str) -> Column {
    Column::Text(vec![Some(value)])
}

fn split<T: Clone>(values: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    let levels = values.iter().map(|value| i16::from(value.is_some())).collect();
    (values.iter().flatten().cloned().collect(), levels)
}

/// A file with these columns: the declaration of each in the schema, and its values in each row group.
fn file(columns: &[(&str, Column)], row_groups: usize, properties: WriterPropertiesBuilder) -> Bytes {
    let declarations: Vec<&str> = columns.iter().map(|(declaration, _)| *declaration).collect();
    let schema = parse_message_type(&format!("message m {{ {}; }}", declarations.join("; "))).unwrap();
    let mut out = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties.build())).unwrap();
    for _ in 0..row_groups {
        let mut group = writer.next_row_group().unwrap();
        for (_, values) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            macro_rules! write {
                ($kind:ty, $values:expr) => {{
                    let (values, levels) = split($values);
                    column.typed::<$kind>().write_batch(&values, Some(&levels), None).unwrap();
                }};
            }
            match values {
                Column::Text(values) => {
                    let values: Vec<Option<ByteArray>> =
                        values.iter().map(|value| value.map(ByteArray::from)).collect();
                    write!(ByteArrayType, &values);
                }
                Column::Int32(values) => write!(Int32Type, values),
                Column::Int64(values) => write!(Int64Type, values),
                Column::Boolean(values) => write!(BoolType, values),
                Column::Double(values) => write!(DoubleType, values),
                Column::Int96(values) => write!(Int96Type, values),
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    out.into()
}

/// The columns that every record has.
fn required() -> Vec<(&'static str, Column)> {
    vec![
        ("optional binary bucket_name (STRING)", text("media")),
        ("optional binary request_time (STRING)", text("2026-08-06T09:30:25.123Z")),
        ("optional binary operation (STRING)", text("REST.GET.OBJECT")),
    ]
}

#[derive(Default)]
struct Read {
    rows: Vec<Vec<(Field, String)>>,
    rejected: Vec<(u64, String, String)>,
}

impl Sink for Read {
    fn records(&mut self, group: &RecordGroup<'_, '_>) {
        let value = |record: &Record<'_>, field: Field| match field {
            Field::Time => Some(record.time.to_string()),
            field if crate::log::structured::schema::is_integer(field) => {
                record.integer(field).map(|number| number.to_string())
            }
            field => record.logged(field).map(|text| String::from_utf8_lossy(text).into_owned()),
        };
        let row = |record| Field::all().filter_map(|field| Some((field, value(record, field)?))).collect();
        self.rows.extend(group.records().iter().map(row));
    }

    fn rejected(&mut self, line: u64, text: &[u8], reason: Rejection) {
        self.rejected.push((line, String::from_utf8_lossy(text).into_owned(), reason.to_string()));
    }

    fn record_count(&mut self, _: u64, records: usize) {
        assert_eq!(records, 0);
    }
}

fn read(content: Bytes) -> Result<Read, ParquetError> {
    let file = ParquetFile::open(content)?;
    let (mut read, mut parser) = (Read::default(), RowParser::default());
    let mut next_row = 1;
    for index in 0..file.row_groups() {
        let mut group = file.row_group(index)?;
        while group.next_block()? {
            assert_eq!(group.first_row(), next_row);
            next_row += group.rows() as u64;
            parser.parse(&group, 0..group.rows(), &mut read);
        }
    }
    assert_eq!(next_row, file.rows() + 1);
    Ok(read)
}

/// The value of a field if the file has these columns, each instead of the one of the same name.
fn value(columns: Vec<(&'static str, Column)>, field: Field) -> Option<String> {
    let name = |declaration: &str| declaration.split(' ').nth(2).unwrap().to_owned();
    let mut all = required();
    all.retain(|(declaration, _)| !columns.iter().any(|(other, _)| name(other) == name(declaration)));
    all.extend(columns);
    let read = read(file(&all, 1, WriterProperties::builder())).unwrap();
    assert_eq!(read.rejected, []);
    read.rows[0].iter().find(|(other, _)| *other == field).map(|(_, value)| value.clone())
}

#[test]
fn times_are_texts_or_timestamps_of_any_unit() {
    const MILLISECONDS: i64 = 1_786_008_625_123;
    let int96 = {
        let nanoseconds_of_day = (MILLISECONDS % 86_400_000) * 1_000_000;
        let mut int96 = Int96::new();
        let day = (MILLISECONDS / 86_400_000 + 2_440_588) as u32;
        int96.set_data(nanoseconds_of_day as u32, (nanoseconds_of_day >> 32) as u32, day);
        int96
    };
    for (declaration, column) in [
        ("optional binary request_time (STRING)", text("2026-08-06T09:30:25.123Z")),
        ("optional binary request_time", text("2026-08-06T11:30:25.123+02:00")),
        ("optional int64 request_time (TIMESTAMP(MILLIS,true))", Column::Int64(vec![Some(MILLISECONDS)])),
        ("optional int64 request_time (TIMESTAMP(MILLIS,false))", Column::Int64(vec![Some(MILLISECONDS)])),
        ("optional int64 request_time (TIMESTAMP_MILLIS)", Column::Int64(vec![Some(MILLISECONDS)])),
        (
            "optional int64 request_time (TIMESTAMP(MICROS,true))",
            Column::Int64(vec![Some(MILLISECONDS * 1000)]),
        ),
        ("optional int64 request_time (TIMESTAMP_MICROS)", Column::Int64(vec![Some(MILLISECONDS * 1000)])),
        (
            "optional int64 request_time (TIMESTAMP(NANOS,false))",
            Column::Int64(vec![Some(MILLISECONDS * 1_000_000)]),
        ),
        ("optional int96 request_time", Column::Int96(vec![Some(int96)])),
    ] {
        let columns = vec![(declaration, column)];
        let columns_again = match &columns[0].1 {
            Column::Text(values) => Column::Text(values.clone()),
            Column::Int64(values) => Column::Int64(values.clone()),
            Column::Int96(values) => Column::Int96(values.clone()),
            _ => unreachable!(),
        };
        assert_eq!(value(columns, Field::Time).as_deref(), Some("1786008625"), "{declaration}");
        let extra = value(vec![(declaration, columns_again)], Field::Extra);
        assert_eq!(extra.as_deref(), Some(r#"{"milliseconds":123}"#), "{declaration}");
    }
}

#[test]
fn numbers_are_integers_of_any_size_or_texts() {
    for (declaration, column, expected) in [
        ("optional int32 object_size", Column::Int32(vec![Some(7)]), Some("7")),
        ("optional int32 object_size (INTEGER(32,false))", Column::Int32(vec![Some(-1)]), Some("4294967295")),
        ("optional int64 object_size", Column::Int64(vec![Some(i64::MAX)]), Some("9223372036854775807")),
        ("optional int64 object_size (INTEGER(64,false))", Column::Int64(vec![Some(7)]), Some("7")),
        ("optional int64 object_size", Column::Int64(vec![None]), None),
        ("optional binary object_size (STRING)", text("20480"), Some("20480")),
        ("optional binary object_size (STRING)", text("-"), None),
    ] {
        assert_eq!(
            value(vec![(declaration, column)], Field::ObjectSize).as_deref(),
            expected,
            "{declaration}"
        );
    }
    for (declaration, column) in [
        ("optional int32 http_status", Column::Int32(vec![Some(404)])),
        ("optional int64 http_status", Column::Int64(vec![Some(404)])),
        ("optional binary http_status (STRING)", text("404")),
    ] {
        assert_eq!(
            value(vec![(declaration, column)], Field::HttpStatus).as_deref(),
            Some("404"),
            "{declaration}"
        );
    }
}

#[test]
fn other_columns_are_read_as_in_json() {
    let acl = |column| value(vec![("optional boolean acl_required", column)], Field::AclRequired);
    assert_eq!(acl(Column::Boolean(vec![Some(true)])).as_deref(), Some("Yes"));
    assert_eq!(acl(Column::Boolean(vec![Some(false)])), None);
    let column = vec![("optional binary acl_required (STRING)", text("Yes"))];
    assert_eq!(value(column, Field::AclRequired).as_deref(), Some("Yes"));
    let key = vec![("optional binary key_name (STRING)", text("a b"))];
    assert_eq!(value(key, Field::Key).as_deref(), Some("a%2520b"));
    let requester = vec![("optional binary requester", text("-"))];
    assert_eq!(value(requester, Field::Requester), None);
    let more = || {
        vec![
            ("optional binary edge (STRING)", text("a\"b")),
            ("optional int32 hops", Column::Int32(vec![Some(-3)])),
            ("optional double load", Column::Double(vec![Some(1.5)])),
            ("optional boolean hit", Column::Boolean(vec![Some(true)])),
            ("optional binary schema_version_id (STRING)", text("V_2_0")),
            ("optional binary bucket_arn (STRING)", text("arn:aws:s3:::media")),
        ]
    };
    let extra =
        r#"{"milliseconds":123,"edge":"a\"b","hops":-3,"load":1.5,"hit":true,"schema_version_id":"V_2_0"}"#;
    assert_eq!(value(more(), Field::Extra).as_deref(), Some(extra));
}

#[test]
fn required_columns_every_encoding_and_every_compression_are_read() {
    let columns = |repetition: &str| -> Vec<(&'static str, Column)> {
        let declarations = ["bucket_name", "request_time", "operation"]
            .map(|name| &*format!("{repetition} binary {name} (STRING)").leak());
        let times =
            (0..1500).map(|row| Some(&*format!("2026-08-06T09:30:{:02}Z", row % 60).leak())).collect();
        let texts = [
            Column::Text(vec![Some("media"); 1500]),
            Column::Text(times),
            Column::Text(vec![Some("REST.GET.OBJECT"); 1500]),
        ];
        declarations.into_iter().zip(texts).collect()
    };
    let builder = WriterProperties::builder;
    for (name, properties) in [
        ("plain", builder().set_dictionary_enabled(false)),
        ("dictionary", builder()),
        ("small pages", builder().set_data_page_row_count_limit(100).set_write_batch_size(50)),
        ("delta", builder().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY)),
        ("snappy", builder().set_compression(Compression::SNAPPY)),
        ("gzip", builder().set_compression(Compression::GZIP(Default::default()))),
        ("zstd", builder().set_compression(Compression::ZSTD(ZstdLevel::default()))),
        ("version 2", builder().set_writer_version(::parquet::file::properties::WriterVersion::PARQUET_2_0)),
    ] {
        for repetition in ["optional", "required"] {
            let read = read(file(&columns(repetition), 3, properties.clone())).unwrap();
            assert_eq!((read.rows.len(), read.rejected.len()), (4500, 0), "{name}");
            for (row, values) in read.rows.iter().enumerate() {
                assert_eq!(values[1].1, (1_786_008_600 + row as i64 % 1500 % 60).to_string(), "{name}");
            }
        }
    }
}

#[test]
fn a_row_with_a_value_out_of_range_is_rejected_alone() {
    let columns = vec![
        ("optional binary bucket_name (STRING)", Column::Text(vec![Some("media"); 4])),
        (
            "optional int64 request_time (TIMESTAMP(MILLIS,true))",
            Column::Int64(vec![Some(0), Some(i64::MAX), Some(0), Some(0)]),
        ),
        (
            "optional binary operation (STRING)",
            Column::Text(vec![
                Some("REST.GET.OBJECT"),
                Some("REST.GET.OBJECT"),
                None,
                Some("REST.GET.OBJECT"),
            ]),
        ),
        ("optional int64 object_size", Column::Int64(vec![Some(-1), None, None, Some(7)])),
    ];
    let read = read(file(&columns, 1, WriterProperties::builder())).unwrap();
    assert_eq!(read.rows.len(), 1);
    assert_eq!(
        read.rejected,
        [
            (
                0,
                r#"{"bucket_name":"media","request_time":0,"operation":"REST.GET.OBJECT","object_size":-1}"#
                    .to_owned(),
                "object_size is not a number from 0 to 9223372036854775807, or null".to_owned()
            ),
            (
                1,
                format!(
                    r#"{{"bucket_name":"media","request_time":{},"operation":"REST.GET.OBJECT"}}"#,
                    i64::MAX
                ),
                "request_time is not a time in ISO 8601, such as 2026-08-06T09:30:25.123Z".to_owned()
            ),
            (
                2,
                r#"{"bucket_name":"media","request_time":0}"#.to_owned(),
                "no operation: every record has it".to_owned()
            ),
        ]
    );
}

#[test]
fn other_columns_and_types_are_reported() {
    let one =
        |columns: &[(&str, Column)]| match ParquetFile::open(file(columns, 1, WriterProperties::builder())) {
            Ok(_) => panic!("the file was opened"),
            Err(error) => error.to_string(),
        };
    let other = [("optional int64 size", Column::Int64(vec![Some(1)]))];
    assert_eq!(one(&other), "a Parquet file without the columns bucket_name, request_time, operation");
    let mut columns = required();
    columns[1] = ("optional int64 request_time", Column::Int64(vec![Some(1)]));
    assert_eq!(one(&columns), "the column request_time has the type INT64; expected a string or a timestamp");
    let mut columns = required();
    columns.push(("optional double http_status", Column::Double(vec![Some(200.0)])));
    assert_eq!(one(&columns), "the column http_status has the type DOUBLE; expected an integer or a string");
}

#[test]
fn a_column_of_the_type_null_was_an_error() {
    let mut columns = required();
    for declaration in [
        "optional int32 referer (UNKNOWN)",
        "optional int32 acl_required (UNKNOWN)",
        "optional int32 object_size (UNKNOWN)",
        "optional int32 schema_version (UNKNOWN)",
        "optional int32 other (UNKNOWN)",
        "optional boolean error_code (UNKNOWN)",
    ] {
        let is_boolean = declaration.contains("boolean");
        let values = if is_boolean { Column::Boolean(vec![None]) } else { Column::Int32(vec![None]) };
        columns.push((declaration, values));
    }
    let without = read(file(&required(), 1, WriterProperties::builder())).unwrap();
    let with = read(file(&columns, 1, WriterProperties::builder())).unwrap();
    assert_eq!(with.rejected, []);
    assert_eq!(with.rows, without.rows);
    // A record needs a time: the row is rejected, not the file.
    let mut columns = required();
    columns[1] = ("optional int32 request_time (UNKNOWN)", Column::Int32(vec![None]));
    let read = read(file(&columns, 1, WriterProperties::builder())).unwrap();
    assert_eq!(read.rejected.len(), 1);
}

#[test]
fn dates_lists_and_repeated_columns_were_read_silently() {
    let error = |declaration: &str, column: Column| {
        let mut columns = required();
        columns.push((declaration, column));
        match ParquetFile::open(file(&columns, 1, WriterProperties::builder())) {
            Ok(_) => panic!("the file was opened"),
            Err(error) => error.to_string(),
        }
    };
    for (kind, column) in [
        ("int32 object_size (DATE)", Column::Int32(vec![Some(1)])),
        ("int32 object_size (TIME(MILLIS,true))", Column::Int32(vec![Some(1)])),
        ("int64 object_size (TIME_MICROS)", Column::Int64(vec![Some(1)])),
    ] {
        let error = error(&format!("optional {kind}"), column);
        assert!(error.starts_with("the column object_size has the type INT"), "{error}");
        assert!(error.ends_with("; expected an integer or a string"), "{error}");
    }
    let open = |declaration: &str| {
        let schema = format!(
            "message m {{ optional binary bucket_name; optional binary request_time; optional binary operation; {declaration} }}"
        );
        let schema =
            ::parquet::schema::types::SchemaDescriptor::new(Arc::new(parse_message_type(&schema).unwrap()));
        columns::find(&schema).unwrap_err().to_string()
    };
    let list = "the column key_name has the type list; expected a string";
    assert_eq!(open("repeated binary key_name;"), list);
    assert_eq!(
        open("optional group key_name (LIST) { repeated group list { optional binary element; } }"),
        list
    );
    assert_eq!(
        open("optional group http_status { optional int32 code; }"),
        "the column http_status has the type struct; expected an integer or a string"
    );
    assert_eq!(open("optional binary operation (STRING);"), "the column operation occurs twice");
}

#[test]
fn an_unsupported_compression_was_called_damage() {
    use ::parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
    let schema = parse_message_type(
        "message m { optional binary bucket_name; optional binary request_time; optional binary operation; }",
    );
    let schema = Arc::new(::parquet::schema::types::SchemaDescriptor::new(Arc::new(schema.unwrap())));
    for (compression, name) in [
        (Compression::BROTLI(Default::default()), "brotli"),
        (Compression::LZ4, "LZ4"),
        (Compression::LZ4_RAW, "LZ4"),
    ] {
        let chunks = schema.columns().iter().map(|column| {
            ColumnChunkMetaData::builder(column.clone()).set_compression(compression).build().unwrap()
        });
        let group = RowGroupMetaData::builder(schema.clone()).set_column_metadata(chunks.collect());
        let error = check_compression(&group.build().unwrap(), &columns::find(&schema).unwrap()).unwrap_err();
        let expected = format!(
            "the Parquet file is compressed with {name}, which is not supported: write it with Snappy, gzip or zstd, or without compression"
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_page_that_claims_gigabytes_is_an_error_before_memory_is_allocated() {
    let mut columns = required();
    let long: &str = "k".repeat(40_000_000).leak();
    columns.push(("optional binary key_name (STRING)", Column::Text(vec![Some(long); 7])));
    for column in &mut columns[..3] {
        let Column::Text(values) = &mut column.1 else { unreachable!() };
        *values = vec![values[0]; 7];
    }
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(1 << 30)
        .set_compression(Compression::ZSTD(ZstdLevel::default()));
    let content = file(&columns, 1, properties);
    assert!(content.len() < 1 << 20);
    let error = read(content).err().unwrap().to_string();
    assert!(error.contains("bytes in the column key_name: at most 268435456 are supported"), "{error}");
}

#[test]
fn damage_is_an_error_and_never_a_panic_of_this_code() {
    let mut columns = required();
    columns.push(("optional int64 object_size", Column::Int64(vec![Some(1)])));
    let whole = file(&columns, 2, WriterProperties::builder());
    for cut in 0..whole.len() {
        assert!(matches!(read(whole.slice(..cut)), Err(ParquetError::Damaged(_))), "{cut}");
    }
}
