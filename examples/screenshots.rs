//! Makes the pictures in `screenshots/`: runs the demo on a pseudo-terminal, sends keys, and draws the screen as SVG.
//!
//! ```text
//! cargo build --release && cargo run --release --example screenshots
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

#[path = "../tests/it/support/terminal.rs"]
mod terminal;

use terminal::Terminal;

/// Size of the terminal, in cells.
const COLUMNS: u16 = 130;
const ROWS: u16 = 34;
/// Size of a cell, in units of the picture.
const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 16.5;
const MARGIN: f64 = 12.0;
const BACKGROUND: &str = "#1b1d23";
const FOREGROUND: &str = "#d5d8df";

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

fn main() -> Result<(), Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let program = program.parent().and_then(Path::parent).ok_or("no target folder")?.join("tamarin");
    let cache = tempfile::tempdir()?;
    let path = cache.path().join("demo.db");
    let arguments = ["demo".as_ref(), "--cache".as_ref(), path.as_os_str()];
    let mut terminal = Terminal::start(&program, &arguments, (COLUMNS, ROWS))?;
    // The whole demo is in the cache.
    terminal.wait_for("✓")?;
    wait_until_unchanged(&terminal);
    for (name, keys) in PICTURES {
        for key in keys {
            terminal.press(key)?;
            wait_until_unchanged(&terminal);
        }
        let path = Path::new("screenshots").join(format!("{name}.svg"));
        std::fs::write(&path, draw(&terminal))?;
        writeln!(std::io::stdout(), "{}", path.display())?;
    }
    terminal.press("q")?;
    terminal.wait_for_end()?;
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

/// The screen as SVG: per run of cells of one style, a rectangle for its background and a text.
fn draw(terminal: &Terminal) -> String {
    let parser = terminal.screen();
    let screen = parser.screen();
    let (width, height) =
        (f64::from(COLUMNS) * CELL_WIDTH + 2.0 * MARGIN, f64::from(ROWS) * CELL_HEIGHT + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
             <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..ROWS {
        let mut column = 0;
        while column < COLUMNS {
            let Some(style) = screen.cell(row, column).map(Style::of) else { break };
            let start = column;
            let mut text = String::new();
            while let Some(cell) = screen.cell(row, column).filter(|cell| Style::of(cell) == style) {
                text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                column += 1;
            }
            let cells = f64::from(column - start);
            let (x, y) = (MARGIN + f64::from(start) * CELL_WIDTH, MARGIN + f64::from(row) * CELL_HEIGHT);
            if style.background != BACKGROUND {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{}\"/>",
                    cells * CELL_WIDTH,
                    style.background
                );
            }
            if !text.trim().is_empty() {
                let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
                let faint = if style.dim { " opacity=\"0.6\"" } else { "" };
                let _ = writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{:.1}\" xml:space=\"preserve\"{weight}{faint}>{}</text>",
                    y + CELL_HEIGHT - 4.0,
                    style.foreground,
                    cells * CELL_WIDTH,
                    escaped(&text)
                );
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[derive(PartialEq)]
struct Style {
    foreground: String,
    background: String,
    bold: bool,
    dim: bool,
}

impl Style {
    fn of(cell: &vt100::Cell) -> Style {
        let mut foreground = colour(cell.fgcolor(), FOREGROUND);
        let mut background = colour(cell.bgcolor(), BACKGROUND);
        if cell.inverse() {
            std::mem::swap(&mut foreground, &mut background);
        }
        Style { foreground, background, bold: cell.bold(), dim: cell.dim() }
    }
}

fn colour(colour: vt100::Color, default: &str) -> String {
    const BASE: [&str; 16] = [
        "#2e323c", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#6b7280",
        "#ef7f88", "#a9d489", "#f0cd8b", "#7dbdf5", "#d491e8", "#6fc6d1", "#f3f4f6",
    ];
    match colour {
        vt100::Color::Default => default.to_owned(),
        vt100::Color::Idx(index) if index < 16 => BASE[usize::from(index)].to_owned(),
        vt100::Color::Idx(index) if index >= 232 => {
            let grey = 8 + 10 * (u16::from(index) - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        vt100::Color::Idx(index) => {
            let part = |value: u8| if value == 0 { 0 } else { 55 + 40 * u16::from(value) };
            let cube = index - 16;
            format!("#{:02x}{:02x}{:02x}", part(cube / 36), part(cube / 6 % 6), part(cube % 6))
        }
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
