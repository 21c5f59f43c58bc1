//! Undo, redo, Esc in the first layer, and the way through the layers.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::tui::journeys::start;
use crate::tui::model::{Areas, Layer, Tab};
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

/// What the user chose to see in each layer.
fn view(explorer: &Explorer) -> Vec<String> {
    let text = |layer: &Layer| {
        let table = layer.table();
        let shown: Vec<&str> = table.shown_columns().map(|column| column.name()).collect();
        let detail = layer.detail.as_ref().map(|detail| detail.row.id);
        format!(
            "{} {:?} {:?} {:?} {} {:?} {shown:?} {detail:?}",
            layer.filter,
            layer.time,
            layer.tab,
            table.kind,
            table.sort.by.name(),
            layer.shows_heat_map
        )
    };
    explorer.state.layers().iter().map(text).collect()
}

#[test]
fn any_number_of_steps_leads_back_to_the_first_view_and_forth_to_the_last() {
    const KEYS: [&str; 34] = [
        "=",
        "-",
        "z",
        "Z",
        "s",
        "h",
        "l",
        "j",
        "j",
        "k",
        "Enter",
        "Enter",
        "Esc",
        "1",
        "2",
        "3",
        "4",
        "6",
        "w",
        "F",
        "x",
        "Backspace",
        "b Down Enter",
        "b Down Down Enter",
        "c Down Down Space Enter",
        "v l Enter",
        "L Enter",
        "I Down Enter",
        "/ 4 0 3 Enter",
        "= f Space Enter",
        "n",
        "Tab",
        "U",
        "U Ctrl-r",
    ];
    // A linear congruential generator: the same keys in every run.
    let mut seed: u64 = 7;
    for (columns, rows) in [(80, 24), (130, 34)] {
        let mut explorer = start(columns, rows);
        let first = view(&explorer);
        for _ in 0..120 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            explorer.press(KEYS[(seed >> 33) as usize % KEYS.len()]);
            explorer.screen();
        }
        let last = view(&explorer);
        let says = |explorer: &Explorer, text: &str| {
            explorer.state.message.as_ref().is_some_and(|message| message.text == text)
        };
        explorer.press("Ctrl-r Ctrl-r Ctrl-r");
        let last = if says(&explorer, "nothing to redo") { view(&explorer) } else { last };
        let mut steps = 0;
        loop {
            explorer.press("U");
            if says(&explorer, "nothing to undo") {
                break;
            }
            steps += 1;
        }
        assert!(steps > 20, "{steps}");
        assert_eq!(view(&explorer), first);
        for _ in 0..steps {
            explorer.press("Ctrl-r");
        }
        assert_eq!(view(&explorer), last);
    }
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
fn an_investigation_in_a_zoomed_layer_is_about_all_times() {
    let mut explorer = start(130, 34);
    explorer.press("z I").types("denied").press("Enter");
    let line = explorer.screen().lines().nth(1).unwrap().to_owned();
    assert!(line.ends_with(" › Addresses │ @access-denied › http_status:403 › Addresses"), "{line}");
    assert_eq!(explorer.state.layer().time, explorer.state.session_time);
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

#[test]
fn what_replaces_a_filter_looked_like_a_part_of_it() {
    // An investigation.
    let mut explorer = start(130, 34);
    explorer
        .press("/")
        .types("status:403")
        .press("Enter j Enter :")
        .types("investigate top-objects")
        .press("Enter");
    let way = |explorer: &mut Explorer| explorer.screen().lines().nth(1).unwrap().to_owned();
    let found = way(&mut explorer);
    assert!(found.contains("› Objects │ @top-objects ›"), "{found}");
    // What is opened there narrows it.
    explorer.press("Enter");
    let found = way(&mut explorer);
    assert!(found.contains("│ @top-objects › method:GET › Objects ›"), "{found}");
    assert!(found.ends_with("› Requests"), "{found}");
    // It stays through undo, redo and a session.
    explorer.press("U Ctrl-r");
    assert_eq!(way(&mut explorer), found);
    let saved = crate::tui::model::saved::Saved::default().with(&explorer.state, "/c.db");
    let mut next = start(130, 34);
    assert!(next.state.resume(&saved, "/c.db", crate::tui::testing::NOW));
    assert_eq!(way(next.press("j")), found);
    // Everything about an object.
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:200").press("Enter 4 Enter o");
    let found = way(&mut explorer);
    assert!(found.contains("› Request │ same object › key:"), "{found}");
    // Without the terms that it is about, it is something else.
    explorer.press("x");
    assert!(!way(&mut explorer).contains("same object"), "{}", explorer.screen());
}

#[test]
fn esc_undid_a_zoom_where_there_was_none() {
    let mut explorer = start(130, 34);
    // Zoomed out and unfiltered in another order than before.
    explorer.press("z").press("/").types("status:403").press("Enter Z x");
    let screen = table(&mut explorer);
    assert!(screen.contains("all requests") && !screen.contains("Esc undo"), "{screen}");
    // A filter that is still there leads back to all requests.
    explorer.press("z").press("/").types("status:403").press("Enter Z");
    assert!(table(&mut explorer).contains("Esc undo filter"), "{}", explorer.screen());
    explorer.press("Esc");
    assert!(table(&mut explorer).contains("all requests"), "{}", explorer.screen());
}

#[test]
fn an_undone_change_of_columns_was_remembered() {
    let mut explorer = start(130, 34);
    explorer.press("c").types("requests").press("Space Esc");
    let name = "remote_ip";
    let shown = |explorer: &Explorer| explorer.state.changed_tables[name].column_names();
    assert!(!shown(&explorer).contains(&"requests".to_owned()), "{}", explorer.screen());
    explorer.press("U");
    assert!(explorer.screen().contains("REQUESTS"), "{}", explorer.screen());
    assert!(shown(&explorer).contains(&"requests".to_owned()));
}
