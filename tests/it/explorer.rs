//! The explorer as users see it: the real program on a pseudo-terminal.

use std::ffi::OsStr;
use std::path::Path;

use super::home::{Home, line, stderr};
use super::support::terminal::Terminal;

fn explore(arguments: &[&OsStr], size: (u16, u16)) -> Terminal {
    Terminal::start(Path::new(env!("CARGO_BIN_EXE_tamarin")), arguments, size).unwrap()
}

fn demo(cache: &Path) -> Terminal {
    explore(
        &["demo".as_ref(), "--requests".as_ref(), "3000".as_ref(), "--cache".as_ref(), cache.as_os_str()],
        (130, 34),
    )
}

fn is_restored(terminal: &Terminal) -> bool {
    let parser = terminal.screen();
    let screen = parser.screen();
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && !screen.bracketed_paste()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}

#[test]
fn drilling_down_to_one_request_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    terminal.wait_for("▌ 198.51.100.23").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("Addresses › 198.51.100.23 › Objects").unwrap();
    terminal.wait_for("KEY ").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("TIME ▲").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("One request, all fields").unwrap();
    for above in ["TIME ▲", "by key ▾", "by remote_ip ▾"] {
        terminal.press("\x1b").unwrap();
        terminal.wait_for(above).unwrap();
    }
    terminal.wait_for("all requests").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert!(is_restored(&terminal), "the terminal is restored");
}

#[test]
fn the_name_of_a_time_zone_was_utc_without_a_word() {
    if !Path::new("/usr/share/zoneinfo/Asia/Kolkata").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("demo.db");
    let arguments =
        ["demo".as_ref(), "--requests".as_ref(), "300".as_ref(), "--cache".as_ref(), cache.as_os_str()];
    let zone = [("TZ", "Asia/Kolkata".to_owned())];
    let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
    let mut terminal = Terminal::start_in(program, &arguments, &zone, (130, 34)).unwrap();
    terminal.wait_for("300 requests").unwrap();
    terminal.press("t").unwrap();
    terminal.wait_for("times are in Asia/Kolkata (UTC+5:30)").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[test]
fn an_error_in_a_filter_is_shown_and_esc_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    terminal.press("/nonsense:1").unwrap();
    terminal.wait_for("unknown field").unwrap();
    terminal.press("\x1b").unwrap();
    terminal.wait_for("all requests").unwrap();
    terminal.press("/status:403\r").unwrap();
    terminal.wait_for("▸ http_status:403").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_signal_restores_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    let process = terminal.process().unwrap().to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &process]).status().unwrap();
    assert!(sent.success());
    terminal.wait_for_end().unwrap();
    assert!(is_restored(&terminal), "the terminal is restored");
}

#[test]
fn redrawing_does_not_wait_for_a_reply_of_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    terminal.press("\x0c2").unwrap();
    terminal.wait_for("by key ▾").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[test]
fn an_unreachable_bucket_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let mut terminal = explore(
        &[
            "s3://acme-logs/media/".as_ref(),
            "--endpoint-url".as_ref(),
            // The port of the discard service: nothing listens there.
            "http://127.0.0.1:9".as_ref(),
            "--no-sign-request".as_ref(),
            "--region".as_ref(),
            "us-east-1".as_ref(),
            "--cache".as_ref(),
            cache.as_os_str(),
        ],
        (100, 30),
    );
    terminal.wait_for("cannot reach").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert!(!cache.exists(), "an empty cache is removed");
}

/// The names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn follow_mode_shows_new_requests_and_leaves_only_the_cache() {
    let home = Home::new();
    let logs = home.path("logs");
    let kept = home.path("kept");
    std::fs::create_dir(&kept).unwrap();
    let cache = kept.join("cache.db");
    let mut terminal = explore(
        &[logs.as_os_str(), "--every".as_ref(), "1s".as_ref(), "--cache".as_ref(), cache.as_os_str()],
        (130, 34),
    );
    terminal.wait_for("3 requests").unwrap();
    terminal.wait_for("✓ every 1s").unwrap();
    terminal.wait_for(" d ago)").unwrap();
    let add = |name: &str, second, key: &str| {
        let content = line(second, "192.0.2.5", "-", "REST.GET.OBJECT", key, 200, "7");
        std::fs::write(logs.join(name), content).unwrap();
    };
    add("2026-04-01-04-00-00-CCCC", 10_800, "d.mp4");
    terminal.wait_for("4 requests").unwrap();
    // A late delivery: older than requests that were read before.
    add("2026-04-01-00-10-00-DDDD", 30, "e.mp4");
    terminal.wait_for("5 requests").unwrap();
    // A log file that cannot be read is reported, and read when it is replaced.
    std::fs::write(logs.join("2026-04-01-05-00-00-EEEE.gz"), b"\x1f\x8b\x08 torn").unwrap();
    terminal.wait_for("1 failed").unwrap();
    std::fs::remove_file(logs.join("2026-04-01-05-00-00-EEEE.gz")).unwrap();
    add("2026-04-01-05-00-00-EEEE", 14_400, "f.mp4");
    terminal.wait_for("6 requests").unwrap();
    terminal.wait_for("✓ every 1s").unwrap();
    assert!(!terminal.contents().contains("failed"), "{}", terminal.contents());
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert_eq!(names(&kept), ["cache.db"]);
    let whole = home.rows(&["report", "total", "--cache", cache.to_str().unwrap()]);
    assert_eq!(whole[0]["requests"], 6);
    assert_eq!(names(&kept), ["cache.db"], "reading leaves no other files, either");
    // Each pull added one request; their segments were merged.
    let segments =
        rusqlite::Connection::open(&cache)
            .unwrap()
            .query_row("SELECT count(*) FROM segment", [], |row| row.get::<_, i64>(0));
    assert_eq!(segments, Ok(1));
}

#[test]
fn monitored_sources_are_followed_when_none_is_named() {
    let home = Home::new();
    let cache = home.path("cache.db");
    let cache_name = cache.to_str().unwrap();
    let logs = home.path("logs");
    home.succeeds(&["sources", "add", logs.to_str().unwrap(), "--cache", cache_name]);
    let mut terminal =
        explore(&["--every".as_ref(), "1s".as_ref(), "--cache".as_ref(), cache.as_os_str()], (80, 24));
    terminal.wait_for("3 requests").unwrap();
    terminal.wait_for("✓ every 1s").unwrap();
    terminal.wait_for("d ago").unwrap();
    let late = line(10_800, "192.0.2.5", "-", "REST.GET.OBJECT", "d.mp4", 200, "7");
    std::fs::write(logs.join("2026-04-01-04-00-00-CCCC"), late).unwrap();
    terminal.wait_for("4 requests").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[test]
fn a_cache_that_another_process_writes_can_be_explored_but_is_not_pulled() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "--cache", "c.db"]);
    let (logs, cache) = (home.path("logs"), home.path("c.db"));
    let other = tamarin::cache::Writer::open(&cache).unwrap();
    let size = (250, 34);
    let mut terminal = explore(&[logs.as_os_str(), "--cache".as_ref(), cache.as_os_str()], size);
    terminal.wait_for("3 requests").unwrap();
    terminal.wait_for("is being written by another Tamarin (process").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    drop(other);

    // An explorer without sources does not lock the cache.
    home.succeeds(&["sources", "pause", "logs", "--cache", "c.db"]);
    let mut terminal = explore(&["--cache".as_ref(), cache.as_os_str()], size);
    terminal.wait_for("3 requests").unwrap();
    home.succeeds(&["sources", "resume", "logs", "--cache", "c.db"]);
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[test]
fn follow_mode_without_sources_is_refused_before_the_terminal_is_set_up() {
    let home = Home::new();
    let error = stderr(&home.run(&["report", "total", "--every", "5m"]));
    assert!(error.contains("--every"), "{error}");
    let mut terminal = explore(
        &["--every".as_ref(), "5m".as_ref(), "--cache".as_ref(), home.path("none.db").as_os_str()],
        (100, 30),
    );
    terminal.wait_for("no source to pull from").unwrap();
    assert_eq!(terminal.wait_for_end().unwrap().exit_code(), 2);
}

#[test]
fn the_explorer_leaves_only_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    terminal.wait_for("✓").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert_eq!(names(folder.path()), ["demo.db"]);
}

#[test]
fn a_wrong_source_of_the_configuration_file_was_silently_skipped() {
    let home = Home::new();
    let (config, cache, logs) = (home.path("wrong.toml"), home.path("c.db"), home.path("logs"));
    std::fs::write(&config, format!("sources = [{logs:?}, \"/no/such/folder\"]\n")).unwrap();
    let arguments: [&OsStr; 4] =
        ["--config".as_ref(), config.as_os_str(), "--cache".as_ref(), cache.as_os_str()];
    // Without a cache it is an error, as in a pull.
    let mut terminal = explore(&arguments, (130, 34));
    terminal.wait_for("/no/such/folder: no such file or folder").unwrap();
    assert_eq!(terminal.wait_for_end().unwrap().exit_code(), 1);
    home.succeeds(&["pull", "logs", "--cache", "c.db"]);
    let mut terminal = explore(&arguments, (130, 34));
    terminal.wait_for("3 requests").unwrap();
    terminal.wait_for("1 failed").unwrap();
    terminal.press("!").unwrap();
    terminal.wait_for("no such file or folder; check the path").unwrap();
    terminal.press("\x1bq").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    // A file that was pulled once and is gone is no failure.
    let file = home.path("once.log");
    std::fs::write(&file, line(1, "192.0.2.1", "-", "REST.GET.OBJECT", "a", 200, "7")).unwrap();
    home.succeeds(&["pull", "once.log", "--cache", "once.db"]);
    std::fs::remove_file(&file).unwrap();
    let mut terminal = explore(&["--cache".as_ref(), home.path("once.db").as_os_str()], (130, 34));
    terminal.wait_for("1 request").unwrap();
    assert!(!terminal.screen().screen().contents().contains("failed"));
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[test]
fn a_piped_log_is_explored_with_keys_from_the_terminal() {
    let home = Home::new();
    let log = home.path("piped.log");
    let lines: Vec<String> =
        (0..3).map(|second| line(second, "192.0.2.1", "-", "REST.GET.OBJECT", "a", 200, "7")).collect();
    std::fs::write(&log, lines.concat()).unwrap();
    let cache = home.path("piped.db");
    let tamarin = env!("CARGO_BIN_EXE_tamarin");
    let start = |pipe: &str| {
        let command = format!("{pipe} | {tamarin} - --cache {}", cache.display());
        Terminal::start(Path::new("/bin/sh"), &["-c".as_ref(), command.as_ref()], (130, 34)).unwrap()
    };
    let mut terminal = start(&format!("cat {}", log.display()));
    terminal.wait_for("3 requests").unwrap();
    terminal.wait_for("standard input").unwrap();
    terminal.wait_for("row 1 of 1").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("Addresses › 192.0.2.1 › Objects").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert!(is_restored(&terminal), "the terminal is restored");
}

#[test]
fn the_explorer_ends_although_the_pipe_with_the_log_stays_open() {
    let home = Home::new();
    let (pipe, cache) = (home.path("pipe"), home.path("piped.db"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let tamarin = env!("CARGO_BIN_EXE_tamarin");
    let command = format!("exec {tamarin} - --cache {} < {}", cache.display(), pipe.display());
    let mut terminal =
        Terminal::start(Path::new("/bin/sh"), &["-c".as_ref(), command.as_ref()], (130, 34)).unwrap();
    let writer = std::fs::File::options().write(true).open(&pipe).unwrap();
    terminal.wait_for("standard input").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert!(is_restored(&terminal), "the terminal is restored");
    drop(writer);
}
