//! Links (OSC 8) of the explorer, as a terminal receives them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::support::terminal::{Device, Terminal};

type Parser = vt100::Parser<Device>;

/// An explorer of a demo, with an open request.
fn open_request(folder: &Path, force: &str) -> Terminal {
    let cache = folder.join("demo.db");
    let arguments: [&OsStr; 7] = [
        "demo".as_ref(),
        "--requests".as_ref(),
        "3000".as_ref(),
        "--filter".as_ref(),
        "status:404".as_ref(),
        "--cache".as_ref(),
        cache.as_os_str(),
    ];
    let environment = [("FORCE_HYPERLINK", force.to_owned())];
    let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
    let mut terminal = Terminal::start_in(program, &arguments, &environment, (100, 40)).unwrap();
    terminal.wait_for("of 3,000 requests").unwrap();
    terminal.wait_for("1 Addresses").unwrap();
    terminal.press("4").unwrap();
    terminal.wait_for("request 1 of").unwrap();
    terminal.press("\r").unwrap();
    let is_complete = |parser: &Parser| {
        !parser.callbacks().is_in_frame && parser.screen().contents().contains("absent fields")
    };
    terminal.wait_until("all fields", is_complete).unwrap();
    terminal
}

#[test]
fn a_terminal_with_links_shows_the_same_text_as_one_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut without = open_request(folder.path(), "0");
    assert_eq!(without.screen().callbacks().links, [""; 0]);
    // The header may say how far the pull is.
    let below_header = |terminal: &Terminal| {
        terminal.contents().lines().skip(1).map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    let plain = below_header(&without);
    without.press("q").unwrap();
    assert!(without.wait_for_end().unwrap().success());
    assert_eq!(without.screen().callbacks().links, [""; 0]);

    let mut with = open_request(folder.path(), "1");
    assert_eq!(below_header(&with), plain);
    let path = folder.path().join("a b.json");
    with.press(&format!(":export {}\r", path.display())).unwrap();
    with.wait_for("written to").unwrap();
    let links = with.screen().callbacks().links.clone();
    let has = |start: &str, end: &str| links.iter().any(|uri| uri.starts_with(start) && uri.ends_with(end));
    assert!(has("https://docs.aws.amazon.com/AmazonS3/latest/API/", "/API_GetObject.html"), "{links:?}");
    assert!(has("https://s3.console.aws.amazon.com/s3/buckets/", ""), "{links:?}");
    assert!(has("file://", "/a%20b.json"), "{links:?}");
    assert!(links.iter().all(|uri| uri.bytes().all(|byte| byte.is_ascii_graphic())), "{links:?}");
    with.press("q").unwrap();
    assert!(with.wait_for_end().unwrap().success());
    assert!(!with.screen().callbacks().is_in_link);
}

#[test]
fn a_link_does_not_continue_in_the_shell_after_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = open_request(folder.path(), "1");
    assert!(!terminal.screen().callbacks().links.is_empty());
    // As if a signal had ended the process within a frame.
    terminal.screen().process(b"\x1b]8;id=1;https://docs.aws.amazon.com/\x1b\\");
    assert!(terminal.screen().callbacks().is_in_link);
    let process = terminal.process().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    terminal.wait_for_end().unwrap();
    assert!(!terminal.screen().callbacks().is_in_link);
}
