//! What gets the room of the screen: keys before bars, whole values below the table, hidden constant columns, sums.

use crate::log::Field;
use crate::query::{RequestRow, Value};
use crate::tui::journeys::start;
use crate::tui::testing::{APRIL, Explorer, get};

/// Downloads of objects with long keys, one after another.
fn long_keys() -> Vec<RequestRow> {
    (0..300)
        .map(|n: u64| {
            let key = format!("hls/clockmakers/season-{:02}/720p/segment-{:05}.ts", n % 20, n);
            RequestRow { id: (1, n), ..get(APRIL + 600 * n as i64, "192.0.2.1", &key, 200, 1_000_000 + n) }
        })
        .collect()
}

#[test]
fn a_key_was_cut_beside_empty_room() {
    for (columns, rows) in [(80, 24), (130, 34), (200, 50), (300, 50)] {
        let mut explorer = Explorer::with(columns, rows, long_keys());
        let screen = explorer.press("2").screen();
        assert!(screen.contains("hls/clockmakers/season-19/720p/segment-00299.ts  "), "{screen}");
        assert!(screen.contains("BYTES SENT ▼"), "{screen}");
    }
}

#[test]
fn the_table_ended_in_the_middle_of_a_wide_screen() {
    let mut explorer = Explorer::with(300, 50, long_keys());
    for tab in ["1", "2"] {
        explorer.press(tab);
        let last = *explorer.state.layer().table().placed.last().unwrap();
        let table = crate::tui::model::Areas::of(&explorer.state).rows;
        assert_eq!(last.x + last.width, table.right() - 1, "{}", explorer.screen());
        assert_eq!(crate::tui::model::Areas::of(&explorer.state).preview.right(), 300);
    }
}

#[test]
fn columns_that_the_filter_makes_constant_are_hidden_until_the_user_wants_them() {
    let mut explorer = start(200, 50);
    explorer.press("4");
    let head = |explorer: &mut Explorer| {
        let screen = explorer.screen();
        screen.lines().find(|line| line.contains("TIME ▲")).unwrap().to_owned()
    };
    assert!(head(&mut explorer).contains("REMOTE IP"));
    explorer.types("/ip:192.0.2.11 status:403").press("Enter");
    let hidden = head(&mut explorer);
    assert!(!hidden.contains("REMOTE IP") && !hidden.contains("STATUS"), "{hidden}");
    explorer.press("c Down");
    assert!(explorer.screen().contains("[ ] REMOTE IP"), "{}", explorer.screen());
    assert!(explorer.screen().contains("(the same in every row)"), "{}", explorer.screen());
    explorer.press("Space Esc");
    assert!(head(&mut explorer).contains("REMOTE IP"), "{}", explorer.screen());
    explorer.press("c Down Space Esc");
    assert!(!head(&mut explorer).contains("REMOTE IP"), "{}", explorer.screen());
    // The column that the user filters by stays under the cursor, so that `-` takes back `=`.
    explorer.press("g l");
    assert_eq!(explorer.state.layer().table().column.name(), "operation", "{}", explorer.screen());
    explorer.press("=");
    assert!(head(&mut explorer).contains("OPERATION"), "{}", explorer.screen());
    explorer.press("-");
    let filter = explorer.state.layer().filter.to_string();
    assert!(filter.ends_with(" -operation:REST.GET.OBJECT"), "{filter}");
    explorer.press("Backspace");
    // A column is never hidden while the table is sorted by it.
    explorer.types(":sort http_status").press("Enter");
    assert!(explorer.screen().contains("STATUS ▼"), "{}", explorer.screen());
    // Only errors: their rate says nothing.
    explorer.press("1");
    assert!(!explorer.screen().contains("ERROR %"), "{}", explorer.screen());
}

#[test]
fn the_whole_value_under_the_cursor_is_below_the_table() {
    let key = "a/very/long/folder/name/that/does/not/fit/into/the/table/report\u{1b}[31m-\u{202e}2026.pdf";
    let mut explorer = Explorer::with(80, 24, vec![get(APRIL, "192.0.2.1", key, 200, 12_345_678)]);
    let screen = explorer.press("2").screen();
    let line = screen.lines().find(|line| line.starts_with("  key ")).unwrap();
    assert!(line.contains("report\\u{1b}[31m-\\u{202e}2026.pdf") || line.contains('…'), "{line}");
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'));
    // On a higher screen there is room for all of it.
    let mut explorer = Explorer::with(80, 40, vec![get(APRIL, "192.0.2.1", key, 200, 12_345_678)]);
    let screen = explorer.press("2").screen();
    assert!(screen.contains("report\\u{1b}[31m-\\u{202e}2026.pdf"), "{screen}");
    assert!(screen.contains("12,345,678 bytes sent"), "{screen}");
    // Of a request: the value of the column under the cursor.
    let mut explorer = Explorer::with(130, 34, vec![get(APRIL, "192.0.2.1", key, 200, 12_345_678)]);
    let screen = explorer.press("4 l l l l l").screen();
    assert!(screen.contains("  bytes_sent 12,345,678"), "{screen}");
}

#[test]
fn absent_values_had_no_name() {
    let mut log = long_keys();
    log[0].fields[Field::RemoteIp as usize] = Value::Absent;
    log[0].fields[Field::Key as usize] = Value::Absent;
    for row in &mut log[1..] {
        row.fields[Field::Requester as usize] = Value::from("arn:aws:iam::123456789012:user/ann");
    }
    let mut explorer = Explorer::with(130, 34, log);
    assert!(explorer.screen().contains("  (none) "), "{}", explorer.screen());
    assert!(explorer.press("2 G").screen().contains("▌ (no key) "), "{}", explorer.screen());
    explorer.types(":by requester").press("Enter");
    assert!(explorer.screen().contains("  (anonymous) "), "{}", explorer.screen());
    assert!(explorer.screen().contains("arn:aws:iam::123456789012:user/ann "), "{}", explorer.screen());
    explorer.types(":by prefix").press("Enter");
    assert!(explorer.screen().contains("  (no key) "), "{}", explorer.screen());
    explorer.press("4 Enter Space");
    assert!(explorer.screen().contains("(anonymous)"), "{}", explorer.screen());
}

#[test]
fn the_first_rows_and_all_rows_are_summed_up() {
    let mut explorer = Explorer::with(130, 34, long_keys());
    let screen = explorer.press("2").screen();
    assert!(screen.contains("top 20 = 7 % of bytes · the other 280 = 93 %"), "{screen}");
    assert!(screen.contains("all 300: 300 requests · 286 MiB · 0 % errors"), "{screen}");
    let screen = explorer.press("m m").screen();
    assert!(screen.contains("2 marked: 2 requests · 1.91 MiB · 0 % errors · 0.7 % of bytes"), "{screen}");
    // In another order, the first rows are not the largest.
    let screen = explorer.press("M s").screen();
    assert!(!screen.contains("top 20"), "{screen}");
    let mut explorer = start(80, 24);
    assert!(explorer.screen().contains("  all 5: 372 requests · "), "{}", explorer.screen());
    explorer.press("=");
    assert!(explorer.screen().contains("  120 requests · 572 MiB"), "one row is all: {}", explorer.screen());
}

#[test]
fn a_column_is_widened_to_its_content_and_the_columns_scroll() {
    let mut explorer = Explorer::with(80, 24, long_keys());
    explorer.press("4");
    let width = |explorer: &Explorer, name: &str| {
        let table = explorer.state.layer().table();
        let placed = table.placed.iter().find(|placed| placed.column.name() == name);
        placed.map_or(0, |placed| placed.width)
    };
    assert!(width(&explorer, "key") < 47, "{}", explorer.screen());
    explorer.press("l l l");
    assert_eq!(explorer.state.layer().table().column.name(), "key", "{}", explorer.screen());
    explorer.press("_");
    assert_eq!(width(&explorer, "key"), 47, "{}", explorer.screen());
    explorer.press("_");
    assert!(width(&explorer, "key") < 47, "{}", explorer.screen());
    // Every column can be reached.
    let mut seen = Vec::new();
    for _ in 0..40 {
        seen.extend(explorer.state.layer().table().placed.iter().map(|placed| placed.column));
        explorer.press(">");
    }
    let table = explorer.state.layer().table();
    assert!(table.visible_columns().all(|column| seen.contains(&column)), "{seen:?}");
    assert!(explorer.screen().contains("this is the last column"), "{}", explorer.screen());
    assert_eq!(explorer.state.layer().table().placed[0].column.name(), "time", "the first column stays");
    for _ in 0..40 {
        explorer.press("<");
    }
    assert_eq!(explorer.state.layer().table().scrolled, 0);
}

#[test]
fn a_number_beside_a_long_value_cut_the_value() {
    let id = "3f9c1e0d7a5b48c2966e1f0b7d3a5c84e2109fb6d8c74a3150e6b92f7d1c8a43";
    let mut log = crate::tui::testing::three_days();
    log.iter_mut().for_each(|row| row.fields[crate::log::Field::BucketOwner as usize] = id.into());
    let mut explorer = Explorer::with(80, 24, log);
    explorer.types(":by bucket_owner").press("Enter");
    assert!(explorer.screen().contains(&format!("bucket_owner {id}")), "{}", explorer.screen());
}

#[test]
fn after_another_order_the_first_column_kept_the_width_of_short_addresses() {
    let short = (0..450).map(|number| (format!("100.64.{}.{}", number / 250, number % 250), 2_000));
    let long = (0..450).map(|number| (format!("2001:db8:1111:2222:3333:4444:5555:{number:04x}"), 1_000));
    let log: Vec<RequestRow> =
        short.chain(long).map(|(address, bytes)| get(APRIL, &address, "films/one.mp4", 200, bytes)).collect();
    let mut explorer = Explorer::with(130, 34, log);
    assert!(explorer.screen().contains("▌ 100.64."), "{}", explorer.screen());
    explorer.types(":sort value desc").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("▌ 2001:db8:1111:2222:3333:4444:5555:01c1  "), "{screen}");
}

#[test]
fn why_there_are_no_rows_stood_beside_an_empty_preview() {
    let mut explorer = start(200, 50);
    assert!(explorer.screen().contains('│'), "the preview of a row");
    explorer.types("/key:nothing-like-this").press("Enter");
    let screen = explorer.screen();
    assert!(!screen.contains('│'), "{screen}");
    let line = screen.lines().find(|line| line.contains("Nothing matches")).unwrap();
    let before = line.len() - line.trim_start().len();
    assert!((91..94).contains(&before), "in the middle of the screen: {before}");
}

#[test]
fn marks_of_rows_that_the_table_does_not_have_were_added_up_to_nothing() {
    let mut explorer = start(130, 34);
    explorer.press("m m");
    assert!(explorer.screen().contains("  2 marked: 192 requests"), "{}", explorer.screen());
    explorer.types("/-ip:203.0.113.7").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("  2 marked, 1 of them here: 72 requests"), "{screen}");
    explorer.types("/ip:198.51.100.7").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("  2 marked, not in this table"), "{screen}");
}

#[test]
fn the_sentence_of_a_concentration_was_cut() {
    let mut log = crate::tui::testing::three_days();
    for number in 0..40 {
        let fields = [(Field::BytesSent, "123456789"), (Field::Operation, "S3.EXPIRE.OBJECT")];
        log.push(RequestRow { id: (2, number), ..crate::tui::testing::request(APRIL, &fields) });
    }
    for (columns, rows) in [(80, 24), (130, 34), (200, 50)] {
        let mut explorer = Explorer::with(columns, rows, log.clone());
        explorer.press("C");
        assert!(explorer.screen().contains(" left out."), "{}", explorer.screen());
    }
}
