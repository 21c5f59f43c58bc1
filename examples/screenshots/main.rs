//! Makes the pictures in `screenshots/`: runs the demo on a pseudo-terminal, sends keys, and draws the screen as SVG.
//!
//! ```text
//! cargo build --release && cargo run --release --example screenshots
//! ```

mod animation;
mod picture;
#[path = "../../tests/it/support/terminal.rs"]
mod terminal;

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use animation::Frame;
use picture::{COLUMNS, DARK, LIGHT, Palette, ROWS};
use terminal::Terminal;

/// The name of each picture, and the keys sent after the previous one.
const PICTURES: [(&str, &[&str]); 8] = [
    ("requesters", &[]),
    ("concentration", &["C"]),
    ("findings", &["\x1b", "5"]),
    // How the worst finding differs from all other requests.
    ("contrast", &["d"]),
    ("objects", &["\x1b", "2"]),
    ("time", &["3"]),
    // The guessed keys: only denied requests, the first finding among them.
    ("burst", &["1", "/", "status:403", "\r", "n"]),
    ("request", &["\x1b", "4", "\r"]),
];

/// The pictures that are also drawn with the light theme.
const LIGHT_PICTURES: [&str; 2] = ["requesters", "findings"];

/// From the bill to the culprit in six keys: the keys, their names, and what the screen then shows.
const STORY: [(&[&str], &str, &str); 6] = [
    (
        &[],
        "",
        "The bill is too high. The first screen: who got the most bytes, what it costs, what looks suspicious.",
    ),
    (&["\r"], "Enter", "What does the first address download? Three films, again and again."),
    (&["d"], "d", "How do its requests differ from all others?"),
    (&["\x1b", "\x1b"], "Esc Esc", "Back to the addresses."),
    (&["m"], "m", "Mark it."),
    (
        &["B"],
        "B",
        "A block list to review: bucket policy, WAF, nftables or CIDRs, and whom else it would hit.",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let program = program.parent().and_then(Path::parent).ok_or("no target folder")?.join("tamarin");
    let folder = tempfile::tempdir()?;
    let demo = Demo { program, cache: folder.path().join("demo.db") };

    let mut terminal = demo.start("dark")?;
    for (name, keys) in PICTURES {
        press(&mut terminal, keys)?;
        save(name, &picture::draw(terminal.screen().screen(), &DARK))?;
    }
    quit(terminal)?;

    let mut terminal = demo.start("light")?;
    for (name, keys) in PICTURES {
        press(&mut terminal, keys)?;
        if LIGHT_PICTURES.contains(&name) {
            save(&format!("{name}-light"), &picture::draw(terminal.screen().screen(), &LIGHT))?;
        }
    }
    quit(terminal)?;

    let mut terminal = demo.start("dark")?;
    let mut frames = Vec::new();
    for (keys, key, caption) in STORY {
        press(&mut terminal, keys)?;
        frames.push(frame(&terminal, key, caption, &DARK));
    }
    save("story", &animation::draw(&frames, &DARK))?;
    press(&mut terminal, &["\x1b"])?;
    quit(terminal)
}

fn frame(terminal: &Terminal, key: &'static str, caption: &'static str, palette: &Palette) -> Frame {
    Frame::new(key, caption, terminal.screen().screen(), palette)
}

/// The demo, with a cache that all runs share.
struct Demo {
    program: PathBuf,
    cache: PathBuf,
}

impl Demo {
    /// Starts the explorer and waits until the whole demo is in the cache and analysed.
    fn start(&self, theme: &str) -> Result<Terminal, Box<dyn Error>> {
        let arguments =
            ["demo".as_ref(), "--theme".as_ref(), theme.as_ref(), "--cache".as_ref(), self.cache.as_os_str()];
        let terminal = Terminal::start(&self.program, &arguments, (COLUMNS, ROWS))?;
        terminal.wait_for("✓")?;
        wait_until_unchanged(&terminal);
        Ok(terminal)
    }
}

fn press(terminal: &mut Terminal, keys: &[&str]) -> Result<(), Box<dyn Error>> {
    for key in keys.iter().filter(|key| !key.is_empty()) {
        terminal.press(key)?;
        wait_until_unchanged(terminal);
    }
    Ok(())
}

/// Waits until the screen has not changed for 0.6 seconds.
fn wait_until_unchanged(terminal: &Terminal) {
    let mut last = String::new();
    let mut quiet = 0;
    while quiet < 6 {
        std::thread::sleep(Duration::from_millis(100));
        let now = terminal.contents();
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
    }
}

fn save(name: &str, svg: &str) -> Result<(), Box<dyn Error>> {
    let path = Path::new("screenshots").join(format!("{name}.svg"));
    std::fs::write(&path, svg)?;
    writeln!(std::io::stdout(), "{}", path.display())?;
    Ok(())
}

fn quit(mut terminal: Terminal) -> Result<(), Box<dyn Error>> {
    terminal.press("q")?;
    terminal.wait_for_end()?;
    Ok(())
}
