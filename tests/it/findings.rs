//! `tamarin findings`: the troubles of the demo, formats, exit codes, muting.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use crate::home::{Home, stderr};

/// A time of the demo with a scraper and a retry storm.
const DAYS: [&str; 4] = ["--since", "2026-04-09T12:00", "--until", "2026-04-14"];

/// A cache of a small demo, which all tests copy.
fn demo() -> &'static PathBuf {
    static CACHE: OnceLock<(Home, PathBuf)> = OnceLock::new();
    let (_, cache) = CACHE.get_or_init(|| {
        let home = Home::new();
        home.succeeds(&["demo", "--requests", "20000", "--out", "demo", "-q"]);
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

pub(crate) fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

#[test]
fn the_troubles_of_the_demo_are_named_with_the_filters_that_select_their_requests() {
    let home = home();
    let rows = home.rows(&["findings"]);
    for (kind, part) in
        [("scraping", "203.0.113.7"), ("bandwidth-hog", "198.51.100.23"), ("retry-storm", "198.51.100.77")]
    {
        let is_it = |row: &&Value| text(row, "kind") == kind && text(row, "value") == part;
        assert!(rows.iter().any(|row| is_it(&row)), "no {kind} by {part} in {rows:#?}");
    }
    assert!(rows.iter().any(|row| text(row, "kind") == "key-guessing"), "{rows:#?}");
    for row in &rows {
        let total = &home.rows(&["report", "total", "--filter", text(row, "filter")])[0];
        assert_eq!(
            (&total["requests"], &total["bytes_sent"]),
            (&row["requests"], &row["bytes_sent"]),
            "{row}"
        );
    }
    let scores: Vec<f64> = rows.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn a_cron_job_gets_a_line_per_finding_and_exit_code_4() {
    let home = home();
    let output = home.run(&[&["findings", "--fail-on", "scraping,mass-deletion", "-q"][..], &DAYS].concat());
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("scraping remote_ip:203.0.113.7 2026-04-1"), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    // A time without requests.
    let output = home.run(&["findings", "--until", "2020-01-01", "--fail-on", "any"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", stderr(&output));
    let message = home.run(&["findings", "--fail-on", "scraping,theft"]);
    assert_eq!(message.status.code(), Some(2));
    let message = stderr(&message);
    assert!(message.contains("\"theft\"") && message.contains("key-guessing"), "{message}");
    for option in ["--fail-on", "--kinds"] {
        for empty in ["", ","] {
            let output = home.run(&["findings", option, empty]);
            assert_eq!(output.status.code(), Some(2), "{option} {empty:?}");
            assert!(stderr(&output).contains("expected kinds of findings"), "{}", stderr(&output));
        }
    }
    let both = |kinds: &str, fail_on: &str| {
        let output =
            home.run(&[&["findings", "--kinds", kinds, "--fail-on", fail_on, "-q"], &DAYS[..]].concat());
        (output.status.code(), output.stdout.is_empty())
    };
    assert_eq!(both("scraping", "any,scraping"), (Some(4), false));
    assert_eq!(
        both("mass-deletion", "scraping"),
        (Some(0), true),
        "findings that are not listed have failed"
    );
}

#[test]
fn a_mute_that_matches_nothing_says_so() {
    let home = home();
    let note = |what: &str| stderr(&home.run(&["findings", "mute", what]));
    assert!(note("nonsense").contains("matches no finding now"), "{}", note("nonsense"));
    assert!(!note("203.0.113.7").contains("matches no finding now"));
}

#[test]
fn a_muted_finding_is_listed_only_on_request() {
    let home = home();
    let findings = |arguments: &[&str]| home.rows(&[&["findings"], arguments, &DAYS].concat());
    let count = |rows: &[Value], kind: &str| rows.iter().filter(|row| text(row, "kind") == kind).count();
    let before = findings(&[]);
    assert_eq!((count(&before, "scraping"), count(&before, "retry-storm")), (1, 1));
    home.succeeds(&["findings", "mute", "scraping", "203.0.113.7", "--reason", "ours \u{1b}[2J"]);
    assert_eq!(count(&findings(&[]), "scraping"), 0);
    let muted = findings(&["--muted"]);
    assert_eq!((muted.len(), text(&muted[0], "label")), (1, "muted 1: ours \u{1b}[2J"));
    let fail = home.run(&[&["findings", "--fail-on", "scraping"][..], &DAYS].concat());
    assert_eq!((fail.status.code(), fail.stdout.len()), (Some(0), 0));
    let table = home.succeeds(&["findings", "muted"]);
    assert!(table.contains("203.0.113.7") && !table.contains('\u{1b}'), "{table}");

    // A filter mutes a finding if it has all of its requests, not if it has some of them.
    let storm = before.iter().find(|row| text(row, "kind") == "retry-storm").unwrap();
    let some = format!("{} time<={}", text(storm, "filter"), text(storm, "start"));
    home.succeeds(&["findings", "mute", "--filter", &some]);
    assert_eq!(count(&findings(&[]), "retry-storm"), 1);
    home.succeeds(&["findings", "mute", "--filter", text(storm, "filter"), "--until", "2099-01-01"]);
    assert_eq!(count(&findings(&[]), "retry-storm"), 0);
    home.succeeds(&["findings", "unmute", "1", "3"]);
    assert_eq!(findings(&[]), before);
}

#[test]
fn the_muted_findings_of_a_filter_are_listed() {
    let home = home();
    home.succeeds(&["findings", "mute", "scraping"]);
    home.succeeds(&["findings", "mute", "retry-storm"]);
    let muted = |filter: &str| {
        let rows = home.rows(&["findings", "--muted", "--filter", filter]);
        rows.iter().map(|row| text(row, "kind").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(muted("ip:203.0.113.7"), ["scraping"]);
    assert_eq!(muted("ip:198.51.100.77"), ["retry-storm"]);
    assert!(muted("ip:198.51.100.99").is_empty());
    // Mutes have no requests that a filter could select.
    for option in ["--filter", "--since", "--until"] {
        let message = home.fails_in_one_line(2, &["findings", "muted", option, "2026-04-01"]);
        assert!(message.contains("--muted"), "{message}");
    }
}

#[test]
fn wrong_mutes_are_refused() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    for (arguments, part) in [
        (&["findings", "mute"][..], "name what to mute: a kind (config-change, "),
        (&["findings", "mute", "burst", "silence"], "name one kind"),
        (&["findings", "mute", "a", "b"], "name one value: \"a\" and \"b\" are no kinds"),
        (&["findings", "mute", "--filter", ""], "would mute every finding"),
        (&["findings", "mute", "burst", "--filter", " "], "would mute every finding"),
        (&["findings", "mute", ""], "the value to mute is empty"),
        (&["findings", "mute", "scraping", ""], "the value to mute is empty"),
        (&["findings", "mute", "burst", "--until", "2020-01-01"], "in the past"),
        (&["findings", "mute", "burst", "--since", "2020-01-01"], "takes no --since"),
        (&["findings", "unmute", "99"], "there is no mute 99"),
    ] {
        let message = home.fails_in_one_line(2, arguments);
        assert!(message.contains(part), "{arguments:?}: {message}");
    }
    assert!(home.rows(&["findings", "muted"]).is_empty());
}

#[test]
fn a_cache_with_mutes_passes_the_check_and_takes_more_requests() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    home.succeeds(&["findings", "mute", "burst"]);
    home.succeeds(&["sources", "check"]);
    let more = crate::home::line(9000, "203.0.113.7", "-", "REST.GET.OBJECT", "d.mp4", 200, "1");
    std::fs::write(home.path("logs/2026-04-01-04-00-00-CCCC"), more).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    assert_eq!(home.rows(&["findings", "muted"]).len(), 1);
    assert_eq!(home.rows(&["report", "total"])[0]["requests"], 4);
    home.succeeds(&["sources", "check"]);
}

#[test]
#[cfg(unix)]
fn mutes_of_a_read_only_cache_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    home.succeeds(&["findings", "mute", "burst"]);
    let allow = |path: &str, mode| {
        std::fs::set_permissions(home.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow("data/tamarin/cache.db", 0o444);
    allow("data/tamarin", 0o555);
    assert_eq!(home.rows(&["findings", "muted"]).len(), 1);
    home.succeeds(&["findings"]);
    allow("data/tamarin", 0o755);
}

#[test]
fn few_requests_have_no_findings_in_any_format() {
    let home = Home::new();
    let output = home.run(&["findings", "logs"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(stderr(&output).contains("no findings"), "{}", stderr(&output));
    assert_eq!(home.succeeds(&["findings", "--format", "json"]), "[]\n");
    assert_eq!(home.succeeds(&["findings", "--format", "ndjson"]), "");
    let header = "kind,dimension,value,start,end,requests,bytes_sent,errors,cost,score,filter,explanation\n";
    assert_eq!(home.succeeds(&["findings", "--format", "csv"]), header);
    assert!(home.succeeds(&["findings", "--format", "markdown"]).starts_with("| kind | dimension | value |"));
    assert!(home.fails_in_one_line(2, &["findings", "--sort", "requests"]).contains("score"));
}

/// A read in April 2026 at a second of the month, over TLS or not.
pub(crate) fn read(second: u32, address: &str, requester: &str, agent: &str, tls: &str) -> String {
    let (day, hour, minute) = (second / 86_400 + 1, second / 3_600 % 24, second / 60 % 60);
    let cipher = if tls == "-" { "-" } else { "TLS_AES_128_GCM_SHA256" };
    let (signature, authentication) = if requester == "-" { ("-", "-") } else { ("SigV4", "AuthHeader") };
    let key = format!("pages/{:03}.html", second / 60 % 97);
    format!(
        "c0ffee acme-web [{day:02}/Apr/2026:{hour:02}:{minute:02}:{:02} +0000] {address} {requester} \
         {second:08X}{:08X} REST.GET.OBJECT {key} \"GET /{key} HTTP/1.1\" 200 - 5000 5000 20 15 \"-\" \"{agent}\" - \
         aG9zdGlk= {signature} {cipher} {authentication} acme-web.s3.eu-west-1.amazonaws.com {tls} - -\n",
        second % 60,
        address.bytes().map(u32::from).sum::<u32>(),
    )
}

/// A home whose cache has these lines.
pub(crate) fn home_with(lines: &str) -> Home {
    let home = Home::new();
    std::fs::write(home.path("lines.log"), lines).unwrap();
    home.succeeds(&["pull", "lines.log", "-q"]);
    home
}

/// The findings of some kinds in these lines: values and sentences.
pub(crate) fn found_in(lines: &str, kinds: &str) -> Vec<(String, String)> {
    let rows = home_with(lines).rows(&["findings", "--kinds", kinds]);
    rows.iter().map(|row| (text(row, "value").to_owned(), text(row, "explanation").to_owned())).collect()
}

#[test]
fn a_role_of_a_fleet_that_comes_from_far_away_with_a_new_agent_is_misused() {
    let role = "arn:aws:sts::123456789012:assumed-role/etl/i-0f00";
    let mut lines = String::new();
    for hour in 0..9 * 24 {
        for at in 0..6 {
            let address = format!("10.20.{}.{}", (hour * 7 + at) % 16, 4 + at);
            lines += &read(hour * 3_600 + at * 40, &address, role, "Boto3/1.34.84", "TLSv1.3");
        }
    }
    assert_eq!(found_in(&lines, "credential-misuse"), [], "new instances of the fleet are no news");
    for at in 0..60 {
        lines += &read(6 * 86_400 + 7_000 + at * 31, "95.216.26.193", role, "S3 Browser/11.6.7", "TLSv1.3");
    }
    let found = found_in(&lines, "credential-misuse");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 == "role/etl" && found[0].1.contains("S3 Browser/11.6.7"), "{found:?}");
}

#[test]
fn reads_over_plain_http_are_insecure_where_tls_is_the_rule() {
    let visitors = |every_plain: u32| -> String {
        let visit = |at: u32| {
            let tls = if at.is_multiple_of(every_plain) { "-" } else { "TLSv1.3" };
            read(at * 300, &format!("198.51.100.{}", at % 200), "-", "Mozilla/5.0", tls)
        };
        (0..2_000).map(visit).collect()
    };
    let odd: String =
        (0..40).map(|at| read(400_000 + at * 90, "203.0.113.9", "-", "curl/8.5.0", "-")).collect();
    let found = found_in(&(visitors(5_000) + &odd), "insecure-access");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "203.0.113.9");
    assert_eq!(found_in(&(visitors(3) + &odd), "insecure-access"), [], "the bucket is open to plain HTTP");
}

#[test]
fn a_muted_network_did_not_mute_the_addresses_in_it() {
    let home = home();
    let scrapers = |home: &Home| {
        let rows = home.rows(&[&["findings", "--kinds", "scraping"][..], &DAYS].concat());
        rows.iter().filter(|row| text(row, "value") == "203.0.113.7").count()
    };
    assert_eq!(scrapers(&home), 1);
    let output = home.run(&["findings", "mute", "203.0.113.0/24"]);
    assert!(!stderr(&output).contains("matches no finding now"), "{}", stderr(&output));
    assert_eq!(scrapers(&home), 0);
}

#[test]
fn the_end_of_a_mute_is_a_time_or_a_duration_from_now() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    for (number, until) in [(1, "30d"), (2, "+4w"), (3, "12h"), (4, "2099-01-01"), (5, "2099-01-01T18:00")] {
        let note = stderr(&home.run(&["findings", "mute", "burst", "--until", until]));
        assert!(note.contains(&format!("muted as {number}: burst until 2")), "{until}: {note}");
    }
    let muted = home.rows(&["findings", "muted"]);
    let until: jiff::Timestamp = text(&muted[0], "until").parse().unwrap();
    let days = (until.as_second() - jiff::Timestamp::now().as_second()) as f64 / 86_400.0;
    assert!((29.9..30.1).contains(&days), "{days}");
    for wrong in ["soon", "0d", "2020-01-01"] {
        home.fails_in_one_line(2, &["findings", "mute", "burst", "--until", wrong]);
    }
    home.fails_in_one_line(2, &["findings", "mute", "burst", "--until=-30d"]);
    let text = home.fails_in_one_line(2, &["findings", "mute", "burst", "--until", "soon"]);
    assert!(text.contains("30d") && text.contains("2026-12-31"), "{text}");
    let help = home.succeeds(&["findings", "mute", "--help"]);
    assert!(help.contains("a duration from now (12h, 30d, 4w)"), "{help}");
}

#[test]
fn the_note_of_a_mute_was_escaped_twice() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let note = stderr(&home.run(&["findings", "mute", "--filter", "key:\"a\\x1b\""]));
    assert!(note.contains("a\\u{1b}") && !note.contains("u{5c}"), "{note}");
}

#[test]
fn rows_that_are_set_aside_said_why_only_alone() {
    let home = home();
    home.succeeds(&["findings", "mute", "scraping", "203.0.113.7"]);
    let rows = home.rows(&["findings", "--benign", "--muted"]);
    assert!(rows.iter().any(|row| text(row, "label") == "muted 1"), "{rows:#?}");
    for row in &rows {
        let label = text(row, "label");
        assert!(label.starts_with("ordinary: ") || label.starts_with("muted "), "{label}");
    }
    let output = home.run(&["findings", "--all", "--fail-on", "any", "-q"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.lines().any(|line| line.contains(" (muted 1) ")), "{lines}");
}

#[test]
fn counting_requests_lost_the_objects_that_a_multi_delete_deleted() {
    let home = Home::new();
    let cleaner = "arn:aws:iam::123456789012:user/cleaner";
    let mut log = String::new();
    for second in 0..120 {
        // Days of ordinary requests, then one request that deletes 120 objects.
        log += &crate::home::line(second * 600, "203.0.113.7", "-", "REST.GET.OBJECT", "a", 200, "1");
    }
    log += &crate::home::line(80_000, "10.0.0.5", cleaner, "REST.POST.MULTI_OBJECT_DELETE", "-", 200, "9");
    for object in 0..120 {
        let key = format!("archive/{object}");
        log += &crate::home::line(80_000, "10.0.0.5", cleaner, "BATCH.DELETE.OBJECT", &key, 204, "-");
    }
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    std::fs::write(home.path("logs/2026-04-02-00-30-00-AAAA"), log).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    for (counting, requests) in [("logged", 121), ("requests", 1)] {
        let rows = home.rows(&["findings", "--kinds", "mass-deletion", "--counting", counting]);
        assert_eq!(rows.len(), 1, "{counting}: {rows:#?}");
        assert_eq!(rows[0]["requests"], requests, "{counting}");
        assert!(text(&rows[0], "explanation").contains("deleted 120 objects"), "{rows:#?}");
    }
}

#[test]
fn counting_requests_lost_a_deletion_of_which_the_log_has_only_the_objects() {
    let home = Home::new();
    let cleaner = "arn:aws:iam::123456789012:user/cleaner";
    let mut log = String::new();
    for second in 0..120 {
        log += &crate::home::line(second * 600, "203.0.113.7", "-", "REST.GET.OBJECT", "a", 200, "1");
    }
    for object in 0..120 {
        let key = format!("archive/{object}");
        log +=
            &crate::home::line(80_000 + object, "10.0.0.5", cleaner, "BATCH.DELETE.OBJECT", &key, 204, "-");
    }
    // Another change at the same time is another incident.
    log += &crate::home::line(80_060, "10.0.0.5", cleaner, "REST.PUT.BUCKETPOLICY", "-", 200, "-");
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    std::fs::write(home.path("logs/2026-04-02-00-30-00-AAAA"), log).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    for (counting, requests) in [("logged", 120), ("requests", 0)] {
        let rows = home.rows(&["findings", "--counting", counting]);
        let deletion = rows.iter().find(|row| text(row, "kind") == "mass-deletion");
        let deletion = deletion.unwrap_or_else(|| panic!("{counting}: {rows:#?}"));
        assert_eq!(deletion["requests"], requests, "{counting}");
        assert!(text(deletion, "explanation").contains("deleted 120 objects"), "{deletion:#?}");
        assert!(text(deletion, "start").ends_with("22:13:20Z"), "{deletion:#?}");
        let is_incomplete = text(deletion, "explanation").contains("does not have the requests");
        assert_eq!(is_incomplete, counting == "requests");
    }
}

/// Ordinary visits: a read per 20 minutes and visitor, with the bucket's own site as referer.
pub(crate) fn visits(days: u32) -> String {
    let visit = |at: u32| {
        read(at * 240, &format!("198.51.100.{}", at % 200), "-", "Mozilla/5.0", "TLSv1.3")
            .replace("15 \"-\"", "15 \"https://www.shop.example/\"")
    };
    (0..days * 360).map(visit).collect()
}

#[test]
fn visitors_of_the_own_site_in_a_burst_were_hot_linking_and_blocked() {
    let burst = |at: u32| {
        let address = format!("100.115.{}.{}", at % 250, at * 7 % 250 + 1);
        read(12 * 86_400 + 72_000 + at * 2, &address, "-", "Mozilla/5.0", "TLSv1.3")
            .replace("15 \"-\"", "15 \"https://www.shop.example/\"")
    };
    let log = visits(20) + &(0..1_500).map(burst).collect::<String>();
    let found = found_in(&log, "hot-linking,burst");
    assert!(found.iter().all(|(value, _)| value != "www.shop.example"), "{found:?}");
    // Another site that comes later is hot-linking.
    let thief: String = (0..600)
        .map(|at| {
            read(9 * 86_400 + at * 500, &format!("100.110.{}.7", at % 120), "-", "Mozilla/5.0", "TLSv1.3")
                .replace("15 \"-\"", "15 \"https://thief.example/\"")
        })
        .collect();
    let found = found_in(&(visits(20) + &thief), "hot-linking");
    assert!(found.len() == 1 && found[0].0 == "thief.example", "{found:?}");
}

/// `number` deletions of a user from a second of the month on.
fn deletions(second: u32, number: u32) -> String {
    let one = |at: u32| {
        let user = "arn:aws:iam::123456789012:user/ann";
        read(second + at * 3, "10.0.0.9", user, "aws-cli/2.15", "TLSv1.3")
            .replace("REST.GET.OBJECT pages/", &format!("REST.DELETE.OBJECT docs/{second}-{at}-"))
            .replace("\"GET ", "\"DELETE ")
            .replace(" 200 - 5000", " 204 - -")
    };
    (0..number).map(one).collect()
}

#[test]
fn a_single_deletion_days_before_stretched_a_mass_deletion() {
    for (stray, number) in [(3, 1), (18, 8)] {
        let log =
            visits(20) + &deletions(stray * 86_400 + 54_000, number) + &deletions(14 * 86_400 + 54_000, 150);
        let found = found_in(&log, "mass-deletion");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains("deleted 150 objects") && found[0].1.contains(" min"), "{found:?}");
        assert!(
            found[0].1.contains("a few on 1 other day"),
            "it was said to have deleted nothing: {found:?}"
        );
    }
    let found = found_in(&(visits(20) + &deletions(14 * 86_400 + 54_000, 150)), "mass-deletion");
    assert!(found[0].1.contains("deleted nothing on other days"), "{found:?}");
}

#[test]
fn a_known_client_was_first_seen_in_its_incident() {
    let scrape: String = (0..500)
        .map(|at| {
            read(10 * 86_400 + at * 6, "203.0.113.99", "-", "curl/8.5.0", "TLSv1.3")
                .replace("REST.GET.OBJECT pages/", &format!("REST.GET.OBJECT cat/{at:05}-"))
        })
        .collect();
    let earlier: String =
        (0..20).map(|at| read(4 * 86_400 + at * 60, "203.0.113.99", "-", "curl/8.5.0", "TLSv1.3")).collect();
    for (log, is_new) in [(visits(20) + &scrape, true), (visits(20) + &earlier + &scrape, false)] {
        let found = found_in(&log, "scraping");
        assert!(!found.is_empty());
        assert_eq!(found[0].1.contains("First seen then."), is_new, "{found:?}");
    }
}

#[test]
fn a_note_counted_muted_findings_of_other_kinds() {
    let home = home();
    home.succeeds(&["findings", "mute", "scraping"]);
    let note = |kinds: &str| stderr(&home.run(&["findings", "--kinds", kinds]));
    assert!(note("scraping").contains("muted"), "{}", note("scraping"));
    assert!(!note("retry-storm").contains("muted"), "{}", note("retry-storm"));
}

#[test]
fn a_mute_of_a_printed_subject_matched_nothing() {
    let home = home();
    let output = home.run(&["findings", "mute", "remote_ip:203.0.113.7"]);
    assert!(!stderr(&output).contains("matches no finding now"), "{}", stderr(&output));
    assert_eq!(text(&home.rows(&["findings", "muted"])[0], "value"), "203.0.113.7");
    for (wrong, part) in [("10.0.0.0/33", "from 0 to 32"), ("any", "mute every finding")] {
        let message = home.fails_in_one_line(2, &["findings", "mute", wrong]);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_time_without_requests_had_no_findings() {
    let home = home();
    let output = home.run(&["findings", "--until", "2020-01-01"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let note = stderr(&output);
    assert!(note.contains("no requests in this time") && !note.contains("no findings"), "{note}");
}
