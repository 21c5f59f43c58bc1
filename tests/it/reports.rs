//! `tamarin report`: rows, columns, order, time ranges, counting.

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
fn months_are_those_of_the_calendar() {
    let home = Home::new();
    let rows = home.rows(&["report", "time", "--bucket", "1mo", "logs"]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["time"], "2026-04-01T00:00:00Z");
    assert_eq!(rows[0]["requests"], 3);
    let error = home.fails(2, &["report", "time", "--bucket", "2mo"]);
    assert!(error.contains("1mo for calendar months"), "{error}");
}

#[test]
fn report_time_has_more_columns_by_name() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let plain = home.rows(&["report", "time", "--bucket", "30m"]);
    let more =
        home.rows(&["report", "time", "--bucket", "30m", "--columns", "addresses,total_time_max,cost"]);
    let column = |rows: &[Value], name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    // The same rows, also those without requests.
    for name in ["time", "requests", "bytes_sent", "errors", "share"] {
        assert_eq!(column(&more, name), column(&plain, name), "{name}");
    }
    assert!(plain.iter().any(|row| row["requests"] == 0));
    for row in &more {
        assert_eq!(row["addresses"].as_u64().unwrap() > 0, row["requests"].as_u64().unwrap() > 0, "{row}");
    }
    let month = home.rows(&["report", "time", "--bucket", "1mo", "--columns", "addresses"]);
    let all = home.rows(&["report", "remote_ip"]).len();
    assert_eq!((month.len(), month[0]["addresses"].as_u64()), (1, Some(all as u64)));
    // The busiest first.
    let busiest = home.rows(&["report", "time", "--bucket", "1h", "--sort", "addresses", "--top", "1"]);
    assert_eq!(busiest.len(), 1);
    let table = home.succeeds(&["report", "time", "--columns", "objects"]);
    assert!(table.contains("2026-04-01 00:00:00") && table.contains("OBJECTS"), "{table}");
    let error = home.fails_in_one_line(2, &["report", "time", "--columns", "rank"]);
    assert!(error.contains("compares groups"), "{error}");
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
    assert!(
        home.fails_in_one_line(2, &["report", "http_status,key", "--columns", "objects"])
            .contains("--columns")
    );
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
fn a_wrong_order_after_a_column_was_an_unknown_column() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    for arguments in [&["report", "key", "--sort", "bytes_sent:up"][..], &["requests", "--sort", "key:up"]] {
        let output_text = home.fails_in_one_line(2, arguments);
        assert!(output_text.contains(": expected asc or desc after the colon, not \"up\""), "{output_text}");
    }
    let output_text = home.fails_in_one_line(2, &["requests", "--sort", "nonsense:asc"]);
    assert!(output_text.contains("no column \"nonsense\""), "{output_text}");
    // The name of a dimension may have a colon.
    home.succeeds(&["report", "query_param:x-user", "--sort", "query_param:x-user:asc"]);
}
