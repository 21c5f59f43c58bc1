//! The mouse: keys of the footer, entries of lists, the wheel on the timeline, releasing it.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::tui::journeys::start;
use crate::tui::model::Areas;
use crate::tui::testing::Explorer;

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

/// Clicks on the first place where `text` is on the screen.
fn click_on(explorer: &mut Explorer, text: &str) {
    let screen = explorer.screen();
    let found = screen.lines().enumerate().find_map(|(y, line)| {
        let at = line.find(text)?;
        Some((unicode_width::UnicodeWidthStr::width(&line[..at]), y))
    });
    let (x, y) = found.unwrap_or_else(|| panic!("{text}: {screen}"));
    explorer.mouse(CLICK, x as u16, y as u16);
}

#[test]
fn the_keys_in_the_footer_are_clickable() {
    let mut explorer = start(130, 34);
    click_on(&mut explorer, "= only");
    assert!(explorer.screen().contains("▸ remote_ip:203.0.113.7"), "{}", explorer.screen());
    click_on(&mut explorer, "? keys");
    assert!(explorer.state.overlay.is_some());
    explorer.press("Esc");
    click_on(&mut explorer, "/ filter");
    explorer.types("status:4");
    click_on(&mut explorer, "Esc cancel");
    assert!(explorer.state.prompt.is_none());
    explorer.press("y");
    click_on(&mut explorer, "c CSV");
    assert!(explorer.copied.last().unwrap().starts_with("remote_ip,"), "{:?}", explorer.copied);
}

#[test]
fn an_entry_of_a_list_takes_one_click() {
    let mut explorer = start(130, 34);
    explorer.press("b");
    click_on(&mut explorer, "user_agent ");
    assert!(explorer.state.overlay.is_none());
    assert!(explorer.screen().contains("USER AGENT"), "{}", explorer.screen());
    explorer.press("1 c");
    click_on(&mut explorer, "[x] REQUESTS");
    assert!(explorer.screen().contains("[ ] REQUESTS"), "{}", explorer.screen());
}

#[test]
fn the_wheel_zooms_on_the_timeline() {
    let mut explorer = start(130, 34);
    let bars = Areas::of(&explorer.state).bars;
    let x = bars.x + bars.width / 3;
    let before = explorer.state.visible_range().unwrap();
    explorer.mouse(MouseEventKind::ScrollUp, x, bars.y);
    let zoomed = explorer.state.visible_range().unwrap();
    let share = (zoomed.1 - zoomed.0) as f64 / (before.1 - before.0) as f64;
    assert!((0.45..0.55).contains(&share), "{share}");
    assert!(zoomed.0 > before.0 && zoomed.1 < before.1, "{before:?} {zoomed:?}");
    for _ in 0..40 {
        explorer.mouse(MouseEventKind::ScrollUp, x, bars.y);
    }
    assert!(explorer.screen().contains("zoomed in as far as possible"), "{}", explorer.screen());
    for _ in 0..40 {
        explorer.mouse(MouseEventKind::ScrollDown, x, bars.y);
    }
    assert_eq!(explorer.state.layer().time, explorer.state.session_time);
    // On the rows, the wheel scrolls.
    let cursor = explorer.state.layer().table().cursor;
    let rows = Areas::of(&explorer.state).rows;
    explorer.mouse(MouseEventKind::ScrollDown, x, rows.y + 2);
    assert_eq!(explorer.state.layer().time, explorer.state.session_time);
    assert_eq!(explorer.state.layer().table().cursor, cursor);
}

#[test]
fn a_key_leaves_the_mouse_to_the_terminal() {
    let mut explorer = start(80, 24);
    assert!(explorer.has_mouse);
    explorer.press("F3");
    assert!(!explorer.has_mouse);
    assert!(explorer.screen().contains("the mouse selects text; F3"), "{}", explorer.screen());
    explorer.press("/ F3");
    assert!(explorer.has_mouse, "also while typing");
}
