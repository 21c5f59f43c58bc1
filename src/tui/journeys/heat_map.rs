//! The heat map of a week.

use crate::tui::journeys::{snapshots, start};
use crate::tui::model::{Tab, heat_map};
use crate::tui::theme::themes;

#[test]
fn hours_of_the_week_are_shown_and_opened() {
    snapshots("heat-map", "w");
    let mut explorer = start(130, 34);
    explorer.press("w");
    assert_eq!(explorer.state.layer().tab, Tab::Time);
    let screen = explorer.screen();
    assert!(screen.contains("busiest Thu 03:00"), "{screen}");
    assert!(screen.contains("a shade per quarter of the hours, up to:  ░ "), "{screen}");
    explorer.press("g j j j l l l");
    let screen = explorer.screen();
    assert!(
        screen.contains("Thursday 03:00–03:59  125 requests · 572 MiB · 0.8 % errors on 1 day"),
        "{screen}"
    );
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("Week › Thursday › 03:00–03:59 › Addresses"), "{screen}");
    assert!(screen.contains("125 of 372 requests"), "{screen}");
    explorer.press("Esc");
    assert!(heat_map::is_shown(&explorer.state));
    explorer.press("s");
    assert!(
        explorer.screen().contains("not in the heat map; w shows the table of times"),
        "{}",
        explorer.screen()
    );
    // Keys of tables work; Esc shows the rows again.
    explorer.press("/").types("status:403").press("Enter");
    assert!(explorer.screen().contains("36 of 372 requests"), "{}", explorer.screen());
    explorer.press("Esc");
    assert!(explorer.screen().contains("TIME ▲"), "{}", explorer.screen());
    explorer.types(":heatmap").press("Enter");
    assert!(heat_map::is_shown(&explorer.state));
    explorer.press("1");
    assert!(!heat_map::is_shown(&explorer.state));
}

#[test]
fn a_heat_map_fits_every_screen() {
    for (columns, rows) in [(60, 16), (80, 24), (130, 34), (200, 50), (300, 60)] {
        let mut explorer = start(columns, rows);
        let screen = explorer.press("w").screen();
        for day in ["Mon", "Wed", "Sun"] {
            assert!(screen.contains(day), "{columns}×{rows}: {screen}");
        }
        explorer.types("/nothing-matches-this").press("Enter");
        assert!(explorer.screen().contains("Nothing matches"), "{}", explorer.screen());
    }
}

#[test]
fn one_very_busy_hour_made_all_other_hours_look_equal() {
    let mut explorer = start(80, 24);
    let screen = explorer.press("w").screen();
    for shade in ['░', '▒', '▓', '█'] {
        assert!(screen.contains(shade), "{screen}");
    }
    assert!(screen.contains("by quarters") && screen.contains("busiest Thu 03:00"), "{screen}");
}

#[test]
fn on_a_low_terminal_the_weekend_of_the_heat_map_could_not_be_seen() {
    let mut explorer = start(40, 10);
    assert!(!explorer.press("w").screen().contains("Sun"));
    let screen = explorer.press("j j j j j j").screen();
    assert!(screen.contains("Sun") && screen.contains("Sun 12:00"), "{screen}");
}

#[test]
fn the_cursor_looked_like_the_busiest_hour() {
    for name in [themes::DARK, themes::LIGHT, themes::SIXTEEN_DARK, themes::SIXTEEN_LIGHT] {
        let theme = themes::of_program(name).unwrap();
        assert_ne!(theme.selected(theme.mark()).fg, theme.warning().fg, "{name}");
        assert_ne!(theme.selected(theme.mark()).fg, theme.bar().fg, "{name}");
    }
}

#[test]
fn the_hour_under_the_cursor_could_not_be_found_without_colours() {
    let mut explorer = start(130, 34);
    explorer.press("w");
    assert!(!explorer.screen().contains(']'), "{}", explorer.screen());
    explorer.state.theme = crate::tui::theme::themes::of_program("none").unwrap();
    let screen = explorer.screen();
    let marked = screen.lines().filter(|line| line.contains('[') && line.contains(']')).count();
    assert!(marked > 0, "{screen}");
}

#[test]
fn an_hour_outside_of_the_time_range_had_no_requests_on_0_days() {
    let log = crate::tui::testing::three_days().into_iter().take(3).collect();
    let mut explorer = crate::tui::testing::Explorer::with(130, 34, log);
    explorer.press("w G");
    let screen = explorer.screen();
    assert!(screen.contains(":59  not in the time range"), "{screen}");
}
