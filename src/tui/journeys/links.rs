//! What links are on the screen, and what they open.

use crate::log::Field;
use crate::query::{RequestRow, Value};
use crate::tui::journeys::{SIZES, start};
use crate::tui::model::link::Computer;
use crate::tui::testing::{APRIL, Explorer, get};
use crate::tui::view;

/// The links on the screen: the text of their cells, and their URIs.
fn links(explorer: &mut Explorer) -> Vec<(String, String)> {
    explorer.state.links.computer = Computer { name: "ann".to_owned(), folder: "/home/ann".into() };
    explorer.screen();
    let buffer = explorer.cells();
    let text = |link: &view::Link| {
        let symbol = |x| buffer[(x, link.y)].symbol();
        (link.x..link.x + link.width).map(symbol).collect::<String>()
    };
    let links = view::links(&explorer.state, buffer);
    links.iter().map(|link| (text(link), link.target.uri().to_owned())).collect()
}

fn explorer_on(fields: &[(Field, &str)], (columns, rows): (u16, u16)) -> Explorer {
    let mut row: RequestRow = get(APRIL, "203.0.113.7", "films/one.mp4", 404, 243);
    for (field, text) in fields {
        row.fields[*field as usize] = Value::from(*text);
    }
    Explorer::with(columns, rows, vec![row])
}

const CONSOLE: &str = "https://s3.console.aws.amazon.com/s3";
const REFERENCE: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API";
const AWS: (Field, &str) = (Field::HostHeader, "acme-media.s3.eu-west-1.amazonaws.com");

#[test]
fn an_open_request_links_to_the_console_the_reference_and_its_log_file() {
    let fields = [
        AWS,
        (Field::ErrorCode, "NoSuchKey"),
        (Field::Source, "/var/log/s3"),
        (Field::LogFile, "2026/april.log"),
        (Field::Referer, "https://stranger.example/"),
    ];
    for size in SIZES {
        let mut explorer = explorer_on(&fields, size);
        explorer.press("4 Enter");
        let mut found = links(&mut explorer);
        // A low terminal shows the last section when the cursor is there.
        explorer.press("G");
        found.extend(links(&mut explorer));
        for (text, uri) in [
            ("REST.GET.OBJECT", format!("{REFERENCE}/API_GetObject.html")),
            ("NoSuchKey", format!("{REFERENCE}/ErrorResponses.html#ErrorCodeList")),
            ("films/one.mp4", format!("{CONSOLE}/object/acme-media?region=eu-west-1&prefix=films/one.mp4")),
            ("acme-media", format!("{CONSOLE}/buckets/acme-media?region=eu-west-1")),
            ("/var/log/s3", "file://ann/var/log/s3".to_owned()),
            ("2026/april.log", "file://ann/var/log/s3/2026/april.log".to_owned()),
        ] {
            assert!(found.contains(&(text.to_owned(), uri.clone())), "{size:?} {uri}: {found:?}");
        }
        assert!(!found.iter().any(|(_, uri)| uri.contains("stranger")), "{found:?}");
    }
}

#[test]
fn the_lines_of_a_long_key_are_one_link() {
    let key = format!("films/{}/a\u{202e}b 日本.mp4", "very-long-name-".repeat(12));
    let mut explorer = explorer_on(&[AWS, (Field::Key, &key)], (80, 24));
    explorer.press("4 Enter");
    let found = links(&mut explorer);
    let lines: Vec<_> = found.iter().filter(|(_, uri)| uri.contains("/s3/object/")).collect();
    assert!(lines.len() >= 3, "{found:?}");
    assert!(
        lines
            .iter()
            .all(|(_, uri)| *uri == lines[0].1 && uri.ends_with("/a%E2%80%AEb%20%E6%97%A5%E6%9C%AC.mp4"))
    );
}

#[test]
fn what_is_in_front_of_a_link_is_none() {
    let mut explorer = explorer_on(&[AWS], (80, 24));
    explorer.press("4 Enter");
    let before = links(&mut explorer);
    assert!(before.len() >= 3, "{before:?}");
    explorer.press("?");
    let covered = links(&mut explorer);
    assert!(covered.len() < before.len(), "{}", explorer.screen());
    for link in &covered {
        assert!(before.contains(link), "{link:?}");
    }
}

#[test]
fn operations_and_error_codes_below_a_table_link_to_the_reference() {
    for (columns, rows) in SIZES {
        let mut explorer = start(columns, rows);
        explorer.press(":").types("by error_code").press("Enter j");
        let selected = explorer.selected();
        let expected = (selected, format!("{REFERENCE}/ErrorResponses.html#ErrorCodeList"));
        assert_eq!(links(&mut explorer), [expected], "{}", explorer.screen());
        explorer.press(":").types("by operation").press("Enter");
        let expected = ("REST.GET.OBJECT".to_owned(), format!("{REFERENCE}/API_GetObject.html"));
        assert_eq!(links(&mut explorer), [expected], "{}", explorer.screen());
        // Keys, referers and user agents are what strangers wrote.
        for by in ["key", "referer", "user_agent", "remote_ip"] {
            explorer.press(":").types(&format!("by {by}")).press("Enter");
            assert_eq!(links(&mut explorer), [], "{by}");
        }
    }
}

#[test]
fn the_message_about_a_written_file_links_to_it() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["top 20.csv".to_owned(), format!("{}.csv", "long-".repeat(30))] {
        let path = folder.path().join(&name);
        let mut explorer = start(80, 24);
        explorer.press(":").types(&format!("export {}", path.display())).press("Enter");
        let found = links(&mut explorer);
        let text: String = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(text, path.display().to_string(), "{}", explorer.screen());
        let uri = format!("file://ann{}", path.display()).replace(' ', "%20");
        assert!(found.iter().all(|(_, of)| *of == uri), "{found:?}");
        explorer.press("j");
        assert_eq!(links(&mut explorer), []);
    }
}

#[test]
fn links_depend_on_the_terminal_and_the_configuration() {
    let mut explorer = start(80, 24);
    assert!(!explorer.state.shows_links());
    explorer.state.links.are_supported = true;
    assert!(explorer.state.shows_links());
    explorer.state.settings.links = Some(false);
    assert!(!explorer.state.shows_links());
    explorer.state.links.are_supported = false;
    explorer.state.settings.links = Some(true);
    assert!(explorer.state.shows_links());
}
