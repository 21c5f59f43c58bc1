//! What people come to the explorer for, done with the real program on a pseudo-terminal: the keys that they press, what
//! the screen then says, and how many keys it took. Typed letters count as keys.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tempfile::TempDir;

use super::support::terminal::Terminal;

/// Requests of the demo. All of its incidents are in them.
const REQUESTS: &str = "20000";

/// The logs of the demo, and a cache that has them.
struct Demo {
    folder: TempDir,
}

impl Demo {
    /// One demo for all tests that run at the same time. Only one explorer pulls: the message of the others may shorten
    /// the word "requests" in the header.
    fn shared() -> Arc<Demo> {
        static MADE: Mutex<Weak<Demo>> = Mutex::new(Weak::new());
        let mut made = MADE.lock();
        made.upgrade().unwrap_or_else(|| {
            let demo = Arc::new(Demo { folder: tempfile::tempdir().unwrap() });
            *made = Arc::downgrade(&demo);
            demo.fill();
            demo
        })
    }

    fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("demo.db")
    }

    fn fill(&self) {
        let (logs, cache) = (self.logs(), self.cache());
        let run = |arguments: &[&std::ffi::OsStr]| {
            let program = env!("CARGO_BIN_EXE_tamarin");
            let state = self.folder.path().join("state");
            let command =
                std::process::Command::new(program).args(arguments).env("XDG_STATE_HOME", state).output();
            let output = command.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run(&["demo".as_ref(), "--requests".as_ref(), REQUESTS.as_ref(), "--out".as_ref(), logs.as_ref()]);
        run(&["pull".as_ref(), "-q".as_ref(), logs.as_ref(), "--cache".as_ref(), cache.as_ref()]);
    }
}

/// A user at a terminal that shows the explorer.
struct Person {
    terminal: Terminal,
    keys: usize,
    /// Where the explorer was started.
    folder: TempDir,
    _demo: Arc<Demo>,
}

impl Person {
    /// Opens the explorer and waits for the first screen and all findings.
    fn at_the_demo() -> Person {
        let person = Person::at(|demo| vec!["--cache".into(), demo.cache()]);
        person.sees("20,000 requests").sees("▌ 198.51.100.23").sees("5 Findings (").no_longer_sees("+)");
        person
    }

    fn at(arguments: impl Fn(&Demo) -> Vec<PathBuf>) -> Person {
        let demo = Demo::shared();
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(&demo);
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.as_os_str()).collect();
        let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
        let terminal = Terminal::start_at(folder.path(), program, &arguments, (130, 34)).unwrap();
        Person { terminal, keys: 0, folder, _demo: demo }
    }

    /// Presses keys, each of which may be several bytes.
    fn presses(&mut self, keys: &[&str]) -> &mut Person {
        for key in keys {
            self.terminal.press(key).unwrap();
        }
        self.keys += keys.len();
        self
    }

    fn types(&mut self, text: &str) -> &mut Person {
        self.terminal.press(text).unwrap();
        self.keys += text.chars().count();
        self
    }

    /// Waits until the screen says `text`.
    fn sees(&self, text: &str) -> &Person {
        self.terminal.wait_for(text).unwrap();
        self
    }

    /// Waits until the screen does not say `text` any more.
    fn no_longer_sees(&self, text: &str) -> &Person {
        let is_gone = |contents: String| !contents.contains(text);
        self.terminal
            .wait_until(&format!("end of {text:?}"), |parser| is_gone(parser.screen().contents()))
            .unwrap();
        self
    }

    /// Waits for a text in the clipboard, and returns it.
    fn copied(&self) -> String {
        self.terminal.wait_until("copied text", |parser| !parser.callbacks().copied.is_empty()).unwrap();
        self.terminal.screen().callbacks().copied.last().unwrap().clone()
    }

    /// Asserts that the task took at most this number of keys, and quits.
    fn needed_at_most(mut self, keys: usize) {
        assert!(self.keys <= keys, "{} keys instead of {keys}", self.keys);
        // Esc closes the menu after copying.
        self.terminal.press("\x1bq").unwrap();
        assert!(self.terminal.wait_for_end().unwrap().success());
    }
}

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const DOWN: &str = "\x1b[B";

#[test]
fn who_causes_the_bill_and_with_which_files() {
    // From the log files, with an empty cache: the first screen has the answer, the first key the files.
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path().join("new.db");
    let mut person = Person::at(|demo| vec![demo.logs(), "--cache".into(), cache.clone()]);
    person.sees("20,000 requests").sees("▌ 198.51.100.23").sees("12.3 GiB").sees("✓ up to date");
    person.presses(&[ENTER]);
    person.sees("Addresses › 198.51.100.23 › Objects").sees("197 of 20,000");
    person.sees("▌ masters/keynote-2025/full-length-2160p.mov").sees("40.6 %");
    person.sees("masters/making-of-atlas/full-length-2160p.mov").sees("all 3: 197 requests");
    person.needed_at_most(1);
}

#[test]
fn what_is_different_at_the_spike() {
    let mut person = Person::at_the_demo();
    // The timeline of the requests has its peak selected; then the contrast of the selected range.
    person.presses(&["4"]).sees("peak 703 at 04-09 12:00");
    person.presses(&["v"]).sees("04-09 12:00–18:00");
    person.presses(&["d"]).sees("Contrast ").sees("703 requests against 19,297");
    person.sees("SlowDown").sees("198.51.100.77").sees("state/checkpoint.json");
    person.presses(&[ESC]).no_longer_sees("Contrast ");
    person.needed_at_most(4);
}

#[test]
fn a_range_is_selected_on_the_timeline_and_opened() {
    let mut person = Person::at_the_demo();
    person.presses(&["v"]).sees("04-25 18:00–24:00").sees("621 MiB sent");
    person.presses(&["h"]).sees("04-25 12:00–24:00");
    person.presses(&["h"]).sees("04-25 06:00–24:00").sees("1.10 GiB sent");
    person.presses(&["v"]).sees("640 of 20,000").sees("bytes sent per 10 min, UTC");
    person.sees("all 404: 640 requests");
    // Back to the whole month.
    person.presses(&[ESC]).sees("20,000 requests").sees("all 1,154: 20,000 requests");
    person.needed_at_most(5);
}

#[test]
fn who_deleted_the_archive_when_and_from_where() {
    let mut person = Person::at_the_demo();
    person.presses(&["I"]).sees("Investigations");
    person.types("del").sees("Investigations: del");
    person.presses(&[ENTER]).sees("Who deleted which object, when, and from where");
    person.presses(&["/"]).sees("filter operation:");
    person.types("con").presses(&[ENTER]).sees("› con › Requests").sees(" of 20,000");
    // The files, the time, the role and its address.
    person.sees("contract+annex-").sees("04-24 14:2").sees("cleanup-prod").sees("10.4.9.5");
    person.no_longer_sees("invoice-");
    person.needed_at_most(12);
}

#[test]
fn from_a_finding_to_its_requests_and_to_one_with_all_fields() {
    let mut person = Person::at_the_demo();
    person.presses(&["5"]).sees("scraping").sees("mass-deletion").sees("finding 1 of ");
    for rank in 2..=3 {
        if !person.terminal.contents().contains("▌ scraping") {
            person.presses(&[DOWN]).sees(&format!("finding {rank} of "));
        }
    }
    person.sees("▌ scraping").sees("python-requests/2.32.3");
    // Does a client scrape the bucket? The finding names it, and Enter shows what it took.
    person.presses(&[ENTER]).sees("1,666 of 20,000").sees("request 1 of 1,666");
    person.presses(&[ENTER]).sees("host_id").sees("python-requests/2.32.3").sees("Who");
    let first = person.terminal.contents();
    person.presses(&["\x1b[C"]).sees("request 2 of 1,666");
    assert_ne!(first, person.terminal.contents());
    for (key, above) in [(ESC, "TIME ▲"), (ESC, "▌ scraping")] {
        person.presses(&[key]).sees(above);
    }
    person.needed_at_most(8);
}

#[test]
fn the_requests_of_a_role_on_one_day_as_a_csv_file() {
    let mut person = Person::at_the_demo();
    person.types("/etl 04-10").sees("12 requests match");
    person.presses(&[ENTER]).sees("12 of 20,000");
    person.presses(&["4"]).sees("request 1 of 12");
    person.presses(&["e"]).sees("export to tamarin-request.csv");
    person.presses(&[ENTER]).sees("12 rows written to tamarin-request.csv");
    let text = std::fs::read_to_string(person.folder.path().join("tamarin-request.csv")).unwrap();
    let mut rows = text.lines();
    let names = rows.next().unwrap();
    assert!(names.contains("time") && names.contains("requester") && names.contains("host_id"), "{names}");
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows.len(), 12);
    let is_right = |row: &&str| row.contains("2026-04-10T") && row.contains(":assumed-role/etl/");
    assert!(rows.iter().all(is_right), "{text}");
    person.needed_at_most(16);
}

#[test]
fn the_ids_of_the_slowest_request_that_failed_for_aws_support() {
    let mut person = Person::at_the_demo();
    person.types(":sl5x").sees("slowest-5xx");
    person.presses(&[ENTER]).sees("TOTAL TIME ▼").sees("543 of 20,000");
    person.presses(&[ENTER]).sees("S ids").sees("Space shows 9 absent fields");
    person.presses(&["S"]).sees("copied request id and host id for AWS Support");
    let ids = person.copied();
    let values: Vec<&str> = ids.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert!(ids.starts_with("x-amz-request-id: ") && ids.contains("\nx-amz-id-2: "), "{ids}");
    // They are those of the request on the screen.
    assert_eq!(values.len(), 2, "{ids}");
    for value in values {
        person.sees(value);
    }
    person.needed_at_most(10);
}

#[test]
fn a_walk_through_the_folders_takes_a_key_per_level() {
    let mut person = Person::at_the_demo();
    person.presses(&["F"]).sees("by path ▾").sees("▌ masters/");
    let before = person.keys;
    person.presses(&[ENTER]).sees("Folders › masters/").sees("▌ keynote-2025/");
    person.presses(&[ENTER]).sees("Folders › masters/ › keynote-2025/").sees("▌ full-length-2160p.mov");
    person.presses(&[ESC]).sees("by path/2 ▾").sees("▌ keynote-2025/");
    person.presses(&[ESC]).sees("by path ▾").sees("▌ masters/");
    assert_eq!(person.keys - before, 4, "two levels down and up");
    person.needed_at_most(5);
}
