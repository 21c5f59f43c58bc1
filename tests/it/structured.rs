//! Server access logs as JSON and Parquet: they give what the text format gives.

use std::path::Path;

use tamarin::demo::LogFormat;
use tamarin::log::Field;
use tamarin::query::Dimension;

use crate::home::{Home, stderr};
use crate::support::log_files::{as_format, demo, gzip, home_with, tar};

/// Pulls the folder `in`, and returns the messages.
fn pull(home: &Home, code: i32) -> String {
    let output = home.run(&["pull", "in"]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stderr(&output)
}

fn requests(home: &Home) -> u64 {
    home.rows(&["report", "total"])[0]["requests"].as_u64().unwrap()
}

/// Every request with every field, in the order of time and request id.
fn rows(home: &Home) -> Vec<serde_json::Value> {
    let mut rows = home.rows(&["requests", "--top", "0"]);
    rows.sort_by_key(|row| format!("{} {} {}", row["time"], row["request_id"], row["key"]));
    rows
}

fn case(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data").join(name)).unwrap()
}

#[test]
fn a_record_of_cloudwatch_logs_is_read() {
    let home = home_with(&[("a.json", &case("cloudwatch-json.log"))]);
    pull(&home, 0);
    let rows = rows(&home);
    assert_eq!(rows.len(), 1);
    for (field, value) in [
        ("bucket", "media"),
        ("time", "2026-08-06T09:30:25Z"),
        ("remote_ip", "192.0.2.70"),
        ("requester", "arn:aws:iam::123456789012:user/docs"),
        ("request_id", "0A1B2C3D4E5F6071"),
        ("operation", "REST.GET.OBJECT"),
        ("key", "photos/cat.jpg"),
        ("request_uri", "GET /photos/cat.jpg HTTP/1.1"),
        ("tls_version", "TLSv1.3"),
        ("source_region", "us-east-1"),
        ("extra", "{\"milliseconds\":123}"),
    ] {
        assert_eq!(rows[0][field], value, "{field}");
    }
    for (field, value) in
        [("http_status", 200), ("bytes_sent", 20480), ("total_time", 12), ("turn_around_time", 10)]
    {
        assert_eq!(rows[0][field], value, "{field}");
    }
    for field in ["error_code", "referer", "version_id", "access_point_arn", "acl_required", "key_logged"] {
        assert!(rows[0][field].is_null(), "{field}");
    }
}

#[test]
fn text_json_and_parquet_give_equal_answers() {
    let text = demo(20_000);
    let homes: Vec<Home> = [LogFormat::Text, LogFormat::Json, LogFormat::Parquet]
        .map(|format| home_with(&[("access.log", &as_format(format, &text))]))
        .into();
    let mut all = Vec::new();
    for home in &homes {
        pull(home, 0);
        let mut rows = rows(home);
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            // The text format has no milliseconds.
            row.remove("extra");
            // The homes are folders of their own.
            row.remove("source");
            // A line that is not a record has no counterpart.
            row.remove("line");
            // Clients of the demo encode characters or not, and nothing but the text format shows which spelling was logged.
            row.remove("key_logged");
        }
        all.push(rows);
    }
    assert_eq!(all[0].len(), 20_000);
    for other in &all[1..] {
        for (one, other) in all[0].iter().zip(other) {
            assert_eq!(one, other);
        }
        assert_eq!(all[0].len(), other.len());
    }
    let all = Dimension::all().into_iter().filter(|by| *by != Dimension::Field(Field::Source));
    let mut dimensions: Vec<String> = all.map(|by| by.name()).collect();
    dimensions.extend(["prefix/2", "query_param:versionId", "time", "total"].map(str::to_owned));
    for dimension in &dimensions {
        let [text, json, parquet] =
            [0, 1, 2].map(|home| homes[home].rows(&["report", dimension, "--top", "0"]));
        assert_eq!(text, json, "{dimension}");
        assert_eq!(text, parquet, "{dimension}");
    }
    let [text, json, parquet] = [0, 1, 2].map(|home| homes[home].rows(&["findings"]));
    assert_eq!((&text, &text), (&json, &parquet));
}

#[test]
fn a_request_that_was_delivered_in_three_formats_counts_once() {
    let text = demo(3_000);
    let json = as_format(LogFormat::Json, &text);
    let parquet = as_format(LogFormat::Parquet, &text);
    let home = home_with(&[("a.parquet", &parquet), ("b.json", &json), ("c.log", &text)]);
    pull(&home, 0);
    assert_eq!(requests(&home), 3_000);
    // In a cache that has them already, too.
    std::fs::write(home.path("in/d.json.gz"), gzip(&json)).unwrap();
    std::fs::write(home.path("in/e.log"), &text).unwrap();
    pull(&home, 0);
    assert_eq!(requests(&home), 3_000);
}

#[test]
fn compressed_archived_and_framed_logs_are_read() {
    let text = demo(600);
    let json = as_format(LogFormat::Json, &text);
    let parquet = as_format(LogFormat::Parquet, &text);
    let one_line: Vec<u8> = json.iter().copied().filter(|byte| *byte != b'\n').collect();
    let export: Vec<u8> = json
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| [b"2026-08-06T09:30:25.123Z ".as_slice(), line].concat())
        .collect();
    let messages: Vec<u8> = json
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .flat_map(|line| {
            serde_json::to_vec(&serde_json::json!({"message": std::str::from_utf8(line).unwrap()})).unwrap()
        })
        .collect();
    let pretty: Vec<u8> = json
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .flat_map(|line| {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            serde_json::to_vec_pretty(&value).unwrap()
        })
        .collect();
    let archive = gzip(&tar(&[("a.json", &json), ("b.parquet", &parquet), ("c.json.gz", &gzip(&one_line))]));
    for (name, content) in [
        ("000000.gz", gzip(&json)),
        ("a.zst", zstd::encode_all(json.as_slice(), 1).unwrap()),
        ("one-line.json", one_line.clone()),
        ("one-line.gz", gzip(&one_line)),
        ("export.gz", gzip(&export)),
        ("messages", messages),
        ("pretty.json", pretty),
        ("no-extension", parquet.clone()),
        ("parquet.gz", gzip(&parquet)),
        ("logs.tar.gz", archive),
    ] {
        let home = home_with(&[(name, &content)]);
        let messages = pull(&home, 0);
        assert_eq!(requests(&home), 600, "{name}: {messages}");
        assert!(!messages.contains("rejected"), "{name}: {messages}");
        // The next pull adds nothing.
        pull(&home, 0);
        assert_eq!(requests(&home), 600, "{name}");
    }
}

#[test]
fn a_large_file_without_line_ends_is_read_in_parts() {
    let text = demo(12_000);
    let mut json = as_format(LogFormat::Json, &text);
    json.retain(|byte| *byte != b'\n');
    assert!(json.len() > 8 << 20);
    let home = home_with(&[("access.json", &json)]);
    pull(&home, 0);
    assert_eq!(requests(&home), 12_000);
}

#[test]
fn objects_of_several_lines_in_the_middle_of_a_large_file_were_rejected() {
    let text = demo(24_000);
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let objects: Vec<String> = String::from_utf8(as_format(LogFormat::Json, &lines[11_000..13_000].concat()))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let pretty = |object: &String| {
        let value: serde_json::Value = serde_json::from_str(object).unwrap();
        serde_json::to_string_pretty(&value).unwrap() + "\n"
    };
    let array = format!("[\n{}]\n", objects.iter().map(pretty).collect::<Vec<_>>().join(","));
    let one_line = format!("[{}]\n", objects.join(","));
    for (name, middle) in [
        ("objects", objects.iter().map(pretty).collect::<String>()),
        ("an array", array),
        ("an array on one line", one_line),
        // Some objects among lines.
        (
            "mixed",
            objects
                .iter()
                .enumerate()
                .map(|(n, object)| match n % 500 {
                    499 => pretty(object),
                    _ => format!("{object}\n"),
                })
                .collect(),
        ),
    ] {
        let before = lines[..11_000].concat();
        let content = [before.as_slice(), middle.as_bytes(), &lines[13_000..].concat()].concat();
        assert!(before.len() > 4 << 20, "the file is read in chunks");
        let home = home_with(&[("large.log", &content)]);
        let messages = pull(&home, 0);
        assert_eq!(requests(&home), 24_000, "{name}: {messages}");
        // The compressed file, which is read in one piece, has each request on the same line.
        let origins = |home: &Home| {
            let sql = "SELECT request_id, key, operation, line FROM requests ORDER BY 1, 2, 3, 4";
            home.succeeds(&["sql", sql, "--format", "csv"])
        };
        let large = origins(&home);
        let home = home_with(&[("large.log.gz", &gzip(&content))]);
        pull(&home, 0);
        assert!(origins(&home) == large, "{name}");
    }
}

#[test]
fn a_broken_object_is_rejected_with_its_line_and_its_reason() {
    let json = String::from_utf8(as_format(LogFormat::Json, &demo(100))).unwrap();
    let mut lines: Vec<&str> = json.lines().collect();
    let cut = &lines[10][..400];
    lines[10] = cut;
    let status = lines[20].replace("\"http_status\":", "\"http_status\":9");
    lines[20] = &status;
    let home = home_with(&[("a.json", (lines.join("\n") + "\n").as_bytes())]);
    pull(&home, 0);
    assert_eq!(requests(&home), 98);
    let rejected = home.rows(&["sources", "rejected"]);
    assert_eq!(rejected.len(), 2);
    assert_eq!((&rejected[0]["line"], &rejected[1]["line"]), (&11.into(), &21.into()));
    assert!(rejected[0]["reason"].as_str().unwrap().starts_with("no valid JSON"));
    assert_eq!(rejected[1]["reason"], "http_status is not a status from 100 to 999, or null");
}

#[test]
fn requests_of_arrays_and_objects_of_several_lines_after_other_lines_were_lost() {
    let part = |from: usize| {
        let text = demo(300);
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        lines[from..from + 30].concat()
    };
    let objects = |text: &[u8]| String::from_utf8(as_format(LogFormat::Json, text)).unwrap();
    let array = |text: &[u8]| format!("[{}]\n", objects(text).trim_end().replace('\n', ","));
    let indented = |text: &[u8]| -> String {
        let object = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            serde_json::to_string_pretty(&value).unwrap() + "\n"
        };
        objects(text).lines().map(object).collect()
    };
    let text = part(0);
    let forms = [
        text.clone(),
        objects(&part(30)).into_bytes(),
        array(&part(60)).into_bytes(),
        indented(&part(90)).into_bytes(),
        indented(&part(120)).replace("}\n{", "},\n{").into_bytes(),
    ];
    let expected = requests(&pulled(&forms));
    for turn in 1..forms.len() {
        let mut turned = forms.clone();
        turned.rotate_left(turn);
        assert_eq!(requests(&pulled(&turned)), expected, "beginning with form {turn}");
        turned.reverse();
        assert_eq!(requests(&pulled(&turned)), expected, "backwards, ending with form {turn}");
    }
}

/// A home with the requests of a log file that has these parts one after another. No part of it may be rejected as JSON.
fn pulled(parts: &[Vec<u8>]) -> Home {
    let home = home_with(&[("a.log", &parts.concat())]);
    pull(&home, 0);
    for rejected in home.rows(&["sources", "rejected"]) {
        let reason = rejected["reason"].as_str().unwrap();
        assert!(!reason.starts_with("no valid JSON"), "{rejected}");
    }
    home
}

#[test]
fn a_broken_object_of_several_lines_is_rejected_alone() {
    let json = String::from_utf8(as_format(LogFormat::Json, &demo(100))).unwrap();
    let indented = |line: &str| -> String {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        serde_json::to_string_pretty(&object).unwrap()
    };
    let mut objects: Vec<String> = json.lines().map(indented).collect();
    let whole = objects.join("\n") + "\n";
    // Without its last brace.
    objects[10] = objects[10].trim_end_matches(['}', '\n']).to_owned();
    objects[20] = objects[20].replacen("\",", ",", 1);
    objects[99] = objects[99].replacen("\",", ",", 1);
    let home = home_with(&[("a.json", (objects.join("\n") + "\n").as_bytes())]);
    pull(&home, 0);
    assert_eq!(requests(&home), 97);
    let rejected = home.rows(&["sources", "rejected"]);
    let lines: Vec<u64> = rejected.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [11, 21, 100]);
    assert!(rejected.iter().all(|line| line["reason"].as_str().unwrap().starts_with("no valid JSON")));
    let home = home_with(&[("a.json", whole.as_bytes())]);
    pull(&home, 0);
    assert_eq!((requests(&home), home.rows(&["sources", "rejected"]).len()), (100, 0));
}

#[test]
fn an_array_of_records_is_read() {
    let json = String::from_utf8(as_format(LogFormat::Json, &demo(100))).unwrap();
    let objects: Vec<&str> = json.lines().collect();
    let values: Vec<serde_json::Value> =
        objects.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for array in [
        format!("[{}]", objects.join(",")),
        format!("[\n{}\n]\n", objects.join(",\n")),
        serde_json::to_string_pretty(&values).unwrap(),
    ] {
        let home = home_with(&[("a.json", array.as_bytes())]);
        pull(&home, 0);
        assert_eq!((requests(&home), home.rows(&["sources", "rejected"]).len()), (100, 0));
    }
}

#[test]
fn a_json_file_that_grows_is_read_on() {
    let json = as_format(LogFormat::Json, &demo(300));
    let home = home_with(&[("a.json", &json[..json.len() / 2])]);
    pull(&home, 0);
    let first = requests(&home);
    assert!((100..200).contains(&first), "{first}");
    std::fs::write(home.path("in/a.json"), &json).unwrap();
    pull(&home, 0);
    assert_eq!(requests(&home), 300);
    assert_eq!(home.rows(&["sources", "rejected"]).len(), 0);
}

#[test]
fn a_damaged_parquet_file_adds_nothing_and_is_named() {
    let parquet = as_format(LogFormat::Parquet, &demo(70_000));
    let page = parquet.len() / 2;
    let mut flipped = parquet.clone();
    flipped[page..page + 64].iter_mut().for_each(|byte| *byte ^= 0x55);
    for (name, damaged) in [("cut.parquet", &parquet[..page]), ("flipped.parquet", &flipped)] {
        let home = home_with(&[(name, damaged), ("good.parquet", &as_format(LogFormat::Parquet, &demo(50)))]);
        let messages = pull(&home, 3);
        assert!(messages.contains(name) && messages.contains("Parquet file is damaged"), "{messages}");
        assert_eq!(requests(&home), 50);
        // The complete file replaces it.
        std::fs::write(home.path("in").join(name), &parquet).unwrap();
        pull(&home, 0);
        assert!(requests(&home) >= 70_000);
    }
}

#[test]
fn a_parquet_file_with_other_columns_is_reported_with_those_that_are_missing() {
    use parquet::data_type::Int64Type;
    let schema = parquet::schema::parser::parse_message_type(
        "message m { required int64 request_time (TIMESTAMP(MILLIS,true)); required int64 size; }",
    )
    .unwrap();
    let mut other = Vec::new();
    let mut writer =
        parquet::file::writer::SerializedFileWriter::new(&mut other, schema.into(), Default::default())
            .unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        column.typed::<Int64Type>().write_batch(&[1, 2], None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    let good = as_format(LogFormat::Parquet, &demo(50));
    let home = home_with(&[("other.parquet", &other), ("good.parquet", &good)]);
    let messages = pull(&home, 0);
    assert!(messages.contains("Parquet file without the columns bucket_name and operation"), "{messages}");
    assert_eq!(requests(&home), 50);
}

#[test]
fn logs_as_json_of_other_services_are_named() {
    let trail =
        br#"{"Records":[{"eventVersion":"1.09","eventSource":"s3.amazonaws.com","eventName":"GetObject"}]}"#;
    let waf = b"{\"timestamp\":1,\"formatVersion\":1,\"webaclId\":\"x\"}\n".repeat(3);
    let json = as_format(LogFormat::Json, &demo(50));
    let home = home_with(&[("trail.json", trail), ("waf.json", &waf), ("s3.json", &json)]);
    let messages = pull(&home, 0);
    assert!(messages.contains("CloudTrail") && messages.contains("AWS WAF"), "{messages}");
    assert_eq!(requests(&home), 50);
}

mod equal_rows {
    //! Random requests give equal rows in all formats.

    use proptest::prelude::*;
    use tamarin::demo::LogFormat;
    use tamarin::log::structured::parquet::{ParquetFile, RowParser};
    use tamarin::log::{Field, Parser, Record, RecordGroup, Rejection, Sink};
    use tokio_util::bytes::Bytes;

    use crate::support::cases;
    use crate::support::lines;

    #[derive(Debug, Default, PartialEq)]
    struct Rows(Vec<Vec<(Field, String)>>);

    impl Sink for Rows {
        fn records(&mut self, group: &RecordGroup<'_, '_>) {
            self.0.extend(group.records().iter().map(row));
        }

        fn rejected(&mut self, _: u64, text: &[u8], reason: Rejection) {
            panic!("{reason}: {}", text.escape_ascii());
        }

        fn record_count(&mut self, _: u64, _: usize) {}
    }

    /// What the cache stores of a record, except what only one of the formats has.
    fn row(record: &Record<'_>) -> Vec<(Field, String)> {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let value = |field| match field {
            Field::Time => Some(record.time.to_string()),
            Field::Extra => None,
            Field::Key => record.key().map(|key| text(&key)),
            Field::RemoteIp => record.remote_ip().map(|address| text(&address)),
            Field::HttpStatus
            | Field::BytesSent
            | Field::ObjectSize
            | Field::TotalTime
            | Field::TurnAroundTime => record.integer(field).map(|number| number.to_string()),
            field => record.logged(field).map(text),
        };
        Field::all().filter_map(|field| Some((field, value(field)?))).collect()
    }

    /// A line of the text format as S3 writes it: the key is encoded twice, or once with `+` for a space, and the path of the
    /// request URI once.
    fn line_of(key: &str, picks: &[u8; 16]) -> String {
        const UNENCODED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b'~')
            .remove(b'/');
        let pick = |index: usize, pool: &'static [&'static str]| pool[usize::from(picks[index]) % pool.len()];
        let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, UNENCODED).to_string();
        let (bucket, operation) = (pick(0, lines::BUCKETS), pick(1, lines::OPERATIONS));
        let path = encoded(key);
        let logged = match operation {
            "BATCH.DELETE.OBJECT" | "S3.EXPIRE.OBJECT" => path.replace("%20", "+"),
            _ => encoded(&path),
        };
        // Without the path, a key with these characters is ambiguous.
        let has_path = picks[2] % 4 < 3 || key.contains(['%', '+']);
        let uri = match picks[2] % 4 {
            _ if !has_path => "-".to_owned(),
            0 => format!("\"GET /{bucket}/{path}?versionId=a%20b HTTP/1.1\""),
            _ => format!("\"GET /{path} HTTP/1.1\""),
        };
        let number = |index: usize| match picks[index] {
            0 => "-".to_owned(),
            255 => i64::MAX.to_string(),
            number => (u64::from(number) * 7919).to_string(),
        };
        format!(
            "{} {bucket} [03/Apr/2026:03:{:02}:00 +0000] {} {} {} {operation} {logged} {uri} {} {} {} {} {} {} {} {} {} {} \
             SigV4 TLS_AES_128_GCM_SHA256 AuthHeader {} TLSv1.3 - {} {}",
            lines::OWNER,
            picks[3] % 60,
            pick(4, lines::ADDRESSES),
            pick(5, lines::REQUESTERS),
            pick(6, lines::REQUEST_IDS),
            pick(7, lines::STATUSES),
            pick(8, lines::ERRORS),
            number(9),
            number(10),
            number(11),
            number(12),
            pick(13, lines::REFERERS),
            pick(14, lines::AGENTS),
            pick(15, lines::VERSIONS),
            pick(3, lines::HOST_IDS),
            pick(4, &["media.s3.eu-west-1.amazonaws.com", "s3.amazonaws.com", "-"]),
            pick(5, &["-", "Yes"]),
            pick(6, &["eu-west-1", "-"]),
        )
    }

    proptest! {
        #![proptest_config(cases(64))]
        #[test]
        fn random_requests_give_equal_rows_in_all_formats(
            requests in prop::collection::vec(("[a-z/ +%25=\u{e9}]{1,12}", prop::array::uniform16(any::<u8>())), 1..80)
        ) {
            let lines: Vec<String> = requests.iter().map(|(key, picks)| line_of(key, picks)).collect();
            let text = lines.join("\n");
            let mut expected = Rows::default();
            Parser::new().parse_block(text.as_bytes(), &mut expected);
            prop_assert_eq!(expected.0.len(), lines.len());

            let mut json = Vec::new();
            LogFormat::Json.write(text.as_bytes(), &mut json).unwrap();
            let mut rows = Rows::default();
            Parser::new().parse_block(&json, &mut rows);
            prop_assert_eq!(&rows, &expected);

            let mut parquet = Vec::new();
            LogFormat::Parquet.write(text.as_bytes(), &mut parquet).unwrap();
            let file = ParquetFile::open(Bytes::from(parquet)).unwrap();
            let (mut rows, mut parser) = (Rows::default(), RowParser::default());
            for index in 0..file.row_groups() {
                let mut group = file.row_group(index).unwrap();
                while group.next_block().unwrap() {
                    parser.parse(&group, 0..group.rows(), &mut rows);
                }
            }
            prop_assert_eq!(&rows, &expected);
        }
    }
}
