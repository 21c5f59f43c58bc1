//! The explorer as a person has it: the real program on a pseudo-terminal.

use std::ffi::OsStr;
use std::path::Path;

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
fn from_the_biggest_consumer_down_to_one_request_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    terminal.wait_for("▌ 198.51.100.23").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("▸ remote_ip:198.51.100.23").unwrap();
    terminal.wait_for("KEY ").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("TIME ▲").unwrap();
    terminal.press("\r").unwrap();
    terminal.wait_for("One request, every field").unwrap();
    for above in ["TIME ▲", "by key ▾", "by remote_ip ▾"] {
        terminal.press("\x1b").unwrap();
        terminal.wait_for(above).unwrap();
    }
    terminal.wait_for("every request").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    assert!(is_restored(&terminal), "the terminal is left as it was found");
}

#[test]
fn a_filter_with_an_error_says_so_and_escape_takes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    terminal.press("/nonsense:1").unwrap();
    terminal.wait_for("unknown field").unwrap();
    terminal.press("\x1b").unwrap();
    terminal.wait_for("every request").unwrap();
    terminal.press("/status:403\r").unwrap();
    terminal.wait_for("▸ http_status:403").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo(&folder.path().join("demo.db"));
    terminal.wait_for("3,000 requests").unwrap();
    let process = terminal.process().unwrap().to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &process]).status().unwrap();
    assert!(sent.success());
    terminal.wait_for_end().unwrap();
    assert!(is_restored(&terminal), "the terminal is left as it was found");
}

#[test]
fn a_bucket_that_cannot_be_reached_is_explained_on_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let mut terminal = explore(
        &[
            "s3://acme-logs/media/".as_ref(),
            "--endpoint-url".as_ref(),
            // Nobody listens on the port of the discard service.
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
    assert!(!cache.exists(), "no empty cache is left behind");
}
