//! The command line that scripts rely on: output, exit codes, options.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, line, stderr};

/// Waits for a process. Returns its peak memory in MiB.
#[cfg(target_os = "linux")]
fn peak_memory(mut process: std::process::Child) -> u64 {
    let mut peak = 0;
    while process.try_wait().unwrap().is_none() {
        peak = peak.max(crate::support::peak_memory(process.id()).unwrap_or(0) >> 20);
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
fn single_requests_have_every_field() {
    let home = Home::new();
    let rows = home.rows(&["requests", "logs"]);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].as_object().unwrap().len(), 32);
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
    assert!(
        home.fails(2, &["report", "time", "--bucket", "often"]).contains("1w, or 1mo for calendar months")
    );
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
    assert!(text.contains("config.toml: line 2: cahce: there is no such key; did you mean cache?"), "{text}");
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
    for topic in [&["help", "mute"][..], &["help", "findings", "mute"]] {
        assert!(home.succeeds(topic).contains("When the mute ends"), "{topic:?}");
    }
    // Two subcommands have one of this name.
    assert!(home.succeeds(&["help", "sources", "check"]).contains("check"));
    for topic in [&["help", "check"][..], &["help", "findings", "nonsense"], &["help", "mute", "filter"]] {
        let message = home.fails_in_one_line(2, topic);
        assert!(message.contains(&topic[1..].join(" ")) && message.contains("findings mute"), "{message}");
    }
    assert!(home.succeeds(&["--version"]).starts_with("tamarin "));
    let output = home.run(&["report", "key", "logs", "--stats", "--format", "csv"]);
    assert!(stderr(&output).contains("rows scanned"), "{}", stderr(&output));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("key,requests,bytes_sent,errors,"));
}
