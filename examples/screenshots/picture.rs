//! Draws a screen as SVG: per run of cells of one style, a rectangle for its background and a text.

use std::fmt::Write as _;

/// Size of the terminal, in cells.
pub(crate) const COLUMNS: u16 = 130;
pub(crate) const ROWS: u16 = 34;
/// Size of a cell, in units of the picture.
pub(crate) const CELL_WIDTH: f64 = 8.4;
pub(crate) const CELL_HEIGHT: f64 = 16.5;
pub(crate) const MARGIN: f64 = 12.0;

/// The colours of a terminal.
pub(crate) struct Palette {
    pub background: &'static str,
    pub foreground: &'static str,
    base: [&'static str; 16],
}

pub(crate) const DARK: Palette = Palette {
    background: "#1b1d23",
    foreground: "#d5d8df",
    base: [
        "#2e323c", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#6b7280",
        "#ef7f88", "#a9d489", "#f0cd8b", "#7dbdf5", "#d491e8", "#6fc6d1", "#f3f4f6",
    ],
};

pub(crate) const LIGHT: Palette = Palette {
    background: "#fbfbf8",
    foreground: "#2b2f36",
    base: [
        "#2b2f36", "#b3261e", "#3a7d2c", "#96690a", "#1f5fae", "#8a3fa8", "#11757e", "#c3c7ce", "#6b7280",
        "#c9413a", "#4b9140", "#ab7d1c", "#3676c6", "#a057bf", "#238b94", "#ffffff",
    ],
};

/// A picture with the screen.
pub(crate) fn draw(screen: &vt100::Screen, palette: &Palette) -> String {
    let mut svg = opening(ROWS, palette);
    for row in 0..ROWS {
        svg.push_str(&draw_row(screen, row, palette));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The beginning of a picture with space for `rows` rows.
pub(crate) fn opening(rows: u16, palette: &Palette) -> String {
    let width = f64::from(COLUMNS) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL_HEIGHT + 2.0 * MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
             <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
        palette.background
    )
}

/// One row of the screen.
pub(crate) fn draw_row(screen: &vt100::Screen, row: u16, palette: &Palette) -> String {
    let mut svg = String::new();
    let mut column = 0;
    while column < COLUMNS {
        let Some(style) = screen.cell(row, column).map(|cell| Style::of(cell, palette)) else { break };
        let start = column;
        let mut text = String::new();
        while let Some(cell) = screen.cell(row, column).filter(|cell| Style::of(cell, palette) == style) {
            text.push_str(if cell.has_contents() { cell.contents() } else { " " });
            column += 1;
        }
        let width = f64::from(column - start) * CELL_WIDTH;
        let (x, y) = (MARGIN + f64::from(start) * CELL_WIDTH, MARGIN + f64::from(row) * CELL_HEIGHT);
        if style.background != palette.background {
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{}\"/>",
                style.background
            );
        }
        if !text.trim().is_empty() {
            let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
            let faint = if style.dim { " opacity=\"0.6\"" } else { "" };
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{width:.1}\" \
                 xml:space=\"preserve\"{weight}{faint}>{}</text>",
                y + CELL_HEIGHT - 4.0,
                style.foreground,
                escaped(&text)
            );
        }
    }
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
    fn of(cell: &vt100::Cell, palette: &Palette) -> Style {
        let mut foreground = colour(cell.fgcolor(), palette.foreground, palette);
        let mut background = colour(cell.bgcolor(), palette.background, palette);
        if cell.inverse() {
            std::mem::swap(&mut foreground, &mut background);
        }
        Style { foreground, background, bold: cell.bold(), dim: cell.dim() }
    }
}

fn colour(colour: vt100::Color, default: &str, palette: &Palette) -> String {
    match colour {
        vt100::Color::Default => default.to_owned(),
        vt100::Color::Idx(index) if index < 16 => palette.base[usize::from(index)].to_owned(),
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

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
