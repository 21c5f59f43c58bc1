//! One request: sections, the requests before and after it, around it, about its object, its ids.

use crate::log::Field;
use crate::query::RequestRow;
use crate::tui::journeys::{snapshots, start};
use crate::tui::testing::{APRIL, Explorer, get, request};

#[test]
fn one_request() {
    snapshots("request", "4 Enter");
}

fn header(explorer: &mut Explorer) -> String {
    explorer.screen().lines().next().unwrap().to_owned()
}

#[test]
fn the_header_of_an_open_request_counted_all_requests() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403").press("Enter 4");
    let before = header(&mut explorer);
    assert!(before.contains("36 of 372 requests"), "{before}");
    explorer.press("Enter");
    let opened = header(&mut explorer);
    assert!(opened.contains("GET object  403  AccessDenied  243 B  2026-04-01 02:30:00 UTC"), "{opened}");
    assert!(!opened.contains("372"), "{opened}");
    explorer.press("Esc");
    assert_eq!(header(&mut explorer), before);
}

#[test]
fn the_next_and_the_previous_request_open_without_leaving() {
    let mut explorer = start(130, 34);
    explorer.press("4 j Enter");
    assert!(explorer.screen().contains("request 2 of 372"), "{}", explorer.screen());
    let second = header(&mut explorer);
    explorer.press("Right Right Left");
    assert!(explorer.screen().contains("request 3 of 372"), "{}", explorer.screen());
    assert_ne!(header(&mut explorer), second);
    // The cursor stays on its field.
    explorer.press("j j y Right y Left");
    assert_eq!(explorer.copied.len(), 2);
    // Back in the list, the cursor is on the request that was open last.
    explorer.press("Esc");
    assert!(explorer.screen().contains("request 3 of 372"), "{}", explorer.screen());
    explorer.press("g Enter Left");
    assert!(explorer.screen().contains("this is the first request"), "{}", explorer.screen());
}

#[test]
fn requests_are_loaded_while_stepping_through_a_long_list() {
    let log: Vec<_> = (0..3_000)
        .map(|n| RequestRow { id: (1, n), ..get(APRIL + n as i64, "192.0.2.1", &format!("k{n}"), 200, n) })
        .collect();
    let mut explorer = Explorer::with(80, 24, log);
    explorer.press("4 G Enter");
    assert!(explorer.screen().contains("k2999"), "{}", explorer.screen());
    for _ in 0..1_200 {
        explorer.press("Left");
    }
    let screen = explorer.screen();
    assert!(screen.contains("k1799") && screen.contains("request 1,800 of 3,000"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("request 1,800 of 3,000"), "{}", explorer.screen());
}

#[test]
fn what_the_same_requester_did_around_a_request_is_one_key_away() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("key:films/000/master.mp4").press("Enter 4 j Enter");
    let id = explorer.state.layer().detail.as_ref().unwrap().row.id;
    explorer.press("a");
    let screen = explorer.screen();
    let filter = explorer.state.layer().filter.to_string();
    assert_eq!(filter, "remote_ip:203.0.113.7", "the filter of the list does not apply");
    assert!(screen.contains("5 min before and after"), "{screen}");
    let table = explorer.state.layer().table();
    let under_cursor = table.rows.data.as_ref().unwrap().request(table.cursor).unwrap();
    assert_eq!(under_cursor.id, id, "the cursor is on the request");
    assert!(table.reachable() > 10);
    explorer.press("Esc");
    assert_eq!(explorer.state.layer().detail.as_ref().unwrap().row.id, id);
}

#[test]
fn everything_about_the_same_object_is_one_key_away() {
    let mut explorer = start(130, 34);
    explorer.press("4 Enter o");
    let screen = explorer.screen();
    assert!(screen.contains("› key:photos/2026/01/img-0000.jpg › bucket:acme-media ›"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("One request, all fields"), "{}", explorer.screen());
    // A request without a key.
    let mut explorer = Explorer::with(80, 24, vec![request(APRIL, &[(Field::Operation, "REST.GET.BUCKET")])]);
    explorer.press("4 Enter o");
    assert!(explorer.screen().contains("about no object"), "{}", explorer.screen());
    explorer.press("a");
    assert!(explorer.screen().contains("names neither"), "{}", explorer.screen());
}

#[test]
fn absent_fields_are_folded_into_one_line() {
    let mut explorer = start(130, 50);
    explorer.press("4 Enter");
    let folded = explorer.screen();
    assert!(folded.contains("Space shows") && folded.contains("absent fields: "), "{folded}");
    assert!(!folded.contains("(none)"), "{folded}");
    explorer.press("Space");
    let unfolded = explorer.screen();
    assert!(unfolded.contains("(none)") && unfolded.contains("Space folds"), "{unfolded}");
    // So it stays for the next request.
    explorer.press("Right");
    assert!(explorer.screen().contains("Space folds"), "{}", explorer.screen());
}

#[test]
fn values_are_explained() {
    let row = request(
        APRIL,
        &[
            (Field::Operation, "REST.GET.OBJECT"),
            (Field::Requester, "arn:aws:sts::123456789012:assumed-role/etl/session-7"),
            (Field::HttpStatus, "503"),
            (Field::ErrorCode, "SlowDown"),
            (Field::BytesSent, "250"),
            (Field::ObjectSize, "1000"),
            (Field::AuthenticationType, "QueryString"),
            (Field::Key, "a"),
        ],
    );
    let mut explorer = Explorer::with(130, 34, vec![row]);
    let screen = explorer.press("4 Enter").screen();
    for note in [
        "503  Service Unavailable",
        "SlowDown  S3 asked the client to send fewer requests.",
        "etl/session-7",
        "25.0 % of the object",
        "QueryString  a presigned URL",
        "GET object",
    ] {
        assert!(screen.contains(note), "{note}: {screen}");
    }
}

#[test]
fn the_ids_for_aws_support_are_two_labelled_lines() {
    let mut row = get(APRIL, "192.0.2.1", "a", 503, 0);
    row.fields[Field::RequestId as usize] = crate::query::Value::from("4Z9K\u{1b}[2J");
    let mut explorer = Explorer::with(80, 24, vec![row]);
    explorer.press("4 Enter S");
    let host = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=";
    assert_eq!(
        explorer.copied,
        [format!("x-amz-request-id: 4Z9K\\u{{1b}}[2J\nx-amz-id-2: {host}")],
        "invisible characters are escaped"
    );
}
