//! Walking the folders of keys.

use crate::query::RequestRow;
use crate::tui::journeys::snapshots;
use crate::tui::testing::{APRIL, Explorer, get};

/// Keys in folders, in the root, and one that is a folder itself.
fn bucket() -> Vec<RequestRow> {
    let keys = [
        ("films/a/master.mp4", 9_000),
        ("films/a/1080/part-1.ts", 2_000),
        ("films/a/1080/part-2.ts", 1_000),
        ("films/b/master.mp4", 5_000),
        ("films/index.html", 300),
        ("films/", 0),
        ("robots.txt", 200),
        ("index.html", 100),
        ("photos/1.jpg", 50),
        ("odd//name", 10),
    ];
    let row = |(index, (key, bytes)): (usize, &(&str, u64))| {
        let mut row = get(APRIL + index as i64 * 60, "192.0.2.1", key, 200, *bytes);
        row.id = (1, index as u64);
        row
    };
    keys.iter().enumerate().map(row).collect()
}

fn start(columns: u16, rows: u16) -> Explorer {
    Explorer::with(columns, rows, bucket())
}

/// The first words of the rows.
fn rows(explorer: &mut Explorer) -> Vec<String> {
    let areas = crate::tui::model::Areas::of(&explorer.state);
    let screen = explorer.screen();
    let lines = screen.lines().skip(usize::from(areas.rows.y)).take(usize::from(areas.rows.height));
    lines
        .map(|line| line.trim_start_matches('▌').trim_start().split("  ").next().unwrap_or("").to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

#[test]
fn enter_descends_a_folder_and_esc_ascends() {
    let mut explorer = start(130, 34);
    explorer.press("F");
    assert_eq!(rows(&mut explorer), ["films/", "robots.txt", "index.html", "photos/", "odd/"]);
    let root = explorer.screen();
    let before = explorer.key_strokes;
    explorer.press("Enter");
    assert_eq!(rows(&mut explorer), ["a/", "b/", "index.html", "(this folder)"]);
    assert!(explorer.screen().contains(" Folders › films/\n"), "{}", explorer.screen());
    // Exact totals, and the order of the folder above.
    let films = explorer.screen();
    assert!(films.contains("6 of 10 requests"), "{films}");
    explorer.press("Enter");
    assert_eq!(explorer.key_strokes - before, 2, "one key per level");
    assert_eq!(rows(&mut explorer), ["master.mp4", "1080/"]);
    assert!(explorer.screen().contains(" Folders › films/ › a/\n"), "{}", explorer.screen());
    explorer.press("j Enter");
    assert_eq!(rows(&mut explorer), ["part-1.ts", "part-2.ts"]);
    assert_eq!(explorer.state.layer().filter.to_string(), "prefix/3:films/a/1080/");
    // A file opens its requests.
    explorer.press("Enter");
    assert_eq!(
        explorer.state.layer().filter.to_string(),
        "prefix/3:films/a/1080/ key:films/a/1080/part-1.ts"
    );
    let screen = explorer.screen();
    assert!(screen.contains(" Folders › films/ › a/ › 1080/ › part-1.ts › Requests"), "{screen}");
    explorer.press("Esc Esc Esc");
    assert_eq!(explorer.screen(), films);
    explorer.press("Esc");
    assert_eq!(explorer.screen(), root);
}

#[test]
fn the_order_and_the_columns_of_a_folder_are_those_of_the_folder_above() {
    let mut explorer = start(130, 34);
    explorer.press("F h s c").types("lastseen").press("Space Enter");
    assert!(explorer.screen().contains("REQUESTS ▼"), "{}", explorer.screen());
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("REQUESTS ▼") && !screen.contains("LAST SEEN"), "{screen}");
}

#[test]
fn folders_and_flat_keys_are_switched_within_a_folder() {
    let mut explorer = start(130, 34);
    explorer.press("F Enter Enter F");
    let screen = explorer.screen();
    assert!(screen.contains("by key ▾") && screen.contains("films/a/1080/part-1.ts"), "{screen}");
    assert!(screen.contains("row 1 of 3"), "{screen}");
    explorer.press("F");
    assert_eq!(rows(&mut explorer), ["master.mp4", "1080/"]);
    // Without a layer below, Esc lists the folder above.
    let mut explorer = start(130, 34);
    explorer.state.layer_mut().filter = crate::query::Filter::parse("prefix:films/a/", 0).unwrap();
    explorer.handle(crate::tui::model::Action::Begin);
    explorer.press("F");
    assert_eq!(rows(&mut explorer), ["master.mp4", "1080/"]);
    assert!(explorer.screen().contains("Esc folder above"), "{}", explorer.screen());
    explorer.press("Esc");
    assert_eq!(rows(&mut explorer), ["a/", "b/", "index.html", "(this folder)"]);
    explorer.press("Esc");
    assert_eq!(rows(&mut explorer), ["films/", "robots.txt", "index.html", "photos/", "odd/"]);
    explorer.press("Esc");
    assert!(explorer.screen().contains("this is the first layer"), "{}", explorer.screen());
}

#[test]
fn a_row_of_a_table_of_prefixes_opens_the_folder() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("by prefix").press("Enter Enter");
    assert_eq!(rows(&mut explorer), ["a/", "b/", "index.html", "(this folder)"]);
    // The keys without a folder.
    explorer.press("Esc j");
    assert!(explorer.screen().contains("(no folder)"), "{}", explorer.screen());
    explorer.press("Enter");
    assert_eq!(rows(&mut explorer), ["robots.txt", "index.html"]);
}

#[test]
fn a_table_of_folders() {
    let mut explorer = start(80, 24);
    explorer.press("F Enter");
    insta::assert_snapshot!("folder-80x24", explorer.screen());
    snapshots("folders", "F");
}
