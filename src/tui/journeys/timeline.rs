//! The timeline: brush, zoom, bursts.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::query::{RequestRow, TimeRange};
use crate::tui::journeys::start;
use crate::tui::model::{Areas, Tab, time_axes};
use crate::tui::testing::{APRIL, Explorer, get};
use crate::tui::theme::themes;

#[test]
fn brush_and_zoom() {
    let mut explorer = start(130, 34);
    explorer.press("v h Enter");
    assert!(explorer.screen().contains("▸ 04-02 02:00–04:00"), "{}", explorer.screen());
    explorer.press("z Z Z");
    assert!(explorer.screen().contains("all requests"));
    explorer.press("v Esc");
    assert!(explorer.state.brush.is_none());
    // With the mouse.
    let bars = Areas::of(&explorer.state).bars;
    let axis = time_axes::timeline(&explorer.state).unwrap();
    let column = |at: i64| bars.x + axis.column(axis.index(at), usize::from(bars.width)) as u16;
    let (from, to) = (column(APRIL + 27 * 3_600), column(APRIL + 30 * 3_600));
    explorer.mouse(MouseEventKind::Down(MouseButton::Left), from, bars.y);
    explorer.mouse(MouseEventKind::Drag(MouseButton::Left), to, bars.y);
    explorer.press("Enter");
    assert!(explorer.screen().contains("▸ 04-02 03:00–"), "{}", explorer.screen());
}

#[test]
fn bursts_are_found_and_described() {
    let mut explorer = start(130, 34);
    explorer.press("u u n");
    let screen = explorer.screen();
    assert!(screen.contains("burst 1 of 1: 124 requests in 40 min"), "{screen}");
    assert!(screen.contains("04-02 03:00–03:40  40 min  124 requests"), "{screen}");
    explorer.press("Enter 1");
    assert!(explorer.screen().contains("▸ 04-02 03:00–03:40"), "{}", explorer.screen());
}

#[test]
fn without_colours_a_selected_bar_is_not_reversed() {
    use ratatui::style::Modifier;
    let mut explorer = start(130, 34);
    explorer.state.theme = themes::of_program(themes::NONE).unwrap();
    explorer.press("v");
    explorer.screen();
    let areas = Areas::of(&explorer.state);
    let axis = time_axes::timeline(&explorer.state).unwrap();
    let brush = explorer.state.brush.clone().unwrap();
    let width = usize::from(areas.bars.width);
    let x = areas.bars.x + axis.column(axis.index(brush.moving), width) as u16;
    let cells = explorer.cells();
    let selected = &cells[(x, areas.bars.y)];
    assert_eq!(selected.symbol(), "█", "the brush begins at the highest bar");
    assert!(!selected.modifier.contains(Modifier::REVERSED), "a reversed full block looks empty");
    let beside = &cells[(areas.bars.x, areas.bars.bottom() - 1)];
    assert_ne!(selected.modifier, beside.modifier, "it differs from the other bars");
}

#[test]
fn a_burst_is_the_same_on_terminals_of_every_width() {
    let mut bursts = Vec::new();
    for columns in [70, 80, 130, 200, 300] {
        let mut explorer = start(columns, 34);
        explorer.press("u u n");
        let message = explorer.state.message.clone().unwrap().text;
        explorer.press("Enter");
        bursts.push((message, explorer.state.layer().time));
    }
    assert!(bursts.iter().all(|burst| *burst == bursts[0]), "{bursts:#?}");
    assert!(bursts[0].0.starts_with("burst 1 of 1: 124 requests in 40 min"), "{bursts:?}");
    assert_eq!(bursts[0].1.start, Some(APRIL + 27 * 3_600));
    assert_eq!(bursts[0].1.end, Some(APRIL + 27 * 3_600 + 2_400));
}

#[test]
fn keys_of_the_table_did_nothing_while_a_range_was_selected() {
    for select in ["v", "n"] {
        let mut explorer = start(130, 34);
        explorer.press(select);
        let brush = explorer.state.brush.clone();
        // `/status` was taken as a filter only outside: `u` switched the measure of the timeline.
        explorer.types("/status:403");
        assert_eq!(explorer.state.prompt.as_ref().unwrap().input.value(), "status:403");
        explorer.press("Enter");
        assert_eq!(explorer.state.layer().filter.to_string(), "http_status:403");
        assert_eq!(explorer.state.brush, brush, "the range stays selected");
        explorer.press("x 2 j s");
        assert_eq!(explorer.state.layer().tab, Tab::Objects);
        assert!(explorer.state.brush.is_some());
        explorer.press("?");
        assert!(explorer.screen().contains("Navigation"), "{}", explorer.screen());
        explorer.press("? Enter");
        assert!(explorer.state.brush.is_none() && explorer.screen().contains("▸ 04-02"));
        explorer.press("v q");
        assert!(explorer.has_quit);
    }
}

#[test]
fn the_sum_of_a_selected_burst_follows_the_filter() {
    let mut explorer = start(130, 34);
    explorer.press("u u n");
    assert!(explorer.screen().contains("40 min  124 requests"), "{}", explorer.screen());
    explorer.types("/status:403").press("Enter");
    assert!(explorer.screen().contains("03:40  40 min  1 request"), "{}", explorer.screen());
}

#[test]
fn a_key_without_a_command_did_nothing_silently() {
    let mut explorer = start(130, 34);
    for (before, key, hint) in [
        ("", "K", "K does nothing here; ? shows all keys"),
        ("v", "K", "K does nothing here; ? shows all keys"),
        ("Esc 4 Enter", "s", "s does nothing here; ? shows all keys"),
        ("Esc !", "w", "w does nothing here; Esc closes"),
    ] {
        explorer.press(before).press(key);
        assert_eq!(explorer.state.message.as_ref().unwrap().text, hint, "{before} {key}");
        assert!(explorer.screen().contains(hint), "{}", explorer.screen());
    }
}

#[test]
fn an_opened_request_hides_the_selected_range() {
    let mut explorer = start(130, 34);
    explorer.press("v 4");
    let row = Areas::of(&explorer.state).rows.y;
    for _ in 0..2 {
        explorer.mouse(MouseEventKind::Down(MouseButton::Left), 3, row);
    }
    assert!(explorer.state.layer().detail.is_some());
    explorer.press("Esc");
    assert!(explorer.state.layer().detail.is_none() && explorer.state.brush.is_some());
}

/// Requests of `start`, an hour apart.
fn requests_from(start: i64) -> Vec<RequestRow> {
    (0..30_u64)
        .map(|hour| RequestRow {
            id: (1, hour),
            ..get(start + 3_600 * hour as i64, "192.0.2.1", "a", 200, 1 + u64::from(hour == 20))
        })
        .collect()
}

#[test]
fn times_of_another_year_had_no_year() {
    for columns in [60, 80, 130, 200] {
        let mut explorer = Explorer::with(columns, 34, requests_from(APRIL - 5 * 365 * 86_400));
        let screen = explorer.screen();
        if columns >= 130 {
            assert!(screen.contains("2021-04-03 05:00"), "LAST SEEN: {screen}");
        }
        assert!(screen.contains("at 2021-04-02 20:00"), "peak: {screen}");
        assert!(explorer.press("v").screen().contains("2021-04-02 20:00–2"), "brush: {}", explorer.screen());
        assert!(explorer.press("Enter").screen().contains("▸ 2021-04-02 20:00–2"), "chip");
        let screen = explorer.press("Z 4").screen();
        assert!(screen.contains("  2021-04-02 05:00:00  "), "{screen}");
    }
}

#[test]
fn times_have_a_year_if_not_all_are_of_this_year() {
    let year_end = APRIL - 90 * 86_400;
    for (start, has_year) in [(APRIL, false), (year_end + 600, false), (year_end - 600, true)] {
        let mut explorer = Explorer::with(130, 34, requests_from(start));
        let screen = explorer.press("4").screen();
        let row = screen.lines().find(|line| line.starts_with("▌ ")).unwrap();
        assert_eq!(row.starts_with("▌ 2025-12-31 "), has_year, "{row}");
    }
}

#[test]
fn the_timeline_follows_the_order_of_the_table() {
    let mut explorer = start(130, 34);
    let title = |explorer: &mut Explorer| {
        let screen = explorer.screen();
        screen.lines().find(|line| line.contains(" per ")).unwrap().trim().to_owned()
    };
    assert!(title(&mut explorer).starts_with("bytes sent per hour, UTC"));
    explorer.press("h s");
    assert!(title(&mut explorer).starts_with("requests per hour, UTC"));
    explorer.types(":sort error_rate").press("Enter");
    assert!(title(&mut explorer).starts_with("errors per hour, UTC"));
    // The user chooses another measure; it stays until it is that of the order again.
    explorer.press("u");
    assert!(title(&mut explorer).starts_with("requests per hour"));
    explorer.types(":sort bytes_sent").press("Enter");
    assert!(title(&mut explorer).starts_with("requests per hour"));
    explorer.press("u");
    assert!(title(&mut explorer).starts_with("bytes sent per hour"));
    explorer.types(":sort requests").press("Enter");
    assert!(title(&mut explorer).starts_with("requests per hour"));
    explorer.press("t");
    assert!(title(&mut explorer).starts_with("requests per hour, UTC+2"), "{}", explorer.screen());
}

#[test]
fn errors_have_their_own_colours() {
    let mut log = Vec::new();
    for hour in 0..100_i64 {
        for n in 0..10 {
            let status = match (hour, n) {
                (50, 0..5) => 503,
                (60, 0..5) => 404,
                _ => 200,
            };
            log.push(get(APRIL + hour * 3_600 + n * 60, "192.0.2.1", "a", status, 1_000));
        }
    }
    (0..).zip(&mut log).for_each(|(number, row)| row.id = (1, number));
    let mut explorer = Explorer::with(130, 34, log);
    explorer.types(":sort requests").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("■ 4xx  ■ 5xx"), "{screen}");
    let areas = Areas::of(&explorer.state);
    let axis = time_axes::timeline(&explorer.state).unwrap();
    let colour = |hour: i64| {
        let index = axis.index(APRIL + hour * 3_600);
        let x = areas.bars.x + axis.column(index, usize::from(areas.bars.width)) as u16;
        explorer.cells()[(x, areas.bars.bottom() - 1)].fg
    };
    let theme = explorer.state.theme;
    let expected = [theme.bar(), theme.error(), theme.warning()].map(|style| style.fg.unwrap());
    assert_eq!([colour(49), colour(50), colour(60)], expected);
}

#[test]
fn an_incomplete_bucket_looked_like_a_low_one() {
    let mut explorer = Explorer::with(130, 34, requests_from(APRIL));
    explorer.types(":sort requests").press("Enter");
    let bars = |explorer: &mut Explorer| {
        let screen = explorer.screen();
        let bottom = usize::from(Areas::of(&explorer.state).bars.bottom() - 1);
        screen.lines().nth(bottom).unwrap().trim().to_owned()
    };
    // The log begins with a bucket and ends in one.
    assert!(
        bars(&mut explorer).starts_with('█') && bars(&mut explorer).ends_with('▒'),
        "{}",
        explorer.screen()
    );
    assert!(explorer.screen().contains("▒ incomplete"), "{}", explorer.screen());
    // A range that begins in a bucket.
    let time = crate::query::TimeRange { start: Some(APRIL - 60), end: Some(APRIL + 3_600 * 20) };
    explorer.state.layer_mut().time = crate::query::TimeRange { start: Some(APRIL + 3_000), ..time };
    explorer.press("j");
    let bars = bars(&mut explorer);
    assert!(!bars.ends_with('▒'), "{}", explorer.screen());
}

#[test]
fn bursts_are_marked_however_far_the_layer_is_zoomed_in() {
    for columns in [80, 130, 200] {
        let mut explorer = start(columns, 34);
        explorer.press("u u");
        let marks = |explorer: &mut Explorer| {
            explorer.screen();
            let y = Areas::of(&explorer.state).axis.y;
            // Over a label, the mark inverts the character.
            let is_mark = |x: &u16| {
                let cell = &explorer.cells()[(*x, y)];
                cell.symbol() == "△" || cell.modifier.contains(ratatui::style::Modifier::REVERSED)
            };
            (0..columns).filter(is_mark).count()
        };
        assert_eq!(marks(&mut explorer), 1, "{}", explorer.screen());
        explorer.press("n Enter");
        assert_eq!(explorer.state.layer().time.start, Some(APRIL + 27 * 3_600));
        explorer.press("Z z");
        assert_eq!(marks(&mut explorer), 1, "zoomed to the middle half: {}", explorer.screen());
        explorer.press("n");
        let message = explorer.state.message.clone().unwrap().text;
        assert!(message.starts_with("burst 1 of 1: 124 requests in 40 min"), "{columns}: {message}");
    }
}

#[test]
fn a_sparkline_has_whole_bars_of_the_timeline() {
    for columns in [100, 130, 160, 200, 300] {
        let explorer = start(columns, 34);
        let (Some(bars), Some(line)) =
            (time_axes::timeline(&explorer.state), time_axes::sparklines(&explorer.state))
        else {
            continue;
        };
        assert_eq!(line.bucket % bars.bucket, 0, "{columns}: {bars:?} {line:?}");
    }
}

#[test]
fn the_table_did_not_follow_the_selected_range() {
    let mut explorer = start(130, 34);
    explorer.press("j j");
    let before = explorer.screen();
    let row = explorer.selected();
    explorer.press("v");
    let screen = explorer.screen();
    assert!(!screen.contains("all 5: 372 requests"), "{screen}");
    explorer.press("Left Left");
    assert_ne!(explorer.screen(), screen, "the rows follow");
    explorer.press("Esc");
    assert_eq!(explorer.selected(), row, "the cursor is where it was");
    assert_eq!(explorer.screen(), before);
    // After a zoom, the rows are those of the range.
    explorer.press("v Enter");
    assert!(!explorer.screen().contains("all 5: 372 requests"), "{}", explorer.screen());
}

#[test]
fn most_hours_of_a_tiny_log_were_marked_as_bursts() {
    let log =
        (0..40).map(|n| get(APRIL + n * 61_000, "192.0.2.10", "a.jpg", 200, 1_000 * (n as u64 % 7 + 1)));
    let mut explorer = Explorer::with(80, 24, log.collect());
    let screen = explorer.screen();
    assert!(screen.contains("bytes sent per") && !screen.contains('△'), "{screen}");
}

#[test]
fn requests_without_bytes_were_an_empty_timeline() {
    let log: Vec<RequestRow> =
        (0..20).map(|n| get(APRIL + n * 3_600, "192.0.2.10", &format!("{n}.jpg"), 204, 0)).collect();
    let mut explorer = Explorer::with(80, 24, log);
    assert!(explorer.screen().contains(" requests per "), "{}", explorer.screen());
    assert!(explorer.screen().contains("peak 1 at"), "{}", explorer.screen());
    // What the user wants to see is shown.
    explorer.press("u");
    assert!(explorer.screen().contains(" bytes sent per "), "{}", explorer.screen());
}

#[test]
fn the_axis_of_four_days_showed_only_noons() {
    let noon = APRIL + 12 * 3_600;
    let log = (0..80).map(|hour| get(noon + hour * 3_600, "192.0.2.10", "a.jpg", 200, 1)).collect();
    let mut explorer = Explorer::with(80, 24, log);
    let screen = explorer.screen();
    for day in ["04-02", "04-03", "04-04"] {
        assert!(screen.lines().nth(5).is_some_and(|axis| axis.contains(day)), "{screen}");
    }
}

#[test]
fn weeks_on_the_axis_begin_on_monday() {
    let log = (0..70).map(|day| get(APRIL + day * 86_400, "192.0.2.10", "a.jpg", 200, 1)).collect();
    let mut explorer = Explorer::with(80, 24, log);
    let screen = explorer.screen();
    let axis = screen.lines().nth(5).unwrap();
    let labels: Vec<&str> = axis.split_whitespace().collect();
    assert!(labels.len() >= 4, "{screen}");
    for label in labels {
        let day: jiff::civil::Date = format!("2026-{label}").parse().unwrap();
        assert_eq!(day.weekday(), jiff::civil::Weekday::Monday, "{screen}");
    }
}

#[test]
fn bars_disappeared_after_a_zoom_until_the_answer_came() {
    let mut explorer = start(130, 34);
    let areas = Areas::of(&explorer.state);
    let has_bars = |explorer: &mut Explorer| {
        explorer.screen();
        let cells = explorer.cells();
        let bars = areas.bars;
        (bars.x..bars.right()).any(|x| cells[(x, bars.bottom() - 1)].symbol() != " ")
    };
    explorer.holds_answers = true;
    for keys in ["z", "z", "Z", "v Enter", "Enter"] {
        explorer.press(keys);
        assert!(has_bars(&mut explorer), "{keys}: {}", explorer.screen());
        // What is not known yet is not stated.
        assert!(!explorer.screen().contains("peak "), "{keys}: {}", explorer.screen());
        explorer.holds_answers = false;
        explorer.answer_held();
        explorer.holds_answers = true;
        assert!(explorer.screen().contains("peak "), "{keys}: {}", explorer.screen());
    }
}

#[test]
fn a_zoomed_range_had_odd_seconds() {
    let mut explorer = start(130, 34);
    let bars = Areas::of(&explorer.state).bars;
    let times = |explorer: &mut Explorer| -> (String, String) {
        let screen = explorer.screen();
        let mut lines = screen.lines().map(str::to_owned);
        (lines.next().unwrap(), lines.next().unwrap())
    };
    for x in [bars.x, bars.x + bars.width / 3, bars.right() - 1] {
        for step in 1..=6 {
            explorer.mouse(MouseEventKind::ScrollUp, x, bars.y);
            let (header, chips) = times(&mut explorer);
            let range = chips.trim().trim_start_matches("▸ ").to_owned();
            assert!(header.contains(&format!("2026-{range}")), "{step}: {header} {chips}");
            let axis = time_axes::timeline(&explorer.state).unwrap();
            let (from, to) = explorer.state.chosen_range(explorer.state.layer()).unwrap();
            for edge in [from, to] {
                let rest = (edge - axis.start).rem_euclid(i64::from(axis.bucket));
                assert_eq!(rest, 0, "{step}: {range} cuts a bar");
            }
            let has_seconds = range.matches(':').count() > 2;
            assert!(!has_seconds || axis.bucket < 60, "{step}: {range}");
        }
        explorer.press("Z Z Z Z Z Z");
    }
    // Without a history, zooming out keeps whole bars, too.
    let start = APRIL + 29 * 3_600;
    explorer.state.layer_mut().time = TimeRange { start: Some(start), end: Some(start + 70 * 60) };
    explorer.press("j Z");
    let (_, chips) = times(&mut explorer);
    assert!(chips.contains("04-02 04:24–06:46"), "{chips}");
}

#[test]
fn an_incomplete_week_looked_like_a_whole_one() {
    let mut explorer = start(130, 34);
    explorer.press("3 b").types("1 week").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("2026-03-30 Mon ▒"), "{screen}");
    assert!(screen.contains(", incomplete  only 04-01 00:00"), "{screen}");
    explorer.press("b").types("1 day").press("Enter");
    assert!(!explorer.screen().contains("Wed ▒"), "{}", explorer.screen());
}
