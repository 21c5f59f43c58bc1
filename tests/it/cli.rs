//! The command line that scripts rely on: output, exit codes, options.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, line, stderr};

#[test]
fn a_report_on_a_folder_pulls_it_first() {
    let home = Home::new();
    let rows = home.rows(&["report", "remote_ip", "logs"]);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["remote_ip"], "198.51.100.9");
    assert_eq!(rows[0]["bytes_sent"], 3000);
    assert_eq!(rows[0]["share"], 0.75);
    assert_eq!(rows[0]["first_seen"], "2026-04-01T02:01:40Z");
    assert_eq!(rows[1]["remote_ip"], "203.0.113.7");
    assert_eq!((&rows[1]["requests"], &rows[1]["errors"]), (&Value::from(2), &Value::from(1)));
}

#[test]
fn a_report_without_sources_uses_what_was_pulled() {
    let home = Home::new();
    let output = home.run(&["pull", "logs"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("2 log files read, 3 requests added"), "{}", stderr(&output));
    assert!(stderr(&home.run(&["pull"])).contains("0 requests added"));
    let rows = home.rows(&["report", "total"]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["requests"], 3);
    assert_eq!(home.succeeds(&["pull", "logs", "-q"]), "");
    assert_eq!(stderr(&home.run(&["pull", "logs", "-q"])), "");
}

/// Waits for a process. Returns its peak memory in MiB.
#[cfg(target_os = "linux")]
fn peak_memory(mut process: std::process::Child) -> u64 {
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    while process.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0u64) >> 10);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(process.wait().unwrap().success());
    peak
}

#[test]
#[cfg(target_os = "linux")]
fn a_small_file_that_decompresses_to_lines_of_megabytes_does_not_take_gigabytes_of_memory() {
    const LINES: u32 = 60;
    let home = Home::new();
    let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for second in 0..LINES {
        let line = line(second, "203.0.113.7", "-", "REST.GET.OBJECT", "long", 200, "1");
        let long = line.replace("GET /long", &format!("GET /long?{}", "x".repeat(10_000_000)));
        std::io::Write::write_all(&mut packed, long.as_bytes()).unwrap();
    }
    std::fs::write(home.path("long.zst"), packed.finish().unwrap()).unwrap();
    let peak = peak_memory(home.command(&["pull", "long.zst", "-q"]).spawn().unwrap());
    assert!((10..512).contains(&peak), "{peak} MiB");
    assert_eq!(home.rows(&["report", "total"])[0]["requests"], LINES);
}

#[test]
fn filters_and_time_ranges_select_requests() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let total = |arguments: &[&str]| {
        home.rows(&[&["report", "total"], arguments].concat())[0]["requests"].as_u64().unwrap()
    };
    assert_eq!(total(&["--filter", "requester:role/etl"]), 2);
    assert_eq!(total(&["--filter", "-requester:role/etl"]), 1);
    assert_eq!(total(&["--filter", "status:4xx or op:PUT"]), 2);
    assert_eq!(total(&["--filter", "key:*.mp4 bytes>1k"]), 1);
    assert_eq!(total(&["--filter", "key:\"a b.mp4\""]), 1);
    assert_eq!(total(&["--filter", "ip:203.0.113.0/24 time:2026-04-01"]), 2);
    assert_eq!(total(&["--filter", "session-1"]), 2);
    assert_eq!(total(&["--since", "2026-04-01T01:00"]), 2);
    assert_eq!(total(&["--since", "2026-04-01T01:00", "--until", "2026-04-01T02:00"]), 1);
    assert_eq!(total(&["--until", "2026-04-01"]), 0);
    assert_eq!(total(&["--since=-1h"]), 0);
    assert_eq!(total(&["--since", "1h"]), 0);
    assert_eq!(total(&["--since", "9999w"]), 3);
}

#[test]
fn report_time_has_a_row_per_bucket() {
    let home = Home::new();
    let rows = home.rows(&["report", "time", "--bucket", "1h", "logs"]);
    let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-04-01T00:00:00Z", "2026-04-01T01:00:00Z", "2026-04-01T02:00:00Z"]);
    let busiest = home.rows(&["report", "time", "--bucket", "1h", "--sort", "bytes_sent", "--top", "1"]);
    assert_eq!(busiest.len(), 1);
    assert_eq!(busiest[0]["time"], "2026-04-01T02:00:00Z");
}

#[test]
fn weeks_begin_on_monday() {
    let home = Home::new();
    for week in ["7d", "1w"] {
        let rows = home.rows(&["report", "time", "--bucket", week, "logs"]);
        let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
        // The log is of Wednesday 2026-04-01.
        assert_eq!(times, ["2026-03-30T00:00:00Z"]);
    }
}

#[test]
fn rows_are_sorted_and_limited() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let keys = |arguments: &[&str]| -> Vec<String> {
        let rows = home.rows(&[&["report", "key"], arguments].concat());
        rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&[]), ["c.mp4", "a b.mp4"]);
    assert_eq!(keys(&["--sort", "key"]), ["a b.mp4", "c.mp4"]);
    assert_eq!(keys(&["--sort", "requests:asc"]), ["a b.mp4", "c.mp4"]);
    assert_eq!(keys(&["--top", "1"]), ["c.mp4"]);
    assert_eq!(home.rows(&["report", "key", "--sort", "addresses"])[0]["addresses"], 2);
    let table = home.succeeds(&["report", "key", "--top", "1"]);
    assert!(table.contains("1 of 2 groups; --top 0 shows all"), "{table}");
}

#[test]
fn additional_columns_are_selected_by_name() {
    let home = Home::new();
    // 100 requests within two minutes, with total times of 1 to 100 ms.
    let many: String = (1..=100)
        .map(|n| {
            line(3600 + n, "192.0.2.1", "-", "REST.GET.OBJECT", "t", if n > 97 { 503 } else { 200 }, "10")
                .replace(" 12 7 ", &format!(" {n} {} ", n * 1000))
        })
        .collect();
    std::fs::write(home.path("logs/2026-04-01-05-00-00-DDDD"), many).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    let columns = "errors_4xx,errors_5xx,share,cumulative_share,total_time_p50,total_time_p95,total_time_p99,\
                   turn_around_time_p50,peak_rate,to_average,to_median";
    let rows = home.rows(&["report", "remote_ip", "--columns", columns]);
    let of = |ip: &str| rows.iter().find(|row| row["remote_ip"] == ip).unwrap();
    let busy = of("192.0.2.1");
    assert_eq!((&busy["errors_4xx"], &busy["errors_5xx"]), (&0.into(), &3.into()));
    assert_eq!((&busy["total_time_p50"], &busy["total_time_p95"]), (&50.0.into(), &95.0.into()));
    assert_eq!(busy["total_time_p99"], 99.0);
    let half = busy["turn_around_time_p50"].as_f64().unwrap();
    assert!((half / 50_000.0 - 1.0).abs() < 0.004, "{half}");
    // 59 of them are in one minute.
    assert!((busy["peak_rate"].as_f64().unwrap() - 59.0 / 60.0).abs() < 1e-9);
    assert!((busy["to_average"].as_f64().unwrap() - 300.0 / 103.0).abs() < 1e-9);
    assert_eq!(busy["to_median"], 50.0);
    assert_eq!(of("203.0.113.7")["errors_4xx"], 1);
    assert!((of("203.0.113.7")["peak_rate"].as_f64().unwrap() - 1.0 / 60.0).abs() < 1e-9);
    let shares: Vec<f64> = rows.iter().map(|row| row["cumulative_share"].as_f64().unwrap()).collect();
    assert_eq!(shares, [0.6, 0.8, 1.0]);
    assert_eq!(rows[0]["share"], 0.6);
    // The sorted column is shown, and the median is of all rows, not only of the shown ones.
    let slowest = home.rows(&["report", "remote_ip", "--sort", "total_time_p99", "--top", "1"]);
    assert_eq!(
        (&slowest[0]["remote_ip"], &slowest[0]["total_time_p99"]),
        (&"192.0.2.1".into(), &99.0.into())
    );
    let above = home.rows(&["report", "remote_ip", "--sort", "to_median", "--top", "1"]);
    assert_eq!(above[0]["to_median"], 50.0);
    let table = home.succeeds(&["report", "remote_ip", "--columns", "total_time_p95,objects"]);
    assert!(table.contains("≈ TOTAL TIME P95") && table.contains("OBJECTS"), "{table}");
    let text = home.fails_in_one_line(2, &["report", "remote_ip", "--columns", "objects,nonsense"]);
    assert!(text.contains("\"nonsense\"") && text.contains("total_time_p95"), "{text}");
    assert!(home.fails_in_one_line(2, &["report", "time", "--columns", "objects"]).contains("--columns"));
    assert!(home.succeeds(&["help", "report"]).contains("cumulative_share"));
}

#[test]
fn a_report_by_two_dimensions_has_a_row_per_pair_of_values() {
    let home = Home::new();
    let rows = home.rows(&["report", "http_status,key", "logs"]);
    assert!(rows.iter().all(|row| row["http_status"].is_i64() && row["requests"].is_u64()), "{rows:?}");
    let requests =
        |rows: &[serde_json::Value]| rows.iter().map(|row| row["requests"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(requests(&rows), home.rows(&["report", "total"])[0]["requests"].as_u64().unwrap());
    let top = home.rows(&["report", "http_status,key", "--sort", "requests", "--top", "1"]);
    assert_eq!(top.len(), 1);
    assert!(home.succeeds(&["report", "http_status,key", "--top", "1"]).contains("--top 0 shows all"));
    assert!(home.fails_in_one_line(2, &["report", "key,key"]).contains("same dimension twice"));
    assert!(home.fails_in_one_line(2, &["report", "key,bucket,remote_ip"]).contains("one or two dimensions"));
    assert!(home.fails_in_one_line(2, &["report", "key,nonsense"]).contains("not a dimension"));
    assert!(
        home.fails_in_one_line(2, &["report", "key,bucket", "--sort", "objects"]).contains("sort by key")
    );
    assert!(
        home.fails_in_one_line(2, &["report", "key,bucket", "--columns", "objects"]).contains("--columns")
    );
}

#[test]
fn records_that_are_part_of_other_requests_can_be_left_out() {
    let home = Home::new();
    let parts = ["BATCH.DELETE.OBJECT", "REST.COPY.OBJECT_GET", "S3.EXPIRE.OBJECT", "REST.COPY.OBJECT"]
        .map(|operation| line(9000, "192.0.2.1", "-", operation, "p", 200, "-"));
    std::fs::write(home.path("logs/2026-04-01-05-00-00-DDDD"), parts.concat()).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    let count = |counting: &[&str]| {
        let total = home.rows(&[&["report", "none"], counting].concat())[0]["requests"].as_u64().unwrap();
        let single = home.rows(&[&["requests"], counting].concat()).len() as u64;
        assert_eq!(total, single);
        total
    };
    assert_eq!(count(&[]), 7);
    assert_eq!(count(&["--counting", "logged"]), 7);
    assert_eq!(count(&["--counting", "requests"]), 4);
    assert!(home.fails(2, &["report", "total", "--counting", "some"]).contains("logged, requests"));
    assert!(home.succeeds(&["help", "report"]).contains("BATCH.DELETE.OBJECT"));
}

#[test]
fn options_that_a_command_would_ignore_are_refused() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let message = home.fails_in_one_line(2, &["pull", "logs", "--filter", "status:404"]);
    assert!(message.contains("--since and --until choose log files"), "{message}");
    for option in ["--filter=status:404", "--since=2026-04-01", "--until=2026-04-02", "--sort=key"] {
        for command in [&["sources"][..], &["sources", "rejected"], &["sources", "remove", "logs"]] {
            home.fails_in_one_line(2, &[command, &[option]].concat());
        }
    }
    let log = home.path("logs/2026-04-01-00-30-00-AAAA");
    let text = std::fs::read_to_string(&log).unwrap() + "another one that is none\n";
    std::fs::write(&log, text).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    for (top, lines) in [("1", 1), ("2", 2), ("0", 2)] {
        assert_eq!(home.rows(&["sources", "rejected", "--top", top]).len(), lines, "--top {top}");
    }
}

#[test]
fn a_time_range_without_log_files_is_named_in_the_error() {
    let home = Home::new();
    let message = home.fails_in_one_line(1, &["pull", "logs", "--since", "2027-01-01"]);
    assert!(message.contains("no log files of that time") && message.contains("--since"), "{message}");
}

#[test]
fn quiet_prints_only_log_files_that_could_not_be_read() {
    let home = Home::new();
    // A truncated compressed log file.
    std::fs::write(home.path("logs/2026-04-01-04-00-00-HALF.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
        .unwrap();
    for arguments in [&["pull", "logs", "-q"][..], &["report", "total", "logs", "-q"]] {
        let output = home.run(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with("tamarin: ") && message.contains("HALF.gz"), "{message}");
    }
}

#[test]
fn sql_selects_from_the_cache() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let sql = |statement: &str| home.rows(&["sql", statement]);
    let count = |condition: &str| {
        let rows = sql(&format!("SELECT count(*) n FROM requests WHERE {condition}"));
        rows[0]["n"].as_u64().unwrap()
    };
    assert_eq!(sql("SELECT * FROM requests ORDER BY time"), home.rows(&["requests"]));
    for (condition, expected) in [
        ("1", 3),
        ("key = 'a b.mp4'", 1),
        ("key > 'b'", 2),
        ("key LIKE '%.MP4'", 3),
        ("key = 'A B.MP4' COLLATE NOCASE", 1),
        ("key = 7", 0),
        ("key IN ('a b.mp4', 'c.mp4', NULL)", 3),
        ("key NOT IN ('a b.mp4')", 2),
        ("key = x'63'", 0),
        ("http_status = 404", 1),
        ("http_status = '404'", 1),
        ("http_status IN (200, '404')", 3),
        ("http_status >= 400 AND remote_ip = '203.0.113.7'", 1),
        ("http_status < 404.5 AND http_status > 200", 1),
        ("requester IS NULL", 1),
        ("requester IS NOT NULL", 2),
        ("requester = NULL", 0),
        ("requester LIKE '%/etl/%'", 2),
        ("bytes_sent IS NULL", 1),
        ("bytes_sent > 1000", 1),
        ("bytes_sent BETWEEN 1000 AND 3000", 2),
        ("bytes_sent > -5", 2),
        ("bytes_sent = 9223372036854775807", 0),
        ("time >= '2026-04-01T01:01:40Z'", 2),
        ("time > '2026-04-01T01:01:40Z'", 1),
        ("time < '2026-04-01T01:01:40Z'", 1),
        ("time <= '2026-04-01T01:01:40Z'", 2),
        ("time = '2026-04-01T01:01:40Z'", 1),
        ("time >= '2026-04-01' AND time < '2026-04-02'", 3),
        ("time LIKE '2026-04-01T01%'", 1),
        ("time < 'zzz' AND time > '1'", 3),
        ("time_unix = 1775001660", 1),
        ("time_unix - unixepoch(time) = 0", 3),
        ("source LIKE 'file:%' OR source LIKE '%logs%'", 3),
        ("request_uri LIKE 'GET /c.mp4 %'", 2),
        ("key_logged = 'a%2520b.mp4'", 1),
        ("rowid = (SELECT max(rowid) FROM requests)", 1),
        ("key = 'a b.mp4' OR http_status = 404", 2),
    ] {
        assert_eq!(count(condition), expected, "{condition}");
    }
    let rows = sql("SELECT a.key, b.operation, a.bytes_sent / 2.0 half FROM requests a JOIN requests b \
         ON b.key = a.key AND b.time_unix > a.time_unix");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["key"], &rows[0]["operation"]), (&"c.mp4".into(), &"REST.PUT.OBJECT".into()));
    let rows = home.rows(&["sql", "SELECT sum(bytes_sent) / 8.0 s FROM requests", "--filter", "op:PUT"]);
    assert_eq!(rows[0]["s"], 375.0);
    let table = home.succeeds(&["sql", "SELECT key FROM requests", "--top", "2"]);
    assert!(table.contains("KEY") && table.contains("the first 2 rows"), "{table}");
    assert_eq!(home.succeeds(&["sql", "SELECT 1 a, 'x,y' b", "--format", "csv"]), "a,b\n1,\"x,y\"\n");
    assert_eq!(home.succeeds(&["sql", "SELECT 1 WHERE 0", "--format", "json"]), "[]\n");
}

#[test]
fn sql_accepts_only_select() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    for statement in [
        "DELETE FROM requests",
        "INSERT INTO requests (key) VALUES ('x')",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t AS SELECT * FROM requests",
        "ATTACH 'other.db' AS o",
        "PRAGMA table_info(requests)",
        "SELECT * FROM pragma_database_list",
        "VACUUM INTO 'copy.db'",
        "BEGIN",
        "",
        "SELECT 1; SELECT 2",
        "SELECT ?",
    ] {
        home.fails_in_one_line(2, &["sql", statement]);
    }
    assert!(home.fails_in_one_line(2, &["sql", "DELETE FROM requests"]).contains("may not be modified"));
    let text = home.fails_in_one_line(2, &["sql", "SELECT kee FROM requests"]);
    assert!(text.contains("column 8: no such column: kee"), "{text}");
    assert!(home.fails_in_one_line(2, &["sql", "SELEC 1"]).contains("syntax error"));
    assert!(home.fails_in_one_line(2, &["sql", "SELECT 1", "--sort", "key"]).contains("ORDER BY"));
    assert!(home.fails_in_one_line(1, &["sql", "SELECT abs(-9223372036854775808)"]).contains("overflow"));
    assert!(!home.path("other.db").exists() && !home.path("copy.db").exists());
    assert!(home.succeeds(&["help", "sql"]).contains("time_unix"));
}

#[test]
fn single_requests_have_every_field() {
    let home = Home::new();
    let rows = home.rows(&["requests", "logs"]);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].as_object().unwrap().len(), 29);
    assert_eq!(rows[0]["time"], "2026-04-01T00:01:00Z");
    assert_eq!((&rows[0]["key"], &rows[0]["key_logged"]), (&"a b.mp4".into(), &"a%2520b.mp4".into()));
    assert_eq!((&rows[1]["http_status"], &rows[1]["bytes_sent"]), (&404.into(), &Value::Null));
    assert!(rows[0]["requester"].is_null());
    let csv = home.succeeds(&["requests", "--format", "csv", "--sort", "time:desc"]);
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.lines().nth(1).unwrap().contains("2026-04-01T02:01:40Z"));
    let json: Value =
        serde_json::from_str(&home.succeeds(&["requests", "--format", "json", "--top", "2"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    let none: Value =
        serde_json::from_str(&home.succeeds(&["requests", "--format", "json", "--filter", "nothing"]))
            .unwrap();
    assert_eq!(none, serde_json::json!([]));
}

#[test]
fn sources_and_rejected_lines_are_listed() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let sources = home.rows(&["sources"]);
    assert_eq!(sources.len(), 1);
    assert_eq!((&sources[0]["requests"], &sources[0]["rejected"]), (&3.into(), &1.into()));
    let rejected = home.rows(&["sources", "rejected"]);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["content"], "not a log line at all");
    assert_eq!(rejected[0]["line"], 3);
    assert_eq!(home.rows(&["sources", "rejected", "logs"]), rejected);
    assert!(
        home.fails_in_one_line(2, &["sources", "rejected", "s3://other"]).contains("no source s3://other")
    );
}

#[test]
fn a_query_about_standard_input_has_a_temporary_cache() {
    let home = Home::new();
    for _ in 0..2 {
        let log = std::fs::File::open(home.path("logs/2026-04-01-03-00-00-BBBB")).unwrap();
        let output =
            home.command(&["report", "total", "-", "--format", "ndjson"]).stdin(log).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let row: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(row["requests"], 1);
    }
    let left: Vec<_> = std::fs::read_dir(home.path("data/tamarin")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn wrong_usage_is_exit_code_2_and_the_message_says_what_is_expected() {
    let home = Home::new();
    assert!(home.fails(2, &["report", "key", "--top", "x"]).contains("--top <N>"));
    assert!(home.fails(2, &["report", "key", "--format", "xml"]).contains("table, csv, json, ndjson"));
    assert!(home.fails(2, &["report", "time", "--bucket", "often"]).contains("30s, 5m, 1h or 1d"));
    assert!(home.fails(2, &["report"]).contains("DIMENSION"));
    assert!(home.fails(2, &["--nonsense"]).contains("--nonsense"));
    let text = home.fails_in_one_line(2, &["report", "key", "--sort", "nonsense"]);
    assert!(text.contains("bytes_sent") && text.contains("last_seen"), "{text}");
    let text = home.fails_in_one_line(2, &["requests", "--sort", "nonsense"]);
    assert!(text.contains("http_status"), "{text}");
    let text = home.fails_in_one_line(2, &["report", "nonsense"]);
    assert!(text.contains("remote_ip") && text.contains("time, total"), "{text}");
    let text = home.fails_in_one_line(2, &["report", "key", "--filter", "status:403 foo:1"]);
    assert!(text.contains("--filter: column 12: unknown field \"foo\""), "{text}");
    assert!(home.fails_in_one_line(2, &["report", "key", "--since", "soon"]).contains("2026-04-01"));
    assert!(home.fails_in_one_line(2, &["report", "key", "--bucket", "1h"]).contains("report time"));
    assert!(home.fails_in_one_line(2, &["s3://acme-logs", "pull"]).contains("subcommand comes first"));
    assert!(home.fails_in_one_line(2, &["pull", "https://example.com/x"]).contains("--endpoint-url"));
    assert!(home.fails_in_one_line(2, &["help", "nonsense"]).contains("filter"));
}

#[test]
fn a_failure_is_exit_code_1_and_one_line() {
    let home = Home::new();
    assert!(home.fails_in_one_line(1, &["report", "key"]).contains("nothing is cached yet"));
    assert!(home.fails_in_one_line(1, &["sources"]).contains("tamarin pull"));
    assert!(home.fails_in_one_line(1, &["report", "key", "no-such-folder"]).contains("no-such-folder"));
    std::fs::write(home.path("notes.txt"), "my notes, not a cache").unwrap();
    let text = home.fails_in_one_line(1, &["report", "key", "--cache", "notes.txt"]);
    assert!(text.contains("not a Tamarin cache"), "{text}");
    assert_eq!(std::fs::read_to_string(home.path("notes.txt")).unwrap(), "my notes, not a cache");
}

#[test]
fn a_log_file_that_cannot_be_read_is_exit_code_3() {
    let home = Home::new();
    std::fs::write(home.path("logs/2026-04-01-04-00-00-CCCC.gz"), b"\x1f\x8b\x08\x00broken").unwrap();
    let output = home.run(&["report", "total", "logs", "--format", "ndjson"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("CCCC"), "{}", stderr(&output));
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row["requests"], 3);
    assert_eq!(home.run(&["pull", "logs"]).status.code(), Some(3));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let home = Home::new();
    let many: String = (0..5000)
        .map(|n| line(n, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{n}"), 200, "1"))
        .collect();
    std::fs::write(home.path("logs/2026-04-01-05-00-00-DDDD"), many).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    let mut child = home
        .command(&["requests", "--format", "ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn options_override_the_configuration_file() {
    let home = Home::new();
    let write = |text: &str| {
        std::fs::create_dir_all(home.path("config/tamarin")).unwrap();
        std::fs::write(home.path("config/tamarin/config.toml"), text).unwrap();
    };
    write("cache = \"mine.db\"\nsources = [\"logs\"]\n");
    home.succeeds(&["pull", "-q"]);
    assert!(Path::new(&home.path("mine.db")).exists());
    assert_eq!(home.rows(&["report", "total"])[0]["requests"], 3);
    assert!(home.fails_in_one_line(1, &["report", "total", "--cache", "other.db"]).contains("other.db"));
    write("sources = []\ncahce = \"x\"\n");
    let text = home.fails_in_one_line(1, &["report", "total"]);
    assert!(text.contains("config.toml: line 2: unknown field `cahce`"), "{text}");
    assert!(home.fails_in_one_line(1, &["report", "total", "--config", "none.toml"]).contains("none.toml"));
}

#[test]
fn the_demo_is_written_as_files_and_read_as_a_source() {
    let home = Home::new();
    home.succeeds(&["demo", "--requests", "2000", "--seed", "7", "--out", "made-up", "-q"]);
    assert_eq!(home.rows(&["report", "total", "made-up"])[0]["requests"], 2000);
    assert!(home.fails_in_one_line(1, &["demo", "--out", "made-up"]).contains("is not empty"));
    assert_eq!(home.rows(&["report", "total", "demo:7:2000"])[0]["requests"], 2000);
}

#[test]
fn the_explorer_without_a_terminal_names_the_alternatives() {
    let home = Home::new();
    for arguments in [&[][..], &["logs"], &["demo"]] {
        assert!(home.fails_in_one_line(1, arguments).contains("tamarin report"));
    }
    assert!(!home.path("data").exists());
}

#[test]
fn help_goes_to_stdout_and_statistics_to_stderr() {
    let home = Home::new();
    assert!(home.succeeds(&["help"]).contains("tamarin"));
    assert!(home.succeeds(&["help", "filter"]).contains("# The filter language"));
    assert!(home.succeeds(&["help", "report"]).contains("--bucket"));
    assert!(home.succeeds(&["--version"]).starts_with("tamarin "));
    let output = home.run(&["report", "key", "logs", "--stats", "--format", "csv"]);
    assert!(stderr(&output).contains("rows scanned"), "{}", stderr(&output));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("key,requests,bytes_sent,errors,"));
}

/// The log of the program itself.
fn program_log(home: &Home) -> String {
    std::fs::read_to_string(home.path("state/tamarin/tamarin.log")).unwrap_or_default()
}

#[test]
fn verbose_writes_a_log_of_the_program_and_changes_no_output() {
    let home = Home::new();
    let report = ["report", "total", "logs", "--format", "ndjson"];
    let output = home.run(&report);
    assert!(!home.path("state").exists(), "the log is off by default");
    let verbose = home.run(&[&report[..], &["-v"]].concat());
    assert_eq!((&verbose.stdout, stderr(&verbose)), (&output.stdout, stderr(&output)));
    let log = program_log(&home);
    for event in ["INFO", "start", "source opened", "pull ended", "known=2", "end code=0"] {
        assert!(log.contains(event), "{event}: {log}");
    }
    assert!(!log.contains("DEBUG"), "{log}");
    home.succeeds(&["report", "total", "-vv"]);
    assert!(program_log(&home).contains("DEBUG"), "{}", program_log(&home));
    #[cfg(unix)]
    for (path, mode) in [("state/tamarin", 0o700), ("state/tamarin/tamarin.log", 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(home.path(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn the_log_of_the_program_has_no_credentials() {
    let home = Home::new();
    let name = "2026-04-01-04-00-00-\u{1b}[2J.gz";
    std::fs::write(home.path("logs").join(name), b"\x1f\x8b\x08\x00broken").unwrap();
    let presigned = "https://acme.example/log?X-Amz-Credential=AKIAHIDDEN1&X-Amz-Signature=hidden2";
    for arguments in [
        &["pull", presigned][..],
        &["pull", "s3://AKIAHIDDEN1:hidden2@acme-logs/"],
        &["pull", "s3://acme-logs/", "--endpoint-url", "http://127.0.0.1:1", "--region", "eu-west-1"],
        &["pull", "s3://acme-logs/", "--endpoint-url", "http://user:hidden2@127.0.0.1:1"],
        &["pull", "logs"],
    ] {
        let output = home
            .command(arguments)
            .env("AWS_ACCESS_KEY_ID", "AKIAHIDDEN1")
            .env("AWS_SECRET_ACCESS_KEY", "hidden2")
            .env("AWS_SESSION_TOKEN", "hidden3")
            .env("AWS_MAX_ATTEMPTS", "2")
            .env("TAMARIN_LOG", "trace")
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    }
    let log = program_log(&home);
    assert!(!log.contains("HIDDEN") && !log.contains("hidden"), "{log}");
    for event in ["command failed", "end code=2", "end code=1", "end code=3", "an S3 request failed"] {
        assert!(log.contains(event), "{event}: {log}");
    }
    assert!(log.contains("a log file could not be read") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn a_wrong_level_of_the_program_log_is_named() {
    let home = Home::new();
    let output = home.command(&["sources"]).env("TAMARIN_LOG", "loud").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("TAMARIN_LOG: expected off, error, warn"), "{}", stderr(&output));
}
