//! Tasks of real users, about requests, copying and exports, with the key strokes that they cost. Every key counts, typed
//! letters included.

use crate::log::Field;
use crate::query::{Ask, RequestRow, Value};
use crate::tui::testing::{APRIL, Explorer, get};

/// An explorer whose keys are counted.
struct Counted {
    explorer: Explorer,
    keys: usize,
}

impl Counted {
    fn new() -> Counted {
        Counted { explorer: Explorer::with(80, 24, log()), keys: 0 }
    }

    fn press(&mut self, keys: &str) -> &mut Counted {
        self.keys += keys.split(' ').filter(|name| !name.is_empty()).count();
        self.explorer.press(keys);
        self
    }

    fn types(&mut self, text: &str) -> &mut Counted {
        self.keys += text.chars().count();
        self.explorer.types(text);
        self
    }

    /// Asserts that the task took at most this number of keys.
    fn took_at_most(&self, keys: usize) {
        assert!(self.keys <= keys, "{} keys instead of {keys}", self.keys);
    }
}

fn with(mut row: RequestRow, fields: &[(Field, &str)]) -> RequestRow {
    for (field, text) in fields {
        row.fields[*field as usize] = Value::of_field(*field, Some(text.as_bytes()));
    }
    row
}

/// Ten days of a bucket: visitors, a job with the role etl, three addresses that guess keys, S3 that is overloaded on the
/// ninth, and a client with old protocols.
fn log() -> Vec<RequestRow> {
    let mut rows = Vec::new();
    for n in 0..400i64 {
        let at = APRIL + n * 2_100;
        let key = format!("photos/{:03}.jpg", n % 60);
        rows.push(with(
            get(at, &format!("198.51.100.{}", n % 20), &key, 200, 50_000),
            &[(Field::TlsVersion, "TLSv1.3"), (Field::SignatureVersion, "SigV4")],
        ));
        if n % 4 == 0 {
            let session = format!("arn:aws:sts::123456789012:assumed-role/etl/run-{}", n / 40);
            rows.push(with(
                get(at + 5, "10.0.0.9", &format!("lake/part-{n}.parquet"), 200, 900_000),
                &[(Field::Requester, &session)],
            ));
        }
        if n % 5 == 0 {
            let ip = format!("192.0.2.{}", 7 + n % 3);
            rows.push(get(at + 9, &ip, &format!("backup/{n}.zip"), 403, 243));
        }
        if n % 16 == 0 {
            rows.push(with(
                get(at + 11, "198.51.100.200", "photos/000.jpg", 200, 700),
                &[
                    (Field::UserAgent, "JetS3t/0.7.3"),
                    (Field::TlsVersion, "TLSv1"),
                    (Field::SignatureVersion, "SigV2"),
                ],
            ));
        }
    }
    for n in 0..40i64 {
        let total = (100 + (n * 37) % 41).to_string();
        rows.push(with(
            get(APRIL + 8 * 86_400 + 43_200 + n, "198.51.100.77", "state/checkpoint.json", 503, 0),
            &[
                (Field::ErrorCode, "SlowDown"),
                (Field::TotalTime, &total),
                (Field::RequestId, &format!("REQ{total}")),
            ],
        ));
    }
    rows.sort_by_key(|row| row.time);
    rows.into_iter().zip(0..).map(|(row, number)| RequestRow { id: (1, number), ..row }).collect()
}

#[test]
fn the_requests_of_a_role_on_one_day_as_csv() {
    let mut user = Counted::new();
    user.explorer.holds_exports = true;
    user.types("/etl 04-10").press("Enter 4 e Enter");
    user.took_at_most(16);
    let export = user.explorer.exports.pop().unwrap();
    assert!(export.path.ends_with("tamarin-request.csv"), "{}", export.path.display());
    assert!(export.columns.is_empty(), "all fields");
    let Ask::Requests { .. } = export.query.ask else { panic!("{:?}", export.query.ask) };
    // The job, on this day, and nothing else: as the longer filter.
    let matched = user.explorer.state.matched().unwrap().0.requests;
    assert!(matched > 5, "{}", user.explorer.screen());
    user.press("/").press("Ctrl-u").types("role:etl time:2026-04-10").press("Enter");
    assert_eq!(user.explorer.state.matched().unwrap().0.requests, matched, "{}", user.explorer.screen());
}

#[test]
fn a_block_list_of_the_three_addresses_that_guess_keys() {
    let mut user = Counted::new();
    // By status, the row with 403, its addresses.
    user.press("6");
    let rows = user.explorer.state.layer().table().rows.data.as_ref().unwrap();
    let at =
        (0..rows.reachable()).find(|row| rows.group(*row).unwrap().value == Value::Integer(403)).unwrap();
    user.press(&"j ".repeat(at)).press("Enter m m m B y");
    user.took_at_most(8);
    let list = user.explorer.copied.last().unwrap();
    let networks: Vec<ipnet::IpNet> = list.split('"').filter_map(|text| text.parse().ok()).collect();
    for ip in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
        let ip: std::net::IpAddr = ip.parse().unwrap();
        assert!(networks.iter().any(|network| network.contains(&ip)), "{list}");
    }
}

#[test]
fn a_key_is_copied() {
    let mut user = Counted::new();
    user.press("2 y");
    user.took_at_most(2);
    assert!(user.explorer.copied.last().unwrap().starts_with("lake/part-"), "{:?}", user.explorer.copied);
}

#[test]
fn the_ids_of_the_slowest_request_that_failed_with_503() {
    let mut user = Counted::new();
    user.types(":sl5x");
    let palette = user.explorer.screen();
    user.press("Enter Enter S");
    user.took_at_most(8);
    let ids = user.explorer.copied.last().unwrap_or_else(|| panic!("{palette}")).clone();
    assert!(
        ids.starts_with("x-amz-request-id: REQ140\nx-amz-id-2: s9lz"),
        "{ids}: {}",
        user.explorer.screen()
    );
}

#[test]
fn who_still_uses_old_tls_or_signature_version_2() {
    let mut user = Counted::new();
    user.types(":outda").press("Enter");
    user.took_at_most(10);
    let screen = user.explorer.screen();
    assert!(screen.contains("▌ JetS3t/0.7.3"), "{screen}");
    assert!(screen.contains("25 of "), "{screen}");
}
