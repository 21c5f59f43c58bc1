//! How each format writes an answer.

use tamarin::export::{Cell, Format, Sheet, approximate, write, write_sheet};
use tamarin::log::Field;
use tamarin::query::filter::is_invisible;
use tamarin::query::{
    Answer, Ask, Dimension, GroupRow, Groups, Measure, RequestRow, Requests, Series, Sort, Stats, Totals,
    Value,
};

const APRIL: i64 = 1_775_001_600;

fn stats(requests: u64, bytes_sent: u64) -> Stats {
    Stats { requests, bytes_sent, errors: 1, first_seen: APRIL, last_seen: APRIL + 61 }
}

fn groups(by: Dimension, more: Vec<Measure>, rows: Vec<(Value, Vec<Option<f64>>)>) -> (Answer, Ask) {
    let rows = rows.into_iter().map(|(value, more)| GroupRow { value, stats: stats(1_204, 3 << 20), more });
    let answer = Groups {
        rows: rows.collect(),
        group_count: 9,
        totals: stats(4_000, 12 << 20),
        approximate: Vec::new(),
    };
    let sort = Sort { by: Measure::BytesSent, descending: true };
    (Answer::Groups(answer), Ask::Groups { by, more, sort, limit: 2 })
}

fn written(answer: &(Answer, Ask), format: Format) -> String {
    let mut out = Vec::new();
    write(&answer.0, &answer.1, format, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn hostile() -> (Answer, Ask) {
    let key = Dimension::Field(Field::Key);
    let values =
        ["=HYPERLINK(\"http://203.0.113.7\")", "a\x1b[2J\u{9b}1m\u{202e},b", "+1", "@x", "-1", "\tx"];
    let mut rows: Vec<_> = values.into_iter().map(|value| (Value::from(value), vec![])).collect();
    rows.push((Value::Text(b"\xff\n\"".as_slice().into()), vec![]));
    groups(key, vec![], rows)
}

#[test]
fn a_group_is_an_object_with_the_dimension_as_first_member() {
    let answer = groups(
        Dimension::Field(Field::HttpStatus),
        vec![Measure::Objects, Measure::TotalTimeMean, Measure::Requests],
        vec![
            (Value::Integer(404), vec![Some(12.0), None, Some(1204.0)]),
            (Value::Absent, vec![None, Some(1.5), None]),
        ],
    );
    assert_eq!(
        written(&answer, Format::Ndjson),
        concat!(
            r#"{"http_status":404,"requests":1204,"bytes_sent":3145728,"errors":1,"#,
            r#""first_seen":"2026-04-01T00:00:00Z","last_seen":"2026-04-01T00:01:01Z","share":0.25,"#,
            r#""objects":12,"total_time_mean":null}"#,
            "\n",
            r#"{"http_status":null,"requests":1204,"bytes_sent":3145728,"errors":1,"#,
            r#""first_seen":"2026-04-01T00:00:00Z","last_seen":"2026-04-01T00:01:01Z","share":0.25,"#,
            r#""objects":null,"total_time_mean":1.5}"#,
            "\n",
        )
    );
}

#[test]
fn json_lists_the_columns_with_estimates_and_their_values_remain_numbers() {
    let row = (Value::Integer(7), vec![Some(9.0), Some(1.5)]);
    let (mut answer, ask) = groups(
        Dimension::Field(Field::HttpStatus),
        vec![Measure::Objects, Measure::TotalTimeMean],
        vec![row],
    );
    assert!(!written(&(answer.clone(), ask.clone()), Format::Ndjson).contains("approximate"));
    if let Answer::Groups(groups) = &mut answer {
        groups.approximate.push(Measure::Objects);
    }
    assert_eq!(approximate(&answer, &ask), ["objects"]);
    let answer = (answer, ask);
    let line: serde_json::Value = serde_json::from_str(&written(&answer, Format::Ndjson)).unwrap();
    assert_eq!(line["approximate"], serde_json::json!(["objects"]));
    assert_eq!(line["objects"], 9);
    let all: serde_json::Value = serde_json::from_str(&written(&answer, Format::Json)).unwrap();
    assert_eq!(all[0], line);
    let csv = written(&answer, Format::Csv);
    assert!(csv.lines().next().is_some_and(|heading| heading.ends_with("share,objects,total_time_mean")));
    assert!(written(&answer, Format::Table).contains("≈ OBJECTS"));
}

#[test]
fn json_is_one_array_even_if_it_is_empty() {
    let answer = groups(Dimension::Role, vec![], vec![]);
    let value: serde_json::Value = serde_json::from_str(&written(&answer, Format::Json)).unwrap();
    assert_eq!(value, serde_json::json!([]));
    let value: serde_json::Value = serde_json::from_str(&written(&hostile(), Format::Json)).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 7);
    assert_eq!(value[1]["key"], "a\x1b[2J\u{9b}1m\u{202e},b");
}

#[test]
fn totals_have_no_dimension_and_buckets_have_their_start() {
    let totals = (Answer::Totals(Totals { stats: stats(2, 10) }), Ask::Totals);
    assert!(written(&totals, Format::Ndjson).starts_with(r#"{"requests":2,"bytes_sent":10,"#));
    let none = (Answer::Totals(Totals::default()), Ask::Totals);
    assert_eq!(
        written(&none, Format::Ndjson).trim_end(),
        r#"{"requests":0,"bytes_sent":0,"errors":0,"first_seen":null,"last_seen":null,"share":0.0}"#
    );
    let series = Series {
        bucket: 3600,
        start: APRIL,
        lines: vec![vec![stats(1, 30), Stats::default(), stats(1, 10)]],
    };
    let series = (Answer::Series(series), Ask::Series { bucket: 3600, each: None });
    let text = written(&series, Format::Ndjson);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"time":"2026-04-01T00:00:00Z","requests":1,"#));
    assert!(lines[0].ends_with(r#""share":0.75}"#));
    assert!(lines[1].starts_with(r#"{"time":"2026-04-01T01:00:00Z","requests":0,"#));
    assert_eq!(lines.len(), 3);
}

#[test]
fn json_of_a_request_has_every_field() {
    let mut fields = vec![Value::Absent; Field::COUNT];
    fields[Field::Time as usize] = Value::Integer(APRIL);
    fields[Field::Key as usize] = Value::from("my file");
    fields[Field::KeyLogged as usize] = Value::from("my%2520file");
    fields[Field::BytesSent as usize] = Value::Integer(5);
    fields[Field::TotalTime as usize] = Value::Integer(7);
    let rows = vec![RequestRow { id: (1, 1), time: APRIL, fields }];
    let sort = Sort { by: Field::Time, descending: true };
    let ask = Ask::Requests { sort, offset: 0, limit: 1, fields: Vec::new() };
    let answer = (Answer::Requests(Requests { rows, matched: 2 }), ask);
    let object: serde_json::Value = serde_json::from_str(&written(&answer, Format::Ndjson)).unwrap();
    let object = object.as_object().unwrap();
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(names, Field::all().map(Field::name).collect::<Vec<_>>());
    assert_eq!(object["time"], "2026-04-01T00:00:00Z");
    assert_eq!(object["key"], "my file");
    assert_eq!(object["bytes_sent"], 5);
    assert_eq!(object["total_time"], 7);
    assert!(object["requester"].is_null() && object["extra"].is_null());
    assert!(written(&answer, Format::Table).contains("1 of 2 requests"));
}

#[test]
fn csv_is_safe_in_terminals_and_spreadsheets() {
    let text = written(&hostile(), Format::Csv);
    assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)), "{text:?}");
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(&csv.headers().unwrap()[0], "key");
    let keys: Vec<String> = csv.records().map(|record| record.unwrap()[0].to_owned()).collect();
    assert_eq!(
        keys,
        [
            "'=HYPERLINK(\"http://203.0.113.7\")",
            "a\\u{1b}[2J\\u{9b}1m\\u{202e},b",
            "'+1",
            "'@x",
            "'-1",
            "'\\u{9}x",
            "\\xff\\u{a}\""
        ]
    );
}

#[test]
fn no_format_writes_an_escape_sequence() {
    for format in Format::ALL {
        let text = written(&hostile(), format);
        assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)), "{format:?} {text:?}");
    }
}

#[test]
fn a_table_has_aligned_numbers_and_a_note_about_omitted_rows() {
    let answer = groups(
        Dimension::Field(Field::RemoteIp),
        vec![],
        vec![(Value::from("203.0.113.7"), vec![]), (Value::Absent, vec![])],
    );
    let text = written(&answer, Format::Table);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].trim_start().starts_with("REMOTE IP"), "{text}");
    assert!(lines[2].contains("203.0.113.7") && lines[2].contains("1,204") && lines[2].contains("3.00 MiB"));
    assert!(lines[2].contains("25.0 %") && lines[2].contains("2026-04-01 00:01:01"));
    assert_eq!(lines.last().unwrap(), &"2 of 9 groups; --top 0 shows all");
    // Numbers are aligned to the right.
    assert_eq!(lines[2].find("1,204").map(|at| at + 5), lines[0].find("REQUESTS").map(|at| at + 8));
}

/// The output of a sheet with one row.
fn written_row(cells: Vec<(&str, Cell<'static>)>, format: Format) -> String {
    let (names, row) = cells.into_iter().map(|(name, cell)| (name.to_owned(), cell)).unzip();
    let mut out = Vec::new();
    write_sheet(Sheet::named(names, Box::new(std::iter::once(row)), None), format, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn different_keys_that_are_not_utf8_differ_in_every_format() {
    let keys: [&[u8]; 6] = [b"a\xfe", b"a\xff", b"a\\xff", "a\u{fffd}".as_bytes(), b"a\\u{fffd}", b"a\\\xff"];
    for format in Format::ALL {
        let mut all: Vec<String> =
            keys.iter().map(|key| written_row(vec![("key", Cell::Text(key))], format)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), keys.len(), "{format:?} {all:?}");
    }
}

#[test]
fn json_has_every_byte_of_a_value_that_is_not_utf8() {
    for format in [Format::Json, Format::Ndjson] {
        let text = written_row(
            vec![
                ("key", Cell::Text(b"a\xfe\"")),
                ("odd \" name", Cell::Owned(b"\xff".to_vec())),
                ("plain", Cell::Text("ä".as_bytes())),
            ],
            format,
        );
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let object = if format == Format::Json { &read[0] } else { &read };
        let bytes = |name: &str| base64_simd::STANDARD.decode_to_vec(object[name].as_str().unwrap()).unwrap();
        assert_eq!(object["key"], "a\u{fffd}\"");
        assert_eq!(bytes("key_base64"), b"a\xfe\"");
        assert_eq!(bytes("odd \" name_base64"), b"\xff");
        assert_eq!(object["plain"], "ä");
        assert!(object.get("plain_base64").is_none());
    }
}

#[test]
fn json_escapes_what_it_must_and_what_is_invisible() {
    let text = "\"\\/\n\r\t\u{8}\u{1}\u{7f}\u{85}\u{202e}\u{e0001}\u{1f600}ä";
    let line = written_row(vec![("key", Cell::Text(text.as_bytes()))], Format::Ndjson);
    let escaped = r#"\"\\/\n\r\t\b\u0001\u007f\u0085\u202e\udb40\udc01"#;
    assert_eq!(line, format!("{{\"key\":\"{escaped}\u{1f600}ä\"}}\n"));
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["key"], text);
}

#[test]
fn infinite_numbers_are_not_written_as_zero() {
    for (number, csv, shown) in [
        (f64::INFINITY, "inf", "∞"),
        (f64::NEG_INFINITY, "-inf", "-∞"),
        (f64::NAN, "NaN", "NaN"),
        (0.0, "0.0", "0"),
    ] {
        let cells = || vec![("n", Cell::Ratio(number)), ("m", Cell::Number(1))];
        assert_eq!(written_row(cells(), Format::Csv), format!("n,m\n{csv},1\n"));
        let json = if number.is_finite() { csv } else { "null" };
        assert_eq!(written_row(cells(), Format::Ndjson), format!("{{\"n\":{json},\"m\":1}}\n"));
        let table = written_row(cells(), Format::Table);
        assert_eq!(
            table.lines().nth(2).unwrap().split_whitespace().collect::<Vec<_>>(),
            [shown, "1"],
            "{table}"
        );
    }
}

#[test]
fn column_names_are_escaped_like_values() {
    let name = "=a\u{1b}[2J\u{202e}\u{3164}\n";
    for format in Format::ALL {
        let text = written_row(vec![(name, Cell::Number(1))], format);
        assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)), "{text:?}");
    }
    assert_eq!(
        written_row(vec![(name, Cell::Number(1))], Format::Csv),
        "'=a\\u{1b}[2J\\u{202e}\\u{3164}\\u{a}\n1\n"
    );
}

#[test]
fn the_escapes_of_a_filter_were_escaped_again() {
    let filter = |text: &str, format| written_row(vec![("filter", Cell::Filter(text.to_owned()))], format);
    assert_eq!(filter(r"key:\x22a", Format::Csv), "filter\nkey:\\x22a\n");
    assert!(filter(r"key:\x22a", Format::Table).contains(r"key:\x22a"));
    assert_eq!(filter(r"key:\x22a", Format::Ndjson), "{\"filter\":\"key:\\\\x22a\"}\n");
    // A spreadsheet must not take it for a formula.
    assert_eq!(filter("-status:404", Format::Csv), "filter\n'-status:404\n");
    assert!(!filter("key:\u{1b}", Format::Table).contains('\u{1b}'));
}

#[test]
fn a_value_and_the_value_after_an_apostrophe_differ_in_csv() {
    let csv = |text: &'static [u8]| written_row(vec![("key", Cell::Text(text))], Format::Csv);
    assert_eq!(csv(b"=1"), "key\n'=1\n");
    assert_eq!(csv(b"'=1"), "key\n''=1\n");
    assert_eq!(csv(b"'quoted'"), "key\n'quoted'\n");
}
