//! The panes of analyses: contrast, concentration, block list; the cost in the header.

use crate::log::Field;
use crate::tui::journeys::{at_sizes, start};
use crate::tui::testing::{APRIL, Explorer, request, three_days};

fn snapshots(name: &str, keys: &str) {
    for (size, mut explorer) in at_sizes(start, keys) {
        insta::assert_snapshot!(format!("{name}-{size}"), explorer.screen());
    }
}

#[test]
fn what_tells_a_time_range_apart() {
    // The brush begins at the highest bar: the night in which one address downloads everything.
    snapshots("contrast", "v d");
}

#[test]
fn how_concentrated_a_table_is() {
    snapshots("concentration", "C");
    let mut explorer = start(80, 24);
    explorer.press("C u");
    let screen = explorer.screen();
    assert!(screen.contains("Concentration of requests by remote_ip"), "{screen}");
    explorer.press("y");
    assert!(explorer.copied[0].starts_with("The top"), "{:?}", explorer.copied);
    explorer.press("Esc 4 C");
    assert!(
        explorer.screen().contains("concentration needs a table of one dimension"),
        "{}",
        explorer.screen()
    );
}

#[test]
fn enter_adds_a_value_of_the_contrast_to_the_filter_and_esc_returns() {
    let mut explorer = start(130, 34);
    explorer.press("v d");
    let before = explorer.screen();
    assert!(before.contains("remote_ip:203.0.113.7"), "{before}");
    let row = (0..20).find(|_| {
        let screen = explorer.screen();
        let found =
            screen.lines().any(|line| line.starts_with('▌') && line.contains("remote_ip:203.0.113.7 "));
        if !found {
            explorer.press("j");
        }
        found
    });
    assert!(row.is_some(), "{}", explorer.screen());
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("Addresses › 04-02 03:00–04:00 › 203.0.113.7 › "), "{screen}");
    assert!(screen.contains("120 of 372 requests"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("all requests  / filters"), "{}", explorer.screen());
}

#[test]
fn marked_rows_a_filter_and_the_row_under_the_cursor_are_contrasted() {
    let mut explorer = start(130, 34);
    explorer.press("d");
    assert!(
        explorer.screen().contains("Contrast ip:203.0.113.7 against all other requests"),
        "{}",
        explorer.screen()
    );
    explorer.press("Esc j m m d");
    let screen = explorer.screen();
    assert!(screen.contains("or ip:192.0.2.11 against all other requests"), "{screen}");
    assert!(screen.contains("144 requests against 228"), "{screen}");
    explorer.press("Esc M /").types("status:403").press("Enter d");
    let screen = explorer.screen();
    assert!(screen.contains("Contrast status:403 against all other requests"), "{screen}");
    assert!(screen.contains("36 requests against 336"), "{screen}");
    explorer.press("q");
    assert!(!explorer.has_quit, "q closes the pane");
    assert!(!explorer.screen().contains("Contrast "), "{}", explorer.screen());
}

#[test]
fn a_block_list_of_marked_rows_is_shown_copied_and_written() {
    snapshots("block-list", "m m B");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.txt");
    let mut explorer = start(130, 34);
    explorer.press("B Shift-Tab");
    let screen = explorer.screen();
    assert!(screen.contains("203.0.113.7/32"), "{screen}");
    explorer.press("y");
    assert_eq!(explorer.copied, ["203.0.113.7/32\n"]);
    let write = |explorer: &mut Explorer| {
        explorer.press("w");
        for _ in 0..40 {
            explorer.press("Backspace");
        }
        explorer.types(path.to_str().unwrap()).press("Enter");
    };
    write(&mut explorer);
    assert!(explorer.screen().contains("block list written to"), "{}", explorer.screen());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "203.0.113.7/32\n");
    // An existing file is never replaced.
    explorer.press("Tab");
    write(&mut explorer);
    assert!(explorer.screen().contains("is never replaced"), "{}", explorer.screen());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "203.0.113.7/32\n");
    explorer.press("Esc Esc");
    assert!(explorer.state.pane.is_none());
}

#[test]
fn what_cannot_be_blocked_is_explained() {
    let mut explorer = start(130, 34);
    explorer.press("2 B");
    let screen = explorer.screen();
    assert!(screen.contains("block addresses, referers or requesters"), "{screen}");
    explorer.press("4 B");
    assert!(explorer.screen().contains("nothing to block"), "{}", explorer.screen());
}

#[test]
fn the_header_shows_the_cost_of_the_filter() {
    let mut explorer = start(130, 34);
    let header = explorer.screen().lines().next().unwrap().to_owned();
    assert!(header.contains("≈ $"), "{header}");
}

#[test]
fn a_contrast_and_a_concentration_could_not_be_exported() {
    let folder = tempfile::tempdir().unwrap();
    for (keys, extension, part) in [
        ("v d", "csv", "dimension,value,dimension_2,value_2,count_a"),
        ("v d", "ndjson", "{\"dimension\":"),
        ("C", "md", "| measure | values | total |"),
        ("C u", "json", "\"measure\":\"requests\""),
    ] {
        let path = folder.path().join(format!("{}.{extension}", keys.replace(' ', "")));
        let mut explorer = start(130, 34);
        explorer.press(keys).press("e");
        for _ in 0..40 {
            explorer.press("Backspace");
        }
        explorer.types(path.to_str().unwrap()).press("Enter");
        assert!(explorer.screen().contains("written to"), "{}", explorer.screen());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(part), "{keys} {extension}: {text}");
    }
}

#[test]
fn messages_about_keys_were_cut_off_on_a_terminal_of_80_columns() {
    for keys in ["4 C", "4 B", "m", "m m"] {
        let mut explorer = start(80, 24);
        explorer.press(keys);
        let screen = explorer.screen();
        assert!(!screen.lines().last().unwrap().contains('…'), "{keys}: {screen}");
        assert!(explorer.state.message.as_ref().unwrap().text.chars().count() <= 78, "{keys}");
    }
}

#[test]
fn a_concentration_had_labels_without_numbers_on_a_narrow_terminal() {
    for columns in [40, 60] {
        let mut explorer = start(columns, 24);
        let screen = explorer.press("C").screen();
        let line =
            |name: &str| screen.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
        assert!(line("average").contains("MiB"), "{screen}");
        assert!(line("Gini coefficient").contains("0."), "{screen}");
        assert!(line("top 1 ").contains('%'), "{screen}");
    }
}

#[test]
fn the_columns_of_a_contrast_overlapped_on_a_narrow_terminal() {
    for columns in [40, 48, 55] {
        let mut explorer = start(columns, 24);
        let screen = explorer.press("d").screen();
        assert!(screen.contains(" VALUE ") && screen.contains(" HERE   OTHERS      TIMES"), "{screen}");
        assert!(screen.contains("   0 %    100 %   not here"), "{screen}");
    }
}

#[test]
fn a_long_value_of_a_contrast_could_not_be_read() {
    let mut log = three_days();
    for row in log.iter_mut().filter(|row| row.get(Field::RemoteIp).to_text() == "203.0.113.7") {
        row.fields[Field::UserAgent as usize] = "curl/8.0".into();
    }
    let mut explorer = Explorer::with(80, 24, log);
    let screen = explorer.press("m d").screen();
    assert!(screen.contains("▌ user_agent:\"Mozil…"), "{screen}");
    for _ in 0..40 {
        if explorer.screen().contains("  user_agent:\"Mozilla/5.0 (X11; Linux x86_64)\"") {
            return;
        }
        explorer.press("j");
    }
    panic!("{}", explorer.screen());
}

#[test]
fn requests_without_an_address_cannot_be_blocked() {
    let log = vec![request(APRIL, &[(Field::Key, "a"), (Field::HttpStatus, "200")])];
    let mut explorer = Explorer::with(80, 24, log);
    explorer.press("B");
    let screen = explorer.screen();
    assert!(screen.contains("nothing to block: these requests have no remote_ip"), "{screen}");
}

#[test]
fn blanks_in_front_of_headings_of_a_contrast_were_underlined() {
    let mut explorer = start(130, 34);
    explorer.press("d");
    explorer.state.theme = crate::tui::theme::themes::of_program("high-contrast").unwrap();
    let screen = explorer.screen();
    let y = screen.lines().position(|line| line.contains(" TIMES ")).unwrap();
    let y = u16::try_from(y).unwrap();
    let is_underlined = |x: &u16| {
        let cell = &explorer.cells()[(*x, y)];
        cell.modifier.contains(ratatui::style::Modifier::UNDERLINED)
    };
    let underlined: String =
        (0..130).filter(is_underlined).map(|x| explorer.cells()[(x, y)].symbol()).collect();
    assert_eq!(underlined, "VALUE% HERE% OTHERSTIMESREQ. HEREREQ. OTHERS");
}
