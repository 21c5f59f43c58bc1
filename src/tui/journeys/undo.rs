//! Undo, redo, Esc in the first layer, and the way through the layers.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::tui::journeys::start;
use crate::tui::model::{Areas, Tab};
use crate::tui::testing::Explorer;

/// The screen without its message.
fn table(explorer: &mut Explorer) -> String {
    explorer.state.message = None;
    explorer.screen()
}

#[test]
fn everything_that_changes_the_view_is_undone_and_redone() {
    for (keys, what) in [
        ("=", "filter"),
        ("z", "zoom"),
        ("h s", "order"),
        ("b End Up Enter", "table"),
        (": b y Space n e t w o r k Enter", "grouping"),
        ("c Down Space Down Space Enter", "columns"),
        ("4", "table"),
        ("w", "table"),
        ("Enter", "drill-down"),
        ("F", "table"),
        ("/ s t a t u s : 4 0 3 Enter", "filter"),
        ("I d e n i e d Enter", "drill-down"),
    ] {
        let mut explorer = start(130, 34);
        explorer.press("j");
        let before = table(&mut explorer);
        explorer.press(keys);
        let after = table(&mut explorer);
        assert_ne!(before, after, "{keys}");
        explorer.press("U");
        let message = explorer.state.message.as_ref().unwrap().text.clone();
        assert_eq!(message, format!("undone: {what}; Ctrl-r redoes it"), "{keys}");
        // Only keys that moved the cursor of a column on the way are not undone.
        explorer.state.layer_mut().table_mut().column = start(130, 34).state.layer().table().column;
        assert_eq!(table(&mut explorer), before, "{keys}");
        explorer.press("U");
        assert_eq!(explorer.state.message.as_ref().unwrap().text, "nothing to undo", "{keys}");
        explorer.press("Ctrl-r");
        assert_eq!(table(&mut explorer), after, "{keys}");
        explorer.press("Ctrl-r");
        assert_eq!(explorer.state.message.as_ref().unwrap().text, "nothing to redo", "{keys}");
    }
}

#[test]
fn undo_of_esc_returns_to_the_row_of_the_layer_that_was_left() {
    let mut explorer = start(80, 24);
    explorer.press("j Enter j j j");
    let objects = table(&mut explorer);
    explorer.press("Esc U");
    assert_eq!(table(&mut explorer), objects);
    explorer.press("U");
    assert_eq!(explorer.state.depth(), 1);
    explorer.press("Ctrl-r Ctrl-r");
    assert_eq!(explorer.state.depth(), 1, "Esc again");
    // A new change forgets what was undone.
    explorer.press("U 4 Ctrl-r");
    assert!(explorer.screen().contains("nothing to redo"), "{}", explorer.screen());
}

#[test]
fn a_filter_that_is_typed_is_one_step() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("status:403 ip:192.0.2.11").press("Enter U");
    assert!(explorer.screen().contains("undone: filter"), "{}", explorer.screen());
    assert!(explorer.state.layer().filter.is_everything());
    explorer.press("/").types("status:403").press("Esc U");
    assert!(explorer.screen().contains("nothing to undo"), "a cancelled filter is no step");
}

#[test]
fn esc_did_not_take_back_a_zoom_or_a_filter_in_the_first_layer() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403").press("Enter");
    assert!(table(&mut explorer).contains("Esc undo filter"), "{}", explorer.screen());
    explorer.press("z");
    assert!(table(&mut explorer).contains("Esc undo zoom"), "{}", explorer.screen());
    explorer.press("Esc");
    let screen = table(&mut explorer);
    assert!(screen.contains("36 of 372 requests") && screen.contains("Esc undo filter"), "{screen}");
    explorer.press("Esc");
    assert!(table(&mut explorer).contains("all requests  / filters"), "{}", explorer.screen());
    explorer.press("Esc");
    assert!(explorer.screen().contains("this is the first layer"), "{}", explorer.screen());
    // Esc is a change, too.
    explorer.press("U");
    assert!(explorer.screen().contains("▸ http_status:403"), "{}", explorer.screen());
    // What was taken back by another key is not taken back again.
    let mut explorer = start(130, 34);
    explorer.press("z Z Esc");
    assert!(explorer.screen().contains("this is the first layer"), "{}", explorer.screen());
    let mut explorer = start(130, 34);
    explorer.press("= x Esc");
    assert!(explorer.screen().contains("this is the first layer"), "{}", explorer.screen());
}

#[test]
fn the_way_leads_back_by_click_and_by_key() {
    let mut explorer = start(130, 34);
    explorer.press("j Enter j Enter Enter");
    let screen = explorer.screen();
    assert!(screen.contains(" Addresses › 2001:db8::1 › Objects › photos/"), "{screen}");
    assert!(screen.lines().nth(1).unwrap().ends_with(" › Requests › Request"), "{screen}");
    explorer.press("L");
    assert!(explorer.screen().contains("Back to"), "{}", explorer.screen());
    explorer.press("Enter");
    assert_eq!((explorer.state.depth(), explorer.state.layer().tab), (3, Tab::Requests));
    explorer.press("L Home Enter");
    assert_eq!(explorer.state.depth(), 1);
    explorer.press("L");
    assert!(explorer.screen().contains("this is the first layer"), "{}", explorer.screen());
    explorer.press("Enter Enter");
    let line = explorer.screen().lines().nth(1).unwrap().to_owned();
    let at = line.split("Objects").next().unwrap().chars().count() as u16;
    let y = Areas::of(&explorer.state).chips.y;
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), at + 2, y);
    assert_eq!((explorer.state.depth(), explorer.state.layer().tab), (2, Tab::Objects));
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 3, y);
    assert_eq!(explorer.state.depth(), 1);
}

#[test]
fn a_layer_of_all_times_says_so() {
    let mut explorer = start(130, 34);
    explorer.press("z I").types("denied").press("Enter");
    let line = explorer.screen().lines().nth(1).unwrap().to_owned();
    assert!(line.ends_with(" › all times › http_status:403 › Addresses"), "{line}");
}

#[test]
fn the_way_fits_every_width() {
    for columns in [60, 80, 130] {
        let mut explorer = start(columns, 24);
        explorer.press("4 Enter j j j j j = Enter j j j =");
        let line = explorer.screen().lines().nth(1).unwrap().to_owned();
        assert!(line.starts_with(" Requests › ") && line.ends_with(" › Requests"), "{line}");
        if columns == 60 {
            assert!(line.contains(" › … › "), "{line}");
        }
    }
}
