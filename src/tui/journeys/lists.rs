//! Lists: typing narrows them, the cursor chooses, the help runs its rows.

use crossterm::event::{MouseButton, MouseEventKind};
use ratatui::style::{Color, Modifier};

use crate::tui::journeys::{snapshots, start};
use crate::tui::model::{Choice, Command, Context, List, Overlay};
use crate::tui::testing::Explorer;

#[test]
fn typing_q_in_a_list_closed_it() {
    let mut explorer = start(80, 24);
    explorer.press("b").types("req");
    let screen = explorer.screen();
    assert!(screen.contains("Group by: req") && screen.contains(" requester "), "{screen}");
    explorer.press("Enter");
    assert!(explorer.screen().contains("1 Requester"), "{}", explorer.screen());
    explorer.press("b").types("nothing like that");
    assert!(explorer.screen().contains("nothing matches") && explorer.screen().contains(" 0 of "));
    explorer.press("Enter");
    assert!(explorer.state.overlay.is_some(), "there is nothing to choose");
    explorer.press("Ctrl-u").types("jk");
    explorer.press("Backspace Backspace Esc");
    assert!(explorer.state.overlay.is_none());
}

#[test]
fn every_list_is_narrowed_by_typing() {
    for (keys, typed, chosen) in [
        ("b", "exten", "extension"),
        ("b Tab", "exten", "extension"),
        ("3 b", "week", "1 week"),
        ("c", "useragents", "USER AGENTS"),
        ("= f", "ip", "remote_ip:203.0.113.7"),
        ("I", "denied", "access-denied"),
        ("Enter Enter L", "obj", "Objects"),
        ("?", "redo", "redo what was undone"),
    ] {
        let mut explorer = start(130, 34);
        explorer.press(keys).types(typed);
        let list = List::in_front(&explorer.state).unwrap();
        assert_eq!(list.chosen().map(|entry| entry.text.as_str()), Some(chosen), "{keys}");
        let screen = explorer.screen();
        assert!(screen.contains(&format!(": {typed} ")) && screen.contains(" of "), "{keys}: {screen}");
    }
    let mut explorer = start(130, 34);
    explorer.press(":").types("theme").press("Enter").types("16");
    assert!(explorer.screen().contains("Themes: 16"), "{}", explorer.screen());
    explorer.press("Down Enter");
    assert_eq!(explorer.state.theme_name, "16-colours-light");
}

#[test]
fn lists_at_all_sizes() {
    snapshots("investigations", "I");
    snapshots("layers", "j Enter Enter L");
    snapshots("themes", ": t h e m e Enter");
    snapshots("narrowed-columns", "c o b j");
}

#[test]
fn columns_and_terms_of_a_narrowed_list_are_switched() {
    let mut explorer = start(200, 50);
    explorer.press("c").types("share");
    assert!(explorer.screen().contains("[x] BYTES %"), "{}", explorer.screen());
    explorer.press("Space");
    assert!(explorer.screen().contains("[ ] BYTES %"), "{}", explorer.screen());
    explorer.press("Enter");
    assert!(!explorer.screen().contains("BYTES %"), "{}", explorer.screen());
    explorer.press("/").types("status:403 op:GET").press("Enter f").types("status");
    explorer.press("Ctrl-d Esc");
    assert_eq!(explorer.state.layer().filter.to_string(), "method:GET");
}

#[test]
fn a_click_moves_the_cursor_of_a_narrowed_list() {
    let mut explorer = start(130, 34);
    explorer.press("b").types("re");
    let screen = explorer.screen();
    let row = screen.lines().position(|line| line.contains(" referer_host ")).unwrap() as u16;
    for _ in 0..2 {
        explorer.mouse(MouseEventKind::Down(MouseButton::Left), 60, row);
    }
    assert!(explorer.screen().contains("by referer_host ▾"), "{}", explorer.screen());
}

#[test]
fn pasted_text_narrows_a_list() {
    let mut explorer = start(80, 24);
    explorer.press("b").handle(crate::tui::model::Action::Paste("user_ag\u{1b}[2J\nrm -rf".to_owned()));
    assert!(explorer.screen().contains("Group by: user_ag[2J"), "{}", explorer.screen());
}

/// The screens on which the help is opened, and keys that open them.
const SCREENS: [(&str, Context); 8] = [
    ("", Context::Table),
    ("5", Context::Findings),
    ("4 Enter", Context::Detail),
    ("w", Context::HeatMap),
    ("v", Context::Brush),
    ("d", Context::Contrast),
    ("C", Context::Concentration),
    ("B", Context::Block),
];

#[test]
fn every_row_of_the_help_does_something() {
    for (keys, context) in SCREENS {
        let open = |explorer: &mut Explorer| {
            explorer.press(keys);
            assert_eq!(explorer.state.context(), context, "{keys}");
            explorer.press("?");
        };
        let mut explorer = start(130, 34);
        open(&mut explorer);
        let list = List::in_front(&explorer.state).unwrap();
        let choices: Vec<(usize, Choice)> = list
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index, entry.choice.clone()?)))
            .collect();
        assert!(choices.len() > 80);
        for (index, choice) in choices {
            let mut explorer = start(130, 34);
            open(&mut explorer);
            let before = explorer.screen();
            if let Some(Overlay::List(list)) = &mut explorer.state.overlay {
                list.cursor = index;
            }
            explorer.press("Enter");
            let is_help = explorer.screen() == before;
            // The row about the help opens the help.
            let opens_help = matches!(&choice, Choice::Perform(Command::Help))
                || choice == Choice::RunLine("help".to_owned());
            assert!(!is_help || opens_help, "{choice:?} in {context:?}");
            if let Choice::Elsewhere { keys, .. } = &choice {
                let message = explorer.state.message.as_ref().map(|message| message.text.clone());
                assert!(
                    message.is_some_and(|text| text.contains(keys) && text.contains(" works ")),
                    "{choice:?}"
                );
            }
        }
    }
}

#[test]
fn the_help_is_searched_and_runs_a_row_on_the_screen_below() {
    let mut explorer = start(130, 34);
    explorer.press("h ?").types("sort by the col");
    insta::assert_snapshot!("help-searched-130x34", explorer.screen_and_styles());
    explorer.press("Enter");
    assert!(explorer.screen().contains("REQUESTS ▼"), "{}", explorer.screen());
    explorer.press("?").types("in a contrast: exclude").press("Enter");
    assert!(explorer.screen().contains("- works in a contrast"), "{}", explorer.screen());
    explorer.press("?").types("status>=500").press("Enter");
    assert!(explorer.screen().contains("filter status:4xx"), "{}", explorer.screen());
}

#[test]
fn a_list_took_status_for_another_dimension_than_the_command_line() {
    for (keys, typed, chosen) in [
        ("b", "status", "http_status"),
        ("b", "ip", "remote_ip"),
        ("b Tab", "Status", "http_status"),
        ("b", "status_class", "status_class"),
        ("4 c", "status", "STATUS"),
        ("4 c", "http_status", "STATUS"),
    ] {
        let mut explorer = start(130, 34);
        explorer.press(keys).types(typed);
        let list = List::in_front(&explorer.state).unwrap();
        assert_eq!(list.chosen().map(|entry| entry.text.as_str()), Some(chosen), "{keys} {typed}");
    }
}

#[test]
fn the_screen_below_a_popup_looked_as_important_as_the_popup() {
    for keys in ["b", ":", "C", "!"] {
        let mut explorer = start(130, 34);
        explorer.press(keys).screen();
        let behind = explorer.state.theme.behind();
        let cells = explorer.cells();
        for (x, y) in [(1, 0), (1, 1)] {
            let cell = &cells[(x, y)];
            assert_eq!((Some(cell.fg), cell.modifier), (behind.fg, behind.add_modifier), "{keys}: {cell:?}");
        }
        assert_eq!(Some(cells[(1, 33)].fg), explorer.state.theme.accent().fg, "{keys}: the footer is in use");
    }
}

#[test]
fn the_title_of_a_popup_was_as_faint_as_its_frame() {
    let mut explorer = start(130, 34);
    let screen = explorer.press("c").screen();
    let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains("┌ Columns ")).unwrap();
    let x = line.chars().take_while(|c| *c != 'C').count();
    let cell = &explorer.cells()[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())];
    assert_eq!((cell.symbol(), cell.fg), ("C", Color::Reset));
    assert!(cell.modifier.contains(Modifier::BOLD));
}

#[test]
fn titles_and_counts_of_popups_were_cut_at_40_columns() {
    let mut explorer = start(40, 10);
    assert!(
        explorer.press("C").screen().contains("Concentration of bytes sent by … ┐"),
        "{}",
        explorer.screen()
    );
    let screen = explorer.press("Esc b").screen();
    assert!(!screen.contains("typing narrows the li ") && screen.contains(" of "), "{screen}");
}

#[test]
fn a_week_was_not_found_among_groups_and_commands() {
    let mut explorer = start(130, 34);
    explorer.press("b").types("week");
    assert!(explorer.screen().contains("time per week"), "{}", explorer.screen());
    explorer.press("Down Enter");
    assert!(explorer.screen().contains("2026-03-30 Mon"), "{}", explorer.screen());
    for (typed, found) in [
        ("week", "time per week"),
        ("weekday", "group by weekday"),
        ("compare weeks", "time per week"),
        ("compare", "contrast: compare"),
    ] {
        let mut explorer = start(130, 34);
        explorer.press(":").types(typed);
        assert!(explorer.screen().contains(found), "{typed}: {}", explorer.screen());
        let capital = "│ Group by";
        assert!(!explorer.screen().contains(capital), "{}", explorer.screen());
    }
}

#[test]
fn a_table_of_roles_was_called_addresses() {
    let mut explorer = start(130, 34);
    explorer.press("b").types("role").press("Enter");
    assert!(explorer.screen().contains(" 1 Role   2 Objects "), "{}", explorer.screen());
    explorer.press("2 F");
    assert!(explorer.screen().contains(" 1 Role   2 Folders "), "{}", explorer.screen());
}
