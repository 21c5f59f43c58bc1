//! The explorer in a shell that stops it and lets it go on.

use std::path::Path;
use std::time::{Duration, Instant};

use super::support::terminal::Terminal;

/// A shell with job control on a pseudo-terminal. It starts the explorer; when that stops it says `AWAY` and whether
/// the terminal is raw; after a line it goes on with `fg`, and at the end says `ENDED` and the exit code.
const SHELL: &str = r#"
set -m
sh -c 'echo $$ > "$0.new"; mv "$0.new" "$0"; exec "$@"' "$PROCESS" "$TAMARIN" demo --requests 3000 --cache "$CACHE"
while [ $? -gt 128 ]; do
    case "$(stty -a)" in *-icanon*) echo AWAY, RAW ;; *) echo AWAY, COOKED ;; esac
    read line
    fg > /dev/null
done
echo ENDED $?
"#;

struct Shell {
    folder: tempfile::TempDir,
    terminal: Terminal,
}

impl Shell {
    fn start() -> Shell {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let environment = [
            ("TAMARIN", env!("CARGO_BIN_EXE_tamarin").to_owned()),
            ("CACHE", path("demo.db")),
            ("PROCESS", path("process")),
        ];
        let arguments = ["-c".as_ref(), SHELL.as_ref()];
        let terminal = Terminal::start_in(Path::new("/bin/sh"), &arguments, &environment, (130, 34)).unwrap();
        terminal.wait_for("3,000 requests").unwrap();
        terminal.wait_for("▌ 198.51.100.23").unwrap();
        Shell { folder, terminal }
    }

    fn kill(&self, signal: &str) {
        let process = std::fs::read_to_string(self.folder.path().join("process")).unwrap();
        let sent = std::process::Command::new("kill").args([signal, process.trim()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the terminal is as programs find it, or as the explorer has it.
    fn wait_for_modes(&self, is_explorers: bool) {
        let begun = Instant::now();
        loop {
            let modes = {
                let parser = self.terminal.screen();
                let screen = parser.screen();
                [
                    screen.alternate_screen(),
                    screen.hide_cursor(),
                    screen.bracketed_paste(),
                    screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
                ]
            };
            if modes == [is_explorers; 4] {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{modes:?}\n{}", self.terminal.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `fg`; then everything is on the screen again, and every key is heard at once.
    fn goes_on(&mut self) {
        self.terminal.press("\n").unwrap();
        self.terminal.wait_for("3,000 requests").unwrap();
        self.terminal.wait_for("▌ 198.51.100.23").unwrap();
        self.wait_for_modes(true);
        assert!(!self.terminal.contents().contains("AWAY"), "{}", self.terminal.contents());
        self.terminal.press("2").unwrap();
        self.terminal.wait_for("by key ▾").unwrap();
        self.terminal.press("1").unwrap();
        self.terminal.wait_for("by remote_ip ▾").unwrap();
    }

    fn quits(mut self) {
        self.terminal.press("q").unwrap();
        self.terminal.wait_for("ENDED 0").unwrap();
        assert!(self.terminal.wait_for_end().unwrap().success());
        self.wait_for_modes(false);
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() {
    let mut shell = Shell::start();
    // More than once, and in a prompt too.
    for keys in ["\x1a", "\x1a", "/status\x1a"] {
        shell.terminal.press(keys).unwrap();
        shell.terminal.wait_for("AWAY, COOKED").unwrap();
        shell.wait_for_modes(false);
        if keys.len() == 1 {
            shell.goes_on();
        }
    }
    shell.terminal.press("\n").unwrap();
    shell.terminal.wait_for("filter status").unwrap();
    shell.terminal.press("\x1b").unwrap();
    shell.terminal.wait_for("all requests").unwrap();
    shell.quits();
}

#[test]
fn a_stop_signal_leaves_no_alternate_screen_mouse_or_raw_mode_to_the_shell() {
    let mut shell = Shell::start();
    for _ in 0..2 {
        shell.kill("-TSTP");
        shell.terminal.wait_for("AWAY, COOKED").unwrap();
        shell.wait_for_modes(false);
        shell.goes_on();
    }
    shell.quits();
}

#[test]
fn what_was_stopped_without_warning_is_drawn_anew_when_it_goes_on() {
    let mut shell = Shell::start();
    shell.kill("-STOP");
    shell.terminal.wait_for("AWAY").unwrap();
    shell.goes_on();
    shell.quits();
}

#[test]
fn ctrl_z_does_not_stop_for_ever_what_no_shell_can_continue() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("demo.db");
    let arguments =
        ["demo".as_ref(), "--requests".as_ref(), "3000".as_ref(), "--cache".as_ref(), cache.as_os_str()];
    let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
    let mut terminal = Terminal::start(program, &arguments, (130, 34)).unwrap();
    terminal.wait_for("▌ 198.51.100.23").unwrap();
    terminal.press("\x1a").unwrap();
    terminal.wait_for("there is no shell to go back to").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}
