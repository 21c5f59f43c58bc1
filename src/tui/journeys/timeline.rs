//! The timeline: brush, zoom, bursts.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::tui::Theme;
use crate::tui::journeys::start;
use crate::tui::model::{Areas, time_axes};
use crate::tui::testing::APRIL;

#[test]
fn brush_and_zoom() {
    let mut explorer = start(130, 34);
    explorer.press("v h Enter");
    assert!(explorer.screen().contains("▸ 04-02 02:00:00 – 04-02 04:00:00"), "{}", explorer.screen());
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
    assert!(explorer.screen().contains("▸ 04-02 03:00:00"), "{}", explorer.screen());
}

#[test]
fn bursts_are_found_and_described() {
    let mut explorer = start(130, 34);
    explorer.press("n");
    let screen = explorer.screen();
    assert!(screen.contains("burst 1 of 1: 124 requests in 40 min"), "{screen}");
    assert!(screen.contains("04-02 03:00:00 – 04-02 03:40:00  40 min  124 requests"), "{screen}");
    explorer.press("Enter 1");
    assert!(explorer.screen().contains("▸ 04-02 03:00:00 – 04-02 03:40:00"), "{}", explorer.screen());
}

#[test]
fn without_colours_a_selected_bar_is_not_reversed() {
    use ratatui::style::Modifier;
    let mut explorer = start(130, 34);
    explorer.state.theme = Theme::PLAIN;
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
        explorer.press("n");
        let message = explorer.state.message.clone().unwrap().text;
        explorer.press("Enter");
        bursts.push((message, explorer.state.layer().time));
    }
    assert!(bursts.iter().all(|burst| *burst == bursts[0]), "{bursts:#?}");
    assert!(bursts[0].0.starts_with("burst 1 of 1: 124 requests in 40 min"), "{bursts:?}");
    assert_eq!(bursts[0].1.start, Some(APRIL + 27 * 3_600));
    assert_eq!(bursts[0].1.end, Some(APRIL + 27 * 3_600 + 2_400));
}
