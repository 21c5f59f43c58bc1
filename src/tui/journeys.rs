//! What people do with the explorer, key by key, and what they see.

use crossterm::event::{MouseButton, MouseEventKind};

use super::action::{Action, Slot};
use super::testing::*;
use crate::ingest::{Failure, Phase, Progress};
use crate::log::Field;
use crate::query::Value;

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
    person.mouse(MouseEventKind::Down(MouseButton::Left), 49, 5);
    person.mouse(MouseEventKind::Drag(MouseButton::Left), 60, 5);
    person.press("Enter");
    assert!(person.screen().contains("▸ 04-02 03:00:00"), "{}", person.screen());
}

#[test]
fn bursts_are_found_and_told() {
    let mut person = person(130, 34);
    person.press("n");
    let screen = person.screen();
    assert!(screen.contains("burst 1 of 1: 125 requests in 1 h, 42 × the usual 3"), "{screen}");
    person.press("Enter 1");
    assert!(person.screen().contains("▸ 04-02 03:00:00 – 04-02 04:00:00"));
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
            !text.chars().any(|c| crate::query::filter::is_unseen(c) && (at != 1 || c != '\n')),
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
    assert!(first.contains("✓") && first.contains("2 failed !"), "{first}");
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
