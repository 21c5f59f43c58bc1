//! What people come to the explorer for, with the number of keys that it takes.

use crate::log::Field;
use crate::query::RequestRow;
use crate::tui::model::Tab;
use crate::tui::model::saved::Saved;
use crate::tui::testing::{APRIL, Explorer, NOW, get, request, three_days};

const DAY: i64 = 86_400;

/// An explorer of these requests whose analyses are real.
fn explorer(mut log: Vec<RequestRow>) -> Explorer {
    log.sort_by_key(|row| row.time);
    for (index, row) in log.iter_mut().enumerate() {
        row.id = (1, index as u64);
    }
    let mut explorer = Explorer::with(130, 34, Vec::new());
    let generation = explorer.engine.add(log);
    explorer.findings = None;
    explorer.handle(crate::tui::model::Action::DataChanged(generation));
    explorer
}

/// Asserts how many keys were pressed.
fn took(explorer: &Explorer, keys: usize, at_most: usize) {
    assert!(keys <= at_most);
    assert_eq!(explorer.key_strokes, keys);
}

/// Visitors of a month.
fn ordinary(days: i64) -> Vec<RequestRow> {
    let visit = |n: i64| {
        let ip = format!("198.51.100.{}", n % 17);
        get(APRIL + n * days * DAY / 1_500, &ip, &format!("films/{:02}/master.mp4", n % 40), 200, 1_000_000)
    };
    (0..1_500).map(visit).collect()
}

#[test]
fn who_causes_the_bill_and_with_which_files() {
    let mut explorer = explorer(three_days());
    assert!(explorer.screen().contains("▌ 203.0.113.7"), "who: {}", explorer.screen());
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains(" Addresses › 203.0.113.7 › Objects"), "{screen}");
    assert!(screen.contains("films/000/master.mp4"), "which files: {screen}");
    took(&explorer, 1, 1);
}

/// An address that S3 slows down for some hours at noon of the ninth day.
fn spike() -> Vec<RequestRow> {
    let mut log = ordinary(30);
    log.extend((0..900).map(|n| {
        let mut row =
            get(APRIL + 8 * DAY + 12 * 3_600 + n * 8, "192.0.2.77", "state/checkpoint.json", 503, 300);
        row.fields[Field::ErrorCode as usize] = crate::query::Value::from("SlowDown");
        row
    }));
    log
}

#[test]
fn what_happened_at_the_spike_and_what_is_different_then() {
    let mut explorer = explorer(spike());
    explorer.press("n d");
    let screen = explorer.screen();
    assert!(screen.contains("192.0.2.77") && screen.contains("SlowDown"), "{screen}");
    assert!(screen.contains("04-09 12:00"), "{screen}");
    took(&explorer, 2, 4);
}

#[test]
fn is_somebody_scraping() {
    let mut log = ordinary(10);
    log.extend((0..1_200).map(|n| {
        get(APRIL + 4 * DAY + 3_600 + n * 6, "203.0.113.9", &format!("catalogue/{n:05}.json"), 200, 9_000)
    }));
    let mut explorer = explorer(log);
    explorer.press("5");
    let screen = explorer.screen();
    assert!(screen.contains("scraping") && screen.contains("203.0.113.9"), "{screen}");
    explorer.press("Enter");
    assert!(explorer.screen().contains("catalogue/00000.json"), "{}", explorer.screen());
    took(&explorer, 2, 2);
}

#[test]
fn who_deleted_the_invoices_when_and_from_where() {
    let mut log = ordinary(10);
    let role = "arn:aws:sts::123456789012:assumed-role/cleanup-prod/session-1771777038000";
    for n in 0..400 {
        let (key, time) = (format!("invoices/{n:04}.pdf"), (APRIL + 5 * DAY + n * 3).to_string());
        let fields = [
            (Field::RemoteIp, "192.0.2.44"),
            (Field::Requester, role),
            (Field::Operation, "REST.DELETE.OBJECT"),
            (Field::Key, key.as_str()),
            (Field::HttpStatus, "204"),
        ];
        log.push(request(time.parse().unwrap(), &fields));
        let fields = [fields[0], fields[1], fields[2], (Field::Key, "tmp/x"), fields[4]];
        log.push(request(APRIL + n * 600, &fields));
    }
    let mut explorer = explorer(log);
    explorer.press("I").types("del").press("Enter /").types("inv").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("400 of 2,300 requests"), "{screen}");
    assert!(screen.contains("cleanup-prod") && screen.contains("192.0.2.44"), "{screen}");
    assert!(screen.contains("invoices/0399.pdf") && screen.contains("04-06 00:"), "{screen}");
    took(&explorer, 10, 12);
}

#[test]
fn who_guesses_keys() {
    let mut log = ordinary(10);
    for n in 0..600 {
        let ip = format!("192.0.2.{}", 200 + n % 6);
        log.push(get(APRIL + 3 * DAY + n * 20, &ip, &format!("backup-{n}.zip"), 403, 243));
    }
    log.extend((0..40).map(|n| get(APRIL + n * 9_000, "198.51.100.3", "films/00/master.mp4", 403, 243)));
    let mut explorer = explorer(log);
    explorer.press("6 j Enter b").types("ne").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("http_status › 403") || screen.contains("› 403 › Network"), "{screen}");
    assert!(screen.contains("▌ 192.0.2.0/24"), "{screen}");
    took(&explorer, 7, 8);
}

#[test]
fn which_site_embeds_the_files() {
    let mut log = ordinary(10);
    for row in log.iter_mut().step_by(3) {
        row.fields[Field::Referer as usize] = crate::query::Value::from("https://www.example.com/films");
    }
    log.extend((0..800).map(|n| {
        let mut row =
            get(APRIL + n * 900, &format!("192.0.2.{}", n % 250), "films/00/master.mp4", 200, 500_000);
        let page = format!("https://freeloader.example/page/{}", n % 40);
        row.fields[Field::Referer as usize] = crate::query::Value::from(page.as_str());
        row
    }));
    let mut explorer = explorer(log);
    explorer.press("I").types("ref").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("▌ freeloader.example") && screen.contains("800"), "{screen}");
    took(&explorer, 5, 5);
}

#[test]
fn this_week_and_the_week_before() {
    let mut explorer = explorer(ordinary(14));
    explorer.press("3 b w Enter");
    let screen = explorer.screen();
    assert!(screen.contains("2026-03-30 Mon") && screen.contains("2026-04-06 Mon"), "{screen}");
    took(&explorer, 4, 6);
}

#[test]
fn leave_and_come_back_to_the_same_view() {
    let mut first = explorer(three_days());
    first.press("/").types("status:403").press("Enter 2");
    let before = first.key_strokes;
    first.press("q");
    assert!(first.has_quit);
    took(&first, before + 1, before + 1);
    let saved = Saved::default().with(&first.state, "/c.db");
    let mut next = explorer(three_days());
    next.state.keep_last_view(&saved, "/c.db");
    assert!(next.screen().contains("R last view"), "{}", next.screen());
    next.press("R");
    assert!(next.screen().contains("▸ http_status:403"), "{}", next.screen());
    assert_eq!(next.state.layer().tab, Tab::Objects);
    assert_eq!(next.state.now.unix_seconds, NOW);
    took(&next, 1, 2);
    next.press("U");
    assert!(next.screen().contains("all requests"), "{}", next.screen());
}

#[test]
fn walk_through_folders() {
    let mut explorer = explorer(three_days());
    explorer.press("F");
    let before = explorer.key_strokes;
    for (key, folder) in [("j", ""), ("Enter", "photos/"), ("Enter", "2026/")] {
        explorer.press(key);
        assert!(explorer.screen().contains(&format!("{folder}\n")) || folder.is_empty());
    }
    assert!(explorer.screen().contains("01/"), "{}", explorer.screen());
    took(&explorer, before + 3, before + 3);
    explorer.press("Esc");
    assert!(explorer.screen().contains(" Folders › photos/\n"), "{}", explorer.screen());
}
