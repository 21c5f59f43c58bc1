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

/// What a terminal does besides showing text.
#[derive(Default)]
pub(crate) struct Device {
    /// The texts that the program copied to the clipboard (OSC 52).
    pub(crate) copied: Vec<String>,
    /// What the links (OSC 8) open that the program wrote.
    #[allow(dead_code, reason = "not all users of this file look at it")]
    pub(crate) links: Vec<String>,
    /// Whether a link has begun and not ended.
    #[allow(dead_code, reason = "not all users of this file look at it")]
    pub(crate) is_in_link: bool,
    /// Whether a frame has begun and not ended (DEC mode 2026).
    #[allow(dead_code, reason = "not all users of this file look at it")]
    pub(crate) is_in_frame: bool,
    /// Whether the program wants to know when the terminal gets and loses the focus (DEC mode 1004).
    #[allow(dead_code, reason = "not all users of this file look at it")]
    pub(crate) reports_focus: bool,
    /// The colour of the background, as the answer to OSC 11 has it; `None`: it does not answer.
    pub(crate) background: Option<String>,
    /// How often the program asked for it.
    pub(crate) questions: usize,
    /// Answers that the program has not received yet.
    answers: Vec<u8>,
}

impl vt100::Callbacks for Device {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        let text = base64_simd::STANDARD.decode_to_vec(data).unwrap_or_default();
        self.copied.push(String::from_utf8_lossy(&text).into_owned());
    }

    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        last: char,
    ) {
        match (first, parameters, last) {
            (Some(b'?'), [[1004]], 'h' | 'l') => self.reports_focus = last == 'h',
            (Some(b'?'), [[2026]], 'h' | 'l') => self.is_in_frame = last == 'h',
            // Its kind: a VT100 with advanced video.
            (None, _, 'c') if self.background.is_some() => self.answers.extend(b"\x1b[?1;2c"),
            _ => {}
        }
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, parameters: &[&[u8]]) {
        if let [b"8", _, uri @ ..] = parameters {
            let uri = String::from_utf8_lossy(&uri.join(&b';')).into_owned();
            self.is_in_link = !uri.is_empty();
            self.links.extend(Some(uri).filter(|uri| !uri.is_empty()));
        }
        let colour = match parameters {
            [b"10", b"?"] => self.background.as_ref().map(|_| "10;rgb:8080/8080/8080".to_owned()),
            [b"11", b"?"] => {
                self.questions += 1;
                self.background.as_ref().map(|background| format!("11;{background}"))
            }
            _ => None,
        };
        self.answers.extend(colour.iter().flat_map(|colour| format!("\x1b]{colour}\x1b\\").into_bytes()));
    }
}

/// A screen, and what else the terminal has.
type Parser = vt100::Parser<Device>;

/// A terminal with a running program.
pub(crate) struct Terminal {
    screen: Arc<Mutex<Parser>>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    _pty: Box<dyn MasterPty + Send>,
    /// Where the program leaves its session and looks for a configuration, unless the test names a place.
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
        size: (u16, u16),
    ) -> Result<Terminal, Box<dyn Error>> {
        let folder = std::env::current_dir()?;
        Terminal::start_on(Device::default(), &folder, program, arguments, environment, size)
    }

    /// Starts a program in a working directory.
    #[allow(dead_code, reason = "not all users of this file have a working directory")]
    pub(crate) fn start_at(
        folder: &Path,
        program: &Path,
        arguments: &[&OsStr],
        size: (u16, u16),
    ) -> Result<Terminal, Box<dyn Error>> {
        Terminal::start_on(Device::default(), folder, program, arguments, &[], size)
    }

    /// Starts a program in a terminal that answers questions about its colours, with additional environment variables.
    #[allow(dead_code, reason = "not all users of this file need answers")]
    pub(crate) fn start_with_background(
        background: &str,
        program: &Path,
        arguments: &[&OsStr],
        environment: &[(&str, String)],
        size: (u16, u16),
    ) -> Result<Terminal, Box<dyn Error>> {
        let device = Device { background: Some(background.to_owned()), ..Device::default() };
        let environment = [environment, &[("COLORFGBG", String::new())]].concat();
        Terminal::start_on(device, &std::env::current_dir()?, program, arguments, &environment, size)
    }

    fn start_on(
        device: Device,
        folder: &Path,
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
        // Without an answer, the explorer would wait for it.
        command.env("COLORFGBG", "15;0");
        command.env_remove("NO_COLOR");
        // Whatever the terminal of the person who runs the tests can do.
        command.env("FORCE_HYPERLINK", "0");
        let state = tempfile::tempdir()?;
        for name in ["XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, state.path());
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(folder);
        let child = pair.slave.spawn_command(command)?;
        let size = NonZeroU16::new(rows).zip(NonZeroU16::new(columns));
        let (rows, columns) = size.ok_or("the terminal has no cells")?;
        let screen = Arc::new(Mutex::new(Parser::new_with_callbacks(rows, columns, 0, device)));
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer()?));
        let (mut output, shown) = (pair.master.try_clone_reader()?, screen.clone());
        let answering = keyboard.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                let answers = {
                    let mut shown = shown.lock();
                    shown.process(&buffer[..read]);
                    std::mem::take(&mut shown.callbacks_mut().answers)
                };
                if !answers.is_empty() {
                    // Fails only if the program has ended.
                    let mut keyboard = answering.lock();
                    let _ = keyboard.write_all(&answers).and_then(|()| keyboard.flush());
                }
            }
        });
        Ok(Terminal { screen, keyboard, child, _pty: pair.master, _state: state })
    }

    /// The state of the terminal.
    pub(crate) fn screen(&self) -> MutexGuard<'_, Parser> {
        self.screen.lock()
    }

    /// The text on the screen.
    pub(crate) fn contents(&self) -> String {
        self.screen().screen().contents()
    }

    /// Sends keys.
    pub(crate) fn press(&mut self, keys: &str) -> Result<(), Box<dyn Error>> {
        let mut keyboard = self.keyboard.lock();
        keyboard.write_all(keys.as_bytes())?;
        Ok(keyboard.flush()?)
    }

    /// Waits until the screen contains `text`.
    pub(crate) fn wait_for(&self, text: &str) -> Result<(), Box<dyn Error>> {
        self.wait_until(&format!("{text:?} on the screen"), |parser| {
            parser.screen().contents().contains(text)
        })
    }

    /// Waits until `is_so`. `what` describes it in the error.
    pub(crate) fn wait_until(
        &self,
        what: &str,
        is_so: impl Fn(&Parser) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        while !is_so(&self.screen()) {
            if started.elapsed() > TIMEOUT {
                return Err(format!("no {what}; the screen:\n{}", self.contents()).into());
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
                let contents = self.contents();
                self.child.kill()?;
                return Err(format!("the program did not end; the screen:\n{contents}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
