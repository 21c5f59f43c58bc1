//! What JSON objects give, field by field and in every framing.

use super::*;
use crate::log::{Field, Parser, RecordGroup, records};

/// An object with all columns, as Amazon writes it.
const OBJECT: &str = r#"{"schema_version_id": "V_1_0", "bucket_arn": "arn:aws:s3:::media", "bucket_name": "media", "request_time": "2026-08-06T09:30:25.000Z", "bucket_owner_id": "0wner", "remote_ip": "192.0.2.70", "requester": "arn:aws:iam::123456789012:user/docs", "request_id": "0A1B2C3D4E5F6071", "operation": "REST.GET.OBJECT", "key_name": "photos/cat.jpg", "request_uri": "GET /photos/cat.jpg HTTP/1.1", "http_status": 200, "error_code": null, "bytes_sent_size": 20480, "object_size": 20481, "total_duration": 12, "turn_around_duration": 10, "referer": null, "user_agent": "aws-cli/2.15.0", "version_id": null, "host_id": "h0stId=", "signature_version": "SigV4", "cipher_suite": "TLS_AES_128_GCM_SHA256", "authentication_type": "AuthHeader", "host_header": "media.s3.us-east-1.amazonaws.com", "tls_version": "TLSv1.3", "access_point_arn": null, "acl_required": null, "source_region": "us-east-1"}"#;

/// The same request in the text format.
const LINE: &str = "0wner media [06/Aug/2026:09:30:25 +0000] 192.0.2.70 arn:aws:iam::123456789012:user/docs \
    0A1B2C3D4E5F6071 REST.GET.OBJECT photos/cat.jpg \"GET /photos/cat.jpg HTTP/1.1\" 200 - 20480 20481 12 10 \"-\" \
    \"aws-cli/2.15.0\" - h0stId= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader media.s3.us-east-1.amazonaws.com TLSv1.3 - - \
    us-east-1";

/// The fields of a record as the cache stores them; absent fields are missing.
type Row = Vec<(Field, String)>;

fn row(record: &Record<'_>) -> Row {
    let text = |field| match field {
        Field::Time => Some(record.time.to_string()),
        Field::Key => record.key().map(|key| String::from_utf8_lossy(&key).into_owned()),
        Field::RemoteIp => record.remote_ip().map(|ip| String::from_utf8_lossy(&ip).into_owned()),
        Field::HttpStatus => record.integer(field).map(|number| number.to_string()),
        field if crate::log::record::MEASURES.contains(&field) => {
            record.integer(field).map(|number| number.to_string())
        }
        field => record.logged(field).map(|text| String::from_utf8_lossy(text).into_owned()),
    };
    Field::all().filter_map(|field| Some((field, text(field)?))).collect()
}

/// What a parser gave.
#[derive(Default)]
struct Read {
    rows: Vec<Row>,
    /// Line, text and reason.
    rejected: Vec<(u64, String, String)>,
    counts: Vec<(u64, usize)>,
}

impl Sink for Read {
    fn records(&mut self, records: &RecordGroup<'_, '_>) {
        self.rows.extend(records.records().iter().map(row));
    }

    fn rejected(&mut self, line: u64, text: &[u8], reason: Rejection) {
        self.rejected.push((line, String::from_utf8_lossy(text).into_owned(), reason.to_string()));
    }

    fn record_count(&mut self, line: u64, records: usize) {
        self.counts.push((line, records));
    }
}

fn parse(block: impl AsRef<[u8]>) -> Read {
    let mut read = Read::default();
    Parser::new().parse_block(block.as_ref(), &mut read);
    read
}

/// The row of one object.
fn row_of(object: &str) -> Row {
    let read = parse(object);
    assert_eq!(read.rejected, [], "{object}");
    assert_eq!(read.rows.len(), 1, "{object}");
    read.rows.into_iter().next().unwrap()
}

/// The reason why an object is rejected.
fn reason(object: &str) -> String {
    let read = parse(object);
    assert_eq!(read.rows, [] as [Row; 0], "{object}");
    assert_eq!(read.rejected.len(), 1, "{object}");
    assert_eq!(read.rejected[0].1, object);
    assert_eq!(read.counts, [(0, 0)]);
    read.rejected[0].2.clone()
}

fn value(row: &Row, field: Field) -> Option<&str> {
    row.iter().find(|(other, _)| *other == field).map(|(_, value)| value.as_str())
}

/// [`OBJECT`] with another value of a column.
fn with(column: &str, json: &str) -> String {
    let start = OBJECT.find(&format!("\"{column}\": ")).unwrap() + column.len() + 4;
    let end = start
        + match OBJECT.as_bytes()[start] {
            b'"' => OBJECT[start + 1..].find('"').unwrap() + 2,
            _ => OBJECT[start..].find([',', '}']).unwrap(),
        };
    format!("{}{json}{}", &OBJECT[..start], &OBJECT[end..])
}

/// The value of a field of [`OBJECT`] with another value of a column.
fn read_value(column: &str, json: &str, field: Field) -> Option<String> {
    value(&row_of(&with(column, json)), field).map(str::to_owned)
}

#[test]
fn an_object_gives_the_row_of_its_line() {
    let (_, record) = records(LINE.as_bytes()).next().unwrap();
    assert_eq!(row_of(OBJECT), row(&record.unwrap()));
    let compact = OBJECT.replace(": ", ":").replace(", ", ",");
    assert_eq!(row_of(&compact), row_of(OBJECT));
}

#[test]
fn texts_are_read_with_and_without_escapes() {
    let columns = super::super::schema::COLUMNS;
    let texts = columns.iter().filter_map(|(name, column)| match column {
        super::super::schema::Column::Field(field)
            if !super::super::schema::is_integer(*field)
                && !matches!(field, Field::Time | Field::AclRequired | Field::Key | Field::RemoteIp) =>
        {
            Some((*name, *field))
        }
        _ => None,
    });
    for (column, field) in texts {
        for (json, expected) in [
            (r#""plain""#, Some("plain")),
            (r#""a \"b\" \\c\u00e9""#, Some("a \"b\" \\cé")),
            (r#""ünïcode""#, Some("ünïcode")),
        ] {
            assert_eq!(read_value(column, json, field).as_deref(), expected, "{column}: {json}");
        }
        for json in ["null", r#""-""#, r#""""#] {
            let is_required = matches!(field, Field::Operation);
            let text = with(column, json);
            match field {
                _ if is_required => assert_eq!(reason(&text), "no operation: every record has it"),
                // The ARN has the name.
                Field::Bucket => assert_eq!(value(&row_of(&text), field), Some("media")),
                _ => assert_eq!(value(&row_of(&text), field), None, "{column}: {json}"),
            }
        }
        for json in ["7", "true", "[1]", r#"{"a":1}"#] {
            assert_eq!(reason(&with(column, json)), format!("{column} is not a text or null"), "{json}");
        }
    }
}

#[test]
fn numbers_are_numbers_or_texts_with_digits() {
    for (column, field) in [
        ("bytes_sent_size", Field::BytesSent),
        ("object_size", Field::ObjectSize),
        ("total_duration", Field::TotalTime),
        ("turn_around_duration", Field::TurnAroundTime),
    ] {
        for (json, expected) in [
            ("0", (field != Field::BytesSent).then_some("0")),
            ("9223372036854775807", Some("9223372036854775807")),
            (r#""512""#, Some("512")),
            ("null", None),
            (r#""-""#, None),
            (r#""""#, None),
        ] {
            assert_eq!(read_value(column, json, field).as_deref(), expected, "{column}: {json}");
        }
        for json in [
            "-1",
            "9223372036854775808",
            "99999999999999999999",
            "1.5",
            "1e3",
            r#""12ms""#,
            "true",
            r#""-1""#,
        ] {
            let expected = format!("{column} is not a number from 0 to 9223372036854775807, or null");
            assert_eq!(reason(&with(column, json)), expected, "{json}");
        }
    }
    for (json, expected) in
        [("404", Some("404")), (r#""206""#, Some("206")), ("null", None), (r#""-""#, None)]
    {
        assert_eq!(read_value("http_status", json, Field::HttpStatus).as_deref(), expected);
    }
    for json in ["99", "1000", "-200", "0", r#""OK""#, "true", r#""0200""#] {
        let expected = "http_status is not a status from 100 to 999, or null";
        assert_eq!(reason(&with("http_status", json)), expected, "{json}");
    }
}

#[test]
fn an_acl_that_was_not_required_is_absent_as_in_the_text_format() {
    for (json, expected) in [
        ("true", Some("Yes")),
        ("false", None),
        ("null", None),
        (r#""Yes""#, Some("Yes")),
        (r#""No""#, None),
        (r#""-""#, None),
        (r#""true""#, Some("Yes")),
    ] {
        assert_eq!(read_value("acl_required", json, Field::AclRequired).as_deref(), expected, "{json}");
    }
    for json in ["1", r#""maybe""#, "[]"] {
        assert_eq!(reason(&with("acl_required", json)), "acl_required is not true, false or null");
    }
}

#[test]
fn the_time_is_in_seconds_and_the_rest_of_it_in_extra() {
    for (json, seconds, extra) in [
        (r#""2026-08-06T09:30:25.000Z""#, 1_786_008_625, None),
        (r#""2026-08-06T09:30:25.123Z""#, 1_786_008_625, Some(r#"{"milliseconds":123}"#)),
        (r#""2026-08-06T11:30:25.007+02:00""#, 1_786_008_625, Some(r#"{"milliseconds":7}"#)),
        (r#""2026-08-06T09:30:26Z""#, 1_786_008_626, None),
        (r#""2026-08-06T09:30:26\u005a""#, 1_786_008_626, None),
    ] {
        let row = row_of(&with("request_time", json));
        assert_eq!(value(&row, Field::Time), Some(seconds.to_string().as_str()), "{json}");
        assert_eq!(value(&row, Field::Extra), extra, "{json}");
    }
    let expected = "request_time is not a time in ISO 8601, such as 2026-08-06T09:30:25.123Z";
    for json in [r#""06/Aug/2026:09:30:25 +0000""#, r#""yesterday""#, "1786008625", "true"] {
        assert_eq!(reason(&with("request_time", json)), expected, "{json}");
    }
    for json in ["null", r#""-""#, r#""""#] {
        assert_eq!(reason(&with("request_time", json)), "no request_time: every record has it", "{json}");
    }
}

#[test]
fn addresses_have_their_canonical_spelling() {
    for (json, expected) in [
        (r#""::ffff:192.0.2.7""#, "192.0.2.7"),
        (r#""2001:DB8:0::7""#, "2001:db8::7"),
        (r#""192.0.2.7, 198.51.100.9""#, "192.0.2.7"),
        (r#""192.0.2.\u0037""#, "192.0.2.7"),
    ] {
        assert_eq!(read_value("remote_ip", json, Field::RemoteIp).as_deref(), Some(expected), "{json}");
    }
    let row = row_of(&with("remote_ip", r#""192.0.2.7, 198.51.100.9""#));
    let extra = r#"{"remote_ip":"192.0.2.7, 198.51.100.9"}"#;
    assert_eq!(value(&row, Field::Extra), Some(extra));
}

#[test]
fn an_anonymous_requester_is_absent() {
    let row = row_of(&with("requester", r#""Anonymous""#));
    assert_eq!(value(&row, Field::Requester), None);
    assert_eq!(value(&row, Field::Extra), Some(r#"{"requester":"Anonymous"}"#));
}

#[test]
fn keys_are_spelled_as_in_the_text_format() {
    for (name, uri) in [("a b", "/a%20b"), ("a%20b", "/a%20b"), ("a%2520b", "/a%20b"), ("a b", "/")] {
        let object = with("key_name", &format!("\"{name}\"")).replace("/photos/cat.jpg", uri);
        let row = row_of(&object);
        assert_eq!(value(&row, Field::Key), Some("a b"), "{object}");
        assert_eq!(value(&row, Field::KeyLogged), Some("a%2520b"));
    }
    let object = with("key_name", r#""a \u0062""#).replace("/photos/cat.jpg", "/a%20b");
    assert_eq!(value(&row_of(&object), Field::KeyLogged), Some("a%2520b"));
}

#[test]
fn columns_that_are_no_fields_are_in_extra() {
    let end = OBJECT.len() - 1;
    let object = format!(r#"{},"edge":"a\"b","n":{{"x":[1,2]}},"f":1.5,"z":null}}"#, &OBJECT[..end]);
    let extra = r#"{"edge":"a\"b","n":{"x":[1,2]},"f":1.5,"z":null}"#;
    assert_eq!(value(&row_of(&object), Field::Extra), Some(extra));
    let flat = format!(r#"{},"edge":"a","f":12}}"#, &OBJECT[..end]);
    assert_eq!(value(&row_of(&flat), Field::Extra), Some(r#"{"edge":"a","f":12}"#));
    let version = row_of(&with("schema_version_id", r#""V_2_0""#));
    assert_eq!(value(&version, Field::Extra), Some(r#"{"schema_version_id":"V_2_0"}"#));
    let arn = row_of(&with("bucket_arn", r#""arn:aws:s3:::other""#));
    assert_eq!(value(&arn, Field::Extra), Some(r#"{"bucket_arn":"arn:aws:s3:::other"}"#));
    assert_eq!(row_of(&with("bucket_arn", r#""arn:aws-cn:s3:::media""#)), row_of(OBJECT));
}

#[test]
fn zero_bytes_sent_differed_from_the_text_format_which_writes_a_dash() {
    for zero in ["0", "\"0\""] {
        assert_eq!(
            row_of(&with("bytes_sent_size", zero)),
            row_of(&with("bytes_sent_size", "null")),
            "{zero}"
        );
    }
}

#[test]
fn commas_and_brackets_between_objects_on_lines_were_rejected() {
    let plain = parse(format!("{OBJECT}\n{OBJECT}\n{LINE}\n"));
    for array in [
        format!("{OBJECT},\n{OBJECT},\n{LINE}\n"),
        format!("[{OBJECT}\n,{OBJECT}]\n{LINE}\n"),
        format!("  [ {OBJECT} ,\r\n , {OBJECT} ]\r\n{LINE}\r\n"),
    ] {
        let read = parse(&array);
        assert_eq!(read.rows, plain.rows, "{array}");
        assert_eq!((read.rejected, read.counts), (vec![], vec![]), "{array}");
    }
    let read = parse(format!("{LINE}\n[\n{OBJECT},{OBJECT}\n],\n{LINE}\n"));
    assert_eq!((read.rows.len(), read.rejected), (4, vec![]));
    assert_eq!(read.counts, [(1, 0), (2, 2), (3, 0)], "the line numbers are those of the file");
}

#[test]
fn parts_of_json_were_rejected_as_lines_of_text() {
    for part in ["[1,2]", "null,", "}", "},", "\"key_name\": \"a b [c] d\","] {
        let read = parse(format!("{LINE}\n{part}\n"));
        assert_eq!(read.rejected.len(), 1, "{part}");
        let (line, text, reason) = &read.rejected[0];
        assert_eq!((*line, text.as_str()), (1, part));
        assert!(reason.starts_with("no valid JSON"), "{part}: {reason}");
    }
}

#[test]
fn columns_may_have_any_order_and_may_be_missing() {
    let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(OBJECT).unwrap();
    let reversed: serde_json::Map<String, serde_json::Value> = value.into_iter().rev().collect();
    assert_eq!(row_of(&serde_json::to_string(&reversed).unwrap()), row_of(OBJECT));
    let few = r#"{"operation":"REST.GET.OBJECT","request_time":"2026-08-06T09:30:25Z","bucket_arn":"arn:aws:s3:::media"}"#;
    let row = row_of(few);
    assert_eq!(
        value_of(&row),
        [(Field::Bucket, "media"), (Field::Time, "1786008625"), (Field::Operation, "REST.GET.OBJECT"),]
    );
    assert_eq!(
        reason(r#"{"operation":"REST.GET.OBJECT","request_time":"2026-08-06T09:30:25Z"}"#),
        "no bucket_name or bucket_arn: every record has it"
    );
    let twice = format!(r#"{},"http_status":404}}"#, &OBJECT[..OBJECT.len() - 1]);
    assert_eq!(reason(&twice), "http_status occurs twice");
}

fn value_of(row: &Row) -> Vec<(Field, &str)> {
    row.iter().map(|(field, value)| (*field, value.as_str())).collect()
}

/// [`OBJECT`] with a request id of its own.
fn object(number: usize) -> String {
    OBJECT.replace("0A1B2C3D4E5F6071", &format!("{number:016}"))
}

fn request_ids(read: &Read) -> Vec<usize> {
    let id = |row: &Row| value(row, Field::RequestId).unwrap().parse().unwrap();
    read.rows.iter().map(id).collect()
}

#[test]
fn records_are_found_in_every_framing() {
    let objects: Vec<String> = (0..100).map(object).collect();
    let message = |object: &String| format!(r#"{{"message":{}}}"#, serde_json::to_string(object).unwrap());
    let nested = |object: &String| format!(r#"{{"message": {object}}}"#);
    let events = |objects: &[String]| {
        let event = |object: &String| {
            let text = serde_json::to_string(object).unwrap();
            format!(
                r#"{{"id":"3195310660696698337880902507980421114328961542429","timestamp":1786008625123,"message":{text}}}"#
            )
        };
        let events = objects.iter().map(event).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"s3","logStream":"media","subscriptionFilters":["all"],"logEvents":[{events}]}}"#
        )
    };
    let lines = |lines: Vec<String>| lines.join("\n");
    let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1786008625123,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
    for (name, text) in [
        ("lines", lines(objects.clone())),
        ("lines with carriage returns", objects.join("\r\n") + "\r\n"),
        ("empty lines", objects.join("\n\n")),
        ("one after another", objects.concat()),
        ("one after another with spaces", objects.join("  ")),
        ("two on each line", objects.chunks(2).map(<[String]>::concat).collect::<Vec<_>>().join("\n")),
        (
            "export of CloudWatch Logs",
            lines(objects.iter().map(|object| format!("2026-08-06T09:30:25.123Z {object}")).collect()),
        ),
        (
            "export on one line",
            objects.iter().map(|object| format!("2026-08-06T09:30:25.123Z {object}")).collect::<String>(),
        ),
        ("messages", lines(objects.iter().map(message).collect())),
        ("messages one after another", objects.iter().map(message).collect()),
        ("messages with objects", lines(objects.iter().map(nested).collect())),
        ("messages within messages", lines(objects.iter().map(|object| message(&message(object))).collect())),
        ("a message with all", events(&objects)),
        ("messages with some", objects.chunks(7).map(events).collect()),
        ("a message with an array", message(&format!("[{}]", objects.join(", ")))),
        ("a message that is an array", nested(&format!("[{}]", objects.join(",")))),
        (
            "messages with several objects",
            lines(objects.chunks(3).map(|some| message(&some.concat())).collect()),
        ),
        (
            "messages with several lines",
            lines(objects.chunks(3).map(|some| message(&some.join("\n"))).collect()),
        ),
        (
            "events with several objects",
            objects.chunks(7).map(|some| events(&[some.join(" "), some[..0].concat()])).collect(),
        ),
        ("a check of the destination", format!("{control}{}", events(&objects))),
        ("a byte order mark", format!("\u{feff}{}", lines(objects.clone()))),
    ] {
        let read = parse(&text);
        assert_eq!(read.rejected, [], "{name}");
        assert!(request_ids(&read).into_iter().eq(0..100), "{name}");
        assert!(read.rows.iter().all(|row| row.len() == read.rows[0].len()), "{name}");
    }
}

#[test]
fn lines_of_both_formats_may_be_mixed() {
    let line = |number: usize| LINE.replace("0A1B2C3D4E5F6071", &format!("{number:016}"));
    let text: Vec<String> =
        (0..200).map(|number| if number % 7 < 3 { line(number) } else { object(number) }).collect();
    let read = parse(text.join("\n"));
    assert_eq!((read.rejected, read.counts), (vec![], vec![]));
    assert_eq!(read.rows.len(), 200);
    let mut first = None;
    for (number, mut row) in read.rows.into_iter().enumerate() {
        let id = row.iter_mut().find(|(field, _)| *field == Field::RequestId).unwrap();
        assert_eq!(std::mem::take(&mut id.1), format!("{number:016}"));
        assert_eq!(*first.get_or_insert(row.clone()), row);
    }
}

#[test]
fn a_broken_object_is_rejected_alone_and_keeps_its_bytes() {
    let [first, second, third] = [object(1), object(2), object(3)];
    for cut in (1..second.len()).step_by(3) {
        let broken = &second[..cut];
        let read = parse(format!("{first}{broken}{third}"));
        assert_eq!(request_ids(&read), [1, 3], "{broken}");
        assert_eq!(read.rejected.len(), 1);
        assert_eq!(read.rejected[0].1, broken);
        assert!(read.rejected[0].2.starts_with("no valid JSON: unexpected text at byte "));
        let read = parse(format!("{first}\n{broken}\n{third}"));
        assert_eq!(request_ids(&read), [1, 3], "{broken}");
        assert_eq!((read.rejected.len(), read.rejected[0].0), (1, 1));
        assert_eq!(read.counts, [(1, 0)]);
    }
    let read = parse(format!("{first} text {second}\n{third}trailing"));
    assert_eq!(request_ids(&read), [1, 2, 3]);
    let texts: Vec<&str> = read.rejected.iter().map(|(_, text, _)| text.as_str()).collect();
    assert_eq!(texts, ["text ", "trailing"]);
}

#[test]
fn invalid_utf_8_and_invalid_values_reject_the_record() {
    let mut bytes = OBJECT.as_bytes().to_vec();
    let at = OBJECT.find("photos").unwrap();
    bytes[at] = 0xff;
    let read = parse(&bytes);
    assert_eq!((read.rows.len(), read.rejected.len()), (0, 1));
    for json in ["nul", "tru", "+1", "01", "1.", r#""\x""#, r#""\ud800""#, "\"\u{1}\\n\""] {
        let read = parse(with("total_duration", json));
        assert_eq!((read.rows.len(), read.rejected.len()), (0, 1), "{json}");
    }
}

#[test]
fn the_reason_names_what_is_wrong_with_an_object() {
    let deep = r#"{"a":"#.repeat(5000);
    assert_eq!(reason(&deep), "more than 64 objects and arrays within each other");
    let deep = format!("{deep}1{}", "}".repeat(5000));
    assert_eq!(reason(&deep), "more than 64 objects and arrays within each other");
    assert_eq!(reason(r#"{"message":"a","message":"b"}"#), "message occurs twice");
    for column in ["key_name", "bucket_arn"] {
        let reason = reason(&with(column, r#""a\ud800""#));
        assert!(reason.starts_with(&format!("{column} is not valid Unicode")), "{reason}");
    }
    for json in ["5", "true", r#"["x"]"#, r#"{"a":1}"#] {
        assert_eq!(reason(&with("bucket_arn", json)), "bucket_arn is not a text or null", "{json}");
    }
}

#[test]
fn an_absent_arn_or_version_was_a_deviation() {
    for column in ["bucket_arn", "schema_version_id"] {
        for json in ["null", r#""""#, r#""-""#] {
            assert_eq!(row_of(&with(column, json)), row_of(OBJECT), "{column}: {json}");
        }
    }
}

#[test]
fn lines_of_text_within_messages_were_rejected() {
    let text = serde_json::to_string(LINE).unwrap();
    let two = serde_json::to_string(&format!("{LINE}\n{LINE}\n")).unwrap();
    let events = format!(r#"[{{"message":{text}}},{{"message":{two}}},{{"message":"junk"}}]"#);
    for (text, count, rejected) in [
        (format!("{{\"message\":{text}}}\n"), 1, 0),
        (format!("{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":{events}}}\n"), 3, 1),
        (format!("2026-08-06T09:30:25.123Z {LINE}\n"), 1, 0),
    ] {
        let read = parse(&text);
        assert_eq!(read.rows, vec![row_of(LINE); count], "{text}");
        assert_eq!(read.rejected.len(), rejected, "{text}");
        assert_eq!(read.counts, if count == 1 { vec![] } else { vec![(0, count)] }, "{text}");
    }
}

#[test]
fn several_objects_in_one_message_were_rejected() {
    let message = |text: &str| format!(r#"{{"message":{}}}"#, serde_json::to_string(text).unwrap());
    let [first, second, third] = [object(1), object(2), object(3)];
    let pretty = second.replace(", ", ",\n  ").replacen('{', "{\n  ", 1);
    let cut = &second[..300];
    for (text, ids, rejected) in [
        (format!("{first}{second}\n{third}\n"), vec![1, 2, 3], vec![]),
        (format!("{first}\n{pretty}\n{third}"), vec![1, 2, 3], vec![]),
        (format!("[{first},\n{second}]\n[{third}]"), vec![1, 2, 3], vec![]),
        (format!("{first}{cut}{third}"), vec![1, 3], vec![cut]),
        (format!("{first}\n{cut}\n{third}"), vec![1, 3], vec![cut]),
        (format!("{first} text {third}"), vec![1, 3], vec!["text "]),
        (format!("{first}\ntext\n{third} more\n"), vec![1, 3], vec!["text", "more"]),
    ] {
        for text in [message(&text), message(&message(&text))] {
            let read = parse(&text);
            assert_eq!(request_ids(&read), ids, "{text}");
            assert_eq!(read.counts, [(0, ids.len())], "{text}");
            let texts: Vec<&str> = read.rejected.iter().map(|(_, text, _)| text.as_str()).collect();
            assert_eq!(texts, rejected, "{text}");
        }
    }
    // Lines of both formats.
    let read = parse(message(&format!("{LINE}\n{OBJECT}\n{cut}\n{LINE}\n")));
    assert_eq!(read.rows, vec![row_of(OBJECT); 3]);
    assert_eq!(read.rejected.len(), 1);
}

#[test]
fn messages_without_records_are_rejected() {
    for object in [r#"{"message":"hello"}"#, r#"{"message":null}"#, r#"{"message":7}"#, r#"{"a":1}"#, "{}"] {
        let read = parse(object);
        assert_eq!((read.rows.len(), read.rejected.len()), (0, 1), "{object}");
    }
    let mut deep = OBJECT.to_owned();
    for _ in 0..6 {
        deep = format!(r#"{{"message":{}}}"#, serde_json::to_string(&deep).unwrap());
    }
    assert_eq!(parse(&deep).rows.len(), 0);
}

#[test]
fn records_with_equal_common_values_share_a_template() {
    struct Templates(Vec<u32>);
    impl Sink for Templates {
        fn records(&mut self, group: &RecordGroup<'_, '_>) {
            self.0.extend(group.records().iter().map(|record| record.template));
        }
        fn rejected(&mut self, _: u64, _: &[u8], _: Rejection) {}
        fn record_count(&mut self, _: u64, _: usize) {}
    }
    let text: Vec<String> =
        (0..100).map(|number| object(number).replace("TLSv1.3", ["a", "b"][number % 2])).collect();
    let mut templates = Templates(Vec::new());
    Parser::new().parse_block(text.join("\n").as_bytes(), &mut templates);
    assert_eq!(templates.0.len(), 100);
    assert!(templates.0.iter().enumerate().all(|(number, template)| *template == templates.0[number % 2]));
    assert_ne!(templates.0[0], templates.0[1]);
    // A text with escapes is not part of a template.
    let mut templates = Templates(Vec::new());
    Parser::new().parse_block(with("tls_version", r#""\u0061""#).as_bytes(), &mut templates);
    assert_eq!(templates.0, [0]);
}

#[test]
fn the_last_line_of_a_growing_file_is_complete_if_its_object_is() {
    use crate::log::unfinished_line;
    assert_eq!(unfinished_line(OBJECT.as_bytes()), b"");
    let text = format!("{OBJECT}\n{}", &OBJECT[..100]);
    assert_eq!(unfinished_line(text.as_bytes()), &OBJECT.as_bytes()[..100]);
    let text = format!("{OBJECT}{}", &OBJECT[..1]);
    assert_eq!(unfinished_line(text.as_bytes()), text.as_bytes());
    assert_eq!(unfinished_line(format!("{OBJECT}{OBJECT}").as_bytes()), b"");
}
