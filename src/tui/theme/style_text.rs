//! Reads a style as themes write it: `bold #ff8700 on black`.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// The words for modifiers.
pub(crate) const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

/// What a style may contain.
pub(crate) const EXPECTED: &str = "a style has words in any order: bold, dim, italic, underlined, reversed, crossed-out, a \
                                   colour, and `on` with the colour of the background; a colour is #ff8700, a number of the \
                                   256-colour palette, or a name such as red or light-red";

/// Parses a style. An empty text is the style of the terminal.
///
/// # Errors
/// The word that has no meaning, and what is expected.
pub(crate) fn parse(text: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let lower = word.to_ascii_lowercase();
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == lower) {
            style = style.add_modifier(*modifier);
        } else if lower == "on" {
            let Some(name) = words.next() else {
                return Err(format!("a colour must follow \"on\"; {EXPECTED}"));
            };
            set(&mut style.bg, colour(name)?, word)?;
        } else {
            set(&mut style.fg, colour(word)?, word)?;
        }
    }
    Ok(style)
}

fn set(place: &mut Option<Color>, colour: Color, word: &str) -> Result<(), String> {
    match place.replace(colour) {
        None => Ok(()),
        Some(_) => Err(format!("\"{word}\": the style has a colour for this already; {EXPECTED}")),
    }
}

fn colour(word: &str) -> Result<Color, String> {
    Color::from_str(word).map_err(|_| format!("\"{word}\" is neither a colour nor a modifier; {EXPECTED}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_has_colours_and_modifiers_in_any_order() {
        let style = parse("bold #ff8700 on black UNDERLINED").unwrap();
        let expected = Style::new().fg(Color::Rgb(255, 135, 0)).bg(Color::Black);
        assert_eq!(style, expected.add_modifier(Modifier::BOLD | Modifier::UNDERLINED));
        assert_eq!(parse("light-red"), Ok(Style::new().fg(Color::LightRed)));
        assert_eq!(parse("208"), Ok(Style::new().fg(Color::Indexed(208))));
        assert_eq!(parse("  "), Ok(Style::new()));
    }

    #[test]
    fn an_error_names_the_word() {
        assert!(parse("bold reddish").unwrap_err().starts_with("\"reddish\" is neither"));
        assert!(parse("red on").unwrap_err().starts_with("a colour must follow \"on\""));
        assert!(parse("red blue").unwrap_err().starts_with("\"blue\": the style has a colour"));
    }
}
