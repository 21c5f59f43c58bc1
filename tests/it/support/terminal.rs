//! Runs a program on a pseudo-terminal: keys in, screen out.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// How long a test waits for a text or for the end of the program. Generous, for busy machines.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A terminal with a running program.
pub(crate) struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _pty: Box<dyn MasterPty + Send>,
    /// Where the program leaves its session, unless the test names a place.
    _state: TempDir,
}

impl Terminal {
    /// Starts a program in a terminal of `size` columns and rows.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&OsStr],
        size: (u16, u16),
    ) -> Result<Terminal, Box<dyn Error>> {
        Terminal::start_in(program, arguments, &[], size)
    }

    /// Starts a program with additional environment variables.
    pub(crate) fn start_in(
        program: &Path,
        arguments: &[&OsStr],
        environment: &[(&str, String)],
        (columns, rows): (u16, u16),
    ) -> Result<Terminal, Box<dyn Error>> {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("TZ", "UTC");
        // This terminal answers no questions, so the explorer would wait for the answer.
        command.env("COLORFGBG", "15;0");
        command.env_remove("NO_COLOR");
        let state = tempfile::tempdir()?;
        command.env("XDG_STATE_HOME", state.path());
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(std::env::current_dir()?);
        let child = pair.slave.spawn_command(command)?;
        let size = NonZeroU16::new(rows).zip(NonZeroU16::new(columns));
        let (rows, columns) = size.ok_or("the terminal has no cells")?;
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let (mut output, shown) = (pair.master.try_clone_reader()?, screen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                shown.lock().process(&buffer[..read]);
            }
        });
        let keyboard = pair.master.take_writer()?;
        Ok(Terminal { screen, keyboard, child, _pty: pair.master, _state: state })
    }

    /// The state of the terminal.
    pub(crate) fn screen(&self) -> MutexGuard<'_, vt100::Parser> {
        self.screen.lock()
    }

    /// The text on the screen.
    pub(crate) fn contents(&self) -> String {
        self.screen().screen().contents()
    }

    /// Sends keys.
    pub(crate) fn press(&mut self, keys: &str) -> Result<(), Box<dyn Error>> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// Waits until the screen contains `text`.
    pub(crate) fn wait_for(&self, text: &str) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        while !self.contents().contains(text) {
            if started.elapsed() > TIMEOUT {
                return Err(format!("{text:?} did not appear; the screen:\n{}", self.contents()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Id of the process.
    #[allow(dead_code, reason = "not all users of this file send signals")]
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.process_id()
    }

    /// Waits until the program has ended.
    pub(crate) fn wait_for_end(&mut self) -> Result<ExitStatus, Box<dyn Error>> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                // Its last output may not have been read yet.
                std::thread::sleep(Duration::from_millis(200));
                return Ok(status);
            }
            if started.elapsed() > TIMEOUT {
                self.child.kill()?;
                return Err(format!("the program did not end; the screen:\n{}", self.contents()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
