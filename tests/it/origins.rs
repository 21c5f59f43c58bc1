//! Where each request came from: its log file and the line, in every command that shows requests.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tamarin::demo::LogFormat;

use crate::home::{Home, line};

/// Lines of requests at consecutive seconds, which differ in all that is important.
fn log(seconds: std::ops::Range<u32>) -> Vec<String> {
    seconds
        .map(|second| line(second, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{second}"), 200, "10"))
        .collect()
}

fn as_format(format: LogFormat, lines: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    format.write(lines.concat().as_bytes(), &mut out).unwrap();
    out
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A home whose only log files are these, in the folder `in`.
fn home_with(files: &[(&str, &[u8])]) -> Home {
    let home = Home::new();
    for (name, content) in files {
        let path = home.path("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    home
}

/// The log file and the line of each key.
fn origins(home: &Home) -> BTreeMap<String, (String, u64)> {
    let rows = home.rows(&["requests", "--top", "0"]);
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_else(|| panic!("{row}")).to_owned();
    let origins: BTreeMap<_, _> = rows
        .iter()
        .map(|row| (text(row, "key"), (text(row, "log_file"), row["line"].as_u64().unwrap())))
        .collect();
    assert_eq!(origins.len(), rows.len());
    origins
}

/// The origins of requests on consecutive lines.
fn lines_of(file: &str, first: u64, seconds: std::ops::Range<u32>) -> Vec<(String, (String, u64))> {
    (first..).zip(seconds).map(|(line, second)| (format!("k{second}"), (file.to_owned(), line))).collect()
}

#[test]
fn every_kind_of_file_gives_the_lines_of_its_requests() {
    let mut text = log(0..5);
    text.insert(0, "not a record\n".to_owned());
    text.insert(3, "\n".to_owned());
    // A repeat of the first request.
    text.push(log(0..1).concat());
    text.extend(log(5..7));
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [("x/one", log(100..103).concat()), ("two", log(103..106).concat())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let json = as_format(LogFormat::Json, &log(200..203));
    let one_line: Vec<u8> =
        as_format(LogFormat::Json, &log(300..303)).into_iter().filter(|byte| *byte != b'\n').collect();
    let home = home_with(&[
        ("plain/2026-04-01-00-00-00-A", text.concat().as_bytes()),
        ("packed.gz", &gzip(log(50..53).concat().as_bytes())),
        ("logs.tar", &archive.into_inner().unwrap()),
        ("records.json", &json),
        ("objects.json", &one_line),
        ("rows.parquet", &as_format(LogFormat::Parquet, &log(400..403))),
    ]);
    home.succeeds(&["pull", "in", "-q"]);
    let mut expected = BTreeMap::new();
    expected.extend(lines_of("plain/2026-04-01-00-00-00-A", 2, 0..2));
    expected.extend(lines_of("plain/2026-04-01-00-00-00-A", 5, 2..5));
    expected.extend(lines_of("plain/2026-04-01-00-00-00-A", 9, 5..7));
    expected.extend(lines_of("packed.gz", 1, 50..53));
    expected.extend(lines_of("logs.tar/x/one", 1, 100..103));
    expected.extend(lines_of("logs.tar/two", 1, 103..106));
    expected.extend(lines_of("records.json", 1, 200..203));
    expected.extend(lines_of("objects.json", 1, 300..303));
    expected.extend(lines_of("rows.parquet", 1, 400..403));
    assert_eq!(origins(&home), expected);
}

#[test]
fn log_files_are_a_filter_a_dimension_and_columns() {
    let home = home_with(&[
        ("2026/04/01-A", log(0..10).concat().as_bytes()),
        ("2026/04/02-B", log(10..40).concat().as_bytes()),
        ("other", log(40..45).concat().as_bytes()),
    ]);
    home.succeeds(&["pull", "in", "-q"]);
    let report: Vec<(String, u64)> = home
        .rows(&["report", "log_file", "--sort", "requests"])
        .iter()
        .map(|row| (row["log_file"].as_str().unwrap().to_owned(), row["requests"].as_u64().unwrap()))
        .collect();
    let expected = [("2026/04/02-B", 30), ("2026/04/01-A", 10), ("other", 5)];
    assert_eq!(report, expected.map(|(name, requests)| (name.to_owned(), requests)));
    for (filter, requests) in [
        ("log_file:other", 5),
        ("log_file:2026/*", 40),
        ("log_file:*-B", 30),
        ("log_file:B", 0),
        ("log_file~\"0[12]-\"", 40),
        ("-log_file:other", 40),
        ("log_file:other,2026/04/01-A", 15),
        ("log_file:other line:2", 1),
        ("line:1", 3),
        ("line:1..3", 9),
        ("line>=30", 1),
        ("log_file:2026/* line>9", 22),
        ("log_file:-", 0),
    ] {
        let total = home.rows(&["report", "total", "--filter", filter]);
        assert_eq!(total[0]["requests"], requests, "{filter}");
    }
    let csv = home.succeeds(&["requests", "--format", "csv", "--filter", "log_file:other line:2"]);
    assert!(csv.lines().next().unwrap().ends_with(",log_file,line"), "{csv}");
    assert!(csv.lines().nth(1).unwrap().ends_with(",other,2"), "{csv}");
    let sql = home.succeeds(&[
        "sql",
        "SELECT log_file, count(*) AS n, max(line) AS last FROM requests WHERE log_file LIKE '2026%' \
         GROUP BY log_file ORDER BY log_file",
        "--format",
        "ndjson",
    ]);
    let rows: Vec<Value> = sql.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        rows,
        [
            serde_json::json!({"log_file": "2026/04/01-A", "n": 10, "last": 10}),
            serde_json::json!({"log_file": "2026/04/02-B", "n": 30, "last": 30}),
        ]
    );
    // In the order of a log file.
    let rows = home.rows(&["requests", "--filter", "log_file:*B", "--sort", "line", "--top", "3"]);
    let lines: Vec<&Value> = rows.iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn a_request_in_two_log_files_belongs_to_the_one_that_stays() {
    let home = home_with(&[("a", log(0..10).concat().as_bytes())]);
    home.succeeds(&["pull", "in", "-q"]);
    std::fs::write(home.path("in/b"), log(5..15).concat()).unwrap();
    home.succeeds(&["pull", "in", "-q"]);
    let mut expected: BTreeMap<_, _> = lines_of("a", 1, 0..10).into_iter().collect();
    expected.extend(lines_of("b", 6, 10..15));
    assert_eq!(origins(&home), expected);
    // Another version of the first log file lacks half of its requests, which the second one has as repeats.
    std::fs::write(home.path("in/a"), log(0..7).concat()).unwrap();
    home.succeeds(&["pull", "in", "-q"]);
    let mut expected: BTreeMap<_, _> = lines_of("a", 1, 0..7).into_iter().collect();
    expected.extend(lines_of("b", 3, 7..15));
    assert_eq!(origins(&home), expected);
    // Removed requests leave gaps in the numbers of the others.
    home.succeeds(&["prune", "--before", "2026-04-01T00:00:04Z"]);
    expected.retain(|key, _| key[1..].parse::<u32>().unwrap() >= 4);
    assert_eq!(origins(&home), expected);
    assert!(home.succeeds(&["sources", "check"]).is_empty());
}

#[test]
fn standard_input_is_a_log_file() {
    let home = Home::new();
    let mut child = home.command(&["pull", "-", "-q"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(log(0..3).concat().as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    for (index, (key, (file, line))) in origins(&home).into_iter().enumerate() {
        assert_eq!((key, line), (format!("k{index}"), index as u64 + 1));
        assert!(file.starts_with("standard input "), "{file}");
    }
}
