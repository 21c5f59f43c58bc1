//! What people do with the explorer, key by key, and what they see.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::ingest::{Failure, Phase, Progress};
use crate::log::Field;
use crate::query::Value;
use crate::tui::model::action::{Action, Slot};
use crate::tui::testing::*;
use tokio_util::sync::CancellationToken;

fn person(columns: u16, rows: u16) -> Person {
    Person::with(columns, rows, three_days())
}

/// The screen, at the two sizes that most terminals have.
fn look(name: &str, keys: &str) {
    for (columns, rows) in [(80, 24), (130, 34)] {
        let mut person = person(columns, rows);
        person.press(keys);
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), person.screen());
    }
}

#[test]
fn every_table_shows_what_it_says() {
    look("requesters", "");
    look("objects", "2");
    look("times", "3");
    look("requests", "4");
    look("statuses", "5");
}

#[test]
fn the_rows_are_asked_for_first_and_what_adds_to_them_last() {
    let mut person = person(130, 34);
    person.holds_answers = true;
    person.press("Enter");
    let mut order = Vec::new();
    while let Some(told) = person.held.pop_front() {
        if !order.contains(&told.slot) {
            order.push(told.slot);
        }
        if told.slot == Slot::Table {
            assert!(
                person.held.iter().all(|told| told.slot == Slot::Table),
                "nothing else before there are rows"
            );
        }
        person.happens(Action::Answered(Box::new(told)));
    }
    assert_eq!(order, [Slot::Table, Slot::Timeline, Slot::Activity, Slot::Distinct]);
}

#[test]
fn lists_and_help_come_in_front() {
    look("help", "?");
    look("dimensions", "b");
    look("columns", "c");
    look("brush", "v l l");
}

#[test]
fn drilling_down_and_coming_back_leaves_everything_as_it_was() {
    let mut person = person(80, 24);
    // Sort by errors, go to the third row, drill down four times.
    person.press("l l s j j");
    let requesters = person.screen();
    assert_eq!(person.selected(), "192.0.2.10");
    person.press("Enter j j j");
    let objects = person.screen();
    assert!(objects.contains("▸ remote_ip:192.0.2.10"), "{objects}");
    assert!(objects.contains("by key"), "{objects}");
    person.press("Enter");
    let requests = person.screen();
    assert!(requests.contains("REST.GET.OBJECT"), "{requests}");
    person.press("Enter j j");
    let detail = person.screen();
    insta::assert_snapshot!("detail-80x24", detail);
    person.press("Esc");
    assert_eq!(person.screen(), requests);
    person.press("Esc");
    assert_eq!(person.screen(), objects);
    person.press("Esc");
    assert_eq!(person.screen(), requesters);
    person.press("Esc");
    assert!(person.screen().contains("this is the first layer"));
    assert!(!person.has_quit);
}

#[test]
fn a_row_of_the_table_of_times_opens_the_requests_of_that_time() {
    let mut person = person(80, 24);
    person.press("3 l s Enter");
    let screen = person.screen();
    assert!(screen.contains("▸ 04-02 03:00:00 – 04-02 04:00:00"), "{screen}");
    assert!(screen.contains("request 1 of 125"), "{screen}");
    person.press("Esc");
    assert!(person.screen().contains("REQUESTS ▼"));
}

#[test]
fn only_and_not_take_what_is_under_the_cursor() {
    let mut person = person(80, 24);
    person.press("-");
    assert!(person.screen().contains("-remote_ip:203.0.113.7"));
    assert!(person.screen().contains("252 of 372 requests"));
    person.press("Backspace");
    assert!(person.screen().contains("every request"));
    // A cell of a request: its status.
    person.press("4 l l =");
    assert!(person.screen().contains("▸ http_status:200"), "{}", person.screen());
    person.press("-");
    assert!(!person.screen().contains("▸ http_status:200"), "not this takes the place of only this");
}

#[test]
fn marked_rows_are_taken_together() {
    let mut person = person(80, 24);
    person.press("j m m");
    assert!(person.screen().contains("2 marked"));
    person.press("=");
    let screen = person.screen();
    assert!(screen.contains("144 of 372 requests"), "{screen}");
    assert!(screen.contains("of 2"), "{screen}");
    assert!(!screen.contains("marked"));
}

#[test]
fn filters_are_switched_off_and_on_and_dropped() {
    let mut person = person(80, 24);
    person.press("= f Space");
    assert!(person.screen().contains("[ ] remote_ip:203.0.113.7"));
    assert!(person.screen().contains("372 requests"));
    person.press("Space");
    assert!(person.screen().contains("[x] remote_ip:203.0.113.7"));
    person.press("d");
    assert!(person.screen().contains("every request"), "{}", person.screen());
}

#[test]
fn the_table_follows_while_a_filter_is_typed_and_esc_puts_it_back() {
    let mut person = person(80, 24);
    person.press("/").types("status:403");
    let screen = person.screen();
    assert!(screen.contains("36 requests match"), "{screen}");
    insta::assert_snapshot!("prompt-80x24", screen);
    person.press("Esc");
    assert!(person.screen().contains("every request"));
    person.press("/").types("status:403").press("Enter");
    assert!(person.screen().contains("▸ http_status:403"));
    person.press("x / Up");
    assert!(person.screen().contains("filter status:403"), "history: {}", person.screen());
}

#[test]
fn an_error_in_a_filter_is_shown_where_it_is() {
    let mut person = person(80, 24);
    person.press("/").types("ip:192.0.2.10 statsu:4");
    let screen = person.screen();
    insta::assert_snapshot!("prompt-error-80x24", screen);
    person.press("Enter");
    assert!(person.screen().contains("did you mean"), "it is not kept");
    person.press("Esc");
    assert!(person.screen().contains("every request"));
}

#[test]
fn tab_completes_names_and_values() {
    let mut person = person(80, 24);
    person.press("/").types("remo").press("Tab").types("198").press("Tab Enter");
    assert!(person.screen().contains("▸ remote_ip:198.51.100.7"), "{}", person.screen());
    person.press("x /").types("ip:192").press("Tab Tab");
    assert!(person.screen().contains("filter ip:192.0.2.11"), "{}", person.screen());
}

#[test]
fn nothing_matches_and_x_helps() {
    let mut person = person(80, 24);
    person.press("/").types("key:nosuch").press("Enter");
    let screen = person.screen();
    insta::assert_snapshot!("nothing-matches-80x24", screen);
    person.press("x");
    assert!(person.screen().contains("203.0.113.7"));
}

#[test]
fn brush_zoom_and_back() {
    let mut person = person(130, 34);
    person.press("v h Enter");
    assert!(person.screen().contains("▸ 04-02 02:00:00 – 04-02 04:00:00"), "{}", person.screen());
    person.press("z Z Z");
    assert!(person.screen().contains("every request"));
    person.press("v Esc");
    assert!(person.state.brush.is_none());
    // With the mouse: drag over the bars, then Enter.
    let bars = crate::tui::model::layout::Areas::of(&person.state).bars;
    let axis = person.state.axis().unwrap();
    let column = |at: i64| bars.x + axis.column(axis.index(at), usize::from(bars.width)) as u16;
    let (from, to) = (column(APRIL + 27 * 3_600), column(APRIL + 30 * 3_600));
    person.mouse(MouseEventKind::Down(MouseButton::Left), from, bars.y);
    person.mouse(MouseEventKind::Drag(MouseButton::Left), to, bars.y);
    person.press("Enter");
    assert!(person.screen().contains("▸ 04-02 03:00:00"), "{}", person.screen());
}

#[test]
fn bursts_are_found_and_told() {
    let mut person = person(130, 34);
    person.press("n");
    let screen = person.screen();
    assert!(screen.contains("burst 1 of 1: 124 requests in 40 min"), "{screen}");
    assert!(screen.contains("04-02 03:00:00 – 04-02 03:40:00  40 min  124 requests"), "{screen}");
    person.press("Enter 1");
    assert!(person.screen().contains("▸ 04-02 03:00:00 – 04-02 03:40:00"), "{}", person.screen());
}

#[test]
fn live_data_never_slides_another_row_under_the_cursor() {
    let mut person = person(80, 24);
    person.press("j j");
    let before = person.selected();
    assert_eq!(before, "192.0.2.11");
    // Somebody new is far above, and the row itself goes down.
    let mut more: Vec<_> = (0..50)
        .map(|n| get(APRIL + 90_000 + n, "203.0.113.99", "films/000/master.mp4", 200, 9_000_000))
        .collect();
    more.extend((0..50).map(|n| get(APRIL + 90_000 + n, "192.0.2.10", "x", 200, 1_000_000)));
    let generation = person.engine.add(more);
    person.happens(Action::Grown(generation));
    assert!(person.screen().contains("203.0.113.99"));
    assert_eq!(person.selected(), before);
    assert!(person.screen().contains("row 5 of 6"), "{}", person.screen());
    // Another order neither.
    person.press("s");
    assert_eq!(person.selected(), before);
    // And when it is paused nothing moves at all.
    person.press("p");
    let still = person.screen();
    let generation = person.engine.add(vec![get(APRIL, "192.0.2.200", "x", 200, 1)]);
    person.happens(Action::Grown(generation));
    assert_eq!(person.screen(), still);
    person.press("p");
    assert!(person.screen().contains("of 7"));
}

#[test]
fn all_that_is_shown_while_paused_is_from_one_snapshot() {
    let mut person = person(130, 34);
    // The screen does not know yet of what came in before the pause.
    let more = |n: i64| get(APRIL + 3 * 86_400 + n, "203.0.113.7", "films/000/master.mp4", 200, 9);
    person.engine.add(vec![more(1)]);
    person.press("p");
    assert!(person.screen().contains("373 requests"), "{}", person.screen());
    // And nothing of what comes in during it is ever shown.
    let generation = person.engine.add((2..500).map(more).collect());
    person.happens(Action::Grown(generation));
    for keys in ["", "j j Enter", "Esc g Enter", "4", "G", "Enter", "Esc 3 b G Enter", "n Esc", "5", "Esc z"]
    {
        person.press(keys);
        let screen = person.screen();
        assert!(screen.contains("373 requests"), "{keys}: {screen}");
        let layer = person.state.layer();
        let Some(rows) = &layer.table().rows.data else { continue };
        let in_table = match rows {
            crate::tui::model::rows::Rows::Groups(groups) => groups.totals.requests,
            crate::tui::model::rows::Rows::Times { totals, .. } => totals.requests,
            crate::tui::model::rows::Rows::Requests { requests, .. } => requests.matched,
        };
        assert_eq!(
            Some(in_table),
            person.state.matched().map(|(stats, _)| stats.requests),
            "{keys}: {screen}"
        );
    }
    person.press("Z 1 p");
    assert!(person.screen().contains("871 requests"), "{}", person.screen());
}

#[test]
fn an_old_answer_is_dropped() {
    let mut person = person(80, 24);
    person.holds_answers = true;
    person.press("=");
    let old: Vec<_> = person.held.drain(..).collect();
    person.press("Backspace -");
    let new: Vec<_> = person.held.drain(..).collect();
    person.holds_answers = false;
    for told in new.into_iter().chain(old) {
        person.happens(Action::Answered(Box::new(told)));
    }
    let screen = person.screen();
    assert!(screen.contains("row 1 of 4"), "only what was asked last is shown: {screen}");
}

#[test]
fn a_partial_answer_is_shown_as_partial_and_never_over_a_whole_one() {
    let mut person = person(80, 24);
    person.holds_answers = true;
    person.press("=");
    let told: Vec<_> = person.held.drain(..).collect();
    for one in &told {
        let mut partial = one.clone();
        partial.share = Some(0.37);
        person.happens(Action::Answered(Box::new(partial)));
    }
    assert!(person.screen().contains("≈ 37 % scanned"), "{}", person.screen());
    for one in told {
        person.happens(Action::Answered(Box::new(one)));
    }
    assert!(!person.screen().contains("scanned"));
}

#[test]
fn hostile_text_never_reaches_the_screen_raw() {
    let key = "a\u{1b}]0;owned\u{7}\u{202e}txt.\r\nexe\u{9b}2J";
    let mut log = three_days();
    let mut row = get(APRIL + 5, "192.0.2.1\u{1b}[2J", key, 200, 1 << 40);
    row.fields[Field::UserAgent as usize] = key.into();
    row.fields[Field::RequestUri as usize] = key.into();
    row.id = (1, 9_999);
    log.push(row);
    let mut person = Person::with(200, 50, log);
    for keys in ["", "2", "4", "1", "Enter", "Enter", "Enter", "y", "j j j j =", "f", "Esc /"] {
        person.press(keys);
        let screen = person.screen();
        let raw = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(!screen.contains(raw), "after {keys:?}:\n{screen}");
    }
}

#[test]
fn a_copied_value_runs_nothing_when_it_is_pasted_into_a_shell() {
    let evil = ["a\nid\n", "b\rid\r", "c\u{1b}[201~id\u{85}", "d\u{2028}id\u{202e}"];
    let mut log = vec![];
    for (at, key) in evil.iter().enumerate() {
        let mut row = get(APRIL + at as i64, "192.0.2.1", key, 200, 1000 - at as u64);
        row.fields[Field::UserAgent as usize] = Value::Text([key.as_bytes(), b"\xff\n"].concat().into());
        log.push(row);
    }
    let mut person = Person::with(200, 50, log);
    // One of a table, several of it, one of single requests, and a field of one request.
    for keys in ["2 y", "m m m m y", "M", "4 y", "Enter", "G y"] {
        person.press(keys);
    }
    for _ in 0..30 {
        person.press("k y");
    }
    assert_eq!(person.copied[0], "a\\u{a}id\\u{a}");
    let mut marked: Vec<&str> = person.copied[1].lines().collect();
    marked.sort_unstable();
    let shown = ["a\\u{a}id\\u{a}", "b\\u{d}id\\u{d}", "c\\u{1b}[201~id\\u{85}", "d\\u{2028}id\\u{202e}"];
    assert_eq!(marked, shown);
    assert!(person.copied.iter().any(|text| text.ends_with("\\xff\\u{a}")), "the user agent was copied");
    for (at, text) in person.copied.iter().enumerate() {
        assert!(
            !text.chars().any(|c| crate::query::filter::is_invisible(c) && (at != 1 || c != '\n')),
            "{text:?}"
        );
    }
}

#[test]
fn one_request_in_full_can_be_copied_and_asked_about() {
    let mut person = person(80, 24);
    person.press("4 Enter j j j j j y");
    assert_eq!(person.copied, ["photos/2026/01/img-0000.jpg"]);
    person.press("=");
    let screen = person.screen();
    assert!(screen.contains("▸ key:photos/2026/01/img-0000.jpg"), "{screen}");
    person.press("Esc");
    assert!(person.screen().contains("One request, every field"), "back on the request");
}

#[test]
fn the_mouse_sorts_selects_and_opens() {
    let mut person = person(80, 24);
    let head = person.screen().lines().position(|line| line.contains("REMOTE IP")).unwrap() as u16;
    person.mouse(MouseEventKind::Down(MouseButton::Left), 3, head);
    assert!(person.screen().contains("REMOTE IP ▲"));
    person.mouse(MouseEventKind::Down(MouseButton::Left), 3, head + 2);
    assert_eq!(person.selected(), "192.0.2.11");
    person.mouse(MouseEventKind::Down(MouseButton::Left), 3, head + 2);
    assert!(person.screen().contains("▸ remote_ip:192.0.2.11"), "a double click opens");
    person.mouse(MouseEventKind::ScrollDown, 3, head + 2);
    let tabs = head - 1;
    person.mouse(MouseEventKind::Down(MouseButton::Left), 30, tabs);
    assert!(person.screen().contains("TIME ▲"));
}

#[test]
fn times_are_shown_in_the_zone_of_the_reader() {
    let mut person = person(80, 24);
    person.press("4");
    assert!(person.screen().contains("04-01 00:00:00"));
    person.press("t");
    assert!(person.screen().contains("04-01 02:00:00"), "{}", person.screen());
}

#[test]
fn commands_do_what_keys_do_and_say_what_is_wrong() {
    let mut person = person(80, 24);
    person.press(":").types("by network").press("Enter");
    assert!(person.screen().contains("203.0.113.0/24"), "{}", person.screen());
    person.press(":").types("sort requests asc").press("Enter");
    assert!(person.screen().contains("REQUESTS ▲"), "{}", person.screen());
    person.press(":").types("by nonsense").press("Enter");
    let screen = person.screen();
    assert!(screen.contains("no such dimension"), "{screen}");
    person.press("Esc :").types("so").press("Tab").types(" err").press("Tab Tab");
    assert!(person.screen().contains(":sort errors"), "{}", person.screen());
    person.press("Esc :").types("and status:403").press("Enter");
    assert!(person.screen().contains("36 of 372"));
    person.press(":").types("q").press("Enter");
    assert!(person.has_quit);
}

#[test]
fn what_a_table_is_sorted_by_is_on_the_screen_however_small() {
    for (columns, rows) in [(60, 16), (80, 24)] {
        let mut person = person(columns, rows);
        for (sort, heading) in [
            ("objects", "OBJECTS ▼"),
            ("user_agents", "AGENTS ▼"),
            ("last_seen asc", "LAST SEEN ▲"),
            ("errors", "FAILED ▼"),
            ("value", "REMOTE IP ▲"),
        ] {
            person.press(":").types(&format!("sort {sort}")).press("Enter");
            let screen = person.screen();
            assert!(screen.contains(heading) && screen.contains("REMOTE IP"), "{sort}: {screen}");
        }
        person.press("4");
        for (sort, heading) in [
            ("user_agent", "USER AGENT ▲"),
            ("object_size", "SIZE ▼"),
            ("host_id asc", "HOST ID ▲"),
            ("time", "TIME ▼"),
        ] {
            person.press(":").types(&format!("sort {sort}")).press("Enter");
            let screen = person.screen();
            assert!(screen.contains(heading) && screen.contains("TIME"), "{sort}: {screen}");
        }
    }
    let mut person = person(80, 24);
    person.press(":").types("sort objects").press("Enter");
    insta::assert_snapshot!("sorted-by-objects-80x24", person.screen());
}

#[test]
fn a_table_is_exported_whole_and_no_file_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("addresses.csv");
    let mut person = person(130, 34);
    let export = format!("export {}", path.display());
    person.press(":").types(&export).press("Enter");
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("remote_ip,requests,bytes_sent"), "{written}");
    assert_eq!(written.lines().count(), 6);
    #[cfg(unix)]
    let is_private = || {
        let found = std::fs::metadata(&path).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777 == 0o600
    };
    #[cfg(unix)]
    assert!(is_private(), "logs name people and secrets");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    person.press(":").types(&export).press("Enter");
    assert!(person.screen().contains("exists already. Replace it?"), "{}", person.screen());
    person.press("n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    // What a killed process of the same id left is not in the way.
    let left = folder.path().join(format!("addresses.csv.{}.part", std::process::id()));
    std::fs::write(&left, "half").unwrap();
    person.press(":").types(&export).press("Enter y");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    #[cfg(unix)]
    assert!(is_private(), "also one that takes the place of another");
    person.press("e").types(".txt").press("Enter");
    assert!(person.screen().contains("must end in .csv"));
}

#[test]
fn an_exported_table_has_the_columns_and_the_rows_that_were_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let export = |person: &mut Person, name: &str| {
        let path = folder.path().join(name);
        person.press(":").types(&format!("export {}", path.display())).press("Enter");
        std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", person.screen()))
    };
    let hide = |person: &mut Person, name: &str| {
        let columns = &person.state.layer().table().columns;
        let at = columns.iter().position(|choice| choice.column.name() == name).unwrap();
        person.press("c").press(&"j ".repeat(at)).press("Space Esc");
    };
    // As it is at first: every column but the sparkline.
    let mut person = person(130, 34);
    let written = export(&mut person, "all.csv");
    assert!(
        written.starts_with(
            "remote_ip,requests,bytes_sent,share,error_rate,objects,last_seen\n203.0.113.7,120,"
        ),
        "{written}"
    );
    assert_eq!(written.lines().count(), 6);
    // Others, and marked rows only, in the order of the table.
    hide(&mut person, "share");
    hide(&mut person, "user_agents");
    person.press("g j j m k k m");
    let ips: Vec<String> = person
        .screen()
        .lines()
        .filter_map(|line| line.strip_prefix('●').or(line.strip_prefix(" ●")))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(ips.len(), 2, "{}", person.screen());
    let written = export(&mut person, "some.csv");
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "remote_ip,requests,bytes_sent,error_rate,objects,user_agents,last_seen");
    assert_eq!(lines.len(), 3, "{written}");
    assert!(lines[1].starts_with(&ips[0]) && lines[2].starts_with(&ips[1]), "{written} {ips:?}");
    let json = export(&mut person, "some.json");
    assert!(json.contains("\"user_agents\":") && !json.contains("share"), "{json}");
    // Times, in the order of the screen.
    person.press("3 l s m j m");
    let written = export(&mut person, "times.csv");
    assert!(
        written.starts_with("time,requests,bytes_sent,share,error_rate,errors\n2026-04-02T03:00:00Z,125,"),
        "{written}"
    );
    assert_eq!(written.lines().count(), 3);
    // Requests: every field, unless columns were chosen.
    person.press("4");
    let written = export(&mut person, "requests.csv");
    assert_eq!(written.lines().next().unwrap().split(',').count(), crate::log::FIELDS.len());
    assert_eq!(written.lines().count(), 373);
    person.press("j j m G m");
    let written = export(&mut person, "marked.csv");
    assert_eq!(written.lines().count(), 3);
    hide(&mut person, "user_agent");
    let written = export(&mut person, "fields.csv");
    let names = "time,remote_ip,http_status,operation,key,bytes_sent,total_time,error_code,requester";
    assert_eq!(written.lines().next().unwrap(), names);
    person.press("M");
    let written = export(&mut person, "all-fields.csv");
    assert_eq!((written.lines().next().unwrap(), written.lines().count()), (names, 373));
}

/// Something to export.
fn many(count: i64) -> Person {
    let log: Vec<_> = (0..count)
        .map(|n| {
            let mut row = get(APRIL + n, "192.0.2.1", &n.to_string(), 200, 5);
            row.id = (1, n as u64);
            row
        })
        .collect();
    Person::with(100, 24, log)
}

#[test]
fn an_export_that_is_stopped_or_fails_leaves_no_part_of_a_file() {
    use crate::tui::model::action::Exported;
    let folder = tempfile::tempdir().unwrap();
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    for tab in ["2", "4"] {
        let mut person = many(500);
        person.holds_exports = true;
        let path = folder.path().join("many.csv");
        person.press(tab).press(":").types(&format!("export {}", path.display())).press("Enter");
        let export = person.exports.remove(0);
        let cancel = CancellationToken::new();
        let mut told = Vec::new();
        let exported = crate::tui::app::export_file::export(
            &*person.engine,
            export.clone(),
            &cancel,
            &mut |rows, total| {
                assert!(!path.exists(), "a file that is not whole does not have its name");
                told.push((rows, total));
                if rows == 400 {
                    cancel.cancel();
                }
            },
        );
        assert_eq!((exported, files()), (Exported::Cancelled, 0));
        assert_eq!(told, [(200, 500), (400, 500)], "page by page");
        // A folder of that name: the file cannot take its place.
        std::fs::create_dir(&path).unwrap();
        let export = crate::tui::model::action::Export { overwrite: true, ..export };
        let exported = crate::tui::app::export_file::export(
            &*person.engine,
            export,
            &CancellationToken::new(),
            &mut |_, _| {},
        );
        assert!(matches!(exported, Exported::Failed(_)), "{exported:?}");
        assert_eq!(files(), 1, "the folder");
        std::fs::remove_dir(&path).unwrap();
    }
}

#[test]
fn an_export_shows_how_far_it_is_and_can_be_stopped() {
    let mut person = many(10);
    person.holds_exports = true;
    person.press(":").types("export /nowhere/some.csv").press("Enter");
    person.happens(Action::Exporting { rows: 20_000, total: 3_000_000 });
    assert!(
        person.screen().contains("writing some.csv 20,000 of 3,000,000 rows  e stop"),
        "{}",
        person.screen()
    );
    // Work goes on meanwhile, but for another export.
    person.press("j 4 :").types("export other.csv").press("Enter");
    assert!(person.screen().contains("still being written"), "{}", person.screen());
    person.press("Esc e");
    assert!(person.screen().contains("some.csv is still being written. Stop that?"), "{}", person.screen());
    person.press("n");
    assert!(person.screen().contains("writing some.csv"), "{}", person.screen());
    person.press("e y");
    assert!(person.exports.is_empty());
    assert!(person.screen().contains("no file was written"), "{}", person.screen());
}

#[test]
fn q_during_an_export_asks_first() {
    for keys in ["q", "Ctrl-c", ": q Enter"] {
        let mut person = many(10);
        person.holds_exports = true;
        person.press(":").types("export /nowhere/some.csv").press("Enter").press(keys);
        assert!(!person.has_quit, "{keys}");
        let screen = person.screen();
        assert!(screen.contains("some.csv is still being written. Stop that and quit?"), "{screen}");
        assert!(screen.lines().last().unwrap().contains("y yes"), "{screen}");
        person.press("n");
        assert!(!person.has_quit && person.exports.len() == 1);
        person.press(keys).press("y");
        assert!(person.has_quit);
    }
    // Ctrl-C twice quits, and so does q when the file is written.
    let mut person = many(10);
    person.holds_exports = true;
    person.press(":").types("export /nowhere/some.csv").press("Enter Ctrl-c Ctrl-c");
    assert!(person.has_quit);
    let mut person = many(10);
    person.holds_exports = true;
    person.press(":").types("export /nowhere/some.csv").press("Enter q");
    let exported = crate::tui::model::action::Exported::Written {
        path: "/nowhere/some.csv".into(),
        rows: 1,
        approximate: Vec::new(),
    };
    person.happens(Action::Exported(exported));
    assert!(person.screen().contains("1 row written to /nowhere/some.csv"), "{}", person.screen());
    person.press("q");
    assert!(person.has_quit);
}

#[test]
fn too_small_a_terminal_says_so_and_recovers() {
    let mut person = person(50, 10);
    insta::assert_snapshot!("too-small-50x10", person.screen());
    person.happens(Action::Resize(80, 24));
    assert!(person.screen().contains("203.0.113.7"));
}

#[test]
fn nothing_panics_at_any_size() {
    for (columns, rows) in [(1, 1), (60, 16), (61, 17), (80, 24), (300, 20), (60, 90)] {
        let mut person = person(columns, rows);
        for keys in [
            "?",
            "G",
            "Esc",
            "b G Esc",
            "c G Esc",
            "3 G Enter Enter G",
            "Esc Esc 2 G v G o g H L Esc",
            "/ Tab Tab",
        ] {
            person.press(keys);
            person.screen();
        }
        person.happens(Action::Resize(60, 16));
        person.screen();
    }
}

fn reading() -> Progress {
    Progress {
        phase: Phase::Reading,
        files_listed: 9_000,
        files_done: 8_214,
        bytes_listed: 1_000_000,
        bytes_done: 912_000,
        lines: 1_200_000,
        elapsed: 435.0,
        rate: 1_100_000.0,
        ..Progress::default()
    }
}

#[test]
fn while_logs_come_in_the_gauge_runs_and_numbers_are_marked_as_growing() {
    let mut person = Person::begin(130, 34, three_days(), Some(reading()));
    let first = person.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("372+ requests"), "{first}");
    assert!(first.contains("⟳ 8,214/9,000 files  1.1 M lines/s  0:42"), "{first}");
    let done = Progress { phase: Phase::Done, files_failed: 2, ..reading() };
    person.happens(Action::Progress(Box::new(done)));
    let first = person.screen().lines().next().unwrap().to_owned();
    assert!(!first.contains("✓") && first.contains("2 failed !"), "{first}");
}

#[test]
fn no_tick_beside_a_failure_and_none_if_nothing_was_tried() {
    let good = Progress { phase: Phase::Done, ..reading() };
    let failure = Failure { name: "x".to_owned(), reason: "403".to_owned(), what: "403".to_owned() };
    for (progress, ticks) in [
        (good.clone(), true),
        (Progress { files_listed: 0, files_done: 0, files_known: 12, ..good.clone() }, true),
        (Progress { files_failed: 1, ..good.clone() }, false),
        (Progress { failures: vec![failure].into(), ..good.clone() }, false),
        (Progress { fatal: Some("no credentials".to_owned()), ..good }, false),
        (Progress { phase: Phase::Done, ..Progress::default() }, false),
    ] {
        for every in [None, Some(std::time::Duration::from_secs(300))] {
            let mut person = Person::begin(130, 34, three_days(), Some(progress.clone()));
            person.state.every = every;
            let first = person.screen().lines().next().unwrap().to_owned();
            assert_eq!(first.contains('✓'), ticks, "{first}");
            assert_eq!(first.contains("every 5m"), every.is_some(), "{first}");
        }
    }
}

/// The headings of the table in front and the column at which each begins.
fn headings(person: &Person) -> Vec<(String, u16, u16)> {
    let table = person.state.layer().table();
    crate::tui::model::layout::columns(&person.state)
        .into_iter()
        .map(|placed| (table.heading(placed.column), placed.x, placed.width))
        .collect()
}

#[test]
fn headings_of_a_sorted_table_do_not_run_into_each_other() {
    let mut person = person(130, 34);
    person.press("4 :").types("sort total_time").press("Enter");
    let screen = person.screen();
    assert!(screen.contains("BYTES SENT  TOTAL TIME ▼"), "{screen}");
    person.press("1 :").types("sort total_time_p95").press("Enter");
    assert!(person.screen().contains("  ≈ TIME P95 ▼"), "{}", person.screen());
    // Sorting by another column moves none.
    person.press("4");
    let before = headings(&person);
    person.press("l s");
    assert_eq!(headings(&person), before);
}

#[test]
fn columns_neither_come_nor_go_nor_get_narrower_while_paging() {
    let log: Vec<_> = (0..2_000)
        .map(|n| {
            let long = "very/long/folder/names/".repeat((n / 100) as usize % 5);
            let ip =
                if n < 300 { format!("192.0.2.{}", n % 250) } else { format!("2001:db8:aaaa:bbbb::{n:x}") };
            // Those of the first pages were denied.
            let mut row = get(APRIL + n, &ip, &format!("{long}{n}"), if n < 60 { 403 } else { 200 }, 5);
            row.id = (1, n as u64);
            row
        })
        .collect();
    for (columns, rows) in [(80, 24), (130, 34), (200, 50)] {
        for tab in ["1", "2", "4"] {
            let mut person = Person::with(columns, rows, log.clone());
            person.press(tab);
            let mut before = headings(&person);
            for keys in ["PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "G", "PgUp", "g"] {
                person.press(keys);
                let now = headings(&person);
                let names =
                    |all: &[(String, u16, u16)]| all.iter().map(|one| one.0.clone()).collect::<Vec<_>>();
                assert_eq!(names(&now), names(&before), "{columns} {tab} {keys}");
                assert!(now.iter().zip(&before).all(|(now, then)| now.2 >= then.2), "{columns} {tab} {keys}");
                before = now;
            }
        }
    }
}

#[test]
fn the_rows_are_never_in_the_order_of_a_column_that_was_hidden() {
    for tab in ["1", "3", "4"] {
        for sorted in ["", "l s", "l l s", "h s"] {
            let mut person = person(200, 50);
            person.press(tab).press(sorted).press("c");
            let count = person.state.layer().table().columns.len();
            // Every column is switched, twice.
            for _ in 0..2 {
                person.press("g");
                for _ in 0..count {
                    person.press("Space j");
                    let table = person.state.layer().table();
                    assert!(
                        table.wanted().any(|column| column == table.sort.by),
                        "{tab} {sorted}: {:?}",
                        table.sort
                    );
                    assert!(table.wanted().any(|column| column == table.column), "{tab} {sorted}");
                }
            }
        }
    }
    let mut person = person(80, 24);
    person.press("h s");
    assert!(person.screen().contains("REQUESTS ▼"), "{}", person.screen());
    let at = |person: &Person| {
        let table = person.state.layer().table();
        table.columns.iter().position(|choice| choice.column == table.sort.by).unwrap()
    };
    let column = at(&person);
    person.press("c");
    for _ in 0..column {
        person.press("j");
    }
    person.press("Space Esc");
    assert!(person.screen().contains("BYTES SENT ▼"), "the first order: {}", person.screen());
}

#[test]
fn every_command_that_the_help_names_exists() {
    use crate::tui::model::keymap::{Command, KEYMAP};
    use crate::tui::update::COMMANDS;
    let about = KEYMAP.iter().find(|binding| binding.command == Command::Colon).unwrap().about;
    let named: Vec<&str> = about.split_once(": ").unwrap().1.split(", ").collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named.into_iter().chain(COMMANDS.iter().map(|spec| spec.name)) {
        let mut person = person(130, 34);
        person.press(":").types(name).press("Enter");
        assert!(!person.screen().contains("no such command"), "{name}: {}", person.screen());
        let completed = COMMANDS.iter().any(|spec| spec.name == name);
        assert!(completed, "{name} is in the help and not among the commands");
    }
    let mut person = person(80, 24);
    person.press("4 :").types("zone local").press("Enter");
    assert!(person.screen().contains("04-01 02:00:00"), "{}", person.screen());
    person.press(":").types("zone u").press("Tab Enter");
    assert!(person.screen().contains("04-01 00:00:00"), "{}", person.screen());
    person.press(":").types("zone mars").press("Enter");
    assert!(person.screen().contains("expected utc or local"), "{}", person.screen());
}

#[test]
fn rows_of_a_week_begin_on_monday() {
    let mut person = person(80, 24);
    person.press("3 b G Enter");
    assert!(person.screen().contains("2026-03-30 00:00:00"), "{}", person.screen());
    assert!(person.screen().contains("row 1 of 1"), "{}", person.screen());
}

#[test]
fn the_header_of_one_request_goes_on_counting_what_is_shown() {
    let mut person = person(130, 34);
    person.press("/").types("status:403").press("Enter 4");
    let header = |person: &mut Person| person.screen().lines().next().unwrap().to_owned();
    let before = header(&mut person);
    assert!(before.contains("36 of 372 requests"), "{before}");
    person.press("Enter");
    assert!(person.screen().contains("One request, every field"));
    assert_eq!(header(&mut person), before);
    // Also after more came in, and on the way back.
    let generation = person.engine.add(vec![get(APRIL + 9, "203.0.113.99", "x", 403, 1)]);
    person.happens(Action::Grown(generation));
    assert!(header(&mut person).contains("37 of 373 requests"), "{}", header(&mut person));
    person.press("Esc");
    assert!(header(&mut person).contains("37 of 373 requests"), "{}", header(&mut person));
}

#[test]
fn a_question_on_its_way_while_a_request_is_opened_is_asked_anew_after_it() {
    let mut person = person(130, 34);
    person.press("4");
    person.holds_answers = true;
    person.press("l s");
    person.press("Enter");
    person.holds_answers = false;
    let held: Vec<_> = person.held.drain(..).collect();
    for told in held {
        person.happens(Action::Answered(Box::new(told)));
    }
    person.press("Esc");
    assert!(person.state.layer().table().rows.is_settled(), "the rows are those of the order in the heading");
    assert!(person.screen().contains("REMOTE IP ▲"), "{}", person.screen());
}

#[test]
fn without_colours_the_highest_bar_stays_when_it_is_chosen() {
    use ratatui::style::Modifier;
    let mut person = person(130, 34);
    person.state.theme = crate::tui::Theme::PLAIN;
    person.press("v");
    person.screen();
    let areas = crate::tui::model::layout::Areas::of(&person.state);
    let axis = person.state.axis().unwrap();
    let brush = person.state.brush.unwrap();
    let width = usize::from(areas.bars.width);
    let x = areas.bars.x + axis.column(axis.index(brush.moving), width) as u16;
    let cells = person.cells();
    let chosen = &cells[(x, areas.bars.y)];
    assert_eq!(chosen.symbol(), "█", "the brush begins at the highest bar");
    assert!(!chosen.modifier.contains(Modifier::REVERSED), "a reversed full block is a hole");
    let beside = &cells[(areas.bars.x, areas.bars.bottom() - 1)];
    assert_ne!(chosen.modifier, beside.modifier, "it is told from the others");
}

#[test]
fn a_burst_is_the_same_on_terminals_of_every_width() {
    let mut told = Vec::new();
    for columns in [70, 80, 130, 200, 300] {
        let mut person = person(columns, 34);
        person.press("n");
        let message = person.state.message.clone().unwrap().text;
        person.press("Enter");
        told.push((message, person.state.layer().time));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    assert!(told[0].0.starts_with("burst 1 of 1: 124 requests in 40 min"), "{told:?}");
    assert_eq!(told[0].1.start, Some(APRIL + 27 * 3_600));
    assert_eq!(told[0].1.end, Some(APRIL + 27 * 3_600 + 2_400));
}

#[test]
fn the_question_whether_to_replace_a_file_shows_the_keys_that_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("addresses.csv");
    std::fs::write(&path, "precious").unwrap();
    let mut person = person(80, 24);
    person.press(":").types(&format!("export {}", path.display())).press("Enter");
    let screen = person.screen();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("y yes") && footer.contains("n no"), "{screen}");
    assert!(!screen.contains("writing"), "{screen}");
}

#[test]
fn an_empty_cache_says_why_it_is_empty() {
    let mut person = Person::begin(80, 24, Vec::new(), Some(Progress { phase: Phase::Listing, ..reading() }));
    insta::assert_snapshot!("loading-80x24", person.screen());

    let fatal = "s3://acme-logs: no credentials found; run `aws sso login` or set AWS_PROFILE".to_owned();
    let failed = Progress {
        phase: Phase::Failed,
        failures: vec![Failure {
            name: "s3://acme-logs".to_owned(),
            reason: "403 AccessDenied".to_owned(),
            what: "403 AccessDenied".to_owned(),
        }]
        .into(),
        fatal: Some(fatal),
        ..Progress::default()
    };
    let mut person = Person::begin(80, 24, Vec::new(), Some(failed.clone()));
    insta::assert_snapshot!("unreachable-80x24", person.screen());
    person.press("!");
    assert!(person.screen().contains("403 AccessDenied"));

    // The same with a cache: a word in the header, and the data is there.
    let mut person = Person::begin(130, 34, three_days(), Some(failed));
    let screen = person.screen();
    assert!(screen.contains("not pulling: cached requests only"), "{screen}");
    assert!(screen.contains("203.0.113.7"), "{screen}");

    let mut person = Person::with(80, 24, Vec::new());
    insta::assert_snapshot!("nothing-cached-80x24", person.screen());
}

#[test]
fn while_it_follows_the_header_says_how_often_and_how_new_the_data_is() {
    let done = Progress { phase: Phase::Done, ..reading() };
    for (columns, rows) in [(80, 24), (130, 34)] {
        let mut person = Person::begin(columns, rows, three_days(), Some(done.clone()));
        person.state.every = Some(std::time::Duration::from_secs(300));
        insta::assert_snapshot!(format!("following-{columns}x{rows}"), person.screen());
    }
    // A request of just now: its time is enough, and time goes by.
    let mut log = three_days();
    log.push(get(NOW - 130, "192.0.2.99", "new", 200, 1));
    let mut person = Person::begin(130, 34, log, Some(done));
    person.state.every = Some(std::time::Duration::from_secs(300));
    let first = person.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("04-07 UTC  newest 04-07 23:57:50 (2 min ago)"), "{first}");
    assert!(first.ends_with("✓ every 5m"), "{first}");
    person.state.now.unix += 60;
    assert!(person.screen().contains("(3 min ago)"));
    // The next round: as any ingest.
    person.happens(Action::Progress(Box::new(reading())));
    let first = person.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("⟳ 8,214/9,000") && first.contains("newest "), "{first}");
}

#[test]
fn a_round_that_fails_says_that_it_is_tried_again() {
    let fatal = Some("s3://acme-logs: no credentials found; run `aws sso login`".to_owned());
    let failed = Progress { phase: Phase::Failed, fatal, ..Progress::default() };
    for (columns, rows) in [(80, 24), (130, 34)] {
        let mut person = Person::begin(columns, rows, three_days(), Some(failed.clone()));
        person.state.every = Some(std::time::Duration::from_secs(300));
        let first = person.screen().lines().next().unwrap().to_owned();
        assert!(first.contains("every 5m, ! says why"), "{first}");
        assert!(first.contains("newest "), "{first}");
        person.press("!");
        assert!(person.screen().contains("no credentials found"));
    }
    let mut person = Person::begin(80, 24, Vec::new(), Some(failed));
    person.state.every = Some(std::time::Duration::from_secs(300));
    assert!(person.screen().contains("It is tried again every 5m."), "{}", person.screen());
}

#[test]
fn a_long_list_is_loaded_as_the_cursor_goes_down() {
    let log: Vec<_> = (0..3_000)
        .map(|n| {
            let mut row =
                get(APRIL + n, &format!("198.51.{}.{}", n / 250, n % 250), "key", 200, 3_000 - n as u64);
            row.id = (1, n as u64);
            row
        })
        .collect();
    let mut person = Person::with(80, 24, log);
    assert!(person.screen().contains("row 1 of 3,000"));
    person.press("G");
    assert!(person.screen().contains("row 3,000 of 3,000"), "{}", person.screen());
    assert_eq!(person.selected(), "198.51.11.249");
    person.press("4 G");
    let screen = person.screen();
    assert!(screen.contains("request 3,000 of 3,000"), "{screen}");
    assert!(screen.contains("198.51.11.249"), "{screen}");
    for _ in 0..40 {
        person.press("PgUp");
    }
    assert!(!person.screen().contains("…  "), "what is on the screen is loaded: {}", person.screen());
}
