//! Styles. Only the 16 colours that every terminal has, readable on dark and on light backgrounds. Colour never is the
//! only sign of anything, so that nothing is lost with `NO_COLOR`.

use ratatui::style::{Color, Modifier, Style};

/// The styles of everything on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
    light: bool,
}

impl Theme {
    /// Colours for a dark background.
    pub const DARK: Theme = Theme { colour: true, light: false };
    /// Colours for a light background.
    pub const LIGHT: Theme = Theme { colour: true, light: true };
    /// No colours.
    pub const PLAIN: Theme = Theme { colour: false, light: false };

    /// The theme that the environment asks for: `NO_COLOR` (not empty) and `TERM=dumb` switch colours off, `COLORFGBG`
    /// (`foreground;background`) contains the background colour. `variable` returns an environment variable.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Theme {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variable("TERM").is_some_and(|value| value == "dumb")
        {
            return Theme::PLAIN;
        }
        let colours = variable("COLORFGBG");
        let background = colours.as_deref().and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
        match background {
            Some(7 | 9..=15) => Theme::LIGHT,
            _ => Theme::DARK,
        }
    }

    fn coloured(self, dark: Color, light: Color) -> Style {
        match (self.colour, self.light) {
            (false, _) => Style::new(),
            (true, false) => Style::new().fg(dark),
            (true, true) => Style::new().fg(light),
        }
    }

    pub(crate) fn text(self) -> Style {
        Style::new()
    }

    /// Frames, absent values, hints.
    pub(crate) fn faint(self) -> Style {
        if self.colour {
            self.coloured(Color::DarkGray, Color::DarkGray)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    /// Labels, units, the position of the cursor.
    pub(crate) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The name of the program, keys, filter terms.
    pub(crate) fn accent(self) -> Style {
        self.coloured(Color::Cyan, Color::Blue)
    }

    pub(crate) fn bar(self) -> Style {
        self.coloured(Color::Blue, Color::Blue)
    }

    /// The range of the brush, or of the row under the cursor.
    pub(crate) fn brushed(self) -> Style {
        let style = self.coloured(Color::Yellow, Color::Magenta);
        if self.colour { style } else { style.add_modifier(Modifier::REVERSED) }
    }

    /// Bars of the timeline: `Some(true)` if highlighted, `Some(false)` if other bars are, `None` if none is. Never
    /// reversed: a reversed full block looks empty.
    pub(crate) fn timeline(self, style: Style, is_highlighted: Option<bool>) -> Style {
        match is_highlighted {
            Some(true) if self.colour => self.brushed(),
            Some(true) => Style::new().add_modifier(Modifier::BOLD),
            Some(false) if !self.colour => Style::new().add_modifier(Modifier::DIM),
            _ => style,
        }
    }

    pub(crate) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The heading under the column cursor.
    pub(crate) fn heading_chosen(self) -> Style {
        self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    pub(crate) fn selection(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn mark(self) -> Style {
        self.coloured(Color::Magenta, Color::Magenta).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn error(self) -> Style {
        self.coloured(Color::Red, Color::Red)
    }

    pub(crate) fn warning(self) -> Style {
        self.coloured(Color::Yellow, Color::Magenta)
    }

    pub(crate) fn good(self) -> Style {
        self.coloured(Color::Green, Color::Green)
    }

    pub(crate) fn chip(self) -> Style {
        self.accent()
    }

    /// A disabled filter term.
    pub(crate) fn chip_off(self) -> Style {
        Style::new().add_modifier(Modifier::DIM | Modifier::CROSSED_OUT)
    }

    pub(crate) fn status(self, status: i64) -> Style {
        match status {
            500.. => self.error(),
            400..500 => self.warning(),
            _ => self.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(pairs: &[(&str, &str)]) -> Theme {
        Theme::from_environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_determines_the_theme() {
        assert_eq!(theme(&[]), Theme::DARK);
        assert_eq!(theme(&[("COLORFGBG", "0;15")]), Theme::LIGHT);
        assert_eq!(theme(&[("COLORFGBG", "15;default;0")]), Theme::DARK);
        assert_eq!(theme(&[("NO_COLOR", "1"), ("COLORFGBG", "0;15")]), Theme::PLAIN);
        assert_eq!(theme(&[("NO_COLOR", "")]), Theme::DARK);
    }

    #[test]
    fn the_plain_theme_has_no_colours() {
        let plain = Theme::PLAIN;
        for style in [plain.accent(), plain.bar(), plain.error(), plain.warning(), plain.good(), plain.mark()]
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
