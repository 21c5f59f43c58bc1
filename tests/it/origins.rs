//! Where each request came from: its log file and the line, in every command that shows requests.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use tamarin::demo::LogFormat;

use crate::home::{Home, line};
use crate::support::log_files::{self, gzip, home_with, put, tar};

/// Lines of requests at consecutive seconds, which differ in all that is important.
fn log(seconds: std::ops::Range<u32>) -> Vec<String> {
    seconds
        .map(|second| line(second, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{second}"), 200, "10"))
        .collect()
}

fn as_format(format: LogFormat, lines: &[String]) -> Vec<u8> {
    log_files::as_format(format, lines.concat().as_bytes())
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
    let archive =
        tar(&[("x/one", log(100..103).concat().as_bytes()), ("two", log(103..106).concat().as_bytes())]);
    let json = as_format(LogFormat::Json, &log(200..203));
    let one_line: Vec<u8> =
        as_format(LogFormat::Json, &log(300..303)).into_iter().filter(|byte| *byte != b'\n').collect();
    let home = home_with(&[
        ("plain/2026-04-01-00-00-00-A", text.concat().as_bytes()),
        ("packed.gz", &gzip(log(50..53).concat().as_bytes())),
        ("logs.tar", &archive),
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
fn log_files_of_the_same_name_are_told_apart_by_their_sources() {
    let home = Home::new();
    for (folder, seconds) in [("one", 0..3), ("two", 3..5)] {
        std::fs::create_dir(home.path(folder)).unwrap();
        std::fs::write(home.path(folder).join("a.log"), log(seconds).concat()).unwrap();
        home.succeeds(&["pull", folder, "-q"]);
    }
    let uris: Vec<String> = ["one", "two"]
        .map(|folder| format!("{}/", home.path(folder).canonicalize().unwrap().display()))
        .into();
    let sources = home.rows(&["sources"]);
    let known: Vec<&str> = sources.iter().map(|row| row["source"].as_str().unwrap()).collect();
    for (index, uri) in known.iter().enumerate() {
        assert!(uri.contains(uris[index].trim_end_matches('/')), "{uri}");
    }
    for row in home.rows(&["requests", "--top", "0"]) {
        let second: u32 = row["key"].as_str().unwrap()[1..].parse().unwrap();
        assert_eq!(row["source"], known[usize::from(second >= 3)]);
        assert_eq!(row["log_file"], "a.log");
    }
    let report: Vec<(Value, Value)> = home
        .rows(&["report", "source", "--sort", "requests"])
        .into_iter()
        .map(|row| (row["source"].clone(), row["requests"].clone()))
        .collect();
    assert_eq!(report, [(known[0].into(), 3.into()), (known[1].into(), 2.into())]);
    let filter = format!("source:\"{}\" log_file:a.log line:1", known[1]);
    let rows = home.rows(&["requests", "--filter", &filter]);
    assert_eq!((rows.len(), rows[0]["key"].as_str()), (1, Some("k3")));
    let csv = home.succeeds(&["requests", "--format", "csv", "--filter", &filter]);
    assert!(csv.lines().next().unwrap().ends_with(",source,log_file,line"), "{csv}");
    let sql = "SELECT source, count(*) FROM requests GROUP BY source ORDER BY source";
    let csv = home.succeeds(&["sql", sql, "--format", "csv"]);
    let lines: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(lines, [format!("{},3", known[0]), format!("{},2", known[1])]);
}

#[test]
fn a_request_in_two_log_files_belonged_to_the_one_that_was_read_first() {
    let files = [("a", log(5..15)), ("b", log(0..10)), ("c", log(8..20))];
    let mut expected: BTreeMap<_, _> = lines_of("a", 1, 5..15).into_iter().collect();
    expected.extend(lines_of("b", 1, 0..5));
    expected.extend(lines_of("c", 8, 15..20));
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let home = Home::new();
        for index in order {
            let (name, lines) = &files[index];
            put(&home, name, lines.concat().as_bytes());
            home.succeeds(&["pull", "in", "-q"]);
        }
        assert_eq!(origins(&home), expected, "{order:?}");
    }
    // Of several lines of a log file it is the first.
    let home = home_with(&[("a", [log(3..6), log(0..6)].concat().concat().as_bytes())]);
    home.succeeds(&["pull", "in", "-q"]);
    let mut expected: BTreeMap<_, _> = lines_of("a", 1, 3..6).into_iter().collect();
    expected.extend(lines_of("a", 4, 0..3));
    assert_eq!(origins(&home), expected);
}

#[test]
fn the_id_of_a_request_shifted_when_others_were_pruned() {
    let home = home_with(&[("a", log(0..100).concat().as_bytes())]);
    home.succeeds(&["pull", "in", "-q"]);
    let sql = "SELECT rowid, key FROM requests ORDER BY time";
    let ids = |home: &Home| -> BTreeMap<String, String> {
        let csv = home.succeeds(&["sql", sql, "--format", "csv"]);
        let row = |row: &str| row.split_once(',').map(|(id, key)| (key.to_owned(), id.to_owned())).unwrap();
        csv.lines().skip(1).map(row).collect()
    };
    let mut before = ids(&home);
    home.succeeds(&["prune", "--before", "2026-04-01T00:00:40Z"]);
    before.retain(|key, _| key[1..].parse::<u32>().unwrap() >= 40);
    assert_eq!(ids(&home), before);
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
