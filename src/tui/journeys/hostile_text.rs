//! Text in logs that attacks the terminal or the shell.

use crate::log::Field;
use crate::query::Value;
use crate::tui::journeys::start;
use crate::tui::testing::{APRIL, Explorer, get, three_days};

#[test]
fn control_characters_never_reach_the_screen() {
    let key = "a\u{1b}]0;owned\u{7}\u{202e}txt.\r\nexe\u{9b}2J";
    let mut log = three_days();
    let mut row = get(APRIL + 5, "192.0.2.1\u{1b}[2J", key, 200, 1 << 40);
    row.fields[Field::UserAgent as usize] = key.into();
    row.fields[Field::RequestUri as usize] = key.into();
    row.id = (1, 9_999);
    log.push(row);
    let mut explorer = Explorer::with(200, 50, log);
    for keys in ["", "2", "4", "1", "Enter", "Enter", "Enter", "y", "j j j j =", "f", "Esc /"] {
        explorer.press(keys);
        let screen = explorer.screen();
        let raw = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(!screen.contains(raw), "after {keys:?}:\n{screen}");
    }
}

#[test]
fn a_copied_value_runs_no_command_when_pasted_into_a_shell() {
    let evil = ["a\nid\n", "b\rid\r", "c\u{1b}[201~id\u{85}", "d\u{2028}id\u{202e}"];
    let mut log = vec![];
    for (at, key) in evil.iter().enumerate() {
        let mut row = get(APRIL + at as i64, "192.0.2.1", key, 200, 1000 - at as u64);
        row.fields[Field::UserAgent as usize] = Value::Text([key.as_bytes(), b"\xff\n"].concat().into());
        log.push(row);
    }
    let mut explorer = Explorer::with(200, 50, log);
    // One value of a table, several values, a cell of a request, all fields of a request.
    for keys in ["2 y", "m m m m y", "M", "4 y", "Enter", "G y"] {
        explorer.press(keys);
    }
    for _ in 0..30 {
        explorer.press("k y");
    }
    assert_eq!(explorer.copied[0], "a\\u{a}id\\u{a}");
    let mut marked: Vec<&str> = explorer.copied[1].lines().collect();
    marked.sort_unstable();
    let shown = ["a\\u{a}id\\u{a}", "b\\u{d}id\\u{d}", "c\\u{1b}[201~id\\u{85}", "d\\u{2028}id\\u{202e}"];
    assert_eq!(marked, shown);
    assert!(explorer.copied.iter().any(|text| text.ends_with("\\xff\\u{a}")), "the user agent was copied");
    for (at, text) in explorer.copied.iter().enumerate() {
        assert!(
            !text.chars().any(|c| crate::query::filter::is_invisible(c) && (at != 1 || c != '\n')),
            "{text:?}"
        );
    }
}

#[test]
fn the_chip_of_a_key_with_odd_bytes_was_escaped_twice() {
    let mut explorer = start(130, 34);
    let filter = r#"key:"a\xe2\x80b""#;
    explorer.press("/").types(filter).press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains(&format!("▸ {filter}")), "{screen}");
    // Also where nothing matches, and in the list of terms.
    assert!(!screen.contains("u{5c}"), "{screen}");
    explorer.press("f");
    assert!(!explorer.screen().contains("u{5c}"), "{}", explorer.screen());
}

#[test]
fn a_copied_value_with_odd_characters_did_not_find_its_row() {
    let keys =
        ["a\u{1b}[2Jb", "invoice\u{202e}fdp.exe", "back\\u{1b}slash", "c:\\xff\\dir", "caf\u{e9}\u{200b}"];
    let mut log: Vec<_> = keys.iter().map(|key| get(APRIL, "192.0.2.1", key, 200, 9)).collect();
    let mut odd = get(APRIL, "192.0.2.1", "", 200, 9);
    odd.fields[Field::Key as usize] = Value::Text(b"odd\xff\xfe"[..].into());
    log.push(odd);
    let mut explorer = Explorer::with(130, 34, log);
    explorer.press("2");
    for row in 0..=keys.len() {
        explorer.press("g");
        (0..row).for_each(|_| {
            explorer.press("j");
        });
        explorer.press("y Esc");
        let copied = explorer.copied.last().unwrap().clone();
        for typed in [format!("key:{copied}"), format!("key:\"{copied}\"")] {
            explorer.press("/").types(&typed).press("Enter");
            let screen = explorer.screen();
            assert!(screen.contains("1 of 6 requests") && screen.contains(&copied), "{typed}: {screen}");
            explorer.press("x");
        }
    }
}
