//! What a person sees of costs: the column, its prices, and what is wrong with a price table.

use crate::home::{Home, line, stderr};

const GIB: &str = "1073741824";

/// A home with four requests: 1 GiB to a stranger, an upload, a denied stranger and a server error.
fn home() -> Home {
    let home = Home::new();
    let ann = "arn:aws:iam::123456789012:user/ann";
    let denied = line(3, "192.0.2.1", "-", "REST.GET.OBJECT", "a", 403, "300")
        .replace(" 403 - ", " 403 AccessDenied ");
    let foreign =
        line(5, "192.0.2.3", "arn:aws:iam::999999999999:user/eve", "REST.GET.OBJECT", "a", 403, "300");
    let log = [
        line(1, "203.0.113.7", "-", "REST.GET.OBJECT", "a", 200, GIB),
        line(2, "198.51.100.9", ann, "REST.PUT.OBJECT", "a", 200, "-"),
        denied,
        line(4, "192.0.2.2", ann, "REST.GET.OBJECT", "a", 503, GIB),
        foreign.replace(" 403 - ", " 403 AccessDenied "),
    ];
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    std::fs::write(home.path("logs/2026-04-01-00-30-00-AAAA"), log.concat()).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    home
}

fn configure(home: &Home, text: &str) {
    std::fs::create_dir_all(home.path("config/tamarin")).unwrap();
    std::fs::write(home.path("config/tamarin/config.toml"), text).unwrap();
}

#[test]
fn addresses_are_sorted_by_what_they_cost_and_add_up_to_the_total() {
    let home = home();
    let rows = home.rows(&["report", "remote_ip", "--sort", "cost"]);
    let cost: Vec<(&str, f64)> =
        rows.iter().map(|row| (row["remote_ip"].as_str().unwrap(), row["cost"].as_f64().unwrap())).collect();
    assert_eq!(
        cost,
        [
            ("203.0.113.7", 0.090_000_4),
            ("198.51.100.9", 0.000_005),
            ("192.0.2.3", 0.000_000_425),
            ("192.0.2.1", 0.0),
            ("192.0.2.2", 0.0)
        ]
    );
    assert_eq!(rows[0]["approximate"][0], "cost");
    let total = home.rows(&["report", "total", "--columns", "cost"]);
    let sum: f64 = cost.iter().map(|(_, cost)| cost).sum();
    assert!((total[0]["cost"].as_f64().unwrap() - sum).abs() < 1e-8);
    let table = home.succeeds(&["report", "remote_ip", "--sort", "cost", "--top", "1", "--format", "table"]);
    assert!(table.contains("≈ COST") && table.contains("$0.09"), "{table}");
    let table = home.succeeds(&["report", "total", "--columns", "cost", "--format", "table"]);
    assert!(table.contains("≈ <$0.01 for requests, $0.09 for transfer"), "{table}");
}

#[test]
fn a_report_with_costs_names_the_region_and_the_date_of_the_prices() {
    let home = home();
    let note =
        |options: &[&str]| stderr(&home.run(&[&["report", "total", "--columns", "cost"], options].concat()));
    let of_hosts = "the S3 prices of eu-west-1 (the region in the host headers) of 2026-";
    assert!(note(&[]).contains(of_hosts), "{}", note(&[]));
    assert!(note(&["--region", "eu-central-1"]).contains("prices of eu-central-1"));
    // Other products have regions of their own.
    let other = ["--region", "garage", "--endpoint-url", "http://127.0.0.1:3900"];
    assert!(note(&other).contains("prices of eu-west-1"));
    assert_eq!(note(&["-q"]), "");
    assert_eq!(stderr(&home.run(&["report", "total"])), "");
}

#[test]
fn the_configuration_changes_the_prices() {
    let home = home();
    let total = || home.rows(&["report", "total", "--columns", "cost"])[0]["cost"].as_f64().unwrap();
    let requests = 0.005_4 / 1000.0 + 2.0 * 0.000_43 / 1000.0;
    let foreign = 300.0 / 1_073_741_824.0;
    configure(&home, "[prices]\nregion = \"eu-central-1\"\ninternet_volume = 2\n");
    assert!((total() - requests - 0.085 * (1.0 + foreign)).abs() < 1e-8);
    configure(&home, "[prices]\nregion = \"eu-central-1\"\naccounts = [\"123456789012\"]\ninternet = 1.0\n");
    assert!((total() - requests + 0.000_43 / 1000.0 - 1.0).abs() < 1e-8);
    let table = "date = \"2027-01-01\"\ninternet_volumes_tb = []\n[regions.here]\ntier_1 = 1\ntier_2 = 10\n\
                 internet = [0.5]\nother_regions = 0\n";
    std::fs::write(home.path("prices.toml"), table).unwrap();
    configure(&home, "[prices]\nfile = \"prices.toml\"\n");
    assert!((total() - 0.001 - 0.02 - 0.5 * (1.0 + foreign)).abs() < 1e-8);
    assert!(stderr(&home.run(&["report", "total", "--columns", "cost"])).contains("here of 2027-01-01"));
}

#[test]
fn wrong_prices_are_named() {
    let home = home();
    let error = |config: &str| {
        configure(&home, config);
        home.fails_in_one_line(1, &["report", "total", "--columns", "cost"])
    };
    let text = error("[prices]\nregion = \"mars-1\"\n");
    assert!(text.contains("\"mars-1\"") && text.contains("eu-central-1"), "{text}");
    let text = error("[prices]\ninternet = -1.0\n");
    assert!(text.contains("line 2: prices.internet: expected US dollars"), "{text}");
    let text = error("[prices]\ninternet_volume = 9\n");
    assert!(text.contains("internet_volume in [prices]: expected 1 to 4, not 9"), "{text}");
    let text = error("[prices]\nfile = \"no.toml\"\n");
    assert!(text.contains("no.toml: cannot be read"), "{text}");
    std::fs::write(home.path("prices.toml"), "date = \"2026-01-01\"\nregoins = 1\n").unwrap();
    let text = error("[prices]\nfile = \"prices.toml\"\n");
    assert!(text.contains("prices.toml: line 2: unknown field `regoins`"), "{text}");
    configure(&home, "");
    let text = home.fails_in_one_line(1, &["report", "total", "--columns", "cost", "--region", "mars-1"]);
    assert!(text.contains("has no region \"mars-1\"; it has "), "{text}");
    home.succeeds(&["report", "total", "--region", "mars-1"]);
    configure(&home, "[prices]\nfile = \"prices.toml\"\n");
    // Prices that a command does not need are not read.
    home.succeeds(&["report", "total"]);
}

#[test]
fn the_help_on_costs_has_the_assumptions_and_the_price_table() {
    let home = Home::new();
    let help = home.succeeds(&["help", "cost"]);
    for part in
        ["# Cost", "free 100 GB", "## The price table of 2026-", "| eu-central-1 | 0.0054 | 0.00043 | 0.09, "]
    {
        assert!(help.contains(part), "{part}");
    }
    assert!(home.fails_in_one_line(2, &["help", "costs"]).contains("filter, cost, "));
}

#[test]
fn reports_by_time_and_by_two_dimensions_had_no_costs() {
    let home = home();
    let sum = |rows: &[serde_json::Value]| rows.iter().map(|row| row["cost"].as_f64().unwrap()).sum::<f64>();
    let total = sum(&home.rows(&["report", "total", "--columns", "cost"]));
    assert!(total > 0.09);
    for arguments in [
        &["report", "time", "--columns", "cost"][..],
        &["report", "time", "--bucket", "1m", "--columns", "cost"],
        &["report", "remote_ip,operation", "--columns", "cost"],
        &["report", "requester,http_status", "--columns", "cost"],
    ] {
        let rows = home.rows(arguments);
        assert!((sum(&rows) - total).abs() < 1e-8, "{arguments:?}: {rows:#?}");
        assert_eq!(rows[0]["approximate"][0], "cost");
    }
    let table = home.succeeds(&["report", "time", "--columns", "cost"]);
    assert!(table.contains("≈ COST") && table.contains("$0.09"), "{table}");
    let note = stderr(&home.run(&["report", "remote_ip,operation", "--columns", "cost", "--format", "csv"]));
    assert!(note.contains("≈ cost") && note.contains("the S3 prices of"), "{note}");
}

#[test]
fn a_configured_region_without_prices_was_replaced_silently() {
    let home = home();
    configure(&home, "region = \"mars-1\"\n");
    let text = home.fails_in_one_line(1, &["report", "total", "--columns", "cost"]);
    assert!(text.contains("has no region \"mars-1\""), "{text}");
    let output = home.run(&["findings"]);
    assert_eq!(output.status.code(), Some(0));
    let note = stderr(&output);
    assert!(note.contains("with the prices of us-east-1: ") && note.contains("mars-1"), "{note}");
    // A server of another product calls its region as it likes.
    configure(&home, "region = \"garage\"\nendpoint_url = \"http://127.0.0.1:3900\"\n");
    assert!(!stderr(&home.run(&["findings"])).contains("garage"));
}

#[test]
fn the_region_is_that_of_the_hosts_of_most_successful_requests() {
    let home = home();
    let other = |second, status| {
        line(second, "192.0.2.9", "-", "REST.GET.OBJECT", "a", status, "1")
            .replace("eu-west-1.amazonaws.com", "sa-east-1.amazonaws.com")
    };
    let note = || stderr(&home.run(&["report", "total", "--columns", "cost"]));
    // Requests to a wrong region fail.
    let wrong: String = (100..120).map(|second| other(second, 301)).collect();
    std::fs::write(home.path("logs/2026-04-01-00-40-00-BBBB"), wrong).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    assert!(note().contains("prices of eu-west-1 (the region"), "{}", note());
    let right: String = (200..220).map(|second| other(second, 200)).collect();
    std::fs::write(home.path("logs/2026-04-01-00-50-00-CCCC"), right).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    assert!(note().contains("prices of sa-east-1 (the region"), "{}", note());
    assert!(home.succeeds(&["help", "cost"]).contains("host_header"));
}
