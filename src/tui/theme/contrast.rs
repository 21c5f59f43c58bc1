//! The contrast of the themes of the program, by the formula of WCAG 2.2: 4.5 for text, 3 for bars and marks.

use ratatui::style::{Color, Style};

use super::themes::{DARK, HIGH_CONTRAST, LIGHT, SIXTEEN_DARK, SIXTEEN_LIGHT, of_program};
use super::{ROLES, Theme};

type Rgb = [u8; 3];

const WHITE: Rgb = [255; 3];
const BLACK: Rgb = [0; 3];
/// The lightest background of a dark terminal that is common (VS Code).
const DARK_GRAY: Rgb = [30; 3];

const TEXT: f64 = 4.5;
const GRAPHICS: f64 = 3.0;
/// Text in the row under the cursor is bold.
const BOLD_TEXT: f64 = 4.0;

/// The first 16 colours in xterm.
const XTERM: [Rgb; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The first 16 colours of the Linux console.
const CONSOLE: [Rgb; 16] = [
    [0, 0, 0],
    [170, 0, 0],
    [0, 170, 0],
    [170, 85, 0],
    [0, 0, 170],
    [170, 0, 170],
    [0, 170, 170],
    [170, 170, 170],
    [85, 85, 85],
    [255, 85, 85],
    [85, 255, 85],
    [255, 255, 85],
    [85, 85, 255],
    [255, 85, 255],
    [85, 255, 255],
    [255, 255, 255],
];

/// What a colour looks like, if the first 16 colours are `palette`; `None`: the terminal decides.
fn rgb(colour: Color, palette: &[Rgb; 16]) -> Option<Rgb> {
    let index: u8 = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some([r, g, b]),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let level = |of: u8| LEVELS[usize::from(of % 6)];
    Some(match index {
        ..16 => palette[usize::from(index)],
        16..232 => [level((index - 16) / 36), level((index - 16) / 6), level(index - 16)],
        232.. => [8 + 10 * (index - 232); 3],
    })
}

fn luminance(colour: Rgb) -> f64 {
    let linear = |part: u8| match f64::from(part) / 255.0 {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    };
    let [r, g, b] = colour.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn roles(name: &str) -> Vec<(&'static str, Style)> {
    let mut theme: Theme = of_program(name).unwrap();
    ROLES.iter().map(|(role, _)| (*role, *theme.role_mut(role).unwrap())).collect()
}

/// Roles whose contrast with a background is too low.
fn unreadable(name: &str, palette: &[Rgb; 16], background: Rgb) -> Vec<String> {
    let of = |(role, style): (&str, Style)| {
        let needed = match role {
            "behind" => return None,
            "bar" | "bar_selected" | "bar_beside" | "mark" => GRAPHICS,
            _ => TEXT,
        };
        let behind = style.bg.and_then(|colour| rgb(colour, palette)).unwrap_or(background);
        let found = contrast(rgb(style.fg?, palette)?, behind);
        (found < needed).then(|| format!("{name}: {role} has {found:.2} on {behind:?}, not {needed}"))
    };
    roles(name).into_iter().filter_map(of).collect()
}

#[test]
fn the_formula_is_that_of_wcag() {
    assert!((contrast(WHITE, BLACK) - 21.0).abs() < 0.001);
    assert!((contrast([118; 3], WHITE) - 4.54).abs() < 0.01);
    assert_eq!(rgb(Color::Indexed(24), &XTERM), Some([0, 95, 135]));
    assert_eq!(rgb(Color::Indexed(245), &XTERM), Some([138; 3]));
}

#[test]
fn every_role_can_be_read_on_the_background_of_its_theme() {
    let mut found = unreadable(LIGHT, &XTERM, WHITE);
    for background in [BLACK, DARK_GRAY] {
        found.extend(unreadable(DARK, &XTERM, background));
    }
    for palette in [&XTERM, &CONSOLE] {
        found.extend(unreadable(SIXTEEN_DARK, palette, BLACK));
        found.extend(unreadable(SIXTEEN_LIGHT, palette, WHITE));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// No colour has a high contrast with both black and white: each has a background of its own.
#[test]
fn high_contrast_can_be_read_on_black_and_on_white() {
    for background in [BLACK, WHITE] {
        let found = unreadable(HIGH_CONTRAST, &XTERM, background);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn cells_in_the_row_under_the_cursor_can_be_read() {
    for name in [DARK, LIGHT] {
        let theme = of_program(name).unwrap();
        for (role, needed) in [
            (theme.text(), BOLD_TEXT),
            (theme.quiet(), BOLD_TEXT),
            (theme.faint(), BOLD_TEXT),
            (theme.accent(), BOLD_TEXT),
            (theme.error(), BOLD_TEXT),
            (theme.warning(), BOLD_TEXT),
            (theme.mark(), GRAPHICS),
            (theme.bar(), GRAPHICS),
        ] {
            let style = theme.selected(role);
            let [colour, behind] =
                [style.fg, style.bg].map(|colour| rgb(colour.unwrap_or_default(), &XTERM).unwrap());
            let found = contrast(colour, behind);
            assert!(found >= needed, "{name}: {role:?} has {found:.2}");
        }
    }
}

#[test]
fn a_bar_in_the_colour_of_a_text_with_a_background_has_the_colour_of_that() {
    let theme = of_program(HIGH_CONTRAST).unwrap();
    assert_eq!(theme.block(theme.error()), Style::new().fg(Color::Red));
    assert_eq!(theme.block(theme.bar()), theme.bar());
}
