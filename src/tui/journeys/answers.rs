//! Answers of the engine: the order of queries, live data, pausing, partial and outdated answers.

use crate::ingest::{Phase, Progress};
use crate::tui::journeys::start;
use crate::tui::model::{Action, Rows, Slot};
use crate::tui::testing::{APRIL, Explorer, get, three_days};

#[test]
fn rows_are_queried_first_and_lazy_columns_last() {
    let mut explorer = start(130, 34);
    explorer.press(":").types("by user_agent").press("Enter");
    explorer.holds_answers = true;
    explorer.press("Enter");
    let mut order = Vec::new();
    while let Some(result) = explorer.held_results.pop_front() {
        if !order.contains(&result.slot) {
            order.push(result.slot);
        }
        if result.slot == Slot::Table {
            assert!(
                explorer.held_results.iter().all(|result| result.slot == Slot::Table),
                "nothing else is queried before there are rows"
            );
        }
        explorer.handle(Action::Answered(Box::new(result)));
    }
    use Slot::*;
    assert_eq!(order, [Table, Timeline, Activity, LazyMeasures, Cost, SessionBursts]);
}

#[test]
fn live_data_never_moves_another_row_under_the_cursor() {
    let mut explorer = start(80, 24);
    explorer.press("j j");
    let before = explorer.selected();
    assert_eq!(before, "192.0.2.11");
    // A new row is far above the cursor, and the row under the cursor moves down.
    let mut more: Vec<_> = (0..50)
        .map(|n| get(APRIL + 90_000 + n, "203.0.113.99", "films/000/master.mp4", 200, 9_000_000))
        .collect();
    more.extend((0..50).map(|n| get(APRIL + 90_000 + n, "192.0.2.10", "x", 200, 1_000_000)));
    let generation = explorer.engine.add(more);
    explorer.handle(Action::DataChanged(generation));
    assert!(explorer.screen().contains("203.0.113.99"));
    assert_eq!(explorer.selected(), before);
    assert!(explorer.screen().contains("row 5 of 6"), "{}", explorer.screen());
    // Another order does not change the row either.
    explorer.press("s");
    assert_eq!(explorer.selected(), before);
    // While paused, nothing moves.
    explorer.press("p");
    let paused = explorer.screen();
    let generation = explorer.engine.add(vec![get(APRIL, "192.0.2.200", "x", 200, 1)]);
    explorer.handle(Action::DataChanged(generation));
    assert_eq!(explorer.screen(), paused);
    explorer.press("p");
    assert!(explorer.screen().contains("of 7"));
}

#[test]
fn a_paused_screen_shows_one_snapshot() {
    let mut explorer = start(130, 34);
    // The screen has not shown this request when it is paused.
    let more = |n: i64| get(APRIL + 3 * 86_400 + n, "203.0.113.7", "films/000/master.mp4", 200, 9);
    explorer.engine.add(vec![more(1)]);
    explorer.press("p");
    assert!(explorer.screen().contains("373 requests"), "{}", explorer.screen());
    // Requests that are added during the pause are never shown.
    let generation = explorer.engine.add((2..500).map(more).collect());
    explorer.handle(Action::DataChanged(generation));
    for keys in ["", "j j Enter", "Esc g Enter", "4", "G", "Enter", "Esc 3 b G Enter", "n Esc", "6", "Esc z"]
    {
        explorer.press(keys);
        let screen = explorer.screen();
        let is_open = explorer.state.layer().detail.is_some();
        assert!(is_open || screen.contains("373 requests"), "{keys}: {screen}");
        let layer = explorer.state.layer();
        let Some(rows) = &layer.table().rows.data else { continue };
        let in_table = match rows {
            Rows::Pairs(pairs) => pairs.totals.requests,
            Rows::Groups(groups) => groups.totals.requests,
            Rows::Times { totals, .. } => totals.requests,
            Rows::Requests { requests, .. } => requests.matched,
            Rows::Findings(_) => continue,
        };
        assert_eq!(
            Some(in_table),
            explorer.state.matched().map(|(stats, _)| stats.requests),
            "{keys}: {screen}"
        );
    }
    explorer.press("Z 1 p");
    assert!(explorer.screen().contains("871 requests"), "{}", explorer.screen());
}

#[test]
fn an_answer_to_an_earlier_query_is_dropped() {
    let mut explorer = start(80, 24);
    explorer.holds_answers = true;
    explorer.press("=");
    let old: Vec<_> = explorer.held_results.drain(..).collect();
    explorer.press("Backspace -");
    let new: Vec<_> = explorer.held_results.drain(..).collect();
    explorer.holds_answers = false;
    for result in new.into_iter().chain(old) {
        explorer.handle(Action::Answered(Box::new(result)));
    }
    let screen = explorer.screen();
    assert!(screen.contains("row 1 of 4"), "only the answer to the last query is shown: {screen}");
}

#[test]
fn a_partial_answer_is_marked_and_never_replaces_a_complete_one() {
    let mut explorer = start(80, 24);
    explorer.holds_answers = true;
    explorer.press("=");
    let results: Vec<_> = explorer.held_results.drain(..).collect();
    for result in &results {
        let mut partial = result.clone();
        partial.share = Some(0.37);
        explorer.handle(Action::Answered(Box::new(partial)));
    }
    assert!(explorer.screen().contains("≈ 37 % scanned"), "{}", explorer.screen());
    for result in results {
        explorer.handle(Action::Answered(Box::new(result)));
    }
    assert!(!explorer.screen().contains("scanned"));
}

#[test]
fn a_query_running_while_a_request_is_opened_is_sent_again_afterwards() {
    let mut explorer = start(130, 34);
    explorer.press("4");
    explorer.holds_answers = true;
    explorer.press("l s");
    explorer.press("Enter");
    explorer.holds_answers = false;
    let held: Vec<_> = explorer.held_results.drain(..).collect();
    for result in held {
        explorer.handle(Action::Answered(Box::new(result)));
    }
    explorer.press("Esc");
    assert!(explorer.state.layer().table().rows.is_final(), "the rows have the order of the heading");
    assert!(explorer.screen().contains("REMOTE IP ▲"), "{}", explorer.screen());
}

#[test]
fn a_pause_did_not_say_how_much_is_not_shown() {
    let progress = |requests| Progress { phase: Phase::Reading, requests, ..Progress::default() };
    let mut explorer = Explorer::begin(130, 34, three_days(), Some(progress(372)));
    explorer.press("p");
    assert!(!explorer.screen().contains("newer"), "{}", explorer.screen());
    explorer.handle(Action::Progress(Box::new(progress(12_717))));
    assert!(explorer.screen().contains("paused · 12,345 requests newer"), "{}", explorer.screen());
    // The next pull counts its own requests.
    explorer.handle(Action::Progress(Box::new(progress(0))));
    explorer.handle(Action::Progress(Box::new(progress(5))));
    assert!(explorer.screen().contains("paused · 12,350 requests newer"), "{}", explorer.screen());
    explorer.press("p");
    assert!(!explorer.screen().contains("newer"), "{}", explorer.screen());
}

#[test]
fn the_findings_of_a_paused_screen_were_those_before_the_pause() {
    let progress = Progress { phase: Phase::Reading, ..Progress::default() };
    let mut explorer = Explorer::begin(130, 34, three_days(), Some(progress));
    let before = explorer.analyses;
    // The screen has not shown this request when it is paused.
    explorer.engine.add(vec![get(APRIL + 90_000, "203.0.113.7", "x", 200, 1)]);
    explorer.press("p j");
    assert_eq!(explorer.analyses, before + 1, "the snapshot is analysed at once");
    let generation = explorer.engine.add(vec![get(APRIL + 90_001, "203.0.113.7", "x", 200, 1)]);
    explorer.handle(Action::DataChanged(generation));
    explorer.press("j");
    assert_eq!(explorer.analyses, before + 1, "and nothing later");
}

#[test]
fn the_first_row_of_a_part_of_the_requests_was_followed_far_down() {
    let mut explorer = Explorer::with(80, 24, Vec::new());
    explorer.state.progress = Some(Progress { phase: Phase::Reading, ..Progress::default() });
    let add = |explorer: &mut Explorer, ip: &str, bytes: u64| {
        let generation = explorer.engine.add(vec![get(APRIL, ip, "x", 200, bytes)]);
        explorer.handle(Action::DataChanged(generation));
        explorer.selected()
    };
    assert_eq!(add(&mut explorer, "192.0.2.1", 10), "192.0.2.1");
    assert_eq!(add(&mut explorer, "192.0.2.2", 20), "192.0.2.2", "the user did not choose the other");
    explorer.press("j");
    assert_eq!(explorer.selected(), "192.0.2.1");
    assert_eq!(add(&mut explorer, "192.0.2.3", 30), "192.0.2.1", "the user chose it");
}

#[test]
fn a_filter_had_the_cost_of_the_filter_before() {
    let mut explorer = start(130, 34);
    let header = |explorer: &mut Explorer| explorer.screen().lines().next().unwrap().to_owned();
    assert!(header(&mut explorer).contains("≈ $0.05"), "{}", explorer.screen());
    explorer.holds_answers = true;
    explorer.press("-");
    // Everything is answered but the cost, which is asked for last.
    let held: Vec<_> = explorer.held_results.drain(..).collect();
    for result in held {
        explorer.handle(Action::Answered(Box::new(result)));
    }
    let line = header(&mut explorer);
    assert!(line.contains("≈ $…"), "{line}");
}
