//! Filters: the prompt, the commands for a cell, the list of terms.

use crate::tui::journeys::start;
use crate::tui::testing::{Explorer, three_days};

#[test]
fn only_and_not_add_a_term_for_the_cell_under_the_cursor() {
    let mut explorer = start(80, 24);
    explorer.press("-");
    assert!(explorer.screen().contains("-remote_ip:203.0.113.7"));
    assert!(explorer.screen().contains("252 of 372 requests"));
    explorer.press("Backspace");
    assert!(explorer.screen().contains("all requests"));
    // A cell of a request: its status.
    explorer.press("4 l l =");
    assert!(explorer.screen().contains("▸ http_status:200"), "{}", explorer.screen());
    explorer.press("-");
    assert!(!explorer.screen().contains("▸ http_status:200"), "not this removes only this");
}

#[test]
fn marked_rows_become_one_term() {
    let mut explorer = start(80, 24);
    explorer.press("j m m");
    assert!(explorer.screen().contains("2 marked"));
    explorer.press("=");
    let screen = explorer.screen();
    assert!(screen.contains("144 of 372 requests"), "{screen}");
    assert!(screen.contains("of 2"), "{screen}");
    assert!(!screen.contains("marked"));
}

#[test]
fn terms_are_switched_off_and_on_and_removed() {
    let mut explorer = start(80, 24);
    explorer.press("= f Space");
    assert!(explorer.screen().contains("[ ] remote_ip:203.0.113.7"));
    assert!(explorer.screen().contains("372 requests"));
    explorer.press("Space");
    assert!(explorer.screen().contains("[x] remote_ip:203.0.113.7"));
    explorer.press("Delete");
    assert!(explorer.screen().contains("all requests"), "{}", explorer.screen());
}

#[test]
fn the_table_follows_a_typed_filter_and_esc_restores_it() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("status:403");
    let screen = explorer.screen();
    assert!(screen.contains("36 requests match"), "{screen}");
    insta::assert_snapshot!("prompt-80x24", screen);
    explorer.press("Esc");
    assert!(explorer.screen().contains("all requests"));
    explorer.press("/").types("status:403").press("Enter");
    assert!(explorer.screen().contains("▸ http_status:403"));
    explorer.press("x / Up");
    assert!(explorer.screen().contains("filter status:403"), "history: {}", explorer.screen());
}

#[test]
fn an_error_in_a_filter_is_shown_at_its_place() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("ip:192.0.2.10 statsu:4");
    let screen = explorer.screen();
    insta::assert_snapshot!("prompt-error-80x24", screen);
    explorer.press("Enter");
    assert!(explorer.screen().contains("did you mean"), "it is not applied");
    explorer.press("Esc");
    assert!(explorer.screen().contains("all requests"));
}

#[test]
fn tab_completes_names_and_values() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("remo").press("Tab").types("198").press("Tab Enter");
    assert!(explorer.screen().contains("▸ remote_ip:198.51.100.7"), "{}", explorer.screen());
    explorer.press("x /").types("ip:192").press("Tab");
    assert!(explorer.screen().contains("filter ip:192.0.2.11"), "{}", explorer.screen());
}

#[test]
fn x_clears_a_filter_that_matches_nothing() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("key:nosuch").press("Enter");
    let screen = explorer.screen();
    insta::assert_snapshot!("nothing-matches-80x24", screen);
    explorer.press("x");
    assert!(explorer.screen().contains("203.0.113.7"));
}

#[test]
fn dates_are_typed_as_the_screen_shows_them() {
    let mut explorer = start(130, 34);
    for (typed, term) in [
        ("04-02", "▸ time:2026-04-02"),
        ("time:04-02", "▸ time:2026-04-02"),
        ("04-02 03:00", "▸ time:2026-04-02T03:00"),
        ("time:2026-04-02 03:00", "▸ time:2026-04-02T03:00"),
        ("04-02 03:00–06:00", "▸ time:2026-04-02T03:00..2026-04-02T06:00"),
        ("04-01 – 04-02 status:403", "▸ time:2026-04-01..2026-04-02 ▸ http_status:403"),
    ] {
        explorer.press("x /").types(typed).press("Enter");
        assert!(explorer.screen().contains(term), "{typed}: {}", explorer.screen());
    }
}

#[test]
fn an_empty_result_is_explained_with_the_nearest_values() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("error:AccesDenied");
    let reason = "No request has error_code AccesDenied; near: AccessDenied (36)";
    assert!(explorer.screen().contains(reason), "{}", explorer.screen());
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("Nothing matches") && screen.contains(reason), "{screen}");
    explorer.press("x /").types("status:403 ip:203.0.113.7").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("Every term matches requests, but no request matches all of them"), "{screen}");
    assert!(screen.contains("without http_status:403 120,"), "{screen}");
    assert!(screen.contains("remote_ip:203.0.113.7 36"), "{screen}");
    explorer.press("x /").types("ip:203.0.113.77").press("Enter");
    assert!(explorer.screen().contains("near: 203.0.113.7 (120)"), "{}", explorer.screen());
    explorer.press("x /").types("error:accessdenied op:get").press("Enter");
    assert!(explorer.screen().contains("36 of 372"), "any case: {}", explorer.screen());
}

#[test]
fn values_are_completed_by_their_frequency() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("ip:").press("Tab");
    let prompt = explorer.state.prompt.as_ref().unwrap();
    assert_eq!(prompt.completion.as_ref().unwrap().candidates[0], "203.0.113.7", "the most frequent first");
    explorer.press("Esc /").types("sta").press("Tab");
    assert!(explorer.screen().contains("filter status:"), "{}", explorer.screen());
    explorer.press("Esc /").types("stat:4");
    assert!(explorer.screen().contains("did you mean \"status\"?"), "{}", explorer.screen());
}

#[test]
fn the_parts_of_a_typed_filter_have_styles() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("status:403 -(key~film or statsu:4");
    insta::assert_snapshot!("prompt-styles", explorer.screen_and_styles());
}

#[test]
fn a_filter_that_cannot_be_answered_seemed_to_select_everything() {
    let mut explorer = Explorer::with(130, 34, three_days());
    explorer.press("/").types("country:DE");
    assert!(explorer.screen().contains("country needs a database"), "{}", explorer.screen());
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("This query failed"), "{screen}");
    assert!(!screen.contains("▌ 203.0.113.7"), "no rows of the filter before: {screen}");
    explorer.press("U");
    assert!(explorer.screen().contains("▌ 203.0.113.7"), "{}", explorer.screen());
}

#[test]
fn the_hint_below_the_prompt_overwrote_the_count() {
    let mut explorer = start(40, 24);
    explorer.press("/").types("status:403");
    let screen = explorer.screen();
    assert!(screen.contains("36 requests match, "), "{screen}");
    assert!(!screen.contains("history"), "{screen}");
    let mut explorer = start(80, 24);
    explorer.press("/").types("status:403");
    assert!(explorer.screen().contains("Tab completes  ↑ history"), "{}", explorer.screen());
}

#[test]
fn terms_that_exclude_each_other_are_explained_before_the_query_ends() {
    let mut explorer = start(80, 24);
    explorer.holds_answers = true;
    explorer.press("/").types("status:200 status:404");
    let screen = explorer.screen();
    assert!(screen.contains("No request matches both http_status:200 and http_status:404;"), "{screen}");
    assert!(screen.contains("http_status:200,404 matches either"), "in a second line: {screen}");
    explorer.types(",403");
    assert!(explorer.screen().contains("No request matches both http_status:200 and http_status:404,403"));
    explorer.press("Ctrl-u").types("status:200,404");
    assert!(!explorer.screen().contains("matches both"), "{}", explorer.screen());
}

#[test]
fn a_part_of_an_operation_was_shown_as_three_patterns() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("op:FOO").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("operation:FOO") && !screen.contains("*.FOO"), "{screen}");
    assert!(screen.contains("No request has operation FOO; most frequent: REST.GET.OBJECT"), "{screen}");
    explorer.press("x /").types("op:object").press("Enter");
    assert!(explorer.screen().contains("372 requests"), "{}", explorer.screen());
}

#[test]
fn a_list_of_completions_covered_half_of_an_error() {
    let mut explorer = start(80, 24);
    explorer.press("/").types("sta").press("Tab");
    let screen = explorer.screen();
    assert!(screen.contains("1 of 2") && !screen.contains("expected a value"), "{screen}");
    explorer.press("Esc").press("/").types("stat:4");
    let screen = explorer.screen();
    assert!(screen.contains("^ unknown field \"stat\"; did you mean \"status\"?"), "{screen}");
    assert!(!screen.contains("bucket_owner"), "a list of all fields covers the timeline: {screen}");
}

#[test]
fn the_requests_of_the_filter_before_were_said_to_match_an_incomplete_one() {
    let mut explorer = start(130, 34);
    explorer.types("/img");
    assert!(explorer.screen().contains(" requests match"), "{}", explorer.screen());
    explorer.press("Ctrl-u").types("sta").press("Tab");
    let screen = explorer.screen();
    assert!(screen.contains(" filter status:") && !screen.contains(" requests match"), "{screen}");
}

#[test]
fn a_status_that_is_typed_as_a_word_got_no_hint() {
    let mut explorer = start(130, 34);
    // Some keys have these digits, none has these.
    explorer.press("/").types("200");
    assert!(explorer.screen().contains("status:200?"), "{}", explorer.screen());
    explorer.press("Esc").press("/").types("403");
    assert!(explorer.screen().contains("status:403?"), "{}", explorer.screen());
    explorer.press("Esc").press("/").types("status:403");
    assert!(!explorer.screen().contains("status:403?"), "{}", explorer.screen());
}

#[test]
fn tab_did_not_take_the_hint_for_a_status() {
    let mut explorer = start(130, 34);
    explorer.press("/").types("photos 403").press("Tab Enter");
    assert_eq!(explorer.state.layer().filter.to_string(), "photos http_status:403", "{}", explorer.screen());
}
