//! The palette: everything is found by typing.

use crate::tui::journeys::{snapshots, start};
use crate::tui::model::saved::Saved;
use crate::tui::model::{Tab, palette};
use crate::tui::testing::Explorer;

#[test]
fn the_palette() {
    snapshots("palette", ":");
    snapshots("palette-typed", ": r e q");
}

fn chosen(explorer: &Explorer) -> String {
    let list = palette::in_front(&explorer.state).unwrap();
    list.chosen().map(|entry| entry.text.clone()).unwrap_or_default()
}

#[test]
fn commands_dimensions_columns_investigations_and_themes_are_found() {
    for (typed, expected) in [
        ("requester", "group by requester"),
        ("group ext", "group by extension"),
        ("sort obj", "sort by objects"),
        ("denied", "investigation access-denied"),
        ("deleted", "investigation deleted-objects"),
        ("light", "theme light"),
        (
            "undo",
            "undo the last change of the view: filter, zoom, order, grouping, columns, table, drill-down",
        ),
        ("pause", "pause: keep the numbers while new logs are read"),
        ("requezter", "group by requester"),
    ] {
        let mut explorer = start(130, 34);
        explorer.press("Ctrl-p").types(typed);
        assert_eq!(chosen(&explorer), expected, "{typed}: {}", explorer.screen());
        explorer.press("Enter");
        assert!(explorer.state.prompt.is_none(), "{typed}: {}", explorer.screen());
    }
    let mut explorer = start(130, 34);
    explorer.press(":").types("group ext").press("Enter");
    assert!(explorer.screen().contains("by extension ▾"), "{}", explorer.screen());
    explorer.press(":").types("sort obj").press("Enter");
    assert!(explorer.screen().contains("OBJECTS"), "{}", explorer.screen());
    explorer.press(":").types("times").press("Enter");
    assert_eq!(explorer.state.layer().tab, Tab::Time);
}

#[test]
fn the_line_that_is_typed_runs_first_and_other_entries_can_be_chosen() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("by network");
    assert_eq!(chosen(&explorer), "by network");
    explorer.press("Down");
    assert_eq!(chosen(&explorer), "group by network");
    // An argument that is not valid yet: what matches is first, the line last.
    explorer.press("Backspace Backspace Backspace");
    assert_eq!(chosen(&explorer), "group by network");
    explorer.press("Enter");
    assert!(explorer.screen().contains("by network ▾"), "{}", explorer.screen());
    explorer.press(":").types("sort nonsense").press("Enter");
    assert!(explorer.screen().contains("unknown column"), "{}", explorer.screen());
    explorer.press("Esc :").types("wxyz").press("Enter");
    assert!(explorer.screen().contains("unknown command"), "{}", explorer.screen());
}

#[test]
fn what_was_chosen_last_is_first_the_next_time() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403").press("Enter x");
    explorer.press(":").types("extension").press("Enter :");
    assert_eq!(chosen(&explorer), "group by extension");
    explorer.press("Down");
    assert_eq!(chosen(&explorer), "filter status:403");
    explorer.press("Enter");
    assert!(explorer.screen().contains("▸ http_status:403"), "{}", explorer.screen());
}

#[test]
fn the_next_session_knows_what_was_chosen_last() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("extension").press("Enter");
    let saved = Saved::default().with(&explorer.state, "/c.db");
    let mut next = start(130, 34);
    next.state.take_over(&saved, "/c.db");
    next.press(":");
    assert_eq!(chosen(&next), "group by extension");
}

#[test]
fn the_palette_works_in_front_of_a_pane() {
    for keys in ["d", "C", "B"] {
        let mut explorer = start(130, 34);
        explorer.press(keys);
        assert!(explorer.state.pane.is_some());
        explorer.press(":").types("close");
        assert!(explorer.screen().contains("Commands"), "{keys}: {}", explorer.screen());
        explorer.press("Esc");
        assert!(explorer.state.pane.is_some(), "{keys}");
        explorer.press(":").types("group ext").press("Enter");
        assert!(explorer.state.pane.is_none(), "{keys}");
        assert!(explorer.screen().contains("by extension ▾"), "{keys}: {}", explorer.screen());
    }
}

#[test]
fn an_entry_that_needs_an_argument_begins_a_line() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("replace the filter").press("Enter");
    assert!(explorer.screen().contains(":filter"), "{}", explorer.screen());
    explorer.types("status:403").press("Enter");
    assert!(explorer.screen().contains("▸ http_status:403"), "{}", explorer.screen());
}

#[test]
fn the_palette_has_the_commands_of_the_screen_below() {
    let mut explorer = start(130, 34);
    explorer.press("5 :").types("mute findings like");
    assert!(chosen(&explorer).starts_with("findings: mute"), "{}", explorer.screen());
    let mut explorer = start(130, 34);
    explorer.press(":").types("mute findings like");
    assert!(!chosen(&explorer).starts_with("findings: mute"), "{}", explorer.screen());
}
