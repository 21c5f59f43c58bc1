//! `tamarin findings`: the troubles of the demo, formats, exit codes, muting.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use crate::home::{Home, stderr};

/// A cache of the demo, which all tests read and copy.
fn demo() -> &'static PathBuf {
    static CACHE: OnceLock<(Home, PathBuf)> = OnceLock::new();
    let (_, cache) = CACHE.get_or_init(|| {
        let home = Home::new();
        home.succeeds(&["demo", "--out", "demo", "-q"]);
        home.succeeds(&["pull", "demo", "-q", "--cache", "demo.db"]);
        let cache = home.path("demo.db");
        (home, cache)
    });
    cache
}

/// A home whose cache is that of the demo.
fn home() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.path("data/tamarin")).unwrap();
    std::fs::copy(demo(), home.path("data/tamarin/cache.db")).unwrap();
    home
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

#[test]
fn the_troubles_of_the_demo_are_named() {
    let home = home();
    let rows = home.rows(&["findings"]);
    let mut by_kind: HashMap<&str, Vec<&Value>> = HashMap::new();
    for row in &rows {
        by_kind.entry(text(row, "kind")).or_default().push(row);
    }
    for (kind, part) in [
        ("scraping", "203.0.113.7"),
        ("bandwidth-hog", "198.51.100.23"),
        ("key-guessing", "192.0.2."),
        ("hot-linking", "freeloader.example"),
        ("retry-storm", "198.51.100.77"),
        ("mass-deletion", "cleanup-prod"),
    ] {
        let found = by_kind.get(kind).into_iter().flatten().find(|row| {
            ["value", "filter", "explanation"].iter().any(|name| text(row, name).contains(part))
        });
        assert!(found.is_some(), "no {kind} with {part} in {rows:#?}");
    }
}

#[test]
fn the_filter_of_a_finding_selects_exactly_its_requests() {
    let home = home();
    let rows = home.rows(&["findings"]);
    assert!(!rows.is_empty());
    for row in &rows {
        let total = &home.rows(&["report", "total", "--filter", text(row, "filter")])[0];
        assert_eq!((&total["requests"], &total["bytes_sent"]), (&row["requests"], &row["bytes_sent"]), "{row}");
    }
    let scores: Vec<f64> = rows.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn a_cron_job_gets_a_line_per_finding_and_exit_code_4() {
    let home = home();
    let output = home.run(&["findings", "--fail-on", "scraping,mass-deletion", "-q"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines.iter().any(|line| line.starts_with("scraping ")), "{printed}");
    assert!(lines.iter().all(|line| line.starts_with("scraping ") || line.starts_with("mass-deletion ")));
    // A time without trouble.
    let calm = ["findings", "--until", "2020-01-01", "--fail-on", "any"];
    let output = home.run(&calm);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", stderr(&output));
    let message = home.fails_in_one_line(2, &["findings", "--fail-on", "scraping,theft"]);
    assert!(message.contains("theft") && message.contains("key-guessing"), "{message}");
}

#[test]
fn a_muted_finding_is_listed_only_on_request() {
    let home = home();
    let scraping = |arguments: &[&str]| {
        let rows = home.rows(&[&["findings", "--kinds", "scraping"], arguments].concat());
        rows.iter().filter(|row| text(row, "kind") == "scraping").count()
    };
    let before = scraping(&[]);
    assert!(before > 0);
    home.succeeds(&["findings", "mute", "scraping", "--reason", "ours \u{1b}[2J"]);
    assert_eq!(scraping(&[]), 0);
    assert_eq!(home.run(&["findings", "--fail-on", "scraping"]).status.code(), Some(0));
    assert_eq!(scraping(&["--muted"]), before);
    let rows = home.rows(&["findings", "--muted"]);
    assert_eq!(text(&rows[0], "label"), "muted 1: ours \u{1b}[2J");
    assert_eq!(scraping(&["--all"]), before);
    let table = home.succeeds(&["findings", "muted"]);
    assert!(table.contains("scraping") && !table.contains('\u{1b}'), "{table}");
    home.succeeds(&["findings", "unmute", "1"]);
    assert_eq!(scraping(&[]), before);
}

#[test]
fn a_mute_can_be_about_a_value_or_the_requests_of_a_filter_and_end() {
    let home = home();
    let first = home.rows(&["findings", "--top", "1"]).remove(0);
    let is_listed = || home.rows(&["findings"]).iter().any(|row| row == &first);
    home.succeeds(&["findings", "mute", text(&first, "value")]);
    assert!(!is_listed());
    home.succeeds(&["findings", "unmute", "1"]);
    assert!(is_listed());
    home.succeeds(&["findings", "mute", "--filter", text(&first, "filter"), "--until", "2099-01-01"]);
    assert!(!is_listed());
    home.succeeds(&["findings", "unmute", "1"]);
    // A filter that has only some of the requests does not mute the finding.
    let part = format!("{} time<={}", text(&first, "filter"), text(&first, "start"));
    home.succeeds(&["findings", "mute", "--filter", &part]);
    assert!(is_listed());
    let message = home.fails_in_one_line(2, &["findings", "mute", "burst", "--until", "2020-01-01"]);
    assert!(message.contains("in the past"), "{message}");
    assert!(home.fails_in_one_line(2, &["findings", "mute"]).contains("name what to mute"));
    assert!(home.fails_in_one_line(2, &["findings", "unmute", "99"]).contains("there is no mute 99"));
}

#[test]
fn a_cache_with_mutes_is_checked_pulled_into_and_can_be_read_only() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    home.succeeds(&["findings", "mute", "burst"]);
    home.succeeds(&["sources", "check"]);
    home.succeeds(&["pull", "logs", "-q"]);
    assert_eq!(home.rows(&["findings", "muted"]).len(), 1);
    assert_eq!(home.rows(&["report", "total"])[0]["requests"], 3);
}

#[test]
fn few_requests_have_no_findings_in_any_format() {
    let home = Home::new();
    let output = home.run(&["findings", "logs"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(stderr(&output).contains("no findings"), "{}", stderr(&output));
    assert_eq!(home.succeeds(&["findings", "--format", "json"]), "[]\n");
    assert_eq!(home.succeeds(&["findings", "--format", "ndjson"]), "");
    let header =
        "kind,dimension,value,start,end,requests,bytes_sent,errors,cost,score,filter,explanation\n";
    assert_eq!(home.succeeds(&["findings", "--format", "csv"]), header);
    assert!(home.succeeds(&["findings", "--format", "markdown"]).starts_with("| kind | dimension | value |"));
    assert!(home.fails_in_one_line(2, &["findings", "--sort", "requests"]).contains("score"));
}
