//! What the screen shows while logs are read, in follow mode, when a source fails, and without requests.

use crate::ingest::{Failure, Phase, Progress};
use crate::tui::journeys::start;
use crate::tui::model::Action;
use crate::tui::testing::{Explorer, NOW, get, three_days};

#[test]
fn a_terminal_that_is_too_small() {
    let mut explorer = start(39, 9);
    insta::assert_snapshot!("too-small-39x9", explorer.screen());
    explorer.handle(Action::Resize(80, 24));
    assert!(explorer.screen().contains("203.0.113.7"));
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
fn while_logs_are_read_the_header_shows_progress_and_growing_numbers() {
    let mut explorer = Explorer::begin(130, 34, three_days(), Some(reading()));
    let first = explorer.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("372+ requests"), "{first}");
    assert!(first.contains("⟳ 8,214/9,000 files  1.1 M lines/s  0:42"), "{first}");
    let done = Progress { phase: Phase::Done, files_failed: 2, ..reading() };
    explorer.handle(Action::Progress(Box::new(done)));
    let first = explorer.screen().lines().next().unwrap().to_owned();
    assert!(!first.contains("✓") && first.contains("2 failed: ! shows why"), "{first}");
}

#[test]
fn a_pull_is_up_to_date_only_without_failures_and_with_log_files() {
    let good = Progress { phase: Phase::Done, ..reading() };
    let failure = Failure { name: "x".to_owned(), reason: "403".to_owned(), what: "403".to_owned() };
    for (progress, is_up_to_date) in [
        (good.clone(), true),
        (Progress { files_listed: 0, files_done: 0, files_known: 12, ..good.clone() }, true),
        (Progress { files_failed: 1, ..good.clone() }, false),
        (Progress { failures: vec![failure].into(), ..good.clone() }, false),
        // A CloudFront log alone.
        (Progress { files_listed: 1, files_skipped: 1, phase: Phase::Done, ..Progress::default() }, false),
        (Progress { files_skipped: 1, ..good.clone() }, true),
        (Progress { fatal: Some("no credentials".to_owned()), ..good }, false),
        (Progress { phase: Phase::Done, ..Progress::default() }, false),
    ] {
        for every in [None, Some(std::time::Duration::from_secs(300))] {
            let mut explorer = Explorer::begin(130, 34, three_days(), Some(progress.clone()));
            explorer.state.follow_interval = every;
            let first = explorer.screen().lines().next().unwrap().to_owned();
            assert_eq!(first.contains('✓'), is_up_to_date, "{first}");
            assert_eq!(first.contains("every 5m"), every.is_some(), "{first}");
        }
    }
}

#[test]
fn an_empty_cache_explains_why() {
    let mut explorer =
        Explorer::begin(80, 24, Vec::new(), Some(Progress { phase: Phase::Listing, ..reading() }));
    insta::assert_snapshot!("loading-80x24", explorer.screen());

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
    let mut explorer = Explorer::begin(80, 24, Vec::new(), Some(failed.clone()));
    insta::assert_snapshot!("unreachable-80x24", explorer.screen());
    explorer.press("!");
    assert!(explorer.screen().contains("403 AccessDenied"));

    // With cached requests: a note in the header, and the requests.
    let mut explorer = Explorer::begin(130, 34, three_days(), Some(failed));
    let screen = explorer.screen();
    assert!(screen.contains("not pulling: cached requests only"), "{screen}");
    assert!(screen.contains("203.0.113.7"), "{screen}");

    let mut explorer = Explorer::with(80, 24, Vec::new());
    insta::assert_snapshot!("empty-cache-80x24", explorer.screen());
}

#[test]
fn a_pull_that_could_not_begin_left_no_room_for_the_numbers() {
    let fatal = Some("another process is pulling into this cache".to_owned());
    let failed = Progress { phase: Phase::Failed, fatal, ..Progress::default() };
    let mut explorer = Explorer::begin(80, 24, three_days(), Some(failed));
    let first = explorer.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("372 requests") && first.ends_with("not pulling !"), "{first}");
}

#[test]
fn before_the_first_log_file_is_found_no_numbers_of_files_are_shown() {
    let listing = Progress { phase: Phase::Listing, ..Progress::default() };
    let mut explorer = Explorer::begin(80, 24, three_days(), Some(listing));
    let first = explorer.screen().lines().next().unwrap().to_owned();
    assert!(first.ends_with("⟳ listing"), "{first}");
}

#[test]
fn the_second_line_of_a_failure_began_left_of_the_first() {
    let reason = "cannot reach http://127.0.0.1:9 (Connection refused); check the network, the proxy and --endpoint-url";
    let failures =
        vec![Failure { name: "s3://acme".to_owned(), reason: reason.to_owned(), what: reason.to_owned() }];
    let failed =
        Progress { phase: Phase::Done, failures: failures.into(), files_failed: 1, ..Progress::default() };
    let mut explorer = Explorer::begin(80, 24, Vec::new(), Some(failed));
    let screen = explorer.press("!").screen();
    let begin = |word: &str| {
        let line = screen.lines().find(|line| line.contains('│') && line.contains(word)).unwrap();
        line.chars().position(|character| character.is_alphabetic())
    };
    assert_eq!(begin("cannot reach"), begin("--endpoint-url"), "{screen}");
}

#[test]
fn in_follow_mode_the_header_shows_the_interval_and_the_age_of_the_data() {
    let done = Progress { phase: Phase::Done, ..reading() };
    for (columns, rows) in [(80, 24), (130, 34)] {
        let mut explorer = Explorer::begin(columns, rows, three_days(), Some(done.clone()));
        explorer.state.follow_interval = Some(std::time::Duration::from_secs(300));
        insta::assert_snapshot!(format!("following-{columns}x{rows}"), explorer.screen());
    }
    // A request of today: the header shows its time, and its age grows.
    let mut log = three_days();
    log.push(get(NOW - 130, "192.0.2.99", "new", 200, 1));
    let mut explorer = Explorer::begin(130, 34, log, Some(done));
    explorer.state.follow_interval = Some(std::time::Duration::from_secs(300));
    let first = explorer.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("04-07 UTC  newest 04-07 23:57:50 (2 min ago)"), "{first}");
    assert!(first.ends_with("✓ every 5m"), "{first}");
    explorer.state.now.unix_seconds += 60;
    assert!(explorer.screen().contains("(3 min ago)"));
    // The next pull.
    explorer.handle(Action::Progress(Box::new(reading())));
    let first = explorer.screen().lines().next().unwrap().to_owned();
    assert!(first.contains("⟳ 8,214/9,000") && first.contains("newest "), "{first}");
}

#[test]
fn a_failed_pull_in_follow_mode_is_retried() {
    let fatal = Some("s3://acme-logs: no credentials found; run `aws sso login`".to_owned());
    let failed = Progress { phase: Phase::Failed, fatal, ..Progress::default() };
    for (columns, rows) in [(80, 24), (130, 34)] {
        let mut explorer = Explorer::begin(columns, rows, three_days(), Some(failed.clone()));
        explorer.state.follow_interval = Some(std::time::Duration::from_secs(300));
        let first = explorer.screen().lines().next().unwrap().to_owned();
        assert!(first.contains("every 5m, ! shows why"), "{first}");
        assert!(first.contains("newest "), "{first}");
        explorer.press("!");
        assert!(explorer.screen().contains("no credentials found"));
    }
    let mut explorer = Explorer::begin(80, 24, Vec::new(), Some(failed));
    explorer.state.follow_interval = Some(std::time::Duration::from_secs(300));
    assert!(explorer.screen().contains("Retrying every 5m."), "{}", explorer.screen());
}

#[test]
fn the_user_retries_what_could_not_be_read() {
    let fatal = Some("cannot reach s3.example.com: connection refused".to_owned());
    let failed = Progress { phase: Phase::Failed, fatal, ..Progress::default() };
    let mut explorer = Explorer::begin(80, 24, Vec::new(), Some(failed));
    let screen = explorer.screen();
    assert!(screen.contains("r retries") && !screen.contains("✓"), "{screen}");
    explorer.press("r");
    assert_eq!(explorer.retries, 1);
    explorer.handle(Action::Progress(Box::new(reading())));
    explorer.press("r");
    assert_eq!(explorer.retries, 1, "it is being read");
    let mut explorer = Explorer::with(80, 24, three_days());
    explorer.press("r");
    assert!(explorer.screen().contains("no source is being read"), "{}", explorer.screen());
}

fn unlisted() -> Progress {
    let reason = "s3://acme-logs/x/: cannot reach 127.0.0.1:9 (connection refused)".to_owned();
    let failure = Failure { name: "s3://acme-logs/x/".to_owned(), reason, what: "cannot reach".to_owned() };
    Progress { phase: Phase::Done, files_failed: 1, failures: vec![failure].into(), ..Progress::default() }
}

#[test]
fn a_source_that_cannot_be_reached_was_called_a_log_file_and_named_twice() {
    let mut explorer = Explorer::begin(100, 24, Vec::new(), Some(unlisted()));
    let screen = explorer.screen();
    assert!(screen.contains("1 source could not be read") && screen.contains("r retries"), "{screen}");
    assert_eq!(screen.matches("s3://acme-logs/x/").count(), 1, "{screen}");
    explorer.press("!");
    let screen = explorer.screen();
    let after = screen.split_once("Failures").unwrap().1;
    assert_eq!(after.matches("s3://acme-logs/x/").count(), 1, "{screen}");
}

#[test]
fn the_key_that_the_failures_name_did_nothing_there() {
    let mut explorer = Explorer::begin(100, 24, Vec::new(), Some(unlisted()));
    explorer.press("!");
    assert!(explorer.screen().contains("r retries now"), "{}", explorer.screen());
    explorer.press("r");
    assert_eq!(explorer.retries, 1);
    assert!(explorer.screen().contains("reading the sources again"), "{}", explorer.screen());
}

#[test]
fn the_message_of_a_retry_stayed_although_it_failed() {
    let mut explorer = Explorer::begin(100, 24, Vec::new(), Some(unlisted()));
    explorer.press("r");
    explorer.handle(Action::Progress(Box::new(Progress { phase: Phase::Listing, ..Progress::default() })));
    assert!(explorer.screen().contains("reading the sources again"));
    explorer.handle(Action::Progress(Box::new(unlisted())));
    let screen = explorer.screen();
    assert!(!screen.contains("reading the sources again") && screen.contains("! shows why"), "{screen}");
    explorer.press("r");
    explorer.handle(Action::Progress(Box::new(Progress { phase: Phase::Done, ..reading() })));
    assert!(explorer.state.message.is_none());
}

#[test]
fn the_command_for_rejected_lines_read_another_cache() {
    let mut explorer = Explorer::with(100, 24, three_days());
    explorer.state.cache_option = Some("/tmp/other.db".into());
    explorer.handle(Action::LogsCounted(crate::tui::LogCounts { rejected: 5, repeats: 0 }));
    explorer.press("!");
    let screen = explorer.screen();
    assert!(screen.contains("`tamarin sources rejected --cache=/tmp/other.db`"), "{screen}");
}

#[test]
fn a_name_of_two_words_was_saved_as_the_first_without_a_word() {
    let mut explorer = Explorer::with(130, 24, three_days());
    explorer.press(":").types("save my view").press("Enter");
    assert_eq!(explorer.saved.first().unwrap().name, "my");
    let screen = explorer.screen();
    assert!(screen.contains("saved as my with the description \"view\""), "{screen}");
}

#[test]
fn rejected_lines_and_repeats_were_invisible_with_a_warm_cache() {
    let done = Progress { phase: Phase::Done, files_listed: 3, files_known: 3, ..Progress::default() };
    let mut explorer = Explorer::begin(130, 34, three_days(), Some(done));
    explorer.handle(Action::LogsCounted(crate::tui::LogCounts { rejected: 5, repeats: 20 }));
    assert!(explorer.screen().lines().next().unwrap().contains("5 rejected !"), "{}", explorer.screen());
    explorer.press("!");
    let screen = explorer.screen();
    assert!(screen.contains("5 lines rejected") && screen.contains("20 exact repeats"), "{screen}");
}

#[test]
fn an_empty_folder_was_asked_for_its_bucket() {
    let done = Progress { phase: Phase::Done, ..Progress::default() };
    let mut explorer = Explorer::begin(80, 24, Vec::new(), Some(done));
    explorer.state.sources = vec!["/var/log/s3".to_owned()];
    let screen = explorer.screen();
    assert!(screen.contains("No log files were found there") && !screen.contains("bucket"), "{screen}");
}

#[test]
fn the_failures_were_cut_on_a_narrow_terminal() {
    let done = Progress { phase: Phase::Done, files_listed: 3, files_known: 3, ..Progress::default() };
    let mut explorer = Explorer::begin(40, 24, three_days(), Some(done));
    explorer.handle(Action::LogsCounted(crate::tui::LogCounts { rejected: 5, repeats: 0 }));
    let screen = explorer.press("!").screen();
    assert!(screen.contains("5 lines rejected") && screen.contains("prints them."), "{screen}");
}

#[test]
fn the_marks_of_the_timeline_were_drawn_over_the_tables_of_a_low_terminal() {
    let mut explorer = start(40, 10);
    let screen = explorer.screen();
    assert!(screen.contains(" 1 Addresses "), "{screen}");
    assert!(!screen.contains('△') && screen.contains("▌ 203.0.113.7"), "{screen}");
}

#[test]
fn a_pull_was_called_complete_before_its_last_requests_were_counted() {
    let done = || Progress { phase: Phase::Done, files_listed: 3, files_done: 3, ..Progress::default() };
    for (columns, complete, counting) in [(130, "✓ up to date", "⟳ counting"), (80, "✓", "⟳")] {
        let mut explorer = Explorer::begin(columns, 34, three_days(), Some(reading()));
        explorer.holds_answers = true;
        let generation = explorer.engine.add(vec![crate::tui::testing::get(
            crate::tui::testing::APRIL,
            "203.0.113.99",
            "films/new.mp4",
            200,
            1 << 40,
        )]);
        explorer.handle(Action::Progress(Box::new(done())));
        explorer.handle(Action::DataChanged(generation));
        let header = explorer.screen().lines().next().unwrap().to_owned();
        assert!(!header.contains('✓') && header.contains(counting), "{header}");
        explorer.holds_answers = false;
        explorer.answer_held();
        let header = explorer.screen().lines().next().unwrap().to_owned();
        assert!(header.contains(complete) && header.contains("373 requests"), "{header}");
    }
}

#[test]
fn a_long_message_was_cut_at_the_edge() {
    let mut explorer = start(80, 24);
    let message = "config.toml line 3, key theme: expected the name of a theme, not \"solarised\"; did you mean \
                   \"light\"? The themes are dark, light, high-contrast, 16-colours and auto";
    explorer.state.warn(message);
    let screen = explorer.screen();
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(message), "{screen}");
    explorer.press("j");
    assert!(!explorer.screen().contains("config.toml"), "{}", explorer.screen());
}

#[test]
fn without_requests_the_footer_offered_filters_and_contrasts() {
    let mut explorer = Explorer::with(130, 34, Vec::new());
    let screen = explorer.screen();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("q quit") && footer.contains("? keys"), "{footer}");
    assert!(!footer.contains("filter") && !footer.contains("contrast"), "{footer}");
}

#[test]
fn hints_of_an_empty_cache_were_cut_at_40_columns() {
    let mut explorer = Explorer::with(40, 16, Vec::new());
    let screen = explorer.screen();
    assert!(screen.contains("a file or") && screen.contains("folder,"), "{screen}");
    assert!(screen.contains("tamarin demo"), "{screen}");
}

#[test]
fn a_paused_screen_said_that_it_was_up_to_date() {
    let mut explorer = start(130, 34);
    explorer.handle(Action::Progress(Box::new(Progress { phase: Phase::Done, ..reading() })));
    assert!(explorer.screen().contains("✓ up to date"), "{}", explorer.screen());
    let screen = explorer.press("p").screen();
    assert!(screen.contains("paused") && !screen.contains("up to date"), "{screen}");
}
