//! Who an address is: countries, autonomous systems and AWS services from files of the user.

use crate::home::Home;
use crate::support::mmdb::{Data, database};

fn text(text: &str) -> Data {
    Data::Text(text.to_owned())
}

fn country(code: &str) -> Data {
    Data::Map(vec![("country".to_owned(), Data::Map(vec![("iso_code".to_owned(), text(code))]))])
}

fn asn(number: u32, owner: &str) -> Data {
    Data::Map(vec![
        ("autonomous_system_number".to_owned(), Data::Number(number)),
        ("autonomous_system_organization".to_owned(), text(owner)),
    ])
}

/// A home with databases for the addresses of its logs, next to them.
fn home() -> Home {
    let home = Home::new();
    let networks = [("203.0.113.0/24", country("DE")), ("198.51.100.0/24", country("JP"))];
    std::fs::write(home.path("country.mmdb"), database("GeoLite2-Country", &networks)).unwrap();
    let networks = [("198.51.100.0/24", asn(64501, "Example \u{1b}]0;owned\u{7}Hosting"))];
    std::fs::write(home.path("asn.mmdb"), database("GeoLite2-ASN", &networks)).unwrap();
    let ranges =
        r#"{"prefixes": [{"ip_prefix": "198.51.100.0/24", "region": "us-east-1", "service": "EC2"}]}"#;
    std::fs::write(home.path("ranges.json"), ranges).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    home
}

const DATABASES: [&str; 4] = ["--ip-database", "asn.mmdb", "--ip-database", "country.mmdb"];

#[test]
fn requests_are_grouped_by_country_and_autonomous_system() {
    let home = home();
    let rows = home.rows(&[&["report", "country"][..], &DATABASES].concat());
    assert_eq!((&rows[0]["country"], &rows[0]["bytes_sent"]), (&"JP".into(), &3000.into()));
    assert_eq!((&rows[1]["country"], &rows[1]["requests"]), (&"DE".into(), &2.into()));
    let rows = home.rows(&[&["report", "asn"][..], &DATABASES].concat());
    assert_eq!(rows[0]["asn"], "AS64501 Example \u{1b}]0;owned\u{7}Hosting");
    assert_eq!(rows[1]["asn"], serde_json::Value::Null);
    let table = home.succeeds(&[&["report", "asn"][..], &DATABASES].concat());
    assert!(table.contains("AS64501 Example") && !table.contains('\u{1b}'), "{table}");
    let rows = home.rows(&["report", "aws", "--aws-ip-ranges", "ranges.json"]);
    assert_eq!(rows[0]["aws"], "EC2 us-east-1");
}

#[test]
fn requests_are_filtered_by_what_is_known_about_their_address() {
    let home = home();
    let total = |filter: &str| {
        let arguments = ["report", "total", "--filter", filter, "--aws-ip-ranges", "ranges.json"];
        home.rows(&[&arguments[..], &DATABASES].concat())[0]["requests"].as_u64().unwrap()
    };
    assert_eq!(total("country:de"), 2);
    assert_eq!(total("-country:DE"), 1);
    assert_eq!(total("country:DE or country:JP"), 3);
    assert_eq!(total("country:DE,FR"), 2);
    assert_eq!(total("asn:AS64501"), 1);
    assert_eq!(total("asn:64501"), 1);
    assert_eq!(total("asn:AS6450"), 0);
    assert_eq!(total("asn*=hosting"), 1);
    assert_eq!(total("asn:-"), 2);
    assert_eq!(total("aws:ec2"), 1);
    assert_eq!(total("aws:us-east-1"), 1);
    assert_eq!(total("aws:us-east"), 0);
    assert_eq!(total("aws:\"EC2 us-east-1\""), 1);
    assert_eq!(total("aws:-"), 2);
    let message = home.fails_in_one_line(2, &["report", "total", "--filter", "asn:amazon"]);
    assert!(message.contains("expected a number such as AS14618"), "{message}");
}

#[test]
fn without_a_database_the_error_says_how_to_get_one() {
    let home = home();
    for (arguments, part) in [
        (&["report", "country"][..], "country needs a database of addresses"),
        (&["report", "total", "--filter", "asn:1"], "asn needs a database of addresses"),
        (&["report", "aws"], "download https://ip-ranges.amazonaws.com/ip-ranges.json"),
        (&["report", "country", "--ip-database", "asn.mmdb"], "there are no countries in asn.mmdb"),
        (&["report", "country", "--ip-database", "no.mmdb"], "no.mmdb: "),
    ] {
        let message = home.fails_in_one_line(1, arguments);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn databases_are_found_in_the_data_directory_and_named_in_the_configuration_file() {
    let home = home();
    let data = home.path("data/tamarin");
    std::fs::copy(home.path("country.mmdb"), data.join("country.mmdb")).unwrap();
    assert_eq!(home.rows(&["report", "country"])[0]["country"], "JP");
    std::fs::write(
        home.path("tamarin.toml"),
        "ip_databases = [\"asn.mmdb\"]\naws_ip_ranges = \"ranges.json\"\n",
    )
    .unwrap();
    let rows = home.rows(&["report", "asn", "--config", "tamarin.toml"]);
    assert!(rows[0]["asn"].as_str().unwrap().starts_with("AS64501 "));
    assert_eq!(home.rows(&["report", "aws", "--config", "tamarin.toml"])[0]["aws"], "EC2 us-east-1");
}

#[test]
fn names_are_looked_up_only_where_the_user_asked_for_them() {
    let home = home();
    for command in [&["report", "country"][..], &["report", "host"], &["requests"], &["findings"]] {
        let message = home.fails_in_one_line(2, &[command, &["--resolve"]].concat());
        assert!(message.contains("--resolve is for tamarin report remote_ip and for"), "{message}");
    }
    for command in [
        &["report", "host_name"][..],
        &["report", "host_name,asn"],
        &["report", "total", "--filter", "host_name:*.example.com"],
        &["requests", "--filter", "-host_name:-"],
        &["contrast", "--filter", "status:404", "--against", "host_name:a.example.com"],
    ] {
        let message = home.fails_in_one_line(1, &[command, &DATABASES].concat());
        assert!(message.contains("host_name needs the names of addresses"), "{message}");
        assert!(message.contains("--resolve") && message.contains("resolve = true"), "{message}");
    }
}
