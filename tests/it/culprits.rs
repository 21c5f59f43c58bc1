//! What findings name: the value that only the culprit has, the time of the incident, its rank, and ordinary traffic.

use std::fmt::Write;

use crate::findings::{found_in, home_with, read, text, visits};

const DAY: u32 = 86_400;
const BROWSER: &str = "Mozilla/5.0";

/// A read of a key without a referer.
fn fetch(second: u32, address: &str, requester: &str, agent: &str, key: &str) -> String {
    let line = read(second, address, requester, agent, "TLSv1.3");
    let usual = format!("pages/{:03}.html", second / 60 % 97);
    line.replace(&usual, key)
}

/// `number` keys, one after the other, in `step` seconds each. `address` names the address of each request.
fn scrape(second: u32, number: u32, step: u32, agent: &str, address: impl Fn(u32) -> String) -> String {
    (0..number)
        .map(|at| fetch(second + at * step, &address(at), "-", agent, &format!("catalogue/{at:05}.json")))
        .collect()
}

#[test]
fn a_browser_was_blamed_for_the_scraping_of_a_network() {
    for network in ["203.0.113.0/24", "2001:db8:7::/48"] {
        let address = |at: u32| match (network.contains(':'), 1 + at * 7 % 120) {
            (false, host) => format!("203.0.113.{host}"),
            (true, subnet) => format!("2001:db8:7:{subnet:x}::1"),
        };
        for number in [900, 4_000] {
            let log = visits(20) + &scrape(10 * DAY + 3_600, number, 3, BROWSER, address);
            let found = found_in(&log, "scraping,bandwidth-hog,new-agent,burst");
            let values: Vec<&str> = found.iter().map(|(value, _)| value.as_str()).collect();
            assert_eq!(values, [network], "{number}: {found:?}");
        }
    }
}

#[test]
fn a_program_of_its_own_joins_the_networks_of_a_scraper() {
    let log = visits(20)
        + &scrape(10 * DAY, 2_000, 5, "catalogue-sync/1.0", |at| format!("100.{}.7.{}", 64 + at % 8, at % 5));
    let found = found_in(&log, "scraping,new-agent");
    assert!(found.len() == 1 && found[0].0 == "catalogue-sync/1.0", "{found:?}");
}

#[test]
fn the_incident_of_a_known_visitor_lasted_from_its_first_visit_on() {
    let address = "203.0.113.99";
    let mut log = visits(20);
    for day in 1..19 {
        for at in 0..25 {
            log += &read(day * DAY + 30_000 + at * 70, address, "-", BROWSER, "TLSv1.3");
        }
    }
    log += &scrape(10 * DAY + 3_600, 900, 4, BROWSER, |_| address.to_owned());
    let rows = home_with(&log).rows(&["findings", "--kinds", "scraping"]);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(text(&rows[0], "value"), address);
    assert_eq!((text(&rows[0], "start"), &rows[0]["requests"]), ("2026-04-11T01:00:00Z", &900.into()));
    assert!(text(&rows[0], "end").starts_with("2026-04-11T0"), "{rows:#?}");
}

#[test]
fn a_weekly_mirror_with_three_weeks_of_history_was_a_scraper() {
    for requester in ["-", "arn:aws:iam::123456789012:user/mirror"] {
        let mut log = visits(21);
        for week in 0..3 {
            for at in 0..1_500 {
                let second = (2 + week * 7) * DAY + 10_800 + at * 4;
                log += &fetch(second, "203.0.113.50", requester, "mirror/2.1", &format!("tree/{at:05}"));
            }
        }
        let home = home_with(&log);
        let rows = home.rows(&["findings", "--kinds", "scraping,burst,bandwidth-hog,new-agent"]);
        assert!(rows.is_empty(), "{requester}: {rows:#?}");
        let rows = home.rows(&["findings", "--benign"]);
        let is_mirror = |row: &serde_json::Value| text(row, "label") == "ordinary: recurring job";
        assert!(rows.iter().any(is_mirror), "{requester}: {rows:#?}");
    }
}

#[test]
fn the_silence_of_a_scraper_was_ranked_above_its_scraping() {
    let mut log = visits(20);
    // A client that comes every hour of twelve days, scrapes on the last of them and never comes again.
    for hour in 0..12 * 24 {
        for at in 0..6 {
            log += &read(hour * 3_600 + at * 500, "203.0.113.77", "-", "AcmeSync/1.0", "TLSv1.3");
        }
    }
    log += &scrape(12 * DAY - 5_400, 1_000, 4, "AcmeSync/1.0", |_| "203.0.113.77".to_owned());
    let rows = home_with(&log).rows(&["findings"]);
    let kinds: Vec<&str> = rows.iter().map(|row| text(row, "kind")).collect();
    let place = |kind: &str| kinds.iter().position(|other| *other == kind);
    let (scraping, silence) = (place("scraping"), place("silence"));
    assert!(scraping.is_some() && silence.is_some() && scraping < silence, "{rows:#?}");
}

#[test]
fn a_run_of_a_lifecycle_rule_was_a_burst() {
    for (requester, operation) in [
        ("AmazonS3", "S3.EXPIRE.OBJECT"),
        ("-", "S3.TRANSITION_GIR.OBJECT"),
        ("AmazonS3", "S3.CREATE.DELETEMARKER"),
    ] {
        let mut log = visits(20);
        for at in 0..4_000u32 {
            let second = 12 * DAY + 1_800 + at / 4;
            let (hour, minute) = (second / 3_600 % 24, second / 60 % 60);
            writeln!(
                log,
                "c0ffee acme-web [13/Apr/2026:{hour:02}:{minute:02}:{:02} +0000] - {requester} EXPIRE{at:010} {operation} \
                 logs/{at:05} \"-\" - - - 5000 - - \"-\" \"-\" - aG9zdGlk= - - - - - - -",
                second % 60
            )
            .unwrap();
        }
        let home = home_with(&log);
        let rows = home.rows(&["findings"]);
        assert!(rows.is_empty(), "{operation}: {rows:#?}");
        let rows = home.rows(&["findings", "--benign"]);
        let is_rule = |row: &serde_json::Value| text(row, "label") == "ordinary: lifecycle rule";
        assert!(rows.iter().any(is_rule), "{operation}: {rows:#?}");
    }
}

#[test]
fn the_browser_of_a_small_site_was_a_bandwidth_hog() {
    let mut log = String::new();
    let large = |line: String| line.replace(" 5000 5000 ", " 6000000 6000000 ");
    for at in 0..1_200 {
        log += &large(read(at * 900, &format!("198.51.{}.7", 100 + at % 12), "-", BROWSER, "TLSv1.3"));
        let other = format!("reader-{}/1.0", at % 9);
        log += &read(at * 900 + 40, &format!("100.64.{}.7", at % 9), "-", &other, "TLSv1.3");
    }
    let found = found_in(&log, "bandwidth-hog");
    assert!(found.iter().all(|(value, _)| value != BROWSER), "{found:?}");
    // One address that takes most of the bytes is a hog with the same browser.
    for at in 0..900 {
        log += &large(read(6 * DAY + at * 11, "203.0.113.9", "-", BROWSER, "TLSv1.3"));
    }
    let found = found_in(&log, "bandwidth-hog");
    assert!(found.iter().any(|(value, _)| value == "203.0.113.9"), "{found:?}");
}

#[test]
fn a_burst_was_blamed_on_what_every_request_has() {
    let burst: String = (0..1_500)
        .map(|at| {
            let address = format!("100.115.{}.{}", at % 250, at * 7 % 250 + 1);
            read(12 * DAY + 72_000 + at * 2, &address, "-", BROWSER, "TLSv1.3")
        })
        .collect();
    let found = found_in(&(visits(20) + &burst), "burst");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "", "all requests have this browser and folder: {found:?}");
}

#[test]
fn a_program_of_many_users_was_silent_when_none_of_them_came() {
    // Every hour of twelve days, then never again.
    let log = |users: u32| {
        let mut log = visits(20);
        for at in 0..12 * 24 * 3 {
            let address = format!("100.70.{}.7", at % users);
            log += &read(at * 1_200 + 7, &address, "-", "OddBrowser/1.0", "TLSv1.3");
        }
        log
    };
    let silent = |users: u32| {
        let found = found_in(&log(users), "silence");
        found.iter().filter(|(value, _)| value == "OddBrowser").count()
    };
    assert_eq!((silent(1), silent(150)), (1, 0));
}

#[test]
fn the_page_of_a_release_was_hot_linking() {
    let log = |key: &str| {
        let mut log = visits(20);
        for at in 0..900 {
            let (address, agent) = (format!("100.80.{}.7", at % 150), format!("reader-{}/1.0", at % 8));
            log += &fetch(12 * DAY + at * 30, &address, "-", &agent, key)
                .replace("15 \"-\"", "15 \"https://news.example/release\"");
        }
        log
    };
    let links = |key: &str| found_in(&log(key), "hot-linking").len();
    assert_eq!((links("releases/2.0.tar.gz"), links("pages/007.html")), (0, 1));
}

/// A backup that writes 60 objects every night, until `last` nights of the log.
fn nightly_backup(days: u32, last: u32) -> String {
    let role = "arn:aws:sts::123456789012:assumed-role/backup/i-0f00";
    let put = |second: u32| {
        read(second, "10.4.0.9", role, "Boto3/1.34.84", "TLSv1.3")
            .replace("REST.GET.OBJECT", "REST.PUT.OBJECT")
    };
    (0..days - last).flat_map(|day| (0..60).map(move |at| put(day * DAY + 2 * 3_600 + at * 20))).collect()
}

#[test]
fn a_silence_that_began_before_the_scope_was_not_reported() {
    let log = visits(30) + &nightly_backup(30, 3);
    let home = home_with(&log);
    let silence = |since: &[&str]| home.rows(&[&["findings", "--kinds", "silence"], since].concat());
    let whole = silence(&[]);
    assert_eq!(whole.len(), 1, "{whole:#?}");
    for since in ["2026-04-29", "2026-04-30"] {
        let recent = silence(&["--since", since]);
        assert_eq!(recent, whole, "{since}");
    }
}

#[test]
fn a_block_list_denied_the_backup_that_did_not_run() {
    let home = home_with(&(visits(30) + &nightly_backup(30, 3)));
    assert_eq!(home.rows(&["findings", "--kinds", "silence"]).len(), 1);
    let output = home.run(&["block", "--from-findings", "--format", "policy"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("backup"), "{output:?}");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn the_first_hours_of_a_new_level_were_a_burst_as_well() {
    for hour in [9, 17, 21] {
        let more = |at: u32| {
            read(
                15 * DAY + hour * 3_600 + at * 60,
                &format!("100.70.{}.9", at % 250),
                "-",
                BROWSER,
                "TLSv1.3",
            )
        };
        let log = visits(26) + &(0..10 * 1_440).map(more).collect::<String>();
        let rows = home_with(&log).rows(&["findings", "--kinds", "burst,level-shift"]);
        let kinds: Vec<&str> = rows.iter().map(|row| text(row, "kind")).collect();
        assert_eq!(kinds, ["level-shift"], "{hour}: {rows:#?}");
    }
}
