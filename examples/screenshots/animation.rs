//! Draws screens one after another as an animated SVG. A row that stays the same on several screens is drawn once.

use std::fmt::Write as _;

use crate::picture::{CELL_HEIGHT, CELL_WIDTH, MARGIN, Palette, ROWS, draw_row, escaped, opening};

/// A screen, and what is said about it in the line below.
pub(crate) struct Frame {
    /// The key that led here; empty for the first screen.
    pub key: &'static str,
    pub caption: &'static str,
    pub rows: Vec<String>,
}

impl Frame {
    pub(crate) fn new(
        key: &'static str,
        caption: &'static str,
        screen: &vt100::Screen,
        palette: &Palette,
    ) -> Frame {
        let rows = (0..ROWS).map(|row| draw_row(screen, row, palette)).collect();
        Frame { key, caption, rows }
    }
}

/// Seconds that a screen stays.
const SECONDS: usize = 4;

pub(crate) fn draw(frames: &[Frame], palette: &Palette) -> String {
    let mut svg = opening(ROWS + 2, palette);
    let count = frames.len();
    svg.push_str("<style>\n");
    for first in 0..count {
        for end in first + 1..=count {
            let _ = writeln!(svg, "{}", visible(first, end, count));
        }
    }
    svg.push_str("</style>\n");
    let mut layer = |first: usize, end: usize, drawn: &str| {
        if !drawn.is_empty() {
            let _ = write!(svg, "<g class=\"f{first}-{end}\">\n{drawn}</g>\n");
        }
    };
    for row in 0..usize::from(ROWS) {
        let mut first = 0;
        while first < count {
            let drawn = &frames[first].rows[row];
            let same = frames[first..].iter().take_while(|frame| frame.rows[row] == *drawn).count();
            layer(first, first + same, drawn);
            first += same;
        }
    }
    for (number, frame) in frames.iter().enumerate() {
        layer(number, number + 1, &caption(frame, palette));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The class of what is visible from screen `first` to the one before screen `end`.
fn visible(first: usize, end: usize, count: usize) -> String {
    let name = format!("f{first}-{end}");
    if end - first == count {
        return format!(".{name} {{}}");
    }
    let percent = |frame: usize| 100.0 * frame as f64 / count as f64;
    let (from, to) = (percent(first), percent(end));
    let seconds = SECONDS * count;
    format!(
        ".{name} {{ animation: {name} {seconds}s step-end infinite }}\n\
         @keyframes {name} {{ 0% {{ visibility: hidden }} {from:.3}% {{ visibility: visible }} \
         {to:.3}% {{ visibility: hidden }} 100% {{ visibility: hidden }} }}"
    )
}

/// The key as a key cap, and the caption.
fn caption(frame: &Frame, palette: &Palette) -> String {
    let top = MARGIN + f64::from(ROWS) * CELL_HEIGHT + 10.0;
    let Palette { background, foreground, .. } = palette;
    let mut svg = String::new();
    let mut x = MARGIN;
    if !frame.key.is_empty() {
        let width = CELL_WIDTH * (frame.key.chars().count() as f64 + 2.0);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"22\" rx=\"4\" fill=\"{foreground}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{background}\" font-weight=\"bold\">{}</text>",
            x + CELL_WIDTH,
            top + 16.0,
            escaped(frame.key)
        );
        x += width + CELL_WIDTH;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{foreground}\">{}</text>",
        top + 16.0,
        escaped(frame.caption)
    );
    svg
}
