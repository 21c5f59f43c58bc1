//! Colours: the sixteen that every terminal has, chosen to read on dark and on light ground alike.
//! What matters is never told by colour alone, so that nothing is lost with `NO_COLOR`.

use ratatui::style::{Color, Modifier, Style};

/// What the things on the screen look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
    light: bool,
}

impl Theme {
    /// Dark ground, colours.
    pub const DARK: Theme = Theme { colour: true, light: false };
    /// Light ground, colours.
    pub const LIGHT: Theme = Theme { colour: true, light: true };
    /// No colours at all.
    pub const PLAIN: Theme = Theme { colour: false, light: false };

    /// As the environment asks for it: `NO_COLOR` (any text) switches colours off, `COLORFGBG`
    /// (`foreground;background`) tells dark from light ground. `variable` reads the environment.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Theme {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variable("TERM").is_some_and(|value| value == "dumb")
        {
            return Theme::PLAIN;
        }
        let ground = variable("COLORFGBG");
        let ground = ground.as_deref().and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
        match ground {
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

    /// Plain text.
    pub(crate) fn text(self) -> Style {
        Style::new()
    }

    /// What must not draw the eye: rules, absent values, hints.
    pub(crate) fn faint(self) -> Style {
        if self.colour {
            self.coloured(Color::DarkGray, Color::DarkGray)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    /// What is told on the side: labels, units, axis.
    pub(crate) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The name of the program, keys, what can be chosen.
    pub(crate) fn accent(self) -> Style {
        self.coloured(Color::Cyan, Color::Blue)
    }

    /// Bars and sparklines.
    pub(crate) fn bar(self) -> Style {
        self.coloured(Color::Blue, Color::Blue)
    }

    /// Bars inside the brush or under the cursor.
    pub(crate) fn brushed(self) -> Style {
        let style = self.coloured(Color::Yellow, Color::Magenta);
        if self.colour { style } else { style.add_modifier(Modifier::REVERSED) }
    }

    /// Bars of the timeline: `Some(true)` inside the brush, `Some(false)` beside it, `None` without one. Not
    /// reversed: the highest bar would be a hole.
    pub(crate) fn timeline(self, style: Style, is_covered: Option<bool>) -> Style {
        match is_covered {
            Some(true) if self.colour => self.brushed(),
            Some(true) => Style::new().add_modifier(Modifier::BOLD),
            Some(false) if !self.colour => Style::new().add_modifier(Modifier::DIM),
            _ => style,
        }
    }

    /// Headings of tables.
    pub(crate) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The heading under the column cursor.
    pub(crate) fn heading_chosen(self) -> Style {
        self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// The row under the cursor.
    pub(crate) fn selection(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Marked rows.
    pub(crate) fn mark(self) -> Style {
        self.coloured(Color::Magenta, Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// What went wrong.
    pub(crate) fn error(self) -> Style {
        self.coloured(Color::Red, Color::Red)
    }

    /// What should be looked at.
    pub(crate) fn warning(self) -> Style {
        self.coloured(Color::Yellow, Color::Magenta)
    }

    /// What went well.
    pub(crate) fn good(self) -> Style {
        self.coloured(Color::Green, Color::Green)
    }

    /// A filter in the line of filters.
    pub(crate) fn chip(self) -> Style {
        self.accent()
    }

    /// A filter that is switched off.
    pub(crate) fn chip_off(self) -> Style {
        Style::new().add_modifier(Modifier::DIM | Modifier::CROSSED_OUT)
    }

    /// The style of a status.
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
    fn the_environment_chooses() {
        assert_eq!(theme(&[]), Theme::DARK);
        assert_eq!(theme(&[("COLORFGBG", "0;15")]), Theme::LIGHT);
        assert_eq!(theme(&[("COLORFGBG", "15;default;0")]), Theme::DARK);
        assert_eq!(theme(&[("NO_COLOR", "1"), ("COLORFGBG", "0;15")]), Theme::PLAIN);
        assert_eq!(theme(&[("NO_COLOR", "")]), Theme::DARK);
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let plain = Theme::PLAIN;
        for style in [plain.accent(), plain.bar(), plain.error(), plain.warning(), plain.good(), plain.mark()]
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
