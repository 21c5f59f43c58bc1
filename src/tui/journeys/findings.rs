//! The findings: the first screen, their table, their marks on the timeline.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::insight::findings::{Finding, Findings, Kind, Ordinary};
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Stats, TimeRange, Value};
use crate::tui::journeys::at_sizes;
use crate::tui::model::{Action, Areas};
use crate::tui::testing::{APRIL, Explorer, get, three_days};

fn finding(
    kind: Kind,
    ip: &str,
    start: i64,
    end: i64,
    requests: u64,
    score: f64,
    explanation: &str,
) -> Finding {
    let subject = (Dimension::Field(Field::RemoteIp), Value::from(ip));
    let within = Filter::Term(Subject::Field(Field::Time), Test::Range(Some(start), Some(end - 1)));
    let stats = Stats {
        requests,
        bytes_sent: requests * 5_000_000,
        errors: requests / 3,
        first_seen: start,
        last_seen: end - 1,
    };
    Finding {
        kind,
        filter: Filter::term_for(&subject.0, &subject.1).and(within),
        subject: Some(subject),
        start,
        end,
        stats,
        cost: None,
        score,
        explanation: explanation.to_owned(),
        label: None,
    }
}

/// Findings about the requests of `three_days`.
pub(super) fn findings() -> Findings {
    let night = APRIL + 27 * 3_600;
    let scraping = finding(
        Kind::Scraping,
        "203.0.113.7",
        night,
        night + 2_400,
        120,
        87.4,
        "203.0.113.7 fetched 60 different keys in 40 min, in key order, each twice, without a referer \
         (Mozilla/5.0). First seen that day. 572 MiB.",
    );
    let guessing = finding(
        Kind::KeyGuessing,
        "198.51.100.7",
        APRIL + 3 * 3_600,
        APRIL + 68 * 3_600,
        18,
        52.0,
        "198.51.100.7 was denied 18 times on 12 keys. \x1b[31mThe keys exist\u{202e}.",
    );
    let old = Finding {
        score: 41.0,
        ..finding(
            Kind::InsecureAccess,
            "2001:db8::1",
            APRIL + 50 * 3_600,
            APRIL + 51 * 3_600,
            9,
            41.0,
            "2001:db8::1 used TLS 1.0 for 9 requests.",
        )
    };
    let job = Finding {
        label: Some(Ordinary::RecurringJob),
        ..finding(
            Kind::BandwidthHog,
            "192.0.2.10",
            APRIL,
            APRIL + 72 * 3_600,
            54,
            60.0,
            "192.0.2.10 took 2.24 MiB, about the same every hour.",
        )
    };
    Findings { findings: vec![scraping, guessing, old], benign: vec![job] }
}

fn start(columns: u16, rows: u16) -> Explorer {
    Explorer::with_findings(columns, rows, three_days(), findings())
}

fn snapshots(name: &str, keys: &str) {
    for (size, mut explorer) in at_sizes(start, keys) {
        insta::assert_snapshot!(format!("{name}-{size}"), explorer.screen());
    }
}

#[test]
fn the_first_screen_names_the_worst_finding() {
    snapshots("first-screen", "");
    snapshots("list", "5");
    snapshots("look-alikes", "5 o G");
    snapshots("on-the-timeline", "n");
    let mut wide = start(200, 50);
    wide.press("5 j");
    insta::assert_snapshot!("second-200x50", wide.screen());
}

#[test]
fn enter_opens_the_requests_of_a_finding_and_esc_returns() {
    let mut explorer = start(130, 34);
    explorer.press("5 j k");
    let list = explorer.screen();
    assert!(list.contains("5 Findings (3)"), "{list}");
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(
        screen.contains(
            "Findings › scraping 203.0.113.7 › 04-02 03:00–03:40 › remote_ip:203.0.113.7 › Requests"
        ),
        "{screen}"
    );
    assert!(screen.contains("request 1 of 120"), "{screen}");
    explorer.press("Esc");
    assert_eq!(explorer.screen(), list);
}

#[test]
fn the_findings_are_those_within_the_time_range() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:200").press("Enter");
    assert!(explorer.screen().contains("5 Findings (3)"), "{}", explorer.screen());
    let analyses = explorer.analyses;
    explorer.press("3 g z");
    assert!(!explorer.screen().contains("5 Findings (3)"), "{}", explorer.screen());
    assert_eq!(explorer.analyses, analyses, "zooming needs no new analysis");
    explorer.press("5");
    assert!(explorer.screen().contains("No findings, only some that are set aside"), "{}", explorer.screen());
    explorer.press("Z");
    assert!(explorer.screen().contains("finding 1 of 3"), "{}", explorer.screen());
}

#[test]
fn n_goes_from_finding_to_finding_in_order_of_time_and_enter_opens_one() {
    let mut explorer = start(130, 34);
    explorer.press("n");
    assert!(explorer.screen().contains("! key-guessing"), "{}", explorer.screen());
    assert!(explorer.screen().contains("1 of 3"), "{}", explorer.screen());
    explorer.press("n");
    assert!(explorer.screen().contains("! scraping"), "{}", explorer.screen());
    explorer.press("n n N");
    assert!(explorer.screen().contains("! insecure-access"), "{}", explorer.screen());
    explorer.press("N Enter");
    assert!(explorer.screen().contains("request 1 of 120"), "{}", explorer.screen());
    // Without findings, bursts.
    let mut explorer = Explorer::with_findings(130, 34, three_days(), Findings::default());
    explorer.press("n");
    assert!(explorer.screen().contains("burst 1 of 1"), "{}", explorer.screen());
}

#[test]
fn a_click_on_the_worst_finding_lists_all() {
    let mut explorer = start(130, 34);
    let alert = Areas::of(&explorer.state).alert;
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 20, alert.y);
    assert!(explorer.screen().contains("finding 1 of 3"), "{}", explorer.screen());
    let rows = Areas::of(&explorer.state).rows;
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), 20, rows.y + 1);
    assert!(explorer.screen().contains("finding 2 of 3"), "{}", explorer.screen());
}

#[test]
fn an_explanation_is_copied_without_control_characters() {
    let mut explorer = start(130, 34);
    explorer.press("5 j y");
    assert!(explorer.copied[0].starts_with("198.51.100.7 was denied 18 times"), "{:?}", explorer.copied);
    assert!(explorer.copied[0].contains("\\u{1b}[31m"), "{:?}", explorer.copied);
    let screen = explorer.screen();
    assert!(!screen.contains('\x1b') && !screen.contains('\u{202e}'), "{screen}");
}

#[test]
fn findings_are_sorted_by_any_column() {
    let mut explorer = start(130, 34);
    explorer.press("5").press(":").types("sort when").press("Enter");
    let first = |explorer: &mut Explorer| {
        let screen = explorer.screen();
        let head = screen.lines().position(|line| line.contains("KIND")).unwrap();
        screen.lines().nth(head + 1).unwrap().to_owned()
    };
    assert!(first(&mut explorer).contains("key-guessing"), "{}", explorer.screen());
    explorer.press(":").types("sort requests").press("Enter");
    assert!(first(&mut explorer).contains("scraping"), "{}", explorer.screen());
    explorer.press("o");
    assert!(explorer.screen().contains("ordinary"), "{}", explorer.screen());
    assert!(first(&mut explorer).contains("scraping"), "look-alikes stay below");
}

#[test]
fn new_requests_are_analysed_and_the_cursor_stays_on_its_finding() {
    let mut explorer = start(130, 34);
    explorer.press("5 j j");
    let analyses = explorer.analyses;
    let mut more = findings();
    more.findings.insert(
        0,
        Finding {
            score: 95.0,
            ..finding(
                Kind::MassDeletion,
                "192.0.2.11",
                APRIL + 100,
                APRIL + 200,
                7,
                95.0,
                "192.0.2.11 deleted 7 objects.",
            )
        },
    );
    explorer.findings = Some(more);
    let generation = explorer.engine.add(vec![get(APRIL + 9, "203.0.113.99", "x", 200, 1)]);
    explorer.handle(Action::DataChanged(generation));
    assert_eq!(explorer.analyses, analyses + 1);
    let screen = explorer.screen();
    assert!(screen.contains("5 Findings (4)"), "{screen}");
    assert!(screen.contains("finding 4 of 4"), "{screen}");
    assert!(screen.contains("used TLS 1.0"), "{screen}");
}

#[test]
fn the_requests_of_a_finding_become_the_filter() {
    let mut explorer = start(130, 34);
    explorer.press("5 = 1");
    let screen = explorer.screen();
    assert!(screen.contains("▸ remote_ip:203.0.113.7"), "{screen}");
    assert!(screen.contains("▸ time:2026-04-02"), "{screen}");
    assert!(screen.contains("row 1 of 1"), "{screen}");
    explorer.press("x 5 - 1");
    let screen = explorer.screen();
    assert!(screen.contains("▸ -(remote_ip:203.0.113.7 time:"), "{screen}");
    assert!(screen.contains("row 1 of 4"), "{screen}");
}

#[test]
fn a_real_analysis_ends_and_the_table_says_what_it_found() {
    let mut explorer = Explorer::with(130, 34, three_days());
    explorer.findings = None;
    explorer.press("/").types("ip:203.0.113.7").press("Enter 5");
    let screen = explorer.screen();
    assert!(screen.contains("No findings") || screen.contains("finding 1 of"), "{screen}");
}

#[test]
fn the_time_of_a_finding_is_not_outside_the_session() {
    let mut explorer = start(130, 34);
    explorer.state.session_time = TimeRange { start: Some(APRIL), end: Some(APRIL + 28 * 3_600) };
    explorer.press("5 j Enter");
    let time = explorer.state.layer().time;
    assert_eq!((time.start, time.end), (Some(APRIL + 3 * 3_600), Some(APRIL + 28 * 3_600)));
}

#[test]
fn a_muted_finding_is_hidden_and_the_reason_is_stored() {
    let mut explorer = start(130, 34);
    explorer.press("5 X").types("our own mirror").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("5 Findings (2)"), "{screen}");
    assert!(screen.contains("muted scraping about 203.0.113.7"), "{screen}");
    assert_eq!(explorer.muted.len(), 1);
    assert_eq!(explorer.muted[0].reason.as_deref(), Some("our own mirror"));
    assert_eq!(explorer.muted[0].kind.as_deref(), Some("scraping"));
    explorer.press("X Esc");
    assert_eq!(explorer.muted.len(), 1, "Esc mutes nothing");
}

#[test]
fn keys_in_the_table_of_findings_ignored_the_marked_rows() {
    // `=` keeps the requests of both, `-` excludes each.
    let mut explorer = start(130, 34);
    explorer.press("5 m m = 1");
    let screen = explorer.screen();
    assert!(screen.contains("row 1 of 2"), "{screen}");
    assert!(explorer.state.layer().filter.to_string().contains(" or "), "{}", explorer.state.layer().filter);
    let mut explorer = start(130, 34);
    explorer.press("5 m m -");
    assert_eq!(explorer.state.layer().filter.terms().len(), 2);
    // `d` compares the requests of both with all others.
    let mut explorer = start(130, 34);
    explorer.press("5 m m d");
    let screen = explorer.screen();
    assert!(screen.contains("Contrast 2 findings against all other requests"), "{screen}");
    assert!(screen.contains("169 requests against 203"), "{screen}");
    // `X` mutes both.
    let mut explorer = start(80, 24);
    explorer.press("5 m m X").types("ours").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("muted 2 findings; o lists them"), "{screen}");
    assert!(screen.contains("5 Findings (1)"), "{screen}");
    let muted: Vec<_> = explorer.muted.iter().map(|mute| mute.kind.as_deref().unwrap()).collect();
    assert_eq!(muted, ["scraping", "key-guessing"]);
    // `B` blocks both.
    let mut explorer = start(130, 34);
    explorer.press("5 m m B");
    assert!(explorer.screen().contains("Block list of 2 targets"), "{}", explorer.screen());
}

#[test]
fn muted_findings_were_not_listed_and_could_not_be_unmuted() {
    let mut explorer = start(130, 34);
    explorer.press("5 X").types("our own mirror").press("Enter");
    assert!(explorer.screen().contains("▸ 1 ordinary look-alike, 1 muted"), "{}", explorer.screen());
    explorer.press("o G");
    let screen = explorer.screen();
    assert!(screen.contains("203.0.113.7 (muted 1)"), "{screen}");
    assert!(screen.contains("192.0.2.10 (recurring job)"), "{screen}");
    assert!(screen.contains("Muted 1: our own mirror. X ends the mute."), "{screen}");
    assert!(screen.contains("2 of 2 set aside") && screen.contains("X unmute"), "{screen}");
    explorer.press("X");
    let screen = explorer.screen();
    assert!(screen.contains("no longer muted: scraping about 203.0.113.7"), "{screen}");
    assert!(screen.contains("5 Findings (3)") && explorer.muted.is_empty(), "{screen}");
}

#[test]
fn the_row_of_look_alikes_was_counted_and_offered_keys_without_an_effect() {
    let mut explorer = start(130, 34);
    explorer.press("5 G");
    let screen = explorer.screen();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("3 findings") && footer.contains("Enter list or hide"), "{footer}");
    assert!(!footer.contains("mute") && !footer.contains("= only"), "{footer}");
    explorer.press("o G");
    let screen = explorer.screen();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("1 of 1 set aside") && !footer.contains("mute"), "{footer}");
}

#[test]
fn findings_could_not_be_exported() {
    let folder = tempfile::tempdir().unwrap();
    let export = |keys: &str, extension: &str| {
        let path = folder.path().join(format!("{}.{extension}", keys.replace(' ', "")));
        let mut explorer = start(130, 34);
        explorer.press(keys).press(":").types(&format!("export {}", path.display())).press("Enter");
        assert!(explorer.screen().contains("written to"), "{}", explorer.screen());
        std::fs::read_to_string(&path).unwrap()
    };
    let csv = export("5", "csv");
    assert!(csv.starts_with("kind,dimension,value,start,end,"), "{csv}");
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(!csv.contains('\x1b') && !csv.contains('\u{202e}'), "{csv}");
    let marked = export("5 j m", "ndjson");
    assert!(marked.lines().count() == 1 && marked.contains("\"kind\":\"key-guessing\""), "{marked}");
    let all = export("5 o", "json");
    assert!(all.contains("\"label\":\"ordinary: recurring job\""), "{all}");
    assert!(export("5", "md").starts_with("| kind | dimension |"));
    let mut explorer = start(130, 34);
    explorer.press("5 e");
    assert!(explorer.screen().contains("export to tamarin-findings.csv"), "{}", explorer.screen());
}

#[test]
fn the_message_about_a_mute_was_cut_off_on_a_terminal_of_80_columns() {
    let mut explorer = start(80, 24);
    explorer.press("5 X").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("muted scraping about 203.0.113.7; o lists it"), "{screen}");
}

#[test]
fn the_marks_of_a_hidden_timeline_were_drawn_over_the_tabs() {
    for (columns, rows) in [(80, 15), (60, 12), (40, 10)] {
        let mut explorer = start(columns, rows);
        let screen = explorer.screen();
        let y = usize::from(Areas::of(&explorer.state).tabs.y);
        let tabs = screen.lines().nth(y).unwrap().to_owned();
        assert!(tabs.contains("1 Addresses"), "{screen}");
        assert!(!screen.contains(['▲', '△', '▔']), "{screen}");
        for keys in ["n", "n", "Esc v", "Left"] {
            let screen = explorer.press(keys).screen();
            assert_eq!(screen.lines().nth(y), Some(tabs.as_str()), "{keys}: {screen}");
        }
    }
}

#[test]
fn mutes_are_listed_with_what_they_hide_and_removed() {
    let mut explorer = start(80, 24);
    explorer.press("5 O");
    assert!(explorer.screen().contains("nothing is muted; X on a finding mutes it"), "{}", explorer.screen());
    explorer.press("X").types("our own mirror").press("Enter");
    explorer.press("X").types("").press("Enter 1 O");
    let screen = explorer.screen();
    insta::assert_snapshot!("mutes-80x24", explorer.screen_and_styles());
    assert!(
        screen.contains("scraping about 203.0.113.7") && screen.contains("key-guessing about"),
        "{screen}"
    );
    assert!(screen.contains("hides 1 finding · our own mirror"), "{screen}");
    assert!(!screen.contains("on/off"), "{screen}");
    explorer.press("Delete");
    let screen = explorer.screen();
    assert!(screen.contains("no longer muted: scraping about 203.0.113.7"), "{screen}");
    assert_eq!(explorer.muted.len(), 1);
    explorer.press("Delete");
    assert!(explorer.state.overlay.is_none() && explorer.muted.is_empty());
    assert!(explorer.press("5").screen().contains("5 Findings (3)"), "{}", explorer.screen());
}

#[test]
fn a_zoom_cut_the_time_of_a_finding_but_not_its_number() {
    let mut explorer = start(200, 50);
    // The zoom shows the first half of the hour of the finding.
    explorer.press("n n");
    let screen = explorer.screen();
    assert!(screen.contains("04-02 03:00–03:40  40 min  scraping: 572 MiB sent"), "{screen}");
    let night = APRIL + 27 * 3_600;
    explorer.press("Esc");
    explorer.state.layer_mut().time = TimeRange { start: Some(night), end: Some(night + 1_200) };
    explorer.press("n n");
    let screen = explorer.screen();
    assert!(screen.contains("04-02 03:00–03:40  40 min  scraping as a whole: 572 MiB sent"), "{screen}");
}

#[test]
fn a_narrow_zoom_showed_findings_of_all_times_without_their_times() {
    let mut explorer = start(200, 50);
    let alert = |explorer: &mut Explorer| {
        let screen = explorer.screen();
        screen.lines().find(|line| line.starts_with(" ! ")).unwrap_or_else(|| panic!("{screen}")).to_owned()
    };
    assert!(alert(&mut explorer).contains("! scraping  203.0.113.7 fetched"), "its time is on the screen");
    let start = APRIL + 10 * 3_600;
    explorer.state.layer_mut().time = TimeRange { start: Some(start), end: Some(start + 3_600) };
    explorer.press("j");
    let line = alert(&mut explorer);
    assert!(line.contains("! key-guessing  04-01 – 04-03: 198.51.100.7 was denied 18 times"), "{line}");
    explorer.press("5");
    let screen = explorer.screen();
    let note =
        "The numbers are of its whole time, not only of the time on the screen. 2 findings at other times.";
    assert!(screen.contains(note), "{screen}");
}

#[test]
fn a_day_in_the_filter_was_analysed_without_the_other_days() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:200").press("Enter");
    let last = explorer.state.found.latest;
    // The findings of the filter are those of all times; the time only selects them.
    explorer.press("/").types(" time:04-03").press("Enter");
    assert_eq!(explorer.state.found.latest, last, "of all times");
    assert!(explorer.screen().contains("5 Findings (2)"), "{}", explorer.screen());
    assert!(!explorer.screen().contains("! scraping"), "{}", explorer.screen());
    explorer.press("x").press("/").types("ip:192.0.2.10 time:04-01T02:00..04-01T02:10").press("Enter 5");
    let screen = explorer.screen();
    assert!(explorer.state.found.latest > last, "another filter");
    assert!(screen.contains("3 findings at other times"), "{screen}");
}

#[test]
fn what_is_ordinary_among_all_requests_was_a_finding_in_a_part_of_them() {
    let mut explorer = start(130, 34);
    // The same client, without the label.
    let mut part = findings();
    let job = part.benign.remove(0);
    part.findings.push(Finding { label: None, ..job });
    explorer.findings = Some(part);
    explorer.press("/").types("status:200").press("Enter 5 o G");
    let screen = explorer.screen();
    assert!(screen.contains("5 Findings (3)"), "{screen}");
    assert!(screen.contains("192.0.2.10 (recurring job)"), "{screen}");
}

#[test]
fn findings_had_no_subject_on_the_smallest_terminal() {
    let mut explorer = start(40, 10);
    let screen = explorer.press("5").screen();
    assert!(screen.contains("SUBJECT") && screen.contains("203.0…13.7"), "{screen}");
    explorer.press("Enter");
    assert!(explorer.screen().lines().last().unwrap().contains("Esc back"), "{}", explorer.screen());
}

#[test]
fn the_signs_on_the_time_axis_were_explained_nowhere() {
    let title = |explorer: &mut Explorer| explorer.screen().lines().nth(3).unwrap().to_owned();
    let mut explorer = start(130, 34);
    assert!(title(&mut explorer).contains("▲ finding"), "{}", explorer.screen());
    let mut explorer = Explorer::with_findings(130, 34, three_days(), Findings::default());
    explorer.press("j");
    let title = title(&mut explorer);
    assert!(title.contains("△ burst") && !title.contains("▲"), "{title}");
}

#[test]
fn a_sign_on_the_time_axis_hid_a_letter_of_a_time() {
    let mut explorer = start(80, 24);
    let screen = explorer.screen();
    let axis = screen.lines().find(|line| line.contains('▲')).unwrap();
    for time in ["04-01", "04-02", "04-03"] {
        assert!(axis.contains(time), "{screen}");
    }
    let reversed =
        |x: u16, y: u16| explorer.cells()[(x, y)].modifier.contains(ratatui::style::Modifier::REVERSED);
    let y = Areas::of(&explorer.state).axis.y;
    assert!((0..80).all(|x| !reversed(x, y)), "{screen}");
}

#[test]
fn the_explanation_was_far_from_a_short_list() {
    for (columns, rows) in [(200, 50), (300, 80)] {
        let mut explorer = start(columns, rows);
        explorer.press("5");
        let areas = Areas::of(&explorer.state);
        assert_eq!(areas.explanation.y, areas.rows.y + 8, "{}", explorer.screen());
        explorer.press("o");
        assert_eq!(Areas::of(&explorer.state).explanation, areas.explanation, "nothing moves");
    }
}

#[test]
fn a_finding_of_the_whole_time_took_the_colours_of_all_bars() {
    let mut explorer = start(130, 34);
    explorer.press("5 o G").screen();
    let bars = Areas::of(&explorer.state).bars;
    let theme = explorer.state.theme;
    let has_colour = |of: ratatui::style::Style| {
        let cells = bars.positions().map(|at| &explorer.cells()[at]);
        cells.filter(|cell| cell.symbol() != " ").any(|cell| Some(cell.fg) == of.fg)
    };
    assert!(has_colour(theme.bar()) && !has_colour(theme.bar_selected()));
}

#[test]
fn a_filter_changed_the_numbers_of_a_finding_without_a_word() {
    let mut explorer = Explorer::with_findings(130, 34, three_days(), findings());
    explorer.press("5");
    assert!(!explorer.screen().contains("match the filter are counted"), "{}", explorer.screen());
    explorer.press("/").types("key:photos/*").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("Only requests that match the filter are counted."), "{screen}");
}
