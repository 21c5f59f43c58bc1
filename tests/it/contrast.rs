//! What tells two sets of requests apart, and how concentrated a distribution is.

use serde_json::Value;

use crate::home::{Home, line};

const ETL: &str = "arn:aws:sts::123456789012:assumed-role/etl/session-1";

/// Four hours of requests: every hour 40 addresses read the same 25 keys. In the second hour 198.51.100.66 also reads 300
/// keys of `archive/`, each of which is forbidden; the role `etl` writes in all hours but the last.
fn logs() -> Home {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    let mut log = String::new();
    for hour in 0..4 {
        for request in 0..400 {
            let second = hour * 3600 + request * 9;
            let (ip, key) = (format!("203.0.113.{}", request % 40), format!("media/{}.mp4", request % 25));
            log += &line(second, &ip, "-", "REST.GET.OBJECT", &key, 200, "1000");
            if hour < 3 && request % 4 == 0 {
                log += &line(second, "10.0.0.5", ETL, "REST.PUT.OBJECT", "lake/part.parquet", 200, "-");
            }
            if hour == 1 && request < 300 {
                let key = format!("archive/{request}.zip");
                log += &line(second, "198.51.100.66", "-", "REST.GET.OBJECT", &key, 403, "243");
            }
        }
    }
    std::fs::write(home.path("logs/2026-04-01-04-00-00-AAAA"), log).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    home
}

fn values(rows: &[Value], dimension: &str) -> Vec<String> {
    let of = |row: &&Value| row["dimension"] == dimension && row["dimension_2"].is_null();
    let text = |row: &Value| row["value"].as_str().map_or_else(|| row["value"].to_string(), str::to_owned);
    rows.iter().filter(of).map(text).collect()
}

#[test]
fn the_hour_of_the_scraper_differs_by_its_address_its_folder_and_its_errors() {
    let home = logs();
    let rows = home.rows(&["contrast", "--filter", "time:2026-04-01T01"]);
    // The address is in a network of its own, and the folder has keys that occur once each: each fact is listed once.
    assert_eq!(values(&rows, "remote_ip"), ["198.51.100.66"]);
    assert_eq!(values(&rows, "network"), [""; 0]);
    assert_eq!(values(&rows, "prefix"), ["archive/"]);
    assert_eq!(values(&rows, "prefix/2"), [""; 0]);
    assert_eq!(values(&rows, "key"), [""; 0]);
    assert_eq!(values(&rows, "http_status"), ["403"]);
    assert_eq!(values(&rows, "status_class"), [""; 0]);
    // The filter decides the hour.
    assert_eq!(values(&rows, "hour_of_day"), [""; 0]);
    let address = rows.iter().find(|row| row["dimension"] == "remote_ip").unwrap();
    assert_eq!((&address["count_a"], &address["count_b"]), (&Value::from(300), &Value::from(0)));
    assert_eq!((&address["share_a"], &address["lift"]), (&Value::from(0.375), &Value::Null));
    assert_eq!(address["filter"], "remote_ip:198.51.100.66");
    assert!(address["p_value"].as_f64().unwrap() < 1e-9);
    // The filter of a row, with that of the first set, selects the counted requests.
    for row in &rows {
        let filter = format!("time:2026-04-01T01 ({})", row["filter"].as_str().unwrap());
        assert_eq!(
            home.rows(&["report", "total", "--filter", &filter])[0]["requests"],
            row["count_a"],
            "{filter}"
        );
    }
    // The shares of everything else shrink because of the scraper. That says nothing.
    assert!(rows.iter().all(|row| row["share_a"].as_f64() > row["share_b"].as_f64()), "{rows:?}");
}

#[test]
fn one_time_range_is_compared_with_another() {
    let home = logs();
    let arguments = ["contrast", "--filter", "time:2026-04-01T03", "--against", "time:2026-04-01T02"];
    let rows = home.rows(&arguments);
    // The job did not run.
    let role = rows.iter().find(|row| row["value"] == "10.0.0.5").unwrap();
    assert_eq!((&role["count_a"], &role["count_b"], &role["lift"]), (&0.into(), &100.into(), &0.0.into()));
    assert_eq!(values(&rows, "operation"), ["REST.PUT.OBJECT"]);
    let equal = ["contrast", "--filter", "time:2026-04-01T02", "--against", "time:2026-04-01T00"];
    assert_eq!(home.rows(&equal), [Value::Null; 0]);
}

#[test]
fn dimensions_that_the_filter_decides_are_left_out_and_named() {
    let home = logs();
    let rows = home.rows(&["contrast", "--filter", "ip:198.51.100.66"]);
    for dimension in ["remote_ip", "network"] {
        assert_eq!(values(&rows, dimension), [""; 0], "{dimension}");
    }
    assert_eq!(values(&rows, "prefix"), ["archive/"]);
    let table = home.succeeds(&["contrast", "--filter", "ip:198.51.100.66", "--top", "1"]);
    assert!(table.contains("left out: remote_ip, network"), "{table}");
    assert!(table.contains("(the filters decide their values)"), "{table}");
    assert!(table.contains("A: 300 requests; B: 1,900 requests"), "{table}");
    assert!(table.contains("--top 0 shows all"), "{table}");
    assert!(table.contains("one value") && table.contains("bucket"), "{table}");
}

#[test]
fn a_pair_of_values_is_listed_if_it_explains_more_than_each_value() {
    let home = Home::new();
    let mut log = String::new();
    for second in 0..1000 {
        // Both addresses and both keys are common everywhere; the pair is slow only.
        let (ip, key) = (["203.0.113.1", "203.0.113.2"][second % 2], ["a", "b"][second / 2 % 2]);
        let status = if second % 4 == 0 { 503 } else { 200 };
        log += &line(second as u32, ip, "-", "REST.GET.OBJECT", key, status, "10");
    }
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    std::fs::write(home.path("logs/2026-04-01-04-00-00-AAAA"), log).unwrap();
    let rows = home.rows(&["contrast", "logs", "--filter", "status:503"]);
    let pair = &rows[0];
    assert_eq!((&pair["count_a"], &pair["count_b"]), (&250.into(), &0.into()), "{rows:?}");
    let mut values = [&pair["value"], &pair["value_2"]].map(|value| value.as_str().unwrap());
    values.sort_unstable();
    assert_eq!(values, ["203.0.113.1", "a"]);
    // The filter of a row selects its requests.
    let filter = pair["filter"].as_str().unwrap();
    assert_eq!(home.rows(&["report", "total", "--filter", filter])[0]["requests"], 250);
}

#[test]
fn a_contrast_without_requests_or_without_a_filter_says_so() {
    let home = logs();
    assert!(home.fails_in_one_line(2, &["contrast"]).contains("--filter A"));
    assert!(home.fails_in_one_line(2, &["contrast", "--filter", "x", "--sort", "lift"]).contains("--sort"));
    let text = home.fails_in_one_line(2, &["contrast", "--filter", "x", "--against", "status:"]);
    assert!(text.contains("--against: column"), "{text}");
    let note = |arguments: &[&str]| crate::home::stderr(&home.run(arguments));
    assert!(note(&["contrast", "--filter", "status:599"]).contains("no request matches --filter"));
    assert!(note(&["contrast", "--filter", "status:200", "--against", "status:599"]).contains("--against"));
    assert!(note(&["contrast", "--filter", "status>0"]).contains("every request matches"));
    for format in ["json", "csv"] {
        let out = home.succeeds(&["contrast", "--filter", "status:403", "--format", format]);
        assert!(out.contains("archive/") && out.contains("p_value"), "{out}");
    }
}

#[test]
fn a_report_says_how_concentrated_it_is() {
    let home = logs();
    let table = home.succeeds(&["report", "remote_ip", "--columns", "rank,cumulative_share", "--top", "3"]);
    assert!(
        table.contains("The top 10 addresses take 25.9 % of bytes; the median address takes 39.1 KiB."),
        "{table}"
    );
    let rows = home.rows(&["report", "remote_ip", "--columns", "rank,cumulative_share", "--top", "2"]);
    assert_eq!((&rows[0]["rank"], &rows[1]["rank"]), (&1.into(), &2.into()));
    let rows = home.rows(&["report", "remote_ip", "--summary"]);
    let [requests, bytes] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(
        (&requests["measure"], &requests["values"], &requests["total"]),
        (&"requests".into(), &42.into(), &2200.into())
    );
    assert_eq!((&requests["median"], &requests["largest"]), (&40.0.into(), &300.into()));
    assert_eq!((&bytes["measure"], &bytes["top_100_share"]), (&"bytes_sent".into(), &Value::Null));
    let gini = bytes["gini"].as_f64().unwrap();
    assert!(gini > 0.0 && gini < 0.2, "{gini}");
    assert!(home.succeeds(&["report", "remote_ip", "--summary"]).contains("The top 10 addresses take"));
    assert!(home.fails_in_one_line(2, &["report", "total", "--summary"]).contains("--summary"));
    assert!(home.fails_in_one_line(2, &["report", "key", "--summary", "--top", "3"]).contains("--top"));
}

#[test]
fn the_hours_of_two_days_were_not_compared() {
    let home = Home::new();
    let mut log = String::new();
    for day in 0..2u32 {
        for request in 0..960u32 {
            // Both days have requests at all hours, the second one most of them at three.
            let second = if day == 1 && request % 2 == 0 { 3 * 3_600 + request } else { request * 90 };
            let of_day = format!("[0{}/Apr", day + 1);
            log += &line(second, "203.0.113.7", "-", "REST.GET.OBJECT", "a", 200, "10")
                .replace("[01/Apr", &of_day);
        }
    }
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    std::fs::write(home.path("logs/2026-04-03-04-00-00-AAAA"), log).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    let rows = home.rows(&["contrast", "--filter", "time:2026-04-02", "--against", "time:2026-04-01"]);
    assert_eq!(values(&rows, "hour_of_day"), ["3"], "{rows:#?}");
    assert_eq!(values(&rows, "weekday"), [""; 0]);
}

#[test]
fn a_set_that_was_compared_with_itself_gave_an_empty_table_without_a_word() {
    let home = logs();
    let note = |against: &str| {
        crate::home::stderr(&home.run(&["contrast", "--filter", "status:403", "--against", against]))
    };
    assert!(note("status:403").contains("select the same requests"), "{}", note("status:403"));
    assert!(note("ip:198.51.100.66").contains("select the same requests"));
    let equal = ["contrast", "--filter", "time:2026-04-01T02", "--against", "time:2026-04-01T00"];
    let note = crate::home::stderr(&home.run(&equal));
    assert!(note.contains("no difference: no value is"), "{note}");
}

#[test]
fn the_cumulative_share_of_a_table_sorted_by_requests_was_that_of_bytes() {
    let home = logs();
    let columns = ["report", "remote_ip", "--columns", "cumulative_share", "--top", "2"];
    let rows = home.rows(&[&columns[..], &["--sort", "requests"]].concat());
    assert_eq!(rows[0]["cumulative_share"], 300.0 / 2200.0);
    assert_eq!(rows[1]["cumulative_share"], 600.0 / 2200.0);
    let table = home.succeeds(&[&columns[..], &["--sort", "requests"]].concat());
    assert!(table.contains("of requests; the median address takes 40 requests"), "{table}");
    let table = home.succeeds(&[&columns[..], &["--sort", "errors"]].concat());
    assert!(table.contains("of errors; the median address"), "{table}");
}
