//! Columns: which are shown, their widths, sorting, hiding.

use crate::tui::journeys::start;
use crate::tui::testing::{APRIL, Explorer, get};

#[test]
fn the_sort_column_is_shown_on_the_smallest_screen() {
    for (columns, rows) in [(60, 16), (80, 24)] {
        let mut explorer = start(columns, rows);
        for (sort, heading) in [
            ("objects", "OBJECTS ▼"),
            ("user_agents", "USER AGENTS ▼"),
            ("last_seen asc", "LAST SEEN ▲"),
            ("errors", "ERRORS ▼"),
            ("value", "REMOTE IP ▲"),
        ] {
            explorer.press(":").types(&format!("sort {sort}")).press("Enter");
            let screen = explorer.screen();
            assert!(screen.contains(heading) && screen.contains("REMOTE IP"), "{sort}: {screen}");
        }
        explorer.press("4");
        for (sort, heading) in [
            ("user_agent", "USER AGENT ▲"),
            ("object_size", "SIZE ▼"),
            ("host_id asc", "HOST ID ▲"),
            ("time", "TIME ▼"),
        ] {
            explorer.press(":").types(&format!("sort {sort}")).press("Enter");
            let screen = explorer.screen();
            assert!(screen.contains(heading) && screen.contains("TIME"), "{sort}: {screen}");
        }
    }
    let mut explorer = start(80, 24);
    explorer.press(":").types("sort objects").press("Enter");
    insta::assert_snapshot!("sorted-by-objects-80x24", explorer.screen());
}

/// The headings of the table in front, with position and width.
fn headings(explorer: &Explorer) -> Vec<(String, u16, u16)> {
    let table = explorer.state.layer().table();
    table.placed.iter().map(|placed| (table.heading(placed.column), placed.x, placed.width)).collect()
}

#[test]
fn headings_of_a_sorted_table_do_not_run_into_each_other() {
    let mut explorer = start(130, 34);
    explorer.press("4 :").types("sort total_time").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("BYTES SENT  TOTAL TIME ▼"), "{screen}");
    explorer.press("1 :").types("sort total_time_p95").press("Enter");
    assert!(explorer.screen().contains("  ≈ TIME P95 ▼"), "{}", explorer.screen());
    // Sorting by another column moves no column.
    explorer.press("4 :").types("sort bytes_sent").press("Enter");
    let before = headings(&explorer);
    explorer.press("h h s");
    assert_eq!(headings(&explorer), before);
}

#[test]
fn columns_neither_appear_nor_disappear_nor_become_narrower_while_paging() {
    let log: Vec<_> = (0..2_000)
        .map(|n| {
            let long = "very/long/folder/names/".repeat((n / 100) as usize % 5);
            let ip =
                if n < 300 { format!("192.0.2.{}", n % 250) } else { format!("2001:db8:aaaa:bbbb::{n:x}") };
            // Only the first pages have error codes.
            let mut row = get(APRIL + n, &ip, &format!("{long}{n}"), if n < 60 { 403 } else { 200 }, 5);
            row.id = (1, n as u64);
            row
        })
        .collect();
    for (columns, rows) in [(80, 24), (130, 34), (200, 50)] {
        for tab in ["1", "2", "4"] {
            let mut explorer = Explorer::with(columns, rows, log.clone());
            explorer.press(tab);
            let mut before = headings(&explorer);
            for keys in ["PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "G", "PgUp", "g"] {
                explorer.press(keys);
                let now = headings(&explorer);
                let names = |all: &[(String, u16, u16)]| {
                    all.iter().map(|heading| heading.0.clone()).collect::<Vec<_>>()
                };
                assert_eq!(names(&now), names(&before), "{columns} {tab} {keys}");
                assert!(now.iter().zip(&before).all(|(now, then)| now.2 >= then.2), "{columns} {tab} {keys}");
                before = now;
            }
        }
    }
}

#[test]
fn a_hidden_column_is_never_the_sort_column() {
    for tab in ["1", "3", "4"] {
        for sorted in ["", "l s", "l l s", "h s"] {
            let mut explorer = start(200, 50);
            explorer.press(tab).press(sorted).press("c");
            let count = explorer.state.layer().table().columns.len();
            // Toggle every column twice.
            for _ in 0..2 {
                explorer.press("Home");
                for _ in 0..count {
                    explorer.press("Space Down");
                    let table = explorer.state.layer().table();
                    assert!(
                        table.shown_columns().any(|column| column == table.sort.by),
                        "{tab} {sorted}: {:?}",
                        table.sort
                    );
                    assert!(table.shown_columns().any(|column| column == table.column), "{tab} {sorted}");
                }
            }
        }
    }
    let mut explorer = start(80, 24);
    explorer.press("h s");
    assert!(explorer.screen().contains("REQUESTS ▼"), "{}", explorer.screen());
    let at = |explorer: &Explorer| {
        let table = explorer.state.layer().table();
        table.columns.iter().position(|choice| choice.column == table.sort.by).unwrap()
    };
    let column = at(&explorer);
    explorer.press("c");
    for _ in 0..column {
        explorer.press("Down");
    }
    explorer.press("Space Esc");
    assert!(explorer.screen().contains("BYTES SENT ▼"), "the initial order: {}", explorer.screen());
}
