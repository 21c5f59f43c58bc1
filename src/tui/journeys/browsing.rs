//! Tables, the drill-down stack, one request, the mouse, commands.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::tui::journeys::{snapshots, start};
use crate::tui::model::Action;
use crate::tui::testing::{APRIL, Explorer, get};

#[test]
fn tables() {
    snapshots("addresses", "");
    snapshots("objects", "2");
    snapshots("times", "3");
    snapshots("requests", "4");
    snapshots("statuses", "6");
}

#[test]
fn popups_and_brush() {
    snapshots("help", "?");
    snapshots("dimensions", "b");
    snapshots("columns", "c");
    snapshots("brush", "v l l");
}

#[test]
fn going_back_restores_every_layer() {
    let mut explorer = start(80, 24);
    // Sort by errors, go to the third row, drill down four times.
    explorer.press("l l s j j");
    let addresses = explorer.screen();
    assert_eq!(explorer.selected(), "192.0.2.10");
    explorer.press("Enter j j j");
    let objects = explorer.screen();
    assert!(objects.contains(" Addresses › 192.0.2.10 › Objects"), "{objects}");
    assert!(objects.contains("key ▾"), "{objects}");
    explorer.press("Enter");
    let requests = explorer.screen();
    assert!(requests.contains("GET object"), "{requests}");
    explorer.press("Enter j j");
    let detail = explorer.screen();
    insta::assert_snapshot!("detail-80x24", detail);
    explorer.press("Esc");
    assert_eq!(explorer.screen(), requests);
    explorer.press("Esc");
    assert_eq!(explorer.screen(), objects);
    explorer.press("Esc");
    assert_eq!(explorer.screen(), addresses);
    explorer.press("Esc");
    assert!(explorer.screen().contains("this is the first layer"));
    assert!(!explorer.has_quit);
}

#[test]
fn a_row_of_the_table_of_times_opens_its_requests() {
    let mut explorer = start(80, 24);
    explorer.press("3 l s Enter");
    let screen = explorer.screen();
    assert!(screen.contains("Time › 04-02 03:00–04:00 › Requests"), "{screen}");
    assert!(screen.contains("request 1 of 125"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("REQUESTS ▼"));
}

#[test]
fn fields_of_an_open_request_can_be_copied_and_filtered_on() {
    let mut explorer = start(80, 24);
    explorer.press("4 Enter j j j y");
    assert_eq!(explorer.copied, ["photos/2026/01/img-0000.jpg"]);
    explorer.press("=");
    let screen = explorer.screen();
    assert!(screen.contains("Requests › Request › key:photos/2026/01/img-0000.jpg › Req"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("One request, all fields"), "back on the request");
}

#[test]
fn the_mouse_sorts_selects_and_opens() {
    let mut explorer = start(80, 24);
    let head = explorer.screen().lines().position(|line| line.contains("REMOTE IP")).unwrap() as u16;
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 3, head);
    assert!(explorer.screen().contains("REMOTE IP ▲"));
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 3, head + 2);
    assert_eq!(explorer.selected(), "192.0.2.11");
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 3, head + 2);
    assert!(explorer.screen().contains("› 192.0.2.11 ›"), "a double click opens");
    explorer.mouse(MouseEventKind::ScrollDown, 3, head + 2);
    let tabs = head - 1;
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 30, tabs);
    assert!(explorer.screen().contains("TIME ▲"));
}

#[test]
fn times_are_shown_in_the_local_time_zone() {
    let mut explorer = start(80, 24);
    explorer.press("4");
    assert!(explorer.screen().contains("04-01 00:00:00"));
    explorer.press("t");
    assert!(explorer.screen().contains("04-01 02:00:00"), "{}", explorer.screen());
}

#[test]
fn commands_and_their_errors() {
    let mut explorer = start(80, 24);
    explorer.press(":").types("by network").press("Enter");
    assert!(explorer.screen().contains("203.0.113.0/24"), "{}", explorer.screen());
    explorer.press(":").types("sort requests asc").press("Enter");
    assert!(explorer.screen().contains("REQUESTS ▲"), "{}", explorer.screen());
    explorer.press(":").types("by nonsense").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("unknown dimension"), "{screen}");
    explorer.press("Esc :").types("so").press("Tab").types(" err").press("Tab Tab");
    assert!(explorer.screen().contains(":sort errors"), "{}", explorer.screen());
    explorer.press("Esc :").types("and status:403").press("Enter");
    assert!(explorer.screen().contains("36 of 372"));
    explorer.press(":").types("q").press("Enter");
    assert!(explorer.has_quit);
}

#[test]
fn keys_do_not_panic_at_any_terminal_size() {
    for (columns, rows) in [
        (1, 1),
        (2, 3),
        (39, 9),
        (40, 10),
        (41, 11),
        (40, 16),
        (60, 16),
        (61, 17),
        (159, 20),
        (160, 12),
        (80, 24),
        (300, 20),
        (60, 90),
    ] {
        let mut explorer = start(columns, rows);
        for keys in [
            "?",
            "G",
            "Esc",
            "b End Esc",
            "c End g Esc",
            ": Down PgDn g b y Esc",
            "3 G Enter Enter G",
            "Esc Esc 2 G v G o g H L Esc",
            "/ Tab Tab",
        ] {
            explorer.press(keys);
            explorer.screen();
        }
        for (columns, rows) in [(60, 16), (40, 10), (7, 2), (1, 1), (300, 10)] {
            explorer.handle(Action::Resize(columns, rows));
            explorer.screen();
        }
        explorer.handle(Action::Resize(60, 16));
        explorer.screen();
    }
}

#[test]
fn every_command_in_the_help_exists() {
    use crate::tui::model::commands::COMMANDS;
    for name in COMMANDS.iter().map(|command| command.name) {
        let mut explorer = start(130, 34);
        explorer.press(":").types(name).press("Enter");
        assert!(!explorer.screen().contains("unknown command"), "{name}: {}", explorer.screen());
    }
    let mut explorer = start(80, 24);
    explorer.press("4 :").types("zone local").press("Enter");
    assert!(explorer.screen().contains("04-01 02:00:00"), "{}", explorer.screen());
    explorer.press(":").types("zone u").press("Tab Enter");
    assert!(explorer.screen().contains("04-01 00:00:00"), "{}", explorer.screen());
    // Without a zone: the other one.
    explorer.press(":").types("zone").press("Enter");
    assert!(explorer.screen().contains("04-01 02:00:00"), "{}", explorer.screen());
    explorer.press(":").types("zone mars").press("Enter");
    assert!(explorer.screen().contains("expected utc or local"), "{}", explorer.screen());
}

#[test]
fn rows_of_a_week_begin_on_monday() {
    let mut explorer = start(80, 24);
    explorer.press("3 b End Up Enter");
    assert!(explorer.screen().contains("2026-03-30 Mon"), "{}", explorer.screen());
    assert!(explorer.screen().contains("row 1 of 1"), "{}", explorer.screen());
    // The last choice are the months of the calendar.
    explorer.press("b End Enter");
    assert!(explorer.screen().contains("2026-04 April"), "{}", explorer.screen());
    explorer.press("Enter");
    assert_eq!(explorer.state.layer().time.end, Some(APRIL + 30 * 86_400));
}

#[test]
fn rows_are_loaded_when_the_cursor_comes_near() {
    let log: Vec<_> = (0..3_000)
        .map(|n| {
            let mut row =
                get(APRIL + n, &format!("198.51.{}.{}", n / 250, n % 250), "key", 200, 3_000 - n as u64);
            row.id = (1, n as u64);
            row
        })
        .collect();
    let mut explorer = Explorer::with(80, 24, log);
    assert!(explorer.screen().contains("row 1 of 3,000"));
    explorer.press("G");
    assert!(explorer.screen().contains("row 3,000 of 3,000"), "{}", explorer.screen());
    assert_eq!(explorer.selected(), "198.51.11.249");
    explorer.press("4 G");
    let screen = explorer.screen();
    assert!(screen.contains("request 3,000 of 3,000"), "{screen}");
    assert!(screen.contains("198.51.11.249"), "{screen}");
    for _ in 0..40 {
        explorer.press("PgUp");
    }
    assert!(!explorer.screen().contains("…  "), "all visible rows are loaded: {}", explorer.screen());
}
