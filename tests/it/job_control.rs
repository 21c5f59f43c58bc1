//! Job control: a shell stops the explorer and continues it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::support::terminal::Terminal;

/// A shell script with job control. It starts the explorer. When the explorer stops, it prints `AWAY` and the mode of the
/// terminal, reads a line, and continues the explorer with `fg`. In the end it prints `ENDED` and the exit code.
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

    /// Waits until the terminal has the modes of the explorer (alternate screen and others) or none of them.
    fn wait_for_modes(&self, are_set: bool) {
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
            if modes == [are_set; 4] {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{modes:?}\n{}", self.terminal.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Continues the explorer with `fg` and checks that it draws the whole screen and reacts to keys.
    fn resume(&mut self) {
        self.terminal.press("\n").unwrap();
        self.terminal.wait_for("3,000 requests").unwrap();
        self.terminal.wait_for("▌ 198.51.100.23").unwrap();
        self.wait_for_modes(true);
        // A process that SIGSTOP stopped never left the alternate screen: the old screen remains until it is drawn again.
        let begun = Instant::now();
        while self.terminal.contents().contains("AWAY") {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", self.terminal.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.terminal.press("2").unwrap();
        self.terminal.wait_for("by key ▾").unwrap();
        self.terminal.press("1").unwrap();
        self.terminal.wait_for("by remote_ip ▾").unwrap();
    }

    fn quit(mut self) {
        self.terminal.press("q").unwrap();
        self.terminal.wait_for("ENDED 0").unwrap();
        assert!(self.terminal.wait_for_end().unwrap().success());
        self.wait_for_modes(false);
    }
}

#[test]
fn ctrl_z_returns_to_the_shell_and_fg_to_the_explorer() {
    let mut shell = Shell::start();
    // Several times, the last time in a prompt.
    for keys in ["\x1a", "\x1a", "/status\x1a"] {
        shell.terminal.press(keys).unwrap();
        shell.terminal.wait_for("AWAY, COOKED").unwrap();
        shell.wait_for_modes(false);
        if keys.len() == 1 {
            shell.resume();
        }
    }
    shell.terminal.press("\n").unwrap();
    shell.terminal.wait_for("filter status").unwrap();
    shell.terminal.press("\x1b").unwrap();
    shell.terminal.wait_for("all requests").unwrap();
    shell.quit();
}

#[test]
fn after_sigtstp_the_shell_has_no_alternate_screen_mouse_or_raw_mode() {
    let mut shell = Shell::start();
    for _ in 0..2 {
        shell.kill("-TSTP");
        shell.terminal.wait_for("AWAY, COOKED").unwrap();
        shell.wait_for_modes(false);
        shell.resume();
    }
    shell.quit();
}

#[test]
fn after_sigstop_the_explorer_draws_the_screen_again() {
    let mut shell = Shell::start();
    shell.kill("-STOP");
    shell.terminal.wait_for("AWAY").unwrap();
    shell.resume();
    shell.quit();
}

#[test]
fn without_a_shell_ctrl_z_does_not_stop_the_explorer() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("demo.db");
    let arguments =
        ["demo".as_ref(), "--requests".as_ref(), "3000".as_ref(), "--cache".as_ref(), cache.as_os_str()];
    let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
    let mut terminal = Terminal::start(program, &arguments, (130, 34)).unwrap();
    terminal.wait_for("▌ 198.51.100.23").unwrap();
    terminal.press("\x1a").unwrap();
    terminal.wait_for("there is no shell to return to").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}
